/* AGGREGATE through the interpreter: random programs that end in a grouping, against groups made
   by hand from the rows of the naive interpreter. Integer sums only, so that every result is exact. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/native/groups.h"
#include "tests/runtime/native/eval_program.h"
#include "tests/runtime/native/random_batch.h"

#define MAX_KEYS 3
#define MAX_AGGS 4

/* ---- the naive grouping ---- */

struct group {
    struct ref_value key[MAX_KEYS];
    struct accumulator {
        int64_t n;
        weir_i128 sum;
        struct ref_value least, most;
        struct ref_value *seen; /* DISTINCT */
        uint32_t n_seen;
    } acc[MAX_AGGS];
};

struct grouping {
    const struct weir_pipeline *p;
    struct group *group;
    uint32_t n;
};

static bool same_key(const struct ref_value *a, const struct ref_value *b)
{
    return a->st || b->st ? a->st == b->st : values_equal(&a->v, &b->v);
}

static struct group *find_group(struct grouping *gs, const struct ref_value *key, uint32_t n_keys)
{
    for (uint32_t i = 0; i < gs->n; i++) {
        uint32_t k = 0;
        while (k < n_keys && same_key(&gs->group[i].key[k], &key[k])) k++;
        if (k == n_keys) return &gs->group[i];
    }
    gs->group = realloc(gs->group, (gs->n + 1) * sizeof *gs->group);
    struct group *g = &gs->group[gs->n++];
    memset(g, 0, sizeof *g);
    for (uint32_t k = 0; k < n_keys; k++) {
        g->key[k] = key[k];
        if (g->key[k].v.f == 0) g->key[k].v.f = 0; /* one group for 0 and -0, and it shows 0 */
    }
    return g;
}

/* The order of MIN and MAX: any NaN is the largest, -0 is before 0. */
static int order(const struct weir_value *x, const struct weir_value *y)
{
    bool is_float = weir_type_is_float(x->type);
    if (is_float && x->f == 0 && y->f == 0) return !signbit(x->f) - !signbit(y->f);
    return ref_compare(x, y);
}

static void accumulate(struct accumulator *a, const struct ref_value *x, bool distinct)
{
    if (!a->n || order(&x->v, &a->least.v) < 0) a->least = *x;
    if (!a->n || order(&x->v, &a->most.v) > 0) a->most = *x;
    if (distinct) {
        for (uint32_t i = 0; i < a->n_seen; i++)
            if (values_equal(&a->seen[i].v, &x->v)) return;
        a->seen = realloc(a->seen, (a->n_seen + 1) * sizeof *a->seen);
        a->seen[a->n_seen++] = *x;
    }
    a->n++;
    a->sum += weir_type_phys(x->v.type) <= WEIR_PHYS_I64 ? x->v.i : 0;
}

/* A row of the reference: keys, then for each aggregate whether it counts and its argument. */
static void group_row(void *ctx, const struct ref_value *v, uint32_t n)
{
    struct grouping *gs = ctx;
    uint32_t n_keys = weir_pipe_last(gs->p)->n;
    struct group *g = find_group(gs, v, n_keys);
    assert_int_equal(n, n_keys + 2 * gs->p->n_aggs);
    for (uint32_t a = 0; a < gs->p->n_aggs; a++) {
        const struct ref_value *counts = &v[n_keys + 2 * a], *x = counts + 1;
        if (!counts->st && counts->v.b && !x->st)
            accumulate(&g->acc[a], x, weir_pipe_agg(gs->p)[a].distinct);
    }
}

/* The result of aggregate AGG; false: the sum does not fit. */
static bool finish(const struct weir_pipe_agg *agg, const struct accumulator *a,
                   struct ref_value *out)
{
    *out = (struct ref_value){.st = a->n == 0, .v.type = agg->type};
    if (agg->fn == WEIR_AGG_COUNT) {
        out->st = 0;
        out->v.i = a->n;
    } else if (agg->fn == WEIR_AGG_SUM && agg->type.id == WEIR_TYPE_DECIMAL) {
        out->v.x = a->sum;
    } else if (agg->fn == WEIR_AGG_SUM) {
        int bits = 8 * (int)weir_phys_size(weir_type_phys(agg->type)) - 1;
        if (a->sum > ((weir_i128)1 << bits) - 1 || a->sum < -((weir_i128)1 << bits)) return false;
        out->v.i = (int64_t)a->sum;
    } else if (a->n) {
        out->v = agg->fn == WEIR_AGG_MIN ? a->least.v : a->most.v;
    }
    return true;
}

