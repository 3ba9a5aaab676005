/* The builder: columns that grow by doubling and become a batch without a copy.

   Each column grows up to three buffers; `size` of a buffer counts what is in use only from finish
   on, before that the column's own counters do. Validity is made with the first NULL, all earlier
   rows valid. After a failure the first error is kept, appends only count rows (so that a caller's
   loop still ends), and finish reports it and starts afresh. What a column needed for one batch is
   reserved at once for the next. */
#include <string.h>

#include "runtime/column/batch.h"

enum { VALIDITY, VALUES, DATA };

struct column {
    struct weir_type type;
    uint8_t phys;
    uint8_t width; /* bytes of a fixed value; 0 for BOOL and STR */
    uint32_t n;
    size_t n_data;               /* bytes of STR */
    size_t hint_rows, hint_data; /* of the batch before */
    struct weir_buffer *buf[3];
};

struct weir_builder {
    struct weir_pool *pool;
    int n_cols;
    uint32_t n_rows; /* without columns */
    struct weir_error error;
    struct column col[];
};

int weir_builder_new(struct weir_pool *pool, int n_cols, const struct weir_type *types,
                     struct weir_builder **out, struct weir_error *err)
{
    size_t bytes = sizeof(struct weir_builder) + (size_t)n_cols * sizeof(struct column);
    struct weir_builder *b = weir_calloc(1, bytes);
    *out = b;
    if (!b) return weir_fail_nomem(err, bytes, "for a batch builder");
    b->pool = pool;
    b->n_cols = n_cols;
    for (int c = 0; c < n_cols; c++) {
        enum weir_phys phys = weir_type_phys(types[c]);
        bool fixed = phys != WEIR_PHYS_BOOL && phys != WEIR_PHYS_STR;
        b->col[c].type = types[c];
        b->col[c].phys = (uint8_t)phys;
        b->col[c].width = fixed ? (uint8_t)weir_phys_size(phys) : 0;
    }
    return WEIR_OK;
}

static void reset(struct weir_builder *b)
{
    for (int c = 0; c < b->n_cols; c++) {
        struct column *col = &b->col[c];
        for (int k = 0; k < 3; k++) {
            weir_buffer_unref(col->buf[k]);
            col->buf[k] = NULL;
        }
        col->n = 0;
        col->n_data = 0;
    }
    b->n_rows = 0;
    b->error.code = WEIR_OK;
}

void weir_builder_free(struct weir_builder *b)
{
    if (!b) return;
    reset(b);
    weir_free(b);
}

/* ---- growing ---- */

static size_t bits_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* Bytes of buffer K that hold N rows (for DATA: what is there). */
static size_t used_bytes(const struct column *col, int k, size_t n)
{
    if (k == VALIDITY) return bits_bytes(n);
    if (k == DATA) return col->n_data;
    if (col->phys == WEIR_PHYS_BOOL) return bits_bytes(n);
    return col->phys == WEIR_PHYS_STR ? (n + 1) * 4 : n * col->width;
}

/* Room for WANT bytes in buffer K, at least HINT when it is made. */
static bool grow(struct weir_builder *b, struct column *col, int k, size_t want, size_t hint)
{
    struct weir_buffer *old = col->buf[k], *buf;
    size_t size = old ? old->size * 2 : hint < 256 ? 256 : hint;
    if (size < want) size = want;
    if (weir_buffer_new(b->pool, size, &buf, &b->error)) return false;
    if (old) memcpy(buf->data, old->data, used_bytes(col, k, col->n));
    if (!old && k == VALUES && col->phys == WEIR_PHYS_STR) *(int32_t *)buf->data = 0;
    weir_buffer_unref(old);
    col->buf[k] = buf;
    return true;
}

static inline bool reserve(struct weir_builder *b, struct column *col, int k, size_t want,
                           size_t hint)
{
    return (col->buf[k] && col->buf[k]->size >= want) || grow(b, col, k, want, hint);
}

