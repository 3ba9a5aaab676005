/* From a job's tables and settings to its slots.

   A table that asks for partitions, memory or a device is a stream of its own; all others share one
   stream, because a job reads its tables one after another and would leave the slots of the others
   idle. A stream is called like its table, the shared one like its tables ("a+b"; "job" when the
   job reads none). The command line is before a table's options, and these are before SET. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/engine/engine.h"
#include "host/engine/settings.h"
#include "host/engine/slots.h"

struct job_streams {
    struct weir_topo_stream *stream; /* room for one each source, and the shared one */
    int n;
};

static const char *setting(const struct weir_engine *e, const char *option, const char *key)
{
    return option ? option : weir_catalog_get(&e->catalog, key);
}

/* What every stream of the job starts from. */
static int base_stream(struct weir_engine *e, struct weir_topo_stream *out, struct weir_error *err)
{
    const struct weir_engine_options *o = &e->options;
    const char *ratio = setting(e, o->ratio, "weir.partition.ratio");
    const char *mode = setting(e, o->mode, "weir.mode");
    const char *scope = setting(e, o->scope, "weir.exclusive.scope");
    const char *partitions = setting(e, NULL, "weir.partitions");
    const char *memory = setting(e, NULL, "weir.memory");
    struct weir_topo_error te = {0};
    *out = weir_topo_stream_default("", 0);
    int rc = ratio ? engine_read_ratio(ratio, out, err) : WEIR_OK;
    if (rc) return rc;
    int bad = mode ? weir_topo_stream_set(out, "mode", mode, &te) : 0;
    if (!bad && scope) bad = weir_topo_stream_set(out, "scope", scope, &te);
    if (!bad && memory) {
        out->memory_mode = WEIR_TOPO_MEMORY_BYTES;
        bad = weir_topo_parse_bytes(memory, &out->bytes, &te);
    }
    if (bad) return weir_fail(err, WEIR_ERR_INVALID, "%.300s", te.message);
    if (partitions) out->partitions = (uint32_t)atoi(partitions);
    return WEIR_OK;
}

/* The command line's numbers are before all others. */
static void apply_options(const struct weir_engine_options *o, struct weir_topo_stream *st)
{
    if (o->partitions) st->partitions = (uint32_t)o->partitions;
    if (!o->slot_bytes) return;
    st->memory_mode = WEIR_TOPO_MEMORY_BYTES;
    st->bytes = o->slot_bytes;
}

static bool asks(const struct weir_source *s)
{
    return s->wish.partitions || s->wish.slot_bytes || s->wish.device[0];
}

static bool same_wish(const struct weir_source *a, const struct weir_source *b)
{
    return !strcmp(a->name, b->name) && a->wish.partitions == b->wish.partitions &&
           a->wish.slot_bytes == b->wish.slot_bytes && !strcmp(a->wish.device, b->wish.device);
}

/* NAME, cut to what a stream's name may have, and numbered where another stream is called so. */
static void name_stream(const struct job_streams *j, struct weir_topo_stream *st, const char *name)
{
    snprintf(st->name, sizeof st->name, "%s", name);
    for (int k = 0, number = 2; k < j->n; k++) {
        if (strcmp(j->stream[k].name, st->name)) continue;
        snprintf(st->name, sizeof st->name, "%.50s (%d)", name, number++);
        k = -1; /* this one may be taken as well */
    }
}

/* The stream of stage AT's table, which asks for something: that of an earlier stage with the same
   wish, or a new one. */
static int own_stream(struct job_streams *j, const struct weir_topo_stream *base,
                      const struct weir_stages *stages, int at)
{
    const struct weir_source *s = stages->stage[at].source;
    for (int i = 0; i < at; i++)
        if (stages->stage[i].input == WEIR_INPUT_SOURCE && same_wish(stages->stage[i].source, s))
            return stages->stage[i].source->stream;
    struct weir_topo_stream *st = &j->stream[j->n];
    *st = *base;
    name_stream(j, st, s->name);
    if (s->wish.partitions) st->partitions = (uint32_t)s->wish.partitions;
    if (s->wish.slot_bytes) {
        st->memory_mode = WEIR_TOPO_MEMORY_BYTES;
        st->bytes = s->wish.slot_bytes;
    }
    return j->n++;
}

/* Append TABLE to a name like "a+b", once; what does not fit any more is left out. */
static void add_name(char *name, size_t size, const char *table)
{
    size_t n = strlen(name), len = strlen(table);
    for (const char *at = name; (at = strstr(at, table)); at += len)
        if ((at == name || at[-1] == '+') && (at[len] == 0 || at[len] == '+')) return;
    if (n + len + 2 <= size) snprintf(name + n, size - n, "%s%s", n ? "+" : "", table);
}

