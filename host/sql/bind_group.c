/* Grouping: aggregate calls, GROUP BY with its sets, and the AGGREGATE node.

   The SELECT list, HAVING and ORDER BY of a grouped query are first bound like any other
   expression, over the input's columns, each aggregate call standing as COL_AGG + n. When the node
   is made they are rewritten from the top: what equals a key becomes the key's column, an aggregate
   becomes its column, and any column that is left is neither grouped nor aggregated. */
#include <stdio.h>
#include <string.h>

#include "host/sql/bind_impl.h"

#define MAX_SETS 256

/* ---- aggregate calls ---- */

static const struct {
    const char *name;
    int fn;
} aggregates[] = {
    {"COUNT", WEIR_AGG_COUNT},
    {"SUM", WEIR_AGG_SUM},
    {"AVG", WEIR_AGG_AVG},
    {"MIN", WEIR_AGG_MIN},
    {"MAX", WEIR_AGG_MAX},
    {"STDDEV_POP", WEIR_AGG_STDDEV_POP},
    {"STDDEV_SAMP", WEIR_AGG_STDDEV_SAMP},
    {"STDDEV", WEIR_AGG_STDDEV_SAMP},
    {"VAR_POP", WEIR_AGG_VAR_POP},
    {"VAR_SAMP", WEIR_AGG_VAR_SAMP},
    {"VARIANCE", WEIR_AGG_VAR_SAMP},
    {"LISTAGG", -1},
    {"COLLECT", -1},
    {"FIRST_VALUE", -1},
    {"LAST_VALUE", -1},
    {"APPROX_COUNT_DISTINCT", -1},
    {"ARRAY_AGG", -1},
    {"JSON_OBJECTAGG", -1},
    {"JSON_ARRAYAGG", -1},
};

static int find_aggregate(const struct weir_ast_call *c)
{
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (c->name.n == 1 && bind_word_is(c->name.parts[0].name, aggregates[i].name))
            return (int)i;
    return -1;
}

bool bind_is_aggregate(const struct weir_ast_call *c)
{
    return find_aggregate(c) >= 0;
}

static bool count_star(const struct weir_ast_call *c)
{
    return c->args.n == 1 && c->args.items[0]->kind == WEIR_AST_EX_STAR &&
           !c->args.items[0]->star.qualifier.n;
}

/* The argument as the aggregate takes it, NULL for COUNT(*) (and COUNT of what is never NULL). */
static bool bind_argument(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                          struct weir_agg *agg)
{
    const struct weir_ast_call *c = a->call;
    if (agg->fn == WEIR_AGG_COUNT && count_star(c) && !c->distinct) return true;
    if (c->args.n != 1) {
        bind_fail(b, &a->pos, "%s takes one argument, not %zu", weir_agg_name(agg->fn), c->args.n);
        return false;
    }
    struct weir_expr *e = bind_expr(b, s, c->args.items[0]);
    if (!e) return false;
    bool to_double = agg->fn >= WEIR_AGG_STDDEV_POP && weir_type_is_numeric(e->type);
    if (to_double) e = bind_cast(b, e, weir_type_make(WEIR_TYPE_DOUBLE));
    if (e && agg->fn == WEIR_AGG_COUNT && !c->distinct && !e->type.nullable &&
        (e->op == WEIR_OP_CONST || e->op == WEIR_OP_COLUMN))
        return true;
    agg->arg = e;
    return e != NULL;
}

static bool bind_parts(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                       struct weir_agg *agg)
{
    const struct weir_ast_call *c = a->call;
    if (!bind_argument(b, s, a, agg)) return false;
    if (c->filter) {
        agg->filter = bind_expr(b, s, c->filter);
        if (!agg->filter) return false;
        if (agg->filter->type.id != WEIR_TYPE_BOOLEAN) {
            bind_fail(b, &c->filter->pos, "FILTER needs a BOOLEAN, this is %s",
                      bind_type_text(b, agg->filter->type));
            return false;
        }
    }
    struct weir_type none = weir_type_make(WEIR_TYPE_NULL);
    struct weir_error why = {0};
    if (weir_agg_type((enum weir_agg_fn)agg->fn, agg->arg ? agg->arg->type : none, &agg->type,
                      &why)) {
        bind_fail(b, &a->pos, "%s", why.message);
        return false;
    }
    /* Over no rows (or none that pass the FILTER) all but COUNT are NULL. */
    if (agg->fn != WEIR_AGG_COUNT) agg->type.nullable = 1;
    return true;
}

