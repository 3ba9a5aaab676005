#ifndef WEIR_DEVICE_CL_THREADS_H
#define WEIR_DEVICE_CL_THREADS_H

#include "runtime/device/device.h"

/* The threads that OpenCL drivers start in this process to compute on the host's cores. */

struct cl_threads {
    char name[16]; /* of the calling thread, before */
};
/* Around the call that makes a driver start its threads; KEEP: they compute on the host. */
void cl_threads_begin(struct cl_threads *t);
void cl_threads_end(const struct cl_threads *t, bool keep);
/* Bind the I-th one to CPUS[I], those beyond N to all of them. */
int cl_threads_bind(const uint32_t *cpus, int n, struct weir_error *err) WEIR_NODISCARD;
int cl_threads_list(const uint32_t *cpus, int n, struct weir_device_thread *thread, int max);

#endif
