/* The planner: demand in, plan out.

   1. Resolve: "auto" CPU, ratios, page rounding.
   2. Admit, in order of priority (then exclusive before shared, but never the last PU; larger
   scopes first): memory by exact room per tier and page size, a device if one is wanted, whole
   units for exclusive partitions at once. Shared ones only book what they need here.
   3. Place the shared ones on what is left of the cores (plan_shared.c).
   4. Assign bytes to pools (plan_memory.c).
   5. Sum up, and let the independent checker look at it; a plan that it refuses is never returned.
   All of it but the checking happens on the machine in canonical order (canon.h), so that neither
   the numbers of PUs and nodes nor the order in which they are listed have a say in the cost.
 */
#include "topology/plan.h"
#include "topology/canon.h"
#include "topology/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTITIONS (1u << 24)

/* ---- small services of the state */

int topo_state_room(struct topo_state *s, uint64_t page_bytes)
{
    for (uint32_t r = 0; r < s->room_count; r++)
        if (s->rooms[r].page_bytes == page_bytes) return (int)r;
    return -1;
}

uint64_t topo_local_left(const struct topo_state *s, uint32_t domain, enum weir_topo_tier tier,
                         uint64_t page_bytes)
{
    uint64_t sum = 0;
    for (uint32_t k = s->local_first[domain]; k < s->local_first[domain + 1]; k++)
        if (topo_pool_fits(&s->m->pools[s->local_pool[k]], tier, page_bytes))
            sum += s->pool_left[s->local_pool[k]];
    return sum;
}

uint64_t topo_local_take(struct topo_state *s, uint32_t domain, enum weir_topo_tier tier,
                         uint64_t page_bytes, uint64_t bytes)
{
    for (uint32_t k = s->local_first[domain]; k < s->local_first[domain + 1] && bytes; k++) {
        uint32_t pool = s->local_pool[k];
        if (!topo_pool_fits(&s->m->pools[pool], tier, page_bytes)) continue;
        uint64_t now = bytes < s->pool_left[pool] ? bytes : s->pool_left[pool];
        s->pool_left[pool] -= now;
        bytes -= now;
    }
    return bytes;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

uint32_t topo_main_domain(struct topo_state *s, struct weir_topo_partition *p)
{
    uint32_t *list = s->plan->pu_list + p->pu_first, best = WEIR_TOPO_NONE, best_count = 0;
    if (p->pu_count > 1) qsort(list, p->pu_count, sizeof *list, compare_u32);
    for (uint32_t a = 0; a < p->pu_count && best_count * 2 <= p->pu_count; a++) {
        uint32_t d = s->m->pus[list[a]].unit[WEIR_TOPO_SCOPE_NUMA], count = 0;
        if (d == best) continue;
        for (uint32_t b = 0; b < p->pu_count; b++)
            count += s->m->pus[list[b]].unit[WEIR_TOPO_SCOPE_NUMA] == d;
        if (count > best_count || (count == best_count && d < best)) {
            best = d;
            best_count = count;
        }
    }
    return best;
}

int topo_push_pu(struct topo_state *s, uint32_t pu, struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    if (!topo_grow(&plan->pu_list, &s->pu_capacity, (size_t)plan->pu_list_count + 1,
                   sizeof *plan->pu_list))
        return topo_fail_nomem(err, "planning");
    plan->pu_list[plan->pu_list_count++] = pu;
    return WEIR_TOPO_OK;
}

uint32_t topo_domain_distance(const struct weir_topo_machine *m, uint32_t from, uint32_t to)
{
    uint32_t best = UINT32_MAX;
    if (from == to) return 10;
    for (uint32_t p = 0; p < m->pool_count; p++)
        if (m->local[(size_t)to * m->pool_count + p] &&
            m->distance[(size_t)from * m->pool_count + p] < best)
            best = m->distance[(size_t)from * m->pool_count + p];
    return best == UINT32_MAX ? 20 : best;
}

/* ---- opening */

static void open_room(struct topo_state *s, uint64_t page_bytes)
{
    struct topo_room *room = &s->rooms[s->room_count++];
    room->page_bytes = page_bytes;
    for (uint32_t p = 0; p < s->m->pool_count; p++) {
        const struct weir_topo_pool *pool = &s->m->pools[p];
        if (pool->huge ? pool->page_bytes != page_bytes : page_bytes != 0) continue;
        room->capacity[pool->tier] += pool->usable_bytes;
        if (pool->tier != WEIR_TOPO_TIER_GPU) room->any_capacity += pool->usable_bytes;
    }
}

static int open_memory(struct topo_state *s, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = s->m;
    s->base_page = 4096;
    open_room(s, 0);
    for (uint32_t p = 0; p < m->pool_count; p++) {
        if (!m->pools[p].huge && m->pools[p].page_bytes > s->base_page)
            s->base_page = m->pools[p].page_bytes;
        if (m->pools[p].huge && topo_state_room(s, m->pools[p].page_bytes) < 0 &&
            s->room_count <= TOPO_RAW_PAGES)
            open_room(s, m->pools[p].page_bytes);
    }
    size_t locals = 0;
    for (size_t k = 0; k < (size_t)m->domain_count * m->pool_count; k++) locals += m->local[k];
    s->pool_left = topo_calloc(m->pool_count, sizeof *s->pool_left);
    s->local_first = topo_calloc((size_t)m->domain_count + 1, sizeof *s->local_first);
    s->local_pool = topo_calloc(locals, sizeof *s->local_pool);
    if (!s->pool_left || !s->local_first || !s->local_pool) return topo_fail_nomem(err, "planning");
    for (uint32_t p = 0; p < m->pool_count; p++) s->pool_left[p] = m->pools[p].usable_bytes;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        uint32_t domains = 0;
        for (uint32_t d = 0; d < m->domain_count; d++)
            domains += m->local[(size_t)d * m->pool_count + p] &&
                       m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d];
        s->shared_pools |= domains > 1;
    }
    uint32_t at = 0;
    for (uint32_t d = 0; d < m->domain_count; d++) {
        s->local_first[d] = at;
        for (uint32_t p = 0; p < m->pool_count; p++) {
            if (!m->local[(size_t)d * m->pool_count + p]) continue;
            uint32_t k = at++;
            while (k > s->local_first[d] &&
                   topo_cost(m, d, s->local_pool[k - 1]) > topo_cost(m, d, p)) {
                s->local_pool[k] = s->local_pool[k - 1];
                k--;
            }
            s->local_pool[k] = p;
        }
    }
    s->local_first[m->domain_count] = at;
    s->memory_left = m->limit_memory_bytes;
    s->cpu_left = m->limit_milli_cu;
    return WEIR_TOPO_OK;
}

