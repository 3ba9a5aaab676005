/* The window moves over the stream: what the decoder has used is dropped, the rest moves to the
   front, new bytes follow. It grows only when one record does not fit. A range that does not begin
   at byte 0 starts one byte early and drops everything up to and including the first line end that
   is outside quotes: whoever reads the range before reads that record to its end, because it begins
   in that range. A live file (a pipe) is read when rows are asked for and never waited for for long:
   what is there goes on at once, as rows that others may be waiting for. */
#include "host/connect/file_reader.h"

#include <string.h>
#include <time.h>

#define WINDOW_BYTES ((size_t)256 << 10)

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How long the next read may wait; -1: as long as it takes. */
static int patience(const struct weir_file_reader *r)
{
    if (!r->live) return -1;
    int64_t left = r->deadline_ms - now_ms();
    return left > 0 ? (int)left : 0;
}

/* Drop what is used and read more: at_eof at the end, waiting when a live file has no more now. */
static int refill(struct weir_file_reader *r, struct weir_error *err)
{
    size_t rest = r->len - r->used;
    if (!r->reread) r->lines += weir_csv_count(r->buf, r->used, '\n');
    memmove(r->buf, r->buf + r->used, rest);
    r->base += r->used;
    r->used = 0;
    r->len = rest;
    if (rest > r->cap / 2) {
        char *buf = weir_realloc(r->buf, 2 * r->cap + WEIR_DECODE_PADDING);
        if (!buf) return weir_fail_nomem(err, 2 * r->cap, "reading a long record");
        r->buf = buf;
        r->cap *= 2;
    }
    size_t got;
    int rc = weir_stream_read_soon(r->stream, r->buf + r->len, r->cap - r->len, patience(r), &got,
                                   &r->waiting, err);
    if (rc) return rc;
    r->at_eof = got == 0 && !r->waiting;
    r->len += got;
    memset(r->buf + r->len, 0, WEIR_DECODE_PADDING);
    return 0;
}

static struct weir_window window(const struct weir_file_reader *r)
{
    uint64_t at = r->base + r->used, limit = r->end > at ? r->end - at : 0;
    size_t len = r->len - r->used;
    return (struct weir_window){.data = r->buf + r->used,
                                .len = len,
                                .limit = limit < len ? (size_t)limit : len,
                                .last = r->at_eof};
}

/* Put "file:line: " in front of a data error at offset AT of the window. */
static int locate(struct weir_file_reader *r, int rc, size_t at, struct weir_error *err)
{
    if (rc != WEIR_ERR_DATA) return rc;
    uint64_t line = r->reread ? weir_file_line(r->path, r->base + r->used + at)
                              : 1 + r->lines + weir_csv_count(r->buf, r->used + at, '\n');
    const char *name = strcmp(r->path, "-") == 0 ? "standard input" : r->path;
    if (line)
        weir_error_prefix(err, "%s:%llu", name, (unsigned long long)line);
    else
        weir_error_prefix(err, "%s: byte %llu", name, (unsigned long long)(r->base + r->used + at));
    return rc;
}

/* Byte order mark and header, at the start of the file. Leaves r->begun false when they are not
   there yet. */
static int begin_file(struct weir_file_reader *r, struct weir_error *err)
{
    int rc = 0;
    while (r->len < 3 && !r->at_eof && !r->waiting && !rc) rc = refill(r, err);
    if (rc || r->waiting) return rc;
    if (r->len >= 3 && memcmp(r->buf, "\xEF\xBB\xBF", 3) == 0) r->used = 3;
    r->begun = !r->decoder->ops->begin_file;
    while (!r->begun) {
        struct weir_window w = window(r);
        size_t used = 0;
        w.limit = w.len;
        rc = r->decoder->ops->begin_file(r->decoder, &w, &used, err);
        if (rc < 0) return locate(r, rc, r->decoder->error_at, err);
        if (rc > 0) {
            r->used += used;
            r->begun = true;
            return 0;
        }
        rc = refill(r, err);
        if (rc || r->waiting) return rc;
    }
    return 0;
}

/* Go behind the first line end outside quotes. */
static int skip_record(struct weir_file_reader *r, bool inside, struct weir_error *err)
{
    char quote = r->table->format == WEIR_FORMAT_CSV ? r->table->csv.quote : 0;
    while (!r->at_eof) {
        while (r->used < r->len) {
            char c = r->buf[r->used++];
            if (quote && c == quote) inside = !inside;
            if (c == '\n' && !inside) return 0;
        }
        int rc = refill(r, err);
        if (rc) return rc;
    }
    return 0;
}

