#ifndef WEIR_FORMAT_JSON_PARSE_H
#define WEIR_FORMAT_JSON_PARSE_H

#include <stddef.h>

/* The C face of simdjson: one line of JSON to the texts of the fields that are wanted. */

#ifdef __cplusplus
extern "C" {
#endif

enum weir_json_kind {
    WEIR_JSON_ABSENT = 0,
    WEIR_JSON_NULL,
    WEIR_JSON_BOOL,   /* text is true or false */
    WEIR_JSON_NUMBER, /* text as written, a well-formed JSON number */
    WEIR_JSON_STRING, /* text is UTF-8 without quotes and escapes */
    WEIR_JSON_NESTED  /* text of an object or array as written */
};

struct weir_json_cell {
    enum weir_json_kind kind;
    const char *text; /* into the line, or into the parser until its next call */
    size_t len;
};

struct weir_json_parser;

/* NAMES [n] are borrowed for the parser's life. NULL when out of memory. */
struct weir_json_parser *weir_json_parser_new(const char *const *names, size_t n);
void weir_json_parser_free(struct weir_json_parser *p); /* NULL is allowed */

/* Fill CELLS [n] from the object that is LINE[0, len); simdjson's padding (at most 64 bytes) must
   be readable behind it. 0; or WEIR_ERR_DATA or WEIR_ERR_NOMEM with *WHY a text that lives for
   ever. */
int weir_json_parse(struct weir_json_parser *p, const char *line, size_t len,
                    struct weir_json_cell *cells, const char **why);

#ifdef __cplusplus
}
#endif
#endif
