/* Running a query: stage by stage, each on all slots at once.

   A stage over a source hands out splits: a slot takes the next one, reads it to its end and pushes
   its batches through the pipeline, so the rows of a split stay on one slot until partial results
   are merged. After the last writer of an object the slots complete it together; later stages read
   it. A stage over a streaming source whose rows end in windows runs on slot 0 alone: after each
   run of rows the watermark moves, and windows that ended are sent on through the stage that reads
   them. */
#include "runtime/exec/exec.h"

#include <stdio.h>
#include <string.h>

#include "runtime/exec/exec_impl.h"

struct push_ctx {
    struct stage_run *r;
    int slot;
};

static int push(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct push_ctx *p = ctx;
    return stage_push(p->r, p->slot, batch, err);
}

static void count_rows(struct stage_run *r, uint64_t n)
{
    atomic_fetch_add_explicit(&r->j->rows_in, n, memory_order_relaxed);
    if (r->j->o->rows_read) atomic_fetch_add_explicit(r->j->o->rows_read, n, memory_order_relaxed);
}

/* Whoever reads the result of a stream wants its rows now, not when a batch is full. */
static int hand_on(struct stage_run *r, int slot, struct weir_error *err)
{
    uint8_t kind = r->j->object[r->def->output].def->kind;
    bool rows = kind == WEIR_OBJECT_SINK || kind == WEIR_OBJECT_SORT;
    return rows && r->def->source->streaming ? stage_flush(r, slot, err) : WEIR_OK;
}

static bool satisfied(const struct stage_run *r)
{
    return atomic_load_explicit(&r->j->object[r->def->output].enough, memory_order_relaxed);
}

static int read_split(struct stage_run *r, int slot, int split, struct weir_error *err)
{
    struct weir_source *src = r->def->source;
    struct weir_reader *reader = NULL;
    int rc = src->ops->open_split(src, split, r->def->columns, r->def->n_columns, r->j->pool[slot],
                                  &reader, err);
    while (!rc && !job_cancelled(r->j) && !satisfied(r)) {
        struct weir_batch *batch = NULL;
        uint64_t start = weir_now_ns();
        rc = src->ops->next(reader, stage_batch_rows(r, slot), &batch, err);
        if (rc != 1) break;
        rc = WEIR_OK;
        weir_trace_span(r->j->o->trace, slot, src->name, "read", start, weir_now_ns(),
                        batch->n_rows);
        count_rows(r, batch->n_rows);
        if (batch->n_rows) rc = stage_push(r, slot, batch, err);
        weir_batch_unref(batch);
        if (!rc) rc = hand_on(r, slot, err);
    }
    src->ops->close(reader);
    return rc < 0 ? rc : WEIR_OK;
}

static int run_slot(void *ctx, int slot, struct weir_error *err)
{
    struct stage_run *r = ctx;
    struct push_ctx p = {r, slot};
    int rc = WEIR_OK;
    switch (r->def->input) {
    case WEIR_INPUT_SOURCE:
        while (!rc && !job_cancelled(r->j) && !satisfied(r)) {
            int split = atomic_fetch_add(&r->next_split, 1);
            if (split >= r->n_splits) break;
            rc = read_split(r, slot, split, err);
        }
        break;
    case WEIR_INPUT_BATCH:
        if (slot == 0) rc = stage_push(r, 0, r->def->batch, err);
        break;
    default: rc = object_read(r->j, r->def->object, slot, push, &p, err);
    }
    if (!rc) rc = stage_flush(r, slot, err);
    if (rc) atomic_store(&r->j->stop, true);
    return rc;
}

/* ---- streaming windows ---- */

