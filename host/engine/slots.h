#ifndef WEIR_ENGINE_SLOTS_H
#define WEIR_ENGINE_SLOTS_H

#include <sched.h>
#include <weir/topology.h>

#include "runtime/base/mem.h"
#include "runtime/device/device.h"
#include "runtime/exec/exec.h"

/* The slots of a job: a place for every partition of its streams, leased from the machine that all
   processes share, and one worker in each place. */

/* What a job asks for. A stream with 0 partitions gets as many as there is room for: shared, one
   for each usable PU, exclusive, one for each free unit of its scope; less where their memory does
   not fit more often. */
struct weir_slots_request {
    const struct weir_topo_stream *stream;
    int n_streams;   /* at least 1; all of one mode */
    const char *job; /* what it is called where others ask who holds this */
    bool bind;       /* bind the workers; exclusive streams need it */
};

struct weir_slots {
    struct weir_topo_machine *machine;
    struct weir_topo_plan *plan;
    struct weir_topo_lease *lease; /* NULL: none is held, see isolation */
    struct weir_workers *workers;  /* NULL in a plan that is only shown */
    int n;                         /* slots, the partitions in the order of the plan */
    struct weir_exec_stream
        *stream; /* as the request's; mode and devices are the engine's to set */
    int n_streams;
    bool exclusive, bound;
    bool placed;         /* devices on the host's cores are */
    bool told;           /* the caller has been told what an exclusive job has */
    char isolation[256]; /* what keeps others off: the level that was reached, in words */
    char *key;           /* the request as text: equal requests have equal keys */
    cpu_set_t *caller;   /* of the thread that is inside enter … leave */
    size_t caller_bytes;
};

/* Plan, lease, and start the workers. WEIR_ERR_BUSY when not all partitions have a place; the
   message says what is in the way, what would fit, and who holds what. */
int weir_slots_new(const struct weir_slots_request *request, struct weir_slots **out,
                   struct weir_error *err) WEIR_NODISCARD;
/* Only the plan, for EXPLAIN: nothing is leased or started, and partitions may be rejected. */
int weir_slots_plan(const struct weir_slots_request *request, struct weir_slots **out,
                    struct weir_error *err) WEIR_NODISCARD;
void weir_slots_free(struct weir_slots *s); /* NULL is allowed */
/* Will these do for REQUEST? Then they take over the names of its streams. */
bool weir_slots_fit(struct weir_slots *s, const struct weir_slots_request *request);

/* Take a device with memory of its own into the job's lease: an exclusive job owns it.
   WEIR_ERR_BUSY says who has it. NUMBER: of opencl:NUMBER. */
int weir_slots_device(struct weir_slots *s, const struct weir_device_info *info, int number,
                      struct weir_error *err) WEIR_NODISCARD;
/* Place devices that compute on the host's cores on the slots' CPUs, and tell others of it. */
int weir_slots_place(struct weir_slots *s, struct weir_devices *devices,
                     struct weir_error *err) WEIR_NODISCARD;
/* From enter to leave the calling thread runs on the job's PUs only, and so do the threads that it
   starts. */
int weir_slots_enter(struct weir_slots *s, struct weir_error *err) WEIR_NODISCARD;
void weir_slots_leave(struct weir_slots *s);

/* One line: what the job has, and the isolation that was reached. */
void weir_slots_line(const struct weir_slots *s, struct weir_buf *out);
/* The plan, for EXPLAIN and statistics, while the streams' devices are valid; the JSON is one
   object. */
void weir_slots_text(const struct weir_slots *s, struct weir_buf *out);
void weir_slots_json(const struct weir_slots *s, struct weir_buf *out);

#endif
