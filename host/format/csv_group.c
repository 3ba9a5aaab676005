/* The quick way through CSV: several hundred records that look well-formed are decoded column by
   column, each type in a loop of its own with the usual shapes of its values (up to 16 digits,
   YYYY-MM-DD, ...) taken in a few instructions and all others by the parsers of
   runtime/column/text.h. Nothing here reports an error: when a value is none, the group is undone
   and csv_read.c goes through it record by record. */
#include <string.h>

#include "host/format/csv_decoder.h"
#include "runtime/column/text.h"

struct span {
    const char *p;
    size_t n;
};

/* ---- which records ---- */

/* All quotes of the record are the first and last bytes of fields: so none is inside, none is
 * doubled. */
static bool quotes_are_outside(const struct csv_decoder *d, const struct weir_window *w,
                               uint32_t first, uint32_t last, size_t start, uint32_t quotes)
{
    uint32_t quoted = 0;
    for (uint32_t i = first; i <= last; i++) {
        size_t end = d->ix.pos[i];
        if (i == last && end > start && w->data[end - 1] == '\r') end--;
        quoted +=
            end >= start + 2 && w->data[start] == d->o->quote && w->data[end - 1] == d->o->quote;
        start = (size_t)d->ix.pos[i] + 1;
    }
    return quotes == 2 * quoted;
}

static void collect(struct csv_decoder *d, const struct weir_window *w, uint32_t max)
{
    struct csv_group *g = &d->group;
    uint32_t first = d->first, quotes = d->quotes;
    size_t start = d->start;
    g->n = 0;
    g->quotes = false;
    if (max > CSV_GROUP_ROWS) max = CSV_GROUP_ROWS;
    for (uint32_t r = d->record; r < d->ix.n_records && g->n < max && start < w->limit; r++) {
        const struct weir_csv_record *record = &d->ix.record[r];
        size_t end = d->ix.pos[record->last];
        if (record->last - first + 1 != (uint32_t)d->n_fields || end >= w->len) break;
        if (end - start > d->o->max_record_bytes) break;
        if (record->quotes != quotes) {
            if (!quotes_are_outside(d, w, first, record->last, start, record->quotes - quotes))
                break;
            g->quotes = true;
        }
        g->first[g->n] = first;
        g->start[g->n++] = (uint32_t)start;
        quotes = record->quotes;
        first = record->last + 1;
        start = end + 1;
    }
}

/* Field F of record I without its quotes; *QUOTED when it had some. */
static inline struct span field(const struct csv_decoder *d, const char *data, uint32_t i,
                                uint32_t f, bool *quoted)
{
    const struct csv_group *g = &d->group;
    uint32_t k = g->first[i] + f;
    size_t from = f ? (size_t)d->ix.pos[k - 1] + 1 : g->start[i], to = d->ix.pos[k];
    *quoted = false;
    if (f + 1 == (uint32_t)d->n_fields && to > from && data[to - 1] == '\r') to--;
    if (g->quotes && to > from && data[from] == d->o->quote) {
        *quoted = true;
        from++;
        to--;
    }
    return (struct span){data + from, to - from};
}

static inline bool is_null(const struct csv_decoder *d, struct span s, bool quoted,
                           bool empty_is_null)
{
    if (quoted) return false;
    if (s.n == 0 && empty_is_null) return true;
    const char *literal = d->o->null_literal;
    return literal && d->null_length == s.n && memcmp(literal, s.p, s.n) == 0;
}

/* ---- usual shapes; every one may read up to WEIR_DECODE_PADDING bytes behind its text ---- */

