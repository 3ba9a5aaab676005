/* FROM: tables, functions, sub-queries, UNNEST, joins. */
#include <string.h>
#include <strings.h>

#include "host/sql/parse_impl.h"

static struct weir_ast_table_ref *parse_joined(struct weir_parser *p);

static struct weir_ast_table_ref *new_ref(struct weir_parser *p, enum weir_ast_table_kind kind,
                                          struct weir_pos start)
{
    struct weir_ast_table_ref *t = weir_node(p, sizeof *t);
    if (!t) return NULL;
    t->kind = kind;
    t->pos = weir_span(p, start);
    return t;
}

/* a SEMI JOIN b would be an inner join with a table that is called SEMI. */
static bool check_join_word(struct weir_parser *p)
{
    static const char *const words[] = {"SEMI", "ANTI", "ASOF"};
    const struct weir_token *t = weir_tok(p);
    if (weir_tok_ahead(p, 1)->keyword != WEIR_KW_JOIN || t->pos.end - t->pos.start != 4)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncasecmp(words[i], p->lexer.sql + t->pos.start, 4) != 0) continue;
        return weir_fail_pos(p, &t->pos,
                             "Flink SQL has no %s JOIN; write WHERE [NOT] EXISTS (SELECT ...) or a "
                             "lookup join (FOR SYSTEM_TIME AS OF)",
                             words[i]);
    }
    return true;
}

bool weir_parse_alias(struct weir_parser *p, struct weir_ast_table_ref *t)
{
    if (!weir_accept_kw(p, WEIR_KW_AS)) {
        if (!weir_is_ident(weir_tok(p))) return !p->status;
        if (!check_join_word(p)) return false;
    }
    if (!weir_parse_ident(p, &t->alias, "a name for the table")) return false;
    if (weir_at(p, WEIR_TK_LPAREN) && !weir_parse_columns(p, &t->columns, "a column's name")) {
        return false;
    }
    t->pos = weir_span(p, t->pos);
    return !p->status;
}

/* ---- one table ---- */

/* f(...) or, when WRAPPED, TABLE(f(...)), at the function's name */
static struct weir_ast_table_ref *parse_function(struct weir_parser *p, struct weir_pos start,
                                                 bool wrapped)
{
    struct weir_pos name_start = weir_tok(p)->pos;
    struct weir_ast_name name;
    struct weir_ast_table_ref *t = new_ref(p, WEIR_AST_TR_FUNCTION, start);
    if (!t || !weir_parse_name(p, &name, "a table function")) return NULL;
    if (!weir_at(p, WEIR_TK_LPAREN)) {
        weir_unexpected(p, "'(' and the function's arguments");
        return NULL;
    }
    t->function.wrapped = wrapped;
    t->function.call = weir_parse_call(p, &name, name_start);
    if (!t->function.call) return NULL;
    if (wrapped && !weir_expect(p, WEIR_TK_RPAREN, "')' of TABLE(...)")) return NULL;
    t->pos = weir_span(p, start);
    return t;
}

/* name [hints] [FOR SYSTEM_TIME AS OF x] */
static struct weir_ast_table_ref *parse_named(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_table_ref *t = new_ref(p, WEIR_AST_TR_NAME, start);
    if (!t || !weir_parse_name(p, &t->named.name, "a table")) return NULL;
    if (!weir_parse_hints(p, &t->named.hints)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_FOR)) {
        if (!weir_expect_kw(p, WEIR_KW_SYSTEM_TIME) || !weir_expect_kw(p, WEIR_KW_AS) ||
            !weir_expect_kw(p, WEIR_KW_OF)) {
            return NULL;
        }
        t->named.system_time = weir_parse_expr(p);
        if (!t->named.system_time) return NULL;
    }
    t->pos = weir_span(p, start);
    return t;
}

static struct weir_ast_table_ref *parse_unnest(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_table_ref *t = new_ref(p, WEIR_AST_TR_UNNEST, start);
    if (!t || !weir_advance(p) || !weir_expect(p, WEIR_TK_LPAREN, NULL) ||
        !weir_parse_exprs(p, &t->unnest.args) || !weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) {
        return NULL;
    }
    t->unnest.with_ordinality = weir_accept_kw2(p, WEIR_KW_WITH, WEIR_KW_ORDINALITY);
    t->pos = weir_span(p, start);
    return t;
}

static struct weir_ast_table_ref *wrap_query(struct weir_parser *p, struct weir_ast_query *q,
                                             struct weir_pos start)
{
    struct weir_ast_table_ref *t = q ? new_ref(p, WEIR_AST_TR_QUERY, start) : NULL;
    if (t) t->query = q;
    return t;
}

