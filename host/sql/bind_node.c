/* Plan nodes: each constructor fills in the output schema from its inputs. */
#include <string.h>

#include "host/sql/bind_impl.h"

struct weir_node *bind_node(struct binder *b, enum weir_node_kind kind, int n_inputs, int n_columns,
                            struct weir_pos pos)
{
    struct weir_node *n = weir_node_new(b->arena, kind, n_inputs, n_columns);
    if (!n) return bind_nomem(b);
    n->pos = b->from.line ? b->from : pos;
    return n;
}

void bind_rename_column(struct rel *r, int i, const char *name)
{
    struct weir_node *n = r->node;
    r->col[i].name = name;
    if (n->kind != WEIR_NODE_SCAN) n->schema.field[r->col[i].index].name = name;
}

static void copy_schema(struct weir_node *n, int at, const struct weir_node *from, bool nullable)
{
    for (int i = 0; i < from->schema.n; i++) {
        n->schema.field[at + i] = from->schema.field[i];
        if (nullable) n->schema.field[at + i].type.nullable = 1;
    }
}

struct weir_node *bind_filter(struct binder *b, struct weir_node *in, struct weir_expr *predicate)
{
    if (!predicate) return NULL;
    struct weir_node *n = bind_node(b, WEIR_NODE_FILTER, 1, in->schema.n, predicate->pos);
    if (!n) return NULL;
    n->input[0] = in;
    copy_schema(n, 0, in, false);
    n->filter.predicate = predicate;
    return n;
}

struct weir_node *bind_project(struct binder *b, struct weir_node *in, int n_columns,
                               struct weir_expr **e, const char *const *name, struct weir_pos pos)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_PROJECT, 1, n_columns, pos);
    if (!n) return NULL;
    n->input[0] = in;
    n->project.expr = e;
    for (int i = 0; i < n_columns; i++)
        n->schema.field[i] = (struct weir_field){name[i], e[i]->type};
    return n;
}

struct weir_node *bind_join(struct binder *b, enum weir_join_type type, struct weir_node *l,
                            struct weir_node *r, struct weir_pos pos)
{
    bool both = type == WEIR_JOIN_INNER || type == WEIR_JOIN_LEFT;
    struct weir_node *n =
        bind_node(b, WEIR_NODE_JOIN, 2, l->schema.n + (both ? r->schema.n : 0), pos);
    if (!n) return NULL;
    n->input[0] = l;
    n->input[1] = r;
    n->join.type = (uint8_t)type;
    copy_schema(n, 0, l, false);
    if (both) copy_schema(n, l->schema.n, r, type == WEIR_JOIN_LEFT);
    return n;
}

bool bind_join_keys(struct binder *b, struct weir_node *join, int n, struct weir_expr **l,
                    struct weir_expr **r)
{
    join->join.n_keys = n;
    join->join.left_key = bind_alloc(b, (size_t)n, sizeof *l);
    join->join.right_key = bind_alloc(b, (size_t)n, sizeof *r);
    if (!join->join.left_key || !join->join.right_key) return false;
    for (int i = 0; i < n; i++) {
        join->join.left_key[i] = l[i];
        join->join.right_key[i] = r[i];
    }
    return true;
}

struct weir_node *bind_distinct(struct binder *b, struct weir_node *in, struct weir_pos pos)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_AGGREGATE, 1, in->schema.n, pos);
    struct weir_expr **key = bind_alloc(b, (size_t)in->schema.n, sizeof *key);
    if (!n || !key) return NULL;
    n->input[0] = in;
    copy_schema(n, 0, in, false);
    n->aggregate.n_keys = in->schema.n;
    n->aggregate.key = key;
    n->aggregate.window_end_key = -1;
    for (int i = 0; i < in->schema.n; i++)
        if (!(key[i] = bind_column(b, i, in->schema.field[i].type, pos))) return NULL;
    return n;
}

struct weir_node *bind_union(struct binder *b, struct weir_node **in, int n_inputs,
                             struct weir_pos pos)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_UNION, n_inputs, in[0]->schema.n, pos);
    if (!n) return NULL;
    copy_schema(n, 0, in[0], false);
    for (int i = 0; i < n_inputs; i++) {
        n->input[i] = in[i];
        for (int k = 0; k < n->schema.n; k++)
            n->schema.field[k].type.nullable |= in[i]->schema.field[k].type.nullable;
    }
    return n;
}

bool bind_cast_columns(struct binder *b, struct rel *r, const struct weir_type *types,
                       struct weir_pos pos)
{
    bool same = r->n == r->node->schema.n;
    for (int i = 0; i < r->n; i++)
        same &= r->col[i].index == i && weir_type_same(r->col[i].type, types[i]);
    if (same) return true;
    struct weir_expr **e = bind_alloc(b, (size_t)r->n, sizeof *e);
    const char **name = bind_alloc(b, (size_t)r->n, sizeof *name);
    if (!e || !name) return false;
    for (int i = 0; i < r->n; i++) {
        struct column *c = &r->col[i];
        name[i] = c->name;
        bool cast = !weir_type_same(c->type, types[i]);
        e[i] = bind_cast(b, bind_column(b, c->index, c->type, pos), types[i]);
        if (!e[i]) return false;
        if (cast) c->role = ROLE_NONE;
        c->type = e[i]->type;
        c->index = i;
    }
    r->node = bind_project(b, r->node, r->n, e, name, pos);
    return r->node != NULL;
}
