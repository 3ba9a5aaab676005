/* Staying close to a current plan. A partition keeps its PUs if the current plan has one of the
   same stream name and index with the same needs, and all its PUs can still be used. The planner
   makes two plans, one from scratch and one that keeps what it can, and returns the second unless
   the first is better in something that ranks above movement. Should the second reject a partition
   that has a place today (more memory lets an earlier one in, which takes the CPUs), then there is
   a third, which admits those with a place before all others: so more resources never make it
   worse. */
#include "topology/plan.h"

#include <stdlib.h>
#include <string.h>

static bool same_needs(const struct weir_topo_stream *a, const struct weir_topo_stream *b)
{
    return a->mode == b->mode && a->scope == b->scope && a->tier == b->tier &&
           a->page_bytes == b->page_bytes && a->device == b->device &&
           a->device_kind == b->device_kind;
}

struct place {
    uint32_t stream, first; /* what was found, and the index of its first partition */
    uint32_t next, next_first;
};

/* The stream of CURRENT with the name of ST, into AT. The search goes on where it ended the last
   time: streams usually come in the same order, and then it takes one step. */
static bool find_stream(const struct weir_topo_plan *current, const struct weir_topo_stream *st,
                        struct place *at)
{
    for (uint32_t tried = 0; tried < current->stream_count; tried++) {
        if (at->next >= current->stream_count) at->next = at->next_first = 0;
        at->stream = at->next;
        at->first = at->next_first;
        at->next_first += current->streams[at->next++].partitions;
        if (!strcmp(current->streams[at->stream].name, st->name)) return true;
    }
    return false;
}

static bool keep_one(struct topo_state *s, uint32_t i, uint32_t old, size_t *used)
{
    const struct weir_topo_partition *was = &s->current->partitions[old],
                                     *now = &s->plan->partitions[i];
    const struct weir_topo_machine *from = s->current->machine, *m = s->m;
    if (was->state == WEIR_TOPO_REJECTED || was->milli_cu != now->milli_cu) return false;
    for (uint32_t k = 0; k < was->pu_count; k++) {
        uint32_t os = from->pus[s->current->pu_list[was->pu_first + k]].os_index;
        uint32_t pu = os < m->os_limit ? m->pu_of_os[os] : WEIR_TOPO_NONE;
        if (pu == WEIR_TOPO_NONE || !weir_topo_pu_usable(m, pu)) return false;
        s->keep_pu[*used + k] = pu;
    }
    s->keep_first[i] = (uint32_t)*used;
    s->keep_count[i] = was->pu_count;
    *used += was->pu_count;
    return true;
}

int topo_keep_setup(struct topo_state *s, struct weir_topo_error *err)
{
    const struct weir_topo_plan *current = s->current;
    if (!current) return WEIR_TOPO_OK;
    s->keep_first = topo_calloc(s->plan->partition_count, sizeof *s->keep_first);
    s->keep_count = topo_calloc(s->plan->partition_count, sizeof *s->keep_count);
    s->keep_pu = topo_calloc(current->pu_list_count, sizeof *s->keep_pu);
    s->wanted = topo_calloc(s->m->pu_count, 1);
    if (!s->keep_first || !s->keep_count || !s->keep_pu || !s->wanted)
        return topo_fail_nomem(err, "planning");
    size_t used = 0;
    struct place at = {0};
    for (uint32_t k = 0, i = 0; k < s->plan->stream_count;
         i += s->plan->streams[k].partitions, k++) {
        const struct weir_topo_stream *st = &s->plan->streams[k];
        if (!find_stream(current, st, &at) || !same_needs(st, &current->streams[at.stream]))
            continue;
        uint32_t stream = at.stream, first = at.first;
        for (uint32_t j = 0; j < st->partitions && j < current->streams[stream].partitions; j++)
            if (keep_one(s, i + j, first + j, &used) && st->mode == WEIR_TOPO_EXCLUSIVE)
                for (uint32_t p = 0; p < s->keep_count[i + j]; p++)
                    s->wanted[s->keep_pu[s->keep_first[i + j] + p]] = 1;
    }
    return WEIR_TOPO_OK;
}

