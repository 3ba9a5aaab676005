/* Arrow in and out: round trips of every type through slices and offsets, every foreign format with
   known values, streams, ownership (each foreign array released exactly once), refusals, and every
   allocation failing in turn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/column/arrow.h"

static uint64_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)((seed >> 33) % n) : 0;
}

/* ---- every type of ours ---- */

#define N_TYPES 17
static struct weir_type types[N_TYPES];
static struct weir_field fields[N_TYPES];
static struct weir_schema schema = {N_TYPES, fields};

static int setup(void **state)
{
    (void)state;
    int n = 0;
    for (int id = WEIR_TYPE_NULL; id <= WEIR_TYPE_DOUBLE; id++)
        types[n++] = weir_type_make((enum weir_type_id)id);
    types[n++] = weir_type_decimal(12, 3);
    types[n++] = weir_type_decimal(18, 0);
    types[n++] = weir_type_decimal(19, 4);
    types[n++] = weir_type_decimal(38, 38);
    types[n++] = weir_type_string();
    types[n++] = weir_type_make(WEIR_TYPE_VARBINARY);
    types[n++] = weir_type_make(WEIR_TYPE_DATE);
    types[n] = weir_type_make(WEIR_TYPE_TIME);
    types[n++].precision = 3;
    types[n++] = weir_type_make(WEIR_TYPE_TIMESTAMP_LTZ);
    assert_int_equal(n, N_TYPES);
    types[3].nullable = 0;
    for (int i = 0; i < n; i++) fields[i] = (struct weir_field){"column", types[i]};
    fields[0].name = "first";
    return 0;
}

static struct weir_batch *random_rows(uint32_t n)
{
    struct weir_builder *b;
    struct weir_batch *out;
    assert_int_equal(weir_builder_new(NULL, N_TYPES, types, &b, NULL), 0);
    for (int c = 0; c < N_TYPES; c++)
        for (uint32_t i = 0; i < n; i++) {
            int64_t x = (int64_t)rnd(1000) - 500;
            struct weir_value v = {.type = types[c]};
            v.is_null = types[c].nullable && (types[c].id == WEIR_TYPE_NULL || (c % 3 && !rnd(4)));
            switch (weir_type_phys(types[c])) {
            case WEIR_PHYS_BOOL: v.b = x & 1; break;
            case WEIR_PHYS_I8: v.i = (int8_t)x; break;
            case WEIR_PHYS_I128: v.x = (weir_i128)x * 1000000007 * 1000000007 * 1000000007; break;
            case WEIR_PHYS_F32:
            case WEIR_PHYS_F64: v.f = (double)x / 4; break;
            case WEIR_PHYS_STR:
                v.s = (struct weir_str){"abcdefghijklmnopq" + (x & 7), rnd(9)};
                break;
            default: v.i = x * 7;
            }
            weir_builder_value(b, c, &v);
        }
    assert_int_equal(weir_builder_finish(b, &out, NULL), 0);
    weir_builder_free(b);
    return out;
}

static bool same(const struct weir_value *a, const struct weir_value *b)
{
    if (!weir_type_equal(a->type, b->type) || a->is_null != b->is_null) return false;
    if (a->is_null) return true;
    switch (weir_type_phys(a->type)) {
    case WEIR_PHYS_BOOL: return a->b == b->b;
    case WEIR_PHYS_I128: return a->x == b->x;
    case WEIR_PHYS_F32:
    case WEIR_PHYS_F64: return a->f == b->f;
    case WEIR_PHYS_STR: return a->s.len == b->s.len && !memcmp(a->s.data, b->s.data, a->s.len);
    default: return a->i == b->i;
    }
}

