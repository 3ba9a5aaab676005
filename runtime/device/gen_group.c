/* Keys and grouping, one row at a time. A work-group has its own groups, G, found through its own
   directory, D, of row numbers + 1 with linear probing.

   Rows are found in two rounds. First they are queued, with their key words, their place in the
   directory and the values that the aggregates need; once QUEUE rows are together, their places are
   read and their groups fetched into the cache, all independent of one another, and only then is
   the first of them looked at. Where the directory is too large for the cache, the bits that a row
   number leaves free hold the bits of the hash that come after the place: so a group of another key
   is seldom fetched. A pipeline that expands rows goes without a queue, row by row.

   Where all keys have a fixed width, the place in the directory comes from multiplying the key
   words with the golden ratio and taking the highest bits (Knuth 6.4): cheap, and integers that
   follow one another never meet. Weir's own hash, which merging needs, is then computed only for a
   new group. */
#include <stdio.h>

#include "runtime/device/gen_impl.h"

static enum weir_phys phys(const struct gen *g, uint32_t reg)
{
    return weir_type_phys(weir_pipe_insn(g->p)[reg].type);
}

uint32_t gen_words(enum weir_phys p)
{
    return p == WEIR_PHYS_STR || p == WEIR_PHYS_I128 ? 2 : 1;
}

void gen_key_words(struct gen *g, const uint32_t *key, uint32_t n, const char *sfx)
{
    char s[16];
    gen_put(g, "ulong nulls%s = 0;", sfx);
    for (uint32_t i = 0, w = 0; i < n; w += gen_words(phys(g, key[i])), i++) {
        uint32_t k = key[i];
        enum weir_phys p = phys(g, k);
        const char *st = gen_state(g, k, s);
        if (g->may[k]) {
            gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", k, k);
            gen_put(g, "if (s%u) nulls%s |= %luUL;", k, sfx, 1UL << (i & 63));
        }
        if (p == WEIR_PHYS_STR) {
            gen_put(g,
                    "ulong k%s%u = %s ? 0 : (ulong)r%u.space << 40 | (ulong)(r%u.p - "
                    "base_of[r%u.space]);",
                    sfx, w, st, k, k, k);
            gen_put(g, "ulong k%s%u = %s ? 0 : r%u.len;", sfx, w + 1, st, k);
        } else if (p == WEIR_PHYS_I128) {
            gen_put(g, "ulong k%s%u = %s ? 0 : wk_i128_lo(r%u);", sfx, w, st, k);
            gen_put(g, "ulong k%s%u = %s ? 0 : (ulong)wk_i128_hi(r%u);", sfx, w + 1, st, k);
        } else if (p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64) {
            gen_put(g, "ulong k%s%u = %s ? 0 : wk_key_f64(r%u);", sfx, w, st, k);
        } else {
            gen_put(g, "ulong k%s%u = %s ? 0 : (ulong)r%u;", sfx, w, st, k);
        }
    }
}

void gen_key_hash(struct gen *g, const uint32_t *key, uint32_t n, const char *sfx)
{
    char s[16];
    gen_put(g, "ulong h%s = WK_HASH_SEED;", sfx);
    for (uint32_t i = 0, w = 0; i < n; w += gen_words(phys(g, key[i])), i++) {
        const char *st = gen_state(g, key[i], s);
        if (phys(g, key[i]) == WEIR_PHYS_STR)
            gen_put(
                g,
                "h%s = %s ? wk_hash_word(h%s, WK_HASH_NULL) : wk_hash_bytes(h%s, r%u.p, r%u.len);",
                sfx, st, sfx, sfx, key[i], key[i]);
        else
            gen_put(g, "h%s = wk_hash_word(h%s, %s ? WK_HASH_NULL : k%s%u);", sfx, sfx, st, sfx, w);
        if (phys(g, key[i]) == WEIR_PHYS_I128)
            gen_put(g, "h%s = %s ? h%s : wk_hash_word(h%s, k%s%u);", sfx, st, sfx, sfx, sfx, w + 1);
    }
}

struct keys {
    const uint32_t *reg;
    uint32_t n, words;
    bool text, nullable;
};

static struct keys keys_of(const struct gen *g, const struct weir_step *s)
{
    struct keys k = {.reg = weir_pipe_operand(g->p) + s->first, .n = s->n};
    for (uint32_t i = 0; i < k.n; i++) {
        k.words += gen_words(phys(g, k.reg[i]));
        k.text = k.text || phys(g, k.reg[i]) == WEIR_PHYS_STR;
        k.nullable = k.nullable || g->may[k.reg[i]];
    }
    return k;
}

