/* Every register is computed anew from its operands whenever somebody asks for it, in 128-bit
   integers or doubles; joins compare the key with every build row. Slow and hard to get wrong. */
#include "naive.h"

#include <math.h>
#include <string.h>

struct value {
    uint8_t st;
    weir_i128 i;
    double f;
    struct weir_str s;
};

struct ctx {
    const struct weir_pipeline *p;
    const struct weir_join_table *const *tables;
    const struct weir_batch *batch;
    uint32_t row;
    int64_t build[8];   /* row of each build table, -1: none */
    int64_t ordinal[8]; /* of each EXPAND step */
    struct weir_builder *b;
    struct weir_groups *g;
    struct weir_error *err;
};

static struct value eval(const struct ctx *c, uint32_t reg);

static enum weir_phys phys(const struct ctx *c, uint32_t reg)
{
    return weir_type_phys(weir_pipe_insn(c->p)[reg].type);
}
static bool is_float(enum weir_phys p)
{
    return p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
}

static struct value of_weir(const struct weir_value *v)
{
    struct value r = {.st = v->is_null};
    if (v->is_null) return r;
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: r.i = v->b; break;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: r.f = v->f; break;
    case WEIR_PHYS_STR: r.s = v->s; break;
    case WEIR_PHYS_I128: r.i = v->x; break;
    default: r.i = v->i;
    }
    return r;
}

static struct value of_const(const struct ctx *c, const struct weir_const *k)
{
    struct value r = {.st = k->is_null != 0};
    enum weir_phys p = weir_type_phys(k->type);
    if (k->is_null) return r;
    if (is_float(p))
        r.f = k->f;
    else if (p == WEIR_PHYS_STR)
        r.s = (struct weir_str){weir_pipe_bytes(c->p) + k->off, k->len};
    else if (p == WEIR_PHYS_I128)
        r.i = (weir_i128)((weir_u128)k->w[1] << 64 | k->w[0]);
    else
        r.i = k->i;
    return r;
}

static int cmp(enum weir_phys p, const struct value *a, const struct value *b)
{
    if (is_float(p)) {
        if (isnan(a->f) || isnan(b->f)) return !!isnan(a->f) - !!isnan(b->f);
        return (a->f > b->f) - (a->f < b->f);
    }
    if (p == WEIR_PHYS_STR) {
        int k = memcmp(a->s.data, b->s.data, a->s.len < b->s.len ? a->s.len : b->s.len);
        return k ? k : (a->s.len > b->s.len) - (a->s.len < b->s.len);
    }
    return (a->i > b->i) - (a->i < b->i);
}

static bool fits(struct weir_type t, weir_i128 v)
{
    if (t.id == WEIR_TYPE_DECIMAL)
        return v < weir_pow10_i128[t.precision] && v > -weir_pow10_i128[t.precision];
    int bits = weir_type_phys(t) == WEIR_PHYS_I8    ? 7
               : weir_type_phys(t) == WEIR_PHYS_I16 ? 15
               : weir_type_phys(t) == WEIR_PHYS_I32 ? 31
                                                    : 63;
    return v < (weir_i128)1 << bits && v >= -((weir_i128)1 << bits);
}

/* Half away from zero. */
static weir_i128 div_round(weir_i128 a, weir_i128 b)
{
    weir_i128 q = a / b, r = a % b;
    if ((r < 0 ? -r : r) * 2 >= (b < 0 ? -b : b)) q += (a < 0) == (b < 0) ? 1 : -1;
    return q;
}

