/* A failing call does nothing but fail. */
#include "faults.h"

#include <stdatomic.h>

const char *const fault_name[FAULT_CALLS] = {"clCreateCommandQueue",
                                             "clCreateProgramWithSource",
                                             "clBuildProgram",
                                             "clCreateKernel",
                                             "clCreateBuffer",
                                             "clSetKernelArg",
                                             "clEnqueueNDRangeKernel",
                                             "clFlush",
                                             "clFinish",
                                             "clGetEventInfo",
                                             "the kernel's end",
                                             "clGetEventProfilingInfo",
                                             "clEnqueueMapBuffer",
                                             "clEnqueueUnmapMemObject",
                                             "clEnqueueReadBuffer",
                                             "clEnqueueFillBuffer"};

static struct {
    int call, n;
    bool for_ever;
    cl_int code;
    atomic_int seen;
} fault = {.call = -1};

int fault_at(enum fault_call call, int n, bool for_ever, cl_int code)
{
    int seen = atomic_exchange(&fault.seen, 0);
    fault.call = (int)call;
    fault.n = n;
    fault.for_ever = for_ever;
    fault.code = code;
    return seen;
}

static cl_int hit(enum fault_call call)
{
    if (fault.call != (int)call) return 0;
    int k = atomic_fetch_add(&fault.seen, 1) + 1;
    return fault.n && (k == fault.n || (fault.for_ever && k > fault.n)) ? fault.code : 0;
}

/* A call that returns its code, and one that returns an object. */
#define WRAP(which, name, params, args)                                                            \
    cl_int __real_##name params;                                                                   \
    cl_int __wrap_##name params;                                                                   \
    cl_int __wrap_##name params                                                                    \
    {                                                                                              \
        cl_int code = hit(which);                                                                  \
        return code ? code : __real_##name args;                                                   \
    }
#define WRAP_NEW(which, type, name, params, args)                                                  \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        cl_int code = hit(which);                                                                  \
        if (!code) return __real_##name args;                                                      \
        if (rc) *rc = code;                                                                        \
        return NULL;                                                                               \
    }

WRAP_NEW(FAULT_CREATE_QUEUE, cl_command_queue, clCreateCommandQueue,
         (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *rc), (c, d, p, rc))
WRAP_NEW(FAULT_CREATE_PROGRAM, cl_program, clCreateProgramWithSource,
         (cl_context c, cl_uint n, const char **s, const size_t *l, cl_int *rc), (c, n, s, l, rc))
WRAP(FAULT_BUILD, clBuildProgram,
     (cl_program p, cl_uint n, const cl_device_id *d, const char *o, void (*f)(cl_program, void *),
      void *u),
     (p, n, d, o, f, u))
WRAP_NEW(FAULT_CREATE_KERNEL, cl_kernel, clCreateKernel,
         (cl_program p, const char *name, cl_int *rc), (p, name, rc))
WRAP_NEW(FAULT_CREATE_BUFFER, cl_mem, clCreateBuffer,
         (cl_context c, cl_mem_flags f, size_t size, void *host, cl_int *rc),
         (c, f, size, host, rc))
WRAP(FAULT_SET_ARG, clSetKernelArg, (cl_kernel k, cl_uint i, size_t size, const void *v),
     (k, i, size, v))
WRAP(FAULT_ENQUEUE_KERNEL, clEnqueueNDRangeKernel,
     (cl_command_queue q, cl_kernel k, cl_uint dim, const size_t *o, const size_t *g,
      const size_t *l, cl_uint n, const cl_event *w, cl_event *e),
     (q, k, dim, o, g, l, n, w, e))
WRAP(FAULT_FLUSH, clFlush, (cl_command_queue q), (q))
WRAP(FAULT_FINISH, clFinish, (cl_command_queue q), (q))
WRAP(FAULT_PROFILING, clGetEventProfilingInfo,
     (cl_event e, cl_profiling_info i, size_t size, void *v, size_t *out), (e, i, size, v, out))
WRAP(FAULT_UNMAP, clEnqueueUnmapMemObject,
     (cl_command_queue q, cl_mem m, void *p, cl_uint n, const cl_event *w, cl_event *e),
     (q, m, p, n, w, e))
WRAP(FAULT_READ, clEnqueueReadBuffer,
     (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t size, void *p, cl_uint n,
      const cl_event *w, cl_event *e),
     (q, m, b, o, size, p, n, w, e))
WRAP(FAULT_FILL, clEnqueueFillBuffer,
     (cl_command_queue q, cl_mem m, const void *p, size_t ps, size_t o, size_t size, cl_uint n,
      const cl_event *w, cl_event *e),
     (q, m, p, ps, o, size, n, w, e))
WRAP_NEW(FAULT_MAP, void *, clEnqueueMapBuffer,
         (cl_command_queue q, cl_mem m, cl_bool b, cl_map_flags f, size_t o, size_t size, cl_uint n,
          const cl_event *w, cl_event *e, cl_int *rc),
         (q, m, b, f, o, size, n, w, e, rc))

cl_int __real_clGetEventInfo(cl_event e, cl_event_info i, size_t size, void *v, size_t *out);
cl_int __wrap_clGetEventInfo(cl_event e, cl_event_info i, size_t size, void *v, size_t *out);
cl_int __wrap_clGetEventInfo(cl_event e, cl_event_info i, size_t size, void *v, size_t *out)
{
    cl_int code = hit(FAULT_EVENT_INFO);
    if (code) return code;
    code = __real_clGetEventInfo(e, i, size, v, out);
    if (code || *(cl_int *)v > CL_COMPLETE) return code;
    cl_int state = hit(FAULT_EVENT_STATUS);
    if (state) *(cl_int *)v = state;
    return 0;
}
