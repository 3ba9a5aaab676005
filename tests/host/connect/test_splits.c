/* Any number of splits, any batch size and any scanner give the rows of one reader that goes
   through the file from its beginning; for files that are well-formed and for files that are not.
 */
#include <pthread.h>

#include "table.h"

#include "host/format/csv.h"

static void random_csv(struct weir_buf *b, int n_rows, bool broken)
{
    static const char *const pieces[] = {"a", "bc", "\"\"",   "\n", ",",    "\r\n",
                                         "é", " ",  "x\"\"y", "0",  "\n\n", ",,"};
    b->len = 0;
    weir_buf_puts(b, "");
    for (int i = 0; i < n_rows; i++) {
        weir_buf_printf(b, "%llu,", (unsigned long long)below(100000));
        for (int f = 0; f < 2; f++) {
            if (f) weir_buf_putc(b, ',');
            if (below(3) == 0) {
                weir_buf_putc(b, '"');
                for (uint64_t k = below(12); k; k--) weir_buf_puts(b, pieces[below(12)]);
                weir_buf_putc(b, '"');
            } else {
                for (uint64_t k = below(8); k; k--) weir_buf_putc(b, (char)('a' + below(26)));
            }
            if (broken && below(40) == 0) weir_buf_puts(b, below(2) ? "\"" : ",");
        }
        if (broken && below(60) == 0) weir_buf_putc(b, 0);
        if (i + 1 < n_rows || below(2)) weir_buf_puts(b, below(4) ? "\n" : "\r\n");
    }
}

static void random_json(struct weir_buf *b, int n_rows, bool broken)
{
    b->len = 0;
    weir_buf_puts(b, "");
    for (int i = 0; i < n_rows; i++) {
        weir_buf_printf(b, "{\"n\":%llu,\"s\":\"", (unsigned long long)below(100000));
        for (uint64_t k = below(30); k; k--) weir_buf_puts(b, below(5) ? "x" : "\\n");
        weir_buf_puts(b, broken && below(20) == 0 ? "\"\n" : "\"}\n");
        if (below(10) == 0) weir_buf_puts(b, "\n  \r\n");
    }
}

static char *rows_with(const char *columns, const char *options, int want, uint32_t max_rows,
                       uint64_t *skipped)
{
    struct table t;
    struct weir_source *s;
    struct weir_error err = {0};
    struct weir_buf out = {0};
    uint64_t n;
    table_make(&t, columns, options);
    int rc = weir_connect_source(&t.def, &s, &err);
    assert_int_equal(rc, 0);
    rc = read_source(s, (struct read_plan){want, max_rows, NULL, 0}, &out, &n, NULL, &err);
    if (rc) {
        out.len = 0;
        weir_buf_printf(&out, "ERROR %s", err.message);
    }
    *skipped = s->skipped;
    s->ops->free(s);
    table_drop(&t);
    char *text = strdup(out.data ? out.data : "");
    weir_buf_release(&out);
    return text;
}

static void check_file(const char *columns, const char *options, const struct weir_buf *b)
{
    static const char *const isa[] = {"plain", "sse2", "avx2"};
    uint64_t skipped, want_skipped;
    write_file("in", b->data, b->len);
    char *want = rows_with(columns, options, 1, WEIR_BATCH_ROWS, &want_skipped);
    for (int i = 0; i < 6; i++) {
        uint32_t max_rows = below(2) ? WEIR_BATCH_ROWS : 1 + (uint32_t)below(10);
        int splits = 1 + (int)below(below(4) ? 8 : 200);
        weir_csv_force_isa(isa[below(3)]);
        char *got = rows_with(columns, options, splits, max_rows, &skipped);
        weir_csv_force_isa("");
        if (strcmp(got, want) || skipped != want_skipped)
            fail_msg("%d splits, batches of %u, %s\n--- got (%llu)\n%s\n--- want (%llu)\n%s",
                     splits, max_rows, options, (unsigned long long)skipped, got,
                     (unsigned long long)want_skipped, want);
        free(got);
    }
    free(want);
}

#define SMALL ";path=in;source.min-split-bytes=1"

