/* Sub-queries of expressions become joins.

   IN and EXISTS as a conjunct of WHERE or HAVING are a semi- or anti-join. A plain sub-query (FROM
   and WHERE) may be correlated: equalities between the two queries are its keys, other conjuncts
   that use both the residual. Elsewhere in an expression they are a left join with the distinct
   keys and a mark that is NULL where nothing matched. A scalar sub-query, which must have one row
   by its form, is a join without keys.

   The joins wait in the block's scope until it is clear what they stand on (bind_apply_subs). */
#include <string.h>

#include "host/sql/bind_impl.h"

bool bind_is_outer(int column, const void *ctx)
{
    (void)ctx;
    return (column & ~COL_MASK) == COL_OUTER;
}

static bool is_inner(int column, const void *ctx)
{
    (void)ctx;
    return !bind_is_outer(column, NULL);
}

/* ---- WHERE ---- */

static bool push(struct binder *b, struct weir_expr ***list, int *n, int *cap, struct weir_expr *e)
{
    struct weir_expr **grown = bind_grow(b, *list, *n, cap, sizeof *grown);
    if (!grown || !e) return false;
    *list = grown;
    grown[(*n)++] = e;
    return true;
}

static const struct weir_ast_expr *without_not(const struct weir_ast_expr *e, bool *negated)
{
    *negated = false;
    while (e->kind == WEIR_AST_EX_UNARY && e->unary.op == WEIR_AST_UN_NOT) {
        *negated = !*negated;
        e = e->unary.operand;
    }
    return e;
}

static bool is_sub_filter(const struct weir_ast_expr *e)
{
    return e->kind == WEIR_AST_EX_EXISTS || (e->kind == WEIR_AST_EX_IN && e->in.query);
}

/* In HAVING an AND may be a key of the GROUP BY, so that it is taken apart only for a sub-query. */
static bool may_split(const struct weir_ast_expr *a, bool having)
{
    bool negated;
    if (a->kind != WEIR_AST_EX_AND) return is_sub_filter(without_not(a, &negated));
    for (size_t i = 0; i < a->list.n; i++)
        if (!having || may_split(a->list.items[i], having)) return true;
    return false;
}

bool bind_conjuncts(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                    const char *clause, struct weir_expr ***out, int *n, int *cap)
{
    if (a->kind == WEIR_AST_EX_AND && may_split(a, s->agg_ok)) {
        for (size_t i = 0; i < a->list.n; i++)
            if (!bind_conjuncts(b, s, a->list.items[i], clause, out, n, cap)) return false;
        return true;
    }
    bool negated;
    const struct weir_ast_expr *e = without_not(a, &negated);
    s->clause = clause;
    s->sub_ok = true;
    if (is_sub_filter(e))
        return bind_subquery_filter(b, s, e,
                                    negated != (e->kind == WEIR_AST_EX_IN && e->in.negated));
    s->null_is_false = true;
    struct weir_expr *x = bind_predicate(b, s, a, clause);
    s->null_is_false = false;
    return x && push(b, out, n, cap, x);
}

static bool is_sub(int column, const void *ctx)
{
    (void)ctx;
    return (column & ~COL_MASK) == COL_SUB;
}

static bool add_filter(struct binder *b, struct scope *s, struct weir_expr **e, int n)
{
    if (!n) return true;
    s->rel.node = bind_filter(b, s->rel.node, bind_chain(b, WEIR_OP_AND, e, n));
    return s->rel.node != NULL;
}

bool bind_where(struct binder *b, struct scope *s, const struct weir_ast_expr *where)
{
    struct weir_expr **all = NULL, **plain = NULL, **late = NULL;
    int n = 0, cap = 0, n_plain = 0, cap_plain = 0, n_late = 0, cap_late = 0;
    s->early = true;
    bool ok = bind_conjuncts(b, s, where, "WHERE", &all, &n, &cap);
    s->early = false;
    for (int i = 0; ok && i < n; i++) {
        bool sub = bind_uses(all[i], is_sub, NULL), outer = bind_uses(all[i], bind_is_outer, NULL);
        if (!sub && !outer) ok = push(b, &plain, &n_plain, &cap_plain, all[i]);
    }
    if (!ok || !add_filter(b, s, plain, n_plain) || !bind_apply_subs(b, s, true)) return false;
    for (int i = 0; i < n; i++) {
        bool sub = bind_uses(all[i], is_sub, NULL), outer = bind_uses(all[i], bind_is_outer, NULL);
        if (!sub && !outer) continue;
        struct weir_expr *e = bind_place_subs(b, s, all[i]);
        if (!e) return false;
        if (outer ? !push(b, &s->corr, &s->n_corr, &s->cap_corr, e)
                  : !push(b, &late, &n_late, &cap_late, e))
            return false;
    }
    return add_filter(b, s, late, n_late);
}

