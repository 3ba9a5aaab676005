/* Making pipeline descriptors. The builder keeps one growing array for each section and copies them
   into one block at the end. Instructions are shared by value: before one is added, an equal
   earlier one is looked for in a small hash table (a volatile function never shares). Registers
   stay valid across steps: an interpreter carries them along when a FILTER or PROBE changes the row
   set, so sharing never crosses a row wrongly. */
#include "runtime/plan/pipeline.h"

#include <string.h>

#include "kernels/common/hash.h"

struct vec {
    void *data;
    uint32_t n, cap;
};

struct memo {
    const struct weir_expr *expr;
    uint32_t reg;
};

struct weir_pipe_builder {
    struct vec input, insn, step, operand, constant, agg, table, type, bytes;
    struct vec hidden; /* uint32_t pairs: ranges of instructions that are never shared */
    struct vec slot;   /* uint32_t: instruction + 1, open addressing, a power of two entries */
    struct memo *memo; /* expression → register of the emit_expr call under way */
    uint32_t memo_n, memo_cap;
    bool oom;
    bool too_big;
};

static void *push(struct weir_pipe_builder *b, struct vec *v, size_t size, uint32_t n)
{
    if (b->oom) return NULL;
    if (v->n + n > v->cap || v->n + n < n) {
        uint64_t cap = v->cap ? v->cap : 16;
        while (cap < (uint64_t)v->n + n) cap *= 2;
        void *p = cap * size > UINT32_MAX ? NULL : weir_realloc(v->data, cap * size);
        if (!p) {
            b->oom = true;
            return NULL;
        }
        v->data = p;
        v->cap = (uint32_t)cap;
    }
    void *at = (char *)v->data + (size_t)v->n * size;
    v->n += n;
    if (n) memset(at, 0, n * size);
    return at;
}

struct weir_pipe_builder *weir_pipe_builder_new(void)
{
    return weir_calloc(1, sizeof(struct weir_pipe_builder));
}

void weir_pipe_builder_free(struct weir_pipe_builder *b)
{
    if (!b) return;
    struct vec *all[] = {&b->input, &b->insn, &b->step,  &b->operand, &b->constant, &b->agg,
                         &b->table, &b->type, &b->bytes, &b->slot,    &b->hidden};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) weir_free(all[i]->data);
    weir_free(b->memo);
    weir_free(b);
}

uint32_t weir_pipe_add_input(struct weir_pipe_builder *b, struct weir_type type)
{
    struct weir_type *t = push(b, &b->input, sizeof *t, 1);
    if (t) *t = type;
    return b->input.n - 1;
}

uint32_t weir_pipe_add_table(struct weir_pipe_builder *b, int n_keys, int n_columns,
                             const struct weir_type *types)
{
    uint32_t first = b->type.n;
    struct weir_type *t = push(b, &b->type, sizeof *t, (uint32_t)n_columns);
    if (t && n_columns) memcpy(t, types, (size_t)n_columns * sizeof *t);
    struct weir_pipe_table *table = push(b, &b->table, sizeof *table, 1);
    if (table) {
        table->first_type = first;
        table->n_columns = (uint32_t)n_columns;
        table->n_keys = (uint32_t)n_keys;
    }
    return b->table.n - 1;
}

/* ---- instructions, shared by value ---- */

static bool same_insn(const struct weir_insn *x, const struct weir_insn *y)
{
    return x->op == y->op && x->table == y->table && x->fn == y->fn && x->a == y->a &&
           x->b == y->b && x->c == y->c && weir_type_equal(x->type, y->type);
}

static uint64_t hash_insn(const struct weir_insn *in)
{
    uint64_t t;
    memcpy(&t, &in->type, sizeof t);
    uint64_t h =
        wk_hash_word(WK_HASH_SEED, (uint64_t)in->op << 32 | (uint64_t)in->table << 16 | in->fn);
    h = wk_hash_word(h, t);
    h = wk_hash_word(h, (uint64_t)in->a << 32 | in->b);
    return wk_hash_word(h, in->c);
}

static void insert_slot(struct weir_pipe_builder *b, uint32_t reg)
{
    uint32_t *slot = b->slot.data;
    uint32_t mask = b->slot.n - 1;
    uint32_t at = (uint32_t)hash_insn((struct weir_insn *)b->insn.data + reg) & mask;
    while (slot[at]) at = (at + 1) & mask;
    slot[at] = reg + 1;
}

