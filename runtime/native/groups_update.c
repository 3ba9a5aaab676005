/* Accumulating: after the rows of a vector have found their groups, each aggregate goes over the
   vector by itself, in a loop that is specialised by function and kind of value.

   An aggregate first picks its rows (FILTER is TRUE, the argument is not NULL) and brings the
   values into one of four kinds (int64_t, double, __int128, struct weir_str), without a copy where
   the argument already has that form. Where all rows belong to one group, the values are reduced
   first: sums in independent lanes, so that neither the adder's latency nor the store of one
   group's row bounds the speed. Sums of doubles are double-doubles in both ways. */
#include <assert.h>

#include "kernels/common/hash.h"
#include "runtime/native/groups_internal.h"

enum group_values groups_values_of(const struct weir_pipe_agg *agg)
{
    if (agg->fn >= WEIR_AGG_STDDEV_POP) return VALUES_F64;
    switch (weir_type_phys(agg->arg_type)) {
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return VALUES_F64;
    case WEIR_PHYS_I128: return VALUES_I128;
    case WEIR_PHYS_STR: return VALUES_STR;
    default: return VALUES_I64;
    }
}

int groups_sum_check(const struct weir_pipe_agg *agg, const uint64_t *acc, struct weir_error *err)
{
    int64_t carry = groups_values_of(agg) == VALUES_I128 ? sum_carry(acc[2]) : 0;
    if (carry < SUM_CARRY_MAX && carry > -SUM_CARRY_MAX) return WEIR_OK;
    return weir_fail(err, WEIR_ERR_DATA, "%u:%u: the sum in %s is too large to be computed",
                     agg->pos.line, agg->pos.column, weir_agg_name(agg->fn));
}

/* ---- every row its own group (FAR: in a table too large for the L1 cache) ---- */

#define CACHED_ROWS 4096

static void count(uint32_t m, uint64_t *const *row, uint32_t at, bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        row[i][at]++;
    }
}

static void sum_i64(uint32_t m, uint64_t *const *row, uint32_t at, const int64_t *v, bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        uint64_t *acc = row[i] + at, low = acc[0] + (uint64_t)v[i];
        acc[1] += (uint64_t)(v[i] >> 63) + (low < acc[0]);
        acc[0] = low;
        acc[2]++;
    }
}

static int sum_i128(const struct weir_pipe_agg *agg, uint32_t m, uint64_t *const *row, uint32_t at,
                    const char *v, bool far, struct weir_error *err)
{
    for (uint32_t i = 0; i < m; i++) {
        weir_i128 x;
        if (far) group_ahead(row, i, m, at);
        memcpy(&x, v + (size_t)i * 16, 16);
        uint64_t *acc = row[i] + at;
        sum_add(acc, x);
        acc[2]++;
        int rc = groups_sum_check(agg, acc, err);
        if (rc) return rc;
    }
    return WEIR_OK;
}

static inline void add_double(uint64_t *acc, double x)
{
    struct weir_dd sum = {WK_AS_F64(acc[0]), WK_AS_F64(acc[1])};
    dd_accumulate(&sum, x);
    acc[0] = WK_AS_U64(sum.hi);
    acc[1] = WK_AS_U64(sum.lo);
}

static void sum_f64(uint32_t m, uint64_t *const *row, uint32_t at, const double *v, bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        add_double(row[i] + at, v[i]);
        row[i][at + 2]++;
    }
}

/* As sum_f64 for rows NO[0..m) of a table of at most FEW rows: neighbours add to different copies
   of a group's sum, so that no addition waits for the one before it. */
