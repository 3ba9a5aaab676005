/* One partition more or less without planning anew. It works where nothing else has to change: a shared stream that says
   how much CPU and memory it wants, no "auto" stream whose part would shift, no device, a core and a local pool with
   room. The new partition goes to the core that it loads least; the last one goes away. Everything that the plan says about
   itself is kept true, in one pass over the partitions. Where that does not hold the plan is made anew, staying close to the old one. */
#include "topology/internal.h"

#include <stdlib.h>
#include <string.h>

struct room {
    uint32_t *load, *capacity; /* per core: shared milli-CU; capacity that nobody owns */
    uint32_t *users;           /* per PU */
    uint64_t asked, open;      /* sums of both */
    bool shared;
};

static void room_free(struct room *r)
{
    topo_free(r->load);
    topo_free(r->capacity);
    topo_free(r->users);
}

static bool room_open(const struct weir_topo_plan *plan, struct room *r)
{
    const struct weir_topo_machine *m = plan->machine;
    uint32_t cores = m->units[WEIR_TOPO_SCOPE_CORE].count;
    r->load = topo_calloc(cores, sizeof *r->load);
    r->capacity = topo_calloc(cores, sizeof *r->capacity);
    r->users = topo_calloc(m->pu_count, sizeof *r->users);
    if (!r->load || !r->capacity || !r->users) return false;
    for (uint32_t p = 0; p < m->pu_count; p++)
        r->capacity[m->pus[p].unit[WEIR_TOPO_SCOPE_CORE]] += m->pus[p].capacity_milli_cu;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        bool owns = plan->any_exclusive && plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE;
        for (uint32_t k = 0; k < p->pu_count; k++) {
            uint32_t pu = plan->pu_list[p->pu_first + k],
                     core = m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE];
            uint32_t part = p->pu_count == 1
                                ? p->milli_cu
                                : p->milli_cu / p->pu_count + (k < p->milli_cu % p->pu_count);
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
    for (uint32_t c = 0; c < cores; c++) r->open += r->capacity[c];
    return true;
}

