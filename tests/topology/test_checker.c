/* The checker is only worth something if it sees faults: every field of a valid plan that it can
   recompute is changed, one at a time, and the changed plan must be refused. Not tried is what only
   reports (the runner-up and its price, search steps, what moved) and what would be another valid
   plan. */
#include "tests/topology/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t tried, missed;

static void expect_refusal(const struct weir_topo_plan *p, const char *field, uint64_t seed)
{
    struct weir_topo_error err = {0};
    tried++;
    if (weir_topo_plan_check(p, &err)) return;
    missed++;
    if (missed <= 20)
        fprintf(stderr, "seed %" PRIu64 ": a change of %s was not noticed\n", seed, field);
}

static uint64_t other_value(struct rng *r, uint64_t v, uint64_t most)
{
    uint64_t candidates[] = {v + 1, v - 1, 0, v * 2 + 1, v ^ (UINT64_C(1) << rng_below(r, 20)),
                             most};
    uint64_t now = candidates[rng_below(r, 6)];
    now &= most;
    return now == v ? (v + 1) & most : now;
}

static void change32(struct rng *r, struct weir_topo_plan *p, uint32_t *field, const char *name,
                     uint64_t seed)
{
    uint32_t keep = *field;
    *field = (uint32_t)other_value(r, keep, UINT32_MAX);
    expect_refusal(p, name, seed);
    *field = keep;
}

static void change64(struct rng *r, struct weir_topo_plan *p, uint64_t *field, const char *name,
                     uint64_t seed)
{
    uint64_t keep = *field;
    *field = other_value(r, keep, UINT64_MAX);
    expect_refusal(p, name, seed);
    *field = keep;
}

/* Would WHY be a true complaint of this partition too? */
static bool also_true(const struct weir_topo_plan *p, const struct weir_topo_partition *part,
                      enum weir_topo_why why)
{
    const struct weir_topo_stream *st = &p->streams[part->stream];
    if (part->state == WEIR_TOPO_REJECTED)
        return why >= WEIR_TOPO_WHY_NO_DEVICE && why < WEIR_TOPO_WHY_COUNT;
    if (why == WEIR_TOPO_WHY_REMOTE) return part->remote_bytes > 0;
    if (why == WEIR_TOPO_WHY_OVERCOMMIT)
        return st->milli_cu && part->share_milli_cu < part->milli_cu;
    if (why == WEIR_TOPO_WHY_PAGES) return st->page_bytes != 0;
    return why == WEIR_TOPO_WHY_NO_DEVICE && st->device == WEIR_TOPO_DEVICE_PREFER &&
           part->device == WEIR_TOPO_NONE;
}

static void change_words(struct rng *r, struct weir_topo_plan *p, struct weir_topo_partition *part,
                         uint64_t seed)
{
    enum weir_topo_state state = part->state;
    enum weir_topo_why why = part->why;
    part->state = (enum weir_topo_state)((state + 1 + rng_below(r, 2)) % 3);
    expect_refusal(p, "state", seed);
    part->state = state;
    part->why = (enum weir_topo_why)((why + 1 + rng_below(r, WEIR_TOPO_WHY_COUNT - 1)) %
                                     WEIR_TOPO_WHY_COUNT);
    if (!also_true(p, part, part->why)) expect_refusal(p, "why", seed);
    part->why = why;
}