/* ---- applying ---- */

static struct weir_expr *place_leaf(struct rewrite *r, struct weir_expr *e)
{
    const struct scope *s = r->ctx;
    if (e->op != WEIR_OP_COLUMN || !is_sub(e->column, NULL)) return NULL;
    int sub = (e->column & COL_MASK) / SUB_VALUES, value = (e->column & COL_MASK) % SUB_VALUES;
    return bind_column(r->b, s->sub[sub].column + value, e->type, e->pos);
}

struct weir_expr *bind_place_subs(struct binder *b, struct scope *s, struct weir_expr *e)
{
    struct rewrite r = {.b = b, .leaf = place_leaf, .ctx = s};
    return s->n_sub ? bind_rewrite(&r, e) : e;
}

/* Residual: the block's columns come first in a join, the sub-query's behind them. */
static struct weir_expr *residual_leaf(struct rewrite *r, struct weir_expr *e)
{
    if (e->op != WEIR_OP_COLUMN) return NULL;
    int column = bind_is_outer(e->column, NULL) ? e->column - COL_OUTER : e->column + r->shift;
    return bind_column(r->b, column, e->type, e->pos);
}

static bool apply(struct binder *b, struct scope *s, struct subjoin *j)
{
    struct weir_node *l = s->rel.node, *n = bind_join(b, j->type, l, j->right, j->right->pos);
    if (!n) return false;
    for (int i = 0; i < j->n_keys; i++)
        if (!(j->left_key[i] = bind_place_subs(b, s, j->left_key[i]))) return false;
    if (!bind_join_keys(b, n, j->n_keys, j->left_key, j->right_key)) return false;
    if (j->residual) {
        struct rewrite r = {.b = b, .leaf = residual_leaf, .shift = l->schema.n};
        if (!(n->join.residual = bind_rewrite(&r, j->residual))) return false;
    }
    j->column = l->schema.n + j->value;
    j->joined = true;
    s->rel.node = n;
    return true;
}

bool bind_apply_subs(struct binder *b, struct scope *s, bool early)
{
    for (int i = 0; i < s->n_sub; i++)
        if (s->sub[i].early == early && !s->sub[i].joined && !apply(b, s, &s->sub[i])) return false;
    return true;
}

static bool add_sub(struct binder *b, struct scope *s, struct subjoin j)
{
    for (int i = 0; i < j.n_keys; i++)
        if (bind_uses(j.left_key[i], bind_is_outer, NULL))
            return bind_unsupported(b, &j.left_key[i]->pos,
                                    "a sub-query that uses a query two levels up is parsed, not "
                                    "executed yet; write a join");
    struct subjoin *sub = bind_grow(b, s->sub, s->n_sub, &s->cap_sub, sizeof *sub);
    if (!sub) return false;
    s->sub = sub;
    j.early = s->early;
    sub[s->n_sub++] = j;
    return true;
}

/* ---- the inner query ---- */

/* What a sub-query gives: a node, and for IN the expressions over it that are compared. */
struct inner {
    struct scope s;
    int n_items;
    struct weir_expr **item;
};

static bool is_plain(const struct weir_ast_query *q)
{
    const struct weir_ast_select *sel =
        q->body->kind == WEIR_AST_BODY_SELECT ? q->body->select : NULL;
    return sel && sel->from && !sel->grouped && !sel->having && !sel->qualify && !q->limit &&
           !q->offset && !q->n_ctes;
}

