/* Types: common types, which casts exist, which ones INSERT makes by itself, and the operators
   whose operands must first be brought to one type (docs/decimal.md has the numeric rules).

   A cast is written out wherever the physical value changes; a constant is converted on the spot
   where that cannot fail. */
#include <string.h>

#include "host/sql/bind_impl.h"
#include "runtime/column/text.h"

/* The digits of an integer type when it meets a DECIMAL; DECIMAL's own. */
static struct weir_type as_decimal(struct weir_type t)
{
    static const uint8_t digits[] = {[WEIR_TYPE_TINYINT] = 3,
                                     [WEIR_TYPE_SMALLINT] = 5,
                                     [WEIR_TYPE_INT] = 10,
                                     [WEIR_TYPE_BIGINT] = 19};
    if (t.id == WEIR_TYPE_DECIMAL) return t;
    struct weir_type d = weir_type_decimal(digits[t.id], 0);
    d.nullable = t.nullable;
    return d;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}
static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static struct weir_type common_numeric(struct weir_type a, struct weir_type b)
{
    if (weir_type_is_float(a) || weir_type_is_float(b)) {
        bool wide = a.id == WEIR_TYPE_DOUBLE || b.id == WEIR_TYPE_DOUBLE ||
                    a.id == WEIR_TYPE_DECIMAL || b.id == WEIR_TYPE_DECIMAL;
        return weir_type_make(wide ? WEIR_TYPE_DOUBLE : WEIR_TYPE_FLOAT);
    }
    if (a.id != WEIR_TYPE_DECIMAL && b.id != WEIR_TYPE_DECIMAL) return a.id > b.id ? a : b;
    a = as_decimal(a);
    b = as_decimal(b);
    int d = min_int(38, max_int(a.precision - a.scale, b.precision - b.scale));
    int s = min_int(max_int(a.scale, b.scale), 38 - d);
    return weir_type_decimal(d + s, s);
}

static struct weir_type common_string(struct weir_type a, struct weir_type b,
                                      enum weir_type_id fixed, enum weir_type_id varying)
{
    struct weir_type t = weir_type_make(varying);
    if (a.id == fixed && b.id == fixed && a.length == b.length) t.id = (uint8_t)fixed;
    t.length = a.length > b.length ? a.length : b.length;
    return t;
}

bool bind_common_type(struct weir_type a, struct weir_type b, struct weir_type *out)
{
    bool nullable = a.nullable || b.nullable;
    if (a.id == WEIR_TYPE_NULL || weir_type_same(a, b)) {
        *out = b;
    } else if (b.id == WEIR_TYPE_NULL) {
        *out = a;
    } else if (weir_type_is_numeric(a) && weir_type_is_numeric(b)) {
        *out = common_numeric(a, b);
    } else if (weir_type_is_text(a) && weir_type_is_text(b)) {
        *out = common_string(a, b, WEIR_TYPE_CHAR, WEIR_TYPE_VARCHAR);
    } else if (weir_type_is_bytes(a) && weir_type_is_bytes(b)) {
        *out = common_string(a, b, WEIR_TYPE_BINARY, WEIR_TYPE_VARBINARY);
    } else if (a.id == b.id) {
        *out = a.precision > b.precision ? a : b;
    } else if ((weir_type_is_timestamp(a) || a.id == WEIR_TYPE_DATE) &&
               (weir_type_is_timestamp(b) || b.id == WEIR_TYPE_DATE)) {
        bool ltz = a.id == WEIR_TYPE_TIMESTAMP_LTZ || b.id == WEIR_TYPE_TIMESTAMP_LTZ;
        *out = weir_type_make(ltz ? WEIR_TYPE_TIMESTAMP_LTZ : WEIR_TYPE_TIMESTAMP);
        out->precision = a.precision > b.precision ? a.precision : b.precision;
    } else {
        return false;
    }
    out->nullable = nullable;
    return true;
}