/* Ready for N more rows (N_DATA more bytes of text); false: the rows are counted and that is all.
 */
static bool ready(struct weir_builder *b, struct column *col, size_t n, size_t n_data)
{
    if (b->error.code) goto count;
    if (n > UINT32_MAX - col->n) {
        (void)weir_fail(&b->error, WEIR_ERR_DATA, "a batch cannot have more than %u rows",
                        UINT32_MAX);
        goto count;
    }
    size_t rows = col->n + n;
    if (!reserve(b, col, VALUES, used_bytes(col, VALUES, rows),
                 used_bytes(col, VALUES, col->hint_rows)))
        goto count;
    if (col->buf[VALIDITY] && !reserve(b, col, VALIDITY, bits_bytes(rows), 0)) goto count;
    if (col->phys != WEIR_PHYS_STR) return true;
    if (n_data > INT32_MAX - col->n_data) {
        (void)weir_fail(&b->error, WEIR_ERR_DATA,
                        "the texts of one column take more than 2 GiB in one batch");
        goto count;
    }
    if (reserve(b, col, DATA, col->n_data + n_data, col->hint_data)) return true;
count:
    col->n += (uint32_t)n;
    return false;
}

static bool need_validity(struct weir_builder *b, struct column *col, size_t n)
{
    if (col->buf[VALIDITY]) return true;
    if (!grow(b, col, VALIDITY, bits_bytes(col->n + n), bits_bytes(col->hint_rows))) return false;
    memset(col->buf[VALIDITY]->data, 0xff, bits_bytes(col->n));
    return true;
}

static inline void put_bit(uint8_t *bits, size_t i, bool v)
{
    uint8_t mask = (uint8_t)(1u << (i & 7));
    bits[i >> 3] = (uint8_t)(v ? bits[i >> 3] | mask : bits[i >> 3] & ~mask);
}

/* Row col->n is complete. */
static inline void valid(struct column *col)
{
    if (col->buf[VALIDITY]) weir_bit_set(col->buf[VALIDITY]->data, col->n);
    col->n++;
}

/* ---- single values ---- */

static void put_i64(struct column *col, size_t row, int64_t v)
{
    void *p = col->buf[VALUES]->data;
    switch (col->phys) {
    case WEIR_PHYS_BOOL: put_bit(p, row, v != 0); break;
    case WEIR_PHYS_I8: ((int8_t *)p)[row] = (int8_t)v; break;
    case WEIR_PHYS_I16: ((int16_t *)p)[row] = (int16_t)v; break;
    case WEIR_PHYS_I32: ((int32_t *)p)[row] = (int32_t)v; break;
    case WEIR_PHYS_I64: ((int64_t *)p)[row] = v; break;
    case WEIR_PHYS_I128: ((weir_i128 *)p)[row] = v; break;
    case WEIR_PHYS_F32: ((float *)p)[row] = (float)v; break;
    case WEIR_PHYS_F64: ((double *)p)[row] = (double)v; break;
    default: ((int32_t *)p)[row + 1] = (int32_t)col->n_data; /* a NULL text: no bytes */
    }
}

void weir_builder_null(struct weir_builder *b, int c)
{
    struct column *col = &b->col[c];
    if (!ready(b, col, 1, 0)) return;
    if (!need_validity(b, col, 1)) {
        col->n++;
        return;
    }
    put_i64(col, col->n, 0);
    weir_bit_clear(col->buf[VALIDITY]->data, col->n);
    col->n++;
}

void weir_builder_i64(struct weir_builder *b, int c, int64_t v)
{
    struct column *col = &b->col[c];
    if (!ready(b, col, 1, 0)) return;
    put_i64(col, col->n, v);
    valid(col);
}

void weir_builder_f64(struct weir_builder *b, int c, double v)
{
    struct column *col = &b->col[c];
    if (!ready(b, col, 1, 0)) return;
    if (col->phys == WEIR_PHYS_F32)
        ((float *)col->buf[VALUES]->data)[col->n] = (float)v;
    else
        ((double *)col->buf[VALUES]->data)[col->n] = v;
    valid(col);
}