static bool inner_items(struct binder *b, struct inner *in, const struct weir_ast_select *sel)
{
    in->s.agg_ok = true;
    in->item = bind_alloc(b, sel->n_items, sizeof *in->item);
    for (size_t i = 0; in->item && i < sel->n_items; i++) {
        if (sel->items[i].expr->kind == WEIR_AST_EX_STAR) {
            in->n_items = -1; /* as many as there are columns */
            return true;
        }
        in->item[i] = bind_top(b, &in->s, sel->items[i].expr, "SELECT");
        if (!in->item[i]) return false;
        in->n_items++;
    }
    return in->item != NULL;
}

/* FROM and WHERE alone, whose correlated conjuncts are in IN->s.corr. */
static bool bind_plain(struct binder *b, struct scope *outer, const struct weir_ast_query *q,
                       struct inner *in)
{
    const struct weir_ast_select *sel = q->body->select;
    *in = (struct inner){.s = {.outer = outer}};
    struct rel *from = bind_from(b, sel->from, outer);
    if (!from) return false;
    in->s.rel = *from;
    in->s.correlated = true;
    if (sel->where && !bind_where(b, &in->s, sel->where)) return false;
    in->s.correlated = false;
    return inner_items(b, in, sel);
}

static bool bind_general(struct binder *b, struct scope *outer, const struct weir_ast_query *q,
                         struct inner *in)
{
    struct rel *r = bind_query(b, q, outer);
    if (!r) return false;
    *in = (struct inner){.s = {.rel = *r}, .n_items = r->n};
    in->item = bind_alloc(b, (size_t)r->n, sizeof *in->item);
    for (int i = 0; in->item && i < r->n; i++)
        if (!(in->item[i] = bind_column(b, r->col[i].index, r->col[i].type, q->pos))) return false;
    return in->item != NULL;
}

static bool star_items(struct binder *b, struct inner *in, struct weir_pos pos)
{
    if (in->n_items >= 0) return true;
    const struct rel *r = &in->s.rel;
    in->n_items = 0;
    in->item = bind_alloc(b, (size_t)r->n, sizeof *in->item);
    for (int i = 0; in->item && i < r->n; i++) {
        if (r->col[i].hidden) continue;
        struct weir_expr *e = bind_column(b, r->col[i].index, r->col[i].type, pos);
        if (!e) return false;
        in->item[in->n_items++] = e;
    }
    return in->item != NULL;
}

static bool bind_inner(struct binder *b, struct scope *outer, const struct weir_ast_query *q,
                       struct inner *in)
{
    if (!is_plain(q)) return bind_general(b, outer, q, in);
    if (!bind_plain(b, outer, q, in)) return false;
    if (!in->s.n_agg) return star_items(b, in, q->pos);
    if (in->s.n_corr)
        return bind_unsupported(
            b, &in->s.corr[0]->pos,
            "a correlated sub-query with aggregates is parsed, not executed yet; "
            "group by the key in a sub-query in FROM and join with it");
    return bind_general(b, outer, q, in);
}

/* ---- keys ---- */

static struct weir_expr *from_outer_leaf(struct rewrite *r, struct weir_expr *e)
{
    if (e->op != WEIR_OP_COLUMN) return NULL;
    return bind_column(r->b, e->column - COL_OUTER, e->type, e->pos);
}

static bool only(const struct weir_expr *e, bool outer)
{
    bool uses[2] = {bind_uses(e, is_inner, NULL), bind_uses(e, bind_is_outer, NULL)};
    return uses[outer] && !uses[!outer];
}

/* The correlated conjuncts as keys and residual of J, which has room for the keys. */
static bool correlate(struct binder *b, struct inner *in, struct subjoin *j)
{
    struct weir_expr **rest = NULL;
    int n_rest = 0, cap_rest = 0;
    for (int i = 0; i < in->s.n_corr; i++) {
        struct weir_expr *e = in->s.corr[i], *l = NULL, *r = NULL;
        if (e->op == WEIR_OP_EQ && only(e->arg[0], true) && only(e->arg[1], false))
            l = e->arg[0], r = e->arg[1];
        else if (e->op == WEIR_OP_EQ && only(e->arg[1], true) && only(e->arg[0], false))
            l = e->arg[1], r = e->arg[0];
        if (!l) {
            if (!push(b, &rest, &n_rest, &cap_rest, e)) return false;
            continue;
        }
        struct rewrite rw = {.b = b, .leaf = from_outer_leaf};
        j->left_key[j->n_keys] = bind_rewrite(&rw, l);
        j->right_key[j->n_keys] = r;
        if (!j->left_key[j->n_keys++]) return false;
    }
    j->residual = n_rest ? bind_chain(b, WEIR_OP_AND, rest, n_rest) : NULL;
    return !b->status;
}

