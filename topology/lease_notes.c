/* What a job notes beside its lease while it runs, and the look at it from outside.

   Threads are appended to the lease file, a line each in one write, so that a reader sees whole
   lines; the last line of a thread counts. Blocks of memory go to a file of their own that the job
   has mapped: a ring of addresses for each partition. An address may be stale by the time somebody
   looks; then its page is not there any more and is not counted. */
#include "topology/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <numaif.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPU_LIMIT       (1 << 16)
#define PAGES_PER_BLOCK 16
#define MAX_NODE        1024

size_t topo_blocks_bytes(uint32_t partitions)
{
    return sizeof(struct topo_blocks) + (size_t)partitions * sizeof(struct topo_partition_blocks);
}

void topo_blocks_path(const char *path, char *buf, size_t size)
{
    size_t n = strlen(path), suffix = strlen(".lease");
    snprintf(buf, size, "%.*s.blocks", (int)(n > suffix ? n - suffix : n), path);
}

/* ---- noting */

int topo_lease_append(struct weir_topo_lease *lease, struct weir_topo_text *t,
                      struct weir_topo_error *err)
{
    int rc = topo_text_done(t, err);
    if (!rc && lseek(lease->fd, 0, SEEK_END) >= 0 &&
        write(lease->fd, t->data, t->length) != (ssize_t)t->length)
        rc = topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot write to the lease %s",
                             lease->path);
    weir_topo_text_free(t);
    return rc;
}

int weir_topo_lease_note_isolation(struct weir_topo_lease *lease, const char *text,
                                   struct weir_topo_error *err)
{
    struct weir_topo_text t = {0};
    topo_text(&t, "isolation %s\n", text);
    return topo_lease_append(lease, &t, err);
}

int weir_topo_lease_note_thread(struct weir_topo_lease *lease, const struct weir_topo_plan *plan,
                                const char *kind, uint32_t i, int tid, const char *cpus,
                                struct weir_topo_error *err)
{
    struct weir_topo_text t = {0};
    uint32_t nodes[64], n = weir_topo_plan_nodes(plan, i, nodes, 64);
    topo_text(&t, "thread %d %s %u ", tid, kind, i);
    if (cpus)
        topo_text(&t, "%s", cpus);
    else
        topo_text_plan_cpuset(&t, plan, i);
    topo_text(&t, " nodes");
    for (uint32_t k = 0; k < n && k < 64; k++) topo_text(&t, "%c%u", k ? ',' : ' ', nodes[k]);
    topo_text(&t, "\n");
    return topo_lease_append(lease, &t, err);
}

int weir_topo_lease_keep_memory(struct weir_topo_lease *lease, struct weir_topo_error *err)
{
    char path[4300];
    size_t bytes = topo_blocks_bytes(lease->partitions);
    if (lease->blocks) return WEIR_TOPO_OK;
    topo_blocks_path(lease->path, path, sizeof path);
    unlink(path); /* of an earlier process with our number */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0) {
        int e = errno;
        if (fd >= 0) close(fd);
        return topo_fail_errno(err, WEIR_TOPO_ERR_IO, e, "cannot write %s", path);
    }
    struct topo_blocks *b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (b == MAP_FAILED)
        return topo_fail_errno(err, WEIR_TOPO_ERR_NOMEM, errno, "cannot map %s", path);
    b->partitions = lease->partitions;
    b->magic = TOPO_BLOCKS_MAGIC;
    lease->blocks = b;
    return WEIR_TOPO_OK;
}

void weir_topo_lease_note_memory(struct weir_topo_lease *lease, uint32_t i, const void *memory,
                                 size_t bytes)
{
    if (!lease->blocks || i >= lease->partitions) return;
    struct topo_partition_blocks *p = &lease->blocks->partition[i];
    uint32_t k = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed) % TOPO_BLOCKS;
    atomic_store_explicit(&p->block[k].bytes, 0, memory_order_release);
    atomic_store_explicit(&p->block[k].address, (uint64_t)(uintptr_t)memory, memory_order_release);
    atomic_store_explicit(&p->block[k].bytes, bytes, memory_order_release);
}

