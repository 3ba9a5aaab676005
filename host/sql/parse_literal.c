/* Literals: the text of a token to its exact value. Numbers keep their text; an integer that fits
   int64 is an INT, other numbers without an exponent are DECIMALs with their exact value, numbers
   with an exponent are DOUBLEs. Dates and times stay text: the engine's cast reads them, in one
   place. Intervals are computed here, since their syntax belongs to the literal. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sql/parse_impl.h"

static struct weir_ast_expr *new_literal(struct weir_parser *p, enum weir_ast_literal_kind kind,
                                         struct weir_pos start)
{
    struct weir_ast_expr *e = weir_new_expr(p, WEIR_AST_EX_LITERAL, start);
    if (!e) return NULL;
    e->literal = weir_node(p, sizeof *e->literal);
    if (!e->literal) return NULL;
    e->literal->kind = kind;
    return e;
}

static struct weir_ast_expr *fail_expr(struct weir_parser *p, const struct weir_pos *pos,
                                       const char *message)
{
    weir_fail_pos(p, pos, "%s", message);
    return NULL;
}

/* ---- numbers ---- */

/* Independent of the process's locale, which decides what strtod takes for the point. */
static bool parse_double(struct weir_parser *p, const char *text, double *out)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return weir_parse_nomem(p);
    *out = strtod_l(text, NULL, c);
    freelocale(c);
    return true;
}

/* Digits (and a point) to unscaled value and scale; false if there are more than 38 digits. */
static bool parse_decimal(const char *text, __int128 *unscaled, int32_t *precision, int32_t *scale)
{
    int digits = 0;
    bool point = false;
    *unscaled = 0;
    *scale = 0;
    for (; *text; text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        digits += digits > 0 || *text != '0';
        *scale += point;
        if (digits > 38 || *scale > 38) return false;
        *unscaled = *unscaled * 10 + (*text - '0');
    }
    *precision = digits > *scale ? digits : *scale;
    if (*precision < 1) *precision = 1;
    return true;
}

struct weir_ast_expr *weir_parse_number(struct weir_parser *p, bool negative)
{
    struct weir_token t = *weir_tok(p);
    struct weir_pos start = negative ? p->prev.pos : t.pos;
    struct weir_ast_expr *e = new_literal(p, WEIR_AST_LIT_INT, start);
    if (!e) return NULL;
    struct weir_ast_literal *l = e->literal;
    size_t n = t.pos.end - t.pos.start;
    char *text = weir_node(p, n + 2);
    if (!text) return NULL;
    text[0] = '-';
    memcpy(text + negative, p->lexer.sql + t.pos.start, n);
    l->text = text;
    if (t.kind == WEIR_TK_DOUBLE) {
        l->kind = WEIR_AST_LIT_DOUBLE;
        if (!parse_double(p, text, &l->double_value)) return NULL;
        if (isinf(l->double_value)) return fail_expr(p, &t.pos, "this number is too large");
    } else {
        __int128 v;
        int32_t precision, scale;
        if (!parse_decimal(text + negative, &v, &precision, &scale)) {
            return fail_expr(p, &t.pos,
                             "this number has more than 38 digits; write it with an "
                             "exponent (1e0) for a DOUBLE");
        }
        if (negative) v = -v;
        if (t.kind == WEIR_TK_INT && v >= INT64_MIN && v <= INT64_MAX) {
            l->int_value = (int64_t)v;
        } else {
            l->kind = WEIR_AST_LIT_DECIMAL;
            l->unscaled = v;
            l->precision = precision;
            l->scale = scale;
        }
    }
    if (!weir_advance(p)) return NULL;
    e->pos = weir_span(p, e->pos);
    return e;
}

/* ---- strings ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) return to[0] = (char)c, 1;
    if (c < 0x800) return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 63));
        to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 63));
    to[2] = (char)(0x80 | (c >> 6 & 63));
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* N hexadecimal digits at S; -1 if they are not there. */
static int32_t hex_number(const char *s, const char *end, int n)
{
    int32_t v = 0;
    for (int i = 0; i < n; i++, s++) {
        if (s >= end || hex(*s) < 0) return -1;
        v = v * 16 + hex(*s);
    }
    return v;
}

/* One \XXXX or \+XXXXXX of a U&'...' string, FROM behind the escape character; surrogate pairs are
   one character. Returns the bytes of S consumed, 0 if it is malformed. */
