/* The printer, and through it the parser: text in the printer's own form comes back byte for byte
   (so nothing is lost on the way), every precedence is checked against a table of fully bracketed
   forms, and the trees of random expressions survive printing. */
#include <stdlib.h>

#include "sql_test.h"

/* ---- an expression's structure as text: every operator in brackets ---- */

static void dump(const struct weir_ast_expr *e, struct weir_buf *b);

static void dump_list(const char *word, const struct weir_ast_exprs *l, struct weir_buf *b)
{
    weir_buf_printf(b, "[%s", word);
    for (size_t i = 0; i < l->n; i++) {
        weir_buf_putc(b, ' ');
        dump(l->items[i], b);
    }
    weir_buf_putc(b, ']');
}

/* [WORD a b c], absent operands left out */
static void dump_node(const char *word, const struct weir_ast_expr *x,
                      const struct weir_ast_expr *y, const struct weir_ast_expr *z,
                      struct weir_buf *b)
{
    const struct weir_ast_expr *all[] = {x, y, z};
    weir_buf_printf(b, "[%s", word);
    for (size_t i = 0; i < 3; i++) {
        if (!all[i]) continue;
        weir_buf_putc(b, ' ');
        dump(all[i], b);
    }
    weir_buf_putc(b, ']');
}

static void dump_case(const struct weir_ast_expr *e, struct weir_buf *b)
{
    weir_buf_puts(b, "[case");
    if (e->case_when.operand) dump_node(" of", e->case_when.operand, NULL, NULL, b);
    for (size_t i = 0; i < e->case_when.n; i++) {
        dump_node(" when", e->case_when.whens[i].when, e->case_when.whens[i].then, NULL, b);
    }
    if (e->case_when.otherwise) dump_node(" else", e->case_when.otherwise, NULL, NULL, b);
    weir_buf_putc(b, ']');
}

static void dump(const struct weir_ast_expr *e, struct weir_buf *b)
{
    static const char *const unary[] = {"neg", "plus", "not"};
    char word[64];
    switch (e->kind) {
    case WEIR_AST_EX_UNARY: dump_node(unary[e->unary.op], e->unary.operand, NULL, NULL, b); break;
    case WEIR_AST_EX_BINARY:
        dump_node(weir_ast_binary_op_text(e->binary.op), e->binary.left, e->binary.right, NULL, b);
        break;
    case WEIR_AST_EX_AND: dump_list("and", &e->list, b); break;
    case WEIR_AST_EX_OR: dump_list("or", &e->list, b); break;
    case WEIR_AST_EX_ROW: dump_list(e->implicit ? "tuple" : "row", &e->list, b); break;
    case WEIR_AST_EX_ARRAY: dump_list("array", &e->list, b); break;
    case WEIR_AST_EX_MAP: dump_list("map", &e->list, b); break;
    case WEIR_AST_EX_IS:
        snprintf(word, sizeof word, "is%d%s", e->is.test, e->is.negated ? "!" : "");
        dump_node(word, e->is.operand, e->is.right, NULL, b);
        break;
    case WEIR_AST_EX_BETWEEN:
        snprintf(word, sizeof word, "between%s%s", e->between.negated ? "!" : "",
                 e->between.symmetric ? "~" : "");
        dump_node(word, e->between.operand, e->between.low, e->between.high, b);
        break;
    case WEIR_AST_EX_LIKE:
        snprintf(word, sizeof word, "%s%s", e->like.similar ? "similar" : "like",
                 e->like.negated ? "!" : "");
        dump_node(word, e->like.operand, e->like.pattern, e->like.escape, b);
        break;
    case WEIR_AST_EX_IN:
        weir_buf_printf(b, "[in%s ", e->in.negated ? "!" : "");
        dump(e->in.operand, b);
        dump_list(" list", &e->in.list, b);
        weir_buf_putc(b, ']');
        break;
    case WEIR_AST_EX_QUANTIFIED:
        weir_buf_printf(b, "[%s%s ", weir_ast_binary_op_text(e->quantified.op),
                        e->quantified.all ? "all" : "any");
        dump(e->quantified.operand, b);
        dump_list(" list", &e->quantified.list, b);
        weir_buf_putc(b, ']');
        break;
    case WEIR_AST_EX_CASE: dump_case(e, b); break;
    case WEIR_AST_EX_CALL: dump_list(e->call->name.parts[0].name, &e->call->args, b); break;
    case WEIR_AST_EX_FIELD:
        snprintf(word, sizeof word, ".%s", e->field.name.name);
        dump_node(word, e->field.base, NULL, NULL, b);
        break;
    case WEIR_AST_EX_INDEX: dump_node("at", e->index.base, e->index.index, NULL, b); break;
    case WEIR_AST_EX_CAST:
        weir_buf_puts(b, e->cast.is_try ? "[try_cast " : "[cast ");
        weir_ast_print_type(e->cast.type, b);
        weir_buf_putc(b, ' ');
        dump(e->cast.operand, b);
        weir_buf_putc(b, ']');
        break;
    default: weir_ast_print_expr(e, b); /* leaves */
    }
}

