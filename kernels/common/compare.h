#ifndef WEIR_KERNELS_COMPARE_H
#define WEIR_KERNELS_COMPARE_H

#include "kernels/common/arith.h"

/* Comparison and three-valued logic. Comparisons return 0 or 1 and cannot fail; the state of their
   result is wk_strict of the operands' states. Booleans are 0 or 1 in every state. */

#define WK_COMPARE_INT(sfx, T)                                                                     \
    WK_FN wk_u8 wk_eq_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a == b;                                                                             \
    }                                                                                              \
    WK_FN wk_u8 wk_ne_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a != b;                                                                             \
    }                                                                                              \
    WK_FN wk_u8 wk_lt_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a < b;                                                                              \
    }                                                                                              \
    WK_FN wk_u8 wk_le_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a <= b;                                                                             \
    }                                                                                              \
    WK_FN wk_u8 wk_gt_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a > b;                                                                              \
    }                                                                                              \
    WK_FN wk_u8 wk_ge_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return a >= b;                                                                             \
    }

/* NaN equals NaN and is larger than every number; -0 equals 0. */
#define WK_COMPARE_FLOAT(sfx, T)                                                                   \
    WK_FN wk_u8 wk_eq_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return (wk_u8)((a == b) | ((a != a) & (b != b)));                                          \
    }                                                                                              \
    WK_FN wk_u8 wk_ne_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return (wk_u8)((a != b) & !((a != a) & (b != b)));                                         \
    }                                                                                              \
    WK_FN wk_u8 wk_lt_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return (wk_u8)((a < b) | ((a == a) & (b != b)));                                           \
    }                                                                                              \
    WK_FN wk_u8 wk_le_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return (wk_u8)((a <= b) | (b != b));                                                       \
    }                                                                                              \
    WK_FN wk_u8 wk_gt_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return wk_lt_##sfx(b, a);                                                                  \
    }                                                                                              \
    WK_FN wk_u8 wk_ge_##sfx(T a, T b)                                                              \
    {                                                                                              \
        return wk_le_##sfx(b, a);                                                                  \
    }

WK_COMPARE_INT(u8, wk_u8) /* BOOLEAN */
WK_COMPARE_INT(i8, wk_i8)
WK_COMPARE_INT(i16, wk_i16)
WK_COMPARE_INT(i32, wk_i32)
WK_COMPARE_INT(i64, wk_i64)
WK_COMPARE_FLOAT(f32, float)
WK_COMPARE_FLOAT(f64, double)
#undef WK_COMPARE_INT
#undef WK_COMPARE_FLOAT

/* AND: FALSE if any operand is FALSE, else an error, else NULL, else TRUE. The value is wk_and; the
   state depends on the operands' values too. OR likewise. */
WK_FN wk_u8 wk_and(wk_u8 a, wk_u8 b)
{
    return a & b;
}
WK_FN wk_u8 wk_and_state(wk_u8 a, wk_u8 a_st, wk_u8 b, wk_u8 b_st)
{
    return (a_st | a) == 0 || (b_st | b) == 0 ? WK_VALID : wk_strict(a_st, b_st);
}
WK_FN wk_u8 wk_or(wk_u8 a, wk_u8 b)
{
    return a | b;
}
WK_FN wk_u8 wk_or_state(wk_u8 a, wk_u8 a_st, wk_u8 b, wk_u8 b_st)
{
    return (a_st == 0 && a) || (b_st == 0 && b) ? WK_VALID : wk_strict(a_st, b_st);
}

/* IS NULL, IS TRUE, IS FALSE: never NULL, but an error stays one (wk_is_state). */
WK_FN wk_u8 wk_is_null(wk_u8 st)
{
    return st == WK_NULL;
}
WK_FN wk_u8 wk_is_true(wk_u8 v, wk_u8 st)
{
    return st == WK_VALID && v;
}
WK_FN wk_u8 wk_is_false(wk_u8 v, wk_u8 st)
{
    return st == WK_VALID && !v;
}
WK_FN wk_u8 wk_is_state(wk_u8 st)
{
    return st == WK_NULL ? WK_VALID : st;
}

/* SELECT(c, a, b): is it the first branch? and the state of the result. */
WK_FN wk_u8 wk_select_state(wk_u8 c, wk_u8 c_st, wk_u8 a_st, wk_u8 b_st)
{
    return c_st > WK_NULL ? c_st : wk_is_true(c, c_st) ? a_st : b_st;
}

#endif
