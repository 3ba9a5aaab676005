/* Checking a descriptor: everything that an interpreter or the generator takes for granted. Used on
   every record that the builder finishes and on every one that comes from outside, so that a
   damaged record is an error and never a wild read. */
#include <inttypes.h>
#include <string.h>

#include "runtime/plan/pipeline.h"

int weir_insn_args(const struct weir_pipeline *p, const struct weir_insn *in,
                   uint32_t reg[WEIR_INSN_MAX_ARGS])
{
    switch (in->op) {
    case WEIR_OP_COLUMN:
    case WEIR_OP_CONST:
    case WEIR_OP_EXPAND: return 0;
    case WEIR_OP_CALL:
        for (uint32_t i = 0; i < in->b && i < WEIR_INSN_MAX_ARGS; i++)
            reg[i] = weir_pipe_operand(p)[in->a + i];
        return (int)in->b;
    case WEIR_OP_NEG:
    case WEIR_OP_NOT:
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE:
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST:
    case WEIR_OP_IN:
    case WEIR_OP_LIKE: reg[0] = in->a; return 1;
    case WEIR_OP_SELECT:
        reg[0] = in->a;
        reg[1] = in->b;
        reg[2] = in->c;
        return 3;
    default:
        reg[0] = in->a;
        reg[1] = in->b;
        return 2;
    }
}

static int bad(struct weir_error *err, const char *what, uint32_t where)
{
    return weir_fail(err, WEIR_ERR_INVALID, "broken pipeline descriptor: %s %" PRIu32, what, where);
}

static int check_sections(const struct weir_pipeline *p, size_t bytes, struct weir_error *err)
{
    const struct {
        uint32_t off, n;
        size_t size;
    } s[] = {
        {p->off_input, p->n_inputs, sizeof(struct weir_type)},
        {p->off_insn, p->n_insns, sizeof(struct weir_insn)},
        {p->off_step, p->n_steps, sizeof(struct weir_step)},
        {p->off_operand, p->n_operands, sizeof(uint32_t)},
        {p->off_const, p->n_consts, sizeof(struct weir_const)},
        {p->off_agg, p->n_aggs, sizeof(struct weir_pipe_agg)},
        {p->off_table, p->n_tables, sizeof(struct weir_pipe_table)},
        {p->off_type, p->n_types, sizeof(struct weir_type)},
        {p->off_bytes, p->n_bytes, 1},
    };
    for (uint32_t i = 0; i < sizeof s / sizeof *s; i++)
        if (s[i].off < sizeof *p || s[i].off % 8 || s[i].off > bytes ||
            s[i].n > (bytes - s[i].off) / s[i].size)
            return bad(err, "section out of bounds", i);
    return WEIR_OK;
}

static bool bool_reg(const struct weir_pipeline *p, uint32_t reg)
{
    return weir_pipe_insn(p)[reg].type.id == WEIR_TYPE_BOOLEAN;
}

static int check_column(const struct weir_pipeline *p, const struct weir_insn *in, uint32_t i,
                        struct weir_error *err)
{
    struct weir_type t;
    if (in->table == 0) {
        if (in->a >= p->n_inputs) return bad(err, "unknown input column in instruction", i);
        t = weir_pipe_input(p)[in->a];
    } else {
        if (in->table > p->n_tables) return bad(err, "unknown build table in instruction", i);
        const struct weir_pipe_table *table = weir_pipe_table(p) + in->table - 1;
        if (in->a >= table->n_columns) return bad(err, "unknown build column in instruction", i);
        t = weir_pipe_type(p)[table->first_type + in->a];
    }
    if (weir_type_phys(t) != weir_type_phys(in->type))
        return bad(err, "column type differs in instruction", i);
    return WEIR_OK;
}

/* DECIMAL arithmetic computes on the result's representation: sums on one scale, a product has no
   more fraction digits than its factors together. */
