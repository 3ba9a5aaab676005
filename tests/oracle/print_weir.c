/* Queries as Weir's (Flink's) SQL; see print.h. */

#include "functions.h"
#include "print.h"

const char *const op_text[] = {
    [op_add] = "+", [op_sub] = "-",   [op_mul] = "*", [op_div] = "/", [op_mod] = "%",
    [op_eq] = "=",  [op_ne] = "<>",   [op_lt] = "<",  [op_le] = "<=", [op_gt] = ">",
    [op_ge] = ">=", [op_and] = "AND", [op_or] = "OR",
};

const char *const aggregate_names[] = {"COUNT",      "SUM",         "AVG",     "MIN",     "MAX",
                                       "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP"};

const char *const set_text[] = {[set_union_all] = " UNION ALL ",
                                [set_union] = " UNION ",
                                [set_intersect] = " INTERSECT ",
                                [set_except] = " EXCEPT "};

static void print(struct text *t, const struct expr *e);

void print_template(struct text *t, const char *template, const struct expr *e,
                    void (*printer)(struct text *, const struct expr *, void *), void *context)
{
    for (const char *p = template; *p; p++) {
        if (p[0] == '{' && p[1] == 's') {
            text_printf(t, "%d", e->kid[p[2] - '0']->type.s);
            p += 3;
        } else if (p[0] == '{') {
            printer(t, e->kid[p[1] - '0'], context);
            p += 2;
        } else {
            text_bytes(t, p, 1);
        }
    }
}

static void print_argument(struct text *t, const struct expr *e, void *context)
{
    (void)context;
    print(t, e);
}

static void print_list(struct text *t, const struct expr *e, int first)
{
    for (int i = first; i < e->n; i++) {
        if (i > first) text_add(t, ", ");
        print(t, e->kid[i]);
    }
}

/* Are all conditions comparisons of one operand (they may be cut down to something else)? */
static bool is_comparison(const struct expr *e)
{
    for (int i = 0; i + 1 < e->n; i += 2)
        if (e->kid[i]->op != op_eq || e->kid[i]->kid[0] != e->kid[0]->kid[0]) return false;
    return true;
}

static void print_case(struct text *t, const struct expr *e)
{
    text_add(t, "CASE");
    int i = 0;
    bool compares = e->param && is_comparison(e);
    if (compares) {
        text_add(t, " ");
        print(t, e->kid[0]->kid[0]);
    }
    for (; i + 1 < e->n; i += 2) {
        text_add(t, " WHEN ");
        print(t, compares ? e->kid[i]->kid[1] : e->kid[i]);
        text_add(t, " THEN ");
        print(t, e->kid[i + 1]);
    }
    if (i < e->n) {
        text_add(t, " ELSE ");
        print(t, e->kid[i]);
    }
    text_add(t, " END");
}

static void print_aggregate(struct text *t, const struct expr *e)
{
    text_printf(t, "%s(%s", aggregate_names[e->param], e->distinct ? "DISTINCT " : "");
    if (e->kid[0]) {
        print(t, e->kid[0]);
    } else {
        text_add(t, "*");
    }
    text_add(t, ")");
    if (!e->kid[1]) return;
    text_add(t, " FILTER (WHERE ");
    print(t, e->kid[1]);
    text_add(t, ")");
}

static void print_postfix(struct text *t, const struct expr *e, const char *after)
{
    text_add(t, "(");
    print(t, e->kid[0]);
    text_add(t, after);
    text_add(t, ")");
}

static void print_infix(struct text *t, const struct expr *e, const char *between)
{
    text_add(t, "(");
    print(t, e->kid[0]);
    text_printf(t, " %s ", between);
    print(t, e->kid[1]);
    text_add(t, ")");
}

static void print_membership(struct text *t, const struct expr *e)
{
    text_add(t, "(");
    print(t, e->kid[0]);
    if (e->op == op_between) {
        text_add(t, " BETWEEN ");
        print(t, e->kid[1]);
        text_add(t, " AND ");
        print(t, e->kid[2]);
    } else if (e->op == op_like) {
        text_add(t, " LIKE ");
        print(t, e->kid[1]);
        if (e->param) text_add(t, " ESCAPE '!'");
    } else {
        text_add(t, e->op == op_in ? " IN (" : " NOT IN (");
        print_list(t, e, 1);
        text_add(t, ")");
    }
    text_add(t, ")");
}

