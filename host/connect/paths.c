/* From a path to files. Directories are walked to the bottom, links to directories too, to a depth
   that no sane tree has, which is what ends a loop of links. */
#include "host/connect/paths.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 64

const char *weir_path_strip(const char *path)
{
    return strncmp(path, "file://", 7) == 0 ? path + 7 : path;
}

static bool hidden(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return *name == '.' || *name == '_';
}

static int add(struct weir_paths *out, const char *path, const struct stat *st,
               struct weir_error *err)
{
    if (out->n == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 16;
        struct weir_path *item = weir_realloc(out->item, cap * sizeof *item);
        if (!item) return weir_fail_nomem(err, cap * sizeof *item, "listing files");
        out->item = item;
        out->cap = cap;
    }
    struct weir_path *p = &out->item[out->n];
    p->name = weir_strdup(path);
    if (!p->name) return weir_fail_nomem(err, strlen(path), "listing files");
    p->regular = S_ISREG(st->st_mode);
    p->bytes = p->regular ? (uint64_t)st->st_size : 0;
    out->n++;
    return 0;
}

static int add_any(struct weir_paths *out, const char *path, int depth, struct weir_error *err);

static int add_directory(struct weir_paths *out, const char *path, int depth,
                         struct weir_error *err)
{
    if (depth > MAX_DEPTH)
        return weir_fail(err, WEIR_ERR_IO, "%s: more than %d directories deep (a loop of links?)",
                         path, MAX_DEPTH);
    DIR *dir = opendir(path);
    if (!dir)
        return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s: cannot list the directory", path);
    struct weir_buf child = {0};
    int rc = 0;
    const struct dirent *e;
    while (!rc && (e = readdir(dir))) {
        if (hidden(e->d_name)) continue;
        child.len = 0;
        weir_buf_printf(&child, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
                        e->d_name);
        rc = child.oom ? weir_fail_nomem(err, strlen(path), "listing files")
                       : add_any(out, child.data, depth + 1, err);
    }
    closedir(dir);
    weir_buf_release(&child);
    return rc;
}

static int add_any(struct weir_paths *out, const char *path, int depth, struct weir_error *err)
{
    struct stat st;
    if (stat(path, &st)) return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s", path);
    if (S_ISDIR(st.st_mode)) return add_directory(out, path, depth, err);
    return add(out, path, &st, err);
}

static int add_pattern(struct weir_paths *out, const char *pattern, struct weir_error *err)
{
    glob_t g;
    int rc = glob(pattern, GLOB_NOSORT, NULL, &g);
    if (rc == GLOB_NOMATCH) return weir_fail(err, WEIR_ERR_IO, "%s: no file matches", pattern);
    if (rc == GLOB_NOSPACE) return weir_fail_nomem(err, strlen(pattern), "listing files");
    if (rc) return weir_fail_errno(err, WEIR_ERR_IO, errno, "%s", pattern);
    for (size_t i = 0; i < g.gl_pathc && !rc; i++) {
        if (!hidden(g.gl_pathv[i])) rc = add_any(out, g.gl_pathv[i], 0, err);
    }
    globfree(&g);
    if (!rc && !out->n) return weir_fail(err, WEIR_ERR_IO, "%s: no file matches", pattern);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct weir_path *)a)->name, ((const struct weir_path *)b)->name);
}

int weir_paths_expand(const char *path, struct weir_paths *out, struct weir_error *err)
{
    struct stat st;
    int rc;
    memset(out, 0, sizeof *out);
    path = weir_path_strip(path);
    if (strcmp(path, "-") == 0) {
        memset(&st, 0, sizeof st);
        rc = add(out, path, &st, err);
    } else if (stat(path, &st) == 0) {
        rc = add_any(out, path, 0, err);
    } else if (errno == ENOENT && strpbrk(path, "*?[")) {
        rc = add_pattern(out, path, err);
    } else {
        int why = errno;
        char cwd[256] = "";
        if (path[0] != '/' && !getcwd(cwd, sizeof cwd)) cwd[0] = 0;
        rc = weir_fail(err, WEIR_ERR_IO, "%s%s%s%s: %s", path, *cwd ? " (in " : "", cwd,
                       *cwd ? ")" : "", strerror(why));
        if (err) err->native_code = why;
    }
    if (out->n) qsort(out->item, out->n, sizeof *out->item, by_name);
    return rc;
}

void weir_paths_release(struct weir_paths *p)
{
    for (size_t i = 0; i < p->n; i++) weir_free(p->item[i].name);
    weir_free(p->item);
    memset(p, 0, sizeof *p);
}
