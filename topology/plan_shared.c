/* Shared partitions: each gets one PU (or, if it asks for more than a core has, several), so that
   the most loaded core is as little loaded as possible and no byte has to be remote.

   The bins are cores: SMT siblings share their core's capacity. Cores of one domain with equal
   capacity form a group with a heap by load, so that a choice looks at one core per group.

   Four greedy orders; the one with the fewest remote bytes wins, then the smallest load. The first
   that needs no remote byte and is within 2 % of the bound ends the trying.

   A: largest CPU first, to the core that ends up least loaded among the domains whose memory has
   room (LPT).

   B: largest in its scarcer dimension first, to the domain with the smallest price, where a
   domain's price of CPU and of memory rises with what it has given out already (vector packing by
   prices).

   C: largest memory first, to the domain with the tightest fit.

   D: most memory per CPU first, to the domain with the most memory left per CPU that it still
   lacks.

   Then a local search of a bounded number of steps, see plan_search.c. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

static void reset(struct topo_shared *h, const uint64_t *load, const uint64_t *pool_left,
                  const uint64_t *domain_load)
{
    memcpy(h->load, load, h->core_count * sizeof *load);
    memcpy(h->domain_load, domain_load, h->s->m->domain_count * sizeof *domain_load);
    memcpy(h->s->pool_left, pool_left, h->s->m->pool_count * sizeof *pool_left);
    memset(h->missing, 0, h->s->m->domain_count * sizeof *h->missing);
    for (uint32_t g = 0; g < h->group_count; g++) {
        for (uint32_t k = h->groups[g].count; k-- > 0;)
            topo_core_sift(h, h->heap[h->groups[g].first + k]);
        topo_group_refresh(h, g);
    }
    topo_refresh_left(h);
}

static int commit(struct topo_shared *h, const struct topo_solution *sol, uint32_t *used,
                  struct weir_topo_error *err)
{
    for (uint32_t i = 0; i < h->item_count; i++) {
        struct weir_topo_partition *p = &h->s->plan->partitions[h->items[i].partition];
        uint32_t pu = h->items[i].keep_pu, was = pu;
        if (pu == WEIR_TOPO_NONE || h->s->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE] != sol->core[i])
            pu = topo_core_pu(h, sol->core[i], used);
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
static void shares(struct topo_shared *h)
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
            uint64_t part = topo_part(p);
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

static int bound(struct topo_shared *h, struct weir_topo_error *err)
{
    uint32_t *sizes = topo_calloc(h->item_count, sizeof *sizes);
    uint32_t capacity[64], counts[64];
    size_t kinds = 0;
    if (!sizes) return topo_fail_nomem(err, "bounding the load");
    uint64_t wide = 0;
    for (uint32_t c = 0; c < h->core_count; c++) wide += h->load[c];
    for (uint32_t i = 0; i < h->wide_count; i++) wide += h->wide[i].milli_cu;
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

/* Is what the domains have left a limit, whichever way bytes are given out: every pool belongs to one
   domain, and so does every partition that has drawn already? */
static bool left_is_a_limit(const struct topo_shared *h)
{
    const struct weir_topo_plan *plan = h->s->plan;
    if (h->s->shared_pools) return false;
    for (uint32_t i = 0; i < plan->partition_count && plan->any_exclusive; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        if (plan->streams[p->stream].mode != WEIR_TOPO_EXCLUSIVE) continue;
        for (uint32_t k = 0; p->state != WEIR_TOPO_REJECTED && k < p->pu_count; k++)
            if (h->s->m->pus[plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA] !=
                p->domain)
                return false;
    }
    return true;
}

/* Once the plan is known to need no remote byte and its load is not at the bound: what memory makes
 * of the bound. */
