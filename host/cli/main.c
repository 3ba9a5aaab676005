/* weir: the command line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"

static const char help[] =
    "Weir runs streaming SQL on the hardware a machine really has.\n"
    "\n"
    "usage: weir COMMAND [arguments]\n"
    "\n"
    "  run      run a SQL file, a statement (-c) or standard input (-)\n"
    "  explain  show the plan, the pipelines, their backends and the slots, without running\n"
    "  devices  list the OpenCL devices\n"
    "  topo     show the machine, plan partitions on it, and more (weir topo --help)\n"
    "  version  print the version\n"
    "\n"
    "weir COMMAND --help tells more. Exit codes: 0 success, 1 a row's data or no place,\n"
    "2 usage, 3 SQL, 4 files, 5 memory, 6 device, 7 internal, 130 cancelled.\n"
    "\n"
    "examples:\n"
    "  weir run examples/quickstart.sql\n"
    "  weir run -c \"SELECT 1 + 1\"\n"
    "  weir explain examples/web_attack.sql\n";

static int topo(int argc, char **argv)
{
    return weir_topo_cli(argc, argv, stdout, stderr);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", cli_run}, {"explain", cli_explain}, {"devices", cli_devices}, {"topo", topo}};

/* What was printed must have got out. */
static int finish(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout)) return code;
    if (!code)
        fprintf(stderr, "weir: writing to standard output: %s\n", strerror(errno ? errno : EIO));
    return code ? code : CLI_IO;
}

int main(int argc, char **argv)
{
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        !strcmp(argv[1], "help")) {
        fputs(help, argc < 2 ? stderr : stdout);
        return finish(argc < 2 ? CLI_USAGE : CLI_OK);
    }
    if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
        puts("weir " WEIR_VERSION);
        return finish(CLI_OK);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name)) return finish(commands[i].run(argc - 2, argv + 2));
    fprintf(stderr, "weir: '%s' is not a command; weir --help lists them\n", argv[1]);
    return CLI_USAGE;
}
