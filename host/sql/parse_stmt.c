/* Statements other than CREATE: INSERT, statement sets, EXPLAIN, SET, SHOW, DESCRIBE, DROP, USE. */
#include <string.h>
#include <strings.h>

#include "host/sql/parse_impl.h"

struct weir_ast_stmt *weir_new_stmt(struct weir_parser *p, enum weir_ast_stmt_kind kind)
{
    struct weir_ast_stmt *s = weir_node(p, sizeof *s);
    if (s) s->kind = kind;
    return s;
}

/* ---- INSERT ---- */

/* PARTITION (name [= literal], ...) */
static bool parse_partition(struct weir_parser *p, struct weir_ast_insert *ins)
{
    struct weir_list l = weir_list_begin(p, sizeof(struct weir_ast_alias));
    if (!weir_accept_kw(p, WEIR_KW_PARTITION)) return !p->status;
    if (!weir_expect(p, WEIR_TK_LPAREN, NULL)) return false;
    do {
        struct weir_ast_alias a = {0};
        if (!weir_parse_ident(p, &a.alias, "a partition column's name")) return false;
        if (weir_accept(p, WEIR_TK_EQ) && !(a.expr = weir_parse_expr(p))) return false;
        if (!weir_list_push(p, &l, &a)) return false;
    } while (weir_accept(p, WEIR_TK_COMMA));
    return weir_expect(p, WEIR_TK_RPAREN, "',' or ')'") &&
           weir_list_end(p, &l, &ins->partition, &ins->n_partition);
}

static bool parse_insert_body(struct weir_parser *p, struct weir_ast_insert *ins)
{
    ins->overwrite = weir_accept_kw(p, WEIR_KW_OVERWRITE);
    if (!ins->overwrite && !weir_accept_kw(p, WEIR_KW_INTO)) {
        return weir_unexpected(p, "INTO or OVERWRITE");
    }
    if (!weir_parse_name(p, &ins->table, "a table's name")) return false;
    if (!weir_parse_hints(p, &ins->hints) || !parse_partition(p, ins)) return false;
    if (weir_at(p, WEIR_TK_LPAREN) && !weir_paren_starts_query(p) &&
        !weir_parse_columns(p, &ins->columns, "a column's name")) {
        return false;
    }
    if (!weir_starts_query(weir_tok(p)) && !weir_at(p, WEIR_TK_LPAREN)) {
        return weir_unexpected(p, "SELECT, VALUES or WITH");
    }
    ins->query = weir_parse_query(p);
    return ins->query != NULL;
}

static struct weir_ast_stmt *parse_insert(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_INSERT);
    if (!s || !(s->insert = weir_node(p, sizeof *s->insert)) || !weir_advance(p)) return NULL;
    if (!parse_insert_body(p, s->insert)) return NULL;
    s->pos = weir_span(p, start);
    return s;
}

/* The INSERTs up to END, each with its ';'. */
static struct weir_ast_stmt *parse_statement_set(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_STATEMENT_SET);
    struct weir_list l = weir_list_begin(p, sizeof s);
    if (!s) return NULL;
    while (!weir_at_kw(p, WEIR_KW_END)) {
        if (!weir_at_kw(p, WEIR_KW_INSERT)) return weir_unexpected(p, "INSERT or END"), NULL;
        struct weir_ast_stmt *insert = parse_insert(p);
        if (!insert || !weir_list_push(p, &l, &insert)) return NULL;
        if (!weir_expect(p, WEIR_TK_SEMICOLON, "';'")) return NULL;
        while (weir_accept(p, WEIR_TK_SEMICOLON)) continue;
    }
    struct weir_pos end = weir_tok(p)->pos;
    if (!weir_advance(p)) return NULL;
    if (!l.n) return weir_fail_pos(p, &end, "the statement set is empty; it takes INSERTs"), NULL;
    return weir_list_end(p, &l, &s->statement_set.stmts, &s->statement_set.n) ? s : NULL;
}

/* EXECUTE STATEMENT SET BEGIN ... END */
static struct weir_ast_stmt *parse_execute(struct weir_parser *p)
{
    if (!weir_advance(p)) return NULL;
    if (!weir_at_kw(p, WEIR_KW_STATEMENT)) { /* EXECUTE INSERT ..., EXECUTE SELECT ... */
        if (weir_at_kw(p, WEIR_KW_INSERT)) return parse_insert(p);
        if (!weir_starts_query(weir_tok(p))) {
            return weir_unexpected(p, "STATEMENT SET, INSERT or SELECT"), NULL;
        }
        struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_QUERY);
        return s && (s->query = weir_parse_query(p)) ? s : NULL;
    }
    if (!weir_advance(p) || !weir_expect_kw(p, WEIR_KW_SET) || !weir_expect_kw(p, WEIR_KW_BEGIN)) {
        return NULL;
    }
    return parse_statement_set(p);
}

