/* The JSON reader. Values are appended to one array in document order while the text is scanned
   once; decoded strings and the raw text of numbers go to an arena that is as large as the input,
   which is always enough. */
#include "topology/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)256 << 20)
#define MAX_DEPTH 64

struct reader {
    struct topo_json *doc;
    const char *start, *at, *end;
    size_t arena_used;
    struct weir_topo_error *err;
    const char *mark, *mark_line; /* how far lines have been counted, and where that line began */
    uint32_t mark_number;
};

static void position(struct reader *r, const char *at, uint32_t *line, uint32_t *column)
{
    if (at < r->mark) { /* an error that points back */
        r->mark = r->mark_line = r->start;
        r->mark_number = 1;
    }
    for (; r->mark < at; r->mark++)
        if (*r->mark == '\n') {
            r->mark_number++;
            r->mark_line = r->mark + 1;
        }
    *line = r->mark_number;
    *column = (uint32_t)(at - r->mark_line) + 1;
}

static int fail(struct reader *r, const char *at, const char *what)
{
    uint32_t line, column;
    position(r, at, &line, &column);
    return topo_fail(r->err, WEIR_TOPO_ERR_PARSE, "%s:%u:%u: %s", r->doc->label, line, column,
                     what);
}

static void skip(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static char *arena(struct reader *r)
{
    return r->doc->arena + r->arena_used;
}

static int hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        if (r->at >= r->end || !isxdigit((unsigned char)*r->at))
            return fail(r, r->at, "\\u needs four hexadecimal digits");
        int c = tolower((unsigned char)*r->at++);
        *out = *out * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return 0;
}

static int escape_u(struct reader *r, char **to)
{
    uint32_t c, low;
    int rc = hex4(r, &c);
    if (rc) return rc;
    if (c >= 0xD800 && c < 0xDC00) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
            return fail(r, r->at, "half a surrogate pair");
        r->at += 2;
        rc = hex4(r, &low);
        if (rc) return rc;
        if (low < 0xDC00 || low > 0xDFFF) return fail(r, r->at, "half a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    } else if (!c || (c >= 0xDC00 && c < 0xE000)) {
        return fail(r, r->at, c ? "half a surrogate pair" : "a NUL character is not allowed here");
    }
    char *p = *to;
    if (c < 0x80) {
        *p++ = (char)c;
    } else if (c < 0x800) {
        *p++ = (char)(0xC0 | c >> 6);
        *p++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *p++ = (char)(0xE0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    } else {
        *p++ = (char)(0xF0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 63));
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    }
    *to = p;
    return 0;
}

static int read_string(struct reader *r, const char **out)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *start = r->at++;
    char *to = arena(r);
    *out = to;
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at;
        if (c < 0x20) return fail(r, r->at, "a control character inside a string");
        if (c != '\\') {
            *to++ = *r->at++;
            continue;
        }
        if (++r->at >= r->end) break;
        const char *known = *r->at ? strchr(from, *r->at) : NULL;
        if (known) {
            *to++ = into[known - from];
            r->at++;
        } else if (*r->at == 'u') {
            r->at++;
            int rc = escape_u(r, &to);
            if (rc) return rc;
        } else {
            return fail(r, r->at - 1, "an escape that JSON does not have");
        }
    }
    if (r->at >= r->end) return fail(r, start, "a string that does not end");
    r->at++;
    *to++ = '\0';
    r->arena_used = (size_t)(to - r->doc->arena);
    return 0;
}

static int read_number(struct reader *r, const char **out)
{
    const char *p = r->at;
    if (*p == '-') p++;
    const char *digits = p;
    while (p < r->end && isdigit((unsigned char)*p)) p++;
    bool ok = p > digits && (*digits != '0' || p == digits + 1);
    if (ok && p < r->end && *p == '.') {
        const char *d = ++p;
        while (p < r->end && isdigit((unsigned char)*p)) p++;
        ok = p > d;
    }
    if (ok && p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-')) p++;
        const char *d = p;
        while (p < r->end && isdigit((unsigned char)*p)) p++;
        ok = p > d;
    }
    if (!ok) return fail(r, r->at, "this is no JSON number");
    size_t n = (size_t)(p - r->at);
    char *to = arena(r);
    memcpy(to, r->at, n);
    to[n] = '\0';
    r->arena_used += n + 1;
    *out = to;
    r->at = p;
    return 0;
}

