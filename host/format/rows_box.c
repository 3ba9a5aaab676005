/* The box: rows are held back until the widths are known, columns that are too wide together give
   way from the widest on, and what does not fit a cell ends in an ellipsis. The rows of a stream are
   not held back: they have the widths of the first batch, and longer values run over. */
#include <string.h>

#include "host/format/rows_impl.h"
#include "host/format/width.h"

#define MIN_WIDTH  6 /* to which a column may be cut to fit the terminal */
#define LIVE_WIDTH 8 /* of a stream's columns at least: later values may be longer than the first */

/* Control characters as escapes, so that a value stays on its line. Replaces r->cell. */
static void make_printable(struct weir_rows *r)
{
    bool plain = true;
    for (size_t i = 0; i < r->cell.len && plain; i++) {
        unsigned char c = (unsigned char)r->cell.data[i];
        plain = c >= 0x20 && c != 0x7f;
    }
    if (plain) return;
    struct weir_buf out = {0};
    for (size_t i = 0; i < r->cell.len; i++) {
        unsigned char c = (unsigned char)r->cell.data[i];
        if (c == '\n' && r->lines)
            weir_buf_putc(&out, '\n');
        else if (c == '\n')
            weir_buf_puts(&out, "\\n");
        else if (c == '\t')
            weir_buf_puts(&out, "\\t");
        else if (c == '\r')
            weir_buf_puts(&out, "\\r");
        else if (c < 0x20 || c == 0x7f)
            weir_buf_printf(&out, "\\x%02x", c);
        else
            weir_buf_putc(&out, (char)c);
    }
    weir_buf_release(&r->cell);
    r->cell = out;
    r->text.oom |= out.oom;
}

static void get_cell(struct weir_rows *r, const struct weir_column *col, uint32_t row)
{
    rows_cell(r, col, row);
    make_printable(r);
}

static void get_name(struct weir_rows *r, int c)
{
    r->cell.len = 0;
    weir_buf_puts(&r->cell, r->schema->field[c].name);
    r->text.oom |= r->cell.oom;
    make_printable(r);
}

static const char *cell_text(const struct weir_rows *r)
{
    return r->cell.data ? r->cell.data : "";
}

static void measure(struct weir_rows *r, const struct weir_batch *b)
{
    for (uint32_t row = 0; row < b->n_rows; row++) {
        for (uint32_t c = 0; c < b->n_cols; c++) {
            get_cell(r, &b->col[c], row);
            for (size_t at = 0, n; at <= r->cell.len; at += n + 1) {
                n = strcspn(cell_text(r) + at, "\n");
                size_t w = weir_display_width(cell_text(r) + at, n);
                if (w > r->widths[c]) r->widths[c] = w;
            }
        }
    }
}

static bool is_number(const struct weir_rows *r, size_t c)
{
    return weir_type_is_numeric(r->schema->field[c].type);
}

/* Take from the widest column that is no number until the table fits, or all are as narrow as they
 * may be. */
static void settle(struct weir_rows *r)
{
    size_t n = (size_t)r->schema->n, total = 1;
    for (size_t c = 0; c < n; c++) total += r->widths[c] + 3;
    while (r->width > 0 && total > (size_t)r->width) {
        size_t widest = n, second = MIN_WIDTH;
        for (size_t c = 0; c < n; c++) {
            if (!is_number(r, c) && (widest == n || r->widths[c] > r->widths[widest])) widest = c;
        }
        if (widest == n || r->widths[widest] <= MIN_WIDTH) return;
        for (size_t c = 0; c < n; c++) {
            if (c != widest && !is_number(r, c) && r->widths[c] > second) second = r->widths[c];
        }
        size_t less = r->widths[widest] > second ? r->widths[widest] - second : 1;
        if (less > total - (size_t)r->width) less = total - (size_t)r->width;
        r->widths[widest] -= less;
        total -= less;
    }
}

static void rule(struct weir_rows *r, const char *left, const char *middle, const char *right)
{
    for (int c = 0; c < r->schema->n; c++) {
        weir_buf_puts(&r->text, c ? middle : left);
        for (size_t i = 0; i < r->widths[c] + 2; i++) weir_buf_puts(&r->text, "─");
    }
    weir_buf_puts(&r->text, right);
    weir_buf_putc(&r->text, '\n');
}

