/* The plan in other programs' words: numactl and taskset command lines, a script that makes
 * cgroups. */
#include "topology/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* A stream's name with everything but letters, digits, '-' and '_' replaced: it becomes part of
 * paths. */
static void safe_name(const char *name, char *to, size_t size)
{
    size_t n = 0;
    for (; *name && n + 1 < size; name++)
        to[n++] = isalnum((unsigned char)*name) || *name == '-' ? *name : '_';
    to[n] = '\0';
}

static void nodes(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    uint32_t list[64], n = weir_topo_plan_nodes(plan, i, list, 64);
    if (n > 64) n = 64;
    for (uint32_t a = 1; a < n; a++) { /* a Linux list is ascending */
        uint32_t v = list[a], at = a;
        while (at && list[at - 1] > v) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = v;
    }
    topo_text_list(t, list, n);
}

static void command_line(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i,
                         bool numactl)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    char name[64];
    safe_name(plan->streams[p->stream].name, name, sizeof name);
    if (p->state == WEIR_TOPO_REJECTED) {
        topo_text(t, "# %s[%u] was rejected\n", name, p->index);
        return;
    }
    if (numactl) {
        topo_text(t, "numactl --physcpubind=");
        topo_text_plan_cpuset(t, plan, i);
        if (p->grant_count) {
            topo_text(t, p->remote_bytes || p->grant_count > 1 ? " --membind=" : " --preferred=");
            nodes(t, plan, i);
        }
    } else {
        topo_text(t, "taskset --cpu-list ");
        topo_text_plan_cpuset(t, plan, i);
    }
    topo_text(t, " \"$@\" # %s[%u]\n", name, p->index);
}

static void cgroup(struct weir_topo_text *t, const struct weir_topo_plan *plan, uint32_t i)
{
    const struct weir_topo_partition *p = &plan->partitions[i];
    const struct weir_topo_stream *st = &plan->streams[p->stream];
    char name[64];
    safe_name(st->name, name, sizeof name);
    if (p->state == WEIR_TOPO_REJECTED) {
        topo_text(t, "# %s-%u was rejected\n", name, p->index);
        return;
    }
    topo_text(t, "g=\"$root/%s-%u\"; mkdir -p \"$g\"\n", name, p->index);
    topo_text(t, "echo ");
    topo_text_plan_cpuset(t, plan, i);
    topo_text(t, " > \"$g/cpuset.cpus\"\n");
    if (p->grant_count) {
        topo_text(t, "echo ");
        nodes(t, plan, i);
        topo_text(t, " > \"$g/cpuset.mems\"\n");
    }
    if (p->bytes) topo_text(t, "echo %" PRIu64 " > \"$g/memory.max\"\n", p->bytes);
    if (st->mode == WEIR_TOPO_EXCLUSIVE)
        topo_text(t, "echo root > \"$g/cpuset.cpus.partition\"\n");
    else
        topo_text(t, "echo %u 100000 > \"$g/cpu.max\"\n",
                  p->share_milli_cu > 10 ? p->share_milli_cu * 100 : 1000);
}

int weir_topo_export(const struct weir_topo_plan *plan, enum weir_topo_export format,
                     struct weir_topo_text *t, struct weir_topo_error *err)
{
    if (format == WEIR_TOPO_EXPORT_HWLOC_XML) return topo_hwloc_xml(plan->machine, plan, t, err);
    if (format == WEIR_TOPO_EXPORT_CGROUP)
        topo_text(t,
                  "#!/bin/sh\n# One cgroup v2 per partition below $1; put a worker into it by "
                  "writing its id to cgroup.procs.\n"
                  "set -e\nroot=\"${1:-/sys/fs/cgroup/weir}\"; mkdir -p \"$root\"\n"
                  "echo '+cpuset +cpu +memory' > \"$(dirname \"$root\")/cgroup.subtree_control\"\n"
                  "echo '+cpuset +cpu +memory' > \"$root/cgroup.subtree_control\"\n");
    else
        topo_text(
            t,
            "#!/bin/sh\n# One line per partition: run the command given to this script there.\n");
    for (uint32_t i = 0; i < plan->partition_count; i++) {
        if (format == WEIR_TOPO_EXPORT_CGROUP)
            cgroup(t, plan, i);
        else
            command_line(t, plan, i, format == WEIR_TOPO_EXPORT_NUMACTL);
    }
    return topo_text_done(t, err);
}
