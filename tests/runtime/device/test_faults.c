/* Whatever OpenCL call fails, with whatever code, once or for ever: the rows are those of a run
   without failures, each exactly once, and every batch that the device did not do is handed back
   with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "naive.h"
#include "pipes.h"
#include "rows.h"
#include "runtime/device/cl_backend.h"

#define BATCHES 5

/* What a device may still use after a failed wait is leaked on purpose. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct weir_devices *devices;
static struct weir_backend *device;

static const cl_int codes[] = {CL_OUT_OF_RESOURCES,
                               CL_OUT_OF_HOST_MEMORY,
                               CL_MEM_OBJECT_ALLOCATION_FAILURE,
                               CL_DEVICE_NOT_AVAILABLE,
                               CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
                               CL_INVALID_VALUE,
                               CL_INVALID_COMMAND_QUEUE,
                               CL_COMPILER_NOT_AVAILABLE,
                               -9999 /* a vendor's own */};
#define N_CODES (int)(sizeof codes / sizeof *codes)

struct scenario {
    struct pipe_case c;
    struct weir_prepared *q;
    struct weir_batch *batch[BATCHES];
    struct rows want;
};

/* What exec does with a batch that comes back: it runs elsewhere, into the same sink. */
struct attempt {
    struct rows got;
    struct scenario *s;
};

static void run_elsewhere(struct rows *r, struct scenario *s, struct weir_batch *batch)
{
    struct weir_builder *b = NULL;
    struct weir_batch *out = NULL;
    struct weir_error err = {0};
    assert_int_equal(weir_builder_new(NULL, r->n, r->type, &b, &err), 0);
    assert_int_equal(naive_run(s->c.p, (const struct weir_join_table *const *)s->c.table, batch, b,
                               r->groups, &err),
                     0);
    if (!r->groups) {
        assert_int_equal(weir_builder_finish(b, &out, &err), 0);
        rows_add(r, out);
    }
    weir_builder_free(b);
}

static int failed(void *ctx, struct weir_batch *batch, const char *reason, struct weir_error *err)
{
    struct attempt *a = ctx;
    (void)err;
    assert_non_null(reason);
    assert_true(reason[0] != 0);
    a->got.failed++;
    run_elsewhere(&a->got, a->s, batch);
    return WEIR_OK;
}

/* Run all batches; returns how many were handed back. */
static int attempt(struct scenario *s, const char *what)
{
    struct attempt a = {.s = s};
    struct weir_run *run = NULL;
    struct weir_error err = {0};
    struct weir_run_stats stats = {0};
    rows_init(&a.got, s->c.p);
    struct weir_run_sink sink = rows_sink(&a.got);
    sink.failed = failed;
    sink.failed_ctx = &a;
    int rc = device->ops->open(s->q, &sink, NULL, 0, &run, &err);
    for (int i = 0; !rc && i < BATCHES; i++) rc = device->ops->submit(run, s->batch[i], &err);
    if (!rc) rc = device->ops->finish(run, &err);
    if (rc) print_error("%s: %s\n", what, err.message);
    assert_int_equal(rc, 0);
    device->ops->stats(run, &stats);
    assert_int_equal(stats.batches + (uint64_t)a.got.failed, BATCHES);
    device->ops->close(run);
    rows_order(&a.got);
    assert_true(rows_same(&s->want, &a.got, what));
    int handed_back = a.got.failed;
    rows_release(&a.got);
    atomic_store(&((struct cl_backend *)device)->lost, false);
    return handed_back;
}

static void open_scenario(struct scenario *s, const char *name)
{
    struct weir_error err = {0};
    memset(s, 0, sizeof *s);
    for (int i = 0; i < pipe_count(); i++) {
        pipe_make(i, &s->c);
        if (!strcmp(s->c.name, name)) break;
        pipe_free(&s->c);
    }
    assert_string_equal(s->c.name, name);
    assert_int_equal(device->ops->prepare(device, s->c.p,
                                          (const struct weir_join_table *const *)s->c.table, &s->q,
                                          &err),
                     0);
    rows_init(&s->want, s->c.p);
    for (int i = 0; i < BATCHES; i++) {
        /* the groups of the third do not fit the first room: it is run again */
        s->batch[i] = random_batch((uint64_t)i, i == 2 ? 3000 : 50, NULLS_SOME, i == 2 ? 5000 : 40);
        run_elsewhere(&s->want, s, s->batch[i]);
    }
    rows_order(&s->want);
}

