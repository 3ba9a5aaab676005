/* Keys and grouping, one row at a time. A work-group has its own groups, G, found through its own
   directory, D, of row numbers + 1 with linear probing.

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

/* A new group at D[at]: its keys, and neutral accumulators. */
static void new_group(struct gen *g, const uint32_t *key, uint32_t n, bool text, uint32_t n_words)
{
    gen_put(g, "if (!x) { if (count == cap) WK_FULL(count + 1) D[at] = ++count;");
    if (!text) gen_key_hash(g, key, n, "");
    gen_put(g, "R = G + (ulong)(count - 1) * %u; R[0] = h; R[1] = nulls;", g->k->words);
    for (uint32_t w = 0; w < n_words; w++)
        gen_put(g, "R[%u] = k%u;", WEIR_GROUP_HEADER_WORDS + w, w);
    gen_put(g, "for (uint q = %u; q < %u; q++) R[q] = 0; break; }",
            WEIR_GROUP_HEADER_WORDS + n_words, g->k->words);
}

/* `same`: is the group at R the row's? */
static void compare_keys(struct gen *g, const uint32_t *key, uint32_t n)
{
    gen_put(g, "uchar same = 1;");
    for (uint32_t i = 0, w = 0; i < n; w += gen_words(phys(g, key[i])), i++) {
        uint32_t at = WEIR_GROUP_HEADER_WORDS + w;
        if (phys(g, key[i]) == WEIR_PHYS_STR)
            gen_put(g,
                    "if (same && R[%u] != k%u) { wk_s y = {base_of[R[%u] >> 40] + (R[%u] & "
                    "0xffffffffffUL), (uint)R[%u], 0};"
                    " same = wk_eq_s(r%u, y); } else same &= R[%u] == k%u;",
                    at, w, at, at, at + 1, key[i], at + 1, w + 1);
        else
            gen_put(g, "same &= R[%u] == k%u;", at, w);
        if (phys(g, key[i]) == WEIR_PHYS_I128) gen_put(g, "same &= R[%u] == k%u;", at + 1, w + 1);
    }
}

/* R: the row's group. */
static uint32_t find_group(struct gen *g, const uint32_t *key, uint32_t n)
{
    bool text = false, nullable = false;
    uint32_t n_words = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_words += gen_words(phys(g, key[i]));
        text = text || phys(g, key[i]) == WEIR_PHYS_STR;
        nullable = nullable || g->may[key[i]];
    }
    gen_key_words(g, key, n, "");
    if (text) {
        gen_key_hash(g, key, n, "");
    } else {
        gen_put(g, "ulong f = %s;", nullable ? "nulls * WK_HASH_SEED" : "0");
        for (uint32_t w = 0; w < n_words; w++)
            gen_put(g, "f = (rotate(f, 29UL) ^ k%u) * WK_HASH_SEED;", w);
    }
    gen_put(g, "__global ulong *R;");
    gen_put(g, "for (uint at = (uint)(%s >> dshift);; at = (at + 1) & dmask) {", text ? "h" : "f");
    gen_put(g, "uint x = D[at];");
    new_group(g, key, n, text, n_words);
    gen_put(g, "R = G + (ulong)(x - 1) * %u;", g->k->words);
    /* the hash only where it spares a comparison of bytes */
    if (text) gen_put(g, "if (R[0] != h) continue;");
    if (nullable) gen_put(g, "if (R[1] != nulls) continue;");
    compare_keys(g, key, n);
    gen_put(g, "if (same) break; }");
    return n_words;
}

void gen_group(struct gen *g, const struct weir_step *s)
{
    const uint32_t *key = weir_pipe_operand(g->p) + s->first;
    uint32_t word = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t i = 0; i < s->n; i++) gen_scalar(g, key[i]);
    if (g->refused) return;
    if (s->n) word += find_group(g, key, s->n);
    for (uint32_t i = 0; i < g->p->n_aggs && !g->refused; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
        if (!gen_agg_supported(g, a)) return;
        gen_agg_scalar(g, i, word);
        word += weir_agg_words(a);
    }
}
