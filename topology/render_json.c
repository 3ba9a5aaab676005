/* JSON of machine and plan: schema 1, keys in a fixed order, numbers are integers, CPU sets are
 * Linux lists. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

static void limit(struct weir_topo_text *t, const char *key, uint64_t value, const char *source)
{
    if (value == UINT64_MAX) {
        topo_text(t, "\"%s\": null", key);
        return;
    }
    topo_text(t, "\"%s\": {\"value\": %" PRIu64 ", \"source\": ", key, value);
    topo_text_json(t, source);
    topo_text(t, "}");
}

static void unit_cpus(struct weir_topo_text *t, const struct weir_topo_machine *m,
                      const struct weir_topo_units *u, uint32_t unit)
{
    uint32_t count = u->first[unit + 1] - u->first[unit], n = 0;
    uint32_t *cpus = topo_calloc(count, sizeof *cpus);
    if (!cpus) {
        t->failed = true;
        return;
    }
    for (uint32_t k = u->first[unit]; k < u->first[unit + 1]; k++) {
        if (!weir_topo_pu_usable(m, u->pus[k])) continue;
        uint32_t os = m->pus[u->pus[k]].os_index, at = n++;
        while (at && cpus[at - 1] > os) {
            cpus[at] = cpus[at - 1];
            at--;
        }
        cpus[at] = os;
    }
    topo_text(t, "\"");
    topo_text_list(t, cpus, n);
    topo_text(t, "\"");
    topo_free(cpus);
}

static void pool(struct weir_topo_text *t, const struct weir_topo_machine *m, uint32_t p,
                 uint32_t distance)
{
    const struct weir_topo_pool *pool = &m->pools[p];
    topo_text(t,
              "{\"pool\": %u, \"node\": %u, \"tier\": \"%s\", \"usable_bytes\": %" PRIu64
              ", \"total_bytes\": %" PRIu64 ", \"page_bytes\": %" PRIu64
              ", \"distance\": %u, \"source\": ",
              p, pool->node, weir_topo_tier_name(pool->tier), pool->usable_bytes, pool->total_bytes,
              pool->page_bytes, distance);
    topo_text_json(t, pool->source);
    topo_text(t, "}");
}

static void domains(struct weir_topo_text *t, const struct weir_topo_machine *m, const char *indent)
{
    topo_text(t, "%s\"domains\": [", indent);
    for (uint32_t d = 0; d < m->domain_count; d++) {
        topo_text(t, "%s\n%s  {\"domain\": %u, \"cpuset\": ", d ? "," : "", indent, d);
        unit_cpus(t, m, &m->units[WEIR_TOPO_SCOPE_NUMA], d);
        topo_text(t, ", \"capacity_milli_cu\": %u, \"pools\": [",
                  m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d]);
        bool any = false;
        for (uint32_t p = 0; p < m->pool_count; p++) {
            if (!m->local[(size_t)d * m->pool_count + p]) continue;
            topo_text(t, "%s", any ? ", " : "");
            pool(t, m, p, m->distance[(size_t)d * m->pool_count + p]);
            any = true;
        }
        topo_text(t, "]}");
    }
    topo_text(t, "\n%s],\n%s\"memory_without_cpus\": [", indent, indent);
    bool any = false;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        bool owned = false;
        for (uint32_t d = 0; d < m->domain_count; d++)
            owned |= m->local[(size_t)d * m->pool_count + p];
        if (owned) continue;
        topo_text(t, "%s", any ? ", " : "");
        pool(t, m, p, m->distance[p]);
        any = true;
    }
    topo_text(t, "],\n");
}

static void devices(struct weir_topo_text *t, const struct weir_topo_machine *m, const char *indent)
{
    topo_text(t, "%s\"devices\": [", indent);
    for (uint32_t d = 0; d < m->device_count; d++) {
        const struct weir_topo_device *dev = &m->devices[d];
        topo_text(t, "%s\n%s  {\"device\": %u, \"name\": ", d ? "," : "", indent, d);
        topo_text_json(t, dev->name);
        topo_text(t, ", \"kind\": \"%s\", \"model\": ", weir_topo_device_kind_name(dev->kind));
        topo_text_json(t, dev->model);
        topo_text(t, ", \"pci\": ");
        topo_text_json(t, dev->pci);
        topo_text(t, ", \"bytes\": %" PRIu64 ", \"compute_units\": %u, \"domain\": ", dev->bytes,
                  dev->compute_units);
        if (dev->domain == WEIR_TOPO_NONE)
            topo_text(t, "null");
        else
            topo_text(t, "%u", dev->domain);
        topo_text(t, ", \"leased_units\": %u}", dev->leased_units);
    }
    topo_text(t, "%s%s],\n", m->device_count ? "\n" : "", m->device_count ? indent : "");
}

static void machine(struct weir_topo_text *t, const struct weir_topo_machine *m, const char *indent)
{
    topo_text(t, "%s\"name\": ", indent);
    topo_text_json(t, m->name);
    topo_text(t, ",\n%s\"title\": ", indent);
    topo_text_json(t, m->title);
    topo_text(t, ",\n%s\"fingerprint\": \"%016" PRIx64 "\",\n%s\"live\": %s,\n", indent,
              m->fingerprint, indent, m->live ? "true" : "false");
    topo_text(t,
              "%s\"packages\": %u,\n%s\"l3\": %u,\n%s\"cores\": %u,\n%s\"pus\": "
              "%u,\n%s\"capacity_milli_cu\": %" PRIu64 ",\n",
              indent, m->units[WEIR_TOPO_SCOPE_PACKAGE].count, indent,
              m->units[WEIR_TOPO_SCOPE_L3].count, indent, m->units[WEIR_TOPO_SCOPE_CORE].count,
              indent, m->pu_count, indent, m->capacity_milli_cu);
    topo_text(t, "%s\"isolation\": ", indent);
    topo_text_json(t, m->isolation);
    topo_text(t, ",\n%s", indent);
    limit(t, "limit_milli_cu", m->limit_milli_cu, m->limit_cpu_source);
    topo_text(t, ",\n%s", indent);
    limit(t, "limit_memory_bytes", m->limit_memory_bytes, m->limit_memory_source);
    topo_text(t, ",\n");
    domains(t, m, indent);
    devices(t, m, indent);
    topo_text(t, "%s\"core_kinds\": [", indent);
    for (uint32_t k = 0; k < m->kind_count; k++)
        topo_text(t, "%s{\"kind\": %u, \"capacity_milli_cu\": %u}", k ? ", " : "", k,
                  m->kind_capacity_milli_cu[k]);
    topo_text(t, "]\n");
}

int weir_topo_machine_json(const struct weir_topo_machine *m, struct weir_topo_text *t,
                           struct weir_topo_error *err)
{
    topo_text(t, "{\n  \"schema\": %d,\n  \"machine\": {\n", WEIR_TOPO_SCHEMA);
    machine(t, m, "    ");
    topo_text(t, "  }\n}\n");
    return topo_text_done(t, err);
}

/* ---- plan */

