/* Objects: what the rows of a stage become. Each slot fills its own part without locks; when the
   last writer is done the parts become one thing: a join table, groups merged by parts of the hash
   space (each slot merges its part), or a sorted order. */
#include <stdio.h>
#include <string.h>

#include "runtime/exec/exec_impl.h"

int batch_list_add(struct batch_list *l, struct weir_batch *b, struct weir_error *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct weir_batch **p = weir_realloc(l->batch, cap * sizeof *p);
        if (!p) return weir_fail_nomem(err, cap * sizeof *p, "collecting rows");
        l->batch = p;
        l->cap = cap;
    }
    l->batch[l->n++] = weir_batch_ref(b);
    l->rows += b->n_rows;
    return WEIR_OK;
}

void batch_list_clear(struct batch_list *l)
{
    for (size_t i = 0; i < l->n; i++) weir_batch_unref(l->batch[i]);
    weir_free(l->batch);
    memset(l, 0, sizeof *l);
}

static int open_groups(struct job *j, struct object_state *o, struct weir_error *err)
{
    weir_arena_init(&o->arena);
    int rc = weir_group_layout(&o->arena, o->def->pipeline, &o->layout, err);
    if (rc) return rc;
    o->groups = weir_calloc((size_t)j->n_slots, sizeof(struct weir_groups *));
    if (!o->groups) return weir_fail_nomem(err, 0, "opening the group tables");
    o->n_groups = j->n_slots;
    for (int i = 0; !rc && i < j->n_slots; i++)
        rc = weir_groups_new(&o->layout, j->pool[i], &o->groups[i], err);
    return rc;
}

int object_open(struct job *j, int object, struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    o->def = &j->s->object[object];
    o->closed_us = INT64_MIN;
    if (o->def->kind == WEIR_OBJECT_GROUPS) return open_groups(j, o, err);
    if (o->def->kind == WEIR_OBJECT_SINK) return WEIR_OK;
    o->rows = weir_calloc((size_t)j->n_slots, sizeof *o->rows);
    return o->rows ? WEIR_OK : weir_fail_nomem(err, 0, "opening a row list");
}

void object_close(struct job *j, int object)
{
    struct object_state *o = &j->object[object];
    for (int i = 0; o->rows && i < j->n_slots; i++) batch_list_clear(&o->rows[i]);
    weir_free(o->rows);
    for (int i = 0; o->groups && i < o->n_groups; i++) weir_groups_free(o->groups[i]);
    weir_free(o->groups);
    weir_batch_unref(o->sorted);
    panes_free(o->panes);
    weir_join_free(o->table);
    weir_arena_release(&o->arena);
    memset(o, 0, sizeof *o);
}

/* ---- filling ---- */

static int64_t wanted_rows(const struct weir_object *def)
{
    if (def->limit < 0 || def->limit > INT64_MAX - def->offset) return -1;
    return def->limit + def->offset;
}

/* All of LIST's rows as one batch, in sorted order, at most LIMIT of them (< 0: all). */
static int sorted_batch(struct job *j, const struct weir_object *def, struct weir_pool *pool,
                        const struct batch_list *list, int64_t limit, struct weir_batch **out,
                        struct weir_error *err)
{
    (void)j;
    struct weir_batch *all = NULL;
    struct weir_builder *b = NULL;
    int64_t *idx = NULL;
    size_t n = 0;
    int rc = weir_batch_concat(pool, list->batch, list->n, def->types, def->n_columns, &all, err);
    if (rc) return rc;
    if (def->n_sort == 0 && (limit < 0 || all->n_rows <= limit)) {
        *out = all;
        return WEIR_OK;
    }
    size_t order_bytes = weir_sort_bytes(all->n_rows, def->n_sort, limit);
    rc = weir_pool_take(pool, order_bytes, err);
    if (rc) {
        weir_batch_unref(all);
        return rc;
    }
    rc = weir_sort_order(all, def->sort, def->n_sort, limit, &idx, &n, err);
    if (!rc) rc = weir_builder_new(pool, def->n_columns, def->types, &b, err);
    for (int c = 0; !rc && c < def->n_columns; c++) weir_builder_gather(b, c, &all->col[c], idx, n);
    if (!rc) {
        weir_builder_set_rows(b, (uint32_t)n);
        rc = weir_builder_finish(b, out, err);
    }
    weir_builder_free(b);
    weir_free(idx);
    weir_pool_give(pool, order_bytes);
    weir_batch_unref(all);
    return rc;
}

