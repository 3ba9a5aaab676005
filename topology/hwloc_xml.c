/* The machine as an XML file that stock hwloc reads and lstopo draws: packages, a Group for each
   domain of a package that has several, L3 caches, cores, PUs; nodes hang below the object whose
   PUs are theirs. A plan adds a colour to every PU that is used and a Misc object with the
   partition's name below its first PU. */
#include "topology/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const struct weir_topo_machine *m;
    const struct weir_topo_plan *plan;
    struct weir_topo_text *t;
    uint32_t *user;     /* per PU: first partition there + 1 */
    uint8_t *node_done; /* per pool */
    uint32_t gp_index;
    bool failed;
};

static bool node_has(const struct weir_topo_machine *m, uint32_t pool, uint32_t pu)
{
    return m->local[(size_t)m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA] * m->pool_count + pool];
}

static void set_attribute(struct writer *w, const char *name, hwloc_const_bitmap_t set)
{
    char *text = NULL;
    if (hwloc_bitmap_asprintf(&text, set) < 0) {
        w->failed = true;
        return;
    }
    topo_text(w->t, " %s=\"", name);
    topo_text_raw(w->t, text, strlen(text));
    topo_text(w->t, "\"");
    free(text);
}

static void sets(struct writer *w, hwloc_const_bitmap_t cpus, hwloc_const_bitmap_t nodes)
{
    set_attribute(w, "cpuset", cpus);
    set_attribute(w, "complete_cpuset", cpus);
    set_attribute(w, "nodeset", nodes);
    set_attribute(w, "complete_nodeset", nodes);
    topo_text(w->t, " gp_index=\"%u\"", ++w->gp_index);
}

/* The PUs of LIST, and the nodes local to any of them. */
static void collect(const struct writer *w, const uint32_t *list, uint32_t count,
                    hwloc_bitmap_t cpus, hwloc_bitmap_t nodes)
{
    hwloc_bitmap_zero(cpus);
    hwloc_bitmap_zero(nodes);
    uint32_t last = WEIR_TOPO_NONE;
    for (uint32_t k = 0; k < count; k++) {
        hwloc_bitmap_set(cpus, w->m->pus[list[k]].os_index);
        uint32_t d = w->m->pus[list[k]].unit[WEIR_TOPO_SCOPE_NUMA];
        for (uint32_t p = 0; p < w->m->pool_count && d != last; p++)
            if (w->m->local[(size_t)d * w->m->pool_count + p])
                hwloc_bitmap_set(nodes, w->m->pools[p].node);
        last = d;
    }
}

static void node_object(struct writer *w, uint32_t pool, hwloc_const_bitmap_t cpus,
                        hwloc_bitmap_t nodes)
{
    const struct weir_topo_pool *p = &w->m->pools[pool];
    hwloc_bitmap_only(nodes, p->node);
    topo_text(w->t, "<object type=\"NUMANode\" os_index=\"%u\"", p->node);
    if (p->tier == WEIR_TOPO_TIER_HBM) topo_text(w->t, " subtype=\"HBM\"");
    if (p->tier == WEIR_TOPO_TIER_NVM) topo_text(w->t, " subtype=\"NVM\"");
    if (p->tier == WEIR_TOPO_TIER_CXL) topo_text(w->t, " subtype=\"CXL-DRAM\"");
    if (p->tier == WEIR_TOPO_TIER_GPU) topo_text(w->t, " subtype=\"GPUMemory\"");
    sets(w, cpus, nodes);
    uint64_t bytes = 0;
    for (uint32_t k = pool; k < w->m->pool_count && w->m->pools[k].node == p->node; k++)
        bytes += w->m->pools[k].total_bytes;
    topo_text(w->t, " local_memory=\"%" PRIu64 "\">", bytes);
    uint64_t granted = 0;
    for (uint32_t k = pool; k < w->m->pool_count && w->m->pools[k].node == p->node; k++) {
        topo_text(w->t, "<page_type size=\"%" PRIu64 "\" count=\"%" PRIu64 "\"/>",
                  w->m->pools[k].page_bytes,
                  w->m->pools[k].total_bytes / w->m->pools[k].page_bytes);
        if (w->plan) granted += w->plan->pool_granted[k];
        w->node_done[k] = 1;
    }
    if (hwloc_bitmap_iszero(cpus)) /* hwloc counts such a node to the CPUs of its parent */
        topo_text(w->t, "<info name=\"WeirLocalCPUs\" value=\"none\"/>");
    if (w->plan)
        topo_text(w->t, "<info name=\"WeirGrantedBytes\" value=\"%" PRIu64 "\"/>", granted);
    topo_text(w->t, "</object>\n");
}

