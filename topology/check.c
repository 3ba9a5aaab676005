/* The independent checker. It recomputes from the machine, the streams and the lists of a plan
   everything that the plan claims, without a line of the planner, and reports the first breach.
   What it cannot recompute is a report only: the runner-up and its price, the number of search
   steps, and what moved. */
#include "topology/check.h"
#include "topology/canon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct check {
    const struct weir_topo_plan *plan;
    const struct weir_topo_machine *m;
    struct weir_topo_error *err;
    uint32_t *owner;     /* per PU: 1 + exclusive partition */
    uint32_t *sharers;   /* per PU: shared partitions */
    uint64_t *core_load; /* per core: shared milli-CU */
    uint64_t *core_room; /* per core: capacity that nobody owns */
    uint64_t *granted;   /* per pool */
    struct weir_topo_domain_use *domains;
    uint32_t *device_units, *device_owners, *device_sharers;
    uint64_t *device_bytes;
    struct weir_topo_totals totals;
    uint64_t owned_capacity, asked_shared, fixed_granted, auto_remote;
    uint64_t base_page; /* the largest of any pool */
};

static int breach(struct check *c, const char *fmt, ...) TOPO_PRINTF(2, 3);

static int breach(struct check *c, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return topo_fail(c->err, WEIR_TOPO_ERR_INTERNAL, "the plan fails its check: %s", text);
}

static int breach_at(struct check *c, uint32_t i, const char *what)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    return breach(c, "partition %u of stream '%s': %s", p->index, c->plan->streams[p->stream].name,
                  what);
}

static bool local_to(const struct check *c, const struct weir_topo_partition *p, uint32_t pool)
{
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t d = c->m->pus[c->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (c->m->local[(size_t)d * c->m->pool_count + pool]) return true;
    }
    return false;
}

/* ---- one partition */

static int check_state(struct check *c, uint32_t i)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    switch (p->state) {
    case WEIR_TOPO_PLACED:
        c->totals.placed++;
        return p->why == WEIR_TOPO_WHY_FITS ? 0 : breach_at(c, i, "placed, but with a complaint");
    case WEIR_TOPO_DEGRADED:
        c->totals.degraded++;
        return p->why >= WEIR_TOPO_WHY_REMOTE && p->why <= WEIR_TOPO_WHY_NO_DEVICE
                   ? 0
                   : breach_at(c, i, "degraded without a reason for it");
    case WEIR_TOPO_REJECTED:
        c->totals.rejected++;
        if (p->why < WEIR_TOPO_WHY_NO_DEVICE || p->why >= WEIR_TOPO_WHY_COUNT)
            return breach_at(c, i, "rejected without a reason");
        if (p->pu_first || p->pu_count || p->grant_first || p->grant_count || p->share_milli_cu ||
            p->remote_bytes || p->device_units || p->queue || p->domain != WEIR_TOPO_NONE ||
            p->device != WEIR_TOPO_NONE || p->staging_pool != WEIR_TOPO_NONE ||
            p->runner_up != WEIR_TOPO_NONE || p->runner_up_price)
            return breach_at(c, i, "rejected, but it holds something");
        return 0;
    default: return breach_at(c, i, "no such state");
    }
}

static int check_asked(struct check *c, uint32_t i)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    const struct weir_topo_stream *st = &c->plan->streams[p->stream];
    if (!p->milli_cu || (st->milli_cu && p->milli_cu != st->milli_cu))
        return breach_at(c, i, "not the CPU it asked for");
    if (i && c->plan->partitions[i - 1].stream == p->stream &&
        c->plan->partitions[i - 1].milli_cu != p->milli_cu)
        return breach_at(c, i, "not the CPU of its siblings");
    if (st->memory_mode == WEIR_TOPO_MEMORY_AUTO)
        return p->state == WEIR_TOPO_REJECTED && p->bytes
                   ? breach_at(c, i, "rejected, but with bytes")
                   : 0;
    unsigned __int128 want = st->bytes;
    if (st->memory_mode == WEIR_TOPO_MEMORY_RATIO) want = want * p->milli_cu / 1000;
    uint64_t page = c->base_page;
    for (uint32_t k = 0; st->page_bytes && k < c->m->pool_count; k++)
        if (c->m->pools[k].huge && c->m->pools[k].page_bytes == st->page_bytes)
            page = st->page_bytes;
    want = (want + page - 1) / page * page;
    return p->bytes == want ? 0 : breach_at(c, i, "not the bytes it asked for");
}

