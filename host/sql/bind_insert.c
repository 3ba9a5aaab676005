/* INSERT INTO: the query's columns, in the order of the sink's, with the casts that Flink makes by
   itself (those that lose nothing but precision the user asked for). */
#include <string.h>

#include "host/sql/bind_impl.h"

/* Physical column number in the sink for each column of the query; the others are -1 (NULL). */
static bool map_columns(struct binder *b, const struct weir_table_def *def,
                        const struct weir_ast_insert *in, int *from)
{
    for (int i = 0; i < def->physical.n; i++) from[i] = in->columns.n ? -1 : i;
    for (size_t i = 0; i < in->columns.n; i++) {
        const struct weir_ast_ident *c = &in->columns.items[i];
        int at = 0;
        while (at < def->physical.n && strcmp(def->physical.field[at].name, c->name)) at++;
        if (at == def->physical.n) {
            const char **names = bind_alloc(b, (size_t)at + 1, sizeof *names);
            if (!names) return false;
            for (int k = 0; k < at; k++) names[k] = def->physical.field[k].name;
            const char *near = weir_sql_nearest(c->name, names, (size_t)at);
            return bind_fail(b, &c->pos, "table \"%s\" has no column \"%s\" to write to%s%s%s",
                             def->name, c->name, near ? "; did you mean \"" : "", near ? near : "",
                             near ? "\"?" : "");
        }
        if (from[at] >= 0) return bind_fail(b, &c->pos, "column \"%s\" is named twice", c->name);
        from[at] = (int)i;
    }
    for (int i = 0; i < def->physical.n; i++)
        if (from[i] < 0 && !def->physical.field[i].type.nullable)
            return bind_fail(b, &in->columns.items[0].pos,
                             "column \"%s\" of table \"%s\" is NOT NULL and gets no value",
                             def->physical.field[i].name, def->name);
    return true;
}

static struct weir_expr *assign(struct binder *b, const struct weir_table_def *def, int i,
                                const struct rel *r, int from, struct weir_pos pos)
{
    const struct weir_field *f = &def->physical.field[i];
    if (from < 0) return bind_null(b, f->type, pos);
    const struct column *c = &r->col[from];
    if (!bind_can_assign(c->type, f->type))
        return bind_fail(
            b, &pos,
            "column %d of the query (\"%s\") is %s, column \"%s\" of table \"%s\" is %s; write "
            "CAST(... AS %s)",
            from + 1, c->name, bind_type_text(b, c->type), f->name, def->name,
            bind_type_text(b, f->type), bind_type_text(b, f->type));
    return bind_cast(b, bind_column(b, c->index, c->type, pos), f->type);
}

static struct weir_node *sink_rows(struct binder *b, const struct weir_table_def *def,
                                   const struct weir_ast_insert *in, struct rel *r)
{
    int n = def->physical.n;
    int *from = bind_alloc(b, (size_t)n, sizeof *from);
    struct weir_expr **e = bind_alloc(b, (size_t)n, sizeof *e);
    const char **name = bind_alloc(b, (size_t)n, sizeof *name);
    if (!from || !e || !name) return NULL;
    int want = in->columns.n ? (int)in->columns.n : n;
    if (r->n != want)
        return bind_fail(b, &in->query->pos, "the query has %d columns, %s \"%s\" %d", r->n,
                         in->columns.n ? "the column list of" : "table", def->name, want);
    if (!map_columns(b, def, in, from)) return NULL;
    bool same = r->node->schema.n == n;
    for (int i = 0; i < n; i++) {
        if (!(name[i] = bind_strdup(b, def->physical.field[i].name))) return NULL;
        if (!(e[i] = assign(b, def, i, r, from[i], in->query->pos))) return NULL;
        same &= e[i]->op == WEIR_OP_COLUMN && e[i]->column == i;
    }
    return same ? r->node : bind_project(b, r->node, n, e, name, in->query->pos);
}

static bool add_insert(struct binder *b, const struct weir_table_def *def, struct weir_node *root)
{
    struct weir_bound *out = b->out;
    struct weir_bound_insert *ins = bind_alloc(b, (size_t)out->n_inserts + 1, sizeof *ins);
    if (!ins) return false;
    if (out->n_inserts) memcpy(ins, out->insert, sizeof *ins * (size_t)out->n_inserts);
    out->insert = ins;
    struct weir_bound_insert *i = &ins[out->n_inserts];
    i->root = root;
    if (!(i->table = bind_strdup(b, def->name))) return false;
    if (!out->explain) {
        int status = b->cb && b->cb->open_sink
                         ? b->cb->open_sink(b->cb->ctx, def, &i->sink, b->err)
                         : weir_fail(b->err, WEIR_ERR_UNSUPPORTED, "nothing here writes tables");
        if (status) {
            b->status = status;
            return false;
        }
    }
    out->n_inserts++;
    out->kind = WEIR_BOUND_INSERT;
    return true;
}

bool bind_insert(struct binder *b, const struct weir_ast_insert *in, const struct weir_pos *pos)
{
    if (in->overwrite)
        return bind_unsupported(b, pos,
                                "INSERT OVERWRITE is parsed, not executed yet; write INSERT "
                                "INTO");
    if (in->n_partition)
        return bind_unsupported(b, pos,
                                "PARTITION (...) is parsed, not executed yet; leave it out");
    const char *name = bind_table_name(b, &in->table);
    const struct weir_table_def *def = name ? weir_catalog_find(b->catalog, name) : NULL;
    if (!name) return false;
    if (!def) {
        const char *near = weir_catalog_nearest(b->catalog, name);
        return bind_fail(b, &in->table.pos, "unknown table \"%s\"%s%s%s", name,
                         near ? "; did you mean \"" : "; CREATE TABLE it first", near ? near : "",
                         near ? "\"?" : "");
    }
    if (def->view || def->source)
        return bind_fail(b, &in->table.pos, "\"%s\" is a %s and cannot be written to", name,
                         def->view ? "view" : "registered source");
    struct rel *r = bind_query(b, in->query, NULL);
    struct weir_node *root = r ? sink_rows(b, def, in, r) : NULL;
    return root && add_insert(b, def, root);
}
