/* Text functions that look at text or take parts of it. Positions and lengths count code points,
   from 1. Results that are parts of an argument are views of it. */
#include <string.h>

#include "kernels/common/str.h"
#include "runtime/native/find.h"
#include "runtime/native/fn_case.h"
#include "runtime/native/fn_internal.h"

static uint32_t chars_of(struct weir_str s)
{
    uint8_t st = WK_VALID;
    return (uint32_t)wk_char_length_str((const uint8_t *)s.data, s.len, &st);
}

/* Byte offset of character K (from 0), S.len when there are no more. */
static uint32_t offset_of(struct weir_str s, uint64_t k)
{
    uint32_t at = 0;
    while (k && at < s.len) {
        at += wk_utf8_size((const uint8_t *)s.data + at, s.len - at);
        k--;
    }
    return at;
}

static struct weir_str slice(struct weir_str s, uint64_t from, uint64_t n)
{
    uint32_t begin = offset_of(s, from);
    struct weir_str rest = {s.data + begin, s.len - begin};
    rest.len = offset_of(rest, n);
    return rest;
}

/* Byte offset of NEEDLE in S from byte AT, or -1. */
static int64_t find(struct weir_str s, struct weir_str needle, uint32_t at)
{
    if (at > s.len) return -1;
    if (!needle.len) return at;
    const char *hit = weir_find(s.data + at, s.len - at, needle.data, needle.len);
    return hit ? hit - s.data : -1;
}

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)ctx, (void)f, (void)n_args

/* ---- length ---- */

enum { LENGTH_CHARS, LENGTH_BYTES, LENGTH_BITS, ASCII_CODE };

static int eval_length(ARGS)
{
    UNUSED;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str s = fn_str(arg[0], i);
        uint32_t x = s.len;
        if (f->param == LENGTH_CHARS) x = chars_of(s);
        if (f->param == LENGTH_BITS) x = s.len * 8;
        if (f->param == ASCII_CODE) x = s.len ? (uint8_t)s.data[0] : 0;
        ((int32_t *)out->data)[i] = (int32_t)x;
    }
    return WEIR_OK;
}

/* ---- case ---- */

enum { CASE_UPPER, CASE_LOWER, CASE_TITLE };

static bool is_ascii(struct weir_str s)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < s.len; i++) any |= (uint8_t)s.data[i];
    return any < 0x80;
}

static void case_ascii(char *p, struct weir_str s, uint8_t first, uint8_t last)
{
    for (uint32_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        p[i] = (char)(c ^ ((c >= first && c <= last) << 5));
    }
}

/* Returns the length; a letter never grows by more than half of its bytes (an i with a dot). */
static uint32_t case_unicode(char *p, struct weir_str s, int how)
{
    uint32_t at = 0, len = 0, size;
    bool inside = false;
    while (at < s.len) {
        uint32_t c = fn_decode(s.data + at, s.len - at, &size);
        bool up = how == CASE_UPPER || (how == CASE_TITLE && !inside);
        inside = fn_is_alnum(c);
        at += size;
        if (up && c == 0xdf) { /* sharp s */
            p[len++] = 'S';
            p[len++] = 'S';
        } else {
            len += fn_encode(up ? fn_upper(c) : fn_lower(c), p + len);
        }
    }
    return len;
}

static int eval_case(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        bool ascii = f->param != CASE_TITLE && is_ascii(s);
        char *p = weir_fn_put(ctx, out, i, NULL, ascii ? s.len : (size_t)s.len * 2);
        if (!p) continue;
        if (ascii) {
            bool up = f->param == CASE_UPPER;
            case_ascii(p, s, up ? 'a' : 'A', up ? 'z' : 'Z');
        } else {
            STR_OUT.len = case_unicode(p, s, f->param);
        }
    }
    return WEIR_OK;
}

/* ---- trim: by a set of characters ---- */

enum { TRIM_LEADING = 1, TRIM_TRAILING = 2, TRIM_BOTH = 3 };

static bool in_set(struct weir_str set, const char *c, uint32_t size)
{
    for (uint32_t at = 0; at < set.len;) {
        uint32_t k = wk_utf8_size((const uint8_t *)set.data + at, set.len - at);
        if (k == size && !memcmp(set.data + at, c, size)) return true;
        at += k;
    }
    return false;
}