/* Its domain has the most of its PUs, and is the first of those that have, by canonical order. */
static int check_domain(struct check *c, uint32_t i)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    const uint32_t *list = c->plan->pu_list + p->pu_first;
    uint32_t mine = 0, other = WEIR_TOPO_NONE;
    for (uint32_t k = 0; k < p->pu_count; k++)
        mine += c->m->pus[list[k]].unit[WEIR_TOPO_SCOPE_NUMA] == p->domain;
    if (mine == p->pu_count) return 0;
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t d = c->m->pus[list[k]].unit[WEIR_TOPO_SCOPE_NUMA], count = 0;
        if (d == p->domain || d == other) continue;
        other = d;
        for (uint32_t j = 0; j < p->pu_count; j++)
            count += c->m->pus[list[j]].unit[WEIR_TOPO_SCOPE_NUMA] == d;
        bool before = topo_domain_rank(c->m, d) < topo_domain_rank(c->m, p->domain);
        if (count > mine || (count == mine && before))
            return breach_at(c, i, "more of its PUs are in another domain");
    }
    return 0;
}

static int check_pus(struct check *c, uint32_t i, uint32_t *next)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    const struct weir_topo_stream *st = &c->plan->streams[p->stream];
    if (!p->pu_count || p->pu_first > c->plan->pu_list_count ||
        p->pu_count > c->plan->pu_list_count - p->pu_first)
        return breach_at(c, i, "its PU list lies outside the plan's");
    *next += p->pu_count;
    bool here = false;
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t pu = c->plan->pu_list[p->pu_first + k];
        if (pu >= c->m->pu_count || (k && pu <= c->plan->pu_list[p->pu_first + k - 1]))
            return breach_at(c, i, "its PUs are not ascending PU numbers");
        if (!weir_topo_pu_usable(c->m, pu))
            return breach_at(c, i, "it has a PU that is not allowed or reserved");
        here |= c->m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA] == p->domain;
        if (st->mode == WEIR_TOPO_EXCLUSIVE) {
            if (c->owner[pu]) return breach_at(c, i, "it owns a PU that another one owns");
            c->owner[pu] = i + 1;
        } else {
            c->sharers[pu]++;
            uint64_t part = ((uint64_t)p->milli_cu + p->pu_count - 1) / p->pu_count;
            c->core_load[c->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE]] += part;
            c->domains[c->m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA]].load_milli_cu += part;
            c->asked_shared += part;
        }
    }
    if (p->domain >= c->m->domain_count || !here)
        return breach_at(c, i, "its domain has none of its PUs");
    return check_domain(c, i);
}

