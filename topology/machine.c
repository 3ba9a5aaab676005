/* From a raw description (whatever the source) to the machine: units of every scope as PU lists,
   capacities, domains, pools, distances and the fingerprint.

   Domains come out of partition refinement: all PUs start in one class, and every NUMA node splits
   each class into the PUs that are local to it and those that are not. What is left together has
   the same local node set. Classes are numbered by their first PU, so the result does not depend on
   the order of the nodes.

   A core's capacity is shared by its usable siblings only: one thread of a core that is alone in
   the cpuset gets all of it, which is also what a machine without the sibling would say. */
#include "topology/canon.h"

#include <stdlib.h>
#include <string.h>

#define IMPLAUSIBLE_BYTES                                                                          \
    (UINT64_C(64) << 40) /* a single node above this is a firmware bug (390 TB was seen) */

void topo_raw_clear(struct topo_raw *raw)
{
    for (uint32_t i = 0; raw->devices && i < raw->device_count; i++)
        topo_free(raw->devices[i].near);
    topo_free(raw->pus);
    topo_free(raw->nodes);
    topo_free(raw->node_pu);
    topo_free(raw->node_distance);
    topo_free(raw->devices);
    topo_free(raw->l3_bytes);
    *raw = (struct topo_raw){0};
}

void weir_topo_machine_free(struct weir_topo_machine *m)
{
    if (!m) return;
    for (int s = 0; s < WEIR_TOPO_SCOPE_COUNT; s++) {
        topo_free(m->units[s].first);
        topo_free(m->units[s].pus);
        topo_free(m->units[s].capacity_milli_cu);
    }
    topo_free(m->pus);
    topo_free(m->pu_of_os);
    topo_free(m->l3_bytes);
    topo_free(m->pools);
    topo_free(m->distance);
    topo_free(m->local);
    topo_free(m->devices);
    topo_canon_free(m->canon);
    topo_free(m);
}

/* ---- units: renumber arbitrary labels by first appearance, then list the PUs of each */

struct label {
    uint32_t key, pu;
};

static int compare_label(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->pu > y->pu) - (x->pu < y->pu);
}

static int compare_label_pu(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    return (x->pu > y->pu) - (x->pu < y->pu);
}

/* LABELS (pu_count, key per PU in PU order) become units of SCOPE; scratch holds pu_count. */
static int build_units(struct weir_topo_machine *m, enum weir_topo_scope scope,
                       struct label *labels, struct label *firsts, struct weir_topo_error *err)
{
    struct weir_topo_units *u = &m->units[scope];
    uint32_t n = m->pu_count, count = 0;
    qsort(labels, n, sizeof *labels, compare_label);
    for (uint32_t i = 0; i < n; i++)
        if (!i || labels[i].key != labels[i - 1].key) firsts[count++] = labels[i];
    qsort(firsts, count, sizeof *firsts, compare_label_pu);
    u->count = count;
    u->first = topo_calloc((size_t)count + 1, sizeof *u->first);
    u->pus = topo_calloc(n, sizeof *u->pus);
    u->capacity_milli_cu = topo_calloc(count, sizeof *u->capacity_milli_cu);
    if (!u->first || !u->pus || !u->capacity_milli_cu)
        return topo_fail_nomem(err, "building the machine");
    /* labels are sorted by key and then PU: unit by unit through a binary search for its key */
    uint32_t at = 0;
    for (uint32_t c = 0; c < count; c++) {
        uint32_t lo = 0, hi = n;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (labels[mid].key < firsts[c].key)
                lo = mid + 1;
            else
                hi = mid;
        }
        u->first[c] = at;
        for (uint32_t i = lo; i < n && labels[i].key == firsts[c].key; i++) {
            u->pus[at++] = labels[i].pu;
            m->pus[labels[i].pu].unit[scope] = c;
        }
    }
    u->first[count] = at;
    return WEIR_TOPO_OK;
}

