/* weir run */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"

static const char help[] =
    "usage: weir run FILE.sql | -c 'SQL' | -   [options]\n"
    "\n"
    "Runs the statements one after another and prints the rows of each query.\n"
    "\n"
    "  -c SQL               run SQL given here\n"
    "  -                    read the SQL from standard input\n"
    "  --device D           auto (default): native at once, a device when it is faster; native; "
    "opencl\n"
    "                       or opencl:N: this device, or refuse and say why\n"
    "  --partitions N       slots that work in parallel (default: one for each usable hardware "
    "thread)\n"
    "  --memory BYTES       memory budget of one slot, as 512MiB or 4GiB\n"
    "  --ratio R            CPU to memory of each slot: 1:4 (cores to GiB), cu, or 500m:2GiB\n"
    "  --mode M             shared (default), or exclusive: own the cores, memory and devices of "
    "the\n"
    "                       slots; refused when others have them\n"
    "  --scope S            what an exclusive slot owns whole: pu, core (default), l3, numa, "
    "package\n"
    "  --batch-rows N       rows worked on at once (default: what suits the backend)\n"
    "  --format F           box (default), csv, json, markdown\n"
    "  --stats FILE         write statistics as JSON (- : standard error)\n"
    "  --trace FILE         write a trace for chrome://tracing or Perfetto\n"
    "  --quiet              no progress line\n"
    "\n"
    "examples:\n"
    "  weir run examples/web_attack.sql --stats stats.json\n"
    "  weir run -c \"SELECT x, COUNT(*) FROM (VALUES (1), (1), (2)) AS t(x) GROUP BY x\" --format "
    "csv\n"
    "  weir run job.sql --device opencl --partitions 4\n";

struct run_args {
    struct weir_engine_options engine;
    struct cli_sql sql;
    enum weir_rows_format format;
    const char *path, *statement, *stats, *trace;
    bool quiet;
};

static struct weir_engine *to_cancel;

static void on_interrupt(int sig)
{
    (void)sig;
    if (atomic_exchange(&to_cancel->cancel, true)) _Exit(CLI_CANCELLED); /* the second Ctrl-C */
}

static int parse_number(const char *text, long max, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return *text && !*end && !errno && *out >= 1 && *out <= max ? 0 : -1;
}

enum option {
    SQL,
    DEVICE,
    PARTITIONS,
    MEMORY,
    RATIO,
    MODE,
    SCOPE,
    BATCH_ROWS,
    FORMAT,
    STATS,
    TRACE,
    N_OPTIONS
};

static int set_option(struct run_args *a, enum option which, const char *v)
{
    long n;
    struct weir_topo_error te;
    switch (which) {
    case SQL: a->statement = v; return 0;
    case DEVICE: a->engine.device = v; return 0;
    case PARTITIONS:
        if (parse_number(v, 4096, &n))
            return cli_usage("run", "--partitions '%s': a number from 1 to 4096 is expected", v);
        a->engine.partitions = (int)n;
        return 0;
    case MEMORY:
        if (weir_topo_parse_bytes(v, &a->engine.slot_bytes, &te))
            return cli_usage("run", "--memory: %s", te.message);
        return 0;
    case RATIO: a->engine.ratio = v; return 0;
    case MODE: a->engine.mode = v; return 0;
    case SCOPE: a->engine.scope = v; return 0;
    case BATCH_ROWS:
        if (parse_number(v, 1 << 24, &n))
            return cli_usage("run", "--batch-rows '%s': a number from 1 to 16777216 is expected",
                             v);
        a->engine.batch_rows = (uint32_t)n;
        return 0;
    case FORMAT:
        n = weir_rows_format_by_name(v);
        if (n < 0)
            return cli_usage("run", "--format '%s': box, csv, json or markdown is expected", v);
        a->format = (enum weir_rows_format)n;
        return 0;
    case STATS: a->stats = v; return 0;
    default: a->trace = v; return 0;
    }
}

/* 0: go on; 1: --help was printed; CLI_USAGE. */
static int parse_args(struct run_args *a, int argc, char **argv)
{
    static const char *const option[N_OPTIONS] = {[SQL] = "-c",
                                                  [DEVICE] = "--device",
                                                  [PARTITIONS] = "--partitions",
                                                  [MEMORY] = "--memory",
                                                  [RATIO] = "--ratio",
                                                  [MODE] = "--mode",
                                                  [SCOPE] = "--scope",
                                                  [BATCH_ROWS] = "--batch-rows",
                                                  [FORMAT] = "--format",
                                                  [STATS] = "--stats",
                                                  [TRACE] = "--trace"};
    for (int i = 0; i < argc; i++) {
        const char *v = NULL;
        int found = 0, which = 0;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return 1;
        }
        if (!strcmp(argv[i], "--quiet")) {
            a->quiet = true;
            continue;
        }
        for (; !found && which < N_OPTIONS; which++)
            found = cli_option(argc, argv, &i, option[which], &v);
        if (found < 0) return cli_usage("run", "%s needs a value", argv[i]);
        if (found) {
            int rc = set_option(a, (enum option)(which - 1), v);
            if (rc) return rc;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return cli_usage("run", "'%s' is not an option", argv[i]);
        } else if (a->path) {
            return cli_usage("run", "only one SQL file at a time, '%s' is the second", argv[i]);
        } else {
            a->path = argv[i];
        }
    }
    if (!a->path == !a->statement) return cli_usage("run", "give one SQL file, -c 'SQL' or -");
    return 0;
}

