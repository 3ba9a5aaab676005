/* SHOW, DESCRIBE and SET: their answers are VALUES of strings, printed like a query's. */
#include <string.h>

#include "host/sql/bind_impl.h"

struct answer {
    struct binder *b;
    struct weir_builder *rows;
    int n;
};

static bool begin(struct binder *b, struct answer *a, int n)
{
    struct weir_type *t = bind_alloc(b, (size_t)n, sizeof *t);
    *a = (struct answer){.b = b, .n = n};
    if (!t) return false;
    for (int i = 0; i < n; i++) t[i] = weir_type_string();
    int status = weir_builder_new(NULL, n, t, &a->rows, b->err);
    if (status) b->status = status;
    return !status;
}

static void cell(struct answer *a, int column, const char *text)
{
    if (text)
        weir_builder_str(a->rows, column, text, strlen(text));
    else
        weir_builder_null(a->rows, column);
}

/* The rows so far become the statement's query. */
static bool end(struct answer *a, const char *const *names, struct weir_pos pos)
{
    struct binder *b = a->b;
    struct weir_node *n = b->status ? NULL : bind_node(b, WEIR_NODE_VALUES, 0, a->n, pos);
    bool ok = n && bind_keep_values(b, n);
    if (ok) {
        for (int i = 0; i < a->n; i++)
            n->schema.field[i] = (struct weir_field){names[i], weir_type_string()};
        int status = weir_builder_finish(a->rows, &n->values.batch, b->err);
        if (status) b->status = status;
        b->out->kind = WEIR_BOUND_QUERY;
        b->out->root = n;
    }
    weir_builder_free(a->rows);
    return ok && !b->status;
}

/* LIKE with % and _, as SHOW ... LIKE takes it. */
static bool like(const char *s, const char *p)
{
    const char *star = NULL, *from = s;
    while (*s) {
        if (*p == '%') {
            star = p++;
            from = s;
        } else if (*p == '_' || *p == *s) {
            p++;
            s++;
        } else if (star) {
            p = star + 1;
            s = ++from;
        } else {
            return false;
        }
    }
    while (*p == '%') p++;
    return !*p;
}

static bool wanted(const struct weir_ast_stmt *stmt, const char *name)
{
    return !stmt->show.like || like(name, stmt->show.like) != stmt->show.not_like;
}

static const struct weir_table_def *find(struct binder *b, const struct weir_ast_name *name)
{
    const char *table = bind_table_name(b, name);
    if (!table) return NULL;
    const struct weir_table_def *def = weir_catalog_find(b->catalog, table);
    if (def) return def;
    const char *near = weir_catalog_nearest(b->catalog, table);
    return bind_fail(b, &name->pos, "unknown table \"%s\"%s%s%s", table,
                     near ? "; did you mean \"" : "; SHOW TABLES lists what there is",
                     near ? near : "", near ? "\"?" : "");
}

static bool show_tables(struct binder *b, const struct weir_ast_stmt *stmt)
{
    bool views = stmt->show.kind == WEIR_AST_SHOW_VIEWS;
    const char *const names[] = {views ? "view name" : "table name"};
    struct answer a;
    if (!begin(b, &a, 1)) return false;
    for (size_t i = 0; i < b->catalog->n_defs; i++) {
        const struct weir_table_def *def = b->catalog->def[i];
        if ((!views || def->view) && wanted(stmt, def->name)) cell(&a, 0, def->name);
    }
    return end(&a, names, stmt->pos);
}

/* Those that the binder and the aggregates bring along, then the registry. */
static bool show_functions(struct binder *b, const struct weir_ast_stmt *stmt)
{
    static const char *const names[] = {"function name", "signature"};
    static const char *const own[][2] = {{"COALESCE", "COALESCE(value, ...)"},
                                         {"IFNULL", "IFNULL(value, instead)"},
                                         {"NULLIF", "NULLIF(a, b)"},
                                         {"IF", "IF(condition, a, b)"},
                                         {"GROUPING", "GROUPING(key, ...)"}};
    struct answer a;
    if (!begin(b, &a, 2)) return false;
    bool all = stmt->show.kind == WEIR_AST_SHOW_FUNCTIONS;
    for (size_t i = 0; all && i < sizeof own / sizeof *own; i++) {
        if (!wanted(stmt, own[i][0])) continue;
        cell(&a, 0, own[i][0]);
        cell(&a, 1, own[i][1]);
    }
    for (int i = 0; all && i < WEIR_AGG_FN_COUNT_; i++) {
        const char *name = weir_agg_name((enum weir_agg_fn)i);
        if (!wanted(stmt, name)) continue;
        cell(&a, 0, name);
        cell(&a, 1,
             weir_arena_printf(b->arena, i ? "%s([DISTINCT] value)" : "%s(* | value)", name));
    }
    for (int i = 0; all && i < weir_function_count(); i++) {
        const struct weir_function *f = weir_function_at(i);
        if (bind_is_internal(f) || !wanted(stmt, f->name)) continue;
        cell(&a, 0, f->name);
        cell(&a, 1, f->signature);
    }
    return end(&a, names, stmt->pos);
}

