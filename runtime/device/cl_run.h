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
    void *host; /* [host_bytes], paid by the run's pool */
    size_t host_bytes;
    size_t size;  /* host_bytes, or 0 where there is no `mem` */
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

/* Groups stay on the device from batch to batch, in one table of a run. Nothing of them is the
   sink's until they are read back, and till then every batch that went in is kept: a generation of
   batches is delivered as a whole or handed back as a whole (cl_groups.c). */
struct group_table {
    struct out_buffer rows, directory, counts;
    uint32_t parts, cap; /* work-groups that have a part of their own, and groups that it holds */
    bool empty;          /* nothing was put in: the next kernel starts with no groups */
    bool retried;        /* a call failed, and the generation was begun anew */
    uint32_t epoch;      /* kernels of this generation */
    struct weir_batch **batch; /* [n] whose groups are in */
    size_t n, room;
    uint64_t bytes; /* of their columns */
};

struct weir_run {
    struct weir_prepared *q;
    struct weir_run_sink sink;
    struct weir_pool *pool;
    cl_command_queue queue, io; /* kernels; results, which must not wait for later kernels */
    cl_kernel kernel;
    struct flight flight[CL_FLIGHTS];
    int oldest, n_flights;
    bool hung;  /* a kernel never ended: nothing that it may use is ever released */
    bool keeps; /* AGGREGATE with keys: its results go to the table */
    struct group_table table;
    bool unmapping;     /* io has commands that the next kernel must wait for */
    const char *broken; /* why nothing runs here at all, or NULL */
    struct weir_run_stats stats;
};

enum outcome { DONE, AGAIN, VALUE_ERROR };

/* ---- cl_call.c ---- */

/* How F's batch is cut into work-groups; room for its results. */
void cl_divide(const struct weir_run *r, struct flight *f);
cl_int cl_launch(struct weir_run *r, struct flight *f);
/* Wait for F's kernel and make its status readable. */
cl_int cl_await(struct weir_run *r, struct flight *f);
/* Let go of everything that belongs to F's batch; the outputs stay for the next one. false: the
   device may still use its memory, which therefore is never given back: it is lost with the device.
 */
bool cl_end_flight(struct weir_run *r, struct flight *f);
void cl_drop_buffer(struct weir_run *r, struct out_buffer *o);
/* Make SIZE bytes of O from byte AT readable at o->host + AT, until cl_unfetch (unified memory: the
   first call's bytes). */
cl_int cl_fetch(struct weir_run *r, struct out_buffer *o, size_t at, size_t size);
void cl_unfetch(struct weir_run *r, struct out_buffer *o);
/* Bytes of an output argument's buffer for each of a work-group's `cap` rows (a directory's: for
   each place). */
size_t cl_out_row_bytes(const struct weir_run *r, const struct gen_arg *a);

/* ---- cl_run.c ---- */

/* Read the status blocks. */
enum outcome cl_judge(const struct flight *f);
/* The next batches of this pipeline shall have room for CAP. */
void cl_hint(struct weir_run *r, uint32_t cap);
/* Why a batch is handed back when a call said CODE. A device that is gone is not tried again. */
const char *cl_reason(struct weir_run *r, cl_int code);

/* ---- cl_groups.c: runs that keep a table ---- */

struct out_buffer *cl_table_buffer(struct group_table *t, enum gen_arg_kind kind);
void cl_groups_open(struct weir_run *r);
/* Make ready for one more batch: a generation that holds enough is delivered first. */
int cl_groups_admit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err);
/* Complete the oldest flight. */
int cl_groups_complete(struct weir_run *r, struct weir_error *err);
/* A call failed: what went in since the last delivery is done anew, or handed back. */
int cl_groups_failed(struct weir_run *r, cl_int code, struct weir_error *err);
/* Read the table back and merge its groups into the sink's; no flight may be on its way. */
int cl_groups_flush(struct weir_run *r, struct weir_error *err);
void cl_groups_close(struct weir_run *r);

/* ---- cl_deliver.c ---- */

/* Read flight F's results and give them to the sink. *CODE is not 0 when the device failed before
   anything was delivered. */
int cl_deliver(struct weir_run *r, struct flight *f, cl_int *code, struct weir_error *err);
/* The same for the table of groups. BATCH: where texts among the keys lie. */
int cl_deliver_table(struct weir_run *r, const struct weir_batch *batch, cl_int *code,
                     struct weir_error *err);

#endif
