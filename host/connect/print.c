/* The connector 'print': rows as Flink's print sink shows them, "+I[1, abc, null]", on standard
   output or standard error. A slot formats its rows and writes them under a lock, whole lines at a
   time. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "host/connect/connectors.h"
#include "host/format/show.h"

struct print_sink {
    struct weir_sink base;
    char *identifier; /* "" or "name> " */
    int fd;
    pthread_mutex_t lock;
};

static int sink_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    (void)s, (void)n_slots, (void)err;
    return 0;
}

static void print_row(const struct print_sink *s, const struct weir_batch *batch, uint32_t row,
                      struct weir_buf *out)
{
    weir_buf_puts(out, s->identifier);
    weir_buf_puts(out, "+I[");
    for (uint32_t c = 0; c < batch->n_cols; c++) {
        if (c) weir_buf_puts(out, ", ");
        if (weir_column_is_null(&batch->col[c], row) || batch->col[c].type.id == WEIR_TYPE_NULL)
            weir_buf_puts(out, "null");
        else
            weir_show_value(out, &batch->col[c], row, WEIR_SHOW_HEX);
    }
    weir_buf_puts(out, "]\n");
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int sink_write(struct weir_sink *base, int slot, const struct weir_batch *batch,
                      struct weir_error *err)
{
    (void)slot;
    struct print_sink *s = (struct print_sink *)base;
    struct weir_buf out = {0};
    int rc = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) print_row(s, batch, row, &out);
    if (out.oom) {
        rc = weir_fail_nomem(err, out.cap, "printing rows");
    } else if (out.len) {
        pthread_mutex_lock(&s->lock);
        if (write_all(s->fd, out.data, out.len))
            rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "table %s: cannot print", base->name);
        pthread_mutex_unlock(&s->lock);
    }
    weir_buf_release(&out);
    return rc;
}

static int sink_commit(struct weir_sink *s, struct weir_error *err)
{
    (void)s, (void)err;
    return 0;
}

static void sink_abort(struct weir_sink *s)
{
    (void)s;
}

static void sink_free(struct weir_sink *base)
{
    struct print_sink *s = (struct print_sink *)base;
    if (!s) return;
    weir_schema_release(&base->schema);
    pthread_mutex_destroy(&s->lock);
    weir_free((char *)base->name);
    weir_free(s->identifier);
    weir_free(s);
}

static const struct weir_sink_ops print_ops = {.open = sink_open,
                                               .write = sink_write,
                                               .commit = sink_commit,
                                               .abort = sink_abort,
                                               .free = sink_free};

static int make_sink(const struct weir_table_spec *t, struct weir_sink **out,
                     struct weir_error *err)
{
    static const char *const keys[] = {"print-identifier", "standard-error", NULL};
    static const char *const *const lists[] = {keys};
    bool to_stderr = false;
    *out = NULL;
    int rc = weir_options_check(t, lists, 1, err);
    if (!rc) rc = weir_option_bool(t, "standard-error", &to_stderr, err);
    if (rc) return rc;
    struct print_sink *s = weir_calloc(1, sizeof *s);
    if (!s) return weir_fail_nomem(err, sizeof *s, "opening a table");
    pthread_mutex_init(&s->lock, NULL);
    s->base.ops = &print_ops;
    s->fd = to_stderr ? STDERR_FILENO : STDOUT_FILENO;
    struct weir_buf id = {0};
    const char *name = weir_option_get(t, "print-identifier");
    weir_buf_printf(&id, name && *name ? "%s> " : "%s", name ? name : "");
    s->identifier = id.data;
    s->base.name = weir_strdup(t->name);
    rc = s->base.name && !id.oom ? weir_schema_copy(&t->schema, &s->base.schema, err)
                                 : weir_fail_nomem(err, 64, "opening a table");
    if (rc) {
        sink_free(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}

const struct weir_connector weir_connector_print = {.name = "print", .make_sink = make_sink};
