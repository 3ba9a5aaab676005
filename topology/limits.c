/* What the control group of this process really allows, which neither hwloc nor an OpenCL runtime
   looks at: cpu.max and memory.max (v2), cpu.cfs_quota_us and memory.limit_in_bytes (v1). A limit
   of any ancestor binds, so the walk goes from the process' group up to the mount point and keeps
   the smallest. Files that are missing or unreadable limit nothing. */
#include "topology/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096

static bool read_line(const char *path, char *buf, size_t size)
{
    FILE *f = fopen(path, "r");
    if (!f) return false;
    bool ok = fgets(buf, (int)size, f) != NULL;
    fclose(f);
    if (ok) buf[strcspn(buf, "\n")] = '\0';
    return ok;
}

static void limit_cpu(struct topo_raw *raw, int64_t quota, int64_t period, const char *path)
{
    if (quota <= 0 || period <= 0) return;
    uint64_t milli = (uint64_t)quota * 1000 / (uint64_t)period;
    if (!milli) milli = 1;
    if (milli >= raw->limit_milli_cu) return;
    raw->limit_milli_cu = milli;
    snprintf(raw->limit_cpu_source, sizeof raw->limit_cpu_source, "%.*s",
             (int)sizeof raw->limit_cpu_source - 1, path);
}

static void limit_memory(struct topo_raw *raw, uint64_t bytes, const char *path)
{
    if (bytes >= (UINT64_C(1) << 62) || bytes >= raw->limit_memory_bytes) return;
    raw->limit_memory_bytes = bytes;
    snprintf(raw->limit_memory_source, sizeof raw->limit_memory_source, "%.*s",
             (int)sizeof raw->limit_memory_source - 1, path);
}

static void read_group(struct topo_raw *raw, const char *dir)
{
    char path[PATH_BYTES + 64], line[128];
    int64_t quota, period;
    snprintf(path, sizeof path, "%s/cpu.max", dir);
    if (read_line(path, line, sizeof line) &&
        sscanf(line, "%" SCNd64 " %" SCNd64, &quota, &period) == 2)
        limit_cpu(raw, quota, period, path);
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
    period = read_line(path, line, sizeof line) ? strtoll(line, NULL, 10) : 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", dir);
    if (period > 0 && read_line(path, line, sizeof line))
        limit_cpu(raw, strtoll(line, NULL, 10), period, path);
    snprintf(path, sizeof path, "%s/memory.max", dir);
    if (read_line(path, line, sizeof line) && line[0] >= '0' && line[0] <= '9')
        limit_memory(raw, strtoull(line, NULL, 10), path);
    snprintf(path, sizeof path, "%s/memory.limit_in_bytes", dir);
    if (read_line(path, line, sizeof line) && line[0] >= '0' && line[0] <= '9')
        limit_memory(raw, strtoull(line, NULL, 10), path);
}

/* Every group from MOUNT + GROUP up to MOUNT. A group that is not below our mount (a container's
 * view) starts at it. */
static void walk(struct topo_raw *raw, const char *mount, const char *group)
{
    char dir[PATH_BYTES];
    int n = snprintf(dir, sizeof dir, "%s%s", mount, strcmp(group, "/") ? group : "");
    if (n < 0 || (size_t)n >= sizeof dir) return;
    size_t root = strlen(mount);
    for (;;) {
        read_group(raw, dir);
        char *slash = strrchr(dir, '/');
        if (strlen(dir) <= root || !slash || (size_t)(slash - dir) < root) break;
        *slash = '\0';
    }
}

static bool has_controller(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)); p += n)
        if ((p == list || p[-1] == ',') && (p[n] == '\0' || p[n] == ',')) return true;
    return false;
}

static void read_partition(struct topo_raw *raw, const char *mount, const char *group)
{
    char path[PATH_BYTES + 64], line[128] = "";
    snprintf(path, sizeof path, "%s%s/cpuset.cpus.partition", mount, group);
    if (read_line(path, line, sizeof line) &&
        (!strcmp(line, "isolated") || !strcmp(line, "root"))) {
        snprintf(raw->isolation, sizeof raw->isolation, "cgroup cpuset partition (%.20s)", line);
        return;
    }
    snprintf(path, sizeof path, "%s%s/cpuset.cpus", mount, group);
    if (strcmp(group, "/") && read_line(path, line, sizeof line) && line[0])
        snprintf(raw->isolation, sizeof raw->isolation,
                 "cgroup cpuset, not a partition of its own");
}

void topo_read_limits(struct topo_raw *raw)
{
    snprintf(raw->isolation, sizeof raw->isolation, "affinity only");
    FILE *f = fopen("/proc/self/cgroup", "r");
    char line[PATH_BYTES];
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'),
             *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *controllers++ = '\0';
        *group++ = '\0';
        if (!*controllers) {
            walk(raw, "/sys/fs/cgroup", group);
            walk(raw, "/sys/fs/cgroup/unified", group);
            read_partition(raw, "/sys/fs/cgroup", group);
        }
        if (has_controller(controllers, "cpu")) walk(raw, "/sys/fs/cgroup/cpu", group);
        if (has_controller(controllers, "memory")) walk(raw, "/sys/fs/cgroup/memory", group);
        if (has_controller(controllers, "cpuset"))
            read_partition(raw, "/sys/fs/cgroup/cpuset", group);
    }
    if (f) fclose(f);
}
