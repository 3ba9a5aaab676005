#ifndef WEIR_TESTS_ORACLE_ARROW_DATA_H
#define WEIR_TESTS_ORACLE_ARROW_DATA_H

/* Tables and answers of the random tester as Arrow C streams. */

#include "result.h"

#include <weir/arrow_abi.h>

/* The rows of T in batches of at most BATCH_ROWS. OUT owns copies; T is not needed afterwards. */
void arrow_export(const struct table *t, int batch_rows, struct ArrowArrayStream *out);

/* Read STREAM, which must have Q's columns with exactly the types that the generator derived, into
 * OUT; releases it. */
void arrow_read(struct ArrowArrayStream *stream, const struct query *q, struct result *out);

#endif
