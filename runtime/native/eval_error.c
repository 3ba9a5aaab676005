/* Saying what went wrong. When a step meets an error, the row is evaluated once more, alone, every
   register into storage of its own; then we walk from the failed register down to the instruction
   where the error arose and print its operands. */
#include <stdio.h>
#include <string.h>

#include "runtime/column/text.h"
#include "runtime/exec/source.h"
#include "runtime/native/eval_internal.h"

#define SHOWN 48 /* bytes of a string that a message quotes */

static size_t show_text(char *out, struct weir_str s)
{
    size_t n = s.len <= SHOWN ? s.len : SHOWN;
    while (n < s.len && n && ((uint8_t)s.data[n] & 0xc0) == 0x80) n--;
    out[0] = '\'';
    memcpy(out + 1, s.data, n);
    memcpy(out + 1 + n, n < s.len ? "...'" : "'", n < s.len ? 4 : 1);
    return n + (n < s.len ? 5 : 2);
}

/* VALUE as a person would write it; BUF has room for WEIR_TEXT_MAX bytes and more. */
static const char *show(struct weir_value v, char *buf)
{
    size_t n;
    if (v.is_null) return "NULL";
    switch (v.type.id) {
    case WEIR_TYPE_BOOLEAN: return v.b ? "TRUE" : "FALSE";
    case WEIR_TYPE_FLOAT: n = weir_text_format_float(buf, (float)v.f); break;
    case WEIR_TYPE_DOUBLE: n = weir_text_format_double(buf, v.f); break;
    case WEIR_TYPE_DECIMAL:
        n = weir_text_format_decimal(
            buf, weir_type_phys(v.type) == WEIR_PHYS_I128 ? v.x : (weir_i128)v.i, v.type.scale);
        break;
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_VARCHAR: n = show_text(buf, v.s); break;
    case WEIR_TYPE_BINARY:
    case WEIR_TYPE_VARBINARY: n = (size_t)snprintf(buf, 32, "%u bytes", v.s.len); break;
    case WEIR_TYPE_DATE: n = weir_text_format_date(buf, (int32_t)v.i); break;
    case WEIR_TYPE_TIME: n = weir_text_format_time(buf, v.i, 3, 3); break;
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ:
        n = weir_text_format_timestamp(buf, v.i, 6, v.type.precision, ' ',
                                       v.type.id == WEIR_TYPE_TIMESTAMP_LTZ);
        break;
    default: n = weir_text_format_int(buf, v.i);
    }
    buf[n] = 0;
    return buf;
}

/* ---- where ---- */

static uint8_t state_of(struct weir_eval *ev, uint32_t reg)
{
    return weir_vec_state(eval_reg(ev, ev->explain, reg), 0);
}

static int compute(struct weir_eval *ev, uint8_t *done, uint32_t reg)
{
    if (ev->op[reg].constant || done[reg]) return WEIR_OK;
    done[reg] = 1;
    for (uint32_t k = 0; k < ev->op[reg].n_args; k++)
        if (compute(ev, done, ev->op[reg].arg[k])) return WEIR_ERR_NOMEM;
    return eval_run_op(ev, ev->explain, reg);
}

/* The instruction below REG where the error arose. */
static uint32_t culprit(struct weir_eval *ev, uint32_t reg)
{
    for (;;) {
        const struct eval_op *op = &ev->op[reg];
        uint32_t next = WEIR_REG_NONE;
        if (op->insn->op == WEIR_OP_SELECT && state_of(ev, op->arg[0]) <= WK_NULL) {
            struct weir_value c = weir_vec_value(eval_reg(ev, ev->explain, op->arg[0]), 0);
            next = op->arg[!c.is_null && c.b ? 1 : 2];
        } else {
            for (uint32_t k = 0; k < op->n_args && next == WEIR_REG_NONE; k++)
                if (state_of(ev, op->arg[k]) > WK_NULL) next = op->arg[k];
        }
        if (next == WEIR_REG_NONE || state_of(ev, next) <= WK_NULL) return reg;
        reg = next;
    }
}

/* ---- what ---- */

static const char *symbol(uint8_t op)
{
    static const char *const s[WEIR_OP_COUNT_] = {
        [WEIR_OP_ADD] = "+", [WEIR_OP_SUB] = "-", [WEIR_OP_MUL] = "*",
        [WEIR_OP_DIV] = "/", [WEIR_OP_MOD] = "%",
    };
    return s[op];
}

static void describe_call(struct weir_eval *ev, const struct eval_op *op, struct weir_buf *b)
{
    char buf[WEIR_TEXT_MAX + 32];
    weir_buf_printf(b, "%s(", weir_function_at(op->insn->fn)->name);
    for (uint32_t k = 0; k < op->n_args; k++)
        weir_buf_printf(b, "%s%s", k ? ", " : "",
                        show(weir_vec_value(eval_reg(ev, ev->explain, op->arg[k]), 0), buf));
    weir_buf_puts(b, ")");
}

