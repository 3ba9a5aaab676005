/* Leases between processes. A lease is a small text file DIR/PID-N.lease that its process keeps
   locked (flock) for as long as it lives; the kernel drops the lock when the process dies, however
   it dies. Whoever can lock another's file therefore knows that its owner is gone, and removes it.
   Taking a lease is one step under the lock of DIR/mutex: remove the dead, subtract the living from
   the machine, plan, write and lock the own file. So no two processes ever plan on the same free
   resources.

   The file:   weir-lease 1
               pid 4711
               name logs
               owns 0-3            (CPUs that are owned)
               uses 8,9            (CPUs that shared work runs on)
               memory 0 4096 8589934592      (node, page size, bytes)
               device gpu0 7       (compute units owned; 0: queues only)
               isolation affinity and locks
               cgroup /sys/fs/cgroup/weir-4711-0   (a group of its own, isolate.c)
               thread 4712 slot 0 0-3 nodes 0      (what the running job notes, lease_notes.c) */
#include "topology/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_MAX_BYTES ((size_t)16 << 20)

const char *weir_topo_lease_directory(void)
{
    const char *set = getenv("WEIR_LEASE_DIR");
    if (set && *set) return set;
    return access("/run/lock", W_OK) == 0 ? "/run/lock/weir" : "/tmp/weir-lease";
}

static int make_directory(const char *dir, struct weir_topo_error *err)
{
    if (mkdir(dir, 01777) == 0) {
        if (chmod(dir, 01777) == 0) return WEIR_TOPO_OK; /* whatever the umask */
    } else if (errno == EEXIST) {
        return WEIR_TOPO_OK;
    }
    return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno,
                           "cannot make the lease directory %s (set WEIR_LEASE_DIR to a place that "
                           "all processes can write)",
                           dir);
}

/* Open without creating first: in sticky directories opening another user's file with O_CREAT can
 * be forbidden. */
static int open_mutex(const char *dir, int *fd, struct weir_topo_error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/mutex", dir);
    for (int round = 0; round < 3; round++) {
        *fd = open(path, O_RDWR | O_CLOEXEC);
        if (*fd < 0) *fd = open(path, O_RDONLY | O_CLOEXEC); /* another user's: enough for a lock */
        if (*fd < 0 && errno == ENOENT) {
            *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (*fd >= 0 && fchmod(*fd, 0666) < 0) { /* others can still open it for reading */
            }
        }
        if (*fd >= 0) break;
    }
    if (*fd < 0) return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot open %s", path);
    while (flock(*fd, LOCK_EX) < 0)
        if (errno != EINTR) {
            int e = errno;
            close(*fd);
            return topo_fail_errno(err, WEIR_TOPO_ERR_IO, e, "cannot lock %s", path);
        }
    return WEIR_TOPO_OK;
}

/* ---- reading what others hold */

static void describe(struct topo_holder *h)
{
    const char *pid = strstr(h->text, "\npid "), *name = strstr(h->text, "\nname ");
    h->pid = pid ? strtol(pid + 5, NULL, 10) : 0;
    if (!name || sscanf(name + 6, "%63[^\n]", h->name) != 1) snprintf(h->name, sizeof h->name, "?");
}

static int visit(const char *path, topo_holder_fn fn, void *ctx, struct weir_topo_error *err)
{
    struct stat opened, named;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENXIO
                   ? WEIR_TOPO_OK
                   : topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot read the lease %s",
                                     path);
    if (fstat(fd, &opened) || !S_ISREG(opened.st_mode)) { /* a pipe or a folder is no lease */
        close(fd);
        return WEIR_TOPO_OK;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) { /* nobody holds it: its process is gone */
        if (!stat(path, &named) && opened.st_ino == named.st_ino) {
            char blocks[4700], *text = NULL;
            size_t n = 0;
            if (!topo_read_file(path, LEASE_MAX_BYTES, &text, &n, NULL))
                topo_remove_group(text, (unsigned)opened.st_uid);
            topo_free(text);
            topo_blocks_path(path, blocks, sizeof blocks);
            unlink(blocks);
            unlink(path);
        }
        close(fd);
        return WEIR_TOPO_OK;
    }
    close(fd);
    struct topo_holder h = {.path = path};
    size_t n = 0;
    int rc = topo_read_file(path, LEASE_MAX_BYTES, &h.text, &n, err);
    if (rc == WEIR_TOPO_ERR_IO && access(path, F_OK) < 0)
        return WEIR_TOPO_OK; /* given back meanwhile */
    if (rc) return rc;
    if (strncmp(h.text, "weir-lease 1\n", 13) != 0) {
        rc = topo_fail(err, WEIR_TOPO_ERR_IO,
                       "%s is held, but it is no lease that this program can read", path);
    } else {
        describe(&h);
        rc = fn(ctx, &h, err);
    }
    topo_free(h.text);
    return rc;
}

