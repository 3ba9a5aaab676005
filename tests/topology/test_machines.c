/* Every shipped machine loads, is drawn, and keeps the planner's promises for a set of demands; a
   plan for it survives its JSON; the XML that hwloc writes of a synthetic machine plans like the
   synthetic string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/topology.h>

static struct weir_topo_machine *load(const char *source, const char *cpuset)
{
    struct weir_topo_machine_options o = {.source = source, .cpuset = cpuset};
    struct weir_topo_machine *m;
    struct weir_topo_error err;
    if (weir_topo_machine_load(&o, &m, &err)) fail_msg("%s: %s", source, err.message);
    return m;
}

static struct weir_topo_plan *plan(const struct weir_topo_machine *m, const char *streams)
{
    struct weir_topo_demand *d;
    struct weir_topo_plan *p;
    struct weir_topo_error err;
    if (weir_topo_demand_parse_streams(streams, &d, &err)) fail_msg("%s", err.message);
    if (weir_topo_plan_make(m, d, NULL, &p, &err))
        fail_msg("%s, %s: %s", m->name, streams, err.message);
    weir_topo_demand_free(d);
    return p;
}

static const char *const demands[] = {
    "a:4",
    "a:16,ratio=1:2,cpu=0.5;b:2,mode=exclusive",
    "a:3,mode=exclusive,scope=l3;b:50,cpu=0.1,memory=100MiB",
    "a:2,mode=exclusive,scope=package;b:1,cpu=3",
    "a:5,mode=exclusive,scope=numa,ratio=1:4;b:7,device=prefer",
    "a:4,device=require,device-units=14,mode=exclusive;b:3,device=prefer,cpu=0.2",
    "a:2,tier=hbm,memory=1GiB;b:2,tier=nvm,memory=1GiB;c:1,pages=2MiB,memory=64MiB",
    "a:9,mode=exclusive,scope=pu,priority=3;b:1000,cpu=0.01,memory=1MiB",
    "a:1,memory=100TiB;b:1,cpu=100000",
};

static void every_machine_keeps_the_promises(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (const char *name; (name = weir_topo_builtin_name(count)); count++) {
        char source[128];
        snprintf(source, sizeof source, "builtin:%s", name);
        struct weir_topo_machine *m = load(source, NULL);
        assert_true(m->title[0] != 0);
        for (size_t k = 0; k < sizeof demands / sizeof *demands; k++) {
            struct weir_topo_plan *p = plan(m, demands[k]), *again;
            struct weir_topo_text json = {0}, svg = {0}, text = {0};
            struct weir_topo_error err;
            assert_int_equal(p->totals.placed + p->totals.degraded + p->totals.rejected,
                             p->partition_count);
            assert_int_equal(weir_topo_plan_json(p, &json, &err), 0);
            assert_int_equal(weir_topo_plan_svg(p, &svg, &err), 0);
            assert_int_equal(weir_topo_plan_text(p, &text, &err), 0);
            assert_true(svg.length < 2000000);
            if (weir_topo_plan_parse_json(json.data, json.length, name, m, &again, &err))
                fail_msg("%s", err.message);
            weir_topo_plan_free(again);
            weir_topo_text_free(&json);
            weir_topo_text_free(&svg);
            weir_topo_text_free(&text);
            weir_topo_plan_free(p);
        }
        weir_topo_machine_free(m);
    }
    assert_true(count >= 25);
}

/* hwloc's own XML of a machine against the string that it was made of. */
static void xml_plans_like_the_machine(void **state)
{
    (void)state;
    static const char *const machines[] = {"pack:2 [numa(memory=16GB)] l3:2 core:4 pu:2",
                                           "pack:1 [numa(memory=4GB)] core:3 pu:1",
                                           "pack:2 group:2 [numa(memory=8GB)] l3:1 core:4 pu:1"};
    for (size_t k = 0; k < sizeof machines / sizeof *machines; k++) {
        char path[] = "/tmp/weir-topology-XXXXXX.xml";
        int fd = mkstemps(path, 4);
        assert_true(fd >= 0);
        close(fd);
        hwloc_topology_t t;
        hwloc_topology_init(&t);
        assert_int_equal(hwloc_topology_set_synthetic(t, machines[k]), 0);
        assert_int_equal(hwloc_topology_load(t), 0);
        assert_int_equal(hwloc_topology_export_xml(t, path, 0), 0);
        hwloc_topology_destroy(t);
        for (size_t d = 0; d < sizeof demands / sizeof *demands; d++) {
            struct weir_topo_machine *a = load(machines[k], NULL), *b = load(path, NULL);
            struct weir_topo_plan *x = plan(a, demands[d]), *y = plan(b, demands[d]);
            assert_int_equal(a->fingerprint, b->fingerprint);
            assert_int_equal(x->pu_list_count, y->pu_list_count);
            assert_memory_equal(&x->totals, &y->totals, sizeof x->totals);
            if (x->pu_list_count)
                assert_memory_equal(x->pu_list, y->pu_list, x->pu_list_count * sizeof *x->pu_list);
            weir_topo_plan_free(x);
            weir_topo_plan_free(y);
            weir_topo_machine_free(a);
            weir_topo_machine_free(b);
        }
        unlink(path);
    }
}

