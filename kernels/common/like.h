#ifndef WEIR_KERNELS_LIKE_H
#define WEIR_KERNELS_LIKE_H

#include "kernels/common/portable.h"

/* LIKE over UTF-8 bytes: % is any run of characters, _ one character, ESC (an ASCII character, or
   WK_NO_ESCAPE) makes the next pattern character plain. Greedy with one point to come back to (the
   last %), so linear in practice and O(n * m) at worst; no recursion. */
#define WK_NO_ESCAPE 0xffffffffu

WK_FN wk_u32 wk_utf8_next(WK_GLOBAL const wk_u8 *s, wk_u32 n, wk_u32 i)
{
    i++;
    while (i < n && (s[i] & 0xc0) == 0x80) i++;
    return i;
}

WK_FN wk_u8 wk_like(WK_GLOBAL const wk_u8 *s, wk_u32 n, WK_GLOBAL const wk_u8 *p, wk_u32 m,
                    wk_u32 esc)
{
    wk_u32 i = 0, j = 0, back_i = 0, back_j = 0;
    wk_u8 has_back = 0;
    for (;;) {
        wk_u32 plain = j; /* index of a plain pattern character, or m */
        wk_u8 match = 0;
        if (j < m && p[j] == '%' && p[j] != esc) {
            back_j = ++j;
            back_i = i;
            has_back = 1;
            continue;
        }
        if (j == m && i == n) return 1;
        if (j < m && p[j] == esc && j + 1 < m) plain = j + 1;
        if (j < m && i < n) {
            if (plain == j && p[j] == '_') {
                i = wk_utf8_next(s, n, i);
                j++;
                match = 1;
            } else if (s[i] == p[plain]) {
                i++;
                j = plain + 1;
                match = 1;
            }
        }
        if (match) continue;
        if (!has_back || back_i >= n) return 0;
        back_i = wk_utf8_next(s, n, back_i);
        i = back_i;
        j = back_j;
    }
}

#endif
