/* Digests and encodings: MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4) as lower-case hex, Base64,
   HEX, BIN. */
#include <string.h>

#include "runtime/column/text.h"
#include "runtime/native/fn_internal.h"

#define STR_OUT ((struct weir_str *)out->data)[i]
#define ARGS                                                                                       \
    struct weir_eval *ctx, const struct weir_function *f, int n_args,                              \
        const struct weir_vec *const *arg, uint32_t n, struct weir_vec *out
#define UNUSED (void)f, (void)n_args

static uint32_t rotl(uint32_t x, int k)
{
    return x << k | x >> (32 - k);
}
static uint32_t rotr(uint32_t x, int k)
{
    return x >> k | x << (32 - k);
}
static uint64_t rotr64(uint64_t x, int k)
{
    return x >> k | x << (64 - k);
}

/* ---- one block of each ---- */

/* floor(|sin(i + 1)| * 2^32) */
static const uint32_t md5_round[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

/* The fractional parts of the cube roots of the first 80 primes; SHA-256 takes the upper halves. */
static const uint64_t sha_round[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

static void md5_block(uint32_t h[4], const uint8_t *p)
{
    static const uint8_t shift[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    uint32_t w[16], a = h[0], b = h[1], c = h[2], d = h[3];
    memcpy(w, p, 64);
    for (int i = 0; i < 64; i++) {
        uint32_t fn, g;
        switch (i / 16) {
        case 0: fn = (b & c) | (~b & d), g = (uint32_t)i; break;
        case 1: fn = (d & b) | (~d & c), g = (uint32_t)(5 * i + 1) % 16; break;
        case 2: fn = b ^ c ^ d, g = (uint32_t)(3 * i + 5) % 16; break;
        default: fn = c ^ (b | ~d), g = (uint32_t)(7 * i) % 16;
        }
        uint32_t t = rotl(a + fn + md5_round[i] + w[g], shift[i / 16 * 4 + i % 4]);
        a = d, d = c, c = b, b += t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++) w[i] = big32(p + 4 * i);
    for (int i = 16; i < 80; i++) w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t fn = i < 20   ? (b & c) | (~b & d)
                      : i < 40 ? b ^ c ^ d
                      : i < 60 ? (b & c) | (b & d) | (c & d)
                               : b ^ c ^ d;
        uint32_t t = rotl(a, 5) + fn + e + k[i / 20] + w[i];
        e = d, d = c, c = rotl(b, 30), b = a, a = t;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 16; i++) w[i] = big32(p + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[i - 7] +
               (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
                      (uint32_t)(sha_round[i] >> 32) + w[i];
        uint32_t t2 =
            (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

static void sha512_block(uint64_t h[8], const uint8_t *p)
{
    uint64_t w[80], v[8];
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 16; i++) w[i] = (uint64_t)big32(p + 8 * i) << 32 | big32(p + 8 * i + 4);
    for (int i = 16; i < 80; i++) {
        uint64_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotr64(x, 1) ^ rotr64(x, 8) ^ x >> 7) + w[i - 7] +
               (rotr64(y, 19) ^ rotr64(y, 61) ^ y >> 6);
    }
    for (int i = 0; i < 80; i++) {
        uint64_t a = v[0], e = v[4];
        uint64_t t1 = v[7] + (rotr64(e, 14) ^ rotr64(e, 18) ^ rotr64(e, 41)) +
                      ((e & v[5]) ^ (~e & v[6])) + sha_round[i] + w[i];
        uint64_t t2 = (rotr64(a, 28) ^ rotr64(a, 34) ^ rotr64(a, 39)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

/* ---- whole messages ---- */

enum { D_MD5, D_SHA1, D_SHA224, D_SHA256, D_SHA384, D_SHA512 };

union state {
    uint32_t w[8];
    uint64_t x[8];
};

static const struct {
    uint8_t bytes, block; /* of the digest, of a block */
    union state start;
} digests[] = {
    [D_MD5] = {16, 64, {.w = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}}},
    [D_SHA1] = {20, 64, {.w = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}}},
    [D_SHA224] = {28,
                  64,
                  {.w = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511,
                         0x64f98fa7, 0xbefa4fa4}}},
    [D_SHA256] = {32,
                  64,
                  {.w = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                         0x1f83d9ab, 0x5be0cd19}}},
    [D_SHA384] = {48,
                  128,
                  {.x = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
                         0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
                         0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}}},
    [D_SHA512] = {64,
                  128,
                  {.x = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                         0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                         0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}}},
};

static void one_block(int which, union state *h, const uint8_t *p)
{
    switch (which) {
    case D_MD5: md5_block(h->w, p); break;
    case D_SHA1: sha1_block(h->w, p); break;
    case D_SHA224:
    case D_SHA256: sha256_block(h->w, p); break;
    default: sha512_block(h->x, p);
    }
}

/* The digest of S to OUT (up to 64 bytes). */
static void digest(int which, struct weir_str s, uint8_t *out)
{
    union state h = digests[which].start;
    uint32_t block = digests[which].block, tail = block / 8, done = 0;
    uint8_t last[256] = {0};
    for (; s.len - done >= block; done += block)
        one_block(which, &h, (const uint8_t *)s.data + done);
    uint32_t rest = s.len - done, padded = rest + 1 + tail <= block ? block : 2 * block;
    if (rest) memcpy(last, s.data + done, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) {
        uint32_t at = which == D_MD5 ? padded - 8 + (uint32_t)i : padded - 1 - (uint32_t)i;
        last[at] = (uint8_t)((uint64_t)s.len * 8 >> 8 * i);
    }
    for (uint32_t at = 0; at < padded; at += block) one_block(which, &h, last + at);
    for (uint32_t i = 0; i < digests[which].bytes; i++) {
        if (block == 128)
            out[i] = (uint8_t)(h.x[i / 8] >> (56 - i % 8 * 8));
        else if (which == D_MD5)
            out[i] = (uint8_t)(h.w[i / 4] >> i % 4 * 8);
        else
            out[i] = (uint8_t)(h.w[i / 4] >> (24 - i % 4 * 8));
    }
}

static void put_hex(char *p, const uint8_t *bytes, size_t n, const char *digits)
{
    for (size_t i = 0; i < n; i++) {
        p[2 * i] = digits[bytes[i] >> 4];
        p[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* SHA2(text, bits) gives NULL for a number of bits that there is not. */
static int sha2_of(int32_t bits)
{
    switch (bits) {
    case 224: return D_SHA224;
    case 0:
    case 256: return D_SHA256;
    case 384: return D_SHA384;
    case 512: return D_SHA512;
    default: return -1;
    }
}

static int eval_digest(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        int which = n_args > 1 ? sha2_of(fn_i32(arg[1], i)) : f->param;
        uint8_t bytes[64];
        STR_OUT = (struct weir_str){"", 0};
        if (which < 0) {
            st[i] = WK_NULL;
            continue;
        }
        digest(which, fn_str(arg[0], i), bytes);
        char *p = weir_fn_put(ctx, out, i, NULL, 2u * digests[which].bytes);
        if (p) put_hex(p, bytes, digests[which].bytes, "0123456789abcdef");
    }
    return WEIR_OK;
}

/* ---- encodings ---- */

static int eval_to_base64(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        char *p = weir_fn_put(ctx, out, i, NULL, ((size_t)s.len + 2) / 3 * 4);
        if (p) weir_text_format_base64(p, (const unsigned char *)s.data, s.len);
    }
    return WEIR_OK;
}

static int eval_from_base64(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        size_t len = 0;
        char *p = weir_fn_put(ctx, out, i, NULL, (size_t)s.len / 4 * 3 + 3);
        if (!p) continue;
        if (weir_text_parse_base64(s.data, s.len, (unsigned char *)p, &len))
            st[i] = WK_ERR_ARGUMENT;
        STR_OUT.len = (uint32_t)len;
    }
    return WEIR_OK;
}

/* HEX of a text's bytes, or of an integer without leading zeros. */
static int infer_hex(const struct weir_function *f, int n, struct weir_type *arg,
                     struct weir_type *ret, struct weir_error *err)
{
    uint8_t nullable = arg[0].nullable;
    if (n == 1 && weir_type_is_integer(arg[0])) {
        arg[0] = weir_type_make(WEIR_TYPE_BIGINT);
        arg[0].nullable = nullable;
        *ret = weir_type_string();
        ret->nullable = nullable;
        return WEIR_OK;
    }
    return weir_fn_infer(f, n, arg, ret, err);
}

static size_t print_bits(char *buf, uint64_t x, int bits_a_digit)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 1;
    while (len * (size_t)bits_a_digit < 64 && x >> len * (size_t)bits_a_digit) len++;
    for (size_t k = 0; k < len; k++)
        buf[len - 1 - k] = digits[x >> k * (size_t)bits_a_digit & ((1u << bits_a_digit) - 1)];
    return len;
}

