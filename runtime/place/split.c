/* Splitting before the AGGREGATE. HEAD is a copy of the record with a longer operand list behind
   it; TAIL is built anew: its input columns are HEAD's output, in the order keys, then for each
   aggregate its argument and its filter. */
#include "runtime/place/split.h"

#include <string.h>

static uint32_t list_registers(const struct weir_pipeline *p, uint32_t *reg)
{
    const struct weir_step *last = weir_pipe_last(p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < last->n; i++) reg[n++] = weir_pipe_operand(p)[last->first + i];
    for (uint32_t i = 0; i < p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(p) + i;
        if (a->arg != WEIR_REG_NONE) reg[n++] = a->arg;
        if (a->filter != WEIR_REG_NONE) reg[n++] = a->filter;
    }
    return n;
}

static int make_head(const struct weir_pipeline *p, const uint32_t *reg, uint32_t n,
                     struct weir_pipeline **out, struct weir_error *err)
{
    uint32_t old = (p->bytes + 15) & ~15u;
    size_t bytes = old + ((p->n_operands + n) * sizeof *reg + 15) / 16 * 16;
    struct weir_pipeline *h = weir_calloc(1, bytes);
    if (!h) return weir_fail_nomem(err, bytes, "dividing a pipeline");
    memcpy(h, p, p->bytes);
    uint32_t *operand = (uint32_t *)((char *)h + old);
    memcpy(operand, weir_pipe_operand(p), p->n_operands * sizeof *operand);
    memcpy(operand + p->n_operands, reg, n * sizeof *operand);
    h->bytes = (uint32_t)bytes;
    h->off_operand = old;
    struct weir_step *last = (struct weir_step *)((char *)h + h->off_step) + h->n_steps - 1;
    last->kind = WEIR_STEP_OUTPUT;
    last->first = p->n_operands;
    last->n = n;
    h->n_operands += n;
    h->n_aggs = 0;
    *out = h;
    return WEIR_OK;
}

static int make_tail(const struct weir_pipeline *p, const uint32_t *reg, uint32_t n,
                     struct weir_pipeline **out, struct weir_error *err)
{
    const struct weir_step *last = weir_pipe_last(p);
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    uint32_t *column = weir_calloc(n + 1, sizeof *column), at = 0;
    int rc =
        b && column ? WEIR_OK : weir_fail_nomem(err, n * sizeof *column, "dividing a pipeline");
    for (uint32_t i = 0; !rc && i < n; i++) {
        const struct weir_insn *from = weir_pipe_insn(p) + reg[i];
        struct weir_insn in = {.op = WEIR_OP_COLUMN, .type = from->type, .pos = from->pos};
        in.a = weir_pipe_add_input(b, from->type);
        column[i] = weir_pipe_emit(b, &in);
    }
    if (!rc) {
        struct weir_step step = {
            .kind = WEIR_STEP_AGGREGATE, .n = last->n, .residual = WEIR_REG_NONE, .pos = last->pos};
        step.first = weir_pipe_add_operands(b, column, (int)last->n);
        at = last->n;
        for (uint32_t i = 0; i < p->n_aggs; i++) {
            struct weir_pipe_agg a = weir_pipe_agg(p)[i];
            if (a.arg != WEIR_REG_NONE) a.arg = column[at++];
            if (a.filter != WEIR_REG_NONE) a.filter = column[at++];
            weir_pipe_add_agg(b, &a);
        }
        weir_pipe_add_step(b, &step);
        rc = weir_pipe_finish(b, out, err);
    }
    weir_free(column);
    weir_pipe_builder_free(b);
    return rc;
}

int weir_split_aggregate(const struct weir_pipeline *p, struct weir_pipeline **head,
                         struct weir_pipeline **tail, struct weir_error *err)
{
    uint32_t *reg = weir_calloc(weir_pipe_last(p)->n + 2 * p->n_aggs + 1, sizeof *reg);
    if (!reg) return weir_fail_nomem(err, 0, "dividing a pipeline");
    uint32_t n = list_registers(p, reg);
    int rc = make_head(p, reg, n, head, err);
    if (!rc) rc = weir_pipeline_check(*head, (*head)->bytes, err);
    if (!rc) rc = make_tail(p, reg, n, tail, err);
    if (rc) {
        weir_free(*head);
        *head = NULL;
    }
    weir_free(reg);
    return rc;
}
