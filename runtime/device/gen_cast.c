/* CAST and TRY_CAST: what kernels/common can do exactly as native does. The value goes to r<reg>,
   an error to t<reg>. */
#include <stdio.h>

#include "runtime/device/gen_impl.h"

/* Smallest and largest value of an integer type. */
static const char *int_min(enum weir_phys p)
{
    return p == WEIR_PHYS_I8    ? "-128L"
           : p == WEIR_PHYS_I16 ? "-32768L"
           : p == WEIR_PHYS_I32 ? "-2147483648L"
                                : "LONG_MIN";
}
static const char *int_max(enum weir_phys p)
{
    return p == WEIR_PHYS_I8    ? "127L"
           : p == WEIR_PHYS_I16 ? "32767L"
           : p == WEIR_PHYS_I32 ? "2147483647L"
                                : "LONG_MAX";
}

static void check_int(struct gen *g, uint32_t r, enum weir_phys p)
{
    if (p != WEIR_PHYS_I64)
        gen_put(g, "if (r%u < %s || r%u > %s) t%u = WK_ERR_OVERFLOW;", r, int_min(p), r, int_max(p),
                r);
}

static void exact_to_integer(struct gen *g, uint32_t r, uint32_t a, struct weir_type from,
                             struct weir_type to)
{
    char unit[64];
    enum weir_phys p = weir_type_phys(to);
    if (weir_type_phys(from) == WEIR_PHYS_I128)
        gen_put(g, "long r%u = wk_dec128_to_i64(r%u, %s, &t%u);", r, a, gen_pow10(from.scale, unit),
                r);
    else
        gen_put(g, "long r%u = r%u / %lldL;", r, a, (long long)weir_pow10_i128[from.scale]);
    if (from.id == WEIR_TYPE_DECIMAL || to.id < from.id) check_int(g, r, p);
}

static void exact_to_decimal(struct gen *g, uint32_t r, uint32_t a, struct weir_type from,
                             struct weir_type to)
{
    int up = to.scale > from.scale ? to.scale - from.scale : 0;
    int down = from.scale > to.scale ? from.scale - to.scale : 0;
    bool wide_from = weir_type_phys(from) == WEIR_PHYS_I128;
    bool wide_to = weir_type_phys(to) == WEIR_PHYS_I128;
    char m[64], d[64], limit[96];
    if (!wide_from && !wide_to) {
        gen_put(g, "long r%u = wk_dec64_rescale(r%u, %lldL, %lldL, %lldL, &t%u);", r, a,
                (long long)weir_pow10_i128[up], (long long)weir_pow10_i128[down],
                (long long)(weir_pow10_i128[to.precision] - 1), r);
        return;
    }
    gen_limit(to.precision, limit);
    gen_put(g, "%s r%u = %s(wk_dec128_rescale(%s(r%u), %s, %s, %s, &t%u));",
            wide_to ? "wk_i128" : "long", r, wide_to ? "" : "(long)wk_i128_lo",
            wide_from ? "" : "wk_i128_from", a, gen_pow10(up, m), gen_pow10(down, d), limit, r);
}

static bool decimal_to_double(struct gen *g, uint32_t r, uint32_t a, struct weir_type from)
{
    /* both numbers are doubles exactly, so the quotient is the nearest one */
    if (from.precision > 15) return false;
    gen_put(g, "double r%u = (double)r%u / 1e%d;", r, a, from.scale);
    return true;
}

static void float_to_integer(struct gen *g, uint32_t r, uint32_t a, enum weir_phys to)
{
    int bits = to == WEIR_PHYS_I8 ? 7 : to == WEIR_PHYS_I16 ? 15 : to == WEIR_PHYS_I32 ? 31 : 63;
    gen_put(g, "double q%u = trunc(r%u);", r, a);
    gen_put(g, "if (!(q%u >= -0x1p%d && q%u < 0x1p%d)) t%u = WK_ERR_OVERFLOW;", r, bits, r, bits,
            r);
    gen_put(g, "long r%u = t%u ? 0 : (long)q%u;", r, r, r);
}

