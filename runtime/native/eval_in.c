/* x IN (constants): a few integers are compared one after the other over the whole vector, more
   values are looked up in a hash set that is built once. Floats are taken by their key words, so
   that NaN finds NaN and -0 finds 0. */
#include <string.h>

#include "kernels/common/hash.h"
#include "runtime/native/eval_internal.h"

#define FEW 8

struct set {
    bool has_null;
    uint32_t n;
    uint32_t words;              /* of a value: 1, 2 for I128; 0: strings */
    const uint64_t *value;       /* [n * words] distinct */
    const struct weir_str *text; /* [n] distinct */
    uint32_t mask;
    const uint32_t *slot; /* [mask + 1] value + 1, or 0 */
};

static uint64_t hash_of(const struct set *s, const uint64_t *w, const struct weir_str *t)
{
    if (t) return wk_hash_bytes(WK_HASH_SEED, (const uint8_t *)t->data, t->len);
    uint64_t h = wk_hash_word(WK_HASH_SEED, w[0]);
    return s->words == 2 ? wk_hash_word(h, w[1]) : h;
}

static bool equal(const struct set *s, uint32_t i, const uint64_t *w, const struct weir_str *t)
{
    if (t) return s->text[i].len == t->len && !memcmp(s->text[i].data, t->data, t->len);
    return s->value[(size_t)i * s->words] == w[0] &&
           (s->words < 2 || s->value[(size_t)i * 2 + 1] == w[1]);
}

static bool has(const struct set *s, const uint64_t *w, const struct weir_str *t)
{
    for (uint32_t at = (uint32_t)hash_of(s, w, t) & s->mask; s->slot[at]; at = (at + 1) & s->mask)
        if (equal(s, s->slot[at] - 1, w, t)) return true;
    return false;
}

/* The key words of row I of column type PHYS. */
static inline void key_of(enum weir_phys p, const void *data, uint32_t i, uint64_t w[2])
{
    switch (p) {
    case WEIR_PHYS_BOOL: w[0] = ((const uint8_t *)data)[i]; break;
    case WEIR_PHYS_I8: w[0] = (uint64_t)(int64_t)((const int8_t *)data)[i]; break;
    case WEIR_PHYS_I16: w[0] = (uint64_t)(int64_t)((const int16_t *)data)[i]; break;
    case WEIR_PHYS_I32: w[0] = (uint64_t)(int64_t)((const int32_t *)data)[i]; break;
    case WEIR_PHYS_I64: w[0] = ((const uint64_t *)data)[i]; break;
    case WEIR_PHYS_F32: w[0] = wk_key_f64((double)((const float *)data)[i]); break;
    case WEIR_PHYS_F64: w[0] = wk_key_f64(((const double *)data)[i]); break;
    default: memcpy(w, (const char *)data + (size_t)i * 16, 16);
    }
}

/* Rows that are not in the set are FALSE, or NULL when a constant is. */
static void add_nulls(const struct set *s, uint32_t n, struct weir_vec *out, uint8_t *own_st)
{
    const uint8_t *r = out->data;
    if (!s->has_null) return;
    if (!out->st) memset(own_st, WK_VALID, n);
    out->st = own_st;
    for (uint32_t i = 0; i < n; i++)
        if (!r[i] && !own_st[i]) own_st[i] = WK_NULL;
}

#define FEW_FN(name, T)                                                                            \
    static EVAL_CLONES void few_##name(uint8_t *restrict r, const T *restrict x,                   \
                                       const uint64_t *restrict value, uint32_t n_values,          \
                                       uint32_t n)                                                 \
    {                                                                                              \
        memset(r, 0, n);                                                                           \
        for (uint32_t k = 0; k < n_values; k++) {                                                  \
            const T v = (T)value[k];                                                               \
            for (uint32_t i = 0; i < n; i++) r[i] |= x[i] == v;                                    \
        }                                                                                          \
    }                                                                                              \
    static int eval_few_##name(struct weir_eval *ev, const struct eval_op *op, uint32_t n,         \
                               const struct weir_vec *const *a, struct weir_vec *out,              \
                               uint8_t *own_st)                                                    \
    {                                                                                              \
        (void)ev;                                                                                  \
        const struct set *s = op->state;                                                           \
        out->st = eval_strict(1, a, n, own_st);                                                    \
        few_##name(out->data, a[0]->data, s->value, s->n, n);                                      \
        add_nulls(s, n, out, own_st);                                                              \
        return WEIR_OK;                                                                            \
    }
