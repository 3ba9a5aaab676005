/* Dates, times and timestamps. Day numbers and civil dates follow Howard Hinnant's
   "chrono-compatible low-level date algorithms" (eras of 400 years, years that begin in March),
   which hold for every int32 day. */
#include "runtime/column/text_internal.h"

#include <string.h>

static const int64_t pow10_i64[] = {1,      10,      100,      1000,      10000,
                                    100000, 1000000, 10000000, 100000000, 1000000000};

static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

static void civil_from_days(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (int64_t)yoe + era * 400 + (*m <= 2);
}

static unsigned days_in_month(unsigned y, unsigned m)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return m == 2 && leap ? 29 : days[m - 1];
}

/* A reading position; every take_* moves it or fails. */
struct cursor {
    const char *p, *end;
};

static bool take_char(struct cursor *c, char want)
{
    if (c->p == c->end || *c->p != want) return false;
    c->p++;
    return true;
}

static bool take_number(struct cursor *c, int min, int max, unsigned *out)
{
    unsigned v = 0;
    int n = 0;
    for (; n < max && c->p < c->end && text_digit(*c->p) <= 9; n++)
        v = v * 10 + text_digit(*c->p++);
    *out = v;
    return n >= min;
}

/* Two digits, or something above 99. */
static inline unsigned pair(const char *p)
{
    unsigned tens = text_digit(p[0]), ones = text_digit(p[1]);
    return tens > 9 || ones > 9 ? 1000 : tens * 10 + ones;
}

