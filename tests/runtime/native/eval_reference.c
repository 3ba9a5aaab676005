/* The naive interpreter: see eval_reference.h. */
#include "tests/runtime/native/eval_reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct context {
    const struct ref_run *r;
    uint32_t row;
    int64_t build[4]; /* -1: none */
    int64_t ord[16];
    bool known[REF_MAX_REGS];
    struct ref_value reg[REF_MAX_REGS];
};

static struct ref_value eval(struct context *c, uint32_t reg);

/* ---- decimal digits, the least first ---- */

#define DIGITS 240
struct big {
    bool neg;
    int8_t d[DIGITS];
};

static struct big big_of(weir_i128 x)
{
    struct big b = {.neg = x < 0};
    weir_u128 u = x < 0 ? -(weir_u128)x : (weir_u128)x;
    for (int i = 0; u; i++, u /= 10) b.d[i] = (int8_t)(u % 10);
    return b;
}

static int big_len(const struct big *b)
{
    int n = DIGITS;
    while (n && !b->d[n - 1]) n--;
    return n;
}

static int big_cmp_abs(const struct big *a, const struct big *b)
{
    for (int i = DIGITS - 1; i >= 0; i--)
        if (a->d[i] != b->d[i]) return a->d[i] < b->d[i] ? -1 : 1;
    return 0;
}

static struct big big_shift(const struct big *a, int by)
{
    struct big r = {.neg = a->neg};
    for (int i = 0; i < DIGITS; i++)
        if (i + by >= 0 && i + by < DIGITS) r.d[i + by] = a->d[i];
    return r;
}

static void big_sub_abs(struct big *a, const struct big *b) /* |a| >= |b| */
{
    int borrow = 0;
    for (int i = 0; i < DIGITS; i++) {
        int x = a->d[i] - b->d[i] - borrow;
        borrow = x < 0;
        a->d[i] = (int8_t)(x + 10 * borrow);
    }
}

static void big_add_abs(struct big *a, const struct big *b)
{
    int carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        int x = a->d[i] + b->d[i] + carry;
        carry = x > 9;
        a->d[i] = (int8_t)(x - 10 * carry);
    }
}

static struct big big_add(struct big a, struct big b)
{
    if (a.neg == b.neg) {
        big_add_abs(&a, &b);
        return a;
    }
    if (big_cmp_abs(&a, &b) < 0) {
        struct big t = a;
        a = b;
        b = t;
    }
    big_sub_abs(&a, &b);
    return a;
}

static struct big big_mul(const struct big *a, const struct big *b)
{
    struct big r = {.neg = a->neg != b->neg};
    int n = big_len(b);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < b->d[i]; k++) {
            struct big s = big_shift(a, i);
            big_add_abs(&r, &s);
        }
    return r;
}

/* |a| / |b|, truncated, with the sign of the quotient; *rem with the sign of a. */
static struct big big_div(const struct big *a, const struct big *b, struct big *rem)
{
    struct big q = {.neg = a->neg != b->neg};
    *rem = *a;
    for (int i = DIGITS - big_len(b); i >= 0; i--) {
        struct big s = big_shift(b, i);
        if (big_len(&s) < big_len(b)) continue;
        while (big_cmp_abs(rem, &s) >= 0) {
            big_sub_abs(rem, &s);
            q.d[i]++;
        }
    }
    return q;
}

/* Drop K digits, rounding half away from zero. */
static struct big big_round(const struct big *a, int k)
{
    struct big r = big_shift(a, -k), one = {.d = {1}};
    if (k > 0 && a->d[k - 1] >= 5) big_add_abs(&r, &one);
    return r;
}

static weir_i128 exact(const struct weir_value *v)
{
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: return v->b;
    case WEIR_PHYS_I128: return v->x;
    default: return v->i;
    }
}

static void set_exact(struct weir_value *v, weir_i128 x)
{
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: v->b = x != 0; break;
    case WEIR_PHYS_I128: v->x = x; break;
    default: v->i = (int64_t)x;
    }
}

