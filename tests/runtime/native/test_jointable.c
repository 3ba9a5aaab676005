/* The join table against nested loops: random key types, NULLs, duplicates, several batches, dense
   and hashed, constant vectors, error states, and every allocation failing in turn. Compiled a
   second time with all hashes equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/native/jointable.h"
#include "tests/runtime/native/random_batch.h"

static bool row_matches(const struct weir_batch *build, uint32_t r, const struct weir_batch *probe,
                        uint32_t p, int n_keys)
{
    for (int k = 0; k < n_keys; k++) {
        struct weir_value a = weir_column_value(&build->col[k], r);
        struct weir_value b = weir_column_value(&probe->col[k], p);
        if (a.is_null || b.is_null || !values_equal(&a, &b)) return false;
    }
    return true;
}

/* Every payload row carries its number in the last column: the sum of numbers, and their order. */
static void check_probe(const struct weir_join_table *t, const struct weir_batch *all,
                        const struct weir_batch *probe, int n_keys)
{
    uint32_t begin[WEIR_VECTOR], end[WEIR_VECTOR];
    struct vectors *v = malloc(sizeof *v);
    vectors_of(v, probe, 0, probe->n_rows);
    assert_int_equal(weir_join_lookup(t, probe->n_rows, v->ptr, begin, end), 0);
    const struct weir_column *number = &t->payload->col[t->payload->n_cols - 1];
    for (uint32_t p = 0; p < probe->n_rows; p++) {
        uint32_t at = begin[p];
        assert_true(begin[p] <= end[p]);
        for (uint32_t r = 0; r < all->n_rows; r++) {
            if (!row_matches(all, r, probe, p, n_keys)) continue;
            assert_true(at < end[p]);
            assert_int_equal(weir_column_value(number, at).i, r);
            at++;
        }
        assert_int_equal(at, end[p]);
        assert_true(end[p] - begin[p] <= t->max_matches);
    }
    free(v);
}

struct input {
    struct weir_type types[8];
    int n_keys, n_cols;
    struct weir_batch *part[5], *all;
    size_t parts;
    uint32_t distinct, nulls;
    bool spread;
};

static void make_input(struct input *in, int n_keys, uint32_t rows)
{
    *in = (struct input){.n_keys = n_keys, .n_cols = n_keys + 2};
    for (int c = 0; c <= n_keys; c++) in->types[c] = random_type();
    in->types[n_keys + 1] = weir_type_make(WEIR_TYPE_BIGINT);
    in->parts = rnd(6);
    in->distinct = 1 + rnd(rnd(2) ? 200 : 5);
    in->nulls = rnd(3) * 4;
    in->spread = rnd(2);
    int64_t number = 0;
    for (size_t p = 0; p < in->parts; p++) {
        struct weir_batch *b =
            random_batch(in->n_cols, in->types, rnd(rows), in->distinct, in->nulls, in->spread);
        struct weir_column *c = &b->col[b->n_cols - 1];
        for (uint32_t i = 0; i < b->n_rows; i++) ((int64_t *)c->buf[1]->data)[i] = number++;
        c->validity = NULL;
        in->part[p] = b;
    }
    assert_int_equal(
        weir_batch_concat(NULL, in->part, in->parts, in->types, in->n_cols, &in->all, NULL), 0);
}

static void free_input(struct input *in)
{
    for (size_t p = 0; p < in->parts; p++) weir_batch_unref(in->part[p]);
    weir_batch_unref(in->all);
}

static void test_random(void **state)
{
    (void)state;
    int dense = 0, hash = 0;
    for (int round = 0; round < 400; round++) {
        struct input in;
        struct weir_join_table *t;
        struct weir_pool pool = {.name = "test"};
        make_input(&in, (int)rnd(5), 300);
        assert_int_equal(
            weir_join_build(&pool, in.part, in.parts, in.types, in.n_cols, in.n_keys, &t, NULL), 0);
        assert_int_equal(t->empty, in.all->n_rows == 0);
        bool null_key = false;
        for (uint32_t r = 0; r < in.all->n_rows; r++)
            for (int k = 0; k < in.n_keys; k++) null_key |= weir_column_is_null(&in.all->col[k], r);
        assert_int_equal(t->has_null_key, null_key);
        assert_true(t->bytes > 0);
        struct weir_batch *probe = random_batch(in.n_cols, in.types, rnd(WEIR_VECTOR) / 4,
                                                in.distinct + 5, in.nulls, in.spread);
        check_probe(t, in.all, probe, in.n_keys);
        weir_batch_unref(probe);
        dense += t->dense, hash += !t->dense;
        weir_join_free(t);
        free_input(&in);
        assert_int_equal(pool.used, 0);
    }
    assert_true(dense > 20 && hash > 20);
}

