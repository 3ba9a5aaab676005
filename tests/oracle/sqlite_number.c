/* Arithmetic, comparison, logic and casts of numbers for SQLite; see sqlite_functions.h. */

#include "sqlite_functions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool saw_nan;

bool is_failure(sqlite3_value *v)
{
    return sqlite3_value_type(v) == SQLITE_BLOB && sqlite3_value_bytes(v) == 1;
}

void result_failure(sqlite3_context *c)
{
    sqlite3_result_blob(c, "!", 1, SQLITE_STATIC);
}

i128 decimal_of_blob(const unsigned char *bytes)
{
    u128 v = 0;
    for (int i = 0; i < 16; i++) v = v << 8 | bytes[i];
    return (i128)(v ^ (u128)1 << 127);
}

i128 get_decimal(sqlite3_value *v)
{
    if (sqlite3_value_type(v) == SQLITE_INTEGER) return sqlite3_value_int64(v);
    if (sqlite3_value_type(v) != SQLITE_BLOB || sqlite3_value_bytes(v) != 16) return 0;
    return decimal_of_blob(sqlite3_value_blob(v));
}

void result_decimal(sqlite3_context *c, i128 value)
{
    unsigned char bytes[16];
    u128 v = (u128)value ^ (u128)1 << 127;
    for (int i = 15; i >= 0; i--, v >>= 8) bytes[i] = (unsigned char)v;
    sqlite3_result_blob(c, bytes, 16, SQLITE_TRANSIENT);
}

bool strict(sqlite3_context *c, int n, sqlite3_value **v)
{
    bool null = false;
    for (int i = 0; i < n; i++) {
        if (is_failure(v[i])) {
            result_failure(c);
            return true;
        }
        null |= sqlite3_value_type(v[i]) == SQLITE_NULL;
    }
    if (null) sqlite3_result_null(c);
    return null;
}

/* ---- 256-bit helpers ---- */

struct wide {
    u128 high, low;
};

static struct wide wide_product(u128 a, u128 b)
{
    u128 mask = ~(uint64_t)0, a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
    u128 low = a0 * b0, middle = a1 * b0 + (low >> 64), other = a0 * b1 + (middle & mask);
    return (struct wide){a1 * b1 + (middle >> 64) + (other >> 64), other << 64 | (low & mask)};
}

/* W / D by shift and subtract; false: the quotient needs more than 128 bits. */
static bool wide_divide(struct wide w, u128 d, u128 *quotient, u128 *remainder)
{
    if (w.high >= d) return false;
    u128 r = w.high, q = 0;
    for (int i = 127; i >= 0; i--) {
        bool carry = r >> 127;
        r = r << 1 | (w.low >> i & 1);
        q <<= 1;
        if (carry || r >= d) {
            r -= d;
            q |= 1;
        }
    }
    *quotient = q;
    *remainder = r;
    return true;
}

static u128 magnitude(i128 v)
{
    return v < 0 ? -(u128)v : (u128)v;
}

/* n / d rounded; the sign is the caller's. */
static bool rounded(struct wide n, u128 d, bool cut, u128 *out)
{
    u128 q, r;
    if (!wide_divide(n, d, &q, &r)) return false;
    if (!cut && r >= d - r) q++;
    *out = q;
    return q < (u128)pow10_table[38];
}

bool scaled_quotient(i128 numerator, int shift, i128 denominator, bool cut, i128 *out)
{
    struct wide n = {0, magnitude(numerator)};
    u128 d = magnitude(denominator), q;
    if (shift >= 0) {
        if (shift > 38) return false;
        n = wide_product(n.low, (u128)pow10_table[shift]);
    } else {
        struct wide scaled = wide_product(d, (u128)pow10_table[-shift]);
        if (scaled.high) {
            *out = 0; /* the quotient is below 10^-1 */
            return true;
        }
        d = scaled.low;
    }
    if (!rounded(n, d, cut, &q)) return false;
    *out = (numerator < 0) != (denominator < 0) ? -(i128)q : (i128)q;
    return true;
}

