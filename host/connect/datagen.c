/* The connector 'datagen'. Rows have numbers; a split makes a range of them, or, when there is no
   end, every n-th block. Reading at a given rate waits until a block is due, a tenth of a second's
   rows at a time; no call waits for much longer than that. */
#include "host/connect/datagen.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/connect/connectors.h"

#define FIXED_NOW_US 1704067200000000 /* 2024-01-01 00:00:00 */
#define MAX_WAIT_US  100000
#define BLOCK_ROWS   1024 /* of unbounded tables; the same for every number of splits */

struct gen_source {
    struct weir_source base;
    struct weir_gen_field *fields; /* [schema.n] */
    uint64_t rows;                 /* UINT64_MAX: unbounded */
    int64_t rows_per_second;       /* 0: as fast as it goes */
    bool fixed_now;
    int n_splits;
};

struct gen_reader {
    struct gen_source *source;
    struct weir_builder *builder;
    int *columns;
    int n_columns, split;
    uint64_t next, end; /* row numbers; unbounded: within the current block */
    uint64_t made;
    int64_t started_us;
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int plan_splits(struct weir_source *base, int want, int *n_splits, struct weir_error *err)
{
    (void)err;
    struct gen_source *s = (struct gen_source *)base;
    uint64_t n = want > 1 ? (uint64_t)want : 1;
    if (n > s->rows) n = s->rows;
    s->n_splits = *n_splits = (int)n;
    return 0;
}

static void close_split(struct weir_reader *base)
{
    struct gen_reader *r = (struct gen_reader *)base;
    if (!r) return;
    weir_builder_free(r->builder);
    weir_free(r->columns);
    weir_free(r);
}

static int open_split(struct weir_source *base, int split, const int *columns, int n_columns,
                      struct weir_pool *pool, struct weir_reader **out, struct weir_error *err)
{
    struct gen_source *s = (struct gen_source *)base;
    *out = NULL;
    struct gen_reader *r = weir_calloc(1, sizeof *r);
    struct weir_type *types = weir_malloc((size_t)n_columns * sizeof *types);
    int rc = r && types ? 0 : weir_fail_nomem(err, sizeof *r, "opening a table");
    if (!rc) {
        r->columns = weir_malloc((size_t)n_columns * sizeof *columns);
        if (!r->columns)
            rc = weir_fail_nomem(err, (size_t)n_columns * sizeof *columns, "opening a table");
    }
    if (!rc) {
        for (int c = 0; c < n_columns; c++) {
            r->columns[c] = columns[c];
            types[c] = s->base.schema.field[columns[c]].type;
        }
        rc = weir_builder_new(pool, n_columns, types, &r->builder, err);
    }
    weir_free(types);
    if (rc) {
        close_split((struct weir_reader *)r);
        return rc;
    }
    uint64_t n = (uint64_t)s->n_splits, k = (uint64_t)split;
    r->source = s;
    r->n_columns = n_columns;
    r->split = split;
    r->next =
        s->base.bounded ? s->rows / n * k + (s->rows % n < k ? s->rows % n : k) : k * BLOCK_ROWS;
    r->end = s->base.bounded ? r->next + s->rows / n + (k < s->rows % n) : r->next + BLOCK_ROWS;
    r->started_us = clock_us(CLOCK_MONOTONIC);
    *out = (struct weir_reader *)r;
    return 0;
}

/* How many of WANT rows to make now; waits until they are due. 0: they are not yet. */
static uint32_t pace(const struct gen_reader *r, uint32_t want)
{
    const struct gen_source *s = r->source;
    if (!s->rows_per_second) return want;
    double rate = (double)s->rows_per_second / s->n_splits;
    uint32_t most = rate < 10 ? 1 : rate > 1e9 ? want : (uint32_t)(rate / 10);
    if (want > most) want = most;
    int64_t due_us = r->started_us + (int64_t)((double)(r->made + want) / rate * 1e6);
    int64_t wait_us = due_us - clock_us(CLOCK_MONOTONIC);
    bool due = wait_us <= MAX_WAIT_US;
    if (!due) wait_us = MAX_WAIT_US;
    if (wait_us > 0) {
        struct timespec t = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
        nanosleep(&t, NULL);
    }
    return due ? want : 0;
}

static int next(struct weir_reader *base, uint32_t max_rows, struct weir_batch **out,
                struct weir_error *err)
{
    struct gen_reader *r = (struct gen_reader *)base;
    struct gen_source *s = r->source;
    *out = NULL;
    if (r->next == r->end) {
        if (s->base.bounded) return 0;
        r->next += (uint64_t)(s->n_splits - 1) * BLOCK_ROWS;
        r->end = r->next + BLOCK_ROWS;
    }
    uint32_t n = r->end - r->next < max_rows ? (uint32_t)(r->end - r->next) : max_rows;
    n = pace(r, n);
    int64_t now = s->fixed_now ? FIXED_NOW_US : clock_us(CLOCK_REALTIME);
    int rc = 0;
    for (int c = 0; c < r->n_columns && !rc; c++)
        rc = weir_gen_fill(&s->fields[r->columns[c]], r->builder, c, r->next, n, now);
    if (rc) return weir_fail_nomem(err, 0, "generating rows");
    if (!r->n_columns) weir_builder_set_rows(r->builder, n);
    rc = weir_builder_finish(r->builder, out, err);
    if (rc) return rc;
    (*out)->origin = (struct weir_origin){
        .source = &s->base, .split = r->split, .position = r->next, .first_row = r->made};
    r->next += n;
    r->made += n;
    return 1;
}

static void describe_row(const struct weir_source *s, const struct weir_origin *origin,
                         uint32_t row, char *buf, size_t size)
{
    snprintf(buf, size, "row %llu of table %s", (unsigned long long)(origin->position + row + 1),
             s->name);
}

static void source_free(struct weir_source *base)
{
    struct gen_source *s = (struct gen_source *)base;
    if (!s) return;
    weir_schema_release(&base->schema);
    weir_free(s->fields);
    weir_free((char *)base->name);
    weir_free(s);
}

static const struct weir_source_ops gen_ops = {.plan_splits = plan_splits,
                                               .open_split = open_split,
                                               .next = next,
                                               .close = close_split,
                                               .describe_row = describe_row,
                                               .free = source_free};

/* 'fields.X.…' must name a column. */
static int check_names(const struct weir_table_spec *t, struct weir_error *err)
{
    for (size_t i = 0; i < t->n_options; i++) {
        const char *key = t->options[i].key;
        if (strncmp(key, "fields.", 7)) continue;
        const char *dot = strrchr(key, '.');
        bool found = false;
        for (int c = 0; c < t->schema.n && !found; c++) {
            size_t n = strlen(t->schema.field[c].name);
            found =
                (size_t)(dot - key - 7) == n && strncmp(key + 7, t->schema.field[c].name, n) == 0;
        }
        if (!found)
            return weir_option_fail(t, key, err, "the table has no physical column '%.*s'",
                                    (int)(dot - key - 7), key + 7);
    }
    return 0;
}

static int init(struct gen_source *s, const struct weir_table_spec *t, struct weir_error *err)
{
    static const char *const keys[] = {"rows-per-second", "number-of-rows", "seed", NULL};
    const char *const *lists[] = {keys, weir_gen_field_keys};
    int64_t rows = -1, seed = clock_us(CLOCK_REALTIME) ^ (int64_t)getpid() << 40, rate = -1;
    char text[64];
    int rc = weir_options_check(t, lists, 2, err);
    if (!rc) rc = check_names(t, err);
    if (!rc) rc = weir_option_int(t, "number-of-rows", 0, INT64_MAX, &rows, err);
    if (!rc) rc = weir_option_int(t, "rows-per-second", 1, INT64_MAX, &rate, err);
    if (!rc) rc = weir_option_int(t, "seed", INT64_MIN, INT64_MAX, &seed, err);
    if (!rc) rc = weir_schema_copy(&t->schema, &s->base.schema, err);
    if (rc) return rc;
    s->base.name = weir_strdup(t->name);
    s->fields = weir_calloc((size_t)t->schema.n, sizeof *s->fields);
    if (!s->base.name || !s->fields)
        return weir_fail_nomem(err, sizeof *s->fields, "opening a table");
    s->rows = rows < 0 ? UINT64_MAX : (uint64_t)rows;
    s->fixed_now = weir_option_get(t, "seed") != NULL;
    for (int c = 0; c < t->schema.n; c++) {
        const struct weir_field *f = &t->schema.field[c];
        if (weir_type_is_interval(f->type) || f->type.id == WEIR_TYPE_NULL)
            return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                             "table %s: column \"%s\" of type %s cannot be generated", t->name,
                             f->name, weir_type_text(f->type, text, sizeof text));
        rc = weir_gen_field_init(t, f, (uint64_t)seed, &s->fields[c], &s->rows, err);
        if (rc) return rc;
    }
    s->base.bounded = s->rows != UINT64_MAX;
    s->base.streaming = !s->base.bounded || rate > 0;
    s->base.est_rows = s->base.bounded && s->rows <= INT64_MAX ? (int64_t)s->rows : -1;
    s->rows_per_second = rate > 0 ? rate : s->base.bounded ? 0 : 10000;
    return 0;
}

static int make_source(const struct weir_table_spec *t, struct weir_source **out,
                       struct weir_error *err)
{
    struct gen_source *s = weir_calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a table");
    s->base.ops = &gen_ops;
    s->n_splits = 1;
    int rc = init(s, t, err);
    if (rc) {
        source_free(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}

const struct weir_connector weir_connector_datagen = {.name = "datagen",
                                                      .make_source = make_source};
