#ifndef WEIR_NATIVE_FN_INTERNAL_H
#define WEIR_NATIVE_FN_INTERNAL_H

#include "runtime/native/functions.h"
#include "runtime/native/vec.h"

/* An entry of the registry. SPEC says which arguments the function takes and what it returns:
     arguments, one letter each; the last one may be followed by '*' (any number of them), '[' starts
     the optional ones:
       s  text               S  text or bytes           c  anything, cast to STRING
       i  INT                l  BIGINT                  d  DOUBLE (any number is cast)
       n  any number         e  exact number            B  BOOLEAN
       D  DATE               T  TIMESTAMP or TIMESTAMP_LTZ
       t  DATE or TIMESTAMP[_LTZ]                       u  DATE, TIME or TIMESTAMP[_LTZ]
       m  INTERVAL of months x  anything
     ':' and the result:
       s  STRING  y  BYTES   i  INT   l  BIGINT   d  DOUBLE   B  BOOLEAN   D  DATE
       T  TIMESTAMP(3)   L  TIMESTAMP_LTZ(3)   C  TIME   0 … 9  the type of that argument
     '?' at the end: may be NULL although no argument is (else: nullable when an argument is).
   All of that is weir_fn_infer; a function with rules of its own has another infer. */
struct fn_entry {
    struct weir_function f;
    const char *spec;
};

struct fn_family {
    const struct fn_entry *entry;
    int n;
};

extern const struct fn_family weir_fn_math, weir_fn_round, weir_fn_text, weir_fn_text_edit,
    weir_fn_pattern, weir_fn_digest, weir_fn_url, weir_fn_time, weir_fn_time_unit,
    weir_fn_time_text;

#define FN_FAMILY(name, entries)                                                                   \
    const struct fn_family name = {entries, (int)(sizeof(entries) / sizeof *(entries))}

int weir_fn_infer(const struct weir_function *f, int n, struct weir_type *arg,
                  struct weir_type *ret, struct weir_error *err);
/* "FUNCTION: argument I is a <type>; it takes <WHAT>" as WEIR_ERR_BIND. */
int weir_fn_refuse(const struct weir_function *f, int i, struct weir_type t, const char *what,
                   struct weir_error *err);
/* The type that all of T[0..n) convert to without loss (docs/decimal.md), false if there is none.
 */
bool weir_fn_common_type(int n, const struct weir_type *t, struct weir_type *out);

/* ---- for eval ----
   A row whose state (from weir_eval_states) is not WK_VALID is left alone. */

#define FN_AT(v, T, i) (((const T *)(v)->data)[(v)->constant ? 0 : (i)])

static inline struct weir_str fn_str(const struct weir_vec *v, uint32_t i)
{
    return FN_AT(v, struct weir_str, i);
}
static inline int32_t fn_i32(const struct weir_vec *v, uint32_t i)
{
    return FN_AT(v, int32_t, i);
}
static inline int64_t fn_i64(const struct weir_vec *v, uint32_t i)
{
    return FN_AT(v, int64_t, i);
}
static inline double fn_f64(const struct weir_vec *v, uint32_t i)
{
    return FN_AT(v, double, i);
}

/* Loop over the valid rows of a function that may fail or give NULL: ST is its state array. */
#define FN_EACH(ctx, out, n, st, i)                                                                \
    uint8_t *st = weir_eval_states(ctx, out, n);                                                   \
    if (!st) return WEIR_ERR_NOMEM;                                                                \
    for (uint32_t i = 0; i < (n); i++)                                                             \
        if (!st[i])

/* A copy of N bytes in scratch as row I of OUT; state WK_ERR_NOMEM when there is no memory. Returns
   the place for the bytes (when DATA is NULL the caller writes them) or NULL. */
char *weir_fn_put(struct weir_eval *ctx, struct weir_vec *out, uint32_t i, const char *data,
                  size_t n);

#endif
