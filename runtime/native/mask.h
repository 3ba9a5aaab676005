#ifndef WEIR_NATIVE_MASK_H
#define WEIR_NATIVE_MASK_H

#include "runtime/plan/pipeline.h"

/* Comparisons of up to 64 rows as the bits of one word. */

#define MASK_ROWS 64

/* Bit i (i < N <= 64) is set when a[i] OP b[i], a[i] OP *b or b[0] <= a[i] <= b[1] is TRUE, by the
   function that was asked for; the bits from N on are clear. Constants are not NaN. */
typedef uint64_t (*mask_fn)(const void *a, const void *b, uint32_t n);

/* For values of PHYS (not BOOL, not STR); CONSTANT: B is one value. NULL: there is none. WIDE: with
   AVX-512 where there is such a version, which needs mask_has_wide(). */
mask_fn mask_compare_of(bool wide, int op, enum weir_phys phys, bool constant);
mask_fn mask_range_of(bool wide, enum weir_phys phys);
bool mask_has_wide(void);

/* Bit i is set when BYTE[i] (i < N <= 64) is not zero. */
uint64_t mask_of_bytes(const uint8_t *byte, uint32_t n);

static inline uint64_t mask_first(uint32_t n)
{
    return n < MASK_ROWS ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

#endif
