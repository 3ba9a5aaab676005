#ifndef WEIR_TOPOLOGY_PLAN_H
#define WEIR_TOPOLOGY_PLAN_H

/* The planner's working state, shared by plan*.c only. The steps, each a file:
     plan.c            resolve "auto" and ratios, admit by priority, order the steps, sum up
     plan_device.c     devices and sub-devices
     plan_exclusive.c  whole units for exclusive partitions
     plan_shared.c     domain and core for shared partitions
     plan_memory.c     bytes of every partition to pools, by min-cost flow
     plan_bound.c      lower bounds of the load
     plan_keep.c       staying close to a current plan
     plan_sort.c       sorting by 64-bit keys */

#include "topology/internal.h"

struct topo_room { /* bytes of one page size, for admission: the tiers are a laminar family, so two
                      sums are exact */
    uint64_t page_bytes; /* 0: base pages */
    uint64_t capacity[WEIR_TOPO_TIER_COUNT], used[WEIR_TOPO_TIER_COUNT];
    uint64_t any_capacity, any_used; /* all but GPU */
};

struct topo_core_group { /* cores of one domain with the same shared capacity, as a heap by load */
    uint32_t domain, capacity_milli_cu;
    uint32_t first, count; /* in heap[] */
};

struct topo_state {
    const struct weir_topo_machine *m;
    struct weir_topo_plan *plan;
    uint32_t *stream_order; /* admission order */
    struct topo_room rooms[1 + TOPO_RAW_PAGES];
    uint32_t room_count;
    uint64_t memory_left; /* of limit_memory_bytes */
    uint64_t cpu_left;    /* of limit_milli_cu, for exclusive capacity */
    uint64_t base_page;
    uint64_t *page_of; /* per partition: 0 base, else the huge page size it was admitted with */
    uint8_t *lacks;    /* per partition: enum weir_topo_why it is degraded for, FITS if none */

    /* CPU */
    uint8_t *taken;                          /* per PU: owned exclusively */
    uint32_t *busy[WEIR_TOPO_SCOPE_COUNT];   /* per unit: PUs taken */
    uint32_t *usable[WEIR_TOPO_SCOPE_COUNT]; /* per unit: usable PUs */
    uint8_t *barred[WEIR_TOPO_SCOPE_COUNT];  /* per unit: contains a reserved PU */
    uint32_t *home[WEIR_TOPO_SCOPE_COUNT];   /* per unit: domain of its first PU */
    uint32_t *home_first[WEIR_TOPO_SCOPE_COUNT],
        *home_unit[WEIR_TOPO_SCOPE_COUNT]; /* units by home domain */
    uint64_t *
        free_capacity[WEIR_TOPO_SCOPE_COUNT]; /* per domain: capacity of free units of this scope */
    uint32_t *free_units[WEIR_TOPO_SCOPE_COUNT]; /* per domain */
    uint64_t shared_capacity;                    /* capacity of PUs that are not taken */
    uint32_t shared_pus;
    uint64_t shared_promised; /* explicit milli-CU of admitted shared partitions */
    uint32_t shared_admitted;
    bool
        shared_peers; /* shared streams have the priority that is being admitted: leave them a PU */
    size_t pu_capacity, grant_capacity; /* of plan->pu_list, plan->grants */
    uint32_t *device_load;              /* per device: shared partitions on it */
    uint32_t *device_units_used;
    uint32_t *device_owned; /* per device: exclusive partitions on it */
    uint64_t *device_bytes_used;

    /* a current plan to stay close to: per partition its PUs there (in keep_pu), if they still
     * exist */
    const struct weir_topo_plan *current;
    uint32_t *keep_first, *keep_count, *keep_pu;
    uint8_t *wanted;   /* per PU: somebody keeps it exclusively */
    bool avoid_wanted; /* treat units with wanted PUs as busy */

    /* memory while CPUs are being chosen: bytes left per pool, local pools per domain */
    uint64_t *pool_left;
    uint32_t *local_first, *local_pool; /* per domain: its local pools, cheapest first */
    bool shared_pools;                  /* a pool is local to more than one domain */
};

