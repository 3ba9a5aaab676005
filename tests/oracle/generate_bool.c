/* Random predicates, in three-valued logic; see generate.h. */

#include "generate.h"

#include <string.h>

static const char *const patterns[] = {"%",  "a%",    "%b",   "%o%",  "_",     "__",   "a_%",
                                       "",   "%a%b%", "foo%", "%r",   "f__b%", "%!%%", "a!_c",
                                       "ab", "%!_%",  "A%",   "%語%", "_é%",   "% %"};

struct expr *literal_for(struct scope *s, const struct expr *e)
{
    const struct column *domain = NULL;
    for (int i = 0; i < s->n; i++)
        if (s->leaf[i].expr == e) domain = s->leaf[i].domain;
    struct type type = e->type;
    if (kind_is_int(type.kind) && type.kind != k_i64 && rng_percent(s->shape, 80)) {
        /* INTEGER literals beside TINYINT columns are what people write. */
        struct expr *c = generate_constant(s, type, domain);
        c->type = type_of(k_i32);
        return c;
    }
    return generate_constant(s, type, domain);
}

static enum class class_of(struct type t) {
    for (int c = 0; c < class_count;
         c++) if (c != class_number && class_has((enum class)c, t.kind)) return (enum class)c;
    return class_number;
}

static struct expr *comparison(struct scope *s, int depth)
{
    static const enum op ops[] = {op_eq, op_eq, op_ne, op_lt, op_le, op_gt, op_ge, op_is_distinct};
    static const enum class classes[] = {class_int,   class_int,  class_number, class_decimal,
                                         class_float, class_date, class_string, class_string,
                                         class_time,  class_bool, class_zoned,  class_clock,
                                         class_bytes};
    enum class c = classes[rng_below(s->shape, 13)];
    if (!pick_leaf(s, c)) c = classes[rng_below(s->shape, 13)];
    enum op op = ops[rng_below(s->shape, 8)];
    struct expr *a = c == class_bool ? generate_bool(s, depth - 1) : generate_expr(s, c, depth - 1),
                *b;
    if (rng_percent(s->shape, 60)) {
        b = literal_for(s, a);
    } else {
        b = c == class_bool
                ? generate_bool(s, depth - 1)
                : generate_expr(s, c == class_number ? c : class_of(a->type), depth - 1);
    }
    struct type type;
    if (!common_type(a->type, b->type, &type)) b = literal_for(s, a);
    if (op == op_is_distinct && (a->may_fail || b->may_fail)) op = op_ne;
    if (c == class_bool && op != op_is_distinct && op != op_ne) op = op_eq;
    return binary(s, op, type_of(k_bool), a, b);
}

static struct expr *safe_operand(struct scope *s, int depth)
{
    static const enum class classes[] = {class_int,   class_string, class_decimal, class_date,
                                         class_time,  class_int,    class_zoned,   class_clock,
                                         class_bytes, class_int};
    bool before = s->allow_fail;
    s->allow_fail = false;
    enum class c = classes[rng_below(s->shape, 10)];
    if (!pick_leaf(s, c)) c = classes[rng_below(s->shape, 10)];
    struct expr *e = generate_expr(s, c, depth - 1);
    s->allow_fail = before;
    return e;
}

static struct expr *in_list(struct scope *s, int depth)
{
    int n = 2 + (int)rng_below(s->shape, 4);
    struct expr *e =
        expr_new(s->pool, rng_percent(s->shape, 30) ? op_not_in : op_in, type_of(k_bool), n);
    e->kid[0] = safe_operand(s, depth);
    for (int i = 1; i < n; i++) e->kid[i] = literal_for(s, e->kid[0]);
    if (rng_percent(s->shape, 10)) e->kid[n - 1]->value = (struct value){.null = true};
    analyse(e);
    return e;
}

static struct expr *between(struct scope *s, int depth)
{
    struct expr *e = expr_new(s->pool, op_between, type_of(k_bool), 3);
    e->kid[0] = safe_operand(s, depth);
    e->kid[1] = literal_for(s, e->kid[0]);
    e->kid[2] = literal_for(s, e->kid[0]);
    analyse(e);
    return e;
}

static struct expr *like(struct scope *s, int depth)
{
    bool before = s->allow_fail;
    s->allow_fail = false;
    struct expr *pattern = expr_new(s->pool, op_const, type_of(k_str), 0);
    pattern->value.s = patterns[rng_below(s->constant, sizeof patterns / sizeof *patterns)];
    pattern->value.length = strlen(pattern->value.s);
    pattern->not_null = true;
    struct expr *e =
        binary(s, op_like, type_of(k_bool), generate_expr(s, class_string, depth - 1), pattern);
    e->param = rng_percent(s->shape, 25);
    s->allow_fail = before;
    return e;
}

static struct expr *null_test(struct scope *s, int depth)
{
    static const enum op tests[] = {op_is_true, op_is_not_true, op_is_false};
    if (rng_percent(s->shape, 30))
        return unary(s, tests[rng_below(s->shape, 3)], type_of(k_bool),
                     generate_bool(s, depth - 1));
    bool before = s->exact;
    s->exact = false;
    struct expr *k = generate_any(s, depth - 1);
    s->exact = before;
    struct expr *e =
        unary(s, rng_percent(s->shape, 50) ? op_is_null : op_is_not_null, type_of(k_bool), k);
    e->inexact = false;
    return e;
}

struct expr *generate_bool(struct scope *s, int depth)
{
    bool before = s->exact;
    s->exact = true;
    struct expr *e = NULL;
    uint32_t luck = rng_below(s->shape, 100);
    if (depth <= 0 && luck < 40) e = pick_leaf(s, class_bool);
    if (!e && depth > 0 && luck < 30) {
        struct expr *a = generate_bool(s, depth - 1), *b = generate_bool(s, depth - 1);
        e = binary(s, luck < 16 ? op_and : op_or, type_of(k_bool), a, b);
    } else if (!e && depth > 0 && luck < 37) {
        e = unary(s, op_not, type_of(k_bool), generate_bool(s, depth - 1));
    } else if (!e && luck < 45) {
        e = null_test(s, depth);
    } else if (!e && luck < 53) {
        e = in_list(s, depth);
    } else if (!e && luck < 59) {
        e = between(s, depth);
    } else if (!e && luck < 67) {
        e = like(s, depth);
    } else if (!e && depth > 1 && luck < 71) {
        e = generate_case(s, class_bool, depth);
    } else if (!e && luck < 75) {
        e = pick_leaf(s, class_bool);
    } else if (!e && luck < 77) {
        e = cast_of_text(s, type_of(k_bool));
    } else if (!e && depth > 0 && luck < 78) {
        e = generate_call(s, class_bool, depth);
    } else if (!e && luck < 80) {
        bool allowed = s->allow_fail;
        s->allow_fail = false;
        e = unary(s, op_cast, type_of(k_bool), generate_expr(s, class_int, depth - 1));
        s->allow_fail = allowed;
    }
    if (!e) e = comparison(s, depth);
    s->exact = before;
    return e;
}
