/* The command line: what is printed where, the exit status, and that wrong usage is told apart from
 * a demand that does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/topology.h>

struct output {
    char *out, *err;
    int status;
};

/* WORDS: the command line, separated by blanks; 'quoted words' stay together. */
static struct output run(const char *words)
{
    struct output o = {0};
    char copy[2000], *argv[40];
    int argc = 0;
    size_t n;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *p = copy; *p && argc < 39;) {
        while (*p == ' ') p++;
        char stop = *p == '\'' ? '\'' : ' ';
        if (stop == '\'') p++;
        if (!*p) break;
        argv[argc++] = p;
        while (*p && *p != stop) p++;
        if (*p) *p++ = '\0';
    }
    argv[argc] = NULL;
    FILE *out = open_memstream(&o.out, &n), *err = open_memstream(&o.err, &n);
    assert_non_null(out);
    assert_non_null(err);
    o.status = weir_topo_cli(argc, argv, out, err);
    fclose(out);
    fclose(err);
    return o;
}

static void expect(const char *words, int status, const char *out, const char *err)
{
    struct output o = run(words);
    if (o.status != status) fail_msg("'%s': status %d, not %d: %s", words, o.status, status, o.err);
    if (out && !strstr(o.out, out)) fail_msg("'%s' printed: %s", words, o.out);
    if (err && !strstr(o.err, err)) fail_msg("'%s' complained: %s", words, o.err);
    if (status == 0 && o.err[0]) fail_msg("'%s' complained: %s", words, o.err);
    if ((status == 1 || status == 2) && !o.err[0]) fail_msg("'%s' failed without a word", words);
    free(o.out);
    free(o.err);
}

static void verbs_work(void **state)
{
    (void)state;
    expect("--help", 0, "usage: weir topo", NULL);
    expect("plan --help", 0, "--streams", NULL);
    static const char *const verbs[] = {"show",  "plan",   "explain", "diff",
                                        "apply", "verify", "advise",  "export"};
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
        char words[40], example[40];
        snprintf(words, sizeof words, "%s --help", verbs[k]);
        snprintf(example, sizeof example, "examples:\n  weir ");
        expect(words, 0, example, NULL);
    }
    expect("show", 0, "machine live", NULL);
    expect("show --json", 0, "\"schema\": 1", NULL);
    expect("show --list", 0, "pus-4096", NULL);
    expect("show --machine builtin:hbm-flat", 0, "hbm", NULL);
    expect("plan --machine 'pack:2 [numa(memory=8GB)] core:4 pu:2' --streams 'a:8,ratio=1:1'", 0,
           "8 placed", NULL);
    expect("plan --machine builtin:uneven-4 --streams 'a:4,mode=exclusive,scope=l3' --json", 0,
           "\"scope\": \"l3\"", NULL);
    expect("plan --machine builtin:one-pu --streams 'a:4,memory=1GiB'", 3, "2 rejected", NULL);
    expect("explain --machine builtin:one-pu --streams 'a:4,memory=1GiB'", 3,
           "to make it fit: lower", NULL);
    expect("explain --machine builtin:uneven-2 --streams 'a:4' --partition 'a[2]'", 0,
           "a[2] is placed", NULL);
    expect("export --machine builtin:uneven-2 --streams 'a:4' --export numactl", 0,
           "numactl --physcpubind=", NULL);
    expect("export --machine builtin:uneven-2 --streams 'a:4' --export taskset", 0,
           "taskset --cpu-list", NULL);
    expect("export --machine builtin:uneven-2 --streams 'a:4' --export cgroup", 0, "cpuset.cpus",
           NULL);
    expect("plan --machine builtin:uneven-2 --streams 'a:4' --export hwloc-xml", 0, "<topology",
           NULL);
    expect("advise --streams 'a:16,ratio=1:8,cpu=1'", 0, "memory-", NULL);
    expect("advise --streams 'a:16,ratio=1:8,cpu=1' --json", 0, "\"number\"", NULL);
}