static size_t unicode_escape(const char *from, const char *end, char escape, uint32_t *out)
{
    if (from < end && *from == '+') {
        int32_t v = hex_number(from + 1, end, 6);
        if (v < 0 || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) return 0;
        *out = (uint32_t)v;
        return 7;
    }
    int32_t v = hex_number(from, end, 4);
    if (v < 0 || (v >= 0xdc00 && v < 0xe000)) return 0;
    *out = (uint32_t)v;
    if (v < 0xd800 || v >= 0xdc00) return 4;
    int32_t low = end - from > 4 && from[4] == escape ? hex_number(from + 5, end, 4) : -1;
    if (low < 0xdc00 || low >= 0xe000) return 0;
    *out = 0x10000 + (((uint32_t)v & 0x3ff) << 10) + ((uint32_t)low & 0x3ff);
    return 9;
}

/* Replace the escapes of S (*LEN bytes) in place: the result is never longer. */
static bool unescape(struct weir_parser *p, char *s, size_t *len, char escape,
                     const struct weir_pos *pos)
{
    char *to = s;
    const char *end = s + *len;
    for (const char *from = s; from < end;) {
        if (*from != escape) {
            *to++ = *from++;
        } else if (from + 1 < end && from[1] == escape) {
            *to++ = escape;
            from += 2;
        } else {
            uint32_t c = 0;
            size_t n = unicode_escape(from + 1, end, escape, &c);
            if (!n) {
                return weir_fail_pos(p, pos,
                                     "a bad escape in this string; write %cXXXX or %c+XXXXXX with "
                                     "the code point in hexadecimal, %c%c for the character itself",
                                     escape, escape, escape, escape);
            }
            from += 1 + n;
            to += put_utf8(to, c);
        }
    }
    *len = (size_t)(to - s);
    memset(to, 0, (size_t)(end - to));
    return true;
}

/* UESCAPE 'c', if it is there. */
static bool parse_uescape(struct weir_parser *p, char *escape)
{
    *escape = '\\';
    if (!weir_accept_kw(p, WEIR_KW_UESCAPE)) return true;
    const struct weir_token *t = weir_tok(p);
    if (t->kind != WEIR_TK_STRING) return weir_unexpected(p, "the escape character in quotes");
    char c = p->lexer.sql[t->pos.start + 1];
    if (t->pos.end - t->pos.start != 3 || (unsigned char)c >= 0x80 || hex(c) >= 0 ||
        strchr("+' \t\n\"", c)) {
        return weir_fail_pos(p, &t->pos,
                             "the escape character must be one ASCII character other than a "
                             "hexadecimal digit, '+', a quote or a blank");
    }
    *escape = c;
    return weir_advance(p);
}

bool weir_parse_string_value(struct weir_parser *p, const char **bytes, size_t *len)
{
    struct weir_token t = *weir_tok(p);
    uint32_t start = t.pos.start;
    while (p->lexer.sql[start] != '\'') start++; /* the prefix: U&, N, _charset */
    char *s = weir_text(p, start + 1, t.pos.end - 1);
    if (!s || !weir_advance(p)) return false;
    char *to = s;
    const char *end = s + (t.pos.end - start - 2);
    for (const char *from = s; from < end; from++) {
        *to++ = *from;
        if (*from == '\'') from++;
    }
    *len = (size_t)(to - s);
    memset(to, 0, (size_t)(end - to));
    *bytes = s;
    char escape = 0;
    if (t.kind == WEIR_TK_STRING) return true;
    return parse_uescape(p, &escape) && unescape(p, s, len, escape, &t.pos);
}

static struct weir_ast_expr *parse_binary(struct weir_parser *p)
{
    struct weir_token t = *weir_tok(p);
    struct weir_ast_expr *e = new_literal(p, WEIR_AST_LIT_BINARY, t.pos);
    if (!e) return NULL;
    const char *from = p->lexer.sql + t.pos.start + 2;
    size_t n = t.pos.end - t.pos.start - 3;
    char *s = weir_node(p, n / 2 + 1);
    if (!s) return NULL;
    if (n % 2) return fail_expr(p, &t.pos, "a binary string needs two hexadecimal digits a byte");
    for (size_t i = 0; i < n / 2; i++) {
        int32_t v = hex_number(from + 2 * i, from + n, 2);
        if (v < 0) return fail_expr(p, &t.pos, "a binary string holds hexadecimal digits only");
        s[i] = (char)v;
    }
    e->literal->bytes = s;
    e->literal->len = n / 2;
    return weir_advance(p) ? e : NULL;
}

