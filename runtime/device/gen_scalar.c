/* Scalar code: one row, one instruction at a time, with the helpers of kernels/common. Integers of
   every width and booleans are `long`, FLOAT and DOUBLE `double` (FLOAT rounded after each
   operation), strings wk_s. */
#include "runtime/device/gen_impl.h"

#include <stdio.h>
#include <string.h>

const char *gen_suffix(enum weir_phys p)
{
    static const char *const s[] = {
        [WEIR_PHYS_BOOL] = "bool", [WEIR_PHYS_I8] = "i8",   [WEIR_PHYS_I16] = "i16",
        [WEIR_PHYS_I32] = "i32",   [WEIR_PHYS_I64] = "i64", [WEIR_PHYS_I128] = "i128",
        [WEIR_PHYS_F32] = "f32",   [WEIR_PHYS_F64] = "f64", [WEIR_PHYS_STR] = "str"};
    return s[p];
}

const char *gen_ctype(enum weir_phys p)
{
    static const char *const s[] = {
        [WEIR_PHYS_BOOL] = "uchar", [WEIR_PHYS_I8] = "char",    [WEIR_PHYS_I16] = "short",
        [WEIR_PHYS_I32] = "int",    [WEIR_PHYS_I64] = "long",   [WEIR_PHYS_I128] = "ulong2",
        [WEIR_PHYS_F32] = "float",  [WEIR_PHYS_F64] = "double", [WEIR_PHYS_STR] = "int"};
    return s[p];
}

static bool is_float(enum weir_phys p)
{
    return p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64;
}

static const struct weir_insn *insn(const struct gen *g, uint32_t reg)
{
    return weir_pipe_insn(g->p) + reg;
}
static enum weir_phys phys(const struct gen *g, uint32_t reg)
{
    return weir_type_phys(insn(g, reg)->type);
}

const char *gen_kind(enum weir_phys p)
{
    return p == WEIR_PHYS_STR    ? "wk_s"
           : p == WEIR_PHYS_I128 ? "wk_i128"
           : is_float(p)         ? "double"
                                 : "long";
}

const char *gen_state(struct gen *g, uint32_t reg, char buf[16])
{
    if (!g->may[reg]) return "0";
    snprintf(buf, 16, "s%u", reg);
    return buf;
}

/* "uchar s<r> = STATE" only when it can matter. */
void gen_put_state(struct gen *g, uint32_t r, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    g->may[r] = strcmp(text, "0") != 0;
    if (g->may[r]) gen_put(g, "uchar s%u = %s;", r, text);
}

void gen_strict(struct gen *g, uint32_t a, uint32_t b, char out[64])
{
    char x[16];
    if (g->may[a] && g->may[b])
        snprintf(out, 64, "wk_strict(s%u, s%u)", a, b);
    else
        snprintf(out, 64, "%s", gen_state(g, g->may[b] ? b : a, x));
}

static bool left_joined(const struct gen *g, int table)
{
    const struct weir_step *s = weir_pipe_step(g->p);
    for (uint32_t i = 0; i < g->p->n_steps; i++)
        if (s[i].kind == WEIR_STEP_PROBE && s[i].table == table) return s[i].join == WEIR_JOIN_LEFT;
    return false;
}