void weir_builder_i128(struct weir_builder *b, int c, weir_i128 v)
{
    struct column *col = &b->col[c];
    if (!ready(b, col, 1, 0)) return;
    ((weir_i128 *)col->buf[VALUES]->data)[col->n] = v;
    valid(col);
}

void weir_builder_str(struct weir_builder *b, int c, const char *data, size_t len)
{
    struct column *col = &b->col[c];
    if (!ready(b, col, 1, len)) return;
    if (len) memcpy((char *)col->buf[DATA]->data + col->n_data, data, len);
    col->n_data += len;
    ((int32_t *)col->buf[VALUES]->data)[col->n + 1] = (int32_t)col->n_data;
    valid(col);
}

void weir_builder_value(struct weir_builder *b, int c, const struct weir_value *v)
{
    if (v->is_null || v->type.id == WEIR_TYPE_NULL) {
        weir_builder_null(b, c);
        return;
    }
    switch (b->col[c].phys) {
    case WEIR_PHYS_BOOL: weir_builder_i64(b, c, v->b); break;
    case WEIR_PHYS_I128: weir_builder_i128(b, c, v->x); break;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: weir_builder_f64(b, c, v->f); break;
    case WEIR_PHYS_STR: weir_builder_str(b, c, v->s.data, v->s.len); break;
    default: weir_builder_i64(b, c, v->i);
    }
}

/* ---- many values ---- */

static void copy_bits(uint8_t *dst, size_t to, const uint8_t *src, size_t from, size_t n)
{
    if (!((to | from) & 7)) {
        memcpy(dst + to / 8, src + from / 8, n / 8);
        size_t whole = n / 8 * 8;
        to += whole, from += whole, n -= whole;
    }
    for (size_t i = 0; i < n; i++) put_bit(dst, to + i, weir_bit(src, from + i));
}

static void set_bits(uint8_t *dst, size_t to, size_t n)
{
    for (; n && (to & 7); n--) weir_bit_set(dst, to++);
    memset(dst + to / 8, 0xff, n / 8);
    for (size_t i = n / 8 * 8; i < n; i++) weir_bit_set(dst, to + i);
}

static void copy_texts(struct column *col, const struct weir_column *src, size_t from, size_t n)
{
    const int32_t *off = (const int32_t *)src->values + from;
    int32_t *out = (int32_t *)col->buf[VALUES]->data + col->n + 1;
    int32_t shift = (int32_t)((int64_t)col->n_data - off[0]);
    size_t bytes = (size_t)(off[n] - off[0]);
    for (size_t i = 0; i < n; i++) out[i] = off[i + 1] + shift;
    if (bytes) memcpy((char *)col->buf[DATA]->data + col->n_data, src->data + off[0], bytes);
    col->n_data += bytes;
}

void weir_builder_copy(struct weir_builder *b, int c, const struct weir_column *src, size_t from,
                       size_t n)
{
    struct column *col = &b->col[c];
    const int32_t *off = src->values;
    bool text = col->phys == WEIR_PHYS_STR;
    if (!n || !ready(b, col, n, text ? (size_t)(off[from + n] - off[from]) : 0)) return;
    if (src->validity && !need_validity(b, col, n)) {
        col->n += (uint32_t)n;
        return;
    }
    uint8_t *validity = col->buf[VALIDITY] ? col->buf[VALIDITY]->data : NULL;
    if (src->validity)
        copy_bits(validity, col->n, src->validity, from, n);
    else if (validity)
        set_bits(validity, col->n, n);
    if (text)
        copy_texts(col, src, from, n);
    else if (col->phys == WEIR_PHYS_BOOL)
        copy_bits(col->buf[VALUES]->data, col->n, src->values, from, n);
    else
        memcpy((char *)col->buf[VALUES]->data + (size_t)col->n * col->width,
               (const char *)src->values + from * col->width, n * col->width);
    col->n += (uint32_t)n;
}

