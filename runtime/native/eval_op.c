/* Choosing the vector function of an instruction, and what the planner wants to know about it: its
   cost, whether it can fail, whether it is constant. */
#include "runtime/native/eval_internal.h"

static int eval_call(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                     const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    const struct weir_function *f = weir_function_at(op->insn->fn);
    if (!f->sees_null) out->st = eval_strict(op->n_args, a, n, own_st);
    ev->own_st = own_st;
    return f->eval(ev, f, op->n_args, a, n, out) ? WEIR_ERR_NOMEM : WEIR_OK;
}

static int compile_call(struct eval_op *op)
{
    const struct weir_function *f = weir_function_at(op->insn->fn);
    op->fn = eval_call;
    op->vol = f->volatile_;
    op->constant &= !f->volatile_;
    op->can_err = true;
    op->cost += weir_type_phys(op->insn->type) == WEIR_PHYS_STR ? 60 : 15;
    return WEIR_OK;
}

static int set_operands(struct weir_eval *ev, struct eval_op *op)
{
    uint32_t reg[WEIR_INSN_MAX_ARGS];
    int n = weir_insn_args(ev->p, op->insn, reg);
    uint32_t *arg = weir_arena_alloc(&ev->arena, (size_t)n * sizeof *arg + 1);
    struct weir_type *in = weir_arena_alloc(&ev->arena, (size_t)n * sizeof *in + 1);
    if (!arg || !in) return WEIR_ERR_NOMEM;
    op->arg = arg;
    op->in = in;
    op->n_args = (uint8_t)n;
    op->constant = op->insn->op != WEIR_OP_COLUMN && op->insn->op != WEIR_OP_EXPAND;
    for (int k = 0; k < n; k++) {
        const struct eval_op *x = &ev->op[reg[k]];
        arg[k] = reg[k];
        in[k] = x->insn->type;
        op->constant &= x->constant;
        op->can_err |= x->can_err;
        op->cost += x->constant ? 0 : x->cost;
    }
    return WEIR_OK;
}

int eval_compile_op(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    struct weir_type t = op->insn->type;
    int rc = set_operands(ev, op);
    if (rc) return rc;
    if (t.id == WEIR_TYPE_DECIMAL) op->limit = weir_pow10_i128[t.precision] - 1;
    switch (op->insn->op) {
    case WEIR_OP_COLUMN: op->cost = weir_type_phys(t) == WEIR_PHYS_STR ? 2 : 0; return WEIR_OK;
    case WEIR_OP_CONST:
    case WEIR_OP_EXPAND: return WEIR_OK;
    case WEIR_OP_ADD:
    case WEIR_OP_SUB:
    case WEIR_OP_MUL:
    case WEIR_OP_DIV:
    case WEIR_OP_MOD:
    case WEIR_OP_NEG:
        return t.id == WEIR_TYPE_DECIMAL ? eval_compile_decimal(ev, op, err)
                                         : eval_compile_arith(ev, op, err);
    case WEIR_OP_EQ:
    case WEIR_OP_NE:
    case WEIR_OP_LT:
    case WEIR_OP_LE:
    case WEIR_OP_GT:
    case WEIR_OP_GE: return eval_compile_compare(ev, op, err);
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST: return eval_compile_cast(ev, op, err);
    case WEIR_OP_IN: return eval_compile_in(ev, op, err);
    case WEIR_OP_LIKE: return eval_compile_like(ev, op, err);
    case WEIR_OP_CALL: return compile_call(op);
    default: return eval_compile_logic(ev, op, err);
    }
}
