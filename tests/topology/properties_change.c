/* Properties of a machine that is listed otherwise, cut, or enlarged. */
#include "tests/topology/properties.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *need(void *p)
{
    if (!p) abort();
    return p;
}

/* ---- listed and numbered otherwise */

static void swap_pus(struct topo_raw *raw, uint32_t i, uint32_t j)
{
    struct topo_raw_pu keep = raw->pus[i];
    raw->pus[i] = raw->pus[j];
    raw->pus[j] = keep;
    for (uint32_t n = 0; n < raw->node_count; n++) {
        uint8_t *row = raw->node_pu + (size_t)n * raw->pu_count, in = row[i];
        row[i] = row[j];
        row[j] = in;
    }
    for (uint32_t d = 0; d < raw->device_count; d++) {
        uint8_t *near = raw->devices[d].near;
        if (!near) continue;
        uint8_t in = near[i];
        near[i] = near[j];
        near[j] = in;
    }
}

static void swap_nodes(struct topo_raw *raw, uint32_t i, uint32_t j)
{
    struct topo_raw_node keep = raw->nodes[i];
    raw->nodes[i] = raw->nodes[j];
    raw->nodes[j] = keep;
    for (uint32_t p = 0; p < raw->pu_count; p++) {
        uint8_t *a = &raw->node_pu[(size_t)i * raw->pu_count + p],
                *b = &raw->node_pu[(size_t)j * raw->pu_count + p], in = *a;
        *a = *b;
        *b = in;
    }
    for (int way = 0; raw->node_distance && way < 2; way++) /* rows, then columns */
        for (uint32_t n = 0; n < raw->node_count; n++) {
            size_t a = way ? (size_t)n * raw->node_count + i : (size_t)i * raw->node_count + n,
                   b = way ? (size_t)n * raw->node_count + j : (size_t)j * raw->node_count + n;
            uint16_t away = raw->node_distance[a];
            raw->node_distance[a] = raw->node_distance[b];
            raw->node_distance[b] = away;
        }
}

/* Other numbers for CPUs and nodes, and listed in another order: the same costs. */
static void relisted(struct tally *t, struct rng *r, const struct topo_raw *raw,
                     const struct weir_topo_demand *d, const struct run *first)
{
    struct topo_raw other;
    struct run run;
    copy_raw(raw, &other);
    for (uint32_t i = other.pu_count; i > 1; i--) {
        uint32_t j = rng_below(r, i), keep = other.pus[i - 1].os;
        other.pus[i - 1].os = other.pus[j].os;
        other.pus[j].os = keep;
    }
    for (uint32_t i = 0; i < other.node_count; i++) other.nodes[i].os = other.nodes[i].os * 7 + 3;
    for (uint32_t i = other.pu_count; i > 1; i--) swap_pus(&other, i - 1, rng_below(r, i));
    for (uint32_t i = other.node_count; i > 1; i--) swap_nodes(&other, i - 1, rng_below(r, i));
    if (run_make(t, &other, d, NULL, &run) &&
        memcmp(&first->p->totals, &run.p->totals, sizeof run.p->totals))
        report(t, "other numbers and orders of CPUs and nodes give the same costs", "they do not");
    run_clear(&run);
    topo_raw_clear(&other);
}

/* ---- cut */

/* PUs that are not allowed might as well not exist. */
static void restricted_is_smaller(struct tally *t, const struct topo_raw *raw,
                                  const struct weir_topo_demand *d, const struct run *first)
{
    struct topo_raw small;
    struct run run;
    copy_raw(raw, &small);
    uint8_t *gone = need(calloc(raw->pu_count, 1));
    bool any = false;
    for (uint32_t p = 0; p < raw->pu_count; p++) any |= gone[p] = !raw->pus[p].allowed;
    if (any && !topo_raw_remove_pus(&small, gone, NULL)) {
        t->restricted++;
        if (run_make(t, &small, d, NULL, &run)) {
            struct weir_topo_totals a = first->p->totals, b = run.p->totals;
            a.stranded_bytes = b.stranded_bytes = 0; /* a node without PUs strands nothing */
            a.search_steps = b.search_steps = 0;
            if (memcmp(&a, &b, sizeof a))
                report(t, "a cut machine plans like a smaller one", "totals differ");
        }
        run_clear(&run);
    }
    free(gone);
    topo_raw_clear(&small);
}

