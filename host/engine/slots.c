/* Slots: lease a place for every partition from the topology library, start the workers there.

   Planning and leasing are one step under the lock of the lease directory (weir_topo_lease_begin …
   commit): in between the streams that left their number of partitions open are counted out. A
   shared job on a machine where no lease can be kept (a read-only directory) runs without one and
   says so; an exclusive job is refused there. */
#include "host/engine/slots.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_SLOTS   4096u
#define MAX_CPU_SET (1 << 16)

static int topo_fail(struct weir_error *err, int code, const struct weir_topo_error *te)
{
    return weir_fail(err, code == WEIR_TOPO_ERR_MISMATCH ? WEIR_ERR_INVALID : code,
                     "placing partitions: %s", te->message);
}

/* ---- how many partitions ---- */

/* Usable PUs, but no more than the CPU limit pays for. */
static uint64_t usable_pus(const struct weir_topo_machine *m)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->pu_count; i++) n += weir_topo_pu_usable(m, i);
    uint64_t limit = m->limit_milli_cu == UINT64_MAX ? n : (m->limit_milli_cu + 999) / 1000;
    return limit < n ? limit : n;
}

static void first_guess(const struct weir_topo_machine *m, const struct weir_slots_request *q,
                        struct weir_topo_stream *stream)
{
    uint32_t open = 0;
    for (int k = 0; k < q->n_streams; k++) open += q->stream[k].partitions == 0;
    for (int k = 0; k < q->n_streams; k++) {
        uint64_t n = usable_pus(m);
        if (stream[k].partitions) continue;
        if (stream[k].milli_cu > 1000) n = n * 1000 / stream[k].milli_cu;
        if (stream[k].mode == WEIR_TOPO_EXCLUSIVE) n /= open;
        stream[k].partitions = n < 1 ? 1 : n > MAX_SLOTS ? MAX_SLOTS : (uint32_t)n;
    }
}

/* Leave out of the streams with an open number what was rejected; false when there is nothing to
 * leave out. */
static bool fewer(const struct weir_topo_plan *plan, const struct weir_slots_request *q,
                  struct weir_topo_stream *stream)
{
    bool changed = false;
    uint32_t at = 0;
    for (int k = 0; k < q->n_streams; k++) {
        uint32_t n = stream[k].partitions, placed = 0;
        for (uint32_t i = 0; i < n; i++, at++)
            placed += plan->partitions[at].state != WEIR_TOPO_REJECTED;
        if (q->stream[k].partitions || placed == n || n == 1) continue;
        stream[k].partitions = placed ? placed : 1;
        changed = true;
    }
    return changed;
}

static int make_plan(struct weir_slots *s, const struct weir_slots_request *q,
                     struct weir_topo_error *te)
{
    struct weir_topo_stream *stream = weir_calloc((size_t)q->n_streams, sizeof *stream);
    if (!stream) {
        snprintf(te->message, sizeof te->message, "out of memory");
        return WEIR_TOPO_ERR_NOMEM;
    }
    memcpy(stream, q->stream, (size_t)q->n_streams * sizeof *stream);
    first_guess(s->machine, q, stream);
    int rc;
    do {
        struct weir_topo_demand *demand = NULL;
        weir_topo_plan_free(s->plan);
        s->plan = NULL;
        rc = weir_topo_demand_new(&demand, te);
        for (int k = 0; !rc && k < q->n_streams; k++)
            rc = weir_topo_demand_add(demand, &stream[k], te);
        if (!rc) rc = weir_topo_plan_make(s->machine, demand, NULL, &s->plan, te);
        weir_topo_demand_free(demand);
    } while (!rc && s->plan->totals.rejected && fewer(s->plan, q, stream));
    weir_free(stream);
    return rc;
}

/* ---- the parts of a job's slots ---- */

static char *request_key(const struct weir_slots_request *q)
{
    struct weir_buf b = {0};
    weir_buf_printf(&b, "%d", q->bind);
    for (int k = 0; k < q->n_streams; k++) {
        const struct weir_topo_stream *st = &q->stream[k];
        const char *name = q->bind ? st->name : ""; /* nobody else sees threads that roam */
        weir_buf_printf(&b, ";%s:%u,%u,%d,%" PRIu64 ",%d,%d,%d,%d", name, st->partitions,
                        st->milli_cu, st->memory_mode, st->bytes, st->device, st->device_kind,
                        st->mode, st->scope);
    }
    if (b.oom) weir_buf_release(&b);
    return b.data;
}

