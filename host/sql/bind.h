#ifndef WEIR_SQL_BIND_H
#define WEIR_SQL_BIND_H

#include "host/sql/ast.h"
#include "host/sql/catalog.h"
#include "runtime/exec/source.h"
#include "runtime/plan/logical.h"

/* From the syntax tree to the logical plan: names become columns, types are derived by Flink's
   rules (docs/decimal.md) with every implicit cast written out, sub-queries become joins. DDL and
   SET are carried out on the catalog at once.

   What the dialect has and Weir does not execute is WEIR_ERR_UNSUPPORTED, what means nothing is
   WEIR_ERR_BIND; both as "FILE:LINE:COLUMN: what is wrong; what to do". Inside a view or a computed
   column FILE is its name. */

/* What the binder asks of its surroundings, so that it depends on no connector. */
struct weir_bind_callbacks {
    void *ctx;
    /* Make the source or sink of a table; DEF's options were written by the user, so errors name
       them with their position. *OUT belongs to the caller. Not called for registered tables. A
       sink is only made here: nothing is written before its open(). */
    int (*open_source)(void *ctx, const struct weir_table_def *def, struct weir_source **out,
                       struct weir_error *err);
    int (*open_sink)(void *ctx, const struct weir_table_def *def, struct weir_sink **out,
                     struct weir_error *err);
    /* Is it an option of the engine with an allowed value? Optional; the message needs no position.
       VALUE NULL: RESET. */
    int (*check_setting)(void *ctx, const char *key, const char *value, struct weir_error *err);
};

enum weir_bound_kind {
    WEIR_BOUND_DONE = 0, /* DDL, SET 'k' = 'v': nothing to run */
    WEIR_BOUND_QUERY,    /* run `root` and show its rows (SELECT, but also SHOW, DESCRIBE, SET) */
    WEIR_BOUND_INSERT,   /* run insert[0..n_inserts): more than one for a STATEMENT SET */
};

struct weir_bound_insert {
    struct weir_node *root; /* its columns are those of the sink's schema, cast to its types */
    struct weir_sink *sink; /* owned by the weir_bound; NULL under EXPLAIN */
    const char *table;
};

struct weir_bound {
    enum weir_bound_kind kind;
    bool explain;           /* EXPLAIN: show the plan instead of running it ... */
    unsigned explain_flags; /* ... enum weir_ast_explain_flags */
    struct weir_node *root; /* QUERY */
    int n_inserts;
    struct weir_bound_insert *insert;
    int n_sources;
    struct weir_source **source; /* one for each reference to a table; owned */
    int n_values;
    struct weir_node **values; /* the VALUES nodes, whose batches are owned by this struct too */
};

/* Bind STMT (parsed from FILE_NAME; not changed). All nodes and expressions lie in ARENA, which
   must outlive OUT. On failure OUT is empty. One statement after another: a later one sees the
   catalog as an earlier one left it. */
int weir_bind_statement(struct weir_catalog *catalog, const struct weir_ast_stmt *stmt,
                        const char *file_name, struct weir_arena *arena,
                        const struct weir_bind_callbacks *callbacks, struct weir_bound *out,
                        struct weir_error *err) WEIR_NODISCARD;

/* Frees the sources, sinks and batches of OUT (not the arena). An empty OUT is allowed. */
void weir_bound_release(struct weir_bound *out);

#endif
