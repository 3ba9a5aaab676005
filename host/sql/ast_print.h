#ifndef WEIR_SQL_AST_PRINT_H
#define WEIR_SQL_AST_PRINT_H

#include "host/sql/ast.h"

/* What the files ast_print*.c share. */

void weir_print_exprs(const struct weir_ast_exprs *list, struct weir_buf *b);   /* a, b */
void weir_print_orders(const struct weir_ast_orders *list, struct weir_buf *b); /* ORDER BY a, b */
void weir_print_idents(const struct weir_ast_idents *list, struct weir_buf *b); /* (a, b) */
void weir_print_options(const struct weir_ast_options *o, const char *before, struct weir_buf *b);
void weir_print_hints(const struct weir_ast_hints *h, struct weir_buf *b); /* " / * + ... * /" */
void weir_print_window(const struct weir_ast_window *w, struct weir_buf *b);
void weir_print_text(const char *s, struct weir_buf *b); /* a quoted string */
/* E where an operator needs at least the binding power MIN: in parentheses if it binds weaker. */
void weir_print_operand(const struct weir_ast_expr *e, int min, struct weir_buf *b);

#endif
