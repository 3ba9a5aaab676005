/* The filesystem sink: what is written comes back, files appear whole or not at all, whoever is
 * killed. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "table.h"

static const char all_types[] = "b:b t:t h:h i:i l:l f:f d:d n:n N:N s:s y:y D:D T:T S:S Z:Z";
enum { N_TYPES = 15 };

static void random_text(char *buf)
{
    static const char *const pieces[] = {"a", "\"", ",",  "\n", "\r\n", "é", "日",  "\\",
                                         " ", "#",  "NA", "\t", "😀",    "0", "null"};
    buf[0] = 0;
    for (uint64_t k = below(6); k; k--) strcat(buf, pieces[below(15)]);
}

static void random_cell(struct weir_builder *b, int c, struct weir_type t, bool nulls)
{
    char text[64];
    uint64_t r = rng() >> below(64);
    int64_t v = below(2) ? (int64_t)r : (int64_t)(0 - r);
    if (nulls && below(5) == 0) {
        weir_builder_null(b, c);
        return;
    }
    switch ((enum weir_type_id)t.id) {
    case WEIR_TYPE_BOOLEAN: weir_builder_i64(b, c, v & 1); break;
    case WEIR_TYPE_TINYINT: weir_builder_i64(b, c, (int8_t)v); break;
    case WEIR_TYPE_SMALLINT: weir_builder_i64(b, c, (int16_t)v); break;
    case WEIR_TYPE_INT: weir_builder_i64(b, c, (int32_t)v); break;
    case WEIR_TYPE_FLOAT: {
        float f = below(3) ? (float)v / 8 : below(2) ? INFINITY : -0.0f;
        weir_builder_f64(b, c, (double)f);
        break;
    }
    case WEIR_TYPE_DOUBLE: {
        double d;
        memcpy(&d, &v, sizeof d);
        weir_builder_f64(b, c, below(3) ? (double)v / 1000 : d == d ? d : NAN);
        break;
    }
    case WEIR_TYPE_DECIMAL:
        if (weir_type_phys(t) == WEIR_PHYS_I64)
            weir_builder_i64(b, c, v % 10000000000);
        else
            weir_builder_i128(b, c, (weir_i128)v * (weir_i128)rng() % weir_pow10_i128[38]);
        break;
    case WEIR_TYPE_VARCHAR:
        random_text(text);
        weir_builder_str(b, c, text, strlen(text));
        break;
    case WEIR_TYPE_VARBINARY: weir_builder_str(b, c, (const char *)&v, below(9)); break;
    case WEIR_TYPE_DATE: weir_builder_i64(b, c, (int64_t)below(3652425) - 719528); break;
    case WEIR_TYPE_TIME: weir_builder_i64(b, c, (int64_t)below(86400) * 1000); break;
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ:
        weir_builder_i64(b, c, (int64_t)below(315569519999999999) - 62167219200000000);
        break;
    default: weir_builder_i64(b, c, v); break;
    }
}

static struct weir_batch *random_batch(const struct table *t, uint32_t rows, bool nulls)
{
    struct weir_type types[MAX_FIELDS] = {0};
    struct weir_builder *b;
    struct weir_batch *batch;
    struct weir_error err;
    int n = t->def.schema.n;
    for (int c = 0; c < n; c++) types[c] = t->fields[c].type;
    assert_int_equal(weir_builder_new(NULL, n, types, &b, &err), 0);
    for (uint32_t r = 0; r < rows; r++) {
        for (int c = 0; c < n; c++) random_cell(b, c, types[c], nulls);
    }
    assert_int_equal(weir_builder_finish(b, &batch, &err), 0);
    weir_builder_free(b);
    return batch;
}

/* One slot: rows keep their order. */
static void write_table(struct table *t, struct weir_batch *const *batches, int n)
{
    struct weir_sink *s;
    struct weir_error err;
    if (weir_connect_sink(&t->def, &s, &err)) fail_msg("%s", err.message);
    if (s->ops->open(s, 1, &err)) fail_msg("%s", err.message);
    for (int i = 0; i < n; i++) {
        if (s->ops->write(s, 0, batches[i], &err)) fail_msg("%s", err.message);
    }
    if (s->ops->commit(s, &err)) fail_msg("%s", err.message);
    s->ops->free(s);
}

