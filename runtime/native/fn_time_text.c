/* Times and text: DATE_FORMAT, TO_TIMESTAMP, TO_DATE. */
#include "kernels/common/date.h"
#include "runtime/column/text.h"
#include "runtime/native/fn_format.h"
#include "runtime/native/fn_internal.h"

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)f, (void)n_args

/* DATE_FORMAT of a text reads it as a TIMESTAMP. */
static int infer_date_format(const struct weir_function *f, int n, struct weir_type *arg,
                             struct weir_type *ret, struct weir_error *err)
{
    uint8_t nullable = arg[0].nullable;
    if (n > 0 && (weir_type_is_text(arg[0]) || arg[0].id == WEIR_TYPE_DATE)) {
        arg[0] = weir_type_timestamp(3);
        arg[0].nullable = nullable;
    }
    return weir_fn_infer(f, n, arg, ret, err);
}

static int eval_date_format(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        char buf[FN_FORMAT_MAX];
        int len = fn_format_time(fn_str(arg[1], i), fn_i64(arg[0], i), buf);
        STR_OUT = (struct weir_str){"", 0};
        if (len < 0)
            st[i] = WK_ERR_ARGUMENT;
        else
            weir_fn_put(ctx, out, i, buf, (size_t)len);
    }
    return WEIR_OK;
}

/* Text that is no time gives NULL, as in Flink. */
static int parse(struct weir_str s, const struct weir_vec *format, uint32_t i, int64_t *us)
{
    if (format) return fn_parse_time(fn_str(format, i), s, us);
    return weir_text_parse_timestamp(s.data, s.len, 6, false, us) ? -1 : 0;
}

static int eval_to_timestamp(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        int64_t us = 0;
        int rc = parse(fn_str(arg[0], i), n_args > 1 ? arg[1] : NULL, i, &us);
        if (rc) st[i] = rc == FN_BAD_FORMAT ? WK_ERR_ARGUMENT : WK_NULL;
        if (f->param)
            ((int32_t *)out->data)[i] = (int32_t)wk_floor_div(us, WK_US_DAY);
        else
            ((int64_t *)out->data)[i] = us - wk_floor_mod(us, 1000);
    }
    return WEIR_OK;
}

/* clang-format off */
static const struct fn_entry entries[] = {
    {{.name = "DATE_FORMAT", .min_args = 2, .max_args = 2, .signature = "DATE_FORMAT(timestamp, format)",
      .infer = infer_date_format, .eval = eval_date_format}, "Ts:s"},
    {{.name = "TO_TIMESTAMP", .min_args = 1, .max_args = 2, .signature = "TO_TIMESTAMP(text [, format])",
      .infer = weir_fn_infer, .eval = eval_to_timestamp}, "s[s:T?"},
    {{.name = "TO_DATE", .min_args = 1, .max_args = 2, .signature = "TO_DATE(text [, format])",
      .infer = weir_fn_infer, .eval = eval_to_timestamp, .param = 1}, "s[s:D?"},
};
/* clang-format on */
FN_FAMILY(weir_fn_time_text, entries);
