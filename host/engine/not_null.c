/* Checking what goes into NOT NULL columns. A batch without NULLs costs a look at its columns. */
#include "host/engine/not_null.h"

#include <stdio.h>
#include <string.h>

static int sink_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    struct weir_sink *t = ((struct engine_not_null *)s)->table;
    return t->ops->open(t, n_slots, err);
}

/* The first NOT NULL column that is NULL in ROW, or -1. */
static int null_column(const struct weir_schema *schema, const struct weir_batch *b, uint32_t row)
{
    for (int c = 0; c < schema->n; c++)
        if (!schema->field[c].type.nullable && weir_column_is_null(&b->col[c], row)) return c;
    return -1;
}

static bool may_have_nulls(const struct weir_schema *schema, const struct weir_batch *b)
{
    for (int c = 0; c < schema->n; c++)
        if (!schema->field[c].type.nullable && b->col[c].validity) return true;
    return false;
}

static int refuse(const struct weir_sink *t, const struct weir_batch *b, uint32_t row, int column,
                  struct weir_error *err)
{
    char where[200] = "";
    const struct weir_source *source = b->origin.source;
    if (source && source->ops->describe_row) {
        memcpy(where, " at ", 5);
        source->ops->describe_row(source, &b->origin, row, where + 4, sizeof where - 4);
    }
    return weir_fail(
        err, WEIR_ERR_DATA,
        "table %s: column \"%s\" is NOT NULL and was to get a NULL%s; filter such rows "
        "out, or drop them with SET 'table.exec.sink.not-null-enforcer' = 'drop'",
        t->name, t->schema.field[column].name, where);
}

/* Write the rows of B that have no such NULL. */
static int write_rest(struct engine_not_null *g, int slot, const struct weir_batch *b,
                      struct weir_error *err)
{
    struct weir_sink *t = g->table;
    struct weir_builder *out = NULL;
    struct weir_batch *rest = NULL;
    struct weir_type *types = weir_calloc(b->n_cols, sizeof *types);
    int64_t *kept = weir_calloc(b->n_rows, sizeof *kept);
    size_t n = 0;
    int rc = types && kept ? WEIR_OK : weir_fail_nomem(err, 0, "dropping rows");
    for (uint32_t row = 0; !rc && row < b->n_rows; row++)
        if (null_column(&t->schema, b, row) < 0) kept[n++] = row;
    for (uint32_t c = 0; !rc && c < b->n_cols; c++) types[c] = b->col[c].type;
    if (!rc) rc = weir_builder_new(NULL, (int)b->n_cols, types, &out, err);
    for (uint32_t c = 0; !rc && c < b->n_cols; c++)
        weir_builder_gather(out, (int)c, &b->col[c], kept, n);
    if (!rc) {
        weir_builder_set_rows(out, (uint32_t)n);
        rc = weir_builder_finish(out, &rest, err);
    }
    atomic_fetch_add(&g->dropped, b->n_rows - n);
    if (!rc && n) rc = t->ops->write(t, slot, rest, err);
    weir_batch_unref(rest);
    weir_builder_free(out);
    weir_free(kept);
    weir_free(types);
    return rc;
}

static int sink_write(struct weir_sink *s, int slot, const struct weir_batch *batch,
                      struct weir_error *err)
{
    struct engine_not_null *g = (struct engine_not_null *)s;
    struct weir_sink *t = g->table;
    uint32_t rows = may_have_nulls(&t->schema, batch) ? batch->n_rows : 0;
    for (uint32_t row = 0; row < rows; row++) {
        int column = null_column(&t->schema, batch, row);
        if (column < 0) continue;
        return g->drop ? write_rest(g, slot, batch, err) : refuse(t, batch, row, column, err);
    }
    return t->ops->write(t, slot, batch, err);
}

static int sink_commit(struct weir_sink *s, struct weir_error *err)
{
    struct weir_sink *t = ((struct engine_not_null *)s)->table;
    return t->ops->commit(t, err);
}

static void sink_abort(struct weir_sink *s)
{
    struct weir_sink *t = ((struct engine_not_null *)s)->table;
    t->ops->abort(t);
}

static void sink_free(struct weir_sink *s)
{
    (void)s; /* the table's own sink is its owner's */
}

static const struct weir_sink_ops not_null_ops = {.open = sink_open,
                                                  .write = sink_write,
                                                  .commit = sink_commit,
                                                  .abort = sink_abort,
                                                  .free = sink_free};

struct weir_sink *engine_not_null(struct engine_not_null *g, struct weir_sink *table, bool drop)
{
    *g = (struct engine_not_null){
        .base = {.ops = &not_null_ops, .name = table->name}, .table = table, .drop = drop};
    g->base.schema = table->schema;
    for (int c = 0; c < table->schema.n; c++)
        if (!table->schema.field[c].type.nullable) return &g->base;
    return table;
}
