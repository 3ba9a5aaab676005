/* The demand: what streams want. Building it in memory and reading the compact stream string
   'logs:8,ratio=1:4,mode=exclusive;metrics:4,cpu=0.5'. Every rule about a single value is in
   weir_topo_stream_set, which the JSON reader uses too. */
#include "topology/demand.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PARTITIONS (1u << 24)

struct weir_topo_stream weir_topo_stream_default(const char *name, uint32_t partitions)
{
    struct weir_topo_stream st = {.partitions = partitions, .tier = WEIR_TOPO_TIER_ANY};
    st.scope = WEIR_TOPO_SCOPE_CORE;
    snprintf(st.name, sizeof st.name, "%s", name ? name : "");
    return st;
}

int weir_topo_demand_new(struct weir_topo_demand **out, struct weir_topo_error *err)
{
    *out = topo_calloc(1, sizeof **out);
    return *out ? WEIR_TOPO_OK : topo_fail_nomem(err, "building a demand");
}

void weir_topo_demand_free(struct weir_topo_demand *demand)
{
    if (!demand) return;
    topo_free(demand->streams);
    topo_free(demand);
}

int weir_topo_demand_add(struct weir_topo_demand *demand, const struct weir_topo_stream *stream,
                         struct weir_topo_error *err)
{
    uint64_t all = stream->partitions;
    if (!stream->name[0] || !memchr(stream->name, 0, sizeof stream->name))
        return topo_fail(err, WEIR_TOPO_ERR_INVALID, "a stream needs a name of 1 to 63 bytes");
    if (!stream->partitions)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "stream '%s' has 0 partitions; it needs at least 1", stream->name);
    if ((unsigned)stream->tier > WEIR_TOPO_TIER_ANY ||
        (unsigned)stream->scope >= WEIR_TOPO_SCOPE_COUNT ||
        (unsigned)stream->mode > WEIR_TOPO_EXCLUSIVE ||
        (unsigned)stream->device > WEIR_TOPO_DEVICE_REQUIRE ||
        (unsigned)stream->memory_mode > WEIR_TOPO_MEMORY_RATIO)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "stream '%s': a field is outside its enumeration", stream->name);
    for (uint32_t k = 0; k < demand->stream_count; k++) {
        all += demand->streams[k].partitions;
        if (!strcmp(demand->streams[k].name, stream->name))
            return topo_fail(err, WEIR_TOPO_ERR_INVALID, "two streams have the name '%s'",
                             stream->name);
    }
    if (all > MAX_PARTITIONS)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "stream '%s': %" PRIu64 " partitions in all are more than %u",
                         stream->name, all, MAX_PARTITIONS);
    size_t capacity = demand->stream_capacity;
    if (!topo_grow(&demand->streams, &capacity, (size_t)demand->stream_count + 1,
                   sizeof *demand->streams))
        return topo_fail_nomem(err, "building a demand");
    demand->stream_capacity = (uint32_t)capacity;
    demand->streams[demand->stream_count++] = *stream;
    return WEIR_TOPO_OK;
}

/* ---- values */

/* A decimal number as thousandths of UNIT: VALUE * scale, exact for up to 6 decimals. False if it
 * is none or too big. */
static bool scaled(const char *text, const char **end, uint64_t scale, uint64_t *out)
{
    if (!isdigit((unsigned char)*text)) return false;
    unsigned __int128 value = 0;
    uint64_t divisor = 1;
    for (; isdigit((unsigned char)*text); text++) {
        value = value * 10 + (unsigned)(*text - '0');
        if (value > UINT64_MAX) return false;
    }
    if (*text == '.') {
        text++;
        if (!isdigit((unsigned char)*text)) return false;
        for (; isdigit((unsigned char)*text); text++) {
            if (divisor >= 1000000) return false;
            value = value * 10 + (unsigned)(*text - '0');
            divisor *= 10;
        }
    }
    value = value * scale / divisor;
    if (value > UINT64_MAX) return false;
    *out = (uint64_t)value;
    *end = text;
    return true;
}

