/* The Yahoo Streaming Benchmark over memory: of a stream of ad events keep the views, find the
   campaign of each ad, count the views of each campaign in windows of ten seconds. 100 campaigns
   of 10 ads, three kinds of events, 100,000 events a second of event time; ids are integers, so
   that the query is measured and not the parsing. Natively and on an OpenCL device, with one slot
   and with all, beside a loop over arrays written by hand for exactly this query. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define CAMPAIGNS 100
#define ADS       (10 * CAMPAIGNS)
#define KINDS     3 /* view, click, purchase */
#define EVENT_US  10
#define WINDOW_US 10000000
#define FIRST_US  1700000000000000
#define QUERY                                                                                      \
    "SELECT a.campaign, e.window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE events, "                 \
    "DESCRIPTOR(event_time), INTERVAL '10' SECOND)) AS e JOIN ads AS a ON e.ad = a.ad "            \
    "WHERE e.kind = 0 GROUP BY a.campaign, e.window_start, e.window_end"

struct data {
    int64_t rows;
    int32_t *ad, *kind;
    int64_t *time;
    int32_t ads[ADS], campaign[ADS];
};

static void make_data(struct data *d)
{
    uint64_t s = 42;
    d->ad = bench_grab(d->rows, 4), d->kind = bench_grab(d->rows, 4);
    d->time = bench_grab(d->rows, 8);
    for (int64_t i = 0; i < d->rows; i++) {
        uint64_t r = bench_next(&s);
        d->ad[i] = (int32_t)(r % ADS);
        d->kind[i] = (int32_t)((r >> 32) % KINDS);
        d->time[i] = FIRST_US + i * EVENT_US;
    }
    for (int i = 0; i < ADS; i++) d->ads[i] = i, d->campaign[i] = i / 10;
}

/* ---- by hand ---- */

struct hand {
    const struct data *d;
    int threads;
    int64_t windows, *count[BENCH_MAX_THREADS]; /* [windows][CAMPAIGNS] of each thread */
};

static void count_part(void *ctx, int thread)
{
    struct hand *h = ctx;
    const struct data *d = h->d;
    int64_t from = d->rows * thread / h->threads, to = d->rows * (thread + 1) / h->threads;
    int64_t *count = h->count[thread], first = FIRST_US / WINDOW_US;
    for (int64_t i = from; i < to; i++)
        if (d->kind[i] == 0)
            count[(d->time[i] / WINDOW_US - first) * CAMPAIGNS + d->campaign[d->ad[i]]]++;
}

static double by_hand(const struct data *d, int threads, struct bench_answer *a)
{
    struct hand h = {.d = d, .threads = threads};
    h.windows = d->rows * EVENT_US / WINDOW_US + 2;
    for (int i = 0; i < threads; i++) {
        h.count[i] = bench_grab(h.windows * CAMPAIGNS, 8);
        memset(h.count[i], 0, (size_t)h.windows * CAMPAIGNS * 8);
    }
    double seconds = bench_parallel(threads, count_part, &h);
    *a = (struct bench_answer){.columns = 3};
    for (int64_t k = 0; k < h.windows * CAMPAIGNS; k++) {
        int64_t n = 0;
        for (int i = 0; i < threads; i++) n += h.count[i][k];
        a->rows += n > 0;
        a->sum[2] += (double)n;
    }
    for (int i = 0; i < threads; i++) free(h.count[i]);
    return seconds;
}

/* ---- the query ---- */

static int by_weir(struct data *d, const char *device, int threads, int runs, double *seconds,
                   struct bench_answer *a)
{
    struct weir_error err = {0};
    struct weir_engine *e = NULL;
    const struct weir_options o = {.device = device, .partitions = threads};
    const struct bench_column events[] = {
        {"ad", "i", d->ad}, {"kind", "i", d->kind}, {"event_time", "tsu:", d->time}};
    const struct bench_column ads[] = {{"ad", "i", d->ads}, {"campaign", "i", d->campaign}};
    int rc = weir_open(&o, &e, &err);
    if (!rc) rc = bench_register(e, "events", events, 3, d->rows, &err);
    if (!rc) rc = bench_register(e, "ads", ads, 2, ADS, &err);
    if (!rc) rc = bench_measure(e, QUERY, runs, seconds, a, &err);
    if (rc) fprintf(stderr, "bench_ysb: %s: %s\n", device, err.message);
    weir_close(e);
    return rc;
}

static int one(struct data *d, const char *who, int threads, int runs,
               const struct bench_answer *want)
{
    double seconds[BENCH_MAX_RUNS];
    struct bench_answer a = {0};
    if (!strcmp(who, "by hand")) {
        for (int i = 0; i < runs; i++) seconds[i] = by_hand(d, threads, &a);
    } else if (by_weir(d, who, threads, runs, seconds, &a)) {
        return 1;
    }
    double s = bench_median(seconds, runs);
    printf("| %-8s | %5d | %8.1f | %12.1f | %6lld |\n", who, threads, s * 1e3,
           (double)d->rows / s / 1e6, (long long)a.rows);
    fflush(stdout);
    if (a.rows == want->rows && a.sum[2] == want->sum[2]) return 0;
    fprintf(stderr, "bench_ysb: %s counts %.0f views in %lld groups, by hand it is %.0f in %lld\n",
            who, a.sum[2], (long long)a.rows, want->sum[2], (long long)want->rows);
    return 1;
}

int main(int argc, char **argv)
{
    struct data d = {.rows = 1 << 25};
    int runs = 5, threads = (int)sysconf(_SC_NPROCESSORS_ONLN), failures = 0;
    for (int i = 1; i < argc; i += 2) {
        long v = i + 1 < argc ? atol(argv[i + 1]) : 0;
        if (!strcmp(argv[i], "--rows") && v > 0)
            d.rows = v;
        else if (!strcmp(argv[i], "--runs") && v > 0 && v <= BENCH_MAX_RUNS)
            runs = (int)v;
        else if (!strcmp(argv[i], "--threads") && v > 0 && v <= BENCH_MAX_THREADS)
            threads = (int)v;
        else {
            fputs("usage: bench_ysb [--rows N] [--runs N] [--threads N]\n", stderr);
            return 2;
        }
    }
    make_data(&d);
    struct bench_answer want;
    by_hand(&d, 1, &want);
    printf("%lld events, median of %d\n\n", (long long)d.rows, runs);
    puts("| who      | slots |       ms | M events/s   | groups |");
    puts("|----------|-------|----------|--------------|--------|");
    static const char *const who[] = {"by hand", "native", "opencl"};
    for (int slots = 1; slots <= threads; slots = slots < threads ? threads : threads + 1)
        for (int i = 0; i < 3; i++) failures += one(&d, who[i], slots, runs, &want);
    return failures != 0;
}
