/* Random queries: FROM with joins, windows and sub-queries, WHERE, GROUP BY, HAVING, the items and
   their order. See generate.h. Queries that may fail (overflow, division by zero) are kept simple,
   because there the order of evaluation decides whether they do: one table, no HAVING, no LIMIT. */

#include "engine.h"
#include "generate.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

struct builder {
    const struct database *db;
    struct pool *pool;
    struct rng *shape, *constant;
    int next_alias;
    bool failing;
};

static const i128 many_rows = 2000000;

bool query_has_window(const struct query *q)
{
    return q->n_relations > 0 && q->relation[0].kind >= rel_tumble;
}

static struct scope new_scope(struct builder *b)
{
    return (struct scope){
        .pool = b->pool, .shape = b->shape, .constant = b->constant, .allow_fail = b->failing};
}

static struct expr *column_ref(struct builder *b, int alias, const char *name, struct type type)
{
    char text[40];
    int n = snprintf(text, sizeof text, "a%d.%s", alias, name);
    struct expr *e = expr_new(b->pool, op_column, type, 0);
    e->weir = e->sqlite = pool_text(b->pool, text, (size_t)n);
    return e;
}

static void add_leaf(struct scope *s, struct expr *e, const struct column *domain)
{
    if (s->n < max_leaves) s->leaf[s->n++] = (struct leaf){e, domain};
}

static struct expr *table_column(struct builder *b, int alias, const struct column *c)
{
    struct expr *e = column_ref(b, alias, c->name, c->type);
    double far = (double)(i128_abs(c->lo) > i128_abs(c->hi) ? i128_abs(c->lo) : i128_abs(c->hi));
    e->lo = c->lo;
    e->hi = c->hi;
    e->largest = far * c->unit;
    e->ascii = c->ascii;
    e->not_null = c->nulls == 0;
    e->max_length = 400;
    return e;
}

static void add_table(struct builder *b, struct scope *s, int alias, const struct table *t)
{
    for (int i = 0; i < t->n_columns; i++)
        add_leaf(s, table_column(b, alias, &t->column[i]), &t->column[i]);
}

static void copy_facts(struct expr *to, const struct expr *from)
{
    to->lo = from->lo;
    to->hi = from->hi;
    to->largest = from->largest;
    to->inexact = from->inexact;
    to->ascii = from->ascii;
    to->max_length = from->max_length;
}

static void add_query(struct builder *b, struct scope *s, int alias, const struct query *q)
{
    for (int i = 0; i < q->n_items; i++) {
        struct expr *e = column_ref(b, alias, q->item[i].name, q->item[i].expr->type);
        copy_facts(e, q->item[i].expr);
        for (const struct query *arm = q->next; arm; arm = arm->next) {
            const struct expr *other = arm->item[i].expr;
            if (other->lo < e->lo) e->lo = other->lo;
            if (other->hi > e->hi) e->hi = other->hi;
            if (other->largest > e->largest) e->largest = other->largest;
            e->inexact |= other->inexact;
            e->ascii &= other->ascii;
        }
        add_leaf(s, e, NULL);
    }
}

static struct expr *window_column(struct builder *b, const struct relation *r, const char *name,
                                  const char *old)
{
    struct expr *e = column_ref(b, r->alias, name, type_of(k_ts));
    e->lo = r->time->lo - 86400000 * 2;
    e->hi = r->time->hi + 86400000 * 2;
    e->not_null = true;
    if (!r->old_style) return e;
    struct text call = {0};
    text_add(&call, r->kind == rel_tumble ? "TUMBLE" : "HOP");
    text_add(&call, old);
    print_window_arguments(&call, r);
    e->weir = pool_text(b->pool, call.data, call.length);
    text_free(&call);
    return e;
}

static void make_window(struct builder *b, struct relation *r)
{
    static const int64_t sizes[] = {1, 5, 10, 60, 90, 3600, 86400};
    uint32_t luck = rng_below(b->shape, 100);
    r->kind = luck < 55 ? rel_tumble : luck < 85 ? rel_hop : rel_cumulate;
    r->time = &r->table->column[r->table->n_columns - 1];
    r->old_style = r->kind != rel_cumulate && rng_percent(b->shape, 25);
    int64_t span = r->time->hi - r->time->lo > 1000000 ? 3 : 0;
    r->slide_ms = r->size_ms = sizes[span + (int64_t)rng_below(b->shape, 4)] * 1000;
    if (r->kind != rel_tumble) r->size_ms = r->slide_ms * (1 + rng_below(b->shape, 4));
}

