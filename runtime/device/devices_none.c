/* A build without OpenCL: the list of devices is empty and says so. */
#ifndef WEIR_OPENCL
#include <stdio.h>

#include "runtime/device/device.h"

struct weir_devices {
    char none;
};

int weir_devices_open(struct weir_devices **out, char *why_none, size_t why_size,
                      struct weir_error *err)
{
    static struct weir_devices none;
    (void)err;
    if (why_none)
        snprintf(why_none, why_size, "this Weir was built without OpenCL (WEIR_OPENCL=OFF)");
    *out = &none;
    return WEIR_OK;
}

void weir_devices_free(struct weir_devices *d)
{
    (void)d;
}
int weir_devices_count(const struct weir_devices *d)
{
    (void)d;
    return 0;
}
const struct weir_device_info *weir_devices_info(const struct weir_devices *d, int i)
{
    (void)d, (void)i;
    return NULL;
}
int weir_devices_backend(struct weir_devices *d, int i, struct weir_backend **out,
                         struct weir_error *err)
{
    (void)d, (void)i, (void)out;
    return weir_fail(err, WEIR_ERR_UNSUPPORTED, "this Weir was built without OpenCL");
}
int weir_devices_place(struct weir_devices *d, const uint32_t *cpus, int n, struct weir_error *err)
{
    (void)d, (void)cpus, (void)n, (void)err;
    return WEIR_OK;
}
int weir_devices_threads(const struct weir_devices *d, struct weir_device_thread *thread, int max)
{
    (void)d, (void)thread, (void)max;
    return 0;
}
int weir_device_source(const struct weir_pipeline *p, enum weir_device_class c,
                       struct weir_buf *out, struct weir_error *err)
{
    (void)p, (void)c, (void)out;
    return weir_fail(err, WEIR_ERR_UNSUPPORTED, "this Weir was built without OpenCL");
}
#endif