static bool take_date(struct cursor *c, int64_t *days)
{
    unsigned y, m, d;
    const char *p = c->p;
    if (c->end - p >= 10 && p[4] == '-' && p[7] == '-') { /* the usual form, at once */
        unsigned century = pair(p), year = pair(p + 2);
        m = pair(p + 5);
        d = pair(p + 8);
        if (century < 100 && year < 100 && m < 100 && d < 100) {
            y = century * 100 + year;
            if (m < 1 || m > 12 || d < 1 || d > days_in_month(y, m)) return false;
            *days = days_from_civil(y, m, d);
            c->p += 10;
            return true;
        }
    }
    if (!take_number(c, 4, 4, &y) || !take_char(c, '-') || !take_number(c, 1, 2, &m) ||
        !take_char(c, '-') || !take_number(c, 1, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > days_in_month(y, m)) return false;
    *days = days_from_civil(y, m, d);
    return true;
}

/* Seconds of the day, and nanoseconds. */
static bool take_time(struct cursor *c, int64_t *seconds, int64_t *nanos)
{
    unsigned h, m, s = 0, f = 0;
    *nanos = 0;
    if (!take_number(c, 1, 2, &h) || !take_char(c, ':') || !take_number(c, 2, 2, &m)) return false;
    if (take_char(c, ':')) {
        if (!take_number(c, 2, 2, &s)) return false;
        if (take_char(c, '.')) {
            const char *start = c->p;
            if (!take_number(c, 1, 9, &f)) return false;
            *nanos = f * pow10_i64[9 - (c->p - start)];
            while (c->p < c->end && text_digit(*c->p) <= 9) c->p++;
        }
    }
    if (h > 23 || m > 59 || s > 59) return false;
    *seconds = (int64_t)h * 3600 + m * 60 + s;
    return true;
}

/* "Z" or an offset; *OFFSET in seconds east of UTC. */
static bool take_zone(struct cursor *c, bool offsets, int64_t *offset)
{
    *offset = 0;
    if (take_char(c, 'Z')) return true;
    bool east = take_char(c, '+');
    if (!offsets || (!east && !take_char(c, '-'))) return false;
    unsigned h, m = 0;
    if (!take_number(c, 2, 2, &h) || h > 18) return false;
    if (c->p < c->end) {
        take_char(c, ':');
        if (!take_number(c, 2, 2, &m) || m > 59) return false;
    }
    *offset = (east ? 1 : -1) * (int64_t)(h * 3600 + m * 60);
    return true;
}

int weir_text_parse_date(const char *s, size_t n, int32_t *days)
{
    int64_t v;
    text_trim(&s, &n);
    struct cursor c = {s, s + n};
    if (!take_date(&c, &v) || c.p != c.end) return WEIR_TEXT_SYNTAX;
    *days = (int32_t)v;
    return WEIR_TEXT_OK;
}

int weir_text_parse_time(const char *s, size_t n, int digits, int64_t *out)
{
    int64_t seconds, nanos;
    text_trim(&s, &n);
    struct cursor c = {s, s + n};
    if (!take_time(&c, &seconds, &nanos) || c.p != c.end) return WEIR_TEXT_SYNTAX;
    *out = seconds * pow10_i64[digits] + nanos / pow10_i64[9 - digits];
    return WEIR_TEXT_OK;
}

int weir_text_parse_timestamp(const char *s, size_t n, int digits, bool ltz, int64_t *out)
{
    int64_t days, seconds = 0, nanos = 0, offset = 0, v;
    text_trim(&s, &n);
    struct cursor c = {s, s + n};
    if (!take_date(&c, &days)) return WEIR_TEXT_SYNTAX;
    if (c.p < c.end) {
        if (!take_char(&c, 'T') && !take_char(&c, ' ')) return WEIR_TEXT_SYNTAX;
        if (!take_time(&c, &seconds, &nanos)) return WEIR_TEXT_SYNTAX;
        if (c.p < c.end && !take_zone(&c, ltz, &offset)) return WEIR_TEXT_SYNTAX;
        if (c.p != c.end) return WEIR_TEXT_SYNTAX;
    }
    seconds += days * 86400 - offset;
    if (__builtin_mul_overflow(seconds, pow10_i64[digits], &v) ||
        __builtin_add_overflow(v, nanos / pow10_i64[9 - digits], &v))
        return WEIR_TEXT_RANGE;
    *out = v;
    return WEIR_TEXT_OK;
}

/* ---- formatting ---- */

size_t weir_text_format_date(char *out, int32_t days)
{
    int64_t y;
    unsigned m, d;
    char *p = out;
    civil_from_days(days, &y, &m, &d);
    if (y < 0) *p++ = '-';
    if (y > 9999) *p++ = '+';
    p += text_put_u64(p, (uint64_t)(y < 0 ? -y : y), 4);
    *p++ = '-';
    p += text_put_u64(p, m, 2);
    *p++ = '-';
    p += text_put_u64(p, d, 2);
    return (size_t)(p - out);
}

size_t weir_text_format_time(char *out, int64_t v, int unit_digits, int show_digits)
{
    char *p = out;
    int64_t unit = pow10_i64[unit_digits], seconds = v / unit, rest = v % unit;
    p += text_put_u64(p, (uint64_t)(seconds / 3600), 2);
    *p++ = ':';
    p += text_put_u64(p, (uint64_t)(seconds / 60 % 60), 2);
    *p++ = ':';
    p += text_put_u64(p, (uint64_t)(seconds % 60), 2);
    if (show_digits <= 0) return (size_t)(p - out);
    *p++ = '.';
    char nanos[10];
    text_put_u64(nanos, (uint64_t)(rest * pow10_i64[9 - unit_digits]), 9);
    memcpy(p, nanos, (size_t)show_digits);
    return (size_t)(p + show_digits - out);
}

size_t weir_text_format_timestamp(char *out, int64_t v, int unit_digits, int show_digits, char sep,
                                  bool zulu)
{
    int64_t day = 86400 * pow10_i64[unit_digits], days = v / day, rest = v % day;
    if (rest < 0) {
        rest += day;
        days--;
    }
    char *p = out;
    if (days > INT32_MAX || days < INT32_MIN) { /* seconds or milliseconds beyond 5 million years */
        p += weir_text_format_int(p, days);
        *p++ = 'd';
    } else {
        p += weir_text_format_date(p, (int32_t)days);
    }
    *p++ = sep;
    p += weir_text_format_time(p, rest, unit_digits, show_digits);
    if (zulu) *p++ = 'Z';
    return (size_t)(p - out);
}