static int check_decimal(const struct weir_pipeline *p, uint32_t i, const uint32_t *reg, int n,
                         struct weir_error *err)
{
    const struct weir_insn *in = weir_pipe_insn(p) + i;
    int scales = 0;
    if (in->type.id != WEIR_TYPE_DECIMAL || in->op < WEIR_OP_ADD || in->op > WEIR_OP_NEG)
        return WEIR_OK;
    for (int k = 0; k < n; k++) {
        struct weir_type t = weir_pipe_insn(p)[reg[k]].type;
        if (t.id != WEIR_TYPE_DECIMAL || weir_type_phys(t) != weir_type_phys(in->type))
            return bad(err, "operand is no DECIMAL of the result's width in instruction", i);
        bool sum = in->op != WEIR_OP_MUL && in->op != WEIR_OP_DIV;
        if (sum && t.scale != in->type.scale)
            return bad(err, "operand of another scale in instruction", i);
        scales += t.scale;
    }
    if (in->op == WEIR_OP_MUL && in->type.scale > scales)
        return bad(err, "product with more fraction digits than its factors in instruction", i);
    return WEIR_OK;
}

static int check_insn(const struct weir_pipeline *p, uint32_t i, struct weir_error *err)
{
    const struct weir_insn *in = weir_pipe_insn(p) + i;
    if (in->op >= WEIR_OP_COUNT_) return bad(err, "unknown operator in instruction", i);
    if (in->type.id >= WEIR_TYPE_COUNT_) return bad(err, "unknown type in instruction", i);
    if (in->type.id == WEIR_TYPE_DECIMAL &&
        (in->type.precision < 1 || in->type.precision > 38 || in->type.scale > in->type.precision))
        return bad(err, "impossible DECIMAL in instruction", i);
    if (in->op == WEIR_OP_COLUMN) return check_column(p, in, i, err);
    if (in->op == WEIR_OP_CONST && in->a >= p->n_consts)
        return bad(err, "unknown constant in instruction", i);
    if (in->op == WEIR_OP_EXPAND && in->a >= p->n_steps)
        return bad(err, "unknown step in instruction", i);
    if (in->op == WEIR_OP_IN && (in->b > p->n_consts || in->c > p->n_consts - in->b))
        return bad(err, "constants out of bounds in instruction", i);
    if (in->op == WEIR_OP_LIKE &&
        (in->b >= p->n_consts || (in->c != WEIR_REG_NONE && in->c >= p->n_consts)))
        return bad(err, "unknown pattern in instruction", i);
    if (in->op == WEIR_OP_CALL && (in->fn >= weir_function_count() || in->b > WEIR_INSN_MAX_ARGS ||
                                   in->a > p->n_operands || in->b > p->n_operands - in->a))
        return bad(err, "broken call in instruction", i);
    uint32_t reg[WEIR_INSN_MAX_ARGS];
    int n = weir_insn_args(p, in, reg);
    for (int k = 0; k < n; k++)
        if (reg[k] >= i) return bad(err, "operand is not an earlier register in instruction", i);
    if ((in->op == WEIR_OP_SELECT || in->op == WEIR_OP_NOT) && !bool_reg(p, in->a))
        return bad(err, "BOOLEAN wanted by instruction", i);
    if ((in->op == WEIR_OP_AND || in->op == WEIR_OP_OR) &&
        (!bool_reg(p, in->a) || !bool_reg(p, in->b)))
        return bad(err, "BOOLEAN wanted by instruction", i);
    return check_decimal(p, i, reg, n, err);
}

static int check_regs(const struct weir_pipeline *p, const struct weir_step *s, uint32_t i,
                      struct weir_error *err)
{
    if (s->first > p->n_operands || s->n > p->n_operands - s->first)
        return bad(err, "registers out of bounds in step", i);
    for (uint32_t k = 0; k < s->n; k++)
        if (weir_pipe_operand(p)[s->first + k] >= s->first_insn_after)
            return bad(err, "a register is computed too late for step", i);
    return WEIR_OK;
}

