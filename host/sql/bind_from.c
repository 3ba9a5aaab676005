/* FROM: tables, views, WITH names, sub-queries, window functions and joins. Each becomes a plan
   node and the list of its columns under their table's name.

   The conjuncts of ON are sorted: an equality between the sides is a key, what concerns one side
   only becomes a filter below the join where the join type allows that, and the rest is the
   residual. */
#include <string.h>

#include "host/sql/bind_impl.h"

#define MAX_RELATIONS 2000
#define MAX_VIEWS     32

/* ---- named tables ---- */

static struct rel *rel_of(struct binder *b, struct weir_node *node, const char *table)
{
    struct rel *r = bind_alloc(b, 1, sizeof *r);
    if (!r) return NULL;
    r->node = node;
    for (int i = 0; i < node->schema.n; i++) {
        struct column c = {.name = node->schema.field[i].name,
                           .table = table,
                           .type = node->schema.field[i].type,
                           .index = i};
        if (!bind_add_column(b, r, c)) return NULL;
    }
    return r;
}

static bool keep_source(struct binder *b, struct weir_source *source)
{
    struct weir_source **s =
        bind_grow(b, b->out->source, b->out->n_sources, &b->cap_sources, sizeof *s);
    if (!s) {
        source->ops->free(source);
        return false;
    }
    b->out->source = s;
    s[b->out->n_sources++] = source;
    return true;
}

/* DEF with the options of a hint put in. */
static const struct weir_table_def *with_hints(struct binder *b, const struct weir_table_def *def,
                                               const struct weir_ast_hints *hints)
{
    size_t n = 0;
    for (size_t i = 0; hints && i < hints->n; i++)
        if (bind_word_is(hints->items[i].name.name, "OPTIONS")) n += hints->items[i].options.n;
    if (!n) return def;
    struct weir_table_def *copy = bind_alloc(b, 1, sizeof *copy);
    struct weir_table_option *option = bind_alloc(b, n + (size_t)def->n_options, sizeof *option);
    if (!copy || !option) return NULL;
    *copy = *def;
    copy->option = option;
    copy->file_name = b->file;
    memcpy(option, def->option, sizeof *option * (size_t)def->n_options);
    for (size_t i = 0; i < hints->n; i++) {
        const struct weir_ast_options *o = &hints->items[i].options;
        for (size_t k = 0; bind_word_is(hints->items[i].name.name, "OPTIONS") && k < o->n; k++) {
            int at = 0;
            while (at < copy->n_options && strcmp(option[at].key, o->items[k].key)) at++;
            if (at == copy->n_options) copy->n_options++;
            option[at] = (struct weir_table_option){o->items[k].key, o->items[k].value,
                                                    o->items[k].key_pos, o->items[k].value_pos};
        }
    }
    return copy;
}

static bool open_source(struct binder *b, const struct weir_table_def *def,
                        const struct weir_ast_hints *hints, const struct weir_pos *pos,
                        struct weir_source **out)
{
    *out = def->source;
    if (def->source || b->dry) return true;
    def = with_hints(b, def, hints);
    if (!def) return false;
    if (!b->cb || !b->cb->open_source) {
        bind_unsupported(b, pos, "there is nothing here that reads tables");
        return false;
    }
    int status = b->cb->open_source(b->cb->ctx, def, out, b->err);
    if (status) {
        b->status = status;
        return false;
    }
    return keep_source(b, *out);
}

static struct rel *computed_columns(struct binder *b, const struct weir_table_def *def,
                                    struct weir_node *scan, struct weir_pos pos)
{
    struct rel *physical = rel_of(b, scan, def->name);
    struct weir_expr **e = bind_alloc(b, (size_t)def->n_columns, sizeof *e);
    const char **name = bind_alloc(b, (size_t)def->n_columns, sizeof *name);
    if (!physical || !e || !name) return NULL;
    struct scope s = {.rel = *physical, .clause = "a computed column"};
    const char *file = b->file;
    struct weir_pos from = b->from;
    if (!from.line) b->from = pos;
    for (int i = 0; i < def->n_columns; i++) {
        const struct weir_table_column *c = &def->column[i];
        name[i] = c->name;
        if (c->physical >= 0) {
            e[i] = bind_column(b, c->physical, c->type, pos);
        } else {
            b->file = def->name;
            e[i] = bind_top(b, &s, c->expr, s.clause);
            b->file = file;
        }
        if (!e[i]) return NULL;
        if (i != def->rowtime) continue;
        if (e[i]->op == WEIR_OP_COLUMN)
            scan->scan.rowtime = e[i]->column;
        else
            scan->scan.rowtime_expr = e[i];
    }
    b->from = from;
    struct weir_node *n = bind_project(b, scan, def->n_columns, e, name, pos);
    return n ? rel_of(b, n, def->name) : NULL;
}

