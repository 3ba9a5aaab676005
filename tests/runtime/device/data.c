/* Batches of random rows over the columns of enum input. */
#include "data.h"

#include <math.h>

#include "maker.h"

struct weir_type input_type(int c)
{
    static const uint8_t id[] = {[IN_BOOL] = WEIR_TYPE_BOOLEAN, [IN_I8] = WEIR_TYPE_TINYINT,
                                 [IN_I16] = WEIR_TYPE_SMALLINT, [IN_I32] = WEIR_TYPE_INT,
                                 [IN_I64] = WEIR_TYPE_BIGINT,   [IN_F32] = WEIR_TYPE_FLOAT,
                                 [IN_F64] = WEIR_TYPE_DOUBLE,   [IN_DATE] = WEIR_TYPE_DATE,
                                 [IN_NN_I32] = WEIR_TYPE_INT,   [IN_NN_I64] = WEIR_TYPE_BIGINT,
                                 [IN_NN_F64] = WEIR_TYPE_DOUBLE};
    switch (c) {
    case IN_DEC: return weir_type_decimal(9, 2);
    case IN_WIDE: return weir_type_decimal(30, 4);
    case IN_STR: return weir_type_string();
    case IN_TS: return weir_type_timestamp(3);
    case IN_NN_DEC: return not_null(weir_type_decimal(6, 2));
    case IN_NN_STR: return not_null(weir_type_string());
    default: break;
    }
    struct weir_type t = weir_type_make((enum weir_type_id)id[c]);
    return c >= IN_NN_I32 ? not_null(t) : t;
}

uint64_t data_next(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
int64_t data_between(uint64_t *s, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(data_next(s) % (uint64_t)(hi - lo + 1));
}

const char *const data_word[DATA_WORDS] = {
    "",  "a",   "ab",      "abc", "b", "a%b_c", "straß", "日本語", "0123456789abcdefghij",
    "A", "a b", "zzzzzzzz"};

double data_odd(uint64_t *s)
{
    static const double odd[] = {0.0,      -0.0,      1.0, -1.0,  0.5,
                                 INFINITY, -INFINITY, NAN, 1e300, -1e-300};
    return data_next(s) % 4 ? (double)data_between(s, -1000, 1000) / 8 : odd[data_next(s) % 10];
}

static void random_value(struct weir_builder *b, int c, uint64_t *s, int64_t groups)
{
    switch (c) {
    case IN_BOOL: weir_builder_i64(b, c, data_between(s, 0, 1)); break;
    case IN_I8: weir_builder_i64(b, c, data_between(s, -11, 11)); break;
    case IN_I16: weir_builder_i64(b, c, data_between(s, -180, 180)); break;
    case IN_I32: weir_builder_i64(b, c, data_between(s, -groups / 2, groups / 2)); break;
    case IN_I64: weir_builder_i64(b, c, data_between(s, -3000000000, 3000000000)); break;
    case IN_F32:
        weir_builder_f64(b, c, (double)(float)(data_next(s) % 7 ? data_odd(s) : 0.1));
        break;
    case IN_F64: weir_builder_f64(b, c, data_odd(s)); break;
    case IN_DEC: weir_builder_i64(b, c, data_between(s, -99999, 99999)); break;
    case IN_WIDE:
        weir_builder_i128(b, c, (weir_i128)data_between(s, -groups, groups) * 100000000000000003);
        break;
    case IN_DATE: weir_builder_i64(b, c, data_between(s, -1000, 20000)); break;
    case IN_TS: weir_builder_i64(b, c, data_between(s, -5000000, 100000000)); break;
    case IN_NN_I32: weir_builder_i64(b, c, data_between(s, 0, groups - 1)); break;
    case IN_NN_I64: weir_builder_i64(b, c, data_between(s, 0, groups - 1) * 1000003); break;
    case IN_NN_F64: weir_builder_f64(b, c, (double)data_between(s, -100000, 100000) / 100); break;
    case IN_NN_DEC: weir_builder_i64(b, c, data_between(s, -9999, 9999)); break;
    default: {
        const char *w = data_word[data_next(s) % DATA_WORDS];
        weir_builder_str(b, c, w, strlen(w));
    }
    }
}

struct weir_batch *random_batch(uint64_t seed, uint32_t n, enum nulls nulls, int64_t groups)
{
    struct weir_type type[IN_COUNT];
    struct weir_builder *b = NULL;
    struct weir_batch *out = NULL;
    struct weir_error err;
    for (int c = 0; c < IN_COUNT; c++) type[c] = input_type(c);
    CHECK(!weir_builder_new(NULL, IN_COUNT, type, &b, &err));
    for (int c = 0; c < IN_COUNT; c++)
        for (uint32_t i = 0; i < n; i++)
            if (type[c].nullable && (nulls == NULLS_ALL || (nulls && data_next(&seed) % 5 == 0)))
                weir_builder_null(b, c);
            else
                random_value(b, c, &seed, groups);
    CHECK(!weir_builder_finish(b, &out, &err));
    weir_builder_free(b);
    return out;
}

static void release_foreign(struct weir_buffer *b)
{
    free(b->owner);
}

/* SIZE bytes at an address that is a multiple of ALIGN and of no larger power of two. */
static const void *foreign(struct weir_column *c, int which, const void *data, size_t size,
                           size_t align)
{
    struct weir_error err;
    if (!data) return NULL;
    char *block = aligned_alloc(64, (size + align + 127) / 64 * 64);
    CHECK(block);
    memcpy(block + align, data, size);
    CHECK(!weir_buffer_wrap(block + align, size, release_foreign, block, &c->buf[which], &err));
    return block + align;
}

struct weir_batch *unaligned_copy(const struct weir_batch *b)
{
    struct weir_batch *out = NULL;
    struct weir_error err;
    size_t n = b->n_rows;
    CHECK(!weir_batch_new(b->n_rows, b->n_cols, &out, &err));
    for (uint32_t i = 0; i < b->n_cols; i++) {
        const struct weir_column *from = &b->col[i];
        struct weir_column *to = &out->col[i];
        enum weir_phys p = weir_type_phys(from->type);
        to->type = from->type;
        to->validity = foreign(to, 0, from->validity, (n + 7) / 8, 1);
        if (p == WEIR_PHYS_STR) {
            to->values = foreign(to, 1, from->values, (n + 1) * 4, 4);
            to->data = foreign(to, 2, from->data, (size_t)((const int32_t *)from->values)[n], 1);
        } else if (p == WEIR_PHYS_BOOL) {
            to->values = foreign(to, 1, from->values, (n + 7) / 8, 1);
        } else {
            to->values = foreign(to, 1, from->values, n * weir_phys_size(p), weir_phys_size(p));
        }
    }
    return out;
}