static void wrong_usage_is_told(void **state)
{
    (void)state;
    expect("", 2, NULL, NULL);
    expect("fly", 2, NULL, "unknown verb");
    expect("show --colour", 2, NULL, "unknown option --colour");
    expect("show --machine", 2, NULL, "value is missing");
    expect("plan", 1, NULL, "--streams");
    expect("plan --streams a:2 --demand x.json", 1, NULL, "not both");
    expect("plan --demand /does/not/exist.json", 1, NULL, "/does/not/exist.json");
    expect("plan --streams a:2 --machine builtin:nothing", 1, NULL, "no shipped machine");
    expect("plan --streams a:2 --limit-memory lots", 1, NULL, "--limit-memory");
    expect("plan --streams a:2 --cpuset 99999", 1, NULL, "does not have");
    expect("export --streams a:2 --export latex", 2, NULL, "--export must be");
    expect("diff one.json", 2, NULL, "two plan files");
    expect("verify /does/not/exist.json", 1, NULL, "cannot read");
    expect("advise --from-stats x.json", 2, NULL, "belong together");
    expect("explain --machine builtin:one-pu --streams a:2 --partition b", 1, NULL,
           "no such stream");
    expect("show --svg /does/not/exist/x.svg", 1, NULL, "cannot write");
}

static void save(const char *path, const char *words)
{
    struct output o = run(words);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(o.status, 0);
    fputs(o.out, f);
    fclose(f);
    free(o.out);
    free(o.err);
}

/* What `weir run --stats` writes is a list with an entry for each statement. */
static void advice_from_a_measured_run(void **state)
{
    (void)state;
    static const char stats[] =
        "[{\"rows_in\": 0, \"peak_bytes\": 0, \"stages\": []}, {\"rows_in\": 1000000, "
        "\"peak_bytes\": "
        "7000000000, \"stages\": [{\"backends\": [{\"busy_ms\": 350.0}]}]}]";
    char path[] = "/tmp/weir-cli-s-XXXXXX", words[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, stats, strlen(stats)), (ssize_t)strlen(stats));
    close(fd);
    snprintf(words, sizeof words, "advise --from-stats %s --rate 10000000", path);
    expect(words, 0, "measured: --streams 'job2:6,cpu=584m,memory=1166666667'", NULL);
    snprintf(words, sizeof words, "advise --from-stats %s --rate 1e20", path);
    expect(words, 1, NULL, "rate");
    unlink(path);
}

static void plans_as_files(void **state)
{
    (void)state;
    char a[] = "/tmp/weir-cli-a-XXXXXX", b[] = "/tmp/weir-cli-b-XXXXXX", words[400];
    close(mkstemp(a));
    close(mkstemp(b));
    save(a, "plan --machine builtin:uneven-2 --streams 'x:6,ratio=1:2;y:2,mode=exclusive' --json");
    snprintf(words, sizeof words,
             "plan --machine builtin:uneven-2 --streams 'x:7,ratio=1:2;y:2,mode=exclusive' "
             "--current %s --json",
             a);
    save(b, words);
    snprintf(words, sizeof words, "diff --machine builtin:uneven-2 %s %s", a, b);
    expect(words, 0, "x[6]: new", NULL);
    snprintf(words, sizeof words, "diff --machine builtin:uneven-2 %s %s --json", a, a);
    expect(words, 0, "\"partitions\": []", NULL);
    snprintf(words, sizeof words, "verify --machine builtin:uneven-2 %s", a);
    expect(words, 0, "valid", NULL);
    snprintf(words, sizeof words, "verify --machine builtin:uneven-4 %s", a);
    expect(words, 1, NULL, "fingerprint");
    snprintf(words, sizeof words, "apply --machine builtin:uneven-2 %s --partition x -- true", a);
    expect(words, 1, NULL, "not for the one we run on");
    unlink(a);
    unlink(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_work), cmocka_unit_test(wrong_usage_is_told),
        cmocka_unit_test(advice_from_a_measured_run), cmocka_unit_test(plans_as_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
