/* Bytes to pools. Partitions with the same domain, tier and page size form a class; a partition
   whose PUs lie in several domains is a class of its own, near to the memory of each of them.

   If every class fits into its cheapest pool, that is the optimum and done. Otherwise successive
   shortest paths (Dijkstra with potentials, dense: there are few classes and pools) give the
   assignment of least bytes × cost. All amounts are multiples of the page size, so the flow is too,
   and the ledger is exact.

   Inside a class the partitions draw from its pools cheapest first, in order of admission. Last,
   "auto" partitions share three quarters of what their nearest pool has left, in proportion to
   their CPU. */
#include "topology/plan.h"

#include <stdlib.h>
#include <string.h>

#define FAR UINT64_MAX

struct class
{
    uint32_t domain; /* or, if spread is not NONE, unused */
    uint32_t spread; /* partition whose PUs lie in several domains, or NONE */
    enum weir_topo_tier tier;
    uint64_t page, bytes;
};

struct flow {
    uint32_t classes, pools;
    uint32_t *cost;                 /* [class * pools + pool], UINT32_MAX: not allowed */
    uint64_t *amount;               /* [class * pools + pool] */
    uint64_t *left;                 /* per pool */
    uint64_t *distance, *potential; /* classes, then pools */
    uint32_t *from;
    uint8_t *done;
};

static bool spans(const struct topo_state *s, const struct weir_topo_partition *p)
{
    for (uint32_t k = 0; k < p->pu_count; k++)
        if (s->m->pus[s->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA] != p->domain)
            return true;
    return false;
}

static uint32_t class_cost(const struct topo_state *s, const struct class *c, uint32_t pool)
{
    if (!topo_pool_fits(&s->m->pools[pool], c->tier, c->page)) return UINT32_MAX;
    if (c->spread == WEIR_TOPO_NONE) return topo_cost(s->m, c->domain, pool);
    const struct weir_topo_partition *p = &s->plan->partitions[c->spread];
    uint32_t best = UINT32_MAX;
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t d = s->m->pus[s->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
        uint32_t now = topo_cost(s->m, d, pool);
        if (now < best) best = now;
    }
    return best;
}

/* ---- min-cost flow */

static uint32_t *cell(struct flow *f, uint32_t c, uint32_t p)
{
    return &f->cost[(size_t)c * f->pools + p];
}

/* Shortest path from class C to a pool with room, in reduced costs; returns the pool or NONE. */
static uint32_t shortest(struct flow *f, uint32_t c)
{
    uint32_t n = f->classes + f->pools, found = WEIR_TOPO_NONE;
    for (uint32_t v = 0; v < n; v++) {
        f->distance[v] = FAR;
        f->done[v] = 0;
    }
    f->distance[c] = 0;
    for (;;) {
        uint32_t v = WEIR_TOPO_NONE;
        for (uint32_t w = 0; w < n; w++)
            if (!f->done[w] && f->distance[w] != FAR &&
                (v == WEIR_TOPO_NONE || f->distance[w] < f->distance[v]))
                v = w;
        if (v == WEIR_TOPO_NONE) break;
        f->done[v] = 1;
        if (v >= f->classes && f->left[v - f->classes]) {
            found = v - f->classes;
            break;
        }
        uint64_t base = f->distance[v] + f->potential[v];
        if (v < f->classes) {
            for (uint32_t p = 0; p < f->pools; p++) {
                uint32_t w = f->classes + p;
                if (*cell(f, v, p) == UINT32_MAX || f->done[w]) continue;
                uint64_t now = base + *cell(f, v, p) - f->potential[w];
                if (now < f->distance[w]) {
                    f->distance[w] = now;
                    f->from[w] = v;
                }
            }
        } else {
            uint32_t p = v - f->classes;
            for (uint32_t k = 0; k < f->classes; k++) {
                if (f->done[k] || !f->amount[(size_t)k * f->pools + p]) continue;
                uint64_t now = base - *cell(f, k, p) - f->potential[k];
                if (now < f->distance[k]) {
                    f->distance[k] = now;
                    f->from[k] = v;
                }
            }
        }
    }
    if (found == WEIR_TOPO_NONE) return found;
    uint64_t reach = f->distance[f->classes + found];
    for (uint32_t v = 0; v < n; v++)
        f->potential[v] += f->distance[v] < reach ? f->distance[v] : reach;
    return found;
}

