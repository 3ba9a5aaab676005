/* Functions and casts by tables of cases. An argument is written TYPE:text and made by casting the
   text, a result is shown by casting it to STRING; "!" begins what an error message must contain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/native/functions.h"
#include "runtime/native/vec.h"

static struct weir_arena arena;

static struct weir_type type_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum weir_type_id id;
    } names[] = {
        {"BOOL", WEIR_TYPE_BOOLEAN},    {"I8", WEIR_TYPE_TINYINT},
        {"I16", WEIR_TYPE_SMALLINT},    {"I32", WEIR_TYPE_INT},
        {"I64", WEIR_TYPE_BIGINT},      {"F32", WEIR_TYPE_FLOAT},
        {"F64", WEIR_TYPE_DOUBLE},      {"STR", WEIR_TYPE_VARCHAR},
        {"DATE", WEIR_TYPE_DATE},       {"TIME", WEIR_TYPE_TIME},
        {"TS", WEIR_TYPE_TIMESTAMP},    {"LTZ", WEIR_TYPE_TIMESTAMP_LTZ},
        {"CHAR5", WEIR_TYPE_CHAR},      {"VAR3", WEIR_TYPE_VARCHAR},
        {"BYTES", WEIR_TYPE_VARBINARY}, {"MONTHS", WEIR_TYPE_INTERVAL_MONTH},
    };
    int p, s;
    if (sscanf(name, "DEC(%d,%d)", &p, &s) == 2) return weir_type_decimal(p, s);
    if (sscanf(name, "TS(%d)", &p) == 1) return weir_type_timestamp(p);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && !memcmp(names[i].name, name, len)) {
            struct weir_type t = weir_type_make(names[i].id);
            if (!strcmp(names[i].name, "CHAR5")) t.length = 5;
            if (!strcmp(names[i].name, "VAR3")) t.length = 3;
            return t;
        }
    fail_msg("no type %s", name);
    return (struct weir_type){0};
}

static struct weir_expr *node(enum weir_op op, struct weir_type t, int n)
{
    struct weir_expr *e = weir_arena_alloc(&arena, sizeof *e);
    e->op = (uint8_t)op;
    e->type = t;
    e->pos = (struct weir_pos){1, 1, 0, 0};
    e->n_args = (uint16_t)n;
    e->arg = weir_arena_alloc(&arena, (size_t)n * sizeof(void *) + 1);
    return e;
}

static struct weir_expr *cast(struct weir_expr *e, struct weir_type t, bool attempt)
{
    if (weir_type_same(e->type, t)) return e;
    struct weir_expr *c = node(attempt ? WEIR_OP_TRY_CAST : WEIR_OP_CAST, t, 1);
    c->arg[0] = e;
    return c;
}

/* The expression of TYPE:text. */
static struct weir_expr *argument(const char *s, size_t len)
{
    const char *colon = memchr(s, ':', len);
    struct weir_type t = type_of(s, (size_t)(colon - s));
    struct weir_expr *e = node(WEIR_OP_CONST, weir_type_string(), 0);
    e->value.type = e->type;
    e->value.s = (struct weir_str){colon + 1, (uint32_t)(s + len - colon - 1)};
    if (e->value.s.len == 4 && !memcmp(e->value.s.data, "NULL", 4)) {
        e->type = e->value.type = t;
        e->value.is_null = true;
        return e;
    }
    if (t.id != WEIR_TYPE_INTERVAL_MONTH) return cast(e, t, false);
    e = cast(e, weir_type_make(WEIR_TYPE_INT), false);
    return cast(e, t, false);
}

static char shown[1024];

/* E as text, or its error message behind "!". */
static const char *value_of(struct weir_expr *e)
{
    struct weir_value v;
    struct weir_error err;
    if (weir_type_phys(e->type) != WEIR_PHYS_STR) e = cast(e, weir_type_string(), false);
    int rc = weir_eval_const(&arena, e, 1704067200123456, &v, &err); /* 2024-01-01 00:00:00.123 */
    if (rc)
        snprintf(shown, sizeof shown, "!%s", err.message);
    else if (v.is_null)
        return "NULL";
    else
        snprintf(shown, sizeof shown, "%.*s", (int)v.s.len, v.s.data);
    return shown;
}

