/* CREATE TABLE, CREATE VIEW and DROP.

   A definition must outlive its statement, so it is printed back to SQL, and that text is parsed
   again into the definition's own arena; from there everything is referenced. Positions of options
   are taken from the original statement, for the messages of connectors. What a definition says is
   checked now: computed columns, the watermark and a view's query are bound once without opening a
   source. */
#include <string.h>

#include "host/sql/bind_impl.h"

/* ---- a definition of one's own ---- */

/* STMT again, in DEF's arena. */
static bool own_copy(struct binder *b, const struct weir_ast_stmt *stmt, struct weir_table_def *def,
                     const struct weir_ast_stmt **out)
{
    struct weir_buf text = {0};
    struct weir_ast_script script;
    weir_ast_print(stmt, &text);
    char *ddl =
        text.oom || !text.data ? NULL : weir_arena_strndup(&def->arena, text.data, text.len);
    def->file_name = weir_arena_strndup(&def->arena, b->file, strlen(b->file));
    int status = 0;
    if (!ddl || !def->file_name)
        bind_nomem(b);
    else
        status = weir_sql_parse(ddl, text.len, def->file_name, &def->arena, &script, b->err);
    weir_buf_release(&text);
    if (status) b->status = status;
    if (b->status) return false;
    def->ddl = ddl;
    def->pos = stmt->pos;
    *out = script.stmts[0];
    return true;
}

static bool may_create(struct binder *b, const struct weir_ast_name *name, bool if_not_exists,
                       bool or_replace, const char **table, bool *skip)
{
    *skip = false;
    *table = bind_table_name(b, name);
    if (!*table) return false;
    const struct weir_table_def *old = weir_catalog_find(b->catalog, *table);
    if (!old || or_replace) return true;
    if (if_not_exists) {
        *skip = true;
        return true;
    }
    return bind_fail(b, &name->pos, "there is already a %s \"%s\"; DROP it, or write IF NOT EXISTS",
                     old->view ? "view" : "table", *table);
}

static bool put(struct binder *b, struct weir_table_def *def)
{
    int status = b->status ? b->status : weir_catalog_put(b->catalog, def, b->err);
    if (status) {
        b->status = status;
        weir_table_def_free(def);
    }
    return !status;
}

/* ---- columns ---- */

static int find_column(const struct weir_table_def *def, const char *name)
{
    for (int i = 0; i < def->n_columns; i++)
        if (!strcmp(def->column[i].name, name)) return i;
    return -1;
}

static bool add_column(struct binder *b, struct weir_table_def *def,
                       const struct weir_ast_column *a, const struct weir_ast_column *written)
{
    struct weir_table_column c = {.name = a->name.name,
                                  .kind = a->kind,
                                  .expr = a->expr,
                                  .comment = a->comment,
                                  .primary_key = a->primary_key,
                                  .physical = -1};
    if (find_column(def, c.name) >= 0)
        return bind_fail(b, &written->pos, "table \"%s\" has two columns \"%s\"", def->name,
                         c.name);
    if (a->kind == WEIR_AST_COL_METADATA)
        return bind_unsupported(b, &written->pos,
                                "METADATA columns are parsed, not executed yet; leave \"%s\" out",
                                c.name);
    if (a->kind == WEIR_AST_COL_PHYSICAL) {
        if (!written->type) return bind_fail(b, &written->pos, "column \"%s\" has no type", c.name);
        if (!bind_type(b, written->type, &c.type)) return false;
        if (c.primary_key) c.type.nullable = 0;
        c.physical = def->physical.n;
        def->physical.field[def->physical.n++] = (struct weir_field){c.name, c.type};
    }
    def->column[def->n_columns++] = c;
    return true;
}

static bool primary_key(struct binder *b, struct weir_table_def *def,
                        const struct weir_ast_create_table *c)
{
    for (size_t i = 0; i < c->n_constraints; i++) {
        const struct weir_ast_constraint *k = &c->constraints[i];
        for (size_t n = 0; n < k->columns.n; n++) {
            int at = find_column(def, k->columns.items[n].name);
            if (at < 0)
                return bind_fail(b, &k->columns.items[n].pos,
                                 "unknown column \"%s\" in the key of table \"%s\"",
                                 k->columns.items[n].name, def->name);
            if (!k->primary_key) continue;
            struct weir_table_column *col = &def->column[at];
            col->primary_key = true;
            col->type.nullable = 0;
            if (col->physical >= 0) def->physical.field[col->physical].type.nullable = 0;
        }
    }
    return true;
}

