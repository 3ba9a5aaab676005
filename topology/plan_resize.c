/* One partition more or less without planning anew. It works where nothing else has to change: a
   shared stream that says how much CPU and memory it wants, no "auto" stream whose part would
   shift, no device, a core and a local pool with room. The new partition goes to the core that it
   loads least; the last one goes away. Everything that the plan says about itself is kept true.
   Where that does not hold the plan is made anew, staying close to the old one.

   What the cores carry is summed up by the first change and kept with the plan, so that a change
   costs one look at every core, and moving up the partitions behind the changed one. */
#include "topology/internal.h"

#include <stdlib.h>
#include <string.h>

struct topo_room_kept {
    uint32_t *load, *capacity; /* per core: shared milli-CU; capacity that nobody owns */
    uint32_t *users;           /* per PU: shared partitions, UINT32_MAX if it is owned */
    uint64_t asked, open;      /* sums of both */
    bool shared_pools;         /* a pool is local to more than one domain */
};

void topo_room_kept_free(struct topo_room_kept *r)
{
    if (!r) return;
    topo_free(r->load);
    topo_free(r->capacity);
    topo_free(r->users);
    topo_free(r);
}

static void room_fill(const struct weir_topo_plan *plan, struct topo_room_kept *r)
{
    const struct weir_topo_machine *m = plan->machine;
    for (uint32_t p = 0; p < m->pu_count; p++)
        r->capacity[m->pus[p].unit[WEIR_TOPO_SCOPE_CORE]] += m->pus[p].capacity_milli_cu;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        bool owns = plan->any_exclusive && plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE;
        for (uint32_t k = 0; k < p->pu_count; k++) {
            uint32_t pu = plan->pu_list[p->pu_first + k],
                     core = m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE];
            uint32_t part = topo_part(p);
            if (owns) {
                r->capacity[core] -= m->pus[pu].capacity_milli_cu;
                r->users[pu] = UINT32_MAX;
            } else {
                r->load[core] += part;
                r->asked += part;
                r->users[pu]++;
            }
        }
    }
    for (uint32_t c = 0; c < m->units[WEIR_TOPO_SCOPE_CORE].count; c++) r->open += r->capacity[c];
    for (uint32_t p = 0; p < m->pool_count; p++) {
        uint32_t domains = 0;
        for (uint32_t d = 0; d < m->domain_count; d++)
            domains += m->local[(size_t)d * m->pool_count + p];
        r->shared_pools |= domains > 1;
    }
}

/* What is kept with the plan, made when it is not there; NULL without memory. */
static struct topo_room_kept *room_of(struct weir_topo_plan *plan)
{
    uint32_t cores = plan->machine->units[WEIR_TOPO_SCOPE_CORE].count;
    struct topo_room_kept *r = plan->room;
    if (r) return r;
    r = topo_calloc(1, sizeof *r);
    if (!r) return NULL;
    r->load = topo_calloc(cores, sizeof *r->load);
    r->capacity = topo_calloc(cores, sizeof *r->capacity);
    r->users = topo_calloc(plan->machine->pu_count, sizeof *r->users);
    if (!r->load || !r->capacity || !r->users) {
        topo_room_kept_free(r);
        return NULL;
    }
    room_fill(plan, r);
    return plan->room = r;
}

/* May the count of STREAM change without touching anybody else? Pools that two domains share are
 * charged to the first of them: plans with such are made anew. */
static bool independent(const struct weir_topo_plan *plan, uint32_t stream)
{
    const struct weir_topo_stream *st = &plan->streams[stream];
    const struct weir_topo_machine *m = plan->machine;
    return plan->all_explicit && st->mode == WEIR_TOPO_SHARED &&
           st->device == WEIR_TOPO_DEVICE_NONE && !st->page_bytes &&
           st->tier == WEIR_TOPO_TIER_ANY && m->limit_milli_cu == UINT64_MAX &&
           m->limit_memory_bytes == UINT64_MAX && !plan->totals.rejected &&
           !plan->totals.remote_bytes;
}

