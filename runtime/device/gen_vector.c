/* Vector code: eight rows at once in explicit vector types, for what a CPU's vector units are good
   at: integers up to 64 bits and doubles, comparisons, logic. v<i> holds the values (long8 or
   double8; booleans 0 or 1), w<i> the states as lanes. Columns are loaded at `base`; `mask` tells
   which lanes are rows. */
#include <stdio.h>
#include <string.h>

#include "runtime/device/gen_impl.h"

static const struct weir_insn *insn(const struct gen *g, uint32_t reg)
{
    return weir_pipe_insn(g->p) + reg;
}
static bool is_float(enum weir_phys p)
{
    return p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
}
static enum weir_phys phys(const struct gen *g, uint32_t r)
{
    return weir_type_phys(insn(g, r)->type);
}

/* A product of decimals that cannot pass 64 bits by its operands' declared digits. */
static bool small_product(const struct gen *g, const struct weir_insn *in)
{
    struct weir_type a = insn(g, in->a)->type, b = insn(g, in->b)->type;
    return in->type.id == WEIR_TYPE_DECIMAL && a.precision + b.precision <= 18 &&
           a.scale + b.scale == in->type.scale;
}

static bool vector_op(const struct gen *g, const struct weir_insn *in)
{
    enum weir_phys p = weir_type_phys(in->type);
    if (p == WEIR_PHYS_STR || p == WEIR_PHYS_I128) return false;
    switch (in->op) {
    case WEIR_OP_COLUMN: return in->table == 0;
    case WEIR_OP_CONST: return !weir_pipe_const(g->p)[in->a].is_null;
    case WEIR_OP_ADD:
    case WEIR_OP_SUB: return p != WEIR_PHYS_F32;
    case WEIR_OP_MUL:
        return p == WEIR_PHYS_F64 || small_product(g, in) ||
               (weir_type_is_integer(in->type) && p != WEIR_PHYS_I64);
    case WEIR_OP_DIV: return p == WEIR_PHYS_F64;
    case WEIR_OP_EQ:
    case WEIR_OP_NE:
    case WEIR_OP_LT:
    case WEIR_OP_LE:
    case WEIR_OP_GT:
    case WEIR_OP_GE: return phys(g, in->a) != WEIR_PHYS_STR && phys(g, in->a) != WEIR_PHYS_I128;
    case WEIR_OP_AND:
    case WEIR_OP_OR:
    case WEIR_OP_NOT:
    case WEIR_OP_IS_NULL: return true;
    case WEIR_OP_CAST: {
        struct weir_type from = insn(g, in->a)->type;
        if (weir_type_is_integer(from) && p == WEIR_PHYS_F64) return true;
        if (weir_type_is_float(from) && p == WEIR_PHYS_F64) return true;
        return weir_type_is_integer(from) && weir_type_is_integer(in->type) &&
               in->type.id >= from.id;
    }
    default: return false;
    }
}

bool gen_can_vector(const struct gen *g, uint32_t reg)
{
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    if (!vector_op(g, insn(g, reg))) return false;
    int n = weir_insn_args(g->p, insn(g, reg), arg);
    for (int i = 0; i < n; i++)
        if (!gen_can_vector(g, arg[i])) return false;
    return true;
}

const char *gen_vstate(struct gen *g, uint32_t reg, char buf[32])
{
    if (!(g->vec[reg] & 2)) return "(long8)(0L)";
    snprintf(buf, 32, "w%u", reg);
    return buf;
}

static bool may(const struct gen *g, uint32_t reg)
{
    return g->vec[reg] & 2;
}

static void strict_state(struct gen *g, uint32_t r, uint32_t a, uint32_t b)
{
    if (may(g, a) && may(g, b))
        gen_put(g, "long8 w%u = max(w%u, w%u);", r, a, b);
    else if (may(g, a) || may(g, b))
        gen_put(g, "long8 w%u = w%u;", r, may(g, a) ? a : b);
    if (may(g, a) || may(g, b)) g->vec[r] |= 2;
}

/* An overflow where FAILED (a long8 mask) says so. */
static void own_error(struct gen *g, uint32_t r, const char *failed)
{
    if (g->vec[r] & 2)
        gen_put(g, "w%u = select(w%u, (long8)(WK_ERR_OVERFLOW), (w%u == 0) & (%s));", r, r, r,
                failed);
    else
        gen_put(g, "long8 w%u = (%s) & (long8)(WK_ERR_OVERFLOW);", r, failed);
    g->vec[r] |= 2;
}

