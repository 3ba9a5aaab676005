/* The native backend: the interpreter of runtime/native behind the backend table. Nothing to
 * prepare, nothing it cannot do. */
#include <time.h>

#include "runtime/place/backend.h"

struct weir_prepared {
    const struct weir_pipeline *pipeline;
    const struct weir_join_table *const *tables;
};

struct weir_run {
    struct weir_eval *eval;
    struct weir_run_stats stats;
};

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int supports(const struct weir_backend *b, const struct weir_pipeline *p, char *why,
                    size_t why_size)
{
    (void)b, (void)p, (void)why, (void)why_size;
    return 1;
}

static int prepare(struct weir_backend *b, const struct weir_pipeline *p,
                   const struct weir_join_table *const *tables, struct weir_prepared **out,
                   struct weir_error *err)
{
    (void)b;
    struct weir_prepared *q = weir_malloc(sizeof *q);
    if (!q) return weir_fail_nomem(err, sizeof *q, "preparing a pipeline");
    q->pipeline = p;
    q->tables = tables;
    *out = q;
    return WEIR_OK;
}

static void release(struct weir_prepared *q)
{
    weir_free(q);
}

static int open_run(struct weir_prepared *q, const struct weir_run_sink *sink,
                    struct weir_pool *pool, int64_t now_us, struct weir_run **out,
                    struct weir_error *err)
{
    struct weir_run *r = weir_calloc(1, sizeof *r);
    if (!r) return weir_fail_nomem(err, sizeof *r, "starting a pipeline");
    int rc = weir_eval_new(q->pipeline, q->tables, pool, &sink->out, now_us, &r->eval, err);
    if (rc) {
        weir_free(r);
        return rc;
    }
    *out = r;
    return WEIR_OK;
}

static int submit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    uint64_t start = thread_ns();
    int rc = weir_eval_batch(r->eval, batch, err);
    r->stats.busy_ns += thread_ns() - start;
    r->stats.batches++;
    r->stats.rows_in += batch->n_rows;
    return rc;
}

static int finish(struct weir_run *r, struct weir_error *err)
{
    return weir_eval_finish(r->eval, err);
}

static void stats(const struct weir_run *r, struct weir_run_stats *out)
{
    *out = r->stats;
    out->step_rows = weir_eval_step_rows(r->eval);
}

static void close_run(struct weir_run *r)
{
    if (!r) return;
    weir_eval_free(r->eval);
    weir_free(r);
}

static void free_backend(struct weir_backend *b)
{
    (void)b;
}

static const struct weir_backend_ops native_ops = {
    .kind = WEIR_BACKEND_NATIVE,
    .supports = supports,
    .prepare = prepare,
    .release = release,
    .open = open_run,
    .submit = submit,
    .finish = finish,
    .stats = stats,
    .close = close_run,
    .free = free_backend,
};

struct weir_backend *weir_backend_native(void)
{
    static struct weir_backend native = {.ops = &native_ops,
                                         .name = "native",
                                         .device = "C operators",
                                         .batch_rows = WEIR_BATCH_ROWS,
                                         .shares_cpu = true};
    return &native;
}
