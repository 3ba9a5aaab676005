#ifndef WEIR_KERNELS_DECIMAL_H
#define WEIR_KERNELS_DECIMAL_H

#include "kernels/common/arith.h"
#include "kernels/common/wide.h"

/* DECIMAL arithmetic on unscaled integers. LIMIT is 10^p - 1 of the result's precision; a result
   beyond it is WK_ERR_OVERFLOW. Rounding is half away from zero. Powers of ten come from the caller
   (constants of the plan). Operands may be any bits under a state that is not valid. */

/* |x| <= limit, with a sign. */
WK_FN wk_i128 wk_dec_finish(wk_u256 abs, int negative, wk_i128 limit, wk_u8 *st)
{
    wk_u128 low = wk_u256_low(abs);
    if (!wk_u256_is_u128(abs) || wk_u128_lt(wk_i128_bits(limit), low)) {
        *st = WK_ERR_OVERFLOW;
        return wk_i128_from(0);
    }
    wk_i128 r = wk_u128_bits(low);
    return negative ? wk_i128_neg(r) : r;
}

/* N / D, rounded half up; D > 0. */
WK_FN wk_u256 wk_dec_round_div(wk_u256 n, wk_u128 d)
{
    wk_u128 rem;
    wk_u256 q = wk_u256_div(n, d, &rem);
    if (!wk_u128_lt(rem, wk_u128_sub(d, rem))) { /* 2 * rem >= d */
        for (int i = 0; i < 4; i++)
            if (++q.w[i]) break;
    }
    return q;
}

WK_FN int wk_u128_is_one(wk_u128 a)
{
    return wk_u128_hi(a) == 0 && wk_u128_lo(a) == 1;
}

WK_FN wk_i128 wk_dec128_add(wk_i128 a, wk_i128 b, wk_i128 limit, wk_u8 *st)
{
    wk_i128 r = wk_i128_add(a, b);
    int wrapped = wk_i128_is_neg(a) == wk_i128_is_neg(b) && wk_i128_is_neg(a) != wk_i128_is_neg(r);
    if (wrapped || wk_lt_i128(limit, r) || wk_lt_i128(r, wk_i128_neg(limit))) *st = WK_ERR_OVERFLOW;
    return r;
}
WK_FN wk_i128 wk_dec128_sub(wk_i128 a, wk_i128 b, wk_i128 limit, wk_u8 *st)
{
    wk_i128 r = wk_i128_sub(a, b);
    int wrapped = wk_i128_is_neg(a) != wk_i128_is_neg(b) && wk_i128_is_neg(a) != wk_i128_is_neg(r);
    if (wrapped || wk_lt_i128(limit, r) || wk_lt_i128(r, wk_i128_neg(limit))) *st = WK_ERR_OVERFLOW;
    return r;
}

/* a * b / (d1 * d2): the result's scale is that much smaller than the product's; d1 * d2 = 10^k,
   and d2 = 1 only if d1 is. */
WK_FN wk_i128 wk_dec128_mul(wk_i128 a, wk_i128 b, wk_u128 d1, wk_u128 d2, wk_i128 limit, wk_u8 *st)
{
    wk_u64 lost = 0;
    int negative = wk_i128_is_neg(a) != wk_i128_is_neg(b);
    wk_u256 p = wk_u256_mul(wk_u256_from(wk_i128_abs(a)), wk_i128_abs(b), &lost);
    if (!wk_u128_is_one(d1)) {
        wk_u128 rem; /* needs no care: d2 is even, so what is below one cannot reach a half */
        p = wk_u256_div(p, d1, &rem);
    }
    if (!wk_u128_is_one(d2)) p = wk_dec_round_div(p, d2);
    return wk_dec_finish(p, negative, limit, st);
}

