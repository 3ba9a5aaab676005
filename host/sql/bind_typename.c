/* Types as they are written: from the syntax to the engine's. */
#include "host/sql/bind_impl.h"

static bool fail_type(struct binder *b, const struct weir_ast_type *a, const char *what)
{
    bind_unsupported(b, &a->pos, "%s", what);
    return false;
}

static bool decimal(struct binder *b, const struct weir_ast_type *a, struct weir_type *out)
{
    int p = a->precision < 0 ? 10 : a->precision, s = a->scale < 0 ? 0 : a->scale;
    if (p < 1 || p > WEIR_DECIMAL_MAX_P || s > p) {
        bind_fail(b, &a->pos,
                  "DECIMAL(%d, %d): the precision is 1 to 38, the scale 0 to the precision", p, s);
        return false;
    }
    *out = weir_type_decimal(p, s);
    return true;
}

static bool sized(struct binder *b, const struct weir_ast_type *a, enum weir_type_id id,
                  struct weir_type *out)
{
    *out = weir_type_make(id);
    out->length = a->precision < 0 ? 1 : (uint32_t)a->precision;
    if (a->precision == 0) {
        bind_fail(b, &a->pos, "a length must be at least 1");
        return false;
    }
    return true;
}

static bool with_digits(struct binder *b, const struct weir_ast_type *a, enum weir_type_id id,
                        struct weir_type *out)
{
    *out = weir_type_make(id);
    if (a->precision > WEIR_TIMESTAMP_MAX_P)
        return fail_type(b, a, "times have at most 6 digits behind the seconds here: TIMESTAMP(6)");
    if (a->precision >= 0) out->precision = (uint8_t)a->precision;
    return true;
}

static bool plain(enum weir_type_id id, struct weir_type *out)
{
    *out = weir_type_make(id);
    return true;
}

static bool type_of(struct binder *b, const struct weir_ast_type *a, struct weir_type *out)
{
    switch (a->kind) {
    case WEIR_AST_TY_BOOLEAN: return plain(WEIR_TYPE_BOOLEAN, out);
    case WEIR_AST_TY_TINYINT: return plain(WEIR_TYPE_TINYINT, out);
    case WEIR_AST_TY_SMALLINT: return plain(WEIR_TYPE_SMALLINT, out);
    case WEIR_AST_TY_INT: return plain(WEIR_TYPE_INT, out);
    case WEIR_AST_TY_BIGINT: return plain(WEIR_TYPE_BIGINT, out);
    case WEIR_AST_TY_FLOAT: return plain(WEIR_TYPE_FLOAT, out);
    case WEIR_AST_TY_DOUBLE: return plain(WEIR_TYPE_DOUBLE, out);
    case WEIR_AST_TY_DECIMAL: return decimal(b, a, out);
    case WEIR_AST_TY_CHAR: return sized(b, a, WEIR_TYPE_CHAR, out);
    case WEIR_AST_TY_VARCHAR: return sized(b, a, WEIR_TYPE_VARCHAR, out);
    case WEIR_AST_TY_BINARY: return sized(b, a, WEIR_TYPE_BINARY, out);
    case WEIR_AST_TY_VARBINARY: return sized(b, a, WEIR_TYPE_VARBINARY, out);
    case WEIR_AST_TY_STRING: return plain(WEIR_TYPE_VARCHAR, out);
    case WEIR_AST_TY_BYTES: return plain(WEIR_TYPE_VARBINARY, out);
    case WEIR_AST_TY_DATE: return plain(WEIR_TYPE_DATE, out);
    case WEIR_AST_TY_TIME:
        if (a->precision > 3)
            return fail_type(b, a, "a TIME has at most 3 digits behind the seconds here");
        return with_digits(b, a, WEIR_TYPE_TIME, out);
    case WEIR_AST_TY_TIMESTAMP: return with_digits(b, a, WEIR_TYPE_TIMESTAMP, out);
    case WEIR_AST_TY_TIMESTAMP_LTZ: return with_digits(b, a, WEIR_TYPE_TIMESTAMP_LTZ, out);
    case WEIR_AST_TY_TIMESTAMP_TZ:
        return fail_type(b, a,
                         "TIMESTAMP WITH TIME ZONE is parsed, not executed; use "
                         "TIMESTAMP_LTZ");
    case WEIR_AST_TY_INTERVAL:
        return fail_type(b, a, "INTERVAL is the type of expressions only; store a number");
    case WEIR_AST_TY_NAMED: return fail_type(b, a, "there are no user-defined types");
    default:
        return fail_type(b, a,
                         "ROW, ARRAY, MAP, MULTISET and NULL types are parsed, not executed "
                         "yet; use columns of their own");
    }
}

bool bind_type(struct binder *b, const struct weir_ast_type *a, struct weir_type *out)
{
    if (!type_of(b, a, out)) return false;
    out->nullable = !a->not_null;
    return true;
}
