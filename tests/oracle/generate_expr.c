/* Random numeric, text and time expressions; generate_bool.c has the predicates. See generate.h. */

#include "functions.h"
#include "generate.h"

#include <string.h>

struct expr *expr_new(struct pool *p, enum op op, struct type type, int n)
{
    struct expr *e = pool_get(p, sizeof *e);
    e->op = op;
    e->type = type;
    e->n = n;
    e->kid = n ? pool_get(p, (size_t)n * sizeof *e->kid) : NULL;
    return e;
}

struct expr *unary(struct scope *s, enum op op, struct type type, struct expr *a)
{
    struct expr *e = expr_new(s->pool, op, type, 1);
    e->kid[0] = a;
    analyse(e);
    return e;
}

struct expr *binary(struct scope *s, enum op op, struct type type, struct expr *a, struct expr *b)
{
    struct expr *e = expr_new(s->pool, op, type, 2);
    e->kid[0] = a;
    e->kid[1] = b;
    analyse(e);
    return e;
}

bool class_has(enum class c, enum kind k)
{
    switch (c) {
    case class_bool: return k == k_bool;
    case class_int: return kind_is_int(k);
    case class_decimal: return k == k_dec;
    case class_float: return kind_is_float(k);
    case class_number: return kind_is_numeric(k);
    case class_string: return k == k_str;
    case class_date: return k == k_date;
    case class_time: return k == k_ts;
    case class_zoned: return k == k_ltz;
    case class_clock: return k == k_clock;
    default: return k == k_bytes;
    }
}

static const struct leaf *find_leaf(struct scope *s, enum class c)
{
    const struct leaf *found[max_leaves];
    uint32_t n = 0;
    for (int i = 0; i < s->n; i++) {
        const struct expr *e = s->leaf[i].expr;
        if (!class_has(c, e->type.kind) || (s->exact && e->inexact) ||
            (!s->allow_fail && e->may_fail))
            continue;
        found[n++] = &s->leaf[i];
    }
    return n ? found[rng_below(s->shape, n)] : NULL;
}

struct expr *pick_leaf(struct scope *s, enum class c)
{
    const struct leaf *l = find_leaf(s, c);
    return l ? l->expr : NULL;
}

/* A literal's value may be any between bounds that the shape decides. */
static struct expr *bounded(struct scope *s, struct type type, i128 lo, i128 hi)
{
    struct expr *e = expr_new(s->pool, op_const, type, 0);
    if (lo < type_min(type)) lo = type_min(type);
    if (hi > type_max(type)) hi = type_max(type);
    e->lo = lo;
    e->hi = hi;
    e->not_null = true;
    e->value.x = rng_between(s->constant, lo, hi);
    return e;
}

struct expr *generate_constant(struct scope *s, struct type type, const struct column *domain)
{
    struct column any = {.type = type, .hi = 9, .unit = 0.5, .ascii = true, .style = style_extreme};
    any.lo = type.kind == k_bool ? 0 : -9;
    if (type.kind == k_bool) any.hi = 1;
    if (type.kind == k_date) any.lo = 19000, any.hi = 19040;
    if (type.kind == k_ts || type.kind == k_ltz)
        any.lo = INT64_C(1700000000000), any.hi = any.lo + 36000000;
    if (type.kind == k_clock) any.lo = 0, any.hi = 86399999;
    if (kind_is_exact(type.kind) && rng_percent(s->shape, 15)) any.lo = -100, any.hi = 100;
    if (kind_is_exact(type.kind) && any.hi > type_max(type))
        any.hi = type_max(type), any.lo = -any.hi;
    if (!domain || !type_equal(domain->type, type)) domain = &any;
    if (kind_is_exact(type.kind) && (domain->hi > type_max(type) || domain->lo < type_min(type)))
        domain = &any;
    struct expr *e = expr_new(s->pool, op_const, type, 0);
    e->value = column_value(domain, s->constant, s->pool);
    if (e->value.d == 0) e->value.d = 0; /* no -0.0 */
    e->lo = domain->lo;
    e->hi = domain->hi;
    double far = (double)(i128_abs(domain->lo) > i128_abs(domain->hi) ? i128_abs(domain->lo)
                                                                      : i128_abs(domain->hi));
    e->largest = far * domain->unit;
    e->ascii = domain->ascii;
    e->max_length = 400;
    e->not_null = true;
    return e;
}

