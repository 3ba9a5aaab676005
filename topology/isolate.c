/* A cgroup of our own for what a job owns: its threads in a cpuset that no other group's threads may
   use, where the kernel and our rights allow it.

   The group is a child of the one that the process is in, so nothing else changes hands: the cpuset
   controller is a threaded one, and a group that has processes may enable it for threaded children.
   (Only below the root group is the child an ordinary one, and takes the whole process.) The child
   gets the job's CPUs and nodes; as a partition ("isolated", or "root", which balances load among
   its CPUs) it has them alone, else only our side keeps to them. A group that was left behind by a
   killed process is removed by whoever finds its lease without an owner; while it existed, it was
   empty. Files are opened without O_CREAT: what the kernel does not offer is not there. */
#include "topology/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_file(const char *dir, const char *name, char *buf, size_t size)
{
    char path[4500];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
    if (fd >= 0) close(fd);
    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    return n >= 0;
}

/* 0 or errno. */
static int write_file(const char *dir, const char *name, const char *text)
{
    char path[4500];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC); /* as a shell does */
    if (fd < 0) return errno;
    int e = write(fd, text, strlen(text)) < 0 ? errno : 0;
    if (close(fd) < 0 && !e) e = errno;
    return e;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' ')) return true;
    return false;
}

/* The directory of the group that we are in; false when there is no such hierarchy. */
static bool own_group(char *dir, size_t size)
{
    bool hybrid = access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0; /* beside v1 */
    char line[4200];
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0) continue;
        snprintf(dir, size, "/sys/fs/cgroup%s%s", hybrid ? "/unified" : "",
                 line[4] ? line + 3 : "");
        found = true;
    }
    if (f) fclose(f);
    return found;
}

bool weir_topo_may_isolate(const char *group, char *why, size_t size)
{
    char dir[4300], controllers[512];
    if (group)
        snprintf(dir, sizeof dir, "%s", group);
    else if (!own_group(dir, sizeof dir)) {
        snprintf(why, size, "no cgroup v2 here");
        return false;
    }
    if (!read_file(dir, "cgroup.controllers", controllers, sizeof controllers)) {
        snprintf(why, size, "no cgroup v2 at %s", dir);
        return false;
    }
    if (!has_word(controllers, "cpuset")) {
        snprintf(why, size, "the cgroup %s does not have the cpuset controller", dir);
        return false;
    }
    if (access(dir, W_OK) < 0) {
        snprintf(why, size, "the cgroup %s is not ours to divide", dir);
        return false;
    }
    return true;
}

/* ---- moving */

static int move_threads(const char *to, bool threaded)
{
    char text[32];
    if (!threaded) {
        snprintf(text, sizeof text, "%ld", (long)getpid());
        return write_file(to, "cgroup.procs", text);
    }
    DIR *d = opendir("/proc/self/task");
    if (!d) return errno;
    int e = 0;
    for (struct dirent *x = readdir(d); x && !e; x = readdir(d)) {
        if (atoi(x->d_name) <= 0) continue;
        e = write_file(to, "cgroup.threads", x->d_name);
        if (e == ESRCH) e = 0; /* it has ended meanwhile */
    }
    closedir(d);
    return e;
}

/* ---- making the group */

static void node_list(struct weir_topo_text *t, const struct weir_topo_plan *plan)
{
    bool first = true;
    for (uint32_t p = 0; p < plan->machine->pool_count; p++) {
        bool before = false;
        for (uint32_t k = 0; k < p; k++)
            before |= plan->pool_granted[k] &&
                      plan->machine->pools[k].node == plan->machine->pools[p].node;
        if (!plan->pool_granted[p] || before) continue;
        topo_text(t, "%s%u", first ? "" : ",", plan->machine->pools[p].node);
        first = false;
    }
}

static void cpu_list(struct weir_topo_text *t, const struct weir_topo_plan *plan)
{
    for (uint32_t k = 0; k < plan->pu_list_count; k++)
        topo_text(t, "%s%u", k ? "," : "", plan->machine->pus[plan->pu_list[k]].os_index);
}

static bool try_partition(const char *dir, const char *word)
{
    char now[256];
    return !write_file(dir, "cpuset.cpus.partition", word) &&
           read_file(dir, "cpuset.cpus.partition", now, sizeof now) && !strcmp(now, word);
}

/* Alone on the CPUs, if the kernel lets us: without load balancing where every partition has one. */
static const char *make_partition(const char *dir, const struct weir_topo_plan *plan)
{
    bool single = true;
    for (uint32_t i = 0; i < plan->partition_count; i++)
        single &= plan->partitions[i].pu_count <= 1;
    const char *first = single ? "isolated" : "root", *second = single ? "root" : "isolated";
    if (try_partition(dir, first)) return first;
    if (try_partition(dir, second)) return second;
    (void)write_file(dir, "cpuset.cpus.partition", "member");
    return NULL;
}

