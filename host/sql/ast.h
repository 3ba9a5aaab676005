#ifndef WEIR_SQL_AST_H
#define WEIR_SQL_AST_H

#include "host/sql/ast_query.h"

/* Statements and scripts; ast_query.h says what holds for the whole tree. */

/* ---- statements ---- */

enum weir_ast_column_kind {
    WEIR_AST_COL_PHYSICAL, /* name type */
    WEIR_AST_COL_COMPUTED, /* name AS expr */
    WEIR_AST_COL_METADATA  /* name type METADATA [FROM 'key'] [VIRTUAL] */
};

struct weir_ast_column {
    struct weir_pos pos;
    enum weir_ast_column_kind kind;
    struct weir_ast_ident name;
    struct weir_ast_type *type; /* NULL for COMPUTED, and in CREATE TABLE t (a, b) AS SELECT */
    struct weir_ast_expr *expr; /* COMPUTED, else NULL */
    const char *metadata_key;   /* or NULL: the column's name */
    bool is_virtual;
    bool primary_key, unique; /* a constraint at the column (NOT ENFORCED) */
    const char *comment;      /* or NULL */
};

struct weir_ast_watermark {
    struct weir_pos pos;
    struct weir_ast_name column; /* row time column, n > 1 for a nested field */
    struct weir_ast_expr *expr;
};

struct weir_ast_constraint {
    struct weir_pos pos;
    struct weir_ast_ident name; /* CONSTRAINT name; or absent */
    bool primary_key;           /* else UNIQUE */
    bool not_enforced;
    struct weir_ast_idents columns;
};

enum weir_ast_like_action {
    WEIR_AST_LIKE_INCLUDING,
    WEIR_AST_LIKE_EXCLUDING,
    WEIR_AST_LIKE_OVERWRITING
};
enum weir_ast_like_what {
    WEIR_AST_LIKE_ALL,
    WEIR_AST_LIKE_CONSTRAINTS,
    WEIR_AST_LIKE_DISTRIBUTION,
    WEIR_AST_LIKE_GENERATED,
    WEIR_AST_LIKE_METADATA,
    WEIR_AST_LIKE_OPTIONS,
    WEIR_AST_LIKE_PARTITIONS,
    WEIR_AST_LIKE_WATERMARKS
};

struct weir_ast_like_option {
    struct weir_pos pos;
    enum weir_ast_like_action action;
    enum weir_ast_like_what what;
};

struct weir_ast_create_table {
    bool temporary, if_not_exists, or_replace;
    struct weir_ast_name name;
    size_t n_columns;
    struct weir_ast_column *columns;
    size_t n_watermarks; /* more than one is for the binder to refuse */
    struct weir_ast_watermark *watermarks;
    size_t n_constraints;
    struct weir_ast_constraint *constraints;
    const char *comment; /* or NULL */
    struct weir_ast_idents partitioned_by;
    struct weir_ast_options options;
    struct weir_ast_name like; /* n == 0: no LIKE */
    size_t n_like_options;
    struct weir_ast_like_option *like_options;
    struct weir_ast_query *as; /* or NULL */
};

struct weir_ast_view_column {
    struct weir_ast_ident name;
    const char *comment; /* or NULL */
};

struct weir_ast_create_view {
    bool temporary, if_not_exists, or_replace;
    struct weir_ast_name name;
    size_t n_columns;
    struct weir_ast_view_column *columns;
    const char *comment; /* or NULL */
    struct weir_ast_query *query;
};

struct weir_ast_create_function {
    bool temporary, system, if_not_exists;
    struct weir_ast_name name;
    const char *identifier;         /* the string behind AS */
    struct weir_ast_ident language; /* or absent */
    size_t n_jars;
    const char **jars; /* USING JAR '...', JAR '...' */
};

/* CREATE CATALOG, CREATE DATABASE */
struct weir_ast_create_namespace {
    bool if_not_exists;
    struct weir_ast_name name;
    const char *comment; /* or NULL */
    struct weir_ast_options options;
};

struct weir_ast_insert {
    bool overwrite;
    struct weir_ast_name table;
    struct weir_ast_hints hints;
    struct weir_ast_idents columns;
    size_t n_partition; /* PARTITION (name [= literal], ...); expr is NULL without it */
    struct weir_ast_alias *partition;
    struct weir_ast_query *query; /* VALUES too */
};

enum weir_ast_explain_flags {
    WEIR_AST_EXPLAIN_ESTIMATED_COST = 1,
    WEIR_AST_EXPLAIN_CHANGELOG_MODE = 2,
    WEIR_AST_EXPLAIN_JSON_EXECUTION_PLAN = 4,
    WEIR_AST_EXPLAIN_PLAN_ADVICE = 8,
    WEIR_AST_EXPLAIN_ANALYZE = 16, /* of Weir's own: run it and show what was measured */
    WEIR_AST_EXPLAIN_JSON = 32     /* of Weir's own: the plan as JSON */
};

