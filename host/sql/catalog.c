/* The catalog: two sorted arrays. Each definition is a block of its own (struct and strings in its
   arena), so that dropping one frees exactly its memory. */
#include "host/sql/catalog.h"

#include <string.h>

#include "host/sql/parse.h"
#include "runtime/exec/source.h"

void weir_catalog_init(struct weir_catalog *c)
{
    *c = (struct weir_catalog){0};
}

static void free_setting(struct weir_setting *s)
{
    weir_free(s->key);
    weir_free(s->value);
}

void weir_catalog_release(struct weir_catalog *c)
{
    for (size_t i = 0; i < c->n_defs; i++) weir_table_def_free(c->def[i]);
    for (size_t i = 0; i < c->n_settings; i++) free_setting(&c->setting[i]);
    weir_free(c->def);
    weir_free(c->setting);
    *c = (struct weir_catalog){0};
}

struct weir_table_def *weir_table_def_new(void)
{
    struct weir_arena arena;
    weir_arena_init(&arena);
    struct weir_table_def *def = weir_arena_alloc(&arena, sizeof *def);
    if (!def) {
        weir_arena_release(&arena);
        return NULL;
    }
    def->rowtime = -1;
    def->arena = arena;
    return def;
}

void weir_table_def_free(struct weir_table_def *def)
{
    if (!def) return;
    if (def->source && def->source->ops->free) def->source->ops->free(def->source);
    struct weir_arena arena = def->arena; /* it holds DEF itself */
    weir_arena_release(&arena);
}

const struct weir_table_option *weir_table_option(const struct weir_table_def *def, const char *key)
{
    for (int i = 0; i < def->n_options; i++)
        if (!strcmp(def->option[i].key, key)) return &def->option[i];
    return NULL;
}

/* ---- tables ---- */

