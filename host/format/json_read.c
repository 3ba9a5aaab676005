/* JSON lines to rows: a line is cut out, parsed to the texts of the wanted fields, and each text
   becomes a value as it would from CSV, after a look at what kind of JSON value it was. */
#include <string.h>

#include "host/format/json.h"
#include "host/format/json_parse.h"

struct json_decoder {
    struct weir_decoder base;
    const struct weir_json_options *o;
    const struct weir_decode_columns *cols;
    const char **names; /* [cols->n] */
    struct weir_json_parser *parser;
    struct weir_json_cell *cells; /* [cols->n] */
    struct weir_buf scratch;
};

/* Does the JSON value have a form of TYPE at all? Its text is looked at afterwards. */
static bool fits(struct weir_type type, enum weir_json_kind kind)
{
    if (kind == WEIR_JSON_STRING || weir_type_is_text(type)) return true;
    if (kind == WEIR_JSON_BOOL) return type.id == WEIR_TYPE_BOOLEAN;
    if (kind == WEIR_JSON_NUMBER) return weir_type_is_numeric(type);
    return false;
}

static int decode_cell(struct json_decoder *d, struct weir_builder *b, int c,
                       struct weir_error *err)
{
    const struct weir_json_cell *cell = &d->cells[c];
    const struct weir_field *f = &d->cols->schema->field[d->cols->column[c]];
    if (cell->kind == WEIR_JSON_ABSENT && d->o->fail_on_missing)
        return weir_fail(err, WEIR_ERR_DATA, "the field \"%s\" is missing", f->name);
    if (cell->kind == WEIR_JSON_ABSENT || cell->kind == WEIR_JSON_NULL) {
        if (!f->type.nullable)
            return weir_fail(err, WEIR_ERR_DATA,
                             "the field \"%s\" is %s, and the column is NOT NULL", f->name,
                             cell->kind == WEIR_JSON_NULL ? "null" : "missing");
        weir_builder_null(b, c);
        return 0;
    }
    int rc = -1; /* WEIR_TEXT_SYNTAX */
    if (fits(f->type, cell->kind))
        rc = weir_decode_text(b, c, f->type, cell->text, cell->len, &d->scratch);
    return rc ? weir_decode_failed(rc, f, 0, cell->text, cell->len, err) : 0;
}

static int decode_line(struct json_decoder *d, const char *line, size_t n, struct weir_builder *b,
                       struct weir_error *err)
{
    const char *why = "";
    int rc = weir_json_parse(d->parser, line, n, d->cells, &why);
    if (rc == WEIR_ERR_NOMEM) return weir_fail_nomem(err, n, "parsing JSON");
    if (rc) {
        char shown[WEIR_EXCERPT];
        return weir_fail(err, rc, "broken JSON: %s: %s", why, weir_excerpt(line, n, shown));
    }
    for (int c = 0; c < d->cols->n && !rc; c++) rc = decode_cell(d, b, c, err);
    return rc;
}

static bool is_blank(const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
    }
    return true;
}

/* The end of the line that starts at START: 1, 0 when the window must be larger, or an error. */
static int line_end(struct json_decoder *d, const struct weir_window *w, size_t start, size_t *end,
                    struct weir_error *err)
{
    const char *p = memchr(w->data + start, '\n', w->len - start);
    *end = p ? (size_t)(p - w->data) : w->len;
    if (*end - start > d->o->max_record_bytes) {
        d->base.error_at = start;
        return weir_fail(
            err, WEIR_ERR_DATA,
            "a line of more than %zu bytes; if it is right, raise 'format.max-record-bytes'",
            d->o->max_record_bytes);
    }
    return p || (w->last && start < w->len);
}

static int decode(struct weir_decoder *base, const struct weir_window *w, uint32_t max_rows,
                  struct weir_builder *b, size_t *used, uint32_t *rows, struct weir_error *err)
{
    struct json_decoder *d = (struct json_decoder *)base;
    uint32_t before = weir_builder_rows(b), n = 0;
    size_t start = 0, end;
    struct weir_error own;
    if (!err) err = &own; /* a line that is skipped needs a message too */
    int rc = 0;
    while (n < max_rows && start < w->limit && (rc = line_end(d, w, start, &end, err)) > 0) {
        rc = 0;
        if (!is_blank(w->data + start, end - start)) {
            base->error_at = start;
            rc = decode_line(d, w->data + start, end - start, b, err);
            if (rc == WEIR_ERR_DATA && d->o->ignore_errors) {
                weir_builder_truncate(b, before + n);
                weir_decoder_skip(base, w->data + start, end - start, err);
                rc = 0;
            } else if (rc) {
                break;
            } else {
                base->last_record = start;
                n++;
            }
        }
        start = end < w->len ? end + 1 : end;
    }
    if (d->cols->n == 0) weir_builder_set_rows(b, before + n);
    *used = start;
    *rows = n;
    return rc < 0 ? rc : 0;
}

static void json_free(struct weir_decoder *base)
{
    struct json_decoder *d = (struct json_decoder *)base;
    if (!d) return;
    weir_json_parser_free(d->parser);
    weir_buf_release(&d->scratch);
    weir_free(d->names);
    weir_free(d->cells);
    weir_free(d);
}

static const struct weir_decoder_ops json_ops = {.decode = decode, .free = json_free};

int weir_json_decoder_new(const struct weir_json_options *options,
                          const struct weir_decode_columns *cols, struct weir_decoder **out,
                          struct weir_error *err)
{
    struct json_decoder *d = weir_calloc(1, sizeof *d);
    size_t n = (size_t)cols->n;
    *out = NULL;
    if (!d) return weir_fail_nomem(err, sizeof *d, "opening a JSON file");
    d->base.ops = &json_ops;
    d->o = options;
    d->cols = cols;
    d->names = weir_malloc(n * sizeof *d->names);
    d->cells = weir_malloc(n * sizeof *d->cells);
    if (d->names && d->cells) {
        for (size_t c = 0; c < n; c++) d->names[c] = cols->schema->field[cols->column[c]].name;
        d->parser = weir_json_parser_new(d->names, n);
    }
    if (!d->parser) {
        json_free(&d->base);
        return weir_fail_nomem(err, n * sizeof *d->cells, "opening a JSON file");
    }
    *out = &d->base;
    return 0;
}
