#ifndef WEIR_FORMAT_WIDTH_H
#define WEIR_FORMAT_WIDTH_H

#include <stddef.h>

/* Columns of a terminal that the first character of the N > 0 bytes at S takes; *LEN is its bytes.
   A byte that is no UTF-8 is one character of one column. */
size_t weir_char_width(const char *s, size_t n, size_t *len);

#endif
