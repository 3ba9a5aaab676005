/* Mathematical functions. Those of DOUBLE follow Java's Math (so Flink's): a value outside a
   function's domain gives NaN or an infinity, not an error. */
#include <math.h>
#include <string.h>

#include "kernels/common/arith.h"
#include "kernels/common/compare.h"
#include "runtime/native/fn_internal.h"

/* ---- one or two DOUBLEs ---- */

enum {
    M_SQRT,
    M_CBRT,
    M_EXP,
    M_LN,
    M_LOG10,
    M_LOG2,
    M_SIN,
    M_COS,
    M_TAN,
    M_COT,
    M_ASIN,
    M_ACOS,
    M_ATAN,
    M_SINH,
    M_COSH,
    M_TANH,
    M_DEGREES,
    M_RADIANS
};

static double cot(double x)
{
    return 1 / tan(x);
}
static double degrees(double x)
{
    return x * (180 / M_PI);
}
static double radians(double x)
{
    return x / 180 * M_PI;
}

static double (*const unary[])(double) = {
    [M_SQRT] = sqrt,       [M_CBRT] = cbrt,       [M_EXP] = exp,   [M_LN] = log,
    [M_LOG10] = log10,     [M_LOG2] = log2,       [M_SIN] = sin,   [M_COS] = cos,
    [M_TAN] = tan,         [M_COT] = cot,         [M_ASIN] = asin, [M_ACOS] = acos,
    [M_ATAN] = atan,       [M_SINH] = sinh,       [M_COSH] = cosh, [M_TANH] = tanh,
    [M_DEGREES] = degrees, [M_RADIANS] = radians,
};

static int eval_unary(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                      const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)ctx;
    (void)n_args;
    double (*fn)(double) = unary[f->param];
    double *r = out->data;
    if (f->param == M_SQRT)
        for (uint32_t i = 0; i < n; i++) r[i] = sqrt(fn_f64(arg[0], i));
    else
        for (uint32_t i = 0; i < n; i++) r[i] = fn(fn_f64(arg[0], i));
    return WEIR_OK;
}

enum { B_POWER, B_ATAN2, B_LOG };

static int eval_binary(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                       const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)ctx;
    double *r = out->data;
    for (uint32_t i = 0; i < n; i++) {
        double x = fn_f64(arg[0], i), y = n_args > 1 ? fn_f64(arg[1], i) : 0;
        switch (f->param) {
        case B_POWER: r[i] = pow(x, y); break;
        case B_ATAN2: r[i] = atan2(x, y); break;
        default: r[i] = n_args > 1 ? log(y) / log(x) : log(x);
        }
    }
    return WEIR_OK;
}

static int eval_constant(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                         const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)ctx;
    (void)n_args;
    (void)arg;
    for (uint32_t i = 0; i < n; i++) ((double *)out->data)[i] = f->param ? M_E : M_PI;
    return WEIR_OK;
}

/* ---- ABS and SIGN keep their type ---- */

#define EACH(T, call)                                                                              \
    do {                                                                                           \
        T *r = out->data;                                                                          \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            uint8_t own = WK_VALID;                                                                \
            T x = FN_AT(arg[0], T, i);                                                             \
            r[i] = call;                                                                           \
            if (st) st[i] = wk_keep(st[i], own);                                                   \
        }                                                                                          \
    } while (0)

#define ABS_OR_SIGN(sfx) f->param ? wk_sign_##sfx(x, &own) : wk_abs_##sfx(x, &own)

static int eval_abs(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                    const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)n_args;
    uint8_t *st = weir_eval_states(ctx, out, n);
    if (!st) return WEIR_ERR_NOMEM;
    weir_i128 one = f->param ? weir_pow10_i128[out->type.scale] : 0;
    bool decimal = out->type.id == WEIR_TYPE_DECIMAL;
    switch (weir_type_phys(out->type)) {
    case WEIR_PHYS_I8: EACH(int8_t, ABS_OR_SIGN(i8)); break;
    case WEIR_PHYS_I16: EACH(int16_t, ABS_OR_SIGN(i16)); break;
    case WEIR_PHYS_I32: EACH(int32_t, ABS_OR_SIGN(i32)); break;
    case WEIR_PHYS_I64:
        EACH(int64_t,
             decimal && f->param ? (int64_t)((x > 0) - (x < 0)) * (int64_t)one : ABS_OR_SIGN(i64));
        break;
    case WEIR_PHYS_I128:
        EACH(weir_i128, f->param ? ((x > 0) - (x < 0)) * one : x < 0 ? -x : x);
        break;
    case WEIR_PHYS_F32: EACH(float, ABS_OR_SIGN(f32)); break;
    default: EACH(double, ABS_OR_SIGN(f64)); break;
    }
    return WEIR_OK;
}