/* Rows [FROM, TO) of BATCH as a batch of its own. */
static int slice(struct job *j, struct weir_batch *batch, uint32_t from, uint32_t to,
                 struct weir_batch **out, struct weir_error *err)
{
    struct weir_type *types = weir_calloc(batch->n_cols, sizeof *types);
    struct weir_builder *b = NULL;
    if (!types) return weir_fail_nomem(err, 0, "cutting a batch");
    for (uint32_t c = 0; c < batch->n_cols; c++) types[c] = batch->col[c].type;
    int rc = weir_builder_new(j->pool[0], (int)batch->n_cols, types, &b, err);
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

struct stream {
    struct stage_run *r, *reader; /* READER: the stage that reads the groups */
    int64_t watermark_us;
    int64_t window_us, offset_us; /* the watermark matters only where it passes a window's end */
};

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

static int close_windows(struct stream *st, struct weir_error *err)
{
    struct push_ctx p = {st->reader, 0};
    int rc = stage_flush(st->r, 0, err);
    if (!rc)
        rc = object_close_windows(st->r->j, st->r->def->output, st->watermark_us, push, &p, err);
    return rc ? rc : stage_flush(st->reader, 0, err);
}

/* Push BATCH in runs of rows between which no window can end, so that whether a row is late depends
   on the rows before it and not on how rows were batched. */
static int push_stream(struct stream *st, struct weir_batch *batch, struct weir_error *err)
{
    const struct weir_column *time = &batch->col[st->r->def->rowtime];
    const int64_t *t = time->values;
    uint32_t from = 0;
    int rc = WEIR_OK;
    for (uint32_t i = 0; !rc && i < batch->n_rows; i++) {
        if (weir_column_is_null(time, i)) continue;
        if (!advance(st, t[i] - st->r->def->watermark_us)) continue;
        struct weir_batch *part = NULL;
        rc = slice(st->r->j, batch, from, i + 1, &part, err);
        if (!rc) rc = stage_push(st->r, 0, part, err);
        weir_batch_unref(part);
        if (!rc) rc = close_windows(st, err);
        from = i + 1;
    }
    if (rc || from == batch->n_rows) return rc;
    struct weir_batch *rest = NULL;
    rc = slice(st->r->j, batch, from, batch->n_rows, &rest, err);
    if (!rc) rc = stage_push(st->r, 0, rest, err);
    weir_batch_unref(rest);
    return rc ? rc : close_windows(st, err);
}

static int run_stream(void *ctx, int slot, struct weir_error *err)
{
    struct stream *st = ctx;
    struct stage_run *r = st->r;
    struct weir_source *src = r->def->source;
    int rc = WEIR_OK;
    for (int split = 0; slot == 0 && !rc && split < r->n_splits; split++) {
        struct weir_reader *reader = NULL;
        rc = src->ops->open_split(src, split, r->def->columns, r->def->n_columns, r->j->pool[0],
                                  &reader, err);
        while (!rc && !job_cancelled(r->j)) {
            struct weir_batch *batch = NULL;
            rc = src->ops->next(reader, stage_batch_rows(r, 0), &batch, err);
            if (rc != 1) break;
            count_rows(r, batch->n_rows);
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

/* ---- the stages in order ---- */

/* The stage that reads OBJECT, when R streams into windows of it and it is ready to run early; NULL
 * otherwise. */
static int find_reader(const struct stage_run *r)
{
    const struct weir_object *o = &r->j->s->object[r->def->output];
    if (r->def->input != WEIR_INPUT_SOURCE || r->def->rowtime < 0) return -1;
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

static int run_streaming_stage(struct stage_run *r, int reader_number, struct weir_error *err)
{
    struct stage_run reader;
    int rc = stage_open(r->j, reader_number, &reader, err);
    const struct weir_object *o = &r->j->s->object[r->def->output];
    struct stream st = {.r = r, .reader = &reader, .watermark_us = INT64_MIN};
    st.window_us = o->window_us;
    st.offset_us = o->window_offset_us;
    if (!rc) rc = weir_workers_run(r->j->o->workers, run_stream, &st, err);
    stage_close(&reader);
    return rc;
}

static int run_stage(struct job *j, int number, struct weir_error *err)
{
    struct stage_run r;
    const struct weir_stage *st = &j->s->stage[number];
    uint64_t start = weir_now_ns(), rows_before = atomic_load(&j->rows_in);
    int rc = stage_open(j, number, &r, err);
    if (!rc && st->input == WEIR_INPUT_SOURCE)
        rc = st->source->ops->plan_splits(st->source, j->n_slots, &r.n_splits, err);
    if (!rc) {
        int reader = find_reader(&r);
        rc = reader >= 0 ? run_streaming_stage(&r, reader, err)
                         : weir_workers_run(j->o->workers, run_slot, &r, err);
    }
    stage_close(&r);
    struct weir_stage_stats *stats = &j->stats->stage[number];
    stats->wall_ns += weir_now_ns() - start;
    if (st->input == WEIR_INPUT_SOURCE) {
        stats->rows_in += atomic_load(&j->rows_in) - rows_before;
        j->stats->rows_skipped += atomic_load(&st->source->skipped);
    }
    weir_stage_text(j->s, number, stats->what, sizeof stats->what);
    if (!rc && j->s->object[st->output].last_writer == number && !job_cancelled(j))
        rc = object_complete(j, st->output, err);
    return rc;
}

/* An object is not needed any more after the last stage that reads or probes it. */
static int last_reader(const struct weir_stages *s, int object)
{
    int last = -1;
    for (int i = 0; i < s->n_stages; i++) {
        const struct weir_stage *st = &s->stage[i];
        if (st->input == WEIR_INPUT_OBJECT && st->object == object) last = i;
        for (uint32_t t = 0; t < st->pipeline->n_tables; t++)
            if (st->table[t] == object) last = i;
    }
    return last;
}

static int run_stages(struct job *j, struct weir_error *err)
{
    int rc = WEIR_OK;
    for (int i = 0; !rc && i < j->s->n_objects; i++) rc = object_open(j, i, err);
    for (int i = 0; !rc && i < j->s->n_stages; i++) {
        if (job_cancelled(j)) break;
        rc = run_stage(j, i, err);
        for (int k = 1; !rc && k < j->s->n_objects; k++)
            if (last_reader(j->s, k) == i) object_close(j, k);
    }
    if (!rc && j->o->cancel && atomic_load(j->o->cancel))
        rc = weir_fail(err, WEIR_ERR_CANCELLED, "cancelled after %llu rows",
                       (unsigned long long)atomic_load(&j->rows_in));
    for (int i = 0; i < j->s->n_objects; i++) object_close(j, i);
    return rc;
}

int weir_exec_run(const struct weir_stages *s, const struct weir_exec_options *options,
                  struct weir_sink *sink, struct weir_stats *stats, struct weir_error *err)
{
    uint64_t start = weir_now_ns();
    struct job j = {.s = s, .o = options, .sink = sink, .stats = stats};
    j.n_slots = weir_workers_count(options->workers);
    j.pool = weir_calloc((size_t)j.n_slots, sizeof *j.pool);
    j.object = weir_calloc((size_t)s->n_objects, sizeof *j.object);
    int rc = WEIR_OK;
    if (!j.pool || !j.object) rc = weir_fail_nomem(err, 0, "starting the query");
    for (int i = 0; !rc && i < j.n_slots; i++) {
        char name[32];
        snprintf(name, sizeof name, "partition %d", i);
        j.pool[i] = weir_pool_new(options->slot_bytes, name);
        if (!j.pool[i]) rc = weir_fail_nomem(err, sizeof *j.pool[i], "starting the query");
    }
    if (!rc) rc = run_stages(&j, err);
    stats->rows_in = atomic_load(&j.rows_in);
    stats->rows_out = atomic_load(&j.rows_out);
    stats->late_groups = atomic_load(&j.late_groups);
    stats->n_slots = j.n_slots;
    for (int i = 0; j.pool && i < j.n_slots && j.pool[i]; i++) {
        stats->peak_bytes += atomic_load(&j.pool[i]->peak);
        weir_pool_release(j.pool[i]);
    }
    stats->wall_ns = weir_now_ns() - start;
    weir_free(j.pool);
    weir_free(j.object);
    return rc;
}

/* ---- describing ---- */

bool weir_pipeline_computes(const struct weir_pipeline *p)
{
    if (p->n_steps != 1 || weir_pipe_last(p)->kind != WEIR_STEP_OUTPUT) return true;
    for (uint32_t i = 0; i < p->n_insns; i++) {
        uint8_t op = weir_pipe_insn(p)[i].op;
        if (op != WEIR_OP_COLUMN && op != WEIR_OP_CONST) return true;
    }
    return false;
}

void weir_stage_text(const struct weir_stages *s, int stage, char *buf, size_t size)
{
    static const char *const object[] = {"result", "build", "groups", "sort"};
    static const char *const join[] = {"join", "left join", "semi join", "anti join", "anti join"};
    const struct weir_stage *st = &s->stage[stage];
    struct weir_buf b = {0};
    if (st->input == WEIR_INPUT_SOURCE)
        weir_buf_printf(&b, "scan %s", st->source->name);
    else if (st->input == WEIR_INPUT_BATCH)
        weir_buf_puts(&b, "values");
    else
        weir_buf_puts(&b, s->object[st->object].kind == WEIR_OBJECT_GROUPS ? "read groups"
                                                                           : "read sorted");
    for (uint32_t i = 0; i < st->pipeline->n_steps; i++) {
        const struct weir_step *step = weir_pipe_step(st->pipeline) + i;
        switch (step->kind) {
        case WEIR_STEP_FILTER: weir_buf_puts(&b, " -> filter"); break;
        case WEIR_STEP_PROBE: weir_buf_printf(&b, " -> %s", join[step->join]); break;
        case WEIR_STEP_EXPAND: weir_buf_puts(&b, " -> windows"); break;
        case WEIR_STEP_AGGREGATE: weir_buf_puts(&b, " -> aggregate"); break;
        default:
            weir_buf_printf(&b, "%s -> %s",
                            weir_pipeline_computes(st->pipeline) ? " -> project" : "",
                            object[s->object[st->output].kind]);
        }
    }
    snprintf(buf, size, "%s", b.data ? b.data : "");
    weir_buf_release(&b);
}
