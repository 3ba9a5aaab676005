/* Every device of the machine against the row-at-a-time interpreter of this folder, and against the
   native operators: each pipeline over row counts around the sizes that the kernels treat apart,
   with and without NULLs, in our own and in foreign memory. `test_device small`: fewer rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"
#include "pipes.h"
#include "rows.h"
#include "runtime/device/cl_backend.h"
#include "runtime/device/device.h"

static struct weir_devices *devices;
static struct weir_backend *device;
static const struct weir_device_info *info;
static bool small; /* few rows: for a simulator */

static void ok(int rc, const struct weir_error *err)
{
    if (rc) print_error("%s\n", err->message);
    assert_int_equal(rc, 0);
}

/* NULL where the device refuses, which only the GPU shape may do (for the pipelines of this test).
 */
static struct weir_prepared *ready(const struct weir_pipeline *p,
                                   struct weir_join_table *const *tables)
{
    struct weir_prepared *q = NULL;
    struct weir_error err = {0};
    char why[160] = "";
    if (!device->ops->supports(device, p, why, sizeof why)) {
        print_message("refused: %s\n", why);
        assert_int_equal(info->class_, WEIR_DEVICE_GPU);
        assert_true(why[0] != 0);
        return NULL;
    }
    ok(device->ops->prepare(device, p, (const struct weir_join_table *const *)tables, &q, &err),
       &err);
    return q;
}

static void run(struct weir_backend *b, struct weir_prepared *q, struct rows *r,
                struct weir_batch *const *batch, int n)
{
    struct weir_run_sink sink = rows_sink(r);
    struct weir_run *run = NULL;
    struct weir_error err = {0};
    ok(b->ops->open(q, &sink, NULL, 0, &run, &err), &err);
    for (int i = 0; i < n; i++) ok(b->ops->submit(run, batch[i], &err), &err);
    ok(b->ops->finish(run, &err), &err);
    b->ops->close(run);
}

static int run_naive(struct rows *r, struct weir_join_table *const *tables,
                     struct weir_batch *const *batch, int n)
{
    struct weir_builder *b = NULL;
    struct weir_batch *out = NULL;
    struct weir_error err = {0};
    int rc = 0;
    ok(weir_builder_new(NULL, r->n, r->type, &b, &err), &err);
    for (int i = 0; !rc && i < n; i++)
        rc = naive_run(r->p, (const struct weir_join_table *const *)tables, batch[i], b, r->groups,
                       &err);
    if (!rc && !r->groups) {
        ok(weir_builder_finish(b, &out, &err), &err);
        rows_add(r, out);
    }
    weir_builder_free(b);
    return rc;
}

static struct weir_prepared *ready_native(const struct pipe_case *c)
{
    struct weir_backend *b = weir_backend_native();
    struct weir_prepared *q = NULL;
    struct weir_error err = {0};
    ok(b->ops->prepare(b, c->p, (const struct weir_join_table *const *)c->table, &q, &err), &err);
    return q;
}

static void check_batches(const struct pipe_case *c, struct weir_prepared *q,
                          struct weir_batch *const *batch, int n, const char *how)
{
    struct rows want, got, native;
    char what[160];
    snprintf(what, sizeof what, "%s, %u rows, %s", c->name, batch[0]->n_rows, how);
    rows_init(&want, c->p);
    rows_init(&got, c->p);
    assert_int_equal(run_naive(&want, c->table, batch, n), 0);
    run(device, q, &got, batch, n);
    if (got.failed) print_error("%s: handed back: %s\n", what, got.reason);
    assert_int_equal(got.failed, 0);
    rows_order(&want);
    rows_order(&got);
    assert_true(rows_same(&want, &got, what));
    rows_init(&native, c->p);
    struct weir_prepared *nq = ready_native(c);
    run(weir_backend_native(), nq, &native, batch, n);
    weir_backend_native()->ops->release(nq);
    rows_order(&native);
    strncat(what, ", natively", sizeof what - strlen(what) - 1);
    assert_true(rows_same(&want, &native, what));
    rows_release(&native);
    rows_release(&want);
    rows_release(&got);
}

static void check_sizes(const struct pipe_case *c, struct weir_prepared *q)
{
    static const uint32_t rows[] = {1, 9, 65, 7, 8, 63, 64, 1000};
    static const char *const how[] = {"no NULLs", "some NULLs", "all NULL"};
    size_t n = small ? 3 : sizeof rows / sizeof *rows;
    for (size_t k = 0; k < n; k++)
        for (int nulls = small ? NULLS_SOME : NULLS_NONE; nulls <= (small ? NULLS_SOME : NULLS_ALL);
             nulls++) {
            struct weir_batch *b =
                random_batch(k * 3 + (uint64_t)nulls, rows[k], (enum nulls)nulls, 40);
            check_batches(c, q, &b, 1, how[nulls]);
            struct weir_batch *u = unaligned_copy(b);
            check_batches(c, q, &u, 1, "unaligned");
            weir_batch_unref(u);
            weir_batch_unref(b);
        }
}

