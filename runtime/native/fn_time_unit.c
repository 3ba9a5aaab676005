/* Date and time functions with a unit in their name: EXTRACT, FLOOR and CEIL to a unit,
   TIMESTAMPADD, TIMESTAMPDIFF. The calendar is kernels/common/date.h, shared with the devices. */
#include "kernels/common/date.h"

#include "runtime/native/fn_internal.h"

#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)ctx, (void)f, (void)n_args

/* ---- EXTRACT: one function for each unit ---- */

#define EXTRACT_CASE(KIND, T, sfx, name)                                                           \
    case KIND:                                                                                     \
        for (uint32_t i = 0; i < n; i++)                                                           \
            ((int64_t *)out->data)[i] = wk_extract_##name##_##sfx(FN_AT(arg[0], T, i), &st);       \
        break;
#define EXTRACT_OF(name, MORE)                                                                     \
    static int extract_##name(ARGS)                                                                \
    {                                                                                              \
        UNUSED;                                                                                    \
        uint8_t st = WK_VALID;                                                                     \
        switch (arg[0]->type.id) {                                                                 \
            EXTRACT_CASE(WEIR_TYPE_DATE, int32_t, date, name)                                      \
            MORE default : for (uint32_t i = 0; i < n; i++)((int64_t *)out->data)[i] =             \
                               wk_extract_##name##_ts(fn_i64(arg[0], i), &st);                     \
        }                                                                                          \
        return WEIR_OK;                                                                            \
    }
#define EXTRACT_DAYS(name)  EXTRACT_OF(name, )
#define EXTRACT_CLOCK(name) EXTRACT_OF(name, EXTRACT_CASE(WEIR_TYPE_TIME, int32_t, time, name))
EXTRACT_DAYS(year)
EXTRACT_DAYS(quarter)
EXTRACT_DAYS(month)
EXTRACT_DAYS(week)
EXTRACT_DAYS(day)
EXTRACT_DAYS(doy)
EXTRACT_DAYS(dow)
EXTRACT_DAYS(isodow)
EXTRACT_DAYS(isoyear)
EXTRACT_DAYS(decade)
EXTRACT_DAYS(century)
EXTRACT_DAYS(millennium)
EXTRACT_CLOCK(hour)
EXTRACT_CLOCK(minute)
EXTRACT_CLOCK(second)
EXTRACT_CLOCK(millisecond)
EXTRACT_CLOCK(microsecond)
EXTRACT_CLOCK(epoch)

/* ---- FLOOR and CEIL ---- */

#define ROUND_LOOP(T, call)                                                                        \
    FN_EACH(ctx, out, n, st, i)                                                                    \
    {                                                                                              \
        T x = FN_AT(arg[0], T, i);                                                                 \
        ((T *)out->data)[i] = call;                                                                \
    }                                                                                              \
    return WEIR_OK
