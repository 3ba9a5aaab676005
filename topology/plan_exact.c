/* Few partitions on few cores: all solutions are tried (branch and bound, bounded in steps), so that
   small machines are planned exactly. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

#define EXACT_ITEMS 12
#define EXACT_CORES 16
#define EXACT_STEPS 40000

struct exact {
    struct topo_shared *h;
    uint32_t cores[EXACT_CORES], core_count;
    uint32_t choice[EXACT_ITEMS], best_choice[EXACT_ITEMS];
    uint64_t load[EXACT_CORES], need[EXACT_CORES];       /* need: bytes per core */
    uint32_t domain_of[EXACT_CORES];                     /* per core: in need_of and room_of */
    uint64_t need_of[EXACT_CORES], room_of[EXACT_CORES]; /* per domain: bytes, local room */
    uint32_t domain_count;
    double enough; /* no solution has a smaller load */
    uint64_t best_remote;
    double best_load;
    bool found;
    uint32_t steps;
};

/* Put item IT on core C, or (with SIGN -1) take it off. */
static void exact_put(struct exact *e, uint32_t c, const struct topo_item *it, bool off)
{
    uint32_t d = e->domain_of[c];
    e->load[c] += off ? -(uint64_t)it->milli_cu : it->milli_cu;
    e->need[c] += off ? -it->bytes : it->bytes;
    e->need_of[d] += off ? -it->bytes : it->bytes;
}

/* Bytes that the domains' partitions need beyond what their nodes have left. */
static uint64_t exact_remote(const struct exact *e)
{
    uint64_t sum = 0;
    for (uint32_t d = 0; d < e->domain_count; d++)
        sum += e->need_of[d] > e->room_of[d] ? e->need_of[d] - e->room_of[d] : 0;
    return sum;
}

static void exact_step(struct exact *e, uint32_t item, double worst)
{
    if (e->steps >= EXACT_STEPS || (!e->best_remote && e->best_load <= e->enough)) return;
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
        double now = (double)(e->load[c] + it->milli_cu) / e->h->capacity[e->cores[c]];
        if (twin || (!e->best_remote && now >= e->best_load - 1e-9)) continue;
        exact_put(e, c, it, false);
        e->choice[item] = c;
        exact_step(e, item + 1, now > worst ? now : worst);
        exact_put(e, c, it, true);
    }
}

static void exact_domains(struct exact *e)
{
    uint32_t listed[EXACT_CORES], n = 0;
    for (uint32_t c = 0; c < e->core_count; c++) {
        uint32_t d = e->h->groups[e->h->group_of[e->cores[c]]].domain, k = 0;
        while (k < n && listed[k] != d) k++;
        e->domain_of[c] = k;
        if (k < n) continue;
        listed[k] = d;
        e->room_of[n++] = e->h->left_before[d];
    }
    e->domain_count = n;
}

/* Is it the plain problem: few items, base pages of any tier, no device, nothing kept, no pool in
 * two domains? */
static bool exact_fits(struct exact *e)
{
    const struct topo_shared *h = e->h;
    if (h->item_count > EXACT_ITEMS || h->item_count < 2 || h->s->shared_pools) return false;
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
    exact_domains(&e);
    e.enough = ((double)h->s->plan->totals.load_bound_ppm + 0.5) / 1e6;
    /* what the solution is worth; then take it back and search from nothing, with it as the bound
     */
    double worst = 0;
    for (uint32_t i = 0; i < h->item_count; i++)
        for (uint32_t c = 0; c < e.core_count; c++)
            if (e.cores[c] == sol->core[i]) {
                exact_put(&e, c, &h->items[i], false);
                h->load[sol->core[i]] -= h->items[i].milli_cu;
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
        e.need[c] = e.need_of[e.domain_of[c]] = 0;
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