FEW_FN(i8, int8_t)
FEW_FN(i16, int16_t)
FEW_FN(i32, int32_t)
FEW_FN(i64, int64_t)

static int eval_in_set(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                       const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    (void)ev;
    const struct set *s = op->state;
    enum weir_phys p = weir_type_phys(op->in[0]);
    uint8_t *r = out->data;
    out->st = eval_strict(1, a, n, own_st);
    if (s->words)
        for (uint32_t i = 0; i < n; i++) {
            uint64_t w[2] = {0, 0};
            key_of(p, a[0]->data, i, w);
            r[i] = has(s, w, NULL);
        }
    else
        for (uint32_t i = 0; i < n; i++)
            r[i] = has(s, NULL, (const struct weir_str *)a[0]->data + i);
    add_nulls(s, n, out, own_st);
    return WEIR_OK;
}

static void add_value(struct set *s, uint64_t *value, struct weir_str *text, uint32_t *slot,
                      enum weir_phys p, const struct weir_const *c, const char *bytes)
{
    uint64_t w[2] = {c->w[0], c->w[1]};
    struct weir_str t = {s->words ? "" : bytes + c->off, c->len};
    if (p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64) w[0] = wk_key_f64(c->f);
    const struct weir_str *key = s->words ? NULL : &t;
    if (has(s, w, key)) return;
    if (s->words)
        memcpy(value + (size_t)s->n * s->words, w, s->words * sizeof *w);
    else
        text[s->n] = t;
    uint32_t at = (uint32_t)hash_of(s, w, key) & s->mask;
    while (slot[at]) at = (at + 1) & s->mask;
    slot[at] = ++s->n;
}

int eval_compile_in(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)err;
    const struct weir_insn *in = op->insn;
    enum weir_phys p = weir_type_phys(op->in[0]);
    struct set *s = weir_arena_alloc(&ev->arena, sizeof *s);
    size_t cap = 16;
    while (cap < (size_t)in->c * 2) cap *= 2;
    uint64_t *value = weir_arena_alloc(&ev->arena, (size_t)in->c * 16 + 16);
    struct weir_str *text = weir_arena_alloc(&ev->arena, (size_t)in->c * sizeof *text + 16);
    uint32_t *slot = weir_arena_alloc(&ev->arena, cap * sizeof *slot);
    if (!s || !value || !text || !slot) return WEIR_ERR_NOMEM;
    s->words = p == WEIR_PHYS_STR ? 0 : p == WEIR_PHYS_I128 ? 2 : 1;
    s->value = value;
    s->text = text;
    s->slot = slot;
    s->mask = (uint32_t)cap - 1;
    for (uint32_t k = 0; k < in->c; k++) {
        const struct weir_const *c = weir_pipe_const(ev->p) + in->b + k;
        if (c->is_null)
            s->has_null = true;
        else
            add_value(s, value, text, slot, p, c, weir_pipe_bytes(ev->p));
    }
    static const eval_fn few[] = {[WEIR_PHYS_I8] = eval_few_i8,
                                  [WEIR_PHYS_I16] = eval_few_i16,
                                  [WEIR_PHYS_I32] = eval_few_i32,
                                  [WEIR_PHYS_I64] = eval_few_i64};
    bool is_few = p >= WEIR_PHYS_I8 && p <= WEIR_PHYS_I64 && s->n <= FEW;
    op->state = s;
    op->fn = is_few ? few[p] : eval_in_set;
    op->flat = true;
    op->cost += is_few ? 1 + s->n / 2 : p == WEIR_PHYS_STR ? 25 : 8;
    return WEIR_OK;
}
