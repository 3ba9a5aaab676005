/* The pipelines of the benchmark. */
#include "maker.h"

/* Inputs of the benchmark: date INT, quantity, price, discount DOUBLE, key INT; NOT NULL. */
static void begin_bench(struct maker *m)
{
    memset(m, 0, sizeof *m);
    m->b = weir_pipe_builder_new();
    CHECK(m->b);
    for (int c = 0; c < 5; c++) {
        struct weir_insn in = {
            .op = WEIR_OP_COLUMN,
            .type = not_null(weir_type_make(c % 4 ? WEIR_TYPE_DOUBLE : WEIR_TYPE_INT))};
        in.a = weir_pipe_add_input(m->b, in.type);
        m->in[c] = weir_pipe_emit(m->b, &in);
    }
}

struct weir_pipeline *pipe_q6(void)
{
    struct maker m;
    begin_bench(&m);
    struct weir_type i32 = not_null(weir_type_make(WEIR_TYPE_INT));
    uint32_t date = test(&m, WEIR_OP_AND, test(&m, WEIR_OP_GE, m.in[0], kint(&m, i32, 700)),
                         test(&m, WEIR_OP_LT, m.in[0], kint(&m, i32, 1065)));
    uint32_t disc = test(&m, WEIR_OP_AND, test(&m, WEIR_OP_GE, m.in[3], kdouble(&m, 0.05)),
                         test(&m, WEIR_OP_LE, m.in[3], kdouble(&m, 0.07)));
    uint32_t few = test(&m, WEIR_OP_LT, m.in[1], kdouble(&m, 24));
    filter(&m, test(&m, WEIR_OP_AND, test(&m, WEIR_OP_AND, date, disc), few));
    uint32_t product =
        op(&m, WEIR_OP_MUL, not_null(weir_type_make(WEIR_TYPE_DOUBLE)), m.in[2], m.in[3], 0);
    agg(&m, WEIR_AGG_SUM, product, WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}

struct weir_pipeline *pipe_group_bench(void)
{
    struct maker m;
    begin_bench(&m);
    out(&m, m.in[4]);
    agg(&m, WEIR_AGG_SUM, m.in[2], WEIR_REG_NONE);
    agg(&m, WEIR_AGG_COUNT, WEIR_REG_NONE, WEIR_REG_NONE);
    return end(&m, WEIR_STEP_AGGREGATE);
}