/* B as a DECIMAL of V's type. */
static uint8_t set_big(struct weir_value *v, const struct big *b)
{
    if (big_len(b) > v->type.precision) return WK_ERR_OVERFLOW;
    weir_i128 x = 0;
    for (int i = big_len(b) - 1; i >= 0; i--) x = x * 10 + b->d[i];
    set_exact(v, b->neg ? -x : x);
    return WK_VALID;
}

/* ---- operators on valid values ---- */

static uint8_t decimal_op(int op, const struct weir_value *x, const struct weir_value *y,
                          struct weir_value *out)
{
    struct big a = big_of(exact(x)), b = big_of(exact(y)), r, rem;
    int s = out->type.scale, sa = x->type.scale, sb = y->type.scale;
    switch (op) {
    case WEIR_OP_ADD: r = big_add(a, b); break;
    case WEIR_OP_NEG: b = a; memset(&a, 0, sizeof a); /* fall through */
    case WEIR_OP_SUB:
        b.neg = !b.neg;
        r = big_add(a, b);
        break;
    case WEIR_OP_MUL:
        r = big_mul(&a, &b);
        r = big_round(&r, sa + sb - s);
        break;
    default:
        if (big_len(&b) == 0) return WK_ERR_DIV_ZERO;
        if (op == WEIR_OP_MOD) {
            big_div(&a, &b, &rem);
            r = rem;
        } else {
            int m = s + sb - sa;
            if (m >= 0)
                a = big_shift(&a, m + 1);
            else
                b = big_shift(&b, -m), a = big_shift(&a, 1);
            r = big_div(&a, &b, &rem);
            r = big_round(&r, 1);
        }
    }
    return set_big(out, &r);
}

static uint8_t integer_op(int op, weir_i128 x, weir_i128 y, struct weir_value *out)
{
    weir_i128 r;
    weir_i128 max = ((weir_i128)1 << (8 * weir_phys_size(weir_type_phys(out->type)) - 1)) - 1;
    if ((op == WEIR_OP_DIV || op == WEIR_OP_MOD) && y == 0) return WK_ERR_DIV_ZERO;
    switch (op) {
    case WEIR_OP_ADD: r = x + y; break;
    case WEIR_OP_SUB: r = x - y; break;
    case WEIR_OP_MUL: r = x * y; break;
    case WEIR_OP_DIV: r = x / y; break;
    case WEIR_OP_MOD: r = x % y; break;
    default: r = -x;
    }
    if (r > max || r < -max - 1) return WK_ERR_OVERFLOW;
    set_exact(out, r);
    return WK_VALID;
}

static double float_op(int op, double x, double y)
{
    switch (op) {
    case WEIR_OP_ADD: return x + y;
    case WEIR_OP_SUB: return x - y;
    case WEIR_OP_MUL: return x * y;
    case WEIR_OP_DIV: return x / y;
    case WEIR_OP_MOD: return fmod(x, y);
    default: return -x;
    }
}

static uint8_t arithmetic(int op, const struct weir_value *x, const struct weir_value *y,
                          struct weir_value *out)
{
    if (out->type.id == WEIR_TYPE_DECIMAL) return decimal_op(op, x, y, out);
    if (weir_type_is_float(out->type)) {
        out->f = float_op(op, x->f, y->f);
        if (out->type.id == WEIR_TYPE_FLOAT) out->f = (double)(float)out->f;
        return WK_VALID;
    }
    return integer_op(op, exact(x), exact(y), out);
}

int ref_compare(const struct weir_value *x, const struct weir_value *y)
{
    switch (weir_type_phys(x->type)) {
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64:
        if (isnan(x->f) || isnan(y->f)) return isnan(x->f) - isnan(y->f);
        return (x->f > y->f) - (x->f < y->f);
    case WEIR_PHYS_STR: {
        uint32_t n = x->s.len < y->s.len ? x->s.len : y->s.len;
        int c = n ? memcmp(x->s.data, y->s.data, n) : 0;
        return c ? (c > 0) - (c < 0) : (x->s.len > y->s.len) - (x->s.len < y->s.len);
    }
    default: return (exact(x) > exact(y)) - (exact(x) < exact(y));
    }
}

static bool holds(int op, int c)
{
    switch (op) {
    case WEIR_OP_EQ: return c == 0;
    case WEIR_OP_NE: return c != 0;
    case WEIR_OP_LT: return c < 0;
    case WEIR_OP_LE: return c <= 0;
    case WEIR_OP_GT: return c > 0;
    default: return c >= 0;
    }
}

