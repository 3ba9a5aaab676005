/* A canonical order. The planner breaks ties by position, and a source lists PUs and nodes by their
   numbers, so other numbers would give plans of other cost. Here a machine is brought into an order
   that only its shape decides; what is still tied is symmetric, and listed order decides among
   equals.

   1. Colours: every PU, unit and pool gets a hash of what it is, then some rounds of what it is
      connected to (colour refinement). PUs that are not allowed count for nothing.
   2. Domains are ranked: capacity, local bytes, colour. While two share a rank, the first listed
      one of the first tie is put before the others, and the ranks are refined by what is near to
      it, so that symmetric machines are walked from neighbour to neighbour.
   3. PUs are sorted by package, domain, L3, core; pools by colour and by their distance from the
      ranked domains. The machine is rebuilt in that order. */
#include "topology/canon.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 4
#define BUDGET (1u << 23) /* domain-pool pairs that are looked at while ties are broken */

static uint64_t mix(uint64_t h, uint64_t v)
{
    uint64_t z = h * UINT64_C(0x9e3779b97f4a7c15) + v + UINT64_C(0x632be59bd9b4e019);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct colours {
    const struct weir_topo_machine *m;
    uint64_t *pu, *pool, *unit[WEIR_TOPO_SCOPE_COUNT];
    uint64_t *pool_base;      /* what a pool is by itself */
    uint32_t *rank;           /* per domain: equal for what is tied */
    uint64_t *package_domain; /* [package * domains + domain]: hash of the PUs in both */
    struct order *sorted;
};

struct order {
    uint64_t key[5];
    uint32_t index;
};

static int compare_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    for (int k = 0; k < 5; k++)
        if (x->key[k] != y->key[k]) return x->key[k] < y->key[k] ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool same_keys(const struct order *a, const struct order *b)
{
    return !memcmp(a->key, b->key, sizeof a->key);
}

/* ---- colours */

static bool has_allowed(const struct weir_topo_machine *m, uint32_t domain)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_NUMA];
    for (uint32_t k = u->first[domain]; k < u->first[domain + 1]; k++)
        if (m->pus[u->pus[k]].allowed) return true;
    return false;
}

static uint64_t edge(const struct weir_topo_machine *m, uint32_t domain, uint32_t pool)
{
    size_t at = (size_t)domain * m->pool_count + pool;
    return (uint64_t)m->distance[at] * 2 + m->local[at];
}

/* Pools of one node follow each other in no particular order: a sum over those with its number. */
static uint64_t same_node(const struct colours *c, uint32_t pool)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < c->m->pool_count; p++)
        if (c->m->pools[p].node == c->m->pools[pool].node) sum += mix(3, c->pool_base[p]);
    return sum;
}

static void colour_pools(struct colours *c, const uint64_t *of_domain)
{
    const struct weir_topo_machine *m = c->m;
    for (uint32_t p = 0; p < m->pool_count; p++) c->pool[p] = mix(c->pool_base[p], 1);
    for (uint32_t d = 0; d < m->domain_count; d++)
        for (uint32_t p = 0; of_domain[d] && p < m->pool_count; p++)
            c->pool[p] += mix(of_domain[d], edge(m, d, p));
}

static uint64_t domain_memory(const struct colours *c, uint32_t d)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < c->m->pool_count; p++) sum += mix(c->pool[p], edge(c->m, d, p));
    return sum;
}

static void colour_units(struct colours *c)
{
    const struct weir_topo_machine *m = c->m;
    for (int s = WEIR_TOPO_SCOPE_CORE; s < WEIR_TOPO_SCOPE_COUNT; s++) {
        memset(c->unit[s], 0, m->units[s].count * sizeof *c->unit[s]);
        for (uint32_t p = 0; p < m->pu_count; p++)
            if (m->pus[p].allowed) c->unit[s][m->pus[p].unit[s]] += mix(2, c->pu[p]);
    }
    for (uint32_t i = 0; i < m->device_count; i++) {
        uint32_t d = m->devices[i].domain;
        if (d != WEIR_TOPO_NONE && c->unit[WEIR_TOPO_SCOPE_NUMA][d])
            c->unit[WEIR_TOPO_SCOPE_NUMA][d] += mix(5, i);
    }
}