void topo_lease_close_notes(struct weir_topo_lease *lease)
{
    char path[4300];
    if (!lease->blocks) return;
    topo_blocks_path(lease->path, path, sizeof path);
    munmap(lease->blocks, topo_blocks_bytes(lease->partitions));
    unlink(path);
    lease->blocks = NULL;
}

/* ---- looking */

struct looking {
    int pid;
    bool json, found;
    struct weir_topo_text *t;
    struct topo_job_verdict *out;
};

struct noted_thread {
    int tid;
    char kind[24];
    uint32_t partition;
    char cpus[512];
    char nodes[256];
};

/* State and last CPU of a thread; false when it has ended. */
static bool thread_now(int pid, int tid, char *state, uint32_t *cpu)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = '\0';
    char *p = strrchr(line, ')');
    if (!p || !p[1] || !p[2]) return false;
    *state = p[2];
    for (int field = 2; p && field < 39; field++) p = strchr(p + 1, ' ');
    *cpu = p ? (uint32_t)strtoul(p, NULL, 10) : WEIR_TOPO_NONE;
    return p != NULL;
}

/* Is the affinity of TID exactly LIST? -1 when the thread has ended. */
static int bound_to(int tid, const uint32_t *list, size_t n)
{
    size_t bytes = CPU_ALLOC_SIZE(CPU_LIMIT), k = 0;
    cpu_set_t *have = CPU_ALLOC(CPU_LIMIT);
    if (!have) return -1;
    CPU_ZERO_S(bytes, have);
    int rc = sched_getaffinity(tid, bytes, have) < 0 ? -1 : 1;
    for (uint32_t cpu = 0; rc == 1 && cpu < CPU_LIMIT; cpu++) {
        bool planned = k < n && list[k] == cpu;
        k += planned;
        if (planned != !!CPU_ISSET_S(cpu, bytes, have)) rc = 0;
    }
    CPU_FREE(have);
    return rc;
}

static int look_at_thread(struct looking *l, const struct noted_thread *x,
                          struct weir_topo_error *err)
{
    uint32_t *list = NULL, cpu = WEIR_TOPO_NONE;
    size_t n = 0;
    char state = '?';
    int rc = topo_parse_list(x->cpus, "lease", &list, &n, err);
    if (rc) return rc;
    int bound = thread_now(l->pid, x->tid, &state, &cpu) ? bound_to(x->tid, list, n) : -1;
    bool there = false;
    for (size_t k = 0; k < n; k++) there |= list[k] == cpu;
    topo_free(list);
    if (bound < 0) return WEIR_TOPO_OK; /* it has ended: nothing to compare */
    /* A thread that sleeps since before it was bound was last seen elsewhere, and wakes up here. */
    bool as_planned = bound && (there || state != 'R');
    l->out->threads++;
    l->out->threads_planned += as_planned;
    if (l->json)
        topo_text(l->t,
                  "%s\n  {\"thread\": %d, \"kind\": \"%s\", \"partition\": %u, \"cpuset\": \"%s\", "
                  "\"bound\": %s, \"cpu\": %u, \"as_planned\": %s}",
                  l->out->threads > 1 ? "," : "", x->tid, x->kind, x->partition, x->cpus,
                  bound ? "true" : "false", cpu, as_planned ? "true" : "false");
    else
        topo_text(l->t, "  %s %u: thread %d, planned on CPU %s: %s, %s CPU %u\n", x->kind,
                  x->partition, x->tid, x->cpus, bound ? "bound to it" : "NOT BOUND TO IT",
                  state == 'R' ? "running on" : "last on", cpu);
    return WEIR_TOPO_OK;
}

/* ---- memory */

static bool on_node(const char *nodes, int node)
{
    for (const char *p = nodes; *p; p += *p == ',') {
        char *end;
        long v = strtol(p, &end, 10);
        if (end == p) return false;
        if (v == node) return true;
        p = end;
    }
    return false;
}

