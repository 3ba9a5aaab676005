#ifndef WEIR_DEVICE_CL_RUN_H
#define WEIR_DEVICE_CL_RUN_H

#include "runtime/device/cl_backend.h"

/* A run and the batches that it has in flight. */

#define CL_FLIGHTS      3
#define CL_STATUS_WORDS 8
#define GROUP_ITEMS     64

/* Room for results, kept from batch to batch. In host memory that the device works on in place
   where memory is unified, else with a copy on the host. */
struct out_buffer {
    cl_mem mem;
    void *host; /* [size] */
    size_t size;
    void *mapped; /* unified: while the host reads */
};

/* One batch on its way: the call's buffers. Free when `batch` is NULL. */
struct flight {
    struct weir_batch *batch;
    cl_event done;          /* of the kernel */
    struct out_buffer *out; /* [k.n_args] */
    struct out_buffer status;
    cl_mem *in;                  /* [k.n_args] */
    uint32_t groups, chunk, cap; /* GPU shape: groups is 1, cap the rows of all */
    uint32_t items;              /* work-items; GPU shape: in groups of GROUP_ITEMS */
};

struct weir_run {
    struct weir_prepared *q;
    struct weir_run_sink sink;
    struct weir_pool *pool;
    cl_command_queue queue, io; /* kernels; results, which must not wait for later kernels */
    cl_kernel kernel;
    struct flight flight[CL_FLIGHTS];
    int oldest, n_flights;
    bool hung;          /* a kernel never ended: nothing that it may use is ever released */
    bool unmapping;     /* io has commands that the next kernel must wait for */
    const char *broken; /* why nothing runs here at all, or NULL */
    struct weir_run_stats stats;
};

/* Make SIZE bytes of O from byte AT readable at o->host + AT, until cl_unfetch (unified memory: the
   first call's bytes). */
cl_int cl_fetch(struct weir_run *r, struct out_buffer *o, size_t at, size_t size);
void cl_unfetch(struct weir_run *r, struct out_buffer *o);
/* Bytes of an output argument's buffer for each of a work-group's `cap` rows. */
size_t cl_out_row_bytes(const struct weir_run *r, const struct gen_arg *a);

/* Read flight F's results and give them to the sink (cl_deliver.c). *CODE is not 0 when the device
   failed before anything was delivered. */
int cl_deliver(struct weir_run *r, struct flight *f, cl_int *code, struct weir_error *err);

#endif
