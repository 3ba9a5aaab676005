/* Random queries whose answers must agree with each other, without another engine: a predicate split
   three ways (WHERE or HAVING p, NOT p, p IS NULL have together what no predicate has), the sides
   of the first join swapped, 1 partition against several.

   usage: test_metamorphic [--seed S] [--count RELATIONS] [--first-shape N]
   Exit status: 0 all hold, 1 one does not, 2 wrong arguments. */

#include "campaign.h"
#include "generate.h"
#include "print.h"
#include "weir_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { n_engines = 3, max_rows = 1500, max_failures = 5 };

struct test {
    uint64_t seed;
    int64_t shape;
    struct engine *engine[n_engines];
    struct result base, got, part[3], sum;
    int64_t split, swapped, partitions, failures;
};

static void complain(struct test *t, const struct query *q, const char *relation, const char *why)
{
    struct text sql = {0};
    print_weir(&sql, q);
    printf("%s does not hold: --seed %llu --first-shape %lld --count 1\n%s;\n%s\n", relation,
           (unsigned long long)t->seed, (long long)t->shape, sql.data, why);
    text_free(&sql);
    t->failures++;
}

static void expect_same(struct test *t, const struct query *q, const char *relation,
                        struct result *got, struct result *right)
{
    struct text why = {0};
    if (!result_same(q, got, right, &why)) complain(t, q, relation, why.data ? why.data : "");
    text_free(&why);
}

/* ---- 1 partition and several ---- */

static void check_partitions(struct test *t, const struct query *q)
{
    for (int i = 1; i < n_engines; i++) {
        t->engine[i]->run(t->engine[i], q, &t->got);
        expect_same(t, q, t->engine[i]->name, &t->got, &t->base);
        t->partitions++;
    }
}

/* ---- sides of a join ---- */

static void swap_keys(struct relation *r)
{
    for (int k = 0; k < r->n_keys; k++) {
        struct expr *left = r->left_key[k];
        r->left_key[k] = r->right_key[k];
        r->right_key[k] = left;
    }
}

/* a JOIN b ON … as b JOIN a ON …, with the other outer join. Its own inverse. */
static void swap_sides(struct query *q)
{
    static const enum join other[] = {[join_inner] = join_inner,
                                      [join_left] = join_right,
                                      [join_right] = join_left,
                                      [join_full] = join_full,
                                      [join_cross] = join_cross};
    struct relation first = q->relation[0], second = q->relation[1];
    swap_keys(&second);
    first.join = other[second.join];
    first.n_keys = second.n_keys;
    memcpy(first.left_key, second.left_key, sizeof first.left_key);
    memcpy(first.right_key, second.right_key, sizeof first.right_key);
    first.residual = second.residual;
    second.join = join_first;
    second.n_keys = 0;
    second.residual = NULL;
    q->relation[0] = second;
    q->relation[1] = first;
}

static void check_swap(struct test *t, struct query *q)
{
    struct engine *e = t->engine[t->shape % n_engines];
    if (q->n_relations < 2 || query_has_window(q)) return;
    swap_sides(q);
    e->run(e, q, &t->got);
    expect_same(t, q, "swapping the sides of the join", &t->got, &t->base);
    swap_sides(q);
    t->swapped++;
}

/* ---- a predicate, its negation, and neither ---- */

static void append(struct result *sum, const struct result *part)
{
    sum->n_columns = part->n_columns;
    for (int64_t i = 0; i < part->n_rows; i++)
        memcpy(result_row(sum), part->cell + i * part->n_columns,
               (size_t)part->n_columns * sizeof *part->cell);
}

