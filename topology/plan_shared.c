/* Shared partitions: each gets one PU (or, if it asks for more than a core has, several), so that
   the most loaded core is as little loaded as possible and no byte has to be remote.

   The bins are cores: SMT siblings share their core's capacity. Cores of one domain with equal
   capacity form a group with a heap by load, so that a choice looks at one core per group.

   Three greedy orders, the first that needs no remote byte wins, else the one with the fewest
   remote bytes, then the smallest load: A  largest CPU first, to the core that ends up least loaded
   among the domains whose memory has room (LPT); B  largest in its scarcer dimension first, to the
   domain with the smallest price, where a domain's price of CPU and of memory rises with what it
   has given out already (vector packing by prices); C  largest memory first, to the domain with the
   tightest fit. Then a local search of a bounded number of steps: the most loaded core gives an
   item away, or exchanges it for a smaller one, as long as the larger of both loads falls and no
   byte becomes remote. */
#include "topology/plan.h"

#include <stdlib.h>
#include <string.h>

struct item {
    uint32_t partition, milli_cu, device_domain,
        keep_pu; /* keep_pu: NONE, or where the current plan has it */
    uint64_t bytes, page;
    enum weir_topo_tier tier;
};

struct shared {
    struct topo_state *s;
    uint32_t core_count;
    uint32_t *capacity, *group_of; /* per core; capacity 0: nothing shared there */
    uint64_t *load;
    uint32_t group_count;
    struct topo_core_group *groups;
    double *group_base,
        *group_inverse; /* per group: load ÷ capacity of its least loaded core, 1 ÷ capacity */
    uint32_t *heap, *heap_at; /* cores; heap_at: position per core */
    struct item *items;
    uint32_t item_count, max_capacity;
    uint64_t *left; /* per domain: local bytes left for tier ANY, base pages */
    uint64_t *domain_load, *domain_capacity;
    uint32_t *domain_cores;
    double *domain_fill;              /* a millionth of load ÷ capacity */
    uint32_t *next_item, *first_item; /* lists of items per core */
};

struct solution {
    uint32_t *core, *runner_up; /* per item */
    int64_t *price;
    uint64_t remote;
    double load;
};

/* ---- heaps of cores by load */

static bool lighter(const struct shared *h, uint32_t a, uint32_t b)
{
    return h->load[a] != h->load[b] ? h->load[a] < h->load[b] : a < b;
}

static void sift(struct shared *h, uint32_t core)
{
    const struct topo_core_group *g = &h->groups[h->group_of[core]];
    uint32_t *v = h->heap + g->first, at = h->heap_at[core];
    while (at && lighter(h, core, v[(at - 1) / 2])) {
        v[at] = v[(at - 1) / 2];
        h->heap_at[v[at]] = at;
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t kid = 2 * at + 1;
        if (kid >= g->count) break;
        if (kid + 1 < g->count && lighter(h, v[kid + 1], v[kid])) kid++;
        if (!lighter(h, v[kid], core)) break;
        v[at] = v[kid];
        h->heap_at[v[at]] = at;
        at = kid;
    }
    v[at] = core;
    h->heap_at[core] = at;
}

static void refresh(struct shared *h, uint32_t g)
{
    uint32_t d = h->groups[g].domain;
    h->group_base[g] = (double)h->load[h->heap[h->groups[g].first]] * h->group_inverse[g];
    h->domain_fill[d] = 1e-6 * (double)h->domain_load[d] / (double)h->domain_capacity[d];
}

static void add_load(struct shared *h, uint32_t core, int64_t milli_cu)
{
    uint32_t g = h->group_of[core];
    h->load[core] = (uint64_t)((int64_t)h->load[core] + milli_cu);
    h->domain_load[h->groups[g].domain] =
        (uint64_t)((int64_t)h->domain_load[h->groups[g].domain] + milli_cu);
    sift(h, core);
    refresh(h, g);
}

/* ---- set-up */

static uint32_t core_domain(const struct weir_topo_machine *m, uint32_t core)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
    return m->pus[u->pus[u->first[core]]].unit[WEIR_TOPO_SCOPE_NUMA];
}