static struct value arithmetic(const struct ctx *c, const struct weir_insn *in)
{
    struct value a = eval(c, in->a), b = {0}, r = {0};
    if (in->op != WEIR_OP_NEG) b = eval(c, in->b);
    r.st = a.st > b.st ? a.st : b.st;
    if (r.st) return r;
    enum weir_phys p = weir_type_phys(in->type);
    if (is_float(p)) {
        switch (in->op) {
        case WEIR_OP_ADD: r.f = a.f + b.f; break;
        case WEIR_OP_SUB: r.f = a.f - b.f; break;
        case WEIR_OP_MUL: r.f = a.f * b.f; break;
        case WEIR_OP_DIV: r.f = a.f / b.f; break;
        case WEIR_OP_MOD: r.f = fmod(a.f, b.f); break;
        default: r.f = -a.f;
        }
        if (p == WEIR_PHYS_F32) r.f = (double)(float)r.f;
        return r;
    }
    int sa = weir_pipe_insn(c->p)[in->a].type.scale;
    int sb = in->op == WEIR_OP_NEG ? 0 : weir_pipe_insn(c->p)[in->b].type.scale;
    if ((in->op == WEIR_OP_DIV || in->op == WEIR_OP_MOD) && b.i == 0) {
        r.st = WK_ERR_DIV_ZERO;
        return r;
    }
    switch (in->op) {
    case WEIR_OP_ADD: r.i = a.i + b.i; break;
    case WEIR_OP_SUB: r.i = a.i - b.i; break;
    case WEIR_OP_MUL:
        r.i = a.i * b.i;
        if (sa + sb > in->type.scale)
            r.i = div_round(r.i, weir_pow10_i128[sa + sb - in->type.scale]);
        break;
    case WEIR_OP_DIV:
        r.i = in->type.id == WEIR_TYPE_DECIMAL
                  ? div_round(a.i * weir_pow10_i128[in->type.scale + sb - sa], b.i)
                  : a.i / b.i;
        break;
    case WEIR_OP_MOD: r.i = a.i % b.i; break;
    default: r.i = -a.i;
    }
    if (!fits(in->type, r.i)) r.st = WK_ERR_OVERFLOW;
    return r;
}

static struct value comparison(const struct ctx *c, const struct weir_insn *in)
{
    struct value a = eval(c, in->a), b = eval(c, in->b), r = {0};
    r.st = a.st > b.st ? a.st : b.st;
    if (r.st) return r;
    int k = cmp(phys(c, in->a), &a, &b);
    switch (in->op) {
    case WEIR_OP_EQ: r.i = k == 0; break;
    case WEIR_OP_NE: r.i = k != 0; break;
    case WEIR_OP_LT: r.i = k < 0; break;
    case WEIR_OP_LE: r.i = k <= 0; break;
    case WEIR_OP_GT: r.i = k > 0; break;
    default: r.i = k >= 0;
    }
    return r;
}

static struct value logic(const struct ctx *c, const struct weir_insn *in)
{
    struct value a = eval(c, in->a), b, r = {0};
    switch (in->op) {
    case WEIR_OP_NOT: a.i = !a.i; return a;
    case WEIR_OP_IS_NULL: r.i = a.st == WK_NULL; break;
    case WEIR_OP_IS_TRUE: r.i = !a.st && a.i; break;
    case WEIR_OP_IS_FALSE: r.i = !a.st && !a.i; break;
    default: {
        weir_i128 wins = in->op == WEIR_OP_OR;
        b = eval(c, in->b);
        r.i = !wins;
        if ((!a.st && a.i == wins) || (!b.st && b.i == wins))
            r.i = wins;
        else
            r.st = a.st > b.st ? a.st : b.st;
        return r;
    }
    }
    r.st = a.st == WK_NULL ? 0 : a.st;
    return r;
}

