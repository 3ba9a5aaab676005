/* What the trees hold: values of literals, places in the text, the fields that the binder reads.
   That nothing is lost is for test_print.c, which prints the trees back. */
#include "host/sql/keywords.h"
#include "sql_test.h"

/* ---- literals ---- */

static const struct weir_ast_literal *literal(const char *sql, enum weir_ast_literal_kind kind)
{
    const struct weir_ast_expr *e = parse_expr(sql);
    assert_int_equal(e->kind, WEIR_AST_EX_LITERAL);
    assert_int_equal(e->literal->kind, kind);
    return e->literal;
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"007", 7},
        {"-5", -5},
        {"2147483648", 2147483648},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"- 3", -3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(literal(cases[i].sql, WEIR_AST_LIT_INT)->int_value == cases[i].value);
    }
    assert_string_equal(literal("- 3", WEIR_AST_LIT_INT)->text, "-3");
}

static void test_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int64_t high, low; /* value = high * 10^18 + low */
        int precision, scale;
    } cases[] = {
        {"1.50", 0, 150, 3, 2},
        {".5", 0, 5, 1, 1},
        {"0.05", 0, 5, 2, 2},
        {"0.0", 0, 0, 1, 1},
        {"1.", 0, 1, 1, 0},
        {"-0.908", 0, -908, 3, 3},
        {"9223372036854775808", 9, 223372036854775808, 19, 0},
        {"-9223372036854775809", -9, -223372036854775809, 19, 0},
        {"99999999999999999999.999999999999", 99999999999999, 999999999999999999, 32, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct weir_ast_literal *l = literal(cases[i].sql, WEIR_AST_LIT_DECIMAL);
        __int128 want = (__int128)cases[i].high * 1000000000000000000 + cases[i].low;
        assert_true(l->unscaled == want);
        assert_int_equal(l->precision, cases[i].precision);
        assert_int_equal(l->scale, cases[i].scale);
        assert_string_equal(l->text, cases[i].sql);
    }
    const char *most = "99999999999999999999999999999999999999";
    assert_int_equal(literal(most, WEIR_AST_LIT_DECIMAL)->precision, 38);
}

static void test_doubles(void **state)
{
    (void)state;
    assert_true(literal("1e3", WEIR_AST_LIT_DOUBLE)->double_value == 1000.0);
    assert_true(literal("-1.5E-3", WEIR_AST_LIT_DOUBLE)->double_value == -1.5e-3);
    assert_true(literal(".5e+1", WEIR_AST_LIT_DOUBLE)->double_value == 5.0);
    assert_true(literal("1e-400", WEIR_AST_LIT_DOUBLE)->double_value == 0.0);
    assert_true(literal("0.1e0", WEIR_AST_LIT_DOUBLE)->double_value == 0.1);
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *bytes;
        size_t len;
    } cases[] = {
        {"''", "", 0},
        {"'it''s'", "it's", 4},
        {"''''''", "''", 2},
        {"'-- /* ; `'", "-- /* ; `", 9},
        {"'a\\n'", "a\\n", 3},
        {"'é'", "é", 2},
        {"N'a'", "a", 1},
        {"_UTF16'a''b'", "a'b", 3},
        {"U&'\\00e9\\\\x'", "é\\x", 4},
        {"u&'\\+01F600'", "\xf0\x9f\x98\x80", 4},
        {"U&'\\D83D\\DE00'", "\xf0\x9f\x98\x80", 4},
        {"U&'!20ac\\' UESCAPE '!'", "€\\", 4},
        {"U&'a\\0000b'", "a\0b", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct weir_ast_literal *l = literal(cases[i].sql, WEIR_AST_LIT_STRING);
        assert_int_equal(l->len, cases[i].len);
        assert_memory_equal(l->bytes, cases[i].bytes, cases[i].len + 1);
    }
    const struct weir_ast_literal *l = literal("x'00fFa1'", WEIR_AST_LIT_BINARY);
    assert_int_equal(l->len, 3);
    assert_memory_equal(l->bytes, "\x00\xff\xa1", 3);
    static const char *const bad[] = {"U&'\\D83D'", "U&'\\DE00'", "U&'\\+110000'", "U&'\\+00d800'"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weir_ast_expr *e;
        assert_int_equal(weir_sql_parse_expr(bad[i], strlen(bad[i]), NULL, &arena, &e, NULL),
                         WEIR_ERR_PARSE);
    }
}

