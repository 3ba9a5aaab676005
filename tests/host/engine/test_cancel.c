/* A cancelled call says so, wherever it was: before its first statement, between two, or in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/weir.h>

/* Before: nothing is done, and the call after it runs normally. */
static void test_before(void **state)
{
    (void)state;
    struct weir_engine *e;
    struct weir_error err;
    assert_int_equal(weir_open(NULL, &e, &err), 0);
    weir_cancel(e);
    assert_int_equal(weir_execute(e, "CREATE VIEW v AS SELECT 1 AS x; SELECT x FROM v", NULL, &err),
                     WEIR_ERR_CANCELLED);
    assert_string_equal(err.message, "cancelled before statement 1 of 2");
    assert_int_equal(weir_execute(e, "CREATE VIEW v AS SELECT 1 AS x; SELECT x FROM v", NULL, &err),
                     0);
    weir_close(e);
}

static int no_schema(void *ctx, struct ArrowSchema *schema)
{
    (void)ctx;
    schema->release(schema);
    return 0;
}

/* The first rows stop the engine. */
static int cancel_engine(void *ctx, struct ArrowArray *batch)
{
    weir_cancel(ctx);
    batch->release(batch);
    return 0;
}

static void test_within(void **state)
{
    (void)state;
    struct weir_engine *e;
    struct weir_error err;
    assert_int_equal(weir_open(NULL, &e, &err), 0);
    struct weir_row_handler handler = {e, no_schema, cancel_engine};
    const char *sql = "CREATE TABLE g (x BIGINT) WITH ('connector' = 'datagen');" /* no end */
                      "SELECT x FROM g; SELECT 1 AS x";
    assert_int_equal(weir_query_rows(e, sql, &handler, &err), WEIR_ERR_CANCELLED);
    weir_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
