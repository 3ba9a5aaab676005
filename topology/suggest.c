/* The smallest change of a stream's demand with which it fits: numbers by bisection, words one by
   one, every candidate tried by planning again. It counts only if no partition of the stream is
   rejected any more and no other stream loses one. Among those that work, the one with the smallest
   relative change is proposed; giving up a wish (tier, device, scope, exclusiveness) ranks as
   losing half of a number. */
#include "topology/internal.h"

#include <inttypes.h>
#include <string.h>

struct attempt {
    const struct weir_topo_plan *plan;
    uint32_t stream;
    uint32_t *rejected; /* per stream, in the plan as it is */
    struct weir_topo_demand demand;
    struct weir_topo_error *err;
};

/* 1 it fits, 0 it does not, < 0 error */
static int fits(struct attempt *a, const struct weir_topo_stream *st)
{
    struct weir_topo_plan *p;
    a->demand.streams[a->stream] = *st;
    int rc = weir_topo_plan_make(a->plan->machine, &a->demand, NULL, &p, a->err);
    a->demand.streams[a->stream] = a->plan->streams[a->stream];
    if (rc) return rc;
    int ok = 1;
    uint32_t *now = topo_calloc(p->stream_count, sizeof *now);
    if (!now) ok = topo_fail_nomem(a->err, "looking for a change that fits");
    for (uint32_t i = 0; ok > 0 && i < p->partition_count; i++)
        now[p->partitions[i].stream] += p->partitions[i].state == WEIR_TOPO_REJECTED;
    for (uint32_t k = 0; ok > 0 && k < p->stream_count; k++)
        if (now[k] > (k == a->stream ? 0 : a->rejected[k])) ok = 0;
    topo_free(now);
    weir_topo_plan_free(p);
    return ok;
}

enum field { FIELD_BYTES, FIELD_CPU, FIELD_PARTITIONS, FIELD_DEVICE_UNITS, FIELD_DEVICE_BYTES };

static uint64_t get_field(const struct weir_topo_stream *st, enum field f)
{
    switch (f) {
    case FIELD_BYTES: return st->memory_mode == WEIR_TOPO_MEMORY_AUTO ? 0 : st->bytes;
    case FIELD_CPU: return st->milli_cu;
    case FIELD_PARTITIONS: return st->partitions;
    case FIELD_DEVICE_UNITS: return st->device_units;
    default: return st->device_bytes;
    }
}

static void set_field(struct weir_topo_stream *st, enum field f, uint64_t v)
{
    switch (f) {
    case FIELD_BYTES: st->bytes = v; break;
    case FIELD_CPU: st->milli_cu = (uint32_t)v; break;
    case FIELD_PARTITIONS: st->partitions = (uint32_t)v; break;
    case FIELD_DEVICE_UNITS: st->device_units = (uint32_t)v; break;
    default: st->device_bytes = v;
    }
}

struct best {
    struct weir_topo_stream stream;
    double loss; /* < 0: none yet */
    char text[200];
};

static void offer(struct best *b, const struct weir_topo_stream *st, double loss, const char *text)
{
    if (b->loss >= 0 && b->loss <= loss) return;
    b->loss = loss;
    b->stream = *st;
    snprintf(b->text, sizeof b->text, "%s", text);
}

static void describe(struct weir_topo_text *t, const struct weir_topo_stream *st, enum field f,
                     uint64_t from, uint64_t to)
{
    static const char *const what[] = {"memory", "CPU", "partitions", "device units",
                                       "device memory"};
    topo_text(t, "%s of %s ", what[f], f == FIELD_PARTITIONS ? "the stream" : "each partition");
    if (f == FIELD_BYTES || f == FIELD_DEVICE_BYTES) {
        topo_text(t, "from ");
        topo_text_bytes(t, from);
        topo_text(t, " to ");
        topo_text_bytes(t, to);
        topo_text(t, " (%" PRIu64 " bytes%s)", to,
                  st->memory_mode == WEIR_TOPO_MEMORY_RATIO && f == FIELD_BYTES ? " per core" : "");
    } else {
        topo_text(t, "from %" PRIu64 " to %" PRIu64 "%s", from, to,
                  f == FIELD_CPU ? " milli-CU" : "");
    }
}

/* The largest smaller value of F that fits, by bisection; monotone enough: the result itself has
 * been tried. */
