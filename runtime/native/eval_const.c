/* A constant expression by itself: a pipeline of one OUTPUT over a batch of one row without
 * columns.
 */
#include <string.h>

#include "runtime/native/eval_internal.h"

struct taken {
    struct weir_arena *arena;
    struct weir_value *out;
};

static int take(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct taken *t = ctx;
    *t->out = weir_column_value(&batch->col[0], 0);
    if (t->out->is_null || weir_type_phys(t->out->type) != WEIR_PHYS_STR) return WEIR_OK;
    t->out->s.data = weir_arena_strndup(t->arena, t->out->s.data, t->out->s.len);
    return t->out->s.data ? WEIR_OK : weir_fail_nomem(err, t->out->s.len, "a constant");
}

static int build(const struct weir_expr *e, struct weir_pipeline **p, struct weir_error *err)
{
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    if (!b) return weir_fail_nomem(err, 0, "a constant");
    uint32_t reg = weir_pipe_emit_expr(b, e, NULL);
    struct weir_step step = {.kind = WEIR_STEP_OUTPUT, .n = 1, .residual = WEIR_REG_NONE};
    step.first = weir_pipe_add_operands(b, &reg, 1);
    weir_pipe_add_step(b, &step);
    int rc = weir_pipe_finish(b, p, err);
    weir_pipe_builder_free(b);
    return rc;
}

int weir_eval_const(struct weir_arena *a, const struct weir_expr *e, int64_t now_us,
                    struct weir_value *out, struct weir_error *err)
{
    struct weir_pipeline *p = NULL;
    struct weir_eval *ev = NULL;
    struct weir_batch *row = NULL;
    struct taken taken = {a, out};
    struct weir_native_sink sink = {.emit = take, .ctx = &taken};
    int rc = build(e, &p, err);
    if (!rc) rc = weir_batch_new(1, 0, &row, err);
    if (!rc) rc = weir_eval_new(p, NULL, NULL, &sink, now_us, &ev, err);
    if (!rc) rc = weir_eval_batch(ev, row, err);
    if (!rc) rc = weir_eval_finish(ev, err);
    weir_eval_free(ev);
    weir_batch_unref(row);
    weir_free(p);
    return rc;
}
