/* How few bytes must be remote, given the cpusets: a maximum flow (shortest augmenting paths) from
   groups of partitions to the pools that are local to them. Groups are partitions with equal local
   pools, tier and page size. */
#include "topology/check.h"

#include <string.h>

struct group {
    uint32_t domain, partition; /* partition: NONE, or one whose PUs lie in several domains */
    enum weir_topo_tier tier;
    uint64_t page, left;
};

struct net {
    const struct weir_topo_plan *plan;
    struct group *groups;
    size_t group_count, group_capacity;
    uint64_t *flow; /* [group * pools + pool] */
    uint64_t *left; /* per pool */
    uint32_t *from, *queue;
};

static bool reaches(const struct net *n, const struct group *g, uint32_t pool)
{
    const struct weir_topo_machine *m = n->plan->machine;
    if (!topo_pool_fits(&m->pools[pool], g->tier, g->page)) return false;
    if (g->partition == WEIR_TOPO_NONE) return m->local[(size_t)g->domain * m->pool_count + pool];
    const struct weir_topo_partition *p = &n->plan->partitions[g->partition];
    for (uint32_t k = 0; k < p->pu_count; k++) {
        uint32_t d = m->pus[n->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (m->local[(size_t)d * m->pool_count + pool]) return true;
    }
    return false;
}

static bool add_group(struct net *n, uint32_t i)
{
    const struct weir_topo_plan *plan = n->plan;
    const struct weir_topo_partition *p = &plan->partitions[i];
    const struct weir_topo_pool *pool = &plan->machine->pools[plan->grants[p->grant_first].pool];
    struct group g = {p->domain, WEIR_TOPO_NONE, plan->streams[p->stream].tier,
                      pool->huge ? pool->page_bytes : 0, p->bytes};
    for (uint32_t k = 0; k < p->pu_count; k++)
        if (plan->machine->pus[plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA] !=
            p->domain)
            g.partition = i;
    for (size_t k = 0; k < n->group_count && g.partition == WEIR_TOPO_NONE; k++) {
        struct group *h = &n->groups[k];
        if (h->partition == WEIR_TOPO_NONE && h->domain == g.domain && h->tier == g.tier &&
            h->page == g.page) {
            h->left += g.left;
            return true;
        }
    }
    if (!topo_grow(&n->groups, &n->group_capacity, n->group_count + 1, sizeof g)) return false;
    n->groups[n->group_count++] = g;
    return true;
}

/* One shortest augmenting path from group START; returns what it carried. Vertices: groups, then
 * pools. */
static uint64_t augment(struct net *n, uint32_t start)
{
    uint32_t groups = (uint32_t)n->group_count, pools = n->plan->machine->pool_count, head = 0,
             tail = 0;
    memset(n->from, 0xff, ((size_t)groups + pools) * sizeof *n->from);
    n->queue[tail++] = start;
    n->from[start] = start;
    while (head < tail) {
        uint32_t v = n->queue[head++];
        if (v < groups) {
            for (uint32_t p = 0; p < pools; p++)
                if (n->from[groups + p] == UINT32_MAX && reaches(n, &n->groups[v], p)) {
                    n->from[groups + p] = v;
                    n->queue[tail++] = groups + p;
                }
            continue;
        }
        uint32_t pool = v - groups;
        if (n->left[pool]) {
            uint64_t amount =
                n->left[pool] < n->groups[start].left ? n->left[pool] : n->groups[start].left;
            for (uint32_t w = v; w != start; w = n->from[w])
                if (w < groups && n->flow[(size_t)w * pools + (n->from[w] - groups)] < amount)
                    amount = n->flow[(size_t)w * pools + (n->from[w] - groups)];
            for (uint32_t w = v; w != start; w = n->from[w]) {
                if (w < groups)
                    n->flow[(size_t)w * pools + (n->from[w] - groups)] -= amount;
                else
                    n->flow[(size_t)n->from[w] * pools + (w - groups)] += amount;
            }
            n->left[pool] -= amount;
            n->groups[start].left -= amount;
            return amount;
        }
        for (uint32_t g = 0; g < groups; g++)
            if (n->from[g] == UINT32_MAX && n->flow[(size_t)g * pools + pool]) {
                n->from[g] = v;
                n->queue[tail++] = g;
            }
    }
    return 0;
}

int topo_remote_bound(const struct weir_topo_plan *plan, uint64_t *out, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = plan->machine;
    struct net n = {.plan = plan};
    uint64_t fixed_remote = 0, auto_remote = 0;
    int rc = WEIR_TOPO_OK;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        bool is_auto =
            plan->streams[plan->partitions[i].stream].memory_mode == WEIR_TOPO_MEMORY_AUTO;
        *(is_auto ? &auto_remote : &fixed_remote) += plan->partitions[i].remote_bytes;
    }
    *out = auto_remote;
    if (!fixed_remote) return WEIR_TOPO_OK;
    for (uint32_t i = 0; i < plan->partition_count && !rc; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        if (plan->streams[p->stream].memory_mode == WEIR_TOPO_MEMORY_AUTO || !p->grant_count)
            continue;
        if (!add_group(&n, i)) rc = topo_fail_nomem(err, "checking the plan");
    }
    size_t vertices = n.group_count + m->pool_count;
    n.flow = topo_calloc(n.group_count * m->pool_count, sizeof *n.flow);
    n.left = topo_calloc(m->pool_count, sizeof *n.left);
    n.from = topo_calloc(vertices, sizeof *n.from);
    n.queue = topo_calloc(vertices, sizeof *n.queue);
    if (!rc && (!n.flow || !n.left || !n.from || !n.queue))
        rc = topo_fail_nomem(err, "checking the plan");
    for (uint32_t p = 0; !rc && p < m->pool_count; p++) n.left[p] = m->pools[p].usable_bytes;
    for (uint32_t g = 0; !rc && g < n.group_count; g++) {
        while (n.groups[g].left && augment(&n, g)) {
        }
        *out += n.groups[g].left;
    }
    topo_free(n.groups);
    topo_free(n.flow);
    topo_free(n.left);
    topo_free(n.from);
    topo_free(n.queue);
    return rc;
}
