/* The functions that make SQLite exact, against values worked out with Python's decimal and
   fractions modules and by hand.
   "!" is the mark of a failed operation. */

#include "sqlite_functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *sql, *expected;
} cases[] = {
    {"w_dec_text(w_decimal('+', x'cb3b4ca85a86c47a098a223fffffffff', 5, "
     "x'7fffffffffffffffffffffffffffffff', 5, 38, 5, 0), 5)",
     "999999999999999999999999999999999.99998"},
    {"w_dec_text(w_decimal('+', x'8785ee10d5da46d900f436a000000000', 0, "
     "x'c3b55e9784ac7da10895eba000000000', 0, 38, 0, 0), 0)",
     "!"},
    {"w_dec_text(w_decimal('-', x'7ffffffffffffffffffffffffffffffb', 2, "
     "x'80000000000000000000000000000011', 3, 7, 3, 0), 3)",
     "-0.067"},
    {"w_dec_text(w_decimal('*', x'80000000000000008ac7230489e80007', 3, "
     "x'80000000000000000de0b6b3a7640003', 10, 38, 6, 0), 6)",
     "1000000000000000003700000.000000"},
    {"w_dec_text(w_decimal('*', x'7ffffffffffffffffffffffffffffff1', 1, "
     "x'8000000000000000000000000000000f', 1, 5, 1, 0), 1)",
     "-2.3"},
    {"w_dec_text(w_decimal('*', x'8785ee10d5da46d900f436a000000000', 0, "
     "x'8000000000000000000000000000000b', 0, 38, 0, 0), 0)",
     "!"},
    {"w_dec_text(w_decimal('/', x'80000000000000000000000000000002', 0, "
     "x'80000000000000000000000000000003', 0, 22, 11, 0), 11)",
     "0.66666666667"},
    {"w_dec_text(w_decimal('/', x'7fffffffffffffffffffffffffffffff', 0, "
     "x'80000000000000000000000000000008', 0, 12, 2, 0), 2)",
     "-0.13"},
    {"w_dec_text(w_decimal('/', x'cb3b4ca85a86c47a098a223fffffffff', 0, "
     "x'80000000000000000000000000000007', 5, 38, 6, 0), 6)",
     "!"},
    {"w_dec_text(w_decimal('/', x'800000018ee90ff6c373e0ee4e3f0ad2', 10, "
     "x'7ffffffffffffffffffffffffffffff9', 3, 38, 13, 0), 13)",
     "-1763668414462081127160.4938270000000"},
    {"w_dec_text(w_decimal('/', x'80000000000000000000000000000001', 0, "
     "x'8000000c9f2c9cd04674edea40000000', 0, 38, 6, 0), 6)",
     "0.000000"},
    {"w_dec_text(w_decimal('%', x'7fffffffffffffffffffffffffffffef', 1, "
     "x'80000000000000000000000000000005', 0, 3, 1, 0), 1)",
     "-1.7"},
    {"w_dec_text(w_decimal('%', x'cb3b4ca85a86c47a098a223fffffffff', 0, "
     "x'80000000000000056bc75e2d63100027', 15, 30, 15, 0), 15)",
     "14.210000000000000"},
    {"w_dec_text(w_decimal('%', x'80000000000000000000000000000007', 0, "
     "x'cb3b4ca85a86c47a098a223fffffffff', 0, 38, 0, 0), 0)",
     "7"},
    {"w_dec_text(w_decimal('/', w_dec(1, 0, 1, 0, 0), 0, w_dec(0, 0, 1, 0, 0), 0, 10, 6, 0), 6)",
     "!"},
    {"w_int('+', 127, 1, 8, 0)", "!"},
    {"w_int('*', -128, -1, 8, 0)", "!"},
    {"w_int('-', -9223372036854775808, 1, 64, 0)", "!"},
    {"w_int('/', -7, 2, 32, 0)", "-3"},
    {"w_int('%', -7, 2, 32, 0)", "-1"},
    {"w_int('%', -9223372036854775808, -1, 64, 0)", "0"},
    {"w_int('/', 5, 0, 32, 0)", "!"},
    {"w_float_int(-128.9, 0, 8, 0)", "-128"},
    {"w_float_int(128.0, 0, 8, 0)", "!"},
    {"w_dec_int(w_dec(w_decimal('/', w_dec(-19, 0, 2, 0, 0), 0, w_dec(10, 0, 2, 0, 0), 0, 6, 1, "
     "0), 1, 6, 1, 0), 1, 32, 0)",
     "-1"},
    {"w_text_int(' 12.7 ', 0, 32, 0)", "12"},
    {"w_text_int('12x', 0, 32, 0)", "!"},
    {"w_text_int('300', 0, 8, 1) IS NULL", "1"},
    {"w_dec_text(w_text_dec('-0.045', 4, 2, 0), 2)", "-0.05"},
    {"w_dec_text(w_text_dec('1e3', 6, 1, 0), 1)", "1000.0"},
    {"w_date_text(w_text_date('2024-02-29', 0))", "2024-02-29"},
    {"w_text_date('2023-02-30', 0)", "!"},
    {"w_time_text(w_text_time('1999-12-31 23:59:59.5', 0))", "1999-12-31 23:59:59.500"},
    {"w_time_text(-1)", "1969-12-31 23:59:59.999"},
    {"w_date_text(w_add_months(w_text_date('2024-01-31', 0), 1))", "2024-02-29"},
    {"w_date_text(w_add_months(w_text_date('2024-02-29', 0), -24))", "2022-02-28"},
    {"w_window(-1, 10000)", "-10000"},
    {"w_window(20000, 10000)", "20000"},
    {"w_logic('AND', w_int('/', 1, 0, 32, 0), 0)", "0"},
    {"w_logic('AND', w_int('/', 1, 0, 32, 0), 1)", "!"},
    {"w_logic('AND', w_int('/', 1, 0, 32, 0), NULL)", "!"},
    {"w_logic('OR', w_int('/', 1, 0, 32, 0), 1)", "1"},
    {"w_logic('OR', NULL, 0) IS NULL", "1"},
    {"w_select(1, 7, w_int('/', 1, 0, 32, 0))", "7"},
    {"w_coalesce(NULL, 3)", "3"},
    {"w_dec_compare('<', w_dec(1, 0, 38, 37, 0), 37, w_dec(2, 0, 5, 0, 0), 0)", "1"},
    {"w_dec_compare('=', w_dec(-15, 0, 5, 2, 0), 2, w_dec(-15, 0, 5, 0, 0), 0)", "1"},
    {"w_reverse('añ😀b')", "b😀ña"},
    {"w_pad('ab', 5, 'xy', 1)", "xyxab"},
    {"w_pad('añb', 2, 'xy', 0)", "añ"},
    {"w_concat_ws('-', NULL, 'b')", "b"},
    {"printf('%.17g', w_float('/', 1.0, 3.0, 32))", "0.3333333432674408"},
    {"(SELECT w_sum_f64(column1) FROM (VALUES (1e308), (1.5), (-1e308)))", "1.5"},
    {"(SELECT printf('%.17g', w_sum_f64(column1)) FROM (VALUES (0.1), (0.1), (0.1), (0.1), (0.1), "
     "(0.1), (0.1), (0.1),"
     " (0.1), (0.1)))",
     "1"},
    {"(SELECT w_sum_i8(column1) FROM (VALUES (127), (127), (-127)))", "127"},
    {"(SELECT w_avg_i32(column1) FROM (VALUES (-3), (-4)))", "-3"},
    {"(SELECT w_dec_text(w_avg_dec4(w_dec(column1, 0, 5, 2, 0)), 6) FROM (VALUES (1), (1), (0)))",
     "0.666667"},
    {"(SELECT w_stddev_samp(column1) FROM (VALUES (2.0), (4.0), (4.0), (4.0), (5.0), (5.0), (7.0), "
     "(9.0), (5.0)))",
     "2.0"},
    {"(SELECT w_var_pop(column1) FROM (VALUES (1.0), (2.0), (3.0), (4.0)))", "1.25"},
    {"(SELECT w_var_samp(column1) IS NULL FROM (VALUES (1.0)))", "1"},
};

static bool check(sqlite3 *db, const char *sql, const char *expected)
{
    struct text t = {0};
    sqlite3_stmt *statement = NULL;
    text_printf(&t, "SELECT %s", sql);
    bool good = sqlite3_prepare_v2(db, t.data, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    const char *got = good ? (const char *)sqlite3_column_text(statement, 0) : sqlite3_errmsg(db);
    good = good && got && strcmp(got, expected) == 0;
    if (!good) printf("%s\n  gives    %s\n  expected %s\n", sql, got ? got : "NULL", expected);
    sqlite3_finalize(statement);
    text_free(&t);
    return good;
}

int main(void)
{
    sqlite3 *db;
    int failures = 0;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK || register_number_functions(db) != SQLITE_OK ||
        register_text_functions(db) != SQLITE_OK || register_aggregates(db) != SQLITE_OK) {
        printf("SQLite: %s\n", sqlite3_errmsg(db));
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        failures += !check(db, cases[i].sql, cases[i].expected);
    sqlite3_close(db);
    printf("%zu cases, %d failures\n", sizeof cases / sizeof *cases, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