static void column(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    enum weir_phys p = weir_type_phys(in->type);
    bool tab = in->table > 0;
    int a = tab ? in->table - 1 : (int)in->a, b = tab ? (int)in->a : 0;
    char idx[16], v[32], n[32], d[32];
    if (tab)
        snprintf(idx, sizeof idx, "j%d", a);
    else
        snprintf(idx, sizeof idx, "row");
    gen_arg_name(g, tab ? GEN_TAB_VALUES : GEN_IN_VALUES, a, b, v);
    struct weir_type stored =
        tab ? weir_pipe_type(g->p)[weir_pipe_table(g->p)[a].first_type + in->a]
            : weir_pipe_input(g->p)[in->a];
    bool absent = tab && left_joined(g, a); /* there may be no build row */
    char present[48] = "";
    if (absent) snprintf(present, sizeof present, "j%d == 0xffffffffu ? ", a);
    if (stored.nullable || absent) {
        char valid[128] = "0";
        if (stored.nullable) {
            gen_arg_name(g, tab ? GEN_TAB_VALID : GEN_IN_VALID, a, b, n);
            snprintf(valid, sizeof valid, "(uchar)(%s && !WK_BIT(%s, %s))", n, n, idx);
        }
        gen_put_state(g, r, "%s%s%s", present, absent ? "(uchar)1 : " : "", valid);
    } else {
        g->may[r] = 0;
    }
    const char *guard = absent ? present : "", *zero = absent ? "0 : " : "";
    if (p == WEIR_PHYS_STR) {
        gen_arg_name(g, tab ? GEN_TAB_BYTES : GEN_IN_BYTES, a, b, d);
        int space = gen_space_number(g, tab ? GEN_TAB_BYTES : GEN_IN_BYTES, a, b);
        if (absent)
            gen_put(g, "uint i%u = j%d == 0xffffffffu ? 0 : j%d;", r, a, a),
                snprintf(idx, sizeof idx, "i%u", r);
        gen_put(g, "wk_s r%u = {%s + %s[%s], (uint)(%s[%s + 1] - %s[%s]), %du};", r, d, v, idx, v,
                idx, v, idx, space);
        if (absent) gen_put(g, "if (s%u) r%u.len = 0;", r, r);
    } else if (p == WEIR_PHYS_I128) {
        if (absent)
            gen_put(g, "uint i%u = j%d == 0xffffffffu ? 0 : j%d;", r, a, a),
                snprintf(idx, sizeof idx, "i%u", r);
        gen_put(g, "wk_i128 r%u = wk_i128_make((long)%s[%s].y, %s[%s].x);", r, v, idx, v, idx);
    } else if (p == WEIR_PHYS_BOOL) {
        gen_put(g, "long r%u = %s%sWK_BIT(%s, %s);", r, guard, zero, v, idx);
    } else {
        gen_put(g, "%s r%u = %s%s%s[%s];", gen_kind(p), r, guard, zero, v, idx);
    }
}

static void constant(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    const struct weir_const *c = weir_pipe_const(g->p) + in->a;
    enum weir_phys p = weir_type_phys(in->type);
    uint32_t at = g->const_at[in->a];
    char k[32], d[32];
    gen_arg_name(g, GEN_CONSTS, 0, 0, k);
    gen_put_state(g, r, "%s", c->is_null ? "1" : "0");
    if (p == WEIR_PHYS_STR) {
        gen_arg_name(g, GEN_CONST_BYTES, 0, 0, d);
        gen_put(g, "wk_s r%u = {%s + %s[%u], (uint)%s[%u], %du};", r, d, k, at, k, at + 1,
                gen_space_number(g, GEN_CONST_BYTES, 0, 0));
    } else if (p == WEIR_PHYS_I128) {
        gen_put(g, "wk_i128 r%u = wk_i128_make((long)%s[%u], %s[%u]);", r, k, at + 1, k, at);
    } else if (is_float(p)) {
        gen_put(g, "double r%u = as_double(%s[%u]);", r, k, at);
    } else {
        gen_put(g, "long r%u = (long)%s[%u];", r, k, at);
    }
}

/* A helper of kernels/common over one or two operands of REG's type that leaves its error in t<r>.
 */
