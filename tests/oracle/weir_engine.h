#ifndef WEIR_TESTS_ORACLE_WEIR_ENGINE_H
#define WEIR_TESTS_ORACLE_WEIR_ENGINE_H

#include "engine.h"

/* Larger than any table. */
enum { all_rows = 1 << 20 };

/* Weir on DEVICE ("native", "opencl") with PARTITIONS slots; its tables come in batches of
   BATCH_ROWS and a slot has SLOT_MIB of memory (0: its share). NULL: it could not be opened, and a message was printed. */
struct engine *open_weir(const char *device, int partitions, int batch_rows, int slot_mib);

#endif
