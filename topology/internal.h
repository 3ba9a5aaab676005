#ifndef WEIR_TOPOLOGY_INTERNAL_H
#define WEIR_TOPOLOGY_INTERNAL_H

/* Shared by the files of topology/ only: errors, memory, text, CPU lists, and the raw machine that
   every source (hwloc, a test's generator) fills before weir_topo_machine is derived from it. */

#include <hwloc.h>
#include <weir/topology.h>

#define TOPO_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define TOPO_NODISCARD    __attribute__((warn_unused_result))

int topo_fail(struct weir_topo_error *err, int code, const char *fmt, ...) TOPO_PRINTF(3, 4);
int topo_fail_errno(struct weir_topo_error *err, int code, int errno_value, const char *fmt, ...)
    TOPO_PRINTF(4, 5);
int topo_fail_nomem(struct weir_topo_error *err, const char *what);
#ifdef __clang_analyzer__ /* what the analyzer cannot know: these return the code that they are    \
                             given */
#define topo_fail(err, code, ...) ((void)(topo_fail)(err, code, __VA_ARGS__), (code))
#define topo_fail_errno(err, code, e, ...)                                                         \
    ((void)(topo_fail_errno)(err, code, e, __VA_ARGS__), (code))
#define topo_fail_nomem(err, what) ((void)(topo_fail_nomem)(err, what), WEIR_TOPO_ERR_NOMEM)
#endif
/* Put "PREFIX: " in front of the message that ERR holds; returns its code. */
int topo_prefix(struct weir_topo_error *err, const char *fmt, ...) TOPO_PRINTF(2, 3);

/* Zeroed memory for COUNT elements (at least one byte); NULL on overflow or when there is none. */
void *topo_calloc(size_t count, size_t size) TOPO_NODISCARD;
/* Grow *ARRAY of elements of SIZE so that it holds NEED; false if there is no memory (*ARRAY stays
 * valid). */
bool topo_grow(void *array, size_t *capacity, size_t need, size_t size) TOPO_NODISCARD;
/* The same for COUNT elements and one more, where nobody keeps the capacity: it is the next multiple
 * of 1024. */
bool topo_one_more(void *array, size_t count, size_t size) TOPO_NODISCARD;
void topo_free(void *p);
/* Tests: let the N-th allocation from now on (and, with ALWAYS, every later one) fail; 0 switches
 * it off. */
void topo_alloc_fail_at(uint64_t n, bool always);

void topo_text(struct weir_topo_text *t, const char *fmt, ...) TOPO_PRINTF(2, 3);
void topo_text_raw(struct weir_topo_text *t, const char *s, size_t n);
/* S as a JSON string with its quotes; invalid UTF-8 and control characters are escaped. */
void topo_text_json(struct weir_topo_text *t, const char *s);
/* S with <, >, & and quotes escaped for XML. */
void topo_text_xml(struct weir_topo_text *t, const char *s);
/* "4.2 GiB", "512 MiB", "0 B". */
void topo_text_bytes(struct weir_topo_text *t, uint64_t bytes);
/* NULs for padding a table: spaces until the column COLUMN of the current line (counted in
 * characters). */
void topo_text_pad(struct weir_topo_text *t, size_t column);
int topo_text_done(const struct weir_topo_text *t, struct weir_topo_error *err);
/* COUNT sorted OS numbers as a Linux list. */
void topo_text_list(struct weir_topo_text *t, const uint32_t *sorted, size_t count);
void topo_text_plan_cpuset(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i);

/* A Linux CPU list ("0-3,8") into sorted, distinct numbers. LABEL names the option in errors. */
int topo_parse_list(const char *text, const char *label, uint32_t **out, size_t *count,
                    struct weir_topo_error *err) TOPO_NODISCARD;
/* A whole file, NUL-terminated; refuses more than MAX bytes. */
int topo_read_file(const char *path, size_t max, char **out, size_t *length,
                   struct weir_topo_error *err) TOPO_NODISCARD;

/* ---- the raw machine */

#define TOPO_RAW_PAGES 4

struct topo_raw_pu {
    uint32_t os, core, l3,
        package; /* core, l3 and package are any numbers, equal for the PUs of one unit */
    uint32_t core_capacity; /* milli-CU of its whole core */
    bool allowed, reserved;
    bool busy; /* another process runs shared work there: not to be owned */
};

struct topo_raw_node {
    uint32_t os;
    enum weir_topo_tier tier;
    bool allowed;
    uint64_t bytes;      /* all of it, huge pages included */
    uint64_t page_bytes; /* base page; 0 means 4096 */
    char source[48];
    uint64_t huge_page[TOPO_RAW_PAGES], huge_count[TOPO_RAW_PAGES];
    uint64_t leased,
        huge_leased[TOPO_RAW_PAGES]; /* bytes that other processes hold, per page size */
};

struct topo_raw_device {
    struct weir_topo_device info; /* domain is not set */
    uint8_t *near;                /* per PU: 1 if the PU is in its locality; NULL if not known */
};

