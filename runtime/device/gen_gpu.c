/* Groups with keys on a GPU: one table for all work-items, without a lock and without waiting.

   D[slot] is claimed by one compare-and-swap that puts the kernel's number and the number (+ 1) of
   the claimer's row there; that never changes, and so says for good what the slot's keys are:
   whoever meets it compares with that row's columns in the batch, or, if an earlier kernel claimed
   it, with the keys that it left in the slot. So the keys must be columns of the input. The
   accumulators of
   slot i are at G[i * words], neutral (zero) before the kernel starts, and the claimer adds like
   everybody. Only commutative integer atomics are used; the result does not depend on any order.
   MIN and MAX are maxima of words in which 0 is the neutral element (gen_gpu_decode brings them
   back). */
#include <string.h>

#include "runtime/device/gen_impl.h"

#define SIGN ((uint64_t)1 << 63)

static enum weir_phys phys(const struct gen *g, uint32_t reg)
{
    return weir_type_phys(weir_pipe_insn(g->p)[reg].type);
}
static bool is_float(enum weir_phys p)
{
    return p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
}

static bool supported(struct gen *g, const struct weir_step *s)
{
    const uint32_t *key = weir_pipe_operand(g->p) + s->first;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct weir_insn *in = weir_pipe_insn(g->p) + key[i];
        if (in->op != WEIR_OP_COLUMN || in->table)
            gen_refuse(g, "grouping by a computed key runs natively on this kind of device");
    }
    for (uint32_t i = 0; i < g->p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
        enum weir_phys p = a->arg == WEIR_REG_NONE ? WEIR_PHYS_I64 : weir_type_phys(a->arg_type);
        bool sum = a->fn == WEIR_AGG_SUM || a->fn == WEIR_AGG_AVG;
        if (!gen_agg_supported(g, a)) return false;
        if (a->fn > WEIR_AGG_MAX || (sum && is_float(p)))
            gen_refuse(g,
                       "%s of floating-point numbers by groups runs natively: atomics would round",
                       weir_agg_name((enum weir_agg_fn)a->fn));
        else if (a->fn != WEIR_AGG_COUNT && p == WEIR_PHYS_I128)
            gen_refuse(g, "%s of a 128-bit DECIMAL by groups runs natively on this kind of device",
                       weir_agg_name((enum weir_agg_fn)a->fn));
    }
    return !g->refused;
}

/* `same`: have row `y` of the batch and this row the same value in key column REG? */
static void compare_key(struct gen *g, uint32_t reg, uint32_t word)
{
    uint32_t c = weir_pipe_insn(g->p)[reg].a;
    enum weir_phys p = phys(g, reg);
    char v[32], n[32], d[32];
    gen_arg_name(g, GEN_IN_VALUES, (int)c, 0, v);
    gen_put(g, "if (same) {");
    if (g->may[reg]) {
        gen_arg_name(g, GEN_IN_VALID, (int)c, 0, n);
        gen_put(g, "uchar z = (uchar)(%s && !WK_BIT(%s, y)); if (z || s%u) same = z && s%u; else {",
                n, n, reg, reg);
    } else {
        gen_put(g, "{");
    }
    if (p == WEIR_PHYS_STR) {
        gen_arg_name(g, GEN_IN_BYTES, (int)c, 0, d);
        gen_put(g, "wk_s t = {%s + %s[y], (uint)(%s[y + 1] - %s[y]), 0}; same = wk_eq_s(r%u, t);",
                d, v, v, v, reg);
    } else if (is_float(p)) {
        gen_put(g, "same = wk_key_f64(%s[y]) == k%u;", v, word);
    } else if (p == WEIR_PHYS_BOOL) {
        gen_put(g, "same = WK_BIT(%s, y) == k%u;", v, word);
    } else if (p == WEIR_PHYS_I128) {
        gen_put(g, "same = %s[y].x == k%u && %s[y].y == k%u;", v, word, v, word + 1);
    } else {
        gen_put(g, "same = (ulong)(long)%s[y] == k%u;", v, word);
    }
    gen_put(g, "} }");
}

