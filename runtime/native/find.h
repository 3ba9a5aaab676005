#ifndef WEIR_NATIVE_FIND_H
#define WEIR_NATIVE_FIND_H

#include <stdbool.h>
#include <stddef.h>

/* The first place of WHAT[0..m) in S[0..n), or NULL. Made for short texts, where memmem takes most
   of its time to begin. The second form is the one that WIDE (mask_has_wide()) asks for. */
const char *weir_find(const char *s, size_t n, const char *what, size_t m);
const char *weir_find_of(bool wide, const char *s, size_t n, const char *what, size_t m);

#endif
