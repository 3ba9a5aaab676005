#ifndef SQL_TEST_H
#define SQL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/sql/parse.h"

/* The arena that all trees of a test lie in; each test releases it. */
static struct weir_arena arena;

static inline int release_arena(void **state)
{
    (void)state;
    weir_arena_release(&arena);
    return 0;
}

static inline struct weir_ast_script parse(const char *sql)
{
    struct weir_ast_script s;
    struct weir_error err = {0};
    if (weir_sql_parse(sql, strlen(sql), "job.sql", &arena, &s, &err)) {
        fail_msg("%s\n%s", sql, err.message);
    }
    return s;
}

/* The only statement of SQL, which must be of KIND. */
static inline const struct weir_ast_stmt *parse_one(const char *sql, enum weir_ast_stmt_kind kind)
{
    struct weir_ast_script s = parse(sql);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.stmts[0]->kind, kind);
    return s.stmts[0];
}

static inline const struct weir_ast_expr *parse_expr(const char *sql)
{
    struct weir_ast_expr *e;
    struct weir_error err = {0};
    if (weir_sql_parse_expr(sql, strlen(sql), "job.sql", &arena, &e, &err)) {
        fail_msg("%s\n%s", sql, err.message);
    }
    return e;
}

/* A file of this folder, in the arena. */
static inline const char *read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", SQL_TEST_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = weir_arena_alloc(&arena, 1 << 18);
    assert_non_null(text);
    size_t n = fread(text, 1, (1 << 18) - 1, f);
    assert_true(n > 0 && n < (1 << 18) - 1);
    fclose(f);
    return text;
}

#endif