static const char *dumped(const struct weir_ast_expr *e)
{
    struct weir_buf b = {0};
    dump(e, &b);
    assert_false(b.oom);
    const char *s = weir_arena_strndup(&arena, b.data, b.len);
    weir_buf_release(&b);
    return s;
}

static const char *printed(const struct weir_ast_expr *e)
{
    struct weir_buf b = {0};
    weir_ast_print_expr(e, &b);
    assert_false(b.oom);
    const char *s = weir_arena_strndup(&arena, b.data, b.len);
    weir_buf_release(&b);
    return s;
}

/* ---- precedence ---- */

static const struct {
    const char *sql, *tree;
} precedence[] = {
    {"a OR b AND c", "[or a [and b c]]"},
    {"a AND b OR c AND d", "[or [and a b] [and c d]]"},
    {"a OR b OR c", "[or a b c]"},
    {"a AND (b AND c) AND d", "[and a [and b c] d]"},
    {"NOT a AND b", "[and [not a] b]"},
    {"NOT a = b", "[not [= a b]]"},
    {"NOT a IS NULL", "[not [is0 a]]"},
    {"NOT NOT a", "[not [not a]]"},
    {"a = NOT b AND c", "[and [= a [not b]] c]"},
    {"a = b IS NULL", "[is0 [= a b]]"},
    {"a IS NULL IS NOT TRUE", "[is1! [is0 a]]"},
    {"a IS NULL = b", "[= [is0 a] b]"},
    {"a IS DISTINCT FROM b + 1 AND c", "[and [is4 a [+ b 1]] c]"},
    {"a = b = c", "[= [= a b] c]"},
    {"a < b LIKE c", "[< a [like b c]]"},
    {"a LIKE b || c ESCAPE d", "[like a [|| b c] d]"},
    {"a NOT LIKE b AND c", "[and [like! a b] c]"},
    {"a SIMILAR TO b", "[similar a b]"},
    {"a BETWEEN b AND c AND d", "[and [between a b c] d]"},
    {"a NOT BETWEEN SYMMETRIC b + 1 AND c * 2 OR d", "[or [between!~ a [+ b 1] [* c 2]] d]"},
    {"a + b BETWEEN c AND d = e", "[= [between [+ a b] c d] e]"},
    {"a = b IN (c, d)", "[= a [in b[ list c d]]]"},
    {"a IN (1) IS TRUE", "[is1 [in a[ list 1]]]"},
    {"NOT a IN (1, 2)", "[not [in a[ list 1 2]]]"},
    {"a + b * c", "[+ a [* b c]]"},
    {"a - b - c", "[- [- a b] c]"},
    {"a / b * c % d", "[% [* [/ a b] c] d]"},
    {"a || b || c", "[|| [|| a b] c]"},
    {"a + b || c", "[+ a [|| b c]]"},
    {"a * b || c", "[|| [* a b] c]"},
    {"a + b < c - d", "[< [+ a b] [- c d]]"},
    {"-a * b", "[* [neg a] b]"},
    {"- -a", "[neg [neg a]]"},
    {"a - -1", "[- a -1]"},
    {"-a.b", "[neg a.b]"},
    {"-a[1]", "[neg [at a 1]]"},
    {"+a + +b", "[+ [plus a] [plus b]]"},
    {"a[1].b[2]", "[at [.b [at a 1]] 2]"},
    {"(a + b) * c", "[* [+ a b] c]"},
    {"a = ANY (1, 2) AND b", "[and [=any a[ list 1 2]] b]"},
    {"a + 1 > ALL (b)", "[>all [+ a 1][ list b]]"},
    {"a <> SOME (b)", "[<>any a[ list b]]"},
    {"a != b", "[<> a b]"},
    {"(a, b) OVERLAPS (c, d)", "[OVERLAPS [tuple a b] [tuple c d]]"},
    {"((a))", "a"},
    {"(a, (b, c))", "[tuple a [tuple b c]]"},
    {"CASE WHEN a OR b THEN c ELSE d END + 1", "[+ [case[ when [or a b] c][ else d]] 1]"},
    {"CASE a WHEN b = c THEN d END", "[case[ of a][ when [= b c] d]]"},
    {"CAST(a + 1 AS INT) * 2", "[* [cast INT [+ a 1]] 2]"},
    {"POSITION(a || b IN c)", "[POSITION [|| a b] c]"},
    {"f(a, b)[1].c", "[.c [at [f a b] 1]]"},
    {"ts - INTERVAL '4' SECOND", "[- ts INTERVAL '4' SECOND]"},
};

