#ifndef WEIR_NATIVE_JOINTABLE_H
#define WEIR_NATIVE_JOINTABLE_H

#include "runtime/native/vec.h"

/* The build side of a hash join, immutable once built, probed by native operators and by kernels: a
   CSR over distinct keys. A key has an id; the payload's rows are stored in id order, so the rows
   that match id i are exactly [offset[i], offset[i + 1]). Key to id: dense  one integer key in a
   small enough range: id = key - min, no comparison at all (absent keys have no rows); hash slot[]
   of 2^k words, linear probing from hash & mask: 0 = empty, else (hash & 0xffffffff00000000) | (id
   + 1); on an equal tag the key words decide. Key words are those of a group row (pipeline.h:
   integers sign-extended, doubles canonical, I128 two words, STR pointer + length). Build rows with
   a NULL key are dropped (no join type needs them), but remembered. */

#define WEIR_JOIN_MAX_KEYS 64

struct weir_join_table {
    uint32_t n_keys;
    uint32_t key_words;         /* per key id */
    struct weir_type *key_type; /* [n_keys] */
    bool dense;
    int64_t min;    /* dense: key of id 0 */
    uint64_t *slot; /* hash: [mask + 1] */
    uint64_t mask;
    uint32_t n_ids;
    uint32_t *offset;           /* [n_ids + 1] */
    uint64_t *key_word;         /* hash: [n_ids * key_words] */
    struct weir_batch *payload; /* all build columns (keys first), in id order */
    uint32_t max_matches;       /* rows of the most frequent key */
    bool has_null_key;          /* for NOT IN */
    bool empty;                 /* no build row at all, NULL keys counted */
    size_t bytes;               /* of the directory and the payload */
};

/* Build from BATCHES (columns: the N_KEYS keys first; TYPES[0..n_columns)). Without keys every row
   matches (id 0). At most 2^31 - 2 rows, else WEIR_ERR_NOMEM with what to do; at most
   WEIR_JOIN_MAX_KEYS keys, else WEIR_ERR_UNSUPPORTED. */
int weir_join_build(struct weir_pool *pool, struct weir_batch *const *batches, size_t n_batches,
                    const struct weir_type *types, int n_columns, int n_keys,
                    struct weir_join_table **out, struct weir_error *err) WEIR_NODISCARD;
void weir_join_free(struct weir_join_table *pub); /* NULL is allowed */

/* Matches of N rows: payload rows [BEGIN[i], END[i]); NULL keys match nothing (begin = end). A key
   in an error state: returns 1 + the row's number; else 0. Thread-safe. */
int weir_join_lookup(const struct weir_join_table *t, uint32_t n, const struct weir_vec *const *key,
                     uint32_t *begin, uint32_t *end);

#endif
