#ifndef WEIR_NATIVE_GROUPS_INTERNAL_H
#define WEIR_NATIVE_GROUPS_INTERNAL_H

/* What the files of the group table share; nobody else includes this. */

#include "runtime/native/dd.h"
#include "runtime/native/groups.h"
#include "runtime/native/keys.h"

/* Bytes of strings that a table owns: blocks that only grow, released together. */
struct group_texts {
    struct text_block *head;
    size_t used, cap; /* of the head block */
};

#define NO_ROW UINT32_MAX

struct weir_groups {
    const struct weir_group_layout *layout;
    struct weir_pool *pool;
    struct weir_keys keys;
    uint32_t words;    /* from one row to the next, at least those of the layout */
    uint32_t acc_word; /* where the accumulators begin */
    bool integer_key;  /* one key of at most 64 bits: may be found through a dense array */

    /* rows, in chunks of 2^shift rows; the first chunk starts small and doubles */
    uint64_t **chunk;
    uint32_t n_chunks, cap_chunks, shift;
    size_t n_rows, cap_rows;

    /* directory: (hash & high half) | (row + 1), at (hash >> 32) & mask; NULL while dense */
    uint64_t *slot;
    uint64_t mask;

    /* dense: row + 1 of key dense_min + i */
    uint32_t *dense;
    uint64_t dense_min, dense_size;
    int64_t key_min, key_max; /* of all keys so far */
    uint32_t null_row;        /* NO_ROW: none yet */

    struct group_texts texts;

    /* DISTINCT: set[a] holds the (group, value) pairs seen; NULL for other aggregates. */
    struct weir_groups **set;
    struct weir_group_layout *own_layout; /* of a set: released with it */

    /* scratch for one vector of rows */
    uint64_t *key_rows; /* [WEIR_VECTOR * keys.words] */
    uint64_t *hash;
    uint32_t *row_no;
    uint64_t **row, **picked_row;
    uint32_t *pick;
    char *values; /* [WEIR_VECTOR * 16] */
    void *scratch;
};

static inline uint64_t *group_row(const struct weir_groups *g, size_t i)
{
    return g->chunk[i >> g->shift] + (i & (((size_t)1 << g->shift) - 1)) * g->words;
}

/* Which of N_PARTS parts of the hash space a hash is in (by its high bits). */
static inline uint32_t group_part(uint64_t hash, uint32_t n_parts)
{
    return (uint32_t)((weir_u128)hash * n_parts >> 64);
}

/* Room for SIZE bytes (8-byte aligned); NULL with ERR filled. */
char *group_texts_alloc(struct group_texts *t, struct weir_pool *pool, size_t size,
                        struct weir_error *err);
void group_texts_release(struct group_texts *t, struct weir_pool *pool);

#define GROUP_TAG      (~(uint64_t)UINT32_MAX)
#define GROUP_PREFETCH 16384 /* slots from which rows are prefetched: a directory of 128 KiB */

/* Loops over a vector ask for the memory of the row this far ahead of the one that they work on: one
   pass that asks for all 1,024 rows first would have them pushed out of the L1 cache again. */
#define GROUP_AHEAD 48

/* Ask for word AT of the row GROUP_AHEAD after the I-th of M. */
static inline void group_ahead(uint64_t *const *row, uint32_t i, uint32_t m, uint32_t at)
{
    __builtin_prefetch(row[i + GROUP_AHEAD < m ? i + GROUP_AHEAD : i] + at, 1);
}

/* Find the first slot from the place of hash I on that is empty or has its tag, and ask for its row.
   How far it is from the place goes to row_no[I]: what is entered meanwhile comes behind it. */
static inline void group_ahead_row(const struct weir_groups *g, uint32_t i)
{
    uint64_t hash = g->hash[i], at = hash >> 32, s;
    while ((s = g->slot[at & g->mask]) && (s ^ hash) & GROUP_TAG) at++;
    g->row_no[i] = (uint32_t)(at - (hash >> 32));
    if (!s) return;
    const uint64_t *row = group_row(g, (uint32_t)s - 1);
    __builtin_prefetch(row, 1);
    if (g->words > 8) __builtin_prefetch(row + g->words - 1, 1);
}

/* Before hash I of N is probed: the slot two strides ahead, and the row one stride ahead. */
static inline void group_ahead_slots(const struct weir_groups *g, uint32_t i, uint32_t n)
{
    if (i + 2 * GROUP_AHEAD < n)
        __builtin_prefetch(&g->slot[g->hash[i + 2 * GROUP_AHEAD] >> 32 & g->mask]);
    if (i + GROUP_AHEAD < n) group_ahead_row(g, i + GROUP_AHEAD);
}

/* Is the directory too large for the L1 cache? Then ask for what the probing of the first of N hashes
   will look at. */
static inline bool groups_far(const struct weir_groups *g, uint32_t n)
{
    if (g->mask < GROUP_PREFETCH) return false;
    for (uint32_t i = 0; i < n && i < 2 * GROUP_AHEAD; i++)
        __builtin_prefetch(&g->slot[g->hash[i] >> 32 & g->mask]);
    for (uint32_t i = 0; i < n && i < GROUP_AHEAD; i++) group_ahead_row(g, i);
    return true;
}

/* Slots for N more groups: four for each in a small table, which has fewer collisions to
   mispredict, two where the cache is the concern. */
