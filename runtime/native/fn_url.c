/* URLs: PARSE_URL, URL_ENCODE, URL_DECODE (application/x-www-form-urlencoded, as Java's). */
#include <string.h>

#include "runtime/native/fn_internal.h"

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)f, (void)n_args

struct url {
    struct weir_str protocol, userinfo, host, authority, path, query, ref, file;
};

static struct weir_str view(const char *from, const char *to)
{
    return (struct weir_str){from, (uint32_t)(to - from)};
}

static const char *find(const char *p, const char *end, char c)
{
    const char *hit = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;
    return hit ? hit : end;
}

/* scheme://user@host:port/path?query#ref; false: there is no scheme. Parts that are missing have a
   NULL pointer. */
static bool cut(struct weir_str s, struct url *u)
{
    const char *p = s.data, *end = p + s.len, *colon = find(p, end, ':');
    memset(u, 0, sizeof *u);
    if (colon == end || colon == p) return false;
    u->protocol = view(p, colon);
    p = colon + 1;
    const char *ref = find(p, end, '#');
    if (ref < end) u->ref = view(ref + 1, end);
    const char *query = find(p, ref, '?');
    if (query < ref) u->query = view(query + 1, ref);
    if (query - p >= 2 && p[0] == '/' && p[1] == '/') {
        const char *slash = find(p + 2, query, '/'), *at = find(p + 2, slash, '@');
        u->authority = view(p + 2, slash);
        if (at < slash) u->userinfo = view(p + 2, at);
        const char *host = at < slash ? at + 1 : p + 2, *port = find(host, slash, ':');
        u->host = view(host, port);
        p = slash;
    }
    u->path = view(p, query);
    u->file = view(p, ref);
    return true;
}

static bool is(struct weir_str s, const char *name)
{
    return s.len == strlen(name) && !memcmp(s.data, name, s.len);
}

static struct weir_str part_of(const struct url *u, struct weir_str part)
{
    if (is(part, "HOST")) return u->host;
    if (is(part, "PATH")) return u->path;
    if (is(part, "QUERY")) return u->query;
    if (is(part, "REF")) return u->ref;
    if (is(part, "PROTOCOL")) return u->protocol;
    if (is(part, "FILE")) return u->file;
    if (is(part, "AUTHORITY")) return u->authority;
    if (is(part, "USERINFO")) return u->userinfo;
    return (struct weir_str){NULL, 0};
}

/* The value of KEY in a query. */
static struct weir_str value_of(struct weir_str query, struct weir_str key)
{
    const char *p = query.data, *end = p ? p + query.len : p;
    while (p < end) {
        const char *stop = find(p, end, '&'), *equals = find(p, stop, '=');
        if (equals < stop && (uint32_t)(equals - p) == key.len && !memcmp(p, key.data, key.len))
            return view(equals + 1, stop);
        p = stop + 1;
    }
    return (struct weir_str){NULL, 0};
}

static int eval_parse_url(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct url u;
        struct weir_str part = fn_str(arg[1], i), x = {NULL, 0};
        if (cut(fn_str(arg[0], i), &u)) {
            x = part_of(&u, part);
            if (n_args > 2)
                x = is(part, "QUERY") ? value_of(x, fn_str(arg[2], i)) : (struct weir_str){0};
        }
        if (!x.data) {
            st[i] = WK_NULL;
            x.data = "";
        }
        STR_OUT = x;
    }
    return WEIR_OK;
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-_.*", c));
}

static int eval_encode(ARGS)
{
    UNUSED;
    static const char hex[] = "0123456789ABCDEF";
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        char *p = weir_fn_put(ctx, out, i, NULL, (size_t)s.len * 3), *start = p;
        for (uint32_t k = 0; p && k < s.len; k++) {
            uint8_t c = (uint8_t)s.data[k];
            if (is_plain((char)c)) {
                *p++ = (char)c;
            } else if (c == ' ') {
                *p++ = '+';
            } else {
                *p++ = '%';
                *p++ = hex[c >> 4];
                *p++ = hex[c & 15];
            }
        }
        if (p) STR_OUT.len = (uint32_t)(p - start);
    }
    return WEIR_OK;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL where a % is not followed by two digits. */
static int eval_decode(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        char *p = weir_fn_put(ctx, out, i, NULL, s.len), *start = p;
        for (uint32_t k = 0; p && !st[i] && k < s.len; k++) {
            int x = -1, y = -1;
            if (s.data[k] != '%') {
                *p++ = s.data[k] == '+' ? ' ' : s.data[k];
                continue;
            }
            if (s.len - k > 2) x = nibble(s.data[k + 1]), y = nibble(s.data[k + 2]);
            if (x < 0 || y < 0) st[i] = WK_NULL;
            *p++ = (char)((unsigned)x << 4 | (unsigned)y);
            k += 2;
        }
        if (p) STR_OUT.len = (uint32_t)(p - start);
    }
    return WEIR_OK;
}

/* clang-format off */
static const struct fn_entry entries[] = {
    {{.name = "PARSE_URL", .min_args = 2, .max_args = 3, .signature = "PARSE_URL(url, part [, key])",
      .infer = weir_fn_infer, .eval = eval_parse_url}, "ss[s:s?"},
    {{.name = "URL_ENCODE", .min_args = 1, .max_args = 1, .signature = "URL_ENCODE(text)",
      .infer = weir_fn_infer, .eval = eval_encode}, "s:s"},
    {{.name = "URL_DECODE", .min_args = 1, .max_args = 1, .signature = "URL_DECODE(text)",
      .infer = weir_fn_infer, .eval = eval_decode}, "s:s?"},
};
/* clang-format on */
FN_FAMILY(weir_fn_url, entries);
