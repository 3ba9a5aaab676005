#ifndef WEIR_PLACE_SPLIT_H
#define WEIR_PLACE_SPLIT_H

#include "runtime/plan/pipeline.h"

/* Divide a pipeline that ends in AGGREGATE before that step: HEAD is P with an OUTPUT of the keys,
   arguments and filters that the aggregation needs, TAIL the aggregation over such rows, with P's
   group layout. So a device can filter, join and compute for an aggregate that it does not have
   (DISTINCT). Both are released with weir_free. */
int weir_split_aggregate(const struct weir_pipeline *p, struct weir_pipeline **head,
                         struct weir_pipeline **tail, struct weir_error *err) WEIR_NODISCARD;

/* Take the functions that have no device helper out of P, as far as they depend on nothing but the
   input batch: PRE computes them natively, an OUTPUT of all input columns of P with the results
   behind them; REST is P over such rows. 1: done; 0: there are none, or a volatile function forbids
   moving; negative: failure. Both are released with weir_free. */
int weir_split_functions(const struct weir_pipeline *p, struct weir_pipeline **pre,
                         struct weir_pipeline **rest, struct weir_error *err) WEIR_NODISCARD;

#endif