static bool same_agg(const struct weir_agg *a, const struct weir_agg *b)
{
    return a->fn == b->fn && a->distinct == b->distinct && !a->arg == !b->arg &&
           !a->filter == !b->filter && (!a->arg || weir_expr_equal(a->arg, b->arg)) &&
           (!a->filter || weir_expr_equal(a->filter, b->filter));
}

struct weir_expr *bind_aggregate(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    int which = find_aggregate(a->call);
    const char *name = aggregates[which].name;
    if (aggregates[which].fn < 0)
        return bind_unsupported(b, &a->pos,
                                "%s is parsed, not executed yet; there are COUNT, SUM, "
                                "AVG, MIN, MAX, STDDEV_* and VAR_*",
                                name);
    if (s->in_agg)
        return bind_fail(b, &a->pos,
                         "an aggregate inside of an aggregate; compute the inner one in "
                         "a sub-query in FROM");
    if (!s->agg_ok)
        return bind_fail(b, &a->pos, "%s is not allowed in %s; use HAVING, or a sub-query in FROM",
                         name, s->clause ? s->clause : "this place");
    struct weir_agg agg = {.fn = (uint8_t)aggregates[which].fn,
                           .distinct = a->call->distinct,
                           .pos = b->from.line ? b->from : a->pos};
    bool early = s->early;
    s->in_agg = s->early = true;
    bool ok = bind_parts(b, s, a, &agg);
    s->in_agg = false;
    s->early = early;
    if (!ok) return NULL;
    if ((agg.arg && !bind_check_size(b, agg.arg)) ||
        (agg.filter && !bind_check_size(b, agg.filter)))
        return NULL;
    int i = 0;
    while (i < s->n_agg && !same_agg(&s->agg[i], &agg)) i++;
    if (i == s->n_agg) {
        struct weir_agg *grown = bind_grow(b, s->agg, s->n_agg, &s->cap_agg, sizeof *grown);
        if (!grown) return NULL;
        s->agg = grown;
        s->agg[s->n_agg++] = agg;
    }
    return bind_column(b, COL_AGG + i, agg.type, a->pos);
}

/* ---- GROUP BY ---- */

static bool is_group_window(const struct weir_ast_expr *a)
{
    if (a->kind != WEIR_AST_EX_CALL || a->call->name.n != 1) return false;
    const char *name = a->call->name.parts[0].name;
    return bind_word_is(name, "TUMBLE") || bind_word_is(name, "HOP") ||
           bind_word_is(name, "SESSION");
}

/* GROUP BY TUMBLE(ts, size), HOP(ts, slide, size). */
static bool group_window(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    const struct weir_ast_exprs *args = &a->call->args;
    bool hop = bind_word_is(a->call->name.parts[0].name, "HOP");
    if (bind_word_is(a->call->name.parts[0].name, "SESSION"))
        return bind_unsupported(b, &a->pos,
                                "SESSION windows are parsed, not executed yet; use "
                                "TUMBLE or HOP");
    if (s->window) return bind_fail(b, &a->pos, "only one window in a GROUP BY");
    if (args->n != (hop ? 3u : 2u))
        return bind_fail(b, &a->pos, "write %s", hop ? "HOP(ts, slide, size)" : "TUMBLE(ts, size)");
    struct group_window *w = bind_alloc(b, 1, sizeof *w);
    struct weir_expr *time = w ? bind_expr(b, s, args->items[0]) : NULL;
    if (!time) return false;
    *w = (struct group_window){.pos = a->pos, .name = hop ? "HOP" : "TUMBLE"};
    w->kind = hop ? WEIR_WINDOW_HOP : WEIR_WINDOW_TUMBLE;
    w->time_column = time->column;
    w->time_type = time->type;
    if (time->op != WEIR_OP_COLUMN || time->column >= COL_OUTER)
        return bind_fail(b, &args->items[0]->pos,
                         "the time of %s must be a column; compute it in CREATE TABLE, or in a "
                         "sub-query in FROM",
                         w->name);
    if (!bind_interval(b, args->items[hop ? 2 : 1], "the window's size", &w->size_us)) return false;
    w->slide_us = w->size_us;
    if (hop && !bind_interval(b, args->items[1], "the window's slide", &w->slide_us)) return false;
    struct weir_node *node = bind_window_node(b, s->rel.node, w);
    if (!node) return false;
    s->rel.node = node;
    s->window = w;
    return true;
}

