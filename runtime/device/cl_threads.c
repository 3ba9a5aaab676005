/* Finding and binding a driver's threads. While the driver is called our own thread carries a name
   that nobody else has; a new thread inherits it, so those with that name are the driver's. They are
   then called pocl-0, pocl-1, ... The list is the process's, like the threads. */
#ifdef WEIR_OPENCL
#include "runtime/device/cl_threads.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 4096
#define MAX_CPU     (1 << 16)
#define MARK        "weir-cl-driver"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int threads[MAX_THREADS], n_threads;

static bool has_mark(int tid)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    bool same = fgets(name, sizeof name, f) && !strncmp(name, MARK "\n", sizeof MARK);
    fclose(f);
    return same;
}

static void rename_thread(int tid, int number)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    FILE *f = fopen(path, "w");
    if (!f) return;
    fprintf(f, "pocl-%d", number);
    fclose(f);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void cl_threads_begin(struct cl_threads *t)
{
    if (pthread_getname_np(pthread_self(), t->name, sizeof t->name)) t->name[0] = 0;
    pthread_mutex_lock(&mutex);
    pthread_setname_np(pthread_self(), MARK);
}

void cl_threads_end(const struct cl_threads *t, bool keep)
{
    pthread_setname_np(pthread_self(), t->name);
    DIR *dir = opendir("/proc/self/task");
    int first = n_threads;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e && n_threads < MAX_THREADS;
         e = readdir(dir)) {
        int tid = atoi(e->d_name);
        if (keep && tid > 0 && has_mark(tid)) threads[n_threads++] = tid;
    }
    if (dir) closedir(dir);
    qsort(threads + first, (size_t)(n_threads - first), sizeof *threads, compare);
    for (int i = first; i < n_threads; i++) rename_thread(threads[i], i);
    pthread_mutex_unlock(&mutex);
}

static int bind_to(int tid, const uint32_t *cpus, int n)
{
    size_t bytes = CPU_ALLOC_SIZE(MAX_CPU);
    cpu_set_t *set = CPU_ALLOC(MAX_CPU);
    if (!set) return ENOMEM;
    CPU_ZERO_S(bytes, set);
    for (int i = 0; i < n; i++) CPU_SET_S(cpus[i], bytes, set);
    int e = sched_setaffinity(tid, bytes, set) < 0 ? errno : 0;
    CPU_FREE(set);
    return e == ESRCH ? 0 : e; /* it has ended */
}

int cl_threads_bind(const uint32_t *cpus, int n, struct weir_error *err)
{
    int e = 0;
    pthread_mutex_lock(&mutex);
    for (int i = 0; !e && i < n_threads; i++)
        e = i < n ? bind_to(threads[i], cpus + i, 1) : bind_to(threads[i], cpus, n);
    pthread_mutex_unlock(&mutex);
    return e ? weir_fail_errno(err, WEIR_ERR_UNSUPPORTED, e,
                               "binding the OpenCL driver's threads to the job's CPUs")
             : WEIR_OK;
}

int cl_threads_list(const uint32_t *cpus, int n, struct weir_device_thread *thread, int max)
{
    pthread_mutex_lock(&mutex);
    int count = n_threads;
    for (int i = 0; i < count && i < max; i++)
        thread[i] = (struct weir_device_thread){threads[i], i < n ? (int)cpus[i] : -1};
    pthread_mutex_unlock(&mutex);
    return count;
}
#endif