/* Keep only the first rows of a top-N once the list is much longer than that. */
static int prune_top(struct job *j, struct object_state *o, int slot, struct weir_error *err)
{
    struct batch_list *list = &o->rows[slot];
    int64_t want = wanted_rows(o->def);
    if (want < 0 || o->def->n_sort == 0) return WEIR_OK;
    if (list->rows < 65536 || list->rows < (uint64_t)want * 4) return WEIR_OK;
    struct weir_batch *top = NULL;
    int rc = sorted_batch(j, o->def, j->pool[slot], list, want, &top, err);
    if (rc) return rc;
    batch_list_clear(list);
    rc = batch_list_add(list, top, err);
    weir_batch_unref(top);
    return rc;
}

int object_emit(struct job *j, int object, int slot, struct weir_batch *batch,
                struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    if (batch->n_rows == 0) return WEIR_OK;
    if (o->def->kind == WEIR_OBJECT_SINK) {
        atomic_fetch_add(&j->rows_out, batch->n_rows);
        return j->sink->ops->write(j->sink, slot, batch, err);
    }
    int rc = batch_list_add(&o->rows[slot], batch, err);
    if (rc || o->def->kind != WEIR_OBJECT_SORT) return rc;
    uint64_t n = atomic_fetch_add(&o->n_rows, batch->n_rows) + batch->n_rows;
    int64_t want = wanted_rows(o->def);
    if (o->def->n_sort == 0 && want >= 0 && n >= (uint64_t)want) atomic_store(&o->enough, true);
    return prune_top(j, o, slot, err);
}

/* ---- completing ---- */

/* Move all slots' lists into one. */
static int gather_lists(struct job *j, struct object_state *o, struct batch_list *all,
                        struct weir_error *err)
{
    int rc = WEIR_OK;
    for (int s = 0; s < j->n_slots; s++) {
        for (size_t i = 0; !rc && i < o->rows[s].n; i++)
            rc = batch_list_add(all, o->rows[s].batch[i], err);
        batch_list_clear(&o->rows[s]);
    }
    return rc;
}

static int complete_build(struct job *j, struct object_state *o, struct weir_error *err)
{
    struct batch_list all = {0};
    int rc = gather_lists(j, o, &all, err);
    if (!rc)
        rc = weir_join_build(j->pool[0], all.batch, all.n, o->def->types, o->def->n_columns,
                             o->def->n_keys, &o->table, err);
    batch_list_clear(&all);
    return rc;
}

struct merge {
    struct job *j;
    struct object_state *o;
    struct weir_groups **part;
    int n_parts;
    struct weir_groups_rows *rows; /* exchange: [n_parts] */
};

static int merge_part(void *ctx, int slot, struct weir_error *err)
{
    struct merge *m = ctx;
    if (slot >= m->n_parts) return WEIR_OK;
    uint64_t start = weir_now_ns();
    int rc = weir_groups_new(&m->o->layout, m->j->pool[slot], &m->part[slot], err);
    for (int i = 0; !rc && i < m->o->n_groups; i++)
        rc = weir_groups_merge_part(m->part[slot], m->o->groups[i], (uint32_t)slot,
                                    (uint32_t)m->n_parts, err);
    if (!rc)
        weir_trace_span(m->j->o->trace, slot, "merge groups", "merge", start, weir_now_ns(),
                        weir_groups_count(m->part[slot]));
    return rc;
}

static int take_part(void *ctx, int slot, struct weir_error *err)
{
    struct merge *m = ctx;
    uint64_t start = weir_now_ns();
    int rc = WEIR_OK;
    for (int i = 0; !rc && i < m->n_parts; i++)
        if (i != slot)
            rc = weir_groups_take_part(m->o->groups[slot], &m->rows[i], (uint32_t)slot,
                                       (uint32_t)m->n_parts, err);
    if (!rc)
        weir_trace_span(m->j->o->trace, slot, "merge groups", "merge", start, weir_now_ns(),
                        weir_groups_count(m->o->groups[slot]));
    return rc;
}

static int keep_part(void *ctx, int slot, struct weir_error *err)
{
    (void)err;
    struct merge *m = ctx;
    weir_groups_keep_part(m->o->groups[slot], (uint32_t)slot, (uint32_t)m->n_parts);
    return WEIR_OK;
}

/* Large tables: each slot's table becomes its part. */
static int exchange_groups(struct job *j, struct object_state *o, struct weir_error *err)
{
    struct merge m = {.j = j, .o = o, .n_parts = o->n_groups};
    m.rows = weir_calloc((size_t)m.n_parts, sizeof *m.rows);
    int rc = m.rows ? WEIR_OK : weir_fail_nomem(err, 0, "merging the groups");
    for (int i = 0; !rc && i < m.n_parts; i++)
        rc = weir_groups_rows_of(o->groups[i], &m.rows[i], err);
    if (!rc) rc = weir_workers_run(j->o->workers, take_part, &m, err);
    if (!rc) rc = weir_workers_run(j->o->workers, keep_part, &m, err);
    for (int i = 0; m.rows && i < m.n_parts; i++) weir_free(m.rows[i].chunk);
    weir_free(m.rows);
    return rc;
}

