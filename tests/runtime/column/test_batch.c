/* Builder, batches, pools: random appends of every kind against plain arrays, truncation, concat,
   reference counts, limits, and every allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/column/batch.h"

static uint64_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % n);
}

#define N_COLS 9
static struct weir_type types[N_COLS];
static const char letters[] = "the quick brown fox jumps over the lazy dog";

static int setup_types(void **state)
{
    (void)state;
    types[0] = weir_type_make(WEIR_TYPE_BOOLEAN);
    types[1] = weir_type_make(WEIR_TYPE_TINYINT);
    types[2] = weir_type_make(WEIR_TYPE_SMALLINT);
    types[3] = weir_type_make(WEIR_TYPE_INT);
    types[4] = weir_type_make(WEIR_TYPE_BIGINT);
    types[5] = weir_type_decimal(30, 2);
    types[6] = weir_type_make(WEIR_TYPE_FLOAT);
    types[7] = weir_type_make(WEIR_TYPE_DOUBLE);
    types[8] = weir_type_string();
    return 0;
}

/* A value of column C that depends on K alone; K % 5 == 0 is NULL. */
static struct weir_value value(int c, uint32_t k)
{
    struct weir_value v = {.type = types[c], .is_null = k % 5 == 0};
    if (v.is_null) return v;
    switch (weir_type_phys(types[c])) {
    case WEIR_PHYS_BOOL: v.b = k % 3 == 0; break;
    case WEIR_PHYS_I8: v.i = (int8_t)k; break;
    case WEIR_PHYS_I16: v.i = (int16_t)(k * 77); break;
    case WEIR_PHYS_I32: v.i = (int32_t)(k * 7777777); break;
    case WEIR_PHYS_I64: v.i = (int64_t)k * 1234567890123 - 5; break;
    case WEIR_PHYS_I128: v.x = (weir_i128)k * 1234567890123456789 * 1000003 - 1; break;
    case WEIR_PHYS_F32: v.f = (double)k / 4; break;
    case WEIR_PHYS_F64: v.f = (double)k / 3; break;
    default: v.s = (struct weir_str){letters + k % 13, k % 29};
    }
    return v;
}

static bool same(const struct weir_value *a, const struct weir_value *b)
{
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return a->b == b->b;
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return a->f == b->f;
    case WEIR_PHYS_STR: return a->s.len == b->s.len && !memcmp(a->s.data, b->s.data, a->s.len);
    default: return a->i == b->i;
    }
}

/* K[row] says which value a row holds in every column. */
static void check(const struct weir_batch *b, const uint32_t *k, uint32_t n)
{
    assert_int_equal(b->n_rows, n);
    assert_int_equal(b->n_cols, N_COLS);
    for (int c = 0; c < N_COLS; c++) {
        assert_true(weir_type_equal(b->col[c].type, types[c]));
        for (int i = 0; i < 3; i++) {
            const struct weir_buffer *buf = b->col[c].buf[i];
            if (!buf) continue;
            assert_int_equal((uintptr_t)buf->data % 64, 0);
            for (int z = 0; z < 64; z++) assert_int_equal(((char *)buf->data)[buf->size + z], 0);
        }
        for (uint32_t r = 0; r < n; r++) {
            struct weir_value got = weir_column_value(&b->col[c], r), want = value(c, k[r]);
            if (!same(&got, &want)) fail_msg("column %d row %u of %u", c, r, n);
        }
    }
}

static struct weir_batch *make(struct weir_pool *pool, const uint32_t *k, uint32_t n)
{
    struct weir_builder *b;
    struct weir_batch *batch;
    assert_int_equal(weir_builder_new(pool, N_COLS, types, &b, NULL), 0);
    for (int c = 0; c < N_COLS; c++)
        for (uint32_t r = 0; r < n; r++) {
            struct weir_value v = value(c, k[r]);
            weir_builder_value(b, c, &v);
        }
    assert_int_equal(weir_builder_rows(b), n);
    assert_int_equal(weir_builder_finish(b, &batch, NULL), 0);
    assert_int_equal(weir_builder_rows(b), 0);
    weir_builder_free(b);
    return batch;
}