static void expect(const char *what, const char *args, const char *want, const char *got)
{
    bool same = *want == '!' ? *got == '!' && strstr(got, want + 1) != NULL : !strcmp(want, got);
    if (!same) fail_msg("%s(%s): want %s, got %s", what, args, want, got);
}

static const char *call(const char *name, const char *args)
{
    struct weir_expr *arg[16];
    struct weir_type type[16], ret;
    struct weir_error err;
    int n = 0;
    for (const char *p = args; *p;) {
        size_t len = strcspn(p, "|");
        arg[n] = argument(p, len);
        type[n] = arg[n]->type;
        n++;
        p += len + (p[len] == '|');
    }
    const struct weir_function *f = weir_function_find(name, strlen(name));
    if (!f) fail_msg("no function %s", name);
    if (f->infer(f, n, type, &ret, &err)) {
        snprintf(shown, sizeof shown, "!%s", err.message);
        return shown;
    }
    struct weir_expr *e = node(WEIR_OP_CALL, ret, n);
    e->fn = f;
    for (int i = 0; i < n; i++) e->arg[i] = cast(arg[i], type[i], false);
    return value_of(e);
}

/* clang-format off */
static const struct { const char *name, *args, *want; } calls[] = {
    {"ABS", "I32:-3", "3"}, {"ABS", "I32:-2147483648", "!does not fit INT"}, {"ABS", "F64:-0.0", "0.0"},
    {"ABS", "DEC(5,2):-1.50", "1.50"}, {"ABS", "I8:NULL", "NULL"}, {"ABS", "STR:x", "!takes a number"},
    {"SIGN", "DEC(5,2):-7.30", "-1.00"}, {"SIGN", "I64:9", "1"}, {"SIGN", "F64:-2.5", "-1.0"},
    {"SQRT", "I32:16", "4.0"}, {"SQRT", "F64:-1", "NaN"}, {"LN", "F64:0", "-Infinity"},
    {"LOG", "I32:2|I32:8", "3.0"}, {"LOG10", "I32:1000", "3.0"}, {"POWER", "I32:2|I32:10", "1024.0"},
    {"ATAN2", "F64:0|F64:1", "0.0"}, {"PI", "", "3.141592653589793"}, {"DEGREES", "F64:0", "0.0"},
    {"ROUND", "F64:2.675|I32:2", "2.68"}, {"ROUND", "F64:-2.5", "-3.0"}, {"ROUND", "F64:1234.5|I32:-2", "1200.0"},
    {"ROUND", "F64:NaN|I32:1", "NaN"}, {"ROUND", "F64:1e300|I32:2", "1.0E300"}, {"ROUND", "F64:1e-300|I32:2", "0.0"},
    {"ROUND", "I32:1250|I32:-2", "1300"}, {"ROUND", "I8:127|I32:-1", "!does not fit TINYINT"},
    {"ROUND", "DEC(5,2):9.99|I32:1", "10.00"}, {"ROUND", "F32:0.15|I32:1", "0.2"},
    {"TRUNCATE", "F64:2.679|I32:2", "2.67"}, {"TRUNCATE", "DEC(5,3):-2.679|I32:1", "-2.600"},
    {"FLOOR", "DEC(5,2):-1.50", "-2"}, {"CEIL", "DEC(5,2):-1.50", "-1"}, {"FLOOR", "F64:2.5", "2.0"}, {"CEIL", "I32:7", "7"},
    {"GREATEST", "I32:1|I64:3|I8:2", "3"}, {"LEAST", "STR:b|STR:a", "a"}, {"GREATEST", "I32:1|I32:NULL", "NULL"},
    {"GREATEST", "F64:NaN|F64:1", "NaN"}, {"BITAND", "I32:6|I32:3", "2"}, {"BITNOT", "I32:0", "-1"},

    {"UPPER", "STR:straße é", "STRASSE É"}, {"LOWER", "STR:ÀÉŽ ΣΨ ЖЯ", "àéž σψ жя"}, {"INITCAP", "STR:heLLo wORLD-foo2bar", "Hello World-Foo2bar"},
    {"CHAR_LENGTH", "STR:h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "4"}, {"OCTET_LENGTH", "STR:h\xc3\xa9", "3"}, {"ASCII", "STR:", "0"},
    {"TRIM", "STR:  x y  ", "x y"}, {"TRIM_BOTH", "STR:xyaxby|STR:yx", "axb"}, {"TRIM_LEADING", "STR:éé1é|STR:é", "1é"},
    {"TRIM_TRAILING", "STR:1éé|STR:é", "1"}, {"LTRIM", "STR:  a ", "a "}, {"RTRIM", "STR: a  ", " a"},
    {"SUBSTRING", "STR:hello|I32:2", "ello"}, {"SUBSTRING", "STR:hello|I32:2|I32:3", "ell"}, {"SUBSTRING", "STR:hello|I32:0|I32:2", "he"},
    {"SUBSTRING", "STR:hello|I32:-3|I32:2", "ll"}, {"SUBSTRING", "STR:hello|I32:-9", ""}, {"SUBSTRING", "STR:hello|I32:9", ""},
    {"SUBSTRING", "STR:hello|I32:1|I32:-1", "NULL"}, {"SUBSTRING", "STR:aé€b|I32:2|I32:2", "é€"},
    {"LEFT", "STR:aéb|I32:2", "aé"}, {"RIGHT", "STR:aéb|I32:2", "éb"}, {"LEFT", "STR:abc|I32:-1", ""}, {"RIGHT", "STR:abc|I32:9", "abc"},
    {"POSITION", "STR:l|STR:héllo", "3"}, {"POSITION", "STR:|STR:abc", "1"}, {"POSITION", "STR:z|STR:abc", "0"},
    {"LOCATE", "STR:l|STR:hello|I32:4", "4"}, {"LOCATE", "STR:l|STR:hello|I32:5", "0"}, {"INSTR", "STR:hello|STR:o", "5"},
    {"STARTSWITH", "STR:hello|STR:he", "TRUE"}, {"ENDSWITH", "STR:hello|STR:x", "FALSE"}, {"ENDSWITH", "STR:a|STR:ba", "FALSE"}, {"ENDSWITH", "STR:|STR:a", "FALSE"},
    {"SPLIT_INDEX", "STR:a,b,c|STR:,|I32:1", "b"}, {"SPLIT_INDEX", "STR:a,b,c|STR:,|I32:3", "NULL"}, {"SPLIT_INDEX", "STR:a,,c|STR:,|I32:1", ""},
    {"CONCAT", "STR:a|I32:1|STR:", "a1"}, {"CONCAT", "STR:a|STR:NULL", "NULL"}, {"CONCAT_WS", "STR:,|STR:a|STR:NULL|STR:|STR:b", "a,,b"},
    {"CONCAT_WS", "STR:NULL|STR:a", "NULL"}, {"CONCAT_WS", "STR:,|STR:NULL", ""},
    {"REVERSE", "STR:aé€", "€éa"}, {"REPEAT", "STR:ab|I32:3", "ababab"}, {"REPEAT", "STR:ab|I32:-1", ""},
    {"REPEAT", "STR:ab|I32:2000000000", "!does not accept"}, {"CHR", "I32:97", "a"}, {"CHR", "I32:233", "é"},
    {"REPLACE", "STR:aXbX|STR:X|STR:--", "a--b--"}, {"REPLACE", "STR:ab|STR:|STR:.", ".a.b."}, {"REPLACE", "STR:aaa|STR:aa|STR:b", "ba"},
    {"TRANSLATE", "STR:abcé|STR:abé|STR:x€", "x€c"}, {"OVERLAY", "STR:abcdef|STR:XY|I32:2|I32:3", "aXYef"}, {"OVERLAY", "STR:abc|STR:XY|I32:2", "aXY"},
    {"OVERLAY", "STR:abc|STR:X|I32:9", "abc"}, {"LPAD", "STR:7|I32:3|STR:0", "007"}, {"LPAD", "STR:789|I32:2|STR:0", "78"},
    {"RPAD", "STR:7|I32:4|STR:ab", "7aba"}, {"LPAD", "STR:7|I32:-1|STR:0", "NULL"}, {"ELT", "I32:2|STR:a|STR:b", "b"}, {"ELT", "I32:3|STR:a|STR:b", "NULL"},

    {"REGEXP", "STR:hello|STR:l+", "TRUE"}, {"REGEXP", "STR:hello|STR:^l", "FALSE"}, {"REGEXP", "STR:x|STR:(", "!does not accept"},
    {"REGEXP_EXTRACT", "STR:foothebar|STR:foo(.*?)(bar)|I32:2", "bar"}, {"REGEXP_EXTRACT", "STR:abc|STR:z|I32:0", "NULL"},
    {"REGEXP_EXTRACT", "STR:aXbXc|STR:a.*X", "aXbX"}, {"REGEXP_EXTRACT", "STR:aXbXc|STR:a.*?X", "aX"},
    {"REGEXP_EXTRACT", "STR:k=12|STR:(\\w+)=(\\d{1,3})|I32:2", "12"}, {"REGEXP_EXTRACT", "STR:a.b|STR:\\Qa.b\\E", "a.b"},
    {"REGEXP_EXTRACT", "STR:été|STR:[é-ê]t.", "été"}, {"REGEXP", "STR:HELLO|STR:(?i)hel{2}o", "TRUE"},
    {"REGEXP_REPLACE", "STR:foobar|STR:oo(b)|STR:$1", "f$1ar"}, {"REGEXP_REPLACE", "STR:aaa|STR:a*|STR:-", "--"},
    {"REGEXP_COUNT", "STR:a1b22c333|STR:[0-9]+", "3"}, {"REGEXP_INSTR", "STR:éc|STR:c", "2"}, {"REGEXP", "STR:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac|STR:(a*)*b", "FALSE"},

    {"MD5", "STR:abc", "900150983cd24fb0d6963f7d28e17f72"}, {"SHA1", "STR:abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"SHA2", "STR:abc|I32:224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"}, {"SHA2", "STR:abc|I32:1", "NULL"},
    {"SHA256", "STR:abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"TO_BASE64", "STR:hello", "aGVsbG8="}, {"FROM_BASE64", "STR:aGVsbG8=", "hello"}, {"HEX", "I32:255", "FF"}, {"HEX", "STR:az", "617A"}, {"BIN", "I32:10", "1010"},
    {"PARSE_URL", "STR:http://u:p@h.com:80/a/b?k=1&q=2#r|STR:QUERY|STR:q", "2"}, {"PARSE_URL", "STR:http://h.com/a?x|STR:HOST", "h.com"},
    {"PARSE_URL", "STR:http://h.com/a?x#r|STR:FILE", "/a?x"}, {"PARSE_URL", "STR:nonsense|STR:HOST", "NULL"},
    {"URL_ENCODE", "STR:a b/é", "a+b%2F%C3%A9"}, {"URL_DECODE", "STR:a+b%2F", "a b/"}, {"URL_DECODE", "STR:%zz", "NULL"},

    {"EXTRACT_YEAR", "DATE:2024-02-29", "2024"}, {"EXTRACT_WEEK", "DATE:2024-12-30", "1"}, {"EXTRACT_WEEK", "DATE:2021-01-03", "53"},
    {"EXTRACT_ISOYEAR", "DATE:2024-12-30", "2025"}, {"EXTRACT_DOY", "DATE:2024-12-31", "366"}, {"DAYOFWEEK", "DATE:1994-09-27", "3"},
    {"EXTRACT_ISODOW", "DATE:2024-05-05", "7"}, {"QUARTER", "DATE:2024-05-05", "2"}, {"EXTRACT_CENTURY", "DATE:2000-06-01", "20"},
    {"EXTRACT_DECADE", "DATE:1999-06-01", "199"}, {"EXTRACT_MILLENNIUM", "DATE:2001-01-01", "3"},
    {"HOUR", "TS:2024-01-01 13:14:15.123", "13"}, {"EXTRACT_MILLISECOND", "TS:2024-01-01 13:14:15.123", "123"}, {"MINUTE", "TIME:01:02:03", "2"},
    {"EXTRACT_EPOCH", "TS:1969-12-31 23:59:59.5", "-1"}, {"HOUR", "TS:1969-12-31 23:59:59.5", "23"}, {"HOUR", "DATE:2024-01-01", "0"},
    {"FLOOR_TO_MONTH", "TS:2024-05-17 13:14:15", "2024-05-01 00:00:00.000000"}, {"CEIL_TO_HOUR", "TS:2024-05-17 13:14:15", "2024-05-17 14:00:00.000000"},
    {"CEIL_TO_MONTH", "DATE:2024-12-02", "2025-01-01"}, {"CEIL_TO_MONTH", "DATE:2024-12-01", "2024-12-01"}, {"FLOOR_TO_WEEK", "DATE:2024-05-08", "2024-05-05"},
    {"FLOOR_TO_QUARTER", "DATE:2024-05-08", "2024-04-01"}, {"CEIL_TO_YEAR", "DATE:2024-05-08", "2025-01-01"},
    {"TIMESTAMPADD_MONTH", "I32:1|DATE:2024-01-31", "2024-02-29"}, {"TIMESTAMPADD_YEAR", "I32:-1|DATE:2024-02-29", "2023-02-28"},
    {"TIMESTAMPADD_HOUR", "I32:5|DATE:2024-01-31", "2024-01-31 05:00:00.000"}, {"TIMESTAMPADD_WEEK", "I32:2|DATE:2024-01-31", "2024-02-14"},
    {"TIMESTAMPDIFF_MONTH", "TS:2024-01-31 10:00:00|TS:2024-02-29 09:00:00", "0"}, {"TIMESTAMPDIFF_MONTH", "DATE:2024-01-31|DATE:2024-02-29", "1"},
    {"TIMESTAMPDIFF_DAY", "DATE:2024-03-01|DATE:2024-01-01", "-60"}, {"TIMESTAMPDIFF_YEAR", "DATE:2020-02-29|DATE:2024-02-28", "3"},
    {"TIMESTAMPDIFF_SECOND", "TS:2024-01-01 00:00:00|TS:2024-01-01 00:01:00.9", "60"}, {"ADD_MONTHS", "DATE:2024-03-31|MONTHS:-1", "2024-02-29"},
    {"DATE_FORMAT", "TS:2024-05-07 13:04:05.678|STR:yyyy/MM/dd HH:mm:ss.SSS EEE MMMM a h 'o''clock'", "2024/05/07 13:04:05.678 Tue May PM 1 o'clock"},
    {"DATE_FORMAT", "TS:2024-05-07 00:00:00|STR:{}", "{}"}, {"DATE_FORMAT", "TS:2024-05-07 00:00:00|STR:Q", "!does not accept"},
    {"TO_TIMESTAMP", "STR:2024-05-07 01:02:03", "2024-05-07 01:02:03.000"}, {"TO_TIMESTAMP", "STR:07.05.2024 01:02|STR:dd.MM.yyyy HH:mm", "2024-05-07 01:02:00.000"},
    {"TO_TIMESTAMP", "STR:2024-13-01 00:00:00", "NULL"}, {"TO_DATE", "STR:20240507|STR:yyyyMMdd", "2024-05-07"}, {"TO_DATE", "STR:x", "NULL"},
    {"FROM_UNIXTIME", "I64:0", "1970-01-01 00:00:00"}, {"UNIX_TIMESTAMP", "STR:1970-01-02 00:00:00", "86400"}, {"TO_TIMESTAMP_LTZ", "I64:1000|I32:3", "1970-01-01 00:00:01.000"},
    {"CONVERT_TZ", "STR:2024-01-01 00:00:00|STR:UTC|STR:GMT+8", "2024-01-01 08:00:00"}, {"CURRENT_TIMESTAMP", "", "2024-01-01 00:00:00.123"},
    {"CURRENT_DATE", "", "2024-01-01"}, {"UNIX_TIMESTAMP", "", "1704067200"},
};

static const struct { const char *from, *to, *want; } casts[] = {
    {"STR: 12 ", "I32", "12"}, {"STR:12.7", "I32", "12"}, {"STR:x", "I32", "!cannot cast 'x' to INT"}, {"STR:300", "I8", "!it does not fit"},
    {"STR:", "I64", "!cannot cast '' to BIGINT"}, {"STR:1e3", "F64", "1000.0"}, {"STR:abc", "F64", "!cannot cast 'abc' to DOUBLE"},
    {"STR:1.005", "DEC(5,2)", "1.01"}, {"STR:1000", "DEC(5,2)", "!it does not fit"}, {"STR:yes", "BOOL", "TRUE"}, {"STR:maybe", "BOOL", "!cannot cast"},
    {"STR:2024-02-30", "DATE", "!cannot cast"}, {"STR:2024-02-29 10:00:00", "DATE", "2024-02-29"}, {"STR:25:00:00", "TIME", "!cannot cast"},
    {"STR:2024-02-29T10:00:00.123456", "TS(3)", "2024-02-29 10:00:00.123"}, {"STR:aébc", "VAR3", "aéb"}, {"STR:ab", "CHAR5", "ab   "}, {"STR:abcdefg", "CHAR5", "abcde"},
    {"I64:3000000000", "I32", "!it does not fit"}, {"I32:-129", "I8", "!it does not fit"}, {"I32:12", "DEC(4,2)", "12.00"}, {"I32:123", "DEC(4,2)", "!it does not fit"},
    {"F64:1.9", "I32", "1"}, {"F64:-1.9", "I32", "-1"}, {"F64:NaN", "I32", "!it does not fit"}, {"F64:1e10", "I32", "!it does not fit"}, {"F64:9.3e18", "I64", "!it does not fit"},
    {"F64:0.1", "DEC(20,18)", "0.100000000000000000"}, {"F64:2.345", "DEC(5,2)", "2.35"}, {"F64:1e40", "DEC(38,0)", "!it does not fit"},
    {"DEC(5,2):1.50", "I32", "1"}, {"DEC(5,2):-1.50", "DEC(3,0)", "-2"}, {"DEC(38,10):12345678901234567890.5", "F64", "1.2345678901234567E19"},
    {"DEC(38,0):99999999999999999999999999999999999999", "I64", "!it does not fit"}, {"DEC(20,2):0.07", "F64", "0.07"}, {"DEC(5,2):0.00", "BOOL", "FALSE"},
    {"BOOL:true", "I32", "1"}, {"BOOL:true", "DEC(5,2)", "1.00"}, {"I32:5", "BOOL", "TRUE"}, {"BOOL:false", "STR", "FALSE"}, {"F32:0.1", "F64", "0.10000000149011612"},
    {"F64:1e300", "F32", "Infinity"}, {"F64:100", "STR", "100.0"}, {"DATE:2024-02-29", "TS", "2024-02-29 00:00:00.000000"}, {"TS:1969-12-31 23:00:00", "DATE", "1969-12-31"},
    {"TS:2024-01-01 10:11:12.5", "TIME", "10:11:12"}, {"TIME:10:11:12", "TS", "1970-01-01 10:11:12.000000"}, {"TS:1969-12-31 23:59:59.999999", "TS(0)", "1969-12-31 23:59:59"},
    {"TS:2024-01-01 00:00:00", "LTZ", "2024-01-01 00:00:00.000000"}, {"TS:1970-01-01 00:00:01", "I64", "1000000"}, {"DATE:1970-01-03", "I32", "2"}, {"I32:NULL", "STR", "NULL"},
    {"STR:a long text that does not become a number at all, and is cut", "I32", "!cannot cast 'a long text that does not become a number at all...' to INT"},
};
/* clang-format on */

static void test_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        expect(calls[i].name, calls[i].args, calls[i].want, call(calls[i].name, calls[i].args));
        weir_arena_reset(&arena);
    }
}

static void test_casts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof casts / sizeof *casts; i++) {
        struct weir_type to = type_of(casts[i].to, strlen(casts[i].to));
        struct weir_expr *x = argument(casts[i].from, strlen(casts[i].from));
        assert_true(weir_cast_supported(x->type, to));
        struct weir_expr *e = node(WEIR_OP_CAST, to, 1);
        e->arg[0] = x;
        expect("CAST", casts[i].from, casts[i].want, value_of(e));
        e = node(WEIR_OP_TRY_CAST, to, 1);
        e->arg[0] = x;
        expect("TRY_CAST", casts[i].from, *casts[i].want == '!' ? "NULL" : casts[i].want,
               value_of(e));
        weir_arena_reset(&arena);
    }
}

