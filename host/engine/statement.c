/* Statements, one after another: parse, bind, optimize, lower, run into the caller's rows or the
 * table's sink. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "host/engine/engine.h"
#include "host/engine/not_null.h"
#include "host/engine/settings.h"
#include "host/engine/slots.h"
#include "host/sql/parse.h"

struct session {
    struct weir_engine *e;
    const char *file_name;
    const struct weir_engine_output *output;
    struct weir_arena arena; /* of the statement */
    struct weir_error *err;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

double engine_expected_seconds(const struct weir_stages *stages, int stream, int n_slots)
{
    double sum = 0;
    for (int i = 0; i < stages->n_stages; i++) {
        const struct weir_source *s = stages->stage[i].source;
        if (stages->stage[i].input != WEIR_INPUT_SOURCE || s->stream != stream) continue;
        if (s->est_rows >= 0)
            sum += (double)s->est_rows * 20e-9;
        else if (s->est_bytes)
            sum += (double)s->est_bytes / 100e6;
        else
            return -1;
    }
    return sum / n_slots;
}

static void keep_stats(struct weir_engine *e, const struct weir_stats *stats)
{
    if (e->stats.len) weir_buf_puts(&e->stats, ",\n");
    weir_stats_json(stats, &e->stats);
}

/* A job: a plan with a place to run in. */
struct run {
    struct weir_stages stages;
    struct weir_slots *slots; /* the engine's */
    struct weir_stats stats;
    struct weir_buf placement; /* JSON, for the statistics */
};

static void tell_place(struct session *s, struct weir_slots *slots)
{
    struct weir_buf b = {0};
    if (!slots->exclusive || slots->told || !s->output->placed) return;
    slots->told = true;
    weir_slots_line(slots, &b);
    if (b.data) s->output->placed(s->output->ctx, b.data);
    weir_buf_release(&b);
}

/* Slots, the devices of each stream, statistics. */
static int prepare_run(struct session *s, struct run *r, struct weir_node *root)
{
    root = weir_plan_optimize(&s->arena, root);
    if (!root) return weir_fail_nomem(s->err, 0, "optimizing the plan");
    int rc = weir_stages_lower(&s->arena, root, &r->stages, s->err);
    if (!rc) rc = engine_slots(s->e, &r->stages, s->file_name, true, &r->slots, s->err);
    if (!rc) rc = weir_slots_enter(r->slots, s->err);
    if (!rc) rc = engine_devices(s->e, &s->arena, &r->stages, r->slots, s->err);
    if (rc) return rc;
    tell_place(s, r->slots);
    weir_slots_json(r->slots, &r->placement);
    if (weir_stats_init(&r->stats, r->stages.n_stages))
        return weir_fail_nomem(s->err, 0, "statistics");
    r->stats.placement = r->placement.data;
    return WEIR_OK;
}

static void note_memory(void *lease, int slot, void *addr, size_t size)
{
    weir_topo_lease_note_memory(lease, (uint32_t)slot, addr, size);
}

static bool streams(const struct weir_bound *b)
{
    for (int i = 0; i < b->n_sources; i++)
        if (b->source[i]->streaming) return true;
    return false;
}

/* No NULL gets into a table's NOT NULL columns. A stream that is cancelled has given rows that are
   final: they are kept. */
static int execute(struct session *s, struct run *r, struct weir_sink *sink,
                   const struct weir_bound *bound)
{
    bool enforce = bound->kind == WEIR_BOUND_INSERT;
    struct weir_engine *e = s->e;
    const char *enforcer = weir_catalog_get(&e->catalog, "table.exec.sink.not-null-enforcer");
    struct engine_not_null guard = {.dropped = 0};
    if (enforce) sink = engine_not_null(&guard, sink, enforcer && !strcasecmp(enforcer, "drop"));
    const char *rows = weir_catalog_get(&e->catalog, "weir.batch-rows");
    struct weir_exec_options o = {.workers = r->slots->workers,
                                  .stream = r->slots->stream,
                                  .n_streams = r->slots->n_streams,
                                  .batch_rows = rows ? (uint32_t)atoi(rows) : 0,
                                  .now_us = now_us(),
                                  .allocated_ctx = r->slots->lease,
                                  .cancel = &e->cancel,
                                  .trace = e->trace,
                                  .rows_read = &e->rows_read};
    if (r->slots->lease) o.allocated = note_memory;
    if (e->options.batch_rows) o.batch_rows = e->options.batch_rows;
    atomic_store(&e->rows_read, 0);
    int rc = sink->ops->open(sink, r->slots->n, s->err);
    if (!rc) rc = weir_exec_run(&r->stages, &o, sink, &r->stats, s->err);
    r->stats.rows_dropped = atomic_load(&guard.dropped);
    r->stats.rows_out -= r->stats.rows_dropped;
    bool keep = !rc || (rc == WEIR_ERR_CANCELLED && streams(bound));
    int committed = keep ? sink->ops->commit(sink, rc ? NULL : s->err) : rc;
    if (committed) sink->ops->abort(sink);
    return rc ? rc : committed;
}

