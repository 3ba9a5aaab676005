/* The group table: rows of words in chunks, and a directory that finds them.

   Finding works on a vector of rows at once, on key rows as keys.h makes them, which are a group
   row's words from the NULL bits on, so that comparing and inserting are plain copies of words
   (texts are compared and copied by their bytes). There are two directories:
     dense  one key of at most 64 bits whose values so far lie in a small range: an array indexed by
            key - min, no hashing. It moves and grows with the range; while the range stays within
            4 * groups + 64 K it costs no more memory than hashing would.
     hash   open addressing, linear probing, at most half full. A slot carries the upper half of the
            hash, which is both its tag and its place, so that growing reads the directory alone.
   A dense table whose range grows too large turns into a hash table, and a hash table that finds
   its keys close together when it doubles turns dense; each change costs as much as one doubling.

   Every row keeps its hash, so merging, removing and growing never hash again. */
#include "runtime/native/groups_internal.h"

#include <assert.h>

#include "kernels/common/hash.h"

#define CHUNK_BYTES  ((size_t)4 << 20) /* at least, so that chunks are huge pages */
#define FIRST_ROWS   64
#define DENSE_FREE   65536 /* a range that is always dense enough */
#define DENSE_FACTOR 4
#define FIRST_SLOTS  4096

/* ---- texts ---- */

struct text_block {
    struct text_block *next;
    size_t bytes;
    _Alignas(8) char data[];
};

char *group_texts_alloc(struct group_texts *t, struct weir_pool *pool, size_t size,
                        struct weir_error *err)
{
    size = (size + 7) & ~(size_t)7;
    if (t->head && t->cap - t->used >= size) {
        t->used += size;
        return t->head->data + t->used - size;
    }
    size_t cap = t->head ? t->cap * 2 : 1024;
    if (cap > (size_t)256 << 10) cap = (size_t)256 << 10;
    if (cap < size) cap = size;
    struct text_block *b = weir_pool_malloc(pool, sizeof *b + cap, err);
    if (!b) return NULL;
    b->next = t->head;
    b->bytes = sizeof *b + cap;
    *t = (struct group_texts){b, size, cap};
    return b->data;
}

void group_texts_release(struct group_texts *t, struct weir_pool *pool)
{
    while (t->head) {
        struct text_block *next = t->head->next;
        weir_pool_free(pool, t->head, t->head->bytes);
        t->head = next;
    }
    t->used = t->cap = 0;
}

/* ---- making ---- */

static int make_scratch(struct weir_groups *g, struct weir_error *err)
{
    size_t key_bytes = (size_t)g->keys.words * 8 * WEIR_VECTOR;
    size_t bytes = key_bytes + WEIR_VECTOR * (8 + 4 + 2 * sizeof(uint64_t *) + 4 + 16);
    char *p = weir_malloc_aligned(bytes);
    if (!p) return weir_fail_nomem(err, bytes, "for a group table");
    g->scratch = p;
    g->key_rows = (uint64_t *)(void *)p;
    g->values = p + key_bytes;
    g->hash = (uint64_t *)(void *)(g->values + WEIR_VECTOR * 16);
    g->row = (uint64_t **)(g->hash + WEIR_VECTOR);
    g->picked_row = g->row + WEIR_VECTOR;
    g->row_no = (uint32_t *)(g->picked_row + WEIR_VECTOR);
    g->pick = g->row_no + WEIR_VECTOR;
    return WEIR_OK;
}

/* The set of DISTINCT aggregate AGG: keys (group number, value), or the value alone. */
static int make_set(struct weir_groups *g, const struct weir_pipe_agg *agg,
                    struct weir_groups **out, struct weir_error *err)
{
    struct {
        struct weir_group_layout layout;
        struct weir_type type[2];
        uint32_t key_word[2];
    } *own = weir_calloc(1, sizeof *own);
    if (!own) return weir_fail_nomem(err, sizeof *own, "for the values of a DISTINCT aggregate");
    uint32_t n = 0;
    if (g->keys.n) own->type[n++] = weir_type_make(WEIR_TYPE_BIGINT);
    own->type[n++] = agg->arg_type;
    own->layout.n_keys = n;
    own->layout.key_type = own->type;
    own->layout.words = WEIR_GROUP_HEADER_WORDS;
    own->layout.key_word = own->key_word;
    for (uint32_t k = 0; k < n; k++) {
        own->key_word[k] = own->layout.words;
        own->layout.words += weir_key_words(own->type[k]);
    }
    int rc = weir_groups_new(&own->layout, g->pool, out, err);
    if (rc)
        weir_free(own);
    else
        (*out)->own_layout = &own->layout;
    return rc;
}

