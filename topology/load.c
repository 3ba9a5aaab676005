/* Finding the machine: the source string decides between live, shipped file, XML file and synthetic
   string; then the limits and the caller's cpuset, reservations and overlay narrow it. */
#include "topology/builtin.h"
#include "topology/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define XML_MAX_BYTES ((size_t)256 << 20)

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcasecmp(s + n - k, suffix);
}

static int setup(hwloc_topology_t t, bool io, struct weir_topo_error *err)
{
    /* Fails where hwloc has no such component (any more: pocl's own use of hwloc drops it), which
     * is as good. */
    (void)hwloc_topology_set_components(t, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "opencl");
    if (hwloc_topology_set_io_types_filter(t, io ? HWLOC_TYPE_FILTER_KEEP_IMPORTANT
                                                 : HWLOC_TYPE_FILTER_KEEP_NONE) < 0 ||
        hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) < 0)
        return topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno,
                               "this hwloc refuses its configuration");
    return WEIR_TOPO_OK;
}

/* Say what is wrong with an XML file that hwloc refused: not XML, a newer format, something else.
 */
static int xml_refused(const char *path, const char *text, struct weir_topo_error *err)
{
    const char *tag = strstr(text, "<topology");
    if (!tag)
        return topo_fail(err, WEIR_TOPO_ERR_PARSE,
                         "%s is no hwloc XML file: it has no <topology> element", path);
    if (!strncmp(tag, "<topology version=\"3", 20) && HWLOC_API_VERSION < 0x00030000)
        return topo_fail(err, WEIR_TOPO_ERR_UNSUPPORTED,
                         "%s is in hwloc's format 3, and this program is built with hwloc %x.%x, "
                         "which reads format 2; "
                         "write it again with: lstopo --export-xml-flags v2 FILE.xml",
                         path, HWLOC_API_VERSION >> 16, (HWLOC_API_VERSION >> 8) & 0xff);
    return topo_fail(err, WEIR_TOPO_ERR_PARSE, "%s: hwloc cannot read it (broken or truncated XML)",
                     path);
}

static int load_xml(hwloc_topology_t t, const char *path, struct weir_topo_error *err)
{
    char *text = NULL;
    size_t n = 0;
    int rc = topo_read_file(path, XML_MAX_BYTES, &text, &n, err);
    if (rc) return rc;
    if (hwloc_topology_set_xmlbuffer(t, text, (int)n + 1) < 0 || hwloc_topology_load(t) < 0)
        rc = xml_refused(path, text, err);
    topo_free(text);
    return rc;
}

static int load_synthetic(hwloc_topology_t t, const char *text, struct weir_topo_error *err)
{
    const char *why = "is not a synthetic description that hwloc reads (example: \"pack:2 numa:1 "
                      "l3:1 core:8 pu:2\")";
    /* hwloc allocates what the numbers say before it looks at anything else: bound their product
     * here */
    uint64_t pus = 1;
    for (const char *p = text; (p = strchr(p, ':')); p++) {
        uint64_t k = strtoull(p + 1, NULL, 10);
        if (k > (1u << 20) || (k && pus * k > (1u << 20)))
            return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                             "machine '%s' has more than 2^20 processing units", text);
        if (k) pus *= k;
    }
    if (hwloc_topology_set_synthetic(t, text) < 0 || hwloc_topology_load(t) < 0)
        return topo_fail(err, WEIR_TOPO_ERR_PARSE,
                         "machine '%s' %s; a file name must end in .xml or .json", text, why);
    return WEIR_TOPO_OK;
}

static int read_hwloc(const char *source, bool live, bool io, struct topo_raw *raw,
                      struct weir_topo_error *err)
{
    hwloc_topology_t t;
    if (hwloc_topology_init(&t) < 0) return topo_fail_nomem(err, "starting hwloc");
    int rc = setup(t, io, err);
    if (!rc && live && hwloc_topology_load(t) < 0)
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno,
                             "hwloc cannot read this machine");
    if (!rc && !live)
        rc = ends_with(source, ".xml") ? load_xml(t, source, err) : load_synthetic(t, source, err);
    if (!rc) rc = topo_raw_from_hwloc(t, live, raw, err);
    hwloc_topology_destroy(t);
    return rc;
}

/* A machine file of our own: a synthetic string and what it cannot say, in one JSON document. */
int topo_raw_from_json(const struct topo_json *doc, const struct topo_json_value *root,
                       struct topo_raw *raw, struct weir_topo_error *err)
{
    const struct topo_json_value *synthetic;
    int rc = topo_json_need(doc, root, "synthetic", TOPO_JSON_STRING, &synthetic, err);
    if (rc) return rc;
    rc = read_hwloc(synthetic->text, false, false, raw, err);
    return rc ? topo_json_at(doc, synthetic, err) : topo_overlay_apply(raw, doc, root, err);
}