static void test_times(void **state)
{
    (void)state;
    assert_string_equal(literal("DATE '2024-02-29'", WEIR_AST_LIT_DATE)->bytes, "2024-02-29");
    assert_string_equal(literal("time '12:00:00'", WEIR_AST_LIT_TIME)->bytes, "12:00:00");
    assert_string_equal(literal("TIMESTAMP '2024-01-01 00:00:00'", WEIR_AST_LIT_TIMESTAMP)->bytes,
                        "2024-01-01 00:00:00");
    literal("TIMESTAMP WITH LOCAL TIME ZONE '2024-01-01 00:00:00'", WEIR_AST_LIT_TIMESTAMP_LTZ);
    assert_true(literal("TRUE", WEIR_AST_LIT_BOOL)->bool_value);
    assert_false(literal("false", WEIR_AST_LIT_BOOL)->bool_value);
    literal("NULL", WEIR_AST_LIT_NULL);
    literal("UNKNOWN", WEIR_AST_LIT_NULL);
}

static void test_intervals(void **state)
{
    (void)state;
    const int64_t s = 1000000, day = 86400 * s;
    const struct {
        const char *sql;
        bool months;
        int64_t value;
    } cases[] = {
        {"INTERVAL '10' SECOND", false, 10 * s},
        {"INTERVAL '10' SECONDS", false, 10 * s},
        {"INTERVAL '1.5' SECOND", false, 3 * s / 2},
        {"INTERVAL '0.000001' SECOND(1, 6)", false, 1},
        {"INTERVAL '0.0000010' SECOND", false, 1},
        {"INTERVAL '5' MINUTE", false, 300 * s},
        {"INTERVAL '2' HOUR", false, 7200 * s},
        {"INTERVAL '100' DAY(3)", false, 100 * day},
        {"INTERVAL '2' WEEK", false, 14 * day},
        {"INTERVAL '7' MILLISECOND", false, 7000},
        {"INTERVAL -'1' DAY", false, -day},
        {"INTERVAL '-1' DAY", false, -day},
        {"INTERVAL -'-1' DAY", false, day},
        {"INTERVAL +'1' DAY", false, day},
        {"INTERVAL '3' MONTH", true, 3},
        {"INTERVAL '2' YEAR", true, 24},
        {"INTERVAL '2' QUARTER", true, 6},
        {"INTERVAL '1-6' YEAR TO MONTH", true, 18},
        {"INTERVAL '-1-6' YEAR TO MONTH", true, -18},
        {"INTERVAL '1 2' DAY TO HOUR", false, day + 7200 * s},
        {"INTERVAL '1 02:03' DAY TO MINUTE", false, day + 7380 * s},
        {"INTERVAL '1 02:03:04.5' DAY TO SECOND", false, day + 7384 * s + s / 2},
        {"INTERVAL '-1 02:03:04' DAY TO SECOND", false, -(day + 7384 * s)},
        {"INTERVAL '26:03:04' HOUR TO SECOND", false, 93784 * s},
        {"INTERVAL '12:30' HOUR TO MINUTE", false, 45000 * s},
        {"INTERVAL '90:30' MINUTE TO SECOND", false, 5430 * s},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct weir_ast_literal *l = literal(cases[i].sql, WEIR_AST_LIT_INTERVAL);
        assert_true(l->interval.is_months == cases[i].months);
        assert_true(l->interval.value == cases[i].value);
    }
    static const char *const bad[] = {
        "INTERVAL '' DAY",
        "INTERVAL 'x' DAY",
        "INTERVAL '1 ' YEAR TO MONTH",
        "INTERVAL '1-12' YEAR TO MONTH",
        "INTERVAL '1.5' DAY",
        "INTERVAL '0.0000001' SECOND",
        "INTERVAL '1 2 3' DAY TO HOUR",
        "INTERVAL '1:60' HOUR TO MINUTE",
        "INTERVAL '1' NANOSECOND",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weir_ast_expr *e;
        if (!weir_sql_parse_expr(bad[i], strlen(bad[i]), NULL, &arena, &e, NULL))
            fail_msg("%s", bad[i]);
    }
}

