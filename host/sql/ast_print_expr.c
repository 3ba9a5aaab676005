/* The printer of expressions. Parentheses come from the same binding powers that the parser uses:
   an operand that binds weaker than its place demands gets them. */
#include <string.h>

#include "host/sql/ast_print.h"
#include "host/sql/keywords.h"
#include "host/sql/parse_impl.h"

static bool is_negative_number(const struct weir_ast_expr *e)
{
    return e->kind == WEIR_AST_EX_LITERAL && e->literal->text && e->literal->text[0] == '-';
}

static int binary_power(enum weir_ast_binary_op op)
{
    switch (op) {
    case WEIR_AST_BIN_ADD:
    case WEIR_AST_BIN_SUB: return WEIR_BP_ADD;
    case WEIR_AST_BIN_MUL:
    case WEIR_AST_BIN_DIV:
    case WEIR_AST_BIN_MOD:
    case WEIR_AST_BIN_CONCAT: return WEIR_BP_MUL;
    default: return WEIR_BP_COMPARE;
    }
}

/* How tight the outermost operator of E binds. */
static int power_of(const struct weir_ast_expr *e)
{
    switch (e->kind) {
    case WEIR_AST_EX_OR: return WEIR_BP_OR;
    case WEIR_AST_EX_AND: return WEIR_BP_AND;
    case WEIR_AST_EX_UNARY: return e->unary.op == WEIR_AST_UN_NOT ? WEIR_BP_NOT : WEIR_BP_SIGN;
    case WEIR_AST_EX_IS:
        return e->is.test == WEIR_AST_IS_DISTINCT_FROM ? WEIR_BP_COMPARE : WEIR_BP_IS;
    case WEIR_AST_EX_BINARY: return binary_power(e->binary.op);
    case WEIR_AST_EX_QUANTIFIED: return WEIR_BP_COMPARE;
    case WEIR_AST_EX_BETWEEN:
    case WEIR_AST_EX_LIKE:
    case WEIR_AST_EX_IN: return WEIR_BP_RANGE;
    case WEIR_AST_EX_LITERAL: return is_negative_number(e) ? WEIR_BP_SIGN : WEIR_BP_POSTFIX;
    default: return WEIR_BP_POSTFIX;
    }
}

static void print_parenthesized(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_buf_putc(b, '(');
    weir_ast_print_expr(e, b);
    weir_buf_putc(b, ')');
}

void weir_print_operand(const struct weir_ast_expr *e, int min, struct weir_buf *b)
{
    if (power_of(e) < min)
        print_parenthesized(e, b);
    else
        weir_ast_print_expr(e, b);
}

void weir_print_exprs(const struct weir_ast_exprs *list, struct weir_buf *b)
{
    for (size_t i = 0; i < list->n; i++) {
        if (i) weir_buf_puts(b, ", ");
        weir_ast_print_expr(list->items[i], b);
    }
}

void weir_print_orders(const struct weir_ast_orders *list, struct weir_buf *b)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct weir_ast_order *o = &list->items[i];
        weir_buf_puts(b, i ? ", " : "ORDER BY ");
        weir_ast_print_expr(o->expr, b);
        if (o->desc) weir_buf_puts(b, " DESC");
        if (o->nulls == WEIR_AST_NULLS_FIRST) weir_buf_puts(b, " NULLS FIRST");
        if (o->nulls == WEIR_AST_NULLS_LAST) weir_buf_puts(b, " NULLS LAST");
    }
}

/* ---- literals ---- */

