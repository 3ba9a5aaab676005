/* Primaries: what an expression begins with (literals, names, calls, parentheses, CASE, CAST,
   constructors, prefix operators) and what is glued to it ([index], .field). */
#include <string.h>

#include "host/sql/parse_impl.h"

static struct weir_ast_expr *parse_prefix(struct weir_parser *p, enum weir_ast_unary_op op, int bp)
{
    struct weir_pos start = weir_tok(p)->pos;
    if (!weir_advance(p)) return NULL;
    uint8_t next = weir_tok(p)->kind;
    if (op == WEIR_AST_UN_NEG &&
        (next == WEIR_TK_INT || next == WEIR_TK_DECIMAL || next == WEIR_TK_DOUBLE)) {
        return weir_parse_number(p, true);
    }
    struct weir_ast_expr *operand = weir_parse_expr_bp(p, bp);
    struct weir_ast_expr *e = operand ? weir_new_expr(p, WEIR_AST_EX_UNARY, start) : NULL;
    if (!e) return NULL;
    e->unary.op = op;
    e->unary.operand = operand;
    return e;
}

/* Behind '(': a scalar sub-query, a row (a, b), or an expression in parentheses. */
static struct weir_ast_expr *parse_parenthesis(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_query *q;
    struct weir_ast_expr *e;
    if (!weir_advance(p)) return NULL;
    if (weir_at(p, WEIR_TK_RPAREN)) return weir_unexpected(p, "an expression"), NULL;
    if (!weir_parse_query_or_expr(p, &q, &e)) return NULL;
    if (q) {
        if (!weir_expect(p, WEIR_TK_RPAREN, NULL)) return NULL;
        e = weir_new_expr(p, WEIR_AST_EX_SUBQUERY, start);
        if (e) e->query = q;
        return e;
    }
    if (!weir_at(p, WEIR_TK_COMMA)) return weir_expect(p, WEIR_TK_RPAREN, "')'") ? e : NULL;
    struct weir_list l = weir_list_begin(p, sizeof e);
    if (!weir_list_push(p, &l, &e)) return NULL;
    while (weir_accept(p, WEIR_TK_COMMA)) {
        e = weir_parse_expr(p);
        if (!e || !weir_list_push(p, &l, &e)) return NULL;
    }
    if (!weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) return NULL;
    e = weir_new_expr(p, WEIR_AST_EX_ROW, start);
    if (!e) return NULL;
    e->implicit = true;
    return weir_list_end(p, &l, &e->list.items, &e->list.n) ? e : NULL;
}