static uint32_t raw_label(const struct topo_raw *raw, const uint32_t *domain, int scope,
                          uint32_t pu)
{
    switch (scope) {
    case WEIR_TOPO_SCOPE_PU: return pu;
    case WEIR_TOPO_SCOPE_CORE: return raw->pus[pu].core;
    case WEIR_TOPO_SCOPE_L3: return raw->pus[pu].l3;
    case WEIR_TOPO_SCOPE_NUMA: return domain[pu];
    default: return raw->pus[pu].package;
    }
}

/* DOMAIN (pu_count) becomes a class number per PU. */
static int refine_domains(const struct topo_raw *raw, uint32_t *domain, struct weir_topo_error *err)
{
    uint32_t n = raw->pu_count, classes = 1;
    uint32_t *split = topo_calloc(n + 1, sizeof *split),
             *members = topo_calloc(n + 1, sizeof *members);
    uint32_t *inside = topo_calloc(n + 1, sizeof *inside);
    int rc = WEIR_TOPO_OK;
    if (!split || !members || !inside) {
        rc = topo_fail_nomem(err, "building the machine");
        goto out;
    }
    members[0] = n;
    for (uint32_t node = 0; node < raw->node_count; node++) {
        const uint8_t *in = raw->node_pu + (size_t)node * n;
        memset(inside, 0, (size_t)classes * sizeof *inside);
        for (uint32_t p = 0; p < n; p++) inside[domain[p]] += in[p];
        uint32_t before = classes;
        for (uint32_t c = 0; c < before; c++) {
            split[c] = c;
            if (!inside[c] || inside[c] == members[c]) continue;
            members[classes] = inside[c];
            members[c] -= inside[c];
            split[c] = classes++;
        }
        if (classes == before) continue;
        for (uint32_t p = 0; p < n; p++)
            if (in[p]) domain[p] = split[domain[p]];
    }
out:
    topo_free(split);
    topo_free(members);
    topo_free(inside);
    return rc;
}

static int build_all_units(const struct topo_raw *raw, struct weir_topo_machine *m,
                           struct weir_topo_error *err)
{
    uint32_t n = m->pu_count;
    struct label *labels = topo_calloc(n, sizeof *labels), *firsts = topo_calloc(n, sizeof *firsts);
    uint32_t *domain = topo_calloc(n, sizeof *domain);
    int rc =
        labels && firsts && domain ? WEIR_TOPO_OK : topo_fail_nomem(err, "building the machine");
    if (!rc) rc = refine_domains(raw, domain, err);
    for (int s = 0; !rc && s < WEIR_TOPO_SCOPE_COUNT; s++) {
        for (uint32_t p = 0; p < n; p++)
            labels[p] = (struct label){raw_label(raw, domain, s, p), p};
        rc = build_units(m, (enum weir_topo_scope)s, labels, firsts, err);
    }
    topo_free(labels);
    topo_free(firsts);
    topo_free(domain);
    return rc;
}

/* ---- capacities */

static void kinds(const struct topo_raw *raw, struct weir_topo_machine *m)
{
    for (uint32_t p = 0; p < m->pu_count; p++) {
        uint32_t c = raw->pus[p].core_capacity, k = 0;
        while (k < m->kind_count && m->kind_capacity_milli_cu[k] > c) k++;
        if (k < m->kind_count && m->kind_capacity_milli_cu[k] == c) continue;
        if (m->kind_count == 16) continue;
        memmove(m->kind_capacity_milli_cu + k + 1, m->kind_capacity_milli_cu + k,
                (m->kind_count - k) * sizeof *m->kind_capacity_milli_cu);
        m->kind_capacity_milli_cu[k] = c;
        m->kind_count++;
    }
    for (uint32_t p = 0; p < m->pu_count; p++) {
        uint32_t k = 0;
        while (k + 1 < m->kind_count && m->kind_capacity_milli_cu[k] > raw->pus[p].core_capacity)
            k++;
        m->pus[p].kind = (uint8_t)k;
    }
}