/* Every machine, exported for lstopo, is read by stock hwloc and is the same machine but for
 * devices and limits. */
static void exported_xml_is_the_machine(void **state)
{
    (void)state;
    const char *name;
    for (uint32_t k = 0; (name = weir_topo_builtin_name(k)); k++) {
        char source[128], path[] = "/tmp/weir-topology-XXXXXX.xml";
        snprintf(source, sizeof source, "builtin:%s", name);
        struct weir_topo_machine *a = load(source, NULL), *b;
        struct weir_topo_plan *p = plan(a, "a:3;b:1,mode=exclusive,scope=pu");
        struct weir_topo_text xml = {0};
        struct weir_topo_error err;
        int fd = mkstemps(path, 4);
        assert_true(fd >= 0);
        FILE *f = fdopen(fd, "w");
        assert_int_equal(weir_topo_export(p, WEIR_TOPO_EXPORT_HWLOC_XML, &xml, &err), 0);
        assert_int_equal(weir_topo_text_write(&xml, f, &err), 0);
        fclose(f);
        b = load(path, NULL);
        assert_int_equal(a->pu_count, b->pu_count);
        assert_int_equal(a->domain_count, b->domain_count);
        assert_int_equal(a->pool_count, b->pool_count);
        uint32_t reserved = 0;
        for (uint32_t i = 0; i < a->pu_count; i++) {
            assert_int_equal(a->pus[i].os_index, b->pus[i].os_index);
            assert_int_equal(weir_topo_pu_usable(a, i), weir_topo_pu_usable(b, i));
            reserved += a->pus[i].reserved;
        }
        if (!reserved) assert_int_equal(a->capacity_milli_cu, b->capacity_milli_cu);
        weir_topo_text_free(&xml);
        weir_topo_plan_free(p);
        weir_topo_machine_free(a);
        weir_topo_machine_free(b);
        unlink(path);
    }
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *suffix, *text, *says;
    } bad[] = {
        {".xml", "", "no <topology>"},
        {".xml", "<topology version=\"2.0\"><object type=", "cannot read"},
        {".xml", "<?xml version=\"1.0\"?><topology version=\"3.0\"></topology>", "format 3"},
        {".json", "{", ":1:2:"},
        {".json", "{}", "synthetic"},
        {".json", "{\"synthetic\": \"pack:1 core:2 pu:1\", \"nodes\": [{\"node\": 7}]}",
         "no node 7"},
        {".json", "{\"synthetic\": \"pack:1 core:2 pu:1\",\n \"memory\": 3}", ":2:12:"},
        {".json",
         "{\"synthetic\": \"pack:1 core:2 pu:1\", \"cores\": [{\"cpus\": \"0-9\", \"milli_cu\": "
         "5}]}",
         "no PU 2"},
        {".json", "{\"synthetic\": \"pack:1 core:2 pu:1\", \"remove\": \"0-1\"}", "leaves none"},
        {".json", "{\"synthetic\": \"pack:1 core:2 pu:1\", \"distances\": [[1]]}", "10"},
        {".json", "{\"synthetic\": \"pack:1 core:2 pu:1\", \"synthetic\": \"\"}", "twice"},
        {".json", "{\"synthetic\": \"\\ud800\"}", "surrogate"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char path[64] = "/tmp/weir-topology-XXXXXX";
        strcat(path, bad[k].suffix);
        int fd = mkstemps(path, (int)strlen(bad[k].suffix));
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bad[k].text, strlen(bad[k].text)), (ssize_t)strlen(bad[k].text));
        close(fd);
        struct weir_topo_machine_options o = {.source = path};
        struct weir_topo_machine *m;
        struct weir_topo_error err = {0};
        assert_true(weir_topo_machine_load(&o, &m, &err) < 0);
        if (!strstr(err.message, bad[k].says)) fail_msg("%s gave: %s", bad[k].text, err.message);
        unlink(path);
    }
}

