#ifndef WEIR_DEVICE_CL_ERROR_H
#define WEIR_DEVICE_CL_ERROR_H

#include <CL/cl.h>

#include "runtime/base/error.h"

/* OpenCL's error codes are looked at here and nowhere else. OpenCL reports late: an error may
   belong to an earlier call, so a class says what to do, not who is to blame. */
enum weir_cl_class {
    WEIR_CL_OK = 0,
    WEIR_CL_UNSUPPORTED, /* this device cannot: run natively */
    WEIR_CL_NO_SPACE,    /* memory: split the batch and try again, then natively */
    WEIR_CL_TRANSIENT,   /* try once more */
    WEIR_CL_LOST,        /* the device is gone: quarantine it, replay on native */
    WEIR_CL_BUG,         /* we called it wrongly */
};

enum weir_cl_class weir_cl_classify(cl_int code);
const char *weir_cl_name(cl_int code); /* "CL_OUT_OF_RESOURCES" */
/* WEIR_ERR_DEVICE (NO_SPACE: WEIR_ERR_NOMEM, UNSUPPORTED: WEIR_ERR_UNSUPPORTED) with "WHAT: CL_…"
 */
int weir_cl_fail(struct weir_error *err, cl_int code, const char *what);

#endif
