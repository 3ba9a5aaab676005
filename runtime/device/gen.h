#ifndef WEIR_DEVICE_GEN_H
#define WEIR_DEVICE_GEN_H

#include "runtime/device/device.h"
#include "runtime/native/jointable.h"

/* The generator: a pipeline descriptor becomes the source of one kernel, "weir_run". Constants are
   not in the text but in an argument, so queries that differ only in them share a program. */

enum gen_arg_kind {
    GEN_ROWS = 0,    /* uint: rows of the batch */
    GEN_CHUNK,       /* uint: rows of a work-group */
    GEN_CONSTS,      /* ulong *: see gen_kernel.const_words */
    GEN_CONST_BYTES, /* uchar * */
    GEN_STATUS,      /* uint[8 * groups] */
    GEN_CAP,         /* uint: rows or groups that a work-group's output holds */
    GEN_IN_VALUES,   /* a: column of the batch */
    GEN_IN_VALID,
    GEN_IN_BYTES,
    GEN_TAB_VALUES, /* a: table, b: column of its payload */
    GEN_TAB_VALID,
    GEN_TAB_BYTES,
    GEN_TAB_OFFSET, /* a: table */
    GEN_TAB_SLOT,   /* hash tables only */
    GEN_TAB_WORDS,  /* hash tables only */
    GEN_TAB_INFO,   /* ulong[4]: min, mask, n_ids, flags (1: has a NULL key, 2: empty) */
    GEN_GROUPS,     /* ulong[cap * words * groups] */
    GEN_DIRECTORY,  /* AGGREGATE with keys: uint[dir * groups]; GPU shape: ulong[dir] */
    GEN_DIR_MASK,   /* uint */
    GEN_COUNTS,     /* uint[groups]: groups in the table so far */
    GEN_EPOCH,      /* uint, GPU shape: the kernel's number since the table was empty, from 1 */
    GEN_OUT_ROW,    /* uint: row of the batch */
    GEN_OUT_TABROW, /* a: table; uint, 0xffffffff: none */
    GEN_OUT_VALUES, /* a: output column; long, double, or ulong2: STR {space << 40 | offset,
                       length}, I128 {low, high} */
    GEN_OUT_STATE,  /* a: output column; uchar */
};

struct gen_arg {
    uint8_t kind;
    uint16_t a, b;
};

/* A buffer that strings may lie in: space number → who owns the bytes. */
struct gen_space {
    uint8_t kind; /* GEN_IN_BYTES, GEN_TAB_BYTES or GEN_CONST_BYTES */
    uint16_t a, b;
};

#define GEN_MAX_ARGS 160

struct gen_kernel {
    struct weir_buf source;
    struct gen_arg arg[GEN_MAX_ARGS];
    int n_args;
    struct gen_space space[64];
    int n_spaces;
    bool gpu;        /* shape: a work-item for each row, one status block, one table of groups */
    bool vector;     /* loads eight rows at once, at least eight in all */
    bool expands;    /* may give more rows than it gets */
    bool texts;      /* there are texts among the keys of the groups */
    uint32_t words;  /* of a group row */
    uint32_t stride; /* … and from one to the next: a cache line's where that costs little */
    uint32_t n_const_words;
    uint64_t *const_word; /* [n_const_words] */
    /* OUTPUT column c: a plain input or build column is gathered by the host (direct: 1 + table
       number, 1 = the batch; column), a computed one comes in GEN_OUT_VALUES (direct 0). */
    struct {
        uint8_t direct;
        uint32_t column;
        uint8_t words; /* of a computed value: 2 for texts and 128-bit DECIMALs */
    } * out;
};

/* TABLES may be NULL (EXPLAIN: hash tables are assumed). 0 = OK; 1 = cannot, WHY says so; negative
 * = failure. */
int gen_make(const struct weir_pipeline *p, const struct weir_join_table *const *tables,
             enum weir_device_class class_, struct gen_kernel *out, char *why, size_t why_size,
             struct weir_error *err);
void gen_free(struct gen_kernel *k);

/* The text of kernels/common and of a class's folder that goes before its kernels (NUL-terminated,
   built in). */
extern const char weir_kernel_prelude_cpu[], weir_kernel_prelude_gpu[];
static inline const char *gen_prelude(enum weir_device_class c)
{
    return c == WEIR_DEVICE_GPU ? weir_kernel_prelude_gpu : weir_kernel_prelude_cpu;
}

/* kernels/common/builtins.cl: declarations of what kernels use of OpenCL C, which go before
   everything where the compiler would otherwise read a much longer list (pocl). */
extern const char weir_kernel_builtins[];

/* GPU shape, groups with keys: MIN and MAX come as maxima of unsigned words. Bring a row's
   accumulators into the layout's form. */
void gen_gpu_decode(const struct weir_pipeline *p, uint64_t *row);

#endif
