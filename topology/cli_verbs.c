/* What the verbs of `weir topo` do: load, call one function of the library, print. */
#include "topology/cli.h"
#include "topology/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)256 << 20)

struct world {
    struct weir_topo_machine *machine;
    struct weir_topo_demand *demand;
    struct weir_topo_plan *plan, *current;
};

static void close_world(struct world *w)
{
    weir_topo_plan_free(w->plan);
    weir_topo_plan_free(w->current);
    weir_topo_demand_free(w->demand);
    weir_topo_machine_free(w->machine);
}

static int load_machine(struct cli *c, struct world *w)
{
    return weir_topo_machine_load(&c->machine, &w->machine, &c->error);
}

static int load_demand(struct cli *c, struct world *w)
{
    if (c->streams && c->demand)
        return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID,
                         "give either --streams or --demand, not both");
    if (c->streams) return weir_topo_demand_parse_streams(c->streams, &w->demand, &c->error);
    if (!c->demand)
        return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID,
                         "what is to be placed? give --streams 'NAME:PARTITIONS,ratio=1:4' or "
                         "--demand FILE.json");
    char *text = NULL;
    size_t n = 0;
    int rc = topo_read_file(c->demand, FILE_MAX_BYTES, &text, &n, &c->error);
    if (!rc) rc = weir_topo_demand_parse_json(text, n, c->demand, &w->demand, &c->error);
    topo_free(text);
    return rc;
}

static int load_plan(struct cli *c, const char *path, bool current,
                     const struct weir_topo_machine *m, struct weir_topo_plan **out)
{
    char *text = NULL;
    size_t n = 0;
    int rc = topo_read_file(path, FILE_MAX_BYTES, &text, &n, &c->error);
    if (!rc)
        rc = current ? weir_topo_plan_parse_current(text, n, path, m, out, &c->error)
                     : weir_topo_plan_parse_json(text, n, path, m, out, &c->error);
    topo_free(text);
    return rc;
}

/* The plan of the command line: read from a file if one is given, else made. */
static int load_or_make(struct cli *c, struct world *w)
{
    int rc = load_machine(c, w);
    if (rc) return rc;
    if (c->file_count == 1 && !c->streams && !c->demand)
        return load_plan(c, c->file[0], false, w->machine, &w->plan);
    if (c->file_count)
        return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID,
                         "'%s': give either a plan file or a demand", c->file[0]);
    rc = load_demand(c, w);
    if (!rc && c->current) rc = load_plan(c, c->current, true, w->machine, &w->current);
    struct weir_topo_plan_options o = {.current = w->current};
    return rc ? rc : weir_topo_plan_make(w->machine, w->demand, &o, &w->plan, &c->error);
}

static int finish(struct cli *c, struct world *w, struct weir_topo_text *t, int rc)
{
    int status = topo_cli_print(c, t, rc);
    if (!status && w->plan && w->plan->totals.rejected) status = CLI_UNFIT;
    close_world(w);
    return status;
}

/* "logs[3]" (or "logs" for its first) to a partition of PLAN. */
static int find_partition(struct cli *c, const struct weir_topo_plan *plan, uint32_t *out)
{
    const char *open = strchr(c->partition, '[');
    size_t n = open ? (size_t)(open - c->partition) : strlen(c->partition);
    uint64_t index = open ? strtoull(open + 1, NULL, 10) : 0;
    uint32_t first = 0;
    for (uint32_t k = 0; k < plan->stream_count; first += plan->streams[k].partitions, k++) {
        if (strlen(plan->streams[k].name) != n ||
            memcmp(plan->streams[k].name, c->partition, n) != 0)
            continue;
        if (index >= plan->streams[k].partitions)
            return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID,
                             "--partition %s: stream '%s' has partitions 0 to %u", c->partition,
                             plan->streams[k].name, plan->streams[k].partitions - 1);
        *out = first + (uint32_t)index;
        return 0;
    }
    return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID,
                     "--partition %s: the plan has no such stream", c->partition);
}

