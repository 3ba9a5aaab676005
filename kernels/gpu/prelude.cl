/* Kernels for GPUs: a work-item for each row, with the grid's stride, one status block for all.
   Nobody waits for anybody. */
#ifdef cl_khr_int64_base_atomics
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable
#endif

#define WK_FAIL(code)                                                                              \
    {                                                                                              \
        atomic_max(S + ST_ERROR, (uint)(code));                                                    \
        return;                                                                                    \
    }
#define WK_FULL(n)                                                                                 \
    {                                                                                              \
        atomic_max(S + ST_FULL, (uint)(n));                                                        \
        return;                                                                                    \
    }

/* 128-bit sums: whoever carries over the low word adds one to the high word. */
#define WK_ATOMIC_SUM(lo, hi, x)                                                                   \
    {                                                                                              \
        ulong at_x = (ulong)(x), at_old = atom_add(lo, at_x);                                      \
        ulong at_up = (ulong)((long)(x) >> 63) + (at_old + at_x < at_old);                         \
        if (at_up) atom_add(hi, at_up);                                                            \
    }

/* *P = max(*P, X); 64-bit maxima belong to another extension. */
static inline void wk_atomic_max(volatile __global ulong *p, ulong x)
{
    ulong old = *p;
    while (old < x) {
        ulong seen = atom_cmpxchg(p, old, x);
        if (seen == old) return;
        old = seen;
    }
}