static void helper(struct gen *g, uint32_t r, const char *name, uint32_t a, const uint32_t *b)
{
    const struct weir_insn *in = insn(g, r);
    enum weir_phys p = weir_type_phys(in->type);
    const char *sfx = gen_suffix(p), *ct = gen_ctype(p);
    char st[64] = "0", x[16];
    if (b)
        gen_strict(g, a, *b, st);
    else
        snprintf(st, sizeof st, "%s", gen_state(g, a, x));
    gen_put(g, "uchar t%u = 0;", r);
    if (b)
        gen_put(g, "%s r%u = wk_%s_%s((%s)r%u, (%s)r%u, &t%u);", gen_kind(p), r, name, sfx, ct, a,
                ct, *b, r);
    else
        gen_put(g, "%s r%u = wk_%s_%s((%s)r%u, &t%u);", gen_kind(p), r, name, sfx, ct, a, r);
    if (is_float(p))
        gen_put_state(g, r, "%s", st);
    else if (!strcmp(st, "0"))
        gen_put_state(g, r, "t%u", r);
    else
        gen_put_state(g, r, "wk_keep(%s, t%u)", st, r);
}

static void arithmetic(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    static const char *const name[] = {
        [WEIR_OP_ADD] = "add", [WEIR_OP_SUB] = "sub", [WEIR_OP_MUL] = "mul",
        [WEIR_OP_DIV] = "div", [WEIR_OP_MOD] = "mod", [WEIR_OP_NEG] = "neg"};
    if (in->type.id == WEIR_TYPE_DECIMAL) {
        gen_decimal(g, r, in);
        return;
    }
    helper(g, r, name[in->op], in->a, in->op == WEIR_OP_NEG ? NULL : &in->b);
}

static void comparison(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    static const char *const name[] = {
        [WEIR_OP_EQ] = "eq", [WEIR_OP_NE] = "ne", [WEIR_OP_LT] = "lt",
        [WEIR_OP_LE] = "le", [WEIR_OP_GT] = "gt", [WEIR_OP_GE] = "ge"};
    static const char *const sign[] = {
        [WEIR_OP_EQ] = "==", [WEIR_OP_NE] = "!=", [WEIR_OP_LT] = "<",
        [WEIR_OP_LE] = "<=", [WEIR_OP_GT] = ">",  [WEIR_OP_GE] = ">="};
    enum weir_phys p = phys(g, in->a);
    char st[64];
    gen_strict(g, in->a, in->b, st);
    if (p == WEIR_PHYS_STR && in->op == WEIR_OP_EQ)
        gen_put(g, "long r%u = wk_eq_s(r%u, r%u);", r, in->a, in->b);
    else if (p == WEIR_PHYS_STR && in->op == WEIR_OP_NE)
        gen_put(g, "long r%u = !wk_eq_s(r%u, r%u);", r, in->a, in->b);
    else if (p == WEIR_PHYS_STR)
        gen_put(g, "long r%u = wk_cmp_s(r%u, r%u) %s 0;", r, in->a, in->b, sign[in->op]);
    else if (is_float(p) || p == WEIR_PHYS_I128)
        gen_put(g, "long r%u = wk_%s_%s(r%u, r%u);", r, name[in->op], is_float(p) ? "f64" : "i128",
                in->a, in->b);
    else
        gen_put(g, "long r%u = r%u %s r%u;", r, in->a, sign[in->op], in->b);
    gen_put_state(g, r, "%s", st);
}

static void logic(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    char a[16], b[16];
    const char *sa = gen_state(g, in->a, a),
               *sb = in->op == WEIR_OP_AND || in->op == WEIR_OP_OR ? gen_state(g, in->b, b) : "0";
    switch (in->op) {
    case WEIR_OP_AND:
    case WEIR_OP_OR: {
        const char *name = in->op == WEIR_OP_AND ? "and" : "or";
        gen_put(g, "long r%u = r%u %c r%u;", r, in->a, in->op == WEIR_OP_AND ? '&' : '|', in->b);
        if (g->may[in->a] || g->may[in->b]) {
            gen_put_state(g, r, "wk_%s_state((uchar)r%u, %s, (uchar)r%u, %s)", name, in->a, sa,
                          in->b, sb);
            /* FALSE AND NULL is FALSE, TRUE OR NULL is TRUE, whatever stands under the NULL */
            gen_put(g, "if (!s%u) r%u = wk_%s(%s ? %d : (uchar)r%u, %s ? %d : (uchar)r%u);", r, r,
                    name, sa, in->op == WEIR_OP_AND, in->a, sb, in->op == WEIR_OP_AND, in->b);
        }
        return;
    }
    case WEIR_OP_NOT:
        gen_put(g, "long r%u = !r%u;", r, in->a);
        gen_put_state(g, r, "%s", sa);
        return;
    case WEIR_OP_IS_NULL: gen_put(g, "long r%u = wk_is_null(%s);", r, sa); break;
    default:
        gen_put(g, "long r%u = wk_is_%s((uchar)r%u, %s);", r,
                in->op == WEIR_OP_IS_TRUE ? "true" : "false", in->a, sa);
    }
    if (g->may[in->a])
        gen_put_state(g, r, "wk_is_state(%s)", sa);
    else
        g->may[r] = 0;
}