static void stream(struct weir_topo_text *t, const struct weir_topo_stream *st)
{
    static const char *const wants[] = {"none", "prefer", "require"};
    topo_text(t, "{\"name\": ");
    topo_text_json(t, st->name);
    topo_text(t, ", \"partitions\": %u, \"milli_cu\": %u", st->partitions, st->milli_cu);
    if (st->memory_mode == WEIR_TOPO_MEMORY_BYTES) topo_text(t, ", \"bytes\": %" PRIu64, st->bytes);
    if (st->memory_mode == WEIR_TOPO_MEMORY_RATIO)
        topo_text(t, ", \"bytes_per_cu\": %" PRIu64, st->bytes);
    topo_text(t,
              ", \"tier\": \"%s\", \"pages\": %" PRIu64
              ", \"device\": \"%s\", \"device_kind\": \"%s\", \"device_units\": %u, "
              "\"device_bytes\": %" PRIu64
              ", \"mode\": \"%s\", \"scope\": \"%s\", \"priority\": %d}",
              weir_topo_tier_name(st->tier), st->page_bytes, wants[st->device],
              weir_topo_device_kind_name(st->device_kind), st->device_units, st->device_bytes,
              weir_topo_mode_name(st->mode), weir_topo_scope_name(st->scope), st->priority);
}