#define FEW    16
#define COPIES 4
static void sum_few(const struct weir_groups *g, uint32_t at, uint32_t m, const uint32_t *no,
                    const double *v)
{
    struct weir_dd sum[FEW][COPIES] = {{{0, 0}}};
    uint32_t count[FEW][COPIES] = {{0}};
    for (uint32_t i = 0; i < m; i++) {
        dd_accumulate(&sum[no[i]][i % COPIES], v[i]);
        count[no[i]][i % COPIES]++;
    }
    for (size_t r = 0; r < g->n_rows; r++) {
        uint64_t *acc = group_row(g, r) + at;
        for (int c = 0; c < COPIES; c++) {
            add_double(acc, sum[r][c].hi);
            acc[1] = WK_AS_U64(WK_AS_F64(acc[1]) + sum[r][c].lo);
            acc[2] += count[r][c];
        }
    }
}

static void count_few(const struct weir_groups *g, uint32_t at, uint32_t m, const uint32_t *no)
{
    uint32_t count[FEW][COPIES] = {{0}};
    for (uint32_t i = 0; i < m; i++) count[no[i]][i % COPIES]++;
    for (size_t r = 0; r < g->n_rows; r++)
        for (int c = 0; c < COPIES; c++) group_row(g, r)[at] += count[r][c];
}

static inline void add_normal(uint64_t *acc, double x, double x_lo)
{
    struct weir_dd sum = {WK_AS_F64(acc[0]), WK_AS_F64(acc[1])};
    dd_accumulate_normal(&sum, x, x_lo);
    acc[0] = WK_AS_U64(sum.hi);
    acc[1] = WK_AS_U64(sum.lo);
}

static void moments(uint32_t m, uint64_t *const *row, uint32_t at, const double *v, bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        uint64_t *acc = row[i] + at;
        struct weir_dd square = dd_two_product(v[i], v[i]);
        add_normal(acc, v[i], 0);
        add_normal(acc + 2, square.hi, square.lo);
        acc[4]++;
    }
}

/* FLIP: 0 for MIN, -1 for MAX (~x reverses the order of integers). */
static void best_i64(uint32_t m, uint64_t *const *row, uint32_t at, const int64_t *v, int64_t flip,
                     bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        uint64_t *acc = row[i] + at;
        int64_t old = (int64_t)acc[0];
        acc[0] = (uint64_t)(!acc[1] || (v[i] ^ flip) < (old ^ flip) ? v[i] : old);
        acc[1]++;
    }
}

static void best_f64(uint32_t m, uint64_t *const *row, uint32_t at, const double *v, int64_t flip,
                     bool far)
{
    for (uint32_t i = 0; i < m; i++) {
        if (far) group_ahead(row, i, m, at);
        uint64_t *acc = row[i] + at;
        int64_t x = order_of_f64(WK_AS_U64(v[i])), old = order_of_f64(acc[0]);
        acc[0] = f64_of_order(!acc[1] || (x ^ flip) < (old ^ flip) ? x : old);
        acc[1]++;
    }
}

static void best_i128(const struct weir_pipe_agg *agg, uint32_t m, uint64_t *const *row,
                      uint32_t at, const char *v)
{
    for (uint32_t i = 0; i < m; i++) {
        uint64_t x[2], *acc = row[i] + at;
        memcpy(x, v + (size_t)i * 16, 16);
        if (!acc[2] || groups_better(agg, x, acc)) memcpy(acc, x, 16);
        acc[2]++;
    }
}

static int best_text(struct weir_groups *g, const struct weir_pipe_agg *agg, uint32_t m,
                     uint64_t *const *row, uint32_t at, const struct weir_str *v,
                     struct weir_error *err)
{
    for (uint32_t i = 0; i < m; i++) {
        uint64_t x[2] = {(uint64_t)(uintptr_t)v[i].data, v[i].len}, *acc = row[i] + at;
        if (!acc[2] || groups_better(agg, x, acc)) {
            int rc = groups_keep_text(g, acc, v[i].data, v[i].len, !acc[2], err);
            if (rc) return rc;
        }
        acc[2]++;
    }
    return WEIR_OK;
}

