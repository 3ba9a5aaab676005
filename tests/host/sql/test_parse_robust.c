/* The parser against text that is not SQL: every prefix of the corpus, random mutations of it, deep
   nesting in every construct that nests, every allocation failing. Never a crash, never a wrong
   status, and what does parse prints and parses again. */
#include <stdlib.h>

#include "sql_test.h"

static const char *const files[] = {"nexmark.sql", "roundtrip.sql"};

/* The text is copied to a block of its own size, so that a sanitizer sees a read behind its end. */
static int parse_exactly(const char *sql, size_t len, struct weir_ast_script *s,
                         struct weir_error *err)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, sql, len);
    int rc = weir_sql_parse(copy, len, "job.sql", &arena, s, err);
    if (rc) assert_true(s->n == 0 && err->message[0]);
    s->sql = NULL;
    free(copy);
    return rc;
}

static void test_prefixes(void **state)
{
    (void)state;
    static char text[1 << 16];
    for (size_t f = 0; f < 2; f++) {
        const char *sql = read_file(files[f]);
        struct weir_ast_script s = parse(sql);
        strcpy(text, sql);
        size_t n_stmts = s.n, starts[512][2];
        for (size_t i = 0; i < n_stmts; i++) {
            starts[i][0] = s.stmts[i]->pos.start;
            starts[i][1] = s.stmts[i]->pos.end;
        }
        weir_arena_reset(&arena);
        for (size_t i = 0; i < n_stmts; i++) {
            for (size_t end = starts[i][0]; end < starts[i][1]; end++) {
                struct weir_error err = {0};
                int rc = parse_exactly(text + starts[i][0], end - starts[i][0], &s, &err);
                assert_true(rc == 0 || rc == WEIR_ERR_PARSE);
                weir_arena_reset(&arena);
            }
        }
    }
}

/* ---- mutations ---- */

static uint64_t rng = 7;

static size_t pick(size_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (size_t)(rng >> 20) % n;
}

static size_t mutate(char *s, size_t n, size_t cap)
{
    static const char *const words[] = {
        "SELECT", "(",      ")",        ",",      "'",          "`",    ";",     " FROM ", "[",
        "]",      "/*",     "*/",       "--",     "NOT",        ".",    "<",     ">",      "ROW<",
        "AS",     "1e9",    "INTERVAL", " WITH ", "UNION ALL ", "\xc3", "CASE ", " END ",  "TABLE ",
        "/*+ ",   "OVER (", "VALUES ",  "U&'\\",  "X'",         "=>",   "{",     "-",
    };
    for (size_t k = 1 + pick(4); k-- && n > 4;) {
        size_t at = pick(n), len = 1 + pick(12);
        if (len > n - at) len = n - at;
        switch (pick(5)) {
        case 0: s[at] = (char)pick(256); break;
        case 1: memmove(s + at, s + at + len, n - at - len), n -= len; break;
        case 2: { /* insert a word */
            const char *w = words[pick(sizeof words / sizeof *words)];
            size_t m = strlen(w);
            if (n + m > cap) break;
            memmove(s + at + m, s + at, n - at);
            memcpy(s + at, w, m);
            n += m;
            break;
        }
        case 3: /* double a piece */
            if (n + len > cap) break;
            memmove(s + at + len, s + at, n - at);
            n += len;
            break;
        default: { /* swap two bytes */
            size_t other = pick(n);
            char c = s[at];
            s[at] = s[other];
            s[other] = c;
        }
        }
    }
    return n;
}

/* A script that parses prints to text that parses to the same text. */
static void check_print(const struct weir_ast_script *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct weir_buf a = {0}, b = {0};
        weir_ast_print(s->stmts[i], &a);
        struct weir_ast_script again;
        struct weir_error err = {0};
        if (weir_sql_parse(a.data, a.len, "printed", &arena, &again, &err)) {
            fail_msg("%s\n%s", a.data, err.message);
        }
        assert_int_equal(again.n, 1);
        weir_ast_print(again.stmts[0], &b);
        assert_string_equal(a.data, b.data);
        weir_buf_release(&a);
        weir_buf_release(&b);
    }
}

