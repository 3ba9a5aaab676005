#ifndef WEIR_TOPOLOGY_H
#define WEIR_TOPOLOGY_H

/* weir-topology: give every stream partition its own share of CPU, memory and device on a real
 * machine.
 *
 * A library of its own: it needs libc, hwloc and libnuma, and nothing of the rest of Weir. The way
 * through it:
 *
 *     struct weir_topo_error err;
 *     struct weir_topo_machine *machine;
 *     struct weir_topo_demand *demand;
 *     struct weir_topo_plan *plan;
 *
 *     weir_topo_machine_load(NULL, &machine, &err);                 // the machine we run on
 *     weir_topo_demand_parse_streams("logs:8,ratio=1:4,mode=exclusive,scope=core", &demand, &err);
 *     weir_topo_plan_make(machine, demand, NULL, &plan, &err);
 *     for (uint32_t i = 0; i < plan->partition_count; i++)          // in the worker thread of
 * partition i: weir_topo_apply_thread(plan, i, &err);                    //   bind it, set its
 * memory policy
 *
 * Terms. A PU is a hardware thread. A *domain* is a set of PUs with the same local NUMA nodes. A
 * *pool* is the memory of one NUMA node at one page size. 1000 milli-CU is one core of the fastest
 * kind; SMT siblings share their core's capacity. A *partition* is one unit of parallel work of a
 * stream; the planner gives it a cpuset, bytes on pools and perhaps a device, or rejects it and
 * says what would have to change.
 *
 * Ownership. `..._load`, `..._make`, `..._parse` and `..._new` give an object that the caller frees
 * with the `..._free` of the same name (NULL is allowed). Objects are plain structs, readable, not
 * to be written unless it says so. A plan borrows its machine: the machine must outlive it. Strings
 * returned inside a struct live as long as the struct.
 *
 * Errors. 0 is success, a negative `enum weir_topo_status` is failure with the reason in the
 * caller's `struct weir_topo_error` (may be NULL). Nothing prints, exits or aborts.
 *
 * Threads. No global state but the allocator hook. A machine and a plan may be read by many threads
 * at once.
 *
 * Determinism. The same machine, demand, options and library version give the same plan to the
 * byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_TOPO_NONE   UINT32_MAX /* "no such index": no domain, no device, no pool */
#define WEIR_TOPO_SCHEMA 1 /* the version of every JSON document that this library writes */
#define WEIR_TOPO_API    __attribute__((visibility("default")))
#define WEIR_TOPO_CHECK  __attribute__((warn_unused_result, visibility("default")))

/* The numbers agree with Weir's `enum weir_status`. */
enum weir_topo_status {
    WEIR_TOPO_OK = 0,
    WEIR_TOPO_ERR_INVALID = -1, /* a wrong argument, option, demand or call order */
    WEIR_TOPO_ERR_PARSE = -2,   /* JSON, XML, synthetic string or cpuset list that does not parse */
    WEIR_TOPO_ERR_UNSUPPORTED = -4, /* the machine, hwloc or kernel cannot do this */
    WEIR_TOPO_ERR_IO = -6,          /* a file: missing, unreadable, unwritable */
    WEIR_TOPO_ERR_NOMEM = -7,       /* an allocation failed */
    WEIR_TOPO_ERR_MISMATCH =
        -9, /* a plan that is not of this machine, a binding that is not as planned */
    WEIR_TOPO_ERR_INTERNAL =
        -10 /* our mistake: the independent checker refused our own plan; please report */
};

/* Filled by the failing call, never allocated; the message is UTF-8, NUL-terminated, without a
 * newline. */
struct weir_topo_error {
    int code;        /* the weir_topo_status that was returned */
    int native_code; /* errno where one exists, else 0 */
    char message[512];
};

/* ---------------------------------------------------------------- machine */

enum weir_topo_tier {
    WEIR_TOPO_TIER_DRAM,
    WEIR_TOPO_TIER_HBM,
    WEIR_TOPO_TIER_CXL,
    WEIR_TOPO_TIER_NVM,
    WEIR_TOPO_TIER_GPU, /* device memory that the system shows as a NUMA node; used only when asked
                           for */
    WEIR_TOPO_TIER_COUNT,
    WEIR_TOPO_TIER_ANY = WEIR_TOPO_TIER_COUNT /* in a demand: any but GPU, DRAM first */
};

/* What an exclusive partition owns whole. The order is the order of size. */
enum weir_topo_scope {
    WEIR_TOPO_SCOPE_PU,
    WEIR_TOPO_SCOPE_CORE,
    WEIR_TOPO_SCOPE_L3,
    WEIR_TOPO_SCOPE_NUMA, /* a domain */
    WEIR_TOPO_SCOPE_PACKAGE,
    WEIR_TOPO_SCOPE_COUNT
};

