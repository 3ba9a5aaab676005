/* Constructors of plan nodes and expressions. */
#include "runtime/plan/logical.h"

struct weir_node *weir_node_new(struct weir_arena *a, enum weir_node_kind kind, int n_inputs,
                                int n_columns)
{
    struct weir_node *n = weir_arena_alloc(a, sizeof *n);
    if (!n) return NULL;
    n->kind = (uint8_t)kind;
    n->n_inputs = n_inputs;
    n->input = weir_arena_alloc(a, sizeof *n->input * (size_t)n_inputs);
    n->schema.n = n_columns;
    n->schema.field = weir_arena_alloc(a, sizeof *n->schema.field * (size_t)n_columns);
    return n->input && n->schema.field ? n : NULL;
}

struct weir_expr *weir_expr_new(struct weir_arena *a, enum weir_op op, struct weir_type type,
                                struct weir_pos pos, int n_args)
{
    struct weir_expr *e = weir_arena_alloc(a, sizeof *e);
    if (!e) return NULL;
    e->op = (uint8_t)op;
    e->type = type;
    e->pos = pos;
    e->n_args = (uint16_t)n_args;
    e->arg = weir_arena_alloc(a, sizeof *e->arg * (size_t)n_args);
    return e->arg ? e : NULL;
}

struct weir_expr *weir_expr_column(struct weir_arena *a, int column, struct weir_type type,
                                   struct weir_pos pos)
{
    struct weir_expr *e = weir_expr_new(a, WEIR_OP_COLUMN, type, pos, 0);
    if (e) e->column = column;
    return e;
}

struct weir_expr *weir_expr_const(struct weir_arena *a, const struct weir_value *v,
                                  struct weir_pos pos)
{
    struct weir_expr *e = weir_expr_new(a, WEIR_OP_CONST, v->type, pos, 0);
    if (e) e->value = *v;
    return e;
}

void weir_plan_release(struct weir_node *root)
{
    if (!root) return;
    if (root->kind == WEIR_NODE_VALUES) {
        weir_batch_unref(root->values.batch);
        root->values.batch = NULL;
    }
    for (int i = 0; i < root->n_inputs; i++) weir_plan_release(root->input[i]);
}
