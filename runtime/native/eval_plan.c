/* From the descriptor to stages.

   A FILTER becomes one stage or more: the conjuncts of its AND that cannot fail and are cheap are
   evaluated together as a mask, dearer ones each on what the earlier ones left, and if there are
   conjuncts that can fail, the whole predicate on what then remains. (A NULL conjunct does not make
   an AND false: NULL AND error is an error. So with such conjuncts the masks let NULLs through.)
   A PROBE with a residual has a second stage for its candidate pairs.

   Then every register is given to the stage that first needs it, and carried from there to the
   later ones. Instructions so move behind filters, but not behind a PROBE or EXPAND that can
   multiply rows (but for columns, which cost least where they are last loaded), and volatile
   functions do not move at all. */
#include <math.h>
#include <string.h>

#include "runtime/native/eval_internal.h"

#define NONE          UINT32_MAX
#define CHEAP         12 /* cost of a conjunct that is worth computing for rows that may be gone */
#define MAX_CONJUNCTS 1024 /* more are one predicate */

enum { ABSENT = 0, COMPUTED, CARRIED };

struct plan {
    struct weir_eval *ev;
    const struct weir_pipeline *p;
    struct eval_stage *stage; /* room for cap */
    uint32_t n, cap;
    uint8_t *have;  /* [cap][n_insns] */
    uint32_t *pin;  /* [n_insns] the last stage where the register may be computed, or NONE */
    uint32_t *conj; /* [MAX_CONJUNCTS] */
    uint32_t n_conj;
    bool oom;
};

static void *take(struct plan *pl, size_t n, size_t size)
{
    void *p = weir_arena_alloc(&pl->ev->arena, n * size + 1);
    if (!p) pl->oom = true;
    return p;
}

/* ---- steps to stages ---- */

static struct eval_stage *add_stage(struct plan *pl, enum stage_kind kind, uint32_t step,
                                    uint32_t parent)
{
    struct eval_stage *s = &pl->stage[pl->n++];
    *s = (struct eval_stage){
        .kind = (uint8_t)kind, .step = step, .parent = parent, .next = NONE, .side = NONE};
    s->counted = s == pl->stage || s[-1].step != step;
    return s;
}

static void flatten(struct plan *pl, uint32_t reg)
{
    const struct eval_op *op = &pl->ev->op[reg];
    if (op->insn->op == WEIR_OP_AND && pl->n_conj < MAX_CONJUNCTS - 1) {
        flatten(pl, op->arg[0]);
        flatten(pl, op->arg[1]);
    } else if (pl->n_conj < MAX_CONJUNCTS) {
        for (uint32_t i = 0; i < pl->n_conj; i++)
            if (pl->conj[i] == reg) return;
        pl->conj[pl->n_conj++] = reg;
    }
}

static void sort_by_cost(struct plan *pl)
{
    const struct eval_op *op = pl->ev->op;
    for (uint32_t i = 1; i < pl->n_conj; i++) {
        uint32_t x = pl->conj[i], k = i;
        for (; k && op[pl->conj[k - 1]].cost > op[x].cost; k--) pl->conj[k] = pl->conj[k - 1];
        pl->conj[k] = x;
    }
}

static bool is_nan(const struct weir_vec *v)
{
    struct weir_value x = weir_vec_value(v, 0);
    return weir_type_is_float(v->type) && x.f != x.f;
}

/* Comparisons of numbers go into the mask without a register of their own. */
static struct eval_conj make_conj(const struct plan *pl, uint32_t reg)
{
    const struct eval_op *op = &pl->ev->op[reg], *all = pl->ev->op;
    struct eval_conj c = {.a = reg, .b = NONE};
    if (op->constant || op->n_args != 2 || op->insn->op < WEIR_OP_EQ || op->insn->op > WEIR_OP_GE)
        return c;
    uint32_t a = op->arg[0], b = op->arg[1];
    int cmp = op->insn->op;
    if (all[a].constant) { /* the constant to the right: < becomes > */
        static const uint8_t flip[] = {WEIR_OP_EQ, WEIR_OP_NE, WEIR_OP_GT,
                                       WEIR_OP_GE, WEIR_OP_LT, WEIR_OP_LE};
        cmp = flip[cmp - WEIR_OP_EQ];
        a = op->arg[1];
        b = op->arg[0];
    }
    const struct weir_vec *constant = all[b].constant ? &pl->ev->constant[b] : NULL;
    if (constant && (weir_vec_state(constant, 0) || is_nan(constant))) return c;
    c.cmp = mask_compare_of(mask_has_wide(), cmp, weir_type_phys(all[a].insn->type), constant);
    if (c.cmp) {
        c.op = (uint8_t)cmp;
        c.a = a;
        c.b = b;
    }
    return c;
}

