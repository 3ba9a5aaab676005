/* Making a plan true on the live machine, and looking whether it is: affinity and memory policy of
   the calling thread, memory bound to a partition's nodes, and the two questions of verify: where
   does this thread run, where do these pages lie. Speaks to the kernel directly (sched_setaffinity,
   set_mempolicy, mbind, move_pages), because hwloc's binding calls would need the topology to be
   kept. */
#include "topology/internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NODE_LIMIT 1024 /* the kernel's largest MAX_NUMNODES */

static int check_live(const struct weir_topo_plan *plan, uint32_t i, struct weir_topo_error *err)
{
    if (!plan->machine->live)
        return topo_fail(err, WEIR_TOPO_ERR_MISMATCH,
                         "this plan is for machine %s, not for the one we run on: it can be looked "
                         "at, not applied",
                         plan->machine->name);
    if (i >= plan->partition_count)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "partition %u: the plan has %u", i,
                         plan->partition_count);
    if (plan->partitions[i].state == WEIR_TOPO_REJECTED)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "partition %u of stream '%s' was rejected: it has no place to bind to",
                         plan->partitions[i].index, plan->streams[plan->partitions[i].stream].name);
    return WEIR_TOPO_OK;
}

/* A kernel CPU mask with the partition's PUs (or, with PLAN NULL, all allowed ones of M); CPU_FREE
 * it. */
static cpu_set_t *make_mask(const struct weir_topo_machine *m, const struct weir_topo_plan *plan,
                            uint32_t i, size_t *bytes)
{
    cpu_set_t *set = CPU_ALLOC(m->os_limit);
    *bytes = CPU_ALLOC_SIZE(m->os_limit);
    if (!set) return NULL;
    CPU_ZERO_S(*bytes, set);
    if (plan) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        for (uint32_t k = 0; k < p->pu_count; k++)
            CPU_SET_S(m->pus[plan->pu_list[p->pu_first + k]].os_index, *bytes, set);
    } else {
        for (uint32_t k = 0; k < m->pu_count; k++)
            if (m->pus[k].allowed) CPU_SET_S(m->pus[k].os_index, *bytes, set);
    }
    return set;
}

static int bind_mask(cpu_set_t *set, size_t bytes, const char *what, struct weir_topo_error *err)
{
    if (!set) return topo_fail_nomem(err, "binding a thread");
    int rc = sched_setaffinity(0, bytes, set) < 0 ? errno : 0;
    CPU_FREE(set);
    return rc ? topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, rc, "cannot bind the thread to %s",
                                what)
              : WEIR_TOPO_OK;
}

/* The nodes of partition I as a kernel mask; false if there are none. */
static bool node_mask(const struct weir_topo_plan *plan, uint32_t i, unsigned long *mask)
{
    uint32_t nodes[NODE_LIMIT], n = weir_topo_plan_nodes(plan, i, nodes, NODE_LIMIT);
    const unsigned word = 8 * sizeof *mask;
    memset(mask, 0, NODE_LIMIT / 8);
    for (uint32_t k = 0; k < n && k < NODE_LIMIT; k++)
        if (nodes[k] < NODE_LIMIT) mask[nodes[k] / word] |= 1UL << (nodes[k] % word);
    return n > 0;
}

int weir_topo_apply_thread(const struct weir_topo_plan *plan, uint32_t i, bool *memory_bound,
                           struct weir_topo_error *err)
{
    if (memory_bound) *memory_bound = false;
    int rc = check_live(plan, i, err);
    if (rc) return rc;
    char list[128];
    size_t bytes = 0;
    weir_topo_plan_cpuset(plan, i, list, sizeof list);
    cpu_set_t *set = make_mask(plan->machine, plan, i, &bytes);
    rc = bind_mask(set, bytes, list, err);
    if (rc) return rc;
    uint32_t first;
    unsigned long mask[NODE_LIMIT / (8 * sizeof(unsigned long))] = {0};
    if (!weir_topo_plan_nodes(plan, i, &first, 1) || first >= NODE_LIMIT) return WEIR_TOPO_OK;
    mask[first / (8 * sizeof *mask)] = 1UL << (first % (8 * sizeof *mask));
    long done = set_mempolicy(MPOL_PREFERRED, mask, NODE_LIMIT + 1);
    if (memory_bound) *memory_bound = done == 0;
    return WEIR_TOPO_OK;
}

