/* Casts to and from DECIMAL. Between numbers of a known scale they are exact or rounded half away
   from zero. DOUBLE to DECIMAL goes through the shortest text, as Java's BigDecimal.valueOf does;
   DECIMAL to DOUBLE is the nearest DOUBLE: a quotient of two numbers that DOUBLE has exactly, or
   what the text reads as. */
#include <string.h>

#include "kernels/common/decimal.h"
#include "runtime/column/text.h"
#include "runtime/native/cast.h"

static weir_i128 exact_at(const struct weir_vec *v, uint32_t i)
{
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: return ((const uint8_t *)v->data)[i];
    case WEIR_PHYS_I8: return ((const int8_t *)v->data)[i];
    case WEIR_PHYS_I16: return ((const int16_t *)v->data)[i];
    case WEIR_PHYS_I32: return ((const int32_t *)v->data)[i];
    case WEIR_PHYS_I64: return ((const int64_t *)v->data)[i];
    default: return ((const weir_i128 *)v->data)[i];
    }
}

static void put_exact(struct weir_vec *out, uint32_t i, weir_i128 x)
{
    switch (weir_type_phys(out->type)) {
    case WEIR_PHYS_I8: ((int8_t *)out->data)[i] = (int8_t)x; break;
    case WEIR_PHYS_I16: ((int16_t *)out->data)[i] = (int16_t)x; break;
    case WEIR_PHYS_I32: ((int32_t *)out->data)[i] = (int32_t)x; break;
    case WEIR_PHYS_I64: ((int64_t *)out->data)[i] = (int64_t)x; break;
    default: ((weir_i128 *)out->data)[i] = x;
    }
}

/* Exact number to DECIMAL. */
CAST_HEAD(cast_rescale)
{
    (void)ev;
    int from = op->in[0].scale, to = op->insn->type.scale;
    wk_u128 m = wk_u128_pow10(to > from ? to - from : 0),
            d = wk_u128_pow10(from > to ? from - to : 0);
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) continue;
        uint8_t own = WK_VALID;
        put_exact(out, i, wk_dec128_rescale(exact_at(a[0], i), m, d, op->limit, &own));
        if (own) cast_fail(out, own_st, n, i, own);
    }
    return WEIR_OK;
}

CAST_HEAD(cast_rescale64)
{
    (void)ev;
    int from = op->in[0].scale, to = op->insn->type.scale;
    int64_t m = (int64_t)weir_pow10_i128[to > from ? to - from : 0];
    int64_t d = (int64_t)weir_pow10_i128[from > to ? from - to : 0], limit = (int64_t)op->limit;
    const int64_t *x = a[0]->data;
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t own = WK_VALID;
        ((int64_t *)out->data)[i] = wk_dec64_rescale(x[i], m, d, limit, &own);
        if (own && !(out->st && out->st[i])) cast_fail(out, own_st, n, i, own);
    }
    return WEIR_OK;
}

static EVAL_CLONES void widen_loop(weir_i128 *restrict r, const int64_t *restrict x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) r[i] = x[i];
}

CAST_HEAD(cast_widen)
{
    (void)ev, (void)op;
    out->st = eval_strict(1, a, n, own_st);
    widen_loop(out->data, a[0]->data, n);
    return WEIR_OK;
}

/* DECIMAL to integer, toward zero. */
CAST_HEAD(cast_to_integer)
{
    (void)ev;
    weir_i128 unit = weir_pow10_i128[op->in[0].scale];
    int bits = 8 * (int)weir_phys_size(weir_type_phys(op->insn->type));
    weir_i128 limit = (weir_i128)1 << (bits - 1);
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) continue;
        weir_i128 x = exact_at(a[0], i);
        if (unit != 1)
            x = x == (int64_t)x && unit == (int64_t)unit ? (int64_t)x / (int64_t)unit : x / unit;
        if (x < -limit || x >= limit)
            cast_fail(out, own_st, n, i, WK_ERR_OVERFLOW);
        else
            put_exact(out, i, x);
    }
    return WEIR_OK;
}

/* ---- floats ---- */

static const double pow10_f64[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static double to_double(weir_i128 x, int scale)
{
    weir_i128 exact = (weir_i128)1 << 53;
    if (x >= -exact && x <= exact && scale <= 22) return (double)(int64_t)x / pow10_f64[scale];
    char text[WEIR_TEXT_MAX];
    double d = 0;
    size_t len = weir_text_format_decimal(text, x, scale);
    (void)weir_text_parse_double(text, len, &d);
    return d;
}

CAST_HEAD(cast_to_float)
{
    (void)ev;
    bool wide = weir_type_phys(op->insn->type) == WEIR_PHYS_F64;
    char text[WEIR_TEXT_MAX];
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) continue;
        weir_i128 x = exact_at(a[0], i);
        if (wide) {
            ((double *)out->data)[i] = to_double(x, op->in[0].scale);
            continue;
        }
        float f = 0;
        size_t len = weir_text_format_decimal(text, x, op->in[0].scale);
        (void)weir_text_parse_float(text, len, &f);
        ((float *)out->data)[i] = f;
    }
    return WEIR_OK;
}

CAST_HEAD(cast_from_float)
{
    (void)ev;
    bool wide = weir_type_phys(op->in[0]) == WEIR_PHYS_F64;
    char text[WEIR_TEXT_MAX];
    struct weir_type t = op->insn->type;
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) continue;
        size_t len = wide ? weir_text_format_double(text, ((const double *)a[0]->data)[i])
                          : weir_text_format_float(text, ((const float *)a[0]->data)[i]);
        weir_i128 x;
        if (weir_text_parse_decimal(text, len, t.precision, t.scale, &x))
            cast_fail(out, own_st, n, i, WK_ERR_OVERFLOW);
        else
            put_exact(out, i, x);
    }
    return WEIR_OK;
}

/* Whole digits that FROM can have. */
static int whole_digits(struct weir_type from)
{
    switch (from.id) {
    case WEIR_TYPE_BOOLEAN: return 1;
    case WEIR_TYPE_TINYINT: return 3;
    case WEIR_TYPE_SMALLINT: return 5;
    case WEIR_TYPE_INT: return 10;
    case WEIR_TYPE_BIGINT: return 19;
    default: return from.precision - from.scale;
    }
}

eval_fn cast_decimal(struct weir_type from, struct weir_type to, bool *lossy)
{
    bool f64 = weir_type_phys(from) == WEIR_PHYS_I64, t64 = weir_type_phys(to) == WEIR_PHYS_I64;
    if (to.id == WEIR_TYPE_DECIMAL) {
        if (weir_type_is_float(from)) {
            *lossy = true;
            return cast_from_float;
        }
        if (!weir_type_is_exact(from) && from.id != WEIR_TYPE_BOOLEAN) return NULL;
        bool rounds = from.scale > to.scale;
        *lossy = whole_digits(from) + rounds > to.precision - to.scale;
        if (f64 && !t64 && from.scale == to.scale && !*lossy) return cast_widen;
        return f64 && t64 ? cast_rescale64 : cast_rescale;
    }
    if (from.id != WEIR_TYPE_DECIMAL) return NULL;
    if (weir_type_is_float(to)) return cast_to_float;
    if (!cast_is_plain_integer(to)) return NULL;
    *lossy = true;
    return cast_to_integer;
}
