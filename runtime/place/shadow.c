/* The shadow check: a device's first answer is compared with the native one before any of its rows
   are used. Both runs deliver into private collections; the rows are brought into one order and
   compared value by value. */
#include "runtime/place/shadow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/native/groups.h"
#include "runtime/native/sort.h"

struct side {
    struct weir_batch *batch[64];
    int n;
    bool failed;
    struct weir_groups *groups;
    struct weir_batch *all; /* the rows, ordered */
};

static int collect(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    struct side *s = ctx;
    if (s->n == (int)(sizeof s->batch / sizeof *s->batch))
        return weir_fail(err, WEIR_ERR_UNSUPPORTED, "the sample gives too many batches to compare");
    s->batch[s->n++] = weir_batch_ref(batch);
    return WEIR_OK;
}

static int handed_back(void *ctx, struct weir_batch *batch, const char *reason,
                       struct weir_error *err)
{
    (void)batch, (void)reason, (void)err;
    ((struct side *)ctx)->failed = true;
    return WEIR_OK;
}

static int run_side(const struct weir_backend *b, struct weir_prepared *q, struct side *s,
                    struct weir_batch *batch, int64_t now_us, struct weir_error *err)
{
    struct weir_run_sink sink = {.failed = handed_back, .failed_ctx = s};
    struct weir_run *run = NULL;
    sink.out.emit = collect;
    sink.out.ctx = s;
    sink.out.groups = s->groups;
    int rc = b->ops->open(q, &sink, NULL, now_us, &run, err);
    if (!rc) rc = b->ops->submit(run, batch, err);
    if (!rc) rc = b->ops->finish(run, err);
    b->ops->close(run);
    return rc;
}

/* Bring S's rows into s->all, ordered by the first N_KEYS columns. */
static int order_side(struct side *s, const struct weir_type *types, int n, int n_keys,
                      struct weir_error *err)
{
    struct weir_builder *b = NULL;
    struct weir_batch *all = NULL;
    int64_t *idx = NULL;
    size_t rows = 0;
    struct weir_sort_column *key = weir_calloc((size_t)n_keys, sizeof *key);
    int rc = key ? weir_builder_new(NULL, n, types, &b, err) : weir_fail_nomem(err, 0, "comparing");
    for (int i = 0; !rc && i < n_keys; i++) key[i].column = i;
    if (!rc && s->groups) {
        rc = weir_groups_emit(s->groups, 0, weir_groups_count(s->groups), b, err);
        weir_builder_set_rows(b, (uint32_t)weir_groups_count(s->groups));
        if (!rc) rc = weir_builder_finish(b, &all, err);
    } else if (!rc) {
        rc = weir_batch_concat(NULL, s->batch, (size_t)s->n, types, n, &all, err);
    }
    if (!rc) rc = weir_sort_order(all, key, n_keys, -1, &idx, &rows, err);
    for (int c = 0; !rc && c < n; c++) weir_builder_gather(b, c, &all->col[c], idx, rows);
    if (!rc) {
        weir_builder_set_rows(b, (uint32_t)rows);
        rc = weir_builder_finish(b, &s->all, err);
    }
    weir_batch_unref(all);
    weir_builder_free(b);
    weir_free(idx);
    weir_free(key);
    return rc;
}

static bool same_double(double a, double b)
{
    if (a == b || (a != a && b != b)) return true;
    return nextafter(a, b) == b;
}

static bool same_value(const struct weir_value *a, const struct weir_value *b)
{
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return a->b == b->b;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return same_double(a->f, b->f);
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_STR: return a->s.len == b->s.len && !memcmp(a->s.data, b->s.data, a->s.len);
    default: return a->i == b->i;
    }
}

static int compare(const struct weir_batch *a, const struct weir_batch *b, char *why,
                   size_t why_size)
{
    if (a->n_rows != b->n_rows) {
        snprintf(why, why_size, "native gives %u rows, the device %u", a->n_rows, b->n_rows);
        return 0;
    }
    for (uint32_t c = 0; c < a->n_cols; c++)
        for (uint32_t i = 0; i < a->n_rows; i++) {
            struct weir_value x = weir_column_value(&a->col[c], i);
            struct weir_value y = weir_column_value(&b->col[c], i);
            if (same_value(&x, &y)) continue;
            snprintf(why, why_size, "column %u of row %u differs", c + 1, i + 1);
            return 0;
        }
    return 1;
}

static void side_release(struct side *s)
{
    for (int i = 0; i < s->n; i++) weir_batch_unref(s->batch[i]);
    weir_groups_free(s->groups);
    weir_batch_unref(s->all);
}

/* The types of the rows that P delivers: OUTPUT's columns, or keys and results; *N_KEYS columns
 * order them. */
static int result_types(const struct weir_pipeline *p, struct weir_type **types, int *n,
                        int *n_keys)
{
    const struct weir_step *last = weir_pipe_last(p);
    bool groups = last->kind == WEIR_STEP_AGGREGATE;
    *n = (int)(last->n + (groups ? p->n_aggs : 0));
    *n_keys = (int)last->n;
    *types = weir_calloc((size_t)*n, sizeof **types);
    if (!*types) return WEIR_ERR_NOMEM;
    for (uint32_t i = 0; i < last->n; i++)
        (*types)[i] = weir_pipe_insn(p)[weir_pipe_operand(p)[last->first + i]].type;
    for (uint32_t i = 0; groups && i < p->n_aggs; i++)
        (*types)[last->n + i] = weir_pipe_agg(p)[i].type;
    return WEIR_OK;
}

int weir_shadow_check(const struct weir_pipeline *p, struct weir_prepared *native,
                      struct weir_backend *device, struct weir_prepared *prepared,
                      struct weir_batch *batch, int64_t now_us, char *why, size_t why_size,
                      struct weir_error *err)
{
    struct side a = {0}, b = {0};
    struct weir_arena arena;
    struct weir_group_layout layout;
    struct weir_type *types = NULL;
    int n = 0, n_keys = 0;
    weir_arena_init(&arena);
    int rc = result_types(p, &types, &n, &n_keys);
    if (!rc && weir_pipe_last(p)->kind == WEIR_STEP_AGGREGATE) {
        rc = weir_group_layout(&arena, p, &layout, err);
        if (!rc) rc = weir_groups_new(&layout, NULL, &a.groups, err);
        if (!rc) rc = weir_groups_new(&layout, NULL, &b.groups, err);
    }
    if (!rc) rc = run_side(weir_backend_native(), native, &a, batch, now_us, err);
    if (!rc) rc = run_side(device, prepared, &b, batch, now_us, err);
    if (!rc) rc = order_side(&a, types, n, n_keys, err);
    if (!rc) rc = order_side(&b, types, n, n_keys, err);
    if (!rc && b.failed)
        snprintf(why, why_size, "the device handed the sample back");
    else if (!rc)
        rc = compare(a.all, b.all, why, why_size);
    side_release(&a);
    side_release(&b);
    weir_free(types);
    weir_arena_release(&arena);
    return rc;
}
