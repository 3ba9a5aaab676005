/* CAST and TRY_CAST: finding the family that does it, and the casts that change no bits. TRY_CAST
   is the same with the errors of the cast itself turned into NULL. */
#include <string.h>

#include "runtime/native/cast.h"
#include "runtime/native/functions.h"

static eval_fn (*const families[])(struct weir_type, struct weir_type, bool *) = {
    cast_same, cast_number, cast_decimal, cast_time, cast_from_text, cast_to_text,
};

static eval_fn find(struct weir_type from, struct weir_type to, bool *lossy)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        *lossy = false;
        eval_fn f = families[i](from, to, lossy);
        if (f) return f;
    }
    return NULL;
}

bool weir_cast_supported(struct weir_type from, struct weir_type to)
{
    bool lossy;
    return find(from, to, &lossy) != NULL;
}

/* ---- no change ---- */

CAST_HEAD(cast_nothing)
{
    (void)ev, (void)op, (void)n, (void)own_st;
    out->data = a[0]->data;
    out->st = a[0]->st;
    return WEIR_OK;
}

CAST_HEAD(cast_null)
{
    (void)ev, (void)a;
    memset(out->data, 0, n * weir_phys_size(weir_type_phys(op->insn->type)));
    if (weir_type_phys(op->insn->type) == WEIR_PHYS_STR)
        for (uint32_t i = 0; i < n; i++)
            ((struct weir_str *)out->data)[i] = (struct weir_str){"", 0};
    memset(own_st, WK_NULL, n);
    out->st = own_st;
    return WEIR_OK;
}

eval_fn cast_same(struct weir_type from, struct weir_type to, bool *lossy)
{
    bool same = false;
    (void)lossy;
    if (from.id == WEIR_TYPE_NULL) return cast_null;
    if (weir_type_phys(from) != weir_type_phys(to)) return NULL;
    if (from.id == WEIR_TYPE_DECIMAL || to.id == WEIR_TYPE_DECIMAL)
        same = from.id == to.id && from.scale == to.scale && from.precision <= to.precision;
    else if (weir_type_phys(from) == WEIR_PHYS_STR)
        same = to.id != WEIR_TYPE_CHAR && to.id != WEIR_TYPE_BINARY &&
               (from.length <= to.length || to.length == WEIR_LENGTH_MAX);
    else if ((weir_type_is_timestamp(from) && weir_type_is_timestamp(to)) ||
             (from.id == WEIR_TYPE_TIME && to.id == WEIR_TYPE_TIME))
        same = from.precision <= to.precision;
    else if (weir_type_is_timestamp(from) || weir_type_is_timestamp(to))
        same = cast_is_plain_integer(from) && cast_is_plain_integer(to);
    else
        same = true; /* integers, DATE, TIME and intervals by their units, floats, BOOLEAN */
    return same ? cast_nothing : NULL;
}

/* ---- the operator ---- */

static int eval_try(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                    const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    bool lossy;
    int rc = find(op->in[0], op->insn->type, &lossy)(ev, op, n, a, out, own_st);
    if (out->st != own_st) return rc;
    for (uint32_t i = 0; i < n; i++)
        if ((own_st[i] == WK_ERR_CAST || own_st[i] == WK_ERR_OVERFLOW) &&
            weir_vec_state(a[0], i) == WK_VALID)
            own_st[i] = WK_NULL;
    return rc;
}

int eval_compile_cast(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)ev;
    bool lossy;
    eval_fn fn = find(op->in[0], op->insn->type, &lossy);
    if (!fn) {
        char from[64], to[64];
        return weir_fail(err, WEIR_ERR_UNSUPPORTED, "%u:%u: no cast from %s to %s",
                         op->insn->pos.line, op->insn->pos.column,
                         weir_type_text(op->in[0], from, sizeof from),
                         weir_type_text(op->insn->type, to, sizeof to));
    }
    bool text = weir_type_phys(op->in[0]) == WEIR_PHYS_STR ||
                weir_type_phys(op->insn->type) == WEIR_PHYS_STR;
    bool makes_text = weir_type_phys(op->insn->type) == WEIR_PHYS_STR && fn != cast_nothing;
    bool attempt = op->insn->op == WEIR_OP_TRY_CAST;
    op->fn = attempt && lossy ? eval_try : fn;
    op->flat = true;
    op->can_err |= (lossy && !attempt) || makes_text;
    op->cost += fn == cast_nothing ? 0 : text ? 40 : 2;
    return WEIR_OK;
}