static void partition(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    const struct weir_topo_stream *st = &plan->streams[p->stream];
    char why[400];
    topo_text(t, "{\"stream\": ");
    topo_text_json(t, st->name);
    topo_text(
        t,
        ", \"index\": %u, \"state\": \"%s\", \"mode\": \"%s\", \"scope\": \"%s\", \"cpuset\": \"",
        p->index, weir_topo_state_name(p->state), weir_topo_mode_name(st->mode),
        weir_topo_scope_name(st->scope));
    topo_text_plan_cpuset(t, plan, i);
    topo_text(t, "\", \"domain\": ");
    if (p->domain == WEIR_TOPO_NONE)
        topo_text(t, "null");
    else
        topo_text(t, "%u", p->domain);
    topo_text(t,
              ", \"milli_cu\": %u, \"share_milli_cu\": %u, \"bytes\": %" PRIu64
              ", \"remote_bytes\": %" PRIu64 ", \"memory\": [",
              p->milli_cu, p->share_milli_cu, p->bytes, p->remote_bytes);
    for (uint32_t k = 0; k < p->grant_count; k++) {
        const struct weir_topo_grant *g = &plan->grants[p->grant_first + k];
        const struct weir_topo_pool *pool = &plan->machine->pools[g->pool];
        topo_text(t,
                  "%s{\"node\": %u, \"bytes\": %" PRIu64 ", \"page_bytes\": %" PRIu64
                  ", \"tier\": \"%s\"}",
                  k ? ", " : "", pool->node, g->bytes, pool->page_bytes,
                  weir_topo_tier_name(pool->tier));
    }
    topo_text(t, "], \"device\": ");
    if (p->device == WEIR_TOPO_NONE)
        topo_text(t, "null, \"device_units\": 0, \"queue\": null, \"staging_node\": null");
    else {
        topo_text_json(t, plan->machine->devices[p->device].name);
        topo_text(t, ", \"device_units\": %u, \"queue\": %u, \"staging_node\": ", p->device_units,
                  p->queue);
        if (p->staging_pool == WEIR_TOPO_NONE)
            topo_text(t, "null");
        else
            topo_text(t, "%u", plan->machine->pools[p->staging_pool].node);
    }
    topo_text(t, ", \"runner_up\": ");
    if (p->runner_up == WEIR_TOPO_NONE)
        topo_text(t, "null");
    else
        topo_text(t, "{\"domain\": %u, \"price\": %" PRId64 "}", p->runner_up, p->runner_up_price);
    weir_topo_plan_why(plan, i, why, sizeof why);
    topo_text(t, ", \"constraint\": \"%s\", \"why\": ", weir_topo_why_name(p->why));
    topo_text_json(t, why);
    topo_text(t, "}");
}

static void totals(struct weir_topo_text *t, const struct weir_topo_plan *plan)
{
    const struct weir_topo_totals *s = &plan->totals;
    uint64_t gap =
        s->load_bound_ppm ? (s->load_max_ppm - s->load_bound_ppm) * 1000000 / s->load_bound_ppm : 0;
    topo_text(t, "{\n    \"placed\": %u,\n    \"degraded\": %u,\n    \"rejected\": %u,\n",
              s->placed, s->degraded, s->rejected);
    topo_text(t,
              "    \"load_max_ppm\": %" PRIu64 ",\n    \"load_bound_ppm\": %" PRIu64
              ",\n    \"load_gap_ppm\": %" PRIu64 ",\n",
              s->load_max_ppm, s->load_bound_ppm, gap);
    topo_text(t,
              "    \"remote_bytes\": %" PRIu64 ",\n    \"remote_bound_bytes\": %" PRIu64
              ",\n    \"distance_bytes\": %" PRIu64 ",\n",
              s->remote_bytes, s->remote_bound_bytes, s->distance_bytes);
    topo_text(t, "    \"stranded_milli_cu\": %" PRIu64 ",\n    \"stranded_bytes\": %" PRIu64 ",\n",
              s->stranded_milli_cu, s->stranded_bytes);
    topo_text(t,
              "    \"moved_partitions\": %u,\n    \"moved_bytes\": %" PRIu64
              ",\n    \"search_steps\": %" PRIu64 ",\n    \"domains\": [",
              s->moved_partitions, s->moved_bytes, s->search_steps);
    for (uint32_t d = 0; d < plan->machine->domain_count; d++) {
        const struct weir_topo_domain_use *u = &plan->domains[d];
        topo_text(t,
                  "%s\n      {\"domain\": %u, \"capacity_milli_cu\": %" PRIu64
                  ", \"load_milli_cu\": %" PRIu64 ", \"bytes\": %" PRIu64
                  ", \"remote_bytes\": %" PRIu64 ", \"stranded_milli_cu\": %" PRIu64
                  ", \"stranded_bytes\": %" PRIu64 "}",
                  d ? "," : "", d, u->capacity_milli_cu, u->load_milli_cu, u->bytes,
                  u->remote_bytes, u->stranded_milli_cu, u->stranded_bytes);
    }
    topo_text(t, "\n    ]\n  }\n");
}

int weir_topo_plan_json(const struct weir_topo_plan *plan, struct weir_topo_text *t,
                        struct weir_topo_error *err)
{
    topo_text(t, "{\n  \"schema\": %d,\n  \"machine\": {\n", WEIR_TOPO_SCHEMA);
    machine(t, plan->machine, "    ");
    topo_text(t, "  },\n  \"streams\": [");
    for (uint32_t k = 0; k < plan->stream_count; k++) {
        topo_text(t, "%s\n    ", k ? "," : "");
        stream(t, &plan->streams[k]);
    }
    topo_text(t, "\n  ],\n  \"partitions\": [");
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        topo_text(t, "%s\n    ", i ? "," : "");
        partition(t, plan, i);
    }
    topo_text(t, "\n  ],\n  \"totals\": ");
    totals(t, plan);
    topo_text(t, "}\n");
    return topo_text_done(t, err);
}
