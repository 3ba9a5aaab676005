/* Finding OpenCL devices. What a platform says about itself is read once; a platform or device that
   fails to answer is left out. Memory of devices that share the host's is clamped to what the
   system and its cgroup really leave.

   pocl starts its threads, one for each processor, when its devices are first asked for, once in a
   process. A new thread has the name of the one that makes it: under a name of our own they can be
   told from all others, and are kept for weir_devices_place in the order of their numbers, which is
   the order in which a sub-device by counts uses them. */
#ifdef WEIR_OPENCL
#include <CL/cl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "runtime/device/cl_backend.h"
#include "runtime/device/cl_error.h"
#include "runtime/device/cl_threads.h"

#define MAX_PLATFORMS 16
#define MAX_DEVICES   64

struct device {
    cl_device_id id, sub; /* SUB: what the backend uses instead, or NULL */
    bool host;            /* it computes on the host's cores */
    struct weir_device_info info;
    struct weir_device_info sub_info;
    struct weir_backend *backend;
};

struct weir_devices {
    struct weir_arena arena;
    pthread_mutex_t mutex;
    struct device device[MAX_DEVICES];
    int n;
    int units;      /* of devices on the host's cores; 0: all */
    uint32_t *cpus; /* [units] */
};

static const char *device_text(struct weir_arena *a, cl_device_id d, cl_device_info what)
{
    char buf[256] = "";
    if (clGetDeviceInfo(d, what, sizeof buf, buf, NULL)) return "";
    const char *s = buf + strspn(buf, " ");
    char *copy = weir_arena_strndup(a, s, strlen(s));
    return copy ? copy : "";
}

static uint64_t device_number(cl_device_id d, cl_device_info what, size_t size)
{
    uint64_t v = 0;
    return clGetDeviceInfo(d, what, size, &v, NULL) ? 0 : v;
}

/* Bytes that the host can really give: physical memory, or less where the cgroup says so. */
static uint64_t host_bytes(void)
{
    struct sysinfo si;
    uint64_t bytes = sysinfo(&si) ? UINT64_MAX : (uint64_t)si.totalram * si.mem_unit;
    static const char *const limit[] = {"/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        FILE *f = fopen(limit[i], "r");
        unsigned long long v;
        if (!f) continue;
        if (fscanf(f, "%llu", &v) == 1 && v < bytes) bytes = v;
        fclose(f);
    }
    return bytes;
}

static void read_pci(cl_device_id d, const char *extensions, char out[16])
{
    struct {
        cl_uint domain, bus, device, function;
    } pci;
    if (!strstr(extensions, "cl_khr_pci_bus_info")) return;
    if (clGetDeviceInfo(d, 0x410F, sizeof pci, &pci, NULL)) return;
    snprintf(out, 16, "%04x:%02x:%02x.%x", pci.domain & 0xffff, pci.bus & 0xff, pci.device & 0xff,
             pci.function & 0xf);
}

static void read_device(struct weir_devices *all, struct device *x, const char *platform)
{
    struct weir_device_info *i = &x->info;
    struct weir_arena *a = &all->arena;
    char extensions[8192] = "";
    uint64_t type = device_number(x->id, CL_DEVICE_TYPE, sizeof(cl_device_type));
    if (clGetDeviceInfo(x->id, CL_DEVICE_EXTENSIONS, sizeof extensions, extensions, NULL))
        extensions[0] = 0;
    i->name = device_text(a, x->id, CL_DEVICE_NAME);
    i->vendor = device_text(a, x->id, CL_DEVICE_VENDOR);
    i->platform = platform;
    i->version = device_text(a, x->id, CL_DEVICE_VERSION);
    i->driver = device_text(a, x->id, CL_DRIVER_VERSION);
    x->host = type & CL_DEVICE_TYPE_CPU;
    i->class_ = type & CL_DEVICE_TYPE_GPU           ? WEIR_DEVICE_GPU
                : type & CL_DEVICE_TYPE_ACCELERATOR ? WEIR_DEVICE_FPGA
                                                    : WEIR_DEVICE_CPU;
    i->compute_units = (uint32_t)device_number(x->id, CL_DEVICE_MAX_COMPUTE_UNITS, 4);
    i->clock_mhz = (uint32_t)device_number(x->id, CL_DEVICE_MAX_CLOCK_FREQUENCY, 4);
    i->global_bytes = device_number(x->id, CL_DEVICE_GLOBAL_MEM_SIZE, 8);
    i->max_alloc_bytes = device_number(x->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8);
    i->local_bytes = device_number(x->id, CL_DEVICE_LOCAL_MEM_SIZE, 8);
    i->unified =
        i->class_ == WEIR_DEVICE_CPU || device_number(x->id, CL_DEVICE_HOST_UNIFIED_MEMORY, 4);
    i->fp64 = device_number(x->id, CL_DEVICE_DOUBLE_FP_CONFIG, 8) != 0;
    i->int64_atomics = strstr(extensions, "cl_khr_int64_base_atomics") != NULL;
    i->subgroups = strstr(extensions, "cl_khr_subgroups") != NULL;
    i->compiler = device_number(x->id, CL_DEVICE_COMPILER_AVAILABLE, 4) != 0;
    const char *shape = getenv("WEIR_DEVICE_SHAPE");
    if (shape && !strcmp(shape, "gpu")) {
        i->class_ = WEIR_DEVICE_GPU;
        i->unified = false;
    }
    uint64_t host = host_bytes();
    if (i->unified && i->global_bytes > host) i->global_bytes = host;
    if (i->max_alloc_bytes > i->global_bytes) i->max_alloc_bytes = i->global_bytes;
    read_pci(x->id, extensions, i->pci);
}

