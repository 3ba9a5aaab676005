/* Sorting rows: one key at a time, by 64-bit prefixes that order as the key's values do.

   The rows of a range are ordered by the prefixes of the current key (NULLs apart) with a stable
   radix sort that skips the bytes in which all prefixes agree. Rows with equal prefixes then go on:
   with the next 64 bits of the same key (texts, 128-bit decimals), or with the next key where the
   value is exhausted. A short range is merge-sorted at once with full comparisons.

   With a LIMIT that is small against the rows, a heap of the best rows so far selects them first;
   most rows lose one comparison of prefixes against the worst of the heap. */
#include "runtime/native/sort.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/common/hash.h"

#define SHORT 64 /* rows that are merge-sorted without prefixes */

struct item {
    uint64_t prefix;
    int64_t row;
};

struct sorter {
    const struct weir_batch *batch;
    const struct weir_sort_column *key;
    int n_keys;
    struct item *tmp;
};

/* ---- comparing ---- */

#define COMPARE(T)                                                                                 \
    do {                                                                                           \
        T m = ((const T *)x->values)[a], n = ((const T *)y->values)[b];                            \
        return (m > n) - (m < n);                                                                  \
    } while (0)

static int64_t ordered(double d)
{
    int64_t bits = (int64_t)wk_key_f64(d); /* one zero, one NaN, which is above infinity */
    return bits ^ (int64_t)((uint64_t)(bits >> 63) >> 1);
}

static int compare_values(const struct weir_column *x, size_t a, const struct weir_column *y,
                          size_t b)
{
    int64_t p, q;
    switch (weir_type_phys(x->type)) {
    case WEIR_PHYS_BOOL: return weir_bit(x->values, a) - weir_bit(y->values, b);
    case WEIR_PHYS_I8: COMPARE(int8_t);
    case WEIR_PHYS_I16: COMPARE(int16_t);
    case WEIR_PHYS_I32: COMPARE(int32_t);
    case WEIR_PHYS_I64: COMPARE(int64_t);
    case WEIR_PHYS_I128: {
        weir_i128 m, n;
        memcpy(&m, (const char *)x->values + a * 16, 16);
        memcpy(&n, (const char *)y->values + b * 16, 16);
        return (m > n) - (m < n);
    }
    case WEIR_PHYS_F32:
        p = ordered((double)((const float *)x->values)[a]);
        q = ordered((double)((const float *)y->values)[b]);
        return (p > q) - (p < q);
    case WEIR_PHYS_F64:
        p = ordered(((const double *)x->values)[a]);
        q = ordered(((const double *)y->values)[b]);
        return (p > q) - (p < q);
    default: {
        struct weir_str s = weir_column_str(x, a), t = weir_column_str(y, b);
        uint32_t n = s.len < t.len ? s.len : t.len;
        int c = n ? memcmp(s.data, t.data, n) : 0;
        return c ? c : (s.len > t.len) - (s.len < t.len);
    }
    }
}

int weir_sort_compare(const struct weir_sort_column *key, int n_keys, const struct weir_batch *x,
                      size_t a, const struct weir_batch *y, size_t b)
{
    for (int k = 0; k < n_keys; k++) {
        const struct weir_column *p = &x->col[key[k].column], *q = &y->col[key[k].column];
        bool p_null = weir_column_is_null(p, a), q_null = weir_column_is_null(q, b);
        if (p_null || q_null) {
            if (p_null == q_null) continue;
            return p_null == key[k].nulls_first ? -1 : 1;
        }
        int c = compare_values(p, a, q, b);
        if (c) return key[k].descending ? -c : c;
    }
    return 0;
}

/* ---- prefixes ---- */

