/* Queries: WITH, set operations by precedence (INTERSECT binds tighter), SELECT, VALUES, ORDER BY,
 * LIMIT. */
#include <string.h>

#include "host/sql/parse_impl.h"

bool weir_starts_query(const struct weir_token *t)
{
    return t->keyword == WEIR_KW_SELECT || t->keyword == WEIR_KW_WITH ||
           t->keyword == WEIR_KW_VALUES || t->keyword == WEIR_KW_TABLE;
}

bool weir_paren_starts_query(const struct weir_parser *p)
{
    size_t k = 0;
    while (k <= WEIR_SQL_MAX_DEPTH && weir_tok_ahead(p, k)->kind == WEIR_TK_LPAREN) k++;
    return k > 0 && weir_starts_query(weir_tok_ahead(p, k));
}

bool weir_continues_query(const struct weir_parser *p)
{
    switch (weir_tok(p)->keyword) {
    case WEIR_KW_UNION:
    case WEIR_KW_INTERSECT:
    case WEIR_KW_EXCEPT:
    case WEIR_KW_ORDER:
    case WEIR_KW_LIMIT:
    case WEIR_KW_OFFSET:
    case WEIR_KW_FETCH: return true;
    default: return false;
    }
}

static struct weir_ast_body *new_body(struct weir_parser *p, enum weir_ast_body_kind kind,
                                      struct weir_pos start)
{
    struct weir_ast_body *b = weir_node(p, sizeof *b);
    if (!b) return NULL;
    b->kind = kind;
    b->pos = weir_span(p, start);
    return b;
}

/* ---- SELECT ---- */

/* Does a.b.* stand here? */
static bool at_star(const struct weir_parser *p)
{
    size_t k = 0;
    while (weir_is_ident(weir_tok_ahead(p, k)) && weir_tok_ahead(p, k + 1)->kind == WEIR_TK_DOT) {
        k += 2;
    }
    return weir_tok_ahead(p, k)->kind == WEIR_TK_STAR && (k > 0 || weir_at(p, WEIR_TK_STAR));
}

static struct weir_ast_expr *parse_star(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_STAR, start);
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_ident));
    if (!e) return NULL;
    while (!weir_at(p, WEIR_TK_STAR)) {
        struct weir_ast_ident id;
        if (!weir_parse_ident(p, &id, "a table's name") || !weir_list_push(p, &l, &id)) return NULL;
        if (!weir_expect(p, WEIR_TK_DOT, "'.'")) return NULL;
    }
    e->star.qualifier.pos = weir_span(p, start);
    if (!weir_list_end(p, &l, &e->star.qualifier.parts, &e->star.qualifier.n)) return NULL;
    if (!weir_advance(p)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

static bool parse_item(struct weir_parser *p, struct weir_ast_alias *item)
{
    if (at_star(p)) return (item->expr = parse_star(p)) != NULL;
    item->expr = weir_parse_expr(p);
    if (!item->expr) return false;
    if (weir_accept_kw(p, WEIR_KW_AS)) return weir_parse_ident(p, &item->alias, "a column's name");
    if (!weir_is_ident(weir_tok(p))) return !p->status;
    return weir_parse_ident(p, &item->alias, "a column's name");
}

static bool parse_items(struct weir_parser *p, struct weir_ast_select *s)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_alias));
    do {
        struct weir_ast_alias item = {0};
        if (!parse_item(p, &item) || !weir_list_push(p, &l, &item)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &s->items, &s->n_items);
}

static bool parse_group(struct weir_parser *p, struct weir_ast_group *g);

static bool parse_groups(struct weir_parser *p, struct weir_ast_group **items, size_t *n)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_group));
    do {
        struct weir_ast_group g = {0};
        if (!parse_group(p, &g) || !weir_list_push(p, &l, &g)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, items, n);
}

static bool parse_group_list(struct weir_parser *p, struct weir_ast_group *g)
{
    struct weir_scope scope;
    return weir_enter(p, &scope) && weir_expect(p, WEIR_TK_LPAREN, NULL) &&
           parse_groups(p, &g->children, &g->n) && weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_leave(p, &scope);
}

