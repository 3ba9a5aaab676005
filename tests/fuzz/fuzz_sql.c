/* Fuzz target of the SQL parser and printer: any text parses or fails with a message, and the tree
   of what parses prints to text that parses to a tree that prints the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sql/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok, const char *what, const char *text)
{
    if (ok) return;
    fprintf(stderr, "%s: %s\n", what, text ? text : "(null)");
    abort();
}

static void print(const struct weir_ast_script *s, struct weir_buf *b)
{
    for (size_t i = 0; i < s->n; i++) {
        weir_ast_print(s->stmts[i], b);
        weir_buf_puts(b, ";\n");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_arena arena;
    struct weir_ast_script s, again;
    struct weir_error err = {0};
    struct weir_buf first = {0}, second = {0};
    weir_arena_init(&arena);
    int rc = weir_sql_parse((const char *)data, size, "fuzz.sql", &arena, &s, &err);
    require(rc == 0 || rc == WEIR_ERR_PARSE, "status", err.message);
    require(rc == 0 || !strncmp(err.message, "fuzz.sql:", 9), "message", err.message);
    if (!rc && s.n) {
        print(&s, &first);
        rc = weir_sql_parse(first.data, first.len, "printed", &arena, &again, &err);
        require(!rc, err.message, first.data);
        require(s.n == again.n, "number of statements", first.data);
        print(&again, &second);
        require(!strcmp(first.data, second.data), first.data, second.data);
    }
    weir_buf_release(&first);
    weir_buf_release(&second);
    weir_arena_release(&arena);
    return 0;
}
