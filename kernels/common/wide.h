#ifndef WEIR_KERNELS_WIDE_H
#define WEIR_KERNELS_WIDE_H

#include "kernels/common/portable.h"

/* 128- and 256-bit integers. C compilers have the 128-bit ones (defining WK_WIDE_WORDS makes C use
   the words of OpenCL C, so that a test can compare the two); the memory of both is the low word,
   then the high word. */

#if defined(__OPENCL_VERSION__) || defined(WK_WIDE_WORDS)
#define WK_WIDE_STRUCT 1
typedef struct {
    wk_u64 lo, hi;
} wk_u128;
typedef struct {
    wk_u64 lo;
    wk_i64 hi;
} wk_i128;

WK_FN wk_u128 wk_u128_make(wk_u64 hi, wk_u64 lo)
{
    wk_u128 r;
    r.lo = lo;
    r.hi = hi;
    return r;
}
WK_FN wk_u64 wk_u128_lo(wk_u128 a)
{
    return a.lo;
}
WK_FN wk_u64 wk_u128_hi(wk_u128 a)
{
    return a.hi;
}
WK_FN wk_u128 wk_u128_add(wk_u128 a, wk_u128 b)
{
    wk_u64 lo = a.lo + b.lo;
    return wk_u128_make(a.hi + b.hi + (lo < a.lo), lo);
}
WK_FN wk_u128 wk_u128_sub(wk_u128 a, wk_u128 b)
{
    return wk_u128_make(a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo);
}
WK_FN int wk_u128_lt(wk_u128 a, wk_u128 b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}
WK_FN wk_i128 wk_i128_make(wk_i64 hi, wk_u64 lo)
{
    wk_i128 r;
    r.lo = lo;
    r.hi = hi;
    return r;
}
WK_FN wk_u64 wk_i128_lo(wk_i128 a)
{
    return a.lo;
}
WK_FN wk_i64 wk_i128_hi(wk_i128 a)
{
    return a.hi;
}
#else
typedef unsigned __int128 wk_u128;
typedef __int128 wk_i128;

WK_FN wk_u128 wk_u128_make(wk_u64 hi, wk_u64 lo)
{
    return (wk_u128)hi << 64 | lo;
}
WK_FN wk_u64 wk_u128_lo(wk_u128 a)
{
    return (wk_u64)a;
}
WK_FN wk_u64 wk_u128_hi(wk_u128 a)
{
    return (wk_u64)(a >> 64);
}
WK_FN wk_u128 wk_u128_add(wk_u128 a, wk_u128 b)
{
    return a + b;
}
WK_FN wk_u128 wk_u128_sub(wk_u128 a, wk_u128 b)
{
    return a - b;
}
WK_FN int wk_u128_lt(wk_u128 a, wk_u128 b)
{
    return a < b;
}
WK_FN wk_i128 wk_i128_make(wk_i64 hi, wk_u64 lo)
{
    return (wk_i128)((wk_u128)(wk_u64)hi << 64 | lo);
}
WK_FN wk_u64 wk_i128_lo(wk_i128 a)
{
    return (wk_u64)a;
}
WK_FN wk_i64 wk_i128_hi(wk_i128 a)
{
    return (wk_i64)(a >> 64);
}
#endif