enum weir_topo_device_kind {
    WEIR_TOPO_DEVICE_GPU,
    WEIR_TOPO_DEVICE_FPGA,
    WEIR_TOPO_DEVICE_NIC,
    WEIR_TOPO_DEVICE_DISK,
    WEIR_TOPO_DEVICE_OTHER
};

struct weir_topo_pu {
    uint32_t os_index;                    /* the number that Linux, taskset and cgroups use */
    uint32_t unit[WEIR_TOPO_SCOPE_COUNT]; /* its unit of each scope; unit[WEIR_TOPO_SCOPE_NUMA] is
                                             its domain */
    uint32_t capacity_milli_cu; /* its part of the core when all usable siblings are busy; 0 if not
                                   usable */
    uint8_t kind;               /* core kind, 0 is the fastest */
    bool allowed;               /* cgroup, affinity and --cpuset let us run here */
    bool reserved;              /* kept free by --reserve or owned by another process */
    bool busy; /* another process runs shared work there: shared work may join, nobody may own it */
};

/* The units of one scope, as a list of PU indices per unit: unit u owns pus[first[u]] ..
 * pus[first[u + 1] - 1]. */
struct weir_topo_units {
    uint32_t count;
    uint32_t *first;             /* count + 1 entries */
    uint32_t *pus;               /* machine->pu_count entries */
    uint32_t *capacity_milli_cu; /* count entries: usable capacity */
};

/* A node's memory at one page size. Node 0 with 4 KiB pages and 64 reserved 2 MiB pages makes two
 * pools. */
struct weir_topo_pool {
    uint32_t node; /* OS index of the NUMA node */
    enum weir_topo_tier tier;
    uint64_t page_bytes;
    uint64_t total_bytes;  /* what the node has */
    uint64_t usable_bytes; /* what the planner may hand out; 0 when the node is not allowed or its
                              size is implausible */
    bool huge; /* explicitly reserved huge pages: used only by a demand that names this page size */
    char
        source[48]; /* where usable_bytes comes from: "hwloc", "overlay", "implausible size", ... */
};

struct weir_topo_device {
    char name[64];  /* "gpu0", "opencl0d0", "cuda0", "eth0" */
    char model[64]; /* "NVIDIA H100", or "" */
    char pci[24];   /* "0000:17:00.0", or "" when unknown */
    enum weir_topo_device_kind kind;
    uint64_t bytes;         /* own memory, 0 if unknown */
    uint32_t compute_units; /* 0 if unknown: then it cannot be split */
    bool locality_known;
    uint32_t domain; /* the nearest domain, WEIR_TOPO_NONE if the locality is not known */
    uint32_t parent; /* index of the root device that this is a sub-device of, or WEIR_TOPO_NONE */
    uint32_t leased_units;     /* compute units that other processes own */
    bool busy;                 /* another process has queues on it: nobody may own it */
    uint64_t link_bytes_per_s; /* 0 if unknown */
};

struct weir_topo_machine {
    char name[96];        /* "live", a file name, the synthetic string, "builtin:..." */
    bool live;            /* it is the machine we run on: plans can be applied */
    char title[128];      /* the processor's or product's name, or "" */
    uint64_t fingerprint; /* changes when anything changes that a plan depends on */

    uint32_t pu_count;
    struct weir_topo_pu *pus; /* in hwloc's logical order */
    uint32_t os_limit;        /* 1 + the largest os_index */
    uint32_t *pu_of_os;       /* os_limit entries: PU index or WEIR_TOPO_NONE */
    struct weir_topo_units units[WEIR_TOPO_SCOPE_COUNT];
    uint64_t *l3_bytes;         /* per unit of scope L3: cache size, 0 if unknown */
    uint64_t capacity_milli_cu; /* of all usable PUs, before limit_milli_cu */
    uint32_t kind_count;
    uint32_t kind_capacity_milli_cu[16]; /* per kind: of one core */

    uint32_t domain_count; /* == units[WEIR_TOPO_SCOPE_NUMA].count */
    uint32_t pool_count;
    struct weir_topo_pool *pools;
    uint16_t *distance; /* [domain * pool_count + pool]; 10 is the nearest, 20 is twice as far */
    bool *local; /* [domain * pool_count + pool]: the pool's node is one of the domain's own */

    uint32_t device_count;
    struct weir_topo_device *devices;

    uint64_t limit_milli_cu; /* from cpu.max or the options; UINT64_MAX if there is none */
    char limit_cpu_source[96];
    uint64_t limit_memory_bytes; /* from memory.max or the options; UINT64_MAX if there is none */
    char limit_memory_source[96];
    char isolation[96]; /* what keeps others off our PUs: "none (affinity only)", "cpuset cgroup
                           ...", ... */
    struct topo_canon *canon; /* private: the order that plans are made in */
};

