/* Reading a plan back from its JSON, against the machine it is to be used on. Streams, partitions
   and grants are read; the ledger, the use of domains and the totals are taken from the file too,
   and the checker then compares all of it, so that a file that was edited by hand does not pass
   unless it is still a plan. */
#include "topology/demand.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct topo_json *doc;
    const struct weir_topo_machine *m;
    struct weir_topo_plan *plan;
    size_t pu_capacity, grant_capacity;
    bool loose; /* PUs and nodes that the machine lacks make a partition rejected instead of an
                   error */
    struct weir_topo_error *err;
};

static int number(const struct reading *r, const struct topo_json_value *object, const char *key,
                  uint64_t max, uint64_t *out)
{
    const struct topo_json_value *v;
    int rc = topo_json_need(r->doc, object, key, TOPO_JSON_NUMBER, &v, r->err);
    return rc ? rc : topo_json_u64(r->doc, v, max, out, r->err);
}

static int number32(const struct reading *r, const struct topo_json_value *object, const char *key,
                    uint32_t *out)
{
    uint64_t v = 0;
    int rc = number(r, object, key, UINT32_MAX, &v);
    *out = (uint32_t)v;
    return rc;
}

/* A number or null, which gives NONE. */
static int optional32(const struct reading *r, const struct topo_json_value *object,
                      const char *key, uint32_t *out)
{
    const struct topo_json_value *v = topo_json_get(r->doc, object, key);
    *out = WEIR_TOPO_NONE;
    return !v || v->type == TOPO_JSON_NULL ? 0 : number32(r, object, key, out);
}

static int name_index(const struct reading *r, const struct topo_json_value *object,
                      const char *key, const char *(*name)(int), int count, int *out)
{
    const struct topo_json_value *v;
    int rc = topo_json_need(r->doc, object, key, TOPO_JSON_STRING, &v, r->err);
    for (int k = 0; !rc && k < count; k++)
        if (!strcmp(v->text, name(k))) {
            *out = k;
            return 0;
        }
    return rc ? rc : topo_json_fail(r->doc, v, r->err, "\"%s\" is no %s", v->text, key);
}

static const char *state_name(int k)
{
    return weir_topo_state_name((enum weir_topo_state)k);
}
static const char *why_name(int k)
{
    return weir_topo_why_name((enum weir_topo_why)k);
}

/* 1: the machine has them all; 0: it lacks one (only when loose). */
static int read_cpuset(struct reading *r, const struct topo_json_value *v,
                       struct weir_topo_partition *p)
{
    uint32_t *list = NULL;
    size_t n = 0;
    int rc = topo_parse_list(v->text, "cpuset", &list, &n, r->err);
    if (rc) return topo_json_at(r->doc, v, r->err);
    struct weir_topo_plan *plan = r->plan;
    if (!topo_grow(&plan->pu_list, &r->pu_capacity, plan->pu_list_count + n,
                   sizeof *plan->pu_list)) {
        topo_free(list);
        return topo_fail_nomem(r->err, "reading a plan");
    }
    p->pu_first = plan->pu_list_count;
    for (size_t k = 0; k < n; k++) {
        uint32_t pu = list[k] < r->m->os_limit ? r->m->pu_of_os[list[k]] : WEIR_TOPO_NONE;
        if (pu == WEIR_TOPO_NONE) {
            rc = r->loose ? 0
                          : topo_json_fail(r->doc, v, r->err, "the machine has no PU %u", list[k]);
            topo_free(list);
            return rc;
        }
        size_t at = k; /* logical order, as the planner keeps it */
        uint32_t *to = plan->pu_list + p->pu_first;
        while (at && to[at - 1] > pu) {
            to[at] = to[at - 1];
            at--;
        }
        to[at] = pu;
    }
    topo_free(list);
    plan->pu_list_count += (uint32_t)n;
    p->pu_count = (uint32_t)n;
    return 1;
}

static int read_grant(struct reading *r, const struct topo_json_value *v,
                      struct weir_topo_partition *p)
{
    uint64_t node = 0, bytes = 0, page = 0;
    int rc = number(r, v, "node", UINT32_MAX, &node);
    if (!rc) rc = number(r, v, "bytes", UINT64_MAX, &bytes);
    if (!rc) rc = number(r, v, "page_bytes", UINT64_MAX, &page);
    if (rc) return rc;
    uint32_t pool = 0;
    while (pool < r->m->pool_count &&
           (r->m->pools[pool].node != node || r->m->pools[pool].page_bytes != page))
        pool++;
    if (pool == r->m->pool_count)
        return r->loose
                   ? 0
                   : topo_json_fail(r->doc, v, r->err,
                                    "the machine has no node %" PRIu64 " with such pages", node);
    struct weir_topo_plan *plan = r->plan;
    if (!topo_grow(&plan->grants, &r->grant_capacity, (size_t)plan->grant_count + 1,
                   sizeof *plan->grants))
        return topo_fail_nomem(r->err, "reading a plan");
    plan->grants[plan->grant_count++] = (struct weir_topo_grant){pool, bytes};
    plan->pool_granted[pool] += bytes;
    p->grant_count++;
    return 1;
}

