/* The machine as hwloc tells it: live, from an XML file, or from a synthetic string.

   hwloc's "opencl" component is kept out (it recurses with pocl), I/O is discovered on the live
   machine only when asked for. What hwloc does not say in version 2 (the memory tier, the capacity
   of a core kind) is derived from its info attributes, and the source is written down. */
#include "topology/internal.h"

#include <ctype.h>
#include <errno.h>
#include <hwloc/cpukinds.h>
#include <hwloc/distances.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum weir_topo_tier node_tier(hwloc_obj_t node)
{
    const char *tier = hwloc_obj_get_info_by_name(node, "MemoryTier");
    const char *dax = hwloc_obj_get_info_by_name(node, "DAXType");
    const char *words[] = {node->subtype, tier, dax};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!words[i]) continue;
        if (!strcmp(words[i], "MCDRAM") || strstr(words[i], "HBM") || !strcmp(words[i], "SPM"))
            return WEIR_TOPO_TIER_HBM;
        if (!strncmp(words[i], "CXL", 3)) return WEIR_TOPO_TIER_CXL;
        if (!strcmp(words[i], "NVM")) return WEIR_TOPO_TIER_NVM;
        if (!strncmp(words[i], "GPU", 3)) return WEIR_TOPO_TIER_GPU;
    }
    if (hwloc_obj_get_info_by_name(node, "DAXDevice")) return WEIR_TOPO_TIER_NVM;
    return WEIR_TOPO_TIER_DRAM;
}

static int read_nodes(hwloc_topology_t t, struct topo_raw *raw, struct weir_topo_error *err)
{
    int n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE);
    raw->node_count = n > 0 ? (uint32_t)n : 0;
    raw->nodes = topo_calloc(raw->node_count, sizeof *raw->nodes);
    raw->node_pu = topo_calloc((size_t)raw->node_count * raw->pu_count, 1);
    if (!raw->nodes || !raw->node_pu) return topo_fail_nomem(err, "reading the NUMA nodes");
    hwloc_const_nodeset_t allowed = hwloc_topology_get_allowed_nodeset(t);
    for (uint32_t i = 0; i < raw->node_count; i++) {
        hwloc_obj_t obj = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, i);
        struct topo_raw_node *node = &raw->nodes[i];
        node->os = obj->os_index;
        node->tier = node_tier(obj);
        node->bytes = obj->attr->numanode.local_memory;
        node->allowed = hwloc_bitmap_isset(allowed, obj->os_index) != 0;
        snprintf(node->source, sizeof node->source, "hwloc");
        unsigned h = 0;
        for (unsigned k = 0; k < obj->attr->numanode.page_types_len; k++) {
            const struct hwloc_memory_page_type_s *pt = &obj->attr->numanode.page_types[k];
            if (!k)
                node->page_bytes =
                    pt->size; /* they are in ascending order, the first is the base page */
            else if (pt->count && h < TOPO_RAW_PAGES) {
                node->huge_page[h] = pt->size;
                node->huge_count[h++] = pt->count;
            }
        }
        const char *own = hwloc_obj_get_info_by_name(obj, "WeirLocalCPUs"); /* of our own XML */
        for (uint32_t p = 0; p < raw->pu_count && !(own && !strcmp(own, "none")); p++)
            raw->node_pu[(size_t)i * raw->pu_count + p] =
                hwloc_bitmap_isset(obj->cpuset, raw->pus[p].os) != 0;
    }
    return WEIR_TOPO_OK;
}

/* On a live machine with one node, that node is all the memory: believe the kernel's total where
   the node says less (memory that is added while we run shows up late there). */
static void single_node_total(struct topo_raw *raw)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = raw->node_count == 1 ? fopen("/proc/meminfo", "r") : NULL;
    if (!f) return;
    while (!kib && fgets(line, sizeof line, f))
        if (sscanf(line, "MemTotal: %llu kB", &kib) != 1) kib = 0;
    fclose(f);
    if (kib * 1024 <= raw->nodes[0].bytes) return;
    raw->nodes[0].bytes = kib * 1024;
    snprintf(raw->nodes[0].source, sizeof raw->nodes[0].source, "MemTotal");
}

