/* Every allocation of the whole way (load, overlay, plan, keep, check, render, read back, suggest,
   advise) fails once, and from then on: an error and nothing else, no crash, no leak (under ASan),
   no wrong plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "topology/internal.h"

static int render(const struct weir_topo_plan *p, const struct weir_topo_machine *m,
                  struct weir_topo_error *err)
{
    struct weir_topo_text json = {0}, t = {0};
    struct weir_topo_plan *again = NULL;
    int rc = weir_topo_plan_json(p, &json, err);
    if (!rc) rc = weir_topo_plan_parse_json(json.data, json.length, "plan", m, &again, err);
    weir_topo_plan_free(again);
    if (!rc) rc = weir_topo_plan_text(p, &t, err);
    if (!rc) rc = weir_topo_machine_text(m, &t, err);
    if (!rc) rc = weir_topo_machine_json(m, &t, err);
    if (!rc) rc = weir_topo_plan_svg(p, &t, err);
    if (!rc) rc = weir_topo_explain_text(p, WEIR_TOPO_NONE, &t, err);
    if (!rc) rc = weir_topo_diff_text(p, p, &t, err);
    for (int f = 0; !rc && f <= WEIR_TOPO_EXPORT_CGROUP; f++)
        rc = weir_topo_export(p, (enum weir_topo_export)f, &t, err);
    weir_topo_text_free(&json);
    weir_topo_text_free(&t);
    return rc;
}

static int whole_way(struct weir_topo_error *err)
{
    struct weir_topo_machine_options o = {
        .source = "builtin:snc-pmem", .cpuset = "0-59", .reserve = "0-1"};
    struct weir_topo_machine *m = NULL;
    struct weir_topo_demand *d = NULL;
    struct weir_topo_plan *p = NULL, *q = NULL;
    int rc = weir_topo_machine_load(&o, &m, err);
    if (!rc)
        rc = weir_topo_demand_parse_streams("a:6,ratio=1:4,cpu=0.7;b:2,mode=exclusive,scope=l3,"
                                            "memory=90GiB;c:3,cpu=3;d:9,memory=300GiB",
                                            &d, err);
    if (!rc) rc = weir_topo_plan_make(m, d, NULL, &p, err);
    struct weir_topo_plan_options po = {.current = p};
    if (!rc) rc = weir_topo_plan_make(m, d, &po, &q, err);
    if (!rc) rc = render(q, m, err);
    weir_topo_plan_free(p);
    weir_topo_plan_free(q);
    weir_topo_demand_free(d);
    weir_topo_machine_free(m);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct weir_topo_error err;
    for (int always = 0; always < 2; always++) {
        uint64_t n = 1, step = 1;
        int rc = -1;
        for (; rc && n < 200000; n += step) {
            memset(&err, 0, sizeof err);
            topo_alloc_fail_at(n, always);
            rc = whole_way(&err);
            topo_alloc_fail_at(0, false);
            if (rc && rc != WEIR_TOPO_ERR_NOMEM)
                fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
            if (rc && !strstr(err.message, "out of memory"))
                fail_msg("allocation %llu: '%s'", (unsigned long long)n, err.message);
            if (n > 400)
                step = 37; /* the search for a change plans hundreds of times: sample those */
        }
        assert_int_equal(rc, 0);
        assert_true(n > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
