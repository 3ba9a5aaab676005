/* What every file of topology/ stands on: errors into the caller's struct, checked memory, a
   growing text, CPU lists and whole files. Nothing here knows what a machine is. */
#include "topology/internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#undef topo_fail /* macros when the analyzer reads */
#undef topo_fail_errno
#undef topo_fail_nomem

static void format(struct weir_topo_error *err, const char *fmt, va_list ap)
{
    int n = vsnprintf(err->message, sizeof err->message, fmt, ap);
    if (n >= (int)sizeof err->message) memcpy(err->message + sizeof err->message - 4, "...", 4);
}

int topo_fail(struct weir_topo_error *err, int code, const char *fmt, ...)
{
    if (!err) return code;
    err->code = code;
    err->native_code = 0;
    va_list ap;
    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    return code;
}

int topo_fail_errno(struct weir_topo_error *err, int code, int errno_value, const char *fmt, ...)
{
    if (!err) return code;
    err->code = code;
    err->native_code = errno_value;
    va_list ap;
    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->message);
    snprintf(err->message + n, sizeof err->message - n, ": %s", strerror(errno_value));
    return code;
}

int topo_fail_nomem(struct weir_topo_error *err, const char *what)
{
    return topo_fail(err, WEIR_TOPO_ERR_NOMEM, "out of memory %s", what);
}

int topo_prefix(struct weir_topo_error *err, const char *fmt, ...)
{
    if (!err) return WEIR_TOPO_ERR_INVALID;
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    size_t n = strlen(err->message);
    snprintf(err->message + n, sizeof err->message - n, ": %s", old);
    return err->code;
}

/* ---- memory */

static uint64_t fail_countdown;
static bool fail_always;

void topo_alloc_fail_at(uint64_t n, bool always)
{
    fail_countdown = n;
    fail_always = always;
}

static bool planted_failure(void)
{
    if (!fail_countdown) return false;
    if (fail_countdown > 1) {
        fail_countdown--;
        return false;
    }
    if (!fail_always) fail_countdown = 0;
    return true;
}

void *topo_calloc(size_t count, size_t size)
{
    if (planted_failure()) return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

/* ARRAY is the address of a pointer of any type. */
static bool resize(void *array, size_t want, size_t size)
{
    if (want > SIZE_MAX / size || planted_failure()) return false;
    void *old, *now;
    memcpy(&old, array, sizeof old);
    now = realloc(old, want * size);
    if (!now) return false;
    memcpy(array, &now, sizeof now);
    return true;
}

bool topo_grow(void *array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) return true;
    size_t want = *capacity < 8 ? 8 : *capacity;
    while (want < need) {
        if (want > SIZE_MAX / 2) return false;
        want *= 2;
    }
    if (!resize(array, want, size)) return false;
    *capacity = want;
    return true;
}

bool topo_one_more(void *array, size_t count, size_t size)
{
    return resize(array, (count / 1024 + 1) * 1024, size);
}

void topo_free(void *p)
{
    free(p);
}

/* ---- text */

static bool reserve(struct weir_topo_text *t, size_t more)
{
    if (t->failed) return false;
    if (more > SIZE_MAX - t->length - 1 ||
        !topo_grow(&t->data, &t->capacity, t->length + more + 1, 1))
        t->failed = true;
    return !t->failed;
}

void topo_text_raw(struct weir_topo_text *t, const char *s, size_t n)
{
    if (!reserve(t, n)) return;
    memcpy(t->data + t->length, s, n);
    t->length += n;
    t->data[t->length] = '\0';
}

void topo_text(struct weir_topo_text *t, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n < 0) {
        t->failed = true;
        return;
    }
    if ((size_t)n < sizeof small) {
        topo_text_raw(t, small, (size_t)n);
        return;
    }
    if (!reserve(t, (size_t)n)) return;
    va_start(ap, fmt);
    vsnprintf(t->data + t->length, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->length += (size_t)n;
}

/* The length of the valid UTF-8 sequence at S, or 0. */
static size_t utf8_length(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) return 1;
    size_t n = u[0] >= 0xF0 ? 4 : u[0] >= 0xE0 ? 3 : u[0] >= 0xC2 ? 2 : 0;
    if (u[0] > 0xF4 || !n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((u[i] & 0xC0) != 0x80) return 0;
    if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] >= 0xA0) ||
        (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] >= 0x90))
        return 0;
    return n;
}

void topo_text_json(struct weir_topo_text *t, const char *s)
{
    topo_text_raw(t, "\"", 1);
    while (*s) {
        size_t n = utf8_length(s);
        unsigned char c = (unsigned char)*s;
        if (!n)
            topo_text(t, "\\ufffd");
        else if (c == '"' || c == '\\')
            topo_text(t, "\\%c", c);
        else if (c < 0x20)
            topo_text(t, "\\u%04x", c);
        else
            topo_text_raw(t, s, n);
        s += n ? n : 1;
    }
    topo_text_raw(t, "\"", 1);
}