static int read_distances(hwloc_topology_t t, struct topo_raw *raw, struct weir_topo_error *err)
{
    unsigned nr = 8;
    struct hwloc_distances_s *found[8];
    if (hwloc_distances_get_by_type(t, HWLOC_OBJ_NUMANODE, &nr, found,
                                    HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) < 0)
        return WEIR_TOPO_OK;
    unsigned filled = nr < 8 ? nr : 8;
    int rc = WEIR_TOPO_OK;
    for (unsigned k = 0; k < filled && !raw->node_distance && !rc; k++) {
        struct hwloc_distances_s *d = found[k];
        if (d->nbobjs != raw->node_count) continue;
        raw->node_distance = topo_calloc((size_t)d->nbobjs * d->nbobjs, sizeof *raw->node_distance);
        if (!raw->node_distance) {
            rc = topo_fail_nomem(err, "reading the distances");
            break;
        }
        for (unsigned i = 0; i < d->nbobjs; i++)
            for (unsigned j = 0; j < d->nbobjs; j++) {
                hwloc_uint64_t v = d->values[i * d->nbobjs + j];
                raw->node_distance[d->objs[i]->logical_index * d->nbobjs +
                                   d->objs[j]->logical_index] = (uint16_t)(v > 65535 ? 65535 : v);
            }
    }
    for (unsigned k = 0; k < filled; k++) hwloc_distances_release(t, found[k]);
    return rc;
}

/* milli-CU of the cores of each kind: LinuxCapacity, else the base or largest frequency, in
 * proportion to the best. */
static void read_kinds(hwloc_topology_t t, struct topo_raw *raw)
{
    static const char *const keys[] = {"LinuxCapacity", "FrequencyBaseMHz", "FrequencyMaxMHz"};
    int kinds = hwloc_cpukinds_get_nr(t, 0);
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    for (size_t k = 0; set && kinds > 1 && k < sizeof keys / sizeof *keys; k++) {
        unsigned long value[16] = {0}, best = 0;
        int known = 0;
        for (int i = 0; i < kinds && i < 16; i++) {
            struct hwloc_info_s *infos;
            unsigned n = 0;
            if (hwloc_cpukinds_get_info(t, (unsigned)i, set, NULL, &n, &infos, 0) < 0) continue;
            for (unsigned j = 0; j < n; j++)
                if (!strcmp(infos[j].name, keys[k])) value[i] = strtoul(infos[j].value, NULL, 10);
            known += value[i] > 0 && value[i] < 10000000;
            if (value[i] > best) best = value[i];
        }
        if (known != kinds || !best) continue;
        for (uint32_t p = 0; p < raw->pu_count; p++) {
            hwloc_bitmap_only(set, raw->pus[p].os);
            int kind = hwloc_cpukinds_get_by_cpuset(t, set, 0);
            if (kind >= 0 && kind < 16)
                raw->pus[p].core_capacity = (uint32_t)((value[kind] * 1000 + best / 2) / best);
            if (!raw->pus[p].core_capacity) raw->pus[p].core_capacity = 1;
        }
        break;
    }
    hwloc_bitmap_free(set);
}

