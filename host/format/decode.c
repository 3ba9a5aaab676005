/* From the text of a field to a value of a column, and the message when it is none. */
#include "host/format/decode.h"

#include <stdio.h>
#include <string.h>

#include "runtime/column/text.h"

void weir_decoder_skip(struct weir_decoder *d, const char *record, size_t n,
                       const struct weir_error *why)
{
    d->skipped++;
    if (n && record[n - 1] == '\r') n--;
    if (d->on_skip) d->on_skip(d->skip_ctx, record, n, why);
}

static int decode_bytes(struct weir_builder *b, int c, const char *text, size_t n,
                        struct weir_buf *scratch)
{
    size_t len;
    scratch->len = 0;
    if (!weir_buf_reserve(scratch, n / 4 * 3 + 3)) {
        scratch->oom = false;
        return WEIR_ERR_NOMEM;
    }
    int rc = weir_text_parse_base64(text, n, (unsigned char *)scratch->data, &len);
    if (!rc) weir_builder_str(b, c, scratch->data, len);
    return rc;
}

static int decode_decimal(struct weir_builder *b, int c, struct weir_type type, const char *text,
                          size_t n)
{
    weir_i128 v;
    int rc = weir_text_parse_decimal(text, n, type.precision, type.scale, &v);
    if (rc) return rc;
    if (weir_type_phys(type) == WEIR_PHYS_I64)
        weir_builder_i64(b, c, (int64_t)v);
    else
        weir_builder_i128(b, c, v);
    return 0;
}

static int decode_float(struct weir_builder *b, int c, enum weir_type_id id, const char *text,
                        size_t n)
{
    double d = 0;
    float f = 0;
    int rc = id == WEIR_TYPE_DOUBLE ? weir_text_parse_double(text, n, &d)
                                    : weir_text_parse_float(text, n, &f);
    if (!rc) weir_builder_f64(b, c, id == WEIR_TYPE_DOUBLE ? d : (double)f);
    return rc;
}

static int decode_day(struct weir_builder *b, int c, const char *text, size_t n)
{
    int32_t days;
    int rc = weir_text_parse_date(text, n, &days);
    if (!rc) weir_builder_i64(b, c, days);
    return rc;
}

int weir_decode_text(struct weir_builder *b, int c, struct weir_type type, const char *text,
                     size_t n, struct weir_buf *scratch)
{
    int64_t i = 0;
    bool truth = false;
    int rc;
    switch ((enum weir_type_id)type.id) {
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_VARCHAR: weir_builder_str(b, c, text, n); return 0;
    case WEIR_TYPE_BINARY:
    case WEIR_TYPE_VARBINARY: return decode_bytes(b, c, text, n, scratch);
    case WEIR_TYPE_FLOAT:
    case WEIR_TYPE_DOUBLE: return decode_float(b, c, (enum weir_type_id)type.id, text, n);
    case WEIR_TYPE_DECIMAL: return decode_decimal(b, c, type, text, n);
    case WEIR_TYPE_DATE: return decode_day(b, c, text, n);
    case WEIR_TYPE_BOOLEAN:
        rc = weir_text_parse_bool(text, n, &truth);
        i = truth;
        break;
    case WEIR_TYPE_TINYINT: rc = weir_text_parse_int(text, n, 8, &i); break;
    case WEIR_TYPE_SMALLINT: rc = weir_text_parse_int(text, n, 16, &i); break;
    case WEIR_TYPE_INT: rc = weir_text_parse_int(text, n, 32, &i); break;
    case WEIR_TYPE_BIGINT: rc = weir_text_parse_int(text, n, 64, &i); break;
    case WEIR_TYPE_TIME: rc = weir_text_parse_time(text, n, 3, &i); break;
    case WEIR_TYPE_TIMESTAMP: rc = weir_text_parse_timestamp(text, n, 6, false, &i); break;
    case WEIR_TYPE_TIMESTAMP_LTZ: rc = weir_text_parse_timestamp(text, n, 6, true, &i); break;
    default: rc = WEIR_TEXT_SYNTAX; break;
    }
    if (!rc) weir_builder_i64(b, c, i);
    return rc;
}

const char *weir_excerpt(const char *text, size_t n, char buf[WEIR_EXCERPT])
{
    bool cut = n > 40;
    if (cut) n = 40;
    while (cut && n > 36 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    bool utf8 = weir_text_is_utf8(text, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)text[i];
        bool plain = ch >= 0x20 && ch != 0x7f && (ch < 0x80 || utf8);
        buf[i] = plain ? text[i] : '?';
    }
    memcpy(buf + n, cut ? "..." : "", cut ? 4 : 1);
    return buf;
}

int weir_decode_failed(int rc, const struct weir_field *f, int field, const char *text, size_t n,
                       struct weir_error *err)
{
    char shown[WEIR_EXCERPT], type[64], place[32] = "";
    if (rc == WEIR_ERR_NOMEM) return weir_fail_nomem(err, n, "decoding a field");
    struct weir_type t = f->type;
    t.nullable = 1;
    if (field) snprintf(place, sizeof place, " (field %d)", field);
    return weir_fail(err, WEIR_ERR_DATA, "column \"%s\"%s: \"%s\" %s %s", f->name, place,
                     weir_excerpt(text, n, shown),
                     rc == WEIR_TEXT_RANGE ? "does not fit into" : "is not a value of type",
                     weir_type_text(t, type, sizeof type));
}
