/* Running a query: stage by stage, each on all slots at once.

   A stage over a source hands out splits: a slot takes the next one, reads it to its end and pushes
   its batches through the pipeline, so the rows of a split stay on one slot until partial results
   are merged. Only the slots of the table's stream read it. After the last writer of an object the slots complete it together; later stages read
   it. Windows over a streaming source are run differently: see stream.c. */
#include "runtime/exec/exec.h"

#include <stdio.h>
#include <string.h>

#include "runtime/exec/exec_impl.h"

static int push(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct stage_slot *p = ctx;
    return stage_push(p->r, p->slot, batch, err);
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
        stage_count_rows(r, batch->n_rows);
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
    struct stage_slot p = {r, slot};
    int rc = WEIR_OK;
    switch (r->def->input) {
    case WEIR_INPUT_SOURCE:
        if (slot < r->stream->first_slot || slot >= r->stream->first_slot + r->stream->n_slots)
            return WEIR_OK;
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

/* ---- the stages in order ---- */

static int run_stage(struct job *j, int number, struct weir_error *err)
{
    struct stage_run r;
    const struct weir_stage *st = &j->s->stage[number];
    uint64_t start = weir_now_ns(), rows_before = atomic_load(&j->rows_in);
    int rc = stage_open(j, number, &r, err);
    if (!rc && st->input == WEIR_INPUT_SOURCE)
        rc = st->source->ops->plan_splits(st->source, r.stream->n_slots, &r.n_splits, err);
    if (!rc) {
        int reader = stream_reader(&r);
        rc = reader >= 0 ? stream_run(&r, reader, err)
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

static void tell_owner(void *ctx, void *addr, size_t size)
{
    const struct pool_owner *owner = ctx;
    owner->o->allocated(owner->o->allocated_ctx, owner->slot, addr, size);
}

static int open_pools(struct job *j, int stream, struct weir_error *err)
{
    const struct weir_exec_stream *st = &j->o->stream[stream];
    char name[sizeof((struct weir_pool *)0)->own_name];
    for (int i = 0; i < st->n_slots; i++) {
        snprintf(name, sizeof name, "stream %.60s, slot %d,", st->name, st->first_slot + i);
        struct weir_pool *pool = weir_pool_new(st->slot_bytes, name);
        if (!pool) return weir_fail_nomem(err, sizeof *pool, "starting the query");
        struct pool_owner *owner = &j->owner[st->first_slot + i];
        *owner = (struct pool_owner){j->o, st->first_slot + i};
        if (j->o->allocated) pool->bind = tell_owner;
        pool->bind_ctx = owner;
        j->pool[st->first_slot + i] = pool;
    }
    return WEIR_OK;
}

int weir_exec_run(const struct weir_stages *s, const struct weir_exec_options *options,
                  struct weir_sink *sink, struct weir_stats *stats, struct weir_error *err)
{
    uint64_t start = weir_now_ns();
    struct job j = {.s = s, .o = options, .sink = sink, .stats = stats};
    j.n_slots = weir_workers_count(options->workers);
    j.pool = weir_calloc((size_t)j.n_slots, sizeof *j.pool);
    j.owner = weir_calloc((size_t)j.n_slots, sizeof *j.owner);
    j.object = weir_calloc((size_t)s->n_objects, sizeof *j.object);
    int rc = WEIR_OK;
    if (!j.pool || !j.owner || !j.object) rc = weir_fail_nomem(err, 0, "starting the query");
    for (int k = 0; !rc && k < options->n_streams; k++) rc = open_pools(&j, k, err);
    if (!rc) rc = run_stages(&j, err);
    stats->rows_in = atomic_load(&j.rows_in);
    stats->rows_out = atomic_load(&j.rows_out);
    stats->late_rows = atomic_load(&j.late_rows);
    stats->n_slots = j.n_slots;
    for (int i = 0; j.pool && i < j.n_slots && j.pool[i]; i++) {
        stats->peak_bytes += atomic_load(&j.pool[i]->peak);
        j.pool[i]->bind = NULL; /* nothing is made under it any more */
        weir_pool_release(j.pool[i]);
    }
    stats->wall_ns = weir_now_ns() - start;
    weir_free(j.pool);
    weir_free(j.owner);
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

/* What the rows of an object are, as EXPLAIN calls it. */
static const char *object_name(const struct weir_object *o)
{
    static const char *const name[] = {"result", "build", "groups", "sort"};
    return o->kind == WEIR_OBJECT_SORT && o->spool ? "spool" : name[o->kind];
}

void weir_stage_text(const struct weir_stages *s, int stage, char *buf, size_t size)
{
    static const char *const join[] = {"join", "left join", "semi join", "anti join", "anti join"};
    const struct weir_stage *st = &s->stage[stage];
    struct weir_buf b = {0};
    if (st->input == WEIR_INPUT_SOURCE)
        weir_buf_printf(&b, "scan %s", st->source->name);
    else if (st->input == WEIR_INPUT_BATCH)
        weir_buf_puts(&b, "values");
    else
        weir_buf_puts(&b, s->object[st->object].kind == WEIR_OBJECT_GROUPS ? "read groups"
                          : s->object[st->object].spool                    ? "read spool"
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
                            object_name(&s->object[st->output]));
        }
    }
    snprintf(buf, size, "%s", b.data ? b.data : "");
    weir_buf_release(&b);
}
