/* The native interpreter of pipelines.

   eval_new compiles the descriptor: every instruction gets a vector function (eval_op.c and the
   eval_<family>.c it leads to), constants are computed once, and the steps become a tree of stages
   (eval_plan.c). A batch is pushed through in vectors of WEIR_VECTOR rows. A stage computes its
   registers over all its rows and runs its step, which passes rows on to the next stage: a filter
   those that it selected, a probe pairs in chunks, so stages call each other recursively
   (eval_filter.c, eval_probe.c) down to the output (eval_output.c) or the group table.

   Every set of rows is dense. When a step drops rows, the registers that are needed later are
   compacted; columns are not loaded before the first stage that needs them, through the composed
   selection (eval_column.c). An error is a state of a value until a step must act on it; then the
   row alone is evaluated again to find out where the error arose (eval_error.c). */
#include <stdatomic.h>
#include <string.h>

#include "runtime/native/eval_internal.h"

struct block {
    struct block *next;
};

void *eval_alloc(struct weir_eval *ev, size_t size)
{
    struct block *b = weir_malloc_aligned(64 + size);
    if (!b) return NULL;
    b->next = ev->blocks;
    ev->blocks = b;
    memset(b + 1, 0, 64 - sizeof *b + size);
    return (char *)b + 64;
}

static uint64_t fresh_seed(int64_t now_us)
{
    static atomic_uint_fast64_t runs;
    return (uint64_t)now_us * 0x9e3779b97f4a7c15u + atomic_fetch_add(&runs, 1);
}

int weir_eval_new(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
                  struct weir_pool *pool, const struct weir_native_sink *sink, int64_t now_us,
                  struct weir_eval **out, struct weir_error *err)
{
    struct weir_eval *ev = weir_calloc(1, sizeof *ev);
    if (!ev) return weir_fail_nomem(err, sizeof *ev, "starting an interpreter");
    ev->p = p;
    ev->tables = tables;
    ev->pool = pool;
    ev->sink = *sink;
    ev->now_us = now_us;
    ev->random = fresh_seed(now_us);
    weir_arena_init(&ev->arena);
    int rc = eval_plan(ev, err);
    if (!rc && weir_pipe_last(p)->kind == WEIR_STEP_OUTPUT) rc = eval_output_new(ev, err);
    if (rc) {
        weir_eval_free(ev);
        return rc;
    }
    *out = ev;
    return WEIR_OK;
}

void weir_eval_free(struct weir_eval *ev)
{
    if (!ev) return;
    eval_output_free(ev);
    scratch_free(&ev->scratch);
    while (ev->blocks) {
        struct block *b = ev->blocks;
        ev->blocks = b->next;
        weir_free(b);
    }
    weir_arena_release(&ev->arena);
    weir_free(ev);
}

const uint64_t *weir_eval_step_rows(const struct weir_eval *ev)
{
    return ev->step_rows;
}

/* ---- one instruction ---- */

int eval_run_op(struct weir_eval *ev, struct eval_stage *s, uint32_t reg)
{
    const struct eval_op *op = &ev->op[reg];
    struct stage_reg *r = &s->reg[reg];
    r->v = (struct weir_vec){.type = op->insn->type, .data = r->data};
    if (op->insn->op == WEIR_OP_COLUMN) return eval_load_column(ev, s, reg);
    if (op->insn->op == WEIR_OP_EXPAND) {
        memcpy(r->data, s->ord[op->insn->a], s->n * sizeof(int64_t));
        return WEIR_OK;
    }
    const struct weir_vec *arg[WEIR_INSN_MAX_ARGS];
    for (uint32_t k = 0; k < op->n_args; k++)
        arg[k] = op->flat ? eval_flat_reg(ev, s, op->arg[k]) : eval_reg(ev, s, op->arg[k]);
    return op->fn(ev, op, s->n, arg, &r->v, r->st);
}

/* ---- stages ---- */

/* The rows of TO are the rows SEL[0..n) of S, or all N of them. */
static void enter(struct weir_eval *ev, const struct eval_stage *s, struct eval_stage *to,
                  const uint32_t *sel, uint32_t n)
{
    to->n = n;
    to->base = s->base;
    to->row = s->row;
    if (sel) {
        for (uint32_t i = 0; i < n; i++)
            to->row_buf[i] = s->row ? s->row[sel[i]] : s->base + sel[i];
        to->row = to->row_buf;
    }
    for (uint32_t k = 0; k < ev->p->n_tables; k++) {
        to->build[k] = s->build[k];
        if (!sel || !s->build[k]) continue;
        for (uint32_t i = 0; i < n; i++) to->build_buf[k][i] = s->build[k][sel[i]];
        to->build[k] = to->build_buf[k];
    }
    for (uint32_t k = 0; k < ev->p->n_steps; k++) {
        to->ord[k] = s->ord[k];
        if (!sel || !s->ord[k]) continue;
        for (uint32_t i = 0; i < n; i++) to->ord_buf[k][i] = s->ord[k][sel[i]];
        to->ord[k] = to->ord_buf[k];
    }
    for (uint32_t k = 0; k < to->n_carry; k++) {
        uint32_t r = to->carry[k];
        if (sel)
            eval_gather(&to->reg[r].v, &to->reg[r], &s->reg[r].v, sel, n);
        else
            to->reg[r].v = s->reg[r].v;
    }
}

