/* The lexer: bytes to tokens, one at a time. A token is only its kind and its place; values
   (escapes, numbers) are decoded by the parser where they are used. Lines and columns are counted
   while scanning: `line_extra` holds the UTF-8 continuation bytes of the current line, so that a
   column is a count of characters without looking at a line twice. */
#include "host/sql/lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORD_START = 1, WORD = 2, DIGIT = 4, SPACE = 8, HEX = 16 };

static unsigned class_of(unsigned char c)
{
    if (c >= '0' && c <= '9') return DIGIT | WORD | HEX;
    if ((c | 32) >= 'a' && (c | 32) <= 'z') {
        return WORD_START | WORD | ((c | 32) <= 'f' ? (unsigned)HEX : 0u);
    }
    if (c == '_' || c == '$' || c >= 0x80) return WORD_START | WORD;
    if (c == ' ' || (c >= '\t' && c <= '\r')) return SPACE;
    return 0;
}

bool weir_sql_is_word_start(unsigned char c)
{
    return class_of(c) & WORD_START;
}

bool weir_sql_is_word_char(unsigned char c)
{
    return class_of(c) & WORD;
}

void weir_lexer_init(struct weir_lexer *lx, const char *sql, uint32_t len)
{
    memset(lx, 0, sizeof *lx);
    lx->sql = sql;
    lx->len = len;
    lx->line = 1;
    if (len >= 3 && !memcmp(sql, "\xef\xbb\xbf", 3))
        lx->at = lx->line_start = 3; /* byte order mark */
}

static unsigned char peek(const struct weir_lexer *lx, uint32_t ahead)
{
    return ahead < lx->len - lx->at ? (unsigned char)lx->sql[lx->at + ahead] : 0;
}

static struct weir_pos here(const struct weir_lexer *lx)
{
    uint32_t column = lx->at - lx->line_start - lx->line_extra + 1;
    return (struct weir_pos){lx->line, column, lx->at, lx->at};
}

static uint8_t fail(struct weir_lexer *lx, const char *fmt, ...) WEIR_PRINTF(2, 3);
static uint8_t fail(struct weir_lexer *lx, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(lx->error, sizeof lx->error, fmt, ap);
    va_end(ap);
    return WEIR_TK_ERROR;
}

/* The length of the character at P (N > 0 bytes are there), 0 if it is not UTF-8. */
static uint32_t utf8_length(const unsigned char *p, uint32_t n)
{
    if (p[0] < 0x80) return 1;
    uint32_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len) return 0;
    for (uint32_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogate */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* beyond U+10FFFF */
    return len;
}

/* Step over one character, counting lines and columns. False at a byte that is not text. */
static bool step(struct weir_lexer *lx)
{
    const unsigned char *p = (const unsigned char *)lx->sql + lx->at;
    if (*p == '\n') {
        lx->at++;
        lx->line++;
        lx->line_start = lx->at;
        lx->line_extra = 0;
        return true;
    }
    uint32_t n = *p ? utf8_length(p, lx->len - lx->at) : 0;
    lx->at += n;
    lx->line_extra += n - (n > 0);
    return n > 0;
}

static uint8_t fail_byte(struct weir_lexer *lx, struct weir_token *t)
{
    unsigned char c = peek(lx, 0);
    t->pos = here(lx);
    if (!c) return fail(lx, "a NUL byte in the text; is this an SQL file?");
    return fail(lx, "byte 0x%02x is not valid UTF-8; save the file as UTF-8", c);
}

/* Skip blanks and comments. True, or false with an ERROR token in T. */
static bool skip_blanks(struct weir_lexer *lx, struct weir_token *t)
{
    while (lx->at < lx->len) {
        unsigned char c = peek(lx, 0), d = peek(lx, 1);
        if (class_of(c) & SPACE) {
            step(lx);
        } else if ((c == '-' && d == '-') || (c == '/' && d == '/')) {
            while (lx->at < lx->len && lx->sql[lx->at] != '\n') {
                if (!step(lx)) goto bad_byte;
            }
        } else if (c == '/' && d == '*' && peek(lx, 2) != '+') {
            t->pos = here(lx);
            lx->at += 2;
            while (lx->at < lx->len && !(peek(lx, 0) == '*' && peek(lx, 1) == '/')) {
                if (!step(lx)) goto bad_byte;
            }
            if (lx->at >= lx->len) {
                t->pos.end = t->pos.start + 2;
                t->kind = fail(lx, "this comment is not closed; '*/' is missing");
                return false;
            }
            lx->at += 2;
        } else {
            break;
        }
    }
    return true;
bad_byte:
    t->kind = fail_byte(lx, t);
    return false;
}

/* The rest of a quoted token; `at` is at the opening QUOTE, which is doubled inside. */
static uint8_t quoted(struct weir_lexer *lx, struct weir_token *t, char quote, uint8_t kind)
{
    lx->at++;
    for (;;) {
        if (lx->at >= lx->len) {
            t->pos.end = t->pos.start + 1;
            return kind == WEIR_TK_QUOTED ? fail(lx, "this name is not closed; a ` is missing")
                                          : fail(lx, "this string is not closed; a ' is missing");
        }
        if (lx->sql[lx->at] == quote) {
            if (peek(lx, 1) != (unsigned char)quote) break;
            lx->at++;
        }
        if (!step(lx)) return fail_byte(lx, t);
    }
    lx->at++;
    return kind;
}