/* ---- places ---- */

static void assert_text(const char *sql, const struct weir_pos *pos, const char *text)
{
    assert_int_equal(pos->end - pos->start, strlen(text));
    assert_memory_equal(sql + pos->start, text, strlen(text));
}

static void test_positions(void **state)
{
    (void)state;
    const char *sql = "-- é\nSELECT (a + b) * c AS x, 'é',\n       f(t.d) FILTER (WHERE e)\n"
                      "FROM (SELECT 1) AS t\nWHERE x IS NOT NULL;  SELECT 2  ";
    struct weir_ast_script s = parse(sql);
    assert_int_equal(s.n, 2);
    assert_text(sql, &s.stmts[1]->pos, "SELECT 2");
    assert_int_equal(s.stmts[1]->pos.line, 5);
    assert_int_equal(s.stmts[1]->pos.column, 23);
    const struct weir_ast_select *q = s.stmts[0]->query->body->select;
    assert_text(sql, &q->items[0].expr->pos, "(a + b) * c");
    assert_text(sql, &q->items[0].expr->binary.op_pos, "*");
    assert_text(sql, &q->items[0].expr->binary.left->pos, "a + b");
    assert_text(sql, &q->items[0].alias.pos, "x");
    assert_text(sql, &q->items[1].expr->pos, "'é'");
    assert_text(sql, &q->items[2].expr->pos, "f(t.d) FILTER (WHERE e)");
    assert_int_equal(q->items[2].expr->pos.line, 3);
    assert_int_equal(q->items[2].expr->pos.column, 8);
    assert_text(sql, &q->items[2].expr->call->args.items[0]->pos, "t.d");
    assert_text(sql, &q->from->pos, "(SELECT 1) AS t");
    assert_text(sql, &q->from->query->pos, "SELECT 1");
    assert_text(sql, &q->where->pos, "x IS NOT NULL");
    assert_text(sql, &s.stmts[0]->query->pos,
                "SELECT (a + b) * c AS x, 'é',\n       f(t.d) FILTER "
                "(WHERE e)\nFROM (SELECT 1) AS t\nWHERE x IS NOT NULL");
}

static void test_positions_of_operators(void **state)
{
    (void)state;
    static const char *const sqls[] = {
        "a AND b OR c",
        "NOT a",
        "-a",
        "-5",
        "a BETWEEN 1 AND 2",
        "a NOT IN (1, 2)",
        "a LIKE 'x' ESCAPE 'y'",
        "CASE WHEN a THEN b END",
        "CAST(a AS INT)",
        "a[1]",
        "(a).b",
        "ROW(1, 2)",
        "(1, 2)",
        "ARRAY[1]",
        "EXISTS (SELECT 1)",
        "(SELECT 1)",
        "a = ANY (1)",
        "INTERVAL '1' DAY",
        "DATE '2024-01-01'",
        "CURRENT_DATE",
        "EXTRACT(YEAR FROM a)",
        "TRIM(BOTH 'x' FROM a)",
        "f(a) OVER (ORDER BY b)",
        "a IS DISTINCT FROM b",
        "U&'!0041' UESCAPE '!'",
        "x'00'",
        "a.b.c",
        "((a + b)) * c",
        "COUNT(*)",
        "LEFT(a, 2)",
        "MAP['a', 1]",
        "(a)[1]",
    };
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        assert_text(sqls[i], &parse_expr(sqls[i])->pos, sqls[i]);
    }
}