/* GOT is rows [FROM, …) of WANT, its columns COLUMNS[…] (NULL: all). */
static void check_slice(const struct weir_batch *got, const struct weir_batch *want, size_t from,
                        const int *columns)
{
    for (uint32_t c = 0; c < got->n_cols; c++)
        for (uint32_t i = 0; i < got->n_rows; i++) {
            struct weir_value x = weir_column_value(&got->col[c], i);
            struct weir_value y =
                weir_column_value(&want->col[columns ? (uint32_t)columns[c] : c], from + i);
            if (!same(&x, &y)) fail_msg("column %u row %u of slice %zu", c, i, from);
        }
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct weir_batch *b = random_rows(round ? rnd(200) : 0), *got;
        struct ArrowSchema s;
        struct ArrowArray a;
        struct weir_buffer *owner;
        struct weir_schema read;
        struct weir_arena arena;
        weir_arena_init(&arena);
        assert_int_equal(weir_arrow_export_schema(&schema, &s, NULL), 0);
        assert_int_equal(weir_arrow_export_batch(b, &a, NULL), 0);
        assert_int_equal(weir_arrow_import_schema(&arena, &s, &read, NULL), 0);
        assert_int_equal(read.n, N_TYPES);
        assert_string_equal(read.field[0].name, "first");
        for (int c = 0; c < N_TYPES; c++)
            assert_true(weir_type_equal(read.field[c].type, types[c]));
        /* offsets: the struct's, and one child's in front of it */
        uint32_t skip = rnd(b->n_rows + 1), child = rnd(N_TYPES), ahead = rnd(skip + 1);
        a.offset = skip - ahead;
        a.length = b->n_rows - skip;
        for (int c = 0; c < N_TYPES; c++) {
            a.children[c]->offset = ahead;
            a.children[c]->length = b->n_rows - ahead;
        }
        a.children[child]->null_count = -1;
        assert_int_equal(weir_arrow_own(&a, &owner, NULL), 0);
        assert_null(a.release);
        assert_int_equal(weir_arrow_length(owner), b->n_rows - skip);
        for (int k = 0; k < 5; k++) {
            uint32_t from = rnd(b->n_rows - skip + 1), n = rnd(b->n_rows - skip - from + 1);
            int columns[3] = {1, 9, (int)rnd(N_TYPES)};
            assert_int_equal(weir_arrow_import_batch(&s, owner, from, n, NULL, 0, NULL, &got, NULL),
                             0);
            assert_int_equal(got->n_cols, N_TYPES);
            check_slice(got, b, skip + from, NULL);
            weir_batch_unref(got);
            assert_int_equal(
                weir_arrow_import_batch(&s, owner, from, n, columns, 3, NULL, &got, NULL), 0);
            check_slice(got, b, skip + from, columns);
            if (k == 4) weir_buffer_unref(owner); /* the batch lives on */
            check_slice(got, b, skip + from, columns);
            weir_batch_unref(got);
        }
        s.release(&s);
        weir_arena_release(&arena);
        weir_batch_unref(b);
    }
}

static void test_zero_copy(void **state)
{
    (void)state;
    struct weir_batch *b = random_rows(100), *got;
    struct ArrowSchema s;
    struct ArrowArray a, child;
    struct weir_buffer *owner;
    assert_int_equal(weir_arrow_export_schema(&schema, &s, NULL), 0);
    assert_int_equal(weir_arrow_export_batch(b, &a, NULL), 0);
    child = *a.children[4]; /* moved out: it outlives the parent */
    a.children[4]->release = NULL;
    assert_ptr_equal(child.buffers[1], b->col[4].values);
    a.release(&a);
    assert_null(a.release);
    assert_int_equal(((const int32_t *)child.buffers[1])[5], weir_column_value(&b->col[4], 5).i);
    child.release(&child);
    assert_int_equal(weir_arrow_export_batch(b, &a, NULL), 0);
    assert_int_equal(weir_arrow_own(&a, &owner, NULL), 0);
    struct weir_pool pool = {.name = "test"};
    int columns[] = {4, 7, 12};
    assert_int_equal(weir_arrow_import_batch(&s, owner, 16, 50, columns, 3, &pool, &got, NULL), 0);
    assert_ptr_equal(got->col[0].values, (const int32_t *)b->col[4].values + 16);
    assert_ptr_equal(got->col[1].values, (const double *)b->col[7].values + 16);
    assert_ptr_equal(got->col[2].data, b->col[12].data);
    assert_int_equal(pool.peak, 0);
    assert_true(weir_batch_bytes(got) >= 50 * 12);
    weir_buffer_unref(owner);
    weir_batch_unref(got);
    weir_batch_unref(b);
    s.release(&s);
}

/* ---- foreign arrays ---- */