static uint64_t augment(struct flow *f, uint32_t c, uint32_t pool, uint64_t want)
{
    uint64_t amount = want < f->left[pool] ? want : f->left[pool];
    for (uint32_t v = f->classes + pool; v != c; v = f->from[v])
        if (v < f->classes) { /* reached from a pool: flow of class v there is given up */
            uint64_t have = f->amount[(size_t)v * f->pools + (f->from[v] - f->classes)];
            if (have < amount) amount = have;
        }
    for (uint32_t v = f->classes + pool; v != c; v = f->from[v]) {
        if (v < f->classes)
            f->amount[(size_t)v * f->pools + (f->from[v] - f->classes)] -= amount;
        else
            f->amount[(size_t)f->from[v] * f->pools + (v - f->classes)] += amount;
    }
    f->left[pool] -= amount;
    return amount;
}

static int solve(struct flow *f, const struct class *classes, struct weir_topo_error *err)
{
    for (uint32_t c = 0; c < f->classes; c++) {
        uint64_t need = classes[c].bytes;
        while (need) {
            uint32_t pool = shortest(f, c);
            if (pool == WEIR_TOPO_NONE)
                return topo_fail(err, WEIR_TOPO_ERR_INTERNAL,
                                 "admitted memory does not fit into the pools");
            need -= augment(f, c, pool, need);
        }
    }
    return WEIR_TOPO_OK;
}

/* All classes into their cheapest pool, if that is possible. */
static bool solve_simply(struct flow *f, const struct class *classes)
{
    for (uint32_t c = 0; c < f->classes; c++) {
        uint32_t best = WEIR_TOPO_NONE;
        for (uint32_t p = 0; p < f->pools; p++)
            if (*cell(f, c, p) != UINT32_MAX &&
                (best == WEIR_TOPO_NONE || *cell(f, c, p) < *cell(f, c, best)))
                best = p;
        if (best == WEIR_TOPO_NONE || f->left[best] < classes[c].bytes) return false;
        f->left[best] -= classes[c].bytes;
        f->amount[(size_t)c * f->pools + best] = classes[c].bytes;
    }
    return true;
}

static int flow_open(struct flow *f, const struct topo_state *s, const struct class *classes,
                     uint32_t n, struct weir_topo_error *err)
{
    uint32_t pools = s->m->pool_count;
    *f = (struct flow){.classes = n, .pools = pools};
    f->cost = topo_calloc((size_t)n * pools, sizeof *f->cost);
    f->amount = topo_calloc((size_t)n * pools, sizeof *f->amount);
    f->left = topo_calloc(pools, sizeof *f->left);
    f->distance = topo_calloc((size_t)n + pools, sizeof *f->distance);
    f->potential = topo_calloc((size_t)n + pools, sizeof *f->potential);
    f->from = topo_calloc((size_t)n + pools, sizeof *f->from);
    f->done = topo_calloc((size_t)n + pools, 1);
    if (!f->cost || !f->amount || !f->left || !f->distance || !f->potential || !f->from || !f->done)
        return topo_fail_nomem(err, "assigning memory");
    for (uint32_t c = 0; c < n; c++)
        for (uint32_t p = 0; p < pools; p++) *cell(f, c, p) = class_cost(s, &classes[c], p);
    for (uint32_t p = 0; p < pools; p++) f->left[p] = s->m->pools[p].usable_bytes;
    return WEIR_TOPO_OK;
}

static void flow_close(struct flow *f)
{
    topo_free(f->cost);
    topo_free(f->amount);
    topo_free(f->left);
    topo_free(f->distance);
    topo_free(f->potential);
    topo_free(f->from);
    topo_free(f->done);
}