int weir_topo_parse_bytes(const char *text, uint64_t *out, struct weir_topo_error *err)
{
    const char *end = text;
    uint64_t whole;
    static const char letters[] = "kmgtpe";
    if (scaled(text, &end, 1, &whole)) {
        unsigned shift = 0;
        const char *suffix = end;
        const char *letter = *suffix ? strchr(letters, tolower((unsigned char)*suffix)) : NULL;
        if (letter) {
            shift = 10 * (unsigned)(letter - letters + 1);
            suffix++;
            if (*suffix == 'i' || *suffix == 'I') suffix++;
        }
        if (*suffix == 'b' || *suffix == 'B') suffix++;
        if (!*suffix && scaled(text, &end, UINT64_C(1) << shift, out) &&
            *out <= (UINT64_C(1) << 60))
            return WEIR_TOPO_OK;
    }
    return topo_fail(err, WEIR_TOPO_ERR_PARSE,
                     "'%s' is no size; write bytes or a number with KiB, MiB, GiB, TiB (at most "
                     "2^60 bytes), such as 4GiB",
                     text);
}

int weir_topo_parse_ratio(const char *text, uint64_t *out, struct weir_topo_error *err)
{
    const char *p = text, *q;
    uint64_t cores, memory;
    if (!strcasecmp(text, "cu")) {
        *out = UINT64_C(4) << 30;
        return WEIR_TOPO_OK;
    }
    if (scaled(p, &q, 1000, &cores) && *q == ':' && cores && cores <= 1000000000 &&
        scaled(q + 1, &q, 1000, &memory) && !*q) {
        unsigned __int128 bytes = ((unsigned __int128)memory << 30) / cores;
        if (bytes && bytes <= (UINT64_C(1) << 60)) {
            *out = (uint64_t)bytes;
            return WEIR_TOPO_OK;
        }
    }
    return topo_fail(
        err, WEIR_TOPO_ERR_PARSE,
        "'%s' is no ratio; write cores:GiB, such as 1:4 (one core to 4 GiB), or cu (the same)",
        text);
}

static int parse_cpu(const char *text, uint32_t *out, struct weir_topo_error *err)
{
    const char *end;
    uint64_t v;
    bool milli = *text && text[strlen(text) - 1] == 'm';
    if (scaled(text, &end, milli ? 1 : 1000, &v) && !strcmp(end, milli ? "m" : "") && v &&
        v <= UINT32_MAX / 2) {
        *out = (uint32_t)v;
        return WEIR_TOPO_OK;
    }
    return topo_fail(err, WEIR_TOPO_ERR_PARSE,
                     "'%s' is no amount of CPU; write cores (2, 0.5) or milli-CU (500m)", text);
}

static int parse_u32(const char *text, uint32_t max, uint32_t *out, struct weir_topo_error *err)
{
    uint64_t v = 0;
    const char *p = text;
    for (; isdigit((unsigned char)*p) && v <= max; p++) v = v * 10 + (uint64_t)(*p - '0');
    if (p == text || *p || v > max)
        return topo_fail(err, WEIR_TOPO_ERR_PARSE, "'%s' is no whole number from 0 to %u", text,
                         max);
    *out = (uint32_t)v;
    return WEIR_TOPO_OK;
}

static int parse_word(const char *text, const char *const *words, unsigned count, unsigned *out,
                      struct weir_topo_error *err)
{
    char all[160] = "";
    for (unsigned k = 0; k < count; k++) {
        if (!strcasecmp(text, words[k])) {
            *out = k;
            return WEIR_TOPO_OK;
        }
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", k ? ", " : "", words[k]);
    }
    return topo_fail(err, WEIR_TOPO_ERR_PARSE, "'%s' is not one of: %s", text, all);
}

/* ---- one field of a stream */

