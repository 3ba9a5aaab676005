#ifndef WEIR_NATIVE_KEYS_H
#define WEIR_NATIVE_KEYS_H

#include "runtime/native/vec.h"

/* Key words: the form in which join and group tables hash, compare and keep keys (pipeline.h). A
   key row is [NULL bits][words of key 0][words of key 1]…: bit k & 63 of the first word says that
   key k is NULL, and then its words are zero. So rows of fixed-width keys are equal when all their
   words are; for STR (pointer, length) the bytes decide. */

struct weir_keys {
    uint32_t n;
    uint32_t words;               /* of a key row, the NULL bits included */
    bool fixed;                   /* no STR among them */
    const struct weir_type *type; /* [n], borrowed */
};

uint32_t weir_key_words(struct weir_type t); /* 1, or 2 for I128 and STR */
struct weir_keys weir_keys_make(uint32_t n, const struct weir_type *type);

/* The key rows of N rows of vectors KEY[0..k->n) to OUT[n * k->words]; strings are borrowed from
   the vectors. Error states count as NULL. Returns the or of all NULL bits. */
uint64_t weir_keys_load(const struct weir_keys *k, uint32_t n, const struct weir_vec *const *key,
                        uint64_t *out);

/* The words of a one-word key for N rows, states apart: the vector's own memory where that is their
   form already, else OUT[n]. */
const uint64_t *weir_key_words_of(const struct weir_vec *v, uint32_t n, uint64_t *out);

/* Hashes (kernels/common/hash.h) of N key rows. NULLS: what load returned; ~0 when not known. */
void weir_keys_hash(const struct weir_keys *k, uint32_t n, const uint64_t *rows, uint64_t nulls,
                    uint64_t *hash);

/* Are the N bytes at A and B the same? Short texts without a call. */
static inline bool weir_bytes_equal(const char *a, const char *b, uint64_t n)
{
    uint64_t x, y, diff = 0;
    if (n > 32) return !memcmp(a, b, n);
    if (n >= 8) {
        for (uint64_t i = 0; i + 8 < n; i += 8) {
            memcpy(&x, a + i, 8), memcpy(&y, b + i, 8);
            diff |= x ^ y;
        }
        memcpy(&x, a + n - 8, 8), memcpy(&y, b + n - 8, 8);
        return !(diff | (x ^ y));
    }
    if (n >= 4) {
        uint32_t p, q, r, t;
        memcpy(&p, a, 4), memcpy(&q, b, 4), memcpy(&r, a + n - 4, 4), memcpy(&t, b + n - 4, 4);
        return !((p ^ q) | (r ^ t));
    }
    return !n || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

/* Are two sequences of key words (without the NULL bits) the same key? */
bool weir_keys_equal_texts(const struct weir_keys *k, const uint64_t *a, const uint64_t *b);
static inline bool weir_keys_equal(const struct weir_keys *k, const uint64_t *a, const uint64_t *b)
{
    if (!k->fixed) return weir_keys_equal_texts(k, a, b);
    uint64_t diff = 0;
    for (uint32_t w = 0; w + 1 < k->words; w++) diff |= a[w] ^ b[w];
    return diff == 0;
}

/* First row whose state in V is an error, or N. */
uint32_t weir_vec_first_error(const struct weir_vec *v, uint32_t n);

/* A view of rows [FROM, FROM + N), N <= WEIR_VECTOR, of column C as a vector: zero-copy where the
   layouts agree, else in SCRATCH (WEIR_VECTOR * sizeof(struct weir_str) bytes) and STATES
   (WEIR_VECTOR bytes), which must live as long as the view. */
struct weir_vec weir_vec_of_column(const struct weir_column *c, size_t from, uint32_t n,
                                   void *scratch, uint8_t *states);

#endif
