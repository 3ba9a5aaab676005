/* explain and diff: the plan in sentences, and two plans side by side. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

static void milli(struct weir_topo_text *t, uint64_t milli_cu)
{
    topo_text(t, "%" PRIu64 ".%03" PRIu64, milli_cu / 1000, milli_cu % 1000);
}

static void domain_line(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t d)
{
    const struct weir_topo_domain_use *u = &plan->domains[d];
    topo_text(t, "    domain %u: ", d);
    milli(t, u->load_milli_cu);
    topo_text(t, " of ");
    milli(t, u->capacity_milli_cu);
    topo_text(t, " CPU used, ");
    uint64_t usable = 0, granted = 0;
    for (uint32_t p = 0; p < plan->machine->pool_count; p++)
        if (plan->machine->local[(size_t)d * plan->machine->pool_count + p]) {
            usable += plan->machine->pools[p].usable_bytes;
            granted += plan->pool_granted[p];
        }
    topo_text_bytes(t, granted);
    topo_text(t, " of ");
    topo_text_bytes(t, usable);
    topo_text(t, " local memory handed out");
    if (u->remote_bytes) {
        topo_text(t, ", ");
        topo_text_bytes(t, u->remote_bytes);
        topo_text(t, " of its partitions' memory is elsewhere");
    }
    topo_text(t, "\n");
}

static void partition_text(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    const struct weir_topo_stream *st = &plan->streams[p->stream];
    char why[400];
    weir_topo_plan_why(plan, i, why, sizeof why);
    topo_text(t, "  %s[%u] is %s: %s\n", st->name, p->index, weir_topo_state_name(p->state), why);
    topo_text(t, "    asked for ");
    milli(t, p->milli_cu);
    topo_text(t, " CPU%s and ", st->milli_cu ? "" : " (automatic)");
    topo_text_bytes(t, p->bytes);
    topo_text(t, "%s, %s", st->memory_mode == WEIR_TOPO_MEMORY_AUTO ? " (what was left)" : "",
              weir_topo_mode_name(st->mode));
    if (st->mode == WEIR_TOPO_EXCLUSIVE)
        topo_text(t, " in whole %ss", weir_topo_scope_name(st->scope));
    topo_text(t, ", priority %d\n", st->priority);
    if (p->state == WEIR_TOPO_REJECTED) return;
    topo_text(t, "    gets CPUs ");
    topo_text_plan_cpuset(t, plan, i);
    topo_text(t, " worth ");
    milli(t, p->share_milli_cu);
    for (uint32_t k = 0; k < p->grant_count; k++) {
        const struct weir_topo_grant *g = &plan->grants[p->grant_first + k];
        const struct weir_topo_pool *pool = &plan->machine->pools[g->pool];
        topo_text(t, "%s", k ? " + " : ", ");
        topo_text_bytes(t, g->bytes);
        topo_text(t, " on node %u (%s, distance %u)", pool->node, weir_topo_tier_name(pool->tier),
                  plan->machine->distance[(size_t)p->domain * plan->machine->pool_count + g->pool]);
    }
    if (p->device != WEIR_TOPO_NONE)
        topo_text(t, ", device %s queue %u", plan->machine->devices[p->device].name, p->queue);
    topo_text(t, "\n");
    if (p->runner_up != WEIR_TOPO_NONE)
        topo_text(t,
                  "    the runner-up was domain %u, at a price of %" PRId64
                  " thousandths of a core's load\n",
                  p->runner_up, p->runner_up_price);
    domain_line(t, plan, p->domain);
}

static uint32_t count_state(const struct weir_topo_plan *plan, uint32_t stream,
                            enum weir_topo_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->partition_count; i++)
        n += plan->partitions[i].stream == stream && plan->partitions[i].state == state;
    return n;
}

/* The reasons of STREAM's partitions in STATE, each once with its count. */
static void reasons(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t stream,
                    enum weir_topo_state state)
{
    uint32_t first[WEIR_TOPO_WHY_COUNT] = {0}, count[WEIR_TOPO_WHY_COUNT] = {0};
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        if (p->stream != stream || p->state != state) continue;
        if (!count[p->why]++) first[p->why] = i;
    }
    for (int w = 0; w < WEIR_TOPO_WHY_COUNT; w++) {
        char why[400];
        if (!count[w]) continue;
        weir_topo_plan_why(plan, first[w], why, sizeof why);
        topo_text(t, "    %u %s: %s\n", count[w], weir_topo_state_name(state), why);
    }
}

