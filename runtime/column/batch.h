#ifndef WEIR_COLUMN_BATCH_H
#define WEIR_COLUMN_BATCH_H

#include <stdatomic.h>

#include "runtime/base/error.h"
#include "runtime/base/mem.h"
#include "runtime/column/type.h"

/* Batches: immutable columns in Arrow's layout, shared by reference count. A batch is made by a
   builder or by importing foreign (Arrow) memory; after that nobody writes to it, so any thread may
   read it. */

/* ---- pool: the memory budget of a slot ---- */

/* Counts the bytes of the buffers made under it and refuses more than `limit` (0: no limit).
   Thread-safe. `bind`, when set, is called for each new block of at least a page, so that the owner
   can place it on the slot's NUMA node. */
struct weir_pool {
    atomic_size_t used, peak;
    size_t limit;
    const char *name; /* for the message: "stream log, slot 3," */
    void (*bind)(void *ctx, void *addr, size_t size);
    void *bind_ctx;
    bool owned; /* made by weir_pool_new */
    char own_name[96];
};

/* A pool that lives until it is released and the last buffer paid by it is gone: a query's result
   may outlive its job. NULL: out of memory. */
struct weir_pool *weir_pool_new(size_t limit, const char *name);
void weir_pool_release(struct weir_pool *pool); /* NULL is allowed */

/* Account for BYTES more, or WEIR_ERR_NOMEM naming the pool, its limit and what to raise (nothing
   is taken then). POOL may be NULL: always granted. */
int weir_pool_take(struct weir_pool *pool, size_t bytes, struct weir_error *err) WEIR_NODISCARD;
void weir_pool_give(struct weir_pool *pool, size_t bytes);
/* weir_malloc_aligned (64 bytes) paid for by POOL and bound to its node; NULL when refused, with
   ERR filled. Released with weir_pool_free and the same SIZE. */
void *weir_pool_malloc(struct weir_pool *pool, size_t size, struct weir_error *err) WEIR_NODISCARD;
void weir_pool_free(struct weir_pool *pool, void *p, size_t size); /* P may be NULL */

/* ---- buffer: reference-counted bytes ---- */

struct weir_buffer {
    atomic_int refs;
    size_t size, cap;
    void *data; /* 64-byte aligned when made by weir_buffer_new; at least 64 readable zero bytes
                   follow `size`, so that vector loads may run over */
    struct weir_pool *pool;                /* may be NULL */
    void (*release)(struct weir_buffer *); /* foreign memory: frees what `owner` holds; else NULL */
    void *owner;
};

/* One reference for the caller. Contents are undefined but for the padding. */
int weir_buffer_new(struct weir_pool *pool, size_t size, struct weir_buffer **out,
                    struct weir_error *err) WEIR_NODISCARD;
/* Foreign bytes: RELEASE(buffer) is called once when the last reference goes (not on failure). */
int weir_buffer_wrap(void *data, size_t size, void (*release)(struct weir_buffer *), void *owner,
                     struct weir_buffer **out, struct weir_error *err) WEIR_NODISCARD;
struct weir_buffer *weir_buffer_ref(struct weir_buffer *b); /* NULL stays NULL */
void weir_buffer_unref(struct weir_buffer *b);              /* NULL is allowed */

/* ---- column and batch ---- */

/* Borrowed pointers into the three buffers. `validity`: one bit a row, LSB first, 1 = not NULL;
   NULL pointer = no NULLs. `values`: fixed-width values (BOOL: bits, LSB first), or n + 1 int32
   offsets for STR (offset[0] need not be 0). `data`: the bytes of STR. Values under a NULL are
   unspecified but readable. */
struct weir_column {
    struct weir_type type;
    const uint8_t *validity;
    const void *values;
    const char *data;
    struct weir_buffer
        *buf[3]; /* owners of validity, values, data; entries may be NULL or shared */
};

/* Where the rows came from, for error messages. Copied freely; SOURCE lives as long as the job. */
struct weir_origin {
    const struct weir_source *source; /* NULL: a computed batch */
    int32_t split;                    /* index of the split (file or byte range) */
    uint64_t position;  /* source's own: byte offset of the batch's first record, … */
    uint64_t first_row; /* rows of the split before this batch */
};

