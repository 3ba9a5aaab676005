#ifndef WEIR_COLUMN_ARROW_H
#define WEIR_COLUMN_ARROW_H

#include <weir/arrow_abi.h>

#include "runtime/column/batch.h"

/* Batches from and to the Arrow C Data and C Stream interfaces. A batch is a struct array ("+s")
   whose children are the columns; types as in type.h's table. Ownership follows the specification:
   who takes an ArrowArray, ArrowSchema or ArrowArrayStream moves it and sets its `release` to NULL;
   children of exported structs can be moved out. Nothing here has global state.

   | Arrow | becomes | how |
   |---|---|---|
   | n, b, c s i l, f g, tdD, ttm, tsu, u z | NULL, BOOLEAN, TINYINT … BIGINT, FLOAT, DOUBLE, DATE,
     TIME(3), TIMESTAMP(6), STRING, BYTES | zero-copy |
   | C S I L | SMALLINT, INT, BIGINT, DECIMAL(20, 0) | widened |
   | d:p,s of 32, 64, 128 bits | DECIMAL(p, s) | 128 bits with p > 18 zero-copy, else converted |
   | U Z vu vz w:n | STRING, BYTES, …, BINARY(n) | new offsets; views are copied |
   | tss tsm tsn, with zone: LTZ | TIMESTAMP(0), (3), (6) | scaled; nanoseconds are cut to
     microseconds, toward earlier times |
   | tdm; tts ttu ttn | DATE; TIME(0), TIME(3), TIME(3) | scaled, cut toward earlier times |
   | dictionary of any of these | the dictionary's type | decoded |

   Lists, structs inside a row, unions, maps, run-end encoding, half floats, durations, intervals
   and 256-bit decimals are refused with WEIR_ERR_UNSUPPORTED, naming the column and what to do. */

/* ---- import ---- */

/* The columns of SCHEMA (which stays the caller's); fields and names in A. */
int weir_arrow_import_schema(struct weir_arena *a, const struct ArrowSchema *schema,
                             struct weir_schema *out, struct weir_error *err) WEIR_NODISCARD;

/* Take over ARRAY: *OWNER holds it until the last batch made from it is gone. On failure ARRAY
   stays the caller's. */
int weir_arrow_own(struct ArrowArray *array, struct weir_buffer **owner,
                   struct weir_error *err) WEIR_NODISCARD;
int64_t weir_arrow_length(const struct weir_buffer *owner); /* rows */

/* Rows [FROM, FROM + N) of the array in OWNER, of SCHEMA, as a batch of COLUMNS[0..n_columns)
   (NULL: all). Buffers are shared where the layouts agree; POOL pays for the others. Foreign
   buffers have no padding: nothing behind the last value may be read. */
int weir_arrow_import_batch(const struct ArrowSchema *schema, struct weir_buffer *owner,
                            int64_t from, uint32_t n, const int *columns, int n_columns,
                            struct weir_pool *pool, struct weir_batch **out,
                            struct weir_error *err) WEIR_NODISCARD;

/* Reads a stream batch by batch; one thread at a time. */
struct weir_arrow_reader;
/* Takes over STREAM (also on failure); its columns to SCHEMA, in A. */
int weir_arrow_reader_new(struct ArrowArrayStream *stream, struct weir_arena *a,
                          struct weir_schema *schema, struct weir_arrow_reader **out,
                          struct weir_error *err) WEIR_NODISCARD;
/* At most MAX_ROWS rows: 1 = *OUT holds a reference, 0 = end, negative = error. */
int weir_arrow_reader_next(struct weir_arrow_reader *r, const int *columns, int n_columns,
                           uint32_t max_rows, struct weir_pool *pool, struct weir_batch **out,
                           struct weir_error *err) WEIR_NODISCARD;
void weir_arrow_reader_free(struct weir_arrow_reader *r); /* NULL is allowed */

/* ---- export ---- */

/* Fill OUT (not initialised before); the receiver releases it. INTERVAL columns cannot leave:
   WEIR_ERR_UNSUPPORTED. */
int weir_arrow_export_schema(const struct weir_schema *schema, struct ArrowSchema *out,
                             struct weir_error *err) WEIR_NODISCARD;
/* OUT holds references on BATCH until it is released. Decimals become 128-bit. */
int weir_arrow_export_batch(struct weir_batch *batch, struct ArrowArray *out,
                            struct weir_error *err) WEIR_NODISCARD;

/* A stream of what NEXT delivers (1 = *OUT holds a reference, 0 = end, negative = error, whose
   message the stream keeps). DONE(ctx) is called once, when the stream is released; on failure
   neither is called. SCHEMA is copied. */
int weir_arrow_export_stream(const struct weir_schema *schema,
                             int (*next)(void *ctx, struct weir_batch **out,
                                         struct weir_error *err),
                             void (*done)(void *ctx), void *ctx, struct ArrowArrayStream *out,
                             struct weir_error *err) WEIR_NODISCARD;

#endif
