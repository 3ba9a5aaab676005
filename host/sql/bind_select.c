/* One SELECT: FROM and WHERE make the input, then the SELECT list, GROUP BY, HAVING and ORDER BY
   are bound over it together, and the nodes are stacked: AGGREGATE, joins of the sub-queries that
   were met, FILTER, PROJECT, DISTINCT, SORT.

   Several grouping sets are as many SELECTs, each bound from scratch, under one UNION. */
#include <string.h>

#include "host/sql/bind_impl.h"

struct block {
    struct scope s;
    const struct weir_ast_select *sel;
    const struct weir_pos *pos;
    int n_items, cap_items;
    struct alias *item;
    int n_having, cap_having;
    struct weir_expr **having;
    int n_order;
    struct weir_expr **order;
    struct grouping g;
    bool grouped;
};

/* ---- the SELECT list ---- */

static bool add_item(struct binder *b, struct block *k, const char *name, struct weir_expr *e)
{
    struct alias *item = bind_grow(b, k->item, k->n_items, &k->cap_items, sizeof *item);
    if (!item || !e) return false;
    k->item = item;
    item[k->n_items++] = (struct alias){name, e};
    return true;
}

static bool add_star(struct binder *b, struct block *k, const struct weir_ast_expr *a)
{
    const struct weir_ast_name *q = &a->star.qualifier;
    const char *table = q->n ? q->parts[q->n - 1].name : NULL;
    const struct rel *r = &k->s.rel;
    int before = k->n_items;
    for (int i = 0; i < r->n; i++) {
        const struct column *c = &r->col[i];
        if (table ? !c->table || strcmp(c->table, table) : c->hidden) continue;
        if (!add_item(b, k, c->name, bind_column(b, c->index, c->type, a->pos))) return false;
    }
    if (k->n_items > before) return true;
    if (table)
        bind_fail(b, &a->pos, "unknown table \"%s\" before .*; FROM has no such name", table);
    else
        bind_fail(b, &a->pos, "SELECT * needs a FROM");
    return false;
}

static const char *item_name(struct binder *b, const struct weir_ast_alias *a, int i)
{
    if (a->alias.name) return a->alias.name;
    if (a->expr->kind == WEIR_AST_EX_COLUMN)
        return a->expr->column.parts[a->expr->column.n - 1].name;
    const char *name = weir_arena_printf(b->arena, "EXPR$%d", i);
    return name ? name : bind_nomem(b);
}

static bool bind_items(struct binder *b, struct block *k)
{
    k->s.agg_ok = k->s.sub_ok = true;
    for (size_t i = 0; i < k->sel->n_items; i++) {
        const struct weir_ast_alias *a = &k->sel->items[i];
        if (a->expr->kind == WEIR_AST_EX_STAR) {
            if (!add_star(b, k, a->expr)) return false;
            continue;
        }
        struct weir_expr *e = bind_top(b, &k->s, a->expr, "SELECT");
        const char *name = e ? item_name(b, a, k->n_items) : NULL;
        if (!name || !add_item(b, k, name, e)) return false;
    }
    return true;
}

static bool bind_orders(struct binder *b, struct block *k, const struct weir_ast_orders *orders)
{
    k->n_order = (int)orders->n;
    k->order = bind_alloc(b, orders->n, sizeof(struct weir_expr *));
    k->s.alias_first = true;
    for (int i = 0; k->order && i < k->n_order; i++) {
        const struct weir_ast_expr *e = orders->items[i].expr;
        if (e->kind == WEIR_AST_EX_LITERAL && e->literal->kind == WEIR_AST_LIT_INT) {
            int64_t n = e->literal->int_value;
            if (n < 1 || n > k->n_items)
                return bind_fail(b, &e->pos, "ORDER BY %lld: the SELECT list has %d items",
                                 (long long)n, k->n_items);
            k->order[i] = k->item[n - 1].expr;
        } else {
            k->order[i] = bind_top(b, &k->s, e, "ORDER BY");
        }
        if (!k->order[i]) return false;
    }
    return k->order != NULL;
}

