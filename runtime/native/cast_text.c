/* Casts from and to text and bytes, with the parsers and printers of runtime/column/text.h. */
#include <string.h>

#include "kernels/common/date.h"
#include "kernels/common/str.h"
#include "runtime/column/text.h"
#include "runtime/native/cast.h"

/* ---- from text ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct weir_str trim(struct weir_str s)
{
    while (s.len && is_blank(s.data[0])) s.data++, s.len--;
    while (s.len && is_blank(s.data[s.len - 1])) s.len--;
    return s;
}

static int parse_date(struct weir_str s, int32_t *out)
{
    int64_t us;
    if (!weir_text_parse_date(s.data, s.len, out)) return WEIR_TEXT_OK;
    int rc = weir_text_parse_timestamp(s.data, s.len, 6, false, &us);
    if (!rc) *out = (int32_t)wk_floor_div(us, WK_US_DAY);
    return rc;
}

static int parse_time(struct weir_str s, struct weir_type t, int32_t *out)
{
    int64_t v;
    int rc = weir_text_parse_time(s.data, s.len, 3, &v);
    if (!rc) *out = (int32_t)(v - v % cast_time_unit(t));
    return rc;
}

/* One text to row I of OUT. */
static int parse(struct weir_str s, const struct weir_type *t, void *out, uint32_t i)
{
    int64_t x = 0;
    weir_i128 wide = 0;
    bool b = false;
    int rc;
    s = trim(s);
    switch (t->id) {
    case WEIR_TYPE_BOOLEAN:
        rc = weir_text_parse_bool(s.data, s.len, &b);
        ((uint8_t *)out)[i] = b;
        return rc;
    case WEIR_TYPE_TINYINT:
        rc = weir_text_cast_int(s.data, s.len, 8, &x);
        ((int8_t *)out)[i] = (int8_t)x;
        return rc;
    case WEIR_TYPE_SMALLINT:
        rc = weir_text_cast_int(s.data, s.len, 16, &x);
        ((int16_t *)out)[i] = (int16_t)x;
        return rc;
    case WEIR_TYPE_INT:
        rc = weir_text_cast_int(s.data, s.len, 32, &x);
        ((int32_t *)out)[i] = (int32_t)x;
        return rc;
    case WEIR_TYPE_BIGINT: return weir_text_cast_int(s.data, s.len, 64, (int64_t *)out + i);
    case WEIR_TYPE_FLOAT: return weir_text_parse_float(s.data, s.len, (float *)out + i);
    case WEIR_TYPE_DOUBLE: return weir_text_parse_double(s.data, s.len, (double *)out + i);
    case WEIR_TYPE_DECIMAL:
        rc = weir_text_parse_decimal(s.data, s.len, t->precision, t->scale, &wide);
        if (weir_type_phys(*t) == WEIR_PHYS_I64)
            ((int64_t *)out)[i] = (int64_t)wide;
        else
            ((weir_i128 *)out)[i] = wide;
        return rc;
    case WEIR_TYPE_DATE: return parse_date(s, (int32_t *)out + i);
    case WEIR_TYPE_TIME: return parse_time(s, *t, (int32_t *)out + i);
    default:
        rc = weir_text_parse_timestamp(s.data, s.len, t->precision,
                                       t->id == WEIR_TYPE_TIMESTAMP_LTZ, &x);
        if (!rc && __builtin_mul_overflow(x, (int64_t)weir_pow10_i128[6 - t->precision],
                                          (int64_t *)out + i))
            rc = WEIR_TEXT_RANGE;
        return rc;
    }
}

CAST_HEAD(cast_parse)
{
    (void)ev;
    const struct weir_str *in = a[0]->data;
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) continue;
        int rc = parse(in[i], &op->insn->type, out->data, i);
        if (rc) cast_fail(out, own_st, n, i, rc == WEIR_TEXT_RANGE ? WK_ERR_OVERFLOW : WK_ERR_CAST);
    }
    return WEIR_OK;
}