static void test_mutations(void **state)
{
    (void)state;
    enum { ROUNDS = 60000 / WEIR_TEST_SHARE, CAP = 8192 };
    static char text[1 << 16], piece[CAP];
    size_t n_stmts = 0, starts[512][2], parsed = 0;
    size_t at = 0;
    for (size_t f = 0; f < 2; f++) {
        struct weir_ast_script s = parse(read_file(files[f]));
        memcpy(text + at, s.sql, s.len);
        for (size_t i = 0; i < s.n; i++, n_stmts++) {
            starts[n_stmts][0] = at + s.stmts[i]->pos.start;
            starts[n_stmts][1] = at + s.stmts[i]->pos.end;
        }
        at += s.len;
    }
    weir_arena_reset(&arena);
    for (int i = 0; i < ROUNDS; i++) {
        size_t k = pick(n_stmts), n = starts[k][1] - starts[k][0];
        memcpy(piece, text + starts[k][0], n);
        n = mutate(piece, n, CAP);
        struct weir_ast_script s;
        struct weir_error err = {0};
        int rc = parse_exactly(piece, n, &s, &err);
        assert_true(rc == 0 || rc == WEIR_ERR_PARSE);
        if (!rc) {
            check_print(&s);
            parsed++;
        }
        weir_arena_reset(&arena);
    }
    assert_true(parsed > ROUNDS / 50); /* else the mutations are too wild to test anything */
}

/* ---- depth ---- */

/* HEAD, N times OPEN, MIDDLE, N times CLOSE, TAIL */
static char *nest(const char *head, const char *open, const char *middle, const char *close,
                  const char *tail, size_t n)
{
    struct weir_buf b = {0};
    weir_buf_puts(&b, head);
    for (size_t i = 0; i < n; i++) weir_buf_puts(&b, open);
    weir_buf_puts(&b, middle);
    for (size_t i = 0; i < n; i++) weir_buf_puts(&b, close);
    weir_buf_puts(&b, tail);
    assert_false(b.oom);
    return b.data;
}

static void test_depth(void **state)
{
    (void)state;
    static const char *const cases[][5] = {
        {"SELECT ", "(", "1", ")", ""},
        {"SELECT ", "- ", "a", "", ""},
        {"SELECT ", "NOT ", "a", "", ""},
        {"SELECT ", "f(", "1", ")", ""},
        {"SELECT ", "f(x => ", "1", ")", ""},
        {"SELECT ", "a[", "1", "]", ""},
        {"SELECT ", "ARRAY[", "1", "]", ""},
        {"SELECT ", "CASE WHEN ", "a", " THEN 1 END", ""},
        {"SELECT ", "CASE WHEN a THEN 1 ELSE ", "1", " END", ""},
        {"SELECT ", "CAST(", "1", " AS INT)", ""},
        {"SELECT ", "TRIM(", "a", ")", ""},
        {"SELECT ", "a IN (", "1", ")", ""},
        {"SELECT ", "EXISTS (SELECT ", "1", ")", ""},
        {"SELECT ", "(SELECT ", "1", ")", ""},
        {"SELECT ", "a BETWEEN (", "1", ") AND 2", ""},
        {"SELECT ", "a = ", "1", "", ""},
        {"SELECT 1", "", "", " + 1", ""},
        {"SELECT 1", "", "", " || 'x'", ""},
        {"SELECT a", "", "", " IS NULL", ""},
        {"SELECT a", "", "", "[1]", ""},
        {"SELECT (a)", "", "", ".b", ""},
        {"SELECT a", "", "", " LIKE b", ""},
        {"SELECT SUM(a) OVER (ORDER BY ", "(", "a", ")", ")"},
        {"", "(", "SELECT 1", ")", ""},
        {"SELECT 1", "", "", " UNION ALL SELECT 1", ""},
        {"SELECT 1", "", "", " INTERSECT SELECT 1", ""},
        {"", "WITH a AS (", "SELECT 1", ") SELECT 2", ""},
        {"SELECT * FROM ", "(SELECT * FROM ", "t", ")", ""},
        {"SELECT * FROM ", "(", "t", ")", ""},
        {"SELECT * FROM ", "(", "SELECT 1", ")", ""},
        {"SELECT * FROM ", "(t JOIN ", "u", " ON TRUE)", ""},
        {"SELECT * FROM t", "", "", " CROSS JOIN u", ""},
        {"SELECT * FROM t", "", "", ", u", ""},
        {"SELECT * FROM ", "TABLE(f(TABLE (SELECT * FROM ", "t", ")))", ""},
        {"SELECT 1 GROUP BY ", "GROUPING SETS (", "a", ")", ""},
        {"SELECT * FROM t MATCH_RECOGNIZE (ORDER BY a PATTERN (", "(", "A", ")",
         ") DEFINE A AS b)"},
        {"SELECT * FROM t MATCH_RECOGNIZE (ORDER BY a PATTERN (", "(", "A", "){2}",
         ") DEFINE A AS b)"},
        {"CREATE TABLE t (a ", "ARRAY<", "INT", ">", ")"},
        {"CREATE TABLE t (a ", "ROW<x ", "INT", ">", ")"},
        {"CREATE TABLE t (a INT", "", "", " ARRAY", ")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *c = cases[i];
        for (size_t n = 16; n <= 65536; n *= n < 4096 ? 4 : 16) {
            char *sql = nest(c[0], c[1], c[2], c[3], c[4], n);
            struct weir_ast_script s;
            struct weir_error err = {0};
            int rc = parse_exactly(sql, strlen(sql), &s, &err);
            if (n == 16 && rc) fail_msg("%s\n%s", sql, err.message);
            bool refused = rc == WEIR_ERR_PARSE && strstr(err.message, "levels deep");
            if (n >= 4 * WEIR_SQL_MAX_DEPTH && !refused) fail_msg("not refused: %.60s", sql);
            if (!rc) check_print(&s);
            weir_free(sql);
            weir_arena_reset(&arena);
        }
    }
}

/* What is long but flat has no limit. */
static void test_long(void **state)
{
    (void)state;
    static const char *const cases[][5] = {
        {"SELECT 1", "", "", ", a + 1", ""},
        {"SELECT * FROM t WHERE a", "", "", " AND b = 1", ""},
        {"SELECT * FROM t WHERE a", "", "", " OR b = 1", ""},
        {"SELECT a IN (1", "", "", ", 2", ")"},
        {"VALUES (1)", "", "", ", (2)", ""},
        {"SELECT CASE", "", "", " WHEN a THEN b", " END"},
        {"SELECT f(a", "", "", ", b", ")"},
        {"SELECT 1", "", "", "; SELECT 1", ""},
        {"SELECT a", "", "", ".a", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *c = cases[i];
        char *sql = nest(c[0], c[1], c[2], c[3], c[4], 20000);
        struct weir_ast_script s;
        struct weir_error err = {0};
        if (parse_exactly(sql, strlen(sql), &s, &err)) fail_msg("%.60s\n%s", sql, err.message);
        if (s.n == 1) check_print(&s);
        weir_free(sql);
        weir_arena_reset(&arena);
    }
}

/* ---- allocation failures ---- */

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char *sql = strdup(read_file(files[f]));
        weir_arena_release(&arena);
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            for (uint64_t n = 1;; n++) {
                struct weir_ast_script s;
                struct weir_error err = {0};
                weir_mem_fail_at(n, for_ever);
                int rc = weir_sql_parse(sql, strlen(sql), "job.sql", &arena, &s, &err);
                uint64_t calls = weir_mem_fail_at(0, false);
                weir_arena_release(&arena);
                if (!rc) {
                    assert_true(calls < n);
                    assert_true(n > 10);
                    break;
                }
                assert_int_equal(rc, WEIR_ERR_NOMEM);
                assert_int_equal(err.code, WEIR_ERR_NOMEM);
            }
        }
        free(sql);
    }
}