static void print_interval(const struct weir_ast_literal *l, struct weir_buf *b)
{
    const char *s = l->bytes;
    while (*s == ' ') s++;
    /* The sign stands in the quotes or before them; only the product is kept. */
    bool minus = l->interval.value && (l->interval.value < 0) != (*s == '-');
    weir_buf_puts(b, minus ? "INTERVAL -" : "INTERVAL ");
    weir_ast_print_string(l->bytes, l->len, b);
    weir_buf_printf(b, " %s", weir_ast_unit_name(l->interval.from_unit));
    bool pair = l->interval.from_unit == WEIR_AST_UNIT_SECOND && l->interval.fraction >= 0;
    if (l->interval.precision >= 0) weir_buf_printf(b, "(%d", l->interval.precision);
    if (l->interval.precision >= 0 && pair) weir_buf_printf(b, ", %d", l->interval.fraction);
    if (l->interval.precision >= 0) weir_buf_putc(b, ')');
    if (!l->interval.to_unit) return;
    weir_buf_printf(b, " TO %s", weir_ast_unit_name(l->interval.to_unit));
    if (l->interval.fraction >= 0) weir_buf_printf(b, "(%d)", l->interval.fraction);
}

static void print_literal(const struct weir_ast_literal *l, struct weir_buf *b)
{
    switch (l->kind) {
    case WEIR_AST_LIT_NULL: weir_buf_puts(b, "NULL"); return;
    case WEIR_AST_LIT_BOOL: weir_buf_puts(b, l->bool_value ? "TRUE" : "FALSE"); return;
    case WEIR_AST_LIT_INT:
    case WEIR_AST_LIT_DECIMAL:
    case WEIR_AST_LIT_DOUBLE: weir_buf_puts(b, l->text); return;
    case WEIR_AST_LIT_INTERVAL: print_interval(l, b); return;
    case WEIR_AST_LIT_BINARY:
        weir_buf_puts(b, "X'");
        for (size_t i = 0; i < l->len; i++) {
            weir_buf_printf(b, "%02x", (unsigned)(unsigned char)l->bytes[i]);
        }
        weir_buf_putc(b, '\'');
        return;
    case WEIR_AST_LIT_DATE: weir_buf_puts(b, "DATE "); break;
    case WEIR_AST_LIT_TIME: weir_buf_puts(b, "TIME "); break;
    case WEIR_AST_LIT_TIMESTAMP: weir_buf_puts(b, "TIMESTAMP "); break;
    case WEIR_AST_LIT_TIMESTAMP_LTZ: weir_buf_puts(b, "TIMESTAMP WITH LOCAL TIME ZONE "); break;
    case WEIR_AST_LIT_STRING: break;
    }
    weir_ast_print_string(l->bytes, l->len, b);
}

/* ---- calls ---- */

/* A function's name as it was written: capitals stay capitals, and a word that needs no backticks
   before a
   '(' gets none. */
static void print_function_name(const struct weir_ast_name *name, struct weir_buf *b)
{
    for (size_t i = 0; i < name->n; i++) {
        const struct weir_ast_ident *id = &name->parts[i];
        if (i) weir_buf_putc(b, '.');
        bool keyword = id->quoted && weir_sql_keyword(id->name, strlen(id->name));
        if (keyword)
            weir_buf_printf(b, "`%s`", id->name); /* not the function of its own syntax */
        else if (id->quoted)
            weir_ast_print_ident(id->name, b);
        else
            weir_buf_puts(b, id->name);
    }
}

/* The I-th argument behind BEFORE, if there is one. */
static void print_arg(const struct weir_ast_call *c, const char *before, size_t i,
                      struct weir_buf *b)
{
    if (i >= c->args.n) return;
    weir_buf_puts(b, before);
    weir_ast_print_expr(c->args.items[i], b);
}

static bool ends_in_interval(const struct weir_ast_expr *e)
{
    while (e->kind == WEIR_AST_EX_BINARY || e->kind == WEIR_AST_EX_UNARY)
        e = e->kind == WEIR_AST_EX_BINARY ? e->binary.right : e->unary.operand;
    return e->kind == WEIR_AST_EX_LITERAL && e->literal->kind == WEIR_AST_LIT_INTERVAL;
}

