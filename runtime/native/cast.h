#ifndef WEIR_NATIVE_CAST_H
#define WEIR_NATIVE_CAST_H

#include "runtime/native/eval_internal.h"

/* CAST, family by family: each looks whether it does FROM -> TO and returns the vector function, or
   NULL. The function leaves rows alone whose state is not valid, and reports WK_ERR_CAST for texts
   and WK_ERR_OVERFLOW for values that do not fit. *LOSSY is set when some value may not fit. */
eval_fn cast_same(struct weir_type from, struct weir_type to, bool *lossy);
eval_fn cast_number(struct weir_type from, struct weir_type to, bool *lossy);
eval_fn cast_decimal(struct weir_type from, struct weir_type to, bool *lossy);
eval_fn cast_time(struct weir_type from, struct weir_type to, bool *lossy);
eval_fn cast_from_text(struct weir_type from, struct weir_type to, bool *lossy);
eval_fn cast_to_text(struct weir_type from, struct weir_type to, bool *lossy);

/* An integer value that is neither DECIMAL nor BOOLEAN: numbers, and times by their units. */
static inline bool cast_is_plain_integer(struct weir_type t)
{
    enum weir_phys p = weir_type_phys(t);
    return t.id != WEIR_TYPE_DECIMAL && p >= WEIR_PHYS_I8 && p <= WEIR_PHYS_I64;
}

/* Milliseconds between two values of a TIME. */
static inline int32_t cast_time_unit(struct weir_type t)
{
    return t.precision < 3 ? (int32_t)weir_pow10_i128[3 - t.precision] : 1;
}

#define CAST_HEAD(name)                                                                            \
    static int name(struct weir_eval *ev, const struct eval_op *op, uint32_t n,                    \
                    const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)

/* State ST for row I of OUT. */
static inline void cast_fail(struct weir_vec *out, uint8_t *own_st, uint32_t n, uint32_t i,
                             uint8_t st)
{
    if (!out->st) {
        out->st = own_st;
        memset(own_st, WK_VALID, n);
    }
    out->st[i] = st;
}

#endif
