/* The CSV scanner: 64 bytes at a time become bit masks of quotes, delimiters and line ends; the
   prefix xor of the quote mask tells which bytes are inside quotes (Langdale and Lemire, "Parsing
   Gigabytes of JSON per Second", section 3.1.1); what is left of the other masks gives the ends of
   fields and records. The masks come from AVX2, SSE2 or plain 64-bit arithmetic; which one is
   chosen when the program runs. */
#include <string.h>

#include "host/format/csv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct masks {
    uint64_t quote, delimiter, newline;
    bool nul, non_ascii;
};

static inline uint64_t prefix_xor(uint64_t x)
{
    for (int shift = 1; shift < 64; shift *= 2) x ^= x << shift;
    return x;
}

/* Turn the masks of the 64 bytes at offset BASE into positions. */
static inline __attribute__((always_inline)) void emit(struct weir_csv_index *ix, struct masks m,
                                                       uint32_t base)
{
    uint64_t in = ix->inside;
    if (m.quote) {
        in ^= prefix_xor(m.quote);
        ix->inside = (uint64_t)((int64_t)in >> 63);
    }
    uint64_t ends = (m.delimiter | m.newline) & ~in, lines = m.newline & ~in;
    uint32_t *pos = ix->pos + ix->n_pos;
    uint32_t first = ix->n_pos;
    ix->n_pos += (uint32_t)__builtin_popcountll(ends);
    for (uint64_t rest = lines; rest; rest &= rest - 1) {
        uint64_t below = (rest & (0 - rest)) - 1;
        ix->record[ix->n_records++] = (struct weir_csv_record){
            .last = first + (uint32_t)__builtin_popcountll(ends & below),
            .quotes = ix->quotes + (uint32_t)__builtin_popcountll(m.quote & below),
        };
    }
    while (ends) {
        *pos++ = base + (uint32_t)__builtin_ctzll(ends);
        ends &= ends - 1;
    }
    ix->quotes += (uint32_t)__builtin_popcountll(m.quote);
    ix->nul |= m.nul;
    ix->non_ascii |= m.non_ascii;
}

/* ---- masks in plain C: 8 bytes at a time, the high bit of each byte gathered by a multiplication
 * ---- */

#define LOW7  0x7f7f7f7f7f7f7f7fu
#define BYTES 0x0101010101010101u

/* One bit for each byte of WORD (memory order) that is zero. */
static inline uint64_t zero_bytes(uint64_t word)
{
    uint64_t zero = ~(((word & LOW7) + LOW7) | word | LOW7); /* 0x80 where a byte is 0, exactly */
    return (zero >> 7) * 0x0102040810204080u >> 56;
}

static inline struct masks masks_plain(const char *p, const struct weir_csv_options *o)
{
    struct masks m = {0};
    uint64_t high = 0, nul = 0;
    for (int i = 0; i < 64; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        high |= word;
        nul |= zero_bytes(word);
        if (o->quote) m.quote |= zero_bytes(word ^ BYTES * (unsigned char)o->quote) << i;
        m.delimiter |= zero_bytes(word ^ BYTES * (unsigned char)o->delimiter) << i;
        m.newline |= zero_bytes(word ^ BYTES * '\n') << i;
    }
    m.nul = nul != 0;
    m.non_ascii = (high & ~LOW7) != 0;
    return m;
}

#if defined(__x86_64__)
static inline uint64_t equal_sse2(const __m128i v[4], char c)
{
    __m128i want = _mm_set1_epi8(c);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], want)) << (16 * i);
    return mask;
}

static inline struct masks masks_sse2(const char *p, const struct weir_csv_options *o)
{
    __m128i v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    __m128i any = _mm_or_si128(_mm_or_si128(v[0], v[1]), _mm_or_si128(v[2], v[3]));
    __m128i least = _mm_min_epu8(_mm_min_epu8(v[0], v[1]), _mm_min_epu8(v[2], v[3]));
    return (struct masks){
        .quote = o->quote ? equal_sse2(v, o->quote) : 0,
        .delimiter = equal_sse2(v, o->delimiter),
        .newline = equal_sse2(v, '\n'),
        .nul = _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0,
        .non_ascii = _mm_movemask_epi8(any) != 0,
    };
}

#define AVX2 __attribute__((target("avx2,popcnt,bmi")))

AVX2 static inline uint64_t equal_avx2(__m256i a, __m256i b, char c)
{
    __m256i want = _mm256_set1_epi8(c);
    uint64_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, want));
    uint64_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, want));
    return low | high << 32;
}

AVX2 static inline struct masks masks_avx2(const char *p, const struct weir_csv_options *o)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    __m256i least = _mm256_min_epu8(a, b);
    return (struct masks){
        .quote = o->quote ? equal_avx2(a, b, o->quote) : 0,
        .delimiter = equal_avx2(a, b, o->delimiter),
        .newline = equal_avx2(a, b, '\n'),
        .nul = _mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256())) != 0,
        .non_ascii = _mm256_movemask_epi8(_mm256_or_si256(a, b)) != 0,
    };
}

#endif

/* The loops over blocks, once for each instruction set: a whole number of blocks, at any address.
 */