static void print(struct text *t, const struct expr *e)
{
    switch (e->op) {
    case op_column: text_add(t, e->weir); break;
    case op_const: value_print(t, e->type, &e->value); break;
    case op_neg:
        text_add(t, "(- ");
        print(t, e->kid[0]);
        text_add(t, ")");
        break;
    case op_not:
        text_add(t, "(NOT ");
        print(t, e->kid[0]);
        text_add(t, ")");
        break;
    case op_is_null: print_postfix(t, e, " IS NULL"); break;
    case op_is_not_null: print_postfix(t, e, " IS NOT NULL"); break;
    case op_is_true: print_postfix(t, e, " IS TRUE"); break;
    case op_is_not_true: print_postfix(t, e, " IS NOT TRUE"); break;
    case op_is_false: print_postfix(t, e, " IS FALSE"); break;
    case op_is_distinct: print_infix(t, e, "IS DISTINCT FROM"); break;
    case op_in:
    case op_not_in:
    case op_between:
    case op_like: print_membership(t, e); break;
    case op_case: print_case(t, e); break;
    case op_coalesce:
    case op_nullif:
        text_add(t, e->op == op_nullif ? "NULLIF(" : "COALESCE(");
        print_list(t, e, 0);
        text_add(t, ")");
        break;
    case op_cast:
    case op_try_cast:
        text_add(t, e->op == op_cast ? "CAST(" : "TRY_CAST(");
        print(t, e->kid[0]);
        text_add(t, " AS ");
        type_print(t, e->type);
        text_add(t, ")");
        break;
    case op_call: print_template(t, functions[e->param].weir, e, print_argument, NULL); break;
    case op_aggregate: print_aggregate(t, e); break;
    default: print_infix(t, e, op_text[e->op]);
    }
}

static void print_interval(struct text *t, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "DAY"}, {3600000, "HOUR"}, {60000, "MINUTE"}, {1000, "SECOND"}};
    int i = 0;
    while (i < 3 && ms % units[i].ms != 0) i++;
    text_printf(t, "INTERVAL '%lld' %s", (long long)(ms / units[i].ms), units[i].name);
}

void print_window_arguments(struct text *t, const struct relation *r)
{
    text_printf(t, "(a%d.%s, ", r->alias, r->time->name);
    if (r->kind == rel_hop) {
        print_interval(t, r->slide_ms);
        text_add(t, ", ");
    }
    print_interval(t, r->size_ms);
    text_add(t, ")");
}

static void print_values(struct text *t, const struct relation *r)
{
    text_add(t, "(VALUES ");
    for (int i = 0; i < r->n_values; i++) {
        text_add(t, i ? ", (" : "(");
        for (int c = 0; c < r->n_value_columns; c++) {
            if (c) text_add(t, ", ");
            print(t, r->values[i * r->n_value_columns + c]);
        }
        text_add(t, ")");
    }
    text_printf(t, ") AS a%d (", r->alias);
    for (int c = 0; c < r->n_value_columns; c++) text_printf(t, "%sv%d", c ? ", " : "", c);
    text_add(t, ")");
}

static void print_query(struct text *t, const struct query *q);

static void print_relation(struct text *t, const struct relation *r)
{
    static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE"};
    if (r->kind == rel_query && r->form != form_inline) {
        text_printf(t, "v%d AS a%d", r->alias, r->alias);
    } else if (r->kind == rel_query) {
        text_add(t, "(");
        print_query(t, r->query);
        text_printf(t, ") AS a%d", r->alias);
    } else if (r->kind == rel_values) {
        print_values(t, r);
    } else if (r->kind == rel_table || r->old_style) {
        text_printf(t, "%s AS a%d", r->table->name, r->alias);
    } else {
        text_printf(t, "TABLE(%s(TABLE %s, DESCRIPTOR(%s), ", names[r->kind - rel_tumble],
                    r->table->name, r->time->name);
        if (r->kind != rel_tumble) {
            print_interval(t, r->slide_ms);
            text_add(t, ", ");
        }
        print_interval(t, r->size_ms);
        text_printf(t, ")) AS a%d", r->alias);
    }
}

static void print_from(struct text *t, const struct query *q)
{
    static const char *const joins[] = {
        "", " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN "};
    for (int i = 0; i < q->n_relations; i++) {
        const struct relation *r = &q->relation[i];
        text_add(t, i ? joins[r->join] : " FROM ");
        print_relation(t, r);
        for (int k = 0; k < r->n_keys; k++) {
            text_add(t, k ? " AND " : " ON ");
            print(t, r->left_key[k]);
            text_add(t, " = ");
            print(t, r->right_key[k]);
        }
        if (r->residual) {
            text_add(t, " AND ");
            print(t, r->residual);
        }
    }
}