/* V from one scale to another, rounded half away from zero; false: more than P digits. */
static bool rescale(i128 v, int from, int to, int p, i128 *out)
{
    if (!scaled_quotient(v, to - from, 1, false, out)) return false;
    return i128_abs(*out) < pow10_table[p];
}

/* ---- integers ---- */

static bool in_bits(i128 v, int bits)
{
    i128 top = (i128)1 << (bits - 1);
    return v >= -top && v < top;
}

static void w_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    const char *op = (const char *)sqlite3_value_text(v[0]);
    i128 a = sqlite3_value_int64(v[1]), b = sqlite3_value_int64(v[2]), r = 0;
    int bits = sqlite3_value_int(v[3]);
    if ((*op == '/' || *op == '%' || *op == 'f') && b == 0) {
        result_failure(c);
        return;
    }
    switch (*op) {
    case '+': r = a + b; break;
    case '-': r = a - b; break;
    case '*': r = a * b; break;
    case '/': r = a / b; break;
    case '%': r = a % b; break;
    default: r = a / b - (a % b != 0 && (a < 0) != (b < 0));
    }
    if (!in_bits(r, bits) && sqlite3_value_int(v[4])) {
        r = bits == 64 ? (i128)(int64_t)r : (r & (((i128)1 << bits) - 1));
        if (!in_bits(r, bits)) r -= (i128)1 << bits;
    }
    if (in_bits(r, bits)) {
        sqlite3_result_int64(c, (int64_t)r);
    } else {
        result_failure(c);
    }
}

static void put_int(sqlite3_context *c, i128 v, sqlite3_value *bits, sqlite3_value *try)
{
    if (in_bits(v, sqlite3_value_int(bits))) {
        sqlite3_result_int64(c, (int64_t)v);
    } else if (!sqlite3_value_int(try)) {
        result_failure(c);
    }
}

static void w_int_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v)) put_int(c, sqlite3_value_int64(v[0]), v[2], v[3]);
}

static void w_dec_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v))
        put_int(c, get_decimal(v[0]) / pow10_table[sqlite3_value_int(v[1])], v[2], v[3]);
}

static void w_float_int(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    double d = trunc(sqlite3_value_double(v[0]));
    put_int(c, fabs(d) < 1e30 ? (i128)d : (i128)1 << 100, v[2], v[3]);
}

static void w_floor_div(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v))
        sqlite3_result_int64(c, floor_div(sqlite3_value_int64(v[0]), sqlite3_value_int64(v[1])));
}

static void w_floor_mod(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t a = sqlite3_value_int64(v[0]), b = sqlite3_value_int64(v[1]);
    sqlite3_result_int64(c, a - floor_div(a, b) * b);
}

/* The begin of the window that a time lies in. */
static void w_window(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t time = sqlite3_value_int64(v[0]), size = sqlite3_value_int64(v[1]);
    sqlite3_result_int64(c, floor_div(time, size) * size);
}

/* The same with the mistake of fault_windows_round_to_zero. */
static void w_window_zero(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t time = sqlite3_value_int64(v[0]), size = sqlite3_value_int64(v[1]);
    sqlite3_result_int64(c, time / size * size);
}

/* ---- decimals ---- */

static void put_decimal(sqlite3_context *c, bool fits, i128 v, int p)
{
    if (fits && i128_abs(v) < pow10_table[p]) {
        result_decimal(c, v);
    } else {
        result_failure(c);
    }
}

static bool decimal_sum(i128 a, int sa, i128 b, int sb, int scale, bool minus, i128 *out)
{
    i128 left, right;
    if (!rescale(a, sa, scale, 38, &left) || !rescale(b, sb, scale, 38, &right)) return false;
    return !(minus ? __builtin_sub_overflow(left, right, out)
                   : __builtin_add_overflow(left, right, out));
}

static bool decimal_product(i128 a, i128 b, int cut_digits, bool cut, i128 *out)
{
    struct wide product = wide_product(magnitude(a), magnitude(b));
    u128 q, r;
    if (cut_digits > 38) { /* what this drops cannot change which side of a half the rest is on */
        if (!wide_divide(product, (u128)pow10_table[38], &q, &r)) return false;
        product = (struct wide){0, q};
        cut_digits -= 38;
    }
    if (!rounded(product, (u128)pow10_table[cut_digits], cut, &q)) return false;
    *out = (a < 0) != (b < 0) ? -(i128)q : (i128)q;
    return true;
}