int groups_accumulate(struct weir_groups *g, const struct weir_pipe_agg *agg, uint32_t at,
                      uint32_t m, uint64_t *const *row, const void *values, struct weir_error *err)
{
    enum group_values kind = groups_values_of(agg);
    int64_t flip = agg->fn == WEIR_AGG_MAX ? -1 : 0;
    bool far = g->n_rows > CACHED_ROWS;
    switch (agg->fn) {
    case WEIR_AGG_COUNT: count(m, row, at, far); return WEIR_OK;
    case WEIR_AGG_SUM:
    case WEIR_AGG_AVG:
        if (kind == VALUES_I128) return sum_i128(agg, m, row, at, values, far, err);
        if (kind == VALUES_I64)
            sum_i64(m, row, at, values, far);
        else
            sum_f64(m, row, at, values, far);
        return WEIR_OK;
    case WEIR_AGG_MIN:
    case WEIR_AGG_MAX:
        if (kind == VALUES_STR) return best_text(g, agg, m, row, at, values, err);
        if (kind == VALUES_I64)
            best_i64(m, row, at, values, flip, far);
        else if (kind == VALUES_F64)
            best_f64(m, row, at, values, flip, far);
        else
            best_i128(agg, m, row, at, values);
        return WEIR_OK;
    default: moments(m, row, at, values, far); return WEIR_OK;
    }
}

/* ---- all rows one group ---- */

#define LANES 8
typedef double f64x2 __attribute__((vector_size(16)));

/* Sum of M doubles in LANES independent double-doubles; NORMAL: kept normalised. */
static inline __attribute__((always_inline)) struct weir_dd reduce_f64(uint32_t m, const double *v,
                                                                       bool normal)
{
    f64x2 hi[LANES / 2] = {{0}}, lo[LANES / 2] = {{0}};
    uint32_t i = 0;
    for (; i + LANES <= m; i += LANES)
        for (int l = 0; l < LANES / 2; l++) {
            f64x2 x;
            memcpy(&x, v + i + 2 * l, sizeof x);
            f64x2 s = hi[l] + x, b = s - hi[l];
            lo[l] += (hi[l] - (s - b)) + (x - b);
            hi[l] = s;
            if (normal) {
                hi[l] = s + lo[l];
                lo[l] -= hi[l] - s;
            }
        }
    struct weir_dd sum = {0, 0};
    for (; i < m; i++) dd_accumulate(&sum, v[i]);
    for (int l = 0; l < LANES; l++) {
        dd_accumulate_normal(&sum, hi[l / 2][l % 2], lo[l / 2][l % 2]);
    }
    return sum;
}

/* Exact: halves of the values are summed apart, each in 64 bits (m is small). */
static weir_i128 reduce_i64(uint32_t m, const int64_t *v)
{
    uint64_t low = 0, high = 0;
    for (uint32_t i = 0; i < m; i++) {
        uint64_t x = (uint64_t)v[i] ^ (uint64_t)1 << 63; /* v + 2^63 */
        low += (uint32_t)x;
        high += x >> 32;
    }
    return ((weir_i128)high << 32) + low - ((weir_i128)m << 63);
}

static int64_t reduce_best_i64(uint32_t m, const int64_t *v, int64_t flip)
{
    int64_t best = v[0] ^ flip;
    for (uint32_t i = 1; i < m; i++) best = (v[i] ^ flip) < best ? v[i] ^ flip : best;
    return best ^ flip;
}

static uint64_t reduce_best_f64(uint32_t m, const double *v, int64_t flip)
{
    int64_t best = order_of_f64(WK_AS_U64(v[0])) ^ flip;
    for (uint32_t i = 1; i < m; i++) {
        int64_t x = order_of_f64(WK_AS_U64(v[i])) ^ flip;
        best = x < best ? x : best;
    }
    return f64_of_order(best ^ flip);
}