/* An element of GROUP BY or of a list in it. */
static bool parse_group(struct weir_parser *p, struct weir_ast_group *g)
{
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    bool ok;
    g->pos = weir_tok(p)->pos;
    if (weir_accept_kw2(p, WEIR_KW_GROUPING, WEIR_KW_SETS)) {
        g->kind = WEIR_AST_GROUP_SETS;
        ok = parse_group_list(p, g);
    } else if ((weir_at_kw(p, WEIR_KW_ROLLUP) || weir_at_kw(p, WEIR_KW_CUBE)) &&
               next == WEIR_TK_LPAREN) {
        g->kind = weir_at_kw(p, WEIR_KW_CUBE) ? WEIR_AST_GROUP_CUBE : WEIR_AST_GROUP_ROLLUP;
        ok = weir_advance(p) && parse_group_list(p, g);
    } else if (weir_at(p, WEIR_TK_LPAREN) && next == WEIR_TK_RPAREN) {
        g->kind = WEIR_AST_GROUP_TUPLE;
        ok = weir_advance(p) && weir_advance(p);
    } else {
        g->expr = weir_parse_expr(p);
        ok = g->expr != NULL;
        if (ok && g->expr->kind == WEIR_AST_EX_ROW && g->expr->implicit) {
            g->kind = WEIR_AST_GROUP_TUPLE;
            g->exprs = g->expr->list;
            g->expr = NULL;
        }
    }
    g->pos = weir_span(p, g->pos);
    return ok && !p->status;
}

static bool parse_named_windows(struct weir_parser *p, struct weir_ast_select *s)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_named_window));
    do {
        struct weir_ast_named_window w = {0};
        if (!weir_parse_ident(p, &w.name, "a window's name") || !weir_expect_kw(p, WEIR_KW_AS)) {
            return false;
        }
        if (!weir_at(p, WEIR_TK_LPAREN)) return weir_unexpected(p, "'('");
        w.window = weir_parse_window(p);
        if (!w.window || !weir_list_push(p, &l, &w)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &s->windows, &s->n_windows);
}

/* An optional clause KW expr. */
static bool parse_clause(struct weir_parser *p, enum weir_sql_keyword kw,
                         struct weir_ast_expr **out)
{
    if (!weir_accept_kw(p, kw)) return !p->status;
    *out = weir_parse_expr(p);
    return *out != NULL;
}

static bool parse_select_body(struct weir_parser *p, struct weir_ast_select *s)
{
    if (!weir_advance(p) || !weir_parse_hints(p, &s->hints)) return false;
    s->distinct = weir_accept_kw(p, WEIR_KW_DISTINCT);
    if (!s->distinct) weir_accept_kw(p, WEIR_KW_ALL);
    if (!parse_items(p, s)) return false;
    if (weir_accept_kw(p, WEIR_KW_FROM) && !(s->from = weir_parse_from(p))) return false;
    if (!parse_clause(p, WEIR_KW_WHERE, &s->where)) return false;
    if (weir_accept_kw(p, WEIR_KW_GROUP)) {
        s->grouped = true;
        if (!weir_expect_kw(p, WEIR_KW_BY) || !parse_groups(p, &s->groups, &s->n_groups)) {
            return false;
        }
    }
    if (!parse_clause(p, WEIR_KW_HAVING, &s->having)) return false;
    if (weir_accept_kw(p, WEIR_KW_WINDOW) && !parse_named_windows(p, s)) return false;
    return parse_clause(p, WEIR_KW_QUALIFY, &s->qualify);
}

static struct weir_ast_body *parse_select(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_body *b = new_body(p, WEIR_AST_BODY_SELECT, start);
    if (!b) return NULL;
    b->select = weir_node(p, sizeof *b->select);
    if (!b->select || !parse_select_body(p, b->select)) return NULL;
    b->pos = weir_span(p, start);
    return b;
}

/* ---- VALUES, TABLE, (query) ---- */