void topo_plan_summarise(struct weir_topo_plan *plan)
{
    plan->all_explicit = true;
    plan->any_exclusive = false;
    for (uint32_t k = 0; k < plan->stream_count; k++) {
        plan->all_explicit &=
            plan->streams[k].milli_cu && plan->streams[k].memory_mode != WEIR_TOPO_MEMORY_AUTO;
        plan->any_exclusive |= plan->streams[k].mode == WEIR_TOPO_EXCLUSIVE;
    }
}

static int open_plan(struct topo_state *s, const struct weir_topo_demand *demand,
                     struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = topo_calloc(1, sizeof *plan);
    s->plan = plan;
    if (!plan) return topo_fail_nomem(err, "planning");
    plan->machine = s->m;
    plan->machine_fingerprint = s->m->fingerprint;
    plan->stream_count = demand->stream_count;
    uint64_t n = 0;
    for (uint32_t k = 0; k < demand->stream_count; k++) n += demand->streams[k].partitions;
    if (!demand->stream_count || !n)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "the demand has no stream; add one such as 'logs:8'");
    if (n > MAX_PARTITIONS)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "%" PRIu64 " partitions are more than the %u that one plan holds", n,
                         MAX_PARTITIONS);
    plan->partition_count = (uint32_t)n;
    plan->streams = topo_calloc(demand->stream_count, sizeof *plan->streams);
    plan->partitions = topo_calloc(n, sizeof *plan->partitions);
    plan->pool_granted = topo_calloc(s->m->pool_count, sizeof *plan->pool_granted);
    plan->domains = topo_calloc(s->m->domain_count, sizeof *plan->domains);
    s->stream_order = topo_calloc(demand->stream_count, sizeof *s->stream_order);
    s->page_of = topo_calloc(n, sizeof *s->page_of);
    s->lacks = topo_calloc(n, sizeof *s->lacks);
    s->device_load = topo_calloc(s->m->device_count, sizeof *s->device_load);
    s->device_units_used = topo_calloc(s->m->device_count, sizeof *s->device_units_used);
    s->device_owned = topo_calloc(s->m->device_count, sizeof *s->device_owned);
    s->device_bytes_used = topo_calloc(s->m->device_count, sizeof *s->device_bytes_used);
    if (!plan->streams || !plan->partitions || !plan->pool_granted || !plan->domains ||
        !s->stream_order || !s->page_of || !s->lacks || !s->device_load || !s->device_units_used ||
        !s->device_owned || !s->device_bytes_used)
        return topo_fail_nomem(err, "planning");
    memcpy(plan->streams, demand->streams, demand->stream_count * sizeof *plan->streams);
    topo_plan_summarise(plan);
    return WEIR_TOPO_OK;
}

