/* The invariants of the planner as properties over random machines and demands.
   usage: test_topology_properties [CASES [FIRST_SEED]] */
#include "tests/topology/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t seed_now;
static uint64_t failures, regressions, comparisons, suggestions, reorderings, different, in_place;

static void report(const char *property, const char *detail)
{
    failures++;
    if (failures <= 20) fprintf(stderr, "seed %" PRIu64 ": %s: %s\n", seed_now, property, detail);
}

struct run {
    struct weir_topo_machine *m;
    struct weir_topo_plan *p;
};

static bool make_from(const struct topo_raw *raw, const struct weir_topo_demand *d,
                      const struct weir_topo_plan *current, struct run *run)
{
    struct weir_topo_error err = {0};
    struct weir_topo_plan_options o = {.current = current};
    run->p = NULL;
    if (topo_machine_build(raw, &run->m, &err) ||
        weir_topo_plan_make(run->m, d, &o, &run->p, &err)) {
        report("a plan is made and passes its check", err.message);
        return false;
    }
    return true;
}

static bool make(const struct topo_raw *raw, const struct weir_topo_demand *d, struct run *run)
{
    return make_from(raw, d, NULL, run);
}

static void clear(struct run *run)
{
    weir_topo_plan_free(run->p);
    weir_topo_machine_free(run->m);
}

static bool same_plan(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    if (a->partition_count != b->partition_count || a->pu_list_count != b->pu_list_count ||
        a->grant_count != b->grant_count)
        return false;
    for (uint32_t k = 0; k < a->pu_list_count; k++)
        if (a->machine->pus[a->pu_list[k]].os_index != b->machine->pus[b->pu_list[k]].os_index)
            return false;
    for (uint32_t k = 0; k < a->grant_count; k++)
        if (a->grants[k].pool != b->grants[k].pool || a->grants[k].bytes != b->grants[k].bytes)
            return false;
    for (uint32_t i = 0; i < a->partition_count; i++) {
        const struct weir_topo_partition *x = &a->partitions[i], *y = &b->partitions[i];
        if (x->state != y->state || x->why != y->why || x->pu_first != y->pu_first ||
            x->pu_count != y->pu_count || x->share_milli_cu != y->share_milli_cu ||
            x->bytes != y->bytes || x->device != y->device)
            return false;
    }
    return true;
}

/* ---- the properties; each gets the raw machine, the demand and the first plan */

static void deterministic(const struct topo_raw *raw, const struct weir_topo_demand *d,
                          const struct run *first)
{
    struct run again;
    if (make(raw, d, &again) &&
        (!same_plan(first->p, again.p) ||
         memcmp(&first->p->totals, &again.p->totals, sizeof first->p->totals)))
        report("the same input gives the same plan", "it does not");
    clear(&again);
}

/* Given the cpusets: no remote byte whenever a maximum flow says that none is needed. (More than
   the least number of remote bytes is right where they are nearer.) */
static void least_remote(const struct run *run)
{
    const struct weir_topo_plan *p = run->p;
    uint64_t auto_remote = 0;
    for (uint32_t i = 0; i < p->partition_count; i++)
        if (p->streams[p->partitions[i].stream].memory_mode == WEIR_TOPO_MEMORY_AUTO)
            auto_remote += p->partitions[i].remote_bytes;
    bool tiers = false;
    for (uint32_t k = 0; k < p->stream_count; k++)
        tiers |= p->streams[k].tier != WEIR_TOPO_TIER_ANY;
    if (!tiers && p->totals.remote_bound_bytes == auto_remote &&
        p->totals.remote_bytes != auto_remote)
        report("zero remote bytes whenever a flow says it is possible", "some are remote");
}

