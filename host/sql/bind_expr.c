/* Expressions: operators, predicates, CASE and CAST. Each function takes the syntax of one
   construct and returns its typed form; sugar (BETWEEN, IS DISTINCT FROM, COALESCE, simple CASE)
   becomes the few operators of expr.h, its operand bound once and shared. */
#include <string.h>

#include "host/sql/bind_impl.h"

#define MAX_WHENS 1000

static bool bind_args(struct binder *b, struct scope *s, const struct weir_ast_exprs *list,
                      struct weir_expr ***out)
{
    struct weir_expr **e = bind_alloc(b, list->n + 1, sizeof(struct weir_expr *));
    for (size_t i = 0; e && i < list->n; i++)
        if (!(e[i] = bind_expr(b, s, list->items[i]))) return false;
    *out = e;
    return e != NULL;
}

static struct weir_expr *as_boolean(struct binder *b, struct weir_expr *e, const char *what)
{
    if (!e || e->type.id == WEIR_TYPE_BOOLEAN) return e;
    if (e->type.id == WEIR_TYPE_NULL) return bind_cast(b, e, bind_boolean_type(true));
    return bind_fail(b, &e->pos, "%s needs a BOOLEAN, this is %s; compare it with something", what,
                     bind_type_text(b, e->type));
}

/* ---- columns ---- */

static struct weir_expr *find_alias(struct binder *b, const struct scope *s,
                                    const struct weir_ast_name *name)
{
    struct weir_expr *found = NULL;
    for (int i = 0; name->n == 1 && i < s->n_alias; i++) {
        const struct alias *a = &s->alias[i];
        if (!a->name || strcmp(a->name, name->parts[0].name)) continue;
        if (found && !weir_expr_equal(found, a->expr))
            return bind_fail(b, &name->pos,
                             "\"%s\" is ambiguous: several items of the SELECT list have that name",
                             a->name);
        found = a->expr;
    }
    return found;
}

static bool input_has(const struct scope *s, const struct weir_ast_name *name)
{
    for (int i = 0; name->n == 1 && i < s->rel.n; i++)
        if (!strcmp(s->rel.col[i].name, name->parts[0].name)) return true;
    return false;
}

static struct weir_expr *column(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    if (s->n_alias && (s->alias_first || !input_has(s, &a->column)) && !s->in_agg) {
        struct weir_expr *e = find_alias(b, s, &a->column);
        if (e || b->status) return e;
    }
    bool outer;
    struct column *c = bind_resolve(b, s, &a->column, &outer);
    if (!c) return NULL;
    return bind_column(b, c->index + (outer ? COL_OUTER : 0), c->type, a->pos);
}

/* ---- operators ---- */

static struct weir_expr *unary(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    if (a->unary.op == WEIR_AST_UN_NOT) {
        struct weir_expr *e = as_boolean(b, bind_expr(b, s, a->unary.operand), "NOT");
        return bind_not(b, e);
    }
    struct weir_expr *e = bind_expr(b, s, a->unary.operand);
    if (!e) return NULL;
    if (!weir_type_is_numeric(e->type) && !weir_type_is_interval(e->type) &&
        e->type.id != WEIR_TYPE_NULL)
        return bind_fail(b, &a->pos, "cannot apply a sign to %s; CAST it to a number",
                         bind_type_text(b, e->type));
    if (a->unary.op == WEIR_AST_UN_PLUS || e->type.id == WEIR_TYPE_NULL) return e;
    return bind_new(b, WEIR_OP_NEG, e->type, a->pos, 1, e, NULL, NULL);
}

