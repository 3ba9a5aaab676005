/* Types of function calls. Most functions are described by a short string (fn_internal.h), which is
   interpreted here: each argument is checked and, where needed, changed to the type that the binder
   casts it to; a literal NULL takes the wanted type. */
#include "runtime/native/fn_internal.h"

#include <string.h>

int weir_fn_refuse(const struct weir_function *f, int i, struct weir_type t, const char *what,
                   struct weir_error *err)
{
    char text[64];
    return weir_fail(err, WEIR_ERR_BIND, "argument %d of %s is %s; it takes %s: %s", i + 1, f->name,
                     weir_type_text(t, text, sizeof text), what, f->signature);
}

static const struct arg_kind {
    char letter;
    enum weir_type_id to; /* what a NULL becomes, and what other accepted types are cast to */
    const char *what;
} kinds[] = {
    {'s', WEIR_TYPE_VARCHAR, "text"},
    {'S', WEIR_TYPE_VARCHAR, "text or bytes"},
    {'c', WEIR_TYPE_VARCHAR, "anything"},
    {'i', WEIR_TYPE_INT, "an integer"},
    {'l', WEIR_TYPE_BIGINT, "an integer"},
    {'d', WEIR_TYPE_DOUBLE, "a number"},
    {'n', WEIR_TYPE_DOUBLE, "a number"},
    {'e', WEIR_TYPE_INT, "an integer or DECIMAL"},
    {'B', WEIR_TYPE_BOOLEAN, "a BOOLEAN"},
    {'D', WEIR_TYPE_DATE, "a DATE"},
    {'T', WEIR_TYPE_TIMESTAMP, "a TIMESTAMP"},
    {'t', WEIR_TYPE_TIMESTAMP, "a DATE or TIMESTAMP"},
    {'u', WEIR_TYPE_TIMESTAMP, "a DATE, TIME or TIMESTAMP"},
    {'m', WEIR_TYPE_INTERVAL_MONTH, "an INTERVAL of months or years"},
    {'x', WEIR_TYPE_NULL, "anything"},
};

static const struct arg_kind *kind_of(char letter)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == letter) return &kinds[i];
    return NULL;
}

/* Is T of the kind as it stands? */
static bool fits(char letter, struct weir_type t)
{
    switch (letter) {
    case 's': return weir_type_is_text(t);
    case 'S': return weir_type_is_text(t) || weir_type_is_bytes(t);
    case 'c': return weir_type_is_text(t);
    case 'n': return weir_type_is_numeric(t);
    case 'e': return weir_type_is_exact(t);
    case 'T': return weir_type_is_timestamp(t);
    case 't': return weir_type_is_timestamp(t) || t.id == WEIR_TYPE_DATE;
    case 'u': return weir_type_is_timestamp(t) || t.id == WEIR_TYPE_DATE || t.id == WEIR_TYPE_TIME;
    case 'x': return true;
    default: return t.id == kind_of(letter)->to;
    }
}

/* May T be cast to the kind's type without being asked? */
static bool converts(char letter, struct weir_type t)
{
    switch (letter) {
    case 'c': return true;
    case 'i':
    case 'l': return weir_type_is_integer(t);
    case 'd': return weir_type_is_numeric(t);
    case 'D': return weir_type_is_timestamp(t);
    case 'T': return t.id == WEIR_TYPE_DATE;
    default: return t.id == WEIR_TYPE_NULL;
    }
}

static int infer_arg(const struct weir_function *f, int i, char letter, struct weir_type *arg,
                     struct weir_error *err)
{
    const struct arg_kind *k = kind_of(letter);
    if (fits(letter, *arg)) return WEIR_OK;
    if (arg->id != WEIR_TYPE_NULL && !converts(letter, *arg))
        return weir_fn_refuse(f, i, *arg, k->what, err);
    uint8_t nullable = arg->nullable;
    *arg = weir_type_make(k->to);
    arg->nullable = nullable;
    return WEIR_OK;
}

static struct weir_type result(char letter, const struct weir_type *arg)
{
    switch (letter) {
    case 's': return weir_type_string();
    case 'y': return weir_type_make(WEIR_TYPE_VARBINARY);
    case 'i': return weir_type_make(WEIR_TYPE_INT);
    case 'l': return weir_type_make(WEIR_TYPE_BIGINT);
    case 'd': return weir_type_make(WEIR_TYPE_DOUBLE);
    case 'B': return weir_type_make(WEIR_TYPE_BOOLEAN);
    case 'D': return weir_type_make(WEIR_TYPE_DATE);
    case 'C': return weir_type_make(WEIR_TYPE_TIME);
    case 'T': return weir_type_timestamp(3);
    case 'L': {
        struct weir_type t = weir_type_make(WEIR_TYPE_TIMESTAMP_LTZ);
        t.precision = 3;
        return t;
    }
    default: return arg[letter - '0'];
    }
}