static int new_value(struct reader *r, const char *key, uint32_t *index)
{
    struct topo_json *doc = r->doc;
    if (!topo_grow(&doc->values, &doc->value_capacity, doc->value_count + 1, sizeof *doc->values))
        return topo_fail_nomem(r->err, "reading JSON");
    *index = (uint32_t)doc->value_count++;
    doc->values[*index] = (struct topo_json_value){.key = key};
    return 0;
}

static int read_value(struct reader *r, const char *key, int depth, uint32_t *index);

static int duplicate(const struct reader *r, uint32_t parent, const char *key)
{
    const struct topo_json_value *v = r->doc->values;
    if (v[parent].count > 256)
        return 0; /* an object of ours never has so many; do not turn quadratic */
    for (uint32_t k = v[parent].first; k; k = v[k].next)
        if (!strcmp(v[k].key, key)) return 1;
    return 0;
}

static int read_members(struct reader *r, uint32_t parent, char close, int depth)
{
    uint32_t last = 0;
    r->at++;
    skip(r);
    if (r->at < r->end && *r->at == close) {
        r->at++;
        return 0;
    }
    for (;;) {
        const char *key = NULL;
        uint32_t child;
        skip(r);
        if (close == '}') {
            if (r->at >= r->end || *r->at != '"')
                return fail(r, r->at, "a member name in quotes is missing");
            const char *at = r->at;
            int rc = read_string(r, &key);
            if (rc) return rc;
            if (duplicate(r, parent, key))
                return fail(r, at, "this name occurs twice in its object");
            skip(r);
            if (r->at >= r->end || *r->at != ':') return fail(r, r->at, "':' is missing");
            r->at++;
        }
        int rc = read_value(r, key, depth + 1, &child);
        if (rc) return rc;
        struct topo_json_value *v = r->doc->values;
        if (last)
            v[last].next = child;
        else
            v[parent].first = child;
        last = child;
        v[parent].count++;
        skip(r);
        if (r->at < r->end && *r->at == close) break;
        if (r->at >= r->end || *r->at != ',')
            return fail(r, r->at, close == '}' ? "',' or '}' is missing" : "',' or ']' is missing");
        r->at++;
    }
    r->at++;
    return 0;
}

static int read_value(struct reader *r, const char *key, int depth, uint32_t *index)
{
    skip(r);
    if (depth > MAX_DEPTH) return fail(r, r->at, "nested deeper than 64");
    if (r->at >= r->end) return fail(r, r->at, "a value is missing");
    int rc = new_value(r, key, index);
    if (rc) return rc;
    struct topo_json_value v = r->doc->values[*index];
    position(r, r->at, &v.line, &v.column);
    size_t left = (size_t)(r->end - r->at);
    if (*r->at == '{' || *r->at == '[') {
        char close = *r->at == '{' ? '}' : ']';
        v.type = close == '}' ? TOPO_JSON_OBJECT : TOPO_JSON_ARRAY;
        r->doc->values[*index] = v;
        return read_members(r, *index, close, depth);
    }
    if (*r->at == '"') {
        v.type = TOPO_JSON_STRING;
        rc = read_string(r, &v.text);
    } else if (*r->at == '-' || isdigit((unsigned char)*r->at)) {
        v.type = TOPO_JSON_NUMBER;
        rc = read_number(r, &v.text);
    } else if (left >= 4 && !memcmp(r->at, "true", 4)) {
        v.type = TOPO_JSON_TRUE;
        r->at += 4;
    } else if (left >= 5 && !memcmp(r->at, "false", 5)) {
        v.type = TOPO_JSON_FALSE;
        r->at += 5;
    } else if (left >= 4 && !memcmp(r->at, "null", 4)) {
        v.type = TOPO_JSON_NULL;
        r->at += 4;
    } else {
        return fail(r, r->at, "this is no JSON value");
    }
    if (!rc) r->doc->values[*index] = v;
    return rc;
}

int topo_json_parse(const char *text, size_t length, const char *label, struct topo_json *out,
                    struct weir_topo_error *err)
{
    *out = (struct topo_json){0};
    snprintf(out->label, sizeof out->label, "%s", label);
    if (length > MAX_BYTES)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "%s is larger than 256 MiB", label);
    struct reader r = {.doc = out,
                       .start = text,
                       .at = text,
                       .end = text + length,
                       .err = err,
                       .mark = text,
                       .mark_line = text,
                       .mark_number = 1};
    out->arena = topo_calloc(length * 2 + 2, 1); /* a one-digit number takes two bytes */
    if (!out->arena) return topo_fail_nomem(err, "reading JSON");
    uint32_t root;
    int rc = read_value(&r, NULL, 0, &root);
    if (!rc) {
        skip(&r);
        if (r.at < r.end) rc = fail(&r, r.at, "text after the end of the document");
    }
    if (rc) topo_json_clear(out);
    return rc;
}

