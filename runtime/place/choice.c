/* The choice between native and a device, for one stage.

   States: NATIVE only → PREPARING (a thread compiles) → READY. In READY both are measured in
   nanoseconds per row (moving averages, seeded by the trial batches), and the faster one gets the
   batches; every 64th batch goes to the other one as long as it is within a factor of two, so that
   a change of load is noticed. A device takes over only when it is 10 % faster and loses its place
   only when it is 10 % slower (hysteresis). */
#include "runtime/place/choice.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "runtime/place/shadow.h"
#include "runtime/place/split.h"

/* Expected native seconds from which on a compiler's two seconds can pay. */
#define WORTH_SECONDS_CPU 10.0
#define WORTH_SECONDS_GPU 1.0
#define TRIALS            3
#define EXPLORE_EVERY     64

/* A pipeline divided so that a device can do its share; members that are not needed are NULL. */
struct parts {
    struct weir_pipeline *pre, *rest;  /* functions, natively; the pipeline without them */
    struct weir_pipeline *head, *tail; /* up to the AGGREGATE; the aggregation, natively */
};

struct weir_choice {
    struct weir_choice_request q;
    struct weir_prepared *native;
    struct weir_prepared *device; /* written by the thread before ready is set */
    struct weir_backend *backend;
    struct weir_backend *candidate;
    _Atomic bool ready, using_device, sampled;
    pthread_mutex_t mutex; /* sample, averages, note */
    pthread_cond_t arrived;
    struct weir_batch *sample;
    bool quit;
    double ns[2]; /* per row: native, device */
    uint64_t batches[2];
    _Atomic uint64_t turn;
    char note[200];
    pthread_t thread;
    bool has_thread;
    struct parts parts;
    struct weir_prepared *handed_back; /* native, of parts.rest */
};

static void note(struct weir_choice *c, const char *text, const char *detail)
{
    pthread_mutex_lock(&c->mutex);
    snprintf(c->note, sizeof c->note, "%s%.140s", text, detail);
    pthread_mutex_unlock(&c->mutex);
}

/* Wait for a sample; NULL when the stage ended first. */
static struct weir_batch *take_sample(struct weir_choice *c)
{
    pthread_mutex_lock(&c->mutex);
    while (!c->sample && !c->quit) pthread_cond_wait(&c->arrived, &c->mutex);
    struct weir_batch *b = c->quit ? NULL : weir_batch_ref(c->sample);
    pthread_mutex_unlock(&c->mutex);
    return b;
}

static void *prepare_main(void *arg)
{
    struct weir_choice *c = arg;
    struct weir_error err = {0};
    char why[160] = "";
    struct weir_prepared *p = NULL;
    if (c->candidate->ops->prepare(c->candidate, c->q.pipeline, c->q.tables, &p, &err)) {
        note(c, "native: the device's compiler failed: ", err.message);
        return NULL;
    }
    struct weir_batch *sample = take_sample(c);
    int same = sample ? weir_shadow_check(c->q.pipeline, c->native, c->candidate, p, sample,
                                          c->q.now_us, why, sizeof why, &err)
                      : 0;
    weir_batch_unref(sample);
    if (same == 1) {
        c->backend = c->candidate;
        c->device = p;
        note(c, "native and ", c->candidate->name);
        atomic_store_explicit(&c->ready, true, memory_order_release);
        return NULL;
    }
    if (sample)
        note(c,
             "native: the device's answer on a sample was refused: ", same < 0 ? err.message : why);
    c->candidate->ops->release(p);
    return NULL;
}

static void parts_free(struct parts *x)
{
    weir_free(x->pre);
    weir_free(x->rest);
    weir_free(x->head);
    weir_free(x->tail);
    memset(x, 0, sizeof *x);
}