int topo_each_holder(const char *dir, topo_holder_fn fn, void *ctx, struct weir_topo_error *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? WEIR_TOPO_OK
                               : topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno,
                                                 "cannot read the lease directory %s", dir);
    int rc = WEIR_TOPO_OK;
    for (struct dirent *e = readdir(d); e && !rc; e = readdir(d)) {
        char path[4600];
        size_t n = strlen(e->d_name);
        if (n < 6 || strcmp(e->d_name + n - 6, ".lease") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        rc = visit(path, fn, ctx, err);
    }
    closedir(d);
    return rc;
}

/* ---- subtracting */

static int take_cpus(struct topo_raw *raw, const char *list, bool own, struct weir_topo_error *err)
{
    uint32_t *cpus = NULL;
    size_t n = 0;
    int rc = topo_parse_list(list, "lease", &cpus, &n, err);
    for (uint32_t p = 0; !rc && p < raw->pu_count; p++)
        for (size_t k = 0; k < n; k++)
            if (cpus[k] == raw->pus[p].os) {
                if (own)
                    raw->pus[p].reserved = true;
                else
                    raw->pus[p].busy = true;
            }
    topo_free(cpus);
    return rc;
}

static void take_memory(struct topo_raw *raw, uint32_t node, uint64_t page, uint64_t bytes)
{
    for (uint32_t k = 0; k < raw->node_count; k++) {
        struct topo_raw_node *r = &raw->nodes[k];
        if (r->os != node) continue;
        if (page == (r->page_bytes ? r->page_bytes : 4096)) r->leased += bytes;
        for (int h = 0; h < TOPO_RAW_PAGES; h++)
            if (r->huge_page[h] == page) r->huge_leased[h] += bytes;
    }
    if (raw->limit_memory_bytes != UINT64_MAX)
        raw->limit_memory_bytes =
            raw->limit_memory_bytes > bytes ? raw->limit_memory_bytes - bytes : 0;
}

static void take_device(struct topo_raw *raw, const char *name, uint32_t units)
{
    for (uint32_t d = 0; d < raw->device_count; d++) {
        struct weir_topo_device *dev = &raw->devices[d].info;
        if (strcmp(dev->name, name) != 0 && (!dev->pci[0] || strcmp(dev->pci, name) != 0)) continue;
        if (units)
            dev->leased_units += units;
        else
            dev->busy = true;
    }
}

static int subtract_one(void *ctx, const struct topo_holder *h, struct weir_topo_error *err)
{
    struct topo_raw *raw = ctx;
    for (const char *line = h->text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        uint32_t node, units;
        uint64_t page, bytes;
        char name[64];
        int rc = WEIR_TOPO_OK;
        if (!strncmp(line, "owns ", 5)) rc = take_cpus(raw, line + 5, true, err);
        if (!strncmp(line, "uses ", 5)) rc = take_cpus(raw, line + 5, false, err);
        if (rc) return rc;
        if (sscanf(line, "memory %" SCNu32 " %" SCNu64 " %" SCNu64, &node, &page, &bytes) == 3)
            take_memory(raw, node, page, bytes);
        if (sscanf(line, "device %63s %" SCNu32, name, &units) == 2) take_device(raw, name, units);
    }
    return WEIR_TOPO_OK;
}

int topo_lease_subtract(const char *dir, struct topo_raw *raw, struct weir_topo_error *err)
{
    return topo_each_holder(dir, subtract_one, raw, err);
}