static const char *const tier_words[] = {"dram", "hbm", "cxl", "nvm", "gpu", "any"};
static const char *const scope_words[] = {"pu", "core", "l3", "numa", "package"};
static const char *const mode_words[] = {"shared", "exclusive"};
static const char *const device_words[] = {"none", "prefer", "require"};
static const char *const kind_words[] = {"gpu", "fpga", "nic", "disk", "other"};

#define WORD(words, field, type)                                                                   \
    do {                                                                                           \
        rc = parse_word(value, words, sizeof words / sizeof *words, &w, err);                      \
        if (!rc) st->field = (enum type)w;                                                         \
    } while (0)

static int set_priority(struct weir_topo_stream *st, const char *value, struct weir_topo_error *err)
{
    uint32_t v = 0;
    int rc = parse_u32(*value == '-' ? value + 1 : value, INT32_MAX, &v, err);
    if (!rc) st->priority = *value == '-' ? -(int32_t)v : (int32_t)v;
    return rc;
}

static int set_memory(struct weir_topo_stream *st, enum weir_topo_memory_mode mode,
                      const char *value, struct weir_topo_error *err)
{
    if (st->memory_mode != WEIR_TOPO_MEMORY_AUTO)
        return topo_fail(err, WEIR_TOPO_ERR_INVALID,
                         "memory is given twice; use either a ratio or bytes");
    st->memory_mode = mode;
    return mode == WEIR_TOPO_MEMORY_RATIO ? weir_topo_parse_ratio(value, &st->bytes, err)
                                          : weir_topo_parse_bytes(value, &st->bytes, err);
}

static bool valid_page(uint64_t bytes)
{
    return bytes >= 4096 && !(bytes & (bytes - 1));
}

int weir_topo_stream_set(struct weir_topo_stream *st, const char *key, const char *value,
                         struct weir_topo_error *err)
{
    unsigned w = 0;
    int rc = WEIR_TOPO_OK;
    if (!strcmp(key, "partitions")) {
        rc = parse_u32(value, MAX_PARTITIONS, &st->partitions, err);
    } else if (!strcmp(key, "cpu")) {
        rc = parse_cpu(value, &st->milli_cu, err);
    } else if (!strcmp(key, "milli_cu")) {
        rc = parse_u32(value, UINT32_MAX / 2, &st->milli_cu, err);
    } else if (!strcmp(key, "ratio")) {
        rc = set_memory(st, WEIR_TOPO_MEMORY_RATIO, value, err);
    } else if (!strcmp(key, "memory") || !strcmp(key, "bytes")) {
        rc = set_memory(st, WEIR_TOPO_MEMORY_BYTES, value, err);
    } else if (!strcmp(key, "bytes_per_cu")) { /* what our own JSON writes for a ratio */
        rc = set_memory(st, WEIR_TOPO_MEMORY_RATIO, "cu", err);
        if (!rc) rc = weir_topo_parse_bytes(value, &st->bytes, err);
    } else if (!strcmp(key, "pages")) {
        rc = weir_topo_parse_bytes(value, &st->page_bytes, err);
        if (!rc && st->page_bytes && !valid_page(st->page_bytes))
            rc = topo_fail(err, WEIR_TOPO_ERR_INVALID,
                           "'%s' is no page size; write 4KiB, 2MiB or 1GiB", value);
        if (!rc && st->page_bytes == 4096) st->page_bytes = 0;
    } else if (!strcmp(key, "tier")) {
        WORD(tier_words, tier, weir_topo_tier);
    } else if (!strcmp(key, "mode")) {
        WORD(mode_words, mode, weir_topo_mode);
    } else if (!strcmp(key, "scope")) {
        WORD(scope_words, scope, weir_topo_scope);
    } else if (!strcmp(key, "device")) {
        WORD(device_words, device, weir_topo_device_want);
    } else if (!strcmp(key, "device-kind") || !strcmp(key, "device_kind")) {
        WORD(kind_words, device_kind, weir_topo_device_kind);
    } else if (!strcmp(key, "device-units") || !strcmp(key, "device_units")) {
        rc = parse_u32(value, 1000000, &st->device_units, err);
    } else if (!strcmp(key, "device-memory") || !strcmp(key, "device_bytes")) {
        rc = weir_topo_parse_bytes(value, &st->device_bytes, err);
    } else if (!strcmp(key, "priority")) {
        rc = set_priority(st, value, err);
    } else {
        rc = topo_fail(err, WEIR_TOPO_ERR_PARSE,
                       "unknown key '%s'; known: cpu, ratio, memory, tier, pages, device, "
                       "device-kind, device-units, "
                       "device-memory, mode, scope, priority",
                       key);
    }
    return rc;
}