/* How to find the machine. All zero, or a NULL pointer, means: the live machine with its own
 * limits, without devices. */
struct weir_topo_machine_options {
    const char
        *source; /* NULL or "live"; "builtin:NAME"; a path that ends in .xml (hwloc) or .json (a
                    machine file: "synthetic" and an overlay); else an hwloc synthetic string */
    const char
        *overlay; /* path of a JSON overlay (devices, memory, tiers, capacities, limits), or NULL */
    const char *cpuset;          /* Linux list ("0-3,8"): plan on these PUs only, or NULL */
    const char *reserve;         /* Linux list of PUs that must stay free, or NULL */
    uint64_t limit_memory_bytes; /* 0: no further limit */
    uint64_t limit_milli_cu;     /* 0: no further limit */
    bool devices;                /* live only: look for I/O devices too (30 ms instead of 2) */
    bool ignore_limits;          /* live only: do not look at the cgroup's cpu.max and memory.max */
    const char *leases; /* a lease directory: leave out what other processes hold there; "" is the
                           default directory (weir_topo_lease_directory), NULL: do not look */
};

/* Read a machine. hwloc's own "opencl" component stays out of the process. OPTIONS may be NULL. */
WEIR_TOPO_CHECK int weir_topo_machine_load(const struct weir_topo_machine_options *options,
                                           struct weir_topo_machine **out,
                                           struct weir_topo_error *err);
WEIR_TOPO_API void weir_topo_machine_free(struct weir_topo_machine *machine);

/* The names of the shipped machine files, one per call from index 0, NULL after the last
 * ("builtin:NAME" loads it). */
WEIR_TOPO_API const char *weir_topo_builtin_name(uint32_t index);

/* May the planner put work on this PU? (allowed, not reserved) */
static inline bool weir_topo_pu_usable(const struct weir_topo_machine *machine, uint32_t pu)
{
    return machine->pus[pu].allowed && !machine->pus[pu].reserved;
}

/* ---------------------------------------------------------------- demand */

enum weir_topo_mode { WEIR_TOPO_SHARED, WEIR_TOPO_EXCLUSIVE };
enum weir_topo_device_want {
    WEIR_TOPO_DEVICE_NONE,
    WEIR_TOPO_DEVICE_PREFER,
    WEIR_TOPO_DEVICE_REQUIRE
};
enum weir_topo_memory_mode {
    WEIR_TOPO_MEMORY_AUTO, /* a fair part of what its domain has left, after all who asked for bytes
                            */
    WEIR_TOPO_MEMORY_BYTES, /* `bytes` per partition */
    WEIR_TOPO_MEMORY_RATIO  /* `bytes` per 1000 milli-CU: 1:4 is 4 GiB a core ("cu" is the same) */
};

/* A stream: PARTITIONS partitions with the same needs. Zero is a usable default for every field but
   `name` and `partitions`, except `tier`: start from weir_topo_stream_default(). */
struct weir_topo_stream {
    char name[64];
    uint32_t partitions;
    uint32_t milli_cu; /* per partition; 0 = auto: shared, an even part of the machine of at most
                          one core; exclusive, one unit of the scope */
    enum weir_topo_memory_mode memory_mode;
    uint64_t bytes;
    enum weir_topo_tier tier; /* ANY, or exactly this one (a hard constraint) */
    uint64_t page_bytes; /* 0: base pages; else reserved huge pages of this size, base pages when
                            they run out (the partition is then "degraded") */
    enum weir_topo_device_want device;
    enum weir_topo_device_kind device_kind; /* GPU unless set */
    uint32_t device_units; /* exclusive: compute units to own; 0 = a whole device */
    uint64_t device_bytes; /* device memory needed */
    enum weir_topo_mode mode;
    enum weir_topo_scope scope; /* exclusive only */
    int32_t priority;           /* the higher is admitted first; default 0 */
};

struct weir_topo_demand {
    uint32_t stream_count, stream_capacity;
    struct weir_topo_stream *streams;
};

WEIR_TOPO_API struct weir_topo_stream weir_topo_stream_default(const char *name,
                                                               uint32_t partitions);
WEIR_TOPO_CHECK int weir_topo_demand_new(struct weir_topo_demand **out,
                                         struct weir_topo_error *err);
/* Add a copy of STREAM. Refuses an empty name, 0 partitions, more than 2^24 partitions in all. */
WEIR_TOPO_CHECK int weir_topo_demand_add(struct weir_topo_demand *demand,
                                         const struct weir_topo_stream *stream,
                                         struct weir_topo_error *err);
WEIR_TOPO_API void weir_topo_demand_free(struct weir_topo_demand *demand);
/* Set one field by its name in the stream string below ("cpu", "ratio", "mode", ...). The error names
   the value and what is allowed, not the place. */
