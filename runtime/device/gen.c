/* The generator for CPU-type devices: one kernel from a pipeline.

   A work-group (one thread) has a contiguous chunk of rows. A prefix of FILTER steps whose
   predicates vectorise runs on eight rows at once and leaves a mask; without keys, and if their
   arguments vectorise, the aggregates go on in lanes, else the rows of the mask are worked on one
   by one: the remaining steps become nested code, a PROBE or EXPAND a loop, a FILTER a `continue`
   of the innermost one. A register is computed where it is first needed, so later steps pay only
   for rows that came so far. The last, incomplete eight rows are the last eight of the chunk again,
   with the rows that are done masked out; a batch of less than eight rows has room for eight in its
   columns. */
#include <stdio.h>
#include <string.h>

#include "runtime/device/gen_impl.h"

void gen_put(struct gen *g, const char *fmt, ...)
{
    char line[640];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    weir_buf_puts(&g->body, "    ");
    weir_buf_puts(&g->body, line);
    weir_buf_putc(&g->body, '\n');
}

void gen_refuse(struct gen *g, const char *fmt, ...)
{
    if (g->refused) return;
    g->refused = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(g->why, g->why_size, fmt, ap);
    va_end(ap);
}

const char *gen_arg_name(struct gen *g, enum gen_arg_kind kind, int a, int b, char buf[32])
{
    static const char *const stem[] = {"n",    "chunk", "K",  "KB", "status", "cap", "c",
                                       "cv",   "cb",    "t",  "tv", "tb",     "to",  "ts",
                                       "tw",   "ti",    "G",  "D",  "dmask",  "T",   "epoch",
                                       "orow", "otab",  "ov", "os"};
    struct gen_kernel *k = g->k;
    int i = 0;
    while (i < k->n_args && (k->arg[i].kind != kind || k->arg[i].a != a || k->arg[i].b != b)) i++;
    if (i == k->n_args) {
        if (i == GEN_MAX_ARGS) {
            gen_refuse(g, "the pipeline reads more columns than a kernel takes arguments");
        } else {
            k->arg[k->n_args++] = (struct gen_arg){(uint8_t)kind, (uint16_t)a, (uint16_t)b};
        }
    }
    if (kind <= GEN_CAP || (kind >= GEN_GROUPS && kind <= GEN_OUT_ROW))
        snprintf(buf, 32, "%s", stem[kind]);
    else
        snprintf(buf, 32, "%s%d_%d", stem[kind], a, b);
    return buf;
}

int gen_space_number(struct gen *g, enum gen_arg_kind kind, int a, int b)
{
    struct gen_kernel *k = g->k;
    char name[32];
    gen_arg_name(g, kind, a, b, name);
    for (int i = 0; i < k->n_spaces; i++)
        if (k->space[i].kind == kind && k->space[i].a == a && k->space[i].b == b) return i;
    if (k->n_spaces == (int)(sizeof k->space / sizeof *k->space)) {
        gen_refuse(g, "the pipeline reads more text columns than a kernel keeps apart");
        return 0;
    }
    k->space[k->n_spaces] = (struct gen_space){(uint8_t)kind, (uint16_t)a, (uint16_t)b};
    return k->n_spaces++;
}

/* ---- constants ---- */

static int make_consts(struct gen *g, struct weir_error *err)
{
    const struct weir_const *c = weir_pipe_const(g->p);
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->p->n_consts; i++) {
        g->const_at[i] = n;
        n += weir_type_phys(c[i].type) == WEIR_PHYS_STR ||
                     weir_type_phys(c[i].type) == WEIR_PHYS_I128
                 ? 2
                 : 1;
    }
    g->k->const_word = weir_calloc((size_t)n + 1, sizeof(uint64_t));
    if (!g->k->const_word) return weir_fail_nomem(err, n * 8u, "generating a kernel");
    g->k->n_const_words = n;
    for (uint32_t i = 0; i < g->p->n_consts; i++) {
        uint64_t *w = g->k->const_word + g->const_at[i];
        enum weir_phys p = weir_type_phys(c[i].type);
        if (c[i].is_null) continue;
        memcpy(w, c[i].w, 8);
        if (p == WEIR_PHYS_STR) w[1] = c[i].len;
        if (p == WEIR_PHYS_I128) w[1] = c[i].w[1];
    }
    return WEIR_OK;
}

