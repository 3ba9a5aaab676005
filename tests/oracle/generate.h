#ifndef WEIR_TESTS_ORACLE_GENERATE_H
#define WEIR_TESTS_ORACLE_GENERATE_H

/* Random queries over a schema. `shape` decides everything that a compiled kernel would depend on;
   `constant` only the values of literals, whose bounds come from `shape`: the same shape seed with
   another constant seed is the same query with other literals. */

#include "ast.h"

enum class {
    class_bool,
    class_int,
    class_decimal,
    class_float,
    class_number,
    class_string,
    class_date,
    class_time,
    class_zoned, /* TIMESTAMP_LTZ */
    class_clock, /* TIME */
    class_bytes
};
enum { class_count = class_bytes + 1, max_leaves = 48 };

struct leaf {
    struct expr *expr;
    const struct column *domain; /* where constants to compare it with come from, or NULL */
};

/* What an expression may refer to, and what is asked of it. */
struct scope {
    struct pool *pool;
    struct rng *shape, *constant;
    int n;
    struct leaf leaf[max_leaves];
    bool exact;      /* nothing inexact: the value decides something */
    bool allow_fail; /* expressions that may fail are welcome */
};

struct expr *generate_expr(struct scope *s, enum class c, int depth);
struct expr *generate_bool(struct scope *s, int depth);
/* An expression of any class, preferring those that have leaves. */
struct expr *generate_any(struct scope *s, int depth);
/* A column or aggregate of the class that the scope allows; NULL: none. */
struct expr *pick_leaf(struct scope *s, enum class c);
struct expr *generate_constant(struct scope *s, struct type type, const struct column *domain);
bool class_has(enum class c, enum kind k);
/* Fill in what is known of E from its operands. */
void analyse(struct expr *e);
struct expr *unary(struct scope *s, enum op op, struct type type, struct expr *a);
struct expr *binary(struct scope *s, enum op op, struct type type, struct expr *a, struct expr *b);
/* A literal to compare E with, from E's own domain if E is a column. */
struct expr *literal_for(struct scope *s, const struct expr *e);
/* CAST or TRY_CAST of a text column; NULL: the scope has none. */
struct expr *cast_of_text(struct scope *s, struct type to);
struct expr *generate_case(struct scope *s, enum class c, int depth);
struct expr *generate_call(struct scope *s, enum class c, int depth);

struct query *generate_query(const struct database *db, struct pool *pool, struct rng *shape,
                             struct rng *constant);

#endif
