/* Which files a path means, compressed ones, damaged ones, missing ones. */
#include "table.h"

#include "host/connect/output.h"

static void gz(const char *path, const char *const *members, int n)
{
    struct weir_buf out = {0};
    struct weir_error err;
    for (int i = 0; i < n; i++)
        assert_int_equal(
            weir_output_encode(&weir_codec_gzip, members[i], strlen(members[i]), &out, &err), 0);
    write_file(path, out.data, out.len);
    weir_buf_release(&out);
}

static void zst(const char *path, const char *text)
{
    struct weir_buf out = {0};
    struct weir_error err;
    assert_int_equal(weir_output_encode(&weir_codec_zstd, text, strlen(text), &out, &err), 0);
    write_file(path, out.data, out.len);
    weir_buf_release(&out);
}

#define CSV(path) "connector=filesystem;format=csv;path=" path

static void test_paths(void **state)
{
    (void)state;
    mkdir("d", 0777);
    mkdir("d/sub", 0777);
    mkdir("d/.git", 0777);
    write_text("d/b.csv", "2\n");
    write_text("d/a.csv", "1\n");
    write_text("d/sub/c.csv", "3");
    write_text("d/.hidden.csv", "x\n");
    write_text("d/_SUCCESS", "x\n");
    write_text("d/.git/f", "x\n");
    write_text("d/empty.csv", "");
    expect_rows("a:l", CSV("d"), "1\n2\n3\n");
    expect_rows("a:l", CSV("d/"), "1\n2\n3\n");
    expect_rows("a:l", CSV("d/*.csv"), "1\n2\n");
    expect_rows("a:l", CSV("d/[ab].csv"), "1\n2\n");
    expect_rows("a:l", CSV("*/s*"), "3\n");
    expect_rows("a:l", CSV("d/a.csv"), "1\n");
    char cwd[1000], options[1200];
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(options, sizeof options, CSV("file://%s/d/a.csv"), cwd);
    expect_rows("a:l", options, "1\n");
    write_text("x[1].csv", "7\n");
    expect_rows("a:l", CSV("x[1].csv"), "7\n");
    mkdir("nothing", 0777);
    expect_rows("a:l", CSV("nothing"), "");
    expect_error("a:l", CSV("missing.csv"), "table t, option 'path': missing.csv (in ");
    expect_error("a:l", CSV("missing.csv"), "No such file or directory");
    expect_error("a:l", CSV("d/*.txt"), "d/*.txt: no file matches");
    expect_error("a:l", CSV("d/a.csv/x"), "Not a directory");
    assert_int_equal(symlink("loop", "d/loop"), 0);
    expect_error("a:l", CSV("d"), "d/loop: ");
    assert_int_equal(unlink("d/loop"), 0);
    assert_int_equal(symlink("..", "d/sub/up"), 0);
    expect_error("a:l", CSV("d"), "(a loop of links?)");
    assert_int_equal(unlink("d/sub/up"), 0);
}

static void test_compressed(void **state)
{
    (void)state;
    static const char *const members[] = {"1\n2", "3\n", "", "4\n5"};
    gz("m.csv.gz", members, 4);
    expect_rows("a:l", CSV("m.csv.gz"), "1\n23\n4\n5\n");
    struct weir_buf b = read_file("m.csv.gz");
    weir_buf_add(&b, "\0\0\0\0", 4);
    write_file("padded.csv.gz", b.data, b.len);
    expect_rows("a:l", CSV("padded.csv.gz"), "1\n23\n4\n5\n");
    weir_buf_puts(&b, "junk");
    write_file("junk.csv.gz", b.data, b.len);
    expect_error("a:l", CSV("junk.csv.gz"), "junk.csv.gz: damaged gzip data at byte ");
    weir_buf_release(&b);
    write_text("plain.csv.gz", "1\n2\n");
    expect_error("a:l", CSV("plain.csv.gz"), "plain.csv.gz: damaged gzip data at byte ");
    write_text("empty.csv.gz", "");
    expect_rows("a:l", CSV("empty.csv.gz"), "");
    zst("z.csv.zst", "1\n2\n");
    expect_rows("a:l", CSV("z.csv.zst"), "1\n2\n");
    write_text("plain.csv.zst", "1\n2\n");
    expect_error("a:l", CSV("plain.csv.zst"),
                 "plain.csv.zst: damaged zstd data at byte 4: Unknown frame descriptor");
    static const char *const bad[] = {"1\n12x\n"};
    gz("bad.csv.gz", bad, 1);
    expect_error("a:l", CSV("bad.csv.gz"), "bad.csv.gz:2: column \"a\" (field 1): \"12x\"");
}

