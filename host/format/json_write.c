/* Rows to JSON lines. */
#include <math.h>
#include <string.h>

#include "host/format/json.h"
#include "host/format/show.h"

/* A bare JSON number or word, not a string? */
static bool is_bare(const struct weir_column *c, size_t row)
{
    if (c->type.id == WEIR_TYPE_FLOAT) return isfinite(((const float *)c->values)[row]);
    if (c->type.id == WEIR_TYPE_DOUBLE) return isfinite(((const double *)c->values)[row]);
    return weir_type_is_numeric(c->type) || c->type.id == WEIR_TYPE_BOOLEAN;
}

static void write_value(const struct weir_json_options *o, const struct weir_column *c, size_t row,
                        struct weir_buf *out)
{
    if (weir_column_is_null(c, row) || c->type.id == WEIR_TYPE_NULL) {
        weir_buf_puts(out, "null");
    } else if (weir_type_is_text(c->type)) {
        struct weir_str s = weir_column_str(c, row);
        weir_buf_json(out, s.data, s.len);
    } else {
        bool bare = is_bare(c, row);
        if (!bare) weir_buf_putc(out, '"');
        weir_show_value(out, c, row, o->iso_timestamps ? WEIR_SHOW_ISO : 0);
        if (!bare) weir_buf_putc(out, '"');
    }
}

void weir_json_write(const struct weir_json_options *options, const struct weir_schema *schema,
                     const struct weir_batch *batch, uint32_t from, uint32_t to,
                     struct weir_buf *out)
{
    for (uint32_t row = from; row < to; row++) {
        weir_buf_putc(out, '{');
        for (uint32_t c = 0; c < batch->n_cols; c++) {
            if (c) weir_buf_putc(out, ',');
            const char *name = schema->field[c].name;
            weir_buf_json(out, name, strlen(name));
            weir_buf_putc(out, ':');
            write_value(options, &batch->col[c], row, out);
        }
        weir_buf_puts(out, "}\n");
    }
}