/* The N bytes at S in the width of column C. */
static void put_text(struct weir_rows *r, int c, const char *s, size_t n, bool to_right)
{
    size_t room = r->widths[c], shown = 0, bytes = 0;
    size_t full = weir_display_width(s, n);
    bool whole = to_right || r->live; /* half a number is a wrong number */
    bool cut = full > room && !whole;
    if (whole && full > room) room = full;
    while (bytes < n) {
        size_t len, w = weir_char_width(s + bytes, n - bytes, &len);
        if (shown + w + cut > room) break;
        shown += w;
        bytes += len;
    }
    size_t pad = room - shown - cut;
    weir_buf_puts(&r->text, "│ ");
    for (size_t i = 0; to_right && i < pad; i++) weir_buf_putc(&r->text, ' ');
    weir_buf_add(&r->text, s, bytes);
    if (cut) weir_buf_puts(&r->text, "…");
    for (size_t i = 0; !to_right && i < pad; i++) weir_buf_putc(&r->text, ' ');
    weir_buf_putc(&r->text, ' ');
}

/* r->cell in the width of column C. */
static void put_cell(struct weir_rows *r, int c, bool to_right)
{
    const char *s = cell_text(r);
    size_t at = 0, n;
    while (r->lines && (n = strcspn(s + at, "\n")) < r->cell.len - at) {
        put_text(r, c, s + at, n, to_right);
        weir_buf_puts(&r->text, "│\n");
        at += n + 1;
    }
    put_text(r, c, s + at, r->cell.len - at, to_right);
}

static void head(struct weir_rows *r)
{
    rule(r, "┌", "┬", "┐");
    for (int c = 0; c < r->schema->n; c++) {
        get_name(r, c);
        put_cell(r, c, is_number(r, (size_t)c));
    }
    weir_buf_puts(&r->text, "│\n");
    rule(r, "├", "┼", "┤");
}

static int put_rows(struct weir_rows *r, const struct weir_batch *b, struct weir_error *err)
{
    int rc = 0;
    for (uint32_t row = 0; row < b->n_rows && !rc; row++) {
        for (int c = 0; c < r->schema->n; c++) {
            get_cell(r, &b->col[c], row);
            put_cell(r, c, is_number(r, (size_t)c));
        }
        weir_buf_puts(&r->text, "│\n");
        if (r->text.len > 65536 || r->text.oom) rc = rows_flush(r, err);
    }
    return rc;
}

static int start(struct weir_rows *r, struct weir_error *err)
{
    int rc = 0;
    r->started = true;
    for (int c = 0; c < r->schema->n; c++) {
        get_name(r, c);
        r->widths[c] = weir_display_width(cell_text(r), r->cell.len);
        if (r->live && r->widths[c] < LIVE_WIDTH) r->widths[c] = LIVE_WIDTH;
    }
    r->lines = !r->live && r->schema->n == 1 && r->n_rows == 1;
    for (size_t i = 0; i < r->n_held; i++) measure(r, r->held[i]);
    settle(r);
    head(r);
    for (size_t i = 0; i < r->n_held; i++) {
        if (!rc) rc = put_rows(r, r->held[i], err);
        weir_batch_unref(r->held[i]);
    }
    r->n_held = 0;
    return rc;
}

int rows_box_add(struct weir_rows *r, struct weir_batch *batch, struct weir_error *err)
{
    r->n_rows += batch->n_rows;
    if (r->started) {
        int rc = put_rows(r, batch, err);
        return rc ? rc : rows_flush(r, err);
    }
    if (r->n_held == r->cap_held) {
        size_t cap = r->cap_held ? 2 * r->cap_held : 16;
        struct weir_batch **held = weir_realloc(r->held, cap * sizeof(struct weir_batch *));
        if (!held) return weir_fail_nomem(err, cap * sizeof *held, "printing rows");
        r->held = held;
        r->cap_held = cap;
    }
    r->held[r->n_held++] = weir_batch_ref(batch);
    if (!r->live && r->n_rows < WEIR_ROWS_MEASURED) return 0;
    int rc = start(r, err);
    return rc ? rc : rows_flush(r, err);
}

int rows_box_end(struct weir_rows *r, struct weir_error *err)
{
    int rc = r->started ? 0 : start(r, err);
    if (rc) return rc;
    rule(r, "└", "┴", "┘");
    weir_buf_printf(&r->text, "(%llu row%s)\n", (unsigned long long)r->n_rows,
                    r->n_rows == 1 ? "" : "s");
    return rows_flush(r, err);
}