bool bind_compare_type(struct weir_type a, struct weir_type b, struct weir_type *out)
{
    if (!bind_common_type(a, b, out)) return false;
    bool rounds = out->id == WEIR_TYPE_FLOAT && a.id != b.id; /* FLOAT holds no INT exactly */
    if (rounds && a.id != WEIR_TYPE_NULL && b.id != WEIR_TYPE_NULL) out->id = WEIR_TYPE_DOUBLE;
    return true;
}

bool bind_can_cast(struct weir_type from, struct weir_type to)
{
    if (from.id == WEIR_TYPE_NULL || from.id == to.id) return true;
    if (weir_type_is_text(to)) return !weir_type_is_interval(from);
    if (weir_type_is_text(from)) return !weir_type_is_interval(to);
    if (weir_type_is_bytes(from) && weir_type_is_bytes(to)) return true;
    if (weir_type_is_numeric(from)) return weir_type_is_numeric(to) || to.id == WEIR_TYPE_BOOLEAN;
    if (from.id == WEIR_TYPE_BOOLEAN) return weir_type_is_numeric(to);
    if (from.id == WEIR_TYPE_DATE) return weir_type_is_timestamp(to);
    if (weir_type_is_timestamp(from))
        return weir_type_is_timestamp(to) || to.id == WEIR_TYPE_DATE || to.id == WEIR_TYPE_TIME;
    return false;
}

/* Flink's LogicalTypeCasts.supportsImplicitCast. */
bool bind_can_assign(struct weir_type from, struct weir_type to)
{
    if (from.id == WEIR_TYPE_NULL || from.id == to.id) return true;
    if (weir_type_is_text(from)) return weir_type_is_text(to) && to.id == WEIR_TYPE_VARCHAR;
    if (weir_type_is_bytes(from)) return to.id == WEIR_TYPE_VARBINARY;
    if (weir_type_is_numeric(from) && weir_type_is_numeric(to)) {
        if (to.id == WEIR_TYPE_DECIMAL || to.id == WEIR_TYPE_DOUBLE) return true;
        if (to.id == WEIR_TYPE_FLOAT) return from.id != WEIR_TYPE_DOUBLE;
        return weir_type_is_integer(from) && from.id < to.id;
    }
    if (weir_type_is_timestamp(from))
        return weir_type_is_timestamp(to) || to.id == WEIR_TYPE_DATE || to.id == WEIR_TYPE_TIME;
    return false;
}

/* ---- casts ---- */

/* The exact number V as a DECIMAL or DOUBLE, where that cannot fail or round. */
static bool convert_exact(struct weir_value *v, struct weir_type t)
{
    weir_i128 x = weir_type_phys(v->type) == WEIR_PHYS_I128 ? v->x : v->i;
    int scale = v->type.id == WEIR_TYPE_DECIMAL ? v->type.scale : 0;
    if (t.id == WEIR_TYPE_DOUBLE) {
        weir_i128 limit = (weir_i128)1 << 53;
        if (scale || x > limit || x < -limit) return false;
        v->f = (double)x;
        return true;
    }
    if (t.id != WEIR_TYPE_DECIMAL || t.scale < scale) return false;
    weir_i128 limit = weir_pow10_i128[t.precision - (t.scale - scale)];
    if (x >= limit || x <= -limit) return false;
    x *= weir_pow10_i128[t.scale - scale];
    if (weir_type_phys(t) == WEIR_PHYS_I128)
        v->x = x;
    else
        v->i = (int64_t)x;
    return true;
}

