/* The binder's entry: one statement at a time. What was opened on the way is in OUT from the start,
   so a failure releases it like the caller would. */
#include "host/sql/bind.h"

#include <string.h>

#include "host/sql/bind_impl.h"

bool bind_keep_values(struct binder *b, struct weir_node *node)
{
    struct weir_node **v =
        bind_grow(b, b->out->values, b->out->n_values, &b->cap_values, sizeof *v);
    if (!v) return false;
    b->out->values = v;
    v[b->out->n_values++] = node;
    return true;
}

static bool bind_statement(struct binder *b, const struct weir_ast_stmt *stmt);

static bool query(struct binder *b, const struct weir_ast_query *q)
{
    struct rel *r = bind_query(b, q, NULL);
    if (!r) return false;
    for (int i = 0; i < r->n; i++)
        if (weir_type_is_interval(r->col[i].type))
            return bind_unsupported(b, &q->pos,
                                    "column \"%s\" is %s, which cannot leave a query; write "
                                    "TIMESTAMPDIFF(SECOND, a, b) for a number",
                                    r->col[i].name, bind_type_text(b, r->col[i].type));
    b->out->kind = WEIR_BOUND_QUERY;
    b->out->root = r->node;
    if (r->n == r->node->schema.n) {
        for (int i = 0; i < r->n; i++) r->node->schema.field[i].name = r->col[i].name;
        return true;
    }
    struct weir_type *t = bind_alloc(b, (size_t)r->n, sizeof *t);
    for (int i = 0; t && i < r->n; i++) t[i] = r->col[i].type;
    if (!t || !bind_cast_columns(b, r, t, q->pos)) return false;
    b->out->root = r->node;
    return true;
}

static bool explain(struct binder *b, const struct weir_ast_stmt *stmt)
{
    b->out->explain = true;
    b->out->explain_flags = stmt->explain.flags;
    return bind_statement(b, stmt->explain.stmt);
}

static bool statement_set(struct binder *b, const struct weir_ast_stmt *stmt)
{
    for (size_t i = 0; i < stmt->statement_set.n; i++)
        if (!bind_statement(b, stmt->statement_set.stmts[i])) return false;
    return true;
}

static bool use(struct binder *b, const struct weir_ast_stmt *stmt)
{
    const struct weir_ast_ident *last = &stmt->use.name.parts[stmt->use.name.n - 1];
    if (!strcmp(last->name, stmt->use.catalog ? "default_catalog" : "default_database"))
        return true;
    return bind_unsupported(b, &last->pos, "there is only %s here; leave this statement out",
                            stmt->use.catalog ? "default_catalog" : "default_database");
}

static bool bind_statement(struct binder *b, const struct weir_ast_stmt *stmt)
{
    switch (stmt->kind) {
    case WEIR_AST_ST_CREATE_TABLE: return bind_create_table(b, stmt);
    case WEIR_AST_ST_CREATE_VIEW: return bind_create_view(b, stmt);
    case WEIR_AST_ST_CREATE_FUNCTION:
        return bind_unsupported(b, &stmt->pos,
                                "user-defined functions are parsed, not executed; "
                                "SHOW FUNCTIONS lists what there is");
    case WEIR_AST_ST_CREATE_CATALOG:
    case WEIR_AST_ST_CREATE_DATABASE:
        return bind_unsupported(b, &stmt->pos,
                                "there is only default_catalog.default_database here; "
                                "leave this statement out");
    case WEIR_AST_ST_INSERT: return bind_insert(b, stmt->insert, &stmt->pos);
    case WEIR_AST_ST_STATEMENT_SET: return statement_set(b, stmt);
    case WEIR_AST_ST_QUERY: return query(b, stmt->query);
    case WEIR_AST_ST_EXPLAIN: return explain(b, stmt);
    case WEIR_AST_ST_SET:
    case WEIR_AST_ST_RESET: return bind_set(b, stmt);
    case WEIR_AST_ST_SHOW: return bind_show(b, stmt);
    case WEIR_AST_ST_DESCRIBE: return bind_describe(b, stmt);
    case WEIR_AST_ST_DROP: return bind_drop(b, stmt);
    default: return use(b, stmt);
    }
}

int weir_bind_statement(struct weir_catalog *catalog, const struct weir_ast_stmt *stmt,
                        const char *file_name, struct weir_arena *arena,
                        const struct weir_bind_callbacks *callbacks, struct weir_bound *out,
                        struct weir_error *err)
{
    *out = (struct weir_bound){.kind = WEIR_BOUND_DONE};
    struct binder b = {.catalog = catalog,
                       .arena = arena,
                       .cb = callbacks,
                       .out = out,
                       .err = err,
                       .file = file_name};
    bool ok = bind_statement(&b, stmt);
    if (ok && !b.status) return 0;
    weir_bound_release(out);
    if (!b.status) b.status = weir_fail(err, WEIR_ERR_INTERNAL, "binding failed without a reason");
    return b.status;
}

void weir_bound_release(struct weir_bound *out)
{
    for (int i = 0; i < out->n_values; i++) {
        weir_batch_unref(out->values[i]->values.batch);
        out->values[i]->values.batch = NULL;
    }
    for (int i = 0; i < out->n_inserts; i++)
        if (out->insert[i].sink) out->insert[i].sink->ops->free(out->insert[i].sink);
    for (int i = 0; i < out->n_sources; i++) out->source[i]->ops->free(out->source[i]);
    *out = (struct weir_bound){.kind = WEIR_BOUND_DONE};
}
