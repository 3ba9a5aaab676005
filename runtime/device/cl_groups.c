/* Grouping by keys: a run's groups stay on the device from batch to batch, so that a group costs a
   merge once and not once for each batch.

   The table takes up a generation of batches. It is read back, and its groups merged into the
   sink's, when the batches of the generation weigh as much as a run may keep, and at the end of the
   run or of a window. Every batch is kept until then: when the table is too small, a call fails or a
   value error comes up, the table holds an unknown part of what went in, so it is emptied and the
   same batches go in again (a larger table, one more attempt) or go back to the caller. Nothing is
   ever delivered twice or not at all. A table grows by a factor of four, so batches that go in
   again cost a third of the run at worst.

   Texts among the keys lie in their batch's memory: then a generation is one batch. */
#ifdef WEIR_OPENCL
#include <string.h>

#include "runtime/device/cl_error.h"
#include "runtime/device/cl_run.h"

#define FIRST_CAP  1024u
#define KEEP_BYTES ((uint64_t)256 << 20)
#define KEEP_SHARE 4 /* of the slot's memory, where it has a limit */

struct out_buffer *cl_table_buffer(struct group_table *t, enum gen_arg_kind kind)
{
    return kind == GEN_GROUPS ? &t->rows : kind == GEN_DIRECTORY ? &t->directory : &t->counts;
}

void cl_groups_open(struct weir_run *r)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t units = r->q->b->info->compute_units, runs = (uint32_t)r->sink.n_runs;
    r->keeps = last->kind == WEIR_STEP_AGGREGATE && last->n;
    r->table.empty = true;
    /* One part for each thread that falls to this run: every part has groups of its own to merge. */
    r->table.parts = r->q->k.gpu || units <= runs ? 1 : runs ? units / runs : units;
}

/* ---- what went in ---- */

/* Bytes of B's rows; the buffers may belong to much more. */
static uint64_t weight(const struct weir_batch *b)
{
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < b->n_cols; c++) {
        const struct weir_column *col = &b->col[c];
        enum weir_phys p = weir_type_phys(col->type);
        const int32_t *offset = col->values;
        if (p == WEIR_PHYS_STR)
            bytes += (uint64_t)(offset[b->n_rows] - offset[0]) + 4u * b->n_rows;
        else
            bytes += p == WEIR_PHYS_BOOL ? b->n_rows / 8 : b->n_rows * weir_phys_size(p);
    }
    return bytes;
}

static uint64_t keep_bytes(const struct weir_run *r)
{
    uint64_t share = r->pool && r->pool->limit ? r->pool->limit / KEEP_SHARE : KEEP_BYTES;
    return share < KEEP_BYTES ? share : KEEP_BYTES;
}

/* Room to remember one more batch and all that are on their way. */
static int reserve_batches(struct group_table *t, struct weir_error *err)
{
    if (t->n + CL_FLIGHTS + 1 <= t->room) return WEIR_OK;
    size_t room = t->room ? t->room * 2 : 64;
    struct weir_batch **p = weir_realloc(t->batch, room * sizeof(struct weir_batch *));
    if (!p) return weir_fail_nomem(err, room * sizeof *p, "keeping batches");
    t->batch = p;
    t->room = room;
    return WEIR_OK;
}

static void begin(struct group_table *t)
{
    t->n = 0;
    t->bytes = 0;
    t->empty = true;
    t->epoch = 0;
}

int cl_groups_admit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    struct group_table *t = &r->table;
    uint64_t bytes = weight(batch);
    bool any = t->n || r->n_flights;
    if (any && (r->q->k.texts || t->bytes + bytes > keep_bytes(r))) {
        int rc = cl_run_finish(r, err);
        if (rc) return rc;
    }
    if (!t->n && !r->n_flights) {
        uint32_t hint = atomic_load(&r->q->cap_hint), first = r->q->k.gpu ? 4 : 1;
        t->cap = hint > first * FIRST_CAP ? hint : first * FIRST_CAP;
    }
    t->bytes += bytes;
    return reserve_batches(t, err);
}

/* ---- when it did not go well ---- */