/* ---- classes */

static int find_class(struct class *classes, uint32_t *count, const struct class *key)
{
    for (uint32_t c = *count; c-- > 0;)
        if (classes[c].domain == key->domain && classes[c].spread == key->spread &&
            classes[c].tier == key->tier && classes[c].page == key->page)
            return (int)c;
    classes[*count] = *key;
    classes[*count].bytes = 0;
    return (int)(*count)++;
}

/* CLASS_OF per partition (NONE without bytes); the array of classes is the caller's to free. */
static int classify(struct topo_state *s, uint32_t *class_of, struct class **out, uint32_t *count,
                    struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    uint32_t spread = 0, n = plan->partition_count, kinds = WEIR_TOPO_TIER_COUNT + 1;
    for (uint32_t i = 0; i < n; i++)
        spread += plan->partitions[i].pu_count > 1 && spans(s, &plan->partitions[i]);
    size_t per_domain = (size_t)kinds * s->room_count;
    struct class *classes =
        topo_calloc((size_t)s->m->domain_count * per_domain + spread, sizeof *classes);
    uint32_t *index = topo_calloc((size_t)s->m->domain_count * per_domain, sizeof *index);
    if (!classes || !index) {
        topo_free(classes);
        topo_free(index);
        return topo_fail_nomem(err, "assigning memory");
    }
    *count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        class_of[i] = WEIR_TOPO_NONE;
        if (p->state == WEIR_TOPO_REJECTED || !p->bytes) continue;
        struct class key = {p->domain, WEIR_TOPO_NONE, plan->streams[p->stream].tier, s->page_of[i],
                            0};
        if (p->pu_count > 1 && spans(s, p)) {
            key.domain = WEIR_TOPO_NONE;
            key.spread = i;
            class_of[i] = (uint32_t)find_class(classes, count, &key);
        } else {
            uint32_t room = 0;
            while (s->rooms[room].page_bytes != key.page) room++;
            size_t at = (size_t)p->domain * per_domain + (size_t)room * kinds + key.tier;
            if (!index[at]) {
                classes[*count] = key;
                index[at] = ++*count;
            }
            class_of[i] = index[at] - 1;
        }
        classes[class_of[i]].bytes += p->bytes;
    }
    topo_free(index);
    *out = classes;
    return WEIR_TOPO_OK;
}

/* ---- grants */

static int push_grant(struct topo_state *s, uint32_t pool, uint64_t bytes,
                      struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    if (!topo_grow(&plan->grants, &s->grant_capacity, (size_t)plan->grant_count + 1,
                   sizeof *plan->grants))
        return topo_fail_nomem(err, "assigning memory");
    plan->grants[plan->grant_count++] = (struct weir_topo_grant){pool, bytes};
    plan->pool_granted[pool] += bytes;
    return WEIR_TOPO_OK;
}

static bool is_local(const struct topo_state *s, const struct weir_topo_partition *p, uint32_t pool)
{
    if (s->m->local[(size_t)p->domain * s->m->pool_count + pool]) return true;
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t d = s->m->pus[s->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (s->m->local[(size_t)d * s->m->pool_count + pool]) return true;
    }
    return false;
}

static int grant_partition(struct topo_state *s, struct flow *f, uint32_t i, uint32_t c,
                           uint32_t *order, uint32_t *at, struct weir_topo_error *err)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    uint64_t need = p->bytes;
    p->grant_first = s->plan->grant_count;
    while (need) {
        uint32_t pool = order[(size_t)c * f->pools + at[c]];
        uint64_t *have = &f->amount[(size_t)c * f->pools + pool];
        uint64_t now = *have < need ? *have : need;
        if (now) {
            int rc = push_grant(s, pool, now, err);
            if (rc) return rc;
            p->grant_count++;
            if (!is_local(s, p, pool)) p->remote_bytes += now;
        }
        *have -= now;
        need -= now;
        if (!*have) at[c]++;
    }
    if (p->remote_bytes && s->lacks[i] == WEIR_TOPO_WHY_FITS) s->lacks[i] = WEIR_TOPO_WHY_REMOTE;
    return WEIR_TOPO_OK;
}