#define DEFINE_LOOPS(isa, attribute)                                                               \
    attribute static void index_##isa(struct weir_csv_index *ix, const struct weir_csv_options *o, \
                                      const char *data, size_t n, uint32_t base)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i += 64) emit(ix, masks_##isa(data + i, o), base + (uint32_t)i); \
    }                                                                                              \
    attribute static size_t count_##isa(const char *data, size_t n, char c)                        \
    {                                                                                              \
        const struct weir_csv_options o = {.delimiter = c};                                        \
        size_t count = 0;                                                                          \
        for (size_t i = 0; i < n; i += 64)                                                         \
            count += (size_t)__builtin_popcountll(masks_##isa(data + i, &o).delimiter);            \
        return count;                                                                              \
    }

struct isa {
    const char *name;
    void (*index)(struct weir_csv_index *ix, const struct weir_csv_options *o, const char *data,
                  size_t n, uint32_t base);
    size_t (*count)(const char *data, size_t n, char c);
};

DEFINE_LOOPS(plain, )
static const struct isa plain = {"plain", index_plain, count_plain};
static const struct isa *forced;

#if defined(__x86_64__)
DEFINE_LOOPS(sse2, )
DEFINE_LOOPS(avx2, AVX2)
static const struct isa sse2 = {"sse2", index_sse2, count_sse2};
static const struct isa avx2 = {"avx2", index_avx2, count_avx2};

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}

static const struct isa *best(void)
{
    return forced ? forced : has_avx2() ? &avx2 : &sse2;
}
#else
static const struct isa *best(void)
{
    return forced ? forced : &plain;
}
#endif

bool weir_csv_force_isa(const char *name)
{
    forced = strcmp(name, "plain") == 0 ? &plain : NULL;
#if defined(__x86_64__)
    if (strcmp(name, "sse2") == 0) forced = &sse2;
    if (strcmp(name, "avx2") == 0 && has_avx2()) forced = &avx2;
#endif
    return forced != NULL;
}

/* With comments quotes count only outside of them: byte by byte. A comment becomes a record of its
 * own. */
static void index_comments(struct weir_csv_index *ix, const struct weir_csv_options *o,
                           const char *data, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char c = data[i];
        if (c == '#' && !ix->in_record) ix->in_comment = true;
        ix->in_record = true;
        if (c == 0) ix->nul = true;
        if ((unsigned char)c > 127) ix->non_ascii = true;
        if (ix->in_comment && c != '\n') continue;
        if (o->quote && c == o->quote) {
            ix->inside = ~ix->inside;
            ix->quotes++;
        }
        if (ix->inside || (c != '\n' && c != o->delimiter)) continue;
        if (c == '\n') {
            ix->record[ix->n_records++] = (struct weir_csv_record){ix->n_pos, ix->quotes};
            ix->in_comment = ix->in_record = false;
        }
        ix->pos[ix->n_pos++] = (uint32_t)i;
    }
}

static bool reserve(struct weir_csv_index *ix)
{
    if (ix->cap_pos - ix->n_pos < WEIR_CSV_STRIDE + 64) {
        uint32_t cap = ix->n_pos + 2 * (WEIR_CSV_STRIDE + 64);
        uint32_t *pos = weir_realloc(ix->pos, cap * sizeof *pos);
        if (!pos) return false;
        ix->pos = pos;
        ix->cap_pos = cap;
    }
    if (ix->cap_records - ix->n_records < WEIR_CSV_STRIDE + 64) {
        uint32_t cap = ix->n_records + 2 * (WEIR_CSV_STRIDE + 64);
        struct weir_csv_record *record = weir_realloc(ix->record, cap * sizeof *record);
        if (!record) return false;
        ix->record = record;
        ix->cap_records = cap;
    }
    return true;
}

/* The N < 64 bytes at DATA and then bytes that mean nothing. */
static void pad(char block[static 64], const char *data, size_t n, const struct weir_csv_options *o)
{
    char fill = 'a';
    while (fill == o->delimiter || fill == o->quote) fill++;
    memset(block, fill, 64);
    memcpy(block, data, n);
}

bool weir_csv_index(struct weir_csv_index *ix, const struct weir_csv_options *o, const char *data,
                    size_t from, size_t to)
{
    if (!reserve(ix)) return false;
    if (o->comments) {
        index_comments(ix, o, data, from, to);
        return true;
    }
    size_t n = to - from, whole = n / 64 * 64;
    best()->index(ix, o, data + from, whole, (uint32_t)from);
    if (whole < n) {
        char block[64];
        pad(block, data + from + whole, n - whole, o);
        best()->index(ix, o, block, 64, (uint32_t)(from + whole));
    }
    return true;
}

void weir_csv_index_release(struct weir_csv_index *ix)
{
    weir_free(ix->pos);
    weir_free(ix->record);
    memset(ix, 0, sizeof *ix);
}

size_t weir_csv_count(const char *data, size_t n, char c)
{
    size_t whole = n / 64 * 64, count = best()->count(data, whole, c);
    for (size_t i = whole; i < n; i++) count += data[i] == c;
    return count;
}
