/* Text, date and time functions for SQLite; see sqlite_functions.h. Dates are days, times
 * milliseconds since 1970. */

#include "sqlite_functions.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(sqlite3_context *c, struct text *t)
{
    sqlite3_result_text(c, t->data ? t->data : "", (int)t->length, SQLITE_TRANSIENT);
    text_free(t);
}

static void w_dec_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_decimal(&t, get_decimal(v[0]), sqlite3_value_int(v[1]));
    put_text(c, &t);
}

static void w_bool_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v))
        sqlite3_result_text(c, sqlite3_value_int(v[0]) ? "TRUE" : "FALSE", -1, SQLITE_STATIC);
}

static void w_date_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_date(&t, sqlite3_value_int64(v[0]));
    put_text(c, &t);
}

static void w_time_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_timestamp(&t, sqlite3_value_int64(v[0]));
    put_text(c, &t);
}

static void w_clock_text(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_clock(&t, sqlite3_value_int64(v[0]));
    put_text(c, &t);
}

static void w_hex(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_hex(&t, (const char *)sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0]));
    put_text(c, &t);
}

/* The first letter of each word large, the others small; a word is letters and digits. */
static void w_initcap(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    bool inside = false;
    text_bytes(&t, (const char *)sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0]));
    for (size_t i = 0; i < t.length; i++) {
        unsigned char x = (unsigned char)t.data[i];
        t.data[i] = (char)(inside ? tolower(x) : toupper(x));
        inside = isalnum(x);
    }
    put_text(c, &t);
}

/* [blanks][+-]digits[.digits][blanks]: the fraction is cut. */
static bool parse_integer(const char *s, i128 *out)
{
    while (*s == ' ' || *s == '\t') s++;
    bool negative = *s == '-';
    if (*s == '-' || *s == '+') s++;
    if (*s < '0' || *s > '9') return false;
    i128 value = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        if (value < pow10_table[30]) value = value * 10 + (*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9';) s++;
    while (*s == ' ' || *s == '\t') s++;
    *out = negative ? -value : value;
    return *s == 0;
}

/* w_text_int(x, unused, bits, try) */
static void w_text_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    i128 value, top = (i128)1 << (sqlite3_value_int(v[2]) - 1);
    if (parse_integer((const char *)sqlite3_value_text(v[0]), &value) && value >= -top &&
        value < top) {
        sqlite3_result_int64(c, (int64_t)value);
    } else if (!sqlite3_value_int(v[3])) {
        result_failure(c);
    }
}