static void order_pools(struct flow *f, uint32_t *order)
{
    for (uint32_t c = 0; c < f->classes; c++) {
        uint32_t *o = order + (size_t)c * f->pools;
        uint32_t used = 0;
        for (uint32_t p = 0; p < f->pools;
             p++) { /* insertion by cost; pools without flow are left out */
            if (!f->amount[(size_t)c * f->pools + p]) continue;
            uint32_t k = used++;
            while (k && *cell(f, c, o[k - 1]) > *cell(f, c, p)) {
                o[k] = o[k - 1];
                k--;
            }
            o[k] = p;
        }
    }
}

static int grant_all(struct topo_state *s, struct flow *f, const uint32_t *class_of,
                     struct weir_topo_error *err)
{
    uint32_t *order = topo_calloc((size_t)f->classes * f->pools, sizeof *order);
    uint32_t *at = topo_calloc(f->classes, sizeof *at), *first = NULL;
    int rc = order && at ? WEIR_TOPO_OK : topo_fail_nomem(err, "assigning memory");
    if (!rc) {
        order_pools(f, order);
        first = topo_calloc(s->plan->stream_count, sizeof *first);
        if (!first) rc = topo_fail_nomem(err, "assigning memory");
    }
    for (uint32_t k = 0, at_partition = 0; !rc && k < s->plan->stream_count; k++) {
        first[k] = at_partition;
        at_partition += s->plan->streams[k].partitions;
    }
    for (uint32_t k = 0; !rc && k < s->plan->stream_count; k++) {
        uint32_t st = s->stream_order[k];
        for (uint32_t j = 0; !rc && j < s->plan->streams[st].partitions; j++)
            if (class_of[first[st] + j] != WEIR_TOPO_NONE)
                rc = grant_partition(s, f, first[st] + j, class_of[first[st] + j], order, at, err);
    }
    topo_free(order);
    topo_free(at);
    topo_free(first);
    return rc;
}

/* ---- "auto" */

static uint32_t home_pool(const struct topo_state *s, uint32_t domain, enum weir_topo_tier tier)
{
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t p = 0; p < s->m->pool_count; p++) {
        const struct weir_topo_pool *pool = &s->m->pools[p];
        if (!topo_pool_fits(pool, tier, 0) || s->plan->pool_granted[p] >= pool->usable_bytes)
            continue;
        if (best == WEIR_TOPO_NONE || topo_cost(s->m, domain, p) < topo_cost(s->m, domain, best))
            best = p;
    }
    return best;
}

static bool is_auto(const struct topo_state *s, uint32_t i)
{
    const struct weir_topo_partition *p = &s->plan->partitions[i];
    return p->state != WEIR_TOPO_REJECTED &&
           s->plan->streams[p->stream].memory_mode == WEIR_TOPO_MEMORY_AUTO;
}

/* An exclusive partition leaves to later jobs the memory that goes with the CPUs it leaves them:
   PART, at most its share of the CPUs whose memory SPARE is. */
static unsigned __int128 leave_some(const struct topo_state *s, const struct weir_topo_partition *p,
                                    unsigned __int128 part, uint64_t spare, uint64_t capacity)
{
    if (s->plan->streams[p->stream].mode != WEIR_TOPO_EXCLUSIVE || p->share_milli_cu >= capacity)
        return part;
    unsigned __int128 most = (unsigned __int128)spare * p->share_milli_cu / capacity;
    return part < most ? part : most;
}

