/* The smallest producer of an Arrow stream: one struct array whose buffers are the caller's memory.
 */
#include "arrow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct table {
    const struct bench_column *column;
    int n, given;
    int64_t rows;
};

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++) {
        if (s->children[i]->release) s->children[i]->release(s->children[i]);
        free(s->children[i]);
    }
    free(s->children);
    s->release = NULL;
}

static void release_array(struct ArrowArray *a)
{
    for (int64_t i = 0; i < a->n_children; i++) {
        if (a->children[i]->release) a->children[i]->release(a->children[i]);
        free(a->children[i]);
    }
    free(a->children);
    free(a->buffers);
    a->release = NULL;
}

static int get_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    const struct table *t = s->private_data;
    *out = (struct ArrowSchema){.format = "+s", .name = "", .release = release_schema};
    out->children = calloc((size_t)t->n, sizeof *out->children);
    if (!out->children) return ENOMEM;
    for (int i = 0; i < t->n; i++) {
        struct ArrowSchema *c = calloc(1, sizeof *c);
        if (!c) {
            release_schema(out);
            return ENOMEM;
        }
        *c = (struct ArrowSchema){
            .format = t->column[i].format, .name = t->column[i].name, .release = release_schema};
        out->children[out->n_children++] = c;
    }
    return 0;
}

static int get_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    struct table *t = s->private_data;
    memset(out, 0, sizeof *out);
    if (t->given++) return 0;
    *out = (struct ArrowArray){.length = t->rows, .n_buffers = 1, .release = release_array};
    out->buffers = calloc(1, sizeof *out->buffers);
    out->children = calloc((size_t)t->n, sizeof *out->children);
    for (int i = 0; out->buffers && out->children && i < t->n; i++) {
        struct ArrowArray *c = calloc(1, sizeof *c);
        const void **buffers = calloc(2, sizeof *buffers);
        if (!c || !buffers) {
            free(c);
            free(buffers);
            break;
        }
        buffers[1] = t->column[i].values;
        *c = (struct ArrowArray){
            .length = t->rows, .n_buffers = 2, .buffers = buffers, .release = release_array};
        out->children[out->n_children++] = c;
    }
    if (out->n_children == t->n) return 0;
    release_array(out);
    return ENOMEM;
}

static const char *last_error(struct ArrowArrayStream *s)
{
    (void)s;
    return "out of memory";
}

static void release_stream(struct ArrowArrayStream *s)
{
    free(s->private_data);
    s->release = NULL;
}

int bench_register(struct weir_engine *e, const char *name, const struct bench_column *column,
                   int n, int64_t rows, struct weir_error *err)
{
    struct table *t = malloc(sizeof *t);
    if (!t) return WEIR_ERR_NOMEM;
    *t = (struct table){column, n, 0, rows};
    struct ArrowArrayStream s = {.get_schema = get_schema,
                                 .get_next = get_next,
                                 .get_last_error = last_error,
                                 .release = release_stream,
                                 .private_data = t};
    return weir_register_stream(e, name, &s, err);
}