#define GATHER(T)                                                                                  \
    do {                                                                                           \
        T *out = (T *)col->buf[VALUES]->data + col->n;                                             \
        const T *in = src->values;                                                                 \
        for (size_t i = 0; i < n; i++) out[i] = idx[i] < 0 ? (T)0 : in[idx[i]];                    \
    } while (0)

static void gather_fixed(struct column *col, const struct weir_column *src, const int64_t *idx,
                         size_t n)
{
    switch (col->width) {
    case 0:
        for (size_t i = 0; i < n; i++)
            put_bit(col->buf[VALUES]->data, col->n + i,
                    idx[i] >= 0 && weir_bit(src->values, (size_t)idx[i]));
        break;
    case 1: GATHER(uint8_t); break;
    case 2: GATHER(uint16_t); break;
    case 4: GATHER(uint32_t); break;
    case 8: GATHER(uint64_t); break;
    default: {
        char *out = (char *)col->buf[VALUES]->data + (size_t)col->n * 16;
        for (size_t i = 0; i < n; i++, out += 16) {
            if (idx[i] < 0)
                memset(out, 0, 16);
            else
                memcpy(out, (const char *)src->values + (size_t)idx[i] * 16, 16);
        }
    }
    }
}

static void gather_texts(struct column *col, const struct weir_column *src, const int64_t *idx,
                         size_t n)
{
    int32_t *off = (int32_t *)col->buf[VALUES]->data + col->n + 1;
    char *out = col->buf[DATA]->data;
    for (size_t i = 0; i < n; i++) {
        if (idx[i] >= 0) {
            struct weir_str s = weir_column_str(src, (size_t)idx[i]);
            if (s.len) memcpy(out + col->n_data, s.data, s.len);
            col->n_data += s.len;
        }
        off[i] = (int32_t)col->n_data;
    }
}

void weir_builder_gather(struct weir_builder *b, int c, const struct weir_column *src,
                         const int64_t *idx, size_t n)
{
    struct column *col = &b->col[c];
    size_t bytes = 0;
    bool nulls = src->validity != NULL;
    for (size_t i = 0; i < n && !nulls; i++) nulls = idx[i] < 0;
    if (col->phys == WEIR_PHYS_STR)
        for (size_t i = 0; i < n; i++)
            if (idx[i] >= 0) bytes += weir_column_str(src, (size_t)idx[i]).len;
    if (!n || !ready(b, col, n, bytes)) return;
    if (nulls && !need_validity(b, col, n)) {
        col->n += (uint32_t)n;
        return;
    }
    if (nulls) {
        uint8_t *validity = col->buf[VALIDITY]->data;
        for (size_t i = 0; i < n; i++)
            put_bit(validity, col->n + i, idx[i] >= 0 && !weir_column_is_null(src, (size_t)idx[i]));
    } else if (col->buf[VALIDITY]) {
        set_bits(col->buf[VALIDITY]->data, col->n, n);
    }
    if (col->phys == WEIR_PHYS_STR)
        gather_texts(col, src, idx, n);
    else
        gather_fixed(col, src, idx, n);
    col->n += (uint32_t)n;
}

/* ---- the whole ---- */

uint32_t weir_builder_rows(const struct weir_builder *b)
{
    return b->n_cols ? b->col[0].n : b->n_rows;
}

void weir_builder_set_rows(struct weir_builder *b, uint32_t n)
{
    b->n_rows = n;
}

size_t weir_builder_bytes(const struct weir_builder *b)
{
    size_t sum = 0;
    for (int c = 0; c < b->n_cols; c++)
        for (int k = 0; k < 3; k++)
            if (b->col[c].buf[k]) sum += used_bytes(&b->col[c], k, b->col[c].n);
    return sum;
}

