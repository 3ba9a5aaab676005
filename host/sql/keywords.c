/* The keyword table and its lookup: a binary search over the names, in capitals. */
#include "host/sql/keywords.h"

#include <string.h>

enum flag { R = 'R', F = 'F', N = 'N' };

static const struct {
    const char *name;
    unsigned char len;
    char flag;
} words[WEIR_KW_COUNT_] = {{"", 0, 0},
#define X(word, flag) {#word, sizeof #word - 1, (char)(flag)},
                           WEIR_SQL_KEYWORDS(X)
#undef X
};

enum { MAX_LEN = 32 };

enum weir_sql_keyword weir_sql_keyword(const char *s, size_t n)
{
    char up[MAX_LEN];
    if (n < 2 || n > MAX_LEN) return WEIR_NO_KEYWORD;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        up[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    unsigned lo = 1, hi = WEIR_KW_COUNT_;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        size_t len = words[mid].len;
        int c = memcmp(up, words[mid].name, n < len ? n : len);
        if (!c) c = (n > len) - (n < len);
        if (!c) return (enum weir_sql_keyword)mid;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return WEIR_NO_KEYWORD;
}

const char *weir_sql_keyword_name(enum weir_sql_keyword kw)
{
    return words[kw].name;
}

char weir_sql_keyword_flag(enum weir_sql_keyword kw)
{
    return words[kw].flag;
}
