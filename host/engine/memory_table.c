/* Tables in memory. A split is a range of rows of one array; ranges start at multiples of
   RANGE_ALIGN so that bitmaps are cut at whole bytes and buffers are shared, never copied. */
#include "host/engine/memory_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/column/arrow.h"

#define RANGE_ALIGN 65536

struct part {
    struct weir_buffer *owner;
    int64_t rows;
};

struct range {
    uint32_t part;
    int64_t from, to;
};

struct memory_table {
    struct weir_source base;
    struct weir_arena arena; /* name and schema */
    struct ArrowSchema schema;
    struct part *part;
    size_t n_parts, cap_parts;
    struct range *range;
    int n_ranges;
};

struct weir_reader {
    const struct memory_table *t;
    const int *columns;
    int n_columns, split;
    struct weir_pool *pool;
    int64_t at;
};

static int plan_splits(struct weir_source *s, int want, int *n_splits, struct weir_error *err)
{
    struct memory_table *t = (struct memory_table *)s;
    int64_t step =
        (s->est_rows / (want > 0 ? want : 1) / 4 + RANGE_ALIGN) / RANGE_ALIGN * RANGE_ALIGN;
    size_t n = 0;
    for (size_t i = 0; i < t->n_parts; i++) n += (size_t)((t->part[i].rows + step - 1) / step);
    struct range *r = weir_realloc(t->range, n * sizeof *r);
    if (!r) return weir_fail_nomem(err, n * sizeof *r, "dividing a table");
    t->range = r;
    t->n_ranges = 0;
    for (size_t i = 0; i < t->n_parts; i++)
        for (int64_t at = 0; at < t->part[i].rows; at += step) {
            int64_t end = at + step < t->part[i].rows ? at + step : t->part[i].rows;
            r[t->n_ranges++] = (struct range){(uint32_t)i, at, end};
        }
    *n_splits = t->n_ranges;
    return WEIR_OK;
}

static int open_split(struct weir_source *s, int split, const int *columns, int n_columns,
                      struct weir_pool *pool, struct weir_reader **out, struct weir_error *err)
{
    struct memory_table *t = (struct memory_table *)s;
    struct weir_reader *r = weir_calloc(1, sizeof *r);
    if (!r) return weir_fail_nomem(err, sizeof *r, "reading a table");
    *r = (struct weir_reader){t, columns, n_columns, split, pool, t->range[split].from};
    *out = r;
    return WEIR_OK;
}

static int next(struct weir_reader *r, uint32_t max_rows, struct weir_batch **out,
                struct weir_error *err)
{
    const struct range *range = &r->t->range[r->split];
    int64_t n = range->to - r->at;
    if (n <= 0) return 0;
    if (n > max_rows) n = max_rows >= 64 ? max_rows / 64 * 64 : max_rows;
    int rc = weir_arrow_import_batch(&r->t->schema, r->t->part[range->part].owner, r->at,
                                     (uint32_t)n, r->columns, r->n_columns, r->pool, out, err);
    if (rc) return rc;
    (*out)->origin = (struct weir_origin){.source = &r->t->base,
                                          .split = r->split,
                                          .position = range->part,
                                          .first_row = (uint64_t)r->at};
    r->at += n;
    return 1;
}

static void close_reader(struct weir_reader *r)
{
    weir_free(r);
}

static void describe_row(const struct weir_source *s, const struct weir_origin *origin,
                         uint32_t row, char *buf, size_t size)
{
    const struct memory_table *t = (const struct memory_table *)s;
    uint64_t n = origin->first_row + row;
    for (uint64_t i = 0; i < origin->position && i < t->n_parts; i++)
        n += (uint64_t)t->part[i].rows;
    snprintf(buf, size, "row %llu of table %s", (unsigned long long)n + 1, s->name);
}

static void free_table(struct weir_source *s)
{
    struct memory_table *t = (struct memory_table *)s;
    for (size_t i = 0; i < t->n_parts; i++) weir_buffer_unref(t->part[i].owner);
    if (t->schema.release) t->schema.release(&t->schema);
    weir_free(t->part);
    weir_free(t->range);
    weir_arena_release(&t->arena);
    weir_free(t);
}

static const struct weir_source_ops memory_ops = {.plan_splits = plan_splits,
                                                  .open_split = open_split,
                                                  .next = next,
                                                  .close = close_reader,
                                                  .describe_row = describe_row,
                                                  .free = free_table};

static int add_part(struct memory_table *t, struct ArrowArray *array, struct weir_error *err)
{
    if (t->n_parts == t->cap_parts) {
        size_t cap = t->cap_parts ? t->cap_parts * 2 : 8;
        struct part *p = weir_realloc(t->part, cap * sizeof *p);
        if (!p) return weir_fail_nomem(err, cap * sizeof *p, "keeping a table");
        t->part = p;
        t->cap_parts = cap;
    }
    int rc = weir_arrow_own(array, &t->part[t->n_parts].owner, err);
    if (rc) return rc;
    t->part[t->n_parts].rows = weir_arrow_length(t->part[t->n_parts].owner);
    t->base.est_rows += t->part[t->n_parts++].rows;
    return WEIR_OK;
}

static int stream_fail(struct ArrowArrayStream *stream, int code, struct weir_error *err)
{
    const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return weir_fail_errno(err, WEIR_ERR_IO, code, "the Arrow stream failed: %s",
                           why ? why : "no reason given");
}

static int read_stream(struct memory_table *t, struct ArrowArrayStream *stream,
                       struct weir_error *err)
{
    int code = stream->get_schema(stream, &t->schema);
    if (code) return stream_fail(stream, code, err);
    int rc = weir_arrow_import_schema(&t->arena, &t->schema, &t->base.schema, err);
    while (!rc) {
        struct ArrowArray array = {0};
        code = stream->get_next(stream, &array);
        if (code) return stream_fail(stream, code, err);
        if (!array.release) break;
        rc = add_part(t, &array, err);
        if (array.release) array.release(&array);
    }
    return rc;
}

int weir_memory_table_new(const char *name, struct ArrowArrayStream *stream,
                          struct weir_source **out, struct weir_error *err)
{
    struct memory_table *t = weir_calloc(1, sizeof *t);
    int rc = t ? WEIR_OK : weir_fail_nomem(err, sizeof *t, "registering a table");
    if (t) {
        weir_arena_init(&t->arena);
        t->base.ops = &memory_ops;
        t->base.bounded = true;
        t->base.name = weir_arena_strndup(&t->arena, name, strlen(name));
        if (!t->base.name) rc = weir_fail_nomem(err, strlen(name), "registering a table");
    }
    if (!rc) rc = read_stream(t, stream, err);
    if (stream->release) stream->release(stream);
    if (rc) {
        weir_error_prefix(err, "table %s", name);
        if (t) free_table(&t->base);
        return rc;
    }
    *out = &t->base;
    return WEIR_OK;
}