static int n_alive;

struct foreign {
    struct ArrowSchema column, *columns[1], schema, dict_schema;
    struct ArrowArray child, *children[1], array, dict;
    const void *struct_buffers[1], *buffers[6], *dict_buffers[3];
};

static void release_foreign(struct ArrowArray *a)
{
    n_alive--;
    a->release = NULL;
}

static void keep_schema(struct ArrowSchema *s)
{
    s->release = NULL;
}

/* One column of N rows after OFFSET others. */
static void foreign_init(struct foreign *f, const char *format, int64_t n, int64_t offset,
                         int n_buffers, const void *const *buffers)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < n_buffers; i++) f->buffers[i] = buffers[i];
    f->column = (struct ArrowSchema){
        .format = format, .name = "x", .flags = ARROW_FLAG_NULLABLE, .release = keep_schema};
    f->columns[0] = &f->column;
    f->schema = (struct ArrowSchema){
        .format = "+s", .n_children = 1, .children = f->columns, .release = keep_schema};
    f->child = (struct ArrowArray){.length = n,
                                   .null_count = -1,
                                   .offset = offset,
                                   .n_buffers = n_buffers,
                                   .buffers = f->buffers};
    f->children[0] = &f->child;
    f->array = (struct ArrowArray){.length = n,
                                   .n_buffers = 1,
                                   .buffers = f->struct_buffers,
                                   .n_children = 1,
                                   .children = f->children,
                                   .release = release_foreign};
    n_alive++;
}

static int foreign_import(struct foreign *f, struct weir_batch **out, struct weir_error *err)
{
    struct weir_buffer *owner;
    *out = NULL;
    assert_int_equal(weir_arrow_own(&f->array, &owner, err), 0);
    int64_t n = weir_arrow_length(owner);
    int rc = weir_arrow_import_batch(&f->schema, owner, 0, (uint32_t)n, NULL, 0, NULL, out, err);
    weir_buffer_unref(owner);
    return rc;
}

/* FORMAT over BUFFERS gives TYPE and the integers WANT; row 1 is NULL. */
static void check_integers(const char *format, const void *values, const char *type,
                           const int64_t *want, int n, int offset)
{
    static const uint8_t validity[] = {0xfd, 0xff};
    uint8_t shifted[3];
    for (int i = 0; i < 3; i++) /* the same bits after OFFSET others */
        shifted[i] = (uint8_t)((i < 2 ? (unsigned)validity[i] << offset : 0) |
                               (i ? (unsigned)validity[i - 1] >> (8 - offset) : 0));
    struct foreign f;
    struct weir_batch *b;
    struct weir_error err;
    char text[64];
    foreign_init(&f, format, n, offset, 2, (const void *[]){shifted, values});
    if (foreign_import(&f, &b, &err)) fail_msg("%s: %s", format, err.message);
    assert_string_equal(weir_type_text(b->col[0].type, text, sizeof text), type);
    for (int i = 0; i < n; i++) {
        struct weir_value v = weir_column_value(&b->col[0], (size_t)i);
        assert_int_equal(v.is_null, i == 1);
        if (i == 1) continue;
        if (weir_type_phys(v.type) == WEIR_PHYS_I128)
            assert_true(v.x == (weir_i128)(uint64_t)want[i]);
        else
            assert_int_equal(v.i, want[i]);
    }
    weir_batch_unref(b);
    assert_int_equal(n_alive, 0);
}