/* Computed columns get their types by binding them over the physical ones. */
static bool computed(struct binder *b, struct weir_table_def *def,
                     const struct weir_ast_create_table *c, int first)
{
    struct scope s = {.clause = "a computed column"};
    for (int i = 0; i < def->physical.n; i++) {
        struct column col = {.name = def->physical.field[i].name,
                             .table = def->name,
                             .type = def->physical.field[i].type,
                             .index = i};
        if (!bind_add_column(b, &s.rel, col)) return false;
    }
    for (size_t i = 0; i < c->n_columns; i++) {
        if (c->columns[i].kind != WEIR_AST_COL_COMPUTED) continue;
        struct weir_expr *e = bind_top(b, &s, c->columns[i].expr, s.clause);
        if (!e) return false;
        def->column[first + (int)i].type = e->type;
    }
    return true;
}

/* WATERMARK FOR ts AS ts, or ts - INTERVAL. */
static bool watermark(struct binder *b, struct weir_table_def *def,
                      const struct weir_ast_create_table *c,
                      const struct weir_ast_create_table *own)
{
    if (!c->n_watermarks) return true;
    const struct weir_ast_watermark *w = &c->watermarks[0];
    if (c->n_watermarks > 1)
        return bind_fail(b, &c->watermarks[1].pos, "a table has one WATERMARK at most");
    const char *name = w->column.parts[0].name;
    int at = w->column.n == 1 ? find_column(def, name) : -1;
    if (at < 0)
        return bind_fail(b, &w->column.pos,
                         "unknown column \"%s\" in the WATERMARK of table \"%s\"", name, def->name);
    struct weir_type t = def->column[at].type;
    if (!weir_type_is_timestamp(t))
        return bind_fail(b, &w->column.pos,
                         "the WATERMARK is on a TIMESTAMP, \"%s\" is %s; add a computed column: ts "
                         "AS TO_TIMESTAMP(%s)",
                         name, bind_type_text(b, t), name);
    const struct weir_ast_expr *e = w->expr, *time = e;
    int64_t delay = 0;
    if (e->kind == WEIR_AST_EX_BINARY && e->binary.op == WEIR_AST_BIN_SUB) {
        time = e->binary.left;
        if (!bind_interval(b, e->binary.right, "the delay of a WATERMARK", &delay)) return false;
    }
    if (time->kind != WEIR_AST_EX_COLUMN || time->column.n != 1 ||
        strcmp(time->column.parts[0].name, name) || delay < 0)
        return bind_unsupported(b, &e->pos,
                                "this WATERMARK is parsed, not executed yet; write %s, or %s - "
                                "INTERVAL '5' SECOND",
                                name, name);
    struct weir_buf text = {0};
    weir_ast_print_expr(own->watermarks[0].expr, &text);
    def->watermark_text =
        text.oom || !text.data ? NULL : weir_arena_strndup(&def->arena, text.data, text.len);
    weir_buf_release(&text);
    def->rowtime = at;
    def->watermark_us = delay;
    if (!def->watermark_text) bind_nomem(b);
    return def->watermark_text != NULL;
}

static bool options(struct binder *b, struct weir_table_def *def,
                    const struct weir_ast_options *written, const struct weir_ast_options *own)
{
    for (size_t i = 0; i < written->n; i++) {
        struct weir_table_option o = {own->items[i].key, own->items[i].value,
                                      written->items[i].key_pos, written->items[i].value_pos};
        int at = 0;
        while (at < def->n_options && strcmp(def->option[at].key, o.key)) at++;
        if (at < def->n_options && def->option[at].key_pos.end)
            return bind_fail(b, &o.key_pos, "option '%s' is given twice", o.key);
        def->option[at] = o;
        if (at == def->n_options) def->n_options++;
    }
    return true;
}

/* ---- LIKE ---- */

static bool includes(const struct weir_ast_create_table *c, enum weir_ast_like_what what)
{
    bool yes = true;
    for (size_t i = 0; i < c->n_like_options; i++)
        if (c->like_options[i].what == what || c->like_options[i].what == WEIR_AST_LIKE_ALL)
            yes = c->like_options[i].action != WEIR_AST_LIKE_EXCLUDING;
    return yes;
}

static const char *dup(struct binder *b, struct weir_table_def *def, const char *s)
{
    if (!s) return NULL;
    char *copy = weir_arena_strndup(&def->arena, s, strlen(s));
    return copy ? copy : bind_nomem(b);
}