static int read_device(struct reading *r, const struct topo_json_value *v,
                       struct weir_topo_partition *p)
{
    const struct topo_json_value *d = topo_json_get(r->doc, v, "device");
    uint32_t node = WEIR_TOPO_NONE;
    p->device = p->staging_pool = WEIR_TOPO_NONE;
    if (!d || d->type == TOPO_JSON_NULL) return 1;
    for (uint32_t k = 0; d->text && k < r->m->device_count; k++)
        if (!strcmp(r->m->devices[k].name, d->text)) p->device = k;
    if (p->device == WEIR_TOPO_NONE)
        return r->loose ? 0 : topo_json_fail(r->doc, d, r->err, "the machine has no such device");
    int rc = number32(r, v, "device_units", &p->device_units);
    if (!rc) rc = number32(r, v, "queue", &p->queue);
    if (!rc) rc = optional32(r, v, "staging_node", &node);
    for (uint32_t k = 0; k < r->m->pool_count && p->staging_pool == WEIR_TOPO_NONE; k++)
        if (r->m->pools[k].node == node && !r->m->pools[k].huge) p->staging_pool = k;
    return rc ? rc : 1;
}

static int read_runner_up(struct reading *r, const struct topo_json_value *v,
                          struct weir_topo_partition *p)
{
    const struct topo_json_value *u = topo_json_get(r->doc, v, "runner_up"), *price;
    p->runner_up = WEIR_TOPO_NONE;
    if (!u || u->type != TOPO_JSON_OBJECT) return 0;
    int rc = number32(r, u, "domain", &p->runner_up);
    if (!rc) rc = topo_json_need(r->doc, u, "price", TOPO_JSON_NUMBER, &price, r->err);
    if (!rc) p->runner_up_price = strtoll(price->text, NULL, 10);
    return rc;
}

/* The parts that only a partition with a place has. 1, 0 (loose and gone) or an error. */
static int read_place(struct reading *r, const struct topo_json_value *v,
                      struct weir_topo_partition *p)
{
    const struct topo_json_value *cpuset, *memory;
    uint32_t pus = r->plan->pu_list_count, grants = r->plan->grant_count;
    int rc = topo_json_need(r->doc, v, "cpuset", TOPO_JSON_STRING, &cpuset, r->err);
    if (!rc) rc = topo_json_need(r->doc, v, "memory", TOPO_JSON_ARRAY, &memory, r->err);
    if (!rc) rc = number32(r, v, "share_milli_cu", &p->share_milli_cu);
    if (!rc) rc = number32(r, v, "domain", &p->domain);
    if (!rc) rc = number(r, v, "remote_bytes", UINT64_MAX, &p->remote_bytes);
    if (!rc) rc = read_runner_up(r, v, p);
    if (rc) return rc;
    rc = read_cpuset(r, cpuset, p);
    p->grant_first = grants;
    for (const struct topo_json_value *g = topo_json_first(r->doc, memory); g && rc == 1;
         g = topo_json_next(r->doc, g))
        rc = read_grant(r, g, p);
    if (rc == 1) rc = read_device(r, v, p);
    if (rc == 0) { /* undo: it has no place here */
        for (uint32_t g = grants; g < r->plan->grant_count; g++)
            r->plan->pool_granted[r->plan->grants[g].pool] -= r->plan->grants[g].bytes;
        r->plan->pu_list_count = pus;
        r->plan->grant_count = grants;
    }
    return rc;
}

