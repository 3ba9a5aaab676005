/* The group table where it changes shape or says no: dense and hashed directories and the ways
   between them, 128-bit sums that leave and come back, error states, types, budgets, and every
   allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "tests/runtime/native/group_setup.h"

static const struct weir_type no_arg = {.id = WEIR_TYPE_NULL};

/* ---- types and layout ---- */

static void test_types(void **state)
{
    (void)state;
    struct weir_type ret, decimal = weir_type_decimal(10, 2);
    struct weir_error err;
    char text[64];
    static const struct {
        enum weir_agg_fn fn;
        enum weir_type_id arg;
        const char *want; /* NULL: refused */
    } cases[] = {
        {WEIR_AGG_COUNT, WEIR_TYPE_NULL, "BIGINT NOT NULL"},
        {WEIR_AGG_COUNT, WEIR_TYPE_VARCHAR, "BIGINT NOT NULL"},
        {WEIR_AGG_SUM, WEIR_TYPE_TINYINT, "TINYINT"},
        {WEIR_AGG_SUM, WEIR_TYPE_FLOAT, "FLOAT"},
        {WEIR_AGG_AVG, WEIR_TYPE_INT, "INT"},
        {WEIR_AGG_AVG, WEIR_TYPE_DOUBLE, "DOUBLE"},
        {WEIR_AGG_MIN, WEIR_TYPE_VARCHAR, "STRING"},
        {WEIR_AGG_MAX, WEIR_TYPE_DATE, "DATE"},
        {WEIR_AGG_STDDEV_SAMP, WEIR_TYPE_DOUBLE, "DOUBLE"},
        {WEIR_AGG_SUM, WEIR_TYPE_VARCHAR, NULL},
        {WEIR_AGG_SUM, WEIR_TYPE_BOOLEAN, NULL},
        {WEIR_AGG_AVG, WEIR_TYPE_TIMESTAMP, NULL},
        {WEIR_AGG_MIN, WEIR_TYPE_NULL, NULL},
        {WEIR_AGG_VAR_POP, WEIR_TYPE_DATE, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_type arg = weir_type_make(cases[i].arg);
        int rc = weir_agg_type(cases[i].fn, arg, &ret, &err);
        assert_int_equal(rc, cases[i].want ? 0 : WEIR_ERR_BIND);
        if (cases[i].want)
            assert_string_equal(weir_type_text(ret, text, sizeof text), cases[i].want);
        else
            assert_non_null(strstr(err.message, weir_agg_name(cases[i].fn)));
    }
    assert_int_equal(weir_agg_type(WEIR_AGG_SUM, decimal, &ret, NULL), 0);
    assert_string_equal(weir_type_text(ret, text, sizeof text), "DECIMAL(38, 2)");
    assert_int_equal(weir_agg_type(WEIR_AGG_AVG, decimal, &ret, NULL), 0);
    assert_string_equal(weir_type_text(ret, text, sizeof text), "DECIMAL(38, 6)");
    assert_int_equal(weir_agg_type(WEIR_AGG_AVG, weir_type_decimal(20, 9), &ret, NULL), 0);
    assert_string_equal(weir_type_text(ret, text, sizeof text), "DECIMAL(38, 9)");
}

static void test_layout(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type key[3] = {weir_type_make(WEIR_TYPE_INT), weir_type_string(),
                               weir_type_decimal(30, 0)};
    setup_init(&s, 3, key);
    setup_agg(&s, WEIR_AGG_COUNT, no_arg, false, false);
    setup_agg(&s, WEIR_AGG_SUM, weir_type_make(WEIR_TYPE_INT), true, false);
    setup_agg(&s, WEIR_AGG_MAX, weir_type_string(), false, false);
    setup_agg(&s, WEIR_AGG_VAR_POP, weir_type_make(WEIR_TYPE_DOUBLE), false, false);
    setup_done(&s);
    const uint32_t keys[] = {2, 3, 5}, aggs[] = {7, 8, 12, 15};
    assert_memory_equal(s.layout.key_word, keys, sizeof keys);
    assert_memory_equal(s.layout.agg_word, aggs, sizeof aggs);
    assert_int_equal(s.layout.words, 20);
    assert_int_equal(s.layout.acc_words, 13);
    struct weir_group_layout out;
    struct weir_error err;
    s.p.step.n = 65;
    assert_int_equal(weir_group_layout(&s.arena, &s.p.head, &out, &err), WEIR_ERR_UNSUPPORTED);
    s.p.step.kind = WEIR_STEP_OUTPUT;
    assert_int_equal(weir_group_layout(&s.arena, &s.p.head, &out, &err), WEIR_ERR_INTERNAL);
    setup_free(&s);
}

/* ---- directories ---- */

/* Key number I of a pattern; each changes the table's shape in another way. */
static int64_t pattern_key(int pattern, uint32_t i)
{
    switch (pattern) {
    case 0: return i;                                  /* upward */
    case 1: return -(int64_t)i;                        /* downward */
    case 2: return (int64_t)(i * 0x9e3779b97f4a7c15u); /* anywhere */
    case 3: return (int64_t)(i * 2654435761u % 50021); /* a small range, shuffled */
    case 4: return INT64_MIN + i % 70000;              /* at the ends of the type */
    case 5: return INT64_MAX - i % 70000;
    case 6: return i < 3000 ? i : (int64_t)i << 40;                   /* dense, then not */
    case 7: return i < 1500 ? (int64_t)i << 14 : (int64_t)(i - 1500); /* hashed, then dense */
    case 8: return (i & 1) ? INT64_MAX - i : INT64_MIN + i;           /* both ends */
    case 9: /* from one end over to the other, then anywhere */
        if (i < 2 * WEIR_VECTOR) return i < WEIR_VECTOR || i % 2 ? INT64_MAX - i % 2 : INT64_MIN;
        return (int64_t)(i * 0x9e3779b97f4a7c15u);
    default: return (int64_t)(i % 2000) * 40 - 40000; /* negative and positive */
    }
}

static void test_directories(void **state)
{
    (void)state;
    enum { ROWS = 150000 };
    struct weir_type key = weir_type_make(WEIR_TYPE_BIGINT);
    int64_t *k = malloc(WEIR_VECTOR * sizeof *k);
    uint8_t *st = malloc(WEIR_VECTOR);
    for (int pattern = 0; pattern < 22; pattern++) {
        bool nulls = pattern >= 11;
        struct setup s;
        struct weir_groups *g;
        struct weir_pool pool = {.name = "test"};
        setup_init(&s, 1, &key);
        setup_agg(&s, WEIR_AGG_COUNT, no_arg, false, false);
        setup_agg(&s, WEIR_AGG_MIN, key, false, false);
        setup_done(&s);
        assert_int_equal(weir_groups_new(&s.layout, &pool, &g, NULL), 0);
        struct weir_vec v = {.type = key, .data = k, .st = nulls ? st : NULL};
        for (int twice = 0; twice < 2; twice++)
            for (uint32_t from = 0; from < ROWS; from += WEIR_VECTOR) {
                uint32_t n = ROWS - from < WEIR_VECTOR ? ROWS - from : WEIR_VECTOR;
                for (uint32_t i = 0; i < n; i++) {
                    k[i] = pattern_key(pattern % 11, from + i);
                    st[i] = (from + i) % 101 == 7 ? WK_NULL : WK_VALID;
                }
                assert_int_equal(weir_groups_update(g, n, (const struct weir_vec *[]){&v},
                                                    (const struct weir_vec *[]){NULL, &v}, NULL,
                                                    NULL),
                                 0);
            }
        /* Every row has its key's minimum, which is the key; counts add up; keys are distinct. */
        uint64_t rows = 0, null_rows = 0;
        struct weir_groups *again;
        assert_int_equal(weir_groups_new(&s.layout, NULL, &again, NULL), 0);
        for (size_t i = 0; i < weir_groups_count(g); i++) {
            const uint64_t *row = weir_groups_row(g, i);
            rows += row[3];
            if (row[1]) {
                null_rows += row[3];
                assert_int_equal(row[5], 0);
                continue;
            }
            assert_int_equal(row[2], row[4]);
            assert_int_equal(row[3], row[5]);
        }
        assert_int_equal(rows, 2 * ROWS);
        assert_int_equal(null_rows, nulls ? 2 * ((ROWS - 8) / 101 + 1) : 0);
        for (uint32_t part = 0; part < 3; part++)
            assert_int_equal(weir_groups_merge_part(again, g, part, 3, NULL), 0);
        assert_int_equal(weir_groups_count(again), weir_groups_count(g));
        weir_groups_free(again);
        weir_groups_free(g);
        assert_int_equal(pool.used, 0);
        setup_free(&s);
    }
    free(k);
    free(st);
}

/* ---- 128-bit sums ---- */

static int sum_decimals(const weir_i128 *x, uint32_t n, enum weir_agg_fn fn, int scale,
                        weir_i128 *result)
{
    struct setup s;
    struct weir_groups *part[2], *g;
    struct weir_type type = weir_type_decimal(38, scale);
    setup_init(&s, 0, NULL);
    setup_agg(&s, fn, type, false, false);
    setup_done(&s);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_groups_new(&s.layout, NULL, &part[i], NULL), 0);
    assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
    for (uint32_t i = 0; i < n; i++) {
        struct weir_vec v = {.type = type, .data = (void *)(uintptr_t)&x[i]};
        const struct weir_vec *arg = &v;
        assert_int_equal(weir_groups_update(part[i % 2], 1, NULL, &arg, NULL, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weir_groups_merge_part(g, part[i], 0, 1, NULL), 0);
        weir_groups_free(part[i]);
    }
    struct weir_batch *out;
    struct weir_error err;
    int rc = setup_emit(&s, g, &out, &err);
    if (!rc)
        *result = weir_column_value(&out->col[0], 0).x;
    else
        assert_non_null(strstr(err.message, "3:10"));
    weir_batch_unref(out);
    weir_groups_free(g);
    setup_free(&s);
    return rc;
}

static void test_wide_sums(void **state)
{
    (void)state;
    weir_i128 max = weir_pow10_i128[38] - 1, x[9], r;
    for (int i = 0; i < 9; i++) x[i] = max;
    assert_int_equal(sum_decimals(x, 1, WEIR_AGG_SUM, 0, &r), 0);
    assert_true(r == max);
    for (uint32_t n = 2; n <= 9; n++)
        assert_int_equal(sum_decimals(x, n, WEIR_AGG_SUM, 0, &r), WEIR_ERR_DATA);
    /* out of range and back, in any order */
    for (int i = 4; i < 8; i++) x[i] = -max;
    x[8] = 42;
    assert_int_equal(sum_decimals(x, 9, WEIR_AGG_SUM, 2, &r), 0);
    assert_true(r == 42);
    for (int i = 0; i < 9; i++) x[i] = -max;
    assert_int_equal(sum_decimals(x, 9, WEIR_AGG_SUM, 0, &r), WEIR_ERR_DATA);
    /* averages: the sum leaves 128 bits, the quotient does not; HALF_UP away from zero */
    for (int i = 0; i < 9; i++) x[i] = max;
    assert_int_equal(sum_decimals(x, 9, WEIR_AGG_AVG, 6, &r), 0);
    assert_true(r == max);
    x[0] = -max;
    for (int i = 1; i < 9; i++) x[i] = -max + 1;
    assert_int_equal(sum_decimals(x, 2, WEIR_AGG_AVG, 6, &r), 0);
    assert_true(r == -max); /* -max + 0.5 */
    assert_int_equal(sum_decimals(x, 9, WEIR_AGG_AVG, 6, &r), 0);
    assert_true(r == -max + 1);
    x[0] = 7, x[1] = 0, x[2] = 0;
    assert_int_equal(sum_decimals(x, 3, WEIR_AGG_AVG, 0, &r), 0); /* 2.333333 */
    assert_true(r == 2333333);
    x[0] = -5, x[1] = 0, x[2] = 0;
    assert_int_equal(sum_decimals(x, 3, WEIR_AGG_AVG, 0, &r), 0);
    assert_true(r == -1666667);
    x[0] = max;
    assert_int_equal(sum_decimals(x, 1, WEIR_AGG_AVG, 0, &r),
                     WEIR_ERR_DATA); /* scale 6: 44 digits */
}

/* ---- sums of doubles ---- */

static void test_exact_sums(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type type = weir_type_make(WEIR_TYPE_DOUBLE), key = weir_type_make(WEIR_TYPE_INT);
    for (int keyed = 0; keyed < 2; keyed++) {
        setup_init(&s, keyed, &key);
        setup_agg(&s, WEIR_AGG_SUM, type, false, false);
        setup_agg(&s, WEIR_AGG_AVG, type, false, false);
        setup_agg(&s, WEIR_AGG_VAR_SAMP, type, false, false);
        setup_done(&s);
        struct weir_groups *g;
        assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
        double x[1000];
        int32_t zero[1000] = {0};
        uint32_t n = 0;
        for (int i = 0; i < 250; i++) { /* plain addition would lose all the small ones */
            x[n++] = 1e16;
            x[n++] = 0.125;
            x[n++] = -1e16;
            x[n++] = 0.125;
        }
        struct weir_vec v = {.type = type, .data = x}, k = {.type = key, .data = zero};
        const struct weir_vec *arg[] = {&v, &v, &v}, *keys[] = {&k};
        for (int i = 0; i < 100; i++)
            assert_int_equal(weir_groups_update(g, n, keys, arg, NULL, NULL), 0);
        struct weir_batch *out;
        assert_int_equal(setup_emit(&s, g, &out, NULL), 0);
        assert_true(weir_column_value(&out->col[keyed], 0).f == 6250);
        assert_true(weir_column_value(&out->col[keyed + 1], 0).f == 0.0625);
        double var = weir_column_value(&out->col[keyed + 2], 0).f;
        assert_true(fabs(var / (5e31 * (100000.0 / 99999)) - 1) < 1e-12);
        weir_batch_unref(out);
        weir_groups_free(g);
        setup_free(&s);
    }
}

/* Values far from zero and close together: the textbook formula would give garbage. */
static void test_variance(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type type = weir_type_make(WEIR_TYPE_DOUBLE);
    setup_init(&s, 0, NULL);
    setup_agg(&s, WEIR_AGG_VAR_POP, type, false, false);
    setup_agg(&s, WEIR_AGG_STDDEV_SAMP, type, false, false);
    setup_done(&s);
    struct weir_groups *g;
    assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
    double x[4] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}, same[3] = {0.1, 0.1, 0.1};
    struct weir_vec v = {.type = type, .data = x};
    const struct weir_vec *arg[] = {&v, &v};
    struct weir_batch *out;
    assert_int_equal(weir_groups_update(g, 4, NULL, arg, NULL, NULL), 0);
    assert_int_equal(setup_emit(&s, g, &out, NULL), 0);
    assert_true(weir_column_value(&out->col[0], 0).f == 22.5);
    assert_true(weir_column_value(&out->col[1], 0).f == sqrt(30));
    weir_batch_unref(out);
    assert_int_equal(weir_groups_clear(g, NULL), 0);
    v.data = same;
    assert_int_equal(weir_groups_update(g, 3, NULL, arg, NULL, NULL), 0);
    assert_int_equal(setup_emit(&s, g, &out, NULL), 0);
    assert_true(weir_column_value(&out->col[0], 0).f == 0);
    assert_true(weir_column_value(&out->col[1], 0).f == 0);
    weir_batch_unref(out);
    weir_groups_free(g);
    setup_free(&s);
}