/* PREDICATE is Q's WHERE or HAVING. */
static void check_split(struct test *t, struct query *q, struct expr **predicate, struct pool *pool)
{
    struct engine *e = t->engine[t->shape % n_engines];
    struct scope s = {.pool = pool};
    struct expr *p = *predicate;
    struct expr *three[] = {p, unary(&s, op_not, p->type, p), unary(&s, op_is_null, p->type, p)};
    int n_order = q->n_order;
    q->n_order = 0;
    *predicate = NULL;
    e->run(e, q, &t->got);
    result_clear(&t->sum);
    for (int i = 0; i < 3; i++) {
        *predicate = three[i];
        e->run(e, q, &t->part[i]);
        if (t->part[i].outcome != outcome_rows)
            complain(t, q, "answering each of three", t->part[i].message);
        append(&t->sum, &t->part[i]);
    }
    *predicate = p;
    expect_same(t, q, "splitting the predicate", &t->sum, &t->got);
    q->n_order = n_order;
    t->split++;
}

/* The clause whose three cases give all rows: HAVING of groups, else WHERE. */
static struct expr **clause_to_split(struct query *q)
{
    if (q->next || q->distinct || q->limit >= 0) return NULL;
    struct expr **p = q->grouped ? &q->having : &q->where;
    return *p ? p : NULL;
}

/* ---- the whole ---- */

static int64_t relations(const struct test *t)
{
    return t->split + t->swapped + t->partitions;
}

static void check_query(struct test *t, const struct database *db)
{
    struct pool pool = {0};
    struct query *q = case_query(t->seed, t->shape, 0, db, &pool);
    struct expr **clause = clause_to_split(q);
    t->engine[0]->run(t->engine[0], q, &t->base);
    if (!q->may_fail && t->base.outcome == outcome_rows && t->base.n_rows <= 100000) {
        check_partitions(t, q);
        check_swap(t, q);
        if (clause) check_split(t, q, clause, &pool);
    }
    pool_free(&pool);
}

static bool run(struct test *t, int64_t count)
{
    struct database db = {0};
    bool good = true;
    for (bool first = true; good && relations(t) < count && t->failures < max_failures;
         t->shape++, first = false) {
        if (first || t->shape % shapes_per_schema == 0) {
            database_free(&db);
            case_schema(t->seed, t->shape, &db);
            case_fill(t->seed, t->shape, 0, max_rows, &db);
            for (int i = 0; i < n_engines; i++)
                good = good && t->engine[i]->load(t->engine[i], &db);
        }
        if (good) check_query(t, &db);
    }
    database_free(&db);
    return good;
}

static void free_result(struct result *r)
{
    result_clear(r);
    free(r->cell);
}

int main(int argc, char **argv)
{
    static const int partitions[n_engines] = {1, 3, 8}, rows[n_engines] = {all_rows, 7, 100};
    struct test t = {.seed = 1};
    int64_t count = 5000;
    for (int i = 1; i < argc; i += 2) {
        char *end = "";
        int64_t n = i + 1 < argc ? strtoll(argv[i + 1], &end, 10) : -1;
        bool known = strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--count") == 0 ||
                     strcmp(argv[i], "--first-shape") == 0;
        if (!known || n < 0 || *end) {
            fprintf(stderr, "usage: test_metamorphic [--seed S] [--count N] [--first-shape N]\n");
            return 2;
        }
        *(argv[i][2] == 's' ? (int64_t *)&t.seed : argv[i][2] == 'c' ? &count : &t.shape) = n;
    }
    bool good = true;
    for (int i = 0; i < n_engines; i++) {
        t.engine[i] = open_weir("native", partitions[i], rows[i], 0);
        if (!t.engine[i]) return 1;
    }
    good = run(&t, count);
    printf("seed %llu: %lld relations hold over %lld shapes (%lld split predicates, %lld swapped "
           "joins, %lld other partitions), %lld do not\n",
           (unsigned long long)t.seed, (long long)(relations(&t) - t.failures), (long long)t.shape,
           (long long)t.split, (long long)t.swapped, (long long)t.partitions,
           (long long)t.failures);
    for (int i = 0; i < n_engines; i++) t.engine[i]->close(t.engine[i]);
    free_result(&t.base);
    free_result(&t.got);
    free_result(&t.sum);
    for (int i = 0; i < 3; i++) free_result(&t.part[i]);
    return t.failures || !good ? 1 : 0;
}