/* ---- telling */

static int tell_one(void *ctx, const struct topo_holder *h, struct weir_topo_error *err)
{
    struct weir_topo_text *t = ctx;
    char list[400];
    bool first = true;
    uint64_t bytes = 0;
    topo_text(t, "process %ld (%s) holds ", h->pid, h->name);
    for (const char *line = h->text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        uint32_t node, units;
        uint64_t page, now;
        if (sscanf(line, "owns %399[0-9,-]", list) == 1)
            topo_text(t, "%sCPUs %s", first ? "" : ", ", list);
        if (sscanf(line, "uses %399[0-9,-]", list) == 1)
            topo_text(t, "%sshared CPUs %s", first ? "" : ", ", list);
        if (sscanf(line, "device %63s %" SCNu32, list, &units) == 2)
            topo_text(t, "%s%s %s", first ? "" : ", ", units ? "device" : "queues on", list);
        if (!strncmp(line, "owns ", 5) || !strncmp(line, "uses ", 5) ||
            !strncmp(line, "device ", 7))
            first = false;
        if (sscanf(line, "memory %" SCNu32 " %" SCNu64 " %" SCNu64, &node, &page, &now) == 3)
            bytes += now;
    }
    topo_text(t, "%s", first ? "" : ", ");
    topo_text_bytes(t, bytes);
    topo_text(t, "\n");
    return topo_text_done(t, err);
}

int weir_topo_lease_text(const char *directory, struct weir_topo_text *out,
                         struct weir_topo_error *err)
{
    return topo_each_holder(directory && *directory ? directory : weir_topo_lease_directory(),
                            tell_one, out, err);
}

/* ---- taking */

static int compare_u32(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The CPUs of all exclusive (or shared) partitions as one Linux list. */
static bool cpu_line(struct weir_topo_text *t, const struct weir_topo_plan *plan, const char *word,
                     enum weir_topo_mode mode)
{
    uint32_t *cpus = topo_calloc(plan->pu_list_count, sizeof *cpus), n = 0, kept = 0;
    if (!cpus) return false;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        if (plan->streams[p->stream].mode != mode) continue;
        for (uint32_t k = 0; k < p->pu_count; k++)
            cpus[n++] = plan->machine->pus[plan->pu_list[p->pu_first + k]].os_index;
    }
    if (n) qsort(cpus, n, sizeof *cpus, compare_u32);
    for (uint32_t k = 0; k < n; k++)
        if (!kept || cpus[kept - 1] != cpus[k]) cpus[kept++] = cpus[k];
    if (kept) {
        topo_text(t, "%s ", word);
        topo_text_list(t, cpus, kept);
        topo_text(t, "\n");
    }
    topo_free(cpus);
    return true;
}

/* What of POOL nobody else may count on. Shared partitions that named no size live with what is
   there: if they held their part, each further job would get a quarter of the one before it. */
static uint64_t leased_bytes(const struct weir_topo_plan *plan, uint32_t pool)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        const struct weir_topo_partition *p = &plan->partitions[i];
        const struct weir_topo_stream *st = &plan->streams[p->stream];
        if (st->mode == WEIR_TOPO_SHARED && st->memory_mode == WEIR_TOPO_MEMORY_AUTO) continue;
        for (uint32_t k = 0; k < p->grant_count; k++)
            if (plan->grants[p->grant_first + k].pool == pool)
                bytes += plan->grants[p->grant_first + k].bytes;
    }
    return bytes;
}

