/* Running a prepared pipeline, batch by batch, for one slot.

   A call is pure: the batch's columns in, private output buffers and status blocks out; nothing
   reaches the sink before the kernel has ended well. So a batch that did not fit is simply run
   again with more room, and one that failed is handed back whole. Up to CL_FLIGHTS batches are in
   flight, each with buffers of its own, and are completed in the order of their submission. */
#ifdef WEIR_OPENCL
#include "runtime/device/cl_run.h"

#include <string.h>
#include <time.h>

#include "runtime/device/cl_error.h"

#define FIRST_CAP 1024u

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Why a batch is handed back when a call said CODE. A device that is gone is not tried again. */
static const char *reason_of(struct weir_run *r, cl_int code)
{
    switch (weir_cl_classify(code)) {
    case WEIR_CL_NO_SPACE: return "the device is out of memory";
    case WEIR_CL_LOST:
        atomic_store(&r->q->b->lost, true);
        return r->hung ? "the device does not answer" : "the device is lost";
    case WEIR_CL_BUG: return "the device refused a call (a mistake of Weir's: please report)";
    default: return "the device failed";
    }
}

/* ---- opening and closing ---- */

static int make_flights(struct weir_run *r, struct weir_error *err)
{
    size_t n = (size_t)r->q->k.n_args + 1;
    for (int i = 0; i < CL_FLIGHTS; i++) {
        r->flight[i].out = weir_calloc(n, sizeof *r->flight[i].out);
        r->flight[i].in = weir_calloc(n, sizeof *r->flight[i].in);
        if (!r->flight[i].out || !r->flight[i].in)
            return weir_fail_nomem(err, n * sizeof(struct out_buffer), "opening a device run");
    }
    return WEIR_OK;
}

int cl_run_open(struct weir_prepared *q, const struct weir_run_sink *sink, struct weir_pool *pool,
                int64_t now_us, struct weir_run **out, struct weir_error *err)
{
    (void)now_us; /* functions of the current time are volatile and run natively */
    cl_int code = 0;
    struct weir_run *r = weir_calloc(1, sizeof *r);
    if (!r) return weir_fail_nomem(err, sizeof *r, "opening a device run");
    r->q = q;
    r->sink = *sink;
    r->pool = pool;
    int rc = make_flights(r, err);
    if (!rc)
        r->queue =
            clCreateCommandQueue(q->b->context, q->b->device, CL_QUEUE_PROFILING_ENABLE, &code);
    if (!rc && !code) r->io = clCreateCommandQueue(q->b->context, q->b->device, 0, &code);
    if (!rc && !code) r->kernel = clCreateKernel(q->program, "weir_run", &code);
    if (code) r->broken = reason_of(r, code); /* not fatal: native takes the batches */
    if (rc) {
        cl_run_close(r);
        return rc;
    }
    *out = r;
    return WEIR_OK;
}

static void drop_buffer(struct weir_run *r, struct out_buffer *o)
{
    cl_unfetch(r, o);
    if (o->mem) clReleaseMemObject(o->mem);
    weir_free(o->host);
    memset(o, 0, sizeof *o);
}

/* Has F's kernel certainly ended? A device that does not say so may still use the buffers. */
static bool at_rest(struct weir_run *r, struct flight *f)
{
    cl_int state = CL_QUEUED;
    if (!f->done) return true;
    if (!clGetEventInfo(f->done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) &&
        state <= CL_COMPLETE)
        return true;
    return !r->hung && clFinish(r->queue) == CL_SUCCESS;
}

/* Let go of everything that belongs to F's batch; the outputs stay for the next one. Memory that
   the device may still use is never given back: it is lost with the device. */
static void end_flight(struct weir_run *r, struct flight *f)
{
    bool safe = at_rest(r, f);
    for (int i = 0; i < r->q->k.n_args; i++) {
        if (safe && f->in[i]) clReleaseMemObject(f->in[i]);
        f->in[i] = NULL;
        cl_unfetch(r, &f->out[i]);
        if (!safe) f->out[i] = (struct out_buffer){0};
    }
    cl_unfetch(r, &f->status);
    if (!safe) f->status = (struct out_buffer){0};
    if (f->done) clReleaseEvent(f->done);
    f->done = NULL;
    if (safe) weir_batch_unref(f->batch);
    f->batch = NULL;
}