static int check_grants(struct check *c, uint32_t i)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    const struct weir_topo_stream *st = &c->plan->streams[p->stream];
    if (p->grant_first > c->plan->grant_count ||
        p->grant_count > c->plan->grant_count - p->grant_first)
        return breach_at(c, i, "its grants lie outside the plan's");
    uint64_t sum = 0, remote = 0;
    bool huge = false, base = false;
    for (uint32_t k = 0; k < p->grant_count; k++) {
        const struct weir_topo_grant *g = &c->plan->grants[p->grant_first + k];
        if (g->pool >= c->m->pool_count)
            return breach_at(c, i, "a grant from a pool that does not exist");
        const struct weir_topo_pool *pool = &c->m->pools[g->pool];
        if (!g->bytes || g->bytes % pool->page_bytes)
            return breach_at(c, i, "a grant that is not whole pages");
        if (st->tier == WEIR_TOPO_TIER_ANY ? pool->tier == WEIR_TOPO_TIER_GPU
                                           : pool->tier != st->tier)
            return breach_at(c, i, "a grant from the wrong tier");
        if (pool->huge && pool->page_bytes != st->page_bytes)
            return breach_at(c, i, "huge pages it did not ask for");
        huge |= pool->huge;
        base |= !pool->huge;
        c->granted[g->pool] += g->bytes;
        sum += g->bytes;
        if (!local_to(c, p, g->pool)) remote += g->bytes;
        uint32_t away = c->m->distance[(size_t)p->domain * c->m->pool_count + g->pool];
        c->totals.distance_bytes += (uint64_t)((unsigned __int128)g->bytes * (away - 10) / 10);
    }
    if (huge && base) return breach_at(c, i, "both huge and base pages");
    bool wants_huge = st->page_bytes && p->bytes;
    for (uint32_t k = 0; wants_huge && k < c->m->pool_count; k++)
        if (!c->m->pools[k].huge && c->m->pools[k].page_bytes == st->page_bytes) wants_huge = false;
    if (wants_huge && base && st->memory_mode != WEIR_TOPO_MEMORY_AUTO &&
        p->state != WEIR_TOPO_DEGRADED)
        return breach_at(c, i, "base pages instead of huge ones, but not called degraded");
    if (sum != p->bytes) return breach_at(c, i, "its grants are not its bytes");
    if (remote != p->remote_bytes) return breach_at(c, i, "its remote bytes are miscounted");
    bool fixed = st->memory_mode != WEIR_TOPO_MEMORY_AUTO;
    if (remote && fixed && p->state == WEIR_TOPO_PLACED)
        return breach_at(c, i, "remote memory, but not degraded");
    if (p->why == WEIR_TOPO_WHY_PAGES && (!st->page_bytes || huge))
        return breach_at(c, i, "it has the pages it asked for, but is degraded for them");
    if (!remote && p->why == WEIR_TOPO_WHY_REMOTE)
        return breach_at(c, i, "no remote memory, but degraded for it");
    if (fixed)
        c->fixed_granted += sum;
    else
        c->auto_remote += remote;
    c->totals.remote_bytes += remote;
    c->domains[p->domain].bytes += sum - remote;
    c->domains[p->domain].remote_bytes += remote;
    return 0;
}

static int check_device(struct check *c, uint32_t i)
{
    const struct weir_topo_partition *p = &c->plan->partitions[i];
    const struct weir_topo_stream *st = &c->plan->streams[p->stream];
    if (p->device == WEIR_TOPO_NONE) {
        if (st->device == WEIR_TOPO_DEVICE_REQUIRE)
            return breach_at(c, i, "it requires a device and has none");
        if (st->device == WEIR_TOPO_DEVICE_PREFER && p->state == WEIR_TOPO_PLACED)
            return breach_at(c, i, "it prefers a device, has none, and is not called degraded");
        if (p->device_units || p->queue || p->staging_pool != WEIR_TOPO_NONE)
            return breach_at(c, i, "a queue, units or staging without a device");
        return p->why == WEIR_TOPO_WHY_NO_DEVICE && st->device == WEIR_TOPO_DEVICE_NONE
                   ? breach_at(c, i, "degraded for a device that it did not want")
                   : 0;
    }
    if (st->device == WEIR_TOPO_DEVICE_NONE || p->device >= c->m->device_count ||
        c->m->devices[p->device].kind != st->device_kind)
        return breach_at(c, i, "a device that it did not ask for");
    if (p->why == WEIR_TOPO_WHY_NO_DEVICE)
        return breach_at(c, i, "it has a device and complains of none");
    const struct weir_topo_device *dev = &c->m->devices[p->device];
    uint32_t units = 0;
    if (st->mode == WEIR_TOPO_EXCLUSIVE)
        units = st->device_units ? st->device_units : dev->compute_units;
    if (p->device_units != units) return breach_at(c, i, "not the compute units it asked for");
    if (st->mode == WEIR_TOPO_EXCLUSIVE) {
        c->device_units[p->device] += units;
        c->device_owners[p->device] += 1 + (st->device_units ? 0 : 1000000);
    } else {
        c->device_sharers[p->device]++;
    }
    c->device_bytes[p->device] += st->device_bytes;
    uint32_t at = dev->domain == WEIR_TOPO_NONE ? p->domain : dev->domain, best = WEIR_TOPO_NONE,
             least = UINT32_MAX;
    for (uint32_t k = 0; k < c->m->pool_count; k++) {
        const struct weir_topo_pool *pool = &c->m->pools[k];
        if (pool->huge || pool->tier == WEIR_TOPO_TIER_GPU || !pool->usable_bytes) continue;
        uint32_t cost = topo_cost(c->m, at, k);
        if (cost < least || (cost == least && topo_pool_rank(c->m, k) < topo_pool_rank(c->m, best)))
            best = k;
        least = cost < least ? cost : least;
    }
    return best == p->staging_pool
               ? 0
               : breach_at(c, i, "its staging pool is not the nearest to its device");
}