/* An aggregation without keys has its one group from the start. */
static int start(struct weir_groups *g, struct weir_error *err)
{
    static const uint64_t no_keys[1];
    g->key_min = INT64_MAX;
    g->key_max = INT64_MIN;
    g->null_row = NO_ROW;
    if (g->keys.n) return WEIR_OK;
    int rc = groups_reserve_rows(g, 1, err);
    return rc ? rc : groups_add_row(g, WK_HASH_SEED, no_keys, err);
}

/* Words from one row to the next: small rows do not straddle cache lines. */
static uint32_t row_stride(uint32_t words)
{
    return words <= 4 ? 4 : words <= 8 ? 8 : words;
}

int weir_groups_new(const struct weir_group_layout *layout, struct weir_pool *pool,
                    struct weir_groups **out, struct weir_error *err)
{
    *out = NULL;
    struct weir_groups *g = weir_calloc(1, sizeof *g);
    if (!g) return weir_fail_nomem(err, sizeof *g, "for a group table");
    g->layout = layout;
    g->pool = pool;
    g->keys = weir_keys_make(layout->n_keys, layout->key_type);
    g->words = row_stride(layout->words);
    g->acc_word = layout->words - layout->acc_words;
    g->integer_key = layout->n_keys == 1 && weir_type_phys(layout->key_type[0]) <= WEIR_PHYS_I64;
    size_t chunk = CHUNK_BYTES; /* a small budget is not spent on one chunk */
    if (pool && pool->limit && pool->limit / 32 < chunk) chunk = pool->limit / 32;
    g->shift = 6;
    while (((size_t)g->words * 8 << g->shift) < chunk) g->shift++;
    int rc = make_scratch(g, err);
    if (!rc && layout->n_aggs) {
        g->set = weir_calloc(layout->n_aggs, sizeof *g->set);
        if (!g->set) rc = weir_fail_nomem(err, sizeof *g->set, "for a group table");
    }
    for (uint32_t a = 0; a < layout->n_aggs && !rc; a++)
        if (groups_has_set(&layout->agg[a])) rc = make_set(g, &layout->agg[a], &g->set[a], err);
    if (!rc) rc = start(g, err);
    if (rc)
        weir_groups_free(g);
    else
        *out = g;
    return rc;
}

static void free_directory(struct weir_groups *g)
{
    if (g->slot) weir_pool_free(g->pool, g->slot, (g->mask + 1) * 8);
    if (g->dense) weir_pool_free(g->pool, g->dense, g->dense_size * 4);
    g->slot = NULL;
    g->dense = NULL;
    g->dense_size = 0;
}

void weir_groups_free(struct weir_groups *g)
{
    if (!g) return;
    size_t row_bytes = (size_t)g->words * 8;
    for (uint32_t c = 0; c < g->n_chunks; c++)
        weir_pool_free(g->pool, g->chunk[c],
                       (c || g->n_chunks > 1 ? (size_t)1 << g->shift : g->cap_rows) * row_bytes);
    weir_free(g->chunk);
    free_directory(g);
    group_texts_release(&g->texts, g->pool);
    for (uint32_t a = 0; g->set && a < g->layout->n_aggs; a++) weir_groups_free(g->set[a]);
    weir_free(g->set);
    weir_free(g->own_layout);
    weir_free(g->scratch);
    weir_free(g);
}

/* ---- rows ---- */

/* The first chunk, or its double with what was in it. */
static int grow_first_chunk(struct weir_groups *g, size_t rows, struct weir_error *err)
{
    size_t row_bytes = (size_t)g->words * 8;
    uint64_t *p = weir_pool_malloc(g->pool, rows * row_bytes, err);
    if (!p) return WEIR_ERR_NOMEM;
    if (g->n_chunks) {
        memcpy(p, g->chunk[0], g->n_rows * row_bytes);
        weir_pool_free(g->pool, g->chunk[0], g->cap_rows * row_bytes);
    }
    g->chunk[0] = p;
    g->n_chunks = 1;
    g->cap_rows = rows;
    return WEIR_OK;
}

