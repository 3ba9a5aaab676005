/* Foreign Arrow arrays as batches. The array moves into a reference-counted owner; each column that
   shares its memory holds a reference, so any number of slices can be taken and outlive each other.
   Offsets are added up here (struct, child, slice), so that a batch always starts at row 0: values
   by pointer arithmetic, bitmaps likewise where the sum is a multiple of 8, else copied. */
#include <stdlib.h>
#include <string.h>

#include "runtime/column/arrow_format.h"

struct import {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    struct arrow_format format;
    int64_t from; /* first row in the array's buffers */
    uint32_t n;
    struct weir_buffer *owner;
    struct weir_pool *pool;
    struct weir_column *out;
    struct weir_error *err;
};

/* ---- the owner ---- */

static void release_array(struct weir_buffer *b)
{
    struct ArrowArray *array = b->owner;
    if (array->release) array->release(array);
    weir_free(array);
}

int weir_arrow_own(struct ArrowArray *array, struct weir_buffer **owner, struct weir_error *err)
{
    *owner = NULL;
    if (!array->release)
        return weir_fail(err, WEIR_ERR_INVALID, "the Arrow array was released or moved before");
    struct ArrowArray *held = weir_malloc(sizeof *held);
    if (!held) return weir_fail_nomem(err, sizeof *held, "taking over an Arrow array");
    int rc = weir_buffer_wrap(NULL, 0, release_array, held, owner, err);
    if (rc) {
        weir_free(held);
        return rc;
    }
    *held = *array;
    array->release = NULL;
    return WEIR_OK;
}

int64_t weir_arrow_length(const struct weir_buffer *owner)
{
    return ((const struct ArrowArray *)owner->owner)->length;
}

static void release_share(struct weir_buffer *b)
{
    weir_buffer_unref(b->owner);
}

/* ---- parts of a column ---- */

/* SIZE foreign bytes at P as the column's buffer K. */
static int share(struct import *im, int k, const void *p, size_t size)
{
    int rc = weir_buffer_wrap((void *)(uintptr_t)p, size, release_share, im->owner,
                              &im->out->buf[k], im->err);
    if (!rc) weir_buffer_ref(im->owner);
    return rc;
}

/* SIZE bytes of our own as the column's buffer K; NULL when out of memory. */
static void *own(struct import *im, int k, size_t size)
{
    if (weir_buffer_new(im->pool, size, &im->out->buf[k], im->err)) return NULL;
    return im->out->buf[k]->data;
}

static int invalid(const struct import *im, const char *what)
{
    return weir_fail(im->err, WEIR_ERR_INVALID, "Arrow column '%s' (format '%s'): %s",
                     im->schema->name ? im->schema->name : "", im->schema->format, what);
}

static int out_of_range(const struct import *im, uint32_t i)
{
    char type[64];
    return weir_fail(im->err, WEIR_ERR_DATA,
                     "Arrow column '%s' (format '%s'), row %lld: the value does not fit %s",
                     im->schema->name ? im->schema->name : "", im->schema->format,
                     (long long)(im->from + i), weir_type_text(im->out->type, type, sizeof type));
}

/* N bits from bit FROM of SRC as the column's buffer K. */
static int take_bits(struct import *im, int k, const uint8_t *src, const uint8_t **bits)
{
    size_t bytes = ((size_t)im->n + 7) / 8, from = (size_t)im->from, shift = from & 7;
    src += from / 8;
    *bits = src;
    if (!shift) return share(im, k, src, bytes);
    uint8_t *p = own(im, k, bytes);
    if (!p) return WEIR_ERR_NOMEM;
    size_t there = (shift + im->n + 7) / 8; /* source bytes that exist */
    for (size_t i = 0; i < bytes; i++) {
        unsigned next = i + 1 < there ? src[i + 1] : 0;
        p[i] = (uint8_t)((src[i] | next << 8) >> shift);
    }
    *bits = p;
    return WEIR_OK;
}

