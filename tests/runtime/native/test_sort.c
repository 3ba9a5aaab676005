/* Sorting against insertion by weir_sort_compare, and that comparison against SQL's order of single
   values; stability, limits, NULLs first and last, several keys, every allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/native/sort.h"
#include "tests/runtime/native/random_batch.h"

/* SQL's order of two values, without the code under test. */
static int order(const struct weir_value *a, const struct weir_value *b)
{
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return (a->b > b->b) - (a->b < b->b);
    case WEIR_PHYS_I128: return (a->x > b->x) - (a->x < b->x);
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64:
        if (isnan(a->f) || isnan(b->f)) return !!isnan(a->f) - !!isnan(b->f);
        return (a->f > b->f) - (a->f < b->f);
    case WEIR_PHYS_STR: {
        size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
        int c = n ? memcmp(a->s.data, b->s.data, n) : 0;
        return c ? c : (a->s.len > b->s.len) - (a->s.len < b->s.len);
    }
    default: return (a->i > b->i) - (a->i < b->i);
    }
}

static int row_order(const struct weir_batch *b, const struct weir_sort_column *key, int n_keys,
                     int64_t x, int64_t y)
{
    for (int k = 0; k < n_keys; k++) {
        struct weir_value p = weir_column_value(&b->col[key[k].column], (size_t)x);
        struct weir_value q = weir_column_value(&b->col[key[k].column], (size_t)y);
        int c;
        if (p.is_null || q.is_null)
            c = p.is_null == q.is_null ? 0 : p.is_null == key[k].nulls_first ? -1 : 1;
        else
            c = key[k].descending ? order(&q, &p) : order(&p, &q);
        if (c) return c;
    }
    return 0;
}

static const struct weir_batch *q_batch;
static const struct weir_sort_column *q_key;
static int q_n_keys;
static int by_keys_then_row(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    int c = row_order(q_batch, q_key, q_n_keys, x, y);
    return c ? c : (x > y) - (x < y);
}

static void test_random(void **state)
{
    (void)state;
    static const uint32_t distinct[] = {1, 2, 10, 100, 100000};
    for (int round = 0; round < 600; round++) {
        struct weir_type type[4];
        struct weir_sort_column key[4];
        int n_cols = 1 + (int)rnd(4), n_keys = (int)rnd(5);
        for (int c = 0; c < n_cols; c++) type[c] = random_type();
        uint32_t n = rnd(4) ? rnd(400) : rnd(5000);
        struct weir_batch *b = random_batch(n_cols, type, n, distinct[rnd(5)], rnd(3) * 3, rnd(2));
        for (int k = 0; k < n_keys; k++)
            key[k] = (struct weir_sort_column){(int)rnd((uint32_t)n_cols), rnd(2), rnd(2)};
        int64_t *want = malloc((n + 1) * sizeof *want), *idx;
        for (uint32_t i = 0; i < n; i++) want[i] = i;
        q_batch = b, q_key = key, q_n_keys = n_keys;
        qsort(want, n, sizeof *want, by_keys_then_row);
        int64_t limit = rnd(2) ? -1 : (int64_t)rnd(rnd(2) ? 20 : n + 10);
        size_t got, expect = limit < 0 || limit > n ? n : (size_t)limit;
        assert_int_equal(weir_sort_order(b, key, n_keys, limit, &idx, &got, NULL), 0);
        assert_int_equal(got, expect);
        assert_memory_equal(idx, want, got * sizeof *idx);
        for (size_t i = 1; i < got; i++) {
            int c = weir_sort_compare(key, n_keys, b, (size_t)idx[i - 1], b, (size_t)idx[i]);
            int r = row_order(b, key, n_keys, idx[i - 1], idx[i]);
            assert_int_equal((c > 0) - (c < 0), r < 0 ? -1 : r);
        }
        weir_free(idx);
        free(want);
        weir_batch_unref(b);
    }
}

/* Rows of different batches compare as rows of one. */
static void test_compare_across(void **state)
{
    (void)state;
    struct weir_type type[2] = {weir_type_string(), weir_type_make(WEIR_TYPE_DOUBLE)};
    struct weir_batch *x = random_batch(2, type, 50, 10, 5, false);
    struct weir_batch *y = random_batch(2, type, 60, 10, 5, false), *both[2] = {x, y}, *all;
    struct weir_sort_column key[2] = {{0, false, true}, {1, true, false}};
    assert_int_equal(weir_batch_concat(NULL, both, 2, type, 2, &all, NULL), 0);
    for (size_t a = 0; a < 50; a++)
        for (size_t b = 0; b < 60; b++) {
            int c = weir_sort_compare(key, 2, x, a, y, b);
            int d = row_order(all, key, 2, (int64_t)a, (int64_t)(50 + b));
            assert_int_equal((c > 0) - (c < 0), (d > 0) - (d < 0));
        }
    weir_batch_unref(x);
    weir_batch_unref(y);
    weir_batch_unref(all);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct weir_type type = weir_type_make(WEIR_TYPE_INT);
    struct weir_batch *b = random_batch(1, &type, 1000, 100, 0, false);
    struct weir_sort_column key = {0, false, true};
    for (uint64_t n = 1;; n++) {
        int64_t *idx;
        size_t got;
        struct weir_error err;
        weir_mem_fail_at(n, false);
        int rc = weir_sort_order(b, &key, 1, -1, &idx, &got, &err);
        weir_mem_fail_at(0, false);
        if (!rc) {
            weir_free(idx);
            assert_int_equal(n, 4);
            break;
        }
        assert_int_equal(rc, WEIR_ERR_NOMEM);
        assert_null(idx);
        assert_int_equal(got, 0);
    }
    weir_batch_unref(b);
}

int main(void)
{
    random_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_compare_across),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