static struct weir_str trim(struct weir_str s, struct weir_str set, int where)
{
    while (s.len && where & TRIM_LEADING) {
        uint32_t size = wk_utf8_size((const uint8_t *)s.data, s.len);
        if (!in_set(set, s.data, size)) break;
        s.data += size;
        s.len -= size;
    }
    while (s.len && where & TRIM_TRAILING) {
        uint32_t size = 1;
        while (size < s.len && !wk_utf8_start((uint8_t)s.data[s.len - size])) size++;
        if (!in_set(set, s.data + s.len - size, size)) break;
        s.len -= size;
    }
    return s;
}

static int eval_trim(ARGS)
{
    UNUSED;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str set = n_args > 1 ? fn_str(arg[1], i) : (struct weir_str){" ", 1};
        STR_OUT = trim(fn_str(arg[0], i), set, f->param);
    }
    return WEIR_OK;
}

/* ---- parts ---- */

/* Flink's rules: from 1, a negative start counts from the end, 0 is 1; a negative length is NULL.
 */
static int eval_substring(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        int64_t start = fn_i32(arg[1], i), len = n_args > 2 ? fn_i32(arg[2], i) : INT32_MAX;
        STR_OUT = (struct weir_str){"", 0};
        if (len < 0) {
            st[i] = WK_NULL;
            continue;
        }
        if (start > 0) start--;
        if (start < 0) start += chars_of(s);
        if (start >= 0) STR_OUT = slice(s, (uint64_t)start, (uint64_t)len);
    }
    return WEIR_OK;
}

static int eval_left_right(ARGS)
{
    UNUSED;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str s = fn_str(arg[0], i);
        int32_t len = fn_i32(arg[1], i);
        uint32_t chars = f->param && len > 0 ? chars_of(s) : 0;
        if (len <= 0)
            STR_OUT = (struct weir_str){"", 0};
        else if (f->param && chars > (uint32_t)len)
            STR_OUT = slice(s, chars - (uint32_t)len, chars);
        else
            STR_OUT = f->param ? s : slice(s, 0, (uint64_t)len);
    }
    return WEIR_OK;
}

/* POSITION(needle, text), LOCATE(needle, text [, from]); INSTR swaps the first two. */
static int eval_position(ARGS)
{
    UNUSED;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str s = fn_str(arg[!f->param], i), needle = fn_str(arg[f->param], i);
        int32_t from = n_args > 2 ? fn_i32(arg[2], i) : 1;
        uint32_t at = offset_of(s, from > 0 ? (uint64_t)from - 1 : 0);
        int64_t hit = from > 0 ? find(s, needle, at) : -1;
        ((int32_t *)out->data)[i] =
            hit < 0 ? 0 : (int32_t)chars_of((struct weir_str){s.data, (uint32_t)hit}) + 1;
    }
    return WEIR_OK;
}

static int eval_starts_ends(ARGS)
{
    UNUSED;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_str s = fn_str(arg[0], i), x = fn_str(arg[1], i);
        bool fits = x.len <= s.len;
        uint32_t at = fits && f->param ? s.len - x.len : 0;
        ((uint8_t *)out->data)[i] = fits && (!x.len || !memcmp(s.data + at, x.data, x.len));
    }
    return WEIR_OK;
}

/* The IDX-th part (from 0) between separators; NULL when there is none. */
static int eval_split_index(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i), sep = fn_str(arg[1], i);
        int32_t index = fn_i32(arg[2], i);
        uint32_t from = 0;
        bool found = index >= 0 && s.len && sep.len;
        for (; found && index; index--) {
            int64_t hit = find(s, sep, from);
            found = hit >= 0;
            from = (uint32_t)hit + sep.len;
        }
        STR_OUT = (struct weir_str){"", 0};
        if (!found) {
            st[i] = WK_NULL;
            continue;
        }
        int64_t end = find(s, sep, from);
        STR_OUT = (struct weir_str){s.data + from, (uint32_t)(end < 0 ? s.len : end) - from};
    }
    return WEIR_OK;
}

