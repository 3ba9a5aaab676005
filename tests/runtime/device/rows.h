#ifndef WEIR_TEST_DEVICE_ROWS_H
#define WEIR_TEST_DEVICE_ROWS_H

#include "runtime/place/backend.h"

/* What a pipeline delivered, and comparing two of those. */

struct rows {
    const struct weir_pipeline *p;
    struct weir_arena arena;
    struct weir_group_layout layout;
    struct weir_type *type; /* of the result: OUTPUT's columns, or keys and aggregates */
    int n, n_keys;
    struct weir_groups *groups; /* AGGREGATE */
    struct weir_batch **batch;  /* OUTPUT */
    int n_batches;
    int failed; /* batches handed back */
    char reason[64];
    struct weir_batch *all; /* ordered, after rows_order */
};

void rows_init(struct rows *r, const struct weir_pipeline *p);
void rows_release(struct rows *r);
struct weir_run_sink rows_sink(struct rows *r);
void rows_add(struct rows *r, struct weir_batch *batch); /* takes over the reference */
void rows_order(struct rows *r);
/* Prints what differs; sums of doubles may differ by one unit in the last place. */
bool rows_same(const struct rows *a, const struct rows *b, const char *what);

#endif
