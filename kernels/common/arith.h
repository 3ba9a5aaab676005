#ifndef WEIR_KERNELS_ARITH_H
#define WEIR_KERNELS_ARITH_H

#include "kernels/common/portable.h"

/* Arithmetic on integers and floats, one value at a time, and the states of values.

   Convention of all helpers in this folder that can fail: the last parameter `st` points to the
   state of the result; the helper writes an error code there when it fails and leaves it alone
   otherwise. The caller starts it at the strict combination of the operands' states (wk_strict)
   and, when that is not WK_VALID, ignores what the helper says (wk_keep). The result of a failed
   helper is a defined value (the wrapped one, or 0). Names end in the operands' type: _i8 _i16 _i32
   _i64 _f32 _f64. */

/* The state of a strict operator over operands in states A and B: an error beats NULL beats valid;
   of two errors the one with the larger code. */
WK_FN wk_u8 wk_strict(wk_u8 a, wk_u8 b)
{
    return a > b ? a : b;
}

/* The final state where the operands' state is COMBINED and the helper left OWN. */
WK_FN wk_u8 wk_keep(wk_u8 combined, wk_u8 own)
{
    return combined ? combined : own;
}

/* ---- integers ---- */

/* Sum and difference wrap; *_ovf has its sign bit set when R is not the exact result. */
#define WK_ARITH_SUM(sfx, T, U)                                                                    \
    WK_FN T wk_wrap_add_##sfx(T a, T b)                                                            \
    {                                                                                              \
        return (T)((U)a + (U)b);                                                                   \
    }                                                                                              \
    WK_FN T wk_wrap_sub_##sfx(T a, T b)                                                            \
    {                                                                                              \
        return (T)((U)a - (U)b);                                                                   \
    }                                                                                              \
    WK_FN T wk_add_ovf_##sfx(T a, T b, T r)                                                        \
    {                                                                                              \
        return (T)((a ^ r) & (b ^ r));                                                             \
    }                                                                                              \
    WK_FN T wk_sub_ovf_##sfx(T a, T b, T r)                                                        \
    {                                                                                              \
        return (T)((a ^ b) & (a ^ r));                                                             \
    }                                                                                              \
    WK_FN T wk_add_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        T r = wk_wrap_add_##sfx(a, b);                                                             \
        if (wk_add_ovf_##sfx(a, b, r) < 0) *st = WK_ERR_OVERFLOW;                                  \
        return r;                                                                                  \
    }                                                                                              \
    WK_FN T wk_sub_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        T r = wk_wrap_sub_##sfx(a, b);                                                             \
        if (wk_sub_ovf_##sfx(a, b, r) < 0) *st = WK_ERR_OVERFLOW;                                  \
        return r;                                                                                  \
    }

/* Truncating division, remainder with the dividend's sign, negation, absolute value, sign. */
#define WK_ARITH_DIV(sfx, T, MIN)                                                                  \
    WK_FN T wk_div_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        if (b == 0) {                                                                              \
            *st = WK_ERR_DIV_ZERO;                                                                 \
            return 0;                                                                              \
        }                                                                                          \
        if (b == -1 && a == (MIN)) {                                                               \
            *st = WK_ERR_OVERFLOW;                                                                 \
            return 0;                                                                              \
        }                                                                                          \
        return (T)(a / b);                                                                         \
    }                                                                                              \
    WK_FN T wk_mod_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        if (b == 0) *st = WK_ERR_DIV_ZERO;                                                         \
        return (T)(b == 0 || b == -1 ? 0 : a % b);                                                 \
    }                                                                                              \
    WK_FN T wk_neg_##sfx(T a, wk_u8 *st)                                                           \
    {                                                                                              \
        return wk_sub_##sfx((T)0, a, st);                                                          \
    }                                                                                              \
    WK_FN T wk_abs_##sfx(T a, wk_u8 *st)                                                           \
    {                                                                                              \
        return (T)(a < 0 ? wk_neg_##sfx(a, st) : a);                                               \
    }                                                                                              \
    WK_FN T wk_sign_##sfx(T a, wk_u8 *st)                                                          \
    {                                                                                              \
        (void)st;                                                                                  \
        return (T)((a > 0) - (a < 0));                                                             \
    }

#define WK_ARITH_MUL_NARROW(sfx, T)                                                                \
    WK_FN T wk_mul_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        wk_i64 r = (wk_i64)a * (wk_i64)b;                                                          \
        if (r != (wk_i64)(T)r) *st = WK_ERR_OVERFLOW;                                              \
        return (T)r;                                                                               \
    }

