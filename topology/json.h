#ifndef WEIR_TOPOLOGY_JSON_H
#define WEIR_TOPOLOGY_JSON_H

/* A small strict JSON reader (RFC 8259): one flat array of values, positions kept for error
   messages. Refuses duplicate keys, nesting deeper than 64, trailing text, invalid UTF-8 escapes
   and documents above 256 MiB. */

#include "topology/internal.h"

enum topo_json_type {
    TOPO_JSON_NULL,
    TOPO_JSON_FALSE,
    TOPO_JSON_TRUE,
    TOPO_JSON_NUMBER, /* text is the number as written */
    TOPO_JSON_STRING, /* text is the decoded string (no NUL inside) */
    TOPO_JSON_ARRAY,
    TOPO_JSON_OBJECT
};

struct topo_json_value {
    enum topo_json_type type;
    uint32_t line, column;
    const char *key;  /* member of an object: its name, else NULL */
    const char *text; /* numbers and strings, else NULL */
    uint32_t first, next,
        count; /* index of the first child and of the next sibling (0: none); number of children */
};

struct topo_json {
    char label[256];
    struct topo_json_value *values; /* values[0] is the document */
    size_t value_count, value_capacity;
    char *arena;
};

int topo_json_parse(const char *text, size_t length, const char *label, struct topo_json *out,
                    struct weir_topo_error *err) TOPO_NODISCARD;
/* The same from a file. */
int topo_json_load(const char *path, struct topo_json *out,
                   struct weir_topo_error *err) TOPO_NODISCARD;
void topo_json_clear(struct topo_json *doc);

/* "LABEL:LINE:COLUMN: message"; returns WEIR_TOPO_ERR_PARSE. */
int topo_json_fail(const struct topo_json *doc, const struct topo_json_value *v,
                   struct weir_topo_error *err, const char *fmt, ...) TOPO_PRINTF(4, 5);
/* Put "LABEL:LINE:COLUMN: " in front of ERR. */
int topo_json_at(const struct topo_json *doc, const struct topo_json_value *v,
                 struct weir_topo_error *err);

/* Children: for (v = topo_json_first(doc, parent); v; v = topo_json_next(doc, v)). */
const struct topo_json_value *topo_json_first(const struct topo_json *doc,
                                              const struct topo_json_value *parent);
const struct topo_json_value *topo_json_next(const struct topo_json *doc,
                                             const struct topo_json_value *v);
const struct topo_json_value *topo_json_get(const struct topo_json *doc,
                                            const struct topo_json_value *object, const char *key);

/* Typed access; each fails with the place if V is NULL or of another type. OBJECT names where a
 * missing key belongs. */
int topo_json_need(const struct topo_json *doc, const struct topo_json_value *object,
                   const char *key, enum topo_json_type type, const struct topo_json_value **out,
                   struct weir_topo_error *err) TOPO_NODISCARD;
int topo_json_u64(const struct topo_json *doc, const struct topo_json_value *v, uint64_t max,
                  uint64_t *out, struct weir_topo_error *err) TOPO_NODISCARD;
/* A size: a whole number of bytes or a string such as "4GiB". */
int topo_json_bytes(const struct topo_json *doc, const struct topo_json_value *v, uint64_t *out,
                    struct weir_topo_error *err) TOPO_NODISCARD;
/* A non-negative number with or without decimals. */
int topo_json_double(const struct topo_json *doc, const struct topo_json_value *v, double *out,
                     struct weir_topo_error *err) TOPO_NODISCARD;

#endif