struct printing {
    enum weir_rows_format format;
    int n_results;
};

static int print_rows(void *ctx, const struct weir_schema *schema, bool streaming,
                      struct weir_sink **out, struct weir_error *err)
{
    struct printing *p = ctx;
    return cli_result_sink(p->format, p->n_results++ == 0, schema, streaming, out, err);
}

/* What did not run as asked is never silent. */
static void report(void *ctx, const struct weir_bound *bound, const struct weir_stats *stats)
{
    (void)ctx, (void)bound;
    for (int i = 0; stats && i < stats->n_stages; i++)
        for (int k = 0; k < stats->stage[i].n_fallbacks; k++)
            fprintf(stderr, "weir: %s: %llu batches ran natively: %s\n", stats->stage[i].what,
                    (unsigned long long)stats->stage[i].fallback[k].batches,
                    stats->stage[i].fallback[k].reason);
    if (stats && stats->rows_skipped)
        fprintf(stderr, "weir: %llu rows did not parse and were skipped\n",
                (unsigned long long)stats->rows_skipped);
    if (stats && stats->rows_dropped)
        fprintf(stderr, "weir: %llu rows with a NULL for a NOT NULL column were dropped\n",
                (unsigned long long)stats->rows_dropped);
    if (stats && stats->late_rows)
        fprintf(stderr, "weir: %llu rows came after their windows had closed and were dropped\n",
                (unsigned long long)stats->late_rows);
}

static void placed(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "weir: %s\n", text);
}

static int write_file(const char *path, const struct weir_buf *b)
{
    bool standard = !strcmp(path, "-");
    FILE *f = standard ? stderr : fopen(path, "wb");
    bool ok = f && fwrite(b->data, 1, b->len, f) == b->len;
    if (f && (standard ? fflush(f) : fclose(f))) ok = false;
    if (ok) return CLI_OK;
    fprintf(stderr, "weir: cannot write %s: %s\n", path, strerror(errno));
    return CLI_IO;
}

static int write_reports(const struct run_args *a, struct weir_engine *e)
{
    int code = CLI_OK;
    struct weir_buf b = {0};
    if (a->stats) {
        weir_buf_printf(&b, "[%s]\n", e->stats.data ? e->stats.data : "");
        code = write_file(a->stats, &b);
        weir_buf_release(&b);
    }
    if (a->trace && e->trace) {
        weir_trace_json(e->trace, &b);
        int rc = write_file(a->trace, &b);
        code = code ? code : rc;
        weir_buf_release(&b);
    }
    return code;
}

static int run(struct run_args *a, struct weir_engine *e)
{
    struct weir_error err = {0};
    struct printing printing = {.format = a->format};
    const struct weir_engine_output output = {
        .ctx = &printing, .rows = print_rows, .placed = placed, .done = report};
    if (a->trace && !(e->trace = weir_trace_new())) {
        weir_fail_nomem(&err, 0, "tracing");
        return cli_fail(&err);
    }
    to_cancel = e;
    struct sigaction act = {.sa_handler = on_interrupt}, old[2];
    sigaction(SIGINT, &act, &old[0]);
    sigaction(SIGTERM, &act, &old[1]);
    struct cli_progress *p = a->quiet ? NULL : cli_progress_start(e);
    int rc = weir_engine_run(e, a->sql.text, a->sql.len, a->sql.file_name, &output, &err);
    cli_progress_stop(p);
    sigaction(SIGINT, &old[0], NULL);
    sigaction(SIGTERM, &old[1], NULL);
    int code = rc ? cli_fail(&err) : CLI_OK;
    int reports = write_reports(a, e);
    weir_trace_free(e->trace);
    e->trace = NULL;
    return code ? code : reports;
}

int cli_run(int argc, char **argv)
{
    struct run_args a = {0};
    struct weir_error err = {0};
    struct weir_engine *e = NULL;
    int rc = parse_args(&a, argc, argv);
    if (rc) return rc == 1 ? CLI_OK : rc;
    if (a.statement) {
        a.sql = (struct cli_sql){"-c", weir_strdup(a.statement), strlen(a.statement)};
        if (!a.sql.text) rc = weir_fail_nomem(&err, a.sql.len, "reading the SQL");
    } else {
        rc = cli_sql_read(a.path, &a.sql, &err);
    }
    if (!rc) rc = weir_engine_new(&a.engine, &e, &err);
    int code = rc ? cli_fail(&err) : run(&a, e);
    weir_engine_free(e);
    cli_sql_free(&a.sql);
    return code;
}