/* Bytes x cost of the partitions that said how many bytes they need. */
static double fixed_cost(const struct weir_topo_plan *p)
{
    double sum = 0;
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        if (p->streams[part->stream].memory_mode == WEIR_TOPO_MEMORY_AUTO) continue;
        for (uint32_t g = part->grant_first; g < part->grant_first + part->grant_count; g++) {
            uint32_t best = UINT32_MAX; /* from the nearest of its domains */
            for (uint32_t k = 0; k < part->pu_count; k++) {
                uint32_t d =
                    p->machine->pus[p->pu_list[part->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
                uint32_t c = topo_cost(p->machine, d, p->grants[g].pool);
                if (c < best) best = c;
            }
            uint32_t steps = best / 1000; /* by distance, whatever the tier */
            sum += (double)p->grants[g].bytes * steps;
        }
    }
    return sum;
}

static bool admitted_before(const struct weir_topo_plan *p, uint32_t i, uint32_t j)
{
    const struct weir_topo_partition *a = &p->partitions[i], *b = &p->partitions[j];
    const struct weir_topo_stream *x = &p->streams[a->stream], *y = &p->streams[b->stream];
    if (x->priority != y->priority) return x->priority > y->priority;
    if (x->mode != y->mode) return x->mode == WEIR_TOPO_EXCLUSIVE;
    if (x->device != y->device) return x->device > y->device;
    if (x->mode == WEIR_TOPO_EXCLUSIVE && x->scope != y->scope) return x->scope > y->scope;
    if (a->milli_cu != b->milli_cu) return a->milli_cu > b->milli_cu;
    return i < j;
}

/* The first partition in order of admission that one plan admits and the other does not: > 0 if it
   is the second plan that admits it, < 0 if the first, 0 if there is none. */
static int first_difference(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t i = 0; i < a->partition_count; i++)
        if ((a->partitions[i].state == WEIR_TOPO_REJECTED) !=
                (b->partitions[i].state == WEIR_TOPO_REJECTED) &&
            (best == WEIR_TOPO_NONE || admitted_before(a, i, best)))
            best = i;
    if (best == WEIR_TOPO_NONE) return 0;
    return a->partitions[best].state == WEIR_TOPO_REJECTED ? 1 : -1;
}

static bool same_admission(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    for (uint32_t i = 0; i < a->partition_count; i++)
        if ((a->partitions[i].state == WEIR_TOPO_REJECTED) !=
            (b->partitions[i].state == WEIR_TOPO_REJECTED))
            return false;
    return true;
}

/* PUs that are not allowed might as well not exist. */
static void restricted_is_smaller(const struct topo_raw *raw, const struct weir_topo_demand *d,
                                  const struct run *first)
{
    struct topo_raw small;
    struct run run;
    copy_raw(raw, &small);
    uint8_t *gone = calloc(raw->pu_count, 1);
    bool any = false;
    for (uint32_t p = 0; p < raw->pu_count; p++) any |= gone[p] = !raw->pus[p].allowed;
    if (any && !topo_raw_remove_pus(&small, gone, NULL)) {
        if (make(&small, d, &run)) {
            const struct weir_topo_totals *a = &first->p->totals, *b = &run.p->totals;
            if (a->placed != b->placed || a->degraded != b->degraded ||
                a->rejected != b->rejected || a->remote_bytes != b->remote_bytes ||
                a->load_max_ppm != b->load_max_ppm)
                report("a cut machine plans like a smaller one", "totals differ");
        }
        clear(&run);
    }
    free(gone);
    topo_raw_clear(&small);
}

/* Other numbers for CPUs and nodes, the same costs. */
static void renumbered(struct rng *r, const struct topo_raw *raw, const struct weir_topo_demand *d,
                       const struct run *first)
{
    struct topo_raw other;
    struct run run;
    copy_raw(raw, &other);
    for (uint32_t i = other.pu_count; i > 1; i--) {
        uint32_t j = rng_below(r, i), keep = other.pus[i - 1].os;
        other.pus[i - 1].os = other.pus[j].os;
        other.pus[j].os = keep;
    }
    for (uint32_t i = 0; i < other.node_count; i++) other.nodes[i].os = other.nodes[i].os * 7 + 3;
    if (make(&other, d, &run) && memcmp(&first->p->totals, &run.p->totals, sizeof run.p->totals))
        report("other CPU and node numbers give the same costs", "totals differ");
    clear(&run);
    topo_raw_clear(&other);
}

