/* What a device reaches beside what its memory gives: a filter and sum over four columns (the shape
   of TPC-H's query 6), and a grouping, over batches that lie in zero-copy memory. Usage:
   bench_device [millions of rows]. The rates are the best of some rounds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pipes.h"
#include "rows.h"
#include "runtime/device/device.h"

#define BATCH_ROWS (1u << 19)
#define ROUNDS     5

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* ---- data: date INT, quantity, price, discount DOUBLE, key INT ---- */

#define COLUMNS 5

static struct weir_batch *make_batch(uint64_t *s, int64_t groups)
{
    struct weir_batch *b = NULL;
    struct weir_error err;
    if (weir_batch_new(BATCH_ROWS, COLUMNS, &b, &err)) exit(1);
    for (int c = 0; c < COLUMNS; c++) {
        struct weir_column *col = &b->col[c];
        bool integer = c == 0 || c == 4;
        col->type = weir_type_make(integer ? WEIR_TYPE_INT : WEIR_TYPE_DOUBLE);
        col->type.nullable = 0;
        if (weir_buffer_new(NULL, BATCH_ROWS * (integer ? 4u : 8u), &col->buf[1], &err)) exit(1);
        col->values = col->buf[1]->data;
        for (uint32_t i = 0; i < BATCH_ROWS; i++) {
            *s = *s * 6364136223846793005u + 1442695040888963407u;
            uint64_t r = *s >> 33;
            if (integer)
                ((int32_t *)col->buf[1]->data)[i] = (int32_t)(r % (c ? (uint64_t)groups : 2500));
            else
                ((double *)col->buf[1]->data)[i] = (double)(r % (c == 1   ? 50
                                                                 : c == 2 ? 100000
                                                                          : 11)) /
                                                   (c == 3 ? 100 : 1);
        }
    }
    return b;
}

/* ---- the limit: two threads that only read ---- */

struct reader {
    struct weir_batch **batch;
    int n, from, step;
    uint64_t sum;
};

static void *read_all(void *ctx)
{
    struct reader *r = ctx;
    uint64_t sum = 0;
    for (int i = r->from; i < r->n; i += r->step)
        for (int c = 0; c < 4; c++) {
            typedef uint64_t lanes __attribute__((vector_size(64)));
            const lanes *v = r->batch[i]->col[c].values;
            lanes s[4] = {{0}};
            for (size_t k = 0; k < BATCH_ROWS / (c ? 8 : 16); k += 4)
                for (int u = 0; u < 4; u++) s[u] += v[k + (size_t)u];
            sum += (s[0] + s[1] + s[2] + s[3])[0];
        }
    r->sum = sum;
    return NULL;
}

static double read_seconds(struct weir_batch **batch, int n, int threads)
{
    struct reader r[64];
    pthread_t t[64];
    double start = seconds();
    for (int i = 0; i < threads; i++) {
        r[i] = (struct reader){batch, n, i, threads, 0};
        if (pthread_create(&t[i], NULL, read_all, &r[i])) exit(1);
    }
    for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
    return seconds() - start;
}

/* ---- a backend ---- */

static double run_seconds(struct weir_backend *b, struct weir_prepared *q,
                          const struct weir_pipeline *p, struct weir_batch **batch, int n)
{
    struct rows r;
    struct weir_run *run = NULL;
    struct weir_error err = {0};
    rows_init(&r, p);
    struct weir_run_sink sink = rows_sink(&r);
    if (b->ops->open(q, &sink, NULL, 0, &run, &err)) {
        fprintf(stderr, "%s\n", err.message);
        rows_release(&r);
        return 1e9;
    }
    double start = seconds();
    int rc = 0;
    for (int i = 0; !rc && i < n; i++) rc = b->ops->submit(run, batch[i], &err);
    if (!rc) rc = b->ops->finish(run, &err);
    double took = seconds() - start;
    if (rc || r.failed) fprintf(stderr, "%s: %s\n", b->name, rc ? err.message : r.reason);
    b->ops->close(run);
    rows_release(&r);
    return took;
}

static void bench(struct weir_backend *b, const char *name, const struct weir_pipeline *p,
                  double bytes_per_row, struct weir_batch **batch, int n, int threads)
{
    struct weir_prepared *q = NULL;
    struct weir_error err = {0};
    if (b->ops->prepare(b, p, NULL, &q, &err)) {
        fprintf(stderr, "%s: %s\n", b->name, err.message);
        return;
    }
    double best = 1e9, limit = 1e9, busy = 1e9, rows = (double)n * BATCH_ROWS;
    for (int i = 0; i < ROUNDS; i++) {
        double c = seconds_of(CLOCK_PROCESS_CPUTIME_ID), s = run_seconds(b, q, p, batch, n);
        c = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - c;
        double l = read_seconds(batch, n, threads);
        if (c < busy) busy = c;
        if (s < best) best = s;
        if (l < limit) limit = l;
    }
    printf("%-10s %-12s %7.1f M rows/s %6.2f GB/s (%.2f ns of processor time a row); reading alone "
           "%.2f GB/s\n",
           b->name, name, rows / best * 1e-6, rows * bytes_per_row / best * 1e-9, busy / rows * 1e9,
           rows * 28 / limit * 1e-9);
    b->ops->release(q);
}

int main(int argc, char **argv)
{
    int n = (argc > 1 ? atoi(argv[1]) : 32) * 2;
    struct weir_batch **batch = calloc((size_t)n + 1, sizeof *batch);
    uint64_t s = 1;
    struct weir_devices *devices = NULL;
    struct weir_error err = {0};
    char why[160];
    if (!batch || n <= 0 || weir_devices_open(&devices, why, sizeof why, &err)) return 1;
    for (int i = 0; i < n; i++) batch[i] = make_batch(&s, 1000);
    struct weir_pipeline *sum = pipe_q6(), *group = pipe_group_bench();
    for (int i = -1; i < weir_devices_count(devices); i++) {
        struct weir_backend *b = weir_backend_native();
        int threads = 1;
        if (i >= 0) {
            if (weir_devices_backend(devices, i, &b, &err)) continue;
            threads = (int)weir_devices_info(devices, i)->compute_units;
        }
        if (threads > 64) threads = 64;
        bench(b, "filter+sum", sum, 28, batch, n, threads);
        bench(b, "group 1000", group, 12, batch, n, threads);
    }
    weir_free(sum);
    weir_free(group);
    weir_devices_free(devices);
    for (int i = 0; i < n; i++) weir_batch_unref(batch[i]);
    free(batch);
    return 0;
}
