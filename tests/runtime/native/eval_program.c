/* Random programs and rows as texts: see eval_program.h. */
#include "tests/runtime/native/eval_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/runtime/native/random_batch.h"

/* ---- rows as texts, to be sorted and compared ---- */

void add_row(struct rows *r, const struct ref_value *v, uint32_t n)
{
    char buf[4096] = "";
    int len = 0;
    for (uint32_t k = 0; k < n; k++) {
        const struct weir_value *x = &v[k].v;
        char *p = buf + len;
        size_t left = sizeof buf - (size_t)len;
        if (v[k].st)
            len += snprintf(p, left, "NULL|");
        else
            switch (weir_type_phys(x->type)) {
            case WEIR_PHYS_BOOL: len += snprintf(p, left, "%d|", x->b); break;
            case WEIR_PHYS_I128:
                len += snprintf(p, left, "%016llx%016llx|", (unsigned long long)(x->x >> 64),
                                (unsigned long long)x->x);
                break;
            case WEIR_PHYS_F32:
            case WEIR_PHYS_F64:
                len += x->f != x->f ? snprintf(p, left, "nan|") : snprintf(p, left, "%a|", x->f);
                break;
            case WEIR_PHYS_STR:
                len += snprintf(p, left, "'%.*s'|", (int)x->s.len, x->s.data);
                break;
            default: len += snprintf(p, left, "%lld|", (long long)x->i);
            }
    }
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->text = realloc(r->text, r->cap * sizeof *r->text);
    }
    r->text[r->n++] = strdup(buf);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void clear_rows(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++) free(r->text[i]);
    free(r->text);
    memset(r, 0, sizeof *r);
}

void same_rows(struct rows *want, struct rows *got, uint64_t seed)
{
    if (want->n) qsort(want->text, want->n, sizeof *want->text, by_text);
    if (got->n) qsort(got->text, got->n, sizeof *got->text, by_text);
    for (size_t i = 0; i < want->n && i < got->n; i++)
        if (strcmp(want->text[i], got->text[i]))
            fail_msg("seed %llu row %zu: want %s got %s", (unsigned long long)seed, i,
                     want->text[i], got->text[i]);
    if (want->n != got->n)
        fail_msg("seed %llu: %zu rows instead of %zu", (unsigned long long)seed, got->n, want->n);
}

/* ---- random programs ---- */

static const struct weir_type *any_types(void)
{
    static struct weir_type t[14];
    struct weir_type all[] = {
        weir_type_make(WEIR_TYPE_BOOLEAN),  weir_type_make(WEIR_TYPE_TINYINT),
        weir_type_make(WEIR_TYPE_SMALLINT), weir_type_make(WEIR_TYPE_INT),
        weir_type_make(WEIR_TYPE_BIGINT),   weir_type_make(WEIR_TYPE_FLOAT),
        weir_type_make(WEIR_TYPE_DOUBLE),   weir_type_decimal(15, 2),
        weir_type_decimal(38, 2),           weir_type_decimal(9, 0),
        weir_type_decimal(30, 10),          weir_type_string(),
        weir_type_make(WEIR_TYPE_DATE),     weir_type_timestamp(6),
    };
    memcpy(t, all, sizeof all);
    return t;
}

struct weir_type pick_type(void)
{
    return any_types()[rnd(14)];
}

uint32_t pick(struct program *g, struct weir_type t)
{
    uint32_t found[REF_MAX_REGS], n = 0;
    for (uint32_t k = 0; k < g->n_usable; k++)
        if (weir_type_same(weir_pipe_reg_type(g->b, g->usable[k]), t)) found[n++] = g->usable[k];
    if (n && rnd(8)) return found[rnd(n)];
    struct weir_pos pos = {1, weir_pipe_insn_count(g->b) + 1, 0, 0};
    struct weir_value v = nth_value(t, rnd(20), !g->tame && rnd(4) == 0);
    v.is_null = rnd(12) == 0;
    return weir_pipe_emit_const(g->b, &v, pos);
}

static uint32_t emit(struct program *g, struct weir_insn in)
{
    in.pos = (struct weir_pos){1, weir_pipe_insn_count(g->b) + 1, 0, 0};
    uint32_t r = weir_pipe_emit(g->b, &in);
    if (g->n_usable < REF_MAX_REGS) g->usable[g->n_usable++] = r;
    return r;
}

static uint32_t emit_call(struct program *g, const char *name, struct weir_type t, int n,
                          const uint32_t *arg)
{
    struct weir_insn in = {.op = WEIR_OP_CALL, .type = t};
    in.pos = (struct weir_pos){1, weir_pipe_insn_count(g->b) + 1, 0, 0};
    in.fn = (uint16_t)weir_function_index(weir_function_find(name, strlen(name)));
    uint32_t r = weir_pipe_emit_call(g->b, &in, n, arg);
    if (g->n_usable < REF_MAX_REGS) g->usable[g->n_usable++] = r;
    return r;
}