static void column(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    enum weir_phys p = weir_type_phys(in->type);
    char v[32], n[32];
    gen_arg_name(g, GEN_IN_VALUES, (int)in->a, 0, v);
    if (p == WEIR_PHYS_BOOL)
        gen_put(g, "long8 v%u = wk_bits8(%s, base);", r, v);
    else if (p == WEIR_PHYS_I64 || p == WEIR_PHYS_F64)
        gen_put(g, "%s v%u = vload8(0, %s + base);", p == WEIR_PHYS_F64 ? "double8" : "long8", r,
                v);
    else
        gen_put(g, "%s8 v%u = convert_%s8(vload8(0, %s + base));",
                p == WEIR_PHYS_F32 ? "double" : "long", r, p == WEIR_PHYS_F32 ? "double" : "long",
                v);
    if (!weir_pipe_input(g->p)[in->a].nullable) return;
    gen_arg_name(g, GEN_IN_VALID, (int)in->a, 0, n);
    gen_put(g, "long8 w%u = wk_null8(%s, base);", r, n);
    g->vec[r] |= 2;
}

static void arithmetic(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    static const char sign[] = {
        [WEIR_OP_ADD] = '+', [WEIR_OP_SUB] = '-', [WEIR_OP_MUL] = '*', [WEIR_OP_DIV] = '/'};
    enum weir_phys p = weir_type_phys(in->type);
    strict_state(g, r, in->a, in->b);
    if (p == WEIR_PHYS_F64)
        gen_put(g, "double8 v%u = v%u %c v%u;", r, in->a, sign[in->op], in->b);
    else /* overflow wraps, and is seen below */
        gen_put(g, "long8 v%u = as_long8(as_ulong8(v%u) %c as_ulong8(v%u));", r, in->a,
                sign[in->op], in->b);
    if (p == WEIR_PHYS_F64 || small_product(g, in)) return;
    char failed[160];
    if (in->type.id == WEIR_TYPE_DECIMAL) {
        long long limit = (long long)(weir_pow10_i128[in->type.precision] - 1);
        snprintf(failed, sizeof failed, "(v%u > %lldL) | (v%u < -%lldL)", r, limit, r, limit);
    } else if (p == WEIR_PHYS_I64) {
        snprintf(failed, sizeof failed,
                 in->op == WEIR_OP_ADD ? "((v%u ^ v%u) & (v%u ^ v%u)) < 0"
                                       : "((v%u ^ v%u) & (v%u ^ v%u)) < 0",
                 in->a, in->op == WEIR_OP_ADD ? r : in->b, in->op == WEIR_OP_ADD ? in->b : in->a,
                 r);
    } else {
        int bits = p == WEIR_PHYS_I8 ? 7 : p == WEIR_PHYS_I16 ? 15 : 31;
        snprintf(failed, sizeof failed, "(v%u > %lldL) | (v%u < -%lldL)", r, (1LL << bits) - 1, r,
                 1LL << bits);
    }
    own_error(g, r, failed);
}

/* A register that is certainly no NaN: a constant, or what an integer became. */
static bool no_nan(const struct gen *g, uint32_t reg)
{
    const struct weir_insn *in = insn(g, reg);
    if (in->op == WEIR_OP_CAST) return weir_type_is_integer(insn(g, in->a)->type);
    if (in->op != WEIR_OP_CONST) return false;
    double d = weir_pipe_const(g->p)[in->a].f;
    return d == d;
}

static void compare_floats(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    uint32_t a = in->a, b = in->b;
    uint8_t op = in->op;
    if ((op == WEIR_OP_GT || op == WEIR_OP_GE) && no_nan(g, b)) { /* NaN is above: not (a <= b) */
        gen_put(g, "long8 v%u = 1L + (v%u %s v%u);", r, a, op == WEIR_OP_GT ? "<=" : "<", b);
        return;
    }
    if (op == WEIR_OP_GT || op == WEIR_OP_GE) {
        uint32_t t = a;
        a = b;
        b = t;
        op = op == WEIR_OP_GT ? WEIR_OP_LT : WEIR_OP_LE;
    }
    bool plain = no_nan(g, b) || ((op == WEIR_OP_EQ || op == WEIR_OP_NE) && no_nan(g, a));
    const char *sign = op == WEIR_OP_EQ   ? "=="
                       : op == WEIR_OP_NE ? "!="
                       : op == WEIR_OP_LT ? "<"
                                          : "<=";
    gen_put(g, "long8 v%u = -(v%u %s v%u);", r, a, sign, b);
    if (plain) return;
    if (op == WEIR_OP_EQ) gen_put(g, "v%u |= (v%u != v%u) & (v%u != v%u) & 1L;", r, a, a, b, b);
    if (op == WEIR_OP_NE) gen_put(g, "v%u &= ~((v%u != v%u) & (v%u != v%u));", r, a, a, b, b);
    if (op == WEIR_OP_LT) gen_put(g, "v%u |= (v%u == v%u) & (v%u != v%u) & 1L;", r, a, a, b, b);
    if (op == WEIR_OP_LE) gen_put(g, "v%u |= (v%u != v%u) & 1L;", r, b, b);
}