static void broken_demands_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "t:1:1:"},
               {"[]", "object"},
               {"{\"streams\": []}", "at least one"},
               {"{\"streams\": [{\"name\": \"a\"}]}", "partitions"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": -3}]}", "-3"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 4294967296}]}", "4294967296"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2.5}]}", "2.5"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2, \"ratio\": \"1:x\"}]}",
                "t:1:54: '1:x'"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2, \"bytes\": \"4 parsecs\"}]}",
                "4 parsecs"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2, \"mode\": true}]}",
                "number or a string"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2}, {\"name\": \"a\", "
                "\"partitions\": 2}]}",
                "two streams"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 2}]} x", "after the end"},
               {"{\"streams\": [{\"name\": \"a\", \"partitions\": 02}]}", "no JSON number"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct weir_topo_demand *d;
        struct weir_topo_error err = {0};
        assert_true(weir_topo_demand_parse_json(bad[k].text, strlen(bad[k].text), "t", &d, &err) <
                    0);
        assert_null(d);
        if (!strstr(err.message, bad[k].says)) fail_msg("%s gave: %s", bad[k].text, err.message);
    }
}

static void a_changed_plan_file_is_refused(void **state)
{
    (void)state;
    struct weir_topo_machine *m = load("builtin:uneven-2", NULL),
                             *other = load("builtin:uneven-4", NULL);
    struct weir_topo_plan *p = plan(m, "a:6,ratio=1:4,mode=exclusive;b:9,cpu=0.3"), *again;
    struct weir_topo_text json = {0};
    struct weir_topo_error err;
    assert_int_equal(weir_topo_plan_json(p, &json, &err), 0);
    assert_true(
        weir_topo_plan_parse_json(json.data, json.length, "plan.json", other, &again, &err) < 0);
    assert_non_null(strstr(err.message, "fingerprint"));
    char *bytes = strstr(json.data, "\"share_milli_cu\": 1000");
    assert_non_null(bytes);
    memcpy(bytes, "\"share_milli_cu\": 2000", 22);
    assert_true(weir_topo_plan_parse_json(json.data, json.length, "plan.json", m, &again, &err) <
                0);
    assert_non_null(strstr(err.message, "share"));
    weir_topo_text_free(&json);
    weir_topo_plan_free(p);
    weir_topo_machine_free(m);
    weir_topo_machine_free(other);
}

static void uneven_memory_needs_no_remote_byte(void **state)
{
    (void)state;
    static const char *const machines[] = {"builtin:uneven-2", "builtin:uneven-4",
                                           "builtin:snc-pmem", "builtin:hbm-flat"};
    for (size_t k = 0; k < 4; k++) {
        struct weir_topo_machine *m = load(machines[k], NULL);
        uint64_t dram = 0;
        char streams[200];
        for (uint32_t p = 0; p < m->pool_count; p++)
            if (m->pools[p].tier == WEIR_TOPO_TIER_DRAM) dram += m->pools[p].usable_bytes;
        /* three quarters of the memory to partitions of two kinds: memory-hungry and CPU-hungry */
        snprintf(streams, sizeof streams,
                 "hungry:24,memory=%lluMiB,cpu=0.3;busy:48,memory=%lluMiB,cpu=0.5",
                 (unsigned long long)(dram / 48 >> 20), (unsigned long long)(dram / 192 >> 20));
        struct weir_topo_plan *p = plan(m, streams);
        assert_int_equal(p->totals.rejected, 0);
        assert_int_equal(p->totals.remote_bytes, 0);
        weir_topo_plan_free(p);
        weir_topo_machine_free(m);
    }
}