static void test_integers(void **state)
{
    (void)state;
    const uint8_t u8[] = {9, 9, 0, 1, 255};
    const uint16_t u16[] = {9, 0, 1, 65535};
    const uint32_t u32[] = {0, 1, UINT32_MAX};
    const uint64_t u64[] = {7, 0, 1, UINT64_MAX};
    check_integers("C", u8, "SMALLINT", (int64_t[]){0, 1, 255}, 3, 2);
    check_integers("S", u16, "INT", (int64_t[]){0, 1, 65535}, 3, 1);
    check_integers("I", u32, "BIGINT", (int64_t[]){0, 1, UINT32_MAX}, 3, 0);
    check_integers("L", u64, "DECIMAL(20, 0)", (int64_t[]){0, 1, -1}, 3, 1);
    const int64_t ms[] = {0, 0, -1, 86400000, -86400001}, s[] = {0, INT64_MAX, -1, 5};
    const int64_t ns[] = {1999, INT64_MIN, -1, -1000, -1001};
    check_integers("tdm", ms, "DATE", (int64_t[]){0, 0, -1, 1, -2}, 5, 0);
    check_integers("tss:", s, "TIMESTAMP(0)", (int64_t[]){0, 0, -1000000, 5000000}, 4, 0);
    check_integers("tsm:UTC", ms, "TIMESTAMP_LTZ(3)", (int64_t[]){0, 0, -1000, 86400000000}, 4, 0);
    check_integers("tsn:", ns, "TIMESTAMP(6)", (int64_t[]){1, 0, -1, -1, -2}, 5, 0);
    const int32_t seconds[] = {0, 1, 86399};
    const int64_t us[] = {999, 1, 86399999999}, nanos[] = {999999, 1, 86399999999999};
    check_integers("tts", seconds, "TIME(0)", (int64_t[]){0, 0, 86399000}, 3, 0);
    check_integers("ttu", us, "TIME(3)", (int64_t[]){0, 0, 86399999}, 3, 0);
    check_integers("ttn", nanos, "TIME(3)", (int64_t[]){0, 0, 86399999}, 3, 0);
    const int64_t d128[] = {5, 0, -7, 0, -9, -1}, d64[] = {5, 0, -9};
    const int32_t d32[] = {5, 0, -9};
    check_integers("d:18,2", d128, "DECIMAL(18, 2)", (int64_t[]){5, 0, -9}, 3, 0);
    check_integers("d:18,2,64", d64, "DECIMAL(18, 2)", (int64_t[]){5, 0, -9}, 3, 0);
    check_integers("d:9,2,32", d32, "DECIMAL(9, 2)", (int64_t[]){5, 0, -9}, 3, 0);
}

static void check_texts(struct foreign *f, const char *type, int n, const char *const *want)
{
    struct weir_batch *b;
    struct weir_error err;
    char text[64];
    if (foreign_import(f, &b, &err)) fail_msg("%s: %s", f->column.format, err.message);
    assert_string_equal(weir_type_text(b->col[0].type, text, sizeof text), type);
    for (int i = 0; i < n; i++) {
        struct weir_value v = weir_column_value(&b->col[0], (size_t)i);
        assert_int_equal(v.is_null, want[i] == NULL);
        if (!want[i]) continue;
        assert_int_equal(v.s.len, strlen(want[i]));
        assert_memory_equal(v.s.data, want[i], v.s.len);
    }
    weir_batch_unref(b);
    assert_int_equal(n_alive, 0);
}

struct view {
    int32_t len;
    union {
        char bytes[12];
        struct {
            char prefix[4];
            int32_t buffer, offset;
        };
    };
};

static void test_texts(void **state)
{
    (void)state;
    struct foreign f;
    const int64_t large[] = {2, 2, 5, 5, 9};
    const char *data = "xxabcdefg";
    foreign_init(&f, "U", 3, 1, 3, (const void *[]){NULL, large, data});
    check_texts(&f, "STRING", 3, (const char *const[]){"abc", "", "defg"});
    foreign_init(&f, "Z", 4, 0, 3, (const void *[]){NULL, large, data});
    check_texts(&f, "BYTES", 4, (const char *const[]){"", "abc", "", "defg"});
    foreign_init(&f, "w:3", 2, 1, 2, (const void *[]){NULL, data});
    check_texts(&f, "BINARY(3)", 2, (const char *const[]){"bcd", "efg"});
    const char *one = "a long text in a buffer", *two = "and another one";
    const int64_t sizes[] = {(int64_t)strlen(one), (int64_t)strlen(two)};
    struct view views[4] = {{.len = 5, .bytes = "short"}, {.len = 99}, {.len = 0}, {.len = 15}};
    views[1].buffer = 7; /* NULL: not looked at */
    views[3].buffer = 1;
    struct view long_view = {.len = 18};
    long_view.offset = 5;
    views[2] = long_view;
    const uint8_t validity = 0xfd;
    foreign_init(&f, "vu", 4, 0, 5, (const void *[]){&validity, views, one, two, sizes});
    check_texts(&f, "STRING", 4, (const char *const[]){"short", NULL, "g text in a buffer", two});
    const uint8_t all = 0xff;
    struct weir_batch *b;
    struct weir_error err;
    foreign_init(&f, "vz", 4, 0, 5, (const void *[]){&all, views, one, two, sizes});
    assert_int_equal(foreign_import(&f, &b, &err), WEIR_ERR_INVALID);
    assert_non_null(strstr(err.message, "outside"));
    assert_int_equal(n_alive, 0);
}

