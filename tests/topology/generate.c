/* Random machines and demands: each draw decides one oddity, so that every mixture of them comes
 * up. */
#include "tests/topology/generate.h"

#include <stdlib.h>
#include <string.h>

uint64_t rng_next(struct rng *r) /* splitmix64 */
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

bool rng_chance(struct rng *r, uint32_t percent)
{
    return rng_below(r, 100) < percent;
}

static void *need(void *p)
{
    if (!p) abort();
    return p;
}

struct shape {
    uint32_t packages, groups, l3s, cores, smt;
    bool holes, hybrid, mixed_smt;
};

static void add_pus(struct rng *r, const struct shape *s, struct topo_raw *raw, uint32_t *group_of)
{
    uint32_t most = s->packages * s->groups * s->l3s * s->cores * s->smt, core = 0, l3 = 0, n = 0;
    raw->pus = need(calloc(most, sizeof *raw->pus));
    for (uint32_t p = 0; p < s->packages; p++)
        for (uint32_t g = 0; g < s->groups; g++)
            for (uint32_t c3 = 0; c3 < s->l3s; c3++, l3++)
                for (uint32_t c = 0; c < s->cores; c++, core++) {
                    uint32_t threads = s->mixed_smt && rng_chance(r, 40) ? 1 : s->smt;
                    uint32_t capacity =
                        s->hybrid && rng_chance(r, 50) ? 300 + 100 * rng_below(r, 4) : 1000;
                    for (uint32_t t = 0; t < threads; t++) {
                        group_of[n] = p * s->groups + g;
                        raw->pus[n++] = (struct topo_raw_pu){n,
                                                             core,
                                                             l3,
                                                             p,
                                                             capacity,
                                                             !rng_chance(r, 8),
                                                             rng_chance(r, 4),
                                                             rng_chance(r, 4)};
                    }
                }
    raw->pu_count = n;
    /* OS numbers: a random permutation, perhaps with holes */
    uint32_t *numbers = need(calloc(n, sizeof *numbers));
    for (uint32_t i = 0, v = 0; i < n; i++) {
        numbers[i] = v;
        v += s->holes ? 1 + rng_below(r, 3) : 1;
    }
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = rng_below(r, i), keep = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = keep;
    }
    bool usable = false;
    for (uint32_t i = 0; i < n; i++) {
        raw->pus[i].os = numbers[i];
        usable |= raw->pus[i].allowed && !raw->pus[i].reserved;
    }
    if (!usable) {
        raw->pus[0].allowed = true;
        raw->pus[0].reserved = false;
    }
    free(numbers);
}