/* What no machine can give: the smallest change is named, and with it everything fits. */
static void the_proposed_change_makes_it_fit(void **state)
{
    (void)state;
    static const char *const impossible[] = {"a:1,memory=100TiB", "a:300,cpu=0.1,memory=100GiB",
                                             "a:3,mode=exclusive,scope=core,cpu=9000",
                                             "a:90,mode=exclusive,scope=package",
                                             "a:2,tier=cxl,memory=900TiB"};
    uint32_t proposed = 0;
    const char *name;
    for (uint32_t k = 0; (name = weir_topo_builtin_name(k)); k++) {
        char source[128], text[300];
        snprintf(source, sizeof source, "builtin:%s", name);
        struct weir_topo_machine *m = load(source, NULL);
        for (size_t d = 0; m->pu_count <= 64 && d < sizeof impossible / sizeof *impossible; d++) {
            struct weir_topo_plan *p = plan(m, impossible[d]), *again;
            struct weir_topo_stream changed;
            struct weir_topo_error err;
            assert_true(p->totals.rejected > 0);
            int rc = weir_topo_suggest(p, 0, &changed, text, sizeof text, &err);
            if (rc < 0) fail_msg("%s, %s: %s", name, impossible[d], err.message);
            if (rc) {
                struct weir_topo_demand demand = {1, 1, &changed};
                assert_true(text[0] != 0);
                if (weir_topo_plan_make(m, &demand, NULL, &again, &err))
                    fail_msg("%s: %s", text, err.message);
                if (again->totals.rejected)
                    fail_msg("%s, %s: '%s' does not make it fit", name, impossible[d], text);
                weir_topo_plan_free(again);
                proposed++;
            }
            weir_topo_plan_free(p);
        }
        weir_topo_machine_free(m);
    }
    assert_true(proposed > 20);
}

/* A plan of yesterday, when the machine had more: refused by name of what has changed. */
static void a_stale_plan_is_refused(void **state)
{
    (void)state;
    struct weir_topo_machine *m = load("builtin:uneven-2", NULL),
                             *less = load("builtin:uneven-2", "0-40");
    struct weir_topo_plan *p = plan(m, "a:40,cpu=1,memory=1GiB"), *again;
    struct weir_topo_text json = {0};
    struct weir_topo_error err;
    assert_int_equal(weir_topo_plan_json(p, &json, &err), 0);
    assert_int_equal(
        weir_topo_plan_parse_json(json.data, json.length, "plan.json", less, &again, &err),
        WEIR_TOPO_ERR_MISMATCH);
    assert_int_equal(err.code, WEIR_TOPO_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "plan.json:"));
    assert_non_null(strstr(err.message, "fingerprint"));
    assert_non_null(strstr(err.message, "plan again"));
    /* but it can be stayed close to */
    struct weir_topo_plan *now;
    if (weir_topo_plan_parse_current(json.data, json.length, "plan.json", less, &again, &err))
        fail_msg("%s", err.message);
    struct weir_topo_demand demand = {p->stream_count, p->stream_count, p->streams};
    struct weir_topo_plan_options o = {.current = again};
    if (weir_topo_plan_make(less, &demand, &o, &now, &err)) fail_msg("%s", err.message);
    assert_true(now->totals.moved_partitions > 0);
    assert_true(now->totals.moved_partitions < now->partition_count);
    weir_topo_plan_free(now);
    weir_topo_plan_free(again);
    weir_topo_text_free(&json);
    weir_topo_plan_free(p);
    weir_topo_machine_free(m);
    weir_topo_machine_free(less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_keeps_the_promises),
        cmocka_unit_test(xml_plans_like_the_machine),
        cmocka_unit_test(exported_xml_is_the_machine),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(broken_demands_are_refused),
        cmocka_unit_test(a_changed_plan_file_is_refused),
        cmocka_unit_test(a_stale_plan_is_refused),
        cmocka_unit_test(the_proposed_change_makes_it_fit),
        cmocka_unit_test(uneven_memory_needs_no_remote_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