/* R: the row's group. The claimer of a slot writes what merging wants to know of the keys. */
static uint32_t find_slot(struct gen *g, const uint32_t *key, uint32_t n)
{
    uint32_t n_words = 0, w = 0;
    for (uint32_t i = 0; i < n; i++) n_words += gen_words(phys(g, key[i]));
    gen_key_words(g, key, n, "");
    gen_key_hash(g, key, n, "");
    gen_put(g, "volatile __global ulong *R; uint tries = 0;");
    gen_put(g, "ulong claim = (ulong)epoch << 32 | (row + 1);");
    gen_put(g, "for (uint at = (uint)(h >> dshift);; at = (at + 1) & dmask) {");
    gen_put(g, "if (tries++ > dmask) WK_FULL(1)");
    gen_put(g, "R = G + (ulong)at * %u; ulong x = atom_cmpxchg(D + at, 0UL, claim);", g->k->stride);
    gen_put(g, "if (!x) { if (atomic_inc(T) > dmask / 4 * 3) WK_FULL(1)");
    gen_put(g, "R[0] = h; R[1] = nulls;");
    for (uint32_t k = 0; k < n_words; k++)
        gen_put(g, "R[%u] = k%u;", WEIR_GROUP_HEADER_WORDS + k, k);
    gen_put(g, "break; }");
    gen_put(g, "uchar same = 1; if ((uint)(x >> 32) == epoch) { uint y = (uint)x - 1;");
    for (uint32_t i = 0; i < n; i++) {
        compare_key(g, key[i], w);
        w += gen_words(phys(g, key[i]));
    }
    gen_put(g, "} else { same = R[1] == nulls;");
    for (uint32_t k = 0; !g->k->texts && k < n_words; k++)
        gen_put(g, "same &= R[%u] == k%u;", WEIR_GROUP_HEADER_WORDS + k, k);
    gen_put(g, "} if (same) break; }");
    return n_words;
}

static void accumulate(struct gen *g, const struct weir_pipe_agg *a, uint32_t w)
{
    if (a->fn == WEIR_AGG_COUNT) {
        gen_put(g, "atom_inc(R + %u);", w);
    } else if (a->fn == WEIR_AGG_SUM || a->fn == WEIR_AGG_AVG) {
        gen_put(g, "WK_ATOMIC_SUM(R + %u, R + %u, r%u) atom_inc(R + %u);", w, w + 1, a->arg, w + 2);
    } else {
        bool f = is_float(weir_type_phys(a->arg_type)), min = a->fn == WEIR_AGG_MIN;
        gen_put(
            g,
            "wk_atomic_max(R + %u, %s((ulong)%s(r%u) ^ 0x8000000000000000UL)); atom_inc(R + %u);",
            w, min ? "~" : "", f ? "wk_order_f64" : "", a->arg, w + 1);
    }
}

static void aggregate(struct gen *g, uint32_t i, uint32_t word)
{
    const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
    char s[16];
    gen_put(g, "{ uchar on = 1;");
    if (a->filter != WEIR_REG_NONE)
        gen_put(g, "on = !%s && r%u;", gen_state(g, a->filter, s), a->filter);
    if (a->arg != WEIR_REG_NONE) gen_put(g, "if (%s) on = 0;", gen_state(g, a->arg, s));
    gen_put(g, "if (on) {");
    accumulate(g, a, word);
    gen_put(g, "} }");
}

/* An error ends everything; it must be seen before the row has touched the table. */
static void values(struct gen *g, const struct weir_pipe_agg *a)
{
    char s[16];
    if (a->filter != WEIR_REG_NONE) gen_scalar(g, a->filter);
    if (a->arg != WEIR_REG_NONE) gen_scalar(g, a->arg);
    if (g->refused) return;
    if (a->filter != WEIR_REG_NONE && g->may[a->filter])
        gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", a->filter, a->filter);
    if (a->arg == WEIR_REG_NONE || !g->may[a->arg]) return;
    if (a->filter != WEIR_REG_NONE)
        gen_put(g, "if (s%u > 1 && !%s && r%u) WK_FAIL(s%u)", a->arg, gen_state(g, a->filter, s),
                a->filter, a->arg);
    else
        gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", a->arg, a->arg);
}

void gen_gpu_group(struct gen *g, const struct weir_step *s)
{
    const uint32_t *key = weir_pipe_operand(g->p) + s->first;
    if (!supported(g, s)) return;
    for (uint32_t i = 0; i < s->n; i++) gen_scalar(g, key[i]);
    for (uint32_t i = 0; i < g->p->n_aggs && !g->refused; i++) values(g, weir_pipe_agg(g->p) + i);
    if (g->refused) return;
    uint32_t word = WEIR_GROUP_HEADER_WORDS + find_slot(g, key, s->n);
    for (uint32_t i = 0; i < g->p->n_aggs; i++) {
        aggregate(g, i, word);
        word += weir_agg_words(weir_pipe_agg(g->p) + i);
    }
}

void gen_gpu_decode(const struct weir_pipeline *p, uint64_t *row)
{
    const struct weir_step *s = weir_pipe_last(p);
    uint32_t word = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t i = 0; i < s->n; i++)
        word +=
            gen_words(weir_type_phys(weir_pipe_insn(p)[weir_pipe_operand(p)[s->first + i]].type));
    for (uint32_t i = 0; i < p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(p) + i;
        if ((a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX) && row[word + 1]) {
            uint64_t v = (a->fn == WEIR_AGG_MIN ? ~row[word] : row[word]) ^ SIGN;
            if (is_float(weir_type_phys(a->arg_type))) v ^= (uint64_t)((int64_t)v >> 63) >> 1;
            row[word] = v;
        } else if (a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX) {
            row[word] = 0;
        }
        word += weir_agg_words(a);
    }
}
