#ifndef WEIR_CONNECT_CONNECTORS_H
#define WEIR_CONNECT_CONNECTORS_H

#include "host/connect/connect.h"

/* Each is defined in the file of its name. */
extern const struct weir_connector weir_connector_filesystem;
extern const struct weir_connector weir_connector_datagen;
extern const struct weir_connector weir_connector_print;
extern const struct weir_connector weir_connector_blackhole;

#endif
