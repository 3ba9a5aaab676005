/* embed: Weir inside a program. Arrow data that the program already has becomes a table without
   being copied, SQL runs over it, and the answer comes back as Arrow data.

   Here the data are a million readings of a hundred thermometers. In a real program they would come
   from whatever library holds them: the structs of the Arrow C data interface are the same for all.
   The three release callbacks below are all that "zero copy" asks for: Weir calls them when it
   needs the buffers no longer. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

enum { sensors = 100, rows = 1000000, columns = 2 };

/* ---- the program's data as an Arrow stream of one batch ---- */

struct readings {
    int32_t sensor[rows];
    double celsius[rows];
    int delivered;
};

static void keep(struct ArrowSchema *s)
{
    s->release = NULL;
}

static void keep_array(struct ArrowArray *a)
{
    a->release = NULL; /* the buffers belong to main */
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    static struct ArrowSchema child[columns], *children[columns] = {&child[0], &child[1]};
    (void)stream;
    child[0] = (struct ArrowSchema){.format = "i", .name = "sensor", .release = keep};
    child[1] = (struct ArrowSchema){.format = "g", .name = "celsius", .release = keep};
    *out = (struct ArrowSchema){
        .format = "+s", .name = "", .n_children = columns, .children = children, .release = keep};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    static struct ArrowArray child[columns], *children[columns] = {&child[0], &child[1]};
    static const void *sensor[2], *celsius[2], *none[1];
    struct readings *r = stream->private_data;
    *out = (struct ArrowArray){0};
    if (r->delivered) return 0;
    r->delivered = 1;
    sensor[1] = r->sensor;
    celsius[1] = r->celsius;
    child[0] = (struct ArrowArray){
        .length = rows, .n_buffers = 2, .buffers = sensor, .release = keep_array};
    child[1] = (struct ArrowArray){
        .length = rows, .n_buffers = 2, .buffers = celsius, .release = keep_array};
    *out = (struct ArrowArray){.length = rows,
                               .n_buffers = 1,
                               .buffers = none,
                               .n_children = columns,
                               .children = children,
                               .release = keep_array};
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* ---- the answer ---- */

static void print_rows(const struct ArrowArray *batch)
{
    const int32_t *sensor = batch->children[0]->buffers[1];
    const int64_t *count = batch->children[1]->buffers[1];
    const double *mean = batch->children[2]->buffers[1], *highest = batch->children[3]->buffers[1];
    for (int64_t i = 0; i < batch->length; i++)
        printf("%6d %8lld %8.3f %8.3f\n", sensor[batch->children[0]->offset + i],
               (long long)count[batch->children[1]->offset + i],
               mean[batch->children[2]->offset + i], highest[batch->children[3]->offset + i]);
}

static int print_answer(struct ArrowArrayStream *answer)
{
    struct ArrowArray batch = {0};
    int status;
    printf("sensor readings     mean  highest\n");
    while ((status = answer->get_next(answer, &batch)) == 0 && batch.release) {
        print_rows(&batch);
        batch.release(&batch);
    }
    answer->release(answer);
    return status;
}

int main(void)
{
    struct readings *r = calloc(1, sizeof *r);
    struct ArrowArrayStream stream = {get_schema, get_next, get_last_error, release, r},
                            answer = {0};
    struct weir_engine *engine = NULL;
    struct weir_error error = {0};
    int status = r ? 0 : WEIR_ERR_NOMEM;
    for (int i = 0; r && i < rows; i++) {
        r->sensor[i] = i % sensors;
        r->celsius[i] = 15 + (double)(i % 977) / 64 - (double)(i % 13);
    }
    if (!status) status = weir_open(NULL, &engine, &error);
    if (!status) status = weir_register_stream(engine, "readings", &stream, &error);
    if (!status)
        status =
            weir_query(engine,
                       "SELECT sensor, COUNT(*), AVG(celsius) AS mean, MAX(celsius) FROM readings\n"
                       "WHERE celsius > 20 GROUP BY sensor ORDER BY mean DESC, sensor LIMIT 5",
                       &answer, &error);
    if (!status) status = print_answer(&answer);
    if (status) fprintf(stderr, "embed: %s\n", error.message);
    weir_close(engine);
    free(r);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