static void close_state(struct topo_state *s)
{
    for (int scope = 0; scope < WEIR_TOPO_SCOPE_COUNT; scope++) {
        topo_free(s->busy[scope]);
        topo_free(s->usable[scope]);
        topo_free(s->barred[scope]);
        topo_free(s->home[scope]);
        topo_free(s->home_first[scope]);
        topo_free(s->home_unit[scope]);
        topo_free(s->free_capacity[scope]);
        topo_free(s->free_units[scope]);
    }
    topo_free(s->taken);
    topo_free(s->stream_order);
    topo_free(s->page_of);
    topo_free(s->lacks);
    topo_free(s->device_load);
    topo_free(s->device_units_used);
    topo_free(s->device_owned);
    topo_free(s->device_bytes_used);
    topo_free(s->pool_left);
    topo_free(s->local_first);
    topo_free(s->local_pool);
    topo_free(s->keep_first);
    topo_free(s->keep_count);
    topo_free(s->keep_pu);
    topo_free(s->wanted);
}

void weir_topo_plan_free(struct weir_topo_plan *plan)
{
    if (!plan) return;
    topo_free(plan->streams);
    topo_free(plan->partitions);
    topo_free(plan->pu_list);
    topo_free(plan->grants);
    topo_free(plan->pool_granted);
    topo_free(plan->domains);
    topo_room_kept_free(plan->room);
    topo_free(plan);
}

/* ---- resolving */

/* An even part of the capacity that explicit demands leave, at most one core and at least 1. */
static uint32_t auto_share(const struct topo_state *s)
{
    uint64_t explicit_cu = 0, autos = 0, capacity = s->m->capacity_milli_cu;
    if (s->m->limit_milli_cu < capacity) capacity = s->m->limit_milli_cu;
    for (uint32_t k = 0; k < s->plan->stream_count; k++) {
        const struct weir_topo_stream *st = &s->plan->streams[k];
        uint64_t each = st->milli_cu;
        if (!each && st->mode == WEIR_TOPO_EXCLUSIVE) each = topo_smallest_unit(s->m, st->scope);
        explicit_cu += each * st->partitions;
        if (!each) autos += st->partitions;
    }
    uint64_t left = explicit_cu < capacity ? capacity - explicit_cu : 0;
    uint64_t share = autos ? left / autos : 0;
    return (uint32_t)(share > 1000 ? 1000 : share ? share : 1);
}

static int resolve_stream(const struct topo_state *s, const struct weir_topo_stream *st,
                          uint32_t even, struct weir_topo_partition *p, struct weir_topo_error *err)
{
    p->milli_cu = st->milli_cu;
    if (!p->milli_cu)
        p->milli_cu = st->mode == WEIR_TOPO_EXCLUSIVE ? topo_smallest_unit(s->m, st->scope) : even;
    if (!p->milli_cu) p->milli_cu = 1;
    unsigned __int128 bytes = 0;
    if (st->memory_mode == WEIR_TOPO_MEMORY_BYTES) bytes = st->bytes;
    if (st->memory_mode == WEIR_TOPO_MEMORY_RATIO)
        bytes = (unsigned __int128)st->bytes * p->milli_cu / 1000;
    uint64_t page = st->page_bytes && topo_state_room((struct topo_state *)s, st->page_bytes) >= 0
                        ? st->page_bytes
                        : s->base_page;
    bytes = (bytes + page - 1) / page * page;
    if (bytes > (UINT64_C(1) << 60))
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "stream '%s': a partition of more than 2^60 bytes cannot be meant; check "
                         "the ratio and the cpu",
                         st->name);
    p->bytes = (uint64_t)bytes;
    p->domain = p->device = p->staging_pool = p->runner_up = WEIR_TOPO_NONE;
    return WEIR_TOPO_OK;
}