/* The argument without blanks around it; false: longer than any number or time. */
static bool trimmed(sqlite3_value *v, char *out, size_t size)
{
    const char *s = (const char *)sqlite3_value_text(v), *end = s + sqlite3_value_bytes(v);
    while (s < end && (*s == ' ' || *s == '\t')) s++;
    while (end > s && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if ((size_t)(end - s) >= size) return false;
    memcpy(out, s, (size_t)(end - s));
    out[end - s] = 0;
    return true;
}

static void refuse_text(sqlite3_context *c, sqlite3_value *try)
{
    if (!sqlite3_value_int(try)) result_failure(c);
}

static void w_text_bool(sqlite3_context *c, int n, sqlite3_value **v)
{
    static const char *const names[] = {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"};
    char s[64] = "";
    if (strict(c, n, v)) return;
    bool fits = trimmed(v[0], s, sizeof s);
    for (int i = 0; fits && i < 10; i++)
        if (sqlite3_stricmp(s, names[i]) == 0) {
            sqlite3_result_int(c, i < 5);
            return;
        }
    refuse_text(c, v[1]);
}

/* [+-]digits[.digits][e[+-]digits]: what strtod takes, without its words and hexadecimals. */
static bool is_number(const char *s)
{
    int digits = 0;
    if (*s == '-' || *s == '+') s++;
    for (; *s >= '0' && *s <= '9'; s++) digits++;
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++) digits++;
    if (digits == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+') s++;
        if (*s < '0' || *s > '9') return false;
        while (*s >= '0' && *s <= '9') s++;
    }
    return *s == 0;
}

static void text_float(sqlite3_context *c, int n, sqlite3_value **v, bool narrow)
{
    char s[64] = "";
    if (strict(c, n, v)) return;
    if (trimmed(v[0], s, sizeof s) && is_number(s)) {
        sqlite3_result_double(c, narrow ? (double)strtof(s, NULL) : strtod(s, NULL));
    } else {
        refuse_text(c, v[1]);
    }
}

static void w_text_f32(sqlite3_context *c, int n, sqlite3_value **v)
{
    text_float(c, n, v, true);
}

static void w_text_f64(sqlite3_context *c, int n, sqlite3_value **v)
{
    text_float(c, n, v, false);
}

/* w_text_dec(x, p, s, try); the texts of the tests have few digits. */
static void w_text_dec(sqlite3_context *c, int n, sqlite3_value **v)
{
    char s[64] = "";
    i128 value = 0;
    int scale = 0;
    if (strict(c, n, v)) return;
    bool fits = trimmed(v[0], s, sizeof s) && is_number(s) && strlen(s) < 30, point = false;
    for (const char *p = s; fits && *p && *p != 'e' && *p != 'E'; p++) {
        if (*p >= '0' && *p <= '9') value = value * 10 + (*p - '0');
        if (*p >= '0' && *p <= '9') scale += point;
        if (*p == '.') point = true;
    }
    const char *exponent = strpbrk(s, "eE");
    if (exponent) scale -= (int)strtol(exponent + 1, NULL, 10);
    if (*s == '-') value = -value;
    int shift = sqlite3_value_int(v[2]) - scale;
    fits = fits && shift > -38 && shift < 30 && scaled_quotient(value, shift, 1, false, &value);
    if (fits && i128_abs(value) < pow10_table[sqlite3_value_int(v[1])]) {
        result_decimal(c, value);
    } else {
        refuse_text(c, v[3]);
    }
}

static int days_in(int64_t year, int month)
{
    return (int)(days_of(month == 12 ? year + 1 : year, month % 12 + 1, 1) -
                 days_of(year, month, 1));
}

/* YYYY-M[M]-D[D]; REST: what follows. */
static bool parse_date(const char *s, int64_t *days, const char **rest)
{
    int year, month, day, used = 0;
    if (sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || s[0] == '-' || s[0] == '+' ||
        s[4] != '-')
        return false;
    *rest = s + used;
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
    *days = days_of(year, month, day);
    return true;
}

static void w_text_date(sqlite3_context *c, int n, sqlite3_value **v)
{
    char s[64] = "";
    const char *rest;
    int64_t days;
    if (strict(c, n, v)) return;
    if (trimmed(v[0], s, sizeof s) && parse_date(s, &days, &rest) && (*rest == 0 || *rest == ' ')) {
        sqlite3_result_int64(c, days);
    } else {
        refuse_text(c, v[1]);
    }
}

static void w_text_time(sqlite3_context *c, int n, sqlite3_value **v)
{
    char s[64] = "";
    const char *rest;
    int64_t days, ms = 0;
    if (strict(c, n, v)) return;
    bool fits = trimmed(v[0], s, sizeof s) && parse_date(s, &days, &rest);
    if (fits && *rest) {
        int hour, minute, second, used = 0;
        fits = sscanf(rest, " %2d:%2d:%2d%n", &hour, &minute, &second, &used) == 3 &&
               *rest == ' ' && hour < 24 && minute < 60 && second < 60;
        if (fits) ms = ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000;
        if (fits && rest[used] == '.') {
            ms += (int64_t)(strtod(rest + used, NULL) * 1000 + 1e-6);
            used += 1 + (int)strspn(rest + used + 1, "0123456789");
        }
        fits = fits && rest[used] == 0;
    }
    if (fits) {
        sqlite3_result_int64(c, days * 86400000 + ms);
    } else {
        refuse_text(c, v[1]);
    }
}

static void w_reverse(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    const char *s = (const char *)sqlite3_value_text(v[0]);
    int length = sqlite3_value_bytes(v[0]);
    struct text t = {0};
    for (int end = length; end > 0;) {
        int begin = end - 1;
        while (begin > 0 && ((unsigned char)s[begin] & 0xc0) == 0x80) begin--;
        text_bytes(&t, s + begin, (size_t)(end - begin));
        end = begin;
    }
    put_text(c, &t);
}

static void w_repeat(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    for (int i = sqlite3_value_int(v[1]); i > 0; i--)
        text_bytes(&t, (const char *)sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0]));
    put_text(c, &t);
}

