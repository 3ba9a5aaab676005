/* Windows that close while rows still arrive. The groups of a stream lie in one table; panes say
   which of its rows belong to which window. A new group is filed once, by the end of its window;
   when the watermark has passed that end, the pane's groups are handed on and are dead. Dead groups
   stay in the table, where late rows find them and are added to nothing that anybody reads, until
   they are as many as the living: then they are swept out, so that closing a window costs what it
   holds and not what is open.

   Late rows: a group's row count is set to zero when the group is handed on, so what a dead group
   counts when it is swept out came late. */
#include <string.h>

#include "runtime/exec/exec_impl.h"

#define SWEEP_AT 4096 /* dead groups, at least */

struct pane {
    int64_t end;
    uint32_t *row; /* in the group table */
    uint32_t n, cap;
};

struct panes {
    struct pane *pane; /* [n], the first to end first */
    size_t n, cap;
    size_t filed; /* rows of the group table that are in panes or dead */
    size_t dead;
};

void panes_free(struct panes *p)
{
    for (size_t i = 0; p && i < p->n; i++) weir_free(p->pane[i].row);
    if (p) weir_free(p->pane);
    weir_free(p);
}

/* The pane that ends at END, made when it is new; NULL: out of memory. */
static struct pane *find_pane(struct panes *p, int64_t end)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->pane[middle].end < end)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < p->n && p->pane[low].end == end) return &p->pane[low];
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct pane *grown = weir_realloc(p->pane, cap * sizeof *grown);
        if (!grown) return NULL;
        p->pane = grown;
        p->cap = cap;
    }
    memmove(p->pane + low + 1, p->pane + low, (p->n - low) * sizeof *p->pane);
    p->pane[low] = (struct pane){.end = end};
    p->n++;
    return &p->pane[low];
}

static int add_row(struct pane *q, uint32_t row, struct weir_error *err)
{
    if (q->n == q->cap) {
        uint32_t cap = q->cap ? q->cap * 2 : 16;
        uint32_t *grown = weir_realloc(q->row, cap * sizeof *grown);
        if (!grown) return weir_fail_nomem(err, cap * sizeof *grown, "opening a window");
        q->row = grown;
        q->cap = cap;
    }
    q->row[q->n++] = row;
    return WEIR_OK;
}

static int64_t window_end(const struct object_state *o, const uint64_t *row)
{
    return (int64_t)row[o->layout.key_word[o->def->window_end_key]];
}

/* The groups that are new since the last time. */
static int file_groups(struct object_state *o, int slot, struct weir_error *err)
{
    struct panes *p = o->panes;
    const struct weir_groups *g = o->groups[slot];
    struct pane *q = NULL;
    int rc = WEIR_OK;
    for (size_t n = weir_groups_count(g); !rc && p->filed < n; p->filed++) {
        int64_t end = window_end(o, weir_groups_row(g, p->filed));
        if (end <= o->closed_us) {
            p->dead++;
            continue;
        }
        if (!q || q->end != end) q = find_pane(p, end);
        rc = q ? add_row(q, (uint32_t)p->filed, err)
               : weir_fail_nomem(err, sizeof *q, "opening a window");
    }
    return rc;
}

/* Rows ROW[0..n) of the table as a batch. */
static int push_groups(struct object_state *o, int slot, const uint32_t *row, uint32_t n,
                       struct weir_builder *b,
                       int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                       void *ctx, struct weir_error *err)
{
    struct weir_groups *g = o->groups[slot];
    struct weir_batch *batch = NULL;
    int rc = WEIR_OK;
    for (uint32_t i = 0, run; !rc && i < n; i += run) {
        for (run = 1; i + run < n && row[i + run] == row[i] + run;) run++;
        rc = weir_groups_emit(g, row[i], run, b, err);
    }
    if (!rc) {
        weir_builder_set_rows(b, n);
        rc = weir_builder_finish(b, &batch, err);
    }
    if (!rc) rc = push(ctx, batch, err);
    weir_batch_unref(batch);
    uint32_t count = o->layout.agg_word[o->layout.n_aggs - 1];
    for (uint32_t i = 0; i < n; i++) weir_groups_take(g, row[i], count);
    return rc;
}

static bool is_dead(void *ctx, const uint64_t *row)
{
    const struct object_state *o = ctx;
    return window_end(o, row) <= o->closed_us;
}

int object_sweep_windows(struct job *j, int object, int slot, struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    struct weir_groups *g = o->groups[slot];
    uint32_t count = o->layout.agg_word[o->layout.n_aggs - 1];
    uint64_t late = 0;
    for (size_t i = 0; i < weir_groups_count(g); i++)
        if (is_dead(o, weir_groups_row(g, i))) late += weir_groups_take(g, i, count);
    atomic_fetch_add(&j->late_rows, late);
    panes_free(o->panes);
    o->panes = NULL;
    return weir_groups_remove(g, is_dead, o, err);
}

int object_close_windows(struct job *j, int object, int slot, int64_t watermark_us,
                         int (*push)(void *ctx, struct weir_batch *batch, struct weir_error *err),
                         void *ctx, struct weir_error *err)
{
    struct object_state *o = &j->object[object];
    struct weir_builder *b = NULL;
    if (!o->panes && !(o->panes = weir_calloc(1, sizeof *o->panes)))
        return weir_fail_nomem(err, sizeof *o->panes, "opening the windows");
    struct panes *p = o->panes;
    int rc = file_groups(o, slot, err);
    if (rc || watermark_us <= o->closed_us) return rc;
    size_t closed = 0;
    while (closed < p->n && p->pane[closed].end <= watermark_us) closed++;
    if (closed) rc = weir_builder_new(j->pool[slot], o->def->n_columns, o->def->types, &b, err);
    for (size_t i = 0; !rc && i < closed; i++) {
        const struct pane *q = &p->pane[i];
        for (uint32_t at = 0; !rc && at < q->n; at += WEIR_BATCH_ROWS)
            rc = push_groups(o, slot, q->row + at,
                             q->n - at < WEIR_BATCH_ROWS ? q->n - at : WEIR_BATCH_ROWS, b, push,
                             ctx, err);
        p->dead += q->n;
    }
    weir_builder_free(b);
    for (size_t i = 0; i < closed; i++) weir_free(p->pane[i].row);
    if (closed) memmove(p->pane, p->pane + closed, (p->n - closed) * sizeof *p->pane);
    p->n -= closed;
    o->closed_us = watermark_us;
    if (!rc && p->dead >= SWEEP_AT && p->dead > p->filed / 2)
        rc = object_sweep_windows(j, object, slot, err);
    return rc;
}
