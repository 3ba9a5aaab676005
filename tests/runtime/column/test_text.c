/* Values to and from text, against the C library, and by round trips over random and extreme
 * values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/column/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static uint64_t rng_state;

static uint64_t rng(void)
{
    uint64_t z = rng_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The parsers leave *out alone when they fail; then these give the status times 1000. */
static const int64_t untouched = -77777;

static int64_t result(int rc, int64_t v)
{
    if (rc) assert_int_equal(v, untouched);
    return rc ? rc * 1000 : v;
}

static int64_t parse_int(const char *s, int bits)
{
    int64_t v = untouched;
    int rc = weir_text_parse_int(s, strlen(s), bits, &v);
    return result(rc, v);
}

static int64_t cast_int(const char *s, int bits)
{
    int64_t v = untouched;
    int rc = weir_text_cast_int(s, strlen(s), bits, &v);
    return result(rc, v);
}

static void is_text(size_t n, const char *out, const char *want)
{
    assert_true(n <= WEIR_TEXT_MAX);
    if (n != strlen(want) || memcmp(out, want, n)) fail_msg("%.*s, not %s", (int)n, out, want);
}

static void test_bool(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "TRUE", " t ", "y", "Yes", "1"};
    static const char *const no[] = {"false", "F", "no", "N", "0\n"};
    static const char *const bad[] = {"", "2", "tru", "truee", "10", "nul", "t f"};
    bool v;
    for (size_t i = 0; i < COUNT(yes); i++) {
        v = false;
        assert_int_equal(weir_text_parse_bool(yes[i], strlen(yes[i]), &v), 0);
        assert_true(v);
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        v = true;
        assert_int_equal(weir_text_parse_bool(no[i], strlen(no[i]), &v), 0);
        assert_false(v);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(weir_text_parse_bool(bad[i], strlen(bad[i]), &v), WEIR_TEXT_SYNTAX);
    assert_int_equal(weir_text_parse_bool("true\0", 5, &v), WEIR_TEXT_SYNTAX);
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int bits;
        int64_t want;
    } cases[] = {{"0", 8, 0},
                 {"-0", 8, 0},
                 {"+17", 8, 17},
                 {" \t42\r\n", 8, 42},
                 {"127", 8, 127},
                 {"128", 8, -2000},
                 {"-128", 8, -128},
                 {"-129", 8, -2000},
                 {"32767", 16, 32767},
                 {"32768", 16, -2000},
                 {"-2147483648", 32, INT32_MIN},
                 {"2147483648", 32, -2000},
                 {"9223372036854775807", 64, INT64_MAX},
                 {"9223372036854775808", 64, -2000},
                 {"-9223372036854775808", 64, INT64_MIN},
                 {"-9223372036854775809", 64, -2000},
                 {"9999999999999999999", 64, -2000},
                 {"99999999999999999999999999", 64, -2000},
                 {"000000000000000000000000000000000007", 8, 7}};
    static const char *const bad[] = {
        "",    " ",   "-",    "+",   "12x", "x",     "1 2",
        "--1", "1.0", "0x10", "1e3", "٣",   "1_000", "99999999999999999999x"};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(parse_int(cases[i].s, cases[i].bits), cases[i].want);
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(parse_int(bad[i], 64), -1000);
    int64_t v;
    assert_int_equal(weir_text_parse_int("1\0002", 3, 64, &v), WEIR_TEXT_SYNTAX);
    for (int i = 0; i < 100000; i++) {
        char s[32];
        int64_t x = (int64_t)(rng() >> rng() % 64);
        if (rng() % 2) x = (int64_t)(0 - (uint64_t)x);
        size_t n = weir_text_format_int(s, x);
        assert_int_equal(weir_text_parse_int(s, n, 64, &v), 0);
        assert_int_equal(v, x);
        s[n] = 0;
        assert_int_equal(strtoll(s, NULL, 10), x);
    }
}