/* (a, b) = (c, d): all pairs; <> is its negation. */
static struct weir_expr *compare_rows(struct binder *b, struct scope *s, enum weir_op op,
                                      const struct weir_ast_expr *l, const struct weir_ast_expr *r,
                                      struct weir_pos pos)
{
    if (l->kind != WEIR_AST_EX_ROW || r->kind != WEIR_AST_EX_ROW || l->list.n != r->list.n)
        return bind_fail(b, &pos, "both sides must be rows of the same number of values");
    if (op != WEIR_OP_EQ && op != WEIR_OP_NE)
        return bind_unsupported(b, &pos,
                                "rows are compared with = and <> only; write the comparison of "
                                "their values with AND and OR");
    struct weir_expr **x, **y;
    if (!bind_args(b, s, &l->list, &x) || !bind_args(b, s, &r->list, &y)) return NULL;
    for (size_t i = 0; i < l->list.n; i++)
        if (!(x[i] = bind_compare(b, WEIR_OP_EQ, x[i], y[i], pos))) return NULL;
    struct weir_expr *all = bind_chain(b, WEIR_OP_AND, x, (int)l->list.n);
    return op == WEIR_OP_EQ ? all : bind_not(b, all);
}

static struct weir_expr *binary(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    static const uint8_t op[] = {[WEIR_AST_BIN_EQ] = WEIR_OP_EQ,   [WEIR_AST_BIN_NE] = WEIR_OP_NE,
                                 [WEIR_AST_BIN_LT] = WEIR_OP_LT,   [WEIR_AST_BIN_LE] = WEIR_OP_LE,
                                 [WEIR_AST_BIN_GT] = WEIR_OP_GT,   [WEIR_AST_BIN_GE] = WEIR_OP_GE,
                                 [WEIR_AST_BIN_ADD] = WEIR_OP_ADD, [WEIR_AST_BIN_SUB] = WEIR_OP_SUB,
                                 [WEIR_AST_BIN_MUL] = WEIR_OP_MUL, [WEIR_AST_BIN_DIV] = WEIR_OP_DIV,
                                 [WEIR_AST_BIN_MOD] = WEIR_OP_MOD};
    enum weir_ast_binary_op kind = a->binary.op;
    const struct weir_ast_expr *x = a->binary.left, *y = a->binary.right;
    if (kind == WEIR_AST_BIN_OVERLAPS)
        return bind_unsupported(b, &a->pos,
                                "OVERLAPS is parsed, not executed yet; write start1 <= "
                                "end2 AND start2 <= end1");
    if (x->kind == WEIR_AST_EX_ROW || y->kind == WEIR_AST_EX_ROW)
        return compare_rows(b, s, kind <= WEIR_AST_BIN_GE ? op[kind] : WEIR_OP_ADD, x, y, a->pos);
    struct weir_expr *l = bind_expr(b, s, x);
    struct weir_expr *r = l ? bind_expr(b, s, y) : NULL;
    if (!r) return NULL;
    if (kind == WEIR_AST_BIN_CONCAT) {
        struct weir_expr *arg[2] = {l, r};
        for (int i = 0; i < 2; i++)
            if (!weir_type_is_text(arg[i]->type) && arg[i]->type.id != WEIR_TYPE_NULL)
                return bind_fail(b, &arg[i]->pos,
                                 "|| joins strings, this is %s; write CAST(... AS STRING)",
                                 bind_type_text(b, arg[i]->type));
        return bind_function(b, "CONCAT", a->pos, 2, arg);
    }
    if (kind <= WEIR_AST_BIN_GE) return bind_compare(b, op[kind], l, r, a->pos);
    return bind_arith(b, op[kind], l, r, a->pos);
}

static struct weir_expr *logical(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    bool is_and = a->kind == WEIR_AST_EX_AND;
    struct weir_expr **e;
    if (!bind_args(b, s, &a->list, &e)) return NULL;
    for (size_t i = 0; i < a->list.n; i++)
        if (!(e[i] = as_boolean(b, e[i], is_and ? "AND" : "OR"))) return NULL;
    return bind_chain(b, is_and ? WEIR_OP_AND : WEIR_OP_OR, e, (int)a->list.n);
}

/* ---- predicates ---- */