/* `top`: the highest bits of the hash. */
static void hash_keys(struct gen *g, const struct keys *k)
{
    gen_key_words(g, k->reg, k->n, "");
    if (k->text) {
        gen_key_hash(g, k->reg, k->n, "");
    } else {
        gen_put(g, "ulong f = %s;", k->nullable ? "nulls * WK_HASH_SEED" : "0");
        for (uint32_t w = 0; w < k->words; w++)
            gen_put(g, "f = (rotate(f, 29UL) ^ k%u) * WK_HASH_SEED;", w);
    }
    gen_put(g, "uint top = (uint)(%s >> 32);", k->text ? "h" : "f");
}

/* A new group at D[at]: its keys, and neutral accumulators. */
static void new_group(struct gen *g, const struct keys *k, bool tags)
{
    gen_put(g, "if (!x) { if (count == cap) WK_FULL(count + 1) D[at] = %s++count;",
            tags ? "tag | " : "");
    if (!k->text) gen_key_hash(g, k->reg, k->n, "");
    gen_put(g, "R = G + (ulong)(count - 1) * %u; R[0] = h; R[1] = nulls;", g->k->stride);
    for (uint32_t w = 0; w < k->words; w++)
        gen_put(g, "R[%u] = k%u;", WEIR_GROUP_HEADER_WORDS + w, w);
    gen_put(g, "for (uint q = %u; q < %u; q++) R[q] = 0; break; }",
            WEIR_GROUP_HEADER_WORDS + k->words, g->k->words);
}

/* `same`: is the group at R the row's? */
static void compare_keys(struct gen *g, const struct keys *k)
{
    gen_put(g, "uchar same = 1;");
    for (uint32_t i = 0, w = 0; i < k->n; w += gen_words(phys(g, k->reg[i])), i++) {
        uint32_t at = WEIR_GROUP_HEADER_WORDS + w;
        if (phys(g, k->reg[i]) == WEIR_PHYS_STR)
            gen_put(g,
                    "if (same && R[%u] != k%u) { wk_s y = {base_of[R[%u] >> 40] + (R[%u] & "
                    "0xffffffffffUL), (uint)R[%u], 0};"
                    " same = wk_eq_s(r%u, y); } else same &= R[%u] == k%u;",
                    at, w, at, at, at + 1, k->reg[i], at + 1, w + 1);
        else
            gen_put(g, "same &= R[%u] == k%u;", at, w);
        if (phys(g, k->reg[i]) == WEIR_PHYS_I128)
            gen_put(g, "same &= R[%u] == k%u;", at + 1, w + 1);
    }
}

/* R: the row's group, from AT on; what was read there, X, may be out of date if it is 0. */
static void find_group(struct gen *g, const struct keys *k, const char *at, const char *x,
                       bool tags)
{
    gen_put(g, "__global ulong *R;");
    gen_put(g, "uint at = %s;", at);
    if (tags) gen_put(g, "uint tag = top << (64 - dshift);");
    gen_put(g, "for (uint x = %s;; at = (at + 1) & dmask, x = D[at]) {", x);
    gen_put(g, "if (!x) x = D[at];");
    new_group(g, k, tags);
    if (tags) gen_put(g, "if ((x ^ tag) > dmask) continue;");
    gen_put(g, "R = G + (ulong)(%s - 1) * %u;", tags ? "(x & dmask)" : "x", g->k->stride);
    /* the hash only where it spares a comparison of bytes */
    if (k->text) gen_put(g, "if (R[0] != h) continue;");
    if (k->nullable) gen_put(g, "if (R[1] != nulls) continue;");
    compare_keys(g, k);
    gen_put(g, "if (same) break; }");
}

static void accumulate(struct gen *g, const struct keys *k)
{
    uint32_t word = WEIR_GROUP_HEADER_WORDS + k->words;
    for (uint32_t i = 0; i < g->p->n_aggs && !g->refused; i++) {
        gen_agg_scalar(g, i, word);
        word += weir_agg_words(weir_pipe_agg(g->p) + i);
    }
}

static void group_row(struct gen *g, const struct weir_step *s)
{
    const uint32_t *key = weir_pipe_operand(g->p) + s->first;
    for (uint32_t i = 0; i < s->n; i++) gen_scalar(g, key[i]);
    if (g->refused) return;
    struct keys k = keys_of(g, s);
    if (k.n) {
        hash_keys(g, &k);
        find_group(g, &k, "top >> (dshift - 32)", "D[at]", false);
    }
    accumulate(g, &k);
}

/* ---- the queue ---- */

