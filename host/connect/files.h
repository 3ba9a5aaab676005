#ifndef WEIR_CONNECT_FILES_H
#define WEIR_CONNECT_FILES_H

#include "host/connect/connect.h"

/* The two ends of the connector 'filesystem' (filesystem.c): file_source.c and file_sink.c. */

int weir_file_source_new(const struct weir_table_spec *t, struct weir_source **out,
                         struct weir_error *err) WEIR_NODISCARD;
int weir_file_sink_new(const struct weir_table_spec *t, struct weir_sink **out,
                       struct weir_error *err) WEIR_NODISCARD;

#endif
