/* The test of the random tester: a SQLite without a planted fault agrees with itself, the grammar
   is covered, each planted fault is caught, and a difference is minimised to a few rows.

   usage: test_oracle [--shapes N] */

#include "campaign.h"
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct campaign quiet_campaign(struct engine **engines, int64_t shapes)
{
    return (struct campaign){.seed = 7,
                             .shapes = shapes,
                             .variants = 1,
                             .max_rows = 300,
                             .max_failures = 1,
                             .quiet = true,
                             .right = engines[0],
                             .n_engines = 1,
                             .engine = &engines[1]};
}

/* The number of complaints. */
static int test_agreement(struct engine *right, int64_t shapes)
{
    struct engine *engines[] = {right, sqlite_engine(fault_none)};
    if (!engines[1]) return 1;
    struct campaign c = quiet_campaign(engines, shapes);
    struct text t = {0};
    int complaints = campaign_run(&c) != 0;
    campaign_summary(&c, &t);
    complaints += coverage_gaps(&c.coverage, &t) > 0;
    if (c.skipped * 50 > c.queries || c.both_failed * 100 < c.queries) {
        text_add(&t, "too many queries cannot be compared, or too few fail\n");
        complaints++;
    }
    printf("%s", t.data);
    text_free(&t);
    engines[1]->close(engines[1]);
    return complaints;
}

static int test_faults(struct engine *right, int64_t shapes)
{
    int complaints = 0;
    for (int fault = 1; fault < fault_count; fault++) {
        struct engine *engines[] = {right, sqlite_engine(fault)};
        if (!engines[1]) return complaints + 1;
        struct campaign c = quiet_campaign(engines, shapes);
        bool caught = campaign_run(&c) > 0;
        printf("%s %s, after %lld queries\n",
               caught ? "caught:    " : "NOT CAUGHT:", fault_names[fault], (long long)c.queries);
        complaints += !caught;
        engines[1]->close(engines[1]);
    }
    return complaints;
}

int main(int argc, char **argv)
{
    int64_t shapes = 4000;
    if (argc == 3 && strcmp(argv[1], "--shapes") == 0) shapes = strtoll(argv[2], NULL, 10);
    struct engine *right = sqlite_engine(fault_none);
    if (!right) return EXIT_FAILURE;
    int complaints = test_agreement(right, shapes);
    complaints += test_faults(right, shapes);
    right->close(right);
    printf("%d complaints\n", complaints);
    return complaints ? EXIT_FAILURE : EXIT_SUCCESS;
}
