/* The build side of a hash join: ids for the keys, then a counting sort of the rows by id.

   Concatenate the key columns, give every row its key's id (dense: key - min; hash: the order in
   which distinct keys appear), count the rows of each id, prefix sums, and gather the payload in
   that order, one column after the other, so that building takes little more than the payload
   itself. The directory doubles as distinct keys appear, so that many duplicates of few keys leave
   a small table.

   offset[] has one entry more than its documentation promises, equal to the last, and key_word[]
   room for one more key: the id n_ids has no rows, so that looking up an absent key needs no branch
   (whether a key is there is what branch prediction can know least). */
#include "runtime/native/jointable.h"

#include "kernels/common/hash.h"
#include "runtime/native/keys.h"

#define NO_ID     UINT32_MAX
#define TAG       (~(uint64_t)UINT32_MAX) /* of the hash, in a slot */
#define MAX_ROWS  2147483646u
#define FIRST_IDS 512
/* Up to here an id has four slots: fewer collisions to mispredict, and still in the cache. */
#define SMALL_IDS  8192
#define DENSE_MORE 1024 /* a range of 8 * rows + this is dense enough */

/* What the caller sees first, then what only freeing needs. */
struct table {
    struct weir_join_table pub;
    struct weir_pool *pool;
    size_t slot_bytes, offset_bytes, word_bytes;
};

struct build {
    struct weir_pool *pool;
    struct table *t;
    struct weir_keys keys;
    struct weir_batch *const *batches;
    size_t n_batches;
    struct weir_batch *rows; /* the key columns of all batches, in their order */
    uint32_t *id;            /* [rows->n_rows], NO_ID: a NULL key */
    uint64_t *hash;          /* [cap] of each id; hash tables only */
    size_t cap;              /* ids that hash and key_word have room for */
    char *scratch;           /* see scratch_bytes */
    uint64_t *chunk;         /* key rows of a chunk, in scratch */
    uint64_t *chunk_hash;
};

static void prefetch(const void *p)
{
    __builtin_prefetch(p);
}

void weir_join_free(struct weir_join_table *pub)
{
    if (!pub) return;
    struct table *t = (struct table *)pub;
    weir_pool_free(t->pool, pub->slot, t->slot_bytes);
    weir_pool_free(t->pool, pub->offset, t->offset_bytes);
    weir_pool_free(t->pool, pub->key_word, t->word_bytes);
    weir_batch_unref(pub->payload);
    weir_free(pub->key_type);
    weir_free(t);
}

/* ---- building ---- */

static size_t scratch_bytes(const struct weir_keys *k)
{
    return WEIR_VECTOR * (k->n * (sizeof(struct weir_str) + 1) + (k->words + 1) * 8) +
           k->n * (sizeof(struct weir_vec) + sizeof(struct weir_vec *)) + 64;
}

/* Key rows [FROM, FROM + N) to b->chunk; returns the or of their NULL bits. */
static uint64_t load_chunk(struct build *b, uint32_t from, uint32_t n)
{
    char *values = (char *)(b->chunk_hash + WEIR_VECTOR);
    uint32_t n_keys = b->keys.n;
    struct weir_vec *vec =
        (struct weir_vec *)(values + n_keys * WEIR_VECTOR * sizeof(struct weir_str));
    const struct weir_vec **key = (const struct weir_vec **)(vec + n_keys);
    uint8_t *states = (uint8_t *)(key + n_keys);
    for (uint32_t c = 0; c < n_keys; c++) {
        vec[c] = weir_vec_of_column(&b->rows->col[c], from, n,
                                    values + c * WEIR_VECTOR * sizeof(struct weir_str),
                                    states + c * WEIR_VECTOR);
        key[c] = &vec[c];
    }
    return weir_keys_load(&b->keys, n, key, b->chunk);
}

static uint32_t chunk_rows(const struct build *b, uint32_t from)
{
    uint32_t left = b->rows->n_rows - from;
    return left < WEIR_VECTOR ? left : WEIR_VECTOR;
}

static bool dense_type(struct weir_type t)
{
    enum weir_phys p = weir_type_phys(t);
    return p <= WEIR_PHYS_I64;
}