/* Divide P until B supports what is left for it: that pipeline, or NULL with the reason in WHY. */
static const struct weir_pipeline *divide(struct weir_backend *b, const struct weir_pipeline *p,
                                          struct parts *x, char *why, size_t why_size)
{
    const char *functions = "";
    char refusal[160] = "";
    memset(x, 0, sizeof *x);
    why[0] = 0;
    if (b->ops->supports(b, p, refusal, sizeof refusal)) return p;
    if (weir_split_functions(p, &x->pre, &x->rest, NULL) == 1) {
        functions = "functions without a kernel run natively first";
        snprintf(why, why_size, "%s", functions);
        p = x->rest;
        if (b->ops->supports(b, p, refusal, sizeof refusal)) return p;
    }
    if (weir_pipe_last(p)->kind == WEIR_STEP_AGGREGATE &&
        !weir_split_aggregate(p, &x->head, &x->tail, NULL)) {
        snprintf(why, why_size, "%s%s%.90s", functions, functions[0] ? "; " : "", refusal);
        if (b->ops->supports(b, x->head, refusal, sizeof refusal)) return x->head;
    }
    snprintf(why, why_size, "%s", refusal);
    parts_free(x);
    return NULL;
}

int weir_choice_supports(struct weir_backend *b, const struct weir_pipeline *p, char *why,
                         size_t why_size)
{
    struct parts x;
    bool can = divide(b, p, &x, why, why_size) != NULL;
    parts_free(&x);
    return can;
}

static int force(struct weir_choice *c, struct weir_error *err)
{
    char why[160] = "";
    struct weir_backend *b = c->q.device[0], *native = weir_backend_native();
    const struct weir_pipeline *p = divide(b, c->q.pipeline, &c->parts, why, sizeof why);
    if (!p)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED,
                         "--device %s cannot run this query: %s; use --device auto or native",
                         b->name, why);
    int rc = b->ops->prepare(b, p, c->q.tables, &c->device, err);
    c->backend = b;
    if (!rc && c->parts.rest)
        rc = native->ops->prepare(native, c->parts.rest, c->q.tables, &c->handed_back, err);
    if (rc) return rc;
    atomic_store(&c->using_device, true);
    atomic_store(&c->ready, true);
    snprintf(c->note, sizeof c->note, "%.30s: asked for%s%.130s", b->name, why[0] ? "; " : "", why);
    return WEIR_OK;
}

const struct weir_pipeline *weir_choice_pre(const struct weir_choice *c)
{
    return c->parts.pre;
}
const struct weir_pipeline *weir_choice_tail(const struct weir_choice *c)
{
    return c->parts.tail;
}

struct weir_prepared *weir_choice_handed_back(struct weir_choice *c)
{
    return c->handed_back ? c->handed_back : c->native;
}

/* The first device that can do it and whose compiler pays. */
struct weir_backend *weir_choice_candidate(const struct weir_choice_request *q, char *why,
                                           size_t size)
{
    char reason[160] = "";
    snprintf(why, size, "native: %s", q->no_device ? q->no_device : "there is no device");
    for (int i = 0; i < q->n_devices; i++) {
        struct weir_backend *b = q->device[i];
        double worth = b->shares_cpu ? WORTH_SECONDS_CPU : WORTH_SECONDS_GPU;
        if (!b->ops->supports(b, q->pipeline, reason, sizeof reason)) {
            snprintf(why, size, "native: %.30s cannot: %.150s", b->name, reason);
            continue;
        }
        if (q->expected_seconds >= 0 && q->expected_seconds < worth) {
            snprintf(why, size,
                     "native: about %.1f s of work, compiling for %.30s pays from %.0f s on",
                     q->expected_seconds, b->name, worth);
            continue;
        }
        snprintf(why, size, "native until %.30s is ready and measured to be faster", b->name);
        return b;
    }
    return NULL;
}

static void pick(struct weir_choice *c)
{
    c->candidate = weir_choice_candidate(&c->q, c->note, sizeof c->note);
    if (!c->candidate) return;
    snprintf(c->note, sizeof c->note, "native: %.30s was not ready in time", c->candidate->name);
    c->has_thread = !pthread_create(&c->thread, NULL, prepare_main, c);
}

