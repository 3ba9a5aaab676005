/* Pools, buffers and batches: who pays for memory and who frees it.

   A pool only counts; memory comes from weir_malloc_aligned. A buffer made here owns its block and
   gives the bytes back to its pool with the last reference; a wrapped buffer calls its release
   function instead. A batch holds one reference on each buffer of its columns, so sharing a column
   between batches is three reference counts. */
#include "runtime/column/batch.h"

#include <stdio.h>
#include <string.h>

#define BUFFER_PADDING 64
#define PAGE           4096

/* The owner of a pool holds one byte of its own, so that `used` reaches 0 exactly once: when the
   owner and all buffers are gone. */
#define OWNERS_BYTE ((size_t)1)

/* ---- pool ---- */

int weir_pool_take(struct weir_pool *pool, size_t bytes, struct weir_error *err)
{
    if (!pool || !bytes) return WEIR_OK;
    size_t used = atomic_fetch_add_explicit(&pool->used, bytes, memory_order_relaxed) + bytes;
    if ((pool->limit && used > pool->limit) || used < bytes) {
        atomic_fetch_sub_explicit(&pool->used, bytes, memory_order_relaxed);
        return weir_fail(err, WEIR_ERR_NOMEM,
                         "%s has a memory budget of %zu bytes: %zu are in use and %zu more are "
                         "needed; raise 'weir.memory' (weir run --memory), or use more partitions "
                         "so that each holds less",
                         pool->name ? pool->name : "the memory pool",
                         pool->limit - pool->owned * OWNERS_BYTE,
                         used - bytes - pool->owned * OWNERS_BYTE, bytes);
    }
    size_t peak = atomic_load_explicit(&pool->peak, memory_order_relaxed);
    while (peak < used && !atomic_compare_exchange_weak_explicit(
                              &pool->peak, &peak, used, memory_order_relaxed, memory_order_relaxed))
        ;
    return WEIR_OK;
}

void weir_pool_give(struct weir_pool *pool, size_t bytes)
{
    if (!pool) return;
    bool owned = pool->owned; /* read before the bytes go: the pool may go with the last ones */
    if (atomic_fetch_sub_explicit(&pool->used, bytes, memory_order_acq_rel) == bytes && owned)
        weir_free(pool);
}

struct weir_pool *weir_pool_new(size_t limit, const char *name)
{
    struct weir_pool *pool = weir_calloc(1, sizeof *pool);
    if (!pool) return NULL;
    atomic_init(&pool->used, OWNERS_BYTE);
    pool->limit = limit ? limit + OWNERS_BYTE : 0;
    pool->owned = true;
    snprintf(pool->own_name, sizeof pool->own_name, "%s", name);
    pool->name = pool->own_name;
    return pool;
}

void weir_pool_release(struct weir_pool *pool)
{
    weir_pool_give(pool, OWNERS_BYTE);
}

void *weir_pool_malloc(struct weir_pool *pool, size_t size, struct weir_error *err)
{
    if (weir_pool_take(pool, size, err)) return NULL;
    void *p = weir_malloc_aligned(size);
    if (!p) {
        weir_pool_give(pool, size);
        (void)weir_fail_nomem(err, size, "for a buffer");
        return NULL;
    }
    if (pool && pool->bind && size >= PAGE) pool->bind(pool->bind_ctx, p, size);
    return p;
}

void weir_pool_free(struct weir_pool *pool, void *p, size_t size)
{
    if (!p) return;
    weir_free(p);
    weir_pool_give(pool, size);
}

/* ---- buffer ---- */

