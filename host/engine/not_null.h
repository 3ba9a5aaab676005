#ifndef WEIR_ENGINE_NOT_NULL_H
#define WEIR_ENGINE_NOT_NULL_H

#include "runtime/exec/source.h"

/* Flink's 'table.exec.sink.not-null-enforcer': a sink in front of a table's own that lets no NULL
   into its NOT NULL columns. */

struct engine_not_null {
    struct weir_sink base;
    struct weir_sink *table;
    bool drop;                /* rows with such a NULL; else they are an error */
    _Atomic uint64_t dropped; /* so far */
};

/* The sink to write to: G's, or TABLE itself when all its columns may be NULL. G and TABLE are
   borrowed; only TABLE is to be freed. */
struct weir_sink *engine_not_null(struct engine_not_null *g, struct weir_sink *table, bool drop);

#endif
