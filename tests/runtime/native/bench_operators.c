/* What the operators cost a row on one core, over cardinalities, key types and duplicates: to see a
   cliff before a user does. usage: bench_operators [MILLIONS_OF_ROWS] (default 4) */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/native/jointable.h"
#include "runtime/native/sort.h"
#include "tests/runtime/native/group_setup.h"

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may be using the machine */
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x7fb5d329728ea185u;
    x ^= x >> 27;
    x *= 0x81dadef4bc2dd44du;
    return x ^ x >> 33;
}

enum shape { DENSE, SPARSE, TWO_KEYS, TEXT };
static const char *const shape_name[] = {"BIGINT dense", "BIGINT sparse", "INT, INT", "STRING"};

/* Key columns (one or two) for ROWS rows of DISTINCT random keys, and a DOUBLE. */
static struct weir_batch *make_rows(enum shape shape, uint32_t rows, uint64_t distinct,
                                    struct weir_type *types, int *n_keys)
{
    struct weir_builder *b;
    struct weir_batch *out;
    *n_keys = shape == TWO_KEYS ? 2 : 1;
    types[0] = shape == TEXT       ? weir_type_string()
               : shape == TWO_KEYS ? weir_type_make(WEIR_TYPE_INT)
                                   : weir_type_make(WEIR_TYPE_BIGINT);
    types[1] = weir_type_make(WEIR_TYPE_INT);
    types[*n_keys] = weir_type_make(WEIR_TYPE_DOUBLE);
    if (weir_builder_new(NULL, *n_keys + 1, types, &b, NULL)) abort();
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t k = mix(i) % distinct;
        char text[32];
        if (shape == TEXT)
            weir_builder_str(b, 0, text,
                             (size_t)sprintf(text, "customer#%07llu", (unsigned long long)k));
        else if (shape == TWO_KEYS)
            weir_builder_i64(b, 0, (int64_t)(k / 100)), weir_builder_i64(b, 1, (int64_t)(k % 100));
        else
            weir_builder_i64(b, 0, (int64_t)(shape == SPARSE ? mix(k + 12345) : k));
        weir_builder_f64(b, *n_keys, (double)(i % 1000) / 7);
    }
    if (weir_builder_finish(b, &out, NULL)) abort();
    weir_builder_free(b);
    return out;
}

static void bench_groups(enum shape shape, uint32_t rows, uint64_t distinct)
{
    struct setup s;
    struct weir_type types[3];
    int n_keys;
    struct weir_batch *b = make_rows(shape, rows, distinct, types, &n_keys);
    setup_init(&s, n_keys, types);
    setup_agg(&s, WEIR_AGG_SUM, types[n_keys], false, false);
    setup_agg(&s, WEIR_AGG_COUNT, weir_type_make(WEIR_TYPE_NULL), false, false);
    setup_done(&s);
    struct vectors *v = malloc(sizeof *v);
    struct weir_groups *g;
    double best = 1e30;
    for (int run = 0; run < 3; run++) {
        if (weir_groups_new(&s.layout, NULL, &g, NULL)) abort();
        double start = now_ns();
        for (uint32_t from = 0; from < rows; from += WEIR_VECTOR) {
            uint32_t n = rows - from < WEIR_VECTOR ? rows - from : WEIR_VECTOR;
            if (setup_update(&s, g, v, b, from, n, NULL)) abort();
        }
        double t = now_ns() - start;
        best = t < best ? t : best;
        if (run < 2) weir_groups_free(g);
    }
    printf("group by %-14s %9llu groups %7.2f ns/row\n", shape_name[shape],
           (unsigned long long)weir_groups_count(g), best / rows);
    weir_groups_free(g);
    weir_batch_unref(b);
    setup_free(&s);
    free(v);
}

