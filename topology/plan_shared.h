#ifndef WEIR_TOPOLOGY_PLAN_SHARED_H
#define WEIR_TOPOLOGY_PLAN_SHARED_H

/* What the files that place shared partitions have in common:
     plan_cores.c   cores as bins: groups, heaps by load, local memory that is left
     plan_pack.c    the three greedy orders
     plan_wide.c    partitions that need more than one core
     plan_search.c  local search
     plan_exact.c   exact search where there are few partitions
     plan_shared.c  the order of it all, bounds, shares */

#include "topology/plan.h"

struct topo_item {
    uint32_t partition, milli_cu, device_domain,
        keep_pu; /* keep_pu: NONE, or where the current plan has it */
    uint64_t bytes, page;
    enum weir_topo_tier tier;
};

struct topo_shared {
    struct topo_state *s;
    uint32_t core_count;
    uint32_t *capacity, *group_of; /* per core; capacity 0: nothing shared there */
    uint64_t *load;
    uint32_t group_count;
    struct topo_core_group *groups;
    double *group_base,       /* per group: load ÷ capacity of its least loaded core, plus a
                                    millionth of that of its domain: it decides among equals */
        *group_inverse;       /* 1 ÷ capacity */
    uint32_t *heap, *heap_at; /* cores; heap_at: position per core */
    struct topo_item *items;
    uint32_t item_count, max_capacity;
    struct topo_item *wide; /* more than a core each */
    uint32_t wide_count;
    bool wide_last;        /* those that need less memory per CPU than the others come after them */
    uint64_t remote;       /* what could not be local, as far as placing knows */
    uint64_t *left_before; /* the same before the first item was placed */
    uint64_t *left;        /* per domain: local bytes left for tier ANY, base pages */
    uint64_t *missing;     /* per domain: bytes of its items that found no local room */
    uint64_t *domain_load, *domain_capacity;
    uint32_t *domain_cores;
    uint32_t *domain_groups; /* the groups of domain d are those from [d] to before [d + 1] */
    uint32_t *next_item, *first_item; /* lists of items per core */
};

struct topo_solution {
    uint32_t *core, *runner_up; /* per item */
    int64_t *price;
    uint64_t remote;
    double load;
};

/* plan_cores.c */
int topo_shared_open(struct topo_shared *h, struct weir_topo_error *err) TOPO_NODISCARD;
void topo_shared_clear(struct topo_shared *h);
int topo_build_groups(struct topo_shared *h, struct weir_topo_error *err) TOPO_NODISCARD;
/* Bring CORE to its place in the heap of its group after its load has changed. */
void topo_core_sift(struct topo_shared *h, uint32_t core);
void topo_group_refresh(struct topo_shared *h, uint32_t group);
void topo_add_load(struct topo_shared *h, uint32_t core, int64_t milli_cu);
void topo_refresh_left(struct topo_shared *h);
uint64_t topo_item_left(const struct topo_shared *h, const struct topo_item *it, uint32_t domain);
/* Returns what did not fit. */
uint64_t topo_take_memory(struct topo_shared *h, const struct topo_item *it, uint32_t domain);
/* The shared PU of CORE with the fewest partitions (USED: per PU). */
uint32_t topo_core_pu(const struct topo_shared *h, uint32_t core, const uint32_t *used);

/* plan_pack.c: orders 'A', 'B', 'C' */
int topo_sort_items(struct topo_shared *h, char order, struct weir_topo_error *err) TOPO_NODISCARD;
void topo_greedy(struct topo_shared *h, char order, struct topo_solution *sol);

/* plan_wide.c: place one at once. MARKED: a zero per core, before and after. */
int topo_place_wide(struct topo_shared *h, const struct topo_item *it, uint32_t *used,
                    uint8_t *marked, struct weir_topo_error *err) TOPO_NODISCARD;

/* plan_search.c */
void topo_local_search(struct topo_shared *h, struct topo_solution *sol, uint64_t bound_ppm,
                       uint32_t steps);

/* plan_exact.c. Few partitions on few cores: try all, within a bounded number of steps. */
void topo_exact_search(struct topo_shared *h, struct topo_solution *sol);

#endif