static bool decimal_remainder(i128 a, int sa, i128 b, int sb, i128 *out)
{
    int scale = sa > sb ? sa : sb;
    struct wide n = wide_product(magnitude(a), (u128)pow10_table[scale - sa]);
    struct wide d = wide_product(magnitude(b), (u128)pow10_table[scale - sb]);
    if (d.high) { /* then sa = scale, and |a| < |b| */
        *out = a;
        return true;
    }
    /* n mod d without a quotient of 128 bits: reduce the high half first. */
    u128 q, r;
    n.high %= d.low;
    if (!wide_divide(n, d.low, &q, &r)) return false;
    *out = a < 0 ? -(i128)r : (i128)r;
    return true;
}

/* w_decimal(op, a, sa, b, sb, p, s, cut) */
static void w_decimal(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    char op = (char)*sqlite3_value_text(v[0]);
    i128 a = get_decimal(v[1]), b = get_decimal(v[3]), r = 0;
    int sa = sqlite3_value_int(v[2]), sb = sqlite3_value_int(v[4]);
    int p = sqlite3_value_int(v[5]), s = sqlite3_value_int(v[6]);
    bool fits = false, cut = sqlite3_value_int(v[7]);
    if ((op == '/' || op == '%') && b == 0) {
        result_failure(c);
        return;
    }
    switch (op) {
    case '+':
    case '-': fits = decimal_sum(a, sa, b, sb, s, op == '-', &r); break;
    case '*': fits = decimal_product(a, b, sa + sb - s, cut, &r); break;
    case '/': fits = scaled_quotient(a, s - sa + sb, b, false, &r); break;
    default: fits = decimal_remainder(a, sa, b, sb, &r);
    }
    put_decimal(c, fits, r, p);
}

/* w_dec(x, from scale, p, s, try): x is an integer or a decimal */
static void w_dec(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    i128 r;
    int p = sqlite3_value_int(v[2]);
    bool fits = rescale(get_decimal(v[0]), sqlite3_value_int(v[1]), sqlite3_value_int(v[3]), p, &r);
    if (fits) {
        result_decimal(c, r);
    } else if (!sqlite3_value_int(v[4])) {
        result_failure(c);
    }
}

static void w_dec_float(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    struct text t = {0};
    text_decimal(&t, get_decimal(v[0]), sqlite3_value_int(v[1]));
    bool narrow = sqlite3_value_int(v[2]) == 32;
    sqlite3_result_double(c, narrow ? (double)strtof(t.data, NULL) : strtod(t.data, NULL));
    text_free(&t);
}

static void w_dabs(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v)) result_decimal(c, i128_abs(get_decimal(v[0])));
}

/* w_dround(x, scale, digits to keep, how): floor, ceil or half away from zero */
static void w_dround(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int cut = sqlite3_value_int(v[1]) - sqlite3_value_int(v[2]);
    i128 x = get_decimal(v[0]), unit = pow10_table[cut > 0 ? cut : 0], q = x / unit, r = x % unit;
    char how = (char)*sqlite3_value_text(v[3]);
    if (how == 'c' && r > 0) q++;
    if (how == 'f' && r < 0) q--;
    if (how == 'h' && i128_abs(r) >= unit - i128_abs(r) && r != 0) q += r > 0 ? 1 : -1;
    result_decimal(c, q);
}

static int compare_decimals(i128 a, int sa, i128 b, int sb)
{
    i128 whole_a = a / pow10_table[sa], whole_b = b / pow10_table[sb];
    if (whole_a != whole_b) return whole_a < whole_b ? -1 : 1;
    /* The fractions, below 10^38 in size, at the larger scale. */
    int scale = sa > sb ? sa : sb;
    i128 fa = a % pow10_table[sa] * pow10_table[scale - sa],
         fb = b % pow10_table[sb] * pow10_table[scale - sb];
    return fa < fb ? -1 : fa > fb;
}