/* A million values that differ in the twelfth digit: their squares' sums agree in 24. */
static void test_close_variance(void **state)
{
    (void)state;
    struct weir_type type = weir_type_make(WEIR_TYPE_DOUBLE), key = weir_type_make(WEIR_TYPE_INT);
    for (int keyed = 0; keyed < 3; keyed++) { /* one group; one key; two keys */
        struct setup s;
        setup_init(&s, keyed > 0, &key);
        setup_agg(&s, WEIR_AGG_VAR_POP, type, false, false);
        setup_done(&s);
        struct weir_groups *g;
        assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
        double x[1000];
        int32_t k[1000];
        struct weir_vec v = {.type = type, .data = x}, kv = {.type = key, .data = k};
        const struct weir_vec *arg = &v, *keys = &kv;
        __float128 sum = 0, var = 0;
        for (int i = 0; i < 1000; i++) {
            x[i] = 1e9 + (i % 10) * 1e-3;
            k[i] = keyed == 2 && i >= 500; /* both groups have the same values */
            sum += x[i];
        }
        for (int i = 0; i < 1000; i++) var += (x[i] - sum / 1000) * (x[i] - sum / 1000);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(weir_groups_update(g, 1000, &keys, &arg, NULL, NULL), 0);
        struct weir_batch *out;
        assert_int_equal(setup_emit(&s, g, &out, NULL), 0);
        for (size_t i = 0; i < out->n_rows; i++) {
            double got = weir_column_value(&out->col[keyed > 0], i).f;
            if (fabs(got / (double)(var / 1000) - 1) > 1e-2)
                fail_msg("keyed %d: %.17g, not %.17g", keyed, got, (double)(var / 1000));
        }
        weir_batch_unref(out);
        weir_groups_free(g);
        setup_free(&s);
    }
}

