/* Names and one-sentence answers: the words that tables, JSON and errors use for the enums, and why
   a partition is where it is. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
    return value < count ? names[value] : "?";
}

#define NAME_OF(names, value) name_of(names, sizeof names / sizeof *names, (unsigned)(value))

const char *weir_topo_tier_name(enum weir_topo_tier tier)
{
    static const char *const names[] = {"dram", "hbm", "cxl", "nvm", "gpu", "any"};
    return NAME_OF(names, tier);
}

const char *weir_topo_scope_name(enum weir_topo_scope scope)
{
    static const char *const names[] = {"pu", "core", "l3", "numa", "package"};
    return NAME_OF(names, scope);
}

const char *weir_topo_mode_name(enum weir_topo_mode mode)
{
    static const char *const names[] = {"shared", "exclusive"};
    return NAME_OF(names, mode);
}

const char *weir_topo_state_name(enum weir_topo_state state)
{
    static const char *const names[] = {"placed", "degraded", "rejected"};
    return NAME_OF(names, state);
}

const char *weir_topo_why_name(enum weir_topo_why why)
{
    static const char *const names[] = {
        "fits",         "remote-memory", "cpu-overcommit", "no-huge-pages", "no-device", "memory",
        "memory-limit", "cpu",           "cpu-limit",      "no-pu"};
    return NAME_OF(names, why);
}

const char *weir_topo_device_kind_name(enum weir_topo_device_kind kind)
{
    static const char *const names[] = {"gpu", "fpga", "nic", "disk", "other"};
    return NAME_OF(names, kind);
}

static void why_rejected(struct weir_topo_text *t, const struct weir_topo_plan *plan,
                         const struct weir_topo_partition *p)
{
    const struct weir_topo_stream *st = &plan->streams[p->stream];
    const struct weir_topo_machine *m = plan->machine;
    switch (p->why) {
    case WEIR_TOPO_WHY_MEMORY:
        topo_text(t, "no ");
        topo_text_bytes(t, p->bytes);
        topo_text(t, " left in tier %s", weir_topo_tier_name(st->tier));
        break;
    case WEIR_TOPO_WHY_MEMORY_LIMIT:
        topo_text_bytes(t, p->bytes);
        topo_text(t, " more would exceed the memory limit of ");
        topo_text_bytes(t, m->limit_memory_bytes);
        topo_text(t, " (%s)", m->limit_memory_source);
        break;
    case WEIR_TOPO_WHY_CPU:
        topo_text(t, "not enough free %s units for %" PRIu32 " milli-CU",
                  weir_topo_scope_name(st->scope), p->milli_cu);
        break;
    case WEIR_TOPO_WHY_CPU_LIMIT:
        topo_text(t, "%" PRIu32 " milli-CU more would exceed the CPU limit of %" PRIu64 " (%s)",
                  p->milli_cu, m->limit_milli_cu, m->limit_cpu_source);
        break;
    case WEIR_TOPO_WHY_NO_PU:
        topo_text(t, "exclusive partitions own every PU: none is left for shared work");
        break;
    case WEIR_TOPO_WHY_NO_DEVICE:
        topo_text(t, "no free %s with what it needs", weir_topo_device_kind_name(st->device_kind));
        break;
    default: topo_text(t, "%s", weir_topo_why_name(p->why));
    }
}

static void why_text(struct weir_topo_text *t, const struct weir_topo_plan *plan,
                     const struct weir_topo_partition *p)
{
    if (p->state == WEIR_TOPO_REJECTED) {
        why_rejected(t, plan, p);
        return;
    }
    switch (p->why) {
    case WEIR_TOPO_WHY_REMOTE:
        topo_text_bytes(t, p->remote_bytes);
        topo_text(t, " of its memory is remote: the nodes of domain %" PRIu32 " are full",
                  p->domain);
        break;
    case WEIR_TOPO_WHY_OVERCOMMIT:
        topo_text(t,
                  "gets %" PRIu32 " of %" PRIu32
                  " milli-CU when all are busy: the CPUs are overcommitted",
                  p->share_milli_cu, p->milli_cu);
        break;
    case WEIR_TOPO_WHY_PAGES:
        topo_text(t, "not enough reserved huge pages: base pages instead");
        break;
    case WEIR_TOPO_WHY_NO_DEVICE: topo_text(t, "no free device: native operators instead"); break;
    default:
        topo_text(t, "domain %" PRIu32 " fits best", p->domain);
        if (p->runner_up != WEIR_TOPO_NONE)
            topo_text(t, "; runner-up domain %" PRIu32 " (+%" PRId64 ")", p->runner_up,
                      p->runner_up_price);
    }
}

size_t weir_topo_plan_why(const struct weir_topo_plan *plan, uint32_t i, char *buf, size_t size)
{
    struct weir_topo_text t = {0};
    why_text(&t, plan, &plan->partitions[i]);
    size_t n = t.length;
    if (size) snprintf(buf, size, "%s", t.data ? t.data : "");
    weir_topo_text_free(&t);
    return n;
}

uint32_t weir_topo_plan_cpus(const struct weir_topo_plan *plan, uint32_t i, uint32_t *cpus,
                             uint32_t max)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t os = plan->machine->pus[plan->pu_list[p->pu_first + k]].os_index,
                 at = k < max ? k : max;
        while (at && cpus[at - 1] > os) { /* keep the smallest MAX, sorted */
            if (at < max) cpus[at] = cpus[at - 1];
            at--;
        }
        if (at < max) cpus[at] = os;
    }
    return p->pu_count;
}

void topo_text_plan_cpuset(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    uint32_t count = plan->partitions[i].pu_count, few[64];
    uint32_t *cpus = count <= 64 ? few : topo_calloc(count, sizeof *cpus);
    if (!cpus) {
        t->failed = true;
        return;
    }
    weir_topo_plan_cpus(plan, i, cpus, count);
    topo_text_list(t, cpus, count);
    if (cpus != few) topo_free(cpus);
}

size_t weir_topo_plan_cpuset(const struct weir_topo_plan *plan, uint32_t i, char *buf, size_t size)
{
    struct weir_topo_text t = {0};
    topo_text_plan_cpuset(&t, plan, i);
    size_t n = t.length;
    if (size) snprintf(buf, size, "%s", t.data ? t.data : "");
    weir_topo_text_free(&t);
    return n;
}

uint32_t weir_topo_plan_nodes(const struct weir_topo_plan *plan, uint32_t i, uint32_t *nodes,
                              uint32_t max)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    uint32_t count = 0;
    for (uint32_t k = 0; k < p->grant_count; k++) {
        uint32_t node = plan->machine->pools[plan->grants[p->grant_first + k].pool].node;
        bool seen = false;
        for (uint32_t j = 0; j < k && !seen; j++)
            seen = plan->machine->pools[plan->grants[p->grant_first + j].pool].node == node;
        if (seen) continue;
        if (count < max) nodes[count] = node;
        count++;
    }
    return count;
}
