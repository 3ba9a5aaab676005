/* MATCH_RECOGNIZE: clauses in their fixed order, and the pattern, a regular expression over the
   pattern variables. */
#include <string.h>

#include "host/sql/parse_impl.h"

static struct weir_ast_pattern *parse_alternation(struct weir_parser *p);

static struct weir_ast_pattern *new_pattern(struct weir_parser *p, enum weir_ast_pattern_kind kind,
                                            struct weir_pos start)
{
    struct weir_ast_pattern *x = weir_node(p, sizeof *x);
    if (!x) return NULL;
    x->kind = kind;
    x->pos = weir_span(p, start);
    return x;
}

/* PERMUTE(a, b) */
static struct weir_ast_pattern *parse_permute(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_pattern *x = new_pattern(p, WEIR_AST_PAT_PERMUTE, start);
    struct weir_list l = weir_list_begin(p, sizeof x);
    if (!x || !weir_advance(p) || !weir_expect(p, WEIR_TK_LPAREN, NULL)) return NULL;
    do {
        struct weir_ast_pattern *child = parse_alternation(p);
        if (!child || !weir_list_push(p, &l, &child)) return NULL;
    } while (weir_accept(p, WEIR_TK_COMMA));
    if (!weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) return NULL;
    return weir_list_end(p, &l, &x->children, &x->n) ? x : NULL;
}

static bool at_dollar(const struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    return t->kind == WEIR_TK_WORD && t->pos.end - t->pos.start == 1 &&
           p->lexer.sql[t->pos.start] == '$';
}

/* Does a pattern go on here, inside a sequence? */
static bool at_element(const struct weir_parser *p)
{
    return weir_is_ident(weir_tok(p)) || weir_at(p, WEIR_TK_LPAREN) || weir_at(p, WEIR_TK_LBRACE) ||
           weir_at(p, WEIR_TK_CARET);
}

static struct weir_ast_pattern *parse_element(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_pattern *x;
    if (weir_accept(p, WEIR_TK_LPAREN)) {
        x = parse_alternation(p);
        return x && weir_expect(p, WEIR_TK_RPAREN, "')'") ? x : NULL;
    }
    if (weir_accept(p, WEIR_TK_LBRACE)) { /* {- pattern -} */
        x = new_pattern(p, WEIR_AST_PAT_EXCLUDE, start);
        struct weir_list l = weir_list_begin(p, sizeof x);
        if (!x || !weir_expect(p, WEIR_TK_MINUS, "'-' of {- pattern -}")) return NULL;
        struct weir_ast_pattern *child = parse_alternation(p);
        if (!child || !weir_list_push(p, &l, &child)) return NULL;
        if (!weir_expect(p, WEIR_TK_MINUS, "'-}'") || !weir_expect(p, WEIR_TK_RBRACE, "'}'")) {
            return NULL;
        }
        return weir_list_end(p, &l, &x->children, &x->n) ? x : NULL;
    }
    if (weir_at(p, WEIR_TK_CARET) || at_dollar(p)) {
        x = new_pattern(p, at_dollar(p) ? WEIR_AST_PAT_END : WEIR_AST_PAT_START, start);
        return x && weir_advance(p) ? x : NULL;
    }
    if (weir_at_kw(p, WEIR_KW_PERMUTE) && weir_tok_ahead(p, 1)->kind == WEIR_TK_LPAREN) {
        return parse_permute(p, start);
    }
    x = new_pattern(p, WEIR_AST_PAT_VARIABLE, start);
    if (!x || !weir_parse_ident(p, &x->name, "a pattern variable")) return NULL;
    x->pos = weir_span(p, start);
    return x;
}

/* The counts of * + ? {n} {n,} {n,m} {,m}; false without a failure when there is no quantifier. */
static bool parse_counts(struct weir_parser *p, uint32_t *min, uint32_t *max)
{
    int32_t n;
    *min = 0;
    *max = UINT32_MAX;
    if (weir_accept(p, WEIR_TK_STAR)) return true;
    if (weir_accept(p, WEIR_TK_PLUS)) return *min = 1, true;
    if (weir_accept(p, WEIR_TK_QUESTION)) return *max = 1, true;
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    if (!weir_at(p, WEIR_TK_LBRACE) || next == WEIR_TK_MINUS || !weir_advance(p)) return false;
    if (!weir_at(p, WEIR_TK_COMMA)) {
        if (!weir_parse_uint(p, &n, "a number of repetitions")) return false;
        *min = *max = (uint32_t)n;
    }
    if (weir_accept(p, WEIR_TK_COMMA)) {
        *max = UINT32_MAX;
        if (weir_at(p, WEIR_TK_INT)) {
            struct weir_pos pos = weir_tok(p)->pos;
            if (!weir_parse_uint(p, &n, "a number of repetitions")) return false;
            *max = (uint32_t)n;
            if (*max < *min) {
                return weir_fail_pos(p, &pos,
                                     "the upper limit of the repetitions is below the "
                                     "lower one");
            }
        }
    }
    return weir_expect(p, WEIR_TK_RBRACE, "'}'");
}

static struct weir_ast_pattern *parse_repeat(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_pattern *child = parse_element(p);
    uint32_t min, max;
    if (!child || !parse_counts(p, &min, &max)) return p->status ? NULL : child;
    struct weir_ast_pattern *x = new_pattern(p, WEIR_AST_PAT_REPEAT, start);
    if (!x || !weir_grow(p)) return NULL;
    x->min = min;
    x->max = max;
    x->reluctant = weir_accept(p, WEIR_TK_QUESTION);
    x->n = 1;
    x->children = weir_node(p, sizeof child);
    if (!x->children) return NULL;
    x->children[0] = child;
    return x;
}

