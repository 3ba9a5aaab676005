/* CSV records to rows. The index says where fields and records end; a record without quotes needs
   no further look at its text than the values' own parsers take, one with quotes is checked field
   by field. Record ends depend only on the parity of quotes, so a broken record changes nothing
   about where others begin. */
#include <string.h>

#include "host/format/csv_decoder.h"
#include "runtime/column/text.h"

/* A field's bytes, still quoted if it was. */
struct span {
    const char *p;
    size_t n;
};

static void restart(struct csv_decoder *d)
{
    uint32_t *pos = d->ix.pos;
    struct weir_csv_record *record = d->ix.record;
    uint32_t cap_pos = d->ix.cap_pos, cap_records = d->ix.cap_records;
    d->ix = (struct weir_csv_index){
        .pos = pos, .cap_pos = cap_pos, .record = record, .cap_records = cap_records};
    d->first = d->record = d->quotes = d->careful = 0;
    d->indexed = d->start = 0;
}

/* All records that are indexed are used up: keep the positions of the one that is not complete. */
static void compact(struct csv_decoder *d)
{
    uint32_t rest = d->ix.n_pos - d->first;
    if (rest) memmove(d->ix.pos, d->ix.pos + d->first, rest * sizeof *d->ix.pos);
    d->ix.n_pos = rest;
    d->ix.n_records = 0;
    d->first = d->record = 0;
}

/* Where the field that is being read at the end of the window began, and with it an open quote. */
static size_t open_field(const struct csv_decoder *d)
{
    return d->ix.n_pos > d->first ? (size_t)d->ix.pos[d->ix.n_pos - 1] + 1 : d->start;
}

/* OPEN: its end has not come yet. */
static int too_long(struct csv_decoder *d, bool open, struct weir_error *err)
{
    bool quote = open && d->ix.inside;
    d->base.error_at = quote ? open_field(d) : d->start;
    return weir_fail(
        err, WEIR_ERR_DATA,
        "a record of more than %zu bytes%s; if it is right, raise 'format.max-record-bytes'",
        d->o->max_record_bytes, quote ? ", with a quote that is not closed" : "");
}

/* Make the record that starts at d->start complete. 1 = it is, 0 = there is none in the window. */
static int next_record(struct csv_decoder *d, const struct weir_window *w, struct weir_error *err)
{
    while (d->record == d->ix.n_records) {
        if (d->indexed < w->len) {
            size_t to = d->indexed + WEIR_CSV_STRIDE;
            if (to > w->len) to = w->len;
            compact(d);
            if (!weir_csv_index(&d->ix, d->o, w->data, d->indexed, to))
                return weir_fail_nomem(err, WEIR_CSV_STRIDE * 8, "scanning CSV");
            d->indexed = to;
            continue;
        }
        if (w->len - d->start > d->o->max_record_bytes) return too_long(d, true, err);
        if (!w->last || d->start == w->len) return 0;
        /* The last record of the file, without a line end; the index has room for one more. */
        d->ix.record[d->ix.n_records++] = (struct weir_csv_record){d->ix.n_pos, d->ix.quotes};
        d->ix.pos[d->ix.n_pos++] = (uint32_t)w->len;
    }
    if (d->ix.pos[d->ix.record[d->record].last] - d->start > d->o->max_record_bytes)
        return too_long(d, false, err);
    return 1;
}

static uint32_t record_fields(const struct csv_decoder *d)
{
    return d->ix.record[d->record].last - d->first + 1;
}

static struct span field_span(const struct csv_decoder *d, const struct weir_window *w, uint32_t f)
{
    size_t from = f ? (size_t)d->ix.pos[d->first + f - 1] + 1 : d->start;
    uint32_t last = d->ix.record[d->record].last;
    size_t to = d->ix.pos[d->first + f];
    if (d->first + f == last && to > from && w->data[to - 1] == '\r') to--;
    return (struct span){w->data + from, to - from};
}

static void advance(struct csv_decoder *d, const struct weir_window *w)
{
    const struct weir_csv_record *r = &d->ix.record[d->record];
    size_t end = d->ix.pos[r->last];
    d->start = end < w->len ? end + 1 : end;
    d->first = r->last + 1;
    d->quotes = r->quotes;
    d->record++;
}

/* ---- quotes ---- */

/* The field is well-formed: no quote at all, or one at each end and doubled ones between. */
static int check_quotes(struct csv_decoder *d, const struct weir_window *w, struct span s,
                        uint32_t f, struct weir_error *err)
{
    char q = d->o->quote, shown[WEIR_EXCERPT];
    const char *what =
        "a quote inside a field without quotes (put the field in quotes and double it)";
    const char *p = s.n ? memchr(s.p, q, s.n) : NULL;
    if (!p) return 0;
    d->base.error_at = (size_t)(p - w->data);
    if (p == s.p) {
        if (d->ix.inside && w->last && s.p + s.n >= w->data + w->len - 1)
            return weir_fail(err, WEIR_ERR_DATA,
                             "field %u: the quote that opens here is never closed", f + 1);
        const char *end = s.p + s.n - 1;
        what = "text after the closing quote (a quote inside a field must be doubled)";
        bool closed = end > s.p && *end == q;
        for (p = s.p + 1; closed && p < end; p++) {
            if (*p != q) continue;
            if (++p == end || *p != q) closed = false;
        }
        if (closed) return 0;
    }
    const char *line = memchr(s.p, '\n', s.n); /* a stray quote may have swallowed many */
    return weir_fail(err, WEIR_ERR_DATA, "field %u: \"%s\": %s", f + 1,
                     weir_excerpt(s.p, line ? (size_t)(line - s.p) : s.n, shown), what);
}