/* The cheapest pool local to DOMAIN with BYTES left; NONE if there is none, or BYTES is 0. */
static uint32_t find_pool(const struct weir_topo_plan *plan, uint32_t domain, uint64_t bytes)
{
    const struct weir_topo_machine *m = plan->machine;
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t p = 0; bytes && p < m->pool_count; p++)
        if (m->local[(size_t)domain * m->pool_count + p] &&
            topo_pool_fits(&m->pools[p], WEIR_TOPO_TIER_ANY, 0) &&
            m->pools[p].usable_bytes - plan->pool_granted[p] >= bytes &&
            (best == WEIR_TOPO_NONE || topo_cost(m, domain, p) < topo_cost(m, domain, best)))
            best = p;
    return best;
}

static void totals(struct weir_topo_plan *plan, const struct topo_room_kept *r, uint32_t domain,
                   bool grew)
{
    const struct weir_topo_machine *m = plan->machine;
    struct weir_topo_domain_use *use = &plan->domains[domain];
    struct weir_topo_totals *t = &plan->totals;
    uint64_t left = 0, even = r->open ? r->asked * 1000000 / r->open : 0, owned_waste = 0;
    t->load_max_ppm = 0;
    for (uint32_t c = 0; c < m->units[WEIR_TOPO_SCOPE_CORE].count; c++)
        if (r->load[c] && (uint64_t)r->load[c] * 1000000 / r->capacity[c] > t->load_max_ppm)
            t->load_max_ppm = (uint64_t)r->load[c] * 1000000 / r->capacity[c];
    if (!grew || even > t->load_bound_ppm)
        t->load_bound_ppm = even; /* more work never lowers the bound */
    for (uint32_t p = 0; p < m->pool_count; p++)
        if (m->local[(size_t)domain * m->pool_count + p] && !m->pools[p].huge)
            left += m->pools[p].usable_bytes - plan->pool_granted[p];
    for (uint32_t i = 0; plan->any_exclusive && i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        if (p->domain == domain && plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE)
            owned_waste += p->share_milli_cu - p->milli_cu;
    }
    t->stranded_milli_cu -= use->stranded_milli_cu;
    t->stranded_bytes -= use->stranded_bytes;
    bool full = use->load_milli_cu >= use->capacity_milli_cu;
    use->stranded_milli_cu =
        owned_waste + (!left && !full ? use->capacity_milli_cu - use->load_milli_cu : 0);
    use->stranded_bytes = full ? left : 0;
    t->stranded_milli_cu += use->stranded_milli_cu;
    t->stranded_bytes += use->stranded_bytes;
}

