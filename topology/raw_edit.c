/* Changing a raw machine: another NUMA node, PUs taken out. What an overlay needs and hwloc's
   synthetic strings cannot express. */
#include "topology/internal.h"

#include <string.h>

int topo_raw_add_node(struct topo_raw *raw, uint32_t os, struct weir_topo_error *err)
{
    uint32_t n = raw->node_count;
    struct topo_raw_node *nodes = topo_calloc((size_t)n + 1, sizeof *nodes);
    uint8_t *node_pu = topo_calloc(((size_t)n + 1) * raw->pu_count, 1);
    if (!nodes || !node_pu) {
        topo_free(nodes);
        topo_free(node_pu);
        return topo_fail_nomem(err, "adding a node");
    }
    if (n) {
        memcpy(nodes, raw->nodes, n * sizeof *nodes);
        memcpy(node_pu, raw->node_pu, (size_t)n * raw->pu_count);
    }
    topo_free(raw->nodes);
    topo_free(raw->node_pu);
    topo_free(raw->node_distance); /* it was for fewer nodes */
    raw->nodes = nodes;
    raw->node_pu = node_pu;
    raw->node_distance = NULL;
    nodes[n].os = os;
    nodes[n].allowed = true;
    snprintf(nodes[n].source, sizeof nodes[n].source, "overlay");
    raw->node_count = n + 1;
    return WEIR_TOPO_OK;
}

void topo_raw_set_node_cpus(struct topo_raw *raw, uint32_t node, const uint8_t *in)
{
    memcpy(raw->node_pu + (size_t)node * raw->pu_count, in, raw->pu_count);
}

int topo_raw_remove_pus(struct topo_raw *raw, const uint8_t *gone, struct weir_topo_error *err)
{
    uint32_t kept = 0, n = raw->pu_count;
    for (uint32_t p = 0; p < n; p++) kept += !gone[p];
    if (!kept) return topo_fail(err, WEIR_TOPO_ERR_INVALID, "removing these PUs leaves none");
    uint8_t *node_pu = topo_calloc((size_t)raw->node_count * kept, 1);
    if (!node_pu) return topo_fail_nomem(err, "removing PUs");
    for (uint32_t node = 0; node < raw->node_count; node++)
        for (uint32_t p = 0, to = 0; p < n; p++)
            if (!gone[p]) node_pu[(size_t)node * kept + to++] = raw->node_pu[(size_t)node * n + p];
    topo_free(raw->node_pu);
    raw->node_pu = node_pu;
    for (uint32_t d = 0; d < raw->device_count; d++)
        for (uint32_t p = 0, to = 0; raw->devices[d].near && p < n; p++)
            if (!gone[p]) raw->devices[d].near[to++] = raw->devices[d].near[p];
    for (uint32_t p = 0, to = 0; p < n; p++) {
        if (gone[p]) continue;
        raw->pus[to] = raw->pus[p];
        if (raw->l3_bytes) raw->l3_bytes[to] = raw->l3_bytes[p];
        to++;
    }
    raw->pu_count = kept;
    return WEIR_TOPO_OK;
}
