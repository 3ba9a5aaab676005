/* What is known of an expression's values from what is known of its operands': bounds, and whether
   it may fail. The bounds are what lets the generator make queries that cannot fail although the
   data has extreme values. */

#include "functions.h"
#include "generate.h"

#include <math.h>
#include <string.h>

/* More than any DECIMAL holds. */
#define huge ((i128)16 * pow10_table[37])

static i128 clamp(i128 v, i128 lo, i128 hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static i128 times(i128 a, i128 b)
{
    long double product = (long double)a * (long double)b;
    if (product > 1.5e38L) return huge;
    if (product < -1.5e38L) return -huge;
    return a * b;
}

static i128 plus(i128 a, i128 b)
{
    long double sum = (long double)a + (long double)b;
    if (sum > 1.5e38L) return huge;
    if (sum < -1.5e38L) return -huge;
    return a + b;
}

static void bounds(struct expr *e, i128 lo, i128 hi)
{
    i128 min = type_min(e->type), max = type_max(e->type);
    if (lo < min || hi > max) e->may_fail = true;
    e->lo = clamp(lo, min, max);
    e->hi = clamp(hi, min, max);
}

static i128 largest_of(const struct expr *e)
{
    i128 a = i128_abs(e->lo), b = i128_abs(e->hi);
    return a > b ? a : b;
}

static double float_size(const struct expr *e)
{
    if (kind_is_float(e->type.kind)) return e->largest;
    return (double)largest_of(e) / (double)pow10_table[e->type.s];
}

static bool has_zero(const struct expr *e)
{
    return e->lo <= 0 && e->hi >= 0;
}

static void analyse_float(struct expr *e)
{
    double a = float_size(e->kid[0]), b = e->n > 1 ? float_size(e->kid[1]) : 0;
    switch (e->op) {
    case op_mul: e->largest = a * b; break;
    case op_div: e->largest = a * 1e4; break; /* divisors are constants of at least 1/4 */
    case op_neg: e->largest = a; break;
    default: e->largest = a + b;
    }
}

/* a * b / 10^cut, a little too large rather than too small. */
static i128 scaled_product(i128 a, i128 b, int cut)
{
    long double product = (long double)a * (long double)b;
    if (cut <= 0 || (product < 1.5e38L && product > -1.5e38L))
        return cut > 38 ? 0 : times(a, b) / pow10_table[cut > 0 ? cut : 0];
    for (int i = 0; i < cut; i++) product /= 10;
    product *= 1.000001L;
    return product > 1.5e38L ? huge : product < -1.5e38L ? -huge : (i128)product;
}

static void analyse_product(struct expr *e, int scale)
{
    const struct expr *a = e->kid[0], *b = e->kid[1];
    int cut = a->type.s + b->type.s - scale;
    i128 corner[4] = {scaled_product(a->lo, b->lo, cut), scaled_product(a->lo, b->hi, cut),
                      scaled_product(a->hi, b->lo, cut), scaled_product(a->hi, b->hi, cut)};
    i128 lo = corner[0], hi = corner[0];
    for (int i = 1; i < 4; i++) {
        if (corner[i] < lo) lo = corner[i];
        if (corner[i] > hi) hi = corner[i];
    }
    bounds(e, lo - (cut > 0), hi + (cut > 0));
}

static void analyse_quotient(struct expr *e, int scale)
{
    const struct expr *a = e->kid[0], *b = e->kid[1];
    if (has_zero(b)) e->may_fail = true;
    i128 smallest = has_zero(b)                         ? 1
                    : i128_abs(b->lo) < i128_abs(b->hi) ? i128_abs(b->lo)
                                                        : i128_abs(b->hi);
    long double top = (long double)largest_of(a) / (long double)smallest;
    for (int shift = scale - a->type.s + b->type.s; shift > 0; shift--) top *= 10;
    if (e->type.kind == k_dec) top = top * 1.000001L + 1;
    i128 bound = top > 1.5e38L ? huge : (i128)top;
    /* The minimum of an integer type divided by -1 is one of the cases. */
    bounds(e, -bound, bound);
}

static void analyse_sum(struct expr *e, int scale)
{
    const struct expr *a = e->kid[0], *b = e->kid[1];
    int up_a = scale - a->type.s, up_b = scale - b->type.s;
    if (up_a < 0 || up_b < 0) { /* the scale was cut: rounding of operands is left to the engines */
        e->may_fail = true;
        bounds(e, -huge, huge);
        return;
    }
    i128 alo = times(a->lo, pow10_table[up_a]), ahi = times(a->hi, pow10_table[up_a]);
    i128 blo = times(b->lo, pow10_table[up_b]), bhi = times(b->hi, pow10_table[up_b]);
    if (e->op == op_sub) {
        i128 swap = blo;
        blo = -bhi;
        bhi = -swap;
    }
    bounds(e, plus(alo, blo), plus(ahi, bhi));
}

static void analyse_arithmetic(struct expr *e)
{
    if (kind_is_float(e->type.kind)) {
        analyse_float(e);
        return;
    }
    int scale = e->type.s;
    switch (e->op) {
    case op_add:
    case op_sub: analyse_sum(e, scale); break;
    case op_mul: analyse_product(e, scale); break;
    case op_div: analyse_quotient(e, scale); break;
    case op_mod: {
        if (has_zero(e->kid[1])) e->may_fail = true;
        i128 top = times(largest_of(e->kid[1]), pow10_table[scale - e->kid[1]->type.s]);
        e->lo = clamp(-top, type_min(e->type), 0);
        e->hi = clamp(top, 0, type_max(e->type));
        break;
    }
    default: bounds(e, -e->kid[0]->hi, -e->kid[0]->lo);
    }
}

/* The bounds of operand K when it is seen as type TO (a common type, or the target of a cast). */
static void seen_as(const struct expr *k, struct type to, i128 *lo, i128 *hi, double *largest)
{
    struct type from = k->type;
    *lo = k->lo;
    *hi = k->hi;
    *largest = kind_is_numeric(from.kind) ? float_size(k) : 0;
    if (to.kind == k_dec && kind_is_float(from.kind)) {
        long double top = (long double)k->largest * (long double)pow10_table[to.s];
        *hi = top < 1e37L ? (i128)top + 1 : huge;
        *lo = -*hi;
    } else if (kind_is_exact(from.kind) && kind_is_exact(to.kind)) {
        int up = to.s - from.s;
        *lo =
            up >= 0 ? times(k->lo, pow10_table[up]) : k->lo / pow10_table[-up] - (to.kind == k_dec);
        *hi =
            up >= 0 ? times(k->hi, pow10_table[up]) : k->hi / pow10_table[-up] + (to.kind == k_dec);
    } else if (kind_is_float(from.kind) && kind_is_int(to.kind)) {
        *hi = k->largest < 1e30 ? (i128)k->largest : huge;
        *lo = -*hi;
    } else if (from.kind == k_date && to.kind == k_ts) {
        *lo = k->lo * 86400000;
        *hi = k->hi * 86400000;
    } else if (to.kind == k_clock) {
        *lo = 0;
        *hi = 86399999;
    } else if ((from.kind == k_ts || from.kind == k_ltz) && to.kind == k_date) {
        *lo = k->lo / 86400000 - 1;
        *hi = k->hi / 86400000;
    }
}

static void analyse_choice(struct expr *e, int first, int step)
{
    bool started = false;
    for (int i = 0; i < e->n; i++) {
        bool is_value = e->op != op_case || i % 2 == 1 || i == e->n - 1;
        if (i < first || (step > 1 && !is_value)) continue;
        i128 lo, hi;
        double largest;
        seen_as(e->kid[i], e->type, &lo, &hi, &largest);
        e->lo = !started || lo < e->lo ? lo : e->lo;
        e->hi = !started || hi > e->hi ? hi : e->hi;
        if (largest > e->largest) e->largest = largest;
        if (e->kid[i]->max_length > e->max_length) e->max_length = e->kid[i]->max_length;
        e->ascii = (!started || e->ascii) && e->kid[i]->ascii;
        started = true;
    }
}

static void analyse_cast(struct expr *e)
{
    struct expr *k = e->kid[0];
    i128 lo, hi;
    seen_as(k, e->type, &lo, &hi, &e->largest);
    if (k->type.kind == k_bool) lo = 0, hi = 1, e->largest = 1;
    bool failed_before = e->may_fail;
    if (kind_is_exact(e->type.kind)) {
        bounds(e, lo, hi);
    } else {
        e->lo = lo;
        e->hi = hi;
    }
    if (k->type.kind == k_str && e->type.kind != k_bytes) {
        e->may_fail = true;
        e->lo = e->type.kind == k_date ? -1000000
                : e->type.kind == k_ts ? -((i128)1 << 46)
                                       : type_min(e->type);
        e->hi = e->type.kind == k_date ? 1000000
                : e->type.kind == k_ts ? (i128)1 << 46
                                       : type_max(e->type);
        e->largest = 1e6;
    }
    if (e->type.kind == k_bool) e->lo = 0, e->hi = 1;
    if (e->op == op_try_cast) {
        e->not_null = e->not_null && !e->may_fail;
        e->may_fail = failed_before;
    }
    e->ascii = true;
    e->max_length = 50;
}

static void analyse_call(struct expr *e)
{
    const struct function *f = &functions[e->param];
    struct expr *a = e->kid[0];
    e->inexact |= f->inexact;
    e->largest = a->largest + 1;
    e->lo = f->lo;
    e->hi = f->hi;
    if (f->result == '=' && f->lo == f->hi) {
        e->lo = 0;
        e->hi = largest_of(a);
    } else if (f->hi == INT32_MAX) { /* TIMESTAMPDIFF in seconds: not all fit */
        bounds(e, (e->kid[1]->lo - a->hi) / 1000, (e->kid[1]->hi - a->lo) / 1000);
    } else if (f->result == 'r' || f->result == 'R') {
        int cut = a->type.s - e->type.s;
        bounds(e, a->lo / pow10_table[cut] - (cut > 0), a->hi / pow10_table[cut] + (cut > 0));
    } else if (f->result == 'w') {
        i128 unit = pow10_table[a->type.s];
        bounds(e, a->lo / unit - 1, a->hi / unit + 1);
    }
    int longest = 0;
    e->ascii = true;
    for (int i = 0; i < e->n; i++) {
        if (e->kid[i]->max_length > longest) longest = e->kid[i]->max_length;
        if (e->kid[i]->type.kind == k_str) e->ascii = e->ascii && e->kid[i]->ascii;
    }
    e->max_length = f->max_length < 0   ? longest * -f->max_length
                    : f->max_length > 0 ? f->max_length
                                        : longest;
}

void analyse(struct expr *e)
{
    e->may_fail = e->inexact = false;
    e->not_null = e->n > 0;
    e->largest = 0;
    e->max_length = 0;
    for (int i = 0; i < e->n; i++) {
        e->may_fail |= e->kid[i]->may_fail;
        e->inexact |= e->kid[i]->inexact;
        e->not_null &= e->kid[i]->not_null;
    }
    e->lo = 0;
    e->hi = 1;
    switch (e->op) {
    case op_add:
    case op_sub:
    case op_mul:
    case op_div:
    case op_mod:
    case op_neg: analyse_arithmetic(e); break;
    case op_case:
        analyse_choice(e, 0, 2);
        e->not_null = e->not_null && e->n % 2 == 1;
        break;
    case op_coalesce: analyse_choice(e, 0, 1); break;
    case op_nullif:
        e->lo = e->kid[0]->lo;
        e->hi = e->kid[0]->hi;
        e->largest = e->kid[0]->largest;
        e->ascii = e->kid[0]->ascii;
        e->max_length = e->kid[0]->max_length;
        e->not_null = false;
        break;
    case op_cast:
    case op_try_cast: analyse_cast(e); break;
    case op_call: analyse_call(e); break;
    case op_is_null:
    case op_is_not_null:
    case op_is_true:
    case op_is_not_true:
    case op_is_false:
    case op_is_distinct: e->not_null = true; break;
    default: break;
    }
}
