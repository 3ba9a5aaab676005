/* The 'filesystem' source. Plain files are cut into byte ranges, others are read whole, one split
   each.

   Whether the byte at which a CSV range starts is inside quotes is the parity of all quotes before
   it. The readers of a file find it out together: each takes the next range that nobody has counted
   yet until all ranges before its own are taken, then waits for the last ones. It costs one more
   pass over the file at the speed of memory, and is right for every file in which quotes are
   balanced; where they are not, the range that holds the culprit fails, as a reader of the whole
   file would. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/connect/file_reader.h"
#include "host/connect/files.h"
#include "host/connect/paths.h"

struct split {
    size_t file;
    uint64_t start, end;
    bool odd, counted; /* quotes in the bytes [start - 1, end - 1) (from 0 when start = 0) */
};

struct file {
    int first_split, n_splits;
    int next_count; /* the first range of the file that nobody has begun to count */
    int failed;     /* a status, when counting failed */
};

struct file_source {
    struct weir_source base;
    struct weir_file_table table;
    struct weir_paths paths;
    struct file *files; /* [paths.n] */
    struct split *splits;
    int n_splits;
    int *columns; /* of the last open_split, for describe_row */
    int n_columns;
    pthread_mutex_t lock;
    pthread_cond_t counted;
    struct weir_error_log *log; /* NULL: dropped records are only counted */
    _Atomic uint64_t bytes;
};

struct source_reader {
    struct weir_file_reader *file;
    struct file_source *source;
    struct weir_builder *builder;
    int split;
    uint64_t rows;
    uint64_t skipped; /* already added to the source's */
};

/* ---- splits ---- */

static bool quotes_matter(const struct file_source *s)
{
    return s->table.format == WEIR_FORMAT_CSV && s->table.csv.quote;
}

static bool can_split(const struct file_source *s, const struct weir_path *p)
{
    bool comments = s->table.format == WEIR_FORMAT_CSV && s->table.csv.comments;
    return p->regular && !weir_codec_of_path(p->name) && !comments;
}

static void forget_splits(struct file_source *s)
{
    weir_paths_release(&s->paths);
    weir_free(s->files);
    weir_free(s->splits);
    s->files = NULL;
    s->splits = NULL;
    s->n_splits = 0;
}

static int add_splits(struct file_source *s, size_t f, uint64_t target, struct weir_error *err)
{
    const struct weir_path *p = &s->paths.item[f];
    uint64_t n = can_split(s, p) ? (p->bytes + target - 1) / target : 1;
    if (p->regular && p->bytes == 0) n = 0;
    if (n > 1000000 || s->n_splits > 1000000)
        return weir_fail(err, WEIR_ERR_INVALID, "table %s: more than a million splits",
                         s->table.name);
    struct split *splits = weir_realloc(s->splits, ((size_t)s->n_splits + n) * sizeof *splits);
    if (!splits)
        return weir_fail_nomem(err, ((size_t)s->n_splits + n) * sizeof *splits, "planning splits");
    s->splits = splits;
    s->files[f] = (struct file){.first_split = s->n_splits, .n_splits = (int)n};
    for (uint64_t i = 0; i < n; i++) {
        uint64_t start = p->bytes / n * i, end = i + 1 < n ? p->bytes / n * (i + 1) : UINT64_MAX;
        s->splits[s->n_splits++] = (struct split){.file = f, .start = start, .end = end};
    }
    return 0;
}

static int plan_splits(struct weir_source *base, int want, int *n_splits, struct weir_error *err)
{
    struct file_source *s = (struct file_source *)base;
    forget_splits(s);
    *n_splits = 0;
    int rc = weir_paths_expand(s->table.path, &s->paths, err);
    if (rc) {
        weir_error_prefix(err, "table %s, option 'path'", s->table.name);
        return rc;
    }
    s->files = weir_calloc(s->paths.n, sizeof *s->files);
    if (!s->files) return weir_fail_nomem(err, s->paths.n * sizeof *s->files, "planning splits");
    uint64_t total = 0;
    for (size_t f = 0; f < s->paths.n; f++) total += s->paths.item[f].bytes;
    uint64_t target =
        (total + (uint64_t)(want > 1 ? want : 1) - 1) / (uint64_t)(want > 1 ? want : 1);
    if (target < s->table.min_split_bytes) target = s->table.min_split_bytes;
    weir_error_log_close(s->log);
    s->log = NULL;
    for (size_t f = 0; f < s->paths.n && !rc; f++)
        if (!s->paths.item[f].regular) rc = weir_stream_begin(s->paths.item[f].name, s, err);
    if (!rc && s->table.errors_path) rc = weir_error_log_open(s->table.errors_path, &s->log, err);
    for (size_t f = 0; f < s->paths.n && !rc; f++) rc = add_splits(s, f, target, err);
    s->base.est_bytes = total;
    atomic_store(&s->bytes, 0);
    *n_splits = s->n_splits;
    return rc;
}

