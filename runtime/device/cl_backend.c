/* A device as a backend: what it supports, programs built once, a pipeline made ready (constants
 * and build tables in buffers). */
#ifdef WEIR_OPENCL
#include "runtime/device/cl_backend.h"

#include <stdio.h>
#include <string.h>

#include "runtime/device/cl_error.h"

#define TIMEOUT_MS 60000u
#ifdef WEIR_TEST_HASH_ZERO
#define BUILD_OPTIONS "-cl-std=CL1.2 -w -DWEIR_TEST_HASH_ZERO"
#else
#define BUILD_OPTIONS "-cl-std=CL1.2 -w"
#endif
#define NO_HEADER " -D_OPENCL_H_" /* clang's opencl-c.h is taken for included already */

struct cl_program_entry {
    struct cl_program_entry *next;
    char *source;
    cl_program program;
};

/* ---- programs ---- */

/* The first error of the compiler's log, or its beginning. */
static void build_log(struct cl_backend *b, cl_program p, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    if (clGetProgramBuildInfo(p, b->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &n) || !n) return;
    char *log = weir_calloc(1, n + 1);
    if (log && !clGetProgramBuildInfo(p, b->device, CL_PROGRAM_BUILD_LOG, n, log, NULL)) {
        const char *error = strstr(log, "error:");
        snprintf(out, size, "%.*s", (int)size - 1, error ? error : log);
    }
    weir_free(log);
}

/* CL_SUCCESS and a program; *OUT is NULL when not even that could be made. */
static cl_int build_once(struct cl_backend *b, const char *source, bool declares, cl_program *out)
{
    cl_int rc;
    const char *text[3] = {declares ? weir_kernel_builtins : "", gen_prelude(b->info->class_),
                           source};
    *out = clCreateProgramWithSource(b->context, 3, text, NULL, &rc);
    if (rc) *out = NULL;
    return rc ? rc
              : clBuildProgram(*out, 1, &b->device,
                               declares ? BUILD_OPTIONS NO_HEADER : BUILD_OPTIONS, NULL, NULL);
}

static int build(struct cl_backend *b, const char *source, cl_program *out, struct weir_error *err)
{
    cl_program p;
    cl_int rc = build_once(b, source, b->declares, &p);
    if (rc == CL_BUILD_PROGRAM_FAILURE && p && b->declares) { /* another version of pocl? */
        clReleaseProgram(p);
        rc = build_once(b, source, false, &p);
        b->declares = rc != CL_SUCCESS;
    }
    if (rc && !p) return weir_cl_fail(err, rc, "creating a program");
    if (rc) {
        char log[240];
        build_log(b, p, log, sizeof log);
        clReleaseProgram(p);
        weir_cl_fail(err, rc, "building a kernel");
        return weir_fail(err, WEIR_ERR_DEVICE, "%s: the kernel does not build (%s): %s",
                         b->base.name, weir_cl_name(rc), log);
    }
    *out = p;
    return WEIR_OK;
}

/* One build for many waiters: the lock is held while it runs, a compiler uses all it can get
 * anyway. */
int cl_program_get(struct cl_backend *b, const char *source, cl_program *out,
                   struct weir_error *err)
{
    int rc = WEIR_OK;
    pthread_mutex_lock(&b->mutex);
    struct cl_program_entry *e = b->programs;
    while (e && strcmp(e->source, source)) e = e->next;
    if (!e) {
        e = weir_calloc(1, sizeof *e);
        if (e) e->source = weir_strdup(source);
        rc = e && e->source ? build(b, source, &e->program, err)
                            : weir_fail_nomem(err, strlen(source), "keeping a program");
        if (rc) {
            if (e) weir_free(e->source);
            weir_free(e);
        } else {
            e->next = b->programs;
            b->programs = e;
        }
    }
    if (!rc) {
        clRetainProgram(e->program);
        *out = e->program;
    }
    pthread_mutex_unlock(&b->mutex);
    return rc;
}

void cl_programs_free(struct cl_backend *b)
{
    while (b->programs) {
        struct cl_program_entry *e = b->programs;
        b->programs = e->next;
        clReleaseProgram(e->program);
        weir_free(e->source);
        weir_free(e);
    }
}

/* ---- making a pipeline ready ---- */