/* The registers that a queued row keeps, each once. */
static uint32_t kept_registers(struct gen *g, const struct keys *k, uint32_t *reg)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n + 2 * g->p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + (i - k->n) / 2;
        uint32_t r = i < k->n ? k->reg[i] : (i - k->n) % 2 ? a->filter : a->arg, at = 0;
        if (r == WEIR_REG_NONE) continue;
        while (at < n && reg[at] != r) at++;
        if (at == n) reg[n++] = r;
    }
    return n;
}

static void queue_row(struct gen *g, const struct weir_step *s)
{
    struct keys k = keys_of(g, s);
    uint32_t n = kept_registers(g, &k, g->kept);
    for (uint32_t i = 0; i < n && !g->refused; i++) gen_scalar(g, g->kept[i]);
    if (g->refused) return;
    k = keys_of(g, s);
    hash_keys(g, &k);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = g->kept[i];
        gen_put(g, "row_r%u[queued] = r%u;", r, r);
        if (g->may[r]) gen_put(g, "row_s%u[queued] = s%u;", r, r);
    }
    for (uint32_t w = 0; w < k.words; w++) gen_put(g, "row_k%u[queued] = k%u;", w, w);
    if (k.nullable) gen_put(g, "row_nulls[queued] = nulls;");
    if (k.text) gen_put(g, "row_h[queued] = h;");
    gen_put(g, "row_top[queued++] = top;");
}

void gen_group(struct gen *g, const struct weir_step *s)
{
    if (g->queue)
        queue_row(g, s);
    else
        group_row(g, s);
}

void gen_queue_declare(struct gen *g, const struct weir_step *s)
{
    struct keys k = keys_of(g, s);
    uint32_t n = kept_registers(g, &k, g->kept);
    gen_put(g, "uint queued = 0, row_top[%d], row_at[%d], row_x[%d];", GEN_QUEUE, GEN_QUEUE,
            GEN_QUEUE);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = g->kept[i];
        gen_put(g, "%s row_r%u[%d];", gen_kind(phys(g, r)), r, GEN_QUEUE);
        if (g->may[r]) gen_put(g, "uchar row_s%u[%d];", r, GEN_QUEUE);
    }
    for (uint32_t w = 0; w < k.words; w++) gen_put(g, "ulong row_k%u[%d];", w, GEN_QUEUE);
    if (k.nullable) gen_put(g, "ulong row_nulls[%d];", GEN_QUEUE);
    if (k.text) gen_put(g, "ulong row_h[%d];", GEN_QUEUE);
}

/* The queued rows find their groups and are added to them. */
static void add_queued(struct gen *g, const struct keys *k, bool tags)
{
    uint32_t n = kept_registers(g, k, g->kept);
    gen_put(g, "for (uint e = 0; e < queued; e++) {");
    gen_put(g, "uint top = row_top[e]; ulong nulls = %s;", k->nullable ? "row_nulls[e]" : "0");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = g->kept[i];
        gen_put(g, "%s r%u = row_r%u[e];", gen_kind(phys(g, r)), r, r);
        if (g->may[r]) gen_put(g, "uchar s%u = row_s%u[e];", r, r);
    }
    for (uint32_t w = 0; w < k->words; w++) gen_put(g, "ulong k%u = row_k%u[e];", w, w);
    if (k->text) gen_put(g, "ulong h = row_h[e];");
    find_group(g, k, "row_at[e]", "row_x[e]", tags);
    accumulate(g, k);
    gen_put(g, "}");
}

void gen_queue_flush(struct gen *g, const struct weir_step *s)
{
    struct keys k = keys_of(g, s);
    gen_put(g, "for (uint e = 0; e < queued; e++)");
    gen_put(g, "row_x[e] = D[row_at[e] = row_top[e] >> (dshift - 32)];");
    gen_put(g, "if (dmask < %u) {", GEN_NEAR);
    gen_put(g,
            "for (uint e = 0; e < queued; e++) WK_PREFETCH(G + (ulong)(row_x[e] ? row_x[e] - 1 : "
            "0) * %u)",
            g->k->stride);
    add_queued(g, &k, false);
    gen_put(g, "} else {");
    gen_put(g, "for (uint e = 0; e < queued; e++) {");
    gen_put(g, "uint at = row_at[e], x = row_x[e], tag = row_top[e] << (64 - dshift);");
    gen_put(g, "while (x && (x ^ tag) > dmask) x = D[at = (at + 1) & dmask];");
    gen_put(g, "row_at[e] = at; row_x[e] = x;");
    gen_put(g, "WK_PREFETCH(G + (ulong)(x ? (x & dmask) - 1 : 0) * %u) }", g->k->stride);
    add_queued(g, &k, true);
    gen_put(g, "} queued = 0;");
}
