/* Slots as people and programs see them: in EXPLAIN, in statistics, in one line when an exclusive job
   starts. */
#include <inttypes.h>
#include <string.h>

#include "host/engine/slots.h"

/* Where stream K's kernels may run, once the engine has looked: "native", "opencl:0" as asked for, or
   "auto" when it is found out while running. */
static const char *device_of(const struct weir_slots *s, uint32_t k)
{
    const struct weir_exec_stream *st = &s->stream[k];
    if (st->mode == WEIR_MODE_DEVICE && st->n_devices) return st->device[0]->name;
    return st->mode == WEIR_MODE_AUTO && st->n_devices ? "auto" : "native";
}

static void stream_text(const struct weir_slots *s, uint32_t k, struct weir_buf *out)
{
    const struct weir_topo_stream *st = &s->plan->streams[k];
    weir_buf_printf(out, "  stream %s: %u partitions, %s", st->name, st->partitions,
                    weir_topo_mode_name(st->mode));
    if (st->mode == WEIR_TOPO_EXCLUSIVE)
        weir_buf_printf(out, " (%s)", weir_topo_scope_name(st->scope));
    if (st->milli_cu) weir_buf_printf(out, ", %u milli-CU each", st->milli_cu);
    if (st->memory_mode == WEIR_TOPO_MEMORY_RATIO)
        weir_buf_printf(out, ", %.4g GiB a core", (double)st->bytes / (1 << 30));
    if (st->memory_mode == WEIR_TOPO_MEMORY_BYTES)
        weir_buf_printf(out, ", %.4g MiB each", (double)st->bytes / (1 << 20));
    weir_buf_printf(out, ", device %s\n", device_of(s, k));
}

static void slot_text(const struct weir_slots *s, uint32_t i, struct weir_buf *out)
{
    const struct weir_topo_partition *p = &s->plan->partitions[i];
    char cpus[128], why[256];
    weir_topo_plan_why(s->plan, i, why, sizeof why);
    if (p->state == WEIR_TOPO_REJECTED) {
        weir_buf_printf(out, "    slot %u: NO PLACE: %s\n", i, why);
        return;
    }
    weir_topo_plan_cpuset(s->plan, i, cpus, sizeof cpus);
    weir_buf_printf(out, "    slot %u: cpu %s, %u milli-CU", i, cpus, p->share_milli_cu);
    for (uint32_t g = p->grant_first; g < p->grant_first + p->grant_count; g++)
        weir_buf_printf(out, ", %.4g GiB on node %u", (double)s->plan->grants[g].bytes / (1 << 30),
                        s->machine->pools[s->plan->grants[g].pool].node);
    weir_buf_printf(out, "; %s\n", why);
}

void weir_slots_text(const struct weir_slots *s, struct weir_buf *out)
{
    weir_buf_printf(out, "  isolation: %s\n", s->isolation);
    for (uint32_t i = 0, k = 0; i < s->plan->partition_count; i++) {
        if (s->plan->partitions[i].index == 0) stream_text(s, k++, out);
        slot_text(s, i, out);
    }
}

static void slot_json(const struct weir_slots *s, uint32_t i, struct weir_buf *out)
{
    const struct weir_topo_partition *p = &s->plan->partitions[i];
    char cpus[128], why[256];
    weir_topo_plan_cpuset(s->plan, i, cpus, sizeof cpus);
    weir_topo_plan_why(s->plan, i, why, sizeof why);
    weir_buf_printf(out, "%s\n   {\"slot\": %u, \"stream\": ", i ? "," : "", i);
    weir_buf_json(out, s->plan->streams[p->stream].name, strlen(s->plan->streams[p->stream].name));
    weir_buf_printf(out,
                    ", \"state\": \"%s\", \"mode\": \"%s\", \"cpuset\": \"%s\", "
                    "\"share_milli_cu\": %u, \"bytes\": %" PRIu64 ", \"memory\": [",
                    weir_topo_state_name(p->state),
                    weir_topo_mode_name(s->plan->streams[p->stream].mode), cpus, p->share_milli_cu,
                    p->bytes);
    for (uint32_t g = 0; g < p->grant_count; g++) {
        const struct weir_topo_grant *x = &s->plan->grants[p->grant_first + g];
        weir_buf_printf(out, "%s{\"node\": %u, \"bytes\": %" PRIu64 "}", g ? ", " : "",
                        s->machine->pools[x->pool].node, x->bytes);
    }
    weir_buf_printf(out, "], \"device\": \"%s\", \"why\": ", device_of(s, p->stream));
    weir_buf_json(out, why, strlen(why));
    weir_buf_putc(out, '}');
}

void weir_slots_line(const struct weir_slots *s, struct weir_buf *out)
{
    uint64_t bytes = 0;
    char cpus[128];
    weir_buf_puts(out, s->exclusive ? "exclusive CPUs " : "CPUs ");
    for (uint32_t i = 0; i < s->plan->partition_count; i++) {
        weir_topo_plan_cpuset(s->plan, i, cpus, sizeof cpus);
        weir_buf_printf(out, "%s%s", i ? "," : "", cpus);
        bytes += s->plan->partitions[i].bytes;
    }
    weir_buf_printf(out, " and %.4g GiB; isolation: %s", (double)bytes / (1 << 30), s->isolation);
}

void weir_slots_json(const struct weir_slots *s, struct weir_buf *out)
{
    weir_buf_puts(out, "{\"isolation\": ");
    weir_buf_json(out, s->isolation, strlen(s->isolation));
    weir_buf_puts(out, ", \"slots\": [");
    for (uint32_t i = 0; i < s->plan->partition_count; i++) slot_json(s, i, out);
    weir_buf_puts(out, "]}");
}
