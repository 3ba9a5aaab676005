/* What the options of one generated column say. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/connect/datagen.h"
#include "runtime/column/text.h"

const char *const weir_gen_field_keys[] = {"fields.#.kind",
                                           "fields.#.start",
                                           "fields.#.end",
                                           "fields.#.min",
                                           "fields.#.max",
                                           "fields.#.length",
                                           "fields.#.var-len",
                                           "fields.#.null-rate",
                                           "fields.#.max-past",
                                           "fields.#.seed",
                                           NULL};

struct key {
    char text[256];
};

static struct key key_of(const struct weir_field *f, const char *what)
{
    struct key k;
    snprintf(k.text, sizeof k.text, "fields.%s.%s", f->name, what);
    return k;
}

static bool counts(struct weir_type t)
{
    return weir_type_is_integer(t) || t.id == WEIR_TYPE_DECIMAL;
}

static int type_bits(struct weir_type t)
{
    return t.id == WEIR_TYPE_TINYINT    ? 8
           : t.id == WEIR_TYPE_SMALLINT ? 16
           : t.id == WEIR_TYPE_INT      ? 32
                                        : 64;
}

/* The range of the whole type. */
static void whole_range(struct weir_gen_field *g)
{
    g->fmin = 0;
    g->fmax = g->type.id == WEIR_TYPE_FLOAT ? (double)FLT_MAX : DBL_MAX;
    if (g->type.id == WEIR_TYPE_DECIMAL) {
        g->max = weir_pow10_i128[g->type.precision] - 1;
        g->min = -g->max;
    } else {
        g->max = ((weir_i128)1 << (type_bits(g->type) - 1)) - 1;
        g->min = -g->max - 1;
    }
}

/* A number of the column's type. */
static int number(const struct weir_table_spec *t, const struct weir_field *f, const char *what,
                  weir_i128 *exact, double *real, struct weir_error *err)
{
    struct key k = key_of(f, what);
    const char *v = weir_option_get(t, k.text);
    char type[64];
    int64_t i = 0;
    int rc;
    if (!v) return 0;
    if (weir_type_is_float(f->type)) {
        double d;
        rc = weir_text_parse_double(v, strlen(v), &d);
        if (!rc && d - d == 0) *real = d; /* neither NaN nor infinite */
        if (!rc && d - d != 0) rc = WEIR_TEXT_RANGE;
    } else if (f->type.id == WEIR_TYPE_DECIMAL) {
        rc = weir_text_parse_decimal(v, strlen(v), f->type.precision, f->type.scale, exact);
    } else {
        rc = weir_text_parse_int(v, strlen(v), type_bits(f->type), &i);
        if (!rc) *exact = i;
    }
    if (!rc) return 0;
    return weir_option_fail(t, k.text, err, "'%.60s' is not a value of type %s", v,
                            weir_type_text(f->type, type, sizeof type));
}

static int init_sequence(const struct weir_table_spec *t, const struct weir_field *f,
                         struct weir_gen_field *g, uint64_t *rows, struct weir_error *err)
{
    struct key start = key_of(f, "start"), end = key_of(f, "end");
    char text[64];
    bool real = weir_type_is_float(f->type);
    if (!counts(f->type) && !real && !weir_type_is_text(f->type))
        return weir_option_fail(t, key_of(f, "kind").text, err, "there is no sequence of type %s",
                                weir_type_text(f->type, text, sizeof text));
    if (!weir_option_get(t, start.text))
        return weir_option_fail(t, start.text, err, "it is missing");
    if (!weir_option_get(t, end.text)) return weir_option_fail(t, end.text, err, "it is missing");
    int rc = number(t, f, "start", &g->min, &g->fmin, err);
    if (!rc) rc = number(t, f, "end", &g->max, &g->fmax, err);
    if (rc) return rc;
    if (real) {
        if (g->fmin < -0x1p53 || g->fmax > 0x1p53)
            return weir_option_fail(t, end.text, err, "a sequence of doubles stays within 2^53");
        g->min = (int64_t)g->fmin;
        g->max = (int64_t)g->fmax;
    }
    if (g->max < g->min) return weir_option_fail(t, end.text, err, "it is less than the start");
    weir_i128 step = f->type.id == WEIR_TYPE_DECIMAL ? weir_pow10_i128[f->type.scale] : 1;
    weir_i128 n = (g->max - g->min) / step + 1;
    if (n < *rows) *rows = (uint64_t)n;
    return 0;
}