WEIR_TOPO_CHECK int weir_topo_stream_set(struct weir_topo_stream *stream, const char *key,
                                         const char *value, struct weir_topo_error *err);
/* "NAME:PARTITIONS[,key=value...]", several separated by ';'. Keys: cpu (1, 0.5, 500m), ratio (cu,
   1:4, 1:0.5), memory (512MiB, 4GiB), tier, pages (2MiB, 1GiB), device (none, prefer, require),
   device-kind, device-units, device-memory, mode, scope, priority. Errors name the character
   position. */
WEIR_TOPO_CHECK int weir_topo_demand_parse_streams(const char *text, struct weir_topo_demand **out,
                                                   struct weir_topo_error *err);
/* {"streams": [{"name": "logs", "partitions": 8, "ratio": "1:4", ...}]}; errors name LABEL, line
 * and column. */
WEIR_TOPO_CHECK int weir_topo_demand_parse_json(const char *text, size_t length, const char *label,
                                                struct weir_topo_demand **out,
                                                struct weir_topo_error *err);

/* "4GiB", "512M" (2^20), "1.5g", "4096": bytes. 0 or -1; *OUT is written on success. */
WEIR_TOPO_CHECK int weir_topo_parse_bytes(const char *text, uint64_t *out,
                                          struct weir_topo_error *err);
/* "cu", "1:4" (1 core : 4 GiB), "2:1": bytes per 1000 milli-CU. */
WEIR_TOPO_CHECK int weir_topo_parse_ratio(const char *text, uint64_t *out,
                                          struct weir_topo_error *err);

/* ---------------------------------------------------------------- plan */

enum weir_topo_state {
    WEIR_TOPO_PLACED,
    WEIR_TOPO_DEGRADED, /* it runs, but not as asked; `why` says what it lacks */
    WEIR_TOPO_REJECTED  /* it has no place; `why` says what binds, weir_topo_explain the smallest
                           change that fits */
};

/* The constraint that decided. For a placed partition WEIR_TOPO_WHY_FITS. */
enum weir_topo_why {
    WEIR_TOPO_WHY_FITS,
    WEIR_TOPO_WHY_REMOTE,     /* degraded: part of its memory is on a node that is not local */
    WEIR_TOPO_WHY_OVERCOMMIT, /* degraded: shared PUs carry more milli-CU than they have */
    WEIR_TOPO_WHY_PAGES,      /* degraded: not enough huge pages, base pages instead */
    WEIR_TOPO_WHY_NO_DEVICE,  /* degraded (prefer) or rejected (require): no such device is free */
    WEIR_TOPO_WHY_MEMORY,     /* rejected: no bytes left (in its tier) */
    WEIR_TOPO_WHY_MEMORY_LIMIT, /* rejected: memory.max or --limit-memory */
    WEIR_TOPO_WHY_CPU,          /* rejected: not enough free units of its scope */
    WEIR_TOPO_WHY_CPU_LIMIT,    /* rejected: cpu.max */
    WEIR_TOPO_WHY_NO_PU,        /* rejected: no PU left for shared work */
    WEIR_TOPO_WHY_COUNT
};

struct weir_topo_grant {
    uint32_t pool;
    uint64_t bytes; /* a multiple of the pool's page_bytes */
};

struct weir_topo_partition {
    uint32_t stream, index; /* which one it is: streams[stream], partition INDEX of it */
    enum weir_topo_state state;
    enum weir_topo_why why;
    uint32_t domain;             /* where most of its PUs are; WEIR_TOPO_NONE if rejected */
    uint32_t pu_first, pu_count; /* plan->pu_list[pu_first ...]: machine PU indices, ascending */
    uint32_t grant_first, grant_count; /* plan->grants[grant_first ...]: nearest pool first */
    uint32_t milli_cu;                 /* what it asked for, "auto" resolved */
    uint32_t share_milli_cu;           /* what it gets when everybody is busy */
    uint64_t bytes;          /* what it asked for, ratio and "auto" resolved, rounded up to pages */
    uint64_t remote_bytes;   /* the part of it that is not local */
    uint32_t device;         /* index of a machine device or WEIR_TOPO_NONE */
    uint32_t device_units;   /* compute units that it owns (exclusive); 0 = shares the device */
    uint32_t queue;          /* number of its command queue on that device */
    uint32_t staging_pool;   /* pool for transfer buffers, WEIR_TOPO_NONE without device */
    uint32_t runner_up;      /* the second-best domain, WEIR_TOPO_NONE if there was none */
    int64_t runner_up_price; /* how much worse it was: load of the chosen core in 1/1000 of its
                                capacity */
};

