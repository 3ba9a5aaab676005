/* The clock and the epoch: CURRENT_TIMESTAMP and its family (the time at which the statement
   started, UTC), FROM_UNIXTIME, UNIX_TIMESTAMP, TO_TIMESTAMP_LTZ, CONVERT_TZ for fixed offsets. */
#include <string.h>

#include "kernels/common/date.h"
#include "runtime/column/text.h"
#include "runtime/native/fn_format.h"
#include "runtime/native/fn_internal.h"

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)ctx, (void)f, (void)n_args, (void)arg

static int eval_now(ARGS)
{
    UNUSED;
    int64_t us = weir_eval_now(ctx);
    us -= wk_floor_mod(us, 1000); /* the types have milliseconds */
    for (uint32_t i = 0; i < n; i++) {
        switch (out->type.id) {
        case WEIR_TYPE_DATE:
            ((int32_t *)out->data)[i] = (int32_t)wk_floor_div(us, WK_US_DAY);
            break;
        case WEIR_TYPE_TIME:
            ((int32_t *)out->data)[i] = (int32_t)(wk_floor_mod(us, WK_US_DAY) / 1000);
            break;
        case WEIR_TYPE_BIGINT: ((int64_t *)out->data)[i] = wk_floor_div(us, WK_US_SECOND); break;
        default: ((int64_t *)out->data)[i] = us;
        }
    }
    return WEIR_OK;
}

static int infer_now(const struct weir_function *f, int n, struct weir_type *arg,
                     struct weir_type *ret, struct weir_error *err)
{
    int rc = weir_fn_infer(f, n, arg, ret, err);
    ret->nullable = 0;
    return rc;
}

/* FROM_UNIXTIME(seconds [, format]) */
static int eval_from_unixtime(ARGS)
{
    UNUSED;
    struct weir_str plain = {"yyyy-MM-dd HH:mm:ss", 19};
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str format = n_args > 1 ? fn_str(arg[1], i) : plain;
        char buf[FN_FORMAT_MAX];
        uint8_t own = WK_VALID;
        int64_t us = wk_mul_i64(fn_i64(arg[0], i), WK_US_SECOND, &own);
        int len = own ? -1 : fn_format_time(format, us, buf);
        STR_OUT = (struct weir_str){"", 0};
        if (len < 0)
            st[i] = own ? own : WK_ERR_ARGUMENT;
        else
            weir_fn_put(ctx, out, i, buf, (size_t)len);
    }
    return WEIR_OK;
}

/* UNIX_TIMESTAMP([text [, format]]): now without arguments; what does not parse is NULL. */
static int eval_unix(ARGS)
{
    if (!n_args) return eval_now(ctx, f, n_args, arg, n, out);
    struct weir_str plain = {"yyyy-MM-dd HH:mm:ss", 19};
    FN_EACH(ctx, out, n, st, i)
    {
        int64_t us = 0;
        int rc = fn_parse_time(n_args > 1 ? fn_str(arg[1], i) : plain, fn_str(arg[0], i), &us);
        ((int64_t *)out->data)[i] = wk_floor_div(us, WK_US_SECOND);
        if (rc) st[i] = rc == FN_BAD_FORMAT ? WK_ERR_ARGUMENT : WK_NULL;
    }
    return WEIR_OK;
}

/* TO_TIMESTAMP_LTZ(number [, precision]): 0 seconds, 3 milliseconds */
static int eval_to_ltz(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        int32_t digits = n_args > 1 ? fn_i32(arg[1], i) : 3;
        if (digits != 0 && digits != 3) {
            st[i] = WK_ERR_ARGUMENT;
            continue;
        }
        ((int64_t *)out->data)[i] =
            wk_mul_i64(fn_i64(arg[0], i), digits ? 1000 : WK_US_SECOND, &st[i]);
    }
    return WEIR_OK;
}

/* "UTC", "GMT", "Z", "GMT+8", "+08:00" as microseconds east of UTC. */
static bool offset_of(struct weir_str zone, int64_t *us)
{
    const char *p = zone.data, *end = p + zone.len;
    *us = 0;
    if (zone.len >= 3 && (!memcmp(p, "UTC", 3) || !memcmp(p, "GMT", 3))) p += 3;
    if (p == end || (end - p == 1 && *p == 'Z')) return true;
    if (*p != '+' && *p != '-') return false;
    int64_t sign = *p++ == '-' ? -1 : 1, part[2] = {0, 0};
    int digits = 0, which = 0;
    for (; p < end; p++) {
        if (*p == ':' && !which) {
            which = 1;
            digits = 0;
        } else if (*p >= '0' && *p <= '9' && digits++ < 2) {
            part[which] = part[which] * 10 + (*p - '0');
        } else {
            return false;
        }
    }
    *us = sign * (part[0] * 60 + part[1]) * WK_US_MINUTE;
    return digits && part[0] <= 18 && part[1] < 60;
}

/* CONVERT_TZ(text, from, to) */
static int eval_convert_tz(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        int64_t us, from, to;
        char buf[WEIR_TEXT_MAX];
        STR_OUT = (struct weir_str){"", 0};
        if (!offset_of(fn_str(arg[1], i), &from) || !offset_of(fn_str(arg[2], i), &to))
            st[i] = WK_ERR_ARGUMENT;
        else if (weir_text_parse_timestamp(s.data, s.len, 6, false, &us) ||
                 __builtin_add_overflow(us, to - from, &us))
            st[i] = WK_NULL;
        else
            weir_fn_put(ctx, out, i, buf, weir_text_format_timestamp(buf, us, 6, 0, ' ', false));
    }
    return WEIR_OK;
}

/* clang-format off */
#define NOW(fn_name, spec) {{.name = fn_name, .signature = fn_name, .infer = infer_now, .eval = eval_now, .volatile_ = true}, spec}
static const struct fn_entry entries[] = {
    NOW("CURRENT_TIMESTAMP", ":L"), NOW("NOW", ":L"), NOW("CURRENT_ROW_TIMESTAMP", ":L"),
    NOW("LOCALTIMESTAMP", ":T"), NOW("CURRENT_DATE", ":D"), NOW("CURRENT_TIME", ":C"), NOW("LOCALTIME", ":C"),
    {{.name = "UNIX_TIMESTAMP", .min_args = 0, .max_args = 2, .signature = "UNIX_TIMESTAMP([text [, format]])",
      .infer = weir_fn_infer, .eval = eval_unix, .volatile_ = true}, "[ss:l?"},
    {{.name = "FROM_UNIXTIME", .min_args = 1, .max_args = 2, .signature = "FROM_UNIXTIME(seconds [, format])",
      .infer = weir_fn_infer, .eval = eval_from_unixtime}, "l[s:s"},
    {{.name = "TO_TIMESTAMP_LTZ", .min_args = 1, .max_args = 2, .signature = "TO_TIMESTAMP_LTZ(number [, precision])",
      .infer = weir_fn_infer, .eval = eval_to_ltz}, "l[i:L"},
    {{.name = "CONVERT_TZ", .min_args = 3, .max_args = 3, .signature = "CONVERT_TZ(text, from, to)",
      .infer = weir_fn_infer, .eval = eval_convert_tz}, "sss:s?"},
};
/* clang-format on */
FN_FAMILY(weir_fn_time, entries);