/* Everything that went in, delivered or not, into *OUT (one reference each), and an empty table. */
static int take_all(struct weir_run *r, struct weir_batch ***out, size_t *n, struct weir_error *err)
{
    struct group_table *t = &r->table;
    struct weir_batch **all = weir_malloc((t->n + CL_FLIGHTS) * sizeof(struct weir_batch *));
    if (!all) return weir_fail_nomem(err, (t->n + CL_FLIGHTS) * sizeof *all, "starting over");
    memcpy(all, t->batch, t->n * sizeof *all);
    *n = t->n;
    bool safe = true;
    for (; r->n_flights; r->n_flights--, r->oldest = (r->oldest + 1) % CL_FLIGHTS) {
        struct flight *f = &r->flight[r->oldest];
        all[(*n)++] = weir_batch_ref(f->batch);
        safe = cl_end_flight(r, f) && safe;
    }
    if (!safe) memset(&t->rows, 0, sizeof t->rows);
    if (!safe) memset(&t->directory, 0, sizeof t->directory);
    if (!safe) memset(&t->counts, 0, sizeof t->counts);
    begin(t);
    *out = all;
    return WEIR_OK;
}

/* Put everything in again with room for CAP groups, or hand it back for REASON (NULL: again). */
static int start_over(struct weir_run *r, uint32_t cap, const char *reason, struct weir_error *err)
{
    struct weir_batch **all = NULL;
    size_t n = 0;
    int rc = take_all(r, &all, &n, err);
    if (!rc && !reason) cl_hint(r, cap);
    if (reason) r->table.retried = false;
    for (size_t i = 0; i < n; i++) {
        if (!rc && reason) rc = r->sink.failed(r->sink.failed_ctx, all[i], reason, err);
        if (!rc && !reason) rc = cl_run_submit(r, all[i], err);
        /* after a failure one at a time, each with all the memory there is */
        while (!rc && r->table.retried && r->n_flights) rc = cl_groups_complete(r, err);
        weir_batch_unref(all[i]);
    }
    weir_free(all);
    return rc;
}

int cl_groups_failed(struct weir_run *r, cl_int code, struct weir_error *err)
{
    enum weir_cl_class c = weir_cl_classify(code);
    bool again = !r->table.retried && (c == WEIR_CL_TRANSIENT || c == WEIR_CL_NO_SPACE);
    const char *reason = again ? NULL : cl_reason(r, code);
    if (again) r->table.retried = true;
    return start_over(r, 0, reason, err);
}

int cl_groups_complete(struct weir_run *r, struct weir_error *err)
{
    struct group_table *t = &r->table;
    struct flight *f = &r->flight[r->oldest];
    cl_int code = cl_await(r, f);
    if (code) return cl_groups_failed(r, code, err);
    switch (cl_judge(f)) {
    case VALUE_ERROR: return start_over(r, 0, "a value error", err);
    case AGAIN:
        if ((uint64_t)t->cap * 4 * t->parts > UINT32_MAX / 2)
            return start_over(r, 0, cl_reason(r, CL_OUT_OF_RESOURCES), err);
        return start_over(r, t->cap * 4, NULL, err);
    default: break;
    }
    t->batch[t->n++] = weir_batch_ref(f->batch);
    cl_end_flight(r, f);
    r->oldest = (r->oldest + 1) % CL_FLIGHTS;
    r->n_flights--;
    return WEIR_OK;
}

int cl_groups_flush(struct weir_run *r, struct weir_error *err)
{
    struct group_table *t = &r->table;
    cl_int code = 0;
    int rc = cl_deliver_table(r, t->batch[0], &code, err);
    if (!rc && code) return cl_groups_failed(r, code, err);
    for (size_t i = 0; i < t->n; i++) {
        r->stats.rows_in += t->batch[i]->n_rows;
        weir_batch_unref(t->batch[i]);
    }
    r->stats.batches += t->n;
    begin(t);
    t->retried = false;
    return rc;
}

void cl_groups_close(struct weir_run *r)
{
    struct group_table *t = &r->table;
    for (size_t i = 0; i < t->n; i++) weir_batch_unref(t->batch[i]);
    weir_free(t->batch);
    cl_drop_buffer(r, &t->rows);
    cl_drop_buffer(r, &t->directory);
    cl_drop_buffer(r, &t->counts);
}
#endif
