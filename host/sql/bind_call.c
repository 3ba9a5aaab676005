/* Function calls: conditional functions become SELECTs, group window functions refer to the block's
   window, aggregates are collected for the AGGREGATE node, and all else comes from the registry. */
#include <stdio.h>
#include <string.h>

#include "host/sql/bind_impl.h"
#include "runtime/native/functions.h"

/* ---- the registry ---- */

/* Entries that only special syntax leads to. */
bool bind_is_internal(const struct weir_function *f)
{
    static const char *const prefix[] = {"EXTRACT_",      "FLOOR_TO_",      "CEIL_TO_",
                                         "TIMESTAMPADD_", "TIMESTAMPDIFF_", "ADD_MONTHS",
                                         "TRIM_"};
    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
        if (!strncmp(f->name, prefix[i], strlen(prefix[i]))) return true;
    return false;
}

static void *unknown_function(struct binder *b, const char *name, const struct weir_pos *pos)
{
    int n = weir_function_count();
    const char **names = weir_malloc(sizeof *names * (size_t)(n + 1));
    int k = 0;
    for (int i = 0; names && i < n; i++)
        if (!bind_is_internal(weir_function_at(i))) names[k++] = weir_function_at(i)->name;
    const char *near = names ? weir_sql_nearest(name, names, (size_t)k) : NULL;
    weir_free(names);
    if (near) return bind_fail(b, pos, "unknown function \"%s\"; did you mean %s?", name, near);
    return bind_fail(b, pos, "unknown function \"%s\"; SHOW FUNCTIONS lists what there is", name);
}

struct weir_expr *bind_function(struct binder *b, const char *name, struct weir_pos pos, int n,
                                struct weir_expr **arg)
{
    const struct weir_function *f = weir_function_find(name, strlen(name));
    if (!f) return unknown_function(b, name, &pos);
    if (n < f->min_args || n > f->max_args)
        return bind_fail(b, &pos, "%s takes %s: %s", f->name,
                         n < f->min_args ? "more arguments" : "fewer arguments", f->signature);
    struct weir_type *type = bind_alloc(b, (size_t)n + 1, sizeof *type), ret;
    if (!type) return NULL;
    for (int i = 0; i < n; i++) type[i] = arg[i]->type;
    struct weir_error why = {0};
    if (f->infer(f, n, type, &ret, &why)) {
        if (why.code == WEIR_ERR_NOMEM) return bind_nomem(b);
        return bind_fail(b, &pos, "%s", why.message);
    }
    struct weir_expr *e = bind_new_n(b, WEIR_OP_CALL, ret, pos, n);
    if (!e) return NULL;
    e->fn = f;
    for (int i = 0; i < n; i++)
        if (!(e->arg[i] = bind_cast(b, arg[i], type[i]))) return NULL;
    return e;
}

/* ---- conditional functions ---- */

struct weir_expr *bind_coalesce(struct binder *b, struct weir_expr **e, int n, struct weir_pos pos)
{
    struct weir_type t;
    if (!bind_unify(b, e, n, "the arguments of COALESCE", &t)) return NULL;
    struct weir_expr *r = e[n - 1];
    for (int i = n - 2; r && i >= 0; i--) {
        if (!e[i]->type.nullable) {
            r = e[i];
            continue;
        }
        struct weir_type step = t;
        step.nullable = r->type.nullable;
        r = bind_new(b, WEIR_OP_SELECT, step, pos, 3, bind_not(b, bind_is_null(b, e[i])), e[i], r);
    }
    return r;
}

static struct weir_expr *select_two(struct binder *b, struct weir_expr *cond, struct weir_expr *x,
                                    struct weir_expr *y, const char *what, struct weir_pos pos)
{
    struct weir_expr *e[2] = {x, y};
    struct weir_type t;
    if (!cond || !x || !y || !bind_unify(b, e, 2, what, &t)) return NULL;
    t.nullable = e[0]->type.nullable || e[1]->type.nullable;
    return bind_new(b, WEIR_OP_SELECT, t, pos, 3, cond, e[0], e[1]);
}

/* ---- functions with a syntax of their own ---- */

