/* What generated kernels of every device class are written in: strings, the status block, sums. The
   headers of this folder stand before this text, a class's own prelude behind it. */

/* The native operators round after every operation, so kernels do. */
#pragma OPENCL FP_CONTRACT OFF

/* A string: LEN bytes at P, which lie in buffer SPACE (a number of the generated table of bases).
 */
typedef struct {
    __global const uchar *p;
    uint len, space;
} wk_s;

#define WK_BIT(v, i) ((uchar)((v)[(i) >> 3] >> ((i)&7) & 1))

/* Every kernel ends by saying how it went: STATUS[8 * group + …]. */
#define ST_ROWS 0 /* rows or groups written */
#define ST_FULL                                                                                    \
    1 /* not 0: the output was too small, so many would have done so far; the batch is run again   \
       */
#define ST_ERROR 2 /* not 0: a value error decided something; the batch is handed back */
static inline int wk_cmp_s(wk_s a, wk_s b)
{
    uint n = a.len < b.len ? a.len : b.len;
    for (uint i = 0; i < n; i++)
        if (a.p[i] != b.p[i]) return a.p[i] < b.p[i] ? -1 : 1;
    return a.len < b.len ? -1 : a.len > b.len;
}

static inline uchar wk_eq_s(wk_s a, wk_s b)
{
    if (a.len != b.len) return 0;
    for (uint i = 0; i < a.len; i++)
        if (a.p[i] != b.p[i]) return 0;
    return 1;
}

/* hi + lo += x: TwoSum (Knuth), no branch. */
#define WK_DD_ADD(hi, lo, x)                                                                       \
    {                                                                                              \
        double dd_t = (hi) + (x), dd_b = dd_t - (hi);                                              \
        (lo) += ((hi) - (dd_t - dd_b)) + ((x)-dd_b);                                               \
        (hi) = dd_t;                                                                               \
    }
/* A double as an integer of the same order (-0 < 0, every NaN is the largest), and back: MIN and
 * MAX. */
static inline long wk_order_f64(double d)
{
    long bits = as_long(d != d ? as_double(0x7ff8000000000000UL) : d);
    return bits ^ (long)((ulong)(bits >> 63) >> 1);
}
static inline ulong wk_f64_of_order(long order)
{
    return (ulong)(order ^ (long)((ulong)(order >> 63) >> 1));
}
/* A DECIMAL as an integer, cut toward zero. */
static inline long wk_dec128_to_i64(wk_i128 a, wk_u128 unit, uchar *st)
{
    wk_u128 rem;
    wk_u256 q = wk_u256_div(wk_u256_from(wk_i128_abs(a)), unit, &rem);
    wk_i128 r = wk_u128_bits(wk_u256_low(q));
    if (wk_i128_is_neg(a)) r = wk_i128_neg(r);
    if (!wk_i128_is_i64(r)) *st = WK_ERR_OVERFLOW;
    return (long)wk_i128_lo(r);
}