/* Never NULL: two NULLs are not distinct. */
static struct weir_expr *distinct_from(struct binder *b, struct weir_expr *l, struct weir_expr *r,
                                       struct weir_pos pos)
{
    struct weir_expr *ne = bind_compare(b, WEIR_OP_NE, l, r, pos);
    if (!ne || !ne->type.nullable) return ne;
    struct weir_expr *null[2] = {bind_is_null(b, l), bind_is_null(b, r)};
    if (!null[0] || !null[1]) return NULL;
    struct weir_type t = bind_boolean_type(false);
    return bind_new(b, WEIR_OP_SELECT, t, pos, 3, bind_chain(b, WEIR_OP_OR, null, 2),
                    bind_new(b, WEIR_OP_NE, t, pos, 2, null[0], null[1], NULL), ne);
}

static struct weir_expr *is(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    struct weir_expr *e = bind_expr(b, s, a->is.operand);
    if (!e) return NULL;
    switch (a->is.test) {
    case WEIR_AST_IS_NULL: e = bind_is_null(b, e); break;
    case WEIR_AST_IS_UNKNOWN: e = bind_is_null(b, as_boolean(b, e, "IS UNKNOWN")); break;
    case WEIR_AST_IS_TRUE:
    case WEIR_AST_IS_FALSE: {
        bool yes = a->is.test == WEIR_AST_IS_TRUE;
        e = as_boolean(b, e, yes ? "IS TRUE" : "IS FALSE");
        e = bind_new(b, yes ? WEIR_OP_IS_TRUE : WEIR_OP_IS_FALSE, bind_boolean_type(false), a->pos,
                     1, e, NULL, NULL);
        break;
    }
    case WEIR_AST_IS_DISTINCT_FROM: {
        struct weir_expr *r = bind_expr(b, s, a->is.right);
        e = r ? distinct_from(b, e, r, a->pos) : NULL;
        break;
    }
    default:
        return bind_unsupported(b, &a->pos,
                                "IS JSON is parsed, not executed yet; use a table with "
                                "'format' = 'json'");
    }
    return a->is.negated ? bind_not(b, e) : e;
}

static struct weir_expr *range(struct binder *b, struct weir_expr *x, struct weir_expr *low,
                               struct weir_expr *high, struct weir_pos pos)
{
    struct weir_expr *both[2] = {bind_compare(b, WEIR_OP_GE, x, low, pos),
                                 bind_compare(b, WEIR_OP_LE, x, high, pos)};
    return both[0] && both[1] ? bind_chain(b, WEIR_OP_AND, both, 2) : NULL;
}

static struct weir_expr *between(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    struct weir_expr *x = bind_expr(b, s, a->between.operand);
    struct weir_expr *low = x ? bind_expr(b, s, a->between.low) : NULL;
    struct weir_expr *high = low ? bind_expr(b, s, a->between.high) : NULL;
    if (!high) return NULL;
    struct weir_expr *e = range(b, x, low, high, a->pos);
    if (e && a->between.symmetric) {
        struct weir_expr *either[2] = {e, range(b, x, high, low, a->pos)};
        e = either[1] ? bind_chain(b, WEIR_OP_OR, either, 2) : NULL;
    }
    return a->between.negated ? bind_not(b, e) : e;
}

