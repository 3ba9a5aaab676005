/* Exclusive jobs on the machine that we run on never overlap, over rounds of two started at once,
   killed (-9) and started again. What is compared is what the kernel says of their threads'
   affinity, not what a lease or a plan says.
   usage: test_topology_lease_jobs ROUNDS [PROGRAM]

   Without PROGRAM there are three jobs, and they are processes of our own: each leases one core,
   binds itself, and enters the mask that sched_getaffinity gives into a table in shared memory,
   under a lock of its own. An entry of a living process that nobody has condemned to be killed must
   not meet another one.

   With PROGRAM (weir) there are two, `PROGRAM run --mode exclusive` with an endless query, and the
   masks are read from /proc/PID/task: those of threads that do not have the mask of this process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <weir/topology.h>

#include "tests/topology/alive.h"

#define JOBS 3

static char directory[] = "/tmp/weir-lease-jobs-XXXXXX", lock_path[64];

struct entry {
    int pid; /* 0: free */
    bool condemned;
    cpu_set_t cpus;
};

static struct table {
    struct entry jobs[JOBS];
    unsigned breaches, bound, refused, together;
} * table; /* counted under the lock, or by the only process that counts */

static int lock_table(void)
{
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) abort();
    return fd;
}

static bool meet(const cpu_set_t *a, const cpu_set_t *b)
{
    cpu_set_t both;
    CPU_AND(&both, a, b);
    return CPU_COUNT(&both) > 0;
}

/* Enter what this thread is bound to; counts a breach if somebody else has a CPU of it. */
static void enter(int slot)
{
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) < 0) abort();
    for (bool wait = true; wait;) { /* one that is being killed may not have gone yet */
        int fd = lock_table();
        wait = false;
        for (int j = 0; j < JOBS; j++) {
            struct entry *other = &table->jobs[j];
            if (j == slot || !other->pid || !alive(other->pid)) continue;
            if (!meet(&other->cpus, &mine)) {
                table->together++;
            } else if (other->condemned) {
                wait = true;
            } else {
                table->breaches++;
            }
        }
        if (!wait) {
            table->jobs[slot].cpus = mine;
            table->jobs[slot].condemned = false;
            table->jobs[slot].pid = (int)getpid();
            table->bound++;
        }
        close(fd);
        if (wait) usleep(100);
    }
}

static void leave(int slot)
{
    int fd = lock_table();
    table->jobs[slot].pid = 0;
    close(fd);
}

static void own_job(int slot, unsigned seed)
{
    struct weir_topo_machine_options o = {.leases = directory};
    for (;;) {
        struct weir_topo_demand *d;
        struct weir_topo_machine *m;
        struct weir_topo_plan *p;
        struct weir_topo_lease *lease;
        struct weir_topo_error err;
        if (weir_topo_demand_parse_streams("job:1,mode=exclusive,memory=16MiB", &d, &err)) _exit(9);
        int rc = weir_topo_lease_take(&o, d, NULL, "test", &m, &p, &lease, &err);
        if (rc && rc != WEIR_TOPO_ERR_INVALID) {
            fprintf(stderr, "%s\n", err.message);
            _exit(8);
        }
        if (!rc) {
            if (weir_topo_apply_thread(p, 0, NULL, &err)) _exit(7);
            enter(slot);
            seed = seed * 1103515245 + 12345;
            usleep(2000 + (seed >> 16 & 8191));
            leave(slot);
            if (weir_topo_release_thread(m, &err)) _exit(6);
        } else {
            int fd = lock_table();
            table->refused++;
            close(fd);
            usleep(2000);
        }
        weir_topo_lease_free(lease);
        weir_topo_plan_free(p);
        weir_topo_machine_free(m);
        weir_topo_demand_free(d);
    }
}

/* Where a PROGRAM's standard error goes. */
static const char *said_path(int slot)
{
    static char path[96];
    snprintf(path, sizeof path, "%s.%d", directory, slot);
    return path;
}

/* Has the job said that it has its CPUs? Before, reading the machine binds it here and there. */
static bool has_its_place(int slot)
{
    char line[256] = "";
    FILE *f = fopen(said_path(slot), "r");
    if (!f) return false;
    bool said = fgets(line, sizeof line, f) && strstr(line, "exclusive CPUs");
    fclose(f);
    return said;
}