/* The nodes whose PUs are exactly those of LIST (with ALL also those that have none). */
static void nodes_here(struct writer *w, const uint32_t *list, uint32_t count, bool all,
                       hwloc_const_bitmap_t cpus)
{
    hwloc_bitmap_t one = hwloc_bitmap_alloc(), none = hwloc_bitmap_alloc();
    if (!one || !none) w->failed = true;
    for (uint32_t p = 0; !w->failed && p < w->m->pool_count; p++) {
        if (w->node_done[p]) continue;
        uint32_t mine = 0, others = 0;
        for (uint32_t k = 0; k < count; k++) mine += node_has(w->m, p, list[k]);
        for (uint32_t d = 0; d < w->m->domain_count; d++)
            if (w->m->local[(size_t)d * w->m->pool_count + p])
                others += w->m->units[WEIR_TOPO_SCOPE_NUMA].first[d + 1] -
                          w->m->units[WEIR_TOPO_SCOPE_NUMA].first[d];
        if ((mine == count && others == mine) || (all && !others))
            node_object(w, p, others ? cpus : none, one);
    }
    hwloc_bitmap_free(one);
    hwloc_bitmap_free(none);
}

static void pu_object(struct writer *w, uint32_t pu, hwloc_const_bitmap_t cpus,
                      hwloc_const_bitmap_t nodes)
{
    topo_text(w->t, "<object type=\"PU\" os_index=\"%u\"", w->m->pus[pu].os_index);
    sets(w, cpus, nodes);
    topo_text(w->t, ">");
    if (w->plan && w->user[pu]) {
        const struct weir_topo_partition *p = &w->plan->partitions[w->user[pu] - 1];
        topo_text(w->t, "<info name=\"lstopoStyle\" value=\"Background=#%06x\"/>",
                  topo_partition_colour(w->plan, w->user[pu] - 1));
        if (w->plan->pu_list[p->pu_first] == pu) {
            topo_text(w->t, "<object type=\"Misc\" name=\"");
            topo_text_xml(w->t, w->plan->streams[p->stream].name);
            topo_text(w->t, "[%u]\" gp_index=\"%u\"/>", p->index, ++w->gp_index);
        }
    }
    topo_text(w->t, "</object>\n");
}

static const char *const types[] = {"Machine", "Package", "Group", "L3Cache", "Core", "PU"};

/* The units of the next level below LEVEL in LIST become objects; a level that adds nothing is left
 * out. */
static void object(struct writer *w, int level, const uint32_t *list, uint32_t count);

static uint32_t unit_at(const struct weir_topo_machine *m, int level, uint32_t pu)
{
    static const int scope[] = {-1,
                                WEIR_TOPO_SCOPE_PACKAGE,
                                WEIR_TOPO_SCOPE_NUMA,
                                WEIR_TOPO_SCOPE_L3,
                                WEIR_TOPO_SCOPE_CORE,
                                WEIR_TOPO_SCOPE_PU};
    return m->pus[pu].unit[scope[level]];
}

