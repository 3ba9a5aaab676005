/* One value of a column as text. */
#include "host/format/show.h"

#include "runtime/column/text.h"

static int64_t integer(const struct weir_column *c, size_t row)
{
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_I8: return ((const int8_t *)c->values)[row];
    case WEIR_PHYS_I16: return ((const int16_t *)c->values)[row];
    case WEIR_PHYS_I32: return ((const int32_t *)c->values)[row];
    default: return ((const int64_t *)c->values)[row];
    }
}

static void show_bytes(struct weir_buf *out, struct weir_str s, bool hex)
{
    size_t want = hex ? 2 * (size_t)s.len + 3 : ((size_t)s.len + 2) / 3 * 4;
    if (!weir_buf_reserve(out, want)) return;
    char *p = out->data + out->len;
    if (hex) {
        static const char digits[] = "0123456789abcdef";
        *p++ = 'x';
        *p++ = '\'';
        for (uint32_t i = 0; i < s.len; i++) {
            *p++ = digits[(unsigned char)s.data[i] >> 4];
            *p++ = digits[(unsigned char)s.data[i] & 15];
        }
        *p++ = '\'';
    } else {
        weir_text_format_base64(p, (const unsigned char *)s.data, s.len);
    }
    out->len += want;
    out->data[out->len] = 0;
}

/* Everything that is short; returns how many bytes. */
static size_t show_short(char *p, const struct weir_column *c, size_t row, int flags)
{
    char sep = flags & WEIR_SHOW_ISO ? 'T' : ' ';
    struct weir_type t = c->type;
    switch ((enum weir_type_id)t.id) {
    case WEIR_TYPE_FLOAT: return weir_text_format_float(p, ((const float *)c->values)[row]);
    case WEIR_TYPE_DOUBLE: return weir_text_format_double(p, ((const double *)c->values)[row]);
    case WEIR_TYPE_DECIMAL: {
        bool wide = weir_type_phys(t) == WEIR_PHYS_I128;
        weir_i128 v = wide ? ((const weir_i128 *)c->values)[row] : integer(c, row);
        return weir_text_format_decimal(p, v, t.scale);
    }
    case WEIR_TYPE_DATE: return weir_text_format_date(p, (int32_t)integer(c, row));
    case WEIR_TYPE_TIME: return weir_text_format_time(p, integer(c, row), 3, t.precision);
    case WEIR_TYPE_TIMESTAMP:
        return weir_text_format_timestamp(p, integer(c, row), 6, t.precision, sep, false);
    case WEIR_TYPE_TIMESTAMP_LTZ:
        return weir_text_format_timestamp(p, integer(c, row), 6, t.precision, sep,
                                          flags & WEIR_SHOW_ISO);
    default: return weir_text_format_int(p, integer(c, row));
    }
}

void weir_show_value(struct weir_buf *out, const struct weir_column *c, size_t row, int flags)
{
    if (weir_type_is_text(c->type)) {
        struct weir_str s = weir_column_str(c, row);
        weir_buf_add(out, s.data, s.len);
    } else if (weir_type_is_bytes(c->type)) {
        show_bytes(out, weir_column_str(c, row), flags & WEIR_SHOW_HEX);
    } else if (c->type.id == WEIR_TYPE_BOOLEAN) {
        bool v = weir_bit(c->values, row), upper = flags & WEIR_SHOW_UPPER_BOOL;
        weir_buf_puts(out, upper ? (v ? "TRUE" : "FALSE") : v ? "true" : "false");
    } else if (weir_buf_reserve(out, WEIR_TEXT_MAX)) {
        out->len += show_short(out->data + out->len, c, row, flags);
        out->data[out->len] = 0;
    }
}