static int stream_text(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t k,
                       struct weir_topo_error *err)
{
    const struct weir_topo_stream *st = &plan->streams[k];
    uint32_t rejected = count_state(plan, k, WEIR_TOPO_REJECTED),
             degraded = count_state(plan, k, WEIR_TOPO_DEGRADED);
    topo_text(t, "  stream %s: %u of %u placed as asked, %u degraded, %u rejected\n", st->name,
              st->partitions - rejected - degraded, st->partitions, degraded, rejected);
    reasons(t, plan, k, WEIR_TOPO_DEGRADED);
    reasons(t, plan, k, WEIR_TOPO_REJECTED);
    if (!rejected) return 0;
    struct weir_topo_stream changed;
    char text[300];
    int rc = weir_topo_suggest(plan, k, &changed, text, sizeof text, err);
    if (rc < 0) return rc;
    topo_text(t, "    to make it fit: %s\n",
              rc ? text
                 : "no change of this stream alone is enough; lower another stream or take a "
                   "larger machine");
    return 0;
}

int weir_topo_explain_text(const struct weir_topo_plan *plan, uint32_t partition,
                           struct weir_topo_text *t, struct weir_topo_error *err)
{
    if (partition != WEIR_TOPO_NONE) {
        if (partition >= plan->partition_count)
            return topo_fail(err, WEIR_TOPO_ERR_INVALID, "partition %u: the plan has %u", partition,
                             plan->partition_count);
        partition_text(t, plan, partition);
    }
    for (uint32_t k = 0; k < plan->stream_count; k++) {
        if (partition != WEIR_TOPO_NONE && plan->partitions[partition].stream != k) continue;
        int rc = stream_text(t, plan, k, err);
        if (rc) return rc;
    }
    const struct weir_topo_totals *s = &plan->totals;
    topo_text(t,
              "  the largest shared load is %" PRIu64 ".%" PRIu64
              " %% of a core; no plan with these exclusive sets is below %" PRIu64 ".%" PRIu64
              " %%\n",
              s->load_max_ppm / 10000, s->load_max_ppm / 1000 % 10, s->load_bound_ppm / 10000,
              s->load_bound_ppm / 1000 % 10);
    if (s->remote_bytes) {
        topo_text(t, "  ");
        topo_text_bytes(t, s->remote_bytes);
        topo_text(t, " of memory is remote; with these CPUs it cannot be less than ");
        topo_text_bytes(t, s->remote_bound_bytes);
        topo_text(t, "\n");
    }
    for (uint32_t d = 0; partition == WEIR_TOPO_NONE && d < plan->machine->domain_count && d < 64;
         d++)
        domain_line(t, plan, d);
    return topo_text_done(t, err);
}

int weir_topo_explain_json(const struct weir_topo_plan *plan, uint32_t partition,
                           struct weir_topo_text *t, struct weir_topo_error *err)
{
    topo_text(t, "{\n  \"schema\": %d,\n  \"streams\": [", WEIR_TOPO_SCHEMA);
    bool any = false;
    for (uint32_t k = 0; k < plan->stream_count; k++) {
        if (partition != WEIR_TOPO_NONE &&
            (partition >= plan->partition_count || plan->partitions[partition].stream != k))
            continue;
        struct weir_topo_stream changed;
        char text[300] = "";
        int rc = weir_topo_suggest(plan, k, &changed, text, sizeof text, err);
        if (rc < 0) return rc;
        topo_text(t, "%s\n    {\"stream\": ", any ? "," : "");
        any = true;
        topo_text_json(t, plan->streams[k].name);
        topo_text(t, ", \"placed\": %u, \"degraded\": %u, \"rejected\": %u, \"fits_if\": ",
                  count_state(plan, k, WEIR_TOPO_PLACED), count_state(plan, k, WEIR_TOPO_DEGRADED),
                  count_state(plan, k, WEIR_TOPO_REJECTED));
        if (rc)
            topo_text_json(t, text);
        else
            topo_text(t, "null");
        topo_text(t, "}");
    }
    topo_text(t, "\n  ],\n  \"partitions\": [");
    any = false;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        char why[400];
        if (partition != WEIR_TOPO_NONE && partition != i) continue;
        weir_topo_plan_why(plan, i, why, sizeof why);
        topo_text(t, "%s\n    {\"stream\": ", any ? "," : "");
        any = true;
        topo_text_json(t, plan->streams[p->stream].name);
        topo_text(t,
                  ", \"index\": %u, \"state\": \"%s\", \"constraint\": \"%s\", \"why\": ", p->index,
                  weir_topo_state_name(p->state), weir_topo_why_name(p->why));
        topo_text_json(t, why);
        topo_text(t, "}");
    }
    topo_text(t, "\n  ]\n}\n");
    return topo_text_done(t, err);
}
