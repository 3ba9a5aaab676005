/* Lowering: the logical plan becomes stages.

   It works like a query compiler that pushes rows: produce(node) finds where the node's rows come
   from and starts a cursor there; consume(frame, cursor) adds what the node above does with a row
   to the cursor's pipeline and goes on upward, until a frame that ends the pipeline (result, build
   side, groups, sort). UNION ALL produces each of its inputs into the same frames.

   A cursor's columns are lazy: a projection only notes which expression a column is; the expression
   is compiled, and an input column is read, when somebody needs the value. So what a filter does
   not need is computed only for the rows that pass it, and what nobody needs is never computed. */
#include <string.h>

#include "runtime/exec/stage.h"

/* ---- lazy columns ---- */

struct scope;

struct column {
    enum { COL_INPUT, COL_TABLE, COL_EXPR, COL_REG } kind;
    struct weir_type type;
    int number;                   /* INPUT, TABLE: column; REG: register */
    int table;                    /* TABLE */
    const struct weir_expr *expr; /* EXPR, over the columns of `over` */
    struct scope *over;
    bool known; /* EXPR: `number` is its register */
};

struct scope {
    int n;
    struct column *col;
};

struct cursor {
    struct weir_pipe_builder *b;
    const struct scope *source; /* columns of the scan, when it streams and rows have a time: */
    const struct weir_expr *computed; /* the time's expression, NULL when it is a column */
    bool event_time;                  /* the last windows were made of that time */
    uint32_t last_window;             /* is this the last window that the row is in? NONE: yes */
    struct scope *scope;
    struct weir_stage stage; /* input side filled in */
    int *table;              /* BUILD objects so far */
    int n_tables;
};

/* What happens to rows above a node. */
struct frame {
    const struct weir_node *node; /* NULL: an end */
    struct frame *up;
    const bool *need; /* columns of the node's output that are needed */
    int object;       /* end: object written; JOIN: the build object */
    int *right_map;   /* JOIN: build column of each right column, -1: not kept */
};

/* A spool that was lowered already. */
struct spooled {
    struct spooled *next;
    const struct weir_node *origin;
    int object;
};

struct lowering {
    struct weir_arena *a;
    struct weir_error *err;
    struct weir_stages *out;
    int stage_cap, object_cap;
    struct spooled *spooled;
};

static int produce(struct lowering *l, const struct weir_node *n, const bool *need,
                   struct frame *up);
static int consume(struct lowering *l, struct frame *f, struct cursor *c);

static int nomem(struct lowering *l)
{
    return weir_fail_nomem(l->err, 0, "planning the query");
}

static void *grab(struct lowering *l, size_t n, size_t size)
{
    return weir_arena_alloc(l->a, n * size);
}

static struct scope *new_scope(struct lowering *l, int n)
{
    struct scope *s = grab(l, 1, sizeof *s);
    if (!s || !(s->col = grab(l, (size_t)n, sizeof *s->col))) return NULL;
    s->n = n;
    return s;
}

static uint32_t column_reg(struct lowering *l, struct cursor *c, struct column *col);

/* The register of expression E over SCOPE's columns. */
static uint32_t expr_reg(struct lowering *l, struct cursor *c, const struct weir_expr *e,
                         struct scope *scope);

static void want_columns(const struct weir_expr *e, bool *want)
{
    if (e->op == WEIR_OP_COLUMN) want[e->column] = true;
    for (int i = 0; i < e->n_args; i++) want_columns(e->arg[i], want);
}

static uint32_t expr_reg(struct lowering *l, struct cursor *c, const struct weir_expr *e,
                         struct scope *scope)
{
    bool *want = grab(l, (size_t)scope->n + 1, sizeof *want);
    uint32_t *reg = grab(l, (size_t)scope->n + 1, sizeof *reg);
    if (!want || !reg) return WEIR_REG_NONE;
    want_columns(e, want);
    for (int i = 0; i < scope->n; i++)
        if (want[i]) reg[i] = column_reg(l, c, &scope->col[i]);
    return weir_pipe_emit_expr(c->b, e, reg);
}

static uint32_t column_reg(struct lowering *l, struct cursor *c, struct column *col)
{
    struct weir_insn in = {.op = WEIR_OP_COLUMN, .type = col->type};
    switch (col->kind) {
    case COL_REG: return (uint32_t)col->number;
    case COL_INPUT: in.a = (uint32_t)col->number; return weir_pipe_emit(c->b, &in);
    case COL_TABLE:
        in.a = (uint32_t)col->number;
        in.table = (uint8_t)(col->table + 1);
        return weir_pipe_emit(c->b, &in);
    case COL_EXPR: break;
    }
    if (!col->known) {
        col->number = (int)expr_reg(l, c, col->expr, col->over);
        col->known = true;
    }
    return (uint32_t)col->number;
}

