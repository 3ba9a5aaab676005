/* The JSON overlay: what a synthetic string or an XML file cannot say. It changes the raw machine
   before the machine is derived from it.

   {"remove":   "6-7",
    "nodes":    [{"node": 1, "cpus": "0-3", "bytes": "64GiB", "tier": "hbm", "huge_pages":
   [{"page_bytes": "2MiB", "count": 512}]}], "cores":    [{"cpus": "0-7", "milli_cu": 1000}],
    "devices":  [{"name": "gpu0", "kind": "gpu", "bytes": "80GiB", "compute_units": 132, "cpus":
   "0-15", "model": "...", "pci": "0000:17:00.0", "parent": "gpu", "link_bytes_per_s":
   63000000000}], "distances": [[10, 21], [21, 10]], "limits":   {"milli_cu": 8000, "memory_bytes":
   "32GiB"}, "allowed":  "0-7", "reserved": "0", "title": "..."}

   "remove" takes PUs out of the machine (offline, holes) and is done first whatever its place. A
   node entry with "cpus" says which PUs the node is local to ("" for none) and makes the node if
   there is none of that number. */
#include "topology/overlay.h"
#include "topology/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct overlay {
    const struct topo_json *doc;
    const struct topo_json_value *root;
    struct topo_raw *raw;
    struct weir_topo_error *err;
    uint32_t *pu_of_os; /* os_limit entries: PU index + 1 */
    uint32_t os_limit;
};

static int word(const struct overlay *o, const struct topo_json_value *v, const char *(*name)(int),
                int count, int *out)
{
    for (int k = 0; k < count && v->text; k++)
        if (!strcasecmp(v->text, name(k))) {
            *out = k;
            return 0;
        }
    return topo_json_fail(o->doc, v, o->err, "\"%s\" is unknown; known are %s, %s, ...",
                          v->text ? v->text : "?", name(0), name(1));
}

static const char *tier_name(int k)
{
    return weir_topo_tier_name((enum weir_topo_tier)k);
}
static const char *kind_name(int k)
{
    return weir_topo_device_kind_name((enum weir_topo_device_kind)k);
}

/* A CPU list as a byte per PU; the caller frees *OUT. */
static int cpus(const struct overlay *o, const struct topo_json_value *v, uint8_t **out)
{
    uint32_t *list = NULL;
    size_t n = 0;
    if (v->type != TOPO_JSON_STRING)
        return topo_json_fail(o->doc, v, o->err,
                              "a CPU list in quotes is expected, such as \"0-7\"");
    int rc = topo_parse_list(v->text, "cpus", &list, &n, o->err);
    if (rc) return topo_json_at(o->doc, v, o->err);
    *out = topo_calloc(o->raw->pu_count, 1);
    if (!*out) rc = topo_fail_nomem(o->err, "reading an overlay");
    for (size_t k = 0; !rc && k < n; k++) {
        if (list[k] >= o->os_limit || !o->pu_of_os[list[k]])
            rc = topo_json_fail(o->doc, v, o->err, "the machine has no PU %u", list[k]);
        else
            (*out)[o->pu_of_os[list[k]] - 1] = 1;
    }
    topo_free(list);
    if (rc) {
        topo_free(*out);
        *out = NULL;
    }
    return rc;
}

static int read_huge(const struct overlay *o, const struct topo_json_value *list,
                     struct topo_raw_node *node)
{
    int slot = 0;
    memset(node->huge_page, 0, sizeof node->huge_page);
    for (const struct topo_json_value *v = topo_json_first(o->doc, list); v;
         v = topo_json_next(o->doc, v)) {
        const struct topo_json_value *size = topo_json_get(o->doc, v, "page_bytes"),
                                     *count = topo_json_get(o->doc, v, "count");
        if (!size || !count)
            return topo_json_fail(o->doc, v, o->err,
                                  "huge pages need \"page_bytes\" and \"count\"");
        if (slot == TOPO_RAW_PAGES)
            return topo_json_fail(o->doc, v, o->err, "at most %d sizes of huge pages",
                                  TOPO_RAW_PAGES);
        int rc = topo_json_bytes(o->doc, size, &node->huge_page[slot], o->err);
        if (!rc)
            rc = topo_json_u64(o->doc, count, UINT64_C(1) << 40, &node->huge_count[slot], o->err);
        if (rc) return rc;
        uint64_t page = node->huge_page[slot];
        if (page < 8192 || (page & (page - 1)))
            return topo_json_fail(o->doc, size, o->err, "this is no size of huge pages");
        if (node->huge_count[slot] > node->bytes / page)
            return topo_json_fail(o->doc, v, o->err, "node %u has not that many bytes", node->os);
        slot++;
    }
    return 0;
}

