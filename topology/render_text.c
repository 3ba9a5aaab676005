/* Tables for a terminal. Columns are padded by characters, long lists of equal partitions are
 * folded into one line. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

static void cores_list(struct weir_topo_text *t, const struct weir_topo_machine *m, uint32_t domain)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_NUMA];
    uint32_t count = u->first[domain + 1] - u->first[domain];
    uint32_t *cpus = topo_calloc(count, sizeof *cpus);
    if (!cpus) {
        t->failed = true;
        return;
    }
    uint32_t n = 0;
    for (uint32_t k = u->first[domain]; k < u->first[domain + 1];
         k++) { /* insertion: nearly sorted already */
        if (!weir_topo_pu_usable(m, u->pus[k])) continue;
        uint32_t os = m->pus[u->pus[k]].os_index, at = n++;
        while (at && cpus[at - 1] > os) {
            cpus[at] = cpus[at - 1];
            at--;
        }
        cpus[at] = os;
    }
    if (n)
        topo_text_list(t, cpus, n);
    else
        topo_text(t, "-");
    topo_free(cpus);
}

static void milli(struct weir_topo_text *t, uint64_t milli_cu)
{
    topo_text(t, "%" PRIu64, milli_cu / 1000);
    if (milli_cu % 1000)
        topo_text(t, ".%0*" PRIu64,
                  milli_cu % 100          ? 3
                  : milli_cu % 1000 % 100 ? 2
                                          : 1,
                  milli_cu % 100 ? milli_cu % 1000 : milli_cu % 1000 / 100);
}

static void limits(struct weir_topo_text *t, const struct weir_topo_machine *m)
{
    if (m->limit_milli_cu != UINT64_MAX) {
        topo_text(t, "  limit   ");
        milli(t, m->limit_milli_cu);
        topo_text(t, " CPU from %s\n", m->limit_cpu_source);
    }
    if (m->limit_memory_bytes != UINT64_MAX) {
        topo_text(t, "  limit   ");
        topo_text_bytes(t, m->limit_memory_bytes);
        topo_text(t, " memory from %s\n", m->limit_memory_source);
    }
    if (m->isolation[0]) topo_text(t, "  isolation: %s\n", m->isolation);
}

static void machine_line(struct weir_topo_text *t, const struct weir_topo_machine *m)
{
    uint32_t usable = 0;
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < m->pu_count; p++) usable += weir_topo_pu_usable(m, p);
    for (uint32_t p = 0; p < m->pool_count; p++) bytes += m->pools[p].usable_bytes;
    topo_text(t, "machine %s", m->name);
    if (m->title[0]) topo_text(t, " (%s)", m->title);
    topo_text(t, "\n  %u package%s, %u domain%s, %u core%s, %u PU%s",
              m->units[WEIR_TOPO_SCOPE_PACKAGE].count,
              m->units[WEIR_TOPO_SCOPE_PACKAGE].count == 1 ? "" : "s", m->domain_count,
              m->domain_count == 1 ? "" : "s", m->units[WEIR_TOPO_SCOPE_CORE].count,
              m->units[WEIR_TOPO_SCOPE_CORE].count == 1 ? "" : "s", m->pu_count,
              m->pu_count == 1 ? "" : "s");
    if (usable != m->pu_count) topo_text(t, " (%u usable)", usable);
    topo_text(t, ", ");
    milli(t, m->capacity_milli_cu);
    topo_text(t, " CPU, ");
    topo_text_bytes(t, bytes);
    topo_text(t, "\n");
}

static void pools_of(struct weir_topo_text *t, const struct weir_topo_machine *m, uint32_t domain)
{
    bool any = false;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        if (!m->local[(size_t)domain * m->pool_count + p]) continue;
        if (any) topo_text(t, ", ");
        any = true;
        topo_text(t, "node %u: ", m->pools[p].node);
        topo_text_bytes(t, m->pools[p].usable_bytes);
        if (m->pools[p].tier != WEIR_TOPO_TIER_DRAM)
            topo_text(t, " %s", weir_topo_tier_name(m->pools[p].tier));
        if (m->pools[p].huge) {
            topo_text(t, " in pages of ");
            topo_text_bytes(t, m->pools[p].page_bytes);
        }
        if (m->pools[p].usable_bytes != m->pools[p].total_bytes &&
            strcmp(m->pools[p].source, "hwloc"))
            topo_text(t, " (%s)", m->pools[p].source);
    }
    if (!any) topo_text(t, "no local memory");
}

static void devices(struct weir_topo_text *t, const struct weir_topo_machine *m)
{
    if (!m->device_count) return;
    topo_text(t, "\n  device");
    topo_text_pad(t, 16);
    topo_text(t, "kind   domain  memory      units  model\n");
    for (uint32_t d = 0; d < m->device_count; d++) {
        const struct weir_topo_device *dev = &m->devices[d];
        topo_text(t, "  %s", dev->name);
        topo_text_pad(t, 16);
        topo_text(t, "%-6s ", weir_topo_device_kind_name(dev->kind));
        if (dev->domain == WEIR_TOPO_NONE)
            topo_text(t, "unknown ");
        else
            topo_text(t, "%-7u ", dev->domain);
        if (dev->bytes)
            topo_text_bytes(t, dev->bytes);
        else
            topo_text(t, "-");
        topo_text_pad(t, 43);
        topo_text(t, "%-6u %s %s\n", dev->compute_units, dev->model, dev->pci);
    }
}

