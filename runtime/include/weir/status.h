#ifndef WEIR_STATUS_H
#define WEIR_STATUS_H

/* How every call of Weir that can fail reports it: a negative status, and a message in a struct
   that the caller owns. 0 is success; calls that iterate return 1 for "here is a row/batch" and 0
   for "end". */

#ifdef __cplusplus
extern "C" {
#endif

enum weir_status {
    WEIR_OK = 0,
    WEIR_ERR_INVALID = -1, /* a wrong argument, option or call order */
    WEIR_ERR_PARSE = -2,   /* the SQL text does not parse */
    WEIR_ERR_BIND = -3,    /* the SQL parses and means nothing: unknown column, wrong type */
    WEIR_ERR_UNSUPPORTED =
        -4,               /* it means something that Weir (or the forced device) does not execute */
    WEIR_ERR_DATA = -5,   /* a row: broken CSV, overflow, division by zero, bad cast */
    WEIR_ERR_IO = -6,     /* a file or directory: missing, unreadable, unwritable */
    WEIR_ERR_NOMEM = -7,  /* an allocation failed, or a memory budget is exceeded */
    WEIR_ERR_DEVICE = -8, /* an OpenCL device failed and native could not stand in */
    WEIR_ERR_CANCELLED = -9, /* weir_cancel or Ctrl-C */
    WEIR_ERR_INTERNAL = -10, /* our mistake; please report */
    WEIR_ERR_BUSY = -11      /* the job has no place: the machine is too small, or others hold it */
};

/* Filled by the failing call, never allocated; message is UTF-8, NUL-terminated, without a final
 * newline. */
struct weir_error {
    int code;        /* the weir_status that was returned */
    int native_code; /* errno or CL error where one exists, else 0 */
    char message[512];
};

#ifdef __cplusplus
}
#endif
#endif