static inline uint64_t groups_want_slots(const struct weir_groups *g, uint32_t n)
{
    uint64_t rows = g->n_rows + n;
    return rows <= 8192 ? 4 * rows : rows <= 16384 ? 32768 : 2 * rows;
}

/* Room for EXTRA more rows. */
int groups_reserve_rows(struct weir_groups *g, size_t extra, struct weir_error *err);
/* Append a group, for which there is room; the caller enters it in the directory. */
int groups_add_row(struct weir_groups *g, uint64_t hash, const uint64_t *key_row,
                   struct weir_error *err);

/* The quick way for one key of one word without NULLs: find or add N keys. 1: done, 0: the table
   must be rearranged first, use groups_find; negative: error. */
int groups_find_words(struct weir_groups *g, uint32_t n, const struct weir_vec *key,
                      struct weir_error *err);

/* Find or add the N <= WEIR_VECTOR key rows in g->key_rows (NULLS: what weir_keys_load said, ~0
   when not known), whose hashes are in g->hash if HASHED: their row numbers to g->row_no. New rows
   are numbered in order of appearance; their keys are the table's own, their accumulators neutral.
 */
int groups_find(struct weir_groups *g, uint32_t n, uint64_t nulls, bool hashed,
                struct weir_error *err);

/* Add the accumulators FROM to those of a row, TO (one aggregate's words; not the DISTINCT ones).
 */
int groups_merge_acc(struct weir_groups *g, const struct weir_pipe_agg *agg, uint64_t *to,
                     const uint64_t *from, struct weir_error *err);

/* Add M values (int64_t, double, 16-byte integers or struct weir_str, by the aggregate's argument)
   to the accumulators at word AT of ROW[0..m). */
int groups_accumulate(struct weir_groups *g, const struct weir_pipe_agg *agg, uint32_t at,
                      uint32_t m, uint64_t *const *row, const void *values, struct weir_error *err);
/* … all to the same accumulators TO. */
int groups_reduce(struct weir_groups *g, const struct weir_pipe_agg *agg, uint64_t *to, uint32_t m,
                  const void *values, struct weir_error *err);

/* In what form groups_accumulate wants the values of an aggregate's argument. */
enum group_values { VALUES_I64, VALUES_F64, VALUES_I128, VALUES_STR };
enum group_values groups_values_of(const struct weir_pipe_agg *agg);

/* MIN, MAX: is value A (in words) to be taken instead of B? */
bool groups_better(const struct weir_pipe_agg *agg, const uint64_t *a, const uint64_t *b);
/* Keep a copy of a text in the words TO; FIRST: there is none yet, else its room is used again. */
int groups_keep_text(struct weir_groups *g, uint64_t *to, const char *data, size_t len, bool first,
                     struct weir_error *err);

/* The first N key rows of set g->set[A] belong to ROW[0..n): accumulate those that are new. */
int groups_add_distinct(struct weir_groups *g, uint32_t a, uint32_t n, uint64_t *const *row,
                        struct weir_error *err);

/* DISTINCT: does the aggregate need its set? (MIN and MAX do not care.) */
static inline bool groups_has_set(const struct weir_pipe_agg *agg)
{
    return agg->distinct && agg->fn != WEIR_AGG_MIN && agg->fn != WEIR_AGG_MAX;
}
/* Fill key row I of set S with (ROW_NO, value words) — the group only where there are several. */
static inline uint64_t *groups_set_row(const struct weir_groups *g, struct weir_groups *s,
                                       uint32_t i, uint32_t row_no)
{
    uint64_t *to = s->key_rows + (size_t)i * s->keys.words;
    *to++ = 0;
    if (g->keys.n) *to++ = row_no;
    return to;
}

/* A double as an integer of the same order (-0 < 0, every NaN is the largest), and back. */
static inline int64_t order_of_f64(uint64_t bits)
{
    if ((bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u) bits = 0x7ff8000000000000u;
    return (int64_t)(bits ^ ((uint64_t)((int64_t)bits >> 63) >> 1));
}
static inline uint64_t f64_of_order(int64_t order)
{
    return (uint64_t)order ^ ((uint64_t)(order >> 63) >> 1);
}

/* Sums of 128-bit integers: [low][high][n], where the top 24 bits of n count, with a sign, how
   often the sum went round 2^128. So a sum is exact whatever the order, and a result that is in
   range after an excursion is right. */
#define SUM_COUNT_BITS 40
#define SUM_CARRY_MAX  (1 << 22)

static inline uint64_t sum_count(uint64_t n)
{
    return n & (((uint64_t)1 << SUM_COUNT_BITS) - 1);
}
static inline int64_t sum_carry(uint64_t n)
{
    return (int64_t)n >> SUM_COUNT_BITS;
}
static inline weir_i128 sum_value(const uint64_t *acc)
{
    return (weir_i128)((weir_u128)acc[1] << 64 | acc[0]);
}
static inline void sum_add(uint64_t *acc, weir_i128 v)
{
    weir_i128 sum;
    if (__builtin_add_overflow(sum_value(acc), v, &sum))
        acc[2] += (v < 0 ? ~(uint64_t)0 : 1) << SUM_COUNT_BITS;
    acc[0] = (uint64_t)sum;
    acc[1] = (uint64_t)(sum >> 64);
}
/* WEIR_ERR_DATA when the carry comes near its own limit (sums beyond 2^150). */
int groups_sum_check(const struct weir_pipe_agg *agg, const uint64_t *acc,
                     struct weir_error *err) WEIR_NODISCARD;

#endif