static uint8_t cast(const struct weir_value *x, struct weir_value *out)
{
    struct weir_type f = x->type, t = out->type;
    if (weir_type_is_float(t)) {
        if (weir_type_is_float(f))
            out->f = x->f;
        else if (f.id == WEIR_TYPE_DECIMAL) {
            char text[64];
            char digits[48];
            weir_i128 v = exact(x);
            weir_u128 u = v < 0 ? -(weir_u128)v : (weir_u128)v;
            int n = 0;
            do digits[n++] = (char)('0' + (int)(u % 10));
            while (u /= 10);
            int k = 0;
            if (v < 0) text[k++] = '-';
            while (n) text[k++] = digits[--n];
            snprintf(text + k, sizeof text - (size_t)k, "e-%d", f.scale);
            out->f = t.id == WEIR_TYPE_FLOAT ? (double)strtof(text, NULL) : strtod(text, NULL);
        } else
            out->f = t.id == WEIR_TYPE_FLOAT ? (double)(float)exact(x) : (double)exact(x);
        if (t.id == WEIR_TYPE_FLOAT) out->f = (double)(float)out->f;
        return WK_VALID;
    }
    if (t.id == WEIR_TYPE_BOOLEAN) {
        out->b = weir_type_is_float(f) ? x->f != 0 : exact(x) != 0;
        return WK_VALID;
    }
    if (t.id == WEIR_TYPE_DECIMAL) {
        struct big b = big_of(exact(x));
        b = t.scale >= f.scale ? big_shift(&b, t.scale - f.scale)
                               : big_round(&b, f.scale - t.scale);
        return set_big(out, &b);
    }
    weir_i128 max = ((weir_i128)1 << (8 * weir_phys_size(weir_type_phys(t)) - 1)) - 1, v;
    if (weir_type_is_float(f)) {
        if (!(x->f > -1e30 && x->f < 1e30)) return WK_ERR_OVERFLOW;
        v = (weir_i128)x->f;
    } else {
        v = exact(x);
        for (int k = 0; k < f.scale; k++) v /= 10;
    }
    if (v > max || v < -max - 1) return WK_ERR_OVERFLOW;
    set_exact(out, v);
    return WK_VALID;
}

static uint32_t char_size(struct weir_str s)
{
    uint32_t n = 1;
    while (n < s.len && (s.data[n] & 0xc0) == 0x80) n++;
    return n;
}

bool ref_like(struct weir_str s, struct weir_str p, struct weir_str esc)
{
    if (!p.len) return !s.len;
    uint32_t n = char_size(p);
    struct weir_str rest = {p.data + n, p.len - n};
    if (esc.len == n && rest.len && !memcmp(p.data, esc.data, n)) {
        n = char_size(rest);
        bool same = s.len >= n && !memcmp(s.data, rest.data, n);
        return same && ref_like((struct weir_str){s.data + n, s.len - n},
                                (struct weir_str){rest.data + n, rest.len - n}, esc);
    }
    if (*p.data == '%') {
        for (;;) {
            if (ref_like(s, rest, esc)) return true;
            if (!s.len) return false;
            uint32_t k = char_size(s);
            s.data += k, s.len -= k;
        }
    }
    if (!s.len) return false;
    uint32_t k = char_size(s);
    if (*p.data != '_' && (k != n || memcmp(s.data, p.data, n))) return false;
    return ref_like((struct weir_str){s.data + k, s.len - k}, rest, esc);
}

/* ---- instructions ---- */

static struct weir_value const_value(const struct weir_pipeline *p, const struct weir_const *c)
{
    struct weir_value v = {.type = c->type, .is_null = c->is_null};
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_BOOL: v.b = c->i != 0; break;
    case WEIR_PHYS_I128: v.x = (weir_i128)((weir_u128)c->w[1] << 64 | c->w[0]); break;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: v.f = c->f; break;
    case WEIR_PHYS_STR: v.s = (struct weir_str){weir_pipe_bytes(p) + c->off, c->len}; break;
    default: v.i = c->i;
    }
    return v;
}

