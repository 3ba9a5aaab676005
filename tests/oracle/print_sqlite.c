/* Queries as SQLite's SQL; see print.h. Values are held as README.md says: decimals as ordered
   blobs, times as integers, and the result of a failed operation as a marker that a w_… function
   passes on and w_chk turns into the failure of the statement. Operators of SQLite's own are used
   wherever no operand can be such a marker. */

#include "faults.h"
#include "functions.h"
#include "print.h"

#include <stdio.h>

const char *const fault_names[fault_count] = {
    "none",
    "LEFT JOIN drops rows without a match",
    "COUNT(x) counts NULLs",
    "NULL AND x is FALSE",
    "HAVING is ignored",
    "NOT IN ignores NULLs",
    "integer division rounds down",
    "DISTINCT is ignored in aggregates",
    "FILTER is ignored",
    "windows before 1970 round toward zero",
    "HOP loses the last window of a row",
    "the rest of the ON clause is ignored",
    "decimal products are cut, not rounded",
    "ORDER BY … DESC ascends",
    "LIMIT gives one row too many",
    "integer overflow wraps",
    "STDDEV_SAMP divides by n",
    "< is <=",
    "BETWEEN excludes its bounds",
    "a join compares only its first key",
    "UNION ALL drops duplicates",
    "TRY_CAST fails like CAST",
    "CASE forgets its ELSE",
    "AVG of integers rounds",
    "LIKE ignores case",
    "NULL IS NOT TRUE is FALSE",
    "NULLs sort last",
    "a semi join gives a row for each match",
    "COALESCE gives its first argument",
    "SUM over nothing is 0",
};

struct printer {
    struct text *t;
    int fault;
};

static void print(const struct printer *p, const struct expr *e);

static void add(const struct printer *p, const char *s)
{
    text_add(p->t, s);
}

static void print_value(const struct printer *p, struct type type, const struct value *v)
{
    if (v->null) {
        add(p, "NULL");
    } else if (type.kind == k_dec) {
        u128 biased = (u128)v->x ^ (u128)1 << 127;
        add(p, "x'");
        for (int i = 124; i >= 0; i -= 4)
            text_printf(p->t, "%c", "0123456789abcdef"[(int)(biased >> i) & 15]);
        add(p, "'");
    } else if (type.kind == k_str || kind_is_float(type.kind)) {
        value_show(p->t, type, v);
    } else if (type.kind == k_bytes) {
        add(p, "'");
        value_show(p->t, type, v);
        add(p, "'");
    } else {
        add(p, v->x < 0 ? "(" : "");
        text_i128(p->t, v->x);
        add(p, v->x < 0 ? ")" : "");
    }
}

static bool same_storage(struct type from, struct type to)
{
    if (to.kind == k_dec)
        return type_equal(from, to) || (from.kind == k_dec && from.s == to.s && from.p <= to.p);
    return from.kind == to.kind || (from.kind == k_ltz && to.kind == k_ts) ||
           (kind_is_int(from.kind) && kind_is_int(to.kind)) ||
           (from.kind == k_f32 && to.kind == k_f64);
}

/* E, converted implicitly to a type that it fits. */
static void print_as(const struct printer *p, const struct expr *e, struct type to)
{
    struct type from = e->type;
    if (same_storage(from, to)) {
        print(p, e);
        return;
    }
    if (to.kind == k_dec) {
        text_printf(p->t, "w_dec(");
        print(p, e);
        text_printf(p->t, ", %d, %d, %d, 0)", from.s, to.p, to.s);
    } else if (kind_is_float(to.kind)) {
        add(p, from.kind == k_dec ? "w_dec_float(" : to.kind == k_f32 ? "w_f32(" : "w_f64(");
        print(p, e);
        if (from.kind == k_dec) text_printf(p->t, ", %d, %d", from.s, to.kind == k_f32 ? 32 : 64);
        add(p, ")");
    } else { /* DATE as TIMESTAMP */
        add(p, "(");
        print(p, e);
        add(p, " * 86400000)");
    }
}

