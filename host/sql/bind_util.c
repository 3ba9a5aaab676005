/* The binder's tools: errors with a position, arrays in the arena, constructors of expressions, and
   walks over them.

   Expressions are DAGs: COALESCE, BETWEEN and CASE use their operand twice. A walk that follows
   each path takes time exponential in the nesting, so bind_check_size refuses an expression whose
   tree would be too large (or deeper than plain recursion allows) before anybody walks it, and
   rewriting remembers what it has done. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/sql/bind_impl.h"
#include "runtime/native/vec.h"

#define MAX_DEPTH 2500
#define MAX_TREE  2000000

/* ---- errors and memory ---- */

static void *fail_at(struct binder *b, int code, const struct weir_pos *pos, const char *fmt,
                     va_list ap)
{
    if (b->status) return NULL;
    char text[sizeof b->err->message];
    vsnprintf(text, sizeof text, fmt, ap);
    b->status = weir_sql_fail(b->err, code, b->file, pos, "%s", text);
    return NULL;
}

void *bind_fail(struct binder *b, const struct weir_pos *pos, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_at(b, WEIR_ERR_BIND, pos, fmt, ap);
    va_end(ap);
    return NULL;
}

void *bind_unsupported(struct binder *b, const struct weir_pos *pos, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_at(b, WEIR_ERR_UNSUPPORTED, pos, fmt, ap);
    va_end(ap);
    return NULL;
}

void *bind_nomem(struct binder *b)
{
    if (!b->status) b->status = weir_fail_nomem(b->err, 0, "binding a statement");
    return NULL;
}

void *bind_alloc(struct binder *b, size_t n, size_t size)
{
    size_t bytes;
    void *p = __builtin_mul_overflow(n, size, &bytes) ? NULL : weir_arena_alloc(b->arena, bytes);
    return p ? p : bind_nomem(b);
}

void *bind_grow(struct binder *b, void *items, int n, int *cap, size_t size)
{
    if (n < *cap) return items;
    int bigger = *cap ? *cap * 2 : 8;
    void *p = bind_alloc(b, (size_t)bigger, size);
    if (!p) return NULL;
    if (n) memcpy(p, items, (size_t)n * size);
    *cap = bigger;
    return p;
}

const char *bind_strdup(struct binder *b, const char *s)
{
    char *copy = weir_arena_strndup(b->arena, s, strlen(s));
    return copy ? copy : bind_nomem(b);
}

const char *bind_type_text(struct binder *b, struct weir_type t)
{
    char text[64];
    t.nullable = 1;
    const char *copy = weir_arena_printf(b->arena, "%s", weir_type_text(t, text, sizeof text));
    return copy ? copy : "?";
}

bool bind_word_is(const char *s, const char *word)
{
    for (; *s && *word; s++, word++) {
        char c = *s >= 'a' && *s <= 'z' ? (char)(*s - 32) : *s;
        if (c != *word) return false;
    }
    return !*s && !*word;
}

/* ---- constructors ---- */

/* Inside of a view or a computed column, where the text is another one, a position is that of the
   table's name in the statement. */
static struct weir_pos place(const struct binder *b, struct weir_pos pos)
{
    return b->from.line ? b->from : pos;
}

struct weir_type bind_boolean_type(bool nullable)
{
    struct weir_type t = weir_type_make(WEIR_TYPE_BOOLEAN);
    t.nullable = nullable;
    return t;
}

struct weir_expr *bind_new_n(struct binder *b, enum weir_op op, struct weir_type t,
                             struct weir_pos pos, int n)
{
    struct weir_expr *e = weir_expr_new(b->arena, op, t, place(b, pos), n);
    return e ? e : bind_nomem(b);
}

struct weir_expr *bind_new(struct binder *b, enum weir_op op, struct weir_type t,
                           struct weir_pos pos, int n, struct weir_expr *a0, struct weir_expr *a1,
                           struct weir_expr *a2)
{
    struct weir_expr *arg[3] = {a0, a1, a2};
    for (int i = 0; i < n; i++)
        if (!arg[i]) return NULL;
    struct weir_expr *e = bind_new_n(b, op, t, pos, n);
    for (int i = 0; e && i < n; i++) e->arg[i] = arg[i];
    return e;
}

struct weir_expr *bind_column(struct binder *b, int column, struct weir_type t, struct weir_pos pos)
{
    struct weir_expr *e = weir_expr_column(b->arena, column, t, place(b, pos));
    return e ? e : bind_nomem(b);
}