enum weir_ast_object {
    WEIR_AST_OBJ_TABLE,
    WEIR_AST_OBJ_VIEW,
    WEIR_AST_OBJ_FUNCTION,
    WEIR_AST_OBJ_CATALOG,
    WEIR_AST_OBJ_DATABASE
};

enum weir_ast_show_kind {
    WEIR_AST_SHOW_TABLES,
    WEIR_AST_SHOW_VIEWS,
    WEIR_AST_SHOW_FUNCTIONS,
    WEIR_AST_SHOW_USER_FUNCTIONS,
    WEIR_AST_SHOW_CATALOGS,
    WEIR_AST_SHOW_DATABASES,
    WEIR_AST_SHOW_MODULES,
    WEIR_AST_SHOW_JARS,
    WEIR_AST_SHOW_JOBS,
    WEIR_AST_SHOW_CURRENT_CATALOG,
    WEIR_AST_SHOW_CURRENT_DATABASE,
    WEIR_AST_SHOW_COLUMNS,      /* FROM name */
    WEIR_AST_SHOW_PARTITIONS,   /* name */
    WEIR_AST_SHOW_CREATE_TABLE, /* name */
    WEIR_AST_SHOW_CREATE_VIEW   /* name */
};

enum weir_ast_stmt_kind {
    WEIR_AST_ST_CREATE_TABLE,
    WEIR_AST_ST_CREATE_VIEW,
    WEIR_AST_ST_CREATE_FUNCTION,
    WEIR_AST_ST_CREATE_CATALOG,  /* create_namespace */
    WEIR_AST_ST_CREATE_DATABASE, /* create_namespace */
    WEIR_AST_ST_INSERT,
    WEIR_AST_ST_STATEMENT_SET, /* statement_set: each an INSERT */
    WEIR_AST_ST_QUERY,
    WEIR_AST_ST_EXPLAIN,
    WEIR_AST_ST_SET,
    WEIR_AST_ST_RESET,
    WEIR_AST_ST_SHOW,
    WEIR_AST_ST_DESCRIBE,
    WEIR_AST_ST_DROP,
    WEIR_AST_ST_USE
};

struct weir_ast_stmt {
    struct weir_pos pos; /* without the final ';' */
    enum weir_ast_stmt_kind kind;
    union {
        struct weir_ast_create_table *create_table;
        struct weir_ast_create_view *create_view;
        struct weir_ast_create_function *create_function;
        struct weir_ast_create_namespace *create_namespace;
        struct weir_ast_insert *insert;
        struct {
            size_t n;
            struct weir_ast_stmt **stmts;
        } statement_set;
        struct weir_ast_query *query;
        struct {
            unsigned flags;             /* enum weir_ast_explain_flags, or-ed */
            struct weir_ast_stmt *stmt; /* QUERY, INSERT or STATEMENT_SET */
        } explain;
        struct {
            struct weir_pos key_pos, value_pos;
            const char *key, *value; /* both NULL: plain SET or RESET; value is NULL in RESET 'k' */
        } set;
        struct {
            enum weir_ast_show_kind kind;
            struct weir_ast_name
                name;         /* the table, or the database of FROM db; n == 0 when absent */
            const char *like; /* or NULL */
            bool not_like;
        } show;
        struct {
            struct weir_ast_name name;
            bool extended;
        } describe;
        struct {
            enum weir_ast_object object;
            bool temporary, system, if_exists, cascade;
            struct weir_ast_name name;
        } drop;
        struct {
            bool catalog; /* USE CATALOG */
            struct weir_ast_name name;
        } use;
    };
};

struct weir_ast_script {
    const char *file_name; /* for messages; "<stdin>" and the like are the caller's choice */
    const char *sql;       /* the caller's text, not copied */
    size_t len;
    size_t n;
    struct weir_ast_stmt **stmts;
};

/* Back to SQL text: keywords in upper case, in one line (a CREATE TABLE has a line for each column
   and option), identifiers in backticks where Flink needs them, parentheses only where precedence
   needs them. Parsing the text gives an equal tree again, comments and positions apart. Out of
   memory shows in buf->oom. */
void weir_ast_print(const struct weir_ast_stmt *stmt, struct weir_buf *buf); /* without ';' */
void weir_ast_print_query(const struct weir_ast_query *query, struct weir_buf *buf);
void weir_ast_print_expr(const struct weir_ast_expr *expr, struct weir_buf *buf);
void weir_ast_print_type(const struct weir_ast_type *type, struct weir_buf *buf);
void weir_ast_print_name(const struct weir_ast_name *name, struct weir_buf *buf);
void weir_ast_print_ident(const char *name, struct weir_buf *buf); /* backticks where needed */
void weir_ast_print_string(const char *s, size_t len, struct weir_buf *buf); /* 'it''s' */

const char *weir_ast_unit_name(enum weir_ast_unit unit);         /* "YEAR"; "" for NONE */
const char *weir_ast_binary_op_text(enum weir_ast_binary_op op); /* "<>", "||", ... */

/* Is it the name (without regard to case, ASCII)? For function names and the like. */
bool weir_ast_name_is(const struct weir_ast_name *name, const char *word);

#endif
