#ifndef WEIR_TESTS_KERNELS_WORDS_H
#define WEIR_TESTS_KERNELS_WORDS_H

#include <stdint.h>

/* DECIMAL helpers compiled with 128-bit integers as two words; values as (low, high). */
struct words {
    uint64_t lo;
    int64_t hi;
};
enum { W_ADD, W_SUB, W_MUL, W_DIV, W_MOD, W_RESCALE };

/* OP on A and B; scales as powers: see words.c. */
struct words words_op(int op, struct words a, struct words b, int up, int down, int precision,
                      uint8_t *st);

#endif
