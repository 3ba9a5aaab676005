/* The choice between native and a device, fed with times made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "fake_device.h"
#include "runtime/place/choice.h"

#define ROWS  1000
#define TRIAL 12       /* batches of a trial, */
#define LONG  (64 * 6) /* and about so many of the preferred one between two */

struct fixture {
    struct weir_pipeline *p;
    struct weir_batch *sample;
    struct weir_backend *device;
    struct weir_choice *c;
};

static struct weir_pipeline *add_one(void)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_value one = {.type = t, .i = 1};
    struct weir_insn column = {.op = WEIR_OP_COLUMN, .type = t},
                     sum = {.op = WEIR_OP_ADD, .type = t};
    struct weir_step out = {.kind = WEIR_STEP_OUTPUT, .n = 1, .residual = WEIR_REG_NONE};
    struct weir_pipeline *p = NULL;
    weir_pipe_add_input(b, t);
    sum.a = weir_pipe_emit(b, &column);
    sum.b = weir_pipe_emit_const(b, &one, (struct weir_pos){0});
    uint32_t reg = weir_pipe_emit(b, &sum);
    out.first = weir_pipe_add_operands(b, &reg, 1);
    weir_pipe_add_step(b, &out);
    assert_int_equal(weir_pipe_finish(b, &p, NULL), 0);
    weir_pipe_builder_free(b);
    return p;
}

static struct weir_batch *some_rows(void)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_builder *b = NULL;
    struct weir_batch *batch = NULL;
    assert_int_equal(weir_builder_new(NULL, 1, &t, &b, NULL), 0);
    for (int i = 0; i < ROWS; i++) weir_builder_i64(b, 0, i);
    assert_int_equal(weir_builder_finish(b, &batch, NULL), 0);
    weir_builder_free(b);
    return batch;
}

static void begin(struct fixture *f, enum fake_fault fault, double expected_seconds)
{
    struct weir_error err = {0};
    f->p = add_one();
    f->sample = some_rows();
    f->device = fake_device(fault);
    const struct weir_choice_request q = {.pipeline = f->p,
                                          .device = &f->device,
                                          .n_devices = 1,
                                          .n_slots = 1,
                                          .expected_seconds = expected_seconds};
    if (weir_choice_new(&q, &f->c, &err)) fail_msg("%s", err.message);
}

static void end(struct fixture *f)
{
    weir_choice_free(f->c);
    weir_batch_unref(f->sample);
    weir_free(f->p);
}

static bool on_device(struct fixture *f)
{
    struct weir_backend *b = NULL;
    return weir_choice_device(f->c, &b) != NULL;
}

/* N batches, each at NS per row on whatever is chosen for it. */
static void run(struct fixture *f, int n, double native_ns, double device_ns)
{
    for (int i = 0; i < n; i++) {
        bool device = on_device(f);
        weir_choice_report(f->c, device, ROWS, (uint64_t)((device ? device_ns : native_ns) * ROWS),
                           true);
    }
}

static bool noted(struct fixture *f, const char *part)
{
    char note[256];
    weir_choice_note(f->c, note, sizeof note);
    return strstr(note, part) != NULL;
}

static void wait_a_moment(void)
{
    struct timespec t = {.tv_nsec = 1000000};
    nanosleep(&t, NULL);
}

/* Start to prepare and run natively until the device is tried. */
static void until_ready(struct fixture *f, double native_ns)
{
    weir_choice_progress(f->c, 1, 0.001);
    weir_choice_sample(f->c, f->sample);
    while (!on_device(f)) {
        run(f, 1, native_ns, 0);
        wait_a_moment();
    }
}

static void test_a_faster_device_takes_over(void **state)
{
    (void)state;
    struct fixture f;
    int device = 0, native = 0;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, TRIAL, 100, 50);
    assert_true(on_device(&f));
    assert_true(noted(&f, "fake:0: native 100.00 ns/row, fake:0 50.00 ns/row"));
    for (int i = 0; i < 20 * LONG; i++) {
        if (on_device(&f))
            device++;
        else
            native++; /* is it still slower? */
        run(&f, 1, 100, 50);
    }
    assert_true(native >= TRIAL && native % TRIAL == 0 && native * 32 <= device);
    while (!on_device(&f)) run(&f, 1, 100, 50);
    run(&f, LONG, 100, 300); /* other work came upon the device */
    assert_false(on_device(&f));
    end(&f);
}