/* plan.c */
int topo_state_room(struct topo_state *s, uint64_t page_bytes);
/* Bytes of tier TIER and page size PAGE_BYTES left in pools local to DOMAIN. */
uint64_t topo_local_left(const struct topo_state *s, uint32_t domain, enum weir_topo_tier tier,
                         uint64_t page_bytes);
/* Take up to BYTES from the pools local to DOMAIN; returns what did not fit. */
uint64_t topo_local_take(struct topo_state *s, uint32_t domain, enum weir_topo_tier tier,
                         uint64_t page_bytes, uint64_t bytes);
/* Sort the PUs of P and return the domain that has most of them, the first of equals. */
uint32_t topo_main_domain(struct topo_state *s, struct weir_topo_partition *p);
int topo_push_pu(struct topo_state *s, uint32_t pu, struct weir_topo_error *err) TOPO_NODISCARD;
/* Distance from one domain to the nearest memory of another; 10 if they are the same. */

/* plan_device.c: choose a device for partition I; false if none is free. */
bool topo_device_take(struct topo_state *s, uint32_t i);
void topo_device_give_back(struct topo_state *s, uint32_t i);

/* plan_exclusive.c */
int topo_exclusive_setup(struct topo_state *s, struct weir_topo_error *err) TOPO_NODISCARD;
/* 1 placed, 0 no room, < 0 error. NEAR is the domain of its device or WEIR_TOPO_NONE. */
int topo_exclusive_place(struct topo_state *s, uint32_t i, uint32_t near,
                         struct weir_topo_error *err) TOPO_NODISCARD;
/* The smallest positive capacity of a free-when-empty unit of SCOPE, 0 if there is none. */
uint32_t topo_smallest_unit(const struct weir_topo_machine *m, enum weir_topo_scope scope);

/* plan_shared.c: place every admitted shared partition (state PLACED, no PU yet). */
int topo_shared_place(struct topo_state *s, uint32_t steps,
                      struct weir_topo_error *err) TOPO_NODISCARD;

/* plan_memory.c */
int topo_memory_assign(struct topo_state *s, struct weir_topo_error *err) TOPO_NODISCARD;

/* plan_keep.c: fill the keep lists from s->current. */
int topo_keep_setup(struct topo_state *s, struct weir_topo_error *err) TOPO_NODISCARD;
/* Is A at least as good as B? Admission, bytes x distance, bytes x tier, load (within 1 %),
   degraded partitions. */
bool topo_plan_not_worse(const struct weir_topo_plan *a, const struct weir_topo_plan *b);
/* Does PLAN reject a partition that has a place in CURRENT? */
bool topo_plan_loses(const struct weir_topo_plan *plan, const struct weir_topo_plan *current);
/* Has every partition the same state, PUs and bytes in both? */
bool topo_plan_same_places(const struct weir_topo_plan *a, const struct weir_topo_plan *b);
/* Count what moved against CURRENT into plan->totals. */
void topo_count_moves(struct weir_topo_plan *plan, const struct weir_topo_plan *current);

/* plan_sort.c: sort by key, ascending and stable; false if there is no memory. */
struct topo_key {
    uint64_t key;
    uint32_t index;
};
bool topo_sort_keys(struct topo_key *keys, uint32_t n) TOPO_NODISCARD;

/* plan_bound.c: the least possible max(load / capacity) in ppm of ITEMS (milli-CU, descending, each
   on one bin) on bins with COUNTS[k] bins of CAPACITY[k]. */
uint64_t topo_load_bound(const uint32_t *items, size_t item_count, const uint32_t *capacity,
                         const uint32_t *counts, size_t kinds);

/* The same under the condition that no byte is remote: WORK on domains with CAPACITY milli-CU and
   BYTES of local memory. 0 if it says nothing (something must be remote, or there is no memory to
   compute it: it is a report only). */
struct topo_work {
    uint32_t milli_cu;
    uint64_t bytes;
};
uint64_t topo_local_load_bound(const struct topo_work *work, uint32_t count,
                               const uint64_t *capacity, const uint64_t *bytes, uint32_t domains);

#endif
