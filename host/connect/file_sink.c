/* The 'filesystem' sink. A path is a file, or a directory when it ends with '/' or is one already;
   then each slot writes part files of its own. A slot formats (and compresses) its rows without a
   lock and appends them in large pieces, so a compressed file is a row of complete gzip members or
   zstd frames. Nothing is visible under its name before commit; standard output and pipes get every
   batch at once, because somebody may be waiting at the other end. */
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/connect/file_table.h"
#include "host/connect/files.h"
#include "host/connect/output.h"
#include "host/connect/paths.h"

#define PIECE_BYTES ((size_t)512 << 10)
#define FORMAT_ROWS 1024

struct slot {
    struct weir_buf text, encoded;
    struct weir_output *own; /* directories: this slot's part file, opened with its first rows */
};

struct file_sink {
    struct weir_sink base;
    struct weir_file_table table;
    const struct weir_codec *codec;
    bool directory;
    unsigned long long
        run; /* in the names of part files, so that runs do not overwrite each other */
    struct weir_output *shared;
    pthread_mutex_t lock; /* of shared */
    struct slot *slots;
    int n_slots;
};

static int fail_table(const struct file_sink *s, int rc, struct weir_error *err)
{
    weir_error_prefix(err, "table %s", s->table.name);
    return rc;
}

static int write_header(const struct file_sink *s, struct weir_output *o, struct weir_error *err)
{
    if (s->table.format != WEIR_FORMAT_CSV || !s->table.csv.header) return 0;
    struct weir_buf text = {0}, encoded = {0};
    int rc = weir_csv_write_header(&s->table.csv, &s->table.schema, &text, err);
    if (!rc && text.oom) rc = weir_fail_nomem(err, 256, "writing a header");
    if (!rc) rc = weir_output_encode(s->codec, text.data, text.len, &encoded, err);
    if (!rc) rc = weir_output_write(o, encoded.data, encoded.len, err);
    weir_buf_release(&text);
    weir_buf_release(&encoded);
    return rc;
}

static int open_part(struct file_sink *s, int slot, struct weir_error *err)
{
    struct weir_buf path = {0};
    const char *dir = weir_path_strip(s->table.path), *sep = dir[strlen(dir) - 1] == '/' ? "" : "/";
    weir_buf_printf(&path, "%s%spart-%llx-%d.%s", dir, sep, s->run, slot,
                    s->table.format == WEIR_FORMAT_CSV ? "csv" : "json");
    int rc = path.oom ? weir_fail_nomem(err, strlen(dir), "opening a file")
                      : weir_output_open(path.data, &s->slots[slot].own, err);
    weir_buf_release(&path);
    return rc ? rc : write_header(s, s->slots[slot].own, err);
}

static int sink_open(struct weir_sink *base, int n_slots, struct weir_error *err)
{
    struct file_sink *s = (struct file_sink *)base;
    const char *path = weir_path_strip(s->table.path);
    struct stat st;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    s->run = ((unsigned long long)now.tv_sec << 20 ^ (unsigned long long)now.tv_nsec) *
                 0x9E3779B97F4A7C15u ^
             (unsigned long long)getpid();
    s->directory = path[strlen(path) - 1] == '/' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    s->slots = weir_calloc((size_t)n_slots, sizeof *s->slots);
    if (!s->slots)
        return weir_fail_nomem(err, (size_t)n_slots * sizeof *s->slots, "opening a sink");
    s->n_slots = n_slots;
    /* A directory gets its first part file now, so that one that cannot be written is found out
     * early. */
    int rc = s->directory ? open_part(s, 0, err) : weir_output_open(path, &s->shared, err);
    if (!rc && !s->directory) rc = write_header(s, s->shared, err);
    return rc ? fail_table(s, rc, err) : 0;
}

