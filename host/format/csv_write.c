/* Rows to CSV. A field gets quotes only where reading it back needs them: it holds a delimiter, a
   quote or a line end, it looks like the null literal, or it would begin a comment. */
#include <string.h>

#include "host/format/csv.h"
#include "host/format/show.h"

/* Values of the other types are made of these; a delimiter among them means that they may need
 * quotes. */
static const char value_characters[] =
    "0123456789+-.:/= TZabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool needs_quotes(const struct weir_csv_options *o, const char *s, size_t n, bool first)
{
    if (o->null_literal && strlen(o->null_literal) == n && memcmp(o->null_literal, s, n) == 0)
        return true;
    if (first && o->comments && n && *s == '#') return true;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == o->delimiter || s[i] == '\n' || s[i] == '\r' || (o->quote && s[i] == o->quote))
            return true;
    }
    return false;
}

/* The field that was just appended from START on gets quotes if it needs them. */
static int finish_field(const struct weir_csv_options *o, size_t start, bool first,
                        const char *name, struct weir_buf *out, struct weir_error *err)
{
    size_t n = out->len - start, doubled = 0;
    if (out->oom || !needs_quotes(o, n ? out->data + start : "", n, first)) return 0;
    if (!o->quote)
        return weir_fail(
            err, WEIR_ERR_DATA,
            "column \"%s\": a value needs quotes in CSV, and 'csv.disable-quote-character' is set",
            name);
    for (size_t i = 0; i < n; i++) doubled += out->data[start + i] == o->quote;
    if (!weir_buf_reserve(out, doubled + 2)) return 0;
    char *to = out->data + start + n + doubled + 2, *from = out->data + start + n;
    *to = 0;
    *--to = o->quote;
    while (from > out->data + start) {
        *--to = *--from;
        if (*from == o->quote) *--to = o->quote;
    }
    *--to = o->quote;
    out->len += doubled + 2;
    return 0;
}

int weir_csv_write_header(const struct weir_csv_options *options, const struct weir_schema *schema,
                          struct weir_buf *out, struct weir_error *err)
{
    int rc = 0;
    for (int c = 0; c < schema->n && !rc; c++) {
        if (c) weir_buf_putc(out, options->delimiter);
        size_t start = out->len;
        weir_buf_puts(out, schema->field[c].name);
        rc = finish_field(options, start, c == 0, schema->field[c].name, out, err);
    }
    weir_buf_putc(out, '\n');
    return rc;
}

int weir_csv_write(const struct weir_csv_options *options, const struct weir_schema *schema,
                   const struct weir_batch *batch, uint32_t from, uint32_t to, struct weir_buf *out,
                   struct weir_error *err)
{
    bool odd =
        memchr(value_characters, options->delimiter, sizeof value_characters - 1) ||
        (options->quote && memchr(value_characters, options->quote, sizeof value_characters - 1)) ||
        options->null_literal;
    int rc = 0;
    for (uint32_t row = from; row < to && !rc; row++) {
        for (uint32_t c = 0; c < batch->n_cols && !rc; c++) {
            const struct weir_column *col = &batch->col[c];
            if (c) weir_buf_putc(out, options->delimiter);
            if (weir_column_is_null(col, row)) {
                if (options->null_literal) weir_buf_puts(out, options->null_literal);
                continue;
            }
            size_t start = out->len;
            weir_show_value(out, col, row, 0);
            /* Nothing would be NULL where no bytes are meant. */
            if (out->len == start && weir_type_is_bytes(col->type) && options->quote)
                weir_buf_printf(out, "%c%c", options->quote, options->quote);
            else if (odd || weir_type_is_text(col->type))
                rc = finish_field(options, start, c == 0, schema->field[c].name, out, err);
        }
        weir_buf_putc(out, '\n');
    }
    return rc;
}