static bool test_order(const char *op, int order)
{
    if (strcmp(op, "=") == 0) return order == 0;
    if (strcmp(op, "<>") == 0 || strcmp(op, "is not") == 0) return order != 0;
    if (strcmp(op, "<") == 0) return order < 0;
    if (strcmp(op, "<=") == 0) return order <= 0;
    if (strcmp(op, ">") == 0) return order > 0;
    return order >= 0;
}

static void w_dec_compare(sqlite3_context *c, int n, sqlite3_value **v)
{
    const char *op = (const char *)sqlite3_value_text(v[0]);
    bool null_a = sqlite3_value_type(v[1]) == SQLITE_NULL,
         null_b = sqlite3_value_type(v[3]) == SQLITE_NULL;
    if (strcmp(op, "is not") == 0 && (null_a || null_b)) {
        sqlite3_result_int(c, null_a != null_b);
        return;
    }
    if (strict(c, n, v)) return;
    int order = compare_decimals(get_decimal(v[1]), sqlite3_value_int(v[2]), get_decimal(v[3]),
                                 sqlite3_value_int(v[4]));
    sqlite3_result_int(c, test_order(op, order));
}

/* ---- floats ---- */

static void w_float(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    double a = sqlite3_value_double(v[1]), b = sqlite3_value_double(v[2]), r;
    switch (*sqlite3_value_text(v[0])) {
    case '+': r = a + b; break;
    case '-': r = a - b; break;
    case '*': r = a * b; break;
    default: r = a / b;
    }
    if (isnan(r)) saw_nan = true;
    sqlite3_result_double(c, sqlite3_value_int(v[3]) == 32 ? (double)(float)r : r);
}

static void w_f32(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    bool whole = sqlite3_value_type(v[0]) == SQLITE_INTEGER;
    float f = whole ? (float)sqlite3_value_int64(v[0]) : (float)sqlite3_value_double(v[0]);
    sqlite3_result_double(c, (double)f);
}

static void w_f64(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (!strict(c, n, v)) sqlite3_result_double(c, sqlite3_value_double(v[0]));
}

static void w_sign(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    double d = sqlite3_value_double(v[0]);
    sqlite3_result_double(c, d > 0 ? 1 : d < 0 ? -1 : 0);
}

static void w_isign(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    int64_t x = sqlite3_value_int64(v[0]);
    sqlite3_result_int(c, x > 0 ? 1 : x < 0 ? -1 : 0);
}

static void w_math(sqlite3_context *c, int n, sqlite3_value **v)
{
    static const struct {
        const char *name;
        double (*function)(double);
    } table[] = {{"floor", floor}, {"ceil", ceil}, {"sqrt", sqrt}, {"exp", exp},   {"log", log},
                 {"log10", log10}, {"log2", log2}, {"tan", tan},   {"asin", asin}, {"acos", acos},
                 {"sinh", sinh},   {"cosh", cosh}, {"tanh", tanh}, {"cbrt", cbrt}, {"atan", atan},
                 {"sin", sin},     {"cos", cos}};
    if (strict(c, n, v)) return;
    const char *name = (const char *)sqlite3_value_text(v[0]);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0)
            sqlite3_result_double(c, table[i].function(sqlite3_value_double(v[1])));
}

/* ---- failures among logic ---- */

static void w_compare(sqlite3_context *c, int n, sqlite3_value **v)
{
    if (strict(c, n, v)) return;
    const char *op = (const char *)sqlite3_value_text(v[0]);
    int order;
    if (sqlite3_value_type(v[1]) == SQLITE_BLOB || sqlite3_value_type(v[1]) == SQLITE_TEXT) {
        int la = sqlite3_value_bytes(v[1]), lb = sqlite3_value_bytes(v[2]);
        order =
            memcmp(sqlite3_value_blob(v[1]), sqlite3_value_blob(v[2]), (size_t)(la < lb ? la : lb));
        if (order == 0) order = la - lb;
    } else if (sqlite3_value_type(v[1]) == SQLITE_INTEGER &&
               sqlite3_value_type(v[2]) == SQLITE_INTEGER) {
        int64_t a = sqlite3_value_int64(v[1]), b = sqlite3_value_int64(v[2]);
        order = a < b ? -1 : a > b;
    } else {
        double a = sqlite3_value_double(v[1]), b = sqlite3_value_double(v[2]);
        order = a < b ? -1 : a > b;
    }
    sqlite3_result_int(c, test_order(op, order));
}

