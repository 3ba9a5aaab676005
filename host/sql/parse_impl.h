#ifndef WEIR_SQL_PARSE_IMPL_H
#define WEIR_SQL_PARSE_IMPL_H

#include "host/sql/lexer.h"
#include "host/sql/parse.h"

/* What the files parse*.c share. Functions that return a node return NULL on failure, those that
   return bool return false; the reason stands in p->status and p->err then. */

/* The tokens of one statement (up to and with its ';') are read ahead into `tokens`, so looking
   ahead costs nothing; the array is reused for the next statement. */
struct weir_parser {
    const char *file_name;
    struct weir_arena *arena;
    struct weir_error *err;
    int status; /* 0, or the error that stands in err */
    struct weir_lexer lexer;
    struct weir_token *tokens;
    size_t n_tokens, cap_tokens, at;
    struct weir_token prev;  /* the last token consumed; kind EOF at the start of a statement */
    struct weir_buf scratch; /* a stack of lists that are being built */
    unsigned depth;          /* nested calls now */
    unsigned height;         /* of the highest node completed in the innermost open scope */
};

/* ---- tokens (parse.c) ---- */

static inline const struct weir_token *weir_tok(const struct weir_parser *p)
{
    return &p->tokens[p->at];
}
/* The K-th token from here; the statement's last one when there are not so many. */
static inline const struct weir_token *weir_tok_ahead(const struct weir_parser *p, size_t k)
{
    return &p->tokens[k < p->n_tokens - p->at ? p->at + k : p->n_tokens - 1];
}
static inline bool weir_at_kw(const struct weir_parser *p, enum weir_sql_keyword kw)
{
    return weir_tok(p)->keyword == kw;
}
static inline bool weir_at(const struct weir_parser *p, enum weir_token_kind kind)
{
    return weir_tok(p)->kind == kind;
}

/* Step to the next token; false when memory runs out. At EOF and ERROR it stays. */
bool weir_advance(struct weir_parser *p);
/* Consume it if it is there. Out of memory shows at the next token (an ERROR). */
bool weir_accept(struct weir_parser *p, enum weir_token_kind kind);
bool weir_accept_kw(struct weir_parser *p, enum weir_sql_keyword kw);
bool weir_accept_kw2(struct weir_parser *p, enum weir_sql_keyword a, enum weir_sql_keyword b);
/* Consume it or fail; WHAT says what is missing, NULL: the token itself. */
bool weir_expect(struct weir_parser *p, enum weir_token_kind kind, const char *what);
bool weir_expect_kw(struct weir_parser *p, enum weir_sql_keyword kw);

/* ---- errors ---- */

