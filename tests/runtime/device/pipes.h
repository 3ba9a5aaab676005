#ifndef WEIR_TEST_DEVICE_PIPES_H
#define WEIR_TEST_DEVICE_PIPES_H

#include "runtime/native/jointable.h"

/* Hand-made pipelines and random batches for the tests of devices. */

/* Columns of the input that all pipelines share: nullable ones of every type, then some that are
   NOT NULL. */
enum input {
    IN_BOOL = 0,
    IN_I8,
    IN_I16,
    IN_I32,
    IN_I64,
    IN_F32,
    IN_F64,
    IN_DEC, /* DECIMAL(9, 2) */
    IN_STR,
    IN_DATE,
    IN_TS,
    IN_WIDE,   /* DECIMAL(30, 4) */
    IN_NN_I32, /* NOT NULL from here */
    IN_NN_I64,
    IN_NN_F64,
    IN_NN_DEC, /* DECIMAL(6, 2) */
    IN_NN_STR,
    IN_COUNT
};
struct weir_type input_type(int c);

enum nulls { NULLS_NONE = 0, NULLS_SOME, NULLS_ALL };

/* N random rows; GROUPS bounds how many different integers a key column has. */
struct weir_batch *random_batch(uint64_t seed, uint32_t n, enum nulls nulls, int64_t groups);
/* The same rows in foreign memory of which no buffer is aligned to more than its values need. */
struct weir_batch *unaligned_copy(const struct weir_batch *b);

struct pipe_case {
    const char *name;
    struct weir_pipeline *p;
    struct weir_join_table *table[3];
};
/* All the test's pipelines. */
int pipe_count(void);
void pipe_make(int i, struct pipe_case *out);
void pipe_free(struct pipe_case *c);

/* Pipelines with a purpose of their own. */
struct weir_pipeline *pipe_overflow(void);    /* filter on i64 + i64 > 0: overflows decide */
struct weir_pipeline *pipe_many_groups(void); /* GROUP BY nn_i64: COUNT, SUM */

/* For the benchmark, over date INT, quantity, price, discount DOUBLE, key INT, all NOT NULL:
   SUM(price * discount) of a range of dates, discounts and quantities; SUM(price), COUNT(*) by key.
 */
struct weir_pipeline *pipe_q6(void);
struct weir_pipeline *pipe_group_bench(void);

#endif
