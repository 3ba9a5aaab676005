/* The engine: its options, devices and slots. Both are opened when a statement first needs them: a
   session that only reads the catalog starts no thread, and a job too small for any device never
   loads an OpenCL driver. */
#include "host/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/engine/settings.h"
#include "host/engine/slots.h"

/* Expected native seconds below which no OpenCL driver is loaded. */
#define WORTH_OPENING_SECONDS 1.0

/* Keep an option that is a setting: checked, copied. */
static int keep_option(const char *key, const char *value, char *copy, size_t size,
                       const char **kept, struct weir_error *err)
{
    *kept = NULL;
    if (!value) return WEIR_OK;
    if (engine_check_setting(NULL, key, value, err)) {
        if (err) err->code = WEIR_ERR_INVALID; /* there is no SQL to be wrong */
        return WEIR_ERR_INVALID;
    }
    snprintf(copy, size, "%s", value);
    *kept = copy;
    return WEIR_OK;
}

int weir_engine_new(const struct weir_engine_options *options, struct weir_engine **out,
                    struct weir_error *err)
{
    static const struct weir_engine_options none;
    if (!options) options = &none;
    const char *device = options->device ? options->device : "auto";
    int rc = engine_check_device(device, err);
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
    struct weir_engine_options *o = &e->options;
    rc = keep_option("weir.partition.ratio", options->ratio, e->ratio, sizeof e->ratio, &o->ratio,
                     err);
    if (!rc) rc = keep_option("weir.mode", options->mode, e->mode, sizeof e->mode, &o->mode, err);
    if (!rc)
        rc = keep_option("weir.exclusive.scope", options->scope, e->scope, sizeof e->scope,
                         &o->scope, err);
    if (rc)
        weir_engine_free(e);
    else
        *out = e;
    return rc;
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

/* ---- devices ---- */

int weir_engine_devices(struct weir_engine *e, struct weir_devices **out, struct weir_error *err)
{
    int rc = WEIR_OK;
    if (!e->devices) rc = weir_devices_open(&e->devices, e->no_devices, sizeof e->no_devices, err);
    *out = e->devices;
    return rc;
}

/* The devices, those on the host's cores placed where SLOTS are. */
static int placed_devices(struct weir_engine *e, struct weir_slots *slots,
                          struct weir_devices **out, struct weir_error *err)
{
    int rc = weir_engine_devices(e, out, err);
    return rc || !slots->workers || !slots->bound ? rc : weir_slots_place(slots, *out, err);
}

static int forced_backend(struct weir_engine *e, const char *device, struct weir_slots *slots,
                          struct weir_backend **backend, struct weir_error *err)
{
    struct weir_devices *all = NULL;
    int rc = placed_devices(e, slots, &all, err);
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
    rc = weir_slots_device(slots, weir_devices_info(all, want), want, err);
    return rc ? rc : weir_devices_backend(all, want, backend, err);
}

int engine_backends(struct weir_engine *e, const char *device, double expected_seconds,
                    struct weir_slots *slots, struct weir_exec_stream *st, int max,
                    struct weir_error *err)
{
    const char *set = weir_catalog_get(&e->catalog, "weir.device");
    if (!device[0]) device = set ? set : "auto";
    if (strcmp(e->device, "auto")) device = e->device;
    st->n_devices = 0;
    st->mode = WEIR_MODE_NATIVE;
    st->no_device[0] = 0;
    if (!strcmp(device, "native")) return WEIR_OK;
    if (strcmp(device, "auto")) {
        st->mode = WEIR_MODE_DEVICE;
        st->n_devices = 1;
        return forced_backend(e, device, slots, st->device, err);
    }
    st->mode = WEIR_MODE_AUTO;
    if (expected_seconds >= 0 && expected_seconds < WORTH_OPENING_SECONDS) {
        bool tiny = expected_seconds < 0.1;
        snprintf(st->no_device, sizeof st->no_device,
                 "a small job, %s %.1f s of work; devices are opened from %.0f s on",
                 tiny ? "under" : "about", tiny ? 0.1 : expected_seconds, WORTH_OPENING_SECONDS);
        return WEIR_OK;
    }
    struct weir_devices *all = NULL;
    int rc = placed_devices(e, slots, &all, err);
    /* Discrete devices first: they add compute, a CPU device shares the host's. */
    for (int pass = 0; !rc && pass < 2; pass++)
        for (int i = 0; !rc && i < weir_devices_count(all) && st->n_devices < max; i++) {
            bool cpu = weir_devices_info(all, i)->class_ == WEIR_DEVICE_CPU;
            if (cpu != (pass == 1)) continue;
            struct weir_error busy = {0};
            rc = weir_slots_device(slots, weir_devices_info(all, i), i, &busy);
            if (rc == WEIR_ERR_BUSY) {
                snprintf(st->no_device, sizeof st->no_device, "%.300s", busy.message);
                rc = WEIR_OK;
                continue;
            }
            if (rc && err) *err = busy;
            if (rc) break;
            rc = weir_devices_backend(all, i, &st->device[st->n_devices], err);
            if (!rc) st->n_devices++;
        }
    if (st->n_devices)
        st->no_device[0] = 0;
    else if (!st->no_device[0])
        snprintf(st->no_device, sizeof st->no_device, "no OpenCL device: %s", e->no_devices);
    return rc;
}