/* clang-format off */
static const struct fn_entry entries[] = {
    {{"CHAR_LENGTH", 1, 1, "CHAR_LENGTH(text)", weir_fn_infer, eval_length, .param = LENGTH_CHARS,
      .device = "wk_char_length"}, "s:i"},
    {{"CHARACTER_LENGTH", 1, 1, "CHARACTER_LENGTH(text)", weir_fn_infer, eval_length,
      .param = LENGTH_CHARS, .device = "wk_char_length"}, "s:i"},
    {{"OCTET_LENGTH", 1, 1, "OCTET_LENGTH(text)", weir_fn_infer, eval_length, .param = LENGTH_BYTES}, "S:i"},
    {{"BIT_LENGTH", 1, 1, "BIT_LENGTH(text)", weir_fn_infer, eval_length, .param = LENGTH_BITS}, "S:i"},
    {{"ASCII", 1, 1, "ASCII(text)", weir_fn_infer, eval_length, .param = ASCII_CODE}, "s:i"},
    {{"UPPER", 1, 1, "UPPER(text)", weir_fn_infer, eval_case, .param = CASE_UPPER}, "s:s"},
    {{"LOWER", 1, 1, "LOWER(text)", weir_fn_infer, eval_case, .param = CASE_LOWER}, "s:s"},
    {{"INITCAP", 1, 1, "INITCAP(text)", weir_fn_infer, eval_case, .param = CASE_TITLE}, "s:s"},
    {{"TRIM", 1, 2, "TRIM([BOTH | LEADING | TRAILING] [characters FROM] text)", weir_fn_infer, eval_trim, .param = TRIM_BOTH}, "s[s:s"},
    {{"TRIM_BOTH", 2, 2, "TRIM(BOTH characters FROM text)", weir_fn_infer, eval_trim, .param = TRIM_BOTH}, "ss:s"},
    {{"TRIM_LEADING", 2, 2, "TRIM(LEADING characters FROM text)", weir_fn_infer, eval_trim, .param = TRIM_LEADING}, "ss:s"},
    {{"TRIM_TRAILING", 2, 2, "TRIM(TRAILING characters FROM text)", weir_fn_infer, eval_trim, .param = TRIM_TRAILING}, "ss:s"},
    {{"BTRIM", 1, 2, "BTRIM(text [, characters])", weir_fn_infer, eval_trim, .param = TRIM_BOTH}, "s[s:s"},
    {{"LTRIM", 1, 2, "LTRIM(text [, characters])", weir_fn_infer, eval_trim, .param = TRIM_LEADING}, "s[s:s"},
    {{"RTRIM", 1, 2, "RTRIM(text [, characters])", weir_fn_infer, eval_trim, .param = TRIM_TRAILING}, "s[s:s"},
    {{"SUBSTRING", 2, 3, "SUBSTRING(text FROM start [FOR length])", weir_fn_infer, eval_substring, .param = 0}, "si[i:s?"},
    {{"SUBSTR", 2, 3, "SUBSTR(text, start [, length])", weir_fn_infer, eval_substring, .param = 0}, "si[i:s?"},
    {{"LEFT", 2, 2, "LEFT(text, length)", weir_fn_infer, eval_left_right, .param = 0}, "si:s"},
    {{"RIGHT", 2, 2, "RIGHT(text, length)", weir_fn_infer, eval_left_right, .param = 1}, "si:s"},
    {{"POSITION", 2, 2, "POSITION(needle IN text)", weir_fn_infer, eval_position, .param = 0}, "ss:i"},
    {{"LOCATE", 2, 3, "LOCATE(needle, text [, start])", weir_fn_infer, eval_position, .param = 0}, "ss[i:i"},
    {{"INSTR", 2, 2, "INSTR(text, needle)", weir_fn_infer, eval_position, .param = 1}, "ss:i"},
    {{"STARTSWITH", 2, 2, "STARTSWITH(text, prefix)", weir_fn_infer, eval_starts_ends, .param = 0}, "ss:B"},
    {{"ENDSWITH", 2, 2, "ENDSWITH(text, suffix)", weir_fn_infer, eval_starts_ends, .param = 1}, "ss:B"},
    {{"SPLIT_INDEX", 3, 3, "SPLIT_INDEX(text, separator, index)", weir_fn_infer, eval_split_index, .param = 0}, "ssi:s?"},
};
/* clang-format on */
FN_FAMILY(weir_fn_text, entries);
