/* Times and intervals. TIMESTAMPs and day-to-second INTERVALs are both counts of microseconds, so
   most of their arithmetic is that of integers; months need the calendar. */
#include "host/sql/bind_impl.h"

#define DAY_US INT64_C(86400000000)

bool bind_is_time(struct weir_type t)
{
    return t.id == WEIR_TYPE_DATE || t.id == WEIR_TYPE_TIME || weir_type_is_timestamp(t);
}

struct weir_expr *bind_as_physical(struct binder *b, struct weir_expr *e, struct weir_type t)
{
    bool wide = weir_type_phys(t) == WEIR_PHYS_I64;
    return bind_cast(b, e, weir_type_make(wide ? WEIR_TYPE_BIGINT : WEIR_TYPE_INT));
}

bool bind_interval(struct binder *b, const struct weir_ast_expr *a, const char *what, int64_t *us)
{
    const struct weir_ast_literal *l = a->kind == WEIR_AST_EX_LITERAL ? a->literal : NULL;
    if (!l || l->kind != WEIR_AST_LIT_INTERVAL) {
        bind_fail(b, &a->pos, "%s must be an interval literal, like INTERVAL '10' SECOND", what);
        return false;
    }
    if (l->interval.is_months) {
        bind_unsupported(b, &a->pos,
                         "%s in months or years has no fixed length; write it in days: INTERVAL "
                         "'30' DAY(3)",
                         what);
        return false;
    }
    *us = l->interval.value;
    return true;
}

/* DATE + whole days stays a DATE; other parts of a day make a TIMESTAMP of it. */
static struct weir_expr *add_to_date(struct binder *b, enum weir_op op, struct weir_expr *date,
                                     struct weir_expr *interval, struct weir_pos pos)
{
    struct weir_type t = date->type;
    t.nullable = date->type.nullable || interval->type.nullable;
    if (interval->op == WEIR_OP_CONST && interval->value.i % DAY_US == 0) {
        struct weir_expr *days = bind_const_i64(b, weir_type_make(WEIR_TYPE_INT),
                                                interval->value.i / DAY_US, interval->pos);
        return bind_new(b, op, t, pos, 2, date, days, NULL);
    }
    bool nullable = t.nullable;
    t = weir_type_timestamp(WEIR_TIMESTAMP_MAX_P);
    date = bind_cast(b, date, t);
    t.nullable = nullable;
    return bind_new(b, op, t, pos, 2, date, interval, NULL);
}

struct weir_expr *bind_add_interval(struct binder *b, enum weir_op op, struct weir_expr *time,
                                    struct weir_expr *interval, struct weir_pos pos)
{
    struct weir_type t = time->type;
    if (t.id == WEIR_TYPE_TIME)
        return bind_unsupported(b, &pos,
                                "adding to a TIME is parsed, not executed yet; add to a "
                                "TIMESTAMP");
    if (interval->type.id == WEIR_TYPE_INTERVAL_MONTH) {
        if (op == WEIR_OP_SUB)
            interval =
                bind_new(b, WEIR_OP_NEG, interval->type, interval->pos, 1, interval, NULL, NULL);
        struct weir_expr *arg[2] = {time, interval};
        return interval ? bind_function(b, "ADD_MONTHS", pos, 2, arg) : NULL;
    }
    if (t.id == WEIR_TYPE_DATE) return add_to_date(b, op, time, interval, pos);
    t.nullable = t.nullable || interval->type.nullable;
    return bind_new(b, op, t, pos, 2, time, interval, NULL);
}
