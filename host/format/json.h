#ifndef WEIR_FORMAT_JSON_H
#define WEIR_FORMAT_JSON_H

#include "host/format/decode.h"

/* JSON lines: one object a line, columns found by name. A missing field is NULL, an unknown one is
   passed over, the last of several equal names counts. Nested values are the text that they are
   written as, for columns of text. Numbers come from their text, so that BIGINT and DECIMAL are
   exact. */

struct weir_json_options {
    bool ignore_errors;
    bool fail_on_missing;
    bool
        iso_timestamps; /* writing: 2024-01-01T00:00:00 and a Z for LTZ; reading takes both forms */
    size_t max_record_bytes;
};

int weir_json_decoder_new(const struct weir_json_options *options,
                          const struct weir_decode_columns *cols, struct weir_decoder **out,
                          struct weir_error *err) WEIR_NODISCARD;

/* Append rows [FROM, TO) of BATCH, an object a line, every column of SCHEMA in its order. */
void weir_json_write(const struct weir_json_options *options, const struct weir_schema *schema,
                     const struct weir_batch *batch, uint32_t from, uint32_t to,
                     struct weir_buf *out);

#endif
