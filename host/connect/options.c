/* The options of a table: look-up, typed values, and the check that says what an unknown key was
   meant to be. Schemas are copied here too, because every connector keeps one. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/connect/connect.h"
#include "runtime/column/text.h"

static const struct weir_option *find(const struct weir_table_spec *t, const char *key)
{
    for (size_t i = 0; i < t->n_options; i++) {
        if (strcmp(t->options[i].key, key) == 0) return &t->options[i];
    }
    return NULL;
}

const char *weir_option_get(const struct weir_table_spec *t, const char *key)
{
    const struct weir_option *o = find(t, key);
    return o ? o->value : NULL;
}

int weir_option_fail(const struct weir_table_spec *t, const char *key, struct weir_error *err,
                     const char *fmt, ...)
{
    if (!err) return WEIR_ERR_BIND;
    const struct weir_option *o = find(t, key);
    char what[400], place[64] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (o && o->key_pos.line) {
        snprintf(place, sizeof place, " (line %u, column %u)", o->key_pos.line, o->key_pos.column);
    }
    return weir_fail(err, WEIR_ERR_BIND, "table %s, option '%s'%s: %s", t->name, key, place, what);
}

int weir_option_bool(const struct weir_table_spec *t, const char *key, bool *out,
                     struct weir_error *err)
{
    const char *v = weir_option_get(t, key);
    if (!v) return 0;
    if (strcasecmp(v, "true") && strcasecmp(v, "false"))
        return weir_option_fail(t, key, err, "'%.60s' is neither 'true' nor 'false'", v);
    *out = strcasecmp(v, "true") == 0;
    return 0;
}

int weir_option_int(const struct weir_table_spec *t, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct weir_error *err)
{
    const char *v = weir_option_get(t, key);
    int64_t i;
    if (!v) return 0;
    int rc = weir_text_parse_int(v, strlen(v), 64, &i);
    if (rc == WEIR_TEXT_SYNTAX)
        return weir_option_fail(t, key, err, "'%.60s' is not an integer", v);
    if (rc || i < min || i > max)
        return weir_option_fail(t, key, err, "%.60s is outside %lld to %lld", v, (long long)min,
                                (long long)max);
    *out = i;
    return 0;
}

int weir_option_char(const struct weir_table_spec *t, const char *key, char *out,
                     struct weir_error *err)
{
    const char *v = weir_option_get(t, key);
    if (!v) return 0;
    size_t n = strlen(v);
    unsigned code = (unsigned char)v[0];
    if (n == 2 && v[0] == '\\') {
        static const char names[] = "tnr\\", codes[] = "\t\n\r\\";
        const char *p = strchr(names, v[1]);
        if (p) code = (unsigned char)codes[p - names], n = 1;
    } else if (n == 5 && sscanf(v, "\\0x%2x", &code) == 1) {
        n = 1;
    }
    if (n != 1 || !code || code > 127)
        return weir_option_fail(
            t, key, err, "'%.60s' is not one ASCII character (tab is '\\t', others '\\0xNN')", v);
    *out = (char)code;
    return 0;
}

int weir_option_word(const struct weir_table_spec *t, const char *key, const char *const *words,
                     int *out, struct weir_error *err)
{
    const char *v = weir_option_get(t, key);
    if (!v) return 0;
    char list[256] = "";
    for (int i = 0; words[i]; i++) {
        if (strcasecmp(v, words[i]) == 0) {
            *out = i;
            return 0;
        }
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s'%s'", i ? ", " : "", words[i]);
    }
    return weir_option_fail(t, key, err, "'%.60s' is none of %s", v, list);
}

/* ---- unknown keys ---- */

/* PATTERN's '#' is one or more characters of KEY. */
static bool matches(const char *pattern, const char *key)
{
    const char *hash = strchr(pattern, '#');
    if (!hash) return strcmp(pattern, key) == 0;
    size_t head = (size_t)(hash - pattern), tail = strlen(hash + 1), n = strlen(key);
    return n > head + tail && strncmp(pattern, key, head) == 0 &&
           strcmp(key + n - tail, hash + 1) == 0;
}

/* Levenshtein distance, given up (as a large number) for keys longer than 63. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 64) return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t change =
                diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
            diagonal = row[j + 1];
            size_t best = (row[j] < diagonal ? row[j] : diagonal) + 1;
            row[j + 1] = change < best ? change : best;
        }
    }
    return row[n];
}

static int unknown(const struct weir_table_spec *t, const char *key,
                   const char *const *const *lists, int n_lists, struct weir_error *err)
{
    struct weir_buf known = {0};
    const char *best = NULL;
    size_t best_distance = strlen(key) / 3 + 1;
    for (int l = 0; l < n_lists; l++) {
        for (int i = 0; lists[l][i]; i++) {
            weir_buf_printf(&known, "%s'%s'", known.len ? ", " : "", lists[l][i]);
            size_t d = distance(key, lists[l][i]);
            if (d > best_distance || (best && d == best_distance)) continue;
            best = lists[l][i];
            best_distance = d;
        }
    }
    char hint[96] = "";
    if (best) snprintf(hint, sizeof hint, "; did you mean '%s'?", best);
    int rc = weir_option_fail(t, key, err, "unknown option%s Known: %s", *hint ? hint : ".",
                              known.data ? known.data : "none");
    weir_buf_release(&known);
    return rc;
}

int weir_options_check(const struct weir_table_spec *t, const char *const *const *lists,
                       int n_lists, struct weir_error *err)
{
    for (size_t o = 0; o < t->n_options; o++) {
        const char *key = t->options[o].key;
        if (find(t, key) != &t->options[o])
            return weir_option_fail(t, key, err, "it is given twice");
        bool known = strcmp(key, "connector") == 0 || strncmp(key, "weir.", 5) == 0;
        for (int l = 0; l < n_lists && !known; l++) {
            for (int i = 0; lists[l][i] && !known; i++) known = matches(lists[l][i], key);
        }
        if (!known) return unknown(t, key, lists, n_lists, err);
    }
    return 0;
}

/* ---- schemas ---- */

int weir_schema_copy(const struct weir_schema *from, struct weir_schema *to, struct weir_error *err)
{
    size_t n = from->n > 0 ? (size_t)from->n : 0;
    to->n = 0;
    to->field = weir_calloc(n, sizeof *to->field);
    if (!to->field) return weir_fail_nomem(err, n * sizeof *to->field, "copying a schema");
    for (size_t i = 0; i < n; i++) {
        to->field[i].type = from->field[i].type;
        to->field[i].name = weir_strdup(from->field[i].name);
        if (!to->field[i].name) {
            weir_schema_release(to);
            return weir_fail_nomem(err, strlen(from->field[i].name), "copying a schema");
        }
        to->n++;
    }
    return 0;
}

void weir_schema_release(struct weir_schema *s)
{
    for (int i = 0; i < s->n; i++) weir_free((char *)s->field[i].name);
    weir_free(s->field);
    s->n = 0;
    s->field = NULL;
}