static size_t code_points(const char *s, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

/* The bytes of the first COUNT code points. */
static size_t prefix(const char *s, size_t length, size_t count)
{
    size_t i = 0;
    while (i < length && count-- > 0)
        for (i++; i < length && ((unsigned char)s[i] & 0xc0) == 0x80;) i++;
    return i;
}

/* w_pad(text, length, ASCII padding, on the left) */
static void w_pad(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    const char *s = (const char *)sqlite3_value_text(v[0]),
               *with = (const char *)sqlite3_value_text(v[2]);
    size_t bytes = (size_t)sqlite3_value_bytes(v[0]), want = (size_t)sqlite3_value_int(v[1]);
    size_t have = code_points(s, bytes), missing = want > have ? want - have : 0,
           period = strlen(with);
    bool left = sqlite3_value_int(v[3]);
    struct text t = {0};
    if (!left) text_bytes(&t, s, prefix(s, bytes, want));
    for (size_t i = 0; i < missing; i++) text_bytes(&t, with + i % period, 1);
    if (left) text_bytes(&t, s, prefix(s, bytes, want));
    put_text(c, &t);
}

static void w_concat_ws(sqlite3_context *c, int n, sqlite3_value **v)
{
    struct text t = {0};
    bool started = false;
    for (int i = 1; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) continue;
        if (started) text_add(&t, (const char *)sqlite3_value_text(v[0]));
        text_bytes(&t, (const char *)sqlite3_value_text(v[i]), (size_t)sqlite3_value_bytes(v[i]));
        started = true;
    }
    put_text(c, &t);
}

static void w_ascii(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v)) sqlite3_result_int(c, *sqlite3_value_text(v[0]));
}

/* Weeks begin on Monday; the first one has the year's first Thursday. */
static int week_of(int64_t days)
{
    int64_t thursday = days - (days % 7 + 10) % 7 + 3, year; /* 1970-01-01 was a Thursday */
    int month, day;
    civil_of(thursday, &year, &month, &day);
    return (int)((thursday - days_of(year, 1, 1)) / 7) + 1;
}

static void w_date_part(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t year;
    int month, day;
    civil_of(sqlite3_value_int64(v[1]), &year, &month, &day);
    switch (*sqlite3_value_text(v[0])) {
    case 'y': sqlite3_result_int64(c, year); break;
    case 'm': sqlite3_result_int(c, month); break;
    case 'o': sqlite3_result_int64(c, sqlite3_value_int64(v[1]) - days_of(year, 1, 1) + 1); break;
    case 'q': sqlite3_result_int(c, (month + 2) / 3); break;
    case 'w': sqlite3_result_int(c, week_of(sqlite3_value_int64(v[1]))); break;
    default: sqlite3_result_int(c, day);
    }
}

/* The last day of the month where the month is shorter. */
static void w_add_months(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t year;
    int month, day;
    civil_of(sqlite3_value_int64(v[0]), &year, &month, &day);
    int64_t months = year * 12 + month - 1 + sqlite3_value_int64(v[1]);
    year = floor_div(months, 12);
    month = (int)(months - year * 12) + 1;
    int last = days_in(year, month);
    sqlite3_result_int64(c, days_of(year, month, day < last ? day : last));
}

int register_text_functions(sqlite3 *db)
{
    static const struct function_entry entries[] = {
        {"w_dec_text", 2, w_dec_text},
        {"w_bool_text", 1, w_bool_text},
        {"w_date_text", 1, w_date_text},
        {"w_time_text", 1, w_time_text},
        {"w_clock_text", 1, w_clock_text},
        {"w_text_int", 4, w_text_int},
        {"w_reverse", 1, w_reverse},
        {"w_repeat", 2, w_repeat},
        {"w_pad", 4, w_pad},
        {"w_concat_ws", 3, w_concat_ws},
        {"w_ascii", 1, w_ascii},
        {"w_date_part", 2, w_date_part},
        {"w_text_bool", 2, w_text_bool},
        {"w_text_f32", 2, w_text_f32},
        {"w_text_f64", 2, w_text_f64},
        {"w_text_dec", 4, w_text_dec},
        {"w_text_date", 2, w_text_date},
        {"w_text_time", 2, w_text_time},
        {"w_add_months", 2, w_add_months},
        {"w_hex", 1, w_hex},
        {"w_initcap", 1, w_initcap},
    };
    return register_entries(db, entries, sizeof entries / sizeof *entries);
}
