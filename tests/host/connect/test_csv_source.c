/* The filesystem source over CSV: what RFC 4180 allows, what it does not, and what the messages
 * say. */
#include "table.h"

#define FS "connector=filesystem;path=in.csv;format=csv"

static void given(const char *text)
{
    write_text("in.csv", text);
}

static void test_plain(void **state)
{
    (void)state;
    given("1,a\n2,b\n3,c\n");
    expect_rows("n:l s:s", FS, "1|a\n2|b\n3|c\n");
    given("1,a\r\n2,b\r\n3,c");
    expect_rows("n:l s:s", FS, "1|a\n2|b\n3|c\n");
    given("\xEF\xBB\xBF"
          "1,a\n");
    expect_rows("n:l s:s", FS, "1|a\n");
    given("");
    expect_rows("n:l s:s", FS, "");
    given("\n\r\n1,a\n\n\n2,b\n\n");
    expect_rows("n:l s:s", FS, "1|a\n2|b\n");
    given("a\n\nb\n");
    expect_rows("s:s", FS, "a\n\nb\n");
    given("1\t|a|\n2\t|b\tc|\n");
    expect_rows("n:l s:s", FS ";csv.field-delimiter=\\t;csv.quote-character=|", "1|a\n2|b\tc\n");
    given("1,\"a\n2,b\"\n");
    expect_rows("n:l s:s", FS ";csv.disable-quote-character=true", "1|\"a\n2|b\"\n");
}

static void test_quotes(void **state)
{
    (void)state;
    given("1,\"a,b\"\n2,\"a\nb\"\n3,\"say "
          "\"\"hi\"\"\"\n4,\"\"\n5,\"\"\"\"\n6,\"\r\n\"\n\"7\",\"x\"\r\n");
    expect_rows("n:l s:s", FS, "1|a,b\n2|a\nb\n3|say \"hi\"\n4|\n5|\"\n6|\r\n\n7|x\n");
    expect_error("n:l", FS, "2 fields, where 1 is expected");
    given("1,a\"b\n");
    expect_error("n:l s:s", FS,
                 "in.csv:1: field 2: \"a\"b\": a quote inside a field without quotes");
    given("1,a\n2,\"b\"c\n");
    expect_error("n:l s:s", FS, "in.csv:2: field 2: \"\"b\"c\": text after the closing quote");
    given("1,a\n2, \"b\"\n");
    expect_error("n:l s:s", FS, "in.csv:2: field 2");
    given("1,a\n2,\"b\n3,c\n4,d\n");
    expect_error("n:l s:s", FS, "in.csv:2: field 2: the quote that opens here is never closed");
    given("1,a\n2,\"b\n3,c\n4,d\n");
    expect_rows("n:l s:s", FS ";csv.ignore-parse-errors=true", "1|a\n");
    given("1,a\n2,\"\n");
    expect_error("n:l s:s", FS, "in.csv:2: field 2: the quote that opens here is never closed");
    given("1,a\n2,\"");
    expect_error("n:l s:s", FS, "in.csv:2: field 2: the quote that opens here is never closed");
}

static void test_nulls(void **state)
{
    (void)state;
    given(",\n1,\"\"\n");
    expect_rows("n:l s:s", FS, "NULL|\n1|\n");
    expect_rows("n:l s:s", FS ";csv.null-literal=", "NULL|NULL\n1|\n");
    given("NA,NA\n1,\"NA\"\n");
    expect_rows("n:l s:s", FS ";csv.null-literal=NA", "NULL|NULL\n1|NA\n");
    expect_error("n:l s:s!", FS ";csv.null-literal=NA",
                 "in.csv:1: column \"s\" (field 2): is NULL, and the column is NOT NULL");
    expect_error("n:l s:s", FS,
                 "in.csv:1: column \"n\" (field 1): \"NA\" is not a value of type BIGINT");
}

