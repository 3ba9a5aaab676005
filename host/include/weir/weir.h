#ifndef WEIR_H
#define WEIR_H

/* Weir: streaming SQL on the hardware a machine really has.
 *
 *     struct weir_error err;
 *     struct weir_engine *engine;
 *     struct ArrowArrayStream rows;
 *
 *     weir_open(NULL, &engine, &err);
 *     weir_register_stream(engine, "log", &my_stream, &err);          // Arrow data in, zero copy
 *     weir_query(engine, "SELECT status, COUNT(*) FROM log GROUP BY status", &rows, &err);
 *     while (!rows.get_next(&rows, &array) && array.release) { ...; array.release(&array); }
 *     rows.release(&rows);
 *     weir_close(engine);
 *
 * The SQL is Flink's dialect (see the README for what is executed). Rows enter and leave through
 * the Arrow C data and stream interfaces, or through the connectors that CREATE TABLE names.
 *
 * Errors: 0 is success, a negative enum weir_status is failure, with the reason in the caller's
 * struct weir_error (may be NULL). Nothing prints, exits or aborts.
 *
 * Place: the first job of an engine takes its slots, with a lease that other processes see, and keeps
 * them until weir_close, or until a job asks for others (SET 'weir.mode', 'weir.partition.ratio', …,
 * see the README). While a job runs, the calling thread is bound to the slots' hardware threads.
 * WEIR_ERR_BUSY says that there is no place and who has it.
 *
 * Threads: an engine is used by one thread at a time; weir_cancel alone may be called from any
 * thread and from a signal handler. Engines are independent of each other. */

#include <stddef.h>
#include <stdint.h>

#include <weir/arrow_abi.h>
#include <weir/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

struct weir_engine;

/* All zero, or a NULL pointer, is a good default. */
struct weir_options {
    const char *device;  /* NULL or "auto", "native", "opencl", "opencl:N"; copied */
    int partitions;      /* slots that work in parallel; 0: one for each usable hardware thread */
    uint64_t slot_bytes; /* memory budget of one slot; 0: its share of the machine's memory */
    uint32_t batch_rows; /* rows that are worked on at once; 0: what suits the backend */
    int no_bind;         /* 1: do not bind the worker threads to hardware threads, hold no lease */
};

/* Version of the library, "0.1.0". */
WEIR_API const char *weir_version(void);

/* Make an engine. OPTIONS may be NULL. WEIR_ERR_INVALID names the option that is wrong. */
WEIR_API int weir_open(const struct weir_options *options, struct weir_engine **out,
                       struct weir_error *err);
/* Free the engine and its tables; streams of results that were handed out stay valid. NULL is
 * allowed. */
WEIR_API void weir_close(struct weir_engine *engine);

/* Run every statement of SQL (NUL-terminated): DDL, SET, INSERT, and queries, whose rows are
   dropped. FILE_NAME (may be NULL) is what messages call the text, and the folder where relative
   paths of its tables start. */
WEIR_API int weir_execute(struct weir_engine *engine, const char *sql, const char *file_name,
                          struct weir_error *err);

/* Run every statement of SQL, and hand out the rows of its last query as a stream of struct arrays,
   complete in memory. The caller releases OUT; it does not depend on the engine any more.
   WEIR_ERR_INVALID if SQL holds no query. */
WEIR_API int weir_query(struct weir_engine *engine, const char *sql, struct ArrowArrayStream *out,
                        struct weir_error *err);

/* Rows as they come, for results that do not fit in memory and for streams without an end. SCHEMA
   is given before the first batch; both callbacks own what they get and must release it. A negative
   result stops the query and is returned. `batch` is called by the worker threads, one call at a
   time. */
struct weir_row_handler {
    void *ctx;
    int (*schema)(void *ctx, struct ArrowSchema *schema);
    int (*batch)(void *ctx, struct ArrowArray *batch);
};
WEIR_API int weir_query_rows(struct weir_engine *engine, const char *sql,
                             const struct weir_row_handler *handler, struct weir_error *err);

/* Make the rows of STREAM (struct arrays) a table called NAME, for any number of queries. The
   stream is read to its end now and released, on failure too; its buffers are shared, not copied
   (except: bitmaps at an odd bit offset, 128-bit decimals of precision <= 18, dictionary-encoded
   and other layouts that Weir holds differently), and released when the table is dropped or
   replaced and no result uses them any more. A type that Weir has not is WEIR_ERR_UNSUPPORTED and
   names the column. */
WEIR_API int weir_register_stream(struct weir_engine *engine, const char *name,
                                  struct ArrowArrayStream *stream, struct weir_error *err);

/* The plan of SQL's queries as text, without running them (JSON: see the README). *OUT is freed
 * with weir_free_text. */
WEIR_API int weir_explain(struct weir_engine *engine, const char *sql, int json, char **out,
                          struct weir_error *err);
/* Statistics of the queries and INSERTs of the last call, a JSON array; valid until the next call
 * with this engine. */
WEIR_API const char *weir_statistics(struct weir_engine *engine);
WEIR_API void weir_free_text(char *text);

/* Make the call that runs end soon with WEIR_ERR_CANCELLED. Async-signal-safe. Between
 * two calls it cancels the next one; the call after a cancelled one runs normally. */
WEIR_API void weir_cancel(struct weir_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
