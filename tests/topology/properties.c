/* Properties of a plan, and of the same input planned again. What the checker of the library checks of
   every plan is checked here once more, in the plainest way, for what matters most: nobody has what
   another one owns. */
#include "tests/topology/properties.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *case_label = "";
uint64_t case_seed;

void report(struct tally *t, const char *property, const char *detail)
{
    if (++t->failures <= 20)
        fprintf(stderr, "%s seed %" PRIu64 ": %s: %s\n", case_label, case_seed, property, detail);
}

bool run_make(struct tally *t, const struct topo_raw *raw, const struct weir_topo_demand *d,
              const struct weir_topo_plan *current, struct run *run)
{
    struct weir_topo_error err = {0};
    struct weir_topo_plan_options o = {.current = current};
    run->p = NULL;
    if (!topo_machine_build(raw, &run->m, &err) &&
        !weir_topo_plan_make(run->m, d, &o, &run->p, &err))
        return true;
    report(t, "a plan is made and passes its check", err.message);
    return false;
}

void run_clear(struct run *run)
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

/* ---- one plan */

/* Placed, or rejected with a reason that can be read. */
static void placed_or_told_why(struct tally *t, const struct weir_topo_plan *p)
{
    char why[300];
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        bool rejected = part->state == WEIR_TOPO_REJECTED;
        if (rejected == (part->pu_count > 0)) report(t, "placed or rejected", "neither or both");
        if (rejected && (part->why == WEIR_TOPO_WHY_FITS ||
                         (i < 4 && !weir_topo_plan_why(p, i, why, sizeof why))))
            report(t, "rejected with a reason", "without");
    }
}

/* Every PU of an owned unit is the owner's; nobody is where he may not be. */
static void nobody_meets_an_owner(struct tally *t, const struct weir_topo_plan *p)
{
    const struct weir_topo_machine *m = p->machine;
    uint32_t *user = calloc(m->pu_count, sizeof *user); /* 1 + the partition that was seen first */
    if (!user) abort();
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        for (uint32_t k = 0; k < part->pu_count; k++) {
            uint32_t pu = p->pu_list[part->pu_first + k];
            if (!m->pus[pu].allowed || m->pus[pu].reserved)
                report(t, "cpusets lie in what is allowed and not reserved", "one does not");
            if (!user[pu]) user[pu] = i + 1;
        }
    }
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        const struct weir_topo_stream *st = &p->streams[part->stream];
        const struct weir_topo_units *u = &m->units[st->scope];
        for (uint32_t k = 0; st->mode == WEIR_TOPO_EXCLUSIVE && k < part->pu_count; k++) {
            uint32_t unit = m->pus[p->pu_list[part->pu_first + k]].unit[st->scope];
            for (uint32_t s = u->first[unit]; s < u->first[unit + 1]; s++)
                if (weir_topo_pu_usable(m, u->pus[s]) && user[u->pus[s]] != i + 1)
                    report(t, "exclusive sets meet nothing, siblings included", "one does");
        }
        for (uint32_t k = 0; st->mode == WEIR_TOPO_SHARED && k < part->pu_count; k++) {
            uint32_t first = user[p->pu_list[part->pu_first + k]] - 1;
            if (p->streams[p->partitions[first].stream].mode == WEIR_TOPO_EXCLUSIVE)
                report(t, "exclusive sets meet nothing, siblings included",
                       "a shared one is there");
        }
    }
    free(user);
}

/* Bytes per pool, and compute units per device with all below it. */
static void ledgers_are_exact(struct tally *t, const struct weir_topo_plan *p)
{
    const struct weir_topo_machine *m = p->machine;
    uint64_t *granted = calloc(m->pool_count + 1, sizeof *granted);
    uint32_t *owners = calloc(m->device_count + 1, sizeof *owners),
             *units = calloc(m->device_count + 1, sizeof *units);
    if (!granted || !owners || !units) abort();
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        for (uint32_t g = part->grant_first; g < part->grant_first + part->grant_count; g++) {
            granted[p->grants[g].pool] += p->grants[g].bytes;
            if (p->grants[g].bytes % m->pools[p->grants[g].pool].page_bytes)
                report(t, "grants are whole pages", "one is not");
        }
        if (part->device == WEIR_TOPO_NONE) continue;
        const struct weir_topo_stream *st = &p->streams[part->stream];
        units[part->device] += part->device_units;
        owners[part->device] += st->mode == WEIR_TOPO_EXCLUSIVE && !st->device_units ? 1000 : 1;
    }
    for (uint32_t k = 0; k < m->pool_count; k++)
        if (granted[k] != p->pool_granted[k] || granted[k] > m->pools[k].usable_bytes)
            report(t, "the ledger is exact per pool and page size", "it is not");
    for (uint32_t k = 0; k < m->device_count; k++) {
        const struct weir_topo_device *dev = &m->devices[k];
        if (dev->compute_units && units[k] + dev->leased_units > dev->compute_units && units[k])
            report(t, "compute units are debited once", "more than there are");
        if (owners[k] > 1000) report(t, "compute units are debited once", "owned and used");
        if (dev->parent != WEIR_TOPO_NONE && owners[k] && owners[dev->parent])
            report(t, "a root device is never used with its sub-devices", "it is");
    }
    free(granted);
    free(owners);
    free(units);
}

/* Given the cpusets: no remote byte whenever a maximum flow says that none is needed. (More than
   the least number of remote bytes is right where they are nearer.) */
static void least_remote(struct tally *t, const struct run *run)
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
        report(t, "zero remote bytes whenever a flow says it is possible", "some are remote");
}

/* ---- the same input again */