static int check_step(const struct weir_pipeline *p, uint32_t i, struct weir_error *err)
{
    const struct weir_step *s = weir_pipe_step(p) + i;
    bool last = i + 1 == p->n_steps;
    if (s->kind > WEIR_STEP_AGGREGATE) return bad(err, "unknown kind of step", i);
    if (last != (s->kind == WEIR_STEP_OUTPUT || s->kind == WEIR_STEP_AGGREGATE))
        return bad(err, "OUTPUT or AGGREGATE must be the last step and is not, at step", i);
    if (s->first_insn_after > p->n_insns || (i && s->first_insn_after < s[-1].residual_end))
        return bad(err, "steps out of order at step", i);
    if (s->residual_end < s->first_insn_after || s->residual_end > p->n_insns)
        return bad(err, "residual out of bounds in step", i);
    if (s->kind == WEIR_STEP_FILTER && (s->a >= s->first_insn_after || !bool_reg(p, s->a)))
        return bad(err, "FILTER without a BOOLEAN at step", i);
    if (s->kind == WEIR_STEP_EXPAND &&
        (s->a >= s->first_insn_after || s->slide_us <= 0 || s->size_us <= 0 ||
         weir_type_phys(weir_pipe_insn(p)[s->a].type) != WEIR_PHYS_I64))
        return bad(err, "broken EXPAND at step", i);
    if (s->kind == WEIR_STEP_PROBE) {
        if (s->table >= p->n_tables || weir_pipe_table(p)[s->table].n_keys != s->n ||
            s->join > WEIR_JOIN_ANTI_NULL)
            return bad(err, "broken PROBE at step", i);
        if (s->residual != WEIR_REG_NONE &&
            (s->residual >= s->residual_end || !bool_reg(p, s->residual)))
            return bad(err, "PROBE residual is not BOOLEAN at step", i);
    }
    return check_regs(p, s, i, err);
}

int weir_pipeline_check(const struct weir_pipeline *p, size_t bytes, struct weir_error *err)
{
    if (bytes < sizeof *p || p->bytes != bytes)
        return weir_fail(err, WEIR_ERR_INVALID, "broken pipeline descriptor: %zu bytes", bytes);
    if (p->version != WEIR_PIPELINE_VERSION) return bad(err, "unknown version", p->version);
    if (p->n_steps == 0) return bad(err, "steps:", 0);
    int rc = check_sections(p, bytes, err);
    for (uint32_t i = 0; !rc && i < p->n_tables; i++) {
        const struct weir_pipe_table *t = weir_pipe_table(p) + i;
        if (t->first_type > p->n_types || t->n_columns > p->n_types - t->first_type ||
            t->n_keys > t->n_columns)
            rc = bad(err, "broken build table", i);
    }
    for (uint32_t i = 0; !rc && i < p->n_consts; i++) {
        const struct weir_const *c = weir_pipe_const(p) + i;
        if (weir_type_phys(c->type) == WEIR_PHYS_STR && !c->is_null &&
            (c->off > p->n_bytes || c->len > p->n_bytes - c->off))
            rc = bad(err, "string out of bounds in constant", i);
    }
    for (uint32_t i = 0; !rc && i < p->n_insns; i++) rc = check_insn(p, i, err);
    for (uint32_t i = 0; !rc && i < p->n_steps; i++) rc = check_step(p, i, err);
    for (uint32_t i = 0; !rc && i < p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(p) + i;
        if (a->fn >= WEIR_AGG_FN_COUNT_ || (a->arg != WEIR_REG_NONE && a->arg >= p->n_insns) ||
            (a->filter != WEIR_REG_NONE && (a->filter >= p->n_insns || !bool_reg(p, a->filter))))
            rc = bad(err, "broken aggregate", i);
    }
    return rc;
}
