/* Weir through its public API, in one of its ways of running; see engine.h. */

#include "weir_engine.h"

#include "arrow_data.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

struct weir_state {
    struct weir_engine *weir;
    int batch_rows;
    struct text sql;
};

static bool load(struct engine *e, const struct database *db)
{
    struct weir_state *s = e->state;
    for (int t = 0; t < db->n_tables; t++) {
        const struct table *table = &db->table[t];
        struct ArrowArrayStream stream;
        struct weir_error error;
        arrow_export(table, s->batch_rows, &stream);
        if (weir_register_stream(s->weir, table->name, &stream, &error) != 0) {
            printf("-- %s: table %s: %s\n", e->name, table->name, error.message);
            return false;
        }
    }
    return true;
}

static enum outcome outcome_of(int status)
{
    switch (status) {
    case WEIR_ERR_DATA: return outcome_failed;
    case WEIR_ERR_UNSUPPORTED: return outcome_refused;
    default: return outcome_broken;
    }
}

static void count_backends(struct engine *e)
{
    struct weir_state *s = e->state;
    const char *statistics = weir_statistics(s->weir);
    e->answered++;
    if (!statistics) return;
    e->on_device += strstr(statistics, "\"backend\": \"opencl") != NULL;
    e->fell_back += strstr(statistics, "\"reason\": \"") != NULL;
}

static void run(struct engine *e, const struct query *q, struct result *out)
{
    struct weir_state *s = e->state;
    struct ArrowArrayStream stream = {0};
    struct weir_error error = {0};
    result_clear(out);
    text_clear(&s->sql);
    print_weir(&s->sql, q);
    int status = weir_query(s->weir, s->sql.data, &stream, &error);
    if (status == 0) {
        count_backends(e);
        arrow_read(&stream, q, out);
    } else {
        result_end(out, outcome_of(status), "%s", error.message);
    }
}

static void close_engine(struct engine *e)
{
    struct weir_state *s = e->state;
    weir_close(s->weir);
    text_free(&s->sql);
    free(s);
    free(e);
}

struct engine *open_weir(const char *device, int partitions, int batch_rows, int slot_mib)
{
    struct engine *e = get_memory(NULL, sizeof *e);
    struct weir_state *s = get_memory(NULL, sizeof *s);
    struct weir_options options = {.device = device,
                                   .partitions = partitions,
                                   .no_bind = 1,
                                   .slot_bytes = (uint64_t)slot_mib << 20};
    struct weir_error error = {0};
    *s = (struct weir_state){.batch_rows = batch_rows};
    *e = (struct engine){.load = load, .run = run, .close = close_engine, .state = s};
    snprintf(e->name, sizeof e->name, "%s/%d/%d", device, partitions, batch_rows);
    options.batch_rows = (uint32_t)(batch_rows < all_rows ? batch_rows : 0);
    if (weir_open(&options, &s->weir, &error) == 0) return e;
    printf("weir_open for device %s: %s\n", device, error.message);
    free(s);
    free(e);
    return NULL;
}
