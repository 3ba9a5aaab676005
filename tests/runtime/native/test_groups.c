/* The group table against a naive reference: lists of rows for each group, sums in 113-bit floats
   and 128-bit integers. Random keys, functions, NULLs, filters and DISTINCT; merging by parts and
   by rows; removal; reuse. Compiled a second time with all hashes equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/runtime/native/group_setup.h"

typedef __float128 quad;

/* ---- the reference ---- */

struct reference {
    const struct setup *s;
    const struct weir_batch *rows;
    uint32_t *leader; /* [rows]: the first row of the same group */
};

static bool same_group(const struct reference *r, uint32_t a, uint32_t b)
{
    for (int k = 0; k < r->s->n_keys; k++) {
        struct weir_value x = weir_column_value(&r->rows->col[k], a);
        struct weir_value y = weir_column_value(&r->rows->col[k], b);
        if (x.is_null || y.is_null ? x.is_null != y.is_null : !values_equal(&x, &y)) return false;
    }
    return true;
}

static struct reference reference_of(const struct setup *s, const struct weir_batch *rows)
{
    struct reference r = {s, rows, malloc(rows->n_rows * sizeof(uint32_t) + 1)};
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        uint32_t j = 0;
        while (j < i && (r.leader[j] != j || !same_group(&r, j, i))) j++;
        r.leader[i] = j;
    }
    return r;
}

static quad to_quad(const struct weir_value *v)
{
    enum weir_phys p = weir_type_phys(v->type);
    if (p == WEIR_PHYS_F32 || p == WEIR_PHYS_F64) return (quad)v->f;
    if (p == WEIR_PHYS_BOOL) return v->b;
    return p == WEIR_PHYS_I128 ? (quad)v->x : (quad)v->i;
}

static weir_i128 to_i128(const struct weir_value *v)
{
    return weir_type_phys(v->type) == WEIR_PHYS_I128 ? v->x : v->i;
}

/* SQL's order, with the table's tie-breaker for zeros. */
static int order(const struct weir_value *a, const struct weir_value *b)
{
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return (a->b > b->b) - (a->b < b->b);
    case WEIR_PHYS_I128: return (a->x > b->x) - (a->x < b->x);
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64:
        if (isnan(a->f) || isnan(b->f)) return !!isnan(a->f) - !!isnan(b->f);
        if (a->f == b->f) return !!signbit(b->f) - !!signbit(a->f);
        return (a->f > b->f) - (a->f < b->f);
    case WEIR_PHYS_STR: {
        size_t n = a->s.len < b->s.len ? a->s.len : b->s.len;
        int c = n ? memcmp(a->s.data, b->s.data, n) : 0;
        return c ? c : (a->s.len > b->s.len) - (a->s.len < b->s.len);
    }
    default: return (a->i > b->i) - (a->i < b->i);
    }
}

/* The values of aggregate A that count in the group of row LEADER; returns how many. */
static uint32_t values_of(const struct reference *r, int a, uint32_t leader, struct weir_value *out)
{
    const struct setup *s = r->s;
    const struct weir_batch *b = r->rows;
    const struct weir_pipe_agg *agg = &s->p.agg[a];
    bool distinct = agg->distinct && agg->fn != WEIR_AGG_MIN && agg->fn != WEIR_AGG_MAX;
    uint32_t n = 0;
    for (uint32_t i = leader; i < b->n_rows; i++) {
        struct weir_value v = {.type = weir_type_make(WEIR_TYPE_BIGINT)};
        if (r->leader[i] != leader) continue;
        if (s->filter_col[a] >= 0) {
            v = weir_column_value(&b->col[s->filter_col[a]], i);
            if (v.is_null || !v.b) continue;
        }
        if (s->arg_col[a] >= 0) v = weir_column_value(&b->col[s->arg_col[a]], i);
        bool seen = v.is_null;
        for (uint32_t j = 0; distinct && j < n && !seen; j++) seen = values_equal(&out[j], &v);
        if (!seen) out[n++] = v;
    }
    return n;
}

static bool near(double got, quad want)
{
    double w = (double)want;
    if (isnan(w) || isinf(w) || w == 0) return isnan(w) ? isnan(got) : got == w;
    return got >= nextafter(w, -INFINITY) && got <= nextafter(w, INFINITY);
}