static void test_cast_int(void **state)
{
    (void)state;
    assert_int_equal(cast_int("12.7", 32), 12);
    assert_int_equal(cast_int("-12.7", 32), -12);
    assert_int_equal(cast_int("-.9", 32), 0);
    assert_int_equal(cast_int(".5", 32), 0);
    assert_int_equal(cast_int("5.", 32), 5);
    assert_int_equal(cast_int("5", 32), 5);
    assert_int_equal(cast_int("127.999", 8), 127);
    assert_int_equal(cast_int("128.0", 8), -2000);
    static const char *const bad[] = {".", "-.", "1.2.3", "1.x", "", "1.-5"};
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(cast_int(bad[i], 32), -1000);
}

static void same_double(const char *s)
{
    double v = 1.25, want = strtod(s, NULL);
    assert_int_equal(weir_text_parse_double(s, strlen(s), &v), 0);
    if (memcmp(&v, &want, sizeof v)) fail_msg("%s: %a, not %a", s, v, want);
    float f = 1.25f, wantf = strtof(s, NULL);
    assert_int_equal(weir_text_parse_float(s, strlen(s), &f), 0);
    if (memcmp(&f, &wantf, sizeof f)) fail_msg("%s: %a, not %a", s, (double)f, (double)wantf);
}

static void test_parse_double(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0",
        "1",
        ".5",
        "5.",
        "1e10",
        "1E+10",
        "1e-10",
        "123456789012345678",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000000000000000000001",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "0.1",
        "0.30000000000000004",
        "1e400",
        "-1e400",
        "1e-400",
        "100000000000000000000000000000000000000000000000000e-50",
        "0.000000000000000000000000000000000000000000000000000000001e57",
        "16777217",
        "16777219",
        "16777216.999999999999",
        "3.4028235677973366e38",
        "3.4028236e38",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0e99999999999999999999",
        "1844674407370955161500",
        "8.5899346000000005e9",
        "1.00000005960464477539062",
        "1.000000059604644775390625",
        "1.0000000596046447753906250000000000000000000000000000000000001",
        "7.0064923216240854e-46"};
    for (size_t i = 0; i < COUNT(cases); i++) same_double(cases[i]);
    /* 2000 digits that are exactly half-way, then one more that decides. */
    static char s[4000];
    memcpy(s, "9007199254740993.", 17);
    memset(s + 17, '0', 2000);
    s[2017] = 0;
    same_double(s);
    s[2016] = '1';
    same_double(s);
    memset(s, '0', 3000);
    memcpy(s + 3000, "1.5", 4);
    same_double(s);
    static const char *const bad[] = {"",        " ",     ".",     "-",     "e5",  "1e",
                                      "1e+",     "1.2.3", "0x1p3", "1,5",   "1 2", "nanx",
                                      "infinit", "+-1",   "--1",   "1e5.5", "abc"};
    double v = 1.25;
    float f;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(weir_text_parse_double(bad[i], strlen(bad[i]), &v), WEIR_TEXT_SYNTAX);
        assert_int_equal(weir_text_parse_float(bad[i], strlen(bad[i]), &f), WEIR_TEXT_SYNTAX);
        assert_true(v == 1.25);
    }
    assert_int_equal(weir_text_parse_double("-Infinity", 9, &v), 0);
    assert_true(isinf(v) && v < 0);
    assert_int_equal(weir_text_parse_double("NaN", 3, &v), 0);
    assert_true(isnan(v));
    assert_int_equal(weir_text_parse_float("inf", 3, &f), 0);
    assert_true(isinf(f) && f > 0);
}

static void test_parse_double_random(void **state)
{
    (void)state;
    for (int i = 0; i < 300000; i++) {
        char s[64];
        int n = 0, digits = 1 + (int)(rng() % 25), point = (int)(rng() % 26);
        if (rng() % 2) s[n++] = '-';
        for (int d = 0; d < digits; d++) {
            if (d == point) s[n++] = '.';
            s[n++] = (char)('0' + rng() % 10);
        }
        s[n] = 0;
        if (rng() % 2) snprintf(s + n, 16, "e%d", (int)(rng() % (rng() % 4 ? 45 : 700)) - 22);
        same_double(s);
        double v;
        uint64_t bits = rng();
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        snprintf(s, sizeof s, "%.*g", 15 + (int)(rng() % 6), v);
        same_double(s);
    }
}