struct topo_raw {
    uint32_t pu_count, node_count, device_count;
    struct topo_raw_pu *pus;
    struct topo_raw_node *nodes;
    uint8_t *node_pu;        /* [node * pu_count + pu]: 1 if the PU is local to the node */
    uint16_t *node_distance; /* [from * node_count + to], 10 is local; NULL if not known */
    struct topo_raw_device *devices;
    uint64_t *l3_bytes; /* per PU: the size of its L3, NULL if not known */
    char name[96], title[128];
    bool live;
    uint64_t limit_milli_cu, limit_memory_bytes; /* UINT64_MAX: none */
    char limit_cpu_source[96], limit_memory_source[96], isolation[96];
};

void topo_raw_clear(struct topo_raw *raw);
/* Everything of weir_topo_machine_load but the deriving. RAW is zeroed before, and to be cleared
 * also after a failure. */
int topo_raw_load(const struct weir_topo_machine_options *options, struct topo_raw *raw,
                  struct weir_topo_error *err) TOPO_NODISCARD;
/* Derive the machine. RAW stays the caller's. Refuses no PU at all, double OS numbers, OS numbers
 * above 2^20. */
int topo_machine_build(const struct topo_raw *raw, struct weir_topo_machine **out,
                       struct weir_topo_error *err) TOPO_NODISCARD;
/* Fill RAW from a loaded hwloc topology. */
int topo_raw_from_hwloc(hwloc_topology_t topology, bool live, struct topo_raw *raw,
                        struct weir_topo_error *err) TOPO_NODISCARD;
/* Append a node without PUs, bytes or distances (the distance matrix is dropped). */
int topo_raw_add_node(struct topo_raw *raw, uint32_t os,
                      struct weir_topo_error *err) TOPO_NODISCARD;
/* IN: a byte per PU. */
void topo_raw_set_node_cpus(struct topo_raw *raw, uint32_t node, const uint8_t *in);
/* GONE: a byte per PU. Refuses to remove all. */
int topo_raw_remove_pus(struct topo_raw *raw, const uint8_t *gone,
                        struct weir_topo_error *err) TOPO_NODISCARD;
/* The limits of the cgroup that this process is in, v1 and v2, and how isolated its cpuset is. */
void topo_read_limits(struct topo_raw *raw);

/* 0xRRGGBB of a partition in every picture: few partitions have a hue each, many share their
 * stream's. */
unsigned topo_partition_colour(const struct weir_topo_plan *plan, uint32_t i);
/* The machine as hwloc XML (format 2) with the plan (may be NULL) in colours and Misc objects, for
 * lstopo. */
int topo_hwloc_xml(const struct weir_topo_machine *m, const struct weir_topo_plan *plan,
                   struct weir_topo_text *t, struct weir_topo_error *err) TOPO_NODISCARD;

/* Take what other processes hold in the lease directory DIR (see weir_topo_lease_take) out of RAW.
   A directory that does not exist holds nothing. */
int topo_lease_subtract(const char *dir, struct topo_raw *raw,
                        struct weir_topo_error *err) TOPO_NODISCARD;

/* ---- verify: a whole process */

struct topo_process_verdict {
    uint32_t partitions; /* that have a place */
    uint32_t bound;      /* of these, with a thread whose affinity is exactly the planned cpuset */
    uint32_t on_planned_cpu; /* of these, with the thread's last CPU inside it */
    uint32_t threads;
};
/* Every thread stands for at most one partition. */
int topo_verify_process(const struct weir_topo_plan *plan, int pid,
                        struct topo_process_verdict *out,
                        struct weir_topo_error *err) TOPO_NODISCARD;

/* What plan_resize.c keeps with a plan (plan->room). */
void topo_room_kept_free(struct topo_room_kept *room);
/* Set plan->all_explicit and any_exclusive from its streams. */
void topo_plan_summarise(struct weir_topo_plan *plan);

/* ---- the planner's view of costs; the same numbers are used by the checker's bound */

/* What a byte of POOL costs a thread of DOMAIN: local bytes cost the tier's rank, remote ones at
 * least 1000. */
uint32_t topo_cost(const struct weir_topo_machine *m, uint32_t domain, uint32_t pool);
/* May a demand for TIER and PAGE_BYTES (0: base) use POOL? */
bool topo_pool_fits(const struct weir_topo_pool *pool, enum weir_topo_tier tier,
                    uint64_t page_bytes);
/* What each PU of a shared partition carries of it: equal parts, rounded up. */
static inline uint32_t topo_part(const struct weir_topo_partition *p)
{
    return (uint32_t)(((uint64_t)p->milli_cu + p->pu_count - 1) / p->pu_count);
}
/* How far domain TO is from domain FROM: the distance of its nearest local pool, 10 is itself. */
uint32_t topo_domain_distance(const struct weir_topo_machine *m, uint32_t from, uint32_t to);

#endif