struct weir_topo_domain_use {
    uint64_t capacity_milli_cu; /* usable */
    uint64_t load_milli_cu;     /* shared partitions' requests and the capacity of what is owned
                                   exclusively */
    uint64_t bytes; /* granted from pools local to it and charged to it (a pool that several domains
                       share is charged to the first) */
    uint64_t remote_bytes;      /* its partitions' bytes elsewhere */
    uint64_t stranded_milli_cu; /* capacity left where no local byte is left, and owned but not
                                   asked for */
    uint64_t stranded_bytes;    /* bytes left where no capacity is left */
};

struct weir_topo_totals {
    uint32_t placed, degraded, rejected;
    uint64_t load_max_ppm;   /* the largest shared load / capacity of a core, in millionths */
    uint64_t load_bound_ppm; /* no plan with these exclusive sets (and, if nothing is remote,
                                without remote bytes) can have a smaller one */
    uint64_t remote_bytes;
    uint64_t remote_bound_bytes; /* no memory assignment with these cpusets can have fewer */
    uint64_t distance_bytes;     /* sum of bytes * (distance - 10) / 10 */
    uint64_t stranded_milli_cu, stranded_bytes;
    uint64_t moved_bytes; /* against the current plan, if one was given */
    uint32_t moved_partitions;
    uint64_t search_steps; /* local search, counted in steps and not in time */
};

struct weir_topo_plan {
    const struct weir_topo_machine *machine; /* borrowed */
    uint64_t machine_fingerprint;
    uint32_t stream_count;
    struct weir_topo_stream *streams; /* a copy, as asked */
    bool all_explicit;                /* no stream leaves its CPU or memory to the planner */
    bool any_exclusive;
    uint32_t partition_count; /* in the order of streams, then index */
    struct weir_topo_partition *partitions;
    uint32_t pu_list_count;
    uint32_t *pu_list;
    uint32_t grant_count;
    struct weir_topo_grant *grants;
    uint64_t *pool_granted; /* per pool: bytes handed out; the ledger */
    struct weir_topo_domain_use *domains;
    struct weir_topo_totals totals;
    struct topo_room_kept *room; /* private: what weir_topo_plan_resize remembers, or NULL */
};

struct weir_topo_plan_options {
    const struct weir_topo_plan
        *current; /* keep partitions where they are if that costs nothing above it; or NULL */
    uint32_t search_steps; /* bound of the local search; 0 = the default */
};

/* Plan DEMAND on MACHINE. Succeeds also when partitions are rejected (look at totals.rejected). The
   result has passed weir_topo_plan_check. OPTIONS may be NULL. */
WEIR_TOPO_CHECK int weir_topo_plan_make(const struct weir_topo_machine *machine,
                                        const struct weir_topo_demand *demand,
                                        const struct weir_topo_plan_options *options,
                                        struct weir_topo_plan **out, struct weir_topo_error *err);
/* Change the number of partitions of stream STREAM to PARTITIONS. A few more or fewer shared partitions with room on a
   core and on a local node change nothing else and take microseconds, in place; everything else plans anew, close to what was
   there, and *PLAN is then another object. Where it fails the plan is as before, or has part of the change. */
WEIR_TOPO_CHECK int weir_topo_plan_resize(struct weir_topo_plan **plan, uint32_t stream,
                                          uint32_t partitions, struct weir_topo_error *err);
WEIR_TOPO_API void weir_topo_plan_free(struct weir_topo_plan *plan);

/* The independent checker: shares no code with the planner. 0, or WEIR_TOPO_ERR_INTERNAL with the
 * first breach. */
WEIR_TOPO_CHECK int weir_topo_plan_check(const struct weir_topo_plan *plan,
                                         struct weir_topo_error *err);

/* Partition I's cpuset as a Linux list ("0-3,8") into BUF (always NUL-terminated if SIZE > 0);
   returns the length it needs without the NUL, as snprintf does. */
WEIR_TOPO_API size_t weir_topo_plan_cpuset(const struct weir_topo_plan *plan, uint32_t i, char *buf,
                                           size_t size);
/* Its OS CPU numbers into CPUS (room for MAX); returns how many there are. */
WEIR_TOPO_API uint32_t weir_topo_plan_cpus(const struct weir_topo_plan *plan, uint32_t i,
                                           uint32_t *cpus, uint32_t max);
/* Its NUMA nodes (OS numbers, nearest first, each once); returns how many there are. */
WEIR_TOPO_API uint32_t weir_topo_plan_nodes(const struct weir_topo_plan *plan, uint32_t i,
                                            uint32_t *nodes, uint32_t max);
/* One sentence for people: why it is where it is, or why it is nowhere. Returns the length as
 * snprintf does. */
WEIR_TOPO_API size_t weir_topo_plan_why(const struct weir_topo_plan *plan, uint32_t i, char *buf,
                                        size_t size);

/* ---------------------------------------------------------------- apply and verify (live machines
 * only) */

