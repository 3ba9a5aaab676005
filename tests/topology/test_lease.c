/* Leases: two processes never hold the same exclusive core, the same shared PU beside an owner,
   more bytes than a node has, or the same device, over rounds of start, kill -9 and restart. What
   is held is kept in shared memory by the processes themselves; whoever finds a PU taken by a
   living process has found a breach. usage: test_topology_lease [ROUNDS] */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <weir/topology.h>

#include "tests/topology/alive.h"

#define PUS     16
#define WORKERS 3

struct board {
    atomic_int owner[PUS]; /* pid of the process that owns the PU */
    atomic_uint breaches, taken, refused;
};

static char directory[] = "/tmp/weir-lease-test-XXXXXX";
static struct board *board;

static void claim(uint32_t pu)
{
    int nobody = 0, me = (int)getpid();
    while (!atomic_compare_exchange_strong(&board->owner[pu], &nobody, me)) {
        if (nobody && alive(nobody)) {
            atomic_fetch_add(&board->breaches, 1);
            return;
        }
        if (nobody && atomic_compare_exchange_strong(&board->owner[pu], &nobody, me)) return;
        nobody = 0;
    }
}

/* Many open files, so that a process that is killed takes a while to die: its lease goes first. */
static void die_slowly(void)
{
    for (int k = 0; k < 400; k++) {
        int fd[2];
        if (pipe(fd) || write(fd[1], "x", 1) != 1) _exit(7);
    }
}

static void work(unsigned seed)
{
    static const char *const demands[] = {
        "a:2,mode=exclusive,memory=1GiB", "b:1,mode=exclusive,scope=l3,memory=2GiB",
        "c:3,mode=exclusive,scope=pu,memory=100MiB", "d:1,mode=exclusive,device=require,cpu=2"};
    struct weir_topo_machine_options o = {.source = "builtin:laptop-4core", .leases = directory};
    die_slowly();
    for (;;) {
        struct weir_topo_demand *d;
        struct weir_topo_machine *m;
        struct weir_topo_plan *p;
        struct weir_topo_lease *lease;
        struct weir_topo_error err;
        seed = seed * 1103515245 + 12345;
        if (weir_topo_demand_parse_streams(demands[seed >> 16 & 3], &d, &err)) _exit(9);
        int rc = weir_topo_lease_take(&o, d, NULL, "test", &m, &p, &lease, &err);
        if (rc && rc != WEIR_TOPO_ERR_INVALID) {
            fprintf(stderr, "%s\n", err.message);
            _exit(8);
        }
        atomic_fetch_add(rc ? &board->refused : &board->taken, 1);
        if (!rc) {
            for (uint32_t k = 0; k < p->pu_list_count; k++) claim(m->pus[p->pu_list[k]].os_index);
            usleep(seed >> 20 & 1023);
            for (uint32_t k = 0; k < p->pu_list_count; k++) {
                int me = (int)getpid();
                if (!atomic_compare_exchange_strong(&board->owner[m->pus[p->pu_list[k]].os_index],
                                                    &me, 0))
                    atomic_fetch_add(&board->breaches, 1);
            }
        }
        weir_topo_lease_free(lease);
        weir_topo_plan_free(p);
        weir_topo_machine_free(m);
        weir_topo_demand_free(d);
    }
}

static int start(unsigned seed)
{
    int pid = (int)fork();
    if (pid == 0) {
        work(seed);
        _exit(0);
    }
    return pid;
}

static int stress(unsigned rounds)
{
    int pids[WORKERS], status, bad = 0;
    for (unsigned w = 0; w < WORKERS; w++) pids[w] = start(w + 1);
    for (unsigned r = 0; r < rounds; r++) {
        unsigned w = r % WORKERS;
        usleep(1500 + r * 7919 % 3000);
        if (kill(pids[w], SIGKILL) < 0 || waitpid(pids[w], &status, 0) < 0) bad++;
        if (WIFEXITED(status)) {
            fprintf(stderr, "a worker ended by itself with status %d\n", WEXITSTATUS(status));
            bad++;
        }
        pids[w] = start(r * 31 + 100);
    }
    for (unsigned w = 0; w < WORKERS; w++) {
        kill(pids[w], SIGKILL);
        waitpid(pids[w], &status, 0);
    }
    printf("%u rounds of kill and restart: %u leases taken, %u refused, %u breaches\n", rounds,
           atomic_load(&board->taken), atomic_load(&board->refused), atomic_load(&board->breaches));
    return bad || atomic_load(&board->breaches) || !atomic_load(&board->taken) ||
           !atomic_load(&board->refused);
}

