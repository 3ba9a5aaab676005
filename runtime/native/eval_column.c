/* Columns and constants into vectors. Consecutive rows of a fixed-width column are a vector as they
   lie; selected rows, build rows, bits and strings are gathered. */
#include <string.h>

#include "runtime/native/eval_internal.h"

typedef unsigned __int128 u128_any __attribute__((aligned(1)));

/* One byte of eight bits, LSB first, to eight bytes 0/1. */
static inline uint64_t spread(uint8_t bits)
{
    uint64_t x = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return (x + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

/* Bits [FROM, FROM + N) to bytes 0/1, inverted when FLIP is 1. OUT has room for whole words. */
static void bits_to_bytes(const uint8_t *bits, size_t from, uint32_t n, uint8_t flip, uint8_t *out)
{
    uint32_t i = 0;
    uint64_t mask = flip ? UINT64_C(0x0101010101010101) : 0;
    for (; i < n && (from + i) & 7; i++) out[i] = (uint8_t)(weir_bit(bits, from + i) ^ flip);
    for (; i + 8 <= n; i += 8) {
        uint64_t w = spread(bits[(from + i) >> 3]) ^ mask;
        memcpy(out + i, &w, 8);
    }
    for (; i < n; i++) out[i] = (uint8_t)(weir_bit(bits, from + i) ^ flip);
}

static bool all_set(const uint8_t *bits, size_t from, uint32_t n)
{
    uint32_t i = 0;
    for (; i < n && (from + i) & 7; i++)
        if (!weir_bit(bits, from + i)) return false;
    uint64_t all = ~UINT64_C(0);
    for (; i + 64 <= n; i += 64) {
        uint64_t w;
        memcpy(&w, bits + ((from + i) >> 3), 8);
        all &= w;
    }
    if (all != ~UINT64_C(0)) return false;
    for (; i < n; i++)
        if (!weir_bit(bits, from + i)) return false;
    return true;
}

static void load_run(struct stage_reg *r, const struct weir_column *c, size_t from, uint32_t n)
{
    enum weir_phys p = weir_type_phys(c->type);
    size_t size = weir_phys_size(p);
    if (c->validity && !all_set(c->validity, from, n)) {
        bits_to_bytes(c->validity, from, n, 1, r->st);
        r->v.st = r->st;
    }
    if (p == WEIR_PHYS_BOOL) {
        bits_to_bytes(c->values, from, n, 0, r->data);
    } else if (p == WEIR_PHYS_STR) {
        struct weir_str *out = r->data;
        const int32_t *off = (const int32_t *)c->values + from;
        for (uint32_t i = 0; i < n; i++)
            out[i] = (struct weir_str){c->data + off[i], (uint32_t)(off[i + 1] - off[i])};
    } else {
        uintptr_t at = (uintptr_t)c->values + from * size;
        if (at % size)
            memcpy(r->data, (const void *)at, n * size); /* foreign memory, not aligned */
        else
            r->v.data = (void *)at; /* only read */
    }
}

#define GATHER(T)                                                                                  \
    do {                                                                                           \
        const T *in = c->values;                                                                   \
        T *out = r->data;                                                                          \
        if (holes)                                                                                 \
            for (uint32_t i = 0; i < n; i++) out[i] = row[i] == EVAL_NO_ROW ? 0 : in[row[i]];      \
        else                                                                                       \
            for (uint32_t i = 0; i < n; i++) out[i] = in[row[i]];                                  \
    } while (0)

static void gather_values(struct stage_reg *r, const struct weir_column *c, const uint32_t *row,
                          uint32_t n, bool holes)
{
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_BOOL:
        for (uint32_t i = 0; i < n; i++)
            ((uint8_t *)r->data)[i] = row[i] != EVAL_NO_ROW && weir_bit(c->values, row[i]);
        break;
    case WEIR_PHYS_I8: GATHER(uint8_t); break;
    case WEIR_PHYS_I16: GATHER(uint16_t); break;
    case WEIR_PHYS_I32:
    case WEIR_PHYS_F32: GATHER(uint32_t); break;
    case WEIR_PHYS_I64:
    case WEIR_PHYS_F64: GATHER(uint64_t); break;
    case WEIR_PHYS_I128: GATHER(u128_any); break;
    default:
        for (uint32_t i = 0; i < n; i++)
            ((struct weir_str *)r->data)[i] =
                row[i] == EVAL_NO_ROW ? (struct weir_str){"", 0} : weir_column_str(c, row[i]);
    }
}

static void load_rows(struct stage_reg *r, const struct weir_column *c, const uint32_t *row,
                      uint32_t n)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++) most = row[i] > most ? row[i] : most;
    bool holes = most == EVAL_NO_ROW;
    gather_values(r, c, row, n, holes);
    if (!holes && !c->validity) return;
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= r->st[i] = row[i] == EVAL_NO_ROW || weir_column_is_null(c, row[i]);
    if (any) r->v.st = r->st;
}