static void children(struct writer *w, int level, const uint32_t *list, uint32_t count)
{
    if (level == 5) return;
    uint8_t *used = topo_calloc(count, 1);
    uint32_t *part = topo_calloc(count, sizeof *part);
    if (!used || !part) w->failed = true;
    for (uint32_t k = 0; !w->failed && k < count; k++) {
        if (used[k]) continue;
        uint32_t unit = unit_at(w->m, level + 1, list[k]), n = 0;
        for (uint32_t j = k; j < count; j++)
            if (!used[j] && unit_at(w->m, level + 1, list[j]) == unit) {
                part[n++] = list[j];
                used[j] = 1;
            }
        object(w, level + 1, part, n);
    }
    topo_free(used);
    topo_free(part);
}

static void object(struct writer *w, int level, const uint32_t *list, uint32_t count)
{
    const struct weir_topo_machine *m = w->m;
    bool whole_l3 = level == 3 &&
                    m->units[WEIR_TOPO_SCOPE_L3].first[unit_at(m, 3, list[0]) + 1] -
                            m->units[WEIR_TOPO_SCOPE_L3].first[unit_at(m, 3, list[0])] ==
                        count &&
                    m->l3_bytes[unit_at(m, 3, list[0])];
    uint32_t package_pus = m->units[WEIR_TOPO_SCOPE_PACKAGE].first[unit_at(m, 1, list[0]) + 1] -
                           m->units[WEIR_TOPO_SCOPE_PACKAGE].first[unit_at(m, 1, list[0])];
    if ((level == 3 && !whole_l3) || (level == 2 && count == package_pus)) {
        children(w, level, list, count);
        return;
    }
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc(), nodes = hwloc_bitmap_alloc();
    if (!cpus || !nodes || w->failed) {
        w->failed = true;
        goto out;
    }
    collect(w, list, count, cpus, nodes);
    if (level == 5) {
        pu_object(w, list[0], cpus, nodes);
        goto out;
    }
    topo_text(w->t, "<object type=\"%s\"", types[level]);
    if (level != 2 && level != 3)
        topo_text(w->t, " os_index=\"%u\"", level ? unit_at(m, level, list[0]) : 0);
    if (level == 0) { /* all nodes, also those without PUs */
        for (uint32_t p = 0; p < m->pool_count; p++) hwloc_bitmap_set(nodes, m->pools[p].node);
        sets(w, cpus, nodes);
        for (uint32_t p = 0; p < m->pool_count; p++)
            if (!m->pools[p].huge && !m->pools[p].usable_bytes)
                hwloc_bitmap_clr(nodes, m->pools[p].node);
        set_attribute(w, "allowed_nodeset", nodes);
        for (uint32_t k = 0; k < count; k++)
            if (!weir_topo_pu_usable(m, list[k])) hwloc_bitmap_clr(cpus, m->pus[list[k]].os_index);
        set_attribute(w, "allowed_cpuset", cpus);
        collect(w, list, count, cpus, nodes);
    } else {
        sets(w, cpus, nodes);
    }
    if (level == 3)
        topo_text(w->t,
                  " cache_size=\"%" PRIu64
                  "\" depth=\"3\" cache_linesize=\"64\" cache_associativity=\"0\" cache_type=\"0\"",
                  m->l3_bytes[unit_at(m, 3, list[0])]);
    if (level == 2) topo_text(w->t, " kind=\"0\" subkind=\"0\" dont_merge=\"1\"");
    topo_text(w->t, ">\n");
    if (level <= 2) nodes_here(w, list, count, level == 0, cpus);
    children(w, level, list, count);
    topo_text(w->t, "</object>\n");
out:
    hwloc_bitmap_free(cpus);
    hwloc_bitmap_free(nodes);
}

