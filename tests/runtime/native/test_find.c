/* Searching in texts of every short length against a search byte by byte, with AVX-512 and without.
   Texts and words lie at the end of allocations, so that reading beyond them is seen by sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/native/find.h"
#include "runtime/native/mask.h"

static const char *simple(const char *s, size_t n, const char *what, size_t m)
{
    for (size_t at = 0; at + m <= n; at++)
        if (!memcmp(s + at, what, m)) return s + at;
    return NULL;
}

/* Letters of a small alphabet, so that first and last bytes meet often. */
static char *letters(size_t n, unsigned *seed)
{
    char *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1103515245u + 12345u;
        p[i] = (char)('a' + (*seed >> 16) % 3);
    }
    return p;
}

static void test_find(void **state)
{
    (void)state;
    unsigned seed = 3, found = 0, missing = 0;
    for (size_t n = 1; n < 300; n++)
        for (size_t m = 1; m < 12; m++) {
            char *s = letters(n, &seed), *what = letters(m, &seed);
            const char *want = simple(s, n, what, m);
            assert_ptr_equal(weir_find_of(false, s, n, what, m), want);
            if (mask_has_wide()) assert_ptr_equal(weir_find_of(true, s, n, what, m), want);
            *(want ? &found : &missing) += 1;
            free(s);
            free(what);
        }
    assert_true(found > 500 && missing > 500);
    const char *text = "ab";
    assert_ptr_equal(weir_find(text, 2, "", 0), text);
    assert_null(weir_find(text, 0, "a", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