/* An arena whose block is nearly full makes each node an allocation of its own: one statement at a
 * time. */
static void test_out_of_memory_each_node(void **state)
{
    (void)state;
    static char text[1 << 16];
    strcpy(text, read_file("roundtrip.sql"));
    struct weir_ast_script all = parse(text);
    size_t n_stmts = all.n, starts[512][2];
    for (size_t i = 0; i < n_stmts; i++) {
        starts[i][0] = all.stmts[i]->pos.start;
        starts[i][1] = all.stmts[i]->pos.end;
    }
    for (size_t i = 0; i < n_stmts; i++) {
        for (size_t used = 0; used <= 4096; used += 16) {
            struct weir_ast_script s;
            struct weir_error err = {0};
            weir_arena_release(&arena);
            assert_non_null(weir_arena_alloc(&arena, used));
            weir_mem_fail_at(used % 48 ? 2 : 3, true); /* the tokens, then the arena or the lists */
            int rc = weir_sql_parse(text + starts[i][0], starts[i][1] - starts[i][0], "job.sql",
                                    &arena, &s, &err);
            weir_mem_fail_at(0, false);
            if (rc)
                assert_int_equal(rc, WEIR_ERR_NOMEM);
            else
                assert_int_equal(s.n, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_prefixes, release_arena),
        cmocka_unit_test_teardown(test_mutations, release_arena),
        cmocka_unit_test_teardown(test_depth, release_arena),
        cmocka_unit_test_teardown(test_long, release_arena),
        cmocka_unit_test_teardown(test_out_of_memory, release_arena),
        cmocka_unit_test_teardown(test_out_of_memory_each_node, release_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
