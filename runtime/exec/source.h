#ifndef WEIR_EXEC_SOURCE_H
#define WEIR_EXEC_SOURCE_H

#include "runtime/column/batch.h"

/* How rows enter and leave the engine. Connectors (host/connect) and the public API implement these
   two tables; exec drives them. A new connector is one file plus one line in its registry. */

/* ---- source ---- */

struct weir_source;
struct weir_reader;

struct weir_source_ops {
    /* Divide the input into splits that are read independently and in any order by any thread; WANT
       is a hint (the number of slots). Called once for each run of a query, before open_split. 0
       splits is an empty table. */
    int (*plan_splits)(struct weir_source *s, int want, int *n_splits, struct weir_error *err);

    /* Start reading split SPLIT. COLUMNS[0..n_columns) are the schema's column indices that the
       query needs, in increasing order: batches carry exactly these, in this order (none: rows are
       only counted). POOL pays for the batches. Thread-safe. */
    int (*open_split)(struct weir_source *s, int split, const int *columns, int n_columns,
                      struct weir_pool *pool, struct weir_reader **out, struct weir_error *err);

    /* The next batch of at most MAX_ROWS rows: 1 = *OUT holds one reference, 0 = end of the split,
       negative = error (everything delivered before stays right). Batches have origin filled in. A
       streaming source hands on the rows it has and does not wait for a full batch; where there are
       none it comes back after about a tenth of a second with a batch of no rows, so that whoever
       drives it can stop. */
    int (*next)(struct weir_reader *r, uint32_t max_rows, struct weir_batch **out,
                struct weir_error *err);
    void (*close)(struct weir_reader *r); /* NULL is allowed */

    /* Where row ROW of a batch with ORIGIN came from, as a person would look it up: "access.csv:17"
       or "row 12". May be slow (it reads the file again to count lines). Optional (NULL: "row N").
     */
    void (*describe_row)(const struct weir_source *s, const struct weir_origin *origin,
                         uint32_t row, char *buf, size_t size);

    /* Bytes consumed so far over all splits, for progress; thread-safe; optional. */
    uint64_t (*bytes_read)(const struct weir_source *s);

    void (*free)(struct weir_source *s);
};

/* What a table asks of its place, as the options of its CREATE TABLE say: set by whoever opened the
   source; 0 and "" are "nothing". */
struct weir_source_wish {
    int partitions;      /* 'weir.partitions' */
    uint64_t slot_bytes; /* 'weir.memory', of each partition */
    char device[16];     /* 'weir.device' */
};

/* The first member of each connector's own struct. */
struct weir_source {
    const struct weir_source_ops *ops;
    const char *name;          /* table name, for messages */
    struct weir_schema schema; /* physical columns only; owned by the source */
    bool bounded;              /* ends by itself */
    bool streaming;     /* rows arrive over time: windows are emitted as the watermark passes */
    int64_t est_rows;   /* -1 when unknown */
    uint64_t est_bytes; /* input bytes, 0 when unknown */
    _Atomic uint64_t skipped; /* rows dropped by ignore-parse-errors */
    struct weir_source_wish wish;
    int stream; /* of the job that runs: its slots read it (weir_exec_options.stream) */
};

/* ---- sink ---- */

struct weir_sink;

struct weir_sink_ops {
    int (*open)(struct weir_sink *s, int n_slots, struct weir_error *err);
    /* Rows in the schema's column order, called from several slots at once with their SLOT number
       (0 … n_slots - 1); borrows BATCH. */
    int (*write)(struct weir_sink *s, int slot, const struct weir_batch *batch,
                 struct weir_error *err);
    /* Make everything visible (rename, flush). After commit or abort nothing more is written. */
    int (*commit)(struct weir_sink *s, struct weir_error *err);
    void (*abort)(struct weir_sink *s); /* leave no trace; allowed after any failure */
    void (*free)(struct weir_sink *s);
};

struct weir_sink {
    const struct weir_sink_ops *ops;
    const char *name;
    struct weir_schema schema; /* owned by the sink */
};

#endif
