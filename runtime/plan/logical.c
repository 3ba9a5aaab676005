/* Constructors of plan nodes and expressions, and their comparison. */
#include "runtime/plan/logical.h"

#include <string.h>

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

static bool value_equal(const struct weir_value *a, const struct weir_value *b)
{
    if (a->is_null || b->is_null) return a->is_null && b->is_null;
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_STR: return a->s.len == b->s.len && !memcmp(a->s.data, b->s.data, a->s.len);
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64:                            /* the same constant: the same bits */
        return !memcmp(&a->f, &b->f, sizeof a->f); // NOLINT(bugprone-suspicious-memory-comparison)
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_BOOL: return a->b == b->b;
    default: return a->i == b->i;
    }
}

bool weir_expr_volatile(const struct weir_expr *e)
{
    if (e->op == WEIR_OP_CALL && e->fn->volatile_) return true;
    for (int i = 0; i < e->n_args; i++)
        if (weir_expr_volatile(e->arg[i])) return true;
    return false;
}

bool weir_expr_equal(const struct weir_expr *a, const struct weir_expr *b)
{
    if (a == b) return true;
    if (a->op != b->op || a->n_args != b->n_args || !weir_type_same(a->type, b->type)) return false;
    if (a->op == WEIR_OP_COLUMN) return a->column == b->column;
    if (a->op == WEIR_OP_CONST) return value_equal(&a->value, &b->value);
    if (a->op == WEIR_OP_CALL && (a->fn != b->fn || a->fn->volatile_)) return false;
    for (int i = 0; i < a->n_args; i++)
        if (!weir_expr_equal(a->arg[i], b->arg[i])) return false;
    return true;
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
