/* FILTER: masks of bytes, and selections made from them.

   A mask starts as ones; each conjunct clears what is not TRUE. Comparisons of numbers clear it in
   one vectorised loop that reads the columns as they lie in the batch. When nothing is left the
   other conjuncts are not looked at, so clustered data is not even read. */
#include <string.h>

#include "kernels/common/compare.h"
#include "kernels/common/wide.h"
#include "runtime/native/eval_internal.h"
#include "runtime/native/keys.h"

#define BLOCK         64 /* rows that a comparison does between requests for memory */
#define LINES_A_BLOCK 8

/* ---- comparisons into the mask ----
   mask &= a[i] op b[i], mask &= a[i] op b and mask &= low <= a[i] <= high, where the constants are
   not NaN. */

#define MASK_LOOP(name, T, TAKE, EXPR)                                                             \
    static EVAL_CLONES void mask_##name(uint8_t *restrict m, const void *pa, const void *pb,       \
                                        uint32_t n)                                                \
    {                                                                                              \
        const T *restrict a = pa;                                                                  \
        TAKE for (uint32_t i = 0; i < n; i++) m[i] &= EXPR;                                        \
    }
#define ONE_OF(T)  const T c = *(const T *)pb;
#define TWO_OF(T)  const T low = ((const T *)pb)[0], high = ((const T *)pb)[1];
#define EACH_OF(T) const T *restrict b = pb;