/* ---- all together */

static int check_scopes(struct check *c)
{
    for (uint32_t p = 0; p < c->m->pu_count; p++) {
        uint32_t core = c->m->pus[p].unit[WEIR_TOPO_SCOPE_CORE];
        if (!c->owner[p]) {
            c->core_room[core] += c->m->pus[p].capacity_milli_cu;
            continue;
        }
        uint32_t i = c->owner[p] - 1;
        int scope = (int)c->plan->streams[c->plan->partitions[i].stream].scope;
        if (c->sharers[p]) return breach_at(c, i, "it owns a PU that shared partitions run on");
        c->owned_capacity += c->m->pus[p].capacity_milli_cu;
        c->domains[c->m->pus[p].unit[WEIR_TOPO_SCOPE_NUMA]].load_milli_cu +=
            c->m->pus[p].capacity_milli_cu;
        const struct weir_topo_units *u = &c->m->units[scope];
        uint32_t unit = c->m->pus[p].unit[scope];
        for (uint32_t k = u->first[unit]; k < u->first[unit + 1]; k++) {
            if (c->m->pus[u->pus[k]].allowed && c->m->pus[u->pus[k]].busy)
                return breach_at(c, i, "a unit that it owns is in use by another process");
            if (c->m->pus[u->pus[k]].allowed && c->m->pus[u->pus[k]].reserved)
                return breach_at(c, i, "a unit that it owns contains a reserved PU");
            if (weir_topo_pu_usable(c->m, u->pus[k]) && c->owner[u->pus[k]] != i + 1)
                return breach_at(c, i, "it owns a part of a unit only");
        }
    }
    return 0;
}

