/* Regular expressions: a recursive-descent compiler into instructions of a small machine, and a
   backtracking interpreter with a bitmap of the (instruction, position) pairs that were tried.
   Every pair either leads to a match or never does (nothing but the pair decides), so each is tried
   once and the bitmap also ends loops over nothing. */
#include "runtime/native/regex.h"

#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/native/fn_case.h"

enum op { CHAR, ANY, CLASS, SPLIT, JUMP, SAVE, LINE_START, LINE_END, WORD, NOT_WORD, MATCH };

struct insn {
    uint8_t op;
    bool flag;     /* ANY: newlines, too; CLASS: negated */
    uint32_t x, y; /* CHAR: code point; CLASS: first, end in ranges; SPLIT: preferred, other; JUMP:
                      target; SAVE: slot */
};

struct range {
    uint32_t from, to;
};

struct regex {
    struct insn *prog;
    uint32_t n, cap;
    struct range *range;
    uint32_t n_range, cap_range;
    int groups;
    bool fold; /* (?i) */
    bool dot_all;
    struct job *stack;
    size_t cap_stack;
    uint64_t *tried;
    size_t cap_tried;
};

#define MAX_PROG   20000
#define MAX_DEPTH  200
#define MAX_REPEAT 1000

struct parser {
    struct regex *r;
    const char *p, *end;
    int depth;
    int status;
};

/* ---- emitting ---- */

static uint32_t emit(struct parser *s, enum op op, uint32_t x, uint32_t y)
{
    struct regex *r = s->r;
    if (r->n >= MAX_PROG) s->status = REGEX_BAD;
    if (s->status) return 0;
    if (r->n == r->cap) {
        uint32_t cap = r->cap ? r->cap * 2 : 32;
        struct insn *p = weir_realloc(r->prog, cap * sizeof *p);
        if (!p) {
            s->status = REGEX_NOMEM;
            return 0;
        }
        r->prog = p;
        r->cap = cap;
    }
    r->prog[r->n] = (struct insn){.op = (uint8_t)op, .x = x, .y = y};
    return r->n++;
}

static void add_range(struct parser *s, uint32_t from, uint32_t to)
{
    struct regex *r = s->r;
    if (s->status) return;
    if (r->n_range == r->cap_range) {
        uint32_t cap = r->cap_range ? r->cap_range * 2 : 16;
        struct range *p = weir_realloc(r->range, cap * sizeof *p);
        if (!p) {
            s->status = REGEX_NOMEM;
            return;
        }
        r->range = p;
        r->cap_range = cap;
    }
    r->range[r->n_range++] = (struct range){from, to};
}

/* Room for N instructions at AT: what is there and behind moves up. */
static void insert(struct parser *s, uint32_t at, uint32_t n)
{
    uint32_t old = s->r->n;
    for (uint32_t k = 0; k < n; k++) emit(s, JUMP, 0, 0);
    if (s->status) return;
    struct insn *p = s->r->prog;
    memmove(p + at + n, p + at, (old - at) * sizeof *p);
    for (uint32_t i = at + n; i < s->r->n; i++) {
        if (p[i].op != SPLIT && p[i].op != JUMP) continue;
        if (p[i].x >= at) p[i].x += n;
        if (p[i].op == SPLIT && p[i].y >= at) p[i].y += n;
    }
}

/* A copy of instructions [FROM, TO) at the end. */
static void copy(struct parser *s, uint32_t from, uint32_t to)
{
    uint32_t by = s->r->n - from;
    for (uint32_t i = from; i < to && !s->status; i++) {
        struct insn in = s->r->prog[i];
        if (in.op == SPLIT || in.op == JUMP) in.x += by;
        if (in.op == SPLIT) in.y += by;
        uint32_t at = emit(s, (enum op)in.op, in.x, in.y);
        if (!s->status) s->r->prog[at].flag = in.flag;
    }
}

