/* The printer of statements. CREATE TABLE takes several lines, as Flink's SHOW CREATE TABLE does.
 */
#include <string.h>

#include "host/sql/ast_print.h"

static void print_comment(const char *comment, const char *before, struct weir_buf *b)
{
    if (!comment) return;
    weir_buf_printf(b, "%sCOMMENT ", before);
    weir_print_text(comment, b);
}

static void print_column(const struct weir_ast_column *c, struct weir_buf *b)
{
    weir_ast_print_ident(c->name.name, b);
    if (c->type) {
        weir_buf_putc(b, ' ');
        weir_ast_print_type(c->type, b);
    }
    if (c->expr) {
        weir_buf_puts(b, " AS ");
        weir_ast_print_expr(c->expr, b);
    }
    if (c->kind == WEIR_AST_COL_METADATA) weir_buf_puts(b, " METADATA");
    if (c->metadata_key) {
        weir_buf_puts(b, " FROM ");
        weir_print_text(c->metadata_key, b);
    }
    if (c->is_virtual) weir_buf_puts(b, " VIRTUAL");
    if (c->primary_key) weir_buf_puts(b, " PRIMARY KEY NOT ENFORCED");
    if (c->unique) weir_buf_puts(b, " UNIQUE NOT ENFORCED");
    print_comment(c->comment, " ", b);
}

static void print_constraint(const struct weir_ast_constraint *c, struct weir_buf *b)
{
    if (c->name.name) {
        weir_buf_puts(b, "CONSTRAINT ");
        weir_ast_print_ident(c->name.name, b);
        weir_buf_putc(b, ' ');
    }
    weir_buf_puts(b, c->primary_key ? "PRIMARY KEY " : "UNIQUE ");
    weir_print_idents(&c->columns, b);
    if (c->not_enforced) weir_buf_puts(b, " NOT ENFORCED");
}

static void print_elements(const struct weir_ast_create_table *t, struct weir_buf *b)
{
    const char *gap = " (\n  ";
    if (!t->n_columns && !t->n_watermarks && !t->n_constraints) return;
    for (size_t i = 0; i < t->n_columns; i++, gap = ",\n  ") {
        weir_buf_puts(b, gap);
        print_column(&t->columns[i], b);
    }
    for (size_t i = 0; i < t->n_watermarks; i++, gap = ",\n  ") {
        weir_buf_printf(b, "%sWATERMARK FOR ", gap);
        weir_ast_print_name(&t->watermarks[i].column, b);
        weir_buf_puts(b, " AS ");
        weir_ast_print_expr(t->watermarks[i].expr, b);
    }
    for (size_t i = 0; i < t->n_constraints; i++, gap = ",\n  ") {
        weir_buf_puts(b, gap);
        print_constraint(&t->constraints[i], b);
    }
    weir_buf_puts(b, "\n)");
}

static void print_like(const struct weir_ast_create_table *t, struct weir_buf *b)
{
    static const char *const actions[] = {
        [WEIR_AST_LIKE_INCLUDING] = "INCLUDING",
        [WEIR_AST_LIKE_EXCLUDING] = "EXCLUDING",
        [WEIR_AST_LIKE_OVERWRITING] = "OVERWRITING",
    };
    static const char *const whats[] = {
        [WEIR_AST_LIKE_ALL] = "ALL",
        [WEIR_AST_LIKE_CONSTRAINTS] = "CONSTRAINTS",
        [WEIR_AST_LIKE_DISTRIBUTION] = "DISTRIBUTION",
        [WEIR_AST_LIKE_GENERATED] = "GENERATED",
        [WEIR_AST_LIKE_METADATA] = "METADATA",
        [WEIR_AST_LIKE_OPTIONS] = "OPTIONS",
        [WEIR_AST_LIKE_PARTITIONS] = "PARTITIONS",
        [WEIR_AST_LIKE_WATERMARKS] = "WATERMARKS",
    };
    if (!t->like.n) return;
    weir_buf_puts(b, "\nLIKE ");
    weir_ast_print_name(&t->like, b);
    for (size_t i = 0; i < t->n_like_options; i++) {
        weir_buf_puts(b, i ? " " : " (");
        weir_buf_printf(b, "%s %s", actions[t->like_options[i].action],
                        whats[t->like_options[i].what]);
    }
    if (t->n_like_options) weir_buf_putc(b, ')');
}

static void print_create(const char *what, bool or_replace, bool temporary, bool if_not_exists,
                         const struct weir_ast_name *name, struct weir_buf *b)
{
    weir_buf_printf(b, "CREATE %s%s%s%s", or_replace ? "OR REPLACE " : "",
                    temporary ? "TEMPORARY " : "", what, if_not_exists ? "IF NOT EXISTS " : "");
    weir_ast_print_name(name, b);
}

