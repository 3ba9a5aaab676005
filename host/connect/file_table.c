/* The options of a 'filesystem' table. */
#include "host/connect/file_table.h"

#include <string.h>

static const char *const general_keys[] = {"path",
                                           "format",
                                           "format.ignore-parse-errors",
                                           "format.parse-errors-path",
                                           "format.max-record-bytes",
                                           "source.min-split-bytes",
                                           NULL};
static const char *const csv_keys[] = {
    "csv.field-delimiter", "csv.quote-character",     "csv.disable-quote-character",
    "csv.null-literal",    "csv.ignore-parse-errors", "csv.allow-comments",
    "csv.header",          "csv.ignore-first-line",   NULL};
static const char *const json_keys[] = {"json.ignore-parse-errors", "json.fail-on-missing-field",
                                        "json.timestamp-format.standard", NULL};
static const char *const formats[] = {"csv", "json", NULL};

static int csv_options(const struct weir_table_spec *t, struct weir_file_table *out,
                       struct weir_error *err)
{
    struct weir_csv_options *o = &out->csv;
    bool no_quotes = false;
    int rc = weir_option_char(t, "csv.field-delimiter", &o->delimiter, err);
    if (!rc) rc = weir_option_char(t, "csv.quote-character", &o->quote, err);
    if (!rc) rc = weir_option_bool(t, "csv.disable-quote-character", &no_quotes, err);
    if (!rc) rc = weir_option_bool(t, "csv.ignore-parse-errors", &o->ignore_errors, err);
    if (!rc) rc = weir_option_bool(t, "csv.allow-comments", &o->comments, err);
    if (!rc) rc = weir_option_bool(t, "csv.header", &o->header, err);
    if (!rc) rc = weir_option_bool(t, "csv.ignore-first-line", &o->ignore_first_line, err);
    if (rc) return rc;
    const char *null_literal = weir_option_get(t, "csv.null-literal");
    if (null_literal) {
        out->null_literal = weir_strdup(null_literal);
        if (!out->null_literal)
            return weir_fail_nomem(err, strlen(null_literal), "copying options");
        o->null_literal = out->null_literal;
    }
    if (no_quotes) o->quote = 0;
    if (o->delimiter == '\n' || o->delimiter == '\r' || o->delimiter == o->quote)
        return weir_option_fail(t, "csv.field-delimiter", err,
                                "the delimiter cannot be a line end or the quote character");
    if (o->comments &&
        (o->delimiter == '#' || o->quote == '#' || (null_literal && *null_literal == '#')))
        return weir_option_fail(t, "csv.allow-comments", err,
                                "then '#' cannot be delimiter, quote or start of the null literal");
    if (o->quote == '\n' || o->quote == '\r')
        return weir_option_fail(t, "csv.quote-character", err,
                                "a line end cannot be the quote character");
    return 0;
}

static int json_options(const struct weir_table_spec *t, struct weir_json_options *o,
                        struct weir_error *err)
{
    static const char *const standards[] = {"SQL", "ISO-8601", NULL};
    int standard = 0;
    int rc = weir_option_bool(t, "json.ignore-parse-errors", &o->ignore_errors, err);
    if (!rc) rc = weir_option_bool(t, "json.fail-on-missing-field", &o->fail_on_missing, err);
    if (!rc) rc = weir_option_word(t, "json.timestamp-format.standard", standards, &standard, err);
    o->iso_timestamps = standard == 1;
    return rc;
}

static int required(const struct weir_table_spec *t, const char *key, const char *example,
                    struct weir_error *err)
{
    const char *v = weir_option_get(t, key);
    if (v && *v) return 0;
    return weir_option_fail(t, key, err, "it is %s; write for example '%s' = '%s'",
                            v ? "empty" : "missing", key, example);
}

static int check_types(const struct weir_file_table *t, struct weir_error *err)
{
    for (int c = 0; c < t->schema.n; c++) {
        struct weir_type type = t->schema.field[c].type;
        char text[64];
        if (!weir_type_is_interval(type) && type.id != WEIR_TYPE_NULL) continue;
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "table %s: column \"%s\" of type %s has no form in %s", t->name,
                         t->schema.field[c].name, weir_type_text(type, text, sizeof text),
                         formats[t->format]);
    }
    return 0;
}

static int copy_names(const struct weir_table_spec *t, struct weir_file_table *out,
                      struct weir_error *err)
{
    const char *path = weir_option_get(t, "path");
    out->name = weir_strdup(t->name);
    out->path = weir_strdup(path);
    if (!out->name || !out->path) return weir_fail_nomem(err, strlen(path), "copying options");
    const char *errors = weir_option_get(t, "format.parse-errors-path");
    if (errors) {
        bool ignored =
            out->format == WEIR_FORMAT_CSV ? out->csv.ignore_errors : out->json.ignore_errors;
        if (!ignored)
            return weir_option_fail(
                t, "format.parse-errors-path", err,
                "nothing is dropped without 'format.ignore-parse-errors' = 'true'");
        out->errors_path = weir_strdup(errors);
        if (!out->errors_path) return weir_fail_nomem(err, strlen(errors), "copying options");
    }
    return weir_schema_copy(&t->schema, &out->schema, err);
}

int weir_file_table_init(const struct weir_table_spec *t, struct weir_file_table *out,
                         struct weir_error *err)
{
    memset(out, 0, sizeof *out);
    int format = 0, rc = required(t, "format", "csv", err);
    if (!rc) rc = weir_option_word(t, "format", formats, &format, err);
    if (rc) return rc;
    out->format = (enum weir_file_format)format;
    const char *const *lists[] = {general_keys, format == WEIR_FORMAT_CSV ? csv_keys : json_keys};
    int64_t max_record = (int64_t)WEIR_MAX_RECORD_BYTES, min_split = 1 << 20;
    bool ignore = false;
    rc = weir_options_check(t, lists, 2, err);
    if (!rc) rc = required(t, "path", "data/access.csv", err);
    if (!rc) rc = weir_option_int(t, "format.max-record-bytes", 1, 1 << 30, &max_record, err);
    if (!rc) rc = weir_option_int(t, "source.min-split-bytes", 1, INT64_MAX, &min_split, err);
    if (!rc) rc = weir_option_bool(t, "format.ignore-parse-errors", &ignore, err);
    if (rc) return rc;
    out->min_split_bytes = (uint64_t)min_split;
    out->csv = (struct weir_csv_options){.delimiter = ',',
                                         .quote = '"',
                                         .ignore_errors = ignore,
                                         .max_record_bytes = (size_t)max_record};
    out->json =
        (struct weir_json_options){.ignore_errors = ignore, .max_record_bytes = (size_t)max_record};
    rc = format == WEIR_FORMAT_CSV ? csv_options(t, out, err) : json_options(t, &out->json, err);
    if (!rc) rc = copy_names(t, out, err);
    return rc ? rc : check_types(out, err);
}

void weir_file_table_release(struct weir_file_table *t)
{
    weir_schema_release(&t->schema);
    weir_free(t->name);
    weir_free(t->path);
    weir_free(t->null_literal);
    weir_free(t->errors_path);
    memset(t, 0, sizeof *t);
}

int weir_file_decoder_new(const struct weir_file_table *t, const struct weir_decode_columns *cols,
                          struct weir_decoder **out, struct weir_error *err)
{
    return t->format == WEIR_FORMAT_CSV ? weir_csv_decoder_new(&t->csv, cols, out, err)
                                        : weir_json_decoder_new(&t->json, cols, out, err);
}
