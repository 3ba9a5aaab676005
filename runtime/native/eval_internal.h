#ifndef WEIR_NATIVE_EVAL_INTERNAL_H
#define WEIR_NATIVE_EVAL_INTERNAL_H

#include "runtime/native/clones.h"
#include "runtime/native/groups.h"
#include "runtime/native/jointable.h"
#include "runtime/native/mask.h"
#include "runtime/native/vec.h"

/* The inside of the interpreter; eval.c tells how the parts work together. */

#define EVAL_NO_ROW UINT32_MAX /* a build row: LEFT without a match */

/* ---- scratch memory: a stack of blocks ---- */

struct scratch_block {
    struct scratch_block *next;
    size_t size, used;
};
struct scratch {
    struct scratch_block *first, *current;
};
struct scratch_mark {
    struct scratch_block *block;
    size_t used;
};
char *scratch_alloc(struct scratch *s, size_t n); /* 16-byte aligned; NULL: out of memory */
struct scratch_mark scratch_mark(const struct scratch *s);
void scratch_release(struct scratch *s, struct scratch_mark m);
void scratch_free(struct scratch *s);

/* ---- compiled instructions ---- */

struct eval_op;

/* Compute N rows of OP from the operands A into OUT: OUT->data has room; where a row is not valid,
   OUT->st is set to OWN_ST, which has room, else stays NULL. 0 or WEIR_ERR_NOMEM. */
typedef int (*eval_fn)(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                       const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st);

struct eval_op {
    const struct weir_insn *insn;
    eval_fn fn;                 /* NULL: COLUMN, CONST, EXPAND */
    const uint32_t *arg;        /* [n_args] registers */
    const void *state;          /* the operator's own: set of IN, pattern of LIKE … */
    const struct weir_type *in; /* [n_args] the operands' types */
    weir_i128 limit;            /* DECIMAL results: 10^p - 1 */
    uint32_t cost;              /* rough, per row: 1 = comparing numbers, operands included */
    uint8_t n_args;
    bool can_err;  /* some row may be an error */
    bool constant; /* the same value for all rows: computed once */
    bool vol;      /* a volatile function: computed where it stands, never moved */
    bool flat;     /* wants operands that have a value for each row */
};

/* Choose OP->fn and its helpers for OP->insn; the operands' ops are ready. May replace operands
   (OP->arg) by cheaper registers. */
