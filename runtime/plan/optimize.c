/* The optimizer: rewrites that never change the rows.

   push() carries a list of conjuncts down the tree and puts each where its columns come from:
   through projections (by substitution), windows, unions and sorts without a limit (but not into a
   spool, whose rows are read in several places), into the sides
   of joins; what compares both sides of an inner join becomes a key. A conjunct that can fail (a
   division, a cast) is not moved below a join: there it would meet rows that the join drops, and
   turn a good query into an error. After that constants are folded and an inner join's sides are
   swapped when the build side is expected to be much the larger one. */
#include <string.h>

#include "runtime/exec/source.h"
#include "runtime/native/vec.h"
#include "runtime/plan/logical.h"

struct conjuncts {
    struct weir_expr **e;
    int n, cap;
};

struct optimizer {
    struct weir_arena *a;
    bool oom;
};

static struct weir_node *push(struct optimizer *o, struct weir_node *n, struct conjuncts cs);

static void *grab(struct optimizer *o, size_t n, size_t size)
{
    void *p = weir_arena_alloc(o->a, n * size);
    if (!p) o->oom = true;
    return p;
}

static void add(struct optimizer *o, struct conjuncts *cs, struct weir_expr *e)
{
    if (cs->n == cs->cap) {
        int cap = cs->cap ? cs->cap * 2 : 8;
        struct weir_expr **p = grab(o, (size_t)cap, sizeof *p);
        if (!p) return;
        if (cs->n) memcpy(p, cs->e, (size_t)cs->n * sizeof *p);
        cs->e = p;
        cs->cap = cap;
    }
    cs->e[cs->n++] = e;
}

static void split(struct optimizer *o, struct conjuncts *cs, struct weir_expr *e)
{
    if (e->op == WEIR_OP_AND) {
        split(o, cs, e->arg[0]);
        split(o, cs, e->arg[1]);
    } else {
        add(o, cs, e);
    }
}

/* ---- facts about expressions ---- */

/* Can evaluating E meet a value error? Casts and functions are taken to be able to. */
static bool can_fail(const struct weir_expr *e)
{
    switch (e->op) {
    case WEIR_OP_ADD:
    case WEIR_OP_SUB:
    case WEIR_OP_MUL:
    case WEIR_OP_NEG:
    case WEIR_OP_DIV:
    case WEIR_OP_MOD:
        if (!weir_type_is_float(e->type)) return true;
        break;
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST: {
        struct weir_type from = e->arg[0]->type, to = e->type;
        bool widens =
            (weir_type_is_integer(from) && weir_type_is_integer(to) && from.id <= to.id) ||
            (weir_type_is_numeric(from) && weir_type_is_float(to)) ||
            (weir_type_is_text(from) && weir_type_is_text(to)) || from.id == to.id;
        if (!widens || from.id == WEIR_TYPE_DECIMAL) return true;
        break;
    }
    case WEIR_OP_CALL: return true;
    default: break;
    }
    for (int i = 0; i < e->n_args; i++)
        if (can_fail(e->arg[i])) return true;
    return false;
}

/* Does E read a column in [from, to)? */
static bool reads(const struct weir_expr *e, int from, int to)
{
    if (e->op == WEIR_OP_COLUMN) return e->column >= from && e->column < to;
    for (int i = 0; i < e->n_args; i++)
        if (reads(e->arg[i], from, to)) return true;
    return false;
}

/* A copy of E in which column c is MAP[c] (an expression), or c - SHIFT when MAP is NULL. */
static struct weir_expr *replace(struct optimizer *o, const struct weir_expr *e,
                                 struct weir_expr *const *map, int shift)
{
    if (e->op == WEIR_OP_COLUMN && map) return map[e->column];
    if (e->op == WEIR_OP_CONST) return (struct weir_expr *)e;
    struct weir_expr *c = grab(o, 1, sizeof *c);
    if (!c) return (struct weir_expr *)e;
    *c = *e;
    if (e->op == WEIR_OP_COLUMN) {
        c->column -= shift;
        return c;
    }
    c->arg = grab(o, e->n_args, sizeof *c->arg);
    if (!c->arg) return (struct weir_expr *)e;
    for (int i = 0; i < e->n_args; i++) c->arg[i] = replace(o, e->arg[i], map, shift);
    return c;
}

