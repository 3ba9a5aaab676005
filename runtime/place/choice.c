/* The choice between native and a device, for one stage.

   A thread prepares the device (compiles, and checks its answer on one batch) when the work that is
   left pays for that, by the pace so far or, where that is not known, by the guess from the source's
   size; never in the first moments, so that a query that is soon done (LIMIT) does not wait for a
   compiler at its end. Then batches run in phases, a phase on one of the two: native, to be measured
   without the compiler beside it; a trial of the device; and after each phase the faster one, where
   nanoseconds per row are measured by the slots from the end of one batch to the end of the next,
   reading included. A device takes over only when it is 10 % faster and loses its place only when
   it is 10 % slower (hysteresis). The other one gets a trial now and then, so that a change of load
   is noticed: for a 32nd of the time while the two are within a factor of two, else ever more
   rarely. */
#include "runtime/place/choice.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/place/shadow.h"
#include "runtime/place/split.h"

/* Seconds of native work that is left from which on a compiler's two seconds can pay. */
#define WORTH_SECONDS_CPU 10.0
#define WORTH_SECONDS_GPU 1.0
#define FIRST_SECONDS     0.2
/* Length of phases, in batches of each slot. */
#define TRIAL_BATCHES  12
#define NATIVE_BATCHES 64 /* a native one, and a device's, whose batches are larger */
#define DEVICE_BATCHES 16
#define SAMPLES        63 /* measured batches that are remembered */
#define HOPELESS       10 /* times slower than native: a device's phase ends after */
#define HOPELESS_AFTER 3  /* so many such batches */
#define TRIAL_SHARE    32 /* a trial may cost such a part of the time, */
#define MAX_PATIENCE   64 /* or, of one that is far slower, so many times less */
#define MAX_FAILED     3  /* batches that a device may hand back before it is left alone */

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
    _Atomic bool started, ready, on_device, sampled;
    _Atomic int failed;
    pthread_mutex_t mutex; /* start, sample, quit, note, and the phases */
    pthread_cond_t changed;
    bool start, quit;
    struct weir_batch *sample;
    bool measured, tried; /* native, after the compiler had ended; the device for the first time */
    bool prefers_device;  /* who has the long phases */
    int64_t left;         /* batches of the phase that runs */
    double sample_ns[SAMPLES]; /* per row, the phase's last ones */
    uint64_t n_samples;
    int hopeless;              /* batches of the phase */
    double phase_ns;           /* what the phase has taken, */
    double trial_ns, since_ns; /* the last trial, and all phases since then */
    int patience;              /* doubles with each trial of one that is far slower */
    double ns[2];              /* per row: native, device; 0: not measured yet */
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

/* Wait until there is something to do, then for a sample; NULL when the stage ended first. */
static bool wait_for_start(struct weir_choice *c)
{
    pthread_mutex_lock(&c->mutex);
    while (!c->start && !c->quit) pthread_cond_wait(&c->changed, &c->mutex);
    bool go = !c->quit;
    pthread_mutex_unlock(&c->mutex);
    return go;
}

