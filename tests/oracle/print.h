#ifndef WEIR_TESTS_ORACLE_PRINT_H
#define WEIR_TESTS_ORACLE_PRINT_H

#include "ast.h"

/* The query in Weir's SQL, without a semicolon, behind the views that it needs. */
void print_weir(struct text *t, const struct query *q);
/* The same in SQLite's, with the functions of sqlite_number.c and sqlite_text.c. FAULT: 0, or the
   number of a mistake to make on purpose (see faults.h). */
void print_sqlite(struct text *t, const struct query *q, int fault);

/* "(a0.c3, INTERVAL '10' SECOND)": the arguments of an old-style window function. */
void print_window_arguments(struct text *t, const struct relation *r);
/* TEMPLATE with {0}, {1} … replaced by what PRINT writes for each argument, and {s0} by its scale.
 */
void print_template(struct text *t, const char *template, const struct expr *e,
                    void (*print)(struct text *, const struct expr *, void *), void *context);

extern const char *const op_text[]; /* "+", "=", … by enum op; NULL for others */
extern const char *const aggregate_names[];
extern const char *const set_text[]; /* " UNION ALL ", … by enum set */

#endif
