/* Identifiers, dotted names, option lists, hints, units of time: the small pieces that all
   statements are made of. */
#include <stdlib.h>
#include <string.h>

#include "host/sql/parse_impl.h"

bool weir_is_ident(const struct weir_token *t)
{
    if (t->kind == WEIR_TK_QUOTED) return true;
    return t->kind == WEIR_TK_WORD && weir_sql_keyword_flag(t->keyword) != 'R';
}

/* The text of a backtick-quoted token: without the quotes, `` made one. */
static char *unquote(struct weir_parser *p, const struct weir_token *t)
{
    char *s = weir_text(p, t->pos.start + 1, t->pos.end - 1);
    if (!s) return NULL;
    char *to = s;
    for (const char *from = s; *from; from++) {
        *to++ = *from;
        if (from[0] == '`') from++;
    }
    *to = 0;
    return s;
}

bool weir_parse_ident(struct weir_parser *p, struct weir_ast_ident *out, const char *what)
{
    const struct weir_token *t = weir_tok(p);
    if (!weir_is_ident(t)) return weir_unexpected(p, what);
    out->pos = t->pos;
    out->quoted = t->kind == WEIR_TK_QUOTED;
    out->name = out->quoted ? unquote(p, t) : weir_text(p, t->pos.start, t->pos.end);
    if (out->name && !*out->name) return weir_fail_pos(p, &t->pos, "a name is empty");
    return out->name && weir_advance(p);
}

bool weir_parse_word(struct weir_parser *p, struct weir_ast_ident *out)
{
    const struct weir_token *t = weir_tok(p);
    if (t->kind != WEIR_TK_WORD) return weir_parse_ident(p, out, "a name");
    out->pos = t->pos;
    out->quoted = false;
    out->name = weir_text(p, t->pos.start, t->pos.end);
    return out->name && weir_advance(p);
}

bool weir_parse_name(struct weir_parser *p, struct weir_ast_name *out, const char *what)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_ident));
    struct weir_pos start = weir_tok(p)->pos;
    do {
        struct weir_ast_ident id;
        if (!weir_parse_ident(p, &id, what) || !weir_list_push(p, &l, &id)) return false;
    } while (weir_accept(p, WEIR_TK_DOT));
    out->pos = weir_span(p, start);
    return weir_list_end(p, &l, &out->parts, &out->n);
}

bool weir_parse_ident_list(struct weir_parser *p, struct weir_ast_idents *out, const char *what)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_ident));
    do {
        struct weir_ast_ident id;
        if (!weir_parse_ident(p, &id, what) || !weir_list_push(p, &l, &id)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_list_end(p, &l, &out->items, &out->n);
}

bool weir_parse_columns(struct weir_parser *p, struct weir_ast_idents *out, const char *what)
{
    return weir_expect(p, WEIR_TK_LPAREN, NULL) && weir_parse_ident_list(p, out, what) &&
           weir_expect(p, WEIR_TK_RPAREN, "',' or ')'");
}

const char *weir_parse_string(struct weir_parser *p, const char *what)
{
    const char *s;
    size_t len;
    struct weir_pos pos = weir_tok(p)->pos;
    if (!weir_at(p, WEIR_TK_STRING) && !weir_at(p, WEIR_TK_USTRING)) {
        weir_unexpected(p, what);
        return NULL;
    }
    if (!weir_parse_string_value(p, &s, &len)) return NULL;
    if (strlen(s) == len) return s;
    weir_fail_pos(p, &pos, "a NUL character is not allowed in this string");
    return NULL;
}

bool weir_parse_options(struct weir_parser *p, struct weir_ast_options *out)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_option));
    if (!weir_expect(p, WEIR_TK_LPAREN, NULL)) return false;
    if (weir_accept(p, WEIR_TK_RPAREN)) return weir_list_end(p, &l, &out->items, &out->n);
    do {
        struct weir_ast_option o = {.key_pos = weir_tok(p)->pos};
        o.key =
            weir_parse_string(p, "an option's name in quotes, as in 'connector' = 'filesystem',");
        if (!o.key) return false;
        o.key_pos = weir_span(p, o.key_pos);
        if (!weir_expect(p, WEIR_TK_EQ, "'='")) return false;
        o.value_pos = weir_tok(p)->pos;
        o.value = weir_parse_string(p, "the option's value in quotes");
        if (!o.value) return false;
        o.value_pos = weir_span(p, o.value_pos);
        o.pos = weir_span(p, o.key_pos);
        if (!weir_list_push(p, &l, &o)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_list_end(p, &l, &out->items, &out->n);
}

/* The words or literals of a hint's arguments. */
static bool parse_hint_args(struct weir_parser *p, struct weir_ast_idents *out)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_ident));
    if (!weir_expect(p, WEIR_TK_LPAREN, NULL)) return false;
    if (weir_accept(p, WEIR_TK_RPAREN)) return true;
    do {
        const struct weir_token *t = weir_tok(p);
        struct weir_ast_ident id = {.pos = t->pos};
        if (t->kind == WEIR_TK_STRING) {
            id.name = weir_parse_string(p, "a hint's argument");
            if (!id.name) return false;
            id.quoted = true;
        } else if (t->kind == WEIR_TK_INT) {
            id.name = weir_text(p, t->pos.start, t->pos.end);
            if (!id.name || !weir_advance(p)) return false;
        } else if (!weir_parse_ident(p, &id, "a hint's argument")) {
            return false;
        }
        if (!weir_list_push(p, &l, &id)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_list_end(p, &l, &out->items, &out->n);
}

bool weir_parse_hints(struct weir_parser *p, struct weir_ast_hints *out)
{
    if (!weir_accept(p, WEIR_TK_HINT)) return true;
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_hint));
    do {
        struct weir_ast_hint h = {.pos = weir_tok(p)->pos};
        if (!weir_parse_ident(p, &h.name,
                              "a hint's name, as in /*+ OPTIONS('key' = 'value') */,")) {
            return false;
        }
        if (weir_at(p, WEIR_TK_LPAREN)) {
            bool options = weir_tok_ahead(p, 1)->kind == WEIR_TK_STRING &&
                           weir_tok_ahead(p, 2)->kind == WEIR_TK_EQ;
            if (!(options ? weir_parse_options(p, &h.options) : parse_hint_args(p, &h.args))) {
                return false;
            }
        }
        h.pos = weir_span(p, h.pos);
        if (!weir_list_push(p, &l, &h)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_HINT_END, "',' or '*/'") &&
           weir_list_end(p, &l, &out->items, &out->n);
}

