/* The small parts of the printer: words, identifiers, strings, names, types. */
#include "host/sql/ast.h"

#include <string.h>
#include <strings.h>

#include "host/sql/ast_print.h"
#include "host/sql/keywords.h"
#include "host/sql/lexer.h"

static const char *const unit_names[] = {
    [WEIR_AST_UNIT_NONE] = "",
    [WEIR_AST_UNIT_MILLENNIUM] = "MILLENNIUM",
    [WEIR_AST_UNIT_CENTURY] = "CENTURY",
    [WEIR_AST_UNIT_DECADE] = "DECADE",
    [WEIR_AST_UNIT_YEAR] = "YEAR",
    [WEIR_AST_UNIT_QUARTER] = "QUARTER",
    [WEIR_AST_UNIT_MONTH] = "MONTH",
    [WEIR_AST_UNIT_WEEK] = "WEEK",
    [WEIR_AST_UNIT_DAY] = "DAY",
    [WEIR_AST_UNIT_HOUR] = "HOUR",
    [WEIR_AST_UNIT_MINUTE] = "MINUTE",
    [WEIR_AST_UNIT_SECOND] = "SECOND",
    [WEIR_AST_UNIT_MILLISECOND] = "MILLISECOND",
    [WEIR_AST_UNIT_MICROSECOND] = "MICROSECOND",
    [WEIR_AST_UNIT_NANOSECOND] = "NANOSECOND",
    [WEIR_AST_UNIT_DOW] = "DOW",
    [WEIR_AST_UNIT_ISODOW] = "ISODOW",
    [WEIR_AST_UNIT_DOY] = "DOY",
    [WEIR_AST_UNIT_ISOYEAR] = "ISOYEAR",
    [WEIR_AST_UNIT_EPOCH] = "EPOCH",
};

const char *weir_ast_unit_name(enum weir_ast_unit unit)
{
    return unit_names[unit];
}

static const char *const binary_texts[] = {
    [WEIR_AST_BIN_EQ] = "=",
    [WEIR_AST_BIN_NE] = "<>",
    [WEIR_AST_BIN_LT] = "<",
    [WEIR_AST_BIN_LE] = "<=",
    [WEIR_AST_BIN_GT] = ">",
    [WEIR_AST_BIN_GE] = ">=",
    [WEIR_AST_BIN_ADD] = "+",
    [WEIR_AST_BIN_SUB] = "-",
    [WEIR_AST_BIN_MUL] = "*",
    [WEIR_AST_BIN_DIV] = "/",
    [WEIR_AST_BIN_MOD] = "%",
    [WEIR_AST_BIN_CONCAT] = "||",
    [WEIR_AST_BIN_OVERLAPS] = "OVERLAPS",
};

const char *weir_ast_binary_op_text(enum weir_ast_binary_op op)
{
    return binary_texts[op];
}

bool weir_ast_name_is(const struct weir_ast_name *name, const char *word)
{
    return name->n == 1 && !strcasecmp(name->parts[0].name, word);
}

/* ---- identifiers and strings ---- */

static bool is_plain_word(const char *s)
{
    if (!weir_sql_is_word_start((unsigned char)*s)) return false;
    for (; *s; s++) {
        if (!weir_sql_is_word_char((unsigned char)*s) || (unsigned char)*s >= 0x80) return false;
    }
    return true;
}

void weir_ast_print_ident(const char *name, struct weir_buf *b)
{
    enum weir_sql_keyword kw = weir_sql_keyword(name, strlen(name));
    if (is_plain_word(name) && (!kw || weir_sql_keyword_flag(kw) == 'N')) {
        weir_buf_puts(b, name);
        return;
    }
    weir_buf_putc(b, '`');
    for (; *name; name++) {
        if (*name == '`') weir_buf_putc(b, '`');
        weir_buf_putc(b, *name);
    }
    weir_buf_putc(b, '`');
}