static struct weir_batch *take_sample(struct weir_choice *c)
{
    pthread_mutex_lock(&c->mutex);
    while (!c->sample && !c->quit) pthread_cond_wait(&c->changed, &c->mutex);
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
    if (!wait_for_start(c)) return NULL;
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
        note(c, "native until the device was measured: ", c->candidate->name);
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
    atomic_store(&c->on_device, true);
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

static double worth(const struct weir_backend *b)
{
    return b->shares_cpu ? WORTH_SECONDS_CPU : WORTH_SECONDS_GPU;
}

/* The first device that can do it and, if there is one, whose compiler pays from the start. */
struct weir_backend *weir_choice_candidate(const struct weir_choice_request *q, char *why,
                                           size_t size)
{
    char reason[160] = "";
    struct weir_backend *later = NULL;
    snprintf(why, size, "native: %s", q->no_device ? q->no_device : "there is no device");
    for (int i = 0; i < q->n_devices; i++) {
        struct weir_backend *b = q->device[i];
        if (!b->ops->supports(b, q->pipeline, reason, sizeof reason)) {
            if (!later) snprintf(why, size, "native: %.30s cannot: %.150s", b->name, reason);
        } else if (q->expected_seconds >= worth(b)) {
            snprintf(why, size, "native until %.30s is ready and measured to be faster", b->name);
            return b;
        } else if (!later) {
            later = b;
        }
    }
    if (later && q->expected_seconds >= 0)
        snprintf(why, size, "native: about %.1f s of work, compiling for %.30s pays from %.0f s on",
                 q->expected_seconds, later->name, worth(later));
    else if (later)
        snprintf(why, size, "native: %.30s is prepared when the job has run for %.0f s",
                 later->name, worth(later));
    return later;
}

static void start(struct weir_choice *c)
{
    pthread_mutex_lock(&c->mutex);
    if (!c->start)
        snprintf(c->note, sizeof c->note, "native: %.30s was not ready in time",
                 c->candidate->name);
    c->start = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    atomic_store(&c->started, true);
}

/* The thread is made here, where nobody is pinned to the CPUs of a slot. */
static void pick(struct weir_choice *c)
{
    c->candidate = weir_choice_candidate(&c->q, c->note, sizeof c->note);
    if (!c->candidate) return;
    c->has_thread = !pthread_create(&c->thread, NULL, prepare_main, c);
}

void weir_choice_progress(struct weir_choice *c, double elapsed_seconds, double done)
{
    if (!c->has_thread || atomic_load_explicit(&c->started, memory_order_relaxed)) return;
    double left = c->q.expected_seconds - elapsed_seconds;
    if (done > 0)
        left = elapsed_seconds * (1 - done) / done;
    else if (c->q.expected_seconds < 0)
        left = elapsed_seconds; /* of unknown length: taken to be in its middle */
    if (elapsed_seconds >= FIRST_SECONDS && left >= worth(c->candidate)) start(c);
}

int weir_choice_new(const struct weir_choice_request *request, struct weir_choice **out,
                    struct weir_error *err)
{
    struct weir_choice *c = weir_calloc(1, sizeof *c);
    if (!c) return weir_fail_nomem(err, sizeof *c, "choosing a backend");
    c->q = *request;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->changed, NULL);
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
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->mutex);
        pthread_join(c->thread, NULL);
    }
    if (c->device) c->backend->ops->release(c->device);
    if (c->native) weir_backend_native()->ops->release(c->native);
    weir_batch_unref(c->sample);
    if (c->handed_back) weir_backend_native()->ops->release(c->handed_back);
    parts_free(&c->parts);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
    weir_free(c);
}