static void test_types(void **state)
{
    (void)state;
    given("true,-128,-32768,7,-9,1.5,0.1,1.005,2,x,AP8=,2024-02-29,12:00:01,2024-01-01 "
          "00:00:00.5,2024-01-01T02:00:00+02:00\n");
    expect_rows(
        "b:b t:t h:h i:i l:l f:f d:d n:n m:N s:s y:y D:D T:T S:S Z:Z", FS,
        "true|-128|-32768|7|-9|1.5|0.1|1.01|2.0000000000|x|x'00ff'|2024-02-29|12:00:01|2024-01-01 "
        "00:00:00.500000|2024-01-01 00:00:00.000000\n");
    given("1\n12x\n");
    expect_error("bytes:l", FS,
                 "in.csv:2: column \"bytes\" (field 1): \"12x\" is not a value of type BIGINT");
    given("300\n");
    expect_error("a:t", FS, "in.csv:1: column \"a\" (field 1): \"300\" does not fit into TINYINT");
    given("123456789.12\n");
    expect_error("a:n", FS, "does not fit into DECIMAL(10, 2)");
    given("\"a\nb\",\"x\n\",no\n");
    expect_error("a:s b:s c:l", FS, "in.csv:3: column \"c\" (field 3): \"no\"");
    given("2023-02-29\n");
    expect_error("a:D", FS, "\"2023-02-29\" is not a value of type DATE");
    given("****\n");
    expect_error("a:y", FS, "is not a value of type BYTES");
    given("a\nb\xE9\n");
    expect_error("a:s", FS, "in.csv:2: column \"a\" (field 1): \"b?\" is not UTF-8");
}

static void test_structure(void **state)
{
    (void)state;
    given("1,a\n2\n");
    expect_error("n:l s:s", FS, "in.csv:2: 1 field, where 2 are expected");
    given("1,a\n2,b,\n");
    expect_error("n:l s:s", FS, "in.csv:2: 3 fields, where 2 are expected");
    write_file("in.csv", "1,a\n2,\0b\n", 9);
    expect_error("n:l s:s", FS, "in.csv:2: a NUL byte");
    expect_rows("n:l s:s", FS ";format.ignore-parse-errors=true", "1|a\n");
    given("1,a\n2\nx,b\n3,c\n,\n\"4,d\n");
    expect_rows("n:l s:s", FS ";format.ignore-parse-errors=true", "1|a\n3|c\nNULL|\n");
    given("# a \"comment\n1,a\n#2,b\n3,\"c\n#d\"\n");
    expect_rows("n:l s:s", FS ";csv.allow-comments=true", "1|a\n3|c\n#d\n");
}

static void test_error_log(void **state)
{
    (void)state;
    given("1,a\n2\r\nx,b\n3,\xFF\n4,\"d\"e\n5,f\n");
    expect_rows("n:l s:s", FS ";format.ignore-parse-errors=true;format.parse-errors-path=bad.json",
                "1|a\n5|f\n");
    struct weir_buf log = read_file("bad.json");
    assert_string_equal(log.data,
                        "{\"file\":\"in.csv\",\"byte\":4,\"error\":\"1 field, where 2 are "
                        "expected\",\"record\":\"2\"}\n"
                        "{\"file\":\"in.csv\",\"byte\":7,\"error\":\"column \\\"n\\\" (field 1): "
                        "\\\"x\\\" is not a value of type "
                        "BIGINT\",\"record\":\"x,b\"}\n"
                        "{\"file\":\"in.csv\",\"byte\":11,\"error\":\"column \\\"s\\\" (field 2): "
                        "\\\"?\\\" is not UTF-8 (convert the file "
                        "with iconv)\",\"record_base64\":\"Myz/\"}\n"
                        "{\"file\":\"in.csv\",\"byte\":15,\"error\":\"field 2: \\\"\\\"d\\\"e\\\": "
                        "text after the closing quote (a quote "
                        "inside a field must be doubled)\",\"record\":\"4,\\\"d\\\"e\"}\n");
    weir_buf_release(&log);
    expect_error("n:l s:s", FS ";format.ignore-parse-errors=true;format.parse-errors-path=no/dir/x",
                 "no/dir/x: cannot be written: No such file or directory");
    expect_error("n:l s:s", FS ";format.parse-errors-path=x", "nothing is dropped without");
    if (!access("/dev/full", W_OK))
        expect_error("n:l s:s",
                     FS ";format.ignore-parse-errors=true;format.parse-errors-path=/dev/full",
                     "/dev/full: cannot be written: No space left on device");
}