static void bound_with_memory(struct topo_shared *h, const struct topo_solution *sol)
{
    struct weir_topo_totals *t = &h->s->plan->totals;
    double worst = 0;
    uint64_t wide = 0;
    for (uint32_t c = 0; c < h->core_count; c++) {
        double now = h->capacity[c] ? (double)h->load[c] / h->capacity[c] : 0;
        if (now > worst) worst = now;
        wide += h->load[c];
    }
    for (uint32_t i = 0; i < h->item_count; i++) wide -= h->items[i].milli_cu;
    if (sol->remote || wide || h->wide_count || worst * 1e6 < (double)t->load_bound_ppm * 1.002 ||
        !left_is_a_limit(h))
        return;
    struct topo_work *work = topo_calloc(h->item_count, sizeof *work);
    for (uint32_t i = 0; work && i < h->item_count; i++) {
        const struct topo_item *it = &h->items[i];
        bool plain = it->tier == WEIR_TOPO_TIER_ANY &&
                     !it->page; /* others may be remote in another tier: no bytes */
        work[i] = (struct topo_work){it->milli_cu, plain ? it->bytes : 0};
    }
    uint64_t b = work ? topo_local_load_bound(work, h->item_count, h->domain_capacity,
                                              h->left_before, h->s->m->domain_count)
                      : 0;
    if (b > t->load_bound_ppm) t->load_bound_ppm = b;
    topo_free(work);
}

/* Wide partitions before the others, as the largest come first; with WIDE_LAST only those that need
   more memory per CPU than the others do, because who needs much memory chooses first. */
static int place_first(struct topo_shared *h, uint32_t *used, uint8_t *marked,
                       struct weir_topo_error *err)
{
    double bytes = 0, cpu = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->item_count; i++) {
        bytes += (double)h->items[i].bytes;
        cpu += h->items[i].milli_cu;
    }
    for (uint32_t i = 0; i < h->wide_count; i++) {
        const struct topo_item *it = &h->wide[i];
        if (h->wide_last && cpu > 0 && (double)it->bytes * cpu < bytes * it->milli_cu) {
            h->wide[kept++] = *it;
            continue;
        }
        int rc = topo_place_wide(h, it, used, marked, err);
        if (rc) return rc;
    }
    h->wide_count = kept;
    return WEIR_TOPO_OK;
}

static void collect(struct topo_shared *h, uint32_t *used)
{
    struct weir_topo_plan *plan = h->s->plan;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        const struct weir_topo_stream *st = &plan->streams[p->stream];
        if (p->state == WEIR_TOPO_REJECTED || st->mode == WEIR_TOPO_EXCLUSIVE) continue;
        struct topo_item it = {.partition = i,
                               .milli_cu = p->milli_cu,
                               .bytes = p->bytes,
                               .page = h->s->page_of[i],
                               .tier = st->tier,
                               .keep_pu = WEIR_TOPO_NONE,
                               .device_domain = WEIR_TOPO_NONE};
        if (p->device != WEIR_TOPO_NONE) it.device_domain = h->s->m->devices[p->device].domain;
        if (it.milli_cu > h->max_capacity || (h->s->keep_count && h->s->keep_count[i] > 1)) {
            h->wide[h->wide_count++] = it;
            continue;
        }
        if (h->s->keep_count && h->s->keep_count[i] == 1 &&
            !h->s->taken[h->s->keep_pu[h->s->keep_first[i]]]) {
            it.keep_pu = h->s->keep_pu[h->s->keep_first[i]];
            used[it.keep_pu]++;
        }
        h->items[h->item_count++] = it;
    }
}

/* Is it worth trying the next order for the load alone? Only where memory has had a say, and the
 * problem is small. */
static bool wants_more(const struct topo_shared *h, double load)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < h->item_count && !bytes; i++) bytes |= h->items[i].bytes;
    return bytes && h->item_count <= 20000 &&
           load * 1e6 > (double)h->s->plan->totals.load_bound_ppm * 1.02;
}

