#ifndef WEIR_NATIVE_DD_H
#define WEIR_NATIVE_DD_H

#include <stdbool.h>

/* Double-double arithmetic: a number is the unevaluated sum hi + lo of two doubles (Dekker 1971;
   Ogita, Rump, Oishi, "Accurate sum and dot product", 2005). Relies on IEEE rounding to nearest
   without contraction (-ffp-contract=off). Once hi is infinite or NaN, lo means nothing. */

struct weir_dd {
    double hi, lo;
};

static inline bool dd_finite(double x)
{
    return x - x == 0;
}

/* a + b = s + e exactly (Knuth). */
static inline struct weir_dd dd_two_sum(double a, double b)
{
    double s = a + b, bb = s - a;
    return (struct weir_dd){s, (a - (s - bb)) + (b - bb)};
}

/* a * b = p + e exactly, by splitting (Dekker, Veltkamp): the same result with and without a fused
   multiply-add in hardware. e is 0 where the product overflows. */
static inline struct weir_dd dd_two_product(double a, double b)
{
    double p = a * b;
    if (!dd_finite(p) || a > 1e290 || a < -1e290 || b > 1e290 || b < -1e290)
        return (struct weir_dd){p, 0};
    double ca = 134217729.0 * a, ah = ca - (ca - a), al = a - ah;
    double cb = 134217729.0 * b, bh = cb - (cb - b), bl = b - bh;
    return (struct weir_dd){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

/* Running sum: x joins (hi, lo); lo gathers what rounding lost. */
static inline void dd_accumulate(struct weir_dd *sum, double x)
{
    struct weir_dd s = dd_two_sum(sum->hi, x);
    sum->hi = s.hi;
    sum->lo += s.lo;
}

/* The same with |lo| kept within half an ulp of hi, so that lo's own rounding stays at 2^-106 of
   the sum: for sums whose difference is wanted. */
static inline void dd_accumulate_normal(struct weir_dd *sum, double x, double x_lo)
{
    struct weir_dd s = dd_two_sum(sum->hi, x);
    double lo = sum->lo + (s.lo + x_lo);
    bool finite = dd_finite(s.hi);
    sum->hi = finite ? s.hi + lo : s.hi;
    sum->lo = finite ? lo - (sum->hi - s.hi) : 0;
}

static inline struct weir_dd dd_normal(double hi, double lo)
{
    double s = hi + lo;
    return (struct weir_dd){s, lo - (s - hi)}; /* |hi| >= |lo| */
}

static inline struct weir_dd dd_add(struct weir_dd a, struct weir_dd b)
{
    struct weir_dd s = dd_two_sum(a.hi, b.hi), t = dd_two_sum(a.lo, b.lo);
    s = dd_normal(s.hi, s.lo + t.hi);
    return dd_normal(s.hi, s.lo + t.lo);
}

static inline struct weir_dd dd_mul(struct weir_dd a, struct weir_dd b)
{
    struct weir_dd p = dd_two_product(a.hi, b.hi);
    return dd_normal(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct weir_dd dd_div(struct weir_dd a, struct weir_dd b)
{
    double q = a.hi / b.hi;
    struct weir_dd r = dd_mul(b, (struct weir_dd){q, 0});
    r = dd_add(a, (struct weir_dd){-r.hi, -r.lo});
    return dd_normal(q, r.hi / b.hi);
}

/* The double that (HI, LO) stands for. */
static inline double dd_value(double hi, double lo)
{
    return dd_finite(hi) ? hi + lo : hi;
}

#endif
