#ifndef WEIR_FORMAT_DECODE_H
#define WEIR_FORMAT_DECODE_H

#include "runtime/column/batch.h"

/* Text formats as decoders over a window of a file. The reader (host/connect) moves the window,
   knows the file and turns offsets into line numbers; the decoder knows records and fields. Not
   thread-safe. */

/* Bytes of records, the first of which begins at data[0]. At least WEIR_DECODE_PADDING bytes after
   `len` are readable (their contents do not matter). */
#define WEIR_DECODE_PADDING 64
struct weir_window {
    const char *data;
    size_t len;
    size_t limit; /* records that begin at or after this offset belong to the next split */
    bool last;    /* no bytes follow `len`: the last record needs no line end */
};

struct weir_decoder {
    const struct weir_decoder_ops *ops;
    uint64_t skipped;   /* records dropped by ignore-parse-errors */
    size_t last_record; /* offset in the window of the last record that became a row */
    size_t error_at;    /* offset in the window that a data error is about */
    /* Told of every record that is skipped: its bytes (without the line end) in the window, and
       why. May be NULL. */
    void (*on_skip)(void *ctx, const char *record, size_t n, const struct weir_error *why);
    void *skip_ctx;
};

struct weir_decoder_ops {
    /* Look at the first record of a file: a header is read and consumed, *USED says how much. 1 =
       done, 0 = the window must be larger, negative = error. Optional (NULL: nothing to do). */
    int (*begin_file)(struct weir_decoder *d, const struct weir_window *w, size_t *used,
                      struct weir_error *err);

    /* Append complete records as rows to B, at most MAX_ROWS. *USED is where the next record
       begins; *ROWS how many rows were appended. When fewer than MAX_ROWS came and *USED < limit,
       the window must be larger. On WEIR_ERR_DATA error_at is set and the message names neither
       file nor line. */
    int (*decode)(struct weir_decoder *d, const struct weir_window *w, uint32_t max_rows,
                  struct weir_builder *b, size_t *used, uint32_t *rows, struct weir_error *err);

    void (*free)(struct weir_decoder *d);
};

/* What makes a decoder: the table's columns, and which of them become the builder's columns.
   Borrowed by decoders for as long as they live. */
struct weir_decode_columns {
    const struct weir_schema *schema;
    const int *column; /* [n], increasing indices into schema */
    int n;
};

#define WEIR_MAX_RECORD_BYTES ((size_t)8 << 20) /* default of 'format.max-record-bytes' */

/* ---- shared by the formats ---- */

/* Count a broken record and tell whoever wants to know. */
void weir_decoder_skip(struct weir_decoder *d, const char *record, size_t n,
                       const struct weir_error *why);

/* Append the value that TEXT stands for to column C of B. 0, an enum weir_text, or WEIR_ERR_NOMEM;
   nothing is appended on failure. SCRATCH holds bytes on the way. TEXT must be checked for UTF-8 by
   the caller. */
int weir_decode_text(struct weir_builder *b, int c, struct weir_type type, const char *text,
                     size_t n, struct weir_buf *scratch);

/* Say what RC (of weir_decode_text) means: 'column "bytes" (field 4): "12x" is not a BIGINT'. FIELD
   is 1-based, 0 leaves it out. Returns WEIR_ERR_DATA or WEIR_ERR_NOMEM. */
int weir_decode_failed(int rc, const struct weir_field *f, int field, const char *text, size_t n,
                       struct weir_error *err);

/* TEXT for a message: cut after 40 bytes, control characters and bytes that are no UTF-8 as '?'. */
#define WEIR_EXCERPT 48
const char *weir_excerpt(const char *text, size_t n, char buf[WEIR_EXCERPT]);

#endif