void property_xml(struct tally *t, const struct topo_raw *raw, const struct weir_topo_demand *d)
{
    char path[] = "/tmp/weir-topology-XXXXXX.xml";
    struct topo_raw same;
    struct weir_topo_text xml = {0};
    struct weir_topo_error err = {0};
    struct weir_topo_machine_options o = {.source = path};
    struct weir_topo_machine *m;
    struct weir_topo_plan *p = NULL;
    struct run run;
    bool fastest = false; /* capacities are told relative to the fastest kind, which has 1000 */
    for (uint32_t i = 0; i < raw->pu_count; i++) fastest |= raw->pus[i].core_capacity == 1000;
    if (!fastest || !raw->node_count) return; /* hwloc's XML must have a node */
    copy_raw(raw, &same);                     /* without what the XML cannot say */
    same.limit_milli_cu = same.limit_memory_bytes = UINT64_MAX;
    topo_free(same.l3_bytes);
    same.l3_bytes = need(calloc(same.pu_count, sizeof *same.l3_bytes));
    for (uint32_t i = 0; i < same.device_count; i++) topo_free(same.devices[i].near);
    same.device_count = 0;
    for (uint32_t i = 0; i < same.pu_count; i++) {
        same.pus[i].reserved = same.pus[i].busy = false;
        same.pus[i].os = i;         /* hwloc wants them ascending */
        same.l3_bytes[i] = 1 << 20; /* a cache of unknown size is not written */
    }
    if (run_make(t, &same, d, NULL, &run)) {
        int fd = mkstemps(path, 4);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f) abort();
        if (topo_hwloc_xml(run.m, NULL, &xml, &err) || weir_topo_text_write(&xml, f, &err))
            report(t, "the XML of a machine is written", err.message);
        fclose(f);
        if (weir_topo_machine_load(&o, &m, &err))
            report(t, "the XML of a machine is read", err.message);
        else if (weir_topo_plan_make(m, d, NULL, &p, &err))
            report(t, "the XML of a machine is planned on", err.message);
        else {
            struct weir_topo_totals a = run.p->totals, b = p->totals;
            a.stranded_bytes = b.stranded_bytes = 0;
            a.search_steps = b.search_steps = 0;
            if (memcmp(&a, &b, sizeof a))
                report(t, "a machine plans like its XML", "totals differ");
        }
        t->xml++;
        unlink(path);
        weir_topo_plan_free(p);
        weir_topo_machine_free(m);
        weir_topo_text_free(&xml);
    }
    run_clear(&run);
    topo_raw_clear(&same);
}

/* ---- enlarged */

