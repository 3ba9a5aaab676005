/* Masks against one comparison at a time, for every type, comparison and number of rows, with
   AVX-512 and without. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/native/mask.h"

static uint64_t state = 7;

static uint64_t next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Few values, so that all outcomes occur, and the extremes. */
static double some(enum weir_phys phys)
{
    static const double edge[] = {-128, 127, 0, -0.0, INFINITY, -INFINITY, NAN, 1e30};
    uint64_t r = next();
    double x = r % 4 ? (double)(int)(r >> 8 & 7) - 3 : edge[r >> 8 & 7];
    bool real = phys == WEIR_PHYS_F32 || phys == WEIR_PHYS_F64;
    return real || fabs(x) <= 128 ? x : 5;
}

static double put(enum weir_phys phys, void *at, uint32_t i, double x)
{
    switch (phys) {
    case WEIR_PHYS_I8: return ((int8_t *)at)[i] = (int8_t)x;
    case WEIR_PHYS_I16: return ((int16_t *)at)[i] = (int16_t)x;
    case WEIR_PHYS_I32: return ((int32_t *)at)[i] = (int32_t)x;
    case WEIR_PHYS_I64: return (double)(((int64_t *)at)[i] = (int64_t)x);
    case WEIR_PHYS_F32: return (double)(((float *)at)[i] = (float)x);
    case WEIR_PHYS_F64: return ((double *)at)[i] = x;
    default: return (double)(((__int128 *)at)[i] = (__int128)x);
    }
}

/* NaN equals itself and is above all else. */
static bool holds(int op, double a, double b)
{
    int order = isnan(a) || isnan(b) ? isnan(a) - isnan(b) : (a > b) - (a < b);
    switch (op) {
    case WEIR_OP_EQ: return order == 0;
    case WEIR_OP_NE: return order != 0;
    case WEIR_OP_LT: return order < 0;
    case WEIR_OP_LE: return order <= 0;
    case WEIR_OP_GT: return order > 0;
    default: return order >= 0;
    }
}

struct rows {
    __int128 a[MASK_ROWS + 2], b[MASK_ROWS + 2];
    double x[MASK_ROWS], y[MASK_ROWS];
};

static void fill(struct rows *r, enum weir_phys phys)
{
    for (uint32_t i = 0; i < MASK_ROWS; i++) {
        r->x[i] = put(phys, r->a, i, some(phys));
        r->y[i] = put(phys, r->b, i, some(phys));
    }
    while (isnan(r->y[0])) r->y[0] = put(phys, r->b, 0, some(phys));
    while (isnan(r->y[1])) r->y[1] = put(phys, r->b, 1, some(phys));
}

static void check(bool wide, enum weir_phys phys)
{
    static struct rows r;
    for (uint32_t n = 0; n <= MASK_ROWS; n++) {
        fill(&r, phys);
        for (int op = WEIR_OP_EQ; op <= WEIR_OP_GE; op++) {
            uint64_t both = 0, constant = 0;
            for (uint32_t i = 0; i < n; i++) {
                both |= (uint64_t)holds(op, r.x[i], r.y[i]) << i;
                constant |= (uint64_t)holds(op, r.x[i], r.y[0]) << i;
            }
            assert_true(mask_compare_of(wide, op, phys, false)(r.a, r.b, n) == both);
            assert_true(mask_compare_of(wide, op, phys, true)(r.a, r.b, n) == constant);
        }
        mask_fn range = mask_range_of(wide, phys);
        if (!range) continue;
        uint64_t inside = 0;
        for (uint32_t i = 0; i < n; i++)
            inside |= (uint64_t)(r.x[i] >= r.y[0] && r.x[i] <= r.y[1]) << i;
        assert_true(range(r.a, r.b, n) == inside);
    }
}

static const enum weir_phys numbers[] = {WEIR_PHYS_I8,  WEIR_PHYS_I16, WEIR_PHYS_I32, WEIR_PHYS_I64,
                                         WEIR_PHYS_F32, WEIR_PHYS_F64, WEIR_PHYS_I128};

static void test_compare(void **unused)
{
    (void)unused;
    for (size_t p = 0; p < sizeof numbers / sizeof *numbers; p++)
        for (int round = 0; round < 20; round++) {
            check(false, numbers[p]);
            if (mask_has_wide()) check(true, numbers[p]);
        }
}

static void test_bytes(void **unused)
{
    (void)unused;
    uint8_t byte[MASK_ROWS];
    for (int round = 0; round < 2000; round++) {
        uint32_t n = (uint32_t)(next() % (MASK_ROWS + 1));
        uint64_t want = 0;
        for (uint32_t i = 0; i < MASK_ROWS; i++) byte[i] = next() % 2 ? 0 : (uint8_t)next();
        for (uint32_t i = 0; i < n; i++) want |= (uint64_t)(byte[i] != 0) << i;
        assert_true(mask_of_bytes(byte, n) == want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