/* An expression of another definition, in DEF's arena. */
static const struct weir_ast_expr *dup_expr(struct binder *b, struct weir_table_def *def,
                                            const struct weir_ast_expr *e)
{
    struct weir_buf text = {0};
    struct weir_ast_expr *out = NULL;
    weir_ast_print_expr(e, &text);
    const char *own = text.oom ? bind_nomem(b) : dup(b, def, text.data);
    if (own) {
        int status = weir_sql_parse_expr(own, text.len, def->file_name, &def->arena, &out, b->err);
        if (status) b->status = status;
    }
    weir_buf_release(&text);
    return out;
}

static bool like_columns(struct binder *b, struct weir_table_def *def,
                         const struct weir_table_def *base, const struct weir_ast_create_table *c)
{
    for (int i = 0; i < base->n_columns; i++) {
        struct weir_table_column col = base->column[i];
        if (col.physical < 0 && !includes(c, WEIR_AST_LIKE_GENERATED)) continue;
        if (!(col.name = dup(b, def, col.name))) return false;
        if (col.comment && !(col.comment = dup(b, def, col.comment))) return false;
        if (col.expr && !(col.expr = dup_expr(b, def, col.expr))) return false;
        if (!includes(c, WEIR_AST_LIKE_CONSTRAINTS)) col.primary_key = false;
        if (col.physical >= 0) {
            col.physical = def->physical.n;
            def->physical.field[def->physical.n++] = (struct weir_field){col.name, col.type};
        }
        def->column[def->n_columns++] = col;
    }
    if (base->rowtime < 0 || !includes(c, WEIR_AST_LIKE_WATERMARKS)) return true;
    def->rowtime = find_column(def, base->column[base->rowtime].name);
    def->watermark_us = base->watermark_us;
    def->watermark_text = dup(b, def, base->watermark_text);
    return !b->status;
}

static bool like_options(struct binder *b, struct weir_table_def *def,
                         const struct weir_table_def *base)
{
    for (int i = 0; i < base->n_options; i++) {
        struct weir_table_option o = {.key = dup(b, def, base->option[i].key),
                                      .value = dup(b, def, base->option[i].value)};
        if (!o.key || !o.value) return false;
        def->option[def->n_options++] = o;
    }
    return true;
}

static const struct weir_table_def *like_base(struct binder *b,
                                              const struct weir_ast_create_table *c)
{
    const char *name = bind_table_name(b, &c->like);
    const struct weir_table_def *base = name ? weir_catalog_find(b->catalog, name) : NULL;
    if (base && !base->view && !base->source) return base;
    return bind_fail(b, &c->like.pos,
                     "LIKE %s: there is no table of that name made by CREATE TABLE",
                     name ? name : "");
}

/* ---- CREATE TABLE ---- */

static bool refuse_clauses(struct binder *b, const struct weir_ast_create_table *c,
                           const struct weir_pos *pos)
{
    if (c->as)
        return bind_unsupported(b, &c->as->pos,
                                "CREATE TABLE ... AS SELECT is parsed, not executed "
                                "yet; write CREATE TABLE and INSERT INTO");
    if (c->partitioned_by.n)
        return bind_unsupported(b, &c->partitioned_by.items[0].pos,
                                "PARTITIONED BY is parsed, not executed yet; leave it out");
    if (!c->n_columns && !c->like.n)
        return bind_fail(b, pos, "a table needs columns: CREATE TABLE t (a INT) WITH (...)");
    return true;
}

static bool fill_table(struct binder *b, struct weir_table_def *def,
                       const struct weir_ast_create_table *c,
                       const struct weir_ast_create_table *own, const struct weir_table_def *base)
{
    size_t n = c->n_columns + (base ? (size_t)base->n_columns : 0);
    size_t n_options = c->options.n + (base ? (size_t)base->n_options : 0);
    def->temporary = c->temporary;
    def->comment = own->comment;
    def->column = weir_arena_alloc(&def->arena, n * sizeof *def->column);
    def->physical.field = weir_arena_alloc(&def->arena, n * sizeof *def->physical.field);
    def->option = weir_arena_alloc(&def->arena, n_options * sizeof *def->option);
    if (!def->column || !def->physical.field || !def->option) return bind_nomem(b);
    if (base && (!like_columns(b, def, base, c) ||
                 (includes(c, WEIR_AST_LIKE_OPTIONS) && !like_options(b, def, base))))
        return false;
    int first = def->n_columns;
    for (size_t i = 0; i < c->n_columns; i++)
        if (!add_column(b, def, &own->columns[i], &c->columns[i])) return false;
    if (!def->physical.n)
        return bind_fail(b, &def->pos, "table \"%s\" has only computed columns", def->name);
    return primary_key(b, def, c) && computed(b, def, c, first) && watermark(b, def, c, own) &&
           options(b, def, &c->options, &own->options);
}

