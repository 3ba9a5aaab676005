#ifndef WEIR_TESTS_RANDOM_BATCH_H
#define WEIR_TESTS_RANDOM_BATCH_H

/* Random batches for the operators' tests: few distinct values, so that keys meet, with NULLs and
   the values where mistakes live (extremes, -0, NaN, empty and long texts). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/keys.h"

static uint64_t random_seed = 1;
static inline uint32_t rnd(uint32_t n)
{
    random_seed = random_seed * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)((random_seed >> 33) % n) : 0;
}

/* WEIR_TEST_SEED in the environment gives other cases than those of every run. */
static inline void random_init(void)
{
    const char *seed = getenv("WEIR_TEST_SEED");
    if (seed) random_seed = strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15u + 1;
}

static inline struct weir_type random_type(void)
{
    switch (rnd(12)) {
    case 0: return weir_type_make(WEIR_TYPE_BOOLEAN);
    case 1: return weir_type_make(WEIR_TYPE_TINYINT);
    case 2: return weir_type_make(WEIR_TYPE_SMALLINT);
    case 3: return weir_type_make(WEIR_TYPE_INT);
    case 4: return weir_type_decimal(15, 2);
    case 5: return weir_type_decimal(38, 2);
    case 6: return weir_type_make(WEIR_TYPE_FLOAT);
    case 7: return weir_type_make(WEIR_TYPE_DOUBLE);
    case 8: return weir_type_make(WEIR_TYPE_DATE);
    case 9: return weir_type_string();
    case 10: return weir_type_timestamp(6);
    default: return weir_type_make(WEIR_TYPE_BIGINT);
    }
}

/* Value number K of type T; SPREAD scatters integers over the whole type. */
static inline struct weir_value nth_value(struct weir_type t, uint32_t k, bool spread)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789";
    static const double odd[] = {0.0, -0.0, NAN, -INFINITY, INFINITY, 1e300, -1e300, 0.1};
    struct weir_value v = {.type = t};
    uint64_t big = k * 0x9e3779b97f4a7c15u;
    switch (weir_type_phys(t)) {
    case WEIR_PHYS_BOOL: v.b = k & 1; break;
    case WEIR_PHYS_I8: v.i = (int8_t)(spread ? big >> 56 : k - 3); break;
    case WEIR_PHYS_I16: v.i = (int16_t)(spread ? big >> 48 : k - 3); break;
    case WEIR_PHYS_I32: v.i = (int32_t)(spread ? big >> 32 : k - 3); break;
    case WEIR_PHYS_I64: v.i = (int64_t)(spread ? big : (uint64_t)k - 3); break;
    case WEIR_PHYS_I128: v.x = (weir_i128)(int64_t)big * (spread ? 1000000007 : 1); break;
    case WEIR_PHYS_F32: v.f = k < 5 ? odd[k] : (double)(float)k / 8; break;
    case WEIR_PHYS_F64: v.f = k < 8 ? odd[k] : (double)k / 3; break;
    default: v.s = (struct weir_str){text + k % 31, k % 23}; break;
    }
    if (t.id == WEIR_TYPE_DECIMAL && weir_type_phys(t) == WEIR_PHYS_I64)
        v.i %= (int64_t)weir_pow10_i128[t.precision];
    return v;
}

/* N rows of random values 0..DISTINCT - 1; one in NULLS is NULL (0: none). */
static inline struct weir_batch *random_batch(int n_cols, const struct weir_type *types, uint32_t n,
                                              uint32_t distinct, uint32_t nulls, bool spread)
{
    struct weir_builder *b;
    struct weir_batch *out;
    if (weir_builder_new(NULL, n_cols, types, &b, NULL)) abort();
    for (int c = 0; c < n_cols; c++)
        for (uint32_t i = 0; i < n; i++) {
            struct weir_value v = nth_value(types[c], rnd(distinct), spread);
            v.is_null = nulls && rnd(nulls) == 0;
            weir_builder_value(b, c, &v);
        }
    weir_builder_set_rows(b, n);
    if (weir_builder_finish(b, &out, NULL)) abort();
    weir_builder_free(b);
    return out;
}

/* SQL's equality of two valid values, as GROUP BY and joins see it. */
static inline bool values_equal(const struct weir_value *a, const struct weir_value *b)
{
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return a->b == b->b;
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return a->f == b->f || (a->f != a->f && b->f != b->f);
    case WEIR_PHYS_STR:
        return a->s.len == b->s.len && (!a->s.len || !memcmp(a->s.data, b->s.data, a->s.len));
    default: return a->i == b->i;
    }
}

/* Vectors over rows [FROM, FROM + N) of a batch, with the memory they need. */
struct vectors {
    struct weir_vec vec[16];
    const struct weir_vec *ptr[16];
    char scratch[16][WEIR_VECTOR * sizeof(struct weir_str)];
    uint8_t states[16][WEIR_VECTOR];
};

static inline void vectors_of(struct vectors *v, const struct weir_batch *b, uint32_t from,
                              uint32_t n)
{
    for (uint32_t c = 0; c < b->n_cols; c++) {
        v->vec[c] = weir_vec_of_column(&b->col[c], from, n, v->scratch[c], v->states[c]);
        v->ptr[c] = &v->vec[c];
    }
}

#endif
