/* Random schemas and data; see data.h. */

#include "data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"",           "a",          "b",
                                    "A",          "ab",         "Ab",
                                    "aB",         "abc",        "b%",
                                    "a_c",        "x",          "xyz",
                                    "foo",        "foobar",     "bar",
                                    "Bar",        "foo ",       " foo",
                                    "it's",       "10",         "-7",
                                    "007",        "3.14",       "TRUE",
                                    "NULL",       "\"q\"",      "a,b",
                                    "a\\b",       "tab\tx",     "1e3",
                                    "2024-02-29", "2023-02-30", "1999-12-31 23:59:59.5",
                                    "1970-1-2",   "true",       "F",
                                    "no",         "1.505",      "-0.045",
                                    "zz",         "Z",          "0"};
static const char *const wide_words[] = {"é",   "ß", "日本", "日本語", "naïve", "😀",
                                         "a😀b", "Ω", "ω",    "é",      "aé"};
enum {
    word_count = sizeof words / sizeof *words,
    wide_count = sizeof wide_words / sizeof *wide_words
};

static void draw_integer(struct column *c, struct rng *r)
{
    i128 lo = type_min(c->type), hi = type_max(c->type);
    switch (rng_below(r, 6)) {
    case 0:
    case 1: c->lo = -3, c->hi = 4; break;
    case 2: c->lo = 0, c->hi = 100; break;
    case 3: c->lo = -1000, c->hi = 1000; break;
    case 4: c->lo = lo / 2, c->hi = hi / 3; break;
    default: c->lo = lo, c->hi = hi; break;
    }
    if (c->lo < lo) c->lo = lo;
    if (c->hi > hi) c->hi = hi;
}

static void draw_decimal(struct column *c, struct rng *r)
{
    static const struct {
        int p, s;
    } shapes[] = {{4, 2},  {9, 0},   {10, 2}, {18, 4}, {18, 18},
                  {19, 3}, {30, 10}, {38, 5}, {5, 5},  {12, 6}};
    uint32_t at = rng_below(r, sizeof shapes / sizeof *shapes);
    c->type = type_decimal(shapes[at].p, shapes[at].s);
    if (rng_percent(r, 60)) {
        c->hi = type_max(c->type) < 99999 ? type_max(c->type) : 99999;
        c->lo = rng_percent(r, 30) ? 0 : -c->hi;
    } else {
        draw_integer(c, r);
    }
}

static void draw_float(struct column *c, struct rng *r)
{
    static const double units[] = {1, 0.25, 0.0009765625};
    c->unit = units[rng_below(r, 3)];
    c->lo = -4000, c->hi = 4000;
    if (c->type.kind == k_f64 && rng_percent(r, 25)) {
        c->unit = ldexp(1, -300), c->lo = -1 - ((i128)1 << 52), c->hi = (i128)1 << 52;
    } else if (rng_percent(r, 30)) {
        c->unit = 1, c->lo = -(1 << 23), c->hi = 1 << 23;
    }
}

static void draw_column(struct column *c, int number, struct rng *r)
{
    *c = (struct column){.ascii = true, .style = (enum style)rng_below(r, 3)};
    snprintf(c->name, sizeof c->name, "c%d", number);
    static const enum kind likely[] = {k_bool, k_i8,   k_i16, k_i32, k_i32, k_i32,   k_i64,
                                       k_i64,  k_f32,  k_f64, k_f64, k_dec, k_dec,   k_str,
                                       k_str,  k_date, k_ts,  k_i32, k_ltz, k_clock, k_bytes};
    c->type = type_of(likely[rng_below(r, sizeof likely / sizeof *likely)]);
    static const uint32_t null_percents[] = {0, 0, 5, 20, 50, 100};
    c->nulls = null_percents[rng_below(r, rng_percent(r, 10) ? 6 : 5)];
    switch (c->type.kind) {
    case k_bool: c->lo = 0, c->hi = 1; break;
    case k_f32:
    case k_f64: draw_float(c, r); break;
    case k_dec: draw_decimal(c, r); break;
    case k_str:
        c->alphabet = rng_below(r, 4);
        c->ascii = c->alphabet != 3;
        break;
    case k_date:
        c->lo = rng_percent(r, 50) ? 19000 : -20000, c->hi = c->lo + (c->lo > 0 ? 40 : 50000);
        break;
    case k_ts:
    case k_ltz: c->lo = INT64_C(-300000000000), c->hi = INT64_C(1700000000000); break;
    case k_clock: c->lo = 0, c->hi = 86399999; break;
    case k_bytes: break;
    default: draw_integer(c, r);
    }
}

/* The column that windows are made of: some minutes or hours, without NULLs, now and then before
 * 1970. */
static void draw_time(struct column *c, int number, struct rng *r)
{
    *c = (struct column){.type = {.kind = k_ts}, .style = style_range};
    snprintf(c->name, sizeof c->name, "c%d", number);
    c->lo =
        rng_percent(r, 20) ? INT64_C(-300000) : INT64_C(1700000000000) + rng_below(r, 100000000);
    static const int64_t spans[] = {20000, 600000, 36000000};
    c->hi = c->lo + spans[rng_below(r, 3)];
}

void database_schema(struct database *db, struct rng *r)
{
    *db = (struct database){.n_tables = 1 + (int)rng_below(r, max_tables)};
    for (int t = 0; t < db->n_tables; t++) {
        struct table *table = &db->table[t];
        snprintf(table->name, sizeof table->name, "t%d", t);
        table->n_columns = 3 + (int)rng_below(r, max_columns - 2);
        for (int c = 0; c < table->n_columns - 1; c++) draw_column(&table->column[c], c, r);
        draw_time(&table->column[table->n_columns - 1], table->n_columns - 1, r);
        /* Tables that can be joined: the first columns of a later table are those of the first one.
         */
        for (int c = 0;
             t > 0 && c < 2 && c < table->n_columns - 1 && c < db->table[0].n_columns - 1; c++) {
            table->column[c] = db->table[0].column[c];
            table->column[c].nulls = rng_percent(r, 50) ? 0 : 15;
        }
    }
}