static struct weir_ast_expr *parse_text(struct weir_parser *p, enum weir_ast_literal_kind kind,
                                        struct weir_pos start)
{
    struct weir_ast_expr *e = new_literal(p, kind, start);
    if (!e || !weir_parse_string_value(p, &e->literal->bytes, &e->literal->len)) return NULL;
    e->pos = weir_span(p, start);
    return e;
}

/* ---- intervals ---- */

/* A count of the unit to months or microseconds; 0 if a literal may not have the unit. */
static int64_t unit_size(enum weir_ast_unit unit, bool *months)
{
    const int64_t second = 1000000;
    *months = false;
    switch (unit) {
    case WEIR_AST_UNIT_YEAR: return *months = true, 12;
    case WEIR_AST_UNIT_QUARTER: return *months = true, 3;
    case WEIR_AST_UNIT_MONTH: return *months = true, 1;
    case WEIR_AST_UNIT_WEEK: return 7 * 86400 * second;
    case WEIR_AST_UNIT_DAY: return 86400 * second;
    case WEIR_AST_UNIT_HOUR: return 3600 * second;
    case WEIR_AST_UNIT_MINUTE: return 60 * second;
    case WEIR_AST_UNIT_SECOND: return second;
    case WEIR_AST_UNIT_MILLISECOND: return 1000;
    case WEIR_AST_UNIT_MICROSECOND: return 1;
    default: return 0;
    }
}

/* The field behind UNIT in a range, and the separator between the two. */
static enum weir_ast_unit next_field(enum weir_ast_unit unit, char *separator, int *limit)
{
    *separator = unit == WEIR_AST_UNIT_YEAR ? '-' : unit == WEIR_AST_UNIT_DAY ? ' ' : ':';
    *limit = unit == WEIR_AST_UNIT_YEAR ? 12 : unit == WEIR_AST_UNIT_DAY ? 24 : 60;
    switch (unit) {
    case WEIR_AST_UNIT_YEAR: return WEIR_AST_UNIT_MONTH;
    case WEIR_AST_UNIT_DAY: return WEIR_AST_UNIT_HOUR;
    case WEIR_AST_UNIT_HOUR: return WEIR_AST_UNIT_MINUTE;
    case WEIR_AST_UNIT_MINUTE: return WEIR_AST_UNIT_SECOND;
    default: return WEIR_AST_UNIT_NONE;
    }
}

/* Digits at *S, at most 18 of them; false when there is none or too many. */
static bool digits(const char **s, int64_t *out)
{
    int n = 0;
    *out = 0;
    for (; **s >= '0' && **s <= '9'; ++*s) {
        if (++n > 18) return false;
        *out = *out * 10 + (**s - '0');
    }
    return n > 0;
}

/* ".25" of seconds in microseconds; more digits than six must be zeros. */
static bool fraction(const char **s, int64_t *micros)
{
    int64_t scale = 100000;
    *micros = 0;
    if (**s != '.') return true;
    for (++*s; **s >= '0' && **s <= '9'; ++*s) {
        if (!scale && **s != '0') return false;
        *micros += scale * (**s - '0');
        scale /= 10;
    }
    return true;
}

/* The value of S, "[-]1 02:03:04.5" for DAY TO SECOND: false if it has another form. */
static bool interval_value(const char *s, enum weir_ast_unit from, enum weir_ast_unit to,
                           int64_t *out)
{
    bool months;
    int64_t sum = 0, v = 0, micros = 0;
    while (*s == ' ') s++;
    bool negative = *s == '-';
    if (*s == '-' || *s == '+') s++;
    int limit = 0;
    for (enum weir_ast_unit unit = from;;) {
        if (!digits(&s, &v) || (limit && v >= limit)) return false;
        if (__builtin_mul_overflow(v, unit_size(unit, &months), &v)) return false;
        if (__builtin_add_overflow(sum, v, &sum)) return false;
        if (unit == WEIR_AST_UNIT_SECOND) {
            if (!fraction(&s, &micros) || __builtin_add_overflow(sum, micros, &sum)) return false;
        }
        if (to == WEIR_AST_UNIT_NONE || unit == to) break;
        char separator;
        unit = next_field(unit, &separator, &limit);
        if (*s++ != separator) return false;
    }
    while (*s == ' ') s++;
    *out = negative ? -sum : sum;
    return !*s;
}