/* Every way to cut a file short, and every byte changed, gives an error or, where the format cannot
   tell, rows that were there; never a crash. */
static void test_damage(void **state)
{
    (void)state;
    struct weir_buf text = {0};
    for (int i = 0; i < 150; i++)
        weir_buf_printf(&text, "%llu\n", (unsigned long long)below(1000000));
    const char *const member[] = {text.data};
    gz("ok.csv.gz", member, 1);
    zst("ok.csv.zst", text.data);
    static const char *const names[][2] = {{"ok.csv.gz", CSV("cut.csv.gz")},
                                           {"ok.csv.zst", CSV("cut.csv.zst")}};
    for (int k = 0; k < 2; k++) {
        struct weir_buf b = read_file(names[k][0]);
        const char *path = k ? "cut.csv.zst" : "cut.csv.gz";
        for (size_t n = 1; n < b.len; n++) {
            write_file(path, b.data, n);
            expect_error("a:l", names[k][1], "ends in the middle");
        }
        for (size_t i = 0; i < b.len; i += 1 + below(4)) {
            b.data[i] = (char)(b.data[i] ^ (char)(1 + below(255)));
            write_file(path, b.data, b.len);
            char *rows = rows_of("a:l", names[k][1], 1);
            /* gzip's header has bytes (time, system) that mean nothing to the contents. */
            if (strcmp(rows, text.data) && strncmp(rows, "ERROR ", 6))
                fail_msg("byte %zu: %s", i, rows);
            free(rows);
            weir_buf_release(&b);
            b = read_file(names[k][0]);
        }
        weir_buf_release(&b);
    }
    weir_buf_release(&text);
}

/* A FIFO hands on the rows that are there, half a record waits for its rest, and while nothing comes
   (not even a writer, or a header) there are batches without rows. */