static uint32_t emit_arithmetic(struct program *g)
{
    struct weir_type t = pick_type();
    uint8_t op = (uint8_t)(WEIR_OP_ADD + rnd(6));
    while (t.id == WEIR_TYPE_BOOLEAN || weir_type_phys(t) == WEIR_PHYS_STR) t = pick_type();
    struct weir_type r = t, x = t;
    if (t.id == WEIR_TYPE_DECIMAL && (op == WEIR_OP_MUL || op == WEIR_OP_DIV)) {
        bool wide = weir_type_phys(t) == WEIR_PHYS_I128;
        while (x.id != WEIR_TYPE_DECIMAL || weir_type_phys(x) != weir_type_phys(t)) x = pick_type();
        uint32_t most = op == WEIR_OP_MUL ? t.scale + x.scale : wide ? 30 : 12;
        r = weir_type_decimal(wide ? 38 : 18, (int)rnd(most + 1));
    }
    struct weir_insn in = {.op = op, .type = r, .a = pick(g, t)};
    if (op != WEIR_OP_NEG) in.b = pick(g, x);
    return emit(g, in);
}

/* A product of two widened 64-bit DECIMALs. */
static uint32_t emit_wide_product(struct program *g)
{
    struct weir_type narrow = weir_type_decimal(15, 2), wide = weir_type_decimal(31, 2);
    struct weir_insn cast = {.op = WEIR_OP_CAST, .type = wide};
    cast.a = pick(g, narrow);
    uint32_t x = emit(g, cast);
    cast.a = pick(g, narrow);
    uint32_t y = emit(g, cast);
    uint8_t op = (uint8_t)(WEIR_OP_ADD + rnd(3));
    return emit(g, (struct weir_insn){
                       .op = op,
                       .type = weir_type_decimal(rnd(4) ? 38 : 20, op == WEIR_OP_MUL ? 4 : 2),
                       .a = x,
                       .b = y});
}

static uint32_t emit_compare(struct program *g)
{
    struct weir_type t = pick_type();
    return emit(g, (struct weir_insn){.op = (uint8_t)(WEIR_OP_EQ + rnd(6)),
                                      .type = weir_type_make(WEIR_TYPE_BOOLEAN),
                                      .a = pick(g, t),
                                      .b = pick(g, t)});
}

static uint32_t emit_logic(struct program *g)
{
    struct weir_type b = weir_type_make(WEIR_TYPE_BOOLEAN);
    uint8_t op = (uint8_t)(WEIR_OP_AND + rnd(6));
    struct weir_insn in = {.op = op, .type = b, .a = pick(g, b)};
    if (op == WEIR_OP_IS_NULL) in.a = pick(g, pick_type());
    if (op == WEIR_OP_AND || op == WEIR_OP_OR) in.b = pick(g, b);
    return emit(g, in);
}

static uint32_t emit_cast(struct program *g)
{
    struct weir_type f = pick_type(), t = pick_type();
    for (;;) {
        bool bad = weir_type_phys(f) == WEIR_PHYS_STR || weir_type_phys(t) == WEIR_PHYS_STR ||
                   (weir_type_is_float(f) && t.id == WEIR_TYPE_DECIMAL) || f.id >= WEIR_TYPE_DATE ||
                   t.id >= WEIR_TYPE_DATE;
        if (!bad) break;
        f = pick_type();
        t = pick_type();
    }
    return emit(g, (struct weir_insn){
                       .op = rnd(2) ? WEIR_OP_CAST : WEIR_OP_TRY_CAST, .type = t, .a = pick(g, f)});
}

static uint32_t emit_in(struct program *g)
{
    struct weir_expr arg[40], *args[41], column = {.op = WEIR_OP_COLUMN};
    struct weir_type t = pick_type();
    uint32_t n = 1 + rnd(rnd(3) ? 6 : 40), reg = pick(g, t);
    column.type = t;
    args[0] = &column;
    for (uint32_t k = 0; k < n; k++) {
        arg[k] = (struct weir_expr){.op = WEIR_OP_CONST, .type = t};
        arg[k].value = nth_value(t, rnd(30), false);
        arg[k].value.is_null = rnd(40) == 0;
        args[k + 1] = &arg[k];
    }
    struct weir_expr in = {.op = WEIR_OP_IN,
                           .n_args = (uint16_t)(n + 1),
                           .type = weir_type_make(WEIR_TYPE_BOOLEAN),
                           .arg = args};
    uint32_t r = weir_pipe_emit_expr(g->b, &in, &reg);
    if (g->n_usable < REF_MAX_REGS) g->usable[g->n_usable++] = r;
    return r;
}

