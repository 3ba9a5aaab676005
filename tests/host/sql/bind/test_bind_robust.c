/* The binder under bad conditions: every allocation failing in turn, statements mutated at random,
   and shapes that grow without bound. */
#include "bind_test.h"

static const char *const files[] = {"queries.txt",  "expressions.txt", "joins.txt",
                                    "grouping.txt", "statements.txt",  "errors.txt",
                                    "functions.txt"};

static void for_each_case(void (*visit)(struct weir_catalog *c, const char *sql, void *ctx),
                          void *ctx)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        struct weir_catalog catalog;
        char *text = read_text(files[f]), *sql, *expected;
        const char *at = text;
        load_schema(&catalog);
        while (next_case(&at, &sql, &expected)) {
            visit(&catalog, sql, ctx);
            free(sql);
            free(expected);
        }
        weir_catalog_release(&catalog);
        free(text);
    }
}

/* ---- allocation failure ---- */

/* Fail the first, second, ... allocation until the statement gets through: nothing stays open. */
static void fail_all(struct weir_catalog *c, const char *sql, void *ctx)
{
    int *walked = ctx;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct weir_error err = {0};
        weir_mem_fail_at(n, false);
        int status = bind_sql(c, sql, NULL, &err);
        failed = weir_mem_fail_at(0, false) >= n;
        assert_int_equal(open_handles, 0);
        assert_true(!status == !err.message[0]);
        *walked += failed;
    }
}

static void test_allocation_failure(void **state)
{
    (void)state;
    int walked = 0;
    for_each_case(fail_all, &walked);
    print_message("%d failed allocations\n", walked);
    assert_true(walked > 1000);
}

/* An arena with LEFT bytes to give before it asks for more. */
#define ARENA_BYTES 65536
static void short_arena(struct weir_arena *a, size_t left)
{
    weir_arena_init(a);
    assert_non_null(weir_arena_alloc(a, ARENA_BYTES));
    a->used = a->cap - left;
}

static void fail_in_arena(struct weir_catalog *c, const char *sql, void *ctx)
{
    int *walked = ctx;
    struct weir_arena trees, plan;
    struct weir_ast_script script;
    struct weir_error err = {0};
    weir_arena_init(&trees);
    if (weir_sql_parse(sql, strlen(sql), "job.sql", &trees, &script, &err)) script.n = 0;
    for (size_t i = 0; i < script.n; i++) {
        int status = WEIR_ERR_NOMEM;
        for (size_t left = 0; status == WEIR_ERR_NOMEM && left < ARENA_BYTES; left += 80) {
            for (int n = 1; n < 4 && status == WEIR_ERR_NOMEM; n++) {
                struct weir_bound bound;
                short_arena(&plan, left);
                weir_mem_fail_at((uint64_t)n, true);
                status = weir_bind_statement(c, script.stmts[i], "job.sql", &plan, &callbacks,
                                             &bound, &err);
                weir_mem_fail_at(0, false);
                weir_bound_release(&bound);
                weir_arena_release(&plan);
                assert_int_equal(open_handles, 0);
                *walked += status == WEIR_ERR_NOMEM;
            }
        }
    }
    weir_arena_release(&trees);
}

static void test_arena_failure(void **state)
{
    (void)state;
    int walked = 0;
    for_each_case(fail_in_arena, &walked);
    print_message("%d failures\n", walked);
    assert_true(walked > 10000);
}

/* ---- mutations ---- */

struct random {
    uint64_t state;
};

static uint32_t draw(struct random *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((r->state >> 33) % n);
}

/* Words that fit into many places. */
static const char *const words[] = {"ip",
                                    "status",
                                    "ts",
                                    "log",
                                    "ips",
                                    "NULL",
                                    "1",
                                    "1.5",
                                    "'x'",
                                    "COUNT(*)",
                                    "SUM(status)",
                                    "(",
                                    ")",
                                    ",",
                                    "AND",
                                    "OR",
                                    "NOT",
                                    "IN",
                                    "=",
                                    "+",
                                    "DISTINCT",
                                    "GROUP BY",
                                    "ORDER BY",
                                    "WHERE",
                                    "(SELECT 1)",
                                    "(SELECT ip FROM ips)",
                                    "EXISTS (SELECT 1 FROM ips WHERE ips.ip = log.ip)",
                                    "*",
                                    "INTERVAL '1' DAY",
                                    "TRUE",
                                    "CASE WHEN ok THEN 1 END",
                                    "UNION ALL",
                                    "l.",
                                    "AS a",
                                    "bytes"};

