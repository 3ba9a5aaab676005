/* Sorting by 64-bit keys: least significant digit first, eleven bits at a time, stable, and without
   the passes over digits in which all keys agree. Ten thousand partitions take a fifth of a
   millisecond. */
#include "topology/plan.h"

#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     6
#define BUCKETS    (1u << DIGIT_BITS)
#define FEW        48 /* so many are inserted one by one: the tables would cost more */

bool topo_sort_keys(struct topo_key *keys, uint32_t n)
{
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++) sorted = keys[i - 1].key <= keys[i].key;
    if (sorted) return true;
    if (n <= FEW) {
        for (uint32_t i = 1; i < n; i++) {
            struct topo_key now = keys[i];
            uint32_t at = i;
            for (; at && keys[at - 1].key > now.key; at--) keys[at] = keys[at - 1];
            keys[at] = now;
        }
        return true;
    }
    struct topo_key *other = topo_calloc(n, sizeof *other), *from = keys, *to = other;
    uint32_t(*count)[BUCKETS] = topo_calloc(DIGITS, sizeof *count);
    if (!other || !count) {
        topo_free(other);
        topo_free(count);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        for (unsigned d = 0; d < DIGITS; d++)
            count[d][keys[i].key >> (d * DIGIT_BITS) & (BUCKETS - 1)]++;
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t shift = d * DIGIT_BITS, sum = 0;
        if (count[d][keys[0].key >> shift & (BUCKETS - 1)] == n) continue;
        for (uint32_t b = 0; b < BUCKETS; b++) {
            uint32_t here = count[d][b];
            count[d][b] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < n; i++)
            to[count[d][from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
        struct topo_key *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) memcpy(keys, from, n * sizeof *keys);
    topo_free(other);
    topo_free(count);
    return true;
}