static int solve(struct topo_shared *h, uint32_t steps, uint32_t *used, struct weir_topo_error *err)
{
    uint32_t n = h->item_count, cores = h->core_count, domains = h->s->m->domain_count,
             pools = h->s->m->pool_count;
    struct topo_solution sol = {0};
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
    memcpy(h->left_before, h->left, domains * sizeof *h->left);
    char best = 'A', last = 'A';
    uint64_t best_remote = UINT64_MAX;
    double best_load = 0;
    for (char order = 'A'; order <= 'D' && (best_remote || wants_more(h, best_load)); order++) {
        if (order != 'A') reset(h, load, pool_left, domain_load);
        rc = topo_sort_items(h, order, err);
        if (rc) goto out;
        if (order == 'A') {
            rc = bound(h, err);
            if (rc) goto out;
        }
        topo_greedy(h, order, &sol);
        last = order;
        if (sol.remote < best_remote || (sol.remote == best_remote && sol.load < best_load)) {
            best = order;
            best_remote = sol.remote;
            best_load = sol.load;
        }
    }
    if (best != last) {
        reset(h, load, pool_left, domain_load);
        rc = topo_sort_items(h, best, err);
        if (rc) goto out;
        topo_greedy(h, best, &sol);
    }
    bool all_kept = n > 0; /* then nothing has changed, and nothing shall move */
    for (uint32_t i = 0; i < n; i++) all_kept &= h->items[i].keep_pu != WEIR_TOPO_NONE;
    if (!all_kept) topo_local_search(h, &sol, h->s->plan->totals.load_bound_ppm, steps);
    if (!all_kept && !h->wide_count) topo_exact_search(h, &sol);
    bound_with_memory(h, &sol);
    h->remote += sol.remote;
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

/* One whole placement. *REMOTE and *LOAD say how good it is. */
static int place(struct topo_state *s, uint32_t steps, bool wide_last, uint64_t *remote,
                 double *load, bool *any_wide, struct weir_topo_error *err)
{
    struct topo_shared space = {.s = s, .wide_last = wide_last}, *h = &space;
    uint32_t *used = topo_calloc(s->m->pu_count, sizeof *used);
    uint8_t *marked = topo_calloc(s->m->units[WEIR_TOPO_SCOPE_CORE].count, 1);
    int rc = used && marked ? topo_shared_open(h, err)
                            : topo_fail_nomem(err, "planning shared partitions");
    if (!rc) rc = topo_build_groups(h, err);
    if (!rc) {
        for (uint32_t g = 0; g < h->group_count; g++) topo_group_refresh(h, g);
        topo_refresh_left(h);
        collect(h, used);
        *any_wide = h->wide_count > 0 && h->item_count > 0;
        rc = place_first(h, used, marked, err);
    }
    if (!rc) rc = solve(h, steps ? steps : 2000, used, err);
    for (uint32_t i = 0; !rc && i < h->wide_count; i++)
        rc = topo_place_wide(h, &h->wide[i], used, marked, err);
    if (!rc) shares(h);
    *remote = h->remote;
    *load = 0;
    for (uint32_t c = 0; !rc && c < h->core_count; c++)
        if (h->capacity[c] && (double)h->load[c] / h->capacity[c] > *load)
            *load = (double)h->load[c] / h->capacity[c];
    topo_shared_clear(h);
    topo_free(used);
    topo_free(marked);
    return rc;
}

int topo_shared_place(struct topo_state *s, uint32_t steps, struct weir_topo_error *err)
{
    if (!s->shared_admitted) return WEIR_TOPO_OK;
    struct weir_topo_plan *plan = s->plan;
    uint32_t pus = plan->pu_list_count, pools = s->m->pool_count, n = plan->partition_count;
    uint64_t remote[2], *left = topo_calloc(pools, sizeof *left);
    uint8_t *lacks = topo_calloc(n, 1);
    double load[2];
    bool any_wide = false;
    int rc = WEIR_TOPO_OK;
    if (!left || !lacks) {
        rc = topo_fail_nomem(err, "planning shared partitions");
        goto out;
    }
    memcpy(left, s->pool_left, pools * sizeof *left);
    memcpy(lacks, s->lacks, n);
    for (int round = 0; round < 3 && !rc;
         round++) { /* wide first, wide last, wide first again if that was better */
        if (round) {
            plan->pu_list_count = pus;
            memcpy(s->pool_left, left, pools * sizeof *left);
            memcpy(s->lacks, lacks, n);
        }
        int way = round & 1;
        rc = place(s, steps, way, &remote[way], &load[way], &any_wide, err);
        if (rc || !any_wide) break;
        bool good = !remote[way] && load[way] * 1e6 <= (double)plan->totals.load_bound_ppm * 1.02;
        if (round == 0 && good) break;
        if (round == 1 && (remote[1] < remote[0] || (remote[1] == remote[0] && load[1] <= load[0])))
            break;
    }
out:
    topo_free(left);
    topo_free(lacks);
    return rc;
}
