/* A whole job with a device in mode AUTO: it begins natively, the device takes over when batches of
   its size come faster and does not when they come slower, and the groups are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "runtime/exec/exec.h"
#include "tests/runtime/place/fake_device.h"

#define KEYS  7
#define SLOTS 2

/* ---- a source of the numbers 0, 1, … that is slow with batches of one of the two sizes ---- */

struct numbers {
    struct weir_source base;
    struct weir_field field;
    bool slow_when_large;
    _Atomic uint64_t next, large; /* rows made; of these in large batches */
    uint64_t want_large, most;    /* the end comes after so many large ones, or so many in all */
};

struct weir_reader {
    struct numbers *source;
    struct weir_builder *builder;
};

static int plan_splits(struct weir_source *s, int want, int *n_splits, struct weir_error *err)
{
    (void)s, (void)err;
    *n_splits = want;
    return 0;
}

static int open_split(struct weir_source *s, int split, const int *columns, int n_columns,
                      struct weir_pool *pool, struct weir_reader **out, struct weir_error *err)
{
    (void)split, (void)columns;
    struct numbers *n = (struct numbers *)s;
    assert_int_equal(n_columns, 1);
    *out = weir_calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->source = n;
    return weir_builder_new(pool, 1, &n->field.type, &(*out)->builder, err);
}

static int next(struct weir_reader *r, uint32_t max_rows, struct weir_batch **out,
                struct weir_error *err)
{
    struct numbers *n = r->source;
    const struct timespec pause = {.tv_nsec = 4000000};
    bool large = max_rows > WEIR_BATCH_ROWS;
    uint32_t rows = large ? 4000 : 1000;
    if (atomic_load(&n->large) >= n->want_large || atomic_load(&n->next) >= n->most) return 0;
    if (large == n->slow_when_large) nanosleep(&pause, NULL);
    uint64_t first = atomic_fetch_add(&n->next, rows);
    if (large) atomic_fetch_add(&n->large, rows);
    for (uint32_t i = 0; i < rows; i++) weir_builder_i64(r->builder, 0, (int64_t)(first + i));
    int rc = weir_builder_finish(r->builder, out, err);
    return rc ? rc : 1;
}

static void close_split(struct weir_reader *r)
{
    if (r) weir_builder_free(r->builder);
    weir_free(r);
}

static const struct weir_source_ops number_ops = {
    .plan_splits = plan_splits, .open_split = open_split, .next = next, .close = close_split};

/* ---- a sink that keeps the groups ---- */

struct groups {
    struct weir_sink base;
    int n;
    int64_t count[KEYS], sum[KEYS];
};

static int sink_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    (void)s, (void)n_slots, (void)err;
    return 0;
}

static int sink_write(struct weir_sink *s, int slot, const struct weir_batch *b,
                      struct weir_error *err)
{
    (void)slot, (void)err;
    struct groups *g = (struct groups *)s;
    for (uint32_t i = 0; i < b->n_rows; i++) {
        int64_t key = weir_column_value(&b->col[0], i).i;
        assert_in_range(key, 0, KEYS - 1);
        g->count[key] = weir_column_value(&b->col[1], i).i;
        g->sum[key] = weir_column_value(&b->col[2], i).i;
        g->n++;
    }
    return 0;
}

static const struct weir_sink_ops group_ops = {.open = sink_open, .write = sink_write};

/* ---- SELECT x % 7, COUNT(*), SUM(x) FROM numbers GROUP BY x % 7 ---- */

static struct weir_node *plan(struct weir_arena *a, struct numbers *n)
{
    struct weir_pos none = {0};
    struct weir_type t = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_value seven = {.type = t, .i = KEYS};
    struct weir_node *scan = weir_node_new(a, WEIR_NODE_SCAN, 0, 1);
    scan->scan.source = &n->base;
    scan->scan.rowtime = -1;
    scan->schema.field[0] = n->field;
    struct weir_expr *x = weir_expr_column(a, 0, t, none);
    struct weir_expr *key = weir_expr_new(a, WEIR_OP_MOD, t, none, 2);
    key->arg[0] = x;
    key->arg[1] = weir_expr_const(a, &seven, none);
    struct weir_node *group = weir_node_new(a, WEIR_NODE_AGGREGATE, 1, 3);
    group->input[0] = scan;
    group->aggregate.n_keys = 1;
    group->aggregate.key = weir_arena_alloc(a, sizeof key);
    group->aggregate.key[0] = key;
    group->aggregate.n_aggs = 2;
    group->aggregate.agg = weir_arena_alloc(a, 2 * sizeof *group->aggregate.agg);
    group->aggregate.agg[0] = (struct weir_agg){.fn = WEIR_AGG_COUNT, .type = t};
    group->aggregate.agg[1] = (struct weir_agg){.fn = WEIR_AGG_SUM, .arg = x, .type = t};
    group->aggregate.window_end_key = -1;
    for (int i = 0; i < 3; i++) group->schema.field[i] = (struct weir_field){"c", t};
    return group;
}