static int check_shares(struct check *c)
{
    uint64_t limit =
        c->m->limit_milli_cu == UINT64_MAX ? UINT64_MAX : c->m->limit_milli_cu - c->owned_capacity;
    if (c->m->limit_milli_cu != UINT64_MAX && c->owned_capacity > c->m->limit_milli_cu)
        return breach(c, "exclusive partitions own more than the CPU limit");
    for (uint32_t k = 0; k < c->m->units[WEIR_TOPO_SCOPE_CORE].count; k++)
        if (c->core_load[k] && c->core_load[k] * 1000000 / c->core_room[k] > c->totals.load_max_ppm)
            c->totals.load_max_ppm = c->core_load[k] * 1000000 / c->core_room[k];
    if (limit < c->asked_shared) {
        uint64_t ppm = c->asked_shared * 1000000 / (limit ? limit : 1);
        if (ppm > c->totals.load_max_ppm) c->totals.load_max_ppm = ppm;
    }
    for (uint32_t i = 0; i < c->plan->partition_count; i++) {
        const struct weir_topo_partition *p = &c->plan->partitions[i];
        const struct weir_topo_stream *st = &c->plan->streams[p->stream];
        if (p->state == WEIR_TOPO_REJECTED) continue;
        uint64_t gets = 0;
        for (uint32_t k = 0; k < p->pu_count; k++) {
            uint32_t pu = c->plan->pu_list[p->pu_first + k],
                     core = c->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE];
            uint64_t part = ((uint64_t)p->milli_cu + p->pu_count - 1) / p->pu_count;
            if (st->mode == WEIR_TOPO_EXCLUSIVE)
                gets += c->m->pus[pu].capacity_milli_cu;
            else
                gets += c->core_load[core] > c->core_room[core]
                            ? part * c->core_room[core] / c->core_load[core]
                            : part;
        }
        if (st->mode == WEIR_TOPO_SHARED && limit < c->asked_shared) {
            uint64_t scaled = (uint64_t)((unsigned __int128)p->milli_cu * limit / c->asked_shared);
            if (scaled < gets) gets = scaled;
        }
        if (st->mode == WEIR_TOPO_SHARED && gets > p->milli_cu) gets = p->milli_cu;
        if (gets != p->share_milli_cu) return breach_at(c, i, "its share is miscounted");
        if (st->milli_cu && gets < p->milli_cu &&
            (st->mode == WEIR_TOPO_EXCLUSIVE || p->state != WEIR_TOPO_DEGRADED))
            return breach_at(c, i, "it gets less than it asked for, but is not degraded");
        if (p->why == WEIR_TOPO_WHY_OVERCOMMIT && (gets >= p->milli_cu || !st->milli_cu))
            return breach_at(c, i, "it gets what it asked for, but is degraded for less");
        if (st->mode == WEIR_TOPO_EXCLUSIVE)
            c->domains[p->domain].stranded_milli_cu += gets - p->milli_cu;
    }
    return 0;
}

static int check_pools(struct check *c)
{
    uint64_t all = 0;
    for (uint32_t k = 0; k < c->m->pool_count; k++) {
        if (c->granted[k] != c->plan->pool_granted[k])
            return breach(c, "the ledger of pool %u is not the sum of its grants", k);
        if (c->granted[k] > c->m->pools[k].usable_bytes)
            return breach(c, "pool %u is handed out beyond its bytes", k);
        all += c->granted[k];
    }
    if (all > c->m->limit_memory_bytes)
        return breach(c, "more memory than the limit is handed out");
    for (uint32_t i = 0; i < c->plan->partition_count; i++) {
        const struct weir_topo_partition *p = &c->plan->partitions[i];
        if (p->state == WEIR_TOPO_REJECTED && p->why == WEIR_TOPO_WHY_MEMORY_LIMIT &&
            p->bytes <= c->m->limit_memory_bytes - c->fixed_granted)
            return breach_at(c, i, "rejected for the memory limit, but it would fit");
    }
    return 0;
}

static int check_devices(struct check *c)
{
    const struct weir_topo_machine *m = c->m;
    for (uint32_t d = 0; d < m->device_count; d++) {
        const struct weir_topo_device *dev = &m->devices[d];
        bool whole = c->device_owners[d] > 1000000;
        if (c->device_owners[d] && dev->busy)
            return breach(c, "device %s is owned, but another process uses it", dev->name);
        if (c->device_owners[d] && c->device_sharers[d])
            return breach(c, "device %s is both owned and shared", dev->name);
        if (whole && (c->device_owners[d] != 1000001 || dev->leased_units))
            return breach(c, "device %s is owned whole and yet by another one too", dev->name);
        if (c->device_units[d] + dev->leased_units > dev->compute_units && c->device_units[d])
            return breach(c, "device %s has fewer compute units than were handed out", dev->name);
        if (dev->bytes && c->device_bytes[d] > dev->bytes)
            return breach(c, "device %s is out of memory", dev->name);
        bool ours = c->device_owners[d] || c->device_sharers[d], held = ours || dev->leased_units;
        for (uint32_t up = dev->parent, hops = 0; up != WEIR_TOPO_NONE && hops < 8;
             up = m->devices[up].parent, hops++) {
            bool up_ours = c->device_owners[up] || c->device_sharers[up];
            if ((ours && (up_ours || m->devices[up].leased_units)) || (held && up_ours))
                return breach(c, "device %s is used together with its root %s", dev->name,
                              m->devices[up].name);
        }
    }
    return 0;
}

