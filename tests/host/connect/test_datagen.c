/* The datagen source: the same rows for any number of splits, within the ranges that were asked
 * for. */
#include <time.h>

#include "table.h"

#define GEN "connector=datagen;"

static char *rows_split(const char *columns, const char *options, int want, uint32_t max_rows)
{
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    struct weir_buf out = {0};
    uint64_t n;
    int splits;
    table_make(&t, columns, options);
    if (weir_connect_source(&t.def, &s, &err)) fail_msg("%s", err.message);
    if (read_source(s, (struct read_plan){want, max_rows, NULL, 0}, &out, &n, &splits, &err))
        fail_msg("%s", err.message);
    assert_true(splits <= want);
    assert_int_equal(s->est_rows, n);
    assert_true(s->bounded);
    assert_int_equal(s->streaming, strstr(options, "rows-per-second") != NULL);
    s->ops->free(s);
    table_drop(&t);
    char *text = strdup(out.data ? out.data : "");
    weir_buf_release(&out);
    return text;
}

static void test_splits(void **state)
{
    (void)state;
    const char *columns = "b:b t:t h:h i:i l:l f:f d:d n:n N:N s:s y:y D:D T:T S:S Z:Z q:l";
    const char *options =
        GEN "number-of-rows=1000;seed=42;fields.s.length=7;fields.y.var-len=true;fields.y.length=5;"
            "fields.l.null-rate=0.5;fields.S.max-past=1 h;fields.q.kind=sequence;fields.q.start=10;"
            "fields.q.end=100000";
    char *want = rows_split(columns, options, 1, WEIR_BATCH_ROWS);
    size_t lines = 0;
    for (const char *p = want; *p; p++) lines += *p == '\n';
    assert_true(lines >= 1000);
    for (int n = 2; n < 40; n += 1 + n / 4) {
        char *got = rows_split(columns, options, n, 1 + (uint32_t)below(500));
        assert_string_equal(got, want);
        free(got);
    }
    char *again = rows_split(columns, options, 1, 100);
    assert_string_equal(again, want);
    free(again);
    char *other = rows_split(
        columns,
        GEN
        "number-of-rows=1000;seed=43;fields.q.kind=sequence;fields.q.start=10;fields.q.end=9999",
        1, 100);
    assert_string_not_equal(other, want);
    free(other);
    free(want);
}

static void test_sequence(void **state)
{
    (void)state;
    const char *seq = "fields.a.kind=sequence;fields.a.start=-1;fields.a.end=2";
    char options[200];
    snprintf(options, sizeof options, GEN "%s", seq);
    expect_rows("a:l", options, "-1\n0\n1\n2\n");
    expect_rows("a:s", options, "-1\n0\n1\n2\n");
    expect_rows("a:d", options, "-1.0\n0.0\n1.0\n2.0\n");
    expect_rows("a:n", options, "-1.00\n0.00\n1.00\n2.00\n");
    snprintf(options, sizeof options, GEN "%s;number-of-rows=2", seq);
    expect_rows("a:t", options, "-1\n0\n");
    snprintf(options, sizeof options, GEN "%s;number-of-rows=20", seq);
    expect_rows("a:t", options, "-1\n0\n1\n2\n");
    expect_rows("a:l", GEN "number-of-rows=0", "");
    expect_rows("a:l", GEN "number-of-rows=3;fields.a.null-rate=1", "NULL\nNULL\nNULL\n");
    expect_rows("a:i b:i",
                GEN
                "number-of-rows=2;fields.a.min=5;fields.a.max=5;fields.b.min=-7;fields.b.max=-7",
                "5|-7\n5|-7\n");
}

