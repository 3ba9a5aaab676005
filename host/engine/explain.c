/* EXPLAIN: the optimized logical plan, the stages it becomes, the backend of each and why, and the
 * slots. */
#include <stdio.h>
#include <string.h>

#include "host/engine/engine.h"
#include "host/engine/slots.h"
#include "runtime/place/choice.h"

struct view {
    const struct weir_stages *stages;
    const struct weir_slots *slots;
    struct weir_exec_options o; /* the streams only */
};

/* Where stage I would run and why, into WHY; false when the query would be refused. NAME: where it
   starts. */
static bool judge(const struct view *v, int i, const char **name, char *why, size_t size)
{
    char reason[160] = "";
    struct weir_choice_request q = weir_stage_request(v->stages, i, &v->o);
    *name = "native";
    if (!q.force) {
        weir_choice_candidate(&q, why, size);
        return true;
    }
    struct weir_backend *b = q.device[0];
    bool can = weir_choice_supports(b, q.pipeline, reason, sizeof reason);
    *name = b->name;
    if (can)
        snprintf(why, size, "%s: asked for (%s)%s%s", b->name, b->device, reason[0] ? "; " : "",
                 reason);
    else
        snprintf(why, size, "REFUSED: %s cannot: %s", b->name, reason);
    return can;
}

static void stages_text(const struct view *v, struct weir_buf *out)
{
    char what[160], why[320];
    const char *name;
    weir_buf_puts(out, "== Pipelines ==\n");
    for (int i = 0; i < v->stages->n_stages; i++) {
        judge(v, i, &name, why, sizeof why);
        weir_stage_text(v->stages, i, what, sizeof what);
        weir_buf_printf(out, "  %d: %s\n     %s\n", i + 1, what, why);
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

static void view_json(const struct view *v, const struct weir_node *root, struct weir_buf *out)
{
    weir_buf_puts(out, "{\"plan\": ");
    weir_plan_json(root, out);
    weir_buf_puts(out, ",\n \"stages\": ");
    stages_json(v, out);
    weir_buf_puts(out, ",\n \"placement\": ");
    weir_slots_json(v->slots, out);
    weir_buf_puts(out, "}");
}

static void view_text(const struct view *v, const struct weir_node *root, struct weir_buf *out)
{
    weir_buf_puts(out, "== Logical plan ==\n");
    weir_plan_text(root, out);
    stages_text(v, out);
    weir_buf_puts(out, "== Slots ==\n");
    weir_slots_text(v->slots, out);
}

int engine_explain_node(struct weir_engine *e, struct weir_arena *arena, struct weir_node *root,
                        const char *file_name, bool json, struct weir_buf *out,
                        struct weir_error *err)
{
    struct weir_stages stages = {0};
    struct weir_slots *slots = NULL;
    root = weir_plan_optimize(arena, root);
    if (!root) return weir_fail_nomem(err, 0, "optimizing the plan");
    int rc = weir_stages_lower(arena, root, &stages, err);
    if (!rc) rc = engine_slots(e, &stages, file_name, false, &slots, err);
    if (!rc) rc = engine_devices(e, arena, &stages, slots, err);
    if (!rc) {
        const struct view v = {.stages = &stages,
                               .slots = slots,
                               .o = {.stream = slots->stream, .n_streams = slots->n_streams}};
        if (json)
            view_json(&v, root, out);
        else
            view_text(&v, root, out);
    }
    weir_slots_free(slots);
    weir_stages_release(&stages);
    return rc;
}