static void change_partition(struct rng *r, struct weir_topo_plan *p, uint64_t seed)
{
    struct weir_topo_partition *part = &p->partitions[rng_below(r, p->partition_count)];
    change_words(r, p, part, seed);
    change32(r, p, &part->stream, "stream", seed);
    change32(r, p, &part->index, "index", seed);
    change32(r, p, &part->pu_count, "pu_count", seed);
    change32(r, p, &part->grant_count, "grant_count", seed);
    change32(r, p, &part->share_milli_cu, "share_milli_cu", seed);
    change64(r, p, &part->remote_bytes, "remote_bytes", seed);
    uint32_t device = part->device; /* another one of the same kind would be another valid plan */
    part->device =
        device != WEIR_TOPO_NONE ? WEIR_TOPO_NONE : p->machine->device_count + rng_below(r, 3);
    expect_refusal(p, "device", seed);
    part->device = device;
    change32(r, p, &part->device_units, "device_units", seed);
    change32(r, p, &part->queue, "queue", seed);
    change32(r, p, &part->staging_pool, "staging_pool", seed);
    if (p->streams[part->stream].milli_cu) change32(r, p, &part->milli_cu, "milli_cu", seed);
    if (part->state == WEIR_TOPO_REJECTED) return;
    change64(r, p, &part->bytes, "bytes", seed);
    change32(r, p, &part->domain, "domain", seed);
    uint32_t *pu = &p->pu_list[part->pu_first + rng_below(r, part->pu_count)], keep = *pu;
    for (uint32_t other = 0; other <= p->machine->pu_count;
         other++) { /* a PU that it must not have */
        bool owned = false;
        for (uint32_t i = 0; i < p->partition_count; i++)
            for (uint32_t k = 0; k < p->partitions[i].pu_count && other < p->machine->pu_count; k++)
                owned |= p->streams[p->partitions[i].stream].mode == WEIR_TOPO_EXCLUSIVE &&
                         p->pu_list[p->partitions[i].pu_first + k] == other;
        if (other == keep ||
            (other < p->machine->pu_count && weir_topo_pu_usable(p->machine, other) && !owned))
            continue;
        *pu = other;
        expect_refusal(p, "pu_list", seed);
        *pu = keep;
    }
}

static void change_rest(struct rng *r, struct weir_topo_plan *p, uint64_t seed)
{
    if (p->grant_count) {
        struct weir_topo_grant *g = &p->grants[rng_below(r, p->grant_count)];
        change32(r, p, &g->pool, "grant pool", seed);
        change64(r, p, &g->bytes, "grant bytes", seed);
    }
    if (p->machine->pool_count)
        change64(r, p, &p->pool_granted[rng_below(r, p->machine->pool_count)], "pool_granted",
                 seed);
    struct weir_topo_domain_use *u = &p->domains[rng_below(r, p->machine->domain_count)];
    change64(r, p, &u->capacity_milli_cu, "domain capacity", seed);
    change64(r, p, &u->load_milli_cu, "domain load", seed);
    change64(r, p, &u->bytes, "domain bytes", seed);
    change64(r, p, &u->remote_bytes, "domain remote bytes", seed);
    change64(r, p, &u->stranded_milli_cu, "domain stranded CPU", seed);
    change64(r, p, &u->stranded_bytes, "domain stranded bytes", seed);
    struct weir_topo_totals *t = &p->totals;
    change32(r, p, &t->placed, "placed", seed);
    change32(r, p, &t->degraded, "degraded", seed);
    change32(r, p, &t->rejected, "rejected", seed);
    change64(r, p, &t->load_max_ppm, "load_max_ppm", seed);
    change64(r, p, &t->remote_bytes, "total remote bytes", seed);
    change64(r, p, &t->remote_bound_bytes, "remote bound", seed);
    change64(r, p, &t->distance_bytes, "distance bytes", seed);
    change64(r, p, &t->stranded_milli_cu, "stranded CPU", seed);
    change64(r, p, &t->stranded_bytes, "stranded bytes", seed);
    change64(r, p, &p->machine_fingerprint, "fingerprint", seed);
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000;
    for (uint64_t seed = 1; seed <= cases; seed++) {
        struct rng r = {seed};
        struct topo_raw raw;
        struct weir_topo_machine *m;
        struct weir_topo_plan *p;
        struct weir_topo_error err;
        random_machine(&r, &raw);
        if (topo_machine_build(&raw, &m, &err)) abort();
        struct weir_topo_demand *d = random_demand(&r, m);
        if (weir_topo_plan_make(m, d, NULL, &p, &err)) {
            fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, err.message);
            return 1;
        }
        change_partition(&r, p, seed);
        change_rest(&r, p, seed);
        if (weir_topo_plan_check(p, &err)) missed++; /* all changes have been undone */
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
        weir_topo_machine_free(m);
        topo_raw_clear(&raw);
    }
    printf("%" PRIu64 " changes, %" PRIu64 " not noticed\n", tried, missed);
    return missed || tried < cases ? 1 : 0;
}
