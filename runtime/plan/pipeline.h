#ifndef WEIR_PLAN_PIPELINE_H
#define WEIR_PLAN_PIPELINE_H

#include "runtime/column/batch.h"
#include "runtime/plan/expr.h"
#include "runtime/plan/logical.h"

/* The pipeline descriptor: one flat, pointer-free record of a fused chain (filter, probe, expand …,
   then output or aggregate) over batches of one input schema. Native operators interpret it, the
   generator turns it into one OpenCL kernel, EXPLAIN prints it. It can be copied with memcpy and
   written to disk.

   Semantics, row at a time: run the instructions in order; registers are instruction numbers (SSA:
   instruction i defines register i). A step happens after the instructions with a number <
   step.first_insn_after, before the others: FILTER   go on with this row only if the predicate is
   TRUE (an error is an error of the query); PROBE    look the key registers up in build table
   `table`; INNER/LEFT go on once for each match (LEFT: once with NULL columns when there is none),
   SEMI/ANTI/ANTI_NULL go on at most once. Rows with a NULL key match nothing. The residual, when
   there is one, is a BOOLEAN register computed by the instructions [first_insn_after,
   residual_end), which may read the candidate's build columns; a pair counts only if it is TRUE.
              For PROBE steps the instructions after the step therefore start with the residual's;
     EXPAND   go on once for each window that contains the time register: ordinal 0 … n - 1, oldest
   window first (see below); OUTPUT   the registers are the columns of an output row; AGGREGATE  the
   row is added to the group of its key registers. The last step is OUTPUT or AGGREGATE, and only
   the last one. */

#define WEIR_PIPELINE_VERSION 1
#define WEIR_REG_NONE         UINT32_MAX

struct weir_insn {
    uint8_t op;    /* enum weir_op */
    uint8_t table; /* COLUMN: 0 = the input batch, k + 1 = build table k */
    uint16_t fn;   /* CALL: index in the function registry */
    struct weir_type type;
    uint32_t a, b, c; /* operand registers; COLUMN: a = column number in the batch or build table;
                         CONST: a = constant number; CALL: a = first entry in the operand list, b =
                         number of arguments; IN: a = register, b = first constant, c = number of
                         constants; LIKE: a = register, b = pattern constant, c = escape constant or
                         WEIR_REG_NONE; EXPAND: a = number of the step */
    struct weir_pos pos;
};

enum weir_step_kind {
    WEIR_STEP_FILTER = 0,
    WEIR_STEP_PROBE,
    WEIR_STEP_EXPAND,
    WEIR_STEP_OUTPUT,
    WEIR_STEP_AGGREGATE,
};

struct weir_step {
    uint8_t kind;
    uint8_t join;              /* PROBE: enum weir_join_type */
    uint16_t table;            /* PROBE: build table number */
    uint32_t first_insn_after; /* instructions below this number come before the step */
    uint32_t a; /* FILTER: predicate register; EXPAND: time register (TIMESTAMP, microseconds) */
    uint32_t first,
        n; /* PROBE: keys; OUTPUT: columns; AGGREGATE: keys — a range of the operand list */
    uint32_t residual; /* PROBE: register or WEIR_REG_NONE */
    uint32_t
        residual_end; /* PROBE: end of the residual's instructions (= first_insn_after when none) */
    int64_t size_us, slide_us,
        offset_us; /* EXPAND: windows [k * slide + offset, + size); a row with a time t is in the
                      windows with t - size < start <= t; ordinal i is start = last - (n - 1 - i) *
                      slide, where last is the largest start <= t */
    struct weir_pos pos;
};

struct weir_const {
    struct weir_type type;
    uint32_t is_null;
    uint32_t len; /* STR */
    union {
        int64_t i;     /* BOOL, I8 … I64 */
        double f;      /* F32, F64 */
        uint64_t w[2]; /* I128: low, high */
        uint64_t off;  /* STR: offset in the byte section */
    };
};