/* BEGIN STATEMENT SET; ... END */
static struct weir_ast_stmt *parse_begin(struct weir_parser *p)
{
    if (!weir_advance(p) || !weir_expect_kw(p, WEIR_KW_STATEMENT) ||
        !weir_expect_kw(p, WEIR_KW_SET) || !weir_expect(p, WEIR_TK_SEMICOLON, "';'")) {
        return NULL;
    }
    return parse_statement_set(p);
}

/* ---- EXPLAIN ---- */

static unsigned explain_flag(const struct weir_token *t)
{
    switch (t->keyword) {
    case WEIR_KW_ESTIMATED_COST: return WEIR_AST_EXPLAIN_ESTIMATED_COST;
    case WEIR_KW_CHANGELOG_MODE: return WEIR_AST_EXPLAIN_CHANGELOG_MODE;
    case WEIR_KW_JSON_EXECUTION_PLAN: return WEIR_AST_EXPLAIN_JSON_EXECUTION_PLAN;
    case WEIR_KW_PLAN_ADVICE: return WEIR_AST_EXPLAIN_PLAN_ADVICE;
    case WEIR_KW_ANALYZE: return WEIR_AST_EXPLAIN_ANALYZE;
    case WEIR_KW_JSON: return WEIR_AST_EXPLAIN_JSON;
    default: return 0;
    }
}

static struct weir_ast_stmt *parse_explained(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_stmt *s = NULL;
    if (weir_at_kw(p, WEIR_KW_INSERT)) return parse_insert(p);
    if (weir_at_kw(p, WEIR_KW_EXECUTE))
        s = parse_execute(p);
    else if (weir_at_kw(p, WEIR_KW_BEGIN))
        s = parse_begin(p);
    else if (weir_accept_kw2(p, WEIR_KW_STATEMENT, WEIR_KW_SET)) {
        if (!weir_expect_kw(p, WEIR_KW_BEGIN)) return NULL;
        s = parse_statement_set(p);
    } else if (weir_starts_query(weir_tok(p)) || weir_at(p, WEIR_TK_LPAREN)) {
        s = weir_new_stmt(p, WEIR_AST_ST_QUERY);
        if (s && !(s->query = weir_parse_query(p))) return NULL;
    } else {
        weir_unexpected(p, "a query, INSERT or STATEMENT SET");
    }
    if (s) s->pos = weir_span(p, start);
    return s;
}

static struct weir_ast_stmt *parse_explain(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_EXPLAIN);
    if (!s || !weir_advance(p)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_PLAN)) {
        if (!weir_expect_kw(p, WEIR_KW_FOR)) return NULL;
    } else if (explain_flag(weir_tok(p))) {
        do {
            unsigned flag = explain_flag(weir_tok(p));
            if (!flag) return weir_unexpected(p, "a detail of EXPLAIN"), NULL;
            s->explain.flags |= flag;
            if (!weir_advance(p)) return NULL;
        } while (weir_accept(p, WEIR_TK_COMMA));
    } else if (weir_is_ident(weir_tok(p)) && !weir_at_kw(p, WEIR_KW_EXECUTE) &&
               !weir_at_kw(p, WEIR_KW_BEGIN) && !weir_at_kw(p, WEIR_KW_STATEMENT)) {
        weir_unexpected(p,
                        "a query, INSERT, STATEMENT SET, PLAN FOR, or of ESTIMATED_COST, "
                        "CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE, ANALYZE and JSON one");
        return NULL;
    }
    s->explain.stmt = parse_explained(p);
    return s->explain.stmt ? s : NULL;
}

/* ---- SET, RESET ---- */

/* Bare text (table.exec.mini-batch.size) up to an '=' (KEY) or the statement's end. */
static const char *parse_bare(struct weir_parser *p, bool key, struct weir_pos *pos)
{
    *pos = weir_tok(p)->pos;
    while (!weir_at(p, WEIR_TK_EOF) && !weir_at(p, WEIR_TK_SEMICOLON) &&
           !weir_at(p, WEIR_TK_ERROR) && !(key && weir_at(p, WEIR_TK_EQ))) {
        if (!weir_advance(p)) return NULL;
    }
    *pos = weir_span(p, *pos);
    return weir_text(p, pos->start, pos->end);
}

