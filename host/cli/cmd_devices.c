/* weir devices */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"

static const char help[] =
    "usage: weir devices [--json]\n"
    "\n"
    "Lists the OpenCL devices; --device opencl:N of weir run takes the number in front.\n";

static const char *class_name(enum weir_device_class c)
{
    return c == WEIR_DEVICE_GPU ? "GPU" : c == WEIR_DEVICE_FPGA ? "FPGA" : "CPU";
}

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

static void text(const struct weir_devices *d)
{
    for (int i = 0; i < weir_devices_count(d); i++) {
        const struct weir_device_info *x = weir_devices_info(d, i);
        printf("opencl:%d  %s  %s\n", i, class_name(x->class_), x->name);
        printf("          %s, %s, driver %s\n", x->platform, x->version, x->driver);
        printf("          %u compute units at %u MHz, %.1f GiB (one buffer up to %.1f GiB)%s%s%s\n",
               x->compute_units, x->clock_mhz, (double)x->global_bytes / (1 << 30),
               (double)x->max_alloc_bytes / (1 << 30), x->unified ? ", host memory" : "",
               x->pci[0] ? ", PCI " : "", x->pci);
        printf("          fp64 %s, 64-bit atomics %s, sub-groups %s, compiler %s\n", yes(x->fp64),
               yes(x->int64_atomics), yes(x->subgroups), yes(x->compiler));
    }
}

static void field(struct weir_buf *b, const char *key, const char *value)
{
    weir_buf_printf(b, ", \"%s\": ", key);
    weir_buf_json(b, value, strlen(value));
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static void json(const struct weir_devices *d)
{
    struct weir_buf b = {0};
    weir_buf_puts(&b, "{\"schema\": 1, \"devices\": [");
    for (int i = 0; i < weir_devices_count(d); i++) {
        const struct weir_device_info *x = weir_devices_info(d, i);
        weir_buf_printf(&b, "%s\n  {\"device\": \"opencl:%d\", \"class\": \"%s\"", i ? "," : "", i,
                        class_name(x->class_));
        field(&b, "name", x->name);
        field(&b, "vendor", x->vendor);
        field(&b, "platform", x->platform);
        field(&b, "version", x->version);
        field(&b, "driver", x->driver);
        field(&b, "pci", x->pci);
        weir_buf_printf(&b,
                        ", \"compute_units\": %u, \"clock_mhz\": %u, \"global_bytes\": %" PRIu64
                        ", \"max_alloc_bytes\": %" PRIu64 ", \"local_bytes\": %" PRIu64,
                        x->compute_units, x->clock_mhz, x->global_bytes, x->max_alloc_bytes,
                        x->local_bytes);
        weir_buf_printf(
            &b,
            ", \"unified\": %s, \"fp64\": %s, \"int64_atomics\": %s, \"subgroups\": %s, "
            "\"compiler\": %s}",
            truth(x->unified), truth(x->fp64), truth(x->int64_atomics), truth(x->subgroups),
            truth(x->compiler));
    }
    weir_buf_puts(&b, "\n]}\n");
    if (b.data) fwrite(b.data, 1, b.len, stdout);
    weir_buf_release(&b);
}

int cli_devices(int argc, char **argv)
{
    bool as_json = false;
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(help, stdout);
            return CLI_OK;
        }
        if (strcmp(argv[i], "--json"))
            return cli_usage("devices", "'%s' is not an option", argv[i]);
        as_json = true;
    }
    struct weir_devices *d = NULL;
    struct weir_error err = {0};
    char why[256] = "";
    if (weir_devices_open(&d, why, sizeof why, &err)) return cli_fail(&err);
    if (as_json)
        json(d);
    else if (weir_devices_count(d))
        text(d);
    else
        printf("no OpenCL device: %s\n", why);
    weir_devices_free(d);
    return CLI_OK;
}