/* NAME and the unit: EXTRACT_YEAR. N arguments of C from FIRST on. */
static struct weir_expr *unit_call(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                                   const char *prefix, const struct weir_ast_expr *unit,
                                   size_t first, size_t n)
{
    struct weir_expr *arg[2];
    char name[64];
    if (unit->kind != WEIR_AST_EX_UNIT)
        return bind_fail(b, &unit->pos,
                         "a unit of time belongs here: YEAR, MONTH, DAY, HOUR, "
                         "MINUTE, SECOND, ...");
    snprintf(name, sizeof name, "%s%s", prefix, weir_ast_unit_name(unit->unit));
    for (size_t i = 0; i < n; i++)
        if (!(arg[i] = bind_expr(b, s, a->call->args.items[first + i]))) return NULL;
    if (weir_function_find(name, strlen(name))) return bind_function(b, name, a->pos, (int)n, arg);
    return bind_unsupported(b, &unit->pos, "the unit %s is parsed here, not executed",
                            weir_ast_unit_name(unit->unit));
}

static struct weir_expr *timestamp_call(struct binder *b, struct scope *s,
                                        const struct weir_ast_expr *a, bool add)
{
    const struct weir_ast_exprs *args = &a->call->args;
    return unit_call(b, s, a, add ? "TIMESTAMPADD_" : "TIMESTAMPDIFF_", args->items[0], 1, 2);
}

static struct weir_expr *trim_call(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    static const char *const name[] = {"TRIM_BOTH", "TRIM_LEADING", "TRIM_TRAILING"};
    const struct weir_ast_exprs *args = &a->call->args;
    struct weir_value blank = {.type = weir_type_make(WEIR_TYPE_CHAR), .s = {" ", 1}};
    blank.type.nullable = 0;
    struct weir_expr *arg[2] = {bind_expr(b, s, args->items[0]), NULL};
    if (!arg[0]) return NULL;
    arg[1] = args->n > 1 ? bind_expr(b, s, args->items[1]) : bind_const(b, &blank, a->pos);
    if (!arg[1]) return b->status ? NULL : bind_nomem(b);
    return bind_function(b, name[a->call->trim], a->pos, 2, arg);
}

/* ROUND and TRUNCATE of a DECIMAL to a known number of digits. */
static struct weir_expr *round_call(struct weir_expr *e)
{
    const struct weir_expr *digits = e && e->n_args == 2 ? e->arg[1] : NULL;
    if (!e || e->op != WEIR_OP_CALL || e->type.id != WEIR_TYPE_DECIMAL) return e;
    int n = 0;
    if (digits) {
        const struct weir_expr *d = digits;
        int sign = 1;
        for (; d->op == WEIR_OP_CAST || d->op == WEIR_OP_NEG; d = d->arg[0])
            if (d->op == WEIR_OP_NEG) sign = -sign;
        if (d->op != WEIR_OP_CONST || d->value.is_null || !weir_type_is_integer(d->type)) return e;
        if (d->value.i < -100 || d->value.i > 100) return e;
        n = sign * (int)d->value.i;
    }
    struct weir_type t = weir_function_round_type(e->arg[0]->type, n);
    t.nullable = e->type.nullable;
    e->type = t;
    return e;
}

enum special {
    SP_COALESCE,
    SP_NULLIF,
    SP_IF,
    SP_GROUPING,
    SP_WINDOW,
    SP_NOT_A_SCALAR,
    SP_PROCTIME,
    SP_MOD,
    SP_EXTRACT,
    SP_TIMESTAMPADD,
    SP_TIMESTAMPDIFF,
    SP_TRIM,
    SP_ROUND
};

static const struct {
    const char *name;
    uint8_t kind, min, max, part;
} specials[] = {
    {"COALESCE", SP_COALESCE, 1, 255, 0},
    {"IFNULL", SP_COALESCE, 2, 2, 0},
    {"NULLIF", SP_NULLIF, 2, 2, 0},
    {"IF", SP_IF, 3, 3, 0},
    {"GROUPING", SP_GROUPING, 1, 63, 0},
    {"GROUPING_ID", SP_GROUPING, 1, 63, 0},
    {"TUMBLE_START", SP_WINDOW, 2, 3, WINDOW_START},
    {"TUMBLE_END", SP_WINDOW, 2, 3, WINDOW_END},
    {"TUMBLE_ROWTIME", SP_WINDOW, 2, 3, WINDOW_ROWTIME},
    {"HOP_START", SP_WINDOW, 3, 4, WINDOW_START},
    {"HOP_END", SP_WINDOW, 3, 4, WINDOW_END},
    {"HOP_ROWTIME", SP_WINDOW, 3, 4, WINDOW_ROWTIME},
    {"TUMBLE", SP_NOT_A_SCALAR, 0, 255, 0},
    {"HOP", SP_NOT_A_SCALAR, 0, 255, 0},
    {"SESSION", SP_NOT_A_SCALAR, 0, 255, 0},
    {"CUMULATE", SP_NOT_A_SCALAR, 0, 255, 0},
    {"PROCTIME", SP_PROCTIME, 0, 0, 0},
    {"TUMBLE_PROCTIME", SP_PROCTIME, 0, 255, 0},
    {"HOP_PROCTIME", SP_PROCTIME, 0, 255, 0},
    {"MOD", SP_MOD, 2, 2, 0},
    {"EXTRACT", SP_EXTRACT, 2, 2, 0},
    {"TIMESTAMPADD", SP_TIMESTAMPADD, 3, 3, 0},
    {"TIMESTAMPDIFF", SP_TIMESTAMPDIFF, 3, 3, 0},
    {"TRIM", SP_TRIM, 1, 2, 0},
    {"ROUND", SP_ROUND, 1, 2, 0},
    {"TRUNCATE", SP_ROUND, 1, 2, 0},
    {"SESSION_START", SP_NOT_A_SCALAR, 0, 255, 0},
    {"SESSION_END", SP_NOT_A_SCALAR, 0, 255, 0},
};