static struct expr *constant_of(struct scope *s, enum class c)
{
    const struct leaf *l = find_leaf(s, c);
    const struct column *domain = l && rng_percent(s->shape, 70) ? l->domain : NULL;
    struct type type;
    switch (c) {
    case class_bool: type = type_of(k_bool); break;
    case class_decimal: {
        static const struct {
            int p, s;
        } shapes[] = {{2, 1}, {4, 2}, {7, 3}, {12, 2}};
        uint32_t at = rng_below(s->shape, 4);
        type = type_decimal(shapes[at].p, shapes[at].s);
        break;
    }
    case class_float: type = type_of(rng_percent(s->shape, 20) ? k_f32 : k_f64); break;
    case class_string: type = type_of(k_str); break;
    case class_date: type = type_of(k_date); break;
    case class_time: type = type_of(k_ts); break;
    case class_zoned: type = type_of(k_ltz); break;
    case class_clock: type = type_of(k_clock); break;
    case class_bytes: type = type_of(k_bytes); break;
    default: type = type_of(rng_percent(s->shape, 20) ? k_i64 : k_i32);
    }
    return generate_constant(s, domain ? domain->type : type, domain);
}

static struct expr *simple(struct scope *s, enum class c)
{
    struct expr *e = rng_percent(s->shape, 85) ? pick_leaf(s, c) : NULL;
    if (e) return e;
    if (c == class_number) c = rng_percent(s->shape, 70) ? class_int : class_float;
    return constant_of(s, c);
}

/* E if the scope can use it, else something simple. */
static struct expr *checked(struct scope *s, struct expr *e, enum class c)
{
    bool wrong = (e->may_fail && !s->allow_fail) || (e->inexact && s->exact);
    if (e->type.kind == k_f32 && e->largest > 1e30) wrong = true;
    if (e->type.kind == k_f64 && e->largest > 1e250) wrong = true;
    if (e->type.kind == k_str && e->max_length > 4000) wrong = true;
    return wrong ? simple(s, c) : e;
}

static struct expr *safe_expr(struct scope *s, enum class c, int depth)
{
    bool before = s->allow_fail;
    s->allow_fail = false;
    struct expr *e = generate_expr(s, c, depth);
    s->allow_fail = before;
    return e;
}

static struct expr *exact_expr(struct scope *s, enum class c, int depth)
{
    bool before = s->exact;
    s->exact = true;
    struct expr *e = generate_expr(s, c, depth);
    s->exact = before;
    return e;
}

/* A divisor that is not 0, or NULL where it would be, or, where failing is allowed, anything. */
static struct expr *divisor(struct scope *s, enum class c, int depth)
{
    uint32_t luck = rng_below(s->shape, 100);
    if (c != class_float && s->allow_fail && luck < 50) return generate_expr(s, c, depth);
    if (c == class_float) {
        struct expr *e =
            expr_new(s->pool, op_const, type_of(rng_percent(s->shape, 25) ? k_f32 : k_f64), 0);
        e->value.d = (double)rng_between(s->constant, 1, 40) * 0.25;
        e->largest = 10;
        e->not_null = true;
        return e;
    }
    struct type type = c == class_int ? type_of(luck < 80 ? k_i32 : k_i64) : type_decimal(4, 2);
    i128 smallest = 1 + (luck & 1);
    return bounded(s, type, smallest, smallest + rng_below(s->shape, 20) * 5);
}

/* Digits before the point of the wider one, behind it of the finer one. */
static int digits_of_both(struct type x, struct type y)
{
    struct type a = as_decimal(x), b = as_decimal(y);
    int whole = a.p - a.s > b.p - b.s ? a.p - a.s : b.p - b.s;
    return whole + (a.s > b.s ? a.s : b.s);
}