/* ---- lower and upper bound of one register as one comparison ---- */

/* The bound that conjunct C sets as an inclusive one, -1: a lower, 1: an upper bound, 0: none. */
static int bound_of(const struct plan *pl, const struct eval_conj *c, int op, struct weir_value *x)
{
    if (!c->cmp || c->b == NONE || !pl->ev->op[c->b].constant) return 0;
    if (op < WEIR_OP_LT || op > WEIR_OP_GE) return 0;
    *x = weir_vec_value(&pl->ev->constant[c->b], 0);
    enum weir_phys p = weir_type_phys(x->type);
    int side = op == WEIR_OP_LT || op == WEIR_OP_LE ? 1 : -1;
    if (op == WEIR_OP_LE || op == WEIR_OP_GE) return side;
    if (weir_type_is_float(x->type) && isinf(x->f)) return 0;
    if (p == WEIR_PHYS_F64) {
        x->f = nextafter(x->f, side > 0 ? -INFINITY : INFINITY);
    } else if (p == WEIR_PHYS_F32) {
        x->f = (double)nextafterf((float)x->f, side > 0 ? -INFINITY : INFINITY);
    } else {
        int64_t last = INT64_MIN >> (64 - 8 * weir_phys_size(p));
        if (x->i == (side > 0 ? last : ~last)) return 0; /* nothing is beyond it */
        x->i -= side;
    }
    return side;
}

static void store(enum weir_phys p, void *bounds, int at, const struct weir_value *x)
{
    switch (p) {
    case WEIR_PHYS_I8: ((int8_t *)bounds)[at] = (int8_t)x->i; break;
    case WEIR_PHYS_I16: ((int16_t *)bounds)[at] = (int16_t)x->i; break;
    case WEIR_PHYS_I32: ((int32_t *)bounds)[at] = (int32_t)x->i; break;
    case WEIR_PHYS_I64: ((int64_t *)bounds)[at] = x->i; break;
    case WEIR_PHYS_F32: ((float *)bounds)[at] = (float)x->f; break;
    default: ((double *)bounds)[at] = x->f;
    }
}

static bool merge_two(struct plan *pl, struct eval_conj *a, const struct eval_conj *b)
{
    struct weir_value x, y;
    if (!a->cmp || !b->cmp || a->a != b->a || a->bounds || b->bounds) return false;
    enum weir_phys p = weir_type_phys(pl->ev->op[a->a].insn->type);
    mask_fn range = mask_range_of(mask_has_wide(), p);
    if (!range) return false;
    int side = bound_of(pl, a, a->op, &x);
    if (!side || side + bound_of(pl, b, b->op, &y) != 0) return false;
    void *bounds = take(pl, 2, sizeof(double));
    if (!bounds) return false;
    store(p, bounds, side > 0, &x);
    store(p, bounds, side < 0, &y);
    a->cmp = range;
    a->bounds = bounds;
    a->b = NONE;
    return true;
}

static void merge_ranges(struct plan *pl, struct eval_stage *s)
{
    for (uint32_t i = 0; i < s->n_conj; i++)
        for (uint32_t k = i + 1; k < s->n_conj; k++)
            if (merge_two(pl, &s->conj[i], &s->conj[k])) s->conj[k--] = s->conj[--s->n_conj];
}

static void add_mask(struct plan *pl, uint32_t step, uint32_t *parent, const uint32_t *reg,
                     uint32_t n, bool keep_null)
{
    struct eval_stage *s = add_stage(pl, STAGE_MASK, step, *parent);
    s->keep_null = keep_null;
    s->n_conj = n;
    s->conj = take(pl, n, sizeof *s->conj);
    for (uint32_t i = 0; s->conj && i < n; i++) s->conj[i] = make_conj(pl, reg[i]);
    if (s->conj) merge_ranges(pl, s);
    *parent = pl->n - 1;
}