static bool is_bare_query(const struct weir_ast_table_ref *t)
{
    return t->kind == WEIR_AST_TR_QUERY && !t->alias.name;
}

static bool parse_suffix(struct weir_parser *p, struct weir_ast_table_ref **t);
static struct weir_ast_table_ref *
parse_joins(struct weir_parser *p, struct weir_ast_table_ref *left, struct weir_pos start);

/* '(' query ')' or '(' joined tables ')', whatever the number of parentheses; one '(' a call, so
   that
   ((SELECT ...) UNION ...) and ((SELECT ...) AS a JOIN ...) are told apart behind the inner one. */
static struct weir_ast_table_ref *parse_parenthesis(struct weir_parser *p)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_table_ref *t;
    if (!weir_enter(p, &scope) || !weir_advance(p)) return NULL;
    struct weir_pos inner = weir_tok(p)->pos;
    if (weir_starts_query(weir_tok(p)) &&
        !(weir_at_kw(p, WEIR_KW_TABLE) && weir_tok_ahead(p, 1)->kind == WEIR_TK_LPAREN)) {
        t = wrap_query(p, weir_parse_query(p), inner);
    } else if (weir_at(p, WEIR_TK_LPAREN) && weir_paren_starts_query(p)) {
        t = parse_parenthesis(p);
        if (t && is_bare_query(t) && weir_continues_query(p)) {
            t = wrap_query(p, weir_parse_query_from(p, t->query, inner), inner);
        } else if (t && !(is_bare_query(t) && weir_at(p, WEIR_TK_RPAREN))) {
            t = parse_suffix(p, &t) ? parse_joins(p, t, inner) : NULL;
        }
    } else {
        t = parse_joined(p);
    }
    if (!t || !weir_expect(p, WEIR_TK_RPAREN, NULL) || !weir_leave(p, &scope)) return NULL;
    if (is_bare_query(t)) t->pos = weir_span(p, start);
    return t;
}

static struct weir_ast_table_ref *parse_head(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_table_ref *t;
    bool lateral = weir_accept_kw(p, WEIR_KW_LATERAL);
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    if (weir_at(p, WEIR_TK_LPAREN)) {
        t = parse_parenthesis(p);
    } else if (weir_at_kw(p, WEIR_KW_TABLE) && next == WEIR_TK_LPAREN) {
        t = weir_advance(p) && weir_advance(p) ? parse_function(p, start, true) : NULL;
    } else if (weir_at_kw(p, WEIR_KW_UNNEST)) {
        t = parse_unnest(p, start);
    } else if (weir_at_kw(p, WEIR_KW_TABLE)) {
        t = weir_advance(p) ? parse_named(p, start) : NULL;
    } else {
        size_t k = 1; /* behind a.b.c */
        while (weir_tok_ahead(p, k)->kind == WEIR_TK_DOT) k += 2;
        bool call = weir_is_ident(weir_tok(p)) && weir_tok_ahead(p, k)->kind == WEIR_TK_LPAREN;
        t = call ? parse_function(p, start, false) : parse_named(p, start);
    }
    if (t && lateral) {
        if (t->kind == WEIR_AST_TR_NAME || t->kind == WEIR_AST_TR_JOIN) {
            weir_fail_pos(p, &start,
                          "LATERAL stands before TABLE(function(...)), a query in "
                          "parentheses or UNNEST(...)");
            return NULL;
        }
        t->lateral = true;
    }
    return t;
}

/* [MATCH_RECOGNIZE (...)] [alias] */
static bool parse_suffix(struct weir_parser *p, struct weir_ast_table_ref **t)
{
    struct weir_pos start = (*t)->pos;
    if ((*t)->kind == WEIR_AST_TR_JOIN || (*t)->alias.name) return true; /* in parentheses */
    if (weir_at_kw(p, WEIR_KW_MATCH_RECOGNIZE)) {
        struct weir_ast_table_ref *outer = new_ref(p, WEIR_AST_TR_MATCH, start);
        if (!outer || !(outer->match = weir_parse_match(p, *t)) || !weir_grow(p)) return false;
        outer->pos = weir_span(p, start);
        *t = outer;
    }
    if (weir_at_kw(p, WEIR_KW_TABLESAMPLE)) {
        return weir_fail_pos(p, &weir_tok(p)->pos, "TABLESAMPLE is not part of Flink SQL");
    }
    if (!weir_parse_alias(p, *t)) return false;
    if ((*t)->kind == WEIR_AST_TR_NAME && weir_at_kw(p, WEIR_KW_FOR)) {
        return weir_fail_pos(p, &weir_tok(p)->pos,
                             "FOR SYSTEM_TIME AS OF stands before the alias: %s FOR SYSTEM_TIME "
                             "AS OF ... AS %s",
                             (*t)->named.name.parts[(*t)->named.name.n - 1].name,
                             (*t)->alias.name ? (*t)->alias.name : "t");
    }
    return true;
}

