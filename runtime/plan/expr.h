#ifndef WEIR_PLAN_EXPR_H
#define WEIR_PLAN_EXPR_H

#include "runtime/base/error.h"
#include "runtime/column/type.h"

/* Typed expressions: what the binder makes out of SQL and what lowering turns into instructions.
   The same operators appear in struct weir_insn (pipeline.h), so this is the one list of what an
   expression can be.

   Values have three states: valid, NULL, or an error (overflow, division by zero, bad cast). An
   error is a value like NULL until it decides something: a row's fate, a key, an output, an
   aggregate. So CASE WHEN b <> 0 THEN a / b END and b <> 0 AND a / b > 1 never fail for b = 0,
   whatever a device computes eagerly: strict operators   error if any operand is, else NULL if any
   operand is, else the result; AND                FALSE if any operand is FALSE, else error, else
   NULL, else TRUE; OR                 TRUE if any operand is TRUE, else error, else NULL, else
   FALSE; SELECT(c, a, b)    error if c is; c TRUE: a, else (FALSE, NULL): b, untouched by the other
   branch; IS [NOT] NULL/TRUE/FALSE, TRY_CAST   an error operand stays an error (TRY_CAST forgives
   only its own cast). */

enum weir_op {
    WEIR_OP_COLUMN = 0, /* expr: column `column` of the node's input */
    WEIR_OP_CONST,      /* expr: `value` */

    /* Arithmetic. Both operands have the result's physical type (the binder casts). Integers:
       overflow of the result type, division by zero and modulo by zero are errors; / truncates, %
       has the sign of the dividend. DOUBLE/FLOAT: IEEE (x / 0 is an infinity); FLOAT rounds after
       each operation. DECIMAL: see below. TIMESTAMP/DATE/INTERVAL: integer ADD/SUB on their
       physical type. */
    WEIR_OP_ADD, /* DECIMAL: operands have the result's scale; more than 10^p - 1 is overflow */
    WEIR_OP_SUB,
    WEIR_OP_MUL, /* DECIMAL: the exact product, rounded half up from scale sa + sb to the result's
                  */
    WEIR_OP_DIV, /* DECIMAL: quotient rounded half up to the result's scale */
    WEIR_OP_MOD, /* DECIMAL: operands have the result's scale */
    WEIR_OP_NEG,

    /* Comparison of two operands of the same type (DECIMAL: same scale and phys; texts compare by
       bytes; NaN equals NaN and is larger than every number; -0 equals 0). */
    WEIR_OP_EQ,
    WEIR_OP_NE,
    WEIR_OP_LT,
    WEIR_OP_LE,
    WEIR_OP_GT,
    WEIR_OP_GE,

    WEIR_OP_AND,
    WEIR_OP_OR,
    WEIR_OP_NOT,
    WEIR_OP_IS_NULL, /* never NULL; IS NOT NULL is NOT of it */
    WEIR_OP_IS_TRUE, /* NULL counts as not true */
    WEIR_OP_IS_FALSE,

    WEIR_OP_CAST,     /* to the instruction's type; what does not fit is an error */
    WEIR_OP_TRY_CAST, /* … is NULL */
    WEIR_OP_SELECT,   /* (BOOLEAN c, a, b): CASE WHEN c THEN a ELSE b END */
    WEIR_OP_IN,   /* x IN (constants): arg[0] = x, arg[1..] = CONST of x's type; NULL if x is, or if
                     no constant equals   x and one is NULL */
    WEIR_OP_LIKE, /* (text, CONST pattern [, CONST escape of one character]) */
    WEIR_OP_CALL, /* a function of the registry */
    WEIR_OP_EXPAND, /* lowering only: ordinal (BIGINT, from 0) of the copy that a window EXPAND step
                       made of a row */
    WEIR_OP_COUNT_
};

/* Position in the SQL text, for messages: 1-based line and column, byte range. All 0: none. */
struct weir_pos {
    uint32_t line, column;
    uint32_t start, end;
};