void weir_builder_truncate(struct weir_builder *b, uint32_t n_rows)
{
    if (n_rows < b->n_rows) b->n_rows = n_rows;
    for (int c = 0; c < b->n_cols; c++) {
        struct column *col = &b->col[c];
        if (col->n <= n_rows) continue;
        col->n = n_rows;
        if (col->phys == WEIR_PHYS_STR && !b->error.code)
            col->n_data = (size_t)((int32_t *)col->buf[VALUES]->data)[n_rows];
    }
}

/* Column C moves into DST; its buffers shrink to what is in use, with zeros behind. */
static void finish_column(struct column *col, struct weir_column *dst)
{
    col->hint_rows = col->n;
    col->hint_data = col->n_data + col->n_data / 8;
    dst->type = col->type;
    for (int k = 0; k < 3; k++) {
        struct weir_buffer *buf = col->buf[k];
        if (!buf) continue;
        buf->size = used_bytes(col, k, col->n);
        memset((char *)buf->data + buf->size, 0, 64);
        dst->buf[k] = buf;
        col->buf[k] = NULL;
    }
    if (col->n & 7) { /* bits behind the last row may be left from a truncation */
        uint8_t mask = (uint8_t)((1u << (col->n & 7)) - 1);
        if (dst->buf[VALIDITY]) ((uint8_t *)dst->buf[VALIDITY]->data)[col->n / 8] &= mask;
        if (col->phys == WEIR_PHYS_BOOL) ((uint8_t *)dst->buf[VALUES]->data)[col->n / 8] &= mask;
    }
    dst->validity = dst->buf[VALIDITY] ? dst->buf[VALIDITY]->data : NULL;
    dst->values = dst->buf[VALUES]->data;
    dst->data = dst->buf[DATA] ? dst->buf[DATA]->data : NULL;
    col->n = 0;
    col->n_data = 0;
}

int weir_builder_finish(struct weir_builder *b, struct weir_batch **out, struct weir_error *err)
{
    *out = NULL;
    uint32_t n = weir_builder_rows(b);
    for (int c = 0; c < b->n_cols && !b->error.code; c++) {
        if (b->col[c].n != n)
            (void)weir_fail(&b->error, WEIR_ERR_INTERNAL,
                            "batch column %d has %u values and column 0 has %u", c, b->col[c].n, n);
        else
            (void)ready(b, &b->col[c], 0, 0); /* a column without rows has buffers too */
    }
    if (b->error.code || weir_batch_new(n, (uint32_t)b->n_cols, out, &b->error)) {
        int code = b->error.code;
        if (err) *err = b->error;
        reset(b);
        return code;
    }
    for (int c = 0; c < b->n_cols; c++) finish_column(&b->col[c], &(*out)->col[c]);
    b->n_rows = 0;
    return WEIR_OK;
}

int weir_batch_concat(struct weir_pool *pool, struct weir_batch *const *batches, size_t n,
                      const struct weir_type *types, int n_cols, struct weir_batch **out,
                      struct weir_error *err)
{
    *out = NULL;
    if (n == 1) {
        *out = weir_batch_ref(batches[0]);
        return WEIR_OK;
    }
    struct weir_builder *b;
    int rc = weir_builder_new(pool, n_cols, types, &b, err);
    if (rc) return rc;
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) rows += batches[i]->n_rows;
    if (!n_cols && rows > UINT32_MAX) {
        rc = weir_fail(err, WEIR_ERR_DATA, "a batch cannot have more than %u rows", UINT32_MAX);
        goto out;
    }
    weir_builder_set_rows(b, (uint32_t)rows);
    for (int c = 0; c < n_cols; c++) {
        b->col[c].hint_rows = rows;
        for (size_t i = 0; i < n && b->col[c].phys == WEIR_PHYS_STR; i++) {
            const int32_t *off = batches[i]->col[c].values;
            b->col[c].hint_data += (size_t)(off[batches[i]->n_rows] - off[0]);
        }
        for (size_t i = 0; i < n; i++)
            weir_builder_copy(b, c, &batches[i]->col[c], 0, batches[i]->n_rows);
    }
    rc = weir_builder_finish(b, out, err);
out:
    weir_builder_free(b);
    return rc;
}