/* The result rows; false: one of the sums does not fit. */
static bool finish_groups(const struct grouping *gs, struct rows *out)
{
    uint32_t n_keys = weir_pipe_last(gs->p)->n;
    for (uint32_t i = 0; i < gs->n; i++) {
        struct ref_value v[MAX_KEYS + MAX_AGGS];
        memcpy(v, gs->group[i].key, n_keys * sizeof *v);
        for (uint32_t a = 0; a < gs->p->n_aggs; a++)
            if (!finish(weir_pipe_agg(gs->p) + a, &gs->group[i].acc[a], &v[n_keys + a]))
                return false;
        add_row(out, v, n_keys + gs->p->n_aggs);
    }
    return true;
}

static void free_groups(struct grouping *gs)
{
    for (uint32_t i = 0; i < gs->n; i++)
        for (int a = 0; a < MAX_AGGS; a++) free(gs->group[i].acc[a].seen);
    free(gs->group);
    memset(gs, 0, sizeof *gs);
}

/* ---- programs ---- */

static void add_aggregate(struct program *g)
{
    uint32_t key[MAX_KEYS], n_keys = rnd(MAX_KEYS + 1);
    for (uint32_t k = 0; k < n_keys; k++) key[k] = g->usable[rnd(g->n_usable)];
    for (uint32_t a = 1 + rnd(MAX_AGGS); a; a--) {
        static const uint8_t fns[] = {WEIR_AGG_COUNT, WEIR_AGG_SUM, WEIR_AGG_MIN, WEIR_AGG_MAX};
        struct weir_pipe_agg agg = {
            .fn = fns[rnd(4)], .arg = WEIR_REG_NONE, .filter = WEIR_REG_NONE};
        struct weir_type t = pick_type();
        while (agg.fn == WEIR_AGG_SUM &&
               (!weir_type_is_numeric(t) || weir_type_phys(t) > WEIR_PHYS_I64))
            t = pick_type();
        if (agg.fn != WEIR_AGG_COUNT || rnd(2)) {
            agg.arg = pick(g, t);
            agg.arg_type = weir_pipe_reg_type(g->b, agg.arg);
            agg.distinct = rnd(4) == 0;
        }
        if (rnd(3) == 0) agg.filter = pick(g, weir_type_make(WEIR_TYPE_BOOLEAN));
        assert_int_equal(weir_agg_type(agg.fn, agg.arg_type, &agg.type, NULL), 0);
        weir_pipe_add_agg(g->b, &agg);
    }
    struct weir_step s = {.kind = WEIR_STEP_AGGREGATE, .n = n_keys, .residual = WEIR_REG_NONE};
    s.first = weir_pipe_add_operands(g->b, key, (int)n_keys);
    weir_pipe_add_step(g->b, &s);
}

/* ---- running ---- */

static int emit_groups(const struct weir_group_layout *l, const struct weir_groups *groups,
                       struct rows *out, struct weir_error *err)
{
    struct weir_type type[MAX_KEYS + MAX_AGGS];
    struct ref_value v[MAX_KEYS + MAX_AGGS];
    struct weir_builder *b = NULL;
    struct weir_batch *batch = NULL;
    uint32_t n = l->n_keys + l->n_aggs;
    memcpy(type, l->key_type, l->n_keys * sizeof *type);
    for (uint32_t a = 0; a < l->n_aggs; a++) type[l->n_keys + a] = l->agg[a].type;
    int rc = weir_builder_new(NULL, (int)n, type, &b, err);
    if (!rc) rc = weir_groups_emit(groups, 0, weir_groups_count(groups), b, err);
    if (!rc) rc = weir_builder_finish(b, &batch, err);
    for (uint32_t i = 0; !rc && i < batch->n_rows; i++) {
        for (uint32_t c = 0; c < n; c++) {
            v[c].v = weir_column_value(&batch->col[c], i);
            v[c].st = v[c].v.is_null;
        }
        add_row(out, v, n);
    }
    weir_builder_free(b);
    weir_batch_unref(batch);
    return rc;
}