static struct weir_expr *like(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    if (a->like.similar)
        return bind_unsupported(b, &a->pos,
                                "SIMILAR TO is parsed, not executed yet; write "
                                "REGEXP(text, 'pattern') or LIKE");
    struct weir_expr *part[3] = {bind_expr(b, s, a->like.operand), NULL, NULL};
    int n = a->like.escape ? 3 : 2;
    if (part[0]) part[1] = bind_expr(b, s, a->like.pattern);
    if (part[1] && a->like.escape) part[2] = bind_expr(b, s, a->like.escape);
    if (!part[n - 1]) return NULL;
    bool nullable = false;
    for (int i = 0; i < n; i++) {
        if (part[i]->type.id == WEIR_TYPE_NULL) part[i] = bind_cast(b, part[i], weir_type_string());
        if (!part[i]) return NULL;
        if (!weir_type_is_text(part[i]->type))
            return bind_fail(b, &part[i]->pos, "LIKE needs strings, this is %s; CAST it",
                             bind_type_text(b, part[i]->type));
        if (i && !bind_is_constant(part[i]))
            return bind_unsupported(b, &part[i]->pos,
                                    "the pattern of LIKE must be a constant; "
                                    "POSITION(a IN b) > 0 takes any strings");
        if (i && !(part[i] = bind_fold(b, part[i]))) return NULL;
        nullable |= part[i]->type.nullable;
    }
    struct weir_expr *esc = part[2];
    if (esc && !esc->value.is_null && (esc->type.length != 1 || esc->value.s.len == 0))
        return bind_fail(b, &esc->pos, "ESCAPE needs a string of one character");
    struct weir_expr *e =
        bind_new(b, WEIR_OP_LIKE, bind_boolean_type(nullable), a->pos, n, part[0], part[1], esc);
    return a->like.negated ? bind_not(b, e) : e;
}

/* X and the list as one type, constants all: then WEIR_OP_IN, else NULL. A constant that fails is
   left to the comparison, which may never come to it. */
static struct weir_expr *in_constants(struct binder *b, struct weir_expr *x, struct weir_expr **e,
                                      int n, struct weir_pos pos)
{
    struct weir_type t = x->type;
    bool nullable = t.nullable;
    for (int i = 0; i < n; i++) {
        if (!bind_is_constant(e[i]) || !bind_compare_type(t, e[i]->type, &t)) return NULL;
        nullable |= e[i]->type.nullable;
    }
    struct weir_expr *in = bind_new_n(b, WEIR_OP_IN, bind_boolean_type(nullable), pos, n + 1);
    if (!in) return NULL;
    bool text = weir_type_is_text(t) || weir_type_is_bytes(t);
    if (!(in->arg[0] = text ? x : bind_cast(b, x, t))) return NULL;
    for (int i = 0; i < n; i++) {
        struct weir_error why;
        bool as_is = text && e[i]->type.id != WEIR_TYPE_NULL;
        struct weir_expr *c = as_is ? e[i] : bind_cast(b, e[i], t);
        if (!c || !(in->arg[i + 1] = bind_try_fold(b, c, &why))) return NULL;
    }
    return in;
}

struct weir_expr *bind_in_list(struct binder *b, struct weir_expr *x, struct weir_expr **e, int n,
                               struct weir_pos pos)
{
    bool one_type = n > 1 && n < 60000;
    for (int i = 0; i < n; i++) {
        struct weir_expr *l = x, *r = e[i];
        if (bind_too_wide(x->type, r->type)) {
            one_type = false;
            continue;
        }
        if (!bind_comparable(b, &l, &r, "IN", pos)) return NULL;
        if (bind_is_time(x->type)) e[i] = r; /* a string became a time */
    }
    if (one_type) {
        struct weir_expr *in = in_constants(b, x, e, n, pos);
        if (in || b->status) return in;
    }
    struct weir_expr **eq = bind_alloc(b, (size_t)n, sizeof(struct weir_expr *));
    for (int i = 0; eq && i < n; i++)
        if (!(eq[i] = bind_compare(b, WEIR_OP_EQ, x, e[i], pos))) return NULL;
    return eq ? bind_chain(b, WEIR_OP_OR, eq, n) : NULL;
}

static struct weir_expr *in_rows(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    size_t n = a->in.list.n;
    struct weir_expr **eq = bind_alloc(b, n, sizeof(struct weir_expr *));
    for (size_t i = 0; eq && i < n; i++) {
        eq[i] = compare_rows(b, s, WEIR_OP_EQ, a->in.operand, a->in.list.items[i], a->pos);
        if (!eq[i]) return NULL;
    }
    return eq ? bind_chain(b, WEIR_OP_OR, eq, (int)n) : NULL;
}

