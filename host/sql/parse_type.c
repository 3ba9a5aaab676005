/* Data types, as in column definitions and casts. */
#include <string.h>
#include <strings.h>

#include "host/sql/parse_impl.h"

enum args { NO_ARGS, LENGTH, PRECISION, PRECISION_SCALE };

/* Types that are one word with at most numbers behind it. */
static const struct {
    const char *name;
    uint16_t kind; /* enum weir_ast_type_kind */
    uint8_t args;
} simple[] = {
    {"BOOLEAN", WEIR_AST_TY_BOOLEAN, NO_ARGS},
    {"TINYINT", WEIR_AST_TY_TINYINT, NO_ARGS},
    {"SMALLINT", WEIR_AST_TY_SMALLINT, NO_ARGS},
    {"INT", WEIR_AST_TY_INT, NO_ARGS},
    {"INTEGER", WEIR_AST_TY_INT, NO_ARGS},
    {"BIGINT", WEIR_AST_TY_BIGINT, NO_ARGS},
    {"FLOAT", WEIR_AST_TY_FLOAT, NO_ARGS},
    {"REAL", WEIR_AST_TY_FLOAT, NO_ARGS},
    {"DOUBLE", WEIR_AST_TY_DOUBLE, NO_ARGS},
    {"DECIMAL", WEIR_AST_TY_DECIMAL, PRECISION_SCALE},
    {"DEC", WEIR_AST_TY_DECIMAL, PRECISION_SCALE},
    {"NUMERIC", WEIR_AST_TY_DECIMAL, PRECISION_SCALE},
    {"CHAR", WEIR_AST_TY_CHAR, LENGTH},
    {"CHARACTER", WEIR_AST_TY_CHAR, LENGTH},
    {"VARCHAR", WEIR_AST_TY_VARCHAR, LENGTH},
    {"STRING", WEIR_AST_TY_STRING, NO_ARGS},
    {"BINARY", WEIR_AST_TY_BINARY, LENGTH},
    {"VARBINARY", WEIR_AST_TY_VARBINARY, LENGTH},
    {"BYTES", WEIR_AST_TY_BYTES, NO_ARGS},
    {"DATE", WEIR_AST_TY_DATE, NO_ARGS},
    {"TIME", WEIR_AST_TY_TIME, PRECISION},
    {"TIMESTAMP", WEIR_AST_TY_TIMESTAMP, PRECISION},
    {"TIMESTAMP_LTZ", WEIR_AST_TY_TIMESTAMP_LTZ, PRECISION},
    {"NULL", WEIR_AST_TY_NULL, NO_ARGS},
    /* with a syntax of their own: */
    {"INTERVAL", WEIR_AST_TY_INTERVAL, NO_ARGS},
    {"ARRAY", WEIR_AST_TY_ARRAY, NO_ARGS},
    {"MULTISET", WEIR_AST_TY_MULTISET, NO_ARGS},
    {"MAP", WEIR_AST_TY_MAP, NO_ARGS},
    {"ROW", WEIR_AST_TY_ROW, NO_ARGS},
};

enum { N_SIMPLE = sizeof simple / sizeof *simple };

static int find_simple(const struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    size_t n = t->pos.end - t->pos.start;
    if (t->kind != WEIR_TK_WORD) return -1;
    for (int i = 0; i < N_SIMPLE; i++) {
        if (strlen(simple[i].name) == n &&
            !strncasecmp(simple[i].name, p->lexer.sql + t->pos.start, n)) {
            return i;
        }
    }
    return -1;
}

/* (p) or (p, s), if it is there and may be */
static bool parse_args(struct weir_parser *p, struct weir_ast_type *t, enum args args)
{
    if (args == NO_ARGS || !weir_accept(p, WEIR_TK_LPAREN)) return true;
    const char *what = args == LENGTH ? "the length" : "the precision";
    if (!weir_parse_uint(p, &t->precision, what)) return false;
    if (args == PRECISION_SCALE && weir_accept(p, WEIR_TK_COMMA) &&
        !weir_parse_uint(p, &t->scale, "the scale")) {
        return false;
    }
    return weir_expect(p, WEIR_TK_RPAREN, args == PRECISION_SCALE ? "',' or ')'" : "')'");
}

