/* Comparisons into bits. x86 with AVX-512 compares a register into bits in one instruction; that
   version is chosen when a pipeline is compiled for the interpreter. Elsewhere the compiler's
   vectors make bytes, which are packed eight at a time. */
#include "runtime/native/mask.h"

#include <string.h>

#include "kernels/common/compare.h"
#include "kernels/common/wide.h"
#include "runtime/native/clones.h"

uint64_t mask_of_bytes(const uint8_t *byte, uint32_t n)
{
    uint64_t bits = 0;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, byte + i, 8);
        w |= w >> 4, w |= w >> 2, w |= w >> 1; /* any bit of a byte into its lowest */
        w &= UINT64_C(0x0101010101010101);
        bits |= (w * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    for (; i < n; i++) bits |= (uint64_t)(byte[i] != 0) << i;
    return bits;
}

/* ---- any processor ---- */

#define ANY(name, T, TAKE, EXPR)                                                                   \
    static EVAL_CLONES uint64_t any_##name(const void *pa, const void *pb, uint32_t n)             \
    {                                                                                              \
        const T *restrict a = pa;                                                                  \
        uint8_t m[MASK_ROWS];                                                                      \
        TAKE for (uint32_t i = 0; i < n; i++) m[i] = EXPR;                                         \
        return mask_of_bytes(m, n);                                                                \
    }
#define ONE_OF(T)  const T c = *(const T *)pb;
#define TWO_OF(T)  const T low = ((const T *)pb)[0], high = ((const T *)pb)[1];
#define EACH_OF(T) const T *restrict b = pb;

