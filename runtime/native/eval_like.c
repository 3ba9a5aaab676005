/* LIKE. The pattern is cut at its '%' into pieces once; a text matches when the first piece is its
   beginning, the last one its end, and the others follow each other in between, each as early as
   possible. Pieces without '_' are plain bytes, for memcmp and weir_find. */
#include <string.h>

#include "kernels/common/str.h"
#include "runtime/native/eval_internal.h"
#include "runtime/native/find.h"

struct piece {
    uint8_t *byte;  /* [len] */
    uint8_t *any;   /* [len] 1: '_' stands here (byte is not looked at) */
    uint32_t len;   /* in pattern positions: bytes and '_' */
    uint32_t chars; /* number of '_' */
};

struct pattern {
    bool null;       /* the pattern or the escape is NULL */
    bool start, end; /* the first piece is the text's beginning, the last its end */
    uint32_t n;
    struct piece *piece; /* [n], none of them empty unless it is the only one */
};

/* Bytes of S from AT that P matches, or -1. */
static int64_t match_at(const struct piece *p, const uint8_t *s, uint32_t len, uint32_t at)
{
    uint32_t i = at;
    for (uint32_t k = 0; k < p->len; k++) {
        if (i >= len) return -1;
        if (p->any[k])
            i += wk_utf8_size(s + i, len - i);
        else if (s[i++] != p->byte[k])
            return -1;
    }
    return (int64_t)i - at;
}

/* The first match of P at or after *AT: moves *AT behind it. */
static bool search(const struct piece *p, const uint8_t *s, uint32_t len, uint32_t *at)
{
    if (!p->chars) {
        if (len - *at < p->len) return false; /* also: no pointer to search when there is no text */
        const char *text = (const char *)s,
                   *hit = weir_find(text + *at, len - *at, (const char *)p->byte, p->len);
        if (!hit) return false;
        *at = (uint32_t)(hit - text) + p->len;
        return true;
    }
    for (uint32_t i = *at; i < len; i += wk_utf8_size(s + i, len - i)) {
        int64_t size = match_at(p, s, len, i);
        if (size < 0) continue;
        *at = i + (uint32_t)size;
        return true;
    }
    return false;
}

/* Does P match the end of S, not before AT? */
static bool match_end(const struct piece *p, const uint8_t *s, uint32_t len, uint32_t at)
{
    if (!p->chars) return len - at >= p->len && !memcmp(s + len - p->len, p->byte, p->len);
    uint32_t i = len, k = p->len;
    while (k) {
        if (i <= at) return false;
        k--;
        if (!p->any[k]) {
            if (s[--i] != p->byte[k]) return false;
            continue;
        }
        uint32_t back = 1;
        while (i - back > at && !wk_utf8_start(s[i - back])) back++;
        i -= back;
    }
    return true;
}

static bool matches(const struct pattern *p, struct weir_str t)
{
    const uint8_t *s = (const uint8_t *)t.data;
    uint32_t at = 0, first = 0, last = p->n;
    if (p->start && p->n) {
        int64_t size = match_at(&p->piece[0], s, t.len, 0);
        if (size < 0) return false;
        at = (uint32_t)size;
        if (p->n == 1 && p->end) return at == t.len;
        first = 1;
    }
    if (p->end && last > first) last--;
    for (uint32_t k = first; k < last; k++)
        if (!search(&p->piece[k], s, t.len, &at)) return false;
    return last == p->n || match_end(&p->piece[last], s, t.len, at);
}

static int eval_like(struct weir_eval *ev, const struct eval_op *op, uint32_t n,
                     const struct weir_vec *const *a, struct weir_vec *out, uint8_t *own_st)
{
    (void)ev;
    const struct pattern *p = op->state;
    const struct weir_str *x = a[0]->data;
    uint8_t *r = out->data;
    out->st = eval_strict(1, a, n, own_st);
    if (p->null) {
        if (!out->st) memset(own_st, WK_VALID, n);
        for (uint32_t i = 0; i < n; i++) own_st[i] = own_st[i] > WK_NULL ? own_st[i] : WK_NULL;
        memset(r, 0, n);
        out->st = own_st;
        return WEIR_OK;
    }
    for (uint32_t i = 0; i < n; i++) r[i] = matches(p, x[i]);
    return WEIR_OK;
}

/* ---- compiling ---- */

static int new_piece(struct weir_eval *ev, struct pattern *p, uint32_t room)
{
    struct piece *x = &p->piece[p->n++];
    x->byte = weir_arena_alloc(&ev->arena, room + 1);
    x->any = weir_arena_alloc(&ev->arena, room + 1);
    return x->byte && x->any ? WEIR_OK : WEIR_ERR_NOMEM;
}

static void add_byte(struct pattern *p, uint8_t byte, bool any)
{
    struct piece *x = &p->piece[p->n - 1];
    x->byte[x->len] = byte;
    x->any[x->len++] = any;
    x->chars += any;
}

static int cut(struct weir_eval *ev, struct pattern *p, struct weir_str pat, struct weir_str esc)
{
    const uint8_t *s = (const uint8_t *)pat.data;
    uint32_t pieces = 1;
    for (uint32_t i = 0; i < pat.len; i++) pieces += s[i] == '%';
    p->piece = weir_arena_alloc(&ev->arena, (pieces + 1) * sizeof *p->piece);
    if (!p->piece) return WEIR_ERR_NOMEM;
    bool open = false; /* is the last piece still growing? */
    p->start = p->end = true;
    for (uint32_t i = 0; i < pat.len;) {
        uint32_t size = wk_utf8_size(s + i, pat.len - i);
        bool escaped =
            esc.len && esc.len == size && !memcmp(s + i, esc.data, size) && i + size < pat.len;
        if (escaped) {
            i += size;
            size = wk_utf8_size(s + i, pat.len - i);
        }
        if (!escaped && s[i] == '%') {
            if (i == 0) p->start = false;
            open = p->end = false;
            i++;
            continue;
        }
        if (!open && new_piece(ev, p, pat.len - i)) return WEIR_ERR_NOMEM;
        open = p->end = true;
        if (!escaped && s[i] == '_')
            add_byte(p, 0, true);
        else
            for (uint32_t k = 0; k < size; k++) add_byte(p, s[i + k], false);
        i += size;
    }
    return pat.len == 0 ? new_piece(ev, p, 0) : WEIR_OK;
}

int eval_compile_like(struct weir_eval *ev, struct eval_op *op, struct weir_error *err)
{
    (void)err;
    const struct weir_const *all = weir_pipe_const(ev->p), *c = all + op->insn->b;
    const struct weir_const *e = op->insn->c == WEIR_REG_NONE ? NULL : all + op->insn->c;
    struct pattern *p = weir_arena_alloc(&ev->arena, sizeof *p);
    if (!p) return WEIR_ERR_NOMEM;
    op->state = p;
    op->fn = eval_like;
    op->flat = true;
    op->cost += 20;
    p->null = c->is_null || (e && e->is_null);
    if (p->null) return WEIR_OK;
    const char *bytes = weir_pipe_bytes(ev->p);
    return cut(ev, p, (struct weir_str){bytes + c->off, c->len},
               (struct weir_str){e ? bytes + e->off : "", e ? e->len : 0});
}