static const char *parse_setting(struct weir_parser *p, bool key, struct weir_pos *pos)
{
    if (weir_at(p, WEIR_TK_STRING)) {
        const char *s = weir_parse_string(p, "a string");
        *pos = p->prev.pos;
        return s;
    }
    bool bare = key ? weir_at(p, WEIR_TK_WORD)
                    : !weir_at(p, WEIR_TK_EOF) && !weir_at(p, WEIR_TK_SEMICOLON) &&
                          !weir_at(p, WEIR_TK_ERROR);
    if (bare) return parse_bare(p, key, pos);
    weir_unexpected(p, key ? "an option's name in quotes, as in SET 'key' = 'value',"
                           : "the value in quotes");
    return NULL;
}

static bool at_end(const struct weir_parser *p)
{
    return weir_at(p, WEIR_TK_EOF) || weir_at(p, WEIR_TK_SEMICOLON);
}

static struct weir_ast_stmt *parse_set(struct weir_parser *p)
{
    bool reset = weir_at_kw(p, WEIR_KW_RESET);
    struct weir_ast_stmt *s = weir_new_stmt(p, reset ? WEIR_AST_ST_RESET : WEIR_AST_ST_SET);
    if (!s || !weir_advance(p)) return NULL;
    if (at_end(p)) return s;
    s->set.key = parse_setting(p, true, &s->set.key_pos);
    if (!s->set.key) return NULL;
    if (reset) return s;
    if (!weir_expect(p, WEIR_TK_EQ, "'='")) return NULL;
    s->set.value = parse_setting(p, false, &s->set.value_pos);
    return s->set.value ? s : NULL;
}

/* ---- SHOW, DESCRIBE, DROP, USE ---- */

/* The words behind SHOW (two or three), and whether FROM db or a name follows. */
static const struct show_form {
    uint16_t words[2];
    uint8_t kind;
    enum { PLAIN, FROM_OPTIONAL, FROM_NAME, NAME } target;
} show_forms[] = {
    {{WEIR_KW_TABLES, 0}, WEIR_AST_SHOW_TABLES, FROM_OPTIONAL},
    {{WEIR_KW_VIEWS, 0}, WEIR_AST_SHOW_VIEWS, FROM_OPTIONAL},
    {{WEIR_KW_USER, WEIR_KW_FUNCTIONS}, WEIR_AST_SHOW_USER_FUNCTIONS, FROM_OPTIONAL},
    {{WEIR_KW_FUNCTIONS, 0}, WEIR_AST_SHOW_FUNCTIONS, FROM_OPTIONAL},
    {{WEIR_KW_CATALOGS, 0}, WEIR_AST_SHOW_CATALOGS, PLAIN},
    {{WEIR_KW_DATABASES, 0}, WEIR_AST_SHOW_DATABASES, FROM_OPTIONAL},
    {{WEIR_KW_MODULES, 0}, WEIR_AST_SHOW_MODULES, PLAIN},
    {{WEIR_KW_JARS, 0}, WEIR_AST_SHOW_JARS, PLAIN},
    {{WEIR_KW_JOBS, 0}, WEIR_AST_SHOW_JOBS, PLAIN},
    {{WEIR_KW_CURRENT, WEIR_KW_CATALOG}, WEIR_AST_SHOW_CURRENT_CATALOG, PLAIN},
    {{WEIR_KW_CURRENT, WEIR_KW_DATABASE}, WEIR_AST_SHOW_CURRENT_DATABASE, PLAIN},
    {{WEIR_KW_COLUMNS, 0}, WEIR_AST_SHOW_COLUMNS, FROM_NAME},
    {{WEIR_KW_PARTITIONS, 0}, WEIR_AST_SHOW_PARTITIONS, NAME},
    {{WEIR_KW_CREATE, WEIR_KW_TABLE}, WEIR_AST_SHOW_CREATE_TABLE, NAME},
    {{WEIR_KW_CREATE, WEIR_KW_VIEW}, WEIR_AST_SHOW_CREATE_VIEW, NAME},
};

static const struct show_form *accept_show(struct weir_parser *p)
{
    for (size_t i = 0; i < sizeof show_forms / sizeof *show_forms; i++) {
        const uint16_t *w = show_forms[i].words;
        if (w[1] ? weir_accept_kw2(p, w[0], w[1]) : weir_accept_kw(p, w[0])) return &show_forms[i];
    }
    if (weir_accept_kw(p, WEIR_KW_CREATE))
        weir_unexpected(p, "TABLE or VIEW and its name");
    else if (weir_accept_kw(p, WEIR_KW_CURRENT))
        weir_unexpected(p, "CATALOG or DATABASE");
    else
        weir_unexpected(p, "TABLES, VIEWS, FUNCTIONS, COLUMNS FROM, CREATE TABLE or another list");
    return NULL;
}