int groups_reserve_rows(struct weir_groups *g, size_t extra, struct weir_error *err)
{
    size_t full = (size_t)1 << g->shift;
    if (g->n_rows + extra >= UINT32_MAX)
        return weir_fail(err, WEIR_ERR_NOMEM,
                         "an aggregation has more than %u groups in one partition; use more "
                         "partitions",
                         UINT32_MAX);
    while (g->n_rows + extra > g->cap_rows) {
        if (g->n_chunks == g->cap_chunks) {
            uint32_t cap = g->cap_chunks ? g->cap_chunks * 2 : 4;
            uint64_t **p = weir_realloc(g->chunk, cap * sizeof *p);
            if (!p) return weir_fail_nomem(err, cap * sizeof *p, "growing a group table");
            g->chunk = p;
            g->cap_chunks = cap;
        }
        if (g->cap_rows < full) {
            size_t rows = g->cap_rows ? g->cap_rows * 2 : FIRST_ROWS;
            while (rows < g->n_rows + extra && rows < full) rows *= 2;
            int rc = grow_first_chunk(g, rows < full ? rows : full, err);
            if (rc) return rc;
            continue;
        }
        uint64_t *p = weir_pool_malloc(g->pool, full * g->words * 8, err);
        if (!p) return WEIR_ERR_NOMEM;
        g->chunk[g->n_chunks++] = p;
        g->cap_rows += full;
    }
    return WEIR_OK;
}

/* Append a group; there is room in the chunks. The directory does not know it yet. */
int groups_add_row(struct weir_groups *g, uint64_t hash, const uint64_t *key_row,
                   struct weir_error *err)
{
    uint64_t *row = group_row(g, g->n_rows);
    row[0] = hash;
    memcpy(row + 1, key_row, g->keys.words * sizeof *row);
    memset(row + g->acc_word, 0, g->layout->acc_words * sizeof *row);
    uint32_t at = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t k = 0; !g->keys.fixed && k < g->keys.n; k++) {
        if (weir_type_phys(g->keys.type[k]) == WEIR_PHYS_STR && !(row[1] >> k & 1)) {
            char *p = group_texts_alloc(&g->texts, g->pool, (size_t)row[at + 1], err);
            if (!p) return WEIR_ERR_NOMEM;
            if (row[at + 1]) memcpy(p, (const void *)(uintptr_t)row[at], (size_t)row[at + 1]);
            row[at] = (uint64_t)(uintptr_t)p;
        }
        at += weir_key_words(g->keys.type[k]);
    }
    if (g->integer_key) {
        int64_t key = (int64_t)row[WEIR_GROUP_HEADER_WORDS];
        if (row[1]) {
            g->null_row = (uint32_t)g->n_rows;
        } else {
            g->key_min = key < g->key_min ? key : g->key_min;
            g->key_max = key > g->key_max ? key : g->key_max;
        }
    }
    g->n_rows++;
    return WEIR_OK;
}

/* ---- the dense directory ---- */

static uint64_t dense_limit(size_t groups)
{
    return DENSE_FREE + DENSE_FACTOR * (uint64_t)groups;
}

/* An array over [MIN, MAX] with room toward the side where it grows, filled from the rows. False in
 *DENSE: the range is too large; nothing changed. */
static int make_dense(struct weir_groups *g, int64_t min, int64_t max, bool *dense,
                      struct weir_error *err)
{
    uint64_t range = (uint64_t)max - (uint64_t)min;
    *dense = range < dense_limit(g->n_rows);
    if (!*dense) return WEIR_OK;
    uint64_t size = 1024;
    while (size <= range) size *= 2;
    uint32_t *p = weir_pool_malloc(g->pool, size * 4, err);
    if (!p) return WEIR_ERR_NOMEM;
    memset(p, 0, size * 4);
    bool downward = g->dense && (uint64_t)min - g->dense_min >= g->dense_size;
    uint64_t base = downward ? (uint64_t)max + 1 - size : (uint64_t)min;
    if (g->dense) { /* both are runs of the same keys: move what is there */
        uint64_t shift = g->dense_min - base;
        for (uint64_t i = 0; i < g->dense_size; i++)
            if (g->dense[i]) p[i + shift] = g->dense[i];
    } else {
        for (size_t r = 0; r < g->n_rows; r++) {
            const uint64_t *row = group_row(g, r);
            if (!row[1]) p[row[WEIR_GROUP_HEADER_WORDS] - base] = (uint32_t)r + 1;
        }
    }
    free_directory(g);
    g->dense = p;
    g->dense_size = size;
    g->dense_min = base;
    return WEIR_OK;
}

/* ---- the hash directory ---- */

