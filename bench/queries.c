/* Operators over tables in memory, natively and on an OpenCL device, beside the read bandwidth of
   the same memory, all in one run: fused filter + sum (TPC-H Q6's shape), grouping by 1,000 and by
   a million keys, a join with a million build rows. Prints medians and ratios; the seconds of a
   shared machine mean little, the ratios more. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arrow_table.h"

#define MAX_RUNS    32
#define MAX_THREADS 256

struct data {
    int64_t rows, build_rows;
    int32_t *shipdate, *k1000, *k1m;
    double *discount, *quantity, *price;
    int32_t *key, *value;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void *grab(int64_t n, size_t size)
{
    void *p = aligned_alloc(64, ((size_t)n * size + 127) / 64 * 64);
    if (!p) {
        fprintf(stderr, "bench_queries: out of memory; try --rows with a smaller number\n");
        exit(5);
    }
    return p;
}

static void make_data(struct data *d)
{
    uint64_t s = 42;
    d->shipdate = grab(d->rows, 4), d->k1000 = grab(d->rows, 4), d->k1m = grab(d->rows, 4);
    d->discount = grab(d->rows, 8), d->quantity = grab(d->rows, 8), d->price = grab(d->rows, 8);
    d->key = grab(d->build_rows, 4), d->value = grab(d->build_rows, 4);
    for (int64_t i = 0; i < d->rows; i++) {
        uint64_t r = next(&s), q = next(&s);
        d->shipdate[i] = 8035 + (int32_t)(r % 2557); /* 1992-01-01 … 1998-12-31 */
        d->discount[i] = (double)(r >> 16 & 0xff) * 11 / 256 / 100;
        d->quantity[i] = (double)(1 + (r >> 24) % 50);
        d->price[i] = 900 + (double)(r >> 32 & 0xfffff) / 10;
        d->k1000[i] = (int32_t)(q % 1000);
        d->k1m[i] = (int32_t)((q >> 20) % (uint64_t)d->build_rows);
    }
    for (int64_t i = 0; i < d->build_rows; i++) {
        d->key[i] = (int32_t)i;
        d->value[i] = (int32_t)(next(&s) % 1000);
    }
}

/* ---- the limit: reading the same columns with all threads ---- */

struct reader {
    pthread_t thread;
    const double *data;
    int64_t n;
    double sum;
};

static void *read_main(void *arg)
{
    struct reader *r = arg;
    uint64_t a = 0, b = 0, c = 0, d = 0;
    const uint64_t *p = (const uint64_t *)r->data;
    for (int64_t i = 0; i + 32 <= r->n; i += 32)
        for (int k = 0; k < 32; k += 4)
            a ^= p[i + k], b ^= p[i + k + 1], c ^= p[i + k + 2], d ^= p[i + k + 3];
    r->sum = (double)(a ^ b ^ c ^ d);
    return NULL;
}

