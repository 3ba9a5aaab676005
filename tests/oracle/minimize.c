/* Greedy minimisation: try one cut after another, keep those after which the engines still disagree
   in the same way, until nothing more can be cut. Every cut is one pointer or number that is put
   back when it does not help. */

#include "minimize.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hunt {
    struct query *q;
    struct database *db;
    struct pool *pool;
    struct engine *right, *suspect;
    struct result a, b;
    enum outcome outcome;
    char complaint[80];
    int budget;
};

/* The message without digits, so that other positions and values are the same complaint. */
static void complaint_of(const struct result *r, char *out, size_t size)
{
    size_t n = 0;
    for (const char *p = r->message; *p && n + 1 < size; p++)
        if (!isdigit((unsigned char)*p)) out[n++] = *p;
    out[n] = 0;
}

static bool disagrees(struct hunt *h)
{
    struct text why = {0};
    char complaint[80];
    if (h->budget-- <= 0) return false;
    h->right->run(h->right, h->q, &h->b);
    if (h->b.outcome == outcome_broken || h->b.outcome == outcome_skipped) return false;
    h->suspect->run(h->suspect, h->q, &h->a);
    bool same = result_same(h->q, &h->a, &h->b, &why);
    text_free(&why);
    complaint_of(&h->a, complaint, sizeof complaint);
    return !same && h->a.outcome == h->outcome && strcmp(complaint, h->complaint) == 0;
}

static bool reload(struct hunt *h)
{
    return h->right->load(h->right, h->db) && h->suspect->load(h->suspect, h->db);
}

static bool try_int(struct hunt *h, int *place, int value)
{
    int before = *place;
    if (before == value) return false;
    *place = value;
    if (disagrees(h)) return true;
    *place = before;
    return false;
}

static bool try_expr(struct hunt *h, struct expr **place, struct expr *value)
{
    struct expr *before = *place;
    if (before == value) return false;
    *place = value;
    if (disagrees(h)) return true;
    *place = before;
    return false;
}

static bool simplify_expr(struct hunt *h, struct expr **place)
{
    struct expr *e = *place;
    bool cut = false;
    if (!e || e->op == op_column || e->op == op_const) return false;
    for (int i = 0; i < e->n && e->op != op_aggregate; i++)
        if (e->kid[i] && type_equal(e->kid[i]->type, e->type) && try_expr(h, place, e->kid[i]))
            return true;
    if (e->op != op_aggregate) {
        struct expr *null = expr_new(h->pool, op_const, e->type, 0);
        null->value.null = true;
        if (try_expr(h, place, null)) return true;
    } else if (e->kid[1] && try_expr(h, &e->kid[1], NULL)) {
        cut = true;
    }
    if (e->op == op_case && e->n > 3 && try_int(h, &e->n, e->n - 2)) cut = true;
    if ((e->op == op_in || e->op == op_not_in) && e->n > 2 && try_int(h, &e->n, e->n - 1))
        cut = true;
    for (int i = 0; i < e->n; i++) cut |= simplify_expr(h, &e->kid[i]);
    return cut;
}

static bool drop_item(struct hunt *h, struct query *q, int at)
{
    if (q->n_items < 2) return false;
    for (int i = 0; i < q->n_order; i++)
        if (q->order[i].item >= at) return false;
    for (struct query *arm = q; arm; arm = arm->next) {
        struct expr *gone = arm->item[at].expr;
        for (int i = at; i + 1 < arm->n_items; i++) arm->item[i].expr = arm->item[i + 1].expr;
        arm->item[--arm->n_items].expr = gone;
    }
    if (disagrees(h)) return true;
    for (struct query *arm = q; arm; arm = arm->next) {
        struct expr *back = arm->item[arm->n_items++].expr;
        for (int i = arm->n_items - 1; i > at; i--) arm->item[i].expr = arm->item[i - 1].expr;
        arm->item[at].expr = back;
    }
    return false;
}

static bool simplify_query(struct hunt *h, struct query *q);

