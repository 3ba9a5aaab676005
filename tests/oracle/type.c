/* Types and values of the random tester; see type.h. */

#include "type.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool kind_is_int(enum kind k)
{
    return k >= k_i8 && k <= k_i64;
}

bool kind_is_float(enum kind k)
{
    return k == k_f32 || k == k_f64;
}

bool kind_is_exact(enum kind k)
{
    return kind_is_int(k) || k == k_dec;
}

bool kind_is_numeric(enum kind k)
{
    return kind_is_exact(k) || kind_is_float(k);
}

bool kind_has_bytes(enum kind k)
{
    return k == k_str || k == k_bytes;
}

bool type_equal(struct type a, struct type b)
{
    return a.kind == b.kind && a.p == b.p && a.s == b.s;
}

struct type type_of(enum kind k)
{
    return (struct type){.kind = k};
}

struct type type_decimal(int p, int s)
{
    return (struct type){k_dec, p, s};
}

void type_print(struct text *t, struct type type)
{
    static const char *const names[] = {
        "BOOLEAN", "TINYINT", "SMALLINT", "INT",          "BIGINT",           "FLOAT",   "DOUBLE",
        NULL,      "STRING",  "DATE",     "TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "TIME(3)", "BYTES"};
    if (type.kind == k_dec) {
        text_printf(t, "DECIMAL(%d, %d)", type.p, type.s);
    } else {
        text_add(t, names[type.kind]);
    }
}

i128 type_max(struct type t)
{
    switch (t.kind) {
    case k_i8: return INT8_MAX;
    case k_i16: return INT16_MAX;
    case k_i32: return INT32_MAX;
    case k_i64: return INT64_MAX;
    case k_dec: return pow10_table[t.p] - 1;
    default: return 1;
    }
}

i128 type_min(struct type t)
{
    return t.kind == k_dec ? -type_max(t) : kind_is_int(t.kind) ? -type_max(t) - 1 : 0;
}

struct type as_decimal(struct type t)
{
    static const int digits[] = {[k_i8] = 3, [k_i16] = 5, [k_i32] = 10, [k_i64] = 19};
    return t.kind == k_dec ? t : type_decimal(digits[t.kind], 0);
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static struct type adjusted(int p, int s)
{
    if (p <= 38) return type_decimal(p, s);
    return type_decimal(38, max_int(38 - (p - s), min_int(s, 6)));
}

static struct type decimal_arithmetic_type(enum arithmetic op, struct type ta, struct type tb)
{
    struct type a = as_decimal(ta), b = as_decimal(tb);
    int scale = max_int(a.s, b.s), whole = max_int(a.p - a.s, b.p - b.s);
    switch (op) {
    case ar_mul: return adjusted(a.p + b.p + 1, a.s + b.s);
    case ar_div: scale = max_int(6, a.s + b.p + 1); return adjusted(a.p - a.s + b.s + scale, scale);
    case ar_mod:
        if (a.s == 0 && b.s == 0) return tb;
        return adjusted(min_int(a.p - a.s, b.p - b.s) + scale, scale);
    default: return adjusted(whole + scale + 1, scale);
    }
}

struct type arithmetic_type(enum arithmetic op, struct type a, struct type b)
{
    if (kind_is_float(a.kind) || kind_is_float(b.kind)) {
        bool wide = a.kind == k_f64 || b.kind == k_f64 || a.kind == k_dec || b.kind == k_dec;
        return type_of(wide ? k_f64 : k_f32);
    }
    if (a.kind == k_dec || b.kind == k_dec) return decimal_arithmetic_type(op, a, b);
    if (op == ar_mod) return b;
    return a.kind > b.kind ? a : b;
}

bool common_type(struct type a, struct type b, struct type *out)
{
    *out = a;
    if (type_equal(a, b)) return true;
    if (a.kind > b.kind) return common_type(b, a, out);
    if (!kind_is_numeric(a.kind) || !kind_is_numeric(b.kind)) {
        *out = b;
        return a.kind == k_date && b.kind == k_ts;
    }
    if (b.kind != k_dec) {
        *out = b;
        return true;
    }
    if (kind_is_float(a.kind)) {
        *out = type_of(k_f64);
        return true;
    }
    struct type d = as_decimal(a);
    int scale = max_int(d.s, b.s), whole = max_int(d.p - d.s, b.p - b.s);
    *out = type_decimal(min_int(whole + scale, 38), scale);
    return whole + scale <= 38;
}

struct type aggregate_type(enum aggregate a, struct type argument)
{
    switch (a) {
    case agg_count: return type_of(k_i64);
    case agg_sum: return argument.kind == k_dec ? type_decimal(38, argument.s) : argument;
    case agg_avg:
        return argument.kind == k_dec ? type_decimal(38, max_int(6, argument.s)) : argument;
    case agg_min:
    case agg_max: return argument;
    default: return type_of(k_f64);
    }
}

static void print_float(struct text *t, double d)
{
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%.17g", d);
    char *e = strchr(buffer, 'e');
    text_add(t, buffer);
    if (!e && isfinite(d)) text_add(t, "E0");
}

void value_show(struct text *t, struct type type, const struct value *v)
{
    if (v->null) {
        text_add(t, "NULL");
        return;
    }
    switch (type.kind) {
    case k_bool: text_add(t, v->x ? "TRUE" : "FALSE"); break;
    case k_f32:
    case k_f64: print_float(t, v->d); break;
    case k_dec: text_decimal(t, v->x, type.s); break;
    case k_str: text_quoted(t, v->s, v->length); break;
    case k_date: text_date(t, (int64_t)v->x); break;
    case k_ts:
    case k_ltz: text_timestamp(t, (int64_t)v->x); break;
    case k_clock: text_clock(t, (int64_t)v->x); break;
    case k_bytes: text_hex(t, v->s, v->length); break;
    default: text_i128(t, v->x);
    }
}

/* Does the plain literal of V have the type already? */
static bool is_natural(struct type type, const struct value *v)
{
    if (v->null) return false;
    switch (type.kind) {
    case k_i32: return true;
    case k_i64: return v->x > INT32_MAX || v->x < INT32_MIN;
    case k_bool:
    case k_f64:
    case k_str:
    case k_date:
    case k_clock:
    case k_ts: return true;
    case k_dec: {
        int digits = 1;
        while (digits < 38 && i128_abs(v->x) >= pow10_table[digits]) digits++;
        return type.s > 0 && max_int(digits, type.s) == type.p;
    }
    default: return false;
    }
}

void value_print(struct text *t, struct type type, const struct value *v)
{
    static const char *const prefix[k_count] = {[k_date] = "DATE '",
                                                [k_ts] = "TIMESTAMP '",
                                                [k_ltz] = "TIMESTAMP '",
                                                [k_clock] = "TIME '",
                                                [k_bytes] = "x'"};
    const char *before = v->null ? NULL : prefix[type.kind];
    bool natural = is_natural(type, v), negative = !v->null && !before && (v->x < 0 || v->d < 0);
    if (!natural) text_add(t, "CAST(");
    if (natural && negative) text_add(t, "(");
    if (before) text_add(t, before);
    value_show(t, type, v);
    if (before) text_add(t, "'");
    if (natural && negative) text_add(t, ")");
    if (natural) return;
    text_add(t, " AS ");
    type_print(t, type);
    text_add(t, ")");
}
