/* One call of a device: buffers, arguments, the launch of a kernel and the wait for its end. */
#ifdef WEIR_OPENCL
#include <string.h>
#include <time.h>

#include "runtime/device/cl_error.h"
#include "runtime/device/cl_run.h"

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- buffers ---- */

void cl_drop_buffer(struct weir_run *r, struct out_buffer *o)
{
    cl_unfetch(r, o);
    if (o->mem) clReleaseMemObject(o->mem);
    weir_pool_free(r->pool, o->host, o->host_bytes);
    memset(o, 0, sizeof *o);
}

static cl_int reserve(struct weir_run *r, struct out_buffer *o, size_t size)
{
    cl_int rc;
    if (o->size >= size && o->mem) return 0;
    cl_drop_buffer(r, o);
    o->host = weir_pool_malloc(r->pool, size, NULL);
    if (!o->host) return CL_OUT_OF_HOST_MEMORY;
    o->host_bytes = size;
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
    case GEN_GROUPS: return (size_t)r->q->k.stride * 8;
    case GEN_DIRECTORY: return r->q->k.gpu ? 8 : 4;
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
    size_t parts = r->keeps ? r->table.parts : f->groups, bytes = parts * f->cap;
    if (a->kind == GEN_DIRECTORY)
        bytes = parts * directory_size(r, f->cap) * cl_out_row_bytes(r, a);
    else if (a->kind == GEN_COUNTS)
        bytes = (parts + 1) / 2 * 8; /* filled by words of eight bytes */
    else
        bytes *= cl_out_row_bytes(r, a);
    struct out_buffer *o = r->keeps ? cl_table_buffer(&r->table, a->kind) : &f->out[i];
    cl_int rc = reserve(r, o, bytes);
    return rc ? rc : set_mem(r, i, o->mem);
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
    case GEN_EPOCH: return set_word(r, i, r->table.epoch + 1);
    case GEN_GROUPS:
    case GEN_DIRECTORY:
    case GEN_COUNTS:
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
    else if (r->keeps)
        f->cap = r->table.cap;
    else
        f->cap = hint > rows ? hint : rows;
}

/* How the rows are cut: a few chunks for each compute unit, whole bytes of bitmaps each. */
void cl_divide(const struct weir_run *r, struct flight *f)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t units = r->q->b->info->compute_units, rows = f->batch->n_rows;
    uint32_t hint = atomic_load(&r->q->cap_hint);
    if (r->q->k.gpu) {
        divide_items(r, f, hint);
        return;
    }
    if (!units) units = 1;
    uint32_t want = r->keeps ? r->table.parts : units * 4;
    f->chunk = (rows / want + 64) / 64 * 64;
    f->groups = f->items = (rows + f->chunk - 1) / f->chunk;
    if (last->kind == WEIR_STEP_AGGREGATE)
        f->cap = r->keeps ? r->table.cap : 1;
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

/* What all work-items share starts from zero; so does a table of groups. A CPU's work-group clears
   its part of the directory itself. */
static cl_int clear(struct weir_run *r, struct flight *f)
{
    struct group_table *t = &r->table;
    cl_int rc = r->q->k.gpu ? zero(r, &f->status, CL_STATUS_WORDS * 4) : 0;
    if (!r->keeps || !t->empty) return rc;
    if (!rc) rc = zero(r, &t->counts, t->parts * 4);
    if (!rc && r->q->k.gpu) rc = zero(r, &t->directory, (size_t)t->cap * 8);
    if (!rc && r->q->k.gpu) rc = zero(r, &t->rows, (size_t)t->cap * r->q->k.stride * 8);
    return rc;
}

cl_int cl_launch(struct weir_run *r, struct flight *f)
{
    cl_int rc = 0;
    if (f->done) clReleaseEvent(f->done);
    f->done = NULL;
    for (int i = 0; !rc && i < r->q->k.n_args; i++) rc = set_arg(r, f, i);
    size_t global = f->items, local = r->q->k.gpu ? GROUP_ITEMS : 1;
    if (!rc && r->unmapping) rc = clFinish(r->io);
    if (!rc) r->unmapping = false;
    if (!rc) rc = clear(r, f);
    if (!rc)
        rc = clEnqueueNDRangeKernel(r->queue, r->kernel, 1, NULL, &global, &local, 0, NULL,
                                    &f->done);
    if (rc) f->done = NULL;
    if (!rc) r->table.empty = false, r->table.epoch++;
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
cl_int cl_await(struct weir_run *r, struct flight *f)
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

/* ---- the end of a flight ---- */

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
bool cl_end_flight(struct weir_run *r, struct flight *f)
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
    return safe;
}
#endif