static void drop_outputs(struct weir_run *r, struct flight *f)
{
    for (int i = 0; f->out && i < r->q->k.n_args; i++) drop_buffer(r, &f->out[i]);
    drop_buffer(r, &f->status);
}

void cl_run_close(struct weir_run *r)
{
    if (!r) return;
    if (r->queue && !r->hung) clFinish(r->queue); /* the device may still be reading the batches */
    for (int i = 0; i < CL_FLIGHTS; i++) {
        struct flight *f = &r->flight[i];
        if (f->batch) end_flight(r, f);
        drop_outputs(r, f);
        weir_free(f->out);
        weir_free(f->in);
    }
    if (!r->hung) { /* releasing a queue may wait for its commands */
        if (r->io) clFinish(r->io);
        if (r->kernel) clReleaseKernel(r->kernel);
        if (r->queue) clReleaseCommandQueue(r->queue);
        if (r->io) clReleaseCommandQueue(r->io);
    }
    weir_free(r);
}

/* ---- buffers ---- */

static cl_int reserve(struct weir_run *r, struct out_buffer *o, size_t size)
{
    cl_int rc;
    if (o->size >= size && o->mem) return 0;
    drop_buffer(r, o);
    o->host = weir_malloc_aligned(size);
    if (!o->host) return CL_OUT_OF_HOST_MEMORY;
    bool shared = r->q->b->info->unified;
    o->mem =
        clCreateBuffer(r->q->b->context, CL_MEM_READ_WRITE | (shared ? CL_MEM_USE_HOST_PTR : 0),
                       size, shared ? o->host : NULL, &rc);
    if (rc) o->mem = NULL;
    o->size = rc ? 0 : size;
    return rc;
}

cl_int cl_fetch(struct weir_run *r, struct out_buffer *o, size_t at, size_t size)
{
    cl_int rc = 0;
    if (!size) return 0;
    uint64_t start = now_ns();
    if (!r->q->b->info->unified) {
        rc = clEnqueueReadBuffer(r->io, o->mem, CL_TRUE, at, size, (char *)o->host + at, 0, NULL,
                                 NULL);
        r->stats.transfer_bytes += size;
    } else if (!o->mapped) {
        o->mapped =
            clEnqueueMapBuffer(r->io, o->mem, CL_TRUE, CL_MAP_READ, at, size, 0, NULL, NULL, &rc);
        if (rc) o->mapped = NULL;
    }
    r->stats.transfer_ns += now_ns() - start;
    return rc;
}

void cl_unfetch(struct weir_run *r, struct out_buffer *o)
{
    if (!o->mapped) return;
    /* A failure is no loss: nothing was written, and the next kernel's launch will tell. */
    (void)clEnqueueUnmapMemObject(r->io, o->mem, o->mapped, 0, NULL, NULL);
    o->mapped = NULL;
    r->unmapping = true;
}

size_t cl_out_row_bytes(const struct weir_run *r, const struct gen_arg *a)
{
    switch (a->kind) {
    case GEN_GROUPS: return (size_t)r->q->k.words * 8;
    case GEN_OUT_ROW:
    case GEN_OUT_TABROW: return 4;
    case GEN_OUT_VALUES: return 8u * r->q->k.out[a->a].words;
    default: return 1;
    }
}

/* Wide while that is cheap: collisions cost mispredicted branches. */
static uint32_t directory_size(const struct weir_run *r, uint32_t cap)
{
    if (r->q->k.gpu) return cap; /* a slot is a group's row */
    uint32_t n = 16, want = cap < 1u << 16 ? cap * 4 : cap * 2;
    while (n < want) n *= 2;
    return n;
}

/* Lanes load eight rows even where there are fewer: such a batch is copied with room behind. */
static cl_mem few_rows(struct cl_backend *b, const void *values, size_t bytes, size_t eight,
                       cl_int *rc)
{
    char room[8 * 16] = {0};
    memcpy(room, values, bytes);
    return clCreateBuffer(b->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, eight, room, rc);
}

