/* A stage while it runs: for each slot one run of the native backend, and one of a device once the
   choice has made it ready. A batch goes to one of them. What a device hands back as failed is
   counted with its reason and run natively. */
#include <stdio.h>
#include <string.h>

#include "runtime/exec/exec_impl.h"

struct slot_run {
    struct stage_run *r;
    int slot;
    struct weir_run *native, *device;
    struct weir_run *back; /* native, for batches that the device handed back */
    struct weir_backend *device_backend;
    struct weir_eval *pre;  /* functions that a device lacks, computed for it */
    struct batch_list made; /* what `pre` made of the batch that is pushed */
    struct weir_eval *tail; /* the aggregation of what a device gives, when it has to be native */
    struct weir_fallback fallback[WEIR_STATS_REASONS];
    int n_fallbacks;
    uint64_t rows_out;
    uint64_t last_end_ns; /* when the last batch was done, 0: there was none */
    bool last_device;     /* where it ran, */
    uint32_t streak;      /* and how many before it ran there too */
};

/* More batches than a device has in flight: after so many its pace shows in a slot's time. */
#define SETTLED_STREAK 4

bool job_cancelled(const struct job *j)
{
    if (atomic_load_explicit(&j->stop, memory_order_relaxed)) return true;
    return j->o->cancel && atomic_load_explicit(j->o->cancel, memory_order_relaxed);
}

static int emit(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct slot_run *s = ctx;
    s->rows_out += batch->n_rows;
    return object_emit(s->r->j, s->r->def->output, s->slot, batch, err);
}

static int emit_to_tail(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    return weir_eval_batch(((struct slot_run *)ctx)->tail, batch, err);
}

static int keep_made(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    return batch_list_add(&((struct slot_run *)ctx)->made, batch, err);
}

static int push_back(struct slot_run *s, struct weir_batch *batch, struct weir_error *err);

static int failed(void *ctx, struct weir_batch *batch, const char *reason, struct weir_error *err)
{
    struct slot_run *s = ctx;
    int i = 0;
    while (i < s->n_fallbacks && strcmp(s->fallback[i].reason, reason)) i++;
    if (i == s->n_fallbacks && i < WEIR_STATS_REASONS)
        snprintf(s->fallback[s->n_fallbacks++].reason, sizeof s->fallback[0].reason, "%s", reason);
    s->fallback[i < WEIR_STATS_REASONS ? i : WEIR_STATS_REASONS - 1].batches++;
    weir_choice_failed(s->r->choice);
    return push_back(s, batch, err);
}

/* DEVICE: batches that fail come back, and a tail takes what the device gives. */
static int open_run(struct slot_run *s, const struct weir_backend *b, struct weir_prepared *q,
                    bool device, struct weir_run **out, struct weir_error *err)
{
    struct job *j = s->r->j;
    struct object_state *o = &j->object[s->r->def->output];
    const struct weir_pipeline *tail = device ? weir_choice_tail(s->r->choice) : NULL;
    struct weir_run_sink sink = {
        .failed = failed, .failed_ctx = s, .n_runs = s->r->stream->n_slots};
    sink.out.emit = tail ? emit_to_tail : emit;
    sink.out.ctx = s;
    if (o->groups) sink.out.groups = o->groups[s->slot];
    int rc = WEIR_OK;
    if (tail)
        rc = weir_eval_new(tail, NULL, j->pool[s->slot], &sink.out, j->o->now_us, &s->tail, err);
    return rc ? rc : b->ops->open(q, &sink, j->pool[s->slot], j->o->now_us, out, err);
}

static int push_native(struct slot_run *s, struct weir_batch *batch, struct weir_error *err)
{
    struct weir_backend *native = weir_backend_native();
    if (!s->native) {
        int rc = open_run(s, native, weir_choice_native(s->r->choice), false, &s->native, err);
        if (rc) return rc;
    }
    return native->ops->submit(s->native, batch, err);
}

static int push_back(struct slot_run *s, struct weir_batch *batch, struct weir_error *err)
{
    struct weir_backend *native = weir_backend_native();
    int rc = WEIR_OK;
    if (!s->back)
        rc = open_run(s, native, weir_choice_handed_back(s->r->choice), false, &s->back, err);
    return rc ? rc : native->ops->submit(s->back, batch, err);
}

/* The device's share of BATCH; the functions that it lacks are computed first. A value error there
   does not decide anything yet: the whole batch then runs natively, where it is known whether it
   does. */
