/* Running a prepared pipeline, batch by batch, for one slot.

   A call is pure: the batch's columns in, private output buffers and status blocks out; nothing
   reaches the sink before the kernel has ended well. So a batch that did not fit is simply run
   again with more room, and one that failed is handed back whole. Up to CL_FLIGHTS batches are in
   flight, each with buffers of its own, and are completed in the order of their submission. */
#ifdef WEIR_OPENCL
#include "runtime/device/cl_run.h"

#include <string.h>

#include "runtime/device/cl_error.h"

const char *cl_reason(struct weir_run *r, cl_int code)
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
    cl_groups_open(r);
    int rc = make_flights(r, err);
    if (!rc)
        r->queue =
            clCreateCommandQueue(q->b->context, q->b->device, CL_QUEUE_PROFILING_ENABLE, &code);
    if (!rc && !code) r->io = clCreateCommandQueue(q->b->context, q->b->device, 0, &code);
    if (!rc && !code) r->kernel = clCreateKernel(q->program, "weir_run", &code);
    if (code) r->broken = cl_reason(r, code); /* not fatal: native takes the batches */
    if (rc) {
        cl_run_close(r);
        return rc;
    }
    *out = r;
    return WEIR_OK;
}

static void drop_outputs(struct weir_run *r, struct flight *f)
{
    for (int i = 0; f->out && i < r->q->k.n_args; i++) cl_drop_buffer(r, &f->out[i]);
    cl_drop_buffer(r, &f->status);
}

void cl_run_close(struct weir_run *r)
{
    if (!r) return;
    if (r->queue && !r->hung) clFinish(r->queue); /* the device may still be reading the batches */
    for (int i = 0; i < CL_FLIGHTS; i++) {
        struct flight *f = &r->flight[i];
        if (f->batch) cl_end_flight(r, f);
        drop_outputs(r, f);
        weir_free(f->out);
        weir_free(f->in);
    }
    cl_groups_close(r);
    if (!r->hung) { /* releasing a queue may wait for its commands */
        if (r->io) clFinish(r->io);
        if (r->kernel) clReleaseKernel(r->kernel);
        if (r->queue) clReleaseCommandQueue(r->queue);
        if (r->io) clReleaseCommandQueue(r->io);
    }
    weir_free(r);
}

enum outcome cl_judge(const struct flight *f)
{
    const uint32_t *s = f->status.host;
    bool full = false;
    for (uint32_t g = 0; g < f->groups; g++) {
        if (s[g * CL_STATUS_WORDS + 2]) return VALUE_ERROR;
        full = full || s[g * CL_STATUS_WORDS + 1];
    }
    return full ? AGAIN : DONE;
}

void cl_hint(struct weir_run *r, uint32_t cap)
{
    uint32_t hint = atomic_load(&r->q->cap_hint);
    while (hint < cap && !atomic_compare_exchange_weak(&r->q->cap_hint, &hint, cap)) {
    }
}

/* The batch goes back to the caller: CODE says what the device did, REASON (or NULL) what else. */
static int hand_back(struct weir_run *r, struct flight *f, cl_int code, const char *reason,
                     struct weir_error *err)
{
    if (!reason) reason = cl_reason(r, code);
    struct weir_batch *batch = weir_batch_ref(f->batch);
    cl_end_flight(r, f);
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
        if (!code && f->done) code = cl_await(r, f);
        if (code) {
            enum weir_cl_class c = weir_cl_classify(code);
            if (retried || (c != WEIR_CL_TRANSIENT && c != WEIR_CL_NO_SPACE)) return code;
            retried = true;
        } else {
            *outcome = cl_judge(f);
            if (*outcome != AGAIN) return 0;
            f->cap *= 4;
            cl_hint(r, f->cap);
            if ((uint64_t)f->cap * f->groups > UINT32_MAX / 2) return CL_OUT_OF_RESOURCES;
        }
        cl_unfetch(r, &f->status);
        code = cl_launch(r, f);
        if (code && retried) return code;
    }
}

/* Complete the oldest flight: CODE is not 0 when its launch failed. */
static int complete(struct weir_run *r, cl_int code, struct weir_error *err)
{
    struct flight *f = &r->flight[r->oldest];
    enum outcome outcome = DONE;
    if (r->keeps) return code ? cl_groups_failed(r, code, err) : cl_groups_complete(r, err);
    r->oldest = (r->oldest + 1) % CL_FLIGHTS;
    r->n_flights--;
    code = settle(r, f, code, &outcome);
    if (code) return hand_back(r, f, code, NULL, err);
    if (outcome == VALUE_ERROR) return hand_back(r, f, 0, "a value error", err);
    uint32_t rows = f->batch->n_rows;
    int rc = cl_deliver(r, f, &code, err);
    if (!rc && code) return hand_back(r, f, code, NULL, err);
    cl_end_flight(r, f);
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
    if (!rc && r->keeps) rc = cl_groups_admit(r, batch, err);
    if (rc) return rc;
    if (r->broken) return r->sink.failed(r->sink.failed_ctx, batch, r->broken, err);
    if (atomic_load(&r->q->b->lost))
        return r->sink.failed(r->sink.failed_ctx, batch, "the device is lost", err);
    struct flight *f = &r->flight[(r->oldest + r->n_flights++) % CL_FLIGHTS];
    f->batch = weir_batch_ref(batch);
    cl_divide(r, f);
    cl_int code = cl_launch(r, f);
    if (code && r->keeps) return cl_groups_failed(r, code, err);
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
    while (!rc && (r->n_flights || r->table.n))
        rc = r->n_flights ? complete(r, 0, err) : cl_groups_flush(r, err);
    return rc;
}

void cl_run_stats(const struct weir_run *r, struct weir_run_stats *out)
{
    *out = r->stats;
}
#endif