static int allocate(struct shared *h, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = h->s->m;
    uint32_t n = h->core_count = m->units[WEIR_TOPO_SCOPE_CORE].count;
    h->capacity = topo_calloc(n, sizeof *h->capacity);
    h->group_of = topo_calloc(n, sizeof *h->group_of);
    h->load = topo_calloc(n, sizeof *h->load);
    h->groups = topo_calloc(n, sizeof *h->groups);
    h->group_base = topo_calloc(n, sizeof *h->group_base);
    h->group_inverse = topo_calloc(n, sizeof *h->group_inverse);
    h->heap = topo_calloc(n, sizeof *h->heap);
    h->heap_at = topo_calloc(n, sizeof *h->heap_at);
    h->first_item = topo_calloc(n, sizeof *h->first_item);
    h->left = topo_calloc(m->domain_count, sizeof *h->left);
    h->domain_load = topo_calloc(m->domain_count, sizeof *h->domain_load);
    h->domain_capacity = topo_calloc(m->domain_count, sizeof *h->domain_capacity);
    h->domain_cores = topo_calloc(m->domain_count, sizeof *h->domain_cores);
    h->domain_fill = topo_calloc(m->domain_count, sizeof *h->domain_fill);
    h->items = topo_calloc(h->s->shared_admitted, sizeof *h->items);
    h->next_item = topo_calloc(h->s->shared_admitted, sizeof *h->next_item);
    if (!h->capacity || !h->group_of || !h->load || !h->groups || !h->group_base ||
        !h->group_inverse || !h->heap || !h->heap_at || !h->first_item || !h->left ||
        !h->domain_load || !h->domain_capacity || !h->domain_fill || !h->domain_cores ||
        !h->items || !h->next_item)
        return topo_fail_nomem(err, "planning shared partitions");
    return WEIR_TOPO_OK;
}

static void clear(struct shared *h)
{
    topo_free(h->capacity);
    topo_free(h->group_of);
    topo_free(h->load);
    topo_free(h->groups);
    topo_free(h->group_base);
    topo_free(h->group_inverse);
    topo_free(h->heap);
    topo_free(h->heap_at);
    topo_free(h->first_item);
    topo_free(h->left);
    topo_free(h->domain_load);
    topo_free(h->domain_capacity);
    topo_free(h->domain_fill);
    topo_free(h->domain_cores);
    topo_free(h->items);
    topo_free(h->next_item);
}

struct core_key {
    uint32_t domain, capacity, core;
};

static int compare_core(const void *a, const void *b)
{
    const struct core_key *x = a, *y = b;
    if (x->domain != y->domain) return x->domain < y->domain ? -1 : 1;
    if (x->capacity != y->capacity) return x->capacity > y->capacity ? -1 : 1;
    return (x->core > y->core) - (x->core < y->core);
}

static int build_groups(struct shared *h, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = h->s->m;
    struct core_key *keys = topo_calloc(h->core_count, sizeof *keys);
    if (!keys) return topo_fail_nomem(err, "planning shared partitions");
    for (uint32_t p = 0; p < m->pu_count; p++)
        if (!h->s->taken[p])
            h->capacity[m->pus[p].unit[WEIR_TOPO_SCOPE_CORE]] += m->pus[p].capacity_milli_cu;
    uint32_t n = 0;
    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->capacity[c]) keys[n++] = (struct core_key){core_domain(m, c), h->capacity[c], c};
    qsort(keys, n, sizeof *keys, compare_core);
    for (uint32_t k = 0; k < n; k++) {
        bool fresh =
            !k || keys[k].domain != keys[k - 1].domain || keys[k].capacity != keys[k - 1].capacity;
        if (fresh) {
            h->group_inverse[h->group_count] = 1.0 / keys[k].capacity;
            h->groups[h->group_count++] =
                (struct topo_core_group){keys[k].domain, keys[k].capacity, k, 0};
        }
        struct topo_core_group *g = &h->groups[h->group_count - 1];
        h->heap[k] = keys[k].core;
        h->heap_at[keys[k].core] = g->count++;
        h->group_of[keys[k].core] = h->group_count - 1;
        h->domain_capacity[keys[k].domain] += keys[k].capacity;
        h->domain_cores[keys[k].domain]++;
        if (keys[k].capacity > h->max_capacity) h->max_capacity = keys[k].capacity;
    }
    topo_free(keys);
    return WEIR_TOPO_OK;
}

/* ---- memory while choosing */

static void refresh_left(struct shared *h)
{
    for (uint32_t d = 0; d < h->s->m->domain_count; d++)
        h->left[d] = topo_local_left(h->s, d, WEIR_TOPO_TIER_ANY, 0);
}

static uint64_t item_left(const struct shared *h, const struct item *it, uint32_t domain)
{
    return it->tier == WEIR_TOPO_TIER_ANY && !it->page
               ? h->left[domain]
               : topo_local_left(h->s, domain, it->tier, it->page);
}

/* Returns what did not fit. Pools may be shared between domains: refresh all of them only where
 * that is so. */
static uint64_t take_memory(struct shared *h, const struct item *it, uint32_t domain)
{
    if (!it->bytes) return 0;
    uint64_t missing = topo_local_take(h->s, domain, it->tier, it->page, it->bytes);
    if (missing)
        missing = it->bytes; /* the flow may still find it a place: count the item as a whole */
    if (h->s->local_first[h->s->m->domain_count] <= h->s->m->pool_count)
        h->left[domain] = topo_local_left(h->s, domain, WEIR_TOPO_TIER_ANY, 0);
    else
        refresh_left(h);
    return missing;
}

/* ---- the three greedy orders */

struct choice {
    uint32_t group, second;
    double score, second_score;
};

static void consider(struct choice *c, uint32_t group, double score)
{
    if (c->group == WEIR_TOPO_NONE || score < c->score) {
        c->second = c->group;
        c->second_score = c->score;
        c->group = group;
        c->score = score;
    } else if (c->second == WEIR_TOPO_NONE || score < c->second_score) {
        c->second = group;
        c->second_score = score;
    }
}