static void print_args(const struct weir_ast_call *c, struct weir_buf *b)
{
    static const char *const sides[] = {
        [WEIR_AST_TRIM_BOTH] = "BOTH",
        [WEIR_AST_TRIM_LEADING] = "LEADING",
        [WEIR_AST_TRIM_TRAILING] = "TRAILING",
    };
    switch (c->syntax) {
    case WEIR_AST_CALL_EXTRACT:
        print_arg(c, "", 0, b);
        print_arg(c, " FROM ", 1, b);
        break;
    case WEIR_AST_CALL_POSITION:
        weir_print_operand(c->args.items[0], WEIR_BP_RANGE + 1, b);
        print_arg(c, " IN ", 1, b);
        print_arg(c, " FROM ", 2, b);
        break;
    case WEIR_AST_CALL_SUBSTRING:
        print_arg(c, "", 0, b);
        print_arg(c, " FROM ", 1, b);
        print_arg(c, " FOR ", 2, b);
        break;
    case WEIR_AST_CALL_OVERLAY:
        print_arg(c, "", 0, b);
        print_arg(c, " PLACING ", 1, b);
        print_arg(c, " FROM ", 2, b);
        print_arg(c, " FOR ", 3, b);
        break;
    case WEIR_AST_CALL_TRIM:
        weir_buf_puts(b, sides[c->trim]);
        print_arg(c, " ", 1, b);
        print_arg(c, " FROM ", 0, b);
        break;
    case WEIR_AST_CALL_CEIL_FLOOR: {
        bool parens = ends_in_interval(c->args.items[0]); /* else TO would belong to it */
        print_arg(c, parens ? "(" : "", 0, b);
        print_arg(c, parens ? ") TO " : " TO ", 1, b);
        break;
    }
    default: weir_print_exprs(&c->args, b);
    }
}

