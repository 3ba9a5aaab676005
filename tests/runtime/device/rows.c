/* Results are brought into one order (by all output columns, or by the keys) and compared value by
   value. */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/groups.h"
#include "runtime/native/sort.h"

static void check(int rc, const struct weir_error *err, const char *what)
{
    if (!rc) return;
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

void rows_init(struct rows *r, const struct weir_pipeline *p)
{
    struct weir_error err = {0};
    const struct weir_step *last = weir_pipe_last(p);
    memset(r, 0, sizeof *r);
    r->p = p;
    weir_arena_init(&r->arena);
    bool groups = last->kind == WEIR_STEP_AGGREGATE;
    r->n_keys = (int)last->n;
    r->n = (int)(last->n + (groups ? p->n_aggs : 0));
    r->type = weir_calloc((size_t)r->n + 1, sizeof *r->type);
    for (uint32_t i = 0; i < last->n; i++)
        r->type[i] = weir_pipe_insn(p)[weir_pipe_operand(p)[last->first + i]].type;
    for (uint32_t i = 0; groups && i < p->n_aggs; i++)
        r->type[last->n + i] = weir_pipe_agg(p)[i].type;
    if (!groups) return;
    check(weir_group_layout(&r->arena, p, &r->layout, &err), &err, "layout");
    check(weir_groups_new(&r->layout, NULL, &r->groups, &err), &err, "groups");
}

void rows_release(struct rows *r)
{
    for (int i = 0; i < r->n_batches; i++) weir_batch_unref(r->batch[i]);
    free(r->batch);
    weir_batch_unref(r->all);
    weir_groups_free(r->groups);
    weir_free(r->type);
    weir_arena_release(&r->arena);
}

void rows_add(struct rows *r, struct weir_batch *batch)
{
    r->batch = realloc(r->batch, (size_t)(r->n_batches + 1) * sizeof(struct weir_batch *));
    r->batch[r->n_batches++] = batch;
}

static int emit(void *ctx, struct weir_batch *batch, struct weir_error *err)
{
    (void)err;
    rows_add(ctx, weir_batch_ref(batch));
    return WEIR_OK;
}

static int failed(void *ctx, struct weir_batch *batch, const char *reason, struct weir_error *err)
{
    struct rows *r = ctx;
    (void)batch, (void)err;
    r->failed++;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    return WEIR_OK;
}

struct weir_run_sink rows_sink(struct rows *r)
{
    struct weir_run_sink s = {.failed = failed, .failed_ctx = r};
    s.out.emit = emit;
    s.out.ctx = r;
    s.out.groups = r->groups;
    return s;
}

void rows_order(struct rows *r)
{
    struct weir_error err = {0};
    struct weir_builder *b = NULL;
    struct weir_batch *all = NULL;
    int64_t *idx = NULL;
    size_t n = 0;
    struct weir_sort_column *key = calloc((size_t)r->n_keys + 1, sizeof *key);
    for (int i = 0; i < r->n_keys; i++) key[i].column = i;
    check(weir_builder_new(NULL, r->n, r->type, &b, &err), &err, "builder");
    if (r->groups) {
        size_t groups = weir_groups_count(r->groups);
        check(weir_groups_emit(r->groups, 0, groups, b, &err), &err, "groups");
        weir_builder_set_rows(b, (uint32_t)groups);
        check(weir_builder_finish(b, &all, &err), &err, "groups");
    } else {
        check(weir_batch_concat(NULL, r->batch, (size_t)r->n_batches, r->type, r->n, &all, &err),
              &err, "concat");
    }
    check(weir_sort_order(all, key, r->n_keys, -1, &idx, &n, &err), &err, "sort");
    for (int c = 0; c < r->n; c++) weir_builder_gather(b, c, &all->col[c], idx, n);
    weir_builder_set_rows(b, (uint32_t)n);
    check(weir_builder_finish(b, &r->all, &err), &err, "order");
    weir_batch_unref(all);
    weir_builder_free(b);
    weir_free(idx);
    free(key);
}

static bool same_double(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || nextafter(a, b) == b;
}

static bool same_value(const struct weir_value *a, const struct weir_value *b, bool sum)
{
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return a->b == b->b;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64:
        return a->f == b->f || (isnan(a->f) && isnan(b->f)) || (sum && same_double(a->f, b->f));
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_STR: return a->s.len == b->s.len && !memcmp(a->s.data, b->s.data, a->s.len);
    default: return a->i == b->i;
    }
}

static void show(const struct weir_value *v)
{
    if (v->is_null) {
        fprintf(stderr, "NULL");
        return;
    }
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: fprintf(stderr, "%d", v->b); break;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: fprintf(stderr, "%.17g", v->f); break;
    case WEIR_PHYS_I128:
        fprintf(stderr, "%lld:%llu", (long long)(v->x >> 64), (unsigned long long)v->x);
        break;
    case WEIR_PHYS_STR: fprintf(stderr, "'%.*s'", (int)v->s.len, v->s.data); break;
    default: fprintf(stderr, "%lld", (long long)v->i);
    }
}

bool rows_same(const struct rows *a, const struct rows *b, const char *what)
{
    if (a->all->n_rows != b->all->n_rows) {
        fprintf(stderr, "%s: %u rows, not %u\n", what, b->all->n_rows, a->all->n_rows);
        return false;
    }
    for (uint32_t c = 0; c < a->all->n_cols; c++)
        for (uint32_t i = 0; i < a->all->n_rows; i++) {
            struct weir_value x = weir_column_value(&a->all->col[c], i);
            struct weir_value y = weir_column_value(&b->all->col[c], i);
            if (same_value(&x, &y, a->groups && (int)c >= a->n_keys)) continue;
            fprintf(stderr, "%s: row %u, column %u: ", what, i, c);
            show(&y);
            fprintf(stderr, ", not ");
            show(&x);
            fprintf(stderr, "\n");
            return false;
        }
    return true;
}
