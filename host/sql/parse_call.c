/* Calls: arguments, the clauses behind them (FILTER, OVER, WITHIN GROUP), window specifications,
   and the functions with a syntax of their own, which become ordinary calls with the arguments in a
   fixed order. */
#include <string.h>

#include "host/sql/parse_impl.h"

/* ---- arguments ---- */

/* TABLE t, TABLE (query), TABLE(f(...)) as an argument, with PARTITION BY and ORDER BY */
static struct weir_ast_expr *parse_table_arg(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_TABLE_ARG, start);
    if (!e || !weir_advance(p)) return NULL;
    if (weir_accept(p, WEIR_TK_LPAREN)) {
        e->table_arg.query = weir_parse_query(p);
        if (!e->table_arg.query || !weir_expect(p, WEIR_TK_RPAREN, NULL)) return NULL;
    } else if (!weir_parse_name(p, &e->table_arg.name, "a table's name")) {
        return NULL;
    }
    if (!weir_parse_partition_by(p, &e->table_arg.partition_by)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_ORDER) && !weir_parse_order_by(p, &e->table_arg.order_by)) {
        return NULL;
    }
    e->pos = weir_span(p, start);
    return e;
}

static struct weir_ast_expr *parse_arg(struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    struct weir_pos start = t->pos;
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    if ((t->kind == WEIR_TK_WORD || t->kind == WEIR_TK_QUOTED) && next == WEIR_TK_ARROW) {
        struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_NAMED_ARG, start);
        struct weir_scope scope;
        if (!e || !weir_enter(p, &scope)) return NULL;
        if (!weir_parse_word(p, &e->named_arg.name) || !weir_advance(p)) return NULL;
        e->named_arg.value = parse_arg(p);
        e->pos = weir_span(p, start);
        return e->named_arg.value && weir_leave(p, &scope) ? e : NULL;
    }
    if (t->keyword == WEIR_KW_TABLE) return parse_table_arg(p);
    if (t->keyword == WEIR_KW_DESCRIPTOR && next == WEIR_TK_LPAREN) {
        struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_DESCRIPTOR, start);
        if (!e || !weir_advance(p) || !weir_parse_columns(p, &e->descriptor, "a column's name")) {
            return NULL;
        }
        e->pos = weir_span(p, start);
        return e;
    }
    if (t->keyword == WEIR_KW_DEFAULT || t->kind == WEIR_TK_STAR) {
        struct weir_ast_expr *e = weir_new_expr(
            p, t->kind == WEIR_TK_STAR ? WEIR_AST_EX_STAR : WEIR_AST_EX_DEFAULT, start);
        return e && weir_advance(p) ? e : NULL;
    }
    return weir_parse_expr(p);
}

static bool parse_args(struct weir_parser *p, struct weir_ast_call *call)
{
    if (!weir_expect(p, WEIR_TK_LPAREN, NULL)) return false;
    if (weir_accept(p, WEIR_TK_RPAREN)) return true;
    call->distinct = weir_accept_kw(p, WEIR_KW_DISTINCT);
    if (!call->distinct) weir_accept_kw(p, WEIR_KW_ALL);
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_expr *));
    do {
        struct weir_ast_expr *e = parse_arg(p);
        if (!e || !weir_list_push(p, &l, &e)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_list_end(p, &l, &call->args.items, &call->args.n);
}

/* ---- behind the arguments ---- */

static bool parse_nulls(struct weir_parser *p, struct weir_ast_call *call)
{
    if (weir_accept_kw2(p, WEIR_KW_IGNORE, WEIR_KW_NULLS)) {
        call->nulls = WEIR_AST_NULLS_IGNORE;
    } else if (weir_accept_kw2(p, WEIR_KW_RESPECT, WEIR_KW_NULLS)) {
        call->nulls = WEIR_AST_NULLS_RESPECT;
    }
    return !p->status;
}

bool weir_parse_call_tail(struct weir_parser *p, struct weir_ast_call *call)
{
    if (!parse_nulls(p, call)) return false;
    if (weir_accept_kw(p, WEIR_KW_WITHIN)) {
        if (!weir_expect_kw(p, WEIR_KW_GROUP) || !weir_expect(p, WEIR_TK_LPAREN, NULL) ||
            !weir_expect_kw(p, WEIR_KW_ORDER) || !weir_parse_order_by(p, &call->within_group) ||
            !weir_expect(p, WEIR_TK_RPAREN, "',' or ')'")) {
            return false;
        }
    }
    if (weir_accept_kw(p, WEIR_KW_FILTER)) {
        if (!weir_expect(p, WEIR_TK_LPAREN, "'(WHERE condition)'")) return false;
        if (!weir_expect_kw(p, WEIR_KW_WHERE)) return false;
        call->filter = weir_parse_expr(p);
        if (!call->filter || !weir_expect(p, WEIR_TK_RPAREN, NULL)) return false;
    }
    if (!parse_nulls(p, call)) return false;
    if (!weir_accept_kw(p, WEIR_KW_OVER)) return !p->status;
    call->over = weir_parse_window(p);
    return call->over != NULL;
}

static struct weir_ast_expr *new_call(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_CALL, start);
    if (!e) return NULL;
    e->call = weir_node(p, sizeof *e->call);
    return e->call ? e : NULL;
}

