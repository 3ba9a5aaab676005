#ifndef WEIR_SQL_CATALOG_H
#define WEIR_SQL_CATALOG_H

#include "host/sql/ast.h"
#include "runtime/base/error.h"
#include "runtime/column/type.h"

/* What a session knows by name: tables, views and options that were SET. It outlives statements and
   owns all memory behind it; a definition is one block that dies at DROP. Names are case-sensitive.
   Not thread-safe. */

struct weir_source;

struct weir_table_column {
    const char *name;
    struct weir_type type;
    enum weir_ast_column_kind kind;   /* METADATA columns are refused by CREATE TABLE */
    const struct weir_ast_expr *expr; /* COMPUTED; over the columns before it and physical ones */
    const char *comment;              /* or NULL */
    bool primary_key;
    int physical; /* PHYSICAL: its number in the table's physical schema, else -1 */
};

struct weir_table_option {
    const char *key, *value;
    struct weir_pos key_pos, value_pos; /* in def.file_name */
};

/* A table, or a view when `view` is set. Immutable. */
struct weir_table_def {
    const char *name;
    const char *file_name; /* of the CREATE statement, for messages about its options */
    struct weir_pos pos;
    bool temporary;
    const char *comment; /* or NULL */

    int n_columns; /* all, in the order of the statement */
    struct weir_table_column *column;
    struct weir_schema physical; /* what a connector reads or writes; computed columns left out */
    int rowtime;                 /* column the WATERMARK is on, -1: none */
    int64_t watermark_us;        /* its delay */
    const char *watermark_text;  /* "`ts` - INTERVAL '5' SECOND"; or NULL */

    int n_options;
    struct weir_table_option *option;

    const struct weir_ast_query *view; /* VIEW: its query */
    int n_view_columns;                /* CREATE VIEW v (a, b): names; 0: the query's own */
    const char *const *view_column;

    const char *ddl;            /* the CREATE statement on one line; NULL for a registered source */
    struct weir_source *source; /* registered by the API: owned by the catalog, else NULL */
    struct weir_arena arena;    /* holds everything above, and this struct */
};

/* The value of option KEY, or NULL. */
const struct weir_table_option *weir_table_option(const struct weir_table_def *def,
                                                  const char *key);

struct weir_setting {
    char *key, *value;
};

struct weir_catalog {
    size_t n_defs, cap_defs;
    struct weir_table_def **def; /* tables and views, sorted by name */
    size_t n_settings, cap_settings;
    struct weir_setting *setting; /* sorted by key */
};

void weir_catalog_init(struct weir_catalog *c);
void weir_catalog_release(struct weir_catalog *c);

/* NULL: unknown. */
const struct weir_table_def *weir_catalog_find(const struct weir_catalog *c, const char *name);
/* The known table or view whose name is nearest to NAME, or NULL. */
const char *weir_catalog_nearest(const struct weir_catalog *c, const char *name);

/* A table whose rows come from SOURCE (schema and all). The catalog owns SOURCE from a successful
   return on: it is freed when the table is dropped or replaced, and at the end. A second
   registration of a name replaces the first. Returns 0, WEIR_ERR_NOMEM, or WEIR_ERR_INVALID for a
   name that is empty or that of a table made by SQL. */
int weir_catalog_register(struct weir_catalog *c, const char *name, struct weir_source *source,
                          struct weir_error *err) WEIR_NODISCARD;

/* SET and RESET. Values and keys are copied. get: NULL when not set. VALUE NULL resets KEY; KEY
   NULL resets everything. */
const char *weir_catalog_get(const struct weir_catalog *c, const char *key);
int weir_catalog_set(struct weir_catalog *c, const char *key, const char *value,
                     struct weir_error *err) WEIR_NODISCARD;

/* For the binder: put DEF in (the catalog owns it from a successful return on), replacing one of
   the same name; take one out (false: there was none). */
int weir_catalog_put(struct weir_catalog *c, struct weir_table_def *def,
                     struct weir_error *err) WEIR_NODISCARD;
bool weir_catalog_drop(struct weir_catalog *c, const char *name);
struct weir_table_def *weir_table_def_new(void); /* empty, with its arena; NULL: out of memory */
void weir_table_def_free(struct weir_table_def *def); /* NULL is allowed */

#endif