static struct weir_ast_expr *parse_case(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_CASE, start);
    if (!e || !weir_advance(p)) return NULL;
    if (!weir_at_kw(p, WEIR_KW_WHEN)) {
        e->case_when.operand = weir_parse_expr(p);
        if (!e->case_when.operand) return NULL;
    }
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_when));
    do {
        struct weir_ast_when w;
        if (!weir_expect_kw(p, WEIR_KW_WHEN)) return NULL;
        w.when = weir_parse_expr(p);
        if (!w.when || !weir_expect_kw(p, WEIR_KW_THEN)) return NULL;
        w.then = weir_parse_expr(p);
        if (!w.then || !weir_list_push(p, &l, &w)) return NULL;
    } while (weir_at_kw(p, WEIR_KW_WHEN));
    if (!weir_list_end(p, &l, &e->case_when.whens, &e->case_when.n)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_ELSE)) {
        e->case_when.otherwise = weir_parse_expr(p);
        if (!e->case_when.otherwise) return NULL;
    }
    if (!weir_at_kw(p, WEIR_KW_END)) {
        weir_unexpected(p, e->case_when.otherwise ? "END of the CASE" : "WHEN, ELSE or END");
        return NULL;
    }
    if (!weir_advance(p)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

static struct weir_ast_expr *parse_cast(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_CAST, start);
    if (!e) return NULL;
    e->cast.is_try = weir_at_kw(p, WEIR_KW_TRY_CAST);
    if (!weir_advance(p) || !weir_expect(p, WEIR_TK_LPAREN, NULL)) return NULL;
    e->cast.operand = weir_parse_expr(p);
    if (!e->cast.operand) return NULL;
    if (!weir_at_kw(p, WEIR_KW_AS)) {
        weir_unexpected(p, "AS and the type, as in CAST(a AS INT),");
        return NULL;
    }
    if (!weir_advance(p)) return NULL;
    e->cast.type = weir_parse_type_node(p);
    if (!e->cast.type || !weir_expect(p, WEIR_TK_RPAREN, NULL)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

static struct weir_ast_expr *parse_exists(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_EXISTS, start), *other;
    struct weir_ast_query *q;
    if (!e || !weir_advance(p) || !weir_expect(p, WEIR_TK_LPAREN, "'(' and a query")) return NULL;
    if (!weir_starts_query(weir_tok(p)) && !weir_paren_starts_query(p)) {
        weir_unexpected(p, "a query");
        return NULL;
    }
    if (!weir_parse_query_or_expr(p, &q, &other)) return NULL;
    if (!q) return weir_unexpected(p, "')'; EXISTS takes a query"), NULL;
    if (!weir_expect(p, WEIR_TK_RPAREN, NULL)) return NULL;
    e->query = q;
    e->pos = weir_span(p, start);
    return e;
}

/* ARRAY[...], MAP[...], ROW(...), ARRAY(query): which one stands here. */
static struct weir_ast_expr *parse_constructor(struct weir_parser *p, enum weir_ast_expr_kind kind)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, kind, start);
    if (!e || !weir_advance(p)) return NULL;
    bool round = weir_at(p, WEIR_TK_LPAREN);
    enum weir_token_kind close = round ? WEIR_TK_RPAREN : WEIR_TK_RBRACKET;
    if (!weir_advance(p)) return NULL;
    if (!weir_accept(p, close)) {
        if (!weir_parse_exprs(p, &e->list)) return NULL;
        if (!weir_expect(p, close, round ? "',' or ')'" : "',' or ']'")) return NULL;
    }
    e->pos = weir_span(p, start);
    if (kind == WEIR_AST_EX_MAP && e->list.n % 2) {
        weir_fail_pos(p, &e->pos, "MAP needs a value for each key: MAP[key, value, ...]");
        return NULL;
    }
    return e;
}

/* CURRENT_TIMESTAMP and the like, when no '(' follows. */
static bool is_niladic(const struct weir_parser *p)
{
    switch (weir_tok(p)->keyword) {
    case WEIR_KW_CURRENT_DATE:
    case WEIR_KW_CURRENT_TIME:
    case WEIR_KW_CURRENT_TIMESTAMP:
    case WEIR_KW_LOCALTIME:
    case WEIR_KW_LOCALTIMESTAMP:
    case WEIR_KW_CURRENT_USER:
    case WEIR_KW_SESSION_USER:
    case WEIR_KW_SYSTEM_USER:
    case WEIR_KW_CURRENT_CATALOG:
    case WEIR_KW_CURRENT_SCHEMA:
    case WEIR_KW_CURRENT_ROLE:
    case WEIR_KW_CURRENT_PATH: return weir_tok_ahead(p, 1)->kind != WEIR_TK_LPAREN;
    default: return false;
    }
}

static struct weir_ast_expr *parse_niladic(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_CALL, start);
    if (!e) return NULL;
    e->call = weir_node(p, sizeof *e->call);
    if (!e->call || !weir_parse_name(p, &e->call->name, "a function")) return NULL;
    e->call->syntax = WEIR_AST_CALL_NILADIC;
    return e;
}

/* a.b.c, or the call a.b.c(...) */
static struct weir_ast_expr *parse_name_or_call(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_name name;
    if (!weir_parse_name(p, &name, "a name")) return NULL;
    if (weir_at(p, WEIR_TK_LPAREN)) return weir_parse_call(p, &name, start);
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_COLUMN, start);
    if (e) e->column = name;
    return e;
}

