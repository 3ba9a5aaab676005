/* Printing results: a sink around the row writers of host/format. Slots hand in batches one at a
   time under a lock; text goes to standard output in large pieces. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/cli/cli.h"
#include "host/format/rows.h"

struct result {
    struct weir_sink base;
    pthread_mutex_t mutex;
    struct weir_rows *rows;
    enum weir_rows_format format;
    bool first, streaming, on_terminal;
};

static int to_stdout(void *ctx, const char *text, size_t n, struct weir_error *err)
{
    (void)ctx;
    if (fwrite(text, 1, n, stdout) == n) return WEIR_OK;
    return weir_fail_errno(err, WEIR_ERR_IO, errno, "writing to standard output");
}

static int terminal_width(void)
{
    struct winsize w;
    if (!isatty(STDOUT_FILENO)) return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col) return 80;
    return w.ws_col;
}

static int result_open(struct weir_sink *s, int n_slots, struct weir_error *err)
{
    (void)n_slots;
    struct result *r = (struct result *)s;
    if (!r->first) putchar('\n');
    r->on_terminal = isatty(STDOUT_FILENO);
    int rc = weir_rows_new(r->format, &s->schema, terminal_width(), to_stdout, NULL, &r->rows, err);
    if (!rc && r->streaming) weir_rows_set_live(r->rows);
    return rc;
}

static int result_write(struct weir_sink *s, int slot, const struct weir_batch *batch,
                        struct weir_error *err)
{
    (void)slot;
    struct result *r = (struct result *)s;
    pthread_mutex_lock(&r->mutex);
    if (r->on_terminal) cli_progress_hide();
    int rc = weir_rows_add(r->rows, (struct weir_batch *)batch, err);
    if (!rc && fflush(stdout)) /* whoever reads a stream's windows wants them now */
        rc = weir_fail_errno(err, WEIR_ERR_IO, errno, "writing to standard output");
    pthread_mutex_unlock(&r->mutex);
    return rc;
}

static int result_commit(struct weir_sink *s, struct weir_error *err)
{
    return weir_rows_end(((struct result *)s)->rows, err);
}

/* Rows that were final are shown even when the query ended early. */
static void result_abort(struct weir_sink *s)
{
    struct result *r = (struct result *)s;
    if (r->rows && !ferror(stdout) && weir_rows_end(r->rows, NULL))
        fputs("weir: writing to standard output failed\n", stderr);
}

static void result_free(struct weir_sink *s)
{
    struct result *r = (struct result *)s;
    weir_rows_free(r->rows);
    pthread_mutex_destroy(&r->mutex);
    weir_free(r);
}

static const struct weir_sink_ops result_ops = {.open = result_open,
                                                .write = result_write,
                                                .commit = result_commit,
                                                .abort = result_abort,
                                                .free = result_free};

int cli_result_sink(enum weir_rows_format format, bool first, const struct weir_schema *schema,
                    bool streaming, struct weir_sink **out, struct weir_error *err)
{
    struct result *r = weir_calloc(1, sizeof *r);
    if (!r) return weir_fail_nomem(err, sizeof *r, "printing rows");
    r->base.ops = &result_ops;
    r->base.name = "result";
    r->base.schema = *schema; /* lives as long as the statement, as the sink does */
    r->format = format;
    r->first = first;
    r->streaming = streaming;
    pthread_mutex_init(&r->mutex, NULL);
    *out = &r->base;
    return WEIR_OK;
}
