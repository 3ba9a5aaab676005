/* What kernels use of OpenCL C's own types and functions. A compiler built on clang reads 18,000
   lines of declarations (opencl-c.h) before every kernel unless _OPENCL_H_ is defined; with pocl
   that is half of a program's building time, so there these lines take their place. Other compilers
   never see this file, and where it does not do, the program is built the ordinary way. */
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __SIZE_TYPE__ size_t;

#define WK_FOR_INTEGERS(X) X(char) X(uchar) X(short) X(ushort) X(int) X(uint) X(long) X(ulong)
#define WK_FOR_TYPES(X)    WK_FOR_INTEGERS(X) X(float) X(double)
#define WK_BUILT_IN        __attribute__((overloadable, const))
#define WK_LOADS           __attribute__((overloadable, pure))
#define WK_STORES          __attribute__((overloadable))

#define WK_VECTORS(T)                                                                              \
    typedef T T##2 __attribute__((ext_vector_type(2)));                                            \
    typedef T T##4 __attribute__((ext_vector_type(4)));                                            \
    typedef T T##8 __attribute__((ext_vector_type(8)));
WK_FOR_TYPES(WK_VECTORS)

#define as_long(x)   __builtin_astype((x), long)
#define as_ulong(x)  __builtin_astype((x), ulong)
#define as_double(x) __builtin_astype((x), double)
#define as_long8(x)  __builtin_astype((x), long8)
#define as_ulong8(x) __builtin_astype((x), ulong8)

size_t WK_BUILT_IN get_global_id(uint);
size_t WK_BUILT_IN get_global_size(uint);
size_t WK_BUILT_IN get_group_id(uint);

double WK_BUILT_IN fabs(double);
double WK_BUILT_IN fmod(double, double);
double WK_BUILT_IN floor(double);
double WK_BUILT_IN ceil(double);
double WK_BUILT_IN trunc(double);
double WK_BUILT_IN fma(double, double, double);
double8 WK_BUILT_IN fma(double8, double8, double8);
double8 WK_BUILT_IN fabs(double8);

long WK_BUILT_IN mul_hi(long, long);
ulong WK_BUILT_IN mul_hi(ulong, ulong);
uint WK_BUILT_IN clz(uint);
ulong WK_BUILT_IN clz(ulong);
ulong WK_BUILT_IN rotate(ulong, ulong);
long8 WK_BUILT_IN max(long8, long8);
long8 WK_BUILT_IN min(long8, long8);
int WK_BUILT_IN any(long8);
long8 WK_BUILT_IN select(long8, long8, long8);
long8 WK_BUILT_IN select(long8, long8, ulong8);
double8 WK_BUILT_IN select(double8, double8, long8);

#define WK_CONVERSIONS(T)                                                                          \
    long8 WK_BUILT_IN convert_long8(T##8);                                                         \
    double8 WK_BUILT_IN convert_double8(T##8);
WK_FOR_TYPES(WK_CONVERSIONS)

#define WK_MEMORY(T)                                                                               \
    T##8 WK_LOADS vload8(size_t, const __global T *);                                              \
    T##8 WK_LOADS vload8(size_t, const __private T *);                                             \
    void WK_STORES vstore8(T##8, size_t, __global T *);                                            \
    void WK_STORES vstore8(T##8, size_t, __private T *);
WK_FOR_TYPES(WK_MEMORY)

uint WK_STORES atomic_inc(volatile __global uint *);
uint WK_STORES atomic_max(volatile __global uint *, uint);
uint WK_STORES atomic_cmpxchg(volatile __global uint *, uint, uint);
ulong WK_STORES atom_inc(volatile __global ulong *);
ulong WK_STORES atom_add(volatile __global ulong *, ulong);
ulong WK_STORES atom_cmpxchg(volatile __global ulong *, ulong, ulong);
