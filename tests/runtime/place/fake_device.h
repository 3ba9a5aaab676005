#ifndef TESTS_PLACE_FAKE_DEVICE_H
#define TESTS_PLACE_FAKE_DEVICE_H

#include "runtime/place/backend.h"

/* A device that computes as native does, under a name and a batch size of its own; or whose compiler
   fails; or that gives rows twice. */

enum fake_fault { FAKE_GOOD, FAKE_NO_COMPILER, FAKE_WRONG };

static enum fake_fault fake_fault;

static int fake_prepare(struct weir_backend *b, const struct weir_pipeline *p,
                        const struct weir_join_table *const *tables, struct weir_prepared **out,
                        struct weir_error *err)
{
    if (fake_fault == FAKE_NO_COMPILER)
        return weir_fail(err, WEIR_ERR_DEVICE, "no instruction for this");
    return weir_backend_native()->ops->prepare(b, p, tables, out, err);
}

static int fake_submit(struct weir_run *r, struct weir_batch *batch, struct weir_error *err)
{
    int rc = weir_backend_native()->ops->submit(r, batch, err);
    if (!rc && fake_fault == FAKE_WRONG) rc = weir_backend_native()->ops->submit(r, batch, err);
    return rc;
}

static inline struct weir_backend *fake_device(enum fake_fault fault)
{
    static struct weir_backend_ops ops;
    static struct weir_backend fake;
    fake_fault = fault;
    ops = *weir_backend_native()->ops;
    ops.kind = WEIR_BACKEND_OPENCL;
    ops.prepare = fake_prepare;
    ops.submit = fake_submit;
    fake = (struct weir_backend){
        .ops = &ops, .name = "fake:0", .device = "a fake", .batch_rows = 4 * WEIR_BATCH_ROWS};
    return &fake;
}

#endif