/* ---- binding all clauses ---- */

static bool bind_input(struct binder *b, struct block *k, struct scope *outer)
{
    k->s.outer = outer;
    struct rel *from = k->sel->from ? bind_from(b, k->sel->from, outer) : bind_one_row(b, *k->pos);
    if (!from) return false;
    k->s.rel = *from;
    return !k->sel->where || bind_where(b, &k->s, k->sel->where);
}

static bool bind_clauses(struct binder *b, struct block *k, const struct weir_ast_orders *orders)
{
    const struct weir_ast_select *sel = k->sel;
    if (sel->qualify)
        return bind_unsupported(b, &sel->qualify->pos,
                                "QUALIFY is parsed, not executed yet; filter "
                                "in an outer query");
    if (!bind_group_window(b, &k->s, sel) || !bind_items(b, k)) return false;
    k->s.alias = k->item;
    k->s.n_alias = k->n_items;
    k->s.agg_ok = false;
    k->s.early = true;
    if (!bind_group_by(b, &k->s, sel, &k->g)) return false;
    k->s.early = false;
    k->s.agg_ok = true;
    k->s.n_alias = 0;
    if (sel->having &&
        !bind_conjuncts(b, &k->s, sel->having, "HAVING", &k->having, &k->n_having, &k->cap_having))
        return false;
    k->s.n_alias = k->n_items;
    if (orders && k->g.n_sets == 1 && !bind_orders(b, k, orders)) return false;
    k->grouped = sel->grouped || sel->having || k->s.n_agg;
    return true;
}

/* ---- stacking the nodes ---- */

static bool group(struct binder *b, struct block *k, int set)
{
    int n = k->n_items + k->n_having + k->n_order, at = 0;
    struct weir_expr ***all = bind_alloc(b, (size_t)n, sizeof *all);
    if (!all) return false;
    for (int i = 0; i < k->n_items; i++) all[at++] = &k->item[i].expr;
    for (int i = 0; i < k->n_having; i++) all[at++] = &k->having[i];
    for (int i = 0; i < k->n_order; i++) all[at++] = &k->order[i];
    return bind_aggregate_node(b, &k->s, &k->g, set, all, n, *k->pos);
}

static bool place_subs(struct binder *b, struct block *k)
{
    if (!bind_apply_subs(b, &k->s, true) || !bind_apply_subs(b, &k->s, false)) return false;
    for (int i = 0; i < k->n_items; i++)
        if (!(k->item[i].expr = bind_place_subs(b, &k->s, k->item[i].expr))) return false;
    for (int i = 0; i < k->n_having; i++)
        if (!(k->having[i] = bind_place_subs(b, &k->s, k->having[i]))) return false;
    for (int i = 0; i < k->n_order; i++)
        if (!(k->order[i] = bind_place_subs(b, &k->s, k->order[i]))) return false;
    if (!k->n_having) return true;
    k->s.rel.node =
        bind_filter(b, k->s.rel.node, bind_chain(b, WEIR_OP_AND, k->having, k->n_having));
    return k->s.rel.node != NULL;
}

static void pass_role(const struct rel *r, const struct weir_expr *e, struct column *out)
{
    for (int i = 0; e->op == WEIR_OP_COLUMN && i < r->n; i++)
        if (r->col[i].index == e->column) {
            out->role = r->col[i].role;
            out->late = r->col[i].late;
            out->window = r->col[i].window;
        }
}