static bool has_host_device(const cl_device_id *id, cl_uint n)
{
    bool host = false;
    for (cl_uint i = 0; i < n && i < MAX_DEVICES; i++)
        host |= (device_number(id[i], CL_DEVICE_TYPE, sizeof(cl_device_type)) &
                 CL_DEVICE_TYPE_CPU) != 0;
    return host;
}

static void read_platform(struct weir_devices *all, cl_platform_id p)
{
    cl_device_id id[MAX_DEVICES];
    cl_uint n = 0;
    char name[256] = "";
    if (clGetPlatformInfo(p, CL_PLATFORM_NAME, sizeof name, name, NULL)) return;
    struct cl_threads found;
    cl_threads_begin(&found);
    cl_int rc = clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, MAX_DEVICES, id, &n);
    cl_threads_end(&found, !rc && n && has_host_device(id, n));
    if (rc) return;
    const char *kept = weir_arena_strndup(&all->arena, name, strlen(name));
    for (cl_uint i = 0; kept && i < n && i < MAX_DEVICES && all->n < MAX_DEVICES; i++) {
        if (!device_number(id[i], CL_DEVICE_AVAILABLE, 4)) continue;
        all->device[all->n].id = id[i];
        read_device(all, &all->device[all->n++], kept);
    }
}

int weir_devices_open(struct weir_devices **out, char *why_none, size_t why_size,
                      struct weir_error *err)
{
    struct weir_devices *d = weir_calloc(1, sizeof *d);
    if (!d) return weir_fail_nomem(err, sizeof *d, "looking for devices");
    cl_platform_id platform[MAX_PLATFORMS];
    cl_uint n = 0;
    weir_arena_init(&d->arena);
    pthread_mutex_init(&d->mutex, NULL);
    cl_int rc = clGetPlatformIDs(MAX_PLATFORMS, platform, &n);
    for (cl_uint i = 0; !rc && i < n && i < MAX_PLATFORMS; i++) read_platform(d, platform[i]);
    if (why_none && d->n)
        why_none[0] = 0;
    else if (why_none && (rc || !n))
        snprintf(why_none, why_size,
                 "no OpenCL platform is installed; install pocl-opencl-icd or the vendor's driver");
    else if (why_none)
        snprintf(why_none, why_size, "the installed OpenCL platforms have no available device");
    *out = d;
    return WEIR_OK;
}

static void drop_backend(struct device *x)
{
    if (x->backend) x->backend->ops->free(x->backend);
    if (x->sub) clReleaseDevice(x->sub);
    x->backend = NULL;
    x->sub = NULL;
}

void weir_devices_free(struct weir_devices *d)
{
    if (!d) return;
    for (int i = 0; i < d->n; i++) drop_backend(&d->device[i]);
    weir_free(d->cpus);
    pthread_mutex_destroy(&d->mutex);
    weir_arena_release(&d->arena);
    weir_free(d);
}

int weir_devices_count(const struct weir_devices *d)
{
    return d->n;
}

const struct weir_device_info *weir_devices_info(const struct weir_devices *d, int i)
{
    return &d->device[i].info;
}

/* A device on the host's cores gives us only the compute units that the plan has. */
static int make_backend(struct weir_devices *d, int i, struct weir_error *err)
{
    struct device *x = &d->device[i];
    cl_uint units = (cl_uint)d->units;
    if (!x->host || !units || units >= x->info.compute_units)
        return weir_cl_backend_new(x->id, &x->info, i, &x->backend, err);
    const cl_device_partition_property counts[] = {CL_DEVICE_PARTITION_BY_COUNTS, (intptr_t)units,
                                                   CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    cl_int code = clCreateSubDevices(x->id, counts, 1, &x->sub, NULL);
    if (code) {
        x->sub = NULL;
        weir_cl_fail(err, code, "dividing the device");
        return weir_fail(err, WEIR_ERR_DEVICE,
                         "opencl:%d computes on the host's cores and cannot be divided (%s): the "
                         "plan has %u of its %u units; give the job all CPUs, or run it natively",
                         i, weir_cl_name(code), units, x->info.compute_units);
    }
    x->sub_info = x->info;
    x->sub_info.compute_units = units;
    int rc = weir_cl_backend_new(x->sub, &x->sub_info, i, &x->backend, err);
    if (rc) drop_backend(x);
    return rc;
}

int weir_devices_place(struct weir_devices *d, const uint32_t *cpus, int n, struct weir_error *err)
{
    uint32_t *copy = weir_malloc((size_t)n * sizeof *copy);
    if (!copy) return weir_fail_nomem(err, (size_t)n * sizeof *copy, "placing devices");
    memcpy(copy, cpus, (size_t)n * sizeof *copy);
    pthread_mutex_lock(&d->mutex);
    for (int i = 0; n != d->units && i < d->n; i++)
        if (d->device[i].host) drop_backend(&d->device[i]);
    weir_free(d->cpus);
    d->cpus = copy;
    d->units = n;
    pthread_mutex_unlock(&d->mutex);
    return cl_threads_bind(cpus, n, err);
}

int weir_devices_threads(const struct weir_devices *d, struct weir_device_thread *thread, int max)
{
    return cl_threads_list(d->cpus, d->units, thread, max);
}

int weir_devices_backend(struct weir_devices *d, int i, struct weir_backend **out,
                         struct weir_error *err)
{
    pthread_mutex_lock(&d->mutex);
    struct device *x = &d->device[i];
    int rc = x->backend ? WEIR_OK : make_backend(d, i, err);
    *out = x->backend;
    pthread_mutex_unlock(&d->mutex);
    return rc;
}
#endif