/* WITH [LOCAL] TIME ZONE, WITHOUT TIME ZONE */
static bool parse_zone(struct weir_parser *p, struct weir_ast_type *t)
{
    bool with = weir_at_kw(p, WEIR_KW_WITH), without = weir_at_kw(p, WEIR_KW_WITHOUT);
    uint16_t next = weir_tok_ahead(p, 1)->keyword;
    if (without || (with && (next == WEIR_KW_TIME || next == WEIR_KW_LOCAL))) {
        if (!weir_advance(p)) return false;
        if (with && t->kind == WEIR_AST_TY_TIMESTAMP) {
            bool local = weir_accept_kw(p, WEIR_KW_LOCAL);
            t->kind = local ? WEIR_AST_TY_TIMESTAMP_LTZ : WEIR_AST_TY_TIMESTAMP_TZ;
        } else if (with) {
            return weir_fail_pos(p, &p->prev.pos, "TIME has no time zone; only TIMESTAMP can");
        }
        return weir_expect_kw(p, WEIR_KW_TIME) && weir_expect_kw(p, WEIR_KW_ZONE);
    }
    return true;
}

static bool parse_field(struct weir_parser *p, struct weir_ast_field *f)
{
    if (!weir_parse_ident(p, &f->name, "a field's name")) return false;
    f->type = weir_parse_type_node(p);
    if (!f->type) return false;
    if (!weir_at(p, WEIR_TK_STRING)) return true;
    f->comment = weir_parse_string(p, "a comment");
    return f->comment != NULL;
}

/* ROW<a INT, b STRING 'comment'> or ROW(...); ROW<> */
static bool parse_row(struct weir_parser *p, struct weir_ast_type *t)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_field));
    if (weir_accept(p, WEIR_TK_NE)) return true; /* the two characters <> */
    bool round = weir_at(p, WEIR_TK_LPAREN);
    enum weir_token_kind close = round ? WEIR_TK_RPAREN : WEIR_TK_GT;
    if (!round && !weir_at(p, WEIR_TK_LT))
        return weir_unexpected(p, "'<', the fields of ROW<...>,");
    if (!weir_advance(p)) return false;
    if (!weir_accept(p, close)) {
        do {
            struct weir_ast_field f = {0};
            if (!parse_field(p, &f) || !weir_list_push(p, &l, &f)) return false;
        } while (weir_accept(p, WEIR_TK_COMMA));
        if (!weir_expect(p, close, round ? "',' or ')'" : "',' or '>'")) return false;
    }
    return weir_list_end(p, &l, &t->fields, &t->n_fields);
}

static bool parse_element(struct weir_parser *p, struct weir_ast_type *t)
{
    if (!weir_expect(p, WEIR_TK_LT, "'<'")) return false;
    if (t->kind == WEIR_AST_TY_MAP) {
        t->key = weir_parse_type_node(p);
        if (!t->key || !weir_expect(p, WEIR_TK_COMMA, NULL)) return false;
    }
    t->element = weir_parse_type_node(p);
    return t->element && weir_expect(p, WEIR_TK_GT, NULL);
}

static bool parse_interval(struct weir_parser *p, struct weir_ast_type *t)
{
    if (!weir_parse_unit(p, &t->from_unit) || !parse_args(p, t, PRECISION_SCALE)) return false;
    if (!weir_accept_kw(p, WEIR_KW_TO)) return true;
    if (!weir_parse_unit(p, &t->to_unit)) return false;
    if (!weir_accept(p, WEIR_TK_LPAREN)) return true;
    return weir_parse_uint(p, &t->scale, "the digits of the fraction") &&
           weir_expect(p, WEIR_TK_RPAREN, NULL);
}

