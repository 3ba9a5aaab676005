/* See generator.h. Lines are put together in a buffer of 1 MiB that goes to write(2) or through
   deflate when it is nearly full, so the cost of a line is the copy of its bytes. */

#include "generator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { buffer_bytes = 1 << 20, ms_per_day = 86400000 };

uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

uint32_t rng_skewed(struct rng *r, uint32_t bits)
{
    uint64_t word = rng_next(r);
    uint32_t octave = (uint32_t)((word >> 32) * bits >> 32);
    return (1u << octave) - 1 + (uint32_t)(word & ((1u << octave) - 1));
}

static void write_all(struct out *o, const void *bytes, size_t length)
{
    const char *p = bytes;
    while (length > 0 && !o->failed) {
        ssize_t n = write(o->descriptor, p, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            o->failed = errno;
            return;
        }
        p += n;
        length -= (size_t)n;
    }
}

static void flush(struct out *o, int finish)
{
    z_stream *z = o->deflate;
    if (!z) {
        write_all(o, o->buffer, o->used);
        o->used = 0;
        return;
    }
    z->next_in = (unsigned char *)o->buffer;
    z->avail_in = (unsigned)o->used;
    int code;
    do {
        z->next_out = o->packed;
        z->avail_out = buffer_bytes;
        code = deflate(z, finish ? Z_FINISH : Z_NO_FLUSH);
        write_all(o, o->packed, buffer_bytes - z->avail_out);
    } while (!o->failed && (z->avail_in > 0 || (finish && code == Z_OK)));
    o->used = 0;
}

static int open_deflate(struct out *o)
{
    o->packed = malloc(buffer_bytes);
    z_stream *z = calloc(1, sizeof *z);
    /* 15 + 16: a gzip wrapper, whose header zlib fills with time 0. Level 1: logs compress well at
     * any level. */
    if (!o->packed || !z ||
        deflateInit2(z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return -1;
    }
    o->deflate = z;
    return 0;
}

static void out_free(struct out *o)
{
    if (o->deflate) deflateEnd(o->deflate);
    free(o->deflate);
    free(o->packed);
    free(o->buffer);
    free(o->temporary);
    free(o->path);
    *o = (struct out){.descriptor = -1};
}

int out_open(struct out *o, const char *dir, const char *name)
{
    *o = (struct out){.descriptor = -1};
    size_t length = strlen(dir) + strlen(name) + 16;
    o->path = malloc(length);
    o->temporary = malloc(length);
    o->buffer = malloc(buffer_bytes);
    size_t suffix = strlen(name) > 3 ? strlen(name) - 3 : 0;
    if (!o->path || !o->temporary || !o->buffer ||
        (strcmp(name + suffix, ".gz") == 0 && open_deflate(o) != 0)) {
        fprintf(stderr, "out of memory\n");
        out_free(o);
        return -1;
    }
    snprintf(o->path, length, "%s/%s", dir, name);
    snprintf(o->temporary, length, "%s/.%s.part", dir, name);
    o->descriptor = open(o->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (o->descriptor < 0) {
        fprintf(stderr, "cannot write %s: %s\n", o->temporary, strerror(errno));
        out_free(o);
        return -1;
    }
    return 0;
}

int out_close(struct out *o)
{
    flush(o, 1);
    if (close(o->descriptor) != 0 && !o->failed) o->failed = errno;
    if (!o->failed && rename(o->temporary, o->path) != 0) o->failed = errno;
    int failed = o->failed;
    if (failed) {
        fprintf(stderr, "cannot write %s: %s\n", o->path, strerror(failed));
        unlink(o->temporary);
    }
    out_free(o);
    return failed ? -1 : 0;
}

void out_bytes(struct out *o, const char *bytes, size_t length)
{
    if (o->used + length > buffer_bytes) flush(o, 0);
    memcpy(o->buffer + o->used, bytes, length);
    o->used += length;
}

void out_text(struct out *o, const char *text)
{
    out_bytes(o, text, strlen(text));
}

void out_number(struct out *o, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
    } while (value /= 10);
    out_bytes(o, digits + at, sizeof digits - at);
}

void out_padded(struct out *o, uint32_t value, int digits)
{
    char text[10];
    for (int i = digits - 1; i >= 0; i--, value /= 10) text[i] = (char)('0' + value % 10);
    out_bytes(o, text, (size_t)digits);
}

void out_ip(struct out *o, uint32_t ip)
{
    out_number(o, ip >> 24);
    out_bytes(o, ".", 1);
    out_number(o, ip >> 16 & 255);
    out_bytes(o, ".", 1);
    out_number(o, ip >> 8 & 255);
    out_bytes(o, ".", 1);
    out_number(o, ip & 255);
}

void out_date(struct out *o, uint32_t epoch_days)
{
    /* Days to a civil date, as in H. Hinnant's "chrono-compatible low-level date algorithms". */
    uint32_t days = epoch_days + 719468;
    uint32_t era = days / 146097, doe = days % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
    out_padded(o, era * 400 + yoe + (month <= 2), 4);
    out_bytes(o, "-", 1);
    out_padded(o, month, 2);
    out_bytes(o, "-", 1);
    out_padded(o, doy - (153 * mp + 2) / 5 + 1, 2);
}

void out_timestamp(struct out *o, int64_t epoch_ms)
{
    uint32_t ms = (uint32_t)(epoch_ms % ms_per_day);
    out_date(o, (uint32_t)(epoch_ms / ms_per_day));
    out_bytes(o, " ", 1);
    out_padded(o, ms / 3600000, 2);
    out_bytes(o, ":", 1);
    out_padded(o, ms / 60000 % 60, 2);
    out_bytes(o, ":", 1);
    out_padded(o, ms / 1000 % 60, 2);
    out_bytes(o, ".", 1);
    out_padded(o, ms % 1000, 3);
}

void out_uuid(struct out *o, uint64_t high, uint64_t low)
{
    char text[36];
    high = (high & ~UINT64_C(0xf000)) | 0x4000;
    low = low >> 2 | UINT64_C(1) << 63;
    for (int i = 35; i >= 0; i--) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            text[i] = '-';
            continue;
        }
        uint64_t *word = i > 18 ? &low : &high;
        text[i] = "0123456789abcdef"[*word & 15];
        *word >>= 4;
    }
    out_bytes(o, text, sizeof text);
}