static struct value string_value(const struct column *c, struct rng *r, struct pool *pool)
{
    struct value v = {0};
    if (c->alphabet == 3 && rng_percent(r, 70)) {
        v.s = wide_words[rng_below(r, wide_count)];
    } else {
        v.s = words[rng_below(r, c->style == style_few ? 6 : word_count)];
    }
    v.length = strlen(v.s);
    if (c->alphabet != 2 || rng_percent(r, 40)) return v;
    char buffer[400];
    uint32_t length = rng_below(r, rng_percent(r, 5) ? 390 : 14);
    for (uint32_t i = 0; i < length; i++) buffer[i] = (char)('a' + rng_below(r, 3));
    v.s = pool_text(pool, buffer, length);
    v.length = length;
    return v;
}

static struct value bytes_value(const struct column *c, struct rng *r, struct pool *pool)
{
    static const char corners[] = {0, 1, '\x7f', '\x80', '\xff', 'a'};
    char buffer[40];
    uint32_t length = rng_below(r, c->style == style_few ? 2 : rng_percent(r, 10) ? 40 : 5);
    for (uint32_t i = 0; i < length; i++)
        buffer[i] = c->style == style_range ? (char)rng_below(r, 256) : corners[rng_below(r, 6)];
    return (struct value){.s = pool_text(pool, buffer, length), .length = length};
}

struct value column_value(const struct column *c, struct rng *r, struct pool *pool)
{
    if (c->type.kind == k_bytes) return bytes_value(c, r, pool);
    if (c->type.kind == k_str) return string_value(c, r, pool);
    struct value v = {0};
    i128 lo = c->lo, hi = c->hi;
    if (c->style == style_few) {
        i128 step = hi / 5 - lo / 5 > 0 ? hi / 5 - lo / 5 : 1; /* hi - lo may not fit */
        v.x = lo;
        for (uint32_t k = rng_percent(r, 60) ? 1 : rng_below(r, 5); k; k--) v.x += step;
        if (v.x > hi) v.x = hi;
    } else if (c->style == style_extreme && rng_percent(r, 40)) {
        i128 corners[] = {lo, hi, lo < hi ? lo + 1 : lo, lo < hi ? hi - 1 : hi,
                          lo <= 0 && hi >= 0 ? 0 : lo};
        v.x = corners[rng_below(r, 5)];
    } else {
        v.x = rng_between(r, lo, hi);
    }
    if (kind_is_float(c->type.kind)) {
        v.d = (double)v.x * c->unit;
        if (c->type.kind == k_f32) v.d = (double)(float)v.d;
        v.x = 0;
    }
    return v;
}

static int draw_rows(struct rng *r, int max_rows)
{
    uint32_t luck = rng_below(r, 100);
    int rows = luck < 8    ? 0
               : luck < 14 ? 1
               : luck < 50 ? 2 + (int)rng_below(r, 20)
                           : 20 + (int)rng_below(r, 100);
    if (luck >= 97) rows = (int)rng_below(r, (uint32_t)max_rows);
    return rows < max_rows ? rows : max_rows;
}

void database_fill(struct database *db, struct rng *r, int max_rows)
{
    pool_free(&db->strings);
    for (int t = 0; t < db->n_tables; t++) {
        struct table *table = &db->table[t];
        table->rows = draw_rows(r, db->n_tables > 1 ? max_rows / 8 : max_rows);
        size_t cells = (size_t)table->rows * (size_t)table->n_columns;
        table->cell = get_memory(table->cell, cells * sizeof *table->cell);
        for (size_t i = 0; i < cells; i++) {
            const struct column *c = &table->column[i % (size_t)table->n_columns];
            table->cell[i] = column_value(c, r, &db->strings);
            if (rng_percent(r, c->nulls)) table->cell[i] = (struct value){.null = true};
        }
    }
}

void database_free(struct database *db)
{
    for (int t = 0; t < db->n_tables; t++) free(db->table[t].cell);
    pool_free(&db->strings);
    *db = (struct database){0};
}

static void script_row(const struct table *table, const struct value *row, struct text *out)
{
    text_add(out, "(");
    for (int c = 0; c < table->n_columns; c++) {
        if (c) text_add(out, ", ");
        value_print(out, table->column[c].type, &row[c]);
    }
    text_add(out, ")");
}

void database_script(const struct database *db, struct text *out)
{
    for (int t = 0; t < db->n_tables; t++) {
        const struct table *table = &db->table[t];
        struct value nothing[max_columns];
        for (int c = 0; c < table->n_columns; c++) nothing[c] = (struct value){.null = true};
        text_printf(out, "CREATE TEMPORARY VIEW %s AS SELECT * FROM (VALUES\n    ", table->name);
        if (table->rows == 0) script_row(table, nothing, out);
        for (int i = 0; i < table->rows; i++) {
            if (i) text_add(out, ",\n    ");
            script_row(table, &table->cell[(size_t)i * (size_t)table->n_columns], out);
        }
        text_add(out, ") AS v (");
        for (int c = 0; c < table->n_columns; c++)
            text_printf(out, "%s%s", c ? ", " : "", table->column[c].name);
        text_add(out, table->rows == 0 ? ") WHERE FALSE;\n" : ");\n");
    }
}
