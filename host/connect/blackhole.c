/* The connector 'blackhole': takes rows and forgets them. For measuring what comes before. */
#include "host/connect/connectors.h"

static int sink_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    (void)s, (void)n_slots, (void)err;
    return 0;
}

static int sink_write(struct weir_sink *s, int slot, const struct weir_batch *batch,
                      struct weir_error *err)
{
    (void)s, (void)slot, (void)batch, (void)err;
    return 0;
}

static int sink_commit(struct weir_sink *s, struct weir_error *err)
{
    (void)s, (void)err;
    return 0;
}

static void sink_abort(struct weir_sink *s)
{
    (void)s;
}

static void sink_free(struct weir_sink *s)
{
    if (!s) return;
    weir_schema_release(&s->schema);
    weir_free((char *)s->name);
    weir_free(s);
}

static const struct weir_sink_ops blackhole_ops = {.open = sink_open,
                                                   .write = sink_write,
                                                   .commit = sink_commit,
                                                   .abort = sink_abort,
                                                   .free = sink_free};

static int make_sink(const struct weir_table_spec *t, struct weir_sink **out,
                     struct weir_error *err)
{
    *out = NULL;
    int rc = weir_options_check(t, NULL, 0, err);
    if (rc) return rc;
    struct weir_sink *s = weir_calloc(1, sizeof *s);
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a table");
    s->ops = &blackhole_ops;
    s->name = weir_strdup(t->name);
    rc = s->name ? weir_schema_copy(&t->schema, &s->schema, err)
                 : weir_fail_nomem(err, 1, "opening a table");
    if (rc) {
        sink_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

const struct weir_connector weir_connector_blackhole = {.name = "blackhole",
                                                        .make_sink = make_sink};
