/* CREATE TABLE, VIEW, FUNCTION, CATALOG, DATABASE. */
#include <string.h>

#include "host/sql/parse_impl.h"

/* Up to three optional clauses that every CREATE shares. */
static bool parse_if_not_exists(struct weir_parser *p, bool *out)
{
    if (!weir_accept_kw(p, WEIR_KW_IF)) return !p->status;
    *out = true;
    return weir_expect_kw(p, WEIR_KW_NOT) && weir_expect_kw(p, WEIR_KW_EXISTS);
}

static bool parse_comment(struct weir_parser *p, const char **out)
{
    if (!weir_accept_kw(p, WEIR_KW_COMMENT)) return !p->status;
    *out = weir_parse_string(p, "the comment in quotes");
    return *out != NULL;
}

static bool parse_with(struct weir_parser *p, struct weir_ast_options *out)
{
    if (!weir_accept_kw(p, WEIR_KW_WITH)) return !p->status;
    return weir_parse_options(p, out);
}

/* ---- columns ---- */

static bool parse_metadata(struct weir_parser *p, struct weir_ast_column *c)
{
    c->kind = WEIR_AST_COL_METADATA;
    if (weir_accept_kw(p, WEIR_KW_FROM)) {
        c->metadata_key = weir_parse_string(p, "the metadata's key in quotes");
        if (!c->metadata_key) return false;
    }
    c->is_virtual = weir_accept_kw(p, WEIR_KW_VIRTUAL);
    return !p->status;
}

static bool parse_not_enforced(struct weir_parser *p, bool *out)
{
    *out = weir_accept_kw(p, WEIR_KW_NOT);
    if (*out) return weir_expect_kw(p, WEIR_KW_ENFORCED);
    weir_accept_kw(p, WEIR_KW_ENFORCED);
    return !p->status;
}

/* PRIMARY KEY, UNIQUE, COMMENT behind a column, in any order */
static bool parse_column_tail(struct weir_parser *p, struct weir_ast_column *c)
{
    bool ignored;
    for (;;) {
        if (weir_accept_kw(p, WEIR_KW_PRIMARY)) {
            c->primary_key = true;
            if (!weir_expect_kw(p, WEIR_KW_KEY) || !parse_not_enforced(p, &ignored)) return false;
        } else if (weir_accept_kw(p, WEIR_KW_UNIQUE)) {
            c->unique = true;
            if (!parse_not_enforced(p, &ignored)) return false;
        } else if (weir_at_kw(p, WEIR_KW_COMMENT)) {
            if (!parse_comment(p, &c->comment)) return false;
        } else {
            return !p->status;
        }
    }
}

static bool parse_column(struct weir_parser *p, struct weir_ast_column *c)
{
    c->pos = weir_tok(p)->pos;
    if (!weir_parse_ident(p, &c->name, "a column's name")) return false;
    if (weir_accept_kw(p, WEIR_KW_AS)) {
        c->kind = WEIR_AST_COL_COMPUTED;
        c->expr = weir_parse_expr(p);
        if (!c->expr) return false;
    } else if (!weir_at(p, WEIR_TK_COMMA) && !weir_at(p, WEIR_TK_RPAREN)) {
        c->type = weir_parse_type_node(p);
        if (!c->type) return false;
        if (weir_accept_kw(p, WEIR_KW_METADATA) && !parse_metadata(p, c)) return false;
    }
    if (!parse_column_tail(p, c)) return false;
    c->pos = weir_span(p, c->pos);
    return true;
}

/* WATERMARK FOR column AS expr */
static bool parse_watermark(struct weir_parser *p, struct weir_ast_watermark *w)
{
    w->pos = weir_tok(p)->pos;
    if (!weir_advance(p) || !weir_expect_kw(p, WEIR_KW_FOR) ||
        !weir_parse_name(p, &w->column, "the time column's name") ||
        !weir_expect_kw(p, WEIR_KW_AS)) {
        return false;
    }
    w->expr = weir_parse_expr(p);
    w->pos = weir_span(p, w->pos);
    return w->expr != NULL;
}

