#ifndef WEIR_TESTS_BIND_TEST_H
#define WEIR_TESTS_BIND_TEST_H

/* What the binder's tests share: a catalog with the tables of schema.sql, sources and sinks that
   are only counted, and statements bound to text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/sql/bind.h"
#include "host/sql/parse.h"

static int open_handles; /* sources and sinks that were made and not freed */

static inline void free_source(struct weir_source *s)
{
    open_handles--;
    weir_free(s);
}
static inline void free_sink(struct weir_sink *s)
{
    open_handles--;
    weir_free(s);
}
static const struct weir_source_ops source_ops = {.free = free_source};
static const struct weir_sink_ops sink_ops = {.free = free_sink};

static inline int open_source(void *ctx, const struct weir_table_def *def, struct weir_source **out,
                              struct weir_error *err)
{
    (void)ctx;
    const struct weir_table_option *fail = weir_table_option(def, "fail");
    if (fail)
        return weir_fail(err, WEIR_ERR_IO, "%s:%u:%u: option 'fail' is '%s'", def->file_name,
                         fail->key_pos.line, fail->key_pos.column, fail->value);
    *out = weir_calloc(1, sizeof **out);
    if (!*out) return weir_fail_nomem(err, sizeof **out, "opening a source");
    (*out)->ops = &source_ops;
    (*out)->name = def->name;
    open_handles++;
    return 0;
}

static inline int open_sink(void *ctx, const struct weir_table_def *def, struct weir_sink **out,
                            struct weir_error *err)
{
    (void)ctx;
    *out = weir_calloc(1, sizeof **out);
    if (!*out) return weir_fail_nomem(err, sizeof **out, "opening a sink");
    (*out)->ops = &sink_ops;
    (*out)->name = def->name;
    open_handles++;
    return 0;
}

static inline int check_setting(void *ctx, const char *key, const char *value,
                                struct weir_error *err)
{
    (void)ctx;
    if (strncmp(key, "bad", 3)) return 0;
    return weir_fail(err, WEIR_ERR_INVALID, "'%s' cannot be '%s'", key, value ? value : "reset");
}

static const struct weir_bind_callbacks callbacks = {
    .open_source = open_source, .open_sink = open_sink, .check_setting = check_setting};

static inline void put_values(const struct weir_batch *batch, struct weir_buf *out)
{
    char text[64];
    for (uint32_t r = 0; r < batch->n_rows && batch->n_cols; r++) {
        weir_buf_puts(out, "|");
        for (uint32_t c = 0; c < batch->n_cols; c++) {
            struct weir_value v = weir_column_value(&batch->col[c], r);
            if (v.is_null)
                weir_buf_puts(out, " NULL");
            else if (weir_type_phys(v.type) == WEIR_PHYS_STR)
                weir_buf_printf(out, " '%.*s'", (int)v.s.len, v.s.data);
            else if (weir_type_is_float(v.type))
                weir_buf_printf(out, " %g", v.f);
            else if (v.type.id == WEIR_TYPE_BOOLEAN)
                weir_buf_puts(out, v.b ? " TRUE" : " FALSE");
            else
                weir_buf_printf(out, " %s:%lld", weir_type_text(v.type, text, sizeof text),
                                (long long)v.i);
        }
        weir_buf_putc(out, '\n');
    }
}

static inline void put_plan(const struct weir_node *root, struct weir_buf *out)
{
    char text[64];
    weir_plan_text(root, out);
    weir_buf_puts(out, "=>");
    for (int i = 0; i < root->schema.n; i++)
        weir_buf_printf(out, "%s %s %s", i ? "," : "", root->schema.field[i].name,
                        weir_type_text(root->schema.field[i].type, text, sizeof text));
    weir_buf_putc(out, '\n');
    if (root->kind == WEIR_NODE_VALUES) put_values(root->values.batch, out);
}

static inline void put_bound(const struct weir_bound *b, struct weir_buf *out)
{
    if (b->explain) weir_buf_printf(out, "EXPLAIN %u\n", b->explain_flags);
    if (b->kind == WEIR_BOUND_DONE) weir_buf_puts(out, "done\n");
    if (b->root) put_plan(b->root, out);
    for (int i = 0; i < b->n_inserts; i++) {
        weir_buf_printf(out, "INSERT INTO %s%s\n", b->insert[i].table,
                        b->insert[i].sink ? "" : " (not opened)");
        put_plan(b->insert[i].root, out);
    }
}

/* Bind all statements of SQL; the last one's plan, or the first error, is appended to OUT (may be
   NULL). Returns the last status. */
static inline int bind_sql(struct weir_catalog *catalog, const char *sql, struct weir_buf *out,
                           struct weir_error *err)
{
    struct weir_arena arena;
    struct weir_ast_script script;
    weir_arena_init(&arena);
    int status = weir_sql_parse(sql, strlen(sql), "job.sql", &arena, &script, err);
    for (size_t i = 0; !status && i < script.n; i++) {
        struct weir_bound bound;
        status = weir_bind_statement(catalog, script.stmts[i], "job.sql", &arena, &callbacks,
                                     &bound, err);
        if (!status && out && i + 1 == script.n) put_bound(&bound, out);
        weir_bound_release(&bound);
    }
    if (status && out) weir_buf_printf(out, "%s: %s\n", weir_status_name(status), err->message);
    weir_arena_release(&arena);
    return status;
}

/* The text of a file of the test's folder; the caller frees it. */
static inline char *read_text(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", BIND_TEST_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, n, f), n);
    fclose(f);
    text[n] = 0;
    return text;
}

static inline void load_schema(struct weir_catalog *catalog)
{
    struct weir_error err = {0};
    char *sql = read_text("schema.sql");
    weir_catalog_init(catalog);
    if (bind_sql(catalog, sql, NULL, &err)) fail_msg("schema.sql: %s", err.message);
    free(sql);
}

/* The next case from *AT on: SQL up to a line that ends in ';', then the expected lines up
   to an empty one. Lines that begin with "-- " before the SQL are comments. Both are to be freed.
 */
static inline bool next_case(const char **at, char **sql, char **expected)
{
    const char *p = *at;
    while (*p == '\n' || !strncmp(p, "-- ", 3)) {
        p = strchr(p, '\n');
        if (!p) return false;
        p++;
    }
    if (!*p) return false;
    const char *end = strstr(p, ";\n");
    assert_non_null(end);
    *sql = strndup(p, (size_t)(end + 1 - p));
    p = end + 2;
    end = *p == '\n' ? p : strstr(p, "\n\n");
    end = !end ? p + strlen(p) : *p == '\n' ? p : end + 1;
    *expected = strndup(p, (size_t)(end - p));
    *at = end;
    return true;
}

#endif
