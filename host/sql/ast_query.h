#ifndef WEIR_SQL_AST_QUERY_H
#define WEIR_SQL_AST_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/mem.h"
#include "runtime/plan/expr.h" /* struct weir_pos */

/* The syntax tree of a Flink SQL script, as written: nothing is resolved, folded (but for the sign
   of a number) or checked against a schema here.

   All nodes, arrays and strings lie in the arena that was given to the parser and live as long as
   it does; the tree is immutable after parsing. Strings are UTF-8 and NUL-terminated (a string that
   may hold NUL bytes has its length beside it). A pointer documented "or NULL" is NULL when the
   clause is absent; a list is absent when n == 0.

   No tree is deeper than WEIR_SQL_MAX_DEPTH levels, AND and OR chains and lists are flat: plain
   recursion over a tree is safe. */

#define WEIR_SQL_MAX_DEPTH 500

/* Every node has a struct weir_pos: bytes [start, end) of the text, line and column of its first
   character, both from 1, the column in characters. */

/* One identifier, backticks and doubled backticks removed. Case-sensitive. */
struct weir_ast_ident {
    struct weir_pos pos;
    const char *name; /* NULL in an optional identifier that is absent */
    bool quoted;      /* it was written in backticks */
};

struct weir_ast_idents {
    size_t n;
    struct weir_ast_ident *items;
};

/* A dotted name: table, catalog.database.table, function, or in an expression a column with its
   qualifier and nested fields (which part is which is for the binder to find out). n >= 1, except
   where documented. */
struct weir_ast_name {
    struct weir_pos pos;
    size_t n;
    struct weir_ast_ident *parts;
};

/* 'key' = 'value' of WITH (...), hints and PARTITION (...). */
struct weir_ast_option {
    struct weir_pos pos, key_pos, value_pos;
    const char *key, *value;
};

struct weir_ast_options {
    size_t n;
    struct weir_ast_option *items;
};

/* One hint of a hint comment: OPTIONS('k' = 'v', ...) fills options; BROADCAST(a, b) fills args
   with the identifiers' or literals' text. */
struct weir_ast_hint {
    struct weir_pos pos;
    struct weir_ast_ident name;
    struct weir_ast_options options;
    struct weir_ast_idents args;
};

struct weir_ast_hints {
    size_t n;
    struct weir_ast_hint *items;
};

/* ---- types ---- */

enum weir_ast_type_kind {
    WEIR_AST_TY_BOOLEAN,
    WEIR_AST_TY_TINYINT,
    WEIR_AST_TY_SMALLINT,
    WEIR_AST_TY_INT, /* INT, INTEGER */
    WEIR_AST_TY_BIGINT,
    WEIR_AST_TY_FLOAT,
    WEIR_AST_TY_DOUBLE,  /* DOUBLE [PRECISION] */
    WEIR_AST_TY_DECIMAL, /* DECIMAL, DEC, NUMERIC: precision, scale */
    WEIR_AST_TY_CHAR,    /* precision is the length */
    WEIR_AST_TY_VARCHAR, /* precision is the length */
    WEIR_AST_TY_STRING,
    WEIR_AST_TY_BINARY,    /* precision is the length */
    WEIR_AST_TY_VARBINARY, /* precision is the length */
    WEIR_AST_TY_BYTES,
    WEIR_AST_TY_DATE,
    WEIR_AST_TY_TIME,          /* precision */
    WEIR_AST_TY_TIMESTAMP,     /* TIMESTAMP[(p)] [WITHOUT TIME ZONE] */
    WEIR_AST_TY_TIMESTAMP_TZ,  /* TIMESTAMP[(p)] WITH TIME ZONE */
    WEIR_AST_TY_TIMESTAMP_LTZ, /* TIMESTAMP_LTZ[(p)], TIMESTAMP[(p)] WITH LOCAL TIME ZONE */
    WEIR_AST_TY_INTERVAL,      /* from_unit, to_unit, precision, scale (digits of the fraction) */
    WEIR_AST_TY_ARRAY,         /* element */
    WEIR_AST_TY_MULTISET,      /* element */
    WEIR_AST_TY_MAP,           /* key, element (the value's type) */
    WEIR_AST_TY_ROW,           /* fields */
    WEIR_AST_TY_NULL,
    WEIR_AST_TY_NAMED /* a user-defined type: name */
};