/* ---- bits ---- */

enum { BIT_AND, BIT_OR, BIT_XOR, BIT_NOT };

static int eval_bits(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                     const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)ctx;
    (void)n_args;
    int64_t *r = out->data;
    for (uint32_t i = 0; i < n; i++) {
        int64_t x = fn_i64(arg[0], i);
        switch (f->param) {
        case BIT_AND: r[i] = x & fn_i64(arg[1], i); break;
        case BIT_OR: r[i] = x | fn_i64(arg[1], i); break;
        case BIT_XOR: r[i] = x ^ fn_i64(arg[1], i); break;
        default: r[i] = ~x;
        }
    }
    return WEIR_OK;
}

/* ---- GREATEST, LEAST: NULL if an argument is ---- */

static int infer_extreme(const struct weir_function *f, int n, struct weir_type *arg,
                         struct weir_type *ret, struct weir_error *err)
{
    if (!weir_fn_common_type(n, arg, ret))
        return weir_fail(err, WEIR_ERR_BIND, "the arguments of %s have no common type; CAST them",
                         f->name);
    for (int i = 0; i < n; i++) {
        uint8_t nullable = arg[i].nullable;
        arg[i] = *ret;
        arg[i].nullable = nullable;
    }
    return WEIR_OK;
}

static bool str_less(struct weir_str a, struct weir_str b)
{
    uint32_t len = a.len < b.len ? a.len : b.len;
    int c = len ? memcmp(a.data, b.data, len) : 0;
    return c ? c < 0 : a.len < b.len;
}

#define EXTREME(T, LESS)                                                                           \
    do {                                                                                           \
        T *r = out->data;                                                                          \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            T best = FN_AT(arg[0], T, i);                                                          \
            for (int k = 1; k < n_args; k++) {                                                     \
                T x = FN_AT(arg[k], T, i);                                                         \
                if (f->param ? LESS(x, best) : LESS(best, x)) best = x;                            \
            }                                                                                      \
            r[i] = best;                                                                           \
        }                                                                                          \
    } while (0)
#define PLAIN_LESS(a, b) ((a) < (b))

static int eval_extreme(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)ctx;
    switch (weir_type_phys(out->type)) {
    case WEIR_PHYS_BOOL: EXTREME(uint8_t, PLAIN_LESS); break;
    case WEIR_PHYS_I8: EXTREME(int8_t, PLAIN_LESS); break;
    case WEIR_PHYS_I16: EXTREME(int16_t, PLAIN_LESS); break;
    case WEIR_PHYS_I32: EXTREME(int32_t, PLAIN_LESS); break;
    case WEIR_PHYS_I64: EXTREME(int64_t, PLAIN_LESS); break;
    case WEIR_PHYS_I128: EXTREME(weir_i128, PLAIN_LESS); break;
    case WEIR_PHYS_F32: EXTREME(float, wk_lt_f32); break;
    case WEIR_PHYS_F64: EXTREME(double, wk_lt_f64); break;
    default: EXTREME(struct weir_str, str_less); break;
    }
    return WEIR_OK;
}

/* ---- random ---- */

static int eval_rand(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                     const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    uint8_t *st = weir_eval_states(ctx, out, n);
    if (!st) return WEIR_ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        bool seeded = n_args > f->param;
        int64_t seed = !seeded ? 0 : f->param ? fn_i32(arg[0], i) : fn_i64(arg[0], i);
        double r = (double)(weir_eval_random(ctx, seeded ? &seed : NULL) >> 11) * 0x1p-53;
        if (!f->param) {
            ((double *)out->data)[i] = r;
            continue;
        }
        int32_t bound = fn_i32(arg[n_args - 1], i);
        if (!st[i] && bound <= 0) st[i] = WK_ERR_ARGUMENT;
        ((int32_t *)out->data)[i] = bound > 0 ? (int32_t)(r * bound) : 0;
    }
    return WEIR_OK;
}