/* [CONSTRAINT name] PRIMARY KEY|UNIQUE (columns) [NOT ENFORCED] */
static bool parse_constraint(struct weir_parser *p, struct weir_ast_constraint *c)
{
    c->pos = weir_tok(p)->pos;
    if (weir_accept_kw(p, WEIR_KW_CONSTRAINT) &&
        !weir_parse_ident(p, &c->name, "the constraint's name")) {
        return false;
    }
    c->primary_key = weir_accept_kw(p, WEIR_KW_PRIMARY);
    if (c->primary_key ? !weir_expect_kw(p, WEIR_KW_KEY) : !weir_accept_kw(p, WEIR_KW_UNIQUE)) {
        return weir_unexpected(p, "PRIMARY KEY or UNIQUE");
    }
    if (!weir_parse_columns(p, &c->columns, "a column's name")) return false;
    if (!parse_not_enforced(p, &c->not_enforced)) return false;
    c->pos = weir_span(p, c->pos);
    return true;
}

/* The lists that a table's elements go to. They cannot share the scratch stack, which holds one
   growing list at a time: each element is pushed with its kind, and sorted out at the end. */
struct element {
    enum { COLUMN, WATERMARK, CONSTRAINT } kind;
    union {
        struct weir_ast_column column;
        struct weir_ast_watermark watermark;
        struct weir_ast_constraint constraint;
    };
};

static bool parse_element(struct weir_parser *p, struct element *e)
{
    if (weir_at_kw(p, WEIR_KW_WATERMARK)) {
        e->kind = WATERMARK;
        return parse_watermark(p, &e->watermark);
    }
    if (weir_at_kw(p, WEIR_KW_CONSTRAINT) || weir_at_kw(p, WEIR_KW_PRIMARY) ||
        (weir_at_kw(p, WEIR_KW_UNIQUE) && weir_tok_ahead(p, 1)->kind == WEIR_TK_LPAREN)) {
        e->kind = CONSTRAINT;
        return parse_constraint(p, &e->constraint);
    }
    e->kind = COLUMN;
    return parse_column(p, &e->column);
}

static bool sort_elements(struct weir_parser *p, const struct element *e, size_t n,
                          struct weir_ast_create_table *t)
{
    size_t counts[3] = {0};
    for (size_t i = 0; i < n; i++) counts[e[i].kind]++;
    t->columns = weir_node(p, counts[COLUMN] * sizeof *t->columns);
    t->watermarks = weir_node(p, counts[WATERMARK] * sizeof *t->watermarks);
    t->constraints = weir_node(p, counts[CONSTRAINT] * sizeof *t->constraints);
    if (!t->columns || !t->watermarks || !t->constraints) return false;
    for (size_t i = 0; i < n; i++) {
        if (e[i].kind == COLUMN)
            t->columns[t->n_columns++] = e[i].column;
        else if (e[i].kind == WATERMARK)
            t->watermarks[t->n_watermarks++] = e[i].watermark;
        else
            t->constraints[t->n_constraints++] = e[i].constraint;
    }
    return true;
}