struct rel *bind_scan(struct binder *b, const struct weir_table_def *def, struct weir_pos pos,
                      const struct weir_ast_hints *hints)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_SCAN, 0, def->physical.n, pos);
    if (!n || !open_source(b, def, hints, &pos, &n->scan.source)) return NULL;
    bool computed = false;
    for (int i = 0; i < def->n_columns; i++) computed |= def->column[i].physical < 0;
    for (int i = 0; i < def->physical.n; i++) {
        n->schema.field[i] = def->physical.field[i];
        n->schema.field[i].name = bind_strdup(b, def->physical.field[i].name);
        if (!n->schema.field[i].name) return NULL;
    }
    n->scan.rowtime = def->rowtime < 0 ? -1 : def->column[def->rowtime].physical;
    n->scan.watermark_us = def->watermark_us;
    return computed ? computed_columns(b, def, n, pos) : rel_of(b, n, def->name);
}

static struct rel *bind_view(struct binder *b, const struct weir_table_def *def,
                             struct weir_pos pos)
{
    if (b->view_depth >= MAX_VIEWS)
        return bind_fail(b, &pos, "views are nested more than %d deep at \"%s\"", MAX_VIEWS,
                         def->name);
    const char *file = b->file;
    struct cte *ctes = b->ctes;
    b->file = weir_arena_printf(b->arena, "view %s", def->name);
    if (!b->file) return bind_nomem(b);
    b->ctes = NULL;
    if (!b->view_depth++) b->from = pos;
    struct rel *r = bind_query(b, def->view, NULL);
    if (!--b->view_depth) b->from = (struct weir_pos){0};
    b->ctes = ctes;
    b->file = file;
    for (int i = 0; r && i < def->n_view_columns && i < r->n; i++)
        bind_rename_column(r, i, def->view_column[i]);
    return r;
}

static struct rel *bind_cte(struct binder *b, const struct cte *cte)
{
    struct cte *ctes = b->ctes;
    b->ctes = cte->next; /* it sees those before it */
    struct rel *r = bind_query(b, cte->ast->query, NULL);
    b->ctes = ctes;
    if (r && !bind_rename(b, r, &cte->ast->name, &cte->ast->columns)) return NULL;
    return r;
}

static struct rel *named_table(struct binder *b, const struct weir_ast_name *name,
                               const struct weir_ast_hints *hints)
{
    if (++b->n_relations > MAX_RELATIONS)
        return bind_unsupported(b, &name->pos,
                                "the query reads more than %d tables, views counted through",
                                MAX_RELATIONS);
    for (const struct cte *c = b->ctes; c && name->n == 1; c = c->next)
        if (!strcmp(c->ast->name.name, name->parts[0].name)) return bind_cte(b, c);
    const char *table = bind_table_name(b, name);
    if (!table) return NULL;
    const struct weir_table_def *def = weir_catalog_find(b->catalog, table);
    if (def) return def->view ? bind_view(b, def, name->pos) : bind_scan(b, def, name->pos, hints);
    const char *near = weir_catalog_nearest(b->catalog, table);
    if (near)
        return bind_fail(b, &name->pos, "unknown table \"%s\"; did you mean \"%s\"?", table, near);
    return bind_fail(b, &name->pos,
                     "unknown table \"%s\"; CREATE TABLE it first, SHOW TABLES lists "
                     "what there is",
                     table);
}

/* ---- joins ---- */

struct on {
    struct binder *b;
    int nl; /* columns of the left node; the right ones follow */
    int n_keys, n_rest, cap_keys, cap_rest;
    struct weir_expr **left_key, **right_key, **rest;
    int cap_right, n_left_only, n_right_only, cap_left_only, cap_right_only;
    struct weir_expr **left_only, **right_only;
};