static int resolve(struct topo_state *s, struct weir_topo_error *err)
{
    uint32_t even = auto_share(s), i = 0;
    for (uint32_t k = 0; k < s->plan->stream_count; k++) {
        const struct weir_topo_stream *st = &s->plan->streams[k];
        struct weir_topo_partition proto = {.stream = k};
        int rc = resolve_stream(s, st, even, &proto, err);
        if (rc) return rc;
        for (uint32_t j = 0; j < st->partitions; j++, i++) {
            s->plan->partitions[i] = proto;
            s->plan->partitions[i].index = j;
        }
    }
    return WEIR_TOPO_OK;
}

/* ---- admission */

/* Priority, then exclusive before shared, then the wish for a device, then the larger scope, then
   the larger CPU: one key of 64 bits. Equal ones stay in the order of the demand. */
static uint64_t admission_key(const struct weir_topo_stream *st, uint32_t milli_cu)
{
    uint64_t priority = (uint64_t)((int64_t)INT32_MAX - st->priority); /* 32 bits */
    uint64_t shared = st->mode == WEIR_TOPO_SHARED, device = 2u - (unsigned)st->device;
    uint64_t scope = shared ? 0 : (uint64_t)(WEIR_TOPO_SCOPE_PACKAGE - st->scope);
    uint64_t cpu = milli_cu < (1u << 26) ? (1u << 26) - 1 - milli_cu : 0;
    return priority << 32 | shared << 31 | device << 29 | scope << 26 | cpu;
}

static int order_streams(struct topo_state *s, struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    struct topo_key *keys = topo_calloc(plan->stream_count, sizeof *keys);
    if (!keys) return topo_fail_nomem(err, "planning");
    for (uint32_t k = 0, first = 0; k < plan->stream_count; first += plan->streams[k++].partitions)
        keys[k] = (struct topo_key){
            admission_key(&plan->streams[k], plan->partitions[first].milli_cu), k};
    bool ok = topo_sort_keys(keys, plan->stream_count);
    for (uint32_t k = 0; k < plan->stream_count; k++) s->stream_order[k] = keys[k].index;
    topo_free(keys);
    return ok ? WEIR_TOPO_OK : topo_fail_nomem(err, "planning");
}

static bool room_fits(const struct topo_room *room, enum weir_topo_tier tier, uint64_t bytes)
{
    if (tier != WEIR_TOPO_TIER_ANY && bytes > room->capacity[tier] - room->used[tier]) return false;
    return tier == WEIR_TOPO_TIER_GPU || bytes <= room->any_capacity - room->any_used;
}

static void room_take(struct topo_room *room, enum weir_topo_tier tier, uint64_t bytes)
{
    if (tier != WEIR_TOPO_TIER_ANY) room->used[tier] += bytes;
    if (tier != WEIR_TOPO_TIER_GPU) room->any_used += bytes;
}

/* Chooses the page size and whether the bytes fit at all; books nothing. */
static bool memory_fits(struct topo_state *s, uint32_t i, int *room)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    const struct weir_topo_stream *st = &s->plan->streams[p->stream];
    *room = st->page_bytes && p->bytes ? topo_state_room(s, st->page_bytes) : 0;
    if (st->page_bytes && p->bytes &&
        (*room < 0 || !room_fits(&s->rooms[*room], st->tier, p->bytes))) {
        if (st->page_bytes != s->base_page) s->lacks[i] = WEIR_TOPO_WHY_PAGES;
        *room = 0;
    }
    s->page_of[i] = s->rooms[*room].page_bytes;
    p->why = WEIR_TOPO_WHY_MEMORY_LIMIT;
    if (p->bytes > s->memory_left) return false;
    p->why = WEIR_TOPO_WHY_MEMORY;
    return room_fits(&s->rooms[*room], st->tier, p->bytes);
}