static int take_validity(struct import *im)
{
    const struct ArrowArray *a = im->array;
    if (im->format.kind == ARROW_NULLS || !a->buffers[0] || a->null_count == 0 || !im->n)
        return WEIR_OK;
    return take_bits(im, 0, a->buffers[0], &im->out->validity);
}

static bool is_null(const struct import *im, uint32_t i)
{
    return im->out->validity && !weir_bit(im->out->validity, i);
}

/* N * SIZE bytes of values as they are; copied only where they are not aligned. */
static int take_values(struct import *im, size_t size, size_t n)
{
    const char *p = (const char *)im->array->buffers[1] + (size_t)im->from * size;
    im->out->values = p;
    if ((uintptr_t)p % size == 0) return share(im, 1, p, n * size);
    void *copy = own(im, 1, n * size);
    if (!copy) return WEIR_ERR_NOMEM;
    memcpy(copy, p, n * size);
    im->out->values = copy;
    return WEIR_OK;
}

/* ---- conversions ---- */

static bool load_number(const struct import *im, uint32_t i, int64_t *v)
{
    const char *p = (const char *)im->array->buffers[1] + ((size_t)im->from + i) * im->format.width;
    uint64_t u = 0;
    memcpy(&u, p, im->format.width); /* little-endian, like the interface on every host we run on */
    unsigned shift = 64 - 8 * im->format.width;
    *v = im->format.is_unsigned ? (int64_t)u : (int64_t)(u << shift) >> shift;
    if (im->format.div > 1) {
        int64_t q = *v / im->format.div;
        *v = q - (*v % im->format.div < 0);
    }
    return !__builtin_mul_overflow(*v, im->format.mul, v);
}

static int take_numbers(struct import *im)
{
    enum weir_phys phys = weir_type_phys(im->out->type);
    void *p = own(im, 1, im->n * weir_phys_size(phys));
    if (!p) return WEIR_ERR_NOMEM;
    im->out->values = p;
    for (uint32_t i = 0; i < im->n; i++) {
        int64_t v;
        bool ok = load_number(im, i, &v);
        if (phys == WEIR_PHYS_I16)
            ((int16_t *)p)[i] = (int16_t)v;
        else if (phys == WEIR_PHYS_I32)
            ((int32_t *)p)[i] = (int32_t)v, ok = ok && v == (int32_t)v;
        else if (phys == WEIR_PHYS_I128)
            ((weir_i128 *)p)[i] = (weir_i128)(uint64_t)v;
        else
            ((int64_t *)p)[i] = v;
        if (!ok && !is_null(im, i)) return out_of_range(im, i);
    }
    return WEIR_OK;
}

static int take_decimals(struct import *im)
{
    const char *in = (const char *)im->array->buffers[1] + (size_t)im->from * 16;
    int64_t *p = own(im, 1, (size_t)im->n * 8), v[2];
    if (!p) return WEIR_ERR_NOMEM;
    im->out->values = p;
    for (uint32_t i = 0; i < im->n; i++) {
        memcpy(v, in + (size_t)i * 16, 16);
        p[i] = v[0];
        if (v[1] != v[0] >> 63 && !is_null(im, i)) return out_of_range(im, i);
    }
    return WEIR_OK;
}

static int take_text(struct import *im)
{
    const void *data = im->array->buffers[2];
    int rc = take_values(im, 4, (size_t)im->n + 1);
    if (rc) return rc;
    const int32_t *off = im->out->values;
    if (off[0] < 0 || off[im->n] < off[0]) return invalid(im, "its offsets decrease");
    if (!data && off[im->n] > off[0]) return invalid(im, "it has no data");
    im->out->data = data ? data : "";
    return share(im, 2, im->out->data, data ? (size_t)off[im->n] : 0);
}

static int too_long(const struct import *im)
{
    return weir_fail(im->err, WEIR_ERR_DATA,
                     "Arrow column '%s': %u rows have more than 2 GiB of text; hand over smaller "
                     "arrays",
                     im->schema->name ? im->schema->name : "", im->n);
}

