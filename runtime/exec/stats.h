#ifndef WEIR_EXEC_STATS_H
#define WEIR_EXEC_STATS_H

#include "runtime/base/error.h"
#include "runtime/base/mem.h"

/* What a run did: one entry for each stage, one line in it for each backend that worked on it. */

#define WEIR_STATS_REASONS 8

struct weir_fallback {
    char reason[160];
    uint64_t batches;
};

struct weir_stage_stats {
    char what[96]; /* "scan log -> filter -> probe -> aggregate" */
    uint64_t rows_in, rows_out;
    uint64_t wall_ns;
    struct {
        char backend[32]; /* "native", "opencl:0" */
        char device[128];
        uint64_t rows, batches, busy_ns, transfer_ns, transfer_bytes;
    } by[4];
    int n_by;
    struct weir_fallback
        fallback[WEIR_STATS_REASONS]; /* not empty: some of the work did not run as asked */
    int n_fallbacks;
    char note[200]; /* why this backend */
};

struct weir_stats {
    struct weir_stage_stats *stage; /* [n_stages] */
    int n_stages;
    uint64_t rows_in;  /* read from sources */
    uint64_t rows_out; /* to the sink */
    uint64_t rows_skipped;
    uint64_t rows_dropped; /* a NULL for a NOT NULL column of the sink */
    uint64_t late_rows;    /* dropped: they came after all their windows had closed */
    uint64_t wall_ns, peak_bytes;
    int n_slots;
    const char *placement; /* where the slots are, a JSON object of the engine's; NULL: not known */
};

int weir_stats_init(struct weir_stats *s, int n_stages);
void weir_stats_release(struct weir_stats *s);
void weir_stats_fallback(struct weir_stage_stats *s, const char *reason, uint64_t batches);
/* One JSON object, see the README for the fields. */
void weir_stats_json(const struct weir_stats *s, struct weir_buf *out);

/* ---- trace: Chrome's trace event format (chrome://tracing, Perfetto) ---- */

struct weir_trace;
struct weir_trace *weir_trace_new(void); /* NULL: out of memory */
void weir_trace_free(struct weir_trace *t);
/* A span on SLOT's line; all strings are copied; thread-safe; T NULL does nothing. Times from
 * weir_now_ns. */
void weir_trace_span(struct weir_trace *t, int slot, const char *name, const char *category,
                     uint64_t start_ns, uint64_t end_ns, uint64_t rows);
void weir_trace_json(const struct weir_trace *t, struct weir_buf *out);

uint64_t weir_now_ns(void); /* monotonic */

#endif
