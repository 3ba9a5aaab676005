/* The greedy orders of plan_shared.c: which core an item goes to, item by item, largest first. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

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

static double lpt_score(const struct topo_shared *h, uint32_t g, const struct topo_item *it)
{
    return h->group_base[g] + it->milli_cu * h->group_inverse[g];
}

/* Order B: marginal price of both dimensions, fourth power of the fill so that full ones cost much
 * more. */
static double price_score(const struct topo_shared *h, uint32_t g, const struct topo_item *it,
                          double target)
{
    uint32_t d = h->groups[g].domain;
    double room = (double)h->domain_capacity[d] * target;
    double cpu = ((double)h->domain_load[d] + it->milli_cu) / (room > 0 ? room : 1);
    double left = (double)topo_item_left(h, it, d), bytes = (double)it->bytes;
    double memory = left > 0 ? bytes / left : 0; /* what it takes of the rest */
    double cpu4 = cpu * cpu * cpu * cpu;
    return cpu4 * it->milli_cu * h->group_inverse[g] + memory + 1e-6 * lpt_score(h, g, it);
}

/* Order D: the domain that has the most memory left per CPU that it still lacks to the target.
   Items come in descending order of bytes per CPU, so the memory-hungry ones go where memory is
   rich, and the ratios even out. */
static double ratio_score(const struct topo_shared *h, uint32_t g, const struct topo_item *it,
                          double target)
{
    uint32_t d = h->groups[g].domain;
    double lacks = (double)h->domain_capacity[d] * target - (double)h->domain_load[d];
    double left = (double)(topo_item_left(h, it, d) - it->bytes), least = 0.5 * it->milli_cu;
    if (lacks < least) return 1e18 * (1 + lpt_score(h, g, it)); /* full: only if all are */
    return -left / lacks + 1e-6 * lpt_score(h, g, it);
}

/* The common case of choose(): order A, any tier, base pages, no device. */
static struct choice choose_plain(const struct topo_shared *h, const struct topo_item *it)
{
    struct choice best = {WEIR_TOPO_NONE, WEIR_TOPO_NONE, 1e300, 1e300};
    double milli = it->milli_cu;
    for (uint32_t g = 0; g < h->group_count; g++) {
        double score = h->group_base[g] + milli * h->group_inverse[g];
        if (score >= best.second_score || h->left[h->groups[g].domain] < it->bytes) continue;
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

static struct choice choose(const struct topo_shared *h, const struct topo_item *it, char order,
                            double target)
{
    struct choice best = {WEIR_TOPO_NONE, WEIR_TOPO_NONE, 0, 0};
    bool plain = order == 'A' && it->tier == WEIR_TOPO_TIER_ANY && !it->page &&
                 it->device_domain == WEIR_TOPO_NONE;
    if (plain) best = choose_plain(h, it);
    for (uint32_t g = plain ? h->group_count : 0; g < h->group_count; g++) {
        uint32_t d = h->groups[g].domain;
        if (it->bytes && topo_item_left(h, it, d) < it->bytes) continue;
        if (it->device_domain != WEIR_TOPO_NONE) {
            bool full = h->domain_load[d] + it->milli_cu > h->domain_capacity[d];
            double far = (double)topo_domain_distance(h->s->m, it->device_domain, d);
            consider(&best, g, far + (full ? 1e6 : 0) + 1e-3 * lpt_score(h, g, it));
        } else if (order == 'A') {
            consider(&best, g, lpt_score(h, g, it));
        } else if (order == 'B') {
            consider(&best, g, price_score(h, g, it, target));
        } else if (order == 'D') {
            consider(&best, g, ratio_score(h, g, it, target));
        } else {
            consider(&best, g,
                     (double)(topo_item_left(h, it, d) - it->bytes) + 1e-3 * lpt_score(h, g, it));
        }
    }
    if (best.group != WEIR_TOPO_NONE) return best;
    uint64_t most = 0; /* nowhere all local: where most of it is */
    for (uint32_t g = 0; g < h->group_count; g++) {
        uint64_t left = topo_item_left(h, it, h->groups[g].domain);
        if (left > most) most = left;
    }
    for (uint32_t g = 0; g < h->group_count; g++)
        if (topo_item_left(h, it, h->groups[g].domain) == most)
            consider(&best, g, lpt_score(h, g, it));
    return best;
}

void topo_greedy(struct topo_shared *h, char order, struct topo_solution *sol)
{
    uint64_t load = 0, capacity = 0;
    for (uint32_t i = 0; i < h->item_count; i++) load += h->items[i].milli_cu;
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) capacity += h->domain_capacity[d];
    double target = capacity ? (double)load / (double)capacity : 1;
    sol->remote = 0;
    for (uint32_t i = 0; i < h->item_count; i++) {
        const struct topo_item *it = &h->items[i];
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
        topo_add_load(h, core, it->milli_cu);
        sol->remote += topo_take_memory(h, it, g->domain);
    }
    sol->load = 0;
    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->capacity[c] && (double)h->load[c] / h->capacity[c] > sol->load)
            sol->load = (double)h->load[c] / h->capacity[c];
}

/* Kept partitions first, then those with a device, then by the order's own size, largest first (of
   equals, the larger in the other dimension); ties stay in the order of partitions. */
static uint64_t sort_key(const struct topo_item *it, char order, double cpu, double memory)
{
    uint64_t first = it->keep_pu != WEIR_TOPO_NONE         ? 0
                     : it->device_domain != WEIR_TOPO_NONE ? 1
                                                           : 2;
    uint64_t mib = it->bytes >> 20 < 0x3fffffff ? it->bytes >> 20 : 0x3fffffff;
    uint64_t milli = it->milli_cu < 0x3fffffff ? it->milli_cu : 0x3fffffff;
    uint64_t size = order == 'A' ? milli << 30 | mib : mib << 30 | milli;
    if (order == 'D') { /* the bits of a positive double sort like the double */
        double per_cpu = (double)it->bytes / (milli ? (double)milli : 1);
        uint64_t bits;
        memcpy(&bits, &per_cpu, sizeof bits);
        size = bits >> 4;
    }
    if (order == 'B') { /* the scarcer dimension, as a fraction of all there is */
        double c = (double)it->milli_cu / cpu, b = (double)it->bytes / memory,
               larger = c > b ? c : b;
        size =
            larger < 1 ? (uint64_t)(larger * (double)(UINT64_C(1) << 60)) : (UINT64_C(1) << 60) - 1;
    }
    return first << 60 | ((UINT64_C(1) << 60) - 1 - size);
}

int topo_sort_items(struct topo_shared *h, char order, struct weir_topo_error *err)
{
    double cpu = 1, memory = 1;
    uint32_t n = h->item_count;
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) {
        if (!h->domain_capacity[d]) continue; /* its memory is local to nobody */
        cpu += (double)h->domain_capacity[d];
        memory += (double)h->left[d];
    }
    struct topo_key *keys = topo_calloc(n, sizeof *keys);
    struct topo_item *sorted = topo_calloc(n, sizeof *sorted);
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