/* ---- expressions ---- */

static void test_names(void **state)
{
    (void)state;
    const struct weir_ast_expr *e = parse_expr("Cat.`my table`.date");
    assert_int_equal(e->kind, WEIR_AST_EX_COLUMN);
    assert_int_equal(e->column.n, 3);
    assert_string_equal(e->column.parts[0].name, "Cat");
    assert_false(e->column.parts[0].quoted);
    assert_string_equal(e->column.parts[1].name, "my table");
    assert_true(e->column.parts[1].quoted);
    assert_string_equal(e->column.parts[2].name, "date");
    /* words that Flink reserves and that are clear without backticks */
    static const char *const words[] = {"value", "user", "year",     "day", "timestamp",
                                        "count", "key",  "interval", "row", "method",
                                        "map",   "trim", "start"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        e = parse_expr(words[i]);
        assert_int_equal(e->kind, WEIR_AST_EX_COLUMN);
        assert_string_equal(e->column.parts[0].name, words[i]);
    }
}

static void test_calls(void **state)
{
    (void)state;
    const struct weir_ast_call *c = parse_expr("TRIM(LEADING 'x' FROM a)")->call;
    assert_int_equal(c->syntax, WEIR_AST_CALL_TRIM);
    assert_int_equal(c->trim, WEIR_AST_TRIM_LEADING);
    assert_int_equal(c->args.n, 2);
    assert_int_equal(c->args.items[0]->kind, WEIR_AST_EX_COLUMN);
    assert_int_equal(c->args.items[1]->kind, WEIR_AST_EX_LITERAL);
    c = parse_expr("trim(a)")->call;
    assert_int_equal(c->syntax, WEIR_AST_CALL_PLAIN);
    assert_true(weir_ast_name_is(&c->name, "TRIM"));
    c = parse_expr("EXTRACT(HOUR FROM ts)")->call;
    assert_int_equal(c->args.items[0]->kind, WEIR_AST_EX_UNIT);
    assert_int_equal(c->args.items[0]->unit, WEIR_AST_UNIT_HOUR);
    c = parse_expr("TIMESTAMPDIFF(day, a, b)")->call;
    assert_int_equal(c->args.items[0]->unit, WEIR_AST_UNIT_DAY);
    assert_int_equal(c->args.n, 3);
    c = parse_expr("FLOOR(ts TO MONTH)")->call;
    assert_int_equal(c->args.items[1]->unit, WEIR_AST_UNIT_MONTH);
    c = parse_expr("COUNT(*)")->call;
    assert_int_equal(c->args.items[0]->kind, WEIR_AST_EX_STAR);
    c = parse_expr("COUNT(DISTINCT a) FILTER (WHERE b)")->call;
    assert_true(c->distinct && c->filter && !c->over);
    c = parse_expr("CURRENT_TIMESTAMP")->call;
    assert_int_equal(c->syntax, WEIR_AST_CALL_NILADIC);
    assert_int_equal(c->args.n, 0);
    c = parse_expr("db.f(1)")->call;
    assert_int_equal(c->name.n, 2);
    assert_false(weir_ast_name_is(&c->name, "f"));
}

