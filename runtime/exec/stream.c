/* Windows over a source whose rows come over time, on the first slot of its
   stream alone. The watermark follows the rows'
   times, which are a column of the source or are computed from one; when it may have passed the end
   of a window, the windows that ended are taken out of the group table and sent on through the stage
   that reads them. Rows are pushed in runs between which no window can end, so that whether a row is
   late depends on the rows before it and not on how rows were batched. */
#include <string.h>

#include "runtime/exec/exec_impl.h"

#define NO_TIME INT64_MIN

/* Rows [FROM, TO) of BATCH as a batch of its own. */
static int slice(struct weir_pool *pool, struct weir_batch *batch, uint32_t from, uint32_t to,
                 struct weir_batch **out, struct weir_error *err)
{
    struct weir_type *types = weir_calloc(batch->n_cols, sizeof *types);
    struct weir_builder *b = NULL;
    if (!types) return weir_fail_nomem(err, 0, "cutting a batch");
    for (uint32_t c = 0; c < batch->n_cols; c++) types[c] = batch->col[c].type;
    int rc = weir_builder_new(pool, (int)batch->n_cols, types, &b, err);
    for (uint32_t c = 0; !rc && c < batch->n_cols; c++)
        weir_builder_copy(b, (int)c, &batch->col[c], from, to - from);
    if (!rc) {
        weir_builder_set_rows(b, to - from);
        rc = weir_builder_finish(b, out, err);
    }
    if (!rc) {
        (*out)->origin = batch->origin;
        (*out)->origin.first_row += from;
    }
    weir_builder_free(b);
    weir_free(types);
    return rc;
}

/* ---- the rows' times ---- */

struct stream {
    struct stage_run *r, *reader; /* READER: the stage that reads the groups */
    int slot;                     /* that runs it */
    struct weir_eval *eval;       /* of the stage's time pipeline */
    int64_t *time; /* of the rows of the batch in hand, NO_TIME where there is none */
    uint32_t n_times, cap_times;
    int64_t watermark_us;
    int64_t window_us, offset_us; /* the watermark matters only where it passes a window's end */
};

static void add_times(struct stream *st, const struct weir_column *c, uint32_t n)
{
    const int64_t *t = c->values;
    for (uint32_t i = 0; i < n; i++)
        st->time[st->n_times++] = weir_column_is_null(c, i) ? NO_TIME : t[i];
}

static int keep_times(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    (void)err;
    add_times(ctx, &batch->col[0], batch->n_rows);
    return WEIR_OK;
}

static int compute_times(struct stream *st, struct weir_batch *batch, struct weir_error *err)
{
    struct job *j = st->r->j;
    const struct weir_native_sink sink = {.emit = keep_times, .ctx = st};
    int rc = WEIR_OK;
    if (!st->eval)
        rc = weir_eval_new(st->r->def->time, NULL, j->pool[st->slot], &sink, j->o->now_us,
                           &st->eval, err);
    if (!rc) rc = weir_eval_batch(st->eval, batch, err);
    if (!rc) rc = weir_eval_finish(st->eval, err);
    if (rc) {
        weir_eval_free(st->eval);
        st->eval = NULL;
    }
    return rc;
}

/* A row whose time cannot be computed has none, and whether that is an error is found out by the
   stage: a filter may drop the row. */
static int compute_times_by_row(struct stream *st, struct weir_batch *batch, struct weir_error *err)
{
    int rc = WEIR_OK;
    for (uint32_t i = 0; !rc && i < batch->n_rows; i++) {
        struct weir_batch *row = NULL;
        struct weir_error ignored;
        st->n_times = i;
        rc = slice(st->r->j->pool[st->slot], batch, i, i + 1, &row, err);
        if (!rc) rc = compute_times(st, row, &ignored);
        weir_batch_unref(row);
        if (rc == WEIR_ERR_DATA) {
            st->time[i] = NO_TIME;
            rc = WEIR_OK;
        } else if (rc && err) {
            *err = ignored;
        }
    }
    return rc;
}

static int read_times(struct stream *st, struct weir_batch *batch, struct weir_error *err)
{
    if (batch->n_rows > st->cap_times) {
        int64_t *p = weir_realloc(st->time, batch->n_rows * sizeof *p);
        if (!p) return weir_fail_nomem(err, batch->n_rows * sizeof *p, "reading the rows' times");
        st->time = p;
        st->cap_times = batch->n_rows;
    }
    st->n_times = 0;
    if (!st->r->def->time) {
        add_times(st, &batch->col[st->r->def->rowtime], batch->n_rows);
        return WEIR_OK;
    }
    int rc = compute_times(st, batch, err);
    return rc == WEIR_ERR_DATA ? compute_times_by_row(st, batch, err) : rc;
}