struct weir_pipe_agg {
    uint8_t fn; /* enum weir_agg_fn */
    uint8_t distinct;
    uint32_t arg;    /* register or WEIR_REG_NONE (COUNT(*)) */
    uint32_t filter; /* register or WEIR_REG_NONE */
    struct weir_type arg_type;
    struct weir_type type; /* of the result */
    struct weir_pos pos;
};

/* What the pipeline expects of build table k: its columns' types (the payload that PROBE makes
   readable) and how many of them, from the front, are the keys in order. */
struct weir_pipe_table {
    uint32_t first_type, n_columns; /* range of the type list */
    uint32_t n_keys;
};

struct weir_pipeline {
    uint32_t version;
    uint32_t bytes; /* of the whole record */
    uint32_t n_inputs, n_insns, n_steps, n_operands, n_consts, n_aggs, n_tables, n_types, n_bytes;
    uint32_t off_input;   /* struct weir_type[n_inputs]: columns of the input batch */
    uint32_t off_insn;    /* struct weir_insn[n_insns] */
    uint32_t off_step;    /* struct weir_step[n_steps] */
    uint32_t off_operand; /* uint32_t[n_operands]: register lists */
    uint32_t off_const;   /* struct weir_const[n_consts] */
    uint32_t off_agg;     /* struct weir_pipe_agg[n_aggs] */
    uint32_t off_table;   /* struct weir_pipe_table[n_tables] */
    uint32_t off_type;    /* struct weir_type[n_types] */
    uint32_t off_bytes;   /* char[n_bytes]: constants' strings */
    uint32_t pad_;
};