static void test_windows(void **state)
{
    (void)state;
    const struct weir_ast_window *w =
        parse_expr("SUM(a) OVER (PARTITION BY b, c ORDER BY d DESC NULLS LAST ROWS 3 PRECEDING)")
            ->call->over;
    assert_int_equal(w->partition_by.n, 2);
    assert_int_equal(w->order_by.n, 1);
    assert_true(w->order_by.items[0].desc);
    assert_int_equal(w->order_by.items[0].nulls, WEIR_AST_NULLS_LAST);
    assert_true(w->has_frame && w->is_rows && !w->between);
    assert_int_equal(w->start.kind, WEIR_AST_BOUND_PRECEDING);
    assert_true(w->start.offset->literal->int_value == 3);
    assert_int_equal(w->end.kind, WEIR_AST_BOUND_CURRENT_ROW);
    w = parse_expr("SUM(a) OVER w")->call->over;
    assert_true(w->bare);
    assert_string_equal(w->base.name, "w");
    w = parse_expr("SUM(a) OVER (w RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)")
            ->call->over;
    assert_true(!w->bare && w->has_frame && !w->is_rows && w->between);
    assert_string_equal(w->base.name, "w");
}

/* ---- queries ---- */

static const struct weir_ast_query *query(const char *sql)
{
    return parse_one(sql, WEIR_AST_ST_QUERY)->query;
}

static const struct weir_ast_table_ref *from(const char *sql)
{
    return query(sql)->body->select->from;
}

static void test_select(void **state)
{
    (void)state;
    const struct weir_ast_query *q = query(
        "WITH c AS (SELECT 1) SELECT DISTINCT a x, t.*, * FROM t WHERE b GROUP BY a, (b, c), () "
        "HAVING d ORDER BY 1 LIMIT 10 OFFSET 20");
    assert_int_equal(q->n_ctes, 1);
    assert_string_equal(q->ctes[0].name.name, "c");
    const struct weir_ast_select *s = q->body->select;
    assert_true(s->distinct && s->grouped && s->where && s->having && !s->qualify);
    assert_int_equal(s->n_items, 3);
    assert_string_equal(s->items[0].alias.name, "x");
    assert_null(s->items[1].alias.name);
    assert_int_equal(s->items[1].expr->star.qualifier.n, 1);
    assert_int_equal(s->items[2].expr->star.qualifier.n, 0);
    assert_int_equal(s->n_groups, 3);
    assert_int_equal(s->groups[0].kind, WEIR_AST_GROUP_EXPR);
    assert_int_equal(s->groups[1].kind, WEIR_AST_GROUP_TUPLE);
    assert_int_equal(s->groups[1].exprs.n, 2);
    assert_int_equal(s->groups[2].exprs.n, 0);
    assert_true(q->limit->literal->int_value == 10 && q->offset->literal->int_value == 20);
    assert_null(query("SELECT 1 LIMIT ALL")->limit);
}

static void test_set_operations(void **state)
{
    (void)state;
    const struct weir_ast_body *b =
        query("SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3 EXCEPT SELECT 4")->body;
    assert_int_equal(b->setop.op, WEIR_AST_SET_EXCEPT);
    assert_int_equal(b->setop.left->setop.op, WEIR_AST_SET_UNION);
    assert_true(b->setop.left->setop.all && !b->setop.all);
    assert_int_equal(b->setop.left->setop.right->setop.op, WEIR_AST_SET_INTERSECT);
    b = query("(SELECT 1 LIMIT 1) UNION (VALUES 1, (2), ROW(3))")->body;
    assert_int_equal(b->setop.left->kind, WEIR_AST_BODY_QUERY);
    assert_true(b->setop.left->query->limit != NULL);
    const struct weir_ast_body *v = b->setop.right->query->body;
    assert_int_equal(v->rows.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(v->rows.items[i]->kind, WEIR_AST_EX_ROW);
        assert_int_equal(v->rows.items[i]->list.n, 1);
    }
    assert_int_equal(query("TABLE a.b")->body->table.n, 2);
}