/* ---- which plan is better */

struct cost {
    double distance, tier; /* bytes x steps of distance, bytes x rank of the tier */
};

/* Without "auto" partitions: they take what is left, more of it costs nothing. */
static struct cost total_cost(const struct weir_topo_plan *p)
{
    struct cost sum = {0};
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        if (p->streams[part->stream].memory_mode == WEIR_TOPO_MEMORY_AUTO) continue;
        for (uint32_t g = part->grant_first; g < part->grant_first + part->grant_count; g++) {
            uint32_t best = UINT32_MAX, last = WEIR_TOPO_NONE;
            for (uint32_t k = 0; k < part->pu_count; k++) {
                uint32_t d =
                    p->machine->pus[p->pu_list[part->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
                if (d == last) continue;
                last = d;
                uint32_t c = topo_cost(p->machine, d, p->grants[g].pool);
                if (c < best) best = c;
            }
            uint32_t steps = best / 1000, rank = best % 1000;
            sum.distance += (double)p->grants[g].bytes * steps;
            sum.tier += (double)p->grants[g].bytes * rank;
        }
    }
    return sum;
}

static bool more(double a, double b)
{
    return a > b * 1.0000001 + 1;
}

struct admitted {
    int32_t priority;
    uint32_t count;
};

static int by_priority(const void *a, const void *b)
{
    const struct admitted *x = a, *y = b;
    return (x->priority < y->priority) - (x->priority > y->priority);
}

/* > 0: A admits more at the highest priority where they differ. */
static int compare_admission(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    int result = 0;
    struct admitted *list = topo_calloc(a->stream_count, sizeof *list);
    int64_t *lead = topo_calloc(a->stream_count, sizeof *lead);
    if (list && lead) {
        for (uint32_t k = 0; k < a->stream_count; k++)
            list[k] = (struct admitted){a->streams[k].priority, k};
        qsort(list, a->stream_count, sizeof *list, by_priority);
        for (uint32_t i = 0; i < a->partition_count; i++)
            lead[a->partitions[i].stream] += (a->partitions[i].state != WEIR_TOPO_REJECTED) -
                                             (b->partitions[i].state != WEIR_TOPO_REJECTED);
        int64_t level = 0;
        for (uint32_t k = 0; k < a->stream_count && !result; k++) {
            level += lead[list[k].count];
            bool last = k + 1 == a->stream_count || list[k + 1].priority != list[k].priority;
            if (!last) continue;
            result = level > 0 ? 1 : level < 0 ? -1 : 0;
            level = 0;
        }
    }
    topo_free(list);
    topo_free(lead);
    return result;
}

bool topo_plan_not_worse(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    int admission = compare_admission(a, b);
    if (admission) return admission > 0;
    const struct weir_topo_totals *x = &a->totals, *y = &b->totals;
    /* Distance before tier, as in the flow: there a step outweighs the tiers of any byte it moves,
       but in one sum the tiers of many bytes would outweigh the distance of a few. */
    struct cost ca = total_cost(a), cb = total_cost(b);
    if (more(ca.distance, cb.distance)) return false;
    if (more(cb.distance, ca.distance)) return true;
    if (more(ca.tier, cb.tier)) return false;
    if (more(cb.tier, ca.tier)) return true;
    if (x->load_max_ppm > y->load_max_ppm + y->load_max_ppm / 100) return false;
    if (x->degraded != y->degraded) return x->degraded < y->degraded;
    return true;
}

/* ---- what moved */

static uint64_t node_bytes(const struct weir_topo_plan *p, const struct weir_topo_partition *part,
                           uint32_t node)
{
    uint64_t sum = 0;
    for (uint32_t g = part->grant_first; g < part->grant_first + part->grant_count; g++)
        if (p->machine->pools[p->grants[g].pool].node == node) sum += p->grants[g].bytes;
    return sum;
}

static bool same_cpus(const struct weir_topo_plan *a, const struct weir_topo_partition *x,
                      const struct weir_topo_plan *b, const struct weir_topo_partition *y)
{
    if (x->pu_count != y->pu_count) return false;
    for (uint32_t k = 0; k < x->pu_count; k++) {
        uint32_t os = a->machine->pus[a->pu_list[x->pu_first + k]].os_index;
        bool found = false;
        for (uint32_t j = 0; j < y->pu_count && !found; j++)
            found = b->machine->pus[b->pu_list[y->pu_first + (k + j) % y->pu_count]].os_index == os;
        if (!found) return false;
    }
    return true;
}

bool topo_plan_loses(const struct weir_topo_plan *plan, const struct weir_topo_plan *current)
{
    struct place at = {0};
    for (uint32_t k = 0, i = 0; k < plan->stream_count; i += plan->streams[k++].partitions) {
        if (!find_stream(current, &plan->streams[k], &at)) continue;
        uint32_t both = plan->streams[k].partitions,
                 before = current->streams[at.stream].partitions;
        if (before < both) both = before;
        for (uint32_t j = 0; j < both; j++)
            if (plan->partitions[i + j].state == WEIR_TOPO_REJECTED &&
                current->partitions[at.first + j].state != WEIR_TOPO_REJECTED)
                return true;
    }
    return false;
}

bool topo_plan_same_places(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    if (a->partition_count != b->partition_count || a->stream_count != b->stream_count)
        return false;
    for (uint32_t i = 0; i < a->partition_count; i++) {
        const struct weir_topo_partition *x = &a->partitions[i], *y = &b->partitions[i];
        if (x->state != y->state || x->stream != y->stream || x->bytes != y->bytes ||
            x->milli_cu != y->milli_cu || x->grant_count != y->grant_count ||
            !same_cpus(a, x, b, y))
            return false;
        for (uint32_t g = x->grant_first; g < x->grant_first + x->grant_count; g++) {
            uint32_t node = a->machine->pools[a->grants[g].pool].node;
            if (node_bytes(a, x, node) != node_bytes(b, y, node)) return false;
        }
    }
    for (uint32_t k = 0; k < a->stream_count; k++)
        if (strcmp(a->streams[k].name, b->streams[k].name) != 0) return false;
    return true;
}

void topo_count_moves(struct weir_topo_plan *plan, const struct weir_topo_plan *current)
{
    plan->totals.moved_bytes = 0;
    plan->totals.moved_partitions = 0;
    struct place at = {0};
    for (uint32_t k = 0, i = 0; k < plan->stream_count; i += plan->streams[k].partitions, k++) {
        if (!find_stream(current, &plan->streams[k], &at)) continue;
        uint32_t stream = at.stream, first = at.first;
        for (uint32_t j = 0;
             j < plan->streams[k].partitions && j < current->streams[stream].partitions; j++) {
            const struct weir_topo_partition *now = &plan->partitions[i + j],
                                             *was = &current->partitions[first + j];
            if (now->state == WEIR_TOPO_REJECTED || was->state == WEIR_TOPO_REJECTED) continue;
            uint64_t moved = 0;
            for (uint32_t g = 0; g < now->grant_count; g++) {
                uint32_t node = plan->machine->pools[plan->grants[now->grant_first + g].pool].node;
                bool seen = false;
                for (uint32_t h = 0; h < g; h++)
                    seen |=
                        plan->machine->pools[plan->grants[now->grant_first + h].pool].node == node;
                uint64_t have = seen ? 0 : node_bytes(plan, now, node),
                         had = node_bytes(current, was, node);
                if (have > had && was->bytes >= now->bytes)
                    moved += have - had; /* growth is not movement */
            }
            plan->totals.moved_bytes += moved;
            plan->totals.moved_partitions += moved > 0 || !same_cpus(plan, now, current, was);
        }
    }
}