/* The picture into --svg FILE: whole or not at all. */
static int write_svg(struct cli *c, const struct world *w)
{
    struct weir_topo_text t = {0};
    char path[4200];
    if (!c->svg) return 0;
    if (snprintf(path, sizeof path, "%s.part", c->svg) >= (int)sizeof path)
        return topo_fail(&c->error, WEIR_TOPO_ERR_INVALID, "--svg: the name is too long");
    int rc = w->plan ? weir_topo_plan_svg(w->plan, &t, &c->error)
                     : weir_topo_machine_svg(w->machine, &t, &c->error);
    FILE *f = rc ? NULL : fopen(path, "wb");
    if (!rc && !f)
        rc = topo_fail_errno(&c->error, WEIR_TOPO_ERR_IO, errno, "cannot write %s", path);
    if (f) {
        rc = weir_topo_text_write(&t, f, &c->error);
        if (fclose(f) && !rc)
            rc = topo_fail_errno(&c->error, WEIR_TOPO_ERR_IO, errno, "cannot write %s", path);
        if (!rc && rename(path, c->svg))
            rc = topo_fail_errno(&c->error, WEIR_TOPO_ERR_IO, errno, "cannot write %s", c->svg);
        if (rc) remove(path);
    }
    weir_topo_text_free(&t);
    return rc;
}

int topo_cli_show(struct cli *c)
{
    struct world w = {0};
    struct weir_topo_text t = {0};
    if (c->list) {
        for (uint32_t k = 0; weir_topo_builtin_name(k); k++)
            topo_text(&t, "%s\n", weir_topo_builtin_name(k));
        return finish(c, &w, &t, topo_text_done(&t, &c->error));
    }
    int rc = load_machine(c, &w);
    if (!rc)
        rc = c->json ? weir_topo_machine_json(w.machine, &t, &c->error)
                     : weir_topo_machine_text(w.machine, &t, &c->error);
    if (!rc && c->machine.leases && !c->json) rc = weir_topo_lease_text(NULL, &t, &c->error);
    if (!rc) rc = write_svg(c, &w);
    return finish(c, &w, &t, rc);
}

int topo_cli_plan(struct cli *c)
{
    struct world w = {0};
    struct weir_topo_text t = {0};
    if (c->format) return topo_cli_export(c);
    int rc = load_or_make(c, &w);
    if (!rc)
        rc = c->json ? weir_topo_plan_json(w.plan, &t, &c->error)
                     : weir_topo_plan_text(w.plan, &t, &c->error);
    if (!rc) rc = write_svg(c, &w);
    return finish(c, &w, &t, rc);
}

int topo_cli_explain(struct cli *c)
{
    struct world w = {0};
    struct weir_topo_text t = {0};
    uint32_t partition = WEIR_TOPO_NONE;
    int rc = load_or_make(c, &w);
    if (!rc && c->partition) rc = find_partition(c, w.plan, &partition);
    if (!rc)
        rc = c->json ? weir_topo_explain_json(w.plan, partition, &t, &c->error)
                     : weir_topo_explain_text(w.plan, partition, &t, &c->error);
    return finish(c, &w, &t, rc);
}

int topo_cli_diff(struct cli *c)
{
    struct world w = {0};
    struct weir_topo_text t = {0};
    if (c->file_count != 2) {
        fprintf(c->err, "weir topo diff: two plan files are needed\n");
        return CLI_USAGE;
    }
    int rc = load_machine(c, &w);
    if (!rc) rc = load_plan(c, c->file[0], false, w.machine, &w.current);
    if (!rc) rc = load_plan(c, c->file[1], false, w.machine, &w.plan);
    if (!rc)
        rc = c->json ? weir_topo_diff_json(w.current, w.plan, &t, &c->error)
                     : weir_topo_diff_text(w.current, w.plan, &t, &c->error);
    int status = topo_cli_print(c, &t, rc);
    close_world(&w);
    return status;
}