static void swap_pus(struct topo_raw *raw, uint32_t i, uint32_t j)
{
    struct topo_raw_pu keep = raw->pus[i];
    raw->pus[i] = raw->pus[j];
    raw->pus[j] = keep;
    for (uint32_t n = 0; n < raw->node_count; n++) {
        uint8_t *row = raw->node_pu + (size_t)n * raw->pu_count, in = row[i];
        row[i] = row[j];
        row[j] = in;
    }
    for (uint32_t d = 0; d < raw->device_count; d++) {
        uint8_t *near = raw->devices[d].near;
        if (!near) continue;
        uint8_t in = near[i];
        near[i] = near[j];
        near[j] = in;
    }
}

/* Even the order in which a source lists the PUs is only a tie-break: the plan is valid, and its
 * cost seldom another. */
static void reordered(struct rng *r, const struct topo_raw *raw, const struct weir_topo_demand *d,
                      const struct run *first)
{
    struct topo_raw other;
    struct run run;
    copy_raw(raw, &other);
    for (uint32_t i = other.pu_count; i > 1; i--) swap_pus(&other, i - 1, rng_below(r, i));
    reorderings++;
    if (make(&other, d, &run)) {
        const struct weir_topo_totals *a = &first->p->totals, *b = &run.p->totals;
        different += a->rejected != b->rejected || a->remote_bytes != b->remote_bytes ||
                     a->load_max_ppm > b->load_max_ppm + b->load_max_ppm / 50 ||
                     b->load_max_ppm > a->load_max_ppm + a->load_max_ppm / 50;
    }
    clear(&run);
    topo_raw_clear(&other);
}

/* Is SECOND worse than FIRST: an earlier partition rejected, or the same ones admitted at a higher
 * cost? */
static bool worse(const struct weir_topo_plan *first, const struct weir_topo_plan *second)
{
    int64_t lead[5] = {0}; /* partitions admitted more by SECOND, per priority -2 .. 2 */
    for (uint32_t i = 0; i < first->partition_count; i++)
        lead[first->streams[first->partitions[i].stream].priority + 2] +=
            (second->partitions[i].state != WEIR_TOPO_REJECTED) -
            (first->partitions[i].state != WEIR_TOPO_REJECTED);
    for (int k = 4; k >= 0; k--)
        if (lead[k]) return lead[k] < 0 && first_difference(first, second) < 0;
    return same_admission(first, second) && fixed_cost(second) > fixed_cost(first) * 1.0000001;
}

/* More memory never makes it worse. Coming from the plan for less memory this is certain; from
   scratch the planner is a heuristic, and main() bounds how often it loses. */
static void more_memory(struct rng *r, const struct topo_raw *raw, const struct weir_topo_demand *d,
                        const struct run *first)
{
    struct topo_raw other;
    struct run run;
    if (!raw->node_count) return;
    copy_raw(raw, &other);
    if (rng_chance(r, 50)) {
        for (uint32_t i = 0; i < other.node_count; i++) other.nodes[i].bytes *= 4;
    } else {
        other.nodes[rng_below(r, other.node_count)].bytes += (uint64_t)1 << 30;
    }
    comparisons++;
    if (make(&other, d, &run)) regressions += worse(first->p, run.p);
    clear(&run);
    if (make_from(&other, d, first->p, &run) && worse(first->p, run.p))
        report("more memory never makes it worse", "coming from the plan for less");
    clear(&run);
    topo_raw_clear(&other);
}

/* Planning again from one's own result changes nothing. */
static void unchanged_stays(const struct topo_raw *raw, const struct weir_topo_demand *d,
                            const struct run *first)
{
    struct run again;
    if (make_from(raw, d, first->p, &again) &&
        (!same_plan(first->p, again.p) || again.p->totals.moved_bytes ||
         again.p->totals.moved_partitions))
        report("unchanged input moves nothing", "something moved");
    clear(&again);
}

