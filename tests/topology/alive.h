#ifndef WEIR_TESTS_TOPOLOGY_ALIVE_H
#define WEIR_TESTS_TOPOLOGY_ALIVE_H

#include <stdbool.h>
#include <stdio.h>

/* Can PID still run a line of its program? The kernel gives the locks of a killed process back
   before it calls it a zombie; in between it is marked as exiting: flag 4 of the ninth field of
   proc(5)'s stat, PF_EXITING, which is set before any file is closed. */
static inline bool alive(int pid)
{
    char path[64], state = 'Z';
    unsigned flags = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    if (fscanf(f, "%*d (%*[^)]) %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) state = 'Z';
    fclose(f);
    return state != 'Z' && state != 'X' && !(flags & 4);
}

#endif
