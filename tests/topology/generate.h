#ifndef TESTS_TOPOLOGY_GENERATE_H
#define TESTS_TOPOLOGY_GENERATE_H

/* Random machines and demands for the property tests: small enough to be planned in microseconds,
   odd enough to hold every trap (holes, SMT siblings that are cut off, nodes without bytes or CPUs,
   CPUs without a node, core kinds, huge pages, devices with sub-devices, limits). The same seed
   gives the same case on every machine. */

#include "topology/internal.h"

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 .. n - 1 */
bool rng_chance(struct rng *r, uint32_t percent);

/* RAW is to be cleared with topo_raw_clear. */
void random_machine(struct rng *r, struct topo_raw *raw);
/* The caller frees it. ROOM_BYTES and CAPACITY scale the requests so that about half of the cases
 * are tight. */
struct weir_topo_demand *random_demand(struct rng *r, const struct weir_topo_machine *m);
/* A deep copy. */
void copy_raw(const struct topo_raw *from, struct topo_raw *to);

#endif
