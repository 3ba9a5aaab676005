#ifndef WEIR_TOPOLOGY_CLI_H
#define WEIR_TOPOLOGY_CLI_H

/* Shared by cli.c (options, help) and cli_verbs.c (what each verb does). */

#include "topology/internal.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNFIT = 3 };

struct cli {
    FILE *out, *err;
    struct weir_topo_machine_options machine;
    const char *streams, *demand, *current, *partition, *format, *svg, *catalogue, *stats;
    double rate;
    const char *file[2];
    int file_count, pid;
    bool json, list, done;
    char **command; /* after "--", ends with NULL */
    struct weir_topo_error error;
};

/* Print c->error; CLI_FAILED. */
int topo_cli_report(struct cli *c);
/* Write and free T unless RC says that making it failed; the exit status. */
int topo_cli_print(struct cli *c, struct weir_topo_text *t, int rc);

int topo_cli_show(struct cli *c);
int topo_cli_plan(struct cli *c);
int topo_cli_explain(struct cli *c);
int topo_cli_diff(struct cli *c);
int topo_cli_apply(struct cli *c);
int topo_cli_verify(struct cli *c);
int topo_cli_export(struct cli *c);
int topo_cli_advise(struct cli *c);

#endif
