/* Devices that compute on the host's cores keep to the CPUs that they are given: their threads are
   found, bound one to each CPU, and no more units are used than there are CPUs. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/device/device.h"

static struct weir_devices *devices;
static uint32_t cpus[CPU_SETSIZE];
static int n_cpus;

static int open_devices(void **state)
{
    (void)state;
    struct weir_error err = {0};
    char why[256];
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return -1;
    for (uint32_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) cpus[n_cpus++] = i;
    return weir_devices_open(&devices, why, sizeof why, &err);
}

static int close_devices(void **state)
{
    (void)state;
    weir_devices_free(devices);
    return 0;
}

static int cpu_device(void)
{
    for (int i = 0; i < weir_devices_count(devices); i++)
        if (weir_devices_info(devices, i)->class_ == WEIR_DEVICE_CPU) return i;
    return -1;
}

static void expect_affinity(int tid, const uint32_t *list, int n)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(tid, sizeof set, &set), 0);
    assert_int_equal(CPU_COUNT(&set), n);
    for (int i = 0; i < n; i++) assert_true(CPU_ISSET(list[i], &set));
}

static void place(int n)
{
    struct weir_device_thread thread[256];
    struct weir_error err = {0};
    if (weir_devices_place(devices, cpus + n_cpus - n, n, &err)) fail_msg("%s", err.message);
    int count = weir_devices_threads(devices, thread, 256);
    assert_true(count >= 1 && count <= 256);
    for (int i = 0; i < count; i++) {
        const uint32_t *list = cpus + n_cpus - n;
        assert_int_equal(thread[i].cpu, i < n ? (int)list[i] : -1);
        if (i < n)
            expect_affinity(thread[i].tid, list + i, 1);
        else
            expect_affinity(thread[i].tid, list, n);
    }
}

static void test_threads_are_found_and_bound(void **state)
{
    (void)state;
    if (cpu_device() < 0) skip();
    for (int n = n_cpus; n >= 1; n--) place(n);
    place(n_cpus);
}

/* A backend that was made for one number of units gives way to one for another. */
static void test_backends_follow(void **state)
{
    (void)state;
    struct weir_backend *b = NULL, *again = NULL;
    struct weir_error err = {0};
    int i = cpu_device();
    if (i < 0) skip();
    for (int n = 1; n <= n_cpus; n++) {
        place(n);
        if (weir_devices_backend(devices, i, &b, &err)) fail_msg("%s", err.message);
        assert_true(b->shares_cpu);
        place(n);
        assert_int_equal(weir_devices_backend(devices, i, &again, &err), 0);
        assert_ptr_equal(b, again); /* the same number: nothing is made anew */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_are_found_and_bound),
        cmocka_unit_test(test_backends_follow),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