/* N = 1 … 8 digits. */
static inline bool digits8(const char *p, size_t n, uint64_t *out)
{
    uint64_t word;
    memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    unsigned shift = 64 - 8 * (unsigned)n;
    word = (word << shift) ^ (0x3030303030303030u << shift); /* digits, with zeros in front */
    if (((word + 0x7676767676767676u) | word) & 0x8080808080808080u) return false;
    word = word * 10 + (word >> 8);
    word = (((word & 0x000000FF000000FFu) * 0x000F424000000064u) +
            ((word >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
           32;
    *out = word;
    return true;
}

/* N = 1 … 16 digits. */
static inline bool digits16(const char *p, size_t n, uint64_t *out)
{
    uint64_t high, low;
    if (n <= 8) return n && digits8(p, n, out);
    if (n > 16 || !digits8(p, n - 8, &high) || !digits8(p + n - 8, 8, &low)) return false;
    *out = high * 100000000u + low;
    return true;
}

static inline bool integer(struct span s, int bits, int64_t *out)
{
    bool negative = s.n && *s.p == '-';
    uint64_t v;
    if (!digits16(s.p + negative, s.n - negative, &v))
        return weir_text_parse_int(s.p, s.n, bits, out) == 0;
    if (v > ((uint64_t)1 << (bits - 1)) - !negative) return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static const int64_t pow10_i64[] = {1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000};

/* digits[.digits] of at most 15 digits without sign: all digits as one integer, and how many follow
   the point. */
static inline bool fixed_point(const char *p, size_t n, uint64_t *out, unsigned *after)
{
    uint64_t whole, rest;
    size_t dot = 0;
    if (n > 16) return false;
    while (dot < n && p[dot] != '.') dot++;
    if (!digits16(p, dot, &whole)) return false;
    *after = 0;
    *out = whole;
    if (dot == n) return dot <= 15;
    *after = (unsigned)(n - dot - 1);
    if (!digits16(p + dot + 1, *after, &rest)) return false;
    *out = whole * (uint64_t)pow10_i64[*after] + rest;
    return true;
}

static inline bool decimal(struct span s, struct weir_type t, int64_t *out)
{
    bool negative = s.n && *s.p == '-';
    uint64_t v;
    unsigned after;
    if (fixed_point(s.p + negative, s.n - negative, &v, &after) && after <= t.scale) {
        weir_i128 scaled = (weir_i128)v * pow10_i64[t.scale - after];
        if (scaled >= pow10_i64[t.precision]) return false;
        *out = negative ? -(int64_t)scaled : (int64_t)scaled;
        return true;
    }
    weir_i128 wide;
    if (weir_text_parse_decimal(s.p, s.n, t.precision, t.scale, &wide)) return false;
    *out = (int64_t)wide;
    return true;
}

/* At most 15 digits and a power of ten that is exact: one division rounds correctly (Clinger). */
static inline bool real(struct span s, double *out)
{
    bool negative = s.n && *s.p == '-';
    uint64_t v;
    unsigned after;
    if (!fixed_point(s.p + negative, s.n - negative, &v, &after))
        return weir_text_parse_double(s.p, s.n, out) == 0;
    double d = (double)(int64_t)v / (double)pow10_i64[after];
    *out = negative ? -d : d;
    return true;
}

/* ---- columns ---- */

/* Numbers and times that are held in an int64 or narrower: values and NULLs of the group, false
   when one is none. */
static bool parse_integers(struct csv_decoder *d, const char *data, uint32_t f, struct weir_type t)
{
    struct csv_scratch *x = &d->values;
    int32_t days = 0;
    bool quoted, ok = true;
    int bits = 8 * (int)weir_phys_size(weir_type_phys(t));
    for (uint32_t i = 0; i < d->group.n && ok; i++) {
        struct span s = field(d, data, i, f, &quoted);
        x->i[i] = 0;
        x->null[i] = is_null(d, s, quoted, true);
        if (x->null[i]) continue;
        switch ((enum weir_type_id)t.id) {
        case WEIR_TYPE_DECIMAL: ok = decimal(s, t, &x->i[i]); break;
        case WEIR_TYPE_DATE:
            ok = weir_text_parse_date(s.p, s.n, &days) == 0;
            x->i[i] = days;
            break;
        case WEIR_TYPE_TIME: ok = weir_text_parse_time(s.p, s.n, 3, &x->i[i]) == 0; break;
        case WEIR_TYPE_TIMESTAMP:
            ok = weir_text_parse_timestamp(s.p, s.n, 6, false, &x->i[i]) == 0;
            break;
        case WEIR_TYPE_TIMESTAMP_LTZ:
            ok = weir_text_parse_timestamp(s.p, s.n, 6, true, &x->i[i]) == 0;
            break;
        default: ok = integer(s, bits, &x->i[i]); break;
        }
    }
    return ok;
}

static bool parse_reals(struct csv_decoder *d, const char *data, uint32_t f, struct weir_type t)
{
    struct csv_scratch *x = &d->values;
    bool quoted, ok = true;
    for (uint32_t i = 0; i < d->group.n && ok; i++) {
        struct span s = field(d, data, i, f, &quoted);
        x->f[i] = 0;
        x->f32[i] = 0;
        x->null[i] = is_null(d, s, quoted, true);
        if (x->null[i]) continue;
        ok = t.id == WEIR_TYPE_DOUBLE ? real(s, &x->f[i])
                                      : weir_text_parse_float(s.p, s.n, &x->f32[i]) == 0;
    }
    return ok;
}

/* Texts one after the other in d->scratch, 16 bytes at a time, which may run over into the next
 * one's room. */
static bool gather_texts(struct csv_decoder *d, const char *data, uint32_t f, size_t bytes)
{
    struct csv_scratch *x = &d->values;
    bool quoted;
    int32_t used = 0;
    d->scratch.len = 0;
    if (!weir_buf_reserve(&d->scratch, bytes + 64)) {
        d->scratch.oom = false; /* the careful way needs less, or says so */
        return false;
    }
    char *out = d->scratch.data;
    for (uint32_t i = 0; i < d->group.n; i++) {
        struct span s = field(d, data, i, f, &quoted);
        x->offset[i] = used;
        x->null[i] = is_null(d, s, quoted, false);
        if (x->null[i]) continue;
        if (s.n > 64)
            memcpy(out + used, s.p, s.n);
        else
            for (size_t k = 0; k < s.n; k += 16) memcpy(out + used + k, s.p + k, 16);
        used += (int32_t)s.n;
    }
    x->offset[d->group.n] = used;
    return true;
}

/* Where the values are, in the width of the column. */
static const void *narrow(struct csv_scratch *x, enum weir_phys phys, uint32_t n)
{
    switch (phys) {
    case WEIR_PHYS_I8:
        for (uint32_t i = 0; i < n; i++) x->i8[i] = (int8_t)x->i[i];
        return x->i8;
    case WEIR_PHYS_I16:
        for (uint32_t i = 0; i < n; i++) x->i16[i] = (int16_t)x->i[i];
        return x->i16;
    case WEIR_PHYS_I32:
        for (uint32_t i = 0; i < n; i++) x->i32[i] = (int32_t)x->i[i];
        return x->i32;
    case WEIR_PHYS_F32: return x->f32;
    case WEIR_PHYS_F64: return x->f;
    case WEIR_PHYS_STR: return x->offset;
    default: return x->i;
    }
}

/* Append what d->values holds; false when there is a NULL in a column that takes none. */
static bool append(struct csv_decoder *d, struct weir_builder *b, int c, struct weir_type t)
{
    struct csv_scratch *x = &d->values;
    uint32_t n = d->group.n;
    struct weir_column col = {
        .type = t, .values = narrow(x, weir_type_phys(t), n), .data = d->scratch.data};
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) any |= x->null[i];
    if (any && !t.nullable) return false;
    if (any) {
        memset(x->validity, 0xff, sizeof x->validity);
        for (uint32_t i = 0; i < n; i++) {
            if (x->null[i]) weir_bit_clear(x->validity, i);
        }
        col.validity = x->validity;
    }
    weir_builder_copy(b, c, &col, 0, n);
    return true;
}

/* Types without a loop of their own. */
static bool decode_others(struct csv_decoder *d, const char *data, uint32_t f, struct weir_type t,
                          struct weir_builder *b, int c)
{
    bool quoted, ok = true;
    for (uint32_t i = 0; i < d->group.n && ok; i++) {
        struct span s = field(d, data, i, f, &quoted);
        if (is_null(d, s, quoted, true)) {
            ok = t.nullable;
            weir_builder_null(b, c);
        } else {
            ok = weir_decode_text(b, c, t, s.p, s.n, &d->scratch) == 0;
        }
    }
    return ok;
}

static bool decode_column(struct csv_decoder *d, const char *data, size_t bytes,
                          struct weir_builder *b, int c)
{
    struct weir_type t = d->cols->schema->field[d->cols->column[c]].type;
    uint32_t f = (uint32_t)d->field[c];
    switch (weir_type_phys(t)) {
    case WEIR_PHYS_BOOL:
    case WEIR_PHYS_I128: return decode_others(d, data, f, t, b, c);
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return parse_reals(d, data, f, t) && append(d, b, c, t);
    case WEIR_PHYS_STR:
        if (!weir_type_is_text(t)) return decode_others(d, data, f, t, b, c);
        return gather_texts(d, data, f, bytes) && append(d, b, c, t);
    default: return parse_integers(d, data, f, t) && append(d, b, c, t);
    }
}

uint32_t csv_decode_group(struct csv_decoder *d, const struct weir_window *w, uint32_t max,
                          struct weir_builder *b)
{
    if (d->careful) {
        d->careful--;
        return 0;
    }
    if (d->o->comments || d->ix.nul) return 0;
    collect(d, w, max);
    uint32_t n = d->group.n, before = weir_builder_rows(b);
    if (!n) return 0;
    uint32_t last = d->record + n - 1;
    size_t end = (size_t)d->ix.pos[d->ix.record[last].last] + 1, bytes = end - d->start;
    bool ok = !d->ix.non_ascii || weir_text_is_utf8(w->data + d->start, bytes);
    for (int c = 0; c < d->cols->n && ok; c++) ok = decode_column(d, w->data, bytes, b, c);
    if (!ok) {
        weir_builder_truncate(b, before);
        d->careful = n - 1;
        return 0;
    }
    d->base.last_record = d->group.start[n - 1];
    d->start = end;
    d->first = d->ix.record[last].last + 1;
    d->quotes = d->ix.record[last].quotes;
    d->record += n;
    return n;
}
