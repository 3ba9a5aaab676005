#ifndef WEIR_SQL_BIND_IMPL_H
#define WEIR_SQL_BIND_IMPL_H

/* What the files of the binder share; nobody else includes this.

   Functions that make something return NULL (or false) after a failure, which is then in
   binder.status and the caller's error; nothing needs to be freed, all memory is the arena's.

   While a query block is being bound its expressions may refer to things that have no column yet.
   They are COLUMN expressions with a number from one of the ranges below, and are replaced when
   the node that has the column is made (bind_rewrite). */

#include "host/sql/bind.h"
#include "host/sql/parse.h"

enum {
    COL_OUTER = 1 << 24,    /* + column of the enclosing query's node */
    COL_AGG = 2 << 24,      /* + number in scope.agg */
    COL_SUB = 3 << 24,      /* + SUB_VALUES * number in scope.sub + which of its values */
    COL_GROUPING = 4 << 24, /* + number in scope.grouping */
    COL_WINDOW = 5 << 24,   /* + enum window_part: of the GROUP BY TUMBLE(...) of this block */
    COL_MASK = (1 << 24) - 1,
    SUB_VALUES = 64,
};

enum window_part { WINDOW_START, WINDOW_END, WINDOW_ROWTIME };

/* What a column stands for beyond its value, as long as it is passed on unchanged. */
enum column_role { ROLE_NONE, ROLE_WINDOW_START, ROLE_WINDOW_END, ROLE_WINDOW_TIME };

struct column {
    const char *name;
    const char *table; /* its alias in FROM, or NULL */
    struct weir_type type;
    int index;    /* in the node's schema */
    uint8_t role; /* enum column_role */
    bool late;    /* a window's end that came by a join's build side: rows of it may still follow */
    const struct group_window *window; /* where role is set: start and time are at fixed distances
                                          from the end of the same window; NULL: they are not */
    bool hidden; /* the second one of a USING pair: only by its qualified name */
};

/* A plan node with the columns that can be named. The node may have more columns than that. */
struct rel {
    struct weir_node *node;
    int n, cap;
    struct column *col;
};

/* A sub-query waiting to be joined to the block that uses it. Left keys are expressions of the
   block, right keys of RIGHT; the residual refers to RIGHT's columns by number and to the block's
   by COL_OUTER. */
struct subjoin {
    enum weir_join_type type;
    struct weir_node *right;
    int n_keys;
    struct weir_expr **left_key, **right_key;
    struct weir_expr *residual;
    bool early; /* used below the aggregation (in an aggregate's argument or a key) */
    int value;  /* the first column of RIGHT that is a value */
    bool joined;
    int column; /* where the first value is, once joined */
};

struct group_window {
    struct weir_pos pos;
    uint8_t kind;     /* enum weir_window_kind */
    const char *name; /* TUMBLE, HOP */
    int time_column;
    struct weir_type time_type;
    int64_t size_us, slide_us, offset_us;
    int end_column; /* of the WINDOW node */
    bool fixed;     /* all windows have the size */
};

struct alias {
    const char *name;
    struct weir_expr *expr;
};

/* A query block (or a clause of one) in which expressions are bound. */
struct scope {
    struct rel rel;
    struct scope *outer; /* of the enclosing query: its columns are correlated ones */
    bool correlated;     /* they are allowed right now */
    const char *clause;  /* "WHERE", for messages */

    bool agg_ok, in_agg; /* aggregates are allowed here; this is the argument of one */
    int n_agg, cap_agg;
    struct weir_agg *agg;

    bool sub_ok;        /* sub-queries are allowed here */
    bool early;         /* they are joined below the aggregation */
    bool null_is_false; /* a condition of WHERE or HAVING, reached through AND and OR only */
    int n_sub, cap_sub;
    struct subjoin *sub;

    int n_grouping, cap_grouping;
    struct weir_expr **grouping; /* nodes that only hold the arguments of GROUPING(...) */

    const struct group_window *window; /* of GROUP BY TUMBLE(...), or NULL */
    int n_alias;
    const struct alias *alias; /* select items that ORDER BY and GROUP BY may name; or none */
    bool alias_first;          /* before (ORDER BY) or after (GROUP BY) the input's columns */

    int n_corr, cap_corr;
    struct weir_expr **corr; /* correlated conjuncts of WHERE, for the enclosing query's join */
};

struct cte {
    struct cte *next;
    const struct weir_ast_cte *ast;
};

bool bind_is_outer(int column, const void *ctx); /* a COL_OUTER; for bind_uses */

