/* Expressions by binding power (Pratt): a primary, then operators as long as they bind at least as
   tight as MIN. The powers are Calcite's; AND and OR chains become one flat node. */
#include <string.h>

#include "host/sql/parse_impl.h"

struct weir_ast_expr *weir_new_expr(struct weir_parser *p, enum weir_ast_expr_kind kind,
                                    struct weir_pos start)
{
    struct weir_ast_expr *e = weir_node(p, sizeof *e);
    if (!e) return NULL;
    e->kind = kind;
    e->pos = weir_span(p, start);
    if (e->pos.end == start.start) e->pos.end = start.end; /* nothing is consumed yet */
    return e;
}

bool weir_parse_exprs(struct weir_parser *p, struct weir_ast_exprs *out)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_expr *));
    do {
        struct weir_ast_expr *e = weir_parse_expr(p);
        if (!e || !weir_list_push(p, &l, &e)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &out->items, &out->n);
}

bool weir_parse_query_or_expr(struct weir_parser *p, struct weir_ast_query **q,
                              struct weir_ast_expr **e)
{
    struct weir_pos start = weir_tok(p)->pos;
    *q = NULL;
    *e = NULL;
    if (weir_starts_query(weir_tok(p))) return (*q = weir_parse_query(p)) != NULL;
    if (!weir_paren_starts_query(p)) return (*e = weir_parse_expr(p)) != NULL;
    /* ((SELECT ...) UNION ... or ((SELECT ...) + 1: weir_parse_primary sees the inner parentheses
       and leaves a SUBQUERY, which is taken back as a query's first operand if a query goes on
       here. */
    *e = weir_parse_expr(p);
    if (!*e || (*e)->kind != WEIR_AST_EX_SUBQUERY) return *e != NULL;
    if (weir_continues_query(p)) {
        *q = weir_parse_query_from(p, (*e)->query, start);
        *e = NULL;
        return *q != NULL;
    }
    if (weir_at(p, WEIR_TK_RPAREN)) {
        *q = (*e)->query;
        *e = NULL;
    }
    return true;
}

/* ---- operators ---- */

static const struct {
    uint8_t op; /* enum weir_ast_binary_op */
    uint8_t bp; /* 0: no binary operator */
} binaries[] = {
    [WEIR_TK_EQ] = {WEIR_AST_BIN_EQ, WEIR_BP_COMPARE},
    [WEIR_TK_NE] = {WEIR_AST_BIN_NE, WEIR_BP_COMPARE},
    [WEIR_TK_LT] = {WEIR_AST_BIN_LT, WEIR_BP_COMPARE},
    [WEIR_TK_LE] = {WEIR_AST_BIN_LE, WEIR_BP_COMPARE},
    [WEIR_TK_GT] = {WEIR_AST_BIN_GT, WEIR_BP_COMPARE},
    [WEIR_TK_GE] = {WEIR_AST_BIN_GE, WEIR_BP_COMPARE},
    [WEIR_TK_PLUS] = {WEIR_AST_BIN_ADD, WEIR_BP_ADD},
    [WEIR_TK_MINUS] = {WEIR_AST_BIN_SUB, WEIR_BP_ADD},
    [WEIR_TK_STAR] = {WEIR_AST_BIN_MUL, WEIR_BP_MUL},
    [WEIR_TK_SLASH] = {WEIR_AST_BIN_DIV, WEIR_BP_MUL},
    [WEIR_TK_PERCENT] = {WEIR_AST_BIN_MOD, WEIR_BP_MUL},
    [WEIR_TK_CONCAT] = {WEIR_AST_BIN_CONCAT, WEIR_BP_MUL},
    [WEIR_TK_HINT_END] = {0, 0},
};

/* The binding power of the operator that stands here, 0 if there is none. */
static int power(const struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    if (t->kind != WEIR_TK_WORD) return binaries[t->kind].bp;
    switch (t->keyword) {
    case WEIR_KW_OR: return WEIR_BP_OR;
    case WEIR_KW_AND: return WEIR_BP_AND;
    case WEIR_KW_IS: {
        size_t k = 1 + (weir_tok_ahead(p, 1)->keyword == WEIR_KW_NOT);
        return weir_tok_ahead(p, k)->keyword == WEIR_KW_DISTINCT ? WEIR_BP_COMPARE : WEIR_BP_IS;
    }
    case WEIR_KW_OVERLAPS: return WEIR_BP_COMPARE;
    case WEIR_KW_NOT:
    case WEIR_KW_IN:
    case WEIR_KW_BETWEEN:
    case WEIR_KW_LIKE:
    case WEIR_KW_SIMILAR: return WEIR_BP_RANGE;
    default: return 0;
    }
}