static struct ref_value from_value(struct weir_value v, struct weir_type t)
{
    struct ref_value r = {.st = v.is_null ? WK_NULL : WK_VALID, .v = v};
    r.v.type = t;
    return r;
}

static struct ref_value column(struct context *c, const struct weir_insn *in)
{
    if (!in->table)
        return from_value(weir_column_value(&c->r->input->col[in->a], c->row), in->type);
    int64_t row = c->build[in->table - 1];
    if (row < 0) return (struct ref_value){.st = WK_NULL, .v.type = in->type};
    return from_value(weir_column_value(&c->r->build[in->table - 1]->col[in->a], (size_t)row),
                      in->type);
}

static struct ref_value logic(const struct weir_insn *in, struct ref_value x, struct ref_value y)
{
    bool decisive = in->op == WEIR_OP_OR;
    struct ref_value r = {.v.type = in->type};
    bool dx = !x.st && x.v.b == decisive, dy = !y.st && y.v.b == decisive;
    if (dx || dy) {
        r.v.b = decisive;
        return r;
    }
    r.st = x.st > y.st ? x.st : y.st;
    r.v.b = !decisive;
    return r;
}

static struct ref_value in_list(struct context *c, const struct weir_insn *in, struct ref_value x)
{
    struct ref_value r = {.st = x.st, .v.type = in->type};
    bool null = false;
    if (x.st) return r;
    for (uint32_t k = 0; k < in->c; k++) {
        struct weir_value v = const_value(c->r->p, weir_pipe_const(c->r->p) + in->b + k);
        null |= v.is_null;
        if (!v.is_null && ref_compare(&x.v, &v) == 0) r.v.b = true;
    }
    if (!r.v.b && null) r.st = WK_NULL;
    return r;
}

static struct ref_value like(struct context *c, const struct weir_insn *in, struct ref_value x)
{
    const struct weir_const *all = weir_pipe_const(c->r->p);
    struct ref_value r = {.st = x.st, .v.type = in->type};
    struct weir_value p = const_value(c->r->p, all + in->b), e = {.s = {"", 0}};
    if (in->c != WEIR_REG_NONE) e = const_value(c->r->p, all + in->c);
    if (!r.st && (p.is_null || e.is_null)) r.st = WK_NULL;
    if (!r.st) r.v.b = ref_like(x.v.s, p.s, e.s);
    return r;
}

/* The functions that the random programs call. */
static struct ref_value call(const struct weir_insn *in, const struct ref_value *a, int n)
{
    struct ref_value r = {.v.type = in->type};
    const char *name = weir_function_at(in->fn)->name;
    for (int k = 0; k < n; k++) r.st = a[k].st > r.st ? a[k].st : r.st;
    if (r.st) return r;
    if (!strcmp(name, "CHAR_LENGTH")) {
        for (uint32_t i = 0; i < a[0].v.s.len; i++) r.v.i += (a[0].v.s.data[i] & 0xc0) != 0x80;
    } else if (!strcmp(name, "ABS")) {
        if (weir_type_is_float(in->type))
            r.v.f = fabs(a[0].v.f);
        else if (exact(&a[0].v) < 0 && in->type.id == WEIR_TYPE_DECIMAL)
            set_exact(&r.v, -exact(&a[0].v)); /* no digits more */
        else if (exact(&a[0].v) < 0)
            r.st = arithmetic(WEIR_OP_NEG, &a[0].v, &a[0].v, &r.v);
        else
            r.v = a[0].v;
    } else if (!strcmp(name, "GREATEST")) {
        r.v = a[0].v;
        for (int k = 1; k < n; k++)
            if (ref_compare(&a[k].v, &r.v) > 0) r.v = a[k].v;
    } else {
        abort();
    }
    return r;
}

