/* Running a prepared pipeline, batch by batch, for one slot.

   A call is pure: the batch's columns in, private output buffers and status blocks out; nothing
   reaches the sink before the kernel has ended well. So a batch that did not fit is simply run
   again with more room, and one that failed is handed back whole. */
#ifdef WEIR_OPENCL
#include <string.h>
#include <time.h>

#include "runtime/device/cl_backend.h"
#include "runtime/device/cl_error.h"
#include "runtime/native/groups.h"

#define STATUS_WORDS 8
#define FIRST_CAP    1024u
#define MIN_ROWS     8 /* a vector kernel's smallest batch */

struct out_buffer {
    cl_mem mem;
    void *host; /* [size] */
    size_t size;
};

struct weir_run {
    struct weir_prepared *q;
    struct weir_run_sink sink;
    struct weir_pool *pool;
    cl_command_queue queue;
    cl_kernel kernel;
    struct out_buffer *out; /* [k.n_args] */
    struct out_buffer status;
    cl_mem *in; /* [k.n_args] of the batch that runs */
    uint32_t groups, chunk, cap;
    struct weir_run_stats stats;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int cl_run_open(struct weir_prepared *q, const struct weir_run_sink *sink, struct weir_pool *pool,
                int64_t now_us, struct weir_run **out, struct weir_error *err)
{
    (void)now_us; /* functions of the current time are volatile and run natively */
    cl_int rc = 0;
    struct weir_run *r = weir_calloc(1, sizeof *r);
    if (!r) return weir_fail_nomem(err, sizeof *r, "opening a device run");
    r->q = q;
    r->sink = *sink;
    r->pool = pool;
    r->out = weir_calloc((size_t)q->k.n_args + 1, sizeof *r->out);
    r->in = weir_calloc((size_t)q->k.n_args + 1, sizeof *r->in);
    if (!r->out || !r->in) {
        cl_run_close(r);
        return weir_fail_nomem(err, 0, "opening a device run");
    }
    r->queue = clCreateCommandQueue(q->b->context, q->b->device, 0, &rc);
    if (!rc) r->kernel = clCreateKernel(q->program, "weir_run", &rc);
    if (rc) {
        cl_run_close(r);
        return weir_cl_fail(err, rc, "opening a device run");
    }
    *out = r;
    return WEIR_OK;
}

static void drop_buffer(struct out_buffer *o)
{
    if (o->mem) clReleaseMemObject(o->mem);
    weir_free(o->host);
    memset(o, 0, sizeof *o);
}

void cl_run_close(struct weir_run *r)
{
    if (!r) return;
    for (int i = 0; r->out && i < r->q->k.n_args; i++) drop_buffer(&r->out[i]);
    drop_buffer(&r->status);
    if (r->kernel) clReleaseKernel(r->kernel);
    if (r->queue) clReleaseCommandQueue(r->queue);
    weir_free(r->out);
    weir_free(r->in);
    weir_free(r);
}

/* Room for SIZE bytes of output, kept from batch to batch. */
static cl_int reserve(struct weir_run *r, struct out_buffer *o, size_t size)
{
    cl_int rc;
    if (o->size >= size && o->mem) return 0;
    drop_buffer(o);
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

/* Make the first SIZE bytes of O readable at o->host. */
static cl_int fetch(struct weir_run *r, struct out_buffer *o, size_t size)
{
    cl_int rc;
    if (!size) return 0;
    uint64_t start = now_ns();
    if (r->q->b->info->unified) {
        void *p =
            clEnqueueMapBuffer(r->queue, o->mem, CL_TRUE, CL_MAP_READ, 0, size, 0, NULL, NULL, &rc);
        if (!rc) rc = clEnqueueUnmapMemObject(r->queue, o->mem, p, 0, NULL, NULL);
    } else {
        rc = clEnqueueReadBuffer(r->queue, o->mem, CL_TRUE, 0, size, o->host, 0, NULL, NULL);
        r->stats.transfer_bytes += size;
    }
    r->stats.transfer_ns += now_ns() - start;
    return rc;
}

/* ---- arguments ---- */

static size_t out_bytes(const struct weir_run *r, const struct gen_arg *a)
{
    size_t rows = (size_t)r->groups * r->cap;
    switch (a->kind) {
    case GEN_GROUPS: return rows * r->q->k.words * 8;
    case GEN_OUT_ROW:
    case GEN_OUT_TABROW: return rows * 4;
    case GEN_OUT_VALUES: return rows * (r->q->k.out[a->a].text ? 16 : 8);
    default: return rows;
    }
}

static uint32_t directory_size(uint32_t cap)
{
    uint32_t n = 16;
    while (n < cap * 2) n *= 2;
    return n;
}

static cl_mem input_buffer(struct weir_run *r, const struct weir_batch *b, const struct gen_arg *a,
                           cl_int *rc)
{
    const struct weir_column *c = &b->col[a->a];
    size_t n = b->n_rows;
    enum weir_phys p = weir_type_phys(c->type);
    if (a->kind == GEN_IN_VALID)
        return c->validity ? cl_buffer_of(r->q->b, c->validity, (n + 7) / 8, rc) : NULL;
    if (a->kind == GEN_IN_BYTES)
        return cl_buffer_of(r->q->b, c->data, (size_t)((const int32_t *)c->values)[n], rc);
    size_t bytes = p == WEIR_PHYS_STR    ? (n + 1) * 4
                   : p == WEIR_PHYS_BOOL ? (n + 7) / 8
                                         : n * weir_phys_size(p);
    return cl_buffer_of(r->q->b, c->values, bytes, rc);
}

static cl_int set_word(struct weir_run *r, int i, uint32_t v)
{
    return clSetKernelArg(r->kernel, (cl_uint)i, 4, &v);
}
static cl_int set_mem(struct weir_run *r, int i, cl_mem m)
{
    return clSetKernelArg(r->kernel, (cl_uint)i, sizeof m, m ? &m : NULL);
}

static cl_int set_output(struct weir_run *r, int i, const struct gen_arg *a)
{
    size_t bytes =
        a->kind == GEN_DIRECTORY ? (size_t)r->groups * directory_size(r->cap) * 4 : out_bytes(r, a);
    cl_int rc = reserve(r, &r->out[i], bytes);
    return rc ? rc : set_mem(r, i, r->out[i].mem);
}

static cl_int set_arg(struct weir_run *r, int i, const struct weir_batch *batch)
{
    const struct gen_arg *a = &r->q->k.arg[i];
    cl_int rc = 0;
    switch (a->kind) {
    case GEN_ROWS: return set_word(r, i, batch->n_rows);
    case GEN_CHUNK: return set_word(r, i, r->chunk);
    case GEN_CAP: return set_word(r, i, r->cap);
    case GEN_DIR_MASK: return set_word(r, i, directory_size(r->cap) - 1);
    case GEN_CONSTS: return set_mem(r, i, r->q->consts);
    case GEN_CONST_BYTES: return set_mem(r, i, r->q->const_bytes);
    case GEN_STATUS:
        rc = reserve(r, &r->status, (size_t)r->groups * STATUS_WORDS * 4);
        return rc ? rc : set_mem(r, i, r->status.mem);
    case GEN_IN_VALUES:
    case GEN_IN_VALID:
    case GEN_IN_BYTES:
        if (!r->in[i]) r->in[i] = input_buffer(r, batch, a, &rc);
        return rc ? rc : set_mem(r, i, r->in[i]);
    case GEN_GROUPS:
    case GEN_DIRECTORY:
    case GEN_OUT_ROW:
    case GEN_OUT_TABROW:
    case GEN_OUT_VALUES:
    case GEN_OUT_STATE: return set_output(r, i, a);
    default: return set_mem(r, i, r->q->table[i]);
    }
}

/* How the rows are cut: a few chunks for each compute unit, whole bytes of bitmaps each. */
static void divide(struct weir_run *r, uint32_t rows)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t units = r->q->b->info->compute_units ? r->q->b->info->compute_units : 1;
    /* Grouping: one table for each thread, so that there are few partial results to merge. */
    uint32_t want = last->kind == WEIR_STEP_AGGREGATE && last->n ? units : units * 4;
    r->chunk = (rows / want + 64) / 64 * 64;
    r->groups = (rows + r->chunk - 1) / r->chunk;
    uint32_t hint = atomic_load(&r->q->cap_hint);
    if (last->kind == WEIR_STEP_AGGREGATE)
        r->cap = last->n ? (hint > FIRST_CAP ? hint : FIRST_CAP) : 1;
    else
        r->cap = hint > r->chunk ? hint : r->chunk;
}

/* ---- one call ---- */

enum outcome { DONE, AGAIN, VALUE_ERROR };

/* Read the status blocks; AGAIN sets a larger cap. */
static enum outcome judge(struct weir_run *r)
{
    const uint32_t *s = r->status.host;
    bool full = false;
    for (uint32_t g = 0; g < r->groups; g++) {
        if (s[g * STATUS_WORDS + 2]) return VALUE_ERROR;
        full = full || s[g * STATUS_WORDS + 1];
    }
    if (!full) return DONE;
    r->cap *= 4;
    atomic_store(&r->q->cap_hint, r->cap);
    return AGAIN;
}

static cl_int launch(struct weir_run *r, const struct weir_batch *batch)
{
    cl_int rc = 0;
    for (int i = 0; !rc && i < r->q->k.n_args; i++) rc = set_arg(r, i, batch);
    size_t global = r->groups, local = 1;
    if (!rc)
        rc = clEnqueueNDRangeKernel(r->queue, r->kernel, 1, NULL, &global, &local, 0, NULL, NULL);
    uint64_t start = now_ns();
    if (!rc) rc = clFinish(r->queue);
    r->stats.busy_ns += now_ns() - start;
    return rc ? rc : fetch(r, &r->status, (size_t)r->groups * STATUS_WORDS * 4);
}

static void drop_inputs(struct weir_run *r)
{
    for (int i = 0; i < r->q->k.n_args; i++) {
        if (r->in[i]) clReleaseMemObject(r->in[i]);
        r->in[i] = NULL;
    }
}

/* ---- delivering ---- */

static uint32_t group_rows(const struct weir_run *r, uint32_t g)
{
    return ((const uint32_t *)r->status.host)[g * STATUS_WORDS];
}

static const char *space_bytes(const struct weir_run *r, const struct weir_batch *batch,
                               uint32_t space)
{
    const struct gen_space *s = &r->q->k.space[space];
    if (s->kind == GEN_IN_BYTES) return batch->col[s->a].data;
    if (s->kind == GEN_TAB_BYTES) return r->q->tables[s->a]->payload->col[s->b].data;
    return weir_pipe_bytes(r->q->p);
}

static int find_arg(const struct weir_run *r, enum gen_arg_kind kind, int a)
{
    for (int i = 0; i < r->q->k.n_args; i++)
        if (r->q->k.arg[i].kind == kind && (a < 0 || r->q->k.arg[i].a == a)) return i;
    return -1;
}

/* Text keys come as (space, offset): make pointers of them. */
static void resolve_texts(const struct weir_run *r, const struct weir_batch *batch, uint64_t *row)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t w = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t i = 0; i < last->n; i++) {
        uint32_t reg = weir_pipe_operand(r->q->p)[last->first + i];
        enum weir_phys p = weir_type_phys(weir_pipe_insn(r->q->p)[reg].type);
        if (p == WEIR_PHYS_STR && !(row[1] >> (i & 63) & 1))
            row[w] = (uint64_t)(uintptr_t)(space_bytes(r, batch, (uint32_t)(row[w] >> 40)) +
                                           (row[w] & 0xffffffffffu));
        w += p == WEIR_PHYS_STR || p == WEIR_PHYS_I128 ? 2 : 1;
    }
}

