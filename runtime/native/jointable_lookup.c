/* Looking keys up in a join table, from any number of threads: in chunks on the caller's stack go
   the key words, their hashes, the prefetches of all slots, then those of all candidates' key words
   and offsets, then the comparisons. So a table larger than the caches costs a few overlapping
   misses a row. A dense table is an index into offset[], without a branch (see jointable.c on its
   end). */
#include "kernels/common/hash.h"
#include "runtime/native/jointable.h"
#include "runtime/native/keys.h"

#define TAG (~(uint64_t)UINT32_MAX) /* of the hash, in a slot */

static void prefetch(const void *p)
{
    __builtin_prefetch(p);
}

#define DENSE(T)                                                                                   \
    do {                                                                                           \
        const T *in = key->data;                                                                   \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            uint64_t id = (uint64_t)in[key->constant ? 0 : i] - (uint64_t)t->min;                  \
            id = id < n_ids ? id : n_ids;                                                          \
            begin[i] = offset[id];                                                                 \
            end[i] = offset[id + 1];                                                               \
        }                                                                                          \
    } while (0)

static void lookup_dense(const struct weir_join_table *t, uint32_t n, const struct weir_vec *key,
                         uint32_t *restrict begin, uint32_t *restrict end)
{
    const uint32_t *offset = t->offset;
    uint64_t n_ids = t->n_ids;
    switch (weir_type_phys(key->type)) {
    case WEIR_PHYS_BOOL: DENSE(uint8_t); break;
    case WEIR_PHYS_I8: DENSE(int8_t); break;
    case WEIR_PHYS_I16: DENSE(int16_t); break;
    case WEIR_PHYS_I32: DENSE(int32_t); break;
    default: DENSE(int64_t);
    }
    for (uint32_t i = 0; key->st && i < n; i++)
        if (weir_vec_state(key, i) != WK_VALID) end[i] = begin[i];
}

#define CHUNK_WORDS    4096
#define CHUNK_ROWS     256
#define PREFETCH_TEXTS 16384 /* slots */

/* From slot AT on, the first id with HASH's tag, n_ids where there is none; *AT is where it is. */
static inline uint32_t candidate(const struct weir_join_table *t, uint64_t hash, uint64_t *at)
{
    uint64_t s = t->slot[*at];
    while ((s != 0) & (((s ^ hash) & TAG) != 0)) s = t->slot[ *at = (*at + 1) & t->mask];
    uint32_t id = (uint32_t)s - 1; /* an empty slot is larger than every id */
    return id < t->n_ids ? id : t->n_ids;
}

/* N <= CHUNK_ROWS keys of one word, none of them NULL. */
static void lookup_words(const struct weir_join_table *t, uint32_t n, const uint64_t *word,
                         uint32_t *begin, uint32_t *end)
{
    uint64_t hash[CHUNK_ROWS];
    uint32_t id[CHUNK_ROWS];
    for (uint32_t i = 0; i < n; i++) {
        hash[i] = wk_hash_word(WK_HASH_SEED, word[i]);
        prefetch(&t->slot[hash[i] & t->mask]);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = hash[i] & t->mask;
        id[i] = candidate(t, hash[i], &at);
        prefetch(&t->key_word[id[i]]);
        prefetch(&t->offset[id[i]]);
    }
    for (uint32_t i = 0; i < n; i++) {
        if ((id[i] != t->n_ids) & (t->key_word[id[i]] != word[i])) { /* an equal tag */
            uint64_t at = hash[i] & t->mask;
            do {
                id[i] = candidate(t, hash[i], &at);
                at = (at + 1) & t->mask;
            } while (id[i] != t->n_ids && t->key_word[id[i]] != word[i]);
        }
        begin[i] = t->offset[id[i]];
        end[i] = t->offset[id[i] + 1];
    }
}

/* Ask for the bytes of the first text key of the candidates. */
static void prefetch_texts(const struct weir_join_table *t, uint32_t n, const uint32_t *id)
{
    uint32_t at = 0;
    for (uint32_t k = 0; weir_type_phys(t->key_type[k]) != WEIR_PHYS_STR; k++)
        at += weir_key_words(t->key_type[k]);
    for (uint32_t i = 0; i < n; i++)
        if (id[i] != t->n_ids)
            prefetch((const void *)(uintptr_t)t->key_word[(size_t)id[i] * t->key_words + at]);
}