static struct ref_value strict(const struct weir_insn *in, const struct ref_value *a, int n)
{
    struct ref_value r = {.v.type = in->type};
    for (int k = 0; k < n; k++) r.st = a[k].st > r.st ? a[k].st : r.st;
    if (r.st) return r;
    switch (in->op) {
    case WEIR_OP_NOT: r.v.b = !a[0].v.b; break;
    case WEIR_OP_CAST: r.st = cast(&a[0].v, &r.v); break;
    case WEIR_OP_TRY_CAST: r.st = cast(&a[0].v, &r.v) ? WK_NULL : WK_VALID; break;
    default:
        if (in->op >= WEIR_OP_EQ && in->op <= WEIR_OP_GE)
            r.v.b = holds(in->op, ref_compare(&a[0].v, &a[1].v));
        else
            r.st = arithmetic(in->op, &a[0].v, &a[n - 1].v, &r.v);
    }
    return r;
}

static struct ref_value compute(struct context *c, uint32_t reg)
{
    const struct weir_insn *in = weir_pipe_insn(c->r->p) + reg;
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    struct ref_value a[WEIR_INSN_MAX_ARGS], r = {.v.type = in->type};
    int n = weir_insn_args(c->r->p, in, arg);
    for (int k = 0; k < n; k++) a[k] = eval(c, arg[k]);
    switch (in->op) {
    case WEIR_OP_COLUMN: return column(c, in);
    case WEIR_OP_CONST:
        return from_value(const_value(c->r->p, weir_pipe_const(c->r->p) + in->a), in->type);
    case WEIR_OP_EXPAND: r.v.i = c->ord[in->a]; return r;
    case WEIR_OP_AND:
    case WEIR_OP_OR: return logic(in, a[0], a[1]);
    case WEIR_OP_IS_NULL:
        r.st = a[0].st == WK_NULL ? WK_VALID : a[0].st;
        r.v.b = a[0].st == WK_NULL;
        return r;
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE:
        r.st = a[0].st == WK_NULL ? WK_VALID : a[0].st;
        r.v.b = a[0].st == WK_VALID && a[0].v.b == (in->op == WEIR_OP_IS_TRUE);
        return r;
    case WEIR_OP_SELECT:
        if (a[0].st > WK_NULL) {
            r.st = a[0].st;
            return r;
        }
        return a[0].st == WK_VALID && a[0].v.b ? a[1] : a[2];
    case WEIR_OP_IN: return in_list(c, in, a[0]);
    case WEIR_OP_LIKE: return like(c, in, a[0]);
    case WEIR_OP_CALL: return call(in, a, n);
    default: return strict(in, a, n);
    }
}

static struct ref_value eval(struct context *c, uint32_t reg)
{
    if (!c->known[reg]) {
        c->reg[reg] = compute(c, reg);
        c->reg[reg].v.is_null = c->reg[reg].st != WK_VALID;
        c->known[reg] = true;
    }
    return c->reg[reg];
}

/* ---- steps ---- */

static uint8_t run(const struct context *c, uint32_t step);

static uint8_t with_build(const struct context *c, uint32_t table, int64_t row, uint32_t step)
{
    struct context x = *c;
    memset(x.known, 0, sizeof x.known);
    x.build[table] = row;
    return run(&x, step);
}

static bool keys_match(struct context *c, const struct weir_step *s, const struct weir_batch *b,
                       uint32_t row)
{
    for (uint32_t k = 0; k < s->n; k++) {
        struct ref_value x = eval(c, weir_pipe_operand(c->r->p)[s->first + k]);
        struct weir_value y = weir_column_value(&b->col[k], row);
        y.type = x.v.type;
        if (x.st || y.is_null || ref_compare(&x.v, &y) != 0) return false;
    }
    return true;
}