static int take_large(struct import *im)
{
    const char *in = (const char *)im->array->buffers[1] + (size_t)im->from * 8;
    const char *data = im->array->buffers[2];
    int64_t first, off;
    int32_t *p = own(im, 1, ((size_t)im->n + 1) * 4);
    if (!p) return WEIR_ERR_NOMEM;
    im->out->values = p;
    memcpy(&first, in, 8);
    for (uint32_t i = 0; i <= im->n; i++) {
        memcpy(&off, in + (size_t)i * 8, 8);
        if (off < first || first < 0) return invalid(im, "its offsets decrease");
        if (off - first > INT32_MAX) return too_long(im);
        p[i] = (int32_t)(off - first);
    }
    if (!data && p[im->n]) return invalid(im, "it has no data");
    im->out->data = data ? data + first : "";
    return share(im, 2, im->out->data, (size_t)p[im->n]);
}

static int take_fixed(struct import *im)
{
    size_t width = im->format.width;
    int32_t *p = own(im, 1, ((size_t)im->n + 1) * 4);
    if (!p) return WEIR_ERR_NOMEM;
    if ((size_t)im->n * width > INT32_MAX) return too_long(im);
    for (uint32_t i = 0; i <= im->n; i++) p[i] = (int32_t)(i * width);
    im->out->values = p;
    im->out->data = (const char *)im->array->buffers[1] + (size_t)im->from * width;
    return share(im, 2, im->out->data, im->n * width);
}

/* View I: its bytes, or NULL where it points nowhere. */
static const char *view(const struct import *im, uint32_t i, size_t *len)
{
    const struct ArrowArray *a = im->array;
    const char *v = (const char *)a->buffers[1] + ((size_t)im->from + i) * 16;
    int32_t n, where[2];
    memcpy(&n, v, 4);
    memcpy(where, v + 8, 8);
    *len = is_null(im, i) || n < 0 ? 0 : (size_t)n;
    if (n < 0) return is_null(im, i) ? v : NULL;
    if (*len <= 12) return v + 4;
    int64_t n_data = a->n_buffers - 3; /* the last buffer holds the data buffers' lengths */
    if (where[0] < 0 || where[0] >= n_data || where[1] < 0) return NULL;
    int64_t size = ((const int64_t *)a->buffers[a->n_buffers - 1])[where[0]];
    if (where[1] + (int64_t)n > size) return NULL;
    return (const char *)a->buffers[2 + where[0]] + where[1];
}

static int take_views(struct import *im)
{
    size_t total = 0, len;
    for (uint32_t i = 0; i < im->n; i++) {
        if (!view(im, i, &len)) return invalid(im, "a view points outside its buffers");
        total += len;
    }
    if (total > INT32_MAX) return too_long(im);
    int32_t *off = own(im, 1, ((size_t)im->n + 1) * 4);
    char *data = off ? own(im, 2, total) : NULL;
    if (!data) return WEIR_ERR_NOMEM;
    im->out->values = off;
    im->out->data = data;
    total = 0;
    for (uint32_t i = 0; i < im->n; i++) {
        const char *p = view(im, i, &len);
        off[i] = (int32_t)total;
        if (len) memcpy(data + total, p, len);
        total += len;
    }
    off[im->n] = (int32_t)total;
    return WEIR_OK;
}

static int take_nulls(struct import *im)
{
    uint8_t *bits = own(im, 0, ((size_t)im->n + 7) / 8), *values = own(im, 1, im->n);
    if (!bits || !values) return WEIR_ERR_NOMEM;
    memset(bits, 0, ((size_t)im->n + 7) / 8);
    memset(values, 0, im->n);
    im->out->validity = bits;
    im->out->values = values;
    return WEIR_OK;
}

/* ---- one column ---- */

/* No rows: buffers may be missing, so they are made. */
static int take_empty(struct import *im)
{
    char *p = own(im, 1, 4);
    if (!p) return WEIR_ERR_NOMEM;
    memset(p, 0, 4);
    im->out->values = p;
    im->out->data = weir_type_phys(im->out->type) == WEIR_PHYS_STR ? p : NULL;
    return WEIR_OK;
}