static int bits_of(struct type t)
{
    static const int bits[] = {[k_i8] = 8, [k_i16] = 16, [k_i32] = 32, [k_i64] = 64};
    return bits[t.kind];
}

static void print_arithmetic(const struct printer *p, const struct expr *e)
{
    const struct expr *a = e->kid[0], *b = e->kid[1];
    const char *op = op_text[e->op];
    if (kind_is_float(e->type.kind)) {
        text_printf(p->t, "w_float('%s', ", op);
        print_as(p, a, e->type);
        add(p, ", ");
        print_as(p, b, e->type);
        text_printf(p->t, ", %d)", e->type.kind == k_f32 ? 32 : 64);
    } else if (e->type.kind == k_dec || a->type.kind == k_dec || b->type.kind == k_dec) {
        text_printf(p->t, "w_decimal('%s', ", op);
        print_as(p, a, as_decimal(a->type));
        text_printf(p->t, ", %d, ", a->type.s);
        print_as(p, b, as_decimal(b->type));
        text_printf(p->t, ", %d, %d, %d, %d)", b->type.s, as_decimal(e->type).p, e->type.s,
                    p->fault == fault_decimals_are_cut && e->op == op_mul);
        /* DECIMAL % integer of scale 0 has the integer's type. */
    } else {
        bool floors = p->fault == fault_division_floors && e->op == op_div;
        text_printf(p->t, "w_int('%s', ", floors ? "floor" : op);
        print(p, a);
        add(p, ", ");
        print(p, b);
        text_printf(p->t, ", %d, %d)", bits_of(e->type), p->fault == fault_integers_wrap);
    }
}

static void print_integer_of_decimal(const struct printer *p, const struct expr *e)
{
    text_printf(p->t, "w_dec_int(");
    print_arithmetic(p, e);
    text_printf(p->t, ", 0, %d, 0)", bits_of(e->type));
}

static void print_negation(const struct printer *p, const struct expr *e)
{
    if (e->type.kind == k_dec) {
        add(p, "w_decimal('-', x'80000000000000000000000000000000', 0, ");
        print(p, e->kid[0]);
        text_printf(p->t, ", %d, %d, %d, 0)", e->type.s, e->type.p, e->type.s);
    } else if (kind_is_float(e->type.kind)) {
        add(p, "w_float('-', -0.0, ");
        print(p, e->kid[0]);
        text_printf(p->t, ", %d)", e->type.kind == k_f32 ? 32 : 64);
    } else {
        add(p, "w_int('-', 0, ");
        print(p, e->kid[0]);
        text_printf(p->t, ", %d, %d)", bits_of(e->type), p->fault == fault_integers_wrap);
    }
}

/* Both sides so that SQLite's own comparison is right. */
static void print_comparands(const struct printer *p, const struct expr *a, const struct expr *b,
                             const char *between)
{
    struct type type = a->type;
    bool floats = kind_is_float(a->type.kind) || kind_is_float(b->type.kind);
    if (floats) {
        type = type_of(k_f64);
    } else if (a->type.kind == k_ts || b->type.kind == k_ts) {
        type = type_of(k_ts);
    } else if (kind_is_int(type.kind) || (type.kind == k_dec && b->type.p > type.p)) {
        type = b->type;
    }
    print_as(p, a, type);
    add(p, between);
    print_as(p, b, type);
}

static bool scales_differ(const struct expr *a, const struct expr *b)
{
    if (kind_is_float(a->type.kind) || kind_is_float(b->type.kind)) return false;
    return (a->type.kind == k_dec || b->type.kind == k_dec) &&
           (a->type.kind != b->type.kind || a->type.s != b->type.s);
}

static void print_decimal_comparison(const struct printer *p, const struct expr *a,
                                     const struct expr *b, const char *op)
{
    text_printf(p->t, "w_dec_compare('%s', ", op);
    print_as(p, a, as_decimal(a->type));
    text_printf(p->t, ", %d, ", a->type.s);
    print_as(p, b, as_decimal(b->type));
    text_printf(p->t, ", %d)", b->type.s);
}