static void set_split(struct parser *s, uint32_t at, uint32_t body, uint32_t after, bool lazy)
{
    if (s->status) return;
    s->r->prog[at] = (struct insn){.op = SPLIT, .x = lazy ? after : body, .y = lazy ? body : after};
}

/* ---- parsing ---- */

static uint32_t next_code(struct parser *s)
{
    uint32_t size, c = fn_decode(s->p, (uint32_t)(s->end - s->p), &size);
    s->p += size;
    return c;
}

static bool take(struct parser *s, char c)
{
    if (s->p == s->end || *s->p != c) return false;
    s->p++;
    return true;
}

static uint32_t hex(struct parser *s, int digits)
{
    uint32_t v = 0;
    for (; digits; digits--, s->p++) {
        int c = s->p < s->end ? *s->p | 32 : 0;
        if (c >= '0' && c <= '9')
            v = v * 16 + (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (uint32_t)(c - 'a' + 10);
        else {
            s->status = REGEX_BAD;
            return 0;
        }
    }
    return v;
}

/* The ranges of \d, \w, \s; their capitals are the complement. False: not such a letter. */
static bool class_letter(struct parser *s, char c)
{
    static const struct range digit[] = {{'0', '9'}};
    static const struct range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    static const struct range space[] = {{'\t', '\r'}, {' ', ' '}};
    const struct range *r;
    int n;
    switch (c | 32) {
    case 'd': r = digit, n = 1; break;
    case 'w': r = word, n = 4; break;
    case 's': r = space, n = 2; break;
    default: return false;
    }
    uint32_t from = 0;
    for (int i = 0; i < n; i++) {
        if (c & 32)
            add_range(s, r[i].from, r[i].to);
        else if (r[i].from > from)
            add_range(s, from, r[i].from - 1);
        from = r[i].to + 1;
    }
    if (!(c & 32)) add_range(s, from, UINT32_MAX);
    return true;
}

/* The code point that an escape (behind its backslash) stands for. */
static uint32_t escape(struct parser *s)
{
    if (s->p == s->end) {
        s->status = REGEX_BAD;
        return 0;
    }
    uint32_t c = next_code(s);
    switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'e': return 0x1b;
    case 'x': return hex(s, 2);
    case 'u': return hex(s, 4);
    default:
        if (fn_is_alnum(c) && c < 0x80) s->status = REGEX_BAD; /* back-references and the like */
        return c;
    }
}

static void parse_class(struct parser *s)
{
    uint32_t first = s->r->n_range;
    bool negated = take(s, '^'), start = true;
    while (!s->status && (start || s->p == s->end || *s->p != ']')) {
        start = false;
        if (s->p == s->end || *s->p == '[') { /* no end, or a union of classes */
            s->status = REGEX_BAD;
            return;
        }
        uint32_t from, to;
        if (take(s, '\\')) {
            if (s->p < s->end && class_letter(s, *s->p)) {
                s->p++;
                continue;
            }
            from = escape(s);
        } else {
            from = next_code(s);
        }
        to = from;
        if (s->end - s->p >= 2 && *s->p == '-' && s->p[1] != ']') {
            s->p++;
            to = take(s, '\\') ? escape(s) : next_code(s);
            if (to < from) s->status = REGEX_BAD;
        }
        add_range(s, from, to);
    }
    s->p++;
    uint32_t at = emit(s, CLASS, first, s->r->n_range);
    if (!s->status) s->r->prog[at].flag = negated;
}

static void emit_char(struct parser *s, uint32_t c)
{
    emit(s, CHAR, s->r->fold ? fn_lower(c) : c, 0);
}

static void parse_escape(struct parser *s)
{
    if (s->p == s->end) {
        s->status = REGEX_BAD;
        return;
    }
    uint32_t first = s->r->n_range;
    char c = *s->p;
    if (class_letter(s, c)) {
        s->p++;
        emit(s, CLASS, first, s->r->n_range);
    } else if (c == 'b' || c == 'B') {
        s->p++;
        emit(s, c == 'b' ? WORD : NOT_WORD, 0, 0);
    } else if (c == 'A' || c == 'z') {
        s->p++;
        emit(s, c == 'A' ? LINE_START : LINE_END, 1, 0);
    } else {
        emit_char(s, escape(s));
    }
}