int eval_compile_op(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_arith(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_decimal(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_compare(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_logic(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_cast(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_in(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);
int eval_compile_like(struct weir_eval *ev, struct eval_op *op, struct weir_error *err);

/* The operands' strict states into OWN_ST; returns it, or NULL when all are valid. */
uint8_t *eval_strict(int n_args, const struct weir_vec *const *a, uint32_t n, uint8_t *own_st);

/* ---- stages ----
   A stage is what happens to one set of rows: compute registers, then the step at its end. The rows
   that come out of the step are a new set, hence another stage, whose registers are computed there
   or carried over from the parent. */

enum stage_kind {
    STAGE_MASK,     /* rows for which all conjuncts are TRUE go on */
    STAGE_FILTER,   /* rows for which a register is TRUE go on; errors are reported */
    STAGE_PROBE,    /* pairs of a row and a build row go on */
    STAGE_RESIDUAL, /* pairs for which a register is TRUE go on (the candidates of a PROBE) */
    STAGE_EXPAND,
    STAGE_OUTPUT,
    STAGE_AGGREGATE,
};

/* A conjunct of a MASK: a comparison with a constant or of two registers, fused into the mask, or
   (cmp NULL) any BOOLEAN register. */
struct eval_conj {
    mask_fn cmp;
    uint8_t op;         /* the comparison */
    uint32_t a, b;      /* registers; general: a; a range: a and … */
    const void *bounds; /* … two values of its type */

    /* of the rows at hand */
    const void *at, *with; /* the values; AT NULL: all rows pass, or none */
    size_t size, with_size;
    const uint8_t *st[2]; /* states of both, or NULL */
    bool pass;
};

struct stage_reg {
    struct weir_vec v;
    void *data;  /* storage, NULL: not computed or carried here */
    uint8_t *st; /* storage for states */
};

struct eval_stage {
    uint8_t kind;
    bool counted;    /* its rows are those that reach the step */
    bool keep_null;  /* MASK: NULL goes on too (a later step must see whether it is an error) */
    uint32_t step;   /* of the descriptor */
    uint32_t parent; /* stage, UINT32_MAX for the first */
    uint32_t next;   /* stage for the rows that go on */
    uint32_t side;   /* PROBE with a residual: the stage of its candidates, else UINT32_MAX */
    uint32_t pred;   /* FILTER, RESIDUAL: register */
    uint32_t n_conj, n_compute, n_carry;
    struct eval_conj *conj;
    uint32_t *compute;     /* registers, in order */
    uint32_t *carry;       /* registers */
    struct stage_reg *reg; /* [n_insns] */

    /* the rows */
    uint32_t n;
    uint32_t base;          /* row i is row base + i of the batch … */
    const uint32_t *row;    /* … or row[i], when not NULL */
    const uint32_t **build; /* [n_tables] payload rows; NULL before the table's PROBE */
    const int64_t **ord;    /* [n_steps] ordinals of EXPAND steps; NULL before */
    uint32_t *row_buf, **build_buf;
    int64_t **ord_buf;

    /* the step's own working memory */
    uint8_t *mask;
    uint32_t *sel, *begin, *end;
    uint32_t *pair;   /* PROBE: build rows of the chunk whose rows are in sel */
    uint32_t *failed; /* PROBE: build row whose residual is an error, or EVAL_NO_ROW */
    uint8_t *seen;    /* PROBE: the row has a pair that counts */
    bool pass_all;    /* RESIDUAL: rows of a LEFT join without a match are going through */
    const struct weir_vec **vec; /* operands of the step */
};

/* Columns that are plain columns of the input batch and can be taken from it when it is done, and
   all others, which are appended vector by vector, are collected in a builder each. */
struct eval_output {
    struct weir_builder *plain, *computed;
    uint32_t n_cols, n_plain, n_computed;
    uint32_t *reg;    /* [n_cols] */
    bool *is_plain;   /* [n_cols] */
    uint32_t *slot;   /* [n_cols]: number in its builder */
    uint32_t pending; /* rows of earlier batches in the builders */
    int64_t *idx;     /* rows of the current batch that came through: [cap_idx] */
    uint32_t n_idx, cap_idx;
    uint64_t valid[WEIR_VECTOR / 64 + 1], bits[WEIR_VECTOR / 64 + 1];
};

struct weir_eval {
    const struct weir_pipeline *p;
    const struct weir_join_table *const *tables;
    struct weir_pool *pool;
    struct weir_native_sink sink;
    int64_t now_us;
    uint64_t random, calls; /* seed, and how many random numbers were drawn */
    struct weir_arena arena;
    struct scratch scratch;
    uint8_t *own_st; /* of the call under way */

    struct eval_op *op;        /* [n_insns] */
    struct weir_vec *constant; /* [n_insns]: constants' single values … */
    struct weir_vec *flat; /* [n_insns]: … and repeated WEIR_VECTOR times, data NULL: not made */
    struct eval_stage *stage; /* [n_stages]; the first is where batches enter */
    uint32_t n_stages;
    struct eval_stage *explain; /* one row at a time, for messages */
    struct eval_output out;
    struct weir_batch *batch; /* being processed */
    uint64_t *step_rows;
    void *blocks; /* list of the vectors' storage */
};

/* eval_plan.c */
int eval_plan(struct weir_eval *ev, struct weir_error *err);
/* eval_column.c */
int eval_load_const(struct weir_eval *ev, const struct weir_insn *in, struct weir_vec *v,
                    uint8_t *st);
int eval_load_column(struct weir_eval *ev, struct eval_stage *s, uint32_t reg);
void eval_gather(struct weir_vec *out, struct stage_reg *to, const struct weir_vec *from,
                 const uint32_t *sel, uint32_t n);
/* eval_filter.c */
int eval_run_filter(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
/* S->mask = the rows where REG is TRUE; returns the first row where it is an error, or N. */
uint32_t eval_true_rows(struct weir_eval *ev, struct eval_stage *s, uint32_t reg);
uint32_t eval_select(const uint8_t *mask, uint32_t n, uint32_t *sel);
/* eval_probe.c */
int eval_run_probe(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
int eval_run_residual(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
int eval_run_expand(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
/* eval_output.c */
int eval_output_new(struct weir_eval *ev, struct weir_error *err);
void eval_output_free(struct weir_eval *ev);
int eval_run_output(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
int eval_end_batch(struct weir_eval *ev, struct weir_error *err);
int eval_flush(struct weir_eval *ev, struct weir_error *err);
/* eval_error.c */
int eval_report(struct weir_eval *ev, const struct eval_stage *s, uint32_t row, uint32_t reg,
                struct weir_error *err);
/* eval.c */
void *eval_alloc(struct weir_eval *ev, size_t size); /* 64-byte aligned, lives as long as EV */
int eval_run_stage(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
int eval_run_op(struct weir_eval *ev, struct eval_stage *s, uint32_t reg);
int eval_compute(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err);
/* Let the rows SEL[0..n) of S (NULL: all N of them) be the rows of stage TO; pass runs it, too. */
struct eval_stage *eval_enter(struct weir_eval *ev, const struct eval_stage *s, uint32_t to,
                              const uint32_t *sel, uint32_t n);
int eval_pass(struct weir_eval *ev, struct eval_stage *s, uint32_t to, const uint32_t *sel,
              uint32_t n, struct weir_error *err);
/* The value of register REG for the rows of S. */
static inline const struct weir_vec *eval_reg(const struct weir_eval *ev,
                                              const struct eval_stage *s, uint32_t reg)
{
    return ev->op[reg].constant ? &ev->constant[reg] : &s->reg[reg].v;
}
/* The same, with a value for each row. */
static inline const struct weir_vec *eval_flat_reg(const struct weir_eval *ev,
                                                   const struct eval_stage *s, uint32_t reg)
{
    return ev->op[reg].constant ? &ev->flat[reg] : &s->reg[reg].v;
}

#endif