static void round_trip(const char *columns, const char *options, bool nulls)
{
    struct table t;
    struct weir_batch *batches[4];
    struct weir_buf want = {0};
    table_make(&t, columns, options);
    for (int i = 0; i < 4; i++) {
        batches[i] = random_batch(&t, (uint32_t)below(i == 3 ? 3000 : 20), nulls);
        show_rows(batches[i], &want);
    }
    write_table(&t, batches, 4);
    expect_rows(columns, options, want.data ? want.data : "");
    for (int i = 0; i < 4; i++) weir_batch_unref(batches[i]);
    weir_buf_release(&want);
    table_drop(&t);
}

static void test_round_trips(void **state)
{
    (void)state;
    static const char *const options[] = {
        "path=x.csv;format=csv;csv.null-literal=NA",
        "path=x.csv;format=csv;csv.null-literal=",
        "path=x.csv.gz;format=csv;csv.null-literal=NA;csv.header=true",
        "path=x.csv.zst;format=csv;csv.null-literal=\\N;csv.field-delimiter=\\t;csv.quote-"
        "character='",
        "path=x.csv;format=csv;csv.null-literal=NA;csv.field-delimiter=-",
        "path=x.csv;format=csv;csv.null-literal=;csv.allow-comments=true",
        "path=x.csv;format=csv;csv.null-literal=0;csv.quote-character=:",
        "path=x.json;format=json",
        "path=x.json.gz;format=json;json.timestamp-format.standard=ISO-8601",
        "path=x.json.zst;format=json"};
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            char text[200];
            snprintf(text, sizeof text, "connector=filesystem;%s", options[i]);
            round_trip(all_types, text, true);
            round_trip("s:s", text, true);
            round_trip("l:l", text, true);
        }
        round_trip(all_types, "connector=filesystem;path=x.csv;format=csv;csv.null-literal=~",
                   false);
    }
    assert_int_equal(count_entries("."), 6);
}

static void test_directory(void **state)
{
    (void)state;
    const char *options =
        "connector=filesystem;path=out/deep/;format=csv;csv.null-literal=NA;csv.header=true";
    round_trip("l:l s:s", options, true);
    assert_int_equal(count_entries("out/deep"), 1);
    struct table t;
    table_make(&t, "l:l s:s", options);
    struct weir_batch *b = random_batch(&t, 5, false);
    write_table(&t, &b, 1); /* a second INSERT adds a file */
    assert_int_equal(count_entries("out/deep"), 2);
    weir_batch_unref(b);
    table_drop(&t);
}

struct writer {
    struct weir_sink *sink;
    int slot, rc;
    struct weir_batch *batch;
    struct weir_error err;
};

static void *write_many(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < 20 && !w->rc; i++)
        w->rc = w->sink->ops->write(w->sink, w->slot, w->batch, &w->err);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_lines(char *text)
{
    char *lines[100000], *out = calloc(1, strlen(text) + 1), *save = NULL;
    size_t n = 0;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) lines[n++] = p;
    qsort(lines, n, sizeof *lines, by_text);
    char *p = out;
    for (size_t i = 0; i < n; i++) p += sprintf(p, "%s\n", lines[i]);
    return out;
}

static void test_slots(void **state)
{
    (void)state;
    static const char *const paths[] = {"m.csv", "m.csv.gz", "m/"};
    for (size_t k = 0; k < 3; k++) {
        struct table t;
        struct weir_sink *s;
        struct weir_error err;
        struct writer w[6];
        pthread_t threads[6];
        struct weir_buf want = {0};
        char options[100];
        snprintf(options, sizeof options,
                 "connector=filesystem;format=csv;csv.null-literal=NA;path=%s", paths[k]);
        table_make(&t, "l:l d:d", options);
        assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
        assert_int_equal(s->ops->open(s, 6, &err), 0);
        for (int i = 0; i < 6; i++) {
            w[i] = (struct writer){.sink = s, .slot = i, .batch = random_batch(&t, 700, true)};
            for (int r = 0; r < 20; r++) show_rows(w[i].batch, &want);
            assert_int_equal(pthread_create(&threads[i], NULL, write_many, &w[i]), 0);
        }
        for (int i = 0; i < 6; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(w[i].rc, 0);
            weir_batch_unref(w[i].batch);
        }
        assert_int_equal(s->ops->commit(s, &err), 0);
        s->ops->free(s);
        char *got = rows_of("l:l d:d", options, 3);
        char *a = sorted_lines(got), *b = sorted_lines(want.data);
        assert_string_equal(a, b);
        free(a);
        free(b);
        free(got);
        weir_buf_release(&want);
        table_drop(&t);
    }
}