static void comparison(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    static const char *const sign[] = {
        [WEIR_OP_EQ] = "==", [WEIR_OP_NE] = "!=", [WEIR_OP_LT] = "<",
        [WEIR_OP_LE] = "<=", [WEIR_OP_GT] = ">",  [WEIR_OP_GE] = ">="};
    strict_state(g, r, in->a, in->b);
    if (is_float(phys(g, in->a)))
        compare_floats(g, r, in);
    else
        gen_put(g, "long8 v%u = -(v%u %s v%u);", r, in->a, sign[in->op], in->b);
}

static void and_or(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    bool and = in->op == WEIR_OP_AND;
    if (!may(g, in->a) && !may(g, in->b)) {
        gen_put(g, "long8 v%u = v%u %c v%u;", r, in->a, and? '&' : '|', in->b);
        return;
    }
    char a[32], b[32];
    const char *sa = gen_vstate(g, in->a, a), *sb = gen_vstate(g, in->b, b);
    /* decided: some valid operand is FALSE (AND) or TRUE (OR) */
    gen_put(g, "long8 d%u = ((%s == 0) & (v%u == %dL)) | ((%s == 0) & (v%u == %dL));", r, sa, in->a,
            !and, sb, in->b, !and);
    gen_put(g, "long8 w%u = ~d%u & max(%s, %s);", r, r, sa, sb);
    gen_put(g, "long8 v%u = select((long8)(%dL), (long8)(%dL), d%u);", r, and, !and, r);
    g->vec[r] |= 2;
}

static void emit(struct gen *g, uint32_t r)
{
    const struct weir_insn *in = insn(g, r);
    char k[32], s[32];
    switch (in->op) {
    case WEIR_OP_COLUMN: column(g, r, in); return;
    case WEIR_OP_CONST: {
        bool f = is_float(weir_type_phys(in->type));
        gen_arg_name(g, GEN_CONSTS, 0, 0, k);
        gen_put(g, "%s v%u = (%s)(%s%s[%u]%s);", f ? "double8" : "long8", r,
                f ? "double8" : "long8", f ? "as_double(" : "(long)", k, g->const_at[in->a],
                f ? ")" : "");
        return;
    }
    case WEIR_OP_AND:
    case WEIR_OP_OR: and_or(g, r, in); return;
    case WEIR_OP_NOT:
        gen_put(g, "long8 v%u = 1L - v%u;", r, in->a);
        strict_state(g, r, in->a, in->a);
        return;
    case WEIR_OP_IS_NULL:
        gen_put(g, "long8 v%u = -(%s == 1L);", r, gen_vstate(g, in->a, s));
        if (!may(g, in->a)) return;
        gen_put(g, "long8 w%u = select(w%u, (long8)(0L), w%u == 1L);", r, in->a, in->a);
        g->vec[r] |= 2;
        return;
    case WEIR_OP_CAST:
        if (is_float(weir_type_phys(in->type)) && !is_float(phys(g, in->a)))
            gen_put(g, "double8 v%u = convert_double8(v%u);", r, in->a);
        else
            gen_put(g, "%s v%u = v%u;", is_float(weir_type_phys(in->type)) ? "double8" : "long8", r,
                    in->a);
        strict_state(g, r, in->a, in->a);
        return;
    default:
        if (in->op >= WEIR_OP_EQ && in->op <= WEIR_OP_GE)
            comparison(g, r, in);
        else
            arithmetic(g, r, in);
    }
}

void gen_vector(struct gen *g, uint32_t reg)
{
    if (g->vec[reg] & 1) return;
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    int n = weir_insn_args(g->p, insn(g, reg), arg);
    for (int i = 0; i < n; i++) gen_vector(g, arg[i]);
    emit(g, reg);
    g->vec[reg] |= 1;
}
