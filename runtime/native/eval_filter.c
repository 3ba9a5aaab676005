/* FILTER: conjuncts into the bits of the rows that they let through, and selections made from them.

   Comparisons of numbers with constants and of two columns are fused into the masks and read the
   columns as they lie in the batch. The rows go through in blocks of 64, each through all
   conjuncts, so that every column is read in one steady stream. When a block is empty its other
   conjuncts are not looked at, so clustered data is not even read. */
#include <string.h>

#include "runtime/native/eval_internal.h"
#include "runtime/native/keys.h"

static EVAL_CLONES void and_not_null(uint8_t *restrict m, const uint8_t *restrict st, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) m[i] &= st[i] == 0;
}

/* ---- masks ---- */

/* What conjunct C reads, for the vector of rows in S. */
static void conj_open(const struct weir_eval *ev, const struct eval_stage *s, struct eval_conj *c)
{
    const struct weir_vec *a = eval_reg(ev, s, c->a);
    const struct weir_vec *b = c->cmp && !c->bounds ? eval_reg(ev, s, c->b) : NULL;
    c->at = a->data;
    if (a->constant) {
        c->at = NULL;
        c->pass = weir_vec_state(a, 0) ? s->keep_null : *(const uint8_t *)a->data;
        return;
    }
    c->size = c->cmp ? weir_phys_size(weir_type_phys(a->type)) : 1;
    c->with = c->bounds ? c->bounds : b ? b->data : NULL;
    c->with_size = b && !b->constant ? c->size : 0;
    c->st[0] = a->st;
    c->st[1] = b ? b->st : NULL;
}

/* The rows [FROM, FROM + N) that conjunct C lets through. */
static inline uint64_t conj_bits(const struct eval_conj *c, uint32_t from, uint32_t n,
                                 bool keep_null)
{
    if (!c->at) return c->pass ? ~UINT64_C(0) : 0;
    const char *at = (const char *)c->at + from * c->size;
    uint64_t bits, invalid = 0;
    if (c->cmp)
        bits = c->cmp(at, (const char *)c->with + from * c->with_size, n);
    else
        bits = mask_of_bytes((const uint8_t *)at, n);
    for (int k = 0; k < 2; k++)
        if (c->st[k]) invalid |= mask_of_bytes(c->st[k] + from, n);
    return keep_null ? bits | invalid : bits & ~invalid;
}

/* ---- asking for what is read next ---- */

#define MAX_WANTED 8

/* Columns that the stage after a mask reads where they lie, for the rows that were selected. */
struct wanted {
    uint32_t n;
    struct {
        const char *at; /* the vector's first row */
        size_t size;
    } col[MAX_WANTED];
};

static void wanted_open(const struct weir_eval *ev, const struct eval_stage *s, struct wanted *w)
{
    const struct eval_stage *next = &ev->stage[s->next];
    w->n = 0;
    if (s->row) return;
    for (uint32_t k = 0; k < next->n_compute && w->n < MAX_WANTED; k++) {
        const struct weir_insn *in = ev->op[next->compute[k]].insn;
        if (in->op != WEIR_OP_COLUMN || in->table) continue;
        const struct weir_column *c = &ev->batch->col[in->a];
        size_t size = weir_phys_size(weir_type_phys(c->type));
        if (c->type.id == WEIR_TYPE_NULL || c->type.id == WEIR_TYPE_BOOLEAN) continue;
        if (weir_type_phys(c->type) == WEIR_PHYS_STR) size = sizeof(int32_t);
        w->col[w->n].at = (const char *)c->values + s->base * size;
        w->col[w->n++].size = size;
    }
}

static inline void want(const struct wanted *w, uint32_t row)
{
    for (uint32_t k = 0; k < w->n; k++) __builtin_prefetch(w->col[k].at + row * w->col[k].size);
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
    struct wanted wanted;
    uint32_t m = 0;
    wanted_open(ev, s, &wanted);
    for (uint32_t k = 0; k < s->n_conj; k++) conj_open(ev, s, &s->conj[k]);
    for (uint32_t from = 0; from < s->n; from += MASK_ROWS) {
        uint32_t n = s->n - from < MASK_ROWS ? s->n - from : MASK_ROWS;
        uint64_t bits = mask_first(n);
        for (uint32_t k = 0; bits && k < s->n_conj; k++)
            bits &= conj_bits(&s->conj[k], from, n, s->keep_null);
        for (; bits; bits &= bits - 1) {
            uint32_t row = from + (uint32_t)__builtin_ctzll(bits);
            s->sel[m++] = row;
            want(&wanted, row);
        }
    }
    return eval_pass(ev, s, s->next, m == s->n ? NULL : s->sel, m, err);
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
