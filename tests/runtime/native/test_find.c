/* Searching in texts of every short length against a search byte by byte, with AVX-512 and without.
   Texts and words lie at the end of arrays, so that reading beyond them is seen by sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

/* Letters of a small alphabet, so that first and last bytes meet often, at the end of ROOM. */
static const char *letters(char room[512], size_t n, unsigned *seed)
{
    for (size_t i = 512 - n; i < 512; i++) {
        *seed = *seed * 1103515245u + 12345u;
        room[i] = (char)('a' + (*seed >> 16) % 3);
    }
    return room + 512 - n;
}

static void test_find(void **state)
{
    (void)state;
    static char text[512], word[512];
    unsigned seed = 3, found = 0, missing = 0;
    for (size_t n = 1; n < 300; n++)
        for (size_t m = 1; m < 12; m++) {
            const char *s = letters(text, n, &seed), *what = letters(word, m, &seed);
            const char *want = simple(s, n, what, m);
            assert_ptr_equal(weir_find_of(false, s, n, what, m), want);
            if (mask_has_wide()) assert_ptr_equal(weir_find_of(true, s, n, what, m), want);
            *(want ? &found : &missing) += 1;
        }
    assert_true(found > 500 && missing > 500);
    assert_ptr_equal(weir_find(text, 2, "", 0), text);
    assert_null(weir_find(text, 0, "a", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