static bool device_fits(struct topo_state *s, uint32_t i)
{
    const struct weir_topo_stream *st = &s->plan->streams[s->plan->partitions[i].stream];
    if (st->device == WEIR_TOPO_DEVICE_NONE || topo_device_take(s, i)) return true;
    if (st->device == WEIR_TOPO_DEVICE_PREFER) {
        s->lacks[i] = WEIR_TOPO_WHY_NO_DEVICE;
        return true;
    }
    s->plan->partitions[i].why = WEIR_TOPO_WHY_NO_DEVICE;
    return false;
}

static int admit(struct topo_state *s, uint32_t i, struct weir_topo_error *err)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    const struct weir_topo_stream *st = &s->plan->streams[p->stream];
    int room = 0;
    p->state = WEIR_TOPO_REJECTED;
    if (!memory_fits(s, i, &room) || !device_fits(s, i)) return WEIR_TOPO_OK;
    if (st->mode == WEIR_TOPO_EXCLUSIVE) {
        uint32_t near =
            p->device == WEIR_TOPO_NONE ? WEIR_TOPO_NONE : s->m->devices[p->device].domain;
        int got = topo_exclusive_place(s, i, near, err);
        if (got < 0) return got;
        if (!got) {
            topo_device_give_back(s, i);
            return WEIR_TOPO_OK;
        }
    } else {
        p->why = WEIR_TOPO_WHY_NO_PU;
        if (!s->shared_pus) {
            topo_device_give_back(s, i);
            return WEIR_TOPO_OK;
        }
        s->shared_admitted++;
        s->shared_promised += st->milli_cu;
    }
    room_take(&s->rooms[room], st->tier, p->bytes);
    if (s->memory_left != UINT64_MAX) s->memory_left -= p->bytes;
    p->state = WEIR_TOPO_PLACED;
    p->why = WEIR_TOPO_WHY_FITS;
    return WEIR_TOPO_OK;
}

/* Is there a shared stream among those that follow in the order with the priority of the K-th? */
static bool has_shared_peers(const struct topo_state *s, uint32_t k)
{
    int32_t priority = s->plan->streams[s->stream_order[k]].priority;
    for (; k < s->plan->stream_count; k++) {
        const struct weir_topo_stream *st = &s->plan->streams[s->stream_order[k]];
        if (st->priority != priority) break;
        if (st->mode == WEIR_TOPO_SHARED) return true;
    }
    return false;
}

/* All, or of those with a place to keep either only these or only the others. */
enum whom { ALL, INCUMBENTS, OTHERS };

static int admit_some(struct topo_state *s, enum whom whom, const uint32_t *first,
                      struct weir_topo_error *err)
{
    int rc = WEIR_TOPO_OK;
    for (uint32_t k = 0; !rc && k < s->plan->stream_count; k++) {
        uint32_t st = s->stream_order[k];
        if (!k ||
            s->plan->streams[st].priority != s->plan->streams[s->stream_order[k - 1]].priority)
            s->shared_peers = has_shared_peers(s, k);
        for (uint32_t i = first[st]; !rc && i < first[st] + s->plan->streams[st].partitions; i++)
            if (whom == ALL || (s->keep_count[i] > 0) == (whom == INCUMBENTS))
                rc = admit(s, i, err);
    }
    return rc;
}

static int admit_all(struct topo_state *s, bool incumbents_first, struct weir_topo_error *err)
{
    uint32_t *first = topo_calloc(s->plan->stream_count, sizeof *first);
    if (!first) return topo_fail_nomem(err, "planning");
    for (uint32_t k = 1; k < s->plan->stream_count; k++)
        first[k] = first[k - 1] + s->plan->streams[k - 1].partitions;
    int rc = admit_some(s, incumbents_first ? INCUMBENTS : ALL, first, err);
    if (!rc && incumbents_first) rc = admit_some(s, OTHERS, first, err);
    topo_free(first);
    return rc;
}

/* ---- summing up */