static int start(const struct weir_slots_request *q, struct weir_slots **out,
                 struct weir_error *err)
{
    struct weir_slots *s = weir_calloc(1, sizeof *s);
    if (s) s->key = request_key(q);
    if (s) s->stream = weir_calloc((size_t)q->n_streams, sizeof *s->stream);
    *out = s;
    if (!s || !s->key || !s->stream) return weir_fail_nomem(err, 0, "placing partitions");
    s->exclusive = q->stream[0].mode == WEIR_TOPO_EXCLUSIVE;
    s->bound = q->bind;
    if (s->exclusive && !q->bind)
        return weir_fail(err, WEIR_ERR_INVALID,
                         "'weir.mode' = 'exclusive' binds the workers to what they own, and this "
                         "engine was opened with no_bind; leave one of them out");
    return WEIR_OK;
}

/* What the streams of the plan mean for exec. */
static void describe_streams(struct weir_slots *s)
{
    s->n = (int)s->plan->partition_count;
    s->n_streams = (int)s->plan->stream_count;
    for (int k = 0, at = 0; k < s->n_streams; k++) {
        struct weir_exec_stream *st = &s->stream[k];
        st->name = s->plan->streams[k].name;
        st->first_slot = at;
        st->n_slots = (int)s->plan->streams[k].partitions;
        st->slot_bytes = SIZE_MAX;
        for (; at < st->first_slot + st->n_slots; at++)
            if (s->plan->partitions[at].bytes < st->slot_bytes)
                st->slot_bytes = s->plan->partitions[at].bytes;
    }
}

/* ---- a job that does not fit ---- */

static uint32_t first_rejected(const struct weir_topo_plan *plan)
{
    uint32_t i = 0;
    while (i < plan->partition_count && plan->partitions[i].state != WEIR_TOPO_REJECTED) i++;
    return i;
}

/* What is in the way, what would fit, who holds what; the last may be cut. */
static int no_place(const struct weir_slots *s, struct weir_error *err)
{
    const struct weir_topo_plan *plan = s->plan;
    uint32_t i = first_rejected(plan), stream = plan->partitions[i].stream, rejected = 0;
    struct weir_topo_text holders = {0};
    struct weir_topo_stream changed;
    struct weir_topo_error te;
    char why[160], remedy[200] = "";
    for (uint32_t k = i; k < plan->partition_count; k++)
        rejected +=
            plan->partitions[k].stream == stream && plan->partitions[k].state == WEIR_TOPO_REJECTED;
    weir_topo_plan_why(plan, i, why, sizeof why);
    if (weir_topo_suggest(plan, stream, &changed, remedy, sizeof remedy, &te) != 1)
        snprintf(remedy, sizeof remedy, "nothing of it until others end");
    if (weir_topo_lease_text(NULL, &holders, &te)) weir_topo_text_free(&holders);
    for (size_t k = 0; k < holders.length; k++)
        if (holders.data[k] == '\n') holders.data[k] = k + 1 < holders.length ? ';' : '\0';
    int rc = weir_fail(err, WEIR_ERR_BUSY,
                       "%u of %u partitions of stream %s have no place: %s; what would fit: %s; "
                       "taken: %s",
                       rejected, plan->streams[stream].partitions, plan->streams[stream].name, why,
                       remedy, holders.length ? holders.data : "nothing by other jobs");
    weir_topo_text_free(&holders);
    return rc;
}

/* ---- making them ---- */

static int bind_slot(void *ctx, int slot, struct weir_error *err)
{
    const struct weir_slots *s = ctx;
    struct weir_topo_error te = {0};
    int rc = weir_topo_apply_thread(s->plan, (uint32_t)slot, NULL, &te);
    return rc ? topo_fail(err, rc, &te) : WEIR_OK;
}

/* The machine without what others hold; locked against other jobs until the lease is committed. */
static int look(struct weir_slots *s, const struct weir_slots_request *q, struct weir_error *err)
{
    const struct weir_topo_machine_options free_only = {.leases = ""};
    struct weir_topo_error te = {0};
    int rc = WEIR_OK;
    if (q->bind) {
        rc = weir_topo_lease_begin(NULL, q->job, &s->machine, &s->lease, &te);
        if (!rc) return WEIR_OK;
        if (s->exclusive || rc != WEIR_TOPO_ERR_IO) return topo_fail(err, rc, &te);
        snprintf(s->isolation, sizeof s->isolation, "affinity only, no lease: %.200s", te.message);
        return (rc = weir_topo_machine_load(NULL, &s->machine, &te)) ? topo_fail(err, rc, &te) : rc;
    }
    snprintf(s->isolation, sizeof s->isolation, "none: threads are not bound");
    rc = weir_topo_machine_load(&free_only, &s->machine, &te);
    if (rc == WEIR_TOPO_ERR_IO) rc = weir_topo_machine_load(NULL, &s->machine, &te);
    return rc ? topo_fail(err, rc, &te) : WEIR_OK;
}

