/* What the generated queries are made of; see coverage.h. A construct is a number: operators,
   functions, types and aggregates by their own numbers behind each other, then what queries are put
   together from. */

#include "coverage.h"

#include "engine.h"
#include "functions.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

static const char *const op_names[] = {
    "column",   "literal",     "+",      "-",        "*",           "/",        "%",
    "- x",      "=",           "<>",     "<",        "<=",          ">",        ">=",
    "AND",      "OR",          "NOT",    "IS NULL",  "IS NOT NULL", "IS TRUE",  "IS NOT TRUE",
    "IS FALSE", "IS DISTINCT", "IN (…)", "NOT IN …", "BETWEEN",     "LIKE",     "CASE",
    "COALESCE", "NULLIF",      "CAST",   "TRY_CAST", "function",    "aggregate"};

enum { op_names_count = sizeof op_names / sizeof *op_names };

/* Types, with decimals by the width of what holds them. */
static const char *const type_names[] = {"BOOLEAN", "TINYINT", "SMALLINT",         "INT",
                                         "BIGINT",  "FLOAT",   "DOUBLE",           "DECIMAL",
                                         "STRING",  "DATE",    "TIMESTAMP",        "TIMESTAMP_LTZ",
                                         "TIME",    "BYTES",   "DECIMAL up to 18", "DECIMAL above"};

enum construct {
    like_escape,
    case_operand,
    distinct_argument,
    count_distinct,
    filter_clause,
    count_star,
    join_inner_,
    join_left_,
    join_right_,
    join_full_,
    join_cross_,
    two_keys,
    text_key,
    residual_clause,
    chain_of_two,
    chain_of_three,
    from_query,
    from_view,
    from_with,
    scalar_query,
    from_values,
    tumble_table,
    tumble_group,
    hop_table,
    hop_group,
    cumulate_table,
    float_key,
    membership_in,
    membership_not_in,
    membership_exists,
    membership_not_exists,
    where_clause,
    group_clause,
    several_groups,
    aggregate_all,
    having_clause,
    select_distinct,
    union_all,
    union_distinct,
    intersect_,
    except_,
    order_clause,
    order_descending,
    order_nulls,
    limit_clause,
    offset_clause,
    may_fail,
    construct_count
};

static const char *const construct_names[] = {"LIKE … ESCAPE",
                                              "CASE x WHEN",
                                              "aggregate(DISTINCT)",
                                              "COUNT(DISTINCT)",
                                              "FILTER",
                                              "COUNT(*)",
                                              "INNER JOIN",
                                              "LEFT JOIN",
                                              "RIGHT JOIN",
                                              "FULL JOIN",
                                              "CROSS JOIN",
                                              "join on two keys",
                                              "join on a text",
                                              "join with a rest",
                                              "two joins",
                                              "three joins",
                                              "FROM (SELECT …)",
                                              "view",
                                              "WITH",
                                              "scalar sub-query",
                                              "VALUES",
                                              "TABLE(TUMBLE(…))",
                                              "GROUP BY TUMBLE(…)",
                                              "TABLE(HOP(…))",
                                              "GROUP BY HOP(…)",
                                              "TABLE(CUMULATE(…))",
                                              "GROUP BY or join on a float",
                                              "IN (SELECT …)",
                                              "NOT IN (SELECT …)",
                                              "EXISTS",
                                              "NOT EXISTS",
                                              "WHERE",
                                              "GROUP BY",
                                              "GROUP BY two",
                                              "no GROUP BY",
                                              "HAVING",
                                              "SELECT DISTINCT",
                                              "UNION ALL",
                                              "UNION",
                                              "INTERSECT",
                                              "EXCEPT",
                                              "ORDER BY",
                                              "ORDER BY … DESC",
                                              "NULLS FIRST, LAST",
                                              "LIMIT",
                                              "OFFSET",
                                              "may fail"};

static int first_function(void)
{
    return op_names_count;
}
static int first_type(void)
{
    return first_function() + function_count;
}
static int first_aggregate(void)
{
    return first_type() + (int)(sizeof type_names / sizeof *type_names);
}
static int first_construct(void)
{
    return first_aggregate() + agg_kinds;
}
static int count(void)
{
    return first_construct() + construct_count;
}

static const char *name_of(int i)
{
    if (i < first_function()) return op_names[i];
    if (i < first_type()) return functions[i - first_function()].weir;
    if (i < first_aggregate()) return type_names[i - first_type()];
    if (i < first_construct()) return aggregate_names[i - first_aggregate()];
    return construct_names[i - first_construct()];
}

static void use(bool *used, enum construct c, bool yes)
{
    if (yes) used[first_construct() + (int)c] = true;
}

static void expr_uses(bool *used, const struct expr *e)
{
    if (!e) return;
    used[e->op] = true;
    used[first_type() + (int)e->type.kind] = true;
    if (e->type.kind == k_dec) used[first_type() + (int)k_count + (e->type.p > 18)] = true;
    if (e->op == op_call) used[first_function() + e->param] = true;
    if (e->op == op_aggregate) {
        used[first_aggregate() + e->param] = true;
        use(used, distinct_argument, e->distinct && e->param != agg_count);
        use(used, count_distinct, e->distinct && e->param == agg_count);
        use(used, filter_clause, e->kid[1] != NULL);
        use(used, count_star, e->kid[0] == NULL);
    }
    use(used, like_escape, e->op == op_like && e->param);
    use(used, scalar_query, e->op == op_column && e->param);
    use(used, case_operand, e->op == op_case && e->param);
    for (int i = 0; i < e->n; i++) expr_uses(used, e->kid[i]);
}