static bool is_left(int column, const void *ctx)
{
    return column < *(const int *)ctx;
}
static bool is_right(int column, const void *ctx)
{
    return column >= *(const int *)ctx;
}

static bool push(struct binder *b, struct weir_expr ***list, int *n, int *cap, struct weir_expr *e)
{
    struct weir_expr **grown = bind_grow(b, *list, *n, cap, sizeof *grown);
    if (!grown || !e) return false;
    *list = grown;
    grown[(*n)++] = e;
    return true;
}

/* L = R with one side's columns each: a key. */
static bool take_key(struct on *o, struct weir_expr *e, bool *taken)
{
    struct weir_expr *l = e->arg[0], *r = e->arg[1];
    if (!bind_uses(l, is_left, &o->nl)) l = e->arg[1], r = e->arg[0];
    *taken = bind_uses(l, is_left, &o->nl) && !bind_uses(l, is_right, &o->nl) &&
             bind_uses(r, is_right, &o->nl) && !bind_uses(r, is_left, &o->nl);
    if (!*taken) return true;
    int n = o->n_keys;
    return push(o->b, &o->left_key, &o->n_keys, &o->cap_keys, l) &&
           push(o->b, &o->right_key, &n, &o->cap_right, bind_shift(o->b, r, -o->nl));
}

static bool take(struct on *o, struct weir_expr *e)
{
    if (e->op == WEIR_OP_AND) return take(o, e->arg[0]) && take(o, e->arg[1]);
    bool taken = false;
    if (e->op == WEIR_OP_EQ && !take_key(o, e, &taken)) return false;
    if (taken) return true;
    bool left = bind_uses(e, is_left, &o->nl), right = bind_uses(e, is_right, &o->nl);
    if (left && !right) return push(o->b, &o->left_only, &o->n_left_only, &o->cap_left_only, e);
    if (right && !left)
        return push(o->b, &o->right_only, &o->n_right_only, &o->cap_right_only,
                    bind_shift(o->b, e, -o->nl));
    return push(o->b, &o->rest, &o->n_rest, &o->cap_rest, e);
}

static struct weir_node *filtered(struct binder *b, struct weir_node *in, struct weir_expr **e,
                                  int n)
{
    return n ? bind_filter(b, in, bind_chain(b, WEIR_OP_AND, e, n)) : in;
}

/* LEFT join of the outer side with the inner one; RIGHT_OUTER: the right side is the outer one, so
   the sides change places and a projection puts the columns back. */
static struct weir_expr *swap_leaf(struct rewrite *r, struct weir_expr *e)
{
    const int *n = r->ctx; /* columns left, right */
    if (e->op != WEIR_OP_COLUMN) return NULL;
    int column = e->column < n[0] ? e->column + n[1] : e->column - n[0];
    return bind_column(r->b, column, e->type, e->pos);
}

static struct weir_node *swap_back(struct binder *b, struct weir_node *join, int nl, int nr)
{
    struct weir_expr **e = bind_alloc(b, (size_t)(nl + nr), sizeof *e);
    const char **name = bind_alloc(b, (size_t)(nl + nr), sizeof *name);
    for (int i = 0; e && name && i < nl + nr; i++) {
        int from = i < nl ? nr + i : i - nl;
        name[i] = join->schema.field[from].name;
        if (!(e[i] = bind_column(b, from, join->schema.field[from].type, join->pos))) return NULL;
    }
    return e && name ? bind_project(b, join, nl + nr, e, name, join->pos) : NULL;
}

/* Does reading N again give the same rows: neither LIMIT (which rows it takes is left to chance) nor
   functions like RAND(), nor a pipe. */
