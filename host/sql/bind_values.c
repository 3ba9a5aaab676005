/* VALUES: a batch where all cells are constants, else a projection of one row for each row. */
#include "host/sql/bind_impl.h"

struct rel *bind_one_row(struct binder *b, struct weir_pos pos)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_VALUES, 0, 0, pos);
    struct rel *r = bind_alloc(b, 1, sizeof *r);
    if (!n || !r || !bind_keep_values(b, n)) return NULL;
    int status = weir_batch_new(1, 0, &n->values.batch, b->err);
    if (status) {
        b->status = status;
        return NULL;
    }
    r->node = n;
    return r;
}

static bool fill_values(struct binder *b, struct weir_node *n, struct weir_expr **cell, int rows)
{
    int cols = n->schema.n;
    struct weir_type *t = bind_alloc(b, (size_t)cols, sizeof *t);
    struct weir_builder *builder = NULL;
    if (!t) return false;
    for (int c = 0; c < cols; c++) t[c] = n->schema.field[c].type;
    int status = weir_builder_new(NULL, cols, t, &builder, b->err);
    for (int r = 0; !status && r < rows; r++) {
        for (int c = 0; c < cols; c++) {
            const struct weir_value *v = &cell[r * cols + c]->value;
            if (v->is_null)
                weir_builder_null(builder, c);
            else
                weir_builder_value(builder, c, v);
        }
    }
    if (!status) status = weir_builder_finish(builder, &n->values.batch, b->err);
    weir_builder_free(builder);
    if (status) b->status = status;
    return !status;
}

static bool bind_cells(struct binder *b, const struct weir_ast_exprs *rows, struct weir_expr **cell,
                       int cols)
{
    struct scope s = {.clause = "VALUES"};
    for (size_t r = 0; r < rows->n; r++) {
        const struct weir_ast_exprs *row = &rows->items[r]->list;
        if ((int)row->n != cols) {
            bind_fail(b, &rows->items[r]->pos, "this row has %zu values, the first one has %d",
                      row->n, cols);
            return false;
        }
        for (int c = 0; c < cols; c++) {
            struct weir_expr *e = bind_top(b, &s, row->items[c], "VALUES");
            if (!e) return false;
            cell[(int)r * cols + c] = e;
        }
    }
    return true;
}

/* The columns of CELL as their common types; T gets these, NOT NULL where no cell is NULL. */
static bool unify_columns(struct binder *b, struct weir_expr **cell, int rows, int cols,
                          struct weir_type *t)
{
    struct weir_expr **column = bind_alloc(b, (size_t)rows, sizeof *column);
    for (int c = 0; column && c < cols; c++) {
        for (int r = 0; r < rows; r++) column[r] = cell[r * cols + c];
        if (!bind_unify(b, column, rows, "the values of a column of VALUES", &t[c])) return false;
        t[c].nullable = 0;
        for (int r = 0; r < rows; r++) {
            cell[r * cols + c] = column[r];
            t[c].nullable |= column[r]->type.nullable;
        }
    }
    return column != NULL;
}

static struct weir_node *constant_rows(struct binder *b, struct weir_expr **cell, int rows,
                                       int cols, const char *const *name, struct weir_type *t,
                                       struct weir_pos pos)
{
    struct weir_node *n = bind_node(b, WEIR_NODE_VALUES, 0, cols, pos);
    for (int c = 0; n && c < cols; c++) {
        t[c].nullable = 0;
        for (int r = 0; r < rows; r++) {
            struct weir_expr **e = &cell[r * cols + c];
            if (!(*e = bind_fold(b, *e))) return NULL;
            t[c].nullable |= (*e)->value.is_null;
        }
        n->schema.field[c] = (struct weir_field){name[c], t[c]};
    }
    return n && bind_keep_values(b, n) && fill_values(b, n, cell, rows) ? n : NULL;
}

/* RAND() and the like must be computed when the query runs. */
static struct weir_node *computed_rows(struct binder *b, struct weir_expr **cell, int rows,
                                       int cols, const char *const *name, struct weir_pos pos)
{
    struct weir_node **in = bind_alloc(b, (size_t)rows, sizeof *in);
    for (int r = 0; in && r < rows; r++) {
        struct rel *one = bind_one_row(b, pos);
        in[r] = one ? bind_project(b, one->node, cols, &cell[r * cols], name, pos) : NULL;
        if (!in[r]) return NULL;
    }
    return in && rows > 1 ? bind_union(b, in, rows, pos) : in ? in[0] : NULL;
}

struct rel *bind_values(struct binder *b, const struct weir_ast_exprs *rows,
                        const struct weir_pos *pos)
{
    int cols = (int)rows->items[0]->list.n, n = (int)rows->n;
    struct weir_expr **cell = bind_alloc(b, rows->n * (size_t)cols, sizeof *cell);
    struct weir_type *t = bind_alloc(b, (size_t)cols, sizeof *t);
    const char **name = bind_alloc(b, (size_t)cols, sizeof *name);
    struct rel *out = bind_alloc(b, 1, sizeof *out);
    if (!cell || !t || !name || !out) return NULL;
    if (!bind_cells(b, rows, cell, cols) || !unify_columns(b, cell, n, cols, t)) return NULL;
    bool constant = true;
    for (int i = 0; i < n * cols; i++) constant &= bind_is_constant(cell[i]);
    for (int c = 0; c < cols; c++)
        if (!(name[c] = weir_arena_printf(b->arena, "EXPR$%d", c))) return bind_nomem(b);
    out->node = constant ? constant_rows(b, cell, n, cols, name, t, *pos)
                         : computed_rows(b, cell, n, cols, name, *pos);
    for (int c = 0; out->node && c < cols; c++) {
        struct column col = {.name = name[c], .type = out->node->schema.field[c].type, .index = c};
        if (!bind_add_column(b, out, col)) return NULL;
    }
    return out->node ? out : NULL;
}