static void test_csv_splits(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    for (int round = 0; round < 300 / WEIR_TEST_SHARE; round++) {
        random_csv(&b, (int)below(80), false);
        check_file("n:l s:s u:s", "connector=filesystem;format=csv" SMALL, &b);
        if (round % 3 == 0)
            check_file("n:s s:s u:s",
                       "connector=filesystem;format=csv;csv.ignore-first-line=true" SMALL, &b);
    }
    weir_buf_release(&b);
}

static void test_csv_header_splits(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    for (int round = 0; round < 100 / WEIR_TEST_SHARE; round++) {
        b.len = 0;
        weir_buf_puts(&b, round % 2 ? "\"u\nlong, name\",n,s\n" : "u,n,s\n");
        for (uint64_t i = below(20); i; i--)
            weir_buf_printf(&b, "%s,%d,%s\n", below(2) ? "\"x\ny\"" : "", (int)i,
                            below(2) ? "\"\"\"\"" : "z");
        check_file("n:l s:s", "connector=filesystem;format=csv;csv.header=true" SMALL, &b);
    }
    weir_buf_release(&b);
}

static void test_broken_csv_splits(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    for (int round = 0; round < 300 / WEIR_TEST_SHARE; round++) {
        random_csv(&b, (int)below(60), true);
        check_file("n:l s:s u:s",
                   "connector=filesystem;format=csv;csv.ignore-parse-errors=true" SMALL, &b);
        check_file("n:s s:s u:s",
                   "connector=filesystem;format=csv;csv.disable-quote-character=true;"
                   "csv.ignore-parse-errors=true" SMALL,
                   &b);
    }
    weir_buf_release(&b);
}

static void test_json_splits(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    for (int round = 0; round < 200 / WEIR_TEST_SHARE; round++) {
        random_json(&b, (int)below(80), false);
        check_file("n:l s:s", "connector=filesystem;format=json" SMALL, &b);
        random_json(&b, (int)below(80), true);
        check_file("n:l s:s",
                   "connector=filesystem;format=json;format.ignore-parse-errors=true" SMALL, &b);
    }
    weir_buf_release(&b);
}

/* All splits at once, each in a thread of its own. */
struct worker {
    struct weir_source *source;
    int split, rc;
    uint64_t rows, sum;
    struct weir_error err;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct weir_reader *r;
    struct weir_batch *b;
    const int columns[] = {0};
    w->rc = w->source->ops->open_split(w->source, w->split, columns, 1, NULL, &r, &w->err);
    while (!w->rc && (w->rc = w->source->ops->next(r, 1000, &b, &w->err)) > 0) {
        for (uint32_t i = 0; i < b->n_rows; i++)
            w->sum += (uint64_t)((const int64_t *)b->col[0].values)[i];
        w->rows += b->n_rows;
        weir_batch_unref(b);
        w->rc = 0;
    }
    w->source->ops->close(r);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { N = 12, ROWS = 60000 };
    struct weir_buf b = {0};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROWS; i++) {
        sum += i;
        weir_buf_printf(&b, "%llu,%s\n", (unsigned long long)i,
                        i % 3 ? "plain" : "\"in\nquotes, \"\"!\"");
    }
    write_file("in", b.data, b.len);
    weir_buf_release(&b);
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    struct worker w[N + 1];
    pthread_t threads[N + 1];
    table_make(&t, "n:l s:s", "connector=filesystem;format=csv" SMALL);
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    for (int round = 0; round < 20 / WEIR_TEST_SHARE; round++) {
        int n;
        uint64_t rows = 0, got = 0;
        assert_int_equal(s->ops->plan_splits(s, N, &n, &err), 0);
        assert_true(n <= N + 1);
        for (int i = 0; i < n; i++) {
            w[i] = (struct worker){.source = s, .split = i};
            assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
        }
        for (int i = 0; i < n; i++) {
            pthread_join(threads[i], NULL);
            if (w[i].rc) fail_msg("%s", w[i].err.message);
            rows += w[i].rows;
            got += w[i].sum;
        }
        assert_int_equal(rows, ROWS);
        assert_int_equal(got, sum);
    }
    s->ops->free(s);
    table_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_splits), cmocka_unit_test(test_csv_header_splits),
        cmocka_unit_test(test_broken_csv_splits), cmocka_unit_test(test_json_splits),
        cmocka_unit_test(test_threads)};
    const char *seed = getenv("WEIR_TEST_SEED");
    if (seed) rng_state = strtoull(seed, NULL, 10);
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