static void test_joins(void **state)
{
    (void)state;
    const struct weir_ast_table_ref *t =
        from("SELECT 1 FROM a LEFT OUTER JOIN b ON a.x = b.x, c CROSS JOIN d JOIN e USING (x, y)");
    assert_int_equal(t->join.kind, WEIR_AST_JOIN_COMMA);
    assert_int_equal(t->join.left->join.kind, WEIR_AST_JOIN_LEFT);
    assert_non_null(t->join.left->join.on);
    assert_int_equal(t->join.right->join.kind, WEIR_AST_JOIN_INNER);
    assert_int_equal(t->join.right->join.using_columns.n, 2);
    assert_int_equal(t->join.right->join.left->join.kind, WEIR_AST_JOIN_CROSS);
    t = from("SELECT 1 FROM a JOIN (b FULL JOIN c ON TRUE) ON FALSE");
    assert_int_equal(t->join.right->join.kind, WEIR_AST_JOIN_FULL);
    t = from("SELECT 1 FROM ((SELECT 1) x JOIN ((SELECT 2)) AS y ON TRUE)");
    assert_int_equal(t->kind, WEIR_AST_TR_JOIN);
    assert_string_equal(t->join.left->alias.name, "x");
    assert_string_equal(t->join.right->alias.name, "y");
    t = from("SELECT 1 FROM ((SELECT 1) UNION SELECT 2) AS z (c)");
    assert_int_equal(t->kind, WEIR_AST_TR_QUERY);
    assert_int_equal(t->query->body->kind, WEIR_AST_BODY_SETOP);
    assert_string_equal(t->columns.items[0].name, "c");
}

static void test_table_functions(void **state)
{
    (void)state;
    const struct weir_ast_table_ref *t =
        from("SELECT 1 FROM TABLE(TUMBLE(TABLE db.t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) w");
    assert_int_equal(t->kind, WEIR_AST_TR_FUNCTION);
    assert_true(t->function.wrapped && !t->lateral);
    assert_string_equal(t->alias.name, "w");
    const struct weir_ast_call *c = t->function.call->call;
    assert_true(weir_ast_name_is(&c->name, "tumble"));
    assert_int_equal(c->args.items[0]->kind, WEIR_AST_EX_TABLE_ARG);
    assert_int_equal(c->args.items[0]->table_arg.name.n, 2);
    assert_int_equal(c->args.items[1]->kind, WEIR_AST_EX_DESCRIPTOR);
    assert_string_equal(c->args.items[1]->descriptor.items[0].name, "ts");
    t = from(
        "SELECT 1 FROM TABLE(HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), "
        "SLIDE => INTERVAL '1' MINUTE, SIZE => INTERVAL '5' MINUTE, OFFSET => INTERVAL '0' DAY))");
    c = t->function.call->call;
    assert_int_equal(c->args.n, 5);
    assert_string_equal(c->args.items[0]->named_arg.name.name, "DATA");
    assert_int_equal(c->args.items[0]->named_arg.value->kind, WEIR_AST_EX_TABLE_ARG);
    assert_string_equal(c->args.items[4]->named_arg.name.name, "OFFSET");
    t = from("SELECT 1 FROM a, LATERAL TABLE(split(a.x)) AS s (word, n)");
    assert_true(t->join.right->lateral);
    assert_int_equal(t->join.right->columns.n, 2);
    t = from("SELECT 1 FROM o JOIN r FOR SYSTEM_TIME AS OF o.p AS x ON TRUE");
    assert_non_null(t->join.right->named.system_time);
    assert_string_equal(t->join.right->alias.name, "x");
    t = from("SELECT 1 FROM t /*+ OPTIONS('a' = 'b') */ x");
    assert_string_equal(t->named.hints.items[0].options.items[0].value, "b");
}

/* ---- statements ---- */