/* ---- the stream string */

struct scanner {
    const char *start, *at;
    char word[96];
};

/* The text up to one of STOPS (or the end) into s->word, without surrounding blanks. */
static int next_word(struct scanner *s, const char *stops, struct weir_topo_error *err)
{
    while (*s->at == ' ') s->at++;
    const char *from = s->at;
    s->at += strcspn(s->at, stops);
    size_t n = (size_t)(s->at - from);
    while (n && from[n - 1] == ' ') n--;
    if (!n || n >= sizeof s->word)
        return topo_fail(
            err, WEIR_TOPO_ERR_PARSE,
            "streams '%.200s': a name or value of 1 to %zu bytes is missing at character %zu",
            s->start, sizeof s->word - 1, (size_t)(from - s->start) + 1);
    memcpy(s->word, from, n);
    s->word[n] = '\0';
    return WEIR_TOPO_OK;
}

static int parse_stream(struct scanner *s, struct weir_topo_stream *st, struct weir_topo_error *err)
{
    char key[sizeof s->word];
    int rc = next_word(s, ":,;=", err);
    if (rc) return rc;
    *st = weir_topo_stream_default(s->word, 1);
    if (strlen(s->word) >= sizeof st->name)
        return topo_fail(err, WEIR_TOPO_ERR_PARSE, "stream name '%s' is longer than 63 bytes",
                         s->word);
    size_t column = (size_t)(s->at - s->start) + 1;
    if (*s->at == ':') {
        s->at++;
        rc = next_word(s, ",;", err);
        if (!rc) rc = weir_topo_stream_set(st, "partitions", s->word, err);
    }
    while (!rc && *s->at == ',') {
        s->at++;
        column = (size_t)(s->at - s->start) + 1;
        rc = next_word(s, "=,;", err);
        if (rc) return rc;
        if (*s->at != '=')
            return topo_fail(err, WEIR_TOPO_ERR_PARSE,
                             "streams: '%s' at character %zu has no value; write %s=VALUE", s->word,
                             column, s->word);
        memcpy(key, s->word, sizeof key);
        s->at++;
        rc = next_word(s, ",;", err);
        if (!rc) rc = weir_topo_stream_set(st, key, s->word, err);
    }
    if (rc) return topo_prefix(err, "stream '%s', character %zu", st->name, column);
    if (*s->at == '=' || *s->at == ':')
        return topo_fail(
            err, WEIR_TOPO_ERR_PARSE,
            "streams: unexpected '%c' at character %zu; write NAME:PARTITIONS,key=value", *s->at,
            (size_t)(s->at - s->start) + 1);
    return WEIR_TOPO_OK;
}

int weir_topo_demand_parse_streams(const char *text, struct weir_topo_demand **out,
                                   struct weir_topo_error *err)
{
    struct scanner s = {.start = text, .at = text};
    struct weir_topo_demand *demand;
    *out = NULL;
    int rc = weir_topo_demand_new(&demand, err);
    while (!rc) {
        struct weir_topo_stream st;
        rc = parse_stream(&s, &st, err);
        if (!rc) rc = weir_topo_demand_add(demand, &st, err);
        if (rc || !*s.at) break;
        s.at++; /* the ';' */
        if (!s.at[strspn(s.at, " ")]) break;
    }
    if (rc)
        weir_topo_demand_free(demand);
    else
        *out = demand;
    return rc;
}
