/* Error reporting: format into the caller's struct, never allocate, never lose the code. */
#include "runtime/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef weir_fail /* macros when the analyzer reads */
#undef weir_fail_errno
#undef weir_fail_nomem

static void format(struct weir_error *err, const char *fmt, va_list ap)
{
    int n = vsnprintf(err->message, sizeof err->message, fmt, ap);
    if (n >= (int)sizeof err->message) memcpy(err->message + sizeof err->message - 4, "...", 4);
}

int weir_fail(struct weir_error *err, int code, const char *fmt, ...)
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

int weir_fail_errno(struct weir_error *err, int code, int errno_value, const char *fmt, ...)
{
    if (!err) return code;
    err->code = code;
    err->native_code = errno_value;
    va_list ap;
    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, ": %s", strerror(errno_value));
    return code;
}

int weir_fail_nomem(struct weir_error *err, size_t bytes, const char *what)
{
    return weir_fail(err, WEIR_ERR_NOMEM, "out of memory %s (%zu bytes wanted)", what, bytes);
}

void weir_error_prefix(struct weir_error *err, const char *fmt, ...)
{
    if (!err) return;
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof err->message - len, ": %s", old);
}

const char *weir_status_name(int code)
{
    switch (code) {
    case WEIR_OK: return "ok";
    case WEIR_ERR_INVALID: return "invalid";
    case WEIR_ERR_PARSE: return "parse";
    case WEIR_ERR_BIND: return "bind";
    case WEIR_ERR_UNSUPPORTED: return "unsupported";
    case WEIR_ERR_DATA: return "data";
    case WEIR_ERR_IO: return "io";
    case WEIR_ERR_NOMEM: return "memory";
    case WEIR_ERR_DEVICE: return "device";
    case WEIR_ERR_CANCELLED: return "cancelled";
    case WEIR_ERR_BUSY: return "busy";
    default: return "internal";
    }
}