static void parse_alternatives(struct parser *s);

static void parse_group(struct parser *s)
{
    int group = -1;
    if (take(s, '?')) {
        if (!take(s, ':')) s->status = REGEX_BAD;
    } else {
        group = ++s->r->groups;
    }
    bool kept = group > 0 && group < REGEX_GROUPS;
    if (kept) emit(s, SAVE, (uint32_t)group * 2, 0);
    parse_alternatives(s);
    if (!take(s, ')')) s->status = REGEX_BAD;
    if (kept) emit(s, SAVE, (uint32_t)group * 2 + 1, 0);
}

static void parse_atom(struct parser *s)
{
    char c = *s->p;
    switch (c) {
    case '(':
        s->p++;
        parse_group(s);
        return;
    case '[':
        s->p++;
        parse_class(s);
        return;
    case '\\':
        s->p++;
        parse_escape(s);
        return;
    case '.': {
        s->p++;
        uint32_t at = emit(s, ANY, 0, 0);
        if (!s->status) s->r->prog[at].flag = s->r->dot_all;
        return;
    }
    case '^':
    case '$':
        s->p++;
        emit(s, c == '^' ? LINE_START : LINE_END, c == '^', 0);
        return;
    case '*':
    case '+':
    case '?':
    case '{': s->status = REGEX_BAD; return; /* nothing to repeat */
    default: emit_char(s, next_code(s));
    }
}

/* {n}, {n,}, {n,m} behind the brace. */
static void parse_counts(struct parser *s, int *least, int *most)
{
    int *v = least;
    *least = 0;
    *most = -1;
    bool comma = false, digits = false;
    for (; s->p < s->end && *s->p != '}'; s->p++) {
        if (*s->p == ',' && !comma && digits) {
            comma = true;
            digits = false;
            v = most;
        } else if (*s->p >= '0' && *s->p <= '9' && *v < MAX_REPEAT) {
            *v = (*v < 0 ? 0 : *v) * 10 + (*s->p - '0');
            digits = true;
        } else {
            s->status = REGEX_BAD;
            return;
        }
    }
    if (!take(s, '}') || (!digits && !comma) || *least > MAX_REPEAT || *most > MAX_REPEAT)
        s->status = REGEX_BAD;
    if (!comma) *most = *least;
    if (*most >= 0 && *most < *least) s->status = REGEX_BAD;
}

/* Repeat the instructions from AT on, LEAST to MOST (-1: any number of) times. */
static void repeat(struct parser *s, uint32_t at, int least, int most, bool lazy)
{
    uint32_t end = s->r->n;
    if (most == 0) { /* not at all */
        s->r->n = at;
        return;
    }
    for (int k = 1; k < least; k++) copy(s, at, end);
    uint32_t last = least > 0 ? s->r->n - (end - at) : at;
    if (most < 0 && least > 0) { /* x+: back to the last copy */
        uint32_t split = emit(s, SPLIT, 0, 0);
        set_split(s, split, last, split + 1, lazy);
        return;
    }
    if (most < 0) { /* x* */
        insert(s, at, 1);
        emit(s, JUMP, at, 0);
        set_split(s, at, at + 1, s->r->n, lazy);
        return;
    }
    if (least == 0) { /* the original becomes the first of the optional ones */
        insert(s, at, 1);
        end++;
        set_split(s, at, at + 1, 0, lazy);
    }
    uint32_t body = least == 0 ? at + 1 : at, first = s->r->n;
    for (int k = least > 0 ? least : 1; k < most; k++) {
        uint32_t split = emit(s, SPLIT, 0, 0);
        set_split(s, split, split + 1, 0, lazy);
        copy(s, body, end);
    }
    if (s->status) return;
    uint32_t after = s->r->n;
    if (least == 0) set_split(s, at, at + 1, after, lazy);
    for (uint32_t i = first; i < after; i += end - body + 1) set_split(s, i, i + 1, after, lazy);
}