#define ANY_BOTH(T, sfx)                                                                           \
    ANY(both_eq_##sfx, T, EACH_OF(T), wk_eq_##sfx(a[i], b[i]))                                     \
    ANY(both_ne_##sfx, T, EACH_OF(T), wk_ne_##sfx(a[i], b[i]))                                     \
    ANY(both_lt_##sfx, T, EACH_OF(T), wk_lt_##sfx(a[i], b[i]))                                     \
    ANY(both_le_##sfx, T, EACH_OF(T), wk_le_##sfx(a[i], b[i]))                                     \
    ANY(both_gt_##sfx, T, EACH_OF(T), wk_gt_##sfx(a[i], b[i]))                                     \
    ANY(both_ge_##sfx, T, EACH_OF(T), wk_ge_##sfx(a[i], b[i]))
/* Written so that a NaN on the left counts as larger than the constant. */
#define ANY_CONST(T, sfx)                                                                          \
    ANY(const_eq_##sfx, T, ONE_OF(T), a[i] == c)                                                   \
    ANY(const_ne_##sfx, T, ONE_OF(T), a[i] != c)                                                   \
    ANY(const_lt_##sfx, T, ONE_OF(T), a[i] < c)                                                    \
    ANY(const_le_##sfx, T, ONE_OF(T), a[i] <= c)                                                   \
    ANY(const_gt_##sfx, T, ONE_OF(T), !(a[i] <= c))                                                \
    ANY(const_ge_##sfx, T, ONE_OF(T), !(a[i] < c))
#define ANY_ALL(T, sfx)                                                                            \
    ANY_BOTH(T, sfx)                                                                               \
    ANY_CONST(T, sfx)                                                                              \
    ANY(range_##sfx, T, TWO_OF(T), (a[i] >= low) & (a[i] <= high))
ANY_ALL(int8_t, i8)
ANY_ALL(int16_t, i16)
ANY_ALL(int32_t, i32)
ANY_ALL(int64_t, i64)
ANY_ALL(float, f32)
ANY_ALL(double, f64)
ANY_BOTH(wk_i128, i128)
ANY_CONST(wk_i128, i128)

#define ROW(isa, kind, sfx)                                                                        \
    {                                                                                              \
        isa##_##kind##_eq_##sfx, isa##_##kind##_ne_##sfx, isa##_##kind##_lt_##sfx,                 \
            isa##_##kind##_le_##sfx, isa##_##kind##_gt_##sfx, isa##_##kind##_ge_##sfx              \
    }
static const mask_fn any_compare[2][WEIR_PHYS_COUNT_][6] = {
    {[WEIR_PHYS_I8] = ROW(any, both, i8),
     [WEIR_PHYS_I16] = ROW(any, both, i16),
     [WEIR_PHYS_I32] = ROW(any, both, i32),
     [WEIR_PHYS_I64] = ROW(any, both, i64),
     [WEIR_PHYS_F32] = ROW(any, both, f32),
     [WEIR_PHYS_F64] = ROW(any, both, f64),
     [WEIR_PHYS_I128] = ROW(any, both, i128)},
    {[WEIR_PHYS_I8] = ROW(any, const, i8),
     [WEIR_PHYS_I16] = ROW(any, const, i16),
     [WEIR_PHYS_I32] = ROW(any, const, i32),
     [WEIR_PHYS_I64] = ROW(any, const, i64),
     [WEIR_PHYS_F32] = ROW(any, const, f32),
     [WEIR_PHYS_F64] = ROW(any, const, f64),
     [WEIR_PHYS_I128] = ROW(any, const, i128)},
};
static const mask_fn any_range[WEIR_PHYS_COUNT_] = {
    [WEIR_PHYS_I8] = any_range_i8,   [WEIR_PHYS_I16] = any_range_i16,
    [WEIR_PHYS_I32] = any_range_i32, [WEIR_PHYS_I64] = any_range_i64,
    [WEIR_PHYS_F32] = any_range_f32, [WEIR_PHYS_F64] = any_range_f64,
};

/* ---- AVX-512 ---- */

#ifdef __x86_64__
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))

/* The sources of less than 64 rows are copied to full words first. The hardware looks ahead within
   a page only, so the lines a page ahead are asked for here: a fifth of the time of a filter over
   memory. */
#define WIDE(name, T, LANES, VEC, ROWS_OF_B, TEST)                                                 \
    static AVX512 uint64_t wide_##name(const void *pa, const void *pb, uint32_t n)                 \
    {                                                                                              \
        T tail[2][MASK_ROWS];                                                                      \
        const T *a = pa, *b = pb;                                                                  \
        if (n < MASK_ROWS) {                                                                       \
            memset(tail, 0, sizeof tail);                                                          \
            a = memcpy(tail[0], a, n * sizeof(T));                                                 \
            if (ROWS_OF_B) b = memcpy(tail[1], b, n * sizeof(T));                                  \
        }                                                                                          \
        uint64_t m = 0;                                                                            \
        _Pragma("GCC unroll 8") for (uint32_t i = 0; i < MASK_ROWS; i += (LANES))                  \
        {                                                                                          \
            VEC x = LOAD_##VEC(a + i);                                                             \
            __builtin_prefetch((const void *)((uintptr_t)(a + i) + AHEAD), 0, 2);                  \
            m |= (uint64_t)(TEST) << i;                                                            \
        }                                                                                          \
        return m & mask_first(n);                                                                  \
    }
#define AHEAD 4096

#define LOAD___m512i(p) _mm512_loadu_si512(p)
#define LOAD___m512(p)  _mm512_loadu_ps(p)
#define LOAD___m512d(p) _mm512_loadu_pd(p)

/* Whole numbers: EPI is the intrinsics' suffix. */
#define WIDE_INT_OP(name, OP, T, LANES, EPI)                                                       \
    WIDE(both_##name, T, LANES, __m512i, 1,                                                        \
         _mm512_cmp_##EPI##_mask(x, _mm512_loadu_si512(b + i), OP))                                \
    WIDE(const_##name, T, LANES, __m512i, 0, _mm512_cmp_##EPI##_mask(x, _mm512_set1_##EPI(*b), OP))
#define WIDE_INT(T, LANES, EPI, sfx)                                                               \
    WIDE_INT_OP(eq_##sfx, _MM_CMPINT_EQ, T, LANES, EPI)                                            \
    WIDE_INT_OP(ne_##sfx, _MM_CMPINT_NE, T, LANES, EPI)                                            \
    WIDE_INT_OP(lt_##sfx, _MM_CMPINT_LT, T, LANES, EPI)                                            \
    WIDE_INT_OP(le_##sfx, _MM_CMPINT_LE, T, LANES, EPI)                                            \
    WIDE_INT_OP(gt_##sfx, _MM_CMPINT_NLE, T, LANES, EPI)                                           \
    WIDE_INT_OP(ge_##sfx, _MM_CMPINT_NLT, T, LANES, EPI)                                           \
    WIDE(range_##sfx, T, LANES, __m512i, 0,                                                        \
         _mm512_cmp_##EPI##_mask(x, _mm512_set1_##EPI(b[0]), _MM_CMPINT_NLT) &                     \
             _mm512_cmp_##EPI##_mask(x, _mm512_set1_##EPI(b[1]), _MM_CMPINT_LE))
WIDE_INT(int8_t, 64, epi8, i8)
WIDE_INT(int16_t, 32, epi16, i16)
WIDE_INT(int32_t, 16, epi32, i32)
WIDE_INT(int64_t, 8, epi64, i64)

/* Floats with a constant; NaN is above every constant. */
#define WIDE_FLOAT_OP(name, OP, T, LANES, VEC, PS)                                                 \
    WIDE(const_##name, T, LANES, VEC, 0, _mm512_cmp_##PS##_mask(x, _mm512_set1_##PS(*b), OP))
#define WIDE_FLOAT(T, LANES, VEC, PS, sfx)                                                         \
    WIDE_FLOAT_OP(eq_##sfx, _CMP_EQ_OQ, T, LANES, VEC, PS)                                         \
    WIDE_FLOAT_OP(ne_##sfx, _CMP_NEQ_UQ, T, LANES, VEC, PS)                                        \
    WIDE_FLOAT_OP(lt_##sfx, _CMP_LT_OQ, T, LANES, VEC, PS)                                         \
    WIDE_FLOAT_OP(le_##sfx, _CMP_LE_OQ, T, LANES, VEC, PS)                                         \
    WIDE_FLOAT_OP(gt_##sfx, _CMP_NLE_UQ, T, LANES, VEC, PS)                                        \
    WIDE_FLOAT_OP(ge_##sfx, _CMP_NLT_UQ, T, LANES, VEC, PS)                                        \
    WIDE(range_##sfx, T, LANES, VEC, 0,                                                            \
         _mm512_cmp_##PS##_mask(x, _mm512_set1_##PS(b[0]), _CMP_GE_OQ) &                           \
             _mm512_cmp_##PS##_mask(x, _mm512_set1_##PS(b[1]), _CMP_LE_OQ))
WIDE_FLOAT(float, 16, __m512, ps, f32)
WIDE_FLOAT(double, 8, __m512d, pd, f64)

static const mask_fn wide_compare[2][WEIR_PHYS_COUNT_][6] = {
    {[WEIR_PHYS_I8] = ROW(wide, both, i8),
     [WEIR_PHYS_I16] = ROW(wide, both, i16),
     [WEIR_PHYS_I32] = ROW(wide, both, i32),
     [WEIR_PHYS_I64] = ROW(wide, both, i64)},
    {[WEIR_PHYS_I8] = ROW(wide, const, i8),
     [WEIR_PHYS_I16] = ROW(wide, const, i16),
     [WEIR_PHYS_I32] = ROW(wide, const, i32),
     [WEIR_PHYS_I64] = ROW(wide, const, i64),
     [WEIR_PHYS_F32] = ROW(wide, const, f32),
     [WEIR_PHYS_F64] = ROW(wide, const, f64)},
};
static const mask_fn wide_range[WEIR_PHYS_COUNT_] = {
    [WEIR_PHYS_I8] = wide_range_i8,   [WEIR_PHYS_I16] = wide_range_i16,
    [WEIR_PHYS_I32] = wide_range_i32, [WEIR_PHYS_I64] = wide_range_i64,
    [WEIR_PHYS_F32] = wide_range_f32, [WEIR_PHYS_F64] = wide_range_f64,
};

#endif

/* ---- choosing ---- */

bool mask_has_wide(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
#else
    return false;
#endif
}

mask_fn mask_range_of(bool wide, enum weir_phys phys)
{
#ifdef __x86_64__
    if (wide) return wide_range[phys];
#endif
    return any_range[phys];
}

mask_fn mask_compare_of(bool wide, int op, enum weir_phys phys, bool constant)
{
    int at = op - WEIR_OP_EQ;
#ifdef __x86_64__
    if (wide && wide_compare[constant][phys][at]) return wide_compare[constant][phys][at];
#endif
    return any_compare[constant][phys][at];
}
