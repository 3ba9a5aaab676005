/* Accumulators of the aggregate functions (words as in plan/pipeline.h), for one row and for eight
 * lanes. */
#include <string.h>

#include "runtime/device/gen_impl.h"

static enum weir_phys arg_phys(const struct weir_pipe_agg *a)
{
    return a->arg == WEIR_REG_NONE ? WEIR_PHYS_I64 : weir_type_phys(a->arg_type);
}

static bool is_float(enum weir_phys p)
{
    return p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
}
static bool is_sum(uint8_t fn)
{
    return fn == WEIR_AGG_SUM || fn == WEIR_AGG_AVG;
}

bool gen_agg_supported(struct gen *g, const struct weir_pipe_agg *a)
{
    enum weir_phys p = arg_phys(a);
    if (a->distinct)
        gen_refuse(g, "%s(DISTINCT) runs natively", weir_agg_name((enum weir_agg_fn)a->fn));
    else if ((a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX) && p == WEIR_PHYS_STR)
        gen_refuse(g, "%s of a text runs natively", weir_agg_name((enum weir_agg_fn)a->fn));
    else if (p == WEIR_PHYS_I128 && a->fn > WEIR_AGG_MAX)
        gen_refuse(g, "%s of a 128-bit DECIMAL runs natively",
                   weir_agg_name((enum weir_agg_fn)a->fn));
    return !g->refused;
}

/* ---- lanes ---- */

bool gen_agg_can_vector(const struct gen *g, const struct weir_pipe_agg *a)
{
    if (a->arg != WEIR_REG_NONE && !gen_can_vector(g, a->arg)) return false;
    if (a->filter != WEIR_REG_NONE && !gen_can_vector(g, a->filter)) return false;
    return a->fn <= WEIR_AGG_MAX;
}

void gen_agg_vector_declare(struct gen *g, uint32_t i)
{
    const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
    gen_put(g, "long8 n%u = (long8)(0L);", i);
    if (is_sum(a->fn) && is_float(arg_phys(a)))
        gen_put(g, "double8 h%u = (double8)(0.0), l%u = (double8)(0.0);", i, i);
    else if (is_sum(a->fn))
        gen_put(g, "long8 h%u = (long8)(0L), l%u = (long8)(0L);", i, i);
    else if (a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX)
        gen_put(g, "long8 h%u = (long8)(%s);", i, a->fn == WEIR_AGG_MIN ? "LONG_MAX" : "LONG_MIN");
}

void gen_agg_vector(struct gen *g, uint32_t i)
{
    const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
    char s[32];
    /* The values are computed before the braces, so that other aggregates can use them. */
    if (a->filter != WEIR_REG_NONE) gen_vector(g, a->filter);
    if (a->arg != WEIR_REG_NONE) gen_vector(g, a->arg);
    gen_put(g, "{ long8 m = mask;");
    if (a->filter != WEIR_REG_NONE) {
        if (g->vec[a->filter] & 2) {
            gen_put(g, "if (wk_any8((%s > 1L) & m)) WK_FAIL(WK_ERR_OVERFLOW)",
                    gen_vstate(g, a->filter, s));
            gen_put(g, "m &= %s == 0;", gen_vstate(g, a->filter, s));
        }
        gen_put(g, "m &= v%u != 0;", a->filter);
    }
    if (a->arg != WEIR_REG_NONE) {
        if (g->vec[a->arg] & 2) {
            gen_put(g, "if (wk_any8((%s > 1L) & m)) WK_FAIL(WK_ERR_OVERFLOW)",
                    gen_vstate(g, a->arg, s));
            gen_put(g, "m &= %s == 0;", gen_vstate(g, a->arg, s));
        }
    }
    gen_put(g, "n%u -= m;", i);
    if (is_sum(a->fn) && is_float(arg_phys(a))) {
        gen_put(g, "double8 x = select((double8)(0.0), v%u, m);", a->arg);
        gen_put(g, "WK_DD_ADD8(h%u, l%u, x)", i, i);
    } else if (is_sum(a->fn)) {
        gen_put(g, "long8 x = v%u & m; h%u += x >> 32; l%u += x & 0xffffffffL;", a->arg, i, i);
    } else if (a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX) {
        bool min = a->fn == WEIR_AGG_MIN, f = is_float(arg_phys(a));
        gen_put(g, "h%u = %s(h%u, select((long8)(%s), %sv%u%s, m));", i, min ? "min" : "max", i,
                min ? "LONG_MAX" : "LONG_MIN", f ? "wk_order_f64x8(" : "", a->arg, f ? ")" : "");
    }
    gen_put(g, "}");
}

