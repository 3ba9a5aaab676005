/* The pipelines are few and each holds many operators: every one costs a build of the device's
   compiler. */
#include "maker.h"

#include <math.h>
#include <string.h>

#include "data.h"

/* ---- expressions ---- */

static struct weir_pipeline *arithmetic(struct pipe_case *pc)
{
    static const int column[] = {IN_I8, IN_I16, IN_I32, IN_I64, IN_F32, IN_F64};
    struct maker m;
    (void)pc;
    begin(&m);
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) {
        uint32_t a = m.in[column[i]];
        struct weir_type t = type_of(&m, a);
        bool f = weir_type_is_float(t);
        uint32_t two = f ? konst(&m, (struct weir_value){.type = t, .f = 3}) : kint(&m, t, 3);
        uint32_t b = op(&m, WEIR_OP_SUB, t, a, two, 0);
        uint32_t zero = f ? konst(&m, (struct weir_value){.type = t, .f = 0}) : kint(&m, t, 0);
        uint32_t nz = test(&m, WEIR_OP_NE, b, zero);
        out(&m, op(&m, WEIR_OP_ADD, t, a, b, 0));
        out(&m, op(&m, WEIR_OP_MUL, t, f || column[i] == IN_I64 ? a : two, b, 0));
        out(&m, op(&m, WEIR_OP_SELECT, t, nz, op(&m, WEIR_OP_DIV, t, two, b, 0), a));
        if (!f) out(&m, op(&m, WEIR_OP_SELECT, t, nz, op(&m, WEIR_OP_MOD, t, a, b, 0), a));
        out(&m, op(&m, WEIR_OP_NEG, t, a, 0, 0));
        uint32_t arg = a;
        struct weir_insn in = {.op = WEIR_OP_CALL, .type = t};
        in.fn =
            (uint16_t)weir_function_index(weir_function_find(i % 2 ? "ABS" : "SIGN", 3 + !(i % 2)));
        out(&m, weir_pipe_emit_call(m.b, &in, 1, &arg));
    }
    struct weir_type wide = weir_type_decimal(18, 2), prod = weir_type_decimal(18, 4);
    uint32_t d = m.in[IN_DEC], e = op(&m, WEIR_OP_CAST, wide, d, 0, 0);
    out(&m, op(&m, WEIR_OP_ADD, wide, e, e, 0));
    out(&m, op(&m, WEIR_OP_SUB, wide, e, op(&m, WEIR_OP_NEG, wide, e, 0, 0), 0));
    out(&m, op(&m, WEIR_OP_MUL, prod, d, m.in[IN_NN_DEC], 0));
    return end(&m, WEIR_STEP_OUTPUT);
}

static uint32_t in_list(struct maker *m, uint32_t a, int n, const struct weir_value *v)
{
    /* by way of an expression: constants of a list stand one behind the other */
    struct weir_expr column = {.op = WEIR_OP_COLUMN, .type = type_of(m, a), .column = 0};
    struct weir_expr item[8] = {{0}}, *arg[9] = {&column};
    struct weir_expr e = {
        .op = WEIR_OP_IN, .n_args = (uint16_t)(n + 1), .type = boolean(), .arg = arg};
    for (int i = 0; i < n; i++) {
        item[i] = (struct weir_expr){.op = WEIR_OP_CONST, .type = v[i].type, .value = v[i]};
        arg[i + 1] = &item[i];
    }
    return weir_pipe_emit_expr(m->b, &e, &a);
}
static uint32_t like(struct maker *m, uint32_t a, const char *pattern, const char *escape)
{
    struct weir_value p = text(pattern), k = text(escape ? escape : "");
    struct weir_expr column = {.op = WEIR_OP_COLUMN, .type = type_of(m, a), .column = 0};
    struct weir_expr pe = {.op = WEIR_OP_CONST, .type = p.type, .value = p};
    struct weir_expr ke = {.op = WEIR_OP_CONST, .type = k.type, .value = k};
    struct weir_expr *arg[3] = {&column, &pe, &ke};
    struct weir_expr e = {
        .op = WEIR_OP_LIKE, .n_args = escape ? 3 : 2, .type = boolean(), .arg = arg};
    return weir_pipe_emit_expr(m->b, &e, &a);
}

