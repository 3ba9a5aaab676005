/* Key words from vectors, column by column: one tight loop for each key and physical type writes
   the words with the row's stride, a second pass zeroes NULLs where there are any. */
#include "runtime/native/keys.h"

#include "kernels/common/hash.h"

uint32_t weir_key_words(struct weir_type t)
{
    enum weir_phys p = weir_type_phys(t);
    return p == WEIR_PHYS_I128 || p == WEIR_PHYS_STR ? 2 : 1;
}

struct weir_keys weir_keys_make(uint32_t n, const struct weir_type *type)
{
    struct weir_keys k = {.n = n, .words = 1, .fixed = true, .type = type};
    for (uint32_t i = 0; i < n; i++) {
        k.words += weir_key_words(type[i]);
        if (weir_type_phys(type[i]) == WEIR_PHYS_STR) k.fixed = false;
    }
    return k;
}

#define LOAD(T, expr)                                                                              \
    do {                                                                                           \
        const T *in = v->data;                                                                     \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            T x = in[v->constant ? 0 : i];                                                         \
            out[i * stride] = (uint64_t)(expr);                                                    \
        }                                                                                          \
    } while (0)

static void load(const struct weir_vec *v, uint32_t n, uint64_t *out, size_t stride)
{
    switch (weir_type_phys(v->type)) {
    case WEIR_PHYS_BOOL: LOAD(uint8_t, x); break;
    case WEIR_PHYS_I8: LOAD(int8_t, (int64_t)x); break;
    case WEIR_PHYS_I16: LOAD(int16_t, (int64_t)x); break;
    case WEIR_PHYS_I32: LOAD(int32_t, (int64_t)x); break;
    case WEIR_PHYS_I64: LOAD(int64_t, x); break;
    case WEIR_PHYS_F32: LOAD(float, wk_key_f64((double)x)); break;
    case WEIR_PHYS_F64: LOAD(double, wk_key_f64(x)); break;
    case WEIR_PHYS_I128: {
        const char *in = v->data;
        for (uint32_t i = 0; i < n; i++)
            memcpy(out + i * stride, in + (v->constant ? 0 : (size_t)i * 16), 16);
        break;
    }
    default: {
        const struct weir_str *in = v->data;
        for (uint32_t i = 0; i < n; i++) {
            const struct weir_str *s = in + (v->constant ? 0 : i);
            out[i * stride] = (uint64_t)(uintptr_t)s->data;
            out[i * stride + 1] = s->len;
        }
    }
    }
}

const uint64_t *weir_key_words_of(const struct weir_vec *v, uint32_t n, uint64_t *out)
{
    if (weir_type_phys(v->type) == WEIR_PHYS_I64 && !v->constant) return v->data;
    load(v, n, out, 1);
    return out;
}

uint64_t weir_keys_load(const struct weir_keys *k, uint32_t n, const struct weir_vec *const *key,
                        uint64_t *out)
{
    size_t stride = k->words, at = 1;
    uint64_t any = 0;
    for (uint32_t i = 0; i < n; i++) out[i * stride] = 0;
    for (uint32_t c = 0; c < k->n; c++) {
        uint32_t words = weir_key_words(k->type[c]);
        load(key[c], n, out + at, stride);
        for (uint32_t i = 0; key[c]->st && i < n; i++) {
            if (weir_vec_state(key[c], i) == WK_VALID) continue;
            out[i * stride] |= (uint64_t)1 << (c & 63);
            memset(out + i * stride + at, 0, words * 8);
            any |= (uint64_t)1 << (c & 63);
        }
        at += words;
    }
    return any;
}

static void hash_key(struct weir_type t, uint32_t n, const uint64_t *words, size_t stride,
                     uint64_t *hash)
{
    enum weir_phys p = weir_type_phys(t);
    if (p == WEIR_PHYS_STR) {
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t *w = words + i * stride;
            hash[i] = wk_hash_bytes(hash[i], (const uint8_t *)(uintptr_t)w[0], (uint32_t)w[1]);
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) hash[i] = wk_hash_word(hash[i], words[i * stride]);
    if (p != WEIR_PHYS_I128) return;
    for (uint32_t i = 0; i < n; i++) hash[i] = wk_hash_word(hash[i], words[i * stride + 1]);
}

void weir_keys_hash(const struct weir_keys *k, uint32_t n, const uint64_t *rows, uint64_t nulls,
                    uint64_t *hash)
{
    size_t stride = k->words, at = 1;
    for (uint32_t i = 0; i < n; i++) hash[i] = WK_HASH_SEED;
    for (uint32_t c = 0; c < k->n; c++) {
        uint64_t bit = (uint64_t)1 << (c & 63);
        if (!(nulls & bit)) {
            hash_key(k->type[c], n, rows + at, stride, hash);
        } else {
            for (uint32_t i = 0; i < n; i++) {
                if (rows[i * stride] & bit)
                    hash[i] = wk_hash_word(hash[i], WK_HASH_NULL);
                else
                    hash_key(k->type[c], 1, rows + i * stride + at, stride, hash + i);
            }
        }
        at += weir_key_words(k->type[c]);
    }
}

static bool same_text(const uint64_t *a, const uint64_t *b)
{
    return a[1] == b[1] &&
           weir_bytes_equal((const char *)(uintptr_t)a[0], (const char *)(uintptr_t)b[0], a[1]);
}

bool weir_keys_equal_texts(const struct weir_keys *k, const uint64_t *a, const uint64_t *b)
{
    if (k->n == 1) return same_text(a, b);
    for (uint32_t c = 0; c < k->n; c++) {
        enum weir_phys p = weir_type_phys(k->type[c]);
        bool two = p == WEIR_PHYS_I128 || p == WEIR_PHYS_STR;
        bool same = p == WEIR_PHYS_STR ? same_text(a, b) : a[0] == b[0] && (!two || a[1] == b[1]);
        if (!same) return false;
        a += two ? 2 : 1;
        b += two ? 2 : 1;
    }
    return true;
}

uint32_t weir_vec_first_error(const struct weir_vec *v, uint32_t n)
{
    if (!v->st || !n) return n;
    if (v->constant) return v->st[0] > WK_NULL ? 0 : n;
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++) any = v->st[i] > any ? v->st[i] : any;
    if (any <= WK_NULL) return n;
    uint32_t i = 0;
    while (v->st[i] <= WK_NULL) i++;
    return i;
}

struct weir_vec weir_vec_of_column(const struct weir_column *c, size_t from, uint32_t n,
                                   void *scratch, uint8_t *states)
{
    struct weir_vec v = {.type = c->type, .data = scratch};
    enum weir_phys p = weir_type_phys(c->type);
    if (p == WEIR_PHYS_BOOL) {
        for (uint32_t i = 0; i < n; i++) ((uint8_t *)scratch)[i] = weir_bit(c->values, from + i);
    } else if (p == WEIR_PHYS_STR) {
        for (uint32_t i = 0; i < n; i++)
            ((struct weir_str *)scratch)[i] = weir_column_str(c, from + i);
    } else { /* vectors are only read */
        v.data = (void *)((uintptr_t)c->values + from * weir_phys_size(p));
    }
    if (!c->validity) return v;
    for (uint32_t i = 0; i < n; i++)
        states[i] = weir_bit(c->validity, from + i) ? WK_VALID : WK_NULL;
    v.st = states;
    return v;
}
