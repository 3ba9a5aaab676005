/* The JSON form of a demand: {"streams": [{"name": "logs", "partitions": 8, "ratio": "1:4", "mode":
   "exclusive"}]}. Every member is handed as text to the same setter as the stream string, and its
   error gets the member's position. */
#include "topology/demand.h"
#include "topology/json.h"

#include <string.h>

int topo_demand_read_stream(const struct topo_json *doc, const struct topo_json_value *v,
                            struct weir_topo_demand *demand, struct weir_topo_error *err)
{
    const struct topo_json_value *name, *partitions;
    int rc = topo_json_need(doc, v, "name", TOPO_JSON_STRING, &name, err);
    if (!rc) rc = topo_json_need(doc, v, "partitions", TOPO_JSON_NUMBER, &partitions, err);
    if (rc) return rc;
    struct weir_topo_stream st = weir_topo_stream_default(name->text, 0);
    if (strlen(name->text) >= sizeof st.name)
        return topo_json_fail(doc, name, err, "a stream's name has at most 63 bytes");
    for (const struct topo_json_value *m = topo_json_first(doc, v); m; m = topo_json_next(doc, m)) {
        if (m == name) continue;
        if (!m->text)
            return topo_json_fail(doc, m, err, "\"%s\" must be a number or a string", m->key);
        rc = weir_topo_stream_set(&st, m->key, m->text, err);
        if (rc) return topo_json_at(doc, m, err);
    }
    rc = weir_topo_demand_add(demand, &st, err);
    return rc ? topo_json_at(doc, v, err) : 0;
}

int weir_topo_demand_parse_json(const char *text, size_t length, const char *label,
                                struct weir_topo_demand **out, struct weir_topo_error *err)
{
    struct topo_json doc;
    struct weir_topo_demand *demand = NULL;
    const struct topo_json_value *streams = NULL;
    *out = NULL;
    int rc = topo_json_parse(text, length, label, &doc, err);
    if (rc) return rc;
    rc = topo_json_need(&doc, &doc.values[0], "streams", TOPO_JSON_ARRAY, &streams, err);
    if (!rc && !streams->first)
        rc = topo_json_fail(&doc, streams, err, "a demand needs at least one stream");
    if (!rc) rc = weir_topo_demand_new(&demand, err);
    for (const struct topo_json_value *v = !rc ? topo_json_first(&doc, streams) : NULL; v && !rc;
         v = topo_json_next(&doc, v))
        rc = topo_demand_read_stream(&doc, v, demand, err);
    topo_json_clear(&doc);
    if (rc)
        weir_topo_demand_free(demand);
    else
        *out = demand;
    return rc;
}
