/* How fast files are read, per second of CPU time of one thread (others may use the machine):
   usage: bench_ingest [MEGABYTES]. A lineitem-like CSV and a log of JSON lines are made in the
   current directory and removed at the end; every figure is the best of three. */
#include "table.h"

#include <time.h>

#include "host/format/csv.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void make_csv(size_t bytes, bool quotes)
{
    FILE *f = fopen("bench.csv", "w");
    size_t n = 0;
    assert_non_null(f);
    while (n < bytes) {
        n += (size_t)fprintf(
            f, "%llu,%llu,%llu,%u,%u.%02u,0.%02u,%s%s%s,199%u-0%u-1%u,%sdeliver in person%s,%llx\n",
            (unsigned long long)below(6000000), (unsigned long long)below(200000),
            (unsigned long long)below(10000), (unsigned)below(50), (unsigned)below(100000),
            (unsigned)below(100), (unsigned)below(10), quotes ? "\"" : "", below(2) ? "A" : "N",
            quotes ? "\"" : "", (unsigned)below(10), 1 + (unsigned)below(9), (unsigned)below(10),
            quotes ? "\"" : "", quotes ? "\"" : "", (unsigned long long)rng());
    }
    fclose(f);
}

static void make_json(size_t bytes)
{
    FILE *f = fopen("bench.json", "w");
    size_t n = 0;
    assert_non_null(f);
    while (n < bytes) {
        n += (size_t)fprintf(
            f,
            "{\"ts\":\"2024-01-%02u "
            "%02u:%02u:%02u.%03u\",\"ip\":\"%u.%u.%u.%u\",\"method\":\"GET\","
            "\"path\":\"/shop/item/%llu?ref=mail\",\"status\":%u,\"bytes\":%llu,\"ms\":%u.%u,"
            "\"agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 "
            "Firefox/115.0\"}\n",
            1 + (unsigned)below(28), (unsigned)below(24), (unsigned)below(60), (unsigned)below(60),
            (unsigned)below(1000), (unsigned)below(256), (unsigned)below(256), (unsigned)below(256),
            (unsigned)below(256), (unsigned long long)below(100000), 200 + (unsigned)below(300),
            (unsigned long long)below(1000000), (unsigned)below(1000), (unsigned)below(10));
    }
    fclose(f);
}

static void report(const char *what, double bytes, double rows, double s)
{
    printf("%-44s %7.2f GB/s %9.2f M rows/s\n", what, bytes / s * 1e-9, rows / s * 1e-6);
    fflush(stdout);
}

static void bench_read(const char *what, const char *columns, const char *options,
                       const char *wanted)
{
    struct table t;
    struct weir_source *s;
    struct weir_error err;
    int column[MAX_FIELDS], n = 0, n_splits;
    double best = 1e9;
    uint64_t rows = 0;
    for (const char *p = wanted; *p; p++) column[n++] = *p - 'a';
    table_make(&t, columns, options);
    if (weir_connect_source(&t.def, &s, &err)) fail_msg("%s", err.message);
    for (int round = 0; round < 3; round++) {
        double from = now();
        rows = 0;
        assert_int_equal(s->ops->plan_splits(s, 1, &n_splits, &err), 0);
        for (int i = 0; i < n_splits; i++) {
            struct weir_reader *r;
            struct weir_batch *b;
            int rc = s->ops->open_split(s, i, column, n, NULL, &r, &err);
            while (!rc && (rc = s->ops->next(r, WEIR_BATCH_ROWS, &b, &err)) > 0) {
                rows += b->n_rows;
                weir_batch_unref(b);
                rc = 0;
            }
            if (rc) fail_msg("%s", err.message);
            s->ops->close(r);
        }
        double took = now() - from;
        if (took < best) best = took;
    }
    report(what, (double)s->est_bytes, (double)rows, best);
    s->ops->free(s);
    table_drop(&t);
}

static void bench_scan(void)
{
    static const char *const isa[] = {"plain", "sse2", "avx2"};
    struct weir_buf b = read_file("bench.csv");
    const struct weir_csv_options o = {.delimiter = ',', .quote = '"'};
    for (int k = 0; k < 3; k++) {
        char what[64];
        double best = 1e9;
        uint64_t rows = 0;
        if (!weir_csv_force_isa(isa[k])) continue;
        for (int round = 0; round < 3; round++) {
            struct weir_csv_index ix = {0};
            double from = now();
            rows = 0;
            for (size_t i = 0; i < b.len; i += WEIR_CSV_STRIDE) {
                size_t to = b.len - i > WEIR_CSV_STRIDE ? i + WEIR_CSV_STRIDE : b.len;
                assert_true(weir_csv_index(&ix, &o, b.data, i, to));
                rows += ix.n_records;
                ix.n_pos = ix.n_records = 0;
            }
            double took = now() - from;
            if (took < best) best = took;
            weir_csv_index_release(&ix);
        }
        snprintf(what, sizeof what, "CSV scanner, %s", isa[k]);
        report(what, (double)b.len, (double)rows, best);
        double from = now();
        size_t quotes = weir_csv_count(b.data, b.len, '"');
        snprintf(what, sizeof what, "counting quotes, %s", isa[k]);
        report(what, (double)b.len, (double)quotes, now() - from);
    }
    weir_csv_force_isa("");
    weir_buf_release(&b);
}

int main(int argc, char **argv)
{
    size_t bytes = (argc > 1 ? (size_t)atoi(argv[1]) : 100) << 20;
    const char *csv = "a:l b:l c:i d:i e:n f:d g:s h:D i:s j:s";
    const char *csv_options = "connector=filesystem;format=csv;path=bench.csv";
    enter_directory();
    make_csv(bytes, false);
    bench_scan();
    bench_read("CSV, 10 columns", csv, csv_options, "abcdefghij");
    bench_read("CSV, 1 of 10 columns (INT)", csv, csv_options, "c");
    bench_read("CSV, 3 of 10 columns (DECIMAL, DOUBLE, DATE)", csv, csv_options, "efh");
    bench_read("CSV, 3 of 10 columns (texts)", csv, csv_options, "gij");
    bench_read("CSV, rows counted only", csv, csv_options, "");
    make_csv(bytes, true);
    bench_read("CSV with quoted texts, 10 columns", csv, csv_options, "abcdefghij");
    make_json(bytes);
    const char *names = "ts:S ip:s method:s path:s status:i bytes:l ms:d agent:s";
    const char *json_options = "connector=filesystem;format=json;path=bench.json";
    bench_read("JSON, 8 columns", names, json_options, "abcdefgh");
    bench_read("JSON, 2 of 8 columns (INT, BIGINT)", names, json_options, "ef");
    bench_read("JSON, lines counted only", names, json_options, "");
    leave_directory();
    return 0;
}
