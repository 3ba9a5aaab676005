/* kernels/common: 128-bit words against the compiler's integers, long division by its identity, the
   calendar day by day, LIKE against a naive matcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/common/date.h"
#include "kernels/common/decimal.h"
#include "kernels/common/like.h"
#include "tests/kernels/common/words.h"

static uint64_t seed = 88172645463325252u;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Words where carries and estimates go wrong: zeros, ones, single bits, short ones. */
static uint64_t odd_word(void)
{
    uint64_t r = rnd();
    switch (rnd() % 6) {
    case 0: return 0;
    case 1: return ~UINT64_C(0);
    case 2: return r >> (rnd() % 64);
    case 3: return UINT64_C(1) << (rnd() % 64);
    default: return r;
    }
}

static void test_long_division(void **state)
{
    (void)state;
    for (int k = 0; k < 500000; k++) {
        wk_u256 n;
        for (int i = 0; i < 4; i++) n.w[i] = rnd() & 1 ? odd_word() : 0;
        wk_u128 d = wk_u128_make(rnd() & 1 ? odd_word() : 0, odd_word()), rem;
        if (!d) continue;
        wk_u64 lost = 0;
        wk_u256 q = wk_u256_div_digits(n, d, &rem), back = wk_u256_mul(q, d, &lost);
        wk_u128 carry = 0;
        for (int i = 0; i < 4; i++) {
            carry += back.w[i];
            if (i < 2) carry += (wk_u64)(rem >> (64 * i));
            assert_int_equal((wk_u64)carry, n.w[i]);
            carry >>= 64;
        }
        assert_true(rem < d && !lost);
    }
}

static __int128 random_decimal(int precision)
{
    __int128 p = 1, x = (__int128)((unsigned __int128)odd_word() << 64 | odd_word());
    for (int i = 0; i < (int)(rnd() % (unsigned)precision) + 1; i++) p *= 10;
    return x % p;
}

static __int128 native_op(int op, __int128 x, __int128 y, int up, int down, int precision,
                          uint8_t *st)
{
    __int128 limit = (__int128)wk_u128_pow10(precision) - 1;
    int d2 = down < 38 ? down : 38, m1 = up < 38 ? up : 38;
    switch (op) {
    case W_ADD: return wk_dec128_add(x, y, limit, st);
    case W_SUB: return wk_dec128_sub(x, y, limit, st);
    case W_MUL: return wk_dec128_mul(x, y, wk_u128_pow10(down - d2), wk_u128_pow10(d2), limit, st);
    case W_DIV:
        return wk_dec128_div(x, y, wk_u128_pow10(m1), wk_u128_pow10(up - m1), wk_u128_pow10(d2),
                             limit, st);
    case W_MOD: return wk_dec128_mod(x, y, st);
    default: return wk_dec128_rescale(x, wk_u128_pow10(m1), wk_u128_pow10(d2), limit, st);
    }
}

static void test_words_like_integers(void **state)
{
    (void)state;
    for (int k = 0; k < 300000; k++) {
        __int128 x = random_decimal(38), y = random_decimal(38);
        int op = (int)(rnd() % 6), precision = 1 + (int)(rnd() % 38), up = 0, down = 0;
        if (op == W_MUL) down = (int)(rnd() % 77);
        if (op == W_DIV && rnd() & 1) up = (int)(rnd() % 77);
        if (op >= W_DIV && !up) down = (int)(rnd() % 39);
        if (op == W_RESCALE && rnd() & 1) up = down, down = 0;
        uint8_t st = 0, st_words = 0;
        __int128 want = native_op(op, x, y, up, down, precision, &st);
        struct words got = words_op(op, (struct words){(uint64_t)x, (int64_t)(x >> 64)},
                                    (struct words){(uint64_t)y, (int64_t)(y >> 64)}, up, down,
                                    precision, &st_words);
        assert_int_equal(st, st_words);
        if (st) continue;
        assert_int_equal(got.lo, (uint64_t)want);
        assert_int_equal(got.hi, (int64_t)(want >> 64));
    }
}