/* ---- PROBE ---- */

static void lookup_dense(struct gen *g, const struct weir_step *s, const uint32_t *key)
{
    char o[32], info[32];
    int t = s->table;
    const struct weir_join_table *table = g->tables[t];
    gen_arg_name(g, GEN_TAB_INFO, t, 0, info);
    gen_put(g, "ulong id%d = (ulong)r%u - %s[0];", t, key[0], info);
    if (table->max_matches == 1 && table->payload->n_rows == table->n_ids) { /* a row for each id */
        gen_put(g, "if (!nulls_%d_ && id%d < %s[2]) { lo%d = (uint)id%d; hi%d = (uint)id%d + 1; }",
                t, t, info, t, t, t, t);
        return;
    }
    gen_arg_name(g, GEN_TAB_OFFSET, t, 0, o);
    gen_put(g, "if (!nulls_%d_ && id%d < %s[2]) { lo%d = %s[id%d]; hi%d = %s[id%d + 1]; }", t, t,
            info, t, o, t, t, o, t);
}

/* Equality of the probe key with the stored one: words, and for texts the payload's key column. */
static void lookup_hash(struct gen *g, const struct weir_step *s, const uint32_t *key)
{
    char o[32], info[32], slot[32], words[32], v[32], d[32];
    int t = s->table;
    uint32_t total = 0, w = 0;
    for (uint32_t i = 0; i < s->n; i++)
        total += gen_words(weir_type_phys(weir_pipe_insn(g->p)[key[i]].type));
    gen_arg_name(g, GEN_TAB_OFFSET, t, 0, o);
    gen_arg_name(g, GEN_TAB_INFO, t, 0, info);
    gen_arg_name(g, GEN_TAB_SLOT, t, 0, slot);
    gen_arg_name(g, GEN_TAB_WORDS, t, 0, words);
    gen_put(g, "if (!nulls_%d_) for (ulong at = h_%d_ & %s[1];; at = (at + 1) & %s[1]) {", t, t,
            info, info);
    gen_put(g, "ulong x = %s[at]; if (!x) break; if ((x ^ h_%d_) >> 32) continue;", slot, t);
    gen_put(g,
            "uint id = (uint)x - 1; __global const ulong *W = %s + (ulong)id * %u; uchar same = 1;",
            words, total);
    for (uint32_t i = 0; i < s->n; i++) {
        if (weir_type_phys(weir_pipe_insn(g->p)[key[i]].type) == WEIR_PHYS_STR) {
            gen_arg_name(g, GEN_TAB_VALUES, t, (int)i, v);
            gen_arg_name(g, GEN_TAB_BYTES, t, (int)i, d);
            gen_put(g,
                    "if (same) { uint f = %s[id]; wk_s y = {%s + %s[f], (uint)(%s[f + 1] - %s[f]), "
                    "0}; same = wk_eq_s(r%u, y); }",
                    o, d, v, v, v, key[i]);
            w += 2;
        } else {
            gen_put(g, "same &= W[%u] == k_%d_%u;", w, t, w);
            w++;
            if (weir_type_phys(weir_pipe_insn(g->p)[key[i]].type) != WEIR_PHYS_I128) continue;
            gen_put(g, "same &= W[%u] == k_%d_%u;", w, t, w);
            w++;
        }
    }
    gen_put(g, "if (same) { lo%d = %s[id]; hi%d = %s[id + 1]; break; } }", t, o, t, o);
}

static void steps(struct gen *g, uint32_t first);

