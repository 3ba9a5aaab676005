#ifndef WEIR_FORMAT_ROWS_H
#define WEIR_FORMAT_ROWS_H

#include "runtime/column/batch.h"

/* Results for people and for programs.

   box       a Unicode table, numbers to the right, NULL shown, cut to the terminal's width, row
   count below csv       RFC 4180 with a header; NULL is an empty field, the empty string "" json
   one object a line markdown  a table for a text; | and line ends inside values escaped

   TIMESTAMP and DECIMAL show their declared digits; DOUBLE the shortest text that reads back the
   same. */

enum weir_rows_format { WEIR_ROWS_BOX = 0, WEIR_ROWS_CSV, WEIR_ROWS_JSON, WEIR_ROWS_MARKDOWN };

/* "box" …; -1 when NAME is none. */
int weir_rows_format_by_name(const char *name);

struct weir_rows;

/* Where the text goes; 0 or a status with ERR filled. */
typedef int weir_rows_write(void *ctx, const char *text, size_t n, struct weir_error *err);

/* SCHEMA is borrowed. WIDTH: columns of the terminal for box, 0 for no limit. Not thread-safe. */
int weir_rows_new(enum weir_rows_format format, const struct weir_schema *schema, int width,
                  weir_rows_write *write, void *ctx, struct weir_rows **out,
                  struct weir_error *err) WEIR_NODISCARD;

/* Rows come over time: box shows them with the first batch's widths, at once, and cuts nothing. Call
   before the first batch. */
void weir_rows_set_live(struct weir_rows *r);

/* Box holds the first WEIR_ROWS_MEASURED rows back to find the widths, and keeps to them
 * afterwards. A single value is shown with its line breaks. */
#define WEIR_ROWS_MEASURED 10000
int weir_rows_add(struct weir_rows *r, struct weir_batch *batch,
                  struct weir_error *err) WEIR_NODISCARD;

/* The rest and the end of the table; also right after no rows at all. */
int weir_rows_end(struct weir_rows *r, struct weir_error *err) WEIR_NODISCARD;
void weir_rows_free(struct weir_rows *r); /* NULL is allowed */

/* Columns that the N bytes of UTF-8 take on a terminal: wide characters 2, combining ones 0,
 * others 1. */
size_t weir_display_width(const char *s, size_t n);

#endif