static void print_comparison(const struct printer *p, const struct expr *a, const struct expr *b,
                             enum op op)
{
    const char *name = op == op_is_distinct ? "is not" : op_text[op];
    if (p->fault == fault_less_or_equal && op == op_lt) name = "<=";
    if (scales_differ(a, b)) {
        print_decimal_comparison(p, a, b, name);
    } else if (a->may_fail || b->may_fail) {
        text_printf(p->t, "w_compare('%s', ", name);
        print_comparands(p, a, b, ", ");
        add(p, ")");
    } else {
        char between[16];
        snprintf(between, sizeof between, " %s ", name);
        add(p, "(");
        print_comparands(p, a, b, between);
        add(p, ")");
    }
}

static void print_logic(const struct printer *p, const struct expr *e)
{
    const char *name = op_text[e->op];
    if (e->may_fail) {
        text_printf(p->t, "w_logic('%s', ", name);
        print(p, e->kid[0]);
        add(p, ", ");
        print(p, e->kid[1]);
        add(p, ")");
        return;
    }
    bool wrong = p->fault == fault_and_of_null_is_false && e->op == op_and;
    add(p, wrong ? "(coalesce(" : "(");
    print(p, e->kid[0]);
    text_printf(p->t, "%s %s ", wrong ? ", 0)" : "", name);
    print(p, e->kid[1]);
    add(p, ")");
}

static void print_test(const struct printer *p, const struct expr *e)
{
    static const char *const tests[] = {
        [op_is_null] = "is null",   [op_is_not_null] = "is not null",
        [op_is_true] = "is true",   [op_is_not_true] = "is not true",
        [op_is_false] = "is false", [op_not] = "not"};
    const char *test = tests[e->op];
    if (p->fault == fault_is_true_of_null && e->op == op_is_not_true) test = "is false";
    if (e->may_fail) {
        text_printf(p->t, "w_test('%s', ", test);
        print(p, e->kid[0]);
        add(p, ")");
    } else if (e->op == op_not) {
        add(p, "(NOT ");
        print(p, e->kid[0]);
        add(p, ")");
    } else {
        add(p, "(");
        print(p, e->kid[0]);
        text_printf(p->t, " %s)", test);
    }
}

static void print_in(const struct printer *p, const struct expr *e)
{
    add(p, "(");
    print(p, e->kid[0]);
    add(p, e->op == op_in ? " IN (" : " NOT IN (");
    for (int i = 1; i < e->n; i++) {
        if (i > 1) add(p, ", ");
        print_as(p, e->kid[i], e->kid[0]->type);
    }
    add(p, "))");
}

static void print_between(const struct printer *p, const struct expr *e)
{
    bool excludes = p->fault == fault_between_excludes;
    add(p, "(");
    print_comparison(p, e->kid[0], e->kid[1], excludes ? op_gt : op_ge);
    add(p, " AND ");
    print_comparison(p, e->kid[0], e->kid[2], excludes ? op_lt : op_le);
    add(p, ")");
}

static void print_like(const struct printer *p, const struct expr *e)
{
    bool wrong = p->fault == fault_like_ignores_case;
    add(p, wrong ? "(lower(" : "(");
    print(p, e->kid[0]);
    add(p, wrong ? ") LIKE lower(" : " LIKE ");
    print(p, e->kid[1]);
    add(p, wrong ? ")" : "");
    add(p, e->param ? " ESCAPE '!')" : ")");
}

static void print_case_failing(const struct printer *p, const struct expr *e, int from)
{
    if (from >= e->n) {
        add(p, "NULL");
    } else if (from == e->n - 1) {
        print_as(p, e->kid[from], e->type);
    } else {
        add(p, "w_select(");
        print(p, e->kid[from]);
        add(p, ", ");
        print_as(p, e->kid[from + 1], e->type);
        add(p, ", ");
        print_case_failing(p, e, from + 2);
        add(p, ")");
    }
}