/* "5 min", "100 ms", "1 h": microseconds. */
static int duration(const struct weir_table_spec *t, const char *key, int64_t *out,
                    struct weir_error *err)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {{"us", 1},          {"ms", 1000},         {"s", 1000000},    {"sec", 1000000},
                 {"min", 60000000},  {"m", 60000000},      {"h", 3600000000}, {"hour", 3600000000},
                 {"d", 86400000000}, {"day", 86400000000}, {"", 1000}};
    const char *v = weir_option_get(t, key);
    if (!v) return 0;
    char *end;
    long long n = strtoll(v, &end, 10);
    while (*end == ' ') end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) || end == v || n < 0) continue;
        if (!__builtin_mul_overflow((int64_t)n, units[i].us, out)) return 0;
    }
    return weir_option_fail(t, key, err,
                            "'%.60s' is not a duration such as '5 min', '30 s' or '100 ms'", v);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t named_seed(uint64_t seed, const char *name)
{
    for (; *name; name++) seed = mix(seed ^ (unsigned char)*name) + 0x9E3779B97F4A7C15u;
    return mix(seed);
}

static int init_random(const struct weir_table_spec *t, const struct weir_field *f,
                       struct weir_gen_field *g, struct weir_error *err)
{
    struct key length = key_of(f, "length"), max = key_of(f, "max");
    int64_t n = f->type.length && f->type.length < WEIR_LENGTH_MAX ? f->type.length : 100;
    int rc = 0;
    whole_range(g);
    if (counts(f->type) || weir_type_is_float(f->type)) {
        rc = number(t, f, "min", &g->min, &g->fmin, err);
        if (!rc) rc = number(t, f, "max", &g->max, &g->fmax, err);
        if (!rc && (counts(f->type) ? g->max < g->min : g->fmax < g->fmin))
            rc = weir_option_fail(t, max.text, err, "it is less than the minimum");
    }
    if (!rc) rc = weir_option_int(t, length.text, 0, 16 << 20, &n, err);
    if (!rc) rc = weir_option_bool(t, key_of(f, "var-len").text, &g->var_len, err);
    if (!rc) rc = duration(t, key_of(f, "max-past").text, &g->max_past_us, err);
    g->length = (uint32_t)n;
    return rc;
}

int weir_gen_field_init(const struct weir_table_spec *t, const struct weir_field *column,
                        uint64_t table_seed, struct weir_gen_field *out, uint64_t *rows,
                        struct weir_error *err)
{
    static const char *const kinds[] = {"random", "sequence", NULL};
    struct key rate = key_of(column, "null-rate");
    int kind = 0;
    int64_t seed = 0;
    memset(out, 0, sizeof *out);
    out->type = column->type;
    int rc = weir_option_word(t, key_of(column, "kind").text, kinds, &kind, err);
    if (!rc) rc = weir_option_int(t, key_of(column, "seed").text, INT64_MIN, INT64_MAX, &seed, err);
    if (rc) return rc;
    bool own = weir_option_get(t, key_of(column, "seed").text) != NULL;
    out->seed = own ? mix((uint64_t)seed + 1) : named_seed(table_seed, column->name);
    out->sequence = kind == 1;
    const char *v = weir_option_get(t, rate.text);
    if (v && (weir_text_parse_double(v, strlen(v), &out->null_rate) ||
              !(out->null_rate >= 0 && out->null_rate <= 1)))
        return weir_option_fail(t, rate.text, err, "'%.60s' is not a number from 0 to 1", v);
    if (out->null_rate > 0 && !column->type.nullable)
        return weir_option_fail(t, rate.text, err, "the column is NOT NULL");
    return out->sequence ? init_sequence(t, column, out, rows, err)
                         : init_random(t, column, out, err);
}
