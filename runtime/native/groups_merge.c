/* Merging group tables: partial rows from elsewhere, parts of another table, and removal, which is
   merging what stays into an empty table. Rows carry their hash and come a vector at a time, so the
   directory's misses overlap as they do in an update. DISTINCT aggregates merge by their sets: the
   other table's (group, value) pairs join this table's set, and only new pairs are accumulated. */
#include "kernels/common/portable.h"
#include "runtime/native/groups_internal.h"

/* ---- accumulators ---- */

static bool less_i128(const uint64_t *a, const uint64_t *b)
{
    return (int64_t)a[1] < (int64_t)b[1] || (a[1] == b[1] && a[0] < b[0]);
}

static int compare_texts(const uint64_t *a, const uint64_t *b)
{
    size_t n = (size_t)(a[1] < b[1] ? a[1] : b[1]);
    int c = n ? memcmp((const void *)(uintptr_t)a[0], (const void *)(uintptr_t)b[0], n) : 0;
    return c ? c : (a[1] > b[1]) - (a[1] < b[1]);
}

bool groups_better(const struct weir_pipe_agg *agg, const uint64_t *a, const uint64_t *b)
{
    if (agg->fn == WEIR_AGG_MAX) {
        const uint64_t *t = a;
        a = b, b = t;
    }
    switch (groups_values_of(agg)) {
    case VALUES_I64: return (int64_t)a[0] < (int64_t)b[0];
    case VALUES_F64: return order_of_f64(a[0]) < order_of_f64(b[0]);
    case VALUES_I128: return less_i128(a, b);
    default: return compare_texts(a, b) < 0;
    }
}

int groups_keep_text(struct weir_groups *g, uint64_t *to, const char *data, size_t len, bool first,
                     struct weir_error *err)
{
    /* Each kept text has 8 bytes before it that say how much room there is. */
    char *p = (char *)(uintptr_t)to[0];
    uint64_t room = 0;
    if (!first) memcpy(&room, p - 8, 8);
    if (first || room < len) {
        room = first ? len : 2 * len;
        p = group_texts_alloc(&g->texts, g->pool, 8 + room, err);
        if (!p) return WEIR_ERR_NOMEM;
        memcpy(p, &room, 8);
        p += 8;
    }
    if (len) memmove(p, data, len);
    to[0] = (uint64_t)(uintptr_t)p;
    to[1] = len;
    return WEIR_OK;
}

static int merge_best(struct weir_groups *g, const struct weir_pipe_agg *agg, uint64_t *to,
                      const uint64_t *from, struct weir_error *err)
{
    enum group_values kind = groups_values_of(agg);
    uint32_t n = kind == VALUES_I128 || kind == VALUES_STR ? 2 : 1; /* the word of the count */
    if (!from[n]) return WEIR_OK;
    if (!to[n] || groups_better(agg, from, to)) {
        int rc = WEIR_OK;
        if (kind == VALUES_STR)
            rc = groups_keep_text(g, to, (const char *)(uintptr_t)from[0], (size_t)from[1], !to[n],
                                  err);
        else
            memcpy(to, from, n * 8);
        if (rc) return rc;
    }
    to[n] += from[n];
    return WEIR_OK;
}

static void merge_double(uint64_t *to, const uint64_t *from)
{
    struct weir_dd sum = {WK_AS_F64(to[0]), WK_AS_F64(to[1])};
    dd_accumulate_normal(&sum, WK_AS_F64(from[0]), WK_AS_F64(from[1]));
    to[0] = WK_AS_U64(sum.hi);
    to[1] = WK_AS_U64(sum.lo);
}

int groups_merge_acc(struct weir_groups *g, const struct weir_pipe_agg *agg, uint64_t *to,
                     const uint64_t *from, struct weir_error *err)
{
    switch (agg->fn) {
    case WEIR_AGG_COUNT: to[0] += from[0]; return WEIR_OK;
    case WEIR_AGG_SUM:
    case WEIR_AGG_AVG:
        if (groups_values_of(agg) == VALUES_F64) {
            merge_double(to, from);
            to[2] += from[2];
            return WEIR_OK;
        }
        sum_add(to, sum_value(from));
        to[2] += from[2];
        return groups_sum_check(agg, to, err);
    case WEIR_AGG_MIN:
    case WEIR_AGG_MAX: return merge_best(g, agg, to, from, err);
    default:
        merge_double(to, from);
        merge_double(to + 2, from + 2);
        to[4] += from[4];
        return WEIR_OK;
    }
}

