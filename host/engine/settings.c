/* Options of the engine. A setting is a row of the table below: its name, its check, and whether a
   table may have it too. */
#include "host/engine/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PARTITIONS 4096

int engine_check_device(const char *device, struct weir_error *err)
{
    if (!strcmp(device, "auto") || !strcmp(device, "native") || !strcmp(device, "opencl"))
        return WEIR_OK;
    if (!strncmp(device, "opencl:", 7) && device[7] &&
        strspn(device + 7, "0123456789") == strlen(device + 7) && strlen(device) < 12)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_INVALID,
                     "device '%.40s' is not known; use auto, native, opencl or opencl:N (weir "
                     "devices lists them)",
                     device);
}

/* ---- partition ratio ---- */

/* "500m:2GiB": an amount of CPU, and a size with its unit (without one it is a ratio). */
static bool is_explicit(const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon) return false;
    const char *letter = colon + 1 + strspn(colon + 1, "0123456789.");
    return *letter || (colon > text && colon[-1] == 'm');
}

static int read_explicit(const char *text, struct weir_topo_stream *st, struct weir_topo_error *te)
{
    char cpu[32];
    const char *colon = strchr(text, ':');
    if ((size_t)(colon - text) >= sizeof cpu) return WEIR_TOPO_ERR_PARSE;
    memcpy(cpu, text, (size_t)(colon - text));
    cpu[colon - text] = 0;
    int rc = weir_topo_stream_set(st, "cpu", cpu, te);
    if (rc) return rc;
    rc = weir_topo_stream_set(st, "memory", colon + 1, te);
    return rc || st->bytes ? rc : WEIR_TOPO_ERR_PARSE;
}

int engine_read_ratio(const char *text, struct weir_topo_stream *stream, struct weir_error *err)
{
    struct weir_topo_error te = {0};
    struct weir_topo_stream st = *stream;
    st.memory_mode = WEIR_TOPO_MEMORY_AUTO;
    int rc = is_explicit(text) ? read_explicit(text, &st, &te)
                               : weir_topo_stream_set(&st, "ratio", text, &te);
    if (rc)
        return weir_fail(err, WEIR_ERR_BIND,
                         "'%.60s' is no ratio of CPU to memory; write cores:GiB such as 1:4, cu "
                         "(the same), or what each partition gets, such as 500m:2GiB (half a core "
                         "and 2 GiB)",
                         text);
    *stream = st;
    return WEIR_OK;
}

/* ---- the settings ---- */

static int check_number(const char *value, long min, long max, struct weir_error *err)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (*value && !*end && strspn(value, "0123456789") == strlen(value) && n >= min && n <= max)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_BIND, "'%.60s': a number from %ld to %ld is expected", value,
                     min, max);
}

static int check_partitions(const char *value, struct weir_error *err)
{
    return check_number(value, 0, MAX_PARTITIONS, err); /* 0: as many as there is room for */
}

static int check_batch_rows(const char *value, struct weir_error *err)
{
    return check_number(value, 0, 1 << 24, err);
}

static int check_memory(const char *value, struct weir_error *err)
{
    struct weir_topo_error te;
    uint64_t bytes = 0;
    if (!weir_topo_parse_bytes(value, &bytes, &te) && bytes) return WEIR_OK;
    return weir_fail(err, WEIR_ERR_BIND,
                     "'%.60s' is no memory budget of a partition; write a size above 0 such as "
                     "512MiB or 4GiB",
                     value);
}

static int check_ratio(const char *value, struct weir_error *err)
{
    struct weir_topo_stream st = weir_topo_stream_default("x", 1);
    return engine_read_ratio(value, &st, err);
}

static int check_field(const char *field, const char *value, struct weir_error *err)
{
    struct weir_topo_stream st = weir_topo_stream_default("x", 1);
    struct weir_topo_error te;
    if (!weir_topo_stream_set(&st, field, value, &te)) return WEIR_OK;
    return weir_fail(err, WEIR_ERR_BIND, "%.300s", te.message);
}

static int check_mode(const char *value, struct weir_error *err)
{
    return check_field("mode", value, err);
}

static int check_scope(const char *value, struct weir_error *err)
{
    return check_field("scope", value, err);
}

static const struct setting {
    const char *key;
    int (*check)(const char *value, struct weir_error *err);
    bool table; /* a table may have it in WITH (…) */
} settings[] = {
    {"weir.device", engine_check_device, true},
    {"weir.partitions", check_partitions, true},
    {"weir.memory", check_memory, true},
    {"weir.partition.ratio", check_ratio, false},
    {"weir.mode", check_mode, false},
    {"weir.exclusive.scope", check_scope, false},
    {"weir.batch-rows", check_batch_rows, false},
};

#define N_SETTINGS (sizeof settings / sizeof *settings)

static const struct setting *find(const char *key)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (!strcmp(key, settings[i].key)) return &settings[i];
    return NULL;
}

/* The names of all settings, or of those that a table may have. */
static const char *known(bool table, char *buf, size_t size)
{
    size_t n = 0;
    buf[0] = 0;
    for (size_t i = 0; i < N_SETTINGS; i++)
        if ((!table || settings[i].table) && n < size)
            n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", settings[i].key);
    return buf;
}

int engine_check_setting(void *ctx, const char *key, const char *value, struct weir_error *err)
{
    (void)ctx;
    char list[200];
    if (!strcmp(key, "table.exec.sink.not-null-enforcer") && value && strcasecmp(value, "error") &&
        strcasecmp(value, "drop"))
        return weir_fail(err, WEIR_ERR_BIND, "'%s' = '%.60s': error or drop is expected", key,
                         value);
    if (strncmp(key, "weir.", 5))
        return WEIR_OK; /* Flink's other options: kept, shown, without effect here */
    const struct setting *s = find(key);
    if (!s)
        return weir_fail(err, WEIR_ERR_BIND, "'%.60s' is not an option of Weir; known: %s", key,
                         known(false, list, sizeof list));
    int rc = value ? s->check(value, err) : WEIR_OK;
    if (rc) weir_error_prefix(err, "'%s'", key);
    return rc;
}

int engine_table_wish(const struct weir_table_spec *t, struct weir_source_wish *out,
                      struct weir_error *err)
{
    char list[200];
    struct weir_topo_error te;
    struct weir_error why = {0};
    *out = (struct weir_source_wish){0};
    for (size_t i = 0; i < t->n_options; i++) {
        const char *key = t->options[i].key, *value = t->options[i].value;
        if (strncmp(key, "weir.", 5)) continue;
        const struct setting *s = find(key);
        if (s && !s->table)
            return weir_option_fail(t, key, err,
                                    "it holds for a whole job, not for a table; write SET '%s' = "
                                    "'%.60s'",
                                    key, value);
        if (!s)
            return weir_option_fail(t, key, err, "a table has no such option; known: %s",
                                    known(true, list, sizeof list));
        if (s->check(value, &why)) return weir_option_fail(t, key, err, "%.300s", why.message);
    }
    const char *partitions = weir_option_get(t, "weir.partitions");
    const char *memory = weir_option_get(t, "weir.memory");
    const char *device = weir_option_get(t, "weir.device");
    if (partitions) out->partitions = atoi(partitions);
    if (memory && weir_topo_parse_bytes(memory, &out->slot_bytes, &te))
        return weir_option_fail(t, "weir.memory", err, "%.300s", te.message);
    if (device) snprintf(out->device, sizeof out->device, "%s", device);
    return WEIR_OK;
}