static void dictionary(struct foreign *f, const char *format, int n, const void *const *buffers)
{
    static const int32_t off[] = {0, 3, 3, 7};
    static const uint8_t valid = 0xfb; /* the third is NULL */
    foreign_init(f, format, n, 0, 2, buffers);
    f->dict_schema = (struct ArrowSchema){.format = "u", .release = keep_schema};
    f->column.dictionary = &f->dict_schema;
    f->dict_buffers[0] = &valid;
    f->dict_buffers[1] = off;
    f->dict_buffers[2] = "onefour";
    f->dict = (struct ArrowArray){
        .length = 3, .null_count = 1, .n_buffers = 3, .buffers = f->dict_buffers};
    f->child.dictionary = &f->dict;
}

static void test_dictionary(void **state)
{
    (void)state;
    struct foreign f;
    struct weir_batch *b;
    struct weir_error err;
    const int8_t i8[] = {1, 0, 2, 0, 99};
    const uint64_t u64[] = {1, 0};
    const uint8_t validity = 0x0f;
    dictionary(&f, "c", 5, (const void *[]){&validity, i8});
    check_texts(&f, "STRING", 5, (const char *const[]){"", "one", NULL, "one", NULL});
    dictionary(&f, "L", 2, (const void *[]){NULL, u64});
    check_texts(&f, "STRING", 2, (const char *const[]){"", "one"});
    dictionary(&f, "c", 5, (const void *[]){NULL, i8});
    assert_int_equal(foreign_import(&f, &b, &err), WEIR_ERR_INVALID);
    assert_non_null(strstr(err.message, "'x'"));
    assert_non_null(strstr(err.message, "dictionary"));
    assert_int_equal(n_alive, 0);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const formats[] = {"+l",        "+s",  "e",      "tDs",   "tiM",
                                          "d:39,0",    "d:5", "d:5,-1", "d:5,6", "w:0",
                                          "d:5,2,256", "??",  "tsx:",   "w:"};
    struct weir_arena arena;
    weir_arena_init(&arena);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct foreign f;
        struct weir_error err;
        struct weir_schema s;
        struct weir_batch *b;
        foreign_init(&f, formats[i], 0, 0, 0, NULL);
        assert_int_equal(weir_arrow_import_schema(&arena, &f.schema, &s, &err),
                         WEIR_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, formats[i]));
        assert_non_null(strstr(err.message, "'x'"));
        assert_int_equal(foreign_import(&f, &b, &err), WEIR_ERR_UNSUPPORTED);
        assert_int_equal(n_alive, 0);
    }
    weir_arena_release(&arena);
    struct weir_field interval = {"i", weir_type_make(WEIR_TYPE_INTERVAL_DAY)};
    struct ArrowSchema out;
    struct weir_error err;
    assert_int_equal(weir_arrow_export_schema(&(struct weir_schema){1, &interval}, &out, &err),
                     WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "'i'"));
    assert_null(out.release);
}

static void check_fails(const char *format, int64_t n, int n_buffers, const void *const *buffers,
                        int code, const char *text)
{
    struct foreign f;
    struct weir_batch *b;
    struct weir_error err;
    foreign_init(&f, format, n, 0, n_buffers, buffers);
    assert_int_equal(foreign_import(&f, &b, &err), code);
    if (!strstr(err.message, text)) fail_msg("%s", err.message);
    assert_null(b);
    assert_int_equal(n_alive, 0);
}

