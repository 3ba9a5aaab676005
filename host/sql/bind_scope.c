/* Names: which column a name means, and what to say when it means none or several.

   A query block sees the columns of its FROM. When they lack a name, the enclosing query's columns
   are looked at: they are correlated ones, allowed only where a sub-query becomes a join. */
#include <string.h>

#include "host/sql/bind_impl.h"

bool bind_add_column(struct binder *b, struct rel *r, struct column c)
{
    struct column *col = bind_grow(b, r->col, r->n, &r->cap, sizeof *col);
    if (!col) return false;
    r->col = col;
    col[r->n++] = c;
    return true;
}

bool bind_rename(struct binder *b, struct rel *r, const struct weir_ast_ident *alias,
                 const struct weir_ast_idents *columns)
{
    if (columns->n && columns->n != (size_t)r->n) {
        bind_fail(b, &columns->items[0].pos, "\"%s\" is given %zu column names, and has %d columns",
                  alias->name, columns->n, r->n);
        return false;
    }
    for (int i = 0; i < r->n; i++) {
        r->col[i].table = alias->name;
        r->col[i].hidden = false;
        if (columns->n) bind_rename_column(r, i, columns->items[i].name);
    }
    return true;
}

const char *bind_table_name(struct binder *b, const struct weir_ast_name *name)
{
    const struct weir_ast_ident *p = name->parts;
    if (name->n == 2 && !strcmp(p[0].name, "default_database")) return p[1].name;
    if (name->n == 3 && !strcmp(p[0].name, "default_catalog") &&
        !strcmp(p[1].name, "default_database"))
        return p[2].name;
    if (name->n == 1) return p[0].name;
    return bind_unsupported(b, &name->pos,
                            "\"%s\" is no catalog or database here; there is only "
                            "default_catalog.default_database: write the table's name alone",
                            p[0].name);
}

/* ---- lookup ---- */

static bool matches(const struct column *c, const char *table, const char *name)
{
    if (table) return c->table && !strcmp(c->table, table) && !strcmp(c->name, name);
    return !c->hidden && !strcmp(c->name, name);
}

static int count_matches(const struct rel *r, const char *table, const char *name,
                         struct column **found)
{
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        if (!matches(&r->col[i], table, name)) continue;
        if (!n++) *found = &r->col[i];
    }
    return n;
}

static bool has_table(const struct rel *r, const char *table)
{
    for (int i = 0; i < r->n; i++)
        if (r->col[i].table && !strcmp(r->col[i].table, table)) return true;
    return false;
}

static void put_column(struct weir_buf *buf, const struct column *c, bool qualified)
{
    if (qualified && c->table) weir_buf_printf(buf, "%s.", c->table);
    weir_buf_puts(buf, c->name);
}

static bool several_tables(const struct rel *r)
{
    for (int i = 1; i < r->n; i++) {
        const char *a = r->col[0].table, *c = r->col[i].table;
        if (!a != !c || (a && strcmp(a, c))) return true;
    }
    return false;
}

static void *ambiguous(struct binder *b, const struct rel *r, const char *table, const char *name,
                       const struct weir_pos *pos)
{
    struct weir_buf list = {0};
    for (int i = 0; i < r->n && list.len < 200; i++) {
        if (!matches(&r->col[i], table, name)) continue;
        if (list.len) weir_buf_puts(&list, ", ");
        put_column(&list, &r->col[i], true);
    }
    bind_fail(b, pos, "column \"%s\" is ambiguous: %s; put the table's name in front", name,
              list.data ? list.data : "");
    weir_buf_release(&list);
    return NULL;
}

static const char *nearest_column(const struct rel *r, const char *table, const char *name)
{
    const char **names = weir_malloc(sizeof *names * (size_t)(r->n + 1));
    size_t n = 0;
    for (int i = 0; names && i < r->n; i++)
        if (!table || (r->col[i].table && !strcmp(r->col[i].table, table)))
            names[n++] = r->col[i].name;
    const char *near = names ? weir_sql_nearest(name, names, n) : NULL;
    weir_free(names);
    return near;
}

/* The columns that there are: of TABLE, or of all with their table's name when there are several.
 */
