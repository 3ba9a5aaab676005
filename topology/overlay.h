#ifndef WEIR_TOPOLOGY_OVERLAY_H
#define WEIR_TOPOLOGY_OVERLAY_H

#include "topology/json.h"

/* Change RAW as the overlay object ROOT of DOC says; what it has changed before an error stays
 * changed. */
int topo_overlay_apply(struct topo_raw *raw, const struct topo_json *doc,
                       const struct topo_json_value *root,
                       struct weir_topo_error *err) TOPO_NODISCARD;

/* RAW from a machine file's object: its "synthetic" string, then the overlay. */
int topo_raw_from_json(const struct topo_json *doc, const struct topo_json_value *root,
                       struct topo_raw *raw, struct weir_topo_error *err) TOPO_NODISCARD;

#endif
