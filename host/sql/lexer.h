#ifndef WEIR_SQL_LEXER_H
#define WEIR_SQL_LEXER_H

#include "host/sql/keywords.h"
#include "runtime/base/error.h"
#include "runtime/plan/expr.h"

enum weir_token_kind {
    WEIR_TK_EOF,
    WEIR_TK_ERROR,   /* what is wrong stands in the lexer's `error`; nothing comes after it */
    WEIR_TK_WORD,    /* identifier or keyword */
    WEIR_TK_QUOTED,  /* `identifier` */
    WEIR_TK_STRING,  /* '...', _charset'...', N'...' */
    WEIR_TK_USTRING, /* U&'...' */
    WEIR_TK_BINARY,  /* X'...' */
    WEIR_TK_INT,     /* digits */
    WEIR_TK_DECIMAL, /* digits with a point */
    WEIR_TK_DOUBLE,  /* with an exponent */
    WEIR_TK_LPAREN,
    WEIR_TK_RPAREN,
    WEIR_TK_LBRACKET,
    WEIR_TK_RBRACKET,
    WEIR_TK_LBRACE,
    WEIR_TK_RBRACE,
    WEIR_TK_COMMA,
    WEIR_TK_DOT,
    WEIR_TK_SEMICOLON,
    WEIR_TK_EQ,
    WEIR_TK_NE, /* <> and != */
    WEIR_TK_LT,
    WEIR_TK_LE,
    WEIR_TK_GT,
    WEIR_TK_GE,
    WEIR_TK_PLUS,
    WEIR_TK_MINUS,
    WEIR_TK_STAR,
    WEIR_TK_SLASH,
    WEIR_TK_PERCENT,
    WEIR_TK_CONCAT,   /* || */
    WEIR_TK_ARROW,    /* => */
    WEIR_TK_PIPE,     /* | of a pattern */
    WEIR_TK_QUESTION, /* ? of a pattern */
    WEIR_TK_CARET,    /* ^ of a pattern */
    WEIR_TK_HINT,     /* the opening of a hint comment */
    WEIR_TK_HINT_END
};

struct weir_token {
    struct weir_pos pos;
    uint16_t keyword; /* enum weir_sql_keyword, of a WORD */
    uint8_t kind;     /* enum weir_token_kind */
};

/* Reads tokens from left to right; skips white space and comments. No memory of its own. */
struct weir_lexer {
    const char *sql;
    uint32_t len;
    uint32_t at;         /* next byte */
    uint32_t line;       /* of `at`, from 1 */
    uint32_t line_start; /* first byte of that line */
    uint32_t line_extra; /* bytes since line_start that do not begin a character */
    bool in_hint;
    char error[200]; /* of a WEIR_TK_ERROR */
};

void weir_lexer_init(struct weir_lexer *lx, const char *sql, uint32_t len);
void weir_lexer_next(struct weir_lexer *lx, struct weir_token *out);

bool weir_sql_is_word_start(unsigned char c); /* may begin an identifier */
bool weir_sql_is_word_char(unsigned char c);

#endif
