#ifndef WEIR_TOPOLOGY_DEMAND_H
#define WEIR_TOPOLOGY_DEMAND_H

#include "topology/json.h"

/* Add the stream of a demand document at V. */
int topo_demand_read_stream(const struct topo_json *doc, const struct topo_json_value *v,
                            struct weir_topo_demand *demand,
                            struct weir_topo_error *err) TOPO_NODISCARD;

#endif
