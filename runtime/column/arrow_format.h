#ifndef WEIR_COLUMN_ARROW_FORMAT_H
#define WEIR_COLUMN_ARROW_FORMAT_H

/* Arrow's format strings: what arrow_*.c share; nobody else includes this. */

#include "runtime/column/arrow.h"

enum arrow_kind {
    ARROW_SAME,     /* values are ours as they are */
    ARROW_BITS,     /* BOOL */
    ARROW_NULLS,    /* no buffers at all */
    ARROW_NUMBERS,  /* integers of `width` bytes, times mul, or divided by div (floor) */
    ARROW_DECIMALS, /* 128 bits to 64 */
    ARROW_TEXT,     /* 32-bit offsets */
    ARROW_LARGE,    /* 64-bit offsets */
    ARROW_VIEW,     /* string views */
    ARROW_FIXED     /* `width` bytes each */
};

struct arrow_format {
    enum arrow_kind kind;
    struct weir_type type; /* nullable */
    uint32_t width;        /* bytes of a foreign value */
    bool is_unsigned;
    int64_t mul, div;
};

/* What SCHEMA's own format means (its dictionary apart); WEIR_ERR_UNSUPPORTED names the column. */
int arrow_parse_format(const struct ArrowSchema *schema, struct arrow_format *out,
                       struct weir_error *err);

/* The format of a type that leaves, to BUF[32]; false: it never leaves. */
bool arrow_print_format(struct weir_type t, char *buf);

#endif