/* The candidates are payload rows [lo, hi). */
static void probe_lookup(struct gen *g, const struct weir_step *s)
{
    const uint32_t *key = weir_pipe_operand(g->p) + s->first;
    char sfx[16];
    int t = s->table;
    const struct weir_join_table *table = g->tables ? g->tables[t] : NULL;
    for (uint32_t i = 0; i < s->n; i++) gen_scalar(g, key[i]);
    if (g->refused) return;
    snprintf(sfx, sizeof sfx, "_%d_", t);
    gen_put(g, "uint lo%d = 0, hi%d = 0;", t, t);
    gen_key_words(g, key, s->n, sfx);
    if (!table || !table->dense) gen_key_hash(g, key, s->n, sfx);
    if (s->n == 0) {
        char info[32];
        gen_arg_name(g, GEN_TAB_INFO, t, 0, info);
        gen_put(g, "hi%d = (uint)%s[0];", t, info);
    } else if (table && table->dense) {
        lookup_dense(g, s, key);
    } else {
        lookup_hash(g, s, key);
    }
}

/* One candidate's residual: `continue` when it does not count. */
static void residual(struct gen *g, const struct weir_step *s)
{
    char st[16];
    if (s->residual == WEIR_REG_NONE) return;
    gen_scalar(g, s->residual);
    if (g->refused) return;
    if (g->may[s->residual]) gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", s->residual, s->residual);
    gen_put(g, "if (%s || !r%u) continue;", gen_state(g, s->residual, st), s->residual);
}

static void probe(struct gen *g, uint32_t number)
{
    const struct weir_step *s = weir_pipe_step(g->p) + number;
    int t = s->table;
    char info[32];
    probe_lookup(g, s);
    if (g->refused) return;
    if (s->join == WEIR_JOIN_INNER) {
        g->k->expands = true;
        gen_put(g, "for (uint j%d = lo%d; j%d < hi%d; j%d++) {", t, t, t, t, t);
        residual(g, s);
        steps(g, number + 1);
        gen_put(g, "}");
        return;
    }
    if (s->join == WEIR_JOIN_LEFT) {
        g->k->expands = true;
        gen_put(g, "uchar any%d = 0;", t);
        gen_put(g, "for (uint q%d = lo%d; q%d <= hi%d; q%d++) {", t, t, t, t, t);
        gen_put(g, "if (q%d == hi%d && any%d) break;", t, t, t);
        gen_put(g, "uint j%d = q%d == hi%d ? 0xffffffffu : q%d;", t, t, t, t);
        if (s->residual != WEIR_REG_NONE) {
            uint8_t *saved = weir_malloc(g->p->n_insns);
            if (!saved) {
                gen_refuse(g, "out of memory");
                return;
            }
            memcpy(saved, g->scalar, g->p->n_insns);
            gen_put(g, "if (q%d != hi%d) {", t, t);
            residual(g, s);
            gen_put(g, "}");
            memcpy(g->scalar, saved, g->p->n_insns);
            weir_free(saved);
        }
        gen_put(g, "any%d = 1;", t);
        steps(g, number + 1);
        gen_put(g, "}");
        return;
    }
    /* SEMI, ANTI: does any candidate count? */
    gen_put(g, "uchar any%d = 0;", t);
    uint8_t *saved = weir_malloc(g->p->n_insns + 1);
    if (!saved) {
        gen_refuse(g, "out of memory");
        return;
    }
    memcpy(saved, g->scalar, g->p->n_insns);
    gen_put(g, "for (uint j%d = lo%d; j%d < hi%d && !any%d; j%d++) {", t, t, t, t, t, t);
    residual(g, s);
    gen_put(g, "any%d = 1; }", t);
    memcpy(g->scalar, saved, g->p->n_insns);
    weir_free(saved);
    gen_arg_name(g, GEN_TAB_INFO, t, 0, info);
    if (s->join == WEIR_JOIN_ANTI_NULL)
        gen_put(g, "if (any%d || (%s[3] & 1) || (nulls_%d_ && !(%s[3] & 2))) continue;", t, info, t,
                info);
    else
        gen_put(g, "if (%sany%d) continue;", s->join == WEIR_JOIN_SEMI ? "!" : "", t);
    steps(g, number + 1);
}

/* ---- the other steps ---- */

static void filter(struct gen *g, uint32_t number)
{
    const struct weir_step *s = weir_pipe_step(g->p) + number;
    char st[16];
    gen_scalar(g, s->a);
    if (g->refused) return;
    if (g->may[s->a]) gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", s->a, s->a);
    gen_put(g, "if (%s || !r%u) continue;", gen_state(g, s->a, st), s->a);
    steps(g, number + 1);
}