int weir_topo_apply_all(const struct weir_topo_plan *plan, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = plan->machine;
    if (!m->live) return topo_fail(err, WEIR_TOPO_ERR_MISMATCH, "machine %s is not live", m->name);
    cpu_set_t *set = CPU_ALLOC(m->os_limit);
    size_t bytes = CPU_ALLOC_SIZE(m->os_limit);
    if (set) CPU_ZERO_S(bytes, set);
    for (uint32_t k = 0; set && k < plan->pu_list_count; k++)
        CPU_SET_S(m->pus[plan->pu_list[k]].os_index, bytes, set);
    return bind_mask(set, bytes, "the PUs of the plan", err);
}

int weir_topo_release_thread(const struct weir_topo_machine *machine, struct weir_topo_error *err)
{
    if (!machine->live)
        return topo_fail(err, WEIR_TOPO_ERR_MISMATCH, "machine %s is not live", machine->name);
    size_t bytes = 0;
    cpu_set_t *set = make_mask(machine, NULL, 0, &bytes);
    int rc = bind_mask(set, bytes, "all allowed PUs", err);
    if (!rc && set_mempolicy(MPOL_DEFAULT, NULL, 0) < 0 && errno != ENOSYS && errno != EPERM)
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno,
                             "cannot reset the memory policy");
    return rc;
}

/* ---- memory */

static size_t round_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

int weir_topo_memory_alloc(const struct weir_topo_plan *plan, uint32_t i, size_t bytes, void **out,
                           struct weir_topo_error *err)
{
    *out = NULL;
    int rc = check_live(plan, i, err);
    if (rc) return rc;
    size_t size = round_pages(bytes ? bytes : 1);
    if (size < bytes) return topo_fail_nomem(err, "binding memory");
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return topo_fail_errno(err, WEIR_TOPO_ERR_NOMEM, errno,
                               "cannot map %zu bytes for a partition", size);
    /* one piece per grant, in proportion; the last takes the rest. Bound before the first touch, so
     * nothing moves. */
    const struct weir_topo_partition *p = &plan->partitions[i];
    size_t at = 0;
    for (uint32_t k = 0; k < p->grant_count && at < size; k++) {
        const struct weir_topo_grant *g = &plan->grants[p->grant_first + k];
        size_t piece = size - at;
        if (k + 1 < p->grant_count)
            piece = round_pages((size_t)((unsigned __int128)size * g->bytes / p->bytes));
        if (piece > size - at) piece = size - at;
        uint32_t node = plan->machine->pools[g->pool].node;
        unsigned long mask[NODE_LIMIT / (8 * sizeof(unsigned long))] = {0};
        if (node < NODE_LIMIT && piece) {
            mask[node / (8 * sizeof *mask)] = 1UL << (node % (8 * sizeof *mask));
            if (mbind(memory + at, piece, MPOL_PREFERRED, mask, NODE_LIMIT + 1, 0) < 0 &&
                errno != ENOSYS && errno != EPERM) {
                rc = topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno,
                                     "cannot bind memory to node %u", node);
                munmap(memory, size);
                return rc;
            }
        }
        at += piece;
    }
    *out = memory;
    return WEIR_TOPO_OK;
}

void weir_topo_memory_free(void *memory, size_t bytes)
{
    if (memory) munmap(memory, round_pages(bytes ? bytes : 1));
}

/* ---- verify */