/* A slot array of SLOTS slots with all rows in it. */
static int make_slots(struct weir_groups *g, uint64_t slots, struct weir_error *err)
{
    uint64_t *p = weir_pool_malloc(g->pool, slots * 8, err), mask = slots - 1;
    if (!p) return WEIR_ERR_NOMEM;
    memset(p, 0, slots * 8);
    if (g->slot) {
        for (uint64_t i = 0; i <= g->mask; i++) {
            uint64_t at = g->slot[i] >> 32 & mask;
            if (!g->slot[i]) continue;
            while (p[at]) at = (at + 1) & mask;
            p[at] = g->slot[i];
        }
    } else {
        for (size_t r = 0; r < g->n_rows; r++) {
            uint64_t hash = group_row(g, r)[0], at = hash >> 32 & mask;
            while (p[at]) at = (at + 1) & mask;
            p[at] = (hash & GROUP_TAG) | (r + 1);
        }
    }
    free_directory(g);
    g->slot = p;
    g->mask = mask;
    return WEIR_OK;
}

/* The key rows' place, and a new row where there is none; WORDS is g->keys.words, a constant where
   this is inlined. There is room for N rows and slots. */
static inline __attribute__((always_inline)) int
probe(struct weir_groups *g, uint32_t n, uint32_t words, bool fixed, struct weir_error *err)
{
    const uint64_t *key_row = g->key_rows;
    uint64_t *slot = g->slot, mask = g->mask;
    bool far = fixed && groups_far(g, n);
    for (uint32_t i = 0; i < n; i++, key_row += words) {
        uint64_t hash = g->hash[i], at = hash >> 32 & mask, s;
        if (far) {
            group_ahead_slots(g, i, n);
            at = (at + g->row_no[i]) & mask;
        }
        for (; (s = slot[at]); at = (at + 1) & mask) {
            if ((s & GROUP_TAG) != (hash & GROUP_TAG)) continue;
            const uint64_t *row = group_row(g, (uint32_t)s - 1) + 1;
            uint64_t diff = row[0] ^ key_row[0];
            if (fixed) {
                for (uint32_t w = 1; w < words; w++) diff |= row[w] ^ key_row[w];
                if (!diff) break;
            } else if (!diff && weir_keys_equal_texts(&g->keys, row + 1, key_row + 1)) {
                break;
            }
        }
        if (s) {
            g->row_no[i] = (uint32_t)s - 1;
            continue;
        }
        int rc = groups_add_row(g, hash, key_row, err);
        if (rc) return rc;
        g->row_no[i] = (uint32_t)g->n_rows - 1;
        slot[at] = (hash & GROUP_TAG) | g->n_rows;
    }
    return WEIR_OK;
}

/* Everything that probing rows with texts will look at, down to the bytes of their first text. */
static void prefetch_texts(const struct weir_groups *g, uint32_t n)
{
    uint32_t k = 0;
    if (!groups_far(g, n)) return;
    while (weir_type_phys(g->keys.type[k]) != WEIR_PHYS_STR) k++;
    for (uint32_t i = 0; i < n; i++) {
        group_ahead_slots(g, i, n);
        uint64_t s = g->slot[((g->hash[i] >> 32) + g->row_no[i]) & g->mask];
        if (!s) continue;
        const uint64_t *row = group_row(g, (uint32_t)s - 1);
        __builtin_prefetch((const void *)(uintptr_t)row[g->layout->key_word[k]]);
    }
}

static int find_hash(struct weir_groups *g, uint32_t n, struct weir_error *err)
{
    if (!g->keys.fixed) {
        prefetch_texts(g, n);
        return probe(g, n, g->keys.words, false, err);
    }
    switch (g->keys.words) {
    case 2: return probe(g, n, 2, true, err);
    case 3: return probe(g, n, 3, true, err);
    default: return probe(g, n, g->keys.words, true, err);
    }
}

/* ---- finding ---- */

static uint64_t hash_of(const struct weir_groups *g, const uint64_t *key_row)
{
    uint64_t hash;
    weir_keys_hash(&g->keys, 1, key_row, ~(uint64_t)0, &hash);
    return hash;
}

/* The row of NULL, found without a directory. */
static int find_null(struct weir_groups *g, uint64_t hash, const uint64_t *key_row,
                     uint32_t *row_no, struct weir_error *err)
{
    if (g->null_row == NO_ROW) {
        int rc = groups_add_row(g, hash, key_row, err);
        if (rc) return rc;
    }
    *row_no = g->null_row;
    return WEIR_OK;
}

