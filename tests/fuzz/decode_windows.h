#ifndef TESTS_FUZZ_DECODE_WINDOWS_H
#define TESTS_FUZZ_DECODE_WINDOWS_H

/* A decoder driven as the file reader drives it, over windows of any size: whatever the windows,
   the rows, the number of skipped records and the message are the same. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/format/decode.h"
#include "host/format/show.h"

static void require(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

struct outcome {
    struct weir_buf rows;
    struct weir_error err;
    uint64_t skipped;
    size_t error_at;
    int rc;
};

static void take_rows(struct weir_builder *b, struct outcome *out)
{
    struct weir_batch *batch;
    require(weir_builder_finish(b, &batch, NULL) == 0, "finish");
    for (uint32_t r = 0; r < batch->n_rows; r++) {
        for (uint32_t c = 0; c < batch->n_cols; c++) {
            weir_buf_putc(&out->rows, '|');
            if (weir_column_is_null(&batch->col[c], r))
                weir_buf_puts(&out->rows, "NULL");
            else
                weir_show_value(&out->rows, &batch->col[c], r, WEIR_SHOW_HEX);
        }
        weir_buf_putc(&out->rows, '\n');
    }
    weir_batch_unref(batch);
}

/* STEP bytes more each time the decoder wants more, MAX_ROWS rows a call. */
static void decode_all(struct weir_decoder *d, struct weir_builder *b, const char *text, size_t n,
                       size_t step, uint32_t max_rows, struct outcome *out)
{
    size_t at = 0, have = step < n ? step : n, used = 0;
    char *data =
        malloc(n + WEIR_DECODE_PADDING); /* exact, so that a read behind the padding is seen */
    uint32_t rows = 0;
    require(data != NULL, "malloc");
    memset(out, 0, sizeof *out);
    memcpy(data, text, n);
    memset(data + n, 0, WEIR_DECODE_PADDING);
    bool begun = !d->ops->begin_file;
    for (;;) {
        struct weir_window w = {data + at, have - at, have - at, have == n};
        if (!begun) {
            out->rc = d->ops->begin_file(d, &w, &used, &out->err);
            if (out->rc < 0) break;
            begun = out->rc > 0;
            rows = 0;
            if (!begun) used = 0;
        } else {
            out->rc = d->ops->decode(d, &w, max_rows, b, &used, &rows, &out->err);
            if (out->rc) break;
            require(rows <= max_rows && used <= w.len, "bounds");
            take_rows(b, out);
            if (rows < max_rows && w.last) break;
        }
        at += used;
        if (rows < max_rows && have < n) have = n - have > step ? have + step : n;
    }
    if (out->rc < 0) out->error_at = at + d->error_at;
    require(out->rc <= 0 && (out->rc == 0 || out->err.message[0]), "status");
    out->skipped = d->skipped;
    free(data);
}

static void same_outcome(const struct outcome *a, const struct outcome *b)
{
    require(a->rc == b->rc, "status depends on the window");
    require(a->skipped == b->skipped, "skipped depends on the window");
    if (a->rc) {
        require(strcmp(a->err.message, b->err.message) == 0, "message depends on the window");
        require(a->error_at == b->error_at, "place depends on the window");
        return;
    }
    require(a->rows.len == b->rows.len &&
                (!a->rows.len || !memcmp(a->rows.data, b->rows.data, a->rows.len)),
            "rows depend on the window");
}

/* Columns of every type. */
static const struct weir_schema *fuzz_schema(void)
{
    static struct weir_field f[16];
    static const enum weir_type_id ids[] = {
        WEIR_TYPE_BIGINT,    WEIR_TYPE_VARCHAR, WEIR_TYPE_DOUBLE, WEIR_TYPE_BOOLEAN,
        WEIR_TYPE_TINYINT,   WEIR_TYPE_DECIMAL, WEIR_TYPE_DATE,   WEIR_TYPE_TIMESTAMP,
        WEIR_TYPE_VARBINARY, WEIR_TYPE_FLOAT};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    static const struct weir_schema schema = {10, f};
    for (int i = 0; i < 10; i++) f[i] = (struct weir_field){names[i], weir_type_make(ids[i])};
    return &schema;
}

#endif
