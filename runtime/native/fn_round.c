/* ROUND, TRUNCATE, FLOOR and CEIL. Exact numbers are rounded as integers, half away from zero.
   Floats are rounded as Java does it, by the digits of the shortest decimal text that reads back as
   the value: ROUND(2.675, 2) is 2.68. */
#include <math.h>
#include <string.h>

#include "kernels/common/decimal.h"
#include "runtime/column/text.h"
#include "runtime/native/fn_internal.h"

struct weir_type weir_function_round_type(struct weir_type x, int digits)
{
    struct weir_type t = x;
    if (x.id != WEIR_TYPE_DECIMAL || digits >= x.scale) return t;
    int scale = digits < 0 ? 0 : digits, p = 1 + x.precision - x.scale + scale;
    t = weir_type_decimal(p < WEIR_DECIMAL_MAX_P ? p : WEIR_DECIMAL_MAX_P, scale);
    t.nullable = x.nullable;
    return t;
}

static int infer_round(const struct weir_function *f, int n, struct weir_type *arg,
                       struct weir_type *ret, struct weir_error *err)
{
    int rc = weir_fn_infer(f, n, arg, ret, err);
    bool grows = !rc && ret->id == WEIR_TYPE_DECIMAL && ret->precision < WEIR_DECIMAL_MAX_P;
    if (grows && !f->param) ret->precision++;
    return rc;
}

static int infer_floor(const struct weir_function *f, int n, struct weir_type *arg,
                       struct weir_type *ret, struct weir_error *err)
{
    int rc = weir_fn_infer(f, n, arg, ret, err);
    if (!rc && ret->id == WEIR_TYPE_DECIMAL) ret->scale = 0;
    return rc;
}

/* ---- exact numbers ---- */

static weir_i128 exact_at(const struct weir_vec *v, uint32_t i)
{
    if (v->constant) i = 0;
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_I8: return ((const int8_t *)v->data)[i];
    case WEIR_PHYS_I16: return ((const int16_t *)v->data)[i];
    case WEIR_PHYS_I32: return ((const int32_t *)v->data)[i];
    case WEIR_PHYS_I64: return ((const int64_t *)v->data)[i];
    default: return ((const weir_i128 *)v->data)[i];
    }
}

/* X as row I of OUT when it fits its type. */
static void put_exact(struct weir_vec *out, uint32_t i, weir_i128 x, uint8_t *st)
{
    enum weir_phys p = weir_type_phys(out->type);
    weir_i128 max = out->type.id == WEIR_TYPE_DECIMAL ? weir_pow10_i128[out->type.precision]
                                                      : (weir_i128)1 << (8 * weir_phys_size(p) - 1);
    bool decimal = out->type.id == WEIR_TYPE_DECIMAL;
    if (x >= max || x < -max || (decimal && x == -max)) {
        *st = WK_ERR_OVERFLOW;
        x = 0;
    }
    switch (p) {
    case WEIR_PHYS_I8: ((int8_t *)out->data)[i] = (int8_t)x; break;
    case WEIR_PHYS_I16: ((int16_t *)out->data)[i] = (int16_t)x; break;
    case WEIR_PHYS_I32: ((int32_t *)out->data)[i] = (int32_t)x; break;
    case WEIR_PHYS_I64: ((int64_t *)out->data)[i] = (int64_t)x; break;
    default: ((weir_i128 *)out->data)[i] = x;
    }
}

/* X of scale FROM, rounded or cut to DIGITS, at scale TO. */
static weir_i128 round_exact(weir_i128 x, int from, int digits, int to, bool cut, uint8_t *st)
{
    int drop = from > digits ? from - digits : 0, at = from - drop;
    weir_i128 limit = weir_pow10_i128[38] - 1;
    if (drop > 38) return 0;
    if (drop && cut)
        x /= weir_pow10_i128[drop];
    else if (drop)
        x = wk_dec128_rescale(x, 1, (wk_u128)weir_pow10_i128[drop], limit, st);
    if (to < at) return wk_dec128_rescale(x, 1, (wk_u128)weir_pow10_i128[at - to], limit, st);
    return wk_dec128_rescale(x, (wk_u128)weir_pow10_i128[to - at], 1, limit, st);
}

/* ---- floats ---- */

