/* A lease's cgroup, played through on a directory that looks like one: what is written where, the way
   back, and every way in which it is not permitted. Files of a real group are made by the kernel;
   here they are made before, because the name of the group follows from the lease's. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <weir/topology.h>

static char base[] = "/tmp/weir-isolate-XXXXXX";
static char group[64], leases[64], child[160];

static struct weir_topo_machine *machine;
static struct weir_topo_plan *plan;
static struct weir_topo_lease *lease;
static unsigned n_leases; /* of this process */

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char *get(const char *dir, const char *name)
{
    static char text[512];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static void drop(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static const char *const files[] = {"cgroup.type",          "cgroup.procs", "cgroup.threads",
                                    "cpuset.mems",          "cpuset.cpus",  "cpuset.cpus.exclusive",
                                    "cpuset.cpus.partition"};

static void take(const char *demand)
{
    const struct weir_topo_machine_options o = {.source = "builtin:laptop-4core", .leases = leases};
    struct weir_topo_demand *d = NULL;
    struct weir_topo_error err;
    assert_int_equal(weir_topo_demand_parse_streams(demand, &d, &err), 0);
    if (weir_topo_lease_take(&o, d, NULL, "test", &machine, &plan, &lease, &err))
        fail_msg("%s", err.message);
    weir_topo_demand_free(d);
    snprintf(child, sizeof child, "%s/weir-%d-%u", group, (int)getpid(), n_leases++);
}

static void make_child(const char *type)
{
    assert_int_equal(mkdir(child, 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) put(child, files[i], "");
    put(child, "cgroup.type", type);
    put(child, "cpuset.cpus.partition", "member");
}

static void remove_child_files(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) drop(child, files[i]);
}

static void give_back(void)
{
    weir_topo_lease_free(lease);
    weir_topo_plan_free(plan);
    weir_topo_machine_free(machine);
    lease = NULL;
}

static void isolate(const char *expect)
{
    struct weir_topo_error err;
    char level[256];
    if (weir_topo_lease_isolate(lease, plan, group, level, sizeof level, &err))
        fail_msg("%s", err.message);
    if (strncmp(level, expect, strlen(expect)) != 0) fail_msg("'%s', not '%s'", level, expect);
}

static void test_isolated(void **state)
{
    (void)state;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    take("a:2,mode=exclusive,scope=pu,memory=1GiB");
    make_child("domain invalid");
    isolate("cgroup v2 cpuset, isolated partition");
    assert_string_equal(get(group, "cgroup.subtree_control"), "+cpuset");
    assert_int_equal(strncmp(get(child, "cgroup.type"), "threaded", 8), 0);
    assert_string_equal(get(child, "cpuset.mems"), "0");
    char cpus[64], first[16], second[16];
    weir_topo_plan_cpuset(plan, 0, first, sizeof first);
    weir_topo_plan_cpuset(plan, 1, second, sizeof second);
    snprintf(cpus, sizeof cpus, "%s,%s", first, second);
    assert_string_equal(get(child, "cpuset.cpus"), cpus);
    assert_string_equal(get(child, "cpuset.cpus.exclusive"), cpus);
    assert_string_equal(get(child, "cgroup.threads"), pid);
    assert_string_equal(get(child, "cgroup.procs"), "");
    assert_string_equal(get(group, "cgroup.threads"), "");
    remove_child_files();
    give_back();
    assert_string_equal(get(group, "cgroup.threads"), pid); /* the way back */
    assert_int_equal(access(child, F_OK), -1);
}

/* Below the root group the child takes the process; several PUs a partition want load balancing. */
static void test_whole_process_in_a_root_partition(void **state)
{
    (void)state;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    take("a:1,mode=exclusive,scope=core,cpu=2,memory=1GiB");
    make_child("domain");
    isolate("cgroup v2 cpuset, root partition");
    assert_string_equal(get(child, "cgroup.type"), "domain");
    assert_string_equal(get(child, "cgroup.procs"), pid);
    remove_child_files();
    give_back();
    assert_string_equal(get(group, "cgroup.procs"), pid);
    assert_int_equal(access(child, F_OK), -1);
}

static void test_no_partition(void **state)
{
    (void)state;
    take("a:1,mode=exclusive,scope=pu,memory=1GiB");
    make_child("domain invalid");
    drop(child, "cpuset.cpus.partition");
    isolate("cgroup v2 cpuset and locks (no partition of its own)");
    remove_child_files();
    give_back();
    assert_int_equal(access(child, F_OK), -1);
}

static void test_not_permitted(void **state)
{
    (void)state;
    char why[256];
    take("a:1,mode=exclusive,scope=pu,memory=1GiB");
    isolate("affinity and locks (cgroup "); /* the kernel made no files in it */
    assert_int_equal(access(child, F_OK), -1);
    drop(group, "cgroup.subtree_control");
    isolate("affinity and locks (cgroup ");
    assert_int_equal(access(child, F_OK), -1);
    put(group, "cgroup.controllers", "cpu memory pids cpusets\n");
    isolate("affinity and locks (the cgroup ");
    assert_false(weir_topo_may_isolate(group, why, sizeof why));
    assert_non_null(strstr(why, "does not have the cpuset controller"));
    drop(group, "cgroup.controllers");
    isolate("affinity and locks (no cgroup v2 at ");
    give_back();
}

/* A process that is killed leaves its group; whoever comes next removes it. */
static void test_killed(void **state)
{
    (void)state;
    int pid = (int)fork();
    if (pid == 0) {
        take("a:1,mode=exclusive,scope=pu,memory=1GiB");
        make_child("domain invalid");
        isolate("cgroup v2 cpuset, isolated partition");
        remove_child_files();
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    snprintf(child, sizeof child, "%s/weir-%d-%u", group, pid, n_leases);
    assert_int_equal(access(child, F_OK), 0);
    take("a:4,mode=exclusive,scope=core,memory=1GiB");
    char gone[160];
    snprintf(gone, sizeof gone, "%s/weir-%d-%u", group, pid, n_leases - 1);
    assert_int_equal(access(gone, F_OK), -1);
    give_back();
}

static int setup(void **state)
{
    (void)state;
    snprintf(group, sizeof group, "%s/group", base);
    snprintf(leases, sizeof leases, "%s/leases", base);
    mkdir(group, 0755);
    put(group, "cgroup.controllers", "cpuset cpu io memory pids\n");
    put(group, "cgroup.subtree_control", "");
    put(group, "cgroup.threads", "");
    put(group, "cgroup.procs", "");
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(base) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    static const char *const left[] = {"cgroup.controllers", "cgroup.subtree_control",
                                       "cgroup.threads", "cgroup.procs"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) drop(group, left[i]);
    drop(leases, "mutex");
    return rmdir(group) || rmdir(leases) || rmdir(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_isolated, setup),
        cmocka_unit_test_setup(test_whole_process_in_a_root_partition, setup),
        cmocka_unit_test_setup(test_no_partition, setup),
        cmocka_unit_test_setup(test_killed, setup),
        cmocka_unit_test_setup(test_not_permitted, setup),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
