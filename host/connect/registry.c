/* The connectors: one line each, in the order in which messages name them. */
#include <string.h>

#include "host/connect/connect.h"
#include "host/connect/connectors.h"

static const struct weir_connector *const connectors[] = {
    &weir_connector_filesystem,
    &weir_connector_datagen,
    &weir_connector_print,
    &weir_connector_blackhole,
};

#define N_CONNECTORS (sizeof connectors / sizeof *connectors)

static int find(const struct weir_table_spec *t, const struct weir_connector **out,
                struct weir_error *err)
{
    const char *name = weir_option_get(t, "connector");
    struct weir_buf list = {0};
    for (size_t i = 0; i < N_CONNECTORS; i++) {
        if (name && strcmp(connectors[i]->name, name) == 0) {
            weir_buf_release(&list);
            *out = connectors[i];
            return 0;
        }
        weir_buf_printf(&list, "%s'%s'", i ? ", " : "", connectors[i]->name);
    }
    const char *known = list.data ? list.data : "";
    int rc =
        name ? weir_option_fail(t, "connector", err, "there is no connector '%.60s'. Known: %s",
                                name, known)
             : weir_fail(
                   err, WEIR_ERR_BIND,
                   "table %s: option 'connector' is missing: WITH ('connector' = ...), one of %s",
                   t->name, known);
    weir_buf_release(&list);
    return rc;
}

int weir_connect_source(const struct weir_table_spec *t, struct weir_source **out,
                        struct weir_error *err)
{
    const struct weir_connector *c;
    int rc = find(t, &c, err);
    if (rc) return rc;
    if (!c->make_source)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "table %s: connector '%s' is written to, never read", t->name, c->name);
    return c->make_source(t, out, err);
}

int weir_connect_sink(const struct weir_table_spec *t, struct weir_sink **out,
                      struct weir_error *err)
{
    const struct weir_connector *c;
    int rc = find(t, &c, err);
    if (rc) return rc;
    if (!c->make_sink)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "table %s: connector '%s' is read, never written to", t->name, c->name);
    return c->make_sink(t, out, err);
}