static bool windows_of(struct binder *b, struct scope *s, const struct weir_ast_group *g)
{
    if (g->kind == WEIR_AST_GROUP_EXPR)
        return !is_group_window(g->expr) || group_window(b, s, g->expr);
    for (size_t i = 0; i < g->exprs.n && g->kind == WEIR_AST_GROUP_TUPLE; i++)
        if (is_group_window(g->exprs.items[i]) && !group_window(b, s, g->exprs.items[i]))
            return false;
    for (size_t i = 0; i < g->n && g->kind != WEIR_AST_GROUP_TUPLE; i++)
        if (!windows_of(b, s, &g->children[i])) return false;
    return true;
}

bool bind_group_window(struct binder *b, struct scope *s, const struct weir_ast_select *sel)
{
    for (size_t i = 0; i < sel->n_groups; i++)
        if (!windows_of(b, s, &sel->groups[i])) return false;
    return true;
}

static bool ordinal(const struct weir_ast_expr *a, int64_t *n)
{
    if (a->kind != WEIR_AST_EX_LITERAL || a->literal->kind != WEIR_AST_LIT_INT) return false;
    *n = a->literal->int_value;
    return true;
}

static bool no_placeholder(int column, const void *ctx)
{
    (void)ctx;
    return column >= COL_AGG && column < COL_SUB;
}

static int add_key(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                   struct grouping *g)
{
    struct weir_expr *e;
    int64_t n;
    bool window = is_group_window(a);
    if (window) {
        e = bind_column(b, s->window->end_column,
                        s->rel.node->schema.field[s->window->end_column].type, a->pos);
    } else if (ordinal(a, &n)) {
        if (n < 1 || n > s->n_alias) {
            bind_fail(b, &a->pos, "GROUP BY %lld: the SELECT list has %d items", (long long)n,
                      s->n_alias);
            return -1;
        }
        e = s->alias[n - 1].expr;
    } else {
        e = bind_top(b, s, a, "GROUP BY");
    }
    if (!e) return -1;
    if (bind_uses(e, no_placeholder, NULL)) {
        bind_fail(b, &a->pos, "an aggregate cannot be a key of GROUP BY");
        return -1;
    }
    for (int i = 0; i < g->n_keys; i++)
        if (weir_expr_equal(g->key[i].expr, e)) return i;
    struct group_key *key = bind_grow(b, g->key, g->n_keys, &g->cap_keys, sizeof *key);
    if (!key) return -1;
    g->key = key;
    key[g->n_keys] = (struct group_key){e, window};
    return g->n_keys++;
}

/* A list of sets of keys, each a bit mask (at most 64 keys where there are sets). */
struct sets {
    int n, cap;
    uint64_t *mask;
};

static bool add_set(struct binder *b, struct sets *s, uint64_t mask, const struct weir_pos *pos)
{
    if (s->n >= MAX_SETS) {
        bind_unsupported(b, pos, "more than %d grouping sets", MAX_SETS);
        return false;
    }
    uint64_t *grown = bind_grow(b, s->mask, s->n, &s->cap, sizeof *grown);
    if (!grown) return false;
    s->mask = grown;
    s->mask[s->n++] = mask;
    return true;
}

static bool keys_mask(struct binder *b, struct scope *s, const struct weir_ast_group *e,
                      struct grouping *g, uint64_t *mask)
{
    size_t n = e->kind == WEIR_AST_GROUP_EXPR ? 1 : e->exprs.n;
    *mask = 0;
    for (size_t i = 0; i < n; i++) {
        int k = add_key(b, s, e->kind == WEIR_AST_GROUP_EXPR ? e->expr : e->exprs.items[i], g);
        if (k < 0) return false;
        if (k >= 64) {
            bind_unsupported(b, &e->pos, "more than 64 keys in GROUP BY");
            return false;
        }
        *mask |= UINT64_C(1) << k;
    }
    return true;
}

static bool group_sets(struct binder *b, struct scope *s, const struct weir_ast_group *e,
                       struct grouping *g, struct sets *out);