static void test_dense_limits(void **state)
{
    (void)state;
    struct weir_type type[2] = {weir_type_make(WEIR_TYPE_BIGINT), weir_type_make(WEIR_TYPE_BIGINT)};
    const int64_t keys[][3] = {{INT64_MIN, 0, INT64_MAX},
                               {INT64_MAX - 5, INT64_MAX, INT64_MAX},
                               {INT64_MIN, INT64_MIN + 7, INT64_MIN},
                               {0, 1047, 5},
                               {0, 1048, 5}};
    const bool dense[] = {false, true, true, true, false};
    for (int c = 0; c < 5; c++) {
        struct weir_builder *b;
        struct weir_batch *batch;
        struct weir_join_table *t;
        assert_int_equal(weir_builder_new(NULL, 2, type, &b, NULL), 0);
        for (int i = 0; i < 3; i++) {
            weir_builder_i64(b, 0, keys[c][i]);
            weir_builder_i64(b, 1, i);
        }
        assert_int_equal(weir_builder_finish(b, &batch, NULL), 0);
        weir_builder_free(b);
        assert_int_equal(weir_join_build(NULL, &batch, 1, type, 2, 1, &t, NULL), 0);
        assert_int_equal(t->dense, dense[c]);
        check_probe(t, batch, batch, 1);
        weir_join_free(t);
        weir_batch_unref(batch);
    }
}

static void test_constant_and_error(void **state)
{
    (void)state;
    struct weir_type type[2] = {weir_type_string(), weir_type_make(WEIR_TYPE_INT)};
    struct weir_builder *b;
    struct weir_batch *batch;
    struct weir_join_table *t;
    assert_int_equal(weir_builder_new(NULL, 2, type, &b, NULL), 0);
    for (int i = 0; i < 3; i++) {
        weir_builder_str(b, 0, "abc" + i, (size_t)(3 - i));
        weir_builder_i64(b, 1, i);
    }
    assert_int_equal(weir_builder_finish(b, &batch, NULL), 0);
    weir_builder_free(b);
    assert_int_equal(weir_join_build(NULL, &batch, 1, type, 2, 1, &t, NULL), 0);
    struct weir_str bc = {"bc", 2};
    uint8_t st[700] = {WK_VALID};
    struct weir_vec v = {.type = type[0], .constant = true, .data = &bc, .st = st};
    const struct weir_vec *key = &v;
    uint32_t begin[700], end[700];
    assert_int_equal(weir_join_lookup(t, 700, &key, begin, end), 0);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(end[i] - begin[i], 1);
        assert_int_equal(weir_column_value(&t->payload->col[1], begin[i]).i, 1);
    }
    st[0] = WK_NULL;
    assert_int_equal(weir_join_lookup(t, 700, &key, begin, end), 0);
    assert_int_equal(begin[699], end[699]);
    st[0] = WK_ERR_CAST;
    assert_int_equal(weir_join_lookup(t, 700, &key, begin, end), 1);
    struct weir_str many[700];
    for (int i = 0; i < 700; i++) many[i] = bc, st[i] = WK_VALID;
    st[650] = WK_ERR_OVERFLOW;
    v = (struct weir_vec){.type = type[0], .data = many, .st = st};
    assert_int_equal(weir_join_lookup(t, 700, &key, begin, end), 651);
    weir_join_free(t);
    weir_batch_unref(batch);
}

static void test_too_many_keys(void **state)
{
    (void)state;
    struct weir_type type[65];
    struct weir_error err;
    struct weir_join_table *t;
    for (int i = 0; i < 65; i++) type[i] = weir_type_make(WEIR_TYPE_INT);
    assert_int_equal(weir_join_build(NULL, NULL, 0, type, 65, 65, &t, &err), WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "65"));
    assert_null(t);
    assert_int_equal(weir_join_build(NULL, NULL, 0, type, 64, 64, &t, &err), 0);
    assert_true(t->empty);
    weir_join_free(t);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        struct input in;
        make_input(&in, 1 + round % 3, 400);
        for (uint64_t n = 1;; n++) {
            struct weir_pool pool = {.name = "test"};
            struct weir_error err;
            struct weir_join_table *t;
            weir_mem_fail_at(n, round & 1);
            int rc =
                weir_join_build(&pool, in.part, in.parts, in.types, in.n_cols, in.n_keys, &t, &err);
            weir_mem_fail_at(0, false);
            if (!rc) {
                weir_join_free(t);
                assert_int_equal(pool.used, 0);
                assert_true(n > 4);
                break;
            }
            assert_int_equal(rc, WEIR_ERR_NOMEM);
            assert_null(t);
            assert_int_equal(pool.used, 0);
        }
        free_input(&in);
    }
}

int main(void)
{
    random_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_dense_limits),
        cmocka_unit_test(test_constant_and_error),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