static void expand(struct gen *g, uint32_t number)
{
    const struct weir_step *s = weir_pipe_step(g->p) + number;
    g->k->expands = true;
    gen_scalar(g, s->a);
    if (g->refused) return;
    if (g->may[s->a]) gen_put(g, "if (s%u > 1) WK_FAIL(s%u) if (s%u) continue;", s->a, s->a, s->a);
    /* windows start at multiples of slide + offset in (t - size, t] */
    gen_put(g, "long e%u = r%u - %lldL, m%u = e%u %% %lldL; m%u += m%u < 0 ? %lldL : 0;", number,
            s->a, (long long)s->offset_us, number, number, (long long)s->slide_us, number, number,
            (long long)s->slide_us);
    gen_put(g, "long y%u = (%lldL - m%u + %lldL - 1) / %lldL;", number, (long long)s->size_us,
            number, (long long)s->slide_us, (long long)s->slide_us);
    gen_put(g, "for (long x%u = 0; x%u < y%u; x%u++) {", number, number, number, number);
    steps(g, number + 1);
    gen_put(g, "}");
}

static void output_column(struct gen *g, uint32_t c, uint32_t reg)
{
    const struct weir_insn *in = weir_pipe_insn(g->p) + reg;
    char v[32], st[32], s[16];
    if (in->op == WEIR_OP_COLUMN) {
        g->k->out[c].direct = (uint8_t)(in->table + 1);
        g->k->out[c].column = in->a;
        if (in->table) {
            gen_arg_name(g, GEN_OUT_TABROW, in->table - 1, 0, v);
            gen_put(g, "%s[o] = j%d;", v, in->table - 1);
        }
        return;
    }
    gen_scalar(g, reg);
    if (g->refused) return;
    enum weir_phys p = weir_type_phys(in->type);
    gen_arg_name(g, GEN_OUT_VALUES, (int)c, 0, v);
    gen_arg_name(g, GEN_OUT_STATE, (int)c, 0, st);
    if (g->may[reg]) gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", reg, reg);
    gen_put(g, "%s[o] = %s;", st, gen_state(g, reg, s));
    g->k->out[c].words = (uint8_t)gen_words(p);
    if (p == WEIR_PHYS_STR)
        gen_put(g,
                "%s[o] = (ulong2)((ulong)r%u.space << 40 | (ulong)(r%u.p - base_of[r%u.space]), "
                "r%u.len);",
                v, reg, reg, reg, reg);
    else if (p == WEIR_PHYS_I128)
        gen_put(g, "%s[o] = (ulong2)(wk_i128_lo(r%u), (ulong)wk_i128_hi(r%u));", v, reg, reg);
    else
        gen_put(g, "%s[o] = r%u;", v, reg);
}

static void output(struct gen *g, const struct weir_step *s)
{
    const uint32_t *reg = weir_pipe_operand(g->p) + s->first;
    char row[32];
    /* what may fail or end the row comes before the row is counted */
    for (uint32_t c = 0; c < s->n && !g->refused; c++)
        if (weir_pipe_insn(g->p)[reg[c]].op != WEIR_OP_COLUMN) gen_scalar(g, reg[c]);
    if (g->refused) return;
    if (g->k->gpu) { /* counts on when there is no room, so that the host knows how much it takes */
        gen_put(g, "uint o = atomic_inc(S + ST_ROWS); if (o >= cap) atomic_max(S + ST_FULL, 1u); "
                   "else {");
    } else {
        gen_put(g, "if (count == cap) WK_FULL(count + 1)");
        gen_put(g, "ulong o = (ulong)group * cap + count++;");
    }
    gen_arg_name(g, GEN_OUT_ROW, 0, 0, row);
    gen_put(g, "%s[o] = row;", row);
    for (uint32_t c = 0; c < s->n && !g->refused; c++) output_column(g, c, reg[c]);
    if (g->k->gpu) gen_put(g, "}");
}