/* (1, 'a'), ROW(1, 'a') or a single value */
static struct weir_ast_expr *parse_values_row(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *row = weir_new_expr(p, WEIR_AST_EX_ROW, start);
    if (!row) return NULL;
    row->implicit = true;
    if (weir_at(p, WEIR_TK_LPAREN) && !weir_paren_starts_query(p)) {
        if (!weir_advance(p) || !weir_parse_exprs(p, &row->list)) return NULL;
        if (!weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) return NULL;
    } else {
        struct weir_ast_expr *e = weir_parse_expr(p);
        if (!e || e->kind == WEIR_AST_EX_ROW) return e;
        struct weir_list l = weir_list_begin(p, sizeof e);
        if (!weir_list_push(p, &l, &e)) return NULL;
        if (!weir_list_end(p, &l, &row->list.items, &row->list.n)) return NULL;
    }
    row->pos = weir_span(p, start);
    return row;
}

static bool parse_values(struct weir_parser *p, struct weir_ast_body *b)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_expr *));
    if (!weir_advance(p)) return false;
    do {
        struct weir_ast_expr *row = parse_values_row(p);
        if (!row || !weir_list_push(p, &l, &row)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &b->rows.items, &b->rows.n);
}

static struct weir_ast_body *parse_operand(struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    struct weir_pos start = t->pos;
    bool ok;
    if (t->keyword == WEIR_KW_SELECT) return parse_select(p);
    struct weir_ast_body *b = new_body(p, WEIR_AST_BODY_VALUES, start);
    if (!b) return NULL;
    if (t->keyword == WEIR_KW_VALUES) {
        ok = parse_values(p, b);
    } else if (t->keyword == WEIR_KW_TABLE) {
        b->kind = WEIR_AST_BODY_TABLE;
        ok = weir_advance(p) && weir_parse_name(p, &b->table, "a table's name");
    } else if (t->kind == WEIR_TK_LPAREN) {
        b->kind = WEIR_AST_BODY_QUERY;
        ok = weir_advance(p) && (b->query = weir_parse_query(p)) &&
             weir_expect(p, WEIR_TK_RPAREN, NULL);
    } else {
        ok = weir_unexpected(p, "a query (SELECT, VALUES, WITH or '(')");
    }
    if (!ok) return NULL;
    b->pos = weir_span(p, start);
    return b;
}

/* ---- set operations ---- */

static int set_power(const struct weir_parser *p, enum weir_ast_setop *op)
{
    switch (weir_tok(p)->keyword) {
    case WEIR_KW_UNION: return *op = WEIR_AST_SET_UNION, 1;
    case WEIR_KW_EXCEPT: return *op = WEIR_AST_SET_EXCEPT, 1;
    case WEIR_KW_INTERSECT: return *op = WEIR_AST_SET_INTERSECT, 2;
    default: return 0;
    }
}

/* LEFT, or a new operand, and the operations behind it that bind at least as tight as MIN (1 or 2):
   the recursion is at most two deep. */
static struct weir_ast_body *parse_setops(struct weir_parser *p, struct weir_ast_body *left,
                                          int min, struct weir_pos start)
{
    enum weir_ast_setop op = WEIR_AST_SET_UNION;
    if (!left && !(left = parse_operand(p))) return NULL;
    for (int power; (power = set_power(p, &op)) && power >= min;) {
        if (!weir_advance(p)) return NULL;
        bool all = weir_accept_kw(p, WEIR_KW_ALL);
        if (!all) weir_accept_kw(p, WEIR_KW_DISTINCT);
        struct weir_pos right_start = weir_tok(p)->pos;
        struct weir_ast_body *right = parse_setops(p, NULL, power + 1, right_start);
        struct weir_ast_body *b = right ? new_body(p, WEIR_AST_BODY_SETOP, start) : NULL;
        if (!b || !weir_grow(p)) return NULL;
        b->setop.op = op;
        b->setop.all = all;
        b->setop.left = left;
        b->setop.right = right;
        left = b;
    }
    return left;
}

/* ---- the whole query ---- */