static struct value cast(const struct ctx *c, const struct weir_insn *in)
{
    struct value a = eval(c, in->a);
    struct weir_type from = weir_pipe_insn(c->p)[in->a].type, to = in->type;
    if (a.st) return a;
    bool bad = false, f = weir_type_is_float(from);
    if (to.id == WEIR_TYPE_BOOLEAN) {
        a.i = f ? a.f != 0 : a.i != 0;
    } else if (f && weir_type_is_integer(to)) {
        int bits = 8 * (int)weir_phys_size(weir_type_phys(to)) - 1;
        a.f = trunc(a.f);
        bad = !(a.f >= -ldexp(1, bits) && a.f < ldexp(1, bits));
        a.i = bad ? 0 : (weir_i128)a.f;
    } else if (f) {
        if (to.id == WEIR_TYPE_FLOAT) a.f = (double)(float)a.f;
    } else if (from.id == WEIR_TYPE_DECIMAL && weir_type_is_float(to)) {
        a.f = (double)a.i / pow(10, from.scale);
    } else if (from.id == WEIR_TYPE_BOOLEAN) {
        a.f = (double)a.i;
    } else if (from.id == WEIR_TYPE_DATE) {
        a.i *= (weir_i128)86400 * 1000000;
    } else if (from.id == WEIR_TYPE_TIME && to.id != WEIR_TYPE_TIME) {
        a.i *= 1000;
    } else if (weir_type_is_timestamp(from)) {
        weir_i128 day = (weir_i128)86400 * 1000000, unit = weir_pow10_i128[6 - to.precision];
        weir_i128 digits = to.precision < 3 ? weir_pow10_i128[3 - to.precision] : 1;
        weir_i128 in_day = (a.i % day + day) % day, in_unit = (a.i % unit + unit) % unit;
        a.i = to.id == WEIR_TYPE_DATE   ? (a.i - in_day) / day
              : to.id == WEIR_TYPE_TIME ? in_day / 1000 / digits * digits
                                        : a.i - in_unit;
    } else if (weir_type_is_exact(from) && weir_type_is_exact(to)) {
        if (to.scale >= from.scale)
            a.i *= weir_pow10_i128[to.scale - from.scale];
        else if (to.id == WEIR_TYPE_DECIMAL)
            a.i = div_round(a.i, weir_pow10_i128[from.scale - to.scale]);
        else
            a.i /= weir_pow10_i128[from.scale - to.scale];
        bad = !fits(to, a.i);
    } else if (weir_type_is_integer(from) && weir_type_is_float(to)) {
        a.f = to.id == WEIR_TYPE_FLOAT ? (double)(float)(int64_t)a.i : (double)(int64_t)a.i;
    }
    if (bad) a.st = in->op == WEIR_OP_TRY_CAST ? WK_NULL : WK_ERR_OVERFLOW;
    return a;
}

static bool like(const char *s, const char *s_end, const char *p, const char *p_end, int esc)
{
    if (p == p_end) return s == s_end;
    if (*p == esc && p + 1 < p_end)
        return s < s_end && *s == p[1] && like(s + 1, s_end, p + 2, p_end, esc);
    if (*p == '%') {
        for (;; s++) {
            if (like(s, s_end, p + 1, p_end, esc)) return true;
            if (s == s_end) return false;
        }
    }
    if (s == s_end) return false;
    if (*p == '_') {
        for (s++; s < s_end && ((unsigned char)*s & 0xc0) == 0x80;) s++;
        return like(s, s_end, p + 1, p_end, esc);
    }
    return *s == *p && like(s + 1, s_end, p + 1, p_end, esc);
}

static struct value in_list(const struct ctx *c, const struct weir_insn *in)
{
    struct value a = eval(c, in->a), r = {.st = a.st};
    for (uint32_t i = 0; !a.st && i < in->c && !r.i; i++) {
        struct value k = of_const(c, weir_pipe_const(c->p) + in->b + i);
        if (k.st)
            r.st = WK_NULL;
        else if (cmp(phys(c, in->a), &a, &k) == 0)
            r.i = 1;
    }
    if (r.i) r.st = 0;
    return r;
}