/* Bytes per second with THREADS threads over the three double columns; the best of RUNS. */
static double read_bandwidth(const struct data *d, int threads, int runs)
{
    struct reader r[MAX_THREADS];
    const double *column[3] = {d->discount, d->quantity, d->price};
    double best = 0;
    for (int run = 0; run < runs * 3; run++) {
        double start = now();
        for (int i = 0; i < threads; i++) {
            int64_t from = d->rows * i / threads, to = d->rows * (i + 1) / threads;
            r[i].data = column[run % 3] + from;
            r[i].n = to - from;
            pthread_create(&r[i].thread, NULL, read_main, &r[i]);
        }
        for (int i = 0; i < threads; i++) pthread_join(r[i].thread, NULL);
        double rate = (double)d->rows * 8 / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- queries ---- */

static const struct query {
    const char *name, *sql;
    int bytes_per_row; /* of the columns it must read */
} queries[] = {
    {"filter + sum (Q6)",
     "SELECT SUM(price * discount) FROM t WHERE shipdate >= DATE '1994-01-01' AND shipdate < DATE "
     "'1995-01-01' "
     "AND discount BETWEEN 0.05E0 AND 0.07E0 AND quantity < 24E0",
     28},
    {"group by 1,000", "SELECT k1000, SUM(price), COUNT(*) FROM t GROUP BY k1000", 12},
    {"group by 1 M", "SELECT k1m, SUM(price), COUNT(*) FROM t GROUP BY k1m", 12},
    {"join 1 M", "SELECT COUNT(*), SUM(CAST(d.v AS BIGINT)) FROM t JOIN d ON t.k1m = d.k", 4},
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int drop_schema(void *ctx, struct ArrowSchema *s)
{
    (void)ctx;
    s->release(s);
    return 0;
}

static int count_rows(void *ctx, struct ArrowArray *a)
{
    *(int64_t *)ctx += a->length;
    a->release(a);
    return 0;
}

/* Median seconds of RUNS runs after one to warm up; < 0 when the query cannot run there. */
static double measure(struct weir_engine *e, const char *sql, int runs, int64_t *rows,
                      struct weir_error *err)
{
    double seconds[MAX_RUNS];
    for (int i = -1; i < runs; i++) {
        *rows = 0;
        const struct weir_row_handler h = {rows, drop_schema, count_rows};
        double start = now();
        if (weir_query_rows(e, sql, &h, err)) return -1;
        if (i >= 0) seconds[i] = now() - start;
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, compare);
    return seconds[runs / 2];
}

static struct weir_engine *open_engine(const struct data *d, const char *device, int threads)
{
    struct weir_error err = {0};
    struct weir_engine *e = NULL;
    const struct weir_options o = {.device = device, .partitions = threads};
    const struct bench_column t[] = {
        {"shipdate", "tdD", d->shipdate}, {"discount", "g", d->discount},
        {"quantity", "g", d->quantity},   {"price", "g", d->price},
        {"k1000", "i", d->k1000},         {"k1m", "i", d->k1m}};
    const struct bench_column b[] = {{"k", "i", d->key}, {"v", "i", d->value}};
    int rc = weir_open(&o, &e, &err);
    if (!rc) rc = bench_register(e, "t", t, 6, d->rows, &err);
    if (!rc) rc = bench_register(e, "d", b, 2, d->build_rows, &err);
    if (!rc) return e;
    fprintf(stderr, "bench_queries: %s\n", err.message);
    weir_close(e);
    return NULL;
}

static int usage(void)
{
    fputs("usage: bench_queries [--rows N] [--build N] [--runs N] [--threads N] [--query S] "
          "[--device D]...\n"
          "  --rows N     rows of the large table (default 33554432)\n"
          "  --build N    rows of the build table and distinct keys of the large grouping (default "
          "1000000)\n"
          "  --runs N     runs of which the median is taken (default 5)\n"
          "  --threads N  slots (default: all hardware threads)\n"
          "  --query S    only operators whose name starts with S\n"
          "  --device D   native, opencl, opencl:N; may be repeated (default: native and opencl)\n",
          stderr);
    return 2;
}

static void report(const struct data *d, const struct query *q, const char *device, double s,
                   double bandwidth, int64_t rows)
{
    double rate = (double)d->rows * q->bytes_per_row / s;
    printf("| %-18s | %-9s | %8.1f | %9.1f | %8.2f | %9.0f %% | %8lld |\n", q->name, device,
           s * 1e3, (double)d->rows / s / 1e6, rate / 1e9, 100 * rate / bandwidth, (long long)rows);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct data d = {.rows = 1 << 25, .build_rows = 1000000};
    const char *device[8], *only = "";
    int n_devices = 0, runs = 5, threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc) return usage();
        long v = atol(argv[i + 1]);
        if (!strcmp(argv[i], "--rows") && v > 0)
            d.rows = v;
        else if (!strcmp(argv[i], "--build") && v > 0)
            d.build_rows = v;
        else if (!strcmp(argv[i], "--runs") && v > 0 && v <= MAX_RUNS)
            runs = (int)v;
        else if (!strcmp(argv[i], "--threads") && v > 0 && v <= MAX_THREADS)
            threads = (int)v;
        else if (!strcmp(argv[i], "--query"))
            only = argv[i + 1];
        else if (!strcmp(argv[i], "--device") && n_devices < 8)
            device[n_devices++] = argv[i + 1];
        else
            return usage();
    }
    if (!n_devices) device[n_devices++] = "native", device[n_devices++] = "opencl";
    make_data(&d);
    double bandwidth = read_bandwidth(&d, threads, runs);
    printf("%lld rows, %lld build rows, %d threads, median of %d; read bandwidth %.1f GB/s\n\n",
           (long long)d.rows, (long long)d.build_rows, threads, runs, bandwidth / 1e9);
    puts("| operator           | device    |       ms |  M rows/s |     GB/s | of bandwidth |   "
         "result |");
    puts("|--------------------|-----------|----------|-----------|----------|-------------|-------"
         "---|");
    int failures = 0;
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++)
        for (int k = 0; k < n_devices; k++) {
            if (strncmp(queries[q].name, only, strlen(only))) continue;
            struct weir_error err = {0};
            int64_t rows = 0;
            struct weir_engine *e = open_engine(&d, device[k], threads);
            double s = e ? measure(e, queries[q].sql, runs, &rows, &err) : -1;
            if (s >= 0)
                report(&d, &queries[q], device[k], s, bandwidth, rows);
            else
                printf("| %-18s | %-9s | %s\n", queries[q].name, device[k], err.message),
                    failures++;
            weir_close(e);
        }
    return failures != 0;
}
