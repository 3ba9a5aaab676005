/* Arrow's format strings, both ways: one table for those without parameters, a few lines for
   decimals, time stamps and fixed-size binary. */
#include "runtime/column/arrow_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *format;
    uint8_t kind, type, width, is_unsigned, precision;
    int64_t mul, div;
} plain[] = {
    {"n", ARROW_NULLS, WEIR_TYPE_NULL, 0, 0, 0, 1, 1},
    {"b", ARROW_BITS, WEIR_TYPE_BOOLEAN, 0, 0, 0, 1, 1},
    {"c", ARROW_SAME, WEIR_TYPE_TINYINT, 1, 0, 0, 1, 1},
    {"s", ARROW_SAME, WEIR_TYPE_SMALLINT, 2, 0, 0, 1, 1},
    {"i", ARROW_SAME, WEIR_TYPE_INT, 4, 0, 0, 1, 1},
    {"l", ARROW_SAME, WEIR_TYPE_BIGINT, 8, 0, 0, 1, 1},
    {"f", ARROW_SAME, WEIR_TYPE_FLOAT, 4, 0, 0, 1, 1},
    {"g", ARROW_SAME, WEIR_TYPE_DOUBLE, 8, 0, 0, 1, 1},
    {"C", ARROW_NUMBERS, WEIR_TYPE_SMALLINT, 1, 1, 0, 1, 1},
    {"S", ARROW_NUMBERS, WEIR_TYPE_INT, 2, 1, 0, 1, 1},
    {"I", ARROW_NUMBERS, WEIR_TYPE_BIGINT, 4, 1, 0, 1, 1},
    {"L", ARROW_NUMBERS, WEIR_TYPE_DECIMAL, 8, 1, 20, 1, 1},
    {"u", ARROW_TEXT, WEIR_TYPE_VARCHAR, 4, 0, 0, 1, 1},
    {"z", ARROW_TEXT, WEIR_TYPE_VARBINARY, 4, 0, 0, 1, 1},
    {"U", ARROW_LARGE, WEIR_TYPE_VARCHAR, 8, 0, 0, 1, 1},
    {"Z", ARROW_LARGE, WEIR_TYPE_VARBINARY, 8, 0, 0, 1, 1},
    {"vu", ARROW_VIEW, WEIR_TYPE_VARCHAR, 16, 0, 0, 1, 1},
    {"vz", ARROW_VIEW, WEIR_TYPE_VARBINARY, 16, 0, 0, 1, 1},
    {"tdD", ARROW_SAME, WEIR_TYPE_DATE, 4, 0, 0, 1, 1},
    {"tdm", ARROW_NUMBERS, WEIR_TYPE_DATE, 8, 0, 0, 1, 86400000},
    {"tts", ARROW_NUMBERS, WEIR_TYPE_TIME, 4, 0, 0, 1000, 1},
    {"ttm", ARROW_SAME, WEIR_TYPE_TIME, 4, 0, 3, 1, 1},
    {"ttu", ARROW_NUMBERS, WEIR_TYPE_TIME, 8, 0, 3, 1, 1000},
    {"ttn", ARROW_NUMBERS, WEIR_TYPE_TIME, 8, 0, 3, 1, 1000000},
};

static int refuse(const struct ArrowSchema *schema, const char *what, struct weir_error *err)
{
    return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                     "Arrow column '%s' has the format '%s': %s; cast the column before handing it "
                     "over, or leave it out",
                     schema->name ? schema->name : "", schema->format ? schema->format : "", what);
}

static int parse_decimal(const struct ArrowSchema *schema, struct arrow_format *out,
                         struct weir_error *err)
{
    int precision, scale, bits = 128, end = 0;
    const char *f = schema->format;
    if (sscanf(f, "d:%d,%d%n", &precision, &scale, &end) != 2 || !end)
        return refuse(schema, "not a decimal's precision and scale", err);
    if (f[end] && sscanf(f + end, ",%d", &bits) != 1)
        return refuse(schema, "not a decimal's width", err);
    if (precision < 1 || precision > WEIR_DECIMAL_MAX_P || scale < 0 || scale > precision)
        return refuse(schema, "decimals have 1 to 38 digits and a scale from 0 to that many", err);
    if ((bits != 32 && bits != 64 && bits != 128) || (bits == 32 && precision > 9) ||
        (bits == 64 && precision > 18))
        return refuse(schema, "decimals of 32, 64 and 128 bits can be read", err);
    out->type = weir_type_decimal(precision, scale);
    out->width = (uint32_t)bits / 8;
    if (bits == 128)
        out->kind = precision > WEIR_DECIMAL64_MAX_P ? ARROW_SAME : ARROW_DECIMALS;
    else
        out->kind = bits == 64 ? ARROW_SAME : ARROW_NUMBERS;
    return WEIR_OK;
}

