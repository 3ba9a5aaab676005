#ifndef WEIR_KERNELS_DATE_H
#define WEIR_KERNELS_DATE_H

#include "kernels/common/arith.h"

/* The proleptic Gregorian calendar: days since 1970-01-01 (DATE), milliseconds of the day (TIME),
   microseconds since 1970-01-01 00:00:00 (TIMESTAMP). Civil-from-days after Hinnant, "chrono-
   compatible low-level date algorithms". Suffixes: _date takes a wk_i32 of days, _time a wk_i32 of
   milliseconds, _ts a wk_i64 of microseconds. Fields come back as wk_i64 (EXTRACT is BIGINT). Every
   helper that the function registry names has the trailing `st` (see arith.h). */

#define WK_US_SECOND 1000000L
#define WK_US_MINUTE 60000000L
#define WK_US_HOUR   3600000000L
#define WK_US_DAY    86400000000L
#define WK_MS_DAY    86400000

/* Quotient and remainder of division that rounds toward minus infinity; B > 0. */
WK_FN wk_i64 wk_floor_div(wk_i64 a, wk_i64 b)
{
    wk_i64 q = a / b;
    return q - (a % b < 0);
}
WK_FN wk_i64 wk_floor_mod(wk_i64 a, wk_i64 b)
{
    wk_i64 r = a % b;
    return r + (r < 0 ? b : 0);
}

/* Year * 512 + month * 32 + day of DAYS; three fields out of one value, for callers that pick. */
WK_FN wk_i64 wk_civil(wk_i64 days)
{
    wk_i64 z = days + 719468;
    wk_i64 era = wk_floor_div(z, 146097);
    wk_u32 doe = (wk_u32)(z - era * 146097);
    wk_u32 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    wk_u32 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    wk_u32 mp = (5 * doy + 2) / 153;
    wk_u32 day = doy - (153 * mp + 2) / 5 + 1;
    wk_u32 month = mp < 10 ? mp + 3 : mp - 9;
    wk_i64 year = (wk_i64)yoe + era * 400 + (month <= 2);
    return year * 512 + (wk_i64)(month * 32 + day);
}
WK_FN wk_i64 wk_civil_year(wk_i64 civil)
{
    return wk_floor_div(civil, 512);
}
WK_FN wk_i64 wk_civil_month(wk_i64 civil)
{
    return wk_floor_mod(civil, 512) >> 5;
}
WK_FN wk_i64 wk_civil_day(wk_i64 civil)
{
    return civil & 31;
}

