/* Batches as Arrow arrays. Each child holds its own reference on the batch, so a receiver may move
   children out and release the parent. Only decimals of at most 18 digits are converted. */
#include <stdlib.h>
#include <string.h>

#include "runtime/column/arrow_format.h"

/* ---- schema ---- */

struct schema_private {
    struct ArrowSchema *child; /* [n_children], owned */
    struct ArrowSchema **children;
    char format[32];
    char name[];
};

static void release_schema(struct ArrowSchema *s)
{
    struct schema_private *p = s->private_data;
    for (int64_t i = 0; i < s->n_children; i++)
        if (p->child[i].release) p->child[i].release(&p->child[i]);
    weir_free(p->child);
    weir_free(p->children);
    weir_free(p);
    s->release = NULL;
}

static int make_schema(const char *name, const char *format, int64_t n_children, bool nullable,
                       struct ArrowSchema *out, struct weir_error *err)
{
    size_t len = strlen(name);
    struct schema_private *p = weir_calloc(1, sizeof *p + len + 1);
    memset(out, 0, sizeof *out);
    if (!p) return weir_fail_nomem(err, sizeof *p + len + 1, "exporting an Arrow schema");
    p->child = weir_calloc((size_t)n_children, sizeof *p->child);
    p->children = weir_calloc((size_t)n_children, sizeof(struct ArrowSchema *));
    if (!p->child || !p->children) {
        weir_free(p->child);
        weir_free(p->children);
        weir_free(p);
        return weir_fail_nomem(err, (size_t)n_children * sizeof *p->child,
                               "exporting an Arrow schema");
    }
    memcpy(p->format, format, strlen(format) + 1);
    memcpy(p->name, name, len + 1);
    for (int64_t i = 0; i < n_children; i++) p->children[i] = &p->child[i];
    *out = (struct ArrowSchema){
        .format = p->format,
        .name = p->name,
        .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
        .n_children = n_children,
        .children = n_children ? p->children : NULL,
        .release = release_schema,
        .private_data = p,
    };
    return WEIR_OK;
}

int weir_arrow_export_schema(const struct weir_schema *schema, struct ArrowSchema *out,
                             struct weir_error *err)
{
    int rc = make_schema("", "+s", schema->n, false, out, err);
    for (int i = 0; i < schema->n && !rc; i++) {
        const struct weir_field *f = &schema->field[i];
        char format[32], type[64];
        if (!arrow_print_format(f->type, format))
            rc = weir_fail(
                err, WEIR_ERR_UNSUPPORTED,
                "column '%s' of type %s cannot leave as Arrow; CAST it to BIGINT or STRING",
                f->name, weir_type_text(f->type, type, sizeof type));
        else
            rc = make_schema(f->name, format, 0, f->type.nullable, out->children[i], err);
    }
    if (rc && out->release) out->release(out);
    return rc;
}

/* ---- arrays ---- */

struct array_private {
    struct weir_batch *batch;
    struct weir_buffer *converted;
    const void *buffers[3];
    struct ArrowArray *child; /* of the parent: [n_children] */
    struct ArrowArray **children;
};

static void release_array(struct ArrowArray *a)
{
    struct array_private *p = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++)
        if (p->child[i].release) p->child[i].release(&p->child[i]);
    weir_free(p->child);
    weir_free(p->children);
    weir_buffer_unref(p->converted);
    weir_batch_unref(p->batch);
    weir_free(p);
    a->release = NULL;
}

static int make_array(struct weir_batch *batch, int64_t n_buffers, int64_t n_children,
                      struct ArrowArray *out, struct weir_error *err)
{
    memset(out, 0, sizeof *out);
    struct array_private *p = weir_calloc(1, sizeof *p);
    if (!p) return weir_fail_nomem(err, sizeof *p, "exporting an Arrow array");
    p->child = weir_calloc((size_t)n_children, sizeof *p->child);
    p->children = weir_calloc((size_t)n_children, sizeof(struct ArrowArray *));
    if (!p->child || !p->children) {
        weir_free(p->child);
        weir_free(p->children);
        weir_free(p);
        return weir_fail_nomem(err, (size_t)n_children * sizeof *p->child,
                               "exporting an Arrow array");
    }
    for (int64_t i = 0; i < n_children; i++) p->children[i] = &p->child[i];
    p->batch = weir_batch_ref(batch);
    *out = (struct ArrowArray){
        .length = batch->n_rows,
        .n_buffers = n_buffers,
        .n_children = n_children,
        .buffers = p->buffers,
        .children = n_children ? p->children : NULL,
        .release = release_array,
        .private_data = p,
    };
    return WEIR_OK;
}

/* 64-bit decimals as 128-bit ones. */
static int widen(const struct weir_column *c, uint32_t n, struct array_private *p,
                 struct weir_error *err)
{
    int rc = weir_buffer_new(NULL, (size_t)n * 16, &p->converted, err);
    if (rc) return rc;
    const int64_t *in = c->values;
    int64_t *out = p->converted->data;
    for (uint32_t i = 0; i < n; i++) out[2 * i] = in[i], out[2 * i + 1] = in[i] >> 63;
    p->buffers[1] = out;
    return WEIR_OK;
}

static int export_column(struct weir_batch *batch, uint32_t i, struct ArrowArray *out,
                         struct weir_error *err)
{
    const struct weir_column *c = &batch->col[i];
    enum weir_phys phys = weir_type_phys(c->type);
    bool null = c->type.id == WEIR_TYPE_NULL;
    int rc = make_array(batch, null ? 0 : phys == WEIR_PHYS_STR ? 3 : 2, 0, out, err);
    if (rc) return rc;
    struct array_private *p = out->private_data;
    out->null_count = null ? (int64_t)batch->n_rows : c->validity ? -1 : 0;
    p->buffers[0] = c->validity;
    p->buffers[1] = c->values;
    p->buffers[2] = c->data;
    if (c->type.id == WEIR_TYPE_DECIMAL && phys == WEIR_PHYS_I64)
        rc = widen(c, batch->n_rows, p, err);
    return rc;
}

int weir_arrow_export_batch(struct weir_batch *batch, struct ArrowArray *out,
                            struct weir_error *err)
{
    int rc = make_array(batch, 1, batch->n_cols, out, err);
    for (uint32_t i = 0; i < batch->n_cols && !rc; i++)
        rc = export_column(batch, i, out->children[i], err);
    if (rc && out->release) out->release(out);
    return rc;
}
