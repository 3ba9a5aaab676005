#ifndef WEIR_NATIVE_FN_FORMAT_H
#define WEIR_NATIVE_FN_FORMAT_H

#include "runtime/column/type.h"

/* Times by Java's patterns (DateTimeFormatter, SimpleDateFormat): y M d H h m s S a E D, quoted
   text, and any other character for itself. Times are microseconds since 1970-01-01 00:00:00. */

#define FN_FORMAT_MAX 512
#define FN_BAD_FORMAT (-2)

/* Writes at most FN_FORMAT_MAX bytes; returns how many, or -1: a pattern letter that is not known,
   or too long a pattern. */
int fn_format_time(struct weir_str pattern, int64_t us, char *out);
/* 0; -1: TEXT does not have that shape or is no time; FN_BAD_FORMAT. Fields that the pattern does
   not have are those of 1970-01-01 00:00:00. */
int fn_parse_time(struct weir_str pattern, struct weir_str text, int64_t *us);

#endif