static void print_bound(const struct weir_ast_bound *x, struct weir_buf *b)
{
    switch (x->kind) {
    case WEIR_AST_BOUND_UNBOUNDED_PRECEDING: weir_buf_puts(b, "UNBOUNDED PRECEDING"); return;
    case WEIR_AST_BOUND_UNBOUNDED_FOLLOWING: weir_buf_puts(b, "UNBOUNDED FOLLOWING"); return;
    case WEIR_AST_BOUND_CURRENT_ROW: weir_buf_puts(b, "CURRENT ROW"); return;
    default: weir_print_operand(x->offset, WEIR_BP_RANGE + 1, b);
    }
    weir_buf_puts(b, x->kind == WEIR_AST_BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
}

void weir_print_window(const struct weir_ast_window *w, struct weir_buf *b)
{
    if (w->bare) {
        weir_ast_print_ident(w->base.name, b);
        return;
    }
    const char *gap = "";
    weir_buf_putc(b, '(');
    if (w->base.name) weir_ast_print_ident(w->base.name, b), gap = " ";
    if (w->partition_by.n) {
        weir_buf_printf(b, "%sPARTITION BY ", gap);
        weir_print_exprs(&w->partition_by, b);
        gap = " ";
    }
    if (w->order_by.n) {
        weir_buf_puts(b, gap);
        weir_print_orders(&w->order_by, b);
        gap = " ";
    }
    if (w->has_frame) {
        weir_buf_printf(b, "%s%s ", gap, w->is_rows ? "ROWS" : "RANGE");
        if (w->between) weir_buf_puts(b, "BETWEEN ");
        print_bound(&w->start, b);
        if (w->between) {
            weir_buf_puts(b, " AND ");
            print_bound(&w->end, b);
        }
    }
    weir_buf_putc(b, ')');
}

static void print_call(const struct weir_ast_call *c, struct weir_buf *b)
{
    print_function_name(&c->name, b);
    if (c->syntax == WEIR_AST_CALL_NILADIC) return;
    weir_buf_puts(b, c->distinct ? "(DISTINCT " : "(");
    print_args(c, b);
    weir_buf_putc(b, ')');
    if (c->within_group.n) {
        weir_buf_puts(b, " WITHIN GROUP (");
        weir_print_orders(&c->within_group, b);
        weir_buf_putc(b, ')');
    }
    if (c->filter) {
        weir_buf_puts(b, " FILTER (WHERE ");
        weir_ast_print_expr(c->filter, b);
        weir_buf_putc(b, ')');
    }
    if (c->nulls == WEIR_AST_NULLS_IGNORE) weir_buf_puts(b, " IGNORE NULLS");
    if (c->nulls == WEIR_AST_NULLS_RESPECT) weir_buf_puts(b, " RESPECT NULLS");
    if (c->over) {
        weir_buf_puts(b, " OVER ");
        weir_print_window(c->over, b);
    }
}

/* ---- operators ---- */

/* The base of base[i] and base.name: only what the parser takes as one primary. */
static void print_base(const struct weir_ast_expr *e, bool field, struct weir_buf *b)
{
    bool bare = false;
    switch (e->kind) {
    case WEIR_AST_EX_COLUMN: bare = !field; break; /* a.b would be one name */
    case WEIR_AST_EX_INDEX:
    case WEIR_AST_EX_FIELD:
    case WEIR_AST_EX_CAST:
    case WEIR_AST_EX_SUBQUERY:
    case WEIR_AST_EX_ARRAY:
    case WEIR_AST_EX_MAP: bare = true; break;
    case WEIR_AST_EX_CALL:
        bare = e->call->syntax != WEIR_AST_CALL_NILADIC && !e->call->over && !e->call->filter &&
               !e->call->within_group.n && !e->call->nulls;
        break;
    default: break;
    }
    if (bare)
        weir_ast_print_expr(e, b);
    else
        print_parenthesized(e, b);
}

static void print_unary(const struct weir_ast_expr *e, struct weir_buf *b)
{
    const struct weir_ast_expr *x = e->unary.operand;
    if (e->unary.op == WEIR_AST_UN_NOT) {
        weir_buf_puts(b, "NOT ");
        weir_print_operand(x, WEIR_BP_NOT, b);
        return;
    }
    weir_buf_putc(b, e->unary.op == WEIR_AST_UN_NEG ? '-' : '+');
    bool number = x->kind == WEIR_AST_EX_LITERAL && x->literal->text;
    if (e->unary.op == WEIR_AST_UN_NEG && number && !is_negative_number(x)) {
        print_parenthesized(x, b); /* -(5) is not the number -5 */
        return;
    }
    if (is_negative_number(x) || x->kind == WEIR_AST_EX_UNARY) weir_buf_putc(b, ' '); /* no -- */
    weir_print_operand(x, WEIR_BP_SIGN, b);
}

static void print_chain(const struct weir_ast_expr *e, struct weir_buf *b)
{
    bool and = e->kind == WEIR_AST_EX_AND;
    for (size_t i = 0; i < e->list.n; i++) {
        if (i) weir_buf_puts(b, and? " AND " : " OR ");
        weir_print_operand(e->list.items[i], (and? WEIR_BP_AND : WEIR_BP_OR) + 1, b);
    }
}

static void print_is(const struct weir_ast_expr *e, struct weir_buf *b)
{
    static const char *const tests[] = {
        [WEIR_AST_IS_NULL] = "NULL",
        [WEIR_AST_IS_TRUE] = "TRUE",
        [WEIR_AST_IS_FALSE] = "FALSE",
        [WEIR_AST_IS_UNKNOWN] = "UNKNOWN",
        [WEIR_AST_IS_DISTINCT_FROM] = "DISTINCT FROM ",
        [WEIR_AST_IS_JSON] = "JSON",
        [WEIR_AST_IS_JSON_OBJECT] = "JSON OBJECT",
        [WEIR_AST_IS_JSON_ARRAY] = "JSON ARRAY",
        [WEIR_AST_IS_JSON_SCALAR] = "JSON SCALAR",
    };
    weir_print_operand(e->is.operand, power_of(e), b);
    weir_buf_printf(b, " IS %s%s", e->is.negated ? "NOT " : "", tests[e->is.test]);
    if (e->is.right) weir_print_operand(e->is.right, WEIR_BP_COMPARE + 1, b);
}

static void print_list_or_query(const struct weir_ast_exprs *list,
                                const struct weir_ast_query *query, struct weir_buf *b)
{
    weir_buf_putc(b, '(');
    if (query)
        weir_ast_print_query(query, b);
    else
        weir_print_exprs(list, b);
    weir_buf_putc(b, ')');
}

static void print_range(const struct weir_ast_expr *e, struct weir_buf *b)
{
    const int min = WEIR_BP_RANGE + 1;
    if (e->kind == WEIR_AST_EX_IN) {
        weir_print_operand(e->in.operand, WEIR_BP_RANGE, b);
        weir_buf_puts(b, e->in.negated ? " NOT IN " : " IN ");
        print_list_or_query(&e->in.list, e->in.query, b);
    } else if (e->kind == WEIR_AST_EX_BETWEEN) {
        weir_print_operand(e->between.operand, WEIR_BP_RANGE, b);
        weir_buf_puts(b, e->between.negated ? " NOT BETWEEN " : " BETWEEN ");
        if (e->between.symmetric) weir_buf_puts(b, "SYMMETRIC ");
        weir_print_operand(e->between.low, min, b);
        weir_buf_puts(b, " AND ");
        weir_print_operand(e->between.high, min, b);
    } else {
        weir_print_operand(e->like.operand, WEIR_BP_RANGE, b);
        weir_buf_puts(b, e->like.negated ? " NOT " : " ");
        weir_buf_puts(b, e->like.similar ? "SIMILAR TO " : "LIKE ");
        weir_print_operand(e->like.pattern, min, b);
        if (e->like.escape) {
            weir_buf_puts(b, " ESCAPE ");
            weir_print_operand(e->like.escape, min, b);
        }
    }
}

static void print_binary(const struct weir_ast_expr *e, struct weir_buf *b)
{
    int bp = binary_power(e->binary.op);
    weir_print_operand(e->binary.left, bp, b);
    weir_buf_printf(b, " %s ", weir_ast_binary_op_text(e->binary.op));
    weir_print_operand(e->binary.right, bp + 1, b);
}

static void print_quantified(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_print_operand(e->quantified.operand, WEIR_BP_COMPARE, b);
    weir_buf_printf(b, " %s %s ", weir_ast_binary_op_text(e->quantified.op),
                    e->quantified.all ? "ALL" : "ANY");
    print_list_or_query(&e->quantified.list, e->quantified.query, b);
}

static void print_case(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_buf_puts(b, "CASE");
    if (e->case_when.operand) {
        weir_buf_putc(b, ' ');
        weir_ast_print_expr(e->case_when.operand, b);
    }
    for (size_t i = 0; i < e->case_when.n; i++) {
        weir_buf_puts(b, " WHEN ");
        weir_ast_print_expr(e->case_when.whens[i].when, b);
        weir_buf_puts(b, " THEN ");
        weir_ast_print_expr(e->case_when.whens[i].then, b);
    }
    if (e->case_when.otherwise) {
        weir_buf_puts(b, " ELSE ");
        weir_ast_print_expr(e->case_when.otherwise, b);
    }
    weir_buf_puts(b, " END");
}

static void print_table_arg(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_buf_puts(b, "TABLE ");
    if (e->table_arg.query) {
        weir_buf_putc(b, '(');
        weir_ast_print_query(e->table_arg.query, b);
        weir_buf_putc(b, ')');
    } else {
        weir_ast_print_name(&e->table_arg.name, b);
    }
    if (e->table_arg.partition_by.n) {
        weir_buf_puts(b, " PARTITION BY ");
        weir_print_exprs(&e->table_arg.partition_by, b);
    }
    if (e->table_arg.order_by.n) {
        weir_buf_putc(b, ' ');
        weir_print_orders(&e->table_arg.order_by, b);
    }
}

static void print_wrapped_list(const char *open, const struct weir_ast_exprs *list,
                               const char *close, struct weir_buf *b)
{
    weir_buf_puts(b, open);
    weir_print_exprs(list, b);
    weir_buf_puts(b, close);
}

static void print_star(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_ast_print_name(&e->star.qualifier, b);
    weir_buf_puts(b, e->star.qualifier.n ? ".*" : "*");
}

static void print_cast(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_buf_puts(b, e->cast.is_try ? "TRY_CAST(" : "CAST(");
    weir_ast_print_expr(e->cast.operand, b);
    weir_buf_puts(b, " AS ");
    weir_ast_print_type(e->cast.type, b);
    weir_buf_putc(b, ')');
}

void weir_ast_print_expr(const struct weir_ast_expr *e, struct weir_buf *b)
{
    switch (e->kind) {
    case WEIR_AST_EX_LITERAL: print_literal(e->literal, b); break;
    case WEIR_AST_EX_COLUMN: weir_ast_print_name(&e->column, b); break;
    case WEIR_AST_EX_STAR: print_star(e, b); break;
    case WEIR_AST_EX_FIELD:
        print_base(e->field.base, true, b);
        weir_buf_putc(b, '.');
        weir_ast_print_ident(e->field.name.name, b);
        break;
    case WEIR_AST_EX_INDEX:
        print_base(e->index.base, false, b);
        weir_buf_putc(b, '[');
        weir_ast_print_expr(e->index.index, b);
        weir_buf_putc(b, ']');
        break;
    case WEIR_AST_EX_UNARY: print_unary(e, b); break;
    case WEIR_AST_EX_BINARY: print_binary(e, b); break;
    case WEIR_AST_EX_AND:
    case WEIR_AST_EX_OR: print_chain(e, b); break;
    case WEIR_AST_EX_IS: print_is(e, b); break;
    case WEIR_AST_EX_BETWEEN:
    case WEIR_AST_EX_LIKE:
    case WEIR_AST_EX_IN: print_range(e, b); break;
    case WEIR_AST_EX_EXISTS: weir_buf_puts(b, "EXISTS "); /* fall through */
    case WEIR_AST_EX_SUBQUERY: print_list_or_query(NULL, e->query, b); break;
    case WEIR_AST_EX_QUANTIFIED: print_quantified(e, b); break;
    case WEIR_AST_EX_CASE: print_case(e, b); break;
    case WEIR_AST_EX_CAST: print_cast(e, b); break;
    case WEIR_AST_EX_CALL: print_call(e->call, b); break;
    case WEIR_AST_EX_ROW: print_wrapped_list(e->implicit ? "(" : "ROW(", &e->list, ")", b); break;
    case WEIR_AST_EX_ARRAY: print_wrapped_list("ARRAY[", &e->list, "]", b); break;
    case WEIR_AST_EX_MAP: print_wrapped_list("MAP[", &e->list, "]", b); break;
    case WEIR_AST_EX_UNIT: weir_buf_puts(b, weir_ast_unit_name(e->unit)); break;
    case WEIR_AST_EX_NAMED_ARG:
        if (e->named_arg.name.quoted)
            weir_ast_print_ident(e->named_arg.name.name, b);
        else
            weir_buf_puts(b, e->named_arg.name.name); /* OFFSET => 1: any word will do */
        weir_buf_puts(b, " => ");
        weir_ast_print_expr(e->named_arg.value, b);
        break;
    case WEIR_AST_EX_DESCRIPTOR:
        weir_buf_puts(b, "DESCRIPTOR");
        weir_print_idents(&e->descriptor, b);
        break;
    case WEIR_AST_EX_TABLE_ARG: print_table_arg(e, b); break;
    case WEIR_AST_EX_DEFAULT: weir_buf_puts(b, "DEFAULT"); break;
    }
}