static void capacities(const struct topo_raw *raw, struct weir_topo_machine *m)
{
    const struct weir_topo_units *cores = &m->units[WEIR_TOPO_SCOPE_CORE];
    for (uint32_t c = 0; c < cores->count; c++) {
        uint32_t usable = 0, seen = 0;
        for (uint32_t i = cores->first[c]; i < cores->first[c + 1]; i++)
            usable += weir_topo_pu_usable(m, cores->pus[i]);
        for (uint32_t i = cores->first[c]; i < cores->first[c + 1]; i++) {
            uint32_t p = cores->pus[i], whole = raw->pus[p].core_capacity;
            if (!weir_topo_pu_usable(m, p)) continue;
            m->pus[p].capacity_milli_cu = whole / usable + (seen < whole % usable);
            seen++;
        }
    }
    for (uint32_t p = 0; p < m->pu_count; p++) {
        m->capacity_milli_cu += m->pus[p].capacity_milli_cu;
        for (int s = 0; s < WEIR_TOPO_SCOPE_COUNT; s++)
            m->units[s].capacity_milli_cu[m->pus[p].unit[s]] += m->pus[p].capacity_milli_cu;
    }
}

/* ---- pools */

static uint64_t base_page(const struct topo_raw_node *node)
{
    return node->page_bytes ? node->page_bytes : 4096;
}

static void set_pool(struct weir_topo_pool *pool, const struct topo_raw_node *node,
                     uint64_t page_bytes, uint64_t bytes, uint64_t substitute, uint64_t leased)
{
    *pool = (struct weir_topo_pool){.node = node->os, .tier = node->tier, .page_bytes = page_bytes};
    pool->huge = page_bytes != base_page(node);
    pool->total_bytes = bytes;
    pool->usable_bytes = bytes / page_bytes * page_bytes;
    snprintf(pool->source, sizeof pool->source, "%s", node->source);
    if (!node->allowed) {
        pool->usable_bytes = 0;
        snprintf(pool->source, sizeof pool->source, "not in cpuset.mems");
    } else if (bytes > IMPLAUSIBLE_BYTES) {
        pool->usable_bytes = substitute / page_bytes * page_bytes;
        snprintf(pool->source, sizeof pool->source, "implausible size, smallest other node used");
    }
    uint64_t held = (leased + page_bytes - 1) / page_bytes * page_bytes;
    if (!held) return;
    pool->usable_bytes = pool->usable_bytes > held ? pool->usable_bytes - held : 0;
    snprintf(pool->source, sizeof pool->source, "less what others lease");
}

/* What an implausible node is taken to have: the smallest plausible size of the other nodes of its
 * tier, or nothing. */
static uint64_t substitute_bytes(const struct topo_raw *raw, enum weir_topo_tier tier)
{
    uint64_t best = 0;
    for (uint32_t i = 0; i < raw->node_count; i++) {
        uint64_t b = raw->nodes[i].bytes;
        if (raw->nodes[i].tier == tier && b && b <= IMPLAUSIBLE_BYTES && (!best || b < best))
            best = b;
    }
    return best;
}

static int build_pools(const struct topo_raw *raw, struct weir_topo_machine *m,
                       uint32_t **node_of_pool, struct weir_topo_error *err)
{
    size_t most = (size_t)raw->node_count * (1 + TOPO_RAW_PAGES);
    m->pools = topo_calloc(most, sizeof *m->pools);
    *node_of_pool = topo_calloc(most, sizeof **node_of_pool);
    if (!m->pools || !*node_of_pool) return topo_fail_nomem(err, "building the memory pools");
    for (uint32_t i = 0; i < raw->node_count; i++) {
        const struct topo_raw_node *node = &raw->nodes[i];
        uint64_t huge = 0;
        for (int h = 0; h < TOPO_RAW_PAGES; h++)
            if (node->huge_page[h] > base_page(node) &&
                node->huge_count[h] <= node->bytes / node->huge_page[h])
                huge += node->huge_page[h] * node->huge_count[h];
        if (huge > node->bytes) huge = 0;
        set_pool(&m->pools[m->pool_count], node, base_page(node), node->bytes - huge,
                 substitute_bytes(raw, node->tier), node->leased);
        (*node_of_pool)[m->pool_count++] = i;
        for (int h = 0; huge && h < TOPO_RAW_PAGES; h++) {
            if (node->huge_page[h] <= base_page(node) || !node->huge_count[h]) continue;
            set_pool(&m->pools[m->pool_count], node, node->huge_page[h],
                     node->huge_page[h] * node->huge_count[h], 0, node->huge_leased[h]);
            (*node_of_pool)[m->pool_count++] = i;
        }
    }
    return WEIR_TOPO_OK;
}

