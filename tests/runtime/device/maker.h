#ifndef WEIR_TEST_DEVICE_MAKER_H
#define WEIR_TEST_DEVICE_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipes.h"

/* Shorthand for building pipelines by hand: registers are instruction numbers; `out` collects the
   columns or keys of the last step. */

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static inline struct weir_type not_null(struct weir_type t)
{
    t.nullable = 0;
    return t;
}

struct maker {
    struct weir_pipe_builder *b;
    uint32_t in[IN_COUNT];
    uint32_t out[160];
    int n_out;
};

static inline void begin(struct maker *m)
{
    memset(m, 0, sizeof *m);
    m->b = weir_pipe_builder_new();
    CHECK(m->b);
    for (int c = 0; c < IN_COUNT; c++) {
        struct weir_insn in = {.op = WEIR_OP_COLUMN, .type = input_type(c)};
        in.a = weir_pipe_add_input(m->b, in.type);
        m->in[c] = weir_pipe_emit(m->b, &in);
    }
}

static inline struct weir_type type_of(struct maker *m, uint32_t r)
{
    return weir_pipe_reg_type(m->b, r);
}
static inline uint32_t op(struct maker *m, enum weir_op o, struct weir_type t, uint32_t a,
                          uint32_t b, uint32_t c)
{
    struct weir_insn in = {.op = (uint8_t)o, .type = t, .a = a, .b = b, .c = c};
    return weir_pipe_emit(m->b, &in);
}
static inline struct weir_type boolean(void)
{
    return weir_type_make(WEIR_TYPE_BOOLEAN);
}
static inline uint32_t test(struct maker *m, enum weir_op o, uint32_t a, uint32_t b)
{
    return op(m, o, boolean(), a, b, 0);
}
static inline uint32_t konst(struct maker *m, struct weir_value v)
{
    struct weir_pos pos = {0};
    return weir_pipe_emit_const(m->b, &v, pos);
}
static inline uint32_t kint(struct maker *m, struct weir_type t, int64_t i)
{
    return konst(m, (struct weir_value){.type = t, .i = i});
}
static inline uint32_t kdouble(struct maker *m, double f)
{
    return konst(m,
                 (struct weir_value){.type = not_null(weir_type_make(WEIR_TYPE_DOUBLE)), .f = f});
}
static inline struct weir_value text(const char *s)
{
    return (struct weir_value){.type = not_null(weir_type_string()), .s = {s, (uint32_t)strlen(s)}};
}
static inline uint32_t knull(struct maker *m, struct weir_type t)
{
    return konst(m, (struct weir_value){.type = t, .is_null = true});
}
static inline void out(struct maker *m, uint32_t reg)
{
    CHECK(m->n_out < (int)(sizeof m->out / sizeof *m->out));
    m->out[m->n_out++] = reg;
}
static inline void filter(struct maker *m, uint32_t reg)
{
    struct weir_step s = {.kind = WEIR_STEP_FILTER, .a = reg, .residual = WEIR_REG_NONE};
    weir_pipe_add_step(m->b, &s);
}
static inline void agg(struct maker *m, enum weir_agg_fn fn, uint32_t arg, uint32_t where)
{
    struct weir_pipe_agg a = {.fn = (uint8_t)fn, .arg = arg, .filter = where};
    struct weir_error err;
    if (arg != WEIR_REG_NONE) a.arg_type = type_of(m, arg);
    CHECK(!weir_agg_type(fn, a.arg_type, &a.type, &err));
    if (fn == WEIR_AGG_SUM && weir_type_is_integer(a.type)) a.type.id = WEIR_TYPE_BIGINT;
    weir_pipe_add_agg(m->b, &a);
}
static inline struct weir_pipeline *end(struct maker *m, enum weir_step_kind kind)
{
    struct weir_step s = {
        .kind = (uint8_t)kind, .n = (uint32_t)m->n_out, .residual = WEIR_REG_NONE};
    struct weir_pipeline *p = NULL;
    struct weir_error err = {0};
    s.first = weir_pipe_add_operands(m->b, m->out, m->n_out);
    weir_pipe_add_step(m->b, &s);
    int rc = weir_pipe_finish(m->b, &p, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    CHECK(!rc);
    weir_pipe_builder_free(m->b);
    return p;
}
static inline void probe(struct maker *m, enum weir_join_type join, uint32_t table,
                         const uint32_t *key, int n, uint32_t residual, uint32_t residual_from)
{
    struct weir_step s = {.kind = WEIR_STEP_PROBE,
                          .join = (uint8_t)join,
                          .table = (uint16_t)table,
                          .n = (uint32_t)n,
                          .residual = residual};
    s.first = weir_pipe_add_operands(m->b, key, n);
    s.first_insn_after = residual_from;
    s.residual_end = weir_pipe_insn_count(m->b);
    weir_pipe_add_step(m->b, &s);
    if (residual != WEIR_REG_NONE) weir_pipe_forget(m->b, residual_from);
}
static inline uint32_t build_column(struct maker *m, uint32_t table, uint32_t c, struct weir_type t)
{
    struct weir_insn in = {.op = WEIR_OP_COLUMN, .table = (uint8_t)(table + 1), .type = t, .a = c};
    return weir_pipe_emit(m->b, &in);
}

#endif