static bool rollup_cube(struct binder *b, struct scope *s, const struct weir_ast_group *e,
                        struct grouping *g, struct sets *out)
{
    uint64_t *part = bind_alloc(b, e->n + 1, sizeof *part);
    for (size_t i = 0; part && i < e->n; i++)
        if (!keys_mask(b, s, &e->children[i], g, &part[i])) return false;
    if (!part) return false;
    bool cube = e->kind == WEIR_AST_GROUP_CUBE;
    if (cube && e->n > 8) {
        bind_unsupported(b, &e->pos, "CUBE of more than 8 keys");
        return false;
    }
    size_t n = cube ? (size_t)1 << e->n : e->n + 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t mask = 0;
        for (size_t k = 0; k < e->n; k++)
            if (cube ? !(i >> (e->n - 1 - k) & 1) : k < e->n - i) mask |= part[k];
        if (!add_set(b, out, mask, &e->pos)) return false;
    }
    return true;
}

static bool group_sets(struct binder *b, struct scope *s, const struct weir_ast_group *e,
                       struct grouping *g, struct sets *out)
{
    uint64_t mask;
    switch (e->kind) {
    case WEIR_AST_GROUP_EXPR:
    case WEIR_AST_GROUP_TUPLE:
        return keys_mask(b, s, e, g, &mask) && add_set(b, out, mask, &e->pos);
    case WEIR_AST_GROUP_SETS:
        for (size_t i = 0; i < e->n; i++)
            if (!group_sets(b, s, &e->children[i], g, out)) return false;
        return true;
    default: return rollup_cube(b, s, e, g, out);
    }
}

/* Each item of GROUP BY is a list of sets; together they are all combinations. */
bool bind_group_by(struct binder *b, struct scope *s, const struct weir_ast_select *sel,
                   struct grouping *g)
{
    struct sets all = {0};
    if (!add_set(b, &all, 0, NULL)) return false;
    for (size_t i = 0; i < sel->n_groups; i++) {
        struct sets one = {0}, product = {0};
        const struct weir_ast_group *e = &sel->groups[i];
        if (!group_sets(b, s, e, g, &one)) return false;
        for (int k = 0; k < all.n; k++)
            for (int m = 0; m < one.n; m++)
                if (!add_set(b, &product, all.mask[k] | one.mask[m], &e->pos)) return false;
        all = product;
    }
    g->n_sets = all.n;
    g->set = all.mask;
    return true;
}

/* ---- the node ---- */

struct place {
    struct scope *s;
    const struct grouping *g;
    uint64_t set;
    uint64_t derived; /* keys of the set that are computed from a window's end, no columns */
    int end;          /* the key that is that end */
    int n_keys;       /* columns */
};

static bool is_column(const struct place *p, int key)
{
    return p->set >> key & ~(p->derived >> key) & 1;
}

static int key_column(const struct place *p, int key)
{
    int column = 0;
    for (int i = 0; i < key; i++) column += is_column(p, i);
    return column;
}

static const struct column *key_source(const struct scope *s, const struct group_key *k)
{
    for (int i = 0; k->expr->op == WEIR_OP_COLUMN && i < s->rel.n; i++)
        if (s->rel.col[i].index == k->expr->column) return &s->rel.col[i];
    return NULL;
}

/* GROUP BY window_start, window_end: the end alone decides, the start (and window_time) is computed
   from it. */
static void find_derived(struct place *p)
{
    const struct column *end = NULL;
    if (p->g->all_columns) return;
    for (int i = 0; i < p->g->n_keys && !end; i++) {
        const struct column *c = p->set >> i & 1 ? key_source(p->s, &p->g->key[i]) : NULL;
        if (!c || c->role != ROLE_WINDOW_END || !c->window) continue;
        end = c;
        p->end = i;
    }
    for (int i = 0; i < p->g->n_keys && end; i++) {
        const struct column *c = p->set >> i & 1 ? key_source(p->s, &p->g->key[i]) : NULL;
        if (c && i != p->end && c->window == end->window && c->role != ROLE_NONE)
            p->derived |= UINT64_C(1) << i;
    }
}

/* The END of a window and how much before it START or window_time are. */
static struct weir_expr *before_end(struct rewrite *r, struct weir_expr *end, struct weir_type t,
                                    int64_t us)
{
    if (!end) return NULL;
    struct weir_expr *d =
        bind_const_i64(r->b, weir_type_make(WEIR_TYPE_INTERVAL_DAY), us, end->pos);
    return bind_new(r->b, WEIR_OP_SUB, t, end->pos, 2, end, d, NULL);
}

static struct weir_expr *place_derived(struct rewrite *r, const struct place *p, int key,
                                       const struct weir_expr *e)
{
    const struct column *c = key_source(p->s, &p->g->key[key]);
    struct weir_type t = p->g->key[p->end].expr->type;
    struct weir_expr *end = bind_column(r->b, key_column(p, p->end), t, e->pos);
    if (c->role == ROLE_WINDOW_END) return end;
    return before_end(r, end, e->type, c->role == ROLE_WINDOW_START ? c->window->size_us : 1000);
}

