/* DECIMAL arithmetic (kernels/common/decimal.h has the rules). On 64 bits, sums and products
   without rounding are loops without branches that only note whether some row left the precision.
   On 128 bits, operands that are widened 64-bit DECIMALs are taken as they were before the cast, so
   a product of two columns is one multiplication. */
#include "kernels/common/decimal.h"

#include "runtime/native/eval_internal.h"

struct scales {
    wk_u128 m1, m2, d1, d2; /* powers of ten: see wk_dec128_mul and wk_dec128_div */
};

static void make_scales(struct scales *s, const struct eval_op *op)
{
    int sa = op->in[0].scale, sb = op->in[op->n_args - 1].scale, r = op->insn->type.scale;
    int drop = op->insn->op == WEIR_OP_MUL ? sa + sb - r : sa - sb - r;
    if (op->insn->op != WEIR_OP_MUL && op->insn->op != WEIR_OP_DIV) drop = 0;
    int up = drop < 0 ? -drop : 0;
    if (drop < 0) drop = 0;
    int d2 = drop < 38 ? drop : 38, m1 = up < 38 ? up : 38;
    s->d2 = wk_u128_pow10(d2);
    s->d1 = wk_u128_pow10(drop - d2);
    s->m1 = wk_u128_pow10(m1);
    s->m2 = wk_u128_pow10(up - m1);
}

static uint8_t *need_states(struct weir_vec *out, uint32_t n, uint8_t *own_st)
{
    if (!out->st) {
        out->st = own_st;
        memset(own_st, WK_VALID, n);
    }
    return out->st;
}

#define EVAL_HEAD(name)                                                                            \
    static int eval_##name(struct weir_eval *ev, const struct eval_op *op, uint32_t n,             \
                           const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st) \
    {                                                                                              \
        (void)ev;                                                                                  \
        const struct scales *s = op->state;                                                        \
        (void)s;                                                                                   \
        out->st = eval_strict(op->n_args, a, n, own_st);

/* The general form: CALL computes one row from x and y. */
#define EACH(name, T, R, LIMIT, CALL)                                                              \
    EVAL_HEAD(name)                                                                                \
    const T *px = a[0]->data, *py = a[op->n_args - 1]->data;                                       \
    R *r = out->data;                                                                              \
    const R limit = LIMIT;                                                                         \
    (void)limit;                                                                                   \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        uint8_t own = WK_VALID;                                                                    \
        if (out->st && out->st[i]) continue;                                                       \
        T x = px[i], y = py[i];                                                                    \
        (void)y;                                                                                   \
        r[i] = CALL;                                                                               \
        if (own) need_states(out, n, own_st)[i] = own;                                             \
    }                                                                                              \
    return WEIR_OK;                                                                                \
    }
#define LIMIT64 (int64_t) op->limit

/* ---- 64 bits ---- */