/* Divide the sources among streams. */
static void make_streams(struct weir_engine *e, const struct weir_stages *s,
                         const struct weir_topo_stream *base, struct job_streams *j)
{
    struct weir_topo_stream shared = *base;
    bool any = false;
    for (int i = 0; i < s->n_stages; i++) {
        struct weir_source *src = s->stage[i].source;
        if (s->stage[i].input != WEIR_INPUT_SOURCE) continue;
        src->stream = asks(src) ? own_stream(j, base, s, i) : -1;
        if (src->stream >= 0) continue;
        add_name(shared.name, sizeof shared.name, src->name);
        any = true;
    }
    if (any || j->n == 0) {
        if (!shared.name[0]) snprintf(shared.name, sizeof shared.name, "job");
        for (int k = 0; k < j->n; k++) /* one table with options as hints and without */
            if (!strcmp(shared.name, j->stream[k].name))
                snprintf(shared.name, sizeof shared.name, "%.50s (rest)", j->stream[k].name);
        for (int i = 0; i < s->n_stages; i++)
            if (s->stage[i].input == WEIR_INPUT_SOURCE && s->stage[i].source->stream < 0)
                s->stage[i].source->stream = j->n;
        j->stream[j->n++] = shared;
    }
    for (int k = 0; k < j->n; k++) apply_options(&e->options, &j->stream[k]);
}

/* What others see: 'pipeline.name' (Flink's), or the SQL file without its folder. */
static const char *job_name(struct weir_engine *e, const char *file_name)
{
    const char *set = weir_catalog_get(&e->catalog, "pipeline.name");
    const char *slash = strrchr(file_name, '/');
    if (set && *set) return set;
    return slash ? slash + 1 : file_name;
}

static int run_slots(struct weir_engine *e, const struct weir_slots_request *q,
                     struct weir_slots **out, struct weir_error *err)
{
    int rc = WEIR_OK;
    if (e->slots && !weir_slots_fit(e->slots, q)) {
        weir_slots_free(e->slots); /* first: what they hold may be what the next ones need */
        e->slots = NULL;
    }
    if (!e->slots) rc = weir_slots_new(q, &e->slots, err);
    *out = rc ? NULL : e->slots;
    return rc;
}

int engine_slots(struct weir_engine *e, const struct weir_stages *s, const char *file_name,
                 bool run, struct weir_slots **out, struct weir_error *err)
{
    struct weir_topo_stream base;
    int rc = base_stream(e, &base, err);
    if (rc) return rc;
    struct job_streams j = {
        .stream = weir_calloc((size_t)s->n_stages + 1, sizeof *j.stream),
    };
    if (!j.stream) return weir_fail_nomem(err, 0, "placing partitions");
    make_streams(e, s, &base, &j);
    const struct weir_slots_request q = {.stream = j.stream,
                                         .n_streams = j.n,
                                         .job = job_name(e, file_name),
                                         .bind = !e->options.no_bind};
    rc = run ? run_slots(e, &q, out, err) : weir_slots_plan(&q, out, err);
    weir_free(j.stream);
    return rc;
}

/* ---- devices ---- */

#define MAX_BACKENDS 16

/* What the tables of STREAM ask for: "" or a device. */
static const char *wanted_device(const struct weir_stages *s, int stream)
{
    for (int i = 0; i < s->n_stages; i++)
        if (s->stage[i].input == WEIR_INPUT_SOURCE && s->stage[i].source->stream == stream &&
            s->stage[i].source->wish.device[0])
            return s->stage[i].source->wish.device;
    return "";
}

int engine_devices(struct weir_engine *e, struct weir_arena *arena, const struct weir_stages *s,
                   struct weir_slots *slots, struct weir_error *err)
{
    int rc = WEIR_OK;
    for (int k = 0; !rc && k < slots->n_streams; k++) {
        struct weir_exec_stream *st = &slots->stream[k];
        st->device = weir_arena_alloc(arena, MAX_BACKENDS * sizeof(struct weir_backend *));
        if (!st->device) return weir_fail_nomem(err, 0, "looking for devices");
        double seconds = engine_expected_seconds(s, k, st->n_slots);
        rc = engine_backends(e, wanted_device(s, k), seconds, slots, st, MAX_BACKENDS, err);
    }
    return rc;
}