/* ---- stages and objects ---- */

static int new_object(struct lowering *l, enum weir_object_kind kind, int n_columns)
{
    struct weir_stages *s = l->out;
    if (s->n_objects == l->object_cap) {
        int cap = l->object_cap ? l->object_cap * 2 : 8;
        struct weir_object *o = grab(l, (size_t)cap, sizeof *o);
        if (!o) return nomem(l);
        if (s->n_objects) memcpy(o, s->object, (size_t)s->n_objects * sizeof *o);
        s->object = o;
        l->object_cap = cap;
    }
    struct weir_object *o = &s->object[s->n_objects];
    memset(o, 0, sizeof *o);
    o->kind = (uint8_t)kind;
    o->n_columns = n_columns;
    o->types = grab(l, (size_t)n_columns, sizeof *o->types);
    o->window_end_key = -1;
    o->limit = -1;
    return o->types ? s->n_objects++ : nomem(l);
}

static int start_cursor(struct lowering *l, struct cursor *c, int n_columns)
{
    memset(c, 0, sizeof *c);
    c->stage.rowtime = -1;
    c->last_window = WEIR_REG_NONE;
    c->b = weir_pipe_builder_new();
    c->scope = new_scope(l, n_columns);
    if (c->b && c->scope) return WEIR_OK;
    weir_pipe_builder_free(c->b);
    c->b = NULL;
    return nomem(l);
}

/* Finish the cursor's pipeline as a stage that writes OBJECT. */
static int end_stage(struct lowering *l, struct cursor *c, int object)
{
    struct weir_stages *s = l->out;
    if (s->n_stages == l->stage_cap) {
        int cap = l->stage_cap ? l->stage_cap * 2 : 8;
        struct weir_stage *st = grab(l, (size_t)cap, sizeof *st);
        if (!st) return nomem(l);
        if (s->n_stages) memcpy(st, s->stage, (size_t)s->n_stages * sizeof *st);
        s->stage = st;
        l->stage_cap = cap;
    }
    struct weir_pipeline *p = NULL;
    int rc = weir_pipe_finish(c->b, &p, l->err);
    if (rc) return rc;
    struct weir_stage *st = &s->stage[s->n_stages];
    *st = c->stage;
    weir_batch_ref(st->batch);
    st->pipeline = p;
    st->table = c->table;
    st->output = object;
    struct weir_object *o = &s->object[object];
    o->last_writer = s->n_stages;
    if (o->kind == WEIR_OBJECT_GROUPS && !o->pipeline) o->pipeline = p;
    s->n_stages++;
    return WEIR_OK;
}

static void output_step(struct cursor *c, const uint32_t *reg, int n)
{
    struct weir_step step = {.kind = WEIR_STEP_OUTPUT, .n = (uint32_t)n, .residual = WEIR_REG_NONE};
    step.first = weir_pipe_add_operands(c->b, reg, n);
    weir_pipe_add_step(c->b, &step);
}

/* ---- where rows start ---- */

static int run_cursor(struct lowering *l, struct cursor *c, struct frame *up)
{
    int rc = consume(l, up, c);
    weir_pipe_builder_free(c->b);
    return rc;
}

/* The pipeline that computes a row's time from the columns that C's stage reads, into the arena. */
static int time_pipeline(struct lowering *l, struct cursor *c, const struct weir_expr *e)
{
    struct cursor t;
    struct weir_pipeline *p = NULL, *copy = NULL;
    int rc = start_cursor(l, &t, c->scope->n);
    if (rc) return rc;
    memcpy(t.scope->col, c->scope->col, (size_t)c->scope->n * sizeof *t.scope->col);
    for (int i = 0; i < c->stage.n_columns; i++)
        weir_pipe_add_input(t.b, c->scope->col[c->stage.columns[i]].type);
    uint32_t reg = expr_reg(l, &t, e, t.scope);
    output_step(&t, &reg, 1);
    rc = weir_pipe_finish(t.b, &p, l->err);
    if (!rc && !(copy = grab(l, 1, p->bytes))) rc = nomem(l);
    if (!rc) memcpy(copy, p, p->bytes);
    c->stage.time = copy;
    c->computed = e;
    weir_free(p);
    weir_pipe_builder_free(t.b);
    return rc;
}

