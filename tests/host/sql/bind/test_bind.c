/* Statements and what they are bound to: the files *.txt hold SQL, each with its expected plan and
   columns or its expected error. WEIR_TEST_REWRITE=1 writes the files anew with what came out, to
   be read through in the diff. */
#include "bind_test.h"

static void run_file(const char *name)
{
    struct weir_catalog catalog;
    struct weir_buf all = {0};
    int failures = 0, n = 0;
    char *text = read_text(name), *sql, *expected;
    const char *at = text;
    load_schema(&catalog);
    for (const char *from = at; next_case(&at, &sql, &expected); from = at, n++) {
        struct weir_buf out = {0};
        struct weir_error err = {0};
        bind_sql(&catalog, sql, &out, &err);
        assert_int_equal(open_handles, 0);
        const char *start = strstr(from, sql);
        weir_buf_add(&all, from, (size_t)(start - from));
        weir_buf_printf(&all, "%s\n%s", sql, out.data);
        if (strcmp(out.data, expected) && !getenv("WEIR_TEST_REWRITE")) {
            print_message("%s\nexpected:\n%sgot:\n%s\n", sql, expected, out.data);
            failures++;
        }
        weir_buf_release(&out);
        free(sql);
        free(expected);
    }
    weir_catalog_release(&catalog);
    if (getenv("WEIR_TEST_REWRITE")) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", BIND_TEST_DIR, name);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(all.data, 1, all.len, f), all.len);
        fclose(f);
    }
    weir_buf_release(&all);
    free(text);
    assert_true(n > 0);
    assert_int_equal(failures, 0);
}

static void test_queries(void **state)
{
    (void)state;
    run_file("queries.txt");
}
static void test_expressions(void **state)
{
    (void)state;
    run_file("expressions.txt");
}
static void test_joins(void **state)
{
    (void)state;
    run_file("joins.txt");
}
static void test_grouping(void **state)
{
    (void)state;
    run_file("grouping.txt");
}
static void test_statements(void **state)
{
    (void)state;
    run_file("statements.txt");
}
static void test_functions(void **state)
{
    (void)state;
    run_file("functions.txt");
}
static void test_errors(void **state)
{
    (void)state;
    run_file("errors.txt");
}

/* ---- what the text does not show ---- */

static const struct weir_node *find_node(const struct weir_node *n, enum weir_node_kind kind)
{
    while (n && n->kind != kind) n = n->n_inputs ? n->input[0] : NULL;
    assert_non_null(n);
    return n;
}

static void with_plan(const char *sql, void (*check)(const struct weir_node *root))
{
    struct weir_catalog catalog;
    struct weir_arena arena;
    struct weir_ast_script script;
    struct weir_bound bound;
    struct weir_error err = {0};
    load_schema(&catalog);
    weir_arena_init(&arena);
    assert_int_equal(weir_sql_parse(sql, strlen(sql), "job.sql", &arena, &script, &err), 0);
    if (weir_bind_statement(&catalog, script.stmts[0], "job.sql", &arena, &callbacks, &bound, &err))
        fail_msg("%s", err.message);
    check(bound.root);
    weir_bound_release(&bound);
    weir_arena_release(&arena);
    weir_catalog_release(&catalog);
}

static void ends_at_key_1(const struct weir_node *root)
{
    assert_int_equal(find_node(root, WEIR_NODE_AGGREGATE)->aggregate.window_end_key, 1);
}
static void ends_at_key_0(const struct weir_node *root)
{
    assert_int_equal(find_node(root, WEIR_NODE_AGGREGATE)->aggregate.window_end_key, 0);
}
static void never_ends(const struct weir_node *root)
{
    assert_int_equal(find_node(root, WEIR_NODE_AGGREGATE)->aggregate.window_end_key, -1);
}

/* The key that makes a group final: a window's end, as long as it is passed on unchanged. */
static void test_window_end_key(void **state)
{
    (void)state;
#define TVF "TABLE(TUMBLE(TABLE log, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
    with_plan("SELECT 1 FROM " TVF " GROUP BY ip, window_end", ends_at_key_1);
    with_plan("SELECT 1 FROM " TVF " GROUP BY window_start", never_ends);
    with_plan("SELECT 1 FROM " TVF " GROUP BY window_end + INTERVAL '1' DAY", never_ends);
    with_plan("SELECT 1 FROM log GROUP BY ip, TUMBLE(ts, INTERVAL '1' MINUTE)", ends_at_key_1);
    with_plan("SELECT 1 FROM (SELECT window_end AS e FROM " TVF ") AS t GROUP BY e", ends_at_key_0);
    with_plan("SELECT 1 FROM (SELECT window_end AS e FROM " TVF
              " UNION ALL SELECT window_end FROM " TVF ") AS t GROUP BY e",
              ends_at_key_0);
    with_plan("SELECT 1 FROM (SELECT window_end AS e FROM " TVF " UNION ALL SELECT ts FROM log"
              ") AS t GROUP BY e",
              never_ends);
    with_plan("SELECT 1 FROM " TVF " AS w JOIN ips ON w.ip = ips.ip GROUP BY window_end",
              ends_at_key_0);
    with_plan("SELECT 1 FROM ips JOIN " TVF " AS w ON w.ip = ips.ip GROUP BY window_end",
              never_ends);
    with_plan("SELECT 1 FROM (SELECT window_end, ip, COUNT(*) AS n FROM " TVF
              " GROUP BY window_end, ip) AS t GROUP BY n, window_end",
              ends_at_key_1);
}

