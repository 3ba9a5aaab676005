#ifndef WEIR_KERNELS_HASH_H
#define WEIR_KERNELS_HASH_H

#include "kernels/common/portable.h"

/* The one hash of Weir: keys hash the same natively and on every device, so partial results merge
   by hash and a join table built natively is probed on a device. The mixer is the 64-bit finalizer
   of MurmurHash3 (Appleby, public domain). Key groups (state partitions) take the high bits, table
   slots the low ones. */

#define WK_HASH_SEED 0x9e3779b97f4a7c15UL

#ifdef WEIR_TEST_HASH_ZERO /* a test configuration: every key collides */
WK_FN wk_u64 wk_mix(wk_u64 x)
{
    return x & 0;
}
#else
WK_FN wk_u64 wk_mix(wk_u64 x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdUL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53UL;
    return x ^ x >> 33;
}
#endif

/* Add one key word to hash H (start: WK_HASH_SEED). A NULL key adds WK_HASH_NULL instead of its
 * words. */
#define WK_HASH_NULL 0x6e756c6cUL
WK_FN wk_u64 wk_hash_word(wk_u64 h, wk_u64 w)
{
    return wk_mix(h ^ w) + WK_HASH_SEED;
}

/* Add a string: its length, then 8 bytes at a time, little-endian, the last ones zero-padded. */
WK_FN wk_u64 wk_hash_bytes(wk_u64 h, WK_GLOBAL const wk_u8 *p, wk_u32 len)
{
    h = wk_hash_word(h, len);
    wk_u32 i = 0;
    for (; i + 8 <= len; i += 8) {
        wk_u64 w = 0;
#ifdef __OPENCL_VERSION__
        for (int b = 7; b >= 0; b--) w = w << 8 | p[i + b];
#else
        memcpy(&w, p + i, 8);
#endif
        h = wk_hash_word(h, w);
    }
    if (i < len) {
        wk_u64 w = 0;
        for (wk_u32 b = len; b > i; b--) w = w << 8 | p[b - 1];
        h = wk_hash_word(h, w);
    }
    return h;
}

/* The key word of a double: -0 is 0, every NaN is one NaN. */
WK_FN wk_u64 wk_key_f64(double d)
{
    if (d == 0) return 0;
    if (d != d) return 0x7ff8000000000000UL;
    return WK_AS_U64(d);
}

#endif
