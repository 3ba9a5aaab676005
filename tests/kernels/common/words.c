/* decimal.h as OpenCL C sees it: no 128-bit integers. UP and DOWN are the digits that the result's
   scale gains or loses. */
#define WK_WIDE_WORDS
#include "kernels/common/decimal.h"

#include "tests/kernels/common/words.h"

struct words words_op(int op, struct words a, struct words b, int up, int down, int precision,
                      uint8_t *st)
{
    wk_i128 x = wk_i128_make(a.hi, a.lo), y = wk_i128_make(b.hi, b.lo), r;
    wk_i128 limit = wk_u128_bits(wk_u128_sub(wk_u128_pow10(precision), wk_u128_from(1)));
    int d2 = down < 38 ? down : 38, m1 = up < 38 ? up : 38;
    wk_u128 D1 = wk_u128_pow10(down - d2), D2 = wk_u128_pow10(d2);
    wk_u128 M1 = wk_u128_pow10(m1), M2 = wk_u128_pow10(up - m1);
    switch (op) {
    case W_ADD: r = wk_dec128_add(x, y, limit, st); break;
    case W_SUB: r = wk_dec128_sub(x, y, limit, st); break;
    case W_MUL: r = wk_dec128_mul(x, y, D1, D2, limit, st); break;
    case W_DIV: r = wk_dec128_div(x, y, M1, M2, D2, limit, st); break;
    case W_MOD: r = wk_dec128_mod(x, y, st); break;
    default: r = wk_dec128_rescale(x, M1, D2, limit, st);
    }
    return (struct words){wk_i128_lo(r), wk_i128_hi(r)};
}