eval_fn cast_from_text(struct weir_type from, struct weir_type to, bool *lossy)
{
    *lossy = true;
    if (!weir_type_is_text(from) || weir_type_phys(to) == WEIR_PHYS_STR) return NULL;
    return to.id == WEIR_TYPE_NULL || weir_type_is_interval(to) ? NULL : cast_parse;
}

/* ---- to text ---- */

/* Make S fit T: at most T.length characters (bytes for BINARY), exactly so many for CHAR and
   BINARY. */
static bool fit(struct weir_eval *ev, struct weir_type t, struct weir_str *s)
{
    bool bytes = weir_type_is_bytes(t);
    bool pad = t.id == WEIR_TYPE_CHAR || t.id == WEIR_TYPE_BINARY;
    if (s->len <= t.length && !pad) return true; /* no more characters than bytes */
    const uint8_t *p = (const uint8_t *)s->data;
    uint32_t at = 0, chars = 0;
    while (at < s->len && chars < t.length) {
        at += bytes ? 1 : wk_utf8_size(p + at, s->len - at);
        chars++;
    }
    s->len = at;
    if (!pad || chars == t.length) return true;
    size_t missing = t.length - chars;
    char *copy = missing < INT32_MAX - at ? weir_eval_scratch(ev, at + missing) : NULL;
    if (!copy) return false;
    memcpy(copy, s->data, at);
    memset(copy + at, bytes ? 0 : ' ', missing);
    *s = (struct weir_str){copy, (uint32_t)(at + missing)};
    return true;
}

static size_t print(const struct weir_vec *v, uint32_t i, char *buf)
{
    struct weir_value x = weir_vec_value(v, i);
    struct weir_type t = v->type;
    switch (t.id) {
    case WEIR_TYPE_BOOLEAN: memcpy(buf, x.b ? "TRUE" : "FALSE", 5); return x.b ? 4 : 5;
    case WEIR_TYPE_FLOAT: return weir_text_format_float(buf, (float)x.f);
    case WEIR_TYPE_DOUBLE: return weir_text_format_double(buf, x.f);
    case WEIR_TYPE_DECIMAL:
        return weir_text_format_decimal(
            buf, weir_type_phys(t) == WEIR_PHYS_I128 ? x.x : (weir_i128)x.i, t.scale);
    case WEIR_TYPE_DATE: return weir_text_format_date(buf, (int32_t)x.i);
    case WEIR_TYPE_TIME:
        return weir_text_format_time(buf, x.i, 3, t.precision < 3 ? t.precision : 3);
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ:
        return weir_text_format_timestamp(buf, x.i, 6, t.precision, ' ', false);
    default: return weir_text_format_int(buf, x.i);
    }
}

CAST_HEAD(cast_print)
{
    struct weir_str *r = out->data;
    bool text = weir_type_phys(op->in[0]) == WEIR_PHYS_STR;
    char *buf = NULL;
    size_t left = 0;
    out->st = eval_strict(1, a, n, own_st);
    for (uint32_t i = 0; i < n; i++) {
        if (out->st && out->st[i]) {
            r[i] = (struct weir_str){"", 0};
            continue;
        }
        if (!text && left < WEIR_TEXT_MAX) {
            left = (size_t)(n - i) * 16 + WEIR_TEXT_MAX;
            buf = weir_eval_scratch(ev, left);
            if (!buf) return WEIR_ERR_NOMEM;
        }
        struct weir_str s;
        if (text) {
            s = ((const struct weir_str *)a[0]->data)[i];
        } else {
            s = (struct weir_str){buf, (uint32_t)print(a[0], i, buf)};
            buf += s.len;
            left -= s.len;
        }
        if (!fit(ev, op->insn->type, &s)) cast_fail(out, own_st, n, i, WK_ERR_NOMEM);
        r[i] = s;
    }
    return WEIR_OK;
}

eval_fn cast_to_text(struct weir_type from, struct weir_type to, bool *lossy)
{
    (void)lossy;
    bool from_str = weir_type_phys(from) == WEIR_PHYS_STR;
    if (weir_type_phys(to) != WEIR_PHYS_STR || weir_type_is_interval(from)) return NULL;
    return from_str || weir_type_is_text(to) ? cast_print : NULL;
}