/* *EMITTED: whether the rows went through, so that what failed is the result of a sum. */
static int run_eval(const struct program *g, const struct tables *t, struct weir_batch *input,
                    struct rows *out, bool *emitted, struct weir_error *err)
{
    struct weir_arena arena = {0};
    struct weir_group_layout layout;
    struct weir_native_sink sink = {0};
    struct weir_eval *ev = NULL;
    int rc = weir_group_layout(&arena, g->p, &layout, err);
    if (!rc) rc = weir_groups_new(&layout, NULL, &sink.groups, err);
    if (!rc) rc = weir_eval_new(g->p, t->view, NULL, &sink, 0, &ev, err);
    if (!rc) rc = weir_eval_batch(ev, input, err);
    if (!rc) rc = weir_eval_finish(ev, err);
    *emitted = !rc;
    if (!rc) rc = emit_groups(&layout, sink.groups, out, err);
    weir_eval_free(ev);
    weir_groups_free(sink.groups);
    weir_arena_release(&arena);
    return rc;
}

/* The rows IDX[0 .. N) of INPUT, none of which fails. */
static void check_rows(const struct program *g, const struct tables *t, const struct ref_run *ref,
                       const int64_t *idx, size_t n, uint64_t seed)
{
    struct grouping gs = {.p = g->p};
    struct rows want = {0}, got = {0};
    struct weir_error err;
    struct ref_run r = *ref;
    bool emitted;
    r.ctx = &gs;
    if (!weir_pipe_last(g->p)->n) find_group(&gs, NULL, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(ref_push(&r, (uint32_t)idx[i]), 0);
    bool fits = finish_groups(&gs, &want);
    struct weir_batch *batch = subset(g, ref->input, idx, n);
    int rc = run_eval(g, t, batch, &got, &emitted, &err);
    if (!emitted || rc != (fits ? WEIR_OK : WEIR_ERR_DATA))
        fail_msg("seed %llu: %d %s", (unsigned long long)seed, rc, rc ? err.message : "");
    if (fits) same_rows(&want, &got, seed);
    weir_batch_unref(batch);
    clear_rows(&want);
    clear_rows(&got);
    free_groups(&gs);
}

static void drop_row(void *ctx, const struct ref_value *v, uint32_t n)
{
    (void)ctx, (void)v, (void)n;
}

static const uint32_t sizes[] = {0, 1, 2, 7, 100, 1023, 1024, 1025, 2048};

static void check_program(uint64_t seed)
{
    struct program g;
    struct tables t;
    struct weir_error err;
    struct rows none = {0};
    bool emitted;
    random_seed = seed * 0x9e3779b97f4a7c15u + 777;
    make_program(&g, random_seed, add_aggregate);
    build_tables(&g, &t);
    uint32_t n = sizes[rnd(g.p->n_tables ? 5 : 9)];
    struct weir_batch *input =
        random_batch(g.n_inputs, g.input, n, 1 + rnd(40), rnd(3) * 7, !g.tame && rnd(2));
    struct ref_run ref = {.p = g.p, .input = input, .row = drop_row};
    for (uint32_t k = 0; k < g.p->n_tables; k++) ref.build[k] = t.rows[k];
    int64_t *fine = malloc((n + 1) * sizeof *fine);
    size_t n_fine = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!ref_push(&ref, i)) fine[n_fine++] = i;
    ref.row = group_row;
    if (n_fine < n) {
        int rc = run_eval(&g, &t, input, &none, &emitted, &err);
        if (emitted || rc != WEIR_ERR_DATA)
            fail_msg("seed %llu: %zu rows fail, but %d", (unsigned long long)seed, n - n_fine, rc);
    }
    check_rows(&g, &t, &ref, fine, n_fine, seed);
    free(fine);
    weir_batch_unref(input);
    free_tables(&t);
    free_program(&g);
}

static void test_random_groupings(void **state)
{
    (void)state;
    const char *first = getenv("WEIR_TEST_SEED"), *count = getenv("WEIR_TEST_COUNT");
    uint64_t from = first ? strtoull(first, NULL, 10) : 1;
    uint64_t n = count ? strtoull(count, NULL, 10) : 2000 / WEIR_TEST_SHARE;
    for (uint64_t k = 0; k < n; k++) check_program(from + k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_groupings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