/* One child is itself; several become a node. */
static struct weir_ast_pattern *close_list(struct weir_parser *p, struct weir_list *l,
                                           enum weir_ast_pattern_kind kind, struct weir_pos start)
{
    struct weir_ast_pattern **children;
    size_t n;
    if (!weir_list_end(p, l, &children, &n)) return NULL;
    if (n == 1) return children[0];
    struct weir_ast_pattern *x = new_pattern(p, kind, start);
    if (!x || !weir_grow(p)) return NULL;
    x->children = children;
    x->n = n;
    return x;
}

static struct weir_ast_pattern *parse_sequence(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_pattern *));
    do {
        struct weir_ast_pattern *x = parse_repeat(p);
        if (!x || !weir_list_push(p, &l, &x)) return NULL;
    } while (at_element(p));
    return close_list(p, &l, WEIR_AST_PAT_CONCAT, start);
}

static struct weir_ast_pattern *parse_alternation(struct weir_parser *p)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_pattern *));
    if (!weir_enter(p, &scope)) return NULL;
    do {
        struct weir_ast_pattern *x = parse_sequence(p);
        if (!x || !weir_list_push(p, &l, &x)) return NULL;
    } while (weir_accept(p, WEIR_TK_PIPE));
    struct weir_ast_pattern *x = close_list(p, &l, WEIR_AST_PAT_ALTERNATE, start);
    return x && weir_leave(p, &scope) ? x : NULL;
}

/* ---- the clauses ---- */

static bool parse_measures(struct weir_parser *p, struct weir_ast_match *m)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_alias));
    if (!weir_accept_kw(p, WEIR_KW_MEASURES)) return !p->status;
    do {
        struct weir_ast_alias a = {.expr = weir_parse_expr(p)};
        if (!a.expr || !weir_expect_kw(p, WEIR_KW_AS) ||
            !weir_parse_ident(p, &a.alias, "a column's name") || !weir_list_push(p, &l, &a)) {
            return false;
        }
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &m->measures, &m->n_measures);
}

static bool parse_defines(struct weir_parser *p, struct weir_ast_match *m)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_alias));
    if (!weir_expect_kw(p, WEIR_KW_DEFINE)) return false;
    do {
        struct weir_ast_alias a = {0};
        if (!weir_parse_ident(p, &a.alias, "a pattern variable") ||
            !weir_expect_kw(p, WEIR_KW_AS)) {
            return false;
        }
        a.expr = weir_parse_expr(p);
        if (!a.expr || !weir_list_push(p, &l, &a)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &m->defines, &m->n_defines);
}

/* ONE ROW PER MATCH, ALL ROWS PER MATCH */
static bool parse_rows(struct weir_parser *p, struct weir_ast_match *m)
{
    if (weir_accept_kw2(p, WEIR_KW_ONE, WEIR_KW_ROW))
        m->one_row = true;
    else if (weir_accept_kw2(p, WEIR_KW_ALL, WEIR_KW_ROWS))
        m->all_rows = true;
    else
        return !p->status;
    return weir_expect_kw(p, WEIR_KW_PER) && weir_expect_kw(p, WEIR_KW_MATCH);
}

/* AFTER MATCH SKIP ... */
static bool parse_skip(struct weir_parser *p, struct weir_ast_match *m)
{
    if (!weir_accept_kw(p, WEIR_KW_AFTER)) return !p->status;
    if (!weir_expect_kw(p, WEIR_KW_MATCH) || !weir_expect_kw(p, WEIR_KW_SKIP)) return false;
    if (weir_accept_kw(p, WEIR_KW_PAST)) {
        m->skip = WEIR_AST_SKIP_PAST_LAST_ROW;
        return weir_expect_kw(p, WEIR_KW_LAST) && weir_expect_kw(p, WEIR_KW_ROW);
    }
    if (!weir_expect_kw(p, WEIR_KW_TO)) return false;
    if (weir_accept_kw2(p, WEIR_KW_NEXT, WEIR_KW_ROW)) {
        m->skip = WEIR_AST_SKIP_TO_NEXT_ROW;
        return true;
    }
    m->skip = WEIR_AST_SKIP_TO_LAST;
    if (weir_accept_kw(p, WEIR_KW_FIRST))
        m->skip = WEIR_AST_SKIP_TO_FIRST;
    else
        weir_accept_kw(p, WEIR_KW_LAST);
    return weir_parse_ident(p, &m->skip_to, "NEXT ROW, FIRST, LAST or a pattern variable");
}

struct weir_ast_match *weir_parse_match(struct weir_parser *p, struct weir_ast_table_ref *input)
{
    struct weir_ast_match *m = weir_node(p, sizeof *m);
    if (!m || !weir_advance(p) || !weir_expect(p, WEIR_TK_LPAREN, NULL)) return NULL;
    m->input = input;
    if (!weir_parse_partition_by(p, &m->partition_by)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_ORDER) && !weir_parse_order_by(p, &m->order_by)) return NULL;
    if (!parse_measures(p, m) || !parse_rows(p, m) || !parse_skip(p, m)) return NULL;
    if (!weir_expect_kw(p, WEIR_KW_PATTERN) || !weir_expect(p, WEIR_TK_LPAREN, NULL)) return NULL;
    m->pattern = parse_alternation(p);
    if (!m->pattern || !weir_expect(p, WEIR_TK_RPAREN, "')'")) return NULL;
    if (weir_accept_kw(p, WEIR_KW_WITHIN) && !(m->within = weir_parse_expr(p))) return NULL;
    if (!parse_defines(p, m) || !weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) return NULL;
    return m;
}