static void test_equal_variance(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 1e9 + 0.1, 1e-200, 7e150, -65.333333333333329};
    struct weir_type type = weir_type_make(WEIR_TYPE_DOUBLE), key = weir_type_make(WEIR_TYPE_INT);
    double x[1000];
    int32_t k[1000];
    struct weir_vec v = {.type = type, .data = x}, kv = {.type = key, .data = k};
    const struct weir_vec *arg = &v, *keys = &kv;
    for (int c = 0; c < 60; c++) {
        struct setup s;
        uint32_t n = 2 + rnd(c % 2 ? 998 : 10), updates = 1 + rnd(40);
        int keyed = c / 2 % 2;
        setup_init(&s, keyed, &key);
        setup_agg(&s, WEIR_AGG_STDDEV_POP, type, false, false);
        setup_done(&s);
        struct weir_groups *g;
        assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
        for (uint32_t i = 0; i < n; i++) x[i] = values[c % 6], k[i] = (int32_t)i % 2;
        for (uint32_t i = 0; i < updates; i++)
            assert_int_equal(weir_groups_update(g, n, &keys, &arg, NULL, NULL), 0);
        struct weir_batch *out;
        assert_int_equal(setup_emit(&s, g, &out, NULL), 0);
        for (size_t i = 0; i < out->n_rows; i++)
            assert_true(weir_column_value(&out->col[keyed], i).f == 0);
        weir_batch_unref(out);
        weir_groups_free(g);
        setup_free(&s);
    }
}