/* 0 or errno, *STEP says at what. */
static int fill_group(struct weir_topo_lease *lease, const struct weir_topo_plan *plan,
                      const char **step)
{
    char type[64] = "";
    struct weir_topo_text cpus = {0}, mems = {0};
    cpu_list(&cpus, plan);
    node_list(&mems, plan);
    int e = cpus.failed || mems.failed || !cpus.data || !mems.data ? ENOMEM : 0;
    *step = "cgroup.type";
    (void)read_file(lease->cgroup, "cgroup.type", type, sizeof type);
    lease->threaded = strcmp(type, "domain") != 0;
    if (!e && lease->threaded) e = write_file(lease->cgroup, "cgroup.type", "threaded");
    if (!e) e = write_file(lease->cgroup, *step = "cpuset.mems", mems.data);
    if (!e) e = write_file(lease->cgroup, *step = "cpuset.cpus", cpus.data);
    if (!e) (void)write_file(lease->cgroup, "cpuset.cpus.exclusive", cpus.data); /* newer kernels */
    weir_topo_text_free(&cpus);
    weir_topo_text_free(&mems);
    return e;
}

static int note_group(struct weir_topo_lease *lease, struct weir_topo_error *err)
{
    struct weir_topo_text t = {0};
    topo_text(&t, "cgroup %s\n", lease->cgroup);
    return topo_lease_append(lease, &t, err);
}

/* 0 or errno, *STEP says at what. */
static int make_group(struct weir_topo_lease *lease, const struct weir_topo_plan *plan,
                      const char **partition, const char **step)
{
    char enabled[512] = "";
    (void)read_file(lease->cgroup_parent, "cgroup.subtree_control", enabled, sizeof enabled);
    *step = "cgroup.subtree_control";
    int e = has_word(enabled, "cpuset")
                ? 0
                : write_file(lease->cgroup_parent, "cgroup.subtree_control", "+cpuset");
    if (e) return e;
    *step = "making the group";
    if (mkdir(lease->cgroup, 0755) < 0 && errno != EEXIST) return errno;
    e = fill_group(lease, plan, step);
    if (e) return e;
    *partition = make_partition(lease->cgroup, plan);
    *step = "moving the threads";
    return move_threads(lease->cgroup, lease->threaded);
}

int weir_topo_lease_isolate(struct weir_topo_lease *lease, const struct weir_topo_plan *plan,
                            const char *group, char *level, size_t size,
                            struct weir_topo_error *err)
{
    char why[256];
    const char *step = "", *partition = NULL;
    const char *name = strrchr(lease->path, '/');
    if (lease->fd < 0 || !name)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "the lease is not committed yet");
    if (!weir_topo_may_isolate(group, why, sizeof why)) {
        snprintf(level, size, "affinity and locks (%s)", why);
        return WEIR_TOPO_OK;
    }
    if (group)
        snprintf(lease->cgroup_parent, sizeof lease->cgroup_parent, "%s", group);
    else
        (void)own_group(lease->cgroup_parent, sizeof lease->cgroup_parent);
    snprintf(lease->cgroup, sizeof lease->cgroup, "%s/weir-%.*s", lease->cgroup_parent,
             (int)strcspn(name + 1, "."), name + 1);
    int rc = note_group(lease, err);
    if (rc) return rc;
    int e = make_group(lease, plan, &partition, &step);
    if (e) {
        topo_lease_leave_group(lease);
        snprintf(level, size, "affinity and locks (cgroup %s: %s: %s)", lease->cgroup_parent, step,
                 strerror(e));
    } else if (partition) {
        snprintf(level, size, "cgroup v2 cpuset, %s partition", partition);
    } else {
        snprintf(level, size, "cgroup v2 cpuset and locks (no partition of its own)");
    }
    return WEIR_TOPO_OK;
}

void topo_lease_leave_group(struct weir_topo_lease *lease)
{
    if (!lease->cgroup[0]) return;
    (void)move_threads(lease->cgroup_parent, lease->threaded);
    (void)write_file(lease->cgroup, "cpuset.cpus.partition", "member");
    (void)rmdir(lease->cgroup);
    lease->cgroup[0] = '\0';
}

/* A group of ours that nobody is in any more; only one that belongs to the lease's owner, so that a
   forged lease removes nothing that its writer could not remove. */
void topo_remove_group(const char *text, unsigned owner)
{
    char path[4300];
    struct stat st;
    const char *line = strstr(text, "\ncgroup ");
    if (!line || sscanf(line, "\ncgroup %4299[^\n]", path) != 1) return;
    const char *name = strrchr(path, '/');
    if (!name || strncmp(name, "/weir-", 6) != 0) return;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == owner) (void)rmdir(path);
}
