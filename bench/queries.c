/* Operators over tables in memory, natively and on an OpenCL device, beside the read bandwidth of
   the same memory, all in one run: fused filter + sum (TPC-H Q6's shape), grouping by 1,000 and by
   a million keys (close together, and far apart), a join with a million build rows. Prints medians
   and ratios; the seconds of a shared machine mean little, the ratios more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

struct data {
    int64_t rows, build_rows;
    int32_t *shipdate, *k1000, *k1m;
    double *discount, *quantity, *price;
    int32_t *key, *value;
};

static void make_data(struct data *d)
{
    uint64_t s = 42;
    d->shipdate = bench_grab(d->rows, 4), d->k1000 = bench_grab(d->rows, 4),
    d->k1m = bench_grab(d->rows, 4);
    d->discount = bench_grab(d->rows, 8), d->quantity = bench_grab(d->rows, 8),
    d->price = bench_grab(d->rows, 8);
    d->key = bench_grab(d->build_rows, 4), d->value = bench_grab(d->build_rows, 4);
    for (int64_t i = 0; i < d->rows; i++) {
        uint64_t r = bench_next(&s), q = bench_next(&s);
        d->shipdate[i] = 8035 + (int32_t)(r % 2557); /* 1992-01-01 … 1998-12-31 */
        d->discount[i] = (double)(r >> 16 & 0xff) * 11 / 256 / 100;
        d->quantity[i] = (double)(1 + (r >> 24) % 50);
        d->price[i] = 900 + (double)(r >> 32 & 0xfffff) / 10;
        d->k1000[i] = (int32_t)(q % 1000);
        d->k1m[i] = (int32_t)((q >> 20) % (uint64_t)d->build_rows);
    }
    for (int64_t i = 0; i < d->build_rows; i++) {
        d->key[i] = (int32_t)i;
        d->value[i] = (int32_t)(bench_next(&s) % 1000);
    }
}

/* ---- the limit: reading the same columns with all threads ---- */

struct reader {
    const double *column;
    int64_t rows;
    int threads;
    uint64_t seen[BENCH_MAX_THREADS];
};

static void read_part(void *ctx, int thread)
{
    struct reader *r = ctx;
    int64_t from = r->rows * thread / r->threads, to = r->rows * (thread + 1) / r->threads;
    uint64_t a = 0, b = 0, c = 0, d = 0;
    const uint64_t *p = (const uint64_t *)r->column;
    for (int64_t i = from; i + 32 <= to; i += 32)
        for (int k = 0; k < 32; k += 4)
            a ^= p[i + k], b ^= p[i + k + 1], c ^= p[i + k + 2], d ^= p[i + k + 3];
    r->seen[thread] = a ^ b ^ c ^ d;
}

/* Bytes per second with THREADS threads over the three double columns; the best of RUNS. */
static double read_bandwidth(const struct data *d, int threads, int runs)
{
    const double *column[3] = {d->discount, d->quantity, d->price};
    struct reader r = {.rows = d->rows, .threads = threads};
    double best = 0;
    for (int run = 0; run < runs * 3; run++) {
        r.column = column[run % 3];
        double rate = (double)d->rows * 8 / bench_parallel(threads, read_part, &r);
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
    {"group by sparse 1 M", "SELECT k1m * 2003, SUM(price), COUNT(*) FROM t GROUP BY k1m * 2003",
     12},
    {"join 1 M", "SELECT COUNT(*), SUM(CAST(d.v AS BIGINT)) FROM t JOIN d ON t.k1m = d.k", 4},
};

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
          "[--device D]... [--format F]\n"
          "  --rows N     rows of the large table (default 33554432)\n"
          "  --build N    rows of the build table and distinct keys of the large grouping (default "
          "1000000)\n"
          "  --runs N     runs of which the median is taken (default 5)\n"
          "  --threads N  slots (default: all hardware threads)\n"
          "  --query S    only operators whose name starts with S\n"
          "  --device D   native, opencl, opencl:N; may be repeated (default: native and opencl)\n"
          "  --format F   table, or json: an object a line with every run's seconds\n",
          stderr);
    return 2;
}

struct bench {
    struct data d;
    const char *device[8], *only;
    int n_devices, runs, threads, json;
    double bandwidth;
};