/* A constant of type T without evaluating anything, where that cannot fail; else NULL. */
static struct weir_expr *retype_const(struct binder *b, const struct weir_expr *e,
                                      struct weir_type t)
{
    struct weir_value v = e->value;
    struct weir_type from = e->type;
    bool same =
        v.is_null || (weir_type_is_integer(from) && weir_type_is_integer(t) && t.id >= from.id) ||
        (weir_type_is_text(from) && t.id == WEIR_TYPE_VARCHAR && t.length >= from.length) ||
        (weir_type_is_bytes(from) && t.id == WEIR_TYPE_VARBINARY && t.length >= from.length);
    if (!same && !(weir_type_is_exact(from) && convert_exact(&v, t))) return NULL;
    v.type = t;
    v.type.nullable = v.is_null;
    return bind_const(b, &v, e->pos);
}

struct weir_expr *bind_cast(struct binder *b, struct weir_expr *e, struct weir_type t)
{
    if (!e || weir_type_same(e->type, t)) return e;
    if (e->op == WEIR_OP_CONST) {
        struct weir_expr *c = retype_const(b, e, t);
        if (c || b->status) return c;
    }
    t.nullable = e->type.nullable;
    return bind_new(b, WEIR_OP_CAST, t, e->pos, 1, e, NULL, NULL);
}

bool bind_unify(struct binder *b, struct weir_expr **e, int n, const char *what,
                struct weir_type *out)
{
    struct weir_type t = e[0]->type;
    for (int i = 1; i < n; i++) {
        if (bind_common_type(t, e[i]->type, &t)) continue;
        bind_fail(b, &e[i]->pos, "%s have no common type: %s and %s; CAST one of them", what,
                  bind_type_text(b, t), bind_type_text(b, e[i]->type));
        return false;
    }
    for (int i = 0; i < n; i++)
        if (!(e[i] = bind_cast(b, e[i], t))) return false;
    *out = t;
    return true;
}

/* ---- comparison ---- */

/* A string constant that meets a DATE, TIME or TIMESTAMP becomes one; else E. */
static struct weir_expr *text_to_time(struct binder *b, struct weir_expr *e, struct weir_type t)
{
    bool is_time = t.id == WEIR_TYPE_DATE || t.id == WEIR_TYPE_TIME || weir_type_is_timestamp(t);
    if (!is_time || e->op != WEIR_OP_CONST || !weir_type_is_text(e->type)) return e;
    const struct weir_str *s = &e->value.s;
    int64_t v = 0;
    int32_t days = 0;
    int status;
    if (t.id == WEIR_TYPE_DATE) {
        status = weir_text_parse_date(s->data, s->len, &days);
        v = days;
        if (status) { /* a time of day does no harm: the comparison is then one of timestamps */
            t = weir_type_timestamp(WEIR_TIMESTAMP_MAX_P);
            status = weir_text_parse_timestamp(s->data, s->len, 6, false, &v);
        }
    } else if (t.id == WEIR_TYPE_TIME) {
        status = weir_text_parse_time(s->data, s->len, 3, &v);
    } else {
        status = weir_text_parse_timestamp(s->data, s->len, 6, t.id == WEIR_TYPE_TIMESTAMP_LTZ, &v);
    }
    if (status)
        return bind_fail(b, &e->pos, "'%.*s' is no %s; write it like %s",
                         (int)(s->len < 60 ? s->len : 60), s->data, bind_type_text(b, t),
                         t.id == WEIR_TYPE_TIME ? "'13:45:00'"
                         : t.id == WEIR_TYPE_DATE || weir_type_is_timestamp(t)
                             ? "'2024-01-31' or '2024-01-31 13:45:00'"
                             : "");
    return bind_const_i64(b, t, v, e->pos);
}

static bool is_null_const(const struct weir_expr *e)
{
    return e->op == WEIR_OP_CONST && e->value.is_null;
}

bool bind_too_wide(struct weir_type a, struct weir_type b)
{
    if (!weir_type_is_exact(a) || !weir_type_is_exact(b)) return false;
    if (a.id != WEIR_TYPE_DECIMAL && b.id != WEIR_TYPE_DECIMAL) return false;
    a = as_decimal(a);
    b = as_decimal(b);
    return max_int(a.precision - a.scale, b.precision - b.scale) + max_int(a.scale, b.scale) > 38;
}

