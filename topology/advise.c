/* Which machine, and how many: every type of a catalogue is planned for real, with the demand
   divided over 1, 2, 4, ... equal machines until it fits, then the smallest number is found by
   bisection. And the way from a measured run to a demand. */
#include "topology/builtin.h"
#include "topology/overlay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct offer {
    char name[64];
    double price;
    uint32_t number;                        /* 0: it never fits */
    char obstacle[200];                     /* then: why not */
    uint64_t cpu_permille, memory_permille; /* of one machine, used */
};

/* The demand of one of N equal machines. */
static int divide(const struct weir_topo_demand *demand, uint32_t n, struct weir_topo_demand *part)
{
    memcpy(part->streams, demand->streams, demand->stream_count * sizeof *part->streams);
    part->stream_count = demand->stream_count;
    for (uint32_t k = 0; k < part->stream_count; k++)
        part->streams[k].partitions = (demand->streams[k].partitions + n - 1) / n;
    return 0;
}

/* 1 it fits, 0 it does not (then obstacle says why), < 0 error */
static int fits(const struct weir_topo_machine *m, const struct weir_topo_demand *demand,
                uint32_t n, struct weir_topo_demand *part, struct offer *offer,
                struct weir_topo_error *err)
{
    struct weir_topo_plan *p;
    divide(demand, n, part);
    int rc = weir_topo_plan_make(m, part, NULL, &p, err);
    if (rc) return rc;
    int ok = 1;
    uint64_t load = 0, granted = 0, usable = 0;
    for (uint32_t i = 0; i < p->partition_count && ok; i++) {
        if (p->partitions[i].state != WEIR_TOPO_REJECTED &&
            p->partitions[i].why != WEIR_TOPO_WHY_OVERCOMMIT)
            continue;
        ok = 0;
        weir_topo_plan_why(p, i, offer->obstacle, sizeof offer->obstacle);
    }
    for (uint32_t d = 0; d < m->domain_count; d++) load += p->domains[d].load_milli_cu;
    for (uint32_t k = 0; k < m->pool_count; k++) {
        granted += p->pool_granted[k];
        usable += m->pools[k].usable_bytes;
    }
    if (ok) {
        offer->cpu_permille = m->capacity_milli_cu ? load * 1000 / m->capacity_milli_cu : 0;
        offer->memory_permille =
            usable ? (uint64_t)((unsigned __int128)granted * 1000 / usable) : 0;
    }
    weir_topo_plan_free(p);
    return ok;
}

static int count_machines(const struct weir_topo_machine *m, const struct weir_topo_demand *demand,
                          struct weir_topo_demand *part, struct offer *offer,
                          struct weir_topo_error *err)
{
    uint32_t most = 1, lo = 0, hi = 1;
    for (uint32_t k = 0; k < demand->stream_count; k++)
        if (demand->streams[k].partitions > most) most = demand->streams[k].partitions;
    int rc;
    while ((rc = fits(m, demand, hi, part, offer, err)) == 0) {
        lo = hi;
        if (hi >= most) return 0; /* one partition of each stream is too much already */
        hi = hi * 2 < most ? hi * 2 : most;
    }
    while (rc > 0 && hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        rc = fits(m, demand, mid, part, offer, err);
        if (rc < 0) return rc;
        if (rc)
            hi = mid;
        else
            lo = mid;
        rc = 1;
    }
    if (rc > 0) {
        offer->number = hi;
        rc = fits(m, demand, hi, part, offer, err); /* for its figures */
    }
    return rc < 0 ? rc : 0;
}

static int read_type(const struct topo_json *doc, const struct topo_json_value *v,
                     struct offer *offer, struct weir_topo_machine **m, struct weir_topo_error *err)
{
    const struct topo_json_value *name, *price, *machine;
    struct topo_raw raw = {0};
    int rc = topo_json_need(doc, v, "name", TOPO_JSON_STRING, &name, err);
    if (!rc) rc = topo_json_need(doc, v, "price", TOPO_JSON_NUMBER, &price, err);
    if (!rc) rc = topo_json_double(doc, price, &offer->price, err);
    if (!rc) rc = topo_json_need(doc, v, "machine", TOPO_JSON_OBJECT, &machine, err);
    if (rc) return rc;
    snprintf(offer->name, sizeof offer->name, "%.63s", name->text);
    rc = topo_raw_from_json(doc, machine, &raw, err);
    snprintf(raw.name, sizeof raw.name, "%.95s", name->text);
    if (!rc) rc = topo_machine_build(&raw, m, err);
    topo_raw_clear(&raw);
    return rc;
}