/* N under a FILTER of CS (N itself when there are none). */
static struct weir_node *filtered(struct optimizer *o, struct weir_node *n, struct conjuncts cs)
{
    if (cs.n == 0) return n;
    struct weir_expr *all = cs.e[0];
    for (int i = 1; i < cs.n; i++) {
        struct weir_type t = weir_type_make(WEIR_TYPE_BOOLEAN);
        t.nullable = all->type.nullable || cs.e[i]->type.nullable;
        struct weir_expr *both = weir_expr_new(o->a, WEIR_OP_AND, t, cs.e[i]->pos, 2);
        if (!both) {
            o->oom = true;
            return n;
        }
        both->arg[0] = all;
        both->arg[1] = cs.e[i];
        all = both;
    }
    struct weir_node *f = weir_node_new(o->a, WEIR_NODE_FILTER, 1, 0);
    if (!f) {
        o->oom = true;
        return n;
    }
    f->schema = n->schema;
    f->input[0] = n;
    f->filter.predicate = all;
    return f;
}

static struct weir_node *copy_node(struct optimizer *o, const struct weir_node *n)
{
    struct weir_node *c = grab(o, 1, sizeof *c);
    if (!c) return NULL;
    *c = *n;
    c->origin = n->origin ? n->origin : n;
    c->input = grab(o, (size_t)n->n_inputs, sizeof *c->input);
    if (!c->input) return NULL;
    memcpy(c->input, n->input, (size_t)n->n_inputs * sizeof *c->input);
    return c;
}

/* ---- pushing ---- */

static struct weir_node *push_project(struct optimizer *o, struct weir_node *n, struct conjuncts cs)
{
    struct conjuncts below = {0}, above = {0};
    bool fixed = true;
    for (int i = 0; i < n->schema.n; i++) fixed = fixed && !weir_expr_volatile(n->project.expr[i]);
    for (int i = 0; i < cs.n; i++)
        if (fixed)
            add(o, &below, replace(o, cs.e[i], n->project.expr, 0));
        else
            add(o, &above, cs.e[i]);
    n->input[0] = push(o, n->input[0], below);
    return filtered(o, n, above);
}

static struct weir_node *push_window(struct optimizer *o, struct weir_node *n, struct conjuncts cs)
{
    struct conjuncts below = {0}, above = {0};
    int nc = n->input[0]->schema.n;
    for (int i = 0; i < cs.n; i++) add(o, reads(cs.e[i], nc, nc + 3) ? &above : &below, cs.e[i]);
    n->input[0] = push(o, n->input[0], below);
    return filtered(o, n, above);
}

/* LEFT = RIGHT across the join? Then give its sides (RIGHT in the right input's numbering). */
static bool as_key(struct optimizer *o, struct weir_expr *e, int nl, int total,
                   struct weir_expr **left, struct weir_expr **right)
{
    if (e->op != WEIR_OP_EQ) return false;
    struct weir_expr *x = e->arg[0], *y = e->arg[1];
    if (reads(x, nl, total)) {
        struct weir_expr *swap = x;
        x = y;
        y = swap;
    }
    if (reads(x, nl, total) || reads(y, 0, nl) || !reads(x, 0, nl) || !reads(y, nl, total))
        return false;
    if (!weir_type_same(x->type, y->type) && weir_type_phys(x->type) != WEIR_PHYS_STR) return false;
    if (can_fail(x) || can_fail(y) || weir_expr_volatile(e)) return false;
    *left = x;
    *right = replace(o, y, NULL, nl);
    return true;
}

static void add_key(struct optimizer *o, struct weir_node *n, struct weir_expr *l,
                    struct weir_expr *r)
{
    int k = n->join.n_keys;
    struct weir_expr **left = grab(o, (size_t)k + 1, sizeof *left);
    struct weir_expr **right = grab(o, (size_t)k + 1, sizeof *right);
    if (!left || !right) return;
    if (k) {
        memcpy(left, n->join.left_key, (size_t)k * sizeof *left);
        memcpy(right, n->join.right_key, (size_t)k * sizeof *right);
    }
    left[k] = l;
    right[k] = r;
    n->join.left_key = left;
    n->join.right_key = right;
    n->join.n_keys = k + 1;
}

