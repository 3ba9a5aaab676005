/* From result buffers to the sink: groups are merged into the slot's table, output rows are
   gathered into batches. Only bytes that were really written are read. */
#ifdef WEIR_OPENCL
#include <string.h>

#include "runtime/device/cl_error.h"
#include "runtime/device/cl_run.h"
#include "runtime/native/groups.h"

static uint32_t group_rows(const struct flight *f, uint32_t g)
{
    return ((const uint32_t *)f->status.host)[g * CL_STATUS_WORDS];
}

/* Make the rows that each work-group wrote to output I readable. */
static cl_int fetch_rows(struct weir_run *r, struct flight *f, int i)
{
    size_t row = cl_out_row_bytes(r, &r->q->k.arg[i]);
    if (r->q->b->info->unified) return cl_fetch(r, &f->out[i], 0, (size_t)f->groups * f->cap * row);
    cl_int rc = 0;
    for (uint32_t g = 0; !rc && g < f->groups; g++)
        rc = cl_fetch(r, &f->out[i], (size_t)g * f->cap * row, group_rows(f, g) * row);
    return rc;
}

static const char *space_bytes(const struct weir_run *r, const struct weir_batch *batch,
                               uint32_t space)
{
    const struct gen_space *s = &r->q->k.space[space];
    if (s->kind == GEN_IN_BYTES) return batch->col[s->a].data;
    if (s->kind == GEN_TAB_BYTES) return r->q->tables[s->a]->payload->col[s->b].data;
    return weir_pipe_bytes(r->q->p);
}

static int find_arg(const struct weir_run *r, enum gen_arg_kind kind, int a)
{
    for (int i = 0; i < r->q->k.n_args; i++)
        if (r->q->k.arg[i].kind == kind && (a < 0 || r->q->k.arg[i].a == a)) return i;
    return -1;
}

/* Text keys come as (space, offset): make pointers of them. */
static void resolve_texts(const struct weir_run *r, const struct weir_batch *batch, uint64_t *row)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    uint32_t w = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t i = 0; i < last->n; i++) {
        uint32_t reg = weir_pipe_operand(r->q->p)[last->first + i];
        enum weir_phys p = weir_type_phys(weir_pipe_insn(r->q->p)[reg].type);
        if (p == WEIR_PHYS_STR && !(row[1] >> (i & 63) & 1))
            row[w] = (uint64_t)(uintptr_t)(space_bytes(r, batch, (uint32_t)(row[w] >> 40)) +
                                           (row[w] & 0xffffffffffu));
        w += p == WEIR_PHYS_STR || p == WEIR_PHYS_I128 ? 2 : 1;
    }
}

/* Without keys: a row from each work-group. */
static int deliver_sums(struct weir_run *r, struct flight *f, struct weir_error *err)
{
    const uint64_t *rows = f->out[find_arg(r, GEN_GROUPS, -1)].host;
    int rc = WEIR_OK;
    for (uint32_t g = 0; !rc && g < f->groups; g++)
        rc = weir_groups_merge_rows(r->sink.out.groups, rows + (size_t)g * f->cap * r->q->k.words,
                                    group_rows(f, g), err);
    return rc;
}

static void computed_column(struct weir_run *r, const struct flight *f, struct weir_builder *b,
                            uint32_t c, size_t from, uint32_t n)
{
    uint32_t reg = weir_pipe_operand(r->q->p)[weir_pipe_last(r->q->p)->first + c];
    enum weir_phys p = weir_type_phys(weir_pipe_insn(r->q->p)[reg].type);
    const uint8_t *st = (const uint8_t *)f->out[find_arg(r, GEN_OUT_STATE, (int)c)].host + from;
    const void *v = f->out[find_arg(r, GEN_OUT_VALUES, (int)c)].host;
    for (uint32_t i = 0; i < n; i++) {
        if (st[i]) {
            weir_builder_null(b, (int)c);
        } else if (p == WEIR_PHYS_STR) {
            const uint64_t *s = (const uint64_t *)v + 2 * (from + i);
            weir_builder_str(b, (int)c,
                             space_bytes(r, f->batch, (uint32_t)(s[0] >> 40)) +
                                 (s[0] & 0xffffffffffu),
                             (size_t)s[1]);
        } else if (p == WEIR_PHYS_I128) {
            const uint64_t *s = (const uint64_t *)v + 2 * (from + i);
            weir_builder_i128(b, (int)c, (weir_i128)((weir_u128)s[1] << 64 | s[0]));
        } else if (p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64) {
            weir_builder_f64(b, (int)c, ((const double *)v)[from + i]);
        } else {
            weir_builder_i64(b, (int)c, ((const int64_t *)v)[from + i]);
        }
    }
}

/* Output rows [FROM, FROM + N) of the buffers as a batch to the sink. */
static int deliver_rows(struct weir_run *r, const struct flight *f, struct weir_builder *b,
                        int64_t *idx, size_t from, uint32_t n, struct weir_error *err)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    for (uint32_t c = 0; c < last->n; c++) {
        uint8_t direct = r->q->k.out[c].direct;
        if (!direct) {
            computed_column(r, f, b, c, from, n);
            continue;
        }
        int arg =
            direct == 1 ? find_arg(r, GEN_OUT_ROW, -1) : find_arg(r, GEN_OUT_TABROW, direct - 2);
        const uint32_t *row = (const uint32_t *)f->out[arg].host + from;
        for (uint32_t i = 0; i < n; i++) idx[i] = row[i] == UINT32_MAX ? -1 : (int64_t)row[i];
        const struct weir_batch *src = direct == 1 ? f->batch : r->q->tables[direct - 2]->payload;
        weir_builder_gather(b, (int)c, &src->col[r->q->k.out[c].column], idx, n);
    }
    weir_builder_set_rows(b, n);
    struct weir_batch *out = NULL;
    int rc = weir_builder_finish(b, &out, err);
    if (!rc) {
        out->origin = f->batch->origin;
        rc = r->sink.out.emit(r->sink.out.ctx, out, err);
    }
    weir_batch_unref(out);
    return rc;
}