static void test_header(void **state)
{
    (void)state;
    given("s,other,\"n\"\na,x,1\nb,y,2\n");
    expect_rows("n:l s:s", FS ";csv.header=true", "1|a\n2|b\n");
    expect_rows("s:s o:s n:l", FS ";csv.ignore-first-line=true", "a|x|1\nb|y|2\n");
    expect_error("n:l z:s", FS ";csv.header=true",
                 "in.csv:1: the header has no column \"z\"; it has \"s\", \"other\", \"n\"");
    given("s,n\n");
    expect_rows("n:l s:s", FS ";csv.header=true", "");
    given("");
    expect_rows("n:l s:s", FS ";csv.header=true", "");
    given("s,n\na,1\nb\n");
    expect_error("n:l s:s", FS ";csv.header=true", "in.csv:3: 1 field, where 2 are expected");
}

static void test_long_records(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    weir_buf_puts(&b, "1,a\n2,\"");
    for (int i = 0; i < 10000000; i += 10) weir_buf_puts(&b, "0123456789");
    weir_buf_puts(&b, "\"\n3,c\n");
    write_file("in.csv", b.data, b.len);
    expect_error("n:l s:s", FS, "in.csv:2: a record of more than 8388608 bytes");
    char *rows = rows_of("n:l s:s", FS ";format.max-record-bytes=20000000", 4);
    assert_int_equal(strlen(rows), 10000000 + 4 + 3 + 4);
    free(rows);
    b.data[10000007] = 'x'; /* the closing quote: now the rest of the file is one field */
    write_file("in.csv", b.data, b.len);
    expect_error("n:l s:s", FS,
                 "in.csv:2: a record of more than 8388608 bytes, with a quote that is not closed");
    weir_buf_release(&b);
}

static void test_projection(void **state)
{
    (void)state;
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    struct weir_buf out = {0};
    uint64_t n;
    given("1,a,x\n2,b,\"y\"\n3,c,z\n");
    table_make(&t, "n:l s:s u:s", FS);
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    const int columns[] = {0, 2};
    assert_int_equal(read_source(s, (struct read_plan){1, 2, columns, 2}, &out, &n, NULL, &err), 0);
    assert_string_equal(out.data, "1|x\n2|y\n3|z\n");
    assert_int_equal(n, 3);
    assert_int_equal(read_source(s, (struct read_plan){1, 2, columns, 0}, NULL, &n, NULL, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(s->ops->bytes_read(s), 20);
    assert_int_equal(s->est_bytes, 20);
    s->ops->free(s);
    weir_buf_release(&out);
    table_drop(&t);
}

static void test_describe_row(void **state)
{
    (void)state;
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    int n_splits, checked = 0;
    FILE *f = fopen("in.csv", "w");
    assert_non_null(f);
    fputs("n,s\n", f);
    for (int line = 2; line <= 3000; line++) {
        if (line % 10 == 0) {
            fputs("bad\n", f);
        } else if (line % 7 == 0) {
            fprintf(f, "%d,\"two\nlines\"\n", line);
            line++;
        } else {
            fprintf(f, "%d,x\n", line);
        }
    }
    fclose(f);
    table_make(&t, "n:l s:s",
               FS ";csv.header=true;csv.ignore-parse-errors=true;source.min-split-bytes=4096");
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->plan_splits(s, 5, &n_splits, &err), 0);
    assert_int_equal(n_splits, 5);
    for (int i = 0; i < n_splits; i++) {
        struct weir_reader *r;
        struct weir_batch *b;
        const int column = 0;
        assert_int_equal(s->ops->open_split(s, i, &column, 1, NULL, &r, &err), 0);
        while (s->ops->next(r, 100, &b, &err) == 1) {
            for (uint32_t row = 0; row < b->n_rows; row += 33, checked++) {
                char got[64], want[64];
                s->ops->describe_row(s, &b->origin, row, got, sizeof got);
                snprintf(want, sizeof want, "in.csv:%lld",
                         (long long)((const int64_t *)b->col[0].values)[row]);
                assert_string_equal(got, want);
            }
            weir_batch_unref(b);
        }
        s->ops->close(r);
    }
    assert_true(checked > 50);
    assert_true(s->skipped > 250);
    s->ops->free(s);
    table_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_nulls),      cmocka_unit_test(test_types),
        cmocka_unit_test(test_structure),  cmocka_unit_test(test_header),
        cmocka_unit_test(test_error_log),  cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_projection), cmocka_unit_test(test_describe_row)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
