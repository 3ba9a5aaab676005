/* Arithmetic on integers and floats. A first loop computes wrapped results and gathers whether any
   row overflowed, without a branch; only then a second one asks the helpers of
   kernels/common/arith.h row by row which rows those are (they may be NULL ones, whose values mean
   nothing). */
#include "kernels/common/arith.h"

#include "runtime/native/eval_internal.h"

/* Set the states of the rows that the helper CALL (of x and y, setting own) finds to fail. */
#define FIND_FAILED(T, CALL)                                                                       \
    do {                                                                                           \
        if (!out->st) {                                                                            \
            out->st = own_st;                                                                      \
            memset(own_st, WK_VALID, n);                                                           \
        }                                                                                          \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            uint8_t own = WK_VALID;                                                                \
            T x = ((const T *)a[0]->data)[i], y = ((const T *)a[op->n_args - 1]->data)[i];         \
            (void)y;                                                                               \
            (void)CALL;                                                                            \
            out->st[i] = wk_keep(out->st[i], own);                                                 \
        }                                                                                          \
    } while (0)

#define EVAL_HEAD(name)                                                                            \
    static int eval_##name(struct weir_eval *ev, const struct eval_op *op, uint32_t n,             \
                           const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st) \
    {                                                                                              \
        (void)ev;                                                                                  \
        out->st = eval_strict(op->n_args, a, n, own_st);

/* Sums of integers. */
#define SUM(name, sfx, T)                                                                          \
    static EVAL_CLONES T loop_##name##_##sfx(T *restrict r, const T *restrict x,                   \
                                             const T *restrict y, uint32_t n)                      \
    {                                                                                              \
        T bad = 0;                                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            T z = wk_wrap_##name##_##sfx(x[i], y[i]);                                              \
            r[i] = z;                                                                              \
            bad = (T)(bad | wk_##name##_ovf_##sfx(x[i], y[i], z));                                 \
        }                                                                                          \
        return bad;                                                                                \
    }                                                                                              \
    EVAL_HEAD(name##_##sfx)                                                                        \
    if (loop_##name##_##sfx(out->data, a[0]->data, a[1]->data, n) < 0)                             \
        FIND_FAILED(T, wk_##name##_##sfx(x, y, &own));                                             \
    return WEIR_OK;                                                                                \
    }

/* Products: the loop says whether any row did not fit. */
#define MUL_NARROW(sfx, T, W)                                                                      \
    static EVAL_CLONES W loop_mul_##sfx(T *restrict r, const T *restrict x, const T *restrict y,   \
                                        uint32_t n)                                                \
    {                                                                                              \
        W bad = 0;                                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            W z = (W)((W)x[i] * (W)y[i]);                                                          \
            r[i] = (T)z;                                                                           \
            bad |= (W)(z ^ (W)(T)z);                                                               \
        }                                                                                          \
        return bad;                                                                                \
    }                                                                                              \
    EVAL_HEAD(mul_##sfx)                                                                           \
    if (loop_mul_##sfx(out->data, a[0]->data, a[1]->data, n))                                      \
        FIND_FAILED(T, wk_mul_##sfx(x, y, &own));                                                  \
    return WEIR_OK;                                                                                \
    }

/* Helpers that need a look at each row (/ and % by anything, negation). */
#define EACH(name, sfx, T, CALL)                                                                   \
    EVAL_HEAD(name##_##sfx)                                                                        \
    T *r = out->data;                                                                              \
    const T *px = a[0]->data, *py = a[op->n_args - 1]->data;                                       \
    uint8_t any = 0;                                                                               \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        uint8_t own = WK_VALID;                                                                    \
        T x = px[i], y = py[i];                                                                    \
        (void)y;                                                                                   \
        r[i] = CALL;                                                                               \
        any |= own;                                                                                \
    }                                                                                              \
    if (any) FIND_FAILED(T, CALL);                                                                 \
    return WEIR_OK;                                                                                \
    }

#define INTEGER(sfx, T)                                                                            \
    SUM(add, sfx, T)                                                                               \
    SUM(sub, sfx, T)                                                                               \
    EACH(div, sfx, T, wk_div_##sfx(x, y, &own))                                                    \
    EACH(mod, sfx, T, wk_mod_##sfx(x, y, &own))                                                    \
    EACH(neg, sfx, T, wk_neg_##sfx(x, &own))

INTEGER(i8, int8_t)
INTEGER(i16, int16_t)
INTEGER(i32, int32_t)
INTEGER(i64, int64_t)
MUL_NARROW(i8, int8_t, int16_t)
MUL_NARROW(i16, int16_t, int32_t)
MUL_NARROW(i32, int32_t, int64_t)

static int64_t loop_mul_i64(int64_t *restrict r, const int64_t *restrict x,
                            const int64_t *restrict y, uint32_t n)
{
    bool bad = false;
    for (uint32_t i = 0; i < n; i++) {
        long long z;
        bad |= __builtin_smulll_overflow(x[i], y[i], &z);
        r[i] = z;
    }
    return bad;
}
EVAL_HEAD(mul_i64)
if (loop_mul_i64(out->data, a[0]->data, a[1]->data, n))
    FIND_FAILED(int64_t, wk_mul_i64(x, y, &own));
return WEIR_OK;
}

#define FLOATS(name, sfx, T)                                                                       \
    static EVAL_CLONES void loop_##name##_##sfx(T *restrict r, const T *restrict x,                \
                                                const T *restrict y, uint32_t n)                   \
    {                                                                                              \
        uint8_t own = WK_VALID;                                                                    \
        for (uint32_t i = 0; i < n; i++) r[i] = wk_##name##_##sfx(x[i], y[i], &own);               \
    }                                                                                              \
    EVAL_HEAD(name##_##sfx)                                                                        \
    loop_##name##_##sfx(out->data, a[0]->data, a[1]->data, n);                                     \
    return WEIR_OK;                                                                                \
    }
#define FLOAT(sfx, T)                                                                              \
    FLOATS(add, sfx, T)                                                                            \
    FLOATS(sub, sfx, T)                                                                            \
    FLOATS(mul, sfx, T)                                                                            \
    FLOATS(div, sfx, T)                                                                            \
    FLOATS(mod, sfx, T)                                                                            \
    EVAL_HEAD(neg_##sfx)                                                                           \
    for (uint32_t i = 0; i < n; i++) ((T *)out->data)[i] = -((const T *)a[0]->data)[i];            \
    return WEIR_OK;                                                                                \
    }
FLOAT(f32, float)
FLOAT(f64, double)

#define ROW(sfx)                                                                                   \
    {                                                                                              \
        eval_add_##sfx, eval_sub_##sfx, eval_mul_##sfx, eval_div_##sfx, eval_mod_##sfx,            \
            eval_neg_##sfx                                                                         \
    }
static const eval_fn table[WEIR_PHYS_COUNT_][6] = {
    [WEIR_PHYS_I8] = ROW(i8),   [WEIR_PHYS_I16] = ROW(i16), [WEIR_PHYS_I32] = ROW(i32),
    [WEIR_PHYS_I64] = ROW(i64), [WEIR_PHYS_F32] = ROW(f32), [WEIR_PHYS_F64] = ROW(f64),
};

int eval_compile_arith(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)ev;
    enum weir_phys p = weir_type_phys(op->insn->type);
    bool division = op->insn->op == WEIR_OP_DIV || op->insn->op == WEIR_OP_MOD;
    bool is_float = p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
    op->fn = table[p][op->insn->op - WEIR_OP_ADD];
    if (!op->fn)
        return weir_fail(err, WEIR_ERR_INVALID, "%u:%u: arithmetic on a type that has none",
                         op->insn->pos.line, op->insn->pos.column);
    op->flat = true;
    op->cost += division ? 8 : 1;
    op->can_err |= !is_float;
    return WEIR_OK;
}
