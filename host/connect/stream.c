/* Reading files. A plain file is read where the caller wants it; a compressed one goes through a
   buffer of raw bytes and the codec of its suffix. Zeros after the last gzip member are padding, as
   gzip itself sees it; anything else after a frame must be another frame, and the file must end
   between two.

   What is no regular file is asked with poll before it is read, so that nobody waits longer than he
   wants to. A FIFO is opened without waiting for its writer: until one has come, poll reports
   nothing, not the end. */
#include "host/connect/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define RAW_BYTES ((size_t)256 << 10)

struct weir_stream {
    int fd;
    bool seekable, at_end, between_frames;
    int timeout_ms; /* of the read that runs; -1: none */
    bool waiting;   /* it ran out */
    char *path;
    uint64_t raw_offset; /* bytes taken from the file so far (plain files: where to read next) */
    _Atomic uint64_t *progress;
    const struct weir_codec *codec;
    void *decoder;
    unsigned char *raw;
    size_t raw_used, raw_len;
};

/* Wait for bytes or for the end; s->waiting when neither came in time. */
static void wait_ready(struct weir_stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    int n;
    do {
        n = poll(&p, 1, s->timeout_ms);
    } while (n < 0 && errno == EINTR && s->timeout_ms < 0);
    s->waiting = n == 0 || (n < 0 && errno == EINTR);
}

static int read_raw(struct weir_stream *s, void *buf, size_t cap, size_t *got,
                    struct weir_error *err)
{
    ssize_t n;
    *got = 0;
    if (!s->seekable) wait_ready(s);
    if (s->waiting) return 0;
    do {
        n = s->seekable ? pread(s->fd, buf, cap, (off_t)s->raw_offset) : read(s->fd, buf, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        s->waiting = true;
        return 0;
    }
    if (n < 0)
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be read at byte %llu", s->path,
                               (unsigned long long)s->raw_offset);
    s->raw_offset += (uint64_t)n;
    if (s->progress) atomic_fetch_add_explicit(s->progress, (uint64_t)n, memory_order_relaxed);
    *got = (size_t)n;
    return 0;
}

/* What is left of the raw bytes is only zeros (and more is read to be sure). */
static int skip_padding(struct weir_stream *s, bool *ended, struct weir_error *err)
{
    for (;;) {
        while (s->raw_used < s->raw_len && s->raw[s->raw_used] == 0) s->raw_used++;
        *ended = s->raw_used == s->raw_len;
        if (!*ended) return 0;
        s->raw_used = s->raw_len = 0;
        int rc = read_raw(s, s->raw, RAW_BYTES, &s->raw_len, err);
        *ended = !s->waiting;
        if (rc || s->raw_len == 0) return rc;
    }
}

/* The first bytes. An empty file is no gzip file, but it is what a crash or `touch` leaves: it
   holds no rows. */
static int begin_decoding(struct weir_stream *s, struct weir_error *err)
{
    int rc = read_raw(s, s->raw, RAW_BYTES, &s->raw_len, err);
    s->at_end = s->raw_len == 0 && !s->waiting;
    return rc;
}

static int decode_failed(const struct weir_stream *s, int rc, const char *why,
                         struct weir_error *err)
{
    unsigned long long at = s->raw_offset - (s->raw_len - s->raw_used);
    return weir_fail(err, rc, "%s: damaged %s data at byte %llu: %s", s->path, s->codec->name, at,
                     why);
}

static int read_decoded(struct weir_stream *s, char *buf, size_t cap, size_t *got,
                        struct weir_error *err)
{
    struct weir_codec_io io = {.out = (unsigned char *)buf, .n_out = cap};
    int rc = s->raw_offset ? 0 : begin_decoding(s, err);
    if (rc) return rc;
    while (io.n_out == cap && !s->at_end && !s->waiting) {
        if (s->between_frames) {
            rc = skip_padding(s, &s->at_end, err);
            if (rc || s->at_end || s->waiting) break;
        }
        bool boundary = false;
        const char *why = "";
        io.in = s->raw + s->raw_used;
        io.n_in = s->raw_len - s->raw_used;
        rc = s->codec->decode(s->decoder, &io, &boundary, &why);
        s->raw_used = s->raw_len - io.n_in;
        if (rc) return decode_failed(s, rc, why, err);
        s->between_frames = boundary;
        if (boundary || io.n_out < cap || s->raw_used < s->raw_len) continue;
        s->raw_used = s->raw_len = 0;
        rc = read_raw(s, s->raw, RAW_BYTES, &s->raw_len, err);
        if (rc) return rc;
        if (s->raw_len == 0 && !s->waiting)
            return weir_fail(
                err, WEIR_ERR_DATA,
                "%s: the %s data ends in the middle, after %llu bytes (was it cut short?)", s->path,
                s->codec->name, (unsigned long long)s->raw_offset);
    }
    *got = cap - io.n_out;
    return rc;
}

int weir_stream_read_soon(struct weir_stream *s, char *buf, size_t cap, int timeout_ms, size_t *got,
                          bool *waiting, struct weir_error *err)
{
    *got = 0;
    s->timeout_ms = timeout_ms;
    s->waiting = false;
    int rc = s->codec ? read_decoded(s, buf, cap, got, err) : read_raw(s, buf, cap, got, err);
    *waiting = s->waiting;
    return rc;
}