static struct weir_ast_table_ref *parse_primary(struct weir_parser *p)
{
    struct weir_scope scope;
    if (!weir_enter(p, &scope)) return NULL;
    struct weir_ast_table_ref *t = parse_head(p);
    return t && parse_suffix(p, &t) && weir_leave(p, &scope) ? t : NULL;
}

/* ---- joins ---- */

/* [NATURAL] [INNER | LEFT|RIGHT|FULL [OUTER] | CROSS] JOIN; 1 if there, 0 if not, -1 on failure */
static int accept_join(struct weir_parser *p, enum weir_ast_join_kind *kind, bool *natural)
{
    *natural = weir_accept_kw(p, WEIR_KW_NATURAL);
    bool outer = true;
    if (weir_accept_kw(p, WEIR_KW_LEFT))
        *kind = WEIR_AST_JOIN_LEFT;
    else if (weir_accept_kw(p, WEIR_KW_RIGHT))
        *kind = WEIR_AST_JOIN_RIGHT;
    else if (weir_accept_kw(p, WEIR_KW_FULL))
        *kind = WEIR_AST_JOIN_FULL;
    else {
        outer = false;
        if (weir_accept_kw(p, WEIR_KW_CROSS))
            *kind = WEIR_AST_JOIN_CROSS;
        else {
            *kind = WEIR_AST_JOIN_INNER;
            bool inner = weir_accept_kw(p, WEIR_KW_INNER);
            if (!inner && !*natural && !weir_at_kw(p, WEIR_KW_JOIN)) return p->status ? -1 : 0;
        }
    }
    if (outer) weir_accept_kw(p, WEIR_KW_OUTER);
    if (!weir_expect_kw(p, WEIR_KW_JOIN)) return -1;
    if (*natural && *kind == WEIR_AST_JOIN_CROSS) {
        weir_fail_pos(p, &p->prev.pos, "a CROSS JOIN cannot be NATURAL");
        return -1;
    }
    return 1;
}

static bool parse_condition(struct weir_parser *p, struct weir_ast_table_ref *t)
{
    if (t->join.kind == WEIR_AST_JOIN_CROSS || t->join.natural) return true;
    if (weir_accept_kw(p, WEIR_KW_ON)) return (t->join.on = weir_parse_expr(p)) != NULL;
    if (weir_accept_kw(p, WEIR_KW_USING)) {
        return weir_parse_columns(p, &t->join.using_columns, "a column's name");
    }
    return weir_unexpected(p, "ON condition or USING (columns)");
}

static struct weir_ast_table_ref *
parse_joins(struct weir_parser *p, struct weir_ast_table_ref *left, struct weir_pos start)
{
    enum weir_ast_join_kind kind;
    bool natural;
    int found;
    while ((found = accept_join(p, &kind, &natural)) > 0) {
        struct weir_ast_table_ref *t = new_ref(p, WEIR_AST_TR_JOIN, start);
        if (!t) return NULL;
        t->join.kind = kind;
        t->join.natural = natural;
        t->join.left = left;
        t->join.right = parse_primary(p);
        if (!t->join.right || !parse_condition(p, t) || !weir_grow(p)) return NULL;
        t->pos = weir_span(p, start);
        left = t;
    }
    return found < 0 ? NULL : left;
}

static struct weir_ast_table_ref *parse_joined(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_table_ref *t = parse_primary(p);
    return t ? parse_joins(p, t, start) : NULL;
}

struct weir_ast_table_ref *weir_parse_from(struct weir_parser *p)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    if (!weir_enter(p, &scope)) return NULL;
    struct weir_ast_table_ref *left = parse_joined(p);
    while (left && weir_accept(p, WEIR_TK_COMMA)) {
        struct weir_ast_table_ref *right = parse_joined(p);
        struct weir_ast_table_ref *t = right ? new_ref(p, WEIR_AST_TR_JOIN, start) : NULL;
        if (!t || !weir_grow(p)) return NULL;
        t->join.kind = WEIR_AST_JOIN_COMMA;
        t->join.left = left;
        t->join.right = right;
        left = t;
    }
    return left && weir_leave(p, &scope) ? left : NULL;
}
