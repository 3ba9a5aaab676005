/* The quick way through CSV (bit masks, groups of records, column by column) and the careful one
   (byte by byte, record by record, which tables that allow comments take) give the same rows and
   the same messages, for every type and for values that are nearly right. */
#include "table.h"

static const char *const values[] = {"0",
                                     "1",
                                     "-1",
                                     "+7",
                                     "12",
                                     "-128",
                                     "128",
                                     "255",
                                     "32767",
                                     "-32769",
                                     "2147483647",
                                     "2147483648",
                                     "99999999",
                                     "100000000",
                                     "1234567890123456",
                                     "12345678901234567",
                                     "999999999999999999",
                                     "9223372036854775807",
                                     "9223372036854775808",
                                     "-9223372036854775808",
                                     "00000000000000000000012",
                                     "1.5",
                                     "-1.5",
                                     ".5",
                                     "5.",
                                     "-.5",
                                     ".",
                                     "-",
                                     "--1",
                                     "+-1",
                                     "1e3",
                                     "1e-3",
                                     "1E400",
                                     "0.1",
                                     "12345678.12",
                                     "12345678.125",
                                     "99999999.99",
                                     "99999999.995",
                                     "1.2.3",
                                     "123456789012345.6",
                                     "12345678901234.5",
                                     "1234567.89012345",
                                     "0.000000000000001",
                                     "-0",
                                     "-0.0",
                                     "NaN",
                                     "Infinity",
                                     "-inf",
                                     "nan",
                                     "2024-02-29",
                                     "2023-02-29",
                                     "2024-2-9",
                                     "0000-01-01",
                                     "9999-12-31",
                                     "2024-13-01",
                                     "2024-00-10",
                                     "2024-01-32",
                                     "202a-01-01",
                                     "2024-01-1x",
                                     "12024-01-01",
                                     "2024-01-01 00:00:00",
                                     "12:34:56",
                                     "1:00",
                                     "24:00:00",
                                     "12:34:56.789",
                                     "12:34",
                                     "2024-01-01T01:02:03Z",
                                     "2024-01-01 01:02:03.123456",
                                     "true",
                                     "FALSE",
                                     "t",
                                     "no",
                                     "yes ",
                                     " 5",
                                     "5 ",
                                     " ",
                                     "",
                                     "NA",
                                     "na",
                                     "x",
                                     "12x",
                                     "x12",
                                     "1 2",
                                     "AP8=",
                                     "AP8",
                                     "A",
                                     "====",
                                     "é",
                                     "日本語",
                                     "1/2",
                                     "1:2",
                                     "1;2",
                                     "0x10",
                                     "1_000",
                                     "12345:78",
                                     "1234567/",
                                     "87654321x",
                                     "x7654321"};

static void random_file(struct weir_buf *b, int n_columns, int n_rows, int strangeness)
{
    b->len = 0;
    for (int r = 0; r < n_rows; r++) {
        for (int c = 0; c < n_columns; c++) {
            const char *v = values[below(sizeof values / sizeof *values)];
            if (strangeness < 9 && below(10) >= (uint64_t)strangeness) v = below(20) ? "17" : "";
            const char *q = below(5) ? "" : "\"";
            weir_buf_printf(b, "%s%s%s%s", c ? "," : "", q, v, q);
        }
        if (strangeness && below(150) == 0) weir_buf_puts(b, below(2) ? ",1" : "\"");
        weir_buf_puts(b, below(6) ? "\n" : below(2) ? "\r\n" : "\n\n");
    }
    if (b->len && below(2)) b->len--;
    weir_buf_putc(b, 0);
    b->len--;
}

static void check(const char *columns, const char *options, bool want_errors)
{
    char quick[300], careful[300];
    snprintf(quick, sizeof quick, "connector=filesystem;path=in;format=csv;%s", options);
    snprintf(careful, sizeof careful,
             "connector=filesystem;path=in;format=csv;csv.allow-comments=true;%s", options);
    char *a = rows_of(columns, quick, 1), *b = rows_of(columns, careful, 1);
    if (strcmp(a, b))
        fail_msg("%s, %s\n--- quick\n%.2000s\n--- careful\n%.2000s", columns, options, a, b);
    if (!want_errors && !strncmp(a, "ERROR", 5)) fail_msg("%s", a);
    free(a);
    free(b);
}

static void test_one_type(void **state)
{
    (void)state;
    static const char letters[] = "bthilfdnNsyDTSZ";
    struct weir_buf b = {0};
    for (int round = 0; round < 40 / WEIR_TEST_SHARE; round++) {
        for (const char *l = letters; *l; l++) {
            char columns[40], not_null[40];
            snprintf(columns, sizeof columns, "a:%c b:s", *l);
            snprintf(not_null, sizeof not_null, "a:%c! b:s", *l);
            random_file(&b, 2, (int)below(400), round % 10);
            write_file("in", b.data, b.len);
            check(columns, "csv.ignore-parse-errors=true", false);
            check(columns, "csv.ignore-parse-errors=true;csv.null-literal=NA", false);
            check(not_null, "csv.ignore-parse-errors=true;csv.null-literal=1", false);
            check(columns, "csv.null-literal=NA", true);
        }
    }
    weir_buf_release(&b);
}

static void test_all_types(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    for (int round = 0; round < 100 / WEIR_TEST_SHARE; round++) {
        random_file(&b, 6, (int)below(3000), round % 4);
        write_file("in", b.data, b.len);
        check("a:l b:i c:n d:s e:d f:t", "csv.ignore-parse-errors=true", false);
        check("a:s b:h c:N d:f e:s f:l", "csv.ignore-parse-errors=true;csv.null-literal=", false);
        check("a:l b:i c:n d:s e:d f:t", "csv.header=false", true);
    }
    weir_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_type),
                                       cmocka_unit_test(test_all_types)};
    const char *seed = getenv("WEIR_TEST_SEED");
    if (seed) rng_state = strtoull(seed, NULL, 10);
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
