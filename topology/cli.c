/* The command line `weir topo VERB ...`. A verb is a row of the table below; the options are one
   set, read once, and each verb names those that it takes. Nothing here knows how to plan or to
   draw. */
#include "topology/cli.h"

#include <stdlib.h>
#include <string.h>

enum {
    O_MACHINE = 1 << 0,
    O_DEMAND = 1 << 1,
    O_JSON = 1 << 2,
    O_CURRENT = 1 << 3,
    O_PARTITION = 1 << 4,
    O_PID = 1 << 5,
    O_LIST = 1 << 6,
    O_FORMAT = 1 << 7,
    O_SVG = 1 << 8,
    O_ADVISE = 1 << 9,
    O_LEASES = 1 << 10,
};

struct option {
    const char *name, *value; /* value: NULL for a switch, else what it is called in the help */
    unsigned group;
    const char *help;
};

static const struct option options[] = {
    {"--machine", "M", O_MACHINE,
     "live (default), builtin:NAME, FILE.xml, FILE.json or a synthetic string such as \"pack:2 "
     "numa:1 core:8 pu:2\""},
    {"--overlay", "FILE", O_MACHINE,
     "JSON with memory, tiers, devices, distances and limits of the machine"},
    {"--cpuset", "LIST", O_MACHINE, "plan on these CPUs only (0-3,8)"},
    {"--reserve", "LIST", O_MACHINE, "keep these CPUs free"},
    {"--limit-memory", "SIZE", O_MACHINE, "hand out no more memory than this (4GiB)"},
    {"--limit-cpu", "MILLI", O_MACHINE, "use no more than this many milli-CU"},
    {"--devices", NULL, O_MACHINE, "look for I/O devices of the live machine too"},
    {"--streams", "TEXT", O_DEMAND,
     "the demand: 'logs:8,ratio=1:4,mode=exclusive,scope=core;metrics:2,cpu=0.5'"},
    {"--demand", "FILE", O_DEMAND,
     "the demand as JSON: {\"streams\": [{\"name\": \"logs\", \"partitions\": 8, \"ratio\": "
     "\"1:4\"}]}"},
    {"--current", "FILE", O_CURRENT, "stay close to this plan"},
    {"--partition", "NAME[I]", O_PARTITION, "only this partition"},
    {"--pid", "PID", O_PID, "the process whose threads are compared with the plan"},
    {"--export", "F", O_FORMAT, "hwloc-xml (for lstopo), numactl, taskset or cgroup"},
    {"--json", NULL, O_JSON, "print JSON (schema 1)"},
    {"--catalogue", "FILE", O_ADVISE,
     "machine types and prices (without it: the shipped shapes with example prices)"},
    {"--from-stats", "FILE", O_ADVISE, "derive the demand from what `weir run --stats FILE` wrote"},
    {"--rate", "ROWS", O_ADVISE, "with --from-stats: rows per second to be carried"},
    {"--leases", NULL, O_LEASES, "leave out what other running jobs hold, and say who they are"},
    {"--svg", "FILE", O_SVG, "draw it into this file too"},
    {"--list", NULL, O_LIST,
     "print the names of the shipped machines (for --machine builtin:NAME)"},
};

struct verb {
    const char *name;
    int (*run)(struct cli *c);
    unsigned groups;
    const char *arguments, *help, *examples;
};