/* Exact results: *FITS says whether the type can hold them. */
static weir_i128 exact(const struct weir_pipe_agg *agg, const struct weir_value *v, uint32_t n,
                       bool *fits)
{
    weir_i128 sum = 0, limit;
    for (uint32_t i = 0; i < n; i++) sum += to_i128(&v[i]);
    if (agg->fn == WEIR_AGG_AVG && agg->type.id == WEIR_TYPE_DECIMAL) {
        weir_i128 p = sum * weir_pow10_i128[agg->type.scale - agg->arg_type.scale];
        sum = (2 * p + (p < 0 ? -(weir_i128)n : (weir_i128)n)) / (2 * (weir_i128)n);
    } else if (agg->fn == WEIR_AGG_AVG) {
        sum /= (weir_i128)n;
    }
    if (agg->type.id == WEIR_TYPE_DECIMAL) {
        limit = weir_pow10_i128[agg->type.precision];
        *fits = sum < limit && sum > -limit;
    } else {
        limit = (weir_i128)1 << (8 * weir_phys_size(weir_type_phys(agg->type)) - 1);
        *fits = sum < limit && sum >= -limit;
    }
    return sum;
}

static bool right_float(const struct weir_pipe_agg *agg, const struct weir_value *v, uint32_t n,
                        double got)
{
    quad sum = 0, huge = 0, squares = 0, x; /* a quad cannot hold 1e300 + 1 */
    bool squares_overflow = false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_huge = fabs(v[i].f) > 1e200 && fabs(v[i].f) < INFINITY;
        if (is_huge && weir_type_is_float(v[i].type))
            huge += to_quad(&v[i]);
        else
            sum += to_quad(&v[i]);
        squares_overflow |= fabs(v[i].f) > 1e150 && fabs(v[i].f) < INFINITY;
    }
    if (agg->fn >= WEIR_AGG_STDDEV_POP && squares_overflow && n > 1)
        return isnan(got) || got > 1e150;
    bool cancelled = huge == 0 && squares_overflow;
    sum += huge;
    switch (agg->fn) {
    case WEIR_AGG_SUM: x = sum; break;
    case WEIR_AGG_AVG: x = sum / n; break;
    default:
        for (uint32_t i = 0; i < n; i++)
            squares += (to_quad(&v[i]) - sum / n) * (to_quad(&v[i]) - sum / n);
        x = squares / (agg->fn == WEIR_AGG_VAR_SAMP || agg->fn == WEIR_AGG_STDDEV_SAMP ? n - 1 : n);
        if (agg->fn == WEIR_AGG_STDDEV_POP || agg->fn == WEIR_AGG_STDDEV_SAMP)
            return near(got * got, x) ||
                   fabs(got * got - (double)x) <= 6e-16 * fabs((double)x) + 1e-25 ||
                   (isnan(got) && isnan((double)x));
        return isnan((double)x) ? isnan(got)
                                : fabs(got - (double)x) <= 4e-16 * fabs((double)x) + 1e-25;
    }
    if (agg->type.id == WEIR_TYPE_FLOAT && !isnan((double)x) && !isinf((double)x))
        return (float)got >= nextafterf((float)x, -INFINITY) &&
               (float)got <= nextafterf((float)x, INFINITY);
    if (cancelled) return near(got, x) || fabs(got - (double)x) <= n * 2e-16 * fabs((double)x);
    return near(got, x);
}

/* Is GOT the result of aggregate A over N values? *FITS is false where it must be an error. */
static bool right(const struct weir_pipe_agg *agg, const struct weir_value *v, uint32_t n,
                  const struct weir_value *got, bool *fits)
{
    *fits = true;
    if (agg->fn == WEIR_AGG_COUNT) return !got->is_null && got->i == n;
    bool samp = agg->fn == WEIR_AGG_STDDEV_SAMP || agg->fn == WEIR_AGG_VAR_SAMP;
    if (!n || (samp && n < 2)) return got->is_null;
    if (agg->fn == WEIR_AGG_MIN || agg->fn == WEIR_AGG_MAX) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < n; i++) {
            int c = order(&v[i], &v[best]);
            if (agg->fn == WEIR_AGG_MIN ? c < 0 : c > 0) best = i;
        }
        return !got->is_null && order(&v[best], got) == 0;
    }
    if (weir_type_is_float(agg->type)) return !got->is_null && right_float(agg, v, n, got->f);
    weir_i128 x = exact(agg, v, n, fits);
    return !*fits || (!got->is_null && to_i128(got) == x);
}

