#ifndef WEIR_ENGINE_SLOTS_H
#define WEIR_ENGINE_SLOTS_H

#include <weir/topology.h>

#include "runtime/base/mem.h"
#include "runtime/exec/workers.h"

/* The slots of a job: the topology plan for its partitions and one worker for each, bound as
 * planned. */
struct weir_slots {
    struct weir_topo_machine *machine;
    struct weir_topo_plan *plan;
    struct weir_workers *workers;
    int n;
    uint64_t slot_bytes; /* the smallest budget of a partition */
};

/* The shared plan of PARTITIONS equal partitions (0: one for each usable PU) on the live machine.
   With BIND the workers run on their partition's PUs and prefer its memory. */
int weir_slots_new(int partitions, bool bind, struct weir_slots **out,
                   struct weir_error *err) WEIR_NODISCARD;
void weir_slots_free(struct weir_slots *s); /* NULL is allowed */
/* The plan alone, without workers, for EXPLAIN. */
void weir_slots_text(const struct weir_slots *s, struct weir_buf *out);
void weir_slots_json(const struct weir_slots *s, struct weir_buf *out);

#endif