/* Up to PAGES_PER_BLOCK pages of a block, spread over it. */
static void sample_block(struct looking *l, const char *nodes, uint64_t address, uint64_t bytes)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    void *pages[PAGES_PER_BLOCK];
    int status[PAGES_PER_BLOCK];
    uint64_t first = (address + page - 1) / page, end = (address + bytes) / page;
    if (first >= end) return;
    uint64_t total = end - first, n = total < PAGES_PER_BLOCK ? total : PAGES_PER_BLOCK;
    for (uint64_t k = 0; k < n; k++) pages[k] = (void *)(uintptr_t)((first + total * k / n) * page);
    if (move_pages(l->pid, n, pages, NULL, status, 0) < 0) {
        l->out->pages_known = false;
        return;
    }
    for (uint64_t k = 0; k < n; k++) {
        if (status[k] < 0 || status[k] >= MAX_NODE) continue; /* not there (any more) */
        l->out->pages++;
        l->out->pages_planned += on_node(nodes, status[k]);
    }
}

static void sample_partition(struct looking *l, const struct topo_blocks *b,
                             const struct noted_thread *x)
{
    if (x->partition >= b->partitions || strcmp(x->kind, "slot") != 0) return;
    const struct topo_partition_blocks *p = &b->partition[x->partition];
    for (int k = 0; k < TOPO_BLOCKS; k++) {
        uint64_t bytes = atomic_load_explicit(&p->block[k].bytes, memory_order_acquire);
        if (bytes)
            sample_block(l, x->nodes,
                         atomic_load_explicit(&p->block[k].address, memory_order_acquire), bytes);
    }
}

static const struct topo_blocks *map_blocks(const char *lease, size_t *bytes)
{
    char path[4700];
    topo_blocks_path(lease, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    struct topo_blocks *b = MAP_FAILED;
    if (size >= (off_t)sizeof *b) b = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) close(fd);
    if (b == MAP_FAILED) return NULL;
    *bytes = (size_t)size;
    if (b->magic == TOPO_BLOCKS_MAGIC && topo_blocks_bytes(b->partitions) <= *bytes) return b;
    munmap(b, *bytes);
    return NULL;
}

static bool parse_thread(const char *line, struct noted_thread *x)
{
    x->nodes[0] = '\0';
    return sscanf(line, "thread %d %23s %" SCNu32 " %511[0-9,-] nodes %255[0-9,]", &x->tid, x->kind,
                  &x->partition, x->cpus, x->nodes) >= 4;
}

/* Is LINE the last one of its thread? */
static bool newest(const char *line, int tid)
{
    struct noted_thread other;
    for (const char *p = strchr(line, '\n'); p && p[1]; p = strchr(p + 1, '\n'))
        if (parse_thread(p + 1, &other) && other.tid == tid) return false;
    return true;
}

static int look_at_job(void *ctx, const struct topo_holder *h, struct weir_topo_error *err)
{
    struct looking *l = ctx;
    struct noted_thread x;
    size_t bytes = 0;
    int rc = WEIR_TOPO_OK;
    if (h->pid != l->pid) return WEIR_TOPO_OK;
    const char *isolation = strstr(h->text, "\nisolation ");
    int n = isolation ? (int)strcspn(isolation + 11, "\n") : 0;
    if (!l->json)
        topo_text(l->t, "process %ld (%s), isolation: %.*s\n", h->pid, h->name, n,
                  isolation ? isolation + 11 : "");
    l->found = true;
    const struct topo_blocks *b = map_blocks(h->path, &bytes);
    for (const char *line = h->text; line && *line && !rc;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (!parse_thread(line, &x) || !newest(line, x.tid)) continue;
        rc = look_at_thread(l, &x, err);
        if (!rc && b) sample_partition(l, b, &x);
    }
    if (b) munmap((void *)(uintptr_t)b, bytes);
    return rc;
}

int topo_verify_job(const char *dir, int pid, bool json, struct weir_topo_text *t,
                    struct topo_job_verdict *out, struct weir_topo_error *err)
{
    *out = (struct topo_job_verdict){.pages_known = true};
    struct looking l = {.pid = pid, .json = json, .t = t, .out = out};
    if (!dir || !*dir) dir = weir_topo_lease_directory();
    int rc = topo_each_holder(dir, look_at_job, &l, err);
    if (!rc && !l.found)
        rc = topo_fail(err, WEIR_TOPO_ERR_INVALID,
                       "process %d holds no lease in %s: it is no running job of Weir, or uses "
                       "another WEIR_LEASE_DIR; a plan file can be given instead",
                       pid, dir);
    return rc;
}