static void test_abort(void **state)
{
    (void)state;
    struct table t;
    struct weir_sink *s;
    struct weir_error err;
    write_text("old.csv", "1\n");
    int before = count_entries(".");
    static const char *const paths[] = {"path=old.csv", "path=new.csv", "path=a/b/c.csv",
                                        "path=a/b/", "path=old.csv.gz"};
    for (size_t i = 0; i < 5; i++) {
        char options[100];
        snprintf(options, sizeof options, "connector=filesystem;format=csv;%s", paths[i]);
        table_make(&t, "l:l", options);
        struct weir_batch *b = random_batch(&t, 200000, false);
        assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
        assert_int_equal(s->ops->open(s, 2, &err), 0);
        assert_int_equal(s->ops->write(s, 1, b, &err), 0);
        if (i % 2) s->ops->abort(s);
        s->ops->free(s);
        weir_batch_unref(b);
        table_drop(&t);
        assert_int_equal(count_entries("."), before);
        expect_rows("l:l", "connector=filesystem;path=old.csv;format=csv", "1\n");
    }
}

static void expect_open_error(const char *options, const char *part)
{
    struct table t;
    struct weir_sink *s;
    struct weir_error err = {0};
    table_make(&t, "s:s u:s", options);
    assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->open(s, 1, &err), WEIR_ERR_IO);
    if (!strstr(err.message, part)) fail_msg("%s", err.message);
    s->ops->free(s);
    table_drop(&t);
}

static void test_unwritable(void **state)
{
    (void)state;
    write_text("file", "x");
    expect_open_error(
        "connector=filesystem;format=csv;path=file/x.csv",
        "table t: file/x.csv: cannot create a file in this directory: Not a directory");
    expect_open_error("connector=filesystem;format=csv;path=file/", "table t: file");
    expect_open_error("connector=filesystem;format=csv;path=/proc/nowhere.csv",
                      "table t: /proc/nowhere.csv: cannot create a file in this directory: ");
    expect_open_error("connector=filesystem;format=csv;path=/proc/nowhere/",
                      "/proc/nowhere: cannot create the directory");
    struct table t;
    struct weir_sink *s;
    struct weir_error err;
    table_make(&t, "s:s u:s",
               "connector=filesystem;format=csv;path=q.csv;csv.disable-quote-character=true");
    struct weir_batch *b = random_batch(&t, 1000, false);
    assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->open(s, 1, &err), 0);
    assert_int_equal(s->ops->write(s, 0, b, &err), WEIR_ERR_DATA);
    assert_non_null(strstr(err.message, "a value needs quotes"));
    s->ops->free(s);
    assert_int_equal(access("q.csv", F_OK), -1);
    weir_batch_unref(b);
    table_drop(&t);
    if (access("/dev/full", W_OK)) return;
    table_make(&t, "s:s u:s", "connector=filesystem;format=json;path=/dev/full");
    b = random_batch(&t, 100000, false);
    assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->open(s, 1, &err), 0);
    assert_int_equal(s->ops->write(s, 0, b, &err), WEIR_ERR_IO);
    assert_string_equal(err.message,
                        "table t: /dev/full: cannot be written: No space left on device");
    s->ops->free(s);
    weir_batch_unref(b);
    table_drop(&t);
}

/* A writer is killed at a random moment; the final name holds the old rows or all of the new ones.
 */