static void deterministic(struct tally *t, const struct topo_raw *raw,
                          const struct weir_topo_demand *d, const struct run *first)
{
    struct run again;
    if (run_make(t, raw, d, NULL, &again) &&
        (!same_plan(first->p, again.p) ||
         memcmp(&first->p->totals, &again.p->totals, sizeof first->p->totals)))
        report(t, "the same input gives the same plan", "it does not");
    run_clear(&again);
}

/* Planning again from one's own result changes nothing. */
static void unchanged_stays(struct tally *t, const struct topo_raw *raw,
                            const struct weir_topo_demand *d, const struct run *first)
{
    struct run again;
    if (run_make(t, raw, d, first->p, &again) &&
        (!same_plan(first->p, again.p) || again.p->totals.moved_bytes ||
         again.p->totals.moved_partitions))
        report(t, "unchanged input moves nothing", "something moved");
    run_clear(&again);
}

/* A plan survives being written and read, to the byte. */
static void survives_json(struct tally *t, const struct run *run)
{
    struct weir_topo_text a = {0}, b = {0};
    struct weir_topo_error err = {0};
    struct weir_topo_plan *again = NULL;
    if (weir_topo_plan_json(run->p, &a, &err) ||
        weir_topo_plan_parse_json(a.data, a.length, "plan", run->m, &again, &err) ||
        weir_topo_plan_json(again, &b, &err))
        report(t, "a plan can be read back", err.message);
    else if (strcmp(a.data, b.data) != 0)
        report(t, "a plan can be read back", "and it is another one");
    weir_topo_plan_free(again);
    weir_topo_text_free(&a);
    weir_topo_text_free(&b);
}

/* ---- other demands */

/* Equal shared partitions: nothing is remote if every one finds a domain with room for it. */
static void equal_partitions_stay_local(struct tally *t, struct rng *r, const struct topo_raw *raw)
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
            report(t, "equal partitions", err.message);
        else if (run.p->totals.remote_bytes || run.p->totals.rejected)
            report(t, "equal partitions that fit locally stay local", "remote or rejected");
        else
            weir_topo_plan_free(run.p);
        weir_topo_demand_free(d);
    }
    weir_topo_machine_free(run.m);
}

/* One partition more, one less, some more: each result is a plan by the checker, with the streams that were asked. */
static void resized(struct tally *t, struct rng *r, const struct topo_raw *raw,
                    const struct weir_topo_demand *d)
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
        report(t, "a plan to be resized", err.message);
        p = NULL;
    }
    for (int step = 0; p && step < 6; step++) {
        uint32_t k = rng_below(r, own->stream_count), n = p->streams[k].partitions;
        uint32_t want = rng_chance(r, 50) ? n + 1 + rng_below(r, 3) : n > 1 ? n - 1 : 2;
        const struct weir_topo_plan *before = p;
        if (weir_topo_plan_resize(&p, k, want, &err))
            report(t, "a plan can be resized", err.message);
        else if (weir_topo_plan_check(p, &err))
            report(t, "a resized plan is a plan", err.message);
        else if (p->streams[k].partitions != want)
            report(t, "a resized plan", "has another size");
        t->in_place += p == before;
    }
    weir_topo_plan_free(p);
    weir_topo_demand_free(own);
    weir_topo_machine_free(m);
}

/* Does P reject partitions of stream K, or more of another stream than BEFORE did? */
static bool somebody_pays(const struct weir_topo_plan *before, const struct weir_topo_plan *p,
                          uint32_t k)
{
    int64_t more[8] = {0};
    for (uint32_t i = 0; i < before->partition_count; i++)
        more[before->partitions[i].stream] -= before->partitions[i].state == WEIR_TOPO_REJECTED;
    more[k] = 0;
    for (uint32_t i = 0; i < p->partition_count; i++)
        more[p->partitions[i].stream] += p->partitions[i].state == WEIR_TOPO_REJECTED;
    for (uint32_t s = 0; s < p->stream_count; s++)
        if (more[s] > 0) return true;
    return false;
}

void property_suggestion(struct tally *t, const struct weir_topo_demand *d, const struct run *run,
                         uint64_t which)
{
    struct weir_topo_error err = {0};
    struct weir_topo_plan *p;
    uint32_t k = 0, tries = d->stream_count;
    char text[200];
    for (k = (uint32_t)(which % d->stream_count); tries; k = (k + 1) % d->stream_count, tries--) {
        uint32_t i = 0;
        while (i < run->p->partition_count && (run->p->partitions[i].stream != k ||
                                               run->p->partitions[i].state != WEIR_TOPO_REJECTED))
            i++;
        if (i < run->p->partition_count) break;
    }
    if (!tries) return;
    struct weir_topo_stream changed, asked = d->streams[k];
    int rc = weir_topo_suggest(run->p, k, &changed, text, sizeof text, &err);
    if (rc < 0) report(t, "a change is looked for", err.message);
    t->none += rc == 0;
    if (rc != 1) return;
    t->suggestions++;
    d->streams[k] = changed;
    if (weir_topo_plan_make(run->m, d, NULL, &p, &err)) {
        report(t, "the proposed change is a demand", err.message);
    } else {
        if (somebody_pays(run->p, p, k)) report(t, "the proposed change makes it fit", text);
        weir_topo_plan_free(p);
    }
    d->streams[k] = asked;
}

void properties_of_plan(struct tally *t, struct rng *r, const struct topo_raw *raw,
                        const struct weir_topo_demand *d, const struct run *first)
{
    placed_or_told_why(t, first->p);
    nobody_meets_an_owner(t, first->p);
    ledgers_are_exact(t, first->p);
    least_remote(t, first);
    deterministic(t, raw, d, first);
    unchanged_stays(t, raw, d, first);
    survives_json(t, first);
    equal_partitions_stay_local(t, r, raw);
    resized(t, r, raw, d);
}