static uint32_t emit_like(struct program *g)
{
    static const char *const patterns[] = {"%",   "",     "a%",   "%z",   "%bc%",  "_",   "a_c%",
                                           "abc", "%_z%", "b%d%", "%!%%", "__%__", "%c_", "a%b_%"};
    struct weir_expr p = {.op = WEIR_OP_CONST, .type = weir_type_string()}, e = p;
    struct weir_expr column = {.op = WEIR_OP_COLUMN, .type = weir_type_string()};
    struct weir_expr *args[] = {&column, &p, &e};
    const char *text = patterns[rnd(14)];
    uint32_t reg = pick(g, weir_type_string());
    p.value = (struct weir_value){.type = p.type, .s = {text, (uint32_t)strlen(text)}};
    p.value.is_null = rnd(20) == 0;
    e.value = (struct weir_value){.type = p.type, .s = {"!", 1}};
    struct weir_expr like = {.op = WEIR_OP_LIKE,
                             .n_args = (uint16_t)(2 + rnd(2)),
                             .type = weir_type_make(WEIR_TYPE_BOOLEAN),
                             .arg = args};
    uint32_t r = weir_pipe_emit_expr(g->b, &like, &reg);
    if (g->n_usable < REF_MAX_REGS) g->usable[g->n_usable++] = r;
    return r;
}

static void emit_random(struct program *g)
{
    struct weir_type t = pick_type();
    uint32_t arg[3];
    switch (rnd(12)) {
    case 0:
    case 1: emit_arithmetic(g); break;
    case 2:
    case 3: emit_compare(g); break;
    case 4:
    case 5: emit_logic(g); break;
    case 6: emit_cast(g); break;
    case 7:
        emit(g, (struct weir_insn){.op = WEIR_OP_SELECT,
                                   .type = t,
                                   .a = pick(g, weir_type_make(WEIR_TYPE_BOOLEAN)),
                                   .b = pick(g, t),
                                   .c = pick(g, t)});
        break;
    case 8: emit_in(g); break;
    case 9: emit_like(g); break;
    case 10: emit_wide_product(g); break;
    default:
        if (rnd(2)) {
            for (int k = 0; k < 3; k++) arg[k] = pick(g, t);
            emit_call(g, "GREATEST", t, 1 + (int)rnd(3), arg);
        } else if (weir_type_is_numeric(t)) {
            arg[0] = pick(g, t);
            emit_call(g, "ABS", t, 1, arg);
        } else {
            arg[0] = pick(g, weir_type_string());
            emit_call(g, "CHAR_LENGTH", weir_type_make(WEIR_TYPE_INT), 1, arg);
        }
    }
}

static void add_filter(struct program *g)
{
    struct weir_type b = weir_type_make(WEIR_TYPE_BOOLEAN);
    uint32_t pred = pick(g, b);
    for (uint32_t k = rnd(4); k; k--)
        pred =
            emit(g, (struct weir_insn){.op = WEIR_OP_AND, .type = b, .a = pred, .b = pick(g, b)});
    struct weir_step s = {.kind = WEIR_STEP_FILTER, .a = pred, .residual = WEIR_REG_NONE};
    weir_pipe_add_step(g->b, &s);
}

static void add_build_columns(struct program *g, uint32_t table)
{
    for (uint32_t k = 0; k < 4; k++)
        emit(g, (struct weir_insn){.op = WEIR_OP_COLUMN,
                                   .table = (uint8_t)(table + 1),
                                   .a = k,
                                   .type = g->table[table][k]});
}

static void add_probe(struct program *g, uint32_t table)
{
    uint32_t key[2];
    int n_keys = (int)rnd(3);
    for (int k = 0; k < n_keys; k++) key[k] = pick(g, g->table[table][k]);
    weir_pipe_add_table(g->b, n_keys, 4, g->table[table]);
    struct weir_step s = {.kind = WEIR_STEP_PROBE,
                          .join = (uint8_t)rnd(5),
                          .table = (uint16_t)table,
                          .n = (uint32_t)n_keys,
                          .residual = WEIR_REG_NONE};
    if (s.join == WEIR_JOIN_ANTI_NULL && rnd(2)) s.join = WEIR_JOIN_LEFT;
    s.first = weir_pipe_add_operands(g->b, key, n_keys);
    s.first_insn_after = s.residual_end = weir_pipe_insn_count(g->b);
    if (rnd(2) && s.join != WEIR_JOIN_ANTI_NULL) {
        uint32_t before = g->n_usable;
        add_build_columns(g, table);
        for (uint32_t k = rnd(4); k; k--) emit_random(g);
        s.residual = emit_compare(g);
        s.residual_end = weir_pipe_insn_count(g->b);
        weir_pipe_add_step(g->b, &s);
        weir_pipe_forget(g->b, s.first_insn_after);
        g->n_usable = before;
    } else {
        weir_pipe_add_step(g->b, &s);
    }
    if (s.join <= WEIR_JOIN_LEFT) add_build_columns(g, table);
}