/* The projection: the items, then what ORDER BY needs beside them. KEYS get its columns. */
static struct rel *project(struct binder *b, struct block *k, const struct weir_ast_orders *orders,
                           struct weir_sort_key *keys)
{
    int n = k->n_items, max = n + k->n_order;
    struct weir_expr **e = bind_alloc(b, (size_t)max, sizeof *e);
    const char **name = bind_alloc(b, (size_t)max, sizeof *name);
    struct rel *out = bind_alloc(b, 1, sizeof *out);
    if (!e || !name || !out) return NULL;
    for (int i = 0; i < n; i++) {
        e[i] = k->item[i].expr;
        name[i] = k->item[i].name;
        struct column c = {.name = name[i], .type = e[i]->type, .index = i};
        pass_role(&k->s.rel, e[i], &c);
        if (!bind_add_column(b, out, c)) return NULL;
    }
    for (int i = 0; i < k->n_order; i++) {
        int at = 0;
        while (at < n && !weir_expr_equal(e[at], k->order[i])) at++;
        if (at == n && k->sel->distinct)
            return bind_fail(b, &k->order[i]->pos,
                             "with SELECT DISTINCT, ORDER BY takes only items "
                             "of the SELECT list");
        if (at == n) {
            e[n] = k->order[i];
            name[n] = weir_arena_printf(b->arena, "order%d", i);
            if (!name[n++]) return bind_nomem(b);
        }
        keys[i].expr = bind_column(b, at, e[at]->type, k->order[i]->pos);
        keys[i].descending = orders->items[i].desc;
        keys[i].nulls_first = bind_nulls_first(&orders->items[i]);
        if (!keys[i].expr) return NULL;
    }
    out->node = bind_project(b, k->s.rel.node, n, e, name, *k->pos);
    return out->node ? out : NULL;
}

/* Drop the columns behind the first N. */
static bool cut_columns(struct binder *b, struct rel *r, int n, struct weir_pos pos)
{
    if (r->node->schema.n == n) return true;
    struct weir_expr **e = bind_alloc(b, (size_t)n, sizeof *e);
    const char **name = bind_alloc(b, (size_t)n, sizeof *name);
    for (int i = 0; e && name && i < n; i++) {
        name[i] = r->node->schema.field[i].name;
        if (!(e[i] = bind_column(b, i, r->node->schema.field[i].type, pos))) return false;
    }
    if (!e || !name) return false;
    r->node = bind_project(b, r->node, n, e, name, pos);
    return r->node != NULL;
}

/* One block for grouping set SET; *N_SETS tells how many there are. */
static struct rel *bind_block(struct binder *b, const struct weir_ast_query *q,
                              const struct weir_ast_select *sel, const struct weir_pos *pos,
                              struct scope *outer, int set, int *n_sets)
{
    const struct weir_ast_orders *orders = q ? &q->order_by : NULL;
    struct block k = {.sel = sel, .pos = pos};
    if (!bind_input(b, &k, outer) || !bind_clauses(b, &k, orders)) return NULL;
    *n_sets = k.g.n_sets;
    if (k.grouped && !group(b, &k, set)) return NULL;
    if (!place_subs(b, &k)) return NULL;
    struct weir_sort_key *keys = bind_alloc(b, (size_t)k.n_order, sizeof *keys);
    struct rel *out = keys ? project(b, &k, orders, keys) : NULL;
    if (!out || k.g.n_sets > 1) return out;
    if (sel->distinct && !(out->node = bind_distinct(b, out->node, *pos))) return NULL;
    if (q && !bind_limit(b, q, out, k.n_order, keys)) return NULL;
    return cut_columns(b, out, k.n_items, *pos) ? out : NULL;
}

struct rel *bind_select(struct binder *b, const struct weir_ast_query *q,
                        const struct weir_ast_select *sel, const struct weir_pos *pos,
                        struct scope *outer)
{
    int n = 1;
    struct rel *first = bind_block(b, q, sel, pos, outer, 0, &n);
    if (!first || n == 1) return first;
    struct weir_node **in = bind_alloc(b, (size_t)n, sizeof *in);
    if (!in) return NULL;
    in[0] = first->node;
    for (int i = 1; i < n; i++) {
        struct rel *r = bind_block(b, q, sel, pos, outer, i, &n);
        if (!r) return NULL;
        in[i] = r->node;
    }
    first->node = bind_union(b, in, n, *pos);
    for (int i = 0; first->node && i < first->n; i++) {
        first->col[i].type = first->node->schema.field[i].type;
        first->col[i].role = ROLE_NONE;
    }
    if (first->node && sel->distinct) first->node = bind_distinct(b, first->node, *pos);
    return first->node && (!q || bind_order_output(b, q, first)) ? first : NULL;
}
