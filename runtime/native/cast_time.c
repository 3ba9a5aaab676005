/* Casts between DATE, TIME and TIMESTAMP. TIMESTAMP and TIMESTAMP_LTZ are the same instant, as the
   session's time zone is UTC. What becomes a TIMESTAMP or TIME of fewer digits is cut,
   toward earlier times. */
#include "kernels/common/date.h"

#include "runtime/native/cast.h"

/* MS of a day with the digits of the target. */
static int64_t cut(int64_t ms, const struct eval_op *op)
{
    return ms - ms % cast_time_unit(op->insn->type);
}

#define TIME_CAST(name, F, T, EXPR)                                                                \
    CAST_HEAD(name)                                                                                \
    {                                                                                              \
        (void)ev;                                                                                  \
        const F *in = a[0]->data;                                                                  \
        const int64_t unit = (int64_t)weir_pow10_i128[6 - op->insn->type.precision];               \
        (void)unit;                                                                                \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            uint8_t own = WK_VALID;                                                                \
            int64_t x = in[i];                                                                     \
            ((T *)out->data)[i] = (T)(EXPR);                                                       \
            if (own && !(out->st && out->st[i])) cast_fail(out, own_st, n, i, own);                \
        }                                                                                          \
        return WEIR_OK;                                                                            \
    }

TIME_CAST(date_to_timestamp, int32_t, int64_t, wk_mul_i64(x, WK_US_DAY, &own))
TIME_CAST(timestamp_to_date, int64_t, int32_t, wk_floor_div(x, WK_US_DAY))
TIME_CAST(timestamp_to_time, int64_t, int32_t, cut(wk_floor_mod(x, WK_US_DAY) / 1000, op))
TIME_CAST(time_cut, int32_t, int32_t, cut(x, op))
TIME_CAST(time_to_timestamp, int32_t, int64_t, x * 1000)
TIME_CAST(timestamp_cut, int64_t, int64_t, wk_sub_i64(x, wk_floor_mod(x, unit), &own))

eval_fn cast_time(struct weir_type from, struct weir_type to, bool *lossy)
{
    bool from_ts = weir_type_is_timestamp(from), to_ts = weir_type_is_timestamp(to);
    *lossy = from.id == WEIR_TYPE_DATE || (from_ts && to_ts);
    if (from.id == WEIR_TYPE_DATE && to_ts) return date_to_timestamp;
    if (from_ts && to.id == WEIR_TYPE_DATE) return timestamp_to_date;
    if (from_ts && to.id == WEIR_TYPE_TIME) return timestamp_to_time;
    if (from.id == WEIR_TYPE_TIME && to_ts) return time_to_timestamp;
    if (from.id == WEIR_TYPE_TIME && to.id == WEIR_TYPE_TIME) return time_cut;
    return from_ts && to_ts ? timestamp_cut : NULL;
}