static double lpt_score(const struct shared *h, uint32_t g, const struct item *it)
{
    uint32_t d = h->groups[g].domain; /* among equals, the domain with the most room */
    return h->group_base[g] + it->milli_cu * h->group_inverse[g] + h->domain_fill[d];
}

/* Order B: marginal price of both dimensions, fourth power of the fill so that full ones cost much
 * more. */
static double price_score(const struct shared *h, uint32_t g, const struct item *it, double target)
{
    uint32_t d = h->groups[g].domain;
    double room = (double)h->domain_capacity[d] * target;
    double cpu = ((double)h->domain_load[d] + it->milli_cu) / (room > 0 ? room : 1);
    double left = (double)item_left(h, it, d), bytes = (double)it->bytes;
    double memory = left > 0 ? bytes / left : 0; /* what it takes of the rest */
    double cpu4 = cpu * cpu * cpu * cpu;
    return cpu4 * it->milli_cu * h->group_inverse[g] + memory + 1e-6 * lpt_score(h, g, it);
}

/* The common case of choose(): order A, any tier, base pages, no device. */
static struct choice choose_plain(const struct shared *h, const struct item *it)
{
    struct choice best = {WEIR_TOPO_NONE, WEIR_TOPO_NONE, 1e300, 1e300};
    double milli = it->milli_cu;
    for (uint32_t g = 0; g < h->group_count; g++) {
        uint32_t d = h->groups[g].domain;
        double score = h->group_base[g] + milli * h->group_inverse[g] + h->domain_fill[d];
        if (score >= best.second_score || h->left[d] < it->bytes) continue;
        if (score < best.score) {
            best.second = best.group;
            best.second_score = best.score;
            best.group = g;
            best.score = score;
        } else {
            best.second = g;
            best.second_score = score;
        }
    }
    return best;
}

static struct choice choose(const struct shared *h, const struct item *it, char order,
                            double target)
{
    struct choice best = {WEIR_TOPO_NONE, WEIR_TOPO_NONE, 0, 0};
    bool plain = order == 'A' && it->tier == WEIR_TOPO_TIER_ANY && !it->page &&
                 it->device_domain == WEIR_TOPO_NONE;
    if (plain) best = choose_plain(h, it);
    for (uint32_t g = plain ? h->group_count : 0; g < h->group_count; g++) {
        uint32_t d = h->groups[g].domain;
        if (it->bytes && item_left(h, it, d) < it->bytes) continue;
        if (it->device_domain != WEIR_TOPO_NONE) {
            bool full = h->domain_load[d] + it->milli_cu > h->domain_capacity[d];
            double far = (double)topo_domain_distance(h->s->m, it->device_domain, d);
            consider(&best, g, far + (full ? 1e6 : 0) + 1e-3 * lpt_score(h, g, it));
        } else if (order == 'A') {
            consider(&best, g, lpt_score(h, g, it));
        } else if (order == 'B') {
            consider(&best, g, price_score(h, g, it, target));
        } else {
            consider(&best, g,
                     (double)(item_left(h, it, d) - it->bytes) + 1e-3 * lpt_score(h, g, it));
        }
    }
    if (best.group != WEIR_TOPO_NONE) return best;
    uint64_t most = 0; /* nowhere all local: where most of it is */
    for (uint32_t g = 0; g < h->group_count; g++) {
        uint64_t left = item_left(h, it, h->groups[g].domain);
        if (left > most) most = left;
    }
    for (uint32_t g = 0; g < h->group_count; g++)
        if (item_left(h, it, h->groups[g].domain) == most) consider(&best, g, lpt_score(h, g, it));
    return best;
}

static void greedy(struct shared *h, char order, struct solution *sol)
{
    uint64_t load = 0, capacity = 0;
    for (uint32_t i = 0; i < h->item_count; i++) load += h->items[i].milli_cu;
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) capacity += h->domain_capacity[d];
    double target = capacity ? (double)load / (double)capacity : 1;
    sol->remote = 0;
    for (uint32_t i = 0; i < h->item_count; i++) {
        const struct item *it = &h->items[i];
        struct choice c = {WEIR_TOPO_NONE, WEIR_TOPO_NONE, 0, 0};
        uint32_t core;
        if (it->keep_pu != WEIR_TOPO_NONE) {
            core = h->s->m->pus[it->keep_pu].unit[WEIR_TOPO_SCOPE_CORE];
            c.group = h->group_of[core];
        } else {
            c = choose(h, it, order, target);
            core = h->heap[h->groups[c.group].first];
        }
        const struct topo_core_group *g = &h->groups[c.group];
        sol->core[i] = core;
        sol->runner_up[i] =
            c.second == WEIR_TOPO_NONE ? WEIR_TOPO_NONE : h->groups[c.second].domain;
        double extra =
            c.second == WEIR_TOPO_NONE ? 0 : lpt_score(h, c.second, it) - lpt_score(h, c.group, it);
        sol->price[i] = (int64_t)(extra * 1000.0);
        add_load(h, core, it->milli_cu);
        sol->remote += take_memory(h, it, g->domain);
    }
    sol->load = 0;
    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->capacity[c] && (double)h->load[c] / h->capacity[c] > sol->load)
            sol->load = (double)h->load[c] / h->capacity[c];
}

