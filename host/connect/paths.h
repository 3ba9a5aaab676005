#ifndef WEIR_CONNECT_PATHS_H
#define WEIR_CONNECT_PATHS_H

#include "runtime/base/error.h"
#include "runtime/base/mem.h"

/* The files that a 'path' option means: a file, "-" (standard input), a directory (all files below
   it), or a glob pattern of them. */

struct weir_path {
    char *name;
    uint64_t bytes; /* 0 when it is no regular file */
    bool regular;
};
struct weir_paths {
    struct weir_path *item;
    size_t n, cap;
};

/* Expand PATH into *OUT (released with weir_paths_release, also after an error), in byte order of
   the names. Below directories and behind patterns, names that begin with '.' or '_' are left out.
   WEIR_ERR_IO when there is nothing of that name; a directory without files gives none. A leading
   "file://" is dropped. */
int weir_paths_expand(const char *path, struct weir_paths *out,
                      struct weir_error *err) WEIR_NODISCARD;
void weir_paths_release(struct weir_paths *p);

/* PATH without the "file://" in front. */
const char *weir_path_strip(const char *path);

#endif