static bool is_hidden(const struct weir_pipe_builder *b, uint32_t reg)
{
    const uint32_t *range = b->hidden.data;
    for (uint32_t i = 0; i < b->hidden.n; i += 2)
        if (reg >= range[i] && reg < range[i + 1]) return true;
    return false;
}

/* Make the table anew with N entries. */
static void make_slots(struct weir_pipe_builder *b, uint32_t n)
{
    weir_free(b->slot.data);
    memset(&b->slot, 0, sizeof b->slot);
    if (!push(b, &b->slot, sizeof(uint32_t), n)) return;
    for (uint32_t i = 0; i < b->insn.n; i++)
        if (!is_hidden(b, i)) insert_slot(b, i);
}

void weir_pipe_forget(struct weir_pipe_builder *b, uint32_t from)
{
    uint32_t *range = push(b, &b->hidden, sizeof *range, 2);
    if (!range) return;
    range[0] = from;
    range[1] = b->insn.n;
    if (b->slot.n) make_slots(b, b->slot.n);
}

static bool is_volatile(const struct weir_insn *in)
{
    const struct weir_function *f = in->op == WEIR_OP_CALL ? weir_function_at(in->fn) : NULL;
    return f && f->volatile_;
}

uint32_t weir_pipe_emit(struct weir_pipe_builder *b, const struct weir_insn *insn)
{
    if (b->oom) return 0;
    bool share = !is_volatile(insn);
    if (share && b->slot.n) {
        const uint32_t *slot = b->slot.data;
        const struct weir_insn *all = b->insn.data;
        uint32_t mask = b->slot.n - 1;
        for (uint32_t at = (uint32_t)hash_insn(insn) & mask; slot[at]; at = (at + 1) & mask)
            if (same_insn(&all[slot[at] - 1], insn)) return slot[at] - 1;
    }
    struct weir_insn *in = push(b, &b->insn, sizeof *in, 1);
    if (!in) return 0;
    *in = *insn;
    if (b->insn.n * 2 > b->slot.n)
        make_slots(b, b->slot.n ? b->slot.n * 2 : 64);
    else
        insert_slot(b, b->insn.n - 1);
    return b->insn.n - 1;
}

uint32_t weir_pipe_add_operands(struct weir_pipe_builder *b, const uint32_t *regs, int n)
{
    /* The same list again (a repeated call): keep one copy, so that equal calls compare equal. */
    const uint32_t *all = b->operand.data;
    for (uint32_t i = 0; n > 0 && i + (uint32_t)n <= b->operand.n; i++)
        if (!memcmp(all + i, regs, (size_t)n * sizeof *regs)) return i;
    uint32_t first = b->operand.n;
    uint32_t *p = push(b, &b->operand, sizeof *p, (uint32_t)n);
    if (p && n) memcpy(p, regs, (size_t)n * sizeof *p);
    return first;
}

uint32_t weir_pipe_emit_call(struct weir_pipe_builder *b, const struct weir_insn *insn, int n_args,
                             const uint32_t *args)
{
    struct weir_insn in = *insn;
    in.a = weir_pipe_add_operands(b, args, n_args);
    in.b = (uint32_t)n_args;
    return weir_pipe_emit(b, &in);
}

static bool same_const(const struct weir_pipe_builder *b, const struct weir_const *x,
                       const struct weir_const *y, const char *y_bytes)
{
    if (!weir_type_equal(x->type, y->type) || x->is_null != y->is_null) return false;
    if (x->is_null) return true;
    if (weir_type_phys(x->type) == WEIR_PHYS_STR)
        return x->len == y->len &&
               (!x->len || !memcmp((char *)b->bytes.data + x->off, y_bytes, x->len));
    return x->w[0] == y->w[0] && x->w[1] == y->w[1];
}

/* Add a constant; SHARE: an equal earlier one may serve. */
static uint32_t add_const(struct weir_pipe_builder *b, const struct weir_value *v, bool share)
{
    struct weir_const c;
    memset(&c, 0, sizeof c);
    c.type = v->type;
    c.is_null = v->is_null;
    const char *bytes = "";
    if (!v->is_null) {
        switch (weir_type_phys(v->type)) {
        case WEIR_PHYS_BOOL: c.i = v->b; break;
        case WEIR_PHYS_I128:
            c.w[0] = (uint64_t)v->x;
            c.w[1] = (uint64_t)((weir_u128)v->x >> 64);
            break;
        case WEIR_PHYS_F32:
        case WEIR_PHYS_F64: c.f = v->f; break;
        case WEIR_PHYS_STR:
            c.len = v->s.len;
            bytes = v->s.data;
            break;
        default: c.i = v->i;
        }
    }
    const struct weir_const *all = b->constant.data;
    for (uint32_t i = 0; share && i < b->constant.n; i++)
        if (same_const(b, &all[i], &c, bytes)) return i;
    if (c.len) {
        c.off = b->bytes.n;
        char *p = push(b, &b->bytes, 1, c.len);
        if (p) memcpy(p, bytes, c.len);
    }
    struct weir_const *slot = push(b, &b->constant, sizeof *slot, 1);
    if (slot) *slot = c;
    return b->constant.n - 1;
}