static void distances(struct writer *w)
{
    uint32_t n = 0;
    struct weir_topo_text index = {0}, values = {0};
    for (uint32_t i = 0; i < w->m->pool_count; i++) {
        if (i && w->m->pools[i].node == w->m->pools[i - 1].node) continue;
        topo_text(&index, "%u ", w->m->pools[i].node);
        n++;
        /* the distances of a node are those of a domain that has it, best of one that has no other:
           where a domain has several nodes, the nearest of them counts */
        uint32_t home = WEIR_TOPO_NONE, fewest = UINT32_MAX;
        for (uint32_t d = 0; d < w->m->domain_count; d++) {
            const bool *local = w->m->local + (size_t)d * w->m->pool_count;
            uint32_t own = 0;
            for (uint32_t j = 0; local[i] && j < w->m->pool_count; j++) own += local[j];
            if (!local[i] || own >= fewest) continue;
            home = d;
            fewest = own;
        }
        for (uint32_t j = 0; j < w->m->pool_count; j++) {
            if (j && w->m->pools[j].node == w->m->pools[j - 1].node) continue;
            uint32_t v = i == j ? 10
                         : home == WEIR_TOPO_NONE
                             ? 20
                             : w->m->distance[(size_t)home * w->m->pool_count + j];
            topo_text(&values, "%u ", v);
        }
    }
    if (n > 1 && index.data && values.data) {
        topo_text(w->t,
                  "<distances2 type=\"NUMANode\" nbobjs=\"%u\" kind=\"5\" name=\"NUMALatency\" "
                  "indexing=\"os\">\n",
                  n);
        topo_text(w->t, "<indexes length=\"%zu\">", index.length);
        topo_text_raw(w->t, index.data, index.length);
        topo_text(w->t, "</indexes>\n<u64values length=\"%zu\">", values.length);
        topo_text_raw(w->t, values.data, values.length);
        topo_text(w->t, "</u64values>\n</distances2>\n");
    }
    w->failed |= index.failed || values.failed;
    weir_topo_text_free(&index);
    weir_topo_text_free(&values);
}

static void core_kinds(struct writer *w)
{
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    if (!cpus) w->failed = true;
    for (uint32_t k = 0; cpus && w->m->kind_count > 1 && k < w->m->kind_count; k++) {
        hwloc_bitmap_zero(cpus);
        for (uint32_t p = 0; p < w->m->pu_count; p++)
            if (w->m->pus[p].kind == k) hwloc_bitmap_set(cpus, w->m->pus[p].os_index);
        topo_text(w->t, "<cpukind");
        set_attribute(w, "cpuset", cpus);
        topo_text(w->t, "><info name=\"LinuxCapacity\" value=\"%u\"/></cpukind>\n",
                  w->m->kind_capacity_milli_cu[k]);
    }
    hwloc_bitmap_free(cpus);
}

int topo_hwloc_xml(const struct weir_topo_machine *m, const struct weir_topo_plan *plan,
                   struct weir_topo_text *t, struct weir_topo_error *err)
{
    struct writer w = {.m = m, .plan = plan, .t = t};
    uint32_t *all = topo_calloc(m->pu_count, sizeof *all);
    w.user = topo_calloc(m->pu_count, sizeof *w.user);
    w.node_done = topo_calloc(m->pool_count, 1);
    int rc = all && w.user && w.node_done ? 0 : topo_fail_nomem(err, "writing XML");
    for (uint32_t p = 0; !rc && p < m->pu_count; p++) all[p] = p;
    for (uint32_t i = plan && !rc ? plan->partition_count : 0; i-- > 0;)
        for (uint32_t k = 0; k < plan->partitions[i].pu_count; k++)
            w.user[plan->pu_list[plan->partitions[i].pu_first + k]] = i + 1;
    if (!rc) {
        topo_text(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM "
                     "\"hwloc2.dtd\">\n<topology version=\"2.0\">\n");
        object(&w, 0, all, m->pu_count);
        distances(&w);
        core_kinds(&w);
        topo_text(t, "</topology>\n");
        rc = w.failed ? topo_fail_nomem(err, "writing XML") : topo_text_done(t, err);
    }
    topo_free(all);
    topo_free(w.user);
    topo_free(w.node_done);
    return rc;
}