static int deliver_groups(struct weir_run *r, const struct weir_batch *batch,
                          struct weir_error *err)
{
    int i = find_arg(r, GEN_GROUPS, -1), rc = WEIR_OK;
    uint32_t words = r->q->k.words;
    cl_int crc = fetch(r, &r->out[i], (size_t)r->groups * r->cap * words * 8);
    if (crc) return weir_cl_fail(err, crc, "reading groups from the device");
    for (uint32_t g = 0; !rc && g < r->groups; g++) {
        uint64_t *rows = (uint64_t *)r->out[i].host + (size_t)g * r->cap * words;
        for (uint32_t k = 0; k < group_rows(r, g); k++)
            resolve_texts(r, batch, rows + (size_t)k * words);
        rc = weir_groups_merge_rows(r->sink.out.groups, rows, group_rows(r, g), err);
    }
    return rc;
}

static void computed_column(struct weir_run *r, const struct weir_batch *batch,
                            struct weir_builder *b, uint32_t c, size_t from, uint32_t n)
{
    uint32_t reg = weir_pipe_operand(r->q->p)[weir_pipe_last(r->q->p)->first + c];
    enum weir_phys p = weir_type_phys(weir_pipe_insn(r->q->p)[reg].type);
    const uint8_t *st = (const uint8_t *)r->out[find_arg(r, GEN_OUT_STATE, (int)c)].host + from;
    const void *v = r->out[find_arg(r, GEN_OUT_VALUES, (int)c)].host;
    for (uint32_t i = 0; i < n; i++) {
        if (st[i]) {
            weir_builder_null(b, (int)c);
        } else if (p == WEIR_PHYS_STR) {
            const uint64_t *s = (const uint64_t *)v + 2 * (from + i);
            weir_builder_str(b, (int)c,
                             space_bytes(r, batch, (uint32_t)(s[0] >> 40)) + (s[0] & 0xffffffffffu),
                             (size_t)s[1]);
        } else if (p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64) {
            weir_builder_f64(b, (int)c, ((const double *)v)[from + i]);
        } else {
            weir_builder_i64(b, (int)c, ((const int64_t *)v)[from + i]);
        }
    }
}