static void add_filter(struct plan *pl, uint32_t step, uint32_t *parent)
{
    const struct eval_op *op = pl->ev->op;
    uint32_t pred = (weir_pipe_step(pl->p) + step)->a, n_safe = 0;
    pl->n_conj = 0;
    flatten(pl, pred);
    sort_by_cost(pl);
    for (uint32_t i = 0; i < pl->n_conj; i++)
        if (!op[pl->conj[i]].can_err) pl->conj[n_safe++] = pl->conj[i];
    bool fails = n_safe < pl->n_conj, too_many = pl->n_conj >= MAX_CONJUNCTS;
    if (too_many) n_safe = 0;
    uint32_t cheap = 0;
    while (cheap < n_safe && op[pl->conj[cheap]].cost <= CHEAP) cheap++;
    if (cheap) add_mask(pl, step, parent, pl->conj, cheap, fails);
    for (uint32_t i = cheap; i < n_safe; i++) add_mask(pl, step, parent, pl->conj + i, 1, fails);
    if (!fails && !too_many) return;
    struct eval_stage *s = add_stage(pl, STAGE_FILTER, step, *parent);
    s->pred = pred;
    *parent = pl->n - 1;
}

static void add_probe(struct plan *pl, uint32_t i, uint32_t *parent)
{
    const struct weir_step *step = weir_pipe_step(pl->p) + i;
    uint32_t probe = pl->n;
    add_stage(pl, STAGE_PROBE, i, *parent);
    *parent = probe;
    if (step->residual == WEIR_REG_NONE) return;
    struct eval_stage *r = add_stage(pl, STAGE_RESIDUAL, i, probe);
    r->pred = step->residual;
    pl->stage[probe].side = pl->n - 1;
    if (step->join <= WEIR_JOIN_LEFT) *parent = pl->n - 1;
}

static void make_stages(struct plan *pl)
{
    static const uint8_t kind[] = {[WEIR_STEP_EXPAND] = STAGE_EXPAND,
                                   [WEIR_STEP_OUTPUT] = STAGE_OUTPUT,
                                   [WEIR_STEP_AGGREGATE] = STAGE_AGGREGATE};
    uint32_t parent = NONE;
    for (uint32_t i = 0; i < pl->p->n_steps; i++) {
        const struct weir_step *step = weir_pipe_step(pl->p) + i;
        if (step->kind == WEIR_STEP_FILTER) {
            add_filter(pl, i, &parent);
        } else if (step->kind == WEIR_STEP_PROBE) {
            add_probe(pl, i, &parent);
        } else {
            add_stage(pl, (enum stage_kind)kind[step->kind], i, parent);
            parent = pl->n - 1;
        }
    }
    for (uint32_t i = 1; i < pl->n; i++) {
        struct eval_stage *s = &pl->stage[i], *up = &pl->stage[s->parent];
        if (s->kind != STAGE_RESIDUAL) up->next = i;
    }
}

/* ---- registers to stages ---- */

static uint8_t *have(struct plan *pl, uint32_t stage, uint32_t reg)
{
    return &pl->have[(size_t)stage * pl->p->n_insns + reg];
}

static bool is_above(const struct plan *pl, uint32_t up, uint32_t stage)
{
    for (uint32_t s = stage; s != NONE; s = pl->stage[s].parent)
        if (s == up) return true;
    return false;
}

/* Make REG available at STAGE. The depth of the recursion is that of the expression, which the
   parser bounds. */
static void demand(struct plan *pl, uint32_t stage, uint32_t reg)
{
    const struct eval_op *op = &pl->ev->op[reg];
    if (op->constant || *have(pl, stage, reg)) return;
    uint32_t from = pl->stage[stage].parent, pin = pl->pin[reg];
    if (pin != NONE && pin != stage && is_above(pl, pin, stage)) demand(pl, pin, reg);
    while (from != NONE && !*have(pl, from, reg)) from = pl->stage[from].parent;
    if (from != NONE) {
        for (uint32_t s = stage; s != from; s = pl->stage[s].parent) *have(pl, s, reg) = CARRIED;
        return;
    }
    *have(pl, stage, reg) = COMPUTED;
    for (uint32_t k = 0; k < op->n_args; k++) demand(pl, stage, op->arg[k]);
}

/* Which stage is the last that may compute each register? */
static void make_pins(struct plan *pl)
{
    const struct weir_step *step = weir_pipe_step(pl->p);
    for (uint32_t r = 0; r < pl->p->n_insns; r++) {
        const struct eval_op *op = &pl->ev->op[r];
        pl->pin[r] = NONE;
        if (op->insn->op == WEIR_OP_COLUMN && !op->vol) continue;
        for (uint32_t s = 0; s < pl->n && pl->pin[r] == NONE; s++) {
            const struct weir_step *at = step + pl->stage[s].step;
            uint32_t end =
                pl->stage[s].kind == STAGE_RESIDUAL ? at->residual_end : at->first_insn_after;
            bool multiplies = at->kind == WEIR_STEP_EXPAND ||
                              (at->kind == WEIR_STEP_PROBE && at->join <= WEIR_JOIN_LEFT);
            if (r < end && (multiplies || op->vol)) pl->pin[r] = s;
        }
    }
}