/* Which packages have an allowed PU of a domain, of a node. */
struct packages {
    uint32_t packages;
    uint8_t *domain, *node; /* [domain * packages + package], [node * packages + package] */
};

static bool packages_open(const struct topo_raw *raw, const struct weir_topo_machine *m,
                          struct packages *near)
{
    near->packages = m->units[WEIR_TOPO_SCOPE_PACKAGE].count;
    near->domain = topo_calloc((size_t)m->domain_count * near->packages, 1);
    near->node = topo_calloc((size_t)raw->node_count * near->packages, 1);
    if (!near->domain || !near->node) return false;
    for (uint32_t p = 0; p < m->pu_count; p++) {
        uint32_t package = m->pus[p].unit[WEIR_TOPO_SCOPE_PACKAGE];
        if (!m->pus[p].allowed) continue;
        near->domain[(size_t)m->pus[p].unit[WEIR_TOPO_SCOPE_NUMA] * near->packages + package] = 1;
        for (uint32_t k = 0; k < raw->node_count; k++)
            near->node[(size_t)k * near->packages + package] |=
                raw->node_pu[(size_t)k * raw->pu_count + p];
    }
    return true;
}

static void packages_close(struct packages *near)
{
    topo_free(near->domain);
    topo_free(near->node);
}

/* How far node TO is from domain D: by the matrix from the nearest of its own nodes; without a
   matrix (or own nodes) 10 if local, 15 in the same package, else 20. */
static uint16_t node_distance(const struct topo_raw *raw, const struct weir_topo_machine *m,
                              const struct packages *near, uint32_t d, uint32_t to)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_NUMA];
    uint32_t n = raw->pu_count, pu = u->pus[u->first[d]];
    bool local = raw->node_pu[(size_t)to * n + pu] != 0;
    uint32_t best = UINT32_MAX;
    if (raw->node_distance)
        for (uint32_t from = 0; from < raw->node_count; from++)
            if (raw->node_pu[(size_t)from * n + pu]) {
                uint32_t v = raw->node_distance[(size_t)from * raw->node_count + to];
                if (v < best) best = v;
            }
    if (best != UINT32_MAX) {
        uint32_t least = local ? 10 : 11;
        return (uint16_t)(best < least ? least : best > 1000 ? 1000 : best);
    }
    if (local) return 10;
    const uint8_t *from = near->domain + (size_t)d * near->packages,
                  *at = near->node + (size_t)to * near->packages;
    for (uint32_t k = 0; k < near->packages; k++)
        if (from[k] && at[k]) return 15;
    return 20;
}

static int build_distances(const struct topo_raw *raw, struct weir_topo_machine *m,
                           const uint32_t *node_of_pool, struct weir_topo_error *err)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_NUMA];
    m->domain_count = u->count;
    size_t cells = (size_t)m->domain_count * m->pool_count;
    m->distance = topo_calloc(cells, sizeof *m->distance);
    m->local = topo_calloc(cells, sizeof *m->local);
    struct packages near = {0};
    if (!m->distance || !m->local || !packages_open(raw, m, &near)) {
        packages_close(&near);
        return topo_fail_nomem(err, "building the distances");
    }
    for (uint32_t d = 0; d < m->domain_count; d++)
        for (uint32_t p = 0; p < m->pool_count; p++) {
            uint32_t node = node_of_pool[p];
            size_t at = (size_t)d * m->pool_count + p;
            bool same = p && node_of_pool[p - 1] == node;
            m->local[at] = raw->node_pu[(size_t)node * raw->pu_count + u->pus[u->first[d]]] != 0;
            m->distance[at] = same ? m->distance[at - 1] : node_distance(raw, m, &near, d, node);
        }
    packages_close(&near);
    return WEIR_TOPO_OK;
}

/* ---- devices, fingerprint */