static int read_builtin(const char *name, struct topo_raw *raw, struct weir_topo_error *err)
{
    const struct topo_builtin *found = NULL;
    struct topo_json doc;
    for (uint32_t k = 0; k < topo_builtin_count && !found; k++)
        if (!strcmp(topo_builtins[k].name, name)) found = &topo_builtins[k];
    if (!found)
        return topo_fail(
            err, WEIR_TOPO_ERR_INVALID,
            "there is no shipped machine '%s'; the names are listed by: weir topo show --list",
            name);
    int rc = topo_json_parse(found->json, strlen(found->json), name, &doc, err);
    if (rc) return rc;
    rc = topo_raw_from_json(&doc, &doc.values[0], raw, err);
    topo_json_clear(&doc);
    return rc;
}

const char *weir_topo_builtin_name(uint32_t index)
{
    return index < topo_builtin_count ? topo_builtins[index].name : NULL;
}

static int read_json_machine(const char *path, struct topo_raw *raw, struct weir_topo_error *err)
{
    struct topo_json doc;
    int rc = topo_json_load(path, &doc, err);
    if (rc) return rc;
    rc = topo_raw_from_json(&doc, &doc.values[0], raw, err);
    topo_json_clear(&doc);
    return rc;
}

static int read_source(const struct weir_topo_machine_options *o, struct topo_raw *raw,
                       struct weir_topo_error *err)
{
    const char *source = o->source && *o->source ? o->source : "live";
    bool live = !strcmp(source, "live");
    int rc;
    if (!strncmp(source, "builtin:", 8))
        rc = read_builtin(source + 8, raw, err);
    else if (ends_with(source, ".json"))
        rc = read_json_machine(source, raw, err);
    else
        rc = read_hwloc(source, live, !live || o->devices, raw, err);
    if (rc) return rc;
    if (live && !o->ignore_limits) topo_read_limits(raw);
    snprintf(raw->name, sizeof raw->name, "%.*s", (int)sizeof raw->name - 1, source);
    return WEIR_TOPO_OK;
}

static int read_overlay(const char *path, struct topo_raw *raw, struct weir_topo_error *err)
{
    struct topo_json doc;
    int rc = topo_json_load(path, &doc, err);
    if (rc) return rc;
    rc = topo_overlay_apply(raw, &doc, &doc.values[0], err);
    topo_json_clear(&doc);
    return rc;
}

/* Mark the PUs of LIST: RESERVE them, or forbid all others. */
static int narrow(struct topo_raw *raw, const char *text, const char *label, bool reserve,
                  struct weir_topo_error *err)
{
    uint32_t *list = NULL;
    size_t n = 0;
    int rc = topo_parse_list(text, label, &list, &n, err);
    if (rc) return rc;
    size_t known = 0, left = 0;
    for (uint32_t p = 0; p < raw->pu_count; p++) {
        size_t lo = 0, hi = n;
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (list[mid] < raw->pus[p].os)
                lo = mid + 1;
            else
                hi = mid;
        }
        bool in = lo < n && list[lo] == raw->pus[p].os;
        known += in;
        if (reserve)
            raw->pus[p].reserved |= in;
        else
            raw->pus[p].allowed &= in;
        left += raw->pus[p].allowed && !raw->pus[p].reserved;
    }
    topo_free(list);
    if (known < n)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "%s '%s' names %zu PUs that machine %s does not have", label, text,
                         n - known, raw->name);
    if (!left)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "%s '%s' leaves no PU to run on", label, text);
    return WEIR_TOPO_OK;
}

int topo_raw_load(const struct weir_topo_machine_options *o, struct topo_raw *raw,
                  struct weir_topo_error *err)
{
    int rc = read_source(o, raw, err);
    if (!rc && o->overlay) rc = read_overlay(o->overlay, raw, err);
    if (!rc && o->cpuset) rc = narrow(raw, o->cpuset, "--cpuset", false, err);
    if (!rc && o->reserve) rc = narrow(raw, o->reserve, "--reserve", true, err);
    if (!rc && o->leases)
        rc = topo_lease_subtract(*o->leases ? o->leases : weir_topo_lease_directory(), raw, err);
    if (!rc && o->limit_memory_bytes && o->limit_memory_bytes < raw->limit_memory_bytes) {
        raw->limit_memory_bytes = o->limit_memory_bytes;
        snprintf(raw->limit_memory_source, sizeof raw->limit_memory_source, "--limit-memory");
    }
    if (!rc && o->limit_milli_cu && o->limit_milli_cu < raw->limit_milli_cu) {
        raw->limit_milli_cu = o->limit_milli_cu;
        snprintf(raw->limit_cpu_source, sizeof raw->limit_cpu_source, "--limit-cpu");
    }
    return rc;
}

int weir_topo_machine_load(const struct weir_topo_machine_options *options,
                           struct weir_topo_machine **out, struct weir_topo_error *err)
{
    static const struct weir_topo_machine_options none;
    struct topo_raw raw = {0};
    *out = NULL;
    int rc = topo_raw_load(options ? options : &none, &raw, err);
    if (!rc) rc = topo_machine_build(&raw, out, err);
    topo_raw_clear(&raw);
    return rc;
}