bool bind_comparable(struct binder *b, struct weir_expr **l, struct weir_expr **r, const char *op,
                     struct weir_pos pos)
{
    if (!*l || !*r) return false;
    if (!is_null_const(*l) && !is_null_const(*r)) {
        *l = text_to_time(b, *l, (*r)->type);
        if (*l) *r = text_to_time(b, *r, (*l)->type);
        if (!*l || !*r) return false;
    }
    struct weir_type a = (*l)->type, c = (*r)->type, t;
    if (weir_type_is_text(a) && weir_type_is_text(c)) return true;
    if (weir_type_is_bytes(a) && weir_type_is_bytes(c)) return true;
    if (a.id == c.id && (weir_type_is_timestamp(a) || a.id == WEIR_TYPE_TIME)) return true;
    if (!bind_compare_type(a, c, &t)) {
        bind_fail(b, &pos, "cannot apply %s to %s and %s; CAST one side to the other's type", op,
                  bind_type_text(b, a), bind_type_text(b, c));
        return false;
    }
    if (t.id == WEIR_TYPE_NULL) t = bind_boolean_type(true);
    *l = bind_cast(b, *l, t);
    *r = bind_cast(b, *r, t);
    return *l && *r;
}

/* WIDE has more digits before the point, FINE more behind it. Where WIDE does not fit into
   DECIMAL(38, scale of FINE) it is larger in magnitude than any FINE, so its sign decides. */
static struct weir_expr *compare_wide(struct binder *b, enum weir_op op, struct weir_expr *wide,
                                      struct weir_expr *fine, struct weir_pos pos)
{
    struct weir_type at = as_decimal(wide->type), bt = as_decimal(fine->type);
    struct weir_type t = weir_type_decimal(38, bt.scale);
    struct weir_type w = weir_type_decimal(38, at.scale);
    struct weir_expr *x = bind_cast(b, wide, w);
    struct weir_expr *zero =
        bind_cast(b, bind_const_i64(b, weir_type_make(WEIR_TYPE_INT), 0, pos), w);
    struct weir_expr *fits = bind_new(b, WEIR_OP_TRY_CAST, t, pos, 1, x, NULL, NULL);
    struct weir_expr *plain =
        bind_new(b, op, bind_boolean_type(true), pos, 2, fits, bind_cast(b, fine, t), NULL);
    struct weir_expr *sign = bind_new(b, op, bind_boolean_type(true), pos, 2, x, zero, NULL);
    struct weir_expr *known[2] = {bind_not(b, bind_is_null(b, x)),
                                  bind_not(b, bind_is_null(b, fine))};
    if (!plain || !sign || !known[0] || !known[1]) return NULL;
    struct weir_expr *all[3] = {bind_is_null(b, fits), known[0], known[1]};
    if (!all[0]) return NULL;
    return bind_new(b, WEIR_OP_SELECT, bind_boolean_type(true), pos, 3,
                    bind_chain(b, WEIR_OP_AND, all, 3), sign, plain);
}

static enum weir_op mirrored(enum weir_op op)
{
    switch (op) {
    case WEIR_OP_LT: return WEIR_OP_GT;
    case WEIR_OP_LE: return WEIR_OP_GE;
    case WEIR_OP_GT: return WEIR_OP_LT;
    case WEIR_OP_GE: return WEIR_OP_LE;
    default: return op;
    }
}

static const char *op_text(enum weir_op op)
{
    static const char *const text[WEIR_OP_COUNT_] = {
        [WEIR_OP_EQ] = "=",  [WEIR_OP_NE] = "<>", [WEIR_OP_LT] = "<",  [WEIR_OP_LE] = "<=",
        [WEIR_OP_GT] = ">",  [WEIR_OP_GE] = ">=", [WEIR_OP_ADD] = "+", [WEIR_OP_SUB] = "-",
        [WEIR_OP_MUL] = "*", [WEIR_OP_DIV] = "/", [WEIR_OP_MOD] = "%"};
    return text[op];
}