/* Kept partitions first, then those with a device, then by the order's own size, largest first (of
   equals, the larger in the other dimension); ties stay in the order of partitions. */
static uint64_t sort_key(const struct item *it, char order, double cpu, double memory)
{
    uint64_t first = it->keep_pu != WEIR_TOPO_NONE         ? 0
                     : it->device_domain != WEIR_TOPO_NONE ? 1
                                                           : 2;
    uint64_t mib = it->bytes >> 20 < 0x3fffffff ? it->bytes >> 20 : 0x3fffffff;
    uint64_t milli = it->milli_cu < 0x3fffffff ? it->milli_cu : 0x3fffffff;
    uint64_t size = order == 'A' ? milli << 30 | mib : mib << 30 | milli;
    if (order == 'B') { /* the scarcer dimension, as a fraction of all there is */
        double c = (double)it->milli_cu / cpu, b = (double)it->bytes / memory,
               larger = c > b ? c : b;
        size =
            larger < 1 ? (uint64_t)(larger * (double)(UINT64_C(1) << 60)) : (UINT64_C(1) << 60) - 1;
    }
    return first << 60 | ((UINT64_C(1) << 60) - 1 - size);
}

static int sort_items(struct shared *h, char order, struct weir_topo_error *err)
{
    double cpu = 1, memory = 1;
    uint32_t n = h->item_count;
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) {
        cpu += (double)h->domain_capacity[d];
        memory += (double)h->left[d];
    }
    struct topo_key *keys = topo_calloc(n, sizeof *keys);
    struct item *sorted = topo_calloc(n, sizeof *sorted);
    if (!keys || !sorted) {
        topo_free(keys);
        topo_free(sorted);
        return topo_fail_nomem(err, "planning shared partitions");
    }
    /* by partition first: what the order was before must not matter */
    for (uint32_t i = 0; i < n; i++) keys[i] = (struct topo_key){h->items[i].partition, i};
    bool ok = topo_sort_keys(keys, n);
    for (uint32_t i = 0; i < n; i++)
        keys[i].key = sort_key(&h->items[keys[i].index], order, cpu, memory);
    ok = ok && topo_sort_keys(keys, n);
    for (uint32_t i = 0; i < n; i++) sorted[i] = h->items[keys[i].index];
    topo_free(keys);
    topo_free(h->items);
    h->items = sorted;
    return ok ? WEIR_TOPO_OK : topo_fail_nomem(err, "planning shared partitions");
}

/* ---- wide partitions: more than one core each, spread evenly over cores of one domain if one has
 * enough */

static uint32_t wide_domain(const struct shared *h, const struct item *it, uint32_t width)
{
    uint32_t best = WEIR_TOPO_NONE;
    double best_score = 0;
    for (int memory = 1; memory >= 0 && best == WEIR_TOPO_NONE; memory--)
        for (uint32_t d = 0; d < h->s->m->domain_count; d++) {
            if (h->domain_cores[d] < width || (memory && item_left(h, it, d) < it->bytes)) continue;
            double score =
                ((double)h->domain_load[d] + it->milli_cu) / (double)h->domain_capacity[d];
            if (it->device_domain != WEIR_TOPO_NONE)
                score += topo_domain_distance(h->s->m, it->device_domain, d) * 1e3;
            if (best == WEIR_TOPO_NONE || score < best_score) {
                best = d;
                best_score = score;
            }
        }
    return best;
}

/* The shared PU of CORE with the fewest partitions. */
static uint32_t core_pu(const struct shared *h, uint32_t core, const uint32_t *used)
{
    const struct weir_topo_units *u = &h->s->m->units[WEIR_TOPO_SCOPE_CORE];
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t k = u->first[core]; k < u->first[core + 1]; k++) {
        uint32_t p = u->pus[k];
        if (h->s->taken[p] || !weir_topo_pu_usable(h->s->m, p)) continue;
        if (best == WEIR_TOPO_NONE || used[p] < used[best]) best = p;
    }
    return best;
}

static uint32_t kept_pu(const struct shared *h, const struct item *it, uint32_t core)
{
    const uint32_t *pus = h->s->keep_pu + h->s->keep_first[it->partition];
    for (uint32_t k = 0; k < h->s->keep_count[it->partition]; k++)
        if (h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE] == core) return pus[k];
    return WEIR_TOPO_NONE;
}

/* Mark the cores that the partition has in the current plan; false (and none marked) if they will
 * not do. */