uint32_t weir_pipe_emit_const(struct weir_pipe_builder *b, const struct weir_value *v,
                              struct weir_pos pos)
{
    struct weir_insn in = {.op = WEIR_OP_CONST, .type = v->type, .pos = pos};
    in.a = add_const(b, v, true);
    return weir_pipe_emit(b, &in);
}

/* ---- expressions ---- */

static uint32_t memo_slot(const struct weir_pipe_builder *b, const struct weir_expr *e)
{
    uint32_t mask = b->memo_cap - 1;
    uint32_t at = (uint32_t)wk_mix((uint64_t)(uintptr_t)e) & mask;
    while (b->memo[at].expr && b->memo[at].expr != e) at = (at + 1) & mask;
    return at;
}

static void remember(struct weir_pipe_builder *b, const struct weir_expr *e, uint32_t reg)
{
    if ((b->memo_n + 1) * 2 > b->memo_cap) {
        struct memo *old = b->memo;
        uint32_t old_cap = b->memo_cap;
        b->memo_cap = old_cap ? old_cap * 2 : 64;
        b->memo = weir_calloc(b->memo_cap, sizeof *b->memo);
        if (!b->memo) {
            b->memo = old;
            b->memo_cap = old_cap;
            b->oom = true;
            return;
        }
        for (uint32_t i = 0; i < old_cap; i++)
            if (old[i].expr) b->memo[memo_slot(b, old[i].expr)] = old[i];
        weir_free(old);
    }
    b->memo[memo_slot(b, e)] = (struct memo){e, reg};
    b->memo_n++;
}

static uint32_t emit_tree(struct weir_pipe_builder *b, const struct weir_expr *e,
                          const uint32_t *columns);

static uint32_t emit_node(struct weir_pipe_builder *b, const struct weir_expr *e,
                          const uint32_t *columns)
{
    struct weir_insn in = {.op = e->op, .type = e->type, .pos = e->pos};
    uint32_t arg[WEIR_INSN_MAX_ARGS];
    switch (e->op) {
    case WEIR_OP_COLUMN: return columns[e->column];
    case WEIR_OP_CONST: return weir_pipe_emit_const(b, &e->value, e->pos);
    case WEIR_OP_IN:
        in.a = emit_tree(b, e->arg[0], columns);
        in.b = b->constant.n;
        in.c = (uint32_t)e->n_args - 1;
        for (int i = 1; i < e->n_args; i++) add_const(b, &e->arg[i]->value, false);
        return weir_pipe_emit(b, &in);
    case WEIR_OP_LIKE:
        in.a = emit_tree(b, e->arg[0], columns);
        in.b = add_const(b, &e->arg[1]->value, true);
        in.c = e->n_args > 2 ? add_const(b, &e->arg[2]->value, true) : WEIR_REG_NONE;
        return weir_pipe_emit(b, &in);
    case WEIR_OP_CALL:
        if (e->n_args > WEIR_INSN_MAX_ARGS) {
            b->too_big = true;
            return 0;
        }
        for (int i = 0; i < e->n_args; i++) arg[i] = emit_tree(b, e->arg[i], columns);
        in.fn = (uint16_t)weir_function_index(e->fn);
        return weir_pipe_emit_call(b, &in, e->n_args, arg);
    default:
        if (e->n_args > 0) in.a = emit_tree(b, e->arg[0], columns);
        if (e->n_args > 1) in.b = emit_tree(b, e->arg[1], columns);
        if (e->n_args > 2) in.c = emit_tree(b, e->arg[2], columns);
        return weir_pipe_emit(b, &in);
    }
}

static uint32_t emit_tree(struct weir_pipe_builder *b, const struct weir_expr *e,
                          const uint32_t *columns)
{
    if (b->oom) return 0;
    if (b->memo_cap) {
        const struct memo *m = &b->memo[memo_slot(b, e)];
        if (m->expr) return m->reg;
    }
    uint32_t reg = emit_node(b, e, columns);
    remember(b, e, reg);
    return reg;
}