/* Does the reference have a result that its type cannot hold? */
static bool overflows(const struct reference *r)
{
    struct weir_value *v = malloc((r->rows->n_rows + 1) * sizeof *v), null = {.is_null = true};
    bool all = true;
    for (uint32_t i = 0; i < r->rows->n_rows && all; i++)
        for (int a = 0; r->leader[i] == i && a < r->s->n_aggs && all; a++)
            (void)right(&r->s->p.agg[a], v, values_of(r, a, i, v), &null, &all);
    free(v);
    return !all;
}

/* GOT holds exactly the reference's groups for which KEEP (NULL: all) says so. */
static void check(const struct reference *r, const struct weir_batch *got, const bool *keep)
{
    const struct setup *s = r->s;
    struct weir_value *v = malloc((r->rows->n_rows + 1) * sizeof *v);
    uint32_t groups = 0;
    for (uint32_t i = 0; i < r->rows->n_rows; i++)
        groups += r->leader[i] == i && (!keep || keep[i]);
    if (s->n_keys) assert_int_equal(got->n_rows, groups);
    for (uint32_t i = 0; i < r->rows->n_rows; i++) {
        uint32_t row = 0;
        if (r->leader[i] != i || (keep && !keep[i])) continue;
        for (; row < got->n_rows; row++) {
            bool same = true;
            for (int k = 0; k < s->n_keys && same; k++) {
                struct weir_value x = weir_column_value(&r->rows->col[k], i);
                struct weir_value y = weir_column_value(&got->col[k], row);
                same = x.is_null || y.is_null ? x.is_null == y.is_null : values_equal(&x, &y);
            }
            if (same) break;
        }
        assert_true(row < got->n_rows);
        for (int a = 0; a < s->n_aggs; a++) {
            bool fits;
            uint32_t n = values_of(r, a, i, v);
            struct weir_value x = weir_column_value(&got->col[s->n_keys + a], row);
            if (!right(&s->p.agg[a], v, n, &x, &fits))
                fail_msg("%s%s over type %d, %u values, null %d f %.17g i %lld",
                         weir_agg_name(s->p.agg[a].fn), s->p.agg[a].distinct ? " DISTINCT" : "",
                         s->p.agg[a].arg_type.id, n, x.is_null, x.is_null ? 0 : x.f,
                         x.is_null ? 0 : (long long)x.i);
        }
    }
    free(v);
}

/* ---- random aggregations ---- */

static void random_setup(struct setup *s, bool distinct)
{
    struct weir_type key[MAX_KEYS];
    int n_keys = (int)rnd(MAX_KEYS + 1);
    for (int k = 0; k < n_keys; k++) key[k] = random_type();
    setup_init(s, n_keys, key);
    for (uint32_t n = 1 + rnd(MAX_AGGS); n;) {
        struct weir_type arg = random_type(), ret;
        enum weir_agg_fn fn = rnd(WEIR_AGG_FN_COUNT_);
        bool count_all = fn == WEIR_AGG_COUNT && rnd(3) == 0;
        if (count_all) arg = weir_type_make(WEIR_TYPE_NULL);
        if (fn >= WEIR_AGG_STDDEV_POP) arg = weir_type_make(WEIR_TYPE_DOUBLE);
        if (weir_agg_type(fn, arg, &ret, NULL)) continue;
        setup_agg(s, fn, arg, !count_all && distinct && rnd(3) == 0, rnd(3) == 0);
        n--;
    }
    setup_done(s);
}

static struct weir_batch *random_rows(const struct setup *s, uint32_t n)
{
    static const uint32_t distinct[] = {1, 2, 5, 40, 1000};
    return random_batch(s->n_cols, s->types, n, distinct[rnd(5)], rnd(3) * 4, rnd(4) == 0);
}

/* All rows of B, in vectors of random length, to random tables of G[0..n). */
static void feed(const struct setup *s, struct weir_groups **g, uint32_t n, struct vectors *v,
                 const struct weir_batch *b)
{
    for (uint32_t from = 0, m; from < b->n_rows; from += m) {
        m = 1 + rnd(rnd(2) ? WEIR_VECTOR : 20);
        if (m > b->n_rows - from) m = b->n_rows - from;
        assert_int_equal(setup_update(s, g[rnd(n)], v, b, from, m, NULL), 0);
    }
}

