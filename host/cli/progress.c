/* The progress line: a thread wakes a few times a second, reads the engine's counters and rewrites
 * one line of stderr. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "host/cli/cli.h"

#define MAX_CPU (1 << 16)

struct cli_progress {
    struct weir_engine *engine;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool quit, shown;
    uint64_t start_ns;
};

static _Atomic(struct cli_progress *) current; /* the one that runs */

static void draw(struct cli_progress *p)
{
    uint64_t rows = atomic_load(&p->engine->rows_read);
    double seconds = (double)(weir_now_ns() - p->start_ns) / 1e9;
    double part = weir_engine_progress(p->engine);
    fprintf(stderr, "\r\033[K%.1f M rows, %.2f M rows/s", (double)rows / 1e6,
            (double)rows / seconds / 1e6);
    if (part >= 0) fprintf(stderr, ", %.0f %%", 100 * (part > 1 ? 1 : part));
    fflush(stderr);
    p->shown = true;
}

/* Stay on the CPUs of the main thread, which the engine binds to those of its job: others may own the
   rest. */
static void follow_main_thread(void)
{
    size_t bytes = CPU_ALLOC_SIZE(MAX_CPU);
    cpu_set_t *set = CPU_ALLOC(MAX_CPU);
    if (set && !sched_getaffinity(getpid(), bytes, set)) (void)sched_setaffinity(0, bytes, set);
    if (set) CPU_FREE(set);
}

static void *progress_main(void *arg)
{
    struct cli_progress *p = arg;
    pthread_mutex_lock(&p->mutex);
    while (!p->quit) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 250000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->wake, &p->mutex, &until);
        follow_main_thread();
        if (!p->quit) draw(p);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

struct cli_progress *cli_progress_start(struct weir_engine *e)
{
    if (!isatty(STDERR_FILENO)) return NULL;
    struct cli_progress *p = weir_calloc(1, sizeof *p);
    if (!p) return NULL;
    p->engine = e;
    p->start_ns = weir_now_ns();
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (!pthread_create(&p->thread, NULL, progress_main, p)) {
        atomic_store(&current, p);
        return p;
    }
    weir_free(p);
    return NULL;
}

void cli_progress_hide(void)
{
    struct cli_progress *p = atomic_load(&current);
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    if (p->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    p->shown = false;
    pthread_mutex_unlock(&p->mutex);
}

void cli_progress_stop(struct cli_progress *p)
{
    if (!p) return;
    atomic_store(&current, NULL);
    pthread_mutex_lock(&p->mutex);
    p->quit = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    if (p->shown) fputs("\r\033[K", stderr);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->wake);
    weir_free(p);
}