void weir_choice_sample(struct weir_choice *c, struct weir_batch *batch)
{
    if (!atomic_load_explicit(&c->started, memory_order_relaxed)) return;
    if (atomic_load_explicit(&c->sampled, memory_order_relaxed)) return;
    pthread_mutex_lock(&c->mutex);
    if (!c->sample) c->sample = weir_batch_ref(batch);
    atomic_store(&c->sampled, true);
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

struct weir_prepared *weir_choice_device(struct weir_choice *c, struct weir_backend **backend)
{
    if (!atomic_load_explicit(&c->on_device, memory_order_relaxed)) return NULL;
    if (!atomic_load_explicit(&c->ready, memory_order_acquire)) return NULL;
    *backend = c->backend;
    return c->device;
}

struct weir_prepared *weir_choice_native(struct weir_choice *c)
{
    return c->native;
}

void weir_choice_note(struct weir_choice *c, char *buf, size_t size)
{
    pthread_mutex_lock(&c->mutex);
    snprintf(buf, size, "%s", c->note);
    pthread_mutex_unlock(&c->mutex);
}

/* ---- phases (under the mutex) ---- */

static void begin_phase(struct weir_choice *c, bool device, int batches)
{
    atomic_store(&c->on_device, device);
    c->left = (int64_t)batches * (c->q.n_slots > 0 ? c->q.n_slots : 1);
    c->n_samples = 0;
    c->hopeless = 0;
    c->phase_ns = 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The phase's mean without its longest eighth: a pause of the whole machine is no verdict. Not the
   median, because with batches in flight short times alternate with the wait for them. */
static void learn(struct weir_choice *c, bool device)
{
    size_t n = c->n_samples < SAMPLES ? (size_t)c->n_samples : SAMPLES, kept = n - n / 8;
    double sum = 0;
    qsort(c->sample_ns, n, sizeof *c->sample_ns, by_value);
    for (size_t i = 0; i < kept; i++) sum += c->sample_ns[i];
    c->ns[device] = sum / (double)kept;
}

/* The preferred one goes on, until its time since the last trial pays for another. */
static void go_on(struct weir_choice *c)
{
    if (c->since_ns >= TRIAL_SHARE * c->trial_ns * c->patience)
        begin_phase(c, !c->prefers_device, TRIAL_BATCHES);
    else
        begin_phase(c, c->prefers_device, c->prefers_device ? DEVICE_BATCHES : NATIVE_BATCHES);
}

/* A phase has been measured: who goes on? */
static void next_phase(struct weir_choice *c)
{
    bool trial = atomic_load(&c->on_device) != c->prefers_device;
    bool close = c->ns[0] < 2 * c->ns[1] && c->ns[1] < 2 * c->ns[0];
    if (!c->prefers_device && c->ns[1] < 0.9 * c->ns[0])
        c->prefers_device = true;
    else if (c->prefers_device && c->ns[1] > 1.1 * c->ns[0])
        c->prefers_device = false;
    snprintf(c->note, sizeof c->note, "%.30s: native %.2f ns/row, %.30s %.2f ns/row",
             c->prefers_device ? c->backend->name : "native", c->ns[0], c->backend->name, c->ns[1]);
    if (trial) {
        c->patience = close || !c->patience ? 1 : c->patience * 2;
        if (c->patience > MAX_PATIENCE) c->patience = MAX_PATIENCE;
        c->trial_ns = c->phase_ns;
        c->since_ns = 0;
    } else {
        c->since_ns += c->phase_ns;
    }
    go_on(c);
}

static void end_phase(struct weir_choice *c, bool device)
{
    learn(c, device);
    if (c->tried) {
        next_phase(c);
    } else {
        c->tried = true;
        begin_phase(c, true, TRIAL_BATCHES);
    }
}

void weir_choice_report(struct weir_choice *c, bool device, uint64_t rows, uint64_t ns,
                        bool settled)
{
    if (c->q.force || !c->has_thread || rows == 0) return;
    pthread_mutex_lock(&c->mutex);
    if (device == atomic_load(&c->on_device)) {
        double per_row = (double)ns / (double)rows;
        bool slow = device && c->ns[0] > 0 && per_row > HOPELESS * c->ns[0];
        c->hopeless += slow;
        if (settled || slow) c->sample_ns[c->n_samples++ % SAMPLES] = per_row;
        c->phase_ns += (double)ns;
        c->left--;
        if (atomic_load(&c->failed) > MAX_FAILED) {
            begin_phase(c, false, NATIVE_BATCHES);
        } else if (!c->measured) { /* the compiler took time from native until now */
            c->measured = atomic_load(&c->ready);
            if (c->measured) begin_phase(c, false, NATIVE_BATCHES);
        } else if (c->n_samples > 0 && (c->left <= 0 || c->hopeless >= HOPELESS_AFTER)) {
            end_phase(c, device);
        }
    }
    pthread_mutex_unlock(&c->mutex);
}

void weir_choice_failed(struct weir_choice *c)
{
    if (!c->q.force && atomic_fetch_add(&c->failed, 1) == MAX_FAILED)
        note(c, "native: batches were handed back by ", c->candidate->name);
}
