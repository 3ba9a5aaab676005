#ifndef WEIR_COLUMN_TYPE_H
#define WEIR_COLUMN_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SQL types (Flink's) and how each is held in memory (Arrow's layout).

   | SQL type              | phys       | one value                                     | Arrow
   format  |
   |-----------------------|------------|-----------------------------------------------|---------------|
   | BOOLEAN               | BOOL       | 1 bit in a column, 1 byte 0/1 in a vector     | b | |
   TINYINT … BIGINT      | I8 … I64   | two's complement                              | c s i l | |
   FLOAT, DOUBLE         | F32, F64   | IEEE 754                                      | f g | |
   DECIMAL(p <= 18, s)   | I64        | value * 10^s                                  | d:p,s (*) |
   | DECIMAL(p <= 38, s)   | I128       | value * 10^s, little-endian __int128          | d:p,s | |
   CHAR, VARCHAR, STRING | STR        | UTF-8; int32 offsets + bytes in a column      | u | |
   BINARY, BYTES         | STR        | bytes                                         | z | | DATE
   | I32        | days since 1970-01-01                         | tdD           | | TIME | I32 |
   milliseconds of the day                       | ttm           | | TIMESTAMP[_LTZ](p<=6) | I64 |
   microseconds since 1970-01-01 00:00:00 (UTC)  | tsu: / tsu:UTC| | INTERVAL YEAR-MONTH   | I32 |
   months                                        | never leaves  | | INTERVAL DAY-SECOND   | I64 |
   microseconds                                  | never leaves  | | NULL (the literal)    | I8 |
   always NULL                                   | n             |

   (*) leaves and enters as 128-bit values, the width that every Arrow reader knows. */

enum weir_type_id {
    WEIR_TYPE_NULL = 0,
    WEIR_TYPE_BOOLEAN,
    WEIR_TYPE_TINYINT,
    WEIR_TYPE_SMALLINT,
    WEIR_TYPE_INT,
    WEIR_TYPE_BIGINT,
    WEIR_TYPE_FLOAT,
    WEIR_TYPE_DOUBLE,
    WEIR_TYPE_DECIMAL,
    WEIR_TYPE_CHAR,
    WEIR_TYPE_VARCHAR, /* STRING is VARCHAR(2147483647) */
    WEIR_TYPE_BINARY,
    WEIR_TYPE_VARBINARY, /* BYTES is VARBINARY(2147483647) */
    WEIR_TYPE_DATE,
    WEIR_TYPE_TIME,
    WEIR_TYPE_TIMESTAMP,
    WEIR_TYPE_TIMESTAMP_LTZ,
    WEIR_TYPE_INTERVAL_MONTH,
    WEIR_TYPE_INTERVAL_DAY,
    WEIR_TYPE_COUNT_
};

enum weir_phys {
    WEIR_PHYS_BOOL = 0,
    WEIR_PHYS_I8,
    WEIR_PHYS_I16,
    WEIR_PHYS_I32,
    WEIR_PHYS_I64,
    WEIR_PHYS_I128,
    WEIR_PHYS_F32,
    WEIR_PHYS_F64,
    WEIR_PHYS_STR,
    WEIR_PHYS_COUNT_
};

#define WEIR_LENGTH_MAX      2147483647u
#define WEIR_DECIMAL64_MAX_P 18
#define WEIR_DECIMAL_MAX_P   38
#define WEIR_TIMESTAMP_MAX_P 6

typedef __int128 weir_i128;
typedef unsigned __int128 weir_u128;

/* A plain value, 8 bytes, compared field by field (weir_type_equal). */
struct weir_type {
    uint8_t id;        /* enum weir_type_id */
    uint8_t nullable;  /* 1: the value may be NULL */
    uint8_t precision; /* DECIMAL 1..38; TIME/TIMESTAMP 0..6 digits of the second shown; else 0 */
    uint8_t scale;     /* DECIMAL 0..precision; else 0 */
    uint32_t length;   /* CHAR/VARCHAR: code points, BINARY/VARBINARY: bytes; else 0 */
};

/* Makers of nullable types; set .nullable = 0 for NOT NULL. */
struct weir_type weir_type_make(enum weir_type_id id); /* with the default precision and length */
struct weir_type weir_type_decimal(int precision, int scale);
struct weir_type weir_type_string(void);
struct weir_type weir_type_timestamp(int precision);

enum weir_phys weir_type_phys(struct weir_type t);
size_t
weir_phys_size(enum weir_phys p); /* of one value in a vector: BOOL 1, STR sizeof(weir_str) */

bool weir_type_equal(struct weir_type a, struct weir_type b); /* nullability included */
bool weir_type_same(struct weir_type a, struct weir_type b);  /* nullability ignored */
bool weir_type_is_integer(struct weir_type t);                /* TINYINT … BIGINT */
bool weir_type_is_exact(struct weir_type t);                  /* integers and DECIMAL */
bool weir_type_is_float(struct weir_type t);                  /* FLOAT, DOUBLE */
bool weir_type_is_numeric(struct weir_type t);
bool weir_type_is_text(struct weir_type t);      /* CHAR, VARCHAR */
bool weir_type_is_bytes(struct weir_type t);     /* BINARY, VARBINARY */
bool weir_type_is_timestamp(struct weir_type t); /* TIMESTAMP, TIMESTAMP_LTZ */
bool weir_type_is_interval(struct weir_type t);

/* Flink's spelling, "DECIMAL(10, 2) NOT NULL"; returns BUF. 64 bytes are always enough. */
char *weir_type_text(struct weir_type t, char *buf, size_t size);

/* One string value: a view, not NUL-terminated; who owns the bytes is said where the view is made.
 */
struct weir_str {
    const char *data;
    uint32_t len;
};

/* One scalar value of any type: literals, defaults, bounds. */
struct weir_value {
    struct weir_type type;
    bool is_null;
    union {
        uint8_t b;
        int64_t i;   /* I8 … I64 */
        double f;    /* F32, F64 */
        weir_i128 x; /* I128 */
        struct weir_str s;
    };
};

/* Named columns of a table or of a node's output. Names are owned by whoever owns the schema. */
struct weir_field {
    const char *name;
    struct weir_type type;
};
struct weir_schema {
    int n;
    struct weir_field *field;
};

extern const weir_i128 weir_pow10_i128[39]; /* 10^0 … 10^38 */

#endif