static int supports(const struct weir_backend *base, const struct weir_pipeline *p, char *why,
                    size_t why_size)
{
    const struct cl_backend *b = (const struct cl_backend *)base;
    struct gen_kernel k;
    if (atomic_load(&b->lost)) {
        snprintf(why, why_size, "the device was lost");
        return 0;
    }
    if (!b->info->compiler || !b->info->fp64) {
        snprintf(why, why_size, "the device has no %s",
                 b->info->compiler ? "64-bit floating point" : "compiler");
        return 0;
    }
    const struct weir_step *last = weir_pipe_last(p);
    if (b->info->class_ == WEIR_DEVICE_GPU && last->kind == WEIR_STEP_AGGREGATE && last->n &&
        !b->info->int64_atomics) {
        snprintf(why, why_size, "grouping needs 64-bit atomics, which the device has not");
        return 0;
    }
    int rc = gen_make(p, NULL, b->info->class_, &k, why, why_size, NULL);
    if (rc < 0) snprintf(why, why_size, "out of memory");
    if (rc == 0) gen_free(&k);
    return rc == 0;
}

cl_mem cl_buffer_of(struct cl_backend *b, const void *data, size_t size, size_t align, cl_int *rc)
{
    static const uint64_t none;
    if (!size || !data)
        return clCreateBuffer(b->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof none,
                              (void *)(uintptr_t)&none, rc);
    bool in_place = b->info->unified && (uintptr_t)data % align == 0;
    cl_mem_flags how = in_place ? CL_MEM_USE_HOST_PTR : CL_MEM_COPY_HOST_PTR;
    return clCreateBuffer(b->context, CL_MEM_READ_ONLY | how, size, (void *)(uintptr_t)data, rc);
}

static cl_mem table_buffer(struct weir_prepared *q, const struct gen_arg *a, cl_int *rc)
{
    const struct weir_join_table *t = q->tables[a->a];
    const struct weir_column *c = a->b < t->payload->n_cols ? &t->payload->col[a->b] : NULL;
    size_t n = t->payload->n_rows;
    switch (a->kind) {
    case GEN_TAB_OFFSET:
        return cl_buffer_of(q->b, t->offset, (t->n_ids + 1) * sizeof *t->offset, 4, rc);
    case GEN_TAB_SLOT:
        return cl_buffer_of(q->b, t->slot, t->slot ? (t->mask + 1) * sizeof *t->slot : 0, 8, rc);
    case GEN_TAB_WORDS:
        return cl_buffer_of(q->b, t->key_word, (size_t)t->n_ids * t->key_words * 8, 8, rc);
    case GEN_TAB_INFO: return cl_buffer_of(q->b, q->info[a->a], sizeof q->info[0], 8, rc);
    case GEN_TAB_VALID:
        return c->validity ? cl_buffer_of(q->b, c->validity, (n + 7) / 8, 1, rc) : NULL;
    case GEN_TAB_BYTES:
        return cl_buffer_of(q->b, c->data, n ? (size_t)((const int32_t *)c->values)[n] : 0, 1, rc);
    default: {
        enum weir_phys p = weir_type_phys(c->type);
        size_t bytes = p == WEIR_PHYS_STR    ? (n + 1) * 4
                       : p == WEIR_PHYS_BOOL ? (n + 7) / 8
                                             : n * weir_phys_size(p);
        return cl_buffer_of(q->b, c->values, n ? bytes : 0, 8, rc);
    }
    }
}

static int make_buffers(struct weir_prepared *q, struct weir_error *err)
{
    cl_int rc = 0;
    for (uint32_t t = 0; t < q->p->n_tables; t++) {
        const struct weir_join_table *x = q->tables[t];
        q->info[t][0] =
            q->p && weir_pipe_table(q->p)[t].n_keys == 0 ? x->payload->n_rows : (uint64_t)x->min;
        q->info[t][1] = x->mask;
        q->info[t][2] = x->n_ids;
        q->info[t][3] = (x->has_null_key ? 1u : 0u) | (x->empty ? 2u : 0u);
    }
    q->consts = cl_buffer_of(q->b, q->k.const_word, q->k.n_const_words * 8u, 8, &rc);
    if (!rc) q->const_bytes = cl_buffer_of(q->b, weir_pipe_bytes(q->p), q->p->n_bytes, 1, &rc);
    for (int i = 0; !rc && i < q->k.n_args; i++)
        if (q->k.arg[i].kind >= GEN_TAB_VALUES && q->k.arg[i].kind <= GEN_TAB_INFO)
            q->table[i] = table_buffer(q, &q->k.arg[i], &rc);
    return rc ? weir_cl_fail(err, rc, "placing build tables on the device") : WEIR_OK;
}