void weir_ast_print_name(const struct weir_ast_name *name, struct weir_buf *b)
{
    for (size_t i = 0; i < name->n; i++) {
        if (i) weir_buf_putc(b, '.');
        weir_ast_print_ident(name->parts[i].name, b);
    }
}

/* A string that holds a NUL can only be written with escapes. */
void weir_ast_print_string(const char *s, size_t len, struct weir_buf *b)
{
    bool escapes = memchr(s, 0, len) != NULL;
    weir_buf_puts(b, escapes ? "U&'" : "'");
    for (size_t i = 0; i < len; i++) {
        if (!s[i]) {
            weir_buf_puts(b, "\\0000");
            continue;
        }
        if (s[i] == '\'' || (escapes && s[i] == '\\')) weir_buf_putc(b, s[i]);
        weir_buf_putc(b, s[i]);
    }
    weir_buf_putc(b, '\'');
}

void weir_print_text(const char *s, struct weir_buf *b)
{
    weir_ast_print_string(s, strlen(s), b);
}

void weir_print_idents(const struct weir_ast_idents *list, struct weir_buf *b)
{
    weir_buf_putc(b, '(');
    for (size_t i = 0; i < list->n; i++) {
        if (i) weir_buf_puts(b, ", ");
        weir_ast_print_ident(list->items[i].name, b);
    }
    weir_buf_putc(b, ')');
}

/* ('k' = 'v', ...), each option behind BEFORE. */
void weir_print_options(const struct weir_ast_options *o, const char *before, struct weir_buf *b)
{
    weir_buf_putc(b, '(');
    for (size_t i = 0; i < o->n; i++) {
        if (i) weir_buf_puts(b, *before == '\n' ? "," : ", ");
        weir_buf_puts(b, before);
        weir_print_text(o->items[i].key, b);
        weir_buf_puts(b, " = ");
        weir_print_text(o->items[i].value, b);
    }
    if (*before == '\n') weir_buf_putc(b, '\n');
    weir_buf_putc(b, ')');
}

void weir_print_hints(const struct weir_ast_hints *h, struct weir_buf *b)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct weir_ast_hint *x = &h->items[i];
        weir_buf_puts(b, i ? ", " : " /*+ ");
        weir_ast_print_ident(x->name.name, b);
        if (x->options.n) weir_print_options(&x->options, "", b);
        for (size_t j = 0; j < x->args.n; j++) {
            const struct weir_ast_ident *a = &x->args.items[j];
            weir_buf_puts(b, j ? ", " : "(");
            bool number = a->name[0] >= '0' && a->name[0] <= '9' && !a->quoted;
            if (a->quoted)
                weir_print_text(a->name, b);
            else if (number)
                weir_buf_puts(b, a->name);
            else
                weir_ast_print_ident(a->name, b);
        }
        if (x->args.n) weir_buf_putc(b, ')');
    }
    if (h->n) weir_buf_puts(b, " */");
}

/* ---- types ---- */