static bool mark_kept(const struct shared *h, const struct item *it, uint32_t width,
                      uint8_t *marked, uint32_t *domain)
{
    if (!h->s->keep_count || h->s->keep_count[it->partition] != width) return false;
    const uint32_t *pus = h->s->keep_pu + h->s->keep_first[it->partition];
    bool ok = true;
    for (uint32_t k = 0; k < width; k++) {
        uint32_t core = h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE];
        ok &= !h->s->taken[pus[k]] && !marked[core];
        marked[core] = 1;
    }
    for (uint32_t k = 0; k < width && !ok; k++)
        marked[h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE]] = 0;
    if (ok) *domain = h->s->m->pus[pus[0]].unit[WEIR_TOPO_SCOPE_NUMA];
    return ok;
}

/* Mark the WIDTH cores that end up least loaded, in DOMAIN or (NONE) in all domains, near to the
 * first of them. */
static void mark_lightest(const struct shared *h, uint32_t width, uint32_t part, uint32_t domain,
                          uint8_t *marked)
{
    uint32_t from = WEIR_TOPO_NONE;
    for (uint32_t w = 0; w < width; w++) {
        uint32_t best = WEIR_TOPO_NONE;
        double best_score = 0;
        for (uint32_t g = 0; g < h->group_count; g++) {
            uint32_t d = h->groups[g].domain;
            if (domain != WEIR_TOPO_NONE && d != domain) continue;
            double far = from == WEIR_TOPO_NONE ? 0 : topo_domain_distance(h->s->m, from, d) * 0.01;
            for (uint32_t k = 0; k < h->groups[g].count; k++) {
                uint32_t c = h->heap[h->groups[g].first + k];
                if (marked[c]) continue;
                double score = ((double)h->load[c] + part) * h->group_inverse[g] + far;
                if (best == WEIR_TOPO_NONE || score < best_score ||
                    (score <= best_score && c < best)) {
                    best = c;
                    best_score = score;
                }
            }
        }
        marked[best] = 1;
        if (from == WEIR_TOPO_NONE) from = h->groups[h->group_of[best]].domain;
    }
}

/* MARKED is all zero before and after. */
static int place_wide(struct shared *h, const struct item *it, uint32_t *used, uint8_t *marked,
                      struct weir_topo_error *err)
{
    struct weir_topo_partition *p = &h->s->plan->partitions[it->partition];
    uint32_t width = (it->milli_cu + h->max_capacity - 1) / h->max_capacity, total = 0;
    for (uint32_t g = 0; g < h->group_count; g++) total += h->groups[g].count;
    if (width > total) width = total;
    uint32_t domain = wide_domain(h, it, width);
    p->pu_first = h->s->plan->pu_list_count;
    p->pu_count = width;
    bool kept = mark_kept(h, it, width, marked, &domain);
    uint32_t part = it->milli_cu / width, rest = it->milli_cu % width;
    if (!kept) mark_lightest(h, width, part, domain, marked);
    for (uint32_t g = 0; g < h->group_count; g++) {
        if (domain != WEIR_TOPO_NONE && !kept && h->groups[g].domain != domain) continue;
        for (uint32_t k = 0; k < h->groups[g].count; k++) {
            uint32_t c = h->heap[h->groups[g].first + k];
            if (!marked[c]) continue;
            uint32_t pu = kept ? kept_pu(h, it, c) : core_pu(h, c, used);
            used[pu]++;
            int rc = topo_push_pu(h->s, pu, err);
            if (rc) return rc;
            marked[c] = 0;
        }
    }
    uint32_t *mine = h->s->plan->pu_list + p->pu_first;
    p->domain = topo_main_domain(h->s, p); /* sorts them */
    for (uint32_t w = 0; w < width; w++)
        add_load(h, h->s->m->pus[mine[w]].unit[WEIR_TOPO_SCOPE_CORE], (int64_t)part + (w < rest));
    take_memory(h, it, p->domain);
    return WEIR_TOPO_OK;
}

/* ---- local search */

static double ratio(const struct shared *h, uint32_t core, int64_t change)
{
    return (double)((int64_t)h->load[core] + change) / h->capacity[core];
}

static bool memory_allows(const struct shared *h, const struct item *out, const struct item *in,
                          uint32_t a, uint32_t b)
{
    uint32_t da = h->groups[h->group_of[a]].domain, db = h->groups[h->group_of[b]].domain;
    if (da == db) return true;
    uint64_t back = in ? in->bytes : 0;
    if (out->device_domain != WEIR_TOPO_NONE || (in && in->device_domain != WEIR_TOPO_NONE))
        return false;
    if (in && (in->tier != out->tier || in->page != out->page)) return false;
    if (out->bytes > back) return item_left(h, out, db) >= out->bytes - back;
    return !in || item_left(h, in, da) >= back - out->bytes;
}

static void unlink_item(struct shared *h, uint32_t core, uint32_t item)
{
    uint32_t *at = &h->first_item[core];
    while (*at != item) at = &h->next_item[*at];
    *at = h->next_item[item];
}

/* Take an item off its core and give its bytes back to the local pools, as far as they were drawn.
 */
