/* Improving a greedy solution: the most loaded core gives an item away or exchanges it for a
   smaller one, as long as the larger of both loads falls and no byte becomes remote. Where that
   ends more than 1 % above the bound, up to two items are traded for up to two; and where that ends
   too, an exchange may overload the other core, if that one can then exchange with a third. All are
   bounded in steps. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

static double ratio(const struct topo_shared *h, uint32_t core, int64_t change)
{
    return (double)((int64_t)h->load[core] + change) / h->capacity[core];
}

/* May BYTES move from domain FROM to domain TO? What is remote in FROM may as well be so in TO. */
static bool no_more_remote(const struct topo_shared *h, uint32_t from, uint32_t to, uint64_t bytes)
{
    uint64_t relief = h->missing[from] < bytes ? h->missing[from] : bytes;
    return bytes - relief <= h->left[to];
}

static bool memory_allows(const struct topo_shared *h, const struct topo_item *out,
                          const struct topo_item *in, uint32_t a, uint32_t b)
{
    uint32_t da = h->groups[h->group_of[a]].domain, db = h->groups[h->group_of[b]].domain;
    if (da == db) return true;
    uint64_t back = in ? in->bytes : 0;
    if (out->device_domain != WEIR_TOPO_NONE || (in && in->device_domain != WEIR_TOPO_NONE))
        return false;
    if (in && (in->tier != out->tier || in->page != out->page)) return false;
    if (out->tier == WEIR_TOPO_TIER_ANY && !out->page)
        return out->bytes > back ? no_more_remote(h, da, db, out->bytes - back)
                                 : no_more_remote(h, db, da, back - out->bytes);
    if (out->bytes > back) return topo_item_left(h, out, db) >= out->bytes - back;
    return !in || topo_item_left(h, in, da) >= back - out->bytes;
}

static void unlink_item(struct topo_shared *h, uint32_t core, uint32_t item)
{
    uint32_t *at = &h->first_item[core];
    while (*at != item) at = &h->next_item[*at];
    *at = h->next_item[item];
}

/* Take an item off its core and give its bytes back to the local pools, as far as they were drawn.
 */
static void detach(struct topo_shared *h, const struct topo_solution *sol, uint32_t item)
{
    uint32_t core = sol->core[item], domain = h->groups[h->group_of[core]].domain;
    const struct topo_item *it = &h->items[item];
    unlink_item(h, core, item);
    topo_add_load(h, core, -(int64_t)it->milli_cu);
    uint64_t relief = h->missing[domain] < it->bytes ? h->missing[domain] : it->bytes;
    uint64_t back = it->bytes - relief;
    h->missing[domain] -= relief;
    for (uint32_t k = h->s->local_first[domain]; k < h->s->local_first[domain + 1] && back; k++) {
        uint32_t pool = h->s->local_pool[k];
        if (!topo_pool_fits(&h->s->m->pools[pool], it->tier, it->page)) continue;
        uint64_t drawn = h->s->m->pools[pool].usable_bytes - h->s->pool_left[pool];
        uint64_t put = drawn < back ? drawn : back;
        h->s->pool_left[pool] += put;
        back -= put;
    }
}

static void attach(struct topo_shared *h, struct topo_solution *sol, uint32_t item, uint32_t core)
{
    const struct topo_item *it = &h->items[item];
    h->next_item[item] = h->first_item[core];
    h->first_item[core] = item;
    sol->core[item] = core;
    topo_add_load(h, core, it->milli_cu);
    uint32_t domain = h->groups[h->group_of[core]].domain;
    h->missing[domain] += topo_local_take(h->s, domain, it->tier, it->page, it->bytes);
}

/* Both leave before either arrives: an exchange may need the room that the other one had. IN may be
 * NONE. */
static void exchange(struct topo_shared *h, struct topo_solution *sol, uint32_t out, uint32_t in,
                     uint32_t from, uint32_t to)
{
    detach(h, sol, out);
    if (in != WEIR_TOPO_NONE) detach(h, sol, in);
    attach(h, sol, out, to);
    if (in != WEIR_TOPO_NONE) attach(h, sol, in, from);
    topo_refresh_left(h);
}

