/* make_ysb OUTDIR [--events N] [--seed S] [--campaigns C] [--ads A] [--rate R] [--files K]: the
   input of ysb.sql.

   The Yahoo Streaming Benchmark's advertising events
   (https://github.com/yahoo/streaming-benchmarks): JSON lines in OUTDIR/events-00.json …, each the
   next part of the time line, at R events a second, and OUTDIR/ads.csv, which says what
   campaign an ad belongs to. As in the benchmark, ids are UUIDs, event types and ad types are
   uniform, and the ads of all campaigns are equally likely; events are up to 2 s out of order. The
   same arguments give the same bytes. */

#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_files = 64 };

static const int64_t begin_ms = INT64_C(1715580000000); /* 2024-05-13 06:00:00 UTC */

static const char usage[] =
    "usage: make_ysb OUTDIR [--events N] [--seed S] [--campaigns C] [--ads A] [--rate R]\n"
    "                       [--files K]\n"
    "  writes K files (JSON lines) of N events in all and ads.csv into OUTDIR\n"
    "  --events N      events in all, 1 to 10000000000 (1000000)\n"
    "  --seed S        the same seed gives the same bytes (1)\n"
    "  --campaigns C   campaigns, 1 to 1000000 (100)\n"
    "  --ads A         ads of each campaign, 1 to 1000 (10)\n"
    "  --rate R        events a second of event time, 1 to 1000000000 (10000)\n"
    "  --files K       1 to 64 (4)\n";

static const char *const ad_types[] = {"banner", "modal", "sponsored-search", "mail", "mobile"};
static const char *const event_types[] = {"view", "click", "purchase"};

enum id_kind { id_user = 1, id_page, id_ad, id_campaign };

/* The UUID of the index-th thing of a kind. */
static void write_id(struct out *o, uint64_t seed, enum id_kind kind, uint64_t index)
{
    struct rng rng = {seed * 31 + ((uint64_t)kind << 56) + index * 0x632be59bd9b4e019u};
    uint64_t high = rng_next(&rng), low = rng_next(&rng);
    out_uuid(o, high, low);
}

static int write_ads(const char *dir, uint64_t seed, uint64_t campaigns, uint64_t ads)
{
    struct out o;
    if (out_open(&o, dir, "ads.csv") != 0) return -1;
    out_text(&o, "ad_id,campaign_id\n");
    for (uint64_t i = 0; i < campaigns * ads; i++) {
        write_id(&o, seed, id_ad, i);
        out_text(&o, ",");
        write_id(&o, seed, id_campaign, i / ads);
        out_text(&o, "\n");
    }
    return out_close(&o);
}

static void write_event(struct out *o, struct rng *r, uint64_t seed, uint64_t ads, int64_t time_ms)
{
    time_ms -= rng_below(r, 8) == 0 ? rng_below(r, 2000) : 0;
    out_text(o, "{\"user_id\":\"");
    write_id(o, seed, id_user, rng_below(r, 100000));
    out_text(o, "\",\"page_id\":\"");
    write_id(o, seed, id_page, rng_below(r, 1000));
    out_text(o, "\",\"ad_id\":\"");
    write_id(o, seed, id_ad, rng_next(r) % ads);
    out_text(o, "\",\"ad_type\":\"");
    out_text(o, ad_types[rng_below(r, 5)]);
    out_text(o, "\",\"event_type\":\"");
    out_text(o, event_types[rng_below(r, 3)]);
    out_text(o, "\",\"event_time\":\"");
    out_timestamp(o, time_ms < begin_ms ? begin_ms : time_ms);
    out_text(o, "\",\"ip_address\":\"");
    out_ip(o, (uint32_t)rng_next(r));
    out_text(o, "\"}\n");
}

int main(int argc, char **argv)
{
    uint64_t events = 1000000, seed = 1, campaigns = 100, ads = 10, rate = 10000, files = 4;
    const struct option_spec options[] = {{"--events", &events, 1, UINT64_C(10000000000)},
                                          {"--seed", &seed, 0, UINT64_MAX},
                                          {"--campaigns", &campaigns, 1, 1000000},
                                          {"--ads", &ads, 1, 1000},
                                          {"--rate", &rate, 1, 1000000000},
                                          {"--files", &files, 1, max_files}};
    const char *dir =
        read_command_line(argc, argv, options, sizeof options / sizeof *options, usage);
    if (!dir) return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (make_directory(dir) != 0 || write_ads(dir, seed, campaigns, ads) != 0) return EXIT_FAILURE;
    struct rng rng = {seed};
    uint64_t event = 0;
    for (uint64_t f = 0; f < files; f++) {
        char name[32];
        struct out o;
        snprintf(name, sizeof name, "events-%02u.json", (unsigned)f);
        if (out_open(&o, dir, name) != 0) return EXIT_FAILURE;
        for (uint64_t end = events * (f + 1) / files; event < end; event++)
            write_event(&o, &rng, seed, campaigns * ads, begin_ms + (int64_t)(event * 1000 / rate));
        if (out_close(&o) != 0) return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