static int build_devices(const struct topo_raw *raw, struct weir_topo_machine *m,
                         struct weir_topo_error *err)
{
    m->devices = topo_calloc(raw->device_count, sizeof *m->devices);
    uint32_t *votes = topo_calloc(m->domain_count, sizeof *votes);
    if (!m->devices || !votes) {
        topo_free(votes);
        return topo_fail_nomem(err, "building the devices");
    }
    for (uint32_t i = 0; i < raw->device_count; i++) {
        struct weir_topo_device *dev = &m->devices[i];
        *dev = raw->devices[i].info;
        dev->domain = WEIR_TOPO_NONE;
        dev->locality_known = raw->devices[i].near != NULL;
        if (!dev->locality_known) continue;
        memset(votes, 0, m->domain_count * sizeof *votes);
        uint32_t all = 0, allowed = 0;
        for (uint32_t p = 0; p < m->pu_count; p++) {
            allowed += m->pus[p].allowed;
            if (!raw->devices[i].near[p] || !m->pus[p].allowed) continue;
            votes[m->pus[p].unit[WEIR_TOPO_SCOPE_NUMA]]++;
            all++;
        }
        /* near everything on a machine of several domains is how "unknown" looks */
        uint32_t used_domains = 0;
        for (uint32_t d = 0; d < m->domain_count; d++) used_domains += votes[d] > 0;
        dev->locality_known = all > 0 && (all < allowed || used_domains == 1);
        for (uint32_t d = 0; dev->locality_known && d < m->domain_count; d++)
            if (votes[d] && (dev->domain == WEIR_TOPO_NONE || votes[d] > votes[dev->domain]))
                dev->domain = d;
    }
    m->device_count = raw->device_count;
    topo_free(votes);
    return WEIR_TOPO_OK;
}

static void mix(uint64_t *h, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8) *h = (*h ^ (v & 0xff)) * UINT64_C(0x100000001b3);
}

static uint64_t fingerprint(const struct weir_topo_machine *m)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    mix(&h, m->pu_count);
    for (uint32_t p = 0; p < m->pu_count; p++) {
        const struct weir_topo_pu *pu = &m->pus[p];
        if (!weir_topo_pu_usable(m, p)) continue;
        mix(&h, pu->os_index);
        mix(&h, pu->busy);
        mix(&h, pu->capacity_milli_cu);
        for (int s = WEIR_TOPO_SCOPE_CORE; s < WEIR_TOPO_SCOPE_COUNT; s++) mix(&h, pu->unit[s]);
    }
    for (uint32_t i = 0; i < m->pool_count; i++) {
        mix(&h, m->pools[i].node);
        mix(&h, (uint64_t)m->pools[i].tier);
        mix(&h, m->pools[i].page_bytes);
        mix(&h, m->pools[i].usable_bytes);
    }
    for (size_t i = 0; i < (size_t)m->domain_count * m->pool_count; i++)
        mix(&h, (uint64_t)m->distance[i] * 2 + m->local[i]);
    for (uint32_t i = 0; i < m->device_count; i++) {
        const struct weir_topo_device *d = &m->devices[i];
        for (const char *s = d->name; *s; s++) mix(&h, (unsigned char)*s);
        mix(&h, d->bytes);
        mix(&h, d->compute_units);
        mix(&h, d->leased_units);
        mix(&h, d->busy);
        mix(&h, d->domain);
        mix(&h, d->parent);
    }
    mix(&h, m->limit_milli_cu);
    mix(&h, m->limit_memory_bytes);
    return h;
}