static void add_expand(struct program *g, uint32_t step)
{
    struct weir_step s = {.kind = WEIR_STEP_EXPAND,
                          .a = pick(g, weir_type_timestamp(6)),
                          .residual = WEIR_REG_NONE,
                          .size_us = 1 + rnd(12),
                          .slide_us = 1 + rnd(12),
                          .offset_us = rnd(5)};
    if (rnd(2)) s.slide_us = s.size_us;
    weir_pipe_add_step(g->b, &s);
    emit(g, (struct weir_insn){
                .op = WEIR_OP_EXPAND, .a = step, .type = weir_type_make(WEIR_TYPE_BIGINT)});
}

void add_output(struct program *g)
{
    uint32_t reg[32], n = rnd(8) ? 1 + rnd(8) : 0;
    for (uint32_t k = 0; k < n; k++)
        reg[k] = rnd(4) ? g->usable[rnd(g->n_usable)] : pick(g, pick_type());
    struct weir_step s = {.kind = WEIR_STEP_OUTPUT, .n = n, .residual = WEIR_REG_NONE};
    s.first = weir_pipe_add_operands(g->b, reg, (int)n);
    weir_pipe_add_step(g->b, &s);
}

void make_program(struct program *g, uint64_t seed, void (*last)(struct program *g))
{
    struct weir_error err;
    random_seed = seed;
    memset(g, 0, sizeof *g);
    g->tame = rnd(4) != 0;
    g->b = weir_pipe_builder_new();
    g->n_inputs = 1 + (int)rnd(10);
    for (int k = 0; k < g->n_inputs; k++) {
        g->input[k] = pick_type();
        g->input[k].nullable = rnd(3) != 0;
        weir_pipe_add_input(g->b, g->input[k]);
        emit(g, (struct weir_insn){.op = WEIR_OP_COLUMN, .a = (uint32_t)k, .type = g->input[k]});
    }
    for (int t = 0; t < TABLES; t++)
        for (int k = 0; k < 4; k++) g->table[t][k] = pick_type();
    uint32_t tables = 0, steps = rnd(4), expanded = 0;
    for (uint32_t i = 0; i < steps; i++) {
        for (uint32_t k = rnd(8); k && g->n_usable < 40; k--) emit_random(g);
        if (rnd(2))
            add_filter(g);
        else if (tables < TABLES && rnd(4))
            add_probe(g, tables++);
        else if (!expanded++)
            add_expand(g, i);
        else
            add_filter(g);
    }
    for (uint32_t k = rnd(8); k && g->n_usable < 60; k--) emit_random(g);
    last(g);
    if (weir_pipe_finish(g->b, &g->p, &err)) fail_msg("%s", err.message);
    if (getenv("WEIR_TEST_SHOW")) {
        struct weir_buf text = {0};
        weir_pipeline_json(g->p, &text);
        puts(text.data);
        weir_buf_release(&text);
    }
    assert_true(g->p->n_insns <= REF_MAX_REGS);
}

void free_program(struct program *g)
{
    weir_free(g->p);
    weir_pipe_builder_free(g->b);
}

/* ---- what they run on ---- */

void build_tables(const struct program *g, struct tables *t)
{
    struct weir_error err;
    memset(t, 0, sizeof *t);
    for (uint32_t k = 0; k < g->p->n_tables; k++) {
        t->rows[k] = random_batch(4, g->table[k], rnd(5) ? rnd(12) : rnd(200), 20, rnd(3) * 5, 0);
        int rc = weir_join_build(NULL, &t->rows[k], 1, g->table[k], 4,
                                 (int)(weir_pipe_table(g->p) + k)->n_keys, &t->table[k], &err);
        if (rc) fail_msg("%s", err.message);
        t->view[k] = t->table[k];
    }
}

void free_tables(struct tables *t)
{
    for (int k = 0; k < TABLES; k++) {
        weir_join_free(t->table[k]);
        weir_batch_unref(t->rows[k]);
    }
}

struct weir_batch *subset(const struct program *g, const struct weir_batch *in, const int64_t *idx,
                          size_t n)
{
    struct weir_builder *b;
    struct weir_batch *out;
    assert_int_equal(weir_builder_new(NULL, g->n_inputs, g->input, &b, NULL), 0);
    for (int c = 0; c < g->n_inputs; c++) weir_builder_gather(b, c, &in->col[c], idx, n);
    assert_int_equal(weir_builder_finish(b, &out, NULL), 0);
    weir_builder_free(b);
    return out;
}
