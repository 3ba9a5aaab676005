#ifndef WEIR_EXEC_EXEC_IMPL_H
#define WEIR_EXEC_EXEC_IMPL_H

#include <pthread.h>

#include "runtime/exec/exec.h"
#include "runtime/native/groups.h"
#include "runtime/native/jointable.h"
#include "runtime/place/choice.h"

/* Inside exec: the job, its objects while they fill, and a stage while it runs. */

struct batch_list {
    struct weir_batch **batch;
    size_t n, cap;
    uint64_t rows;
};
int batch_list_add(struct batch_list *l, struct weir_batch *b,
                   struct weir_error *err); /* takes a reference */
void batch_list_clear(struct batch_list *l);

struct panes; /* panes.c */
void panes_free(struct panes *p);

struct object_state {
    const struct weir_object *def;
    struct batch_list *rows;       /* BUILD, SORT: [n_slots] */
    _Atomic uint64_t n_rows;       /* SORT: collected in all */
    atomic_bool enough;            /* SORT: a LIMIT without keys is satisfied */
    struct weir_batch *sorted;     /* SORT: the result, once it was read */
    struct weir_join_table *table; /* BUILD, when complete */
    struct weir_arena arena;       /* GROUPS: the layout */
    struct weir_group_layout layout;
    struct weir_groups **groups; /* GROUPS: [n_slots] while filling, then [n_parts] merged */
    int n_groups;
    int64_t closed_us;   /* GROUPS of a streaming source: windows up to here are out */
    struct panes *panes; /* of these, or NULL */
};

struct job {
    const struct weir_stages *s;
    const struct weir_exec_options *o;
    struct weir_sink *sink;
    struct weir_stats *stats;
    int n_slots;
    struct weir_pool **pool; /* [n_slots] */
    struct pool_owner {
        const struct weir_exec_options *o;
        int slot;
    } * owner; /* [n_slots] */
    struct object_state *object;
    atomic_bool stop; /* a slot failed */
    _Atomic uint64_t rows_in, rows_out, late_rows;
};

/* ---- objects (object.c) ---- */

int object_open(struct job *j, int object, struct weir_error *err);
void object_close(struct job *j, int object);
/* Rows of a pipeline's OUTPUT arrive on SLOT; borrows BATCH. */
int object_emit(struct job *j, int object, int slot, struct weir_batch *batch,
                struct weir_error *err);
/* The last writer is done: build the table, merge the groups. */
int object_complete(struct job *j, int object, struct weir_error *err);
/* Hand the rows of a complete GROUPS or SORT object that fall to SLOT to PUSH, batch by batch. */
int object_read(struct job *j, int object, int slot,
                int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err), void *ctx,
                struct weir_error *err);
/* Streaming: take the groups whose window ended at or before WATERMARK_US out of SLOT's table and
   hand them to PUSH; those that belong to windows closed earlier came late: they are dropped, and
   rows all of whose windows were closed are counted. */
int object_close_windows(struct job *j, int object, int slot, int64_t watermark_us,
                         int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                         void *ctx, struct weir_error *err);
/* Drop the groups of closed windows from SLOT's table and count what came to them late. */
int object_sweep_windows(struct job *j, int object, int slot, struct weir_error *err);

/* ---- stages (run.c) ---- */

struct stage_run {
    struct job *j;
    int number;
    const struct weir_stage *def;
    const struct weir_exec_stream *stream; /* of its source; the first one for other inputs */
    const struct weir_join_table **table;  /* [n_tables] */
    struct weir_choice *choice;
    struct slot_run *slot; /* [n_slots] */
    atomic_int next_split;
    int n_splits;
    uint64_t start_ns;
    _Atomic uint64_t rows_in; /* from the source */
};

/* Make the pipeline ready to run on the slots, push batches, deliver the rest, account. */
int stage_open(struct job *j, int number, struct stage_run *r, struct weir_error *err);
int stage_push(struct stage_run *r, int slot, struct weir_batch *batch, struct weir_error *err);
int stage_flush(struct stage_run *r, int slot, struct weir_error *err);
uint32_t stage_batch_rows(struct stage_run *r, int slot);
void stage_close(struct stage_run *r);                  /* also after a failed open */
void stage_count_rows(struct stage_run *r, uint64_t n); /* N rows came from the source */

/* A context for whoever pushes batches into a stage. */
struct stage_slot {
    struct stage_run *r;
    int slot;
};

/* ---- windows that close while rows arrive (stream.c) ---- */

/* The stage that reads the windows that R writes, when it can run as they close; else -1. */
int stream_reader(const struct stage_run *r);
/* Run R from its source to the end, and stage READER for every window that closes on the way. */
int stream_run(struct stage_run *r, int reader, struct weir_error *err);

bool job_cancelled(const struct job *j);

#endif