static void demand_list(struct plan *pl, uint32_t stage, uint32_t first, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) demand(pl, stage, weir_pipe_operand(pl->p)[first + k]);
}

static void demand_roots(struct plan *pl, uint32_t i)
{
    const struct eval_stage *s = &pl->stage[i];
    const struct weir_step *step = weir_pipe_step(pl->p) + s->step;
    switch (s->kind) {
    case STAGE_MASK:
        for (uint32_t k = 0; k < s->n_conj; k++) {
            demand(pl, i, s->conj[k].a);
            if (s->conj[k].b != NONE) demand(pl, i, s->conj[k].b);
        }
        break;
    case STAGE_FILTER:
    case STAGE_RESIDUAL: demand(pl, i, s->pred); break;
    case STAGE_EXPAND: demand(pl, i, step->a); break;
    case STAGE_AGGREGATE:
        for (uint32_t k = 0; k < pl->p->n_aggs; k++) {
            const struct weir_pipe_agg *a = weir_pipe_agg(pl->p) + k;
            if (a->arg != WEIR_REG_NONE) demand(pl, i, a->arg);
            if (a->filter != WEIR_REG_NONE) demand(pl, i, a->filter);
        }
        demand_list(pl, i, step->first, step->n);
        break;
    default: demand_list(pl, i, step->first, step->n);
    }
}

/* ---- storage ---- */

static void *room(struct plan *pl, size_t size)
{
    void *p = eval_alloc(pl->ev, size);
    if (!p) pl->oom = true;
    return p;
}

static void store_registers(struct plan *pl, uint32_t i)
{
    struct eval_stage *s = &pl->stage[i];
    uint32_t n = pl->p->n_insns;
    s->reg = take(pl, n, sizeof *s->reg);
    s->compute = take(pl, n, sizeof *s->compute);
    s->carry = take(pl, n, sizeof *s->carry);
    for (uint32_t r = 0; r < n && !pl->oom; r++) {
        uint8_t h = *have(pl, i, r);
        if (h == ABSENT) continue;
        if (h == COMPUTED)
            s->compute[s->n_compute++] = r;
        else
            s->carry[s->n_carry++] = r;
        size_t size = weir_phys_size(weir_type_phys(pl->ev->op[r].insn->type));
        s->reg[r].data = room(pl, size * WEIR_VECTOR);
        s->reg[r].st = room(pl, WEIR_VECTOR);
    }
}

static void store_rows(struct plan *pl, struct eval_stage *s)
{
    const struct weir_pipeline *p = pl->p;
    size_t u32 = WEIR_VECTOR * sizeof(uint32_t);
    s->build = take(pl, p->n_tables, sizeof *s->build);
    s->build_buf = take(pl, p->n_tables, sizeof *s->build_buf);
    s->ord = take(pl, p->n_steps, sizeof *s->ord);
    s->ord_buf = take(pl, p->n_steps, sizeof *s->ord_buf);
    s->row_buf = room(pl, u32);
    s->mask = room(pl, WEIR_VECTOR);
    s->sel = room(pl, u32);
    if (pl->oom) return;
    for (uint32_t k = 0; k < p->n_tables; k++) s->build_buf[k] = room(pl, u32);
    for (uint32_t k = 0; k < p->n_steps; k++)
        if ((weir_pipe_step(p) + k)->kind == WEIR_STEP_EXPAND) s->ord_buf[k] = room(pl, 2 * u32);
    if (s->kind == STAGE_PROBE) {
        s->begin = room(pl, u32);
        s->end = room(pl, u32);
        s->pair = room(pl, u32);
        s->failed = room(pl, u32);
        s->seen = room(pl, WEIR_VECTOR);
    }
    s->vec = take(pl, (weir_pipe_step(p) + s->step)->n + 2 * p->n_aggs, sizeof(void *));
}

/* A stage for one row at a time, with every register. */
static void make_explain(struct plan *pl)
{
    struct eval_stage *s = take(pl, 1, sizeof *s);
    if (!s) return;
    *s = (struct eval_stage){.kind = STAGE_OUTPUT, .parent = NONE, .next = NONE, .side = NONE};
    s->step = pl->p->n_steps - 1;
    s->reg = take(pl, pl->p->n_insns, sizeof *s->reg);
    for (uint32_t r = 0; s->reg && r < pl->p->n_insns; r++) {
        s->reg[r].data = take(pl, 1, 64);
        s->reg[r].st = take(pl, 1, 16);
    }
    store_rows(pl, s);
    pl->ev->explain = s;
}

