#ifndef WEIR_TESTS_ORACLE_BASE_H
#define WEIR_TESTS_ORACLE_BASE_H

/* What every part of the random tester uses: random numbers, text buffers, memory that lives as
   long as one query, and 128-bit integers as text. This is a test program: when memory runs out it
   says so and ends. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

/* splitmix64. Two of them drive the generator: one decides shapes, one constants and data, so that
   one shape can be run with many constants. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
/* Uniform in [0, n). */
uint32_t rng_below(struct rng *r, uint32_t n);
bool rng_percent(struct rng *r, uint32_t percent);
/* Uniform in [lo, hi]. */
i128 rng_between(struct rng *r, i128 lo, i128 hi);

/* A growing, always NUL-terminated text. */
struct text {
    char *data;
    size_t length, capacity;
};
void text_add(struct text *t, const char *s);
void text_bytes(struct text *t, const char *s, size_t n);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_i128(struct text *t, i128 value);
/* value / 10^scale with exactly `scale` digits behind the point. */
void text_decimal(struct text *t, i128 value, int scale);
/* A SQL string literal. */
void text_quoted(struct text *t, const char *s, size_t n);
void text_date(struct text *t, int64_t days);
/* "2024-01-31 23:59:59.123" */
void text_timestamp(struct text *t, int64_t ms);
/* "23:59:59.123" */
void text_clock(struct text *t, int64_t ms);
/* Two capital digits for each byte. */
void text_hex(struct text *t, const char *s, size_t n);
void text_clear(struct text *t);
void text_free(struct text *t);

/* Bump allocation; everything is freed at once. Memory is zeroed. */
struct pool {
    struct pool_block *block;
};
void *pool_get(struct pool *p, size_t bytes);
char *pool_text(struct pool *p, const char *s, size_t n);
void pool_free(struct pool *p);

void *get_memory(void *old, size_t bytes); /* realloc that does not fail */

extern const i128 pow10_table[39];
i128 i128_abs(i128 v);
int64_t floor_div(int64_t a, int64_t b);
/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t days_of(int64_t year, int month, int day);
void civil_of(int64_t days, int64_t *year, int *month, int *day);

#endif
