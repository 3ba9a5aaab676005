/* The printer of queries. */
#include <string.h>

#include "host/sql/ast_print.h"
#include "host/sql/parse_impl.h"

static void print_parenthesized_query(const struct weir_ast_query *q, struct weir_buf *b)
{
    weir_buf_putc(b, '(');
    weir_ast_print_query(q, b);
    weir_buf_putc(b, ')');
}

/* ---- MATCH_RECOGNIZE ---- */

static void print_counts(const struct weir_ast_pattern *x, struct weir_buf *b)
{
    if (x->min == 0 && x->max == UINT32_MAX)
        weir_buf_putc(b, '*');
    else if (x->min == 1 && x->max == UINT32_MAX)
        weir_buf_putc(b, '+');
    else if (x->min == 0 && x->max == 1)
        weir_buf_putc(b, '?');
    else if (x->min == x->max)
        weir_buf_printf(b, "{%u}", x->min);
    else if (x->max == UINT32_MAX)
        weir_buf_printf(b, "{%u,}", x->min);
    else
        weir_buf_printf(b, "{%u,%u}", x->min, x->max);
    if (x->reluctant) weir_buf_putc(b, '?');
}

/* PARENT is the kind of the node around, PERMUTE where nothing needs parentheses. */
static void print_pattern(const struct weir_ast_pattern *x, enum weir_ast_pattern_kind parent,
                          struct weir_buf *b)
{
    bool tight = parent == WEIR_AST_PAT_CONCAT || parent == WEIR_AST_PAT_REPEAT;
    bool parens = (x->kind == WEIR_AST_PAT_CONCAT && tight) ||
                  (x->kind == WEIR_AST_PAT_REPEAT && parent == WEIR_AST_PAT_REPEAT) ||
                  (x->kind == WEIR_AST_PAT_ALTERNATE && parent != WEIR_AST_PAT_PERMUTE);
    const char *gap = x->kind == WEIR_AST_PAT_ALTERNATE ? " | "
                      : x->kind == WEIR_AST_PAT_PERMUTE ? ", "
                                                        : " ";
    if (parens) weir_buf_putc(b, '(');
    switch (x->kind) {
    case WEIR_AST_PAT_VARIABLE: weir_ast_print_ident(x->name.name, b); break;
    case WEIR_AST_PAT_START: weir_buf_putc(b, '^'); break;
    case WEIR_AST_PAT_END: weir_buf_putc(b, '$'); break;
    case WEIR_AST_PAT_EXCLUDE:
        weir_buf_puts(b, "{- ");
        print_pattern(x->children[0], WEIR_AST_PAT_PERMUTE, b);
        weir_buf_puts(b, " -}");
        break;
    case WEIR_AST_PAT_REPEAT:
        print_pattern(x->children[0], x->kind, b);
        print_counts(x, b);
        break;
    default:
        if (x->kind == WEIR_AST_PAT_PERMUTE) weir_buf_puts(b, "PERMUTE(");
        for (size_t i = 0; i < x->n; i++) {
            if (i) weir_buf_puts(b, gap);
            print_pattern(x->children[i], x->kind, b);
        }
        if (x->kind == WEIR_AST_PAT_PERMUTE) weir_buf_putc(b, ')');
    }
    if (parens) weir_buf_putc(b, ')');
}

static void print_match_rows(const struct weir_ast_match *m, struct weir_buf *b)
{
    if (m->one_row) weir_buf_puts(b, " ONE ROW PER MATCH");
    if (m->all_rows) weir_buf_puts(b, " ALL ROWS PER MATCH");
    switch (m->skip) {
    case WEIR_AST_SKIP_DEFAULT: return;
    case WEIR_AST_SKIP_PAST_LAST_ROW: weir_buf_puts(b, " AFTER MATCH SKIP PAST LAST ROW"); return;
    case WEIR_AST_SKIP_TO_NEXT_ROW: weir_buf_puts(b, " AFTER MATCH SKIP TO NEXT ROW"); return;
    case WEIR_AST_SKIP_TO_FIRST: weir_buf_puts(b, " AFTER MATCH SKIP TO FIRST "); break;
    case WEIR_AST_SKIP_TO_LAST: weir_buf_puts(b, " AFTER MATCH SKIP TO LAST "); break;
    }
    weir_ast_print_ident(m->skip_to.name, b);
}

