/* EXPLAIN: the optimized logical plan, the stages it becomes, the backend of each and why, and the
 * slots. */
#include <stdio.h>
#include <string.h>

#include "host/engine/engine.h"
#include "host/engine/slots.h"
#include "runtime/place/choice.h"

struct view {
    struct weir_engine *e;
    const struct weir_stages *stages;
    const struct weir_slots *slots;
    enum weir_device_mode mode;
    struct weir_backend *backend[16];
    int n_backends;
};

/* Which backend would run stage I, and why, into NAME and WHY; false when the query would be
 * refused. */
static bool judge(const struct view *v, int i, const char **name, char *why, size_t size)
{
    const struct weir_stage *st = &v->stages->stage[i];
    char reason[160] = "";
    *name = "native";
    if (st->input == WEIR_INPUT_OBJECT) {
        snprintf(why, size, "it reads merged results, which are on the host");
    } else if (!weir_pipeline_computes(st->pipeline)) {
        snprintf(why, size, "nothing to compute, the columns only pass");
    } else if (v->mode == WEIR_MODE_NATIVE) {
        snprintf(why, size, "asked for");
    } else if (v->n_backends == 0) {
        snprintf(why, size, "%s", v->e->no_devices[0] ? v->e->no_devices : "no device");
    } else {
        struct weir_backend *b = v->backend[0];
        bool can = weir_choice_supports(b, st->pipeline, reason, sizeof reason);
        if (v->mode == WEIR_MODE_DEVICE) *name = b->name;
        if (!can)
            snprintf(why, size, "%s cannot: %s", b->name, reason);
        else if (v->mode == WEIR_MODE_DEVICE)
            snprintf(why, size, "asked for (%s)%s%s", b->device, reason[0] ? "; " : "", reason);
        else
            snprintf(why, size,
                     "starts native; %s takes over if the job is long enough and it is faster",
                     b->name);
        return can || v->mode != WEIR_MODE_DEVICE;
    }
    return true;
}

static void stages_text(const struct view *v, struct weir_buf *out)
{
    char what[160], why[320];
    const char *name;
    weir_buf_puts(out, "== Pipelines ==\n");
    for (int i = 0; i < v->stages->n_stages; i++) {
        bool ok = judge(v, i, &name, why, sizeof why);
        weir_stage_text(v->stages, i, what, sizeof what);
        weir_buf_printf(out, "  %d: %s\n     %s%s: %s\n", i + 1, what, ok ? "" : "REFUSED on ",
                        name, why);
    }
}

static void stages_json(const struct view *v, struct weir_buf *out)
{
    char what[160], why[320];
    const char *name;
    weir_buf_puts(out, "[");
    for (int i = 0; i < v->stages->n_stages; i++) {
        bool ok = judge(v, i, &name, why, sizeof why);
        weir_stage_text(v->stages, i, what, sizeof what);
        weir_buf_puts(out, i ? ",\n  {\"operator\": " : "\n  {\"operator\": ");
        weir_buf_json(out, what, strlen(what));
        weir_buf_printf(out, ", \"backend\": \"%s\", \"runs\": %s, \"why\": ", name,
                        ok ? "true" : "false");
        weir_buf_json(out, why, strlen(why));
        weir_buf_puts(out, ", \"pipeline\": ");
        weir_pipeline_json(v->stages->stage[i].pipeline, out);
        weir_buf_putc(out, '}');
    }
    weir_buf_puts(out, "]");
}

int engine_explain_node(struct weir_engine *e, struct weir_arena *arena, struct weir_node *root,
                        bool json, struct weir_buf *out, struct weir_error *err)
{
    struct weir_stages stages = {0};
    struct weir_slots *slots = NULL;
    struct view v = {.e = e, .stages = &stages};
    root = weir_plan_optimize(arena, root);
    if (!root) return weir_fail_nomem(err, 0, "optimizing the plan");
    int rc = weir_stages_lower(arena, root, &stages, err);
    if (!rc) rc = engine_slots(e, &slots, err);
    if (!rc) rc = engine_backends(e, -1, &v.mode, v.backend, 16, &v.n_backends, err);
    if (!rc) {
        v.slots = slots;
        if (json) {
            weir_buf_puts(out, "{\"plan\": ");
            weir_plan_json(root, out);
            weir_buf_puts(out, ",\n \"stages\": ");
            stages_json(&v, out);
            weir_buf_puts(out, ",\n \"slots\": ");
            weir_slots_json(slots, out);
            weir_buf_puts(out, "}");
        } else {
            weir_buf_puts(out, "== Logical plan ==\n");
            weir_plan_text(root, out);
            stages_text(&v, out);
            weir_buf_puts(out, "== Slots ==\n");
            weir_slots_text(slots, out);
        }
    }
    weir_stages_release(&stages);
    return rc;
}
