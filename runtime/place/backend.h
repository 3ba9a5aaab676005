#ifndef WEIR_PLACE_BACKEND_H
#define WEIR_PLACE_BACKEND_H

#include "runtime/native/vec.h"

/* A backend runs pipelines. Native and every OpenCL device are instances; native is the last of the
   registry and able to do everything. "Can it" (supports) and "is it worth it" (place.h) are two
   questions. */

struct weir_backend;  /* one device */
struct weir_prepared; /* a pipeline made ready on it: compiled, build tables transferred */
struct weir_run;      /* one slot's use of a prepared pipeline */

enum weir_backend_kind { WEIR_BACKEND_NATIVE = 0, WEIR_BACKEND_OPENCL };

/* What a run delivers, and to whom. `emit`, `groups`: as struct weir_native_sink. `failed` gets a
   batch that this backend could not do, with nothing of it delivered: the caller runs it natively
   and counts REASON (a short stable text such as "device out of memory" or "value error"; the
   string lives as long as the backend). VALUE errors (overflow …) are handed back this way too:
   native then finds the row and the message. */
struct weir_run_sink {
    struct weir_native_sink out;
    int (*failed)(void *ctx, struct weir_batch *batch, const char *reason, struct weir_error *err);
    void *failed_ctx;
    int n_runs; /* runs of the same prepared pipeline that share the device's time; 0: one */
};

/* Measured by the run, read by exec for statistics and traces. */
struct weir_run_stats {
    uint64_t batches, rows_in;
    uint64_t busy_ns;                     /* computing: kernels, or the native interpreter */
    uint64_t transfer_ns, transfer_bytes; /* to and from the device */
    const uint64_t *step_rows;            /* as weir_eval_step_rows, or NULL */
};

struct weir_backend_ops {
    enum weir_backend_kind kind;

    /* 1, or 0 with the reason in WHY ("COUNT(DISTINCT) runs natively"). No side effects, cheap. */
    int (*supports)(const struct weir_backend *b, const struct weir_pipeline *p, char *why,
                    size_t why_size);

    /* Make P ready. May take seconds (a compiler): exec calls it from a background thread. P and
       TABLES must outlive the result. Thread-safe. */
    int (*prepare)(struct weir_backend *b, const struct weir_pipeline *p,
                   const struct weir_join_table *const *tables, struct weir_prepared **out,
                   struct weir_error *err);
    void (*release)(struct weir_prepared *q);

    /* One for each slot; a run is used by one thread at a time. SINK is copied. */
    int (*open)(struct weir_prepared *q, const struct weir_run_sink *sink, struct weir_pool *pool,
                int64_t now_us, struct weir_run **out, struct weir_error *err);
    /* Take one batch (the run keeps a reference as long as it needs it). Results may be delivered
       now or at a later submit or finish (several batches in flight). Only what cannot be handed
       back through `failed` is an error. */
    int (*submit)(struct weir_run *r, struct weir_batch *batch, struct weir_error *err);
    int (*finish)(struct weir_run *r,
                  struct weir_error *err); /* deliver everything; the run may go on after */
    void (*stats)(const struct weir_run *r, struct weir_run_stats *out);
    void (*close)(struct weir_run *r); /* NULL is allowed; drops what was not delivered */

    void (*free)(struct weir_backend *b);
};

/* The first member of each backend's own struct. */
struct weir_backend {
    const struct weir_backend_ops *ops;
    const char *name;    /* "native", "opencl:0" */
    const char *device;  /* what it is: "pthread-AMD EPYC (pocl 3.1)" */
    uint32_t batch_rows; /* rows that one submit should carry at least for the call's cost not to
                            matter */
    bool shares_cpu;     /* computes on the host's cores (native, pocl) */
};

/* The native backend; one object, never freed by the caller. */
struct weir_backend *weir_backend_native(void);

#endif
