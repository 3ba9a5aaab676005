/* Every reader of text against damage: bytes flipped, cut, doubled and exchanged in valid input.
   Either it is refused with a message, or what comes out of it can be planned; nothing crashes (run
   it under ASan and UBSan). usage: test_topology_fuzz [ROUNDS [FIRST_SEED]] */
#include "tests/topology/generate.h"
#include "topology/overlay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t accepted, refused, silent;

static void note(int rc, const struct weir_topo_error *err)
{
    if (!rc)
        accepted++;
    else if (err->message[0] && err->code == rc)
        refused++;
    else
        silent++;
}

/* TEXT with up to four damages; the caller frees it. */
static char *damage(struct rng *r, const char *text, size_t *length)
{
    static const char *const words[] = {"-1",
                                        "4294967296",
                                        "1e999",
                                        "\"\"",
                                        "null",
                                        "{",
                                        "]",
                                        ",",
                                        ":",
                                        "\\u0000",
                                        "\xff",
                                        "0-",
                                        "999999999999999999999",
                                        "1:0"};
    size_t n = strlen(text), room = n + 200;
    char *out = calloc(room, 1);
    if (!out) abort();
    memcpy(out, text, n);
    for (uint32_t k = 0, times = 1 + rng_below(r, 4); k < times && n; k++) {
        size_t at = rng_below(r, (uint32_t)n);
        const char *word = words[rng_below(r, sizeof words / sizeof *words)];
        size_t w = strlen(word), cut = rng_below(r, 12);
        switch (rng_below(r, 5)) {
        case 0: out[at] = (char)rng_below(r, 256); break;
        case 1: n = at; break;
        case 2:
            if (cut > n - at) cut = n - at;
            memmove(out + at, out + at + cut, n - at - cut);
            n -= cut;
            break;
        case 3:
            if (n + w >= room) break;
            memmove(out + at + w, out + at, n - at);
            memcpy(out + at, word, w);
            n += w;
            break;
        default: {
            size_t other = rng_below(r, (uint32_t)n);
            char keep = out[at];
            out[at] = out[other];
            out[other] = keep;
        }
        }
    }
    out[n] = '\0';
    *length = n;
    return out;
}

static const char streams[] = "logs:8,ratio=1:4,mode=exclusive,scope=core;m:3,cpu=500m,memory=1."
                              "5GiB,tier=hbm,pages=2MiB,priority=-3,device=prefer,device-units=2";
static const char demand[] = "{\"streams\": [{\"name\": \"logs\", \"partitions\": 8, \"ratio\": "
                             "\"1:4\", \"mode\": \"exclusive\", \"scope\": \"l3\"},"
                             " {\"name\": \"m\\u00e9\", \"partitions\": 2, \"milli_cu\": 500, "
                             "\"bytes\": 1048576, \"priority\": -1, \"pages\": \"2MiB\"}]}";
static const char base[] = "{\"synthetic\": \"pack:2 [numa] l3:2 core:2 pu:2\"}";
static const char overlay[] =
    "{\"title\": \"t\", \"remove\": \"3,7\","
    " \"nodes\": [{\"node\": 0, \"bytes\": \"4GiB\"}, {\"node\": 1, \"bytes\": \"8GiB\", "
    "\"huge_pages\": [{\"page_bytes\": \"2MiB\", \"count\": 8}]},"
    " {\"node\": 5, \"cpus\": \"\", \"bytes\": \"1GiB\", \"tier\": \"cxl\"}], \"cores\": "
    "[{\"cpus\": \"4-6\", \"milli_cu\": 600}],"
    " \"distances\": [[10, 20, 30], [20, 10, 30], [30, 30, 10]], \"limits\": {\"milli_cu\": 5000, "
    "\"memory_bytes\": \"9GiB\"},"
    " \"devices\": [{\"name\": \"g\", \"kind\": \"gpu\", \"bytes\": \"8GiB\", \"compute_units\": "
    "8, \"cpus\": \"0-2\"}], \"reserved\": \"0\"}";
static const char stats[] = "{\"schema\": 1, \"rows_in\": 100, \"peak_bytes\": 5000, \"stages\": "
                            "[{\"backends\": [{\"busy_ms\": 1.5}]}]}";

