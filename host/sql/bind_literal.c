/* Literals: each is the exact constant of the narrowest type that SQL gives it. */
#include <string.h>

#include "host/sql/bind_impl.h"
#include "runtime/column/text.h"

static struct weir_expr *make(struct binder *b, struct weir_value v, struct weir_pos pos)
{
    v.type.nullable = v.is_null;
    return bind_const(b, &v, pos);
}

static uint32_t code_points(const char *s, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

static struct weir_expr *string(struct binder *b, const struct weir_ast_literal *l,
                                struct weir_pos pos)
{
    bool text = l->kind == WEIR_AST_LIT_STRING;
    if (l->len > WEIR_LENGTH_MAX) return bind_fail(b, &pos, "this string is too long");
    struct weir_value v = {.type = weir_type_make(text ? WEIR_TYPE_CHAR : WEIR_TYPE_BINARY)};
    v.type.length = text ? code_points(l->bytes, l->len) : (uint32_t)l->len;
    char *copy = weir_arena_strndup(b->arena, l->bytes, l->len);
    if (!copy) return bind_nomem(b);
    v.s = (struct weir_str){copy, (uint32_t)l->len};
    return make(b, v, pos);
}

static struct weir_expr *decimal(struct binder *b, const struct weir_ast_literal *l,
                                 struct weir_pos pos)
{
    struct weir_value v = {.type = weir_type_decimal(l->precision, l->scale)};
    if (weir_type_phys(v.type) == WEIR_PHYS_I128)
        v.x = l->unscaled;
    else
        v.i = (int64_t)l->unscaled;
    return make(b, v, pos);
}

/* Digits behind the seconds' point, as many as the type can show. */
static int fraction_digits(const struct weir_ast_literal *l)
{
    const char *dot = memchr(l->bytes, '.', l->len);
    int n = 0;
    while (dot && dot + n + 1 < l->bytes + l->len && dot[n + 1] >= '0' && dot[n + 1] <= '9') n++;
    return n < WEIR_TIMESTAMP_MAX_P ? n : WEIR_TIMESTAMP_MAX_P;
}

static struct weir_expr *time(struct binder *b, const struct weir_ast_literal *l,
                              struct weir_pos pos)
{
    static const char *const shape[] = {
        [WEIR_AST_LIT_DATE] = "DATE '2024-01-31'",
        [WEIR_AST_LIT_TIME] = "TIME '13:45:00'",
        [WEIR_AST_LIT_TIMESTAMP] = "TIMESTAMP '2024-01-31 13:45:00'",
        [WEIR_AST_LIT_TIMESTAMP_LTZ] = "TIMESTAMP WITH LOCAL TIME ZONE '2024-01-31 13:45:00'"};
    struct weir_value v = {.is_null = false};
    int status;
    if (l->kind == WEIR_AST_LIT_DATE) {
        int32_t days = 0;
        v.type = weir_type_make(WEIR_TYPE_DATE);
        status = weir_text_parse_date(l->bytes, l->len, &days);
        v.i = days;
    } else if (l->kind == WEIR_AST_LIT_TIME) {
        v.type = weir_type_make(WEIR_TYPE_TIME);
        v.type.precision = (uint8_t)fraction_digits(l);
        status = weir_text_parse_time(l->bytes, l->len, 3, &v.i);
    } else {
        bool ltz = l->kind == WEIR_AST_LIT_TIMESTAMP_LTZ;
        v.type = weir_type_make(ltz ? WEIR_TYPE_TIMESTAMP_LTZ : WEIR_TYPE_TIMESTAMP);
        v.type.precision = (uint8_t)fraction_digits(l);
        status = weir_text_parse_timestamp(l->bytes, l->len, 6, ltz, &v.i);
    }
    if (status)
        return bind_fail(b, &pos, "'%.*s' is no value of this type; write it like %s",
                         (int)(l->len < 60 ? l->len : 60), l->bytes, shape[l->kind]);
    return make(b, v, pos);
}

static struct weir_expr *interval(struct binder *b, const struct weir_ast_literal *l,
                                  struct weir_pos pos)
{
    struct weir_value v = {.i = l->interval.value};
    v.type =
        weir_type_make(l->interval.is_months ? WEIR_TYPE_INTERVAL_MONTH : WEIR_TYPE_INTERVAL_DAY);
    if (l->interval.is_months && (v.i > INT32_MAX || v.i < INT32_MIN))
        return bind_fail(b, &pos, "this interval is too long");
    return make(b, v, pos);
}

struct weir_expr *bind_literal(struct binder *b, const struct weir_ast_expr *a)
{
    const struct weir_ast_literal *l = a->literal;
    struct weir_value v = {.is_null = false};
    switch (l->kind) {
    case WEIR_AST_LIT_NULL: return bind_null(b, weir_type_make(WEIR_TYPE_NULL), a->pos);
    case WEIR_AST_LIT_BOOL: return bind_bool(b, l->bool_value, a->pos);
    case WEIR_AST_LIT_INT: {
        bool small = l->int_value >= INT32_MIN && l->int_value <= INT32_MAX;
        v.type = weir_type_make(small ? WEIR_TYPE_INT : WEIR_TYPE_BIGINT);
        v.i = l->int_value;
        return make(b, v, a->pos);
    }
    case WEIR_AST_LIT_DOUBLE:
        v.type = weir_type_make(WEIR_TYPE_DOUBLE);
        v.f = l->double_value;
        return make(b, v, a->pos);
    case WEIR_AST_LIT_DECIMAL: return decimal(b, l, a->pos);
    case WEIR_AST_LIT_STRING:
    case WEIR_AST_LIT_BINARY: return string(b, l, a->pos);
    case WEIR_AST_LIT_INTERVAL: return interval(b, l, a->pos);
    default: return time(b, l, a->pos);
    }
}