static void colour_all(struct colours *c)
{
    const struct weir_topo_machine *m = c->m;
    for (uint32_t p = 0; p < m->pu_count; p++)
        c->pu[p] =
            mix(mix(1, m->pus[p].capacity_milli_cu), m->pus[p].reserved * 2u + m->pus[p].busy);
    for (uint32_t p = 0; p < m->pool_count; p++) {
        const struct weir_topo_pool *pool = &m->pools[p];
        c->pool_base[p] =
            mix(mix(mix((uint64_t)pool->tier, pool->page_bytes), pool->usable_bytes), pool->huge);
    }
    for (uint32_t p = 0; p < m->pool_count; p++) c->pool[p] = same_node(c, p);
    memcpy(c->pool_base, c->pool, m->pool_count * sizeof *c->pool);
    for (int round = 0; round < ROUNDS; round++) {
        colour_units(c);
        colour_pools(c, c->unit[WEIR_TOPO_SCOPE_NUMA]);
        for (uint32_t d = 0; d < m->domain_count; d++)
            if (c->unit[WEIR_TOPO_SCOPE_NUMA][d])
                c->unit[WEIR_TOPO_SCOPE_NUMA][d] += domain_memory(c, d);
        for (uint32_t p = 0; p < m->pu_count; p++)
            for (int s = WEIR_TOPO_SCOPE_CORE; s < WEIR_TOPO_SCOPE_COUNT; s++)
                c->pu[p] = mix(c->pu[p], c->unit[s][m->pus[p].unit[s]]);
    }
}

/* ---- domains */

/* Sort c->sorted and give the domains their ranks; returns how many there are. */
static uint32_t set_ranks(struct colours *c)
{
    uint32_t n = c->m->domain_count, cells = 0;
    qsort(c->sorted, n, sizeof *c->sorted, compare_order);
    for (uint32_t k = 0; k < n; k++) {
        bool fresh = !k || !same_keys(&c->sorted[k], &c->sorted[k - 1]);
        cells += fresh;
        c->rank[c->sorted[k].index] = fresh ? k : c->rank[c->sorted[k - 1].index];
    }
    return cells;
}

static uint32_t first_ranks(struct colours *c)
{
    const struct weir_topo_machine *m = c->m;
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_NUMA];
    for (uint32_t d = 0; d < m->domain_count; d++) {
        uint64_t bytes = 0;
        for (uint32_t p = 0; p < m->pool_count; p++)
            if (m->local[(size_t)d * m->pool_count + p]) bytes += m->pools[p].usable_bytes;
        c->sorted[d] = (struct order){{!has_allowed(m, d), UINT32_MAX - u->capacity_milli_cu[d],
                                       UINT64_MAX - bytes, c->unit[WEIR_TOPO_SCOPE_NUMA][d], 0},
                                      d};
    }
    return set_ranks(c);
}

/* Ranks after one look at packages and pools; NEAR (or NONE) has just been told from its equals. */
static uint32_t refine(struct colours *c, uint32_t near)
{
    const struct weir_topo_machine *m = c->m;
    uint32_t n = m->domain_count, packages = m->units[WEIR_TOPO_SCOPE_PACKAGE].count;
    uint64_t *of_domain = c->unit[WEIR_TOPO_SCOPE_NUMA],
             *of_package = c->unit[WEIR_TOPO_SCOPE_PACKAGE];
    for (uint32_t d = 0; d < n; d++) of_domain[d] = has_allowed(m, d) ? mix(7, c->rank[d]) : 0;
    colour_pools(c, of_domain);
    for (uint32_t k = 0; k < packages; k++) {
        const uint64_t *row = c->package_domain + (size_t)k * n;
        of_package[k] = 0;
        for (uint32_t d = 0; d < n; d++)
            if (row[d]) of_package[k] += mix(row[d], of_domain[d]);
    }
    for (uint32_t d = 0; d < n; d++) {
        uint64_t sum = domain_memory(c, d);
        for (uint32_t k = 0; k < packages; k++) {
            uint64_t both = c->package_domain[(size_t)k * n + d];
            if (both) sum += mix(both, of_package[k]);
        }
        uint32_t away = near == WEIR_TOPO_NONE ? 0 : topo_domain_distance(m, near, d);
        c->sorted[d] = (struct order){{c->rank[d], d != near, away, sum, 0}, d};
    }
    return set_ranks(c);
}