static void heading(const struct bench *b)
{
    if (b->json) {
        printf("{\"rows\": %lld, \"build_rows\": %lld, \"threads\": %d, \"bandwidth\": %.0f}\n",
               (long long)b->d.rows, (long long)b->d.build_rows, b->threads, b->bandwidth);
        return;
    }
    printf("%lld rows, %lld build rows, %d threads, median of %d; read bandwidth %.1f GB/s\n\n",
           (long long)b->d.rows, (long long)b->d.build_rows, b->threads, b->runs,
           b->bandwidth / 1e9);
    puts("| operator            | device    |       ms |  M rows/s |     GB/s | of bandwidth |   "
         "result |");
    puts(
        "|---------------------|-----------|----------|-----------|----------|-------------|-------"
        "---|");
}

static void report(const struct bench *b, const struct query *q, const char *device,
                   double *seconds, const struct bench_answer *a)
{
    if (b->json) {
        printf("{\"query\": \"%s\", \"device\": \"%s\", \"bytes_per_row\": %d, \"seconds\": [",
               q->name, device, q->bytes_per_row);
        for (int i = 0; i < b->runs; i++) printf("%s%.6f", i ? ", " : "", seconds[i]);
        printf("], \"rows\": %lld, \"sums\": [", (long long)a->rows);
        for (int i = 0; i < a->columns; i++) printf("%s%.17g", i ? ", " : "", a->sum[i]);
        puts("]}");
    } else {
        double s = bench_median(seconds, b->runs), rate = (double)b->d.rows * q->bytes_per_row / s;
        printf("| %-19s | %-9s | %8.1f | %9.1f | %8.2f | %9.0f %% | %8lld |\n", q->name, device,
               s * 1e3, (double)b->d.rows / s / 1e6, rate / 1e9, 100 * rate / b->bandwidth,
               (long long)a->rows);
    }
    fflush(stdout);
}

static int run(const struct bench *b, const struct query *q, const char *device)
{
    struct weir_error err = {0};
    double seconds[BENCH_MAX_RUNS];
    struct bench_answer answer = {0};
    struct weir_engine *e = open_engine(&b->d, device, b->threads);
    int rc = e ? bench_measure(e, q->sql, b->runs, seconds, &answer, &err) : -1;
    if (!rc)
        report(b, q, device, seconds, &answer);
    else if (e)
        fprintf(stderr, "bench_queries: %s on %s: %s\n", q->name, device, err.message);
    weir_close(e);
    return rc != 0;
}

static int parse(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc) return usage();
        long v = atol(argv[i + 1]);
        if (!strcmp(argv[i], "--rows") && v > 0)
            b->d.rows = v;
        else if (!strcmp(argv[i], "--build") && v > 0)
            b->d.build_rows = v;
        else if (!strcmp(argv[i], "--runs") && v > 0 && v <= BENCH_MAX_RUNS)
            b->runs = (int)v;
        else if (!strcmp(argv[i], "--threads") && v > 0 && v <= BENCH_MAX_THREADS)
            b->threads = (int)v;
        else if (!strcmp(argv[i], "--query"))
            b->only = argv[i + 1];
        else if (!strcmp(argv[i], "--device") && b->n_devices < 8)
            b->device[b->n_devices++] = argv[i + 1];
        else if (!strcmp(argv[i], "--format") && !strcmp(argv[i + 1], "json"))
            b->json = 1;
        else if (strcmp(argv[i], "--format") || strcmp(argv[i + 1], "table"))
            return usage();
    }
    if (!b->n_devices) b->device[b->n_devices++] = "native", b->device[b->n_devices++] = "opencl";
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.d = {.rows = 1 << 25, .build_rows = 1000000},
                      .only = "",
                      .runs = 5,
                      .threads = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    int failures = parse(&b, argc, argv);
    if (failures) return failures;
    make_data(&b.d);
    b.bandwidth = read_bandwidth(&b.d, b.threads, b.runs);
    heading(&b);
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++)
        for (int k = 0; k < b.n_devices; k++)
            if (!strncmp(queries[q].name, b.only, strlen(b.only)))
                failures += run(&b, &queries[q], b.device[k]);
    return failures != 0;
}