/* The index after the last partition of STREAM: partitions are in the order of streams. */
static uint32_t stream_end(const struct weir_topo_plan *plan, uint32_t stream)
{
    uint32_t lo = 0, hi = plan->partition_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (plan->partitions[mid].stream <= stream)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The core that ends up least loaded with MILLI_CU more, among those whose domain has a pool with
 * room for BYTES; NONE if all would be overloaded. */
static uint32_t find_core(const struct weir_topo_plan *plan, const struct topo_room_kept *r,
                          uint32_t milli_cu, uint64_t bytes)
{
    const struct weir_topo_machine *m = plan->machine;
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
    uint32_t best = WEIR_TOPO_NONE, last_domain = WEIR_TOPO_NONE;
    double best_load = 2;
    bool fits = false;
    for (uint32_t c = 0; c < u->count; c++) {
        if (!r->capacity[c] || r->load[c] + milli_cu > r->capacity[c]) continue;
        double load = ((double)r->load[c] + milli_cu) / r->capacity[c];
        if (load >= best_load) continue;
        uint32_t d = m->pus[u->pus[u->first[c]]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (d != last_domain) fits = !bytes || find_pool(plan, d, bytes) != WEIR_TOPO_NONE;
        last_domain = d;
        if (!fits) continue;
        best = c;
        best_load = load;
    }
    return best;
}

/* The bytes x distance of partition P's only grant. */
static uint64_t distance_bytes(const struct weir_topo_plan *plan,
                               const struct weir_topo_partition *p, uint32_t pool)
{
    uint32_t away = plan->machine->distance[(size_t)p->domain * plan->machine->pool_count + pool];
    return (uint64_t)((unsigned __int128)p->bytes * (away - 10) / 10);
}

/* Make room for partition NOW at AT in all three lists, which stay in the order of partitions. */
static bool insert(struct weir_topo_plan *plan, uint32_t at, const struct weir_topo_partition *now,
                   uint32_t pu, uint32_t pool)
{
    if (!topo_one_more(&plan->partitions, plan->partition_count, sizeof *plan->partitions) ||
        !topo_one_more(&plan->pu_list, plan->pu_list_count, sizeof *plan->pu_list) ||
        !topo_one_more(&plan->grants, plan->grant_count, sizeof *plan->grants))
        return false;
    uint32_t *pus = plan->pu_list + now->pu_first;
    struct weir_topo_grant *grants = plan->grants + now->grant_first;
    memmove(pus + 1, pus, (plan->pu_list_count++ - now->pu_first) * sizeof *pus);
    *pus = pu;
    if (now->grant_count) {
        memmove(grants + 1, grants, (plan->grant_count++ - now->grant_first) * sizeof *grants);
        *grants = (struct weir_topo_grant){pool, now->bytes};
    }
    for (uint32_t i = plan->partition_count++; i > at; i--) {
        plan->partitions[i] = plan->partitions[i - 1];
        plan->partitions[i].pu_first++;
        plan->partitions[i].grant_first += now->grant_count;
    }
    plan->partitions[at] = *now;
    return true;
}

/* 1 done, 0 it needs a new plan, < 0 error */
static int grow(struct weir_topo_plan *plan, uint32_t stream, struct topo_room_kept *r,
                struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = plan->machine;
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
    uint32_t at = stream_end(plan, stream), pu = WEIR_TOPO_NONE;
    const struct weir_topo_partition *sibling = &plan->partitions[at - 1]; /* the same needs */
    uint32_t core = find_core(plan, r, sibling->milli_cu, sibling->bytes);
    if (core == WEIR_TOPO_NONE) return 0;
    for (uint32_t k = u->first[core]; k < u->first[core + 1]; k++)
        if (weir_topo_pu_usable(m, u->pus[k]) && r->users[u->pus[k]] != UINT32_MAX &&
            (pu == WEIR_TOPO_NONE || r->users[u->pus[k]] < r->users[pu]))
            pu = u->pus[k];
    uint32_t domain = m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA];
    uint32_t pool = find_pool(plan, domain, sibling->bytes);
    struct weir_topo_partition now = {.stream = stream,
                                      .index = plan->streams[stream].partitions,
                                      .state = WEIR_TOPO_PLACED,
                                      .why = WEIR_TOPO_WHY_FITS,
                                      .domain = domain,
                                      .pu_first = sibling->pu_first + sibling->pu_count,
                                      .pu_count = 1,
                                      .grant_first = sibling->grant_first + sibling->grant_count,
                                      .grant_count = pool != WEIR_TOPO_NONE,
                                      .milli_cu = sibling->milli_cu,
                                      .share_milli_cu = sibling->milli_cu,
                                      .bytes = sibling->bytes,
                                      .device = WEIR_TOPO_NONE,
                                      .staging_pool = WEIR_TOPO_NONE,
                                      .runner_up = WEIR_TOPO_NONE};
    if (!insert(plan, at, &now, pu, pool)) return topo_fail_nomem(err, "changing a plan");
    if (now.grant_count) {
        plan->pool_granted[pool] += now.bytes;
        plan->totals.distance_bytes += distance_bytes(plan, &now, pool);
    }
    plan->streams[stream].partitions++;
    plan->totals.placed++;
    r->users[pu]++;
    r->load[core] += now.milli_cu;
    r->asked += now.milli_cu;
    plan->domains[domain].load_milli_cu += now.milli_cu;
    plan->domains[domain].bytes += now.bytes;
    totals(plan, r, domain, true);
    return 1;
}

static int shrink(struct weir_topo_plan *plan, uint32_t stream, struct topo_room_kept *r)
{
    const struct weir_topo_machine *m = plan->machine;
    uint32_t at = stream_end(plan, stream) - 1;
    const struct weir_topo_partition gone = plan->partitions[at];
    if (gone.pu_count != 1 || gone.grant_count > 1 || gone.state != WEIR_TOPO_PLACED) return 0;
    uint32_t *pus = plan->pu_list + gone.pu_first, pu = *pus;
    uint32_t core = m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE];
    if (r->load[core] > r->capacity[core]) return 0; /* its neighbours would get more */
    if (gone.grant_count) {
        struct weir_topo_grant *grants = plan->grants + gone.grant_first;
        plan->pool_granted[grants->pool] -= grants->bytes;
        plan->totals.distance_bytes -= distance_bytes(plan, &gone, grants->pool);
        memmove(grants, grants + 1, (--plan->grant_count - gone.grant_first) * sizeof *grants);
    }
    memmove(pus, pus + 1, (--plan->pu_list_count - gone.pu_first) * sizeof *pus);
    plan->partition_count--;
    for (uint32_t i = at; i < plan->partition_count; i++) {
        plan->partitions[i] = plan->partitions[i + 1];
        plan->partitions[i].pu_first--;
        plan->partitions[i].grant_first -= gone.grant_count;
    }
    plan->streams[stream].partitions--;
    plan->totals.placed--;
    r->users[pu]--;
    r->load[core] -= gone.milli_cu;
    r->asked -= gone.milli_cu;
    plan->domains[gone.domain].load_milli_cu -= gone.milli_cu;
    plan->domains[gone.domain].bytes -= gone.bytes;
    totals(plan, r, gone.domain, false);
    return 1;
}

