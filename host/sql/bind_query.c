/* Queries: WITH, set operations, ORDER BY and LIMIT. A SELECT with the ORDER BY behind it
   is bound as one (bind_select.c), for ORDER BY may name columns that the SELECT list left out. */
#include <string.h>

#include "host/sql/bind_impl.h"

/* ---- ORDER BY, LIMIT ---- */

bool bind_nulls_first(const struct weir_ast_order *o)
{
    if (o->nulls == WEIR_AST_NULLS_UNSET) return !o->desc;
    return o->nulls == WEIR_AST_NULLS_FIRST;
}

static bool row_count(struct binder *b, const struct weir_ast_expr *a, const char *what,
                      int64_t *out)
{
    if (!a) return true;
    if (a->kind != WEIR_AST_EX_LITERAL || a->literal->kind != WEIR_AST_LIT_INT ||
        a->literal->int_value < 0) {
        bind_fail(b, &a->pos, "%s must be a whole number from 0 on", what);
        return false;
    }
    *out = a->literal->int_value;
    return true;
}

bool bind_limit(struct binder *b, const struct weir_ast_query *q, struct rel *r, int n_keys,
                struct weir_sort_key *keys)
{
    int64_t limit = -1, offset = 0;
    if (!row_count(b, q->limit, q->fetch ? "FETCH" : "LIMIT", &limit) ||
        !row_count(b, q->offset, "OFFSET", &offset))
        return false;
    if (!n_keys && limit < 0 && !offset) return true;
    struct weir_node *n = bind_node(b, WEIR_NODE_SORT, 1, r->node->schema.n, q->pos);
    if (!n) return false;
    n->input[0] = r->node;
    for (int i = 0; i < n->schema.n; i++) n->schema.field[i] = r->node->schema.field[i];
    n->sort.n_keys = n_keys;
    n->sort.key = keys;
    n->sort.offset = offset;
    n->sort.limit = limit;
    r->node = n;
    return true;
}

/* ORDER BY behind something that is no SELECT: over its output columns. */
bool bind_order_output(struct binder *b, const struct weir_ast_query *q, struct rel *r)
{
    size_t n = q->order_by.n;
    struct weir_sort_key *keys = bind_alloc(b, n, sizeof *keys);
    struct scope s = {.rel = *r};
    for (size_t i = 0; keys && i < n; i++) {
        const struct weir_ast_order *o = &q->order_by.items[i];
        const struct weir_ast_expr *e = o->expr;
        keys[i].descending = o->desc;
        keys[i].nulls_first = bind_nulls_first(o);
        if (e->kind == WEIR_AST_EX_LITERAL && e->literal->kind == WEIR_AST_LIT_INT) {
            int64_t k = e->literal->int_value;
            if (k < 1 || k > r->n)
                return bind_fail(b, &e->pos, "ORDER BY %lld: there are %d columns", (long long)k,
                                 r->n);
            keys[i].expr = bind_column(b, r->col[k - 1].index, r->col[k - 1].type, e->pos);
        } else {
            keys[i].expr = bind_top(b, &s, e, "ORDER BY");
        }
        if (!keys[i].expr) return false;
    }
    return keys && bind_limit(b, q, r, (int)n, keys);
}

/* ---- set operations ---- */

struct branches {
    int n, cap;
    struct rel **rel;
    const struct weir_pos **pos;
    int cap_pos;
};

static bool add_branch(struct binder *b, struct branches *l, const struct weir_ast_body *body,
                       struct scope *outer)
{
    if (body->kind == WEIR_AST_BODY_SETOP && body->setop.op == WEIR_AST_SET_UNION &&
        body->setop.all)
        return add_branch(b, l, body->setop.left, outer) &&
               add_branch(b, l, body->setop.right, outer);
    struct rel **rel = bind_grow(b, l->rel, l->n, &l->cap, sizeof *rel);
    if (!rel) return false;
    l->rel = rel;
    const struct weir_pos **pos = bind_grow(b, l->pos, l->n, &l->cap_pos, sizeof *pos);
    if (!pos) return false;
    l->pos = pos;
    pos[l->n] = &body->pos;
    rel[l->n] = bind_body(b, body, outer);
    return rel[l->n++] != NULL;
}