static cl_mem input_buffer(struct weir_run *r, const struct weir_batch *b, const struct gen_arg *a,
                           cl_int *rc)
{
    const struct weir_column *c = &b->col[a->a];
    size_t n = b->n_rows;
    enum weir_phys p = weir_type_phys(c->type);
    if (a->kind == GEN_IN_VALID)
        return c->validity ? cl_buffer_of(r->q->b, c->validity, (n + 7) / 8, 1, rc) : NULL;
    if (a->kind == GEN_IN_BYTES)
        return cl_buffer_of(r->q->b, c->data, (size_t)((const int32_t *)c->values)[n], 1, rc);
    if (p == WEIR_PHYS_STR) return cl_buffer_of(r->q->b, c->values, (n + 1) * 4, 4, rc);
    if (p == WEIR_PHYS_BOOL) return cl_buffer_of(r->q->b, c->values, (n + 7) / 8, 1, rc);
    size_t size = weir_phys_size(p);
    if (n < 8 && r->q->k.vector) return few_rows(r->q->b, c->values, n * size, 8 * size, rc);
    return cl_buffer_of(r->q->b, c->values, n * size, size, rc);
}

/* ---- arguments ---- */

static cl_int set_word(struct weir_run *r, int i, uint32_t v)
{
    return clSetKernelArg(r->kernel, (cl_uint)i, 4, &v);
}
static cl_int set_mem(struct weir_run *r, int i, cl_mem m)
{
    return clSetKernelArg(r->kernel, (cl_uint)i, sizeof m, m ? &m : NULL);
}

static cl_int set_output(struct weir_run *r, struct flight *f, int i, const struct gen_arg *a)
{
    size_t bytes = a->kind == GEN_DIRECTORY ? (size_t)f->groups * directory_size(r, f->cap) * 4
                                            : (size_t)f->groups * f->cap * cl_out_row_bytes(r, a);
    cl_int rc = reserve(r, &f->out[i], bytes);
    return rc ? rc : set_mem(r, i, f->out[i].mem);
}

static cl_int set_arg(struct weir_run *r, struct flight *f, int i)
{
    const struct gen_arg *a = &r->q->k.arg[i];
    cl_int rc = 0;
    switch (a->kind) {
    case GEN_ROWS: return set_word(r, i, f->batch->n_rows);
    case GEN_CHUNK: return set_word(r, i, f->chunk);
    case GEN_CAP: return set_word(r, i, f->cap);
    case GEN_DIR_MASK: return set_word(r, i, directory_size(r, f->cap) - 1);
    case GEN_CONSTS: return set_mem(r, i, r->q->consts);
    case GEN_CONST_BYTES: return set_mem(r, i, r->q->const_bytes);
    case GEN_STATUS:
        rc = reserve(r, &f->status, (size_t)f->groups * CL_STATUS_WORDS * 4);
        return rc ? rc : set_mem(r, i, f->status.mem);
    case GEN_IN_VALUES:
    case GEN_IN_VALID:
    case GEN_IN_BYTES:
        if (!f->in[i]) f->in[i] = input_buffer(r, f->batch, a, &rc);
        return rc ? rc : set_mem(r, i, f->in[i]);
    case GEN_GROUPS:
    case GEN_DIRECTORY:
    case GEN_OUT_ROW:
    case GEN_OUT_TABROW:
    case GEN_OUT_VALUES:
    case GEN_OUT_STATE: return set_output(r, f, i, a);
    default: return set_mem(r, i, r->q->table[i]);
    }
}

/* GPU shape: enough work-items to fill the device; without keys each leaves one partial result. */
static void divide_items(const struct weir_run *r, struct flight *f, uint32_t hint)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    bool sums = last->kind == WEIR_STEP_AGGREGATE && !last->n;
    uint32_t rows = f->batch->n_rows, most = sums ? 4096 : 1u << 18;
    f->groups = 1;
    f->items = rows < most ? (rows + GROUP_ITEMS - 1) / GROUP_ITEMS * GROUP_ITEMS : most;
    if (sums)
        f->cap = f->items;
    else if (last->kind == WEIR_STEP_AGGREGATE)
        f->cap = hint > 4 * FIRST_CAP ? hint : 4 * FIRST_CAP;
    else
        f->cap = hint > rows ? hint : rows;
}

