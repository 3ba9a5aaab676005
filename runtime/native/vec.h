#ifndef WEIR_NATIVE_VEC_H
#define WEIR_NATIVE_VEC_H

#include "kernels/common/portable.h"
#include "runtime/column/batch.h"
#include "runtime/plan/pipeline.h"

/* Vectors and the native interpreter of pipelines. A vector holds one register for up to
   WEIR_VECTOR rows, dense: rows that a filter dropped are not in it. */

struct weir_vec {
    struct weir_type type;
    bool constant; /* one value (data[0], st[0]) stands for all rows */
    void *data;    /* values of the type's phys, BOOL as bytes 0/1, STR as struct weir_str; under a
                      NULL or error: any    readable value */
    uint8_t *st;   /* WK_VALID, WK_NULL, WK_ERR_…, one byte a row; NULL: all valid */
};

static inline uint8_t weir_vec_state(const struct weir_vec *v, uint32_t i)
{
    return v->st ? v->st[v->constant ? 0 : i] : WK_VALID;
}
struct weir_value weir_vec_value(const struct weir_vec *v, uint32_t i); /* slow, any type */

/* ---- what functions (struct weir_function.eval) use ---- */

/* Scratch memory for N bytes that lives until the vector of rows is done; NULL when out of memory
   (then set the row's state to WK_ERR_NOMEM). */
char *weir_eval_scratch(struct weir_eval *ctx, size_t n);
/* Make sure that OUT->st exists ([n], initialised to WK_VALID or to the strict combination of the
   arguments' states); functions that can fail or give NULL call it first. NULL when out of memory.
 */
uint8_t *weir_eval_states(struct weir_eval *ctx, struct weir_vec *out, uint32_t n);
/* Now, as fixed when the statement started (microseconds, UTC): CURRENT_TIMESTAMP and friends. */
int64_t weir_eval_now(const struct weir_eval *ctx);
/* 64 random bits; with SEED (may be NULL) the same sequence in each run. */
uint64_t weir_eval_random(struct weir_eval *ctx, const int64_t *seed);

/* ---- the interpreter ---- */

struct weir_groups;
struct weir_join_table;

/* Where rows go. OUTPUT: `emit` gets batches of at most about WEIR_BATCH_ROWS rows (borrowed for
   the call). AGGREGATE: `groups` is updated. */
struct weir_native_sink {
    int (*emit)(void *ctx, struct weir_batch *batch, struct weir_error *err);
    void *ctx;
    struct weir_groups *groups;
};

/* An interpreter of pipeline P for one slot; not thread-safe. TABLES[k] is build table k (complete
   and immutable); POOL pays for output batches. Everything passed in must outlive it. */
int weir_eval_new(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
                  struct weir_pool *pool, const struct weir_native_sink *sink, int64_t now_us,
                  struct weir_eval **out, struct weir_error *err) WEIR_NODISCARD;
void weir_eval_free(struct weir_eval *ev); /* NULL is allowed */

/* Push one batch (columns of the pipeline's input types) through. A value error that decides
   something ends in WEIR_ERR_DATA with a message that names the expression's position and text of
   the error and the row, through batch->origin ("3:17: division by zero, at access.csv:120"). */
int weir_eval_batch(struct weir_eval *ev, struct weir_batch *batch,
                    struct weir_error *err) WEIR_NODISCARD;
/* Emit what is still buffered (OUTPUT). Call once after the last batch. */
int weir_eval_finish(struct weir_eval *ev, struct weir_error *err) WEIR_NODISCARD;

/* Rows that reached each step so far ([n_steps + 1]; the last entry is the rows that left the last
 * step). */
const uint64_t *weir_eval_step_rows(const struct weir_eval *ev);

/* Evaluate a constant expression (no COLUMN below it) once; strings of *OUT live in A. A value
 * error is WEIR_ERR_DATA. */
int weir_eval_const(struct weir_arena *a, const struct weir_expr *e, int64_t now_us,
                    struct weir_value *out, struct weir_error *err) WEIR_NODISCARD;

#endif