static void parse_repeated(struct parser *s)
{
    uint32_t at = s->r->n;
    parse_atom(s);
    while (!s->status && s->p < s->end && strchr("*+?{", *s->p) && *s->p) {
        int least = 0, most = -1;
        char c = *s->p++;
        if (c == '+') least = 1;
        if (c == '?') most = 1;
        if (c == '{') parse_counts(s, &least, &most);
        bool lazy = take(s, '?');
        if (s->p < s->end && *s->p == '+') s->status = REGEX_BAD; /* possessive */
        if (!s->status) repeat(s, at, least, most, lazy);
    }
}

static void parse_quoted(struct parser *s)
{
    while (s->p < s->end && !s->status) {
        if (s->end - s->p >= 2 && s->p[0] == '\\' && s->p[1] == 'E') {
            s->p += 2;
            return;
        }
        emit_char(s, next_code(s));
    }
}

static void parse_alternatives(struct parser *s)
{
    uint32_t start = s->r->n, jumps = UINT32_MAX;
    if (++s->depth > MAX_DEPTH) s->status = REGEX_BAD;
    while (!s->status && s->p < s->end && *s->p != ')') {
        if (*s->p != '|') {
            bool quote = s->end - s->p >= 2 && s->p[0] == '\\' && s->p[1] == 'Q';
            if (quote) s->p += 2;
            (quote ? parse_quoted : parse_repeated)(s);
            continue;
        }
        s->p++;
        insert(s, start, 1);
        uint32_t jump = emit(s, JUMP, UINT32_MAX, jumps); /* to the end: a chain through y */
        jumps = jump;
        set_split(s, start, start + 1, s->r->n, false);
        start = s->r->n;
    }
    while (!s->status && jumps != UINT32_MAX) {
        struct insn *in = &s->r->prog[jumps];
        jumps = in->y;
        in->x = s->r->n;
        in->y = 0;
    }
    s->depth--;
}

int regex_compile(struct weir_str pattern, struct regex **out)
{
    struct regex *r = weir_calloc(1, sizeof *r);
    if (!r) return REGEX_NOMEM;
    struct parser s = {.r = r, .p = pattern.data, .end = pattern.data + pattern.len};
    while (pattern.len && s.end - s.p >= 4 && s.p[0] == '(' && s.p[1] == '?' && s.p[3] == ')' &&
           (s.p[2] == 'i' || s.p[2] == 's')) {
        if (s.p[2] == 'i')
            r->fold = true;
        else
            r->dot_all = true;
        s.p += 4;
    }
    parse_alternatives(&s);
    if (s.p < s.end && !s.status) s.status = REGEX_BAD; /* a closing bracket too many */
    emit(&s, MATCH, 0, 0);
    if (s.status) {
        regex_free(r);
        return s.status;
    }
    *out = r;
    return REGEX_OK;
}

void regex_free(struct regex *r)
{
    if (!r) return;
    weir_free(r->prog);
    weir_free(r->range);
    weir_free(r->stack);
    weir_free(r->tried);
    weir_free(r);
}

int regex_group_count(const struct regex *r)
{
    return r->groups;
}

/* ---- matching ---- */

/* To try: instruction PC at AT; or (slot >= 0) to put a group's bound back. */
struct job {
    uint32_t pc, at;
    int32_t slot;
    int64_t old;
};

static bool in_class(const struct regex *r, const struct insn *in, uint32_t c)
{
    uint32_t other = r->fold ? (fn_lower(c) == c ? fn_upper(c) : fn_lower(c)) : c;
    for (uint32_t i = in->x; i < in->y; i++)
        if ((c >= r->range[i].from && c <= r->range[i].to) ||
            (other >= r->range[i].from && other <= r->range[i].to))
            return !in->flag;
    return in->flag;
}