/* A value that decides AND (FALSE) or OR (TRUE) wins over a failure, a failure over NULL. */
static void w_logic(sqlite3_context *c, int n, sqlite3_value **v)
{
    bool decisive = *sqlite3_value_text(v[0]) == 'O', failure = false, null = false;
    for (int i = 1; i < n; i++) {
        if (is_failure(v[i])) {
            failure = true;
        } else if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            null = true;
        } else if ((sqlite3_value_int(v[i]) != 0) == decisive) {
            sqlite3_result_int(c, decisive);
            return;
        }
    }
    if (failure) {
        result_failure(c);
    } else if (!null) {
        sqlite3_result_int(c, !decisive);
    }
}

static void w_test(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    const char *test = (const char *)sqlite3_value_text(v[0]);
    if (is_failure(v[1])) {
        result_failure(c);
        return;
    }
    bool null = sqlite3_value_type(v[1]) == SQLITE_NULL,
         true_ = !null && sqlite3_value_int(v[1]) != 0;
    if (strcmp(test, "not") == 0) {
        if (!null) sqlite3_result_int(c, !true_);
        return;
    }
    bool r = strcmp(test, "is null") == 0       ? null
             : strcmp(test, "is not null") == 0 ? !null
             : strcmp(test, "is true") == 0     ? true_
             : strcmp(test, "is not true") == 0 ? !true_
                                                : !null && !true_;
    sqlite3_result_int(c, r);
}

static void w_select(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (is_failure(v[0])) {
        result_failure(c);
        return;
    }
    bool yes = sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_int(v[0]) != 0;
    sqlite3_result_value(c, v[yes ? 1 : 2]);
}

static void w_coalesce(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_value(c, v[sqlite3_value_type(v[0]) == SQLITE_NULL ? 1 : 0]);
}

static void w_chk(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (is_failure(v[0])) {
        sqlite3_result_error(c, "overflow, division by zero or bad cast", -1);
    } else {
        sqlite3_result_value(c, v[0]);
    }
}

/* Not called deterministic, or SQLite would check what is constant once, even where no row asks. */
static int register_check(sqlite3 *db)
{
    return sqlite3_create_function(db, "w_chk", 1, SQLITE_UTF8, NULL, w_chk, NULL, NULL);
}

int register_entries(sqlite3 *db, const struct function_entry *entries, size_t count)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC, code = SQLITE_OK;
    for (size_t i = 0; i < count && code == SQLITE_OK; i++)
        code = sqlite3_create_function(db, entries[i].name, entries[i].arguments, flags, NULL,
                                       entries[i].call, NULL, NULL);
    return code;
}

int register_number_functions(sqlite3 *db)
{
    static const struct function_entry entries[] = {
        {"w_int", 5, w_int},
        {"w_int_int", 4, w_int_int},
        {"w_dec_int", 4, w_dec_int},
        {"w_float_int", 4, w_float_int},
        {"w_floor_div", 2, w_floor_div},
        {"w_floor_mod", 2, w_floor_mod},
        {"w_window", 2, w_window},
        {"w_window_zero", 2, w_window_zero},
        {"w_decimal", 8, w_decimal},
        {"w_dec", 5, w_dec},
        {"w_dec_float", 3, w_dec_float},
        {"w_dabs", 1, w_dabs},
        {"w_dround", 4, w_dround},
        {"w_dec_compare", 5, w_dec_compare},
        {"w_float", 4, w_float},
        {"w_f32", 1, w_f32},
        {"w_f64", 1, w_f64},
        {"w_sign", 1, w_sign},
        {"w_isign", 1, w_isign},
        {"w_math", 2, w_math},
        {"w_compare", 3, w_compare},
        {"w_logic", 3, w_logic},
        {"w_test", 2, w_test},
        {"w_select", 3, w_select},
        {"w_coalesce", 2, w_coalesce},
    };
    int code = register_entries(db, entries, sizeof entries / sizeof *entries);
    return code == SQLITE_OK ? register_check(db) : code;
}
