#ifndef TESTS_HOST_CONNECT_TABLE_H
#define TESTS_HOST_CONNECT_TABLE_H

/* Tables for tests: a definition from a line of text, all rows of a source as text, rows into a
 * sink. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/connect/connect.h"
#include "host/format/show.h"

#define MAX_OPTIONS 24
#define MAX_FIELDS  24

static uint64_t rng_state = 1;

static inline uint64_t rng(void)
{
    uint64_t z = rng_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline uint64_t below(uint64_t n)
{
    return rng() % n;
}

struct table {
    struct weir_table_spec def;
    struct weir_field fields[MAX_FIELDS];
    struct weir_option options[MAX_OPTIONS];
    char *text[2 * MAX_OPTIONS + MAX_FIELDS];
    int n_text;
};

static inline char *table_keep(struct table *t, const char *s, size_t n)
{
    char *copy = strndup(s, n);
    assert_non_null(copy);
    return t->text[t->n_text++] = copy;
}

static inline void table_column(struct table *t, const char *name, struct weir_type type)
{
    t->fields[t->def.schema.n++] = (struct weir_field){table_keep(t, name, strlen(name)), type};
}

static inline void table_option(struct table *t, const char *key, const char *value)
{
    struct weir_option *o = &t->options[t->def.n_options++];
    o->key = table_keep(t, key, strlen(key));
    o->value = table_keep(t, value, strlen(value));
}

static inline struct weir_type type_of_letter(char c)
{
    static const struct {
        char letter;
        enum weir_type_id id;
    } map[] = {{'b', WEIR_TYPE_BOOLEAN},      {'t', WEIR_TYPE_TINYINT}, {'h', WEIR_TYPE_SMALLINT},
               {'i', WEIR_TYPE_INT},          {'l', WEIR_TYPE_BIGINT},  {'f', WEIR_TYPE_FLOAT},
               {'d', WEIR_TYPE_DOUBLE},       {'s', WEIR_TYPE_VARCHAR}, {'y', WEIR_TYPE_VARBINARY},
               {'D', WEIR_TYPE_DATE},         {'T', WEIR_TYPE_TIME},    {'S', WEIR_TYPE_TIMESTAMP},
               {'Z', WEIR_TYPE_TIMESTAMP_LTZ}};
    for (size_t i = 0; i < sizeof map / sizeof *map; i++) {
        if (map[i].letter == c) return weir_type_make(map[i].id);
    }
    return c == 'n' ? weir_type_decimal(10, 2) : weir_type_decimal(38, 10); /* n, N */
}

/* COLUMNS "a:l b:s" (a letter for each type, upper-case '!' after it: NOT NULL), OPTIONS
 * "key=value;key=value". */
static inline void table_make(struct table *t, const char *columns, const char *options)
{
    memset(t, 0, sizeof *t);
    t->def.name = "t";
    t->def.schema.field = t->fields;
    t->def.options = t->options;
    for (const char *p = columns; *p;) {
        size_t n = strcspn(p, ":");
        char *name = table_keep(t, p, n);
        t->fields[t->def.schema.n] = (struct weir_field){name, type_of_letter(p[n + 1])};
        p += n + 2;
        if (*p == '!') t->fields[t->def.schema.n].type.nullable = 0, p++;
        t->def.schema.n++;
        while (*p == ' ') p++;
    }
    for (const char *p = options; *p;) {
        size_t n = strcspn(p, "=");
        struct weir_option *o = &t->options[t->def.n_options++];
        o->key = table_keep(t, p, n);
        p += n + 1;
        n = strcspn(p, ";");
        o->value = table_keep(t, p, n);
        p += n + (p[n] == ';');
    }
}

static inline void table_drop(struct table *t)
{
    for (int i = 0; i < t->n_text; i++) free(t->text[i]);
}

/* ---- files ---- */