static int lease_text(struct weir_topo_text *t, const struct weir_topo_plan *plan, const char *name,
                      struct weir_topo_error *err)
{
    topo_text(t, "weir-lease 1\npid %ld\nname ", (long)getpid());
    for (const char *c = name; *c; c++) topo_text_raw(t, (unsigned char)*c < 0x20 ? "?" : c, 1);
    topo_text(t, "\n");
    if (!cpu_line(t, plan, "owns", WEIR_TOPO_EXCLUSIVE) ||
        !cpu_line(t, plan, "uses", WEIR_TOPO_SHARED))
        t->failed = true;
    for (uint32_t p = 0; p < plan->machine->pool_count; p++) {
        uint64_t bytes = leased_bytes(plan, p);
        if (bytes)
            topo_text(t, "memory %u %" PRIu64 " %" PRIu64 "\n", plan->machine->pools[p].node,
                      plan->machine->pools[p].page_bytes, bytes);
    }
    for (uint32_t d = 0; d < plan->machine->device_count; d++) {
        bool used = false;
        uint32_t units = 0;
        for (uint32_t i = 0; i < plan->partition_count; i++) {
            const struct weir_topo_partition *p = &plan->partitions[i];
            if (p->device != d) continue;
            used = true;
            if (plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE)
                units += p->device_units ? p->device_units : 1;
        }
        if (used) topo_text(t, "device %s %u\n", plan->machine->devices[d].name, units);
    }
    return topo_text_done(t, err);
}

/* Write, lock, and only then give it the name under which others look for it. */
static int write_lease(const char *dir, const struct weir_topo_text *t,
                       struct weir_topo_lease *lease, struct weir_topo_error *err)
{
    static atomic_uint counter;
    char temporary[4200];
    unsigned number = atomic_fetch_add(&counter, 1);
    snprintf(temporary, sizeof temporary, "%s/%ld-%u.new", dir, (long)getpid(), number);
    snprintf(lease->path, sizeof lease->path, "%s/%ld-%u.lease", dir, (long)getpid(), number);
    unlink(temporary); /* of an earlier process with our number */
    lease->fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (lease->fd < 0)
        return topo_fail_errno(err, WEIR_TOPO_ERR_IO, errno, "cannot write the lease %s",
                               temporary);
    ssize_t n = write(lease->fd, t->data, t->length);
    if (n != (ssize_t)t->length || flock(lease->fd, LOCK_EX | LOCK_NB) < 0 ||
        rename(temporary, lease->path) < 0) {
        int e = errno;
        unlink(temporary);
        close(lease->fd);
        lease->fd = -1;
        return topo_fail_errno(err, WEIR_TOPO_ERR_IO, e, "cannot write the lease %s", lease->path);
    }
    return WEIR_TOPO_OK;
}

static int refuse(const char *dir, const struct weir_topo_plan *plan, struct weir_topo_error *err)
{
    struct weir_topo_text t = {0};
    struct weir_topo_error ignored;
    char why[200] = "";
    for (uint32_t i = 0; i < plan->partition_count && !why[0]; i++)
        if (plan->partitions[i].state == WEIR_TOPO_REJECTED)
            weir_topo_plan_why(plan, i, why, sizeof why);
    int rc = weir_topo_lease_text(dir, &t, &ignored);
    for (size_t k = 0; !rc && k < t.length; k++)
        if (t.data[k] == '\n') t.data[k] = k + 1 < t.length ? ';' : '\0';
    topo_fail(err, WEIR_TOPO_ERR_INVALID, "%u of %u partitions have no place: %s; %s",
              plan->totals.rejected, plan->partition_count, why,
              !rc && t.length ? t.data : "no other process holds anything");
    weir_topo_text_free(&t);
    return WEIR_TOPO_ERR_INVALID;
}

static void unlock(struct weir_topo_lease *lease)
{
    if (lease->mutex >= 0) close(lease->mutex);
    lease->mutex = -1;
}

int weir_topo_lease_begin(const struct weir_topo_machine_options *options, const char *name,
                          struct weir_topo_machine **machine, struct weir_topo_lease **lease,
                          struct weir_topo_error *err)
{
    struct weir_topo_machine_options o = options ? *options : (struct weir_topo_machine_options){0};
    *machine = NULL;
    struct weir_topo_lease *l = *lease = topo_calloc(1, sizeof *l);
    if (!l) return topo_fail_nomem(err, "taking a lease");
    l->fd = l->mutex = -1;
    if (!o.leases || !*o.leases) o.leases = weir_topo_lease_directory();
    snprintf(l->directory, sizeof l->directory, "%s", o.leases);
    snprintf(l->name, sizeof l->name, "%s", name && *name ? name : "?");
    int rc = strlen(o.leases) < sizeof l->directory
                 ? make_directory(o.leases, err)
                 : topo_fail(err, WEIR_TOPO_ERR_INVALID, "the lease directory's name is too long");
    if (!rc) rc = open_mutex(o.leases, &l->mutex, err);
    if (!rc) rc = weir_topo_machine_load(&o, machine, err);
    if (!rc) {
        l->machine = *machine;
        return WEIR_TOPO_OK;
    }
    weir_topo_lease_free(l);
    *lease = NULL;
    return rc;
}

