/* Values of generated columns: a hash of (seed, row, which word of the value), so that any row can
   be made without the ones before it. The hash is splitmix64's output function over a Weyl sequence
   (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). */
#include <string.h>

#include "host/connect/datagen.h"
#include "runtime/column/text.h"

static inline uint64_t draw(uint64_t seed, uint64_t row, uint64_t word)
{
    uint64_t z = seed + row * 0x9E3779B97F4A7C15u + word * 0xD1B54A32D192ED03u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

enum { WORD_NULL = 1, WORD_LENGTH, WORD_LOW, WORD_FIRST };

static double unit(uint64_t r)
{
    return (double)(r >> 11) * 0x1p-53;
}

/* min … max, both included; modulo 2^128, where the span of DECIMAL(38) still fits. */
static weir_i128 between(const struct weir_gen_field *f, uint64_t row)
{
    weir_u128 span = (weir_u128)f->max - (weir_u128)f->min + 1, offset;
    uint64_t high = draw(f->seed, row, WORD_FIRST);
    if (span >> 64 == 0)
        offset = (weir_u128)high * (uint64_t)span >> 64;
    else
        offset = ((weir_u128)high << 64 | draw(f->seed, row, WORD_LOW)) % span;
    return (weir_i128)((weir_u128)f->min + offset);
}

static double real(const struct weir_gen_field *f, uint64_t row)
{
    double u = unit(draw(f->seed, row, WORD_FIRST));
    double v = f->fmin * (1 - u) + f->fmax * u; /* cannot overflow as (max - min) could */
    return v < f->fmin ? f->fmin : v > f->fmax ? f->fmax : v;
}

/* When the scratch buffer runs out of memory nothing is appended; the caller sees its `oom`. */
static void fill_text(const struct weir_gen_field *f, struct weir_builder *b, int c, uint64_t row,
                      struct weir_buf *scratch)
{
    static const char hex[] = "0123456789abcdef";
    bool text = weir_type_is_text(f->type);
    uint32_t n = f->length;
    if (f->var_len && n) n = 1 + (uint32_t)((weir_u128)draw(f->seed, row, WORD_LENGTH) * n >> 64);
    scratch->len = 0;
    if (!weir_buf_reserve(scratch, (size_t)n + 16)) return;
    char *p = scratch->data;
    for (uint32_t i = 0, word = WORD_FIRST; i < n; word++) {
        uint64_t r = draw(f->seed, row, word);
        for (int k = 0; k < (text ? 16 : 8) && i < n; k++, i++) {
            p[i] = text ? hex[r & 15] : (char)r;
            r >>= text ? 4 : 8;
        }
    }
    weir_builder_str(b, c, p, n);
}

static void fill_sequence(const struct weir_gen_field *f, struct weir_builder *b, int c,
                          uint64_t row)
{
    weir_i128 step = f->type.id == WEIR_TYPE_DECIMAL ? weir_pow10_i128[f->type.scale] : 1;
    weir_i128 v = f->min + (weir_i128)row * step;
    if (weir_type_is_text(f->type)) {
        char text[WEIR_TEXT_MAX];
        weir_builder_str(b, c, text, weir_text_format_int(text, (int64_t)v));
    } else if (weir_type_is_float(f->type)) {
        weir_builder_f64(b, c, (double)(int64_t)v);
    } else if (weir_type_phys(f->type) == WEIR_PHYS_I128) {
        weir_builder_i128(b, c, v);
    } else {
        weir_builder_i64(b, c, (int64_t)v);
    }
}

static int64_t past(const struct weir_gen_field *f, uint64_t row, int64_t now_us)
{
    if (!f->max_past_us) return now_us;
    return now_us -
           (int64_t)((weir_u128)draw(f->seed, row, WORD_FIRST) * (uint64_t)(f->max_past_us + 1) >>
                     64);
}

static void fill_random(const struct weir_gen_field *f, struct weir_builder *b, int c, uint64_t row,
                        int64_t now_us, struct weir_buf *scratch)
{
    const int64_t day = 86400000000;
    switch ((enum weir_type_id)f->type.id) {
    case WEIR_TYPE_CHAR:
    case WEIR_TYPE_VARCHAR:
    case WEIR_TYPE_BINARY:
    case WEIR_TYPE_VARBINARY: fill_text(f, b, c, row, scratch); break;
    case WEIR_TYPE_BOOLEAN:
        weir_builder_i64(b, c, (int64_t)(draw(f->seed, row, WORD_FIRST) >> 63));
        break;
    case WEIR_TYPE_FLOAT: weir_builder_f64(b, c, (double)(float)real(f, row)); break;
    case WEIR_TYPE_DOUBLE: weir_builder_f64(b, c, real(f, row)); break;
    case WEIR_TYPE_DATE: weir_builder_i64(b, c, now_us / day); break;
    case WEIR_TYPE_TIME: weir_builder_i64(b, c, now_us % day / 1000); break;
    case WEIR_TYPE_TIMESTAMP:
    case WEIR_TYPE_TIMESTAMP_LTZ: weir_builder_i64(b, c, past(f, row, now_us)); break;
    default:
        if (weir_type_phys(f->type) == WEIR_PHYS_I128)
            weir_builder_i128(b, c, between(f, row));
        else
            weir_builder_i64(b, c, (int64_t)between(f, row));
    }
}

int weir_gen_fill(const struct weir_gen_field *f, struct weir_builder *b, int c, uint64_t first,
                  uint32_t n, int64_t now_us)
{
    struct weir_buf scratch = {0};
    for (uint64_t row = first; row < first + n; row++) {
        if (f->null_rate > 0 && unit(draw(f->seed, row, WORD_NULL)) < f->null_rate)
            weir_builder_null(b, c);
        else if (f->sequence)
            fill_sequence(f, b, c, row);
        else
            fill_random(f, b, c, row, now_us, &scratch);
    }
    int rc = scratch.oom ? WEIR_ERR_NOMEM : 0;
    weir_buf_release(&scratch);
    return rc;
}