static int eval_hex(ARGS)
{
    UNUSED;
    bool text = weir_type_phys(arg[0]->type) == WEIR_PHYS_STR;
    FN_EACH(ctx, out, n, st, i)
    {
        char buf[64];
        if (!text) {
            weir_fn_put(ctx, out, i, buf, print_bits(buf, (uint64_t)fn_i64(arg[0], i), f->param));
            continue;
        }
        struct weir_str s = fn_str(arg[0], i);
        char *p = weir_fn_put(ctx, out, i, NULL, (size_t)s.len * 2);
        if (p) put_hex(p, (const uint8_t *)s.data, s.len, "0123456789ABCDEF");
    }
    return WEIR_OK;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL where the text is no hex; an odd digit in front stands for a byte. */
static int eval_unhex(ARGS)
{
    UNUSED;
    FN_EACH(ctx, out, n, st, i)
    {
        struct weir_str s = fn_str(arg[0], i);
        uint32_t odd = s.len & 1;
        char *p = weir_fn_put(ctx, out, i, NULL, (size_t)s.len / 2 + odd);
        int bad = 0;
        for (uint32_t k = 0; p && k < s.len; k++) {
            int x = nibble(s.data[k]);
            bad |= x;
            uint32_t at = (k + odd) / 2;
            p[at] = (char)((k + odd) & 1 ? (p[at] | x) : (int)((unsigned)x << 4));
            if (odd && !k) p[0] = (char)x;
        }
        if (bad < 0) st[i] = WK_NULL;
    }
    return WEIR_OK;
}

/* clang-format off */
#define ONE(fn_name, args, sig, fn_infer, fn_eval, p, spec) \
    {{.name = fn_name, .min_args = args, .max_args = args, .signature = sig, .infer = fn_infer, \
      .eval = fn_eval, .param = p}, spec}
static const struct fn_entry entries[] = {
    ONE("MD5", 1, "MD5(text)", weir_fn_infer, eval_digest, D_MD5, "S:s"),
    ONE("SHA1", 1, "SHA1(text)", weir_fn_infer, eval_digest, D_SHA1, "S:s"),
    ONE("SHA224", 1, "SHA224(text)", weir_fn_infer, eval_digest, D_SHA224, "S:s"),
    ONE("SHA256", 1, "SHA256(text)", weir_fn_infer, eval_digest, D_SHA256, "S:s"),
    ONE("SHA384", 1, "SHA384(text)", weir_fn_infer, eval_digest, D_SHA384, "S:s"),
    ONE("SHA512", 1, "SHA512(text)", weir_fn_infer, eval_digest, D_SHA512, "S:s"),
    ONE("SHA2", 2, "SHA2(text, bits)", weir_fn_infer, eval_digest, 0, "Si:s?"),
    ONE("TO_BASE64", 1, "TO_BASE64(text)", weir_fn_infer, eval_to_base64, 0, "S:s"),
    ONE("FROM_BASE64", 1, "FROM_BASE64(text)", weir_fn_infer, eval_from_base64, 0, "s:s"),
    ONE("HEX", 1, "HEX(integer or text)", infer_hex, eval_hex, 4, "S:s"),
    ONE("BIN", 1, "BIN(integer)", weir_fn_infer, eval_hex, 1, "l:s"),
    ONE("UNHEX", 1, "UNHEX(text)", weir_fn_infer, eval_unhex, 0, "s:y?"),
};
/* clang-format on */
FN_FAMILY(weir_fn_digest, entries);