/* Output rows [FROM, FROM + N) of the buffers as a batch to the sink. */
static int deliver_rows(struct weir_run *r, struct weir_batch *batch, struct weir_builder *b,
                        int64_t *idx, size_t from, uint32_t n, struct weir_error *err)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    for (uint32_t c = 0; c < last->n; c++) {
        uint8_t direct = r->q->k.out[c].direct;
        if (!direct) {
            computed_column(r, batch, b, c, from, n);
            continue;
        }
        int arg =
            direct == 1 ? find_arg(r, GEN_OUT_ROW, -1) : find_arg(r, GEN_OUT_TABROW, direct - 2);
        const uint32_t *row = (const uint32_t *)r->out[arg].host + from;
        for (uint32_t i = 0; i < n; i++) idx[i] = row[i] == UINT32_MAX ? -1 : (int64_t)row[i];
        const struct weir_batch *src = direct == 1 ? batch : r->q->tables[direct - 2]->payload;
        weir_builder_gather(b, (int)c, &src->col[r->q->k.out[c].column], idx, n);
    }
    weir_builder_set_rows(b, n);
    struct weir_batch *out = NULL;
    int rc = weir_builder_finish(b, &out, err);
    if (!rc) {
        out->origin = batch->origin;
        rc = r->sink.out.emit(r->sink.out.ctx, out, err);
    }
    weir_batch_unref(out);
    return rc;
}