static int settle(struct weir_slots *s, struct weir_error *err)
{
    struct weir_topo_error te = {0};
    if (s->plan->totals.rejected) return no_place(s, err);
    if (!s->lease) return WEIR_OK;
    int rc = weir_topo_lease_commit(s->lease, s->plan, &te);
    if (rc) return topo_fail(err, rc, &te);
    snprintf(s->isolation, sizeof s->isolation, "affinity and locks");
    if (s->exclusive)
        rc = weir_topo_lease_isolate(s->lease, s->plan, NULL, s->isolation, sizeof s->isolation,
                                     &te);
    if (!rc) rc = weir_topo_lease_note_isolation(s->lease, s->isolation, &te);
    if (!rc) rc = weir_topo_lease_keep_memory(s->lease, &te);
    return rc ? topo_fail(err, rc, &te) : WEIR_OK;
}

/* Tell whoever looks which threads there are. */
static int note_workers(const struct weir_slots *s, struct weir_error *err)
{
    struct weir_topo_error te = {0};
    int rc = WEIR_OK;
    for (int i = 0; s->lease && !rc && i < s->n; i++)
        rc = weir_topo_lease_note_thread(s->lease, s->plan, "slot", (uint32_t)i,
                                         weir_workers_tid(s->workers, i), NULL, &te);
    return rc ? topo_fail(err, rc, &te) : WEIR_OK;
}

/* The CPUs of all slots, each once, in the order of the slots. */
static uint32_t *all_cpus(const struct weir_slots *s, int *n)
{
    const struct weir_topo_plan *plan = s->plan;
    uint32_t *cpus = weir_malloc((size_t)plan->pu_list_count * sizeof *cpus);
    uint8_t *seen = weir_calloc(s->machine->os_limit, 1);
    *n = 0;
    for (uint32_t k = 0; cpus && seen && k < plan->pu_list_count; k++) {
        uint32_t cpu = s->machine->pus[plan->pu_list[k]].os_index;
        if (!seen[cpu]) cpus[(*n)++] = cpu;
        seen[cpu] = 1;
    }
    weir_free(seen);
    return cpus;
}

int weir_slots_place(struct weir_slots *s, struct weir_devices *devices, struct weir_error *err)
{
    int n = 0;
    uint32_t *cpus = all_cpus(s, &n);
    if (!cpus || !n) {
        weir_free(cpus);
        return weir_fail_nomem(err, 0, "placing devices");
    }
    int rc = weir_devices_place(devices, cpus, n, err);
    bool tell = s->lease && !s->placed;
    if (!rc) s->placed = true;
    struct weir_buf all = {0};
    for (int i = 0; i < n; i++) weir_buf_printf(&all, "%s%u", i ? "," : "", cpus[i]);
    struct weir_device_thread *thread = weir_calloc(MAX_SLOTS, sizeof *thread);
    int count = thread ? weir_devices_threads(devices, thread, MAX_SLOTS) : 0;
    for (int i = 0; tell && !rc && i < count; i++) {
        struct weir_topo_error te = {0};
        char one[16];
        snprintf(one, sizeof one, "%d", thread[i].cpu);
        rc = weir_topo_lease_note_thread(s->lease, s->plan, "pocl", (uint32_t)(i < s->n ? i : 0),
                                         thread[i].tid, thread[i].cpu < 0 ? all.data : one, &te);
        if (rc) rc = topo_fail(err, rc, &te);
    }
    weir_buf_release(&all);
    weir_free(thread);
    weir_free(cpus);
    return rc;
}

int weir_slots_new(const struct weir_slots_request *request, struct weir_slots **out,
                   struct weir_error *err)
{
    struct weir_topo_error te = {0};
    struct weir_slots *s = NULL;
    int rc = start(request, &s, err);
    if (!rc) rc = look(s, request, err);
    if (!rc) {
        rc = make_plan(s, request, &te);
        if (rc) rc = topo_fail(err, rc, &te);
    }
    if (!rc) rc = settle(s, err);
    if (!rc) {
        describe_streams(s);
        rc = weir_workers_new(s->n, s->bound ? bind_slot : NULL, s, &s->workers, err);
    }
    if (!rc) rc = note_workers(s, err);
    if (rc)
        weir_slots_free(s);
    else
        *out = s;
    return rc;
}

