/* Fuzz target of the JSON lines decoder. The first bytes choose columns and options; the rest is
 * the file. */
#include "decode_windows.h"

#include "host/format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct weir_json_options *o, const struct weir_decode_columns *cols,
                const char *text, size_t n, size_t step, uint32_t max_rows, struct outcome *out)
{
    struct weir_decoder *d;
    struct weir_builder *b;
    struct weir_type types[16];
    for (int c = 0; c < cols->n; c++) types[c] = cols->schema->field[cols->column[c]].type;
    require(weir_json_decoder_new(o, cols, &d, NULL) == 0, "decoder");
    require(weir_builder_new(NULL, cols->n, types, &b, NULL) == 0, "builder");
    decode_all(d, b, text, n, step, max_rows, out);
    d->ops->free(d);
    weir_builder_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) return 0;
    struct weir_schema schema = *fuzz_schema();
    int columns[16], n = 0;
    schema.n = 1 + data[0] % 10;
    for (int c = 0; c < schema.n; c++) {
        if (data[1] >> (c % 8) & 1) columns[n++] = c;
    }
    const struct weir_json_options o = {
        .ignore_errors = data[2] & 1, .fail_on_missing = data[2] & 2, .max_record_bytes = 512};
    const struct weir_decode_columns cols = {&schema, columns, n};
    struct outcome whole, parts;
    run(&o, &cols, (const char *)data + 4, size - 4, size, 1000000, &whole);
    run(&o, &cols, (const char *)data + 4, size - 4, 1 + data[3], 1 + data[3] % 5, &parts);
    same_outcome(&whole, &parts);
    weir_buf_release(&whole.rows);
    weir_buf_release(&parts.rows);
    return 0;
}