WK_FN wk_i128 wk_i128_from(wk_i64 a)
{
    return wk_i128_make(a >> 63, (wk_u64)a);
}
WK_FN wk_u128 wk_u128_from(wk_u64 a)
{
    return wk_u128_make(0, a);
}
/* Does A fit 64 bits? */
WK_FN int wk_i128_is_i64(wk_i128 a)
{
    return wk_i128_hi(a) == (wk_i64)wk_i128_lo(a) >> 63;
}
WK_FN wk_u128 wk_i128_bits(wk_i128 a)
{
    return wk_u128_make((wk_u64)wk_i128_hi(a), wk_i128_lo(a));
}
WK_FN wk_i128 wk_u128_bits(wk_u128 a)
{
    return wk_i128_make((wk_i64)wk_u128_hi(a), wk_u128_lo(a));
}
/* These wrap. */
WK_FN wk_i128 wk_i128_add(wk_i128 a, wk_i128 b)
{
    return wk_u128_bits(wk_u128_add(wk_i128_bits(a), wk_i128_bits(b)));
}
WK_FN wk_i128 wk_i128_sub(wk_i128 a, wk_i128 b)
{
    return wk_u128_bits(wk_u128_sub(wk_i128_bits(a), wk_i128_bits(b)));
}
WK_FN wk_i128 wk_i128_neg(wk_i128 a)
{
    return wk_i128_sub(wk_i128_from(0), a);
}
WK_FN int wk_i128_is_neg(wk_i128 a)
{
    return wk_i128_hi(a) < 0;
}
WK_FN int wk_i128_is_zero(wk_i128 a)
{
    return (wk_i128_lo(a) | (wk_u64)wk_i128_hi(a)) == 0;
}
WK_FN wk_u128 wk_i128_abs(wk_i128 a)
{
    return wk_i128_bits(wk_i128_is_neg(a) ? wk_i128_neg(a) : a);
}
WK_FN wk_u8 wk_eq_i128(wk_i128 a, wk_i128 b)
{
    return wk_i128_lo(a) == wk_i128_lo(b) && wk_i128_hi(a) == wk_i128_hi(b);
}
WK_FN wk_u8 wk_lt_i128(wk_i128 a, wk_i128 b)
{
    return wk_i128_hi(a) < wk_i128_hi(b) ||
           (wk_i128_hi(a) == wk_i128_hi(b) && wk_i128_lo(a) < wk_i128_lo(b));
}
WK_FN wk_u8 wk_ne_i128(wk_i128 a, wk_i128 b)
{
    return !wk_eq_i128(a, b);
}
WK_FN wk_u8 wk_gt_i128(wk_i128 a, wk_i128 b)
{
    return wk_lt_i128(b, a);
}
WK_FN wk_u8 wk_le_i128(wk_i128 a, wk_i128 b)
{
    return !wk_lt_i128(b, a);
}
WK_FN wk_u8 wk_ge_i128(wk_i128 a, wk_i128 b)
{
    return !wk_lt_i128(a, b);
}
WK_FN wk_u128 wk_u128_mul64(wk_u64 a, wk_u64 b)
{
    return wk_u128_make(WK_MUL_HI_U64(a, b), a * b);
}
/* 10^K for 0 <= K <= 38. */
WK_FN wk_u128 wk_u128_pow10(int k)
{
    wk_u64 lo = 1;
    int i = 0;
    for (; i < k && i < 19; i++) lo *= 10;
    wk_u64 more = 1;
    for (; i < k; i++) more *= 10;
    return wk_u128_mul64(lo, more);
}

/* ---- 256 bits, unsigned, little-endian words ---- */

typedef struct {
    wk_u64 w[4];
} wk_u256;

WK_FN wk_u256 wk_u256_from(wk_u128 a)
{
    wk_u256 r;
    r.w[0] = wk_u128_lo(a);
    r.w[1] = wk_u128_hi(a);
    r.w[2] = 0;
    r.w[3] = 0;
    return r;
}
WK_FN wk_u128 wk_u256_low(wk_u256 a)
{
    return wk_u128_make(a.w[1], a.w[0]);
}
WK_FN int wk_u256_is_u128(wk_u256 a)
{
    return (a.w[2] | a.w[3]) == 0;
}

/* A * B; *LOST becomes non-zero when it does not fit. */
WK_FN wk_u256 wk_u256_mul(wk_u256 a, wk_u128 b, wk_u64 *lost)
{
    wk_u256 r;
    wk_u64 m[2];
    m[0] = wk_u128_lo(b);
    m[1] = wk_u128_hi(b);
    for (int i = 0; i < 4; i++) r.w[i] = 0;
    for (int j = 0; j < 2; j++) {
        wk_u64 carry = 0;
        for (int i = 0; i + j < 4; i++) {
            wk_u128 p = wk_u128_mul64(a.w[i], m[j]);
            p = wk_u128_add(p, wk_u128_from(r.w[i + j]));
            p = wk_u128_add(p, wk_u128_from(carry));
            r.w[i + j] = wk_u128_lo(p);
            carry = wk_u128_hi(p);
        }
        *lost |= carry | (j && m[1] ? a.w[3] : 0);
    }
    return r;
}