static int read_option(const struct option_spec *options, size_t count, const char *name,
                       const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, name) != 0) continue;
        char *end;
        errno = 0;
        unsigned long long value = text ? strtoull(text, &end, 10) : 0;
        if (!text || *text < '0' || *text > '9' || *end || errno || value < options[i].low ||
            value > options[i].high) {
            fprintf(stderr, "%s needs a whole number from %llu to %llu, not '%s'\n", name,
                    (unsigned long long)options[i].low, (unsigned long long)options[i].high,
                    text ? text : "");
            return -1;
        }
        *options[i].value = value;
        return 0;
    }
    fprintf(stderr, "unknown option '%s'\n", name);
    return -1;
}

const char *read_command_line(int argc, char **argv, const struct option_spec *options,
                              size_t count, const char *usage)
{
    const char *dir = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return NULL;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            dir = argv[i];
        } else if (read_option(options, count, argv[i], i + 1 < argc ? argv[i + 1] : NULL) != 0) {
            fputs(usage, stderr);
            return NULL;
        } else {
            i++;
        }
    }
    if (!dir) fputs(usage, stderr);
    return dir;
}

int make_directory(const char *dir)
{
    char *path = strdup(dir);
    if (!path) {
        fprintf(stderr, "out of memory\n");
        return -1;
    }
    int failed = 0;
    for (char *p = path + 1;; p++) {
        if (*p && *p != '/') continue;
        char end = *p;
        *p = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST) failed = errno;
        *p = end;
        if (!end) break;
    }
    if (failed) fprintf(stderr, "cannot create the directory %s: %s\n", dir, strerror(failed));
    free(path);
    return failed ? -1 : 0;
}