/* ---- errors ---- */

static void test_error_states(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type type = weir_type_make(WEIR_TYPE_INT),
                     boolean = weir_type_make(WEIR_TYPE_BOOLEAN);
    setup_init(&s, 1, &type);
    setup_agg(&s, WEIR_AGG_SUM, type, false, true);
    setup_done(&s);
    struct weir_groups *g;
    assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
    int32_t k[10] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5}, x[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    uint8_t f[10] = {1, 1, 1, 0, 1, 1, 1, 1, 1, 1}, k_st[10] = {0}, x_st[10] = {0}, f_st[10] = {0};
    struct weir_vec key = {.type = type, .data = k, .st = k_st};
    struct weir_vec arg = {.type = type, .data = x, .st = x_st};
    struct weir_vec filter = {.type = boolean, .data = f, .st = f_st};
    const struct weir_vec *kp = &key, *ap = &arg, *fp = &filter;
    x_st[3] = WK_ERR_OVERFLOW; /* filtered out */
    x_st[4] = WK_ERR_DIV_ZERO;
    f_st[4] = WK_NULL; /* not TRUE either */
    assert_int_equal(weir_groups_update(g, 10, &kp, &ap, &fp, NULL), 0);
    assert_int_equal(weir_groups_count(g), 5);
    x_st[8] = WK_ERR_CAST;
    assert_int_equal(weir_groups_update(g, 10, &kp, &ap, &fp, NULL), 9);
    k_st[7] = WK_ERR_ARGUMENT;
    assert_int_equal(weir_groups_update(g, 10, &kp, &ap, &fp, NULL), 8);
    f_st[6] = WK_ERR_CAST;
    assert_int_equal(weir_groups_update(g, 10, &kp, &ap, &fp, NULL), 7);
    assert_int_equal(weir_groups_update(g, 6, &kp, &ap, &fp, NULL), 0);
    struct weir_batch *out;
    assert_int_equal(setup_emit(&s, g, &out, NULL), 0); /* refused calls added nothing */
    const int64_t want[] = {4, 2, 2, 2, 2};
    for (size_t i = 0; i < 5; i++) assert_int_equal(weir_column_value(&out->col[1], i).i, want[i]);
    weir_batch_unref(out);
    weir_groups_free(g);
    setup_free(&s);
}