static void select3(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    char c[16], a[16], b[16];
    const char *sc = gen_state(g, in->a, c), *sa = gen_state(g, in->b, a),
               *sb = gen_state(g, in->c, b);
    gen_put(g, "%s r%u = wk_is_true((uchar)r%u, %s) ? r%u : r%u;",
            gen_kind(weir_type_phys(in->type)), r, in->a, sc, in->b, in->c);
    if (g->may[in->a] || g->may[in->b] || g->may[in->c])
        gen_put_state(g, r, "wk_select_state((uchar)r%u, %s, %s, %s)", in->a, sc, sa, sb);
    else
        g->may[r] = 0;
}

/* The list without its NULLs; a NULL in it turns "not found" into NULL. */
static void in_list(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    enum weir_phys p = phys(g, in->a);
    char k[32], d[32], st[16];
    bool null = false;
    gen_arg_name(g, GEN_CONSTS, 0, 0, k);
    gen_put(g, "long r%u = 0;", r);
    for (uint32_t i = 0; i < in->c;) {
        const struct weir_const *c = weir_pipe_const(g->p) + in->b + i;
        uint32_t n = 0, at = g->const_at[in->b + i];
        while (i + n < in->c && !c[n].is_null) n++;
        null = null || !n;
        i += n ? n : 1;
        if (!n) continue;
        gen_put(g, "for (uint q = 0; q < %uu && !r%u; q++) {", n, r);
        if (p == WEIR_PHYS_STR) {
            gen_arg_name(g, GEN_CONST_BYTES, 0, 0, d);
            gen_put(g, "wk_s c = {%s + %s[%u + 2 * q], (uint)%s[%u + 2 * q], 0};", d, k, at, k,
                    at + 1);
            gen_put(g, "r%u = wk_eq_s(r%u, c);", r, in->a);
        } else if (p == WEIR_PHYS_I128) {
            gen_put(g, "r%u = wk_eq_i128(r%u, wk_i128_make((long)%s[%u + 2 * q], %s[%u + 2 * q]));",
                    r, in->a, k, at + 1, k, at);
        } else if (is_float(p)) {
            gen_put(g, "r%u = wk_eq_f64(r%u, as_double(%s[%u + q]));", r, in->a, k, at);
        } else {
            gen_put(g, "r%u = r%u == (long)%s[%u + q];", r, in->a, k, at);
        }
        gen_put(g, "}");
    }
    const char *s = gen_state(g, in->a, st);
    if (null)
        gen_put_state(g, r, "wk_keep(%s, (uchar)!r%u)", s, r);
    else
        gen_put_state(g, r, "%s", s);
}

static void like(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    const struct weir_const *pattern = weir_pipe_const(g->p) + in->b;
    char k[32], d[32], st[16], esc[16] = "WK_NO_ESCAPE";
    if (in->c != WEIR_REG_NONE) {
        const struct weir_const *e = weir_pipe_const(g->p) + in->c;
        if (e->is_null || e->len != 1) {
            gen_refuse(g, "LIKE with this ESCAPE runs natively");
            return;
        }
        snprintf(esc, sizeof esc, "%uu", (unsigned char)weir_pipe_bytes(g->p)[e->off]);
    }
    if (pattern->is_null) {
        gen_refuse(g, "LIKE NULL runs natively");
        return;
    }
    gen_arg_name(g, GEN_CONSTS, 0, 0, k);
    gen_arg_name(g, GEN_CONST_BYTES, 0, 0, d);
    uint32_t at = g->const_at[in->b];
    const char *s = gen_state(g, in->a, st);
    gen_put(g, "long r%u = %s ? 0 : wk_like(r%u.p, r%u.len, %s + %s[%u], (uint)%s[%u], %s);", r, s,
            in->a, in->a, d, k, at, k, at + 1, esc);
    gen_put_state(g, r, "%s", s);
}

