#ifndef WEIR_TESTS_ORACLE_RESULT_H
#define WEIR_TESTS_ORACLE_RESULT_H

/* What an engine answers to a query, and whether two answers are the same one. */

#include "ast.h"

enum outcome {
    outcome_rows,
    outcome_failed,  /* as SQL says: overflow, division by zero, bad cast */
    outcome_refused, /* the engine, or the device that was asked for, does not execute this */
    outcome_skipped, /* SQLite cannot answer: too many steps, or a NaN */
    outcome_broken, /* anything else: an internal error, a wrong type, an answer that cannot be read
                     */
};

struct result {
    enum outcome outcome;
    char message[600];
    int n_columns;
    int64_t n_rows, capacity;
    struct value *cell; /* [n_rows * n_columns] in the order of arrival */
    struct pool strings;
};

void result_clear(struct result *r);
/* Set outcome and message. */
void result_end(struct result *r, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Room for one more row, of r->n_columns values, zeroed. */
struct value *result_row(struct result *r);
/* Print at most MAX rows. */
void result_show(const struct result *r, const struct query *q, int64_t max, struct text *out);

/* Is GOT the answer RIGHT to Q? If not, says why. Rows are compared as a multiset and GOT's order
   by the query's ORDER BY. Values must be equal; where the query makes floats inexact (sums, EXP …)
   they agree to 2 ulp for a plain SUM or AVG, else to one part in 10^9 (10^6 for FLOAT) or in 10^13
   of the largest value that the expression can have. */
bool result_same(const struct query *q, struct result *got, struct result *right, struct text *why);

#endif