void topo_text_xml(struct weir_topo_text *t, const char *s)
{
    while (*s) {
        size_t n = utf8_length(s);
        unsigned char c = (unsigned char)*s;
        if (c == '<')
            topo_text(t, "&lt;");
        else if (c == '>')
            topo_text(t, "&gt;");
        else if (c == '&')
            topo_text(t, "&amp;");
        else if (c == '"')
            topo_text(t, "&quot;");
        else if (!n || c < 0x20)
            topo_text(t, "?");
        else
            topo_text_raw(t, s, n);
        s += n ? n : 1;
    }
}

void topo_text_bytes(struct weir_topo_text *t, uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned u = 0;
    uint64_t whole = bytes, rest = 0;
    while (whole >= 1024 && u < 6) {
        rest = whole % 1024;
        whole /= 1024;
        u++;
    }
    unsigned tenth = (unsigned)(rest * 10 / 1024);
    if (u && tenth && whole < 100)
        topo_text(t, "%" PRIu64 ".%u %s", whole, tenth, unit[u]);
    else
        topo_text(t, "%" PRIu64 " %s", whole, unit[u]);
}

void topo_text_pad(struct weir_topo_text *t, size_t column)
{
    if (t->failed) return;
    size_t start = t->length, seen = 0;
    while (start > 0 && t->data[start - 1] != '\n') start--;
    for (size_t i = start; i < t->length; i++)
        if (((unsigned char)t->data[i] & 0xC0) != 0x80) seen++;
    do topo_text_raw(t, " ", 1);
    while (++seen < column && !t->failed);
}

int topo_text_done(const struct weir_topo_text *t, struct weir_topo_error *err)
{
    return t->failed ? topo_fail_nomem(err, "writing the text") : WEIR_TOPO_OK;
}

void weir_topo_text_free(struct weir_topo_text *t)
{
    if (!t) return;
    free(t->data);
    *t = (struct weir_topo_text){0};
}

int weir_topo_text_write(const struct weir_topo_text *t, FILE *file, struct weir_topo_error *err)
{
    if (t->failed) return topo_text_done(t, err);
    if (t->length && fwrite(t->data, 1, t->length, file) != t->length)
        return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "writing the output");
    return WEIR_TOPO_OK;
}

void topo_text_list(struct weir_topo_text *t, const uint32_t *sorted, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t j = i + 1;
        while (j < count && sorted[j] == sorted[j - 1] + 1) j++;
        topo_text(t, "%s%" PRIu32, i ? "," : "", sorted[i]);
        if (j - i > 1) topo_text(t, "-%" PRIu32, sorted[j - 1]);
        i = j;
    }
}

/* ---- reading */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static bool parse_number(const char **p, uint32_t *out)
{
    if (!isdigit((unsigned char)**p)) return false;
    uint64_t v = 0;
    for (; isdigit((unsigned char)**p); (*p)++) {
        v = v * 10 + (uint64_t)(**p - '0');
        if (v > (1u << 20)) return false;
    }
    *out = (uint32_t)v;
    return true;
}

int topo_parse_list(const char *text, const char *label, uint32_t **out, size_t *count,
                    struct weir_topo_error *err)
{
    uint32_t *list = NULL;
    size_t n = 0, capacity = 0;
    const char *p = text;
    while (*p && *p != '\n') {
        uint32_t from, to;
        if (!parse_number(&p, &from)) goto bad;
        to = from;
        if (*p == '-') {
            p++;
            if (!parse_number(&p, &to) || to < from) goto bad;
        }
        if (!topo_grow(&list, &capacity, n + (to - from) + 1, sizeof *list)) {
            topo_free(list);
            return topo_fail_nomem(err, "reading a CPU list");
        }
        for (uint32_t v = from; v <= to; v++) list[n++] = v;
        if (*p == ',' && isdigit((unsigned char)p[1]))
            p++;
        else if (*p && *p != '\n')
            goto bad;
    }
    if (n) qsort(list, n, sizeof *list, compare_u32);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || list[kept - 1] != list[i]) list[kept++] = list[i];
    *out = list;
    *count = kept;
    return WEIR_TOPO_OK;
bad:
    topo_free(list);
    return topo_fail(
        err, WEIR_TOPO_ERR_PARSE,
        "%s: '%s' is not a CPU list at character %zu; write numbers below 2^20 and ranges, "
        "such as 0-3,8",
        label, text, (size_t)(p - text) + 1);
}

int topo_read_file(const char *path, size_t max, char **out, size_t *length,
                   struct weir_topo_error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f) return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot read %s", path);
    char *data = NULL;
    size_t n = 0, capacity = 0, got = 0;
    int rc = WEIR_TOPO_OK;
    do {
        if (!topo_grow(&data, &capacity, n + 65537, 1)) {
            rc = topo_fail_nomem(err, "reading a file");
            goto out;
        }
        got = fread(data + n, 1, 65536, f);
        n += got;
        if (n > max) {
            rc = topo_fail(err, WEIR_TOPO_ERR_INVALID,
                           "%s is larger than the %zu bytes allowed here", path, max);
            goto out;
        }
    } while (got);
    if (ferror(f)) {
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot read %s", path);
        goto out;
    }
    data[n] = '\0';
    *out = data;
    *length = n;
    data = NULL;
out:
    topo_free(data);
    fclose(f);
    return rc;
}