static void test_integer_overflow(void **state)
{
    (void)state;
    static const struct {
        enum weir_type_id type;
        int64_t max;
    } cases[] = {{WEIR_TYPE_TINYINT, INT8_MAX},
                 {WEIR_TYPE_SMALLINT, INT16_MAX},
                 {WEIR_TYPE_INT, INT32_MAX},
                 {WEIR_TYPE_BIGINT, INT64_MAX}};
    for (int c = 0; c < 4; c++)
        for (int sign = 0; sign < 2; sign++) {
            struct setup s;
            struct weir_type type = weir_type_make(cases[c].type);
            setup_init(&s, 0, NULL);
            setup_agg(&s, WEIR_AGG_SUM, type, false, false);
            setup_agg(&s, WEIR_AGG_AVG, type, false, false);
            setup_done(&s);
            int64_t limit = sign ? -cases[c].max - 1 : cases[c].max;
            for (int64_t more = 0; more < 2; more++) {
                struct weir_groups *g;
                struct weir_builder *b;
                struct weir_batch *in, *out;
                struct weir_error err;
                struct vectors *v = malloc(sizeof *v);
                struct weir_type both[2] = {type, type};
                assert_int_equal(weir_groups_new(&s.layout, NULL, &g, NULL), 0);
                assert_int_equal(weir_builder_new(NULL, 2, both, &b, NULL), 0);
                for (int i = 0; i < 2; i++) {
                    weir_builder_i64(b, 0, i ? sign ? -more : more : limit);
                    weir_builder_i64(b, 1, limit);
                }
                assert_int_equal(weir_builder_finish(b, &in, NULL), 0);
                weir_builder_free(b);
                assert_int_equal(setup_update(&s, g, v, in, 0, 2, NULL), 0);
                int rc = setup_emit(&s, g, &out, &err);
                assert_int_equal(rc, more ? WEIR_ERR_DATA : 0);
                if (more)
                    assert_non_null(strstr(err.message, "SUM"));
                else
                    assert_int_equal(weir_column_value(&out->col[0], 0).i, limit);
                weir_batch_unref(out);
                weir_batch_unref(in);
                weir_groups_free(g);
                free(v);
            }
            setup_free(&s);
        }
}