static void steps(struct gen *g, uint32_t first)
{
    if (g->refused) return;
    const struct weir_step *s = weir_pipe_step(g->p) + first;
    switch (s->kind) {
    case WEIR_STEP_FILTER: filter(g, first); break;
    case WEIR_STEP_PROBE: probe(g, first); break;
    case WEIR_STEP_EXPAND: expand(g, first); break;
    case WEIR_STEP_OUTPUT: output(g, s); break;
    default:
        if (g->k->gpu && s->n)
            gen_gpu_group(g, s);
        else
            gen_group(g, s);
    }
}

/* ---- the kernel ---- */

/* How many FILTER steps at the start can run on lanes. */
static uint32_t vector_prefix(const struct gen *g)
{
    uint32_t n = 0;
    const struct weir_step *s = weir_pipe_step(g->p);
    while (s[n].kind == WEIR_STEP_FILTER && gen_can_vector(g, s[n].a)) n++;
    return n;
}

static bool lanes_to_the_end(const struct gen *g, uint32_t prefix)
{
    const struct weir_step *s = weir_pipe_step(g->p) + prefix;
    if (s->kind != WEIR_STEP_AGGREGATE || s->n) return false;
    for (uint32_t i = 0; i < g->p->n_aggs; i++)
        if (!gen_agg_can_vector(g, weir_pipe_agg(g->p) + i)) return false;
    return true;
}

static void vector_filter(struct gen *g, const struct weir_step *s)
{
    char w[32];
    gen_vector(g, s->a);
    if (g->vec[s->a] & 2) {
        gen_put(g, "if (wk_any8((%s > 1L) & mask)) WK_FAIL(WK_ERR_OVERFLOW)",
                gen_vstate(g, s->a, w));
        gen_put(g, "mask &= %s == 0;", gen_vstate(g, s->a, w));
    }
    gen_put(g, "mask &= v%u != 0;", s->a);
}

#define BLOCK (GEN_QUEUE / 2)

/* Does a row of the batch give at most one row of groups? */
static bool at_most_one(const struct gen *g)
{
    const struct weir_step *s = weir_pipe_step(g->p);
    for (; s->kind == WEIR_STEP_FILTER || s->kind == WEIR_STEP_PROBE; s++)
        if (s->kind == WEIR_STEP_PROBE &&
            (s->join == WEIR_JOIN_INNER || s->join == WEIR_JOIN_LEFT) &&
            (!g->tables || !s->n || g->tables[s->table]->max_matches > 1))
            return false;
    return s->kind == WEIR_STEP_AGGREGATE && s->n;
}

/* All steps behind the PREFIX filters on the rows from FROM to TO (their names in the text). The
   numbers of the rows that the filters leave are gathered, a block at a time, without a branch that
   could be mispredicted. */
static void rows_loop(struct gen *g, uint32_t prefix, const char *from, const char *to)
{
    const struct weir_step *s = weir_pipe_step(g->p);
    if (!prefix) {
        gen_put(g, "for (uint row = %s; row < %s; row++) {", from, to);
        steps(g, 0);
        gen_put(g, "}");
        return;
    }
    gen_put(g, "for (uint at8 = %s, n_left; at8 < %s;) { n_left = 0;", from, to);
    gen_put(g, "for (uint stop = %s - at8 < %d ? %s : at8 + %d; at8 < stop; at8 += 8) {", to, BLOCK,
            to, BLOCK);
    gen_put(g, "uint base = at8 + 8 <= to ? at8 : to < 8 ? 0 : to - 8;");
    gen_put(g, "long8 mask = (WK_LANES >= (long)(at8 - base)) & (WK_LANES < (long)(to - base));");
    for (uint32_t i = 0; i < prefix; i++) vector_filter(g, s + i);
    gen_put(g, "if (!wk_any8(mask)) continue;");
    gen_put(g, "long lane[8]; vstore8(mask, 0, lane);");
    gen_put(g,
            "for (uint q8 = 0; q8 < 8; q8++) { left[n_left] = base + q8; n_left -= (int)lane[q8]; "
            "} }");
    gen_put(g, "for (uint q = 0; q < n_left; q++) { uint row = left[q];");
    steps(g, prefix);
    gen_put(g, "} }");
}