/* All aggregates but those with a set. */
static int merge_row(struct weir_groups *g, uint64_t *to, const uint64_t *from,
                     struct weir_error *err)
{
    for (uint32_t a = 0; a < g->layout->n_aggs; a++) {
        uint32_t at = g->layout->agg_word[a];
        if (g->set[a]) continue;
        int rc = groups_merge_acc(g, &g->layout->agg[a], to + at, from + at, err);
        if (rc) return rc;
    }
    return WEIR_OK;
}

/* ---- rows ---- */

/* Merge N <= WEIR_VECTOR rows; their row numbers in G to g->row_no. */
static int merge_vector(struct weir_groups *g, const uint64_t *const *row, uint32_t n,
                        struct weir_error *err)
{
    uint32_t words = g->keys.words;
    for (uint32_t i = 0; i < n; i++) {
        g->hash[i] = row[i][0];
        memcpy(g->key_rows + (size_t)i * words, row[i] + 1, words * 8);
    }
    int rc = WEIR_OK;
    if (g->keys.n)
        rc = groups_find(g, n, ~(uint64_t)0, true, err);
    else
        memset(g->row_no, 0, n * sizeof *g->row_no);
    if (rc) return rc;
    for (uint32_t i = 0; i < n; i++) g->row[i] = group_row(g, g->row_no[i]);
    for (uint32_t i = 0; i < n && !rc; i++) {
        group_ahead(g->row, i, n, g->acc_word);
        rc = merge_row(g, g->row[i], row[i], err);
    }
    return rc;
}

int weir_groups_merge_rows(struct weir_groups *g, const uint64_t *rows, size_t n,
                           struct weir_error *err)
{
    for (uint32_t a = 0; a < g->layout->n_aggs; a++)
        if (g->set[a])
            return weir_fail(err, WEIR_ERR_INTERNAL,
                             "partial rows of a DISTINCT aggregate cannot be merged");
    for (size_t from = 0; from < n; from += WEIR_VECTOR) {
        uint32_t m = n - from < WEIR_VECTOR ? (uint32_t)(n - from) : WEIR_VECTOR;
        for (uint32_t i = 0; i < m; i++)
            g->picked_row[i] = (uint64_t *)(uintptr_t)(rows + (from + i) * g->layout->words);
        int rc = merge_vector(g, (const uint64_t *const *)g->picked_row, m, err);
        if (rc) return rc;
    }
    return WEIR_OK;
}

/* ---- sets ---- */

int groups_add_distinct(struct weir_groups *g, uint32_t a, uint32_t n, uint64_t *const *row,
                        struct weir_error *err)
{
    struct weir_groups *s = g->set[a];
    size_t next = s->n_rows;
    int rc = groups_find(s, n, 0, false, err);
    if (rc) return rc;
    const struct weir_pipe_agg *agg = &g->layout->agg[a];
    uint32_t m = 0, value = g->keys.n ? 2 : 1, words = s->keys.words;
    size_t size = words > value + 1 ? 16 : 8;
    bool text = groups_values_of(agg) == VALUES_STR;
    for (uint32_t i = 0; i < n; i++) {
        if (s->row_no[i] != next) continue; /* new rows are numbered in order of appearance */
        next++;
        const uint64_t *v = s->key_rows + (size_t)i * words + value;
        if (text)
            ((struct weir_str *)(void *)g->values)[m] =
                (struct weir_str){(const char *)(uintptr_t)v[0], (uint32_t)v[1]};
        else
            memcpy(g->values + m * size, v, size);
        g->picked_row[m++] = row[i];
    }
    return groups_accumulate(g, agg, g->layout->agg_word[a], m, g->picked_row, g->values, err);
}

/* Pairs of FROM's set of aggregate A; MAP[row of FROM] is the row of G or NO_ROW. */
static int merge_set(struct weir_groups *g, const struct weir_groups *from, uint32_t a,
                     const uint32_t *map, struct weir_error *err)
{
    struct weir_groups *s = g->set[a];
    const struct weir_groups *f = from->set[a];
    uint32_t n = 0, at = WEIR_GROUP_HEADER_WORDS + (g->keys.n ? 1 : 0);
    for (size_t i = 0; i < f->n_rows; i++) {
        const uint64_t *row = group_row(f, i);
        uint32_t to = map[g->keys.n ? row[WEIR_GROUP_HEADER_WORDS] : 0];
        if (to == NO_ROW) continue;
        g->row[n] = group_row(g, to);
        memcpy(groups_set_row(g, s, n, to), row + at, (f->layout->words - at) * 8);
        if (++n < WEIR_VECTOR) continue;
        int rc = groups_add_distinct(g, a, n, g->row, err);
        if (rc) return rc;
        n = 0;
    }
    return n ? groups_add_distinct(g, a, n, g->row, err) : WEIR_OK;
}