/* The order is from long to short. */
enum weir_ast_unit {
    WEIR_AST_UNIT_NONE,
    WEIR_AST_UNIT_MILLENNIUM,
    WEIR_AST_UNIT_CENTURY,
    WEIR_AST_UNIT_DECADE,
    WEIR_AST_UNIT_YEAR,
    WEIR_AST_UNIT_QUARTER,
    WEIR_AST_UNIT_MONTH,
    WEIR_AST_UNIT_WEEK,
    WEIR_AST_UNIT_DAY,
    WEIR_AST_UNIT_HOUR,
    WEIR_AST_UNIT_MINUTE,
    WEIR_AST_UNIT_SECOND,
    WEIR_AST_UNIT_MILLISECOND,
    WEIR_AST_UNIT_MICROSECOND,
    WEIR_AST_UNIT_NANOSECOND,
    /* only as an argument of EXTRACT: */
    WEIR_AST_UNIT_DOW,
    WEIR_AST_UNIT_ISODOW,
    WEIR_AST_UNIT_DOY,
    WEIR_AST_UNIT_ISOYEAR,
    WEIR_AST_UNIT_EPOCH
};

struct weir_ast_type {
    struct weir_pos pos;
    enum weir_ast_type_kind kind;
    int32_t precision, scale; /* -1: not written */
    bool not_null;            /* NOT NULL was written */
    bool null;                /* NULL was written (the default, said aloud) */
    enum weir_ast_unit from_unit, to_unit;
    struct weir_ast_type *key, *element;
    size_t n_fields;
    struct weir_ast_field *fields;
    struct weir_ast_name name;
};

struct weir_ast_field {
    struct weir_ast_ident name;
    struct weir_ast_type *type;
    const char *comment; /* or NULL */
};

/* ---- expressions ---- */

struct weir_ast_exprs {
    size_t n;
    struct weir_ast_expr **items;
};

enum weir_ast_expr_kind {
    WEIR_AST_EX_LITERAL,    /* literal */
    WEIR_AST_EX_COLUMN,     /* column: a, t.a, t.a.field, ... */
    WEIR_AST_EX_STAR,       /* star: * or t.*; in a select list, and as the argument of COUNT(*) */
    WEIR_AST_EX_FIELD,      /* field: (expression).name, where the base is not a plain name */
    WEIR_AST_EX_INDEX,      /* index: base[i], base['key'] */
    WEIR_AST_EX_UNARY,      /* unary */
    WEIR_AST_EX_BINARY,     /* binary */
    WEIR_AST_EX_AND,        /* list, n >= 2: a AND b AND c is one node; in the order of the text */
    WEIR_AST_EX_OR,         /* list, n >= 2 */
    WEIR_AST_EX_IS,         /* is: IS [NOT] NULL, TRUE, ... */
    WEIR_AST_EX_BETWEEN,    /* between */
    WEIR_AST_EX_LIKE,       /* like: LIKE, SIMILAR TO */
    WEIR_AST_EX_IN,         /* in: a list or a query */
    WEIR_AST_EX_EXISTS,     /* query; NOT EXISTS is UNARY NOT over it */
    WEIR_AST_EX_SUBQUERY,   /* query: scalar sub-query */
    WEIR_AST_EX_QUANTIFIED, /* quantified: a = ANY (...), a > ALL (...) */
    WEIR_AST_EX_CASE,       /* case_when */
    WEIR_AST_EX_CAST,       /* cast */
    WEIR_AST_EX_CALL,       /* call: every function, also those with a syntax of their own */
    WEIR_AST_EX_ROW,        /* list: ROW(a, b), or (a, b) with `implicit` */
    WEIR_AST_EX_ARRAY,      /* list: ARRAY[a, b] */
    WEIR_AST_EX_MAP,        /* list: MAP[k1, v1, k2, v2] */
    /* Only as an argument of a call: */
    WEIR_AST_EX_UNIT, /* unit: the YEAR of EXTRACT(YEAR FROM x), TIMESTAMPADD(YEAR, ...), FLOOR(x TO
                     YEAR) */
    WEIR_AST_EX_NAMED_ARG,  /* named_arg: name => value */
    WEIR_AST_EX_DESCRIPTOR, /* descriptor: DESCRIPTOR(a, b) */
    WEIR_AST_EX_TABLE_ARG,  /* table_arg: TABLE t, TABLE (query); a bare (query) is SUBQUERY */
    WEIR_AST_EX_DEFAULT     /* DEFAULT */
};