static bool repeatable(const struct weir_node *n)
{
    bool same = true;
    switch (n->kind) {
    case WEIR_NODE_SCAN: same = !n->scan.source->bounded || !n->scan.source->streaming; break;
    case WEIR_NODE_SORT: same = n->sort.limit < 0 && n->sort.offset <= 0; break;
    case WEIR_NODE_FILTER: same = !weir_expr_volatile(n->filter.predicate); break;
    case WEIR_NODE_PROJECT:
        for (int i = 0; i < n->schema.n; i++) same &= !weir_expr_volatile(n->project.expr[i]);
        break;
    case WEIR_NODE_JOIN:
        same = !n->join.residual || !weir_expr_volatile(n->join.residual);
        for (int i = 0; i < n->join.n_keys; i++)
            same &= !weir_expr_volatile(n->join.left_key[i]) &&
                    !weir_expr_volatile(n->join.right_key[i]);
        break;
    case WEIR_NODE_AGGREGATE:
        for (int i = 0; i < n->aggregate.n_keys; i++)
            same &= !weir_expr_volatile(n->aggregate.key[i]);
        for (int i = 0; i < n->aggregate.n_aggs; i++) {
            const struct weir_agg *a = &n->aggregate.agg[i];
            same &= (!a->arg || !weir_expr_volatile(a->arg)) &&
                    (!a->filter || !weir_expr_volatile(a->filter));
        }
        break;
    default: break;
    }
    for (int i = 0; i < n->n_inputs; i++) same &= repeatable(n->input[i]);
    return same;
}

/* N, which will be read twice. */
static struct weir_node *read_twice(struct binder *b, struct weir_node *n, struct weir_pos pos)
{
    if (repeatable(n)) return n;
    struct weir_node *s = bind_node(b, WEIR_NODE_SORT, 1, n->schema.n, pos);
    if (!s) return NULL;
    s->input[0] = n;
    for (int i = 0; i < n->schema.n; i++) s->schema.field[i] = n->schema.field[i];
    s->sort.limit = -1;
    s->sort.spool = true;
    return s;
}

/* FULL: the left join, and behind it the right rows that have no left one. Both sides are read
   twice. */
static struct weir_node *full_join(struct on *o, struct weir_node *left_join, struct weir_pos pos)
{
    struct binder *b = o->b;
    struct weir_node *l = left_join->input[0], *r = left_join->input[1], *in[2] = {left_join};
    int width[2] = {l->schema.n, r->schema.n}, n = l->schema.n + r->schema.n;
    struct rewrite rw = {.b = b, .leaf = swap_leaf, .ctx = width};
    struct weir_node *rest = bind_join(b, WEIR_JOIN_ANTI, r, l, pos);
    struct weir_expr **e = bind_alloc(b, (size_t)n, sizeof *e);
    const char **name = bind_alloc(b, (size_t)n, sizeof *name);
    if (!rest || !e || !name) return NULL;
    if (!bind_join_keys(b, rest, o->n_keys, o->right_key, o->left_key)) return NULL;
    if (left_join->join.residual &&
        !(rest->join.residual = bind_rewrite(&rw, left_join->join.residual)))
        return NULL;
    for (int i = 0; i < n; i++) {
        const struct weir_field *f = &left_join->schema.field[i];
        name[i] = f->name;
        e[i] = i < width[0] ? bind_null(b, f->type, pos)
                            : bind_column(b, i - width[0], r->schema.field[i - width[0]].type, pos);
        if (!e[i]) return NULL;
    }
    in[1] = bind_project(b, rest, n, e, name, pos);
    return in[1] ? bind_union(b, in, 2, pos) : NULL;
}

