#ifndef WEIR_FORMAT_SHOW_H
#define WEIR_FORMAT_SHOW_H

#include "runtime/column/batch.h"

/* Values as text, in the forms that the writers need. */
enum weir_show {
    WEIR_SHOW_UPPER_BOOL = 1, /* TRUE, else true */
    WEIR_SHOW_HEX = 2,        /* bytes as x'00ff', else base64 */
    WEIR_SHOW_ISO = 4         /* 2024-01-01T00:00:00, else with a space */
};

/* Append the value of row ROW, which is not NULL. FLAGS of enum weir_show. Text as it is. */
void weir_show_value(struct weir_buf *out, const struct weir_column *c, size_t row, int flags);

#endif