/* Bring the lanes into the words A(WORD) …; the lanes are taken in order, so the result is the same
 * every time. */
void gen_agg_vector_end(struct gen *g, uint32_t i, uint32_t word)
{
    const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
    gen_put(g,
            "{ long n[8]; vstore8(n%u, 0, n); long nn = 0; for (int q = 0; q < 8; q++) nn += n[q];",
            i);
    if (is_sum(a->fn) && is_float(arg_phys(a))) {
        gen_put(g,
                "double h[8], l[8]; vstore8(h%u, 0, h); vstore8(l%u, 0, l); double hh = 0, ll = 0;",
                i, i);
        gen_put(g, "for (int q = 0; q < 8; q++) { WK_DD_ADD(hh, ll, h[q]) ll += l[q]; }");
        gen_put(g, "A(%u) = as_ulong(hh); A(%u) = as_ulong(ll); A(%u) = nn; }", word, word + 1,
                word + 2);
    } else if (is_sum(a->fn)) {
        gen_put(
            g,
            "long h[8], l[8]; vstore8(h%u, 0, h); vstore8(l%u, 0, l); ulong lo = 0; long hi = 0;",
            i, i);
        gen_put(g, "for (int q = 0; q < 8; q++) { ulong x = (ulong)h[q] << 32; lo += x; hi += "
                   "(h[q] >> 32) + (lo < x);"
                   " x = (ulong)l[q]; lo += x; hi += lo < x; }");
        gen_put(g, "A(%u) = lo; A(%u) = hi; A(%u) = nn; }", word, word + 1, word + 2);
    } else if (a->fn == WEIR_AGG_COUNT) {
        gen_put(g, "A(%u) = nn; }", word);
    } else {
        const char *cmp = a->fn == WEIR_AGG_MIN ? "<" : ">";
        gen_put(g,
                "long h[8]; vstore8(h%u, 0, h); long b = h[0]; for (int q = 1; q < 8; q++) if "
                "(h[q] %s b) b = h[q];",
                i, cmp);
        gen_put(g, "A(%u) = nn ? %s(b) : 0; A(%u) = nn; }", word,
                is_float(arg_phys(a)) ? "wk_f64_of_order" : "(ulong)", word + 1);
    }
}

/* ---- one row ---- */

static void scalar_sum(struct gen *g, const struct weir_pipe_agg *a, uint32_t w)
{
    if (arg_phys(a) == WEIR_PHYS_I128) {
        /* the top 24 bits of the count say how often the sum went round */
        gen_put(g, "wk_i128 o = wk_i128_make((long)A(%u), A(%u)), x = wk_i128_add(o, r%u);", w + 1,
                w, a->arg);
        gen_put(g,
                "if (wk_i128_is_neg(o) == wk_i128_is_neg(r%u) && wk_i128_is_neg(o) != "
                "wk_i128_is_neg(x)) A(%u) += (wk_i128_is_neg(o) ? ~0UL : 1UL) << 40;",
                a->arg, w + 2);
        gen_put(g, "A(%u) = wk_i128_lo(x); A(%u) = (ulong)wk_i128_hi(x);", w, w + 1);
    } else if (is_float(arg_phys(a))) {
        gen_put(g, "double hi = as_double(A(%u)), lo = as_double(A(%u));", w, w + 1);
        gen_put(g, "WK_DD_ADD(hi, lo, r%u) A(%u) = as_ulong(hi); A(%u) = as_ulong(lo);", a->arg, w,
                w + 1);
    } else {
        gen_put(g, "ulong x = (ulong)r%u, lo = A(%u) + x; A(%u) = lo;", a->arg, w, w);
        gen_put(g, "A(%u) += (ulong)(r%u >> 63) + (lo < x);", w + 1, a->arg);
    }
    gen_put(g, "A(%u)++;", w + 2);
}

