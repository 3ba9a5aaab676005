#ifndef WEIR_DEVICE_DEVICE_H
#define WEIR_DEVICE_DEVICE_H

#include "runtime/place/backend.h"

/* OpenCL devices as backends. Without OpenCL (WEIR_OPENCL=OFF, no ICD loader's platform, no device)
 * the list is empty. */

enum weir_device_class { WEIR_DEVICE_CPU = 0, WEIR_DEVICE_GPU, WEIR_DEVICE_FPGA };

struct weir_device_info {
    const char *name, *vendor, *platform, *version, *driver; /* live as long as the list */
    enum weir_device_class class_;
    uint32_t compute_units, clock_mhz;
    uint64_t global_bytes; /* clamped to what the host may use when memory is shared */
    uint64_t max_alloc_bytes, local_bytes;
    bool unified, fp64, int64_atomics, subgroups, compiler;
    char pci[16]; /* "0000:3b:00.0", or "" when unknown */
};

struct weir_devices;

/* Find the devices. WEIR_DEVICE_SHAPE=gpu in the environment treats each as a GPU with memory of
   its own (kernels, transfers), so that this way of running can be tested without one. *OUT is
   never NULL on success, and may be empty. WHY_NONE (may be NULL) then says in words why ("no
   OpenCL platform is installed: install pocl-opencl-icd or the vendor's driver"). Failing platforms
   are skipped, not fatal. */
int weir_devices_open(struct weir_devices **out, char *why_none, size_t why_size,
                      struct weir_error *err) WEIR_NODISCARD;
void weir_devices_free(struct weir_devices *d); /* NULL is allowed; all runs must be closed */
int weir_devices_count(const struct weir_devices *d);
const struct weir_device_info *weir_devices_info(const struct weir_devices *d, int i);
/* The backend of device I (created at the first call: context, queue, limits). Thread-safe. */
int weir_devices_backend(struct weir_devices *d, int i, struct weir_backend **out,
                         struct weir_error *err) WEIR_NODISCARD;

/* Devices that compute on the host's cores (pocl) keep to CPUS (N OS numbers): they get as many
   compute units (a sub-device by counts), and each of their threads is bound to one of them. A
   backend that was made with another number of units is freed, so no run may be open. The threads
   are the process's: where several lists place them, the last call decides. A driver that starts its
   threads later leaves them where the thread is that makes the first run: bind that one before. */
int weir_devices_place(struct weir_devices *d, const uint32_t *cpus, int n,
                       struct weir_error *err) WEIR_NODISCARD;
/* A thread of such a device, and the CPU that it was bound to; -1: to all, because no work is given
   to it. */
struct weir_device_thread {
    int tid, cpu;
};
/* After weir_devices_place: fills THREAD (room for MAX), returns how many there are. */
int weir_devices_threads(const struct weir_devices *d, struct weir_device_thread *thread, int max);

/* The kernel source that the generator makes of P for a device class (EXPLAIN, tests, oclgrind). */
int weir_device_source(const struct weir_pipeline *p, enum weir_device_class c,
                       struct weir_buf *out, struct weir_error *err) WEIR_NODISCARD;

#endif