static void rowtime_0(const struct weir_node *root)
{
    const struct weir_node *scan = find_node(root, WEIR_NODE_SCAN);
    assert_int_equal(scan->scan.rowtime, 0);
    assert_int_equal(scan->scan.watermark_us, 5000000);
}
static void rowtime_1(const struct weir_node *root) /* the column that the computed one copies */
{
    assert_int_equal(find_node(root, WEIR_NODE_SCAN)->scan.rowtime, 1);
}
static void no_rowtime(const struct weir_node *root)
{
    assert_int_equal(find_node(root, WEIR_NODE_SCAN)->scan.rowtime, -1);
}

static void test_rowtime(void **state)
{
    (void)state;
    with_plan("SELECT * FROM log", rowtime_0);
    with_plan("SELECT * FROM comp", rowtime_1);
    with_plan("SELECT * FROM ips", no_rowtime);
}

/* CUMULATE: the whole window, joined with 24 lengths. */
static void cumulate(const struct weir_node *root)
{
    const struct weir_node *w = find_node(root, WEIR_NODE_WINDOW);
    assert_int_equal(w->window.kind, WEIR_WINDOW_TUMBLE);
    assert_int_equal(w->window.time_column, 0);
    assert_int_equal(w->window.size_us, 86400000000);
    assert_int_equal(w->window.slide_us, 86400000000);
    assert_int_equal(w->window.offset_us, -1000000);
    const struct weir_batch *lengths = find_node(root, WEIR_NODE_JOIN)->input[1]->values.batch;
    assert_int_equal(lengths->n_rows, 24);
    assert_int_equal(weir_column_value(&lengths->col[0], 0).i, 3600000000);
    assert_int_equal(weir_column_value(&lengths->col[0], 23).i, 86400000000);
}

static void nulls(const struct weir_node *root)
{
    static const bool first[] = {true, false, false, true}, desc[] = {false, true, false, true};
    const struct weir_node *s = find_node(root, WEIR_NODE_SORT);
    assert_int_equal(s->sort.n_keys, 4);
    assert_int_equal(s->sort.limit, -1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(s->sort.key[i].nulls_first, first[i]);
        assert_int_equal(s->sort.key[i].descending, desc[i]);
    }
}

/* COALESCE(bytes / 2, 0) = CASE WHEN NOT x IS NULL THEN x ELSE 0: x is one node. */
static void shared(const struct weir_node *root)
{
    const struct weir_expr *e = find_node(root, WEIR_NODE_PROJECT)->project.expr[0];
    assert_int_equal(e->op, WEIR_OP_SELECT);
    assert_ptr_equal(e->arg[0]->arg[0]->arg[0], e->arg[1]);
}

/* ... also after it was moved above the aggregation. */
static void shared_above(const struct weir_node *root)
{
    const struct weir_expr *e = find_node(root, WEIR_NODE_PROJECT)->project.expr[0];
    assert_int_equal(e->op, WEIR_OP_SELECT);
    assert_int_equal(e->arg[1]->op, WEIR_OP_DIV);
    assert_ptr_equal(e->arg[0]->arg[0]->arg[0], e->arg[1]);
}

static void test_nodes(void **state)
{
    (void)state;
    with_plan("SELECT * FROM TABLE(CUMULATE(TABLE log, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL "
              "'1' DAY, INTERVAL -'1' SECOND))",
              cumulate);
    with_plan("SELECT * FROM log ORDER BY ip, status DESC, bytes NULLS LAST, ok DESC NULLS FIRST",
              nulls);
    with_plan("SELECT COALESCE(bytes / 2, 0) FROM log", shared);
    with_plan("SELECT COALESCE(SUM(bytes) / 2, 0) FROM log", shared_above);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries),    cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_joins),      cmocka_unit_test(test_grouping),
        cmocka_unit_test(test_statements), cmocka_unit_test(test_functions),
        cmocka_unit_test(test_errors),     cmocka_unit_test(test_window_end_key),
        cmocka_unit_test(test_rowtime),    cmocka_unit_test(test_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