/* May the count of STREAM change without touching anybody else? */
static bool independent(const struct weir_topo_plan *plan, uint32_t stream)
{
    const struct weir_topo_stream *st = &plan->streams[stream];
    const struct weir_topo_machine *m = plan->machine;
    if (!plan->all_explicit || st->mode != WEIR_TOPO_SHARED ||
        st->device != WEIR_TOPO_DEVICE_NONE || st->page_bytes || st->tier != WEIR_TOPO_TIER_ANY ||
        m->limit_milli_cu != UINT64_MAX || m->limit_memory_bytes != UINT64_MAX ||
        plan->totals.rejected || plan->totals.remote_bytes)
        return false;
    for (uint32_t p = 0; p < m->pool_count;
         p++) { /* a pool that two domains share is charged to the first: leave that alone */
        uint32_t domains = 0;
        for (uint32_t d = 0; d < m->domain_count; d++)
            domains += m->local[(size_t)d * m->pool_count + p];
        if (domains > 1) return false;
    }
    return true;
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

static void totals(struct weir_topo_plan *plan, const struct room *r, uint32_t domain, bool grew)
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

/* 1 done, 0 it needs a new plan, < 0 error */
static int grow(struct weir_topo_plan *plan, uint32_t stream, struct room *r,
                struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = plan->machine;
    uint32_t at = stream_end(plan, stream), cores = m->units[WEIR_TOPO_SCOPE_CORE].count,
             best = WEIR_TOPO_NONE;
    struct weir_topo_partition now =
        plan->partitions[at - 1]; /* its last sibling: the same needs */
    double best_load = 2;
    uint32_t last_domain = WEIR_TOPO_NONE;
    bool fits = false;
    for (uint32_t c = 0; c < cores; c++) {
        double load = ((double)r->load[c] + now.milli_cu) / (r->capacity[c] ? r->capacity[c] : 1);
        if (!r->capacity[c] || load > 1 || load >= best_load) continue;
        const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
        uint32_t d = m->pus[u->pus[u->first[c]]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (d != last_domain) fits = !now.bytes || find_pool(plan, d, now.bytes) != WEIR_TOPO_NONE;
        last_domain = d;
        if (!fits) continue;
        best = c;
        best_load = load;
    }
    if (best == WEIR_TOPO_NONE) return 0;
    const struct weir_topo_units *u = &m->units[WEIR_TOPO_SCOPE_CORE];
    uint32_t pu = WEIR_TOPO_NONE;
    for (uint32_t k = u->first[best]; k < u->first[best + 1]; k++)
        if (weir_topo_pu_usable(m, u->pus[k]) && r->users[u->pus[k]] != UINT32_MAX &&
            (pu == WEIR_TOPO_NONE || r->users[u->pus[k]] < r->users[pu]))
            pu = u->pus[k];
    now.domain = m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA];
    uint32_t pool = find_pool(plan, now.domain, now.bytes);
    size_t partitions = plan->partition_count, pus = plan->pu_list_count,
           grants = plan->grant_count;
    if (!topo_grow(&plan->partitions, &partitions, partitions + 1, sizeof *plan->partitions) ||
        !topo_grow(&plan->pu_list, &pus, pus + 1, sizeof *plan->pu_list) ||
        !topo_grow(&plan->grants, &grants, grants + 1, sizeof *plan->grants))
        return topo_fail_nomem(err, "changing a plan");
    memmove(plan->partitions + at + 1, plan->partitions + at,
            (plan->partition_count - at) * sizeof *plan->partitions);
    now.index = plan->streams[stream].partitions++;
    now.pu_first = plan->pu_list_count;
    now.pu_count = 1;
    now.grant_first = plan->grant_count;
    now.grant_count = pool != WEIR_TOPO_NONE;
    now.share_milli_cu = now.milli_cu;
    now.state = WEIR_TOPO_PLACED;
    now.why = WEIR_TOPO_WHY_FITS;
    now.runner_up = WEIR_TOPO_NONE;
    now.runner_up_price = 0;
    plan->pu_list[plan->pu_list_count++] = pu;
    if (now.grant_count) {
        plan->grants[plan->grant_count++] = (struct weir_topo_grant){pool, now.bytes};
        plan->pool_granted[pool] += now.bytes;
        uint32_t away = m->distance[(size_t)now.domain * m->pool_count + pool];
        plan->totals.distance_bytes += (uint64_t)((unsigned __int128)now.bytes * (away - 10) / 10);
    }
    plan->partitions[at] = now;
    plan->partition_count++;
    plan->totals.placed++;
    r->load[best] += now.milli_cu;
    r->asked += now.milli_cu;
    plan->domains[now.domain].load_milli_cu += now.milli_cu;
    plan->domains[now.domain].bytes += now.bytes;
    totals(plan, r, now.domain, true);
    return 1;
}

static int shrink(struct weir_topo_plan *plan, uint32_t stream, struct room *r)
{
    const struct weir_topo_machine *m = plan->machine;
    uint32_t at = stream_end(plan, stream) - 1;
    const struct weir_topo_partition gone = plan->partitions[at];
    if (gone.pu_count != 1 || gone.grant_count > 1 || gone.state != WEIR_TOPO_PLACED) return 0;
    uint32_t core = m->pus[plan->pu_list[gone.pu_first]].unit[WEIR_TOPO_SCOPE_CORE];
    if (r->load[core] > r->capacity[core]) return 0; /* its neighbours would get more */
    memmove(plan->partitions + at, plan->partitions + at + 1,
            (plan->partition_count - at - 1) * sizeof *plan->partitions);
    plan->partition_count--;
    plan->streams[stream].partitions--;
    memmove(plan->pu_list + gone.pu_first, plan->pu_list + gone.pu_first + 1,
            (plan->pu_list_count - gone.pu_first - 1) * sizeof *plan->pu_list);
    plan->pu_list_count--;
    if (gone.grant_count) {
        const struct weir_topo_grant g = plan->grants[gone.grant_first];
        plan->pool_granted[g.pool] -= g.bytes;
        uint32_t away = m->distance[(size_t)gone.domain * m->pool_count + g.pool];
        plan->totals.distance_bytes -= (uint64_t)((unsigned __int128)g.bytes * (away - 10) / 10);
        memmove(plan->grants + gone.grant_first, plan->grants + gone.grant_first + 1,
                (plan->grant_count - gone.grant_first - 1) * sizeof *plan->grants);
        plan->grant_count--;
    }
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        p->pu_first -= p->pu_first > gone.pu_first;
        p->grant_first -= gone.grant_count && p->grant_first > gone.grant_first;
    }
    plan->totals.placed--;
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
    struct room r = {0};
    if (rc > 0 && !room_open(*plan, &r)) rc = topo_fail_nomem(err, "changing a plan");
    for (uint32_t k = 0; k < steps && rc > 0; k++)
        rc = now < partitions ? grow(*plan, stream, &r, err) : shrink(*plan, stream, &r);
    room_free(&r);
    if (rc < 0) return rc;
    return rc ? WEIR_TOPO_OK : anew(plan, stream, partitions, err);
}