/* Bind the calling thread to partition I's cpuset and prefer its nodes for what it touches first
   from now on. Where the kernel refuses a memory policy (a container without the right), the
   binding stands and *MEMORY_BOUND (may be NULL) is false. Fails with MISMATCH if the plan is not
   of a live machine. */
WEIR_TOPO_CHECK int weir_topo_apply_thread(const struct weir_topo_plan *plan, uint32_t i,
                                           bool *memory_bound, struct weir_topo_error *err);
/* Bind the calling thread to the PUs of all partitions together: for a thread that only hands out
   their work. The memory policy stays. */
WEIR_TOPO_CHECK int weir_topo_apply_all(const struct weir_topo_plan *plan,
                                        struct weir_topo_error *err);
/* Undo: run on all allowed PUs, default memory policy. */
WEIR_TOPO_CHECK int weir_topo_release_thread(const struct weir_topo_machine *machine,
                                             struct weir_topo_error *err);
/* BYTES of zeroed, page-aligned memory bound to partition I's nodes in the proportion of its grants
   (any thread may call). Free with weir_topo_memory_free and the same BYTES. NOMEM if the system
   has not enough. */
WEIR_TOPO_CHECK int weir_topo_memory_alloc(const struct weir_topo_plan *plan, uint32_t i,
                                           size_t bytes, void **out, struct weir_topo_error *err);
WEIR_TOPO_API void weir_topo_memory_free(void *memory, size_t bytes);

/* What one thread (TID, 0 = the caller) or a piece of memory really is, against the plan. */
struct weir_topo_verdict {
    bool cpus_as_planned; /* its affinity mask is exactly the planned cpuset */
    uint32_t on_cpu;      /* the PU it ran on last (OS number), WEIR_TOPO_NONE if unknown */
    bool on_planned_cpu;
    uint64_t pages_sampled; /* resident pages that were looked at */
    uint64_t pages_planned; /* of these, on a planned node */
};
WEIR_TOPO_CHECK int weir_topo_verify_thread(const struct weir_topo_plan *plan, uint32_t i, int tid,
                                            struct weir_topo_verdict *out,
                                            struct weir_topo_error *err);
/* Adds to OUT's page counts; looks at up to MAX_PAGES pages spread over the range. */
WEIR_TOPO_CHECK int weir_topo_verify_memory(const struct weir_topo_plan *plan, uint32_t i,
                                            const void *memory, size_t bytes, size_t max_pages,
                                            struct weir_topo_verdict *out,
                                            struct weir_topo_error *err);

/* What pool POOL of a live machine could give right now: free memory and what the kernel can take
   back at once. The plan counts with what the node has, which can change and which others use too;
   ask before relying on it. */
WEIR_TOPO_CHECK int weir_topo_pool_available(const struct weir_topo_machine *machine, uint32_t pool,
                                             uint64_t *bytes, struct weir_topo_error *err);

/* ---------------------------------------------------------------- leases: several processes on one
 * machine */

/* A lease keeps what a plan uses from being used twice: PUs and compute units that are owned, bytes
   of every pool (but not those of shared partitions that named no size), and the fact that shared
   PUs and devices are in use. It is a file below a
   directory that all processes agree on, locked for as long as the process lives; a process that
   dies, however it dies, gives everything back. */
struct weir_topo_lease;
struct weir_topo_text;

/* $WEIR_LEASE_DIR, else /run/lock/weir, else /tmp/weir-lease. */
WEIR_TOPO_API const char *weir_topo_lease_directory(void);
/* Load the machine without what others hold, plan DEMAND on it and lease the plan, as one step that
   no other process can get between. NAME says who we are to others. OPTIONS->leases is the
   directory (NULL: the default). If a partition is rejected nothing is leased: INVALID with a
   message that says what is taken and by whom; *MACHINE and *PLAN are then given too, so that
   weir_topo_explain_text can say what would fit. */
WEIR_TOPO_CHECK int weir_topo_lease_take(const struct weir_topo_machine_options *options,
                                         const struct weir_topo_demand *demand,
                                         const struct weir_topo_plan_options *plan_options,
                                         const char *name, struct weir_topo_machine **machine,
                                         struct weir_topo_plan **plan,
                                         struct weir_topo_lease **lease,
                                         struct weir_topo_error *err);
/* The same in two steps, for a demand that depends on what is free: begin locks the directory and
   loads the machine without what others hold; commit leases a plan for that machine and unlocks.
   Nobody else gets a lease in between, so be quick. weir_topo_lease_free ends it at any point. */