static int parse_timestamp(const struct ArrowSchema *schema, struct arrow_format *out,
                           struct weir_error *err)
{
    const char *f = schema->format; /* tsU:ZONE */
    const char *units = "smun", *unit = f[2] ? strchr(units, f[2]) : NULL;
    static const int64_t mul[] = {1000000, 1000, 1, 1};
    static const uint8_t digits[] = {0, 3, 6, 6};
    if (!unit || f[3] != ':') return refuse(schema, "not a time stamp's unit", err);
    out->type = weir_type_make(f[4] ? WEIR_TYPE_TIMESTAMP_LTZ : WEIR_TYPE_TIMESTAMP);
    out->type.precision = digits[unit - units];
    out->mul = mul[unit - units];
    out->div = *unit == 'n' ? 1000 : 1;
    out->width = 8;
    out->kind = *unit == 'u' ? ARROW_SAME : ARROW_NUMBERS;
    return WEIR_OK;
}

int arrow_parse_format(const struct ArrowSchema *schema, struct arrow_format *out,
                       struct weir_error *err)
{
    const char *f = schema->format ? schema->format : "";
    *out = (struct arrow_format){.mul = 1, .div = 1};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(f, plain[i].format)) continue;
        out->kind = plain[i].kind;
        out->type = weir_type_make(plain[i].type);
        if (plain[i].precision) out->type.precision = plain[i].precision;
        out->width = plain[i].width;
        out->is_unsigned = plain[i].is_unsigned;
        out->mul = plain[i].mul;
        out->div = plain[i].div;
        return WEIR_OK;
    }
    if (f[0] == 'd') return parse_decimal(schema, out, err);
    if (f[0] == 't' && f[1] == 's') return parse_timestamp(schema, out, err);
    if (f[0] == 'w' && f[1] == ':') {
        long n = strtol(f + 2, NULL, 10);
        if (n < 1 || n > 1 << 20)
            return refuse(schema, "values of 1 byte to 1 MiB can be read", err);
        out->kind = ARROW_FIXED;
        out->type = weir_type_make(WEIR_TYPE_BINARY);
        out->type.length = out->width = (uint32_t)n;
        return WEIR_OK;
    }
    return refuse(schema,
                  f[0] == '+' ? "nested columns cannot be read yet" : "this type cannot be read",
                  err);
}

bool arrow_print_format(struct weir_type t, char *buf)
{
    static const char *const format[WEIR_TYPE_COUNT_] = {
        [WEIR_TYPE_NULL] = "n",         [WEIR_TYPE_BOOLEAN] = "b",
        [WEIR_TYPE_TINYINT] = "c",      [WEIR_TYPE_SMALLINT] = "s",
        [WEIR_TYPE_INT] = "i",          [WEIR_TYPE_BIGINT] = "l",
        [WEIR_TYPE_FLOAT] = "f",        [WEIR_TYPE_DOUBLE] = "g",
        [WEIR_TYPE_CHAR] = "u",         [WEIR_TYPE_VARCHAR] = "u",
        [WEIR_TYPE_BINARY] = "z",       [WEIR_TYPE_VARBINARY] = "z",
        [WEIR_TYPE_DATE] = "tdD",       [WEIR_TYPE_TIME] = "ttm",
        [WEIR_TYPE_TIMESTAMP] = "tsu:", [WEIR_TYPE_TIMESTAMP_LTZ] = "tsu:UTC",
    };
    if (t.id == WEIR_TYPE_DECIMAL) {
        snprintf(buf, 32, "d:%d,%d", t.precision, t.scale);
        return true;
    }
    if (t.id >= WEIR_TYPE_COUNT_ || !format[t.id]) return false;
    snprintf(buf, 32, "%s", format[t.id]);
    return true;
}