/* Emit G and check it, or that it refuses where the reference does not fit. */
static void check_table(const struct reference *r, const struct weir_groups *g, const bool *keep)
{
    struct weir_batch *out;
    struct weir_error err;
    int rc = setup_emit(r->s, g, &out, &err);
    if (rc) {
        assert_int_equal(rc, WEIR_ERR_DATA);
        assert_non_null(strstr(err.message, "3:1"));
        assert_true(overflows(r));
        return;
    }
    check(r, out, keep);
    weir_batch_unref(out);
}

static void test_update(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    for (int round = 0; round < 500 / WEIR_TEST_SHARE; round++) {
        struct setup s;
        struct weir_groups *g;
        struct weir_pool pool = {.name = "test"};
        random_setup(&s, true);
        struct weir_batch *b = random_rows(&s, rnd(round % 10 ? 300 : 2500));
        struct reference r = reference_of(&s, b);
        assert_int_equal(weir_groups_new(&s.layout, &pool, &g, NULL), 0);
        if (!s.n_keys) assert_int_equal(weir_groups_count(g), 1);
        feed(&s, &g, 1, v, b);
        check_table(&r, g, NULL);
        assert_int_equal(weir_groups_clear(g, NULL), 0);
        assert_int_equal(weir_groups_count(g), s.n_keys ? 0 : 1);
        feed(&s, &g, 1, v, b);
        check_table(&r, g, NULL);
        weir_groups_free(g);
        assert_int_equal(pool.used, 0);
        free(r.leader);
        weir_batch_unref(b);
        setup_free(&s);
    }
    free(v);
}

/* Tables that take each other's parts over, where they are: their union is the whole. */
static void test_exchange(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    uint32_t exchanged = 0;
    for (int round = 0; round < 100 / WEIR_TEST_SHARE; round++) {
        struct setup s;
        struct weir_groups *g[4], *all;
        struct weir_groups_rows rows[4];
        random_setup(&s, rnd(4) == 0);
        struct weir_batch *b =
            random_batch(s.n_cols, s.types, 800 + rnd(1200), 1000, rnd(3) * 4, rnd(4) == 0);
        int n = 2 + (int)rnd(3);
        struct weir_pool pool = {.name = "test", .limit = 1 << 18}; /* small chunks … */
        for (int i = 0; i < n; i++)
            assert_int_equal(weir_groups_new(&s.layout, &pool, &g[i], NULL), 0);
        pool.limit = 0; /* … and room for them */
        feed(&s, g, (uint32_t)n, v, b);
        if (weir_groups_can_exchange(g, n)) {
            struct reference r = reference_of(&s, b);
            for (int i = 0; i < n; i++)
                assert_int_equal(weir_groups_rows_of(g[i], &rows[i], NULL), 0);
            for (int k = 0; k < n * n; k++) /* whoever is first has changed his own table by then */
                if (k / n != k % n)
                    assert_int_equal(weir_groups_take_part(g[k / n], &rows[k % n],
                                                           (uint32_t)(k / n), (uint32_t)n, NULL),
                                     0);
            assert_int_equal(weir_groups_new(&s.layout, &pool, &all, NULL), 0);
            size_t sum = 0;
            for (int i = 0; i < n; i++) {
                weir_groups_keep_part(g[i], (uint32_t)i, (uint32_t)n);
                sum += weir_groups_count(g[i]);
                assert_int_equal(weir_groups_merge_part(all, g[i], 0, 1, NULL), 0);
                free(rows[i].chunk);
            }
            assert_int_equal(weir_groups_count(all), sum);
            check_table(&r, all, NULL);
            weir_groups_free(all);
            free(r.leader);
            exchanged++;
        }
        for (int i = 0; i < n; i++) weir_groups_free(g[i]);
        assert_int_equal(pool.used, 0);
        weir_batch_unref(b);
        setup_free(&s);
    }
    assert_true(exchanged > 10 / WEIR_TEST_SHARE);
    free(v);
}

