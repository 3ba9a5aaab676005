/* Booleans, integers, decimals, base64 and UTF-8. Integers accumulate below zero, where two's
   complement has one value more, so that the smallest one needs no special case. A decimal is read
   as digits around a point that the exponent and the wanted scale move; no floating point is
   involved. */
#include "runtime/column/text.h"

#include <string.h>
#include <strings.h>

#include "runtime/column/text_internal.h"

static bool equals(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

int weir_text_parse_bool(const char *s, size_t n, bool *out)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1"};
    static const char *const no[] = {"false", "f", "no", "n", "0"};
    text_trim(&s, &n);
    for (size_t i = 0; i < 5; i++) {
        if (equals(s, n, yes[i])) return *out = true, WEIR_TEXT_OK;
        if (equals(s, n, no[i])) return *out = false, WEIR_TEXT_OK;
    }
    return WEIR_TEXT_SYNTAX;
}

/* The value of at most 19 digits, or SYNTAX. */
static int short_digits(const char *s, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = text_digit(s[i]);
        if (d > 9) return WEIR_TEXT_SYNTAX;
        v = v * 10 + d;
    }
    *out = v;
    return WEIR_TEXT_OK;
}

int weir_text_parse_int(const char *s, size_t n, int bits, int64_t *out)
{
    text_trim(&s, &n);
    bool negative = n && *s == '-';
    if (n && (*s == '-' || *s == '+')) s++, n--;
    if (!n) return WEIR_TEXT_SYNTAX;
    while (n > 19 && *s == '0') s++, n--;
    if (n > 19) {
        for (size_t i = 0; i < n; i++) {
            if (text_digit(s[i]) > 9) return WEIR_TEXT_SYNTAX;
        }
        return WEIR_TEXT_RANGE;
    }
    uint64_t v;
    int rc = short_digits(s, n, &v);
    if (rc) return rc;
    uint64_t most = ((uint64_t)1 << (bits - 1)) - !negative;
    if (v > most) return WEIR_TEXT_RANGE;
    *out = (int64_t)(negative ? 0 - v : v);
    return WEIR_TEXT_OK;
}

int weir_text_cast_int(const char *s, size_t n, int bits, int64_t *out)
{
    text_trim(&s, &n);
    const char *dot = n ? memchr(s, '.', n) : NULL;
    if (!dot) return weir_text_parse_int(s, n, bits, out);
    for (const char *p = dot + 1; p < s + n; p++) {
        if (text_digit(*p) > 9) return WEIR_TEXT_SYNTAX;
    }
    size_t whole = (size_t)(dot - s);
    bool sign_only = whole == 0 || (whole == 1 && (*s == '-' || *s == '+'));
    if (!sign_only) return weir_text_parse_int(s, whole, bits, out);
    if (dot + 1 == s + n) return WEIR_TEXT_SYNTAX;
    *out = 0;
    return WEIR_TEXT_OK;
}

/* ---- decimals ---- */

int text_scan_number(const char *s, size_t n, struct text_number *x)
{
    memset(x, 0, sizeof *x);
    size_t i = 0;
    if (i < n && (s[i] == '-' || s[i] == '+')) x->negative = s[i++] == '-';
    x->whole = s + i;
    while (i < n && text_digit(s[i]) <= 9) i++;
    x->n_whole = (size_t)(s + i - x->whole);
    if (i < n && s[i] == '.') {
        x->fraction = s + ++i;
        while (i < n && text_digit(s[i]) <= 9) i++;
        x->n_fraction = (size_t)(s + i - x->fraction);
    }
    if (x->n_whole + x->n_fraction == 0) return WEIR_TEXT_SYNTAX;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        bool negative = ++i < n && s[i] == '-';
        if (i < n && (s[i] == '-' || s[i] == '+')) i++;
        if (i == n) return WEIR_TEXT_SYNTAX;
        int64_t e = 0;
        for (; i < n && text_digit(s[i]) <= 9; i++) {
            if (e < TEXT_EXPONENT_MAX) e = e * 10 + text_digit(s[i]);
        }
        x->exponent = negative ? -e : e;
    }
    return i == n ? WEIR_TEXT_OK : WEIR_TEXT_SYNTAX;
}

static unsigned __int128 power10(int e)
{
    unsigned __int128 p = 1;
    while (e-- > 0) p *= 10;
    return p;
}

