/* SQLite, in memory, as the one that is right; see engine.h and sqlite_functions.h. */

#include "engine.h"
#include "print.h"
#include "sqlite_functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { steps_between_checks = 100000, most_checks = 400 };

struct sqlite_state {
    sqlite3 *db;
    int fault;
    int checks;
    struct text sql;
};

static int too_long(void *context)
{
    struct sqlite_state *s = context;
    return ++s->checks > most_checks;
}

static void bind_value(sqlite3_stmt *statement, int at, struct type t, const struct value *v)
{
    if (v->null) {
        sqlite3_bind_null(statement, at);
    } else if (t.kind == k_dec) {
        unsigned char bytes[16];
        u128 biased = (u128)v->x ^ (u128)1 << 127;
        for (int i = 15; i >= 0; i--, biased >>= 8) bytes[i] = (unsigned char)biased;
        sqlite3_bind_blob(statement, at, bytes, 16, SQLITE_TRANSIENT);
    } else if (t.kind == k_str) {
        sqlite3_bind_text(statement, at, v->s, (int)v->length, SQLITE_STATIC);
    } else if (t.kind == k_bytes) { /* as digits: one-byte blobs are failures */
        struct text hex = {0};
        text_hex(&hex, v->s, v->length);
        sqlite3_bind_text(statement, at, hex.data ? hex.data : "", (int)hex.length,
                          SQLITE_TRANSIENT);
        text_free(&hex);
    } else if (kind_is_float(t.kind)) {
        sqlite3_bind_double(statement, at, v->d);
    } else {
        sqlite3_bind_int64(statement, at, (int64_t)v->x);
    }
}

static bool load_table(struct sqlite_state *s, const struct table *t)
{
    text_clear(&s->sql);
    text_printf(&s->sql, "CREATE TABLE %s (", t->name);
    for (int c = 0; c < t->n_columns; c++)
        text_printf(&s->sql, "%s%s", c ? ", " : "", t->column[c].name);
    text_add(&s->sql, ")");
    if (sqlite3_exec(s->db, s->sql.data, NULL, NULL, NULL) != SQLITE_OK) return false;
    text_clear(&s->sql);
    text_printf(&s->sql, "INSERT INTO %s VALUES (", t->name);
    for (int c = 0; c < t->n_columns; c++) text_add(&s->sql, c ? ", ?" : "?");
    text_add(&s->sql, ")");
    sqlite3_stmt *insert;
    if (sqlite3_prepare_v2(s->db, s->sql.data, -1, &insert, NULL) != SQLITE_OK) return false;
    int code = SQLITE_DONE;
    for (int i = 0; i < t->rows && code == SQLITE_DONE; i++) {
        for (int c = 0; c < t->n_columns; c++)
            bind_value(insert, c + 1, t->column[c].type,
                       &t->cell[(size_t)i * (size_t)t->n_columns + (size_t)c]);
        code = sqlite3_step(insert);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    return code == SQLITE_DONE;
}

static bool load(struct engine *e, const struct database *db)
{
    struct sqlite_state *s = e->state;
    s->checks = 0;
    bool fine = true;
    for (int t = 0; t < max_tables && fine; t++) {
        char drop[40];
        snprintf(drop, sizeof drop, "DROP TABLE IF EXISTS t%d", t);
        fine = sqlite3_exec(s->db, drop, NULL, NULL, NULL) == SQLITE_OK;
    }
    for (int t = 0; t < db->n_tables && fine; t++) fine = load_table(s, &db->table[t]);
    if (!fine) fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(s->db));
    return fine;
}

static const char *bytes_of_hex(const char *hex, size_t length, struct pool *pool)
{
    char *bytes = pool_text(pool, hex, length);
    for (size_t i = 0; i < length; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (char)strtol(digits, NULL, 16);
    }
    return bytes;
}