int weir_stream_read(struct weir_stream *s, char *buf, size_t cap, size_t *got,
                     struct weir_error *err)
{
    bool waiting = true;
    int rc = 0;
    while (!rc && waiting) rc = weir_stream_read_soon(s, buf, cap, -1, got, &waiting, err);
    return rc;
}

bool weir_stream_is_live(const struct weir_stream *s)
{
    return !s->seekable;
}

static int start_codec(struct weir_stream *s, struct weir_error *err)
{
    s->raw = weir_malloc(RAW_BYTES);
    s->decoder = s->raw ? s->codec->decoder_new() : NULL;
    return s->decoder ? 0 : weir_fail_nomem(err, RAW_BYTES, "opening a compressed file");
}

static int skip_to(struct weir_stream *s, uint64_t offset, struct weir_error *err)
{
    if (s->seekable && !s->codec) {
        s->raw_offset = offset;
        return 0;
    }
    char buf[4096];
    size_t got = 1;
    int rc = 0;
    while (offset && got && !rc) {
        size_t want = offset < sizeof buf ? (size_t)offset : sizeof buf;
        rc = weir_stream_read(s, buf, want, &got, err);
        offset -= got;
    }
    return rc;
}

int weir_stream_open(const char *path, uint64_t offset, _Atomic uint64_t *progress,
                     struct weir_stream **out, struct weir_error *err)
{
    struct weir_stream *s = weir_calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a file");
    bool is_stdin = strcmp(path, "-") == 0;
    int rc = 0;
    s->progress = progress;
    s->codec = weir_codec_of_path(path);
    s->fd = -1;
    s->path = weir_strdup(is_stdin ? "standard input" : path);
    if (!s->path) {
        rc = weir_fail_nomem(err, strlen(path), "opening a file");
        goto out;
    }
    s->fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                     : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (s->fd < 0 || fstat(s->fd, &st)) {
        rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be opened", s->path);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = weir_fail(err, WEIR_ERR_IO, "%s: is a directory, not a file", s->path);
        goto out;
    }
    s->seekable = S_ISREG(st.st_mode) && !is_stdin;
    if (s->seekable) posix_fadvise(s->fd, (off_t)offset, 0, POSIX_FADV_SEQUENTIAL);
    if (s->codec) rc = start_codec(s, err);
    if (!rc) rc = skip_to(s, offset, err);
out:
    if (rc) {
        weir_stream_close(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

/* ---- what can be read only once ---- */

static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;

/* A pipe that was read, or that READER is reading. */
static struct once {
    struct once *next;
    dev_t dev;
    ino_t ino;
    const void *reader; /* NULL: it will never have rows again */
} * read_once;

static int claim_pipe(const struct stat *st, const char *name, const void *reader,
                      struct weir_error *err)
{
    for (const struct once *o = read_once; o; o = o->next)
        if (o->dev == st->st_dev && o->ino == st->st_ino)
            return weir_fail(
                err, WEIR_ERR_IO,
                "%s is a pipe and was read already, as the SQL or by an earlier FROM "
                "(GROUPING SETS read their input once for each set); put the rows into a file "
                "to read them again",
                name);
    struct once *o = weir_malloc(sizeof *o);
    if (!o) return weir_fail_nomem(err, sizeof *o, "opening a pipe");
    *o = (struct once){read_once, st->st_dev, st->st_ino, reader};
    read_once = o;
    return WEIR_OK;
}

/* A file or a terminal as standard input: the file is wound back to where it stood first. */
static int rewind_stdin(const struct stat *st, struct weir_error *err)
{
    static struct stat before;
    static off_t start;
    if (!S_ISREG(st->st_mode)) return WEIR_OK;
    if (!before.st_nlink || before.st_dev != st->st_dev || before.st_ino != st->st_ino) {
        before = *st;
        start = lseek(STDIN_FILENO, 0, SEEK_CUR);
    } else if (lseek(STDIN_FILENO, start, SEEK_SET) < 0) {
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "standard input: cannot be read again");
    }
    return WEIR_OK;
}

int weir_stream_begin(const char *path, const void *reader, struct weir_error *err)
{
    struct stat st, in = {0};
    struct statfs fs;
    bool standard = strcmp(path, "-") == 0, open = fstat(STDIN_FILENO, &in) == 0;
    if (standard && !open)
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "standard input: cannot be read");
    if (standard)
        st = in;
    else if (stat(path, &st))
        return WEIR_OK; /* opening it says why */
    bool regular = S_ISREG(st.st_mode), pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
    if (open && !regular && st.st_dev == in.st_dev && st.st_ino == in.st_ino) standard = true;
    /* one without a name: when its writer has gone, no other one can come */
    bool nameless = standard || statfs(path, &fs) || fs.f_type == PIPEFS_MAGIC;
    pthread_mutex_lock(&once_lock);
    int rc = WEIR_OK;
    if (pipe)
        rc = claim_pipe(&st, standard ? "standard input" : path, nameless ? NULL : reader, err);
    else if (standard)
        rc = rewind_stdin(&st, err);
    pthread_mutex_unlock(&once_lock);
    return rc;
}

void weir_stream_end(const void *reader)
{
    pthread_mutex_lock(&once_lock);
    for (struct once **at = &read_once; *at;) {
        struct once *o = *at;
        if (o->reader != reader || !reader) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        weir_free(o);
    }
    pthread_mutex_unlock(&once_lock);
}

void weir_stream_close(struct weir_stream *s)
{
    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    if (s->codec) s->codec->decoder_free(s->decoder);
    weir_free(s->raw);
    weir_free(s->path);
    weir_free(s);
}