#define WEIR_PIPE_SECTION(name, type)                                                              \
    static inline const type *weir_pipe_##name(const struct weir_pipeline *p)                      \
    {                                                                                              \
        return (const type *)((const char *)p + p->off_##name);                                    \
    }
WEIR_PIPE_SECTION(input, struct weir_type)
WEIR_PIPE_SECTION(insn, struct weir_insn)
WEIR_PIPE_SECTION(step, struct weir_step)
WEIR_PIPE_SECTION(operand, uint32_t)
WEIR_PIPE_SECTION(const, struct weir_const)
WEIR_PIPE_SECTION(agg, struct weir_pipe_agg)
WEIR_PIPE_SECTION(table, struct weir_pipe_table)
WEIR_PIPE_SECTION(type, struct weir_type)
WEIR_PIPE_SECTION(bytes, char)

static inline const struct weir_step *weir_pipe_last(const struct weir_pipeline *p)
{
    return weir_pipe_step(p) + p->n_steps - 1;
}

/* The operand registers of instruction IN, at most WEIR_INSN_MAX_ARGS; returns how many. */
#define WEIR_INSN_MAX_ARGS 16
int weir_insn_args(const struct weir_pipeline *p, const struct weir_insn *in,
                   uint32_t reg[WEIR_INSN_MAX_ARGS]);

/* Check everything that an interpreter relies on (versions, ranges, types of operands, order): 0 or
   WEIR_ERR_INVALID with what is wrong. For records that come from outside. */
int weir_pipeline_check(const struct weir_pipeline *p, size_t bytes, struct weir_error *err);
void weir_pipeline_json(const struct weir_pipeline *p, struct weir_buf *out);

/* ---- making one ---- */

/* Collects instructions with common sub-expressions shared and constants folded by value. All
   memory is its own; failures are kept and reported by finish. */
struct weir_pipe_builder;
struct weir_pipe_builder *weir_pipe_builder_new(void); /* NULL: out of memory */
void weir_pipe_builder_free(struct weir_pipe_builder *b);

/* Returns the register; the same (input, column) gives the same register unless a PROBE made a new
 * row context. */
uint32_t weir_pipe_add_input(struct weir_pipe_builder *b,
                             struct weir_type type); /* column number of the input */
uint32_t weir_pipe_add_table(struct weir_pipe_builder *b, int n_keys, int n_columns,
                             const struct weir_type *types);
uint32_t weir_pipe_emit(struct weir_pipe_builder *b, const struct weir_insn *insn);
/* As emit for CALL (IN->a and ->b are set from ARGS). */
uint32_t weir_pipe_emit_call(struct weir_pipe_builder *b, const struct weir_insn *insn, int n_args,
                             const uint32_t *args);
uint32_t weir_pipe_emit_const(struct weir_pipe_builder *b, const struct weir_value *v,
                              struct weir_pos pos);
/* Compile E; COLUMN c of the expression is the register COLUMNS[c]. */
uint32_t weir_pipe_emit_expr(struct weir_pipe_builder *b, const struct weir_expr *e,
                             const uint32_t *columns);
uint32_t weir_pipe_add_operands(struct weir_pipe_builder *b, const uint32_t *regs, int n);
/* STEP->first_insn_after is set to the number of instructions so far (unless it is a PROBE with a
   residual, where the caller gives the value noted before emitting the residual). */
void weir_pipe_add_step(struct weir_pipe_builder *b, const struct weir_step *step);
void weir_pipe_add_agg(struct weir_pipe_builder *b, const struct weir_pipe_agg *agg);
uint32_t weir_pipe_insn_count(const struct weir_pipe_builder *b);
uint32_t weir_pipe_step_count(const struct weir_pipe_builder *b);
/* Never share the instructions from number FROM up to the last one again (a residual's: their
   values belong to candidate pairs). */
void weir_pipe_forget(struct weir_pipe_builder *b, uint32_t from);
struct weir_type weir_pipe_reg_type(const struct weir_pipe_builder *b, uint32_t reg);
/* *OUT is one block, released with weir_free. */
int weir_pipe_finish(struct weir_pipe_builder *b, struct weir_pipeline **out,
                     struct weir_error *err) WEIR_NODISCARD;

/* ---- the layout of a group ---- */

/* Rows of a group table, native or on a device, partial or merged: 8-byte words
     [0] hash of the keys, [1] bit k set: key k is NULL, then the keys, then the accumulators.

   Keys: integers sign-extended, BOOL 0/1, FLOAT and DOUBLE as the bits of a double (-0 as 0, every
   NaN as 0x7ff8000000000000): 1 word; I128 low, high: 2 words; STR pointer, length: 2 words (bytes
   owned by the table, or by the partial result until it is merged). NULL keys have zero words.

   Accumulators, neutral element all zero:
     COUNT                    [n]
     SUM, AVG of I8 … I128    [low][high][n]: a 128-bit sum and the number of values; for I128 the
                              top 24 bits of n count (signed) how often the sum went round 2^128
     SUM, AVG of F32, F64     [hi][lo][n]: doubles hi + lo (double-double, TwoSum)
     MIN, MAX                 [value][n], I128 [low][high][n], STR [pointer][length][n]; n = 0: no
                              value yet. FLOAT, DOUBLE: the bits of a double, any NaN the largest
                              and -0 before 0, so that the order of arrival does not matter
     STDDEV*, VAR*            [hi][lo][hi2][lo2][n]: sums of x and of x * x as double-doubles
     DISTINCT (any function)  the words above and one more, native only. */
#define WEIR_GROUP_HEADER_WORDS 2

struct weir_group_layout {
    uint32_t n_keys, n_aggs;
    uint32_t words;                   /* of a row */
    uint32_t acc_words;               /* of the accumulators */
    const struct weir_type *key_type; /* [n_keys] */
    uint32_t *key_word;               /* [n_keys] offset of the key's first word in the row */
    uint32_t *agg_word;               /* [n_aggs] */
    const struct weir_pipe_agg *agg;
};
uint32_t weir_agg_words(const struct weir_pipe_agg *agg);
/* In A; refers to P, which must stay. */
int weir_group_layout(struct weir_arena *a, const struct weir_pipeline *p,
                      struct weir_group_layout *out, struct weir_error *err);

#endif