/* Ids by key - min when the keys' range is small enough; false: it is not. */
static bool dense_ids(struct build *b)
{
    struct weir_join_table *t = &b->t->pub;
    if (b->keys.n != 1 || !dense_type(b->keys.type[0])) return false;
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t from = 0, n; from < b->rows->n_rows; from += n) {
        n = chunk_rows(b, from);
        load_chunk(b, from, n);
        for (uint32_t i = 0; i < n; i++) {
            int64_t x = (int64_t)b->chunk[i * 2 + 1];
            if (b->chunk[i * 2]) continue;
            min = x < min ? x : min;
            max = x > max ? x : max;
        }
    }
    if (min > max) min = max = 0; /* only NULLs, or nothing */
    uint64_t range = (uint64_t)max - (uint64_t)min;
    if (range >= 8 * (uint64_t)b->rows->n_rows + DENSE_MORE || range >= MAX_ROWS) return false;
    for (uint32_t from = 0, n; from < b->rows->n_rows; from += n) {
        n = chunk_rows(b, from);
        load_chunk(b, from, n);
        for (uint32_t i = 0; i < n; i++)
            b->id[from + i] =
                b->chunk[i * 2] ? NO_ID : (uint32_t)(b->chunk[i * 2 + 1] - (uint64_t)min);
    }
    t->dense = true;
    t->min = min;
    t->n_ids = (uint32_t)range + 1;
    return true;
}

/* A block of NEW_BYTES with what was in *P; on failure *P stays. */
static int regrow(struct weir_pool *pool, uint64_t **p, size_t old_bytes, size_t new_bytes,
                  struct weir_error *err)
{
    uint64_t *q = weir_pool_malloc(pool, new_bytes, err);
    if (!q) return WEIR_ERR_NOMEM;
    if (*p) memcpy(q, *p, old_bytes);
    weir_pool_free(pool, *p, old_bytes);
    *p = q;
    return WEIR_OK;
}

/* Room for twice as many ids; the slots are filled anew. */
static int grow(struct build *b, struct weir_error *err)
{
    struct table *t = b->t;
    size_t cap = b->cap ? b->cap * 2 : FIRST_IDS, slots = cap * (cap <= SMALL_IDS ? 4 : 2);
    size_t word = (size_t)t->pub.key_words * 8;
    int rc = regrow(b->pool, &b->hash, b->cap * 8, cap * 8, err);
    if (rc) return rc;
    b->cap = cap; /* of the hashes, so that they are released rightly */
    rc = regrow(b->pool, &t->pub.key_word, t->word_bytes, (cap + 1) * word, err);
    if (rc) return rc;
    t->word_bytes = (cap + 1) * word;
    weir_pool_free(b->pool, t->pub.slot, t->slot_bytes);
    t->pub.slot = weir_pool_malloc(b->pool, slots * 8, err);
    t->slot_bytes = t->pub.slot ? slots * 8 : 0;
    if (!t->pub.slot) return WEIR_ERR_NOMEM;
    memset(t->pub.slot, 0, slots * 8);
    t->pub.mask = slots - 1;
    for (uint32_t id = 0; id < t->pub.n_ids; id++) {
        uint64_t at = b->hash[id] & t->pub.mask;
        while (t->pub.slot[at]) at = (at + 1) & t->pub.mask;
        t->pub.slot[at] = (b->hash[id] & TAG) | (id + 1);
    }
    return WEIR_OK;
}

/* The id of the key WORDS, a new one when it was not there. There is room. */
static uint32_t find_or_add(struct build *b, uint64_t hash, const uint64_t *words)
{
    struct weir_join_table *t = &b->t->pub;
    uint64_t tag = hash & TAG, at = hash & t->mask, s;
    for (; (s = t->slot[at]); at = (at + 1) & t->mask) {
        uint32_t id = (uint32_t)s - 1;
        if ((s & TAG) == tag &&
            weir_keys_equal(&b->keys, t->key_word + (size_t)id * t->key_words, words))
            return id;
    }
    uint32_t id = t->n_ids++;
    t->slot[at] = tag | (id + 1);
    b->hash[id] = hash;
    memcpy(t->key_word + (size_t)id * t->key_words, words, t->key_words * sizeof *words);
    return id;
}