enum weir_ast_literal_kind {
    WEIR_AST_LIT_NULL,
    WEIR_AST_LIT_BOOL,          /* bool_value */
    WEIR_AST_LIT_INT,           /* int_value: an integer that fits int64 */
    WEIR_AST_LIT_DECIMAL,       /* unscaled, precision, scale: 1.50, or an integer beyond int64 */
    WEIR_AST_LIT_DOUBLE,        /* double_value: 1e3 */
    WEIR_AST_LIT_STRING,        /* bytes, len: 'it''s', U&'\00e9', _UTF16'...' */
    WEIR_AST_LIT_BINARY,        /* bytes, len: X'0aff' */
    WEIR_AST_LIT_DATE,          /* text in bytes, len: DATE '2024-01-31' */
    WEIR_AST_LIT_TIME,          /* text in bytes, len */
    WEIR_AST_LIT_TIMESTAMP,     /* text in bytes, len */
    WEIR_AST_LIT_TIMESTAMP_LTZ, /* text in bytes, len: TIMESTAMP WITH LOCAL TIME ZONE '...' */
    WEIR_AST_LIT_INTERVAL       /* interval; bytes, len as written in the quotes */
};

struct weir_ast_literal {
    enum weir_ast_literal_kind kind;
    const char
        *text; /* a number as written, with the sign if one was folded in ("-1.50"); else NULL */
    const char *bytes; /* the value of a string-like literal; NUL-terminated, may hold NULs */
    size_t len;
    union {
        bool bool_value;
        int64_t int_value;
        double double_value;
        struct {
            __int128 unscaled; /* value = unscaled / 10^scale, |unscaled| < 10^38 */
            int32_t precision; /* digits in all: 1..38, >= scale */
            int32_t scale;     /* digits after the point */
        };
        struct {
            enum weir_ast_unit from_unit, to_unit; /* to_unit is NONE for a single unit */
            int32_t precision, fraction; /* as written in DAY(3) TO SECOND(6); -1: not written */
            bool is_months;              /* value counts months (YEAR, QUARTER, MONTH) ... */
            int64_t value;               /* ... or microseconds (all else); signed */
        } interval;
    };
};

enum weir_ast_unary_op { WEIR_AST_UN_NEG, WEIR_AST_UN_PLUS, WEIR_AST_UN_NOT };

enum weir_ast_binary_op {
    WEIR_AST_BIN_EQ,
    WEIR_AST_BIN_NE,
    WEIR_AST_BIN_LT,
    WEIR_AST_BIN_LE,
    WEIR_AST_BIN_GT,
    WEIR_AST_BIN_GE,
    WEIR_AST_BIN_ADD,
    WEIR_AST_BIN_SUB,
    WEIR_AST_BIN_MUL,
    WEIR_AST_BIN_DIV,
    WEIR_AST_BIN_MOD,
    WEIR_AST_BIN_CONCAT,  /* || */
    WEIR_AST_BIN_OVERLAPS /* (start, end) OVERLAPS (start, end): both sides are ROW */
};

enum weir_ast_is_kind {
    WEIR_AST_IS_NULL,
    WEIR_AST_IS_TRUE,
    WEIR_AST_IS_FALSE,
    WEIR_AST_IS_UNKNOWN,
    WEIR_AST_IS_DISTINCT_FROM, /* has `right` */
    WEIR_AST_IS_JSON,          /* IS JSON [VALUE] */
    WEIR_AST_IS_JSON_OBJECT,
    WEIR_AST_IS_JSON_ARRAY,
    WEIR_AST_IS_JSON_SCALAR
};

struct weir_ast_when {
    struct weir_ast_expr *when, *then;
};

/* How a call was written; the arguments are in the same order whatever the spelling, so that only
   the printer needs this. */
enum weir_ast_call_syntax {
    WEIR_AST_CALL_PLAIN,   /* f(a, b) */
    WEIR_AST_CALL_NILADIC, /* CURRENT_TIMESTAMP, LOCALTIME, CURRENT_USER, ... without parentheses */
    WEIR_AST_CALL_EXTRACT, /* EXTRACT(unit FROM x): args UNIT, x */
    WEIR_AST_CALL_POSITION,  /* POSITION(a IN b [FROM n]): args a, b [, n] */
    WEIR_AST_CALL_SUBSTRING, /* SUBSTRING(x FROM a [FOR b]): args x, a [, b] */
    WEIR_AST_CALL_OVERLAY,   /* OVERLAY(x PLACING y FROM a [FOR b]): args x, y, a [, b] */
    WEIR_AST_CALL_TRIM, /* TRIM([BOTH|LEADING|TRAILING] [chars] FROM x): args x [, chars]; trim */
    WEIR_AST_CALL_CEIL_FLOOR /* CEIL(x TO unit), FLOOR(x TO unit): args x, UNIT */
};