static int compare_offers(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (!x->number != !y->number) return x->number ? -1 : 1;
    double px = x->price * x->number, py = y->price * y->number;
    if (px < py) return -1;
    if (px > py) return 1;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void as_text(struct weir_topo_text *t, const struct offer *offers, uint32_t n)
{
    topo_text(t,
              "  type              number   price each       together   CPU used   memory used\n");
    for (uint32_t k = 0; k < n; k++) {
        const struct offer *o = &offers[k];
        topo_text(t, "  %s", o->name);
        topo_text_pad(t, 20);
        if (!o->number) {
            topo_text(t, "%6s   %s\n", "-", o->obstacle);
            continue;
        }
        topo_text(t, "%6u %12.4f %14.4f %9" PRIu64 " %% %12" PRIu64 " %%\n", o->number, o->price,
                  o->price * o->number, o->cpu_permille / 10, o->memory_permille / 10);
    }
}

static void as_json(struct weir_topo_text *t, const struct offer *offers, uint32_t n)
{
    topo_text(t, "{\n  \"schema\": %d,\n  \"types\": [", WEIR_TOPO_SCHEMA);
    for (uint32_t k = 0; k < n; k++) {
        const struct offer *o = &offers[k];
        topo_text(t, "%s\n    {\"name\": ", k ? "," : "");
        topo_text_json(t, o->name);
        topo_text(t,
                  ", \"fits\": %s, \"number\": %u, \"price\": %.6f, \"together\": %.6f, "
                  "\"cpu_permille\": %" PRIu64 ", \"memory_permille\": %" PRIu64 ", \"obstacle\": ",
                  o->number ? "true" : "false", o->number, o->price, o->price * o->number,
                  o->cpu_permille, o->memory_permille);
        if (o->number)
            topo_text(t, "null");
        else
            topo_text_json(t, o->obstacle);
        topo_text(t, "}");
    }
    topo_text(t, "\n  ]\n}\n");
}

static int look_at_all(const struct topo_json *doc, const struct topo_json_value *types,
                       const struct weir_topo_demand *demand, struct offer *offers,
                       struct weir_topo_error *err)
{
    struct weir_topo_demand part = {.streams =
                                        topo_calloc(demand->stream_count, sizeof *part.streams)};
    int rc = part.streams ? 0 : topo_fail_nomem(err, "comparing machine types");
    uint32_t k = 0;
    for (const struct topo_json_value *v = rc ? NULL : topo_json_first(doc, types); v && !rc;
         v = topo_json_next(doc, v), k++) {
        struct weir_topo_machine *m = NULL;
        rc = read_type(doc, v, &offers[k], &m, err);
        if (!rc) rc = count_machines(m, demand, &part, &offers[k], err);
        weir_topo_machine_free(m);
    }
    topo_free(part.streams);
    return rc;
}

int weir_topo_advise(const struct weir_topo_demand *demand, const char *catalogue, size_t length,
                     const char *label, bool json, struct weir_topo_text *out,
                     struct weir_topo_error *err)
{
    struct topo_json doc;
    const struct topo_json_value *types = NULL;
    if (!catalogue) {
        catalogue = topo_builtin_catalogue;
        length = strlen(catalogue);
        label = "shipped catalogue";
    }
    int rc = topo_json_parse(catalogue, length, label, &doc, err);
    if (rc) return rc;
    rc = topo_json_need(&doc, &doc.values[0], "types", TOPO_JSON_ARRAY, &types, err);
    struct offer *offers = rc ? NULL : topo_calloc(types->count, sizeof *offers);
    if (!rc && !offers) rc = topo_fail_nomem(err, "comparing machine types");
    if (!rc && !demand->stream_count)
        rc = topo_fail(err, WEIR_TOPO_ERR_INVALID, "the demand has no stream");
    if (!rc) rc = look_at_all(&doc, types, demand, offers, err);
    if (!rc) {
        qsort(offers, types->count, sizeof *offers, compare_offers);
        if (json)
            as_json(out, offers, types->count);
        else
            as_text(out, offers, types->count);
        rc = topo_text_done(out, err);
    }
    topo_free(offers);
    topo_json_clear(&doc);
    return rc;
}

/* ---- from a measured run */

#define TARGET_MILLI_CU 700

static int sum_busy(const struct topo_json *doc, const struct topo_json_value *root,
                    double *busy_ms, struct weir_topo_error *err)
{
    const struct topo_json_value *stages;
    int rc = topo_json_need(doc, root, "stages", TOPO_JSON_ARRAY, &stages, err);
    *busy_ms = 0;
    for (const struct topo_json_value *s = rc ? NULL : topo_json_first(doc, stages); s && !rc;
         s = topo_json_next(doc, s)) {
        const struct topo_json_value *backends, *busy;
        rc = topo_json_need(doc, s, "backends", TOPO_JSON_ARRAY, &backends, err);
        for (const struct topo_json_value *b = rc ? NULL : topo_json_first(doc, backends); b && !rc;
             b = topo_json_next(doc, b)) {
            double ms = 0;
            rc = topo_json_need(doc, b, "busy_ms", TOPO_JSON_NUMBER, &busy, err);
            if (!rc) rc = topo_json_double(doc, busy, &ms, err);
            *busy_ms += ms;
        }
    }
    return rc;
}

/* One statement of the run becomes a stream called NAME; a statement that read no row needs nothing. */
static int add_measured(const struct topo_json *doc, const struct topo_json_value *run,
                        const char *name, double rows_per_s, struct weir_topo_demand *demand,
                        struct weir_topo_error *err)
{
    const struct topo_json_value *v;
    double busy_ms = 0;
    uint64_t rows = 0, peak = 0;
    int rc = topo_json_need(doc, run, "rows_in", TOPO_JSON_NUMBER, &v, err);
    if (!rc) rc = topo_json_u64(doc, v, UINT64_MAX, &rows, err);
    if (!rc) rc = topo_json_need(doc, run, "peak_bytes", TOPO_JSON_NUMBER, &v, err);
    if (!rc) rc = topo_json_u64(doc, v, UINT64_C(1) << 60, &peak, err);
    if (!rc) rc = sum_busy(doc, run, &busy_ms, err);
    if (rc || !rows) return rc;
    double milli = rows_per_s * busy_ms / (double)rows;
    if (milli < 1) milli = 1;
    if (milli > 7e9)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "%.0f rows per second would need more than 10^7 cores", rows_per_s);
    uint32_t partitions = (uint32_t)(milli / TARGET_MILLI_CU) + 1;
    struct weir_topo_stream st = weir_topo_stream_default(name, partitions);
    st.milli_cu = (uint32_t)(milli / partitions) + 1;
    st.memory_mode = WEIR_TOPO_MEMORY_BYTES;
    st.bytes = peak / partitions + 1;
    return weir_topo_demand_add(demand, &st, err);
}

