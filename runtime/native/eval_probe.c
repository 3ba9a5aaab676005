/* PROBE and EXPAND: steps that make several rows of one. Pairs (row, build row) are collected in
   chunks of at most WEIR_VECTOR and passed on; where no row can match more than once, the whole
   vector is one chunk.

   With a residual the chunks are candidates: the RESIDUAL stage computes it and passes on the pairs
   that count (INNER, LEFT), or only notes in the PROBE stage which rows have one (SEMI, ANTI). Rows
   of a LEFT join without a counting pair go through the RESIDUAL stage at the end, unfiltered, with
   NULL build columns. A residual that is an error fails the query; in SEMI and ANTI, which ask
   whether any pair counts, only when no other pair of the row does. */
#include <string.h>

#include "runtime/native/eval_internal.h"

static const struct weir_step *step_of(const struct weir_eval *ev, const struct eval_stage *s)
{
    return weir_pipe_step(ev->p) + s->step;
}

/* ---- chunks of pairs: probe rows in S->sel, build rows in the target's build_buf ---- */

struct pairs {
    struct weir_eval *ev;
    struct eval_stage *s;
    uint32_t to; /* stage */
    uint32_t table;
    uint32_t n;
};

static int flush(struct pairs *p, struct weir_error *err)
{
    if (!p->n) return WEIR_OK;
    struct eval_stage *to = eval_enter(p->ev, p->s, p->to, p->s->sel, p->n);
    to->build[p->table] = p->s->pair;
    p->n = 0;
    return eval_run_stage(p->ev, to, err);
}

static int add_range(struct pairs *p, uint32_t row, uint32_t begin, uint32_t end,
                     struct weir_error *err)
{
    while (begin < end) {
        uint32_t n = end - begin < WEIR_VECTOR - p->n ? end - begin : WEIR_VECTOR - p->n;
        for (uint32_t i = 0; i < n; i++) {
            p->s->sel[p->n + i] = row;
            p->s->pair[p->n + i] = begin + i;
        }
        begin += n;
        p->n += n;
        if (p->n < WEIR_VECTOR) continue;
        int rc = flush(p, err);
        if (rc) return rc;
    }
    return WEIR_OK;
}

static int add_pair(struct pairs *p, uint32_t row, uint32_t build, struct weir_error *err)
{
    p->s->sel[p->n] = row;
    p->s->pair[p->n++] = build;
    return p->n < WEIR_VECTOR ? WEIR_OK : flush(p, err);
}

/* ---- joins ---- */

/* All pairs; a row without any gets one with EVAL_NO_ROW if LEFT. */
static int pass_pairs(struct pairs *p, bool left, struct weir_error *err)
{
    const struct eval_stage *s = p->s;
    int rc = WEIR_OK;
    for (uint32_t i = 0; !rc && i < s->n; i++) {
        if (s->begin[i] < s->end[i])
            rc = add_range(p, i, s->begin[i], s->end[i], err);
        else if (left)
            rc = add_pair(p, i, EVAL_NO_ROW, err);
    }
    return rc ? rc : flush(p, err);
}

/* The same where a row has at most one match. */
static int pass_unique(struct pairs *p, bool left, struct weir_error *err)
{
    struct eval_stage *s = p->s;
    uint32_t m = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        bool match = s->begin[i] < s->end[i];
        s->sel[m] = i;
        s->pair[m] = match ? s->begin[i] : EVAL_NO_ROW;
        m += match | left;
    }
    if (!m) return WEIR_OK;
    struct eval_stage *to = eval_enter(p->ev, s, p->to, m == s->n ? NULL : s->sel, m);
    to->build[p->table] = s->pair;
    return eval_run_stage(p->ev, to, err);
}

/* Rows for which SEEN is WANT go on. */
static int pass_seen(struct weir_eval *ev, struct eval_stage *s, uint8_t want,
                     struct weir_error *err)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        s->sel[m] = i;
        m += s->seen[i] == want;
    }
    return eval_pass(ev, s, s->next, m == s->n ? NULL : s->sel, m, err);
}

static bool null_key(const struct weir_step *step, const struct eval_stage *s, uint32_t row)
{
    for (uint32_t k = 0; k < step->n; k++)
        if (weir_vec_state(s->vec[k], row) == WK_NULL) return true;
    return false;
}

static int pass_anti_null(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    const struct weir_step *step = step_of(ev, s);
    const struct weir_join_table *t = ev->tables[step->table];
    if (t->has_null_key) return WEIR_OK;
    for (uint32_t i = 0; !t->empty && i < s->n; i++)
        if (null_key(step, s, i)) s->seen[i] = 1;
    return pass_seen(ev, s, 0, err);
}

static int run_candidates(struct pairs *p, const struct weir_step *step, struct weir_error *err)
{
    struct weir_eval *ev = p->ev;
    struct eval_stage *s = p->s, *side = &ev->stage[s->side];
    memset(s->seen, 0, s->n);
    for (uint32_t i = 0; i < s->n; i++) s->failed[i] = EVAL_NO_ROW;
    side->pass_all = false;
    int rc = pass_pairs(p, false, err);
    if (rc || step->join == WEIR_JOIN_INNER) return rc;
    if (step->join == WEIR_JOIN_LEFT) {
        side->pass_all = true;
        for (uint32_t i = 0; !rc && i < s->n; i++)
            if (!s->seen[i]) rc = add_pair(p, i, EVAL_NO_ROW, err);
        return rc ? rc : flush(p, err);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->seen[i] || s->failed[i] == EVAL_NO_ROW) continue;
        eval_enter(ev, s, s->side, &i, 1)->build[step->table] = &s->failed[i];
        rc = eval_compute(ev, side, err);
        return rc ? rc : eval_report(ev, side, 0, side->pred, err);
    }
    return WEIR_OK;
}