/* The same, and the rows of groups by way of a queue, which a block of rows may fill to the half. */
static void queue_loop(struct gen *g, uint32_t prefix)
{
    struct weir_buf before = g->body;
    g->body = (struct weir_buf){0};
    g->queue = true;
    gen_put(g, "for (uint first = from; first < to; first += %d) {", BLOCK);
    gen_put(g, "uint last = to - first < %d ? to : first + %d;", BLOCK, BLOCK);
    rows_loop(g, prefix, "first", "last");
    gen_put(g, "if (queued < %d && last < to) continue;", BLOCK);
    if (!g->refused) gen_queue_flush(g, weir_pipe_last(g->p));
    gen_put(g, "}");
    struct weir_buf loop = g->body;
    g->body = before;
    if (!g->refused) gen_queue_declare(g, weir_pipe_last(g->p));
    weir_buf_add(&g->body, loop.data, loop.len);
    g->body.oom = g->body.oom || loop.oom;
    weir_buf_release(&loop);
}

/* Aggregates without keys on lanes to the end. */
static void lanes_loop(struct gen *g, uint32_t prefix)
{
    uint32_t word = WEIR_GROUP_HEADER_WORDS;
    const struct weir_step *s = weir_pipe_step(g->p);
    for (uint32_t i = 0; i < g->p->n_aggs; i++) gen_agg_vector_declare(g, i);
    gen_put(g, "for (uint at8 = from; at8 < to; at8 += 8) {");
    gen_put(g, "uint base = at8 + 8 <= to ? at8 : to < 8 ? 0 : to - 8;");
    gen_put(g, "long8 mask = (WK_LANES >= (long)(at8 - base)) & (WK_LANES < (long)(to - base));");
    for (uint32_t i = 0; i < prefix; i++) vector_filter(g, s + i);
    for (uint32_t i = 0; i < g->p->n_aggs; i++) gen_agg_vector(g, i);
    gen_put(g, "}");
    for (uint32_t i = 0; i < g->p->n_aggs; i++) {
        gen_agg_vector_end(g, i, word);
        word += weir_agg_words(weir_pipe_agg(g->p) + i);
    }
}

static void body(struct gen *g)
{
    if (g->k->gpu) {
        gen_put(g, "for (ulong item = get_global_id(0); item < n; item += get_global_size(0)) {");
        gen_put(g, "uint row = (uint)item;");
        steps(g, 0);
        gen_put(g, "}");
        return;
    }
    uint32_t prefix = vector_prefix(g);
    bool lanes = lanes_to_the_end(g, prefix);
    g->k->vector = lanes || prefix > 0;
    if (prefix && !lanes) gen_put(g, "uint left[%d];", BLOCK + 1);
    if (lanes)
        lanes_loop(g, prefix);
    else if (at_most_one(g))
        queue_loop(g, prefix);
    else
        rows_loop(g, prefix, "from", "to");
}

