/* Random queries: Weir, natively and on OpenCL, on one and on several partitions, against SQLite.
   See README.md.

   Exit status: 0 no difference, 1 differences, 2 wrong arguments, 77 the device is not there. */

#include "campaign.h"
#include "weir_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: test_random_sql [--seed S] [--count N | --shapes N --variants V] [--device "
    "native|opencl|both] …\n"
    "  --seed S           (1)\n"
    "  --count N          N queries, each of its own shape (1000); on opencl a shape costs a "
    "compilation\n"
    "  --shapes N         N shapes …\n"
    "  --variants V       … each with V sets of literals and data (1)\n"
    "  --first-shape N    begin there (0); a printed difference names these numbers\n"
    "  --first-variant N  (0)\n"
    "  --device D         native, opencl or both (native)\n"
    "  --engine D/P/B[/M] … on D with P partitions, B rows at once (0: all), M MiB for each\n"
    "                     partition; several times: every query runs on each of them\n"
    "  --coverage         say what the queries were made of; what never occurred is a failure\n"
    "  --rows N           rows of the largest tables (1500)\n"
    "  --max-failures N   stop after N differences (5)\n"
    "  --allow-refusals   what an engine refuses is counted, not a difference (always so on "
    "opencl)\n"
    "  --print            print every query\n";

enum { max_engines = 32 };

struct arguments {
    struct campaign campaign;
    const char *device;
    int n_engines; /* of --engine */
    const char *engine[max_engines];
    bool coverage;
};

static bool read_number(const char *text, int64_t *out)
{
    char *end;
    *out = text ? strtoll(text, &end, 10) : -1;
    return text && *text && !*end && *out >= 0;
}

static bool read_option(struct arguments *a, const char *name, const char *text, bool *took)
{
    struct campaign *c = &a->campaign;
    int64_t n = 0;
    *took = false;
    if (strcmp(name, "--print") == 0) return c->print_queries = true;
    if (strcmp(name, "--coverage") == 0) return a->coverage = true;
    if (strcmp(name, "--allow-refusals") == 0) return c->allow_refusals = true;
    *took = true;
    if (strcmp(name, "--device") == 0) {
        a->device = text ? text : "";
        return strcmp(a->device, "native") == 0 || strcmp(a->device, "opencl") == 0 ||
               strcmp(a->device, "both") == 0;
    }
    if (strcmp(name, "--engine") == 0) {
        if (!text || a->n_engines == max_engines) return false;
        a->engine[a->n_engines++] = text;
        return true;
    }
    if (!read_number(text, &n)) return false;
    if (strcmp(name, "--seed") == 0) {
        c->seed = (uint64_t)n;
    } else if (strcmp(name, "--count") == 0 || strcmp(name, "--shapes") == 0) {
        c->shapes = n;
    } else if (strcmp(name, "--variants") == 0) {
        c->variants = n;
    } else if (strcmp(name, "--first-shape") == 0) {
        c->first_shape = n;
    } else if (strcmp(name, "--first-variant") == 0) {
        c->first_variant = n;
    } else if (strcmp(name, "--rows") == 0) {
        c->max_rows = (int)(n < 10000000 ? n : 10000000);
    } else if (strcmp(name, "--max-failures") == 0) {
        c->max_failures = (int)(n < 1000000 ? n : 1000000);
    } else {
        return false;
    }
    return true;
}

/* The engines of --engine; 0: one of them cannot be had. */
static int open_listed(const struct arguments *a, struct engine **engines)
{
    for (int i = 0; i < a->n_engines; i++) {
        char device[16], rest;
        int partitions, rows, mib = 0;
        int n = sscanf(a->engine[i], "%15[a-z:0-9]/%d/%d/%d%c", device, &partitions, &rows, &mib,
                       &rest);
        if (n != 3 && n != 4) {
            printf("--engine %s: write device/partitions/rows, as in native/3/7\n", a->engine[i]);
            return 0;
        }
        engines[i] = open_weir(device, partitions, rows ? rows : all_rows, mib);
        if (!engines[i]) return 0;
    }
    return a->n_engines;
}

static int open_engines(const struct arguments *a, struct engine **engines)
{
    int n = 0;
    if (a->n_engines) return open_listed(a, engines);
    if (strcmp(a->device, "opencl") != 0) {
        engines[n] = open_weir("native", 1, all_rows, 0);
        n += engines[n] != NULL;
        engines[n] = open_weir("native", 3, 7, 0);
        n += engines[n] != NULL;
        if (n < 2) return 0;
    }
    if (strcmp(a->device, "native") != 0) {
        engines[n] = open_weir("opencl", 1, all_rows, 0);
        n += engines[n] != NULL;
        engines[n] = open_weir("opencl", 2, 64, 0);
        n += engines[n] != NULL;
    }
    return n;
}

int main(int argc, char **argv)
{
    struct arguments a = {
        .device = "native",
        .campaign = {
            .seed = 1, .shapes = 1000, .variants = 1, .max_rows = 1500, .max_failures = 5}};
    for (int i = 1; i < argc; i++) {
        bool took;
        if (!read_option(&a, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &took)) {
            fputs(usage, strcmp(argv[i], "--help") == 0 ? stdout : stderr);
            return strcmp(argv[i], "--help") == 0 ? 0 : 2;
        }
        i += took;
    }
    struct engine *engines[max_engines] = {0};
    a.campaign.engine = engines;
    a.campaign.right = sqlite_engine(0);
    if (!a.campaign.right) return 1;
    a.campaign.n_engines = open_engines(&a, engines);
    if (a.campaign.n_engines == 0) return 77;
    if (strcmp(a.device, "native") != 0 || a.n_engines) a.campaign.allow_refusals = true;
    int64_t failures = campaign_run(&a.campaign);
    struct text t = {0};
    campaign_summary(&a.campaign, &t);
    printf("seed %llu, %s: %s", (unsigned long long)a.campaign.seed, a.device, t.data);
    text_clear(&t);
    if (a.coverage) {
        coverage_table(&a.campaign.coverage, &t);
        failures += coverage_gaps(&a.campaign.coverage, &t);
        printf("queries that used\n%s", t.data);
    }
    text_free(&t);
    for (int i = 0; i < a.campaign.n_engines; i++) {
        if (strncmp(engines[i]->name, "opencl", 6) == 0)
            printf(
                "%s: %lld queries answered, %lld with work on the device, %lld with a fallback\n",
                engines[i]->name, (long long)engines[i]->answered, (long long)engines[i]->on_device,
                (long long)engines[i]->fell_back);
        engines[i]->close(engines[i]);
    }
    a.campaign.right->close(a.campaign.right);
    return failures ? 1 : 0;
}
