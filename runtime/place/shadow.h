#ifndef WEIR_PLACE_SHADOW_H
#define WEIR_PLACE_SHADOW_H

#include "runtime/place/backend.h"

/* Run BATCH through a prepared device pipeline and through native, compare what comes out (as sets
   of rows; sums of doubles to 1 ulp). 1: the same; 0: not, with what differs in WHY; negative:
   could not run. */
int weir_shadow_check(const struct weir_pipeline *p, struct weir_prepared *native,
                      struct weir_backend *device, struct weir_prepared *prepared,
                      struct weir_batch *batch, int64_t now_us, char *why, size_t why_size,
                      struct weir_error *err);

#endif