static const char *interval_form(enum weir_ast_unit from, enum weir_ast_unit to)
{
    if (to == WEIR_AST_UNIT_NONE) return from == WEIR_AST_UNIT_SECOND ? "'10' or '1.5'" : "'10'";
    if (from == WEIR_AST_UNIT_YEAR) return "'1-6'";
    if (from == WEIR_AST_UNIT_DAY) {
        return to == WEIR_AST_UNIT_HOUR     ? "'1 12'"
               : to == WEIR_AST_UNIT_MINUTE ? "'1 12:30'"
                                            : "'1 12:30:45.5'";
    }
    if (from == WEIR_AST_UNIT_HOUR) return to == WEIR_AST_UNIT_MINUTE ? "'12:30'" : "'12:30:45.5'";
    return "'30:45.5'";
}

/* UNIT [(p)] [TO UNIT [(f)]] */
static bool parse_qualifier(struct weir_parser *p, struct weir_ast_literal *l)
{
    l->interval.precision = l->interval.fraction = -1;
    struct weir_pos pos = weir_tok(p)->pos;
    if (!weir_parse_unit(p, &l->interval.from_unit)) return false;
    enum weir_ast_unit from = l->interval.from_unit;
    if (!unit_size(from, &l->interval.is_months)) {
        return weir_fail_pos(p, &pos, "an interval cannot be counted in this unit");
    }
    if (weir_accept(p, WEIR_TK_LPAREN)) {
        if (!weir_parse_uint(p, &l->interval.precision, "the number of digits")) return false;
        if (from == WEIR_AST_UNIT_SECOND && weir_accept(p, WEIR_TK_COMMA) &&
            !weir_parse_uint(p, &l->interval.fraction, "the number of digits of the fraction")) {
            return false;
        }
        if (!weir_expect(p, WEIR_TK_RPAREN, NULL)) return false;
    }
    if (!weir_accept_kw(p, WEIR_KW_TO)) return true;
    struct weir_pos to_pos = weir_tok(p)->pos;
    if (!weir_parse_unit(p, &l->interval.to_unit)) return false;
    enum weir_ast_unit unit = from;
    char separator;
    int limit;
    while (unit && unit != l->interval.to_unit) unit = next_field(unit, &separator, &limit);
    if (!unit || unit == from) {
        return weir_fail_pos(p, &to_pos,
                             "there is no interval from %s to %s; ranges are YEAR TO MONTH and "
                             "from DAY, HOUR or MINUTE to a shorter unit down to SECOND",
                             weir_ast_unit_name(from), weir_ast_unit_name(l->interval.to_unit));
    }
    if (l->interval.to_unit != WEIR_AST_UNIT_SECOND || !weir_accept(p, WEIR_TK_LPAREN)) return true;
    return weir_parse_uint(p, &l->interval.fraction, "the number of digits of the fraction") &&
           weir_expect(p, WEIR_TK_RPAREN, NULL);
}

static struct weir_ast_expr *parse_interval(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_expr *e = new_literal(p, WEIR_AST_LIT_INTERVAL, start);
    if (!e || !weir_advance(p)) return NULL;
    struct weir_ast_literal *l = e->literal;
    bool negative = weir_accept(p, WEIR_TK_MINUS);
    if (!negative) weir_accept(p, WEIR_TK_PLUS);
    struct weir_pos value = weir_tok(p)->pos;
    if (!weir_at(p, WEIR_TK_STRING)) {
        weir_unexpected(p, "the amount in quotes, as in INTERVAL '10' SECOND,");
        return NULL;
    }
    if (!weir_parse_string_value(p, &l->bytes, &l->len) || !parse_qualifier(p, l)) return NULL;
    if (!interval_value(l->bytes, l->interval.from_unit, l->interval.to_unit, &l->interval.value)) {
        weir_fail_pos(p, &value, "'%.40s' is not an interval in %s%s%s; write it like %s", l->bytes,
                      weir_ast_unit_name(l->interval.from_unit), l->interval.to_unit ? " TO " : "",
                      weir_ast_unit_name(l->interval.to_unit),
                      interval_form(l->interval.from_unit, l->interval.to_unit));
        return NULL;
    }
    if (negative) l->interval.value = -l->interval.value;
    e->pos = weir_span(p, start);
    return e;
}