/* ---- quote parity ---- */

static int count_quotes(const struct file_source *s, const struct split *split, bool *odd,
                        struct weir_error *err)
{
    struct weir_stream *stream;
    uint64_t at = split->start ? split->start - 1 : 0, end = split->end - 1;
    size_t cap = (size_t)256 << 10, quotes = 0, got = 1;
    char *buf = weir_malloc(cap);
    if (!buf) return weir_fail_nomem(err, cap, "counting quotes");
    int rc = weir_stream_open(s->paths.item[split->file].name, at, NULL, &stream, err);
    while (!rc && at < end && got) {
        rc = weir_stream_read(stream, buf, end - at < cap ? (size_t)(end - at) : cap, &got, err);
        quotes += weir_csv_count(buf, got, s->table.csv.quote);
        at += got;
    }
    weir_stream_close(stream);
    weir_free(buf);
    *odd = quotes & 1;
    return rc;
}

/* Is the byte before split K inside quotes? */
static int parity_before(struct file_source *s, int k, bool *inside, struct weir_error *err)
{
    struct file *f = &s->files[s->splits[k].file];
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (f->first_split + f->next_count < k && !f->failed) {
        struct split *mine = &s->splits[f->first_split + f->next_count++];
        bool odd = false;
        pthread_mutex_unlock(&s->lock);
        rc = count_quotes(s, mine, &odd, err);
        pthread_mutex_lock(&s->lock);
        mine->odd = odd;
        mine->counted = true;
        if (rc) f->failed = rc;
        pthread_cond_broadcast(&s->counted);
    }
    *inside = false;
    for (int i = f->first_split; i < k && !f->failed; i++) {
        while (!s->splits[i].counted && !f->failed) pthread_cond_wait(&s->counted, &s->lock);
        *inside ^= s->splits[i].odd;
    }
    if (f->failed && !rc)
        rc = weir_fail(err, f->failed, "%s: another partition could not read it",
                       s->paths.item[s->splits[k].file].name);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* ---- reading ---- */

static void close_split(struct weir_reader *base)
{
    struct source_reader *r = (struct source_reader *)base;
    if (!r) return;
    weir_file_reader_close(r->file);
    weir_builder_free(r->builder);
    weir_free(r);
}

static int remember_columns(struct file_source *s, const int *columns, int n,
                            struct weir_error *err)
{
    int *copy = weir_malloc((size_t)n * sizeof *copy);
    if (!copy) return weir_fail_nomem(err, (size_t)n * sizeof *copy, "opening a file");
    if (n) memcpy(copy, columns, (size_t)n * sizeof *copy);
    pthread_mutex_lock(&s->lock);
    weir_free(s->columns);
    s->columns = copy;
    s->n_columns = n;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static int new_builder(const struct file_source *s, const int *columns, int n,
                       struct weir_pool *pool, struct weir_builder **out, struct weir_error *err)
{
    struct weir_type *types = weir_malloc((size_t)n * sizeof *types);
    if (!types) return weir_fail_nomem(err, (size_t)n * sizeof *types, "opening a file");
    for (int c = 0; c < n; c++) types[c] = s->table.schema.field[columns[c]].type;
    int rc = weir_builder_new(pool, n, types, out, err);
    weir_free(types);
    return rc;
}

static int open_split(struct weir_source *base, int split, const int *columns, int n_columns,
                      struct weir_pool *pool, struct weir_reader **out, struct weir_error *err)
{
    struct file_source *s = (struct file_source *)base;
    const struct split *sp = &s->splits[split];
    const struct weir_path *p = &s->paths.item[sp->file];
    struct weir_file_range range = {.start = sp->start, .end = sp->end};
    struct source_reader *r = weir_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return weir_fail_nomem(err, sizeof *r, "opening a file");
    r->source = s;
    r->split = split;
    int rc = remember_columns(s, columns, n_columns, err);
    if (!rc && sp->start && quotes_matter(s))
        rc = parity_before(s, split, &range.inside_quotes, err);
    if (!rc) rc = new_builder(s, columns, n_columns, pool, &r->builder, err);
    if (!rc)
        rc = weir_file_reader_open(&s->table, p->name, p->regular, &range, columns, n_columns,
                                   &s->bytes, &r->file, err);
    if (rc) {
        close_split((struct weir_reader *)r);
        return rc;
    }
    if (s->log) weir_file_reader_log(r->file, s->log);
    *out = (struct weir_reader *)r;
    return 0;
}

static int next(struct weir_reader *base, uint32_t max_rows, struct weir_batch **out,
                struct weir_error *err)
{
    struct source_reader *r = (struct source_reader *)base;
    uint64_t position = weir_file_reader_position(r->file);
    uint32_t rows;
    *out = NULL;
    int rc = weir_file_reader_rows(r->file, max_rows, r->builder, &rows, err);
    uint64_t skipped = r->file->decoder->skipped;
    atomic_fetch_add_explicit(&r->source->base.skipped, skipped - r->skipped, memory_order_relaxed);
    r->skipped = skipped;
    if (!rc && r->source->log) rc = weir_error_log_check(r->source->log, err);
    if (rc || (!rows && !r->file->waiting)) return rc;
    rc = weir_builder_finish(r->builder, out, err);
    if (rc) return rc;
    (*out)->origin = (struct weir_origin){
        .source = &r->source->base, .split = r->split, .position = position, .first_row = r->rows};
    r->rows += rows;
    return 1;
}

/* Decode again from the batch's first record, a row at a time. */
static int row_line(const struct file_source *s, const struct weir_origin *origin, uint32_t row,
                    uint64_t *line)
{
    const struct split *sp = &s->splits[origin->split];
    const struct weir_path *p = &s->paths.item[sp->file];
    struct weir_file_range range = {.start = origin->position, .end = sp->end, .at_record = true};
    struct weir_file_reader *r = NULL;
    struct weir_builder *b = NULL;
    uint32_t rows = 1;
    if (!p->regular) return WEIR_ERR_IO;
    int rc = new_builder(s, s->columns, s->n_columns, NULL, &b, NULL);
    if (!rc)
        rc = weir_file_reader_open(&s->table, p->name, true, &range, s->columns, s->n_columns, NULL,
                                   &r, NULL);
    for (uint32_t i = 0; i <= row && !rc && rows; i++) {
        rc = weir_file_reader_rows(r, 1, b, &rows, NULL);
        weir_builder_truncate(b, 0);
        weir_builder_set_rows(b, 0);
    }
    *line = rc || !rows ? 0 : weir_file_line(p->name, r->base + r->decoder->last_record);
    weir_file_reader_close(r);
    weir_builder_free(b);
    return *line ? 0 : WEIR_ERR_IO;
}

static void describe_row(const struct weir_source *base, const struct weir_origin *origin,
                         uint32_t row, char *buf, size_t size)
{
    const struct file_source *s = (const struct file_source *)base;
    uint64_t line = 0;
    if (origin->split < 0 || origin->split >= s->n_splits) {
        snprintf(buf, size, "row %llu", (unsigned long long)(origin->first_row + row + 1));
        return;
    }
    const char *name = s->paths.item[s->splits[origin->split].file].name;
    if (row_line(s, origin, row, &line) == 0)
        snprintf(buf, size, "%s:%llu", name, (unsigned long long)line);
    else
        snprintf(buf, size, "%s, row %llu", strcmp(name, "-") ? name : "standard input",
                 (unsigned long long)(origin->first_row + row + 1));
}

static uint64_t bytes_read(const struct weir_source *base)
{
    return atomic_load_explicit(&((const struct file_source *)base)->bytes, memory_order_relaxed);
}

static void source_free(struct weir_source *base)
{
    struct file_source *s = (struct file_source *)base;
    if (!s) return;
    weir_stream_end(s);
    forget_splits(s);
    weir_free(s->columns);
    weir_error_log_close(s->log);
    weir_file_table_release(&s->table);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->counted);
    weir_free(s);
}

static const struct weir_source_ops file_source_ops = {.plan_splits = plan_splits,
                                                       .open_split = open_split,
                                                       .next = next,
                                                       .close = close_split,
                                                       .describe_row = describe_row,
                                                       .bytes_read = bytes_read,
                                                       .free = source_free};

/* How much there is to read, as far as that is known already, and whether it comes over time. */
static void estimate(struct file_source *s)
{
    struct weir_paths paths;
    if (weir_paths_expand(s->table.path, &paths, NULL) == 0) {
        for (size_t f = 0; f < paths.n; f++) {
            s->base.est_bytes += paths.item[f].bytes;
            s->base.streaming |= !paths.item[f].regular;
        }
    }
    weir_paths_release(&paths);
}

int weir_file_source_new(const struct weir_table_spec *t, struct weir_source **out,
                         struct weir_error *err)
{
    struct file_source *s = weir_calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a table");
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->counted, NULL);
    s->base.ops = &file_source_ops;
    int rc = weir_file_table_init(t, &s->table, err);
    if (rc) {
        source_free(&s->base);
        return rc;
    }
    s->base.name = s->table.name;
    s->base.schema = s->table.schema;
    s->base.bounded = true;
    s->base.est_rows = -1;
    estimate(s);
    *out = &s->base;
    return 0;
}
