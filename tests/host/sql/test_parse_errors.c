/* What the parser says about wrong SQL: the place, what was found, what was expected, and a
   suggestion where one is near. The whole message is compared: it is what a user reads. */
#include "sql_test.h"

static const struct {
    const char *sql, *message;
} cases[] = {
    {"SELECT\n  a,\n  b + ) FROM t",
     "job.sql:3:7: unexpected ')' after '+'; an expression is expected"},
    {"SELECT )", "job.sql:1:8: unexpected ')' after SELECT; an expression is expected"},
    {"SELECT", "job.sql:1:7: unexpected end of text after SELECT; an expression is expected"},
    {"SELECT;", "job.sql:1:7: unexpected ';' (the end of the statement) after SELECT; an "
                "expression is expected"},
    {"SELEC 1", "job.sql:1:1: no statement begins with 'SELEC'; did you mean SELECT?"},
    {"craete table t (a int)", "job.sql:1:1: no statement begins with 'craete'; did you mean "
                               "CREATE?"},
    {"FROM t SELECT a",
     "job.sql:1:1: unexpected FROM; a statement (SELECT, WITH, VALUES, INSERT, CREATE, EXECUTE, "
     "EXPLAIN, SET, RESET, SHOW, DESCRIBE, DROP or USE) is expected"},
    {"UPDATE t SET a = 1", "job.sql:1:1: there is no UPDATE statement: tables are read and written "
                           "as a whole; INSERT INTO another table what SELECT makes"},
    {"add jar 'x'",
     "job.sql:1:1: there is no ADD statement: there are no jars to load; remove the statement"},
    {"SELECT * FROM a SEMI JOIN b ON TRUE",
     "job.sql:1:17: Flink SQL has no SEMI JOIN; write WHERE [NOT] EXISTS (SELECT ...) or a lookup "
     "join (FOR SYSTEM_TIME AS OF)"},
    {"SELECT a FORM t", "job.sql:1:15: unexpected 't' after 'FORM'; the end of the statement "
                        "(';') is expected; did you mean FROM instead of 'FORM'?"},
    {"SELECT * FROM t WHER a = 1",
     "job.sql:1:22: unexpected 'a' after 'WHER'; the end of the statement (';') is expected; did "
     "you mean WHERE instead of 'WHER'?"},
    {"SELECT a, FROM t", "job.sql:1:11: unexpected FROM after ','; an expression is expected"},
    {"SELECT order FROM t", "job.sql:1:8: unexpected ORDER after SELECT; an expression or a name "
                            "is expected; the reserved word ORDER is a name only in backticks"},
    {"CREATE TABLE order (a INT)",
     "job.sql:1:14: unexpected ORDER after TABLE; the table's name is expected; the reserved word "
     "ORDER is a name only in backticks"},
    {"SELECT a FROM t GROUP a", "job.sql:1:23: unexpected 'a' after GROUP; BY is expected"},
    {"SELECT 1 SELECT 2",
     "job.sql:1:10: unexpected SELECT after '1'; the end of the statement (';') is expected"},
    {"SELECT a FROM (SELECT 1", "job.sql:1:24: unexpected end of text after '1'; ')' is expected"},
    {"SELECT COUNT(*", "job.sql:1:15: unexpected end of text after '*'; ',' or ')' is expected"},
    {"SELECT a IN (SELECT 1, 2", "job.sql:1:25: unexpected end of text after '2'; ')' is expected"},
    {"SELECT CASE WHEN a THEN 2",
     "job.sql:1:26: unexpected end of text after '2'; WHEN, ELSE or END is expected"},
    {"SELECT CASE a ELSE 2 END", "job.sql:1:15: unexpected ELSE after 'a'; WHEN is expected"},
    {"SELECT CAST(a, INT)", "job.sql:1:14: unexpected ',' after 'a'; AS and the type, as in "
                            "CAST(a AS INT), is expected"},
    {"SELECT CAST(a AS) FROM t", "job.sql:1:17: unexpected ')' after AS; a data type is expected"},
    {"CREATE TABLE t (a INT, b VARCAHR(3))",
     "job.sql:1:26: unknown data type 'VARCAHR'; did you mean VARCHAR?"},
    {"CREATE TABLE t (a TEXT)", "job.sql:1:19: unknown data type 'TEXT'; did you mean STRING?"},
    {"CREATE TABLE t (a FOOBARTYPE)", "job.sql:1:19: unknown data type 'FOOBARTYPE'"},
    {"CREATE TABLE t (a ROW<x INT, y INT)",
     "job.sql:1:35: unexpected ')' after 'INT'; ',' or '>' is expected"},
    {"CREATE TABLE t (a TIME WITH TIME ZONE)",
     "job.sql:1:24: TIME has no time zone; only TIMESTAMP can"},
    {"CREATE TABLE t", "job.sql:1:15: unexpected end of text after 't'; '(' and the columns, WITH "
                       "(...), LIKE or AS is expected"},
    {"CREATE TABLE t ()", "job.sql:1:18: unexpected end of text after ')'; '(' and the columns, "
                          "WITH (...), LIKE or AS is expected"},
    {"CREATE TABLE t (a)", "job.sql:1:17: column 'a' has no data type"},
    {"CREATE TABLE t (a INT) WITH (connector = 'x')",
     "job.sql:1:30: unexpected 'connector' after '('; an option's name in quotes, as in "
     "'connector' = 'filesystem', is expected"},
    {"CREATE TABLE t (a INT) WITH ('k' = 1)",
     "job.sql:1:36: unexpected '1' after '='; the option's value in quotes is expected"},
    {"CREATE TABLE t (WATERMARK ts AS ts)",
     "job.sql:1:27: unexpected 'ts' after WATERMARK; FOR is expected"},
    {"CREATE TABLE t (a INT) LIKE u (INCLUDING foo)",
     "job.sql:1:42: unexpected 'foo' after 'INCLUDING'; ALL, CONSTRAINTS, DISTRIBUTION, GENERATED, "
     "METADATA, OPTIONS, PARTITIONS or WATERMARKS is expected"},
    {"CREATE INDEX i", "job.sql:1:8: unexpected 'INDEX' after CREATE; TABLE, VIEW, FUNCTION, "
                       "TEMPORARY, CATALOG or DATABASE is expected"},
    {"CREATE VIEW v SELECT 1", "job.sql:1:15: unexpected SELECT after 'v'; AS is expected"},
    {"INSERT t SELECT 1",
     "job.sql:1:8: unexpected 't' after INSERT; INTO or OVERWRITE is expected"},
    {"INSERT INTO t (a, b)",
     "job.sql:1:21: unexpected end of text after ')'; SELECT, VALUES or WITH is expected"},
    {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; SELECT 2; END",
     "job.sql:1:53: unexpected SELECT; INSERT or END is expected"},
    {"BEGIN STATEMENT SET; END;", "job.sql:1:22: the statement set is empty; it takes INSERTs"},
    {"EXPLAIN foo SELECT 1",
     "job.sql:1:9: unexpected 'foo' after 'EXPLAIN'; a query, INSERT, STATEMENT SET, PLAN FOR, or "
     "of ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE, ANALYZE and JSON one "
     "is expected"},
    {"SET 'a'", "job.sql:1:8: unexpected end of text after 'a'; '=' is expected"},
    {"SHOW TABLE", "job.sql:1:6: unexpected TABLE after 'SHOW'; TABLES, VIEWS, FUNCTIONS, COLUMNS "
                   "FROM, CREATE TABLE or another list is expected"},
    {"DROP TEMPORARY DATABASE d",
     "job.sql:1:16: unexpected 'DATABASE' after 'TEMPORARY'; TABLE, VIEW, FUNCTION or SYSTEM "
     "FUNCTION is expected"},
    {"SELECT * FROM t JOIN u", "job.sql:1:23: unexpected end of text after 'u'; ON condition or "
                               "USING (columns) is expected"},
    {"SELECT * FROM t AS x FOR SYSTEM_TIME AS OF NOW()",
     "job.sql:1:22: FOR SYSTEM_TIME AS OF stands before the alias: t FOR SYSTEM_TIME AS OF ... "
     "AS x"},
    {"SELECT * FROM LATERAL t", "job.sql:1:15: LATERAL stands before TABLE(function(...)), a query "
                                "in parentheses or UNNEST(...)"},
    {"SELECT * FROM a NATURAL CROSS JOIN b", "job.sql:1:31: a CROSS JOIN cannot be NATURAL"},
    {"SELECT a FROM t LIMIT x",
     "job.sql:1:23: unexpected 'x' after LIMIT; a number of rows is expected"},
    {"SELECT EXISTS (1)", "job.sql:1:16: unexpected '1' after '('; a query is expected"},
    {"SELECT a NOT b",
     "job.sql:1:14: unexpected 'b' after NOT; IN, BETWEEN, LIKE or SIMILAR TO is expected"},
    {"SELECT a IS b", "job.sql:1:13: unexpected 'b' after IS; NULL, TRUE, FALSE, UNKNOWN, DISTINCT "
                      "FROM or JSON is expected"},
    {"SELECT f(a b)", "job.sql:1:12: unexpected 'b' after 'a'; ',' or ')' is expected"},
    {"SELECT 1 + SELECT 2", "job.sql:1:12: unexpected SELECT after '+'; an expression (a query "
                            "needs parentheses here) is expected"},
    {"SELECT 1 + *", "job.sql:1:12: unexpected '*' after '+'; an expression ('*' stands only by "
                     "itself in SELECT or COUNT(*)) is expected"},
    {"SELECT MAP['a']", "job.sql:1:8: MAP needs a value for each key: MAP[key, value, ...]"},
    {"SELECT EXTRACT(FOO FROM a)",
     "job.sql:1:16: unexpected 'FOO' after '('; a unit of time (YEAR, MONTH, DAY, HOUR, MINUTE, "
     "SECOND, ...) is expected"},
    /* literals */
    {"SELECT INTERVAL 10 SECOND",
     "job.sql:1:17: unexpected '10' after 'INTERVAL'; the amount in quotes, as in INTERVAL '10' "
     "SECOND, is expected"},
    {"SELECT INTERVAL '1:2' DAY TO SECOND",
     "job.sql:1:17: '1:2' is not an interval in DAY TO SECOND; write it like '1 12:30:45.5'"},
    {"SELECT INTERVAL '1 24:00:00' DAY TO SECOND",
     "job.sql:1:17: '1 24:00:00' is not an interval in DAY TO SECOND; write it like '1 "
     "12:30:45.5'"},
    {"SELECT INTERVAL '1' SECOND TO DAY",
     "job.sql:1:31: there is no interval from SECOND to DAY; ranges are YEAR TO MONTH and from "
     "DAY, HOUR or MINUTE to a shorter unit down to SECOND"},
    {"SELECT INTERVAL '1' CENTURY", "job.sql:1:21: an interval cannot be counted in this unit"},
    {"SELECT INTERVAL '9223372036854775807' DAY",
     "job.sql:1:17: '9223372036854775807' is not an interval in DAY; write it like '10'"},
    {"SELECT 1abc", "job.sql:1:8: '1abc' is not a number; a name that begins with a digit needs "
                    "backticks"},
    {"SELECT 123456789012345678901234567890123456789",
     "job.sql:1:8: this number has more than 38 digits; write it with an exponent (1e0) for a "
     "DOUBLE"},
    {"SELECT 1e400", "job.sql:1:8: this number is too large"},
    {"SELECT X'abc'", "job.sql:1:8: a binary string needs two hexadecimal digits a byte"},
    {"SELECT X'ag'", "job.sql:1:8: a binary string holds hexadecimal digits only"},
    {"SELECT U&'\\12'",
     "job.sql:1:8: a bad escape in this string; write \\XXXX or \\+XXXXXX with the code point in "
     "hexadecimal, \\\\ for the character itself"},
    {"SELECT U&'a' UESCAPE 'xx'",
     "job.sql:1:22: the escape character must be one ASCII character other than a hexadecimal "
     "digit, '+', a quote or a blank"},
    /* the lexer */
    {"SELECT 'abc", "job.sql:1:8: this string is not closed; a ' is missing"},
    {"SELECT `abc", "job.sql:1:8: this name is not closed; a ` is missing"},
    {"SELECT 1 /* a", "job.sql:1:10: this comment is not closed; '*/' is missing"},
    {"SELECT \"a\"", "job.sql:1:8: double quotes have no meaning in Flink SQL; write 'text' for a "
                     "string, `name` for a name"},
    {"SELECT a::INT", "job.sql:1:9: unexpected ':'; a cast is written CAST(value AS type)"},
    {"SELECT a # b", "job.sql:1:10: unexpected character '#'"},
    {"SELECT 'a\xff'", "job.sql:1:10: byte 0xff is not valid UTF-8; save the file as UTF-8"},
    {"-- \xc3(\nSELECT 1", "job.sql:1:4: byte 0xc3 is not valid UTF-8; save the file as UTF-8"},
    {"SELECT ``", "job.sql:1:8: a name is empty"},
    /* columns count characters, lines count everywhere */
    {"SELECT 'é', )", "job.sql:1:13: unexpected ')' after ','; an expression is expected"},
    {"/* é\n é */ SELECT 'a\nb' AS x, \n\t)",
     "job.sql:4:2: unexpected ')' after ','; an expression is expected"},
    {"SELECT 1; SELECT 2;\nSELECT", "job.sql:2:7: unexpected end of text after SELECT; an "
                                    "expression is expected"},
    {"\xef\xbb\xbfSELECT )", "job.sql:1:8: unexpected ')' after SELECT; an expression is expected"},
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_ast_script s;
        struct weir_error err = {0};
        int rc = weir_sql_parse(cases[i].sql, strlen(cases[i].sql), "job.sql", &arena, &s, &err);
        if (rc != WEIR_ERR_PARSE) fail_msg("no error: %s", cases[i].sql);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(err.code, WEIR_ERR_PARSE);
        assert_int_equal(s.n, 0);
    }
}