/* How the rows are cut: a few chunks for each compute unit, whole bytes of bitmaps each. */
static void divide(const struct weir_run *r, struct flight *f)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t units = r->q->b->info->compute_units, rows = f->batch->n_rows;
    uint32_t hint = atomic_load(&r->q->cap_hint);
    if (r->q->k.gpu) {
        divide_items(r, f, hint);
        return;
    }
    if (!units) units = 1;
    /* Grouping: one table for each thread, so that there are few partial results to merge. */
    uint32_t want = last->kind == WEIR_STEP_AGGREGATE && last->n ? units : units * 4;
    f->chunk = (rows / want + 64) / 64 * 64;
    f->groups = f->items = (rows + f->chunk - 1) / f->chunk;
    if (last->kind == WEIR_STEP_AGGREGATE)
        f->cap = last->n ? (hint > FIRST_CAP ? hint : FIRST_CAP) : 1;
    else
        f->cap = hint > f->chunk ? hint : f->chunk;
}

/* ---- one call ---- */

static cl_int zero(struct weir_run *r, struct out_buffer *o, size_t size)
{
    static const cl_ulong none;
    return clEnqueueFillBuffer(r->queue, o->mem, &none, sizeof none, 0, (size + 7) / 8 * 8, 0, NULL,
                               NULL);
}

/* What all work-items share starts from zero. */
static cl_int clear(struct weir_run *r, struct flight *f)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    cl_int rc = zero(r, &f->status, CL_STATUS_WORDS * 4);
    if (last->kind != WEIR_STEP_AGGREGATE || !last->n) return rc;
    for (int i = 0; !rc && i < r->q->k.n_args; i++) {
        if (r->q->k.arg[i].kind == GEN_DIRECTORY) rc = zero(r, &f->out[i], (size_t)f->cap * 4);
        if (r->q->k.arg[i].kind == GEN_GROUPS)
            rc = zero(r, &f->out[i], (size_t)f->cap * r->q->k.words * 8);
    }
    return rc;
}

static cl_int launch(struct weir_run *r, struct flight *f)
{
    cl_int rc = 0;
    if (f->done) clReleaseEvent(f->done);
    f->done = NULL;
    for (int i = 0; !rc && i < r->q->k.n_args; i++) rc = set_arg(r, f, i);
    size_t global = f->items, local = r->q->k.gpu ? GROUP_ITEMS : 1;
    if (!rc && r->unmapping) rc = clFinish(r->io);
    if (!rc) r->unmapping = false;
    if (!rc && r->q->k.gpu) rc = clear(r, f);
    if (!rc)
        rc = clEnqueueNDRangeKernel(r->queue, r->kernel, 1, NULL, &global, &local, 0, NULL,
                                    &f->done);
    if (rc) f->done = NULL;
    return rc ? rc : clFlush(r->queue);
}

/* Wait until F's kernel has ended; *STATE: how. OpenCL's own wait has no limit and some drivers
   burn a core in it, so ask again and again, ever more rarely. */
static cl_int wait_for(struct weir_run *r, struct flight *f, cl_int *state)
{
    uint64_t end = now_ns() + (uint64_t)r->q->b->timeout_ms * 1000000u;
    struct timespec pause = {0, 10000};
    for (;;) {
        cl_int rc =
            clGetEventInfo(f->done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state, state, NULL);
        if (rc || *state <= CL_COMPLETE) return rc;
        if (now_ns() > end) {
            r->hung = true;
            return CL_DEVICE_NOT_AVAILABLE;
        }
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 500000) pause.tv_nsec += pause.tv_nsec / 4;
    }
}

/* Wait for F's kernel and make its status readable. */
static cl_int await(struct weir_run *r, struct flight *f)
{
    cl_int state = CL_QUEUED;
    cl_ulong from = 0, to = 0;
    cl_int rc = wait_for(r, f, &state);
    if (rc) return rc;
    if (state < 0) return state;
    if (!clGetEventProfilingInfo(f->done, CL_PROFILING_COMMAND_START, 8, &from, NULL) &&
        !clGetEventProfilingInfo(f->done, CL_PROFILING_COMMAND_END, 8, &to, NULL) && to > from)
        r->stats.busy_ns += to - from;
    return cl_fetch(r, &f->status, 0, (size_t)f->groups * CL_STATUS_WORDS * 4);
}

enum outcome { DONE, AGAIN, VALUE_ERROR };