/* Run ROOT into SINK: commit on success (and for a stream that was stopped), abort otherwise. Takes
   no ownership. */
static int run_plan(struct session *s, const struct weir_bound *bound, struct weir_node *root,
                    struct weir_sink *sink)
{
    struct run r = {0};
    int rc = prepare_run(s, &r, root);
    if (!rc) rc = execute(s, &r, sink, bound);
    if (r.slots) weir_slots_leave(r.slots);
    if (r.stats.stage) {
        keep_stats(s->e, &r.stats);
        if (s->output->done) s->output->done(s->output->ctx, bound, &r.stats);
    }
    weir_stats_release(&r.stats);
    weir_stages_release(&r.stages);
    weir_buf_release(&r.placement);
    return rc;
}

/* Rows of one STRING column, a line each, as a query's result. */
static int show_lines(struct session *s, const char *column, const char *text)
{
    struct weir_field field = {column, weir_type_string()};
    struct weir_schema schema = {1, &field};
    struct weir_builder *b = NULL;
    struct weir_batch *batch = NULL;
    struct weir_sink *sink = NULL;
    int rc = weir_builder_new(NULL, 1, &field.type, &b, s->err);
    while (!rc && *text) {
        size_t n = strcspn(text, "\n");
        weir_builder_str(b, 0, text, n);
        text += n + (text[n] == '\n');
    }
    if (!rc) rc = weir_builder_finish(b, &batch, s->err);
    if (!rc) rc = s->output->rows(s->output->ctx, &schema, false, &sink, s->err);
    if (!rc) rc = sink->ops->open(sink, 1, s->err);
    if (!rc) rc = sink->ops->write(sink, 0, batch, s->err);
    if (!rc) rc = sink->ops->commit(sink, s->err);
    if (rc && sink) sink->ops->abort(sink);
    if (sink) sink->ops->free(sink);
    weir_batch_unref(batch);
    weir_builder_free(b);
    return rc;
}

static int explain_bound(struct session *s, const struct weir_bound *b, bool json,
                         struct weir_buf *out)
{
    int rc = WEIR_OK;
    if (b->kind == WEIR_BOUND_QUERY)
        return engine_explain_node(s->e, &s->arena, b->root, s->file_name, json, out, s->err);
    for (int i = 0; !rc && i < b->n_inserts; i++) {
        if (json)
            weir_buf_puts(out, i ? ",\n" : "");
        else
            weir_buf_printf(out, "== INSERT INTO %s ==\n", b->insert[i].table);
        rc = engine_explain_node(s->e, &s->arena, b->insert[i].root, s->file_name, json, out,
                                 s->err);
    }
    return rc;
}

/* INSERTs run one after another: one that never ends keeps those behind it from starting. */
static int check_ends(struct session *s, const struct weir_bound *b)
{
    for (int i = 0; b->n_inserts > 1 && i < b->n_sources; i++)
        if (!b->source[i]->bounded)
            return weir_fail(
                s->err, WEIR_ERR_UNSUPPORTED,
                "%s: table %s never ends, and the %d INSERTs of a STATEMENT SET run one "
                "after another; run each as a job of its own, or bound the table "
                "('number-of-rows')",
                s->file_name, b->source[i]->name, b->n_inserts);
    return WEIR_OK;
}

