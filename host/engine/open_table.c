/* From a table of the catalog to a connector's source or sink. */
#include <string.h>

#include "host/connect/connect.h"
#include "host/engine/engine.h"
#include "host/engine/settings.h"

/* A relative path starts at the folder of the SQL file that made the table. */
static const char *resolve_path(struct weir_arena *a, const struct weir_table_def *def,
                                const char *path)
{
    const char *slash = strrchr(def->file_name, '/');
    if (path[0] == '/' || !strcmp(path, "-") || !strncmp(path, "file://", 7) || !slash) return path;
    return weir_arena_printf(a, "%.*s/%s", (int)(slash - def->file_name), def->file_name, path);
}

static int make_spec(struct weir_arena *a, const struct weir_table_def *def,
                     struct weir_table_spec *out, struct weir_error *err)
{
    struct weir_option *o = weir_arena_alloc(a, sizeof *o * (size_t)def->n_options);
    if (!o) return weir_fail_nomem(err, 0, "opening a table");
    for (int i = 0; i < def->n_options; i++) {
        o[i].key = def->option[i].key;
        o[i].value = def->option[i].value;
        o[i].key_pos = def->option[i].key_pos;
        o[i].value_pos = def->option[i].value_pos;
        bool is_path = !strcmp(o[i].key, "path") || !strcmp(o[i].key, "format.parse-errors-path");
        if (is_path && !(o[i].value = resolve_path(a, def, o[i].value)))
            return weir_fail_nomem(err, 0, "opening a table");
    }
    *out = (struct weir_table_spec){.name = def->name,
                                    .schema = def->physical,
                                    .options = o,
                                    .n_options = (size_t)def->n_options};
    return WEIR_OK;
}

int engine_open_source(void *ctx, const struct weir_table_def *def, struct weir_source **out,
                       struct weir_error *err)
{
    (void)ctx;
    struct weir_arena a;
    struct weir_table_spec spec;
    weir_arena_init(&a);
    struct weir_source_wish wish;
    int rc = make_spec(&a, def, &spec, err);
    if (!rc) rc = engine_table_wish(&spec, &wish, err);
    if (!rc) rc = weir_connect_source(&spec, out, err);
    if (!rc) (*out)->wish = wish;
    weir_arena_release(&a);
    return rc;
}

int engine_open_sink(void *ctx, const struct weir_table_def *def, struct weir_sink **out,
                     struct weir_error *err)
{
    (void)ctx;
    struct weir_arena a;
    struct weir_table_spec spec;
    weir_arena_init(&a);
    struct weir_source_wish wish; /* rows are written by whoever made them: only checked */
    int rc = make_spec(&a, def, &spec, err);
    if (!rc) rc = engine_table_wish(&spec, &wish, err);
    if (!rc) rc = weir_connect_sink(&spec, out, err);
    weir_arena_release(&a);
    return rc;
}