static void scalar_extreme(struct gen *g, const struct weir_pipe_agg *a, uint32_t w)
{
    bool min = a->fn == WEIR_AGG_MIN;
    if (arg_phys(a) == WEIR_PHYS_I128) {
        gen_put(g,
                "if (!A(%u) || wk_%s_i128(r%u, wk_i128_make((long)A(%u), A(%u)))) { A(%u) = "
                "wk_i128_lo(r%u); A(%u) = (ulong)wk_i128_hi(r%u); }",
                w + 2, min ? "lt" : "gt", a->arg, w + 1, w, w, a->arg, w + 1, a->arg);
        gen_put(g, "A(%u)++;", w + 2);
        return;
    }
    if (is_float(arg_phys(a)))
        gen_put(g,
                "long x = wk_order_f64(r%u); if (!A(%u) || x %s wk_order_f64(as_double(A(%u)))) "
                "A(%u) = wk_f64_of_order(x);",
                a->arg, w + 1, min ? "<" : ">", w, w);
    else
        gen_put(g, "if (!A(%u) || r%u %s (long)A(%u)) A(%u) = (ulong)r%u;", w + 1, a->arg,
                min ? "<" : ">", w, w, a->arg);
    gen_put(g, "A(%u)++;", w + 1);
}

static void scalar_moments(struct gen *g, const struct weir_pipe_agg *a, uint32_t w)
{
    gen_put(g,
            "double hi = as_double(A(%u)), lo = as_double(A(%u)), h2 = as_double(A(%u)), l2 = "
            "as_double(A(%u));",
            w, w + 1, w + 2, w + 3);
    gen_put(g, "WK_DD_ADD(hi, lo, r%u)", a->arg);
    gen_put(g,
            "double sq = r%u * r%u, sq_lo = fma(r%u, r%u, -sq); WK_DD_ADD(h2, l2, sq) l2 += sq_lo;",
            a->arg, a->arg, a->arg, a->arg);
    gen_put(g,
            "A(%u) = as_ulong(hi); A(%u) = as_ulong(lo); A(%u) = as_ulong(h2); A(%u) = "
            "as_ulong(l2); A(%u)++;",
            w, w + 1, w + 2, w + 3, w + 4);
}

void gen_agg_scalar(struct gen *g, uint32_t i, uint32_t word)
{
    const struct weir_pipe_agg *a = weir_pipe_agg(g->p) + i;
    char s[16];
    /* The values are computed before the braces, so that other aggregates can use them. */
    if (a->filter != WEIR_REG_NONE) gen_scalar(g, a->filter);
    if (a->arg != WEIR_REG_NONE) gen_scalar(g, a->arg);
    if (g->refused) return;
    gen_put(g, "{");
    bool guarded = false;
    if (a->filter != WEIR_REG_NONE) {
        if (g->may[a->filter]) gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", a->filter, a->filter);
        gen_put(g, "if (!%s && r%u) {", gen_state(g, a->filter, s), a->filter);
        guarded = true;
    }
    if (a->arg != WEIR_REG_NONE && g->may[a->arg]) {
        gen_put(g, "if (s%u > 1) WK_FAIL(s%u)", a->arg, a->arg);
        gen_put(g, "if (!s%u) {", a->arg);
    } else {
        gen_put(g, "{");
    }
    if (a->fn == WEIR_AGG_COUNT)
        gen_put(g, "A(%u)++;", word);
    else if (is_sum(a->fn))
        scalar_sum(g, a, word);
    else if (a->fn == WEIR_AGG_MIN || a->fn == WEIR_AGG_MAX)
        scalar_extreme(g, a, word);
    else
        scalar_moments(g, a, word);
    gen_put(g, guarded ? "}}}" : "}}");
}
