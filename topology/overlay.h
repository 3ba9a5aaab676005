#ifndef WEIR_TOPOLOGY_OVERLAY_H
#define WEIR_TOPOLOGY_OVERLAY_H

#include "topology/json.h"

/* Change RAW as the overlay says; what it has changed before an error stays changed. */
int topo_overlay_apply(struct topo_raw *raw, const struct topo_json *doc,
                       struct weir_topo_error *err) TOPO_NODISCARD;

#endif
