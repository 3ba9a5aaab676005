/* Dropped records, a line each, written with one call so that lines of several partitions do not
 * mix. */
#include "host/connect/error_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "runtime/column/text.h"

struct weir_error_log {
    int fd;
    char *path;
    pthread_mutex_t lock;
    struct weir_error failed; /* code 0: all is well */
};

int weir_error_log_open(const char *path, struct weir_error_log **out, struct weir_error *err)
{
    struct weir_error_log *log = weir_calloc(1, sizeof *log);
    *out = NULL;
    if (!log) return weir_fail_nomem(err, sizeof *log, "opening a file");
    pthread_mutex_init(&log->lock, NULL);
    log->fd = -1;
    log->path = weir_strdup(path);
    int rc = log->path ? 0 : weir_fail_nomem(err, strlen(path), "opening a file");
    if (!rc) {
        log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
        if (log->fd < 0)
            rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot be written", path);
    }
    if (rc) {
        weir_error_log_close(log);
        return rc;
    }
    *out = log;
    return 0;
}

static void put_record(struct weir_buf *b, const char *record, size_t n)
{
    if (weir_text_is_utf8(record, n)) {
        weir_buf_puts(b, ",\"record\":");
        weir_buf_json(b, record, n);
        return;
    }
    weir_buf_puts(b, ",\"record_base64\":\"");
    if (weir_buf_reserve(b, (n + 2) / 3 * 4))
        b->len += weir_text_format_base64(b->data + b->len, (const unsigned char *)record, n);
    weir_buf_putc(b, '"');
}

static int write_line(struct weir_error_log *log, const struct weir_buf *line)
{
    if (line->oom) return weir_fail_nomem(&log->failed, line->cap, "keeping a dropped record");
    const char *p = line->data;
    size_t n = line->len;
    while (n) {
        ssize_t done = write(log->fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0)
            return weir_fail_errno(&log->failed, WEIR_ERR_IO, errno, "%s: cannot be written",
                                   log->path);
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

void weir_error_log_add(struct weir_error_log *log, const char *file, uint64_t at,
                        const char *record, size_t n, const char *message)
{
    struct weir_buf line = {0};
    weir_buf_puts(&line, "{\"file\":");
    weir_buf_json(&line, file, strlen(file));
    weir_buf_printf(&line, ",\"byte\":%llu,\"error\":", (unsigned long long)at);
    weir_buf_json(&line, message, strlen(message));
    put_record(&line, record, n);
    weir_buf_puts(&line, "}\n");
    pthread_mutex_lock(&log->lock);
    if (!log->failed.code) log->failed.code = write_line(log, &line);
    pthread_mutex_unlock(&log->lock);
    weir_buf_release(&line);
}

int weir_error_log_check(struct weir_error_log *log, struct weir_error *err)
{
    pthread_mutex_lock(&log->lock);
    int rc = log->failed.code;
    if (rc && err) *err = log->failed;
    pthread_mutex_unlock(&log->lock);
    return rc;
}

void weir_error_log_close(struct weir_error_log *log)
{
    if (!log) return;
    if (log->fd >= 0) close(log->fd);
    pthread_mutex_destroy(&log->lock);
    weir_free(log->path);
    weir_free(log);
}