static void test_killed(void **state)
{
    (void)state;
    struct table t;
    table_make(&t, "l:l s:s", "connector=filesystem;format=csv;path=k/out.csv");
    mkdir("k", 0777);
    struct weir_batch *b = random_batch(&t, 20000, false);
    int seen_old = 0, seen_new = 0;
    for (int round = 0; round < 60; round++) {
        struct stat old, now;
        write_text("k/out.csv", "1,old\n");
        assert_int_equal(stat("k/out.csv", &old), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct weir_sink *s;
            struct weir_error err;
            if (weir_connect_sink(&t.def, &s, &err) || s->ops->open(s, 1, &err)) _exit(1);
            for (int i = 0; i < 3; i++) {
                if (s->ops->write(s, 0, b, &err)) _exit(1);
            }
            if (s->ops->commit(s, &err)) _exit(1);
            for (;;) pause();
        }
        struct timespec wait = {.tv_nsec = (long)below(round % 4 > 1 ? 25000000 : 200000000)};
        int status = 0;
        do { /* one in four is killed just after the new file has its name */
            nanosleep(&wait, NULL);
            wait.tv_nsec = 1000000;
            assert_int_equal(stat("k/out.csv", &now), 0);
        } while (round % 4 == 0 && now.st_ino == old.st_ino && !waitpid(pid, &status, WNOHANG));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(stat("k/out.csv", &now), 0);
        bool is_old = now.st_ino == old.st_ino && now.st_size == 6;
        uint64_t n = 0;
        struct weir_source *src;
        struct weir_error err;
        assert_int_equal(weir_connect_source(&t.def, &src, &err), 0);
        assert_int_equal(
            read_source(src, (struct read_plan){1, WEIR_BATCH_ROWS, NULL, 0}, NULL, &n, NULL, &err),
            0);
        src->ops->free(src);
        assert_int_equal(n, is_old ? 1 : 60000);
        seen_old += is_old;
        seen_new += !is_old;
        /* What a killed writer leaves is hidden from readers of the directory. */
        expect_error("l:l s:s", "connector=filesystem;format=csv;path=k/*.tmp", "no file matches");
    }
    assert_in_range(seen_new, 60 / 4, 60 - seen_old);
    weir_batch_unref(b);
    table_drop(&t);
}

static void test_print(void **state)
{
    (void)state;
    struct table t;
    struct weir_sink *s;
    struct weir_error err;
    table_make(&t, "b:b l:l s:s y:y S:S", "connector=print;print-identifier=out");
    struct weir_type types[5];
    for (int c = 0; c < 5; c++) types[c] = t.fields[c].type;
    struct weir_builder *builder;
    struct weir_batch *b;
    assert_int_equal(weir_builder_new(NULL, 5, types, &builder, &err), 0);
    for (int c = 0; c < 5; c++) weir_builder_null(builder, c);
    weir_builder_i64(builder, 0, 1);
    weir_builder_i64(builder, 1, -5);
    weir_builder_str(builder, 2, "a b", 3);
    weir_builder_str(builder, 3, "\x01\xff", 2);
    weir_builder_i64(builder, 4, 0);
    assert_int_equal(weir_builder_finish(builder, &b, &err), 0);
    weir_builder_free(builder);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO), fd = open("printed", O_RDWR | O_CREAT | O_TRUNC, 0666);
    dup2(fd, STDOUT_FILENO);
    int rc = weir_connect_sink(&t.def, &s, &err);
    if (!rc) rc = s->ops->open(s, 1, &err);
    if (!rc) rc = s->ops->write(s, 0, b, &err);
    if (!rc) rc = s->ops->commit(s, &err);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(fd);
    assert_int_equal(rc, 0);
    s->ops->free(s);
    struct weir_buf text = read_file("printed");
    assert_string_equal(text.data, "out> +I[null, null, null, null, null]\n"
                                   "out> +I[true, -5, a b, x'01ff', 1970-01-01 00:00:00.000000]\n");
    weir_buf_release(&text);
    table_drop(&t);
    table_make(&t, "b:b l:l s:s y:y S:S", "connector=blackhole");
    assert_int_equal(weir_connect_sink(&t.def, &s, &err), 0);
    assert_int_equal(s->ops->open(s, 1, &err), 0);
    assert_int_equal(s->ops->write(s, 0, b, &err), 0);
    assert_int_equal(s->ops->commit(s, &err), 0);
    s->ops->free(s);
    weir_batch_unref(b);
    table_drop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_directory),
        cmocka_unit_test(test_slots),       cmocka_unit_test(test_abort),
        cmocka_unit_test(test_unwritable),  cmocka_unit_test(test_killed),
        cmocka_unit_test(test_print)};
    const char *seed = getenv("WEIR_TEST_SEED");
    if (seed) rng_state = strtoull(seed, NULL, 10);
    enter_directory();
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    leave_directory();
    return rc;
}