static int read_node(const struct overlay *o, const struct topo_json_value *v)
{
    const struct topo_json_value *number = topo_json_get(o->doc, v, "node"), *m;
    uint64_t os = 0;
    if (!number) return topo_json_fail(o->doc, v, o->err, "\"node\" (its number) is missing");
    int rc = topo_json_u64(o->doc, number, 1u << 20, &os, o->err);
    if (rc) return rc;
    struct topo_raw_node *node = NULL;
    for (uint32_t k = 0; k < o->raw->node_count; k++)
        if (o->raw->nodes[k].os == os) node = &o->raw->nodes[k];
    const struct topo_json_value *local = topo_json_get(o->doc, v, "cpus");
    if (!node && !local)
        return topo_json_fail(o->doc, number, o->err,
                              "the machine has no node %u; give \"cpus\" to make one",
                              (unsigned)os);
    if (!node) {
        rc = topo_raw_add_node(o->raw, (uint32_t)os, o->err);
        if (rc) return rc;
        node = &o->raw->nodes[o->raw->node_count - 1];
    }
    if (local) {
        uint8_t *in = NULL;
        rc = cpus(o, local, &in);
        if (rc) return rc;
        topo_raw_set_node_cpus(o->raw, (uint32_t)(node - o->raw->nodes), in);
        topo_free(in);
    }
    if ((m = topo_json_get(o->doc, v, "bytes"))) {
        rc = topo_json_bytes(o->doc, m, &node->bytes, o->err);
        snprintf(node->source, sizeof node->source, "overlay");
    }
    int tier = (int)node->tier;
    if (!rc && (m = topo_json_get(o->doc, v, "tier")))
        rc = word(o, m, tier_name, WEIR_TOPO_TIER_COUNT, &tier);
    node->tier = (enum weir_topo_tier)tier;
    if (!rc && (m = topo_json_get(o->doc, v, "huge_pages"))) rc = read_huge(o, m, node);
    return rc;
}

static int read_cores(const struct overlay *o, const struct topo_json_value *v)
{
    const struct topo_json_value *list = topo_json_get(o->doc, v, "cpus"),
                                 *cap = topo_json_get(o->doc, v, "milli_cu");
    uint64_t milli = 0;
    uint8_t *in = NULL;
    if (!list || !cap)
        return topo_json_fail(o->doc, v, o->err, "cores need \"cpus\" and \"milli_cu\"");
    int rc = topo_json_u64(o->doc, cap, 1000000, &milli, o->err);
    if (!rc && !milli)
        rc = topo_json_fail(o->doc, cap, o->err, "a core's capacity must be at least 1 milli-CU");
    if (!rc) rc = cpus(o, list, &in);
    for (uint32_t p = 0; !rc && p < o->raw->pu_count; p++)
        if (in[p]) o->raw->pus[p].core_capacity = (uint32_t)milli;
    topo_free(in);
    return rc;
}

static int text_field(const struct overlay *o, const struct topo_json_value *v, const char *key,
                      char *to, size_t size)
{
    const struct topo_json_value *m = topo_json_get(o->doc, v, key);
    if (!m) return 0;
    if (m->type != TOPO_JSON_STRING || strlen(m->text) >= size)
        return topo_json_fail(o->doc, m, o->err, "\"%s\" must be a string of at most %zu bytes",
                              key, size - 1);
    snprintf(to, size, "%s", m->text);
    return 0;
}

