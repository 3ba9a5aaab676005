/* The parser's core: the token window, errors, lists, the depth limit, and the entry points.

   Hand-written recursive descent over the tokens of one statement at a time; expressions are parsed
   by binding power (Pratt). Nothing is ever parsed twice: where a '(' may open a query or an
   expression, the decision is taken when the difference shows (weir_parse_query_or_expr).

   Two limits keep every tree shallow. `depth` counts nested calls and stops the parser itself;
   `height` follows the tree: entering a scope sets it to 0, leaving makes it one more than the
   highest node inside and hands the maximum to the scope around. Left-deep chains (a + b + c) raise
   it in their loop. */
#include "host/sql/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/sql/parse_impl.h"

/* ---- errors ---- */

int weir_sql_fail(struct weir_error *err, int code, const char *file_name,
                  const struct weir_pos *pos, const char *fmt, ...)
{
    char message[sizeof err->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return weir_fail(err, code, "%s:%u:%u: %s", file_name ? file_name : "<sql>", pos->line,
                     pos->column, message);
}

bool weir_fail_pos(struct weir_parser *p, const struct weir_pos *pos, const char *fmt, ...)
{
    if (p->status) return false;
    char message[sizeof p->err->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    p->status = weir_sql_fail(p->err, WEIR_ERR_PARSE, p->file_name, pos, "%s", message);
    return false;
}

bool weir_parse_nomem(struct weir_parser *p)
{
    if (!p->status) p->status = weir_fail_nomem(p->err, 0, "parsing SQL");
    return false;
}

/* A token for a message: its text in quotes (keywords in capitals, bare), shortened. */
static const char *describe(const struct weir_parser *p, const struct weir_token *t, char *out,
                            size_t cap)
{
    int n = (int)(t->pos.end - t->pos.start);
    const char *text = p->lexer.sql + t->pos.start;
    if (t->kind == WEIR_TK_EOF) return "end of text";
    if (t->kind == WEIR_TK_SEMICOLON) return "';' (the end of the statement)";
    if (t->kind == WEIR_TK_WORD && weir_sql_keyword_flag(t->keyword) == 'R') {
        return weir_sql_keyword_name(t->keyword);
    }
    bool bare = t->kind == WEIR_TK_STRING || t->kind == WEIR_TK_QUOTED;
    if (n > 40) {
        for (n = 37; ((unsigned char)text[n] & 0xc0) == 0x80;) n--;
        snprintf(out, cap, bare ? "%.*s..." : "'%.*s...'", n, text);
    } else {
        snprintf(out, cap, bare ? "%.*s" : "'%.*s'", n, text);
    }
    return out;
}

/* Words that a misspelt one at the place of an unexpected token may have been meant to be. */
static const char *const clause_words[] = {
    "SELECT", "FROM",      "WHERE",   "GROUP",  "HAVING",    "ORDER",   "LIMIT",    "OFFSET",
    "JOIN",   "INNER",     "LEFT",    "RIGHT",  "FULL",      "CROSS",   "UNION",    "INTERSECT",
    "EXCEPT", "VALUES",    "BETWEEN", "LIKE",   "DISTINCT",  "INTO",    "INSERT",   "WITH",
    "TABLE",  "WATERMARK", "PRIMARY", "WINDOW", "PARTITION", "LATERAL", "INTERVAL", "QUALIFY",
    "BEGIN",  "STATEMENT", "UNNEST",  "USING",  "THEN",      "WHEN",    "ELSE",     "END",
};

static const char *suggest_clause(const struct weir_parser *p, const struct weir_token *t)
{
    char word[32];
    size_t n = t->pos.end - t->pos.start;
    if (t->kind != WEIR_TK_WORD || t->keyword || n < 4 || n >= sizeof word) return NULL;
    memcpy(word, p->lexer.sql + t->pos.start, n);
    word[n] = 0;
    return weir_sql_nearest(word, clause_words, sizeof clause_words / sizeof *clause_words);
}

bool weir_unexpected(struct weir_parser *p, const char *expected)
{
    const struct weir_token *t = weir_tok(p);
    if (p->status) return false;
    if (t->kind == WEIR_TK_ERROR) return weir_fail_pos(p, &t->pos, "%s", p->lexer.error);
    char a[64], b[64], hint[80] = "";
    const char *what = describe(p, t, a, sizeof a);
    const struct weir_token *wrong = t;
    const char *word = suggest_clause(p, t);
    if (!word) word = suggest_clause(p, wrong = &p->prev);
    if (word) {
        snprintf(hint, sizeof hint, "; did you mean %s instead of '%.*s'?", word,
                 (int)(wrong->pos.end - wrong->pos.start), p->lexer.sql + wrong->pos.start);
    } else if (t->kind == WEIR_TK_WORD && weir_sql_keyword_flag(t->keyword) == 'R' &&
               strstr(expected, "name")) {
        snprintf(hint, sizeof hint, "; the reserved word %s is a name only in backticks",
                 weir_sql_keyword_name(t->keyword));
    }
    if (p->prev.kind == WEIR_TK_EOF || p->prev.kind == WEIR_TK_SEMICOLON) {
        return weir_fail_pos(p, &t->pos, "unexpected %s; %s is expected%s", what, expected, hint);
    }
    return weir_fail_pos(p, &t->pos, "unexpected %s after %s; %s is expected%s", what,
                         describe(p, &p->prev, b, sizeof b), expected, hint);
}

/* ---- the token window ---- */

/* Read the tokens of the next statement. */
static bool fill(struct weir_parser *p)
{
    p->n_tokens = p->at = 0;
    struct weir_token t;
    do {
        if (p->n_tokens == p->cap_tokens) {
            size_t cap = p->cap_tokens ? p->cap_tokens * 2 : 64;
            struct weir_token *tokens = weir_realloc(p->tokens, cap * sizeof *tokens);
            if (!tokens) return false;
            p->tokens = tokens;
            p->cap_tokens = cap;
        }
        weir_lexer_next(&p->lexer, &t);
        p->tokens[p->n_tokens++] = t;
    } while (t.kind != WEIR_TK_EOF && t.kind != WEIR_TK_ERROR && t.kind != WEIR_TK_SEMICOLON);
    return true;
}

bool weir_advance(struct weir_parser *p)
{
    const struct weir_token *t = weir_tok(p);
    if (t->kind == WEIR_TK_EOF || t->kind == WEIR_TK_ERROR) return true;
    p->prev = *t;
    if (++p->at < p->n_tokens || fill(p)) return true;
    /* The window always holds a token: an ERROR that nothing accepts. (The first fill allocated
     * it.) */
    p->tokens[0] = (struct weir_token){.kind = WEIR_TK_ERROR, .pos = p->prev.pos};
    p->n_tokens = 1;
    p->at = 0;
    return weir_parse_nomem(p);
}

bool weir_accept(struct weir_parser *p, enum weir_token_kind kind)
{
    return weir_at(p, kind) && weir_advance(p);
}

bool weir_accept_kw(struct weir_parser *p, enum weir_sql_keyword kw)
{
    return weir_at_kw(p, kw) && weir_advance(p);
}

bool weir_accept_kw2(struct weir_parser *p, enum weir_sql_keyword a, enum weir_sql_keyword b)
{
    if (!weir_at_kw(p, a) || weir_tok_ahead(p, 1)->keyword != b) return false;
    return weir_advance(p) && weir_advance(p);
}

static const char *const kind_text[] = {
    [WEIR_TK_LPAREN] = "'('",    [WEIR_TK_RPAREN] = "')'", [WEIR_TK_LBRACKET] = "'['",
    [WEIR_TK_RBRACKET] = "']'",  [WEIR_TK_LT] = "'<'",     [WEIR_TK_GT] = "'>'",
    [WEIR_TK_COMMA] = "','",     [WEIR_TK_EQ] = "'='",     [WEIR_TK_RBRACE] = "'}'",
    [WEIR_TK_HINT_END] = "'*/'",
};

bool weir_expect(struct weir_parser *p, enum weir_token_kind kind, const char *what)
{
    if (!weir_at(p, kind)) return weir_unexpected(p, what ? what : kind_text[kind]);
    return weir_advance(p);
}

bool weir_expect_kw(struct weir_parser *p, enum weir_sql_keyword kw)
{
    if (!weir_at_kw(p, kw)) return weir_unexpected(p, weir_sql_keyword_name(kw));
    return weir_advance(p);
}

/* ---- memory ---- */

void *weir_node(struct weir_parser *p, size_t size)
{
    void *n = weir_arena_alloc(p->arena, size);
    if (!n) weir_parse_nomem(p);
    return n;
}

char *weir_text(struct weir_parser *p, uint32_t start, uint32_t end)
{
    char *s = weir_arena_strndup(p->arena, p->lexer.sql + start, end - start);
    if (!s) weir_parse_nomem(p);
    return s;
}

struct weir_list weir_list_begin(struct weir_parser *p, size_t item_size)
{
    return (struct weir_list){p->scratch.len, 0, item_size};
}

bool weir_list_push(struct weir_parser *p, struct weir_list *l, const void *item)
{
    weir_buf_add(&p->scratch, item, l->size);
    l->n++;
    return p->scratch.oom ? weir_parse_nomem(p) : true;
}

bool weir_list_end(struct weir_parser *p, struct weir_list *l, void *items_out, size_t *n_out)
{
    void *items = NULL;
    if (l->n) {
        items = weir_node(p, l->n * l->size);
        if (!items) return false;
        memcpy(items, p->scratch.data + l->base, l->n * l->size);
        p->scratch.len = l->base;
    }
    memcpy(items_out, &items, sizeof items);
    *n_out = l->n;
    return true;
}

/* ---- depth ---- */

static bool too_deep(struct weir_parser *p)
{
    return weir_fail_pos(p, &weir_tok(p)->pos,
                         "the statement is nested more than %d levels deep here; break it up with "
                         "views, or long chains of operators with parentheses",
                         WEIR_SQL_MAX_DEPTH);
}

bool weir_enter(struct weir_parser *p, struct weir_scope *s)
{
    s->height = p->height;
    p->height = 0;
    return ++p->depth <= WEIR_SQL_MAX_DEPTH ? true : too_deep(p);
}

bool weir_grow(struct weir_parser *p)
{
    return ++p->height <= WEIR_SQL_MAX_DEPTH ? true : too_deep(p);
}

bool weir_leave(struct weir_parser *p, const struct weir_scope *s)
{
    p->depth--;
    if (!weir_grow(p)) return false;
    if (p->height < s->height) p->height = s->height;
    return true;
}

/* ---- entry points ---- */

static int begin(struct weir_parser *p, const char *sql, size_t len, const char *file_name,
                 struct weir_arena *arena, struct weir_error *err)
{
    memset(p, 0, sizeof *p);
    p->file_name = file_name;
    p->arena = arena;
    p->err = err;
    if (len > INT32_MAX) {
        return weir_fail(err, WEIR_ERR_PARSE, "%s: the script is larger than 2 GiB",
                         file_name ? file_name : "<sql>");
    }
    weir_lexer_init(&p->lexer, sql, (uint32_t)len);
    if (!fill(p)) weir_parse_nomem(p);
    return p->status;
}

static int finish(struct weir_parser *p)
{
    weir_free(p->tokens);
    weir_buf_release(&p->scratch);
    return p->status;
}

/* Fail unless the text ends here. */
static bool expect_end(struct weir_parser *p)
{
    return weir_at(p, WEIR_TK_EOF) ? true : weir_unexpected(p, "the end of the text");
}

static bool parse_script(struct weir_parser *p, struct weir_ast_script *out)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_stmt *));
    for (;;) {
        while (weir_accept(p, WEIR_TK_SEMICOLON)) continue;
        if (weir_at(p, WEIR_TK_EOF)) break;
        struct weir_ast_stmt *s = weir_parse_stmt(p);
        if (!s || !weir_list_push(p, &l, &s)) return false;
        if (!weir_at(p, WEIR_TK_EOF) &&
            !weir_expect(p, WEIR_TK_SEMICOLON, "the end of the statement (';')")) {
            return false;
        }
    }
    return !p->status && weir_list_end(p, &l, &out->stmts, &out->n);
}

