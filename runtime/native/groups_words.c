/* Finding groups by one key of one word without NULLs, the most frequent case, straight from the
   vector. What it cannot do — a dense array that must grow, a directory that is full — it leaves to
   groups_find, which comes back with a table that fits the next vector. */
#include "kernels/common/hash.h"
#include "runtime/native/groups_internal.h"

static uint64_t hash_word(uint64_t word)
{
    return wk_hash_word(WK_HASH_SEED, word);
}

/* Row numbers for keys of type T that lie in the dense array, NO_ROW where there is no group yet;
   the result says whether there was a key outside (1) or without a group (2). FAR: the array is too
   large for the L1 cache. */
#define LOOK_UP(T, FAR)                                                                            \
    do {                                                                                           \
        const T *in = key->data;                                                                   \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            uint64_t at = (uint64_t)(int64_t)in[i] - min;                                          \
            if (FAR && i + GROUP_AHEAD < n)                                                        \
                __builtin_prefetch(dense + ((uint64_t)(int64_t)in[i + GROUP_AHEAD] - min));        \
            outside |= at >= size;                                                                 \
            uint32_t r = dense[at < size ? at : 0] - 1;                                            \
            missing |= r == NO_ROW;                                                                \
            row_no[i] = r;                                                                         \
        }                                                                                          \
    } while (0)

static unsigned look_up(const struct weir_groups *g, uint32_t n, const struct weir_vec *key)
{
    const uint32_t *dense = g->dense;
    uint32_t *row_no = g->row_no;
    uint64_t min = g->dense_min, size = g->dense_size;
    unsigned outside = 0, missing = 0;
    bool far = size >= GROUP_PREFETCH;
    switch (weir_type_phys(key->type)) {
    case WEIR_PHYS_BOOL: LOOK_UP(uint8_t, false); break;
    case WEIR_PHYS_I8: LOOK_UP(int8_t, false); break;
    case WEIR_PHYS_I16: LOOK_UP(int16_t, false); break;
    case WEIR_PHYS_I32:
        if (far)
            LOOK_UP(int32_t, true);
        else
            LOOK_UP(int32_t, false);
        break;
    default:
        if (far)
            LOOK_UP(int64_t, true);
        else
            LOOK_UP(int64_t, false);
    }
    return outside | missing << 1;
}

static int find_dense(struct weir_groups *g, uint32_t n, const struct weir_vec *key,
                      struct weir_error *err)
{
    unsigned state = look_up(g, n, key);
    if (!state) return 1;
    if (state & 1) return 0;
    int rc = groups_reserve_rows(g, n, err);
    if (rc) return rc;
    const uint64_t *word = weir_key_words_of(key, n, (uint64_t *)(void *)g->values);
    for (uint32_t i = 0; i < n; i++) {
        if (g->row_no[i] != NO_ROW) continue;
        uint32_t *p = &g->dense[word[i] - g->dense_min];
        if (!*p) {
            rc = groups_add_row(g, hash_word(word[i]), (const uint64_t[]){0, word[i]}, err);
            if (rc) return rc;
            *p = (uint32_t)g->n_rows;
        }
        g->row_no[i] = *p - 1;
    }
    return 1;
}

static int find_hash(struct weir_groups *g, uint32_t n, const uint64_t *word,
                     struct weir_error *err)
{
    uint64_t *slot = g->slot, mask = g->mask;
    for (uint32_t i = 0; i < n; i++) g->hash[i] = hash_word(word[i]);
    bool far = groups_far(g, n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t hash = g->hash[i], at = hash >> 32 & mask, s;
        if (far) {
            group_ahead_slots(g, i, n);
            at = (at + g->row_no[i]) & mask;
        }
        for (; (s = slot[at]); at = (at + 1) & mask) {
            if ((s ^ hash) & GROUP_TAG) continue;
            const uint64_t *row = group_row(g, (uint32_t)s - 1);
            if (row[2] == word[i] && !row[1]) break;
        }
        if (!s) {
            int rc = groups_add_row(g, hash, (const uint64_t[]){0, word[i]}, err);
            if (rc) return rc;
            slot[at] = s = (hash & GROUP_TAG) | g->n_rows;
        }
        g->row_no[i] = (uint32_t)s - 1;
    }
    return 1;
}

int groups_find_words(struct weir_groups *g, uint32_t n, const struct weir_vec *key,
                      struct weir_error *err)
{
    if (key->constant) return 0;
    if (g->dense) return find_dense(g, n, key, err);
    if (!g->slot || groups_want_slots(g, n) > g->mask + 1) return 0;
    int rc = groups_reserve_rows(g, n, err);
    if (rc) return rc;
    return find_hash(g, n, weir_key_words_of(key, n, (uint64_t *)(void *)g->values), err);
}