int eval_run_probe(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    const struct weir_step *step = step_of(ev, s);
    const struct weir_join_table *t = ev->tables[step->table];
    const uint32_t *key = weir_pipe_operand(ev->p) + step->first;
    for (uint32_t k = 0; k < step->n; k++) s->vec[k] = eval_reg(ev, s, key[k]);
    int rc = weir_join_lookup(t, s->n, s->vec, s->begin, s->end);
    for (uint32_t k = 0; rc > 0 && k < step->n; k++)
        if (weir_vec_state(s->vec[k], (uint32_t)rc - 1) > WK_NULL)
            return eval_report(ev, s, (uint32_t)rc - 1, key[k], err);
    bool residual = s->side != UINT32_MAX, left = step->join == WEIR_JOIN_LEFT;
    struct pairs p = {.ev = ev, .s = s, .to = residual ? s->side : s->next, .table = step->table};
    if (residual) {
        rc = run_candidates(&p, step, err);
        if (rc || step->join <= WEIR_JOIN_LEFT) return rc;
    } else if (step->join <= WEIR_JOIN_LEFT) {
        return t->max_matches <= 1 ? pass_unique(&p, left, err) : pass_pairs(&p, left, err);
    } else {
        for (uint32_t i = 0; i < s->n; i++) s->seen[i] = s->begin[i] < s->end[i];
    }
    if (step->join == WEIR_JOIN_ANTI_NULL) return pass_anti_null(ev, s, err);
    return pass_seen(ev, s, step->join == WEIR_JOIN_SEMI, err);
}

int eval_run_residual(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    const struct weir_step *step = step_of(ev, s);
    struct eval_stage *probe = &ev->stage[s->parent];
    if (s->pass_all) return eval_pass(ev, s, s->next, NULL, s->n, err);
    uint32_t failed = eval_true_rows(ev, s, s->pred);
    if (step->join <= WEIR_JOIN_LEFT) {
        if (failed < s->n) return eval_report(ev, s, failed, s->pred, err);
        uint32_t m = eval_select(s->mask, s->n, s->sel);
        for (uint32_t i = 0; i < m; i++) probe->seen[probe->sel[s->sel[i]]] = 1;
        return eval_pass(ev, s, s->next, m == s->n ? NULL : s->sel, m, err);
    }
    const struct weir_vec *pred = eval_reg(ev, s, s->pred);
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t row = probe->sel[i];
        probe->seen[row] |= s->mask[i];
        if (weir_vec_state(pred, i) > WK_NULL) probe->failed[row] = probe->pair[i];
    }
    return WEIR_OK;
}

/* ---- windows ---- */

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

/* Windows that contain T: starts in (t - size, t] that are offset + k * slide. */
static int64_t count_windows(const struct weir_step *w, int64_t t)
{
    int64_t since = floor_mod(floor_mod(t, w->slide_us) - floor_mod(w->offset_us, w->slide_us),
                              w->slide_us); /* the newest window's start is this long ago */
    return since >= w->size_us ? 0 : (w->size_us - since - 1) / w->slide_us + 1;
}

static int flush_windows(struct weir_eval *ev, struct eval_stage *s, uint32_t *n,
                         struct weir_error *err)
{
    if (!*n) return WEIR_OK;
    struct eval_stage *to = eval_enter(ev, s, s->next, s->sel, *n);
    to->ord[s->step] = s->ord_buf[s->step];
    *n = 0;
    return eval_run_stage(ev, to, err);
}

int eval_run_expand(struct weir_eval *ev, struct eval_stage *s, struct weir_error *err)
{
    const struct weir_step *step = step_of(ev, s);
    const struct weir_vec *t = eval_reg(ev, s, step->a);
    int64_t *ord = s->ord_buf[s->step];
    int64_t fixed = step->size_us % step->slide_us ? 0 : step->size_us / step->slide_us;
    uint32_t n = 0;
    if (fixed == 1 && !t->st) { /* tumbling: every row once */
        memset(ord, 0, s->n * sizeof *ord);
        struct eval_stage *to = eval_enter(ev, s, s->next, NULL, s->n);
        to->ord[s->step] = ord;
        return eval_run_stage(ev, to, err);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        uint8_t st = weir_vec_state(t, i);
        if (st > WK_NULL) return eval_report(ev, s, i, step->a, err);
        int64_t at = ((const int64_t *)t->data)[t->constant ? 0 : i];
        int64_t windows = st ? 0 : fixed ? fixed : count_windows(step, at);
        for (int64_t k = 0; k < windows; k++) {
            s->sel[n] = i;
            ord[n++] = k;
            if (n < WEIR_VECTOR) continue;
            int rc = flush_windows(ev, s, &n, err);
            if (rc) return rc;
        }
    }
    return flush_windows(ev, s, &n, err);
}