static const struct table *pick_table(struct builder *b)
{
    return &b->db->table[rng_below(b->shape, (uint32_t)b->db->n_tables)];
}

static void make_values(struct builder *b, struct relation *r)
{
    struct scope s = new_scope(b);
    static const enum kind kinds[] = {k_i32, k_str, k_dec,   k_f64,   k_date,
                                      k_ts,  k_ltz, k_clock, k_bytes, k_bool};
    struct type type[3];
    r->kind = rel_values;
    r->n_values = 1 + (int)rng_below(b->shape, 4);
    r->n_value_columns = 1 + (int)rng_below(b->shape, 3);
    r->values =
        pool_get(b->pool, sizeof(struct expr *) * (size_t)(r->n_values * r->n_value_columns));
    for (int c = 0; c < r->n_value_columns; c++) {
        type[c] = type_of(kinds[rng_below(b->shape, sizeof kinds / sizeof *kinds)]);
        if (type[c].kind == k_dec) type[c] = type_decimal(6, 2);
    }
    for (int i = 0; i < r->n_values * r->n_value_columns; i++) {
        struct expr *e = generate_constant(&s, type[i % r->n_value_columns], NULL);
        e->lo = kind_is_exact(e->type.kind) ? -100 : e->lo;
        e->hi = kind_is_exact(e->type.kind) ? 100 : e->hi;
        e->largest = 100;
        if (rng_percent(b->constant, 10)) e->value = (struct value){.null = true};
        r->values[i] = e;
    }
}

static void add_values(struct builder *b, struct scope *s, const struct relation *r)
{
    for (int c = 0; c < r->n_value_columns; c++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", c);
        struct expr *e = column_ref(b, r->alias, name, r->values[c]->type);
        copy_facts(e, r->values[c]);
        add_leaf(s, e, NULL);
    }
}

static struct query *make_select(struct builder *b, int depth);

static void make_relation(struct builder *b, struct relation *r, bool window, int depth)
{
    r->alias = b->next_alias++;
    uint32_t luck = rng_below(b->shape, 100);
    r->kind = rel_table;
    r->table = pick_table(b);
    if (window) {
        make_window(b, r);
    } else if (depth > 0 && luck < 15 && !b->failing) {
        r->kind = rel_query;
        r->query = make_select(b, depth - 1);
        uint32_t form = rng_below(b->shape, 100);
        r->form = form < 60 ? form_inline : form < 80 ? form_view : form_with;
    } else if (luck < 22 && !b->failing) {
        make_values(b, r);
    }
}

static void add_relation(struct builder *b, struct scope *s, const struct relation *r)
{
    int before = s->n;
    if (r->kind == rel_query) {
        add_query(b, s, r->alias, r->query);
    } else if (r->kind == rel_values) {
        add_values(b, s, r);
    } else {
        add_table(b, s, r->alias, r->table);
    }
    for (int i = before; r->join == join_left && i < s->n; i++) s->leaf[i].expr->not_null = false;
}

/* Equal types, or two integers. */
static bool can_join(const struct expr *a, const struct expr *b)
{
    if (a->inexact || b->inexact || a->type.kind == k_bool) return false;
    return type_equal(a->type, b->type) || (kind_is_int(a->type.kind) && kind_is_int(b->type.kind));
}

static int find_keys(struct builder *b, const struct scope *left, const struct scope *right,
                     int want, struct expr **left_key, struct expr **right_key)
{
    int n = 0;
    for (int tries = 0; tries < 40 && n < want; tries++) {
        if (left->n == 0 || right->n == 0) break;
        struct expr *l = left->leaf[rng_below(b->shape, (uint32_t)left->n)].expr;
        struct expr *r = right->leaf[rng_below(b->shape, (uint32_t)right->n)].expr;
        if (!can_join(l, r) || (n && (left_key[0] == l || right_key[0] == r))) continue;
        left_key[n] = l;
        right_key[n++] = r;
    }
    return n;
}