/* Bytes x cost of the partitions that said how many bytes they need. */
static double fixed_cost(const struct weir_topo_plan *p)
{
    double sum = 0;
    for (uint32_t i = 0; i < p->partition_count; i++) {
        const struct weir_topo_partition *part = &p->partitions[i];
        if (p->streams[part->stream].memory_mode == WEIR_TOPO_MEMORY_AUTO) continue;
        for (uint32_t g = part->grant_first; g < part->grant_first + part->grant_count; g++) {
            uint32_t best = UINT32_MAX; /* from the nearest of its domains */
            for (uint32_t k = 0; k < part->pu_count; k++) {
                uint32_t d =
                    p->machine->pus[p->pu_list[part->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
                uint32_t c = topo_cost(p->machine, d, p->grants[g].pool);
                if (c < best) best = c;
            }
            uint32_t steps = best / 1000; /* by distance, whatever the tier */
            sum += (double)p->grants[g].bytes * steps;
        }
    }
    return sum;
}

static bool admitted_before(const struct weir_topo_plan *p, uint32_t i, uint32_t j)
{
    const struct weir_topo_partition *a = &p->partitions[i], *b = &p->partitions[j];
    const struct weir_topo_stream *x = &p->streams[a->stream], *y = &p->streams[b->stream];
    if (x->priority != y->priority) return x->priority > y->priority;
    if (x->mode != y->mode) return x->mode == WEIR_TOPO_EXCLUSIVE;
    if (x->device != y->device) return x->device > y->device;
    if (x->mode == WEIR_TOPO_EXCLUSIVE && x->scope != y->scope) return x->scope > y->scope;
    if (a->milli_cu != b->milli_cu) return a->milli_cu > b->milli_cu;
    return i < j;
}

/* The first partition in order of admission that one plan admits and the other does not: > 0 if it
   is the second plan that admits it, < 0 if the first, 0 if there is none. */
static int first_difference(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t i = 0; i < a->partition_count; i++)
        if ((a->partitions[i].state == WEIR_TOPO_REJECTED) !=
                (b->partitions[i].state == WEIR_TOPO_REJECTED) &&
            (best == WEIR_TOPO_NONE || admitted_before(a, i, best)))
            best = i;
    if (best == WEIR_TOPO_NONE) return 0;
    return a->partitions[best].state == WEIR_TOPO_REJECTED ? 1 : -1;
}

static bool same_admission(const struct weir_topo_plan *a, const struct weir_topo_plan *b)
{
    for (uint32_t i = 0; i < a->partition_count; i++)
        if ((a->partitions[i].state == WEIR_TOPO_REJECTED) !=
            (b->partitions[i].state == WEIR_TOPO_REJECTED))
            return false;
    return true;
}

/* Is SECOND worse than FIRST: an earlier partition rejected, or the same ones admitted at a higher
 * cost? */
static bool worse(const struct weir_topo_plan *first, const struct weir_topo_plan *second)
{
    int64_t lead[5] = {0}; /* partitions admitted more by SECOND, per priority -2 .. 2 */
    for (uint32_t i = 0; i < first->partition_count; i++)
        lead[first->streams[first->partitions[i].stream].priority + 2] +=
            (second->partitions[i].state != WEIR_TOPO_REJECTED) -
            (first->partitions[i].state != WEIR_TOPO_REJECTED);
    for (int k = 4; k >= 0; k--)
        if (lead[k]) return lead[k] < 0 && first_difference(first, second) < 0;
    return same_admission(first, second) && fixed_cost(second) > fixed_cost(first) * 1.0000001;
}

/* A package of its own with one or two cores and a node, far from all others. */
static void add_package(struct rng *r, struct topo_raw *raw)
{
    uint32_t n = raw->pu_count, nodes = raw->node_count, more = 1 + rng_below(r, 2), os = 0;
    struct topo_raw_pu *pus = need(calloc(n + more, sizeof *pus));
    uint8_t *node_pu = need(calloc((size_t)(nodes + 1) * (n + more), 1));
    memcpy(pus, raw->pus, n * sizeof *pus);
    for (uint32_t p = 0; p < n; p++) os = raw->pus[p].os > os ? raw->pus[p].os : os;
    for (uint32_t p = n; p < n + more; p++)
        pus[p] = (struct topo_raw_pu){os + 1 + p - n, 100000 + p, 100000, 100000,
                                      1000,           true,       false,  false};
    for (uint32_t k = 0; k < nodes; k++)
        memcpy(node_pu + (size_t)k * (n + more), raw->node_pu + (size_t)k * n, n);
    memset(node_pu + (size_t)nodes * (n + more) + n, 1, more);
    if (raw->node_distance) {
        uint16_t *far = need(calloc((size_t)(nodes + 1) * (nodes + 1), sizeof *far));
        for (uint32_t i = 0; i <= nodes; i++)
            for (uint32_t j = 0; j <= nodes; j++)
                far[i * (nodes + 1) + j] = i < nodes && j < nodes
                                               ? raw->node_distance[i * nodes + j]
                                           : i == j ? 10
                                                    : 40;
        topo_free(raw->node_distance);
        raw->node_distance = far;
    }
    os = 0;
    uint64_t bytes = (uint64_t)1 << 30; /* no less than others: it may stand in for a bogus one */
    for (uint32_t k = 0; k < nodes; k++) {
        os = raw->nodes[k].os > os ? raw->nodes[k].os : os;
        if (raw->nodes[k].bytes > bytes && raw->nodes[k].bytes < (uint64_t)1 << 45)
            bytes = raw->nodes[k].bytes;
    }
    raw->nodes = need(realloc(raw->nodes, (nodes + 1) * sizeof *raw->nodes));
    raw->nodes[nodes] = (struct topo_raw_node){.os = os + 1, .allowed = true, .bytes = bytes};
    for (uint32_t i = 0; i < raw->device_count; i++) {
        if (!raw->devices[i].near) continue;
        raw->devices[i].near = need(realloc(raw->devices[i].near, n + more));
        memset(raw->devices[i].near + n, 0, more);
    }
    topo_free(raw->l3_bytes);
    raw->l3_bytes = NULL;
    topo_free(raw->pus);
    topo_free(raw->node_pu);
    raw->pus = pus;
    raw->node_pu = node_pu;
    raw->pu_count = n + more;
    raw->node_count = nodes + 1;
}

static void add_device(struct topo_raw *raw)
{
    raw->devices = need(realloc(raw->devices, (raw->device_count + 1) * sizeof *raw->devices));
    struct topo_raw_device *d = &raw->devices[raw->device_count++];
    *d = (struct topo_raw_device){.info = {.kind = WEIR_TOPO_DEVICE_GPU,
                                           .bytes = (uint64_t)4 << 30,
                                           .compute_units = 8,
                                           .parent = WEIR_TOPO_NONE}};
    snprintf(d->info.name, sizeof d->info.name, "added");
}

/* Cores that are reserved as a whole become free. */
static bool free_reserved(struct topo_raw *raw)
{
    bool any = false;
    for (uint32_t p = 0; p < raw->pu_count; p++) {
        bool alone = raw->pus[p].reserved && raw->pus[p].allowed;
        for (uint32_t q = 0; q < raw->pu_count && alone; q++)
            alone = raw->pus[q].core != raw->pus[p].core || q == p;
        if (alone) raw->pus[p].reserved = false;
        any |= alone;
    }
    return any;
}

static void enlarge(struct rng *r, struct topo_raw *raw)
{
    switch (rng_below(r, 6)) {
    case 0:
        for (uint32_t i = 0; i < raw->node_count; i++) raw->nodes[i].bytes *= 4;
        return;
    case 1: add_package(r, raw); return;
    case 2: add_device(raw); return;
    case 3:
        if (raw->limit_milli_cu != UINT64_MAX || raw->limit_memory_bytes != UINT64_MAX) {
            raw->limit_milli_cu = raw->limit_memory_bytes = UINT64_MAX;
            return;
        }
        break;
    case 4:
        if (free_reserved(raw)) return;
        break;
    default: break;
    }
    if (raw->node_count) raw->nodes[rng_below(r, raw->node_count)].bytes += (uint64_t)1 << 30;
}

/* More resources never make it worse. Coming from the plan for less this is certain; from scratch
   the planner is a heuristic, and the caller bounds how often it loses. What the demand leaves to the
   machine's size is fixed first. */
static void more_is_no_worse(struct tally *t, struct rng *r, const struct topo_raw *raw,
                             const struct weir_topo_demand *d, const struct run *first)
{
    struct topo_raw other;
    struct run less, more;
    struct weir_topo_demand *fixed;
    if (weir_topo_demand_new(&fixed, NULL)) abort();
    for (uint32_t k = 0, i = 0; k < d->stream_count; i += d->streams[k++].partitions) {
        struct weir_topo_stream st = d->streams[k];
        st.milli_cu = first->p->partitions[i].milli_cu;
        if (weir_topo_demand_add(fixed, &st, NULL)) abort();
    }
    copy_raw(raw, &other);
    enlarge(r, &other);
    if (run_make(t, raw, fixed, NULL, &less)) {
        t->enlarged++;
        if (run_make(t, &other, fixed, NULL, &more)) t->worse += worse(less.p, more.p);
        run_clear(&more);
        if (run_make(t, &other, fixed, less.p, &more) && worse(less.p, more.p))
            report(t, "more resources never make it worse", "coming from the plan for less");
        run_clear(&more);
    }
    run_clear(&less);
    topo_raw_clear(&other);
    weir_topo_demand_free(fixed);
}

void properties_of_change(struct tally *t, struct rng *r, const struct topo_raw *raw,
                          const struct weir_topo_demand *d, const struct run *first)
{
    relisted(t, r, raw, d, first);
    restricted_is_smaller(t, raw, d, first);
    more_is_no_worse(t, r, raw, d, first);
}
