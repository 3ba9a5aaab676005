#ifndef WEIR_TOPOLOGY_LEASE_H
#define WEIR_TOPOLOGY_LEASE_H

/* Shared by lease.c (taking), lease_notes.c (what a running job tells about itself) and the command
   line that looks at it. */

#include <stdatomic.h>

#include "topology/internal.h"

/* A holder whose process lives, while it is visited. */
struct topo_holder {
    char *text; /* of its file */
    const char *path;
    char name[64];
    long pid;
};
typedef int (*topo_holder_fn)(void *ctx, const struct topo_holder *h, struct weir_topo_error *err);
/* Call FN for every living holder in DIR; the files of dead ones are removed. */
int topo_each_holder(const char *dir, topo_holder_fn fn, void *ctx,
                     struct weir_topo_error *err) TOPO_NODISCARD;

/* The newest blocks of memory of each partition: a file beside the lease, mapped by its process. */
#define TOPO_BLOCKS 64
struct topo_blocks {
    uint64_t magic;
    uint32_t partitions, unused;
    struct topo_partition_blocks {
        _Atomic uint32_t next;
        uint32_t unused;
        struct {
            _Atomic uint64_t address, bytes;
        } block[TOPO_BLOCKS];
    } partition[];
};
#define TOPO_BLOCKS_MAGIC UINT64_C(0x31736b636f6c4257)
size_t topo_blocks_bytes(uint32_t partitions);
/* The name of that file for the lease file PATH, into BUF. */
void topo_blocks_path(const char *path, char *buf, size_t size);

struct weir_topo_lease {
    int fd;    /* of the file, locked; -1 before commit */
    int mutex; /* of the directory, locked between begin and commit; else -1 */
    const struct weir_topo_machine *machine; /* of begin */
    char directory[4000], path[4200], name[64];
    struct topo_blocks *blocks;             /* NULL until memory is noted */
    uint32_t partitions;                    /* of the plan */
    char cgroup_parent[4300], cgroup[4400]; /* the group that we made; "" when there is none */
    bool threaded;                          /* it holds threads, not the process */
};
/* Append T, which is freed, to the lease's file in one write. */
int topo_lease_append(struct weir_topo_lease *lease, struct weir_topo_text *t,
                      struct weir_topo_error *err) TOPO_NODISCARD;
/* Move back and remove the group that weir_topo_lease_isolate made; nothing when there is none. */
void topo_lease_leave_group(struct weir_topo_lease *lease);
/* Remove the group that the lease file with TEXT names, if it is OWNER's and empty. */
void topo_remove_group(const char *text, unsigned owner);
void topo_lease_close_notes(struct weir_topo_lease *lease);

/* ---- verify: a running job against its own lease */

struct topo_job_verdict {
    uint32_t threads, threads_planned; /* bound to exactly their CPUs, and not seen elsewhere */
    uint64_t pages, pages_planned;     /* sampled, and of these on a node of their partition */
    bool pages_known;                  /* false: the kernel does not tell */
};
/* Compare the threads and the memory that process PID noted in its leases below DIR (NULL: the
   default) with what they are now; each is told in T (or as JSON objects). INVALID if PID holds no
   lease there. */
int topo_verify_job(const char *dir, int pid, bool json, struct weir_topo_text *t,
                    struct topo_job_verdict *out, struct weir_topo_error *err) TOPO_NODISCARD;

#endif
