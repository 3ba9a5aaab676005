#ifndef WEIR_NATIVE_SORT_H
#define WEIR_NATIVE_SORT_H

#include "runtime/column/batch.h"

struct weir_sort_column {
    int column;
    bool descending;
    bool nulls_first;
};

/* Order of row A of batch X against row B of batch Y (same types): negative, 0, positive. Texts by
   bytes, NaN above all numbers, -0 = 0. */
int weir_sort_compare(const struct weir_sort_column *key, int n_keys, const struct weir_batch *x,
                      size_t a, const struct weir_batch *y, size_t b);

/* The stable order of BATCH's rows; *IDX is [n] with n = min(rows, LIMIT) (LIMIT < 0: all),
 * released with weir_free. */
int weir_sort_order(const struct weir_batch *batch, const struct weir_sort_column *key, int n_keys,
                    int64_t limit, int64_t **idx, size_t *n, struct weir_error *err) WEIR_NODISCARD;
/* The bytes that it takes for a batch of ROWS meanwhile, *IDX included. */
size_t weir_sort_bytes(size_t rows, int n_keys, int64_t limit);

#endif
