/* Doubles and floats. Reading: up to 19 digits and a power of ten within ±19 is the rule, and there
   the value is one 128-bit product or quotient, kept to 64 bits with the rest folded into the
   lowest one ("round to odd"); from that the hardware's conversion rounds to 53 or 24 bits
   correctly. Everything else is normalised to at most 800 digits plus one that says "and more" and
   goes to strtod in the C locale, which is exact.

   Writing: most doubles of this world are k / 10^j with a small k. The smallest j whose division
   gives the value back is the shortest form, because below 2^50 decimals are further apart than
   doubles. The rest tries 15, 16 and 17 digits. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/column/text_internal.h"

static const double pow10_double[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t pow10_u64[] = {1u,
                                     10u,
                                     100u,
                                     1000u,
                                     10000u,
                                     100000u,
                                     1000000u,
                                     10000000u,
                                     100000000u,
                                     1000000000u,
                                     10000000000u,
                                     100000000000u,
                                     1000000000000u,
                                     10000000000000u,
                                     100000000000000u,
                                     1000000000000000u,
                                     10000000000000000u,
                                     100000000000000000u,
                                     1000000000000000000u,
                                     10000000000000000000u};

/* m * 10^e for m != 0, -19 <= e <= 19, as a 64-bit integer times 2^*shift, rounded to odd. */
static uint64_t scale_to_odd(uint64_t m, int e, int *shift)
{
    unsigned __int128 v;
    bool rest = false;
    *shift = 0;
    if (e >= 0) {
        v = (unsigned __int128)m * pow10_u64[e];
    } else {
        int lead = __builtin_clzll(m);
        unsigned __int128 top = (unsigned __int128)(m << lead) << 64;
        *shift = -64 - lead;
        v = top / pow10_u64[-e];
        rest = top % pow10_u64[-e] != 0;
    }
    uint64_t high = (uint64_t)(v >> 64);
    int drop = high ? 64 - __builtin_clzll(high) : 0;
    if (drop) {
        rest |= (v & (((unsigned __int128)1 << drop) - 1)) != 0;
        v >>= drop;
        *shift += drop;
    }
    return (uint64_t)v | rest;
}

/* The slow way: every digit that can matter, in a form that strtod reads. */
static void normalise(const struct text_number *x, char buf[static 840])
{
    size_t n = 0, digits = x->n_whole + x->n_fraction, i = 0;
    bool more = false;
    int64_t exponent = x->exponent - (int64_t)x->n_fraction;
    const char *d;
    if (x->negative) buf[n++] = '-';
    buf[n++] = '0';
    size_t start = n;
    for (; i < digits; i++) {
        d = i < x->n_whole ? x->whole + i : x->fraction + (i - x->n_whole);
        if (n == start && *d == '0') continue;
        if (n - start < 800) {
            buf[n++] = *d;
        } else {
            more |= *d != '0';
            exponent++;
        }
    }
    if (more) {
        buf[n++] = '1';
        exponent--;
    }
    if (exponent > 100000) exponent = 100000;
    if (exponent < -100000) exponent = -100000;
    snprintf(buf + n, 840 - n, "e%d", (int)exponent);
}

/* SYNTAX, or one of NaN and the infinities. */
static int parse_special(const char *s, size_t n, double *out)
{
    bool negative = n && *s == '-';
    if (n && (*s == '-' || *s == '+')) s++, n--;
    double v;
    if (n == 3 && strncasecmp(s, "nan", 3) == 0) {
        v = NAN;
    } else if ((n == 3 && strncasecmp(s, "inf", 3) == 0) ||
               (n == 8 && strncasecmp(s, "infinity", 8) == 0)) {
        v = INFINITY;
    } else {
        return WEIR_TEXT_SYNTAX;
    }
    *out = negative ? -v : v;
    return WEIR_TEXT_OK;
}

/* True, with the digits as one integer and a power of ten, when both are small. */
static bool small_number(const struct text_number *x, uint64_t *m, int *e)
{
    if (x->n_whole + x->n_fraction > 19) return false;
    if (x->exponent < -100 || x->exponent > 100) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < x->n_whole; i++) v = v * 10 + text_digit(x->whole[i]);
    for (size_t i = 0; i < x->n_fraction; i++) v = v * 10 + text_digit(x->fraction[i]);
    *m = v;
    *e = v ? (int)x->exponent - (int)x->n_fraction : 0;
    return *e >= -19 && *e <= 19;
}

static int parse_number(const char *s, size_t n, struct text_number *x, double *special)
{
    text_trim(&s, &n);
    int rc = text_scan_number(s, n, x);
    if (!rc) return 0;
    rc = parse_special(s, n, special);
    return rc ? rc : 1;
}

static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int weir_text_parse_double(const char *s, size_t n, double *out)
{
    struct text_number x;
    uint64_t m;
    int e, rc = parse_number(s, n, &x, out);
    if (rc) return rc < 0 ? rc : WEIR_TEXT_OK;
    double v;
    if (!small_number(&x, &m, &e)) {
        char buf[840];
        normalise(&x, buf);
        locale_t c = c_locale();
        *out = strtod_l(buf, NULL, c);
        freelocale(c);
        return WEIR_TEXT_OK;
    }
    if (m <= (uint64_t)1 << 53) {
        v = e < 0 ? (double)m / pow10_double[-e] : (double)m * pow10_double[e];
    } else {
        int shift;
        m = scale_to_odd(m, e, &shift);
        v = ldexp((double)m, shift);
    }
    *out = x.negative ? -v : v;
    return WEIR_TEXT_OK;
}