static int anew(struct weir_topo_plan **plan, uint32_t stream, uint32_t partitions,
                struct weir_topo_error *err)
{
    struct weir_topo_plan *old = *plan, *fresh;
    struct weir_topo_demand d = {old->stream_count, old->stream_count,
                                 topo_calloc(old->stream_count, sizeof *d.streams)};
    struct weir_topo_plan_options o = {.current = old};
    if (!d.streams) return topo_fail_nomem(err, "changing a plan");
    memcpy(d.streams, old->streams, old->stream_count * sizeof *d.streams);
    d.streams[stream].partitions = partitions;
    int rc = weir_topo_plan_make(old->machine, &d, &o, &fresh, err);
    topo_free(d.streams);
    if (rc) return rc;
    weir_topo_plan_free(old);
    *plan = fresh;
    return WEIR_TOPO_OK;
}

int weir_topo_plan_resize(struct weir_topo_plan **plan, uint32_t stream, uint32_t partitions,
                          struct weir_topo_error *err)
{
    if (stream >= (*plan)->stream_count || !partitions)
        return topo_fail(
            err, WEIR_TOPO_ERR_INVALID,
            "stream %u with %u partitions: the plan has %u streams, and each needs at least 1",
            stream, partitions, (*plan)->stream_count);
    uint32_t now = (*plan)->streams[stream].partitions;
    uint32_t steps = now < partitions ? partitions - now : now - partitions;
    int rc = steps <= 16 && independent(*plan, stream);
    struct topo_room_kept *r = rc > 0 ? room_of(*plan) : NULL;
    if (rc > 0 && !r) return topo_fail_nomem(err, "changing a plan");
    if (r && r->shared_pools) rc = 0;
    for (uint32_t k = 0; k < steps && rc > 0; k++)
        rc = now < partitions ? grow(*plan, stream, r, err) : shrink(*plan, stream, r);
    if (rc < 0) return rc;
    return rc ? WEIR_TOPO_OK : anew(plan, stream, partitions, err);
}
