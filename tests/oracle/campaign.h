#ifndef WEIR_TESTS_ORACLE_CAMPAIGN_H
#define WEIR_TESTS_ORACLE_CAMPAIGN_H

#include "coverage.h"
#include "engine.h"

/* Why engines refused, positions and numbers left out. */
enum { max_reasons = 24 };
struct refusal {
    char reason[120];
    int64_t count;
};

/* Many random queries against several engines. A query is (seed, shape, variant): the seed and the
   shape decide the schema and the query but for its literals; the variant decides literals and
   data. shapes_per_schema of them share a schema. */
enum { shapes_per_schema = 25 };
struct campaign {
    uint64_t seed;
    int64_t first_shape, shapes, first_variant, variants;
    int max_rows;
    int max_failures;    /* stop after so many */
    bool allow_refusals; /* an engine that refuses is counted, not blamed */
    bool quiet;          /* nothing is printed, nothing minimised */
    bool print_queries;
    struct engine *right;
    int n_engines;
    struct engine **engine;

    /* What happened. */
    struct refusal refusal[max_reasons];
    int64_t queries, compared, failures, refusals, skipped, both_failed, rows;
    struct coverage coverage;
};

/* What the numbers of a query stand for: its schema, its data, the query itself. SHAPE: of the query.
   CASE_FILL replaces older rows. */
void case_schema(uint64_t seed, int64_t shape, struct database *db);
void case_fill(uint64_t seed, int64_t shape, int64_t variant, int max_rows, struct database *db);
struct query *case_query(uint64_t seed, int64_t shape, int64_t variant, const struct database *db,
                         struct pool *pool);

/* The number of failures; the rest is in C. */
int64_t campaign_run(struct campaign *c);
void campaign_summary(const struct campaign *c, struct text *out);
#endif
