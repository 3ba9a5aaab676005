/* The descriptor's builder shares what is equal and nothing else; the checker refuses every damaged
 * record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/plan/pipeline.h"

static struct weir_insn column(uint32_t number, enum weir_type_id type)
{
    return (struct weir_insn){.op = WEIR_OP_COLUMN, .type = weir_type_make(type), .a = number};
}

static struct weir_insn binary(enum weir_op op, enum weir_type_id type, uint32_t a, uint32_t b)
{
    return (struct weir_insn){.op = (uint8_t)op, .type = weir_type_make(type), .a = a, .b = b};
}

static uint32_t emit(struct weir_pipe_builder *b, struct weir_insn in)
{
    return weir_pipe_emit(b, &in);
}

static void end(struct weir_pipe_builder *b, uint32_t reg)
{
    struct weir_step out = {.kind = WEIR_STEP_OUTPUT, .n = 1, .residual = WEIR_REG_NONE};
    out.first = weir_pipe_add_operands(b, &reg, 1);
    weir_pipe_add_step(b, &out);
}

static void test_equal_instructions_are_shared(void **state)
{
    (void)state;
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    weir_pipe_add_input(b, weir_type_make(WEIR_TYPE_INT));
    uint32_t x = emit(b, column(0, WEIR_TYPE_INT));
    uint32_t sum = emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, x));
    assert_int_equal(emit(b, column(0, WEIR_TYPE_INT)), x);
    assert_int_equal(emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, x)), sum);
    assert_int_not_equal(emit(b, binary(WEIR_OP_MUL, WEIR_TYPE_INT, x, x)), sum);
    for (uint32_t i = 0; i < 500;
         i++) /* many different ones: the table grows and still finds the first */
        sum = emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, sum, x));
    assert_int_equal(emit(b, column(0, WEIR_TYPE_INT)), x);
    weir_pipe_builder_free(b);
}

static void test_forgotten_instructions_are_not_shared(void **state)
{
    (void)state;
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    weir_pipe_add_input(b, weir_type_make(WEIR_TYPE_INT));
    uint32_t x = emit(b, column(0, WEIR_TYPE_INT));
    uint32_t from = weir_pipe_insn_count(b);
    uint32_t sum = emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, x));
    weir_pipe_forget(b, from);
    assert_int_equal(emit(b, column(0, WEIR_TYPE_INT)), x);
    assert_int_not_equal(emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, x)), sum);
    weir_pipe_builder_free(b);
}

static void test_constants_are_shared_by_value(void **state)
{
    (void)state;
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_value one = {.type = weir_type_make(WEIR_TYPE_BIGINT), .i = 1}, two = one;
    struct weir_value text = {.type = weir_type_string(), .s = {"abc", 3}}, other = text;
    two.i = 2;
    other.s = (struct weir_str){"abd", 3};
    const struct weir_pos none = {0};
    uint32_t a = weir_pipe_emit_const(b, &one, none);
    assert_int_equal(weir_pipe_emit_const(b, &one, none), a);
    assert_int_not_equal(weir_pipe_emit_const(b, &two, none), a);
    uint32_t t = weir_pipe_emit_const(b, &text, none);
    assert_int_equal(weir_pipe_emit_const(b, &text, none), t);
    assert_int_not_equal(weir_pipe_emit_const(b, &other, none), t);
    weir_pipe_builder_free(b);
}

static struct weir_pipeline *small_pipeline(void)
{
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_pipeline *p = NULL;
    struct weir_error err = {0};
    weir_pipe_add_input(b, weir_type_make(WEIR_TYPE_INT));
    uint32_t x = emit(b, column(0, WEIR_TYPE_INT));
    struct weir_step filter = {.kind = WEIR_STEP_FILTER, .residual = WEIR_REG_NONE};
    filter.a = emit(b, binary(WEIR_OP_GT, WEIR_TYPE_BOOLEAN, x, x));
    weir_pipe_add_step(b, &filter);
    end(b, emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, x)));
    assert_int_equal(weir_pipe_finish(b, &p, &err), 0);
    weir_pipe_builder_free(b);
    return p;
}

static void test_a_record_can_be_copied(void **state)
{
    (void)state;
    struct weir_pipeline *p = small_pipeline();
    struct weir_pipeline *copy = weir_malloc(p->bytes);
    memcpy(copy, p, p->bytes);
    weir_free(p);
    struct weir_error err = {0};
    assert_int_equal(weir_pipeline_check(copy, copy->bytes, &err), 0);
    struct weir_buf json = {0};
    weir_pipeline_json(copy, &json);
    assert_non_null(strstr(json.data, "\"step\": \"filter\""));
    weir_buf_release(&json);
    weir_free(copy);
}

