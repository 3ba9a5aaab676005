#ifndef WEIR_NATIVE_CLONES_H
#define WEIR_NATIVE_CLONES_H

/* For loops that are worth a version for each vector width of x86. The sanitizers do not get along
   with the loader's way of choosing one. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) &&             \
    !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define EVAL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EVAL_CLONES
#endif

#endif