static bool parse_elements(struct weir_parser *p, struct weir_ast_create_table *t)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct element));
    struct element *elements;
    size_t n;
    if (!weir_advance(p)) return false;
    if (weir_accept(p, WEIR_TK_RPAREN)) return true;
    do {
        struct element e;
        memset(&e, 0, sizeof e);
        if (!parse_element(p, &e) || !weir_list_push(p, &l, &e)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    if (!weir_at(p, WEIR_TK_RPAREN)) {
        return weir_unexpected(p, "',' and the next column, or ')'");
    }
    return weir_advance(p) && weir_list_end(p, &l, &elements, &n) &&
           sort_elements(p, elements, n, t);
}

/* ---- CREATE TABLE ---- */

static const struct {
    uint16_t keyword;
    uint8_t code;
} like_actions[] =
    {
        {WEIR_KW_INCLUDING, WEIR_AST_LIKE_INCLUDING},
        {WEIR_KW_EXCLUDING, WEIR_AST_LIKE_EXCLUDING},
        {WEIR_KW_OVERWRITING, WEIR_AST_LIKE_OVERWRITING},
},
  like_whats[] = {
      {WEIR_KW_ALL, WEIR_AST_LIKE_ALL},
      {WEIR_KW_CONSTRAINTS, WEIR_AST_LIKE_CONSTRAINTS},
      {WEIR_KW_DISTRIBUTION, WEIR_AST_LIKE_DISTRIBUTION},
      {WEIR_KW_GENERATED, WEIR_AST_LIKE_GENERATED},
      {WEIR_KW_METADATA, WEIR_AST_LIKE_METADATA},
      {WEIR_KW_OPTIONS, WEIR_AST_LIKE_OPTIONS},
      {WEIR_KW_PARTITIONS, WEIR_AST_LIKE_PARTITIONS},
      {WEIR_KW_WATERMARKS, WEIR_AST_LIKE_WATERMARKS},
};

static bool parse_like_option(struct weir_parser *p, struct weir_ast_like_option *o)
{
    size_t i = 0, j = 0;
    o->pos = weir_tok(p)->pos;
    while (i < 3 && !weir_at_kw(p, like_actions[i].keyword)) i++;
    if (i == 3) return weir_unexpected(p, "INCLUDING, EXCLUDING, OVERWRITING or ')'");
    if (!weir_advance(p)) return false;
    while (j < 8 && !weir_at_kw(p, like_whats[j].keyword)) j++;
    if (j == 8) {
        return weir_unexpected(p, "ALL, CONSTRAINTS, DISTRIBUTION, GENERATED, METADATA, OPTIONS, "
                                  "PARTITIONS or WATERMARKS");
    }
    o->action = (enum weir_ast_like_action)like_actions[i].code;
    o->what = (enum weir_ast_like_what)like_whats[j].code;
    if (!weir_advance(p)) return false;
    o->pos = weir_span(p, o->pos);
    return true;
}

/* LIKE table [(options)] */
static bool parse_like(struct weir_parser *p, struct weir_ast_create_table *t)
{
    if (!weir_parse_name(p, &t->like, "a table's name")) return false;
    if (!weir_accept(p, WEIR_TK_LPAREN)) return !p->status;
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_like_option));
    while (!weir_accept(p, WEIR_TK_RPAREN)) {
        struct weir_ast_like_option o;
        if (!parse_like_option(p, &o) || !weir_list_push(p, &l, &o)) return false;
    }
    return weir_list_end(p, &l, &t->like_options, &t->n_like_options);
}

/* Behind CREATE [TEMPORARY] TABLE. */
static bool parse_create_table(struct weir_parser *p, struct weir_ast_create_table *t)
{
    if (!parse_if_not_exists(p, &t->if_not_exists)) return false;
    if (!weir_parse_name(p, &t->name, "the table's name")) return false;
    if (weir_at(p, WEIR_TK_LPAREN) && !parse_elements(p, t)) return false;
    if (!parse_comment(p, &t->comment)) return false;
    if (weir_accept_kw(p, WEIR_KW_PARTITIONED)) {
        if (!weir_expect_kw(p, WEIR_KW_BY)) return false;
        if (!weir_parse_columns(p, &t->partitioned_by, "a column's name")) return false;
    }
    if (!parse_with(p, &t->options)) return false;
    if (weir_accept_kw(p, WEIR_KW_LIKE)) return parse_like(p, t);
    if (weir_accept_kw(p, WEIR_KW_AS)) return (t->as = weir_parse_query(p)) != NULL;
    if (!t->n_columns && !t->n_watermarks && !t->n_constraints && !t->options.n) {
        return weir_unexpected(p, "'(' and the columns, WITH (...), LIKE or AS");
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].kind == WEIR_AST_COL_PHYSICAL && !t->columns[i].type) {
            return weir_fail_pos(p, &t->columns[i].pos, "column '%s' has no data type",
                                 t->columns[i].name.name);
        }
    }
    return !p->status;
}

/* ---- the others ---- */

static bool parse_view_columns(struct weir_parser *p, struct weir_ast_create_view *v)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_view_column));
    if (!weir_accept(p, WEIR_TK_LPAREN)) return !p->status;
    do {
        struct weir_ast_view_column c = {0};
        if (!weir_parse_ident(p, &c.name, "a column's name") || !parse_comment(p, &c.comment) ||
            !weir_list_push(p, &l, &c)) {
            return false;
        }
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_list_end(p, &l, &v->columns, &v->n_columns);
}

static bool parse_create_view(struct weir_parser *p, struct weir_ast_create_view *v)
{
    if (!parse_if_not_exists(p, &v->if_not_exists) ||
        !weir_parse_name(p, &v->name, "the view's name") || !parse_view_columns(p, v) ||
        !parse_comment(p, &v->comment) || !weir_expect_kw(p, WEIR_KW_AS)) {
        return false;
    }
    v->query = weir_parse_query(p);
    return v->query != NULL;
}