static struct expr *arithmetic(struct scope *s, enum class c, int depth)
{
    static const enum op ops[] = {op_add, op_sub, op_mul, op_add, op_sub, op_mul, op_div, op_mod};
    uint32_t pick = rng_below(s->shape, 8);
    enum op op = ops[pick];
    if (op == op_mod && c == class_float) op = op_mul;
    enum class left = c, right = c;
    if (c == class_decimal && rng_percent(s->shape, 30)) right = class_int;
    if (c == class_float && rng_percent(s->shape, 30)) left = class_int;
    struct expr *a = generate_expr(s, left, depth - 1);
    struct expr *b = op == op_div || op == op_mod ? divisor(s, right, depth - 1)
                                                  : generate_expr(s, right, depth - 1);
    if (op != op_div && op != op_mod && rng_percent(s->shape, 30)) {
        struct expr *swap = a;
        a = b;
        b = swap;
    }
    static const enum arithmetic as[] = {[op_add] = ar_add,
                                         [op_sub] = ar_sub,
                                         [op_mul] = ar_mul,
                                         [op_div] = ar_div,
                                         [op_mod] = ar_mod};
    struct type type = arithmetic_type(as[op], a->type, b->type);
    if (!class_has(c, type.kind)) return simple(s, c);
    bool sum = op == op_add || op == op_sub;
    if (sum && (type.s < a->type.s || type.s < b->type.s))
        return simple(s, c); /* see docs/decimal.md */
    if (op == op_mod && type.kind == k_dec && digits_of_both(a->type, b->type) > 38)
        return simple(s, c); /* likewise */
    if (kind_is_float(type.kind) && op == op_div && b->op != op_const) return simple(s, c);
    return checked(s, binary(s, op, type, a, b), c);
}

static struct type cast_target(struct scope *s, enum class c)
{
    static const enum kind ints[] = {k_i8, k_i16, k_i32, k_i64, k_i64};
    if (c == class_decimal)
        return type_decimal(rng_percent(s->shape, 50) ? 20 : 9, (int)rng_below(s->shape, 6));
    if (c == class_float) return type_of(rng_percent(s->shape, 75) ? k_f64 : k_f32);
    return type_of(ints[rng_below(s->shape, 5)]);
}

/* CAST or TRY_CAST to a numeric class. */
static struct expr *numeric_cast(struct scope *s, enum class c, int depth)
{
    struct type to = cast_target(s, c);
    static const enum class sources[] = {class_int,   class_int,    class_decimal,
                                         class_float, class_string, class_bool};
    enum class from = sources[rng_below(s->shape, 6)];
    if (from == class_bool && c != class_int) from = class_int;
    if (from == class_float && c == class_decimal)
        from = class_int; /* rounding of binary fractions */
    struct expr *k = from == class_string || from == class_bool ? safe_expr(s, from, 0)
                                                                : exact_expr(s, from, depth - 1);
    bool try = from == class_string || rng_percent(s->shape, 30);
    if (from == class_string && (s->allow_fail && rng_percent(s->shape, 30))) try = false;
    if (from == class_string && (!k->ascii || k->op == op_const)) return simple(s, c);
    return checked(s, unary(s, try ? op_try_cast : op_cast, to, k), c);
}

/* What CASE x WHEN compares: a column. */
static struct expr *case_operand(struct scope *s)
{
    static const enum class classes[] = {class_int, class_string, class_date, class_decimal};
    bool before = s->exact;
    s->exact = true;
    struct expr *e = pick_leaf(s, classes[rng_below(s->shape, 4)]);
    s->exact = before;
    return e;
}

struct expr *generate_case(struct scope *s, enum class c, int depth)
{
    int branches = 1 + (int)rng_below(s->shape, 2),
        n = branches * 2 + (rng_percent(s->shape, 75) ? 1 : 0);
    struct expr *kid[5], *operand = rng_percent(s->shape, 20) ? case_operand(s) : NULL;
    struct type type = {0};
    for (int i = 0; i < n; i++) {
        if (i % 2 == 0 && i < branches * 2) {
            kid[i] = operand ? binary(s, op_eq, type_of(k_bool), operand, literal_for(s, operand))
                             : generate_bool(s, depth - 1);
            continue;
        }
        kid[i] = generate_expr(s, c, depth - 1);
        if (i == 1) type = kid[1]->type;
        if (!common_type(type, kid[i]->type, &type)) return simple(s, c);
    }
    struct expr *e = expr_new(s->pool, op_case, type, n);
    memcpy(e->kid, kid, (size_t)n * sizeof *kid);
    e->param = operand != NULL;
    analyse(e);
    return checked(s, e, c);
}

