/* Tables as Arrow streams, made by the book
   (https://arrow.apache.org/docs/format/CDataInterface.html) and not with anything of Weir's; see
   arrow_data.h. */

#include "arrow_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy of the table behind the stream. */
struct feed {
    int n_columns, rows, at, batch_rows;
    struct column column[max_columns];
    struct value *cell;
    struct pool strings;
};

/* One array with up to three buffers of its own. */
struct array_memory {
    const void *pointers[3];
    struct ArrowArray *children[max_columns];
    struct ArrowArray child[max_columns];
};

struct schema_memory {
    char name[24], format[24];
    struct ArrowSchema *children[max_columns];
    struct ArrowSchema child[max_columns];
};

static void *buffer(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p) p = get_memory(NULL, bytes + 64);
    return memset(p, 0, bytes);
}

static void release_array(struct ArrowArray *a)
{
    struct array_memory *m = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release) a->children[i]->release(a->children[i]);
    for (int64_t i = 0; i < a->n_buffers; i++) free((void *)m->pointers[i]);
    free(m);
    a->release = NULL;
}

static struct array_memory *new_array(struct ArrowArray *a, int rows, int buffers)
{
    struct array_memory *m = get_memory(NULL, sizeof *m);
    memset(m, 0, sizeof *m);
    *a = (struct ArrowArray){.length = rows,
                             .n_buffers = buffers,
                             .buffers = m->pointers,
                             .children = m->children,
                             .release = release_array,
                             .private_data = m};
    return m;
}

static void put_value(char *data, int at, struct type t, const struct value *v)
{
    int64_t x = (int64_t)v->x;
    float f = (float)v->d;
    switch (t.kind) {
    case k_bool: data[at / 8] = (char)(data[at / 8] | (int)x << at % 8); break;
    case k_i8: data[at] = (char)x; break;
    case k_i16: memcpy(data + at * 2, &(int16_t){(int16_t)x}, 2); break;
    case k_date:
    case k_clock:
    case k_i32: memcpy(data + at * 4, &(int32_t){(int32_t)x}, 4); break;
    case k_f32: memcpy(data + at * 4, &f, 4); break;
    case k_f64: memcpy(data + at * 8, &v->d, 8); break;
    case k_dec: memcpy(data + at * 16, &v->x, 16); break;
    default: memcpy(data + at * 8, &x, 8);
    }
}

static void put_strings(struct array_memory *m, const struct feed *f, int column, int rows)
{
    size_t total = 0;
    int32_t *offset = buffer(((size_t)rows + 1) * sizeof *offset);
    const struct value *v = f->cell + (size_t)f->at * (size_t)f->n_columns + column;
    for (int i = 0; i < rows; i++, v += f->n_columns) total += v->null ? 0 : v->length;
    char *bytes = buffer(total);
    v = f->cell + (size_t)f->at * (size_t)f->n_columns + column;
    for (int i = 0; i < rows; i++, v += f->n_columns) {
        size_t length = v->null ? 0 : v->length;
        if (length) memcpy(bytes + offset[i], v->s, length);
        offset[i + 1] = offset[i] + (int32_t)length;
    }
    m->pointers[1] = offset;
    m->pointers[2] = bytes;
}

static void put_column(struct ArrowArray *a, const struct feed *f, int column, int rows)
{
    struct type t = f->column[column].type;
    struct array_memory *m = new_array(a, rows, kind_has_bytes(t.kind) ? 3 : 2);
    char *valid = buffer(((size_t)rows + 7) / 8), *data = NULL;
    if (kind_has_bytes(t.kind)) {
        put_strings(m, f, column, rows);
    } else {
        data = buffer((size_t)rows * 16);
        m->pointers[1] = data;
    }
    const struct value *v = f->cell + (size_t)f->at * (size_t)f->n_columns + column;
    for (int i = 0; i < rows; i++, v += f->n_columns) {
        if (v->null) {
            a->null_count++;
            continue;
        }
        valid[i / 8] = (char)(valid[i / 8] | 1 << i % 8);
        if (data) put_value(data, i, t, v);
    }
    if (a->null_count == 0) {
        free(valid);
        valid = NULL;
    }
    m->pointers[0] = valid;
}

static int next_batch(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    struct feed *f = s->private_data;
    int rows = f->rows - f->at < f->batch_rows ? f->rows - f->at : f->batch_rows;
    if (rows == 0) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    struct array_memory *m = new_array(out, rows, 1);
    out->n_children = f->n_columns;
    for (int c = 0; c < f->n_columns; c++) {
        m->children[c] = &m->child[c];
        put_column(&m->child[c], f, c, rows);
    }
    f->at += rows;
    return 0;
}

static void release_schema(struct ArrowSchema *s)
{
    struct schema_memory *m = s->private_data;
    for (int64_t i = 0; i < s->n_children; i++)
        if (s->children[i]->release) s->children[i]->release(s->children[i]);
    free(m);
    s->release = NULL;
}

static struct schema_memory *new_schema(struct ArrowSchema *s)
{
    struct schema_memory *m = get_memory(NULL, sizeof *m);
    memset(m, 0, sizeof *m);
    *s = (struct ArrowSchema){.format = m->format,
                              .name = m->name,
                              .flags = ARROW_FLAG_NULLABLE,
                              .children = m->children,
                              .release = release_schema,
                              .private_data = m};
    return m;
}

static int get_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    static const char *const formats[] = {"b",  "c", "s",   "i",    "l",       "f",   "g",
                                          NULL, "u", "tdD", "tsm:", "tsm:UTC", "ttm", "z"};
    const struct feed *f = s->private_data;
    struct schema_memory *m = new_schema(out);
    snprintf(m->format, sizeof m->format, "+s");
    out->n_children = f->n_columns;
    for (int c = 0; c < f->n_columns; c++) {
        struct type t = f->column[c].type;
        m->children[c] = &m->child[c];
        struct schema_memory *child = new_schema(&m->child[c]);
        snprintf(child->name, sizeof child->name, "%s", f->column[c].name);
        if (t.kind == k_dec) {
            snprintf(child->format, sizeof child->format, "d:%d,%d", t.p, t.s);
        } else {
            snprintf(child->format, sizeof child->format, "%s", formats[t.kind]);
        }
    }
    return 0;
}

static const char *last_error(struct ArrowArrayStream *s)
{
    (void)s;
    return NULL;
}

static void release_stream(struct ArrowArrayStream *s)
{
    struct feed *f = s->private_data;
    free(f->cell);
    pool_free(&f->strings);
    free(f);
    s->release = NULL;
}

void arrow_export(const struct table *t, int batch_rows, struct ArrowArrayStream *out)
{
    struct feed *f = get_memory(NULL, sizeof *f);
    size_t cells = (size_t)t->rows * (size_t)t->n_columns;
    *f = (struct feed){.n_columns = t->n_columns, .rows = t->rows, .batch_rows = batch_rows};
    memcpy(f->column, t->column, sizeof f->column);
    f->cell = get_memory(NULL, cells * sizeof *f->cell);
    if (cells) memcpy(f->cell, t->cell, cells * sizeof *f->cell);
    for (size_t i = 0; i < cells; i++)
        if (f->cell[i].s) f->cell[i].s = pool_text(&f->strings, f->cell[i].s, f->cell[i].length);
    *out = (struct ArrowArrayStream){get_schema, next_batch, last_error, release_stream, f};
}
