/* Java's date patterns, read letter by letter: a run of one letter is a field, its length the least
   number of digits. */
#include "runtime/native/fn_format.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kernels/common/date.h"

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

/* The next element of *P: a field letter and its length in *N, or a literal character ('\'' and the
   character in *N); 0 at the end, -1 for an unknown letter. */
static int next_element(struct weir_str *p, bool *quoted, int *n)
{
    while (p->len) {
        char c = *p->data;
        p->data++, p->len--;
        if (c == '\'') {
            if (p->len && *p->data == '\'') { /* two quotes are one */
                p->data++, p->len--;
                *n = '\'';
                return '\'';
            }
            *quoted = !*quoted;
            continue;
        }
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (*quoted || !letter) {
            *n = (unsigned char)c;
            return '\'';
        }
        if (!strchr("yuMdHhkKmsSaED", c)) return -1;
        for (*n = 1; p->len && *p->data == c; p->data++, p->len--) ++*n;
        return c;
    }
    return 0;
}

/* ---- printing ---- */

static size_t print_name(char *out, const char *name, int n)
{
    size_t len = n > 3 ? strlen(name) : 3;
    memcpy(out, name, len);
    return len;
}

static size_t print_field(char *out, int letter, int n, int64_t day, int64_t us)
{
    int64_t civil = wk_civil(day), year = wk_civil_year(civil), x = 0;
    int64_t hour = us / WK_US_HOUR;
    switch (letter) {
    case 'y':
    case 'u': x = n == 2 ? wk_floor_mod(year, 100) : year; break;
    case 'M':
        x = wk_civil_month(civil);
        if (n > 2) return print_name(out, months[x - 1], n);
        break;
    case 'd': x = wk_civil_day(civil); break;
    case 'D': x = day - wk_days(year, 1, 1) + 1; break;
    case 'E': return print_name(out, days[wk_iso_dow(day) - 1], n);
    case 'H': x = hour; break;
    case 'k': x = hour ? hour : 24; break;
    case 'K': x = hour % 12; break;
    case 'h': x = hour % 12 ? hour % 12 : 12; break;
    case 'm': x = us / WK_US_MINUTE % 60; break;
    case 's': x = us / WK_US_SECOND % 60; break;
    case 'a': memcpy(out, hour < 12 ? "AM" : "PM", 2); return 2;
    default: { /* S: the leading digits of the fraction */
        char digits[16];
        snprintf(digits, sizeof digits, "%06d000", (int)(us % WK_US_SECOND));
        memcpy(out, digits, (size_t)n);
        return (size_t)n;
    }
    }
    return (size_t)sprintf(out, "%0*lld", n, (long long)x);
}

int fn_format_time(struct weir_str pattern, int64_t us, char *out)
{
    int64_t day = wk_floor_div(us, WK_US_DAY);
    size_t len = 0;
    bool quoted = false;
    int n, e;
    us = wk_floor_mod(us, WK_US_DAY);
    while ((e = next_element(&pattern, &quoted, &n)) > 0) {
        if (n > 9 && e != '\'') return -1;
        if (len + 24 > FN_FORMAT_MAX) return -1;
        if (e == '\'')
            out[len++] = (char)n;
        else
            len += print_field(out + len, e, n, day, us);
    }
    return e < 0 ? -1 : (int)len;
}

/* ---- parsing ---- */

struct fields {
    int64_t year, month, day, hour, minute, second, us;
    int64_t half; /* 0, 1: AM, PM; -1: a 24-hour clock */
    int64_t year_day;
};

static bool take_name(struct weir_str *t, const char *const *names, int n, int64_t *out)
{
    for (int k = 0; k < n; k++) {
        size_t full = strlen(names[k]);
        for (size_t len = full; len >= 3; len = len > 3 ? 3 : 0) {
            if (t->len < len || strncasecmp(t->data, names[k], len) != 0) continue;
            t->data += len;
            t->len -= (uint32_t)len;
            *out = k + 1;
            return true;
        }
    }
    return false;
}