static void plan_it(const struct weir_topo_machine *m, const struct weir_topo_demand *d)
{
    struct weir_topo_plan *p = NULL;
    struct weir_topo_error err = {0};
    uint64_t partitions = 0;
    for (uint32_t k = 0; k < d->stream_count; k++) partitions += d->streams[k].partitions;
    if (partitions > 5000) return; /* legal, but not what this test is about */
    note(weir_topo_plan_make(m, d, NULL, &p, &err), &err);
    weir_topo_plan_free(p);
}

static void fuzz_demand(struct rng *r, const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d;
    struct weir_topo_error err = {0};
    size_t n;
    char *text = damage(r, streams, &n);
    note(weir_topo_demand_parse_streams(text, &d, &err), &err);
    if (d) plan_it(m, d);
    weir_topo_demand_free(d);
    free(text);
    memset(&err, 0, sizeof err);
    text = damage(r, demand, &n);
    note(weir_topo_demand_parse_json(text, n, "fuzz", &d, &err), &err);
    if (d) plan_it(m, d);
    weir_topo_demand_free(d);
    free(text);
    memset(&err, 0, sizeof err);
    text = damage(r, stats, &n);
    note(weir_topo_demand_from_stats(text, n, "fuzz", 1e6, &d, &err), &err);
    weir_topo_demand_free(d);
    free(text);
}

static void fuzz_machine(struct rng *r, const struct weir_topo_demand *d)
{
    struct topo_json doc;
    struct topo_raw raw = {0};
    struct weir_topo_machine *m = NULL;
    struct weir_topo_error err = {0};
    size_t n;
    char *text = damage(r, overlay, &n);
    /* the synthetic string itself is hwloc's to read, and hwloc 2.9 leaks where it refuses one */
    int rc = topo_json_parse(base, sizeof base - 1, "base", &doc, &err);
    if (!rc) rc = topo_raw_from_json(&doc, &doc.values[0], &raw, &err);
    topo_json_clear(&doc);
    if (!rc) rc = topo_json_parse(text, n, "fuzz", &doc, &err);
    if (!rc) {
        rc = topo_overlay_apply(&raw, &doc, &doc.values[0], &err);
        topo_json_clear(&doc);
    }
    if (!rc) rc = topo_machine_build(&raw, &m, &err);
    note(rc, &err);
    topo_raw_clear(&raw);
    if (m) plan_it(m, d);
    weir_topo_machine_free(m);
    free(text);
}

static void fuzz_plan(struct rng *r, const struct weir_topo_machine *m, const char *json)
{
    struct weir_topo_plan *p;
    struct weir_topo_error err = {0};
    size_t n;
    char *text = damage(r, json, &n);
    note(weir_topo_plan_parse_json(text, n, "fuzz", m, &p, &err), &err);
    weir_topo_plan_free(p);
    memset(&err, 0, sizeof err);
    note(weir_topo_plan_parse_current(text, n, "fuzz", m, &p, &err), &err);
    weir_topo_plan_free(p);
    free(text);
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000,
             first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct weir_topo_machine_options o = {.source = "builtin:gpu-slices"};
    struct weir_topo_machine *m;
    struct weir_topo_demand *d;
    struct weir_topo_plan *p;
    struct weir_topo_text json = {0};
    struct weir_topo_error err;
    if (weir_topo_machine_load(&o, &m, &err) ||
        weir_topo_demand_parse_streams(
            "a:3,ratio=1:1;b:2,mode=exclusive,device=prefer;c:1,memory=90TiB", &d, &err) ||
        weir_topo_plan_make(m, d, NULL, &p, &err) || weir_topo_plan_json(p, &json, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    for (uint64_t k = 0; k < rounds; k++) {
        struct rng r = {first + k};
        fuzz_demand(&r, m);
        fuzz_plan(&r, m, json.data);
        if (k % 4 == 0) fuzz_machine(&r, d); /* hwloc builds a topology for each: slower */
    }
    weir_topo_text_free(&json);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    weir_topo_machine_free(m);
    printf("%" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu64 " refused without a message\n",
           accepted, refused, silent);
    return silent || !accepted || !refused ? 1 : 0;
}