static struct weir_ast_stmt *parse_show(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_SHOW);
    if (!s || !weir_advance(p)) return NULL;
    const struct show_form *f = accept_show(p);
    if (!f) return NULL;
    s->show.kind = (enum weir_ast_show_kind)f->kind;
    if (f->target == FROM_OPTIONAL || f->target == FROM_NAME) {
        bool from = weir_accept_kw(p, WEIR_KW_FROM) || weir_accept_kw(p, WEIR_KW_IN);
        if (f->target == FROM_NAME && !from) return weir_unexpected(p, "FROM and a table"), NULL;
        if (from && !weir_parse_name(p, &s->show.name, "a name")) return NULL;
    } else if (f->target == NAME && !weir_parse_name(p, &s->show.name, "a name")) {
        return NULL;
    }
    if (f->target == FROM_OPTIONAL || f->target == FROM_NAME) {
        s->show.not_like = weir_accept_kw(p, WEIR_KW_NOT);
        if (s->show.not_like && !weir_at_kw(p, WEIR_KW_LIKE))
            return weir_unexpected(p, "LIKE"), NULL;
        if (weir_accept_kw(p, WEIR_KW_LIKE) &&
            !(s->show.like = weir_parse_string(p, "the pattern in quotes"))) {
            return NULL;
        }
    }
    return p->status ? NULL : s;
}

static struct weir_ast_stmt *parse_describe(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_DESCRIBE);
    if (!s || !weir_advance(p)) return NULL;
    uint8_t next = weir_tok_ahead(p, 1)->kind; /* a table may be called extended */
    s->describe.extended = next != WEIR_TK_EOF && next != WEIR_TK_SEMICOLON &&
                           next != WEIR_TK_DOT && weir_accept_kw(p, WEIR_KW_EXTENDED);
    return weir_parse_name(p, &s->describe.name, "a table's name") ? s : NULL;
}

static struct weir_ast_stmt *parse_drop(struct weir_parser *p)
{
    static const struct {
        uint16_t keyword;
        uint8_t object;
    } objects[] = {{WEIR_KW_TABLE, WEIR_AST_OBJ_TABLE},
                   {WEIR_KW_VIEW, WEIR_AST_OBJ_VIEW},
                   {WEIR_KW_FUNCTION, WEIR_AST_OBJ_FUNCTION},
                   {WEIR_KW_CATALOG, WEIR_AST_OBJ_CATALOG},
                   {WEIR_KW_DATABASE, WEIR_AST_OBJ_DATABASE}};
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_DROP);
    if (!s || !weir_advance(p)) return NULL;
    s->drop.temporary = weir_accept_kw(p, WEIR_KW_TEMPORARY);
    s->drop.system = s->drop.temporary && weir_accept_kw(p, WEIR_KW_SYSTEM);
    size_t i = s->drop.system ? 2 : 0, n = s->drop.temporary ? 3 : 5;
    while (i < n && !weir_at_kw(p, objects[i].keyword)) i++;
    if (i >= n || (s->drop.system && i != 2)) {
        weir_unexpected(p, s->drop.system      ? "FUNCTION"
                           : s->drop.temporary ? "TABLE, VIEW, FUNCTION or SYSTEM FUNCTION"
                                               : "TABLE, VIEW, FUNCTION, CATALOG or DATABASE");
        return NULL;
    }
    s->drop.object = (enum weir_ast_object)objects[i].object;
    if (!weir_advance(p)) return NULL;
    if (weir_accept_kw(p, WEIR_KW_IF)) {
        s->drop.if_exists = true;
        if (!weir_expect_kw(p, WEIR_KW_EXISTS)) return NULL;
    }
    if (!weir_parse_name(p, &s->drop.name, "a name")) return NULL;
    if (s->drop.object == WEIR_AST_OBJ_DATABASE && !weir_accept_kw(p, WEIR_KW_RESTRICT)) {
        s->drop.cascade = weir_accept_kw(p, WEIR_KW_CASCADE);
    }
    return p->status ? NULL : s;
}

static struct weir_ast_stmt *parse_use(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_USE);
    if (!s || !weir_advance(p)) return NULL;
    s->use.catalog = weir_is_ident(weir_tok_ahead(p, 1)) && weir_accept_kw(p, WEIR_KW_CATALOG);
    return weir_parse_name(p, &s->use.name, "a database's name") ? s : NULL;
}