static void print_case(const struct printer *p, const struct expr *e)
{
    if (e->may_fail) {
        print_case_failing(p, e, 0);
        return;
    }
    add(p, "CASE");
    int i = 0;
    for (; i + 1 < e->n; i += 2) {
        add(p, " WHEN ");
        print(p, e->kid[i]);
        add(p, " THEN ");
        print_as(p, e->kid[i + 1], e->type);
    }
    if (i < e->n && p->fault != fault_no_else) {
        add(p, " ELSE ");
        print_as(p, e->kid[i], e->type);
    }
    add(p, " END");
}

static void print_coalesce(const struct printer *p, const struct expr *e)
{
    if (p->fault == fault_coalesce_is_first) {
        print_as(p, e->kid[0], e->type);
        return;
    }
    add(p, e->may_fail ? "w_coalesce(" : "coalesce(");
    print_as(p, e->kid[0], e->type);
    add(p, ", ");
    print_as(p, e->kid[1], e->type);
    add(p, ")");
}

static void print_cast_to_text(const struct printer *p, const struct expr *k)
{
    static const char *const calls[] = {
        [k_bool] = "w_bool_text(", [k_dec] = "w_dec_text(",  [k_date] = "w_date_text(",
        [k_ts] = "w_time_text(",   [k_ltz] = "w_time_text(", [k_clock] = "w_clock_text("};
    bool number = kind_is_int(k->type.kind);
    add(p, number ? "CAST(" : calls[k->type.kind]);
    print(p, k);
    if (k->type.kind == k_dec) text_printf(p->t, ", %d", k->type.s);
    add(p, number ? " AS TEXT)" : ")");
}

static void print_cast(const struct printer *p, const struct expr *e)
{
    const struct expr *k = e->kid[0];
    struct type to = e->type;
    int try = e->op == op_try_cast && p->fault != fault_try_cast_fails;
    if (k->type.kind == k_str && !kind_is_int(to.kind) && to.kind != k_bytes) {
        static const char *const calls[] = {[k_bool] = "bool", [k_f32] = "f32",   [k_f64] = "f64",
                                            [k_dec] = "dec",   [k_date] = "date", [k_ts] = "time"};
        text_printf(p->t, "w_text_%s(", calls[to.kind]);
        print(p, k);
        if (to.kind == k_dec) text_printf(p->t, ", %d, %d", to.p, to.s);
        text_printf(p->t, ", %d)", try);
    } else if (to.kind == k_bool) {
        add(p, "(");
        print(p, k);
        add(p, " <> 0)");
    } else if (to.kind == k_str) {
        print_cast_to_text(p, k);
    } else if (kind_is_int(to.kind) && k->type.kind == k_bool) {
        print(p, k);
    } else if (kind_is_int(to.kind)) {
        const char *call = k->type.kind == k_dec         ? "w_dec_int("
                           : k->type.kind == k_str       ? "w_text_int("
                           : kind_is_float(k->type.kind) ? "w_float_int("
                                                         : "w_int_int(";
        add(p, call);
        print(p, k);
        text_printf(p->t, ", %d, %d, %d)", k->type.s, bits_of(to), try);
    } else if (to.kind == k_dec) {
        add(p, "w_dec(");
        print(p, k);
        text_printf(p->t, ", %d, %d, %d, %d)", k->type.s, to.p, to.s, try);
    } else if (to.kind == k_bytes) {
        add(p, "w_hex(");
        print(p, k);
        add(p, ")");
    } else if (to.kind == k_clock) {
        add(p, "w_floor_mod(");
        print(p, k);
        add(p, ", 86400000)");
    } else if (to.kind == k_ltz || (to.kind == k_ts && k->type.kind == k_ltz)) {
        print_as(p, k, type_of(k_ts));
    } else if (to.kind == k_date) {
        add(p, "w_floor_div(");
        print(p, k);
        add(p, ", 86400000)");
    } else if (to.kind == k_f32 && k->type.kind == k_f64) {
        add(p, "w_f32(");
        print(p, k);
        add(p, ")");
    } else {
        print_as(p, k, to);
    }
}