static void make_join(struct builder *b, struct query *q, struct scope *s, int depth)
{
    struct relation *r = &q->relation[q->n_relations];
    struct scope right = new_scope(b);
    *r = (struct relation){0};
    make_relation(b, r, false, depth);
    add_relation(b, &right, r);
    r->n_keys =
        find_keys(b, s, &right, rng_percent(b->shape, 30) ? 2 : 1, r->left_key, r->right_key);
    if (r->n_keys == 0 && (r->kind != rel_values || rng_percent(b->shape, 50))) return;
    r->join = r->n_keys == 0 ? join_cross : rng_percent(b->shape, 40) ? join_left : join_inner;
    int first = s->n;
    for (int i = 0; i < right.n; i++) add_leaf(s, right.leaf[i].expr, right.leaf[i].domain);
    if (r->n_keys > 0 && rng_percent(b->shape, 20)) {
        s->allow_fail = false;
        r->residual = generate_bool(s, 1);
    }
    for (int i = first; r->join == join_left && i < s->n; i++) s->leaf[i].expr->not_null = false;
    if (q->n_relations == 1 && r->join == join_left && !query_has_window(q) &&
        rng_percent(b->shape, 40)) {
        bool full = sqlite_has_full_join() && rng_percent(b->shape, 50);
        r->join = full ? join_full : join_right;
        for (int i = 0; i < s->n; i++) s->leaf[i].expr->not_null = false;
    }
    q->n_relations++;
}

static void make_member(struct builder *b, struct query *q, const struct scope *s)
{
    struct member *m = &q->member[q->n_members];
    struct scope inner = new_scope(b);
    *m = (struct member){.kind = (enum membership)rng_below(b->shape, 4), .alias = b->next_alias++};
    m->table = pick_table(b);
    inner.allow_fail = false;
    add_table(b, &inner, m->alias, m->table);
    bool many = m->kind >= member_exists && rng_percent(b->shape, 30);
    m->n_keys = find_keys(b, s, &inner, many ? 2 : 1, m->outer_key, m->inner_key);
    if (m->n_keys == 0) return;
    if (rng_percent(b->shape, 40)) m->filter = generate_bool(&inner, 1);
    q->n_members++;
}

static bool has_column(const struct expr *e)
{
    if (e->op == op_column) return true;
    for (int i = 0; i < e->n; i++)
        if (has_column(e->kid[i])) return true;
    return false;
}

static bool has_scalar_query(const struct expr *e)
{
    if (e->op == op_column && e->param) return true;
    for (int i = 0; i < e->n; i++)
        if (has_scalar_query(e->kid[i])) return true;
    return false;
}

static struct expr *make_aggregate(struct builder *b, struct scope *s, bool joined)
{
    enum aggregate a = (enum aggregate)rng_below(b->shape, agg_kinds);
    if (a > agg_max && rng_percent(b->shape, 60)) a = (enum aggregate)rng_below(b->shape, 3);
    struct expr *x = NULL;
    s->exact = false;
    if (a == agg_count && rng_percent(b->shape, 40)) {
        x = NULL;
    } else if (a == agg_count || a == agg_min || a == agg_max) {
        x = generate_any(s, (int)rng_below(b->shape, 2));
    } else {
        x = generate_expr(s, class_number, (int)rng_below(b->shape, 3));
    }
    if (x && x->type.kind == k_bool && a != agg_count) x = generate_expr(s, class_int, 1);
    bool spread = a > agg_max && (x->type.kind == k_dec || kind_is_int(x->type.kind)
                                      ? x->lo < -1000000 || x->hi > 1000000
                                      : x->largest > 1e6);
    if (spread || (x && x->inexact)) {
        a = agg_count;
        x = NULL;
    }
    struct expr *filter = NULL;
    if (rng_percent(b->shape, 20)) filter = generate_bool(s, 1);
    struct expr *e =
        expr_new(b->pool, op_aggregate, x ? aggregate_type(a, x->type) : type_of(k_i64), 2);
    e->param = (int)a;
    e->kid[0] = x;
    e->kid[1] = filter;
    e->distinct = x && (a == agg_count ? rng_percent(b->shape, 40)
                                       : a <= agg_avg && rng_percent(b->shape, 8));
    if (e->distinct && x->inexact) e->distinct = false;
    e->not_null = a == agg_count;
    e->may_fail = (x && x->may_fail) || (filter && filter->may_fail);
    i128 rows = joined ? many_rows * 10 : 20000;
    if (a == agg_count) {
        e->hi = rows;
        return e;
    }
    copy_facts(e, x);
    e->inexact = a > agg_max || (a != agg_min && a != agg_max && kind_is_float(x->type.kind));
    if (a > agg_max) e->largest = 1e13;
    if (a == agg_sum) {
        long double top = (long double)(x->hi > -x->lo ? x->hi : -x->lo) * (long double)rows;
        bool fits = kind_is_float(x->type.kind) || top < (long double)type_max(e->type);
        e->may_fail |= !fits;
        e->lo = fits ? x->lo * rows : type_min(e->type);
        e->hi = fits ? x->hi * rows : type_max(e->type);
        e->largest = x->largest * (double)rows;
    } else if (a == agg_avg && x->type.kind == k_dec) {
        int up = e->type.s - x->type.s;
        if (x->type.p + up > 38) e->may_fail = true;
        e->lo = e->may_fail ? type_min(e->type) : x->lo * pow10_table[up];
        e->hi = e->may_fail ? type_max(e->type) : x->hi * pow10_table[up];
    }
    return e;
}