int weir_topo_lease_commit(struct weir_topo_lease *lease, const struct weir_topo_plan *plan,
                           struct weir_topo_error *err)
{
    struct weir_topo_text text = {0};
    if (lease->mutex < 0 || plan->machine != lease->machine)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "a lease is committed once, with a plan for the machine that "
                         "weir_topo_lease_begin gave");
    int rc = plan->totals.rejected ? refuse(lease->directory, plan, err) : WEIR_TOPO_OK;
    if (!rc) rc = lease_text(&text, plan, lease->name, err);
    if (!rc) rc = write_lease(lease->directory, &text, lease, err);
    lease->partitions = plan->partition_count;
    unlock(lease);
    weir_topo_text_free(&text);
    return rc;
}

int weir_topo_lease_take(const struct weir_topo_machine_options *options,
                         const struct weir_topo_demand *demand,
                         const struct weir_topo_plan_options *plan_options, const char *name,
                         struct weir_topo_machine **machine, struct weir_topo_plan **plan,
                         struct weir_topo_lease **lease, struct weir_topo_error *err)
{
    *plan = NULL;
    int rc = weir_topo_lease_begin(options, name, machine, lease, err);
    if (rc) return rc;
    rc = weir_topo_plan_make(*machine, demand, plan_options, plan, err);
    bool misfit = !rc && (*plan)->totals.rejected;
    if (!rc) rc = weir_topo_lease_commit(*lease, *plan, err);
    if (!rc) return WEIR_TOPO_OK;
    weir_topo_lease_free(*lease);
    *lease = NULL;
    if (misfit) return rc;
    weir_topo_plan_free(*plan);
    weir_topo_machine_free(*machine);
    *plan = NULL;
    *machine = NULL;
    return rc;
}

struct device_question {
    const struct weir_topo_lease *lease;
    const char *device;
    bool own, held; /* HELD: by this lease already */
};

static int ask_holder(void *ctx, const struct topo_holder *h, struct weir_topo_error *err)
{
    struct device_question *q = ctx;
    for (const char *line = h->text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char name[64];
        uint32_t units;
        if (sscanf(line, "device %63s %" SCNu32, name, &units) != 2 || strcmp(name, q->device))
            continue;
        if (!strcmp(h->path, q->lease->path))
            q->held = true;
        else if (units || q->own)
            return topo_fail(err, WEIR_TOPO_ERR_INVALID, "process %ld (%s) %s device %s", h->pid,
                             h->name, units ? "owns" : "uses", name);
    }
    return WEIR_TOPO_OK;
}

int weir_topo_lease_device(struct weir_topo_lease *lease, const char *device, bool own,
                           struct weir_topo_error *err)
{
    struct device_question q = {.lease = lease, .device = device, .own = own};
    struct weir_topo_text t = {0};
    int mutex = -1;
    if (lease->fd < 0 || !*device || strlen(device) > 63 || strpbrk(device, " \n"))
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "the lease is not committed, or '%s' names "
                         "no device",
                         device);
    int rc = open_mutex(lease->directory, &mutex, err);
    if (rc) return rc;
    rc = topo_each_holder(lease->directory, ask_holder, &q, err);
    if (!rc && !q.held) {
        topo_text(&t, "device %s %d\n", device, own ? 1 : 0);
        rc = topo_lease_append(lease, &t, err);
    }
    close(mutex);
    return rc;
}

void weir_topo_lease_free(struct weir_topo_lease *lease)
{
    if (!lease) return;
    topo_lease_leave_group(lease);
    topo_lease_close_notes(lease);
    if (lease->fd >= 0) {
        unlink(lease->path);
        close(lease->fd);
    }
    unlock(lease);
    topo_free(lease);
}
