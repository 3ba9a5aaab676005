/* Arrow streams: a reader that cuts foreign arrays into batches without copying them, and a stream
   that delivers batches from a callback. */
#include <errno.h>
#include <string.h>

#include "runtime/column/arrow.h"

/* ---- reading ---- */

struct weir_arrow_reader {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct weir_buffer *array; /* being cut; NULL: none */
    int64_t at;
};

static int stream_failed(struct weir_arrow_reader *r, int code, struct weir_error *err)
{
    const char *text = r->stream.get_last_error ? r->stream.get_last_error(&r->stream) : NULL;
    if (text) return weir_fail(err, WEIR_ERR_IO, "the Arrow stream failed: %s", text);
    return weir_fail_errno(err, WEIR_ERR_IO, code, "the Arrow stream failed");
}

int weir_arrow_reader_new(struct ArrowArrayStream *stream, struct weir_arena *a,
                          struct weir_schema *schema, struct weir_arrow_reader **out,
                          struct weir_error *err)
{
    *out = NULL;
    if (!stream->release)
        return weir_fail(err, WEIR_ERR_INVALID, "the Arrow stream was released or moved before");
    struct weir_arrow_reader *r = weir_calloc(1, sizeof *r);
    if (!r) {
        stream->release(stream);
        return weir_fail_nomem(err, sizeof *r, "opening an Arrow stream");
    }
    r->stream = *stream;
    stream->release = NULL;
    int code = r->stream.get_schema(&r->stream, &r->schema), rc = WEIR_OK;
    if (code) {
        r->schema.release = NULL;
        rc = stream_failed(r, code, err);
    }
    if (!rc) rc = weir_arrow_import_schema(a, &r->schema, schema, err);
    if (rc)
        weir_arrow_reader_free(r);
    else
        *out = r;
    return rc;
}

/* The next array that has rows: 1, 0 = end, negative = error. */
static int next_array(struct weir_arrow_reader *r, struct weir_error *err)
{
    while (!r->array) {
        struct ArrowArray array = {0};
        int code = r->stream.get_next(&r->stream, &array);
        if (code) return stream_failed(r, code, err);
        if (!array.release) return 0;
        int rc = weir_arrow_own(&array, &r->array, err);
        if (rc) {
            array.release(&array);
            return rc;
        }
        r->at = 0;
        if (weir_arrow_length(r->array) <= 0) {
            weir_buffer_unref(r->array);
            r->array = NULL;
        }
    }
    return 1;
}

int weir_arrow_reader_next(struct weir_arrow_reader *r, const int *columns, int n_columns,
                           uint32_t max_rows, struct weir_pool *pool, struct weir_batch **out,
                           struct weir_error *err)
{
    *out = NULL;
    int rc = next_array(r, err);
    if (rc <= 0) return rc;
    int64_t left = weir_arrow_length(r->array) - r->at;
    uint32_t n = left < max_rows ? (uint32_t)left : max_rows;
    rc =
        weir_arrow_import_batch(&r->schema, r->array, r->at, n, columns, n_columns, pool, out, err);
    if (rc) return rc;
    r->at += n;
    if (r->at == weir_arrow_length(r->array)) {
        weir_buffer_unref(r->array);
        r->array = NULL;
    }
    return 1;
}

void weir_arrow_reader_free(struct weir_arrow_reader *r)
{
    if (!r) return;
    weir_buffer_unref(r->array);
    if (r->schema.release) r->schema.release(&r->schema);
    if (r->stream.release) r->stream.release(&r->stream);
    weir_free(r);
}

/* ---- writing ---- */

struct out_stream {
    struct weir_arena arena;
    struct weir_schema schema;
    int (*next)(void *ctx, struct weir_batch **out, struct weir_error *err);
    void (*done)(void *ctx);
    void *ctx;
    struct weir_error error;
};

static int errno_of(int code)
{
    return code == WEIR_ERR_NOMEM ? ENOMEM : code == WEIR_ERR_CANCELLED ? ECANCELED : EIO;
}

static int get_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    struct out_stream *p = s->private_data;
    int rc = weir_arrow_export_schema(&p->schema, out, &p->error);
    return rc ? errno_of(rc) : 0;
}

static int get_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    struct out_stream *p = s->private_data;
    struct weir_batch *batch = NULL;
    memset(out, 0, sizeof *out);
    int rc = p->next(p->ctx, &batch, &p->error);
    if (rc < 0) return errno_of(rc);
    if (!rc) return 0; /* out->release is NULL: the end */
    rc = weir_arrow_export_batch(batch, out, &p->error);
    weir_batch_unref(batch);
    return rc ? errno_of(rc) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *s)
{
    struct out_stream *p = s->private_data;
    return p->error.code ? p->error.message : NULL;
}

static void release_stream(struct ArrowArrayStream *s)
{
    struct out_stream *p = s->private_data;
    if (p->done) p->done(p->ctx);
    weir_arena_release(&p->arena);
    weir_free(p);
    s->release = NULL;
}

int weir_arrow_export_stream(const struct weir_schema *schema,
                             int (*next)(void *ctx, struct weir_batch **out,
                                         struct weir_error *err),
                             void (*done)(void *ctx), void *ctx, struct ArrowArrayStream *out,
                             struct weir_error *err)
{
    memset(out, 0, sizeof *out);
    struct out_stream *p = weir_calloc(1, sizeof *p);
    if (!p) return weir_fail_nomem(err, sizeof *p, "exporting an Arrow stream");
    weir_arena_init(&p->arena);
    p->schema.n = schema->n;
    p->schema.field = weir_arena_alloc(&p->arena, (size_t)schema->n * sizeof *schema->field);
    bool ok = p->schema.field != NULL;
    for (int i = 0; i < schema->n && ok; i++) {
        p->schema.field[i].type = schema->field[i].type;
        p->schema.field[i].name =
            weir_arena_strndup(&p->arena, schema->field[i].name, strlen(schema->field[i].name));
        ok = p->schema.field[i].name != NULL;
    }
    if (!ok) {
        weir_arena_release(&p->arena);
        weir_free(p);
        return weir_fail_nomem(err, sizeof *schema->field, "exporting an Arrow stream");
    }
    p->next = next;
    p->done = done;
    p->ctx = ctx;
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, p};
    return WEIR_OK;
}