static int check_record_quotes(struct csv_decoder *d, const struct weir_window *w,
                               struct weir_error *err)
{
    uint32_t n = record_fields(d);
    int rc = 0;
    for (uint32_t f = 0; f < n && !rc; f++) rc = check_quotes(d, w, field_span(d, w, f), f, err);
    return rc;
}

/* The contents of a field that check_quotes found well-formed; doubled quotes become one. */
static int unquote(struct csv_decoder *d, struct span *s, bool *quoted, struct weir_error *err)
{
    *quoted = s->n && *s->p == d->o->quote;
    if (!*quoted) return 0;
    s->p++;
    s->n -= 2;
    const char *inner = s->n ? memchr(s->p, d->o->quote, s->n) : NULL;
    if (!inner) return 0;
    d->unquoted.len = 0;
    if (!weir_buf_reserve(&d->unquoted, s->n)) {
        d->unquoted.oom = false;
        return weir_fail_nomem(err, s->n, "reading a CSV field");
    }
    char *out = d->unquoted.data;
    for (size_t i = 0; i < s->n; i++) {
        *out++ = s->p[i];
        if (s->p[i] == d->o->quote) i++;
    }
    *s = (struct span){d->unquoted.data, (size_t)(out - d->unquoted.data)};
    return 0;
}

/* ---- values ---- */

static bool is_null(const struct csv_decoder *d, struct weir_type type, struct span s, bool quoted)
{
    if (quoted) return false;
    const char *literal = d->o->null_literal;
    if (literal && strlen(literal) == s.n && memcmp(literal, s.p, s.n) == 0) return true;
    return s.n == 0 && !weir_type_is_text(type);
}

static int decode_field(struct csv_decoder *d, const struct weir_window *w, struct weir_builder *b,
                        int c, bool quotes, struct weir_error *err)
{
    const struct weir_field *field = &d->cols->schema->field[d->cols->column[c]];
    struct span s = field_span(d, w, (uint32_t)d->field[c]);
    bool quoted = false;
    size_t at = (size_t)(s.p - w->data);
    int rc = quotes ? unquote(d, &s, &quoted, err) : 0;
    if (rc) return rc;
    if (is_null(d, field->type, s, quoted)) {
        if (field->type.nullable) {
            weir_builder_null(b, c);
            return 0;
        }
        d->base.error_at = at;
        return weir_fail(err, WEIR_ERR_DATA,
                         "column \"%s\" (field %d): is NULL, and the column is NOT NULL",
                         field->name, d->field[c] + 1);
    }
    if (d->ix.non_ascii && weir_type_is_text(field->type) && !weir_text_is_utf8(s.p, s.n)) {
        char shown[WEIR_EXCERPT];
        d->base.error_at = at;
        return weir_fail(
            err, WEIR_ERR_DATA,
            "column \"%s\" (field %d): \"%s\" is not UTF-8 (convert the file with iconv)",
            field->name, d->field[c] + 1, weir_excerpt(s.p, s.n, shown));
    }
    rc = weir_decode_text(b, c, field->type, s.p, s.n, &d->scratch);
    if (!rc) return 0;
    d->base.error_at = at;
    return weir_decode_failed(rc, field, d->field[c] + 1, s.p, s.n, err);
}

static int decode_record(struct csv_decoder *d, const struct weir_window *w, struct weir_builder *b,
                         struct weir_error *err)
{
    uint32_t n = record_fields(d);
    size_t end = d->ix.pos[d->ix.record[d->record].last];
    bool quotes = d->ix.record[d->record].quotes != d->quotes;
    int rc = 0;
    d->base.error_at = d->start;
    const char *nul = d->ix.nul ? memchr(w->data + d->start, 0, end - d->start) : NULL;
    if (nul) {
        d->base.error_at = (size_t)(nul - w->data);
        return weir_fail(err, WEIR_ERR_DATA, "a NUL byte (is this a text file?)");
    }
    if (quotes && (rc = check_record_quotes(d, w, err))) return rc;
    if (n != (uint32_t)d->n_fields)
        return weir_fail(err, WEIR_ERR_DATA, "%u field%s, where %d %s expected", n,
                         n == 1 ? "" : "s", d->n_fields, d->n_fields == 1 ? "is" : "are");
    for (int c = 0; c < d->cols->n && !rc; c++) rc = decode_field(d, w, b, c, quotes, err);
    return rc;
}

