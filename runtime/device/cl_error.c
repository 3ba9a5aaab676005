/* One table of OpenCL's error codes: name and class. */
#ifdef WEIR_OPENCL
#include "runtime/device/cl_error.h"

#include <stddef.h>

static const struct {
    cl_int code;
    const char *name;
    enum weir_cl_class class_;
} table[] = {
#define E(code, class_)                                                                            \
    {                                                                                              \
        code, #code, class_                                                                        \
    }
    E(CL_SUCCESS, WEIR_CL_OK),
    E(CL_DEVICE_NOT_FOUND, WEIR_CL_LOST),
    E(CL_DEVICE_NOT_AVAILABLE, WEIR_CL_LOST),
    E(CL_COMPILER_NOT_AVAILABLE, WEIR_CL_UNSUPPORTED),
    E(CL_MEM_OBJECT_ALLOCATION_FAILURE, WEIR_CL_NO_SPACE),
    E(CL_OUT_OF_RESOURCES, WEIR_CL_NO_SPACE),
    E(CL_OUT_OF_HOST_MEMORY, WEIR_CL_NO_SPACE),
    E(CL_BUILD_PROGRAM_FAILURE, WEIR_CL_UNSUPPORTED),
    E(CL_MAP_FAILURE, WEIR_CL_TRANSIENT),
    E(CL_MISALIGNED_SUB_BUFFER_OFFSET, WEIR_CL_BUG),
    E(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, WEIR_CL_TRANSIENT),
    E(CL_COMPILE_PROGRAM_FAILURE, WEIR_CL_UNSUPPORTED),
    E(CL_LINKER_NOT_AVAILABLE, WEIR_CL_UNSUPPORTED),
    E(CL_LINK_PROGRAM_FAILURE, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_VALUE, WEIR_CL_BUG),
    E(CL_INVALID_DEVICE, WEIR_CL_LOST),
    E(CL_INVALID_CONTEXT, WEIR_CL_LOST),
    E(CL_INVALID_COMMAND_QUEUE, WEIR_CL_LOST),
    E(CL_INVALID_HOST_PTR, WEIR_CL_BUG),
    E(CL_INVALID_MEM_OBJECT, WEIR_CL_BUG),
    E(CL_INVALID_BINARY, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_BUILD_OPTIONS, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_PROGRAM, WEIR_CL_BUG),
    E(CL_INVALID_PROGRAM_EXECUTABLE, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_KERNEL_NAME, WEIR_CL_BUG),
    E(CL_INVALID_KERNEL, WEIR_CL_BUG),
    E(CL_INVALID_ARG_INDEX, WEIR_CL_BUG),
    E(CL_INVALID_ARG_VALUE, WEIR_CL_BUG),
    E(CL_INVALID_ARG_SIZE, WEIR_CL_BUG),
    E(CL_INVALID_KERNEL_ARGS, WEIR_CL_BUG),
    E(CL_INVALID_WORK_DIMENSION, WEIR_CL_BUG),
    E(CL_INVALID_WORK_GROUP_SIZE, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_WORK_ITEM_SIZE, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_GLOBAL_OFFSET, WEIR_CL_BUG),
    E(CL_INVALID_EVENT_WAIT_LIST, WEIR_CL_BUG),
    E(CL_INVALID_EVENT, WEIR_CL_BUG),
    E(CL_INVALID_OPERATION, WEIR_CL_UNSUPPORTED),
    E(CL_INVALID_BUFFER_SIZE, WEIR_CL_NO_SPACE),
    E(CL_INVALID_GLOBAL_WORK_SIZE, WEIR_CL_BUG),
    E(CL_INVALID_PROPERTY, WEIR_CL_UNSUPPORTED),
#undef E
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR", WEIR_CL_UNSUPPORTED},
};

static size_t find(cl_int code)
{
    size_t i = 0, n = sizeof table / sizeof *table;
    while (i < n && table[i].code != code) i++;
    return i;
}

enum weir_cl_class weir_cl_classify(cl_int code)
{
    size_t i = find(code);
    return i < sizeof table / sizeof *table ? table[i].class_ : WEIR_CL_TRANSIENT;
}

const char *weir_cl_name(cl_int code)
{
    size_t i = find(code);
    return i < sizeof table / sizeof *table ? table[i].name : "an unknown OpenCL error";
}

int weir_cl_fail(struct weir_error *err, cl_int code, const char *what)
{
    enum weir_cl_class c = weir_cl_classify(code);
    int status = c == WEIR_CL_NO_SPACE      ? WEIR_ERR_NOMEM
                 : c == WEIR_CL_UNSUPPORTED ? WEIR_ERR_UNSUPPORTED
                                            : WEIR_ERR_DEVICE;
    weir_fail(err, status, "%s: %s (%d)", what, weir_cl_name(code), code);
    if (err) err->native_code = code;
    return status;
}
#endif