static int lower(struct attempt *a, enum field f, uint64_t step, struct best *b)
{
    struct weir_topo_stream st = a->plan->streams[a->stream];
    uint64_t from = get_field(&st, f), lo, hi = from, good = 0;
    if (from < 2 || from / step == 0) return 0;
    set_field(&st, f, step);
    int rc = fits(a, &st);
    if (rc <= 0) return rc;
    good = lo = step;
    for (int k = 0; k < 24 && hi - lo > step; k++) {
        uint64_t mid = (lo + (hi - lo) / 2) / step * step;
        if (mid == lo) break;
        set_field(&st, f, mid);
        rc = fits(a, &st);
        if (rc < 0) return rc;
        if (rc)
            good = lo = mid;
        else
            hi = mid;
    }
    struct weir_topo_text t = {0};
    set_field(&st, f, good);
    topo_text(&t, "lower the ");
    describe(&t, &st, f, from, good);
    rc = topo_text_done(&t, a->err);
    if (!rc) offer(b, &st, 1 - (double)good / (double)from, t.data);
    weir_topo_text_free(&t);
    return rc;
}

static int try_word(struct attempt *a, const struct weir_topo_stream *st, double loss,
                    const char *text, struct best *b)
{
    if (b->loss >= 0 && b->loss <= loss) return 0;
    int rc = fits(a, st);
    if (rc > 0) offer(b, st, loss, text);
    return rc < 0 ? rc : 0;
}

static int words(struct attempt *a, struct best *b)
{
    const struct weir_topo_stream *old = &a->plan->streams[a->stream];
    struct weir_topo_stream st = *old;
    int rc = 0;
    if (old->tier != WEIR_TOPO_TIER_ANY) {
        st.tier = WEIR_TOPO_TIER_ANY;
        rc = try_word(a, &st, 0.5, "allow any memory tier", b);
    }
    st = *old;
    if (!rc && old->device == WEIR_TOPO_DEVICE_REQUIRE) {
        st.device = WEIR_TOPO_DEVICE_PREFER;
        rc = try_word(a, &st, 0.5, "prefer a device instead of requiring it", b);
    }
    st = *old;
    for (int scope = (int)old->scope - 1; !rc && old->mode == WEIR_TOPO_EXCLUSIVE && scope >= 0;
         scope--) {
        char text[80];
        st.scope = (enum weir_topo_scope)scope;
        snprintf(text, sizeof text, "own whole %ss instead of %ss", weir_topo_scope_name(st.scope),
                 weir_topo_scope_name(old->scope));
        rc = try_word(a, &st, 0.5, text, b);
    }
    st = *old;
    if (!rc && old->mode == WEIR_TOPO_EXCLUSIVE) {
        st.mode = WEIR_TOPO_SHARED;
        rc = try_word(a, &st, 0.6, "share the CPUs instead of owning them", b);
        st.tier = WEIR_TOPO_TIER_ANY;
        if (!rc) rc = try_word(a, &st, 0.8, "share the CPUs and allow any memory tier", b);
        st.device = WEIR_TOPO_DEVICE_NONE;
        if (!rc)
            rc = try_word(a, &st, 0.9,
                          "share the CPUs, allow any memory tier and do without a device", b);
    }
    return rc;
}

int weir_topo_suggest(const struct weir_topo_plan *plan, uint32_t stream,
                      struct weir_topo_stream *changed, char *text, size_t size,
                      struct weir_topo_error *err)
{
    struct attempt a = {.plan = plan, .stream = stream, .err = err};
    struct best b = {.loss = -1};
    if (stream >= plan->stream_count)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "stream %u: the plan has %u", stream,
                         plan->stream_count);
    a.rejected = topo_calloc(plan->stream_count, sizeof *a.rejected);
    a.demand.streams = topo_calloc(plan->stream_count, sizeof *a.demand.streams);
    int rc =
        a.rejected && a.demand.streams ? 0 : topo_fail_nomem(err, "looking for a change that fits");
    if (!rc) {
        a.demand.stream_count = plan->stream_count;
        memcpy(a.demand.streams, plan->streams, plan->stream_count * sizeof *plan->streams);
        for (uint32_t i = 0; i < plan->partition_count; i++)
            a.rejected[plan->partitions[i].stream] +=
                plan->partitions[i].state == WEIR_TOPO_REJECTED;
    }
    bool asked = !rc && a.rejected[stream] > 0;
    if (asked)
        rc = lower(&a, FIELD_BYTES, plan->streams[stream].bytes > (64 << 20) ? 1 << 20 : 4096, &b);
    if (asked && !rc) rc = lower(&a, FIELD_CPU, 1, &b);
    if (asked && !rc) rc = lower(&a, FIELD_PARTITIONS, 1, &b);
    if (asked && !rc) rc = lower(&a, FIELD_DEVICE_UNITS, 1, &b);
    if (asked && !rc) rc = lower(&a, FIELD_DEVICE_BYTES, 1 << 20, &b);
    if (asked && !rc) rc = words(&a, &b);
    topo_free(a.rejected);
    topo_free(a.demand.streams);
    if (rc) return rc;
    if (size) snprintf(text, size, "%s", b.loss >= 0 ? b.text : "");
    if (b.loss < 0) return 0;
    *changed = b.stream;
    return 1;
}