static void print_create_table(const struct weir_ast_create_table *t, struct weir_buf *b)
{
    print_create("TABLE ", t->or_replace, t->temporary, t->if_not_exists, &t->name, b);
    print_elements(t, b);
    print_comment(t->comment, "\n", b);
    if (t->partitioned_by.n) {
        weir_buf_puts(b, "\nPARTITIONED BY ");
        weir_print_idents(&t->partitioned_by, b);
    }
    if (t->options.n) {
        weir_buf_puts(b, "\nWITH ");
        weir_print_options(&t->options, "\n  ", b);
    }
    print_like(t, b);
    if (t->as) {
        weir_buf_puts(b, "\nAS ");
        weir_ast_print_query(t->as, b);
    }
}

static void print_create_view(const struct weir_ast_create_view *v, struct weir_buf *b)
{
    print_create("VIEW ", v->or_replace, v->temporary, v->if_not_exists, &v->name, b);
    for (size_t i = 0; i < v->n_columns; i++) {
        weir_buf_puts(b, i ? ", " : " (");
        weir_ast_print_ident(v->columns[i].name.name, b);
        print_comment(v->columns[i].comment, " ", b);
    }
    if (v->n_columns) weir_buf_putc(b, ')');
    print_comment(v->comment, " ", b);
    weir_buf_puts(b, " AS ");
    weir_ast_print_query(v->query, b);
}

static void print_create_function(const struct weir_ast_create_function *f, struct weir_buf *b)
{
    const char *what = f->system ? "SYSTEM FUNCTION " : "FUNCTION ";
    print_create(what, false, f->temporary, f->if_not_exists, &f->name, b);
    weir_buf_puts(b, " AS ");
    weir_print_text(f->identifier, b);
    if (f->language.name) {
        weir_buf_puts(b, " LANGUAGE ");
        weir_ast_print_ident(f->language.name, b);
    }
    for (size_t i = 0; i < f->n_jars; i++) {
        weir_buf_puts(b, i ? ", JAR " : " USING JAR ");
        weir_print_text(f->jars[i], b);
    }
}

static void print_create_namespace(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    const struct weir_ast_create_namespace *n = s->create_namespace;
    const char *what = s->kind == WEIR_AST_ST_CREATE_CATALOG ? "CATALOG " : "DATABASE ";
    print_create(what, false, false, n->if_not_exists, &n->name, b);
    print_comment(n->comment, " ", b);
    if (n->options.n) {
        weir_buf_puts(b, " WITH ");
        weir_print_options(&n->options, "", b);
    }
}

static void print_insert(const struct weir_ast_insert *x, struct weir_buf *b)
{
    weir_buf_puts(b, x->overwrite ? "INSERT OVERWRITE " : "INSERT INTO ");
    weir_ast_print_name(&x->table, b);
    weir_print_hints(&x->hints, b);
    for (size_t i = 0; i < x->n_partition; i++) {
        weir_buf_puts(b, i ? ", " : " PARTITION (");
        weir_ast_print_ident(x->partition[i].alias.name, b);
        if (!x->partition[i].expr) continue;
        weir_buf_puts(b, " = ");
        weir_ast_print_expr(x->partition[i].expr, b);
    }
    if (x->n_partition) weir_buf_putc(b, ')');
    weir_buf_putc(b, ' ');
    if (x->columns.n) {
        weir_print_idents(&x->columns, b);
        weir_buf_putc(b, ' ');
    }
    weir_ast_print_query(x->query, b);
}

static void print_explain(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    static const char *const flags[] = {
        "ESTIMATED_COST", "CHANGELOG_MODE", "JSON_EXECUTION_PLAN", "PLAN_ADVICE", "ANALYZE", "JSON",
    };
    const char *gap = "EXPLAIN ";
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!(s->explain.flags & 1u << i)) continue;
        weir_buf_printf(b, "%s%s", gap, flags[i]);
        gap = ", ";
    }
    weir_buf_puts(b, s->explain.flags ? " " : "EXPLAIN PLAN FOR ");
    weir_ast_print(s->explain.stmt, b);
}

static void print_set(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    weir_buf_puts(b, s->kind == WEIR_AST_ST_SET ? "SET" : "RESET");
    if (s->set.key) {
        weir_buf_putc(b, ' ');
        weir_print_text(s->set.key, b);
    }
    if (s->set.value) {
        weir_buf_puts(b, " = ");
        weir_print_text(s->set.value, b);
    }
}