static int produce_scan(struct lowering *l, const struct weir_node *n, const bool *need,
                        struct frame *up)
{
    struct weir_source *src = n->scan.source;
    bool timed = src->streaming && n->scan.rowtime >= 0;
    const struct weir_expr *computed = src->streaming ? n->scan.rowtime_expr : NULL;
    bool *want = grab(l, (size_t)n->schema.n + 1, sizeof *want);
    struct cursor c;
    if (!want) return nomem(l);
    memcpy(want, need, (size_t)n->schema.n * sizeof *want);
    if (timed) want[n->scan.rowtime] = true;
    if (computed) want_columns(computed, want);
    int rc = start_cursor(l, &c, n->schema.n);
    if (rc) return rc;
    c.stage.input = WEIR_INPUT_SOURCE;
    c.stage.source = src;
    c.stage.watermark_us = n->scan.watermark_us;
    c.stage.columns = grab(l, (size_t)n->schema.n, sizeof(int));
    if (!c.stage.columns) rc = nomem(l);
    for (int i = 0; !rc && i < n->schema.n; i++) {
        if (!want[i]) continue;
        if (timed && n->scan.rowtime == i) c.stage.rowtime = c.stage.n_columns;
        c.stage.columns[c.stage.n_columns++] = i;
        uint32_t number = weir_pipe_add_input(c.b, n->schema.field[i].type);
        c.scope->col[i] = (struct column){
            .kind = COL_INPUT, .type = n->schema.field[i].type, .number = (int)number};
    }
    if (!rc && computed) rc = time_pipeline(l, &c, computed);
    if (timed || computed) c.source = c.scope;
    if (!rc) return run_cursor(l, &c, up);
    weir_pipe_builder_free(c.b);
    return rc;
}

/* A cursor over the N columns of a batch or an object's rows; what is above sees the first SHOWN. */
static int produce_rows(struct lowering *l, int n, int shown, const struct weir_type *types,
                        const struct weir_stage *input, struct frame *up)
{
    struct cursor c;
    int rc = start_cursor(l, &c, shown);
    if (rc) return rc;
    c.stage = *input;
    c.stage.rowtime = -1;
    for (int i = 0; i < n; i++) {
        uint32_t number = weir_pipe_add_input(c.b, types[i]);
        if (i < shown)
            c.scope->col[i] =
                (struct column){.kind = COL_INPUT, .type = types[i], .number = (int)number};
    }
    return run_cursor(l, &c, up);
}

static int produce_values(struct lowering *l, const struct weir_node *n, struct frame *up)
{
    struct weir_type *types = grab(l, (size_t)n->schema.n, sizeof *types);
    if (!types) return nomem(l);
    for (int i = 0; i < n->schema.n; i++) types[i] = n->schema.field[i].type;
    struct weir_stage input = {.input = WEIR_INPUT_BATCH, .batch = n->values.batch};
    return produce_rows(l, n->schema.n, n->schema.n, types, &input, up);
}

static int produce_object(struct lowering *l, int object, int shown, struct frame *up)
{
    struct weir_stage input = {.input = WEIR_INPUT_OBJECT, .object = object};
    const struct weir_object *o = &l->out->object[object];
    int n = o->kind == WEIR_OBJECT_SORT ? o->n_visible : o->n_columns;
    return produce_rows(l, n, shown, o->types, &input, up);
}

static int produce_join(struct lowering *l, const struct weir_node *n, const bool *need,
                        struct frame *up)
{
    const struct weir_node *left = n->input[0], *right = n->input[1];
    int nl = left->schema.n, nr = right->schema.n, nk = n->join.n_keys;
    bool pairs = n->join.type <= WEIR_JOIN_LEFT;
    bool *both = grab(l, (size_t)(nl + nr) + 1, sizeof *both);
    bool *payload =
        grab(l, (size_t)nr + 1, sizeof *payload); /* right columns read after the probe */
    bool *need_r = grab(l, (size_t)nr + 1, sizeof *need_r);
    int *map = grab(l, (size_t)nr + 1, sizeof *map);
    if (!both || !payload || !need_r || !map) return nomem(l);
    for (int i = 0; i < nl; i++) both[i] = need[i];
    if (n->join.residual) want_columns(n->join.residual, both);
    for (int i = 0; i < nk; i++) {
        want_columns(n->join.left_key[i], both);
        want_columns(n->join.right_key[i], need_r);
    }
    int kept = 0;
    for (int i = 0; i < nr; i++) {
        payload[i] = both[nl + i] || (pairs && need[nl + i]);
        need_r[i] = need_r[i] || payload[i];
        map[i] = payload[i] ? nk + kept++ : -1;
    }
    int object = new_object(l, WEIR_OBJECT_BUILD, nk + kept);
    if (object < 0) return object;
    struct weir_object *o = &l->out->object[object];
    o->n_keys = nk;
    for (int i = 0; i < nk; i++) o->types[i] = n->join.right_key[i]->type;
    for (int i = 0; i < nr; i++)
        if (map[i] >= 0) o->types[map[i]] = right->schema.field[i].type;
    struct frame build = {.node = n, .object = object, .need = payload, .right_map = map};
    int rc = produce(l, right, need_r, &build);
    if (rc) return rc;
    struct frame probe = {.node = n, .up = up, .object = object, .need = both, .right_map = map};
    return produce(l, left, both, &probe);
}

