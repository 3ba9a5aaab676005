/* Runs a fuzz target over files and folders, without libFuzzer: the corpus as a test in every
   build. usage: replay_NAME PATH... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int n_files;

static int replay_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);
    int rc = f && data && fread(data, 1, size, f) == size ? 0 : 1;
    if (rc)
        fprintf(stderr, "cannot read %s\n", path);
    else
        LLVMFuzzerTestOneInput(data, size);
    if (f) fclose(f);
    free(data);
    n_files++;
    return rc;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st)) {
        fprintf(stderr, "cannot find %s\n", path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode)) return replay_file(path, (size_t)st.st_size);
    DIR *dir = opendir(path);
    int rc = dir ? 0 : 1;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char child[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        rc |= replay(child);
    }
    if (dir) closedir(dir);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = argc > 1 ? 0 : 1;
    for (int i = 1; i < argc; i++) rc |= replay(argv[i]);
    printf("%d inputs\n", n_files);
    return rc || !n_files;
}
