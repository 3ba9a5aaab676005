#ifndef WEIR_CONNECT_DATAGEN_H
#define WEIR_CONNECT_DATAGEN_H

#include "host/connect/connect.h"

// clang-format off
/* Generated columns. A value depends on its column's seed and its row's number alone, so rows do not depend on
   how many partitions make them.

   | option               | default            |                                                            |
   |----------------------|--------------------|------------------------------------------------------------|
   | number-of-rows       | unbounded          | also ended by the shortest sequence                        |
   | rows-per-second      | see below          | over all partitions                                        |
   | seed                 | from the clock     | any integer; also fixes "now" at 2024-01-01 00:00:00       |
   | fields.X.kind        | random             | random, sequence                                           |
   | fields.X.start, .end | required           | sequence: first and last value                             |
   | fields.X.min, .max   | range of the type  | random numbers, both included (FLOAT, DOUBLE: from 0)      |
   | fields.X.length      | 100, or the type's | random text (hex digits) and bytes                         |
   | fields.X.var-len     | false              | random text and bytes of 1 to `length`                     |
   | fields.X.null-rate   | 0                  | share of NULLs                                             |
   | fields.X.max-past    | 0                  | TIMESTAMP: up to so much before now ('5 min', '100 ms')    |
   | fields.X.seed        | from seed, name    |                                                            |

   Without rows-per-second an unbounded table makes 10000 rows a second, as Flink's does, and a bounded one as
   many as it can. DATE and TIME are those of now. */
// clang-format on

struct weir_gen_field {
    struct weir_type type;
    bool sequence;
    uint64_t seed;
    double null_rate;
    weir_i128 min, max; /* integers, unscaled decimals; sequence: start and end */
    double fmin, fmax;
    uint32_t length;
    bool var_len;
    int64_t max_past_us;
};

/* Append column C (described by F) of rows [FIRST, FIRST + N) to B. NOW_US is since 1970.
   0 or WEIR_ERR_NOMEM. */
int weir_gen_fill(const struct weir_gen_field *f, struct weir_builder *b, int c, uint64_t first,
                  uint32_t n, int64_t now_us) WEIR_NODISCARD;

/* Of the column NAME of T; *ROWS is lowered to the length of a sequence. NAMED_SEED is the table's.
 */
int weir_gen_field_init(const struct weir_table_spec *t, const struct weir_field *column,
                        uint64_t table_seed, struct weir_gen_field *out, uint64_t *rows,
                        struct weir_error *err) WEIR_NODISCARD;

extern const char *const weir_gen_field_keys[]; /* "fields.#.kind", ..., NULL */

#endif