static void add_nodes(struct rng *r, const struct shape *s, struct topo_raw *raw,
                      const uint32_t *group_of)
{
    uint32_t groups = s->packages * s->groups, n = 0;
    uint64_t unit = (uint64_t)(1 + rng_below(r, 4)) << 28;
    bool uneven = rng_chance(r, 60), package_nodes = rng_chance(r, 15), far = rng_chance(r, 20),
         hbm = rng_chance(r, 20);
    raw->nodes = need(calloc((size_t)groups * 2 + s->packages + 2, sizeof *raw->nodes));
    raw->node_pu = need(calloc(((size_t)groups * 2 + s->packages + 2) * raw->pu_count, 1));
    for (uint32_t g = 0; g < groups; g++) {
        if (rng_chance(r, 5)) continue; /* its CPUs have no node */
        if (package_nodes && g % s->groups) continue;
        raw->nodes[n] = (struct topo_raw_node){.os = n, .allowed = !rng_chance(r, 4)};
        raw->nodes[n].bytes = rng_chance(r, 5) ? 0 : unit * (uneven ? 1 + rng_below(r, 8) : 4);
        if (rng_chance(r, 10)) {
            raw->nodes[n].huge_page[0] = 2 << 20;
            raw->nodes[n].huge_count[0] = raw->nodes[n].bytes / (8 << 20);
        }
        for (uint32_t p = 0; p < raw->pu_count; p++)
            raw->node_pu[(size_t)n * raw->pu_count + p] =
                (uint8_t)(package_nodes ? group_of[p] / s->groups == g / s->groups
                                        : group_of[p] == g);
        n++;
        if (!hbm) continue;
        raw->nodes[n] = (struct topo_raw_node){
            .os = n, .allowed = true, .tier = WEIR_TOPO_TIER_HBM, .bytes = unit};
        for (uint32_t p = 0; p < raw->pu_count; p++)
            raw->node_pu[(size_t)n * raw->pu_count + p] = group_of[p] == g;
        n++;
    }
    if (far) {
        static const enum weir_topo_tier tiers[] = {WEIR_TOPO_TIER_CXL, WEIR_TOPO_TIER_NVM,
                                                    WEIR_TOPO_TIER_GPU, WEIR_TOPO_TIER_DRAM};
        raw->nodes[n] = (struct topo_raw_node){
            .os = n, .allowed = true, .tier = tiers[rng_below(r, 4)], .bytes = unit * 8};
        n++;
    }
    raw->node_count = n;
    if (!n || rng_chance(r, 30)) return;
    raw->node_distance = need(calloc((size_t)n * n, sizeof *raw->node_distance));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            uint16_t d = i == j ? 10 : (uint16_t)(11 + rng_below(r, 30));
            raw->node_distance[i * n + j] = raw->node_distance[j * n + i] = d;
        }
}

static void add_devices(struct rng *r, struct topo_raw *raw, const uint32_t *group_of)
{
    uint32_t n = rng_chance(r, 35) ? 1 + rng_below(r, 3) : 0;
    raw->devices = need(calloc(n + 1, sizeof *raw->devices));
    for (uint32_t d = 0; d < n; d++) {
        struct weir_topo_device *info = &raw->devices[d].info;
        snprintf(info->name, sizeof info->name, "gpu%u", d);
        info->kind = rng_chance(r, 80) ? WEIR_TOPO_DEVICE_GPU : WEIR_TOPO_DEVICE_FPGA;
        info->bytes = rng_chance(r, 70) ? (uint64_t)4 << 30 : 0;
        info->compute_units = rng_chance(r, 70) ? 1 + rng_below(r, 16) : 0;
        info->parent = d && rng_chance(r, 30) ? 0 : WEIR_TOPO_NONE;
        info->leased_units = info->compute_units && rng_chance(r, 10) ? 1 : 0;
        info->busy = rng_chance(r, 10);
        if (rng_chance(r, 30)) continue;
        raw->devices[d].near = need(calloc(raw->pu_count, 1));
        uint32_t g = group_of[rng_below(r, raw->pu_count)];
        for (uint32_t p = 0; p < raw->pu_count; p++) raw->devices[d].near[p] = group_of[p] == g;
    }
    raw->device_count = n;
}

void random_machine(struct rng *r, struct topo_raw *raw)
{
    struct shape s = {1 + rng_below(r, 2), 1 + rng_below(r, 3), 1 + rng_below(r, 2),
                      1 + rng_below(r, 4), 1 + rng_below(r, 2), rng_chance(r, 30),
                      rng_chance(r, 25),   rng_chance(r, 20)};
    uint32_t group_of[2 * 3 * 2 * 4 * 2];
    *raw = (struct topo_raw){.limit_milli_cu = UINT64_MAX, .limit_memory_bytes = UINT64_MAX};
    snprintf(raw->name, sizeof raw->name, "random");
    add_pus(r, &s, raw, group_of);
    add_nodes(r, &s, raw, group_of);
    add_devices(r, raw, group_of);
    if (rng_chance(r, 10)) raw->limit_milli_cu = 500 + rng_below(r, 8000);
    if (rng_chance(r, 10)) raw->limit_memory_bytes = (uint64_t)rng_below(r, 64) << 27;
}