/* The operands of IN: x, or (x, y). */
static bool operands(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                     struct weir_expr ***out, int *n)
{
    bool row = a->kind == WEIR_AST_EX_ROW;
    *n = row ? (int)a->list.n : 1;
    struct weir_expr **e = bind_alloc(b, (size_t)*n, sizeof *e);
    for (int i = 0; e && i < *n; i++)
        if (!(e[i] = bind_expr(b, s, row ? a->list.items[i] : a))) return false;
    *out = e;
    return e != NULL;
}

/* Keys of IN in front of J's others; *NULLABLE: one of them may be NULL. */
static bool in_keys(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                    struct inner *in, struct subjoin *j, bool *nullable)
{
    struct weir_expr **x;
    int n;
    if (!operands(b, s, a->in.operand, &x, &n)) return false;
    if (n != in->n_items)
        return bind_fail(b, &a->pos, "IN compares %d value%s with a sub-query of %d column%s", n,
                         n == 1 ? "" : "s", in->n_items, in->n_items == 1 ? "" : "s");
    for (int i = 0; i < n; i++) {
        struct weir_expr *l = x[i], *r = in->item[i];
        if (bind_too_wide(l->type, r->type))
            return bind_unsupported(b, &a->pos, "IN of %s and %s; CAST one side",
                                    bind_type_text(b, l->type), bind_type_text(b, r->type));
        if (!bind_comparable(b, &l, &r, "IN", a->pos)) return false;
        *nullable |= l->type.nullable || r->type.nullable;
        j->left_key[j->n_keys] = l;
        j->right_key[j->n_keys++] = r;
    }
    return true;
}

static bool inner_join(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                       struct inner *in, struct subjoin *j, bool *nullable)
{
    bool exists = a->kind == WEIR_AST_EX_EXISTS;
    if (!bind_inner(b, s, exists ? a->query : a->in.query, in)) return false;
    int max = in->s.n_corr + (exists ? 0 : in->n_items);
    *j = (struct subjoin){.value = 0};
    j->left_key = bind_alloc(b, (size_t)max, sizeof *j->left_key);
    j->right_key = bind_alloc(b, (size_t)max, sizeof *j->right_key);
    if (!j->left_key || !j->right_key) return false;
    if (!exists && !in_keys(b, s, a, in, j, nullable)) return false;
    j->right = in->s.rel.node;
    return correlate(b, in, j);
}

bool bind_subquery_filter(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                          bool negated)
{
    struct inner in;
    struct subjoin j;
    bool nullable = false;
    if (!inner_join(b, s, a, &in, &j, &nullable)) return false;
    j.type = negated ? WEIR_JOIN_ANTI : WEIR_JOIN_SEMI;
    if (negated && nullable) {
        if (j.n_keys != 1 || j.residual)
            return bind_unsupported(
                b, &a->pos,
                "NOT IN over a correlated sub-query, or over several columns, is "
                "not executed where NULLs may occur; write NOT EXISTS");
        j.type = WEIR_JOIN_ANTI_NULL;
    }
    return add_sub(b, s, j);
}

/* ---- values ---- */

/* The I-th value of waiting sub-query K. */
static struct weir_expr *sub_value(struct binder *b, int k, int i, struct weir_type t,
                                   struct weir_pos pos)
{
    if (k > COL_MASK / SUB_VALUES) return bind_fail(b, &pos, "too many sub-queries");
    return bind_column(b, COL_SUB + k * SUB_VALUES + i, t, pos);
}

static bool subs_allowed(struct binder *b, const struct scope *s, const struct weir_ast_expr *a)
{
    if (s->sub_ok) return true;
    return bind_unsupported(b, &a->pos,
                            "a sub-query in %s is parsed, not executed yet; put it into FROM and "
                            "join with it",
                            s->clause ? s->clause : "this place");
}

