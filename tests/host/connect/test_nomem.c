/* Every allocation fails once, and for ever, in scenarios that touch every connector: the answer is
   an out of memory error or the right rows, and nothing leaks or crashes (the sanitizers watch). */
#include "table.h"

#include "host/format/rows.h"

static int read_all(const char *columns, const char *options, int want, struct weir_buf *out)
{
    struct table t;
    struct weir_source *s = NULL;
    struct weir_error err = {0};
    uint64_t n;
    table_make(&t, columns, options);
    int rc = weir_connect_source(&t.def, &s, &err);
    if (!rc) rc = read_source(s, (struct read_plan){want, 7, NULL, 0}, out, &n, NULL, &err);
    if (s) s->ops->free(s);
    if (rc) assert_true(err.message[0]);
    table_drop(&t);
    return rc;
}

static int write_out(void *ctx, const char *text, size_t n, struct weir_error *err)
{
    (void)err;
    weir_buf_add(ctx, text, n);
    return ((struct weir_buf *)ctx)->oom ? WEIR_ERR_NOMEM : 0;
}

static struct weir_batch *the_batch; /* made before allocations fail */

static int write_all(const char *columns, const char *options, struct weir_buf *out)
{
    (void)out;
    struct table t;
    struct weir_sink *s = NULL;
    struct weir_error err = {0};
    table_make(&t, columns, options);
    int rc = weir_connect_sink(&t.def, &s, &err);
    if (!rc) rc = s->ops->open(s, 2, &err);
    if (!rc) rc = s->ops->write(s, 0, the_batch, &err);
    if (!rc) rc = s->ops->write(s, 1, the_batch, &err);
    if (!rc) rc = s->ops->commit(s, &err);
    if (s) s->ops->free(s);
    table_drop(&t);
    return rc;
}

static int print_rows(enum weir_rows_format format, struct weir_buf *out)
{
    struct weir_field f[] = {{"l", the_batch->col[0].type}, {"s", the_batch->col[1].type}};
    const struct weir_schema schema = {2, f};
    struct weir_rows *r = NULL;
    struct weir_error err;
    int rc = weir_rows_new(format, &schema, 40, write_out, out, &r, &err);
    if (!rc) rc = weir_rows_add(r, the_batch, &err);
    if (!rc) rc = weir_rows_end(r, &err);
    weir_rows_free(r);
    return rc;
}

static int scenario(int k, struct weir_buf *out)
{
    static const char csv[] =
        "connector=filesystem;format=csv;csv.null-literal=NA;csv.header=true;path=";
    char options[300];
    const char *path[] = {"in.csv", "in.csv.gz", "in.csv.zst"};
    switch (k) {
    case 0:
    case 1:
    case 2:
        snprintf(options, sizeof options, "%s%s", csv, path[k]);
        return read_all("l:l s:s", options, 1, out);
    case 3:
        snprintf(options, sizeof options, "%sin.csv;source.min-split-bytes=1", csv);
        return read_all("l:l s:s", options, 5, out);
    case 4: return read_all("l:l s:s", "connector=filesystem;format=json;path=in.json", 1, out);
    case 5: return read_all("l:l s:s", "connector=filesystem;format=json;path=d", 3, out);
    case 6: return read_all("l:l s:s", "connector=filesystem;format=json;path=d/*.json", 3, out);
    case 7: return read_all("l:l s:s y:y", "connector=datagen;number-of-rows=50;seed=1", 3, out);
    case 8:
        return write_all("l:l s:s", "connector=filesystem;format=csv;path=out.csv;csv.header=true",
                         out);
    case 9: return write_all("l:l s:s", "connector=filesystem;format=json;path=out.json.gz", out);
    case 10: return write_all("l:l s:s", "connector=filesystem;format=json;path=o/p/", out);
    case 11: return write_all("l:l s:s", "connector=blackhole", out);
    case 12: return print_rows(WEIR_ROWS_BOX, out);
    case 13: return print_rows(WEIR_ROWS_CSV, out);
    case 14: return print_rows(WEIR_ROWS_JSON, out);
    case 15: return print_rows(WEIR_ROWS_MARKDOWN, out);
    case 16:
        return read_all("s:l l:s",
                        "connector=filesystem;format=csv;csv.ignore-parse-errors=true;format.parse-"
                        "errors-path=bad;"
                        "path=in.csv",
                        1, out);
    default: return read_all("l:l", "connector=filesystem;format=csv;csv.hedr=true;path=x", 1, out);
    }
}
enum { N_SCENARIOS = 18 };

static void prepare(void)
{
    struct table t;
    struct weir_error err;
    struct weir_type types[] = {weir_type_make(WEIR_TYPE_BIGINT), weir_type_string()};
    struct weir_builder *b;
    assert_int_equal(weir_builder_new(NULL, 2, types, &b, &err), 0);
    for (int i = 0; i < 40; i++) {
        weir_builder_i64(b, 0, i);
        if (i % 5)
            weir_builder_str(b, 1, "a\"b,c\nd", (size_t)(i % 8));
        else
            weir_builder_null(b, 1);
    }
    assert_int_equal(weir_builder_finish(b, &the_batch, &err), 0);
    weir_builder_free(b);
    mkdir("d", 0777);
    write_text("bad", "");
    static const char *const made[] = {
        "format=csv;csv.null-literal=NA;csv.header=true;path=in.csv",
        "format=csv;csv.null-literal=NA;csv.header=true;path=in.csv.gz",
        "format=csv;csv.null-literal=NA;csv.header=true;path=in.csv.zst",
        "format=json;path=in.json",
        "format=json;path=d/a.json",
        "format=json;path=d/b.json.gz"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char options[200];
        snprintf(options, sizeof options, "connector=filesystem;%s", made[i]);
        table_make(&t, "l:l s:s", options);
        table_drop(&t);
        assert_int_equal(write_all("l:l s:s", options, NULL), 0);
    }
}

static void test_walk(void **state)
{
    (void)state;
    prepare();
    for (int k = 0; k < N_SCENARIOS; k++) {
        struct weir_buf want = {0};
        int want_rc = scenario(k, &want);
        assert_int_equal(want_rc, k == N_SCENARIOS - 1 ? WEIR_ERR_BIND : 0);
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            int entries = count_entries(".");
            uint64_t n = 1;
            for (;; n++) {
                struct weir_buf out = {0};
                weir_mem_fail_at(n, for_ever);
                int rc = scenario(k, &out);
                bool reached = weir_mem_fail_at(0, false) >= n;
                bool same =
                    out.len == want.len && (!out.len || memcmp(out.data, want.data, out.len) == 0);
                if (rc && rc != WEIR_ERR_NOMEM && rc != want_rc)
                    fail_msg("scenario %d, allocation %d: %d", k, (int)n, rc);
                /* `out` is ours and may be what ran out of memory. */
                if (!rc && !out.oom && !same)
                    fail_msg("scenario %d, allocation %d: other rows", k, (int)n);
                if (rc) assert_int_equal(count_entries("."), entries);
                weir_buf_release(&out);
                if (!reached) break;
            }
            assert_true(n > 3);
        }
        weir_buf_release(&want);
    }
    weir_batch_unref(the_batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