int weir_text_parse_decimal(const char *s, size_t n, int precision, int scale, __int128 *out)
{
    struct text_number x;
    text_trim(&s, &n);
    int rc = text_scan_number(s, n, &x);
    if (rc) return rc;
    size_t digits = x.n_whole + x.n_fraction;
    /* Digits [0, keep) are kept, the one after decides the rounding; when keep > digits, zeros
     * follow. */
    int64_t keep = (int64_t)x.n_whole + x.exponent + scale;
    unsigned __int128 v = 0, limit = power10(precision);
    for (size_t i = 0; i < digits && (int64_t)i < keep; i++) {
        v = v * 10 + text_digit(i < x.n_whole ? x.whole[i] : x.fraction[i - x.n_whole]);
        if (v >= limit) return WEIR_TEXT_RANGE;
    }
    if (v && keep > (int64_t)digits) {
        if (keep - (int64_t)digits > 38) return WEIR_TEXT_RANGE;
        for (int64_t i = (int64_t)digits; i < keep; i++) {
            if (v >= limit) return WEIR_TEXT_RANGE;
            v *= 10;
        }
    }
    if (keep >= 0 && keep < (int64_t)digits) {
        size_t i = (size_t)keep;
        v += text_digit(i < x.n_whole ? x.whole[i] : x.fraction[i - x.n_whole]) >= 5;
    }
    if (v >= limit) return WEIR_TEXT_RANGE;
    *out = x.negative ? -(__int128)v : (__int128)v;
    return WEIR_TEXT_OK;
}

/* ---- formatting ---- */

size_t text_put_u64(char *out, uint64_t v, size_t width)
{
    char tmp[20];
    size_t n = 0;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n < width) tmp[n++] = '0';
    for (size_t i = 0; i < n; i++) out[i] = tmp[n - 1 - i];
    return n;
}

size_t weir_text_format_int(char *out, int64_t v)
{
    size_t sign = v < 0;
    if (sign) *out = '-';
    return sign + text_put_u64(out + sign, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
}

size_t weir_text_format_decimal(char *out, __int128 unscaled, int scale)
{
    char digits[40];
    int n = 0;
    size_t len = 0;
    unsigned __int128 v =
        unscaled < 0 ? 0 - (unsigned __int128)unscaled : (unsigned __int128)unscaled;
    do {
        digits[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v || n <= scale);
    if (unscaled < 0) out[len++] = '-';
    while (n--) {
        out[len++] = digits[n];
        if (n == scale && n) out[len++] = '.';
    }
    return len;
}

/* ---- base64 ---- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int weir_text_parse_base64(const char *s, size_t n, unsigned char *out, size_t *out_n)
{
    text_trim(&s, &n);
    for (int i = 0; i < 2 && n && n % 4 == (size_t)(i ? 3 : 0) && s[n - 1] == '='; i++) n--;
    if (n % 4 == 1) return WEIR_TEXT_SYNTAX;
    size_t len = 0;
    uint32_t acc = 0;
    for (size_t i = 0; i < n; i++) {
        int v = base64_value(s[i]);
        if (v < 0) return WEIR_TEXT_SYNTAX;
        acc = acc << 6 | (uint32_t)v;
        if (i % 4 == 0) continue;
        int left = 6 - 2 * (int)(i % 4);
        out[len++] = (unsigned char)(acc >> left);
    }
    *out_n = len;
    return WEIR_TEXT_OK;
}

size_t weir_text_format_base64(char *out, const unsigned char *bytes, size_t n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *p = out;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t a = (uint32_t)bytes[i] << 16;
        if (i + 1 < n) a |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n) a |= bytes[i + 2];
        *p++ = alphabet[a >> 18];
        *p++ = alphabet[a >> 12 & 63];
        *p++ = i + 1 < n ? alphabet[a >> 6 & 63] : '=';
        *p++ = i + 2 < n ? alphabet[a & 63] : '=';
    }
    return (size_t)(p - out);
}

/* ---- UTF-8 ---- */

/* How many bytes the well-formed character at s takes (Unicode 15, table 3-7), 0 when it is not
 * one. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    unsigned char c = s[0], low = 0x80, high = 0xBF;
    size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (len < 2) return len;
    if (len > n) return 0;
    if (c == 0xE0) low = 0xA0;
    if (c == 0xED) high = 0x9F;
    if (c == 0xF0) low = 0x90;
    if (c == 0xF4) high = 0x8F;
    if (s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
    }
    return len;
}

bool weir_text_is_utf8(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        if (n - i >= 8 && (memcpy(&word, s + i, 8), !(word & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        size_t len = utf8_length((const unsigned char *)s + i, n - i);
        if (!len) return false;
        i += len;
    }
    return true;
}