WEIR_TOPO_CHECK int weir_topo_lease_begin(const struct weir_topo_machine_options *options,
                                          const char *name, struct weir_topo_machine **machine,
                                          struct weir_topo_lease **lease,
                                          struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_lease_commit(struct weir_topo_lease *lease,
                                           const struct weir_topo_plan *plan,
                                           struct weir_topo_error *err);
/* Add a device to a committed lease, by a name that all processes give it (its PCI address where it
   has one): OWN: nobody else may use it. INVALID, and nothing is added, if another process owns it,
   or uses it and OWN is asked for; the message says who. Again for the same device: nothing. */
WEIR_TOPO_CHECK int weir_topo_lease_device(struct weir_topo_lease *lease, const char *device,
                                           bool own, struct weir_topo_error *err);
/* Put the process into a cgroup v2 of its own with the plan's CPUs and nodes, as a cpuset partition
   where that is permitted, so that the kernel keeps others off; before threads are bound. GROUP: the
   directory of the cgroup to divide, NULL: the one that the process is in. LEVEL gets what was
   reached, in words: "cgroup v2 cpuset, isolated partition" or "root partition", "cgroup v2 cpuset
   and locks (...)", "affinity and locks (why not more)". Falling back is no error. Undone by
   weir_topo_lease_free, or by whoever finds the lease of a process that died. */
WEIR_TOPO_CHECK int weir_topo_lease_isolate(struct weir_topo_lease *lease,
                                            const struct weir_topo_plan *plan, const char *group,
                                            char *level, size_t size, struct weir_topo_error *err);
/* Would that be tried here? If not, WHY says what is missing. */
WEIR_TOPO_API bool weir_topo_may_isolate(const char *group, char *why, size_t size);
/* What a running job tells others about itself, for `weir topo verify --pid`: the isolation that it
   reached, in words; a thread TID (as gettid says) that runs for partition I on CPUS (a Linux list;
   NULL: all of the partition's), KIND being one word such as "slot"; a block of memory of partition
   I, of which the newest are kept (from any thread, and cheap). */
WEIR_TOPO_CHECK int weir_topo_lease_note_isolation(struct weir_topo_lease *lease, const char *text,
                                                   struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_lease_note_thread(struct weir_topo_lease *lease,
                                                const struct weir_topo_plan *plan, const char *kind,
                                                uint32_t i, int tid, const char *cpus,
                                                struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_lease_keep_memory(struct weir_topo_lease *lease,
                                                struct weir_topo_error *err); /* before the first */
WEIR_TOPO_API void weir_topo_lease_note_memory(struct weir_topo_lease *lease, uint32_t i,
                                               const void *memory, size_t bytes);
/* Give it back (NULL is allowed). */
WEIR_TOPO_API void weir_topo_lease_free(struct weir_topo_lease *lease);
/* One line per living holder in DIRECTORY (NULL: the default): who holds what. */
WEIR_TOPO_CHECK int weir_topo_lease_text(const char *directory, struct weir_topo_text *out,
                                         struct weir_topo_error *err);

/* ---------------------------------------------------------------- what people see */

/* A growing text. Start from {0}; after a failed allocation `failed` is set and further writes do
 * nothing. */
struct weir_topo_text {
    char *data; /* NUL-terminated, NULL while empty */
    size_t length, capacity;
    bool failed;
};
WEIR_TOPO_API void weir_topo_text_free(struct weir_topo_text *text);
/* Write it to FILE; 0, or IO / NOMEM (if the text had failed). */
WEIR_TOPO_CHECK int weir_topo_text_write(const struct weir_topo_text *text, FILE *file,
                                         struct weir_topo_error *err);

/* Each appends to OUT and returns 0 or NOMEM. The text form is a table for a terminal; JSON is
   versioned, in a stable order, ends with a newline; SVG is a whole file. */
WEIR_TOPO_CHECK int weir_topo_machine_text(const struct weir_topo_machine *machine,
                                           struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_machine_json(const struct weir_topo_machine *machine,
                                           struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_machine_svg(const struct weir_topo_machine *machine,
                                          struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_plan_text(const struct weir_topo_plan *plan,
                                        struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_plan_json(const struct weir_topo_plan *plan,
                                        struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_plan_svg(const struct weir_topo_plan *plan,
                                       struct weir_topo_text *out, struct weir_topo_error *err);

/* ---------------------------------------------------------------- plans as files, questions about
 * plans */

/* Read the JSON of a plan back, for MACHINE. Everything is checked again: a file that was edited
   into no plan, or is of another machine (MISMATCH of the fingerprint), is refused. LABEL names the
   text in errors. */
WEIR_TOPO_CHECK int weir_topo_plan_parse_json(const char *text, size_t length, const char *label,
                                              const struct weir_topo_machine *machine,
                                              struct weir_topo_plan **out,
                                              struct weir_topo_error *err);
/* The same for weir_topo_plan_options.current only: the machine may have changed since; partitions
   whose PUs, nodes or devices are gone are read as rejected, and nothing is checked. */
WEIR_TOPO_CHECK int weir_topo_plan_parse_current(const char *text, size_t length, const char *label,
                                                 const struct weir_topo_machine *machine,
                                                 struct weir_topo_plan **out,
                                                 struct weir_topo_error *err);

/* For a stream with rejected partitions: the smallest change of its demand with which all of them
   fit and no other stream loses one, found by planning again. 1: *CHANGED is the stream with the
   change and TEXT says it in words
   ("lower the memory of each partition from 6 GiB to 5.3 GiB (...)"); 0: nothing of its own would
   help (or nothing is rejected); < 0: error. */
WEIR_TOPO_CHECK int weir_topo_suggest(const struct weir_topo_plan *plan, uint32_t stream,
                                      struct weir_topo_stream *changed, char *text, size_t size,
                                      struct weir_topo_error *err);

/* Why every stream (or, with PARTITION not WEIR_TOPO_NONE, that partition) is where it is: what
   binds, what the runner-up was and what it would have cost, how full its domain is, and what would
   make the rejected ones fit. */
WEIR_TOPO_CHECK int weir_topo_explain_text(const struct weir_topo_plan *plan, uint32_t partition,
                                           struct weir_topo_text *out, struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_explain_json(const struct weir_topo_plan *plan, uint32_t partition,
                                           struct weir_topo_text *out, struct weir_topo_error *err);

/* What changes from plan A to plan B (of the same machine): per partition state, CPUs, bytes,
 * device; the totals. */
WEIR_TOPO_CHECK int weir_topo_diff_text(const struct weir_topo_plan *a,
                                        const struct weir_topo_plan *b, struct weir_topo_text *out,
                                        struct weir_topo_error *err);
WEIR_TOPO_CHECK int weir_topo_diff_json(const struct weir_topo_plan *a,
                                        const struct weir_topo_plan *b, struct weir_topo_text *out,
                                        struct weir_topo_error *err);

/* The plan in other programs' words. */
enum weir_topo_export {
    WEIR_TOPO_EXPORT_HWLOC_XML, /* the machine for `lstopo -i FILE.xml`, PUs in the colours of their
                                   partitions */
    WEIR_TOPO_EXPORT_NUMACTL,   /* a numactl command line per partition */
    WEIR_TOPO_EXPORT_TASKSET,   /* a taskset command line per partition */
    WEIR_TOPO_EXPORT_CGROUP,    /* a shell script that makes a cgroup v2 per partition */
};
WEIR_TOPO_CHECK int weir_topo_export(const struct weir_topo_plan *plan,
                                     enum weir_topo_export format, struct weir_topo_text *out,
                                     struct weir_topo_error *err);

/* Which machine type of a catalogue carries DEMAND at the lowest price, and how many of them: the
   partitions of every stream are divided evenly over equal machines, none may be rejected or
   overcommitted. CATALOGUE (of LENGTH bytes, named LABEL in errors; NULL: the shipped one, whose
   prices are examples):
   {"types": [{"name": "general-16", "price": 0.4, "machine": {"synthetic": "...", ...}}]}; a
   machine is what a machine file holds. The cheapest first; types that cannot carry it last. */
WEIR_TOPO_CHECK int weir_topo_advise(const struct weir_topo_demand *demand, const char *catalogue,
                                     size_t length, const char *label, bool json,
                                     struct weir_topo_text *out, struct weir_topo_error *err);
/* The demand of a measured run: TEXT is what `weir run --stats` wrote. CPU per row times
   ROWS_PER_S, and the bytes it had at its peak, in partitions of at most 70 % of a core each (so
   that there is room for bursts). */
WEIR_TOPO_CHECK int weir_topo_demand_from_stats(const char *text, size_t length, const char *label,
                                                double rows_per_s, struct weir_topo_demand **out,
                                                struct weir_topo_error *err);

/* The command line `weir topo ...`: ARGV[0] is the verb (show, plan, explain, diff, apply, verify,
   advise, export, or
   --help). Returns the exit status: 0 done, 1 failed (the reason is on ERR), 2 wrong usage, 3 the
   demand does not fit (a partition was rejected, or verify found a deviation). */
WEIR_TOPO_API int weir_topo_cli(int argc, char **argv, FILE *out, FILE *err);

WEIR_TOPO_API const char *weir_topo_tier_name(enum weir_topo_tier tier);
WEIR_TOPO_API const char *weir_topo_scope_name(enum weir_topo_scope scope);
WEIR_TOPO_API const char *weir_topo_mode_name(enum weir_topo_mode mode);
WEIR_TOPO_API const char *weir_topo_state_name(enum weir_topo_state state);
WEIR_TOPO_API const char *weir_topo_why_name(enum weir_topo_why why);
WEIR_TOPO_API const char *weir_topo_device_kind_name(enum weir_topo_device_kind kind);

#ifdef __cplusplus
}
#endif
#endif