static struct weir_node *make_join(struct on *o, enum weir_ast_join_kind kind, struct weir_node *l,
                                   struct weir_node *r, struct weir_pos pos)
{
    struct binder *b = o->b;
    bool full = kind == WEIR_AST_JOIN_FULL, right = kind == WEIR_AST_JOIN_RIGHT;
    bool left = kind == WEIR_AST_JOIN_LEFT || full;
    int width[2] = {l->schema.n, r->schema.n};
    for (int i = 0; left && i < o->n_left_only; i++)
        if (!push(b, &o->rest, &o->n_rest, &o->cap_rest, o->left_only[i])) return NULL;
    for (int i = 0; (right || full) && i < o->n_right_only; i++)
        if (!push(b, &o->rest, &o->n_rest, &o->cap_rest, bind_shift(b, o->right_only[i], o->nl)))
            return NULL;
    if (!left) l = filtered(b, l, o->left_only, o->n_left_only);
    if (!right && !full) r = filtered(b, r, o->right_only, o->n_right_only);
    if (full && l) l = read_twice(b, l, pos);
    if (full && r) r = read_twice(b, r, pos);
    if (!l || !r) return NULL;
    struct weir_node *j = bind_join(b, left || right ? WEIR_JOIN_LEFT : WEIR_JOIN_INNER,
                                    right ? r : l, right ? l : r, pos);
    if (!j || !bind_join_keys(b, j, o->n_keys, right ? o->right_key : o->left_key,
                              right ? o->left_key : o->right_key))
        return NULL;
    if (o->n_rest && !(j->join.residual = bind_chain(b, WEIR_OP_AND, o->rest, o->n_rest)))
        return NULL;
    if (right && j->join.residual) {
        struct rewrite rw = {.b = b, .leaf = swap_leaf, .ctx = width};
        if (!(j->join.residual = bind_rewrite(&rw, j->join.residual))) return NULL;
    }
    if (full) return full_join(o, j, pos);
    return right ? swap_back(b, j, width[0], width[1]) : j;
}

static bool check_aliases(struct binder *b, const struct rel *l, const struct rel *r,
                          const struct weir_pos *pos)
{
    for (int i = 0; i < r->n; i++) {
        const char *t = r->col[i].table;
        if (!t || (i && r->col[i - 1].table == t)) continue;
        for (int k = 0; k < l->n; k++) {
            if (!l->col[k].table || strcmp(l->col[k].table, t)) continue;
            bind_fail(b, pos, "two tables are called \"%s\" here; give one an alias: %s AS other",
                      t, t);
            return false;
        }
    }
    return true;
}

static const struct column *side_column(struct binder *b, const struct rel *r, const char *name,
                                        const struct weir_pos *pos)
{
    struct scope s = {.rel = *r};
    struct weir_ast_ident id = {.pos = *pos, .name = name};
    struct weir_ast_name full = {.pos = *pos, .n = 1, .parts = &id};
    bool outer;
    return bind_resolve(b, &s, &full, &outer);
}

/* USING (a): an equality, and one column a in the place of two, in front of all others. */
static bool use_column(struct on *o, const struct rel *l, const struct rel *r, bool right_outer,
                       const char *name, const struct weir_pos *pos, struct rel *out)
{
    struct binder *b = o->b;
    const struct column *x = side_column(b, l, name, pos);
    const struct column *y = x ? side_column(b, r, name, pos) : NULL;
    if (!y) return false;
    struct weir_expr *eq = bind_compare(b, WEIR_OP_EQ, bind_column(b, x->index, x->type, *pos),
                                        bind_column(b, y->index + o->nl, y->type, *pos), *pos);
    if (!eq || !take(o, eq)) return false;
    struct column c = right_outer ? *y : *x;
    if (right_outer) c.index += o->nl;
    c.table = NULL;
    return bind_add_column(b, out, c);
}

static bool in_using(const struct weir_ast_idents *u, const char *name)
{
    for (size_t i = 0; i < u->n; i++)
        if (!strcmp(u->items[i].name, name)) return true;
    return false;
}

static bool natural_columns(struct binder *b, const struct rel *l, const struct rel *r,
                            const struct weir_pos *pos, struct weir_ast_idents *out)
{
    out->n = 0;
    out->items = bind_alloc(b, (size_t)l->n, sizeof *out->items);
    if (!out->items) return false;
    for (int i = 0; i < l->n; i++) {
        bool common = false;
        for (int k = 0; k < r->n; k++)
            common |=
                !l->col[i].hidden && !r->col[k].hidden && !strcmp(l->col[i].name, r->col[k].name);
        if (common && !in_using(out, l->col[i].name))
            out->items[out->n++] = (struct weir_ast_ident){.pos = *pos, .name = l->col[i].name};
    }
    return true;
}

static bool add_side(struct binder *b, struct rel *out, const struct rel *side, int shift,
                     bool nullable, bool keep_role, const struct weir_ast_idents *used)
{
    for (int i = 0; i < side->n; i++) {
        struct column c = side->col[i];
        c.index += shift;
        if (nullable) c.type.nullable = 1;
        if (!keep_role) c.late = true;
        if (in_using(used, c.name)) c.hidden = true;
        if (!bind_add_column(b, out, c)) return false;
    }
    return true;
}

