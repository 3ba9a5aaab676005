#ifndef WEIR_TESTS_ORACLE_MINIMIZE_H
#define WEIR_TESTS_ORACLE_MINIMIZE_H

#include "engine.h"

/* Cut Q and the rows of DB down, in place, as long as SUSPECT still gives another answer than RIGHT
   of the same kind (other rows, or the same complaint). POOL pays for new nodes. */
void minimize(struct query *q, struct database *db, struct pool *pool, struct engine *right,
              struct engine *suspect);

#endif