int eval_load_column(struct weir_eval *ev, struct eval_stage *s, uint32_t reg)
{
    const struct weir_insn *in = ev->op[reg].insn;
    struct stage_reg *r = &s->reg[reg];
    const uint32_t *row = in->table ? s->build[in->table - 1] : s->row;
    const struct weir_column *c =
        in->table ? &ev->tables[in->table - 1]->payload->col[in->a] : &ev->batch->col[in->a];
    if (c->type.id == WEIR_TYPE_NULL) {
        memset(r->data, 0, s->n * weir_phys_size(weir_type_phys(in->type)));
        memset(r->st, WK_NULL, s->n);
        r->v.st = r->st;
    } else if (row || in->table) {
        load_rows(r, c, row, s->n);
    } else {
        load_run(r, c, s->base, s->n);
    }
    return WEIR_OK;
}

#define COMPACT(T)                                                                                 \
    do {                                                                                           \
        const T *in = from->data;                                                                  \
        T *o = to->data;                                                                           \
        for (uint32_t i = 0; i < n; i++) o[i] = in[sel[i]];                                        \
    } while (0)

void eval_gather(struct weir_vec *out, struct stage_reg *to, const struct weir_vec *from,
                 const uint32_t *sel, uint32_t n)
{
    *out = (struct weir_vec){.type = from->type, .data = to->data};
    switch (weir_phys_size(weir_type_phys(from->type))) {
    case 1: COMPACT(uint8_t); break;
    case 2: COMPACT(uint16_t); break;
    case 4: COMPACT(uint32_t); break;
    case 8: COMPACT(uint64_t); break;
    default: COMPACT(u128_any);
    }
    if (!from->st) return;
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) any |= to->st[i] = from->st[sel[i]];
    if (any) out->st = to->st;
}

int eval_load_const(struct weir_eval *ev, const struct weir_insn *in, struct weir_vec *v,
                    uint8_t *st)
{
    const struct weir_const *c = weir_pipe_const(ev->p) + in->a;
    if (c->is_null || c->type.id == WEIR_TYPE_NULL) {
        *st = WK_NULL;
        v->st = st;
        if (weir_type_phys(in->type) == WEIR_PHYS_STR)
            *(struct weir_str *)v->data = (struct weir_str){"", 0};
        return WEIR_OK;
    }
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_BOOL: *(uint8_t *)v->data = c->i != 0; break;
    case WEIR_PHYS_I8: *(int8_t *)v->data = (int8_t)c->i; break;
    case WEIR_PHYS_I16: *(int16_t *)v->data = (int16_t)c->i; break;
    case WEIR_PHYS_I32: *(int32_t *)v->data = (int32_t)c->i; break;
    case WEIR_PHYS_I64: *(int64_t *)v->data = c->i; break;
    case WEIR_PHYS_I128: memcpy(v->data, c->w, 16); break;
    case WEIR_PHYS_F32: *(float *)v->data = (float)c->f; break;
    case WEIR_PHYS_F64: *(double *)v->data = c->f; break;
    default:
        *(struct weir_str *)v->data = (struct weir_str){weir_pipe_bytes(ev->p) + c->off, c->len};
    }
    return WEIR_OK;
}
