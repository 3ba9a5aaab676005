/* Plans and expressions for people (EXPLAIN) and for programs (JSON). */
#include <inttypes.h>
#include <string.h>

#include "runtime/column/text.h"
#include "runtime/exec/source.h"
#include "runtime/plan/pipeline.h"

static const struct {
    const char *name;  /* in JSON */
    const char *infix; /* NULL: prefix form name(args) */
} op_info[WEIR_OP_COUNT_] = {
    [WEIR_OP_COLUMN] = {"column", NULL},
    [WEIR_OP_CONST] = {"const", NULL},
    [WEIR_OP_ADD] = {"add", "+"},
    [WEIR_OP_SUB] = {"sub", "-"},
    [WEIR_OP_MUL] = {"mul", "*"},
    [WEIR_OP_DIV] = {"div", "/"},
    [WEIR_OP_MOD] = {"mod", "%"},
    [WEIR_OP_NEG] = {"neg", NULL},
    [WEIR_OP_EQ] = {"eq", "="},
    [WEIR_OP_NE] = {"ne", "<>"},
    [WEIR_OP_LT] = {"lt", "<"},
    [WEIR_OP_LE] = {"le", "<="},
    [WEIR_OP_GT] = {"gt", ">"},
    [WEIR_OP_GE] = {"ge", ">="},
    [WEIR_OP_AND] = {"and", "AND"},
    [WEIR_OP_OR] = {"or", "OR"},
    [WEIR_OP_NOT] = {"not", NULL},
    [WEIR_OP_IS_NULL] = {"is_null", NULL},
    [WEIR_OP_IS_TRUE] = {"is_true", NULL},
    [WEIR_OP_IS_FALSE] = {"is_false", NULL},
    [WEIR_OP_CAST] = {"cast", NULL},
    [WEIR_OP_TRY_CAST] = {"try_cast", NULL},
    [WEIR_OP_SELECT] = {"select", NULL},
    [WEIR_OP_IN] = {"in", NULL},
    [WEIR_OP_LIKE] = {"like", NULL},
    [WEIR_OP_CALL] = {"call", NULL},
    [WEIR_OP_EXPAND] = {"expand", NULL},
};

/* One unit where that is exact and short, else '[-]D HH:MM:SS[.ffffff]'. */
static void interval_day_text(int64_t us, struct weir_buf *out)
{
    static const struct {
        uint64_t us;
        const char *name;
    } unit[] = {
        {86400000000, "DAY"}, {3600000000, "HOUR"}, {60000000, "MINUTE"}, {1000000, "SECOND"}};
    const char *sign = us < 0 ? "-" : "";
    uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    for (int i = 0; i < 4; i++) {
        if (v % unit[i].us || v / unit[i].us > 99) continue;
        if (!v) i = 3;
        weir_buf_printf(out, "INTERVAL '%s%" PRIu64 "' %s", sign, v / unit[i].us, unit[i].name);
        return;
    }
    if (v < unit[2].us) {
        weir_buf_printf(out, "INTERVAL '%s%" PRIu64 ".%0*" PRIu64 "' SECOND", sign, v / unit[3].us,
                        v % 1000 ? 6 : 3, v % unit[3].us / (v % 1000 ? 1 : 1000));
        return;
    }
    weir_buf_printf(out, "INTERVAL '%s%" PRIu64 " %02d:%02d:%02d", sign, v / unit[0].us,
                    (int)(v / unit[1].us % 24), (int)(v / unit[2].us % 60),
                    (int)(v / unit[3].us % 60));
    if (v % unit[3].us) weir_buf_printf(out, ".%06d", (int)(v % unit[3].us));
    weir_buf_puts(out, "' DAY TO SECOND");
}

static void interval_month_text(int64_t months, struct weir_buf *out)
{
    const char *sign = months < 0 ? "-" : "";
    uint64_t v = months < 0 ? 0 - (uint64_t)months : (uint64_t)months;
    if (v % 12 == 0 && v)
        weir_buf_printf(out, "INTERVAL '%s%" PRIu64 "' YEAR", sign, v / 12);
    else if (v < 12)
        weir_buf_printf(out, "INTERVAL '%s%" PRIu64 "' MONTH", sign, v);
    else
        weir_buf_printf(out, "INTERVAL '%s%" PRIu64 "-%" PRIu64 "' YEAR TO MONTH", sign, v / 12,
                        v % 12);
}