struct eval_stage *eval_enter(struct weir_eval *ev, const struct eval_stage *s, uint32_t to,
                              const uint32_t *sel, uint32_t n)
{
    enter(ev, s, &ev->stage[to], sel, n);
    return &ev->stage[to];
}

int eval_compute(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    for (uint32_t k = 0; k < s->n_compute; k++)
        if (eval_run_op(ev, s, s->compute[k]))
            return weir_fail_nomem(err, 0, "evaluating an expression");
    return WEIR_OK;
}

static int run_aggregate(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    const struct weir_step *step = weir_pipe_step(ev->p) + s->step;
    const uint32_t *key = weir_pipe_operand(ev->p) + step->first;
    const struct weir_pipe_agg *agg = weir_pipe_agg(ev->p);
    uint32_t n_keys = step->n, n_aggs = ev->p->n_aggs;
    const struct weir_vec **v = s->vec, **arg = v + n_keys, **filter = arg + n_aggs;
    for (uint32_t k = 0; k < n_keys; k++) v[k] = eval_reg(ev, s, key[k]);
    for (uint32_t a = 0; a < n_aggs; a++) {
        arg[a] = agg[a].arg == WEIR_REG_NONE ? NULL : eval_reg(ev, s, agg[a].arg);
        filter[a] = agg[a].filter == WEIR_REG_NONE ? NULL : eval_reg(ev, s, agg[a].filter);
    }
    int rc = weir_groups_update(ev->sink.groups, s->n, v, arg, filter, err);
    if (rc <= 0) return rc;
    uint32_t row = (uint32_t)rc - 1;
    for (uint32_t k = 0; k < n_keys; k++)
        if (weir_vec_state(v[k], row) > WK_NULL) return eval_report(ev, s, row, key[k], err);
    for (uint32_t a = 0; a < n_aggs; a++) {
        if (filter[a] && weir_vec_state(filter[a], row) > WK_NULL)
            return eval_report(ev, s, row, agg[a].filter, err);
        bool counts = !filter[a] || weir_vec_value(filter[a], row).b;
        if (arg[a] && counts && weir_vec_state(arg[a], row) > WK_NULL)
            return eval_report(ev, s, row, agg[a].arg, err);
    }
    return weir_fail(err, WEIR_ERR_INTERNAL, "the group table refused row %u without a reason",
                     row);
}

static int run_step(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    switch (s->kind) {
    case STAGE_MASK:
    case STAGE_FILTER: return eval_run_filter(ev, s, err);
    case STAGE_PROBE: return eval_run_probe(ev, s, err);
    case STAGE_RESIDUAL: return eval_run_residual(ev, s, err);
    case STAGE_EXPAND: return eval_run_expand(ev, s, err);
    case STAGE_OUTPUT: return eval_run_output(ev, s, err);
    default: return run_aggregate(ev, s, err);
    }
}

int eval_run_stage(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    if (s->counted) ev->step_rows[s->step] += s->n;
    if (!s->n) return WEIR_OK;
    struct scratch_mark mark = scratch_mark(&ev->scratch);
    int rc = eval_compute(ev, s, err);
    if (!rc) rc = run_step(ev, s, err);
    if (!rc && s->kind >= STAGE_OUTPUT) ev->step_rows[ev->p->n_steps] += s->n;
    scratch_release(&ev->scratch, mark);
    return rc;
}

int eval_pass(struct weir_eval *ev, struct eval_stage *s, uint32_t to, const uint32_t *sel,
              uint32_t n, struct weir_error *err)
{
    return eval_run_stage(ev, eval_enter(ev, s, to, sel, n), err);
}

/* ---- batches ---- */

int weir_eval_batch(struct weir_eval *ev, struct weir_batch *batch, struct weir_error *err)
{
    if (batch->n_cols < ev->p->n_inputs)
        return weir_fail(err, WEIR_ERR_INTERNAL, "a batch of %u columns in a pipeline over %u",
                         batch->n_cols, ev->p->n_inputs);
    struct eval_stage *s = &ev->stage[0];
    ev->batch = batch;
    int rc = WEIR_OK;
    for (uint32_t base = 0; !rc && base < batch->n_rows; base += WEIR_VECTOR) {
        uint32_t left = batch->n_rows - base;
        s->n = left < WEIR_VECTOR ? left : WEIR_VECTOR;
        s->base = base;
        s->row = NULL;
        rc = eval_run_stage(ev, s, err);
    }
    if (!rc) rc = eval_end_batch(ev, err);
    ev->batch = NULL;
    return rc;
}

int weir_eval_finish(struct weir_eval *ev, struct weir_error *err)
{
    return eval_flush(ev, err);
}