int weir_choice_new(const struct weir_choice_request *request, struct weir_choice **out,
                    struct weir_error *err)
{
    struct weir_choice *c = weir_calloc(1, sizeof *c);
    if (!c) return weir_fail_nomem(err, sizeof *c, "choosing a backend");
    c->q = *request;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->arrived, NULL);
    struct weir_backend *native = weir_backend_native();
    int rc = native->ops->prepare(native, request->pipeline, request->tables, &c->native, err);
    if (!rc && request->force)
        rc = force(c, err);
    else if (!rc)
        pick(c);
    if (rc) {
        weir_choice_free(c);
        return rc;
    }
    *out = c;
    return WEIR_OK;
}

void weir_choice_free(struct weir_choice *c)
{
    if (!c) return;
    if (c->has_thread) {
        pthread_mutex_lock(&c->mutex);
        c->quit = true;
        pthread_cond_signal(&c->arrived);
        pthread_mutex_unlock(&c->mutex);
        pthread_join(c->thread, NULL);
    }
    if (c->device) c->backend->ops->release(c->device);
    if (c->native) weir_backend_native()->ops->release(c->native);
    weir_batch_unref(c->sample);
    if (c->handed_back) weir_backend_native()->ops->release(c->handed_back);
    parts_free(&c->parts);
    pthread_cond_destroy(&c->arrived);
    pthread_mutex_destroy(&c->mutex);
    weir_free(c);
}

void weir_choice_sample(struct weir_choice *c, struct weir_batch *batch)
{
    if (!c->has_thread || atomic_load_explicit(&c->sampled, memory_order_relaxed)) return;
    pthread_mutex_lock(&c->mutex);
    if (!c->sample) c->sample = weir_batch_ref(batch);
    atomic_store(&c->sampled, true);
    pthread_cond_signal(&c->arrived);
    pthread_mutex_unlock(&c->mutex);
}

struct weir_prepared *weir_choice_device(struct weir_choice *c, struct weir_backend **backend)
{
    if (!atomic_load_explicit(&c->ready, memory_order_acquire)) return NULL;
    *backend = c->backend;
    if (c->q.force) return c->device;
    uint64_t turn = atomic_fetch_add_explicit(&c->turn, 1, memory_order_relaxed);
    bool device = atomic_load_explicit(&c->using_device, memory_order_relaxed);
    if (turn < TRIALS) return c->device;
    if (turn % EXPLORE_EVERY == 0) {
        pthread_mutex_lock(&c->mutex);
        bool close = c->ns[0] < 2 * c->ns[1] && c->ns[1] < 2 * c->ns[0];
        pthread_mutex_unlock(&c->mutex);
        if (close) device = !device;
    }
    return device ? c->device : NULL;
}

struct weir_prepared *weir_choice_native(struct weir_choice *c)
{
    return c->native;
}

const char *weir_choice_note(const struct weir_choice *c)
{
    return c->note;
}

void weir_choice_report(struct weir_choice *c, bool device, uint64_t rows, uint64_t ns)
{
    if (c->q.force || !c->has_thread || rows == 0) return;
    pthread_mutex_lock(&c->mutex);
    double per_row = (double)ns / (double)rows;
    c->ns[device] = c->batches[device]++ ? c->ns[device] * 0.8 + per_row * 0.2 : per_row;
    if (c->batches[1] >= TRIALS && c->batches[0]) {
        bool now = atomic_load(&c->using_device);
        if (!now && c->ns[1] < 0.9 * c->ns[0]) atomic_store(&c->using_device, true);
        if (now && c->ns[1] > 1.1 * c->ns[0]) atomic_store(&c->using_device, false);
        snprintf(c->note, sizeof c->note, "%s: native %.2f ns/row, %.30s %.2f ns/row",
                 atomic_load(&c->using_device) ? c->backend->name : "native", c->ns[0],
                 c->backend->name, c->ns[1]);
    }
    pthread_mutex_unlock(&c->mutex);
}