static const struct verb verbs[] = {
    {"show", topo_cli_show, O_MACHINE | O_JSON | O_LIST | O_SVG | O_LEASES, "",
     "the machine: CPUs, memory, devices, limits",
     "  weir topo show --devices\n"
     "  weir topo show --machine builtin:server-2s-gpu8 --svg server.svg\n"
     "  weir topo show --leases\n"},
    {"plan", topo_cli_plan, O_MACHINE | O_DEMAND | O_CURRENT | O_JSON | O_FORMAT | O_SVG | O_LEASES,
     "", "place a demand on a machine",
     "  weir topo plan --streams 'logs:8,ratio=1:4,mode=exclusive,scope=core;metrics:2,cpu=0.5'\n"
     "  weir topo plan --machine builtin:uneven-4 --demand jobs.json --json > plan.json\n"
     "  weir topo plan --demand jobs.json --current plan.json --svg plan.svg\n"},
    {"explain", topo_cli_explain, O_MACHINE | O_DEMAND | O_CURRENT | O_PARTITION | O_JSON,
     "[PLAN.json]", "why partitions are where they are, and what would make rejected ones fit",
     "  weir topo explain plan.json --partition 'logs[3]'\n"
     "  weir topo explain --machine builtin:one-pu --streams 'logs:4,memory=1GiB'\n"},
    {"diff", topo_cli_diff, O_MACHINE | O_JSON, "A.json B.json",
     "what changes from one plan to another",
     "  weir topo diff before.json after.json\n"
     "  weir topo diff --machine builtin:uneven-4 before.json after.json --json\n"},
    {"apply", topo_cli_apply, O_MACHINE | O_PARTITION, "PLAN.json -- COMMAND...",
     "run a command on a partition's CPUs and memory",
     "  weir topo plan --streams 'logs:2' --json > plan.json\n"
     "  weir topo apply plan.json --partition 'logs[1]' -- my-worker --port 9000\n"},
    {"verify", topo_cli_verify, O_MACHINE | O_PID | O_JSON, "[PLAN.json]",
     "is the plan right for this machine, and does a process keep to it? (--pid alone: a running "
     "job of Weir and its own plan)",
     "  weir topo verify plan.json\n"
     "  weir topo verify plan.json --pid $(pidof my-worker)\n"
     "  weir topo verify --pid $(pidof weir)\n"},
    {"advise", topo_cli_advise, O_DEMAND | O_ADVISE | O_JSON, "",
     "the cheapest machine type for a demand, and how many",
     "  weir topo advise --streams 'logs:64,ratio=1:6'\n"
     "  weir run job.sql --stats stats.json && weir topo advise --from-stats stats.json --rate "
     "2000000\n"
     "  weir topo advise --demand jobs.json --catalogue my-prices.json --json\n"},
    {"export", topo_cli_export, O_MACHINE | O_DEMAND | O_CURRENT | O_FORMAT, "[PLAN.json]",
     "the plan for other programs",
     "  weir topo export plan.json --export cgroup > setup.sh\n"
     "  weir topo export --streams 'logs:8' --export hwloc-xml > plan.xml && lstopo -i plan.xml\n"},
};

static void print_help(FILE *f, const struct verb *only)
{
    if (!only) {
        fprintf(f, "usage: weir topo VERB [options]\n\n");
        for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++)
            fprintf(f, "  %-8s %s\n", verbs[k].name, verbs[k].help);
        fprintf(
            f, "\nexamples:\n"
               "  weir topo show\n"
               "  weir topo show --machine builtin:server-2s-gpu8 --json\n"
               "  weir topo plan --streams 'logs:8,ratio=1:4,mode=exclusive,scope=core'\n"
               "  weir topo plan --machine builtin:uneven-4 --demand jobs.json --json > plan.json\n"
               "  weir topo explain --streams 'logs:64,memory=20GiB'\n\n"
               "weir topo VERB --help tells a verb's options.\n"
               "exit status: 0 done, 1 failed, 2 wrong usage, 3 something does not fit or is not "
               "as planned\n");
        return;
    }
    fprintf(f, "usage: weir topo %s%s%s [options]\n%s\n\n", only->name, *only->arguments ? " " : "",
            only->arguments, only->help);
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        if (!(options[k].group & only->groups)) continue;
        char left[40];
        snprintf(left, sizeof left, "%s %s", options[k].name,
                 options[k].value ? options[k].value : "");
        fprintf(f, "  %-22s %s\n", left, options[k].help);
    }
    fprintf(f, "\nexamples:\n%s", only->examples);
}

static int usage(struct cli *c, const struct verb *verb, const char *what, const char *which)
{
    fprintf(c->err, "weir topo%s%s: %s%s; see: weir topo%s%s --help\n", verb ? " " : "",
            verb ? verb->name : "", what, which, verb ? " " : "", verb ? verb->name : "");
    return CLI_USAGE;
}

