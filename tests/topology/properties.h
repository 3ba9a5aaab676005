#ifndef TESTS_TOPOLOGY_PROPERTIES_H
#define TESTS_TOPOLOGY_PROPERTIES_H

/* The invariants of the planner as properties of a case: a raw machine and a demand. */

#include "tests/topology/generate.h"

/* What the cases have come to. */
struct tally {
    uint64_t cases, failures;
    uint64_t placed, degraded, rejected;
    uint64_t enlarged, worse; /* plans for more resources from scratch; of these, worse ones */
    uint64_t restricted, suggestions, none, in_place, xml;
};

/* Count a failure and tell the first twenty on standard error. WHERE names the case. */
void report(struct tally *t, const char *property, const char *detail);
extern const char *case_label;
extern uint64_t case_seed;

struct run {
    struct weir_topo_machine *m;
    struct weir_topo_plan *p;
};

/* The machine and a plan for it; reports a failure. To be cleared in any case. */
bool run_make(struct tally *t, const struct topo_raw *raw, const struct weir_topo_demand *d,
              const struct weir_topo_plan *current, struct run *run);
void run_clear(struct run *run);

/* properties.c: of one plan, and of the same input planned again. */
void properties_of_plan(struct tally *t, struct rng *r, const struct topo_raw *raw,
                        const struct weir_topo_demand *d, const struct run *first);
/* For one of the streams with rejected partitions: the change that is proposed makes it fit. */
void property_suggestion(struct tally *t, const struct weir_topo_demand *d, const struct run *run,
                         uint64_t which);

/* properties_change.c: of a machine that is listed otherwise, cut, or enlarged. */
void properties_of_change(struct tally *t, struct rng *r, const struct topo_raw *raw,
                          const struct weir_topo_demand *d, const struct run *first);
/* The machine, cut to what is allowed, plans like the XML that is written of it. */
void property_xml(struct tally *t, const struct topo_raw *raw, const struct weir_topo_demand *d);

#endif
