#ifndef WEIR_TESTS_ORACLE_FUNCTIONS_H
#define WEIR_TESTS_ORACLE_FUNCTIONS_H

/* The scalar functions that are tested, by the names of both sides. A new one: a line in
   functions.c and, where SQLite has none of the same meaning, an implementation in sqlite_text.c or
   sqlite_number.c. */

#include "ast.h"

/* Argument classes: s string, a ASCII string, n small positive INT constant, i any integer (not the
   type's minimum), x DECIMAL, d DOUBLE, D DATE, T TIMESTAMP(3),
   Z TIMESTAMP_LTZ(3), C TIME(3), B BYTES, p predicate. Placeholders: {0}, {1} … the
   arguments, {s0} the scale of argument 0. */
struct function {
    const char *weir, *sqlite;
    const char *arguments;
    /* s string, a string that is ASCII if argument 0 is, i INT, l BIGINT, = the type of argument 0,
       d DOUBLE, b BOOLEAN, D DATE, T TIMESTAMP(3), Z, C, B as above, w DECIMAL(p, 0) of argument 0, r and R its ROUND to 1 and
       to 0 digits. */
    char result;
    bool inexact;
    i128 lo, hi;    /* of an integer result */
    int max_length; /* of a string result; 0: as the longest argument; -k: k times that */
};
extern const struct function functions[];
extern const int function_count;

#endif