static const char *const type_names[] = {
    [WEIR_AST_TY_BOOLEAN] = "BOOLEAN",
    [WEIR_AST_TY_TINYINT] = "TINYINT",
    [WEIR_AST_TY_SMALLINT] = "SMALLINT",
    [WEIR_AST_TY_INT] = "INT",
    [WEIR_AST_TY_BIGINT] = "BIGINT",
    [WEIR_AST_TY_FLOAT] = "FLOAT",
    [WEIR_AST_TY_DOUBLE] = "DOUBLE",
    [WEIR_AST_TY_DECIMAL] = "DECIMAL",
    [WEIR_AST_TY_CHAR] = "CHAR",
    [WEIR_AST_TY_VARCHAR] = "VARCHAR",
    [WEIR_AST_TY_STRING] = "STRING",
    [WEIR_AST_TY_BINARY] = "BINARY",
    [WEIR_AST_TY_VARBINARY] = "VARBINARY",
    [WEIR_AST_TY_BYTES] = "BYTES",
    [WEIR_AST_TY_DATE] = "DATE",
    [WEIR_AST_TY_TIME] = "TIME",
    [WEIR_AST_TY_TIMESTAMP] = "TIMESTAMP",
    [WEIR_AST_TY_TIMESTAMP_TZ] = "TIMESTAMP",
    [WEIR_AST_TY_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
    [WEIR_AST_TY_INTERVAL] = "INTERVAL",
    [WEIR_AST_TY_ARRAY] = "ARRAY",
    [WEIR_AST_TY_MULTISET] = "MULTISET",
    [WEIR_AST_TY_MAP] = "MAP",
    [WEIR_AST_TY_ROW] = "ROW",
    [WEIR_AST_TY_NULL] = "NULL",
    [WEIR_AST_TY_NAMED] = "",
};

static void print_fields(const struct weir_ast_type *t, struct weir_buf *b)
{
    weir_buf_putc(b, '<');
    for (size_t i = 0; i < t->n_fields; i++) {
        if (i) weir_buf_puts(b, ", ");
        weir_ast_print_ident(t->fields[i].name.name, b);
        weir_buf_putc(b, ' ');
        weir_ast_print_type(t->fields[i].type, b);
        if (t->fields[i].comment) {
            weir_buf_putc(b, ' ');
            weir_print_text(t->fields[i].comment, b);
        }
    }
    weir_buf_putc(b, '>');
}

static void print_interval(const struct weir_ast_type *t, struct weir_buf *b)
{
    weir_buf_printf(b, " %s", weir_ast_unit_name(t->from_unit));
    if (t->precision >= 0) weir_buf_printf(b, "(%d", t->precision);
    if (t->precision >= 0 && t->scale >= 0 && !t->to_unit) weir_buf_printf(b, ", %d", t->scale);
    if (t->precision >= 0) weir_buf_putc(b, ')');
    if (!t->to_unit) return;
    weir_buf_printf(b, " TO %s", weir_ast_unit_name(t->to_unit));
    if (t->scale >= 0) weir_buf_printf(b, "(%d)", t->scale);
}

void weir_ast_print_type(const struct weir_ast_type *t, struct weir_buf *b)
{
    weir_buf_puts(b, type_names[t->kind]);
    switch (t->kind) {
    case WEIR_AST_TY_INTERVAL: print_interval(t, b); break;
    case WEIR_AST_TY_ROW: print_fields(t, b); break;
    case WEIR_AST_TY_NAMED:
        if (t->name.n > 1) {
            weir_ast_print_name(&t->name, b);
        } else { /* a bare word would be taken for a built-in type */
            weir_buf_putc(b, '`');
            for (const char *s = t->name.parts[0].name; *s; s++) {
                if (*s == '`') weir_buf_putc(b, '`');
                weir_buf_putc(b, *s);
            }
            weir_buf_putc(b, '`');
        }
        break;
    case WEIR_AST_TY_ARRAY:
    case WEIR_AST_TY_MULTISET:
    case WEIR_AST_TY_MAP:
        weir_buf_putc(b, '<');
        if (t->key) {
            weir_ast_print_type(t->key, b);
            weir_buf_puts(b, ", ");
        }
        weir_ast_print_type(t->element, b);
        weir_buf_putc(b, '>');
        break;
    default:
        if (t->precision >= 0) weir_buf_printf(b, "(%d", t->precision);
        if (t->precision >= 0 && t->scale >= 0) weir_buf_printf(b, ", %d", t->scale);
        if (t->precision >= 0) weir_buf_putc(b, ')');
    }
    if (t->kind == WEIR_AST_TY_TIMESTAMP_TZ) weir_buf_puts(b, " WITH TIME ZONE");
    if (t->not_null)
        weir_buf_puts(b, " NOT NULL");
    else if (t->null)
        weir_buf_puts(b, " NULL");
}
