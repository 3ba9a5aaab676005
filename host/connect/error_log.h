#ifndef WEIR_CONNECT_ERROR_LOG_H
#define WEIR_CONNECT_ERROR_LOG_H

#include "runtime/base/error.h"
#include "runtime/base/mem.h"

/* The side file of 'format.parse-errors-path': an object a line for each record that was dropped,
   {"file":"in.csv","byte":123,"error":"...","record":"..."}; a record that is no UTF-8 is in base64
   under "record_base64". Thread-safe. */

struct weir_error_log;

/* Truncates the file at PATH. */
int weir_error_log_open(const char *path, struct weir_error_log **out,
                        struct weir_error *err) WEIR_NODISCARD;
/* A record of N bytes that began at byte AT of FILE. Failures are kept for weir_error_log_check. */
void weir_error_log_add(struct weir_error_log *log, const char *file, uint64_t at,
                        const char *record, size_t n, const char *message);
int weir_error_log_check(struct weir_error_log *log, struct weir_error *err) WEIR_NODISCARD;
void weir_error_log_close(struct weir_error_log *log); /* NULL is allowed */

#endif