static int read_partition(struct reading *r, const struct topo_json_value *v,
                          struct weir_topo_partition *p)
{
    int state = 0, why = 0;
    int rc = name_index(r, v, "state", state_name, 3, &state);
    if (!rc) rc = name_index(r, v, "constraint", why_name, WEIR_TOPO_WHY_COUNT, &why);
    if (!rc) rc = number32(r, v, "index", &p->index);
    if (!rc) rc = number32(r, v, "milli_cu", &p->milli_cu);
    if (!rc) rc = number(r, v, "bytes", UINT64_MAX, &p->bytes);
    if (rc) return rc;
    const struct weir_topo_partition asked = *p;
    p->state = (enum weir_topo_state)state;
    p->why = (enum weir_topo_why)why;
    if (p->state != WEIR_TOPO_REJECTED) {
        rc = read_place(r, v, p);
        if (rc < 0) return rc;
    }
    if (p->state == WEIR_TOPO_REJECTED || rc == 0) {
        *p = asked;
        p->state = WEIR_TOPO_REJECTED;
        p->why = why >= WEIR_TOPO_WHY_NO_DEVICE ? (enum weir_topo_why)why : WEIR_TOPO_WHY_CPU;
        p->domain = p->device = p->staging_pool = p->runner_up = WEIR_TOPO_NONE;
    }
    return 0;
}

static int read_partitions(struct reading *r, const struct topo_json_value *list)
{
    struct weir_topo_plan *plan = r->plan;
    const struct topo_json_value *name, *v = topo_json_first(r->doc, list);
    uint64_t n = 0;
    for (uint32_t k = 0; k < plan->stream_count; k++) n += plan->streams[k].partitions;
    if (n != list->count)
        return topo_json_fail(r->doc, list, r->err,
                              "the streams have %" PRIu64 " partitions, this list %u", n,
                              list->count);
    plan->partition_count = (uint32_t)n;
    plan->partitions = topo_calloc(n, sizeof *plan->partitions);
    if (!plan->partitions) return topo_fail_nomem(r->err, "reading a plan");
    for (uint32_t k = 0, i = 0; k < plan->stream_count; k++)
        for (uint32_t j = 0; j < plan->streams[k].partitions;
             j++, i++, v = topo_json_next(r->doc, v)) {
            int rc = topo_json_need(r->doc, v, "stream", TOPO_JSON_STRING, &name, r->err);
            if (rc) return rc;
            if (strcmp(name->text, plan->streams[k].name))
                return topo_json_fail(r->doc, name, r->err, "a partition of '%s' is expected here",
                                      plan->streams[k].name);
            plan->partitions[i].stream = k;
            rc = read_partition(r, v, &plan->partitions[i]);
            if (rc) return rc;
        }
    return 0;
}

static int read_totals(struct reading *r, const struct topo_json_value *t)
{
    struct weir_topo_totals *s = &r->plan->totals;
    const struct topo_json_value *list;
    int rc = number32(r, t, "placed", &s->placed);
    if (!rc) rc = number32(r, t, "degraded", &s->degraded);
    if (!rc) rc = number32(r, t, "rejected", &s->rejected);
    if (!rc) rc = number(r, t, "load_max_ppm", UINT64_MAX, &s->load_max_ppm);
    if (!rc) rc = number(r, t, "load_bound_ppm", UINT64_MAX, &s->load_bound_ppm);
    if (!rc) rc = number(r, t, "remote_bytes", UINT64_MAX, &s->remote_bytes);
    if (!rc) rc = number(r, t, "remote_bound_bytes", UINT64_MAX, &s->remote_bound_bytes);
    if (!rc) rc = number(r, t, "distance_bytes", UINT64_MAX, &s->distance_bytes);
    if (!rc) rc = number(r, t, "stranded_milli_cu", UINT64_MAX, &s->stranded_milli_cu);
    if (!rc) rc = number(r, t, "stranded_bytes", UINT64_MAX, &s->stranded_bytes);
    if (!rc) rc = number32(r, t, "moved_partitions", &s->moved_partitions);
    if (!rc) rc = number(r, t, "moved_bytes", UINT64_MAX, &s->moved_bytes);
    if (!rc) rc = number(r, t, "search_steps", UINT64_MAX, &s->search_steps);
    if (!rc) rc = topo_json_need(r->doc, t, "domains", TOPO_JSON_ARRAY, &list, r->err);
    uint32_t d = 0;
    for (const struct topo_json_value *v = rc ? NULL : topo_json_first(r->doc, list); v && !rc;
         v = topo_json_next(r->doc, v), d++) {
        if (d >= r->m->domain_count) break; /* another machine; the fingerprint says so */
        struct weir_topo_domain_use *u = &r->plan->domains[d];
        rc = number(r, v, "capacity_milli_cu", UINT64_MAX, &u->capacity_milli_cu);
        if (!rc) rc = number(r, v, "load_milli_cu", UINT64_MAX, &u->load_milli_cu);
        if (!rc) rc = number(r, v, "bytes", UINT64_MAX, &u->bytes);
        if (!rc) rc = number(r, v, "remote_bytes", UINT64_MAX, &u->remote_bytes);
        if (!rc) rc = number(r, v, "stranded_milli_cu", UINT64_MAX, &u->stranded_milli_cu);
        if (!rc) rc = number(r, v, "stranded_bytes", UINT64_MAX, &u->stranded_bytes);
    }
    return rc;
}