/* A reserved word where what follows makes it look like a column's name. */
static bool looks_like_name(const struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p), *next = weir_tok_ahead(p, 1);
    if (t->kind != WEIR_TK_WORD || t->keyword == WEIR_KW_FROM) return false;
    switch (next->kind) {
    case WEIR_TK_COMMA:
    case WEIR_TK_DOT:
    case WEIR_TK_RPAREN:
    case WEIR_TK_EQ:
    case WEIR_TK_NE:
    case WEIR_TK_LT:
    case WEIR_TK_LE:
    case WEIR_TK_GT:
    case WEIR_TK_GE: return true;
    default: return next->keyword == WEIR_KW_FROM || next->keyword == WEIR_KW_AS;
    }
}

static struct weir_ast_expr *fail_primary(struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    if (weir_starts_query(t)) {
        weir_unexpected(p, "an expression (a query needs parentheses here)");
    } else if (looks_like_name(p)) {
        weir_unexpected(p, "an expression or a name");
    } else if (t->kind == WEIR_TK_STAR) {
        weir_unexpected(p, "an expression ('*' stands only by itself in SELECT or COUNT(*))");
    } else {
        weir_unexpected(p, "an expression");
    }
    return NULL;
}

static struct weir_ast_expr *parse_word(struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    switch (t->keyword) {
    case WEIR_KW_CASE: return parse_case(p);
    case WEIR_KW_CAST: return parse_cast(p);
    case WEIR_KW_EXISTS: return parse_exists(p);
    case WEIR_KW_NOT: return parse_prefix(p, WEIR_AST_UN_NOT, WEIR_BP_NOT);
    case WEIR_KW_TRY_CAST:
        if (next == WEIR_TK_LPAREN) return parse_cast(p);
        break;
    case WEIR_KW_ROW:
        if (next == WEIR_TK_LPAREN) return parse_constructor(p, WEIR_AST_EX_ROW);
        break;
    case WEIR_KW_ARRAY:
        if (next == WEIR_TK_LBRACKET) return parse_constructor(p, WEIR_AST_EX_ARRAY);
        break;
    case WEIR_KW_MAP:
        if (next == WEIR_TK_LBRACKET) return parse_constructor(p, WEIR_AST_EX_MAP);
        break;
    default: break;
    }
    if (is_niladic(p)) return parse_niladic(p);
    if (next == WEIR_TK_LPAREN) {
        struct weir_ast_expr *e = weir_parse_special_call(p);
        if (e || p->status) return e;
    }
    return weir_is_ident(t) ? parse_name_or_call(p) : fail_primary(p);
}

static struct weir_ast_expr *parse_head(struct weir_parser *p)
{
    if (weir_at_literal(p)) return weir_parse_literal(p);
    switch (weir_tok(p)->kind) {
    case WEIR_TK_LPAREN: return parse_parenthesis(p);
    case WEIR_TK_MINUS: return parse_prefix(p, WEIR_AST_UN_NEG, WEIR_BP_SIGN);
    case WEIR_TK_PLUS: return parse_prefix(p, WEIR_AST_UN_PLUS, WEIR_BP_SIGN);
    case WEIR_TK_QUOTED: return parse_name_or_call(p);
    case WEIR_TK_WORD: return parse_word(p);
    default: return fail_primary(p);
    }
}

struct weir_ast_expr *weir_parse_primary(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = parse_head(p);
    while (e && (weir_at(p, WEIR_TK_LBRACKET) || weir_at(p, WEIR_TK_DOT))) {
        struct weir_ast_expr *outer;
        if (weir_accept(p, WEIR_TK_DOT)) {
            outer = weir_new_expr(p, WEIR_AST_EX_FIELD, start);
            if (!outer || !weir_parse_ident(p, &outer->field.name, "a field's name")) return NULL;
            outer->field.base = e;
        } else {
            if (!weir_advance(p)) return NULL;
            outer = weir_new_expr(p, WEIR_AST_EX_INDEX, start);
            if (!outer) return NULL;
            outer->index.base = e;
            outer->index.index = weir_parse_expr(p);
            if (!outer->index.index || !weir_expect(p, WEIR_TK_RBRACKET, NULL)) return NULL;
        }
        if (!weir_grow(p)) return NULL;
        outer->pos = weir_span(p, start);
        e = outer;
    }
    return e;
}
