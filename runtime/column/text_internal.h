#ifndef WEIR_COLUMN_TEXT_INTERNAL_H
#define WEIR_COLUMN_TEXT_INTERNAL_H

/* What text.c, text_float.c and text_time.c share; nobody else includes this. */

#include "runtime/column/text.h"

/* Larger exponents are kept at about this, which is beyond every type. Digit strings may be long
   too, so the bound is far above any length that fits in memory. */
#define TEXT_EXPONENT_MAX ((int64_t)1 << 56)

/* 0..9, or something larger when c is no digit. */
static inline unsigned text_digit(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

static inline bool text_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void text_trim(const char **s, size_t *n)
{
    while (*n && text_is_space(**s)) ++*s, --*n;
    while (*n && text_is_space((*s)[*n - 1])) --*n;
}

/* A number split into its parts: digits before and after the point, and the power of ten. */
struct text_number {
    bool negative;
    const char *whole, *fraction;
    size_t n_whole, n_fraction;
    int64_t exponent;
};
int text_scan_number(const char *s, size_t n, struct text_number *x);

/* V in decimal, zeros in front up to WIDTH; at most 20 bytes. */
size_t text_put_u64(char *out, uint64_t v, size_t width);

#endif