static struct weir_expr *in(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    if (a->in.query) return bind_subquery_value(b, s, a);
    struct weir_expr *e, **list;
    if (a->in.operand->kind == WEIR_AST_EX_ROW) {
        e = in_rows(b, s, a);
    } else {
        struct weir_expr *x = bind_expr(b, s, a->in.operand);
        if (!x || !bind_args(b, s, &a->in.list, &list)) return NULL;
        e = bind_in_list(b, x, list, (int)a->in.list.n, a->pos);
    }
    return a->in.negated ? bind_not(b, e) : e;
}

/* x > ALL (a, b): all comparisons; ANY: one of them. */
static struct weir_expr *quantified(struct binder *b, struct scope *s,
                                    const struct weir_ast_expr *a)
{
    if (a->quantified.query)
        return bind_unsupported(b, &a->pos,
                                "ANY and ALL over a sub-query are parsed, not executed "
                                "yet; write IN, NOT IN, or compare with (SELECT "
                                "MAX(...) ...)");
    struct weir_expr *x = bind_expr(b, s, a->quantified.operand), **e;
    if (!x || !bind_args(b, s, &a->quantified.list, &e)) return NULL;
    int n = (int)a->quantified.list.n;
    static const uint8_t op[] = {WEIR_OP_EQ, WEIR_OP_NE, WEIR_OP_LT,
                                 WEIR_OP_LE, WEIR_OP_GT, WEIR_OP_GE};
    for (int i = 0; i < n; i++)
        if (!(e[i] = bind_compare(b, op[a->quantified.op], x, e[i], a->pos))) return NULL;
    return bind_chain(b, a->quantified.all ? WEIR_OP_AND : WEIR_OP_OR, e, n);
}

/* ---- CASE, CAST ---- */

static struct weir_expr *case_when(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    int n = (int)a->case_when.n;
    if (n > MAX_WHENS)
        return bind_unsupported(b, &a->pos,
                                "a CASE may have %d branches; join with a table of "
                                "VALUES instead",
                                MAX_WHENS);
    struct weir_expr **cond = bind_alloc(b, (size_t)n, sizeof *cond);
    struct weir_expr **value = bind_alloc(b, (size_t)n + 1, sizeof *value);
    struct weir_expr *x = NULL;
    if (!cond || !value) return NULL;
    if (a->case_when.operand && !(x = bind_expr(b, s, a->case_when.operand))) return NULL;
    for (int i = 0; i < n; i++) {
        const struct weir_ast_when *w = &a->case_when.whens[i];
        cond[i] = bind_expr(b, s, w->when);
        if (!cond[i]) return NULL;
        cond[i] = x ? bind_compare(b, WEIR_OP_EQ, x, cond[i], w->when->pos)
                    : as_boolean(b, cond[i], "WHEN");
        if (!cond[i] || !(value[i] = bind_expr(b, s, w->then))) return NULL;
    }
    value[n] = a->case_when.otherwise ? bind_expr(b, s, a->case_when.otherwise)
                                      : bind_null(b, weir_type_make(WEIR_TYPE_NULL), a->pos);
    struct weir_type t;
    if (!value[n] || !bind_unify(b, value, n + 1, "the branches of CASE", &t)) return NULL;
    struct weir_expr *e = value[n];
    for (int i = n - 1; e && i >= 0; i--) {
        struct weir_type step = t;
        step.nullable = e->type.nullable || value[i]->type.nullable;
        e = bind_new(b, WEIR_OP_SELECT, step, a->pos, 3, cond[i], value[i], e);
    }
    return e;
}

static const char *cast_hint(struct weir_type from, struct weir_type to)
{
    if (weir_type_is_numeric(from) && weir_type_is_timestamp(to))
        return "write TO_TIMESTAMP_LTZ(number, 3) for milliseconds, or 0 for seconds";
    if (weir_type_is_timestamp(from) && weir_type_is_numeric(to))
        return "write UNIX_TIMESTAMP(CAST(... AS STRING)) or EXTRACT(...)";
    return "cast by way of STRING if that makes sense";
}