static struct expr *choice(struct scope *s, enum class c, int depth)
{
    bool nullif = rng_percent(s->shape, 35);
    struct expr *a = nullif ? exact_expr(s, c, depth - 1) : generate_expr(s, c, depth - 1);
    struct expr *b = nullif ? exact_expr(s, c, depth - 1) : generate_expr(s, c, depth - 1);
    struct type type;
    if (!common_type(a->type, b->type, &type)) return simple(s, c);
    if (nullif && (a->may_fail || b->may_fail || !type_equal(a->type, b->type)))
        return simple(s, c);
    return checked(s, binary(s, nullif ? op_nullif : op_coalesce, nullif ? a->type : type, a, b),
                   c);
}

static struct expr *argument(struct scope *s, char letter, int depth)
{
    struct expr *e = NULL;
    switch (letter) {
    case 's':
    case 'a': e = safe_expr(s, class_string, depth); return letter == 'a' && !e->ascii ? NULL : e;
    case 'n': return bounded(s, type_of(k_i32), 1, 5);
    case 'l':
        e = safe_expr(s, class_int, depth);
        return e->type.kind == k_i64 ? e : unary(s, op_cast, type_of(k_i64), e);
    case 'i': e = safe_expr(s, class_int, depth); return e->lo > type_min(e->type) ? e : NULL;
    case 'x': return safe_expr(s, class_decimal, depth);
    case 'd': e = safe_expr(s, class_float, depth); return e->type.kind == k_f64 ? e : NULL;
    case 'D': return safe_expr(s, class_date, depth);
    case 'p': return safe_expr(s, class_bool, depth > 0 ? 1 : 0);
    case 'Z': return safe_expr(s, class_zoned, depth);
    case 'C': return safe_expr(s, class_clock, depth);
    case 'B': return safe_expr(s, class_bytes, depth);
    default: return safe_expr(s, class_time, depth);
    }
}

/* ROUND of a DECIMAL: one more digit before the point where digits behind it go away. */
static struct type round_type(struct type t, int digits)
{
    return digits >= t.s ? t : type_decimal(1 + t.p - t.s + digits, digits);
}

static bool result_type(const struct function *f, const struct expr *first, struct type *out)
{
    switch (f->result) {
    case 's':
    case 'a': *out = type_of(k_str); return true;
    case 'i': *out = type_of(k_i32); return true;
    case 'l': *out = type_of(k_i64); return true;
    case 'd': *out = type_of(k_f64); return true;
    case 'D': *out = type_of(k_date); return true;
    case 'T': *out = type_of(k_ts); return true;
    case 'Z': *out = type_of(k_ltz); return true;
    case 'C': *out = type_of(k_clock); return true;
    case 'B': *out = type_of(k_bytes); return true;
    case 'b': *out = type_of(k_bool); return true;
    case 'r':
    case 'R':
        *out = first ? round_type(first->type, f->result == 'r') : type_of(k_dec);
        return true;
    case 'w': *out = first ? type_decimal(first->type.p, 0) : type_of(k_dec); return true;
    default:
        *out = first ? first->type : type_of(f->arguments[0] == 'x' ? k_dec : k_i32);
        return true;
    }
}

struct expr *generate_call(struct scope *s, enum class c, int depth)
{
    int found[256], n = 0;
    for (int i = 0; i < function_count; i++) {
        struct type type;
        if (result_type(&functions[i], NULL, &type) && class_has(c, type.kind)) found[n++] = i;
    }
    if (n == 0) return simple(s, c);
    int at = found[rng_below(s->shape, (uint32_t)n)];
    const struct function *f = &functions[at];
    int count = (int)strlen(f->arguments);
    struct expr *e = expr_new(s->pool, op_call, type_of(k_bool), count);
    e->param = at;
    for (int i = 0; i < count; i++) {
        e->kid[i] = argument(s, f->arguments[i], depth - 1);
        if (!e->kid[i]) return simple(s, c);
    }
    result_type(f, e->kid[0], &e->type);
    analyse(e);
    return checked(s, e, c);
}