int weir_sql_parse(const char *sql, size_t len, const char *file_name, struct weir_arena *arena,
                   struct weir_ast_script *out, struct weir_error *err)
{
    struct weir_parser p;
    memset(out, 0, sizeof *out);
    if (!begin(&p, sql, len, file_name, arena, err) && parse_script(&p, out)) {
        out->file_name = file_name;
        out->sql = sql;
        out->len = len;
    }
    int status = finish(&p);
    if (status) memset(out, 0, sizeof *out);
    return status;
}

int weir_sql_parse_expr(const char *sql, size_t len, const char *file_name,
                        struct weir_arena *arena, struct weir_ast_expr **out,
                        struct weir_error *err)
{
    struct weir_parser p;
    *out = NULL;
    struct weir_ast_expr *e = NULL;
    if (!begin(&p, sql, len, file_name, arena, err)) e = weir_parse_expr(&p);
    if (e && expect_end(&p)) *out = e;
    return finish(&p);
}

int weir_sql_parse_type(const char *sql, size_t len, const char *file_name,
                        struct weir_arena *arena, struct weir_ast_type **out,
                        struct weir_error *err)
{
    struct weir_parser p;
    *out = NULL;
    struct weir_ast_type *t = NULL;
    if (!begin(&p, sql, len, file_name, arena, err)) t = weir_parse_type_node(&p);
    if (t && expect_end(&p)) *out = t;
    return finish(&p);
}

/* ---- suggestions ---- */

static int fold(char c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* Edits (insert, delete, replace, swap neighbours) that turn A into B; both shorter than 64. */
static unsigned edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned row[3][64];
    for (size_t j = 0; j <= m; j++) row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = up[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            if (up[j] + 1 < best) best = up[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]) && up2[j - 2] + 1 < best) {
                best = up2[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *weir_sql_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(word);
    if (len >= 64) return NULL;
    unsigned limit = len <= 5 ? 1 : len <= 9 ? 2 : 3;
    for (size_t i = 0; i < n; i++) {
        size_t m = strlen(candidates[i]);
        if (m >= 64 || m > len + limit || len > m + limit) continue;
        unsigned d = edit_distance(word, len, candidates[i], m);
        if (d > limit || d >= m) continue;
        best = candidates[i];
        if (!d) break;
        limit = d - 1; /* only a nearer one replaces it */
    }
    return best;
}