/* Lives in the statement's arena; children are shared freely (a DAG); immutable once bound. */
struct weir_expr {
    uint8_t op; /* enum weir_op */
    uint16_t n_args;
    struct weir_type type;
    struct weir_pos pos;
    int column;                     /* COLUMN */
    struct weir_value value;        /* CONST; string bytes live in the arena */
    const struct weir_function *fn; /* CALL */
    struct weir_expr **arg;         /* [n_args] */
};

/* ---- the function registry ---- */

struct weir_vec;
struct weir_eval;

/* A scalar function. One table in runtime/native/functions.c lists all of them; a new one is one
   file (or one entry in the file of its family) plus one line there. */
struct weir_function {
    const char *name; /* Flink's name in capitals; aliases have entries of their own */
    uint8_t min_args, max_args;
    const char
        *signature; /* for messages and SHOW FUNCTIONS: "SUBSTRING(text, start [, length])" */

    /* Decide the result type for argument types ARG[0..n). May change ARG[i] to the type that the
       binder must cast argument i to. On refusal: WEIR_ERR_BIND with a message that names the
       argument and the accepted types. */
    int (*infer)(const struct weir_function *f, int n, struct weir_type *arg, struct weir_type *ret,
                 struct weir_error *err);

    /* Evaluate N rows: see runtime/native/vec.h. Strict NULL and error handling of the arguments is
       done by the caller unless `sees_null`. */
    int (*eval)(struct weir_eval *ctx, const struct weir_function *f, int n_args,
                const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out);
    bool sees_null; /* eval gets NULL arguments and decides itself (COALESCE-like) */
    bool volatile_; /* a new value for each row or run (RAND, UUID): never folded, never shared */
    const char *device; /* the helper of kernels/common that a generated kernel calls, taking the
                    arguments' device values in order; NULL: this function runs natively only */
    int param;          /* for families that share infer/eval */
};

int weir_function_count(void);
const struct weir_function *weir_function_at(int index);
int weir_function_index(const struct weir_function *f);
const struct weir_function *weir_function_find(const char *name,
                                               size_t len); /* any case; NULL: unknown */

/* ---- aggregates ---- */

enum weir_agg_fn {
    WEIR_AGG_COUNT = 0, /* COUNT(*) when there is no argument */
    WEIR_AGG_SUM,
    WEIR_AGG_AVG,
    WEIR_AGG_MIN,
    WEIR_AGG_MAX,
    WEIR_AGG_STDDEV_POP,
    WEIR_AGG_STDDEV_SAMP, /* STDDEV */
    WEIR_AGG_VAR_POP,
    WEIR_AGG_VAR_SAMP, /* VARIANCE */
    WEIR_AGG_FN_COUNT_
};

/* Result type of FN over ARG (ARG.id NULL type for COUNT(*)), Flink's rules: COUNT BIGINT NOT NULL;
   SUM of an integer is the same integer type, of DECIMAL(p,s) DECIMAL(38,s), of FLOAT/DOUBLE the
   same; AVG of an integer the same (truncated), of DECIMAL(p,s) DECIMAL(38, max(6,s)); STDDEV/VAR
   DOUBLE (the binder casts the argument to DOUBLE); MIN/MAX the argument's type. WEIR_ERR_BIND
   otherwise. */
int weir_agg_type(enum weir_agg_fn fn, struct weir_type arg, struct weir_type *ret,
                  struct weir_error *err);
const char *weir_agg_name(enum weir_agg_fn fn);

struct weir_agg {
    uint8_t fn; /* enum weir_agg_fn */
    bool distinct;
    struct weir_expr *arg;    /* NULL: COUNT(*) */
    struct weir_expr *filter; /* BOOLEAN; NULL: none */
    struct weir_type type;    /* of the result */
    struct weir_pos pos;
};

#endif