/* FIRST AND ... AND ...; at the first AND (or OR). */
static struct weir_ast_expr *parse_chain(struct weir_parser *p, struct weir_ast_expr *first,
                                         struct weir_pos start)
{
    enum weir_sql_keyword word = weir_at_kw(p, WEIR_KW_AND) ? WEIR_KW_AND : WEIR_KW_OR;
    int bp = word == WEIR_KW_AND ? WEIR_BP_AND : WEIR_BP_OR;
    struct weir_list l = weir_list_begin(p, sizeof first);
    if (!weir_list_push(p, &l, &first)) return NULL;
    while (weir_accept_kw(p, word)) {
        struct weir_ast_expr *next = weir_parse_expr_bp(p, bp + 1);
        if (!next || !weir_list_push(p, &l, &next)) return NULL;
    }
    struct weir_ast_expr *e =
        weir_new_expr(p, word == WEIR_KW_AND ? WEIR_AST_EX_AND : WEIR_AST_EX_OR, start);
    return e && weir_list_end(p, &l, &e->list.items, &e->list.n) ? e : NULL;
}

/* Behind IN, ANY, ALL: ( list | query ) */
static bool parse_list_or_query(struct weir_parser *p, struct weir_ast_exprs *list,
                                struct weir_ast_query **query)
{
    struct weir_ast_expr *first;
    if (!weir_expect(p, WEIR_TK_LPAREN, "'(' and a list or a query")) return false;
    if (!weir_parse_query_or_expr(p, query, &first)) return false;
    if (first) {
        struct weir_list l = weir_list_begin(p, sizeof first);
        if (!weir_list_push(p, &l, &first)) return false;
        while (weir_accept(p, WEIR_TK_COMMA)) {
            struct weir_ast_expr *next = weir_parse_expr(p);
            if (!next || !weir_list_push(p, &l, &next)) return false;
        }
        if (!weir_list_end(p, &l, &list->items, &list->n)) return false;
    }
    return weir_expect(p, WEIR_TK_RPAREN, first ? "',' or ')'" : "')'");
}

static struct weir_ast_expr *parse_binary(struct weir_parser *p, struct weir_ast_expr *left,
                                          struct weir_pos start)
{
    struct weir_token op = *weir_tok(p);
    bool overlaps = op.keyword == WEIR_KW_OVERLAPS;
    int bp = overlaps ? WEIR_BP_COMPARE : binaries[op.kind].bp;
    enum weir_ast_binary_op code =
        overlaps ? WEIR_AST_BIN_OVERLAPS : (enum weir_ast_binary_op)binaries[op.kind].op;
    if (!weir_advance(p)) return NULL;
    uint16_t kw = weir_tok(p)->keyword;
    if (bp == WEIR_BP_COMPARE && (kw == WEIR_KW_ANY || kw == WEIR_KW_SOME || kw == WEIR_KW_ALL)) {
        struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_QUANTIFIED, start);
        if (!e || !weir_advance(p)) return NULL;
        e->quantified.operand = left;
        e->quantified.op = code;
        e->quantified.all = kw == WEIR_KW_ALL;
        if (!parse_list_or_query(p, &e->quantified.list, &e->quantified.query)) return NULL;
        e->pos = weir_span(p, start);
        return e;
    }
    struct weir_ast_expr *right = weir_parse_expr_bp(p, bp + 1);
    struct weir_ast_expr *e = right ? weir_new_expr(p, WEIR_AST_EX_BINARY, start) : NULL;
    if (!e) return NULL;
    e->binary.op = code;
    e->binary.op_pos = op.pos;
    e->binary.left = left;
    e->binary.right = right;
    return e;
}

static bool parse_is_test(struct weir_parser *p, struct weir_ast_expr *e)
{
    if (weir_accept_kw(p, WEIR_KW_NULL))
        e->is.test = WEIR_AST_IS_NULL;
    else if (weir_accept_kw(p, WEIR_KW_TRUE))
        e->is.test = WEIR_AST_IS_TRUE;
    else if (weir_accept_kw(p, WEIR_KW_FALSE))
        e->is.test = WEIR_AST_IS_FALSE;
    else if (weir_accept_kw(p, WEIR_KW_UNKNOWN))
        e->is.test = WEIR_AST_IS_UNKNOWN;
    else if (weir_accept_kw(p, WEIR_KW_DISTINCT)) {
        e->is.test = WEIR_AST_IS_DISTINCT_FROM;
        if (!weir_expect_kw(p, WEIR_KW_FROM)) return false;
        e->is.right = weir_parse_expr_bp(p, WEIR_BP_COMPARE + 1);
        return e->is.right != NULL;
    } else if (weir_accept_kw(p, WEIR_KW_JSON)) {
        e->is.test = WEIR_AST_IS_JSON;
        if (weir_accept_kw(p, WEIR_KW_OBJECT))
            e->is.test = WEIR_AST_IS_JSON_OBJECT;
        else if (weir_accept_kw(p, WEIR_KW_ARRAY))
            e->is.test = WEIR_AST_IS_JSON_ARRAY;
        else if (weir_accept_kw(p, WEIR_KW_SCALAR))
            e->is.test = WEIR_AST_IS_JSON_SCALAR;
        else
            weir_accept_kw(p, WEIR_KW_VALUE);
    } else {
        return weir_unexpected(p, "NULL, TRUE, FALSE, UNKNOWN, DISTINCT FROM or JSON");
    }
    return !p->status;
}

