/* Random numbers, text, memory and calendar of the random tester; see base.h. */

#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { pool_block_bytes = 64 << 10 };

struct pool_block {
    struct pool_block *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

bool rng_percent(struct rng *r, uint32_t percent)
{
    return rng_below(r, 100) < percent;
}

i128 rng_between(struct rng *r, i128 lo, i128 hi)
{
    u128 span = (u128)hi - (u128)lo + 1;
    u128 word = (u128)rng_next(r) << 64 | rng_next(r);
    return (i128)((u128)lo + (span ? word % span : word));
}

void *get_memory(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p) {
        fprintf(stderr, "the random tester is out of memory\n");
        exit(3);
    }
    return p;
}

void text_bytes(struct text *t, const char *s, size_t n)
{
    if (t->length + n + 1 > t->capacity) {
        t->capacity = (t->length + n + 1) * 2;
        t->data = get_memory(t->data, t->capacity);
    }
    memcpy(t->data + t->length, s, n);
    t->length += n;
    t->data[t->length] = 0;
}

void text_add(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
    char small[512];
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int n = vsnprintf(small, sizeof small, format, list);
    if (n > 0 && (size_t)n < sizeof small) {
        text_bytes(t, small, (size_t)n);
    } else if (n > 0) {
        char *large = get_memory(NULL, (size_t)n + 1);
        vsnprintf(large, (size_t)n + 1, format, again);
        text_bytes(t, large, (size_t)n);
        free(large);
    }
    va_end(again);
    va_end(list);
}

void text_decimal(struct text *t, i128 value, int scale)
{
    char digits[64];
    int at = (int)sizeof digits, written = 0;
    u128 v = value < 0 ? -(u128)value : (u128)value;
    do {
        if (written == scale && scale > 0) digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(v % 10));
        v /= 10;
        written++;
    } while (v || written <= scale);
    if (value < 0) digits[--at] = '-';
    text_bytes(t, digits + at, sizeof digits - (size_t)at);
}

void text_i128(struct text *t, i128 value)
{
    text_decimal(t, value, 0);
}

void text_quoted(struct text *t, const char *s, size_t n)
{
    text_add(t, "'");
    for (size_t i = 0; i < n; i++) text_bytes(t, s[i] == '\'' ? "''" : s + i, s[i] == '\'' ? 2 : 1);
    text_add(t, "'");
}

void text_date(struct text *t, int64_t days)
{
    int64_t year;
    int month, day;
    civil_of(days, &year, &month, &day);
    text_printf(t, "%04lld-%02d-%02d", (long long)year, month, day);
}

void text_timestamp(struct text *t, int64_t ms)
{
    int64_t days = floor_div(ms, 86400000), rest = ms - days * 86400000;
    text_date(t, days);
    text_add(t, " ");
    text_clock(t, rest);
}

void text_clock(struct text *t, int64_t ms)
{
    text_printf(t, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                (int)(ms / 1000 % 60), (int)(ms % 1000));
}

void text_hex(struct text *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) text_printf(t, "%02X", (unsigned char)s[i]);
}

void text_clear(struct text *t)
{
    t->length = 0;
    if (t->data) t->data[0] = 0;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void *pool_get(struct pool *p, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (!p->block || p->block->used + bytes > p->block->size) {
        size_t size = bytes > pool_block_bytes ? bytes : pool_block_bytes;
        struct pool_block *b = get_memory(NULL, sizeof *b + size);
        b->next = p->block;
        b->used = 0;
        b->size = size;
        p->block = b;
    }
    void *result = p->block->bytes + p->block->used;
    p->block->used += bytes;
    return memset(result, 0, bytes);
}

char *pool_text(struct pool *p, const char *s, size_t n)
{
    char *copy = pool_get(p, n + 1);
    if (n) memcpy(copy, s, n);
    return copy;
}

void pool_free(struct pool *p)
{
    while (p->block) {
        struct pool_block *next = p->block->next;
        free(p->block);
        p->block = next;
    }
}

#define E18 ((i128)1000000000000000000)
const i128 pow10_table[39] = {1,
                              10,
                              100,
                              1000,
                              10000,
                              100000,
                              1000000,
                              10000000,
                              100000000,
                              1000000000,
                              10000000000,
                              100000000000,
                              1000000000000,
                              10000000000000,
                              100000000000000,
                              1000000000000000,
                              10000000000000000,
                              100000000000000000,
                              E18,
                              E18 * 10,
                              E18 * 100,
                              E18 * 1000,
                              E18 * 10000,
                              E18 * 100000,
                              E18 * 1000000,
                              E18 * 10000000,
                              E18 * 100000000,
                              E18 * 1000000000,
                              E18 * 10000000000,
                              E18 * 100000000000,
                              E18 * 1000000000000,
                              E18 * 10000000000000,
                              E18 * 100000000000000,
                              E18 * 1000000000000000,
                              E18 * 10000000000000000,
                              E18 * 100000000000000000,
                              E18 *E18,
                              E18 *E18 * 10,
                              E18 *E18 * 100};

i128 i128_abs(i128 v)
{
    return v < 0 ? -v : v;
}

int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* H. Hinnant, "chrono-compatible low-level date algorithms". */
int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void civil_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = floor_div(days, 146097), doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}