static void print_match(const struct weir_ast_match *m, struct weir_buf *b)
{
    weir_buf_puts(b, " MATCH_RECOGNIZE (");
    if (m->partition_by.n) {
        weir_buf_puts(b, "PARTITION BY ");
        weir_print_exprs(&m->partition_by, b);
        weir_buf_putc(b, ' ');
    }
    weir_print_orders(&m->order_by, b);
    for (size_t i = 0; i < m->n_measures; i++) {
        weir_buf_puts(b, i ? ", " : " MEASURES ");
        weir_ast_print_expr(m->measures[i].expr, b);
        weir_buf_puts(b, " AS ");
        weir_ast_print_ident(m->measures[i].alias.name, b);
    }
    print_match_rows(m, b);
    weir_buf_puts(b, " PATTERN (");
    print_pattern(m->pattern, WEIR_AST_PAT_PERMUTE, b);
    weir_buf_putc(b, ')');
    if (m->within) {
        weir_buf_puts(b, " WITHIN ");
        weir_ast_print_expr(m->within, b);
    }
    for (size_t i = 0; i < m->n_defines; i++) {
        weir_buf_puts(b, i ? ", " : " DEFINE ");
        weir_ast_print_ident(m->defines[i].alias.name, b);
        weir_buf_puts(b, " AS ");
        weir_ast_print_expr(m->defines[i].expr, b);
    }
    weir_buf_putc(b, ')');
}

/* ---- FROM ---- */

static void print_table(const struct weir_ast_table_ref *t, struct weir_buf *b);

static void print_join(const struct weir_ast_table_ref *t, struct weir_buf *b)
{
    static const char *const words[] = {
        [WEIR_AST_JOIN_INNER] = "JOIN ",       [WEIR_AST_JOIN_LEFT] = "LEFT JOIN ",
        [WEIR_AST_JOIN_RIGHT] = "RIGHT JOIN ", [WEIR_AST_JOIN_FULL] = "FULL JOIN ",
        [WEIR_AST_JOIN_CROSS] = "CROSS JOIN ", [WEIR_AST_JOIN_COMMA] = "",
    };
    bool comma = t->join.kind == WEIR_AST_JOIN_COMMA;
    print_table(t->join.left, b);
    weir_buf_puts(b, comma ? ", " : " ");
    if (t->join.natural) weir_buf_puts(b, "NATURAL ");
    weir_buf_puts(b, words[t->join.kind]);
    /* JOIN binds tighter than the comma: a right side in parentheses keeps them, but behind a
     * comma. */
    bool parens = t->join.right->kind == WEIR_AST_TR_JOIN && !comma;
    if (parens) weir_buf_putc(b, '(');
    print_table(t->join.right, b);
    if (parens) weir_buf_putc(b, ')');
    if (t->join.on) {
        weir_buf_puts(b, " ON ");
        weir_ast_print_expr(t->join.on, b);
    }
    if (t->join.using_columns.n) {
        weir_buf_puts(b, " USING ");
        weir_print_idents(&t->join.using_columns, b);
    }
}

static void print_named(const struct weir_ast_table_ref *t, struct weir_buf *b)
{
    weir_ast_print_name(&t->named.name, b);
    weir_print_hints(&t->named.hints, b);
    if (t->named.system_time) {
        weir_buf_puts(b, " FOR SYSTEM_TIME AS OF ");
        weir_ast_print_expr(t->named.system_time, b);
    }
}

static void print_table(const struct weir_ast_table_ref *t, struct weir_buf *b)
{
    if (t->lateral) weir_buf_puts(b, "LATERAL ");
    switch (t->kind) {
    case WEIR_AST_TR_NAME: print_named(t, b); break;
    case WEIR_AST_TR_QUERY: print_parenthesized_query(t->query, b); break;
    case WEIR_AST_TR_FUNCTION:
        if (t->function.wrapped) weir_buf_puts(b, "TABLE(");
        weir_ast_print_expr(t->function.call, b);
        if (t->function.wrapped) weir_buf_putc(b, ')');
        break;
    case WEIR_AST_TR_UNNEST:
        weir_buf_puts(b, "UNNEST(");
        weir_print_exprs(&t->unnest.args, b);
        weir_buf_puts(b, t->unnest.with_ordinality ? ") WITH ORDINALITY" : ")");
        break;
    case WEIR_AST_TR_JOIN: print_join(t, b); return;
    case WEIR_AST_TR_MATCH:
        print_table(t->match->input, b);
        print_match(t->match, b);
        break;
    }
    if (!t->alias.name) return;
    weir_buf_puts(b, " AS ");
    weir_ast_print_ident(t->alias.name, b);
    if (t->columns.n) {
        weir_buf_putc(b, ' ');
        weir_print_idents(&t->columns, b);
    }
}

/* ---- SELECT ---- */

