/* Type facts: sizes, classes, spelling. All tables are indexed by enum weir_type_id. */
#include "runtime/column/type.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint8_t phys;
} info[WEIR_TYPE_COUNT_] = {
    [WEIR_TYPE_NULL] = {"NULL", WEIR_PHYS_I8},
    [WEIR_TYPE_BOOLEAN] = {"BOOLEAN", WEIR_PHYS_BOOL},
    [WEIR_TYPE_TINYINT] = {"TINYINT", WEIR_PHYS_I8},
    [WEIR_TYPE_SMALLINT] = {"SMALLINT", WEIR_PHYS_I16},
    [WEIR_TYPE_INT] = {"INT", WEIR_PHYS_I32},
    [WEIR_TYPE_BIGINT] = {"BIGINT", WEIR_PHYS_I64},
    [WEIR_TYPE_FLOAT] = {"FLOAT", WEIR_PHYS_F32},
    [WEIR_TYPE_DOUBLE] = {"DOUBLE", WEIR_PHYS_F64},
    [WEIR_TYPE_DECIMAL] = {"DECIMAL", WEIR_PHYS_I64},
    [WEIR_TYPE_CHAR] = {"CHAR", WEIR_PHYS_STR},
    [WEIR_TYPE_VARCHAR] = {"VARCHAR", WEIR_PHYS_STR},
    [WEIR_TYPE_BINARY] = {"BINARY", WEIR_PHYS_STR},
    [WEIR_TYPE_VARBINARY] = {"VARBINARY", WEIR_PHYS_STR},
    [WEIR_TYPE_DATE] = {"DATE", WEIR_PHYS_I32},
    [WEIR_TYPE_TIME] = {"TIME", WEIR_PHYS_I32},
    [WEIR_TYPE_TIMESTAMP] = {"TIMESTAMP", WEIR_PHYS_I64},
    [WEIR_TYPE_TIMESTAMP_LTZ] = {"TIMESTAMP_LTZ", WEIR_PHYS_I64},
    [WEIR_TYPE_INTERVAL_MONTH] = {"INTERVAL YEAR TO MONTH", WEIR_PHYS_I32},
    [WEIR_TYPE_INTERVAL_DAY] = {"INTERVAL DAY TO SECOND", WEIR_PHYS_I64},
};

#define P4(x) (x), (x)*10, (x)*100, (x)*1000
#define E4    ((weir_i128)10000)
#define E16   ((weir_i128)10000000000000000LL)
const weir_i128 weir_pow10_i128[39] = {
    P4((weir_i128)1), P4(E4),       P4(E4 *E4),        P4(E4 *E4 *E4),
    P4(E16),          P4(E16 *E4),  P4(E16 *E4 *E4),   P4(E16 *E4 *E4 *E4),
    P4(E16 *E16),     E16 *E16 *E4, E16 *E16 *E4 * 10, E16 *E16 *E4 * 100,
};

struct weir_type weir_type_make(enum weir_type_id id)
{
    struct weir_type t = {.id = (uint8_t)id, .nullable = 1};
    switch (id) {
    case WEIR_TYPE_DECIMAL: t.precision = 10; break;
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_BINARY: t.length = 1; break;
    case WEIR_TYPE_VARCHAR:
    case WEIR_TYPE_VARBINARY: t.length = WEIR_LENGTH_MAX; break;
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ: t.precision = 6; break;
    default: break;
    }
    return t;
}

struct weir_type weir_type_decimal(int precision, int scale)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_DECIMAL);
    t.precision = (uint8_t)precision;
    t.scale = (uint8_t)scale;
    return t;
}

struct weir_type weir_type_string(void)
{
    return weir_type_make(WEIR_TYPE_VARCHAR);
}

struct weir_type weir_type_timestamp(int precision)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_TIMESTAMP);
    t.precision = (uint8_t)precision;
    return t;
}

enum weir_phys weir_type_phys(struct weir_type t)
{
    if (t.id == WEIR_TYPE_DECIMAL && t.precision > WEIR_DECIMAL64_MAX_P) return WEIR_PHYS_I128;
    return t.id < WEIR_TYPE_COUNT_ ? (enum weir_phys)info[t.id].phys : WEIR_PHYS_I8;
}

size_t weir_phys_size(enum weir_phys p)
{
    static const uint8_t size[WEIR_PHYS_COUNT_] = {
        [WEIR_PHYS_BOOL] = 1, [WEIR_PHYS_I8] = 1,  [WEIR_PHYS_I16] = 2,
        [WEIR_PHYS_I32] = 4,  [WEIR_PHYS_I64] = 8, [WEIR_PHYS_I128] = 16,
        [WEIR_PHYS_F32] = 4,  [WEIR_PHYS_F64] = 8, [WEIR_PHYS_STR] = sizeof(struct weir_str),
    };
    return size[p];
}

bool weir_type_same(struct weir_type a, struct weir_type b)
{
    return a.id == b.id && a.precision == b.precision && a.scale == b.scale && a.length == b.length;
}
bool weir_type_equal(struct weir_type a, struct weir_type b)
{
    return weir_type_same(a, b) && a.nullable == b.nullable;
}
bool weir_type_is_integer(struct weir_type t)
{
    return t.id >= WEIR_TYPE_TINYINT && t.id <= WEIR_TYPE_BIGINT;
}
bool weir_type_is_exact(struct weir_type t)
{
    return weir_type_is_integer(t) || t.id == WEIR_TYPE_DECIMAL;
}
bool weir_type_is_float(struct weir_type t)
{
    return t.id == WEIR_TYPE_FLOAT || t.id == WEIR_TYPE_DOUBLE;
}
bool weir_type_is_numeric(struct weir_type t)
{
    return t.id >= WEIR_TYPE_TINYINT && t.id <= WEIR_TYPE_DECIMAL;
}
bool weir_type_is_text(struct weir_type t)
{
    return t.id == WEIR_TYPE_CHAR || t.id == WEIR_TYPE_VARCHAR;
}
bool weir_type_is_bytes(struct weir_type t)
{
    return t.id == WEIR_TYPE_BINARY || t.id == WEIR_TYPE_VARBINARY;
}
bool weir_type_is_timestamp(struct weir_type t)
{
    return t.id == WEIR_TYPE_TIMESTAMP || t.id == WEIR_TYPE_TIMESTAMP_LTZ;
}
bool weir_type_is_interval(struct weir_type t)
{
    return t.id == WEIR_TYPE_INTERVAL_MONTH || t.id == WEIR_TYPE_INTERVAL_DAY;
}

char *weir_type_text(struct weir_type t, char *buf, size_t size)
{
    const char *name = t.id < WEIR_TYPE_COUNT_ ? info[t.id].name : "?";
    const char *suffix = t.nullable ? "" : " NOT NULL";
    switch (t.id) {
    case WEIR_TYPE_DECIMAL:
        snprintf(buf, size, "DECIMAL(%d, %d)%s", t.precision, t.scale, suffix);
        break;
    case WEIR_TYPE_VARCHAR:
    case WEIR_TYPE_VARBINARY:
        if (t.length == WEIR_LENGTH_MAX) {
            snprintf(buf, size, "%s%s", t.id == WEIR_TYPE_VARCHAR ? "STRING" : "BYTES", suffix);
            break;
        }
        /* fall through */
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_BINARY: snprintf(buf, size, "%s(%u)%s", name, t.length, suffix); break;
    case WEIR_TYPE_TIME:
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ: snprintf(buf, size, "%s(%d)%s", name, t.precision, suffix); break;
    default: snprintf(buf, size, "%s%s", name, suffix);
    }
    return buf;
}
