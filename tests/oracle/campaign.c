/* The loop of the random tester; see campaign.h. */

#include "campaign.h"

#include "generate.h"
#include "minimize.h"
#include "print.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rng seeded(uint64_t seed, char what, int64_t a, int64_t b)
{
    struct rng r = {seed};
    r.state = rng_next(&r) ^ (uint64_t)what * 0x9fb21c651e98df25u;
    r.state = rng_next(&r) ^ (uint64_t)a * 0xd6e8feb86659fd93u;
    r.state = rng_next(&r) ^ (uint64_t)b * 0xa0761d6478bd642fu;
    return r;
}

void case_schema(uint64_t seed, int64_t shape, struct database *db)
{
    struct rng r = seeded(seed, 's', shape / shapes_per_schema, 0);
    database_schema(db, &r);
}

void case_fill(uint64_t seed, int64_t shape, int64_t variant, int max_rows, struct database *db)
{
    struct rng r = seeded(seed, 'd', shape / shapes_per_schema, variant);
    database_fill(db, &r, max_rows);
}

struct query *case_query(uint64_t seed, int64_t shape, int64_t variant, const struct database *db,
                         struct pool *pool)
{
    struct rng forms = seeded(seed, 'q', shape, 0), constants = seeded(seed, 'c', shape, variant);
    return generate_query(db, pool, &forms, &constants);
}

static void report(struct campaign *c, struct query *q, struct database *db, struct pool *pool,
                   struct engine *suspect, int64_t shape, int64_t variant)
{
    struct text out = {0};
    struct result got = {0}, right = {0};
    text_printf(&out,
                "\n-- %s differs: --seed %llu --first-shape %lld --shapes 1 --first-variant %lld "
                "--variants 1\n",
                suspect->name, (unsigned long long)c->seed, (long long)shape, (long long)variant);
    minimize(q, db, pool, c->right, suspect);
    database_script(db, &out);
    print_weir(&out, q);
    text_add(&out, ";\n-- for SQLite: ");
    print_sqlite(&out, q, 0);
    c->right->run(c->right, q, &right);
    suspect->run(suspect, q, &got);
    text_printf(&out, "\n-- right: ");
    result_show(&right, q, 8, &out);
    text_printf(&out, "-- %s: ", suspect->name);
    result_show(&got, q, 8, &out);
    text_add(&out, "-- ");
    if (result_same(q, &got, &right, &out))
        text_add(&out, "the same now: it does not fail every time\n");
    printf("%s", out.data);
    fflush(stdout);
    text_free(&out);
    result_clear(&got);
    result_clear(&right);
    free(got.cell);
    free(right.cell);
}

/* The message from its last ": " on (or all of it), without digits. */
static void count_refusal(struct campaign *c, const char *message)
{
    char reason[sizeof c->refusal[0].reason];
    size_t n = 0;
    const char *colon = strstr(message, ": ");
    for (const char *p = colon ? colon + 2 : message; *p && n + 1 < sizeof reason; p++)
        if (!isdigit((unsigned char)*p)) reason[n++] = *p;
    reason[n] = 0;
    for (int i = 0; i < max_reasons; i++) {
        struct refusal *r = &c->refusal[i];
        if (r->count && strcmp(r->reason, reason) != 0 && i < max_reasons - 1) continue;
        if (r->count == 0) memcpy(r->reason, reason, sizeof reason);
        r->count++;
        return;
    }
}

/* True when ENGINE answers as the right one did. */
static bool agrees(struct campaign *c, struct engine *engine, const struct query *q,
                   struct result *right, struct result *got)
{
    struct text why = {0};
    engine->run(engine, q, got);
    if (got->outcome == outcome_refused) {
        c->refusals++;
        count_refusal(c, got->message);
        if (c->allow_refusals) return true;
    }
    c->compared++;
    bool same = result_same(q, got, right, &why);
    if (!same && !c->quiet && why.data) printf("-- %s: %s", engine->name, why.data);
    text_free(&why);
    return same;
}

/* False: the data were changed by a minimisation, load them again. */
static bool test_query(struct campaign *c, struct database *db, int64_t shape, int64_t variant,
                       struct result *right, struct result *got)
{
    struct pool pool = {0};
    struct query *q = case_query(c->seed, shape, variant, db, &pool);
    bool kept = true;
    c->queries++;
    coverage_add(&c->coverage, q);
    if (c->print_queries) {
        struct text t = {0};
        print_weir(&t, q);
        printf("%s;\n", t.data);
        text_free(&t);
    }
    c->right->run(c->right, q, right);
    if (right->outcome == outcome_broken) {
        printf("-- shape %lld: %s\n", (long long)shape, right->message);
        c->failures++;
    }
    if (right->outcome == outcome_skipped) c->skipped++;
    if (right->outcome == outcome_failed) c->both_failed++;
    c->rows += right->n_rows;
    for (int i = 0; i < c->n_engines && kept && right->outcome <= outcome_failed; i++) {
        if (agrees(c, c->engine[i], q, right, got)) continue;
        c->failures++;
        if (c->quiet) break;
        report(c, q, db, &pool, c->engine[i], shape, variant);
        kept = false;
    }
    pool_free(&pool);
    return kept;
}

static bool load_all(struct campaign *c, struct database *db, int64_t shape, int64_t variant)
{
    case_fill(c->seed, shape, variant, c->max_rows, db);
    if (!c->right->load(c->right, db)) return false;
    for (int i = 0; i < c->n_engines; i++)
        if (!c->engine[i]->load(c->engine[i], db)) return false;
    return true;
}

static bool test_group(struct campaign *c, int64_t first, int64_t last, struct result *right,
                       struct result *got)
{
    struct database db;
    bool good = true, failed[shapes_per_schema] = {false};
    case_schema(c->seed, first, &db);
    for (int64_t v = c->first_variant; good && v < c->first_variant + c->variants; v++) {
        good = load_all(c, &db, first, v);
        for (int64_t s = first; good && s < last && c->failures < c->max_failures; s++) {
            if (failed[s - first] || test_query(c, &db, s, v, right, got)) continue;
            failed[s - first] = true; /* its other variants would fail alike */
            good = load_all(c, &db, first, v);
        }
    }
    database_free(&db);
    return good;
}

int64_t campaign_run(struct campaign *c)
{
    struct result right = {0}, got = {0};
    int64_t end = c->first_shape + c->shapes;
    for (int64_t s = c->first_shape; s < end && c->failures < c->max_failures;) {
        int64_t last = (s / shapes_per_schema + 1) * shapes_per_schema;
        if (last > end) last = end;
        if (!test_group(c, s, last, &right, &got)) {
            c->failures++;
            break;
        }
        s = last;
    }
    result_clear(&right);
    result_clear(&got);
    free(right.cell);
    free(got.cell);
    return c->failures;
}

void campaign_summary(const struct campaign *c, struct text *out)
{
    text_printf(out,
                "%lld queries, %lld comparisons, %lld differences; %lld fail as they should, %lld "
                "refused by an engine, "
                "%lld not comparable; %.1f rows on average\n",
                (long long)c->queries, (long long)c->compared, (long long)c->failures,
                (long long)c->both_failed, (long long)c->refusals, (long long)c->skipped,
                c->queries ? (double)c->rows / (double)c->queries : 0.0);
    for (int i = 0; i < max_reasons && c->refusal[i].count; i++)
        text_printf(out, "  refused %lld times: %s\n", (long long)c->refusal[i].count,
                    c->refusal[i].reason);
}