/* a * m1 * m2 / b, then / d: m1 * m2 / d is 10^(s + sb - sa). */
WK_FN wk_i128 wk_dec128_div(wk_i128 a, wk_i128 b, wk_u128 m1, wk_u128 m2, wk_u128 d, wk_i128 limit,
                            wk_u8 *st)
{
    if (wk_i128_is_zero(b)) {
        *st = WK_ERR_DIV_ZERO;
        return wk_i128_from(0);
    }
    wk_u64 lost = 0;
    int negative = wk_i128_is_neg(a) != wk_i128_is_neg(b);
    wk_u256 n = wk_u256_mul(wk_u256_from(wk_i128_abs(a)), m1, &lost);
    if (!wk_u128_is_one(m2)) n = wk_u256_mul(n, m2, &lost);
    if (lost) { /* 2^256 / 10^38 does not fit any DECIMAL */
        *st = WK_ERR_OVERFLOW;
        return wk_i128_from(0);
    }
    if (wk_u128_is_one(d)) {
        n = wk_dec_round_div(n, wk_i128_abs(b));
    } else {
        wk_u128 rem;
        n = wk_dec_round_div(wk_u256_div(n, wk_i128_abs(b), &rem), d);
    }
    return wk_dec_finish(n, negative, limit, st);
}

/* Sign of the dividend; both have the result's scale. */
WK_FN wk_i128 wk_dec128_mod(wk_i128 a, wk_i128 b, wk_u8 *st)
{
    if (wk_i128_is_zero(b)) {
        *st = WK_ERR_DIV_ZERO;
        return wk_i128_from(0);
    }
    wk_u128 rem;
    (void)wk_u256_div(wk_u256_from(wk_i128_abs(a)), wk_i128_abs(b), &rem);
    wk_i128 r = wk_u128_bits(rem);
    return wk_i128_is_neg(a) ? wk_i128_neg(r) : r;
}

/* a * m / d: another scale; one of m and d is 1. */
WK_FN wk_i128 wk_dec128_rescale(wk_i128 a, wk_u128 m, wk_u128 d, wk_i128 limit, wk_u8 *st)
{
    wk_u64 lost = 0;
    wk_u256 n = wk_u256_from(wk_i128_abs(a));
    if (!wk_u128_is_one(m)) n = wk_u256_mul(n, m, &lost);
    if (!wk_u128_is_one(d)) n = wk_dec_round_div(n, d);
    return wk_dec_finish(n, wk_i128_is_neg(a), limit, st);
}

/* ---- DECIMAL(p <= 18) on 64 bits ---- */

WK_FN wk_i64 wk_dec64_check(wk_i64 r, wk_i64 limit, wk_u8 *st)
{
    if (r > limit || r < -limit) *st = WK_ERR_OVERFLOW;
    return r;
}
WK_FN wk_i64 wk_dec64_add(wk_i64 a, wk_i64 b, wk_i64 limit, wk_u8 *st)
{
    return wk_dec64_check(wk_add_i64(a, b, st), limit, st);
}
WK_FN wk_i64 wk_dec64_sub(wk_i64 a, wk_i64 b, wk_i64 limit, wk_u8 *st)
{
    return wk_dec64_check(wk_sub_i64(a, b, st), limit, st);
}
WK_FN wk_i64 wk_dec64_mul(wk_i64 a, wk_i64 b, wk_u128 d1, wk_u128 d2, wk_i64 limit, wk_u8 *st)
{
    if (wk_u128_is_one(d2)) return wk_dec64_check(wk_mul_i64(a, b, st), limit, st);
    wk_i128 r = wk_dec128_mul(wk_i128_from(a), wk_i128_from(b), d1, d2, wk_i128_from(limit), st);
    return (wk_i64)wk_i128_lo(r);
}
WK_FN wk_i64 wk_dec64_div(wk_i64 a, wk_i64 b, wk_u128 m1, wk_u128 m2, wk_u128 d, wk_i64 limit,
                          wk_u8 *st)
{
    wk_i128 r = wk_dec128_div(wk_i128_from(a), wk_i128_from(b), m1, m2, d, wk_i128_from(limit), st);
    return (wk_i64)wk_i128_lo(r);
}
/* a * m / d with powers of ten up to 10^18; one of them is 1. */
WK_FN wk_i64 wk_dec64_rescale(wk_i64 a, wk_i64 m, wk_i64 d, wk_i64 limit, wk_u8 *st)
{
    wk_i64 r = wk_mul_i64(a, m, st);
    if (d != 1) {
        wk_i64 rem = r % d;
        r /= d;
        if (rem >= d - rem) r++;
        if (-rem >= d + rem) r--;
    }
    return wk_dec64_check(r, limit, st);
}

#endif
