/* Window functions: TUMBLE, HOP and CUMULATE in FROM, and the WINDOW node that they share with
   GROUP BY TUMBLE(...). */
#include <string.h>

#include "host/sql/bind_impl.h"

static bool check_window(struct binder *b, const struct group_window *w)
{
    const char *small = w->kind == WEIR_WINDOW_CUMULATE ? "step" : "slide";
    if (w->time_type.id != WEIR_TYPE_TIMESTAMP && w->time_type.id != WEIR_TYPE_TIMESTAMP_LTZ)
        return bind_fail(b, &w->pos,
                         "the time of %s must be a TIMESTAMP, this column is %s; add a computed "
                         "column to the table: ts AS TO_TIMESTAMP(...)",
                         w->name, bind_type_text(b, w->time_type));
    if (w->size_us < 1000 || w->slide_us < 1000)
        return bind_fail(b, &w->pos, "the size and the %s of %s must be at least a millisecond",
                         small, w->name);
    if (w->slide_us > w->size_us || w->size_us % w->slide_us)
        return bind_fail(b, &w->pos, "the size of %s must be a multiple of its %s", w->name, small);
    if (w->size_us / w->slide_us > 10000)
        return bind_fail(b, &w->pos, "the %s of %s is too small: a row would be in %lld windows",
                         small, w->name, (long long)(w->size_us / w->slide_us));
    return true;
}

struct weir_node *bind_window_node(struct binder *b, struct weir_node *in, struct group_window *w)
{
    if (!check_window(b, w)) return NULL;
    int n = in->schema.n;
    struct weir_node *node = bind_node(b, WEIR_NODE_WINDOW, 1, n + 3, w->pos);
    if (!node) return NULL;
    node->input[0] = in;
    for (int i = 0; i < n; i++) node->schema.field[i] = in->schema.field[i];
    struct weir_type t = weir_type_timestamp(3);
    t.nullable = 0;
    node->schema.field[n] = (struct weir_field){"window_start", t};
    node->schema.field[n + 1] = (struct weir_field){"window_end", t};
    node->schema.field[n + 2] = (struct weir_field){"window_time", t};
    node->window.kind = w->kind;
    node->window.time_column = w->time_column;
    node->window.size_us = w->size_us;
    node->window.slide_us = w->slide_us;
    node->window.offset_us = w->offset_us;
    w->end_column = n + 1;
    return node;
}

/* ---- TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL ...)) ---- */

struct tvf {
    const char *name;
    uint8_t kind;
    const char *arg[5]; /* in the order of the positional form */
    int n_required;
};

