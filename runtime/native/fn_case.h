#ifndef WEIR_NATIVE_FN_CASE_H
#define WEIR_NATIVE_FN_CASE_H

#include <stdbool.h>
#include <stdint.h>

/* Upper and lower case of one code point, and UTF-8. Latin, Greek, Cyrillic, Armenian and Georgian
   letters with one-to-one mappings; others stay as they are. */
uint32_t fn_upper(uint32_t c);
uint32_t fn_lower(uint32_t c);
bool fn_is_alnum(uint32_t c);

/* The code point at S (LEN > 0 bytes) and its size; a broken byte is a code point of its own, from
   0x110000 on, that fn_encode writes back as it was. */
uint32_t fn_decode(const char *s, uint32_t len, uint32_t *size);
uint32_t fn_encode(uint32_t c, char *out); /* room for 4 bytes; returns how many */

#endif
