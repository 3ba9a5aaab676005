#ifndef WEIR_KERNELS_STR_H
#define WEIR_KERNELS_STR_H

#include "kernels/common/portable.h"

/* Strings: UTF-8 bytes and a length. */

/* < 0, 0, > 0: by bytes, which for UTF-8 is by code points. */
WK_FN int wk_str_compare(WK_GLOBAL const wk_u8 *a, wk_u32 a_len, WK_GLOBAL const wk_u8 *b,
                         wk_u32 b_len)
{
    wk_u32 n = a_len < b_len ? a_len : b_len;
#ifdef __OPENCL_VERSION__
    for (wk_u32 i = 0; i < n; i++)
        if (a[i] != b[i]) return (int)a[i] - (int)b[i];
#else
    int c = n ? memcmp(a, b, n) : 0;
    if (c) return c;
#endif
    return a_len < b_len ? -1 : a_len > b_len;
}

WK_FN wk_u8 wk_str_equal(WK_GLOBAL const wk_u8 *a, wk_u32 a_len, WK_GLOBAL const wk_u8 *b,
                         wk_u32 b_len)
{
    return a_len == b_len && wk_str_compare(a, a_len, b, b_len) == 0;
}

/* Does a code point start at this byte? */
WK_FN int wk_utf8_start(wk_u8 c)
{
    return (c & 0xc0) != 0x80;
}

/* CHAR_LENGTH: code points. */
WK_FN wk_i32 wk_char_length_str(WK_GLOBAL const wk_u8 *s, wk_u32 len, wk_u8 *st)
{
    wk_i32 n = 0;
    for (wk_u32 i = 0; i < len; i++) n += wk_utf8_start(s[i]);
    (void)st;
    return n;
}

/* Bytes of the character at S, LEN > 0: the first one and all continuation bytes behind it, so that
   broken UTF-8 has characters, too (as in like.h). */
WK_FN wk_u32 wk_utf8_size(WK_GLOBAL const wk_u8 *s, wk_u32 len)
{
    wk_u32 n = 1;
    while (n < len && !wk_utf8_start(s[n])) n++;
    return n;
}

#endif