static int run_bound(struct session *s, const struct weir_bound *b)
{
    int rc = WEIR_OK;
    if (b->explain) {
        struct weir_buf text = {0};
        rc = explain_bound(s, b, false, &text);
        if (!rc) rc = show_lines(s, "plan", text.data ? text.data : "");
        weir_buf_release(&text);
        return rc;
    }
    if (b->kind == WEIR_BOUND_QUERY) {
        struct weir_sink *sink = NULL;
        rc = s->output->rows(s->output->ctx, &b->root->schema, streams(b), &sink, s->err);
        if (!rc) rc = run_plan(s, b, b->root, sink);
        if (sink) sink->ops->free(sink);
    }
    if (!rc) rc = check_ends(s, b);
    for (int i = 0; !rc && b->kind == WEIR_BOUND_INSERT && i < b->n_inserts; i++)
        rc = run_plan(s, b, b->insert[i].root, b->insert[i].sink);
    if (!rc && b->kind == WEIR_BOUND_DONE && s->output->done)
        s->output->done(s->output->ctx, b, NULL);
    return rc;
}

static void set_running(struct weir_engine *e, const struct weir_bound *b)
{
    pthread_mutex_lock(&e->mutex);
    e->running = b;
    pthread_mutex_unlock(&e->mutex);
}

/* Parse SQL and hand each bound statement to VISIT. */
static int each_statement(struct session *s, const char *sql, size_t len,
                          int (*visit)(struct session *s, const struct weir_bound *b, void *ctx),
                          void *ctx)
{
    struct weir_arena script_arena;
    struct weir_ast_script script;
    const struct weir_bind_callbacks callbacks = {.ctx = s->e,
                                                  .open_source = engine_open_source,
                                                  .open_sink = engine_open_sink,
                                                  .check_setting = engine_check_setting};
    weir_arena_init(&script_arena);
    weir_arena_init(&s->arena);
    int rc = weir_sql_parse(sql, len, s->file_name, &script_arena, &script, s->err);
    for (size_t i = 0; !rc && i < script.n; i++) {
        struct weir_bound bound = {0};
        if (atomic_load(&s->e->cancel)) {
            rc = weir_fail(s->err, WEIR_ERR_CANCELLED, "cancelled before statement %zu of %zu",
                           i + 1, (size_t)script.n);
            break;
        }
        rc = weir_bind_statement(&s->e->catalog, script.stmts[i], s->file_name, &s->arena,
                                 &callbacks, &bound, s->err);
        if (!rc) {
            set_running(s->e, &bound);
            rc = visit(s, &bound, ctx);
            set_running(s->e, NULL);
            weir_bound_release(&bound);
        }
        weir_arena_reset(&s->arena);
    }
    weir_arena_release(&s->arena);
    weir_arena_release(&script_arena);
    return rc;
}

static int visit_run(struct session *s, const struct weir_bound *b, void *ctx)
{
    (void)ctx;
    return run_bound(s, b);
}

int weir_engine_run(struct weir_engine *e, const char *sql, size_t len, const char *file_name,
                    const struct weir_engine_output *output, struct weir_error *err)
{
    struct session s = {.e = e, .file_name = file_name, .output = output, .err = err};
    return each_statement(&s, sql, len, visit_run, NULL);
}

struct explaining {
    bool json;
    int n;
    struct weir_buf *out;
};

static int visit_explain(struct session *s, const struct weir_bound *b, void *ctx)
{
    struct explaining *x = ctx;
    if (b->kind == WEIR_BOUND_DONE) return WEIR_OK;
    if (x->n++) weir_buf_puts(x->out, x->json ? ",\n" : "\n");
    return explain_bound(s, b, x->json, x->out);
}

int weir_engine_explain(struct weir_engine *e, const char *sql, size_t len, const char *file_name,
                        bool json, struct weir_buf *out, struct weir_error *err)
{
    static const struct weir_engine_output none;
    struct session s = {.e = e, .file_name = file_name, .output = &none, .err = err};
    struct explaining x = {json, 0, out};
    if (json) weir_buf_puts(out, "[");
    int rc = each_statement(&s, sql, len, visit_explain, &x);
    if (json) weir_buf_puts(out, "]\n");
    return rc;
}