/* J->right becomes its distinct keys and a mark behind them. */
static bool mark_distinct(struct binder *b, struct subjoin *j, struct weir_pos pos)
{
    int n = j->n_keys;
    struct weir_expr **e = bind_alloc(b, (size_t)n + 1, sizeof *e);
    const char **name = bind_alloc(b, (size_t)n + 1, sizeof *name);
    if (!e || !name) return false;
    for (int i = 0; i < n; i++) {
        e[i] = j->right_key[i];
        if (!(name[i] = weir_arena_printf(b->arena, "key%d", i))) return bind_nomem(b);
        if (!(j->right_key[i] = bind_column(b, i, e[i]->type, pos))) return false;
    }
    name[n] = "found";
    if (!(e[n] = bind_bool(b, true, pos))) return false;
    struct rel r = {.node = bind_project(b, j->right, n + 1, e, name, pos)};
    if (!r.node) return false;
    if (n) {
        r.node = bind_distinct(b, r.node, pos);
    } else {
        struct weir_node *limit = bind_node(b, WEIR_NODE_SORT, 1, 1, pos);
        if (!limit) return false;
        limit->input[0] = r.node;
        limit->schema.field[0] = r.node->schema.field[0];
        limit->sort.limit = 1;
        r.node = limit;
    }
    j->right = r.node;
    j->value = n;
    return r.node != NULL;
}

/* IN and EXISTS inside of an expression. */
static struct weir_expr *mark(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    struct inner in;
    struct subjoin j;
    bool nullable = false, is_in = a->kind == WEIR_AST_EX_IN;
    bool null_is_false = s->null_is_false && is_in && !a->in.negated;
    if (!inner_join(b, s, a, &in, &j, &nullable)) return NULL;
    if (is_in && nullable && !null_is_false)
        return bind_unsupported(
            b, &a->pos,
            "IN (sub-query) in the middle of an expression is not executed where "
            "NULLs may occur; write EXISTS, or make it a condition of its own in "
            "WHERE");
    if (j.residual)
        return bind_unsupported(
            b, &j.residual->pos,
            "in the middle of an expression a sub-query may use the enclosing "
            "query only in equalities; make it a condition of its own in WHERE");
    j.type = WEIR_JOIN_LEFT;
    if (!mark_distinct(b, &j, a->pos)) return NULL;
    int k = s->n_sub;
    if (!add_sub(b, s, j)) return NULL;
    struct weir_expr *found = sub_value(b, k, 0, bind_boolean_type(true), a->pos);
    struct weir_expr *none = bind_is_null(b, found);
    return is_in && a->in.negated ? none : bind_not(b, none);
}

/* How many rows at most, as far as the plan's form tells: 1 exactly, 0 for at most one, -1. */
static int row_bound(const struct weir_node *n)
{
    switch (n->kind) {
    case WEIR_NODE_PROJECT: return row_bound(n->input[0]);
    case WEIR_NODE_FILTER: return row_bound(n->input[0]) < 0 ? -1 : 0;
    case WEIR_NODE_AGGREGATE: return n->aggregate.n_keys ? row_bound(n->input[0]) : 1;
    case WEIR_NODE_SORT:
        if (n->sort.limit == 0 || n->sort.limit == 1) return 0;
        return row_bound(n->input[0]) < 0 ? -1 : 0;
    case WEIR_NODE_VALUES:
        return !n->values.batch || n->values.batch->n_rows > 1 ? -1
               : n->values.batch->n_rows == 1                  ? 1
                                                               : 0;
    default: return -1;
    }
}

/* What the aggregates of a sub-query are above its join: COUNT is 0 where no group matched. */
struct lifted {
    int first, sub; /* column of the first aggregate; number of the sub-join */
    bool optional;  /* a group may be missing */
    const struct weir_agg *agg;
};

static struct weir_expr *lift_leaf(struct rewrite *r, struct weir_expr *e)
{
    const struct lifted *l = r->ctx;
    if (e->op != WEIR_OP_COLUMN) return NULL;
    int i = e->column - l->first;
    struct weir_type t = e->type;
    if (i < 0)
        return bind_unsupported(r->b, &e->pos,
                                "a sub-query used as a value may have only aggregates "
                                "of its columns, like MIN(...)");
    if (l->optional) t.nullable = 1;
    struct weir_expr *x = sub_value(r->b, l->sub, i, t, e->pos);
    if (!x || !l->optional || l->agg[i].fn != WEIR_AGG_COUNT) return x;
    struct weir_expr *arg[2] = {x, bind_const_i64(r->b, t, 0, e->pos)};
    return arg[1] ? bind_coalesce(r->b, arg, 2, e->pos) : NULL;
}