int weir_fn_infer(const struct weir_function *f, int n, struct weir_type *arg,
                  struct weir_type *ret, struct weir_error *err)
{
    if (n < f->min_args || n > f->max_args)
        return weir_fail(err, WEIR_ERR_BIND, "%s takes %s arguments: %s", f->name,
                         n < f->min_args ? "more" : "fewer", f->signature);
    const char *spec = ((const struct fn_entry *)f)->spec;
    bool nullable = false;
    char letter = 'x';
    for (int i = 0; i < n; i++) {
        if (*spec == '[') spec++;
        if (*spec != '*') letter = *spec++;
        int rc = infer_arg(f, i, letter, &arg[i], err);
        if (rc) return rc;
        nullable |= arg[i].nullable;
    }
    const char *to = strchr(spec, ':') + 1;
    *ret = result(*to, arg);
    ret->nullable = nullable || to[1] == '?';
    return WEIR_OK;
}

/* ---- the common type ---- */

static int integer_digits(struct weir_type t)
{
    switch (t.id) {
    case WEIR_TYPE_TINYINT: return 3;
    case WEIR_TYPE_SMALLINT: return 5;
    case WEIR_TYPE_INT: return 10;
    case WEIR_TYPE_BIGINT: return 19;
    default: return t.precision - t.scale;
    }
}

static bool common_number(struct weir_type a, struct weir_type b, struct weir_type *out)
{
    bool f = weir_type_is_float(a) || weir_type_is_float(b);
    bool d = a.id == WEIR_TYPE_DECIMAL || b.id == WEIR_TYPE_DECIMAL;
    if (f) {
        bool wide = d || a.id == WEIR_TYPE_DOUBLE || b.id == WEIR_TYPE_DOUBLE;
        *out = weir_type_make(wide ? WEIR_TYPE_DOUBLE : WEIR_TYPE_FLOAT);
    } else if (d) {
        int x = integer_digits(a), y = integer_digits(b);
        int digits = x > y ? x : y, scale = a.scale > b.scale ? a.scale : b.scale;
        if (digits > WEIR_DECIMAL_MAX_P) digits = WEIR_DECIMAL_MAX_P;
        if (scale > WEIR_DECIMAL_MAX_P - digits) scale = WEIR_DECIMAL_MAX_P - digits;
        *out = weir_type_decimal(digits + scale, scale);
    } else {
        *out = a.id > b.id ? a : b;
    }
    return true;
}

static bool common_two(struct weir_type a, struct weir_type b, struct weir_type *out)
{
    if (a.id == WEIR_TYPE_NULL) a = b;
    if (b.id == WEIR_TYPE_NULL) b = a;
    if (weir_type_is_numeric(a) && weir_type_is_numeric(b)) {
        if (weir_type_same(a, b))
            *out = a;
        else
            return common_number(a, b, out);
        return true;
    }
    *out = a;
    if (weir_type_same(a, b)) return true;
    if ((weir_type_is_text(a) && weir_type_is_text(b)) ||
        (weir_type_is_bytes(a) && weir_type_is_bytes(b))) {
        *out = weir_type_make(weir_type_is_text(a) ? WEIR_TYPE_VARCHAR : WEIR_TYPE_VARBINARY);
        out->length = a.length > b.length ? a.length : b.length;
        return true;
    }
    if (a.id == WEIR_TYPE_DATE && weir_type_is_timestamp(b)) *out = b;
    if ((a.id == b.id && weir_type_is_timestamp(a)) || a.id == WEIR_TYPE_TIME) {
        if (b.precision > a.precision) *out = b;
        return a.id == b.id;
    }
    return (a.id == WEIR_TYPE_DATE && weir_type_is_timestamp(b)) ||
           (b.id == WEIR_TYPE_DATE && weir_type_is_timestamp(a));
}

bool weir_fn_common_type(int n, const struct weir_type *t, struct weir_type *out)
{
    bool nullable = false;
    *out = t[0];
    for (int i = 0; i < n; i++) {
        nullable |= t[i].nullable;
        if (!common_two(*out, t[i], out)) return false;
    }
    out->nullable = nullable;
    return true;
}