static int build_pus(const struct topo_raw *raw, struct weir_topo_machine *m,
                     struct weir_topo_error *err)
{
    m->pu_count = raw->pu_count;
    m->pus = topo_calloc(raw->pu_count, sizeof *m->pus);
    if (!m->pus) return topo_fail_nomem(err, "building the machine");
    for (uint32_t p = 0; p < raw->pu_count; p++) {
        if (raw->pus[p].os > (1u << 20))
            return topo_fail(err, WEIR_TOPO_ERR_INVALID, "machine %s: PU number %u is above 2^20",
                             raw->name, raw->pus[p].os);
        m->pus[p].os_index = raw->pus[p].os;
        m->pus[p].allowed = raw->pus[p].allowed;
        m->pus[p].reserved = raw->pus[p].reserved;
        m->pus[p].busy = raw->pus[p].busy;
        if (raw->pus[p].os >= m->os_limit) m->os_limit = raw->pus[p].os + 1;
    }
    m->pu_of_os = topo_calloc(m->os_limit, sizeof *m->pu_of_os);
    if (!m->pu_of_os) return topo_fail_nomem(err, "building the machine");
    memset(m->pu_of_os, 0xff, m->os_limit * sizeof *m->pu_of_os);
    for (uint32_t p = 0; p < m->pu_count; p++) {
        uint32_t *at = &m->pu_of_os[m->pus[p].os_index];
        if (*at != WEIR_TOPO_NONE)
            return topo_fail(err, WEIR_TOPO_ERR_INVALID, "machine %s: PU number %u occurs twice",
                             raw->name, m->pus[p].os_index);
        *at = p;
    }
    return WEIR_TOPO_OK;
}

int topo_machine_build(const struct topo_raw *raw, struct weir_topo_machine **out,
                       struct weir_topo_error *err)
{
    if (!raw->pu_count)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "machine %s has no processing unit",
                         raw->name);
    struct weir_topo_machine *m = topo_calloc(1, sizeof *m);
    uint32_t *node_of_pool = NULL;
    if (!m) return topo_fail_nomem(err, "building the machine");
    memcpy(m->name, raw->name, sizeof m->name);
    memcpy(m->title, raw->title, sizeof m->title);
    memcpy(m->limit_cpu_source, raw->limit_cpu_source, sizeof m->limit_cpu_source);
    memcpy(m->limit_memory_source, raw->limit_memory_source, sizeof m->limit_memory_source);
    memcpy(m->isolation, raw->isolation, sizeof m->isolation);
    m->live = raw->live;
    m->limit_milli_cu = raw->limit_milli_cu;
    m->limit_memory_bytes = raw->limit_memory_bytes;
    int rc = build_pus(raw, m, err);
    if (!rc) rc = build_all_units(raw, m, err);
    if (!rc) kinds(raw, m);
    if (!rc) capacities(raw, m);
    if (!rc) rc = build_pools(raw, m, &node_of_pool, err);
    if (!rc) rc = build_distances(raw, m, node_of_pool, err);
    if (!rc) rc = build_devices(raw, m, err);
    if (!rc) {
        m->l3_bytes = topo_calloc(m->units[WEIR_TOPO_SCOPE_L3].count, sizeof *m->l3_bytes);
        if (!m->l3_bytes) rc = topo_fail_nomem(err, "building the machine");
    }
    for (uint32_t p = 0; !rc && raw->l3_bytes && p < m->pu_count; p++)
        m->l3_bytes[m->pus[p].unit[WEIR_TOPO_SCOPE_L3]] = raw->l3_bytes[p];
    if (!rc) m->fingerprint = fingerprint(m);
    if (!rc) rc = topo_canon_build(m, err);
    topo_free(node_of_pool);
    if (rc) {
        weir_topo_machine_free(m);
        m = NULL;
    }
    *out = m;
    return rc;
}

uint32_t topo_cost(const struct weir_topo_machine *m, uint32_t domain, uint32_t pool)
{
    size_t at = (size_t)domain * m->pool_count + pool;
    static const uint8_t rank[WEIR_TOPO_TIER_COUNT] = {0, 1, 2, 3, 4};
    uint32_t tier = rank[m->pools[pool].tier];
    return m->local[at]
               ? tier
               : 1000u * (uint32_t)(m->distance[at] > 11 ? m->distance[at] - 10 : 1) + tier;
}

bool topo_pool_fits(const struct weir_topo_pool *pool, enum weir_topo_tier tier,
                    uint64_t page_bytes)
{
    if (pool->huge != (page_bytes != 0) || (pool->huge && pool->page_bytes != page_bytes))
        return false;
    return tier == WEIR_TOPO_TIER_ANY ? pool->tier != WEIR_TOPO_TIER_GPU : pool->tier == tier;
}