#define SUM64(name)                                                                                \
    static EVAL_CLONES int64_t loop_##name##64(int64_t *restrict r, const int64_t *restrict x,     \
                                               const int64_t *restrict y, int64_t limit,           \
                                               uint32_t n)                                         \
    {                                                                                              \
        int64_t bad = 0;                                                                           \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            int64_t z = wk_wrap_##name##_i64(x[i], y[i]);                                          \
            r[i] = z;                                                                              \
            bad |= wk_##name##_ovf_i64(x[i], y[i], z) | wk_wrap_sub_i64(limit, z) |                \
                   wk_wrap_add_i64(limit, z);                                                      \
        }                                                                                          \
        return bad;                                                                                \
    }                                                                                              \
    EACH(slow_##name##64, int64_t, int64_t, LIMIT64, wk_dec64_##name(x, y, limit, &own))           \
    EVAL_HEAD(name##64)                                                                            \
    if (loop_##name##64(out->data, a[0]->data, a[1]->data, LIMIT64, n) < 0)                        \
        return eval_slow_##name##64(ev, op, n, a, out, own_st);                                    \
    return WEIR_OK;                                                                                \
    }
SUM64(add)
SUM64(sub)

EACH(mul64, int64_t, int64_t, LIMIT64, wk_dec64_mul(x, y, s->d1, s->d2, limit, &own))
EACH(div64, int64_t, int64_t, LIMIT64, wk_dec64_div(x, y, s->m1, s->m2, s->d2, limit, &own))
EACH(mod64, int64_t, int64_t, LIMIT64, wk_mod_i64(x, y, &own))
EACH(neg64, int64_t, int64_t, LIMIT64, wk_dec64_sub(0, x, limit, &own))

/* A product that keeps all digits. */
EVAL_HEAD(mul64_exact)
const int64_t *x = a[0]->data, *y = a[1]->data, limit = LIMIT64;
int64_t *r = out->data;
bool bad = false;
for (uint32_t i = 0; i < n; i++) {
    long long z;
    bad |= __builtin_smulll_overflow(x[i], y[i], &z);
    bad |= z > limit || z < -limit;
    r[i] = z;
}
return bad ? eval_mul64(ev, op, n, a, out, own_st) : WEIR_OK;
}

/* ---- 128 bits ---- */

EACH(add128, wk_i128, wk_i128, op->limit, wk_dec128_add(x, y, limit, &own))
EACH(sub128, wk_i128, wk_i128, op->limit, wk_dec128_sub(x, y, limit, &own))
EACH(mul128, wk_i128, wk_i128, op->limit, wk_dec128_mul(x, y, s->d1, s->d2, limit, &own))
EACH(div128, wk_i128, wk_i128, op->limit, wk_dec128_div(x, y, s->m1, s->m2, s->d2, limit, &own))
EACH(mod128, wk_i128, wk_i128, op->limit, wk_dec128_mod(x, y, &own))
EACH(neg128, wk_i128, wk_i128, op->limit, wk_dec128_sub(wk_i128_from(0), x, limit, &own))

/* From 64-bit operands: exact in 128 bits. */
#define WIDE(name, EXPR)                                                                           \
    EACH(slow_wide_##name, int64_t, wk_i128, op->limit,                                            \
         wk_dec128_add(EXPR, wk_i128_from(0), limit, &own))                                        \
    EVAL_HEAD(wide_##name)                                                                         \
    const int64_t *px = a[0]->data, *py = a[1]->data;                                              \
    const wk_i128 limit = op->limit;                                                               \
    wk_i128 *r = out->data;                                                                        \
    bool bad = false;                                                                              \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        int64_t x = px[i], y = py[i];                                                              \
        r[i] = EXPR;                                                                               \
        bad |= r[i] > limit || r[i] < -limit;                                                      \
    }                                                                                              \
    return bad ? eval_slow_wide_##name(ev, op, n, a, out, own_st) : WEIR_OK;                       \
    }
WIDE(add, (wk_i128)x + y)
WIDE(sub, (wk_i128)x - y)
WIDE(mul, (wk_i128)x *y)

static const eval_fn table64[] = {eval_add64, eval_sub64, eval_mul64,
                                  eval_div64, eval_mod64, eval_neg64};
static const eval_fn table128[] = {eval_add128, eval_sub128, eval_mul128,
                                   eval_div128, eval_mod128, eval_neg128};
static const eval_fn table_wide[] = {eval_wide_add, eval_wide_sub, eval_wide_mul};

/* The 64-bit register that REG is a widened copy of, or WEIR_REG_NONE. */
static uint32_t narrow(const struct weir_eval *ev, uint32_t reg)
{
    const struct eval_op *op = &ev->op[reg];
    if (op->insn->op != WEIR_OP_CAST || op->can_err || op->constant) return WEIR_REG_NONE;
    struct weir_type from = op->in[0], to = op->insn->type;
    bool same = weir_type_is_exact(from) && from.scale == to.scale;
    return same && weir_type_phys(from) == WEIR_PHYS_I64 ? op->arg[0] : WEIR_REG_NONE;
}

static bool use_narrow(struct weir_eval *ev, struct eval_op *op)
{
    uint32_t x = narrow(ev, op->arg[0]), y = op->n_args > 1 ? narrow(ev, op->arg[1]) : x;
    if (x == WEIR_REG_NONE || y == WEIR_REG_NONE) return false;
    uint32_t *arg = weir_arena_alloc(&ev->arena, 2 * sizeof *arg);
    if (!arg) return false; /* a pity, not an error */
    arg[0] = x;
    arg[1] = y;
    op->arg = arg;
    return true;
}

int eval_compile_decimal(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)err;
    int which = op->insn->op - WEIR_OP_ADD;
    bool wide = weir_type_phys(op->insn->type) == WEIR_PHYS_I128;
    struct scales *s = weir_arena_alloc(&ev->arena, sizeof *s);
    if (!s) return WEIR_ERR_NOMEM;
    make_scales(s, op);
    op->state = s;
    bool exact = wk_u128_is_one(s->d2);
    op->fn = wide ? table128[which] : table64[which];
    if (op->insn->op == WEIR_OP_MUL && exact && !wide) op->fn = eval_mul64_exact;
    if (wide && which < 3 && exact && use_narrow(ev, op)) op->fn = table_wide[which];
    op->flat = true;
    op->can_err = true;
    op->cost += op->insn->op == WEIR_OP_DIV || (wide && !exact) ? 40 : wide ? 8 : 2;
    return WEIR_OK;
}