#define MASK_BOTH(T, sfx)                                                                          \
    MASK_LOOP(both_eq_##sfx, T, EACH_OF(T), wk_eq_##sfx(a[i], b[i]))                               \
    MASK_LOOP(both_ne_##sfx, T, EACH_OF(T), wk_ne_##sfx(a[i], b[i]))                               \
    MASK_LOOP(both_lt_##sfx, T, EACH_OF(T), wk_lt_##sfx(a[i], b[i]))                               \
    MASK_LOOP(both_le_##sfx, T, EACH_OF(T), wk_le_##sfx(a[i], b[i]))                               \
    MASK_LOOP(both_gt_##sfx, T, EACH_OF(T), wk_gt_##sfx(a[i], b[i]))                               \
    MASK_LOOP(both_ge_##sfx, T, EACH_OF(T), wk_ge_##sfx(a[i], b[i]))
/* Written so that a NaN on the left counts as larger than the constant. */
#define MASK_CONST(T, sfx)                                                                         \
    MASK_LOOP(const_eq_##sfx, T, ONE_OF(T), a[i] == c)                                             \
    MASK_LOOP(const_ne_##sfx, T, ONE_OF(T), a[i] != c)                                             \
    MASK_LOOP(const_lt_##sfx, T, ONE_OF(T), a[i] < c)                                              \
    MASK_LOOP(const_le_##sfx, T, ONE_OF(T), a[i] <= c)                                             \
    MASK_LOOP(const_gt_##sfx, T, ONE_OF(T), !(a[i] <= c))                                          \
    MASK_LOOP(const_ge_##sfx, T, ONE_OF(T), !(a[i] < c))
#define MASK_ALL(T, sfx)                                                                           \
    MASK_BOTH(T, sfx)                                                                              \
    MASK_CONST(T, sfx)                                                                             \
    MASK_LOOP(range_##sfx, T, TWO_OF(T), (a[i] >= low) & (a[i] <= high))
MASK_ALL(int8_t, i8)
MASK_ALL(int16_t, i16)
MASK_ALL(int32_t, i32)
MASK_ALL(int64_t, i64)
MASK_ALL(float, f32)
MASK_ALL(double, f64)
MASK_BOTH(wk_i128, i128)
MASK_CONST(wk_i128, i128)

#define MASK_ROW(kind, sfx)                                                                        \
    {                                                                                              \
        mask_##kind##_eq_##sfx, mask_##kind##_ne_##sfx, mask_##kind##_lt_##sfx,                    \
            mask_##kind##_le_##sfx, mask_##kind##_gt_##sfx, mask_##kind##_ge_##sfx                 \
    }
static const mask_fn mask_table[2][WEIR_PHYS_COUNT_][6] = {
    {[WEIR_PHYS_I8] = MASK_ROW(both, i8),
     [WEIR_PHYS_I16] = MASK_ROW(both, i16),
     [WEIR_PHYS_I32] = MASK_ROW(both, i32),
     [WEIR_PHYS_I64] = MASK_ROW(both, i64),
     [WEIR_PHYS_F32] = MASK_ROW(both, f32),
     [WEIR_PHYS_F64] = MASK_ROW(both, f64),
     [WEIR_PHYS_I128] = MASK_ROW(both, i128)},
    {[WEIR_PHYS_I8] = MASK_ROW(const, i8),
     [WEIR_PHYS_I16] = MASK_ROW(const, i16),
     [WEIR_PHYS_I32] = MASK_ROW(const, i32),
     [WEIR_PHYS_I64] = MASK_ROW(const, i64),
     [WEIR_PHYS_F32] = MASK_ROW(const, f32),
     [WEIR_PHYS_F64] = MASK_ROW(const, f64),
     [WEIR_PHYS_I128] = MASK_ROW(const, i128)},
};

mask_fn eval_range_fn(enum weir_phys phys)
{
    static const mask_fn range[WEIR_PHYS_COUNT_] = {
        [WEIR_PHYS_I8] = mask_range_i8,   [WEIR_PHYS_I16] = mask_range_i16,
        [WEIR_PHYS_I32] = mask_range_i32, [WEIR_PHYS_I64] = mask_range_i64,
        [WEIR_PHYS_F32] = mask_range_f32, [WEIR_PHYS_F64] = mask_range_f64,
    };
    return range[phys];
}

mask_fn eval_mask_fn(int op, enum weir_phys phys, bool constant)
{
    return mask_table[constant][phys][op - WEIR_OP_EQ];
}

static EVAL_CLONES void and_not_null(uint8_t *restrict m, const uint8_t *restrict st, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) m[i] &= st[i] == 0;
}

static EVAL_CLONES void and_or_null(uint8_t *restrict m, const uint8_t *restrict v,
                                    const uint8_t *restrict st, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) m[i] &= (uint8_t)(v[i] | (st[i] != 0));
}

static EVAL_CLONES void and_bytes(uint8_t *restrict m, const uint8_t *restrict v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) m[i] &= v[i];
}

static bool is_empty(const uint8_t *m, uint32_t n)
{
    uint64_t any = 0, w;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, m + i, 8);
        any |= w;
    }
    for (; i < n; i++) any |= m[i];
    return any == 0;
}

/* MASK &= V, where V's rows in state ST (may be NULL) are not valid. */
static void and_values(uint8_t *m, const uint8_t *v, const uint8_t *st, uint32_t n, bool keep_null)
{
    if (st && keep_null) {
        and_or_null(m, v, st, n);
        return;
    }
    and_bytes(m, v, n);
    if (st) and_not_null(m, st, n);
}

/* In blocks, with requests for the next vector's memory in between. */
static void compare(struct weir_eval *ev, const struct eval_conj *c, uint8_t *m,
                    const struct weir_vec *a, const void *with, bool each, uint32_t n)
{
    size_t size = weir_phys_size(weir_type_phys(a->type));
    for (uint32_t i = 0; i < n; i += BLOCK) {
        uint32_t k = n - i < BLOCK ? n - i : BLOCK;
        c->cmp(m + i, (const char *)a->data + i * size, each ? (const char *)with + i * size : with,
               k);
        eval_prefetch(ev, LINES_A_BLOCK);
    }
}

static void and_conj(struct weir_eval *ev, struct eval_stage *s, const struct eval_conj *c,
                     uint8_t *m)
{
    const struct weir_vec *a = eval_reg(ev, s, c->a);
    uint32_t n = s->n;
    if (!c->cmp) {
        if (a->constant) {
            bool pass = weir_vec_state(a, 0) ? s->keep_null : *(const uint8_t *)a->data;
            if (!pass) memset(m, 0, n);
        } else {
            and_values(m, a->data, a->st, n, s->keep_null);
        }
        return;
    }
    const struct weir_vec *b = c->bounds ? NULL : eval_reg(ev, s, c->b);
    const void *with = c->bounds ? c->bounds : b->data;
    if (!a->st && (!b || !b->st)) {
        compare(ev, c, m, a, with, b && !b->constant, n);
        return;
    }
    uint8_t v[WEIR_VECTOR], st[WEIR_VECTOR];
    const struct weir_vec *both[2] = {a, b};
    memset(v, 1, n);
    compare(ev, c, v, a, with, b && !b->constant, n);
    and_values(m, v, eval_strict(b ? 2 : 1, both, n, st), n, s->keep_null);
}

/* ---- selections ---- */

/* The positions of ones. Eight rows at a time are skipped when none is selected, else go without a
   branch. */
uint32_t eval_select(const uint8_t *mask, uint32_t n, uint32_t *sel)
{
    uint32_t m = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, mask + i, 8);
        if (!w) continue;
        for (uint32_t k = i; k < i + 8; k++) {
            sel[m] = k;
            m += mask[k];
        }
    }
    for (; i < n; i++) {
        sel[m] = i;
        m += mask[i];
    }
    return m;
}

static int pass_selected(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    uint32_t n = eval_select(s->mask, s->n, s->sel);
    return eval_pass(ev, s, s->next, n == s->n ? NULL : s->sel, n, err);
}

static int run_mask(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    memset(s->mask, 1, s->n);
    for (uint32_t k = 0; k < s->n_conj; k++) {
        and_conj(ev, s, &s->conj[k], s->mask);
        if (is_empty(s->mask, s->n)) return eval_pass(ev, s, s->next, s->sel, 0, err);
    }
    eval_prefetch(ev, UINT32_MAX);
    return pass_selected(ev, s, err);
}

uint32_t eval_true_rows(struct weir_eval *ev, struct eval_stage *s, uint32_t reg)
{
    const struct weir_vec *v = eval_reg(ev, s, reg);
    if (v->constant)
        memset(s->mask, *(const uint8_t *)v->data, s->n);
    else
        memcpy(s->mask, v->data, s->n);
    if (!v->st) return s->n;
    if (v->constant && v->st[0]) memset(s->mask, 0, s->n);
    if (!v->constant) and_not_null(s->mask, v->st, s->n);
    return weir_vec_first_error(v, s->n);
}

int eval_run_filter(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    if (s->kind == STAGE_MASK) return run_mask(ev, s, err);
    uint32_t failed = eval_true_rows(ev, s, s->pred);
    if (failed < s->n) return eval_report(ev, s, failed, s->pred, err);
    return pass_selected(ev, s, err);
}