uint32_t weir_pipe_emit_expr(struct weir_pipe_builder *b, const struct weir_expr *e,
                             const uint32_t *columns)
{
    if (b->memo_cap) memset(b->memo, 0, b->memo_cap * sizeof *b->memo);
    b->memo_n = 0;
    return emit_tree(b, e, columns);
}

/* ---- steps and the end ---- */

void weir_pipe_add_step(struct weir_pipe_builder *b, const struct weir_step *step)
{
    struct weir_step *s = push(b, &b->step, sizeof *s, 1);
    if (!s) return;
    *s = *step;
    if (s->kind == WEIR_STEP_PROBE && s->residual != WEIR_REG_NONE) return;
    s->first_insn_after = b->insn.n;
    s->residual_end = b->insn.n;
}

void weir_pipe_add_agg(struct weir_pipe_builder *b, const struct weir_pipe_agg *agg)
{
    struct weir_pipe_agg *a = push(b, &b->agg, sizeof *a, 1);
    if (a) *a = *agg;
}

uint32_t weir_pipe_step_count(const struct weir_pipe_builder *b)
{
    return b->step.n;
}

uint32_t weir_pipe_insn_count(const struct weir_pipe_builder *b)
{
    return b->insn.n;
}

struct weir_type weir_pipe_reg_type(const struct weir_pipe_builder *b, uint32_t reg)
{
    if (reg >= b->insn.n) return (struct weir_type){0};
    return ((const struct weir_insn *)b->insn.data)[reg].type;
}

static uint32_t place(struct weir_pipeline *p, uint64_t *end, const struct vec *v, size_t size)
{
    uint64_t off = *end;
    *end = (off + (uint64_t)v->n * size + 15) & ~(uint64_t)15;
    if (p && v->n) memcpy((char *)p + off, v->data, (size_t)v->n * size);
    return (uint32_t)off;
}

/* Lay the sections out one behind the other; P NULL: only measure. Returns the size. */
static uint64_t layout(const struct weir_pipe_builder *b, struct weir_pipeline *p)
{
    struct weir_pipeline h = {.version = WEIR_PIPELINE_VERSION};
    uint64_t end = (sizeof h + 15) & ~(uint64_t)15;
    h.n_inputs = b->input.n, h.off_input = place(p, &end, &b->input, sizeof(struct weir_type));
    h.n_insns = b->insn.n, h.off_insn = place(p, &end, &b->insn, sizeof(struct weir_insn));
    h.n_steps = b->step.n, h.off_step = place(p, &end, &b->step, sizeof(struct weir_step));
    h.n_operands = b->operand.n, h.off_operand = place(p, &end, &b->operand, sizeof(uint32_t));
    h.n_consts = b->constant.n;
    h.off_const = place(p, &end, &b->constant, sizeof(struct weir_const));
    h.n_aggs = b->agg.n, h.off_agg = place(p, &end, &b->agg, sizeof(struct weir_pipe_agg));
    h.n_tables = b->table.n,
    h.off_table = place(p, &end, &b->table, sizeof(struct weir_pipe_table));
    h.n_types = b->type.n, h.off_type = place(p, &end, &b->type, sizeof(struct weir_type));
    h.n_bytes = b->bytes.n, h.off_bytes = place(p, &end, &b->bytes, 1);
    h.bytes = (uint32_t)end;
    if (p) *p = h;
    return end;
}

int weir_pipe_finish(struct weir_pipe_builder *b, struct weir_pipeline **out,
                     struct weir_error *err)
{
    if (b->too_big)
        return weir_fail(
            err, WEIR_ERR_UNSUPPORTED,
            "a function call with more than %d arguments is not executed; nest the calls",
            WEIR_INSN_MAX_ARGS);
    uint64_t bytes = layout(b, NULL);
    if (b->oom || bytes > UINT32_MAX)
        return weir_fail_nomem(err, (size_t)bytes, "building a pipeline descriptor");
    struct weir_pipeline *p = weir_calloc(1, bytes);
    if (!p) return weir_fail_nomem(err, (size_t)bytes, "building a pipeline descriptor");
    layout(b, p);
    int rc = weir_pipeline_check(p, (size_t)bytes, err);
    if (rc) {
        weir_free(p);
        return rc;
    }
    *out = p;
    return WEIR_OK;
}
