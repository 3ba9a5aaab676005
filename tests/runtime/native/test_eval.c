/* The interpreter against the naive one of eval_reference.h: random programs (all operators, types
   and steps) over random batches, whole, without the rows that fail, and row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/exec/source.h"
#include "runtime/native/jointable.h"
#include "tests/runtime/native/eval_program.h"
#include "tests/runtime/native/random_batch.h"

static void ref_row(void *ctx, const struct ref_value *columns, uint32_t n)
{
    add_row(ctx, columns, n);
}

static int emit_rows(void *ctx, struct weir_batch *b, struct weir_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n_rows; i++) {
        struct ref_value v[32];
        for (uint32_t c = 0; c < b->n_cols; c++) {
            v[c].v = weir_column_value(&b->col[c], i);
            v[c].st = v[c].v.is_null;
        }
        add_row(ctx, v, b->n_cols);
    }
    return WEIR_OK;
}

/* ---- running ---- */

static int run_eval(const struct program *g, const struct tables *t, struct weir_batch *input,
                    struct rows *out, struct weir_error *err)
{
    struct weir_eval *ev = NULL;
    struct weir_native_sink sink = {.emit = emit_rows, .ctx = out};
    int rc = weir_eval_new(g->p, t->view, NULL, &sink, 0, &ev, err);
    if (!rc) rc = weir_eval_batch(ev, input, err);
    if (!rc) rc = weir_eval_finish(ev, err);
    weir_eval_free(ev);
    return rc;
}

/* One row alone: it fails or gives its rows. */
static void check_row(const struct program *g, const struct tables *t, const struct ref_run *ref,
                      uint32_t row, uint64_t seed)
{
    struct rows want = {0}, got = {0};
    struct weir_error err;
    struct ref_run r = *ref;
    int64_t idx = row;
    r.ctx = &want;
    uint8_t st = ref_push(&r, row);
    struct weir_batch *one = subset(g, ref->input, &idx, 1);
    int rc = run_eval(g, t, one, &got, &err);
    weir_batch_unref(one);
    if ((rc != 0) != (st != 0) || (rc && rc != WEIR_ERR_DATA))
        fail_msg("seed %llu row %u: state %u but %d %s", (unsigned long long)seed, row, st, rc,
                 rc ? err.message : "");
    if (rc) {
        unsigned column = 0;
        assert_int_equal(sscanf(err.message, "1:%u: ", &column), 1);
        assert_in_range(column, 1, g->p->n_insns);
    } else {
        same_rows(&want, &got, seed);
    }
    clear_rows(&want);
    clear_rows(&got);
}

static const uint32_t sizes[] = {0, 1, 2, 7, 100, 1023, 1024, 1025, 2048, 3000};

static void check_program(uint64_t seed)
{
    struct program g;
    struct tables t;
    struct weir_error err;
    struct rows want = {0}, got = {0};
    random_seed = seed * 0x9e3779b97f4a7c15u + 12345;
    make_program(&g, random_seed, add_output);
    build_tables(&g, &t);
    bool joins = g.p->n_tables > 0;
    uint32_t n = sizes[rnd(joins ? 6 : 10)];
    struct weir_batch *input =
        random_batch(g.n_inputs, g.input, n, 1 + rnd(40), rnd(3) * 7, !g.tame && rnd(2));
    struct ref_run ref = {.p = g.p, .input = input, .row = ref_row, .ctx = &want};
    for (uint32_t k = 0; k < g.p->n_tables; k++) ref.build[k] = t.rows[k];
    int64_t *fine = malloc((n + 1) * sizeof *fine), failing[8];
    size_t n_fine = 0, n_failing = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t before = want.n;
        if (!ref_push(&ref, i)) {
            fine[n_fine++] = i;
            continue;
        }
        while (want.n > before) free(want.text[--want.n]);
        if (n_failing < 8) failing[n_failing++] = i;
    }
    int rc = run_eval(&g, &t, input, &got, &err);
    if ((rc != 0) != (n_failing != 0) || (rc && rc != WEIR_ERR_DATA))
        fail_msg("seed %llu: %zu rows fail, but %d %s", (unsigned long long)seed, n_failing, rc,
                 rc ? err.message : "");
    if (n_failing) {
        clear_rows(&got);
        struct weir_batch *rest = subset(&g, input, fine, n_fine);
        rc = run_eval(&g, &t, rest, &got, &err);
        if (rc) fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
        weir_batch_unref(rest);
    }
    same_rows(&want, &got, seed);
    for (size_t k = 0; k < n_failing; k++) check_row(&g, &t, &ref, (uint32_t)failing[k], seed);
    for (size_t k = 0; k < 3 && n_fine; k++)
        check_row(&g, &t, &ref, (uint32_t)fine[rnd((uint32_t)n_fine)], seed);
    free(fine);
    clear_rows(&want);
    clear_rows(&got);
    weir_batch_unref(input);
    free_tables(&t);
    free_program(&g);
}