static void test_budget(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type type = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_pool pool = {.name = "partition 7", .limit = 1 << 20};
    setup_init(&s, 1, &type);
    setup_agg(&s, WEIR_AGG_COUNT, no_arg, false, false);
    setup_done(&s);
    struct weir_groups *g;
    struct weir_error err;
    assert_int_equal(weir_groups_new(&s.layout, &pool, &g, &err), 0);
    int64_t k[WEIR_VECTOR];
    struct weir_vec v = {.type = type, .data = k};
    const struct weir_vec *key = &v, *none = NULL;
    int rc = 0;
    uint64_t i = 0;
    while (!rc && i < 1000000) {
        for (int j = 0; j < WEIR_VECTOR; j++) k[j] = (int64_t)(i++ * 0x9e3779b97f4a7c15u);
        rc = weir_groups_update(g, WEIR_VECTOR, &key, &none, NULL, &err);
    }
    assert_int_equal(rc, WEIR_ERR_NOMEM);
    assert_non_null(strstr(err.message, "partition 7"));
    assert_true(i > 10000); /* most of the budget was usable */
    weir_groups_free(g);
    assert_int_equal(pool.used, 0);
    setup_free(&s);
}

/* ---- threads ---- */

struct merge {
    struct weir_groups *to, *from[2];
    uint32_t part;
    int rc;
};