/* Up to MOST digits, at least LEAST. Returns how many. */
static int take_digits(struct weir_str *t, int least, int most, int64_t *out)
{
    int k = 0;
    *out = 0;
    for (; k < most && t->len && *t->data >= '0' && *t->data <= '9'; k++) {
        *out = *out * 10 + (*t->data - '0');
        t->data++, t->len--;
    }
    return k < least ? 0 : k;
}

static bool take_field(struct weir_str *t, int letter, int n, bool adjacent, struct fields *f)
{
    static const int widest[128] = {
        ['y'] = 4, ['u'] = 4, ['M'] = 2, ['d'] = 2, ['H'] = 2, ['h'] = 2,
        ['k'] = 2, ['K'] = 2, ['m'] = 2, ['s'] = 2, ['D'] = 3};
    int64_t x;
    if (letter == 'M' && n > 2) return take_name(t, months, 12, &f->month);
    if (letter == 'E') return take_name(t, days, 7, &x);
    if (letter == 'a') {
        static const char *const halves[] = {"AM ", "PM "};
        bool pm = t->len >= 2 && !strncasecmp(t->data, halves[1], 2);
        if (t->len < 2 || (!pm && strncasecmp(t->data, halves[0], 2) != 0)) return false;
        f->half = pm;
        t->data += 2, t->len -= 2;
        return true;
    }
    int least = letter == 'S' && !adjacent ? 1 : n;
    int most = adjacent ? n : letter == 'S' ? 9 : n > 1 ? n : widest[letter];
    int k = take_digits(t, least, most, &x);
    if (!k) return false;
    switch (letter) {
    case 'y':
    case 'u': f->year = n == 2 ? 2000 + x : x; break;
    case 'M': f->month = x; break;
    case 'd': f->day = x; break;
    case 'D': f->year_day = x; break;
    case 'H': f->hour = x; break;
    case 'k': f->hour = x % 24; break;
    case 'h': f->hour = x % 12; break;
    case 'K': f->hour = x; break;
    case 'm': f->minute = x; break;
    case 's': f->second = x; break;
    default:
        for (; k < 6; k++) x *= 10;
        for (; k > 6; k--) x /= 10;
        f->us = x;
    }
    return true;
}

static int combine(const struct fields *f, int64_t *us)
{
    int64_t hour = f->hour + (f->half > 0 ? 12 : 0);
    if (f->month < 1 || f->month > 12 || f->day < 1 || f->day > wk_month_days(f->year, f->month) ||
        hour > 23 || f->minute > 59 || f->second > 59 || f->year_day > 365 + wk_is_leap(f->year))
        return -1;
    int64_t day =
        f->year_day ? wk_days(f->year, 1, 1) + f->year_day - 1 : wk_days(f->year, f->month, f->day);
    *us = day * WK_US_DAY + hour * WK_US_HOUR + f->minute * WK_US_MINUTE +
          f->second * WK_US_SECOND + f->us;
    return 0;
}

int fn_parse_time(struct weir_str pattern, struct weir_str text, int64_t *us)
{
    struct fields f = {.year = 1970, .month = 1, .day = 1, .half = -1};
    bool quoted = false;
    int n, e;
    while (text.len && *text.data == ' ') text.data++, text.len--;
    while (text.len && text.data[text.len - 1] == ' ') text.len--;
    while ((e = next_element(&pattern, &quoted, &n)) > 0) {
        if (e == '\'') {
            if (!text.len || (unsigned char)*text.data != n) return -1;
            text.data++, text.len--;
            continue;
        }
        bool adjacent = pattern.len && strchr("yuMdHhkKmsSD", *pattern.data) && *pattern.data;
        if (n > 9) return FN_BAD_FORMAT;
        if (!take_field(&text, e, n, adjacent, &f)) return -1;
    }
    if (e < 0) return FN_BAD_FORMAT;
    return text.len ? -1 : combine(&f, us);
}