static int check_totals(struct check *c)
{
    const struct weir_topo_machine *m = c->m;
    for (uint32_t d = 0; d < m->domain_count; d++) {
        struct weir_topo_domain_use *use = &c->domains[d];
        uint64_t left = 0, charged = 0;
        use->capacity_milli_cu = m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d];
        for (uint32_t k = 0; k < m->pool_count; k++) {
            if (!m->local[(size_t)d * m->pool_count + k] || m->pools[k].huge) continue;
            bool holder = true; /* a pool that several domains share is charged to one of them */
            for (uint32_t e = 0; e < m->domain_count && holder; e++)
                holder = !m->local[(size_t)e * m->pool_count + k] ||
                         topo_domain_rank(m, e) >= topo_domain_rank(m, d);
            left += m->pools[k].usable_bytes - c->granted[k];
            if (holder) charged += m->pools[k].usable_bytes - c->granted[k];
        }
        bool full = use->load_milli_cu >= use->capacity_milli_cu;
        if (!left && !full) use->stranded_milli_cu += use->capacity_milli_cu - use->load_milli_cu;
        if (full) use->stranded_bytes = charged;
        c->totals.stranded_milli_cu += use->stranded_milli_cu;
        c->totals.stranded_bytes += use->stranded_bytes;
        const struct weir_topo_domain_use *said = &c->plan->domains[d];
        if (use->capacity_milli_cu != said->capacity_milli_cu ||
            use->load_milli_cu != said->load_milli_cu || use->bytes != said->bytes ||
            use->remote_bytes != said->remote_bytes ||
            use->stranded_milli_cu != said->stranded_milli_cu ||
            use->stranded_bytes != said->stranded_bytes)
            return breach(c, "the use of domain %u is miscounted", d);
    }
    const struct weir_topo_totals *said = &c->plan->totals;
    int rc = topo_remote_bound(c->plan, &c->totals.remote_bound_bytes, c->err);
    if (rc) return rc;
    if (c->totals.placed != said->placed || c->totals.degraded != said->degraded ||
        c->totals.rejected != said->rejected)
        return breach(c, "the states are miscounted");
    if (c->totals.remote_bytes != said->remote_bytes ||
        c->totals.distance_bytes != said->distance_bytes ||
        c->totals.remote_bound_bytes != said->remote_bound_bytes)
        return breach(c, "the remote bytes are miscounted");
    if (c->totals.stranded_bytes != said->stranded_bytes ||
        c->totals.stranded_milli_cu != said->stranded_milli_cu)
        return breach(c, "what is stranded is miscounted");
    if (c->totals.load_max_ppm != said->load_max_ppm)
        return breach(c, "the largest load is miscounted");
    if (said->load_bound_ppm > said->load_max_ppm)
        return breach(c, "the load is below its lower bound");
    if (said->remote_bound_bytes > said->remote_bytes)
        return breach(c, "fewer remote bytes than possible");
    return 0;
}

static int check_order(struct check *c)
{
    uint32_t i = 0;
    if (c->plan->machine_fingerprint != c->m->fingerprint)
        return topo_fail(c->err, WEIR_TOPO_ERR_MISMATCH,
                         "the plan was made for another machine (fingerprint %016" PRIx64
                         ", this one has %016" PRIx64 "); plan again",
                         c->plan->machine_fingerprint, c->m->fingerprint);
    for (uint32_t k = 0; k < c->plan->stream_count; k++)
        for (uint32_t j = 0; j < c->plan->streams[k].partitions; j++, i++)
            if (i >= c->plan->partition_count || c->plan->partitions[i].stream != k ||
                c->plan->partitions[i].index != j)
                return breach(c, "its partitions are not those of its streams, in order");
    return i == c->plan->partition_count ? 0 : breach(c, "it has more partitions than its streams");
}