static void test_random_programs(void **state)
{
    (void)state;
    const char *first = getenv("WEIR_TEST_SEED"), *count = getenv("WEIR_TEST_COUNT");
    uint64_t from = first ? strtoull(first, NULL, 10) : 1;
    uint64_t n = count ? strtoull(count, NULL, 10) : 3000 / WEIR_TEST_SHARE;
    for (uint64_t k = 0; k < n; k++) check_program(from + k);
}

/* The n-th allocation fails, once or from then on: the same rows, or WEIR_ERR_NOMEM and no leak. */
static void walk_allocations(uint64_t seed, bool for_ever)
{
    struct program g;
    struct tables t;
    struct weir_error err = {0};
    struct rows want = {0}, got = {0};
    random_seed = seed * 0x9e3779b97f4a7c15u + 999;
    make_program(&g, random_seed, add_output);
    build_tables(&g, &t);
    struct weir_batch *input = random_batch(g.n_inputs, g.input, 1500, 20, 7, 0);
    int expected = run_eval(&g, &t, input, &want, &err);
    for (uint64_t n = 1;; n++) {
        weir_mem_fail_at(n, for_ever);
        int rc = run_eval(&g, &t, input, &got, &err);
        uint64_t made = weir_mem_fail_at(0, false);
        if (rc != WEIR_ERR_NOMEM && rc != expected)
            fail_msg("seed %llu allocation %llu: %d %s", (unsigned long long)seed,
                     (unsigned long long)n, rc, err.message);
        if (!rc) same_rows(&want, &got, seed);
        clear_rows(&got);
        if (made < n) break;
    }
    clear_rows(&want);
    weir_batch_unref(input);
    free_tables(&t);
    free_program(&g);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) walk_allocations(seed, seed & 1);
}

/* ---- messages ---- */

static uint32_t emit_at(struct weir_pipe_builder *b, struct weir_insn in, uint32_t line,
                        uint32_t column)
{
    in.pos = (struct weir_pos){line, column, 0, 0};
    return weir_pipe_emit(b, &in);
}

static void where(const struct weir_source *s, const struct weir_origin *o, uint32_t row, char *buf,
                  size_t size)
{
    (void)s;
    snprintf(buf, size, "data.csv:%llu", (unsigned long long)(o->first_row + row + 1));
}

/* SELECT CASE WHEN c > 0 THEN 10 / (a - b) END: the division is named, and the row in its file. */
static void test_message(void **state)
{
    (void)state;
    struct weir_error err;
    struct weir_type i32 = weir_type_make(WEIR_TYPE_INT), types[] = {i32, i32, i32};
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_pipeline *p;
    uint32_t c[3];
    for (uint32_t k = 0; k < 3; k++) {
        weir_pipe_add_input(b, i32);
        c[k] = emit_at(b, (struct weir_insn){.op = WEIR_OP_COLUMN, .type = i32, .a = k}, 1, 1);
    }
    struct weir_value ten = {.type = i32, .i = 10}, zero = {.type = i32}, null = {.type = i32};
    null.is_null = true;
    uint32_t x = weir_pipe_emit_const(b, &ten, (struct weir_pos){2, 1, 0, 0});
    uint32_t y =
        emit_at(b, (struct weir_insn){.op = WEIR_OP_SUB, .type = i32, .a = c[0], .b = c[1]}, 3, 22);
    x = emit_at(b, (struct weir_insn){.op = WEIR_OP_DIV, .type = i32, .a = x, .b = y}, 3, 17);
    y = weir_pipe_emit_const(b, &zero, (struct weir_pos){0});
    y = emit_at(b,
                (struct weir_insn){
                    .op = WEIR_OP_GT, .type = weir_type_make(WEIR_TYPE_BOOLEAN), .a = c[2], .b = y},
                3, 5);
    uint32_t none = weir_pipe_emit_const(b, &null, (struct weir_pos){0});
    x = emit_at(b, (struct weir_insn){.op = WEIR_OP_SELECT, .type = i32, .a = y, .b = x, .c = none},
                3, 1);
    struct weir_step s = {.kind = WEIR_STEP_OUTPUT, .n = 1, .residual = WEIR_REG_NONE};
    s.first = weir_pipe_add_operands(b, &x, 1);
    weir_pipe_add_step(b, &s);
    assert_int_equal(weir_pipe_finish(b, &p, &err), 0);
    struct weir_builder *rows;
    struct weir_batch *batch;
    assert_int_equal(weir_builder_new(NULL, 3, types, &rows, &err), 0);
    for (int i = 0; i < 2000; i++) {
        weir_builder_i64(rows, 0, i);
        weir_builder_i64(rows, 1, i == 7 || i == 1500 ? i : i + 1);
        weir_builder_i64(rows, 2, i == 1500);
    }
    assert_int_equal(weir_builder_finish(rows, &batch, &err), 0);
    struct weir_source_ops ops = {.describe_row = where};
    struct weir_source source = {.ops = &ops, .name = "data"};
    batch->origin = (struct weir_origin){.source = &source, .first_row = 100};
    struct program g = {.p = p};
    struct tables t = {0};
    struct rows got = {0};
    assert_int_equal(run_eval(&g, &t, batch, &got, &err), WEIR_ERR_DATA);
    assert_string_equal(err.message, "3:17: division by zero: 10 / 0, at data.csv:1601");
    ops.describe_row = NULL;
    assert_int_equal(run_eval(&g, &t, batch, &got, &err), WEIR_ERR_DATA);
    assert_string_equal(err.message, "3:17: division by zero: 10 / 0, at row 1601 of data");
    clear_rows(&got);
    weir_batch_unref(batch);
    weir_builder_free(rows);
    weir_free(p);
    weir_pipe_builder_free(b);
}