/* The branches' columns as their common types. */
static bool unify_branches(struct binder *b, struct branches *l, const char *what)
{
    struct rel *first = l->rel[0];
    struct weir_type *t = bind_alloc(b, (size_t)first->n, sizeof *t);
    if (!t) return false;
    for (int c = 0; c < first->n; c++) t[c] = first->col[c].type;
    for (int i = 1; i < l->n; i++) {
        struct rel *r = l->rel[i];
        if (r->n != first->n)
            return bind_fail(b, l->pos[i], "%s of a query with %d columns and one with %d", what,
                             first->n, r->n);
        for (int c = 0; c < r->n; c++)
            if (!bind_common_type(t[c], r->col[c].type, &t[c]))
                return bind_fail(b, l->pos[i],
                                 "column %d (\"%s\") is %s in one query of the %s and %s in this "
                                 "one; CAST one of them",
                                 c + 1, first->col[c].name, bind_type_text(b, t[c]), what,
                                 bind_type_text(b, r->col[c].type));
    }
    for (int i = 0; i < l->n; i++)
        if (!bind_cast_columns(b, l->rel[i], t, *l->pos[i])) return false;
    return true;
}

/* What both branches are, the union is. */
static void merge_role(struct column *c, const struct column *other)
{
    if (c->role != other->role) c->role = ROLE_NONE;
    if (c->window != other->window) c->window = NULL;
    c->late |= other->late;
}

static struct rel *union_all(struct binder *b, struct branches *l, struct weir_pos pos)
{
    struct weir_node **in = bind_alloc(b, (size_t)l->n, sizeof *in);
    struct rel *out = l->rel[0];
    if (!in) return NULL;
    for (int i = 0; i < l->n; i++) {
        in[i] = l->rel[i]->node;
        for (int c = 0; c < out->n; c++) merge_role(&out->col[c], &l->rel[i]->col[c]);
    }
    out->node = bind_union(b, in, l->n, pos);
    for (int c = 0; out->node && c < out->n; c++) {
        out->col[c].type = out->node->schema.field[c].type;
        out->col[c].table = NULL;
    }
    return out->node ? out : NULL;
}

/* R's columns and behind them the constant MARK. */
static bool add_mark(struct binder *b, struct rel *r, int64_t mark, struct weir_pos pos)
{
    struct weir_expr **e = bind_alloc(b, (size_t)r->n + 1, sizeof *e);
    const char **name = bind_alloc(b, (size_t)r->n + 1, sizeof *name);
    if (!e || !name) return false;
    for (int i = 0; i < r->n; i++) {
        name[i] = r->col[i].name;
        if (!(e[i] = bind_column(b, i, r->col[i].type, pos))) return false;
    }
    name[r->n] = "side";
    if (!(e[r->n] = bind_const_i64(b, weir_type_make(WEIR_TYPE_INT), mark, pos))) return false;
    r->node = bind_project(b, r->node, r->n + 1, e, name, pos);
    return r->node != NULL;
}

static bool side_agg(struct binder *b, struct weir_node *n, int i, enum weir_agg_fn fn, int column)
{
    struct weir_agg *a = &n->aggregate.agg[i];
    struct weir_type t = weir_type_make(WEIR_TYPE_INT);
    a->fn = (uint8_t)fn;
    a->type = t;
    a->pos = n->pos;
    t.nullable = 0;
    n->schema.field[column + i] =
        (struct weir_field){fn == WEIR_AGG_MIN ? "first" : "last", a->type};
    return (a->arg = bind_column(b, column, t, n->pos)) != NULL;
}

/* Rows grouped by all columns (so that NULLs are the same), with the first and last side (1, 2)
   that has each: INTERSECT wants both, EXCEPT none of the right one. */
static struct rel *intersect_except(struct binder *b, struct branches *l, bool intersect,
                                    struct weir_pos pos)
{
    int n = l->rel[0]->n;
    if (!add_mark(b, l->rel[0], 1, pos) || !add_mark(b, l->rel[1], 2, pos)) return NULL;
    struct rel *out = union_all(b, l, pos);
    struct weir_node *agg = out ? bind_node(b, WEIR_NODE_AGGREGATE, 1, n + 2, pos) : NULL;
    if (!agg) return NULL;
    agg->input[0] = out->node;
    agg->aggregate.n_keys = n;
    agg->aggregate.n_aggs = 2;
    agg->aggregate.window_end_key = -1;
    agg->aggregate.key = bind_alloc(b, (size_t)n, sizeof *agg->aggregate.key);
    agg->aggregate.agg = bind_alloc(b, 2, sizeof *agg->aggregate.agg);
    struct weir_expr **keep = bind_alloc(b, (size_t)n, sizeof *keep);
    const char **name = bind_alloc(b, (size_t)n, sizeof *name);
    if (!agg->aggregate.key || !agg->aggregate.agg || !keep || !name) return NULL;
    for (int i = 0; i < n; i++) {
        agg->schema.field[i] = out->node->schema.field[i];
        name[i] = agg->schema.field[i].name;
        keep[i] = agg->aggregate.key[i] = bind_column(b, i, agg->schema.field[i].type, pos);
        if (!keep[i]) return NULL;
    }
    if (!side_agg(b, agg, 0, WEIR_AGG_MIN, n) || !side_agg(b, agg, 1, WEIR_AGG_MAX, n)) return NULL;
    struct weir_type t = weir_type_make(WEIR_TYPE_INT);
    struct weir_expr *one = bind_const_i64(b, t, 1, pos), *two = bind_const_i64(b, t, 2, pos);
    struct weir_expr *test[2] = {
        bind_compare(b, WEIR_OP_EQ, bind_column(b, n, t, pos), one, pos),
        bind_compare(b, WEIR_OP_EQ, bind_column(b, n + 1, t, pos), intersect ? two : one, pos)};
    if (!test[0] || !test[1]) return NULL;
    struct weir_node *f = bind_filter(b, agg, bind_chain(b, WEIR_OP_AND, test, 2));
    out->node = f ? bind_project(b, f, n, keep, name, pos) : NULL;
    return out->node ? out : NULL;
}