static int read_pus(hwloc_topology_t t, bool live, struct topo_raw *raw,
                    struct weir_topo_error *err)
{
    int n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);
    if (n <= 0) return topo_fail(err, WEIR_TOPO_ERR_INVALID, "the machine has no processing unit");
    raw->pu_count = (uint32_t)n;
    raw->pus = topo_calloc(raw->pu_count, sizeof *raw->pus);
    raw->l3_bytes = topo_calloc(raw->pu_count, sizeof *raw->l3_bytes);
    hwloc_bitmap_t bound = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(t));
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    int rc = WEIR_TOPO_OK;
    if (!raw->pus || !raw->l3_bytes || !bound || !mine) {
        rc = topo_fail_nomem(err, "reading the processing units");
        goto out;
    }
    if (live && !hwloc_get_cpubind(t, mine, HWLOC_CPUBIND_PROCESS) && !hwloc_bitmap_iszero(mine))
        hwloc_bitmap_and(bound, bound, mine);
    for (uint32_t i = 0; i < raw->pu_count; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(t, HWLOC_OBJ_PU, i);
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_CORE, pu);
        hwloc_obj_t l3 = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_L3CACHE, pu);
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_PACKAGE, pu);
        struct topo_raw_pu *r = &raw->pus[i];
        r->os = pu->os_index;
        r->core = core ? core->logical_index : 0x40000000u + i;
        r->package = package ? package->logical_index : 0x40000000u;
        r->l3 = l3 ? l3->logical_index : 0x40000000u + (package ? package->logical_index : 0);
        r->core_capacity = 1000;
        r->allowed = hwloc_bitmap_isset(bound, pu->os_index) != 0;
        raw->l3_bytes[i] = l3 ? l3->attr->cache.size : 0;
    }
    read_kinds(t, raw);
out:
    hwloc_bitmap_free(bound);
    hwloc_bitmap_free(mine);
    return rc;
}

/* ---- devices */

static bool device_kind(hwloc_obj_t pci, hwloc_obj_t os, enum weir_topo_device_kind *kind)
{
    unsigned class_id = pci ? pci->attr->pcidev.class_id >> 8 : 0;
    if (os && os->attr->osdev.type == HWLOC_OBJ_OSDEV_COPROC)
        *kind = WEIR_TOPO_DEVICE_GPU;
    else if (os && os->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK)
        *kind = WEIR_TOPO_DEVICE_NIC;
    else if (os && os->attr->osdev.type == HWLOC_OBJ_OSDEV_BLOCK)
        *kind = WEIR_TOPO_DEVICE_DISK;
    else if (class_id == 0x03)
        *kind = WEIR_TOPO_DEVICE_GPU;
    else if (class_id == 0x12 || (pci && pci->attr->pcidev.vendor_id == 0x10ee))
        *kind = WEIR_TOPO_DEVICE_FPGA;
    else
        return false;
    return true;
}

static uint64_t info_number(hwloc_obj_t obj, const char *name)
{
    const char *v = obj ? hwloc_obj_get_info_by_name(obj, name) : NULL;
    return v ? strtoull(v, NULL, 10) : 0;
}

static void describe_device(hwloc_obj_t pci, hwloc_obj_t os, struct weir_topo_device *d)
{
    const char *model = os ? hwloc_obj_get_info_by_name(os, "GPUModel") : NULL;
    if (!model && os) model = hwloc_obj_get_info_by_name(os, "OpenCLDeviceName");
    if (!model && pci) model = hwloc_obj_get_info_by_name(pci, "PCIDevice");
    if (model) snprintf(d->model, sizeof d->model, "%s", model);
    if (pci) {
        snprintf(d->pci, sizeof d->pci, "%04x:%02x:%02x.%01x", (unsigned)pci->attr->pcidev.domain,
                 pci->attr->pcidev.bus, pci->attr->pcidev.dev, pci->attr->pcidev.func);
        if (pci->attr->pcidev.linkspeed > 0)
            d->link_bytes_per_s = (uint64_t)((double)pci->attr->pcidev.linkspeed * 1e9);
    }
    if (os && os->name)
        snprintf(d->name, sizeof d->name, "%s", os->name);
    else
        snprintf(d->name, sizeof d->name, "pci-%s", d->pci);
    uint64_t kib = info_number(os, "CUDAGlobalMemorySize");
    if (!kib) kib = info_number(os, "OpenCLGlobalMemorySize");
    if (!kib) kib = info_number(os, "LevelZeroHBMSize");
    d->bytes = kib * 1024;
    uint64_t units = info_number(os, "CUDAMultiProcessors");
    if (!units) units = info_number(os, "OpenCLComputeUnits");
    d->compute_units = (uint32_t)(units > 1000000 ? 0 : units);
    d->parent = WEIR_TOPO_NONE;
}

