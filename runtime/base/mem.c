/* Allocation, arenas and growing buffers. Every allocation of the engine passes `allowed()`, the
   one place where a test can make it fail. Aligned and plain blocks both come from malloc's family,
   so one free fits. */
#include "runtime/base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks from here on start at a huge page and ask for huge pages: hash tables of such sizes lose
   most of their time to missing address translations otherwise. */
#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM (2 * HUGE_PAGE)

static atomic_uint_fast64_t n_calls, fail_at;
static atomic_bool fail_for_ever;

static bool allowed(void)
{
    uint64_t n = atomic_fetch_add_explicit(&n_calls, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (!at || n < at) return true;
    return n > at && !atomic_load_explicit(&fail_for_ever, memory_order_relaxed);
}

uint64_t weir_mem_fail_at(uint64_t n, bool for_ever)
{
    atomic_store(&fail_at, 0);
    uint64_t calls = atomic_exchange(&n_calls, 0);
    atomic_store(&fail_for_ever, for_ever);
    atomic_store(&fail_at, n);
    return calls;
}

void *weir_malloc(size_t size)
{
    return allowed() ? malloc(size ? size : 1) : NULL;
}

void *weir_calloc(size_t n, size_t size)
{
    return allowed() ? calloc(n ? n : 1, size ? size : 1) : NULL;
}

void *weir_realloc(void *p, size_t size)
{
    return allowed() ? realloc(p, size ? size : 1) : NULL;
}

void *weir_malloc_aligned(size_t size)
{
    if (size > SIZE_MAX - HUGE_PAGE || !allowed()) return NULL;
    if (size < HUGE_FROM) return aligned_alloc(64, (size + 63) / 64 * 64 + (size == 0) * 64);
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, size);
    if (p) (void)madvise(p, size, MADV_HUGEPAGE); /* a wish: nothing depends on it */
    return p;
}

char *weir_strndup(const char *s, size_t n)
{
    char *p = weir_malloc(n + 1);
    if (p) {
        memcpy(p, s, n);
        p[n] = 0;
    }
    return p;
}

char *weir_strdup(const char *s)
{
    return weir_strndup(s, strlen(s));
}

void weir_free(void *p)
{
    free(p);
}

/* ---- arena ---- */

struct weir_arena_block {
    struct weir_arena_block *next;
    size_t cap;
    _Alignas(16) unsigned char bytes[];
};

void weir_arena_init(struct weir_arena *a)
{
    memset(a, 0, sizeof *a);
}

void *weir_arena_alloc(struct weir_arena *a, size_t size)
{
    if (size > SIZE_MAX / 2) return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!a->head || a->cap - a->used < size) {
        size_t cap = a->head ? a->cap * 2 : 4096;
        if (cap > (size_t)1 << 20) cap = (size_t)1 << 20;
        if (cap < size) cap = size;
        struct weir_arena_block *b = weir_malloc(sizeof *b + cap);
        if (!b) return NULL;
        b->next = a->head;
        b->cap = cap;
        a->head = b;
        a->cap = cap;
        a->used = 0;
    }
    void *p = a->head->bytes + a->used;
    a->used += size;
    memset(p, 0, size);
    return p;
}

char *weir_arena_strndup(struct weir_arena *a, const char *s, size_t n)
{
    char *p = weir_arena_alloc(a, n + 1);
    if (p && n) memcpy(p, s, n);
    return p;
}

char *weir_arena_printf(struct weir_arena *a, const char *fmt, ...)
{
    va_list ap, ap2;
    va_start(ap, fmt);
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = n < 0 ? NULL : weir_arena_alloc(a, (size_t)n + 1);
    if (p) vsnprintf(p, (size_t)n + 1, fmt, ap2);
    va_end(ap2);
    va_end(ap);
    return p;
}

void weir_arena_reset(struct weir_arena *a)
{
    if (!a->head) return;
    struct weir_arena_block *b = a->head->next;
    while (b) {
        struct weir_arena_block *next = b->next;
        weir_free(b);
        b = next;
    }
    a->head->next = NULL;
    a->used = 0;
}

void weir_arena_release(struct weir_arena *a)
{
    weir_arena_reset(a);
    weir_free(a->head);
    weir_arena_init(a);
}

size_t weir_arena_bytes(const struct weir_arena *a)
{
    size_t sum = 0;
    for (const struct weir_arena_block *b = a->head; b; b = b->next) sum += sizeof *b + b->cap;
    return sum;
}

/* ---- growing buffer ---- */

bool weir_buf_reserve(struct weir_buf *b, size_t extra)
{
    if (b->oom) return false;
    if (extra < b->cap - b->len) return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len <= extra) {
        if (cap > SIZE_MAX / 2) {
            b->oom = true;
            return false;
        }
        cap *= 2;
    }
    char *p = weir_realloc(b->data, cap);
    if (!p) {
        b->oom = true;
        return false;
    }
    b->data = p;
    b->cap = cap;
    return true;
}

void weir_buf_add(struct weir_buf *b, const void *bytes, size_t n)
{
    if (!weir_buf_reserve(b, n)) return;
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
}

void weir_buf_puts(struct weir_buf *b, const char *s)
{
    weir_buf_add(b, s, strlen(s));
}

void weir_buf_putc(struct weir_buf *b, char c)
{
    weir_buf_add(b, &c, 1);
}

void weir_buf_printf(struct weir_buf *b, const char *fmt, ...)
{
    va_list ap, ap2;
    va_start(ap, fmt);
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0 && weir_buf_reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap2);
        b->len += (size_t)n;
    }
    va_end(ap2);
    va_end(ap);
}

void weir_buf_json(struct weir_buf *b, const char *s, size_t n)
{
    weir_buf_putc(b, '"');
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        weir_buf_add(b, s + start, i - start);
        start = i + 1;
        switch (c) {
        case '"': weir_buf_puts(b, "\\\""); break;
        case '\\': weir_buf_puts(b, "\\\\"); break;
        case '\n': weir_buf_puts(b, "\\n"); break;
        case '\r': weir_buf_puts(b, "\\r"); break;
        case '\t': weir_buf_puts(b, "\\t"); break;
        default: weir_buf_printf(b, "\\u%04x", c);
        }
    }
    weir_buf_add(b, s + start, n - start);
    weir_buf_putc(b, '"');
}

void weir_buf_release(struct weir_buf *b)
{
    weir_free(b->data);
    memset(b, 0, sizeof *b);
}
