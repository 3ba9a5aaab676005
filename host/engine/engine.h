#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include <pthread.h>
#include <weir/topology.h>

#include "host/sql/bind.h"
#include "host/sql/catalog.h"
#include "runtime/device/device.h"
#include "runtime/exec/exec.h"

/* The engine behind the public API and the command line: a catalog, the devices, the slots, and
   statements run one after another. One thread at a time; only weir_engine.cancel may be set from
   anywhere. */

struct weir_slots; /* slots.h */

struct weir_engine_options {
    const char *device;  /* "auto" (NULL), "native", "opencl", "opencl:N" */
    int partitions;      /* slots of each stream; 0: one for each usable PU */
    uint64_t slot_bytes; /* memory budget of a slot; 0: what the topology plan gives it */
    uint32_t batch_rows; /* 0: the backend's choice */
    bool no_bind;        /* leave the threads where the system puts them, hold no lease */
    const char *ratio, *mode, *scope; /* as 'weir.partition.ratio', 'weir.mode' and
                                         'weir.exclusive.scope', before SET; or NULL */
};

struct weir_engine {
    struct weir_catalog catalog;
    struct weir_engine_options options; /* its strings are copies */
    char device[32], ratio[64], mode[16], scope[16];
    struct weir_devices *devices; /* opened when first needed */
    char no_devices[256];         /* why there is none */
    struct weir_slots *slots;
    atomic_bool cancel;
    _Atomic uint64_t rows_read;       /* of the statement that runs, for progress */
    pthread_mutex_t mutex;            /* of running */
    const struct weir_bound *running; /* the statement that runs, or NULL */
    struct weir_trace *trace;         /* owned by the caller; may be NULL */
    struct weir_buf report;           /* of the public API: the statistics as an array */
    struct weir_buf stats; /* JSON objects of the statements that ran, separated by ",\n" */
};

/* What a caller does with the rows of queries. */
struct weir_engine_output {
    void *ctx;
    /* A query's rows are about to come: give a sink for SCHEMA (copied by the sink where it keeps
       it). STREAMING: they come over time. The engine opens, commits or aborts, and frees it. */
    int (*rows)(void *ctx, const struct weir_schema *schema, bool streaming, struct weir_sink **out,
                struct weir_error *err);
    /* An exclusive job has got its place; TEXT says in one line what it owns and how well that is
       kept. Optional. */
    void (*placed)(void *ctx, const char *text);
    /* A statement has ended; STATS is NULL for DDL and SET. Optional. */
    void (*done)(void *ctx, const struct weir_bound *bound, const struct weir_stats *stats);
};

int weir_engine_new(const struct weir_engine_options *options, struct weir_engine **out,
                    struct weir_error *err) WEIR_NODISCARD;
void weir_engine_free(struct weir_engine *e); /* NULL is allowed */

/* Run all statements of SQL, named FILE_NAME in messages; relative paths in its tables start at
   that file's folder. Stops at the first failure; what earlier statements did stays. */
int weir_engine_run(struct weir_engine *e, const char *sql, size_t len, const char *file_name,
                    const struct weir_engine_output *output, struct weir_error *err) WEIR_NODISCARD;

/* Append what weir_engine_run would do with each query and INSERT of SQL, without running it (DDL
 * and SET are carried out). */
int weir_engine_explain(struct weir_engine *e, const char *sql, size_t len, const char *file_name,
                        bool json, struct weir_buf *out, struct weir_error *err) WEIR_NODISCARD;

/* The list of devices, opened now. Never fails for lack of a device: see e->no_devices. */
int weir_engine_devices(struct weir_engine *e, struct weir_devices **out,
                        struct weir_error *err) WEIR_NODISCARD;

/* Share of its input's bytes that the running statement has read, or -1 where sources do not know.
 * Thread-safe. */
double weir_engine_progress(struct weir_engine *e);

/* ---- inside host/engine ---- */

/* The device mode and the candidate backends (ST->device has room for MAX) of a stream whose tables
   ask for DEVICE ("": nothing), after the options and SET. Devices on the host's cores are placed on
   the CPUs of SLOTS. */
int engine_backends(struct weir_engine *e, const char *device, double expected_seconds,
                    struct weir_slots *slots, struct weir_exec_stream *st, int max,
                    struct weir_error *err);
/* A guess of the native work of STREAM, -1 when a source does not know its size. */
double engine_expected_seconds(const struct weir_stages *s, int stream, int n_slots);

/* The slots for the tables that S reads, as the options, SET and the tables ask; each source learns
   its stream. RUN: leased and with workers (from the statement before, where they fit), owned by E;
   else a plan only, owned by the caller. FILE_NAME of the SQL names the job to other processes. */
int engine_slots(struct weir_engine *e, const struct weir_stages *s, const char *file_name,
                 bool run, struct weir_slots **out, struct weir_error *err);
/* Find the devices of each stream of SLOTS. Their lists lie in ARENA. */
int engine_devices(struct weir_engine *e, struct weir_arena *arena, const struct weir_stages *s,
                   struct weir_slots *slots, struct weir_error *err);
/* What the logical plan and its stages look like and why. */
int engine_explain_node(struct weir_engine *e, struct weir_arena *arena, struct weir_node *root,
                        const char *file_name, bool json, struct weir_buf *out,
                        struct weir_error *err);
/* Sources and sinks of tables made by SQL: see open_table.c. */
int engine_open_source(void *ctx, const struct weir_table_def *def, struct weir_source **out,
                       struct weir_error *err);
int engine_open_sink(void *ctx, const struct weir_table_def *def, struct weir_sink **out,
                     struct weir_error *err);

#endif