static void *merge_part(void *ctx)
{
    struct merge *m = ctx;
    for (int i = 0; i < 2 && !m->rc; i++)
        m->rc = weir_groups_merge_part(m->to, m->from[i], m->part, 4, NULL);
    return NULL;
}

/* Four threads read the same two tables (tests under ThreadSanitizer mean this one). */
static void test_parallel_merge(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type key = weir_type_string();
    struct vectors *v = malloc(sizeof *v);
    struct weir_groups *from[2];
    struct weir_pool pool = {.name = "test"};
    setup_init(&s, 1, &key);
    setup_agg(&s, WEIR_AGG_COUNT, weir_type_make(WEIR_TYPE_INT), true, false);
    setup_agg(&s, WEIR_AGG_MIN, weir_type_string(), false, false);
    setup_done(&s);
    size_t groups = 0;
    for (int i = 0; i < 2; i++) {
        struct weir_batch *b = random_batch(s.n_cols, s.types, WEIR_VECTOR, 600, 0, false);
        assert_int_equal(weir_groups_new(&s.layout, &pool, &from[i], NULL), 0);
        assert_int_equal(setup_update(&s, from[i], v, b, 0, WEIR_VECTOR, NULL), 0);
        weir_batch_unref(b);
    }
    struct merge m[4] = {0};
    pthread_t thread[4];
    for (uint32_t p = 0; p < 4; p++) {
        m[p] = (struct merge){.from = {from[0], from[1]}, .part = p};
        assert_int_equal(weir_groups_new(&s.layout, &pool, &m[p].to, NULL), 0);
        assert_int_equal(pthread_create(&thread[p], NULL, merge_part, &m[p]), 0);
    }
    for (int p = 0; p < 4; p++) {
        assert_int_equal(pthread_join(thread[p], NULL), 0);
        assert_int_equal(m[p].rc, 0);
        groups += weir_groups_count(m[p].to);
        weir_groups_free(m[p].to);
    }
    struct weir_groups *one;
    assert_int_equal(weir_groups_new(&s.layout, &pool, &one, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_groups_merge_part(one, from[i], 0, 1, NULL), 0);
    assert_int_equal(groups, weir_groups_count(one));
    weir_groups_free(one);
    weir_groups_free(from[0]);
    weir_groups_free(from[1]);
    assert_int_equal(pool.used, 0);
    setup_free(&s);
    free(v);
}

struct exchange {
    struct weir_groups *to;
    const struct weir_groups_rows *rows;
    uint32_t part;
    int rc;
};

static void *take_parts(void *ctx)
{
    struct exchange *x = ctx;
    for (uint32_t i = 0; i < 3 && !x->rc; i++)
        if (i != x->part) x->rc = weir_groups_take_part(x->to, &x->rows[i], x->part, 3, NULL);
    return NULL;
}

/* Three threads take parts of each other's tables over, which grow meanwhile, and then drop what
   the others have taken; what is counted stays the same, and a group can be found again. */
static void test_parallel_exchange(void **state)
{
    (void)state;
    struct setup s;
    struct weir_type key = weir_type_make(WEIR_TYPE_BIGINT);
    struct vectors *v = malloc(sizeof *v);
    struct weir_groups *g[3];
    struct weir_groups_rows rows[3];
    struct exchange x[3];
    pthread_t thread[3];
    struct weir_pool pool = {.name = "test", .limit = 1 << 20};
    setup_init(&s, 1, &key);
    setup_agg(&s, WEIR_AGG_COUNT, weir_type_make(WEIR_TYPE_NULL), false, false);
    setup_done(&s);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weir_groups_new(&s.layout, &pool, &g[i], NULL), 0);
        struct weir_batch *b = random_batch(s.n_cols, s.types, 6000, 5000, 2, true);
        for (uint32_t at = 0; at < 6000; at += 1000)
            assert_int_equal(setup_update(&s, g[i], v, b, at, 1000, NULL), 0);
        weir_batch_unref(b);
    }
    assert_true(weir_groups_can_exchange(g, 3));
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(weir_groups_rows_of(g[i], &rows[i], NULL), 0);
    for (uint32_t i = 0; i < 3; i++) {
        x[i] = (struct exchange){.to = g[i], .rows = rows, .part = i};
        assert_int_equal(pthread_create(&thread[i], NULL, take_parts, &x[i]), 0);
    }
    uint64_t counted = 0;
    size_t groups = 0;
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(x[i].rc, 0);
        free(rows[i].chunk);
        weir_groups_keep_part(g[i], i, 3);
        size_t before = weir_groups_count(g[i]);
        groups += before;
        for (size_t r = 0; r < before; r++)
            counted += weir_groups_row(g[i], r)[s.layout.agg_word[0]];
        assert_int_equal(weir_groups_merge_part(g[i], g[i], i, 3, NULL), 0);
        assert_int_equal(weir_groups_count(g[i]), before);
        weir_groups_free(g[i]);
    }
    assert_int_equal(counted, 18000);
    assert_true(groups > 5000 / 2);
    assert_int_equal(pool.used, 0);
    setup_free(&s);
    free(v);
}

