#ifndef WEIR_EXEC_EXEC_H
#define WEIR_EXEC_EXEC_H

#include "runtime/exec/stage.h"
#include "runtime/exec/stats.h"
#include "runtime/exec/workers.h"
#include "runtime/place/choice.h"

/* Running stages on slots. */

enum weir_device_mode {
    WEIR_MODE_AUTO = 0, /* native at once; a device takes over where it is measured to be faster */
    WEIR_MODE_NATIVE,
    WEIR_MODE_DEVICE, /* every pipeline that computes something over a source or a VALUES table runs
                         on device[0], or the query is refused; merging, sorting and what reads
                         their results run on the host */
};

/* Slots that read the same tables. Stages that read no table run on the slots of all streams, with
   the devices of the first. */
struct weir_exec_stream {
    const char *name; /* for messages */
    int first_slot, n_slots;
    size_t slot_bytes; /* memory budget of one slot, 0: none */
    enum weir_device_mode mode;
    struct weir_backend **device;
    int n_devices;
    char no_device[320]; /* AUTO: why there are none, in words; "": there are some */
};

struct weir_exec_options {
    struct weir_workers *workers;          /* one slot each */
    const struct weir_exec_stream *stream; /* together they have all slots, in order */
    int n_streams;                         /* at least 1 */
    /* Called for each larger block of memory that SLOT makes (may be NULL; any thread). */
    void (*allocated)(void *ctx, int slot, void *addr, size_t size);
    void *allocated_ctx;
    uint32_t batch_rows;         /* rows asked of a source at once; 0: the backend's choice */
    int64_t now_us;              /* CURRENT_TIMESTAMP */
    const atomic_bool *cancel;   /* may be NULL */
    struct weir_trace *trace;    /* may be NULL */
    _Atomic uint64_t *rows_read; /* counted up as rows arrive, for progress; may be NULL */
};

/* Run S into SINK (already opened for the workers' count; not committed here). STATS was
   initialised for s->n_stages. On failure or cancellation the rows that SINK got so far are right
   but not all. */
int weir_exec_run(const struct weir_stages *s, const struct weir_exec_options *options,
                  struct weir_sink *sink, struct weir_stats *stats,
                  struct weir_error *err) WEIR_NODISCARD;

/* What is asked of place (choice.h) about a stage: whether a device is a candidate
   for it, and if not, why. The build tables are left out. */
struct weir_choice_request weir_stage_request(const struct weir_stages *s, int stage,
                                              const struct weir_exec_options *o);

/* What a stage does in words ("scan log -> filter -> aggregate"), into BUF. */
void weir_stage_text(const struct weir_stages *s, int stage, char *buf, size_t size);

/* Is there anything to compute in P, or does it only pass columns on? */
bool weir_pipeline_computes(const struct weir_pipeline *p);

#endif