static const struct tvf tvfs[] = {
    {"TUMBLE", WEIR_WINDOW_TUMBLE, {"DATA", "TIMECOL", "SIZE", "OFFSET", NULL}, 3},
    {"HOP", WEIR_WINDOW_HOP, {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"}, 4},
    {"CUMULATE", WEIR_WINDOW_CUMULATE, {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"}, 4},
};

static const char *usage(const struct tvf *f)
{
    switch (f->kind) {
    case WEIR_WINDOW_TUMBLE: return "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])";
    case WEIR_WINDOW_HOP: return "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])";
    default: return "CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])";
    }
}

static int find_arg(const struct tvf *f, const char *name)
{
    for (int i = 0; i < 5 && f->arg[i]; i++)
        if (bind_word_is(name, f->arg[i])) return i;
    return -1;
}

/* Positional and named arguments, sorted into ARG. */
static bool sort_args(struct binder *b, const struct tvf *f, const struct weir_ast_expr *a,
                      const struct weir_ast_expr *arg[5])
{
    const struct weir_ast_exprs *in = &a->call->args;
    int max = f->arg[4] ? 5 : 4;
    for (size_t i = 0; i < in->n; i++) {
        const struct weir_ast_expr *e = in->items[i];
        int at = (int)i;
        if (e->kind == WEIR_AST_EX_NAMED_ARG) {
            at = find_arg(f, e->named_arg.name.name);
            if (at < 0)
                return bind_fail(b, &e->pos, "%s has no argument \"%s\": %s", f->name,
                                 e->named_arg.name.name, usage(f));
            e = e->named_arg.value;
        }
        if (at >= max || arg[at])
            return bind_fail(b, &e->pos, "%s: write %s", at >= max ? "too many arguments" : "twice",
                             usage(f));
        arg[at] = e;
    }
    for (int i = 0; i < f->n_required; i++)
        if (!arg[i])
            return bind_fail(b, &a->pos, "the %s is missing: write %s", f->arg[i], usage(f));
    return true;
}

static struct rel *window_input(struct binder *b, const struct weir_ast_expr *a)
{
    if (a->kind == WEIR_AST_EX_SUBQUERY) return bind_query(b, a->query, NULL);
    if (a->kind != WEIR_AST_EX_TABLE_ARG)
        return bind_fail(b, &a->pos, "write TABLE and the table's name here: TABLE t");
    if (a->table_arg.partition_by.n)
        return bind_unsupported(b, &a->pos,
                                "PARTITION BY has no meaning for this window; group by "
                                "the column as well");
    if (a->table_arg.query) return bind_query(b, a->table_arg.query, NULL);
    struct weir_ast_table_ref t = {.pos = a->pos, .kind = WEIR_AST_TR_NAME};
    t.named.name = a->table_arg.name;
    return bind_from(b, &t, NULL);
}

static bool window_time(struct binder *b, struct rel *r, const struct weir_ast_expr *a,
                        struct group_window *w)
{
    if (a->kind != WEIR_AST_EX_DESCRIPTOR || a->descriptor.n != 1)
        return bind_fail(b, &a->pos, "write DESCRIPTOR and one column here: DESCRIPTOR(ts)");
    struct scope s = {.rel = *r};
    struct weir_ast_name name = {
        .pos = a->descriptor.items[0].pos, .n = 1, .parts = a->descriptor.items};
    bool outer;
    const struct column *c = bind_resolve(b, &s, &name, &outer);
    if (!c) return false;
    w->time_column = c->index;
    w->time_type = c->type;
    return true;
}

static bool window_sizes(struct binder *b, const struct tvf *f, const struct weir_ast_expr *arg[5],
                         struct group_window *w)
{
    int size = f->kind == WEIR_WINDOW_TUMBLE ? 2 : 3;
    if (!bind_interval(b, arg[size], "the window's size", &w->size_us)) return false;
    w->slide_us = w->size_us;
    if (size == 3 &&
        !bind_interval(b, arg[2], f->kind == WEIR_WINDOW_HOP ? "the slide" : "the step",
                       &w->slide_us))
        return false;
    return !arg[size + 1] || bind_interval(b, arg[size + 1], "the offset", &w->offset_us);
}

static struct rel *window_rel(struct binder *b, struct rel *in, struct group_window *w)
{
    int n = in->node->schema.n;
    struct rel *out = bind_alloc(b, 1, sizeof *out);
    if (!out) return NULL;
    out->node = bind_window_node(b, in->node, w);
    if (!out->node) return NULL;
    for (int i = 0; i < in->n; i++)
        if (!in->col[i].hidden && !bind_add_column(b, out, in->col[i])) return NULL;
    for (int i = 0; i < 3; i++) {
        const struct weir_field *f = &out->node->schema.field[n + i];
        struct column c = {.name = f->name, .type = f->type, .index = n + i};
        c.role = (uint8_t)(ROLE_WINDOW_START + i);
        c.window = w->fixed ? w : NULL;
        if (!bind_add_column(b, out, c)) return NULL;
    }
    return out;
}

/* The lengths of cumulating windows, in microseconds: one column, size / step rows. */
static struct weir_node *lengths(struct binder *b, const struct group_window *w)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_builder *rows = NULL;
    t.nullable = 0;
    struct weir_node *n = bind_node(b, WEIR_NODE_VALUES, 0, 1, w->pos);
    if (!n || !bind_keep_values(b, n)) return NULL;
    n->schema.field[0] = (struct weir_field){"length", t};
    int status = weir_builder_new(NULL, 1, &t, &rows, b->err);
    for (int64_t us = w->slide_us; !status && us <= w->size_us; us += w->slide_us)
        weir_builder_i64(rows, 0, us);
    if (!status) status = weir_builder_finish(rows, &n->values.batch, b->err);
    weir_builder_free(rows);
    if (status) b->status = status;
    return status ? NULL : n;
}

static struct rel *cumulate(struct binder *b, struct rel *in, struct group_window *w)
{
    struct group_window whole = *w;
    whole.kind = WEIR_WINDOW_TUMBLE;
    whole.slide_us = w->size_us;
    if (!check_window(b, w)) return NULL;
    struct rel *out = window_rel(b, in, &whole);
    struct weir_node *values = out ? lengths(b, w) : NULL;
    if (!values) return NULL;
    int n = out->node->schema.n;
    struct weir_type t = out->node->schema.field[n - 3].type;
    struct weir_node *join = bind_join(b, WEIR_JOIN_INNER, out->node, values, w->pos);
    struct weir_expr *start = bind_column(b, n - 3, t, w->pos);
    struct weir_expr *length = bind_column(b, n, values->schema.field[0].type, w->pos);
    struct weir_expr *end = bind_new(b, WEIR_OP_ADD, t, w->pos, 2, start, length, NULL);
    struct weir_expr *ms = bind_const_i64(b, weir_type_make(WEIR_TYPE_INTERVAL_DAY), 1000, w->pos);
    struct weir_expr *last = bind_new(b, WEIR_OP_SUB, t, w->pos, 2, end, ms, NULL);
    struct weir_expr **e = bind_alloc(b, (size_t)n, sizeof *e);
    const char **name = bind_alloc(b, (size_t)n, sizeof *name);
    if (!join || !last || !e || !name || !bind_join_keys(b, join, 0, NULL, NULL)) return NULL;
    join->join.residual = bind_compare(
        b, WEIR_OP_LT, bind_column(b, w->time_column, w->time_type, w->pos), end, w->pos);
    for (int i = 0; i < n; i++) {
        name[i] = out->node->schema.field[i].name;
        e[i] = bind_column(b, i, out->node->schema.field[i].type, w->pos);
        if (!e[i]) return NULL;
    }
    e[n - 2] = end;
    e[n - 1] = last;
    out->node = join->join.residual ? bind_project(b, join, n, e, name, w->pos) : NULL;
    return out->node ? out : NULL;
}

struct rel *bind_window_tvf(struct binder *b, const struct weir_ast_expr *a)
{
    const char *name = a->call->name.parts[a->call->name.n - 1].name;
    const struct tvf *f = NULL;
    for (size_t i = 0; i < sizeof tvfs / sizeof *tvfs; i++)
        if (bind_word_is(name, tvfs[i].name)) f = &tvfs[i];
    if (bind_word_is(name, "SESSION"))
        return bind_unsupported(b, &a->pos,
                                "SESSION windows are parsed, not executed yet; use "
                                "TUMBLE or HOP");
    if (!f)
        return bind_fail(b, &a->pos,
                         "unknown table function \"%s\"; there are TUMBLE, HOP and "
                         "CUMULATE",
                         name);
    const struct weir_ast_expr *arg[5] = {0};
    if (!sort_args(b, f, a, arg)) return NULL;
    struct rel *in = window_input(b, arg[0]);
    struct group_window *w = bind_alloc(b, 1, sizeof *w);
    if (!in || !w) return NULL;
    *w = (struct group_window){.pos = a->pos, .kind = f->kind, .name = f->name};
    if (!window_time(b, in, arg[1], w) || !window_sizes(b, f, arg, w)) return NULL;
    if (w->kind == WEIR_WINDOW_CUMULATE) return cumulate(b, in, w);
    w->fixed = true;
    return window_rel(b, in, w);
}