/* Two tables of GROUPS random groups each, half of them shared, merged in parts and emitted. */
static void bench_merge(enum shape shape, uint32_t groups)
{
    struct setup s;
    struct weir_type types[3];
    struct weir_groups *from[2], *to;
    struct vectors *v = malloc(sizeof *v);
    int n_keys;
    struct weir_batch *b = make_rows(shape, groups * 2, groups, types, &n_keys), *out;
    setup_init(&s, n_keys, types);
    setup_agg(&s, WEIR_AGG_SUM, types[n_keys], false, false);
    setup_agg(&s, WEIR_AGG_COUNT, weir_type_make(WEIR_TYPE_NULL), false, false);
    setup_done(&s);
    for (uint32_t i = 0; i < 2; i++) {
        if (weir_groups_new(&s.layout, NULL, &from[i], NULL)) abort();
        for (uint32_t at = i * groups; at + WEIR_VECTOR <= (i + 1) * groups; at += WEIR_VECTOR)
            if (setup_update(&s, from[i], v, b, at, WEIR_VECTOR, NULL)) abort();
    }
    size_t merged = weir_groups_count(from[0]) + weir_groups_count(from[1]), count = 0;
    double start = now_ns(), merge = 0, emit = 0;
    for (uint32_t part = 0; part < 2; part++) {
        start = now_ns();
        if (weir_groups_new(&s.layout, NULL, &to, NULL)) abort();
        for (uint32_t i = 0; i < 2; i++)
            if (weir_groups_merge_part(to, from[i], part, 2, NULL)) abort();
        merge += now_ns() - start;
        start = now_ns();
        if (setup_emit(&s, to, &out, NULL)) abort();
        emit += now_ns() - start;
        count += out->n_rows;
        weir_batch_unref(out);
        weir_groups_free(to);
    }
    printf("merge %-14s %9zu into %9zu groups %6.2f ns/group, emit %6.2f ns/group\n",
           shape_name[shape], merged, count, merge / (double)merged, emit / (double)count);
    weir_groups_free(from[0]);
    weir_groups_free(from[1]);
    weir_batch_unref(b);
    setup_free(&s);
    free(v);
}

/* COUNT(DISTINCT key) of ROWS rows, alone or in 1000 groups. */
static void bench_distinct(enum shape shape, uint32_t rows, uint64_t distinct, bool keyed)
{
    struct setup s;
    struct weir_type types[3], key = weir_type_make(WEIR_TYPE_DOUBLE);
    int n_keys;
    struct weir_batch *b = make_rows(shape, rows, distinct, types, &n_keys);
    struct vectors *v = malloc(sizeof *v);
    struct weir_groups *g;
    setup_init(&s, keyed, &key);
    setup_agg(&s, WEIR_AGG_COUNT, types[0], true, false);
    setup_done(&s);
    if (weir_groups_new(&s.layout, NULL, &g, NULL)) abort();
    double start = now_ns();
    for (uint32_t from = 0; from < rows; from += WEIR_VECTOR) {
        uint32_t n = rows - from < WEIR_VECTOR ? rows - from : WEIR_VECTOR;
        vectors_of(v, b, from, n);
        if (weir_groups_update(g, n, &v->ptr[n_keys], v->ptr, NULL, NULL)) abort();
    }
    printf("count distinct %-14s %9llu values, %4zu groups %7.2f ns/row\n", shape_name[shape],
           (unsigned long long)distinct, weir_groups_count(g), (now_ns() - start) / rows);
    weir_groups_free(g);
    weir_batch_unref(b);
    setup_free(&s);
    free(v);
}

static void bench_no_keys(uint32_t rows)
{
    struct setup s;
    struct weir_type types[3];
    int n_keys;
    struct weir_batch *b = make_rows(DENSE, rows, 1000, types, &n_keys);
    struct weir_vec arg[2];
    struct vectors *v = malloc(sizeof *v);
    for (int fn = 0; fn < WEIR_AGG_FN_COUNT_; fn++)
        for (int column = 0; column < 2; column++) {
            if (column == 0 && fn >= WEIR_AGG_STDDEV_POP) continue;
            struct weir_groups *g;
            setup_init(&s, 0, NULL);
            setup_agg(&s, (enum weir_agg_fn)fn, types[column], false, false);
            setup_done(&s);
            if (weir_groups_new(&s.layout, NULL, &g, NULL)) abort();
            double start = now_ns();
            for (uint32_t from = 0; from < rows; from += WEIR_VECTOR) {
                uint32_t n = rows - from < WEIR_VECTOR ? rows - from : WEIR_VECTOR;
                arg[0] = weir_vec_of_column(&b->col[column], from, n, v->scratch[0], v->states[0]);
                if (weir_groups_update(g, n, NULL, (const struct weir_vec *[]){arg}, NULL, NULL))
                    abort();
            }
            printf("%-11s of %-6s, one group %21.2f ns/row\n", weir_agg_name((enum weir_agg_fn)fn),
                   column ? "DOUBLE" : "BIGINT", (now_ns() - start) / rows);
            weir_groups_free(g);
            setup_free(&s);
        }
    weir_batch_unref(b);
    free(v);
}

