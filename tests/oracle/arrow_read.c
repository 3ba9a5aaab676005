/* Answers that come as Arrow streams; see arrow_data.h. */

#include "arrow_data.h"

#include <stdio.h>
#include <string.h>

static bool bit(const void *bits, int64_t at)
{
    return ((const unsigned char *)bits)[at / 8] >> at % 8 & 1;
}

/* The Arrow format that a column of type T must have; TIMESTAMP is told apart by its unit. */
static bool format_fits(const char *format, struct type t)
{
    static const char *const formats[] = {"b",  "c", "s",   "i",  "l",  "f",   "g",
                                          NULL, "u", "tdD", NULL, NULL, "ttm", "z"};
    if (t.kind == k_dec) {
        int p, s;
        char rest;
        return sscanf(format, "d:%d,%d%c", &p, &s, &rest) == 2 && p == t.p && s == t.s;
    }
    if (t.kind == k_ts) return strcmp(format, "tsu:") == 0 || strcmp(format, "tsm:") == 0;
    if (t.kind == k_ltz) return strcmp(format, "tsu:UTC") == 0 || strcmp(format, "tsm:UTC") == 0;
    return strcmp(format, formats[t.kind]) == 0;
}

static bool read_value(const struct ArrowArray *a, const char *format, struct type t, int64_t row,
                       struct value *v, struct pool *strings)
{
    int64_t at = row + a->offset;
    v->null = a->buffers[0] && !bit(a->buffers[0], at);
    if (v->null) return true;
    const char *data = a->buffers[1];
    int64_t x = 0;
    switch (t.kind) {
    case k_bool: v->x = bit(data, at); return true;
    case k_i8: v->x = ((const int8_t *)data)[at]; return true;
    case k_i16: v->x = ((const int16_t *)data)[at]; return true;
    case k_i32:
    case k_clock:
    case k_date: v->x = ((const int32_t *)data)[at]; return true;
    case k_f32: v->d = (double)((const float *)data)[at]; return true;
    case k_f64: memcpy(&v->d, data + at * 8, 8); return true;
    case k_dec: memcpy(&v->x, data + at * 16, 16); return true;
    case k_bytes:
    case k_str: {
        const int32_t *offset = (const int32_t *)data;
        v->length = (size_t)(offset[at + 1] - offset[at]);
        v->s = pool_text(strings, v->length ? (const char *)a->buffers[2] + offset[at] : "",
                         v->length);
        return true;
    }
    default:
        memcpy(&x, data + at * 8, 8);
        v->x = format[0] == 't' && format[2] == 'u' ? floor_div(x, 1000) : x;
        return (t.kind != k_ts && t.kind != k_ltz) || format[2] != 'u' || x % 1000 == 0;
    }
}

static bool check_schema(const struct ArrowSchema *schema, const struct query *q,
                         struct result *out)
{
    if (strcmp(schema->format, "+s") != 0 || schema->n_children != q->n_items) {
        result_end(out, outcome_broken, "%lld columns for %d items", (long long)schema->n_children,
                   q->n_items);
        return false;
    }
    for (int c = 0; c < q->n_items; c++) {
        struct text type = {0};
        type_print(&type, q->item[c].expr->type);
        bool fits = format_fits(schema->children[c]->format, q->item[c].expr->type);
        if (!fits)
            result_end(out, outcome_broken, "column o%d has the Arrow format %s and should be %s",
                       c, schema->children[c]->format, type.data);
        text_free(&type);
        if (!fits) return false;
    }
    return true;
}

static bool read_batch(const struct ArrowArray *a, const struct ArrowSchema *schema,
                       const struct query *q, struct result *out)
{
    for (int64_t i = 0; i < a->length; i++) {
        struct value *row = result_row(out);
        for (int c = 0; c < q->n_items; c++) {
            if (read_value(a->children[c], schema->children[c]->format, q->item[c].expr->type,
                           i + a->offset, &row[c], &out->strings))
                continue;
            result_end(out, outcome_broken, "column o%d has digits behind the milliseconds", c);
            return false;
        }
    }
    return true;
}

void arrow_read(struct ArrowArrayStream *stream, const struct query *q, struct result *out)
{
    struct ArrowSchema schema = {0};
    if (stream->get_schema(stream, &schema) != 0) {
        result_end(out, outcome_broken, "no schema");
    } else if (check_schema(&schema, q, out)) {
        out->n_columns = q->n_items;
        for (bool more = true; more;) {
            struct ArrowArray batch = {0};
            if (stream->get_next(stream, &batch) != 0) {
                const char *message = stream->get_last_error(stream);
                result_end(out, outcome_broken, "reading the rows failed: %s",
                           message ? message : "no reason given");
                break;
            }
            if (!batch.release) break;
            more = read_batch(&batch, &schema, q, out);
            batch.release(&batch);
        }
    }
    if (schema.release) schema.release(&schema);
    stream->release(stream);
}