int topo_json_load(const char *path, struct topo_json *out, struct weir_topo_error *err)
{
    char *text = NULL;
    size_t n = 0;
    *out = (struct topo_json){0};
    int rc = topo_read_file(path, MAX_BYTES, &text, &n, err);
    if (!rc) rc = topo_json_parse(text, n, path, out, err);
    topo_free(text);
    return rc;
}

void topo_json_clear(struct topo_json *doc)
{
    topo_free(doc->values);
    topo_free(doc->arena);
    doc->values = NULL;
    doc->arena = NULL;
    doc->value_count = doc->value_capacity = 0;
}

/* ---- access */

int topo_json_fail(const struct topo_json *doc, const struct topo_json_value *v,
                   struct weir_topo_error *err, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return topo_fail(err, WEIR_TOPO_ERR_PARSE, "%s:%u:%u: %s", doc->label, v->line, v->column,
                     text);
}

int topo_json_at(const struct topo_json *doc, const struct topo_json_value *v,
                 struct weir_topo_error *err)
{
    return topo_prefix(err, "%s:%u:%u", doc->label, v->line, v->column);
}

const struct topo_json_value *topo_json_first(const struct topo_json *doc,
                                              const struct topo_json_value *parent)
{
    return parent->first ? &doc->values[parent->first] : NULL;
}

const struct topo_json_value *topo_json_next(const struct topo_json *doc,
                                             const struct topo_json_value *v)
{
    return v->next ? &doc->values[v->next] : NULL;
}

const struct topo_json_value *topo_json_get(const struct topo_json *doc,
                                            const struct topo_json_value *object, const char *key)
{
    if (object->type != TOPO_JSON_OBJECT) return NULL;
    for (const struct topo_json_value *v = topo_json_first(doc, object); v;
         v = topo_json_next(doc, v))
        if (!strcmp(v->key, key)) return v;
    return NULL;
}

static const char *type_name(enum topo_json_type type)
{
    static const char *const names[] = {"null",     "false",    "true",     "a number",
                                        "a string", "an array", "an object"};
    return names[type];
}

int topo_json_need(const struct topo_json *doc, const struct topo_json_value *object,
                   const char *key, enum topo_json_type type, const struct topo_json_value **out,
                   struct weir_topo_error *err)
{
    if (object->type != TOPO_JSON_OBJECT)
        return topo_json_fail(doc, object, err, "an object is expected here");
    *out = topo_json_get(doc, object, key);
    if (!*out) return topo_json_fail(doc, object, err, "\"%s\" is missing in this object", key);
    if ((*out)->type != type)
        return topo_json_fail(doc, *out, err, "\"%s\" must be %s, not %s", key, type_name(type),
                              type_name((*out)->type));
    return 0;
}

int topo_json_u64(const struct topo_json *doc, const struct topo_json_value *v, uint64_t max,
                  uint64_t *out, struct weir_topo_error *err)
{
    if (v->type == TOPO_JSON_NUMBER && isdigit((unsigned char)v->text[0]) &&
        !strpbrk(v->text, ".eE")) {
        unsigned __int128 n = 0;
        for (const char *p = v->text; *p && n <= max; p++) n = n * 10 + (unsigned)(*p - '0');
        if (n <= max) {
            *out = (uint64_t)n;
            return 0;
        }
    }
    return topo_json_fail(doc, v, err, "%s is no whole number from 0 to %" PRIu64,
                          v->text ? v->text : type_name(v->type), max);
}

int topo_json_bytes(const struct topo_json *doc, const struct topo_json_value *v, uint64_t *out,
                    struct weir_topo_error *err)
{
    if (v->type != TOPO_JSON_STRING) return topo_json_u64(doc, v, UINT64_C(1) << 60, out, err);
    int rc = weir_topo_parse_bytes(v->text, out, err);
    return rc ? topo_json_at(doc, v, err) : 0;
}

int topo_json_double(const struct topo_json *doc, const struct topo_json_value *v, double *out,
                     struct weir_topo_error *err)
{
    if (v->type != TOPO_JSON_NUMBER)
        return topo_json_fail(doc, v, err, "a number is expected, not %s", type_name(v->type));
    *out = strtod(v->text, NULL);
    if (*out < 0 || *out > 1e300) return topo_json_fail(doc, v, err, "%s is out of range", v->text);
    return 0;
}