struct weir_expr *bind_compare(struct binder *b, enum weir_op op, struct weir_expr *l,
                               struct weir_expr *r, struct weir_pos pos)
{
    if (!l || !r) return NULL;
    if (bind_too_wide(l->type, r->type)) {
        bool left_fine = as_decimal(l->type).scale > as_decimal(r->type).scale;
        return left_fine ? compare_wide(b, mirrored(op), r, l, pos)
                         : compare_wide(b, op, l, r, pos);
    }
    if (!bind_comparable(b, &l, &r, op_text(op), pos)) return NULL;
    return bind_new(b, op, bind_boolean_type(l->type.nullable || r->type.nullable), pos, 2, l, r,
                    NULL);
}

/* ---- arithmetic ---- */

/* More than 38 digits: digits before the point are kept, at most six behind it are sure. */
static struct weir_type adjusted(int p, int s)
{
    if (p <= 38) return weir_type_decimal(p, s);
    return weir_type_decimal(38, max_int(38 - (p - s), min_int(s, 6)));
}

static struct weir_type decimal_result(enum weir_op op, struct weir_type a, struct weir_type b)
{
    int p1 = a.precision, s1 = a.scale, p2 = b.precision, s2 = b.scale, s;
    switch (op) {
    case WEIR_OP_MUL: return adjusted(p1 + p2 + 1, s1 + s2);
    case WEIR_OP_DIV: s = max_int(6, s1 + p2 + 1); return adjusted(p1 - s1 + s2 + s, s);
    case WEIR_OP_MOD:
        s = max_int(s1, s2);
        return s ? adjusted(min_int(p1 - s1, p2 - s2) + s, s) : b;
    default: s = max_int(s1, s2); return adjusted(max_int(p1 - s1, p2 - s2) + s + 1, s);
    }
}

/* MUL and DIV keep the operands' scales, all else works at the larger one. Operands are as wide as
   the result in memory. */
static struct weir_expr *decimal_arith(struct binder *b, enum weir_op op, struct weir_expr *l,
                                       struct weir_expr *r, struct weir_type t, struct weir_pos pos)
{
    struct weir_type at = as_decimal(l->type), bt = as_decimal(r->type), work = t;
    if (op == WEIR_OP_MUL || op == WEIR_OP_DIV) {
        if (weir_type_phys(t) == WEIR_PHYS_I128) {
            at.precision = (uint8_t)max_int(at.precision, WEIR_DECIMAL64_MAX_P + 1);
            bt.precision = (uint8_t)max_int(bt.precision, WEIR_DECIMAL64_MAX_P + 1);
        }
    } else {
        int s = max_int(at.scale, bt.scale);
        int p = max_int(at.precision - at.scale, bt.precision - bt.scale) + s;
        work = weir_type_decimal(min_int(38, op == WEIR_OP_MOD ? p : p + 1), s);
        work.nullable = t.nullable;
        at = bt = work;
    }
    struct weir_expr *e =
        bind_new(b, op, work, pos, 2, bind_cast(b, l, at), bind_cast(b, r, bt), NULL);
    return bind_cast(b, e, t);
}

