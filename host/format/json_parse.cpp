// simdjson's on-demand API behind a C interface; nothing of C++ leaves this file, exceptions least
// of all: only the error-code forms are called, and only those that versions 1.0 (Ubuntu 22.04)
// to 3.x have in common. Scalars are checked by their text, because on-demand parsing looks at a
// value only when it is asked for one.
#include "host/format/json_parse.h"

#include <cstring>
#include <new>
#include <simdjson.h>
#include <string_view>
#include <weir/status.h>

namespace ondemand = simdjson::ondemand;

struct weir_json_parser {
    ondemand::parser parser;
    const char *const *names;
    size_t *lengths;
    bool *odd; // the name has characters that JSON escapes: it is never equal to a key as written
    size_t n;
};

extern "C" struct weir_json_parser *weir_json_parser_new(const char *const *names, size_t n)
{
    auto *p = new (std::nothrow) weir_json_parser();
    if (!p) return nullptr;
    p->names = names;
    p->n = n;
    p->lengths = new (std::nothrow) size_t[n + 1];
    p->odd = new (std::nothrow) bool[n + 1];
    if (!p->lengths || !p->odd) {
        weir_json_parser_free(p);
        return nullptr;
    }
    for (size_t i = 0; i < n; i++) {
        p->lengths[i] = std::strlen(names[i]);
        p->odd[i] = std::strpbrk(names[i], "\"\\") != nullptr;
    }
    return p;
}

extern "C" void weir_json_parser_free(struct weir_json_parser *p)
{
    if (!p) return;
    delete[] p->lengths;
    delete[] p->odd;
    delete p;
}

namespace
{
const size_t none = SIZE_MAX;

bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// RFC 8259, section 6.
bool is_number(std::string_view s)
{
    size_t i = 0, n = s.size();
    if (i < n && s[i] == '-') i++;
    if (i == n || !is_digit(s[i])) return false;
    if (s[i] == '0') {
        i++;
    } else {
        while (i < n && is_digit(s[i])) i++;
    }
    if (i < n && s[i] == '.') {
        if (++i == n || !is_digit(s[i])) return false;
        while (i < n && is_digit(s[i])) i++;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < n && (s[i] == '+' || s[i] == '-')) i++;
        if (i == n || !is_digit(s[i])) return false;
        while (i < n && is_digit(s[i])) i++;
    }
    return i == n;
}