static struct weir_node *push_join(struct optimizer *o, struct weir_node *n, struct conjuncts cs)
{
    int nl = n->input[0]->schema.n, total = nl + n->input[1]->schema.n;
    bool inner = n->join.type == WEIR_JOIN_INNER;
    struct conjuncts left = {0}, right = {0}, above = {0}, on = {0}, residual = {0};
    struct weir_expr *l, *r;
    for (int i = 0; i < cs.n; i++) {
        bool stays = can_fail(cs.e[i]) || weir_expr_volatile(cs.e[i]);
        if (!stays && !reads(cs.e[i], nl, total))
            add(o, &left, cs.e[i]);
        else if (!stays && inner && !reads(cs.e[i], 0, nl))
            add(o, &right, replace(o, cs.e[i], NULL, nl));
        else if (inner && as_key(o, cs.e[i], nl, total, &l, &r))
            add_key(o, n, l, r);
        else
            add(o, &above, cs.e[i]);
    }
    if (n->join.residual) split(o, &on, n->join.residual);
    for (int i = 0; i < on.n; i++) {
        bool stays = can_fail(on.e[i]) || weir_expr_volatile(on.e[i]);
        if (!stays && inner && !reads(on.e[i], nl, total))
            add(o, &left, on.e[i]);
        else if (!stays && n->join.type != WEIR_JOIN_ANTI_NULL && !reads(on.e[i], 0, nl))
            add(o, &right, replace(o, on.e[i], NULL, nl));
        else if (n->join.type != WEIR_JOIN_ANTI_NULL && as_key(o, on.e[i], nl, total, &l, &r))
            add_key(o, n, l, r);
        else
            add(o, &residual, on.e[i]);
    }
    struct weir_node *f = filtered(o, n, residual); /* only for its conjunction */
    n->join.residual = residual.n ? f->filter.predicate : NULL;
    n->input[0] = push(o, n->input[0], left);
    n->input[1] = push(o, n->input[1], right);
    return filtered(o, n, above);
}

static struct weir_node *push(struct optimizer *o, struct weir_node *original, struct conjuncts cs)
{
    static const struct conjuncts none;
    struct weir_node *n = copy_node(o, original);
    if (!n) return original;
    switch (n->kind) {
    case WEIR_NODE_FILTER:
        if (weir_expr_volatile(n->filter.predicate)) break;
        split(o, &cs, n->filter.predicate);
        return push(o, n->input[0], cs);
    case WEIR_NODE_PROJECT: return push_project(o, n, cs);
    case WEIR_NODE_WINDOW: return push_window(o, n, cs);
    case WEIR_NODE_JOIN: return push_join(o, n, cs);
    case WEIR_NODE_UNION:
        for (int i = 0; i < n->n_inputs; i++) n->input[i] = push(o, n->input[i], cs);
        return n;
    case WEIR_NODE_SORT:
        if (n->sort.limit >= 0 || n->sort.offset > 0 || n->sort.spool) break;
        n->input[0] = push(o, n->input[0], cs);
        return n;
    default: break;
    }
    for (int i = 0; i < n->n_inputs; i++) n->input[i] = push(o, n->input[i], none);
    return filtered(o, n, cs);
}

/* ---- folding ---- */

static struct weir_expr *fold(struct optimizer *o, struct weir_expr *e)
{
    if (!e || e->op == WEIR_OP_CONST || e->op == WEIR_OP_COLUMN) return e;
    bool constant = true, changed = false;
    struct weir_expr **arg = grab(o, e->n_args, sizeof *arg);
    if (!arg) return e;
    for (int i = 0; i < e->n_args; i++) {
        arg[i] = fold(o, e->arg[i]);
        changed = changed || arg[i] != e->arg[i];
        constant = constant && arg[i]->op == WEIR_OP_CONST;
    }
    if (changed) {
        struct weir_expr *c = grab(o, 1, sizeof *c);
        if (!c) return e;
        *c = *e;
        c->arg = arg;
        e = c;
    }
    if (!constant || weir_expr_volatile(e)) return e;
    struct weir_value v;
    struct weir_expr *c;
    if (weir_eval_const(o->a, e, 0, &v, NULL) || !(c = weir_expr_const(o->a, &v, e->pos))) return e;
    c->type = e->type;
    c->value.type = e->type;
    return c;
}

static double estimate(const struct weir_node *n)
{
    double sum = 0;
    switch (n->kind) {
    case WEIR_NODE_SCAN:
        if (n->scan.source->est_rows >= 0) return (double)n->scan.source->est_rows;
        return n->scan.source->est_bytes ? (double)n->scan.source->est_bytes / 100 : 1e9;
    case WEIR_NODE_VALUES: return n->values.batch ? n->values.batch->n_rows : 0;
    case WEIR_NODE_FILTER: return estimate(n->input[0]) * 0.3;
    case WEIR_NODE_AGGREGATE: return n->aggregate.n_keys ? estimate(n->input[0]) * 0.1 : 1;
    case WEIR_NODE_SORT:
        sum = estimate(n->input[0]);
        return n->sort.limit >= 0 && (double)n->sort.limit < sum ? (double)n->sort.limit : sum;
    case WEIR_NODE_UNION:
        for (int i = 0; i < n->n_inputs; i++) sum += estimate(n->input[i]);
        return sum;
    default: return n->n_inputs ? estimate(n->input[0]) : 1;
    }
}