/* The CPU that thread TID ran on last: field 39 of its stat line, counted after the ')' of its
 * name. */
static uint32_t last_cpu(int tid)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *f = fopen(path, "r");
    if (!f) {
        snprintf(path, sizeof path, "/proc/%d/stat", tid);
        f = fopen(path, "r");
    }
    if (!f) return WEIR_TOPO_NONE;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = '\0';
    char *p = strrchr(line, ')');
    for (int field = 2; p && field < 39; field++) p = strchr(p + 1, ' ');
    return p ? (uint32_t)strtoul(p, NULL, 10) : WEIR_TOPO_NONE;
}

int weir_topo_verify_thread(const struct weir_topo_plan *plan, uint32_t i, int tid,
                            struct weir_topo_verdict *out, struct weir_topo_error *err)
{
    *out = (struct weir_topo_verdict){.on_cpu = WEIR_TOPO_NONE};
    int rc = check_live(plan, i, err);
    if (rc) return rc;
    size_t bytes = 0, got = CPU_ALLOC_SIZE(1 << 16);
    cpu_set_t *want = make_mask(plan->machine, plan, i, &bytes), *have = CPU_ALLOC(1 << 16);
    if (!want || !have) {
        rc = topo_fail_nomem(err, "verifying a thread");
        goto out;
    }
    CPU_ZERO_S(got, have);
    if (sched_getaffinity(tid, got, have) < 0) {
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno,
                             "cannot read the affinity of thread %d", tid);
        goto out;
    }
    out->cpus_as_planned = true;
    for (int cpu = 0; cpu < (1 << 16); cpu++) {
        bool planned = (size_t)cpu < bytes * 8 && CPU_ISSET_S((size_t)cpu, bytes, want);
        if (planned != !!CPU_ISSET_S((size_t)cpu, got, have)) out->cpus_as_planned = false;
    }
    out->on_cpu = tid ? last_cpu(tid) : (uint32_t)sched_getcpu();
    out->on_planned_cpu = out->on_cpu / 8 < bytes && CPU_ISSET_S(out->on_cpu, bytes, want);
out:
    if (want) CPU_FREE(want);
    if (have) CPU_FREE(have);
    return rc;
}

int weir_topo_verify_memory(const struct weir_topo_plan *plan, uint32_t i, const void *memory,
                            size_t bytes, size_t max_pages, struct weir_topo_verdict *out,
                            struct weir_topo_error *err)
{
    int rc = check_live(plan, i, err);
    if (rc) return rc;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), total = bytes / page;
    uintptr_t start = ((uintptr_t)memory + page - 1) / page * page;
    if (start != (uintptr_t)memory && total) total--;
    size_t n = total < max_pages ? total : max_pages;
    if (!n) return WEIR_TOPO_OK;
    unsigned long mask[NODE_LIMIT / (8 * sizeof(unsigned long))];
    node_mask(plan, i, mask);
    void **pages = topo_calloc(n, sizeof *pages);
    int *status = topo_calloc(n, sizeof *status);
    if (!pages || !status) {
        rc = topo_fail_nomem(err, "verifying memory");
        goto out;
    }
    for (size_t k = 0; k < n; k++)
        pages[k] = (void *)(start + (uintptr_t)((unsigned __int128)total * k / n) * page);
    if (move_pages(0, n, pages, NULL, status, 0) < 0) {
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno, "cannot ask where pages lie");
        goto out;
    }
    for (size_t k = 0; k < n; k++) {
        if (status[k] < 0 || status[k] >= NODE_LIMIT) continue; /* not resident */
        out->pages_sampled++;
        out->pages_planned += mask[(size_t)status[k] / (8 * sizeof *mask)] >>
                                  ((size_t)status[k] % (8 * sizeof *mask)) &
                              1;
    }
out:
    topo_free(pages);
    topo_free(status);
    return rc;
}

/* A thread of PID for which no partition has been found yet takes the first partition that it
 * satisfies. */