/* "unexpected X after Y; EXPECTED is expected" with a suggestion where one is near. */
bool weir_unexpected(struct weir_parser *p, const char *expected);
bool weir_fail_pos(struct weir_parser *p, const struct weir_pos *pos, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
bool weir_parse_nomem(struct weir_parser *p);

/* ---- memory ---- */

void *weir_node(struct weir_parser *p, size_t size); /* zeroed, in the arena */
/* Text of a token's bytes [start, end) in the arena. */
char *weir_text(struct weir_parser *p, uint32_t start, uint32_t end);

/* A list under construction. Push complete items only: parsing the next item may push lists of its
   own in between. weir_list_end moves it to the arena: *n items; NULL with n > 0 is a failure. */
struct weir_list {
    size_t base, n, size;
};
struct weir_list weir_list_begin(struct weir_parser *p, size_t item_size);
bool weir_list_push(struct weir_parser *p, struct weir_list *l, const void *item);
bool weir_list_end(struct weir_parser *p, struct weir_list *l, void *items_out, size_t *n_out);

/* ---- depth ---- */

/* Around everything that recurses. weir_leave also makes the node one level higher than what was
   parsed inside. Between them, a loop that puts a node on top of the last one calls weir_grow. */
struct weir_scope {
    unsigned height;
};
bool weir_enter(struct weir_parser *p, struct weir_scope *s);
bool weir_grow(struct weir_parser *p);
bool weir_leave(struct weir_parser *p, const struct weir_scope *s);

/* ---- positions ---- */

/* The position from START to the last token consumed. */
static inline struct weir_pos weir_span(const struct weir_parser *p, struct weir_pos start)
{
    start.end = p->prev.pos.end > start.start ? p->prev.pos.end : start.start;
    return start;
}

/* ---- names and words (parse_name.c) ---- */

bool weir_is_ident(const struct weir_token *t); /* may stand as an identifier */
bool weir_parse_ident(struct weir_parser *p, struct weir_ast_ident *out, const char *what);
/* The word that stands here as a name, reserved or not. */
bool weir_parse_word(struct weir_parser *p, struct weir_ast_ident *out);
bool weir_parse_name(struct weir_parser *p, struct weir_ast_name *out, const char *what);
bool weir_parse_ident_list(struct weir_parser *p, struct weir_ast_idents *out, const char *what);
/* '(' identifiers ')' */
bool weir_parse_columns(struct weir_parser *p, struct weir_ast_idents *out, const char *what);
/* A string literal as C text (no NUL inside). */
const char *weir_parse_string(struct weir_parser *p, const char *what);
/* '(' 'k' = 'v', ... ')' */
bool weir_parse_options(struct weir_parser *p, struct weir_ast_options *out);
bool weir_parse_hints(struct weir_parser *p, struct weir_ast_hints *out); /* if any */
bool weir_parse_unit(struct weir_parser *p, enum weir_ast_unit *out);
enum weir_ast_unit weir_unit_of(const struct weir_token *t); /* NONE if it is none */
bool weir_parse_uint(struct weir_parser *p, int32_t *out, const char *what);

/* ---- literals (parse_literal.c) ---- */

/* The value of a string token (STRING, USTRING with UESCAPE behind it); consumes it. */
bool weir_parse_string_value(struct weir_parser *p, const char **bytes, size_t *len);
bool weir_at_literal(const struct weir_parser *p);
struct weir_ast_expr *weir_parse_literal(struct weir_parser *p);
struct weir_ast_expr *weir_parse_number(struct weir_parser *p, bool negative);

/* ---- the rest of the grammar ---- */

struct weir_ast_type *weir_parse_type_node(struct weir_parser *p);

/* Binding powers: an operator binds tighter the higher it is. */
enum {
    WEIR_BP_OR = 10,
    WEIR_BP_AND = 20,
    WEIR_BP_NOT = 26,
    WEIR_BP_IS = 28,
    WEIR_BP_COMPARE = 30,
    WEIR_BP_RANGE = 32, /* IN, BETWEEN, LIKE, SIMILAR TO */
    WEIR_BP_ADD = 40,
    WEIR_BP_MUL = 60, /* and || */
    WEIR_BP_SIGN = 80,
    WEIR_BP_POSTFIX = 100
};
struct weir_ast_expr *weir_parse_expr(struct weir_parser *p);
struct weir_ast_expr *weir_parse_expr_bp(struct weir_parser *p, int min);
bool weir_parse_exprs(struct weir_parser *p, struct weir_ast_exprs *out); /* one or more */
struct weir_ast_expr *weir_new_expr(struct weir_parser *p, enum weir_ast_expr_kind kind,
                                    struct weir_pos start);
/* Behind a '(': a query or an expression, whichever it is; exactly one of *Q and *E is set. */
bool weir_parse_query_or_expr(struct weir_parser *p, struct weir_ast_query **q,
                              struct weir_ast_expr **e);
struct weir_ast_expr *weir_parse_primary(struct weir_parser *p); /* parse_primary.c */
/* The call NAME ( ...: at the '('. START is where the name began. parse_call.c */
struct weir_ast_expr *weir_parse_call(struct weir_parser *p, const struct weir_ast_name *name,
                                      struct weir_pos start);
/* A function with a syntax of its own, or NULL without an error when there is none here. */
struct weir_ast_expr *weir_parse_special_call(struct weir_parser *p);
bool weir_parse_call_tail(struct weir_parser *p, struct weir_ast_call *call);
struct weir_ast_window *weir_parse_window(struct weir_parser *p); /* at the '(' or a name */
bool weir_parse_order_by(struct weir_parser *p, struct weir_ast_orders *out);    /* behind ORDER */
bool weir_parse_partition_by(struct weir_parser *p, struct weir_ast_exprs *out); /* if there */

bool weir_starts_query(const struct weir_token *t); /* SELECT, WITH, VALUES, TABLE */
/* Is the token after the '('s that stand here the start of a query? */
bool weir_paren_starts_query(const struct weir_parser *p);
struct weir_ast_query *weir_parse_query(struct weir_parser *p);
/* The rest of a query whose first operand, FIRST, in parentheses, is parsed. */
struct weir_ast_query *weir_parse_query_from(struct weir_parser *p, struct weir_ast_query *first,
                                             struct weir_pos start);
bool weir_continues_query(const struct weir_parser *p); /* UNION, ORDER BY, LIMIT, ... stand here */
struct weir_ast_table_ref *weir_parse_from(struct weir_parser *p);
bool weir_parse_alias(struct weir_parser *p, struct weir_ast_table_ref *t);
struct weir_ast_match *weir_parse_match(struct weir_parser *p, struct weir_ast_table_ref *input);

struct weir_ast_stmt *weir_parse_stmt(struct weir_parser *p);
struct weir_ast_stmt *weir_parse_create(struct weir_parser *p); /* at CREATE */
struct weir_ast_stmt *weir_new_stmt(struct weir_parser *p, enum weir_ast_stmt_kind kind);

#endif