static int complete_groups(struct job *j, struct object_state *o, struct weir_error *err)
{
    if (j->n_slots == 1) return WEIR_OK;
    if (o->n_groups == j->n_slots && weir_groups_can_exchange(o->groups, o->n_groups))
        return exchange_groups(j, o, err);
    size_t total = 0;
    for (int i = 0; i < o->n_groups; i++) total += weir_groups_count(o->groups[i]);
    struct merge m = {.j = j, .o = o};
    m.n_parts = o->def->n_keys == 0 || total < 4096 ? 1 : j->n_slots;
    m.part = weir_calloc((size_t)m.n_parts, sizeof(struct weir_groups *));
    if (!m.part) return weir_fail_nomem(err, 0, "merging the groups");
    int rc = m.n_parts == 1 ? merge_part(&m, 0, err)
                            : weir_workers_run(j->o->workers, merge_part, &m, err);
    for (int i = 0; i < o->n_groups; i++) weir_groups_free(o->groups[i]);
    weir_free(o->groups);
    o->groups = m.part;
    o->n_groups = m.n_parts;
    return rc;
}

int object_complete(struct job *j, int object, struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    switch (o->def->kind) {
    case WEIR_OBJECT_BUILD: return complete_build(j, o, err);
    case WEIR_OBJECT_GROUPS: return complete_groups(j, o, err);
    default: return WEIR_OK;
    }
}

/* ---- reading ---- */

/* Cut ALL's first N_COLUMNS columns into batches of rows [FROM, TO) and push them. */
static int push_rows(struct job *j, const struct weir_object *def, int slot, struct weir_batch *all,
                     uint32_t from, uint32_t to,
                     int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                     void *ctx, struct weir_error *err)
{
    struct weir_builder *b = NULL;
    int rc = weir_builder_new(j->pool[slot], def->n_visible, def->types, &b, err);
    for (uint32_t at = from; !rc && at < to && !job_cancelled(j);) {
        uint32_t n = to - at < WEIR_BATCH_ROWS ? to - at : WEIR_BATCH_ROWS;
        for (int c = 0; c < def->n_visible; c++) weir_builder_copy(b, c, &all->col[c], at, n);
        weir_builder_set_rows(b, n);
        struct weir_batch *batch = NULL;
        rc = weir_builder_finish(b, &batch, err);
        if (!rc) rc = push(ctx, batch, err);
        weir_batch_unref(batch);
        at += n;
    }
    weir_builder_free(b);
    return rc;
}

static int read_sorted(struct job *j, struct object_state *o,
                       int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                       void *ctx, struct weir_error *err)
{
    struct batch_list list = {0};
    uint64_t start = weir_now_ns();
    int rc = o->sorted ? WEIR_OK : gather_lists(j, o, &list, err);
    if (!rc && !o->sorted) {
        rc = sorted_batch(j, o->def, j->pool[0], &list, wanted_rows(o->def), &o->sorted, err);
        if (!rc)
            weir_trace_span(j->o->trace, 0, "sort", "sort", start, weir_now_ns(),
                            o->sorted->n_rows);
    }
    batch_list_clear(&list);
    if (rc) return rc;
    uint32_t n = o->sorted->n_rows, from = o->def->offset < n ? (uint32_t)o->def->offset : n;
    return push_rows(j, o->def, 0, o->sorted, from, n, push, ctx, err);
}

static int read_groups(struct job *j, struct object_state *o, const struct weir_groups *g, int slot,
                       int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                       void *ctx, struct weir_error *err)
{
    struct weir_builder *b = NULL;
    int rc = weir_builder_new(j->pool[slot], o->def->n_columns, o->def->types, &b, err);
    size_t count = weir_groups_count(g);
    for (size_t at = 0; !rc && at < count && !job_cancelled(j); at += WEIR_BATCH_ROWS) {
        size_t n = count - at < WEIR_BATCH_ROWS ? count - at : WEIR_BATCH_ROWS;
        struct weir_batch *batch = NULL;
        rc = weir_groups_emit(g, at, n, b, err);
        weir_builder_set_rows(b, (uint32_t)n);
        if (!rc) rc = weir_builder_finish(b, &batch, err);
        if (!rc) rc = push(ctx, batch, err);
        weir_batch_unref(batch);
    }
    weir_builder_free(b);
    return rc;
}

int object_read(struct job *j, int object, int slot,
                int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err), void *ctx,
                struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    if (o->def->kind == WEIR_OBJECT_SORT)
        return slot == 0 ? read_sorted(j, o, push, ctx, err) : WEIR_OK;
    if (slot >= o->n_groups) return WEIR_OK;
    return read_groups(j, o, o->groups[slot], slot, push, ctx, err);
}