int topo_cli_export(struct cli *c)
{
    static const char *const formats[] = {"hwloc-xml", "numactl", "taskset", "cgroup"};
    struct world w = {0};
    struct weir_topo_text t = {0};
    unsigned format = 0;
    while (c->format && format < 4 && strcmp(formats[format], c->format) != 0) format++;
    if (!c->format || format == 4) {
        fprintf(c->err,
                "weir topo export: --export must be hwloc-xml, numactl, taskset or cgroup\n");
        return CLI_USAGE;
    }
    int rc = load_or_make(c, &w);
    if (!rc) rc = weir_topo_export(w.plan, (enum weir_topo_export)format, &t, &c->error);
    return finish(c, &w, &t, rc);
}

int topo_cli_apply(struct cli *c)
{
    struct world w = {0};
    uint32_t partition = 0;
    if (c->file_count != 1 || !c->command || !c->command[0] || !c->partition) {
        fprintf(c->err, "weir topo apply: usage: weir topo apply PLAN.json --partition NAME[I] -- "
                        "COMMAND...\n");
        return CLI_USAGE;
    }
    int rc = load_machine(c, &w);
    if (!rc) rc = load_plan(c, c->file[0], false, w.machine, &w.plan);
    if (!rc) rc = find_partition(c, w.plan, &partition);
    if (!rc) rc = weir_topo_apply_thread(w.plan, partition, NULL, &c->error);
    if (!rc) {
        fflush(c->out);
        execvp(c->command[0], c->command);
        topo_fail_errno(&c->error, WEIR_TOPO_ERR_IO, errno, "cannot run %s", c->command[0]);
    }
    close_world(&w);
    return topo_cli_report(c);
}

/* Say where a live node has less right now than the plan hands out. */
static void tell_short_memory(struct weir_topo_text *t, const struct weir_topo_plan *plan)
{
    for (uint32_t p = 0; plan->machine->live && p < plan->machine->pool_count; p++) {
        struct weir_topo_error ignored;
        uint64_t now = 0;
        if (!plan->pool_granted[p] || weir_topo_pool_available(plan->machine, p, &now, &ignored) ||
            now >= plan->pool_granted[p])
            continue;
        topo_text(t, "node %u has ", plan->machine->pools[p].node);
        topo_text_bytes(t, now);
        topo_text(t, " available right now, the plan hands out ");
        topo_text_bytes(t, plan->pool_granted[p]);
        topo_text(t, "\n");
    }
}

static unsigned percent(uint64_t part, uint64_t all)
{
    return all ? (unsigned)(part * 100 / all) : 100;
}

/* A running job against what its own lease says. */
static int verify_job(struct cli *c)
{
    struct weir_topo_text t = {0};
    struct topo_job_verdict v = {0};
    if (c->json) topo_text(&t, "{\"schema\": %d, \"threads\": [", WEIR_TOPO_SCHEMA);
    int rc = topo_verify_job(NULL, c->pid, c->json, &t, &v, &c->error);
    if (c->json)
        topo_text(&t,
                  "\n ],\n \"threads_as_planned\": %u, \"thread_count\": %u, \"pages_sampled\": "
                  "%" PRIu64 ", \"pages_as_planned\": %" PRIu64 ", \"pages_known\": %s}\n",
                  v.threads_planned, v.threads, v.pages, v.pages_planned,
                  v.pages_known ? "true" : "false");
    else
        topo_text(&t,
                  "%u %% of %u threads are on their planned CPUs, %u %% of %" PRIu64
                  " sampled pages on their nodes%s\n",
                  percent(v.threads_planned, v.threads), v.threads,
                  percent(v.pages_planned, v.pages), v.pages,
                  v.pages_known ? "" : " (the kernel does not let us ask about some)");
    if (!rc) rc = topo_text_done(&t, &c->error);
    int status = topo_cli_print(c, &t, rc);
    if (!status && (v.threads_planned != v.threads || v.pages_planned != v.pages))
        status = CLI_UNFIT;
    return status;
}