static void release(struct weir_prepared *q)
{
    for (int i = 0; q->table && i < q->k.n_args; i++)
        if (q->table[i]) clReleaseMemObject(q->table[i]);
    if (q->consts) clReleaseMemObject(q->consts);
    if (q->const_bytes) clReleaseMemObject(q->const_bytes);
    if (q->program) clReleaseProgram(q->program);
    weir_free(q->table);
    weir_free(q->info);
    gen_free(&q->k);
    weir_free(q);
}

static int prepare(struct weir_backend *base, const struct weir_pipeline *p,
                   const struct weir_join_table *const *tables, struct weir_prepared **out,
                   struct weir_error *err)
{
    char why[160] = "";
    struct weir_prepared *q = weir_calloc(1, sizeof *q);
    if (!q) return weir_fail_nomem(err, sizeof *q, "preparing a kernel");
    q->b = (struct cl_backend *)base;
    q->p = p;
    q->tables = tables;
    int rc = gen_make(p, tables, q->b->info->class_, &q->k, why, sizeof why, err);
    if (rc == 1) rc = weir_fail(err, WEIR_ERR_UNSUPPORTED, "%s: %s", base->name, why);
    if (!rc) {
        q->table = weir_calloc((size_t)q->k.n_args + 1, sizeof(cl_mem));
        q->info = weir_calloc(p->n_tables + 1, sizeof *q->info);
        if (!q->table || !q->info) rc = weir_fail_nomem(err, 0, "preparing a kernel");
    }
    if (!rc) rc = cl_program_get(q->b, q->k.source.data, &q->program, err);
    if (!rc) rc = make_buffers(q, err);
    if (rc) {
        release(q);
        return rc;
    }
    *out = q;
    return WEIR_OK;
}

static void free_backend(struct weir_backend *base)
{
    struct cl_backend *b = (struct cl_backend *)base;
    cl_programs_free(b);
    if (b->context) clReleaseContext(b->context);
    pthread_mutex_destroy(&b->mutex);
    weir_free(b);
}

static const struct weir_backend_ops cl_ops = {
    .kind = WEIR_BACKEND_OPENCL,
    .supports = supports,
    .prepare = prepare,
    .release = release,
    .open = cl_run_open,
    .submit = cl_run_submit,
    .finish = cl_run_finish,
    .stats = cl_run_stats,
    .close = cl_run_close,
    .free = free_backend,
};

int weir_cl_backend_new(cl_device_id id, const struct weir_device_info *info, int number,
                        struct weir_backend **out, struct weir_error *err)
{
    cl_int rc;
    struct cl_backend *b = weir_calloc(1, sizeof *b);
    if (!b) return weir_fail_nomem(err, sizeof *b, "opening a device");
    pthread_mutex_init(&b->mutex, NULL);
    b->device = id;
    b->info = info;
    b->timeout_ms = TIMEOUT_MS;
    b->declares = strstr(info->platform, "Portable Computing Language") != NULL;
    snprintf(b->name, sizeof b->name, "opencl:%d", number);
    snprintf(b->what, sizeof b->what, "%.90s (%.50s)", info->name, info->platform);
    b->base = (struct weir_backend){.ops = &cl_ops,
                                    .name = b->name,
                                    .device = b->what,
                                    .batch_rows = 1u << 19,
                                    .shares_cpu = info->class_ == WEIR_DEVICE_CPU};
    b->context = clCreateContext(NULL, 1, &id, NULL, NULL, &rc);
    if (rc) {
        b->context = NULL;
        free_backend(&b->base);
        return weir_cl_fail(err, rc, "opening the device's context");
    }
    *out = &b->base;
    return WEIR_OK;
}

int weir_device_source(const struct weir_pipeline *p, enum weir_device_class c,
                       struct weir_buf *out, struct weir_error *err)
{
    struct gen_kernel k;
    char why[160] = "";
    int rc = gen_make(p, NULL, c, &k, why, sizeof why, err);
    if (rc) return rc < 0 ? rc : weir_fail(err, WEIR_ERR_UNSUPPORTED, "%s", why);
    weir_buf_puts(out, gen_prelude(c));
    weir_buf_add(out, k.source.data, k.source.len);
    gen_free(&k);
    return WEIR_OK;
}
#endif