static int start(int slot, unsigned seed, const char *program)
{
    if (program) unlink(said_path(slot));
    int pid = (int)fork();
    if (pid) return pid;
    if (!program) own_job(slot, seed);
    int null = open("/dev/null", O_RDWR);
    int said = open(said_path(slot), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (null < 0 || said < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(said, 2) < 0)
        _exit(127);
    setenv("WEIR_LEASE_DIR", directory, 1);
    execl(program, program, "run", "--mode", "exclusive", "--partitions", "1", "--device", "native",
          "-c",
          "CREATE TABLE t (a BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = "
          "'1000000000000'); SELECT COUNT(*) FROM t",
          (char *)NULL);
    _exit(127);
}

static void stop(int slot, int pid)
{
    int fd = lock_table(), status;
    if (table->jobs[slot].pid == pid) table->jobs[slot].condemned = true;
    close(fd);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fd = lock_table();
    if (table->jobs[slot].pid == pid) table->jobs[slot].pid = 0;
    close(fd);
}

/* The CPUs that threads of PID are bound to, of those that are bound. */
static cpu_set_t bound_cpus(int pid)
{
    cpu_set_t all, sum, one;
    char path[64];
    CPU_ZERO(&sum);
    sched_getaffinity(0, sizeof all, &all);
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int tid = atoi(e->d_name);
        if (tid > 0 && !sched_getaffinity(tid, sizeof one, &one) && !CPU_EQUAL(&one, &all))
            CPU_OR(&sum, &sum, &one);
    }
    if (dir) closedir(dir);
    return sum;
}

/* Look at both jobs for a while; neither is killed meanwhile, so both masks are true at once. */
static void watch(const int *pids, unsigned looks)
{
    for (unsigned k = 0; k < looks; k++) {
        bool placed[] = {has_its_place(0), has_its_place(1)};
        cpu_set_t a = bound_cpus(pids[0]), b = bound_cpus(pids[1]);
        bool running[] = {placed[0] && alive(pids[0]) && CPU_COUNT(&a),
                          placed[1] && alive(pids[1]) && CPU_COUNT(&b)};
        table->bound += running[0] || running[1];
        table->refused += running[0] != running[1];
        table->together += running[0] && running[1];
        table->breaches += running[0] && running[1] && meet(&a, &b);
        usleep(2000);
    }
}

/* Until something has happened since the last time, at most a second; then for MICROSECONDS. */
static void await_events(unsigned microseconds)
{
    static unsigned seen;
    for (int k = 0; k < 5000; k++) {
        int fd = lock_table();
        unsigned now = table->bound + table->refused;
        close(fd);
        if (now != seen) {
            seen = now;
            break;
        }
        usleep(200);
    }
    usleep(microseconds);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    const char *program = argc > 2 ? argv[2] : NULL;
    table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED || !mkdtemp(directory)) return 1;
    snprintf(lock_path, sizeof lock_path, "%s.table", directory);
    int pids[JOBS], jobs = program ? 2 : JOBS;
    for (int j = 0; j < jobs; j++) pids[j] = start(j, (unsigned)j + 1, program);
    for (unsigned r = 0; r < rounds; r++) {
        if (program)
            watch(pids, 12 + r % 7);
        else
            await_events(r * 7919 % 3000);
        int first = (int)(r % (unsigned)jobs),
            all = r % 5 == 0; /* every fifth time all, started at once */
        for (int j = 0; j < jobs; j++)
            if (j == first || all) stop(j, pids[j]);
        for (int j = 0; j < jobs; j++)
            if (j == first || all) pids[j] = start(j, r * 31 + 100 + (unsigned)j, program);
    }
    for (int j = 0; j < jobs; j++) stop(j, pids[j]);
    printf(
        "%u rounds: %u times bound, %u refused or alone, %u times beside the other, %u breaches\n",
        rounds, table->bound, table->refused, table->together, table->breaches);
    char command[160];
    snprintf(command, sizeof command, "rm -rf %s %s.*", directory, directory);
    bool failed = table->breaches || !table->bound;
    if (system(command)) failed = true;
    return failed ? 1 : 0;
}