/* ---- constants ---- */

static int compute_constant(struct weir_eval *ev, uint32_t r)
{
    struct eval_op *op = &ev->op[r];
    struct weir_vec *v = &ev->constant[r];
    uint8_t *st = weir_arena_alloc(&ev->arena, WEIR_VECTOR);
    *v = (struct weir_vec){.type = op->insn->type, .constant = true};
    v->data = weir_arena_alloc(&ev->arena, 64);
    if (!v->data || !st) return WEIR_ERR_NOMEM;
    if (op->insn->op == WEIR_OP_CONST) return eval_load_const(ev, op->insn, v, st);
    const struct weir_vec *arg[WEIR_INSN_MAX_ARGS];
    for (uint32_t k = 0; k < op->n_args; k++) arg[k] = &ev->constant[op->arg[k]];
    int rc = op->fn(ev, op, 1, arg, v, st);
    if (v->st && v->st[0] == WK_VALID) v->st = NULL;
    return rc;
}

/* Repeat constant R for operators that want a value for each row. */
static int make_flat(struct weir_eval *ev, uint32_t r)
{
    struct weir_vec *v = &ev->flat[r];
    const struct weir_vec *c = &ev->constant[r];
    if (v->data) return WEIR_OK;
    size_t size = weir_phys_size(weir_type_phys(c->type));
    char *data = eval_alloc(ev, size * WEIR_VECTOR);
    uint8_t *st = c->st ? eval_alloc(ev, WEIR_VECTOR) : NULL;
    if (!data || (c->st && !st)) return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < WEIR_VECTOR; i++) memcpy(data + i * size, c->data, size);
    if (st) memset(st, c->st[0], WEIR_VECTOR);
    *v = (struct weir_vec){.type = c->type, .data = data, .st = st};
    return WEIR_OK;
}

static int compile(struct weir_eval *ev, uint32_t r, struct weir_error *err)
{
    struct eval_op *op = &ev->op[r];
    int rc = eval_compile_op(ev, op, err);
    if (!rc && op->constant) rc = compute_constant(ev, r);
    for (uint32_t k = 0; !rc && op->flat && !op->constant && k < op->n_args; k++)
        if (ev->op[op->arg[k]].constant) rc = make_flat(ev, op->arg[k]);
    if (rc == WEIR_ERR_NOMEM) return weir_fail_nomem(err, 0, "preparing an expression");
    return rc;
}

int eval_plan(struct weir_eval *ev, struct weir_error *err)
{
    const struct weir_pipeline *p = ev->p;
    struct plan pl = {.ev = ev, .p = p, .cap = 2 * p->n_steps + 1};
    ev->op = take(&pl, p->n_insns, sizeof *ev->op);
    ev->constant = take(&pl, p->n_insns, sizeof *ev->constant);
    ev->flat = take(&pl, p->n_insns, sizeof *ev->flat);
    ev->step_rows = take(&pl, p->n_steps + 1, sizeof *ev->step_rows);
    for (uint32_t r = 0; !pl.oom && r < p->n_insns; r++) {
        ev->op[r].insn = weir_pipe_insn(p) + r;
        int rc = compile(ev, r, err);
        if (rc) return rc;
    }
    pl.conj = take(&pl, MAX_CONJUNCTS, sizeof *pl.conj);
    for (uint32_t i = 0; !pl.oom && i < p->n_steps; i++) /* each conjunct may be a stage */
        if ((weir_pipe_step(p) + i)->kind == WEIR_STEP_FILTER) {
            pl.n_conj = 0;
            flatten(&pl, (weir_pipe_step(p) + i)->a);
            pl.cap += pl.n_conj + 1;
        }
    pl.stage = take(&pl, pl.cap, sizeof *pl.stage);
    pl.have = take(&pl, (size_t)pl.cap * p->n_insns, 1);
    pl.pin = take(&pl, p->n_insns, sizeof *pl.pin);
    if (!pl.oom) {
        make_stages(&pl);
        make_pins(&pl);
        for (uint32_t i = 0; i < pl.n; i++) demand_roots(&pl, i);
        for (uint32_t i = 0; !pl.oom && i < pl.n; i++) {
            store_registers(&pl, i);
            if (!pl.oom) store_rows(&pl, &pl.stage[i]);
        }
        ev->stage = pl.stage;
        ev->n_stages = pl.n;
    }
    if (!pl.oom) make_explain(&pl);
    return pl.oom ? weir_fail_nomem(err, 0, "preparing a pipeline") : WEIR_OK;
}