static void describe(struct weir_eval *ev, uint32_t reg, uint8_t st, struct weir_buf *b)
{
    const struct eval_op *op = &ev->op[reg];
    char x[WEIR_TEXT_MAX + 32], y[WEIR_TEXT_MAX + 32], type[64];
    struct weir_value a = {.is_null = true}, c = a;
    if (op->n_args > 0) a = weir_vec_value(eval_reg(ev, ev->explain, op->arg[0]), 0);
    if (op->n_args > 1) c = weir_vec_value(eval_reg(ev, ev->explain, op->arg[1]), 0);
    struct weir_type t = op->insn->type;
    t.nullable = 1;
    weir_type_text(t, type, sizeof type);
    bool cast = op->insn->op == WEIR_OP_CAST || op->insn->op == WEIR_OP_TRY_CAST;
    if (cast) {
        weir_buf_printf(b, "cannot cast %s to %s%s", show(a, x), type,
                        st == WK_ERR_OVERFLOW ? ": it does not fit" : "");
    } else if (op->insn->op == WEIR_OP_CALL) {
        describe_call(ev, op, b);
        if (st == WK_ERR_OVERFLOW)
            weir_buf_printf(b, " does not fit %s", type);
        else if (st == WK_ERR_CAST)
            weir_buf_puts(b, ": the text cannot be converted");
        else
            weir_buf_puts(b, ": the function does not accept these values");
    } else if (st == WK_ERR_DIV_ZERO) {
        weir_buf_printf(b, "division by zero: %s %s %s", show(a, x), symbol(op->insn->op),
                        show(c, y));
    } else if (op->insn->op == WEIR_OP_NEG) {
        weir_buf_printf(b, "-(%s) does not fit %s", show(a, x), type);
    } else if (symbol(op->insn->op)) {
        weir_buf_printf(b, "%s %s %s does not fit %s", show(a, x), symbol(op->insn->op), show(c, y),
                        type);
    } else {
        weir_buf_printf(b, "the result does not fit %s", type);
    }
}

static void describe_row(struct weir_eval *ev, struct weir_buf *b)
{
    const struct weir_origin *o = &ev->batch->origin;
    uint32_t row = ev->explain->row[0];
    if (!o->source) return;
    char where[256];
    if (o->source->ops->describe_row) {
        o->source->ops->describe_row(o->source, o, row, where, sizeof where);
        weir_buf_printf(b, ", at %s", where);
    } else {
        weir_buf_printf(b, ", at row %llu of %s", (unsigned long long)(o->first_row + row + 1),
                        o->source->name);
    }
}

/* Row ROW of S is the one row of the explaining stage. */
static void explain_row(struct weir_eval *ev, const struct eval_stage *s, uint32_t row)
{
    struct eval_stage *x = ev->explain;
    x->n = 1;
    x->row_buf[0] = s->row ? s->row[row] : s->base + row;
    x->row = x->row_buf;
    for (uint32_t k = 0; k < ev->p->n_tables; k++) {
        x->build[k] = s->build[k] ? x->build_buf[k] : NULL;
        if (s->build[k]) x->build_buf[k][0] = s->build[k][row];
    }
    for (uint32_t k = 0; k < ev->p->n_steps; k++) {
        x->ord[k] = s->ord[k] ? x->ord_buf[k] : NULL;
        if (s->ord[k]) x->ord_buf[k][0] = s->ord[k][row];
    }
}

int eval_report(struct weir_eval *ev, const struct eval_stage *s, uint32_t row, uint32_t reg,
                struct weir_error *err)
{
    uint8_t st = weir_vec_state(eval_reg(ev, s, reg), row);
    uint8_t *done = weir_calloc(ev->p->n_insns, 1);
    struct weir_buf what = {0};
    explain_row(ev, s, row);
    if (st == WK_ERR_NOMEM || !done || compute(ev, done, reg)) {
        weir_free(done);
        return weir_fail_nomem(err, 0, "evaluating an expression");
    }
    weir_free(done);
    uint32_t where = culprit(ev, reg);
    const struct weir_pos *pos = &ev->op[where].insn->pos;
    if (state_of(ev, where) > WK_NULL)
        describe(ev, where, state_of(ev, where), &what);
    else /* a volatile function gave another value this time */
        weir_buf_puts(&what, st == WK_ERR_DIV_ZERO ? "division by zero" : "a value does not fit");
    describe_row(ev, &what);
    int rc;
    if (what.oom)
        rc = weir_fail_nomem(err, what.len, "describing an error");
    else if (pos->line)
        rc = weir_fail(err, WEIR_ERR_DATA, "%u:%u: %s", pos->line, pos->column, what.data);
    else
        rc = weir_fail(err, WEIR_ERR_DATA, "%s", what.data);
    weir_buf_release(&what);
    return rc;
}