static void rank_domains(struct colours *c)
{
    uint32_t n = c->m->domain_count, cells = first_ranks(c), before = 0, near = WEIR_TOPO_NONE;
    uint64_t work = 0, each = (uint64_t)n * (c->m->pool_count + 1);
    for (; cells < n && work < BUDGET; work += each) {
        near = WEIR_TOPO_NONE;
        /* stable: of the first tie, the one that is listed first goes ahead */
        for (uint32_t k = 0; cells == before && near == WEIR_TOPO_NONE; k++)
            if (c->rank[c->sorted[k].index] == c->rank[c->sorted[k + 1].index])
                near = c->sorted[k].index;
        before = cells;
        cells = refine(c, near);
    }
    for (uint32_t k = 0; k < n; k++) c->rank[c->sorted[k].index] = k;
}

/* ---- PUs and pools */

/* RANK of every unit of SCOPE: larger ones first, then by colour, then as listed. */
static void rank_units(const struct colours *c, int scope, struct order *sorted, uint32_t *rank)
{
    const struct weir_topo_units *u = &c->m->units[scope];
    for (uint32_t i = 0; i < u->count; i++)
        sorted[i] =
            (struct order){{UINT32_MAX - u->capacity_milli_cu[i], c->unit[scope][i], 0, 0, 0}, i};
    qsort(sorted, u->count, sizeof *sorted, compare_order);
    for (uint32_t k = 0; k < u->count; k++) rank[sorted[k].index] = k;
}

static void sort_pus(const struct colours *c, struct order *sorted, uint32_t *scratch, uint32_t *pu)
{
    const struct weir_topo_machine *m = c->m;
    uint32_t *package = scratch, *l3 = package + m->pu_count, *core = l3 + m->pu_count;
    rank_units(c, WEIR_TOPO_SCOPE_L3, sorted, l3);
    rank_units(c, WEIR_TOPO_SCOPE_CORE, sorted, core);
    memset(package, 0xff, m->pu_count * sizeof *package);
    for (uint32_t p = 0; p < m->pu_count; p++) { /* a package comes with its first domain */
        uint32_t k = m->pus[p].unit[WEIR_TOPO_SCOPE_PACKAGE],
                 rank = c->rank[m->pus[p].unit[WEIR_TOPO_SCOPE_NUMA]];
        if (m->pus[p].allowed && rank < package[k]) package[k] = rank;
    }
    for (uint32_t p = 0; p < m->pu_count; p++) {
        const struct weir_topo_pu *x = &m->pus[p];
        uint32_t k = x->unit[WEIR_TOPO_SCOPE_PACKAGE];
        uint64_t place = (uint64_t)package[k] << 32 | c->rank[x->unit[WEIR_TOPO_SCOPE_NUMA]],
                 units = (uint64_t)l3[x->unit[WEIR_TOPO_SCOPE_L3]] << 32 |
                         core[x->unit[WEIR_TOPO_SCOPE_CORE]];
        sorted[p] = (struct order){{!x->allowed, place, c->unit[WEIR_TOPO_SCOPE_PACKAGE][k], units,
                                    mix(UINT32_MAX - x->capacity_milli_cu, c->pu[p])},
                                   p};
    }
    qsort(sorted, m->pu_count, sizeof *sorted, compare_order);
    for (uint32_t p = 0; p < m->pu_count; p++) pu[p] = sorted[p].index;
}

