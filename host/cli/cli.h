#ifndef WEIR_CLI_CLI_H
#define WEIR_CLI_CLI_H

#include "host/engine/engine.h"
#include "host/format/rows.h"

/* The program `weir`: one file for each command. A command gets its arguments without the program's
   and its own name, and returns the exit code. */

enum cli_exit {
    CLI_OK = 0,
    CLI_DATA = 1,     /* a row could not be read or computed */
    CLI_BUSY = 1,     /* the job has no place on this machine (now) */
    CLI_USAGE = 2,    /* wrong arguments or options */
    CLI_SQL = 3,      /* the SQL does not parse, bind, or is not executed */
    CLI_IO = 4,       /* a file or directory */
    CLI_MEMORY = 5,   /* out of memory or over a budget */
    CLI_DEVICE = 6,   /* an OpenCL device failed */
    CLI_INTERNAL = 7, /* our mistake */
    CLI_CANCELLED = 130,
};

int cli_run(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_devices(int argc, char **argv);

/* Print "weir: MESSAGE" and give the exit code of ERR. */
int cli_fail(const struct weir_error *err);
/* Print "weir COMMAND: MESSAGE" and a hint at --help; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) WEIR_PRINTF(2, 3);

/* ---- what commands that take SQL share ---- */

struct cli_sql {
    const char *file_name; /* "<stdin>" for "-" */
    char *text;
    size_t len;
};
int cli_sql_read(const char *path, struct cli_sql *out,
                 struct weir_error *err); /* "-": standard input */
void cli_sql_free(struct cli_sql *sql);

/* "--name=value" or "--name value": 1 with *VALUE when ARGV[*I] is option NAME (then *I is on its
   last word), 0 when not, -1 when the value is missing. */
int cli_option(int argc, char **argv, int *i, const char *name, const char **value);

/* ---- results ---- */

/* A sink that prints a query's rows to standard output in FORMAT. FIRST: no empty line before it.
 */
int cli_result_sink(enum weir_rows_format format, bool first, const struct weir_schema *schema,
                    bool streaming, struct weir_sink **out, struct weir_error *err);

/* ---- the progress line on a terminal's stderr ---- */

struct cli_progress;
struct cli_progress *
cli_progress_start(struct weir_engine *e); /* NULL when stderr is no terminal */
/* Rows are about to be printed on the terminal: take the line away until the next time. */
void cli_progress_hide(void);
void cli_progress_stop(struct cli_progress *p); /* erases the line; NULL is allowed */

#endif
