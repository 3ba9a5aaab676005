/* Vectors, and what functions may ask of the interpreter that calls them. */
#include "runtime/native/eval_internal.h"

#include <string.h>

#include "kernels/common/hash.h"

#define SCRATCH_BLOCK (64 * 1024)

struct weir_value weir_vec_value(const struct weir_vec *v, uint32_t i)
{
    struct weir_value x = {.type = v->type, .is_null = weir_vec_state(v, i) != WK_VALID};
    if (x.is_null) return x;
    if (v->constant) i = 0;
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: x.b = ((const uint8_t *)v->data)[i]; break;
    case WEIR_PHYS_I8: x.i = ((const int8_t *)v->data)[i]; break;
    case WEIR_PHYS_I16: x.i = ((const int16_t *)v->data)[i]; break;
    case WEIR_PHYS_I32: x.i = ((const int32_t *)v->data)[i]; break;
    case WEIR_PHYS_I64: x.i = ((const int64_t *)v->data)[i]; break;
    case WEIR_PHYS_I128: memcpy(&x.x, (const char *)v->data + (size_t)i * 16, 16); break;
    case WEIR_PHYS_F32: x.f = (double)((const float *)v->data)[i]; break;
    case WEIR_PHYS_F64: x.f = ((const double *)v->data)[i]; break;
    default: x.s = ((const struct weir_str *)v->data)[i];
    }
    return x;
}

/* ---- scratch ---- */

char *scratch_alloc(struct scratch *s, size_t n)
{
    if (n > SIZE_MAX / 2) return NULL;
    n = (n + 15) & ~(size_t)15;
    struct scratch_block *b = s->current;
    while (b && b->size - b->used < n && b->next) {
        b = b->next;
        b->used = 0;
    }
    if (!b || b->size - b->used < n) {
        size_t size = n > SCRATCH_BLOCK ? n : SCRATCH_BLOCK;
        struct scratch_block *fresh = weir_malloc_aligned(64 + size);
        if (!fresh) return NULL;
        *fresh = (struct scratch_block){.size = size};
        if (b)
            b->next = fresh;
        else
            s->first = fresh;
        b = fresh;
    }
    s->current = b;
    char *p = (char *)b + 64 + b->used;
    b->used += n;
    return p;
}

struct scratch_mark scratch_mark(const struct scratch *s)
{
    return (struct scratch_mark){s->current, s->current ? s->current->used : 0};
}

void scratch_release(struct scratch *s, struct scratch_mark m)
{
    s->current = m.block ? m.block : s->first;
    if (s->current) s->current->used = m.block ? m.used : 0;
}

void scratch_free(struct scratch *s)
{
    while (s->first) {
        struct scratch_block *next = s->first->next;
        weir_free(s->first);
        s->first = next;
    }
    s->current = NULL;
}

/* ---- for functions ---- */

char *weir_eval_scratch(struct weir_eval *ev, size_t n)
{
    return scratch_alloc(&ev->scratch, n);
}

uint8_t *weir_eval_states(struct weir_eval *ev, struct weir_vec *out, uint32_t n)
{
    if (out->st) return out->st;
    memset(ev->own_st, WK_VALID, n);
    return out->st = ev->own_st;
}

int64_t weir_eval_now(const struct weir_eval *ev)
{
    return ev->now_us;
}

uint64_t weir_eval_random(struct weir_eval *ev, const int64_t *seed)
{
    uint64_t start = seed ? wk_mix((uint64_t)*seed + WK_HASH_SEED) : ev->random;
    return wk_mix(start + ++ev->calls * WK_HASH_SEED);
}

char *weir_fn_put(struct weir_eval *ev, struct weir_vec *out, uint32_t i, const char *data,
                  size_t n)
{
    char *p = n <= INT32_MAX ? scratch_alloc(&ev->scratch, n ? n : 1) : NULL;
    struct weir_str *s = (struct weir_str *)out->data + i;
    if (!p) {
        *s = (struct weir_str){"", 0};
        weir_eval_states(ev, out, WEIR_VECTOR)[i] = WK_ERR_NOMEM;
        return NULL;
    }
    if (data && n) memcpy(p, data, n);
    *s = (struct weir_str){p, (uint32_t)n};
    return p;
}

uint8_t *eval_strict(int n_args, const struct weir_vec *const *a, uint32_t n, uint8_t *own_st)
{
    uint8_t *st = NULL;
    for (int k = 0; k < n_args; k++) {
        if (!a[k]->st) continue;
        if (!st) {
            st = own_st;
            if (a[k]->constant)
                memset(st, a[k]->st[0], n);
            else
                memcpy(st, a[k]->st, n);
        } else {
            for (uint32_t i = 0; i < n; i++) {
                uint8_t x = a[k]->st[a[k]->constant ? 0 : i];
                st[i] = x > st[i] ? x : st[i];
            }
        }
    }
    return st;
}