static bool one_cell(struct binder *b, const char *name, const char *text, struct weir_pos pos)
{
    struct answer a;
    if (!begin(b, &a, 1)) return false;
    cell(&a, 0, text);
    return end(&a, &name, pos);
}

static bool show_create(struct binder *b, const struct weir_ast_stmt *stmt)
{
    bool view = stmt->show.kind == WEIR_AST_SHOW_CREATE_VIEW;
    const struct weir_table_def *def = find(b, &stmt->show.name);
    if (!def) return false;
    if (view != (def->view != NULL))
        return bind_fail(b, &stmt->show.name.pos, "\"%s\" is a %s; write SHOW CREATE %s %s",
                         def->name, def->view ? "view" : "table", def->view ? "VIEW" : "TABLE",
                         def->name);
    if (!def->ddl)
        return bind_fail(b, &stmt->show.name.pos,
                         "table \"%s\" was registered by the program, no "
                         "statement made it",
                         def->name);
    return one_cell(b, "result", def->ddl, stmt->pos);
}

static const char *expr_text(struct binder *b, const struct weir_ast_expr *e)
{
    struct weir_buf text = {0};
    weir_buf_puts(&text, "AS ");
    weir_ast_print_expr(e, &text);
    const char *copy = text.oom ? bind_nomem(b) : bind_strdup(b, text.data);
    weir_buf_release(&text);
    return copy;
}

/* Flink's columns: name, type, null, key, extras, watermark. */
static bool columns(struct binder *b, const struct weir_table_def *def,
                    const struct weir_ast_stmt *stmt, bool filter)
{
    static const char *const names[] = {"name", "type", "null", "key", "extras", "watermark"};
    struct answer a;
    if (!begin(b, &a, 6)) return false;
    for (int i = 0; i < def->n_columns; i++) {
        const struct weir_table_column *c = &def->column[i];
        if (filter && !wanted(stmt, c->name)) continue;
        cell(&a, 0, c->name);
        cell(&a, 1, bind_type_text(b, c->type));
        cell(&a, 2, c->type.nullable ? "TRUE" : "FALSE");
        cell(&a, 3, c->primary_key ? "PRI(key)" : NULL);
        cell(&a, 4, c->expr ? expr_text(b, c->expr) : NULL);
        cell(&a, 5, i == def->rowtime ? def->watermark_text : NULL);
    }
    return end(&a, names, stmt->pos);
}

bool bind_describe(struct binder *b, const struct weir_ast_stmt *stmt)
{
    const struct weir_table_def *def = find(b, &stmt->describe.name);
    return def && columns(b, def, stmt, false);
}

bool bind_show(struct binder *b, const struct weir_ast_stmt *stmt)
{
    const struct weir_table_def *def;
    switch (stmt->show.kind) {
    case WEIR_AST_SHOW_TABLES:
    case WEIR_AST_SHOW_VIEWS: return show_tables(b, stmt);
    case WEIR_AST_SHOW_FUNCTIONS:
    case WEIR_AST_SHOW_USER_FUNCTIONS: return show_functions(b, stmt);
    case WEIR_AST_SHOW_CATALOGS: return one_cell(b, "catalog name", "default_catalog", stmt->pos);
    case WEIR_AST_SHOW_CURRENT_CATALOG:
        return one_cell(b, "current catalog name", "default_catalog", stmt->pos);
    case WEIR_AST_SHOW_DATABASES:
        return one_cell(b, "database name", "default_database", stmt->pos);
    case WEIR_AST_SHOW_CURRENT_DATABASE:
        return one_cell(b, "current database name", "default_database", stmt->pos);
    case WEIR_AST_SHOW_COLUMNS:
        def = find(b, &stmt->show.name);
        return def && columns(b, def, stmt, true);
    case WEIR_AST_SHOW_CREATE_TABLE:
    case WEIR_AST_SHOW_CREATE_VIEW: return show_create(b, stmt);
    default:
        return bind_unsupported(b, &stmt->pos,
                                "this SHOW is parsed, not executed; there are SHOW "
                                "TABLES, VIEWS, FUNCTIONS, COLUMNS and CREATE TABLE");
    }
}

/* ---- SET, RESET ---- */

bool bind_set(struct binder *b, const struct weir_ast_stmt *stmt)
{
    static const char *const names[] = {"key", "value"};
    const char *key = stmt->set.key, *value = stmt->set.value;
    int status = 0;
    if (stmt->kind == WEIR_AST_ST_SET && !key) {
        struct answer a;
        if (!begin(b, &a, 2)) return false;
        for (size_t i = 0; i < b->catalog->n_settings; i++) {
            cell(&a, 0, b->catalog->setting[i].key);
            cell(&a, 1, b->catalog->setting[i].value);
        }
        return end(&a, names, stmt->pos);
    }
    struct weir_error why = {0};
    if (key && b->cb && b->cb->check_setting)
        status = b->cb->check_setting(b->cb->ctx, key, value, &why);
    if (status == WEIR_ERR_NOMEM) return bind_nomem(b);
    if (status) return bind_fail(b, &stmt->set.key_pos, "%s", why.message);
    status = weir_catalog_set(b->catalog, key, value, b->err);
    if (status) b->status = status;
    return !status;
}