static void print_member(struct text *t, const struct member *m)
{
    bool in = m->kind == member_in || m->kind == member_not_in;
    if (in) {
        print(t, m->outer_key[0]);
        text_add(t, m->kind == member_in ? " IN (SELECT " : " NOT IN (SELECT ");
        print(t, m->inner_key[0]);
    } else {
        text_add(t, m->kind == member_exists ? "EXISTS (SELECT 1" : "NOT EXISTS (SELECT 1");
    }
    text_printf(t, " FROM %s AS a%d", m->table->name, m->alias);
    const char *word = " WHERE ";
    for (int k = 0; k < m->n_keys && !in; k++, word = " AND ") {
        text_add(t, word);
        print(t, m->inner_key[k]);
        text_add(t, " = ");
        print(t, m->outer_key[k]);
    }
    if (m->filter) {
        text_add(t, word);
        print(t, m->filter);
    }
    text_add(t, ")");
}

static void print_where(struct text *t, const struct query *q)
{
    const char *word = " WHERE ";
    if (q->where) {
        text_add(t, word);
        print(t, q->where);
        word = " AND ";
    }
    for (int i = 0; i < q->n_members; i++, word = " AND ") {
        text_add(t, word);
        print_member(t, &q->member[i]);
    }
}

static void print_group(struct text *t, const struct query *q)
{
    bool old = query_has_window(q) && q->relation[0].old_style;
    for (int i = 0; i < q->n_keys; i++) {
        if (old && i == 1) continue; /* the window's end goes without saying */
        text_add(t, i ? ", " : " GROUP BY ");
        if (old && i == 0) {
            text_add(t, q->relation[0].kind == rel_tumble ? "TUMBLE" : "HOP");
            print_window_arguments(t, &q->relation[0]);
        } else {
            print(t, q->key[i]);
        }
    }
    if (!q->having) return;
    text_add(t, " HAVING ");
    print(t, q->having);
}

static void print_query(struct text *t, const struct query *q)
{
    for (const struct query *arm = q; arm; arm = arm->next) {
        if (arm != q) text_add(t, set_text[q->set]);
        text_add(t, arm->distinct ? "SELECT DISTINCT " : "SELECT ");
        for (int i = 0; i < arm->n_items; i++) {
            if (i) text_add(t, ", ");
            print(t, arm->item[i].expr);
            text_printf(t, " AS %s", arm->item[i].name);
        }
        print_from(t, arm);
        print_where(t, arm);
        if (arm->grouped) print_group(t, arm);
    }
    for (int i = 0; i < q->n_order; i++) {
        const struct order *o = &q->order[i];
        text_printf(t, "%s%s%s%s", i ? ", " : " ORDER BY ", q->item[o->item].name,
                    o->descending ? " DESC" : "",
                    o->nulls == 0   ? ""
                    : o->nulls == 1 ? " NULLS FIRST"
                                    : " NULLS LAST");
    }
    if (q->limit >= 0) text_printf(t, " LIMIT %lld", (long long)q->limit);
    if (q->offset) text_printf(t, " OFFSET %lld", (long long)q->offset);
}

/* Q's sub-queries in WITH, inner ones first, but those of views. N: how many there are so far. */
static void print_with(struct text *t, const struct query *q, int *n)
{
    for (; q; q = q->next)
        for (int i = 0; i < q->n_relations; i++) {
            const struct relation *r = &q->relation[i];
            if (r->kind != rel_query || r->form == form_view) continue;
            print_with(t, r->query, n);
            if (r->form != form_with) continue;
            text_printf(t, "%s v%d AS (", (*n)++ ? "," : "WITH", r->alias);
            print_query(t, r->query);
            text_add(t, ")");
        }
}

static void print_statement(struct text *t, const struct query *q)
{
    int n = 0;
    print_with(t, q, &n);
    if (n) text_add(t, " ");
    print_query(t, q);
}

static void print_views(struct text *t, const struct query *q)
{
    for (; q; q = q->next)
        for (int i = 0; i < q->n_relations; i++) {
            const struct relation *r = &q->relation[i];
            if (r->kind != rel_query) continue;
            print_views(t, r->query);
            if (r->form != form_view) continue;
            text_printf(t, "DROP TEMPORARY VIEW IF EXISTS v%d; CREATE TEMPORARY VIEW v%d AS ",
                        r->alias, r->alias);
            print_statement(t, r->query);
            text_add(t, ";\n");
        }
}

void print_weir(struct text *t, const struct query *q)
{
    print_views(t, q);
    print_statement(t, q);
}
