#ifndef WEIR_ENGINE_MEMORY_TABLE_H
#define WEIR_ENGINE_MEMORY_TABLE_H

#include <weir/arrow_abi.h>

#include "runtime/exec/source.h"

/* A table in memory: the arrays of an Arrow stream, kept and shared by every query that reads them.
   Takes over STREAM, also on failure. NAME is copied. */
int weir_memory_table_new(const char *name, struct ArrowArrayStream *stream,
                          struct weir_source **out, struct weir_error *err) WEIR_NODISCARD;

#endif