static void print_checked(const struct printer *p, const struct expr *e)
{
    if (e->may_fail) add(p, "w_chk(");
    print(p, e);
    if (e->may_fail) add(p, ")");
}

static void print_aggregate_name(const struct printer *p, const struct expr *e)
{
    static const char *const names[] = {"count",         "w_sum",     "w_avg",
                                        "min",           "max",       "w_stddev_pop",
                                        "w_stddev_samp", "w_var_pop", "w_var_samp"};
    enum aggregate a = (enum aggregate)e->param;
    const struct expr *x = e->kid[0];
    if (p->fault == fault_sample_is_population && a == agg_stddev_samp) a = agg_stddev_pop;
    add(p, names[a]);
    if (a != agg_sum && a != agg_avg) return;
    if (x->type.kind == k_dec) {
        text_printf(p->t, a == agg_avg ? "_dec%d" : "_dec", e->type.s - x->type.s);
    } else {
        text_printf(p->t, "_%s%d", kind_is_float(x->type.kind) ? "f" : "i",
                    x->type.kind == k_f32   ? 32
                    : x->type.kind == k_f64 ? 64
                                            : bits_of(x->type));
    }
    if (p->fault == fault_average_rounds && a == agg_avg && kind_is_int(x->type.kind))
        add(p, "_round");
}

static void print_aggregate(const struct printer *p, const struct expr *e)
{
    const struct expr *x = e->kid[0];
    bool zero =
        p->fault == fault_sum_of_none_is_zero && e->param == agg_sum && kind_is_int(e->type.kind);
    add(p, zero ? "coalesce(" : "");
    print_aggregate_name(p, e);
    add(p, e->distinct && p->fault != fault_no_distinct ? "(DISTINCT " : "(");
    if (!x || (p->fault == fault_count_counts_nulls && e->param == agg_count && !e->distinct)) {
        add(p, "*");
    } else if (e->param > agg_max) {
        if (x->may_fail) add(p, "w_chk(");
        print_as(p, x, type_of(k_f64));
        if (x->may_fail) add(p, ")");
    } else {
        print_checked(p, x);
    }
    add(p, ")");
    if (e->kid[1] && p->fault != fault_no_filter) {
        add(p, " FILTER (WHERE ");
        print_checked(p, e->kid[1]);
        add(p, ")");
    }
    add(p, zero ? ", 0)" : "");
}

static void print_argument(struct text *t, const struct expr *e, void *context)
{
    (void)t;
    print(context, e);
}

static void print(const struct printer *p, const struct expr *e)
{
    switch (e->op) {
    case op_column: add(p, e->sqlite); break;
    case op_const: print_value(p, e->type, &e->value); break;
    case op_add:
    case op_sub:
    case op_mul:
    case op_div:
    case op_mod:
        if (kind_is_int(e->type.kind) &&
            (e->kid[0]->type.kind == k_dec || e->kid[1]->type.kind == k_dec)) {
            print_integer_of_decimal(p, e);
        } else {
            print_arithmetic(p, e);
        }
        break;
    case op_neg: print_negation(p, e); break;
    case op_and:
    case op_or: print_logic(p, e); break;
    case op_not:
    case op_is_null:
    case op_is_not_null:
    case op_is_true:
    case op_is_not_true:
    case op_is_false: print_test(p, e); break;
    case op_in:
    case op_not_in: print_in(p, e); break;
    case op_between: print_between(p, e); break;
    case op_like: print_like(p, e); break;
    case op_case: print_case(p, e); break;
    case op_coalesce: print_coalesce(p, e); break;
    case op_nullif:
        add(p, "nullif(");
        print(p, e->kid[0]);
        add(p, ", ");
        print(p, e->kid[1]);
        add(p, ")");
        break;
    case op_cast:
    case op_try_cast: print_cast(p, e); break;
    case op_call: {
        struct printer copy = *p;
        print_template(p->t, functions[e->param].sqlite, e, print_argument, &copy);
        break;
    }
    case op_aggregate: print_aggregate(p, e); break;
    default: print_comparison(p, e->kid[0], e->kid[1], e->op);
    }
}