/* What is called like a lease but is none is in nobody's way; it stays there from here on. */
static int strangers(void)
{
    static const char *const name[] = {"pipe", "folder", "link"};
    char path[3][64];
    struct weir_topo_text t = {0};
    struct weir_topo_error err;
    for (int k = 0; k < 3; k++)
        snprintf(path[k], sizeof path[k], "%s/%s.lease", directory, name[k]);
    if (mkfifo(path[0], 0600) || mkdir(path[1], 0700) || symlink("/dev/zero", path[2])) return 1;
    int rc = weir_topo_lease_text(directory, &t, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    rc = rc || t.length;
    weir_topo_text_free(&t);
    return rc;
}

/* The refusal names the holder; after it has gone there is room; a shared job keeps others from
 * owning its PUs. */
static int plain(void)
{
    struct weir_topo_machine_options o = {.source = "pack:1 [numa(memory=8GB)] core:2 pu:1",
                                          .leases = directory};
    struct weir_topo_demand *all, *one, *shared;
    struct weir_topo_machine *m, *m2;
    struct weir_topo_plan *p, *p2;
    struct weir_topo_lease *a, *b;
    struct weir_topo_error err;
    if (weir_topo_demand_parse_streams("x:2,mode=exclusive,memory=3GiB", &all, &err) ||
        weir_topo_demand_parse_streams("y:1,mode=exclusive,memory=1GiB", &one, &err) ||
        weir_topo_demand_parse_streams("z:2,memory=3GiB", &shared, &err))
        return 1;
    if (weir_topo_lease_take(&o, all, NULL, "first job", &m, &p, &a, &err)) return 2;
    if (weir_topo_lease_take(&o, one, NULL, "second job", &m2, &p2, &b, &err) !=
        WEIR_TOPO_ERR_INVALID)
        return 3;
    if (!strstr(err.message, "first job") || !strstr(err.message, "CPUs 0-1") || !p2) return 4;
    weir_topo_plan_free(p2);
    weir_topo_machine_free(m2);
    weir_topo_lease_free(a);
    weir_topo_plan_free(p);
    weir_topo_machine_free(m);
    if (weir_topo_lease_take(&o, shared, NULL, "shared job", &m, &p, &a, &err)) return 5;
    if (weir_topo_lease_take(&o, one, NULL, "second job", &m2, &p2, &b, &err) !=
        WEIR_TOPO_ERR_INVALID)
        return 6;
    weir_topo_plan_free(p2);
    weir_topo_machine_free(m2);
    if (weir_topo_lease_take(&o, shared, NULL, "other shared job", &m2, &p2, &b, &err) !=
        WEIR_TOPO_ERR_INVALID)
        return 7; /* its memory does not fit beside the first */
    weir_topo_plan_free(p2);
    weir_topo_machine_free(m2);
    weir_topo_lease_free(a);
    weir_topo_plan_free(p);
    weir_topo_machine_free(m);
    if (weir_topo_lease_take(&o, one, NULL, "second job", &m, &p, &a, &err)) return 8;
    weir_topo_lease_free(a);
    weir_topo_plan_free(p);
    weir_topo_machine_free(m);
    weir_topo_demand_free(all);
    weir_topo_demand_free(one);
    weir_topo_demand_free(shared);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED || !mkdtemp(directory)) return 1;
    int rc = strangers() ? -1 : plain();
    if (rc) fprintf(stderr, "plain leases: step %d failed\n", rc);
    if (!rc) rc = stress(rounds);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    if (system(command)) rc = 1;
    return rc ? 1 : 0;
}