static void declare_args(struct gen *g, struct weir_buf *out)
{
    char name[32];
    struct gen_kernel *k = g->k;
    for (int i = 0; i < k->n_args; i++) {
        const struct gen_arg *a = &k->arg[i];
        gen_arg_name(g, (enum gen_arg_kind)a->kind, a->a, a->b, name);
        const char *ct = "uchar";
        enum weir_phys p = WEIR_PHYS_BOOL;
        if (a->kind == GEN_IN_VALUES) p = weir_type_phys(weir_pipe_input(g->p)[a->a]);
        if (a->kind == GEN_TAB_VALUES)
            p = weir_type_phys(weir_pipe_type(g->p)[weir_pipe_table(g->p)[a->a].first_type + a->b]);
        if (a->kind == GEN_IN_VALUES || a->kind == GEN_TAB_VALUES) ct = gen_ctype(p);
        weir_buf_puts(out, i ? ",\n    " : "\n    ");
        switch (a->kind) {
        case GEN_ROWS:
        case GEN_CHUNK:
        case GEN_CAP:
        case GEN_EPOCH:
        case GEN_DIR_MASK: weir_buf_printf(out, "uint %s", name); break;
        case GEN_CONSTS:
        case GEN_TAB_SLOT:
        case GEN_TAB_WORDS:
        case GEN_TAB_INFO: weir_buf_printf(out, "__global const ulong *%s", name); break;
        case GEN_TAB_OFFSET: weir_buf_printf(out, "__global const uint *%s", name); break;
        case GEN_DIRECTORY:
            weir_buf_printf(out, "__global %s *%s", g->k->gpu ? "ulong" : "uint", name);
            break;
        case GEN_STATUS:
        case GEN_COUNTS:
        case GEN_OUT_ROW:
        case GEN_OUT_TABROW: weir_buf_printf(out, "__global uint *%s", name); break;
        case GEN_GROUPS: weir_buf_printf(out, "__global ulong *%s", name); break;
        case GEN_OUT_STATE: weir_buf_printf(out, "__global uchar *%s", name); break;
        case GEN_OUT_VALUES: {
            uint32_t reg = weir_pipe_operand(g->p)[weir_pipe_last(g->p)->first + a->a];
            enum weir_phys rp = weir_type_phys(weir_pipe_insn(g->p)[reg].type);
            weir_buf_printf(out, "__global %s *%s",
                            gen_words(rp) == 2                           ? "ulong2"
                            : rp == WEIR_PHYS_F32 || rp == WEIR_PHYS_F64 ? "double"
                                                                         : "long",
                            name);
            break;
        }
        default: weir_buf_printf(out, "__global const %s *%s", ct, name);
        }
    }
}

static void prologue(struct gen *g, struct weir_buf *out, bool groups, bool sums)
{
    char name[32];
    if (g->k->gpu)
        weir_buf_puts(out, "    __global uint *S = status;\n");
    else
        weir_buf_puts(out,
                      "    uint group = get_group_id(0), count = 0;\n"
                      "    ulong start = (ulong)group * chunk, end = start + chunk;\n"
                      "    uint from = start < n ? (uint)start : n, to = end < n ? (uint)end : n;\n"
                      "    __global uint *S = status + 8 * group;\n    S[ST_ROWS] = S[ST_FULL] = "
                      "S[ST_ERROR] = 0;\n");
    if (g->k->n_spaces) {
        weir_buf_printf(out, "    __global const uchar *base_of[%d];\n", g->k->n_spaces);
        for (int i = 0; i < g->k->n_spaces; i++)
            weir_buf_printf(out, "    base_of[%d] = %s;\n", i,
                            gen_arg_name(g, (enum gen_arg_kind)g->k->space[i].kind,
                                         g->k->space[i].a, g->k->space[i].b, name));
    }
    if (groups && !g->k->gpu) {
        weir_buf_printf(out, "    G += (ulong)group * cap * %u; D += (ulong)group * (dmask + 1);\n",
                        g->k->stride);
        weir_buf_puts(out, "    count = T[group];\n"
                           "    if (!count) for (uint q = 0; q <= dmask; q++) D[q] = 0;\n");
    }
    if (groups) weir_buf_puts(out, "    uint dshift = 32 + clz(dmask);\n#define A(w) R[w]\n");
    if (sums)
        weir_buf_printf(out,
                        "    ulong acc[%u];\n    for (uint q = 0; q < %u; q++) acc[q] = "
                        "0;\n#define A(w) acc[w]\n",
                        g->k->words, g->k->words);
}

/* Put prologue, body and epilogue together. */
static void assemble(struct gen *g)
{
    struct weir_buf *out = &g->k->source;
    const struct weir_step *last = weir_pipe_last(g->p);
    bool groups = last->kind == WEIR_STEP_AGGREGATE && last->n;
    bool sums = last->kind == WEIR_STEP_AGGREGATE && !last->n;
    weir_buf_puts(out, "__kernel void weir_run(");
    declare_args(g, out);
    weir_buf_puts(out, ")\n{\n");
    prologue(g, out, groups, sums);
    weir_buf_add(out, g->body.data, g->body.len);
    if (sums)
        weir_buf_printf(out,
                        "    acc[0] = WK_HASH_SEED;\n    for (uint q = 0; q < %u; q++) "
                        "G[(ulong)%s * %u + q] = acc[q];\n    %s\n",
                        g->k->words, g->k->gpu ? "get_global_id(0)" : "group", g->k->words,
                        g->k->gpu ? "atomic_inc(S + ST_ROWS);" : "count = 1;");
    if (groups && !g->k->gpu) weir_buf_puts(out, "    T[group] = count;\n");
    weir_buf_puts(out, g->k->gpu ? "}\n" : "    S[ST_ROWS] = count;\n}\n");
}