static void put_columns(struct weir_buf *buf, const struct rel *r, const char *table)
{
    bool qualified = !table && several_tables(r);
    const char *only = table ? table : r->n && !qualified ? r->col[0].table : NULL;
    if (only)
        weir_buf_printf(buf, "table \"%s\" has ", only);
    else
        weir_buf_puts(buf, "there are ");
    const char *sep = "";
    for (int i = 0; i < r->n; i++) {
        if (table && (!r->col[i].table || strcmp(r->col[i].table, table))) continue;
        if (buf->len > 300) {
            weir_buf_puts(buf, ", ...");
            return;
        }
        weir_buf_puts(buf, sep);
        put_column(buf, &r->col[i], qualified);
        sep = ", ";
    }
}

static void *unknown_column(struct binder *b, const struct rel *r, const char *table,
                            const char *name, const struct weir_pos *pos)
{
    if (!r->n)
        return bind_fail(b, pos, "unknown column \"%s\"; there are no columns here%s", name,
                         r->node && r->node->kind == WEIR_NODE_VALUES ? " without a FROM" : "");
    struct weir_buf text = {0};
    const char *near = nearest_column(r, table, name);
    if (near) weir_buf_printf(&text, "did you mean \"%s\"? ", near);
    put_columns(&text, r, table);
    bind_fail(b, pos, "unknown column \"%s\"; %s", name, text.data ? text.data : "");
    weir_buf_release(&text);
    return NULL;
}

static void *unknown_table(struct binder *b, const struct rel *r, const char *table,
                           const struct weir_pos *pos)
{
    struct weir_buf list = {0};
    const char *last = NULL;
    for (int i = 0; i < r->n && list.len < 200; i++) {
        const char *t = r->col[i].table;
        if (!t || (last && !strcmp(t, last))) continue;
        weir_buf_printf(&list, "%s%s", list.len ? ", " : "", t);
        last = t;
    }
    bind_fail(b, pos, "unknown table \"%s\"; FROM has %s", table,
              list.data ? list.data : "no table with a name");
    weir_buf_release(&list);
    return NULL;
}

static struct column *find_in(struct binder *b, struct scope *s, const char *table,
                              const char *name, const struct weir_pos *pos)
{
    struct column *found = NULL;
    int n = count_matches(&s->rel, table, name, &found);
    if (n > 1) return ambiguous(b, &s->rel, table, name, pos);
    return found;
}

static struct column *find_outer(struct binder *b, struct scope *s, const char *table,
                                 const char *name, const struct weir_pos *pos)
{
    int level = 1;
    for (struct scope *o = s->outer; o; o = o->outer, level++) {
        struct column *c = find_in(b, o, table, name, pos);
        if (!c && b->status) return NULL;
        if (!c) continue;
        if (level == 1 && s->correlated) return c;
        return bind_unsupported(
            b, pos,
            "column \"%s\" belongs to the enclosing query; that is not executed here, only in the "
            "WHERE of a plain IN or EXISTS sub-query directly below it: write a join instead",
            name);
    }
    return NULL;
}

struct column *bind_resolve(struct binder *b, struct scope *s, const struct weir_ast_name *name,
                            bool *outer)
{
    const struct weir_ast_ident *p = name->parts;
    const char *table = name->n == 1 ? NULL : p[name->n - 2].name;
    const char *column = p[name->n - 1].name;
    *outer = false;
    if (name->n == 4) table = p[2].name;
    struct column *c = find_in(b, s, table, column, &name->pos);
    if (c || b->status) return c;
    c = find_outer(b, s, table, column, &name->pos);
    if (c || b->status) {
        *outer = true;
        return c;
    }
    if (!table) return unknown_column(b, &s->rel, NULL, column, &name->pos);
    if (has_table(&s->rel, table))
        return unknown_column(b, &s->rel, table, column, &p[name->n - 1].pos);
    struct column *whole = NULL;
    if (count_matches(&s->rel, NULL, p[0].name, &whole) == 1)
        return bind_fail(b, &name->pos, "column \"%s\" is %s and has no field \"%s\"", p[0].name,
                         bind_type_text(b, whole->type), p[1].name);
    return unknown_table(b, &s->rel, table, &name->pos);
}