static bool read_value(sqlite3_stmt *statement, int c, struct type t, struct value *v,
                       struct pool *strings)
{
    int kind = sqlite3_column_type(statement, c);
    v->null = kind == SQLITE_NULL;
    if (v->null) return true;
    if (t.kind == k_dec) {
        if (kind != SQLITE_BLOB || sqlite3_column_bytes(statement, c) != 16) return false;
        v->x = decimal_of_blob(sqlite3_column_blob(statement, c));
    } else if (t.kind == k_str) {
        if (kind != SQLITE_TEXT) return false;
        v->length = (size_t)sqlite3_column_bytes(statement, c);
        v->s = pool_text(strings, (const char *)sqlite3_column_text(statement, c), v->length);
    } else if (t.kind == k_bytes) {
        if (kind != SQLITE_TEXT) return false;
        v->length = (size_t)sqlite3_column_bytes(statement, c) / 2;
        v->s = bytes_of_hex((const char *)sqlite3_column_text(statement, c), v->length, strings);
    } else if (kind_is_float(t.kind)) {
        if (kind != SQLITE_FLOAT && kind != SQLITE_INTEGER) return false;
        v->d = sqlite3_column_double(statement, c);
    } else {
        if (kind != SQLITE_INTEGER) return false;
        v->x = sqlite3_column_int64(statement, c);
    }
    return true;
}

static void read_rows(struct sqlite_state *s, sqlite3_stmt *statement, const struct query *q,
                      struct result *out)
{
    int code;
    out->n_columns = q->n_items;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct value *row = result_row(out);
        for (int c = 0; c < q->n_items; c++) {
            if (read_value(statement, c, q->item[c].expr->type, &row[c], &out->strings)) continue;
            result_end(out, outcome_broken, "SQLite's column o%d is of another type", c);
            return;
        }
        if (out->n_rows > 200000) {
            result_end(out, outcome_skipped, "more than 200000 rows");
            return;
        }
    }
    if (code == SQLITE_INTERRUPT) {
        result_end(out, outcome_skipped, "SQLite needs too long");
    } else if (code != SQLITE_DONE) {
        result_end(out, outcome_failed, "%s", sqlite3_errmsg(s->db));
    } else if (saw_nan) {
        result_end(out, outcome_skipped, "a NaN");
    }
}

static void run(struct engine *e, const struct query *q, struct result *out)
{
    struct sqlite_state *s = e->state;
    sqlite3_stmt *statement;
    result_clear(out);
    text_clear(&s->sql);
    print_sqlite(&s->sql, q, s->fault);
    s->checks = 0;
    saw_nan = false;
    if (sqlite3_prepare_v2(s->db, s->sql.data, -1, &statement, NULL) != SQLITE_OK) {
        result_end(out, outcome_broken, "SQLite: %s in: %.400s", sqlite3_errmsg(s->db),
                   s->sql.data);
        return;
    }
    read_rows(s, statement, q, out);
    sqlite3_finalize(statement);
}

static void close_engine(struct engine *e)
{
    struct sqlite_state *s = e->state;
    sqlite3_close(s->db);
    text_free(&s->sql);
    free(s);
    free(e);
}

bool sqlite_has_full_join(void)
{
    return sqlite3_libversion_number() >= 3039000;
}

struct engine *sqlite_engine(int fault)
{
    struct engine *e = get_memory(NULL, sizeof *e);
    struct sqlite_state *s = get_memory(NULL, sizeof *s);
    *s = (struct sqlite_state){.fault = fault};
    *e = (struct engine){
        .name = "SQLite", .load = load, .run = run, .close = close_engine, .state = s};
    /* Without its query optimizations: an oracle is slow rather than wrong. (3.40 flattens sub-queries
       that have a FULL JOIN into ones that mean something else.) */
    if (sqlite3_open(":memory:", &s->db) == SQLITE_OK &&
        sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, s->db, ~0) == SQLITE_OK &&
        register_number_functions(s->db) == SQLITE_OK &&
        register_text_functions(s->db) == SQLITE_OK && register_aggregates(s->db) == SQLITE_OK &&
        sqlite3_exec(s->db, "PRAGMA case_sensitive_like = ON", NULL, NULL, NULL) == SQLITE_OK) {
        sqlite3_progress_handler(s->db, steps_between_checks, too_long, s);
        return e;
    }
    fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(s->db));
    close_engine(e);
    return NULL;
}