struct weir_ast_expr *weir_parse_call(struct weir_parser *p, const struct weir_ast_name *name,
                                      struct weir_pos start)
{
    struct weir_ast_expr *e = new_call(p, start);
    if (!e) return NULL;
    e->call->name = *name;
    if (!parse_args(p, e->call) || !weir_parse_call_tail(p, e->call)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

/* ---- windows ---- */

bool weir_parse_partition_by(struct weir_parser *p, struct weir_ast_exprs *out)
{
    if (!weir_accept_kw(p, WEIR_KW_PARTITION)) return !p->status;
    return weir_expect_kw(p, WEIR_KW_BY) && weir_parse_exprs(p, out);
}

bool weir_parse_order_by(struct weir_parser *p, struct weir_ast_orders *out)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_order));
    if (!weir_expect_kw(p, WEIR_KW_BY)) return false;
    do {
        struct weir_ast_order o = {.pos = weir_tok(p)->pos};
        o.expr = weir_parse_expr(p);
        if (!o.expr) return false;
        o.desc = weir_accept_kw(p, WEIR_KW_DESC);
        if (!o.desc) weir_accept_kw(p, WEIR_KW_ASC);
        if (weir_accept_kw(p, WEIR_KW_NULLS)) {
            if (weir_accept_kw(p, WEIR_KW_FIRST))
                o.nulls = WEIR_AST_NULLS_FIRST;
            else if (weir_accept_kw(p, WEIR_KW_LAST))
                o.nulls = WEIR_AST_NULLS_LAST;
            else
                return weir_unexpected(p, "FIRST or LAST");
        }
        o.pos = weir_span(p, o.pos);
        if (!weir_list_push(p, &l, &o)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &out->items, &out->n);
}

static bool parse_bound(struct weir_parser *p, struct weir_ast_bound *b)
{
    b->pos = weir_tok(p)->pos;
    bool unbounded = weir_accept_kw(p, WEIR_KW_UNBOUNDED);
    if (!unbounded && weir_accept_kw2(p, WEIR_KW_CURRENT, WEIR_KW_ROW)) {
        b->kind = WEIR_AST_BOUND_CURRENT_ROW;
        b->pos = weir_span(p, b->pos);
        return true;
    }
    if (!unbounded && !(b->offset = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1))) return false;
    if (weir_accept_kw(p, WEIR_KW_PRECEDING)) {
        b->kind = unbounded ? WEIR_AST_BOUND_UNBOUNDED_PRECEDING : WEIR_AST_BOUND_PRECEDING;
    } else if (weir_accept_kw(p, WEIR_KW_FOLLOWING)) {
        b->kind = unbounded ? WEIR_AST_BOUND_UNBOUNDED_FOLLOWING : WEIR_AST_BOUND_FOLLOWING;
    } else {
        return weir_unexpected(p, "PRECEDING or FOLLOWING");
    }
    b->pos = weir_span(p, b->pos);
    return !p->status;
}

static bool parse_frame(struct weir_parser *p, struct weir_ast_window *w)
{
    w->is_rows = weir_at_kw(p, WEIR_KW_ROWS);
    if (!w->is_rows && !weir_at_kw(p, WEIR_KW_RANGE)) return true;
    w->has_frame = true;
    if (!weir_advance(p)) return false;
    w->end.kind = WEIR_AST_BOUND_CURRENT_ROW;
    w->between = weir_accept_kw(p, WEIR_KW_BETWEEN);
    if (!parse_bound(p, &w->start)) return false;
    if (!w->between) return true;
    return weir_expect_kw(p, WEIR_KW_AND) && parse_bound(p, &w->end);
}

