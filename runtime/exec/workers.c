/* The workers: each slot's thread waits for the next round, runs the round's function, reports. A
   round is a generation number under one mutex; with a handful of rounds a query, nothing faster is
   needed. */
#include "runtime/exec/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/base/mem.h"

struct worker {
    struct weir_workers *all;
    pthread_t thread;
    int slot, tid;
    int rc;
    struct weir_error err;
};

struct weir_workers {
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    int n, started, busy;
    unsigned long round;
    bool quit;
    int (*fn)(void *ctx, int slot, struct weir_error *err);
    void *ctx;
    struct worker worker[];
};

static void *worker_main(void *arg)
{
    struct worker *me = arg;
    struct weir_workers *w = me->all;
    char name[32];
    snprintf(name, sizeof name, "weir-slot-%d", me->slot % 1000);
    pthread_setname_np(pthread_self(), name);
    me->tid = gettid();
    unsigned long seen = 0;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (w->round == seen && !w->quit) pthread_cond_wait(&w->wake, &w->mutex);
        if (w->quit) break;
        seen = w->round;
        pthread_mutex_unlock(&w->mutex);
        int rc = w->fn ? w->fn(w->ctx, me->slot, &me->err) : 0;
        pthread_mutex_lock(&w->mutex);
        me->rc = rc;
        if (--w->busy == 0) pthread_cond_signal(&w->done);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

int weir_workers_run(struct weir_workers *w, int (*fn)(void *ctx, int slot, struct weir_error *err),
                     void *ctx, struct weir_error *err)
{
    pthread_mutex_lock(&w->mutex);
    w->fn = fn;
    w->ctx = ctx;
    w->busy = w->n;
    w->round++;
    pthread_cond_broadcast(&w->wake);
    while (w->busy) pthread_cond_wait(&w->done, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
    for (int i = 0; i < w->n; i++) {
        if (w->worker[i].rc >= 0) continue;
        if (err) *err = w->worker[i].err;
        return w->worker[i].rc;
    }
    return WEIR_OK;
}

void weir_workers_free(struct weir_workers *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->mutex);
    w->quit = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    for (int i = 0; i < w->started; i++) pthread_join(w->worker[i].thread, NULL);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->done);
    weir_free(w);
}

int weir_workers_new(int n, int (*bind)(void *ctx, int slot, struct weir_error *err),
                     void *bind_ctx, struct weir_workers **out, struct weir_error *err)
{
    struct weir_workers *w = weir_calloc(1, sizeof *w + (size_t)n * sizeof *w->worker);
    if (!w) return weir_fail_nomem(err, sizeof *w, "starting the workers");
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->done, NULL);
    w->n = n;
    for (int i = 0; i < n; i++) {
        w->worker[i].all = w;
        w->worker[i].slot = i;
        int e = pthread_create(&w->worker[i].thread, NULL, worker_main, &w->worker[i]);
        if (e) {
            weir_workers_free(w);
            return weir_fail_errno(err, WEIR_ERR_NOMEM, e,
                                   "starting worker %d of %d; use fewer partitions", i + 1, n);
        }
        w->started++;
    }
    int rc = weir_workers_run(w, bind, bind_ctx, err);
    if (rc) {
        weir_workers_free(w);
        return rc;
    }
    *out = w;
    return WEIR_OK;
}

int weir_workers_count(const struct weir_workers *w)
{
    return w->n;
}

int weir_workers_tid(const struct weir_workers *w, int slot)
{
    return w->worker[slot].tid;
}