static int eval_uuid(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                     const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)f;
    (void)n_args;
    (void)arg;
    static const char hex[] = "0123456789abcdef";
    FN_EACH(ctx, out, n, st, i)
    {
        char *p = weir_fn_put(ctx, out, i, NULL, 36);
        if (!p) continue;
        uint64_t w[2] = {weir_eval_random(ctx, NULL), weir_eval_random(ctx, NULL)};
        w[0] = (w[0] & ~UINT64_C(0xf000)) | 0x4000; /* version 4 */
        w[1] = (w[1] & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
        for (int k = 0, bit = 0; k < 36; k++) {
            if (k == 8 || k == 13 || k == 18 || k == 23) {
                p[k] = '-';
                continue;
            }
            p[k] = hex[w[bit / 64] >> (60 - bit % 64) & 15];
            bit += 4;
        }
    }
    return WEIR_OK;
}

/* clang-format off */
#define UNARY(fn_name, m) {{fn_name, 1, 1, fn_name "(x)", weir_fn_infer, eval_unary, .param = m}, "d:d"}
static const struct fn_entry entries[] = {
    {{"ABS", 1, 1, "ABS(number)", weir_fn_infer, eval_abs, .device = "wk_abs"}, "n:0"},
    {{"SIGN", 1, 1, "SIGN(number)", weir_fn_infer, eval_abs, .device = "wk_sign", .param = 1}, "n:0"},
    UNARY("SQRT", M_SQRT), UNARY("CBRT", M_CBRT), UNARY("EXP", M_EXP), UNARY("LN", M_LN),
    UNARY("LOG10", M_LOG10), UNARY("LOG2", M_LOG2), UNARY("SIN", M_SIN), UNARY("COS", M_COS),
    UNARY("TAN", M_TAN), UNARY("COT", M_COT), UNARY("ASIN", M_ASIN), UNARY("ACOS", M_ACOS),
    UNARY("ATAN", M_ATAN), UNARY("SINH", M_SINH), UNARY("COSH", M_COSH), UNARY("TANH", M_TANH),
    UNARY("DEGREES", M_DEGREES), UNARY("RADIANS", M_RADIANS),
    {{"POWER", 2, 2, "POWER(base, exponent)", weir_fn_infer, eval_binary, .param = B_POWER}, "dd:d"},
    {{"ATAN2", 2, 2, "ATAN2(y, x)", weir_fn_infer, eval_binary, .param = B_ATAN2}, "dd:d"},
    {{"LOG", 1, 2, "LOG([base,] x)", weir_fn_infer, eval_binary, .param = B_LOG}, "d[d:d"},
    {{"PI", 0, 0, "PI()", weir_fn_infer, eval_constant, .param = 0}, ":d"},
    {{"E", 0, 0, "E()", weir_fn_infer, eval_constant, .param = 1}, ":d"},
    {{"BITAND", 2, 2, "BITAND(integer, integer)", weir_fn_infer, eval_bits, .param = BIT_AND}, "ll:l"},
    {{"BITOR", 2, 2, "BITOR(integer, integer)", weir_fn_infer, eval_bits, .param = BIT_OR}, "ll:l"},
    {{"BITXOR", 2, 2, "BITXOR(integer, integer)", weir_fn_infer, eval_bits, .param = BIT_XOR}, "ll:l"},
    {{"BITNOT", 1, 1, "BITNOT(integer)", weir_fn_infer, eval_bits, .param = BIT_NOT}, "l:l"},
    {{"GREATEST", 1, 16, "GREATEST(value, ...)", infer_extreme, eval_extreme, .param = 0}, "x*"},
    {{"LEAST", 1, 16, "LEAST(value, ...)", infer_extreme, eval_extreme, .param = 1}, "x*"},
    {{"RAND", 0, 1, "RAND([seed])", weir_fn_infer, eval_rand, .volatile_ = true, .param = 0}, "[l:d"},
    {{"RAND_INTEGER", 1, 2, "RAND_INTEGER([seed,] bound)", weir_fn_infer, eval_rand,
      .volatile_ = true, .param = 1}, "i[i:i"},
    {{"UUID", 0, 0, "UUID()", weir_fn_infer, eval_uuid, .volatile_ = true}, ":s"},
};
/* clang-format on */
FN_FAMILY(weir_fn_math, entries);