/* (SELECT MAX(x) FROM t WHERE t.k = outer.k): t's aggregates by k, joined on k. */
static struct weir_expr *aggregate_value(struct binder *b, struct scope *s, struct inner *in,
                                         struct weir_pos pos)
{
    struct subjoin j = {.value = 0};
    j.left_key = bind_alloc(b, (size_t)in->s.n_corr, sizeof *j.left_key);
    j.right_key = bind_alloc(b, (size_t)in->s.n_corr, sizeof *j.right_key);
    if (!j.left_key || !j.right_key || !correlate(b, in, &j)) return NULL;
    if (j.residual || j.n_keys > 63)
        return bind_unsupported(
            b, j.residual ? &j.residual->pos : &pos,
            "a sub-query used as a value may use the enclosing query only in "
            "equalities; group by the key in a sub-query in FROM and join with it");
    if (in->s.n_agg > SUB_VALUES)
        return bind_unsupported(b, &pos, "more than %d aggregates in a sub-query used as a value",
                                SUB_VALUES);
    uint64_t all = (UINT64_C(1) << j.n_keys) - 1;
    struct grouping g = {.n_keys = j.n_keys, .n_sets = 1, .set = &all, .all_columns = true};
    g.key = bind_alloc(b, (size_t)j.n_keys, sizeof *g.key);
    struct weir_expr **item = &in->item[0];
    for (int i = 0; g.key && i < j.n_keys; i++) g.key[i].expr = j.right_key[i];
    if (!g.key || !bind_aggregate_node(b, &in->s, &g, 0, &item, 1, pos)) return NULL;
    for (int i = 0; i < j.n_keys; i++)
        if (!(j.right_key[i] = bind_column(b, i, j.right_key[i]->type, pos))) return NULL;
    j.right = in->s.rel.node;
    j.type = j.n_keys ? WEIR_JOIN_LEFT : WEIR_JOIN_INNER;
    j.value = j.n_keys;
    struct lifted l = {j.n_keys, s->n_sub, j.n_keys > 0, in->s.agg};
    if (!add_sub(b, s, j)) return NULL;
    struct rewrite r = {.b = b, .leaf = lift_leaf, .ctx = &l};
    return bind_rewrite(&r, in->item[0]);
}

static struct weir_expr *one_row_value(struct binder *b, struct scope *s,
                                       const struct weir_ast_expr *a)
{
    struct rel *r = bind_query(b, a->query, s);
    if (!r) return NULL;
    if (r->n != 1)
        return bind_fail(b, &a->pos,
                         "a sub-query used as a value must have one column, this has %d", r->n);
    int rows = row_bound(r->node);
    if (rows < 0)
        return bind_unsupported(
            b, &a->pos,
            "a sub-query used as a value must have one row by its form: an "
            "aggregate without GROUP BY, or LIMIT 1; else join with it in FROM");
    struct subjoin j = {.type = rows ? WEIR_JOIN_INNER : WEIR_JOIN_LEFT, .right = r->node};
    j.value = r->col[0].index;
    struct weir_type t = r->col[0].type;
    if (!rows) t.nullable = 1;
    int k = s->n_sub;
    if (!add_sub(b, s, j)) return NULL;
    return sub_value(b, k, 0, t, a->pos);
}

static struct weir_expr *scalar(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    struct inner in;
    if (!is_plain(a->query) || a->query->body->select->n_items != 1) return one_row_value(b, s, a);
    if (!bind_plain(b, s, a->query, &in)) return NULL;
    if (in.s.n_agg) return aggregate_value(b, s, &in, a->pos);
    return one_row_value(b, s, a);
}

struct weir_expr *bind_subquery_value(struct binder *b, struct scope *s,
                                      const struct weir_ast_expr *a)
{
    if (!subs_allowed(b, s, a)) return NULL;
    return a->kind == WEIR_AST_EX_SUBQUERY ? scalar(b, s, a) : mark(b, s, a);
}