/* Equal shared partitions: nothing is remote if every one finds a domain with room for it. */
static void equal_partitions_stay_local(struct rng *r, const struct topo_raw *raw)
{
    struct run run;
    if (topo_machine_build(raw, &run.m, NULL)) return;
    const struct weir_topo_machine *m = run.m;
    uint64_t fit = 0, bytes = (uint64_t)(1 + rng_below(r, 40)) << 26;
    bool shared_pool = false;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        uint32_t users = 0;
        for (uint32_t d = 0; d < m->domain_count; d++)
            users += m->local[(size_t)d * m->pool_count + p];
        shared_pool |= users > 1;
    }
    for (uint32_t d = 0; d < m->domain_count; d++) {
        uint64_t left = 0;
        for (uint32_t p = 0; p < m->pool_count; p++)
            if (m->local[(size_t)d * m->pool_count + p] &&
                topo_pool_fits(&m->pools[p], WEIR_TOPO_TIER_ANY, 0))
                left += m->pools[p].usable_bytes;
        if (m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[d]) fit += left / bytes;
    }
    if (m->limit_memory_bytes / bytes < fit) fit = m->limit_memory_bytes / bytes;
    if (!shared_pool && fit && fit < 200) {
        struct weir_topo_demand *d;
        struct weir_topo_stream st =
            weir_topo_stream_default("equal", 1 + rng_below(r, (uint32_t)fit));
        st.memory_mode = WEIR_TOPO_MEMORY_BYTES;
        st.bytes = bytes;
        st.milli_cu = 1 + rng_below(r, 250); /* less than any core has */
        if (weir_topo_demand_new(&d, NULL) || weir_topo_demand_add(d, &st, NULL)) abort();
        struct weir_topo_error err;
        if (weir_topo_plan_make(m, d, NULL, &run.p, &err))
            report("equal partitions", err.message);
        else if (run.p->totals.remote_bytes || run.p->totals.rejected)
            report("equal partitions that fit locally stay local", "remote or rejected");
        else
            weir_topo_plan_free(run.p);
        weir_topo_demand_free(d);
    }
    weir_topo_machine_free(run.m);
}

/* The change that is proposed for a rejected stream makes it fit, and no other stream pays for it.
 */
static void suggestion_fits(const struct weir_topo_demand *d, const struct run *run)
{
    for (uint32_t k = 0; k < d->stream_count; k++) {
        struct weir_topo_stream changed, asked = d->streams[k];
        struct weir_topo_error err = {0};
        struct weir_topo_plan *p;
        char text[200];
        int rc = weir_topo_suggest(run->p, k, &changed, text, sizeof text, &err);
        if (rc < 0) report("a change is looked for", err.message);
        suggestions += rc == 1;
        if (rc != 1) continue;
        d->streams[k] = changed;
        if (weir_topo_plan_make(run->m, d, NULL, &p, &err)) {
            report("the proposed change is a demand", err.message);
        } else {
            uint32_t before[8] = {0}, after[8] = {0};
            for (uint32_t i = 0; i < run->p->partition_count; i++)
                before[run->p->partitions[i].stream] +=
                    run->p->partitions[i].state == WEIR_TOPO_REJECTED;
            for (uint32_t i = 0; i < p->partition_count; i++)
                after[p->partitions[i].stream] += p->partitions[i].state == WEIR_TOPO_REJECTED;
            for (uint32_t o = 0; o < d->stream_count; o++)
                if (after[o] > (o == k ? 0 : before[o]))
                    report("the proposed change makes it fit", text);
            weir_topo_plan_free(p);
        }
        d->streams[k] = asked;
    }
}

/* A plan survives being written and read, to the byte. */
static void survives_json(const struct run *run)
{
    struct weir_topo_text a = {0}, b = {0};
    struct weir_topo_error err = {0};
    struct weir_topo_plan *again = NULL;
    if (weir_topo_plan_json(run->p, &a, &err) ||
        weir_topo_plan_parse_json(a.data, a.length, "plan", run->m, &again, &err) ||
        weir_topo_plan_json(again, &b, &err))
        report("a plan can be read back", err.message);
    else if (strcmp(a.data, b.data) != 0)
        report("a plan can be read back", "and it is another one");
    weir_topo_plan_free(again);
    weir_topo_text_free(&a);
    weir_topo_text_free(&b);
}

