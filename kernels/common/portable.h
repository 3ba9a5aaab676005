#ifndef WEIR_KERNELS_PORTABLE_H
#define WEIR_KERNELS_PORTABLE_H

/* The words in which the shared headers of this folder are written, so that C (gcc, clang) and
   OpenCL C 1.2 compile the same text. Rules for these headers: scalar functions, no pointers to
   pointers, no recursion, no static data, no 128-bit integers (pairs of 64-bit words instead),
   names start with wk_. */

#ifdef __OPENCL_VERSION__
typedef char wk_i8;
typedef short wk_i16;
typedef int wk_i32;
typedef long wk_i64;
typedef uchar wk_u8;
typedef ushort wk_u16;
typedef uint wk_u32;
typedef ulong wk_u64;
#define WK_FN               static inline
#define WK_GLOBAL           __global
#define WK_AS_U64(d)        as_ulong(d)
#define WK_AS_F64(u)        as_double(u)
#define WK_MUL_HI_U64(a, b) mul_hi((ulong)(a), (ulong)(b))
#define WK_MUL_HI_I64(a, b) mul_hi((long)(a), (long)(b))
#define WK_FABS(x)          fabs(x)
#define WK_FMOD(a, b)       fmod((double)(a), (double)(b))
#define WK_FLOOR(x)         floor(x)
#define WK_CEIL(x)          ceil(x)
#else
#include <stdint.h>
#include <string.h>
typedef int8_t wk_i8;
typedef int16_t wk_i16;
typedef int32_t wk_i32;
typedef int64_t wk_i64;
typedef uint8_t wk_u8;
typedef uint16_t wk_u16;
typedef uint32_t wk_u32;
typedef uint64_t wk_u64;
#define WK_FN static inline
#define WK_GLOBAL
static inline wk_u64 wk_as_u64(double d)
{
    wk_u64 u;
    memcpy(&u, &d, sizeof u);
    return u;
}
static inline double wk_as_f64(wk_u64 u)
{
    double d;
    memcpy(&d, &u, sizeof d);
    return d;
}
#define WK_AS_U64(d)        wk_as_u64(d)
#define WK_AS_F64(u)        wk_as_f64(u)
#define WK_MUL_HI_U64(a, b) ((wk_u64)(((unsigned __int128)(wk_u64)(a) * (wk_u64)(b)) >> 64))
#define WK_MUL_HI_I64(a, b) ((wk_i64)(((__int128)(wk_i64)(a) * (wk_i64)(b)) >> 64))
#define WK_FABS(x)          __builtin_fabs(x)
#define WK_FMOD(a, b)       __builtin_fmod((double)(a), (double)(b))
#define WK_FLOOR(x)         __builtin_floor(x)
#define WK_CEIL(x)          __builtin_ceil(x)
#endif

/* The state of a value: valid, NULL, or the error that computing it met. One byte a row; NULL
 * pointer: all valid. */
#define WK_VALID        0
#define WK_NULL         1
#define WK_ERR_OVERFLOW 2 /* the result does not fit the type */
#define WK_ERR_DIV_ZERO 3 /* integer or decimal division or modulo by zero */
#define WK_ERR_CAST     4 /* the text or value cannot be converted */
#define WK_ERR_ARGUMENT 5 /* a function does not accept the value */
#define WK_ERR_NOMEM    6 /* no memory for the result (native only) */

#endif