static bool parse_window_spec(struct weir_parser *p, struct weir_ast_window *w)
{
    const struct weir_token *t = weir_tok(p);
    if (weir_is_ident(t) && t->keyword != WEIR_KW_PARTITION && t->keyword != WEIR_KW_ROWS &&
        t->keyword != WEIR_KW_RANGE && !weir_parse_ident(p, &w->base, "a window's name")) {
        return false;
    }
    if (!weir_parse_partition_by(p, &w->partition_by)) return false;
    if (weir_accept_kw(p, WEIR_KW_ORDER) && !weir_parse_order_by(p, &w->order_by)) return false;
    return parse_frame(p, w) &&
           weir_expect(p, WEIR_TK_RPAREN, "PARTITION BY, ORDER BY, ROWS, RANGE or ')'");
}

struct weir_ast_window *weir_parse_window(struct weir_parser *p)
{
    struct weir_ast_window *w = weir_node(p, sizeof *w);
    if (!w) return NULL;
    w->pos = weir_tok(p)->pos;
    if (weir_accept(p, WEIR_TK_LPAREN)) {
        if (!parse_window_spec(p, w)) return NULL;
    } else {
        w->bare = true;
        if (!weir_parse_ident(p, &w->base, "'(' or a window's name")) return NULL;
    }
    w->pos = weir_span(p, w->pos);
    return w;
}

/* ---- functions with a syntax of their own ---- */

static bool push_expr(struct weir_parser *p, struct weir_list *l)
{
    struct weir_ast_expr *e = weir_parse_expr(p);
    return e && weir_list_push(p, l, &e);
}

static bool push_unit(struct weir_parser *p, struct weir_list *l)
{
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_UNIT, weir_tok(p)->pos);
    if (!e || !weir_parse_unit(p, &e->unit)) return false;
    e->pos = p->prev.pos;
    return weir_list_push(p, l, &e);
}

/* unit FROM x */
static bool parse_extract(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    call->syntax = WEIR_AST_CALL_EXTRACT;
    return push_unit(p, l) && weir_expect_kw(p, WEIR_KW_FROM) && push_expr(p, l);
}

/* unit, n, x: the unit may not be taken for a column */
static bool parse_timestamp_fn(struct weir_parser *p, struct weir_list *l)
{
    return push_unit(p, l) && weir_expect(p, WEIR_TK_COMMA, NULL) && push_expr(p, l) &&
           weir_expect(p, WEIR_TK_COMMA, NULL) && push_expr(p, l);
}

/* a IN b [FROM n]: `a` must not take the IN */
static bool parse_position(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    struct weir_ast_expr *e = weir_parse_expr_bp(p, WEIR_BP_RANGE + 1);
    if (!e || !weir_list_push(p, l, &e)) return false;
    call->syntax = WEIR_AST_CALL_POSITION;
    if (!weir_expect_kw(p, WEIR_KW_IN) || !push_expr(p, l)) return false;
    return weir_accept_kw(p, WEIR_KW_FROM) ? push_expr(p, l) : !p->status;
}

/* x FROM a [FOR b], or plain arguments */
static bool parse_substring(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    if (!push_expr(p, l)) return false;
    if (weir_accept_kw(p, WEIR_KW_FROM)) {
        call->syntax = WEIR_AST_CALL_SUBSTRING;
        if (!push_expr(p, l)) return false;
        return weir_accept_kw(p, WEIR_KW_FOR) ? push_expr(p, l) : !p->status;
    }
    while (weir_accept(p, WEIR_TK_COMMA)) {
        if (!push_expr(p, l)) return false;
    }
    return !p->status;
}

/* x PLACING y FROM a [FOR b], or plain arguments */
static bool parse_overlay(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    if (!push_expr(p, l)) return false;
    if (weir_accept_kw(p, WEIR_KW_PLACING)) {
        call->syntax = WEIR_AST_CALL_OVERLAY;
        if (!push_expr(p, l) || !weir_expect_kw(p, WEIR_KW_FROM) || !push_expr(p, l)) return false;
        return weir_accept_kw(p, WEIR_KW_FOR) ? push_expr(p, l) : !p->status;
    }
    while (weir_accept(p, WEIR_TK_COMMA)) {
        if (!push_expr(p, l)) return false;
    }
    return !p->status;
}