static int set_option(struct cli *c, const struct option *o, const char *value)
{
    const char *n = o->name;
    int rc = 0;
    uint64_t number = 0;
    if (!strcmp(n, "--machine")) c->machine.source = value;
    if (!strcmp(n, "--overlay")) c->machine.overlay = value;
    if (!strcmp(n, "--cpuset")) c->machine.cpuset = value;
    if (!strcmp(n, "--reserve")) c->machine.reserve = value;
    if (!strcmp(n, "--devices")) c->machine.devices = true;
    if (!strcmp(n, "--streams")) c->streams = value;
    if (!strcmp(n, "--demand")) c->demand = value;
    if (!strcmp(n, "--current")) c->current = value;
    if (!strcmp(n, "--partition")) c->partition = value;
    if (!strcmp(n, "--export")) c->format = value;
    if (!strcmp(n, "--catalogue")) c->catalogue = value;
    if (!strcmp(n, "--from-stats")) c->stats = value;
    if (!strcmp(n, "--leases")) c->machine.leases = "";
    if (!strcmp(n, "--rate")) {
        char *end;
        c->rate = strtod(value, &end);
        if (*end || !(c->rate > 0))
            rc = topo_fail(&c->error, WEIR_TOPO_ERR_PARSE, "'%s' is no number above 0", value);
    }
    if (!strcmp(n, "--svg")) c->svg = value;
    if (!strcmp(n, "--json")) c->json = true;
    if (!strcmp(n, "--list")) c->list = true;
    if (!strcmp(n, "--limit-memory"))
        rc = weir_topo_parse_bytes(value, &c->machine.limit_memory_bytes, &c->error);
    if (!strcmp(n, "--limit-cpu") || !strcmp(n, "--pid")) {
        char *end;
        number = strtoull(value, &end, 10);
        if (*end || *value < '0' || *value > '9' || !number || number > INT32_MAX)
            rc =
                topo_fail(&c->error, WEIR_TOPO_ERR_PARSE, "'%s' is no whole number above 0", value);
        if (!strcmp(n, "--pid"))
            c->pid = (int)number;
        else
            c->machine.limit_milli_cu = number;
    }
    if (rc) topo_prefix(&c->error, "%s", n);
    return rc;
}

/* 0, or the exit status. */
static int read_arguments(struct cli *c, const struct verb *verb, int argc, char **argv)
{
    for (int k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "--help") || !strcmp(argv[k], "-h")) {
            print_help(c->out, verb);
            c->done = true;
            return 0;
        }
        if (!strcmp(argv[k], "--")) {
            c->command = argv + k + 1;
            return 0;
        }
        if (argv[k][0] != '-') {
            if (c->file_count == 2) return usage(c, verb, "too many files: ", argv[k]);
            c->file[c->file_count++] = argv[k];
            continue;
        }
        const struct option *o = NULL;
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
            if (!strcmp(options[i].name, argv[k]) && options[i].group & verb->groups)
                o = &options[i];
        if (!o) return usage(c, verb, "unknown option ", argv[k]);
        if (o->value && k + 1 >= argc) return usage(c, verb, "a value is missing after ", argv[k]);
        if (set_option(c, o, o->value ? argv[++k] : NULL)) return topo_cli_report(c);
    }
    return 0;
}

int topo_cli_report(struct cli *c)
{
    fprintf(c->err, "weir topo: %s\n", c->error.message);
    return CLI_FAILED;
}

int topo_cli_print(struct cli *c, struct weir_topo_text *t, int rc)
{
    if (!rc) rc = weir_topo_text_write(t, c->out, &c->error);
    weir_topo_text_free(t);
    if (!rc && fflush(c->out))
        rc = topo_fail(&c->error, WEIR_TOPO_ERR_IO, "cannot write the output");
    return rc ? topo_cli_report(c) : CLI_OK;
}

int weir_topo_cli(int argc, char **argv, FILE *out, FILE *err)
{
    struct cli c = {.out = out, .err = err};
    if (argc < 1 || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") ||
        !strcmp(argv[0], "help")) {
        print_help(argc < 1 ? err : out, NULL);
        return argc < 1 ? CLI_USAGE : CLI_OK;
    }
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
        if (strcmp(argv[0], verbs[k].name)) continue;
        int rc = read_arguments(&c, &verbs[k], argc, argv);
        return rc || c.done ? rc : verbs[k].run(&c);
    }
    return usage(&c, NULL, "unknown verb ", argv[0]);
}