static void expect_groups(const struct groups *g, int64_t rows)
{
    assert_int_equal(g->n, KEYS);
    for (int64_t k = 0; k < KEYS; k++) {
        int64_t n = (rows - k + KEYS - 1) / KEYS;
        assert_int_equal(g->count[k], n);
        assert_int_equal(g->sum[k], n * k + KEYS * n * (n - 1) / 2);
    }
}

/* Rows that the device took. */
static uint64_t run(struct numbers *n, struct weir_stats *stats)
{
    struct weir_arena arena;
    struct weir_stages stages;
    struct weir_error err = {0};
    struct weir_backend *device = fake_device(FAKE_GOOD);
    struct groups sink = {.base = {.ops = &group_ops, .name = "groups"}};
    n->base = (struct weir_source){
        .ops = &number_ops, .name = "numbers", .bounded = true, .est_rows = 1000000000000};
    n->field = (struct weir_field){"x", weir_type_make(WEIR_TYPE_BIGINT)};
    n->base.schema = (struct weir_schema){1, &n->field};
    weir_arena_init(&arena);
    const struct weir_exec_stream stream = {.name = "numbers",
                                            .n_slots = SLOTS,
                                            .mode = WEIR_MODE_AUTO,
                                            .device = &device,
                                            .n_devices = 1};
    struct weir_exec_options o = {.stream = &stream, .n_streams = 1};
    assert_int_equal(weir_workers_new(SLOTS, NULL, NULL, &o.workers, &err), 0);
    assert_int_equal(weir_stages_lower(&arena, plan(&arena, n), &stages, &err), 0);
    assert_int_equal(weir_stats_init(stats, stages.n_stages), 0);
    if (weir_exec_run(&stages, &o, &sink.base, stats, &err)) fail_msg("%s", err.message);
    expect_groups(&sink, (int64_t)atomic_load(&n->next));
    weir_stages_release(&stages);
    weir_workers_free(o.workers);
    weir_arena_release(&arena);
    uint64_t rows = 0, all = 0;
    const struct weir_stage_stats *st = &stats->stage[0];
    for (int i = 0; i < st->n_by; i++) {
        all += st->by[i].rows;
        if (!strcmp(st->by[i].backend, "fake:0")) rows = st->by[i].rows;
    }
    assert_int_equal(all, atomic_load(&n->next));
    assert_int_equal(st->n_fallbacks, 0);
    return rows;
}

static void test_the_faster_device_takes_over(void **state)
{
    (void)state;
    struct numbers n = {.slow_when_large = false, .want_large = 4000000, .most = UINT64_MAX};
    struct weir_stats stats;
    uint64_t rows = run(&n, &stats);
    /* It began natively, and a batch read for one may still be pushed to the other. */
    assert_true(rows > n.want_large / 2 && rows < atomic_load(&n.next));
    assert_int_equal(strncmp(stats.stage[0].note, "fake:0: native ", 15), 0);
    weir_stats_release(&stats);
}

static void test_the_slower_device_does_not(void **state)
{
    (void)state;
    struct numbers n = {.slow_when_large = true, .want_large = 4000 * 48, .most = 40000000};
    struct weir_stats stats;
    uint64_t rows = run(&n, &stats);
    assert_true(rows < atomic_load(&n.next) / 2);
    if (rows) assert_int_equal(strncmp(stats.stage[0].note, "native", 6), 0);
    weir_stats_release(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_faster_device_takes_over),
                                       cmocka_unit_test(test_the_slower_device_does_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
