/* The aggregate functions' types, names and the words of their accumulators (plan/expr.h says the
   rules, plan/pipeline.h the layout). What accumulates them is in groups_update.c, what finishes
   them in groups_emit.c. */
#include "runtime/plan/pipeline.h"

static const char *const names[WEIR_AGG_FN_COUNT_] = {
    [WEIR_AGG_COUNT] = "COUNT",
    [WEIR_AGG_SUM] = "SUM",
    [WEIR_AGG_AVG] = "AVG",
    [WEIR_AGG_MIN] = "MIN",
    [WEIR_AGG_MAX] = "MAX",
    [WEIR_AGG_STDDEV_POP] = "STDDEV_POP",
    [WEIR_AGG_STDDEV_SAMP] = "STDDEV_SAMP",
    [WEIR_AGG_VAR_POP] = "VAR_POP",
    [WEIR_AGG_VAR_SAMP] = "VAR_SAMP",
};

const char *weir_agg_name(enum weir_agg_fn fn)
{
    return (unsigned)fn < WEIR_AGG_FN_COUNT_ ? names[fn] : "?";
}

static int refuse(enum weir_agg_fn fn, struct weir_type arg, const char *accepted,
                  struct weir_error *err)
{
    char text[64];
    arg.nullable = 1;
    return weir_fail(err, WEIR_ERR_BIND, "%s takes %s, not %s", weir_agg_name(fn), accepted,
                     weir_type_text(arg, text, sizeof text));
}

int weir_agg_type(enum weir_agg_fn fn, struct weir_type arg, struct weir_type *ret,
                  struct weir_error *err)
{
    switch (fn) {
    case WEIR_AGG_COUNT:
        *ret = weir_type_make(WEIR_TYPE_BIGINT);
        ret->nullable = 0;
        return WEIR_OK;
    case WEIR_AGG_SUM:
    case WEIR_AGG_AVG:
        if (!weir_type_is_numeric(arg)) return refuse(fn, arg, "a number", err);
        *ret = arg;
        if (arg.id == WEIR_TYPE_DECIMAL)
            *ret = weir_type_decimal(WEIR_DECIMAL_MAX_P,
                                     fn == WEIR_AGG_AVG && arg.scale < 6 ? 6 : arg.scale);
        break;
    case WEIR_AGG_MIN:
    case WEIR_AGG_MAX:
        if (arg.id == WEIR_TYPE_NULL) return refuse(fn, arg, "a value of a known type", err);
        *ret = arg;
        break;
    default:
        if ((unsigned)fn >= WEIR_AGG_FN_COUNT_)
            return weir_fail(err, WEIR_ERR_INTERNAL, "no aggregate function has number %d", fn);
        if (!weir_type_is_numeric(arg)) return refuse(fn, arg, "a number", err);
        *ret = weir_type_make(WEIR_TYPE_DOUBLE);
    }
    ret->nullable = 1; /* no row, or only NULLs */
    return WEIR_OK;
}

uint32_t weir_agg_words(const struct weir_pipe_agg *agg)
{
    enum weir_phys p = weir_type_phys(agg->arg_type);
    uint32_t words;
    switch (agg->fn) {
    case WEIR_AGG_COUNT: words = 1; break;
    case WEIR_AGG_SUM:
    case WEIR_AGG_AVG: words = 3; break;
    case WEIR_AGG_MIN:
    case WEIR_AGG_MAX: words = p == WEIR_PHYS_I128 || p == WEIR_PHYS_STR ? 3 : 2; break;
    default: words = 5;
    }
    return words + (agg->distinct ? 1 : 0);
}

int weir_group_layout(struct weir_arena *a, const struct weir_pipeline *p,
                      struct weir_group_layout *out, struct weir_error *err)
{
    const struct weir_step *step = weir_pipe_last(p);
    if (step->kind != WEIR_STEP_AGGREGATE)
        return weir_fail(err, WEIR_ERR_INTERNAL, "the pipeline does not end in an aggregation");
    if (step->n > 64)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "%u:%u: GROUP BY has %u keys: at most 64 can be executed", step->pos.line,
                         step->pos.column, step->n);
    struct weir_type *type = weir_arena_alloc(a, step->n * sizeof *type);
    uint32_t *key_word = weir_arena_alloc(a, step->n * sizeof *key_word);
    uint32_t *agg_word = weir_arena_alloc(a, p->n_aggs * sizeof *agg_word);
    if (!type || !key_word || !agg_word)
        return weir_fail_nomem(err, step->n * sizeof *type, "for the layout of a group table");
    uint32_t at = WEIR_GROUP_HEADER_WORDS;
    for (uint32_t k = 0; k < step->n; k++) {
        enum weir_phys phys;
        type[k] = weir_pipe_insn(p)[weir_pipe_operand(p)[step->first + k]].type;
        phys = weir_type_phys(type[k]);
        key_word[k] = at;
        at += phys == WEIR_PHYS_I128 || phys == WEIR_PHYS_STR ? 2 : 1;
    }
    uint32_t keys_end = at;
    for (uint32_t g = 0; g < p->n_aggs; g++) {
        agg_word[g] = at;
        at += weir_agg_words(&weir_pipe_agg(p)[g]);
    }
    *out = (struct weir_group_layout){
        .n_keys = step->n,
        .n_aggs = p->n_aggs,
        .words = at,
        .acc_words = at - keys_end,
        .key_type = type,
        .key_word = key_word,
        .agg_word = agg_word,
        .agg = weir_pipe_agg(p),
    };
    return WEIR_OK;
}
