/* Three-valued logic and CASE. Each operator has a loop for operands without NULLs and errors. */
#include "kernels/common/compare.h"

#include "runtime/native/eval_internal.h"

#define EVAL_HEAD(name)                                                                            \
    static int name(struct weir_eval *ev, const struct eval_op *op, uint32_t n,                    \
                    const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)

static EVAL_CLONES void and_loop(uint8_t *restrict r, const uint8_t *restrict x,
                                 const uint8_t *restrict y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) r[i] = wk_and(x[i], y[i]);
}
static EVAL_CLONES void or_loop(uint8_t *restrict r, const uint8_t *restrict x,
                                const uint8_t *restrict y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) r[i] = wk_or(x[i], y[i]);
}

EVAL_HEAD(eval_and_or)
{
    (void)ev;
    bool is_and = op->insn->op == WEIR_OP_AND;
    const uint8_t *x = a[0]->data, *y = a[1]->data;
    (is_and ? and_loop : or_loop)(out->data, x, y, n);
    if (!a[0]->st && !a[1]->st) return WEIR_OK;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t sx = a[0]->st ? a[0]->st[i] : WK_VALID, sy = a[1]->st ? a[1]->st[i] : WK_VALID;
        own_st[i] = is_and ? wk_and_state(x[i], sx, y[i], sy) : wk_or_state(x[i], sx, y[i], sy);
    }
    out->st = own_st;
    return WEIR_OK;
}

EVAL_HEAD(eval_not)
{
    (void)ev;
    const uint8_t *x = a[0]->data;
    uint8_t *r = out->data;
    out->st = eval_strict(op->n_args, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) r[i] = x[i] ^ 1;
    return WEIR_OK;
}

EVAL_HEAD(eval_is)
{
    (void)ev;
    const uint8_t *x = a[0]->data, *st = a[0]->st;
    uint8_t *r = out->data, bad = 0;
    switch (op->insn->op) {
    case WEIR_OP_IS_NULL:
        for (uint32_t i = 0; i < n; i++) r[i] = st ? wk_is_null(st[i]) : 0;
        break;
    case WEIR_OP_IS_TRUE:
        for (uint32_t i = 0; i < n; i++) r[i] = wk_is_true(x[i], st ? st[i] : WK_VALID);
        break;
    default:
        for (uint32_t i = 0; i < n; i++) r[i] = wk_is_false(x[i], st ? st[i] : WK_VALID);
    }
    for (uint32_t i = 0; st && i < n; i++) bad |= own_st[i] = wk_is_state(st[i]);
    if (bad) out->st = own_st;
    return WEIR_OK;
}

/* ---- SELECT ---- */

typedef unsigned __int128 u128;

#define BLEND(T, sfx)                                                                              \
    static EVAL_CLONES void blend_##sfx(T *restrict r, const uint8_t *restrict c,                  \
                                        const T *restrict x, const T *restrict y, uint32_t n)      \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) r[i] = c[i] ? x[i] : y[i];                                \
    }
BLEND(uint8_t, 1)
BLEND(uint16_t, 2)
BLEND(uint32_t, 4)
BLEND(uint64_t, 8)
BLEND(u128, 16)

EVAL_HEAD(eval_select_op)
{
    (void)ev;
    uint8_t cond[WEIR_VECTOR];
    const uint8_t *c = a[0]->data, *cst = a[0]->st;
    if (cst) {
        for (uint32_t i = 0; i < n; i++) cond[i] = wk_is_true(c[i], cst[i]);
        c = cond;
    }
    switch (weir_phys_size(weir_type_phys(op->insn->type))) {
    case 1: blend_1(out->data, c, a[1]->data, a[2]->data, n); break;
    case 2: blend_2(out->data, c, a[1]->data, a[2]->data, n); break;
    case 4: blend_4(out->data, c, a[1]->data, a[2]->data, n); break;
    case 8: blend_8(out->data, c, a[1]->data, a[2]->data, n); break;
    default: blend_16(out->data, c, a[1]->data, a[2]->data, n);
    }
    if (!cst && !a[1]->st && !a[2]->st) return WEIR_OK;
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= own_st[i] =
            wk_select_state(c[i], cst ? cst[i] : WK_VALID, a[1]->st ? a[1]->st[i] : WK_VALID,
                            a[2]->st ? a[2]->st[i] : WK_VALID);
    if (any) out->st = own_st;
    return WEIR_OK;
}

int eval_compile_logic(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)ev;
    op->flat = true;
    op->cost += 1;
    switch (op->insn->op) {
    case WEIR_OP_AND:
    case WEIR_OP_OR: op->fn = eval_and_or; return WEIR_OK;
    case WEIR_OP_NOT: op->fn = eval_not; return WEIR_OK;
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE: op->fn = eval_is; return WEIR_OK;
    case WEIR_OP_SELECT: op->fn = eval_select_op; return WEIR_OK;
    default:
        return weir_fail(err, WEIR_ERR_INVALID, "%u:%u: unknown operator %u", op->insn->pos.line,
                         op->insn->pos.column, op->insn->op);
    }
}
