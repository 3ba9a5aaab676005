/* The public API: weir.h over the engine. */
#include <pthread.h>
#include <string.h>
#include <weir/weir.h>

#include "host/engine/engine.h"
#include "host/engine/memory_table.h"
#include "runtime/column/arrow.h"

const char *weir_version(void)
{
    return WEIR_VERSION;
}

int weir_open(const struct weir_options *options, struct weir_engine **out, struct weir_error *err)
{
    struct weir_engine_options o = {0};
    if (options) {
        o.device = options->device;
        o.partitions = options->partitions;
        o.slot_bytes = options->slot_bytes;
        o.batch_rows = options->batch_rows;
        o.no_bind = options->no_bind != 0;
    }
    return weir_engine_new(&o, out, err);
}

void weir_close(struct weir_engine *engine)
{
    weir_engine_free(engine);
}

void weir_cancel(struct weir_engine *engine)
{
    atomic_store(&engine->cancel, true);
}

const char *weir_statistics(struct weir_engine *engine)
{
    return engine->report.data ? engine->report.data : "[]";
}

void weir_free_text(char *text)
{
    weir_free(text);
}

/* Every call starts clean: not cancelled, no statistics of the call before. */
static int run(struct weir_engine *e, const char *sql, const char *file_name,
               const struct weir_engine_output *output, struct weir_error *err)
{
    weir_buf_release(&e->stats);
    int rc = weir_engine_run(e, sql, strlen(sql), file_name ? file_name : "sql", output, err);
    atomic_store(&e->cancel, false);
    weir_buf_release(&e->report);
    weir_buf_printf(&e->report, "[%s]", e->stats.data ? e->stats.data : "");
    return rc;
}

/* ---- sinks ---- */

/* Rows of the query that came last; what earlier ones gave is dropped. */
struct rows {
    pthread_mutex_t mutex;
    struct weir_batch **batch;
    size_t n, cap, read;
    struct weir_arena arena;
    struct weir_schema schema;
    const struct weir_row_handler *handler; /* instead of keeping: hand on */
    bool any;
};

struct row_sink {
    struct weir_sink base;
    struct rows *rows; /* NULL: drop */
};

static int sink_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    (void)n_slots;
    struct rows *r = ((struct row_sink *)s)->rows;
    if (!r || !r->handler) return WEIR_OK;
    struct ArrowSchema schema;
    int rc = weir_arrow_export_schema(&s->schema, &schema, err);
    if (rc) return rc;
    rc = r->handler->schema(r->handler->ctx, &schema);
    return rc < 0 ? weir_fail(err, rc, "the caller's schema handler stopped the query") : WEIR_OK;
}

static int keep(struct rows *r, const struct weir_batch *batch, struct weir_error *err)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct weir_batch **p = weir_realloc(r->batch, cap * sizeof *p);
        if (!p) return weir_fail_nomem(err, cap * sizeof *p, "keeping the result");
        r->batch = p;
        r->cap = cap;
    }
    r->batch[r->n++] = weir_batch_ref((struct weir_batch *)batch);
    return WEIR_OK;
}

static int hand_on(struct rows *r, const struct weir_batch *batch, struct weir_error *err)
{
    struct ArrowArray array;
    int rc = weir_arrow_export_batch((struct weir_batch *)batch, &array, err);
    if (rc) return rc;
    rc = r->handler->batch(r->handler->ctx, &array);
    return rc < 0 ? weir_fail(err, rc, "the caller's row handler stopped the query") : WEIR_OK;
}

static int sink_write(struct weir_sink *s, int slot, const struct weir_batch *batch,
                      struct weir_error *err)
{
    (void)slot;
    struct rows *r = ((struct row_sink *)s)->rows;
    if (!r) return WEIR_OK;
    pthread_mutex_lock(&r->mutex);
    int rc = r->handler ? hand_on(r, batch, err) : keep(r, batch, err);
    pthread_mutex_unlock(&r->mutex);
    return rc;
}

static int sink_commit(struct weir_sink *s, struct weir_error *err)
{
    (void)s, (void)err;
    return WEIR_OK;
}
static void sink_abort(struct weir_sink *s)
{
    (void)s;
}
static void sink_free(struct weir_sink *s)
{
    weir_free(s);
}

static const struct weir_sink_ops row_ops = {.open = sink_open,
                                             .write = sink_write,
                                             .commit = sink_commit,
                                             .abort = sink_abort,
                                             .free = sink_free};

static void drop_batches(struct rows *r)
{
    for (size_t i = r->read; i < r->n; i++) weir_batch_unref(r->batch[i]);
    r->n = r->read = 0;
}