static void test_ranges(void **state)
{
    (void)state;
    struct table t;
    struct weir_source *s;
    struct weir_reader *r;
    struct weir_batch *b;
    struct weir_error err;
    int n, columns[] = {0, 1, 2, 3, 4};
    int64_t low = INT64_MAX, high = INT64_MIN, nulls = 0, seen[11] = {0};
    table_make(&t, "a:i l:l d:d s:s S:S",
               GEN "number-of-rows=20000;seed=7;fields.a.min=-5;fields.a.max=5;fields.d.min=-1e308;"
                   "fields.d.max=1e308;"
                   "fields.a.null-rate=0.25;fields.s.length=3;fields.S.max-past=10 s");
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->plan_splits(s, 1, &n, &err), 0);
    assert_int_equal(s->ops->open_split(s, 0, columns, 5, NULL, &r, &err), 0);
    while (s->ops->next(r, 1000, &b, &err) == 1) {
        for (uint32_t i = 0; i < b->n_rows; i++) {
            int64_t l = ((const int64_t *)b->col[1].values)[i],
                    ts = ((const int64_t *)b->col[4].values)[i];
            double d = ((const double *)b->col[2].values)[i];
            low = l < low ? l : low;
            high = l > high ? l : high;
            assert_true(d >= -1e308 && d <= 1e308);
            assert_int_equal(weir_column_str(&b->col[3], i).len, 3);
            assert_true(ts <= 1704067200000000 && ts >= 1704067200000000 - 10000000);
            if (weir_column_is_null(&b->col[0], i)) {
                nulls++;
            } else {
                int32_t a = ((const int32_t *)b->col[0].values)[i];
                assert_true(a >= -5 && a <= 5);
                seen[a + 5]++;
            }
        }
        weir_batch_unref(b);
    }
    assert_true(low < INT64_MIN / 2 && high > INT64_MAX / 2);
    assert_true(nulls > 4600 && nulls < 5400);
    for (int i = 0; i < 11; i++) assert_true(seen[i] > 1150 && seen[i] < 1600);
    s->ops->close(r);
    s->ops->free(s);
    table_drop(&t);
}

/* 1500 rows at 5000 a second over 3 splits, one after the other as one thread reads them: each
 * takes 0.3 s. */
static void test_rate(void **state)
{
    (void)state;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    char *rows = rows_split("a:l", GEN "number-of-rows=1500;rows-per-second=5000", 3, 100000);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    free(rows);
    assert_true(took >= 0.85);
}

static void test_unbounded(void **state)
{
    (void)state;
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    bool seen[6000] = {0};
    table_make(&t, "a:l", GEN "rows-per-second=1000000000;seed=1");
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_true(!s->bounded && s->streaming);
    int n;
    assert_int_equal(s->ops->plan_splits(s, 3, &n, &err), 0);
    assert_int_equal(n, 3);
    for (int i = 0; i < n; i++) {
        struct weir_reader *r;
        struct weir_batch *b;
        const int column = 0;
        assert_int_equal(s->ops->open_split(s, i, &column, 1, NULL, &r, &err), 0);
        for (int k = 0; k < 6; k++) {
            assert_int_equal(s->ops->next(r, 333, &b, &err), 1);
            for (uint32_t row = 0; row < b->n_rows; row++) {
                uint64_t number = b->origin.position + row;
                if (number >= 6000) continue;
                assert_false(seen[number]);
                seen[number] = true;
            }
            weir_batch_unref(b);
        }
        s->ops->close(r);
    }
    for (int i = 0; i < 3 * 1024; i++) assert_true(seen[i]);
    s->ops->free(s);
    table_drop(&t);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("a:l", GEN "fields.b.kind=random",
                 "option 'fields.b.kind': the table has no physical column 'b'");
    expect_error("a:l", GEN "fields.a.kind=rnd", "'rnd' is none of 'random', 'sequence'");
    expect_error("a:l", GEN "fields.a.kind=sequence;fields.a.start=1",
                 "option 'fields.a.end': it is missing");
    expect_error("a:l", GEN "fields.a.kind=sequence;fields.a.start=1;fields.a.end=0",
                 "it is less than the start");
    expect_error("a:b", GEN "fields.a.kind=sequence;fields.a.start=1;fields.a.end=2",
                 "there is no sequence of type BOOLEAN");
    expect_error("a:t", GEN "fields.a.max=300", "'300' is not a value of type TINYINT");
    expect_error("a:l", GEN "fields.a.max=3;fields.a.min=4", "it is less than the minimum");
    expect_error("a:l", GEN "fields.a.null-rate=2", "'2' is not a number from 0 to 1");
    expect_error("a:l!", GEN "fields.a.null-rate=0.5", "the column is NOT NULL");
    expect_error("a:S", GEN "fields.a.max-past=soon", "'soon' is not a duration");
    expect_error("a:l", GEN "row-per-second=1", "did you mean 'rows-per-second'?");
    expect_error("a:l", GEN "number-of-rows=-1", "-1 is outside 0 to");
    expect_error("a:s", GEN "fields.a.length=-1", "-1 is outside 0 to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits),    cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_rate),
        cmocka_unit_test(test_unbounded), cmocka_unit_test(test_errors)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