int topo_cli_verify(struct cli *c)
{
    if (c->pid && !c->file_count) return verify_job(c);
    struct world w = {0};
    struct weir_topo_text t = {0};
    struct topo_process_verdict v = {0};
    if (c->file_count != 1) {
        fprintf(c->err, "weir topo verify: usage: weir topo verify [PLAN.json] [--pid PID]\n");
        return CLI_USAGE;
    }
    int rc = load_machine(c, &w);
    if (!rc) rc = load_plan(c, c->file[0], false, w.machine, &w.plan);
    if (!rc && c->pid) rc = topo_verify_process(w.plan, c->pid, &v, &c->error);
    if (!rc) {
        if (c->json) {
            topo_text(&t, "{\"schema\": %d, \"plan\": \"valid\"", WEIR_TOPO_SCHEMA);
            if (c->pid)
                topo_text(
                    &t,
                    ", \"partitions\": %u, \"bound\": %u, \"on_planned_cpu\": %u, \"threads\": %u",
                    v.partitions, v.bound, v.on_planned_cpu, v.threads);
            topo_text(&t, "}\n");
        } else {
            topo_text(
                &t, "the plan is valid and fits this machine (%u partitions, isolation: %s)\n",
                w.plan->partition_count, w.machine->isolation[0] ? w.machine->isolation : "none");
            tell_short_memory(&t, w.plan);
            if (c->pid)
                topo_text(&t,
                          "process %d: %u of %u partitions have a thread bound to exactly their "
                          "CPUs (%u%%), %u of these ran there last; "
                          "%u threads looked at\n",
                          c->pid, v.bound, v.partitions,
                          v.partitions ? v.bound * 100 / v.partitions : 0, v.on_planned_cpu,
                          v.threads);
        }
        rc = topo_text_done(&t, &c->error);
    }
    int status = topo_cli_print(c, &t, rc);
    if (!status && c->pid && (v.bound != v.partitions || v.on_planned_cpu != v.bound))
        status = CLI_UNFIT;
    close_world(&w);
    return status;
}

int topo_cli_advise(struct cli *c)
{
    struct world w = {0};
    struct weir_topo_text t = {0};
    char *text = NULL;
    size_t n = 0;
    int rc = 0;
    if (!c->stats != !(c->rate > 0)) {
        fprintf(c->err, "weir topo advise: --from-stats FILE and --rate ROWS belong together\n");
        return CLI_USAGE;
    }
    if (c->stats) {
        rc = topo_read_file(c->stats, FILE_MAX_BYTES, &text, &n, &c->error);
        if (!rc) rc = weir_topo_demand_from_stats(text, n, c->stats, c->rate, &w.demand, &c->error);
        topo_free(text);
        text = NULL;
    } else {
        rc = load_demand(c, &w);
    }
    if (!rc && c->catalogue)
        rc = topo_read_file(c->catalogue, FILE_MAX_BYTES, &text, &n, &c->error);
    for (uint32_t k = 0; !rc && c->stats && !c->json && k < w.demand->stream_count; k++) {
        const struct weir_topo_stream *st = &w.demand->streams[k];
        topo_text(&t, "%s--streams '%s:%u,cpu=%um,memory=%" PRIu64 "'\n",
                  k ? "and " : "measured: ", st->name, st->partitions, st->milli_cu, st->bytes);
    }
    if (t.length) topo_text(&t, "\n");
    if (!rc) rc = weir_topo_advise(w.demand, text, n, c->catalogue, c->json, &t, &c->error);
    topo_free(text);
    return finish(c, &w, &t, rc);
}