int weir_text_parse_float(const char *s, size_t n, float *out)
{
    struct text_number x;
    uint64_t m;
    double special;
    int e, rc = parse_number(s, n, &x, &special);
    if (rc < 0) return rc;
    float v = 0;
    if (rc) {
        *out = (float)special;
        return WEIR_TEXT_OK;
    }
    if (!small_number(&x, &m, &e)) {
        char buf[840];
        normalise(&x, buf);
        locale_t c = c_locale();
        *out = strtof_l(buf, NULL, c);
        freelocale(c);
        return WEIR_TEXT_OK;
    }
    if (m) {
        int shift;
        m = scale_to_odd(m, e, &shift);
        v = ldexpf((float)m, shift);
    }
    *out = x.negative ? -v : v;
    return WEIR_TEXT_OK;
}

/* ---- writing ---- */

/* DIGITS (n of them, no zeros at the end but the first) with the point after the first, times
 * 10^exponent. */
static size_t put_java(char *out, const char *digits, int n, int exponent)
{
    char *p = out;
    if (exponent >= -3 && exponent < 7) {
        int i = 0;
        if (exponent < 0) {
            *p++ = '0';
        } else {
            for (; i <= exponent; i++) *p++ = i < n ? digits[i] : '0';
        }
        *p++ = '.';
        for (int z = -1; z > exponent; z--) *p++ = '0';
        if (i >= n) *p++ = '0';
        while (i < n) *p++ = digits[i++];
        return (size_t)(p - out);
    }
    *p++ = digits[0];
    *p++ = '.';
    if (n == 1) *p++ = '0';
    for (int i = 1; i < n; i++) *p++ = digits[i];
    *p++ = 'E';
    return (size_t)(p - out) + weir_text_format_int(p, exponent);
}

static size_t put_special(char *out, double v)
{
    const char *s = isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity";
    size_t n = strlen(s);
    memcpy(out, s, n);
    return n;
}

/* 0 <= v < 2^50 as k / 10^j with the smallest j, when such a k below 2^50 exists: its digits
   without zeros at the end. Returns how many, 0 when there is none. */
static int short_digits(double v, bool single, char *digits, int *exponent)
{
    for (int j = 0; j <= 15; j++) {
        double t = v * pow10_double[j];
        if (t >= 0x1p50) return 0;
        double k = (double)(uint64_t)(t + 0.5);
        double back = k / pow10_double[j];
        if (single ? (float)back != (float)v : back != v) continue;
        int n = (int)text_put_u64(digits, (uint64_t)k, 1);
        *exponent = n - 1 - j;
        while (n > 1 && digits[n - 1] == '0') n--;
        return n;
    }
    return 0;
}

/* The digits of printf's %.{n-1}e, whatever the locale's decimal point is. */
static int print_digits(double v, int n, char *digits, int *exponent)
{
    char buf[64];
    int len = 0;
    snprintf(buf, sizeof buf, "%.*e", n - 1, v);
    const char *p = buf;
    for (; *p != 'e'; p++) {
        if (text_digit(*p) <= 9) digits[len++] = *p;
    }
    *exponent = atoi(p + 1);
    while (len > 1 && digits[len - 1] == '0') len--;
    return len;
}

static bool reads_back(const char *digits, int n, int exponent, double v, bool single)
{
    char buf[48];
    int len = snprintf(buf, sizeof buf, "%.*se%d", n, digits, exponent - (n - 1));
    if (single) {
        float f = 0;
        return weir_text_parse_float(buf, (size_t)len, &f) == 0 && f == (float)v;
    }
    double d = 0;
    return weir_text_parse_double(buf, (size_t)len, &d) == 0 && d == v;
}

static size_t format(char *out, double v, bool single)
{
    char digits[24];
    int exponent = 0, n;
    if (!isfinite(v)) return put_special(out, v);
    size_t sign = signbit(v) != 0;
    if (sign) *out++ = '-';
    v = fabs(v);
    n = v < 0x1p50 && (v >= 1e-5 || v == 0) ? short_digits(v, single, digits, &exponent) : 0;
    /* Numbers with less precision than usual (subnormals) may need fewer digits than a first try
     * has. */
    int first = single ? (v < 1.2e-38 ? 1 : 6) : (v < 2.3e-308 ? 1 : 15), last = single ? 9 : 17;
    for (int want = first; !n && want <= last; want++) {
        int len = print_digits(v, want, digits, &exponent);
        if (want == last || reads_back(digits, len, exponent, v, single)) n = len;
    }
    return sign + put_java(out, digits, n, exponent);
}

size_t weir_text_format_double(char *out, double v)
{
    return format(out, v, false);
}

size_t weir_text_format_float(char *out, float v)
{
    return format(out, (double)v, true);
}