static void detach(struct shared *h, const struct solution *sol, uint32_t item)
{
    uint32_t core = sol->core[item], domain = h->groups[h->group_of[core]].domain;
    const struct item *it = &h->items[item];
    unlink_item(h, core, item);
    add_load(h, core, -(int64_t)it->milli_cu);
    uint64_t back = it->bytes;
    for (uint32_t k = h->s->local_first[domain]; k < h->s->local_first[domain + 1] && back; k++) {
        uint32_t pool = h->s->local_pool[k];
        if (!topo_pool_fits(&h->s->m->pools[pool], it->tier, it->page)) continue;
        uint64_t drawn = h->s->m->pools[pool].usable_bytes - h->s->pool_left[pool];
        uint64_t put = drawn < back ? drawn : back;
        h->s->pool_left[pool] += put;
        back -= put;
    }
}

static void attach(struct shared *h, struct solution *sol, uint32_t item, uint32_t core)
{
    const struct item *it = &h->items[item];
    h->next_item[item] = h->first_item[core];
    h->first_item[core] = item;
    sol->core[item] = core;
    add_load(h, core, it->milli_cu);
    topo_local_take(h->s, h->groups[h->group_of[core]].domain, it->tier, it->page, it->bytes);
}

/* Both leave before either arrives: an exchange may need the room that the other one had. IN may be
 * NONE. */
static void exchange(struct shared *h, struct solution *sol, uint32_t out, uint32_t in,
                     uint32_t from, uint32_t to)
{
    detach(h, sol, out);
    if (in != WEIR_TOPO_NONE) detach(h, sol, in);
    attach(h, sol, out, to);
    if (in != WEIR_TOPO_NONE) attach(h, sol, in, from);
    refresh_left(h);
}

/* One improvement of the most loaded core; false if there is none. */
static bool improve(struct shared *h, struct solution *sol, uint32_t worst)
{
    double best = ratio(h, worst, 0), before = best;
    uint32_t best_out = WEIR_TOPO_NONE, best_in = WEIR_TOPO_NONE, best_core = WEIR_TOPO_NONE;
    for (uint32_t g = 0; g < h->group_count; g++) {
        const struct topo_core_group *gr = &h->groups[g];
        for (uint32_t k = 0; k < gr->count && k < 3; k++) {
            uint32_t other = h->heap[gr->first + k];
            if (other == worst) continue;
            for (uint32_t i = h->first_item[worst]; i != WEIR_TOPO_NONE; i = h->next_item[i]) {
                int64_t out = h->items[i].milli_cu;
                for (uint32_t j = h->first_item[other], once = 1; once; j = h->next_item[j]) {
                    once = j != WEIR_TOPO_NONE;
                    int64_t in = once ? h->items[j].milli_cu : 0;
                    if (in < out) {
                        double a = ratio(h, worst, in - out), b = ratio(h, other, out - in),
                               now = a > b ? a : b;
                        if (now < best - 1e-9 &&
                            memory_allows(h, &h->items[i], once ? &h->items[j] : NULL, worst,
                                          other)) {
                            best = now;
                            best_out = i;
                            best_in = j;
                            best_core = other;
                        }
                    }
                    if (!once) break;
                }
            }
        }
    }
    if (best_out == WEIR_TOPO_NONE || best >= before) return false;
    exchange(h, sol, best_out, best_in, worst, best_core);
    return true;
}

static void local_search(struct shared *h, struct solution *sol, uint64_t bound_ppm, uint32_t steps)
{
    for (uint32_t c = 0; c < h->core_count; c++) h->first_item[c] = WEIR_TOPO_NONE;
    for (uint32_t i = h->item_count; i-- > 0;) {
        h->next_item[i] = h->first_item[sol->core[i]];
        h->first_item[sol->core[i]] = i;
    }
    double enough = (double)bound_ppm / 1e6 * 1.001;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t worst = WEIR_TOPO_NONE;
        for (uint32_t c = 0; c < h->core_count; c++)
            if (h->capacity[c] && (worst == WEIR_TOPO_NONE || ratio(h, c, 0) > ratio(h, worst, 0)))
                worst = c;
        if (worst == WEIR_TOPO_NONE || ratio(h, worst, 0) <= enough) break;
        h->s->plan->totals.search_steps++;
        if (!improve(h, sol, worst)) break;
    }
}

/* ---- all together */

static void reset(struct shared *h, const uint64_t *load, const uint64_t *pool_left,
                  const uint64_t *domain_load)
{
    memcpy(h->load, load, h->core_count * sizeof *load);
    memcpy(h->domain_load, domain_load, h->s->m->domain_count * sizeof *domain_load);
    memcpy(h->s->pool_left, pool_left, h->s->m->pool_count * sizeof *pool_left);
    for (uint32_t g = 0; g < h->group_count; g++) {
        for (uint32_t k = h->groups[g].count; k-- > 0;) sift(h, h->heap[h->groups[g].first + k]);
        refresh(h, g);
    }
    refresh_left(h);
}