enum weir_ast_unit weir_unit_of(const struct weir_token *t)
{
    switch (t->keyword) {
    case WEIR_KW_MILLENNIUM: return WEIR_AST_UNIT_MILLENNIUM;
    case WEIR_KW_CENTURY: return WEIR_AST_UNIT_CENTURY;
    case WEIR_KW_DECADE: return WEIR_AST_UNIT_DECADE;
    case WEIR_KW_YEAR:
    case WEIR_KW_YEARS: return WEIR_AST_UNIT_YEAR;
    case WEIR_KW_QUARTER:
    case WEIR_KW_QUARTERS: return WEIR_AST_UNIT_QUARTER;
    case WEIR_KW_MONTH:
    case WEIR_KW_MONTHS: return WEIR_AST_UNIT_MONTH;
    case WEIR_KW_WEEK:
    case WEIR_KW_WEEKS: return WEIR_AST_UNIT_WEEK;
    case WEIR_KW_DAY:
    case WEIR_KW_DAYS: return WEIR_AST_UNIT_DAY;
    case WEIR_KW_HOUR:
    case WEIR_KW_HOURS: return WEIR_AST_UNIT_HOUR;
    case WEIR_KW_MINUTE:
    case WEIR_KW_MINUTES: return WEIR_AST_UNIT_MINUTE;
    case WEIR_KW_SECOND:
    case WEIR_KW_SECONDS: return WEIR_AST_UNIT_SECOND;
    case WEIR_KW_MILLISECOND: return WEIR_AST_UNIT_MILLISECOND;
    case WEIR_KW_MICROSECOND: return WEIR_AST_UNIT_MICROSECOND;
    case WEIR_KW_NANOSECOND: return WEIR_AST_UNIT_NANOSECOND;
    case WEIR_KW_DOW: return WEIR_AST_UNIT_DOW;
    case WEIR_KW_ISODOW: return WEIR_AST_UNIT_ISODOW;
    case WEIR_KW_DOY: return WEIR_AST_UNIT_DOY;
    case WEIR_KW_ISOYEAR: return WEIR_AST_UNIT_ISOYEAR;
    case WEIR_KW_EPOCH: return WEIR_AST_UNIT_EPOCH;
    default: return WEIR_AST_UNIT_NONE;
    }
}

bool weir_parse_unit(struct weir_parser *p, enum weir_ast_unit *out)
{
    *out = weir_unit_of(weir_tok(p));
    if (*out == WEIR_AST_UNIT_NONE) {
        return weir_unexpected(p, "a unit of time (YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, ...)");
    }
    return weir_advance(p);
}

bool weir_parse_uint(struct weir_parser *p, int32_t *out, const char *what)
{
    const struct weir_token *t = weir_tok(p);
    if (t->kind != WEIR_TK_INT) return weir_unexpected(p, what);
    int64_t v = 0;
    for (uint32_t i = t->pos.start; i < t->pos.end && v <= INT32_MAX; i++) {
        v = v * 10 + (p->lexer.sql[i] - '0');
    }
    if (v > INT32_MAX) return weir_fail_pos(p, &t->pos, "this number is too large");
    *out = (int32_t)v;
    return weir_advance(p);
}