/* DECIMAL of 18 digits on 64 bits gives what 128 bits give. */
static void test_narrow_like_wide(void **state)
{
    (void)state;
    for (int k = 0; k < 300000; k++) {
        int64_t x = (int64_t)random_decimal(18), y = (int64_t)random_decimal(18);
        int precision = 1 + (int)(rnd() % 18), by = (int)(rnd() % 18);
        int64_t limit = (int64_t)wk_u128_pow10(precision) - 1, pow = (int64_t)wk_u128_pow10(by);
        uint8_t a = 0, b = 0;
        int64_t narrow = wk_dec64_mul(x, y, 1, (wk_u128)pow, limit, &a);
        __int128 wide = wk_dec128_mul(x, y, 1, (wk_u128)pow, limit, &b);
        assert_int_equal(a, b);
        if (!a) assert_true(narrow == wide);
        a = b = 0;
        bool up = rnd() & 1;
        narrow = wk_dec64_rescale(x, up ? pow : 1, up ? 1 : pow, limit, &a);
        wide = wk_dec128_rescale(x, up ? (wk_u128)pow : 1, up ? 1 : (wk_u128)pow, limit, &b);
        assert_int_equal(a, b);
        if (!a) assert_true(narrow == wide);
    }
}

/* Every day of 800 years, counted on from a Monday. */
static void test_calendar(void **state)
{
    (void)state;
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = wk_days(1600, 1, 1), dow = 6; /* a Saturday */
    uint8_t st = 0;
    for (int y = 1600; y < 2400; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        int64_t first = day;
        for (int m = 1; m <= 12; m++) {
            int n = length[m - 1] + (m == 2 && leap);
            assert_int_equal(wk_month_days(y, m), n);
            for (int d = 1; d <= n; d++, day++, dow = dow % 7 + 1) {
                int64_t c = wk_civil(day);
                assert_int_equal(wk_civil_year(c), y);
                assert_int_equal(wk_civil_month(c), m);
                assert_int_equal(wk_civil_day(c), d);
                assert_int_equal(wk_days(y, m, d), day);
                assert_int_equal(wk_iso_dow(day), dow);
                assert_int_equal(wk_extract_doy_date((int32_t)day, &st), day - first + 1);
                assert_int_equal(wk_floor_to_month_date((int32_t)day, &st), day - d + 1);
                assert_int_equal(wk_ceil_to_month_date((int32_t)day, &st),
                                 d == 1 ? day : day - d + 1 + n);
                int64_t week = wk_extract_week_date((int32_t)day, &st);
                assert_in_range(week, 1, 53);
                if (dow == 1 && week > 1)
                    assert_int_equal(week, wk_extract_week_date((int32_t)day - 7, &st) + 1);
            }
        }
    }
    assert_int_equal(day, wk_days(2400, 1, 1));
    assert_int_equal(st, 0);
}

static void test_months_between(void **state)
{
    (void)state;
    uint8_t st = 0;
    for (int k = 0; k < 100000; k++) {
        int64_t a = (int64_t)(rnd() % (40000 * (uint64_t)WK_US_DAY)) - 20000 * WK_US_DAY;
        int64_t b = (int64_t)(rnd() % (40000 * (uint64_t)WK_US_DAY)) - 20000 * WK_US_DAY;
        int64_t n = wk_months_between(a, b);
        if (a > b) {
            int64_t t = a;
            a = b, b = t, n = -n;
        }
        assert_true(n >= 0);
        assert_true(wk_add_months_ts(a, (int32_t)n, &st) <= b);
        assert_true(wk_add_months_ts(a, (int32_t)n + 1, &st) > b);
        assert_int_equal(wk_months_between(b, a), -n);
    }
}

static bool naive_like(const char *s, const char *p)
{
    if (!*p) return !*s;
    if (*p == '%') return naive_like(s, p + 1) || (*s && naive_like(s + 1, p));
    if (*p == '!' && p[1]) return *s == p[1] && naive_like(s + 1, p + 2);
    return *s && (*p == '_' || *p == *s) && naive_like(s + 1, p + 1);
}

static void test_like(void **state)
{
    (void)state;
    for (int k = 0; k < 300000; k++) {
        char s[12] = "", p[8] = "";
        int n = (int)(rnd() % 11), m = (int)(rnd() % 7);
        for (int i = 0; i < n; i++) s[i] = "ab%"[rnd() % 3];
        for (int i = 0; i < m; i++) p[i] = "ab%_!"[rnd() % 5];
        bool got = wk_like((const uint8_t *)s, (uint32_t)n, (const uint8_t *)p, (uint32_t)m, '!');
        if (got != naive_like(s, p)) fail_msg("'%s' LIKE '%s' is not %d", s, p, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_division),    cmocka_unit_test(test_words_like_integers),
        cmocka_unit_test(test_narrow_like_wide), cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_months_between),   cmocka_unit_test(test_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