static void print_show(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    static const char *const words[] = {
        [WEIR_AST_SHOW_TABLES] = "TABLES",
        [WEIR_AST_SHOW_VIEWS] = "VIEWS",
        [WEIR_AST_SHOW_FUNCTIONS] = "FUNCTIONS",
        [WEIR_AST_SHOW_USER_FUNCTIONS] = "USER FUNCTIONS",
        [WEIR_AST_SHOW_CATALOGS] = "CATALOGS",
        [WEIR_AST_SHOW_DATABASES] = "DATABASES",
        [WEIR_AST_SHOW_MODULES] = "MODULES",
        [WEIR_AST_SHOW_JARS] = "JARS",
        [WEIR_AST_SHOW_JOBS] = "JOBS",
        [WEIR_AST_SHOW_CURRENT_CATALOG] = "CURRENT CATALOG",
        [WEIR_AST_SHOW_CURRENT_DATABASE] = "CURRENT DATABASE",
        [WEIR_AST_SHOW_COLUMNS] = "COLUMNS",
        [WEIR_AST_SHOW_PARTITIONS] = "PARTITIONS",
        [WEIR_AST_SHOW_CREATE_TABLE] = "CREATE TABLE",
        [WEIR_AST_SHOW_CREATE_VIEW] = "CREATE VIEW",
    };
    weir_buf_printf(b, "SHOW %s", words[s->show.kind]);
    if (s->show.name.n) {
        weir_buf_puts(b, s->show.kind >= WEIR_AST_SHOW_PARTITIONS ? " " : " FROM ");
        weir_ast_print_name(&s->show.name, b);
    }
    if (s->show.like) {
        weir_buf_puts(b, s->show.not_like ? " NOT LIKE " : " LIKE ");
        weir_print_text(s->show.like, b);
    }
}

static void print_drop(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    static const char *const words[] = {
        [WEIR_AST_OBJ_TABLE] = "TABLE",       [WEIR_AST_OBJ_VIEW] = "VIEW",
        [WEIR_AST_OBJ_FUNCTION] = "FUNCTION", [WEIR_AST_OBJ_CATALOG] = "CATALOG",
        [WEIR_AST_OBJ_DATABASE] = "DATABASE",
    };
    weir_buf_printf(b, "DROP %s%s%s %s", s->drop.temporary ? "TEMPORARY " : "",
                    s->drop.system ? "SYSTEM " : "", words[s->drop.object],
                    s->drop.if_exists ? "IF EXISTS " : "");
    weir_ast_print_name(&s->drop.name, b);
    if (s->drop.cascade) weir_buf_puts(b, " CASCADE");
}

void weir_ast_print(const struct weir_ast_stmt *s, struct weir_buf *b)
{
    switch (s->kind) {
    case WEIR_AST_ST_CREATE_TABLE: print_create_table(s->create_table, b); break;
    case WEIR_AST_ST_CREATE_VIEW: print_create_view(s->create_view, b); break;
    case WEIR_AST_ST_CREATE_FUNCTION: print_create_function(s->create_function, b); break;
    case WEIR_AST_ST_CREATE_CATALOG:
    case WEIR_AST_ST_CREATE_DATABASE: print_create_namespace(s, b); break;
    case WEIR_AST_ST_INSERT: print_insert(s->insert, b); break;
    case WEIR_AST_ST_STATEMENT_SET:
        weir_buf_puts(b, "EXECUTE STATEMENT SET BEGIN ");
        for (size_t i = 0; i < s->statement_set.n; i++) {
            weir_ast_print(s->statement_set.stmts[i], b);
            weir_buf_puts(b, "; ");
        }
        weir_buf_puts(b, "END");
        break;
    case WEIR_AST_ST_QUERY: weir_ast_print_query(s->query, b); break;
    case WEIR_AST_ST_EXPLAIN: print_explain(s, b); break;
    case WEIR_AST_ST_SET:
    case WEIR_AST_ST_RESET: print_set(s, b); break;
    case WEIR_AST_ST_SHOW: print_show(s, b); break;
    case WEIR_AST_ST_DESCRIBE:
        weir_buf_puts(b, s->describe.extended ? "DESCRIBE EXTENDED " : "DESCRIBE ");
        weir_ast_print_name(&s->describe.name, b);
        break;
    case WEIR_AST_ST_DROP: print_drop(s, b); break;
    case WEIR_AST_ST_USE:
        weir_buf_puts(b, s->use.catalog ? "USE CATALOG " : "USE ");
        weir_ast_print_name(&s->use.name, b);
        break;
    }
}
