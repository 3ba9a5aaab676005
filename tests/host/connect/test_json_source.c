/* The filesystem source over JSON lines. */
#include "table.h"

#define FS "connector=filesystem;path=in.json;format=json"

static void given(const char *text)
{
    write_text("in.json", text);
}

static void test_values(void **state)
{
    (void)state;
    given("{\"a\": 1, \"s\": \"x\"}\n{\"s\":\"y\",\"a\":-2}\r\n\n  "
          "\t\n{\"unknown\":[1,{\"a\":5}],\"a\":3}\n{\"a\":null,\"s\":null}");
    expect_rows("a:l s:s", FS, "1|x\n-2|y\n3|NULL\nNULL|NULL\n");
    given("{}\n{ }\n");
    expect_rows("a:l s:s", FS, "NULL|NULL\nNULL|NULL\n");
    given("");
    expect_rows("a:l s:s", FS, "");
    given("{\"s\":\"\\u00e9\\n\\\"\\\\\\/\\ud83d\\ude00\"}\n{\"s\":\"日本\"}\n");
    expect_rows("s:s", FS, "é\n\"\\/😀\n日本\n");
    given("{\"s\":12.50}\n{\"s\":true}\n{\"s\":{\"x\": [1, \"}\", \"\\\"]\"]}}\n{\"s\":[ "
          "]}\n{\"s\":\"\"}\n");
    expect_rows("s:s", FS, "12.50\ntrue\n{\"x\": [1, \"}\", \"\\\"]\"]}\n[ ]\n\n");
    given("{\"l\":9223372036854775807,\"n\":12345678.905,\"d\":0.1,\"N\":"
          "1234567890123456789012345678.0123456789,"
          "\"b\":false,\"T\":\"12:00:00\",\"D\":\"2024-01-01\",\"S\":\"2024-01-01T00:00:00Z\","
          "\"y\":\"AP8=\"}\n"
          "{\"l\":\"-5\",\"n\":\"1\",\"d\":\"1e3\",\"b\":\"TRUE\"}\n");
    expect_rows(
        "l:l n:n d:d N:N b:b T:T D:D S:S y:y", FS,
        "9223372036854775807|12345678.91|0.1|1234567890123456789012345678.0123456789|false|12:00:"
        "00|2024-01-01|"
        "2024-01-01 00:00:00.000000|x'00ff'\n-5|1.00|1000.0|NULL|true|NULL|NULL|NULL|NULL\n");
    given("{\"a\":1,\"a\":2}\n{\"\\u0061\":7}\n{\"A\":1}\n");
    expect_rows("a:l", FS, "2\n7\nNULL\n");
    given("{\"a\":1,\"b\":2}\n{\"a\\\":1,\\\"b\":3}\n{\"b\":4,\"a\":5,\"a\\\":1,\\\"b\":6}\n");
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    struct weir_buf out = {0};
    uint64_t n;
    table_make(&t, "x:l a:l", FS);
    t.fields[0].name = "a\":1,\"b"; /* a name that looks like JSON */
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_int_equal(read_source(s, (struct read_plan){1, 100, NULL, 0}, &out, &n, NULL, &err), 0);
    assert_string_equal(out.data, "NULL|1\n3|NULL\n6|5\n");
    weir_buf_release(&out);
    s->ops->free(s);
    table_drop(&t);
}

static void test_broken(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {{"{\"a\":1", "the object is not closed on this line"},
                 {"{\"a\":\"x}", "a string is not closed on this line"},
                 {"{\"a\":1}}", "text after the object"},
                 {"{\"a\":1} {\"a\":2}", "text after the object"},
                 {"{\"a\":1},", ""},
                 {"[1,2]", "not a JSON object"},
                 {"17", ""},
                 {"nonsense", ""},
                 {"{\"a\":tru}", "neither a string"},
                 {"{\"zz\":tru}", "neither a string"},
                 {"{\"a\":01}", "neither a string"},
                 {"{\"a\":1.}", "neither a string"},
                 {"{\"a\":+1}", "neither a string"},
                 {"{\"a\" 1}", ""},
                 {"{\"a\":}", ""},
                 {"{\"a\":1,}", ""},
                 {"{a:1}", ""},
                 {"{\"a\":1 \"b\":2}", ""},
                 {"{\"a\":[1,2}", ""},
                 {"{\"a\":\"\xFF\"}", ""},
                 {"{\"s\":\"\\x\"}", ""},
                 {"{\"s\":\"\\ud800\"}", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200], part[120];
        snprintf(text, sizeof text, "{\"a\":0}\n%s\n{\"a\":9}\n", cases[i].line);
        given(text);
        snprintf(part, sizeof part, "in.json:2: broken JSON: ");
        expect_error("a:l s:s", FS, part);
        expect_error("a:l s:s", FS, cases[i].message);
        expect_rows("a:l s:s", FS ";json.ignore-parse-errors=true", "0|NULL\n9|NULL\n");
    }
    write_file("in.json", "{\"a\":\"x\0y\"}\n", 12);
    expect_error("a:s", FS, "in.json:1: broken JSON");
}

static void test_wrong_types(void **state)
{
    (void)state;
    given("{\"a\":1}\n{\"a\":\"12x\"}\n");
    expect_error("a:l", FS, "in.json:2: column \"a\": \"12x\" is not a value of type BIGINT");
    given("{\"a\":300}\n");
    expect_error("a:t", FS, "in.json:1: column \"a\": \"300\" does not fit into TINYINT");
    given("{\"a\":1.5}\n");
    expect_error("a:i", FS, "\"1.5\" is not a value of type INT");
    given("{\"a\":true}\n");
    expect_error("a:i", FS, "\"true\" is not a value of type INT");
    given("{\"a\":1}\n");
    expect_error("a:b", FS, "\"1\" is not a value of type BOOLEAN");
    expect_error("a:S", FS, "\"1\" is not a value of type TIMESTAMP(6)");
    given("{\"a\":[1]}\n");
    expect_error("a:l", FS, "\"[1]\" is not a value of type BIGINT");
    given("{\"b\":1}\n");
    expect_error("a:l", FS ";json.fail-on-missing-field=true",
                 "in.json:1: the field \"a\" is missing");
    expect_error("a:l!", FS, "in.json:1: the field \"a\" is missing, and the column is NOT NULL");
    given("{\"a\":null}\n");
    expect_error("a:l!", FS, "in.json:1: the field \"a\" is null, and the column is NOT NULL");
    expect_rows("a:l", FS ";json.fail-on-missing-field=true", "NULL\n");
}

static void test_long_lines(void **state)
{
    (void)state;
    struct weir_buf b = {0};
    weir_buf_puts(&b, "{\"a\":1}\n{\"s\":\"");
    for (int i = 0; i < 10000000; i += 10) weir_buf_puts(&b, "0123456789");
    weir_buf_puts(&b, "\"}\n{\"a\":3}\n");
    write_file("in.json", b.data, b.len);
    weir_buf_release(&b);
    expect_error("a:l s:s", FS, "in.json:2: a line of more than 8388608 bytes");
    char *rows = rows_of("a:l s:s", FS ";format.max-record-bytes=20000000", 4);
    assert_int_equal(strlen(rows), 7 + 10000000 + 6 + 7);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_broken),
                                       cmocka_unit_test(test_wrong_types),
                                       cmocka_unit_test(test_long_lines)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