static void sort_pools(const struct colours *c, struct order *sorted, uint32_t *pool)
{
    const struct weir_topo_machine *m = c->m;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        uint64_t nearest = UINT64_MAX, shape = 0, local = 0;
        for (uint32_t d = 0; d < m->domain_count; d++) {
            uint64_t e = edge(m, d, p), here = (e & 1 ? 0 : e >> 1) << 32 | c->rank[d];
            local |= e & 1; /* be it to PUs that are not allowed */
            if (!has_allowed(m, d)) continue;
            if (here < nearest) nearest = here;
            shape += mix(mix(11, c->rank[d]), e);
        }
        const uint64_t tier = (uint64_t)m->pools[p].tier, own = mix(shape, c->pool_base[p]);
        sorted[p] = (struct order){{m->pools[p].huge, nearest, tier, own, local}, p};
    }
    qsort(sorted, m->pool_count, sizeof *sorted, compare_order);
    for (uint32_t p = 0; p < m->pool_count; p++) pool[p] = sorted[p].index;
}

/* ---- the machine in that order */

static int copy_units(const struct weir_topo_machine *m, struct weir_topo_machine *c, int scope,
                      uint32_t *new_of, struct weir_topo_error *err)
{
    const struct weir_topo_units *from = &m->units[scope];
    struct weir_topo_units *u = &c->units[scope];
    u->first = topo_calloc((size_t)from->count + 1, sizeof *u->first);
    u->pus = topo_calloc(m->pu_count, sizeof *u->pus);
    u->capacity_milli_cu = topo_calloc(from->count, sizeof *u->capacity_milli_cu);
    if (!u->first || !u->pus || !u->capacity_milli_cu)
        return topo_fail_nomem(err, "ordering the machine");
    u->count = 0;
    memset(new_of, 0xff, from->count * sizeof *new_of);
    for (uint32_t p = 0; p < c->pu_count; p++) {
        uint32_t old = c->pus[p].unit[scope];
        if (new_of[old] == WEIR_TOPO_NONE) {
            new_of[old] = u->count++;
            u->capacity_milli_cu[new_of[old]] = from->capacity_milli_cu[old];
            u->first[u->count] = u->first[u->count - 1] + from->first[old + 1] - from->first[old];
        }
        c->pus[p].unit[scope] = new_of[old];
    }
    for (uint32_t p = c->pu_count; p-- > 0;) { /* from behind, so that each list ascends */
        uint32_t unit = c->pus[p].unit[scope];
        u->pus[--u->first[unit + 1]] = p;
    }
    for (uint32_t k = 0; k < u->count; k++) u->first[k] = u->first[k + 1];
    u->first[u->count] = c->pu_count;
    return WEIR_TOPO_OK;
}

static int copy_arrays(const struct weir_topo_machine *m, struct weir_topo_machine *c,
                       struct weir_topo_error *err)
{
    size_t cells = (size_t)m->domain_count * m->pool_count;
    c->pus = topo_calloc(m->pu_count, sizeof *c->pus);
    c->pu_of_os = topo_calloc(m->os_limit, sizeof *c->pu_of_os);
    c->l3_bytes = topo_calloc(m->units[WEIR_TOPO_SCOPE_L3].count, sizeof *c->l3_bytes);
    c->pools = topo_calloc(m->pool_count, sizeof *c->pools);
    c->distance = topo_calloc(cells, sizeof *c->distance);
    c->local = topo_calloc(cells, sizeof *c->local);
    c->devices = topo_calloc(m->device_count, sizeof *c->devices);
    return c->pus && c->pu_of_os && c->l3_bytes && c->pools && c->distance && c->local && c->devices
               ? WEIR_TOPO_OK
               : topo_fail_nomem(err, "ordering the machine");
}

