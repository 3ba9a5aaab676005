#ifndef WEIR_TESTS_ORACLE_TYPE_H
#define WEIR_TESTS_ORACLE_TYPE_H

/* SQL types, values and Flink's type derivation (docs/decimal.md), written a second time and on
   purpose without a look at the binder's code. */

#include "base.h"

enum kind {
    k_bool,
    k_i8,
    k_i16,
    k_i32,
    k_i64,
    k_f32,
    k_f64,
    k_dec,
    k_str,
    k_date,
    k_ts,
    k_ltz,   /* TIMESTAMP_LTZ(3); the session's zone is UTC */
    k_clock, /* TIME(3) */
    k_bytes,
    k_count
};

struct type {
    enum kind kind;
    int p, s; /* DECIMAL */
};

/* One value. DATE: days; TIMESTAMP, TIME: milliseconds; BOOLEAN 0 or 1; all in `x`. FLOAT and DOUBLE
 * in `d`; STRING and BYTES in `s`, `length`. */
struct value {
    bool null;
    i128 x;
    double d;
    const char *s;
    size_t length;
};

bool kind_is_int(enum kind k);
bool kind_is_float(enum kind k);
bool kind_is_exact(enum kind k);   /* integers, DECIMAL */
bool kind_is_numeric(enum kind k); /* exact or float */
bool kind_has_bytes(enum kind k);  /* STRING, BYTES */
bool type_equal(struct type a, struct type b);
struct type type_of(enum kind k);
struct type type_decimal(int p, int s);
void type_print(struct text *t, struct type type);

/* Smallest and largest value of an integer type or (unscaled) DECIMAL. */
i128 type_min(struct type t);
i128 type_max(struct type t);

/* An integer type seen as a DECIMAL(p, 0); a DECIMAL is itself. */
struct type as_decimal(struct type t);

enum arithmetic { ar_add, ar_sub, ar_mul, ar_div, ar_mod };
/* The type of a binary operation of two numeric types. */
struct type arithmetic_type(enum arithmetic op, struct type a, struct type b);
/* The common type of CASE branches, UNION ALL, …; false: there is none, or it would cut decimals'
 * digits. */
bool common_type(struct type a, struct type b, struct type *out);

enum aggregate {
    agg_count,
    agg_sum,
    agg_avg,
    agg_min,
    agg_max,
    agg_stddev_pop,
    agg_stddev_samp,
    agg_var_pop,
    agg_var_samp,
    agg_kinds
};
struct type aggregate_type(enum aggregate a, struct type argument);

/* As SQL text of either dialect where both agree, else Weir's: the literal with its exact type. */
void value_print(struct text *t, struct type type, const struct value *v);
/* For people: NULL, 12, 'text', 1.5E0 … */
void value_show(struct text *t, struct type type, const struct value *v);

#endif