static struct weir_expr *cast(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    struct weir_expr *e = bind_expr(b, s, a->cast.operand);
    struct weir_type t;
    if (!e || !bind_type(b, a->cast.type, &t)) return NULL;
    if (!bind_can_cast(e->type, t))
        return bind_fail(b, &a->pos, "cannot cast %s to %s; %s", bind_type_text(b, e->type),
                         bind_type_text(b, t), cast_hint(e->type, t));
    if (!a->cast.is_try) return bind_cast(b, e, t);
    if (weir_type_same(e->type, t)) return e;
    t.nullable = 1;
    return bind_new(b, WEIR_OP_TRY_CAST, t, a->pos, 1, e, NULL, NULL);
}

/* ---- all of them ---- */

static struct weir_expr *not_a_value(struct binder *b, const struct weir_ast_expr *a)
{
    switch (a->kind) {
    case WEIR_AST_EX_STAR:
        return bind_fail(b, &a->pos, "* stands only in a SELECT list or COUNT(*)");
    case WEIR_AST_EX_FIELD:
    case WEIR_AST_EX_INDEX:
    case WEIR_AST_EX_ROW:
    case WEIR_AST_EX_ARRAY:
    case WEIR_AST_EX_MAP:
        return bind_unsupported(b, &a->pos,
                                "ROW, ARRAY and MAP values are parsed, not executed yet; "
                                "use columns of their own");
    case WEIR_AST_EX_UNIT:
        return bind_fail(b, &a->pos, "unknown column \"%s\"", weir_ast_unit_name(a->unit));
    default: return bind_fail(b, &a->pos, "this stands only as the argument of a table function");
    }
}

static struct weir_expr *dispatch(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    switch (a->kind) {
    case WEIR_AST_EX_LITERAL: return bind_literal(b, a);
    case WEIR_AST_EX_COLUMN: return column(b, s, a);
    case WEIR_AST_EX_UNARY: return unary(b, s, a);
    case WEIR_AST_EX_BINARY: return binary(b, s, a);
    case WEIR_AST_EX_AND:
    case WEIR_AST_EX_OR: return logical(b, s, a);
    case WEIR_AST_EX_IS: return is(b, s, a);
    case WEIR_AST_EX_BETWEEN: return between(b, s, a);
    case WEIR_AST_EX_LIKE: return like(b, s, a);
    case WEIR_AST_EX_IN: return in(b, s, a);
    case WEIR_AST_EX_EXISTS:
    case WEIR_AST_EX_SUBQUERY: return bind_subquery_value(b, s, a);
    case WEIR_AST_EX_QUANTIFIED: return quantified(b, s, a);
    case WEIR_AST_EX_CASE: return case_when(b, s, a);
    case WEIR_AST_EX_CAST: return cast(b, s, a);
    case WEIR_AST_EX_CALL: return bind_call(b, s, a);
    default: return not_a_value(b, a);
    }
}

struct weir_expr *bind_expr(struct binder *b, struct scope *s, const struct weir_ast_expr *a)
{
    bool outside = s->null_is_false;
    s->null_is_false = outside && (a->kind == WEIR_AST_EX_AND || a->kind == WEIR_AST_EX_OR ||
                                   a->kind == WEIR_AST_EX_IN);
    struct weir_expr *e = dispatch(b, s, a);
    s->null_is_false = outside;
    return e;
}

struct weir_expr *bind_top(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                           const char *clause)
{
    s->clause = clause;
    struct weir_expr *e = bind_expr(b, s, a);
    return e && bind_check_size(b, e) ? e : NULL;
}

struct weir_expr *bind_predicate(struct binder *b, struct scope *s, const struct weir_ast_expr *a,
                                 const char *clause)
{
    struct weir_expr *e = bind_top(b, s, a, clause);
    return as_boolean(b, e, clause);
}
