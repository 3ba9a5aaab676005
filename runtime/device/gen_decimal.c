/* DECIMAL arithmetic, by the helpers of kernels/common/decimal.h; limits and powers of ten belong
   to the types, so they stand in the text. */
#include <stdio.h>

#include "runtime/device/gen_impl.h"

const char *gen_pow10(int k, char buf[64])
{
    weir_i128 v = weir_pow10_i128[k];
    snprintf(buf, 64, "wk_u128_make(%lluUL, %lluUL)", (unsigned long long)(v >> 64),
             (unsigned long long)v);
    return buf;
}

const char *gen_limit(int precision, char buf[96])
{
    weir_i128 v = weir_pow10_i128[precision] - 1;
    snprintf(buf, 96, "wk_i128_make(%lldL, %lluUL)", (long long)(v >> 64), (unsigned long long)v);
    return buf;
}

/* The powers of ten that bring the result to its scale; see wk_dec128_mul and wk_dec128_div. */
struct scales {
    char m1[64], m2[64], d1[64], d2[64];
};

static void make_scales(struct scales *s, const struct weir_insn *in, int sa, int sb)
{
    int drop = in->op == WEIR_OP_MUL ? sa + sb - in->type.scale : sa - sb - in->type.scale;
    int up = drop < 0 ? -drop : 0;
    if (drop < 0) drop = 0;
    int d2 = drop < 38 ? drop : 38, m1 = up < 38 ? up : 38;
    gen_pow10(d2, s->d2);
    gen_pow10(drop - d2, s->d1);
    gen_pow10(m1, s->m1);
    gen_pow10(up - m1, s->m2);
}

void gen_decimal(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    const struct weir_insn *all = weir_pipe_insn(g->p);
    bool wide = weir_type_phys(in->type) == WEIR_PHYS_I128;
    bool unary = in->op == WEIR_OP_NEG;
    const char *t = wide ? "wk_i128" : "long", *w = wide ? "128" : "64";
    char limit[96], st[64], x[16];
    struct scales s;
    if (weir_type_phys(all[in->a].type) != weir_type_phys(in->type) ||
        (!unary && weir_type_phys(all[in->b].type) != weir_type_phys(in->type))) {
        gen_refuse(g, "arithmetic on DECIMALs of unequal width runs natively");
        return;
    }
    if (unary)
        snprintf(st, sizeof st, "%s", gen_state(g, in->a, x));
    else
        gen_strict(g, in->a, in->b, st);
    if (wide)
        gen_limit(in->type.precision, limit);
    else
        snprintf(limit, sizeof limit, "%lldL",
                 (long long)(weir_pow10_i128[in->type.precision] - 1));
    if (in->op == WEIR_OP_MUL || in->op == WEIR_OP_DIV)
        make_scales(&s, in, all[in->a].type.scale, all[in->b].type.scale);
    gen_put(g, "uchar t%u = 0;", r);
    switch (in->op) {
    case WEIR_OP_ADD:
    case WEIR_OP_SUB:
        gen_put(g, "%s r%u = wk_dec%s_%s(r%u, r%u, %s, &t%u);", t, r, w,
                in->op == WEIR_OP_ADD ? "add" : "sub", in->a, in->b, limit, r);
        break;
    case WEIR_OP_MUL:
        gen_put(g, "%s r%u = wk_dec%s_mul(r%u, r%u, %s, %s, %s, &t%u);", t, r, w, in->a, in->b,
                s.d1, s.d2, limit, r);
        break;
    case WEIR_OP_DIV:
        gen_put(g, "%s r%u = wk_dec%s_div(r%u, r%u, %s, %s, %s, %s, &t%u);", t, r, w, in->a, in->b,
                s.m1, s.m2, s.d2, limit, r);
        break;
    case WEIR_OP_MOD:
        gen_put(g,
                wide ? "%s r%u = wk_dec128_mod(r%u, r%u, &t%u);"
                     : "%s r%u = wk_mod_i64(r%u, r%u, &t%u);",
                t, r, in->a, in->b, r);
        break;
    default:
        gen_put(g, "%s r%u = wk_dec%s_sub(%s, r%u, %s, &t%u);", t, r, w,
                wide ? "wk_i128_from(0)" : "0", in->a, limit, r);
    }
    if (!g->may[in->a] && (unary || !g->may[in->b]))
        gen_put_state(g, r, "t%u", r);
    else
        gen_put_state(g, r, "wk_keep(%s, t%u)", st, r);
}