static void test_append(void **state)
{
    (void)state;
    uint32_t k[3000] = {0};
    for (uint32_t n = 0; n < 3000; n = n * 3 / 2 + 1) {
        for (uint32_t r = 0; r < n; r++) k[r] = n % 2 ? r : r % 4 + 1; /* with and without NULLs */
        struct weir_pool pool = {.name = "test"};
        struct weir_batch *b = make(&pool, k, n);
        check(b, k, n);
        if (n % 2 == 0) assert_null(b->col[3].validity);
        assert_true(pool.used >= weir_batch_bytes(b));
        weir_batch_unref(b);
        assert_int_equal(pool.used, 0);
        assert_true(pool.peak > 0);
    }
}

/* Random mixtures of copy, gather, single values and truncation over the same builder. */
static void test_random(void **state)
{
    (void)state;
    enum { SRC = 500, MAX = 6000 };
    uint32_t src_k[2][SRC], *k = malloc(MAX * sizeof *k);
    int64_t idx[MAX];
    for (int i = 0; i < SRC; i++) src_k[0][i] = rnd(1000), src_k[1][i] = rnd(200) * 5 + 1;
    struct weir_batch *src[2] = {make(NULL, src_k[0], SRC), make(NULL, src_k[1], SRC)};
    struct weir_builder *b;
    assert_int_equal(weir_builder_new(NULL, N_COLS, types, &b, NULL), 0);
    for (int round = 0; round < 300; round++) {
        uint32_t n = 0;
        for (uint32_t ops = rnd(8); ops; ops--) {
            uint32_t from = rnd(SRC), m = rnd(SRC - from + 1), s = rnd(2);
            switch (rnd(4)) {
            case 0:
                for (int c = 0; c < N_COLS; c++) weir_builder_copy(b, c, &src[s]->col[c], from, m);
                for (uint32_t i = 0; i < m; i++) k[n++] = src_k[s][from + i];
                break;
            case 1:
                for (uint32_t i = 0; i < m; i++) {
                    idx[i] = (int64_t)rnd(SRC + 10) - (round % 2 ? 10 : 0);
                    if (idx[i] >= SRC) idx[i] = 0;
                    k[n++] = idx[i] < 0 ? 0 : src_k[s][idx[i]];
                }
                for (int c = 0; c < N_COLS; c++) weir_builder_gather(b, c, &src[s]->col[c], idx, m);
                break;
            case 2:
                for (uint32_t i = 0; i < m; i++) k[n + i] = rnd(1000);
                for (int c = 0; c < N_COLS; c++)
                    for (uint32_t i = 0; i < m; i++) {
                        struct weir_value v = value(c, k[n + i]);
                        weir_builder_value(b, c, &v);
                    }
                n += m;
                break;
            default: n = n ? rnd(n + 1) : 0; weir_builder_truncate(b, n);
            }
        }
        struct weir_batch *out;
        assert_int_equal(weir_builder_finish(b, &out, NULL), 0);
        check(out, k, n);
        weir_batch_unref(out);
    }
    weir_builder_free(b);
    weir_batch_unref(src[0]);
    weir_batch_unref(src[1]);
    free(k);
}

static void test_concat(void **state)
{
    (void)state;
    uint32_t k[4000] = {0};
    for (int round = 0; round < 40; round++) {
        struct weir_batch *part[8], *whole;
        uint32_t n = 0, parts = rnd(9);
        for (uint32_t p = 0; p < parts; p++) {
            uint32_t m = rnd(400);
            for (uint32_t i = 0; i < m; i++) k[n + i] = round % 2 ? rnd(1000) : rnd(100) * 5 + 2;
            part[p] = make(NULL, k + n, m);
            n += m;
        }
        assert_int_equal(weir_batch_concat(NULL, part, parts, types, N_COLS, &whole, NULL), 0);
        for (uint32_t p = 0; p < parts; p++) weir_batch_unref(part[p]);
        check(whole, k, n);
        weir_batch_unref(whole);
    }
}

static void test_no_columns(void **state)
{
    (void)state;
    struct weir_builder *b;
    struct weir_batch *x[2], *both;
    assert_int_equal(weir_builder_new(NULL, 0, NULL, &b, NULL), 0);
    for (int i = 0; i < 2; i++) {
        weir_builder_set_rows(b, 7);
        assert_int_equal(weir_builder_rows(b), 7);
        assert_int_equal(weir_builder_finish(b, &x[i], NULL), 0);
        assert_int_equal(x[i]->n_rows, 7);
    }
    assert_int_equal(weir_batch_concat(NULL, x, 2, NULL, 0, &both, NULL), 0);
    assert_int_equal(both->n_rows, 14);
    weir_batch_unref(both);
    weir_batch_unref(x[0]);
    weir_batch_unref(x[1]);
    weir_builder_free(b);
}