static struct rel *bind_join_ref(struct binder *b, const struct weir_ast_table_ref *t,
                                 struct scope *outer)
{
    enum weir_ast_join_kind kind = t->join.kind;
    bool full = kind == WEIR_AST_JOIN_FULL;
    if (full && (t->join.natural || t->join.using_columns.n))
        return bind_unsupported(
            b, &t->pos,
            "FULL JOIN with USING or NATURAL is parsed, not executed yet; write "
            "ON a.x = b.x and COALESCE(a.x, b.x)");
    struct rel *l = bind_from(b, t->join.left, outer);
    struct rel *r = l ? bind_from(b, t->join.right, outer) : NULL;
    struct rel *out = bind_alloc(b, 1, sizeof *out);
    if (!r || !out || !check_aliases(b, l, r, &t->join.right->pos)) return NULL;
    struct on o = {.b = b, .nl = l->node->schema.n};
    struct weir_ast_idents used = t->join.using_columns;
    if (t->join.natural && !natural_columns(b, l, r, &t->pos, &used)) return NULL;
    bool left = kind == WEIR_AST_JOIN_LEFT || full, right = kind == WEIR_AST_JOIN_RIGHT;
    for (size_t i = 0; i < used.n; i++)
        if (!use_column(&o, l, r, right, used.items[i].name, &used.items[i].pos, out)) return NULL;
    if (t->join.on) {
        struct scope s = {.outer = outer};
        struct weir_ast_idents none = {0};
        if (!add_side(b, &s.rel, l, 0, false, true, &none) ||
            !add_side(b, &s.rel, r, o.nl, false, true, &none))
            return NULL;
        struct weir_expr *on = bind_predicate(b, &s, t->join.on, "ON");
        if (!on || !take(&o, on)) return NULL;
    }
    if (!add_side(b, out, l, 0, right || full, !right && !full, &used) ||
        !add_side(b, out, r, o.nl, left, right, &used))
        return NULL;
    out->node = make_join(&o, kind, l->node, r->node, t->pos);
    return out->node ? out : NULL;
}

/* ---- all of them ---- */

static struct rel *bind_named(struct binder *b, const struct weir_ast_table_ref *t)
{
    if (t->named.system_time)
        return bind_unsupported(b, &t->pos,
                                "temporal and lookup joins (FOR SYSTEM_TIME AS OF) are parsed, not "
                                "executed yet; write a plain JOIN with the table");
    return named_table(b, &t->named.name, &t->named.hints);
}

static struct rel *bind_item(struct binder *b, const struct weir_ast_table_ref *t,
                             struct scope *outer)
{
    switch (t->kind) {
    case WEIR_AST_TR_NAME: return bind_named(b, t);
    case WEIR_AST_TR_QUERY:
        if (t->lateral)
            return bind_unsupported(b, &t->pos,
                                    "LATERAL is parsed, not executed yet; write a JOIN "
                                    "with a grouped sub-query");
        return bind_query(b, t->query, outer);
    case WEIR_AST_TR_FUNCTION: return bind_window_tvf(b, t->function.call);
    case WEIR_AST_TR_UNNEST:
        return bind_unsupported(b, &t->pos, "UNNEST is parsed, not executed yet");
    case WEIR_AST_TR_MATCH:
        return bind_unsupported(b, &t->pos,
                                "MATCH_RECOGNIZE is parsed, not executed yet; a "
                                "self-join on the key may do");
    default: return bind_join_ref(b, t, outer);
    }
}

struct rel *bind_from(struct binder *b, const struct weir_ast_table_ref *t, struct scope *outer)
{
    struct rel *r = bind_item(b, t, outer);
    if (!r || t->kind == WEIR_AST_TR_JOIN) return r;
    if (t->alias.name) return bind_rename(b, r, &t->alias, &t->columns) ? r : NULL;
    struct weir_ast_ident name = {.pos = t->pos};
    if (t->kind == WEIR_AST_TR_NAME) name = t->named.name.parts[t->named.name.n - 1];
    return bind_rename(b, r, &name, &t->columns) ? r : NULL;
}
