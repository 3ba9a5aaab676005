/* Improving a greedy solution: the most loaded core gives an item away or exchanges it for a
   smaller one, as long as the larger of both loads falls and no byte becomes remote. Where there
   are few partitions on few cores, all solutions are tried (branch and bound), so that small
   machines are planned exactly. Both are bounded in steps. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

static double ratio(const struct topo_shared *h, uint32_t core, int64_t change)
{
    return (double)((int64_t)h->load[core] + change) / h->capacity[core];
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

static void attach(struct topo_shared *h, struct topo_solution *sol, uint32_t item, uint32_t core)
{
    const struct topo_item *it = &h->items[item];
    h->next_item[item] = h->first_item[core];
    h->first_item[core] = item;
    sol->core[item] = core;
    topo_add_load(h, core, it->milli_cu);
    topo_local_take(h->s, h->groups[h->group_of[core]].domain, it->tier, it->page, it->bytes);
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

/* One improvement of the most loaded core; false if there is none. */
static bool improve(struct topo_shared *h, struct topo_solution *sol, uint32_t worst)
{
    double best = ratio(h, worst, 0), before = best;
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
    if (best_out == WEIR_TOPO_NONE || best >= before) return false;
    exchange(h, sol, best_out, best_in, worst, best_core);
    return true;
}

void topo_local_search(struct topo_shared *h, struct topo_solution *sol, uint64_t bound_ppm,
                       uint32_t steps)
{
    for (uint32_t c = 0; c < h->core_count; c++) h->first_item[c] = WEIR_TOPO_NONE;
    for (uint32_t i = h->item_count; i-- > 0;) {
        h->next_item[i] = h->first_item[sol->core[i]];
        h->first_item[sol->core[i]] = i;
    }
    double enough = (double)bound_ppm / 1e6 * (h->item_count > 4096 ? 1.005 : 1.001);
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

/* ---- exact search */

#define EXACT_ITEMS 12
#define EXACT_CORES 16
#define EXACT_STEPS 40000

struct exact {
    struct topo_shared *h;
    uint32_t cores[EXACT_CORES], core_count;
    uint32_t choice[EXACT_ITEMS], best_choice[EXACT_ITEMS];
    uint64_t load[EXACT_CORES],
        need[EXACT_CORES]; /* need: bytes per core; summed per domain when asked */
    uint64_t best_remote;
    double best_load;
    bool found;
    uint32_t steps;
};

/* Remote bytes so far: what the domains' partitions need beyond what their nodes have left. */
static uint64_t exact_remote(const struct exact *e)
{
    uint64_t sum = 0;
    for (uint32_t a = 0; a < e->core_count; a++) {
        uint32_t d = e->h->groups[e->h->group_of[e->cores[a]]].domain;
        uint64_t need = 0;
        bool first = true;
        for (uint32_t b = 0; b < e->core_count; b++) {
            if (e->h->groups[e->h->group_of[e->cores[b]]].domain != d) continue;
            need += e->need[b];
            if (b < a) first = false;
        }
        if (first && need > e->h->left[d]) sum += need - e->h->left[d];
    }
    return sum;
}

static void exact_step(struct exact *e, uint32_t item, double worst)
{
    if (e->steps >= EXACT_STEPS) return;
    e->steps++;
    uint64_t remote = exact_remote(e);
    if (remote > e->best_remote || (remote == e->best_remote && worst >= e->best_load - 1e-9))
        return;
    if (item == e->h->item_count) {
        e->best_remote = remote;
        e->best_load = worst;
        e->found = true;
        memcpy(e->best_choice, e->choice, sizeof e->choice);
        return;
    }
    const struct topo_item *it = &e->h->items[item];
    for (uint32_t c = 0; c < e->core_count; c++) {
        bool twin = false; /* an equal core was tried before */
        for (uint32_t b = 0; b < c && !twin; b++)
            twin = e->h->group_of[e->cores[b]] == e->h->group_of[e->cores[c]] &&
                   e->load[b] == e->load[c] && e->need[b] == e->need[c];
        if (twin) continue;
        double now = (double)(e->load[c] + it->milli_cu) / e->h->capacity[e->cores[c]];
        e->load[c] += it->milli_cu;
        e->need[c] += it->bytes;
        e->choice[item] = c;
        exact_step(e, item + 1, now > worst ? now : worst);
        e->load[c] -= it->milli_cu;
        e->need[c] -= it->bytes;
    }
}

/* Is it the plain problem: few items, base pages of any tier, no device, nothing kept, no pool in
 * two domains? */
static bool exact_fits(struct exact *e)
{
    const struct topo_shared *h = e->h;
    if (h->item_count > EXACT_ITEMS || h->item_count < 2 ||
        h->s->local_first[h->s->m->domain_count] > h->s->m->pool_count)
        return false;
    for (uint32_t i = 0; i < h->item_count; i++) {
        const struct topo_item *it = &h->items[i];
        if (it->tier != WEIR_TOPO_TIER_ANY || it->page || it->device_domain != WEIR_TOPO_NONE ||
            it->keep_pu != WEIR_TOPO_NONE)
            return false;
    }
    for (uint32_t c = 0; c < h->core_count; c++) {
        if (!h->capacity[c]) continue;
        if (e->core_count == EXACT_CORES) return false;
        e->cores[e->core_count++] = c;
    }
    return true;
}

void topo_exact_search(struct topo_shared *h, struct topo_solution *sol)
{
    struct exact e = {.h = h};
    if (!exact_fits(&e)) return;
    /* what the solution is worth; then take it back and search from nothing, with it as the bound
     */
    double worst = 0;
    for (uint32_t i = 0; i < h->item_count; i++)
        for (uint32_t c = 0; c < e.core_count; c++)
            if (e.cores[c] == sol->core[i]) {
                e.need[c] += h->items[i].bytes;
                h->load[sol->core[i]] -= h->items[i].milli_cu;
                e.load[c] += h->items[i].milli_cu;
            }
    memcpy(h->left, h->left_before, h->s->m->domain_count * sizeof *h->left);
    for (uint32_t c = 0; c < e.core_count; c++) {
        double now = (double)(h->load[e.cores[c]] + e.load[c]) / h->capacity[e.cores[c]];
        if (now > worst) worst = now;
    }
    e.best_remote = exact_remote(&e);
    e.best_load = worst;
    double base = 0; /* wide partitions are there already */
    for (uint32_t c = 0; c < e.core_count; c++) {
        e.load[c] = h->load[e.cores[c]];
        e.need[c] = 0;
        double now = (double)e.load[c] / h->capacity[e.cores[c]];
        if (now > base) base = now;
    }
    exact_step(&e, 0, base);
    h->s->plan->totals.search_steps += e.steps;
    for (uint32_t i = 0; i < h->item_count; i++) {
        if (e.found) sol->core[i] = e.cores[e.best_choice[i]];
        h->load[sol->core[i]] += h->items[i].milli_cu;
    }
    for (uint32_t d = 0; d < h->s->m->domain_count; d++) h->domain_load[d] = 0;
    for (uint32_t c = 0; c < e.core_count; c++)
        h->domain_load[h->groups[h->group_of[e.cores[c]]].domain] += h->load[e.cores[c]];
}
