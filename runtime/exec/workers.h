#ifndef WEIR_EXEC_WORKERS_H
#define WEIR_EXEC_WORKERS_H

#include "runtime/base/error.h"

/* One thread for each slot, started once for an engine's job and pinned by the caller's function.
 */
struct weir_workers;

/* BIND (may be NULL) runs first in each thread; a negative result fails the whole call. */
int weir_workers_new(int n, int (*bind)(void *ctx, int slot, struct weir_error *err),
                     void *bind_ctx, struct weir_workers **out,
                     struct weir_error *err) WEIR_NODISCARD;
/* Run FN(ctx, slot) on every slot and wait for all; returns the first failure (lowest slot). */
int weir_workers_run(struct weir_workers *w, int (*fn)(void *ctx, int slot, struct weir_error *err),
                     void *ctx, struct weir_error *err) WEIR_NODISCARD;
int weir_workers_count(const struct weir_workers *w);
/* Thread id of slot S as the kernel knows it (gettid), for verification. */
int weir_workers_tid(const struct weir_workers *w, int slot);
void weir_workers_free(struct weir_workers *w); /* joins; NULL is allowed */

#endif