static void reduce_moments(uint32_t m, const double *v, uint64_t acc[5])
{
    double high[WEIR_VECTOR];
    struct weir_dd sum = reduce_f64(m, v, true), square;
    double low[4] = {0};
    for (uint32_t i = 0; i < m; i++) {
        struct weir_dd p = dd_two_product(v[i], v[i]);
        high[i] = p.hi;
        low[i & 3] += p.lo;
    }
    square = reduce_f64(m, high, true);
    acc[0] = WK_AS_U64(sum.hi);
    acc[1] = WK_AS_U64(sum.lo);
    acc[2] = WK_AS_U64(square.hi);
    acc[3] = WK_AS_U64(square.lo + ((low[0] + low[1]) + (low[2] + low[3])));
    acc[4] = m;
}

int groups_reduce(struct weir_groups *g, const struct weir_pipe_agg *agg, uint64_t *to, uint32_t m,
                  const void *values, struct weir_error *err)
{
    uint64_t acc[5] = {0};
    enum group_values kind = groups_values_of(agg);
    int64_t flip = agg->fn == WEIR_AGG_MAX ? -1 : 0;
    bool sum = agg->fn == WEIR_AGG_SUM || agg->fn == WEIR_AGG_AVG;
    if (!m) return WEIR_OK;
    if (agg->fn == WEIR_AGG_COUNT) {
        acc[0] = m;
    } else if (agg->fn >= WEIR_AGG_STDDEV_POP) {
        reduce_moments(m, values, acc);
    } else if (kind == VALUES_I128 || kind == VALUES_STR) {
        uint64_t *row[WEIR_VECTOR];
        for (uint32_t i = 0; i < m; i++) row[i] = to;
        return groups_accumulate(g, agg, 0, m, row, values, err);
    } else if (sum && kind == VALUES_I64) {
        weir_i128 s = reduce_i64(m, values);
        acc[0] = (uint64_t)s;
        acc[1] = (uint64_t)(s >> 64);
        acc[2] = m;
    } else if (sum) {
        struct weir_dd s = reduce_f64(m, values, false);
        acc[0] = WK_AS_U64(s.hi);
        acc[1] = WK_AS_U64(s.lo);
        acc[2] = m;
    } else {
        acc[0] = kind == VALUES_I64 ? (uint64_t)reduce_best_i64(m, values, flip)
                                    : reduce_best_f64(m, values, flip);
        acc[1] = m;
    }
    return groups_merge_acc(g, agg, to, acc, err);
}

/* ---- picking rows and values ---- */

static inline bool passes(const struct weir_vec *filter, uint32_t i)
{
    uint32_t at = filter->constant ? 0 : i;
    return ((const uint8_t *)filter->data)[at] && (!filter->st || filter->st[at] == WK_VALID);
}

/* The rows that count, to g->pick; *ALL: every row does (and pick is not filled). */
static uint32_t pick_rows(struct weir_groups *g, uint32_t n, const struct weir_vec *arg,
                          const struct weir_vec *filter, bool *all)
{
    bool nulls = arg && arg->st;
    *all = !filter && !nulls;
    if (*all) return n;
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        g->pick[m] = i;
        m += (!filter || passes(filter, i)) && (!nulls || weir_vec_state(arg, i) == WK_VALID);
    }
    *all = m == n;
    return m;
}

#define PICK(T, OUT)                                                                               \
    do {                                                                                           \
        const T *in = arg->data;                                                                   \
        OUT *out = (OUT *)(void *)g->values;                                                       \
        for (uint32_t i = 0; i < m; i++) out[i] = (OUT)in[arg->constant ? 0 : all ? i : pick[i]];  \
    } while (0)
#define PICK_NUMBER(T)                                                                             \
    do {                                                                                           \
        if (kind == VALUES_F64)                                                                    \
            PICK(T, double);                                                                       \
        else                                                                                       \
            PICK(T, int64_t);                                                                      \
    } while (0)

