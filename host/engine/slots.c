/* Slots: ask the topology library for a place for every partition, start the workers there. */
#include "host/engine/slots.h"

#include <inttypes.h>

static int topo_fail(struct weir_error *err, int code, const struct weir_topo_error *te)
{
    return weir_fail(err, code == WEIR_TOPO_ERR_MISMATCH ? WEIR_ERR_INVALID : code,
                     "placing partitions: %s", te->message);
}

/* One partition for each usable PU, but no more than the CPU limit pays for. */
static int default_partitions(const struct weir_topo_machine *m)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->pu_count; i++) n += weir_topo_pu_usable(m, i);
    uint64_t limit = m->limit_milli_cu == UINT64_MAX ? n : (m->limit_milli_cu + 999) / 1000;
    if (limit < n) n = limit;
    return n ? (int)n : 1;
}

static int make_plan(struct weir_slots *s, struct weir_topo_error *te)
{
    struct weir_topo_demand *demand = NULL;
    struct weir_topo_stream stream = weir_topo_stream_default("job", (uint32_t)s->n);
    int rc = weir_topo_demand_new(&demand, te);
    if (!rc) rc = weir_topo_demand_add(demand, &stream, te);
    if (!rc) rc = weir_topo_plan_make(s->machine, demand, NULL, &s->plan, te);
    weir_topo_demand_free(demand);
    return rc;
}

static int bind_slot(void *ctx, int slot, struct weir_error *err)
{
    const struct weir_slots *s = ctx;
    struct weir_topo_error te = {0};
    int rc = weir_topo_apply_thread(s->plan, (uint32_t)slot, NULL, &te);
    return rc ? topo_fail(err, rc, &te) : WEIR_OK;
}

static int rejected(const struct weir_slots *s, struct weir_error *err)
{
    for (uint32_t i = 0; i < s->plan->partition_count; i++) {
        if (s->plan->partitions[i].state != WEIR_TOPO_REJECTED) continue;
        char why[256];
        weir_topo_plan_why(s->plan, i, why, sizeof why);
        return weir_fail(err, WEIR_ERR_INVALID, "partition %u of %d has no place: %s", i, s->n,
                         why);
    }
    return WEIR_OK;
}

int weir_slots_new(int partitions, bool bind, struct weir_slots **out, struct weir_error *err)
{
    struct weir_topo_error te = {0};
    struct weir_slots *s = weir_calloc(1, sizeof *s);
    if (!s) return weir_fail_nomem(err, sizeof *s, "placing partitions");
    int rc = weir_topo_machine_load(NULL, &s->machine, &te);
    if (!rc) {
        s->n = partitions > 0 ? partitions : default_partitions(s->machine);
        rc = make_plan(s, &te);
    }
    if (rc) {
        weir_slots_free(s);
        return topo_fail(err, rc, &te);
    }
    s->slot_bytes = UINT64_MAX;
    for (uint32_t i = 0; i < s->plan->partition_count; i++)
        if (s->plan->partitions[i].bytes < s->slot_bytes)
            s->slot_bytes = s->plan->partitions[i].bytes;
    rc = rejected(s, err);
    if (!rc) rc = weir_workers_new(s->n, bind ? bind_slot : NULL, s, &s->workers, err);
    if (rc) {
        weir_slots_free(s);
        return rc;
    }
    *out = s;
    return WEIR_OK;
}

void weir_slots_free(struct weir_slots *s)
{
    if (!s) return;
    weir_workers_free(s->workers);
    weir_topo_plan_free(s->plan);
    weir_topo_machine_free(s->machine);
    weir_free(s);
}

void weir_slots_text(const struct weir_slots *s, struct weir_buf *out)
{
    char cpus[128], why[256];
    for (uint32_t i = 0; i < s->plan->partition_count; i++) {
        const struct weir_topo_partition *p = &s->plan->partitions[i];
        weir_topo_plan_cpuset(s->plan, i, cpus, sizeof cpus);
        weir_topo_plan_why(s->plan, i, why, sizeof why);
        weir_buf_printf(out, "  slot %u: cpu %s, %u milli-CU, %.1f GiB; %s\n", i, cpus,
                        p->share_milli_cu, (double)p->bytes / (1 << 30), why);
    }
}

void weir_slots_json(const struct weir_slots *s, struct weir_buf *out)
{
    char cpus[128];
    weir_buf_putc(out, '[');
    for (uint32_t i = 0; i < s->plan->partition_count; i++) {
        const struct weir_topo_partition *p = &s->plan->partitions[i];
        weir_topo_plan_cpuset(s->plan, i, cpus, sizeof cpus);
        weir_buf_printf(
            out,
            "%s{\"slot\": %u, \"cpuset\": \"%s\", \"share_milli_cu\": %u, \"bytes\": %" PRIu64 "}",
            i ? ", " : "", i, cpus, p->share_milli_cu, p->bytes);
    }
    weir_buf_putc(out, ']');
}
