#ifndef WEIR_TEST_DEVICE_DATA_H
#define WEIR_TEST_DEVICE_DATA_H

#include <stdint.h>

/* Random values; S is the generator's state. */
uint64_t data_next(uint64_t *s);
int64_t data_between(uint64_t *s, int64_t lo, int64_t hi);
double data_odd(uint64_t *s); /* a plain double, or an odd one: infinite, NaN, -0, … */
#define DATA_WORDS 12
extern const char *const data_word[DATA_WORDS];

#endif