/* The M picked values of ARG in the aggregate's form; in g->values where they must be moved. */
static const void *pick_values(struct weir_groups *g, const struct weir_pipe_agg *agg,
                               const struct weir_vec *arg, uint32_t m, bool all)
{
    enum group_values kind = groups_values_of(agg);
    enum weir_phys phys = weir_type_phys(arg->type);
    const uint32_t *pick = g->pick;
    if (agg->fn == WEIR_AGG_COUNT && !groups_has_set(agg)) return NULL;
    if (all && !arg->constant &&
        ((kind == VALUES_I64 && phys == WEIR_PHYS_I64) ||
         (kind == VALUES_F64 && phys == WEIR_PHYS_F64) || kind == VALUES_I128 ||
         kind == VALUES_STR))
        return arg->data;
    switch (phys) {
    case WEIR_PHYS_BOOL: PICK_NUMBER(uint8_t); break;
    case WEIR_PHYS_I8: PICK_NUMBER(int8_t); break;
    case WEIR_PHYS_I16: PICK_NUMBER(int16_t); break;
    case WEIR_PHYS_I32: PICK_NUMBER(int32_t); break;
    case WEIR_PHYS_I64: PICK_NUMBER(int64_t); break;
    case WEIR_PHYS_F32: PICK(float, double); break;
    case WEIR_PHYS_F64: PICK(double, double); break;
    case WEIR_PHYS_I128:
        if (kind == VALUES_F64)
            PICK(weir_i128, double);
        else
            PICK(weir_i128, weir_i128);
        break;
    default: PICK(struct weir_str, struct weir_str);
    }
    return g->values;
}

/* The M picked values join the set; new ones are accumulated. */
static int update_distinct(struct weir_groups *g, uint32_t a, uint32_t m, bool all,
                           const void *values, struct weir_error *err)
{
    struct weir_groups *s = g->set[a];
    enum group_values kind = groups_values_of(&g->layout->agg[a]);
    for (uint32_t i = 0; i < m; i++) {
        uint32_t from = !g->keys.n ? 0 : all ? i : g->pick[i];
        uint64_t *to = groups_set_row(g, s, i, g->keys.n ? g->row_no[from] : 0);
        g->picked_row[i] = g->row[from];
        if (kind == VALUES_I64) {
            to[0] = ((const uint64_t *)values)[i];
        } else if (kind == VALUES_F64) {
            to[0] = wk_key_f64(((const double *)values)[i]);
        } else if (kind == VALUES_I128) {
            memcpy(to, (const char *)values + (size_t)i * 16, 16);
        } else {
            to[0] = (uint64_t)(uintptr_t)((const struct weir_str *)values)[i].data;
            to[1] = ((const struct weir_str *)values)[i].len;
        }
    }
    return groups_add_distinct(g, a, m, g->picked_row, err);
}

/* The functions that have a way of their own for few groups; false: this is another one. */
static bool update_few(struct weir_groups *g, const struct weir_pipe_agg *agg, uint32_t at,
                       uint32_t m, bool all, const void *values)
{
    bool sum =
        (agg->fn == WEIR_AGG_SUM || agg->fn == WEIR_AGG_AVG) && groups_values_of(agg) == VALUES_F64;
    if (!sum && agg->fn != WEIR_AGG_COUNT) return false;
    for (uint32_t i = 0; !all && i < m; i++) g->pick[i] = g->row_no[g->pick[i]];
    const uint32_t *no = all ? g->row_no : g->pick;
    if (sum)
        sum_few(g, at, m, no, values);
    else
        count_few(g, at, m, no);
    return true;
}