#define ROUND_CASE(KIND, which, name, sfx)                                                         \
    if (arg[0]->type.id == (KIND)) {                                                               \
        ROUND_LOOP(int32_t, wk_##which##_to_##name##_##sfx(x, &st[i]));                            \
    }
#define ROUND_OF(which, name, MORE)                                                                \
    static int which##_##name(ARGS)                                                                \
    {                                                                                              \
        UNUSED;                                                                                    \
        ROUND_CASE(WEIR_TYPE_DATE, which, name, date)                                              \
        MORE ROUND_LOOP(int64_t, wk_##which##_to_##name##_ts(x, &st[i]));                          \
    }
#define ROUND_DAYS(which, name) ROUND_OF(which, name, )
#define ROUND_CLOCK(which, name)                                                                   \
    ROUND_OF(which, name, ROUND_CASE(WEIR_TYPE_TIME, which, name, time))
#define ROUND_BOTH(kind, name) kind(floor, name) kind(ceil, name)
ROUND_BOTH(ROUND_DAYS, year)
ROUND_BOTH(ROUND_DAYS, quarter)
ROUND_BOTH(ROUND_DAYS, month)
ROUND_BOTH(ROUND_DAYS, week)
ROUND_BOTH(ROUND_DAYS, day)
ROUND_BOTH(ROUND_CLOCK, hour)
ROUND_BOTH(ROUND_CLOCK, minute)
ROUND_BOTH(ROUND_CLOCK, second)

/* ---- adding and subtracting ---- */

/* A unit is so many microseconds or so many months. */

static const struct {
    int64_t us;
    int32_t months;
} units[] = {
    {0, 12},
    {0, 3},
    {0, 1},
    {7 * WK_US_DAY, 0},
    {WK_US_DAY, 0},
    {WK_US_HOUR, 0},
    {WK_US_MINUTE, 0},
    {WK_US_SECOND, 0},
    {1000, 0},
    {1, 0},
};
enum { U_YEAR, U_QUARTER, U_MONTH, U_WEEK, U_DAY, U_HOUR, U_MINUTE, U_SECOND, U_MILLI, U_MICRO };

/* A DATE stays one when whole days are added, else it becomes a TIMESTAMP. */
static int infer_add(const struct weir_function *f, int n, struct weir_type *arg,
                     struct weir_type *ret, struct weir_error *err)
{
    int rc = weir_fn_infer(f, n, arg, ret, err);
    if (rc || f->param <= U_DAY || arg[1].id != WEIR_TYPE_DATE) return rc;
    uint8_t nullable = arg[1].nullable;
    arg[1] = weir_type_timestamp(3);
    arg[1].nullable = nullable;
    nullable = ret->nullable;
    *ret = arg[1];
    ret->nullable = nullable;
    return WEIR_OK;
}

static int32_t add_date(int32_t date, int64_t count, int unit, uint8_t *st)
{
    if (units[unit].months) {
        int64_t months = count * units[unit].months;
        if (months != (int32_t)months) *st = WK_ERR_OVERFLOW;
        return wk_add_months_date(date, (int32_t)months, st);
    }
    int64_t days = date + count * (units[unit].us / WK_US_DAY);
    if (days != (int32_t)days) *st = WK_ERR_OVERFLOW;
    return (int32_t)days;
}

static int64_t add_ts(int64_t ts, int64_t count, int unit, uint8_t *st)
{
    if (units[unit].months) {
        int64_t months = count * units[unit].months;
        if (months != (int32_t)months) *st = WK_ERR_OVERFLOW;
        return wk_add_months_ts(ts, (int32_t)months, st);
    }
    return wk_add_i64(ts, wk_mul_i64(count, units[unit].us, st), st);
}

static int eval_add(ARGS)
{
    UNUSED;
    bool date = arg[1]->type.id == WEIR_TYPE_DATE;
    FN_EACH(ctx, out, n, st, i)
    {
        int64_t count = fn_i32(arg[0], i);
        if (date)
            ((int32_t *)out->data)[i] = add_date(fn_i32(arg[1], i), count, f->param, &st[i]);
        else
            ((int64_t *)out->data)[i] = add_ts(fn_i64(arg[1], i), count, f->param, &st[i]);
    }
    return WEIR_OK;
}

static int eval_add_months(ARGS)
{
    UNUSED;
    bool date = arg[0]->type.id == WEIR_TYPE_DATE;
    FN_EACH(ctx, out, n, st, i)
    {
        int32_t months = fn_i32(arg[1], i);
        if (date)
            ((int32_t *)out->data)[i] = wk_add_months_date(fn_i32(arg[0], i), months, &st[i]);
        else
            ((int64_t *)out->data)[i] = wk_add_months_ts(fn_i64(arg[0], i), months, &st[i]);
    }
    return WEIR_OK;
}

static int64_t as_ts(const struct weir_vec *v, uint32_t i, uint8_t *st)
{
    if (v->type.id == WEIR_TYPE_DATE) return wk_mul_i64(fn_i32(v, i), WK_US_DAY, st);
    return fn_i64(v, i);
}

static int eval_diff(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        int64_t a = as_ts(arg[0], i, &st[i]), b = as_ts(arg[1], i, &st[i]), d;
        if (units[f->param].months)
            d = wk_months_between(a, b) / units[f->param].months;
        else
            d = wk_sub_i64(b, a, &st[i]) / units[f->param].us;
        if (d != (int32_t)d) st[i] = WK_ERR_OVERFLOW;
        ((int32_t *)out->data)[i] = (int32_t)d;
    }
    return WEIR_OK;
}

/* clang-format off */
#define ONE(fn_name, sig, fn_infer, fn_eval, p, dev, args, spec) \
    {{.name = fn_name, .min_args = args, .max_args = args, .signature = sig, .infer = fn_infer, \
      .eval = fn_eval, .param = p, .device = dev}, spec}
#define EXTRACT(unit, name, spec) \
    ONE("EXTRACT_" unit, "EXTRACT(" unit " FROM x)", weir_fn_infer, extract_##name, 0, "wk_extract_" #name, 1, spec)
#define EXTRACT_AS(fn_name, name, spec) \
    ONE(fn_name, fn_name "(x)", weir_fn_infer, extract_##name, 0, "wk_extract_" #name, 1, spec)
#define ROUNDED(unit, name, spec) \
    ONE("FLOOR_TO_" unit, "FLOOR(x TO " unit ")", weir_fn_infer, floor_##name, 0, "wk_floor_to_" #name, 1, spec), \
    ONE("CEIL_TO_" unit, "CEIL(x TO " unit ")", weir_fn_infer, ceil_##name, 0, "wk_ceil_to_" #name, 1, spec)
#define ADDED(unit, p) \
    ONE("TIMESTAMPADD_" unit, "TIMESTAMPADD(" unit ", count, x)", infer_add, eval_add, p, NULL, 2, "it:1"), \
    ONE("TIMESTAMPDIFF_" unit, "TIMESTAMPDIFF(" unit ", from, to)", weir_fn_infer, eval_diff, p, NULL, 2, "tt:i")
static const struct fn_entry entries[] = {
    EXTRACT("MILLENNIUM", millennium, "t:l"), EXTRACT("CENTURY", century, "t:l"),
    EXTRACT("DECADE", decade, "t:l"), EXTRACT("YEAR", year, "t:l"), EXTRACT("QUARTER", quarter, "t:l"),
    EXTRACT("MONTH", month, "t:l"), EXTRACT("WEEK", week, "t:l"), EXTRACT("DAY", day, "t:l"),
    EXTRACT("DOY", doy, "t:l"), EXTRACT("DOW", dow, "t:l"), EXTRACT("ISODOW", isodow, "t:l"),
    EXTRACT("ISOYEAR", isoyear, "t:l"), EXTRACT("HOUR", hour, "u:l"), EXTRACT("MINUTE", minute, "u:l"),
    EXTRACT("SECOND", second, "u:l"), EXTRACT("MILLISECOND", millisecond, "u:l"),
    EXTRACT("MICROSECOND", microsecond, "u:l"), EXTRACT("EPOCH", epoch, "u:l"),
    EXTRACT_AS("YEAR", year, "t:l"), EXTRACT_AS("QUARTER", quarter, "t:l"), EXTRACT_AS("MONTH", month, "t:l"),
    EXTRACT_AS("WEEK", week, "t:l"), EXTRACT_AS("DAYOFYEAR", doy, "t:l"), EXTRACT_AS("DAYOFMONTH", day, "t:l"),
    EXTRACT_AS("DAYOFWEEK", dow, "t:l"), EXTRACT_AS("HOUR", hour, "u:l"), EXTRACT_AS("MINUTE", minute, "u:l"),
    EXTRACT_AS("SECOND", second, "u:l"),
    ROUNDED("YEAR", year, "t:0"), ROUNDED("QUARTER", quarter, "t:0"), ROUNDED("MONTH", month, "t:0"),
    ROUNDED("WEEK", week, "t:0"), ROUNDED("DAY", day, "t:0"), ROUNDED("HOUR", hour, "u:0"),
    ROUNDED("MINUTE", minute, "u:0"), ROUNDED("SECOND", second, "u:0"),
    ADDED("YEAR", U_YEAR), ADDED("QUARTER", U_QUARTER), ADDED("MONTH", U_MONTH), ADDED("WEEK", U_WEEK),
    ADDED("DAY", U_DAY), ADDED("HOUR", U_HOUR), ADDED("MINUTE", U_MINUTE), ADDED("SECOND", U_SECOND),
    ADDED("MILLISECOND", U_MILLI), ADDED("MICROSECOND", U_MICRO),
    ONE("ADD_MONTHS", "x + INTERVAL of months", weir_fn_infer, eval_add_months, 0, "wk_add_months", 2, "tm:0"),
};
/* clang-format on */
FN_FAMILY(weir_fn_time_unit, entries);