static void test_precedence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof precedence / sizeof *precedence; i++) {
        const struct weir_ast_expr *e = parse_expr(precedence[i].sql);
        assert_string_equal(dumped(e), precedence[i].tree);
        assert_string_equal(dumped(parse_expr(printed(e))), precedence[i].tree);
    }
}

/* ---- files ---- */

static const char *print_stmt(const struct weir_ast_stmt *s)
{
    struct weir_buf b = {0};
    weir_ast_print(s, &b);
    assert_false(b.oom);
    const char *text = weir_arena_strndup(&arena, b.data, b.len);
    weir_buf_release(&b);
    return text;
}

/* The text of a statement is what the tree prints. */
static void test_canonical(void **state)
{
    (void)state;
    struct weir_ast_script s = parse(read_file("roundtrip.sql"));
    assert_true(s.n > 100);
    for (size_t i = 0; i < s.n; i++) {
        const struct weir_pos *pos = &s.stmts[i]->pos;
        const char *text = weir_arena_strndup(&arena, s.sql + pos->start, pos->end - pos->start);
        assert_string_equal(print_stmt(s.stmts[i]), text);
    }
}

static void test_nexmark(void **state)
{
    (void)state;
    struct weir_ast_script s = parse(read_file("nexmark.sql"));
    assert_int_equal(s.n, 72);
    for (size_t i = 0; i < s.n; i++) {
        const char *once = print_stmt(s.stmts[i]);
        struct weir_ast_script again = parse(once);
        assert_int_equal(again.n, 1);
        assert_int_equal(again.stmts[0]->kind, s.stmts[i]->kind);
        assert_string_equal(print_stmt(again.stmts[0]), once);
    }
}

/* ---- random trees ---- */

static uint64_t rng;

static unsigned pick(unsigned n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)((rng >> 33) % n);
}

/* A random expression with every operand in parentheses, so that the text does not depend on
 * precedence. */