static struct expr *to_string(struct scope *s, int depth)
{
    static const enum class from[] = {class_int,  class_int,  class_decimal, class_date,
                                      class_time, class_bool, class_zoned,   class_clock};
    struct expr *k = safe_expr(s, from[rng_below(s->shape, 8)], depth - 1);
    return checked(s, unary(s, op_cast, type_of(k_str), k), class_string);
}

/* A text column as DATE, TIMESTAMP or BOOLEAN: mostly NULL or a failure, now and then a value. */
struct expr *cast_of_text(struct scope *s, struct type to)
{
    struct expr *k = pick_leaf(s, class_string);
    if (!k || !k->ascii) return NULL;
    bool try = !s->allow_fail || rng_percent(s->shape, 70);
    return unary(s, try ? op_try_cast : op_cast, to, k);
}

static struct expr *to_time(struct scope *s, enum class c, int depth)
{
    struct expr *text = rng_percent(s->shape, 30)
                            ? cast_of_text(s, type_of(c == class_date ? k_date : k_ts))
                            : NULL;
    if (text) return text;
    bool zoned = rng_percent(s->shape, 25);
    struct expr *k = safe_expr(s,
                               zoned             ? class_zoned
                               : c == class_date ? class_time
                                                 : class_date,
                               depth - 1);
    return unary(s, op_cast, type_of(c == class_date ? k_date : k_ts), k);
}

/* What becomes a TIMESTAMP_LTZ, a TIME or BYTES by a cast. */
static struct expr *to_other(struct scope *s, enum class c, int depth)
{
    if (c == class_bytes)
        return unary(s, op_cast, type_of(k_bytes), safe_expr(s, class_string, depth - 1));
    bool zoned = c == class_clock && rng_percent(s->shape, 30);
    struct expr *k = safe_expr(s, zoned ? class_zoned : class_time, depth - 1);
    return unary(s, op_cast, type_of(c == class_clock ? k_clock : k_ltz), k);
}

static struct expr *generate_number(struct scope *s, enum class c, int depth)
{
    uint32_t luck = rng_below(s->shape, 100);
    if (luck < 55) return arithmetic(s, c, depth);
    if (luck < 62) {
        struct expr *k = generate_expr(s, c, depth - 1);
        return checked(s, unary(s, op_neg, k->type, k), c);
    }
    if (luck < 74) return numeric_cast(s, c, depth);
    if (luck < 84) return generate_case(s, c, depth);
    if (luck < 90) return choice(s, c, depth);
    return generate_call(s, c, depth);
}

struct expr *generate_expr(struct scope *s, enum class c, int depth)
{
    if (c == class_bool) return generate_bool(s, depth);
    if (depth <= 0 || rng_percent(s->shape, 20)) return simple(s, c);
    if (c == class_number) {
        uint32_t luck = rng_below(s->shape, 10);
        c = luck < 5 ? class_int : luck < 7 ? class_decimal : class_float;
    }
    if (c == class_int || c == class_decimal || c == class_float)
        return generate_number(s, c, depth);
    uint32_t luck = rng_below(s->shape, 100);
    if (luck < 25) return generate_case(s, c, depth);
    if (luck < 35) return choice(s, c, depth);
    if (luck < 50)
        return c == class_string ? to_string(s, depth)
               : c > class_time  ? to_other(s, c, depth)
                                 : to_time(s, c, depth);
    return generate_call(s, c, depth);
}

struct expr *generate_any(struct scope *s, int depth)
{
    enum class c = class_bool;
    for (int i = 0; i < 4; i++) {
        c = (enum class)rng_below(s->shape, class_count);
        if (pick_leaf(s, c)) break;
    }
    return generate_expr(s, c, depth);
}
