/* Answers and their comparison; see result.h. */

#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void result_clear(struct result *r)
{
    pool_free(&r->strings);
    r->outcome = outcome_rows;
    r->message[0] = 0;
    r->n_columns = 0;
    r->n_rows = 0;
}

void result_end(struct result *r, enum outcome outcome, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(r->message, sizeof r->message, format, list);
    va_end(list);
    r->outcome = outcome;
}

struct value *result_row(struct result *r)
{
    int64_t want = (r->n_rows + 1) * r->n_columns;
    if (want > r->capacity) {
        r->capacity = want * 2;
        r->cell = get_memory(r->cell, (size_t)r->capacity * sizeof *r->cell);
    }
    struct value *row = r->cell + r->n_rows++ * r->n_columns;
    memset(row, 0, (size_t)r->n_columns * sizeof *row);
    return row;
}

static void row_show(const struct value *row, const struct query *q, struct text *out)
{
    for (int c = 0; c < q->n_items; c++) {
        if (c) text_add(out, " | ");
        value_show(out, q->item[c].expr->type, &row[c]);
    }
    text_add(out, "\n");
}

void result_show(const struct result *r, const struct query *q, int64_t max, struct text *out)
{
    static const char *const names[] = {"rows", "failed", "refused", "skipped", "broken"};
    text_printf(out, "%s", names[r->outcome]);
    if (r->outcome != outcome_rows) {
        text_printf(out, ": %s\n", r->message);
        return;
    }
    text_printf(out, ": %lld\n", (long long)r->n_rows);
    for (int64_t i = 0; i < r->n_rows && i < max; i++) row_show(r->cell + i * r->n_columns, q, out);
    if (r->n_rows > max) text_add(out, "…\n");
}

static int compare_values(struct type t, const struct value *a, const struct value *b)
{
    if (a->null || b->null) return b->null - a->null;
    if (kind_has_bytes(t.kind)) {
        size_t n = a->length < b->length ? a->length : b->length;
        int order = n ? memcmp(a->s, b->s, n) : 0;
        return order ? order : a->length < b->length ? -1 : a->length > b->length;
    }
    if (kind_is_float(t.kind)) return a->d < b->d ? -1 : a->d > b->d;
    return a->x < b->x ? -1 : a->x > b->x;
}

static bool is_inexact(const struct query *q, int column)
{
    bool inexact = false;
    for (const struct query *arm = q; arm; arm = arm->next)
        inexact |= arm->item[column].expr->inexact;
    return inexact;
}

static const struct query *sorting;

/* What differs in the last digits only is the same for a moment. */
static int compare_roughly(const struct value *a, const struct value *b)
{
    if (a->null || b->null) return b->null - a->null;
    float x = (float)a->d, y = (float)b->d;
    return x < y ? -1 : x > y;
}

/* Exact columns first, so that inexact ones only order rows that are equal otherwise; these roughly,
   then to the last digit. */
static int compare_rows(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    for (int pass = 0; pass < 3; pass++)
        for (int c = 0; c < sorting->n_items; c++) {
            if (is_inexact(sorting, c) != (pass > 0)) continue;
            int order = pass == 1 ? compare_roughly(&a[c], &b[c])
                                  : compare_values(sorting->item[c].expr->type, &a[c], &b[c]);
            if (order) return order;
        }
    return 0;
}

static bool near(const struct expr *e, double a, double b)
{
    bool narrow = e->type.kind == k_f32;
    if (a == b) return true;
    if (!isfinite(a) || !isfinite(b)) return false;
    double apart = fabs(a - b);
    if (e->op == op_aggregate && (e->param == agg_sum || e->param == agg_avg)) {
        double ulp = narrow ? (double)(nextafterf(fabsf((float)b), INFINITY) - fabsf((float)b))
                            : nextafter(fabs(b), INFINITY) - fabs(b);
        return apart <= 2 * ulp;
    }
    return apart <= fabs(b) * (narrow ? 1e-6 : 1e-9) ||
           apart <= e->largest * (narrow ? 1e-7 : 1e-13);
}

static bool same_value(const struct query *q, int c, const struct value *a, const struct value *b)
{
    const struct expr *e = q->item[c].expr;
    if (a->null || b->null || !is_inexact(q, c)) return compare_values(e->type, a, b) == 0;
    return near(e, a->d, b->d);
}

static bool in_order(const struct query *q, const struct value *a, const struct value *b)
{
    for (int i = 0; i < q->n_order; i++) {
        const struct order *o = &q->order[i];
        const struct value *x = &a[o->item], *y = &b[o->item];
        int order;
        if (x->null || y->null) {
            bool first = o->nulls ? o->nulls == 1 : !o->descending;
            order = x->null == y->null ? 0 : x->null == first ? -1 : 1;
        } else {
            order = compare_values(q->item[o->item].expr->type, x, y);
            if (o->descending) order = -order;
        }
        if (order) return order < 0;
    }
    return true;
}

static bool check_order(const struct query *q, const struct result *r, struct text *why)
{
    for (int64_t i = 1; i < r->n_rows && q->n_order; i++) {
        const struct value *row = r->cell + i * r->n_columns;
        if (in_order(q, row - r->n_columns, row)) continue;
        text_printf(why, "row %lld is not in the order of ORDER BY: ", (long long)i + 1);
        row_show(row, q, why);
        return false;
    }
    return true;
}

static void sort_rows(const struct query *q, struct result *r)
{
    sorting = q;
    if (r->n_rows > 1)
        qsort(r->cell, (size_t)r->n_rows, (size_t)r->n_columns * sizeof *r->cell, compare_rows);
}

static bool same_rows(const struct query *q, const struct result *got, const struct result *right,
                      struct text *why)
{
    for (int64_t i = 0; i < got->n_rows && i < right->n_rows; i++) {
        const struct value *a = got->cell + i * got->n_columns,
                           *b = right->cell + i * right->n_columns;
        for (int c = 0; c < q->n_items; c++) {
            if (same_value(q, c, &a[c], &b[c])) continue;
            text_printf(why, "sorted row %lld differs in column o%d:\n  got   ", (long long)i + 1,
                        c);
            row_show(a, q, why);
            text_add(why, "  right ");
            row_show(b, q, why);
            return false;
        }
    }
    if (got->n_rows == right->n_rows) return true;
    text_printf(why, "%lld rows, %lld are right\n", (long long)got->n_rows,
                (long long)right->n_rows);
    return false;
}

bool result_same(const struct query *q, struct result *got, struct result *right, struct text *why)
{
    if (got->outcome != right->outcome) {
        static const char *const names[] = {"rows", "a failure", "a refusal", "nothing",
                                            "a breakdown"};
        text_printf(why, "%s instead of %s%s%s\n", names[got->outcome], names[right->outcome],
                    got->message[0] ? ": " : "", got->message);
        return false;
    }
    if (got->outcome != outcome_rows) return got->outcome == outcome_failed;
    if (!check_order(q, got, why)) return false;
    sort_rows(q, got);
    sort_rows(q, right);
    return same_rows(q, got, right, why);
}