static void make_groups(struct builder *b, struct query *q, struct scope *s, struct scope *after)
{
    q->grouped = true;
    bool window = query_has_window(q);
    if (window) {
        q->key[q->n_keys++] = window_column(b, &q->relation[0], "window_start", "_START");
        q->key[q->n_keys++] = window_column(b, &q->relation[0], "window_end", "_END");
    }
    int want = window ? (int)rng_below(b->shape, 3) : (int)rng_below(b->shape, 4);
    for (int i = 0; i < want && q->n_keys < max_group_keys; i++) {
        s->exact = true;
        struct expr *k = generate_any(s, rng_percent(b->shape, 75) ? 0 : 2);
        s->exact = false;
        /* Weir does not see that two scalar sub-queries are the same key. */
        if (!has_column(k) || k->may_fail || has_scalar_query(k)) continue;
        q->key[q->n_keys++] = k;
    }
    for (int i = 0; i < q->n_keys; i++) add_leaf(after, q->key[i], NULL);
    int aggregates = 1 + (int)rng_below(b->shape, 4);
    for (int i = 0; i < aggregates; i++) {
        struct expr *e = make_aggregate(b, s, q->n_relations > 1);
        if (e->may_fail && !b->failing) e = make_aggregate(b, s, q->n_relations > 1);
        if (e->may_fail && !b->failing) continue;
        add_leaf(after, e, NULL);
    }
}

static void add_item(struct query *q, struct expr *e)
{
    struct item *item = &q->item[q->n_items];
    item->expr = e;
    snprintf(item->name, sizeof item->name, "o%d", q->n_items);
    q->n_items++;
}

static void make_items(struct builder *b, struct query *q, struct scope *s)
{
    int want = 1 + (int)rng_below(b->shape, 4);
    if (q->grouped) {
        for (int i = 0; i < s->n && q->n_items < max_items - 1; i++)
            if (rng_percent(b->shape, 80) || (i == 0 && q->n_keys == 0))
                add_item(q, s->leaf[i].expr);
        want = rng_percent(b->shape, 40) ? 1 : 0;
    }
    if (q->n_items == 0 && want == 0) want = 1;
    for (int i = 0; i < want; i++) add_item(q, generate_any(s, (int)rng_below(b->shape, 4)));
    if (b->failing && q->n_items < max_items)
        add_item(q, generate_expr(s, rng_percent(b->shape, 60) ? class_int : class_decimal, 3));
}

static void make_order(struct builder *b, struct query *q)
{
    bool all_exact = true;
    for (int i = 0; i < q->n_items; i++)
        for (const struct query *arm = q; arm; arm = arm->next)
            all_exact &= !arm->item[i].expr->inexact;
    if (rng_percent(b->shape, 65)) return;
    bool limit = all_exact && !b->failing && rng_percent(b->shape, 50);
    int first = (int)rng_below(b->shape, (uint32_t)q->n_items);
    for (int i = 0; i < q->n_items; i++) {
        int at = (first + i) % q->n_items;
        bool exact = true;
        for (const struct query *arm = q; arm; arm = arm->next)
            exact &= !arm->item[at].expr->inexact;
        if (!exact || (!limit && q->n_order == 2)) continue;
        struct order *o = &q->order[q->n_order++];
        *o = (struct order){.item = at, .descending = rng_percent(b->shape, 40)};
        o->nulls = rng_percent(b->shape, 20) ? 1 + (int)rng_below(b->shape, 2) : 0;
    }
    if (limit) q->limit = rng_below(b->shape, 30);
    if (limit && rng_percent(b->shape, 25)) q->offset = rng_below(b->shape, 12);
}