static int match_thread(const struct weir_topo_plan *plan, int tid, uint8_t *matched,
                        struct topo_process_verdict *out, struct weir_topo_error *err)
{
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        struct weir_topo_verdict v;
        if (matched[i] || plan->partitions[i].state == WEIR_TOPO_REJECTED) continue;
        int rc = weir_topo_verify_thread(plan, i, tid, &v, err);
        if (rc == WEIR_TOPO_ERR_NOMEM) return rc;
        if (rc) return 0; /* the thread has ended meanwhile */
        if (!v.cpus_as_planned) continue;
        matched[i] = 1;
        out->bound++;
        out->on_planned_cpu += v.on_planned_cpu;
        return 0;
    }
    return 0;
}

int topo_verify_process(const struct weir_topo_plan *plan, int pid,
                        struct topo_process_verdict *out, struct weir_topo_error *err)
{
    char path[64];
    *out = (struct topo_process_verdict){0};
    for (uint32_t i = 0; i < plan->partition_count; i++)
        out->partitions += plan->partitions[i].state != WEIR_TOPO_REJECTED;
    if (!plan->machine->live)
        return topo_fail(err, WEIR_TOPO_ERR_MISMATCH, "machine %s is not the one we run on",
                         plan->machine->name);
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot look at process %d", pid);
    uint8_t *matched = topo_calloc(plan->partition_count, 1);
    int rc = matched ? 0 : topo_fail_nomem(err, "verifying a process");
    for (struct dirent *e = rc ? NULL : readdir(dir); e && !rc; e = readdir(dir)) {
        int tid = atoi(e->d_name);
        if (tid <= 0) continue;
        out->threads++;
        rc = match_thread(plan, tid, matched, out, err);
    }
    topo_free(matched);
    closedir(dir);
    return rc;
}

/* ---- memory right now */

/* Sum the kB of the lines of PATH that contain one of WORDS, which ends with NULL. */
static int sum_kib(const char *path, const char *const *words, uint64_t *kib,
                   struct weir_topo_error *err)
{
    char line[256];
    FILE *f = fopen(path, "r");
    if (!f) return topo_fail_errno(err, WEIR_TOPO_ERR_UNSUPPORTED, errno, "cannot read %s", path);
    *kib = 0;
    while (fgets(line, sizeof line, f))
        for (const char *const *w = words; *w; w++) {
            const char *at = strstr(line, *w);
            if (at) *kib += strtoull(at + strlen(*w), NULL, 10);
        }
    fclose(f);
    return WEIR_TOPO_OK;
}

int weir_topo_pool_available(const struct weir_topo_machine *machine, uint32_t pool,
                             uint64_t *bytes, struct weir_topo_error *err)
{
    static const char *const available[] = {"MemAvailable:", NULL};
    static const char *const of_node[] = {
        "MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:", NULL};
    char path[160];
    uint64_t n = 0;
    if (!machine->live || pool >= machine->pool_count)
        return topo_fail(err, WEIR_TOPO_ERR_MISMATCH,
                         "machine %s is not the one we run on, or has no pool %u", machine->name,
                         pool);
    const struct weir_topo_pool *p = &machine->pools[pool];
    if (p->huge) { /* the kernel counts pages that nobody has mapped */
        static const char *const number[] = {"", NULL};
        snprintf(path, sizeof path,
                 "/sys/devices/system/node/node%u/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
                 p->node, p->page_bytes / 1024);
        int rc = sum_kib(path, number, &n, err);
        *bytes = n * p->page_bytes;
        return rc;
    }
    bool alone = true;
    for (uint32_t k = 0; k < machine->pool_count; k++) alone &= machine->pools[k].node == p->node;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", p->node);
    int rc = alone ? sum_kib("/proc/meminfo", available, &n, err) : sum_kib(path, of_node, &n, err);
    *bytes = n * 1024;
    return rc;
}