/* Empty lines (where one field is not all there is) and comments are no records. */
static bool is_filler(const struct csv_decoder *d, const struct weir_window *w)
{
    struct span s = field_span(d, w, 0);
    if (d->o->comments && s.n && *s.p == '#') return true;
    return s.n == 0 && record_fields(d) == 1 && d->n_fields > 1;
}

static int decode(struct weir_decoder *base, const struct weir_window *w, uint32_t max_rows,
                  struct weir_builder *b, size_t *used, uint32_t *rows, struct weir_error *err)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    uint32_t before = weir_builder_rows(b), n = 0;
    struct weir_error own;
    if (!err) err = &own; /* a record that is skipped needs a message too */
    int rc = 0;
    restart(d);
    while (n < max_rows && d->start < w->limit && (rc = next_record(d, w, err)) > 0) {
        uint32_t quick = csv_decode_group(d, w, max_rows - n, b);
        n += quick;
        if (quick) continue;
        rc = is_filler(d, w) ? 0 : decode_record(d, w, b, err);
        if (rc == WEIR_ERR_DATA && d->o->ignore_errors) {
            weir_builder_truncate(b, before + n);
            size_t end = d->ix.pos[d->ix.record[d->record].last];
            weir_decoder_skip(base, w->data + d->start, end - d->start, err);
            rc = 0;
        } else if (rc) {
            break;
        } else if (!is_filler(d, w)) {
            base->last_record = d->start;
            n++;
        }
        advance(d, w);
    }
    if (rc > 0) rc = 0;
    if (d->cols->n == 0) weir_builder_set_rows(b, before + n);
    *used = d->start;
    *rows = n;
    return rc;
}

/* ---- the header ---- */

static int header_names(struct csv_decoder *d, const struct weir_window *w, struct weir_error *err)
{
    uint32_t n = record_fields(d);
    bool quotes = d->ix.quotes != 0;
    int rc = quotes ? check_record_quotes(d, w, err) : 0;
    if (rc) return rc;
    struct weir_buf names = {0};
    d->n_fields = (int)n;
    for (int c = 0; c < d->cols->n; c++) d->field[c] = -1;
    for (uint32_t f = 0; f < n && !rc; f++) {
        struct span s = field_span(d, w, f);
        bool quoted;
        rc = unquote(d, &s, &quoted, err);
        char shown[WEIR_EXCERPT];
        weir_buf_printf(&names, "%s\"%s\"", f ? ", " : "", weir_excerpt(s.p, s.n, shown));
        for (int c = 0; c < d->cols->n; c++) {
            const char *name = d->cols->schema->field[d->cols->column[c]].name;
            if (strlen(name) == s.n && memcmp(name, s.p, s.n) == 0) d->field[c] = (int)f;
        }
    }
    for (int c = 0; c < d->cols->n && !rc; c++) {
        if (d->field[c] >= 0) continue;
        d->base.error_at = 0;
        rc = weir_fail(err, WEIR_ERR_DATA, "the header has no column \"%s\"; it has %s",
                       d->cols->schema->field[d->cols->column[c]].name,
                       names.data ? names.data : "none");
    }
    weir_buf_release(&names);
    return rc;
}

static int begin_file(struct weir_decoder *base, const struct weir_window *w, size_t *used,
                      struct weir_error *err)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    *used = 0;
    if (!d->o->header && !d->o->ignore_first_line) return 1;
    restart(d);
    for (;;) {
        int rc = next_record(d, w, err);
        if (rc < 0) return rc;
        if (rc == 0) return w->last ? 1 : 0; /* an empty file has no header and no rows */
        bool comment = d->o->comments && d->start < w->len && w->data[d->start] == '#';
        if (!comment && d->o->header) rc = header_names(d, w, err);
        if (rc < 0) return rc;
        advance(d, w);
        *used = d->start;
        if (!comment) return 1;
    }
}

static void csv_free(struct weir_decoder *base)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    if (!d) return;
    weir_csv_index_release(&d->ix);
    weir_buf_release(&d->unquoted);
    weir_buf_release(&d->scratch);
    weir_free(d->field);
    weir_free(d);
}

static const struct weir_decoder_ops csv_ops = {
    .begin_file = begin_file, .decode = decode, .free = csv_free};

int weir_csv_decoder_new(const struct weir_csv_options *options,
                         const struct weir_decode_columns *cols, struct weir_decoder **out,
                         struct weir_error *err)
{
    struct csv_decoder *d = weir_calloc(1, sizeof *d);
    *out = NULL;
    if (!d) return weir_fail_nomem(err, sizeof *d, "opening a CSV file");
    d->field = weir_malloc((size_t)cols->n * sizeof *d->field);
    if (!d->field) {
        csv_free(&d->base);
        return weir_fail_nomem(err, (size_t)cols->n * sizeof *d->field, "opening a CSV file");
    }
    d->base.ops = &csv_ops;
    d->o = options;
    d->cols = cols;
    d->n_fields = cols->schema->n;
    d->null_length = options->null_literal ? strlen(options->null_literal) : 0;
    for (int c = 0; c < cols->n; c++) d->field[c] = cols->column[c];
    *out = &d->base;
    return 0;
}