static void random_stream(struct rng *r, const struct weir_topo_machine *m, uint64_t bytes,
                          uint32_t share, struct weir_topo_stream *st)
{
    st->mode = rng_chance(r, 45) ? WEIR_TOPO_EXCLUSIVE : WEIR_TOPO_SHARED;
    st->scope = (enum weir_topo_scope)rng_below(r, WEIR_TOPO_SCOPE_COUNT);
    if (rng_chance(r, 60))
        st->scope = rng_chance(r, 50) ? WEIR_TOPO_SCOPE_CORE : WEIR_TOPO_SCOPE_PU;
    st->milli_cu = rng_chance(r, 25) ? 0 : 1 + rng_below(r, rng_chance(r, 15) ? 4000 : 1500);
    if (rng_chance(r, 50)) {
        st->memory_mode = WEIR_TOPO_MEMORY_BYTES;
        st->bytes = bytes / share * (1 + rng_below(r, 16)) / 8 + rng_below(r, 5000);
    } else if (rng_chance(r, 60)) {
        st->memory_mode = WEIR_TOPO_MEMORY_RATIO;
        st->bytes = m->capacity_milli_cu
                        ? bytes / m->capacity_milli_cu * 1000 * (1 + rng_below(r, 12)) / 8 + 1
                        : 1;
    }
    if (rng_chance(r, 10)) st->tier = (enum weir_topo_tier)rng_below(r, WEIR_TOPO_TIER_COUNT);
    if (rng_chance(r, 12)) st->page_bytes = 2 << 20;
    st->device =
        rng_chance(r, 25) ? (enum weir_topo_device_want)rng_below(r, 3) : WEIR_TOPO_DEVICE_NONE;
    st->device_kind = rng_chance(r, 85) ? WEIR_TOPO_DEVICE_GPU : WEIR_TOPO_DEVICE_FPGA;
    st->device_units = rng_chance(r, 40) ? 1 + rng_below(r, 8) : 0;
    st->device_bytes = rng_chance(r, 30) ? (uint64_t)rng_below(r, 5) << 30 : 0;
    st->priority = rng_chance(r, 30) ? (int32_t)rng_below(r, 5) - 2 : 0;
}

struct weir_topo_demand *random_demand(struct rng *r, const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d;
    if (weir_topo_demand_new(&d, NULL)) abort();
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < m->pool_count; p++) bytes += m->pools[p].usable_bytes;
    uint32_t streams = 1 + rng_below(r, 4), many = rng_chance(r, 20) ? 24 : 6;
    for (uint32_t k = 0; k < streams; k++) {
        char name[16];
        snprintf(name, sizeof name, "s%u", k);
        struct weir_topo_stream st = weir_topo_stream_default(name, 1 + rng_below(r, many));
        random_stream(r, m, bytes, st.partitions * streams, &st);
        if (weir_topo_demand_add(d, &st, NULL)) abort();
    }
    return d;
}

static void *copy(const void *from, size_t bytes)
{
    if (!from) return NULL;
    void *to = need(malloc(bytes ? bytes : 1));
    memcpy(to, from, bytes);
    return to;
}

void copy_raw(const struct topo_raw *from, struct topo_raw *to)
{
    *to = *from;
    to->pus = copy(from->pus, from->pu_count * sizeof *from->pus);
    to->nodes = copy(from->nodes, from->node_count * sizeof *from->nodes);
    to->node_pu = copy(from->node_pu, (size_t)from->node_count * from->pu_count);
    to->node_distance = copy(from->node_distance, (size_t)from->node_count * from->node_count *
                                                      sizeof *from->node_distance);
    to->devices = copy(from->devices, from->device_count * sizeof *from->devices);
    for (uint32_t d = 0; d < from->device_count; d++)
        to->devices[d].near = copy(from->devices[d].near, from->pu_count);
    to->l3_bytes = copy(from->l3_bytes, from->pu_count * sizeof *from->l3_bytes);
}