struct weir_expr *bind_const(struct binder *b, const struct weir_value *v, struct weir_pos pos)
{
    struct weir_expr *e = weir_expr_const(b->arena, v, place(b, pos));
    return e ? e : bind_nomem(b);
}

struct weir_expr *bind_const_i64(struct binder *b, struct weir_type t, int64_t v,
                                 struct weir_pos pos)
{
    struct weir_value value = {.type = t, .i = v};
    value.type.nullable = 0;
    return bind_const(b, &value, pos);
}

struct weir_expr *bind_null(struct binder *b, struct weir_type t, struct weir_pos pos)
{
    struct weir_value value = {.type = t, .is_null = true};
    value.type.nullable = 1;
    return bind_const(b, &value, pos);
}

struct weir_expr *bind_bool(struct binder *b, bool v, struct weir_pos pos)
{
    struct weir_value value = {.type = bind_boolean_type(false), .b = v};
    return bind_const(b, &value, pos);
}

struct weir_expr *bind_not(struct binder *b, struct weir_expr *e)
{
    return e ? bind_new(b, WEIR_OP_NOT, e->type, e->pos, 1, e, NULL, NULL) : NULL;
}

struct weir_expr *bind_is_null(struct binder *b, struct weir_expr *e)
{
    return e ? bind_new(b, WEIR_OP_IS_NULL, bind_boolean_type(false), e->pos, 1, e, NULL, NULL)
             : NULL;
}

struct weir_expr *bind_chain(struct binder *b, enum weir_op op, struct weir_expr **e, int n)
{
    if (n == 1) return e[0];
    struct weir_expr *l = bind_chain(b, op, e, n / 2);
    struct weir_expr *r = l ? bind_chain(b, op, e + n / 2, n - n / 2) : NULL;
    if (!r) return NULL;
    return bind_new(b, op, bind_boolean_type(l->type.nullable || r->type.nullable), l->pos, 2, l, r,
                    NULL);
}

/* ---- walks ---- */

bool bind_uses(const struct weir_expr *e, bool (*test)(int column, const void *ctx),
               const void *ctx)
{
    if (e->op == WEIR_OP_COLUMN) return test(e->column, ctx);
    for (int i = 0; i < e->n_args; i++)
        if (bind_uses(e->arg[i], test, ctx)) return true;
    return false;
}

bool bind_is_constant(const struct weir_expr *e)
{
    if (e->op == WEIR_OP_COLUMN) return false;
    if (e->op == WEIR_OP_CALL && e->fn->volatile_) return false;
    for (int i = 0; i < e->n_args; i++)
        if (!bind_is_constant(e->arg[i])) return false;
    return true;
}

struct weir_expr *bind_try_fold(struct binder *b, struct weir_expr *e, struct weir_error *why)
{
    struct timespec now;
    struct weir_value v;
    if (e->op == WEIR_OP_CONST) return e;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    int status = weir_eval_const(b->arena, e, now_us, &v, why);
    if (status == WEIR_ERR_NOMEM) return bind_nomem(b);
    if (status) return NULL;
    v.type = e->type;
    return bind_const(b, &v, e->pos);
}

struct weir_expr *bind_fold(struct binder *b, struct weir_expr *e)
{
    struct weir_error why = {0};
    struct weir_expr *c = e ? bind_try_fold(b, e, &why) : NULL;
    if (e && !c && !b->status) /* the message begins with line and column */
        b->status = weir_fail(b->err, why.code, "%s:%s", b->file, why.message);
    return c;
}

/* ---- rewriting ---- */

static size_t memo_slot(const struct rewrite *r, const struct weir_expr *e)
{
    size_t i = ((uintptr_t)e >> 4) * 0x9E3779B97F4A7C15u >> 20 & (r->cap_memo - 1);
    while (r->memo[2 * i] && r->memo[2 * i] != e) i = (i + 1) & (r->cap_memo - 1);
    return i;
}

static bool memo_put(struct rewrite *r, struct weir_expr *from, struct weir_expr *to)
{
    if (r->n_memo * 2 >= r->cap_memo) {
        struct rewrite old = *r;
        r->cap_memo = old.cap_memo ? old.cap_memo * 2 : 16;
        r->memo = bind_alloc(r->b, r->cap_memo * 2, sizeof(struct weir_expr *));
        if (!r->memo) return false;
        for (size_t i = 0; i < old.cap_memo; i++) {
            if (!old.memo[2 * i]) continue;
            size_t k = memo_slot(r, old.memo[2 * i]);
            r->memo[2 * k] = old.memo[2 * i];
            r->memo[2 * k + 1] = old.memo[2 * i + 1];
        }
    }
    size_t i = memo_slot(r, from);
    r->memo[2 * i] = from;
    r->memo[2 * i + 1] = to;
    r->n_memo++;
    return true;
}