static struct weir_pipeline *comparisons(struct pipe_case *pc)
{
    static const int column[] = {IN_BOOL, IN_I8, IN_I32, IN_F32, IN_F64, IN_DEC, IN_STR};
    struct maker m;
    (void)pc;
    begin(&m);
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) {
        uint32_t a = m.in[column[i]], b = a;
        if (column[i] == IN_STR) b = m.in[IN_NN_STR];
        if (column[i] == IN_I32) b = m.in[IN_NN_I32];
        if (column[i] == IN_F64) b = op(&m, WEIR_OP_CAST, type_of(&m, a), m.in[IN_F32], 0, 0);
        if (column[i] == IN_I8) b = op(&m, WEIR_OP_NEG, type_of(&m, a), a, 0, 0);
        if (column[i] == IN_BOOL) b = op(&m, WEIR_OP_NOT, boolean(), a, 0, 0);
        for (int k = WEIR_OP_EQ; k <= WEIR_OP_GE; k++) out(&m, test(&m, (enum weir_op)k, a, b));
    }
    return end(&m, WEIR_STEP_OUTPUT);
}

static struct weir_pipeline *logic(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT), i32 = weir_type_make(WEIR_TYPE_INT);
    struct weir_type f64 = weir_type_make(WEIR_TYPE_DOUBLE), str = weir_type_string();
    uint32_t zero = kint(&m, i32, 0), a = test(&m, WEIR_OP_LT, m.in[IN_I32], zero);
    uint32_t b = m.in[IN_BOOL], c = test(&m, WEIR_OP_GT, m.in[IN_F64], kdouble(&m, 10));
    uint32_t div = op(&m, WEIR_OP_DIV, i32, m.in[IN_NN_I32], m.in[IN_I32], 0);
    uint32_t bad = test(&m, WEIR_OP_GT, div, zero); /* an error where i32 = 0 */
    uint32_t nz = test(&m, WEIR_OP_NE, m.in[IN_I32], zero);
    out(&m, test(&m, WEIR_OP_AND, a, b));
    out(&m, test(&m, WEIR_OP_OR, a, b));
    out(&m,
        test(&m, WEIR_OP_AND, test(&m, WEIR_OP_OR, b, c), op(&m, WEIR_OP_NOT, boolean(), a, 0, 0)));
    out(&m, test(&m, WEIR_OP_AND, nz, bad));
    out(&m, test(&m, WEIR_OP_OR, op(&m, WEIR_OP_NOT, boolean(), nz, 0, 0), bad));
    out(&m, op(&m, WEIR_OP_IS_NULL, boolean(), m.in[IN_STR], 0, 0));
    out(&m, op(&m, WEIR_OP_NOT, boolean(), op(&m, WEIR_OP_IS_NULL, boolean(), a, 0, 0), 0, 0));
    out(&m, op(&m, WEIR_OP_IS_TRUE, boolean(), a, 0, 0));
    out(&m, op(&m, WEIR_OP_IS_FALSE, boolean(), a, 0, 0));
    out(&m, op(&m, WEIR_OP_SELECT, str, a, m.in[IN_STR], m.in[IN_NN_STR]));
    out(&m, op(&m, WEIR_OP_SELECT, str, b, konst(&m, text("yes")), knull(&m, str)));
    out(&m, op(&m, WEIR_OP_SELECT, f64, b, m.in[IN_F64], kdouble(&m, 0.25)));
    out(&m, op(&m, WEIR_OP_SELECT, i32, nz, div, knull(&m, i32)));
    struct weir_value ints[3] = {
        {.type = i32, .i = 1}, {.type = i32, .i = -2}, {.type = i32, .i = 3}};
    struct weir_value texts[3] = {text("abc"), text(""), text("日本語")};
    struct weir_value doubles[3] = {
        {.type = f64, .f = NAN}, {.type = f64, .f = 0}, {.type = f64, .f = 1}};
    out(&m, in_list(&m, m.in[IN_I32], 3, ints));
    out(&m, in_list(&m, m.in[IN_STR], 3, texts));
    out(&m, in_list(&m, m.in[IN_F64], 3, doubles));
    ints[1].is_null = texts[0].is_null = doubles[2].is_null = true;
    out(&m, in_list(&m, m.in[IN_I32], 3, ints));
    out(&m, in_list(&m, m.in[IN_STR], 3, texts));
    out(&m, in_list(&m, m.in[IN_F64], 3, doubles));
    out(&m, like(&m, m.in[IN_STR], "a%", NULL));
    out(&m, like(&m, m.in[IN_NN_STR], "%_b%", NULL));
    out(&m, like(&m, m.in[IN_NN_STR], "__本_", NULL));
    out(&m, like(&m, m.in[IN_NN_STR], "_本%", NULL));
    out(&m, like(&m, m.in[IN_STR], "a!%b!_%", "!"));
    out(&m, op(&m, WEIR_OP_CAST, i64, m.in[IN_I8], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, f64, m.in[IN_I64], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_make(WEIR_TYPE_FLOAT), m.in[IN_I64], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, f64, m.in[IN_F32], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_decimal(18, 4), m.in[IN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_decimal(12, 2), m.in[IN_I32], 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, weir_type_make(WEIR_TYPE_TINYINT), m.in[IN_I16], 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, weir_type_decimal(6, 4), m.in[IN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, i32, m.in[IN_I64], 0, 0));
    return end(&m, WEIR_STEP_OUTPUT);
}

/* A / B where B is not 0, else A. */
static uint32_t guarded(struct maker *m, enum weir_op o, struct weir_type t, uint32_t a, uint32_t b)
{
    struct weir_value zero = {.type = type_of(m, b)};
    uint32_t nz = test(m, WEIR_OP_NE, b, konst(m, zero));
    uint32_t r = op(m, o, t, a, b, 0);
    return op(m, WEIR_OP_SELECT, t, nz, r, knull(m, t));
}

static struct weir_pipeline *decimals(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    struct weir_type wide = weir_type_decimal(30, 4), six = weir_type_decimal(38, 6);
    struct weir_type d2 = weir_type_decimal(18, 2), d4 = weir_type_decimal(18, 4);
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT), i32 = weir_type_make(WEIR_TYPE_INT);
    uint32_t w = m.in[IN_WIDE], d = op(&m, WEIR_OP_CAST, wide, m.in[IN_DEC], 0, 0);
    uint32_t e = op(&m, WEIR_OP_CAST, d2, m.in[IN_DEC], 0, 0);
    uint32_t x = op(&m, WEIR_OP_CAST, d2, m.in[IN_NN_I32], 0, 0);
    out(&m, op(&m, WEIR_OP_ADD, wide, w, d, 0));
    out(&m, op(&m, WEIR_OP_SUB, wide, d, w, 0));
    out(&m, op(&m, WEIR_OP_NEG, wide, w, 0, 0));
    out(&m, op(&m, WEIR_OP_MUL, six, w, d, 0));
    out(&m, guarded(&m, WEIR_OP_DIV, six, w, d));
    out(&m, guarded(&m, WEIR_OP_DIV, six, d, w));
    out(&m, guarded(&m, WEIR_OP_MOD, wide, w, d));
    out(&m, op(&m, WEIR_OP_MUL, d2, e, x, 0));
    out(&m, guarded(&m, WEIR_OP_DIV, d4, e, x));
    out(&m, guarded(&m, WEIR_OP_MOD, d2, e, x));
    for (int k = WEIR_OP_EQ; k <= WEIR_OP_GE; k++) out(&m, test(&m, (enum weir_op)k, w, d));
    struct weir_value list[3] = {{.type = wide, .x = 0},
                                 {.type = wide, .x = (weir_i128)-300000000000000009},
                                 {.type = wide, .is_null = true}};
    out(&m, in_list(&m, w, 2, list));
    out(&m, in_list(&m, w, 3, list));
    out(&m, op(&m, WEIR_OP_SELECT, wide, m.in[IN_BOOL], w, konst(&m, list[1])));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_decimal(38, 1), w, 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, d2, w, 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, i64, w, 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, i32, m.in[IN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_TRY_CAST, weir_type_make(WEIR_TYPE_TINYINT), m.in[IN_NN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_decimal(8, 1), m.in[IN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_decimal(20, 1), m.in[IN_DEC], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_make(WEIR_TYPE_DOUBLE), m.in[IN_DEC], 0, 0));
    return end(&m, WEIR_STEP_OUTPUT);
}

static struct weir_pipeline *casts(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    static const struct {
        uint8_t from, to;
    } pair[] = {{IN_F64, WEIR_TYPE_BIGINT},   {IN_F64, WEIR_TYPE_INT},
                {IN_F32, WEIR_TYPE_SMALLINT}, {IN_F64, WEIR_TYPE_FLOAT},
                {IN_BOOL, WEIR_TYPE_INT},     {IN_BOOL, WEIR_TYPE_DOUBLE},
                {IN_I8, WEIR_TYPE_BOOLEAN},   {IN_F64, WEIR_TYPE_BOOLEAN},
                {IN_TS, WEIR_TYPE_DATE},      {IN_TS, WEIR_TYPE_TIME}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
        out(&m, op(&m, WEIR_OP_TRY_CAST, weir_type_make((enum weir_type_id)pair[i].to),
                   m.in[pair[i].from], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_timestamp(6), m.in[IN_DATE], 0, 0));
    out(&m, op(&m, WEIR_OP_CAST, weir_type_timestamp(0), m.in[IN_TS], 0, 0));
    uint32_t time = op(&m, WEIR_OP_CAST, weir_type_make(WEIR_TYPE_TIME), m.in[IN_TS], 0, 0);
    out(&m, op(&m, WEIR_OP_CAST, weir_type_timestamp(3), time, 0, 0));
    return end(&m, WEIR_STEP_OUTPUT);
}

/* ---- lanes ---- */

/* A predicate that vectorises and sees NULLs in every operator. */
static uint32_t vector_predicate(struct maker *m)
{
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT), i32 = weir_type_make(WEIR_TYPE_INT);
    struct weir_type f64 = weir_type_make(WEIR_TYPE_DOUBLE);
    uint32_t sum =
        op(m, WEIR_OP_ADD, i64, m->in[IN_I64], op(m, WEIR_OP_CAST, i64, m->in[IN_I32], 0, 0), 0);
    uint32_t p = test(m, WEIR_OP_GT, sum, kint(m, i64, -2000000000));
    uint32_t q = test(m, WEIR_OP_LE, op(m, WEIR_OP_MUL, f64, m->in[IN_F64], m->in[IN_NN_F64], 0),
                      kdouble(m, 300));
    uint32_t r = test(m, WEIR_OP_GE, m->in[IN_F64], op(m, WEIR_OP_CAST, f64, m->in[IN_F32], 0, 0));
    uint32_t s = test(m, WEIR_OP_NE, op(m, WEIR_OP_SUB, i32, m->in[IN_I32], m->in[IN_NN_I32], 0),
                      kint(m, i32, 3));
    uint32_t date = test(m, WEIR_OP_LT, m->in[IN_DATE], kint(m, input_type(IN_DATE), 15000));
    uint32_t eq = test(m, WEIR_OP_EQ, m->in[IN_F64], m->in[IN_F64]);
    uint32_t left = test(m, WEIR_OP_AND, p, test(m, WEIR_OP_OR, q, m->in[IN_BOOL]));
    uint32_t right = test(m, WEIR_OP_OR, r, op(m, WEIR_OP_NOT, boolean(), date, 0, 0));
    uint32_t nulls = op(m, WEIR_OP_IS_NULL, boolean(), m->in[IN_TS], 0, 0);
    right = test(m, WEIR_OP_OR, right, test(m, WEIR_OP_AND, nulls, eq));
    return test(m, WEIR_OP_AND, test(m, WEIR_OP_OR, left, right), test(m, WEIR_OP_OR, s, left));
}

static struct weir_pipeline *vector_filter(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    filter(&m, vector_predicate(&m));
    filter(&m, test(&m, WEIR_OP_GE, m.in[IN_NN_DEC], kint(&m, input_type(IN_NN_DEC), -9000)));
    filter(&m, test(&m, WEIR_OP_LT, m.in[IN_NN_STR], konst(&m, text("b"))));
    for (int c = 0; c < IN_COUNT; c++) out(&m, m.in[c]);
    out(&m,
        op(&m, WEIR_OP_MUL, weir_type_make(WEIR_TYPE_DOUBLE), m.in[IN_F64], m.in[IN_NN_F64], 0));
    return end(&m, WEIR_STEP_OUTPUT);
}

static struct weir_pipeline *vector_aggregate(struct pipe_case *pc)
{
    struct maker m;
    struct weir_type f64 = weir_type_make(WEIR_TYPE_DOUBLE);
    (void)pc;
    begin(&m);
    filter(&m, vector_predicate(&m));
    uint32_t none = WEIR_REG_NONE;
    agg(&m, WEIR_AGG_COUNT, none, none);
    agg(&m, WEIR_AGG_COUNT, none, m.in[IN_BOOL]);
    agg(&m, WEIR_AGG_COUNT, m.in[IN_I32], none);
    agg(&m, WEIR_AGG_SUM, op(&m, WEIR_OP_MUL, f64, m.in[IN_NN_F64], m.in[IN_NN_F64], 0), none);
    agg(&m, WEIR_AGG_SUM, m.in[IN_I64], m.in[IN_BOOL]);
    agg(&m, WEIR_AGG_AVG, m.in[IN_I16], none);
    agg(&m, WEIR_AGG_SUM,
        op(&m, WEIR_OP_MUL, weir_type_decimal(15, 4), m.in[IN_DEC], m.in[IN_NN_DEC], 0), none);
    for (int c = IN_I8; c <= IN_DEC; c++) {
        agg(&m, WEIR_AGG_MIN, m.in[c], none);
        agg(&m, WEIR_AGG_MAX, m.in[c], c % 2 ? none : m.in[IN_BOOL]);
    }
    agg(&m, WEIR_AGG_MAX, m.in[IN_TS], none);
    return end(&m, WEIR_STEP_AGGREGATE);
}

/* ---- aggregates ---- */

static void all_aggregates(struct maker *m)
{
    uint32_t none = WEIR_REG_NONE;
    agg(m, WEIR_AGG_COUNT, none, none);
    agg(m, WEIR_AGG_COUNT, m->in[IN_STR], m->in[IN_BOOL]);
    for (int c = IN_I8; c <= IN_DEC; c++) {
        if (c != IN_F32 && c != IN_F64) agg(m, WEIR_AGG_SUM, m->in[c], none);
        agg(m, WEIR_AGG_MIN, m->in[c], none);
        agg(m, WEIR_AGG_MAX, m->in[c], m->in[IN_BOOL]);
    }
    agg(m, WEIR_AGG_SUM, m->in[IN_NN_F64], m->in[IN_BOOL]);
    agg(m, WEIR_AGG_AVG, m->in[IN_NN_F64], none);
}

static struct weir_pipeline *scalar_aggregate(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    filter(&m, like(&m, m.in[IN_NN_STR], "%a%", NULL));
    all_aggregates(&m);
    for (int f = WEIR_AGG_STDDEV_POP; f <= WEIR_AGG_VAR_SAMP; f++)
        agg(&m, (enum weir_agg_fn)f, m.in[IN_NN_F64], WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *group_int(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    filter(&m, test(&m, WEIR_OP_GT, m.in[IN_NN_F64], kdouble(&m, -500)));
    out(&m, m.in[IN_I32]);
    all_aggregates(&m);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *group_mixed(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    out(&m, m.in[IN_STR]);
    out(&m, m.in[IN_F64]);
    out(&m, m.in[IN_BOOL]);
    out(&m, op(&m, WEIR_OP_SELECT, weir_type_string(), m.in[IN_BOOL], m.in[IN_NN_STR],
               konst(&m, text("abc"))));
    out(&m, m.in[IN_F32]);
    agg(&m, WEIR_AGG_COUNT, WEIR_REG_NONE, WEIR_REG_NONE);
    agg(&m, WEIR_AGG_SUM, m.in[IN_NN_F64], WEIR_REG_NONE);
    agg(&m, WEIR_AGG_STDDEV_SAMP, m.in[IN_NN_F64], WEIR_REG_NONE);
    agg(&m, WEIR_AGG_MAX, m.in[IN_F64], WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *group_wide(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    uint32_t w = m.in[IN_WIDE];
    out(&m, w);
    out(&m, m.in[IN_I8]);
    for (int f = WEIR_AGG_COUNT; f <= WEIR_AGG_MAX; f++)
        agg(&m, (enum weir_agg_fn)f, w, f % 2 ? WEIR_REG_NONE : m.in[IN_BOOL]);
    agg(&m, WEIR_AGG_SUM, op(&m, WEIR_OP_NEG, type_of(&m, w), w, 0, 0), WEIR_REG_NONE);
    agg(&m, WEIR_AGG_AVG, m.in[IN_DEC], WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

/* Keys that are columns, aggregates that are exact: what a GPU groups, too. */
static struct weir_pipeline *group_exact(struct pipe_case *pc)
{
    static const int key[] = {IN_STR, IN_F64, IN_BOOL, IN_WIDE, IN_F32};
    struct maker m;
    (void)pc;
    begin(&m);
    filter(&m, test(&m, WEIR_OP_GT, m.in[IN_NN_F64], kdouble(&m, -700)));
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) out(&m, m.in[key[i]]);
    uint32_t none = WEIR_REG_NONE;
    agg(&m, WEIR_AGG_COUNT, none, none);
    agg(&m, WEIR_AGG_COUNT, m.in[IN_TS], m.in[IN_BOOL]);
    for (int c = IN_I8; c <= IN_DEC; c++) {
        if (c != IN_F32 && c != IN_F64)
            agg(&m, WEIR_AGG_SUM, m.in[c], c % 2 ? none : m.in[IN_BOOL]);
        agg(&m, WEIR_AGG_MIN, m.in[c], none);
        agg(&m, WEIR_AGG_MAX, m.in[c], m.in[IN_BOOL]);
    }
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *group_few(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    out(&m, m.in[IN_I8]);
    agg(&m, WEIR_AGG_SUM, m.in[IN_I64], WEIR_REG_NONE);
    agg(&m, WEIR_AGG_MIN, m.in[IN_F64], WEIR_REG_NONE);
    agg(&m, WEIR_AGG_MAX, m.in[IN_F32], m.in[IN_BOOL]);
    return end(&m, WEIR_STEP_AGGREGATE);
}

/* ---- joins ---- */

/* Build sides: 0 few integers (dense), 1 (text, double) pairs, 2 wide integers (hash), 3 no keys;
   columns: the keys, then a BIGINT and a STRING. With NULL_KEYS some keys are NULL. */
static struct weir_join_table *build_side(int kind, bool null_keys, struct weir_type *type, int *n,
                                          int *n_keys)
{
    struct weir_builder *b = NULL;
    struct weir_batch *batch = NULL;
    struct weir_join_table *t = NULL;
    struct weir_error err;
    uint64_t s = 77 + (uint64_t)kind;
    int k = 0;
    if (kind == 1) {
        type[k++] = weir_type_string();
        type[k++] = weir_type_make(WEIR_TYPE_DOUBLE);
    } else if (kind < 3) {
        type[k++] = weir_type_make(kind ? WEIR_TYPE_BIGINT : WEIR_TYPE_INT);
    }
    *n_keys = k;
    type[k] = weir_type_make(WEIR_TYPE_BIGINT);
    type[k + 1] = weir_type_string();
    *n = k + 2;
    CHECK(!weir_builder_new(NULL, *n, type, &b, &err));
    for (int i = 0; i < 60; i++) {
        if (null_keys && i % 9 == 0)
            weir_builder_null(b, 0);
        else if (kind == 1)
            weir_builder_str(b, 0, data_word[i % DATA_WORDS], strlen(data_word[i % DATA_WORDS]));
        else if (kind < 3)
            weir_builder_i64(b, 0,
                             kind ? data_between(&s, 0, 30) * 1000003 : data_between(&s, -20, 20));
        if (kind == 1) weir_builder_f64(b, 1, data_odd(&s));
        if (i % 7)
            weir_builder_i64(b, k, data_between(&s, -100, 100));
        else
            weir_builder_null(b, k);
        const char *w = data_word[data_next(&s) % DATA_WORDS];
        weir_builder_str(b, k + 1, w, strlen(w));
    }
    CHECK(!weir_builder_finish(b, &batch, &err));
    weir_builder_free(b);
    CHECK(!weir_join_build(NULL, &batch, 1, type, *n, *n_keys, &t, &err));
    weir_batch_unref(batch);
    return t;
}

struct side {
    uint32_t table;
    int n, n_keys;
    struct weir_type type[4];
};
static void add_side(struct maker *m, struct pipe_case *pc, struct side *s, int number, int kind,
                     bool null_keys)
{
    pc->table[number] = build_side(kind, null_keys, s->type, &s->n, &s->n_keys);
    s->table = weir_pipe_add_table(m->b, s->n_keys, s->n, s->type);
}

/* payload BIGINT of side S compared with i8 (a residual); the instructions start at *FROM. */
static uint32_t residual(struct maker *m, const struct side *s, uint32_t *from)
{
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT);
    *from = weir_pipe_insn_count(m->b);
    uint32_t col = build_column(m, s->table, (uint32_t)s->n_keys, s->type[s->n_keys]);
    return test(m, WEIR_OP_GT, col, op(m, WEIR_OP_CAST, i64, m->in[IN_I8], 0, 0));
}

static struct weir_pipeline *join_inner_left(struct pipe_case *pc)
{
    struct maker m;
    struct side a, b;
    uint32_t from;
    begin(&m);
    add_side(&m, pc, &a, 0, 0, true);
    add_side(&m, pc, &b, 1, 1, true);
    filter(&m, test(&m, WEIR_OP_GT, m.in[IN_NN_F64], kdouble(&m, -900)));
    probe(&m, WEIR_JOIN_INNER, a.table, &m.in[IN_I32], 1, WEIR_REG_NONE, 0);
    uint32_t av = build_column(&m, a.table, 1, a.type[1]),
             as = build_column(&m, a.table, 2, a.type[2]);
    uint32_t key[2] = {m.in[IN_STR], m.in[IN_F64]};
    uint32_t r = residual(&m, &b, &from);
    probe(&m, WEIR_JOIN_LEFT, b.table, key, 2, r, from);
    uint32_t bk = build_column(&m, b.table, 0, b.type[0]),
             bv = build_column(&m, b.table, 2, b.type[2]);
    uint32_t bs = build_column(&m, b.table, 3, b.type[3]);
    out(&m, m.in[IN_STR]);
    out(&m, m.in[IN_NN_I64]);
    out(&m, av);
    out(&m, as);
    out(&m, bk);
    out(&m, bv);
    out(&m, bs);
    out(&m, op(&m, WEIR_OP_ADD, weir_type_make(WEIR_TYPE_BIGINT), av, bv, 0));
    out(&m, op(&m, WEIR_OP_SELECT, weir_type_string(), op(&m, WEIR_OP_IS_NULL, boolean(), bk, 0, 0),
               as, bs));
    return end(&m, WEIR_STEP_OUTPUT);
}

static struct weir_pipeline *join_semi_anti(struct pipe_case *pc)
{
    struct maker m;
    struct side a, b;
    uint32_t from;
    begin(&m);
    add_side(&m, pc, &a, 0, 0, true);
    add_side(&m, pc, &b, 1, 2, true);
    uint32_t r = residual(&m, &a, &from);
    probe(&m, WEIR_JOIN_SEMI, a.table, &m.in[IN_I32], 1, r, from);
    r = residual(&m, &b, &from);
    probe(&m, WEIR_JOIN_ANTI, b.table, &m.in[IN_NN_I64], 1, r, from);
    out(&m, m.in[IN_I8]);
    all_aggregates(&m);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *join_plain(struct pipe_case *pc)
{
    struct maker m;
    struct side a, b, c;
    begin(&m);
    add_side(&m, pc, &a, 0, 0, true);
    add_side(&m, pc, &b, 1, 2, false);
    add_side(&m, pc, &c, 2, 1, true);
    uint32_t key[2] = {m.in[IN_NN_STR], m.in[IN_F64]};
    probe(&m, WEIR_JOIN_SEMI, a.table, &m.in[IN_I32], 1, WEIR_REG_NONE, 0);
    probe(&m, WEIR_JOIN_ANTI, c.table, key, 2, WEIR_REG_NONE, 0);
    probe(&m, WEIR_JOIN_LEFT, b.table, &m.in[IN_NN_I64], 1, WEIR_REG_NONE, 0);
    uint32_t v = build_column(&m, b.table, 1, b.type[1]),
             s = build_column(&m, b.table, 2, b.type[2]);
    out(&m, s);
    agg(&m, WEIR_AGG_COUNT, WEIR_REG_NONE, WEIR_REG_NONE);
    agg(&m, WEIR_AGG_SUM, v, WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static struct weir_pipeline *join_not_in(struct pipe_case *pc, bool null_keys)
{
    struct maker m;
    struct side a;
    begin(&m);
    add_side(&m, pc, &a, 0, 2, null_keys);
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT);
    uint32_t key = op(&m, WEIR_OP_CAST, i64, m.in[IN_I32], 0, 0);
    key = op(&m, WEIR_OP_MUL, i64, key, kint(&m, i64, 1000003), 0);
    probe(&m, WEIR_JOIN_ANTI_NULL, a.table, &key, 1, WEIR_REG_NONE, 0);
    for (int c = 0; c < 4; c++) out(&m, m.in[c]);
    return end(&m, WEIR_STEP_OUTPUT);
}
static struct weir_pipeline *join_not_in_plain(struct pipe_case *pc)
{
    return join_not_in(pc, false);
}
static struct weir_pipeline *join_not_in_null(struct pipe_case *pc)
{
    return join_not_in(pc, true);
}

static struct weir_pipeline *join_duplicates(struct pipe_case *pc)
{
    struct maker m;
    struct side a;
    uint32_t from;
    begin(&m);
    add_side(&m, pc, &a, 0, 2, true);
    uint32_t r = residual(&m, &a, &from);
    probe(&m, WEIR_JOIN_INNER, a.table, &m.in[IN_NN_I64], 1, r, from);
    out(&m, build_column(&m, a.table, 2, a.type[2]));
    out(&m, m.in[IN_I64]);
    return end(&m, WEIR_STEP_OUTPUT);
}

/* Every build row is a candidate of every row: more output than the first room holds. */
static struct weir_pipeline *join_cross(struct pipe_case *pc)
{
    struct maker m;
    struct side a;
    uint32_t from;
    begin(&m);
    add_side(&m, pc, &a, 0, 3, false);
    filter(&m, test(&m, WEIR_OP_LT, m.in[IN_NN_I32], kint(&m, input_type(IN_NN_I32), 5)));
    uint32_t r = residual(&m, &a, &from);
    probe(&m, WEIR_JOIN_INNER, a.table, NULL, 0, r, from);
    out(&m, build_column(&m, a.table, 0, a.type[0]));
    out(&m, m.in[IN_I8]);
    out(&m, m.in[IN_STR]);
    return end(&m, WEIR_STEP_OUTPUT);
}

static struct weir_pipeline *expand(struct pipe_case *pc)
{
    struct maker m;
    (void)pc;
    begin(&m);
    filter(&m, test(&m, WEIR_OP_NE, m.in[IN_NN_I32], kint(&m, input_type(IN_NN_I32), 5)));
    struct weir_step s = {.kind = WEIR_STEP_EXPAND,
                          .a = m.in[IN_TS],
                          .residual = WEIR_REG_NONE,
                          .size_us = 7000000,
                          .slide_us = 3000000,
                          .offset_us = 1000000};
    uint32_t number = weir_pipe_step_count(m.b);
    weir_pipe_add_step(m.b, &s);
    struct weir_insn in = {
        .op = WEIR_OP_EXPAND, .type = not_null(weir_type_make(WEIR_TYPE_BIGINT)), .a = number};
    out(&m, weir_pipe_emit(m.b, &in));
    out(&m, m.in[IN_I8]);
    agg(&m, WEIR_AGG_COUNT, WEIR_REG_NONE, WEIR_REG_NONE);
    agg(&m, WEIR_AGG_MAX, m.in[IN_TS], WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

static const struct {
    const char *name;
    struct weir_pipeline *(*make)(struct pipe_case *);
} cases[] = {
    {"arithmetic", arithmetic},
    {"comparisons", comparisons},
    {"logic", logic},
    {"decimals", decimals},
    {"casts", casts},
    {"vector filter", vector_filter},
    {"vector aggregate", vector_aggregate},
    {"scalar aggregate", scalar_aggregate},
    {"group by integer", group_int},
    {"group by text, double, boolean", group_mixed},
    {"group by wide decimal", group_wide},
    {"group exactly", group_exact},
    {"few groups", group_few},
    {"inner and left join", join_inner_left},
    {"semi and anti join", join_semi_anti},
    {"joins without residual", join_plain},
    {"not in", join_not_in_plain},
    {"not in with NULL", join_not_in_null},
    {"duplicates", join_duplicates},
    {"cross join", join_cross},
    {"expand", expand},
};

int pipe_count(void)
{
    return (int)(sizeof cases / sizeof *cases);
}

void pipe_make(int i, struct pipe_case *out_case)
{
    memset(out_case, 0, sizeof *out_case);
    out_case->name = cases[i].name;
    out_case->p = cases[i].make(out_case);
}

void pipe_free(struct pipe_case *c)
{
    weir_free(c->p);
    for (int i = 0; i < 3; i++) weir_join_free(c->table[i]);
}

/* ---- with a purpose ---- */

struct weir_pipeline *pipe_overflow(void)
{
    struct maker m;
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT);
    begin(&m);
    uint32_t big = op(&m, WEIR_OP_MUL, i64, m.in[IN_I64], kint(&m, i64, 4000000000), 0);
    filter(&m, test(&m, WEIR_OP_GT, big, kint(&m, i64, 0)));
    out(&m, m.in[IN_I64]);
    return end(&m, WEIR_STEP_OUTPUT);
}

struct weir_pipeline *pipe_many_groups(void)
{
    struct maker m;
    begin(&m);
    out(&m, m.in[IN_NN_I64]);
    agg(&m, WEIR_AGG_COUNT, WEIR_REG_NONE, WEIR_REG_NONE);
    agg(&m, WEIR_AGG_SUM, m.in[IN_I64], WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}