static bool unknown_type(struct weir_parser *p)
{
    const char *names[N_SIMPLE];
    char word[32];
    const struct weir_token *t = weir_tok(p);
    size_t n = t->pos.end - t->pos.start;
    for (int i = 0; i < N_SIMPLE; i++) names[i] = simple[i].name;
    if (t->kind != WEIR_TK_WORD || n >= sizeof word) return weir_unexpected(p, "a data type");
    memcpy(word, p->lexer.sql + t->pos.start, n);
    word[n] = 0;
    if (weir_sql_keyword_flag(t->keyword) == 'R') return weir_unexpected(p, "a data type");
    const char *near = weir_sql_nearest(word, names, N_SIMPLE);
    if (!near && !strcasecmp(word, "TEXT")) near = "STRING";
    if (!near && !strcasecmp(word, "DATETIME")) near = "TIMESTAMP(3)";
    if (!near && !strcasecmp(word, "LONG")) near = "BIGINT";
    if (near) {
        return weir_fail_pos(p, &t->pos, "unknown data type '%s'; did you mean %s?", word, near);
    }
    return weir_fail_pos(p, &t->pos, "unknown data type '%s'", word);
}

static bool parse_base(struct weir_parser *p, struct weir_ast_type *t)
{
    int i = find_simple(p);
    if (i < 0) {
        uint8_t next = weir_tok_ahead(p, 1)->kind;
        if (!weir_at(p, WEIR_TK_QUOTED) && next != WEIR_TK_DOT) return unknown_type(p);
        t->kind = WEIR_AST_TY_NAMED;
        return weir_parse_name(p, &t->name, "a data type");
    }
    t->kind = (enum weir_ast_type_kind)simple[i].kind;
    if (!weir_advance(p)) return false;
    switch (t->kind) {
    case WEIR_AST_TY_INTERVAL: return parse_interval(p, t);
    case WEIR_AST_TY_ARRAY:
    case WEIR_AST_TY_MULTISET:
    case WEIR_AST_TY_MAP: return parse_element(p, t);
    case WEIR_AST_TY_ROW: return parse_row(p, t);
    case WEIR_AST_TY_DOUBLE: return weir_accept_kw(p, WEIR_KW_PRECISION) || !p->status;
    case WEIR_AST_TY_CHAR:
    case WEIR_AST_TY_BINARY:
        if (weir_accept_kw(p, WEIR_KW_VARYING)) {
            bool text = t->kind == WEIR_AST_TY_CHAR;
            t->kind = text ? WEIR_AST_TY_VARCHAR : WEIR_AST_TY_VARBINARY;
        }
        break;
    default: break;
    }
    if (!parse_args(p, t, simple[i].args)) return false;
    return t->kind == WEIR_AST_TY_TIME || t->kind == WEIR_AST_TY_TIMESTAMP ? parse_zone(p, t)
                                                                           : !p->status;
}

static bool parse_nullability(struct weir_parser *p, struct weir_ast_type *t)
{
    if (weir_accept_kw2(p, WEIR_KW_NOT, WEIR_KW_NULL))
        t->not_null = true;
    else if (weir_accept_kw(p, WEIR_KW_NULL))
        t->null = true;
    return !p->status;
}

static struct weir_ast_type *new_type(struct weir_parser *p, struct weir_pos start)
{
    struct weir_ast_type *t = weir_node(p, sizeof *t);
    if (!t) return NULL;
    t->pos = start;
    t->precision = t->scale = -1;
    return t;
}

struct weir_ast_type *weir_parse_type_node(struct weir_parser *p)
{
    struct weir_scope scope;
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_type *t = new_type(p, start);
    if (!t || !weir_enter(p, &scope) || !parse_base(p, t) || !parse_nullability(p, t)) return NULL;
    t->pos = weir_span(p, start);
    /* INT ARRAY, INT MULTISET: the SQL standard's spelling */
    while (weir_at_kw(p, WEIR_KW_ARRAY) || weir_at_kw(p, WEIR_KW_MULTISET)) {
        struct weir_ast_type *outer = new_type(p, start);
        if (!outer || !weir_grow(p)) return NULL;
        outer->kind = weir_at_kw(p, WEIR_KW_ARRAY) ? WEIR_AST_TY_ARRAY : WEIR_AST_TY_MULTISET;
        outer->element = t;
        if (!weir_advance(p) || !parse_nullability(p, outer)) return NULL;
        t = outer;
        t->pos = weir_span(p, start);
    }
    return weir_leave(p, &scope) ? t : NULL;
}
