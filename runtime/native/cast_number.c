/* Casts between integers, floats and BOOLEAN (DATE, TIME, TIMESTAMP and intervals take part with
   their units). Integers that narrow and floats that become integers are checked: a loop without
   branches first, the rows that failed only if there were any. */
#include <math.h>
#include <string.h>

#include "runtime/native/cast.h"

#define WIDEN(name, F, T)                                                                          \
    static EVAL_CLONES void loop_##name(T *restrict r, const F *restrict x, uint32_t n)            \
    {                                                                                              \
        for (uint32_t i = 0; i < n; i++) r[i] = (T)x[i];                                           \
    }                                                                                              \
    CAST_HEAD(cast_##name)                                                                         \
    {                                                                                              \
        (void)ev, (void)op;                                                                        \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        loop_##name(out->data, a[0]->data, n);                                                     \
        return WEIR_OK;                                                                            \
    }

#define NARROW(name, F, T)                                                                         \
    static EVAL_CLONES F loop_##name(T *restrict r, const F *restrict x, uint32_t n)               \
    {                                                                                              \
        F bad = 0;                                                                                 \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            r[i] = (T)x[i];                                                                        \
            bad = (F)(bad | (x[i] ^ (F)(T)x[i]));                                                  \
        }                                                                                          \
        return bad;                                                                                \
    }                                                                                              \
    CAST_HEAD(cast_##name)                                                                         \
    {                                                                                              \
        (void)ev, (void)op;                                                                        \
        const F *x = a[0]->data;                                                                   \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        if (!loop_##name(out->data, x, n)) return WEIR_OK;                                         \
        for (uint32_t i = 0; i < n; i++)                                                           \
            if ((F)(T)x[i] != x[i] && !(out->st && out->st[i]))                                    \
                cast_fail(out, own_st, n, i, WK_ERR_OVERFLOW);                                     \
        return WEIR_OK;                                                                            \
    }

/* Truncated toward zero; LIMIT is the first power of two that does not fit. */
#define TRUNCATE(name, F, T, LIMIT)                                                                \
    CAST_HEAD(cast_##name)                                                                         \
    {                                                                                              \
        (void)ev, (void)op;                                                                        \
        const F *x = a[0]->data;                                                                   \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            double t = trunc((double)x[i]);                                                        \
            bool fits = t >= -(LIMIT) && t < (LIMIT);                                              \
            ((T *)out->data)[i] = fits ? (T)t : 0;                                                 \
            if (!fits && !(out->st && out->st[i])) cast_fail(out, own_st, n, i, WK_ERR_OVERFLOW);  \
        }                                                                                          \
        return WEIR_OK;                                                                            \
    }

WIDEN(i8_i16, int8_t, int16_t)
WIDEN(i8_i32, int8_t, int32_t)
WIDEN(i8_i64, int8_t, int64_t)
WIDEN(i8_f32, int8_t, float)
WIDEN(i8_f64, int8_t, double)
NARROW(i16_i8, int16_t, int8_t)
WIDEN(i16_i32, int16_t, int32_t)
WIDEN(i16_i64, int16_t, int64_t)
WIDEN(i16_f32, int16_t, float)
WIDEN(i16_f64, int16_t, double)
NARROW(i32_i8, int32_t, int8_t)
NARROW(i32_i16, int32_t, int16_t)
WIDEN(i32_i64, int32_t, int64_t)
WIDEN(i32_f32, int32_t, float)
WIDEN(i32_f64, int32_t, double)
NARROW(i64_i8, int64_t, int8_t)
NARROW(i64_i16, int64_t, int16_t)
NARROW(i64_i32, int64_t, int32_t)
WIDEN(i64_f32, int64_t, float)
WIDEN(i64_f64, int64_t, double)
TRUNCATE(f32_i8, float, int8_t, 0x1p7)
TRUNCATE(f32_i16, float, int16_t, 0x1p15)
TRUNCATE(f32_i32, float, int32_t, 0x1p31)
TRUNCATE(f32_i64, float, int64_t, 0x1p63)
WIDEN(f32_f64, float, double)
TRUNCATE(f64_i8, double, int8_t, 0x1p7)
TRUNCATE(f64_i16, double, int16_t, 0x1p15)
TRUNCATE(f64_i32, double, int32_t, 0x1p31)
TRUNCATE(f64_i64, double, int64_t, 0x1p63)
WIDEN(f64_f32, double, float)
WIDEN(u8_i8, uint8_t, int8_t)
WIDEN(u8_i16, uint8_t, int16_t)
WIDEN(u8_i32, uint8_t, int32_t)
WIDEN(u8_i64, uint8_t, int64_t)
WIDEN(u8_f32, uint8_t, float)
WIDEN(u8_f64, uint8_t, double)

#define TO_BOOL(name, F)                                                                           \
    CAST_HEAD(cast_##name)                                                                         \
    {                                                                                              \
        (void)ev, (void)op;                                                                        \
        const F *x = a[0]->data;                                                                   \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        for (uint32_t i = 0; i < n; i++) ((uint8_t *)out->data)[i] = x[i] != 0;                    \
        return WEIR_OK;                                                                            \
    }
TO_BOOL(i8_u8, int8_t)
TO_BOOL(i16_u8, int16_t)
TO_BOOL(i32_u8, int32_t)
TO_BOOL(i64_u8, int64_t)
TO_BOOL(i128_u8, weir_i128)
TO_BOOL(f32_u8, float)
TO_BOOL(f64_u8, double)

/* [from][to] */
static const eval_fn table[WEIR_PHYS_COUNT_][WEIR_PHYS_COUNT_] = {
    [WEIR_PHYS_BOOL] = {[WEIR_PHYS_I8] = cast_u8_i8,
                        [WEIR_PHYS_I16] = cast_u8_i16,
                        [WEIR_PHYS_I32] = cast_u8_i32,
                        [WEIR_PHYS_I64] = cast_u8_i64,
                        [WEIR_PHYS_F32] = cast_u8_f32,
                        [WEIR_PHYS_F64] = cast_u8_f64},
    [WEIR_PHYS_I8] = {[WEIR_PHYS_BOOL] = cast_i8_u8,
                      [WEIR_PHYS_I16] = cast_i8_i16,
                      [WEIR_PHYS_I32] = cast_i8_i32,
                      [WEIR_PHYS_I64] = cast_i8_i64,
                      [WEIR_PHYS_F32] = cast_i8_f32,
                      [WEIR_PHYS_F64] = cast_i8_f64},
    [WEIR_PHYS_I16] = {[WEIR_PHYS_BOOL] = cast_i16_u8,
                       [WEIR_PHYS_I8] = cast_i16_i8,
                       [WEIR_PHYS_I32] = cast_i16_i32,
                       [WEIR_PHYS_I64] = cast_i16_i64,
                       [WEIR_PHYS_F32] = cast_i16_f32,
                       [WEIR_PHYS_F64] = cast_i16_f64},
    [WEIR_PHYS_I32] = {[WEIR_PHYS_BOOL] = cast_i32_u8,
                       [WEIR_PHYS_I8] = cast_i32_i8,
                       [WEIR_PHYS_I16] = cast_i32_i16,
                       [WEIR_PHYS_I64] = cast_i32_i64,
                       [WEIR_PHYS_F32] = cast_i32_f32,
                       [WEIR_PHYS_F64] = cast_i32_f64},
    [WEIR_PHYS_I64] = {[WEIR_PHYS_BOOL] = cast_i64_u8,
                       [WEIR_PHYS_I8] = cast_i64_i8,
                       [WEIR_PHYS_I16] = cast_i64_i16,
                       [WEIR_PHYS_I32] = cast_i64_i32,
                       [WEIR_PHYS_F32] = cast_i64_f32,
                       [WEIR_PHYS_F64] = cast_i64_f64},
    [WEIR_PHYS_I128] = {[WEIR_PHYS_BOOL] = cast_i128_u8},
    [WEIR_PHYS_F32] = {[WEIR_PHYS_BOOL] = cast_f32_u8,
                       [WEIR_PHYS_I8] = cast_f32_i8,
                       [WEIR_PHYS_I16] = cast_f32_i16,
                       [WEIR_PHYS_I32] = cast_f32_i32,
                       [WEIR_PHYS_I64] = cast_f32_i64,
                       [WEIR_PHYS_F64] = cast_f32_f64},
    [WEIR_PHYS_F64] = {[WEIR_PHYS_BOOL] = cast_f64_u8,
                       [WEIR_PHYS_I8] = cast_f64_i8,
                       [WEIR_PHYS_I16] = cast_f64_i16,
                       [WEIR_PHYS_I32] = cast_f64_i32,
                       [WEIR_PHYS_I64] = cast_f64_i64,
                       [WEIR_PHYS_F32] = cast_f64_f32},
};

static bool takes_part(struct weir_type t)
{
    return t.id == WEIR_TYPE_BOOLEAN || weir_type_is_float(t) || cast_is_plain_integer(t);
}

/* DATE, TIME and TIMESTAMP among each other are not a matter of units. */
static bool is_clock(struct weir_type t)
{
    return t.id == WEIR_TYPE_DATE || t.id == WEIR_TYPE_TIME || weir_type_is_timestamp(t);
}

eval_fn cast_number(struct weir_type from, struct weir_type to, bool *lossy)
{
    enum weir_phys f = weir_type_phys(from), t = weir_type_phys(to);
    if (from.id == WEIR_TYPE_DECIMAL && to.id == WEIR_TYPE_BOOLEAN) return table[f][t];
    if (!takes_part(from) || !takes_part(to) || (is_clock(from) && is_clock(to))) return NULL;
    bool integer = t >= WEIR_PHYS_I8 && t <= WEIR_PHYS_I64;
    *lossy = integer && (f > t);
    return table[f][t];
}