static int deliver_output(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    struct weir_type *types = weir_calloc(last->n + 1, sizeof *types);
    int64_t *idx = weir_malloc(WEIR_BATCH_ROWS * sizeof *idx);
    struct weir_builder *b = NULL;
    int rc = types && idx ? WEIR_OK : weir_fail_nomem(err, 0, "taking rows from the device");
    for (int i = 0; !rc && i < r->q->k.n_args; i++) {
        if (r->q->k.arg[i].kind < GEN_OUT_ROW) continue;
        cl_int crc = fetch(r, &r->out[i], out_bytes(r, &r->q->k.arg[i]));
        if (crc) rc = weir_cl_fail(err, crc, "reading rows from the device");
    }
    for (uint32_t c = 0; !rc && c < last->n; c++)
        types[c] = weir_pipe_insn(r->q->p)[weir_pipe_operand(r->q->p)[last->first + c]].type;
    if (!rc) rc = weir_builder_new(r->pool, (int)last->n, types, &b, err);
    for (uint32_t g = 0; !rc && g < r->groups; g++)
        for (uint32_t at = 0; !rc && at < group_rows(r, g); at += WEIR_BATCH_ROWS) {
            uint32_t n = group_rows(r, g) - at;
            rc = deliver_rows(r, batch, b, idx, (size_t)g * r->cap + at,
                              n < WEIR_BATCH_ROWS ? n : WEIR_BATCH_ROWS, err);
        }
    weir_builder_free(b);
    weir_free(types);
    weir_free(idx);
    return rc;
}