/* The window whose ends the groups of N are keyed by, looked for along the rows' path. */
static const struct weir_node *window_below(const struct weir_node *n)
{
    while (n->n_inputs > 0 && n->kind != WEIR_NODE_WINDOW && n->kind != WEIR_NODE_AGGREGATE &&
           n->kind != WEIR_NODE_UNION)
        n = n->input[0];
    return n->kind == WEIR_NODE_WINDOW ? n : NULL;
}

/* Do rows that stream in, with a time, come to N? */
static bool streams_timed(const struct weir_node *n)
{
    if (n->kind == WEIR_NODE_SCAN)
        return n->scan.source->streaming && (n->scan.rowtime >= 0 || n->scan.rowtime_expr);
    if (n->kind == WEIR_NODE_AGGREGATE || n->kind == WEIR_NODE_SORT) return false;
    int inputs = n->kind == WEIR_NODE_JOIN ? 1 : n->n_inputs;
    for (int i = 0; i < inputs; i++)
        if (streams_timed(n->input[i])) return true;
    return false;
}

static int64_t gcd(int64_t a, int64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static int produce_aggregate(struct lowering *l, const struct weir_node *n, struct frame *up)
{
    const struct weir_node *in = n->input[0];
    bool *want = grab(l, (size_t)in->schema.n + 1, sizeof *want);
    if (!want) return nomem(l);
    for (int i = 0; i < n->aggregate.n_keys; i++) want_columns(n->aggregate.key[i], want);
    for (int i = 0; i < n->aggregate.n_aggs; i++) {
        const struct weir_agg *agg = &n->aggregate.agg[i];
        if (agg->arg) want_columns(agg->arg, want);
        if (agg->filter) want_columns(agg->filter, want);
    }
    const struct weir_node *w = n->aggregate.window_end_key >= 0 ? window_below(in) : NULL;
    bool counts_rows = w && streams_timed(w);
    int object = new_object(l, WEIR_OBJECT_GROUPS, n->schema.n + counts_rows);
    if (object < 0) return object;
    struct weir_object *o = &l->out->object[object];
    o->n_keys = n->aggregate.n_keys;
    o->counts_rows = counts_rows;
    if (counts_rows) {
        o->types[n->schema.n] = weir_type_make(WEIR_TYPE_BIGINT);
        o->types[n->schema.n].nullable = 0;
    }
    if (w) {
        o->window_end_key = n->aggregate.window_end_key;
        o->window_us = gcd(w->window.size_us, w->window.slide_us);
        o->window_offset_us = w->window.offset_us;
    }
    for (int i = 0; i < n->schema.n; i++) o->types[i] = n->schema.field[i].type;
    struct frame end = {.node = n, .object = object};
    int rc = produce(l, in, want, &end);
    return rc ? rc : produce_object(l, object, n->schema.n, up);
}

/* The object of a spool that N is a copy of, or -1. */
static int find_spooled(const struct lowering *l, const struct weir_node *n)
{
    const struct spooled *s = l->spooled;
    while (s && s->origin != (n->origin ? n->origin : n)) s = s->next;
    return s ? s->object : -1;
}

static int remember_spooled(struct lowering *l, const struct weir_node *n, int object)
{
    struct spooled *s = grab(l, 1, sizeof *s);
    if (!s) return nomem(l);
    *s = (struct spooled){l->spooled, n->origin ? n->origin : n, object};
    l->spooled = s;
    return WEIR_OK;
}

static int produce_sort(struct lowering *l, const struct weir_node *n, const bool *need,
                        struct frame *up)
{
    int nc = n->schema.n, nk = n->sort.n_keys, made = n->sort.spool ? find_spooled(l, n) : -1;
    bool *want = grab(l, (size_t)nc + 1, sizeof *want);
    if (!want) return nomem(l);
    if (made >= 0) return produce_object(l, made, nc, up);
    for (int i = 0; i < nc; i++) want[i] = need[i] || n->sort.spool;
    for (int i = 0; i < nk; i++) want_columns(n->sort.key[i].expr, want);
    int object = new_object(l, WEIR_OBJECT_SORT, nc + nk);
    if (object < 0) return object;
    struct weir_object *o = &l->out->object[object];
    o->sort = grab(l, (size_t)nk, sizeof *o->sort);
    if (!o->sort) return nomem(l);
    o->n_sort = nk;
    o->spool = n->sort.spool;
    o->n_visible = nc;
    o->offset = n->sort.offset;
    o->limit = n->sort.limit;
    for (int i = 0; i < nc; i++) o->types[i] = n->schema.field[i].type;
    for (int i = 0; i < nk; i++) {
        o->types[nc + i] = n->sort.key[i].expr->type;
        o->sort[i] = (struct weir_sort_column){nc + i, n->sort.key[i].descending,
                                               n->sort.key[i].nulls_first};
    }
    struct frame end = {.node = n, .object = object, .need = want};
    int rc = produce(l, n->input[0], want, &end);
    if (!rc && n->sort.spool) rc = remember_spooled(l, n, object);
    return rc ? rc : produce_object(l, object, nc, up);
}

/* Nodes that pass rows on: which input columns they need, then their input with a frame above it.
 */
static int produce_through(struct lowering *l, const struct weir_node *n, const bool *need,
                           struct frame *up)
{
    const struct weir_node *in = n->input[0];
    bool *want = grab(l, (size_t)in->schema.n + 1, sizeof *want);
    if (!want) return nomem(l);
    switch (n->kind) {
    case WEIR_NODE_FILTER:
        memcpy(want, need, (size_t)in->schema.n * sizeof *want);
        want_columns(n->filter.predicate, want);
        break;
    case WEIR_NODE_PROJECT:
        for (int i = 0; i < n->schema.n; i++)
            if (need[i]) want_columns(n->project.expr[i], want);
        break;
    default: /* WINDOW */
        memcpy(want, need, (size_t)in->schema.n * sizeof *want);
        want[n->window.time_column] = true;
    }
    struct frame f = {.node = n, .up = up, .need = need};
    return produce(l, in, want, &f);
}

static int produce(struct lowering *l, const struct weir_node *n, const bool *need,
                   struct frame *up)
{
    switch (n->kind) {
    case WEIR_NODE_SCAN: return produce_scan(l, n, need, up);
    case WEIR_NODE_VALUES: return produce_values(l, n, up);
    case WEIR_NODE_JOIN: return produce_join(l, n, need, up);
    case WEIR_NODE_AGGREGATE: return produce_aggregate(l, n, up);
    case WEIR_NODE_SORT: return produce_sort(l, n, need, up);
    case WEIR_NODE_UNION:
        for (int i = 0; i < n->n_inputs; i++) {
            int rc = produce(l, n->input[i], need, up);
            if (rc) return rc;
        }
        return WEIR_OK;
    default: return produce_through(l, n, need, up);
    }
}

/* ---- what happens to rows ---- */

static int consume_filter(struct lowering *l, struct frame *f, struct cursor *c)
{
    struct weir_step step = {
        .kind = WEIR_STEP_FILTER, .pos = f->node->filter.predicate->pos, .residual = WEIR_REG_NONE};
    step.a = expr_reg(l, c, f->node->filter.predicate, c->scope);
    weir_pipe_add_step(c->b, &step);
    return consume(l, f->up, c);
}

static int consume_project(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    struct scope *s = new_scope(l, n->schema.n);
    if (!s) return nomem(l);
    for (int i = 0; i < s->n; i++) {
        const struct weir_expr *e = n->project.expr[i];
        s->col[i] =
            e->op == WEIR_OP_COLUMN
                ? c->scope->col[e->column]
                : (struct column){.kind = COL_EXPR, .type = e->type, .expr = e, .over = c->scope};
    }
    c->scope = s;
    return consume(l, f->up, c);
}

static uint32_t emit2(struct cursor *c, enum weir_op op, struct weir_type t, uint32_t a, uint32_t b)
{
    struct weir_insn in = {.op = (uint8_t)op, .type = t, .a = a, .b = b};
    return weir_pipe_emit(c->b, &in);
}

static uint32_t emit_i64(struct cursor *c, struct weir_type t, int64_t v)
{
    struct weir_value value = {.type = t, .i = v};
    value.type.nullable = 0;
    return weir_pipe_emit_const(c->b, &value, (struct weir_pos){0});
}

/* The start of the last window that contains time T: T - ((T - offset) mod slide), the remainder
 * counted from below. */
static uint32_t window_last_start(struct cursor *c, uint32_t t, struct weir_type type,
                                  int64_t slide_us, int64_t offset_us)
{
    struct weir_type truth = weir_type_make(WEIR_TYPE_BOOLEAN);
    truth.nullable = type.nullable;
    uint32_t slide = emit_i64(c, type, slide_us), zero = emit_i64(c, type, 0);
    uint32_t shifted = offset_us ? emit2(c, WEIR_OP_SUB, type, t, emit_i64(c, type, offset_us)) : t;
    uint32_t rem = emit2(c, WEIR_OP_MOD, type, shifted, slide);
    struct weir_insn fix = {.op = WEIR_OP_SELECT, .type = type};
    fix.a = emit2(c, WEIR_OP_LT, truth, rem, zero);
    fix.b = emit2(c, WEIR_OP_ADD, type, rem, slide);
    fix.c = rem;
    return emit2(c, WEIR_OP_SUB, type, t, weir_pipe_emit(c->b, &fix));
}

/* A row without a time is in no window. */
static void only_timed(struct cursor *c, uint32_t t)
{
    struct weir_type truth = weir_type_make(WEIR_TYPE_BOOLEAN);
    truth.nullable = 0;
    struct weir_insn null = {.op = WEIR_OP_IS_NULL, .type = truth, .a = t};
    struct weir_insn not_null = {.op = WEIR_OP_NOT, .type = truth};
    not_null.a = weir_pipe_emit(c->b, &null);
    struct weir_step step = {.kind = WEIR_STEP_FILTER, .residual = WEIR_REG_NONE};
    step.a = weir_pipe_emit(c->b, &not_null);
    weir_pipe_add_step(c->b, &step);
}

static int consume_window(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    if (n->window.kind == WEIR_WINDOW_CUMULATE)
        return weir_fail(l->err, WEIR_ERR_UNSUPPORTED,
                         "%u:%u: CUMULATE windows are parsed, not executed yet; use HOP or TUMBLE",
                         n->pos.line, n->pos.column);
    int nc = c->scope->n;
    struct scope *s = new_scope(l, nc + 3);
    if (!s) return nomem(l);
    memcpy(s->col, c->scope->col, (size_t)nc * sizeof *s->col);
    struct weir_type type = n->schema.field[nc].type;
    type.nullable = c->scope->col[n->window.time_column].type.nullable;
    const struct column *by = &c->scope->col[n->window.time_column];
    c->event_time =
        c->source && (c->computed ? by->kind == COL_EXPR && by->over == c->source &&
                                        weir_expr_equal(by->expr, c->computed)
                                  : by->kind == COL_INPUT && by->number == c->stage.rowtime);
    c->last_window = WEIR_REG_NONE;
    uint32_t t = column_reg(l, c, &c->scope->col[n->window.time_column]);
    int64_t size = n->window.size_us, slide = n->window.slide_us;
    if (type.nullable) only_timed(c, t);
    uint32_t size_reg = emit_i64(c, type, size), start;
    if (slide == size) {
        start = window_last_start(c, t, type, slide, n->window.offset_us);
    } else {
        /* Copy i of a row is in the window that starts i slides after the first one that still
         * contains it. */
        struct weir_step step = {.kind = WEIR_STEP_EXPAND, .a = t, .residual = WEIR_REG_NONE};
        step.size_us = size;
        step.slide_us = slide;
        step.offset_us = n->window.offset_us;
        step.pos = n->pos;
        uint32_t before = emit2(c, WEIR_OP_SUB, type, t, size_reg);
        uint32_t last = window_last_start(c, before, type, slide, n->window.offset_us);
        uint32_t slide_reg = emit_i64(c, type, slide);
        uint32_t first = emit2(c, WEIR_OP_ADD, type, last, slide_reg);
        struct weir_insn ordinal = {.op = WEIR_OP_EXPAND, .type = weir_type_make(WEIR_TYPE_BIGINT)};
        ordinal.type.nullable = 0;
        ordinal.a = weir_pipe_step_count(c->b);
        weir_pipe_add_step(c->b, &step);
        uint32_t i = weir_pipe_emit(c->b, &ordinal);
        start = emit2(c, WEIR_OP_ADD, type, first,
                      emit2(c, WEIR_OP_MUL, ordinal.type, i, emit_i64(c, ordinal.type, slide)));
        if (c->event_time) {
            struct weir_type truth = weir_type_make(WEIR_TYPE_BOOLEAN);
            truth.nullable = type.nullable;
            c->last_window =
                emit2(c, WEIR_OP_LT, truth, t, emit2(c, WEIR_OP_ADD, type, start, slide_reg));
        }
    }
    uint32_t end = emit2(c, WEIR_OP_ADD, type, start, size_reg);
    struct weir_type shown = n->schema.field[nc].type;
    uint32_t time = emit2(c, WEIR_OP_SUB, type, end, emit_i64(c, type, 1000));
    s->col[nc] = (struct column){.kind = COL_REG, .type = shown, .number = (int)start};
    s->col[nc + 1] = (struct column){.kind = COL_REG, .type = shown, .number = (int)end};
    s->col[nc + 2] = (struct column){.kind = COL_REG, .type = shown, .number = (int)time};
    c->scope = s;
    return consume(l, f->up, c);
}

/* The build side ends here: keys, then the payload that is kept. */
static int consume_build(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    int nk = n->join.n_keys, total = l->out->object[f->object].n_columns;
    uint32_t *reg = grab(l, (size_t)total + 1, sizeof *reg);
    if (!reg) return nomem(l);
    for (int i = 0; i < nk; i++) reg[i] = expr_reg(l, c, n->join.right_key[i], c->scope);
    for (int i = 0; i < c->scope->n; i++)
        if (f->right_map[i] >= 0) reg[f->right_map[i]] = column_reg(l, c, &c->scope->col[i]);
    output_step(c, reg, total);
    return end_stage(l, c, f->object);
}

static int consume_probe(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    const struct weir_object *o = &l->out->object[f->object];
    int nk = n->join.n_keys, nl = c->scope->n, nr = n->input[1]->schema.n;
    bool left_join = n->join.type == WEIR_JOIN_LEFT;
    if (c->n_tables >= 254)
        return weir_fail(l->err, WEIR_ERR_UNSUPPORTED, "more than 254 joins in one query");
    uint32_t *key = grab(l, (size_t)nk + 1, sizeof *key);
    struct scope *s = new_scope(l, nl + nr);
    int *table = grab(l, (size_t)c->n_tables + 1, sizeof *table);
    if (!key || !s || !table) return nomem(l);
    for (int i = 0; i < nk; i++) key[i] = expr_reg(l, c, n->join.left_key[i], c->scope);
    if (c->n_tables) memcpy(table, c->table, (size_t)c->n_tables * sizeof *table);
    table[c->n_tables] = f->object;
    c->table = table;
    int t = (int)weir_pipe_add_table(c->b, nk, o->n_columns, o->types);
    c->n_tables = t + 1;
    memcpy(s->col, c->scope->col, (size_t)nl * sizeof *s->col);
    for (int i = 0; i < nr; i++) {
        if (f->right_map[i] < 0) continue;
        s->col[nl + i] = (struct column){.kind = COL_TABLE,
                                         .type = o->types[f->right_map[i]],
                                         .number = f->right_map[i],
                                         .table = t};
        if (left_join) s->col[nl + i].type.nullable = 1;
    }
    struct weir_step step = {.kind = WEIR_STEP_PROBE,
                             .join = n->join.type,
                             .table = (uint16_t)t,
                             .n = (uint32_t)nk,
                             .residual = WEIR_REG_NONE,
                             .pos = n->pos};
    step.first = weir_pipe_add_operands(c->b, key, nk);
    if (n->join.residual) {
        /* Left columns are computed before the probe; what the residual computes belongs to a
           candidate pair and is forgotten, so that later expressions compute it anew for the pairs
           that counted. */
        bool *want = grab(l, (size_t)s->n + 1, sizeof *want);
        if (!want) return nomem(l);
        want_columns(n->join.residual, want);
        for (int i = 0; i < nl; i++) {
            if (!want[i]) continue;
            uint32_t reg = column_reg(l, c, &c->scope->col[i]);
            s->col[i] =
                (struct column){.kind = COL_REG, .type = c->scope->col[i].type, .number = (int)reg};
        }
        step.first_insn_after = weir_pipe_insn_count(c->b);
        step.residual = expr_reg(l, c, n->join.residual, s);
        step.residual_end = weir_pipe_insn_count(c->b);
        weir_pipe_forget(c->b, step.first_insn_after);
    }
    weir_pipe_add_step(c->b, &step);
    if (n->join.type > WEIR_JOIN_LEFT) s->n = nl;
    c->scope = s;
    return consume(l, f->up, c);
}

static int consume_aggregate(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    int nk = n->aggregate.n_keys;
    uint32_t *key = grab(l, (size_t)nk + 1, sizeof *key);
    if (!key) return nomem(l);
    for (int i = 0; i < nk; i++) key[i] = expr_reg(l, c, n->aggregate.key[i], c->scope);
    for (int i = 0; i < n->aggregate.n_aggs; i++) {
        const struct weir_agg *a = &n->aggregate.agg[i];
        struct weir_pipe_agg agg = {.fn = a->fn,
                                    .distinct = a->distinct,
                                    .arg = WEIR_REG_NONE,
                                    .filter = WEIR_REG_NONE,
                                    .type = a->type,
                                    .pos = a->pos};
        if (a->arg) {
            agg.arg = expr_reg(l, c, a->arg, c->scope);
            agg.arg_type = a->arg->type;
        }
        if (a->filter) agg.filter = expr_reg(l, c, a->filter, c->scope);
        weir_pipe_add_agg(c->b, &agg);
    }
    struct weir_object *o = &l->out->object[f->object];
    if (c->source && !c->event_time) o->window_end_key = -1; /* the watermark says nothing here */
    if (o->counts_rows) {
        struct weir_pipe_agg rows = {.fn = WEIR_AGG_COUNT,
                                     .arg = WEIR_REG_NONE,
                                     .filter = c->last_window,
                                     .type = o->types[o->n_columns - 1],
                                     .pos = n->pos};
        weir_pipe_add_agg(c->b, &rows);
    }
    struct weir_step step = {
        .kind = WEIR_STEP_AGGREGATE, .n = (uint32_t)nk, .residual = WEIR_REG_NONE, .pos = n->pos};
    step.first = weir_pipe_add_operands(c->b, key, nk);
    weir_pipe_add_step(c->b, &step);
    return end_stage(l, c, f->object);
}

static int consume_sort(struct lowering *l, struct frame *f, struct cursor *c)
{
    const struct weir_node *n = f->node;
    int nc = n->schema.n, nk = n->sort.n_keys;
    uint32_t *reg = grab(l, (size_t)(nc + nk) + 1, sizeof *reg);
    if (!reg) return nomem(l);
    for (int i = 0; i < nk; i++) reg[nc + i] = expr_reg(l, c, n->sort.key[i].expr, c->scope);
    for (int i = 0; i < nc; i++) {
        struct weir_value null = {.type = n->schema.field[i].type, .is_null = true};
        reg[i] = f->need[i] ? column_reg(l, c, &c->scope->col[i])
                            : weir_pipe_emit_const(c->b, &null, (struct weir_pos){0});
    }
    output_step(c, reg, nc + nk);
    return end_stage(l, c, f->object);
}

static int consume_result(struct lowering *l, struct frame *f, struct cursor *c)
{
    uint32_t *reg = grab(l, (size_t)c->scope->n + 1, sizeof *reg);
    if (!reg) return nomem(l);
    for (int i = 0; i < c->scope->n; i++) reg[i] = column_reg(l, c, &c->scope->col[i]);
    output_step(c, reg, c->scope->n);
    return end_stage(l, c, f->object);
}

static int consume(struct lowering *l, struct frame *f, struct cursor *c)
{
    if (!f->node) return consume_result(l, f, c);
    switch (f->node->kind) {
    case WEIR_NODE_FILTER: return consume_filter(l, f, c);
    case WEIR_NODE_PROJECT: return consume_project(l, f, c);
    case WEIR_NODE_WINDOW: return consume_window(l, f, c);
    case WEIR_NODE_JOIN: return f->up ? consume_probe(l, f, c) : consume_build(l, f, c);
    case WEIR_NODE_AGGREGATE: return consume_aggregate(l, f, c);
    default: return consume_sort(l, f, c);
    }
}

int weir_stages_lower(struct weir_arena *a, const struct weir_node *root, struct weir_stages *out,
                      struct weir_error *err)
{
    memset(out, 0, sizeof *out);
    struct lowering l = {.a = a, .err = err, .out = out};
    bool *need = grab(&l, (size_t)root->schema.n + 1, sizeof *need);
    if (!need) return nomem(&l);
    for (int i = 0; i < root->schema.n; i++) need[i] = true;
    int sink = new_object(&l, WEIR_OBJECT_SINK, root->schema.n);
    if (sink < 0) return sink;
    for (int i = 0; i < root->schema.n; i++)
        out->object[sink].types[i] = root->schema.field[i].type;
    struct frame end = {.object = sink};
    int rc = produce(&l, root, need, &end);
    if (rc) weir_stages_release(out);
    return rc;
}

void weir_stages_release(struct weir_stages *s)
{
    for (int i = 0; i < s->n_stages; i++) {
        weir_free(s->stage[i].pipeline);
        weir_batch_unref(s->stage[i].batch);
    }
    s->n_stages = 0;
}