/* ---- what leaves ---- */

struct seen {
    struct weir_batch *batch;
    int n;
};

static int keep(void *ctx, struct weir_batch *b, struct weir_error *err)
{
    struct seen *s = ctx;
    (void)err;
    weir_batch_unref(s->batch);
    s->batch = weir_batch_ref(b);
    s->n++;
    return WEIR_OK;
}

/* A plain column of a batch that passes whole is shared, with its origin; small ones are collected. */
static void test_pass_through(void **state)
{
    (void)state;
    struct weir_error err;
    struct weir_type i64 = weir_type_make(WEIR_TYPE_BIGINT);
    struct weir_pipe_builder *b = weir_pipe_builder_new();
    struct weir_pipeline *p;
    struct weir_eval *ev;
    weir_pipe_add_input(b, i64);
    uint32_t x = emit_at(b, (struct weir_insn){.op = WEIR_OP_COLUMN, .type = i64}, 0, 0);
    uint32_t reg[2] = {
        x, emit_at(b, (struct weir_insn){.op = WEIR_OP_NEG, .type = i64, .a = x}, 0, 0)};
    struct weir_step s = {.kind = WEIR_STEP_OUTPUT, .n = 2, .residual = WEIR_REG_NONE};
    s.first = weir_pipe_add_operands(b, reg, 2);
    weir_pipe_add_step(b, &s);
    assert_int_equal(weir_pipe_finish(b, &p, &err), 0);
    struct weir_batch *big = random_batch(1, &i64, 5000, 9, 0, 0);
    struct weir_batch *small = random_batch(1, &i64, 10, 9, 0, 0);
    struct weir_source source = {.name = "t"};
    big->origin.source = &source;
    struct seen seen = {0};
    struct weir_native_sink sink = {.emit = keep, .ctx = &seen};
    assert_int_equal(weir_eval_new(p, NULL, NULL, &sink, 0, &ev, &err), 0);
    assert_int_equal(weir_eval_batch(ev, big, &err), 0);
    assert_int_equal(seen.n, 1);
    assert_ptr_equal(seen.batch->col[0].values, big->col[0].values);
    assert_ptr_equal(seen.batch->origin.source, &source);
    assert_int_equal(((const int64_t *)seen.batch->col[1].values)[4999],
                     -((const int64_t *)big->col[0].values)[4999]);
    for (int i = 0; i < 3; i++) assert_int_equal(weir_eval_batch(ev, small, &err), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(weir_eval_finish(ev, &err), 0);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.batch->n_rows, 30);
    assert_null(seen.batch->origin.source);
    assert_int_equal(weir_eval_step_rows(ev)[0], 5030);
    assert_int_equal(weir_eval_step_rows(ev)[1], 5030);
    weir_eval_free(ev);
    weir_batch_unref(seen.batch);
    weir_batch_unref(big);
    weir_batch_unref(small);
    weir_free(p);
    weir_pipe_builder_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_failed_allocations),
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
