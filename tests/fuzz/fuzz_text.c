/* Fuzz target of the conversions of single values: what parses prints to text that parses to the
 * same. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/column/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void numbers(const char *s, size_t n, int a, int b)
{
    char out[WEIR_TEXT_MAX];
    int64_t i, i2;
    double d, d2;
    float f, f2;
    __int128 x, x2;
    int bits = 8 << (a & 3), precision = 1 + a % 38, scale = b % (precision + 1);
    if (!weir_text_parse_int(s, n, bits, &i)) {
        require(!weir_text_parse_int(out, weir_text_format_int(out, i), bits, &i2) && i == i2,
                "int");
        require(!weir_text_cast_int(s, n, bits, &i2) && i == i2, "cast");
    }
    if (!weir_text_parse_double(s, n, &d)) {
        size_t len = weir_text_format_double(out, d);
        require(len <= sizeof out && !weir_text_parse_double(out, len, &d2), "double");
        require(isnan(d) ? isnan(d2) : !memcmp(&d, &d2, sizeof d), "double");
        require(!weir_text_parse_float(s, n, &f), "float");
        len = weir_text_format_float(out, f);
        require(!weir_text_parse_float(out, len, &f2), "float");
        require(isnan(f) ? isnan(f2) : !memcmp(&f, &f2, sizeof f), "float");
    }
    if (!weir_text_parse_decimal(s, n, precision, scale, &x)) {
        size_t len = weir_text_format_decimal(out, x, scale);
        require(len <= sizeof out && !weir_text_parse_decimal(out, len, precision, scale, &x2) &&
                    x == x2,
                "decimal");
    }
}

static void times(const char *s, size_t n, int a)
{
    char out[WEIR_TEXT_MAX];
    int32_t day, day2;
    int64_t t, t2;
    int digits = a % 10;
    if (!weir_text_parse_date(s, n, &day))
        require(!weir_text_parse_date(out, weir_text_format_date(out, day), &day2) && day == day2,
                "date");
    if (!weir_text_parse_time(s, n, digits, &t)) {
        size_t len = weir_text_format_time(out, t, digits, digits);
        require(len <= sizeof out && !weir_text_parse_time(out, len, digits, &t2) && t == t2,
                "time");
    }
    /* A zone can move a time of the year 0 or 9999 to a year that is not read. */
    if (!weir_text_parse_timestamp(s, n, digits, a & 16, &t)) {
        size_t len = weir_text_format_timestamp(out, t, digits, digits, 'T', a & 16);
        require(len <= sizeof out, "timestamp");
        if (*out != '-' && *out != '+')
            require(!weir_text_parse_timestamp(out, len, digits, a & 16, &t2) && t == t2,
                    "timestamp");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    const char *s = (const char *)data + 2;
    size_t n = size - 2, len;
    numbers(s, n, data[0], data[1]);
    times(s, n, data[0]);
    bool truth;
    (void)weir_text_parse_bool(s, n, &truth);
    (void)weir_text_is_utf8(s, n);
    unsigned char *bytes = malloc(n / 4 * 3 + 3);
    char *text = malloc((n + 2) / 3 * 4 + 1);
    require(bytes && text, "malloc");
    (void)weir_text_parse_base64(s, n, bytes, &len);
    size_t m = weir_text_format_base64(text, (const unsigned char *)s, n);
    unsigned char *back = malloc(m / 4 * 3 + 3);
    require(back && !weir_text_parse_base64(text, m, back, &len) && len == n && !memcmp(back, s, n),
            "base64");
    free(back);
    free(text);
    free(bytes);
    return 0;
}