int weir_topo_machine_text(const struct weir_topo_machine *m, struct weir_topo_text *t,
                           struct weir_topo_error *err)
{
    machine_line(t, m);
    limits(t, m);
    topo_text(t, "\n  domain  cpus");
    topo_text_pad(t, 34);
    topo_text(t, "CPU       memory\n");
    for (uint32_t d = 0; d < m->domain_count; d++) {
        topo_text(t, "  %-7u ", d);
        cores_list(t, m, d);
        topo_text_pad(t, 34);
        milli(t, m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d]);
        topo_text_pad(t, 44);
        pools_of(t, m, d);
        topo_text(t, "\n");
    }
    for (uint32_t p = 0; p < m->pool_count; p++) {
        bool owned = false;
        for (uint32_t d = 0; d < m->domain_count; d++)
            owned |= m->local[(size_t)d * m->pool_count + p];
        if (owned) continue;
        topo_text(t, "  -       no CPUs");
        topo_text_pad(t, 44);
        topo_text(t, "node %u: ", m->pools[p].node);
        topo_text_bytes(t, m->pools[p].usable_bytes);
        topo_text(t, " %s\n", weir_topo_tier_name(m->pools[p].tier));
    }
    devices(t, m);
    return topo_text_done(t, err);
}

/* ---- plan */

static void memory_of(struct weir_topo_text *t, const struct weir_topo_plan *plan,
                      const struct weir_topo_partition *p)
{
    for (uint32_t k = 0; k < p->grant_count; k++) {
        const struct weir_topo_grant *g = &plan->grants[p->grant_first + k];
        const struct weir_topo_pool *pool = &plan->machine->pools[g->pool];
        if (k) topo_text(t, " + ");
        topo_text_bytes(t, g->bytes);
        topo_text(t, " @%u", pool->node);
        if (pool->tier != WEIR_TOPO_TIER_DRAM) topo_text(t, " %s", weir_topo_tier_name(pool->tier));
    }
    if (!p->grant_count) topo_text(t, "-");
}

static void partition_line(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    const struct weir_topo_stream *st = &plan->streams[p->stream];
    char why[400];
    topo_text(t, "  %s[%u]", st->name, p->index);
    topo_text_pad(t, 22);
    topo_text(t, "%s", weir_topo_state_name(p->state));
    topo_text_pad(t, 32);
    if (p->state != WEIR_TOPO_REJECTED) {
        topo_text_plan_cpuset(t, plan, i);
        topo_text_pad(t, 46);
        milli(t, p->share_milli_cu);
        topo_text_pad(t, 54);
        memory_of(t, plan, p);
        if (p->device != WEIR_TOPO_NONE)
            topo_text(t, ", %s queue %u", plan->machine->devices[p->device].name, p->queue);
        topo_text_pad(t, 76);
    }
    weir_topo_plan_why(plan, i, why, sizeof why);
    topo_text(t, "%s\n", why);
}

static void percent(struct weir_topo_text *t, uint64_t ppm)
{
    topo_text(t, "%" PRIu64 ".%" PRIu64 " %%", ppm / 10000, ppm / 1000 % 10);
}

int weir_topo_plan_text(const struct weir_topo_plan *plan, struct weir_topo_text *t,
                        struct weir_topo_error *err)
{
    const struct weir_topo_totals *sum = &plan->totals;
    machine_line(t, plan->machine);
    limits(t, plan->machine);
    topo_text(t, "\n  partition");
    topo_text_pad(t, 22);
    topo_text(t, "state     cpus          CPU     memory                why\n");
    uint32_t shown = 0;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        bool notable = plan->partitions[i].state != WEIR_TOPO_PLACED;
        if (shown >= 64 && (!notable || shown >= 256)) continue; /* the rest is in the JSON form */
        partition_line(t, plan, i);
        shown++;
    }
    if (shown < plan->partition_count)
        topo_text(t, "  ... and %u more (see --json)\n", plan->partition_count - shown);
    topo_text(t, "\n  %u placed, %u degraded, %u rejected; largest shared load ", sum->placed,
              sum->degraded, sum->rejected);
    percent(t, sum->load_max_ppm);
    topo_text(t, " (no plan below ");
    percent(t, sum->load_bound_ppm);
    topo_text(t, "); remote ");
    topo_text_bytes(t, sum->remote_bytes);
    topo_text(t, "; stranded ");
    milli(t, sum->stranded_milli_cu);
    topo_text(t, " CPU and ");
    topo_text_bytes(t, sum->stranded_bytes);
    topo_text(t, "\n");
    return topo_text_done(t, err);
}