bool bind_create_table(struct binder *b, const struct weir_ast_stmt *stmt)
{
    const struct weir_ast_create_table *c = stmt->create_table;
    const struct weir_table_def *base = NULL;
    const char *name;
    bool skip;
    if (!may_create(b, &c->name, c->if_not_exists, c->or_replace, &name, &skip)) return false;
    if (skip) return true;
    if (!refuse_clauses(b, c, &stmt->pos)) return false;
    if (c->like.n && !(base = like_base(b, c))) return false;
    struct weir_table_def *def = weir_table_def_new();
    if (!def) return bind_nomem(b);
    const struct weir_ast_stmt *own;
    bool ok = (def->name = dup(b, def, name)) != NULL && own_copy(b, stmt, def, &own) &&
              fill_table(b, def, c, own->create_table, base);
    if (ok) return put(b, def);
    weir_table_def_free(def);
    return false;
}

/* ---- CREATE VIEW ---- */

static bool fill_view(struct binder *b, struct weir_table_def *def,
                      const struct weir_ast_create_view *c, const struct weir_ast_create_view *own)
{
    b->dry = true;
    struct rel *r = bind_query(b, c->query, NULL);
    b->dry = false;
    if (!r) return false;
    if (c->n_columns && c->n_columns != (size_t)r->n)
        return bind_fail(b, &c->columns[0].name.pos,
                         "view \"%s\" is given %zu column names, and its query has %d columns",
                         def->name, c->n_columns, r->n);
    const char **names = weir_arena_alloc(&def->arena, own->n_columns * sizeof *names);
    if (!names) return bind_nomem(b);
    for (size_t i = 0; i < own->n_columns; i++) names[i] = own->columns[i].name.name;
    def->view_column = names;
    def->n_view_columns = (int)own->n_columns;
    def->view = own->query;
    def->temporary = c->temporary;
    def->comment = own->comment;
    def->n_columns = r->n;
    def->column = weir_arena_alloc(&def->arena, (size_t)r->n * sizeof *def->column);
    if (!def->column) return bind_nomem(b);
    for (int i = 0; i < r->n; i++) {
        const char *name = c->n_columns ? names[i] : dup(b, def, r->col[i].name);
        if (!name) return false;
        def->column[i] =
            (struct weir_table_column){.name = name, .type = r->col[i].type, .physical = -1};
    }
    return true;
}

bool bind_create_view(struct binder *b, const struct weir_ast_stmt *stmt)
{
    const struct weir_ast_create_view *c = stmt->create_view;
    const char *name;
    bool skip;
    if (!may_create(b, &c->name, c->if_not_exists, c->or_replace, &name, &skip)) return false;
    if (skip) return true;
    struct weir_table_def *def = weir_table_def_new();
    if (!def) return bind_nomem(b);
    const struct weir_ast_stmt *own;
    bool ok = (def->name = dup(b, def, name)) != NULL && own_copy(b, stmt, def, &own) &&
              fill_view(b, def, c, own->create_view);
    if (ok) return put(b, def);
    weir_table_def_free(def);
    return false;
}

/* ---- DROP ---- */

bool bind_drop(struct binder *b, const struct weir_ast_stmt *stmt)
{
    enum weir_ast_object object = stmt->drop.object;
    bool view = object == WEIR_AST_OBJ_VIEW;
    if (object != WEIR_AST_OBJ_TABLE && !view)
        return bind_unsupported(b, &stmt->pos, "only tables and views can be dropped");
    const char *name = bind_table_name(b, &stmt->drop.name);
    if (!name) return false;
    const struct weir_table_def *def = weir_catalog_find(b->catalog, name);
    if (!def && stmt->drop.if_exists) return true;
    if (!def) {
        const char *near = weir_catalog_nearest(b->catalog, name);
        return bind_fail(b, &stmt->drop.name.pos, "unknown %s \"%s\"%s%s%s",
                         view ? "view" : "table", name, near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
    }
    if (view != (def->view != NULL))
        return bind_fail(b, &stmt->drop.name.pos, "\"%s\" is a %s; write DROP %s %s", name,
                         def->view ? "view" : "table", def->view ? "VIEW" : "TABLE", name);
    weir_catalog_drop(b->catalog, name);
    return true;
}
