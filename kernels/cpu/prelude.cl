/* Kernels for CPU-type devices: vectors of eight lanes. Local size is 1: a work-group is one thread
   with one contiguous chunk of rows and a status block of its own. */

#define WK_FAIL(code)                                                                              \
    {                                                                                              \
        S[ST_ERROR] = (code);                                                                      \
        return;                                                                                    \
    }
#define WK_FULL(n)                                                                                 \
    {                                                                                              \
        S[ST_FULL] = (n);                                                                          \
        return;                                                                                    \
    }

/* P will be wanted soon. Only where the compiler certainly makes code of this machine of it. */
#if defined(__x86_64__) || defined(__aarch64__)
#define WK_PREFETCH(p) __builtin_prefetch((const void *)(size_t)(p));
#else
#define WK_PREFETCH(p)
#endif

#define WK_DD_ADD8(hi, lo, x)                                                                      \
    {                                                                                              \
        double8 dd_t = (hi) + (x), dd_b = dd_t - (hi);                                             \
        (lo) += ((hi) - (dd_t - dd_b)) + ((x)-dd_b);                                               \
        (hi) = dd_t;                                                                               \
    }

static inline long8 wk_order_f64x8(double8 d)
{
    long8 bits = select(as_long8(d), (long8)(0x7ff8000000000000L), d != d);
    return bits ^ as_long8(as_ulong8(bits >> 63) >> 1);
}

#define WK_LANES ((long8)(0, 1, 2, 3, 4, 5, 6, 7))

/* Is any lane not 0? any() is a chain of branches on some compilers. */
static inline int wk_any8(long8 m)
{
    long4 a = m.lo | m.hi;
    long2 b = a.lo | a.hi;
    return (b.x | b.y) != 0;
}

/* Bits I … I + 7 of a bitmap as lanes 0 or 1. */
static inline long8 wk_bits8(__global const uchar *v, uint i)
{
    uint b = v[i >> 3] >> (i & 7);
    if (i & 7) b |= (uint)v[(i >> 3) + 1] << (8 - (i & 7));
    return ((long8)((long)b) >> WK_LANES) & 1L;
}

/* States of eight rows from a validity bitmap that may be absent. */
static inline long8 wk_null8(__global const uchar *v, uint i)
{
    return v ? 1L - wk_bits8(v, i) : (long8)(0L);
}