static void test_format_double(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *want;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {0.1, "0.1"},
                 {1.5, "1.5"},
                 {100, "100.0"},
                 {-12.25, "-12.25"},
                 {9999999, "9999999.0"},
                 {1e7, "1.0E7"},
                 {1e10, "1.0E10"},
                 {0.001, "0.001"},
                 {0.00099, "9.9E-4"},
                 {1.0 / 3, "0.3333333333333333"},
                 {2.0 / 3, "0.6666666666666666"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {123456789.125, "1.23456789125E8"},
                 {1234567.5, "1234567.5"},
                 {5e-324, "5.0E-324"},
                 {DBL_MAX, "1.7976931348623157E308"},
                 {DBL_MIN, "2.2250738585072014E-308"},
                 {1e23, "1.0E23"},
                 {9007199254740993.0, "9.007199254740992E15"},
                 {1e-5, "1.0E-5"},
                 {NAN, "NaN"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"},
                 {1e21, "1.0E21"},
                 {123456.789e3, "1.23456789E8"},
                 {0.012345, "0.012345"}};
    char out[WEIR_TEXT_MAX];
    for (size_t i = 0; i < COUNT(cases); i++)
        is_text(weir_text_format_double(out, cases[i].v), out, cases[i].want);
    is_text(weir_text_format_float(out, 0.1f), out, "0.1");
    is_text(weir_text_format_float(out, 16777216.0f), out, "1.6777216E7");
    is_text(weir_text_format_float(out, 1.0f / 3), out, "0.33333334");
    is_text(weir_text_format_float(out, FLT_MAX), out, "3.4028235E38");
    is_text(weir_text_format_float(out, FLT_MIN), out, "1.1754944E-38");
    is_text(weir_text_format_float(out, 1e-45f), out, "1.0E-45");
    is_text(weir_text_format_float(out, -0.0f), out, "-0.0");
}

/* Reads back as the same value, and one digit less would not. */
static void check_shortest(double v)
{
    char out[WEIR_TEXT_MAX + 1], shorter[64];
    size_t n = weir_text_format_double(out, v);
    assert_true(n <= WEIR_TEXT_MAX);
    out[n] = 0;
    double back = strtod(out, NULL);
    if (memcmp(&back, &v, sizeof v)) fail_msg("%a became %s", v, out);
    int digits = 0, zeros = 0;
    for (size_t i = 0; i < n && out[i] != 'E'; i++) {
        if (out[i] < '0' || out[i] > '9' || (!digits && out[i] == '0')) continue;
        digits++;
        zeros = out[i] == '0' ? zeros + 1 : 0;
    }
    digits -= zeros;
    if (digits < 2) return;
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, v);
    if (strtod(shorter, NULL) == v) fail_msg("%s could be %s", out, shorter);
}

static void test_format_double_random(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double v;
        uint64_t bits = rng();
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v)) check_shortest(v);
        check_shortest((double)(int64_t)rng() / 1000);
        check_shortest((double)(rng() % 100000000) / 100);
        check_shortest((double)rng() / 1.8446744073709552e19);
        char out[WEIR_TEXT_MAX];
        float f, back;
        uint32_t bits32 = (uint32_t)rng();
        memcpy(&f, &bits32, sizeof f);
        if (!isfinite(f)) continue;
        size_t n = weir_text_format_float(out, f);
        assert_int_equal(weir_text_parse_float(out, n, &back), 0);
        assert_memory_equal(&f, &back, sizeof f);
    }
}

