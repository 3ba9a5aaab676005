#ifndef WEIR_FORMAT_ROWS_IMPL_H
#define WEIR_FORMAT_ROWS_IMPL_H

/* What rows.c and rows_box.c share; nobody else includes this. */

#include "host/format/rows.h"

struct weir_rows {
    enum weir_rows_format format;
    const struct weir_schema *schema;
    int width;
    weir_rows_write *write;
    void *ctx;
    struct weir_buf text; /* formatted, not yet written */
    struct weir_buf cell;
    /* box */
    size_t *widths; /* [schema->n] */
    bool live;      /* nothing is held back */
    bool lines;     /* the one value is shown with its line breaks */
    bool started;   /* widths are settled and the head is printed */
    struct weir_batch **held;
    size_t n_held, cap_held;
    uint64_t n_rows;
};

int rows_flush(struct weir_rows *r, struct weir_error *err);
void rows_cell(struct weir_rows *r, const struct weir_column *col, uint32_t row);
int rows_box_add(struct weir_rows *r, struct weir_batch *batch, struct weir_error *err);
int rows_box_end(struct weir_rows *r, struct weir_error *err);

#endif
