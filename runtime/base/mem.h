#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All memory of the engine comes through here: counted, 64-byte aligned where Arrow asks for it,
   and able to fail at the n-th call so that tests can walk every out-of-memory path. Thread-safe.
 */

void *weir_malloc(size_t size); /* NULL when out of memory; size 0 gives a valid pointer */
void *weir_calloc(size_t n, size_t size);    /* zeroed; NULL also when n * size overflows */
void *weir_realloc(void *p, size_t size);    /* as realloc: on failure p stays valid */
void *weir_malloc_aligned(size_t size);      /* 64-byte aligned; released with weir_free */
char *weir_strndup(const char *s, size_t n); /* NUL-terminated copy */
char *weir_strdup(const char *s);
void weir_free(void *p); /* NULL is allowed */

/* Test hook: the N-th allocation from now (1 = the next) fails, and with FOR_EVER all later ones
   too. 0 turns it off. Returns how many allocations were made since the last call. */
uint64_t weir_mem_fail_at(uint64_t n, bool for_ever);

/* Arena: many small allocations that die together (a statement, a plan). Not thread-safe. */
struct weir_arena {
    struct weir_arena_block *head;
    size_t used, cap; /* of the head block */
};
void weir_arena_init(struct weir_arena *a);
void *weir_arena_alloc(struct weir_arena *a,
                       size_t size); /* zeroed, 16-byte aligned; NULL when out of memory */
char *weir_arena_strndup(struct weir_arena *a, const char *s, size_t n);
char *weir_arena_printf(struct weir_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void weir_arena_reset(struct weir_arena *a);   /* forget everything, keep one block for reuse */
void weir_arena_release(struct weir_arena *a); /* free everything; the arena may be used again */
size_t weir_arena_bytes(const struct weir_arena *a); /* reserved from the system */

/* Text or bytes that grow. After a failed append `oom` is set and later appends do nothing, so a
   caller checks once at the end. `data` is NUL-terminated whenever it is not NULL. */
struct weir_buf {
    char *data;
    size_t len, cap;
    bool oom;
};
void weir_buf_add(struct weir_buf *b, const void *bytes, size_t n);
void weir_buf_puts(struct weir_buf *b, const char *s);
void weir_buf_putc(struct weir_buf *b, char c);
void weir_buf_printf(struct weir_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void weir_buf_json(struct weir_buf *b, const char *s, size_t n); /* a quoted JSON string, escaped */
bool weir_buf_reserve(struct weir_buf *b, size_t extra);         /* room for EXTRA more bytes */
void weir_buf_release(struct weir_buf *b);

#endif