static void print_query(const struct printer *p, const struct query *q);

/* A window for each multiple of the step that ends behind the row. */
static void print_cumulate(const struct printer *p, const struct relation *r)
{
    const char *time = r->time->name;
    long long size = (long long)r->size_ms, step = (long long)r->slide_ms;
    text_printf(p->t, "(SELECT * FROM (SELECT x.*, w_window(x.%s, %lld) AS window_start, ", time,
                size);
    text_printf(p->t, "w_window(x.%s, %lld) + k.column1 * %lld AS window_end FROM %s AS x ", time,
                size, step, r->table->name);
    add(p, "CROSS JOIN (VALUES (1)");
    for (long long i = 2; i <= size / step; i++) text_printf(p->t, ", (%lld)", i);
    text_printf(p->t, ") AS k) AS y WHERE y.window_end > y.%s)", time);
}

static void print_window(const struct printer *p, const struct relation *r)
{
    const char *floor = p->fault == fault_windows_round_to_zero ? "w_window_zero" : "w_window";
    int64_t step = r->kind == rel_hop ? r->slide_ms : r->size_ms;
    int windows =
        (int)(r->size_ms / step) - (p->fault == fault_last_hop_missing && r->size_ms > step);
    text_printf(
        p->t,
        "(SELECT y.*, y.window_start + %lld AS window_end FROM (SELECT x.*, %s(x.%s, %lld) - ",
        (long long)r->size_ms, floor, r->time->name, (long long)step);
    text_printf(p->t, "k.column1 * %lld AS window_start FROM %s AS x CROSS JOIN (VALUES (0)",
                (long long)step, r->table->name);
    for (int i = 1; i < windows; i++) text_printf(p->t, ", (%d)", i);
    add(p, ") AS k) AS y)");
}

static void print_relation(const struct printer *p, const struct relation *r)
{
    switch (r->kind) {
    case rel_query:
        add(p, "(");
        print_query(p, r->query);
        add(p, ")");
        break;
    case rel_values:
        add(p, "(SELECT ");
        for (int c = 0; c < r->n_value_columns; c++)
            text_printf(p->t, "%scolumn%d AS v%d", c ? ", " : "", c + 1, c);
        add(p, " FROM (VALUES ");
        for (int i = 0; i < r->n_values * r->n_value_columns; i++) {
            add(p, i % r->n_value_columns ? ", " : i ? "), (" : "(");
            print(p, r->values[i]);
        }
        add(p, ")))");
        break;
    case rel_table: add(p, r->table->name); break;
    case rel_cumulate: print_cumulate(p, r); break;
    default: print_window(p, r);
    }
    text_printf(p->t, " AS a%d", r->alias);
}

static void print_join(const struct printer *p, const struct relation *r)
{
    int keys = p->fault == fault_one_key_only && r->n_keys > 1 ? 1 : r->n_keys;
    for (int k = 0; k < keys; k++) {
        add(p, k ? " AND " : " ON ");
        print(p, r->left_key[k]);
        add(p, " = ");
        print(p, r->right_key[k]);
    }
    if (!r->residual || p->fault == fault_no_residual) return;
    add(p, " AND ");
    print(p, r->residual);
}

static void print_from(const struct printer *p, const struct query *q)
{
    bool swapped = q->n_relations > 1 && q->relation[1].join == join_right;
    add(p, " FROM ");
    for (int i = 0; i < q->n_relations; i++) {
        const struct relation *r = &q->relation[i];
        bool inner = r->join == join_inner || p->fault == fault_left_join_is_inner;
        if (i > 0)
            add(p, r->join == join_cross  ? " CROSS JOIN "
                   : inner                ? " JOIN "
                   : r->join == join_full ? " FULL JOIN "
                                          : " LEFT JOIN ");
        /* SQLite knows RIGHT JOIN since 3.39 only. */
        print_relation(p, swapped && i < 2 ? &q->relation[1 - i] : r);
        if (i > 0) print_join(p, r);
    }
}

