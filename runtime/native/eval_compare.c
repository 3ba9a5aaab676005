/* Comparisons into registers (those that only filter go into a mask: eval_filter.c). */
#include "kernels/common/compare.h"

#include "kernels/common/str.h"
#include "kernels/common/wide.h"
#include "runtime/native/eval_internal.h"

#define COMPARE(name, sfx, T)                                                                      \
    static EVAL_CLONES void loop_##name##_##sfx(uint8_t *restrict r, const T *restrict x,          \
                                                const T *restrict y, uint32_t n)                   \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) r[i] = wk_##name##_##sfx(x[i], y[i]);                     \
    }                                                                                              \
    static int eval_##name##_##sfx(struct weir_eval *ev, const struct eval_op *op, uint32_t n,     \
                                   const struct weir_vec *const *a, struct weir_vec *out,          \
                                   uint8_t *own_st)                                                \
    {                                                                                              \
        (void)ev;                                                                                  \
        out->st = eval_strict(op->n_args, a, n, own_st);                                           \
        loop_##name##_##sfx(out->data, a[0]->data, a[1]->data, n);                                 \
        return WEIR_OK;                                                                            \
    }
#define ALL(sfx, T)                                                                                \
    COMPARE(eq, sfx, T)                                                                            \
    COMPARE(ne, sfx, T)                                                                            \
    COMPARE(lt, sfx, T)                                                                            \
    COMPARE(le, sfx, T)                                                                            \
    COMPARE(gt, sfx, T)                                                                            \
    COMPARE(ge, sfx, T)
ALL(u8, uint8_t)
ALL(i8, int8_t)
ALL(i16, int16_t)
ALL(i32, int32_t)
ALL(i64, int64_t)
ALL(i128, wk_i128)
ALL(f32, float)
ALL(f64, double)

static int order(const struct weir_str *x, const struct weir_str *y)
{
    return wk_str_compare((const uint8_t *)x->data, x->len, (const uint8_t *)y->data, y->len);
}

static int eval_text_equal(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                           const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    (void)ev;
    const struct weir_str *x = a[0]->data, *y = a[1]->data;
    uint8_t *r = out->data, flip = op->insn->op == WEIR_OP_NE;
    out->st = eval_strict(op->n_args, a, n, own_st);
    for (uint32_t i = 0; i < n; i++)
        r[i] = (x[i].len == y[i].len && order(&x[i], &y[i]) == 0) ^ flip;
    return WEIR_OK;
}

static int eval_text_order(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                           const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    (void)ev;
    const struct weir_str *x = a[0]->data, *y = a[1]->data;
    uint8_t *r = out->data, how = op->insn->op;
    out->st = eval_strict(op->n_args, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        int c = order(&x[i], &y[i]);
        r[i] = how == WEIR_OP_LT   ? c < 0
               : how == WEIR_OP_LE ? c <= 0
               : how == WEIR_OP_GT ? c > 0
                                   : c >= 0;
    }
    return WEIR_OK;
}

#define ROW(sfx)                                                                                   \
    {                                                                                              \
        eval_eq_##sfx, eval_ne_##sfx, eval_lt_##sfx, eval_le_##sfx, eval_gt_##sfx, eval_ge_##sfx   \
    }
static const eval_fn table[WEIR_PHYS_COUNT_][6] = {
    [WEIR_PHYS_BOOL] = ROW(u8),
    [WEIR_PHYS_I8] = ROW(i8),
    [WEIR_PHYS_I16] = ROW(i16),
    [WEIR_PHYS_I32] = ROW(i32),
    [WEIR_PHYS_I64] = ROW(i64),
    [WEIR_PHYS_I128] = ROW(i128),
    [WEIR_PHYS_F32] = ROW(f32),
    [WEIR_PHYS_F64] = ROW(f64),
    [WEIR_PHYS_STR] = {eval_text_equal, eval_text_equal, eval_text_order, eval_text_order,
                       eval_text_order, eval_text_order},
};

int eval_compile_compare(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)ev;
    enum weir_phys p = weir_type_phys(op->in[0]);
    if (p != weir_type_phys(op->in[1]))
        return weir_fail(err, WEIR_ERR_INVALID, "%u:%u: comparison of different types",
                         op->insn->pos.line, op->insn->pos.column);
    op->fn = table[p][op->insn->op - WEIR_OP_EQ];
    op->flat = true;
    op->cost += p == WEIR_PHYS_STR ? 10 : 1;
    return WEIR_OK;
}