static bool simplify_relations(struct hunt *h, struct query *q)
{
    bool cut = false;
    while (q->n_relations > 1 && try_int(h, &q->n_relations, q->n_relations - 1)) cut = true;
    for (int i = 0; i < q->n_relations; i++) {
        struct relation *r = &q->relation[i];
        if (r->residual) cut |= try_expr(h, &r->residual, NULL) || simplify_expr(h, &r->residual);
        if (r->n_keys > 1) cut |= try_int(h, &r->n_keys, 1);
        if (r->n_values > 1) cut |= try_int(h, &r->n_values, r->n_values - 1);
        if (r->join == join_left || r->join == join_full) {
            enum join was = r->join;
            r->join = was == join_full ? join_left : join_inner;
            if (disagrees(h))
                cut = true;
            else
                r->join = was;
        }
        if (r->kind == rel_query) cut |= simplify_query(h, r->query);
    }
    return cut;
}

static bool simplify_query(struct hunt *h, struct query *q)
{
    bool cut = false;
    struct query *next = q->next;
    int64_t limit = q->limit;
    if (next) {
        q->next = NULL;
        if (disagrees(h)) return true;
        q->next = next;
    }
    int64_t offset = q->offset;
    if (limit >= 0) {
        q->limit = -1;
        q->offset = 0;
        if (disagrees(h)) {
            cut = true;
        } else {
            q->limit = limit;
            q->offset = offset;
        }
    }
    while (q->n_order > 0 && try_int(h, &q->n_order, q->n_order - 1)) cut = true;
    while (q->n_members > 0 && try_int(h, &q->n_members, q->n_members - 1)) cut = true;
    if (q->where) cut |= try_expr(h, &q->where, NULL) || simplify_expr(h, &q->where);
    if (q->having) cut |= try_expr(h, &q->having, NULL) || simplify_expr(h, &q->having);
    cut |= simplify_relations(h, q);
    for (int i = q->n_items - 1; i >= 0; i--) cut |= drop_item(h, q, i);
    while (q->n_keys > 0 && !query_has_window(q) && try_int(h, &q->n_keys, q->n_keys - 1))
        cut = true;
    for (int i = 0; i < q->n_keys; i++) {
        for (int k = 0; k < q->key[i]->n; k++) cut |= simplify_expr(h, &q->key[i]->kid[k]);
    }
    for (int i = 0; i < q->n_items; i++) cut |= simplify_expr(h, &q->item[i].expr);
    for (int i = 0; i < q->n_members; i++)
        if (q->member[i].filter) cut |= try_expr(h, &q->member[i].filter, NULL);
    return cut;
}

/* Remove COUNT rows from AT on; they stay behind the end, so that they can be put back. */
static bool drop_rows(struct hunt *h, struct table *t, int at, int count)
{
    size_t width = (size_t)t->n_columns * sizeof *t->cell;
    struct value *gone = get_memory(NULL, (size_t)count * width);
    struct value *begin = t->cell + (size_t)at * (size_t)t->n_columns;
    struct value *end = begin + (size_t)count * (size_t)t->n_columns;
    size_t tail = (size_t)(t->rows - at - count) * width;
    memcpy(gone, begin, (size_t)count * width);
    memmove(begin, end, tail);
    t->rows -= count;
    bool good = reload(h) && disagrees(h);
    if (!good) {
        memmove(end, begin, tail);
        memcpy(begin, gone, (size_t)count * width);
        t->rows += count;
    }
    free(gone);
    return good;
}

static bool simplify_rows(struct hunt *h)
{
    bool cut = false;
    for (int i = 0; i < h->db->n_tables; i++) {
        struct table *t = &h->db->table[i];
        for (int chunk = t->rows; chunk > 0; chunk /= 2)
            for (int at = 0; at < t->rows;) {
                int count = chunk < t->rows - at ? chunk : t->rows - at;
                bool dropped = drop_rows(h, t, at, count);
                cut |= dropped;
                if (!dropped) at += count;
            }
    }
    return reload(h) && cut;
}

void minimize(struct query *q, struct database *db, struct pool *pool, struct engine *right,
              struct engine *suspect)
{
    struct hunt h = {
        .q = q, .db = db, .pool = pool, .right = right, .suspect = suspect, .budget = 4000};
    struct text why = {0};
    right->run(right, q, &h.b);
    suspect->run(suspect, q, &h.a);
    bool same = result_same(q, &h.a, &h.b, &why);
    h.outcome = h.a.outcome;
    complaint_of(&h.a, h.complaint, sizeof h.complaint);
    for (int round = 0; !same && round < 8; round++) {
        bool cut = simplify_rows(&h);
        cut |= simplify_query(&h, q);
        if (!cut) break;
    }
    result_clear(&h.a);
    result_clear(&h.b);
    free(h.a.cell);
    free(h.b.cell);
    text_free(&why);
}