/* N <= CHUNK_ROWS key rows of K. */
static void lookup_rows(const struct weir_join_table *t, const struct weir_keys *k, uint32_t n,
                        const uint64_t *rows, uint64_t nulls, uint32_t *begin, uint32_t *end)
{
    uint64_t hash[CHUNK_ROWS], at[CHUNK_ROWS];
    uint32_t id[CHUNK_ROWS];
    weir_keys_hash(k, n, rows, nulls, hash);
    for (uint32_t i = 0; i < n; i++) prefetch(&t->slot[at[i] = hash[i] & t->mask]);
    for (uint32_t i = 0; i < n; i++) {
        id[i] = candidate(t, hash[i], &at[i]);
        if (rows[(size_t)i * k->words]) id[i] = t->n_ids; /* a NULL */
        prefetch(&t->key_word[(size_t)id[i] * t->key_words]);
        prefetch(&t->offset[id[i]]);
    }
    if (!k->fixed && t->mask >= PREFETCH_TEXTS) prefetch_texts(t, n, id);
    for (uint32_t i = 0; i < n; i++) {
        while (id[i] != t->n_ids && !weir_keys_equal(k, rows + (size_t)i * k->words + 1,
                                                     t->key_word + (size_t)id[i] * t->key_words)) {
            at[i] = (at[i] + 1) & t->mask;
            id[i] = candidate(t, hash[i], &at[i]);
        }
        begin[i] = t->offset[id[i]];
        end[i] = t->offset[id[i] + 1];
    }
}

/* Rows [FROM, …) of vector V. */
static struct weir_vec tail(const struct weir_vec *v, uint32_t from)
{
    struct weir_vec x = *v;
    if (v->constant) return x;
    x.data = (char *)v->data + from * weir_phys_size(weir_type_phys(v->type));
    if (x.st) x.st += from;
    return x;
}

static void lookup_hash(const struct weir_join_table *t, uint32_t n,
                        const struct weir_vec *const *key, uint32_t *begin, uint32_t *end)
{
    uint64_t rows[CHUNK_WORDS];
    struct weir_keys k = weir_keys_make(t->n_keys, t->key_type);
    uint32_t chunk = CHUNK_WORDS / k.words;
    if (chunk > CHUNK_ROWS) chunk = CHUNK_ROWS;
    bool words = k.words == 2 && k.n == 1 && !key[0]->st;
    for (uint32_t from = 0, m; from < n; from += m) {
        struct weir_vec vec[WEIR_JOIN_MAX_KEYS];
        const struct weir_vec *part[WEIR_JOIN_MAX_KEYS];
        m = n - from < chunk ? n - from : chunk;
        for (uint32_t c = 0; c < k.n; c++) {
            vec[c] = tail(key[c], from);
            part[c] = &vec[c];
        }
        if (words) {
            lookup_words(t, m, weir_key_words_of(part[0], m, rows), begin + from, end + from);
            continue;
        }
        uint64_t nulls = weir_keys_load(&k, m, part, rows);
        lookup_rows(t, &k, m, rows, nulls, begin + from, end + from);
    }
}

int weir_join_lookup(const struct weir_join_table *t, uint32_t n, const struct weir_vec *const *key,
                     uint32_t *begin, uint32_t *end)
{
    uint32_t error = n;
    for (uint32_t k = 0; k < t->n_keys; k++) {
        uint32_t e = weir_vec_first_error(key[k], n);
        if (e < error) error = e;
    }
    if (error < n) return (int)error + 1;
    if (!t->n_keys) {
        for (uint32_t i = 0; i < n; i++) begin[i] = 0, end[i] = t->offset[1];
    } else if (t->dense) {
        lookup_dense(t, n, key[0], begin, end);
    } else {
        lookup_hash(t, n, key, begin, end);
    }
    return 0;
}