/* All keys of the vector lie in the dense array; there is room for N rows. */
static int find_dense(struct weir_groups *g, uint32_t n, struct weir_error *err)
{
    const uint64_t *key_row = g->key_rows;
    uint64_t min = g->dense_min;
    uint32_t *dense = g->dense, *row_no = g->row_no;
    for (uint32_t i = 0; i < n; i++, key_row += 2) {
        int rc = WEIR_OK;
        if (key_row[0]) {
            rc = find_null(g, hash_of(g, key_row), key_row, &row_no[i], err);
        } else {
            uint32_t *p = &dense[key_row[1] - min];
            if (!*p) {
                rc = groups_add_row(g, hash_of(g, key_row), key_row, err);
                *p = (uint32_t)g->n_rows;
            }
            row_no[i] = *p - 1;
        }
        if (rc) return rc;
    }
    return WEIR_OK;
}

/* Get the dense array ready for the vector's keys, or give it up; *DENSE says which. */
static int cover(struct weir_groups *g, uint32_t n, uint64_t nulls, bool *dense,
                 struct weir_error *err)
{
    int64_t min = g->key_min, max = g->key_max;
    const uint64_t *key_row = g->key_rows;
    for (uint32_t i = 0; i < n; i++) {
        int64_t key = (int64_t)key_row[2 * i + 1];
        if (nulls && key_row[2 * i]) continue;
        min = key < min ? key : min;
        max = key > max ? key : max;
    }
    *dense = true;
    if (min > max) min = max = 0; /* only NULLs so far */
    /* The array may run past the largest key and go on with the smallest: then first > last. */
    uint64_t first = (uint64_t)min - g->dense_min, last = (uint64_t)max - g->dense_min;
    if (g->dense && first <= last && last < g->dense_size) return WEIR_OK;
    return make_dense(g, min, max, dense, err);
}

/* A hash directory for N more groups. */
static int reserve_slots(struct weir_groups *g, uint64_t want, struct weir_error *err)
{
    uint64_t slots = g->slot ? (g->mask + 1) * 2 : FIRST_SLOTS;
    while (slots < want) slots *= 2;
    return make_slots(g, slots, err);
}

int groups_find(struct weir_groups *g, uint32_t n, uint64_t nulls, bool hashed,
                struct weir_error *err)
{
    assert(n <= WEIR_VECTOR);
    int rc = groups_reserve_rows(g, n, err);
    uint64_t want = groups_want_slots(g, n);
    bool fits = g->slot && want <= g->mask + 1, dense = false;
    if (!rc && !fits && g->integer_key) rc = cover(g, n, nulls, &dense, err);
    if (!rc && !fits && !dense) rc = reserve_slots(g, want, err);
    if (rc) return rc;
    if (dense) return find_dense(g, n, err);
    if (!hashed) weir_keys_hash(&g->keys, n, g->key_rows, nulls, g->hash);
    return find_hash(g, n, err);
}

/* ---- the whole ---- */

size_t weir_groups_count(const struct weir_groups *g)
{
    return g->n_rows;
}

const uint64_t *weir_groups_row(const struct weir_groups *g, size_t i)
{
    return group_row(g, i);
}

uint64_t weir_groups_take(struct weir_groups *g, size_t i, uint32_t word)
{
    uint64_t *row = group_row(g, i), v = row[word];
    row[word] = 0;
    return v;
}

void weir_groups_keep_part(struct weir_groups *g, uint32_t part, uint32_t n_parts)
{
    size_t kept = 0;
    g->null_row = NO_ROW;
    for (size_t i = 0; i < g->n_rows; i++) {
        const uint64_t *row = group_row(g, i);
        if (group_part(row[0], n_parts) != part) continue;
        if (g->integer_key && row[1]) g->null_row = (uint32_t)kept;
        if (kept != i) memcpy(group_row(g, kept), row, g->words * sizeof *row);
        kept++;
    }
    g->n_rows = kept;
    free_directory(g); /* whoever looks for a group makes it anew */
}

int weir_groups_clear(struct weir_groups *g, struct weir_error *err)
{
    size_t full = (size_t)1 << g->shift;
    for (; g->n_chunks > 1; g->n_chunks--) {
        weir_pool_free(g->pool, g->chunk[g->n_chunks - 1], full * g->words * 8);
        g->cap_rows = full;
    }
    g->n_rows = 0;
    if ((g->slot && g->mask >= GROUP_PREFETCH) || g->dense_size > 2 * DENSE_FREE) free_directory(g);
    if (g->slot) memset(g->slot, 0, (g->mask + 1) * 8);
    if (g->dense) memset(g->dense, 0, g->dense_size * 4);
    group_texts_release(&g->texts, g->pool);
    for (uint32_t a = 0; a < g->layout->n_aggs; a++) {
        int rc = g->set[a] ? weir_groups_clear(g->set[a], err) : WEIR_OK;
        if (rc) return rc;
    }
    return start(g, err);
}