static struct weir_expr *place_window(struct rewrite *r, const struct place *p,
                                      const struct weir_expr *e)
{
    int key = 0;
    while (key < p->g->n_keys && !p->g->key[key].window) key++;
    if (key == p->g->n_keys || !(p->set >> key & 1)) return bind_null(r->b, e->type, e->pos);
    struct weir_expr *end = bind_column(r->b, key_column(p, key), e->type, e->pos);
    int part = e->column - COL_WINDOW;
    if (part == WINDOW_END) return end;
    return before_end(r, end, e->type, part == WINDOW_START ? p->s->window->size_us : 1000);
}

/* GROUPING(a, b): a bit for each argument that this set does not group by. */
static struct weir_expr *place_grouping(struct rewrite *r, const struct place *p,
                                        const struct weir_expr *e)
{
    const struct weir_expr *list = p->s->grouping[e->column - COL_GROUPING];
    int64_t bits = 0;
    for (int i = 0; i < list->n_args; i++) {
        int key = 0;
        while (key < p->g->n_keys && !weir_expr_equal(p->g->key[key].expr, list->arg[i])) key++;
        if (key == p->g->n_keys)
            return bind_fail(r->b, &list->arg[i]->pos, "GROUPING takes keys of the GROUP BY");
        bits = bits << 1 | !(p->set >> key & 1);
    }
    return bind_const_i64(r->b, e->type, bits, e->pos);
}

static struct weir_expr *not_grouped(struct rewrite *r, const struct place *p,
                                     const struct weir_expr *e)
{
    const struct rel *rel = &p->s->rel;
    const char *name = "?";
    for (int i = 0; i < rel->n; i++)
        if (rel->col[i].index == e->column) name = rel->col[i].name;
    return bind_fail(r->b, &e->pos,
                     "column \"%s\" is neither grouped nor aggregated; add it to GROUP BY, or use "
                     "MIN(%s)",
                     name, name);
}

static struct weir_expr *place_leaf(struct rewrite *r, struct weir_expr *e)
{
    const struct place *p = r->ctx;
    for (int i = 0; i < p->g->n_keys; i++) {
        if (!weir_expr_equal(p->g->key[i].expr, e)) continue;
        if (!(p->set >> i & 1)) return bind_null(r->b, e->type, e->pos);
        if (!is_column(p, i)) return place_derived(r, p, i, e);
        return bind_column(r->b, key_column(p, i), e->type, e->pos);
    }
    if (e->op != WEIR_OP_COLUMN) return NULL;
    switch (e->column & ~COL_MASK) {
    case COL_AGG: return bind_column(r->b, p->n_keys + (e->column & COL_MASK), e->type, e->pos);
    case COL_WINDOW: return place_window(r, p, e);
    case COL_GROUPING: return place_grouping(r, p, e);
    case COL_OUTER:
    case COL_SUB: return e;
    default: return not_grouped(r, p, e);
    }
}

static const char *agg_name(struct binder *b, const struct weir_agg *a, int i,
                            const struct weir_schema *in)
{
    struct weir_buf text = {0};
    weir_buf_printf(&text, "%s(%s", weir_agg_name((enum weir_agg_fn)a->fn),
                    a->distinct ? "DISTINCT " : "");
    if (a->arg)
        weir_expr_text(a->arg, in, &text);
    else
        weir_buf_putc(&text, '*');
    weir_buf_printf(&text, ")%s", a->filter ? " FILTER" : "");
    bool fits = !text.oom && text.len <= 60;
    const char *name =
        fits ? bind_strdup(b, text.data)
             : weir_arena_printf(b->arena, "%s$%d", weir_agg_name((enum weir_agg_fn)a->fn), i);
    weir_buf_release(&text);
    return name ? name : bind_nomem(b);
}

static const char *key_name(struct binder *b, const struct weir_node *in, const struct weir_expr *e,
                            int i)
{
    if (e->op == WEIR_OP_COLUMN && e->column < in->schema.n)
        return in->schema.field[e->column].name;
    const char *name = weir_arena_printf(b->arena, "key%d", i);
    return name ? name : bind_nomem(b);
}