/* ---- TUMBLE_START and friends ---- */

static struct weir_expr *window_part(struct binder *b, struct scope *s,
                                     const struct weir_ast_expr *a, enum window_part part)
{
    const struct group_window *w = s->window;
    const struct weir_ast_exprs *args = &a->call->args;
    const char *name = a->call->name.parts[a->call->name.n - 1].name;
    if (!w || s->in_agg)
        return bind_fail(b, &a->pos,
                         "%s stands beside a GROUP BY with that window, outside of "
                         "aggregates: SELECT %s(ts, ...) ... GROUP BY TUMBLE(ts, ...)",
                         name, name);
    struct weir_expr *time = bind_expr(b, s, args->items[0]);
    int64_t a1, a2 = 0;
    if (!time || !bind_interval(b, args->items[1], "the window's size", &a1)) return NULL;
    if (args->n > 2 && !bind_interval(b, args->items[2], "the window's size", &a2)) return NULL;
    bool hop = w->kind == WEIR_WINDOW_HOP;
    size_t len = strlen(w->name);
    bool same = time->op == WEIR_OP_COLUMN && time->column == w->time_column &&
                strlen(name) > len && name[len] == '_' && a1 == (hop ? w->slide_us : w->size_us) &&
                (!hop || a2 == w->size_us);
    for (size_t i = 0; same && i < len; i++) same = (name[i] & ~32) == w->name[i];
    if (!same)
        return bind_fail(b, &a->pos,
                         "%s must have the name and the arguments of the %s in GROUP BY", name,
                         w->name);
    struct weir_type t = weir_type_timestamp(3);
    t.nullable = 0;
    return bind_column(b, COL_WINDOW + (int)part, t, a->pos);
}

static struct weir_expr *grouping(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                                  struct weir_expr **arg)
{
    if (!s->agg_ok || s->in_agg)
        return bind_fail(b, &a->pos,
                         "GROUPING stands only in the SELECT list, HAVING and ORDER BY "
                         "of a query with GROUP BY");
    struct weir_expr **g = bind_grow(b, s->grouping, s->n_grouping, &s->cap_grouping, sizeof *g);
    if (!g) return NULL;
    s->grouping = g;
    int n = (int)a->call->args.n;
    struct weir_type t = weir_type_make(WEIR_TYPE_BIGINT);
    t.nullable = 0;
    struct weir_expr *list = bind_new_n(b, WEIR_OP_CALL, t, a->pos, n);
    if (!list) return NULL;
    memcpy(list->arg, arg, sizeof *arg * (size_t)n);
    g[s->n_grouping] = list;
    return bind_column(b, COL_GROUPING + s->n_grouping++, t, a->pos);
}

static bool check_count(struct binder *b, const struct weir_ast_expr *a, size_t i)
{
    size_t n = a->call->args.n;
    if (n >= specials[i].min && n <= specials[i].max) return true;
    return bind_fail(b, &a->pos, "%s takes %d%s argument%s, not %zu", specials[i].name,
                     specials[i].min, specials[i].max > specials[i].min ? " or more" : "",
                     specials[i].min == 1 && specials[i].max == 1 ? "" : "s", n);
}