static int start(struct weir_file_reader *r, const struct weir_file_range *range,
                 _Atomic uint64_t *progress, struct weir_error *err)
{
    int rc;
    bool names = r->table->format == WEIR_FORMAT_CSV && r->table->csv.header;
    if (range->start == 0 || names) {
        rc = weir_stream_open(r->path, 0, range->start ? NULL : progress, &r->stream, err);
        r->live = !rc && weir_stream_is_live(r->stream);
        if (rc || r->live) return rc;
        rc = begin_file(r, err);
        if (rc || range->start == 0) return rc;
    }
    r->begun = true;
    uint64_t header_end = r->base + r->used;
    weir_stream_close(r->stream);
    r->stream = NULL;
    r->len = r->used = 0;
    r->at_eof = false;
    r->base = range->start - !range->at_record;
    if (r->base < header_end && !range->at_record) { /* the range begins inside the header */
        r->base = header_end;
        return weir_stream_open(r->path, r->base, progress, &r->stream, err);
    }
    rc = weir_stream_open(r->path, r->base, progress, &r->stream, err);
    return rc || range->at_record ? rc : skip_record(r, range->inside_quotes, err);
}

int weir_file_reader_open(const struct weir_file_table *table, const char *path, bool reread,
                          const struct weir_file_range *range, const int *columns, int n_columns,
                          _Atomic uint64_t *progress, struct weir_file_reader **out,
                          struct weir_error *err)
{
    struct weir_file_reader *r = weir_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return weir_fail_nomem(err, sizeof *r, "opening a file");
    r->table = table;
    r->path = path;
    r->reread = reread;
    r->end = range->end;
    r->cap = WINDOW_BYTES;
    r->buf = weir_malloc(r->cap + WEIR_DECODE_PADDING);
    r->columns = weir_malloc((size_t)n_columns * sizeof *r->columns);
    int rc = r->buf && r->columns ? 0 : weir_fail_nomem(err, r->cap, "opening a file");
    if (!rc) {
        if (n_columns) memcpy(r->columns, columns, (size_t)n_columns * sizeof *columns);
        r->cols = (struct weir_decode_columns){&table->schema, r->columns, n_columns};
        rc = weir_file_decoder_new(table, &r->cols, &r->decoder, err);
    }
    if (!rc) rc = start(r, range, progress, err);
    if (rc) {
        weir_file_reader_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

static void log_skipped(void *ctx, const char *record, size_t n, const struct weir_error *why)
{
    struct weir_file_reader *r = ctx;
    weir_error_log_add(r->log, r->path, r->base + (uint64_t)(record - r->buf), record, n,
                       why->message);
}

void weir_file_reader_log(struct weir_file_reader *r, struct weir_error_log *log)
{
    r->log = log;
    r->decoder->on_skip = log_skipped;
    r->decoder->skip_ctx = r;
}

/* There is a first row: others may join it, but not for long. */
static void linger(struct weir_file_reader *r)
{
    if (r->live) r->deadline_ms = now_ms() + WEIR_LIVE_LINGER_MS;
}

int weir_file_reader_rows(struct weir_file_reader *r, uint32_t max_rows, struct weir_builder *b,
                          uint32_t *rows, struct weir_error *err)
{
    int rc = 0;
    *rows = 0;
    r->waiting = false;
    if (r->live) r->deadline_ms = now_ms() + WEIR_LIVE_WAIT_MS;
    if (!r->begun) rc = begin_file(r, err);
    while (!rc && r->begun && *rows < max_rows && r->base + r->used < r->end) {
        struct weir_window w = window(r);
        size_t used = 0;
        uint32_t n = 0;
        rc = w.len ? r->decoder->ops->decode(r->decoder, &w, max_rows - *rows, b, &used, &n, err)
                   : 0;
        if (rc) return locate(r, rc, r->decoder->error_at, err);
        if (n && !*rows) linger(r);
        *rows += n;
        if (n) r->decoder->last_record += r->used; /* from the window to the buffer */
        r->used += used;
        if (*rows == max_rows || r->base + r->used >= r->end) break;
        if (r->at_eof) break;
        rc = refill(r, err);
        if (r->waiting) break;
    }
    return rc;
}

uint64_t weir_file_reader_position(const struct weir_file_reader *r)
{
    return r->base + r->used;
}

void weir_file_reader_close(struct weir_file_reader *r)
{
    if (!r) return;
    if (r->decoder) r->decoder->ops->free(r->decoder);
    weir_stream_close(r->stream);
    weir_free(r->columns);
    weir_free(r->buf);
    weir_free(r);
}

uint64_t weir_file_line(const char *path, uint64_t offset)
{
    struct weir_stream *s;
    char buf[16384];
    uint64_t line = 1;
    if (weir_stream_open(path, 0, NULL, &s, NULL)) return 0;
    while (offset) {
        size_t got, want = offset < sizeof buf ? (size_t)offset : sizeof buf;
        if (weir_stream_read(s, buf, want, &got, NULL) || !got) {
            line = 0;
            break;
        }
        line += weir_csv_count(buf, got, '\n');
        offset -= got;
    }
    weir_stream_close(s);
    return line;
}