/* One operand of a set operation: all branches of a UNION ALL, put together. */
static struct rel *operand(struct binder *b, const struct weir_ast_body *body, struct scope *outer)
{
    struct branches l = {0};
    if (!add_branch(b, &l, body, outer)) return NULL;
    if (l.n == 1) return l.rel[0];
    return unify_branches(b, &l, "UNION") ? union_all(b, &l, body->pos) : NULL;
}

static struct rel *bind_setop(struct binder *b, const struct weir_ast_body *body,
                              struct scope *outer)
{
    static const char *const names[] = {"UNION", "INTERSECT", "EXCEPT"};
    enum weir_ast_setop op = body->setop.op;
    if (op == WEIR_AST_SET_UNION && body->setop.all) return operand(b, body, outer);
    if (body->setop.all)
        return bind_unsupported(b, &body->pos,
                                "%s ALL is parsed, not executed yet; %s (of distinct rows) is",
                                names[op], names[op]);
    struct rel *rel[2] = {operand(b, body->setop.left, outer), NULL};
    if (rel[0]) rel[1] = operand(b, body->setop.right, outer);
    if (!rel[1]) return NULL;
    const struct weir_pos *pos[2] = {&body->setop.left->pos, &body->setop.right->pos};
    struct branches l = {.n = 2, .rel = rel, .pos = pos};
    if (!unify_branches(b, &l, names[op])) return NULL;
    if (op != WEIR_AST_SET_UNION)
        return intersect_except(b, &l, op == WEIR_AST_SET_INTERSECT, body->pos);
    struct rel *out = union_all(b, &l, body->pos);
    if (out) out->node = bind_distinct(b, out->node, body->pos);
    return out && out->node ? out : NULL;
}

/* ---- bodies and queries ---- */

static struct rel *bind_table_body(struct binder *b, const struct weir_ast_body *body)
{
    struct weir_ast_table_ref t = {.pos = body->pos, .kind = WEIR_AST_TR_NAME};
    t.named.name = body->table;
    return bind_from(b, &t, NULL);
}

struct rel *bind_body(struct binder *b, const struct weir_ast_body *body, struct scope *outer)
{
    switch (body->kind) {
    case WEIR_AST_BODY_SELECT: return bind_select(b, NULL, body->select, &body->pos, outer);
    case WEIR_AST_BODY_VALUES: return bind_values(b, &body->rows, &body->pos);
    case WEIR_AST_BODY_SETOP: return bind_setop(b, body, outer);
    case WEIR_AST_BODY_QUERY: return bind_query(b, body->query, outer);
    default: return bind_table_body(b, body);
    }
}

static bool push_ctes(struct binder *b, const struct weir_ast_query *q)
{
    if (q->recursive) {
        bind_unsupported(b, &q->pos, "WITH RECURSIVE is parsed, not executed yet");
        return false;
    }
    for (size_t i = 0; i < q->n_ctes; i++) {
        struct cte *c = bind_alloc(b, 1, sizeof *c);
        if (!c) return false;
        c->ast = &q->ctes[i];
        c->next = b->ctes;
        b->ctes = c;
    }
    return true;
}

struct rel *bind_query(struct binder *b, const struct weir_ast_query *q, struct scope *outer)
{
    struct cte *saved = b->ctes;
    if (!push_ctes(b, q)) return NULL;
    struct rel *r;
    if (q->body->kind == WEIR_AST_BODY_SELECT) {
        r = bind_select(b, q, q->body->select, &q->body->pos, outer);
    } else {
        r = bind_body(b, q->body, outer);
        if (r && !bind_order_output(b, q, r)) r = NULL;
    }
    b->ctes = saved;
    return r;
}
