/* A lower bound of the largest load ÷ capacity, so that a plan can say how far from perfect it can
   be at most.

   Two relaxations, the larger of them: work may be cut at will (total ÷ total capacity), and for
   the J largest items, taken all as small as the smallest of them (size s): they need J places, and
   a bin of capacity c holds floor(T c / s) of them under load T. The least T with enough places is
   found by bisection over T. J runs over the last index of every run of equal sizes, at most 128 of
   them. */
#include "topology/plan.h"

#define PPM UINT64_C(1000000)

static uint64_t ceil_div(unsigned __int128 a, uint64_t b)
{
    return (uint64_t)((a + b - 1) / b);
}

static uint64_t places(uint64_t t_ppm, uint32_t size, const uint32_t *capacity,
                       const uint32_t *counts, size_t kinds)
{
    uint64_t sum = 0;
    for (size_t k = 0; k < kinds; k++)
        sum += counts[k] * (uint64_t)((unsigned __int128)t_ppm * capacity[k] / (PPM * size));
    return sum;
}

static uint64_t bound_for(uint64_t need, uint32_t size, uint64_t lo, const uint32_t *capacity,
                          const uint32_t *counts, size_t kinds)
{
    if (places(lo, size, capacity, counts, kinds) >= need) return lo;
    uint64_t hi = lo ? lo * 2 : 1;
    while (places(hi, size, capacity, counts, kinds) < need) hi *= 2;
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (places(mid, size, capacity, counts, kinds) >= need)
            hi = mid;
        else
            lo = mid;
    }
    return lo; /* loads are rounded down to ppm, so the bound is too */
}

uint64_t topo_load_bound(const uint32_t *items, size_t item_count, const uint32_t *capacity,
                         const uint32_t *counts, size_t kinds)
{
    unsigned __int128 total = 0;
    uint64_t room = 0;
    for (size_t i = 0; i < item_count; i++) total += items[i];
    for (size_t k = 0; k < kinds; k++) room += (uint64_t)capacity[k] * counts[k];
    if (!room || !total) return 0;
    uint64_t bound = ceil_div(total * PPM, room);
    if (bound) bound--;
    size_t stride = item_count / 128 + 1, next = 0;
    for (size_t i = 0; i < item_count; i++) {
        bool last = i + 1 == item_count || items[i + 1] != items[i];
        if (!last || !items[i] || (i < next && i + 1 != item_count)) continue;
        bound = bound_for(i + 1, items[i], bound, capacity, counts, kinds);
        next = i + stride;
    }
    return bound;
}

/* milli-CU that BYTES can host: CPU and MEM are prefix sums in ascending order of bytes per
 * milli-CU. */
static uint64_t hostable(const uint64_t *cpu, const uint64_t *mem, size_t count, uint64_t bytes)
{
    size_t lo = 0, hi = count; /* the last prefix that fits */
    while (lo < hi) {
        size_t mid = hi - (hi - lo) / 2;
        if (mem[mid] <= bytes)
            lo = mid;
        else
            hi = mid - 1;
    }
    if (lo == count) return cpu[count];
    unsigned __int128 part = (unsigned __int128)(cpu[lo + 1] - cpu[lo]) * (bytes - mem[lo]);
    return cpu[lo] + (uint64_t)(part / (mem[lo + 1] - mem[lo])) + 1;
}

static bool enough(uint64_t t_ppm, uint64_t all, const uint64_t *host, const uint64_t *capacity,
                   size_t domains)
{
    unsigned __int128 sum = 0;
    for (size_t d = 0; d < domains; d++) {
        if (!capacity[d]) continue;
        unsigned __int128 carry = (unsigned __int128)capacity[d] * t_ppm / PPM + 1;
        sum += carry < host[d] ? carry : host[d];
    }
    return sum >= all;
}

uint64_t topo_local_load_bound(const struct topo_work *work, uint32_t count,
                               const uint64_t *capacity, const uint64_t *bytes, uint32_t domains)
{
    struct topo_key *keys = topo_calloc(count, sizeof *keys);
    uint64_t *cpu = topo_calloc((size_t)count + 1, sizeof *cpu),
             *mem = topo_calloc((size_t)count + 1, sizeof *mem);
    uint64_t *host = topo_calloc(domains, sizeof *host), lo = 0, hi = 1;
    bool ok = keys && cpu && mem && host;
    for (uint32_t i = 0; ok && i < count; i++) {
        double ratio = (double)work[i].bytes / (work[i].milli_cu ? work[i].milli_cu : 1) * 1024;
        keys[i] = (struct topo_key){ratio < 1e18 ? (uint64_t)ratio : (uint64_t)1e18, i};
    }
    ok = ok && topo_sort_keys(keys, count);
    for (uint32_t i = 0; ok && i < count; i++) {
        cpu[i + 1] = cpu[i] + work[keys[i].index].milli_cu;
        mem[i + 1] = mem[i] + work[keys[i].index].bytes;
    }
    uint64_t most = 0;
    for (uint32_t d = 0; ok && d < domains; d++) {
        host[d] = hostable(cpu, mem, count, bytes[d]);
        if (capacity[d]) most += host[d];
    }
    if (!ok || !cpu[count] || most < cpu[count])
        hi = 0; /* no memory, no work, or some bytes must be remote */
    while (hi && !enough(hi, cpu[count], host, capacity, domains) && hi < (UINT64_C(1) << 50)) {
        lo = hi;
        hi *= 2;
    }
    while (hi && hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (enough(mid, cpu[count], host, capacity, domains))
            hi = mid;
        else
            lo = mid;
    }
    topo_free(keys);
    topo_free(cpu);
    topo_free(mem);
    topo_free(host);
    return lo;
}
