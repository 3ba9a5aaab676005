/* Writing files by rename. */
#include "host/connect/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct weir_output {
    int fd;
    char *path;           /* final name */
    char *temporary;      /* NULL: written to directly */
    struct weir_buf made; /* directories that we created, one NUL-ended name after the other */
};

static int make_directories(struct weir_output *o, struct weir_error *err)
{
    for (char *p = o->path + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        int rc = mkdir(o->path, 0777), why = errno;
        if (rc == 0) weir_buf_add(&o->made, o->path, strlen(o->path) + 1);
        if (rc && why != EEXIST) {
            rc = weir_fail_errno(err, WEIR_ERR_IO, why, "%s: cannot create the directory", o->path);
            *p = '/';
            return rc;
        }
        *p = '/';
    }
    return o->made.oom ? weir_fail_nomem(err, strlen(o->path), "opening a file") : 0;
}

static void remove_directories(struct weir_output *o)
{
    while (o->made.len) {
        size_t start = o->made.len - 1;
        while (start && o->made.data[start - 1]) start--;
        if (rmdir(o->made.data + start)) return;
        o->made.len = start;
    }
}

static int open_temporary(struct weir_output *o, struct weir_error *err)
{
    int rc = make_directories(o, err);
    if (rc) return rc;
    const char *slash = strrchr(o->path, '/');
    int dir = slash ? (int)(slash + 1 - o->path) : 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long long salt =
        (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
    for (int attempt = 0; attempt < 100; attempt++) {
        struct weir_buf name = {0};
        weir_buf_printf(&name, "%.*s.%s.%d-%llx.tmp", dir, o->path, o->path + dir, (int)getpid(),
                        salt + (unsigned)attempt);
        if (name.oom) return weir_fail_nomem(err, strlen(o->path), "opening a file");
        o->fd = open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd >= 0) {
            o->temporary = name.data;
            return 0;
        }
        int why = errno;
        weir_buf_release(&name);
        if (why != EEXIST)
            return weir_fail_errno(err, WEIR_ERR_IO, why,
                                   "%s: cannot create a file in this directory", o->path);
    }
    return weir_fail(err, WEIR_ERR_IO, "%s: no free name for a temporary file beside it", o->path);
}

/* Follow links, so that the file behind one is replaced and not the link. */
static char *final_name(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        char *real = realpath(path, NULL);
        char *copy = real ? weir_strdup(real) : NULL;
        free(real);
        if (copy) return copy;
    }
    return weir_strdup(path);
}

int weir_output_open(const char *path, struct weir_output **out, struct weir_error *err)
{
    struct stat st;
    struct weir_output *o = weir_calloc(1, sizeof *o);
    *out = NULL;
    if (!o) return weir_fail_nomem(err, sizeof *o, "opening a file");
    o->fd = -1;
    int rc = 0;
    bool is_stdout = strcmp(path, "-") == 0;
    o->path = is_stdout ? weir_strdup("standard output") : final_name(path);
    if (!o->path) {
        rc = weir_fail_nomem(err, strlen(path), "opening a file");
    } else if (is_stdout) {
        o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        if (o->fd < 0) rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "standard output");
    } else if (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = weir_fail(err, WEIR_ERR_IO, "%s: is a directory", o->path);
    } else if (stat(o->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        o->fd = open(o->path, O_WRONLY | O_CLOEXEC);
        if (o->fd < 0)
            rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be written", o->path);
    } else {
        rc = open_temporary(o, err);
    }
    if (rc) {
        weir_output_close(o);
        return rc;
    }
    *out = o;
    return 0;
}

bool weir_output_is_direct(const struct weir_output *o)
{
    return !o->temporary;
}

int weir_output_write(struct weir_output *o, const void *bytes, size_t n, struct weir_error *err)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(o->fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0)
            return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be written", o->path);
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int sync_directory(const char *path, struct weir_error *err)
{
    const char *slash = strrchr(path, '/');
    struct weir_buf dir = {0};
    weir_buf_add(&dir, path, slash ? (size_t)(slash + 1 - path) : 0);
    if (!slash) weir_buf_puts(&dir, ".");
    if (dir.oom) return weir_fail_nomem(err, strlen(path), "finishing a file");
    int fd = open(dir.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems cannot sync a directory and say EINVAL; there is nothing more to do there.
     */
    int rc = fd < 0 || (fsync(fd) && errno != EINVAL)
                 ? weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be made durable", dir.data)
                 : 0;
    if (fd >= 0) close(fd);
    weir_buf_release(&dir);
    return rc;
}

int weir_output_commit(struct weir_output *o, struct weir_error *err)
{
    if (o->temporary && fsync(o->fd))
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be made durable", o->path);
    int rc = close(o->fd), why = errno;
    o->fd = -1;
    if (rc) return weir_fail_errno(err, WEIR_ERR_IO, why, "%s: cannot be written", o->path);
    if (!o->temporary) return 0;
    if (rename(o->temporary, o->path))
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be renamed into place",
                               o->path);
    weir_free(o->temporary);
    o->temporary = NULL;
    o->made.len = 0;
    return sync_directory(o->path, err);
}

void weir_output_close(struct weir_output *o)
{
    if (!o) return;
    if (o->fd >= 0) close(o->fd);
    if (o->temporary) unlink(o->temporary);
    remove_directories(o);
    weir_buf_release(&o->made);
    weir_free(o->temporary);
    weir_free(o->path);
    weir_free(o);
}

int weir_output_encode(const struct weir_codec *codec, const void *text, size_t n,
                       struct weir_buf *out, struct weir_error *err)
{
    if (!codec) {
        weir_buf_add(out, text, n);
        return out->oom ? weir_fail_nomem(err, n, "writing a file") : 0;
    }
    void *encoder = codec->encoder_new();
    if (!encoder) return weir_fail_nomem(err, n, "compressing");
    struct weir_codec_io io = {.in = text, .n_in = n};
    bool done = false;
    const char *why = "";
    int rc = 0;
    while (!done && !rc) {
        if (!weir_buf_reserve(out, n / 4 + 1024)) {
            rc = weir_fail_nomem(err, n, "compressing");
            break;
        }
        io.out = (unsigned char *)out->data + out->len;
        io.n_out = out->cap - out->len - 1;
        rc = codec->encode(encoder, &io, true, &done, &why);
        out->len = (size_t)(io.out - (unsigned char *)out->data);
        if (rc) rc = weir_fail(err, rc, "compressing with %s failed: %s", codec->name, why);
    }
    codec->encoder_free(encoder);
    return rc;
}