/* Hand over what the slot has formatted. */
static int flush(struct file_sink *s, int n, struct weir_error *err)
{
    struct slot *slot = &s->slots[n];
    if (!slot->text.len) return 0;
    int rc = 0;
    const struct weir_buf *bytes = &slot->text;
    if (s->codec) {
        slot->encoded.len = 0;
        rc = weir_output_encode(s->codec, slot->text.data, slot->text.len, &slot->encoded, err);
        bytes = &slot->encoded;
    }
    if (!rc && s->directory) {
        if (!slot->own) rc = open_part(s, n, err);
        if (!rc) rc = weir_output_write(slot->own, bytes->data, bytes->len, err);
    } else if (!rc) {
        pthread_mutex_lock(&s->lock);
        rc = weir_output_write(s->shared, bytes->data, bytes->len, err);
        pthread_mutex_unlock(&s->lock);
    }
    slot->text.len = 0;
    return rc;
}

static int sink_write(struct weir_sink *base, int slot, const struct weir_batch *batch,
                      struct weir_error *err)
{
    struct file_sink *s = (struct file_sink *)base;
    struct weir_buf *text = &s->slots[slot].text;
    int rc = 0;
    for (uint32_t from = 0; from < batch->n_rows && !rc; from += FORMAT_ROWS) {
        uint32_t to = batch->n_rows - from > FORMAT_ROWS ? from + FORMAT_ROWS : batch->n_rows;
        if (s->table.format == WEIR_FORMAT_CSV)
            rc = weir_csv_write(&s->table.csv, &s->table.schema, batch, from, to, text, err);
        else
            weir_json_write(&s->table.json, &s->table.schema, batch, from, to, text);
        if (!rc && text->oom) rc = weir_fail_nomem(err, text->cap, "formatting rows");
        if (!rc && text->len >= PIECE_BYTES) rc = flush(s, slot, err);
    }
    if (!rc && s->shared && weir_output_is_direct(s->shared)) rc = flush(s, slot, err);
    return rc ? fail_table(s, rc, err) : 0;
}

static void sink_abort(struct weir_sink *base)
{
    struct file_sink *s = (struct file_sink *)base;
    for (int i = s->n_slots - 1; i >= 0; i--) {
        weir_output_close(s->slots[i].own);
        weir_buf_release(&s->slots[i].text);
        weir_buf_release(&s->slots[i].encoded);
    }
    weir_output_close(s->shared);
    weir_free(s->slots);
    s->slots = NULL;
    s->shared = NULL;
    s->n_slots = 0;
}

static int sink_commit(struct weir_sink *base, struct weir_error *err)
{
    struct file_sink *s = (struct file_sink *)base;
    int rc = 0;
    for (int i = 0; i < s->n_slots && !rc; i++) rc = flush(s, i, err);
    /* Of a compressed file without rows something must be there to decode. */
    if (!rc && s->codec && !s->directory) {
        struct weir_buf empty = {0};
        rc = weir_output_encode(s->codec, "", 0, &empty, err);
        if (!rc) rc = weir_output_write(s->shared, empty.data, empty.len, err);
        weir_buf_release(&empty);
    }
    if (!rc && s->shared) rc = weir_output_commit(s->shared, err);
    for (int i = 0; i < s->n_slots && !rc; i++) {
        if (s->slots[i].own) rc = weir_output_commit(s->slots[i].own, err);
    }
    sink_abort(base); /* what is committed stays; the rest leaves no trace */
    return rc ? fail_table(s, rc, err) : 0;
}

static void sink_free(struct weir_sink *base)
{
    struct file_sink *s = (struct file_sink *)base;
    if (!s) return;
    sink_abort(base);
    weir_file_table_release(&s->table);
    pthread_mutex_destroy(&s->lock);
    weir_free(s);
}

static const struct weir_sink_ops file_sink_ops = {.open = sink_open,
                                                   .write = sink_write,
                                                   .commit = sink_commit,
                                                   .abort = sink_abort,
                                                   .free = sink_free};

int weir_file_sink_new(const struct weir_table_spec *t, struct weir_sink **out,
                       struct weir_error *err)
{
    struct file_sink *s = weir_calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a table");
    pthread_mutex_init(&s->lock, NULL);
    s->base.ops = &file_sink_ops;
    int rc = weir_file_table_init(t, &s->table, err);
    if (rc) {
        sink_free(&s->base);
        return rc;
    }
    s->codec = weir_codec_of_path(s->table.path);
    s->base.name = s->table.name;
    s->base.schema = s->table.schema;
    *out = &s->base;
    return 0;
}
