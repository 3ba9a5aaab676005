#ifndef WEIR_TESTS_ORACLE_AST_H
#define WEIR_TESTS_ORACLE_AST_H

/* Queries as trees, made by generate_*.c, printed for Weir and for SQLite by print_*.c, cut down by
 * minimize.c. */

#include "data.h"

enum op {
    op_column,
    op_const,
    op_add,
    op_sub,
    op_mul,
    op_div,
    op_mod,
    op_neg,
    op_eq,
    op_ne,
    op_lt,
    op_le,
    op_gt,
    op_ge,
    op_and,
    op_or,
    op_not,
    op_is_null,
    op_is_not_null,
    op_is_true,
    op_is_not_true,
    op_is_false,
    op_is_distinct, /* IS DISTINCT FROM */
    op_in,          /* kid[0] in kid[1..] */
    op_not_in,
    op_between,
    op_like, /* kid[0] LIKE kid[1] [ESCAPE '!'] */
    op_case, /* when, then, when, then, …, else (odd count) or no else (even); param: CASE x WHEN */
    op_coalesce,
    op_nullif,
    op_cast,
    op_try_cast,
    op_call,      /* function `param` of functions.h */
    op_aggregate, /* enum aggregate `param` of kid[0] (COUNT(*) without), FILTER kid[1] */
};

struct expr {
    enum op op;
    struct type type;
    int n;
    struct expr **kid;
    int param;     /* op_column: 1, a scalar sub-query */
    bool distinct; /* aggregates */
    struct value value;
    const char *weir, *sqlite; /* op_column: what to print */

    /* What is known of every value, for every data set of the schema. */
    i128 lo, hi;    /* exact types, DATE, TIMESTAMP */
    double largest; /* floats: of the absolute value */
    bool may_fail;  /* an error for some rows: overflow, division by zero, bad cast */
    bool inexact;   /* the last bits are not defined: sums of floats, EXP … */
    bool ascii;     /* STRING */
    bool not_null;
    int max_length; /* STRING, code points */
};

struct item {
    struct expr *expr;
    char name[16]; /* "o0" */
};

enum relation_kind { rel_table, rel_query, rel_values, rel_tumble, rel_hop, rel_cumulate };
enum join { join_first, join_inner, join_left, join_right, join_full, join_cross };

enum form { form_inline, form_view, form_with };

struct query;

struct relation {
    enum relation_kind kind;
    enum join join;
    int alias;                 /* a0, a1, … unique in the statement */
    const struct table *table; /* table, windows */
    struct query *query;
    enum form form; /* of the sub-query */
    int n_values, n_value_columns;
    struct expr **values;      /* [n_values * n_value_columns] constants */
    int64_t size_ms, slide_ms; /* windows; CUMULATE: slide_ms is the step */
    bool old_style;            /* GROUP BY TUMBLE(…) instead of TABLE(TUMBLE(…)) */
    const struct column *time; /* windows: the time column */
    int n_keys;
    struct expr *left_key[2], *right_key[2];
    struct expr *residual; /* rest of the ON clause, or NULL */
};

/* A conjunct of WHERE that is a sub-query over one table. */
enum membership { member_in, member_not_in, member_exists, member_not_exists };
struct member {
    enum membership kind;
    int alias;
    const struct table *table;
    int n_keys;
    struct expr *outer_key[2], *inner_key[2];
    struct expr *filter; /* over the inner table, or NULL */
};

enum set { set_union_all, set_union, set_intersect, set_except };

struct order {
    int item;
    bool descending;
    int nulls; /* 0: default, 1: FIRST, 2: LAST */
};

enum { max_relations = 4, max_items = 8, max_members = 2, max_group_keys = 4 };

struct query {
    int n_relations;
    struct relation relation[max_relations];
    struct expr *where;
    int n_members;
    struct member member[max_members];
    bool grouped;
    int n_keys;
    struct expr *key[max_group_keys];
    struct expr *having;
    int n_items;
    struct item item[max_items];
    bool distinct;      /* SELECT DISTINCT */
    struct query *next; /* the next arm of the set operation that Q begins */
    enum set set;       /* which one, where there is a next arm; the same for all arms */
    int n_order;
    struct order order[max_items];
    int64_t limit; /* -1: none */
    int64_t offset;
    bool may_fail; /* some expression may */
};

struct expr *expr_new(struct pool *p, enum op op, struct type type, int n);
/* Is a column of the relation that a window adds. */
bool query_has_window(const struct query *q);

#endif