static inline void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static inline struct weir_buf read_file(const char *path)
{
    struct weir_buf b = {0};
    char chunk[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s: %s", path, strerror(errno));
    while ((n = fread(chunk, 1, sizeof chunk, f))) weir_buf_add(&b, chunk, n);
    fclose(f);
    weir_buf_putc(&b, 0);
    b.len--;
    return b;
}

/* A new directory below the current one, entered; undone by leave_directory. */
static inline void enter_directory(void)
{
    char name[] = "weir-test-XXXXXX";
    assert_non_null(mkdtemp(name));
    assert_int_equal(chdir(name), 0);
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *place)
{
    (void)st, (void)flag, (void)place;
    return remove(path);
}

static inline void leave_directory(void)
{
    char cwd[600];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(".."), 0);
    assert_int_equal(nftw(cwd, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    int n = 0;
    assert_non_null(d);
    while ((e = readdir(d))) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

/* ---- rows ---- */

static inline void show_rows(const struct weir_batch *b, struct weir_buf *out)
{
    for (uint32_t row = 0; row < b->n_rows; row++) {
        for (uint32_t c = 0; c < b->n_cols; c++) {
            if (c) weir_buf_putc(out, '|');
            if (weir_column_is_null(&b->col[c], row))
                weir_buf_puts(out, "NULL");
            else
                weir_show_value(out, &b->col[c], row, WEIR_SHOW_HEX);
        }
        weir_buf_putc(out, '\n');
    }
}

struct read_plan {
    int want;           /* splits */
    uint32_t max_rows;  /* a batch */
    const int *columns; /* NULL: all */
    int n_columns;
};

/* All rows, split after split, a line each; COLUMNS as asked. A status on failure. */
static inline int read_source(struct weir_source *s, struct read_plan plan, struct weir_buf *out,
                              uint64_t *n_rows, int *n_splits, struct weir_error *err)
{
    int all[MAX_FIELDS], splits = 0;
    for (int i = 0; i < MAX_FIELDS; i++) all[i] = i;
    const int *columns = plan.columns ? plan.columns : all;
    int n = plan.columns ? plan.n_columns : s->schema.n;
    int rc = s->ops->plan_splits(s, plan.want, &splits, err);
    *n_rows = 0;
    if (n_splits) *n_splits = splits;
    /* From the last to the first, as any order must do. */
    struct weir_buf *parts = calloc((size_t)splits + 1, sizeof *parts);
    for (int i = splits - 1; i >= 0 && rc >= 0; i--) {
        struct weir_reader *r = NULL;
        struct weir_batch *b = NULL;
        rc = s->ops->open_split(s, i, columns, n, NULL, &r, err);
        while (!rc && (rc = s->ops->next(r, plan.max_rows, &b, err)) > 0) {
            rc = b->n_rows == 0 || b->n_rows > plan.max_rows || b->n_cols != (uint32_t)n ? -99 : 0;
            *n_rows += b->n_rows;
            show_rows(b, &parts[i]);
            weir_batch_unref(b);
        }
        s->ops->close(r);
    }
    for (int i = 0; i < splits; i++) {
        if (out) weir_buf_add(out, parts[i].data, parts[i].len);
        if (!rc && (parts[i].oom || (out && out->oom)))
            rc = weir_fail_nomem(err, 0, "keeping the test's rows");
        weir_buf_release(&parts[i]);
    }
    free(parts);
    return rc;
}

/* Rows of a table as text, "ERROR: message" when it cannot be read. Freed by the caller. */
static inline char *rows_of(const char *columns, const char *options, int want)
{
    struct table t;
    struct weir_source *s = NULL;
    struct weir_buf out = {0};
    struct weir_error err = {0};
    uint64_t n;
    table_make(&t, columns, options);
    int rc = weir_connect_source(&t.def, &s, &err);
    if (!rc) {
        rc = read_source(s, (struct read_plan){want, WEIR_BATCH_ROWS, NULL, 0}, &out, &n, NULL,
                         &err);
        s->ops->free(s);
    }
    if (rc) {
        out.len = 0;
        weir_buf_printf(&out, "ERROR %s: %s", weir_status_name(rc), err.message);
    }
    table_drop(&t);
    char *text = strdup(out.data ? out.data : "");
    weir_buf_release(&out);
    assert_non_null(text);
    return text;
}

static inline void expect_rows(const char *columns, const char *options, const char *want)
{
    char *got = rows_of(columns, options, 1);
    if (strcmp(got, want)) fail_msg("with %s\n--- got\n%s\n--- want\n%s", options, got, want);
    free(got);
}

/* The message holds PART. */
static inline void expect_error(const char *columns, const char *options, const char *part)
{
    char *got = rows_of(columns, options, 1);
    if (strncmp(got, "ERROR", 5) || !strstr(got, part))
        fail_msg("with %s\n--- got\n%s\n--- want\n%s", options, got, part);
    free(got);
}

#endif
