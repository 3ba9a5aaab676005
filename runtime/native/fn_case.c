/* Case mappings by ranges: FROM … TO (each STEP-th) map by adding DELTA; pairs are alphabets where
   upper and lower case alternate. After Unicode 15's UnicodeData.txt. */
#include "runtime/native/fn_case.h"

static const struct range {
    uint32_t from, to; /* upper case letters */
    int32_t delta;     /* to lower case */
    uint32_t step;
} ranges[] = {
    {'A', 'Z', 32, 1},         {0xc0, 0xd6, 32, 1},     {0xd8, 0xde, 32, 1},
    {0x100, 0x12e, 1, 2},      {0x132, 0x136, 1, 2},    {0x139, 0x147, 1, 2},
    {0x14a, 0x176, 1, 2},      {0x178, 0x178, -121, 1}, {0x179, 0x17d, 1, 2},
    {0x1cd, 0x1db, 1, 2},      {0x1de, 0x1ee, 1, 2},    {0x1f8, 0x21e, 1, 2},
    {0x222, 0x232, 1, 2},      {0x370, 0x372, 1, 2},    {0x376, 0x376, 1, 1},
    {0x386, 0x386, 38, 1},     {0x388, 0x38a, 37, 1},   {0x38c, 0x38c, 64, 1},
    {0x38e, 0x38f, 63, 1},     {0x391, 0x3a1, 32, 1},   {0x3a3, 0x3ab, 32, 1},
    {0x3d8, 0x3ee, 1, 2},      {0x400, 0x40f, 80, 1},   {0x410, 0x42f, 32, 1},
    {0x460, 0x480, 1, 2},      {0x48a, 0x4be, 1, 2},    {0x4c0, 0x4c0, 15, 1},
    {0x4c1, 0x4cd, 1, 2},      {0x4d0, 0x52e, 1, 2},    {0x531, 0x556, 48, 1},
    {0x10a0, 0x10c5, 7264, 1}, {0x1e00, 0x1e94, 1, 2},  {0x1ea0, 0x1efe, 1, 2},
    {0x1f08, 0x1f0f, -8, 1},   {0x1f18, 0x1f1d, -8, 1}, {0x1f28, 0x1f2f, -8, 1},
    {0x1f38, 0x1f3f, -8, 1},   {0x1f48, 0x1f4d, -8, 1}, {0x1f68, 0x1f6f, -8, 1},
    {0x2160, 0x216f, 16, 1},   {0x24b6, 0x24cf, 26, 1}, {0x2c00, 0x2c2f, 48, 1},
    {0x2c80, 0x2ce2, 1, 2},    {0xff21, 0xff3a, 32, 1}, {0x10400, 0x10427, 40, 1},
};

uint32_t fn_lower(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x130) return 'i';
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *r = &ranges[i];
        if (c >= r->from && c <= r->to && (c - r->from) % r->step == 0)
            return (uint32_t)((int32_t)c + r->delta);
    }
    return c;
}

uint32_t fn_upper(uint32_t c)
{
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (c == 0x131) return 'I';
    if (c == 0xb5) return 0x39c;  /* micro sign */
    if (c == 0x3c2) return 0x3a3; /* final sigma */
    if (c == 0x17f) return 'S';
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *r = &ranges[i];
        uint32_t up = (uint32_t)((int32_t)c - r->delta);
        if (up >= r->from && up <= r->to && (up - r->from) % r->step == 0) return up;
    }
    return c;
}

bool fn_is_alnum(uint32_t c)
{
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (c >= 0x110000 || (c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x303f)) return false;
    return c == 0xaa || c == 0xb5 || c == 0xba || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

uint32_t fn_decode(const char *s, uint32_t len, uint32_t *size)
{
    const uint8_t *p = (const uint8_t *)s;
    uint32_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    *size = 1;
    if (n == 1) return p[0];
    if (!n || n > len || p[0] > 0xf4) return 0x110000u + p[0];
    uint32_t c = p[0] & (0x7fu >> n);
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0x110000u + p[0];
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c > 0x10ffff || (n == 2 && c < 0x80) || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000))
        return 0x110000u + p[0];
    *size = n;
    return c;
}

uint32_t fn_encode(uint32_t c, char *out)
{
    if (c >= 0x110000) {
        out[0] = (char)(c - 0x110000);
        return 1;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    uint32_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (uint32_t i = n - 1; i; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}
