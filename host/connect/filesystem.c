/* The connector 'filesystem'; its options are listed in file_table.h. */
#include "host/connect/connectors.h"
#include "host/connect/files.h"

const struct weir_connector weir_connector_filesystem = {
    .name = "filesystem", .make_source = weir_file_source_new, .make_sink = weir_file_sink_new};