static bool streams(const struct weir_node *n)
{
    if (n->kind == WEIR_NODE_SCAN) return !n->scan.source->bounded || n->scan.source->streaming;
    for (int i = 0; i < n->n_inputs; i++)
        if (streams(n->input[i])) return true;
    return false;
}

/* Build on the smaller side: swap the inputs of inner join N and put the columns back in order. */
static struct weir_node *swap_sides(struct optimizer *o, struct weir_node *n)
{
    struct weir_node *l = n->input[0], *r = n->input[1];
    int nl = l->schema.n, nr = r->schema.n, total = nl + nr;
    if (n->join.type != WEIR_JOIN_INNER || streams(l)) return n;
    if (!streams(r) && estimate(l) * 4 >= estimate(r)) return n;
    struct weir_node *p = weir_node_new(o->a, WEIR_NODE_PROJECT, 1, 0);
    struct weir_field *field = grab(o, (size_t)total, sizeof *field);
    struct weir_expr **map = grab(o, (size_t)total, sizeof *map);
    struct weir_node *s = copy_node(o, n);
    if (!p || !field || !map || !s) return n;
    for (int i = 0; i < total; i++) {
        int now = i < nl ? nr + i : i - nl;
        field[now] = n->schema.field[i];
        map[i] = weir_expr_column(o->a, now, n->schema.field[i].type, (struct weir_pos){0});
        if (!map[i]) return n;
    }
    s->schema.field = field;
    s->input[0] = r;
    s->input[1] = l;
    s->join.left_key = n->join.right_key;
    s->join.right_key = n->join.left_key;
    if (n->join.residual) s->join.residual = replace(o, n->join.residual, map, 0);
    p->schema = n->schema;
    p->input[0] = s;
    p->project.expr = map;
    return p;
}

/* Does PROJECT N give its input's columns unchanged, names included? */
static bool changes_nothing(const struct weir_node *n)
{
    const struct weir_schema *in = &n->input[0]->schema;
    if (in->n != n->schema.n) return false;
    for (int i = 0; i < in->n; i++)
        if (n->project.expr[i]->op != WEIR_OP_COLUMN || n->project.expr[i]->column != i ||
            strcmp(in->field[i].name, n->schema.field[i].name))
            return false;
    return true;
}

static struct weir_expr **copy_list(struct optimizer *o, struct weir_expr **e, int n)
{
    struct weir_expr **c = grab(o, (size_t)n, sizeof *c);
    if (!c || !e) return e;
    memcpy(c, e, (size_t)n * sizeof *c);
    for (int i = 0; i < n; i++) c[i] = fold(o, c[i]);
    return c;
}

static void finish_aggregate(struct optimizer *o, struct weir_node *n)
{
    struct weir_agg *agg = grab(o, (size_t)n->aggregate.n_aggs, sizeof *agg);
    if (!agg) return;
    for (int i = 0; i < n->aggregate.n_aggs; i++) {
        agg[i] = n->aggregate.agg[i];
        agg[i].arg = fold(o, agg[i].arg);
        agg[i].filter = fold(o, agg[i].filter);
    }
    n->aggregate.agg = agg;
    n->aggregate.key = copy_list(o, n->aggregate.key, n->aggregate.n_keys);
}

/* Fold the expressions of the (already copied) tree, swap joins, drop empty projections. */
static struct weir_node *finish(struct optimizer *o, struct weir_node *n)
{
    for (int i = 0; i < n->n_inputs; i++) n->input[i] = finish(o, n->input[i]);
    switch (n->kind) {
    case WEIR_NODE_SCAN: n->scan.rowtime_expr = fold(o, n->scan.rowtime_expr); return n;
    case WEIR_NODE_FILTER: {
        struct weir_expr *p = n->filter.predicate = fold(o, n->filter.predicate);
        if (p->op == WEIR_OP_CONST && !p->value.is_null && p->value.b) return n->input[0];
        return n;
    }
    case WEIR_NODE_PROJECT:
        n->project.expr = copy_list(o, n->project.expr, n->schema.n);
        return changes_nothing(n) ? n->input[0] : n;
    case WEIR_NODE_JOIN:
        n->join.left_key = copy_list(o, n->join.left_key, n->join.n_keys);
        n->join.right_key = copy_list(o, n->join.right_key, n->join.n_keys);
        n->join.residual = fold(o, n->join.residual);
        return swap_sides(o, n);
    case WEIR_NODE_AGGREGATE: finish_aggregate(o, n); return n;
    default: return n;
    }
}

struct weir_node *weir_plan_optimize(struct weir_arena *a, struct weir_node *root)
{
    struct optimizer o = {.a = a};
    struct conjuncts none = {0};
    struct weir_node *n = push(&o, root, none);
    n = finish(&o, n);
    return o.oom ? NULL : n;
}