static int check_partitions(struct check *c)
{
    uint32_t pus = 0, grants = 0;
    int rc = 0;
    for (uint32_t i = 0; i < c->plan->partition_count && !rc; i++) {
        rc = check_state(c, i);
        if (!rc) rc = check_asked(c, i);
        if (rc || c->plan->partitions[i].state == WEIR_TOPO_REJECTED) continue;
        rc = check_pus(c, i, &pus);
        if (!rc) rc = check_grants(c, i);
        grants += c->plan->partitions[i].grant_count;
    }
    if (!rc && (pus != c->plan->pu_list_count || grants != c->plan->grant_count))
        rc = breach(c, "a list has entries that belong to nobody");
    return rc;
}

/* Devices are numbered in order of admission, not of partitions: queues are checked as a set. */
static int check_all_devices(struct check *c)
{
    int rc = 0;
    uint32_t left = 0, before = UINT32_MAX;
    uint8_t *done = topo_calloc(c->plan->partition_count, 1);
    if (!done) return topo_fail_nomem(c->err, "checking the plan");
    for (uint32_t i = 0; i < c->plan->partition_count; i++) {
        done[i] = c->plan->partitions[i].state == WEIR_TOPO_REJECTED;
        left += !done[i];
    }
    while (left && left != before &&
           !rc) { /* in rounds: each takes the partitions whose queue is next */
        before = left;
        for (uint32_t i = 0; i < c->plan->partition_count && !rc; i++) {
            const struct weir_topo_partition *p = &c->plan->partitions[i];
            if (done[i]) continue;
            if (p->device < c->m->device_count &&
                p->queue != c->device_owners[p->device] % 1000000 + c->device_sharers[p->device])
                continue;
            rc = check_device(c, i);
            done[i] = 1;
            left--;
        }
    }
    if (!rc && left) rc = breach(c, "the queues of a device are not numbered without gaps");
    topo_free(done);
    return rc ? rc : check_devices(c);
}

static bool open_check(struct check *c)
{
    const struct weir_topo_machine *m = c->m;
    c->base_page = 4096;
    for (uint32_t k = 0; k < m->pool_count; k++)
        if (!m->pools[k].huge && m->pools[k].page_bytes > c->base_page)
            c->base_page = m->pools[k].page_bytes;
    c->owner = topo_calloc(m->pu_count, sizeof *c->owner);
    c->sharers = topo_calloc(m->pu_count, sizeof *c->sharers);
    c->core_load = topo_calloc(m->units[WEIR_TOPO_SCOPE_CORE].count, sizeof *c->core_load);
    c->core_room = topo_calloc(m->units[WEIR_TOPO_SCOPE_CORE].count, sizeof *c->core_room);
    c->granted = topo_calloc(m->pool_count, sizeof *c->granted);
    c->domains = topo_calloc(m->domain_count, sizeof *c->domains);
    c->device_units = topo_calloc(m->device_count, sizeof *c->device_units);
    c->device_owners = topo_calloc(m->device_count, sizeof *c->device_owners);
    c->device_sharers = topo_calloc(m->device_count, sizeof *c->device_sharers);
    c->device_bytes = topo_calloc(m->device_count, sizeof *c->device_bytes);
    return c->owner && c->sharers && c->core_load && c->core_room && c->granted && c->domains &&
           c->device_units && c->device_owners && c->device_sharers && c->device_bytes;
}

int weir_topo_plan_check(const struct weir_topo_plan *plan, struct weir_topo_error *err)
{
    struct check c = {.plan = plan, .m = plan->machine, .err = err};
    int rc = open_check(&c) ? check_order(&c) : topo_fail_nomem(err, "checking the plan");
    if (!rc) rc = check_partitions(&c);
    if (!rc) rc = check_scopes(&c);
    if (!rc) rc = check_shares(&c);
    if (!rc) rc = check_pools(&c);
    if (!rc) rc = check_all_devices(&c);
    if (!rc) rc = check_totals(&c);
    topo_free(c.owner);
    topo_free(c.sharers);
    topo_free(c.core_load);
    topo_free(c.core_room);
    topo_free(c.granted);
    topo_free(c.domains);
    topo_free(c.device_units);
    topo_free(c.device_owners);
    topo_free(c.device_sharers);
    topo_free(c.device_bytes);
    return rc;
}