struct binder {
    struct weir_catalog *catalog;
    struct weir_arena *arena;
    const struct weir_bind_callbacks *cb;
    struct weir_bound *out;
    struct weir_error *err;
    const char *file;
    int status; /* 0 until the first failure */
    bool dry;   /* only check: no source is opened, scans have none */
    int view_depth;
    struct weir_pos from; /* where the outermost view being bound is named; line 0: none */
    int n_relations;      /* table references so far, against exploding views */
    struct cte *ctes;     /* visible WITH names, innermost first */
    int cap_sources;
    int cap_values;
};

/* ---- errors, memory (bind_util.c) ---- */

/* WEIR_ERR_BIND, or WEIR_ERR_UNSUPPORTED, at POS; return NULL. Only the first failure counts. */
void *bind_fail(struct binder *b, const struct weir_pos *pos, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
void *bind_unsupported(struct binder *b, const struct weir_pos *pos, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
void *bind_nomem(struct binder *b);
void *bind_alloc(struct binder *b, size_t n, size_t size); /* zeroed array */
/* Room for one more item behind ITEMS[0..n): the array to use from now on. */
void *bind_grow(struct binder *b, void *items, int n, int *cap, size_t size);
const char *bind_strdup(struct binder *b, const char *s);
const char *bind_type_text(struct binder *b, struct weir_type t); /* without NOT NULL */
bool bind_word_is(const char *s, const char *word);               /* ASCII, any case */

/* ---- making expressions (bind_util.c) ---- */

struct weir_expr *bind_new(struct binder *b, enum weir_op op, struct weir_type t,
                           struct weir_pos pos, int n, struct weir_expr *a0, struct weir_expr *a1,
                           struct weir_expr *a2);
struct weir_expr *bind_new_n(struct binder *b, enum weir_op op, struct weir_type t,
                             struct weir_pos pos, int n); /* arguments to be filled in */
struct weir_expr *bind_const(struct binder *b, const struct weir_value *v, struct weir_pos pos);
struct weir_expr *bind_column(struct binder *b, int column, struct weir_type t,
                              struct weir_pos pos);
struct weir_expr *bind_const_i64(struct binder *b, struct weir_type t, int64_t v,
                                 struct weir_pos pos);
struct weir_expr *bind_null(struct binder *b, struct weir_type t, struct weir_pos pos);
struct weir_expr *bind_bool(struct binder *b, bool v, struct weir_pos pos);
struct weir_expr *bind_not(struct binder *b, struct weir_expr *e);
struct weir_expr *bind_is_null(struct binder *b, struct weir_expr *e);
/* AND or OR of N >= 1 operands as a balanced tree. */
struct weir_expr *bind_chain(struct binder *b, enum weir_op op, struct weir_expr **e, int n);
struct weir_type bind_boolean_type(bool nullable);

/* Does E use a column that TEST says yes to? */
bool bind_uses(const struct weir_expr *e, bool (*test)(int column, const void *ctx),
               const void *ctx);
bool bind_is_constant(const struct weir_expr *e); /* no column, nothing volatile below it */
/* The value of a constant expression as a CONST; NULL with the error of evaluating it. */
struct weir_expr *bind_fold(struct binder *b, struct weir_expr *e);
/* The same; an error of evaluating it is only told in WHY (b->status stays 0). */
struct weir_expr *bind_try_fold(struct binder *b, struct weir_expr *e, struct weir_error *why);

/* Replace parts of an expression: LEAF is called for each node from the top; it returns what to put
   in its place, or NULL to go on below it (or after a failure). Shared parts stay shared. */
struct rewrite {
    struct binder *b;
    struct weir_expr *(*leaf)(struct rewrite *r, struct weir_expr *e);
    void *ctx;
    int shift;
    size_t n_memo, cap_memo;
    struct weir_expr **memo; /* pairs: old, new */
};
struct weir_expr *bind_rewrite(struct rewrite *r, struct weir_expr *e);
struct weir_expr *bind_shift(struct binder *b, struct weir_expr *e, int shift);
/* Refuse what would be too deep or too large for those who walk it. */
bool bind_check_size(struct binder *b, const struct weir_expr *e);

/* ---- types (bind_type.c) ---- */

bool bind_common_type(struct weir_type a, struct weir_type b, struct weir_type *out);
/* The same for a comparison, which loses no digit of an integer. */
bool bind_compare_type(struct weir_type a, struct weir_type b, struct weir_type *out);
/* Exact numbers that no DECIMAL(38, s) holds both of: bind_compare then takes a detour. */
bool bind_too_wide(struct weir_type a, struct weir_type b);
bool bind_can_cast(struct weir_type from, struct weir_type to);
bool bind_can_assign(struct weir_type from, struct weir_type to); /* INSERT INTO, without a CAST */
/* E as type T (T's nullability is ignored), with a CAST where one is needed. */
struct weir_expr *bind_cast(struct binder *b, struct weir_expr *e, struct weir_type t);
bool bind_type(struct binder *b, const struct weir_ast_type *a, struct weir_type *out);
/* All N expressions as their common type; WHAT ("the branches of CASE") for the message. */
bool bind_unify(struct binder *b, struct weir_expr **e, int n, const char *what,
                struct weir_type *out);
struct weir_expr *bind_compare(struct binder *b, enum weir_op op, struct weir_expr *l,
                               struct weir_expr *r, struct weir_pos pos);
/* Make L and R comparable: both of one type. False with an error that shows OP. */
bool bind_comparable(struct binder *b, struct weir_expr **l, struct weir_expr **r, const char *op,
                     struct weir_pos pos);
struct weir_expr *bind_arith(struct binder *b, enum weir_op op, struct weir_expr *l,
                             struct weir_expr *r, struct weir_pos pos);
struct weir_expr *bind_literal(struct binder *b, const struct weir_ast_expr *a);

/* Times and intervals (bind_time.c). */
bool bind_is_time(struct weir_type t); /* DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ */
struct weir_expr *bind_add_interval(struct binder *b, enum weir_op op, struct weir_expr *time,
                                    struct weir_expr *interval, struct weir_pos pos);
/* The integer E as wide as T is in memory. */
struct weir_expr *bind_as_physical(struct binder *b, struct weir_expr *e, struct weir_type t);

/* ---- expressions (bind_expr.c, bind_call.c) ---- */

struct weir_expr *bind_expr(struct binder *b, struct scope *s, const struct weir_ast_expr *a);
/* The same as a whole, of a clause: checked for size. */
struct weir_expr *bind_top(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                           const char *clause);
struct weir_expr *bind_predicate(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                                 const char *clause); /* BOOLEAN */
struct weir_expr *bind_call(struct binder *b, struct scope *s, const struct weir_ast_expr *a);
struct weir_expr *bind_function(struct binder *b, const char *name, struct weir_pos pos, int n,
                                struct weir_expr **arg);
bool bind_is_internal(const struct weir_function *f); /* reached by special syntax only */
struct weir_expr *bind_coalesce(struct binder *b, struct weir_expr **e, int n, struct weir_pos pos);
struct weir_expr *bind_in_list(struct binder *b, struct weir_expr *x, struct weir_expr **e, int n,
                               struct weir_pos pos);
bool bind_is_aggregate(const struct weir_ast_call *c);
struct weir_expr *bind_aggregate(struct binder *b, struct scope *s, const struct weir_ast_expr *a);
bool bind_interval(struct binder *b, const struct weir_ast_expr *a, const char *what,
                   int64_t *us); /* a literal of days, hours, ... > 0 or >= 0 */

/* ---- names (bind_scope.c) ---- */

struct column *bind_resolve(struct binder *b, struct scope *s, const struct weir_ast_name *name,
                            bool *outer);
bool bind_add_column(struct binder *b, struct rel *r, struct column c);
/* R's columns under the name ALIAS, renamed to COLUMNS when there are some. */
bool bind_rename(struct binder *b, struct rel *r, const struct weir_ast_ident *alias,
                 const struct weir_ast_idents *columns);
const char *bind_table_name(struct binder *b, const struct weir_ast_name *name); /* last part */

/* ---- queries ---- */

struct rel *bind_query(struct binder *b, const struct weir_ast_query *q, struct scope *outer);
struct rel *bind_body(struct binder *b, const struct weir_ast_body *body, struct scope *outer);
struct rel *bind_select(struct binder *b, const struct weir_ast_query *q,
                        const struct weir_ast_select *sel, const struct weir_pos *pos,
                        struct scope *outer); /* Q: for its ORDER BY and LIMIT, or NULL */
struct rel *bind_from(struct binder *b, const struct weir_ast_table_ref *t, struct scope *outer);
/* WHERE: filters and joins on S's node; correlated conjuncts go to S's corr. */
bool bind_where(struct binder *b, struct scope *s, const struct weir_ast_expr *where);
/* A condition as its conjuncts in OUT[*N]; IN and EXISTS among them become waiting sub-joins. */
bool bind_conjuncts(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                    const char *clause, struct weir_expr ***out, int *n, int *cap);
struct rel *bind_values(struct binder *b, const struct weir_ast_exprs *rows,
                        const struct weir_pos *pos);
bool bind_keep_values(struct binder *b, struct weir_node *node); /* before it gets its batch */
struct rel *bind_one_row(struct binder *b, struct weir_pos pos);
struct rel *bind_scan(struct binder *b, const struct weir_table_def *def, struct weir_pos pos,
                      const struct weir_ast_hints *hints);
struct rel *bind_window_tvf(struct binder *b, const struct weir_ast_expr *call);
struct weir_node *bind_window_node(struct binder *b, struct weir_node *in, struct group_window *w);

/* Nodes. */
struct weir_node *bind_node(struct binder *b, enum weir_node_kind kind, int n_inputs, int n_columns,
                            struct weir_pos pos);
/* A new name for R's column I, in the node too, which nobody else uses yet. */
void bind_rename_column(struct rel *r, int i, const char *name);
struct weir_node *bind_filter(struct binder *b, struct weir_node *in, struct weir_expr *predicate);
struct weir_node *bind_project(struct binder *b, struct weir_node *in, int n, struct weir_expr **e,
                               const char *const *name, struct weir_pos pos);
struct weir_node *bind_join(struct binder *b, enum weir_join_type type, struct weir_node *l,
                            struct weir_node *r, struct weir_pos pos);
bool bind_join_keys(struct binder *b, struct weir_node *join, int n, struct weir_expr **l,
                    struct weir_expr **r);
struct weir_node *bind_distinct(struct binder *b, struct weir_node *in, struct weir_pos pos);
struct weir_node *bind_union(struct binder *b, struct weir_node **in, int n, struct weir_pos pos);
/* R's columns cast to TYPES where they differ. */
bool bind_cast_columns(struct binder *b, struct rel *r, const struct weir_type *types,
                       struct weir_pos pos);
bool bind_limit(struct binder *b, const struct weir_ast_query *q, struct rel *r, int n_keys,
                struct weir_sort_key *keys);
/* Q's ORDER BY and LIMIT over R's output columns. */
bool bind_order_output(struct binder *b, const struct weir_ast_query *q, struct rel *r);
bool bind_nulls_first(const struct weir_ast_order *o);

/* Grouping (bind_group.c). */
struct group_key {
    struct weir_expr *expr;
    bool window; /* the GROUP BY TUMBLE(...) */
};
struct grouping {
    int n_keys, cap_keys;
    struct group_key *key;
    int n_sets, cap_sets;
    uint64_t *set;    /* each a set of keys, as bits */
    bool all_columns; /* each key must be a column of the node, in their order */
};
/* The WINDOW node of GROUP BY TUMBLE(...), below everything else of the block. */
bool bind_group_window(struct binder *b, struct scope *s, const struct weir_ast_select *sel);
bool bind_group_by(struct binder *b, struct scope *s, const struct weir_ast_select *sel,
                   struct grouping *g);
/* Put the AGGREGATE of set SET on S's node and rewrite the N expressions to its output. */
bool bind_aggregate_node(struct binder *b, struct scope *s, const struct grouping *g, int set,
                         struct weir_expr ***e, int n, struct weir_pos pos);

/* Sub-queries (bind_subquery.c). */
struct weir_expr *bind_subquery_value(struct binder *b, struct scope *s,
                                      const struct weir_ast_expr *a);
/* [NOT] IN and [NOT] EXISTS as a conjunct: a semi- or anti-join that waits in S. */
bool bind_subquery_filter(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                          bool negated);
/* Join the waiting sub-queries (EARLY ones or the others) to S's node. */
bool bind_apply_subs(struct binder *b, struct scope *s, bool early);
struct weir_expr *bind_place_subs(struct binder *b, struct scope *s, struct weir_expr *e);

/* ---- statements ---- */

bool bind_create_table(struct binder *b, const struct weir_ast_stmt *stmt);
bool bind_create_view(struct binder *b, const struct weir_ast_stmt *stmt);
bool bind_drop(struct binder *b, const struct weir_ast_stmt *stmt);
bool bind_insert(struct binder *b, const struct weir_ast_insert *in, const struct weir_pos *pos);
bool bind_show(struct binder *b, const struct weir_ast_stmt *stmt);
bool bind_describe(struct binder *b, const struct weir_ast_stmt *stmt);
bool bind_set(struct binder *b, const struct weir_ast_stmt *stmt);

#endif