WK_FN wk_i64 wk_days(wk_i64 year, wk_i64 month, wk_i64 day)
{
    wk_i64 y = year - (month <= 2);
    wk_i64 era = wk_floor_div(y, 400);
    wk_i64 yoe = y - era * 400;
    wk_i64 doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

WK_FN wk_i64 wk_is_leap(wk_i64 year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}
WK_FN wk_i64 wk_month_days(wk_i64 year, wk_i64 month)
{
    if (month == 2) return 28 + wk_is_leap(year);
    return 30 + ((month + (month > 7)) & 1);
}

/* 1 = Monday … 7 = Sunday. */
WK_FN wk_i64 wk_iso_dow(wk_i64 days)
{
    return wk_floor_mod(days + 3, 7) + 1;
}
/* The year that the ISO week of DAYS belongs to: that of its Thursday. */
WK_FN wk_i64 wk_iso_year(wk_i64 days)
{
    return wk_civil_year(wk_civil(days - wk_iso_dow(days) + 4));
}

/* ---- EXTRACT(unit FROM date) ---- */

#define WK_EXTRACT_DAYS(name, expr)                                                                \
    WK_FN wk_i64 wk_extract_##name##_date(wk_i32 date, wk_u8 *st)                                  \
    {                                                                                              \
        (void)st;                                                                                  \
        wk_i64 days = date;                                                                        \
        return expr;                                                                               \
    }                                                                                              \
    WK_FN wk_i64 wk_extract_##name##_ts(wk_i64 ts, wk_u8 *st)                                      \
    {                                                                                              \
        (void)st;                                                                                  \
        wk_i64 days = wk_floor_div(ts, WK_US_DAY);                                                 \
        return expr;                                                                               \
    }
WK_EXTRACT_DAYS(year, wk_civil_year(wk_civil(days)))
WK_EXTRACT_DAYS(quarter, (wk_civil_month(wk_civil(days)) + 2) / 3)
WK_EXTRACT_DAYS(month, wk_civil_month(wk_civil(days)))
WK_EXTRACT_DAYS(day, wk_civil_day(wk_civil(days)))
WK_EXTRACT_DAYS(isoyear, wk_iso_year(days))
WK_EXTRACT_DAYS(week, (days - wk_iso_dow(days) + 4 - wk_days(wk_iso_year(days), 1, 1)) / 7 + 1)
WK_EXTRACT_DAYS(doy, days - wk_days(wk_civil_year(wk_civil(days)), 1, 1) + 1)
WK_EXTRACT_DAYS(dow, wk_iso_dow(days) % 7 + 1) /* 1 = Sunday */
WK_EXTRACT_DAYS(isodow, wk_iso_dow(days))
/* Years 2001 … 2100 are century 21 and part of millennium 3; decade 201 is 2010 … 2019. */
WK_EXTRACT_DAYS(decade, wk_floor_div(wk_civil_year(wk_civil(days)), 10))
WK_EXTRACT_DAYS(century, wk_floor_div(wk_civil_year(wk_civil(days)) - 1, 100) + 1)
WK_EXTRACT_DAYS(millennium, wk_floor_div(wk_civil_year(wk_civil(days)) - 1, 1000) + 1)
#undef WK_EXTRACT_DAYS

/* ---- EXTRACT(unit FROM time) ---- */

#define WK_EXTRACT_TIME(name, expr)                                                                \
    WK_FN wk_i64 wk_extract_##name##_date(wk_i32 date, wk_u8 *st)                                  \
    {                                                                                              \
        (void)date;                                                                                \
        (void)st;                                                                                  \
        return 0;                                                                                  \
    }                                                                                              \
    WK_FN wk_i64 wk_extract_##name##_time(wk_i32 time, wk_u8 *st)                                  \
    {                                                                                              \
        (void)st;                                                                                  \
        wk_i64 us = (wk_i64)time * 1000;                                                           \
        return expr;                                                                               \
    }                                                                                              \
    WK_FN wk_i64 wk_extract_##name##_ts(wk_i64 ts, wk_u8 *st)                                      \
    {                                                                                              \
        (void)st;                                                                                  \
        wk_i64 us = wk_floor_mod(ts, WK_US_DAY);                                                   \
        return expr;                                                                               \
    }
WK_EXTRACT_TIME(hour, us / WK_US_HOUR)
WK_EXTRACT_TIME(minute, us / WK_US_MINUTE % 60)
WK_EXTRACT_TIME(second, us / WK_US_SECOND % 60)
WK_EXTRACT_TIME(millisecond, us % WK_US_SECOND / 1000) /* of the second */
WK_EXTRACT_TIME(microsecond, us % WK_US_SECOND)
#undef WK_EXTRACT_TIME

WK_FN wk_i64 wk_extract_epoch_date(wk_i32 date, wk_u8 *st)
{
    (void)st;
    return (wk_i64)date * 86400;
}
WK_FN wk_i64 wk_extract_epoch_ts(wk_i64 ts, wk_u8 *st)
{
    (void)st;
    return wk_floor_div(ts, WK_US_SECOND);
}
WK_FN wk_i64 wk_extract_epoch_time(wk_i32 time, wk_u8 *st)
{
    (void)st;
    return time / 1000;
}

/* ---- FLOOR and CEIL to a unit ---- */

WK_FN wk_i64 wk_floor_days_year(wk_i64 d)
{
    return wk_days(wk_civil_year(wk_civil(d)), 1, 1);
}
WK_FN wk_i64 wk_floor_days_quarter(wk_i64 d)
{
    wk_i64 c = wk_civil(d);
    return wk_days(wk_civil_year(c), (wk_civil_month(c) - 1) / 3 * 3 + 1, 1);
}
WK_FN wk_i64 wk_floor_days_month(wk_i64 d)
{
    wk_i64 c = wk_civil(d);
    return wk_days(wk_civil_year(c), wk_civil_month(c), 1);
}
/* Weeks start on Sunday, as in Calcite. */
WK_FN wk_i64 wk_floor_days_week(wk_i64 d)
{
    return d - wk_floor_mod(d + 4, 7);
}
WK_FN wk_i64 wk_floor_days_day(wk_i64 d)
{
    return d;
}

/* CEIL is FLOOR where that is the value itself, else the FLOOR of a day in the next unit. */
#define WK_FLOOR_DAYS(name, longest)                                                               \
    WK_FN wk_i64 wk_ceil_days_##name(wk_i64 d)                                                     \
    {                                                                                              \
        wk_i64 f = wk_floor_days_##name(d);                                                        \
        return f == d ? d : wk_floor_days_##name(f + (longest));                                   \
    }                                                                                              \
    WK_FN wk_i32 wk_floor_to_##name##_date(wk_i32 date, wk_u8 *st)                                 \
    {                                                                                              \
        (void)st;                                                                                  \
        return (wk_i32)wk_floor_days_##name(date);                                                 \
    }                                                                                              \
    WK_FN wk_i32 wk_ceil_to_##name##_date(wk_i32 date, wk_u8 *st)                                  \
    {                                                                                              \
        wk_i64 r = wk_ceil_days_##name(date);                                                      \
        if (r != (wk_i32)r) *st = WK_ERR_OVERFLOW;                                                 \
        return (wk_i32)r;                                                                          \
    }                                                                                              \
    WK_FN wk_i64 wk_floor_to_##name##_ts(wk_i64 ts, wk_u8 *st)                                     \
    {                                                                                              \
        return wk_mul_i64(wk_floor_days_##name(wk_floor_div(ts, WK_US_DAY)), WK_US_DAY, st);       \
    }                                                                                              \
    WK_FN wk_i64 wk_ceil_to_##name##_ts(wk_i64 ts, wk_u8 *st)                                      \
    {                                                                                              \
        wk_i64 d = wk_floor_div(ts, WK_US_DAY);                                                    \
        d = wk_ceil_days_##name(d + (wk_floor_mod(ts, WK_US_DAY) != 0));                           \
        return wk_mul_i64(d, WK_US_DAY, st);                                                       \
    }
WK_FLOOR_DAYS(year, 366)
WK_FLOOR_DAYS(quarter, 92)
WK_FLOOR_DAYS(month, 31)
WK_FLOOR_DAYS(week, 7)
WK_FLOOR_DAYS(day, 1)
#undef WK_FLOOR_DAYS

#define WK_FLOOR_TIME(name, unit)                                                                  \
    WK_FN wk_i32 wk_floor_to_##name##_date(wk_i32 date, wk_u8 *st)                                 \
    {                                                                                              \
        (void)st;                                                                                  \
        return date;                                                                               \
    }                                                                                              \
    WK_FN wk_i32 wk_ceil_to_##name##_date(wk_i32 date, wk_u8 *st)                                  \
    {                                                                                              \
        (void)st;                                                                                  \
        return date;                                                                               \
    }                                                                                              \
    WK_FN wk_i32 wk_floor_to_##name##_time(wk_i32 time, wk_u8 *st)                                 \
    {                                                                                              \
        (void)st;                                                                                  \
        return (wk_i32)(time - wk_floor_mod(time, (unit) / 1000));                                 \
    }                                                                                              \
    WK_FN wk_i32 wk_ceil_to_##name##_time(wk_i32 time, wk_u8 *st)                                  \
    {                                                                                              \
        (void)st;                                                                                  \
        return (wk_i32)wk_floor_mod(time + wk_floor_mod(-time, (unit) / 1000), WK_MS_DAY);         \
    }                                                                                              \
    WK_FN wk_i64 wk_floor_to_##name##_ts(wk_i64 ts, wk_u8 *st)                                     \
    {                                                                                              \
        return wk_sub_i64(ts, wk_floor_mod(ts, unit), st);                                         \
    }                                                                                              \
    WK_FN wk_i64 wk_ceil_to_##name##_ts(wk_i64 ts, wk_u8 *st)                                      \
    {                                                                                              \
        wk_i64 over = wk_floor_mod(ts, unit);                                                      \
        return over ? wk_add_i64(ts, (unit)-over, st) : ts;                                        \
    }
WK_FLOOR_TIME(hour, WK_US_HOUR)
WK_FLOOR_TIME(minute, WK_US_MINUTE)
WK_FLOOR_TIME(second, WK_US_SECOND)
#undef WK_FLOOR_TIME

/* ---- months ---- */

/* DAYS plus MONTHS; a day that the month does not have becomes its last one. */
WK_FN wk_i64 wk_add_months_days(wk_i64 days, wk_i64 months)
{
    wk_i64 c = wk_civil(days);
    wk_i64 m = wk_civil_year(c) * 12 + wk_civil_month(c) - 1 + months;
    wk_i64 year = wk_floor_div(m, 12), month = wk_floor_mod(m, 12) + 1;
    wk_i64 day = wk_civil_day(c), last = wk_month_days(year, month);
    return wk_days(year, month, day < last ? day : last);
}
WK_FN wk_i32 wk_add_months_date(wk_i32 date, wk_i32 months, wk_u8 *st)
{
    wk_i64 r = wk_add_months_days(date, months);
    if (r != (wk_i32)r) *st = WK_ERR_OVERFLOW;
    return (wk_i32)r;
}
WK_FN wk_i64 wk_add_months_ts(wk_i64 ts, wk_i32 months, wk_u8 *st)
{
    wk_i64 d = wk_add_months_days(wk_floor_div(ts, WK_US_DAY), months);
    wk_i64 r = wk_mul_i64(d, WK_US_DAY, st);
    return wk_add_i64(r, wk_floor_mod(ts, WK_US_DAY), st);
}

/* Whole months from A to B (microseconds), toward zero: the largest n with A + n months <= B. */
WK_FN wk_i64 wk_months_between(wk_i64 a, wk_i64 b)
{
    wk_i64 sign = 1;
    if (a > b) {
        wk_i64 t = a;
        a = b;
        b = t;
        sign = -1;
    }
    wk_i64 da = wk_floor_div(a, WK_US_DAY), db = wk_floor_div(b, WK_US_DAY);
    wk_i64 ca = wk_civil(da), cb = wk_civil(db);
    wk_i64 n =
        (wk_civil_year(cb) - wk_civil_year(ca)) * 12 + wk_civil_month(cb) - wk_civil_month(ca);
    wk_i64 at = wk_add_months_days(da, n);
    if (at > db || (at == db && wk_floor_mod(a, WK_US_DAY) > wk_floor_mod(b, WK_US_DAY))) n--;
    return sign * n;
}

#endif
