/* Splitting pipelines between a device and the native interpreter. Registers keep their numbers: a
   part is a copy of the record with other steps, operands or inputs behind it, and whatever its
   steps do not reach is never computed.

   Before the AGGREGATE: HEAD is a copy of the record with a longer operand list behind
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

/* ---- functions ---- */

static bool only_input(const struct weir_pipeline *p, uint32_t reg)
{
    const struct weir_insn *in = weir_pipe_insn(p) + reg;
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    if (in->op == WEIR_OP_EXPAND || (in->op == WEIR_OP_COLUMN && in->table)) return false;
    int n = weir_insn_args(p, in, arg);
    for (int i = 0; i < n; i++)
        if (!only_input(p, arg[i])) return false;
    return true;
}

/* The calls to move, into REG; an inner one goes with the outer one that uses it, and is moved too,
   which costs nothing where nobody else reads it. Returns how many, or 0 when a volatile function
   is there. */
static uint32_t list_calls(const struct weir_pipeline *p, uint32_t *reg)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_insns; i++) {
        const struct weir_insn *in = weir_pipe_insn(p) + i;
        if (in->op != WEIR_OP_CALL) continue;
        if (weir_function_at(in->fn)->volatile_) return 0;
        if (!weir_function_at(in->fn)->device && only_input(p, i)) reg[n++] = i;
    }
    return n;
}

/* A copy of P with room for EXTRA bytes behind it; *OFF is where they start. */
static struct weir_pipeline *longer_copy(const struct weir_pipeline *p, size_t extra, uint32_t *off)
{
    *off = (p->bytes + 15) & ~15u;
    size_t bytes = *off + (extra + 15) / 16 * 16;
    struct weir_pipeline *c = weir_calloc(1, bytes);
    if (!c) return NULL;
    memcpy(c, p, p->bytes);
    c->bytes = (uint32_t)bytes;
    return c;
}

static int make_pre(const struct weir_pipeline *p, const uint32_t *reg, uint32_t n,
                    struct weir_pipeline **out, struct weir_error *err)
{
    uint32_t off, columns = p->n_inputs, operands = p->n_operands + columns + n;
    size_t insn_bytes = ((p->n_insns + columns) * sizeof(struct weir_insn) + 15) / 16 * 16;
    size_t step_bytes = (sizeof(struct weir_step) + 15) / 16 * 16;
    struct weir_pipeline *c =
        longer_copy(p, insn_bytes + step_bytes + operands * sizeof(uint32_t), &off);
    if (!c) return weir_fail_nomem(err, insn_bytes, "dividing a pipeline");
    struct weir_insn *in = (struct weir_insn *)((char *)c + off);
    memcpy(in, weir_pipe_insn(p), p->n_insns * sizeof *in);
    for (uint32_t i = 0; i < p->n_insns; i++)
        if (in[i].op == WEIR_OP_EXPAND) in[i].a = 0; /* its step is not here, nobody computes it */
    for (uint32_t i = 0; i < columns; i++)
        in[p->n_insns + i] =
            (struct weir_insn){.op = WEIR_OP_COLUMN, .type = weir_pipe_input(p)[i], .a = i};
    struct weir_step *step = (struct weir_step *)((char *)in + insn_bytes);
    *step = (struct weir_step){.kind = WEIR_STEP_OUTPUT,
                               .first = p->n_operands,
                               .n = columns + n,
                               .residual = WEIR_REG_NONE,
                               .first_insn_after = p->n_insns + columns,
                               .residual_end = p->n_insns + columns};
    uint32_t *operand =
        (uint32_t *)((char *)step + step_bytes); /* the calls' own lists stay in front */
    memcpy(operand, weir_pipe_operand(p), p->n_operands * sizeof *operand);
    for (uint32_t i = 0; i < columns; i++) operand[p->n_operands + i] = p->n_insns + i;
    memcpy(operand + p->n_operands + columns, reg, n * sizeof *operand);
    c->off_insn = off;
    c->n_insns += columns;
    c->off_step = (uint32_t)((char *)step - (char *)c);
    c->n_steps = 1;
    c->off_operand = (uint32_t)((char *)operand - (char *)c);
    c->n_operands = operands;
    c->n_aggs = 0;
    *out = c;
    return WEIR_OK;
}

static int make_rest(const struct weir_pipeline *p, const uint32_t *reg, uint32_t n,
                     struct weir_pipeline **out, struct weir_error *err)
{
    uint32_t off;
    struct weir_pipeline *c = longer_copy(p, (p->n_inputs + n) * sizeof(struct weir_type), &off);
    if (!c) return weir_fail_nomem(err, p->bytes, "dividing a pipeline");
    struct weir_type *type = (struct weir_type *)((char *)c + off);
    memcpy(type, weir_pipe_input(p), p->n_inputs * sizeof *type);
    struct weir_insn *insn = (struct weir_insn *)((char *)c + c->off_insn);
    for (uint32_t i = 0; i < n; i++) {
        struct weir_insn *in = insn + reg[i];
        type[p->n_inputs + i] = in->type;
        *in = (struct weir_insn){
            .op = WEIR_OP_COLUMN, .type = in->type, .a = p->n_inputs + i, .pos = in->pos};
    }
    c->off_input = off;
    c->n_inputs += n;
    *out = c;
    return WEIR_OK;
}

int weir_split_functions(const struct weir_pipeline *p, struct weir_pipeline **pre,
                         struct weir_pipeline **rest, struct weir_error *err)
{
    *pre = *rest = NULL;
    uint32_t *reg = weir_calloc(p->n_insns + 1, sizeof *reg);
    if (!reg) return weir_fail_nomem(err, p->n_insns * sizeof *reg, "dividing a pipeline");
    uint32_t n = list_calls(p, reg);
    int rc = n ? make_pre(p, reg, n, pre, err) : WEIR_OK;
    if (!rc && n) rc = make_rest(p, reg, n, rest, err);
    if (!rc && n) rc = weir_pipeline_check(*pre, (*pre)->bytes, err);
    if (!rc && n) rc = weir_pipeline_check(*rest, (*rest)->bytes, err);
    weir_free(reg);
    if (!rc) return n > 0;
    weir_free(*pre);
    weir_free(*rest);
    *pre = *rest = NULL;
    return rc;
}