static int commit(struct shared *h, const struct solution *sol, uint32_t *used,
                  struct weir_topo_error *err)
{
    for (uint32_t i = 0; i < h->item_count; i++) {
        struct weir_topo_partition *p = &h->s->plan->partitions[h->items[i].partition];
        uint32_t pu = h->items[i].keep_pu, was = pu;
        if (pu == WEIR_TOPO_NONE || h->s->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE] != sol->core[i])
            pu = core_pu(h, sol->core[i], used);
        used[pu] += was != pu; /* kept ones were counted before */
        p->pu_first = h->s->plan->pu_list_count;
        p->pu_count = 1;
        p->domain = h->s->m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA];
        p->runner_up = sol->runner_up[i] == p->domain ? WEIR_TOPO_NONE : sol->runner_up[i];
        p->runner_up_price = p->runner_up == WEIR_TOPO_NONE ? 0 : sol->price[i];
        int rc = topo_push_pu(h->s, pu, err);
        if (rc) return rc;
    }
    return WEIR_TOPO_OK;
}

/* What everybody gets when all are busy, and the totals of the load. Wide partitions count in equal
 * parts. */
static void shares(struct shared *h)
{
    struct weir_topo_plan *plan = h->s->plan;
    const struct weir_topo_machine *m = h->s->m;
    uint64_t asked = 0;
    for (uint32_t d = 0; d < m->domain_count; d++) asked += h->domain_load[d];
    uint64_t limit = h->s->cpu_left, max_ppm = 0;
    if (limit < asked) max_ppm = asked * 1000000 / (limit ? limit : 1);
    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->capacity[c] && h->load[c] * 1000000 / h->capacity[c] > max_ppm)
            max_ppm = h->load[c] * 1000000 / h->capacity[c];
    plan->totals.load_max_ppm = max_ppm;
    if (limit < asked && asked * 1000000 / (limit ? limit : 1) > plan->totals.load_bound_ppm)
        plan->totals.load_bound_ppm = asked * 1000000 / (limit ? limit : 1);
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        const struct weir_topo_stream *st = &plan->streams[p->stream];
        if (p->state == WEIR_TOPO_REJECTED || st->mode == WEIR_TOPO_EXCLUSIVE) continue;
        uint64_t gets = 0;
        for (uint32_t k = 0; k < p->pu_count; k++) {
            uint32_t core = m->pus[plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_CORE];
            uint64_t part = p->milli_cu / p->pu_count + (k < p->milli_cu % p->pu_count);
            gets +=
                h->load[core] > h->capacity[core] ? part * h->capacity[core] / h->load[core] : part;
        }
        uint64_t scaled = limit < asked ? (uint64_t)((unsigned __int128)p->milli_cu * limit / asked)
                                        : p->milli_cu;
        p->share_milli_cu = (uint32_t)(gets < scaled ? gets : scaled);
        if (st->milli_cu && p->share_milli_cu < p->milli_cu && h->s->lacks[i] == WEIR_TOPO_WHY_FITS)
            h->s->lacks[i] = WEIR_TOPO_WHY_OVERCOMMIT;
    }
}

static int bound(struct shared *h, struct weir_topo_error *err)
{
    uint32_t *sizes = topo_calloc(h->item_count, sizeof *sizes);
    uint32_t capacity[64], counts[64];
    size_t kinds = 0;
    if (!sizes) return topo_fail_nomem(err, "bounding the load");
    uint64_t wide = 0;
    for (uint32_t c = 0; c < h->core_count; c++) wide += h->load[c];
    struct topo_key *keys = topo_calloc(h->item_count, sizeof *keys);
    bool sorted = keys != NULL;
    for (uint32_t i = 0; sorted && i < h->item_count; i++)
        keys[i] = (struct topo_key){UINT32_MAX - h->items[i].milli_cu, i};
    sorted = sorted && topo_sort_keys(keys, h->item_count);
    for (uint32_t i = 0; sorted && i < h->item_count; i++)
        sizes[i] = h->items[keys[i].index].milli_cu;
    topo_free(keys);
    if (!sorted) {
        topo_free(sizes);
        return topo_fail_nomem(err, "bounding the load");
    }
    for (uint32_t g = 0; g < h->group_count; g++) {
        size_t k = 0;
        while (k < kinds && capacity[k] != h->groups[g].capacity_milli_cu) k++;
        if (k == 64)
            k = 63; /* more kinds than that: merged into the last, raised so that the bound stays
                       one */
        if (k == kinds) {
            capacity[kinds] = h->groups[g].capacity_milli_cu;
            counts[kinds++] = 0;
        }
        if (h->groups[g].capacity_milli_cu > capacity[k])
            capacity[k] = h->groups[g].capacity_milli_cu;
        counts[k] += h->groups[g].count;
    }
    uint64_t all = wide, room = 0;
    for (uint32_t i = 0; i < h->item_count; i++) all += sizes[i];
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) room += h->domain_capacity[d];
    uint64_t b = topo_load_bound(sizes, h->item_count, capacity, counts, kinds);
    uint64_t even = room ? all * 1000000 / room : 0;
    h->s->plan->totals.load_bound_ppm = b > even ? b : even;
    topo_free(sizes);
    return WEIR_TOPO_OK;
}

