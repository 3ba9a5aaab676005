/* OUTPUT: rows into batches.

   Without PROBE and EXPAND an output row is an input row, so plain input columns are not copied
   vector by vector: the rows that came through are noted, and at the end of the batch the columns
   are gathered in one go, or shared with the input when all rows came through. The other columns
   are appended as they are computed. Rows are collected over input batches until there are about
   WEIR_BATCH_ROWS of them. */
#include <string.h>

#include "runtime/native/eval_internal.h"
#include "runtime/native/keys.h"

#define SHARE_MIN 1024 /* a smaller batch is cheaper to copy than to pass on by itself */

static bool one_to_one(const struct weir_pipeline *p)
{
    for (uint32_t i = 0; i < p->n_steps; i++) {
        const struct weir_step *s = weir_pipe_step(p) + i;
        if (s->kind == WEIR_STEP_EXPAND ||
            (s->kind == WEIR_STEP_PROBE && s->join <= WEIR_JOIN_LEFT))
            return false;
    }
    return true;
}

int eval_output_new(struct weir_eval *ev, struct weir_error *err)
{
    struct eval_output *o = &ev->out;
    const struct weir_step *step = weir_pipe_last(ev->p);
    size_t n = step->n;
    struct weir_type *type = weir_arena_alloc(&ev->arena, 2 * n * sizeof *type + 1);
    o->reg = weir_arena_alloc(&ev->arena, n * sizeof *o->reg + 1);
    o->slot = weir_arena_alloc(&ev->arena, n * sizeof *o->slot + 1);
    o->is_plain = weir_arena_alloc(&ev->arena, n + 1);
    if (!type || !o->reg || !o->slot || !o->is_plain)
        return weir_fail_nomem(err, n * 16, "preparing the output");
    o->n_cols = step->n;
    for (uint32_t c = 0; c < o->n_cols; c++) {
        o->reg[c] = weir_pipe_operand(ev->p)[step->first + c];
        const struct weir_insn *in = ev->op[o->reg[c]].insn;
        o->is_plain[c] = one_to_one(ev->p) && in->op == WEIR_OP_COLUMN && in->table == 0;
        o->slot[c] = o->is_plain[c] ? o->n_plain++ : o->n_computed++;
        type[o->is_plain[c] ? o->slot[c] : n + o->slot[c]] = in->type;
    }
    int rc = weir_builder_new(ev->pool, (int)o->n_plain, type, &o->plain, err);
    if (!rc) rc = weir_builder_new(ev->pool, (int)o->n_computed, type + n, &o->computed, err);
    return rc;
}

void eval_output_free(struct weir_eval *ev)
{
    weir_builder_free(ev->out.plain);
    weir_builder_free(ev->out.computed);
    weir_free(ev->out.idx);
}

/* ---- vectors into builders ---- */

/* Bytes 0/1 to bits, inverted when FLIP is 1; the bits after N are not defined. */
static void bytes_to_bits(const uint8_t *bytes, uint32_t n, uint64_t flip, uint64_t *bits)
{
    uint8_t *out = (uint8_t *)bits;
    for (uint32_t i = 0; i < n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, bytes + i, n - i < 8 ? n - i : 8);
        w = (w ^ (flip * UINT64_C(0x0101010101010101))) * UINT64_C(0x0102040810204080);
        out[i / 8] = (uint8_t)(w >> 56);
    }
}

static void append_texts(struct weir_builder *b, int c, const struct weir_vec *v, uint32_t n)
{
    const struct weir_str *s = v->data;
    for (uint32_t i = 0; i < n; i++) {
        if (v->st && v->st[i])
            weir_builder_null(b, c);
        else
            weir_builder_str(b, c, s[i].data, s[i].len);
    }
}

static void append(struct eval_output *o, int c, const struct weir_vec *v, uint32_t n)
{
    enum weir_phys p = weir_type_phys(v->type);
    if (v->constant) {
        struct weir_value x = weir_vec_value(v, 0);
        for (uint32_t i = 0; i < n; i++) weir_builder_value(o->computed, c, &x);
        return;
    }
    if (p == WEIR_PHYS_STR) {
        append_texts(o->computed, c, v, n);
        return;
    }
    struct weir_column col = {.type = v->type, .values = v->data};
    if (v->st) {
        bytes_to_bits(v->st, n, 1, o->valid); /* no errors here: 1 is NULL */
        col.validity = (const uint8_t *)o->valid;
    }
    if (p == WEIR_PHYS_BOOL) {
        bytes_to_bits(v->data, n, 0, o->bits);
        col.values = o->bits;
    }
    weir_builder_copy(o->computed, c, &col, 0, n);
}

/* ---- builders into batches ---- */

/* One batch of N rows from PLAIN's and COMPUTED's columns (each may be NULL when there are none).
 */