static int hash_ids(struct build *b, struct weir_error *err)
{
    struct weir_join_table *t = &b->t->pub;
    for (uint32_t from = 0, n; from < b->rows->n_rows || !b->cap; from += n) {
        n = chunk_rows(b, from);
        uint64_t nulls = load_chunk(b, from, n);
        weir_keys_hash(&b->keys, n, b->chunk, nulls, b->chunk_hash);
        while (t->n_ids + n > b->cap || !b->cap) {
            int rc = grow(b, err);
            if (rc) return rc;
        }
        for (uint32_t i = 0; i < n; i++) prefetch(&t->slot[b->chunk_hash[i] & t->mask]);
        for (uint32_t i = 0; i < n; i++) { /* likely the key's id */
            uint64_t s = t->slot[b->chunk_hash[i] & t->mask];
            if (s) prefetch(&t->key_word[((uint32_t)s - 1) * (size_t)t->key_words]);
        }
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t *row = b->chunk + (size_t)i * b->keys.words;
            b->id[from + i] = row[0] ? NO_ID : find_or_add(b, b->chunk_hash[i], row + 1);
        }
    }
    return WEIR_OK;
}

/* offset[] from the ids, and the rows in id order; *N_KEPT of them, *SAME: it is their own order.
 */
static int order_rows(struct build *b, int64_t **order, size_t *n_kept, bool *same,
                      struct weir_error *err)
{
    struct table *t = b->t;
    uint32_t n = b->rows->n_rows, *offset;
    size_t bytes = ((size_t)t->pub.n_ids + 2) * 4, kept = 0;
    offset = t->pub.offset = weir_pool_malloc(b->pool, bytes, err);
    if (!offset) return WEIR_ERR_NOMEM;
    t->offset_bytes = bytes;
    memset(offset, 0, bytes);
    bool sorted = true;
    uint32_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (b->id[i] == NO_ID) {
            t->pub.has_null_key = true;
            continue;
        }
        /* two places ahead: after the sums offset[id + 1] is where id begins, and placing its rows
           moves that to where it ends */
        offset[b->id[i] + 2]++;
        sorted = sorted && b->id[i] >= last;
        last = b->id[i];
        kept++;
    }
    for (uint32_t id = 0; id < t->pub.n_ids; id++) {
        uint32_t matches = offset[id + 2];
        if (matches > t->pub.max_matches) t->pub.max_matches = matches;
        offset[id + 2] += offset[id + 1];
    }
    *n_kept = kept;
    *same = sorted && kept == n;
    *order = NULL;
    if (!*same) {
        *order = weir_pool_malloc(b->pool, kept * sizeof **order, err);
        if (!*order) return WEIR_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (b->id[i] == NO_ID) continue;
        uint32_t at = offset[b->id[i] + 1]++;
        if (*order) (*order)[at] = i;
    }
    return WEIR_OK;
}

/* Columns [FIRST, FIRST + N) of all batches as one batch. */
static int concat_columns(const struct build *b, const struct weir_type *types, int first, int n,
                          struct weir_batch **out, struct weir_error *err)
{
    *out = NULL;
    struct weir_batch **part = weir_calloc(b->n_batches, sizeof *part);
    int rc = part ? WEIR_OK : weir_fail_nomem(err, b->n_batches * sizeof *part, "for a join table");
    for (size_t i = 0; i < b->n_batches && !rc; i++) {
        rc = weir_batch_new(b->batches[i]->n_rows, (uint32_t)n, &part[i], err);
        for (int c = 0; c < n && !rc; c++)
            weir_column_share(&part[i]->col[c], &b->batches[i]->col[first + c]);
    }
    if (!rc) rc = weir_batch_concat(b->pool, part, b->n_batches, types + first, n, out, err);
    for (size_t i = 0; part && i < b->n_batches; i++) weir_batch_unref(part[i]);
    weir_free(part);
    return rc;
}

static int gather_payload(struct build *b, const struct weir_type *types, int n_columns,
                          const int64_t *order, size_t n, struct weir_error *err)
{
    struct weir_builder *builder;
    int rc = weir_builder_new(b->pool, n_columns, types, &builder, err);
    for (int c = 0; c < n_columns && !rc; c++) {
        struct weir_batch *one = NULL;
        if (c < (int)b->keys.n) {
            weir_builder_gather(builder, c, &b->rows->col[c], order, n);
            continue;
        }
        rc = concat_columns(b, types, c, 1, &one, err);
        if (!rc) weir_builder_gather(builder, c, &one->col[0], order, n);
        weir_batch_unref(one);
    }
    if (!rc) {
        weir_builder_set_rows(builder, (uint32_t)n);
        rc = weir_builder_finish(builder, &b->t->pub.payload, err);
    }
    weir_builder_free(builder);
    return rc;
}