enum weir_ast_trim { WEIR_AST_TRIM_BOTH, WEIR_AST_TRIM_LEADING, WEIR_AST_TRIM_TRAILING };
enum weir_ast_null_treatment {
    WEIR_AST_NULLS_DEFAULT,
    WEIR_AST_NULLS_RESPECT,
    WEIR_AST_NULLS_IGNORE
};
enum weir_ast_nulls_order { WEIR_AST_NULLS_UNSET, WEIR_AST_NULLS_FIRST, WEIR_AST_NULLS_LAST };

struct weir_ast_order {
    struct weir_pos pos;
    struct weir_ast_expr *expr; /* an integer literal means the n-th select item */
    bool desc;
    enum weir_ast_nulls_order nulls;
};

struct weir_ast_orders {
    size_t n;
    struct weir_ast_order *items;
};

enum weir_ast_bound_kind {
    WEIR_AST_BOUND_UNBOUNDED_PRECEDING,
    WEIR_AST_BOUND_PRECEDING, /* offset */
    WEIR_AST_BOUND_CURRENT_ROW,
    WEIR_AST_BOUND_FOLLOWING, /* offset */
    WEIR_AST_BOUND_UNBOUNDED_FOLLOWING
};

struct weir_ast_bound {
    struct weir_pos pos;
    enum weir_ast_bound_kind kind;
    struct weir_ast_expr *offset; /* or NULL */
};

/* OVER (...) or a definition of the WINDOW clause. */
struct weir_ast_window {
    struct weir_pos pos;
    struct weir_ast_ident
        base; /* OVER w, OVER (w ...): the named window it starts from; or absent */
    struct weir_ast_exprs partition_by;
    struct weir_ast_orders order_by;
    bool bare;      /* OVER w, without parentheses: base and nothing else */
    bool has_frame; /* below */
    bool is_rows;   /* ROWS, else RANGE */
    bool between;   /* BETWEEN start AND end; else only start was written and end is CURRENT ROW */
    struct weir_ast_bound start, end;
};

struct weir_ast_call {
    struct weir_ast_name
        name; /* as written: upper or lower case, the binder compares without case */
    enum weir_ast_call_syntax syntax;
    struct weir_ast_exprs args;
    bool distinct;                       /* f(DISTINCT ...) */
    enum weir_ast_trim trim;             /* of WEIR_AST_CALL_TRIM */
    enum weir_ast_null_treatment nulls;  /* IGNORE NULLS, RESPECT NULLS */
    struct weir_ast_orders within_group; /* WITHIN GROUP (ORDER BY ...) */
    struct weir_ast_expr *filter;        /* FILTER (WHERE ...), or NULL */
    struct weir_ast_window *over;        /* or NULL */
};