static void finish_partition(struct topo_state *s, uint32_t i)
{
    struct weir_topo_plan *plan = s->plan;
    const struct weir_topo_machine *m = s->m;
    struct weir_topo_partition *p = &plan->partitions[i];
    if (p->state == WEIR_TOPO_REJECTED) {
        struct weir_topo_partition gone = {.stream = p->stream,
                                           .index = p->index,
                                           .state = p->state,
                                           .why = p->why,
                                           .milli_cu = p->milli_cu,
                                           .bytes = p->bytes};
        gone.domain = gone.device = gone.staging_pool = gone.runner_up = WEIR_TOPO_NONE;
        *p = gone;
        plan->totals.rejected++;
        return;
    }
    if (p->pu_count > 1)
        qsort(plan->pu_list + p->pu_first, p->pu_count, sizeof *plan->pu_list, compare_u32);
    if (s->lacks[i] != WEIR_TOPO_WHY_FITS) {
        p->state = WEIR_TOPO_DEGRADED;
        p->why = (enum weir_topo_why)s->lacks[i];
        plan->totals.degraded++;
    } else {
        plan->totals.placed++;
    }
    if (p->device != WEIR_TOPO_NONE) {
        uint32_t at = m->devices[p->device].domain == WEIR_TOPO_NONE ? p->domain
                                                                     : m->devices[p->device].domain;
        for (uint32_t k = 0; k < m->pool_count; k++)
            if (topo_pool_fits(&m->pools[k], WEIR_TOPO_TIER_ANY, 0) && m->pools[k].usable_bytes &&
                (p->staging_pool == WEIR_TOPO_NONE ||
                 topo_cost(m, at, k) < topo_cost(m, at, p->staging_pool)))
                p->staging_pool = k;
    }
    struct weir_topo_domain_use *d = &plan->domains[p->domain];
    uint64_t granted = 0;
    for (uint32_t g = p->grant_first; g < p->grant_first + p->grant_count; g++) {
        uint32_t away = m->distance[(size_t)p->domain * m->pool_count + plan->grants[g].pool];
        granted += plan->grants[g].bytes;
        plan->totals.distance_bytes +=
            (uint64_t)((unsigned __int128)plan->grants[g].bytes * (away - 10) / 10);
    }
    d->bytes += granted - p->remote_bytes;
    d->remote_bytes += p->remote_bytes;
    plan->totals.remote_bytes += p->remote_bytes;
    bool exclusive = plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE;
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t pu = plan->pu_list[p->pu_first + k];
        struct weir_topo_domain_use *own = &plan->domains[m->pus[pu].unit[WEIR_TOPO_SCOPE_NUMA]];
        own->load_milli_cu += exclusive ? m->pus[pu].capacity_milli_cu : topo_part(p);
    }
    if (exclusive) d->stranded_milli_cu += p->share_milli_cu - p->milli_cu;
}

/* Bring the lists into the order of partitions, so that a plan's bytes do not tell how it came
 * about. */
static int order_lists(struct topo_state *s, struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    uint32_t *pus = topo_calloc(plan->pu_list_count, sizeof *pus), pu_at = 0, grant_at = 0;
    struct weir_topo_grant *grants = topo_calloc(plan->grant_count, sizeof *grants);
    if (!pus || !grants) {
        topo_free(pus);
        topo_free(grants);
        return topo_fail_nomem(err, "planning");
    }
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        if (p->state == WEIR_TOPO_REJECTED) continue;
        for (uint32_t k = 0; k < p->pu_count; k++) pus[pu_at + k] = plan->pu_list[p->pu_first + k];
        for (uint32_t k = 0; k < p->grant_count; k++)
            grants[grant_at + k] = plan->grants[p->grant_first + k];
        p->pu_first = pu_at;
        p->grant_first = grant_at;
        pu_at += p->pu_count;
        grant_at += p->grant_count;
    }
    topo_free(plan->pu_list);
    topo_free(plan->grants);
    plan->pu_list = pus;
    plan->grants = grants;
    return WEIR_TOPO_OK;
}

