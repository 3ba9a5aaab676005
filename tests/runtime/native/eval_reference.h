#ifndef WEIR_TESTS_EVAL_REFERENCE_H
#define WEIR_TESTS_EVAL_REFERENCE_H

/* A naive interpreter of pipeline descriptors: one row at a time, one instruction at a time, by the
   sentences of expr.h and pipeline.h, with none of the interpreter's code: integers in 128 bits,
   DECIMAL as strings of decimal digits, joins by trying every build row. */

#include "kernels/common/portable.h"
#include "runtime/plan/pipeline.h"

#define REF_MAX_REGS 96

struct ref_value {
    uint8_t st; /* WK_… */
    struct weir_value v;
};

struct ref_run {
    const struct weir_pipeline *p;
    const struct weir_batch *input;
    const struct weir_batch *build[4]; /* rows of the build tables, in any order */
    /* Called for each row that leaves the last step. AGGREGATE: the keys, then for each aggregate
       whether the row counts (its filter, BOOLEAN) and its argument (TRUE for COUNT(*)). */
    void (*row)(void *ctx, const struct ref_value *columns, uint32_t n);
    void *ctx;
};

/* Push row ROW through: 0, or the state of the error that decided something. */
uint8_t ref_push(const struct ref_run *r, uint32_t row);

/* SQL's order: -1, 0, 1. */
int ref_compare(const struct weir_value *x, const struct weir_value *y);

bool ref_like(struct weir_str s, struct weir_str p, struct weir_str esc);

#endif
