#ifndef WEIR_PLAN_LOGICAL_H
#define WEIR_PLAN_LOGICAL_H

#include "runtime/column/batch.h"
#include "runtime/plan/expr.h"

/* The logical plan: what the binder makes of a query, a tree of nodes in the statement's arena.
   Expressions of a node refer to the columns of its input by number (JOIN: left columns, then right
   columns). */

struct weir_source;

enum weir_node_kind {
    WEIR_NODE_SCAN = 0,
    WEIR_NODE_VALUES,
    WEIR_NODE_FILTER,
    WEIR_NODE_PROJECT,
    WEIR_NODE_JOIN,
    WEIR_NODE_AGGREGATE,
    WEIR_NODE_WINDOW,
    WEIR_NODE_SORT,
    WEIR_NODE_UNION,
};

enum weir_join_type {
    WEIR_JOIN_INNER = 0,
    WEIR_JOIN_LEFT,      /* RIGHT: the binder swaps the sides and projects */
    WEIR_JOIN_SEMI,      /* IN, EXISTS: left columns only */
    WEIR_JOIN_ANTI,      /* NOT EXISTS: left columns only */
    WEIR_JOIN_ANTI_NULL, /* NOT IN: nothing at all when the right side has a NULL key; a left row
                            with a NULL key passes only when the right side is empty */
};

enum weir_window_kind { WEIR_WINDOW_TUMBLE = 0, WEIR_WINDOW_HOP, WEIR_WINDOW_CUMULATE };

struct weir_sort_key {
    struct weir_expr *expr;
    bool descending;
    bool nulls_first; /* already resolved: Flink's default is NULLs first ascending, last descending
                       */
};

struct weir_node {
    uint8_t kind;              /* enum weir_node_kind */
    struct weir_schema schema; /* output columns */
    int n_inputs;
    struct weir_node **input;
    struct weir_pos pos;
    const struct weir_node *origin; /* what this is a copy of, or NULL */
    union {
        struct { /* output: the source's physical columns */
            struct weir_source *source;
            int rowtime; /* column that the WATERMARK is declared on when it is physical, else -1 */
            struct weir_expr *rowtime_expr; /* what that column is computed by, else NULL */
            int64_t watermark_us;           /* its delay */
        } scan;
        struct {
            struct weir_batch *batch; /* owned by the plan's owner (see weir_plan_release) */
        } values;
        struct {
            struct weir_expr *predicate;
        } filter;
        struct {
            struct weir_expr **expr; /* [schema.n] */
        } project;
        struct {          /* output: left then right columns (nullable after LEFT), or left only */
            uint8_t type; /* enum weir_join_type */
            int n_keys;   /* 0: every pair is a candidate */
            struct weir_expr **left_key;  /* over the left input; same types pairwise */
            struct weir_expr **right_key; /* over the right input's own numbering */
            struct weir_expr *residual;   /* over left ++ right; NULL: none */
        } join;
        struct { /* output: keys, then aggregates */
            int n_keys;
            struct weir_expr **key;
            int n_aggs;
            struct weir_agg *agg;
            int window_end_key; /* the key that is a window's end on the event-time attribute: the
                                   group is final once the watermark reaches it; -1: none */
        } aggregate;
        struct { /* output: input columns, then window_start, window_end, window_time (TIMESTAMP) */
            uint8_t kind;
            int time_column;
            int64_t size_us, slide_us, offset_us; /* TUMBLE: slide = size; CUMULATE: slide = step */
        } window;
        struct { /* keys may be none (LIMIT alone) */
            int n_keys;
            struct weir_sort_key *key;
            int64_t offset, limit; /* limit -1: none */
            bool spool; /* rows are made once for all places of the plan where this node is */
        } sort;
    };
};

/* Helpers for whoever builds plans; NULL when the arena is out of memory. */
struct weir_node *weir_node_new(struct weir_arena *a, enum weir_node_kind kind, int n_inputs,
                                int n_columns);
struct weir_expr *weir_expr_new(struct weir_arena *a, enum weir_op op, struct weir_type type,
                                struct weir_pos pos, int n_args);
struct weir_expr *weir_expr_column(struct weir_arena *a, int column, struct weir_type type,
                                   struct weir_pos pos);
struct weir_expr *weir_expr_const(struct weir_arena *a, const struct weir_value *v,
                                  struct weir_pos pos);

/* Do both give the same value for every row? False where that is not known (volatile functions). */
bool weir_expr_equal(const struct weir_expr *a, const struct weir_expr *b);
/* May E have another value when it is evaluated again, as RAND() has? */
bool weir_expr_volatile(const struct weir_expr *e);

/* Drop the batches that VALUES nodes hold. */
void weir_plan_release(struct weir_node *root);

/* Rewrite for speed, same rows: push filters to where their columns come from, turn equalities over
   a join into keys, fold constants, remove projections that change nothing. Returns the new root,
   NULL when out of memory. */
struct weir_node *weir_plan_optimize(struct weir_arena *a, struct weir_node *root);

/* As text, one node a line, children indented; or as JSON. SQL is the statement's text (expressions
 * show it). */
void weir_plan_text(const struct weir_node *root, struct weir_buf *out);
void weir_plan_json(const struct weir_node *root, struct weir_buf *out);
void weir_expr_text(const struct weir_expr *e, const struct weir_schema *in, struct weir_buf *out);

#endif