static int push_device(struct slot_run *s, struct weir_batch *batch, struct weir_error *err)
{
    const struct weir_pipeline *pre = weir_choice_pre(s->r->choice);
    const struct weir_backend_ops *ops = s->device_backend->ops;
    struct job *j = s->r->j;
    if (!pre) return ops->submit(s->device, batch, err);
    const struct weir_native_sink sink = {.emit = keep_made, .ctx = s};
    int rc = WEIR_OK;
    if (!s->pre)
        rc = weir_eval_new(pre, s->r->table, j->pool[s->slot], &sink, j->o->now_us, &s->pre, err);
    if (!rc) rc = weir_eval_batch(s->pre, batch, err);
    if (!rc) rc = weir_eval_finish(s->pre, err);
    if (rc == WEIR_ERR_DATA) {
        weir_eval_free(s->pre);
        s->pre = NULL;
        batch_list_clear(&s->made);
        return push_native(s, batch, err);
    }
    for (size_t i = 0; !rc && i < s->made.n; i++)
        rc = ops->submit(s->device, s->made.batch[i], err);
    batch_list_clear(&s->made);
    return rc;
}

static const char *run_name(bool device)
{
    return device ? "device batch" : "native batch";
}

/* The share of its input that R has read, 0: unknown. */
static double share_done(const struct stage_run *r)
{
    const struct weir_source *src = r->def->source;
    if (r->def->input != WEIR_INPUT_SOURCE) return 0;
    if (src->est_rows > 0)
        return (double)atomic_load_explicit(&r->rows_in, memory_order_relaxed) /
               (double)src->est_rows;
    if (src->est_bytes && src->ops->bytes_read)
        return (double)src->ops->bytes_read(src) / (double)src->est_bytes;
    return 0;
}

/* Tell the choice about a batch that ended at END. */
static void report(struct slot_run *s, bool device, uint64_t start, uint64_t end, uint64_t rows)
{
    struct stage_run *r = s->r;
    s->streak = s->last_end_ns && s->last_device == device ? s->streak + 1 : 0;
    uint64_t since = s->last_end_ns ? s->last_end_ns : start;
    weir_choice_report(r->choice, device, rows, end - since, s->streak >= SETTLED_STREAK);
    weir_choice_progress(r->choice, (double)(end - r->start_ns) / 1e9, share_done(r));
    s->last_device = device;
    s->last_end_ns = end;
}

int stage_push(struct stage_run *r, int slot, struct weir_batch *batch, struct weir_error *err)
{
    struct slot_run *s = &r->slot[slot];
    struct weir_backend *b = NULL;
    weir_choice_sample(r->choice, batch);
    struct weir_prepared *q = weir_choice_device(r->choice, &b);
    if (q && !s->device) {
        s->device_backend = b;
        int rc = open_run(s, b, q, true, &s->device, err);
        if (rc) return rc;
    }
    uint64_t start = weir_now_ns();
    int rc = q ? push_device(s, batch, err) : push_native(s, batch, err);
    uint64_t end = weir_now_ns();
    report(s, q != NULL, start, end, batch->n_rows);
    weir_trace_span(r->j->o->trace, slot, run_name(q != NULL), q ? "device" : "native", start, end,
                    batch->n_rows);
    return rc;
}

int stage_flush(struct stage_run *r, int slot, struct weir_error *err)
{
    struct slot_run *s = &r->slot[slot];
    int rc = WEIR_OK;
    if (s->device) rc = s->device_backend->ops->finish(s->device, err);
    if (!rc && s->tail) rc = weir_eval_finish(s->tail, err);
    if (!rc && s->back) rc = weir_backend_native()->ops->finish(s->back, err);
    if (!rc && s->native) rc = weir_backend_native()->ops->finish(s->native, err);
    return rc;
}

void stage_count_rows(struct stage_run *r, uint64_t n)
{
    atomic_fetch_add_explicit(&r->rows_in, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->j->rows_in, n, memory_order_relaxed);
    if (r->j->o->rows_read) atomic_fetch_add_explicit(r->j->o->rows_read, n, memory_order_relaxed);
}

uint32_t stage_batch_rows(struct stage_run *r, int slot)
{
    (void)slot;
    struct weir_backend *b = NULL;
    if (r->j->o->batch_rows) return r->j->o->batch_rows;
    if (!weir_choice_device(r->choice, &b)) return WEIR_BATCH_ROWS;
    return b->batch_rows > WEIR_BATCH_ROWS ? b->batch_rows : WEIR_BATCH_ROWS;
}

/* ---- opening and closing ---- */

/* A guess of native work from the input's size: scanning and computing at about 100 MB/s a slot. */
static double expected_seconds(const struct weir_stage *st, int n_slots)
{
    if (st->input != WEIR_INPUT_SOURCE) return 0;
    if (st->source->est_rows >= 0) return (double)st->source->est_rows * 20e-9 / n_slots;
    if (st->source->est_bytes) return (double)st->source->est_bytes / 100e6 / n_slots;
    return -1;
}