/* TRY_CAST forgives its own cast, not what is inside it. */
static void test_try_cast_inside(void **state)
{
    (void)state;
    struct weir_expr *e = cast(argument("STR:x", 5), weir_type_make(WEIR_TYPE_INT), false);
    expect("TRY_CAST", "of a bad CAST", "!cannot cast 'x' to INT",
           value_of(cast(e, weir_type_make(WEIR_TYPE_TINYINT), true)));
    weir_arena_reset(&arena);
}

/* Every function refuses a wrong number of arguments and is found under its name in any case. */
static void test_registry(void **state)
{
    (void)state;
    for (int i = 0; i < weir_function_count(); i++) {
        const struct weir_function *f = weir_function_at(i);
        struct weir_type type[20], ret;
        struct weir_error err;
        char lower[64] = "";
        for (size_t k = 0; f->name[k]; k++)
            lower[k] =
                (char)(f->name[k] >= 'A' && f->name[k] <= 'Z' ? f->name[k] + 32 : f->name[k]);
        assert_ptr_equal(weir_function_find(lower, strlen(lower)), f);
        assert_int_equal(weir_function_index(f), i);
        assert_non_null(f->signature);
        for (int k = 0; k < 20; k++) type[k] = weir_type_make(WEIR_TYPE_NULL);
        assert_int_equal(f->infer(f, f->min_args, type, &ret, &err), 0);
    }
    assert_null(weir_function_at(weir_function_count()));
    assert_null(weir_function_find("NO_SUCH", 7));
}

/* Out of memory in a function is an error with that status, never a crash or another result. */
static void test_failed_allocations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i += 7) {
        for (uint64_t n = 1;; n++) {
            struct weir_arena kept = arena;
            weir_arena_init(&arena);
            struct weir_expr *warm = argument("STR:x", 5); /* one block is there */
            assert_non_null(warm);
            weir_mem_fail_at(n, false);
            const char *got = call(calls[i].name, calls[i].args);
            uint64_t made = weir_mem_fail_at(0, false);
            if (!strstr(got, "out of memory"))
                expect(calls[i].name, calls[i].args, calls[i].want, got);
            weir_arena_release(&arena);
            arena = kept;
            if (made < n) break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_try_cast_inside),
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_failed_allocations),
    };
    weir_arena_init(&arena);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    weir_arena_release(&arena);
    return rc;
}
