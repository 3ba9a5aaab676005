/* The catalog by itself: order, replacement, ownership, settings. */
#include "bind_test.h"

static struct weir_field fields[] = {{"a", {.id = WEIR_TYPE_INT, .nullable = 1}},
                                     {"b", {.id = WEIR_TYPE_BOOLEAN, .nullable = 0}}};

static struct weir_source *new_source(const char *name)
{
    struct weir_source *s = weir_calloc(1, sizeof *s);
    assert_non_null(s);
    s->ops = &source_ops;
    s->name = name;
    s->schema = (struct weir_schema){2, fields};
    open_handles++;
    return s;
}

static void test_register(void **state)
{
    (void)state;
    struct weir_catalog c;
    struct weir_error err = {0};
    weir_catalog_init(&c);
    assert_int_equal(weir_catalog_register(&c, "t", new_source("t"), &err), 0);
    struct weir_source *second = new_source("t");
    assert_int_equal(weir_catalog_register(&c, "t", second, &err), 0);
    assert_int_equal(open_handles, 1); /* the first one was freed */
    const struct weir_table_def *def = weir_catalog_find(&c, "t");
    assert_ptr_equal(def->source, second);
    assert_int_equal(def->n_columns, 2);
    assert_string_equal(def->physical.field[1].name, "b");
    assert_int_equal(def->rowtime, -1);
    struct weir_buf out = {0};
    assert_int_equal(bind_sql(&c, "SELECT b FROM t", &out, &err), 0);
    assert_string_equal(out.data, "Project b\n  Scan t\n=> b BOOLEAN NOT NULL\n");
    weir_buf_release(&out);
    assert_int_equal(open_handles, 1); /* and a query does not free it */
    assert_int_equal(bind_sql(&c, "DROP TABLE t", NULL, &err), 0);
    assert_int_equal(open_handles, 0);
    weir_catalog_release(&c);
}

static void test_register_refused(void **state)
{
    (void)state;
    struct weir_catalog c;
    struct weir_error err = {0};
    struct weir_source *s = new_source("log");
    load_schema(&c);
    assert_int_equal(weir_catalog_register(&c, "log", s, &err), WEIR_ERR_INVALID);
    assert_string_equal(
        err.message, "there is already a table \"log\" made by SQL; DROP it or take another name");
    assert_int_equal(weir_catalog_register(&c, "", s, &err), WEIR_ERR_INVALID);
    free_source(s); /* still the caller's */
    weir_catalog_release(&c);
}

static void test_order(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "c", "z", "a", "Z", "q", "b", "y", "aa", "x", "é"};
    size_t n = sizeof names / sizeof *names;
    struct weir_catalog c;
    struct weir_error err = {0};
    weir_catalog_init(&c);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(weir_catalog_register(&c, names[i], new_source(names[i]), &err), 0);
    assert_int_equal(c.n_defs, n);
    for (size_t i = 0; i + 1 < n; i++) assert_true(strcmp(c.def[i]->name, c.def[i + 1]->name) < 0);
    for (size_t i = 0; i < n; i++) assert_non_null(weir_catalog_find(&c, names[i]));
    assert_null(weir_catalog_find(&c, "ab"));
    for (size_t i = 0; i < n; i += 2) assert_true(weir_catalog_drop(&c, names[i]));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(weir_catalog_find(&c, names[i]) != NULL, (int)(i % 2));
    assert_false(weir_catalog_drop(&c, "m"));
    weir_catalog_release(&c);
    assert_int_equal(open_handles, 0);
}

static void test_settings(void **state)
{
    (void)state;
    struct weir_catalog c;
    struct weir_error err = {0};
    char key[16], value[16];
    weir_catalog_init(&c);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "k%d", i * 7 % 50);
        snprintf(value, sizeof value, "%d", i);
        assert_int_equal(weir_catalog_set(&c, key, value, &err), 0);
    }
    assert_string_equal(weir_catalog_get(&c, "k7"), "1");
    assert_int_equal(weir_catalog_set(&c, "k7", "new", &err), 0);
    assert_string_equal(weir_catalog_get(&c, "k7"), "new");
    assert_int_equal(c.n_settings, 50);
    assert_int_equal(weir_catalog_set(&c, "k7", NULL, &err), 0);
    assert_null(weir_catalog_get(&c, "k7"));
    assert_string_equal(weir_catalog_get(&c, "k14"), "2");
    assert_int_equal(weir_catalog_set(&c, NULL, NULL, &err), 0);
    assert_int_equal(c.n_settings, 0);
    weir_catalog_release(&c);
}

/* A definition does not need the text it was made from. */
static void test_outlives_statement(void **state)
{
    (void)state;
    struct weir_catalog c;
    struct weir_error err = {0};
    weir_catalog_init(&c);
    char *sql = strdup("CREATE TABLE t (a INT, b AS a * 2) WITH ('k' =\n 'v'); CREATE VIEW v AS "
                       "SELECT b FROM t WHERE a IN (1, 2)");
    assert_int_equal(bind_sql(&c, sql, NULL, &err), 0);
    memset(sql, 'x', strlen(sql));
    free(sql);
    struct weir_buf out = {0};
    assert_int_equal(bind_sql(&c, "SELECT * FROM v", &out, &err), 0);
    assert_string_equal(out.data,
                        "Project b\n  Project b\n    Filter a IN (1, 2)\n      Project a, "
                        "a * 2 AS b\n        Scan t\n=> b INT\n");
    weir_buf_release(&out);
    const struct weir_table_def *def = weir_catalog_find(&c, "t");
    assert_string_equal(def->file_name, "job.sql");
    assert_int_equal(def->option[0].value_pos.line, 2);
    assert_int_equal(def->option[0].value_pos.column, 2);
    assert_string_equal(weir_table_option(def, "k")->value, "v");
    assert_null(weir_table_option(def, "K"));
    weir_catalog_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register),
        cmocka_unit_test(test_register_refused),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_outlives_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