static void finish(struct topo_state *s)
{
    struct weir_topo_plan *plan = s->plan;
    const struct weir_topo_machine *m = s->m;
    for (uint32_t d = 0; d < m->domain_count; d++)
        plan->domains[d].capacity_milli_cu = m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d];
    for (uint32_t i = 0; i < plan->partition_count; i++) finish_partition(s, i);
    for (uint32_t d = 0; d < m->domain_count; d++) {
        struct weir_topo_domain_use *use = &plan->domains[d];
        uint64_t left = 0, charged = 0;
        for (uint32_t p = 0; p < m->pool_count; p++) {
            if (!m->local[(size_t)d * m->pool_count + p] || m->pools[p].huge) continue;
            uint64_t rest = m->pools[p].usable_bytes - plan->pool_granted[p];
            bool first = true;
            for (uint32_t e = 0; e < d; e++) first &= !m->local[(size_t)e * m->pool_count + p];
            left += rest;
            if (first) charged += rest;
        }
        bool cpu_full = use->load_milli_cu >= use->capacity_milli_cu;
        if (!left && !cpu_full)
            use->stranded_milli_cu += use->capacity_milli_cu - use->load_milli_cu;
        if (cpu_full) use->stranded_bytes = charged;
        plan->totals.stranded_milli_cu += use->stranded_milli_cu;
        plan->totals.stranded_bytes += use->stranded_bytes;
    }
}

static int make_one(const struct weir_topo_machine *machine, const struct weir_topo_demand *demand,
                    const struct weir_topo_plan_options *options, bool incumbents_first,
                    struct weir_topo_plan **out, struct weir_topo_error *err)
{
    struct topo_state s = {.m = topo_canon_machine(machine), .current = options->current};
    *out = NULL;
    int rc = open_plan(&s, demand, err);
    if (!rc) rc = open_memory(&s, err);
    if (!rc) rc = topo_exclusive_setup(&s, err);
    if (!rc) rc = resolve(&s, err);
    if (!rc) rc = topo_keep_setup(&s, err);
    if (!rc) rc = order_streams(&s, err);
    if (!rc) rc = admit_all(&s, incumbents_first, err);
    if (!rc) rc = topo_shared_place(&s, options->search_steps, err);
    if (!rc) rc = topo_memory_assign(&s, err);
    if (!rc) rc = order_lists(&s, err);
    if (!rc) finish(&s);
    if (!rc) rc = topo_canon_translate(machine, s.plan, err);
    if (!rc) rc = topo_remote_bound(s.plan, &s.plan->totals.remote_bound_bytes, err);
    if (!rc) rc = weir_topo_plan_check(s.plan, err);
    if (rc)
        weir_topo_plan_free(s.plan);
    else
        *out = s.plan;
    close_state(&s);
    return rc;
}

/* *BEST becomes the plan that is made with OPTIONS, unless that is worse. */
static int make_better(const struct weir_topo_machine *machine,
                       const struct weir_topo_demand *demand,
                       const struct weir_topo_plan_options *options, bool incumbents_first,
                       struct weir_topo_plan **best, bool *loses, struct weir_topo_error *err)
{
    struct weir_topo_plan *other;
    int rc = make_one(machine, demand, options, incumbents_first, &other, err);
    if (rc) return rc;
    *loses = topo_plan_loses(other, options->current);
    if (topo_plan_not_worse(other, *best)) {
        struct weir_topo_plan *worse = *best;
        *best = other;
        other = worse;
    }
    weir_topo_plan_free(other);
    return WEIR_TOPO_OK;
}

int weir_topo_plan_make(const struct weir_topo_machine *machine,
                        const struct weir_topo_demand *demand,
                        const struct weir_topo_plan_options *options, struct weir_topo_plan **out,
                        struct weir_topo_error *err)
{
    struct weir_topo_plan_options fresh = options ? *options : (struct weir_topo_plan_options){0};
    const struct weir_topo_plan *current = fresh.current;
    struct weir_topo_plan *best = NULL;
    bool loses = false;
    *out = NULL;
    fresh.current = NULL;
    int rc = make_one(machine, demand, &fresh, false, &best, err);
    if (!rc && current && !topo_plan_same_places(best, current))
        rc = make_better(machine, demand, options, false, &best, &loses, err);
    if (!rc && loses) rc = make_better(machine, demand, options, true, &best, &loses, err);
    if (rc) {
        weir_topo_plan_free(best);
        return rc;
    }
    if (current) topo_count_moves(best, current);
    *out = best;
    return WEIR_TOPO_OK;
}