/* Read the status blocks; AGAIN sets a larger cap. */
static enum outcome judge(struct weir_run *r, struct flight *f)
{
    const uint32_t *s = f->status.host;
    bool full = false;
    for (uint32_t g = 0; g < f->groups; g++) {
        if (s[g * CL_STATUS_WORDS + 2]) return VALUE_ERROR;
        full = full || s[g * CL_STATUS_WORDS + 1];
    }
    if (!full) return DONE;
    f->cap *= 4;
    uint32_t hint = atomic_load(&r->q->cap_hint);
    while (hint < f->cap && !atomic_compare_exchange_weak(&r->q->cap_hint, &hint, f->cap)) {
    }
    return AGAIN;
}

/* The batch goes back to the caller: CODE says what the device did, REASON (or NULL) what else. */
static int hand_back(struct weir_run *r, struct flight *f, cl_int code, const char *reason,
                     struct weir_error *err)
{
    if (!reason) reason = reason_of(r, code);
    struct weir_batch *batch = weir_batch_ref(f->batch);
    end_flight(r, f);
    int rc = r->sink.failed(r->sink.failed_ctx, batch, reason, err);
    weir_batch_unref(batch);
    return rc;
}

/* Run F's kernel to its end, with more room as often as it takes. CODE: what the first wait or
   launch said. */
static cl_int settle(struct weir_run *r, struct flight *f, cl_int code, enum outcome *outcome)
{
    bool retried = false;
    for (;;) {
        if (!code && f->done) code = await(r, f);
        if (code) {
            enum weir_cl_class c = weir_cl_classify(code);
            if (retried || (c != WEIR_CL_TRANSIENT && c != WEIR_CL_NO_SPACE)) return code;
            retried = true;
        } else {
            *outcome = judge(r, f);
            if (*outcome != AGAIN) return 0;
            if ((uint64_t)f->cap * f->groups > UINT32_MAX / 2) return CL_OUT_OF_RESOURCES;
        }
        cl_unfetch(r, &f->status);
        code = launch(r, f);
        if (code && retried) return code;
    }
}

/* Complete the oldest flight: CODE is not 0 when its launch failed. */
static int complete(struct weir_run *r, cl_int code, struct weir_error *err)
{
    struct flight *f = &r->flight[r->oldest];
    enum outcome outcome = DONE;
    r->oldest = (r->oldest + 1) % CL_FLIGHTS;
    r->n_flights--;
    code = settle(r, f, code, &outcome);
    if (code) return hand_back(r, f, code, NULL, err);
    if (outcome == VALUE_ERROR) return hand_back(r, f, 0, "a value error", err);
    uint32_t rows = f->batch->n_rows;
    int rc = cl_deliver(r, f, &code, err);
    if (!rc && code) return hand_back(r, f, code, NULL, err);
    end_flight(r, f);
    r->stats.batches++;
    r->stats.rows_in += rows;
    return rc;
}

static bool oldest_is_done(struct weir_run *r)
{
    cl_int state = CL_QUEUED;
    struct flight *f = &r->flight[r->oldest];
    return r->n_flights && f->done &&
           (clGetEventInfo(f->done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state,
                           NULL) ||
            state <= CL_COMPLETE);
}

int cl_run_submit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    int rc = WEIR_OK;
    if (batch->n_rows == 0) return WEIR_OK;
    while (!rc && (r->n_flights == CL_FLIGHTS || oldest_is_done(r))) rc = complete(r, 0, err);
    if (rc) return rc;
    if (r->broken) return r->sink.failed(r->sink.failed_ctx, batch, r->broken, err);
    if (atomic_load(&r->q->b->lost))
        return r->sink.failed(r->sink.failed_ctx, batch, "the device is lost", err);
    struct flight *f = &r->flight[(r->oldest + r->n_flights++) % CL_FLIGHTS];
    f->batch = weir_batch_ref(batch);
    divide(r, f);
    cl_int code = launch(r, f);
    /* A launch that failed is settled at once, after those before it have given up their memory. */
    while (code && !rc && r->n_flights > 1) {
        rc = complete(r, 0, err);
        drop_outputs(r, &r->flight[(r->oldest + CL_FLIGHTS - 1) % CL_FLIGHTS]);
    }
    return code && !rc ? complete(r, code, err) : rc;
}

int cl_run_finish(struct weir_run *r, struct weir_error *err)
{
    int rc = WEIR_OK;
    while (!rc && r->n_flights) rc = complete(r, 0, err);
    return rc;
}

void cl_run_stats(const struct weir_run *r, struct weir_run_stats *out)
{
    *out = r->stats;
}
#endif
