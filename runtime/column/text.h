#ifndef WEIR_COLUMN_TEXT_H
#define WEIR_COLUMN_TEXT_H

/* Single values to and from text: what CAST, the formats and the printers share. Pure functions: no
   allocation, no locale, no global state, safe from any thread. Text is given as (pointer, length),
   needs no NUL and may contain anything. Numbers and times may have white space around them.

   Parsing returns an enum weir_text; on failure *out is unchanged. Formatting writes at most
   WEIR_TEXT_MAX bytes without a NUL and returns how many. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weir_text {
    WEIR_TEXT_OK = 0,
    WEIR_TEXT_SYNTAX = -1, /* not a value of this type at all: "12x", "2024-13-01" */
    WEIR_TEXT_RANGE = -2   /* a number that the type cannot hold: "300" as TINYINT */
};

#define WEIR_TEXT_MAX 64

/* true/t/yes/y/1 and false/f/no/n/0, any case, as Flink's CAST takes them. */
int weir_text_parse_bool(const char *s, size_t n, bool *out);

/* [+-]digits, for a signed integer of BITS = 8, 16, 32 or 64. */
int weir_text_parse_int(const char *s, size_t n, int bits, int64_t *out);

/* As weir_text_parse_int, but "12.7" gives 12: Flink's CAST of a string to an integer truncates. */
int weir_text_cast_int(const char *s, size_t n, int bits, int64_t *out);

/* [+-]digits[.digits][(e|E)[+-]digits], also "NaN", "[+-]Infinity", "[+-]inf" (any case). Correctly
   rounded (nearest, ties to even); too large gives infinity and too small zero, as Java's
   parseDouble. */
int weir_text_parse_double(const char *s, size_t n, double *out);
int weir_text_parse_float(const char *s, size_t n, float *out);

/* A decimal number, exponent allowed, as an integer scaled by 10^SCALE; excess fraction digits
   round half away from zero (Flink's HALF_UP). RANGE when more than PRECISION (1..38) digits would
   be needed. */
int weir_text_parse_decimal(const char *s, size_t n, int precision, int scale, __int128 *out);

/* YYYY-M[M]-D[D], years 0000..9999, proleptic Gregorian; days since 1970-01-01. */
int weir_text_parse_date(const char *s, size_t n, int32_t *days);

/* H[H]:MM[:SS[.f…]]; since midnight in units of 10^-DIGITS s (0..9). Further fraction digits are
 * cut. */
int weir_text_parse_time(const char *s, size_t n, int digits, int64_t *out);

/* DATE[( |T)TIME][ZONE] since 1970-01-01 00:00:00 in units of 10^-DIGITS s. ZONE is "Z" or
   [+-]HH[:MM] and only taken when the type has one (LTZ), where the result is UTC; a TIMESTAMP
   takes a "Z" alone, which changes nothing. An LTZ text without zone is read as UTC. RANGE when
   int64 cannot hold it (nanoseconds outside 1677..2262). Fraction digits beyond DIGITS are cut,
   toward earlier times. */
int weir_text_parse_timestamp(const char *s, size_t n, int digits, bool ltz, int64_t *out);

/* Base64 with or without padding (the standard alphabet): what Flink's csv and json make of BYTES.
   OUT holds at least n / 4 * 3 + 3 bytes; *OUT_N gets how many were written. */
int weir_text_parse_base64(const char *s, size_t n, unsigned char *out, size_t *out_n);
/* Writes (n + 2) / 3 * 4 bytes, padded; returns that. */
size_t weir_text_format_base64(char *out, const unsigned char *bytes, size_t n);

size_t weir_text_format_int(char *out, int64_t v);

/* The shortest decimal that reads back as the same value, in Java's shape: "0.1", "100.0", "1.0E10"
   outside [1e-3, 1e7), "-0.0", "NaN", "Infinity". */
size_t weir_text_format_double(char *out, double v);
size_t weir_text_format_float(char *out, float v);

/* UNSCALED / 10^SCALE (0..38) with exactly SCALE fraction digits: 1.50, -0.05. */
size_t weir_text_format_decimal(char *out, __int128 unscaled, int scale);

size_t weir_text_format_date(char *out,
                             int32_t days); /* 2024-01-31; years outside 0..9999 get a sign */

/* V in units of 10^-UNIT_DIGITS s, shown with SHOW_DIGITS fraction digits (cut, not rounded). */
size_t weir_text_format_time(char *out, int64_t v, int unit_digits, int show_digits);
/* SEP is ' ' (SQL) or 'T' (ISO-8601); ZULU adds the "Z" of an LTZ value. */
size_t weir_text_format_timestamp(char *out, int64_t v, int unit_digits, int show_digits, char sep,
                                  bool zulu);

/* True when the N bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool weir_text_is_utf8(const char *s, size_t n);

#endif
