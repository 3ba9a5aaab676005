/* Text functions that make new text. */
#include <string.h>

#include "kernels/common/str.h"
#include "runtime/column/text.h"
#include "runtime/native/find.h"
#include "runtime/native/fn_internal.h"

#define TEXT_MAX (64u << 20) /* of one result: a REPEAT that means well stays below */

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)f, (void)n_args

static uint32_t size_at(struct weir_str s, uint32_t at)
{
    return wk_utf8_size((const uint8_t *)s.data + at, s.len - at);
}

/* Room for a result of LEN bytes; too long a one is refused. */
static char *put(struct weir_eval *ctx, struct weir_vec *out, uint8_t *st, uint32_t i, uint64_t len)
{
    if (len <= TEXT_MAX) return weir_fn_put(ctx, out, i, NULL, (size_t)len);
    st[i] = WK_ERR_ARGUMENT;
    STR_OUT = (struct weir_str){"", 0};
    return NULL;
}

static char *add(char *p, struct weir_str s)
{
    if (s.len) memcpy(p, s.data, s.len);
    return p + s.len;
}

static int eval_concat(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        uint64_t len = 0;
        for (int k = 0; k < n_args; k++) len += fn_str(arg[k], i).len;
        char *p = put(ctx, out, st, i, len);
        for (int k = 0; p && k < n_args; k++) p = add(p, fn_str(arg[k], i));
    }
    return WEIR_OK;
}

/* CONCAT_WS(separator, text, …): NULL texts are left out, a NULL separator gives NULL. */
static int eval_concat_ws(ARGS)
{
    UNUSED;
    uint8_t *st = weir_eval_states(ctx, out, n);
    if (!st) return WEIR_ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str sep = fn_str(arg[0], i);
        uint64_t len = 0;
        st[i] = weir_vec_state(arg[0], i);
        for (int k = 1; k < n_args; k++) {
            uint8_t x = weir_vec_state(arg[k], i);
            if (x > WK_NULL && x > st[i]) st[i] = x;
            if (!x) len += sep.len + fn_str(arg[k], i).len;
        }
        STR_OUT = (struct weir_str){"", 0};
        char *p = st[i] ? NULL : put(ctx, out, st, i, len);
        if (!p) continue;
        const char *start = p;
        bool first = true;
        for (int k = 1; k < n_args; k++) {
            if (weir_vec_state(arg[k], i)) continue;
            if (!first) p = add(p, sep);
            p = add(p, fn_str(arg[k], i));
            first = false;
        }
        STR_OUT.len = (uint32_t)(p - start);
    }
    return WEIR_OK;
}

static int eval_reverse(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        char *p = weir_fn_put(ctx, out, i, NULL, s.len);
        for (uint32_t at = 0; p && at < s.len;) {
            uint32_t size = size_at(s, at);
            memcpy(p + s.len - at - size, s.data + at, size);
            at += size;
        }
    }
    return WEIR_OK;
}

static int eval_repeat(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        int32_t times = fn_i32(arg[1], i);
        uint64_t len = times > 0 ? (uint64_t)times * s.len : 0;
        char *p = put(ctx, out, st, i, len);
        for (int32_t k = 0; p && len && k < times; k++) p = add(p, s);
    }
    return WEIR_OK;
}

static int eval_chr(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        int64_t code = fn_i64(arg[0], i);
        uint8_t c = (uint8_t)code; /* the character U+0000 … U+00FF */
        char utf8[2] = {(char)c, 0};
        uint32_t len = code < 0 ? 0 : 1;
        if (len && c >= 0x80) {
            utf8[0] = (char)(0xc0 | c >> 6);
            utf8[1] = (char)(0x80 | (c & 0x3f));
            len = 2;
        }
        weir_fn_put(ctx, out, i, utf8, len);
    }
    return WEIR_OK;
}

/* ---- REPLACE, TRANSLATE, OVERLAY ---- */

/* Every occurrence of WHAT by WITH; where WHAT is empty, WITH goes around each character (Java). */
static uint64_t replace(struct weir_str s, struct weir_str what, struct weir_str with, char *p)
{
    uint64_t len = 0;
    for (uint32_t at = 0; at <= s.len;) {
        const char *hit = NULL;
        if (!what.len)
            hit = s.data + at;
        else if (at < s.len)
            hit = weir_find(s.data + at, s.len - at, what.data, what.len);
        uint32_t keep = hit ? (uint32_t)(hit - s.data) - at : s.len - at;
        uint32_t skip = what.len;
        if (p) p = add(p, (struct weir_str){s.data + at, keep});
        len += keep;
        if (!hit) break;
        if (p) p = add(p, with);
        len += with.len;
        at += keep + skip;
        if (!what.len) {
            uint32_t size = at < s.len ? size_at(s, at) : 1;
            if (at < s.len) {
                if (p) p = add(p, (struct weir_str){s.data + at, size});
                len += size;
            }
            at += size;
        }
    }
    return len;
}

static int eval_replace(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i), what = fn_str(arg[1], i), with = fn_str(arg[2], i);
        char *p = put(ctx, out, st, i, replace(s, what, with, NULL));
        if (p) replace(s, what, with, p);
    }
    return WEIR_OK;
}

