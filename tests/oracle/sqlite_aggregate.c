/* SUM, AVG and the deviations for SQLite, exact: integers and decimals in 128 bits, sums of floats
   by Shewchuk's "Adaptive precision floating-point arithmetic" (1997), which is what Python's
   math.fsum does. What a function computes is in its user data, because DISTINCT allows one
   argument only. */

#include "sqlite_functions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum what { sum_int, avg_int, avg_int_round, sum_dec, avg_dec, sum_float, avg_float, deviation };

struct recipe {
    const char *name;
    enum what what;
    int bits; /* integers, floats; decimals: digits to add to the scale; deviations: 1 sample, 2
                 root */
};

static const struct recipe recipes[] = {
    {"w_sum_i8", sum_int, 8},
    {"w_sum_i16", sum_int, 16},
    {"w_sum_i32", sum_int, 32},
    {"w_sum_i64", sum_int, 64},
    {"w_avg_i8", avg_int, 8},
    {"w_avg_i16", avg_int, 16},
    {"w_avg_i32", avg_int, 32},
    {"w_avg_i64", avg_int, 64},
    {"w_avg_i8_round", avg_int_round, 8},
    {"w_avg_i16_round", avg_int_round, 16},
    {"w_avg_i32_round", avg_int_round, 32},
    {"w_avg_i64_round", avg_int_round, 64},
    {"w_sum_dec", sum_dec, 0},
    {"w_avg_dec0", avg_dec, 0},
    {"w_avg_dec1", avg_dec, 1},
    {"w_avg_dec2", avg_dec, 2},
    {"w_avg_dec3", avg_dec, 3},
    {"w_avg_dec4", avg_dec, 4},
    {"w_avg_dec5", avg_dec, 5},
    {"w_avg_dec6", avg_dec, 6},
    {"w_sum_f32", sum_float, 32},
    {"w_sum_f64", sum_float, 64},
    {"w_avg_f32", avg_float, 32},
    {"w_avg_f64", avg_float, 64},
    {"w_var_pop", deviation, 0},
    {"w_var_samp", deviation, 1},
    {"w_stddev_pop", deviation, 2},
    {"w_stddev_samp", deviation, 3},
};

struct state {
    int64_t n;
    i128 high; /* integers, decimals: the sum is high * 2^64 + low */
    uint64_t low;
    int parts;
    double part[64];
    size_t kept, room;
    double *value;
};

static void add_exactly(struct state *s, double x)
{
    int kept = 0;
    for (int i = 0; i < s->parts; i++) {
        double y = s->part[i];
        if (fabs(x) < fabs(y)) {
            double swap = x;
            x = y;
            y = swap;
        }
        volatile double high = x + y;
        volatile double rest = high - x;
        double low = y - rest;
        if (low != 0) s->part[kept++] = low;
        x = high;
    }
    s->part[kept] = x;
    s->parts = kept + 1;
}

static double exact_sum(const struct state *s)
{
    /* From the largest part down; correct the one case where round-half-even was decided without
     * the lower parts. */
    int n = s->parts;
    if (n == 0) return 0;
    double high = s->part[--n], low = 0;
    while (n > 0) {
        double x = high, y = s->part[--n];
        volatile double sum = x + y;
        volatile double rest = sum - x;
        high = sum;
        low = y - rest;
        if (low != 0) break;
    }
    if (n > 0 && ((low < 0 && s->part[n - 1] < 0) || (low > 0 && s->part[n - 1] > 0))) {
        double y = low * 2;
        volatile double x = high + y;
        volatile double rest = x - high;
        if (y == rest) high = x;
    }
    return high;
}

static void step(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    const struct recipe *r = sqlite3_user_data(c);
    struct state **place = sqlite3_aggregate_context(c, sizeof *place), *s;
    if (!place) {
        sqlite3_result_error_nomem(c);
        return;
    }
    if (!*place) {
        *place =
            get_memory(NULL, sizeof **place); /* SQLite's own memory is aligned to 8 bytes only */
        **place = (struct state){0};
    }
    s = *place;
    s->n++;
    if (r->what == sum_float || r->what == avg_float) {
        add_exactly(s, sqlite3_value_double(v[0]));
    } else if (r->what == deviation) {
        if (s->kept == s->room) {
            s->room = s->room ? s->room * 2 : 64;
            s->value = get_memory(s->value, s->room * sizeof *s->value);
        }
        s->value[s->kept++] = sqlite3_value_double(v[0]);
    } else {
        i128 x = get_decimal(v[0]);
        s->high += (x >> 64) + __builtin_add_overflow(s->low, (uint64_t)x, &s->low);
    }
}

