#ifndef BENCH_ARROW_TABLE_H
#define BENCH_ARROW_TABLE_H

#include <stddef.h>
#include <weir/weir.h>

/* A table of fixed-width columns in our own memory, handed to an engine as an Arrow stream without
 * copying. */
struct bench_column {
    const char *name, *format; /* Arrow format: "i", "l", "g", "tdD" */
    const void *values;        /* [rows]; stays the caller's, must outlive the engine */
};

/* Register ROWS rows of N columns as table NAME. 0 or a weir_status with ERR filled. */
int bench_register(struct weir_engine *e, const char *name, const struct bench_column *column,
                   int n, int64_t rows, struct weir_error *err);

#endif