/* The 8 bytes from DEPTH * 8 on, zeros behind the end. */
static uint64_t text_prefix(struct weir_str s, uint32_t depth)
{
    uint64_t p = 0;
    if ((uint64_t)depth * 8 + 8 <= s.len) {
        memcpy(&p, s.data + (size_t)depth * 8, 8);
        return __builtin_bswap64(p);
    }
    for (uint64_t i = (uint64_t)depth * 8, end = i + 8; i < end; i++)
        p = p << 8 | (i < s.len ? (uint8_t)s.data[i] : 0);
    return p;
}

#define SIGN ((uint64_t)1 << 63)

/* Word DEPTH of a value that is not NULL: a smaller one comes first, whatever the direction. */
static uint64_t prefix(const struct weir_sort_column *key, const struct weir_column *c, size_t row,
                       uint32_t depth)
{
    uint64_t p;
    switch (weir_type_phys(c->type)) {
    case WEIR_PHYS_BOOL: p = weir_bit(c->values, row); break;
    case WEIR_PHYS_I8: p = (uint64_t)((const int8_t *)c->values)[row] ^ SIGN; break;
    case WEIR_PHYS_I16: p = (uint64_t)((const int16_t *)c->values)[row] ^ SIGN; break;
    case WEIR_PHYS_I32: p = (uint64_t)((const int32_t *)c->values)[row] ^ SIGN; break;
    case WEIR_PHYS_I64: p = (uint64_t)((const int64_t *)c->values)[row] ^ SIGN; break;
    case WEIR_PHYS_I128:
        memcpy(&p, (const char *)c->values + row * 16 + (depth ? 0 : 8), 8);
        p ^= depth ? 0 : SIGN;
        break;
    case WEIR_PHYS_F32:
        p = (uint64_t)ordered((double)((const float *)c->values)[row]) ^ SIGN;
        break;
    case WEIR_PHYS_F64: p = (uint64_t)ordered(((const double *)c->values)[row]) ^ SIGN; break;
    default: p = text_prefix(weir_column_str(c, row), depth);
    }
    return key->descending ? ~p : p;
}

/* ---- sorting a range ---- */

/* Stable, by all keys from K on. */
static void merge_sort(const struct sorter *s, int k, struct item *v, size_t n)
{
    for (size_t from = 0; from < n; from += 8) /* runs of 8 by insertion */
        for (size_t i = from + 1; i < n && i < from + 8; i++) {
            struct item x = v[i];
            size_t j = i;
            for (; j > from && weir_sort_compare(s->key + k, s->n_keys - k, s->batch,
                                                 (size_t)v[j - 1].row, s->batch, (size_t)x.row) > 0;
                 j--)
                v[j] = v[j - 1];
            v[j] = x;
        }
    struct item *in = v, *out = s->tmp;
    for (size_t width = 8; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t a = from, mid = from + width < n ? from + width : n, b = mid;
            size_t end = mid + width < n ? mid + width : n;
            for (size_t at = from; at < end; at++) {
                bool left =
                    b == end || (a < mid && weir_sort_compare(s->key + k, s->n_keys - k, s->batch,
                                                              (size_t)in[a].row, s->batch,
                                                              (size_t)in[b].row) <= 0);
                out[at] = left ? in[a++] : in[b++];
            }
        }
        struct item *t = in;
        in = out, out = t;
    }
    if (in != v) memcpy(v, in, n * sizeof *v);
}

/* Stable, by prefix; one pass for each byte in which the prefixes differ. */
static void radix_sort(const struct sorter *s, struct item *v, size_t n)
{
    uint64_t all = ~(uint64_t)0, any = 0;
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        all &= v[i].prefix;
        any |= v[i].prefix;
        sorted = sorted && (!i || v[i - 1].prefix <= v[i].prefix);
    }
    if (sorted) return;
    struct item *in = v, *out = s->tmp;
    for (int shift = 0; shift < 64; shift += 8) {
        size_t count[257] = {0};
        if (!((all ^ any) >> shift & 255)) continue;
        for (size_t i = 0; i < n; i++) count[(in[i].prefix >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++) count[b + 1] += count[b];
        for (size_t i = 0; i < n; i++) out[count[in[i].prefix >> shift & 255]++] = in[i];
        struct item *t = in;
        in = out, out = t;
    }
    if (in != v) memcpy(v, in, n * sizeof *v);
}