static uint8_t probe(struct context *c, const struct weir_step *s, uint32_t i)
{
    const struct weir_batch *b = c->r->build[s->table];
    bool matched = false, null_key = false, null_build = false;
    uint8_t failed = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        struct ref_value x = eval(c, weir_pipe_operand(c->r->p)[s->first + k]);
        if (x.st > WK_NULL) return x.st;
        null_key |= x.st == WK_NULL;
    }
    for (uint32_t row = 0; row < b->n_rows; row++) {
        for (uint32_t k = 0; k < s->n; k++) null_build |= weir_column_is_null(&b->col[k], row);
        if (!keys_match(c, s, b, row)) continue;
        if (s->residual != WEIR_REG_NONE) {
            struct context x = *c;
            memset(x.known, 0, sizeof x.known);
            x.build[s->table] = row;
            struct ref_value v = eval(&x, s->residual);
            if (v.st > WK_NULL) failed = v.st;
            if (v.st > WK_NULL && s->join <= WEIR_JOIN_LEFT) return v.st;
            if (v.st || !v.v.b) continue;
        }
        matched = true;
        uint8_t st = s->join <= WEIR_JOIN_LEFT ? with_build(c, s->table, row, i + 1) : 0;
        if (st) return st;
    }
    switch (s->join) {
    case WEIR_JOIN_INNER: return 0;
    case WEIR_JOIN_LEFT: return matched ? 0 : with_build(c, s->table, -1, i + 1);
    default:
        if (!matched && failed) return failed;
        if (s->join == WEIR_JOIN_SEMI) return matched ? run(c, i + 1) : 0;
        if (s->join == WEIR_JOIN_ANTI_NULL && (null_build || (null_key && b->n_rows))) return 0;
        return matched ? 0 : run(c, i + 1);
    }
}

static uint8_t expand(const struct context *c, const struct weir_step *s, uint32_t i,
                      struct ref_value t)
{
    int64_t ordinal = 0;
    if (t.st > WK_NULL) return t.st;
    if (t.st) return 0;
    for (int64_t start = t.v.i - s->size_us + 1; start <= t.v.i; start++) {
        int64_t r = (start - s->offset_us) % s->slide_us;
        if (r) continue;
        struct context x = *c;
        memset(x.known, 0, sizeof x.known);
        x.ord[i] = ordinal++;
        uint8_t st = run(&x, i + 1);
        if (st) return st;
    }
    return 0;
}

/* Keys, then for each aggregate whether the row counts and the argument, which matters only then. */
static uint8_t aggregate(struct context *c, const struct weir_step *s, struct ref_value *out)
{
    const struct weir_pipe_agg *agg = weir_pipe_agg(c->r->p);
    const struct weir_value yes = {.type = weir_type_make(WEIR_TYPE_BOOLEAN), .b = true};
    uint8_t st = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        *out = eval(c, weir_pipe_operand(c->r->p)[s->first + k]);
        st = out->st > st ? out->st : st;
        out++;
    }
    for (uint32_t a = 0; a < c->r->p->n_aggs; a++, out += 2) {
        out[0] = out[1] = (struct ref_value){.v = yes};
        if (agg[a].filter != WEIR_REG_NONE) out[0] = eval(c, agg[a].filter);
        bool counts = !out[0].st && out[0].v.b;
        if (counts && agg[a].arg != WEIR_REG_NONE) out[1] = eval(c, agg[a].arg);
        for (int k = 0; k < 2; k++) st = out[k].st > st ? out[k].st : st;
    }
    return st > WK_NULL ? st : 0;
}

static uint8_t run(const struct context *from, uint32_t i)
{
    struct context *c = malloc(sizeof *c);
    *c = *from;
    const struct weir_step *s = weir_pipe_step(c->r->p) + i;
    uint8_t st = 0;
    struct ref_value v, out[32];
    switch (s->kind) {
    case WEIR_STEP_FILTER:
        v = eval(c, s->a);
        st = v.st > WK_NULL ? v.st : !v.st && v.v.b ? run(c, i + 1) : 0;
        break;
    case WEIR_STEP_PROBE: st = probe(c, s, i); break;
    case WEIR_STEP_EXPAND: st = expand(c, s, i, eval(c, s->a)); break;
    case WEIR_STEP_AGGREGATE:
        st = aggregate(c, s, out);
        if (!st) c->r->row(c->r->ctx, out, s->n + 2 * c->r->p->n_aggs);
        break;
    default:
        for (uint32_t k = 0; k < s->n && st <= WK_NULL; k++) {
            out[k] = eval(c, weir_pipe_operand(c->r->p)[s->first + k]);
            st = out[k].st;
        }
        st = st > WK_NULL ? st : 0;
        if (!st) c->r->row(c->r->ctx, out, s->n);
    }
    free(c);
    return st;
}

uint8_t ref_push(const struct ref_run *r, uint32_t row)
{
    struct context c = {.r = r, .row = row, .build = {-1, -1, -1, -1}};
    return run(&c, 0);
}