static void test_a_slower_device_is_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    int used = 0;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, TRIAL, 100, 500);
    for (int i = 0; i < 100 * LONG; i++) {
        used += on_device(&f);
        run(&f, 1, 100, 500);
    }
    assert_false(on_device(&f));
    assert_in_range(used, 1, 10 * TRIAL); /* it is tried ever more rarely */
    end(&f);
}

static void test_a_tie_stays_native(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, TRIAL, 100, 95);
    assert_false(on_device(&f));
    end(&f);
}

/* The batch of a pause does not count; many such end a trial. */
static void test_outliers(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, 1, 100, 1e7);
    run(&f, TRIAL - 1, 100, 50);
    assert_true(on_device(&f));
    end(&f);
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, 3, 100, 2000);
    assert_false(on_device(&f));
    end(&f);
}

/* With batches in flight two short times may stand beside a long one: their mean is the pace. */
static void test_times_that_alternate(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    for (int i = 0; i < TRIAL; i++) run(&f, 1, 100, i % 3 == 2 ? 500 : 1);
    assert_false(on_device(&f));
    end(&f);
}

static void test_what_is_not_settled_does_not_count(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    for (int i = 0; i < 4; i++) weir_choice_report(f.c, true, ROWS, 1, false); /* only submitted */
    run(&f, TRIAL - 4, 100, 200);
    assert_false(on_device(&f));
    end(&f);
}

/* Preparing begins when the work that is left pays for it. */
static void test_when_a_compiler_pays(void **state)
{
    (void)state;
    static const struct {
        double expected, elapsed, done;
        bool starts;
    } at[] = {
        {100, 0.1, 0, false}, {100, 0.3, 0, true},    {0.5, 0.3, 0, false},  {0.5, 0.3, 0.1, true},
        {100, 5, 0.9, false}, {-1, 0.9, 0, false},    {-1, 1, 0, true},      {-1, 0.3, 0.01, true},
        {-1, 3, 0.8, false},  {0.5, 20, 0.99, false}, {100, 99.5, 0, false},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct fixture f;
        begin(&f, FAKE_GOOD, at[i].expected);
        weir_choice_progress(f.c, at[i].elapsed, at[i].done);
        assert_int_equal(noted(&f, "not ready in time"), at[i].starts);
        end(&f); /* also while the thread waits for a sample */
    }
}

static void expect_native(enum fake_fault fault, const char *why)
{
    struct fixture f;
    begin(&f, fault, 100);
    weir_choice_progress(f.c, 1, 0.001);
    weir_choice_sample(f.c, f.sample);
    while (!noted(&f, why)) {
        run(&f, 1, 100, 0);
        wait_a_moment();
    }
    run(&f, 3 * LONG, 100, 1);
    assert_false(on_device(&f));
    end(&f);
}

static void test_devices_that_cannot(void **state)
{
    (void)state;
    expect_native(FAKE_NO_COMPILER, "the device's compiler failed: no instruction for this");
    expect_native(FAKE_WRONG,
                  "answer on a sample was refused: native gives 1000 rows, the device 2000");
}

static void test_a_device_that_hands_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAKE_GOOD, 100);
    until_ready(&f, 100);
    run(&f, TRIAL, 100, 50);
    assert_true(on_device(&f));
    for (int i = 0; i < 4; i++) weir_choice_failed(f.c);
    run(&f, 1, 100, 50);
    for (int i = 0; i < 3 * LONG; i++) {
        assert_false(on_device(&f));
        run(&f, 1, 100, 50);
    }
    assert_true(noted(&f, "native: batches were handed back by fake:0"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_faster_device_takes_over),
        cmocka_unit_test(test_a_slower_device_is_left_alone),
        cmocka_unit_test(test_a_tie_stays_native),
        cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_times_that_alternate),
        cmocka_unit_test(test_what_is_not_settled_does_not_count),
        cmocka_unit_test(test_when_a_compiler_pays),
        cmocka_unit_test(test_devices_that_cannot),
        cmocka_unit_test(test_a_device_that_hands_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