static void decimal_is(const char *s, int precision, int scale, int rc, const char *want)
{
    __int128 v = 4711;
    char out[WEIR_TEXT_MAX];
    int got = weir_text_parse_decimal(s, strlen(s), precision, scale, &v);
    if (got != rc) fail_msg("%s as DECIMAL(%d, %d): %d, not %d", s, precision, scale, got, rc);
    if (rc) {
        assert_true(v == 4711);
    } else {
        is_text(weir_text_format_decimal(out, v, scale), out, want);
    }
}

static void test_decimal(void **state)
{
    (void)state;
    decimal_is("0", 1, 0, 0, "0");
    decimal_is("-0.00", 3, 2, 0, "0.00");
    decimal_is("1.5", 3, 2, 0, "1.50");
    decimal_is("-.05", 3, 2, 0, "-0.05");
    decimal_is("9.99", 3, 2, 0, "9.99");
    decimal_is("9.995", 3, 2, -2, NULL);
    decimal_is("9.994999", 3, 2, 0, "9.99");
    decimal_is("-9.985", 3, 2, 0, "-9.99");
    decimal_is("10", 3, 2, -2, NULL);
    decimal_is("1e2", 3, 0, 0, "100");
    decimal_is("1e3", 3, 0, -2, NULL);
    decimal_is("1234e-2", 4, 2, 0, "12.34");
    decimal_is("0.5", 1, 0, 0, "1");
    decimal_is("0.49999", 1, 0, 0, "0");
    decimal_is("5e-1", 1, 0, 0, "1");
    decimal_is("5e-2", 1, 0, 0, "0");
    decimal_is("5e-999999999999999999999", 1, 0, 0, "0");
    decimal_is("0e999999999999999999999", 1, 0, 0, "0");
    decimal_is("1e999999999999999999999", 38, 0, -2, NULL);
    decimal_is("99999999999999999999999999999999999999", 38, 0, 0,
               "99999999999999999999999999999999999999");
    decimal_is("-99999999999999999999999999999999999999", 38, 0, 0,
               "-99999999999999999999999999999999999999");
    decimal_is("100000000000000000000000000000000000000", 38, 0, -2, NULL);
    decimal_is("0.99999999999999999999999999999999999999", 38, 38, 0,
               "0.99999999999999999999999999999999999999");
    decimal_is("0.999999999999999999999999999999999999995", 38, 38, -2, NULL);
    decimal_is("0000000000000000000000000000000000000000000000001", 1, 0, 0, "1");
    decimal_is(" 7 ", 1, 0, 0, "7");
    decimal_is("", 1, 0, -1, NULL);
    decimal_is(".", 1, 0, -1, NULL);
    decimal_is("1.2x", 9, 2, -1, NULL);
    decimal_is("NaN", 9, 2, -1, NULL);
    char out[WEIR_TEXT_MAX];
    __int128 low = (__int128)((unsigned __int128)1 << 127);
    is_text(weir_text_format_decimal(out, low, 0), out, "-170141183460469231731687303715884105728");
    for (int i = 0; i < 100000; i++) {
        int precision = 1 + (int)(rng() % 38), scale = (int)(rng() % (unsigned)(precision + 1));
        unsigned __int128 limit = 1;
        for (int d = 0; d < precision; d++) limit *= 10;
        __int128 v = (__int128)(((unsigned __int128)rng() << 64 | rng()) % limit), back = -1;
        if (rng() % 2) v = -v;
        size_t n = weir_text_format_decimal(out, v, scale);
        assert_true(n <= WEIR_TEXT_MAX);
        assert_int_equal(weir_text_parse_decimal(out, n, precision, scale, &back), 0);
        assert_true(back == v);
    }
}