/* One partition more, one less, some more: each result is a plan by the checker, with the streams that were asked. */
static void resized(struct rng *r, const struct topo_raw *raw, const struct weir_topo_demand *d)
{
    struct weir_topo_machine *m;
    struct weir_topo_plan *p;
    struct weir_topo_error err = {0};
    if (topo_machine_build(raw, &m, &err)) return;
    struct weir_topo_demand *own;
    if (weir_topo_demand_new(&own, &err)) abort();
    for (uint32_t k = 0; k < d->stream_count;
         k++) { /* half of the cases in the form that is changed in place */
        struct weir_topo_stream st = d->streams[k];
        if (rng_chance(r, 70)) {
            st.milli_cu = 1 + rng_below(r, 150);
            st.memory_mode = WEIR_TOPO_MEMORY_BYTES;
            st.bytes = (uint64_t)rng_below(r, 30) << 20;
            st.tier = WEIR_TOPO_TIER_ANY;
            st.page_bytes = 0;
            st.device = WEIR_TOPO_DEVICE_NONE;
        }
        if (weir_topo_demand_add(own, &st, &err)) abort();
    }
    if (weir_topo_plan_make(m, own, NULL, &p, &err)) {
        report("a plan to be resized", err.message);
        p = NULL;
    }
    for (int step = 0; p && step < 6; step++) {
        uint32_t k = rng_below(r, own->stream_count), n = p->streams[k].partitions;
        uint32_t want = rng_chance(r, 50) ? n + 1 + rng_below(r, 3) : n > 1 ? n - 1 : 2;
        const struct weir_topo_plan *before = p;
        if (weir_topo_plan_resize(&p, k, want, &err))
            report("a plan can be resized", err.message);
        else if (weir_topo_plan_check(p, &err))
            report("a resized plan is a plan", err.message);
        else if (p->streams[k].partitions != want)
            report("a resized plan", "has another size");
        in_place += p == before;
    }
    weir_topo_plan_free(p);
    weir_topo_demand_free(own);
    weir_topo_machine_free(m);
}

static void one_case(uint64_t seed, uint64_t *counts)
{
    struct rng r = {seed};
    struct topo_raw raw;
    struct run run;
    seed_now = seed;
    random_machine(&r, &raw);
    if (topo_machine_build(&raw, &run.m, NULL)) abort();
    struct weir_topo_demand *d = random_demand(&r, run.m);
    weir_topo_machine_free(run.m);
    if (make(&raw, d, &run)) {
        counts[0] += run.p->totals.placed;
        counts[1] += run.p->totals.degraded;
        counts[2] += run.p->totals.rejected;
        least_remote(&run);
        if (seed % 25 == 0) suggestion_fits(d, &run);
        if (seed % 20 == 0) survives_json(&run);
        switch (seed % 6) {
        case 0: deterministic(&raw, d, &run); break;
        case 1: restricted_is_smaller(&raw, d, &run); break;
        case 2:
            renumbered(&r, &raw, d, &run);
            reordered(&r, &raw, d, &run);
            break;
        case 3: more_memory(&r, &raw, d, &run); break;
        case 4:
            equal_partitions_stay_local(&r, &raw);
            resized(&r, &raw, d);
            break;
        default: unchanged_stays(&raw, d, &run);
        }
    }
    clear(&run);
    weir_topo_demand_free(d);
    topo_raw_clear(&raw);
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000,
             first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t counts[3] = {0};
    for (uint64_t k = 0; k < cases; k++) one_case(first + k, counts);
    printf("%" PRIu64 " cases: %" PRIu64 " placed, %" PRIu64 " degraded, %" PRIu64
           " rejected, %" PRIu64 " failures\n",
           cases, counts[0], counts[1], counts[2], failures);
    printf("more memory, planned from scratch: worse in %" PRIu64 " of %" PRIu64 " comparisons\n",
           regressions, comparisons);
    if (regressions * 200 > comparisons + 200) failures++; /* 0.5 % */
    printf("PUs listed in another order: another cost in %" PRIu64 " of %" PRIu64 " plans\n",
           different, reorderings);
    if (different * 10 > reorderings + 100) failures++;
    /* a generator that stopped producing one of the outcomes would make the test hollow */
    bool hollow =
        cases >= 1000 && (!counts[0] || !counts[1] || !counts[2] || !suggestions || !in_place);
    return failures || hollow ? 1 : 0;
}
