/* Functions with regular expressions (regex.h). A pattern is compiled once for a vector when it is
   constant, else whenever it changes. */
#include <string.h>

#include "kernels/common/str.h"
#include "runtime/native/fn_internal.h"
#include "runtime/native/regex.h"

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)f, (void)n_args

struct cache {
    struct weir_str pattern;
    struct regex *re; /* NULL: not compiled yet, or bad */
    int status;
    bool used;
};

/* The compiled pattern, or NULL with *ST set. */
static struct regex *compiled(struct cache *c, struct weir_str pattern, uint8_t *st)
{
    bool same =
        c->used && c->pattern.len == pattern.len &&
        (c->pattern.data == pattern.data || !memcmp(c->pattern.data, pattern.data, pattern.len));
    if (!same) {
        regex_free(c->re);
        c->re = NULL;
        c->status = regex_compile(pattern, &c->re);
        c->pattern = pattern;
        c->used = true;
    }
    if (c->status) *st = c->status == REGEX_NOMEM ? WK_ERR_NOMEM : WK_ERR_ARGUMENT;
    return c->re;
}

static int32_t chars(const char *s, int64_t bytes)
{
    uint8_t st = WK_VALID;
    return wk_char_length_str((const uint8_t *)s, (wk_u32)bytes, &st);
}

/* How often RE matches, without overlaps. */
static int count(struct regex *re, struct weir_str s, int32_t *out)
{
    int64_t g[2 * REGEX_GROUPS];
    uint32_t at = 0;
    int rc;
    *out = 0;
    while (at <= s.len && (rc = regex_search(re, s, at, g)) != 0) {
        if (rc < 0) return rc;
        ++*out;
        at = (uint32_t)(g[1] > g[0] ? g[1] : g[1] + 1);
    }
    return 0;
}

enum { IS_MATCH, COUNT, INSTR };

static int eval_regexp(ARGS)
{
    UNUSED;
    struct cache c = {.used = false};
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        struct regex *re = compiled(&c, fn_str(arg[1], i), &st[i]);
        int64_t g[2 * REGEX_GROUPS];
        int32_t number = 0;
        int rc = 0;
        if (re && f->param == COUNT)
            rc = count(re, s, &number);
        else if (re)
            rc = regex_search(re, s, 0, g);
        if (rc < 0) st[i] = WK_ERR_NOMEM;
        if (f->param == IS_MATCH)
            ((uint8_t *)out->data)[i] = rc > 0;
        else
            ((int32_t *)out->data)[i] = f->param == COUNT ? number
                                        : rc > 0          ? chars(s.data, g[0]) + 1
                                                          : 0;
    }
    regex_free(c.re);
    return WEIR_OK;
}

/* The text of a group (0: all) of the first match, or NULL. */
static int eval_extract(ARGS)
{
    UNUSED;
    struct cache c = {.used = false};
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        int32_t group = n_args > 2 ? fn_i32(arg[2], i) : 0;
        struct regex *re = compiled(&c, fn_str(arg[1], i), &st[i]);
        int64_t g[2 * REGEX_GROUPS];
        STR_OUT = (struct weir_str){"", 0};
        if (!re) continue;
        int rc = regex_search(re, s, 0, g);
        bool there = rc > 0 && group >= 0 && group <= regex_group_count(re) &&
                     group < REGEX_GROUPS && g[2 * group] >= 0 && g[2 * group + 1] >= 0;
        if (rc < 0)
            st[i] = WK_ERR_NOMEM;
        else if (!there)
            st[i] = WK_NULL;
        else
            STR_OUT = (struct weir_str){s.data + g[2 * group],
                                        (uint32_t)(g[2 * group + 1] - g[2 * group])};
    }
    regex_free(c.re);
    return WEIR_OK;
}

/* Every match by WITH, taken literally; OUT NULL: only the length. */
static int64_t replace(struct regex *re, struct weir_str s, struct weir_str with, char *out)
{
    int64_t g[2 * REGEX_GROUPS], len = 0;
    uint32_t at = 0, kept = 0;
    int rc = 0;
    while (at <= s.len && (rc = regex_search(re, s, at, g)) > 0) {
        uint32_t before = (uint32_t)g[0] - kept;
        if (out && before) memcpy(out + len, s.data + kept, before);
        len += before;
        if (out && with.len) memcpy(out + len, with.data, with.len);
        len += with.len;
        kept = (uint32_t)g[1];
        at = kept;
        if (g[1] == g[0])
            at += kept < s.len ? wk_utf8_size((const uint8_t *)s.data + kept, s.len - kept) : 1;
    }
    if (rc < 0) return rc;
    if (out && s.len > kept) memcpy(out + len, s.data + kept, s.len - kept);
    return len + (s.len - kept);
}

static int eval_replace(ARGS)
{
    UNUSED;
    struct cache c = {.used = false};
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i), with = fn_str(arg[2], i);
        struct regex *re = compiled(&c, fn_str(arg[1], i), &st[i]);
        STR_OUT = (struct weir_str){"", 0};
        if (!re) continue;
        int64_t len = replace(re, s, with, NULL);
        if (len < 0) {
            st[i] = WK_ERR_NOMEM;
            continue;
        }
        char *p = weir_fn_put(ctx, out, i, NULL, (size_t)len);
        if (p && replace(re, s, with, p) < 0) st[i] = WK_ERR_NOMEM;
    }
    regex_free(c.re);
    return WEIR_OK;
}

/* clang-format off */
#define PATTERN(fn_name, least, most, sig, fn_eval, p, spec) \
    {{.name = fn_name, .min_args = least, .max_args = most, .signature = sig, .infer = weir_fn_infer, \
      .eval = fn_eval, .param = p}, spec}
static const struct fn_entry entries[] = {
    PATTERN("REGEXP", 2, 2, "REGEXP(text, pattern)", eval_regexp, IS_MATCH, "ss:B"),
    PATTERN("REGEXP_COUNT", 2, 2, "REGEXP_COUNT(text, pattern)", eval_regexp, COUNT, "ss:i"),
    PATTERN("REGEXP_INSTR", 2, 2, "REGEXP_INSTR(text, pattern)", eval_regexp, INSTR, "ss:i"),
    PATTERN("REGEXP_SUBSTR", 2, 2, "REGEXP_SUBSTR(text, pattern)", eval_extract, 0, "ss:s?"),
    PATTERN("REGEXP_EXTRACT", 2, 3, "REGEXP_EXTRACT(text, pattern [, group])", eval_extract, 0, "ss[i:s?"),
    PATTERN("REGEXP_REPLACE", 3, 3, "REGEXP_REPLACE(text, pattern, replacement)", eval_replace, 0, "sss:s"),
};
/* clang-format on */
FN_FAMILY(weir_fn_pattern, entries);