static void test_date(void **state)
{
    (void)state;
    char out[WEIR_TEXT_MAX];
    int32_t d;
    for (int32_t day = -719528; day <= 2932896; day += 1 + (int32_t)(rng() % 50)) {
        time_t t = (time_t)day * 86400;
        struct tm tm;
        char want[64];
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(want, sizeof want, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        size_t n = weir_text_format_date(out, day);
        is_text(n, out, want);
        assert_int_equal(weir_text_parse_date(out, n, &d), 0);
        assert_int_equal(d, day);
    }
    assert_int_equal(weir_text_parse_date("2024-2-9", 8, &d), 0);
    assert_int_equal(d, 19762);
    is_text(weir_text_format_date(out, -719529), out, "-0001-12-31");
    is_text(weir_text_format_date(out, 2932897), out, "+10000-01-01");
    is_text(weir_text_format_date(out, INT32_MIN), out, "-5877641-06-23");
    is_text(weir_text_format_date(out, INT32_MAX), out, "+5881580-07-11");
    static const char *const bad[] = {"",
                                      "2024",
                                      "2024-13-01",
                                      "2024-00-01",
                                      "2024-02-30",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2024-1-",
                                      "24-01-01",
                                      "2024/01/01",
                                      "2024-01-001",
                                      "2024-01-01x",
                                      "-2024-01-01",
                                      "2024-01-01 00:00:00",
                                      "12024-01-01"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(weir_text_parse_date(bad[i], strlen(bad[i]), &d), WEIR_TEXT_SYNTAX);
    assert_int_equal(weir_text_parse_date("2000-02-29", 10, &d), 0);
}

static void test_time(void **state)
{
    (void)state;
    int64_t v;
    char out[WEIR_TEXT_MAX];
    assert_int_equal(weir_text_parse_time("12:34:56.789", 12, 3, &v), 0);
    assert_int_equal(v, 45296789);
    is_text(weir_text_format_time(out, v, 3, 3), out, "12:34:56.789");
    is_text(weir_text_format_time(out, v, 3, 0), out, "12:34:56");
    is_text(weir_text_format_time(out, v, 3, 6), out, "12:34:56.789000");
    assert_int_equal(weir_text_parse_time("9:05", 4, 0, &v), 0);
    assert_int_equal(v, 9 * 3600 + 300);
    static const char *const bad[] = {"",           "24:00:00", "12:60:00", "12:00:60",
                                      "12",         "12:3",     "12:34:5",  "12:34:56.",
                                      "12:34:56,7", "-1:00",    "12:34:56Z"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(weir_text_parse_time(bad[i], strlen(bad[i]), 3, &v), WEIR_TEXT_SYNTAX);
}

static int64_t timestamp(const char *s, int digits, bool ltz)
{
    int64_t v = untouched;
    int rc = weir_text_parse_timestamp(s, strlen(s), digits, ltz, &v);
    return result(rc, v);
}

static void test_timestamp(void **state)
{
    (void)state;
    assert_int_equal(timestamp("1970-01-01 00:00:00", 6, false), 0);
    assert_int_equal(timestamp("1970-01-01", 6, false), 0);
    assert_int_equal(timestamp("1970-01-01T00:00:01Z", 6, false), 1000000);
    assert_int_equal(timestamp("1969-12-31 23:59:59.999999", 6, false), -1);
    assert_int_equal(timestamp("1969-12-31 23:59:59.9999999", 6, false), -1);
    assert_int_equal(timestamp("2024-01-01 12:00", 3, false), 1704110400000);
    assert_int_equal(timestamp("2024-01-01T14:00:00+02:00", 3, true), 1704110400000);
    assert_int_equal(timestamp("2024-01-01T10:30:00-0130", 3, true), 1704110400000);
    assert_int_equal(timestamp("2024-01-01 14:00:00+02", 3, true), 1704110400000);
    assert_int_equal(timestamp("2024-01-01 12:00:00", 3, true), 1704110400000);
    assert_int_equal(timestamp("2024-01-01T14:00:00+02:00", 3, false), -1000);
    assert_int_equal(timestamp("2262-04-11 23:47:16.854775807", 9, false), INT64_MAX);
    assert_int_equal(timestamp("2262-04-11 23:47:16.854775808", 9, false), -2000);
    assert_int_equal(timestamp("9999-12-31 23:59:59.999999", 6, false), 253402300799999999);
    static const char *const bad[] = {"",
                                      "x",
                                      "2024-01-01T",
                                      "2024-01-01 12",
                                      "2024-01-01  12:00",
                                      "2024-01-01 12:00:00 Z",
                                      "2024-01-01 12:00:00z",
                                      "2024-01-01 25:00:00",
                                      "2024-01-01 12:00:00+2",
                                      "2024-01-01 12:00:00+02:0",
                                      "2024-01-01_12:00",
                                      "2024-01-01 12:00:00ZZ",
                                      "2024-01-01 12:00:00+99:00"};
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(timestamp(bad[i], 6, true), -1000);
    char out[WEIR_TEXT_MAX];
    is_text(weir_text_format_timestamp(out, 1704067200000000, 6, 3, ' ', false), out,
            "2024-01-01 00:00:00.000");
    is_text(weir_text_format_timestamp(out, -1, 6, 6, 'T', true), out,
            "1969-12-31T23:59:59.999999Z");
    is_text(weir_text_format_timestamp(out, -1, 6, 0, ' ', false), out, "1969-12-31 23:59:59");
    assert_true(weir_text_format_timestamp(out, INT64_MIN, 6, 6, ' ', true) <= WEIR_TEXT_MAX);
    assert_true(weir_text_format_timestamp(out, INT64_MIN, 0, 9, ' ', true) <= WEIR_TEXT_MAX);
    for (int i = 0; i < 100000; i++) {
        int64_t back, v = (int64_t)(rng() % 315569519999999999u) - 62167219200000000;
        size_t n = weir_text_format_timestamp(out, v, 6, 6, i % 2 ? ' ' : 'T', i % 3 == 0);
        assert_int_equal(weir_text_parse_timestamp(out, n, 6, i % 2, &back), 0);
        assert_int_equal(back, v);
    }
}

static void test_base64(void **state)
{
    (void)state;
    unsigned char bytes[64], back[70];
    char text[96];
    size_t n;
    assert_int_equal(weir_text_format_base64(text, (const unsigned char *)"foob", 4), 8);
    assert_memory_equal(text, "Zm9vYg==", 8);
    for (size_t len = 0; len <= 64; len++) {
        for (size_t i = 0; i < len; i++) bytes[i] = (unsigned char)rng();
        size_t m = weir_text_format_base64(text, bytes, len);
        assert_int_equal(m, (len + 2) / 3 * 4);
        for (int pass = 0; pass < 2; pass++) { /* with padding, then without */
            assert_int_equal(weir_text_parse_base64(text, m, back, &n), 0);
            assert_int_equal(n, len);
            assert_memory_equal(back, bytes, len);
            while (m && text[m - 1] == '=') m--;
        }
    }
    static const char *const bad[] = {"A", "AB=C", "A===", "====", "AB*D", "ABCDE"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(weir_text_parse_base64(bad[i], strlen(bad[i]), back, &n),
                         WEIR_TEXT_SYNTAX);
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "abc", "é", "€", "😀", "aaaaaaaé😀€aaaaaaaa", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF",         "abcdefgh\xE9",     "\xE2\x82",         "\xC3(",
        "\xF0\x9F\x98"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(weir_text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(weir_text_is_utf8(bad[i], strlen(bad[i])));
    assert_true(weir_text_is_utf8("a\0b", 3));
}

int main(void)
{
    const char *seed = getenv("WEIR_TEST_SEED");
    rng_state = seed ? strtoull(seed, NULL, 10) : 20240101;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bool),
                                       cmocka_unit_test(test_int),
                                       cmocka_unit_test(test_cast_int),
                                       cmocka_unit_test(test_parse_double),
                                       cmocka_unit_test(test_parse_double_random),
                                       cmocka_unit_test(test_format_double),
                                       cmocka_unit_test(test_format_double_random),
                                       cmocka_unit_test(test_decimal),
                                       cmocka_unit_test(test_date),
                                       cmocka_unit_test(test_time),
                                       cmocka_unit_test(test_timestamp),
                                       cmocka_unit_test(test_base64),
                                       cmocka_unit_test(test_utf8)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