static void print_group(const struct weir_ast_group *g, struct weir_buf *b)
{
    static const char *const words[] = {
        [WEIR_AST_GROUP_ROLLUP] = "ROLLUP ",
        [WEIR_AST_GROUP_CUBE] = "CUBE ",
        [WEIR_AST_GROUP_SETS] = "GROUPING SETS ",
    };
    if (g->kind == WEIR_AST_GROUP_EXPR) {
        weir_ast_print_expr(g->expr, b);
        return;
    }
    if (g->kind == WEIR_AST_GROUP_TUPLE) {
        weir_buf_putc(b, '(');
        weir_print_exprs(&g->exprs, b);
        weir_buf_putc(b, ')');
        return;
    }
    weir_buf_puts(b, words[g->kind]);
    weir_buf_putc(b, '(');
    for (size_t i = 0; i < g->n; i++) {
        if (i) weir_buf_puts(b, ", ");
        print_group(&g->children[i], b);
    }
    weir_buf_putc(b, ')');
}

static void print_clause(const char *word, const struct weir_ast_expr *e, struct weir_buf *b)
{
    if (!e) return;
    weir_buf_printf(b, " %s ", word);
    weir_ast_print_expr(e, b);
}

static void print_select(const struct weir_ast_select *s, struct weir_buf *b)
{
    weir_buf_puts(b, "SELECT");
    weir_print_hints(&s->hints, b);
    if (s->distinct) weir_buf_puts(b, " DISTINCT");
    for (size_t i = 0; i < s->n_items; i++) {
        weir_buf_puts(b, i ? ", " : " ");
        weir_ast_print_expr(s->items[i].expr, b);
        if (!s->items[i].alias.name) continue;
        weir_buf_puts(b, " AS ");
        weir_ast_print_ident(s->items[i].alias.name, b);
    }
    if (s->from) {
        weir_buf_puts(b, " FROM ");
        print_table(s->from, b);
    }
    print_clause("WHERE", s->where, b);
    for (size_t i = 0; i < s->n_groups; i++) {
        weir_buf_puts(b, i ? ", " : " GROUP BY ");
        print_group(&s->groups[i], b);
    }
    print_clause("HAVING", s->having, b);
    for (size_t i = 0; i < s->n_windows; i++) {
        weir_buf_puts(b, i ? ", " : " WINDOW ");
        weir_ast_print_ident(s->windows[i].name.name, b);
        weir_buf_puts(b, " AS ");
        weir_print_window(s->windows[i].window, b);
    }
    print_clause("QUALIFY", s->qualify, b);
}

/* ---- the query ---- */

/* The operands need no parentheses: those of the text are a BODY_QUERY of their own. */
static void print_body(const struct weir_ast_body *x, struct weir_buf *b)
{
    static const char *const words[] = {
        [WEIR_AST_SET_UNION] = " UNION ",
        [WEIR_AST_SET_INTERSECT] = " INTERSECT ",
        [WEIR_AST_SET_EXCEPT] = " EXCEPT ",
    };
    switch (x->kind) {
    case WEIR_AST_BODY_SELECT: print_select(x->select, b); break;
    case WEIR_AST_BODY_VALUES:
        weir_buf_puts(b, "VALUES ");
        weir_print_exprs(&x->rows, b);
        break;
    case WEIR_AST_BODY_QUERY: print_parenthesized_query(x->query, b); break;
    case WEIR_AST_BODY_TABLE:
        weir_buf_puts(b, "TABLE ");
        weir_ast_print_name(&x->table, b);
        break;
    case WEIR_AST_BODY_SETOP:
        print_body(x->setop.left, b);
        weir_buf_puts(b, words[x->setop.op]);
        if (x->setop.all) weir_buf_puts(b, "ALL ");
        print_body(x->setop.right, b);
        break;
    }
}

void weir_ast_print_query(const struct weir_ast_query *q, struct weir_buf *b)
{
    for (size_t i = 0; i < q->n_ctes; i++) {
        weir_buf_puts(b, i ? ", " : q->recursive ? "WITH RECURSIVE " : "WITH ");
        weir_ast_print_ident(q->ctes[i].name.name, b);
        weir_buf_putc(b, ' ');
        if (q->ctes[i].columns.n) {
            weir_print_idents(&q->ctes[i].columns, b);
            weir_buf_putc(b, ' ');
        }
        weir_buf_puts(b, "AS ");
        print_parenthesized_query(q->ctes[i].query, b);
    }
    if (q->n_ctes) weir_buf_putc(b, ' ');
    print_body(q->body, b);
    if (q->order_by.n) weir_buf_putc(b, ' ');
    weir_print_orders(&q->order_by, b);
    if (q->limit && !q->fetch) weir_buf_printf(b, " LIMIT %s", q->limit->literal->text);
    if (q->offset) weir_buf_printf(b, " OFFSET %s ROWS", q->offset->literal->text);
    if (q->limit && q->fetch) {
        weir_buf_printf(b, " FETCH FIRST %s ROWS ONLY", q->limit->literal->text);
    }
}
