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