static bool parse_ctes(struct weir_parser *p, struct weir_ast_query *q)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_cte));
    if (!weir_accept_kw(p, WEIR_KW_WITH)) return !p->status;
    q->recursive = weir_accept_kw(p, WEIR_KW_RECURSIVE);
    do {
        struct weir_ast_cte c = {.pos = weir_tok(p)->pos};
        if (!weir_parse_ident(p, &c.name, "a name for the query")) return false;
        if (weir_at(p, WEIR_TK_LPAREN) && !weir_parse_columns(p, &c.columns, "a column's name")) {
            return false;
        }
        if (!weir_expect_kw(p, WEIR_KW_AS)) return false;
        if (!weir_expect(p, WEIR_TK_LPAREN, "'(' and a query")) return false;
        c.query = weir_parse_query(p);
        if (!c.query || !weir_expect(p, WEIR_TK_RPAREN, NULL)) return false;
        c.pos = weir_span(p, c.pos);
        if (!weir_list_push(p, &l, &c)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &q->ctes, &q->n_ctes);
}

static struct weir_ast_expr *parse_count(struct weir_parser *p)
{
    if (weir_at(p, WEIR_TK_INT)) return weir_parse_number(p, false);
    weir_unexpected(p, "a number of rows");
    return NULL;
}

static bool parse_fetch(struct weir_parser *p, struct weir_ast_query *q)
{
    q->fetch = true;
    if (!weir_accept_kw(p, WEIR_KW_FIRST) && !weir_accept_kw(p, WEIR_KW_NEXT)) {
        return weir_unexpected(p, "FIRST or NEXT");
    }
    q->limit = parse_count(p);
    if (!q->limit) return false;
    if (!weir_accept_kw(p, WEIR_KW_ROWS) && !weir_accept_kw(p, WEIR_KW_ROW)) {
        return weir_unexpected(p, "ROWS ONLY");
    }
    return weir_expect_kw(p, WEIR_KW_ONLY);
}

/* ORDER BY, LIMIT, OFFSET, FETCH: each at most once */
static bool parse_query_tail(struct weir_parser *p, struct weir_ast_query *q)
{
    bool limited = false;
    if (weir_accept_kw(p, WEIR_KW_ORDER) && !weir_parse_order_by(p, &q->order_by)) return false;
    for (;;) {
        if (!limited && weir_accept_kw(p, WEIR_KW_LIMIT)) {
            limited = true;
            if (!weir_accept_kw(p, WEIR_KW_ALL) && !(q->limit = parse_count(p))) return false;
        } else if (!limited && weir_accept_kw(p, WEIR_KW_FETCH)) {
            limited = true;
            if (!parse_fetch(p, q)) return false;
        } else if (!q->offset && weir_accept_kw(p, WEIR_KW_OFFSET)) {
            q->offset = parse_count(p);
            if (!q->offset) return false;
            if (!weir_accept_kw(p, WEIR_KW_ROWS)) weir_accept_kw(p, WEIR_KW_ROW);
        } else {
            return !p->status;
        }
    }
}

static struct weir_ast_query *new_query(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_query *q = weir_node(p, sizeof *q);
    if (q) q->pos = start;
    return q;
}

struct weir_ast_query *weir_parse_query(struct weir_parser *p)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_query *q = new_query(p, start);
    if (!q || !weir_enter(p, &scope) || !parse_ctes(p, q)) return NULL;
    q->body = parse_setops(p, NULL, 1, weir_tok(p)->pos);
    if (!q->body || !parse_query_tail(p, q)) return NULL;
    q->pos = weir_span(p, start);
    return weir_leave(p, &scope) ? q : NULL;
}

struct weir_ast_query *weir_parse_query_from(struct weir_parser *p, struct weir_ast_query *first,
                                             struct weir_pos start)
{
    struct weir_ast_query *q = new_query(p, start);
    struct weir_ast_body *b = q ? new_body(p, WEIR_AST_BODY_QUERY, start) : NULL;
    if (!b || !weir_grow(p)) return NULL;
    b->query = first;
    q->body = parse_setops(p, b, 1, start);
    if (!q->body || !parse_query_tail(p, q) || !weir_grow(p)) return NULL;
    q->pos = weir_span(p, start);
    return q;
}