/* (SELECT MAX(c) FROM t): one value, NULL where T has none, the same in both dialects. */
static void add_scalar(struct builder *b, struct scope *s)
{
    static const char *const names[] = {"MIN", "MAX"};
    const struct table *t = pick_table(b);
    const struct column *c = &t->column[rng_below(b->shape, (uint32_t)t->n_columns)];
    struct expr *e = table_column(b, b->next_alias, c);
    struct text sql = {0};
    if (c->type.kind == k_bool) return;
    text_printf(&sql, "(SELECT %s(a%d.%s) FROM %s AS a%d)", names[rng_below(b->shape, 2)],
                b->next_alias, c->name, t->name, b->next_alias);
    b->next_alias++;
    e->weir = e->sqlite = pool_text(b->pool, sql.data, sql.length);
    e->not_null = false;
    e->param = 1;
    text_free(&sql);
    add_leaf(s, e, c);
}

static struct query *make_core(struct builder *b, int depth, bool window)
{
    struct query *q = pool_get(b->pool, sizeof *q);
    struct scope s = new_scope(b), after = new_scope(b);
    q->limit = -1;
    q->n_relations = 1;
    make_relation(b, &q->relation[0], window, depth);
    add_relation(b, &s, &q->relation[0]);
    uint32_t luck = rng_below(b->shape, 100);
    int joins = b->failing ? 0 : luck < 60 ? 0 : luck < 85 ? 1 : luck < 95 ? 2 : 3;
    for (int i = 0; i < joins; i++) make_join(b, q, &s, depth);
    s.allow_fail = b->failing;
    if (!b->failing && rng_percent(b->shape, 8)) add_scalar(b, &s);
    if (rng_percent(b->shape, 55)) q->where = generate_bool(&s, 1 + (int)rng_below(b->shape, 3));
    while (!b->failing && q->n_members < max_members && rng_percent(b->shape, 15)) {
        int before = q->n_members;
        make_member(b, q, &s);
        if (q->n_members == before) break;
    }
    if (window || rng_percent(b->shape, 50)) {
        make_groups(b, q, &s, &after);
        if (!b->failing && rng_percent(b->shape, 25) && after.n > 0) {
            after.exact = true;
            q->having = generate_bool(&after, 2);
            after.exact = false;
        }
        if (after.n == 0) add_leaf(&after, make_aggregate(b, &s, true), NULL);
        make_items(b, q, &after);
    } else {
        make_items(b, q, &s);
    }
    return q;
}

/* Give ARM's items the types of Q's. */
static bool same_shape(struct builder *b, struct query *q, struct query *arm)
{
    if (arm->n_items < q->n_items) return false;
    arm->n_items = q->n_items;
    struct scope s = new_scope(b);
    for (int i = 0; i < q->n_items; i++) {
        if (type_equal(q->item[i].expr->type, arm->item[i].expr->type)) continue;
        struct expr *e = generate_constant(&s, q->item[i].expr->type, NULL);
        arm->item[i].expr = e;
    }
    return !arm->grouped || arm->n_keys > 0;
}

/* Can duplicates among Q's rows be told? Not by values whose last bits nobody promises. */
static bool can_be_distinct(const struct query *q)
{
    for (int i = 0; i < q->n_items; i++)
        if (q->item[i].expr->inexact) return false;
    return true;
}

static struct query *make_select(struct builder *b, int depth)
{
    struct query *q = make_core(b, depth, rng_percent(b->shape, 15));
    if (!b->failing && rng_percent(b->shape, 8)) q->distinct = can_be_distinct(q);
    if (!b->failing && rng_percent(b->shape, 10)) {
        struct query *arm = make_core(b, 0, false);
        if (same_shape(b, q, arm)) q->next = arm;
        bool other = can_be_distinct(q) && can_be_distinct(arm) && rng_percent(b->shape, 45);
        if (other) q->set = (enum set)(1 + rng_below(b->shape, 3));
    }
    return q;
}

static bool can_fail(const struct query *q)
{
    bool result = q->where && q->where->may_fail;
    for (int i = 0; i < q->n_items; i++) result |= q->item[i].expr->may_fail;
    return result;
}

struct query *generate_query(const struct database *db, struct pool *pool, struct rng *shape,
                             struct rng *constant)
{
    struct builder b = {.db = db, .pool = pool, .shape = shape, .constant = constant};
    b.failing = rng_percent(shape, 12);
    struct query *q = make_select(&b, 2);
    make_order(&b, q);
    q->may_fail = can_fail(q);
    return q;
}