static int read_streams(struct reading *r, const struct topo_json_value *list)
{
    struct weir_topo_demand *demand;
    int rc = weir_topo_demand_new(&demand, r->err);
    for (const struct topo_json_value *v = rc ? NULL : topo_json_first(r->doc, list); v && !rc;
         v = topo_json_next(r->doc, v))
        rc = topo_demand_read_stream(r->doc, v, demand, r->err);
    if (!rc && !demand->stream_count)
        rc = topo_json_fail(r->doc, list, r->err, "a plan has at least one stream");
    if (!rc) {
        r->plan->streams = demand->streams;
        r->plan->stream_count = demand->stream_count;
        demand->streams = NULL;
        topo_plan_summarise(r->plan);
    }
    weir_topo_demand_free(demand);
    return rc;
}

static int read_plan(struct reading *r)
{
    const struct topo_json_value *root = &r->doc->values[0], *machine, *print, *streams,
                                 *partitions, *totals;
    uint64_t schema = 0;
    int rc = number(r, root, "schema", UINT32_MAX, &schema);
    if (!rc && schema != WEIR_TOPO_SCHEMA)
        rc = topo_json_fail(r->doc, root, r->err,
                            "this plan has schema %" PRIu64 ", this program reads %d", schema,
                            WEIR_TOPO_SCHEMA);
    if (!rc) rc = topo_json_need(r->doc, root, "machine", TOPO_JSON_OBJECT, &machine, r->err);
    if (!rc) rc = topo_json_need(r->doc, machine, "fingerprint", TOPO_JSON_STRING, &print, r->err);
    if (!rc) rc = topo_json_need(r->doc, root, "streams", TOPO_JSON_ARRAY, &streams, r->err);
    if (!rc) rc = topo_json_need(r->doc, root, "partitions", TOPO_JSON_ARRAY, &partitions, r->err);
    if (!rc) rc = topo_json_need(r->doc, root, "totals", TOPO_JSON_OBJECT, &totals, r->err);
    if (rc) return rc;
    r->plan->machine_fingerprint = strtoull(print->text, NULL, 16);
    if (r->plan->machine_fingerprint != r->m->fingerprint && !r->loose)
        return topo_fail(r->err, WEIR_TOPO_ERR_MISMATCH,
                         "%s:%u:%u: the plan was made for another machine (or this one has "
                         "changed): its fingerprint is %s, machine %s has %016" PRIx64
                         "; plan again, with --current to stay close to this plan",
                         r->doc->label, print->line, print->column, print->text, r->m->name,
                         r->m->fingerprint);
    rc = read_streams(r, streams);
    if (!rc) rc = read_partitions(r, partitions);
    if (!rc) rc = read_totals(r, totals);
    return rc;
}

static int parse(const char *text, size_t length, const char *label,
                 const struct weir_topo_machine *m, bool loose, struct weir_topo_plan **out,
                 struct weir_topo_error *err)
{
    struct topo_json doc;
    *out = NULL;
    int rc = topo_json_parse(text, length, label, &doc, err);
    if (rc) return rc;
    struct reading r = {.doc = &doc, .m = m, .loose = loose, .err = err};
    r.plan = topo_calloc(1, sizeof *r.plan);
    if (r.plan) {
        r.plan->machine = m;
        r.plan->pool_granted = topo_calloc(m->pool_count, sizeof *r.plan->pool_granted);
        r.plan->domains = topo_calloc(m->domain_count, sizeof *r.plan->domains);
    }
    rc = !r.plan || !r.plan->pool_granted || !r.plan->domains
             ? topo_fail_nomem(err, "reading a plan")
             : read_plan(&r);
    if (!rc && !loose) {
        rc = weir_topo_plan_check(r.plan, err);
        if (rc) topo_prefix(err, "%s", label);
    }
    if (rc)
        weir_topo_plan_free(r.plan);
    else
        *out = r.plan;
    topo_json_clear(&doc);
    return rc;
}

int weir_topo_plan_parse_json(const char *text, size_t length, const char *label,
                              const struct weir_topo_machine *machine, struct weir_topo_plan **out,
                              struct weir_topo_error *err)
{
    return parse(text, length, label, machine, false, out, err);
}

int weir_topo_plan_parse_current(const char *text, size_t length, const char *label,
                                 const struct weir_topo_machine *machine,
                                 struct weir_topo_plan **out, struct weir_topo_error *err)
{
    return parse(text, length, label, machine, true, out, err);
}