static struct weir_ast_expr *parse_is(struct weir_parser *p, struct weir_ast_expr *operand,
                                      struct weir_pos start)
{
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_IS, start);
    if (!e || !weir_advance(p)) return NULL;
    e->is.operand = operand;
    e->is.negated = weir_accept_kw(p, WEIR_KW_NOT);
    if (!parse_is_test(p, e)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

static bool parse_between(struct weir_parser *p, struct weir_ast_expr *e)
{
    e->kind = WEIR_AST_EX_BETWEEN;
    e->between.symmetric = weir_accept_kw(p, WEIR_KW_SYMMETRIC);
    if (!e->between.symmetric) weir_accept_kw(p, WEIR_KW_ASYMMETRIC);
    e->between.low = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1);
    if (!e->between.low || !weir_expect_kw(p, WEIR_KW_AND)) return false;
    e->between.high = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1);
    return e->between.high != NULL;
}

static bool parse_like(struct weir_parser *p, struct weir_ast_expr *e, bool similar)
{
    e->kind = WEIR_AST_EX_LIKE;
    e->like.similar = similar;
    if (similar && !weir_expect_kw(p, WEIR_KW_TO)) return false;
    e->like.pattern = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1);
    if (!e->like.pattern) return false;
    if (!weir_accept_kw(p, WEIR_KW_ESCAPE)) return !p->status;
    e->like.escape = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1);
    return e->like.escape != NULL;
}

/* [NOT] IN, BETWEEN, LIKE, SIMILAR TO */
static struct weir_ast_expr *parse_range(struct weir_parser *p, struct weir_ast_expr *operand,
                                         struct weir_pos start)
{
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_IN, start);
    if (!e) return NULL;
    bool negated = weir_accept_kw(p, WEIR_KW_NOT), ok;
    if (weir_accept_kw(p, WEIR_KW_IN)) {
        e->in.operand = operand;
        e->in.negated = negated;
        ok = parse_list_or_query(p, &e->in.list, &e->in.query);
    } else if (weir_accept_kw(p, WEIR_KW_BETWEEN)) {
        e->between.operand = operand;
        e->between.negated = negated;
        ok = parse_between(p, e);
    } else if (weir_at_kw(p, WEIR_KW_LIKE) || weir_at_kw(p, WEIR_KW_SIMILAR)) {
        bool similar = weir_at_kw(p, WEIR_KW_SIMILAR);
        e->like.operand = operand;
        e->like.negated = negated;
        ok = weir_advance(p) && parse_like(p, e, similar);
    } else {
        ok = weir_unexpected(p, "IN, BETWEEN, LIKE or SIMILAR TO");
    }
    if (!ok) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

static struct weir_ast_expr *parse_infix(struct weir_parser *p, struct weir_ast_expr *left, int bp,
                                         struct weir_pos start)
{
    switch (bp) {
    case WEIR_BP_OR:
    case WEIR_BP_AND: return parse_chain(p, left, start);
    case WEIR_BP_IS: return parse_is(p, left, start);
    case WEIR_BP_RANGE: return parse_range(p, left, start);
    default:
        return weir_at_kw(p, WEIR_KW_IS) ? parse_is(p, left, start) : parse_binary(p, left, start);
    }
}

struct weir_ast_expr *weir_parse_expr_bp(struct weir_parser *p, int min)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    if (!weir_enter(p, &scope)) return NULL;
    struct weir_ast_expr *e = weir_parse_primary(p);
    for (int bp; e && (bp = power(p)) && bp >= min;) {
        e = parse_infix(p, e, bp, start);
        if (e && !weir_grow(p)) return NULL;
    }
    return e && weir_leave(p, &scope) ? e : NULL;
}

struct weir_ast_expr *weir_parse_expr(struct weir_parser *p)
{
    return weir_parse_expr_bp(p, 0);
}