/* Quotient of N / D and *REM; D is not 0. Knuth's algorithm D (TAOCP 2, 4.3.1) on 32-bit digits. */
WK_FN wk_u256 wk_u256_div_digits(wk_u256 n, wk_u128 d, wk_u128 *rem)
{
    wk_u32 u[9], v[4];
    wk_u256 q;
    int shift = 0, len = 4;
    while (wk_u128_hi(d) >> 63 == 0) { /* normalise: the divisor's top bit set */
        d = wk_u128_add(d, d);
        shift++;
    }
    while (shift >= 32) { /* … and no leading zero digits */
        shift -= 32;
        len--;
    }
    v[3] = (wk_u32)(wk_u128_hi(d) >> 32);
    v[2] = (wk_u32)wk_u128_hi(d);
    v[1] = (wk_u32)(wk_u128_lo(d) >> 32);
    v[0] = (wk_u32)wk_u128_lo(d);
    for (int i = 0; i < len; i++) v[i] = v[i + 4 - len];
    for (int i = 0; i < 8; i++) u[i] = (wk_u32)(n.w[i / 2] >> (i % 2 * 32));
    u[8] = 0;
    for (int i = 8; shift && i >= 0; i--) u[i] = u[i] << shift | (i ? u[i - 1] >> (32 - shift) : 0);
    for (int i = 0; i < 4; i++) q.w[i] = 0;
    for (int j = 8 - len; j >= 0; j--) {
        wk_u64 top = (wk_u64)u[j + len] << 32 | u[j + len - 1];
        wk_u64 qhat = top / v[len - 1], r = top % v[len - 1];
        while (qhat >> 32 || (len > 1 && qhat * v[len - 2] > (r << 32 | u[j + len - 2]))) {
            qhat--;
            r += v[len - 1];
            if (r >> 32) break;
        }
        wk_i64 borrow = 0;
        for (int i = 0; i < len; i++) {
            wk_u64 p = qhat * v[i];
            wk_i64 t = (wk_i64)u[i + j] - borrow - (wk_i64)(p & 0xffffffffu);
            u[i + j] = (wk_u32)t;
            borrow = (wk_i64)(p >> 32) - (t >> 32);
        }
        wk_i64 t = (wk_i64)u[j + len] - borrow;
        u[j + len] = (wk_u32)t;
        if (t < 0) { /* one too many */
            wk_u64 carry = 0;
            qhat--;
            for (int i = 0; i < len; i++) {
                carry += (wk_u64)u[i + j] + v[i];
                u[i + j] = (wk_u32)carry;
                carry >>= 32;
            }
            u[j + len] += (wk_u32)carry;
        }
        q.w[j / 2] |= qhat << (j % 2 * 32);
    }
    for (int i = 0; i < 4; i++) { /* what is left of the dividend, shifted back */
        wk_u32 next = i + 1 < len ? u[i + 1] : 0;
        v[i] = i >= len ? 0 : shift ? u[i] >> shift | next << (32 - shift) : u[i];
    }
    *rem = wk_u128_make((wk_u64)v[3] << 32 | v[2], (wk_u64)v[1] << 32 | v[0]);
    return q;
}

WK_FN wk_u256 wk_u256_div(wk_u256 n, wk_u128 d, wk_u128 *rem)
{
#ifndef WK_WIDE_STRUCT
    if (wk_u256_is_u128(n)) {
        wk_u128 low = wk_u256_low(n);
        *rem = low % d;
        return wk_u256_from(low / d);
    }
#endif
    return wk_u256_div_digits(n, d, rem);
}

#endif
