/* What the commands share: messages, exit codes, options, reading SQL. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"
#include "host/connect/stream.h"

int cli_fail(const struct weir_error *err)
{
    static const unsigned char exit_code[] = {
        [-WEIR_ERR_INVALID] = CLI_USAGE,
        [-WEIR_ERR_PARSE] = CLI_SQL,
        [-WEIR_ERR_BIND] = CLI_SQL,
        [-WEIR_ERR_UNSUPPORTED] = CLI_SQL,
        [-WEIR_ERR_DATA] = CLI_DATA,
        [-WEIR_ERR_IO] = CLI_IO,
        [-WEIR_ERR_NOMEM] = CLI_MEMORY,
        [-WEIR_ERR_DEVICE] = CLI_DEVICE,
        [-WEIR_ERR_CANCELLED] = CLI_CANCELLED,
        [-WEIR_ERR_INTERNAL] = CLI_INTERNAL,
        [-WEIR_ERR_BUSY] = CLI_BUSY,
    };
    fflush(stdout);
    fprintf(stderr, "weir: %s\n", err->message);
    int code = -err->code;
    return code > 0 && code < (int)sizeof exit_code ? exit_code[code] : CLI_INTERNAL;
}

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "weir %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; weir %s --help tells more\n", command);
    return CLI_USAGE;
}

int cli_option(int argc, char **argv, int *i, const char *name, const char **value)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n)) return 0;
    if (argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return 1;
    }
    if (argv[*i][n]) return 0;
    if (*i + 1 >= argc) return -1;
    *value = argv[++*i];
    return 1;
}

static int read_all(FILE *f, const char *name, struct weir_buf *out, struct weir_error *err)
{
    char chunk[16384];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) weir_buf_add(out, chunk, n);
    if (ferror(f)) return weir_fail_errno(err, WEIR_ERR_IO, errno, "reading %s", name);
    weir_buf_add(out, "", 0);
    return out->oom ? weir_fail_nomem(err, out->len, "reading the SQL") : WEIR_OK;
}

int cli_sql_read(const char *path, struct cli_sql *out, struct weir_error *err)
{
    struct weir_buf b = {0};
    bool standard = !strcmp(path, "-");
    int rc = standard ? weir_stream_begin("-", NULL, err) : WEIR_OK;
    if (rc) return rc;
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f) return weir_fail_errno(err, WEIR_ERR_IO, errno, "SQL file %s", path);
    rc = read_all(f, path, &b, err);
    if (!standard) fclose(f);
    if (rc) {
        weir_buf_release(&b);
        return rc;
    }
    *out = (struct cli_sql){standard ? "<stdin>" : path, b.data, b.len};
    return WEIR_OK;
}

void cli_sql_free(struct cli_sql *sql)
{
    weir_free(sql->text);
}