int weir_buffer_new(struct weir_pool *pool, size_t size, struct weir_buffer **out,
                    struct weir_error *err)
{
    *out = NULL;
    if (size > SIZE_MAX - 2 * BUFFER_PADDING) return weir_fail_nomem(err, size, "for a buffer");
    struct weir_buffer *b = weir_calloc(1, sizeof *b);
    if (!b) return weir_fail_nomem(err, sizeof *b, "for a buffer");
    b->cap = (size + 2 * BUFFER_PADDING - 1) / BUFFER_PADDING * BUFFER_PADDING;
    b->data = weir_pool_malloc(pool, b->cap, err);
    if (!b->data) {
        weir_free(b);
        return WEIR_ERR_NOMEM;
    }
    memset((char *)b->data + size, 0, b->cap - size);
    b->size = size;
    b->pool = pool;
    atomic_init(&b->refs, 1);
    *out = b;
    return WEIR_OK;
}

int weir_buffer_wrap(void *data, size_t size, void (*release)(struct weir_buffer *), void *owner,
                     struct weir_buffer **out, struct weir_error *err)
{
    *out = NULL;
    struct weir_buffer *b = weir_calloc(1, sizeof *b);
    if (!b) return weir_fail_nomem(err, sizeof *b, "for a buffer");
    b->data = data;
    b->size = b->cap = size;
    b->release = release;
    b->owner = owner;
    atomic_init(&b->refs, 1);
    *out = b;
    return WEIR_OK;
}

struct weir_buffer *weir_buffer_ref(struct weir_buffer *b)
{
    if (b) atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void weir_buffer_unref(struct weir_buffer *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    if (b->release)
        b->release(b);
    else
        weir_pool_free(b->pool, b->data, b->cap);
    weir_free(b);
}

/* ---- batch ---- */

int weir_batch_new(uint32_t n_rows, uint32_t n_cols, struct weir_batch **out,
                   struct weir_error *err)
{
    size_t bytes = sizeof(struct weir_batch) + n_cols * sizeof(struct weir_column);
    struct weir_batch *b = weir_calloc(1, bytes);
    *out = b;
    if (!b) return weir_fail_nomem(err, bytes, "for a batch");
    atomic_init(&b->refs, 1);
    b->n_rows = n_rows;
    b->n_cols = n_cols;
    return WEIR_OK;
}

struct weir_batch *weir_batch_ref(struct weir_batch *b)
{
    if (b) atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void weir_batch_unref(struct weir_batch *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t c = 0; c < b->n_cols; c++)
        for (int k = 0; k < 3; k++) weir_buffer_unref(b->col[c].buf[k]);
    weir_free(b);
}

void weir_column_share(struct weir_column *dst, const struct weir_column *src)
{
    *dst = *src;
    for (int k = 0; k < 3; k++) weir_buffer_ref(dst->buf[k]);
}

struct weir_value weir_column_value(const struct weir_column *c, size_t row)
{
    struct weir_value v = {.type = c->type, .is_null = weir_column_is_null(c, row)};
    if (v.is_null) return v;
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_BOOL: v.b = weir_bit(c->values, row); break;
    case WEIR_PHYS_I8: v.i = ((const int8_t *)c->values)[row]; break;
    case WEIR_PHYS_I16: v.i = ((const int16_t *)c->values)[row]; break;
    case WEIR_PHYS_I32: v.i = ((const int32_t *)c->values)[row]; break;
    case WEIR_PHYS_I64: v.i = ((const int64_t *)c->values)[row]; break;
    case WEIR_PHYS_I128: memcpy(&v.x, (const char *)c->values + row * 16, 16); break;
    case WEIR_PHYS_F32: v.f = (double)((const float *)c->values)[row]; break;
    case WEIR_PHYS_F64: v.f = ((const double *)c->values)[row]; break;
    default: v.s = weir_column_str(c, row);
    }
    return v;
}

size_t weir_batch_bytes(const struct weir_batch *b)
{
    size_t sum = 0;
    for (uint32_t c = 0; c < b->n_cols; c++)
        for (int k = 0; k < 3; k++)
            if (b->col[c].buf[k]) sum += b->col[c].buf[k]->size;
    return sum;
}