/* Each character of FROM by the one at the same place in TO; those beyond TO's end disappear. */
static int eval_translate(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i), from = fn_str(arg[1], i), to = fn_str(arg[2], i);
        char *p = put(ctx, out, st, i, (uint64_t)s.len * 4), *start = p;
        for (uint32_t at = 0; p && at < s.len;) {
            struct weir_str c = {s.data + at, size_at(s, at)};
            uint32_t x = 0, y = 0;
            at += c.len;
            while (x < from.len) {
                uint32_t size = size_at(from, x);
                if (size == c.len && !memcmp(from.data + x, c.data, size)) break;
                x += size;
                y += y < to.len ? size_at(to, y) : 0;
            }
            if (x < from.len)
                c = y < to.len ? (struct weir_str){to.data + y, size_at(to, y)}
                               : (struct weir_str){"", 0};
            p = add(p, c);
        }
        if (p) STR_OUT.len = (uint32_t)(p - start);
    }
    return WEIR_OK;
}

static uint32_t offset_of(struct weir_str s, int64_t k)
{
    uint32_t at = 0;
    for (; k > 0 && at < s.len; k--) at += size_at(s, at);
    return at;
}

static int64_t chars_of(struct weir_str s)
{
    int64_t k = 0;
    for (uint32_t at = 0; at < s.len; at += size_at(s, at)) k++;
    return k;
}

/* Flink: a start outside the text leaves it alone; a length that is not positive, or reaches over
   the end, drops the rest. */
static int eval_overlay(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i), by = fn_str(arg[1], i);
        int64_t chars = chars_of(s), start = fn_i32(arg[2], i);
        int64_t len = n_args > 3 ? fn_i32(arg[3], i) : chars_of(by);
        if (start <= 0 || start > chars) {
            STR_OUT = s;
            continue;
        }
        uint32_t head = offset_of(s, start - 1), tail = s.len;
        if (len > 0 && start + len <= chars) tail = offset_of(s, start - 1 + len);
        char *p = put(ctx, out, st, i, (uint64_t)head + by.len + (s.len - tail));
        if (!p) continue;
        p = add(add(p, (struct weir_str){s.data, head}), by);
        add(p, (struct weir_str){s.data + tail, s.len - tail});
    }
    return WEIR_OK;
}

/* ---- padding ---- */

static int eval_pad(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        struct weir_str pad = n_args > 2 ? fn_str(arg[2], i) : (struct weir_str){" ", 1};
        int64_t want = fn_i32(arg[1], i), have = chars_of(s);
        STR_OUT = (struct weir_str){"", 0};
        if (want < 0 || !pad.len) {
            st[i] = WK_NULL;
            continue;
        }
        if (have >= want) {
            STR_OUT = (struct weir_str){s.data, offset_of(s, want)};
            continue;
        }
        int64_t missing = want - have, each = chars_of(pad);
        uint32_t rest = offset_of(pad, missing % each);
        char *p = put(ctx, out, st, i, (uint64_t)(missing / each) * pad.len + rest + s.len);
        if (!p) continue;
        if (f->param) p = add(p, s);
        for (int64_t k = 0; k < missing / each; k++) p = add(p, pad);
        p = add(p, (struct weir_str){pad.data, rest});
        if (!f->param) add(p, s);
    }
    return WEIR_OK;
}

/* ELT(index, text, …): the index-th text, from 1. */
static int eval_elt(ARGS)
{
    UNUSED;
    uint8_t *st = weir_eval_states(ctx, out, n);
    if (!st) return WEIR_ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        int32_t k = fn_i32(arg[0], i);
        st[i] = weir_vec_state(arg[0], i);
        STR_OUT = (struct weir_str){"", 0};
        if (st[i]) continue;
        st[i] = k < 1 || k >= n_args ? WK_NULL : weir_vec_state(arg[k], i);
        if (!st[i]) STR_OUT = fn_str(arg[k], i);
    }
    return WEIR_OK;
}

/* clang-format off */
static const struct fn_entry entries[] = {
    {{"CONCAT", 1, 16, "CONCAT(text, ...)", weir_fn_infer, eval_concat, .param = 0}, "c*:s"},
    {{"CONCAT_WS", 1, 16, "CONCAT_WS(separator, text, ...)", weir_fn_infer, eval_concat_ws, .sees_null = true}, "sc*:s"},
    {{"REVERSE", 1, 1, "REVERSE(text)", weir_fn_infer, eval_reverse, .param = 0}, "s:s"},
    {{"REPEAT", 2, 2, "REPEAT(text, times)", weir_fn_infer, eval_repeat, .param = 0}, "si:s"},
    {{"CHR", 1, 1, "CHR(code)", weir_fn_infer, eval_chr, .param = 0}, "l:s"},
    {{"REPLACE", 3, 3, "REPLACE(text, search, replacement)", weir_fn_infer, eval_replace, .param = 0}, "sss:s"},
    {{"TRANSLATE", 3, 3, "TRANSLATE(text, from, to)", weir_fn_infer, eval_translate, .param = 0}, "sss:s"},
    {{"OVERLAY", 3, 4, "OVERLAY(text PLACING replacement FROM start [FOR length])", weir_fn_infer, eval_overlay, .param = 0}, "ssi[i:s"},
    {{"LPAD", 2, 3, "LPAD(text, length [, padding])", weir_fn_infer, eval_pad, .param = 0}, "si[s:s?"},
    {{"RPAD", 2, 3, "RPAD(text, length [, padding])", weir_fn_infer, eval_pad, .param = 1}, "si[s:s?"},
    {{"ELT", 2, 16, "ELT(index, text, ...)", weir_fn_infer, eval_elt, .sees_null = true}, "is*:s?"},
};
/* clang-format on */
FN_FAMILY(weir_fn_text_edit, entries);
