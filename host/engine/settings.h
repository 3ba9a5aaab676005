#ifndef WEIR_ENGINE_SETTINGS_H
#define WEIR_ENGINE_SETTINGS_H

#include <weir/topology.h>

#include "host/connect/connect.h"

/* The options 'weir.…' of SET and of tables: which there are, what they may be, what they mean. The
   command line's options of the same meaning are checked here too. */

/* 'auto', 'native', 'opencl' or 'opencl:N'? */
int engine_check_device(const char *device, struct weir_error *err) WEIR_NODISCARD;

/* 'weir.partition.ratio': what each partition has. "cu" or "1:4" (cores to GiB) is a ratio, and
   "500m:2GiB" (with a unit of memory) an amount of CPU and of memory. Sets STREAM's milli_cu,
   memory_mode and bytes. */
int engine_read_ratio(const char *text, struct weir_topo_stream *stream,
                      struct weir_error *err) WEIR_NODISCARD;

/* Is VALUE (NULL: RESET) allowed for KEY of SET? CTX is not used. */
int engine_check_setting(void *ctx, const char *key, const char *value, struct weir_error *err);

/* The options 'weir.…' of table T; the message names table, option and position. */
int engine_table_wish(const struct weir_table_spec *t, struct weir_source_wish *out,
                      struct weir_error *err) WEIR_NODISCARD;

#endif