static struct value eval(const struct ctx *c, uint32_t reg)
{
    const struct weir_insn *in = weir_pipe_insn(c->p) + reg;
    struct value r = {0}, a;
    switch (in->op) {
    case WEIR_OP_COLUMN: {
        const struct weir_batch *b = in->table ? c->tables[in->table - 1]->payload : c->batch;
        int64_t row = in->table ? c->build[in->table - 1] : (int64_t)c->row;
        if (row < 0) return (struct value){.st = WK_NULL};
        struct weir_value v = weir_column_value(&b->col[in->a], (size_t)row);
        return of_weir(&v);
    }
    case WEIR_OP_CONST: return of_const(c, weir_pipe_const(c->p) + in->a);
    case WEIR_OP_EXPAND: r.i = c->ordinal[in->a]; return r;
    case WEIR_OP_AND:
    case WEIR_OP_OR:
    case WEIR_OP_NOT:
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE: return logic(c, in);
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST: return cast(c, in);
    case WEIR_OP_IN: return in_list(c, in);
    case WEIR_OP_SELECT:
        a = eval(c, in->a);
        if (a.st > WK_NULL) return a;
        return eval(c, !a.st && a.i ? in->b : in->c);
    case WEIR_OP_LIKE: {
        a = eval(c, in->a);
        struct value k = of_const(c, weir_pipe_const(c->p) + in->b);
        int esc = -1;
        if (in->c != WEIR_REG_NONE) esc = of_const(c, weir_pipe_const(c->p) + in->c).s.data[0];
        r.st = a.st;
        if (!a.st) r.i = like(a.s.data, a.s.data + a.s.len, k.s.data, k.s.data + k.s.len, esc);
        return r;
    }
    case WEIR_OP_CALL: { /* ABS, SIGN */
        const struct weir_function *f = weir_function_at(in->fn);
        r = eval(c, weir_pipe_operand(c->p)[in->a]);
        if (r.st) return r;
        bool sign = !strcmp(f->name, "SIGN");
        if (is_float(weir_type_phys(in->type)))
            r.f = sign ? (r.f > 0 ? 1 : r.f < 0 ? -1 : r.f) : fabs(r.f);
        else
            r.i = sign ? (r.i > 0) - (r.i < 0) : r.i < 0 ? -r.i : r.i;
        if (!is_float(weir_type_phys(in->type)) && !fits(in->type, r.i)) r.st = WK_ERR_OVERFLOW;
        return r;
    }
    default:
        return in->op >= WEIR_OP_EQ && in->op <= WEIR_OP_GE ? comparison(c, in) : arithmetic(c, in);
    }
}

/* ---- steps ---- */

static int steps(struct ctx *c, uint32_t first);

static int output(struct ctx *c, const struct weir_step *s)
{
    const uint32_t *reg = weir_pipe_operand(c->p) + s->first;
    for (uint32_t k = 0; k < s->n; k++) {
        struct value v = eval(c, reg[k]);
        if (v.st > WK_NULL) return 1;
        if (v.st)
            weir_builder_null(c->b, (int)k);
        else if (is_float(phys(c, reg[k])))
            weir_builder_f64(c->b, (int)k, v.f);
        else if (phys(c, reg[k]) == WEIR_PHYS_STR)
            weir_builder_str(c->b, (int)k, v.s.data, v.s.len);
        else if (phys(c, reg[k]) == WEIR_PHYS_I128)
            weir_builder_i128(c->b, (int)k, v.i);
        else
            weir_builder_i64(c->b, (int)k, (int64_t)v.i);
    }
    weir_builder_set_rows(c->b, weir_builder_rows(c->b) + (s->n == 0));
    return 0;
}

/* One value as a vector of one row. */
struct cell {
    struct weir_vec v;
    uint8_t st;
    union {
        int8_t b;
        int16_t h;
        int32_t w;
        int64_t l;
        weir_i128 x;
        float f;
        double d;
        struct weir_str s;
    };
};

static void to_cell(struct cell *cell, struct weir_type t, const struct value *v)
{
    memset(cell, 0, sizeof *cell);
    cell->st = v->st;
    cell->v = (struct weir_vec){.type = t, .data = &cell->x, .st = &cell->st};
    switch (weir_type_phys(t)) {
    case WEIR_PHYS_BOOL:
    case WEIR_PHYS_I8: cell->b = (int8_t)v->i; break;
    case WEIR_PHYS_I16: cell->h = (int16_t)v->i; break;
    case WEIR_PHYS_I32: cell->w = (int32_t)v->i; break;
    case WEIR_PHYS_I64: cell->l = (int64_t)v->i; break;
    case WEIR_PHYS_I128: cell->x = v->i; break;
    case WEIR_PHYS_F32: cell->f = (float)v->f; break;
    case WEIR_PHYS_F64: cell->d = v->f; break;
    default: cell->s = v->s;
    }
}

static int aggregate(struct ctx *c, const struct weir_step *s)
{
    struct cell cell[160];
    const struct weir_vec *key[16], *arg[64], *filter[64];
    int n = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        uint32_t reg = weir_pipe_operand(c->p)[s->first + k];
        struct value v = eval(c, reg);
        to_cell(&cell[n], weir_pipe_insn(c->p)[reg].type, &v);
        key[k] = &cell[n++].v;
    }
    for (uint32_t k = 0; k < c->p->n_aggs; k++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(c->p) + k;
        bool wanted = true;
        arg[k] = filter[k] = NULL;
        if (a->filter != WEIR_REG_NONE) {
            struct value v = eval(c, a->filter);
            if (v.st > WK_NULL) return 1;
            wanted = !v.st && v.i;
            to_cell(&cell[n], weir_pipe_insn(c->p)[a->filter].type, &v);
            filter[k] = &cell[n++].v;
        }
        if (a->arg != WEIR_REG_NONE) {
            struct value v = eval(c, a->arg);
            if (v.st > WK_NULL && wanted) return 1;
            to_cell(&cell[n], a->arg_type, &v);
            arg[k] = &cell[n++].v;
        }
    }
    return weir_groups_update(c->g, 1, key, arg, filter, c->err);
}

