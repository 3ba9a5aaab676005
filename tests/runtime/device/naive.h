#ifndef WEIR_TEST_DEVICE_NAIVE_H
#define WEIR_TEST_DEVICE_NAIVE_H

#include "runtime/native/groups.h"
#include "runtime/native/jointable.h"

/* A row-at-a-time interpreter of pipelines, as plain as can be: it shares no code with the native
   operators nor with the generator, so that it can judge both. Understands what devices claim. */

/* Run BATCH through P. OUTPUT: rows go to B (a builder of the output's types). AGGREGATE: rows go
   to G, one at a time. 1: a value error decided something (what was delivered is then worthless);
   0: done; negative: failure. */
int naive_run(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
              const struct weir_batch *batch, struct weir_builder *b, struct weir_groups *g,
              struct weir_error *err);

#endif
