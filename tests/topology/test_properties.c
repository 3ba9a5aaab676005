/* The invariants of the planner over random machines and demands.
   usage: test_topology_properties [CASES [FIRST_SEED]] */
#include "tests/topology/properties.h"

#include <inttypes.h>
#include <stdlib.h>

static void one_case(struct tally *t, uint64_t seed)
{
    struct rng r = {seed};
    struct topo_raw raw;
    struct run run;
    case_seed = seed;
    random_machine(&r, &raw);
    if (topo_machine_build(&raw, &run.m, NULL)) abort();
    struct weir_topo_demand *d = random_demand(&r, run.m);
    weir_topo_machine_free(run.m);
    if (run_make(t, &raw, d, NULL, &run)) {
        t->placed += run.p->totals.placed;
        t->degraded += run.p->totals.degraded;
        t->rejected += run.p->totals.rejected;
        properties_of_plan(t, &r, &raw, d, &run);
        properties_of_change(t, &r, &raw, d, &run);
        property_suggestion(t, d, &run, seed);
        if (seed % 100 == 0) property_xml(t, &raw, d);
    }
    run_clear(&run);
    weir_topo_demand_free(d);
    topo_raw_clear(&raw);
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000,
             first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct tally t = {.cases = cases};
    case_label = "random machine,";
    for (uint64_t k = 0; k < cases; k++) one_case(&t, first + k);
    printf("%" PRIu64 " cases: %" PRIu64 " partitions placed, %" PRIu64 " degraded, %" PRIu64
           " rejected; %" PRIu64 " failures\n",
           cases, t.placed, t.degraded, t.rejected, t.failures);
    printf("%" PRIu64 " cut machines, %" PRIu64 " proposals (%" PRIu64 " times none), %" PRIu64
           " changes in place, %" PRIu64 " machines as XML\n",
           t.restricted, t.suggestions, t.none, t.in_place, t.xml);
    printf("more resources, planned from scratch: worse in %" PRIu64 " of %" PRIu64 " cases\n",
           t.worse, t.enlarged);
    if (t.worse * 100 > t.enlarged + 200) t.failures++; /* 1 % */
    /* a generator that stopped producing one of the outcomes would make the test hollow */
    bool hollow = cases >= 1000 && (!t.placed || !t.degraded || !t.rejected || !t.suggestions ||
                                    !t.in_place || !t.restricted || !t.xml);
    return t.failures || hollow ? 1 : 0;
}