static void print_member(const struct printer *p, const struct member *m)
{
    bool in = m->kind == member_in || m->kind == member_not_in;
    if (m->kind == member_not_in && p->fault == fault_not_in_ignores_nulls) {
        text_add(p->t, "coalesce(");
    }
    if (in) {
        print(p, m->outer_key[0]);
        add(p, m->kind == member_in ? " IN (SELECT " : " NOT IN (SELECT ");
        print(p, m->inner_key[0]);
    } else if (m->kind == member_exists && p->fault == fault_semi_join_duplicates) {
        add(p, "1 < (SELECT count(*)");
    } else {
        add(p, m->kind == member_exists ? "EXISTS (SELECT 1" : "NOT EXISTS (SELECT 1");
    }
    text_printf(p->t, " FROM %s AS a%d", m->table->name, m->alias);
    const char *word = " WHERE ";
    for (int k = 0; k < m->n_keys && !in; k++, word = " AND ") {
        add(p, word);
        print(p, m->inner_key[k]);
        add(p, " = ");
        print(p, m->outer_key[k]);
    }
    if (m->filter) {
        add(p, word);
        print(p, m->filter);
    }
    add(p, m->kind == member_not_in && p->fault == fault_not_in_ignores_nulls ? "), 1)" : ")");
}

static void print_where(const struct printer *p, const struct query *q)
{
    const char *word = " WHERE ";
    if (q->where) {
        add(p, word);
        print_checked(p, q->where);
        word = " AND ";
    }
    for (int i = 0; i < q->n_members; i++, word = " AND ") {
        add(p, word);
        print_member(p, &q->member[i]);
    }
}

static void print_items(const struct printer *p, const struct query *q)
{
    for (int i = 0; i < q->n_items; i++) {
        if (i) add(p, ", ");
        print_checked(p, q->item[i].expr);
        text_printf(p->t, " AS %s", q->item[i].name);
    }
}

static void print_query(const struct printer *p, const struct query *q)
{
    for (const struct query *arm = q; arm; arm = arm->next) {
        bool drops = p->fault == fault_union_drops_duplicates && q->set == set_union_all;
        bool having = arm->having && p->fault != fault_no_having, wrap = having && arm->n_keys == 0;
        if (arm != q) add(p, drops ? " UNION " : set_text[q->set]);
        add(p, arm->distinct ? "SELECT DISTINCT " : "SELECT ");
        if (wrap) { /* SQLite knows HAVING without GROUP BY since 3.39 only. */
            for (int i = 0; i < arm->n_items; i++)
                text_printf(p->t, "%s%s", i ? ", " : "", arm->item[i].name);
            add(p, " FROM (SELECT ");
            print(p, arm->having);
            add(p, " AS passes, ");
        }
        print_items(p, arm);
        print_from(p, arm);
        print_where(p, arm);
        for (int i = 0; i < arm->n_keys; i++) {
            add(p, i ? ", " : " GROUP BY ");
            print(p, arm->key[i]);
        }
        if (wrap) add(p, ") WHERE passes");
        if (having && !wrap) {
            add(p, " HAVING ");
            print(p, arm->having);
        }
    }
    for (int i = 0; i < q->n_order; i++) {
        const struct order *o = &q->order[i];
        bool descends = o->descending && p->fault != fault_order_ascends;
        int nulls = p->fault == fault_nulls_last && o->nulls == 0 && !descends ? 2 : o->nulls;
        text_printf(p->t, "%s%s%s%s", i ? ", " : " ORDER BY ", q->item[o->item].name,
                    descends ? " DESC" : "",
                    nulls == 0   ? ""
                    : nulls == 1 ? " NULLS FIRST"
                                 : " NULLS LAST");
    }
    if (q->limit >= 0)
        text_printf(p->t, " LIMIT %lld", (long long)q->limit + (p->fault == fault_limit_plus_one));
    if (q->offset) text_printf(p->t, " OFFSET %lld", (long long)q->offset);
}

void print_sqlite(struct text *t, const struct query *q, int fault)
{
    struct printer p = {t, fault};
    print_query(&p, q);
}