static int check_array(const struct import *im)
{
    const struct ArrowArray *a = im->array;
    static const uint8_t buffers[] = {
        [ARROW_SAME] = 2,    [ARROW_BITS] = 2,     [ARROW_NULLS] = 0,
        [ARROW_NUMBERS] = 2, [ARROW_DECIMALS] = 2, [ARROW_TEXT] = 3,
        [ARROW_LARGE] = 3,   [ARROW_VIEW] = 3,     [ARROW_FIXED] = 2,
    };
    if (a->length < 0 || a->offset < 0) return invalid(im, "a negative length or offset");
    if (im->from + im->n > a->offset + a->length) return invalid(im, "it has too few rows");
    if (a->n_buffers < buffers[im->format.kind]) return invalid(im, "buffers are missing");
    if (im->n && buffers[im->format.kind] && !a->buffers[1]) return invalid(im, "it has no values");
    return WEIR_OK;
}

/* The column as the array's own format has it, a dictionary's indices among them. */
static int take_plain(struct import *im)
{
    int rc = check_array(im);
    if (rc) return rc;
    im->out->type = im->format.type;
    im->out->type.nullable = (im->schema->flags & ARROW_FLAG_NULLABLE) != 0;
    if (!im->n) return take_empty(im);
    rc = take_validity(im);
    if (rc) return rc;
    switch (im->format.kind) {
    case ARROW_SAME: return take_values(im, im->format.width, im->n);
    case ARROW_BITS:
        return take_bits(im, 1, im->array->buffers[1], (const uint8_t **)&im->out->values);
    case ARROW_NULLS: return take_nulls(im);
    case ARROW_NUMBERS: return take_numbers(im);
    case ARROW_DECIMALS: return take_decimals(im);
    case ARROW_TEXT: return take_text(im);
    case ARROW_LARGE: return take_large(im);
    case ARROW_VIEW: return take_views(im);
    default: return take_fixed(im);
    }
}

static void drop_column(struct weir_column *c)
{
    for (int k = 0; k < 3; k++) weir_buffer_unref(c->buf[k]);
    memset(c, 0, sizeof *c);
}

/* Gather the dictionary's values by the indices. */
static int decode(struct import *im, const struct weir_column *index,
                  const struct weir_column *dict, int64_t dict_n)
{
    struct weir_builder *b = NULL;
    struct weir_batch *batch = NULL;
    int64_t *idx = weir_malloc(im->n * sizeof *idx);
    int rc = idx ? WEIR_OK : weir_fail_nomem(im->err, im->n * sizeof *idx, "decoding a dictionary");
    for (uint32_t i = 0; i < im->n && !rc; i++) {
        struct weir_value v = weir_column_value(index, i);
        if (!v.is_null && weir_type_phys(index->type) == WEIR_PHYS_I128) v.i = (int64_t)v.x;
        idx[i] = v.is_null ? -1 : v.i;
        if (!v.is_null && (v.i < 0 || v.i >= dict_n))
            rc = invalid(im, "an index is outside the dictionary");
    }
    if (!rc) rc = weir_builder_new(im->pool, 1, &im->out->type, &b, im->err);
    if (!rc) {
        weir_builder_gather(b, 0, dict, idx, im->n);
        rc = weir_builder_finish(b, &batch, im->err);
    }
    if (!rc) weir_column_share(im->out, &batch->col[0]);
    weir_batch_unref(batch);
    weir_builder_free(b);
    weir_free(idx);
    return rc;
}

static int take_dictionary(struct import *im)
{
    struct weir_column index = {0}, dict = {0}, *out = im->out;
    struct import values = *im;
    values.schema = im->schema->dictionary;
    values.array = im->array->dictionary;
    if (!values.array) return invalid(im, "the dictionary is missing");
    if (values.schema->dictionary) return invalid(im, "a dictionary of dictionaries");
    if (values.array->length > UINT32_MAX) return invalid(im, "the dictionary is too long");
    values.from = values.array->offset;
    values.n = (uint32_t)values.array->length;
    values.out = &dict;
    int rc = arrow_parse_format(values.schema, &values.format, im->err);
    if (!rc) rc = take_plain(&values);
    im->out = &index;
    if (!rc) rc = take_plain(im);
    im->out = out;
    out->type = dict.type;
    out->type.nullable = (im->schema->flags & ARROW_FLAG_NULLABLE) != 0;
    if (!rc) rc = decode(im, &index, &dict, values.array->length);
    drop_column(&index);
    drop_column(&dict);
    return rc;
}