/* The digits and the exponent of ten of printed text; false: NaN or an infinity. */
static bool digits_of(const char *s, size_t n, uint64_t *digits, int *exp10, bool *negative)
{
    size_t i = 0;
    int exponent = 0, sign = 1;
    bool point = false;
    *digits = 0;
    *exp10 = 0;
    *negative = n && s[0] == '-';
    for (i = *negative; i < n && s[i] != 'E'; i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        if (s[i] < '0' || s[i] > '9') return false;
        if (point && s[i] == '0' && i + 1 == n) break; /* the 0 of 12.0 */
        *digits = *digits * 10 + (uint64_t)(s[i] - '0');
        *exp10 -= point;
    }
    if (i < n && s[i] == 'E')
        for (i++; i < n; i++) {
            if (s[i] == '-')
                sign = -1;
            else
                exponent = exponent * 10 + (s[i] - '0');
        }
    *exp10 += sign * exponent;
    return true;
}

/* The text of X (LEN bytes in TEXT, room for 64) rounded to PLACES; false: it stays as it is. */
static bool round_text(char *text, size_t *len, int places, bool cut)
{
    uint64_t digits, unit = 1;
    int exp10;
    bool negative;
    if (!digits_of(text, *len, &digits, &exp10, &negative)) return false;
    if (places > 400) places = 400;
    if (places < -400) places = -400;
    int drop = -exp10 - places;
    if (drop <= 0) return false;
    for (int k = 0; k < drop && k < 19; k++) unit *= 10;
    uint64_t q = drop > 18 ? 0 : digits / unit;
    if (!cut && drop <= 18 && digits % unit >= unit - digits % unit) q++;
    char *p = text;
    if (negative) *p++ = '-';
    p += weir_text_format_int(p, (int64_t)q);
    *p++ = 'e';
    p += weir_text_format_int(p, -places);
    *len = (size_t)(p - text);
    return true;
}

static double round_double(double x, int places, bool cut)
{
    char text[WEIR_TEXT_MAX];
    size_t len = weir_text_format_double(text, x);
    if (round_text(text, &len, places, cut)) (void)weir_text_parse_double(text, len, &x);
    return x;
}

static float round_float(float x, int places, bool cut)
{
    char text[WEIR_TEXT_MAX];
    size_t len = weir_text_format_float(text, x);
    if (round_text(text, &len, places, cut)) (void)weir_text_parse_float(text, len, &x);
    return x;
}

static int eval_round(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                      const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    enum weir_phys p = weir_type_phys(out->type);
    int from = arg[0]->type.scale, to = out->type.scale;
    FN_EACH(ctx, out, n, st, i)
    {
        int32_t digits = n_args > 1 ? fn_i32(arg[1], i) : 0;
        if (p == WEIR_PHYS_F64)
            ((double *)out->data)[i] = round_double(fn_f64(arg[0], i), digits, f->param);
        else if (p == WEIR_PHYS_F32)
            ((float *)out->data)[i] = round_float(FN_AT(arg[0], float, i), digits, f->param);
        else
            put_exact(out, i,
                      round_exact(exact_at(arg[0], i), from,
                                  digits < -100  ? -100
                                  : digits > 100 ? 100
                                                 : digits,
                                  to, f->param, &st[i]),
                      &st[i]);
    }
    return WEIR_OK;
}

static int eval_floor(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                      const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out)
{
    (void)n_args;
    enum weir_phys p = weir_type_phys(out->type);
    weir_i128 unit = weir_pow10_i128[arg[0]->type.scale];
    bool ceil_ = f->param;
    FN_EACH(ctx, out, n, st, i)
    {
        if (p == WEIR_PHYS_F64) {
            double x = fn_f64(arg[0], i);
            ((double *)out->data)[i] = ceil_ ? ceil(x) : floor(x);
        } else if (p == WEIR_PHYS_F32) {
            float x = FN_AT(arg[0], float, i);
            ((float *)out->data)[i] = ceil_ ? ceilf(x) : floorf(x);
        } else {
            weir_i128 x = exact_at(arg[0], i), q = x / unit, r = x % unit;
            put_exact(out, i, q + (ceil_ ? r > 0 : -(r < 0)), &st[i]);
        }
    }
    return WEIR_OK;
}

/* clang-format off */
static const struct fn_entry entries[] = {
    {{"ROUND", 1, 2, "ROUND(number [, digits])", infer_round, eval_round, .param = 0}, "n[i:0"},
    {{"TRUNCATE", 1, 2, "TRUNCATE(number [, digits])", infer_round, eval_round, .param = 1}, "n[i:0"},
    {{"FLOOR", 1, 1, "FLOOR(number)", infer_floor, eval_floor, .param = 0}, "n:0"},
    {{"CEIL", 1, 1, "CEIL(number)", infer_floor, eval_floor, .param = 1}, "n:0"},
    {{"CEILING", 1, 1, "CEILING(number)", infer_floor, eval_floor, .param = 1}, "n:0"},
};
/* clang-format on */
FN_FAMILY(weir_fn_round, entries);
