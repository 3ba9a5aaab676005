#ifndef WEIR_TESTS_ORACLE_ENGINE_H
#define WEIR_TESTS_ORACLE_ENGINE_H

/* Something that answers queries: SQLite (right by definition, or with a planted fault), or Weir in
   one of its ways of running. */

#include "result.h"

struct engine {
    char name[32];
    /* Take the tables of DB, which outlives the next load; false: a message was printed. */
    bool (*load)(struct engine *e, const struct database *db);
    void (*run)(struct engine *e, const struct query *q, struct result *out);
    void (*close)(struct engine *e); /* frees E */
    void *state;
    int64_t answered, on_device,
        fell_back; /* Weir on OpenCL: queries; those with work done on the device, natively */
};

/* FAULT: see faults.h. NULL: SQLite failed; a message was printed. */
struct engine *sqlite_engine(int fault);
/* Older ones than 3.39 do not know FULL JOIN: then none is generated. */
bool sqlite_has_full_join(void);

#endif