static void test_nul_byte(void **state)
{
    (void)state;
    struct weir_ast_script s;
    struct weir_error err = {0};
    assert_int_equal(weir_sql_parse("SELECT\0001", 8, "job.sql", &arena, &s, &err), WEIR_ERR_PARSE);
    assert_string_equal(err.message, "job.sql:1:7: a NUL byte in the text; is this an SQL file?");
    assert_int_equal(weir_sql_parse("SELECT 'a\0'", 11, NULL, &arena, &s, NULL), WEIR_ERR_PARSE);
}

static void test_one_expression_or_type(void **state)
{
    (void)state;
    struct weir_ast_expr *e;
    struct weir_ast_type *t;
    struct weir_error err = {0};
    assert_int_equal(weir_sql_parse_expr("a +", 3, "x", &arena, &e, &err), WEIR_ERR_PARSE);
    assert_null(e);
    assert_int_equal(weir_sql_parse_expr("a; b", 4, "x", &arena, &e, &err), WEIR_ERR_PARSE);
    assert_string_equal(err.message, "x:1:2: unexpected ';' (the end of the statement) after 'a'; "
                                     "the end of the text is expected");
    assert_int_equal(weir_sql_parse_type("INT INT", 7, NULL, &arena, &t, &err), WEIR_ERR_PARSE);
    assert_string_equal(err.message,
                        "<sql>:1:5: unexpected 'INT' after 'INT'; the end of the text is expected");
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"filesystem", "datagen", "print", "blackhole", "price"};
    assert_string_equal(weir_sql_nearest("filesytem", words, 5), "filesystem");
    assert_string_equal(weir_sql_nearest("PIRNT", words, 5), "print");
    assert_string_equal(weir_sql_nearest("price", words, 5), "price");
    assert_null(weir_sql_nearest("kafka", words, 5));
    assert_null(weir_sql_nearest("", words, 5));
    char longer[100];
    memset(longer, 'x', 99);
    longer[99] = 0;
    assert_null(weir_sql_nearest(longer, words, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_messages, release_arena),
        cmocka_unit_test_teardown(test_nul_byte, release_arena),
        cmocka_unit_test_teardown(test_one_expression_or_type, release_arena),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
