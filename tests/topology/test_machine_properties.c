/* The invariants of the planner on every shipped machine, whole and cut, with random demands.
   usage: test_topology_machine_properties [DEMANDS_PER_MACHINE] */
#include "tests/topology/properties.h"

#include <inttypes.h>
#include <stdlib.h>

/* Take away every so many PUs, or a package. */
static void cut(struct rng *r, struct topo_raw *raw)
{
    uint32_t every = 2 + rng_below(r, 6), package = raw->pus[rng_below(r, raw->pu_count)].package;
    bool whole = rng_chance(r, 50);
    uint32_t left = 0;
    for (uint32_t p = 0; p < raw->pu_count; p++)
        left += raw->pus[p].allowed && !raw->pus[p].reserved &&
                (whole ? raw->pus[p].package != package : p % every != 0);
    for (uint32_t p = 0; p < raw->pu_count && left; p++)
        if (whole ? raw->pus[p].package == package : p % every == 0) raw->pus[p].allowed = false;
}

static void one_demand(struct tally *t, struct rng *r, const struct topo_raw *raw)
{
    struct run run;
    if (topo_machine_build(raw, &run.m, NULL)) abort();
    struct weir_topo_demand *d = random_demand(r, run.m);
    weir_topo_machine_free(run.m);
    if (run_make(t, raw, d, NULL, &run)) {
        t->cases++;
        t->rejected += run.p->totals.rejected;
        properties_of_plan(t, r, raw, d, &run);
        properties_of_change(t, r, raw, d, &run);
        property_suggestion(t, d, &run, case_seed);
        property_xml(t, raw, d);
    }
    run_clear(&run);
    weir_topo_demand_free(d);
}

int main(int argc, char **argv)
{
    uint64_t demands = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
    struct tally t = {0};
    for (uint32_t k = 0; (case_label = weir_topo_builtin_name(k)); k++) {
        char source[128];
        snprintf(source, sizeof source, "builtin:%s", case_label);
        struct weir_topo_machine_options o = {.source = source};
        struct topo_raw raw = {0};
        struct weir_topo_error err = {0};
        if (topo_raw_load(&o, &raw, &err)) {
            fprintf(stderr, "%s: %s\n", case_label, err.message);
            return 1;
        }
        uint64_t most = demands * 512 / (raw.pu_count + 512) + 2; /* fewer on large machines */
        for (uint64_t seed = 1; seed <= most; seed++) {
            struct rng r = {seed * 77 + k};
            struct topo_raw now;
            case_seed = seed;
            copy_raw(&raw, &now);
            if (seed % 2 == 0) cut(&r, &now);
            one_demand(&t, &r, &now);
            topo_raw_clear(&now);
        }
        topo_raw_clear(&raw);
    }
    printf("%" PRIu64 " cases, %" PRIu64 " on cut machines, %" PRIu64 " proposals; %" PRIu64
           " failures; more resources from scratch: worse in %" PRIu64 "\n",
           t.cases, t.restricted, t.suggestions, t.failures, t.worse);
    return t.failures || !t.restricted || !t.suggestions || t.worse * 50 > t.enlarged ? 1 : 0;
}
