/* Partitions that ask for more than a core has: spread evenly over cores of one domain if one has
 * enough. */
#include "topology/plan_shared.h"

#include <stdlib.h>
#include <string.h>

static uint32_t wide_domain(const struct topo_shared *h, const struct topo_item *it, uint32_t width)
{
    uint32_t best = WEIR_TOPO_NONE;
    double best_score = 0;
    for (int memory = 1; memory >= 0 && best == WEIR_TOPO_NONE; memory--)
        for (uint32_t d = 0; d < h->s->m->domain_count; d++) {
            if (h->domain_cores[d] < width || (memory && topo_item_left(h, it, d) < it->bytes))
                continue;
            double score =
                ((double)h->domain_load[d] + it->milli_cu) / (double)h->domain_capacity[d];
            if (it->device_domain != WEIR_TOPO_NONE)
                score += topo_domain_distance(h->s->m, it->device_domain, d) * 1e3;
            if (best == WEIR_TOPO_NONE || score < best_score) {
                best = d;
                best_score = score;
            }
        }
    return best;
}

static uint32_t kept_pu(const struct topo_shared *h, const struct topo_item *it, uint32_t core)
{
    const uint32_t *pus = h->s->keep_pu + h->s->keep_first[it->partition];
    for (uint32_t k = 0; k < h->s->keep_count[it->partition]; k++)
        if (h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE] == core) return pus[k];
    return WEIR_TOPO_NONE;
}

/* Mark the cores that the partition has in the current plan, however many; false (and none marked)
 * if they will not do. */
static bool mark_kept(const struct topo_shared *h, const struct topo_item *it, uint8_t *marked,
                      uint32_t *domain)
{
    if (!h->s->keep_count || !h->s->keep_count[it->partition]) return false;
    const uint32_t *pus = h->s->keep_pu + h->s->keep_first[it->partition],
                   width = h->s->keep_count[it->partition];
    bool ok = true;
    for (uint32_t k = 0; k < width; k++) {
        uint32_t core = h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE];
        ok &= !h->s->taken[pus[k]] && !marked[core];
        marked[core] = 1;
    }
    for (uint32_t k = 0; k < width && !ok; k++)
        marked[h->s->m->pus[pus[k]].unit[WEIR_TOPO_SCOPE_CORE]] = 0;
    if (ok) *domain = h->s->m->pus[pus[0]].unit[WEIR_TOPO_SCOPE_NUMA];
    return ok;
}

/* Mark the WIDTH cores that end up least loaded, in DOMAIN or (NONE) in all domains, near to the
 * first of them. */
static void mark_lightest(const struct topo_shared *h, uint32_t width, uint32_t part,
                          uint32_t domain, uint8_t *marked)
{
    uint32_t from = WEIR_TOPO_NONE;
    for (uint32_t w = 0; w < width; w++) {
        uint32_t best = WEIR_TOPO_NONE;
        double best_score = 0;
        for (uint32_t g = 0; g < h->group_count; g++) {
            uint32_t d = h->groups[g].domain;
            if (domain != WEIR_TOPO_NONE && d != domain) continue;
            double far = from == WEIR_TOPO_NONE ? 0 : topo_domain_distance(h->s->m, from, d) * 0.01;
            for (uint32_t k = 0; k < h->groups[g].count; k++) {
                uint32_t c = h->heap[h->groups[g].first + k];
                if (marked[c]) continue;
                double score = ((double)h->load[c] + part) * h->group_inverse[g] + far;
                if (best == WEIR_TOPO_NONE || score < best_score ||
                    (score <= best_score && c < best)) {
                    best = c;
                    best_score = score;
                }
            }
        }
        marked[best] = 1;
        if (from == WEIR_TOPO_NONE) from = h->groups[h->group_of[best]].domain;
    }
}

/* MARKED is all zero before and after. */
int topo_place_wide(struct topo_shared *h, const struct topo_item *it, uint32_t *used,
                    uint8_t *marked, struct weir_topo_error *err)
{
    struct weir_topo_partition *p = &h->s->plan->partitions[it->partition];
    uint32_t width = (it->milli_cu + h->max_capacity - 1) / h->max_capacity, total = 0;
    for (uint32_t g = 0; g < h->group_count; g++) total += h->groups[g].count;
    if (width > total) width = total;
    uint32_t domain = wide_domain(h, it, width);
    p->pu_first = h->s->plan->pu_list_count;
    bool kept = mark_kept(h, it, marked, &domain);
    if (kept) width = h->s->keep_count[it->partition];
    p->pu_count = width;
    uint32_t part = (it->milli_cu + width - 1) / width;
    if (!kept) mark_lightest(h, width, part, domain, marked);
    for (uint32_t g = 0; g < h->group_count; g++) {
        if (domain != WEIR_TOPO_NONE && !kept && h->groups[g].domain != domain) continue;
        for (uint32_t k = 0; k < h->groups[g].count; k++) {
            uint32_t c = h->heap[h->groups[g].first + k];
            if (!marked[c]) continue;
            uint32_t pu = kept ? kept_pu(h, it, c) : topo_core_pu(h, c, used);
            used[pu]++;
            int rc = topo_push_pu(h->s, pu, err);
            if (rc) return rc;
            marked[c] = 0;
        }
    }
    uint32_t *mine = h->s->plan->pu_list + p->pu_first;
    p->domain = topo_main_domain(h->s, p); /* sorts them */
    for (uint32_t w = 0; w < width; w++)
        topo_add_load(h, h->s->m->pus[mine[w]].unit[WEIR_TOPO_SCOPE_CORE], (int64_t)part);
    h->remote += topo_take_memory(h, it, p->domain);
    return WEIR_TOPO_OK;
}