static void bench_join(enum shape shape, uint32_t build_rows, uint32_t distinct, uint32_t rows)
{
    struct weir_type types[3];
    int n_keys;
    struct weir_batch *b = make_rows(shape, build_rows, distinct, types, &n_keys);
    struct weir_batch *p = make_rows(shape, rows, distinct, types, &n_keys);
    struct weir_join_table *t;
    struct vectors *v = malloc(sizeof *v);
    uint32_t begin[WEIR_VECTOR], end[WEIR_VECTOR];
    uint64_t matches = 0;
    double start = now_ns(), built;
    if (weir_join_build(NULL, &b, 1, types, n_keys + 1, n_keys, &t, NULL)) abort();
    built = now_ns();
    for (uint32_t from = 0; from < rows; from += WEIR_VECTOR) {
        uint32_t n = rows - from < WEIR_VECTOR ? rows - from : WEIR_VECTOR;
        vectors_of(v, p, from, n);
        if (weir_join_lookup(t, n, v->ptr, begin, end)) abort();
        for (uint32_t i = 0; i < n; i++) matches += end[i] - begin[i];
    }
    printf("join %-14s %9u rows %9u keys%s: build %6.2f ns/row, probe %6.2f ns/row, %.3g matches\n",
           shape_name[shape], build_rows, distinct, t->dense ? " (dense)" : "",
           (built - start) / build_rows, (now_ns() - built) / rows, (double)matches);
    weir_join_free(t);
    weir_batch_unref(b);
    weir_batch_unref(p);
    free(v);
}

static void bench_sort(enum shape shape, uint32_t rows, int64_t limit)
{
    struct weir_type types[3];
    int n_keys;
    struct weir_batch *b = make_rows(shape, rows, rows, types, &n_keys);
    struct weir_sort_column key[2] = {{0, false, true}, {1, true, false}};
    int64_t *idx;
    size_t n;
    double start = now_ns();
    if (weir_sort_order(b, key, n_keys, limit, &idx, &n, NULL)) abort();
    printf("sort %-14s %9u rows, limit %6lld %10.2f ns/row\n", shape_name[shape], rows,
           (long long)limit, (now_ns() - start) / rows);
    weir_free(idx);
    weir_batch_unref(b);
}

int main(int argc, char **argv)
{
    uint32_t rows = (uint32_t)(argc > 1 ? atoi(argv[1]) : 4) * 1000000u;
    bench_no_keys(rows);
    static const uint64_t groups[] = {1, 2, 8, 9, 100, 1000, 10000, 100000, 1000000, 10000000};
    for (int shape = DENSE; shape <= TEXT; shape++)
        for (int i = 0; i < 10 && groups[i] <= 2 * (uint64_t)rows; i++)
            bench_groups((enum shape)shape, rows, groups[i]);
    for (int shape = DENSE; shape <= TEXT; shape++) {
        bench_merge((enum shape)shape, 2048);
        bench_merge((enum shape)shape, rows / 4);
        for (uint64_t distinct = 10; distinct <= 1000000; distinct *= 100)
            for (int keyed = 0; keyed < 2; keyed++)
                bench_distinct((enum shape)shape, rows, distinct, keyed);
    }
    for (int shape = DENSE; shape <= TEXT; shape++)
        for (uint32_t distinct = 1; distinct <= 1000000; distinct *= 10)
            bench_join((enum shape)shape, 1000000, distinct, rows);
    bench_join(DENSE, 1000, 1000, rows);
    bench_join(SPARSE, 1000, 1000, rows);
    for (int shape = DENSE; shape <= TEXT; shape++) {
        bench_sort((enum shape)shape, rows, -1);
        bench_sort((enum shape)shape, rows, 100);
    }
    return 0;
}