static void random_expr(unsigned depth, struct weir_buf *b)
{
    static const char *const leaves[] = {"a", "b.c", "1", "-2", "1.5", "'x'", "NULL", "`order`"};
    static const char *const forms[] = {
        "(%) + (%)",
        "(%) - (%)",
        "(%) * (%)",
        "(%) / (%)",
        "(%) % (%)",
        "(%) || (%)",
        "(%) = (%)",
        "(%) <> (%)",
        "(%) < (%)",
        "(%) AND (%) AND (%)",
        "(%) OR (%)",
        "NOT (%)",
        "- (%)",
        "+ (%)",
        "(%) IS NULL",
        "(%) IS NOT TRUE",
        "(%) IS DISTINCT FROM (%)",
        "(%) BETWEEN (%) AND (%)",
        "(%) NOT BETWEEN (%) AND (%)",
        "(%) LIKE (%)",
        "(%) NOT LIKE (%) ESCAPE (%)",
        "(%) IN ((%), (%))",
        "(%) NOT IN ((%))",
        "f((%), (%))",
        "CASE WHEN (%) THEN (%) ELSE (%) END",
        "CASE (%) WHEN (%) THEN (%) END",
        "CAST((%) AS INT)",
        "(%)[(%)]",
        "(%).x",
        "ROW((%), (%))",
        "((%), (%))",
        "ARRAY[(%), (%)]",
        "POSITION((%) IN (%))",
        "(%) = ANY ((%), (%))",
        "TRIM(BOTH (%) FROM (%))",
        "SUBSTRING((%) FROM (%) FOR (%))",
        "FLOOR((%) TO DAY)",
        "(%) SIMILAR TO (%)",
    };
    if (!depth) {
        weir_buf_puts(b, leaves[pick(sizeof leaves / sizeof *leaves)]);
        return;
    }
    for (const char *f = forms[pick(sizeof forms / sizeof *forms)]; *f; f++) {
        bool hole = f[0] == '%' && f[1] == ')';
        if (hole)
            random_expr(pick(depth), b);
        else
            weir_buf_putc(b, *f);
    }
}

static void test_random(void **state)
{
    (void)state;
    rng = 42;
    for (int i = 0; i < 20000; i++) {
        struct weir_buf b = {0};
        random_expr(1 + pick(5), &b);
        const struct weir_ast_expr *e = parse_expr(b.data);
        const char *tree = dumped(e), *text = printed(e);
        const struct weir_ast_expr *again = parse_expr(text);
        if (strcmp(dumped(again), tree)) {
            fail_msg("%s\nprints as %s\n%s\n%s", b.data, text, tree, dumped(again));
        }
        assert_string_equal(printed(again), text);
        assert_true(strlen(text) <= strlen(b.data));
        weir_buf_release(&b);
        weir_arena_reset(&arena);
    }
}

/* What must be quoted to be read again, and what needs no quotes. */
static void test_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"a", "a"},       {"a1_$", "a1_$"},  {"_a", "_a"},           {"1a", "`1a`"},
        {"a b", "`a b`"}, {"a`b", "`a``b`"}, {"select", "`select`"}, {"Year", "`Year`"},
        {"ünï", "`ünï`"}, {"plan", "plan"},  {"a-b", "`a-b`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_buf b = {0};
        weir_ast_print_ident(cases[i].name, &b);
        assert_string_equal(b.data, cases[i].text);
        const struct weir_ast_expr *e = parse_expr(b.data);
        assert_int_equal(e->kind, WEIR_AST_EX_COLUMN);
        assert_string_equal(e->column.parts[0].name, cases[i].name);
        weir_buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_precedence, release_arena),
        cmocka_unit_test_teardown(test_canonical, release_arena),
        cmocka_unit_test_teardown(test_nexmark, release_arena),
        cmocka_unit_test_teardown(test_random, release_arena),
        cmocka_unit_test_teardown(test_identifiers, release_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