/* Let the texts of the key words point into the payload, which lives as long as the table. */
static void point_to_payload(struct build *b)
{
    struct weir_join_table *t = &b->t->pub;
    uint32_t at = 0;
    for (uint32_t k = 0; k < t->n_keys; k++) {
        const struct weir_column *c = &t->payload->col[k];
        for (uint32_t id = 0; weir_type_phys(t->key_type[k]) == WEIR_PHYS_STR && id < t->n_ids;
             id++)
            t->key_word[(size_t)id * t->key_words + at] =
                (uint64_t)(uintptr_t)weir_column_str(c, t->offset[id]).data;
        at += weir_key_words(t->key_type[k]);
    }
}

/* Ids, offsets and payload; b->rows is there. */
static int fill(struct build *b, const struct weir_type *types, int n_columns,
                struct weir_error *err)
{
    struct weir_join_table *t = &b->t->pub;
    uint32_t n = b->rows->n_rows;
    size_t id_bytes = (size_t)n * sizeof *b->id, n_kept = 0;
    int64_t *order = NULL;
    bool same;
    b->id = weir_pool_malloc(b->pool, id_bytes, err);
    if (!b->id) return WEIR_ERR_NOMEM;
    int rc = WEIR_OK;
    if (!t->n_keys) {
        t->n_ids = 1;
        memset(b->id, 0, id_bytes);
    } else if (!dense_ids(b)) {
        rc = hash_ids(b, err);
    }
    if (!rc) rc = order_rows(b, &order, &n_kept, &same, err);
    weir_pool_free(b->pool, b->id, id_bytes);
    if (!rc && same)
        rc = concat_columns(b, types, 0, n_columns, &t->payload, err);
    else if (!rc)
        rc = gather_payload(b, types, n_columns, order, n_kept, err);
    weir_pool_free(b->pool, order, n_kept * sizeof *order);
    if (rc) return rc;
    if (!t->dense && t->n_keys) point_to_payload(b);
    t->empty = n == 0;
    t->bytes =
        b->t->slot_bytes + b->t->offset_bytes + b->t->word_bytes + weir_batch_bytes(t->payload);
    return WEIR_OK;
}

int weir_join_build(struct weir_pool *pool, struct weir_batch *const *batches, size_t n_batches,
                    const struct weir_type *types, int n_columns, int n_keys,
                    struct weir_join_table **out, struct weir_error *err)
{
    *out = NULL;
    uint64_t n_rows = 0;
    for (size_t i = 0; i < n_batches; i++) n_rows += batches[i]->n_rows;
    if (n_rows > MAX_ROWS)
        return weir_fail(err, WEIR_ERR_NOMEM,
                         "the build side of a join has %llu rows, at most %u fit: put the smaller "
                         "table on the right, or filter it before the join",
                         (unsigned long long)n_rows, MAX_ROWS);
    if (n_keys > WEIR_JOIN_MAX_KEYS)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "a join on %d key columns: at most %d can be executed", n_keys,
                         WEIR_JOIN_MAX_KEYS);
    struct build b = {.pool = pool,
                      .batches = batches,
                      .n_batches = n_batches,
                      .keys = weir_keys_make((uint32_t)n_keys, types)};
    int rc = WEIR_ERR_NOMEM;
    size_t bytes = scratch_bytes(&b.keys);
    b.t = weir_calloc(1, sizeof *b.t);
    b.scratch = weir_malloc_aligned(bytes);
    if (!b.t || !b.scratch) {
        (void)weir_fail_nomem(err, sizeof *b.t + bytes, "for a join table");
        goto out;
    }
    b.chunk = (uint64_t *)(void *)b.scratch;
    b.chunk_hash = b.chunk + (size_t)b.keys.words * WEIR_VECTOR;
    b.t->pool = pool;
    b.t->pub.n_keys = (uint32_t)n_keys;
    b.t->pub.key_words = b.keys.words - 1;
    b.t->pub.key_type = weir_malloc((size_t)n_keys * sizeof *types);
    if (!b.t->pub.key_type) {
        (void)weir_fail_nomem(err, (size_t)n_keys * sizeof *types, "for a join table");
        goto out;
    }
    if (n_keys) memcpy(b.t->pub.key_type, types, (size_t)n_keys * sizeof *types);
    rc = concat_columns(&b, types, 0, n_keys, &b.rows, err);
    if (!rc) rc = fill(&b, types, n_columns, err);
out:
    weir_pool_free(pool, b.hash, b.cap * 8);
    weir_batch_unref(b.rows);
    weir_free(b.scratch);
    if (!rc)
        *out = &b.t->pub;
    else if (b.t)
        weir_join_free(&b.t->pub);
    return rc;
}