static void query_uses(bool *used, const struct query *q);

static void relation_uses(bool *used, const struct relation *r)
{
    use(used, join_inner_, r->join == join_inner);
    use(used, join_left_, r->join == join_left);
    use(used, join_right_, r->join == join_right);
    use(used, join_full_, r->join == join_full || !sqlite_has_full_join());
    use(used, join_cross_, r->join == join_cross);
    use(used, two_keys, r->n_keys > 1);
    for (int k = 0; k < r->n_keys; k++) use(used, text_key, r->left_key[k]->type.kind == k_str);
    use(used, residual_clause, r->residual != NULL);
    use(used, from_query, r->kind == rel_query && r->form == form_inline);
    use(used, from_view, r->kind == rel_query && r->form == form_view);
    use(used, from_with, r->kind == rel_query && r->form == form_with);
    use(used, from_values, r->kind == rel_values);
    use(used, tumble_table, r->kind == rel_tumble && !r->old_style);
    use(used, tumble_group, r->kind == rel_tumble && r->old_style);
    use(used, hop_table, r->kind == rel_hop && !r->old_style);
    use(used, hop_group, r->kind == rel_hop && r->old_style);
    use(used, cumulate_table, r->kind == rel_cumulate);
    for (int k = 0; k < r->n_keys; k++)
        use(used, float_key, kind_is_float(r->left_key[k]->type.kind));
    for (int k = 0; k < r->n_keys; k++) {
        expr_uses(used, r->left_key[k]);
        expr_uses(used, r->right_key[k]);
    }
    for (int i = 0; i < r->n_values * r->n_value_columns; i++) expr_uses(used, r->values[i]);
    expr_uses(used, r->residual);
    query_uses(used, r->query);
}

static void query_uses(bool *used, const struct query *q)
{
    if (!q) return;
    use(used, order_clause, q->n_order > 0);
    use(used, limit_clause, q->limit >= 0);
    use(used, offset_clause, q->offset > 0);
    use(used, may_fail, q->may_fail);
    for (int i = 0; i < q->n_order; i++) {
        use(used, order_descending, q->order[i].descending);
        use(used, order_nulls, q->order[i].nulls != 0);
    }
    for (; q; q = q->next) {
        static const enum construct sets[] = {[set_union_all] = union_all,
                                              [set_union] = union_distinct,
                                              [set_intersect] = intersect_,
                                              [set_except] = except_};
        if (q->next) use(used, sets[q->set], true);
        use(used, select_distinct, q->distinct);
        use(used, where_clause, q->where != NULL);
        use(used, group_clause, q->n_keys > 0);
        use(used, several_groups, q->n_keys > 1);
        use(used, aggregate_all, q->grouped && q->n_keys == 0);
        use(used, having_clause, q->having != NULL);
        use(used, chain_of_two, q->n_relations == 3);
        use(used, chain_of_three, q->n_relations == 4);
        for (int i = 0; i < q->n_items; i++) expr_uses(used, q->item[i].expr);
        for (int i = 0; i < q->n_keys; i++) {
            expr_uses(used, q->key[i]);
            use(used, float_key, kind_is_float(q->key[i]->type.kind));
        }
        expr_uses(used, q->where);
        expr_uses(used, q->having);
        for (int i = 0; i < q->n_relations; i++) relation_uses(used, &q->relation[i]);
        for (int i = 0; i < q->n_members; i++) {
            use(used, membership_in + (enum construct)q->member[i].kind, true);
            expr_uses(used, q->member[i].filter);
        }
    }
}

void coverage_add(struct coverage *c, const struct query *q)
{
    bool used[max_constructs] = {false};
    query_uses(used, q);
    for (int i = 0; i < count(); i++) c->queries[i] += used[i];
}

/* As many columns of a terminal as NAME takes; a code point is one. */
static int width(const char *name)
{
    int n = 0;
    for (; *name; name++) n += (*name & 0xc0) != 0x80;
    return n;
}

void coverage_table(const struct coverage *c, struct text *out)
{
    int at = 0;
    for (int i = 0; i < count(); i++) {
        const char *name = name_of(i);
        int cell = width(name) + 12, columns = (cell + 29) / 30;
        if (at && at + columns > 4) {
            text_add(out, "\n");
            at = 0;
        }
        text_printf(out, "%8lld  %s%*s", (long long)c->queries[i], name,
                    columns * 30 - width(name) - 10, "");
        at += columns;
    }
    text_add(out, "\n");
}

int coverage_gaps(const struct coverage *c, struct text *out)
{
    int gaps = 0;
    for (int i = 0; i < count(); i++) {
        if (c->queries[i]) continue;
        text_printf(out, "never generated: %s\n", name_of(i));
        gaps++;
    }
    return gaps;
}