/* The better name of two OS devices of one PCI device: cuda0 says more than card0. */
static unsigned os_rank(hwloc_obj_t os)
{
    return os->attr->osdev.type == HWLOC_OBJ_OSDEV_COPROC
               ? 2
               : os->attr->osdev.type != HWLOC_OBJ_OSDEV_GPU;
}

static int add_device(hwloc_obj_t pci, hwloc_obj_t os, struct topo_raw *raw, size_t *capacity,
                      struct weir_topo_error *err)
{
    struct weir_topo_device info = {0};
    if (!device_kind(pci, os, &info.kind)) return WEIR_TOPO_OK;
    if (!topo_grow(&raw->devices, capacity, (size_t)raw->device_count + 1, sizeof *raw->devices))
        return topo_fail_nomem(err, "reading the devices");
    struct topo_raw_device *d = &raw->devices[raw->device_count++];
    *d = (struct topo_raw_device){.info = info};
    describe_device(pci, os, &d->info);
    hwloc_obj_t at = pci ? pci : os;
    while (at && !at->cpuset) at = at->parent;
    if (!at || !pci) return WEIR_TOPO_OK; /* without a bus there is no locality to be known */
    d->near = topo_calloc(raw->pu_count, 1);
    if (!d->near) return topo_fail_nomem(err, "reading the devices");
    for (uint32_t p = 0; p < raw->pu_count; p++)
        d->near[p] = hwloc_bitmap_isset(at->cpuset, raw->pus[p].os) != 0;
    return WEIR_TOPO_OK;
}

static int read_devices(hwloc_topology_t t, struct topo_raw *raw, struct weir_topo_error *err)
{
    size_t capacity = 0;
    for (hwloc_obj_t pci = hwloc_get_next_pcidev(t, NULL); pci;
         pci = hwloc_get_next_pcidev(t, pci)) {
        hwloc_obj_t best = NULL;
        for (hwloc_obj_t c = pci->io_first_child; c; c = c->next_sibling)
            if (c->type == HWLOC_OBJ_OS_DEVICE && (!best || os_rank(c) > os_rank(best))) best = c;
        int rc = add_device(pci, best, raw, &capacity, err);
        if (rc) return rc;
    }
    for (hwloc_obj_t os = hwloc_get_next_osdev(t, NULL); os; os = hwloc_get_next_osdev(t, os)) {
        if (os->parent->type == HWLOC_OBJ_PCI_DEVICE ||
            os->attr->osdev.type != HWLOC_OBJ_OSDEV_COPROC)
            continue;
        int rc = add_device(NULL, os, raw, &capacity, err);
        if (rc) return rc;
    }
    return WEIR_TOPO_OK;
}

int topo_raw_from_hwloc(hwloc_topology_t t, bool live, struct topo_raw *raw,
                        struct weir_topo_error *err)
{
    raw->live = live;
    raw->limit_milli_cu = raw->limit_memory_bytes = UINT64_MAX;
    hwloc_obj_t root = hwloc_get_root_obj(t),
                package = hwloc_get_obj_by_type(t, HWLOC_OBJ_PACKAGE, 0);
    const char *title = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (!title) title = hwloc_obj_get_info_by_name(root, "DMIProductName");
    if (title) snprintf(raw->title, sizeof raw->title, "%s", title);
    int rc = read_pus(t, live, raw, err);
    if (!rc) rc = read_nodes(t, raw, err);
    if (!rc && live) single_node_total(raw);
    if (!rc) rc = read_distances(t, raw, err);
    if (!rc) rc = read_devices(t, raw, err);
    return rc;
}