static void test_bad_values(void **state)
{
    (void)state;
    const int64_t s[] = {0, INT64_MAX}, wide[] = {0, 0, 0, 1}, down[] = {5, 3},
                  far[] = {0, 1LL << 40};
    const int32_t down32[] = {5, 3};
    check_fails("tss:", 2, 2, (const void *[]){NULL, s}, WEIR_ERR_DATA, "row 1");
    check_fails("d:18,0", 2, 2, (const void *[]){NULL, wide}, WEIR_ERR_DATA, "DECIMAL(18, 0)");
    check_fails("tdm", 2, 2, (const void *[]){NULL, s}, WEIR_ERR_DATA, "DATE");
    check_fails("U", 1, 3, (const void *[]){NULL, down, ""}, WEIR_ERR_INVALID, "decrease");
    check_fails("u", 1, 3, (const void *[]){NULL, down32, ""}, WEIR_ERR_INVALID, "decrease");
    check_fails("U", 1, 3, (const void *[]){NULL, far, ""}, WEIR_ERR_DATA, "2 GiB");
    check_fails("u", 1, 2, (const void *[]){NULL, down32}, WEIR_ERR_INVALID, "missing");
    check_fails("i", 1, 2, (const void *[]){NULL, NULL}, WEIR_ERR_INVALID, "no values");
    struct foreign f;
    struct weir_batch *b;
    struct weir_error err;
    foreign_init(&f, "i", 1, 0, 2, (const void *[]){NULL, down32});
    f.child.length = 0;
    assert_int_equal(foreign_import(&f, &b, &err), WEIR_ERR_INVALID);
    const uint8_t null_row = 2;
    foreign_init(&f, "i", 2, 0, 2, (const void *[]){NULL, down32});
    f.struct_buffers[0] = &null_row;
    f.array.null_count = 1;
    assert_int_equal(foreign_import(&f, &b, &err), WEIR_ERR_UNSUPPORTED);
    struct weir_buffer *owner;
    assert_int_equal(weir_arrow_own(&f.array, &owner, &err), WEIR_ERR_INVALID);
    assert_int_equal(n_alive, 0);
}

/* Values at addresses that are no multiple of their size are copied. */
static void test_unaligned(void **state)
{
    (void)state;
    char bytes[64] = {0};
    const int32_t v[] = {1, -2, 3};
    memcpy(bytes + 1, v, sizeof v);
    struct foreign f;
    struct weir_batch *b;
    foreign_init(&f, "i", 3, 0, 2, (const void *[]){NULL, bytes + 1});
    assert_int_equal(foreign_import(&f, &b, NULL), 0);
    assert_int_equal((uintptr_t)b->col[0].values % 4, 0);
    for (size_t i = 0; i < 3; i++) assert_int_equal(weir_column_value(&b->col[0], i).i, v[i]);
    weir_batch_unref(b);
    assert_int_equal(n_alive, 0);
}

/* ---- streams ---- */

struct queue {
    struct weir_batch *batch[4];
    int n, at, done;
    int fail; /* the status after the last batch */
};

static int queue_next(void *ctx, struct weir_batch **out, struct weir_error *err)
{
    struct queue *q = ctx;
    if (q->at < q->n) {
        *out = weir_batch_ref(q->batch[q->at++]);
        return 1;
    }
    return q->fail ? weir_fail(err, q->fail, "the disk burns") : 0;
}

static void queue_done(void *ctx)
{
    ((struct queue *)ctx)->done++;
}

static void test_stream(void **state)
{
    (void)state;
    for (int fail = 0; fail < 2; fail++) {
        struct queue q = {.n = 4, .fail = fail ? WEIR_ERR_IO : 0};
        const uint32_t rows[] = {100, 0, 7, 1000};
        for (int i = 0; i < 4; i++) q.batch[i] = random_rows(rows[i]);
        struct ArrowArrayStream stream;
        struct weir_arrow_reader *r;
        struct weir_schema s;
        struct weir_error err;
        struct weir_arena arena;
        weir_arena_init(&arena);
        assert_int_equal(
            weir_arrow_export_stream(&schema, queue_next, queue_done, &q, &stream, &err), 0);
        assert_int_equal(weir_arrow_reader_new(&stream, &arena, &s, &r, &err), 0);
        assert_null(stream.release);
        assert_int_equal(s.n, N_TYPES);
        uint32_t total = 0, batch = 0, at = 0;
        struct weir_batch *b;
        int rc;
        while ((rc = weir_arrow_reader_next(r, NULL, 0, 64, NULL, &b, &err)) == 1) {
            assert_true(b->n_rows > 0 && b->n_rows <= 64);
            while (at == q.batch[batch]->n_rows) batch++, at = 0;
            check_slice(b, q.batch[batch], at, NULL);
            at += b->n_rows;
            total += b->n_rows;
            weir_batch_unref(b);
        }
        assert_int_equal(rc, fail ? WEIR_ERR_IO : 0);
        if (fail) assert_non_null(strstr(err.message, "the disk burns"));
        assert_int_equal(total, 1107);
        weir_arrow_reader_free(r);
        assert_int_equal(q.done, 1);
        for (int i = 0; i < 4; i++) weir_batch_unref(q.batch[i]);
        weir_arena_release(&arena);
    }
}