/* ---- the watermark ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Move the watermark to US; may a window have ended? */
static bool advance(struct stream *st, int64_t us)
{
    int64_t old = st->watermark_us;
    if (us <= old) return false;
    st->watermark_us = us;
    return old == INT64_MIN || floor_div(us - st->offset_us, st->window_us) !=
                                   floor_div(old - st->offset_us, st->window_us);
}

static int push(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct stage_slot *p = ctx;
    return stage_push(p->r, p->slot, batch, err);
}

static int close_windows(struct stream *st, struct weir_error *err)
{
    struct stage_slot p = {st->reader, st->slot};
    int rc = stage_flush(st->r, st->slot, err);
    if (!rc)
        rc = object_close_windows(st->r->j, st->r->def->output, st->slot, st->watermark_us, push,
                                  &p, err);
    return rc ? rc : stage_flush(st->reader, st->slot, err);
}

static int push_stream(struct stream *st, struct weir_batch *batch, struct weir_error *err)
{
    uint32_t from = 0;
    int rc = read_times(st, batch, err);
    for (uint32_t i = 0; !rc && i < batch->n_rows; i++) {
        if (st->time[i] == NO_TIME) continue;
        if (!advance(st, st->time[i] - st->r->def->watermark_us)) continue;
        struct weir_batch *part = NULL;
        rc = slice(st->r->j->pool[st->slot], batch, from, i + 1, &part, err);
        if (!rc) rc = stage_push(st->r, st->slot, part, err);
        weir_batch_unref(part);
        if (!rc) rc = close_windows(st, err);
        from = i + 1;
    }
    if (rc || from == batch->n_rows) return rc;
    struct weir_batch *rest = NULL;
    rc = slice(st->r->j->pool[st->slot], batch, from, batch->n_rows, &rest, err);
    if (!rc) rc = stage_push(st->r, st->slot, rest, err);
    weir_batch_unref(rest);
    return rc ? rc : close_windows(st, err);
}

static int run_stream(void *ctx, int slot, struct weir_error *err)
{
    struct stream *st = ctx;
    struct stage_run *r = st->r;
    struct weir_source *src = r->def->source;
    int rc = WEIR_OK;
    for (int split = 0; slot == st->slot && !rc && split < r->n_splits; split++) {
        struct weir_reader *reader = NULL;
        rc = src->ops->open_split(src, split, r->def->columns, r->def->n_columns, r->j->pool[slot],
                                  &reader, err);
        while (!rc && !job_cancelled(r->j)) {
            struct weir_batch *batch = NULL;
            rc = src->ops->next(reader, stage_batch_rows(r, slot), &batch, err);
            if (rc != 1) break;
            stage_count_rows(r, batch->n_rows);
            rc = batch->n_rows ? push_stream(st, batch, err) : WEIR_OK;
            weir_batch_unref(batch);
        }
        src->ops->close(reader);
        if (rc > 0) rc = WEIR_OK;
    }
    if (!rc) rc = stage_flush(r, slot, err);
    if (rc) atomic_store(&r->j->stop, true);
    return rc;
}

int stream_reader(const struct stage_run *r)
{
    const struct weir_object *o = &r->j->s->object[r->def->output];
    if (r->def->input != WEIR_INPUT_SOURCE || (r->def->rowtime < 0 && !r->def->time)) return -1;
    if (o->kind != WEIR_OBJECT_GROUPS || o->window_end_key < 0 || o->last_writer != r->number)
        return -1;
    for (int i = r->number + 1; i < r->j->s->n_stages; i++) {
        const struct weir_stage *st = &r->j->s->stage[i];
        if (st->input != WEIR_INPUT_OBJECT || st->object != r->def->output) continue;
        for (uint32_t t = 0; t < st->pipeline->n_tables; t++)
            if (!r->j->object[st->table[t]].table) return -1;
        return i;
    }
    return -1;
}

int stream_run(struct stage_run *r, int reader_number, struct weir_error *err)
{
    struct stage_run reader;
    int rc = stage_open(r->j, reader_number, &reader, err);
    const struct weir_object *o = &r->j->s->object[r->def->output];
    struct stream st = {
        .r = r, .reader = &reader, .slot = r->stream->first_slot, .watermark_us = INT64_MIN};
    st.window_us = o->window_us;
    st.offset_us = o->window_offset_us;
    if (!rc) rc = weir_workers_run(r->j->o->workers, run_stream, &st, err);
    if (!rc) rc = object_sweep_windows(r->j, r->def->output, st.slot, err);
    stage_close(&reader);
    weir_eval_free(st.eval);
    weir_free(st.time);
    return rc;
}
