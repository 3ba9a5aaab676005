#ifndef WEIR_TESTS_EVAL_PROGRAM_H
#define WEIR_TESTS_EVAL_PROGRAM_H

/* Random programs for the interpreter's tests (all operators, types and steps), and rows as texts
   that can be sorted and compared. */

#include "runtime/native/jointable.h"
#include "tests/runtime/native/eval_reference.h"

/* ---- rows ---- */

struct rows {
    char **text;
    size_t n, cap;
};

/* One row of N values; what is not valid is NULL. */
void add_row(struct rows *r, const struct ref_value *v, uint32_t n);
void clear_rows(struct rows *r);
/* Sorts both; fails the test when they differ. */
void same_rows(struct rows *want, struct rows *got, uint64_t seed);

/* ---- programs ---- */

#define TABLES 2
struct program {
    struct weir_pipe_builder *b;
    struct weir_pipeline *p;
    int n_inputs;
    struct weir_type input[10];
    struct weir_type table[TABLES][4];
    uint32_t usable[REF_MAX_REGS]; /* registers that later instructions may read */
    uint32_t n_usable;
    bool tame; /* small values: errors are rare */
};

/* LAST adds the last step: add_output or one of the test's own. */
void make_program(struct program *g, uint64_t seed, void (*last)(struct program *g));
void add_output(struct program *g);
/* A usable register of type T, or one of a new column or constant. */
uint32_t pick(struct program *g, struct weir_type t);
struct weir_type pick_type(void);
void free_program(struct program *g);

/* ---- what they run on ---- */

struct tables {
    struct weir_batch *rows[TABLES];
    struct weir_join_table *table[TABLES];
    const struct weir_join_table *view[TABLES];
};

/* Random rows for the build tables of G. */
void build_tables(const struct program *g, struct tables *t);
void free_tables(struct tables *t);
/* The rows IDX[0 .. N) of an input batch. */
struct weir_batch *subset(const struct program *g, const struct weir_batch *in, const int64_t *idx,
                          size_t n);

#endif
