#ifndef WEIR_TESTS_ORACLE_DATA_H
#define WEIR_TESTS_ORACLE_DATA_H

/* Random schemas and data. A column is drawn from a domain whose bounds are part of the schema, not
   of the data: the generator of queries proves with them that an expression cannot overflow, and
   the proof holds for every data set of the schema. */

#include "type.h"

enum { max_tables = 3, max_columns = 10 };

enum style {
    style_few, /* a handful of values: keys with many duplicates, one of them much more frequent */
    style_range,   /* uniform over [lo, hi] */
    style_extreme, /* uniform, and often lo, hi, 0 or a neighbour of these */
};

struct column {
    char name[16]; /* "c0" */
    struct type type;
    enum style style;
    i128 lo,
        hi; /* integers, DECIMAL (unscaled), DATE, TIMESTAMP, TIME, BOOLEAN; for FLOAT, DOUBLE: see
                    unit */
    double unit;       /* a float is x * unit for x in [lo, hi], exactly representable */
    uint32_t nulls;    /* percent */
    bool ascii;        /* STRING: only ASCII */
    uint32_t alphabet; /* STRING: which words */
};

struct table {
    char name[16]; /* "t0" */
    int n_columns;
    struct column column[max_columns];
    int rows;
    struct value *cell; /* [rows * n_columns], row after row; strings are in the data set's pool */
};

struct database {
    int n_tables;
    struct table table[max_tables];
    struct pool strings;
};

/* Draw a schema. Every table has a TIMESTAMP(3) column without NULLs as its last. */
void database_schema(struct database *db, struct rng *r);
/* Draw rows for the schema: empty tables, one row, some, now and then up to MAX_ROWS. Replaces
 * older rows. */
void database_fill(struct database *db, struct rng *r, int max_rows);
void database_free(struct database *db);

/* A random value of the column's domain, never NULL. Strings come from POOL or are static. */
struct value column_value(const struct column *c, struct rng *r, struct pool *pool);

/* CREATE TEMPORARY VIEW t0 AS SELECT … FROM (VALUES …): the data as a script that needs nothing
 * else. */
void database_script(const struct database *db, struct text *out);

#endif
