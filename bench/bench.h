#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <weir/weir.h>

#include "arrow_table.h"

/* What the benchmarks of queries share: time, data, running a query some times. */

#define BENCH_MAX_RUNS    32
#define BENCH_MAX_THREADS 256

double bench_now(void);                   /* seconds, monotonic */
uint64_t bench_next(uint64_t *s);         /* 64 random bits: splitmix64, S is the seed */
void *bench_grab(int64_t n, size_t size); /* N values of SIZE bytes; ends the program when there is
                                             no memory */
double bench_median(double *seconds, int n); /* sorts them */

/* Run MAIN with each of THREADS numbers at once; seconds till the last is done. */
double bench_parallel(int threads, void (*main)(void *ctx, int thread), void *ctx);

/* What a query gave: rows, and the sums of its number columns. */
struct bench_answer {
    int64_t rows;
    int columns;
    double sum[16];
};

/* SECONDS of RUNS runs after one to warm up, whose ANSWER is kept. Negative when the query cannot
   run there, ERR says why. */
int bench_measure(struct weir_engine *e, const char *sql, int runs, double *seconds,
                  struct bench_answer *answer, struct weir_error *err);

#endif