/* ---- batches and schemas ---- */

static int check_struct(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        int64_t from, uint32_t n, struct weir_error *err)
{
    if (array->n_children != schema->n_children)
        return weir_fail(err, WEIR_ERR_INVALID, "the Arrow array has %lld columns, its schema %lld",
                         (long long)array->n_children, (long long)schema->n_children);
    if (array->offset < 0 || from < 0 || from + n > array->length)
        return weir_fail(err, WEIR_ERR_INVALID, "the Arrow array has no rows %lld to %lld",
                         (long long)from, (long long)(from + n));
    const uint8_t *bits = array->n_buffers > 0 && array->null_count ? array->buffers[0] : NULL;
    for (uint32_t i = 0; bits && i < n; i++)
        if (!weir_bit(bits, (size_t)(array->offset + from + i)))
            return weir_fail(
                err, WEIR_ERR_UNSUPPORTED,
                "row %lld of the Arrow array is NULL as a whole; drop such rows before",
                (long long)(from + i));
    return WEIR_OK;
}

int weir_arrow_import_batch(const struct ArrowSchema *schema, struct weir_buffer *owner,
                            int64_t from, uint32_t n, const int *columns, int n_columns,
                            struct weir_pool *pool, struct weir_batch **out, struct weir_error *err)
{
    const struct ArrowArray *array = owner->owner;
    *out = NULL;
    if (!columns) n_columns = (int)schema->n_children;
    int rc = check_struct(schema, array, from, n, err);
    struct weir_batch *b = NULL;
    if (!rc) rc = weir_batch_new(n, (uint32_t)n_columns, &b, err);
    for (int c = 0; c < n_columns && !rc; c++) {
        int child = columns ? columns[c] : c;
        struct import im = {
            .schema = schema->children[child],
            .array = array->children[child],
            .from = array->offset + from + array->children[child]->offset,
            .n = n,
            .owner = owner,
            .pool = pool,
            .out = &b->col[c],
            .err = err,
        };
        rc = arrow_parse_format(im.schema, &im.format, err);
        if (!rc) rc = im.schema->dictionary ? take_dictionary(&im) : take_plain(&im);
    }
    if (rc)
        weir_batch_unref(b);
    else
        *out = b;
    return rc;
}

int weir_arrow_import_schema(struct weir_arena *a, const struct ArrowSchema *schema,
                             struct weir_schema *out, struct weir_error *err)
{
    if (!schema->release || !schema->format || strcmp(schema->format, "+s"))
        return weir_fail(err, WEIR_ERR_INVALID,
                         "the Arrow schema is not a struct of columns (format '%s')",
                         schema->release && schema->format ? schema->format : "released");
    if (schema->n_children < 0 || schema->n_children > 65535)
        return weir_fail(err, WEIR_ERR_INVALID, "the Arrow schema has %lld columns",
                         (long long)schema->n_children);
    out->n = (int)schema->n_children;
    out->field = weir_arena_alloc(a, (size_t)out->n * sizeof *out->field);
    if (!out->field) return weir_fail_nomem(err, sizeof *out->field, "for an Arrow schema");
    for (int i = 0; i < out->n; i++) {
        const struct ArrowSchema *child = schema->children[i];
        const char *name = child->name ? child->name : "";
        struct arrow_format index, format;
        int rc = arrow_parse_format(child, &index, err);
        if (!rc)
            rc = arrow_parse_format(child->dictionary ? child->dictionary : child, &format, err);
        if (rc) return rc;
        out->field[i].type = format.type;
        out->field[i].type.nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0;
        out->field[i].name = weir_arena_strndup(a, name, strlen(name));
        if (!out->field[i].name) return weir_fail_nomem(err, strlen(name), "for an Arrow schema");
    }
    return WEIR_OK;
}
