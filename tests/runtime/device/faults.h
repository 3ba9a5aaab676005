#ifndef WEIR_TEST_DEVICE_FAULTS_H
#define WEIR_TEST_DEVICE_FAULTS_H

#include <CL/cl.h>
#include <stdbool.h>

/* OpenCL calls that fail when told to: the test is linked with --wrap for each of them. */

enum fault_call {
    FAULT_CREATE_QUEUE = 0,
    FAULT_CREATE_PROGRAM,
    FAULT_BUILD,
    FAULT_CREATE_KERNEL,
    FAULT_CREATE_BUFFER,
    FAULT_SET_ARG,
    FAULT_ENQUEUE_KERNEL,
    FAULT_FLUSH,
    FAULT_FINISH,
    FAULT_EVENT_INFO,
    FAULT_EVENT_STATUS, /* the call is well, but says that the kernel ended with the code;
                           CL_RUNNING: it never ends */
    FAULT_PROFILING,
    FAULT_MAP,
    FAULT_UNMAP,
    FAULT_READ,
    FAULT_FILL,
    FAULT_CALLS
};

extern const char *const fault_name[FAULT_CALLS];

/* The N-th call from now (1 = the next) gives CODE, with FOR_EVER all later ones too; N = 0: none
   fails. Returns how many such calls there were since the last fault_at. */
int fault_at(enum fault_call call, int n, bool for_ever, cl_int code);

#endif
