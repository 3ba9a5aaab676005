/* The planner against trying everything: small machines, few shared partitions; remote bytes first,
 * then the largest load. */
#include "tests/topology/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CORES 6
#define MAX_ITEMS 7

struct small {
    uint32_t cores, domains, items, domain_of[MAX_CORES], capacity[MAX_CORES], milli_cu[MAX_ITEMS];
    uint64_t room[MAX_CORES], bytes[MAX_ITEMS];
};

static void random_small(struct rng *r, struct small *s, struct topo_raw *raw)
{
    memset(s, 0, sizeof *s);
    *raw = (struct topo_raw){.limit_milli_cu = UINT64_MAX, .limit_memory_bytes = UINT64_MAX};
    snprintf(raw->name, sizeof raw->name, "small");
    s->cores = 2 + rng_below(r, MAX_CORES - 1);
    s->domains = 1 + rng_below(r, s->cores < 3 ? s->cores : 3);
    s->items = 2 + rng_below(r, MAX_ITEMS - 1);
    raw->pu_count = s->cores;
    raw->node_count = s->domains;
    raw->pus = calloc(s->cores, sizeof *raw->pus);
    raw->nodes = calloc(s->domains, sizeof *raw->nodes);
    raw->node_pu = calloc((size_t)s->domains * s->cores, 1);
    if (!raw->pus || !raw->nodes || !raw->node_pu) abort();
    bool hybrid = rng_chance(r, 30);
    for (uint32_t c = 0; c < s->cores; c++) {
        s->domain_of[c] = c < s->domains ? c : rng_below(r, s->domains);
        s->capacity[c] = hybrid && rng_chance(r, 50) ? 600 : 1000;
        raw->pus[c] =
            (struct topo_raw_pu){c, c, s->domain_of[c], 0, s->capacity[c], true, false, false};
        raw->node_pu[(size_t)s->domain_of[c] * s->cores + c] = 1;
    }
    uint64_t all = 0, room = 0;
    for (uint32_t d = 0; d < s->domains; d++)
        room += s->room[d] = (uint64_t)(1 + rng_below(r, 32)) << 20;
    for (uint32_t i = 0; i < s->items; i++) {
        s->milli_cu[i] = 50 + rng_below(r, 550);
        s->bytes[i] = (uint64_t)rng_below(r, (uint32_t)(room / s->items >> 12) + 1) << 12;
        all += s->bytes[i];
    }
    if (all > room) s->bytes[0] = 0;
    for (uint32_t d = 0; d < s->domains; d++)
        raw->nodes[d] = (struct topo_raw_node){.os = d, .allowed = true, .bytes = s->room[d]};
}

struct answer {
    uint64_t remote, load_ppm;
};

static void try_all(const struct small *s, uint32_t item, uint32_t *core, struct answer *best)
{
    if (item < s->items) {
        for (uint32_t c = 0; c < s->cores; c++) {
            core[item] = c;
            try_all(s, item + 1, core, best);
        }
        return;
    }
    uint64_t load[MAX_CORES] = {0}, need[MAX_CORES] = {0}, remote = 0, ppm = 0;
    for (uint32_t i = 0; i < s->items; i++) {
        load[core[i]] += s->milli_cu[i];
        need[s->domain_of[core[i]]] += s->bytes[i];
    }
    for (uint32_t d = 0; d < s->domains; d++)
        remote += need[d] > s->room[d] ? need[d] - s->room[d] : 0;
    for (uint32_t c = 0; c < s->cores; c++)
        if (load[c] * 1000000 / s->capacity[c] > ppm) ppm = load[c] * 1000000 / s->capacity[c];
    if (remote < best->remote || (remote == best->remote && ppm < best->load_ppm))
        *best = (struct answer){remote, ppm};
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 1500, wrong = 0, below = 0;
    for (uint64_t seed = 1; seed <= cases; seed++) {
        struct rng r = {seed};
        struct small s;
        struct topo_raw raw;
        struct weir_topo_machine *m;
        struct weir_topo_demand *d;
        struct weir_topo_plan *p;
        struct weir_topo_error err = {0};
        uint32_t core[MAX_ITEMS];
        random_small(&r, &s, &raw);
        if (topo_machine_build(&raw, &m, &err) || weir_topo_demand_new(&d, &err)) abort();
        for (uint32_t i = 0; i < s.items; i++) {
            char name[8];
            snprintf(name, sizeof name, "i%u", i);
            struct weir_topo_stream st = weir_topo_stream_default(name, 1);
            st.milli_cu = s.milli_cu[i];
            st.memory_mode = WEIR_TOPO_MEMORY_BYTES;
            st.bytes = s.bytes[i];
            if (weir_topo_demand_add(d, &st, &err)) abort();
        }
        if (weir_topo_plan_make(m, d, NULL, &p, &err)) {
            fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, err.message);
            return 1;
        }
        struct answer best = {UINT64_MAX, UINT64_MAX};
        try_all(&s, 0, core, &best);
        if (p->totals.rejected || p->totals.remote_bytes != best.remote ||
            p->totals.load_max_ppm != best.load_ppm) {
            if (++wrong <= 10)
                fprintf(stderr,
                        "seed %" PRIu64 ": planned %" PRIu64 " remote bytes, load %" PRIu64
                        "; best %" PRIu64 ", %" PRIu64 "\n",
                        seed, p->totals.remote_bytes, p->totals.load_max_ppm, best.remote,
                        best.load_ppm);
        }
        below += !best.remote &&
                 p->totals.load_bound_ppm > best.load_ppm; /* a lower bound that is none */
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
        weir_topo_machine_free(m);
        topo_raw_clear(&raw);
    }
    printf("%" PRIu64 " cases, %" PRIu64 " not the best, %" PRIu64 " bounds above the best\n",
           cases, wrong, below);
    return wrong || below ? 1 : 0;
}
