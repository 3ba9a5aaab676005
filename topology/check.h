#ifndef WEIR_TOPOLOGY_CHECK_H
#define WEIR_TOPOLOGY_CHECK_H

#include "topology/internal.h"

/* A lower bound of the remote bytes: what a maximum flow over local edges alone leaves, plus what
   "auto" partitions took remotely because nothing was local. */
int topo_remote_bound(const struct weir_topo_plan *plan, uint64_t *out,
                      struct weir_topo_error *err) TOPO_NODISCARD;

#endif
