#ifndef WEIR_CONNECT_CONNECT_H
#define WEIR_CONNECT_CONNECT_H

/* From the options of a CREATE TABLE to a source or a sink. A connector is one file that defines a
   struct weir_connector plus one line in registry.c. */

#include "runtime/exec/source.h"
#include "runtime/plan/expr.h" /* struct weir_pos */

/* 'key' = 'value' of WITH (...). */
struct weir_option {
    const char *key, *value;
    struct weir_pos key_pos, value_pos; /* all 0 when the table does not come from SQL text */
};

/* A table as its CREATE TABLE says it. Only borrowed: sources and sinks copy what they keep. */
struct weir_table_spec {
    const char *name;
    struct weir_schema schema; /* physical columns only */
    const struct weir_option *options;
    size_t n_options;
};

struct weir_connector {
    const char *name; /* value of the option 'connector' */
    /* NULL when the connector cannot be read (written). */
    int (*make_source)(const struct weir_table_spec *t, struct weir_source **out,
                       struct weir_error *err);
    int (*make_sink)(const struct weir_table_spec *t, struct weir_sink **out,
                     struct weir_error *err);
};

/* Make the source (sink) that T's options describe; freed with (*OUT)->ops->free. Options are
   checked here, all of them: an unknown key, a value that is none, a missing one. Whether the file
   is there is found out by plan_splits (open). WEIR_ERR_BIND for options, WEIR_ERR_UNSUPPORTED when
   the connector cannot be read (written) or a column's type has no form in the format. */
int weir_connect_source(const struct weir_table_spec *t, struct weir_source **out,
                        struct weir_error *err) WEIR_NODISCARD;
int weir_connect_sink(const struct weir_table_spec *t, struct weir_sink **out,
                      struct weir_error *err) WEIR_NODISCARD;

/* ---- for connectors: their options ---- */

const char *weir_option_get(const struct weir_table_spec *t,
                            const char *key); /* NULL when absent */

/* Each leaves *OUT alone when the option is absent; a value that is none is an error that names it.
 */
int weir_option_bool(const struct weir_table_spec *t, const char *key, bool *out,
                     struct weir_error *err) WEIR_NODISCARD;
int weir_option_int(const struct weir_table_spec *t, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct weir_error *err) WEIR_NODISCARD;
/* One ASCII character, or one of the escapes \t \n \r \\ \0xNN. */
int weir_option_char(const struct weir_table_spec *t, const char *key, char *out,
                     struct weir_error *err) WEIR_NODISCARD;
/* One of WORDS (ended by NULL), compared without case; *OUT is its index. */
int weir_option_word(const struct weir_table_spec *t, const char *key, const char *const *words,
                     int *out, struct weir_error *err) WEIR_NODISCARD;

/* Fail with "table T, option 'KEY' (line L, column C): ..."; returns WEIR_ERR_BIND. */
int weir_option_fail(const struct weir_table_spec *t, const char *key, struct weir_error *err,
                     const char *fmt, ...) WEIR_PRINTF(4, 5);

/* Every option of T must be 'connector', start with 'weir.' (the engine's) or be in one of the
   N_LISTS lists of known keys (each ended by NULL); '#' in a key stands for one column name. */
int weir_options_check(const struct weir_table_spec *t, const char *const *const *lists,
                       int n_lists, struct weir_error *err) WEIR_NODISCARD;

/* ---- for connectors: their schema ---- */

/* Deep copy with weir_malloc, released with weir_schema_release. */
int weir_schema_copy(const struct weir_schema *from, struct weir_schema *to,
                     struct weir_error *err) WEIR_NODISCARD;
void weir_schema_release(struct weir_schema *s);

#endif