static bool is_word(struct weir_str t, int64_t at)
{
    if (at < 0 || at >= t.len) return false;
    char c = t.data[at];
    return c == '_' || ((uint8_t)c < 0x80 && fn_is_alnum((uint8_t)c));
}

static bool push(struct regex *r, size_t *n, struct job j)
{
    if (*n == r->cap_stack) {
        size_t cap = r->cap_stack ? r->cap_stack * 2 : 64;
        struct job *p = weir_realloc(r->stack, cap * sizeof *p);
        if (!p) return false;
        r->stack = p;
        r->cap_stack = cap;
    }
    r->stack[(*n)++] = j;
    return true;
}

/* The assertion IN at AT. */
static bool asserts(const struct insn *in, struct weir_str t, uint32_t at)
{
    bool boundary = is_word(t, (int64_t)at - 1) != is_word(t, at);
    switch (in->op) {
    case LINE_START: return at == 0;
    case LINE_END: /* $ also before a newline that ends the text */
        return at == t.len || (!in->x && at + 1 == t.len && t.data[at] == '\n');
    case WORD: return boundary;
    default: return !boundary;
    }
}

/* From PC at AT: 1 a match, 0 none, REGEX_NOMEM. */
static int run(struct regex *r, struct weir_str t, uint32_t at, int64_t *group)
{
    size_t n = 0, width = (size_t)t.len + 1;
    if (!push(r, &n, (struct job){0, at, -1, 0})) return REGEX_NOMEM;
    while (n) {
        struct job j = r->stack[--n];
        if (j.slot >= 0) {
            group[j.slot] = j.old;
            continue;
        }
        for (;;) {
            const struct insn *in = &r->prog[j.pc];
            size_t bit = j.pc * width + j.at;
            if (r->tried[bit / 64] >> (bit % 64) & 1) break;
            r->tried[bit / 64] |= UINT64_C(1) << (bit % 64);
            uint32_t size = 0, c = 0;
            if (in->op <= CLASS) {
                if (j.at == t.len) break;
                c = fn_decode(t.data + j.at, t.len - j.at, &size);
            }
            bool go = true;
            switch (in->op) {
            case CHAR: go = (r->fold ? fn_lower(c) : c) == in->x; break;
            case ANY: go = in->flag || (c != '\n' && c != '\r'); break;
            case CLASS: go = in_class(r, in, c); break;
            case SPLIT:
                if (!push(r, &n, (struct job){in->y, j.at, -1, 0})) return REGEX_NOMEM;
                j.pc = in->x;
                continue;
            case JUMP: j.pc = in->x; continue;
            case SAVE:
                if (!push(r, &n, (struct job){0, 0, (int32_t)in->x, group[in->x]}))
                    return REGEX_NOMEM;
                group[in->x] = j.at;
                break;
            case MATCH: group[1] = j.at; return 1;
            default: go = asserts(in, t, j.at);
            }
            if (!go) break;
            j.pc++;
            j.at += size;
        }
    }
    return 0;
}

int regex_search(struct regex *r, struct weir_str text, uint32_t from,
                 int64_t group[2 * REGEX_GROUPS])
{
    size_t words = (r->n * ((size_t)text.len + 1) + 63) / 64;
    if (words > r->cap_tried) {
        uint64_t *p = weir_realloc(r->tried, words * sizeof *p);
        if (!p) return REGEX_NOMEM;
        r->tried = p;
        r->cap_tried = words;
    }
    memset(r->tried, 0, words * sizeof *r->tried);
    for (uint32_t at = from; at <= text.len;) {
        for (int k = 0; k < 2 * REGEX_GROUPS; k++) group[k] = -1;
        group[0] = at;
        int rc = run(r, text, at, group);
        if (rc) return rc;
        uint32_t size = 1;
        if (at < text.len) (void)fn_decode(text.data + at, text.len - at, &size);
        at += size;
    }
    return 0;
}