struct weir_batch {
    atomic_int refs;
    uint32_t n_rows;
    uint32_t n_cols;
    struct weir_origin origin;
    struct weir_column col[]; /* [n_cols] */
};

#define WEIR_BATCH_ROWS 16384 /* what sources aim at */
#define WEIR_VECTOR     1024  /* rows that native operators evaluate at once */

static inline bool weir_bit(const uint8_t *bits, size_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}
static inline void weir_bit_set(uint8_t *bits, size_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}
static inline void weir_bit_clear(uint8_t *bits, size_t i)
{
    bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}
static inline bool weir_column_is_null(const struct weir_column *c, size_t row)
{
    return c->validity && !weir_bit(c->validity, row);
}
static inline struct weir_str weir_column_str(const struct weir_column *c, size_t row)
{
    const int32_t *off = c->values;
    return (struct weir_str){c->data + off[row], (uint32_t)(off[row + 1] - off[row])};
}

/* A shell of N_COLS zeroed columns whose buffers the caller fills in; one reference. */
int weir_batch_new(uint32_t n_rows, uint32_t n_cols, struct weir_batch **out,
                   struct weir_error *err) WEIR_NODISCARD;
struct weir_batch *weir_batch_ref(struct weir_batch *b);
void weir_batch_unref(struct weir_batch *b); /* NULL is allowed */

/* Make *DST share SRC's buffers (DST's old contents are overwritten, not released). */
void weir_column_share(struct weir_column *dst, const struct weir_column *src);

/* One value, read slowly but in one way for every type; strings are views into the batch. */
struct weir_value weir_column_value(const struct weir_column *c, size_t row);

/* Bytes of all buffers (shared ones counted again for each column). */
size_t weir_batch_bytes(const struct weir_batch *b);

/* ---- builder: append values, then finish into a batch ---- */

struct weir_builder;

/* TYPES are copied. POOL may be NULL. */
int weir_builder_new(struct weir_pool *pool, int n_cols, const struct weir_type *types,
                     struct weir_builder **out, struct weir_error *err) WEIR_NODISCARD;
void weir_builder_free(struct weir_builder *b); /* NULL is allowed */

/* Each appends to column C. Columns may be filled in any order; they must have the same number of
   values at finish (else WEIR_ERR_INTERNAL). They never fail: an allocation failure is kept and
   reported by weir_builder_finish. The integer form takes every I8 … I64 type and BOOL, the f64
   form F32 and F64. */
void weir_builder_null(struct weir_builder *b, int c);
void weir_builder_i64(struct weir_builder *b, int c, int64_t v);
void weir_builder_f64(struct weir_builder *b, int c, double v);
void weir_builder_i128(struct weir_builder *b, int c, weir_i128 v);
void weir_builder_str(struct weir_builder *b, int c, const char *data, size_t len); /* copies */
void weir_builder_value(struct weir_builder *b, int c, const struct weir_value *v);
/* Rows [FROM, FROM + N) of SRC (of column C's physical type); gather takes rows IDX[0..N), a
   negative index appends NULL. */
void weir_builder_copy(struct weir_builder *b, int c, const struct weir_column *src, size_t from,
                       size_t n);
void weir_builder_gather(struct weir_builder *b, int c, const struct weir_column *src,
                         const int64_t *idx, size_t n);

uint32_t
weir_builder_rows(const struct weir_builder *b); /* values in column 0, or what _set_rows said */
void weir_builder_set_rows(struct weir_builder *b,
                           uint32_t n); /* a batch without columns still has rows */
size_t weir_builder_bytes(const struct weir_builder *b);
/* Drop the rows after the first N_ROWS in every column (a row that failed half-way). */
void weir_builder_truncate(struct weir_builder *b, uint32_t n_rows);

/* Move the contents into a batch (one reference) and start empty again. The strings of one column
   must stay under 2 GiB a batch, else WEIR_ERR_DATA. */
int weir_builder_finish(struct weir_builder *b, struct weir_batch **out,
                        struct weir_error *err) WEIR_NODISCARD;

/* ---- several batches as one ---- */

/* Concatenate BATCHES (all of TYPES; N may be 0) into one batch. */
int weir_batch_concat(struct weir_pool *pool, struct weir_batch *const *batches, size_t n,
                      const struct weir_type *types, int n_cols, struct weir_batch **out,
                      struct weir_error *err) WEIR_NODISCARD;

#endif