static int read_device(const struct overlay *o, const struct topo_json_value *v, size_t *capacity)
{
    struct topo_raw *raw = o->raw;
    struct weir_topo_device info = {.parent = WEIR_TOPO_NONE};
    const struct topo_json_value *m;
    char parent[64] = "";
    int kind = WEIR_TOPO_DEVICE_GPU;
    uint64_t units = 0;
    int rc = topo_json_need(o->doc, v, "name", TOPO_JSON_STRING, &m, o->err);
    if (!rc) rc = text_field(o, v, "name", info.name, sizeof info.name);
    if (!rc) rc = text_field(o, v, "model", info.model, sizeof info.model);
    if (!rc) rc = text_field(o, v, "pci", info.pci, sizeof info.pci);
    if (!rc) rc = text_field(o, v, "parent", parent, sizeof parent);
    if (!rc && (m = topo_json_get(o->doc, v, "kind")))
        rc = word(o, m, kind_name, WEIR_TOPO_DEVICE_OTHER + 1, &kind);
    if (!rc && (m = topo_json_get(o->doc, v, "bytes")))
        rc = topo_json_bytes(o->doc, m, &info.bytes, o->err);
    if (!rc && (m = topo_json_get(o->doc, v, "compute_units")))
        rc = topo_json_u64(o->doc, m, 1000000, &units, o->err);
    if (!rc && (m = topo_json_get(o->doc, v, "link_bytes_per_s")))
        rc = topo_json_u64(o->doc, m, UINT64_C(1) << 60, &info.link_bytes_per_s, o->err);
    info.kind = (enum weir_topo_device_kind)kind;
    info.compute_units = (uint32_t)units;
    for (uint32_t k = 0; !rc && parent[0] && k < raw->device_count; k++)
        if (!strcmp(raw->devices[k].info.name, parent)) info.parent = k;
    if (!rc && parent[0] && info.parent == WEIR_TOPO_NONE)
        rc = topo_json_fail(o->doc, v, o->err, "parent \"%s\" is not a device before this one",
                            parent);
    for (uint32_t k = 0; !rc && k < raw->device_count; k++)
        if (!strcmp(raw->devices[k].info.name, info.name))
            rc = topo_json_fail(o->doc, v, o->err, "a device \"%s\" exists already", info.name);
    if (rc) return rc;
    if (!topo_grow(&raw->devices, capacity, (size_t)raw->device_count + 1, sizeof *raw->devices))
        return topo_fail_nomem(o->err, "reading an overlay");
    raw->devices[raw->device_count] = (struct topo_raw_device){.info = info};
    raw->device_count++;
    m = topo_json_get(o->doc, v, "cpus");
    return m ? cpus(o, m, &raw->devices[raw->device_count - 1].near) : 0;
}

static int read_distances(const struct overlay *o, const struct topo_json_value *v)
{
    uint32_t n = o->raw->node_count, row = 0;
    if (v->type != TOPO_JSON_ARRAY || v->count != n)
        return topo_json_fail(o->doc, v, o->err,
                              "\"distances\" must have one row for each of the %u nodes", n);
    uint16_t *matrix = topo_calloc((size_t)n * n, sizeof *matrix);
    if (!matrix) return topo_fail_nomem(o->err, "reading an overlay");
    int rc = 0;
    for (const struct topo_json_value *r = topo_json_first(o->doc, v); r && !rc;
         r = topo_json_next(o->doc, r), row++) {
        uint32_t column = 0;
        if (r->type != TOPO_JSON_ARRAY || r->count != n)
            rc = topo_json_fail(o->doc, r, o->err, "this row must have %u numbers", n);
        for (const struct topo_json_value *c = topo_json_first(o->doc, r); c && !rc;
             c = topo_json_next(o->doc, c), column++) {
            uint64_t d = 0;
            rc = topo_json_u64(o->doc, c, 1000, &d, o->err);
            if (!rc && d < 10)
                rc = topo_json_fail(o->doc, c, o->err, "a distance is from 10 (local) to 1000");
            matrix[(size_t)row * n + column] = (uint16_t)d;
        }
    }
    if (rc) {
        topo_free(matrix);
        return rc;
    }
    topo_free(o->raw->node_distance);
    o->raw->node_distance = matrix;
    return 0;
}

static int read_limits(const struct overlay *o, const struct topo_json_value *v)
{
    const struct topo_json_value *m;
    uint64_t n = 0;
    int rc = 0;
    if ((m = topo_json_get(o->doc, v, "milli_cu"))) {
        rc = topo_json_u64(o->doc, m, UINT32_MAX, &n, o->err);
        if (!rc && !n)
            rc = topo_json_fail(o->doc, m, o->err, "a CPU limit must be at least 1 milli-CU");
        if (rc) return rc;
        o->raw->limit_milli_cu = n;
        snprintf(o->raw->limit_cpu_source, sizeof o->raw->limit_cpu_source, "overlay");
    }
    if ((m = topo_json_get(o->doc, v, "memory_bytes"))) {
        rc = topo_json_bytes(o->doc, m, &n, o->err);
        if (rc) return rc;
        o->raw->limit_memory_bytes = n;
        snprintf(o->raw->limit_memory_source, sizeof o->raw->limit_memory_source, "overlay");
    }
    return 0;
}

