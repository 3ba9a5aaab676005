#ifndef WEIR_FORMAT_CSV_H
#define WEIR_FORMAT_CSV_H

#include "host/format/decode.h"

/* CSV by RFC 4180. A quoted field may hold delimiters, line ends and doubled quotes; a quote
   elsewhere in a field is an error. So a byte is inside quotes exactly when an odd number of quotes
   come before it, which is what makes the scanner fast and byte ranges of a file readable on their
   own: a record ends at a line end (LF or CR LF) that an even number of quotes come before, in
   well-formed and in broken files alike.

   NULL: a field without quotes that equals the null literal; without one, an empty field without
   quotes, but for CHAR and VARCHAR, where it is the empty string. Empty lines are skipped when
   there are several fields. */

struct weir_csv_options {
    char delimiter;           /* ',' */
    char quote;               /* '"'; 0: quotes mean nothing */
    bool header;              /* the first record names the columns, which are found by name */
    bool ignore_first_line;   /* the first record is dropped */
    bool comments;            /* lines that begin with '#' are dropped; such files are not split */
    bool ignore_errors;       /* records with a data error are counted and dropped */
    const char *null_literal; /* NULL: none; borrowed */
    size_t max_record_bytes;
};

/* Decoder of the columns COLS of a table (borrowed, as OPTIONS are). */
int weir_csv_decoder_new(const struct weir_csv_options *options,
                         const struct weir_decode_columns *cols, struct weir_decoder **out,
                         struct weir_error *err) WEIR_NODISCARD;

/* Append the names as a record, and rows [FROM, TO) of BATCH, whose columns SCHEMA names. Line ends
   are LF; a field is quoted where reading it back needs it. A NULL is the null literal, or nothing:
   so a NULL text comes back as an empty one when there is no literal. WEIR_ERR_DATA when a value
   needs quotes and there are none. */
int weir_csv_write_header(const struct weir_csv_options *options, const struct weir_schema *schema,
                          struct weir_buf *out, struct weir_error *err) WEIR_NODISCARD;
int weir_csv_write(const struct weir_csv_options *options, const struct weir_schema *schema,
                   const struct weir_batch *batch, uint32_t from, uint32_t to, struct weir_buf *out,
                   struct weir_error *err) WEIR_NODISCARD;

/* ---- the scanner ---- */

/* Where the fields of a stretch of text end. */
struct weir_csv_record {
    uint32_t last;   /* pos[last] is the record's line end */
    uint32_t quotes; /* quotes from the start of the index up to there */
};
struct weir_csv_index {
    uint32_t *pos; /* offsets of delimiters and line ends outside quotes */
    uint32_t n_pos, cap_pos;
    struct weir_csv_record *record;
    uint32_t n_records, cap_records;
    uint32_t quotes;            /* so far */
    uint64_t inside;            /* all ones while inside quotes */
    bool nul, non_ascii;        /* such bytes were seen */
    bool in_comment, in_record; /* only kept where comments are allowed */
};

/* Index data[from, to), going on where the index stands; to - from <= WEIR_CSV_STRIDE, and 64 bytes
   after `to` need not be readable. False: out of memory. */
#define WEIR_CSV_STRIDE 16384
bool weir_csv_index(struct weir_csv_index *ix, const struct weir_csv_options *o, const char *data,
                    size_t from, size_t to);
void weir_csv_index_release(struct weir_csv_index *ix);

/* How often C is in data[0, n). */
size_t weir_csv_count(const char *data, size_t n, char c);

/* For tests: use the scanner "avx2", "sse2" or "plain" from now on; any other name: the best one
   again. False when this machine has not got it. */
bool weir_csv_force_isa(const char *name);

#endif
