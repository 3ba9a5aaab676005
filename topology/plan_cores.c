/* Cores as bins. SMT siblings share their core's capacity, so a core is one bin. Cores of one
   domain with equal capacity form a group with a heap by load: a choice looks at one core per
   group. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

/* ---- heaps of cores by load */

static bool lighter(const struct topo_shared *h, uint32_t a, uint32_t b)
{
    return h->load[a] != h->load[b] ? h->load[a] < h->load[b] : a < b;
}

void topo_core_sift(struct topo_shared *h, uint32_t core)
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

void topo_group_refresh(struct topo_shared *h, uint32_t g)
{
    uint32_t d = h->groups[g].domain, end = h->domain_groups[d + 1];
    double fill = 1e-6 * (double)h->domain_load[d] / (double)h->domain_capacity[d];
    for (g = h->domain_groups[d]; g < end; g++)
        h->group_base[g] =
            (double)h->load[h->heap[h->groups[g].first]] * h->group_inverse[g] + fill;
}

void topo_add_load(struct topo_shared *h, uint32_t core, int64_t milli_cu)
{
    uint32_t g = h->group_of[core];
    h->load[core] = (uint64_t)((int64_t)h->load[core] + milli_cu);
    h->domain_load[h->groups[g].domain] =
        (uint64_t)((int64_t)h->domain_load[h->groups[g].domain] + milli_cu);
    topo_core_sift(h, core);
    topo_group_refresh(h, g);
}

/* ---- set-up */

static uint32_t core_domain(const struct weir_topo_machine *m, uint32_t core)
{
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
    return m->pus[u->pus[u->first[core]]].unit[WEIR_TOPO_SCOPE_NUMA];
}

int topo_shared_open(struct topo_shared *h, struct weir_topo_error *err)
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
    h->left_before = topo_calloc(m->domain_count, sizeof *h->left_before);
    h->left = topo_calloc(m->domain_count, sizeof *h->left);
    h->missing = topo_calloc(m->domain_count, sizeof *h->missing);
    h->domain_load = topo_calloc(m->domain_count, sizeof *h->domain_load);
    h->domain_capacity = topo_calloc(m->domain_count, sizeof *h->domain_capacity);
    h->domain_cores = topo_calloc(m->domain_count, sizeof *h->domain_cores);
    h->domain_groups = topo_calloc((size_t)m->domain_count + 1, sizeof *h->domain_groups);
    h->items = topo_calloc(h->s->shared_admitted, sizeof *h->items);
    h->wide = topo_calloc(h->s->shared_admitted, sizeof *h->wide);
    h->next_item = topo_calloc(h->s->shared_admitted, sizeof *h->next_item);
    if (!h->capacity || !h->group_of || !h->load || !h->groups || !h->group_base ||
        !h->group_inverse || !h->heap || !h->heap_at || !h->first_item || !h->left || !h->missing ||
        !h->left_before || !h->domain_load || !h->domain_capacity || !h->domain_groups ||
        !h->domain_cores || !h->items || !h->wide || !h->next_item)
        return topo_fail_nomem(err, "planning shared partitions");
    return WEIR_TOPO_OK;
}

void topo_shared_clear(struct topo_shared *h)
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
    topo_free(h->missing);
    topo_free(h->left_before);
    topo_free(h->domain_load);
    topo_free(h->domain_capacity);
    topo_free(h->domain_groups);
    topo_free(h->domain_cores);
    topo_free(h->items);
    topo_free(h->wide);
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

int topo_build_groups(struct topo_shared *h, struct weir_topo_error *err)
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
        h->domain_groups[keys[k].domain + 1] = h->group_count;
        h->domain_capacity[keys[k].domain] += keys[k].capacity;
        h->domain_cores[keys[k].domain]++;
        if (keys[k].capacity > h->max_capacity) h->max_capacity = keys[k].capacity;
    }
    for (uint32_t d = 0; d < m->domain_count; d++)
        if (!h->domain_groups[d + 1]) h->domain_groups[d + 1] = h->domain_groups[d];
    topo_free(keys);
    return WEIR_TOPO_OK;
}

/* ---- memory while choosing */

void topo_refresh_left(struct topo_shared *h)
{
    for (uint32_t d = 0; d < h->s->m->domain_count; d++)
        h->left[d] = topo_local_left(h->s, d, WEIR_TOPO_TIER_ANY, 0);
}

uint64_t topo_item_left(const struct topo_shared *h, const struct topo_item *it, uint32_t domain)
{
    return it->tier == WEIR_TOPO_TIER_ANY && !it->page
               ? h->left[domain]
               : topo_local_left(h->s, domain, it->tier, it->page);
}

/* Returns what did not fit. Pools may be shared between domains: refresh all of them only where
 * that is so. */
uint64_t topo_take_memory(struct topo_shared *h, const struct topo_item *it, uint32_t domain)
{
    if (!it->bytes) return 0;
    uint64_t missing = topo_local_take(h->s, domain, it->tier, it->page, it->bytes);
    h->missing[domain] += missing;
    if (missing)
        missing = it->bytes; /* the flow may still find it a place: count the item as a whole */
    if (!h->s->shared_pools)
        h->left[domain] = topo_local_left(h->s, domain, WEIR_TOPO_TIER_ANY, 0);
    else
        topo_refresh_left(h);
    return missing;
}

/* The shared PU of CORE with the fewest partitions. */
uint32_t topo_core_pu(const struct topo_shared *h, uint32_t core, const uint32_t *used)
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