/* DATE, TIME, TIMESTAMP; as runtime/native/cast_time.c. */
static bool between_times(struct gen *g, uint32_t r, uint32_t a, struct weir_type from,
                          struct weir_type to)
{
    bool from_ts = weir_type_is_timestamp(from), to_ts = weir_type_is_timestamp(to);
    int unit_ms = to.precision < 3 ? (int)weir_pow10_i128[3 - to.precision] : 1;
    if (from.id == WEIR_TYPE_DATE && to_ts)
        gen_put(g, "long r%u = wk_mul_i64(r%u, WK_US_DAY, &t%u);", r, a, r);
    else if (from_ts && to.id == WEIR_TYPE_DATE)
        gen_put(g, "long r%u = (int)wk_floor_div(r%u, WK_US_DAY);", r, a);
    else if (from_ts && to.id == WEIR_TYPE_TIME)
        gen_put(g, "long r%u = wk_floor_mod(r%u, WK_US_DAY) / 1000 / %d * %d;", r, a, unit_ms,
                unit_ms);
    else if (from.id == WEIR_TYPE_TIME && to.id == WEIR_TYPE_TIME)
        gen_put(g, "long r%u = r%u / %d * %d;", r, a, unit_ms, unit_ms);
    else if (from.id == WEIR_TYPE_TIME && to_ts)
        gen_put(g, "long r%u = r%u * 1000;", r, a);
    else if (from_ts && to_ts)
        gen_put(g, "long r%u = wk_sub_i64(r%u, wk_floor_mod(r%u, %lldL), &t%u);", r, a, a,
                (long long)weir_pow10_i128[6 - to.precision], r);
    else
        return false;
    return true;
}

static bool cast_body(struct gen *g, uint32_t r, uint32_t a, struct weir_type from,
                      struct weir_type to)
{
    enum weir_phys pf = weir_type_phys(from), pt = weir_type_phys(to);
    bool from_int = weir_type_is_integer(from), to_int = weir_type_is_integer(to);
    bool from_float = weir_type_is_float(from), to_float = weir_type_is_float(to);
    bool from_bool = pf == WEIR_PHYS_BOOL, to_bool = pt == WEIR_PHYS_BOOL;
    if (weir_type_is_exact(from) && to_int)
        exact_to_integer(g, r, a, from, to);
    else if (weir_type_is_exact(from) && to.id == WEIR_TYPE_DECIMAL)
        exact_to_decimal(g, r, a, from, to);
    else if (from.id == WEIR_TYPE_DECIMAL && pt == WEIR_PHYS_F64)
        return decimal_to_double(g, r, a, from);
    else if ((from_int || from_bool) && to_float)
        gen_put(g, "double r%u = (%s)r%u;", r, gen_ctype(pt), a);
    else if (from_float && to_float)
        gen_put(g, "double r%u = (%s)r%u;", r, gen_ctype(pt), a);
    else if (from_float && to_int)
        float_to_integer(g, r, a, pt);
    else if ((from_int || from_float) && to_bool)
        gen_put(g, "long r%u = r%u != 0;", r, a);
    else if (from_bool && (to_int || to_bool))
        gen_put(g, "long r%u = r%u;", r, a);
    else if (weir_type_is_text(from) && to.id == WEIR_TYPE_VARCHAR && to.length >= from.length)
        gen_put(g, "wk_s r%u = r%u;", r, a);
    else
        return between_times(g, r, a, from, to);
    return true;
}

void gen_cast(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    struct weir_type from = weir_pipe_insn(g->p)[in->a].type;
    char st[16], x[64], y[64], own[32];
    gen_put(g, "uchar t%u = 0;", r);
    if (!cast_body(g, r, in->a, from, in->type)) {
        gen_refuse(g, "CAST from %s to %s runs natively", weir_type_text(from, x, sizeof x),
                   weir_type_text(in->type, y, sizeof y));
        return;
    }
    snprintf(own, sizeof own, in->op == WEIR_OP_TRY_CAST ? "(uchar)(t%u ? 1 : 0)" : "t%u", r);
    if (g->may[in->a])
        gen_put_state(g, r, "wk_keep(%s, %s)", gen_state(g, in->a, st), own);
    else
        gen_put_state(g, r, "%s", own);
}
