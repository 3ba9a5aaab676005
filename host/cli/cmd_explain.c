/* weir explain */
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"

static const char help[] = "usage: weir explain FILE.sql | -c 'SQL' | -   [--device D] "
                           "[--partitions N] [--format text|json]\n"
                           "       [--memory BYTES] [--ratio R] [--mode M] [--scope S]\n"
                           "\n"
                           "For each query and INSERT: the logical plan, the pipelines it becomes, "
                           "which backend runs each of\n"
                           "them and why, and the slots: CPUs, memory, device, isolation. Nothing "
                           "is run, no row is read.\n"
                           "\n"
                           "example:\n"
                           "  weir explain examples/web_attack.sql --device opencl\n";

struct explain_args {
    struct weir_engine_options engine;
    const char *path, *statement;
    bool json;
};

static int set_option(struct explain_args *a, int which, const char *v)
{
    struct weir_topo_error te;
    switch (which) {
    case 0: a->statement = v; return 0;
    case 1: a->engine.device = v; return 0;
    case 2:
        if (sscanf(v, "%d", &a->engine.partitions) == 1 && a->engine.partitions >= 1) return 0;
        return cli_usage("explain", "--partitions '%s': a number from 1 to 4096 is expected", v);
    case 3:
        if (weir_topo_parse_bytes(v, &a->engine.slot_bytes, &te))
            return cli_usage("explain", "--memory: %s", te.message);
        return 0;
    case 4: a->engine.ratio = v; return 0;
    case 5: a->engine.mode = v; return 0;
    case 6: a->engine.scope = v; return 0;
    default:
        a->json = !strcmp(v, "json");
        if (a->json || !strcmp(v, "text")) return 0;
        return cli_usage("explain", "--format '%s': text or json is expected", v);
    }
}

/* 0: go on; 1: --help was printed; CLI_USAGE. */
static int parse_args(struct explain_args *a, int argc, char **argv)
{
    static const char *const option[] = {"-c",      "--device", "--partitions", "--memory",
                                         "--ratio", "--mode",   "--scope",      "--format"};
    const int n_options = (int)(sizeof option / sizeof *option);
    for (int i = 0; i < argc; i++) {
        const char *v = NULL;
        int found = 0, which = 0;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return 1;
        }
        for (; !found && which < n_options; which++)
            found = cli_option(argc, argv, &i, option[which], &v);
        if (found < 0) return cli_usage("explain", "%s needs a value", argv[i]);
        if (found) {
            int rc = set_option(a, which - 1, v);
            if (rc) return rc;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return cli_usage("explain", "'%s' is not an option", argv[i]);
        } else if (a->path) {
            return cli_usage("explain", "only one SQL file at a time, '%s' is the second", argv[i]);
        } else {
            a->path = argv[i];
        }
    }
    if (!a->path == !a->statement) return cli_usage("explain", "give one SQL file, -c 'SQL' or -");
    return 0;
}

int cli_explain(int argc, char **argv)
{
    struct explain_args a = {0};
    struct weir_error err = {0};
    struct weir_engine *e = NULL;
    struct cli_sql sql = {0};
    struct weir_buf out = {0};
    int rc = parse_args(&a, argc, argv);
    if (rc) return rc == 1 ? CLI_OK : rc;
    if (a.path) rc = cli_sql_read(a.path, &sql, &err);
    const char *text = a.path ? sql.text : a.statement;
    if (!rc) rc = weir_engine_new(&a.engine, &e, &err);
    if (!rc)
        rc = weir_engine_explain(e, text, a.path ? sql.len : strlen(text),
                                 a.path ? sql.file_name : "-c", a.json, &out, &err);
    if (!rc && out.data) fwrite(out.data, 1, out.len, stdout);
    int code = rc ? cli_fail(&err) : CLI_OK;
    weir_buf_release(&out);
    weir_engine_free(e);
    cli_sql_free(&sql);
    return code;
}