static void test_create_table(void **state)
{
    (void)state;
    const char *sql = "CREATE TABLE IF NOT EXISTS t (a INT NOT NULL, b AS a + 1, "
                      "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, ts TIMESTAMP(3), "
                      "o BIGINT METADATA FROM 'offset' VIRTUAL, PRIMARY KEY (a) NOT ENFORCED) "
                      "PARTITIONED BY (a) WITH ('connector' = 'x', 'path' = 'y')";
    const struct weir_ast_create_table *t = parse_one(sql, WEIR_AST_ST_CREATE_TABLE)->create_table;
    assert_true(t->if_not_exists && !t->temporary);
    assert_int_equal(t->n_columns, 4);
    assert_int_equal(t->columns[0].kind, WEIR_AST_COL_PHYSICAL);
    assert_true(t->columns[0].type->not_null);
    assert_int_equal(t->columns[1].kind, WEIR_AST_COL_COMPUTED);
    assert_string_equal(t->columns[2].name.name, "ts");
    assert_int_equal(t->columns[2].type->precision, 3);
    assert_int_equal(t->columns[3].kind, WEIR_AST_COL_METADATA);
    assert_string_equal(t->columns[3].metadata_key, "offset");
    assert_int_equal(t->n_watermarks, 1);
    assert_int_equal(t->n_constraints, 1);
    assert_true(t->constraints[0].not_enforced);
    assert_int_equal(t->partitioned_by.n, 1);
    assert_int_equal(t->options.n, 2);
    assert_text(sql, &t->options.items[1].pos, "'path' = 'y'");
    assert_text(sql, &t->options.items[1].value_pos, "'y'");
    assert_text(sql, &t->watermarks[0].pos, "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND");
    assert_text(sql, &t->columns[3].pos, "o BIGINT METADATA FROM 'offset' VIRTUAL");
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum weir_ast_type_kind kind;
        int precision, scale;
    } cases[] = {
        {"INTEGER", WEIR_AST_TY_INT, -1, -1},
        {"real", WEIR_AST_TY_FLOAT, -1, -1},
        {"DOUBLE PRECISION", WEIR_AST_TY_DOUBLE, -1, -1},
        {"NUMERIC(10,2)", WEIR_AST_TY_DECIMAL, 10, 2},
        {"DEC(5)", WEIR_AST_TY_DECIMAL, 5, -1},
        {"CHARACTER VARYING(7)", WEIR_AST_TY_VARCHAR, 7, -1},
        {"BINARY VARYING(7)", WEIR_AST_TY_VARBINARY, 7, -1},
        {"TIME(3) WITHOUT TIME ZONE", WEIR_AST_TY_TIME, 3, -1},
        {"TIMESTAMP(3) WITHOUT TIME ZONE", WEIR_AST_TY_TIMESTAMP, 3, -1},
        {"TIMESTAMP(3) WITH LOCAL TIME ZONE", WEIR_AST_TY_TIMESTAMP_LTZ, 3, -1},
        {"TIMESTAMP_LTZ(6)", WEIR_AST_TY_TIMESTAMP_LTZ, 6, -1},
        {"TIMESTAMP WITH TIME ZONE", WEIR_AST_TY_TIMESTAMP_TZ, -1, -1},
        {"ROW(a INT, b STRING)", WEIR_AST_TY_ROW, -1, -1},
        {"INT NOT NULL ARRAY", WEIR_AST_TY_ARRAY, -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_ast_type *t;
        struct weir_error err = {0};
        const char *sql = cases[i].sql;
        if (weir_sql_parse_type(sql, strlen(sql), "x", &arena, &t, &err))
            fail_msg("%s", err.message);
        assert_int_equal(t->kind, cases[i].kind);
        assert_int_equal(t->precision, cases[i].precision);
        assert_int_equal(t->scale, cases[i].scale);
        assert_text(sql, &t->pos, sql);
    }
}