WK_ARITH_SUM(i8, wk_i8, wk_u8)
WK_ARITH_SUM(i16, wk_i16, wk_u16)
WK_ARITH_SUM(i32, wk_i32, wk_u32)
WK_ARITH_SUM(i64, wk_i64, wk_u64)
WK_ARITH_MUL_NARROW(i8, wk_i8)
WK_ARITH_MUL_NARROW(i16, wk_i16)
WK_ARITH_MUL_NARROW(i32, wk_i32)

WK_FN wk_i64 wk_mul_i64(wk_i64 a, wk_i64 b, wk_u8 *st)
{
    wk_i64 lo = (wk_i64)((wk_u64)a * (wk_u64)b);
    if (WK_MUL_HI_I64(a, b) != lo >> 63) *st = WK_ERR_OVERFLOW;
    return lo;
}

WK_ARITH_DIV(i8, wk_i8, -128)
WK_ARITH_DIV(i16, wk_i16, -32768)
WK_ARITH_DIV(i32, wk_i32, -2147483647 - 1)
WK_ARITH_DIV(i64, wk_i64, -9223372036854775807L - 1)

#undef WK_ARITH_SUM
#undef WK_ARITH_DIV
#undef WK_ARITH_MUL_NARROW

/* ---- floats: IEEE 754, never an error ---- */

#define WK_ARITH_FLOAT(sfx, T)                                                                     \
    WK_FN T wk_add_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        (void)st;                                                                                  \
        return a + b;                                                                              \
    }                                                                                              \
    WK_FN T wk_sub_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        (void)st;                                                                                  \
        return a - b;                                                                              \
    }                                                                                              \
    WK_FN T wk_mul_##sfx(T a, T b, wk_u8 *st)                                                      \
    {                                                                                              \
        (void)st;                                                                                  \
        return a * b;                                                                              \
    }                                                                                              \
    WK_FN T wk_neg_##sfx(T a, wk_u8 *st)                                                           \
    {                                                                                              \
        (void)st;                                                                                  \
        return -a;                                                                                 \
    }                                                                                              \
    WK_FN T wk_abs_##sfx(T a, wk_u8 *st)                                                           \
    {                                                                                              \
        (void)st;                                                                                  \
        return (T)WK_FABS(a);                                                                      \
    }                                                                                              \
    WK_FN T wk_sign_##sfx(T a, wk_u8 *st)                                                          \
    {                                                                                              \
        (void)st;                                                                                  \
        return a > 0 ? (T)1 : a < 0 ? (T)-1 : a; /* zero keeps its sign, NaN stays */              \
    }                                                                                              \
    WK_FN T wk_mod_##sfx(T a, T b, wk_u8 *st) /* sign of the dividend; x % 0 is NaN */             \
    {                                                                                              \
        (void)st;                                                                                  \
        return (T)WK_FMOD(a, b);                                                                   \
    }

WK_ARITH_FLOAT(f32, float)
WK_ARITH_FLOAT(f64, double)
#undef WK_ARITH_FLOAT

WK_FN double wk_div_f64(double a, double b, wk_u8 *st)
{
    (void)st;
    return a / b;
}

/* Through double: that rounds to the right float everywhere, OpenCL's own float division may not.
 */
WK_FN float wk_div_f32(float a, float b, wk_u8 *st)
{
    (void)st;
    return (float)((double)a / (double)b);
}

#endif
