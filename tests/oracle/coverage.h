#ifndef WEIR_TESTS_ORACLE_COVERAGE_H
#define WEIR_TESTS_ORACLE_COVERAGE_H

#include "ast.h"

/* Which constructs of the grammar how many queries used. */
enum { max_constructs = 512 };
struct coverage {
    int64_t queries[max_constructs];
};

/* Count Q: each construct that it uses once, wherever and however often. */
void coverage_add(struct coverage *c, const struct query *q);
/* A table of all constructs with their numbers of queries. */
void coverage_table(const struct coverage *c, struct text *out);
/* What no query used, one a line: "never generated: …". The number of lines. */
int coverage_gaps(const struct coverage *c, struct text *out);

#endif