/* ONE: all rows are in the group of g->row[0]. */
static int update_agg(struct weir_groups *g, uint32_t a, uint32_t n, const struct weir_vec *arg,
                      const struct weir_vec *filter, bool one, struct weir_error *err)
{
    const struct weir_pipe_agg *agg = &g->layout->agg[a];
    uint32_t at = g->layout->agg_word[a];
    bool all;
    uint32_t m = pick_rows(g, n, arg, filter, &all);
    const void *values = arg ? pick_values(g, agg, arg, m, all) : NULL;
    if (g->set[a]) return update_distinct(g, a, m, all, values, err);
    if (one) return groups_reduce(g, agg, g->row[0] + at, m, values, err);
    if (g->n_rows <= FEW && m > 8 * FEW && update_few(g, agg, at, m, all, values)) return WEIR_OK;
    if (all) return groups_accumulate(g, agg, at, m, g->row, values, err);
    for (uint32_t i = 0; i < m; i++) g->picked_row[i] = g->row[g->pick[i]];
    return groups_accumulate(g, agg, at, m, g->picked_row, values, err);
}

/* The first row of N with an error that counts, or N. */
static uint32_t first_error(const struct weir_groups *g, uint32_t n,
                            const struct weir_vec *const *key, const struct weir_vec *const *arg,
                            const struct weir_vec *const *filter)
{
    uint32_t first = n;
    for (uint32_t k = 0; k < g->keys.n; k++) first = weir_vec_first_error(key[k], first);
    for (uint32_t a = 0; a < g->layout->n_aggs; a++) {
        const struct weir_vec *f = filter ? filter[a] : NULL;
        if (f) first = weir_vec_first_error(f, first);
        if (!arg[a] || !arg[a]->st) continue;
        uint32_t i = weir_vec_first_error(arg[a], first);
        while (f && i < first && (weir_vec_state(arg[a], i) <= WK_NULL || !passes(f, i))) i++;
        first = i;
    }
    return first;
}

/* The rows' groups, to g->row_no. */
static int find_groups(struct weir_groups *g, uint32_t n, const struct weir_vec *const *key,
                       struct weir_error *err)
{
    if (g->keys.n == 1 && g->keys.words == 2 && !key[0]->st) {
        int done = groups_find_words(g, n, key[0], err);
        if (done) return done < 0 ? done : WEIR_OK;
    }
    uint64_t nulls = weir_keys_load(&g->keys, n, key, g->key_rows);
    return groups_find(g, n, nulls, false, err);
}

/* Where the rows of g->row_no are, to g->row; returns whether they are all the same. */
static bool locate_rows(struct weir_groups *g, uint32_t n)
{
    const uint32_t *no = g->row_no;
    uint32_t differ = 0;
    if (g->n_chunks == 1 && g->n_rows <= CACHED_ROWS) {
        uint64_t *base = g->chunk[0];
        for (uint32_t i = 0; i < n; i++) {
            g->row[i] = base + (size_t)no[i] * g->words;
            differ |= no[i] ^ no[0];
        }
        return !differ;
    }
    for (uint32_t i = 0; i < n; i++) {
        g->row[i] = group_row(g, no[i]);
        __builtin_prefetch(g->row[i] + g->acc_word, 1);
        differ |= no[i] ^ no[0];
    }
    return !differ;
}

int weir_groups_update(struct weir_groups *g, uint32_t n, const struct weir_vec *const *key,
                       const struct weir_vec *const *arg, const struct weir_vec *const *filter,
                       struct weir_error *err)
{
    assert(n <= WEIR_VECTOR);
    if (!n) return WEIR_OK;
    uint32_t error = first_error(g, n, key, arg, filter);
    if (error < n) return (int)error + 1;
    bool one = true;
    if (g->keys.n) {
        int rc = find_groups(g, n, key, err);
        if (rc) return rc;
        one = locate_rows(g, n);
    } else {
        g->row[0] = group_row(g, 0);
    }
    for (uint32_t a = 0; a < g->layout->n_aggs; a++) {
        int rc = update_agg(g, a, n, arg[a], filter ? filter[a] : NULL, one, err);
        if (rc) return rc;
    }
    return WEIR_OK;
}