static void test_errors(void **state)
{
    (void)state;
    struct weir_error err;
    struct weir_builder *b;
    struct weir_batch *out;
    struct weir_pool pool = {.name = "partition 3", .limit = 10000};
    assert_int_equal(weir_builder_new(&pool, N_COLS, types, &b, &err), 0);
    weir_builder_i64(b, 3, 1);
    assert_int_equal(weir_builder_finish(b, &out, &err), WEIR_ERR_INTERNAL);
    assert_null(out);
    for (int i = 0; i < 5000; i++)
        for (int c = 0; c < N_COLS; c++) weir_builder_null(b, c);
    assert_int_equal(weir_builder_rows(b), 5000); /* counted, although not kept */
    weir_builder_truncate(b, 4000);
    assert_int_equal(weir_builder_finish(b, &out, &err), WEIR_ERR_NOMEM);
    assert_non_null(strstr(err.message, "partition 3"));
    assert_non_null(strstr(err.message, "10000"));
    assert_non_null(strstr(err.message, "weir.memory"));
    assert_int_equal(pool.used, 0);
    weir_builder_free(b);
}

static int n_bound;
static void on_bind(void *ctx, void *addr, size_t size)
{
    assert_ptr_equal(ctx, &n_bound);
    assert_non_null(addr);
    assert_true(size >= 4096);
    n_bound++;
}

static int n_released;
static void on_release(struct weir_buffer *b)
{
    assert_ptr_equal(b->owner, &n_released);
    n_released++;
}

static void test_references(void **state)
{
    (void)state;
    struct weir_pool pool = {.name = "test", .bind = on_bind, .bind_ctx = &n_bound};
    struct weir_buffer *big, *foreign;
    assert_int_equal(weir_buffer_new(&pool, 10000, &big, NULL), 0);
    assert_int_equal(n_bound, 1);
    static int32_t numbers[100];
    assert_int_equal(
        weir_buffer_wrap(numbers, sizeof numbers, on_release, &n_released, &foreign, NULL), 0);
    struct weir_batch *a, *b;
    assert_int_equal(weir_batch_new(100, 1, &a, NULL), 0);
    a->col[0] =
        (struct weir_column){.type = types[3], .values = numbers, .buf = {NULL, foreign, big}};
    assert_int_equal(weir_batch_new(100, 1, &b, NULL), 0);
    weir_column_share(&b->col[0], &a->col[0]);
    assert_int_equal(weir_batch_bytes(b), 10400);
    assert_ptr_equal(weir_batch_ref(a), a);
    weir_batch_unref(a);
    weir_batch_unref(a);
    assert_int_equal(n_released, 0);
    assert_int_equal(weir_column_value(&b->col[0], 99).i, 0);
    weir_batch_unref(b);
    assert_int_equal(n_released, 1);
    assert_int_equal(pool.used, 0);
    weir_batch_unref(NULL);
    weir_buffer_unref(NULL);
}

/* Build and concatenate with the N-th allocation failing; true when all went well. */
static bool scenario(struct weir_pool *pool)
{
    struct weir_builder *b = NULL;
    struct weir_batch *x[2] = {NULL, NULL}, *all = NULL;
    struct weir_error err;
    bool ok = false;
    if (weir_builder_new(pool, N_COLS, types, &b, &err)) goto out;
    for (int i = 0; i < 2; i++) {
        for (int c = 0; c < N_COLS; c++)
            for (uint32_t r = 0; r < 300; r++) {
                struct weir_value v = value(c, r + 1);
                weir_builder_value(b, c, &v);
            }
        if (weir_builder_finish(b, &x[i], &err)) goto out;
    }
    ok = !weir_batch_concat(pool, x, 2, types, N_COLS, &all, &err);
out:
    if (!ok) assert_int_equal(err.code, WEIR_ERR_NOMEM);
    weir_batch_unref(all);
    weir_batch_unref(x[0]);
    weir_batch_unref(x[1]);
    weir_builder_free(b);
    return ok;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        struct weir_pool pool = {.name = "test"};
        uint64_t n = 1;
        for (;; n++) {
            weir_mem_fail_at(n, for_ever);
            bool ok = scenario(&pool);
            weir_mem_fail_at(0, false);
            assert_int_equal(pool.used, 0);
            if (ok) break;
        }
        assert_true(n > 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),        cmocka_unit_test(test_random),
        cmocka_unit_test(test_concat),        cmocka_unit_test(test_no_columns),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_references),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup_types, NULL);
}