/* USING JAR '...', JAR '...' */
static bool parse_jars(struct weir_parser *p, struct weir_ast_create_function *f)
{
    struct weir_list l = weir_list_begin(p, sizeof(const char *));
    if (!weir_accept_kw(p, WEIR_KW_USING)) return !p->status;
    do {
        if (!weir_expect_kw(p, WEIR_KW_JAR)) return false;
        const char *jar = weir_parse_string(p, "the jar's path in quotes");
        if (!jar || !weir_list_push(p, &l, &jar)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &f->jars, &f->n_jars);
}

static bool parse_create_function(struct weir_parser *p, struct weir_ast_create_function *f)
{
    if (!parse_if_not_exists(p, &f->if_not_exists) ||
        !weir_parse_name(p, &f->name, "the function's name") || !weir_expect_kw(p, WEIR_KW_AS)) {
        return false;
    }
    f->identifier = weir_parse_string(p, "the function's class or library in quotes");
    if (!f->identifier) return false;
    if (weir_accept_kw(p, WEIR_KW_LANGUAGE) &&
        !weir_parse_ident(p, &f->language, "the name of a language")) {
        return false;
    }
    return parse_jars(p, f);
}

static bool parse_create_namespace(struct weir_parser *p, struct weir_ast_create_namespace *n)
{
    return parse_if_not_exists(p, &n->if_not_exists) && weir_parse_name(p, &n->name, "a name") &&
           parse_comment(p, &n->comment) && parse_with(p, &n->options);
}

static struct weir_ast_stmt *create_namespace(struct weir_parser *p, enum weir_ast_stmt_kind kind)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, kind);
    if (!s) return NULL;
    s->create_namespace = weir_node(p, sizeof *s->create_namespace);
    if (!s->create_namespace) return NULL;
    return parse_create_namespace(p, s->create_namespace) ? s : NULL;
}

/* The words between CREATE and what is created. */
struct prefix {
    bool or_replace, temporary, system;
};

static struct weir_ast_stmt *create_table(struct weir_parser *p, struct prefix x)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_CREATE_TABLE);
    if (!s || !(s->create_table = weir_node(p, sizeof *s->create_table))) return NULL;
    s->create_table->temporary = x.temporary;
    s->create_table->or_replace = x.or_replace;
    return parse_create_table(p, s->create_table) ? s : NULL;
}

static struct weir_ast_stmt *create_view(struct weir_parser *p, struct prefix x)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_CREATE_VIEW);
    if (!s || !(s->create_view = weir_node(p, sizeof *s->create_view))) return NULL;
    s->create_view->temporary = x.temporary;
    s->create_view->or_replace = x.or_replace;
    return parse_create_view(p, s->create_view) ? s : NULL;
}

static struct weir_ast_stmt *create_function(struct weir_parser *p, struct prefix x)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_CREATE_FUNCTION);
    if (!s || !(s->create_function = weir_node(p, sizeof *s->create_function))) return NULL;
    s->create_function->temporary = x.temporary;
    s->create_function->system = x.system;
    return parse_create_function(p, s->create_function) ? s : NULL;
}

struct weir_ast_stmt *weir_parse_create(struct weir_parser *p)
{
    struct prefix x = {0};
    if (!weir_advance(p)) return NULL;
    x.or_replace = weir_accept_kw2(p, WEIR_KW_OR, WEIR_KW_REPLACE);
    x.temporary = weir_accept_kw(p, WEIR_KW_TEMPORARY);
    x.system = x.temporary && weir_accept_kw(p, WEIR_KW_SYSTEM);
    bool plain = !x.or_replace && !x.temporary;
    if (!x.system && weir_accept_kw(p, WEIR_KW_TABLE)) return create_table(p, x);
    if (!x.system && weir_accept_kw(p, WEIR_KW_VIEW)) return create_view(p, x);
    if (!x.or_replace && weir_accept_kw(p, WEIR_KW_FUNCTION)) return create_function(p, x);
    if (plain && weir_accept_kw(p, WEIR_KW_CATALOG)) {
        return create_namespace(p, WEIR_AST_ST_CREATE_CATALOG);
    }
    if (plain && weir_accept_kw(p, WEIR_KW_DATABASE)) {
        return create_namespace(p, WEIR_AST_ST_CREATE_DATABASE);
    }
    weir_unexpected(p, x.system       ? "FUNCTION"
                       : x.or_replace ? "TABLE or VIEW"
                       : x.temporary  ? "TABLE, VIEW, FUNCTION or SYSTEM FUNCTION"
                                      : "TABLE, VIEW, FUNCTION, TEMPORARY, CATALOG or DATABASE");
    return NULL;
}
