#ifndef WEIR_DEVICE_CL_BACKEND_H
#define WEIR_DEVICE_CL_BACKEND_H

#include <CL/cl.h>
#include <pthread.h>

#include "runtime/device/gen.h"

/* One OpenCL device as a backend: its context, its queue, the programs built on it. */
int weir_cl_backend_new(cl_device_id id, const struct weir_device_info *info, int number,
                        struct weir_backend **out, struct weir_error *err);

struct cl_backend {
    struct weir_backend base;
    const struct weir_device_info *info;
    cl_device_id device;
    cl_context context;
    pthread_mutex_t mutex; /* of the programs */
    struct cl_program_entry *programs;
    bool declares; /* programs bring their own declarations of the built-in functions: pocl, as long
                      as none of them failed to build so */
    atomic_bool lost;    /* a call said that the device is gone: nothing is submitted any more */
    uint32_t timeout_ms; /* a kernel that takes longer is taken for hung, the device for lost */
    char name[24], what[160];
};

/* The program of SOURCE (prelude excluded), built once and shared; the caller releases its
 * reference. */
int cl_program_get(struct cl_backend *b, const char *source, cl_program *out,
                   struct weir_error *err);
void cl_programs_free(struct cl_backend *b);

/* The vtable's second half (cl_run.c). */
struct weir_prepared {
    struct cl_backend *b;
    const struct weir_pipeline *p;
    const struct weir_join_table *const *tables;
    struct gen_kernel k;
    cl_program program;
    cl_mem consts, const_bytes;
    cl_mem *table;             /* [k.n_args]: buffers of GEN_TAB_* arguments, NULL for others */
    uint64_t (*info)[4];       /* [n_tables] what GEN_TAB_INFO carries */
    _Atomic uint32_t cap_hint; /* groups or rows of a work-group that sufficed last time */
};

int cl_run_open(struct weir_prepared *q, const struct weir_run_sink *sink, struct weir_pool *pool,
                int64_t now_us, struct weir_run **out, struct weir_error *err);
int cl_run_submit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err);
int cl_run_finish(struct weir_run *r, struct weir_error *err);
void cl_run_stats(const struct weir_run *r, struct weir_run_stats *out);
void cl_run_close(struct weir_run *r);

/* A buffer over host memory: used in place where memory is unified and DATA a multiple of ALIGN,
   copied otherwise. NULL with *RC on failure. SIZE 0 gives a buffer of one unused word. */
cl_mem cl_buffer_of(struct cl_backend *b, const void *data, size_t size, size_t align, cl_int *rc);

#endif