/* Fills CANON->machine and the order of domains from the orders of PUs and pools. */
static int rebuild(const struct weir_topo_machine *m, struct topo_canon *canon, uint32_t *new_of,
                   struct weir_topo_error *err)
{
    struct weir_topo_machine *c = canon->machine = topo_calloc(1, sizeof *c);
    if (!c) return topo_fail_nomem(err, "ordering the machine");
    *c = *m;
    c->canon = NULL;
    memset(c->units, 0, sizeof c->units);
    int rc = copy_arrays(m, c, err);
    if (rc) return rc;
    memset(c->pu_of_os, 0xff, m->os_limit * sizeof *c->pu_of_os);
    for (uint32_t p = 0; p < m->pu_count; p++) {
        c->pus[p] = m->pus[canon->pu[p]];
        c->pu_of_os[c->pus[p].os_index] = p;
    }
    for (int s = 0; s < WEIR_TOPO_SCOPE_COUNT && !rc; s++) {
        rc = copy_units(m, c, s, new_of, err);
        for (uint32_t u = 0; !rc && u < m->units[s].count; u++) {
            if (s == WEIR_TOPO_SCOPE_L3) c->l3_bytes[new_of[u]] = m->l3_bytes[u];
            if (s != WEIR_TOPO_SCOPE_NUMA) continue;
            canon->domain[new_of[u]] = u;
            canon->domain_rank[u] = new_of[u];
        }
    }
    if (rc) return rc;
    for (uint32_t k = 0; k < m->pool_count; k++) {
        c->pools[k] = m->pools[canon->pool[k]];
        canon->pool_rank[canon->pool[k]] = k;
    }
    for (uint32_t d = 0; d < m->domain_count; d++)
        for (uint32_t k = 0; k < m->pool_count; k++) {
            size_t from = (size_t)canon->domain[d] * m->pool_count + canon->pool[k],
                   to = (size_t)d * m->pool_count + k;
            c->distance[to] = m->distance[from];
            c->local[to] = m->local[from];
        }
    for (uint32_t i = 0; i < m->device_count; i++) {
        c->devices[i] = m->devices[i];
        if (c->devices[i].domain != WEIR_TOPO_NONE)
            c->devices[i].domain = canon->domain_rank[c->devices[i].domain];
    }
    return WEIR_TOPO_OK;
}

void topo_canon_free(struct topo_canon *canon)
{
    if (!canon) return;
    weir_topo_machine_free(canon->machine);
    topo_free(canon->pu);
    topo_free(canon->domain);
    topo_free(canon->pool);
    topo_free(canon->domain_rank);
    topo_free(canon->pool_rank);
    topo_free(canon);
}

static bool colours_open(struct colours *c)
{
    const struct weir_topo_machine *m = c->m;
    uint32_t packages = m->units[WEIR_TOPO_SCOPE_PACKAGE].count,
             most = m->pu_count > m->pool_count ? m->pu_count : m->pool_count;
    c->pu = topo_calloc(m->pu_count, sizeof *c->pu);
    c->pool = topo_calloc(m->pool_count, sizeof *c->pool);
    c->pool_base = topo_calloc(m->pool_count, sizeof *c->pool_base);
    c->rank = topo_calloc(m->domain_count, sizeof *c->rank);
    c->package_domain = topo_calloc((size_t)packages * m->domain_count, sizeof *c->package_domain);
    c->sorted = topo_calloc(most, sizeof *c->sorted);
    bool ok = c->pu && c->pool && c->pool_base && c->rank && c->package_domain && c->sorted;
    for (int s = WEIR_TOPO_SCOPE_CORE; s < WEIR_TOPO_SCOPE_COUNT; s++) {
        c->unit[s] = topo_calloc(m->units[s].count, sizeof *c->unit[s]);
        ok &= c->unit[s] != NULL;
    }
    return ok;
}

static void colours_close(struct colours *c)
{
    for (int s = 0; s < WEIR_TOPO_SCOPE_COUNT; s++) topo_free(c->unit[s]);
    topo_free(c->pu);
    topo_free(c->pool);
    topo_free(c->pool_base);
    topo_free(c->rank);
    topo_free(c->package_domain);
    topo_free(c->sorted);
}

static bool ascending(const uint32_t *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] != i) return false;
    return true;
}

