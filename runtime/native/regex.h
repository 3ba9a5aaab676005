#ifndef WEIR_NATIVE_REGEX_H
#define WEIR_NATIVE_REGEX_H

#include "runtime/column/type.h"

/* Regular expressions with Java's syntax and meaning (leftmost, then by preference), over UTF-8 and
   in time proportional to pattern * text, always: a backtracking matcher that never tries the same
   (instruction, position) twice (as RE2's BitState). What cannot be done that way is refused:
   back-references, look-around, possessive and atomic groups.

   . ^ $ | ( ) (?: ) [ ] [^ ] * + ? {n} {n,} {n,m} and the lazy *? +? ?? {n,m}?, \d \D \w \W \s \S
   \b \B \A \z \t \n \r \f \e \xhh \uhhhh \Q…\E, \ before any other sign; (?i) and (?s) at the
   start. */

#define REGEX_GROUPS 10 /* of which the text is kept; others only group */

struct regex;

enum { REGEX_OK = 0, REGEX_BAD = -1, REGEX_NOMEM = -2 };

/* *OUT is released with regex_free. REGEX_BAD: not a pattern that is understood. */
int regex_compile(struct weir_str pattern, struct regex **out);
void regex_free(struct regex *r); /* NULL is allowed */
int regex_group_count(const struct regex *r);

/* Find the first match in TEXT at or after byte FROM: 1, 0, or REGEX_NOMEM. Group k is
   [GROUP[2k], GROUP[2k + 1]), both -1 when it took no part. */
int regex_search(struct regex *r, struct weir_str text, uint32_t from,
                 int64_t group[2 * REGEX_GROUPS]);

#endif
