/* What changes from one plan to another: partitions are matched by stream name and index. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

static uint32_t find(const struct weir_topo_plan *plan, const char *stream, uint32_t index)
{
    for (uint32_t k = 0, first = 0; k < plan->stream_count;
         first += plan->streams[k].partitions, k++)
        if (!strcmp(plan->streams[k].name, stream))
            return index < plan->streams[k].partitions ? first + index : WEIR_TOPO_NONE;
    return WEIR_TOPO_NONE;
}

/* "CPUs, memory, device" of a partition as one comparable and readable text. */
static void place(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    topo_text(t, "%s", weir_topo_state_name(p->state));
    if (p->state == WEIR_TOPO_REJECTED) return;
    topo_text(t, " on ");
    topo_text_plan_cpuset(t, plan, i);
    for (uint32_t k = 0; k < p->grant_count; k++) {
        const struct weir_topo_grant *g = &plan->grants[p->grant_first + k];
        topo_text(t, "%s", k ? " + " : ", ");
        topo_text_bytes(t, g->bytes);
        topo_text(t, " @%u", plan->machine->pools[g->pool].node);
    }
    if (p->device != WEIR_TOPO_NONE) topo_text(t, ", %s", plan->machine->devices[p->device].name);
}

typedef void (*change_fn)(struct weir_topo_text *t, const char *stream, uint32_t index,
                          const char *from, const char *to, uint32_t number);

static void change_text(struct weir_topo_text *t, const char *stream, uint32_t index,
                        const char *from, const char *to, uint32_t number)
{
    (void)number;
    topo_text(t, "  %s[%u]: ", stream, index);
    if (!from)
        topo_text(t, "new, %s\n", to);
    else if (!to)
        topo_text(t, "gone, was %s\n", from);
    else
        topo_text(t, "%s -> %s\n", from, to);
}

static void change_json(struct weir_topo_text *t, const char *stream, uint32_t index,
                        const char *from, const char *to, uint32_t number)
{
    topo_text(t, "%s\n    {\"stream\": ", number ? "," : "");
    topo_text_json(t, stream);
    topo_text(t, ", \"index\": %u, \"from\": ", index);
    if (from)
        topo_text_json(t, from);
    else
        topo_text(t, "null");
    topo_text(t, ", \"to\": ");
    if (to)
        topo_text_json(t, to);
    else
        topo_text(t, "null");
    topo_text(t, "}");
}

static int changes(const struct weir_topo_plan *a, const struct weir_topo_plan *b,
                   struct weir_topo_text *t, change_fn fn, uint32_t *count,
                   struct weir_topo_error *err)
{
    struct weir_topo_text x = {0}, y = {0};
    int rc = WEIR_TOPO_OK;
    for (int pass = 0; pass < 2; pass++) { /* what is in A, then what is new in B */
        const struct weir_topo_plan *from = pass ? b : a;
        for (uint32_t i = 0; i < from->partition_count; i++) {
            const struct weir_topo_partition *p = &from->partitions[i];
            const char *name = from->streams[p->stream].name;
            uint32_t other = find(pass ? a : b, name, p->index);
            if (pass && other != WEIR_TOPO_NONE) continue;
            x.length = y.length = 0;
            place(&x, from, i);
            if (other != WEIR_TOPO_NONE) place(&y, b, other);
            if (x.failed || y.failed) {
                rc = topo_fail_nomem(err, "comparing plans");
                goto out;
            }
            if (other != WEIR_TOPO_NONE && !strcmp(x.data, y.data)) continue;
            fn(t, name, p->index, pass ? NULL : x.data,
               pass                      ? x.data
               : other == WEIR_TOPO_NONE ? NULL
                                         : y.data,
               (*count)++);
        }
    }
out:
    weir_topo_text_free(&x);
    weir_topo_text_free(&y);
    return rc;
}

static void total_text(struct weir_topo_text *t, const char *what, uint64_t from, uint64_t to)
{
    if (from != to) topo_text(t, "  %s: %" PRIu64 " -> %" PRIu64 "\n", what, from, to);
}

int weir_topo_diff_text(const struct weir_topo_plan *a, const struct weir_topo_plan *b,
                        struct weir_topo_text *t, struct weir_topo_error *err)
{
    uint32_t count = 0;
    int rc = changes(a, b, t, change_text, &count, err);
    if (rc) return rc;
    if (!count) topo_text(t, "  no partition changes\n");
    total_text(t, "placed", a->totals.placed, b->totals.placed);
    total_text(t, "degraded", a->totals.degraded, b->totals.degraded);
    total_text(t, "rejected", a->totals.rejected, b->totals.rejected);
    total_text(t, "largest shared load (ppm)", a->totals.load_max_ppm, b->totals.load_max_ppm);
    total_text(t, "remote bytes", a->totals.remote_bytes, b->totals.remote_bytes);
    total_text(t, "stranded milli-CU", a->totals.stranded_milli_cu, b->totals.stranded_milli_cu);
    total_text(t, "stranded bytes", a->totals.stranded_bytes, b->totals.stranded_bytes);
    return topo_text_done(t, err);
}

int weir_topo_diff_json(const struct weir_topo_plan *a, const struct weir_topo_plan *b,
                        struct weir_topo_text *t, struct weir_topo_error *err)
{
    const struct weir_topo_totals *x = &a->totals, *y = &b->totals;
    uint32_t count = 0;
    topo_text(t, "{\n  \"schema\": %d,\n  \"partitions\": [", WEIR_TOPO_SCHEMA);
    int rc = changes(a, b, t, change_json, &count, err);
    if (rc) return rc;
    topo_text(t, "%s],\n  \"totals\": {\n", count ? "\n  " : "");
    topo_text(
        t, "    \"placed\": [%u, %u],\n    \"degraded\": [%u, %u],\n    \"rejected\": [%u, %u],\n",
        x->placed, y->placed, x->degraded, y->degraded, x->rejected, y->rejected);
    topo_text(t,
              "    \"load_max_ppm\": [%" PRIu64 ", %" PRIu64 "],\n    \"remote_bytes\": [%" PRIu64
              ", %" PRIu64 "],\n",
              x->load_max_ppm, y->load_max_ppm, x->remote_bytes, y->remote_bytes);
    topo_text(t,
              "    \"stranded_milli_cu\": [%" PRIu64 ", %" PRIu64
              "],\n    \"stranded_bytes\": [%" PRIu64 ", %" PRIu64 "]\n  }\n}\n",
              x->stranded_milli_cu, y->stranded_milli_cu, x->stranded_bytes, y->stranded_bytes);
    return topo_text_done(t, err);
}