static int collect(struct shared *h, uint32_t *used, struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = h->s->plan;
    uint8_t *marked = topo_calloc(h->core_count, 1);
    if (!marked) return topo_fail_nomem(err, "planning shared partitions");
    int rc = WEIR_TOPO_OK;
    for (uint32_t i = 0; i < plan->partition_count && !rc; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        const struct weir_topo_stream *st = &plan->streams[p->stream];
        if (p->state == WEIR_TOPO_REJECTED || st->mode == WEIR_TOPO_EXCLUSIVE) continue;
        struct item it = {.partition = i,
                          .milli_cu = p->milli_cu,
                          .bytes = p->bytes,
                          .page = h->s->page_of[i],
                          .tier = st->tier,
                          .device_domain = WEIR_TOPO_NONE};
        if (p->device != WEIR_TOPO_NONE) it.device_domain = h->s->m->devices[p->device].domain;
        it.keep_pu = WEIR_TOPO_NONE;
        if (h->s->keep_count && h->s->keep_count[i] == 1) {
            uint32_t pu = h->s->keep_pu[h->s->keep_first[i]];
            if (!h->s->taken[pu]) it.keep_pu = pu;
        }
        if (it.keep_pu != WEIR_TOPO_NONE && it.milli_cu <= h->max_capacity) used[it.keep_pu]++;
        if (it.milli_cu > h->max_capacity)
            rc = place_wide(h, &it, used, marked, err);
        else
            h->items[h->item_count++] = it;
    }
    topo_free(marked);
    return rc;
}

static int solve(struct shared *h, uint32_t steps, uint32_t *used, struct weir_topo_error *err)
{
    uint32_t n = h->item_count, cores = h->core_count, domains = h->s->m->domain_count,
             pools = h->s->m->pool_count;
    struct solution sol = {0};
    uint64_t *load = topo_calloc(cores, sizeof *load),
             *pool_left = topo_calloc(pools, sizeof *pool_left);
    uint64_t *domain_load = topo_calloc(domains, sizeof *domain_load);
    sol.core = topo_calloc(n, sizeof *sol.core);
    sol.runner_up = topo_calloc(n, sizeof *sol.runner_up);
    sol.price = topo_calloc(n, sizeof *sol.price);
    int rc = WEIR_TOPO_OK;
    if (!load || !pool_left || !domain_load || !sol.core || !sol.runner_up || !sol.price) {
        rc = topo_fail_nomem(err, "planning shared partitions");
        goto out;
    }
    memcpy(load, h->load, cores * sizeof *load);
    memcpy(pool_left, h->s->pool_left, pools * sizeof *pool_left);
    memcpy(domain_load, h->domain_load, domains * sizeof *domain_load);
    char best = 'A', last = 'A';
    uint64_t best_remote = UINT64_MAX;
    double best_load = 0;
    for (char order = 'A'; order <= 'C' && best_remote; order++) {
        if (order != 'A') reset(h, load, pool_left, domain_load);
        rc = sort_items(h, order, err);
        if (rc) goto out;
        if (order == 'A') {
            rc = bound(h, err);
            if (rc) goto out;
        }
        greedy(h, order, &sol);
        last = order;
        if (sol.remote < best_remote || (sol.remote == best_remote && sol.load < best_load)) {
            best = order;
            best_remote = sol.remote;
            best_load = sol.load;
        }
    }
    if (best != last) {
        reset(h, load, pool_left, domain_load);
        rc = sort_items(h, best, err);
        if (rc) goto out;
        greedy(h, best, &sol);
    }
    bool all_kept = n > 0; /* then nothing has changed, and nothing shall move */
    for (uint32_t i = 0; i < n; i++) all_kept &= h->items[i].keep_pu != WEIR_TOPO_NONE;
    if (!all_kept) local_search(h, &sol, h->s->plan->totals.load_bound_ppm, steps);
    rc = commit(h, &sol, used, err);
out:
    topo_free(load);
    topo_free(pool_left);
    topo_free(domain_load);
    topo_free(sol.core);
    topo_free(sol.runner_up);
    topo_free(sol.price);
    return rc;
}

int topo_shared_place(struct topo_state *s, uint32_t steps, struct weir_topo_error *err)
{
    if (!s->shared_admitted) return WEIR_TOPO_OK;
    struct shared h = {.s = s};
    uint32_t *used = topo_calloc(s->m->pu_count, sizeof *used);
    int rc = used ? allocate(&h, err) : topo_fail_nomem(err, "planning shared partitions");
    if (!rc) rc = build_groups(&h, err);
    if (!rc) {
        for (uint32_t g = 0; g < h.group_count; g++) refresh(&h, g);
        refresh_left(&h);
        rc = collect(&h, used, err);
    }
    if (!rc) rc = solve(&h, steps ? steps : 2000, used, err);
    if (!rc) shares(&h);
    clear(&h);
    topo_free(used);
    return rc;
}
