/* Searching bytes. With AVX-512, 64 places are tried at once by their first and last byte, and only
   places where both fit are compared in full; masked loads read nothing beyond the text. */
#include "runtime/native/find.h"

#include <string.h>

#include "runtime/native/mask.h"

#ifdef __x86_64__
#include <immintrin.h>

static __attribute__((target("avx512f,avx512bw"))) const char *find_wide(const char *s, size_t n,
                                                                         const char *what, size_t m)
{
    __m512i first = _mm512_set1_epi8(what[0]), last = _mm512_set1_epi8(what[m - 1]);
    for (size_t at = 0; at + m <= n; at += 64) {
        size_t left = n - m + 1 - at; /* places */
        uint64_t places = mask_first(left < 64 ? (uint32_t)left : 64);
        __m512i a = _mm512_maskz_loadu_epi8(places, s + at);
        __m512i b = _mm512_maskz_loadu_epi8(places, s + at + m - 1);
        uint64_t hit = _mm512_mask_cmpeq_epi8_mask(places, a, first) &
                       _mm512_mask_cmpeq_epi8_mask(places, b, last);
        for (; hit; hit &= hit - 1) {
            const char *p = s + at + __builtin_ctzll(hit);
            if (m <= 2 || !memcmp(p + 1, what + 1, m - 2)) return p;
        }
    }
    return NULL;
}
#endif

const char *weir_find_of(bool wide, const char *s, size_t n, const char *what, size_t m)
{
    if (m > n) return NULL;
    if (!m) return s;
#ifdef __x86_64__
    if (wide) return find_wide(s, n, what, m);
#endif
    return memmem(s, n, what, m);
}

const char *weir_find(const char *s, size_t n, const char *what, size_t m)
{
    return weir_find_of(mask_has_wide(), s, n, what, m);
}