/* [BOTH|LEADING|TRAILING] [chars] FROM x, or x alone */
static bool parse_trim(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    struct weir_ast_expr *chars = NULL, *x;
    uint16_t kw = weir_tok(p)->keyword;
    uint8_t next = weir_tok_ahead(p, 1)->kind;
    bool side = (kw == WEIR_KW_BOTH || kw == WEIR_KW_LEADING || kw == WEIR_KW_TRAILING) &&
                next != WEIR_TK_RPAREN && next != WEIR_TK_COMMA && next != WEIR_TK_DOT;
    if (side) {
        call->trim = kw == WEIR_KW_LEADING    ? WEIR_AST_TRIM_LEADING
                     : kw == WEIR_KW_TRAILING ? WEIR_AST_TRIM_TRAILING
                                              : WEIR_AST_TRIM_BOTH;
        if (!weir_advance(p)) return false;
    }
    if (!weir_at_kw(p, WEIR_KW_FROM) && !(chars = weir_parse_expr(p))) return false;
    if (!side && !weir_at_kw(p, WEIR_KW_FROM)) {
        if (!weir_list_push(p, l, &chars)) return false;
        while (weir_accept(p, WEIR_TK_COMMA)) {
            if (!push_expr(p, l)) return false;
        }
        return !p->status;
    }
    call->syntax = WEIR_AST_CALL_TRIM;
    if (!weir_expect_kw(p, WEIR_KW_FROM)) return false;
    x = weir_parse_expr(p);
    return x && weir_list_push(p, l, &x) && (!chars || weir_list_push(p, l, &chars));
}

/* x [TO unit], or plain arguments */
static bool parse_ceil(struct weir_parser *p, struct weir_ast_call *call, struct weir_list *l)
{
    if (!push_expr(p, l)) return false;
    if (weir_accept_kw(p, WEIR_KW_TO)) {
        call->syntax = WEIR_AST_CALL_CEIL_FLOOR;
        return push_unit(p, l);
    }
    while (weir_accept(p, WEIR_TK_COMMA)) {
        if (!push_expr(p, l)) return false;
    }
    return !p->status;
}

static bool is_special(uint16_t keyword)
{
    switch (keyword) {
    case WEIR_KW_EXTRACT:
    case WEIR_KW_POSITION:
    case WEIR_KW_SUBSTRING:
    case WEIR_KW_TRIM:
    case WEIR_KW_OVERLAY:
    case WEIR_KW_CEIL:
    case WEIR_KW_CEILING:
    case WEIR_KW_FLOOR:
    case WEIR_KW_TIMESTAMPADD:
    case WEIR_KW_TIMESTAMPDIFF:
    case WEIR_KW_LEFT: /* reserved words that are functions too */
    case WEIR_KW_RIGHT: return true;
    default: return false;
    }
}

/* The function's name, which may be a reserved word. */
static bool parse_function_word(struct weir_parser *p, struct weir_ast_name *name)
{
    struct weir_ast_ident *id = weir_node(p, sizeof *id);
    if (!id || !weir_parse_word(p, id)) return false;
    *name = (struct weir_ast_name){id->pos, 1, id};
    return true;
}

struct weir_ast_expr *weir_parse_special_call(struct weir_parser *p)
{
    struct weir_token t = *weir_tok(p);
    if (!is_special(t.keyword)) return NULL;
    struct weir_ast_expr *e = new_call(p, t.pos);
    if (!e || !parse_function_word(p, &e->call->name)) return NULL;
    struct weir_ast_call *call = e->call;
    if (t.keyword == WEIR_KW_LEFT || t.keyword == WEIR_KW_RIGHT) {
        if (!parse_args(p, call)) return NULL;
        e->pos = weir_span(p, t.pos);
        return e;
    }
    struct weir_list l = weir_list_begin(p, sizeof e);
    bool ok = weir_expect(p, WEIR_TK_LPAREN, NULL);
    switch (t.keyword) {
    case WEIR_KW_EXTRACT: ok = ok && parse_extract(p, call, &l); break;
    case WEIR_KW_POSITION: ok = ok && parse_position(p, call, &l); break;
    case WEIR_KW_SUBSTRING: ok = ok && parse_substring(p, call, &l); break;
    case WEIR_KW_TRIM: ok = ok && parse_trim(p, call, &l); break;
    case WEIR_KW_OVERLAY: ok = ok && parse_overlay(p, call, &l); break;
    case WEIR_KW_TIMESTAMPADD:
    case WEIR_KW_TIMESTAMPDIFF: ok = ok && parse_timestamp_fn(p, &l); break;
    default: ok = ok && parse_ceil(p, call, &l);
    }
    if (!ok || !weir_expect(p, WEIR_TK_RPAREN, l.n > 1 ? "')'" : "',' or ')'")) return NULL;
    if (!weir_list_end(p, &l, &call->args.items, &call->args.n)) return NULL;
    e->pos = weir_span(p, t.pos);
    return e;
}
