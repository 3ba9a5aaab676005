#ifndef WEIR_TESTS_GROUP_SETUP_H
#define WEIR_TESTS_GROUP_SETUP_H

/* An aggregation for the group table's tests: a pipeline record made by hand (only what the layout
   reads), and batches with one column for each key, argument and filter. */

#include "runtime/native/groups.h"
#include "tests/runtime/native/random_batch.h"

#define MAX_KEYS 4
#define MAX_AGGS 6

struct setup {
    struct record {
        struct weir_pipeline head;
        struct weir_insn insn[MAX_KEYS];
        struct weir_step step;
        uint32_t operand[MAX_KEYS];
        struct weir_pipe_agg agg[MAX_AGGS];
    } p;
    int n_keys, n_aggs, n_cols;
    int arg_col[MAX_AGGS], filter_col[MAX_AGGS]; /* -1: none */
    struct weir_type types[MAX_KEYS + 2 * MAX_AGGS];
    struct weir_arena arena;
    struct weir_group_layout layout;
};

static inline void setup_init(struct setup *s, int n_keys, const struct weir_type *key)
{
    memset(s, 0, sizeof *s);
    s->n_keys = s->n_cols = n_keys;
    for (int k = 0; k < n_keys; k++) {
        s->types[k] = s->p.insn[k].type = key[k];
        s->p.operand[k] = (uint32_t)k;
    }
    s->p.step = (struct weir_step){.kind = WEIR_STEP_AGGREGATE, .n = (uint32_t)n_keys};
    s->p.head = (struct weir_pipeline){
        .version = WEIR_PIPELINE_VERSION,
        .n_steps = 1,
        .off_insn = (uint32_t)offsetof(struct record, insn),
        .off_step = (uint32_t)offsetof(struct record, step),
        .off_operand = (uint32_t)offsetof(struct record, operand),
        .off_agg = (uint32_t)offsetof(struct record, agg),
    };
}

/* ARG.id NULL: COUNT(*). */
static inline void setup_agg(struct setup *s, enum weir_agg_fn fn, struct weir_type arg,
                             bool distinct, bool filter)
{
    struct weir_pipe_agg *agg = &s->p.agg[s->n_aggs];
    *agg = (struct weir_pipe_agg){.fn = (uint8_t)fn, .distinct = distinct, .arg_type = arg};
    agg->pos.line = 3;
    agg->pos.column = (uint32_t)(10 + s->n_aggs);
    if (weir_agg_type(fn, arg, &agg->type, NULL)) abort();
    s->arg_col[s->n_aggs] = s->filter_col[s->n_aggs] = -1;
    if (arg.id != WEIR_TYPE_NULL) {
        s->types[s->n_cols] = arg;
        s->arg_col[s->n_aggs] = s->n_cols++;
    }
    if (filter) {
        s->types[s->n_cols] = weir_type_make(WEIR_TYPE_BOOLEAN);
        s->filter_col[s->n_aggs] = s->n_cols++;
    }
    s->n_aggs++;
}

static inline void setup_done(struct setup *s)
{
    s->p.head.n_aggs = (uint32_t)s->n_aggs;
    if (weir_group_layout(&s->arena, &s->p.head, &s->layout, NULL)) abort();
}

static inline void setup_free(struct setup *s)
{
    weir_arena_release(&s->arena);
}

/* Rows [FROM, FROM + N) of B into G; V is room for the vectors. */
static inline int setup_update(const struct setup *s, struct weir_groups *g, struct vectors *v,
                               const struct weir_batch *b, uint32_t from, uint32_t n,
                               struct weir_error *err)
{
    const struct weir_vec *arg[MAX_AGGS], *filter[MAX_AGGS];
    vectors_of(v, b, from, n);
    for (int a = 0; a < s->n_aggs; a++) {
        arg[a] = s->arg_col[a] < 0 ? NULL : v->ptr[s->arg_col[a]];
        filter[a] = s->filter_col[a] < 0 ? NULL : v->ptr[s->filter_col[a]];
    }
    return weir_groups_update(g, n, v->ptr, arg, filter, err);
}

/* The result as one batch: keys, then aggregates. */
static inline int setup_emit(const struct setup *s, const struct weir_groups *g,
                             struct weir_batch **out, struct weir_error *err)
{
    struct weir_type type[MAX_KEYS + MAX_AGGS];
    struct weir_builder *b;
    for (int k = 0; k < s->n_keys; k++) type[k] = s->types[k];
    for (int a = 0; a < s->n_aggs; a++) type[s->n_keys + a] = s->p.agg[a].type;
    *out = NULL;
    int rc = weir_builder_new(NULL, s->n_keys + s->n_aggs, type, &b, err);
    if (rc) return rc;
    rc = weir_groups_emit(g, 0, weir_groups_count(g), b, err);
    if (!rc) {
        weir_builder_set_rows(b, (uint32_t)weir_groups_count(g));
        rc = weir_builder_finish(b, out, err);
    }
    weir_builder_free(b);
    return rc;
}

#endif