struct weir_ast_expr {
    struct weir_pos pos;
    enum weir_ast_expr_kind kind;
    bool implicit; /* ROW: written (a, b) */
    union {
        struct weir_ast_literal *literal;
        struct weir_ast_name column;
        struct {
            struct weir_ast_name qualifier; /* n == 0: plain * */
        } star;
        struct {
            struct weir_ast_expr *base;
            struct weir_ast_ident name;
        } field;
        struct {
            struct weir_ast_expr *base, *index;
        } index;
        struct {
            enum weir_ast_unary_op op;
            struct weir_ast_expr *operand;
        } unary;
        struct {
            enum weir_ast_binary_op op;
            struct weir_ast_expr *left, *right;
            struct weir_pos op_pos;
        } binary;
        struct weir_ast_exprs list; /* AND, OR, ROW, ARRAY, MAP */
        struct {
            struct weir_ast_expr *operand, *right; /* right: of DISTINCT FROM, else NULL */
            enum weir_ast_is_kind test;
            bool negated;
        } is;
        struct {
            struct weir_ast_expr *operand, *low, *high;
            bool negated, symmetric;
        } between;
        struct {
            struct weir_ast_expr *operand, *pattern, *escape; /* escape or NULL */
            bool negated, similar;
        } like;
        struct {
            struct weir_ast_expr *operand;
            struct weir_ast_exprs list;   /* n >= 1, or query */
            struct weir_ast_query *query; /* or NULL */
            bool negated;
        } in;
        struct weir_ast_query *query; /* EXISTS, SUBQUERY */
        struct {
            struct weir_ast_expr *operand;
            enum weir_ast_binary_op op; /* a comparison */
            bool all;                   /* ALL; else ANY or SOME */
            struct weir_ast_exprs list; /* n >= 1, or query */
            struct weir_ast_query *query;
        } quantified;
        struct {
            struct weir_ast_expr *operand; /* CASE operand WHEN ...; or NULL */
            size_t n;                      /* >= 1 */
            struct weir_ast_when *whens;
            struct weir_ast_expr *otherwise; /* ELSE, or NULL */
        } case_when;
        struct {
            struct weir_ast_expr *operand;
            struct weir_ast_type *type;
            bool is_try; /* TRY_CAST */
        } cast;
        struct weir_ast_call *call;
        enum weir_ast_unit unit;
        struct {
            struct weir_ast_ident name;
            struct weir_ast_expr *value;
        } named_arg;
        struct weir_ast_idents descriptor;
        struct {
            struct weir_ast_name name;          /* TABLE t; n == 0 when it is a query */
            struct weir_ast_query *query;       /* or NULL */
            struct weir_ast_exprs partition_by; /* TABLE t PARTITION BY a */
            struct weir_ast_orders order_by;
        } table_arg;
    };
};

/* ---- queries ---- */

enum weir_ast_table_kind {
    WEIR_AST_TR_NAME,     /* named */
    WEIR_AST_TR_QUERY,    /* query: (SELECT ...), (VALUES ...) */
    WEIR_AST_TR_FUNCTION, /* function: TABLE(f(...)), f(...); window functions TUMBLE, HOP, ... too
                           */
    WEIR_AST_TR_UNNEST,   /* unnest */
    WEIR_AST_TR_JOIN,     /* join */
    WEIR_AST_TR_MATCH     /* match: MATCH_RECOGNIZE */
};

enum weir_ast_join_kind {
    WEIR_AST_JOIN_INNER,
    WEIR_AST_JOIN_LEFT,
    WEIR_AST_JOIN_RIGHT,
    WEIR_AST_JOIN_FULL,
    WEIR_AST_JOIN_CROSS,
    WEIR_AST_JOIN_COMMA /* FROM a, b */
};

struct weir_ast_table_ref {
    struct weir_pos pos;
    enum weir_ast_table_kind kind;
    struct weir_ast_ident alias;    /* or absent; never on a JOIN */
    struct weir_ast_idents columns; /* AS t(x, y) */
    bool lateral;                   /* LATERAL was written (QUERY, FUNCTION) */
    union {
        struct {
            struct weir_ast_name name;
            struct weir_ast_hints hints;
            struct weir_ast_expr *system_time; /* FOR SYSTEM_TIME AS OF; or NULL */
        } named;
        struct weir_ast_query *query;
        struct {
            struct weir_ast_expr *call; /* WEIR_AST_EX_CALL */
            bool wrapped;               /* TABLE(f(...)), else f(...) */
        } function;
        struct {
            struct weir_ast_exprs args;
            bool with_ordinality;
        } unnest;
        struct {
            enum weir_ast_join_kind kind;
            bool natural;
            struct weir_ast_table_ref *left, *right;
            struct weir_ast_expr *on;             /* or NULL */
            struct weir_ast_idents using_columns; /* USING (a, b) */
        } join;
        struct weir_ast_match *match;
    };
};

/* MATCH_RECOGNIZE. The pattern is a regular expression over the variables. */
enum weir_ast_pattern_kind {
    WEIR_AST_PAT_VARIABLE,  /* name */
    WEIR_AST_PAT_CONCAT,    /* children */
    WEIR_AST_PAT_ALTERNATE, /* children */
    WEIR_AST_PAT_PERMUTE,   /* children */
    WEIR_AST_PAT_EXCLUDE,   /* {- child -} */
    WEIR_AST_PAT_REPEAT,    /* one child, min..max */
    WEIR_AST_PAT_START,     /* ^ */
    WEIR_AST_PAT_END        /* $ */
};

struct weir_ast_pattern {
    struct weir_pos pos;
    enum weir_ast_pattern_kind kind;
    struct weir_ast_ident name;
    size_t n;
    struct weir_ast_pattern **children;
    uint32_t min, max; /* max == UINT32_MAX: no upper limit */
    bool reluctant;
};