static int emit(struct weir_eval *ev, const struct weir_batch *plain,
                const struct weir_batch *computed, uint32_t n, const struct weir_origin *origin,
                struct weir_error *err)
{
    const struct eval_output *o = &ev->out;
    struct weir_batch *out;
    int rc = weir_batch_new(n, o->n_cols, &out, err);
    if (rc) return rc;
    for (uint32_t c = 0; c < o->n_cols; c++) {
        const struct weir_insn *in = ev->op[o->reg[c]].insn;
        const struct weir_batch *from = o->is_plain[c] ? plain : computed;
        uint32_t at = !o->is_plain[c] ? o->slot[c] : plain == ev->batch ? in->a : o->slot[c];
        weir_column_share(&out->col[c], &from->col[at]);
        out->col[c].type = in->type;
    }
    if (origin) out->origin = *origin;
    rc = ev->sink.emit(ev->sink.ctx, out, err);
    weir_batch_unref(out);
    return rc;
}

/* Emit the rows in the builders; WHOLE: the plain columns are those of the current batch. */
static int emit_builders(struct weir_eval *ev, bool whole, uint32_t n, struct weir_error *err)
{
    struct eval_output *o = &ev->out;
    struct weir_batch *plain = NULL, *computed = NULL;
    int rc = WEIR_OK;
    if (o->n_plain && !whole) rc = weir_builder_finish(o->plain, &plain, err);
    if (!rc && o->n_computed) rc = weir_builder_finish(o->computed, &computed, err);
    if (!rc)
        rc = emit(ev, whole ? ev->batch : plain, computed, n, whole ? &ev->batch->origin : NULL,
                  err);
    weir_batch_unref(plain);
    weir_batch_unref(computed);
    o->pending = 0;
    return rc;
}

/* The noted rows of the batch into the builder of plain columns. */
static void take_noted(struct weir_eval *ev)
{
    struct eval_output *o = &ev->out;
    for (uint32_t c = 0; c < o->n_cols; c++) {
        const struct weir_insn *in = ev->op[o->reg[c]].insn;
        if (o->is_plain[c])
            weir_builder_gather(o->plain, (int)o->slot[c], &ev->batch->col[in->a], o->idx,
                                o->n_idx);
    }
    o->pending += o->n_idx;
    o->n_idx = 0;
}

static int note_rows(struct weir_eval *ev, const struct eval_stage *s, struct weir_error *err)
{
    struct eval_output *o = &ev->out;
    if (o->n_idx + s->n > o->cap_idx) {
        uint32_t cap = ev->batch->n_rows + WEIR_VECTOR;
        int64_t *idx = weir_realloc(o->idx, cap * sizeof *idx);
        if (!idx) return weir_fail_nomem(err, cap * sizeof *idx, "noting the rows of a batch");
        o->idx = idx;
        o->cap_idx = cap;
    }
    int64_t *idx = o->idx + o->n_idx;
    for (uint32_t i = 0; i < s->n; i++) idx[i] = s->row ? s->row[i] : s->base + i;
    o->n_idx += s->n;
    return WEIR_OK;
}

int eval_run_output(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    struct eval_output *o = &ev->out;
    for (uint32_t c = 0; c < o->n_cols; c++) {
        if (o->is_plain[c]) continue;
        uint32_t failed = weir_vec_first_error(eval_reg(ev, s, o->reg[c]), s->n);
        if (failed < s->n) return eval_report(ev, s, failed, o->reg[c], err);
    }
    for (uint32_t c = 0; c < o->n_cols; c++)
        if (!o->is_plain[c]) append(o, (int)o->slot[c], eval_reg(ev, s, o->reg[c]), s->n);
    if (o->n_plain) {
        int rc = note_rows(ev, s, err);
        bool split = o->n_computed && ev->batch->n_rows > 2 * WEIR_BATCH_ROWS;
        if (rc || !split || o->pending + o->n_idx < WEIR_BATCH_ROWS) return rc;
        take_noted(ev);
    } else {
        o->pending += s->n;
    }
    return o->pending < WEIR_BATCH_ROWS ? WEIR_OK : emit_builders(ev, false, o->pending, err);
}

int eval_end_batch(struct weir_eval *ev, struct weir_error *err)
{
    struct eval_output *o = &ev->out;
    uint32_t n = o->n_idx;
    if (!n) return WEIR_OK;
    if (!o->pending && n == ev->batch->n_rows && n >= SHARE_MIN) {
        o->n_idx = 0;
        return emit_builders(ev, true, n, err);
    }
    take_noted(ev);
    return o->pending < WEIR_BATCH_ROWS ? WEIR_OK : emit_builders(ev, false, o->pending, err);
}

int eval_flush(struct weir_eval *ev, struct weir_error *err)
{
    return ev->out.pending ? emit_builders(ev, false, ev->out.pending, err) : WEIR_OK;
}
