/* The path that the engine takes, and the plainest expectations of the planner on small synthetic
 * machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <weir/topology.h>

struct case_ {
    struct weir_topo_machine *m;
    struct weir_topo_demand *d;
    struct weir_topo_plan *p;
    struct weir_topo_error err;
};

static void plan(struct case_ *c, const char *machine, const char *streams)
{
    memset(c, 0, sizeof *c);
    struct weir_topo_machine_options o = {.source = machine};
    if (weir_topo_machine_load(&o, &c->m, &c->err)) fail_msg("%s", c->err.message);
    if (weir_topo_demand_parse_streams(streams, &c->d, &c->err)) fail_msg("%s", c->err.message);
    if (weir_topo_plan_make(c->m, c->d, NULL, &c->p, &c->err)) fail_msg("%s", c->err.message);
}

static void done(struct case_ *c)
{
    weir_topo_plan_free(c->p);
    weir_topo_demand_free(c->d);
    weir_topo_machine_free(c->m);
}

static void cpuset_is(const struct case_ *c, uint32_t i, const char *want)
{
    char list[256];
    weir_topo_plan_cpuset(c->p, i, list, sizeof list);
    assert_string_equal(list, want);
}

static void live_machine_runs_a_partition_per_pu(void **state)
{
    (void)state;
    struct weir_topo_machine *m;
    struct weir_topo_error err;
    if (weir_topo_machine_load(NULL, &m, &err)) fail_msg("%s", err.message);
    uint32_t usable = 0;
    for (uint32_t p = 0; p < m->pu_count; p++) usable += weir_topo_pu_usable(m, p);
    struct weir_topo_stream st = weir_topo_stream_default("slots", usable);
    struct weir_topo_demand *d;
    struct weir_topo_plan *p;
    assert_int_equal(weir_topo_demand_new(&d, &err), 0);
    assert_int_equal(weir_topo_demand_add(d, &st, &err), 0);
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) fail_msg("%s", err.message);
    assert_int_equal(p->totals.placed, usable);
    for (uint32_t i = 0; i < usable; i++) {
        bool bound;
        struct weir_topo_verdict v;
        void *memory;
        if (weir_topo_apply_thread(p, i, &bound, &err)) fail_msg("%s", err.message);
        if (weir_topo_verify_thread(p, i, 0, &v, &err)) fail_msg("%s", err.message);
        assert_true(v.cpus_as_planned);
        assert_true(v.on_planned_cpu);
        if (weir_topo_memory_alloc(p, i, 1 << 20, &memory, &err)) fail_msg("%s", err.message);
        memset(memory, 1, 1 << 20);
        if (!weir_topo_verify_memory(p, i, memory, 1 << 20, 32, &v, &err))
            assert_int_equal(v.pages_planned, v.pages_sampled);
        weir_topo_memory_free(memory, 1 << 20);
    }
    assert_int_equal(weir_topo_release_thread(m, &err), 0);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    weir_topo_machine_free(m);
}

static void exclusive_cores_take_their_siblings(void **state)
{
    (void)state;
    struct case_ c;
    plan(&c, "pack:1 [numa(memory=64GB)] l3:2 core:4 pu:2",
         "a:2,ratio=1:4,cpu=2,mode=exclusive;b:12,cpu=0.25");
    assert_int_equal(c.p->totals.rejected, 0);
    assert_int_equal(c.p->partitions[0].pu_count, 4);
    cpuset_is(&c, 0, "0-3");
    cpuset_is(&c, 1, "4-7");
    assert_int_equal(c.p->partitions[0].bytes, (uint64_t)8 << 30);
    for (uint32_t i = 2; i < 14; i++) assert_true(c.p->pu_list[c.p->partitions[i].pu_first] >= 8);
    assert_int_equal(c.p->totals.load_max_ppm, 750000);
    done(&c);
}

static void memory_goes_where_it_is(void **state)
{
    (void)state;
    struct case_ c;
    /* 4 partitions of 20 GiB and 4 of 1 GiB on 16 + 96 GB: no byte needs to be remote */
    plan(&c, "pack:1 [numa(memory=96GB)] core:8 pu:1",
         "big:4,memory=20GiB,cpu=1;small:4,memory=1GiB,cpu=1");
    assert_int_equal(c.p->totals.remote_bytes, 0);
    assert_int_equal(c.p->totals.placed, 8);
    done(&c);
}