/* ---- any statement ---- */

/* Statements of Flink's that have no meaning here, and what to do instead. */
static const struct {
    const char *word, *advice;
} strangers[] = {
    {"ALTER", "write the CREATE statement as it shall be in the end"},
    {"UPDATE",
     "tables are read and written as a whole; INSERT INTO another table what SELECT makes"},
    {"DELETE",
     "tables are read and written as a whole; INSERT INTO another table what SELECT makes"},
    {"TRUNCATE", "use INSERT OVERWRITE"},
    {"CALL", "there are no procedures; use functions in SELECT"},
    {"ANALYZE", "statistics are measured while a job runs; see EXPLAIN ANALYZE"},
    {"ADD", "there are no jars to load; remove the statement"},
    {"REMOVE", "there are no jars to load; remove the statement"},
    {"LOAD", "there are no modules to load; remove the statement"},
    {"UNLOAD", "there are no modules to load; remove the statement"},
    {"COMPILE", "run the statement itself; EXPLAIN shows its plan"},
    {"STOP", "a job ends with its script; interrupt the program"},
};

static bool fail_stranger(struct weir_parser *p, const struct weir_token *t, const char *word)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        if (strcasecmp(word, strangers[i].word) != 0) continue;
        return weir_fail_pos(p, &t->pos, "there is no %s statement: %s", strangers[i].word,
                             strangers[i].advice);
    }
    return true;
}

static struct weir_ast_stmt *fail_stmt(struct weir_parser *p)
{
    static const char *const starts[] = {
        "SELECT",   "INSERT", "CREATE",  "WITH",    "VALUES", "SET", "RESET", "SHOW",
        "DESCRIBE", "DROP",   "EXPLAIN", "EXECUTE", "BEGIN",  "USE", "TABLE",
    };
    char word[24];
    const struct weir_token *t = weir_tok(p);
    size_t n = t->pos.end - t->pos.start;
    if (t->kind == WEIR_TK_WORD && n < sizeof word) {
        memcpy(word, p->lexer.sql + t->pos.start, n);
        word[n] = 0;
        if (!fail_stranger(p, t, word)) return NULL;
        const char *near = weir_sql_nearest(word, starts, sizeof starts / sizeof *starts);
        if (near && !t->keyword) {
            weir_fail_pos(p, &t->pos, "no statement begins with '%s'; did you mean %s?", word,
                          near);
            return NULL;
        }
    }
    weir_unexpected(p, "a statement (SELECT, WITH, VALUES, INSERT, CREATE, EXECUTE, EXPLAIN, SET, "
                       "RESET, SHOW, DESCRIBE, DROP or USE)");
    return NULL;
}

static struct weir_ast_stmt *parse_query_stmt(struct weir_parser *p)
{
    struct weir_ast_stmt *s = weir_new_stmt(p, WEIR_AST_ST_QUERY);
    return s && (s->query = weir_parse_query(p)) ? s : NULL;
}

struct weir_ast_stmt *weir_parse_stmt(struct weir_parser *p)
{
    struct weir_pos start = weir_tok(p)->pos;
    struct weir_ast_stmt *s;
    p->depth = p->height = 0;
    switch (weir_tok(p)->keyword) {
    case WEIR_KW_CREATE: s = weir_parse_create(p); break;
    case WEIR_KW_INSERT: s = parse_insert(p); break;
    case WEIR_KW_EXECUTE: s = parse_execute(p); break;
    case WEIR_KW_BEGIN: s = parse_begin(p); break;
    case WEIR_KW_EXPLAIN: s = parse_explain(p); break;
    case WEIR_KW_SET:
    case WEIR_KW_RESET: s = parse_set(p); break;
    case WEIR_KW_SHOW: s = parse_show(p); break;
    case WEIR_KW_DESCRIBE:
    case WEIR_KW_DESC: s = parse_describe(p); break;
    case WEIR_KW_DROP: s = parse_drop(p); break;
    case WEIR_KW_USE: s = parse_use(p); break;
    case WEIR_KW_SELECT:
    case WEIR_KW_WITH:
    case WEIR_KW_VALUES:
    case WEIR_KW_TABLE: s = parse_query_stmt(p); break;
    default: s = weir_at(p, WEIR_TK_LPAREN) ? parse_query_stmt(p) : fail_stmt(p);
    }
    if (!s || p->status) return NULL;
    s->pos = weir_span(p, start);
    return s;
}