/* SQL with a few of its words dropped, doubled, swapped for others. */
static void mutate(struct random *r, const char *sql, char *out, size_t size)
{
    size_t n = 0;
    const char *p = sql;
    while (*p && n + 80 < size) {
        size_t len = 1;
        while (p[len] && (p[len] == '_' || (p[len] | 32) >= 'a') && (p[len - 1] | 32) >= 'a') len++;
        if (n + len + 80 >= size) break;
        uint32_t what = draw(r, 40);
        const char *word = words[draw(r, sizeof words / sizeof *words)];
        if (what == 0) {
            p += len;
            continue;
        }
        if (what == 1 || what == 2) n += (size_t)snprintf(out + n, size - n, " %s ", word);
        if (what != 2 || *p == ';') {
            memcpy(out + n, p, len);
            n += len;
        }
        if (what == 3 && *p != ';') {
            memcpy(out + n, p, len);
            n += len;
        }
        p += len;
    }
    out[n] = 0;
}

struct campaign {
    struct random r;
    int bound, refused;
};

static void mutate_case(struct weir_catalog *c, const char *sql, void *ctx)
{
    struct campaign *k = ctx;
    char text[4096];
    for (int i = 0; i < 25; i++) {
        struct weir_error err = {0};
        struct weir_catalog fresh;
        (void)c;
        mutate(&k->r, sql, text, sizeof text);
        load_schema(&fresh);
        int status = bind_sql(&fresh, text, NULL, &err);
        weir_catalog_release(&fresh);
        if (open_handles) fail_msg("left open by: %s", text);
        if (status == WEIR_ERR_PARSE) continue;
        if (status == WEIR_ERR_INTERNAL) fail_msg("%s: %s", text, err.message);
        if (status && !strchr(err.message, ':')) fail_msg("no position: %s: %s", text, err.message);
        if (status)
            k->refused++;
        else
            k->bound++;
    }
}

static void test_mutations(void **state)
{
    struct campaign k = {.r = {*(uint64_t *)*state}};
    print_message("seed %llu\n", (unsigned long long)k.r.state);
    for_each_case(mutate_case, &k);
    print_message("%d bound, %d refused\n", k.bound, k.refused);
    assert_true(k.bound > 200 && k.refused > 500);
}

/* ---- growth ---- */

static void repeat(struct weir_buf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++) weir_buf_puts(b, s);
}

static int bind_buf(struct weir_buf *b, struct weir_error *err)
{
    struct weir_catalog c;
    load_schema(&c);
    assert_false(b->oom);
    int status = bind_sql(&c, b->data, NULL, err);
    weir_catalog_release(&c);
    weir_buf_release(b);
    assert_int_equal(open_handles, 0);
    return status;
}

/* COALESCE uses its first argument twice: nested, the tree has 2^n nodes. */
static void test_exponential_sharing(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    struct weir_error err = {0};
    weir_buf_puts(&b, "SELECT ");
    repeat(&b, "COALESCE(", 60);
    weir_buf_puts(&b, "status");
    repeat(&b, ", bytes)", 60);
    weir_buf_puts(&b, " FROM log");
    assert_int_equal(bind_buf(&b, &err), WEIR_ERR_BIND);
    assert_non_null(strstr(err.message, "job.sql:1:8: this expression is too large"));
}

static void test_wide(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    struct weir_error err = {0};
    weir_buf_puts(&b, "SELECT ip FROM log WHERE status = 0");
    repeat(&b, " OR status + 1 = bytes", 20000);
    weir_buf_puts(&b, " OR status IN (0");
    repeat(&b, ", 7", 50000);
    weir_buf_puts(&b, ")");
    assert_int_equal(bind_buf(&b, &err), 0);
    weir_buf_puts(&b, "SELECT CASE");
    repeat(&b, " WHEN ok THEN 1", 1001);
    weir_buf_puts(&b, " END FROM log");
    assert_int_equal(bind_buf(&b, &err), WEIR_ERR_UNSUPPORTED);
}

/* Each view reads the one before twice: 2^n tables. */
static void test_exploding_views(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    struct weir_error err = {0};
    weir_buf_puts(&b, "CREATE VIEW v0 AS SELECT ip FROM ips;");
    for (int i = 1; i < 30; i++)
        weir_buf_printf(&b, "CREATE VIEW v%d AS SELECT a.ip FROM v%d a, v%d b;", i, i - 1, i - 1);
    assert_int_equal(bind_buf(&b, &err), WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "the query reads more than 2000 tables"));
    weir_buf_puts(&b, "CREATE VIEW v0 AS SELECT ip FROM ips;");
    for (int i = 1; i < 60; i++)
        weir_buf_printf(&b, "CREATE VIEW v%d AS SELECT ip FROM v%d;", i, i - 1);
    assert_int_equal(bind_buf(&b, &err), WEIR_ERR_BIND);
    assert_non_null(strstr(err.message, "nested more than 32 deep"));
}

int main(int argc, char **argv)
{
    static uint64_t seed;
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20240131;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation_failure),
        cmocka_unit_test(test_arena_failure),
        cmocka_unit_test_prestate(test_mutations, &seed),
        cmocka_unit_test(test_exponential_sharing),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_exploding_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