static int deliver_output(struct weir_run *r, struct flight *f, struct weir_error *err)
{
    const struct weir_step *last = weir_pipe_last(r->q->p);
    struct weir_type *types = weir_calloc(last->n + 1, sizeof *types);
    int64_t *idx = weir_malloc(WEIR_BATCH_ROWS * sizeof *idx);
    struct weir_builder *b = NULL;
    int rc = types && idx ? WEIR_OK : weir_fail_nomem(err, 0, "taking rows from the device");
    for (uint32_t c = 0; !rc && c < last->n; c++)
        types[c] = weir_pipe_insn(r->q->p)[weir_pipe_operand(r->q->p)[last->first + c]].type;
    if (!rc) rc = weir_builder_new(r->pool, (int)last->n, types, &b, err);
    for (uint32_t g = 0; !rc && g < f->groups; g++)
        for (uint32_t at = 0; !rc && at < group_rows(f, g); at += WEIR_BATCH_ROWS) {
            uint32_t n = group_rows(f, g) - at;
            rc = deliver_rows(r, f, b, idx, (size_t)g * f->cap + at,
                              n < WEIR_BATCH_ROWS ? n : WEIR_BATCH_ROWS, err);
        }
    weir_builder_free(b);
    weir_free(types);
    weir_free(idx);
    return rc;
}

int cl_deliver(struct weir_run *r, struct flight *f, cl_int *code, struct weir_error *err)
{
    for (int i = 0; i < r->q->k.n_args; i++) {
        if (r->q->k.arg[i].kind < GEN_GROUPS) continue;
        *code = fetch_rows(r, f, i);
        if (*code) return WEIR_OK;
    }
    if (weir_pipe_last(r->q->p)->kind == WEIR_STEP_AGGREGATE) return deliver_sums(r, f, err);
    return deliver_output(r, f, err);
}

/* ---- groups with keys ---- */

static cl_int fetch_table(struct weir_run *r)
{
    struct group_table *t = &r->table;
    size_t row = (size_t)r->q->k.stride * 8, part = t->cap * row;
    bool unified = r->q->b->info->unified;
    cl_int rc = cl_fetch(r, &t->counts, 0, t->parts * 4);
    if (!rc && r->q->k.gpu) rc = cl_fetch(r, &t->directory, 0, (size_t)t->cap * 8);
    if (!rc && (unified || r->q->k.gpu)) return cl_fetch(r, &t->rows, 0, t->parts * part);
    for (uint32_t g = 0; !rc && g < t->parts; g++)
        rc = cl_fetch(r, &t->rows, g * part, ((const uint32_t *)t->counts.host)[g] * row);
    return rc;
}

/* Merge the groups of PART, copied together in ROOM (for WEIR_VECTOR rows). */
static int merge_part(struct weir_run *r, uint32_t part, const struct weir_batch *batch,
                      uint64_t *room, struct weir_error *err)
{
    const struct group_table *t = &r->table;
    const struct gen_kernel *k = &r->q->k;
    const uint64_t *row = (const uint64_t *)t->rows.host + (size_t)part * t->cap * k->stride;
    const uint64_t *slot = k->gpu ? t->directory.host : NULL; /* GPU shape: 0 is a free one */
    uint32_t n = slot ? t->cap : ((const uint32_t *)t->counts.host)[part], m = 0;
    int rc = WEIR_OK;
    for (uint32_t i = 0; i < n && !rc; i++, row += k->stride) {
        if (slot && !slot[i]) continue;
        uint64_t *to = room + (size_t)m * k->words;
        memcpy(to, row, k->words * 8);
        if (slot) gen_gpu_decode(r->q->p, to);
        if (k->texts) resolve_texts(r, batch, to);
        if (++m < WEIR_VECTOR) continue;
        rc = weir_groups_merge_rows(r->sink.out.groups, room, m, err);
        m = 0;
    }
    return rc ? rc : weir_groups_merge_rows(r->sink.out.groups, room, m, err);
}

int cl_deliver_table(struct weir_run *r, const struct weir_batch *batch, cl_int *code,
                     struct weir_error *err)
{
    struct group_table *t = &r->table;
    uint64_t *room = weir_malloc((size_t)WEIR_VECTOR * r->q->k.words * 8);
    if (!room) return weir_fail_nomem(err, WEIR_VECTOR * 8, "taking groups from the device");
    int rc = WEIR_OK;
    *code = fetch_table(r);
    for (uint32_t g = 0; !rc && !*code && g < t->parts; g++)
        rc = merge_part(r, g, batch, room, err);
    cl_unfetch(r, &t->counts);
    cl_unfetch(r, &t->directory);
    cl_unfetch(r, &t->rows);
    weir_free(room);
    return rc;
}
#endif