/* Several tables, merged by parts: the parts' union is the whole. */
static void test_merge_parts(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    for (int round = 0; round < 300 / WEIR_TEST_SHARE; round++) {
        struct setup s;
        struct weir_groups *from[4], *part[5];
        random_setup(&s, true);
        struct weir_batch *b = random_rows(&s, rnd(1000));
        struct reference r = reference_of(&s, b);
        uint32_t n_from = 1 + rnd(4), n_parts = s.n_keys ? 1 + rnd(5) : 1;
        for (uint32_t i = 0; i < n_from; i++)
            assert_int_equal(weir_groups_new(&s.layout, NULL, &from[i], NULL), 0);
        feed(&s, from, n_from, v, b);
        struct weir_groups *all;
        assert_int_equal(weir_groups_new(&s.layout, NULL, &all, NULL), 0);
        size_t sum = 0;
        for (uint32_t p = 0; p < n_parts; p++) {
            assert_int_equal(weir_groups_new(&s.layout, NULL, &part[p], NULL), 0);
            for (uint32_t i = 0; i < n_from; i++)
                assert_int_equal(weir_groups_merge_part(part[p], from[i], p, n_parts, NULL), 0);
            sum += weir_groups_count(part[p]);
            assert_int_equal(weir_groups_merge_part(all, part[p], 0, 1, NULL), 0);
        }
        assert_int_equal(weir_groups_count(all), sum);
        for (uint32_t i = 0; i < n_from; i++) weir_groups_free(from[i]);
        for (uint32_t p = 0; p < n_parts; p++) weir_groups_free(part[p]);
        check_table(&r, all, NULL);
        weir_groups_free(all);
        free(r.leader);
        weir_batch_unref(b);
        setup_free(&s);
    }
    free(v);
}

static void test_merge_rows(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    for (int round = 0; round < 200 / WEIR_TEST_SHARE; round++) {
        struct setup s;
        struct weir_groups *from[3], *all;
        random_setup(&s, false);
        struct weir_batch *b = random_rows(&s, rnd(1500));
        struct reference r = reference_of(&s, b);
        for (int i = 0; i < 3; i++)
            assert_int_equal(weir_groups_new(&s.layout, NULL, &from[i], NULL), 0);
        feed(&s, from, 3, v, b);
        assert_int_equal(weir_groups_new(&s.layout, NULL, &all, NULL), 0);
        for (int i = 0; i < 3; i++) {
            size_t n = weir_groups_count(from[i]), words = s.layout.words;
            uint64_t *rows = malloc(n * words * 8 + 8);
            for (size_t k = 0; k < n; k++)
                memcpy(rows + k * words, weir_groups_row(from[i], k), words * 8);
            assert_int_equal(weir_groups_merge_rows(all, rows, n, NULL), 0);
            free(rows);
            weir_groups_free(from[i]);
        }
        check_table(&r, all, NULL);
        weir_groups_free(all);
        free(r.leader);
        weir_batch_unref(b);
        setup_free(&s);
    }
    free(v);
}

static bool drop_odd(void *ctx, const uint64_t *row)
{
    uint32_t *modulus = ctx;
    return row[WEIR_GROUP_HEADER_WORDS] % *modulus == 1;
}

/* Groups whose first key is 1 modulo something go; the others keep their state and grow on. */
static void test_remove(void **state)
{
    (void)state;
    struct vectors *v = malloc(sizeof *v);
    for (int round = 0; round < 200 / WEIR_TEST_SHARE; round++) {
        struct setup s;
        struct weir_groups *g;
        struct weir_pool pool = {.name = "test"};
        do {
            if (s.n_keys = 0, 1) random_setup(&s, true);
            if (s.n_keys && s.types[0].id == WEIR_TYPE_BIGINT) break;
            setup_free(&s);
        } while (true);
        struct weir_batch *b = random_rows(&s, rnd(800));
        struct reference r = reference_of(&s, b);
        uint32_t modulus = 1 + rnd(5);
        bool *keep = malloc(b->n_rows + 1);
        for (uint32_t i = 0; i < b->n_rows; i++) {
            struct weir_value x = weir_column_value(&b->col[0], i);
            uint64_t word = x.is_null ? 0 : (uint64_t)x.i;
            keep[i] = word % modulus != 1;
        }
        assert_int_equal(weir_groups_new(&s.layout, &pool, &g, NULL), 0);
        feed(&s, &g, 1, v, b);
        assert_int_equal(weir_groups_remove(g, drop_odd, &modulus, NULL), 0);
        check_table(&r, g, keep);
        assert_int_equal(weir_groups_remove(g, drop_odd, &modulus, NULL), 0);
        check_table(&r, g, keep);
        weir_groups_free(g);
        assert_int_equal(pool.used, 0);
        free(keep);
        free(r.leader);
        weir_batch_unref(b);
        setup_free(&s);
    }
    free(v);
}

int main(void)
{
    random_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),      cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_merge_parts), cmocka_unit_test(test_merge_rows),
        cmocka_unit_test(test_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
