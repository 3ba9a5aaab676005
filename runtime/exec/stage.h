#ifndef WEIR_EXEC_STAGE_H
#define WEIR_EXEC_STAGE_H

#include "runtime/exec/source.h"
#include "runtime/native/sort.h"
#include "runtime/plan/pipeline.h"

/* The physical plan: stages in the order in which they run, and the objects through which they pass
   rows. A stage is one pipeline from an input to an output object; UNION ALL makes several stages
   write the same object. All memory is the arena's but for the pipelines and the references that
   weir_stages_release drops. */

enum weir_object_kind {
    WEIR_OBJECT_SINK = 0, /* the query's result, rows as they come */
    WEIR_OBJECT_BUILD,    /* rows become a join table */
    WEIR_OBJECT_GROUPS,   /* a group table for each slot, merged when its last writer is done */
    WEIR_OBJECT_SORT,     /* rows are collected, sorted, cut */
};

struct weir_object {
    uint8_t kind;
    int n_columns; /* SINK, BUILD, SORT: of the collected rows; GROUPS: keys + aggregates of the
                      result, and the one that counts_rows adds */
    struct weir_type *types;
    int last_writer; /* stage after which the object is complete */

    int n_keys; /* BUILD: the first columns; GROUPS */
    /* GROUPS */
    const struct weir_pipeline *pipeline; /* one of the writers: layout of the groups */
    int window_end_key;                   /* as in the logical node */
    int64_t window_us,
        window_offset_us; /* windows end at multiples of window_us + offset; 0: unknown */
    bool counts_rows; /* a last column counts a group's rows, each row in its last window only */
    /* SORT: columns of the collected rows; the result is the first n_visible */
    struct weir_sort_column *sort;
    int n_sort, n_visible;
    bool spool; /* unsorted, and read by several stages */
    int64_t offset, limit;
};

enum weir_stage_input { WEIR_INPUT_SOURCE = 0, WEIR_INPUT_BATCH, WEIR_INPUT_OBJECT };

struct weir_stage {
    uint8_t input;
    struct weir_source *source; /* SOURCE, borrowed */
    int *columns;               /* [n_columns] of the source's schema, increasing */
    int n_columns;
    /* SOURCE that streams: where a row's time is, neither: rows have none */
    int rowtime;                      /* number of the column within `columns`, or -1 */
    const struct weir_pipeline *time; /* OUTPUT of the one column that is computed, or NULL */
    int64_t watermark_us;             /* delay of the watermark */
    struct weir_batch *batch;         /* BATCH, one reference */
    int object;                       /* OBJECT: a GROUPS or SORT object that is read */

    struct weir_pipeline *pipeline; /* owned */
    int *table;                     /* [pipeline->n_tables] BUILD objects */
    int output;                     /* object that is written */
};

struct weir_stages {
    int n_stages, n_objects;
    struct weir_stage *stage;
    struct weir_object *object;
};

/* Turn the (optimized) plan into stages that end in object 0, the SINK, with ROOT's columns. */
int weir_stages_lower(struct weir_arena *a, const struct weir_node *root, struct weir_stages *out,
                      struct weir_error *err) WEIR_NODISCARD;
void weir_stages_release(struct weir_stages *s);

#endif