static uint8_t number(struct weir_lexer *lx, struct weir_token *t)
{
    uint8_t kind = WEIR_TK_INT;
    while (class_of(peek(lx, 0)) & DIGIT) lx->at++;
    if (peek(lx, 0) == '.') {
        kind = WEIR_TK_DECIMAL;
        lx->at++;
        while (class_of(peek(lx, 0)) & DIGIT) lx->at++;
    }
    if ((peek(lx, 0) | 32) == 'e') {
        uint32_t sign = peek(lx, 1) == '+' || peek(lx, 1) == '-';
        if (class_of(peek(lx, 1 + sign)) & DIGIT) {
            kind = WEIR_TK_DOUBLE;
            lx->at += 1 + sign;
            while (class_of(peek(lx, 0)) & DIGIT) lx->at++;
        }
    }
    if (!(class_of(peek(lx, 0)) & WORD)) return kind;
    while (lx->at < lx->len && class_of(peek(lx, 0)) & WORD) {
        if (!step(lx)) return fail_byte(lx, t);
    }
    return fail(lx, "'%.*s' is not a number; a name that begins with a digit needs backticks",
                (int)(lx->at - t->pos.start > 60 ? 60 : lx->at - t->pos.start),
                lx->sql + t->pos.start);
}

static uint8_t word(struct weir_lexer *lx, struct weir_token *t)
{
    unsigned char c = peek(lx, 0), d = peek(lx, 1);
    if (d == '\'' && (c | 32) == 'x') return lx->at++, quoted(lx, t, '\'', WEIR_TK_BINARY);
    if (d == '\'' && (c | 32) == 'n') return lx->at++, quoted(lx, t, '\'', WEIR_TK_STRING);
    if (d == '&' && (c | 32) == 'u' && peek(lx, 2) == '\'') {
        return lx->at += 2, quoted(lx, t, '\'', WEIR_TK_USTRING);
    }
    while (lx->at < lx->len && class_of(peek(lx, 0)) & WORD) {
        if (!step(lx)) return fail_byte(lx, t);
    }
    if (c == '_' && peek(lx, 0) == '\'') return quoted(lx, t, '\'', WEIR_TK_STRING);
    t->keyword = (uint16_t)weir_sql_keyword(lx->sql + t->pos.start, lx->at - t->pos.start);
    return WEIR_TK_WORD;
}

static const uint8_t single[128] = {
    ['('] = WEIR_TK_LPAREN,   [')'] = WEIR_TK_RPAREN,  ['['] = WEIR_TK_LBRACKET,
    [']'] = WEIR_TK_RBRACKET, ['{'] = WEIR_TK_LBRACE,  ['}'] = WEIR_TK_RBRACE,
    [','] = WEIR_TK_COMMA,    ['.'] = WEIR_TK_DOT,     [';'] = WEIR_TK_SEMICOLON,
    ['='] = WEIR_TK_EQ,       ['<'] = WEIR_TK_LT,      ['>'] = WEIR_TK_GT,
    ['+'] = WEIR_TK_PLUS,     ['-'] = WEIR_TK_MINUS,   ['*'] = WEIR_TK_STAR,
    ['/'] = WEIR_TK_SLASH,    ['%'] = WEIR_TK_PERCENT, ['|'] = WEIR_TK_PIPE,
    ['?'] = WEIR_TK_QUESTION, ['^'] = WEIR_TK_CARET,
};

static const struct {
    char text[3];
    uint8_t kind;
} doubles[] = {
    {"<>", WEIR_TK_NE}, {"!=", WEIR_TK_NE},     {"<=", WEIR_TK_LE},
    {">=", WEIR_TK_GE}, {"||", WEIR_TK_CONCAT}, {"=>", WEIR_TK_ARROW},
};

static uint8_t punctuation(struct weir_lexer *lx, struct weir_token *t)
{
    unsigned char c = peek(lx, 0), d = peek(lx, 1);
    if (c == '/' && d == '*') { /* '+' follows: other comments are skipped already */
        lx->in_hint = true;
        lx->at += 3;
        return WEIR_TK_HINT;
    }
    if (lx->in_hint && c == '*' && d == '/') {
        lx->in_hint = false;
        lx->at += 2;
        return WEIR_TK_HINT_END;
    }
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        if (c == (unsigned char)doubles[i].text[0] && d == (unsigned char)doubles[i].text[1]) {
            lx->at += 2;
            return doubles[i].kind;
        }
    }
    if (c < 128 && single[c]) return lx->at++, single[c];
    if (c < 0x20 || c >= 0x7f) return fail_byte(lx, t);
    t->pos.end = t->pos.start + 1;
    if (c == '"') {
        return fail(lx, "double quotes have no meaning in Flink SQL; write 'text' for a string, "
                        "`name` for a name");
    }
    if (c == ':') return fail(lx, "unexpected ':'; a cast is written CAST(value AS type)");
    return fail(lx, "unexpected character '%c'", c);
}

void weir_lexer_next(struct weir_lexer *lx, struct weir_token *t)
{
    memset(t, 0, sizeof *t);
    if (!skip_blanks(lx, t)) return;
    t->pos = here(lx);
    if (lx->at >= lx->len) {
        t->kind = WEIR_TK_EOF;
        return;
    }
    unsigned char c = peek(lx, 0);
    unsigned cls = class_of(c);
    if (cls & WORD_START)
        t->kind = word(lx, t);
    else if (cls & DIGIT || (c == '.' && class_of(peek(lx, 1)) & DIGIT))
        t->kind = number(lx, t);
    else if (c == '\'')
        t->kind = quoted(lx, t, '\'', WEIR_TK_STRING);
    else if (c == '`')
        t->kind = quoted(lx, t, '`', WEIR_TK_QUOTED);
    else
        t->kind = punctuation(lx, t);
    if (t->kind != WEIR_TK_ERROR) t->pos.end = lx->at;
}
