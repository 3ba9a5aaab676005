/* Time, random words, threads and one query run some times: what the benchmarks share. */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t bench_next(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void *bench_grab(int64_t n, size_t size)
{
    void *p = aligned_alloc(64, ((size_t)n * size + 127) / 64 * 64);
    if (!p) {
        fprintf(stderr, "bench: out of memory; try --rows with a smaller number\n");
        exit(5);
    }
    return p;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *seconds, int n)
{
    qsort(seconds, (size_t)n, sizeof *seconds, compare);
    return seconds[n / 2];
}

/* ---- threads ---- */

struct part {
    pthread_t thread;
    void (*main)(void *ctx, int thread);
    void *ctx;
    int number;
};

static void *part_main(void *arg)
{
    struct part *p = arg;
    p->main(p->ctx, p->number);
    return NULL;
}

double bench_parallel(int threads, void (*main)(void *ctx, int thread), void *ctx)
{
    struct part p[BENCH_MAX_THREADS];
    double start = bench_now();
    for (int i = 0; i < threads; i++) {
        p[i] = (struct part){.main = main, .ctx = ctx, .number = i};
        if (pthread_create(&p[i].thread, NULL, part_main, &p[i])) {
            fprintf(stderr, "bench: no more threads\n");
            exit(5);
        }
    }
    for (int i = 0; i < threads; i++) pthread_join(p[i].thread, NULL);
    return bench_now() - start;
}

/* ---- queries ---- */

struct taker {
    struct bench_answer answer;
    char format[16];
};

static int take_schema(void *ctx, struct ArrowSchema *s)
{
    struct taker *t = ctx;
    for (int64_t i = 0; i < s->n_children && i < 16; i++) t->format[i] = s->children[i]->format[0];
    t->answer.columns = s->n_children < 16 ? (int)s->n_children : 16;
    s->release(s);
    return 0;
}

static double column_sum(const struct ArrowArray *c, char format)
{
    double sum = 0;
    for (int64_t i = c->offset; i < c->offset + c->length; i++)
        sum += format == 'g'   ? ((const double *)c->buffers[1])[i]
               : format == 'l' ? (double)((const int64_t *)c->buffers[1])[i]
               : format == 'i' ? (double)((const int32_t *)c->buffers[1])[i]
                               : 0;
    return sum;
}

static int take_rows(void *ctx, struct ArrowArray *a)
{
    struct taker *t = ctx;
    t->answer.rows += a->length;
    for (int i = 0; i < t->answer.columns; i++)
        t->answer.sum[i] += column_sum(a->children[i], t->format[i]);
    a->release(a);
    return 0;
}

static int drop_rows(void *ctx, struct ArrowArray *a)
{
    (void)ctx;
    a->release(a);
    return 0;
}

int bench_measure(struct weir_engine *e, const char *sql, int runs, double *seconds,
                  struct bench_answer *answer, struct weir_error *err)
{
    struct taker t = {0};
    for (int i = -1; i < runs; i++) {
        const struct weir_row_handler h = {&t, take_schema, i < 0 ? take_rows : drop_rows};
        double start = bench_now();
        int rc = weir_query_rows(e, sql, &h, err);
        if (rc) return rc;
        if (i >= 0) seconds[i] = bench_now() - start;
    }
    *answer = t.answer;
    return 0;
}