/* More batches than are in flight at once, of different sizes. */
static void check_several(const struct pipe_case *c, struct weir_prepared *q)
{
    struct weir_batch *b[5];
    for (int k = 0; k < 5; k++)
        b[k] = random_batch(99 + (uint64_t)k,
                            small    ? 20
                            : k == 1 ? 20000
                                     : 2000,
                            (enum nulls)(k % 3), 40);
    check_batches(c, q, b, 5, "five batches");
    for (int k = 0; k < 5; k++) weir_batch_unref(b[k]);
}

static void test_pipelines(void **state)
{
    const char *only = getenv("WEIR_TEST_PIPE"); /* the name of one, to look at it closely */
    (void)state;
    for (int i = 0; i < pipe_count(); i++) {
        struct pipe_case c;
        pipe_make(i, &c);
        if (!only || !strcmp(only, c.name)) {
            struct weir_prepared *q = ready(c.p, c.table);
            if (q) {
                check_sizes(&c, q);
                check_several(&c, q);
                device->ops->release(q);
            }
        }
        pipe_free(&c);
    }
}

/* A value error hands the batch back, and only that batch. */
static void test_value_error(void **state)
{
    struct pipe_case c = {.name = "overflow", .p = pipe_overflow()};
    struct weir_prepared *q = ready(c.p, c.table);
    struct weir_batch *b = random_batch(5, 1000, NULLS_SOME, 40);
    struct rows want, got;
    (void)state;
    rows_init(&want, c.p);
    rows_init(&got, c.p);
    assert_int_equal(run_naive(&want, c.table, &b, 1), 1);
    run(device, q, &got, &b, 1);
    assert_int_equal(got.failed, 1);
    assert_int_equal(got.n_batches, 0);
    assert_string_equal(got.reason, "a value error");
    rows_release(&want);
    rows_release(&got);
    weir_batch_unref(b);
    device->ops->release(q);
    pipe_free(&c);
}

/* More groups than the first room holds: the batch is run again, nothing counts twice. */
static void test_many_groups(void **state)
{
    struct pipe_case c = {.name = "many groups", .p = pipe_many_groups()};
    struct weir_prepared *q = ready(c.p, c.table);
    (void)state;
    for (int64_t groups = 100; groups <= (small ? 10000 : 1000000); groups *= 10) {
        struct weir_batch *b[2] = {random_batch(1, small ? 1500 : 100000, NULLS_SOME, groups),
                                   random_batch(2, small ? 90 : 50000, NULLS_NONE, groups)};
        check_batches(&c, q, b, 2, "many groups");
        weir_batch_unref(b[0]);
        weir_batch_unref(b[1]);
    }
    device->ops->release(q);
    pipe_free(&c);
}

static void test_empty_batch(void **state)
{
    struct pipe_case c = {.name = "many groups", .p = pipe_many_groups()};
    struct weir_prepared *q = ready(c.p, c.table);
    struct weir_batch *b = random_batch(1, 0, NULLS_NONE, 10);
    struct rows got;
    (void)state;
    rows_init(&got, c.p);
    run(device, q, &got, &b, 1);
    rows_order(&got);
    assert_int_equal(got.all->n_rows, 0);
    assert_int_equal(got.failed, 0);
    rows_release(&got);
    weir_batch_unref(b);
    device->ops->release(q);
    pipe_free(&c);
}

/* kernels/common/builtins.cl has everything that these kernels use: pocl never had to read more. */
static void test_declarations(void **state)
{
    (void)state;
    bool pocl = strstr(info->platform, "Portable Computing Language") != NULL;
    assert_int_equal(((const struct cl_backend *)device)->declares, pocl);
}

int main(int argc, char **argv)
{
    struct weir_error err = {0};
    char why[160] = "";
    small = argc > 1 && !strcmp(argv[1], "small");
    if (weir_devices_open(&devices, why, sizeof why, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelines),    cmocka_unit_test(test_value_error),
        cmocka_unit_test(test_many_groups),  cmocka_unit_test(test_empty_batch),
        cmocka_unit_test(test_declarations),
    };
    int failures = 0, n = weir_devices_count(devices);
    if (!n) printf("no device to test: %s\n", why);
    for (int i = 0; i < n; i++) {
        if (weir_devices_backend(devices, i, &device, &err)) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        info = weir_devices_info(devices, i);
        printf("on %s\n", device->device);
        failures += cmocka_run_group_tests(tests, NULL, NULL);
    }
    weir_devices_free(devices);
    return failures != 0 ? 1 : n ? 0 : 77;
}