/* ---- out of memory ---- */

static bool drop_some(void *ctx, const uint64_t *row)
{
    (void)ctx;
    return row[0] % 3 == 0;
}

static int scenario(const struct setup *s, const struct weir_batch *b, struct weir_pool *pool,
                    struct vectors *v)
{
    struct weir_groups *g = NULL, *other = NULL;
    struct weir_batch *out = NULL;
    struct weir_error err;
    int rc = weir_groups_new(&s->layout, pool, &g, &err);
    if (!rc) rc = weir_groups_new(&s->layout, pool, &other, &err);
    for (uint32_t from = 0; from < b->n_rows && !rc; from += 500) {
        uint32_t n = b->n_rows - from < 500 ? b->n_rows - from : 500;
        rc = setup_update(s, from & 512 ? g : other, v, b, from, n, &err);
    }
    if (!rc) rc = weir_groups_merge_part(g, other, 0, 1, &err);
    if (!rc) rc = weir_groups_remove(g, drop_some, NULL, &err);
    if (!rc) rc = setup_emit(s, g, &out, &err);
    if (!rc) rc = weir_groups_clear(g, &err);
    weir_batch_unref(out);
    weir_groups_free(g);
    weir_groups_free(other);
    assert_int_equal(pool->used, 0);
    return rc;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    for (int round = 0; round < 4; round++) {
        struct setup s;
        struct weir_type key[2] = {
            round & 1 ? weir_type_string() : weir_type_make(WEIR_TYPE_BIGINT), weir_type_string()};
        setup_init(&s, 1 + round / 2, key);
        setup_agg(&s, WEIR_AGG_COUNT, weir_type_string(), true, false);
        setup_agg(&s, WEIR_AGG_MAX, weir_type_string(), false, true);
        setup_agg(&s, WEIR_AGG_AVG, weir_type_make(WEIR_TYPE_INT), true, false);
        setup_done(&s);
        struct weir_batch *b = random_batch(s.n_cols, s.types, 3000, 700, 5, true);
        for (uint64_t n = 1;; n += 1 + n / 16) {
            struct weir_pool pool = {.name = "test"};
            weir_mem_fail_at(n, n & 1);
            int rc = scenario(&s, b, &pool, v);
            weir_mem_fail_at(0, false);
            if (!rc) {
                assert_true(n > 30);
                break;
            }
            assert_int_equal(rc, WEIR_ERR_NOMEM);
        }
        weir_batch_unref(b);
        setup_free(&s);
    }
    free(v);
}

int main(void)
{
    random_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_wide_sums),
        cmocka_unit_test(test_exact_sums),
        cmocka_unit_test(test_variance),
        cmocka_unit_test(test_close_variance),
        cmocka_unit_test(test_equal_variance),
        cmocka_unit_test(test_error_states),
        cmocka_unit_test(test_integer_overflow),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_parallel_merge),
        cmocka_unit_test(test_parallel_exchange),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