static void test_fifo(void **state)
{
    (void)state;
    struct table t;
    struct weir_source *s;
    struct weir_reader *r;
    struct weir_batch *b;
    struct weir_error err;
    const int column = 0;
    int n;
    assert_int_equal(mkfifo("fifo", 0666), 0);
    table_make(&t, "a:l", CSV("fifo") ";csv.header=true");
    assert_int_equal(weir_connect_source(&t.def, &s, &err), 0);
    assert_true(s->bounded && s->streaming);
    assert_int_equal(s->ops->plan_splits(s, 4, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(s->ops->open_split(s, 0, &column, 1, NULL, &r, &err), 0);
    assert_int_equal(s->ops->next(r, 100, &b, &err), 1);
    assert_int_equal(b->n_rows, 0);
    weir_batch_unref(b);
    int fd = open("fifo", O_WRONLY);
    assert_true(fd >= 0);
    static const struct {
        const char *text;
        uint32_t rows;
    } step[] = {{"a", 0}, {"\n1", 0}, {"2\n34\n5", 2}, {"6", 0}, {"\n", 1}};
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        assert_int_equal(write(fd, step[i].text, strlen(step[i].text)), strlen(step[i].text));
        assert_int_equal(s->ops->next(r, 100, &b, &err), 1);
        assert_int_equal(b->n_rows, step[i].rows);
        if (i == 4) assert_int_equal(((const int64_t *)b->col[0].values)[0], 56);
        weir_batch_unref(b);
    }
    close(fd);
    assert_int_equal(s->ops->next(r, 100, &b, &err), 0);
    s->ops->close(r);
    s->ops->free(s);
    table_drop(&t);
}

static void test_stdin(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    const char *text = "1,a\n2,b\nx,c\n";
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    expect_error("n:l s:s", CSV("-"), "standard input:3: column \"n\" (field 1): \"x\"");
    write_text("in", "7,x\n8,y");
    int fd = open("in", O_RDONLY);
    dup2(fd, STDIN_FILENO);
    close(fd);
    expect_rows("n:l s:s", CSV("-"), "7|x\n8|y\n");
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_options(void **state)
{
    (void)state;
    write_text("a.csv", "1\n");
    expect_error("a:l", "", "option 'connector' is missing");
    expect_error("a:l", "connector=filesystm",
                 "there is no connector 'filesystm'. Known: 'filesystem', 'datagen'");
    expect_error("a:l", "connector=filesystem;format=csv", "table t, option 'path': it is missing");
    expect_error("a:l", "connector=filesystem;path=a.csv",
                 "table t, option 'format': it is missing");
    expect_error("a:l", "connector=filesystem;path=a.csv;format=xml",
                 "'xml' is none of 'csv', 'json'");
    expect_error("a:l", CSV("a.csv") ";csv.field-delimitr=x",
                 "unknown option; did you mean 'csv.field-delimiter'? Known: ");
    expect_error("a:l", CSV("a.csv") ";json.fail-on-missing-field=true", "unknown option");
    expect_error("a:l", CSV("a.csv") ";path=b.csv", "it is given twice");
    expect_error("a:l", CSV("a.csv") ";csv.header=maybe", "'maybe' is neither 'true' nor 'false'");
    expect_error("a:l", CSV("a.csv") ";csv.field-delimiter=ab", "'ab' is not one ASCII character");
    expect_error("a:l", CSV("a.csv") ";csv.field-delimiter=", "'' is not one ASCII character");
    expect_error("a:l", CSV("a.csv") ";csv.field-delimiter=\"",
                 "cannot be a line end or the quote");
    expect_error("a:l", CSV("a.csv") ";csv.allow-comments=true;csv.null-literal=#",
                 "then '#' cannot be");
    expect_error("a:l", CSV("a.csv") ";format.max-record-bytes=0", "0 is outside 1 to 1073741824");
    expect_error("a:l", CSV("a.csv") ";format.max-record-bytes=x", "'x' is not an integer");
    expect_rows("a:l", CSV("a.csv") ";weir.partitions=4", "1\n");
    expect_error("a:l", "connector=blackhole", "connector 'blackhole' is written to, never read");
    struct table t;
    struct weir_sink *sink;
    struct weir_error err;
    table_make(&t, "a:l", "connector=datagen");
    t.options[0].key_pos = (struct weir_pos){.line = 3, .column = 7};
    assert_int_equal(weir_connect_sink(&t.def, &sink, &err), WEIR_ERR_UNSUPPORTED);
    assert_string_equal(err.message, "table t: connector 'datagen' is read, never written to");
    t.options[0].value = "nope";
    assert_int_equal(weir_connect_sink(&t.def, &sink, &err), WEIR_ERR_BIND);
    assert_non_null(
        strstr(err.message, "table t, option 'connector' (line 3, column 7): there is no"));
    table_drop(&t);
    table_make(&t, "a:l", CSV("a.csv"));
    t.fields[0].type = weir_type_make(WEIR_TYPE_INTERVAL_DAY);
    assert_int_equal(weir_connect_sink(&t.def, &sink, &err), WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "has no form in csv"));
    table_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),  cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_stdin),  cmocka_unit_test(test_options)};
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
