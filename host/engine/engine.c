/* The engine: its options, devices and slots. Both are opened when a statement first needs them: a
   session that only reads the catalog starts no thread, and a job too small for any device never
   loads an OpenCL driver. */
#include "host/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/engine/slots.h"

/* Expected native seconds below which no OpenCL driver is loaded. */
#define WORTH_OPENING_SECONDS 1.0

static int check_device(const char *device, struct weir_error *err)
{
    if (!strcmp(device, "auto") || !strcmp(device, "native") || !strcmp(device, "opencl"))
        return WEIR_OK;
    if (!strncmp(device, "opencl:", 7) && device[7] &&
        strspn(device + 7, "0123456789") == strlen(device + 7) && strlen(device) < 12)
        return WEIR_OK;
    return weir_fail(err, WEIR_ERR_INVALID,
                     "device '%.40s' is not known; use auto, native, opencl or opencl:N (weir "
                     "devices lists them)",
                     device);
}

int weir_engine_new(const struct weir_engine_options *options, struct weir_engine **out,
                    struct weir_error *err)
{
    static const struct weir_engine_options none;
    if (!options) options = &none;
    const char *device = options->device ? options->device : "auto";
    int rc = check_device(device, err);
    if (rc) return rc;
    if (options->partitions < 0 || options->partitions > 4096)
        return weir_fail(err, WEIR_ERR_INVALID,
                         "%d partitions: use 1 to 4096, or 0 for one each PU", options->partitions);
    struct weir_engine *e = weir_calloc(1, sizeof *e);
    if (!e) return weir_fail_nomem(err, sizeof *e, "opening the engine");
    e->options = *options;
    snprintf(e->device, sizeof e->device, "%s", device);
    e->options.device = e->device;
    weir_catalog_init(&e->catalog);
    pthread_mutex_init(&e->mutex, NULL);
    *out = e;
    return WEIR_OK;
}

void weir_engine_free(struct weir_engine *e)
{
    if (!e) return;
    weir_catalog_release(&e->catalog);
    weir_slots_free(e->slots);
    weir_devices_free(e->devices);
    weir_buf_release(&e->stats);
    weir_buf_release(&e->report);
    pthread_mutex_destroy(&e->mutex);
    weir_free(e);
}

double weir_engine_progress(struct weir_engine *e)
{
    uint64_t total = 0, done = 0;
    pthread_mutex_lock(&e->mutex);
    for (int i = 0; e->running && i < e->running->n_sources; i++) {
        const struct weir_source *s = e->running->source[i];
        if (!s->ops->bytes_read || !s->est_bytes) continue;
        total += s->est_bytes;
        done += s->ops->bytes_read(s);
    }
    pthread_mutex_unlock(&e->mutex);
    return total ? (double)done / (double)total : -1;
}

/* ---- settings ---- */

static const char *const settings[] = {"weir.device", "weir.partitions", "weir.batch-rows", NULL};

static int check_number(const char *key, const char *value, long max, struct weir_error *err)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (*value && !*end && n >= 0 && n <= max) return WEIR_OK;
    return weir_fail(err, WEIR_ERR_BIND, "'%s' = '%.60s': a number from 0 to %ld is expected", key,
                     value, max);
}

int engine_check_setting(void *ctx, const char *key, const char *value, struct weir_error *err)
{
    (void)ctx;
    if (strncmp(key, "weir.", 5))
        return WEIR_OK; /* Flink's own options: kept, shown, without effect here */
    for (int i = 0; settings[i]; i++) {
        if (strcmp(key, settings[i])) continue;
        if (!value) return WEIR_OK;
        if (i == 0) return check_device(value, err);
        return check_number(key, value, i == 1 ? 4096 : 1 << 24, err);
    }
    return weir_fail(
        err, WEIR_ERR_BIND,
        "'%.60s' is not an option of Weir; known: weir.device, weir.partitions, weir.batch-rows",
        key);
}

/* ---- devices ---- */

int weir_engine_devices(struct weir_engine *e, struct weir_devices **out, struct weir_error *err)
{
    int rc = WEIR_OK;
    if (!e->devices) rc = weir_devices_open(&e->devices, e->no_devices, sizeof e->no_devices, err);
    *out = e->devices;
    return rc;
}

static int forced_backend(struct weir_engine *e, const char *device, struct weir_backend **backend,
                          struct weir_error *err)
{
    struct weir_devices *all = NULL;
    int rc = weir_engine_devices(e, &all, err);
    if (rc) return rc;
    int n = weir_devices_count(all), want = device[6] == ':' ? atoi(device + 7) : 0;
    if (n == 0)
        return weir_fail(err, WEIR_ERR_UNSUPPORTED, "--device %s: there is no OpenCL device: %s",
                         device, e->no_devices);
    if (want >= n)
        return weir_fail(
            err, WEIR_ERR_INVALID,
            "--device %s: there are only the devices 0 to %d (weir devices lists them)", device,
            n - 1);
    return weir_devices_backend(all, want, backend, err);
}

int engine_backends(struct weir_engine *e, double expected_seconds, struct weir_exec_options *o,
                    int max, struct weir_error *err)
{
    const char *set = weir_catalog_get(&e->catalog, "weir.device");
    const char *device = strcmp(e->device, "auto") || !set ? e->device : set;
    o->n_devices = 0;
    o->mode = WEIR_MODE_NATIVE;
    if (!strcmp(device, "native")) return WEIR_OK;
    if (strcmp(device, "auto")) {
        o->mode = WEIR_MODE_DEVICE;
        o->n_devices = 1;
        return forced_backend(e, device, o->device, err);
    }
    o->mode = WEIR_MODE_AUTO;
    o->no_device = e->stays_native;
    if (expected_seconds >= 0 && expected_seconds < WORTH_OPENING_SECONDS) {
        bool tiny = expected_seconds < 0.1;
        snprintf(e->stays_native, sizeof e->stays_native,
                 "a small job, %s %.1f s of work; devices are opened from %.0f s on",
                 tiny ? "under" : "about", tiny ? 0.1 : expected_seconds, WORTH_OPENING_SECONDS);
        return WEIR_OK;
    }
    struct weir_devices *all = NULL;
    int rc = weir_engine_devices(e, &all, err);
    /* Discrete devices first: they add compute, a CPU device shares the host's. */
    for (int pass = 0; !rc && pass < 2; pass++)
        for (int i = 0; !rc && i < weir_devices_count(all) && o->n_devices < max; i++) {
            bool cpu = weir_devices_info(all, i)->class_ == WEIR_DEVICE_CPU;
            if (cpu != (pass == 1)) continue;
            rc = weir_devices_backend(all, i, &o->device[o->n_devices], err);
            if (!rc) o->n_devices++;
        }
    snprintf(e->stays_native, sizeof e->stays_native, "no OpenCL device: %s", e->no_devices);
    if (o->n_devices) o->no_device = NULL;
    return rc;
}

/* ---- slots ---- */

int engine_slots(struct weir_engine *e, struct weir_slots **out, struct weir_error *err)
{
    const char *set = weir_catalog_get(&e->catalog, "weir.partitions");
    int want = e->options.partitions ? e->options.partitions : set ? atoi(set) : 0;
    if (e->slots && want && e->slots->n != want) {
        weir_slots_free(e->slots);
        e->slots = NULL;
    }
    int rc = WEIR_OK;
    if (!e->slots) rc = weir_slots_new(want, !e->options.no_bind, &e->slots, err);
    *out = e->slots;
    return rc;
}
