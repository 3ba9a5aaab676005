/* FILTER: masks of bytes, and selections made from them.

   A mask starts as ones; each conjunct clears what is not TRUE. Comparisons of numbers clear it in
   one vectorised loop that reads the columns as they lie in the batch. When nothing is left the
   other conjuncts are not looked at, so clustered data is not even read. */
#include <string.h>

#include "kernels/common/compare.h"
#include "kernels/common/wide.h"
#include "runtime/native/eval_internal.h"
#include "runtime/native/keys.h"

/* ---- mask &= a[i] op b (a constant) and mask &= a[i] op b[i] ---- */

#define MASK_FN(name, T, sfx)                                                                      \
    static EVAL_CLONES void mask_const_##name##_##sfx(uint8_t *restrict m, const void *pa,         \
                                                      const void *pb, uint32_t n)                  \
    {                                                                                              \
        const T *restrict a = pa;                                                                  \
        const T b = *(const T *)pb;                                                                \
        for (uint32_t i = 0; i < n; i++) m[i] &= wk_##name##_##sfx(a[i], b);                       \
    }                                                                                              \
    static EVAL_CLONES void mask_both_##name##_##sfx(uint8_t *restrict m, const void *pa,          \
                                                     const void *pb, uint32_t n)                   \
    {                                                                                              \
        const T *restrict a = pa;                                                                  \
        const T *restrict b = pb;                                                                  \
        for (uint32_t i = 0; i < n; i++) m[i] &= wk_##name##_##sfx(a[i], b[i]);                    \
    }
#define MASK_FNS(T, sfx)                                                                           \
    MASK_FN(eq, T, sfx)                                                                            \
    MASK_FN(ne, T, sfx)                                                                            \
    MASK_FN(lt, T, sfx)                                                                            \
    MASK_FN(le, T, sfx)                                                                            \
    MASK_FN(gt, T, sfx)                                                                            \
    MASK_FN(ge, T, sfx)
MASK_FNS(int8_t, i8)
MASK_FNS(int16_t, i16)
MASK_FNS(int32_t, i32)
MASK_FNS(int64_t, i64)
MASK_FNS(float, f32)
MASK_FNS(double, f64)
MASK_FNS(wk_i128, i128)

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
    const struct weir_vec *b = eval_reg(ev, s, c->b);
    if (!a->st && !b->st) {
        c->cmp(m, a->data, b->data, n);
        return;
    }
    uint8_t v[WEIR_VECTOR], st[WEIR_VECTOR];
    const struct weir_vec *both[2] = {a, b};
    memset(v, 1, n);
    c->cmp(v, a->data, b->data, n);
    and_values(m, v, eval_strict(2, both, n, st), n, s->keep_null);
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