/* ---- the vtable ---- */

/* A copy of BATCH with its rows repeated up to MIN_ROWS would change aggregates; so a vector
   kernel's tiny batch runs natively, which is also faster than a launch. It is not a fallback:
   nothing failed. */
static bool too_small(const struct weir_run *r, const struct weir_batch *batch)
{
    return r->q->k.vector && batch->n_rows < MIN_ROWS;
}

static int hand_back(struct weir_run *r, struct weir_batch *batch, cl_int rc,
                     struct weir_error *err)
{
    enum weir_cl_class c = weir_cl_classify(rc);
    const char *reason = c == WEIR_CL_NO_SPACE ? "the device is out of memory"
                         : c == WEIR_CL_LOST   ? "the device is lost"
                         : c == WEIR_CL_BUG
                             ? "the device refused a call (a mistake of Weir's: please report)"
                             : "the device failed";
    if (c == WEIR_CL_LOST) atomic_store(&r->q->b->lost, true);
    drop_inputs(r);
    return r->sink.failed(r->sink.failed_ctx, batch, reason, err);
}

int cl_run_submit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    if (batch->n_rows == 0) return WEIR_OK;
    if (atomic_load(&r->q->b->lost))
        return r->sink.failed(r->sink.failed_ctx, batch, "the device is lost", err);
    if (too_small(r, batch))
        return r->sink.failed(r->sink.failed_ctx, batch, "a batch of less than 8 rows", err);
    divide(r, batch->n_rows);
    enum outcome outcome = AGAIN;
    bool retried = false;
    while (outcome == AGAIN) {
        cl_int rc = launch(r, batch);
        if (rc && weir_cl_classify(rc) == WEIR_CL_TRANSIENT && !retried) {
            retried = true;
            continue;
        }
        if (rc) return hand_back(r, batch, rc, err);
        outcome = judge(r);
        if (outcome == AGAIN && (uint64_t)r->cap * r->groups > UINT32_MAX / 2)
            return hand_back(r, batch, CL_OUT_OF_RESOURCES, err);
    }
    drop_inputs(r);
    r->stats.batches++;
    r->stats.rows_in += batch->n_rows;
    if (outcome == VALUE_ERROR)
        return r->sink.failed(r->sink.failed_ctx, batch, "a value error", err);
    if (weir_pipe_last(r->q->p)->kind == WEIR_STEP_AGGREGATE) return deliver_groups(r, batch, err);
    return deliver_output(r, batch, err);
}

int cl_run_finish(struct weir_run *r, struct weir_error *err)
{
    (void)r, (void)err; /* every submit has delivered */
    return WEIR_OK;
}

void cl_run_stats(const struct weir_run *r, struct weir_run_stats *out)
{
    *out = r->stats;
}
#endif