static void put_deviation(sqlite3_context *c, const struct state *s, int form)
{
    bool sample = form & 1, root = form & 2;
    if (s->n < (sample ? 2 : 1)) return;
    long double mean = 0, squares = 0;
    for (size_t i = 0; i < s->kept; i++) mean += (long double)s->value[i];
    mean /= (long double)s->n;
    for (size_t i = 0; i < s->kept; i++)
        squares += ((long double)s->value[i] - mean) * ((long double)s->value[i] - mean);
    long double variance = squares / (long double)(s->n - sample);
    sqlite3_result_double(c, (double)(root ? sqrtl(variance) : variance));
}

/* The sum; false: more than 128 bits. */
static bool narrow_sum(const struct state *s, i128 *out)
{
    *out = (i128)((u128)s->high << 64) + (i128)s->low;
    return s->high >> 64 == s->high >> 63;
}

/* The sum * 10^digits / n, half away from zero; false: more than 38 digits. */
static bool average(const struct state *s, int digits, i128 *out)
{
    bool negative = s->high < 0;
    u128 high = (u128)s->high, low = s->low, n = (u128)s->n, unit = (u128)pow10_table[digits];
    if (negative) {
        high = ~high + (low == 0);
        low = (uint64_t)(0 - (uint64_t)low);
    }
    u128 whole_high = high / n, rest = (high % n << 64) | low;
    if (whole_high >> 63) return false;
    u128 whole = (whole_high << 64) + rest / n, fraction = rest % n * unit;
    if (whole > (u128)pow10_table[38] / unit) return false;
    u128 q = whole * unit + fraction / n;
    q += fraction % n * 2 >= n;
    *out = negative ? -(i128)q : (i128)q;
    return q < (u128)pow10_table[38];
}

static void put_integer(sqlite3_context *c, const struct state *s, const struct recipe *r)
{
    i128 v = 0, n = s->n, top = (i128)1 << (r->bits - 1);
    bool overflow = !narrow_sum(s, &v);
    if (r->what == avg_int) v = v / n;
    if (r->what == avg_int_round) v = (v >= 0 ? v + n / 2 : v - n / 2) / n;
    if (overflow || v < -top || v >= top) {
        sqlite3_result_error(c, "overflow of SUM", -1);
    } else {
        sqlite3_result_int64(c, (int64_t)v);
    }
}

static void put_decimal(sqlite3_context *c, const struct state *s, const struct recipe *r)
{
    i128 v = 0;
    bool fits = r->what == avg_dec ? average(s, r->bits, &v) : narrow_sum(s, &v);
    if (!fits || i128_abs(v) >= pow10_table[38]) {
        sqlite3_result_error(c, "overflow of a DECIMAL aggregate", -1);
    } else {
        result_decimal(c, v);
    }
}

static void final(sqlite3_context *c)
{
    const struct recipe *r = sqlite3_user_data(c);
    struct state **place = sqlite3_aggregate_context(c, 0);
    if (!place || !*place) return;
    struct state *s = *place;
    double sum = exact_sum(s);
    switch (r->what) {
    case sum_float: sqlite3_result_double(c, r->bits == 32 ? (double)(float)sum : sum); break;
    case avg_float:
        sum /= (double)s->n;
        sqlite3_result_double(c, r->bits == 32 ? (double)(float)sum : sum);
        break;
    case deviation: put_deviation(c, s, r->bits); break;
    case sum_dec:
    case avg_dec: put_decimal(c, s, r); break;
    default: put_integer(c, s, r);
    }
    free(s->value);
    free(s);
}

int register_aggregates(sqlite3 *db)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes && code == SQLITE_OK; i++)
        code = sqlite3_create_function(db, recipes[i].name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                       (void *)&recipes[i], NULL, step, final);
    return code;
}