struct weir_ast_alias {
    struct weir_ast_expr *expr;
    struct weir_ast_ident alias; /* or absent */
};

enum weir_ast_match_skip {
    WEIR_AST_SKIP_DEFAULT,
    WEIR_AST_SKIP_PAST_LAST_ROW,
    WEIR_AST_SKIP_TO_NEXT_ROW,
    WEIR_AST_SKIP_TO_FIRST, /* skip_to */
    WEIR_AST_SKIP_TO_LAST   /* skip_to */
};

struct weir_ast_match {
    struct weir_ast_table_ref *input;
    struct weir_ast_exprs partition_by;
    struct weir_ast_orders order_by;
    size_t n_measures;
    struct weir_ast_alias *measures;
    bool one_row, all_rows; /* ONE ROW PER MATCH, ALL ROWS PER MATCH */
    enum weir_ast_match_skip skip;
    struct weir_ast_ident skip_to;
    struct weir_ast_pattern *pattern;
    struct weir_ast_expr *within; /* or NULL */
    size_t n_defines;
    struct weir_ast_alias *defines; /* alias AS expr */
};

enum weir_ast_group_kind {
    WEIR_AST_GROUP_EXPR,   /* expr */
    WEIR_AST_GROUP_TUPLE,  /* exprs: (a, b), or () with n == 0 */
    WEIR_AST_GROUP_ROLLUP, /* children: each EXPR or TUPLE */
    WEIR_AST_GROUP_CUBE,   /* children: each EXPR or TUPLE */
    WEIR_AST_GROUP_SETS    /* children: any kind */
};

struct weir_ast_group {
    struct weir_pos pos;
    enum weir_ast_group_kind kind;
    struct weir_ast_expr *expr;
    struct weir_ast_exprs exprs;
    size_t n;
    struct weir_ast_group *children;
};

struct weir_ast_named_window {
    struct weir_ast_ident name;
    struct weir_ast_window *window;
};

struct weir_ast_select {
    bool distinct;
    struct weir_ast_hints hints; /* SELECT with a hint comment behind it */
    size_t n_items;              /* >= 1 */
    struct weir_ast_alias *items;
    struct weir_ast_table_ref *from; /* or NULL: SELECT 1 */
    struct weir_ast_expr *where;     /* or NULL */
    size_t n_groups;
    struct weir_ast_group *groups;
    bool grouped;                 /* GROUP BY was written */
    struct weir_ast_expr *having; /* or NULL */
    size_t n_windows;
    struct weir_ast_named_window *windows;
    struct weir_ast_expr *qualify; /* or NULL */
};

enum weir_ast_body_kind {
    WEIR_AST_BODY_SELECT, /* select */
    WEIR_AST_BODY_VALUES, /* rows: each item is WEIR_AST_EX_ROW (a scalar VALUES 1, 2 is wrapped in
                             one) */
    WEIR_AST_BODY_SETOP,  /* setop */
    WEIR_AST_BODY_QUERY,  /* query: in parentheses, with WITH, ORDER BY, LIMIT of its own */
    WEIR_AST_BODY_TABLE   /* table: TABLE t */
};

enum weir_ast_setop { WEIR_AST_SET_UNION, WEIR_AST_SET_INTERSECT, WEIR_AST_SET_EXCEPT };

struct weir_ast_body {
    struct weir_pos pos;
    enum weir_ast_body_kind kind;
    union {
        struct weir_ast_select *select;
        struct weir_ast_exprs rows;
        struct {
            enum weir_ast_setop op;
            bool all;
            struct weir_ast_body *left, *right;
        } setop;
        struct weir_ast_query *query;
        struct weir_ast_name table;
    };
};

struct weir_ast_cte {
    struct weir_pos pos;
    struct weir_ast_ident name;
    struct weir_ast_idents columns;
    struct weir_ast_query *query;
};

struct weir_ast_query {
    struct weir_pos pos;
    bool recursive; /* WITH RECURSIVE */
    size_t n_ctes;
    struct weir_ast_cte *ctes;
    struct weir_ast_body *body;
    struct weir_ast_orders order_by;
    struct weir_ast_expr *offset; /* or NULL */
    struct weir_ast_expr *limit;  /* LIMIT n, FETCH FIRST n ROWS ONLY; or NULL (also LIMIT ALL) */
    bool fetch;                   /* it was written FETCH */
};

#endif