/* Every byte of a record set to several values: the checker may accept it (positions are not
   checked), but then everything that an interpreter follows is in bounds, which printing it
   exercises; ASan watches. */
static void test_damage(void **state)
{
    (void)state;
    struct weir_pipeline *p = small_pipeline();
    unsigned refused = 0;
    for (uint32_t i = 0; i < p->bytes; i++)
        for (int v = 0; v < 4; v++) {
            struct weir_pipeline *copy = weir_malloc(p->bytes);
            memcpy(copy, p, p->bytes);
            ((unsigned char *)copy)[i] ^= (unsigned char[]){1, 0x80, 0xff, 7}[v];
            struct weir_error err = {0};
            if (weir_pipeline_check(copy, p->bytes, &err)) {
                refused++;
                assert_non_null(strstr(err.message, "broken pipeline descriptor"));
            } else {
                struct weir_buf json = {0};
                weir_pipeline_json(copy, &json);
                weir_buf_release(&json);
            }
            weir_free(copy);
        }
    assert_true(refused > p->bytes / 4);
    struct weir_error err = {0};
    assert_int_equal(weir_pipeline_check(p, p->bytes - 1, &err), WEIR_ERR_INVALID);
    weir_free(p);
}

/* The result of OP over two DECIMALs: is the record taken? */
static bool takes_decimal(enum weir_op op, struct weir_type x, struct weir_type y,
                          struct weir_type result)
{
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_pipeline *p = NULL;
    struct weir_error err = {0};
    struct weir_insn a = {.op = WEIR_OP_COLUMN, .type = x, .a = weir_pipe_add_input(b, x)};
    struct weir_insn c = {.op = WEIR_OP_COLUMN, .type = y, .a = weir_pipe_add_input(b, y)};
    struct weir_insn in = {.op = (uint8_t)op, .type = result, .a = emit(b, a), .b = emit(b, c)};
    end(b, emit(b, in));
    int rc = weir_pipe_finish(b, &p, &err);
    if (rc) {
        assert_int_equal(rc, WEIR_ERR_INVALID);
        assert_non_null(strstr(err.message, "in instruction 2"));
    }
    weir_free(p);
    weir_pipe_builder_free(b);
    return rc == 0;
}

static void test_decimal_arithmetic(void **state)
{
    (void)state;
    struct weir_type d2 = weir_type_decimal(10, 2), d4 = weir_type_decimal(18, 4);
    struct weir_type wide = weir_type_decimal(38, 4), whole = weir_type_decimal(18, 0);
    assert_true(takes_decimal(WEIR_OP_MUL, d2, d2, d4));
    assert_true(takes_decimal(WEIR_OP_MUL, d2, d2, whole)); /* rounded */
    assert_false(takes_decimal(WEIR_OP_MUL, d2, whole, d4));
    assert_false(takes_decimal(WEIR_OP_MUL, d2, d2, wide)); /* factors must be widened first */
    assert_true(takes_decimal(WEIR_OP_ADD, d2, d2, weir_type_decimal(11, 2)));
    assert_false(takes_decimal(WEIR_OP_SUB, d2, d4, d4));
    assert_false(takes_decimal(WEIR_OP_ADD, d2, weir_type_make(WEIR_TYPE_BIGINT), d2));
    assert_true(takes_decimal(WEIR_OP_DIV, d2, d2, d4));
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 200; n++) {
        weir_mem_fail_at(n, false);
        struct weir_pipe_builder *b = weir_pipe_builder_new();
        struct weir_pipeline *p = NULL;
        struct weir_error err = {0};
        int rc = WEIR_ERR_NOMEM;
        if (b) {
            weir_pipe_add_input(b, weir_type_make(WEIR_TYPE_INT));
            uint32_t x = emit(b, column(0, WEIR_TYPE_INT));
            for (uint32_t i = 0; i < 200; i++)
                x = emit(b, binary(WEIR_OP_ADD, WEIR_TYPE_INT, x, 0));
            end(b, x);
            rc = weir_pipe_finish(b, &p, &err);
        }
        weir_mem_fail_at(0, false);
        weir_pipe_builder_free(b);
        if (rc == 0) {
            weir_free(p);
            assert_true(n > 5);
            return;
        }
        assert_int_equal(rc, WEIR_ERR_NOMEM);
    }
    fail_msg("the builder never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_instructions_are_shared),
        cmocka_unit_test(test_forgotten_instructions_are_not_shared),
        cmocka_unit_test(test_constants_are_shared_by_value),
        cmocka_unit_test(test_a_record_can_be_copied),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_decimal_arithmetic),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