static void fixed_args(struct gen *g)
{
    char name[32];
    const struct weir_step *last = weir_pipe_last(g->p);
    gen_arg_name(g, GEN_ROWS, 0, 0, name);
    gen_arg_name(g, GEN_CHUNK, 0, 0, name);
    gen_arg_name(g, GEN_STATUS, 0, 0, name);
    gen_arg_name(g, GEN_CAP, 0, 0, name);
    if (last->kind != WEIR_STEP_AGGREGATE) return;
    gen_arg_name(g, GEN_GROUPS, 0, 0, name);
    if (!last->n) return;
    gen_arg_name(g, GEN_DIRECTORY, 0, 0, name);
    gen_arg_name(g, GEN_DIR_MASK, 0, 0, name);
    gen_arg_name(g, GEN_COUNTS, 0, 0, name);
    if (g->k->gpu) gen_arg_name(g, GEN_EPOCH, 0, 0, name);
}

static void group_words(struct gen *g)
{
    const struct weir_step *last = weir_pipe_last(g->p);
    uint32_t w = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t i = 0; i < last->n; i++) {
        enum weir_phys p =
            weir_type_phys(weir_pipe_insn(g->p)[weir_pipe_operand(g->p)[last->first + i]].type);
        w += gen_words(p);
        g->k->texts = g->k->texts || (last->kind == WEIR_STEP_AGGREGATE && p == WEIR_PHYS_STR);
    }
    for (uint32_t i = 0; i < g->p->n_aggs; i++) w += weir_agg_words(weir_pipe_agg(g->p) + i);
    g->k->words = g->k->stride = w;
    if (last->kind == WEIR_STEP_AGGREGATE && last->n && w % 8 > 5) g->k->stride = (w + 7) / 8 * 8;
}

int gen_make(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
             enum weir_device_class class_, struct gen_kernel *out, char *why, size_t why_size,
             struct weir_error *err)
{
    memset(out, 0, sizeof *out);
    struct gen g = {.p = p, .tables = tables, .k = out, .why = why, .why_size = why_size};
    out->gpu = class_ == WEIR_DEVICE_GPU;
    g.scalar = weir_calloc(p->n_insns + 1, 3);
    g.const_at = weir_calloc(p->n_consts + 1, sizeof *g.const_at);
    g.kept = weir_calloc(weir_pipe_last(p)->n + 2u * p->n_aggs + 1, sizeof *g.kept);
    out->out = weir_calloc(weir_pipe_last(p)->n + 1, sizeof *out->out);
    int rc = g.scalar && g.const_at && g.kept && out->out
                 ? WEIR_OK
                 : weir_fail_nomem(err, p->n_insns, "generating a kernel");
    if (!rc) {
        g.vec = g.scalar + p->n_insns;
        g.may = g.vec + p->n_insns;
        rc = make_consts(&g, err);
    }
    if (!rc) {
        fixed_args(&g);
        group_words(&g);
        for (uint32_t i = 0; i < p->n_aggs; i++) gen_agg_supported(&g, weir_pipe_agg(p) + i);
        if (!g.refused) body(&g);
        if (!g.refused) assemble(&g);
        if (g.body.oom || out->source.oom)
            rc = weir_fail_nomem(err, out->source.len, "generating a kernel");
    }
    weir_buf_release(&g.body);
    weir_free(g.scalar);
    weir_free(g.const_at);
    weir_free(g.kept);
    if (rc || g.refused) gen_free(out);
    return rc ? rc : g.refused;
}

void gen_free(struct gen_kernel *k)
{
    weir_buf_release(&k->source);
    weir_free(k->const_word);
    weir_free(k->out);
    memset(k, 0, sizeof *k);
}