/* ---- tables ---- */

struct choice {
    uint32_t part, n_parts;                       /* rows of that part, or … */
    bool (*drop)(void *ctx, const uint64_t *row); /* … those that are not dropped */
    void *ctx;
};

static bool chosen(const struct choice *c, const uint64_t *row)
{
    return c->drop ? !c->drop(c->ctx, row) : group_part(row[0], c->n_parts) == c->part;
}

static int merge_chosen(struct weir_groups *g, const struct weir_groups_rows *from,
                        const struct choice *choice, uint32_t *map, struct weir_error *err)
{
    int rc = WEIR_OK;
    size_t at = 0, in_chunk = ((size_t)1 << from->shift) - 1;
    while (at < from->n_rows && !rc) {
        uint32_t m = 0;
        for (; at < from->n_rows && m < WEIR_VECTOR; at++) {
            uint64_t *row = from->chunk[at >> from->shift] + (at & in_chunk) * from->words;
            if (map) map[at] = NO_ROW;
            if (!chosen(choice, row)) continue;
            g->pick[m] = (uint32_t)at;
            g->picked_row[m++] = row;
        }
        rc = merge_vector(g, (const uint64_t *const *)g->picked_row, m, err);
        for (uint32_t i = 0; map && !rc && i < m; i++) map[g->pick[i]] = g->row_no[i];
    }
    return rc;
}

static bool has_sets(const struct weir_groups *g)
{
    for (uint32_t a = 0; a < g->layout->n_aggs; a++)
        if (g->set[a]) return true;
    return false;
}

static int merge_table(struct weir_groups *g, const struct weir_groups *from,
                       const struct choice *choice, struct weir_error *err)
{
    struct weir_groups_rows rows = {from->chunk, from->n_rows, from->shift, from->words};
    size_t bytes = from->n_rows * sizeof(uint32_t);
    uint32_t *map = NULL;
    if (has_sets(g)) {
        map = weir_pool_malloc(g->pool, bytes, err);
        if (!map) return WEIR_ERR_NOMEM;
    }
    int rc = merge_chosen(g, &rows, choice, map, err);
    for (uint32_t a = 0; a < g->layout->n_aggs && !rc; a++)
        if (g->set[a]) rc = merge_set(g, from, a, map, err);
    weir_pool_free(g->pool, map, bytes);
    return rc;
}

int weir_groups_merge_part(struct weir_groups *g, const struct weir_groups *from, uint32_t part,
                           uint32_t n_parts, struct weir_error *err)
{
    return merge_table(g, from, &(struct choice){.part = part, .n_parts = n_parts}, err);
}

/* A first chunk that is not full may move when its table grows; sets are not divided by parts. */
bool weir_groups_can_exchange(struct weir_groups *const *g, int n)
{
    for (int i = 0; i < n; i++)
        if (!g[i]->keys.n || g[i]->n_rows < (size_t)1 << g[i]->shift || has_sets(g[i]))
            return false;
    return true;
}

int weir_groups_rows_of(const struct weir_groups *g, struct weir_groups_rows *out,
                        struct weir_error *err)
{
    size_t bytes = g->n_chunks * sizeof *out->chunk;
    *out = (struct weir_groups_rows){weir_malloc(bytes), g->n_rows, g->shift, g->words};
    if (!out->chunk) return weir_fail_nomem(err, bytes, "merging the groups");
    memcpy(out->chunk, g->chunk, bytes);
    return WEIR_OK;
}

int weir_groups_take_part(struct weir_groups *g, const struct weir_groups_rows *from, uint32_t part,
                          uint32_t n_parts, struct weir_error *err)
{
    return merge_chosen(g, from, &(struct choice){.part = part, .n_parts = n_parts}, NULL, err);
}

int weir_groups_remove(struct weir_groups *g, bool (*drop)(void *ctx, const uint64_t *row),
                       void *ctx, struct weir_error *err)
{
    size_t dropped = 0;
    for (size_t i = 0; i < g->n_rows; i++) dropped += drop(ctx, group_row(g, i));
    if (!dropped) return WEIR_OK;
    if (dropped == g->n_rows) return weir_groups_clear(g, err);
    struct weir_groups *kept;
    int rc = weir_groups_new(g->layout, g->pool, &kept, err);
    if (rc) return rc;
    rc = merge_table(kept, g, &(struct choice){.drop = drop, .ctx = ctx}, err);
    if (!rc) {
        struct weir_groups old = *g;
        *g = *kept;
        *kept = old;
    }
    weir_groups_free(kept);
    return rc;
}
