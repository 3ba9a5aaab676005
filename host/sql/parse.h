#ifndef WEIR_SQL_PARSE_H
#define WEIR_SQL_PARSE_H

#include "host/sql/ast.h"
#include "runtime/base/error.h"

/* Parse a script: statements separated by ';' (the last one may go without). Comments and empty
   statements are skipped; an empty script has n == 0.

   SQL (LEN bytes of UTF-8, need not end in NUL, at most 2 GiB - 1) and FILE_NAME are kept by
   reference in OUT, all nodes lie in ARENA; SQL, FILE_NAME and ARENA must outlive the tree. On
   failure OUT is empty and what was allocated stays in ARENA until it is released.

   Returns 0, WEIR_ERR_PARSE with "FILE_NAME:LINE:COLUMN: what is wrong; what is expected", or
   WEIR_ERR_NOMEM. Thread-safe: no global state. Time and memory are linear in LEN. */
int weir_sql_parse(const char *sql, size_t len, const char *file_name, struct weir_arena *arena,
                   struct weir_ast_script *out, struct weir_error *err) WEIR_NODISCARD;

/* The same for one expression, or one type, and nothing behind it. */
int weir_sql_parse_expr(const char *sql, size_t len, const char *file_name,
                        struct weir_arena *arena, struct weir_ast_expr **out,
                        struct weir_error *err) WEIR_NODISCARD;
int weir_sql_parse_type(const char *sql, size_t len, const char *file_name,
                        struct weir_arena *arena, struct weir_ast_type **out,
                        struct weir_error *err) WEIR_NODISCARD;

/* The error of a construct at POS, in the parser's form: "FILE_NAME:LINE:COLUMN: " and the message.
   Returns CODE. */
int weir_sql_fail(struct weir_error *err, int code, const char *file_name,
                  const struct weir_pos *pos, const char *fmt, ...) WEIR_PRINTF(5, 6);

/* The word of CANDIDATES (N) that WORD was most likely meant to be (edit distance, without regard
   to case), or NULL when none is near. For "did you mean ...". */
const char *weir_sql_nearest(const char *word, const char *const *candidates, size_t n);

#endif