static int read_pus(const struct overlay *o, const struct topo_json_value *v, bool reserve)
{
    uint8_t *in = NULL;
    int rc = cpus(o, v, &in);
    for (uint32_t p = 0; !rc && p < o->raw->pu_count; p++) {
        if (reserve)
            o->raw->pus[p].reserved |= in[p] != 0;
        else
            o->raw->pus[p].allowed &= in[p] != 0;
    }
    topo_free(in);
    return rc;
}

static int each(const struct overlay *o, const struct topo_json_value *list, size_t *capacity)
{
    if (list->type != TOPO_JSON_ARRAY)
        return topo_json_fail(o->doc, list, o->err, "\"%s\" must be an array", list->key);
    int rc = 0;
    for (const struct topo_json_value *v = topo_json_first(o->doc, list); v && !rc;
         v = topo_json_next(o->doc, v)) {
        if (v->type != TOPO_JSON_OBJECT)
            return topo_json_fail(o->doc, v, o->err, "an object is expected here");
        if (!strcmp(list->key, "nodes"))
            rc = read_node(o, v);
        else if (!strcmp(list->key, "cores"))
            rc = read_cores(o, v);
        else
            rc = read_device(o, v, capacity);
    }
    return rc;
}

static int index_pus(struct overlay *o)
{
    topo_free(o->pu_of_os);
    o->os_limit = 0;
    for (uint32_t p = 0; p < o->raw->pu_count; p++)
        if (o->raw->pus[p].os >= o->os_limit) o->os_limit = o->raw->pus[p].os + 1;
    o->pu_of_os = topo_calloc(o->os_limit, sizeof *o->pu_of_os);
    if (!o->pu_of_os) return topo_fail_nomem(o->err, "reading an overlay");
    for (uint32_t p = 0; p < o->raw->pu_count; p++) o->pu_of_os[o->raw->pus[p].os] = p + 1;
    return 0;
}

static int remove_pus(struct overlay *o, const struct topo_json_value *v)
{
    uint8_t *gone = NULL;
    int rc = cpus(o, v, &gone);
    if (!rc) rc = topo_raw_remove_pus(o->raw, gone, o->err);
    if (rc && gone) rc = topo_json_at(o->doc, v, o->err);
    topo_free(gone);
    return rc ? rc : index_pus(o);
}

static int member(struct overlay *o, const struct topo_json_value *v, size_t *capacity)
{
    if (!strcmp(v->key, "nodes") || !strcmp(v->key, "cores") || !strcmp(v->key, "devices"))
        return each(o, v, capacity);
    if (!strcmp(v->key, "distances")) return read_distances(o, v);
    if (!strcmp(v->key, "limits")) return read_limits(o, v);
    if (!strcmp(v->key, "allowed") || !strcmp(v->key, "reserved"))
        return read_pus(o, v, !strcmp(v->key, "reserved"));
    if (!strcmp(v->key, "title"))
        return text_field(o, o->root, "title", o->raw->title, sizeof o->raw->title);
    if (!strcmp(v->key, "remove") || !strcmp(v->key, "comment") || !strcmp(v->key, "synthetic"))
        return 0;
    return topo_json_fail(o->doc, v, o->err,
                          "unknown member \"%s\"; known: remove, nodes, cores, devices, distances, "
                          "limits, allowed, reserved, "
                          "title, comment",
                          v->key);
}

int topo_overlay_apply(struct topo_raw *raw, const struct topo_json *doc,
                       const struct topo_json_value *root, struct weir_topo_error *err)
{
    struct overlay o = {.doc = doc, .root = root, .raw = raw, .err = err};
    size_t capacity = raw->device_count;
    if (root->type != TOPO_JSON_OBJECT)
        return topo_json_fail(doc, root, err, "an overlay is an object");
    int rc = index_pus(&o);
    const struct topo_json_value *gone = topo_json_get(doc, root, "remove");
    if (!rc && gone) rc = remove_pus(&o, gone);
    for (const struct topo_json_value *v = topo_json_first(doc, root); v && !rc;
         v = topo_json_next(doc, v))
        rc = member(&o, v, &capacity);
    topo_free(o.pu_of_os);
    return rc;
}