static void quoted_text(struct weir_str s, struct weir_buf *out)
{
    weir_buf_putc(out, '\'');
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\'') weir_buf_putc(out, '\'');
        weir_buf_putc(out, s.data[i]);
    }
    weir_buf_putc(out, '\'');
}

static void bytes_text(struct weir_str s, struct weir_buf *out)
{
    weir_buf_puts(out, "X'");
    for (uint32_t i = 0; i < s.len; i++) weir_buf_printf(out, "%02x", (unsigned char)s.data[i]);
    weir_buf_putc(out, '\'');
}

/* A value as SQL writes it. */
static void value_text(const struct weir_value *v, struct weir_buf *out)
{
    char t[WEIR_TEXT_MAX];
    bool wide = weir_type_phys(v->type) == WEIR_PHYS_I128;
    size_t n = 0;
    if (v->is_null) {
        weir_buf_puts(out, "NULL");
        return;
    }
    switch ((enum weir_type_id)v->type.id) {
    case WEIR_TYPE_BOOLEAN: weir_buf_puts(out, v->b ? "TRUE" : "FALSE"); return;
    case WEIR_TYPE_INTERVAL_MONTH: interval_month_text(v->i, out); return;
    case WEIR_TYPE_INTERVAL_DAY: interval_day_text(v->i, out); return;
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_VARCHAR: quoted_text(v->s, out); return;
    case WEIR_TYPE_BINARY:
    case WEIR_TYPE_VARBINARY: bytes_text(v->s, out); return;
    case WEIR_TYPE_FLOAT: n = weir_text_format_float(t, (float)v->f); break;
    case WEIR_TYPE_DOUBLE: n = weir_text_format_double(t, v->f); break;
    case WEIR_TYPE_DECIMAL:
        n = weir_text_format_decimal(t, wide ? v->x : v->i, v->type.scale);
        break;
    case WEIR_TYPE_DATE: n = weir_text_format_date(t, (int32_t)v->i); break;
    case WEIR_TYPE_TIME: n = weir_text_format_time(t, v->i, 3, v->type.precision); break;
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ:
        n = weir_text_format_timestamp(t, v->i, 6, v->type.precision, ' ', false);
        break;
    default: n = weir_text_format_int(t, v->i);
    }
    static const char *const name[WEIR_TYPE_COUNT_] = {
        [WEIR_TYPE_DATE] = "DATE",
        [WEIR_TYPE_TIME] = "TIME",
        [WEIR_TYPE_TIMESTAMP] = "TIMESTAMP",
        [WEIR_TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
    };
    const char *prefix = name[v->type.id];
    weir_buf_printf(out, prefix ? "%s '%.*s'" : "%s%.*s", prefix ? prefix : "", (int)n, t);
}

static void args_text(const struct weir_expr *e, int first, const struct weir_schema *in,
                      struct weir_buf *out)
{
    for (int i = first; i < e->n_args; i++) {
        if (i > first) weir_buf_puts(out, ", ");
        weir_expr_text(e->arg[i], in, out);
    }
}

/* OPEN, the arguments from FIRST on, and a closing parenthesis. */
static void list_text(const char *open, const struct weir_expr *e, int first,
                      const struct weir_schema *in, struct weir_buf *out)
{
    weir_buf_puts(out, open);
    args_text(e, first, in, out);
    weir_buf_putc(out, ')');
}

static int binding(const struct weir_expr *e)
{
    switch (e->op) {
    case WEIR_OP_OR: return 1;
    case WEIR_OP_AND: return 2;
    case WEIR_OP_EQ:
    case WEIR_OP_NE:
    case WEIR_OP_LT:
    case WEIR_OP_LE:
    case WEIR_OP_GT:
    case WEIR_OP_GE:
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE:
    case WEIR_OP_IN:
    case WEIR_OP_LIKE: return 3;
    case WEIR_OP_ADD:
    case WEIR_OP_SUB: return 4;
    case WEIR_OP_MUL:
    case WEIR_OP_DIV:
    case WEIR_OP_MOD: return 5;
    default: return 6;
    }
}

/* Operand I of E, in parentheses where it binds less than E, or as little on a side where that
   matters. */
static void operand_text(const struct weir_expr *e, int i, const struct weir_schema *in,
                         struct weir_buf *out)
{
    const struct weir_expr *arg = e->arg[i];
    int outer = binding(e), inner = binding(arg);
    bool same = e->op == arg->op && (e->op == WEIR_OP_AND || e->op == WEIR_OP_OR);
    bool parentheses = inner < outer || (inner == outer && !same && (i == 1 || outer == 3));
    if (parentheses) weir_buf_putc(out, '(');
    weir_expr_text(arg, in, out);
    if (parentheses) weir_buf_putc(out, ')');
}

void weir_expr_text(const struct weir_expr *e, const struct weir_schema *in, struct weir_buf *out)
{
    char t[64];
    switch (e->op) {
    case WEIR_OP_COLUMN:
        if (in && e->column < in->n && in->field[e->column].name)
            weir_buf_puts(out, in->field[e->column].name);
        else
            weir_buf_printf(out, "$%d", e->column);
        return;
    case WEIR_OP_CONST: value_text(&e->value, out); return;
    case WEIR_OP_NEG: list_text("-(", e, 0, in, out); return;
    case WEIR_OP_NOT: list_text("NOT (", e, 0, in, out); return;
    case WEIR_OP_IS_NULL:
    case WEIR_OP_IS_TRUE:
    case WEIR_OP_IS_FALSE:
        operand_text(e, 0, in, out);
        weir_buf_puts(out, e->op == WEIR_OP_IS_NULL   ? " IS NULL"
                           : e->op == WEIR_OP_IS_TRUE ? " IS TRUE"
                                                      : " IS FALSE");
        return;
    case WEIR_OP_CAST:
    case WEIR_OP_TRY_CAST: {
        struct weir_type shown = e->type;
        shown.nullable = 1;
        weir_buf_puts(out, e->op == WEIR_OP_CAST ? "CAST(" : "TRY_CAST(");
        weir_expr_text(e->arg[0], in, out);
        weir_buf_printf(out, " AS %s)", weir_type_text(shown, t, sizeof t));
        return;
    }
    case WEIR_OP_SELECT:
        weir_buf_puts(out, "CASE WHEN ");
        weir_expr_text(e->arg[0], in, out);
        weir_buf_puts(out, " THEN ");
        weir_expr_text(e->arg[1], in, out);
        weir_buf_puts(out, " ELSE ");
        weir_expr_text(e->arg[2], in, out);
        weir_buf_puts(out, " END");
        return;
    case WEIR_OP_IN:
        operand_text(e, 0, in, out);
        list_text(" IN (", e, 1, in, out);
        return;
    case WEIR_OP_LIKE:
        operand_text(e, 0, in, out);
        weir_buf_puts(out, " LIKE ");
        weir_expr_text(e->arg[1], in, out);
        if (e->n_args > 2) {
            weir_buf_puts(out, " ESCAPE ");
            weir_expr_text(e->arg[2], in, out);
        }
        return;
    case WEIR_OP_CALL:
        weir_buf_puts(out, e->fn->name);
        list_text("(", e, 0, in, out);
        return;
    default:
        operand_text(e, 0, in, out);
        weir_buf_printf(out, " %s ", op_info[e->op].infix ? op_info[e->op].infix : "?");
        operand_text(e, 1, in, out);
    }
}

/* ---- plans ---- */

static const char *node_name(const struct weir_node *n)
{
    static const char *const join[] = {"Join", "LeftJoin", "SemiJoin", "AntiJoin",
                                       "NullAwareAntiJoin"};
    static const char *const window[] = {"Tumble", "Hop", "Cumulate"};
    switch (n->kind) {
    case WEIR_NODE_SCAN: return "Scan";
    case WEIR_NODE_VALUES: return "Values";
    case WEIR_NODE_FILTER: return "Filter";
    case WEIR_NODE_PROJECT: return "Project";
    case WEIR_NODE_JOIN: return join[n->join.type];
    case WEIR_NODE_AGGREGATE: return "Aggregate";
    case WEIR_NODE_WINDOW: return window[n->window.kind];
    case WEIR_NODE_SORT: return n->sort.spool ? "Spool" : n->sort.n_keys ? "Sort" : "Limit";
    default: return "Union";
    }
}

static void agg_text(const struct weir_agg *a, const struct weir_schema *in, struct weir_buf *out)
{
    weir_buf_printf(out, "%s(%s", weir_agg_name((enum weir_agg_fn)a->fn),
                    a->distinct ? "DISTINCT " : "");
    if (a->arg)
        weir_expr_text(a->arg, in, out);
    else
        weir_buf_putc(out, '*');
    weir_buf_putc(out, ')');
    if (!a->filter) return;
    weir_buf_puts(out, " FILTER (WHERE ");
    weir_expr_text(a->filter, in, out);
    weir_buf_putc(out, ')');
}

static void join_text(const struct weir_node *n, struct weir_buf *out)
{
    const struct weir_schema *l = &n->input[0]->schema, *r = &n->input[1]->schema;
    const char *sep = " on ";
    for (int i = 0; i < n->join.n_keys; i++) {
        weir_buf_puts(out, sep);
        weir_expr_text(n->join.left_key[i], l, out);
        weir_buf_puts(out, " = ");
        weir_expr_text(n->join.right_key[i], r, out);
        sep = ", ";
    }
    if (!n->join.residual) return;
    struct weir_field *field = weir_calloc((size_t)(l->n + r->n), sizeof *field);
    struct weir_schema both = {field ? l->n + r->n : 0, field};
    for (int i = 0; i < both.n; i++) field[i] = i < l->n ? l->field[i] : r->field[i - l->n];
    weir_buf_puts(out, " where ");
    weir_expr_text(n->join.residual, field ? &both : NULL, out);
    weir_free(field);
}

static void aggregate_text(const struct weir_node *n, struct weir_buf *out)
{
    const struct weir_schema *in = &n->input[0]->schema;
    for (int i = 0; i < n->aggregate.n_keys; i++) {
        weir_buf_puts(out, i ? ", " : " by ");
        weir_expr_text(n->aggregate.key[i], in, out);
    }
    for (int i = 0; i < n->aggregate.n_aggs; i++) {
        weir_buf_puts(out, i ? ", " : ": ");
        agg_text(&n->aggregate.agg[i], in, out);
    }
}

static void sort_text(const struct weir_node *n, struct weir_buf *out)
{
    for (int i = 0; i < n->sort.n_keys; i++) {
        const struct weir_sort_key *k = &n->sort.key[i];
        weir_buf_puts(out, i ? ", " : " by ");
        weir_expr_text(k->expr, &n->input[0]->schema, out);
        weir_buf_puts(out, k->descending ? " DESC" : " ASC");
        if (k->nulls_first == k->descending)
            weir_buf_puts(out, k->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    if (n->sort.limit >= 0) weir_buf_printf(out, " limit %" PRId64, n->sort.limit);
    if (n->sort.offset > 0) weir_buf_printf(out, " offset %" PRId64, n->sort.offset);
}

/* What follows the node's name on its line. */
static void detail_text(const struct weir_node *n, struct weir_buf *out)
{
    switch (n->kind) {
    case WEIR_NODE_SCAN: weir_buf_printf(out, " %s", n->scan.source->name); break;
    case WEIR_NODE_VALUES:
        weir_buf_printf(out, " %u rows", n->values.batch ? n->values.batch->n_rows : 0);
        break;
    case WEIR_NODE_FILTER:
        weir_buf_putc(out, ' ');
        weir_expr_text(n->filter.predicate, &n->input[0]->schema, out);
        break;
    case WEIR_NODE_PROJECT:
        for (int i = 0; i < n->schema.n; i++) {
            weir_buf_puts(out, i ? ", " : " ");
            struct weir_buf e = {0};
            weir_expr_text(n->project.expr[i], &n->input[0]->schema, &e);
            weir_buf_puts(out, e.data ? e.data : "");
            if (!e.data || strcmp(e.data, n->schema.field[i].name))
                weir_buf_printf(out, " AS %s", n->schema.field[i].name);
            weir_buf_release(&e);
        }
        break;
    case WEIR_NODE_JOIN: join_text(n, out); break;
    case WEIR_NODE_AGGREGATE: aggregate_text(n, out); break;
    case WEIR_NODE_WINDOW:
        weir_buf_printf(out, " on %s, size ",
                        n->input[0]->schema.field[n->window.time_column].name);
        interval_day_text(n->window.size_us, out);
        if (n->window.slide_us != n->window.size_us) {
            weir_buf_puts(out, ", slide ");
            interval_day_text(n->window.slide_us, out);
        }
        break;
    case WEIR_NODE_SORT: sort_text(n, out); break;
    default: break;
    }
}

static void node_text(const struct weir_node *n, int depth, struct weir_buf *out)
{
    weir_buf_printf(out, "%*s%s", depth * 2, "", node_name(n));
    detail_text(n, out);
    weir_buf_putc(out, '\n');
    for (int i = 0; i < n->n_inputs; i++) node_text(n->input[i], depth + 1, out);
}

void weir_plan_text(const struct weir_node *root, struct weir_buf *out)
{
    node_text(root, 0, out);
}

void weir_plan_json(const struct weir_node *root, struct weir_buf *out)
{
    char t[64];
    struct weir_buf detail = {0};
    detail_text(root, &detail);
    weir_buf_printf(out, "{\"node\": \"%s\", \"detail\": ", node_name(root));
    weir_buf_json(out, detail.data ? detail.data + (detail.data[0] == ' ') : "",
                  detail.len ? detail.len - (detail.data[0] == ' ') : 0);
    weir_buf_release(&detail);
    weir_buf_puts(out, ", \"columns\": [");
    for (int i = 0; i < root->schema.n; i++) {
        weir_buf_puts(out, i ? ", {\"name\": " : "{\"name\": ");
        weir_buf_json(out, root->schema.field[i].name, strlen(root->schema.field[i].name));
        weir_buf_printf(out, ", \"type\": \"%s\"}",
                        weir_type_text(root->schema.field[i].type, t, sizeof t));
    }
    weir_buf_puts(out, "], \"inputs\": [");
    for (int i = 0; i < root->n_inputs; i++) {
        if (i) weir_buf_puts(out, ", ");
        weir_plan_json(root->input[i], out);
    }
    weir_buf_puts(out, "]}");
}

/* ---- pipelines ---- */

static void regs_json(const struct weir_pipeline *p, uint32_t first, uint32_t n,
                      struct weir_buf *out)
{
    weir_buf_putc(out, '[');
    for (uint32_t i = 0; i < n; i++)
        weir_buf_printf(out, i ? ", %u" : "%u", weir_pipe_operand(p)[first + i]);
    weir_buf_putc(out, ']');
}

static void insn_json(const struct weir_pipeline *p, uint32_t i, struct weir_buf *out)
{
    char t[64];
    const struct weir_insn *in = weir_pipe_insn(p) + i;
    weir_buf_printf(out, "{\"op\": \"%s\", \"type\": \"%s\"", op_info[in->op].name,
                    weir_type_text(in->type, t, sizeof t));
    if (in->op == WEIR_OP_COLUMN) {
        if (in->table) weir_buf_printf(out, ", \"table\": %d", in->table - 1);
        weir_buf_printf(out, ", \"column\": %u", in->a);
    } else if (in->op == WEIR_OP_CONST) {
        const struct weir_const *c = weir_pipe_const(p) + in->a;
        struct weir_value v = {.type = c->type, .is_null = c->is_null != 0};
        switch (weir_type_phys(c->type)) {
        case WEIR_PHYS_I128: v.x = (weir_i128)((weir_u128)c->w[1] << 64 | c->w[0]); break;
        case WEIR_PHYS_F32:
        case WEIR_PHYS_F64: v.f = c->f; break;
        case WEIR_PHYS_STR: v.s = (struct weir_str){weir_pipe_bytes(p) + c->off, c->len}; break;
        case WEIR_PHYS_BOOL: v.b = (uint8_t)c->i; break;
        default: v.i = c->i;
        }
        struct weir_buf text = {0};
        value_text(&v, &text);
        weir_buf_puts(out, ", \"value\": ");
        weir_buf_json(out, text.data ? text.data : "", text.len);
        weir_buf_release(&text);
    } else {
        uint32_t reg[WEIR_INSN_MAX_ARGS];
        int n = weir_insn_args(p, in, reg);
        if (in->op == WEIR_OP_CALL)
            weir_buf_printf(out, ", \"function\": \"%s\"", weir_function_at(in->fn)->name);
        weir_buf_puts(out, ", \"args\": [");
        for (int k = 0; k < n; k++) weir_buf_printf(out, k ? ", %u" : "%u", reg[k]);
        weir_buf_putc(out, ']');
        if (in->op == WEIR_OP_IN) weir_buf_printf(out, ", \"constants\": %u", in->c);
    }
    weir_buf_putc(out, '}');
}

static void step_json(const struct weir_pipeline *p, const struct weir_step *s,
                      struct weir_buf *out)
{
    static const char *const kind[] = {"filter", "probe", "expand", "output", "aggregate"};
    static const char *const join[] = {"inner", "left", "semi", "anti", "anti_null"};
    weir_buf_printf(out, "{\"step\": \"%s\", \"after\": %u", kind[s->kind], s->first_insn_after);
    switch (s->kind) {
    case WEIR_STEP_FILTER: weir_buf_printf(out, ", \"predicate\": %u", s->a); break;
    case WEIR_STEP_PROBE:
        weir_buf_printf(out, ", \"join\": \"%s\", \"table\": %u, \"keys\": ", join[s->join],
                        s->table);
        regs_json(p, s->first, s->n, out);
        if (s->residual != WEIR_REG_NONE) weir_buf_printf(out, ", \"residual\": %u", s->residual);
        break;
    case WEIR_STEP_EXPAND:
        weir_buf_printf(out,
                        ", \"time\": %u, \"size_us\": %" PRId64 ", \"slide_us\": %" PRId64
                        ", \"offset_us\": %" PRId64,
                        s->a, s->size_us, s->slide_us, s->offset_us);
        break;
    default:
        weir_buf_puts(out, s->kind == WEIR_STEP_OUTPUT ? ", \"columns\": " : ", \"keys\": ");
        regs_json(p, s->first, s->n, out);
    }
    weir_buf_putc(out, '}');
}

void weir_pipeline_json(const struct weir_pipeline *p, struct weir_buf *out)
{
    weir_buf_printf(out, "{\"version\": %u, \"instructions\": [", p->version);
    for (uint32_t i = 0; i < p->n_insns; i++) {
        if (i) weir_buf_puts(out, ", ");
        insn_json(p, i, out);
    }
    weir_buf_puts(out, "], \"steps\": [");
    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (i) weir_buf_puts(out, ", ");
        step_json(p, weir_pipe_step(p) + i, out);
    }
    weir_buf_puts(out, "], \"aggregates\": [");
    for (uint32_t i = 0; i < p->n_aggs; i++) {
        const struct weir_pipe_agg *a = weir_pipe_agg(p) + i;
        weir_buf_printf(out, "%s{\"function\": \"%s\"", i ? ", " : "",
                        weir_agg_name((enum weir_agg_fn)a->fn));
        if (a->distinct) weir_buf_puts(out, ", \"distinct\": true");
        if (a->arg != WEIR_REG_NONE) weir_buf_printf(out, ", \"arg\": %u", a->arg);
        if (a->filter != WEIR_REG_NONE) weir_buf_printf(out, ", \"filter\": %u", a->filter);
        weir_buf_putc(out, '}');
    }
    weir_buf_puts(out, "]}");
}