static int copy_schema(struct rows *r, const struct weir_schema *schema)
{
    weir_arena_reset(&r->arena);
    r->schema.n = schema->n;
    r->schema.field = weir_arena_alloc(&r->arena, sizeof *schema->field * (size_t)schema->n);
    for (int i = 0; r->schema.field && i < schema->n; i++) {
        r->schema.field[i] = schema->field[i];
        r->schema.field[i].name =
            weir_arena_strndup(&r->arena, schema->field[i].name, strlen(schema->field[i].name));
        if (!r->schema.field[i].name) return WEIR_ERR_NOMEM;
    }
    return r->schema.field ? WEIR_OK : WEIR_ERR_NOMEM;
}

static int make_sink(void *ctx, const struct weir_schema *schema, bool streaming,
                     struct weir_sink **out, struct weir_error *err)
{
    (void)streaming;
    struct rows *r = ctx;
    struct row_sink *s = weir_calloc(1, sizeof *s);
    if (!s) return weir_fail_nomem(err, sizeof *s, "taking rows");
    s->base.ops = &row_ops;
    s->base.name = "result";
    s->base.schema = *schema; /* lives as long as the statement, as the sink does */
    s->rows = r;
    if (r) {
        drop_batches(r);
        r->any = true;
        if (copy_schema(r, schema)) {
            weir_free(s);
            return weir_fail_nomem(err, 0, "taking rows");
        }
    }
    *out = &s->base;
    return WEIR_OK;
}

static void rows_free(void *ctx)
{
    struct rows *r = ctx;
    if (!r) return;
    drop_batches(r);
    weir_free(r->batch);
    weir_arena_release(&r->arena);
    pthread_mutex_destroy(&r->mutex);
    weir_free(r);
}

static struct rows *rows_new(void)
{
    struct rows *r = weir_calloc(1, sizeof *r);
    if (!r) return NULL;
    pthread_mutex_init(&r->mutex, NULL);
    weir_arena_init(&r->arena);
    return r;
}

static int next_batch(void *ctx, struct weir_batch **out, struct weir_error *err)
{
    (void)err;
    struct rows *r = ctx;
    if (r->read == r->n) return 0;
    *out = r->batch[r->read++];
    return 1;
}

/* ---- calls ---- */

int weir_execute(struct weir_engine *engine, const char *sql, const char *file_name,
                 struct weir_error *err)
{
    const struct weir_engine_output output = {.rows = make_sink};
    return run(engine, sql, file_name, &output, err);
}

int weir_query(struct weir_engine *engine, const char *sql, struct ArrowArrayStream *out,
               struct weir_error *err)
{
    struct rows *r = rows_new();
    if (!r) return weir_fail_nomem(err, sizeof *r, "taking rows");
    const struct weir_engine_output output = {.ctx = r, .rows = make_sink};
    int rc = run(engine, sql, NULL, &output, err);
    if (!rc && !r->any)
        rc = weir_fail(err, WEIR_ERR_INVALID, "the SQL has no query that gives rows");
    if (!rc) rc = weir_arrow_export_stream(&r->schema, next_batch, rows_free, r, out, err);
    if (rc) rows_free(r);
    return rc;
}

int weir_query_rows(struct weir_engine *engine, const char *sql,
                    const struct weir_row_handler *handler, struct weir_error *err)
{
    struct rows *r = rows_new();
    if (!r) return weir_fail_nomem(err, sizeof *r, "taking rows");
    r->handler = handler;
    const struct weir_engine_output output = {.ctx = r, .rows = make_sink};
    int rc = run(engine, sql, NULL, &output, err);
    rows_free(r);
    return rc;
}

int weir_register_stream(struct weir_engine *engine, const char *name,
                         struct ArrowArrayStream *stream, struct weir_error *err)
{
    struct weir_source *source = NULL;
    int rc = weir_memory_table_new(name, stream, &source, err);
    if (!rc) rc = weir_catalog_register(&engine->catalog, name, source, err);
    if (rc && source) source->ops->free(source);
    return rc;
}

int weir_explain(struct weir_engine *engine, const char *sql, int json, char **out,
                 struct weir_error *err)
{
    struct weir_buf b = {0};
    int rc = weir_engine_explain(engine, sql, strlen(sql), "sql", json != 0, &b, err);
    weir_buf_add(&b, "", 0);
    if (!rc && b.oom) rc = weir_fail_nomem(err, b.len, "explaining");
    if (rc)
        weir_buf_release(&b);
    else
        *out = b.data;
    return rc;
}