static void impossible_memory_is_rejected_with_a_reason(void **state)
{
    (void)state;
    struct case_ c;
    char why[200];
    plan(&c, "pack:1 [numa(memory=16GB)] core:4 pu:1", "a:3,memory=6GiB");
    assert_int_equal(c.p->totals.placed, 2);
    assert_int_equal(c.p->partitions[2].state, WEIR_TOPO_REJECTED);
    assert_int_equal(c.p->partitions[2].why, WEIR_TOPO_WHY_MEMORY);
    weir_topo_plan_why(c.p, 2, why, sizeof why);
    assert_non_null(strstr(why, "6 GiB"));
    done(&c);
}

static void rendering_is_stable(void **state)
{
    (void)state;
    struct case_ a, b;
    struct weir_topo_text ta = {0}, tb = {0};
    plan(&a, "pack:2 [numa] l3:2 core:4 pu:2", "x:37,cpu=0.3;y:3,mode=exclusive,scope=l3");
    plan(&b, "pack:2 [numa] l3:2 core:4 pu:2", "x:37,cpu=0.3;y:3,mode=exclusive,scope=l3");
    assert_int_equal(weir_topo_plan_json(a.p, &ta, &a.err), 0);
    assert_int_equal(weir_topo_plan_json(b.p, &tb, &b.err), 0);
    assert_string_equal(ta.data, tb.data);
    weir_topo_text_free(&ta);
    weir_topo_text_free(&tb);
    done(&a);
    done(&b);
}

static void bad_streams_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "character 1"},
               {"a:0", "0 partitions"},
               {"a:-1", "-1"},
               {"a:4294967296", "4294967296"},
               {"a:8,ratio=1:0", "1:0"},
               {"a:8,ratio=1:4,memory=2GiB", "twice"},
               {"a:8,speed=9", "unknown key 'speed'"},
               {"a:8,scope=socket", "pu, core, l3, numa, package"},
               {"a:8,memory=4QB", "4QB"},
               {"a:8,cpu=-2", "-2"},
               {"a:8,pages=3MiB", "3MiB"},
               {"a:8;a:9", "two streams"},
               {"a:8,cpu", "no value"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct weir_topo_demand *d;
        struct weir_topo_error err = {0};
        assert_true(weir_topo_demand_parse_streams(bad[k].text, &d, &err) < 0);
        assert_null(d);
        if (!strstr(err.message, bad[k].says)) fail_msg("'%s' gave: %s", bad[k].text, err.message);
    }
}

static void bad_machines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *cpuset, *says;
    } bad[] = {{"nonsense", NULL, "synthetic"},
               {"/does/not/exist.xml", NULL, "No such file"},
               {"pack:9999999 core:99999", NULL, "2^20"},
               {"pack:1 core:4 pu:1", "7-9", "does not have"},
               {"pack:1 core:4 pu:1", "3-1", "character"},
               {"pack:1 core:4 pu:1", "x", "character 1"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct weir_topo_machine *m;
        struct weir_topo_error err = {0};
        struct weir_topo_machine_options o = {.source = bad[k].source, .cpuset = bad[k].cpuset};
        assert_true(weir_topo_machine_load(&o, &m, &err) < 0);
        assert_null(m);
        if (!strstr(err.message, bad[k].says))
            fail_msg("'%s' gave: %s", bad[k].source, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_machine_runs_a_partition_per_pu),
        cmocka_unit_test(exclusive_cores_take_their_siblings),
        cmocka_unit_test(memory_goes_where_it_is),
        cmocka_unit_test(impossible_memory_is_rejected_with_a_reason),
        cmocka_unit_test(rendering_is_stable),
        cmocka_unit_test(bad_streams_say_what_and_where),
        cmocka_unit_test(bad_machines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
