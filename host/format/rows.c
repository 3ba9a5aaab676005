/* Results as csv, json and markdown, row after row; box is in rows_box.c. */
#include <string.h>

#include "host/format/csv.h"
#include "host/format/json.h"
#include "host/format/rows_impl.h"
#include "host/format/show.h"

static const struct weir_csv_options csv = {.delimiter = ',', .quote = '"', .null_literal = ""};
static const struct weir_json_options json = {0};

int weir_rows_format_by_name(const char *name)
{
    static const char *const names[] = {"box", "csv", "json", "markdown"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}

int rows_flush(struct weir_rows *r, struct weir_error *err)
{
    if (r->text.oom) return weir_fail_nomem(err, r->text.cap, "printing rows");
    if (!r->text.len) return 0;
    int rc = r->write(r->ctx, r->text.data, r->text.len, err);
    r->text.len = 0;
    return rc;
}

static void markdown_cell(struct weir_buf *out, const char *s, size_t n)
{
    weir_buf_putc(out, ' ');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '|')
            weir_buf_puts(out, "\\|");
        else if (s[i] == '\n')
            weir_buf_puts(out, "<br>");
        else if (s[i] != '\r')
            weir_buf_putc(out, s[i]);
    }
    weir_buf_puts(out, " |");
}

static void markdown_header(struct weir_rows *r)
{
    weir_buf_putc(&r->text, '|');
    for (int c = 0; c < r->schema->n; c++)
        markdown_cell(&r->text, r->schema->field[c].name, strlen(r->schema->field[c].name));
    weir_buf_puts(&r->text, "\n|");
    for (int c = 0; c < r->schema->n; c++)
        weir_buf_puts(&r->text, weir_type_is_numeric(r->schema->field[c].type) ? "---:|" : "---|");
    weir_buf_putc(&r->text, '\n');
}

static void markdown_row(struct weir_rows *r, const struct weir_batch *b, uint32_t row)
{
    weir_buf_putc(&r->text, '|');
    for (uint32_t c = 0; c < b->n_cols; c++) {
        rows_cell(r, &b->col[c], row);
        markdown_cell(&r->text, r->cell.data ? r->cell.data : "", r->cell.len);
    }
    weir_buf_putc(&r->text, '\n');
}

/* The value as box and markdown show it, into r->cell. */
void rows_cell(struct weir_rows *r, const struct weir_column *col, uint32_t row)
{
    r->cell.len = 0;
    if (weir_column_is_null(col, row) || col->type.id == WEIR_TYPE_NULL)
        weir_buf_puts(&r->cell, "NULL");
    else
        weir_show_value(&r->cell, col, row, WEIR_SHOW_UPPER_BOOL | WEIR_SHOW_HEX);
    r->text.oom |= r->cell.oom;
}

int weir_rows_new(enum weir_rows_format format, const struct weir_schema *schema, int width,
                  weir_rows_write *write, void *ctx, struct weir_rows **out, struct weir_error *err)
{
    struct weir_rows *r = weir_calloc(1, sizeof *r);
    *out = NULL;
    if (!r) return weir_fail_nomem(err, sizeof *r, "printing rows");
    *r = (struct weir_rows){
        .format = format, .schema = schema, .width = width, .write = write, .ctx = ctx};
    int rc = 0;
    if (format == WEIR_ROWS_BOX) {
        r->widths = weir_calloc((size_t)schema->n, sizeof *r->widths);
        if (!r->widths) rc = weir_fail_nomem(err, sizeof *r, "printing rows");
    } else if (format == WEIR_ROWS_CSV) {
        rc = weir_csv_write_header(&csv, schema, &r->text, err);
    } else if (format == WEIR_ROWS_MARKDOWN) {
        markdown_header(r);
    }
    if (rc) {
        weir_rows_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void weir_rows_set_live(struct weir_rows *r)
{
    r->live = true;
}

int weir_rows_add(struct weir_rows *r, struct weir_batch *batch, struct weir_error *err)
{
    if (r->format == WEIR_ROWS_BOX) return rows_box_add(r, batch, err);
    int rc = 0;
    for (uint32_t from = 0; from < batch->n_rows && !rc; from += 1024) {
        uint32_t to = batch->n_rows - from > 1024 ? from + 1024 : batch->n_rows;
        if (r->format == WEIR_ROWS_CSV)
            rc = weir_csv_write(&csv, r->schema, batch, from, to, &r->text, err);
        else if (r->format == WEIR_ROWS_JSON)
            weir_json_write(&json, r->schema, batch, from, to, &r->text);
        else
            for (uint32_t row = from; row < to; row++) markdown_row(r, batch, row);
        if (!rc) rc = rows_flush(r, err);
    }
    return rc;
}

int weir_rows_end(struct weir_rows *r, struct weir_error *err)
{
    return r->format == WEIR_ROWS_BOX ? rows_box_end(r, err) : rows_flush(r, err);
}

void weir_rows_free(struct weir_rows *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n_held; i++) weir_batch_unref(r->held[i]);
    weir_free(r->held);
    weir_free(r->widths);
    weir_buf_release(&r->text);
    weir_buf_release(&r->cell);
    weir_free(r);
}