/* One exchange that brings core WORST, and the other one, below LIMIT; false if there is none. */
static bool improve(struct topo_shared *h, struct topo_solution *sol, uint32_t worst, double limit)
{
    double best = limit;
    uint32_t best_out = WEIR_TOPO_NONE, best_in = WEIR_TOPO_NONE, best_core = WEIR_TOPO_NONE;
    for (uint32_t g = 0; g < h->group_count; g++) {
        const struct topo_core_group *gr = &h->groups[g];
        for (uint32_t k = 0; k < gr->count && (k < 3 || h->core_count <= 256); k++) {
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
    if (best_out == WEIR_TOPO_NONE) return false;
    exchange(h, sol, best_out, best_in, worst, best_core);
    return true;
}

/* ---- trades */

#define TRADE_ITEMS   12 /* of a core that are looked at */
#define TRADE_BUNDLES (1 + TRADE_ITEMS + TRADE_ITEMS * (TRADE_ITEMS - 1) / 2)
#define TRADE_BUDGET  1000000 /* pairs of bundles that are compared in one plan */

struct bundle {
    uint32_t a, b; /* items, NONE for none */
    int64_t milli_cu;
    uint64_t bytes;
};

/* Nothing, every plain item of CORE, and every two of them. */
static uint32_t bundles(const struct topo_shared *h, uint32_t core, struct bundle *out)
{
    uint32_t n = 1, singles = 0;
    out[0] = (struct bundle){WEIR_TOPO_NONE, WEIR_TOPO_NONE, 0, 0};
    for (uint32_t i = h->first_item[core]; i != WEIR_TOPO_NONE && singles < TRADE_ITEMS;
         i = h->next_item[i]) {
        const struct topo_item *it = &h->items[i];
        if (it->tier != WEIR_TOPO_TIER_ANY || it->page || it->device_domain != WEIR_TOPO_NONE)
            continue;
        out[n++] = (struct bundle){i, WEIR_TOPO_NONE, it->milli_cu, it->bytes};
        singles++;
    }
    for (uint32_t j = 1; j <= singles; j++)
        for (uint32_t k = 1; k < j; k++)
            out[n++] = (struct bundle){out[j].a, out[k].a, out[j].milli_cu + out[k].milli_cu,
                                       out[j].bytes + out[k].bytes};
    return n;
}

struct trade {
    struct bundle out, in;
    uint32_t core;
    double load; /* the larger of both after it */
};

/* The best trade of WORST's bundles OUT with core OTHER, if it is better than BEST. */
static void best_trade(const struct topo_shared *h, uint32_t worst, const struct bundle *out,
                       uint32_t out_count, uint32_t other, struct trade *best, uint32_t *budget)
{
    struct bundle in[TRADE_BUNDLES];
    uint32_t in_count = bundles(h, other, in), da = h->groups[h->group_of[worst]].domain,
             db = h->groups[h->group_of[other]].domain;
    uint32_t pairs = in_count * out_count;
    *budget -= pairs < *budget ? pairs : *budget;
    for (uint32_t j = 0; j < in_count; j++) {
        double room = best->load * h->capacity[other] - (double)h->load[other];
        int64_t most = in[j].milli_cu + (room > 0 ? (int64_t)room : 0);
        for (uint32_t k = 1; k < out_count; k++) {
            if (out[k].milli_cu > most || out[k].milli_cu <= in[j].milli_cu) continue;
            if (da != db && !(out[k].bytes > in[j].bytes
                                  ? no_more_remote(h, da, db, out[k].bytes - in[j].bytes)
                                  : no_more_remote(h, db, da, in[j].bytes - out[k].bytes)))
                continue;
            int64_t moved = out[k].milli_cu - in[j].milli_cu;
            double a = ratio(h, worst, -moved), b = ratio(h, other, moved), now = a > b ? a : b;
            if (now < best->load - 1e-9) *best = (struct trade){out[k], in[j], other, now};
        }
    }
}

static void move_bundle(struct topo_shared *h, struct topo_solution *sol, const struct bundle *b,
                        uint32_t to)
{
    if (b->a != WEIR_TOPO_NONE) attach(h, sol, b->a, to);
    if (b->b != WEIR_TOPO_NONE) attach(h, sol, b->b, to);
}

/* One trade that lowers the most loaded core; false if there is none, or the budget is used up. */
static bool improve_by_trade(struct topo_shared *h, struct topo_solution *sol, uint32_t worst,
                             uint32_t *budget)
{
    struct bundle out[TRADE_BUNDLES];
    struct trade best = {.core = WEIR_TOPO_NONE, .load = ratio(h, worst, 0)};
    uint32_t out_count = bundles(h, worst, out);
    for (uint32_t g = 0; g < h->group_count && *budget; g++) {
        const struct topo_core_group *gr = &h->groups[g];
        for (uint32_t k = 0; k < gr->count && *budget && (k < 3 || h->core_count <= 256); k++)
            if (h->heap[gr->first + k] != worst)
                best_trade(h, worst, out, out_count, h->heap[gr->first + k], &best, budget);
    }
    if (best.core == WEIR_TOPO_NONE) return false;
    const uint32_t leave[] = {best.out.a, best.out.b, best.in.a, best.in.b};
    for (size_t k = 0; k < 4; k++)
        if (leave[k] != WEIR_TOPO_NONE) detach(h, sol, leave[k]);
    move_bundle(h, sol, &best.out, best.core);
    move_bundle(h, sol, &best.in, worst);
    topo_refresh_left(h);
    return true;
}

/* ---- chains */

#define CHAIN_LINKS 64 /* first exchanges that are tried, those that overload the least */

struct chain_link {
    uint32_t out, in, core;
    double load; /* of CORE after it */
};

static void keep_link(struct chain_link *links, uint32_t *count, struct chain_link now)
{
    uint32_t at = *count;
    if (at == CHAIN_LINKS && links[at - 1].load <= now.load) return;
    if (at < CHAIN_LINKS)
        ++*count;
    else
        at--;
    for (; at && links[at - 1].load > now.load; at--) links[at] = links[at - 1];
    links[at] = now;
}

/* The exchanges of an item of WORST for a smaller one, or none, of CORE. */
static void find_links(const struct topo_shared *h, uint32_t worst, uint32_t core,
                       struct chain_link *links, uint32_t *count)
{
    double most = ratio(h, worst, 0) * 1.1;
    for (uint32_t i = h->first_item[worst]; i != WEIR_TOPO_NONE; i = h->next_item[i])
        for (uint32_t j = h->first_item[core], once = 1; once; j = h->next_item[j]) {
            once = j != WEIR_TOPO_NONE;
            int64_t moved = (int64_t)h->items[i].milli_cu - (once ? h->items[j].milli_cu : 0);
            double load = ratio(h, core, moved);
            if (moved > 0 && load < most &&
                memory_allows(h, &h->items[i], once ? &h->items[j] : NULL, worst, core))
                keep_link(links, count, (struct chain_link){i, j, core, load});
            if (!once) break;
        }
}

/* WORST exchanges with a core that is overloaded by it and exchanges with a third. */
static bool improve_by_chain(struct topo_shared *h, struct topo_solution *sol, uint32_t worst,
                             uint32_t *budget)
{
    struct chain_link links[CHAIN_LINKS];
    uint32_t count = 0;
    double before = ratio(h, worst, 0);
    for (uint32_t g = 0; g < h->group_count; g++)
        for (uint32_t k = 0; k < h->groups[g].count && (k < 3 || h->core_count <= 256); k++)
            if (h->heap[h->groups[g].first + k] != worst)
                find_links(h, worst, h->heap[h->groups[g].first + k], links, &count);
    uint32_t cost = 16 * (h->core_count <= 256 ? h->core_count : 3 * h->group_count);
    for (uint32_t k = 0; k < count && *budget; k++) {
        const struct chain_link *l = &links[k];
        *budget -= cost < *budget ? cost : *budget;
        exchange(h, sol, l->out, l->in, worst, l->core);
        if (improve(h, sol, l->core, before)) return true;
        exchange(h, sol, l->out, l->in, l->core, worst);
    }
    return false;
}

void topo_local_search(struct topo_shared *h, struct topo_solution *sol, uint64_t bound_ppm,
                       uint32_t steps)
{
    for (uint32_t c = 0; c < h->core_count; c++) h->first_item[c] = WEIR_TOPO_NONE;
    for (uint32_t i = h->item_count; i-- > 0;) {
        h->next_item[i] = h->first_item[sol->core[i]];
        h->first_item[sol->core[i]] = i;
    }
    double bound = (double)bound_ppm / 1e6, enough = h->item_count > 4096 ? 1.005 : 1.001;
    uint32_t budget = TRADE_BUDGET;
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t worst = WEIR_TOPO_NONE;
        for (uint32_t c = 0; c < h->core_count; c++)
            if (h->capacity[c] && (worst == WEIR_TOPO_NONE || ratio(h, c, 0) > ratio(h, worst, 0)))
                worst = c;
        if (worst == WEIR_TOPO_NONE || ratio(h, worst, 0) <= bound * enough) break;
        h->s->plan->totals.search_steps++;
        double now = ratio(h, worst, 0);
        if (improve(h, sol, worst, now)) continue;
        if (now <= bound * 1.01 || (!improve_by_trade(h, sol, worst, &budget) &&
                                    !improve_by_chain(h, sol, worst, &budget)))
            break;
    }
}