/* Those that look at the syntax of their arguments; *OUT is the result. False: look further. */
static bool bind_syntax(struct binder *b, struct scope *s, const struct weir_ast_expr *a, size_t i,
                        struct weir_expr **out)
{
    const struct weir_ast_exprs *args = &a->call->args;
    const char *name = specials[i].name;
    switch (specials[i].kind) {
    case SP_WINDOW: *out = window_part(b, s, a, (enum window_part)specials[i].part); return true;
    case SP_EXTRACT: *out = unit_call(b, s, a, "EXTRACT_", args->items[0], 1, 1); return true;
    case SP_TIMESTAMPADD: *out = timestamp_call(b, s, a, true); return true;
    case SP_TIMESTAMPDIFF: *out = timestamp_call(b, s, a, false); return true;
    case SP_TRIM: *out = trim_call(b, s, a); return true;
    case SP_PROCTIME:
        *out = bind_unsupported(b, &a->pos,
                                "processing time is not executed yet; use an event time column, or "
                                "CURRENT_TIMESTAMP for the time of the query");
        return true;
    case SP_NOT_A_SCALAR:
        *out = bind_fail(b, &a->pos,
                         "%s stands in FROM, as TABLE(%s(TABLE t, DESCRIPTOR(ts), ...)), or in "
                         "GROUP BY",
                         name, name);
        return true;
    default: return false;
    }
}

static struct weir_expr *bind_special(struct binder *b, struct scope *s,
                                      const struct weir_ast_expr *a, size_t i)
{
    const struct weir_ast_exprs *args = &a->call->args;
    struct weir_expr *out;
    if (!check_count(b, a, i)) return NULL;
    if (bind_syntax(b, s, a, i, &out)) return out;
    struct weir_expr **e = bind_alloc(b, args->n, sizeof(struct weir_expr *));
    for (size_t k = 0; e && k < args->n; k++)
        if (!(e[k] = bind_expr(b, s, args->items[k]))) return NULL;
    if (!e) return NULL;
    switch (specials[i].kind) {
    case SP_COALESCE: return bind_coalesce(b, e, (int)args->n, a->pos);
    case SP_MOD: return bind_arith(b, WEIR_OP_MOD, e[0], e[1], a->pos);
    case SP_ROUND: return round_call(bind_function(b, specials[i].name, a->pos, (int)args->n, e));
    case SP_NULLIF:
        return select_two(b, bind_compare(b, WEIR_OP_EQ, e[0], e[1], a->pos),
                          bind_null(b, e[0]->type, a->pos), e[0], "NULLIF", a->pos);
    case SP_IF:
        if (e[0]->type.id != WEIR_TYPE_BOOLEAN)
            return bind_fail(b, &args->items[0]->pos, "IF needs a BOOLEAN first, this is %s",
                             bind_type_text(b, e[0]->type));
        return select_two(b, e[0], e[1], e[2], "the branches of IF", a->pos);
    default: return grouping(b, s, a, e);
    }
}

/* ---- all calls ---- */

static bool plain_call(struct binder *b, const struct weir_ast_expr *a, const char *name)
{
    const struct weir_ast_call *c = a->call;
    if (c->distinct)
        bind_fail(b, &a->pos, "%s is no aggregate function: DISTINCT has no meaning here", name);
    else if (c->filter)
        bind_fail(b, &a->pos, "%s is no aggregate function: FILTER has no meaning here", name);
    else if (c->within_group.n)
        bind_unsupported(b, &a->pos, "WITHIN GROUP is parsed, not executed yet");
    return !b->status;
}

struct weir_expr *bind_call(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    const struct weir_ast_call *c = a->call;
    const char *name = c->name.parts[c->name.n - 1].name;
    if (c->over)
        return bind_unsupported(b, &a->pos,
                                "OVER windows are parsed, not executed yet; write a "
                                "GROUP BY in a sub-query and join with it, or ORDER BY "
                                "... LIMIT n for the first rows");
    if (bind_is_aggregate(c)) return bind_aggregate(b, s, a);
    if (!plain_call(b, a, name)) return NULL;
    if (c->syntax == WEIR_AST_CALL_CEIL_FLOOR)
        return unit_call(b, s, a, bind_word_is(name, "FLOOR") ? "FLOOR_TO_" : "CEIL_TO_",
                         c->args.items[1], 0, 1);
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        if (bind_word_is(name, specials[i].name)) return bind_special(b, s, a, i);
    if (c->args.n > 255) return bind_fail(b, &a->pos, "%s has too many arguments", name);
    struct weir_expr **arg = bind_alloc(b, c->args.n, sizeof *arg);
    for (size_t i = 0; arg && i < c->args.n; i++)
        if (!(arg[i] = bind_expr(b, s, c->args.items[i]))) return NULL;
    return arg ? bind_function(b, name, a->pos, (int)c->args.n, arg) : NULL;
}