static int grant_auto(struct topo_state *s, struct weir_topo_error *err)
{
    struct weir_topo_plan *plan = s->plan;
    uint32_t kinds = WEIR_TOPO_TIER_COUNT + 1;
    uint32_t *home = topo_calloc((size_t)s->m->domain_count * kinds, sizeof *home);
    uint64_t *weight = topo_calloc(s->m->pool_count, sizeof *weight),
             *spare = topo_calloc(s->m->pool_count, sizeof *spare),
             *capacity = topo_calloc((size_t)s->m->pool_count * kinds, sizeof *capacity);
    int rc = home && weight && spare && capacity ? WEIR_TOPO_OK
                                                 : topo_fail_nomem(err, "assigning memory");
    uint64_t wanted = 0, granted = 0;
    for (uint32_t d = 0; !rc && d < s->m->domain_count; d++)
        for (uint32_t t = 0; t < kinds; t++) {
            uint32_t pool = home_pool(s, d, (enum weir_topo_tier)t);
            home[(size_t)d * kinds + t] = pool;
            if (pool != WEIR_TOPO_NONE)
                capacity[(size_t)pool * kinds + t] +=
                    s->m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d];
        }
    for (uint32_t i = 0; !rc && i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        uint32_t pool = is_auto(s, i)
                            ? home[(size_t)p->domain * kinds + plan->streams[p->stream].tier]
                            : WEIR_TOPO_NONE;
        if (pool != WEIR_TOPO_NONE) weight[pool] += p->milli_cu;
    }
    for (uint32_t p = 0; !rc && p < s->m->pool_count; p++) {
        granted += plan->pool_granted[p];
        spare[p] = (s->m->pools[p].usable_bytes - plan->pool_granted[p]) / 4 * 3;
        if (weight[p]) wanted += spare[p];
    }
    uint64_t allowed = s->m->limit_memory_bytes == UINT64_MAX
                           ? wanted
                           : (s->m->limit_memory_bytes - granted) / 4 * 3;
    for (uint32_t i = 0; !rc && i < plan->partition_count; i++) {
        struct weir_topo_partition *p = &plan->partitions[i];
        uint32_t pool = is_auto(s, i)
                            ? home[(size_t)p->domain * kinds + plan->streams[p->stream].tier]
                            : WEIR_TOPO_NONE;
        if (pool == WEIR_TOPO_NONE) continue;
        unsigned __int128 part = (unsigned __int128)spare[pool] * p->milli_cu / weight[pool];
        part = leave_some(s, p, part, spare[pool],
                          capacity[(size_t)pool * kinds + plan->streams[p->stream].tier]);
        if (allowed < wanted) part = part * allowed / wanted;
        uint64_t page = s->m->pools[pool].page_bytes, bytes = (uint64_t)part / page * page;
        if (!bytes) continue;
        p->bytes = bytes;
        p->grant_first = plan->grant_count;
        p->grant_count = 1;
        if (!is_local(s, p, pool)) p->remote_bytes = bytes;
        rc = push_grant(s, pool, bytes, err);
    }
    topo_free(home);
    topo_free(weight);
    topo_free(spare);
    topo_free(capacity);
    return rc;
}

int topo_memory_assign(struct topo_state *s, struct weir_topo_error *err)
{
    struct class *classes = NULL;
    struct flow f = {0};
    uint32_t count = 0, *class_of = topo_calloc(s->plan->partition_count, sizeof *class_of);
    int rc = class_of ? classify(s, class_of, &classes, &count, err)
                      : topo_fail_nomem(err, "assigning memory");
    if (!rc && count) {
        rc = flow_open(&f, s, classes, count, err);
        if (!rc && !solve_simply(&f, classes)) {
            memset(f.amount, 0, (size_t)f.classes * f.pools * sizeof *f.amount);
            for (uint32_t p = 0; p < f.pools; p++) f.left[p] = s->m->pools[p].usable_bytes;
            rc = solve(&f, classes, err);
        }
        if (!rc) rc = grant_all(s, &f, class_of, err);
        flow_close(&f);
    }
    topo_free(classes);
    topo_free(class_of);
    return rc ? rc : grant_auto(s, err);
}