static void sort_range(const struct sorter *s, int k, struct item *v, size_t n);
static void sort_values(const struct sorter *s, int k, uint32_t depth, struct item *v, size_t n);

/* The end of the run of equal prefixes that begins at FROM. */
static size_t run_end(const struct item *v, size_t from, size_t n)
{
    size_t end = from + 1;
    while (end < n && v[end].prefix == v[from].prefix) end++;
    return end;
}

/* The texts of V agree up to word DEPTH, zeros behind their ends taken for bytes: those that end
   here in order of their lengths, the longer ones go on with the next word. */
static void sort_text_ends(const struct sorter *s, int k, uint32_t depth, struct item *v, size_t n)
{
    const struct weir_column *c = &s->batch->col[s->key[k].column];
    uint64_t end = (uint64_t)(depth + 1) * 8, beyond = end + 1;
    if (s->key[k].descending) beyond = ~beyond;
    for (size_t i = 0; i < n; i++) {
        uint64_t len = weir_column_str(c, (size_t)v[i].row).len;
        v[i].prefix = len > end ? end + 1 : len;
        if (s->key[k].descending) v[i].prefix = ~v[i].prefix;
    }
    radix_sort(s, v, n);
    for (size_t from = 0, to; from < n; from = to) {
        to = run_end(v, from, n);
        if (v[from].prefix == beyond)
            sort_values(s, k, depth + 1, v + from, to - from);
        else
            sort_range(s, k + 1, v + from, to - from);
    }
}

/* Order V, whose rows have values in key K that agree before word DEPTH. */
static void sort_values(const struct sorter *s, int k, uint32_t depth, struct item *v, size_t n)
{
    const struct weir_column *c = &s->batch->col[s->key[k].column];
    enum weir_phys phys = weir_type_phys(c->type);
    if (n <= SHORT) {
        merge_sort(s, k, v, n);
        return;
    }
    for (size_t i = 0; i < n; i++) v[i].prefix = prefix(&s->key[k], c, (size_t)v[i].row, depth);
    radix_sort(s, v, n);
    bool more = phys == WEIR_PHYS_STR || (phys == WEIR_PHYS_I128 && !depth);
    if (!more && k + 1 == s->n_keys) return;
    for (size_t from = 0, to; from < n; from = to) {
        to = run_end(v, from, n);
        if (to - from == 1) continue;
        if (phys == WEIR_PHYS_STR)
            sort_text_ends(s, k, depth, v + from, to - from);
        else if (more)
            sort_values(s, k, depth + 1, v + from, to - from);
        else
            sort_range(s, k + 1, v + from, to - from);
    }
}

/* Order V, whose rows are equal in the keys before K, by key K and those after it. */
static void sort_range(const struct sorter *s, int k, struct item *v, size_t n)
{
    if (k == s->n_keys || n < 2) return;
    if (n <= SHORT) {
        merge_sort(s, k, v, n);
        return;
    }
    const struct weir_column *c = &s->batch->col[s->key[k].column];
    size_t n_nulls = 0, at = 0;
    for (size_t i = 0; i < n; i++) /* NULLs to tmp, the others close up */
        if (weir_column_is_null(c, (size_t)v[i].row))
            s->tmp[n_nulls++] = v[i];
        else
            v[at++] = v[i];
    struct item *values = v, *nulls = v + at;
    if (s->key[k].nulls_first) {
        values = v + n_nulls, nulls = v;
        memmove(values, v, at * sizeof *v);
    }
    memcpy(nulls, s->tmp, n_nulls * sizeof *v);
    sort_range(s, k + 1, nulls, n_nulls);
    sort_values(s, k, 0, values, at);
}