static const struct weir_exec_stream *stage_stream(const struct weir_stage *st,
                                                   const struct weir_exec_options *o)
{
    return &o->stream[st->input == WEIR_INPUT_SOURCE ? st->source->stream : 0];
}

struct weir_choice_request weir_stage_request(const struct weir_stages *s, int stage,
                                              const struct weir_exec_options *o)
{
    const struct weir_stage *st = &s->stage[stage];
    const struct weir_exec_stream *on = stage_stream(st, o);
    struct weir_choice_request q = {.pipeline = st->pipeline,
                                    .now_us = o->now_us,
                                    .n_slots = on->n_slots,
                                    .expected_seconds = expected_seconds(st, on->n_slots)};
    if (st->input == WEIR_INPUT_OBJECT)
        q.no_device = "it reads merged results, which are on the host";
    else if (!weir_pipeline_computes(st->pipeline))
        q.no_device = "nothing to compute, the columns only pass";
    else if (on->mode == WEIR_MODE_NATIVE)
        q.no_device = "asked for";
    else if (on->n_devices == 0)
        q.no_device = on->no_device[0] ? on->no_device : NULL;
    if (q.no_device) return q;
    q.device = on->device;
    q.n_devices = on->n_devices;
    q.force = on->mode == WEIR_MODE_DEVICE;
    return q;
}

int stage_open(struct job *j, int number, struct stage_run *r, struct weir_error *err)
{
    const struct weir_stage *st = &j->s->stage[number];
    uint32_t nt = st->pipeline->n_tables;
    memset(r, 0, sizeof *r);
    r->j = j;
    r->number = number;
    r->def = st;
    r->stream = stage_stream(st, j->o);
    r->start_ns = weir_now_ns();
    r->slot = weir_calloc((size_t)j->n_slots, sizeof *r->slot);
    r->table = weir_calloc(nt, sizeof *r->table);
    if (!r->slot || !r->table) return weir_fail_nomem(err, 0, "starting a stage");
    for (uint32_t i = 0; i < nt; i++) r->table[i] = j->object[st->table[i]].table;
    for (int i = 0; i < j->n_slots; i++) {
        r->slot[i].r = r;
        r->slot[i].slot = i;
    }
    struct weir_choice_request q = weir_stage_request(j->s, number, j->o);
    q.tables = r->table;
    return weir_choice_new(&q, &r->choice, err);
}

static void add_run_stats(struct weir_stage_stats *st, const struct weir_backend *b,
                          const struct weir_run *run)
{
    struct weir_run_stats rs = {0};
    b->ops->stats(run, &rs);
    int i = 0;
    while (i < st->n_by && strcmp(st->by[i].backend, b->name)) i++;
    if (i == (int)(sizeof st->by / sizeof *st->by)) return;
    if (i == st->n_by) {
        st->n_by++;
        snprintf(st->by[i].backend, sizeof st->by[i].backend, "%s", b->name);
        snprintf(st->by[i].device, sizeof st->by[i].device, "%s", b->device);
    }
    st->by[i].rows += rs.rows_in;
    st->by[i].batches += rs.batches;
    st->by[i].busy_ns += rs.busy_ns;
    st->by[i].transfer_ns += rs.transfer_ns;
    st->by[i].transfer_bytes += rs.transfer_bytes;
}

void stage_close(struct stage_run *r)
{
    if (!r->j) return;
    struct weir_stage_stats *st = &r->j->stats->stage[r->number];
    for (int i = 0; r->slot && i < r->j->n_slots; i++) {
        struct slot_run *s = &r->slot[i];
        st->rows_out += s->rows_out;
        for (int k = 0; k < s->n_fallbacks; k++)
            weir_stats_fallback(st, s->fallback[k].reason, s->fallback[k].batches);
        if (s->device) {
            add_run_stats(st, s->device_backend, s->device);
            s->device_backend->ops->close(s->device);
        }
        weir_eval_free(s->tail);
        weir_eval_free(s->pre);
        batch_list_clear(&s->made);
        if (s->back) {
            add_run_stats(st, weir_backend_native(), s->back);
            weir_backend_native()->ops->close(s->back);
        }
        if (s->native) {
            add_run_stats(st, weir_backend_native(), s->native);
            weir_backend_native()->ops->close(s->native);
        }
    }
    if (r->choice) weir_choice_note(r->choice, st->note, sizeof st->note);
    weir_choice_free(r->choice);
    weir_free(r->slot);
    weir_free(r->table);
    memset(r, 0, sizeof *r);
}
