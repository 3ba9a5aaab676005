/* Finishing: the accumulators of a group become values of the aggregates' result types. Integers
   and decimals are exact (averages divide a 256-bit product), variances are computed in
   double-double and never negative. */
#include "kernels/common/portable.h"
#include "runtime/native/groups_internal.h"

/* ---- exact averages ---- */

/* DIVIDEND limbs (least significant first) / divisor; the remainder is returned. */
static uint64_t divide(uint64_t limb[4], uint64_t divisor)
{
    weir_u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | limb[i];
        limb[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

static void multiply(uint64_t limb[4], uint64_t factor)
{
    weir_u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (weir_u128)limb[i] * factor;
        limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* Sum * FACTOR / n, rounded half away from zero or (TRUNCATE) toward zero; false: beyond 127 bits.
 */
static bool average(const uint64_t *acc, bool wide, uint64_t factor, bool truncate, weir_i128 *out)
{
    int64_t carry = wide ? sum_carry(acc[2]) : 0;
    uint64_t n = wide ? sum_count(acc[2]) : acc[2];
    /* two's complement over four limbs: the carry counts multiples of 2^128, the sum's own sign is
       one more */
    uint64_t sign = sum_value(acc) < 0 ? ~(uint64_t)0 : 0;
    uint64_t high = (uint64_t)carry + sign;
    uint64_t limb[4] = {acc[0], acc[1], high, (uint64_t)((int64_t)high >> 63)};
    bool negative = (int64_t)limb[3] < 0;
    if (negative) {
        uint64_t one = 1;
        for (int i = 0; i < 4; i++) {
            limb[i] = ~limb[i] + one;
            one = one && !limb[i];
        }
    }
    multiply(limb, factor);
    uint64_t rest = divide(limb, n);
    if (!truncate && rest >= n - rest) {
        for (int i = 0; i < 4; i++)
            if (++limb[i]) break;
    }
    if (limb[2] || limb[3] || limb[1] >> 63) return false;
    *out = (weir_i128)((weir_u128)limb[1] << 64 | limb[0]);
    if (negative) *out = -*out;
    return true;
}

/* ---- one aggregate of one row ---- */

static int does_not_fit(const struct weir_pipe_agg *agg, struct weir_error *err)
{
    char type[64], arg[64];
    struct weir_type t = agg->type, a = agg->arg_type;
    t.nullable = a.nullable = 1;
    return weir_fail(err, WEIR_ERR_DATA,
                     "%u:%u: the result of %s over %s does not fit its type %s; CAST the argument "
                     "to a wider type",
                     agg->pos.line, agg->pos.column, weir_agg_name(agg->fn),
                     weir_type_text(a, arg, sizeof arg), weir_type_text(t, type, sizeof type));
}

static bool fits(struct weir_type t, weir_i128 v)
{
    if (t.id == WEIR_TYPE_DECIMAL) {
        weir_i128 limit = weir_pow10_i128[t.precision];
        return v < limit && v > -limit;
    }
    int bits = 8 * (int)weir_phys_size(weir_type_phys(t));
    weir_i128 limit = (weir_i128)1 << (bits - 1);
    return v < limit && v >= -limit;
}

static int emit_exact(const struct weir_pipe_agg *agg, const uint64_t *acc, struct weir_builder *b,
                      int c, struct weir_error *err)
{
    bool wide = groups_values_of(agg) == VALUES_I128, decimal = agg->type.id == WEIR_TYPE_DECIMAL;
    weir_i128 v = sum_value(acc);
    bool ok = !wide || !sum_carry(acc[2]);
    if (agg->fn == WEIR_AGG_AVG) {
        int digits = agg->type.scale - agg->arg_type.scale;
        ok = average(acc, wide, decimal ? (uint64_t)weir_pow10_i128[digits] : 1, !decimal, &v);
    }
    if (!ok || !fits(agg->type, v)) return does_not_fit(agg, err);
    if (weir_type_phys(agg->type) == WEIR_PHYS_I128)
        weir_builder_i128(b, c, v);
    else
        weir_builder_i64(b, c, (int64_t)v);
    return WEIR_OK;
}

static double average_f64(const uint64_t *acc)
{
    struct weir_dd sum = {WK_AS_F64(acc[0]), WK_AS_F64(acc[1])};
    if (!dd_finite(sum.hi)) return sum.hi;
    sum = dd_div(sum, (struct weir_dd){(double)acc[2], 0});
    return dd_value(sum.hi, sum.lo);
}

static double square_root(double x)
{
    return __builtin_sqrt(x);
}

/* (S2 - S * S / n) / (n or n - 1). Infinite where the squares are too large for a double (values
   beyond 1e154). */
static double variance(const struct weir_pipe_agg *agg, const uint64_t *acc)
{
    bool samp = agg->fn == WEIR_AGG_STDDEV_SAMP || agg->fn == WEIR_AGG_VAR_SAMP;
    struct weir_dd s = {WK_AS_F64(acc[0]), WK_AS_F64(acc[1])};
    struct weir_dd s2 = {WK_AS_F64(acc[2]), WK_AS_F64(acc[3])};
    struct weir_dd n = {(double)acc[4], 0}, d = {(double)(acc[4] - samp), 0};
    if (!dd_finite(s.hi)) return s.hi - s.hi; /* NaN: infinities or a NaN among the values */
    if (acc[4] == 1) return 0;
    if (!dd_finite(s2.hi)) return __builtin_inf();
    s = dd_normal(s.hi, s.lo);
    s2 = dd_normal(s2.hi, s2.lo);
    struct weir_dd mean = dd_div(s, n), square = dd_mul(s, mean);
    if (!dd_finite(square.hi)) return __builtin_inf();
    struct weir_dd rest = dd_add(s2, (struct weir_dd){-square.hi, -square.lo});
    /* What remains below the precision of the sums, 2^-106 for each value added, is rounding: equal
       values vary by 0. */
    if (rest.hi < s2.hi * (n.hi * 0x1p-106 + 0x1p-102)) return 0;
    struct weir_dd v = dd_div(rest, d);
    return dd_value(v.hi, v.lo);
}

static void emit_best(const struct weir_pipe_agg *agg, const uint64_t *acc, struct weir_builder *b,
                      int c)
{
    switch (groups_values_of(agg)) {
    case VALUES_I64: weir_builder_i64(b, c, (int64_t)acc[0]); break;
    case VALUES_F64: weir_builder_f64(b, c, WK_AS_F64(acc[0])); break;
    case VALUES_I128: weir_builder_i128(b, c, sum_value(acc)); break;
    default: weir_builder_str(b, c, (const char *)(uintptr_t)acc[0], (size_t)acc[1]);
    }
}

static int emit_agg(const struct weir_pipe_agg *agg, const uint64_t *acc, struct weir_builder *b,
                    int c, struct weir_error *err)
{
    uint32_t words = weir_agg_words(agg) - (agg->distinct ? 1 : 0);
    uint64_t n = acc[words - 1];
    if (agg->fn == WEIR_AGG_COUNT) {
        weir_builder_i64(b, c, (int64_t)n);
        return WEIR_OK;
    }
    bool samp = agg->fn == WEIR_AGG_STDDEV_SAMP || agg->fn == WEIR_AGG_VAR_SAMP;
    if (!n || (samp && n < 2)) {
        weir_builder_null(b, c);
        return WEIR_OK;
    }
    bool exact = groups_values_of(agg) != VALUES_F64;
    switch (agg->fn) {
    case WEIR_AGG_SUM:
    case WEIR_AGG_AVG:
        if (exact) return emit_exact(agg, acc, b, c, err);
        weir_builder_f64(b, c,
                         agg->fn == WEIR_AGG_AVG ? average_f64(acc)
                                                 : dd_value(WK_AS_F64(acc[0]), WK_AS_F64(acc[1])));
        break;
    case WEIR_AGG_MIN:
    case WEIR_AGG_MAX: emit_best(agg, acc, b, c); break;
    case WEIR_AGG_VAR_POP:
    case WEIR_AGG_VAR_SAMP: weir_builder_f64(b, c, variance(agg, acc)); break;
    default: weir_builder_f64(b, c, square_root(variance(agg, acc)));
    }
    return WEIR_OK;
}

/* ---- rows ---- */

static void emit_key(const struct weir_groups *g, uint32_t k, const uint64_t *row,
                     struct weir_builder *b)
{
    const uint64_t *w = row + g->layout->key_word[k];
    if (row[1] >> k & 1) {
        weir_builder_null(b, (int)k);
        return;
    }
    switch (weir_type_phys(g->keys.type[k])) {
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: weir_builder_f64(b, (int)k, WK_AS_F64(w[0])); break;
    case WEIR_PHYS_I128: weir_builder_i128(b, (int)k, sum_value(w)); break;
    case WEIR_PHYS_STR:
        weir_builder_str(b, (int)k, (const char *)(uintptr_t)w[0], (size_t)w[1]);
        break;
    default: weir_builder_i64(b, (int)k, (int64_t)w[0]);
    }
}

/* Column by column, a block of rows that stays in the cache at a time. */
#define BLOCK 256

int weir_groups_emit(const struct weir_groups *g, size_t first, size_t n, struct weir_builder *b,
                     struct weir_error *err)
{
    for (size_t from = first, to; from < first + n; from = to) {
        to = from + BLOCK < first + n ? from + BLOCK : first + n;
        for (uint32_t k = 0; k < g->keys.n; k++)
            for (size_t i = from; i < to; i++) emit_key(g, k, group_row(g, i), b);
        for (uint32_t a = 0; a < g->layout->n_aggs; a++) {
            const struct weir_pipe_agg *agg = &g->layout->agg[a];
            uint32_t at = g->layout->agg_word[a];
            for (size_t i = from; i < to; i++) {
                int rc = emit_agg(agg, group_row(g, i) + at, b, (int)(g->keys.n + a), err);
                if (rc) return rc;
            }
        }
    }
    return WEIR_OK;
}