static int no_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    (void)s, (void)out;
    return EINVAL;
}
static void release_stream(struct ArrowArrayStream *s)
{
    n_alive--;
    s->release = NULL;
}

static void test_broken_stream(void **state)
{
    (void)state;
    struct weir_arena arena;
    struct weir_schema s;
    struct weir_arrow_reader *r;
    struct weir_error err;
    weir_arena_init(&arena);
    struct ArrowArrayStream stream = {.get_schema = no_schema, .release = release_stream};
    n_alive = 1;
    assert_int_equal(weir_arrow_reader_new(&stream, &arena, &s, &r, &err), WEIR_ERR_IO);
    assert_int_equal(n_alive, 0);
    assert_int_equal(err.native_code, EINVAL);
    stream.release = NULL;
    assert_int_equal(weir_arrow_reader_new(&stream, &arena, &s, &r, &err), WEIR_ERR_INVALID);
    weir_arena_release(&arena);
}

/* ---- out of memory ---- */

static bool scenario(struct weir_batch *b)
{
    struct queue q = {.batch = {b}, .n = 1};
    struct ArrowArrayStream stream;
    struct weir_arrow_reader *r = NULL;
    struct weir_schema s;
    struct weir_error err;
    struct weir_arena arena;
    struct weir_batch *got;
    bool ok = false;
    weir_arena_init(&arena);
    if (weir_arrow_export_stream(&schema, queue_next, queue_done, &q, &stream, &err)) goto out;
    if (weir_arrow_reader_new(&stream, &arena, &s, &r, &err)) goto out;
    int rc = weir_arrow_reader_next(r, NULL, 0, 50, NULL, &got, &err);
    if (rc == 1) {
        check_slice(got, b, 0, NULL);
        weir_batch_unref(got);
    }
    ok = rc == 1;
out:
    weir_arrow_reader_free(r);
    weir_arena_release(&arena);
    return ok;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct weir_batch *b = random_rows(77);
    for (uint64_t n = 1;; n++) {
        weir_mem_fail_at(n, n & 1);
        bool ok = scenario(b);
        weir_mem_fail_at(0, false);
        assert_int_equal(atomic_load(&b->refs), 1);
        if (ok) {
            assert_true(n > 100);
            break;
        }
    }
    const int8_t i8[] = {1, 0, 2, 0, 1};
    for (uint64_t n = 1;; n++) {
        struct foreign f;
        struct weir_batch *got = NULL;
        struct weir_buffer *owner;
        dictionary(&f, "c", 5, (const void *[]){NULL, i8});
        weir_mem_fail_at(n, false);
        int rc = weir_arrow_own(&f.array, &owner, NULL);
        if (rc) {
            f.array.release(&f.array);
        } else {
            rc = weir_arrow_import_batch(&f.schema, owner, 0, 5, NULL, 0, NULL, &got, NULL);
            weir_buffer_unref(owner);
        }
        weir_mem_fail_at(0, false);
        weir_batch_unref(got);
        assert_int_equal(n_alive, 0);
        if (!rc) break;
        assert_int_equal(rc, WEIR_ERR_NOMEM);
    }
    weir_batch_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_zero_copy),
        cmocka_unit_test(test_integers),      cmocka_unit_test(test_texts),
        cmocka_unit_test(test_dictionary),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_values),    cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_stream),        cmocka_unit_test(test_broken_stream),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
