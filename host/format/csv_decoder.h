#ifndef WEIR_FORMAT_CSV_DECODER_H
#define WEIR_FORMAT_CSV_DECODER_H

/* What csv_read.c and csv_group.c share; nobody else includes this. */

#include "host/format/csv.h"

#define CSV_GROUP_ROWS 512

/* Records that can be decoded column by column: complete, with the right number of fields, without
   a quote inside a field. */
struct csv_group {
    uint32_t n;
    bool quotes;                    /* some fields are in quotes */
    uint32_t first[CSV_GROUP_ROWS]; /* index into ix.pos of the end of the record's first field */
    uint32_t start[CSV_GROUP_ROWS]; /* offset of the record */
};

/* Values of one column of a group on their way to the builder. */
struct csv_scratch {
    union {
        int64_t i[CSV_GROUP_ROWS];
        double f[CSV_GROUP_ROWS];
        int32_t offset[CSV_GROUP_ROWS + 1];
    };
    union {
        int8_t i8[CSV_GROUP_ROWS];
        int16_t i16[CSV_GROUP_ROWS];
        int32_t i32[CSV_GROUP_ROWS];
        float f32[CSV_GROUP_ROWS];
    };
    uint8_t null[CSV_GROUP_ROWS];
    uint8_t validity[CSV_GROUP_ROWS / 8];
};

struct csv_decoder {
    struct weir_decoder base;
    const struct weir_csv_options *o;
    const struct weir_decode_columns *cols;
    int n_fields; /* that a record must have */
    int *field;   /* [cols->n]: which field of a record a column is */
    struct weir_csv_index ix;
    uint32_t first; /* in ix.pos, of the current record */
    uint32_t record;
    uint32_t quotes;       /* before the current record */
    size_t indexed, start; /* offsets in the window */
    struct weir_buf unquoted, scratch;
    struct csv_group group;
    struct csv_scratch values;
    size_t null_length; /* of the null literal */
    uint32_t careful;   /* records left to decode one by one after a group failed */
};

/* The quick way: decode up to MAX records from the current one on, as far as they make a group, and
   move on behind them. Returns how many rows were appended to B; 0 when the next record (or
   d->careful records) must go the careful way, which also finds the words for what is wrong with
   them. */
uint32_t csv_decode_group(struct csv_decoder *d, const struct weir_window *w, uint32_t max,
                          struct weir_builder *b);

#endif