int topo_canon_build(struct weir_topo_machine *m, struct weir_topo_error *err)
{
    struct colours c = {.m = m};
    struct topo_canon *canon = topo_calloc(1, sizeof *canon);
    uint32_t *scratch = topo_calloc((size_t)m->pu_count * 3, sizeof *scratch);
    bool ok = canon && scratch && colours_open(&c);
    if (canon) {
        canon->pu = topo_calloc(m->pu_count, sizeof *canon->pu);
        canon->domain = topo_calloc(m->domain_count, sizeof *canon->domain);
        canon->domain_rank = topo_calloc(m->domain_count, sizeof *canon->domain_rank);
        canon->pool = topo_calloc(m->pool_count, sizeof *canon->pool);
        canon->pool_rank = topo_calloc(m->pool_count, sizeof *canon->pool_rank);
        ok = ok && canon->pu && canon->domain && canon->domain_rank && canon->pool &&
             canon->pool_rank;
    }
    int rc = ok ? WEIR_TOPO_OK : topo_fail_nomem(err, "ordering the machine");
    if (!rc) {
        colour_all(&c);
        for (uint32_t p = 0; p < m->pu_count; p++)
            if (m->pus[p].allowed)
                c.package_domain[(size_t)m->pus[p].unit[WEIR_TOPO_SCOPE_PACKAGE] * m->domain_count +
                                 m->pus[p].unit[WEIR_TOPO_SCOPE_NUMA]] += mix(2, c.pu[p]);
        rank_domains(&c);
        sort_pus(&c, c.sorted, scratch, canon->pu);
        sort_pools(&c, c.sorted, canon->pool);
        if (!ascending(canon->pu, m->pu_count) || !ascending(canon->pool, m->pool_count)) {
            rc = rebuild(m, canon, scratch, err);
            if (!rc) m->canon = canon;
        }
    }
    colours_close(&c);
    topo_free(scratch);
    if (m->canon != canon) topo_canon_free(canon);
    return rc;
}

/* ---- plans */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* VALUES are per canonical index; give them to the listed ones. SCRATCH holds COUNT. */
static void scatter(void *values, void *scratch, size_t size, const uint32_t *to, uint32_t count)
{
    memcpy(scratch, values, size * count);
    for (uint32_t k = 0; k < count; k++)
        memcpy((char *)values + size * to[k], (const char *)scratch + size * k, size);
}

int topo_canon_translate(const struct weir_topo_machine *m, struct weir_topo_plan *plan,
                         struct weir_topo_error *err)
{
    const struct topo_canon *canon = m->canon;
    plan->machine = m;
    if (!canon) return WEIR_TOPO_OK;
    size_t most = m->domain_count * sizeof *plan->domains;
    if (most < m->pool_count * sizeof *plan->pool_granted)
        most = m->pool_count * sizeof *plan->pool_granted;
    void *scratch = topo_calloc(most, 1);
    if (!scratch) return topo_fail_nomem(err, "planning");
    scatter(plan->domains, scratch, sizeof *plan->domains, canon->domain, m->domain_count);
    scatter(plan->pool_granted, scratch, sizeof *plan->pool_granted, canon->pool, m->pool_count);
    topo_free(scratch);
    for (uint32_t k = 0; k < plan->pu_list_count; k++)
        plan->pu_list[k] = canon->pu[plan->pu_list[k]];
    for (uint32_t g = 0; g < plan->grant_count; g++)
        plan->grants[g].pool = canon->pool[plan->grants[g].pool];
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        if (p->domain != WEIR_TOPO_NONE) p->domain = canon->domain[p->domain];
        if (p->runner_up != WEIR_TOPO_NONE) p->runner_up = canon->domain[p->runner_up];
        if (p->staging_pool != WEIR_TOPO_NONE) p->staging_pool = canon->pool[p->staging_pool];
        if (p->pu_count > 1)
            qsort(plan->pu_list + p->pu_first, p->pu_count, sizeof *plan->pu_list, compare_u32);
    }
    return WEIR_TOPO_OK;
}
