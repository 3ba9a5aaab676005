/* Expressions as text: constants are SQL literals, parentheses only where they matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "runtime/plan/logical.h"

static struct weir_arena arena;

static void expect_text(const struct weir_expr *e, const char *want)
{
    struct weir_buf out = {0};
    weir_expr_text(e, NULL, &out);
    assert_string_equal(out.data, want);
    weir_buf_release(&out);
}

static struct weir_expr *constant(struct weir_value v)
{
    struct weir_expr *e = weir_expr_const(&arena, &v, (struct weir_pos){0});
    assert_non_null(e);
    return e;
}

static struct weir_expr *integer(enum weir_type_id id, int precision, int64_t v)
{
    struct weir_value value = {.type = weir_type_make(id), .i = v};
    value.type.precision = (uint8_t)precision;
    return constant(value);
}

static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } day[] = {
        {0, "INTERVAL '0' SECOND"},
        {1000000, "INTERVAL '1' SECOND"},
        {-5000000, "INTERVAL '-5' SECOND"},
        {60000000, "INTERVAL '1' MINUTE"},
        {90000000, "INTERVAL '90' SECOND"},
        {5400000000, "INTERVAL '90' MINUTE"},
        {3600000000, "INTERVAL '1' HOUR"},
        {86400000000, "INTERVAL '1' DAY"},
        {500000, "INTERVAL '0.500' SECOND"},
        {-1000001, "INTERVAL '-1.000001' SECOND"},
        {100000000, "INTERVAL '0 00:01:40' DAY TO SECOND"},
        {-93784500000, "INTERVAL '-1 02:03:04.500000' DAY TO SECOND"},
        {8640000000000, "INTERVAL '100 00:00:00' DAY TO SECOND"},
        {INT64_MIN, "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND"},
    };
    static const struct {
        int64_t months;
        const char *text;
    } month[] = {{0, "INTERVAL '0' MONTH"},
                 {-3, "INTERVAL '-3' MONTH"},
                 {24, "INTERVAL '2' YEAR"},
                 {-18, "INTERVAL '-1-6' YEAR TO MONTH"}};
    for (size_t i = 0; i < sizeof day / sizeof *day; i++)
        expect_text(integer(WEIR_TYPE_INTERVAL_DAY, 0, day[i].us), day[i].text);
    for (size_t i = 0; i < sizeof month / sizeof *month; i++)
        expect_text(integer(WEIR_TYPE_INTERVAL_MONTH, 0, month[i].months), month[i].text);
}

static void test_literals(void **state)
{
    (void)state;
    expect_text(integer(WEIR_TYPE_BIGINT, 0, -7), "-7");
    expect_text(integer(WEIR_TYPE_DATE, 0, 19723), "DATE '2024-01-01'");
    expect_text(integer(WEIR_TYPE_TIME, 3, 36000123), "TIME '10:00:00.123'");
    expect_text(integer(WEIR_TYPE_TIMESTAMP, 3, 1704067200500000),
                "TIMESTAMP '2024-01-01 00:00:00.500'");
    expect_text(integer(WEIR_TYPE_TIMESTAMP_LTZ, 0, 0), "TIMESTAMP_LTZ '1970-01-01 00:00:00'");
    expect_text(constant((struct weir_value){.type = weir_type_decimal(10, 2), .i = -5}), "-0.05");
    weir_i128 big = (weir_i128)10000000000000000 * 10000000000000000;
    expect_text(constant((struct weir_value){.type = weir_type_decimal(38, 3), .x = big}),
                "100000000000000000000000000000.000");
    expect_text(constant((struct weir_value){.type = weir_type_make(WEIR_TYPE_DOUBLE), .f = 0.1}),
                "0.1");
    expect_text(constant((struct weir_value){.type = weir_type_make(WEIR_TYPE_BOOLEAN), .b = 1}),
                "TRUE");
    expect_text(constant((struct weir_value){.type = weir_type_string(), .s = {"it's", 4}}),
                "'it''s'");
    expect_text(constant((struct weir_value){.type = weir_type_make(WEIR_TYPE_VARBINARY),
                                             .s = {"\0\xfe", 2}}),
                "X'00fe'");
    expect_text(
        constant((struct weir_value){.type = weir_type_make(WEIR_TYPE_DATE), .is_null = true}),
        "NULL");
}

static struct weir_expr *two(enum weir_op op, struct weir_expr *a, struct weir_expr *b)
{
    struct weir_expr *e =
        weir_expr_new(&arena, op, weir_type_make(WEIR_TYPE_BOOLEAN), (struct weir_pos){0}, 2);
    assert_non_null(e);
    e->arg[0] = a;
    e->arg[1] = b;
    return e;
}

static void test_parentheses(void **state)
{
    (void)state;
    struct weir_expr *x[4];
    for (int i = 0; i < 4; i++)
        x[i] = weir_expr_column(&arena, i, weir_type_make(WEIR_TYPE_INT), (struct weir_pos){0});
    struct weir_expr *sum = two(WEIR_OP_ADD, x[0], x[1]), *equal = two(WEIR_OP_EQ, x[2], x[3]);
    struct weir_expr *difference = two(WEIR_OP_SUB, x[2], x[3]);
    expect_text(two(WEIR_OP_MUL, sum, x[2]), "($0 + $1) * $2");
    expect_text(two(WEIR_OP_ADD, two(WEIR_OP_MUL, x[0], x[1]), x[2]), "$0 * $1 + $2");
    expect_text(two(WEIR_OP_SUB, sum, difference), "$0 + $1 - ($2 - $3)");
    expect_text(two(WEIR_OP_EQ, equal, two(WEIR_OP_LT, sum, x[2])), "($2 = $3) = ($0 + $1 < $2)");
    struct weir_expr *both = two(WEIR_OP_AND, equal, equal), *any = two(WEIR_OP_OR, equal, equal);
    expect_text(two(WEIR_OP_AND, both, both), "$2 = $3 AND $2 = $3 AND $2 = $3 AND $2 = $3");
    expect_text(two(WEIR_OP_OR, any, both), "$2 = $3 OR $2 = $3 OR $2 = $3 AND $2 = $3");
    expect_text(two(WEIR_OP_AND, any, equal), "($2 = $3 OR $2 = $3) AND $2 = $3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_intervals),
                                       cmocka_unit_test(test_literals),
                                       cmocka_unit_test(test_parentheses)};
    weir_arena_init(&arena);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    weir_arena_release(&arena);
    return rc;
}
