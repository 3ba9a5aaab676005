#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include <stddef.h>
#include <weir/status.h>

#define WEIR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define WEIR_NODISCARD    __attribute__((warn_unused_result))

/* Fill ERR (may be NULL) with CODE and the formatted message; return CODE, so that a caller can
   write `return weir_fail(err, WEIR_ERR_IO, "...")`. A message that is too long is cut with "...".
 */
int weir_fail(struct weir_error *err, int code, const char *fmt, ...) WEIR_PRINTF(3, 4);

/* The same with errno's text appended (": No such file or directory") and kept in native_code. */
int weir_fail_errno(struct weir_error *err, int code, int errno_value, const char *fmt, ...)
    WEIR_PRINTF(4, 5);

/* Out of memory while doing WHAT ("growing the group table"), BYTES wanted. */
int weir_fail_nomem(struct weir_error *err, size_t bytes, const char *what);

#ifdef __clang_analyzer__ /* what the analyzer cannot know: these return the code that they are    \
                             given */
#define weir_fail(err, code, ...) ((void)(weir_fail)(err, code, __VA_ARGS__), (code))
#define weir_fail_errno(err, code, e, ...)                                                         \
    ((void)(weir_fail_errno)(err, code, e, __VA_ARGS__), (code))
#define weir_fail_nomem(err, bytes, what)                                                          \
    ((void)(weir_fail_nomem)(err, bytes, what), WEIR_ERR_NOMEM)
#endif

/* Put "PREFIX: " in front of the message that ERR holds. */
void weir_error_prefix(struct weir_error *err, const char *fmt, ...) WEIR_PRINTF(2, 3);

/* The lower-case name of a status: "data", "io", ... */
const char *weir_status_name(int code);

#endif