static bool matches(struct ctx *c, const struct weir_step *s, const struct value *key, int64_t row)
{
    const struct weir_batch *b = c->tables[s->table]->payload;
    for (uint32_t k = 0; k < s->n; k++) {
        struct weir_value w = weir_column_value(&b->col[k], (size_t)row);
        struct value v = of_weir(&w);
        if (key[k].st || v.st || cmp(weir_type_phys(w.type), &key[k], &v)) return false;
    }
    return true;
}

static int probe(struct ctx *c, uint32_t number)
{
    const struct weir_step *s = weir_pipe_step(c->p) + number;
    const struct weir_join_table *t = c->tables[s->table];
    struct value key[16];
    bool any = false, null = false;
    for (uint32_t k = 0; k < s->n; k++) {
        key[k] = eval(c, weir_pipe_operand(c->p)[s->first + k]);
        if (key[k].st > WK_NULL) return 1;
        null = null || key[k].st;
    }
    for (int64_t i = 0; i < (int64_t)t->payload->n_rows; i++) {
        if (!matches(c, s, key, i)) continue;
        c->build[s->table] = i;
        if (s->residual != WEIR_REG_NONE) {
            struct value v = eval(c, s->residual);
            if (v.st > WK_NULL) return 1;
            if (v.st || !v.i) continue;
        }
        any = true;
        if (s->join != WEIR_JOIN_INNER && s->join != WEIR_JOIN_LEFT) break;
        int rc = steps(c, number + 1);
        if (rc) return rc;
    }
    c->build[s->table] = -1;
    bool on = false;
    switch (s->join) {
    case WEIR_JOIN_LEFT:
    case WEIR_JOIN_ANTI: on = !any; break;
    case WEIR_JOIN_SEMI: on = any; break;
    case WEIR_JOIN_ANTI_NULL: on = !any && !t->has_null_key && (!null || t->empty); break;
    default: break;
    }
    return on ? steps(c, number + 1) : 0;
}

static int expand(struct ctx *c, uint32_t number)
{
    const struct weir_step *s = weir_pipe_step(c->p) + number;
    struct value t = eval(c, s->a);
    if (t.st) return t.st > WK_NULL;
    weir_i128 m = (t.i - s->offset_us) % s->slide_us, n = 0;
    if (m < 0) m += s->slide_us;
    while (m + n * s->slide_us < s->size_us) n++;
    int rc = 0;
    for (int64_t i = 0; !rc && i < n; i++) {
        c->ordinal[number] = i;
        rc = steps(c, number + 1);
    }
    return rc;
}

static int steps(struct ctx *c, uint32_t first)
{
    const struct weir_step *s = weir_pipe_step(c->p) + first;
    switch (s->kind) {
    case WEIR_STEP_FILTER: {
        struct value v = eval(c, s->a);
        if (v.st > WK_NULL) return 1;
        return v.st || !v.i ? 0 : steps(c, first + 1);
    }
    case WEIR_STEP_PROBE: return probe(c, first);
    case WEIR_STEP_EXPAND: return expand(c, first);
    case WEIR_STEP_OUTPUT: return output(c, s);
    default: return aggregate(c, s);
    }
}

int naive_run(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
              const struct weir_batch *batch, struct weir_builder *b, struct weir_groups *g,
              struct weir_error *err)
{
    struct ctx c = {.p = p, .tables = tables, .batch = batch, .b = b, .g = g, .err = err};
    for (int i = 0; i < 8; i++) c.build[i] = -1;
    int rc = 0;
    for (c.row = 0; !rc && c.row < batch->n_rows; c.row++) rc = steps(&c, 0);
    return rc;
}