static struct weir_expr *rewrite_args(struct rewrite *r, struct weir_expr *e)
{
    struct weir_expr *copy = NULL;
    for (int i = 0; i < e->n_args; i++) {
        struct weir_expr *a = bind_rewrite(r, e->arg[i]);
        if (!a) return NULL;
        if (a == e->arg[i]) continue;
        if (!copy) {
            copy = weir_expr_new(r->b->arena, e->op, e->type, e->pos, e->n_args);
            if (!copy) return bind_nomem(r->b);
            struct weir_expr **arg = copy->arg;
            *copy = *e;
            copy->arg = arg;
            memcpy(arg, e->arg, sizeof *arg * (size_t)e->n_args);
        }
        copy->arg[i] = a;
    }
    return copy ? copy : e;
}

struct weir_expr *bind_rewrite(struct rewrite *r, struct weir_expr *e)
{
    if (e->n_args && r->cap_memo) {
        size_t i = memo_slot(r, e);
        if (r->memo[2 * i]) return r->memo[2 * i + 1];
    }
    struct weir_expr *to = r->leaf(r, e);
    if (r->b->status) return NULL;
    if (!to) to = rewrite_args(r, e);
    if (to && e->n_args && !memo_put(r, e, to)) return NULL;
    return to;
}

static struct weir_expr *shift_leaf(struct rewrite *r, struct weir_expr *e)
{
    if (e->op != WEIR_OP_COLUMN) return NULL;
    return bind_column(r->b, e->column + r->shift, e->type, e->pos);
}

struct weir_expr *bind_shift(struct binder *b, struct weir_expr *e, int shift)
{
    struct rewrite r = {.b = b, .leaf = shift_leaf, .shift = shift};
    return shift ? bind_rewrite(&r, e) : e;
}

/* ---- size ---- */

struct sizes {
    struct binder *b;
    const struct weir_expr *root;
    size_t n, cap;
    struct {
        const struct weir_expr *e;
        uint64_t size;
    } * slot;
};

static size_t size_slot(const struct sizes *s, const struct weir_expr *e)
{
    size_t i = ((uintptr_t)e >> 4) * 0x9E3779B97F4A7C15u >> 20 & (s->cap - 1);
    while (s->slot[i].e && s->slot[i].e != e) i = (i + 1) & (s->cap - 1);
    return i;
}

static bool size_room(struct sizes *s)
{
    if (s->n * 2 < s->cap) return true;
    struct sizes old = *s;
    s->cap = old.cap ? old.cap * 2 : 64;
    s->slot = weir_calloc(s->cap, sizeof *s->slot);
    if (!s->slot) {
        s->slot = old.slot;
        s->cap = old.cap;
        bind_nomem(s->b);
        return false;
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.slot[i].e) s->slot[size_slot(s, old.slot[i].e)] = old.slot[i];
    weir_free(old.slot);
    return true;
}

/* Nodes of the tree below E, 0 after a failure. */
static uint64_t tree_size(struct sizes *s, const struct weir_expr *e, int depth)
{
    if (!e->n_args) return 1;
    if (s->cap) {
        size_t i = size_slot(s, e);
        if (s->slot[i].e) return s->slot[i].size;
    }
    uint64_t size = 1;
    for (int i = 0; i < e->n_args && size <= MAX_TREE && depth < MAX_DEPTH; i++) {
        uint64_t below = tree_size(s, e->arg[i], depth + 1);
        if (!below) return 0;
        size += below;
    }
    if (size > MAX_TREE || depth >= MAX_DEPTH) {
        bind_fail(s->b, &s->root->pos,
                  "this expression is %s; break it up with a sub-query in FROM",
                  depth >= MAX_DEPTH ? "too deeply nested" : "too large");
        return 0;
    }
    if (!size_room(s)) return 0;
    size_t i = size_slot(s, e);
    s->slot[i].e = e;
    s->slot[i].size = size;
    s->n++;
    return size;
}

bool bind_check_size(struct binder *b, const struct weir_expr *e)
{
    struct sizes s = {.b = b, .root = e};
    bool ok = tree_size(&s, e, 0) != 0;
    weir_free(s.slot);
    return ok;
}