/* ---- all of them ---- */

/* How many words stand before the quotes of DATE '...', TIMESTAMP WITH LOCAL TIME ZONE '...'; 0: it
   is no such literal. */
static size_t time_words(const struct weir_parser *p)
{
    static const uint16_t zone[] = {WEIR_KW_WITH, WEIR_KW_LOCAL, WEIR_KW_TIME, WEIR_KW_ZONE};
    uint16_t kw = weir_tok(p)->keyword;
    if (kw != WEIR_KW_DATE && kw != WEIR_KW_TIME && kw != WEIR_KW_TIMESTAMP &&
        kw != WEIR_KW_TIMESTAMP_LTZ) {
        return 0;
    }
    if (weir_tok_ahead(p, 1)->kind == WEIR_TK_STRING) return 1;
    if (kw != WEIR_KW_TIMESTAMP) return 0;
    for (size_t i = 0; i < 4; i++) {
        if (weir_tok_ahead(p, 1 + i)->keyword != zone[i]) return 0;
    }
    return weir_tok_ahead(p, 5)->kind == WEIR_TK_STRING ? 5 : 0;
}

bool weir_at_literal(const struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    switch (t->kind) {
    case WEIR_TK_STRING:
    case WEIR_TK_USTRING:
    case WEIR_TK_BINARY:
    case WEIR_TK_INT:
    case WEIR_TK_DECIMAL:
    case WEIR_TK_DOUBLE: return true;
    case WEIR_TK_WORD: break;
    default: return false;
    }
    switch (t->keyword) {
    case WEIR_KW_NULL:
    case WEIR_KW_TRUE:
    case WEIR_KW_FALSE:
    case WEIR_KW_UNKNOWN: return true;
    case WEIR_KW_INTERVAL: {
        uint8_t next = weir_tok_ahead(p, 1)->kind;
        return next == WEIR_TK_STRING || next == WEIR_TK_INT || next == WEIR_TK_DECIMAL ||
               ((next == WEIR_TK_MINUS || next == WEIR_TK_PLUS) &&
                weir_tok_ahead(p, 2)->kind == WEIR_TK_STRING);
    }
    default: return time_words(p) > 0;
    }
}

static struct weir_ast_expr *parse_word(struct weir_parser *p)
{
    struct weir_token t = *weir_tok(p);
    if (t.keyword == WEIR_KW_INTERVAL) return parse_interval(p);
    size_t words = time_words(p);
    if (words) {
        for (size_t i = 0; i < words; i++) {
            if (!weir_advance(p)) return NULL;
        }
        enum weir_ast_literal_kind kind = t.keyword == WEIR_KW_DATE   ? WEIR_AST_LIT_DATE
                                          : t.keyword == WEIR_KW_TIME ? WEIR_AST_LIT_TIME
                                          : t.keyword == WEIR_KW_TIMESTAMP && words == 1
                                              ? WEIR_AST_LIT_TIMESTAMP
                                              : WEIR_AST_LIT_TIMESTAMP_LTZ;
        return parse_text(p, kind, t.pos);
    }
    bool null = t.keyword == WEIR_KW_NULL || t.keyword == WEIR_KW_UNKNOWN;
    struct weir_ast_expr *e = new_literal(p, null ? WEIR_AST_LIT_NULL : WEIR_AST_LIT_BOOL, t.pos);
    if (!e || !weir_advance(p)) return NULL;
    e->literal->bool_value = t.keyword == WEIR_KW_TRUE;
    return e;
}

struct weir_ast_expr *weir_parse_literal(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    switch (weir_tok(p)->kind) {
    case WEIR_TK_STRING:
    case WEIR_TK_USTRING: return parse_text(p, WEIR_AST_LIT_STRING, start);
    case WEIR_TK_BINARY: return parse_binary(p);
    case WEIR_TK_WORD: return parse_word(p);
    default: return weir_parse_number(p, false);
    }
}