static void close_scenario(struct scenario *s)
{
    rows_release(&s->want);
    for (int i = 0; i < BATCHES; i++) weir_batch_unref(s->batch[i]);
    device->ops->release(s->q);
    pipe_free(&s->c);
}

static void every_call(const char *name)
{
    struct scenario s;
    open_scenario(&s, name);
    int cases = 0, handed_back = 0;
    for (int call = 0; call < FAULT_CALLS; call++) {
        fault_at((enum fault_call)call, 0, false, 0);
        assert_int_equal(attempt(&s, "no fault"), 0);
        int calls = fault_at((enum fault_call)call, 0, false, 0);
        int step = 1 + calls / 12; /* some of many alike */
        for (int n = 1; n <= calls; n += step)
            for (int k = 0; k < 2 * N_CODES; k++) {
                char what[128];
                snprintf(what, sizeof what, "%s: %s, call %d, %s, code %d", name, fault_name[call],
                         n, k % 2 ? "for ever" : "once", codes[k / 2]);
                fault_at((enum fault_call)call, n, k % 2, codes[k / 2]);
                handed_back += attempt(&s, what);
                cases++;
            }
    }
    fault_at(FAULT_CREATE_QUEUE, 0, false, 0);
    print_message("%s: %d cases, %d batches handed back\n", name, cases, handed_back);
    assert_true(handed_back > 0);
    close_scenario(&s);
}

static void test_output(void **state)
{
    (void)state;
    every_call("inner and left join");
}

static void test_groups(void **state)
{
    (void)state;
    every_call("few groups");
}

static void test_lanes(void **state)
{
    (void)state;
    every_call("vector aggregate");
}

/* A kernel that never ends: its batch and those behind it run elsewhere, and nobody waits for it.
 */
static void test_hang(void **state)
{
    struct cl_backend *b = (struct cl_backend *)device;
    struct scenario s;
    (void)state;
    open_scenario(&s, "few groups");
    uint32_t timeout_ms = b->timeout_ms;
    b->timeout_ms = 20;
    for (int n = 1; n <= 4; n++) {
        fault_at(FAULT_EVENT_STATUS, n, true, CL_RUNNING);
        int back = attempt(&s, "a kernel that never ends");
        assert_true(back >= 1);
    }
    fault_at(FAULT_EVENT_STATUS, 0, false, 0);
    b->timeout_ms = timeout_ms;
    assert_int_equal(attempt(&s, "afterwards"), 0);
    close_scenario(&s);
}

/* Making a pipeline ready may fail, with a message, and works the next time. */
static void test_prepare(void **state)
{
    static const enum fault_call calls[] = {FAULT_CREATE_PROGRAM, FAULT_BUILD, FAULT_CREATE_BUFFER};
    struct pipe_case c = {.p = pipe_many_groups()};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int n = 1; n <= 2; n++) {
            struct weir_prepared *q = NULL;
            struct weir_error err = {0};
            fault_at(calls[i], n, true, CL_OUT_OF_RESOURCES);
            int rc = device->ops->prepare(device, c.p, NULL, &q, &err);
            int seen = fault_at(calls[i], 0, false, 0);
            if (seen >= n) {
                assert_true(rc < 0);
                assert_true(err.message[0] != 0);
            } else {
                assert_int_equal(rc, 0);
                device->ops->release(q);
            }
        }
    pipe_free(&c);
}

int main(void)
{
    struct weir_error err = {0};
    char why[160] = "";
    if (weir_devices_open(&devices, why, sizeof why, &err)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepare), cmocka_unit_test(test_output),
        cmocka_unit_test(test_groups),  cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_hang),
    };
    int failures = 0, n = weir_devices_count(devices);
    if (!n) printf("no device to test: %s\n", why);
    if (n && weir_devices_backend(devices, 0, &device, &err)) return 1;
    if (n) failures = cmocka_run_group_tests(tests, NULL, NULL);
    weir_devices_free(devices);
    return failures != 0 ? 1 : n ? 0 : 77;
}