/* ---- the best few ---- */

/* Does item A come before B? Rows of equal keys in the order of their numbers. */
static bool before(const struct sorter *s, const struct item *a, const struct item *b)
{
    int c =
        weir_sort_compare(s->key, s->n_keys, s->batch, (size_t)a->row, s->batch, (size_t)b->row);
    return c ? c < 0 : a->row < b->row;
}

/* The heap's root is the last of its N rows. */
static void sift_down(const struct sorter *s, struct item *heap, size_t n, size_t i)
{
    struct item x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(s, &heap[child], &heap[child + 1])) child++;
        if (!before(s, &x, &heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* The LIMIT first rows of the order to HEAP, in no particular order. */
static void select_first(const struct sorter *s, struct item *heap, size_t limit)
{
    size_t n = s->batch->n_rows;
    const struct weir_column *c = &s->batch->col[s->key[0].column];
    for (size_t i = 0; i < limit; i++) heap[i].row = (int64_t)i;
    for (size_t i = limit / 2; i-- > 0;) sift_down(s, heap, limit, i);
    uint64_t worst = 0;
    bool known = false; /* worst is the prefix of the root */
    for (size_t i = limit; i < n; i++) {
        struct item x = {0, (int64_t)i};
        if (!known) {
            known = !weir_column_is_null(c, (size_t)heap[0].row);
            worst = known ? prefix(&s->key[0], c, (size_t)heap[0].row, 0) : UINT64_MAX;
        }
        if (known && !weir_column_is_null(c, i) && prefix(&s->key[0], c, i, 0) > worst) continue;
        if (!before(s, &x, &heap[0])) continue;
        heap[0] = x;
        sift_down(s, heap, limit, 0);
        known = false;
    }
}

static int by_row(const void *a, const void *b)
{
    int64_t x = ((const struct item *)a)->row, y = ((const struct item *)b)->row;
    return (x > y) - (x < y);
}

/* How many rows are given, and how many are sorted for them. */
static void sizes(size_t rows, int n_keys, int64_t limit, size_t *n, size_t *sorted)
{
    *n = limit < 0 || (uint64_t)limit > rows ? rows : (size_t)limit;
    *sorted = !n_keys || *n < rows / 8 ? *n : rows;
}

size_t weir_sort_bytes(size_t rows, int n_keys, int64_t limit)
{
    size_t n, sorted;
    sizes(rows, n_keys, limit, &n, &sorted);
    return n * sizeof(int64_t) + 2 * sorted * sizeof(struct item);
}

int weir_sort_order(const struct weir_batch *batch, const struct weir_sort_column *key, int n_keys,
                    int64_t limit, int64_t **idx, size_t *n, struct weir_error *err)
{
    size_t rows = batch->n_rows, sorted;
    sizes(rows, n_keys, limit, n, &sorted);
    bool few = n_keys && sorted < rows;
    *idx = weir_malloc(*n * sizeof **idx);
    struct item *v = weir_malloc(sorted * sizeof *v);
    struct sorter s = {batch, key, n_keys, weir_malloc(sorted * sizeof *v)};
    int rc = WEIR_OK;
    if (!*idx || !v || !s.tmp) {
        rc = weir_fail_nomem(err, weir_sort_bytes(rows, n_keys, limit), "sorting");
        weir_free(*idx);
        *idx = NULL;
        *n = 0;
    } else {
        if (few && *n) {
            select_first(&s, v, *n);
            qsort(v, *n, sizeof *v, by_row);
        } else {
            for (size_t i = 0; i < sorted; i++) v[i].row = (int64_t)i;
        }
        sort_range(&s, 0, v, sorted);
        for (size_t i = 0; i < *n; i++) (*idx)[i] = v[i].row;
    }
    weir_free(v);
    weir_free(s.tmp);
    return rc;
}