// The object or array that begins at P and ends before END: its text, up to the bracket that closes
// it.
bool nested_text(const char *p, const char *end, weir_json_cell *cell)
{
    size_t depth = 0;
    bool in_string = false;
    cell->text = p;
    for (; p < end; p++) {
        if (in_string) {
            if (*p == '\\') {
                p++;
            } else if (*p == '"') {
                in_string = false;
            }
        } else if (*p == '"') {
            in_string = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if ((*p == '}' || *p == ']') && --depth == 0) {
            cell->kind = WEIR_JSON_NESTED;
            cell->len = static_cast<size_t>(p + 1 - cell->text);
            return true;
        }
    }
    return false;
}

// The column that a key names, or none. KEY points behind the opening quote. Fields mostly come in
// the order of the columns, so NEXT is tried first; keys with escapes are compared unescaped.
size_t find_column(const weir_json_parser *p, const char *key, const char *end, size_t next)
{
    auto room = static_cast<size_t>(end - key);
    if (next < p->n && !p->odd[next] && room > p->lengths[next] && key[p->lengths[next]] == '"' &&
        std::memcmp(p->names[next], key, p->lengths[next]) == 0)
        return next;
    const auto *quote = static_cast<const char *>(std::memchr(key, '"', room));
    if (!quote) return none;
    auto len = static_cast<size_t>(quote - key);
    for (size_t k = 0; k < p->n; k++) {
        size_t i = next + k < p->n ? next + k : next + k - p->n;
        if (p->lengths[i] == len && !p->odd[i] && std::memcmp(p->names[i], key, len) == 0) return i;
    }
    return none;
}

size_t find_escaped(const weir_json_parser *p, std::string_view key)
{
    for (size_t i = 0; i < p->n; i++) {
        if (key == std::string_view(p->names[i], p->lengths[i])) return i;
    }
    return none;
}

int scalar(std::string_view token, weir_json_cell *cell, const char **why)
{
    cell->text = token.data();
    cell->len = token.size();
    if (token == "null") {
        cell->kind = WEIR_JSON_NULL;
    } else if (token == "true" || token == "false") {
        cell->kind = WEIR_JSON_BOOL;
    } else if (is_number(token)) {
        cell->kind = WEIR_JSON_NUMBER;
    } else {
        *why =
            "a value that is neither a string, a number, true, false, null, an object nor an array";
        return WEIR_ERR_DATA;
    }
    return 0;
}

int failed(simdjson::error_code e, const char **why)
{
    *why = e == simdjson::INCOMPLETE_ARRAY_OR_OBJECT ? "the object is not closed on this line"
           : e == simdjson::UNCLOSED_STRING          ? "a string is not closed on this line"
           : e == simdjson::INCORRECT_TYPE           ? "the line is not a JSON object"
                                                     : simdjson::error_message(e);
    return e == simdjson::MEMALLOC ? WEIR_ERR_NOMEM : WEIR_ERR_DATA;
}

// One value; CELL may be a dummy when nobody wants it, but it is checked all the same.
int take_value(ondemand::value value, const char *end, bool wanted, weir_json_cell *cell,
               const char **why)
{
    std::string_view token = value.raw_json_token();
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    if (token.empty()) return failed(simdjson::TAPE_ERROR, why);
    if (token[0] == '"') {
        if (!wanted) return 0;
        std::string_view s;
        auto e = value.get_string().get(s);
        if (e) return failed(e, why);
        *cell = {WEIR_JSON_STRING, s.data(), s.size()};
        return 0;
    }
    if (token[0] != '{' && token[0] != '[') return scalar(token, cell, why);
    if (!wanted || nested_text(token.data(), end, cell)) return 0;
    return failed(simdjson::INCOMPLETE_ARRAY_OR_OBJECT, why);
}
} // namespace

extern "C" int weir_json_parse(struct weir_json_parser *p, const char *line, size_t len,
                               struct weir_json_cell *cells, const char **why)
{
    const char *end = line + len;
    std::memset(cells, 0, p->n * sizeof *cells);
    ondemand::document doc;
    ondemand::object object;
    auto e =
        p->parser.iterate(simdjson::padded_string_view(line, len, len + simdjson::SIMDJSON_PADDING))
            .get(doc);
    if (!e) e = doc.get_object().get(object);
    if (e) return failed(e, why);
    size_t next = 0;
    for (auto result : object) {
        ondemand::field field;
        e = std::move(result).get(field);
        if (e) return failed(e, why);
        size_t c = find_column(p, field.key().raw(), end, next);
        if (c == none) {
            // Only a key with an escape can still be one of ours.
            const char *key = field.key().raw();
            const auto *quote =
                static_cast<const char *>(std::memchr(key, '"', static_cast<size_t>(end - key)));
            if (quote && std::memchr(key, '\\', static_cast<size_t>(quote - key))) {
                std::string_view name;
                e = field.unescaped_key().get(name);
                if (e) return failed(e, why);
                c = find_escaped(p, name);
            }
        } else {
            next = c + 1 < p->n ? c + 1 : 0;
        }
        weir_json_cell dummy;
        int rc = take_value(field.value(), end, c != none, c != none ? &cells[c] : &dummy, why);
        if (rc) return rc;
    }
    const char *rest;
    if (!doc.current_location().get(rest)) {
        *why = "text after the object (one object a line)";
        return WEIR_ERR_DATA;
    }
    return 0;
}