/* What a run would reach. */
static void foretell_isolation(struct weir_slots *s)
{
    char why[160];
    size_t size = sizeof s->isolation;
    if (!s->bound)
        snprintf(s->isolation, size, "none: threads are not bound");
    else if (!s->exclusive)
        snprintf(s->isolation, size, "affinity and locks");
    else if (weir_topo_may_isolate(NULL, why, sizeof why))
        snprintf(s->isolation, size, "cgroup v2 cpuset if it can be made, else affinity and locks");
    else
        snprintf(s->isolation, size, "affinity and locks (%s)", why);
}

int weir_slots_plan(const struct weir_slots_request *request, struct weir_slots **out,
                    struct weir_error *err)
{
    const struct weir_topo_machine_options free_only = {.leases = ""};
    struct weir_topo_error te = {0};
    struct weir_slots *s = NULL;
    int rc = start(request, &s, err);
    if (!rc) {
        rc = weir_topo_machine_load(&free_only, &s->machine, &te);
        if (!rc) rc = make_plan(s, request, &te);
        if (rc) rc = topo_fail(err, rc, &te);
    }
    if (rc) {
        weir_slots_free(s);
        return rc;
    }
    describe_streams(s);
    foretell_isolation(s);
    *out = s;
    return WEIR_OK;
}

void weir_slots_free(struct weir_slots *s)
{
    if (!s) return;
    weir_workers_free(s->workers);
    weir_topo_lease_free(s->lease);
    weir_topo_plan_free(s->plan);
    weir_topo_machine_free(s->machine);
    weir_free(s->stream);
    weir_free(s->key);
    weir_free(s);
}

bool weir_slots_fit(struct weir_slots *s, const struct weir_slots_request *request)
{
    char *key = request_key(request);
    bool fit = key && !strcmp(key, s->key);
    weir_free(key);
    for (int k = 0; fit && k < request->n_streams; k++)
        memcpy(s->plan->streams[k].name, request->stream[k].name, sizeof request->stream[k].name);
    return fit;
}

int weir_slots_device(struct weir_slots *s, const struct weir_device_info *info, int number,
                      struct weir_error *err)
{
    struct weir_topo_error te = {0};
    char name[32];
    if (!s->lease || info->class_ == WEIR_DEVICE_CPU) return WEIR_OK;
    snprintf(name, sizeof name, "opencl:%d", number);
    if (info->pci[0]) snprintf(name, sizeof name, "%s", info->pci);
    int rc = weir_topo_lease_device(s->lease, name, s->exclusive, &te);
    if (!rc) return WEIR_OK;
    if (rc != WEIR_TOPO_ERR_INVALID) return topo_fail(err, rc, &te);
    return weir_fail(err, WEIR_ERR_BUSY,
                     "opencl:%d (%.80s) is not free: %s; wait for it, or choose another device "
                     "(weir devices lists them)",
                     number, info->name, te.message);
}

/* ---- the calling thread ---- */

int weir_slots_enter(struct weir_slots *s, struct weir_error *err)
{
    struct weir_topo_error te = {0};
    if (!s->bound) return WEIR_OK;
    s->caller_bytes = CPU_ALLOC_SIZE(MAX_CPU_SET);
    s->caller = CPU_ALLOC(MAX_CPU_SET);
    if (!s->caller) return weir_fail_nomem(err, s->caller_bytes, "binding the caller");
    if (sched_getaffinity(0, s->caller_bytes, s->caller) < 0) {
        int e = errno;
        CPU_FREE(s->caller);
        s->caller = NULL;
        return weir_fail_errno(err, WEIR_ERR_UNSUPPORTED, e, "reading the caller's affinity");
    }
    int rc = weir_topo_apply_all(s->plan, &te);
    if (!rc) return WEIR_OK;
    weir_slots_leave(s);
    return topo_fail(err, rc, &te);
}

void weir_slots_leave(struct weir_slots *s)
{
    if (!s->caller) return;
    (void)sched_setaffinity(0, s->caller_bytes, s->caller); /* where it was: allowed before */
    CPU_FREE(s->caller);
    s->caller = NULL;
}
