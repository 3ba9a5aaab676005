#ifndef WEIR_DEVICE_GEN_IMPL_H
#define WEIR_DEVICE_GEN_IMPL_H

#include <stdarg.h>

#include "runtime/device/gen.h"

/* Inside the generator. Names in the text: scalar register i is r<i> with state s<i>, its
   eight-lane form v<i> with w<i>; the current row of the batch is `row`, of build table k `j<k>`.
 */

struct gen {
    const struct weir_pipeline *p;
    const struct weir_join_table *const *tables;
    struct gen_kernel *k;
    struct weir_buf body;
    char *why;
    size_t why_size;
    bool refused;
    uint8_t *scalar;    /* [n_insns] emitted in the scope that is open */
    uint8_t *vec;       /* [n_insns] emitted as lanes */
    uint8_t *may;       /* [n_insns] the state may be other than valid */
    uint32_t *const_at; /* [n_consts] first word in the constants */
    bool queue;         /* the rows of groups are queued (gen_group.c) */
    uint32_t *kept;     /* scratch: registers of a queued row */
    int depth;          /* open braces of the row, for indentation */
};

void gen_put(struct gen *g, const char *fmt, ...) WEIR_PRINTF(2, 3);
void gen_refuse(struct gen *g, const char *fmt, ...)
    WEIR_PRINTF(2, 3); /* the first reason is kept */
/* The argument's name in the text; the same (kind, a, b) gives the same. */
const char *gen_arg_name(struct gen *g, enum gen_arg_kind kind, int a, int b, char buf[32]);
int gen_space_number(struct gen *g, enum gen_arg_kind kind, int a, int b);
const char *gen_suffix(enum weir_phys p); /* "i32": of the helpers of kernels/common */
const char *gen_kind(enum weir_phys p);   /* "long": of a register */
const char *
gen_ctype(enum weir_phys p); /* "int": of a value in memory and of the helpers' arguments */

/* Emit what computes register REG, operands first, at the current row. */
void gen_scalar(struct gen *g, uint32_t reg);
/* "uchar s<r> = STATE" only when it can matter. */
void gen_put_state(struct gen *g, uint32_t r, const char *fmt, ...) WEIR_PRINTF(3, 4);
/* The state of a strict operator over registers A and B. */
void gen_strict(struct gen *g, uint32_t a, uint32_t b, char out[64]);
void gen_cast(struct gen *g, uint32_t r, const struct weir_insn *in);
void gen_decimal(struct gen *g, uint32_t r, const struct weir_insn *in);
const char *gen_pow10(int k, char buf[64]);         /* 10^K as a wk_u128 */
const char *gen_limit(int precision, char buf[96]); /* 10^PRECISION - 1 as a wk_i128 */
/* The state of REG as an expression: "s7", or "0" when it cannot be anything else. */
const char *gen_state(struct gen *g, uint32_t reg, char buf[16]);

/* Can REG and all it needs be computed in eight lanes? */
bool gen_can_vector(const struct gen *g, uint32_t reg);
void gen_vector(struct gen *g, uint32_t reg);
const char *gen_vstate(struct gen *g, uint32_t reg, char buf[32]);

/* Aggregates: words of the accumulators at W (scalar: an lvalue macro A(word)). */
bool gen_agg_can_vector(const struct gen *g, const struct weir_pipe_agg *a);
void gen_agg_vector_declare(struct gen *g, uint32_t i);
void gen_agg_vector(struct gen *g, uint32_t i); /* `mask`: long8, -1 for rows that take part */
void gen_agg_vector_end(struct gen *g, uint32_t i, uint32_t word);
void gen_agg_scalar(struct gen *g, uint32_t i, uint32_t word);
bool gen_agg_supported(struct gen *g, const struct weir_pipe_agg *a);

uint32_t gen_words(enum weir_phys p); /* of a key or an output value: 1 or 2 */

/* Keys: ulong k<sfx><word> …, `nulls<sfx>` of registers KEY[0..n); then their hash, `h<sfx>`. */
void gen_key_words(struct gen *g, const uint32_t *key, uint32_t n, const char *sfx);
void gen_key_hash(struct gen *g, const uint32_t *key, uint32_t n, const char *sfx);
/* The row goes to its group, and its values to the accumulators; or into the queue. */
void gen_group(struct gen *g, const struct weir_step *s);
/* The queue's arrays, known after the row's code; and what is done with a queue of rows. A row may
   be put in while there are less than GEN_QUEUE. */
#define GEN_QUEUE 128
#define GEN_NEAR  32768u /* slots: a directory that is smaller lies in the cache */
void gen_queue_declare(struct gen *g, const struct weir_step *s);
void gen_queue_flush(struct gen *g, const struct weir_step *s);
void gen_gpu_group(struct gen *g, const struct weir_step *s); /* into the one table of all */

#endif