/* Where NAME is or would be. */
static size_t find_def(const struct weir_catalog *c, const char *name, bool *found)
{
    size_t lo = 0, hi = c->n_defs;
    *found = false;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int cmp = strcmp(c->def[mid]->name, name);
        if (!cmp) {
            *found = true;
            return mid;
        }
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct weir_table_def *weir_catalog_find(const struct weir_catalog *c, const char *name)
{
    bool found;
    size_t i = find_def(c, name, &found);
    return found ? c->def[i] : NULL;
}

const char *weir_catalog_nearest(const struct weir_catalog *c, const char *name)
{
    const char **names = weir_malloc(sizeof *names * (c->n_defs + 1));
    for (size_t i = 0; names && i < c->n_defs; i++) names[i] = c->def[i]->name;
    const char *near = names ? weir_sql_nearest(name, names, c->n_defs) : NULL;
    weir_free(names);
    return near;
}

int weir_catalog_put(struct weir_catalog *c, struct weir_table_def *def, struct weir_error *err)
{
    bool found;
    size_t i = find_def(c, def->name, &found);
    if (found) {
        weir_table_def_free(c->def[i]);
        c->def[i] = def;
        return 0;
    }
    if (c->n_defs == c->cap_defs) {
        size_t cap = c->cap_defs ? c->cap_defs * 2 : 8;
        struct weir_table_def **grown = weir_realloc(c->def, cap * sizeof(struct weir_table_def *));
        if (!grown) return weir_fail_nomem(err, cap * sizeof(void *), "growing the catalog");
        c->def = grown;
        c->cap_defs = cap;
    }
    memmove(&c->def[i + 1], &c->def[i], (c->n_defs - i) * sizeof(struct weir_table_def *));
    c->def[i] = def;
    c->n_defs++;
    return 0;
}

bool weir_catalog_drop(struct weir_catalog *c, const char *name)
{
    bool found;
    size_t i = find_def(c, name, &found);
    if (!found) return false;
    weir_table_def_free(c->def[i]);
    c->n_defs--;
    memmove(&c->def[i], &c->def[i + 1], (c->n_defs - i) * sizeof(struct weir_table_def *));
    return true;
}

static bool registered_columns(struct weir_table_def *def, const struct weir_schema *schema)
{
    size_t n = (size_t)schema->n;
    struct weir_arena *a = &def->arena;
    def->n_columns = def->physical.n = schema->n;
    def->column = weir_arena_alloc(a, n * sizeof *def->column);
    def->physical.field = weir_arena_alloc(a, n * sizeof *def->physical.field);
    for (size_t i = 0; def->column && def->physical.field && i < n; i++) {
        const struct weir_field *f = &schema->field[i];
        char *name = weir_arena_strndup(a, f->name, strlen(f->name));
        if (!name) return false;
        def->column[i] = (struct weir_table_column){
            .name = name, .type = f->type, .kind = WEIR_AST_COL_PHYSICAL, .physical = (int)i};
        def->physical.field[i] = (struct weir_field){name, f->type};
    }
    return def->column && def->physical.field;
}

int weir_catalog_register(struct weir_catalog *c, const char *name, struct weir_source *source,
                          struct weir_error *err)
{
    const struct weir_table_def *old = weir_catalog_find(c, name);
    if (!*name) return weir_fail(err, WEIR_ERR_INVALID, "a table's name cannot be empty");
    if (old && !old->source)
        return weir_fail(err, WEIR_ERR_INVALID,
                         "there is already a %s \"%s\" made by SQL; DROP it or take another name",
                         old->view ? "view" : "table", name);
    struct weir_table_def *def = weir_table_def_new();
    if (!def) return weir_fail_nomem(err, sizeof *def, "registering a table");
    def->name = weir_arena_strndup(&def->arena, name, strlen(name));
    def->file_name = "";
    def->temporary = true;
    int status = 0;
    if (!def->name || !registered_columns(def, &source->schema))
        status = weir_fail_nomem(err, 0, "registering a table");
    if (!status) status = weir_catalog_put(c, def, err);
    if (status)
        weir_table_def_free(def);
    else
        def->source = source;
    return status;
}

/* ---- settings ---- */

static size_t find_setting(const struct weir_catalog *c, const char *key, bool *found)
{
    size_t i = 0;
    while (i < c->n_settings && strcmp(c->setting[i].key, key) < 0) i++;
    *found = i < c->n_settings && !strcmp(c->setting[i].key, key);
    return i;
}

const char *weir_catalog_get(const struct weir_catalog *c, const char *key)
{
    bool found;
    size_t i = find_setting(c, key, &found);
    return found ? c->setting[i].value : NULL;
}

static void reset(struct weir_catalog *c, const char *key)
{
    if (!key) {
        for (size_t i = 0; i < c->n_settings; i++) free_setting(&c->setting[i]);
        c->n_settings = 0;
        return;
    }
    bool found;
    size_t i = find_setting(c, key, &found);
    if (!found) return;
    free_setting(&c->setting[i]);
    c->n_settings--;
    memmove(&c->setting[i], &c->setting[i + 1], (c->n_settings - i) * sizeof *c->setting);
}

static bool add_setting(struct weir_catalog *c, size_t at, char *key, char *value)
{
    if (c->n_settings == c->cap_settings) {
        size_t cap = c->cap_settings ? c->cap_settings * 2 : 8;
        struct weir_setting *grown = weir_realloc(c->setting, cap * sizeof *grown);
        if (!grown) return false;
        c->setting = grown;
        c->cap_settings = cap;
    }
    memmove(&c->setting[at + 1], &c->setting[at], (c->n_settings - at) * sizeof *c->setting);
    c->setting[at] = (struct weir_setting){key, value};
    c->n_settings++;
    return true;
}

int weir_catalog_set(struct weir_catalog *c, const char *key, const char *value,
                     struct weir_error *err)
{
    if (!key || !value) {
        reset(c, key);
        return 0;
    }
    bool found;
    size_t i = find_setting(c, key, &found);
    char *v = weir_strdup(value), *k = found ? NULL : weir_strdup(key);
    if (!v || (!found && (!k || !add_setting(c, i, k, v)))) {
        weir_free(v);
        weir_free(k);
        return weir_fail_nomem(err, strlen(value), "setting an option");
    }
    if (found) {
        weir_free(c->setting[i].value);
        c->setting[i].value = v;
    }
    return 0;
}
