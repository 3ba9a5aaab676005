/* Results as box, csv, json and markdown. */
#include "tests/host/connect/table.h"

#include "host/format/rows.h"

static struct weir_buf printed;

static int keep(void *ctx, const char *text, size_t n, struct weir_error *err)
{
    (void)err;
    assert_ptr_equal(ctx, &printed);
    weir_buf_add(&printed, text, n);
    return 0;
}

/* Rows of a table over TEXT (CSV, NULL as ~), printed. */
static const char *print(enum weir_rows_format format, int width, const char *columns,
                         const char *text)
{
    struct table t;
    struct weir_source *s;
    struct weir_reader *r;
    struct weir_batch *b;
    struct weir_rows *rows;
    struct weir_error err;
    int n, all[MAX_FIELDS];
    write_text("in.csv", text);
    table_make(&t, columns, "connector=filesystem;path=in.csv;format=csv;csv.null-literal=~");
    for (int i = 0; i < MAX_FIELDS; i++) all[i] = i;
    printed.len = 0;
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->plan_splits(s, 1, &n, &err), 0);
    assert_int_equal(weir_rows_new(format, &s->schema, width, keep, &printed, &rows, &err), 0);
    if (n) {
        assert_int_equal(s->ops->open_split(s, 0, all, s->schema.n, NULL, &r, &err), 0);
        while (s->ops->next(r, 2, &b, &err) == 1) {
            assert_int_equal(weir_rows_add(rows, b, &err), 0);
            weir_batch_unref(b);
        }
        s->ops->close(r);
    }
    assert_int_equal(weir_rows_end(rows, &err), 0);
    weir_rows_free(rows);
    s->ops->free(s);
    table_drop(&t);
    return printed.data;
}

static const char columns[] = "id:l name:s price:n at:S ok:b x:d raw:y";
static const char text[] = "1,Ada,1.5,2024-01-01 00:00:00,true,0.1,AP8=\n"
                           "-22,\"日本 | x\ny\",~,~,false,1e10,~\n"
                           "~,~,1234567.25,2024-01-01 12:34:56.789,~,100,\n";

static void test_box(void **state)
{
    (void)state;
    const char *want = "┌──────┬─────────────┬────────────┬────────────────────────────┬───────┬───"
                       "─────┬─────────┐\n"
                       "│   id │ name        │      price │ at                         │ ok    │   "
                       "   x │ raw     │\n"
                       "├──────┼─────────────┼────────────┼────────────────────────────┼───────┼───"
                       "─────┼─────────┤\n"
                       "│    1 │ Ada         │       1.50 │ 2024-01-01 00:00:00.000000 │ TRUE  │   "
                       " 0.1 │ x'00ff' │\n"
                       "│  -22 │ 日本 | x\\ny │       NULL │ NULL                       │ FALSE │ "
                       "1.0E10 │ NULL    │\n"
                       "│ NULL │ NULL        │ 1234567.25 │ 2024-01-01 12:34:56.789000 │ NULL  │  "
                       "100.0 │ NULL    │\n"
                       "└──────┴─────────────┴────────────┴────────────────────────────┴───────┴───"
                       "─────┴─────────┘\n"
                       "(3 rows)\n";
    assert_string_equal(print(WEIR_ROWS_BOX, 0, columns, text), want);
    assert_string_equal(print(WEIR_ROWS_BOX, 0, "a:l b:s", ""), "┌───┬───┐\n"
                                                                "│ a │ b │\n"
                                                                "├───┼───┤\n"
                                                                "└───┴───┘\n"
                                                                "(0 rows)\n");
    const char *narrow =
        print(WEIR_ROWS_BOX, 29, "a:l b:s c:s",
              "1,a long text that does not fit,also\n2,日本日本日本日本日本,été\n");
    assert_string_equal(narrow, "┌───┬────────────────┬──────┐\n"
                                "│ a │ b              │ c    │\n"
                                "├───┼────────────────┼──────┤\n"
                                "│ 1 │ a long text t… │ also │\n"
                                "│ 2 │ 日本日本日本…  │ été  │\n"
                                "└───┴────────────────┴──────┘\n"
                                "(2 rows)\n");
}

static void test_box_streams(void **state)
{
    (void)state;
    struct weir_buf in = {0};
    for (int i = 0; i < WEIR_ROWS_MEASURED + 100; i++)
        weir_buf_printf(&in, "%d,%s\n", i, i < WEIR_ROWS_MEASURED ? "short" : "much longer");
    const char *out = print(WEIR_ROWS_BOX, 0, "a:l b:s", in.data);
    assert_non_null(strstr(out, "│ 10099 │ much… │\n"));
    assert_non_null(strstr(out, "(10100 rows)"));
    weir_buf_release(&in);
}

static void test_csv(void **state)
{
    (void)state;
    assert_string_equal(print(WEIR_ROWS_CSV, 0, columns, text),
                        "id,name,price,at,ok,x,raw\n"
                        "1,Ada,1.50,2024-01-01 00:00:00.000000,true,0.1,AP8=\n"
                        "-22,\"日本 | x\ny\",,,false,1.0E10,\n"
                        ",,1234567.25,2024-01-01 12:34:56.789000,,100.0,\n");
    assert_string_equal(print(WEIR_ROWS_CSV, 0, "a:s b:s", "\"\",~\n"), "a,b\n\"\",\n");
}

static void test_json(void **state)
{
    (void)state;
    assert_string_equal(
        print(WEIR_ROWS_JSON, 0, columns, text),
        "{\"id\":1,\"name\":\"Ada\",\"price\":1.50,\"at\":\"2024-01-01 "
        "00:00:00.000000\",\"ok\":true,\"x\":0.1,\"raw\":\"AP8=\"}\n"
        "{\"id\":-22,\"name\":\"日本 | "
        "x\\ny\",\"price\":null,\"at\":null,\"ok\":false,\"x\":1.0E10,\"raw\":null}\n"
        "{\"id\":null,\"name\":null,\"price\":1234567.25,\"at\":\"2024-01-01 "
        "12:34:56.789000\",\"ok\":null,\"x\":100.0,\"raw\":null}\n");
    assert_string_equal(print(WEIR_ROWS_JSON, 0, "a:d", "NaN\n-Infinity\n"),
                        "{\"a\":\"NaN\"}\n{\"a\":\"-Infinity\"}\n");
}

static void test_markdown(void **state)
{
    (void)state;
    assert_string_equal(
        print(WEIR_ROWS_MARKDOWN, 0, "id:l name:s", "1,a\n2,\"x|y\nz\"\n~,~\n"),
        "| id | name |\n|---:|---|\n| 1 | a |\n| 2 | x\\|y<br>z |\n| NULL | NULL |\n");
}

static void test_width(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t width;
    } cases[] = {{"", 0},  {"abc", 3},      {"é", 1},  {"e\xCC\x81", 1}, {"日本", 4},
                 {"😀", 2}, {"\xFF\xFE", 2}, {"한", 2}, {"─", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(weir_display_width(cases[i].s, strlen(cases[i].s)), cases[i].width);
    assert_int_equal(weir_rows_format_by_name("markdown"), WEIR_ROWS_MARKDOWN);
    assert_int_equal(weir_rows_format_by_name("xml"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_box),      cmocka_unit_test(test_box_streams),
        cmocka_unit_test(test_csv),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_markdown), cmocka_unit_test(test_width)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    weir_buf_release(&printed);
    return rc;
}