static bool is_window_end(const struct scope *s, const struct group_key *k)
{
    const struct column *c = key_source(s, k);
    return k->window || (c && c->role == ROLE_WINDOW_END && !c->late);
}

static struct weir_node *make_node(struct binder *b, struct scope *s, const struct place *p,
                                   struct weir_pos pos)
{
    struct weir_node *in = s->rel.node;
    struct weir_node *n = bind_node(b, WEIR_NODE_AGGREGATE, 1, p->n_keys + s->n_agg, pos);
    if (!n) return NULL;
    n->input[0] = in;
    n->aggregate.n_keys = p->n_keys;
    n->aggregate.key = bind_alloc(b, (size_t)p->n_keys, sizeof *n->aggregate.key);
    n->aggregate.n_aggs = s->n_agg;
    n->aggregate.agg = bind_alloc(b, (size_t)s->n_agg, sizeof *n->aggregate.agg);
    n->aggregate.window_end_key = -1;
    if (!n->aggregate.key || !n->aggregate.agg) return NULL;
    int k = 0;
    for (int i = 0; i < p->g->n_keys; i++) {
        if (!is_column(p, i)) continue;
        struct weir_expr *e = bind_place_subs(b, s, p->g->key[i].expr);
        if (!e || !(n->schema.field[k].name = key_name(b, in, e, k))) return NULL;
        n->aggregate.key[k] = e;
        n->schema.field[k].type = e->type;
        if (is_window_end(s, &p->g->key[i])) n->aggregate.window_end_key = k;
        k++;
    }
    for (int i = 0; i < s->n_agg; i++) {
        struct weir_agg a = s->agg[i];
        if (a.arg && !(a.arg = bind_place_subs(b, s, a.arg))) return NULL;
        if (a.filter && !(a.filter = bind_place_subs(b, s, a.filter))) return NULL;
        n->aggregate.agg[i] = a;
        n->schema.field[k + i].type = a.type;
        if (!(n->schema.field[k + i].name = agg_name(b, &a, i, &in->schema))) return NULL;
    }
    return n;
}

static struct weir_expr *place_outer(struct rewrite *r, struct weir_expr *e)
{
    if (e->op != WEIR_OP_COLUMN || !bind_is_outer(e->column, NULL)) return NULL;
    struct weir_expr *below = bind_column(r->b, e->column - COL_OUTER, e->type, e->pos);
    struct weir_expr *x = below ? place_leaf(r, below) : NULL;
    if (!x || x->op != WEIR_OP_COLUMN) return x;
    return bind_column(r->b, x->column + COL_OUTER, x->type, x->pos);
}

/* The sub-queries of HAVING and the SELECT list are joined above the node: so are their keys. */
static bool place_subjoins(struct scope *s, struct rewrite *r)
{
    struct rewrite residual = {.b = r->b, .leaf = place_outer, .ctx = r->ctx};
    for (int i = 0; i < s->n_sub; i++) {
        struct subjoin *j = &s->sub[i];
        if (j->early) continue;
        for (int k = 0; k < j->n_keys; k++)
            if (!(j->left_key[k] = bind_rewrite(r, j->left_key[k]))) return false;
        if (j->residual && !(j->residual = bind_rewrite(&residual, j->residual))) return false;
    }
    return true;
}

bool bind_aggregate_node(struct binder *b, struct scope *s, const struct grouping *g, int set,
                         struct weir_expr ***e, int n, struct weir_pos pos)
{
    if (!bind_apply_subs(b, s, true)) return false;
    struct place p = {.s = s, .g = g, .set = g->set[set]};
    find_derived(&p);
    p.n_keys = key_column(&p, g->n_keys);
    struct rewrite r = {.b = b, .leaf = place_leaf, .ctx = &p};
    for (int i = 0; i < n; i++)
        if (*e[i] && !(*e[i] = bind_rewrite(&r, *e[i]))) return false;
    if (!place_subjoins(s, &r)) return false;
    struct weir_node *node = make_node(b, s, &p, pos);
    if (!node) return false;
    struct rel out = {.node = node};
    for (int i = 0, k = 0; i < g->n_keys; i++) {
        if (!is_column(&p, i)) continue;
        struct column c = {.name = node->schema.field[k].name,
                           .type = node->schema.field[k].type,
                           .index = k,
                           .role = is_window_end(s, &g->key[i]) ? ROLE_WINDOW_END : ROLE_NONE};
        if (!bind_add_column(b, &out, c)) return false;
        k++;
    }
    s->rel = out;
    return true;
}