static struct weir_expr *number_arith(struct binder *b, enum weir_op op, struct weir_expr *l,
                                      struct weir_expr *r, struct weir_pos pos)
{
    struct weir_type a = l->type, c = r->type, t;
    if (a.id == WEIR_TYPE_NULL) a = c;
    if (c.id == WEIR_TYPE_NULL) c = a;
    bool nullable = l->type.nullable || r->type.nullable;
    if (weir_type_is_exact(a) && weir_type_is_exact(c) &&
        (a.id == WEIR_TYPE_DECIMAL || c.id == WEIR_TYPE_DECIMAL)) {
        t = decimal_result(op, as_decimal(a), as_decimal(c));
        t.nullable = nullable;
        l = bind_cast(b, l, a);
        r = bind_cast(b, r, c);
        return l && r ? decimal_arith(b, op, l, r, t, pos) : NULL;
    }
    t = common_numeric(a, c);
    t.nullable = nullable;
    struct weir_expr *e = bind_new(b, op, t, pos, 2, bind_cast(b, l, t), bind_cast(b, r, t), NULL);
    /* The remainder has the second operand's type, which it always fits. */
    return op == WEIR_OP_MOD && weir_type_is_integer(t) ? bind_cast(b, e, c) : e;
}

static struct weir_expr *same_type_arith(struct binder *b, enum weir_op op, struct weir_expr *l,
                                         struct weir_expr *r, struct weir_pos pos)
{
    if (!l || !r) return NULL;
    struct weir_type t = l->type;
    t.nullable = l->type.nullable || r->type.nullable;
    return bind_new(b, op, t, pos, 2, l, r, NULL);
}

static struct weir_expr *arith_error(struct binder *b, enum weir_op op, struct weir_type l,
                                     struct weir_type r, struct weir_pos pos)
{
    bool times = (weir_type_is_timestamp(l) || l.id == WEIR_TYPE_DATE) &&
                 (weir_type_is_timestamp(r) || r.id == WEIR_TYPE_DATE);
    const char *hint = "CAST one side";
    if (times && op == WEIR_OP_SUB)
        hint = "write TIMESTAMPDIFF(SECOND, start, end)";
    else if (op == WEIR_OP_ADD && (weir_type_is_text(l) || weir_type_is_text(r)))
        hint = "strings are joined with ||";
    else if (weir_type_is_timestamp(l) || l.id == WEIR_TYPE_DATE)
        hint = "add an INTERVAL, as in ts + INTERVAL '1' DAY";
    return bind_fail(b, &pos, "cannot apply %s to %s and %s; %s", op_text(op), bind_type_text(b, l),
                     bind_type_text(b, r), hint);
}

struct weir_expr *bind_arith(struct binder *b, enum weir_op op, struct weir_expr *l,
                             struct weir_expr *r, struct weir_pos pos)
{
    if (!l || !r) return NULL;
    struct weir_type a = l->type, c = r->type;
    bool number_a = weir_type_is_numeric(a) || a.id == WEIR_TYPE_NULL;
    bool number_c = weir_type_is_numeric(c) || c.id == WEIR_TYPE_NULL;
    if (number_a && number_c) {
        if (a.id == WEIR_TYPE_NULL && c.id == WEIR_TYPE_NULL)
            return bind_null(b, weir_type_make(WEIR_TYPE_INT), pos);
        return number_arith(b, op, l, r, pos);
    }
    if (op == WEIR_OP_ADD && weir_type_is_interval(a) && !weir_type_is_interval(c))
        return bind_arith(b, op, r, l, pos);
    bool add = op == WEIR_OP_ADD || op == WEIR_OP_SUB;
    if (add && weir_type_is_interval(a) && a.id == c.id) return same_type_arith(b, op, l, r, pos);
    if (add && weir_type_is_interval(c) && bind_is_time(a))
        return bind_add_interval(b, op, l, r, pos);
    if (weir_type_is_interval(a) && weir_type_is_integer(c) &&
        (op == WEIR_OP_MUL || op == WEIR_OP_DIV))
        return same_type_arith(b, op, l, bind_as_physical(b, r, a), pos);
    if (op == WEIR_OP_MUL && weir_type_is_integer(a) && weir_type_is_interval(c))
        return same_type_arith(b, op, r, bind_as_physical(b, l, c), pos);
    return arith_error(b, op, a, c, pos);
}