/* The helpers of kernels/common/date.h are named by what they take apart; NULL: no time. */
static const char *time_suffix(uint8_t type)
{
    switch (type) {
    case WEIR_TYPE_DATE: return "date";
    case WEIR_TYPE_TIME: return "time";
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ: return "ts";
    default: return NULL;
    }
}

/* Functions of one argument with a helper in kernels/common: of numbers to the same type, or of a
   text or a time to an integer. */
static void call(struct gen *g, uint32_t r, const struct weir_insn *in)
{
    const struct weir_function *f = weir_function_at(in->fn);
    uint32_t a = in->b ? weir_pipe_operand(g->p)[in->a] : 0;
    enum weir_phys p = weir_type_phys(in->type);
    char st[16];
    bool same = in->b == 1 && phys(g, a) == p && p != WEIR_PHYS_I128 &&
                weir_type_is_numeric(in->type) && in->type.id != WEIR_TYPE_DECIMAL;
    bool text = in->b == 1 && phys(g, a) == WEIR_PHYS_STR && weir_type_is_integer(in->type);
    const char *time =
        in->b == 1 && in->type.id == WEIR_TYPE_BIGINT ? time_suffix(insn(g, a)->type.id) : NULL;
    if (!f->device || f->volatile_ || (!same && !text && !time)) {
        gen_refuse(g, "the function %s runs natively", f->name);
        return;
    }
    if (same && !time) {
        helper(g, r, f->device + 3, a, NULL); /* "wk_abs" */
        return;
    }
    const char *s = gen_state(g, a, st);
    if (time)
        gen_put(g, "uchar t%u = 0; long r%u = %s ? 0 : %s_%s(r%u, &t%u);", r, r, s, f->device, time,
                a, r);
    else
        gen_put(g, "uchar t%u = 0; long r%u = %s ? 0 : %s_str(r%u.p, r%u.len, &t%u);", r, r, s,
                f->device, a, a, r);
    gen_put_state(g, r, "wk_keep(%s, t%u)", s, r);
}

static void emit(struct gen *g, uint32_t r)
{
    const struct weir_insn *in = insn(g, r);
    switch (in->op) {
    case WEIR_OP_COLUMN: column(g, r, in); return;
    case WEIR_OP_CONST: constant(g, r, in); return;
    case WEIR_OP_EXPAND:
        gen_put(g, "long r%u = x%u;", r, in->a);
        g->may[r] = 0;
        return;
    case WEIR_OP_AND:
    case WEIR_OP_OR:
    case WEIR_OP_NOT:
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE: logic(g, r, in); return;
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST: gen_cast(g, r, in); return;
    case WEIR_OP_SELECT: select3(g, r, in); return;
    case WEIR_OP_IN: in_list(g, r, in); return;
    case WEIR_OP_LIKE: like(g, r, in); return;
    case WEIR_OP_CALL: call(g, r, in); return;
    default:
        if (in->op >= WEIR_OP_EQ && in->op <= WEIR_OP_GE)
            comparison(g, r, in);
        else
            arithmetic(g, r, in);
    }
}

void gen_scalar(struct gen *g, uint32_t reg)
{
    if (g->scalar[reg] || g->refused) return;
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    int n = weir_insn_args(g->p, insn(g, reg), arg);
    for (int i = 0; i < n; i++) gen_scalar(g, arg[i]);
    if (g->refused) return;
    emit(g, reg);
    g->scalar[reg] = 1;
}