int weir_topo_demand_from_stats(const char *text, size_t length, const char *label,
                                double rows_per_s, struct weir_topo_demand **out,
                                struct weir_topo_error *err)
{
    struct topo_json doc;
    *out = NULL;
    if (!(rows_per_s > 0) || rows_per_s > 1e15)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "the rate must be a number of rows per second above 0");
    int rc = topo_json_parse(text, length, label, &doc, err);
    if (rc) return rc;
    const struct topo_json_value *root = &doc.values[0];
    rc = weir_topo_demand_new(out, err);
    if (!rc && root->type != TOPO_JSON_ARRAY)
        rc = add_measured(&doc, root, "job", rows_per_s, *out, err);
    uint32_t number = 0;
    for (const struct topo_json_value *run =
             rc || root->type != TOPO_JSON_ARRAY ? NULL : topo_json_first(&doc, root);
         run && !rc; run = topo_json_next(&doc, run)) {
        char name[24];
        snprintf(name, sizeof name, "job%u", ++number);
        rc = add_measured(&doc, run, root->count == 1 ? "job" : name, rows_per_s, *out, err);
    }
    if (!rc && !(*out)->stream_count)
        rc = topo_json_fail(&doc, root, err, "the run read no row: nothing can be derived from it");
    topo_json_clear(&doc);
    if (rc) {
        weir_topo_demand_free(*out);
        *out = NULL;
    }
    return rc;
}