static void test_other_statements(void **state)
{
    (void)state;
    const struct weir_ast_stmt *s = parse_one("BEGIN STATEMENT SET; INSERT INTO a SELECT 1;; "
                                              "INSERT INTO b (x) VALUES (1); END;",
                                              WEIR_AST_ST_STATEMENT_SET);
    assert_int_equal(s->statement_set.n, 2);
    assert_int_equal(s->statement_set.stmts[1]->insert->columns.n, 1);
    s = parse_one("EXPLAIN CHANGELOG_MODE, ANALYZE SELECT 1", WEIR_AST_ST_EXPLAIN);
    assert_int_equal(s->explain.flags, WEIR_AST_EXPLAIN_CHANGELOG_MODE | WEIR_AST_EXPLAIN_ANALYZE);
    s = parse_one("SET table.exec.mini-batch.size = 5000", WEIR_AST_ST_SET);
    assert_string_equal(s->set.key, "table.exec.mini-batch.size");
    assert_string_equal(s->set.value, "5000");
    s = parse_one("SET 'a' = 'b'", WEIR_AST_ST_SET);
    assert_string_equal(s->set.value, "b");
    assert_null(parse_one("SET", WEIR_AST_ST_SET)->set.key);
    s = parse_one("SHOW TABLES IN db LIKE 'x'", WEIR_AST_ST_SHOW);
    assert_int_equal(s->show.name.n, 1);
    assert_string_equal(s->show.like, "x");
    assert_false(parse_one("DESC extended", WEIR_AST_ST_DESCRIBE)->describe.extended);
    assert_true(parse_one("DESC EXTENDED t", WEIR_AST_ST_DESCRIBE)->describe.extended);
    assert_int_equal(
        parse_one("EXECUTE INSERT INTO t SELECT 1", WEIR_AST_ST_INSERT)->insert->table.n, 1);
    assert_int_equal(parse("").n, 0);
    assert_int_equal(parse(" ;; -- x\n; /* y */ // z").n, 0);
    assert_int_equal(parse("SELECT 1;;SELECT 2;").n, 2);
}

/* The lookup is a binary search: every keyword is found, and nothing else. */
static void test_keywords(void **state)
{
    (void)state;
    for (int i = 1; i < WEIR_KW_COUNT_; i++) {
        char word[64];
        const char *name = weir_sql_keyword_name((enum weir_sql_keyword)i);
        size_t n = strlen(name);
        if (i > 1)
            assert_true(strcmp(weir_sql_keyword_name((enum weir_sql_keyword)(i - 1)), name) < 0);
        assert_int_equal(weir_sql_keyword(name, n), i);
        for (size_t k = 0; k <= n; k++) word[k] = (char)(name[k] >= 'A' ? name[k] + 32 : name[k]);
        if (!strchr(name, '_')) assert_int_equal(weir_sql_keyword(word, n), i);
        snprintf(word, sizeof word, "%sX", name);
        assert_int_equal(weir_sql_keyword(word, n + 1), WEIR_NO_KEYWORD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
        cmocka_unit_test_teardown(test_integers, release_arena),
        cmocka_unit_test_teardown(test_decimals, release_arena),
        cmocka_unit_test_teardown(test_doubles, release_arena),
        cmocka_unit_test_teardown(test_strings, release_arena),
        cmocka_unit_test_teardown(test_times, release_arena),
        cmocka_unit_test_teardown(test_intervals, release_arena),
        cmocka_unit_test_teardown(test_positions, release_arena),
        cmocka_unit_test_teardown(test_positions_of_operators, release_arena),
        cmocka_unit_test_teardown(test_names, release_arena),
        cmocka_unit_test_teardown(test_calls, release_arena),
        cmocka_unit_test_teardown(test_windows, release_arena),
        cmocka_unit_test_teardown(test_select, release_arena),
        cmocka_unit_test_teardown(test_set_operations, release_arena),
        cmocka_unit_test_teardown(test_joins, release_arena),
        cmocka_unit_test_teardown(test_table_functions, release_arena),
        cmocka_unit_test_teardown(test_create_table, release_arena),
        cmocka_unit_test_teardown(test_types, release_arena),
        cmocka_unit_test_teardown(test_other_statements, release_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
