/* make_weblog OUTDIR [--lines N] [--seed S] [--files K]: the input of web_attack.sql.

   One day of a web shop's access log as JSON lines, OUTDIR/access-00.json.gz … : K files, each the
   next part of the day, the older half gzip'd as a log rotation leaves them; and
   OUTDIR/risk_ips.csv, the list of known bad addresses. Traffic follows the hour of the day;
   clients and paths are skewed (a few make most of it); crawlers come by; and attacks arrive in
   campaigns of minutes to hours, mostly from listed addresses, some not. A line's time is the
   request's begin while lines are written at its end, so times run up to 1.5 s out of order.
   The same arguments give the same bytes. */

#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { minutes_per_day = 1440, risk_count = 3000, campaign_count = 48, max_files = 64 };

static const int64_t day_begin_ms = INT64_C(1715558400000); /* 2024-05-13 00:00:00 UTC */

static const char usage[] = "usage: make_weblog OUTDIR [--lines N] [--seed S] [--files K]\n"
                            "  writes K access logs (JSON lines, the older half gzip'd) of N lines "
                            "in all and risk_ips.csv into OUTDIR\n"
                            "  --lines N   lines in all, 1 to 1000000000 (2000000)\n"
                            "  --seed S    the same seed gives the same bytes (1)\n"
                            "  --files K   1 to 64 (8)\n";

/* Requests per minute at each full hour, relative; linear in between. */
static const uint32_t hourly[25] = {34, 24, 18, 14, 12, 14,  22,  38,  58,  74, 84, 90, 96,
                                    92, 88, 86, 86, 90, 100, 112, 120, 108, 80, 54, 34};

struct page {
    const char *path;
    int ids; /* > 0: a number below it follows the path */
    uint32_t bytes;
    const char *host;
};

static const struct page pages[] = {
    {"/", 0, 18200, "www.example.com"},
    {"/products/", 2000, 24100, "shop.example.com"},
    {"/static/app.js", 0, 91234, "cdn.example.com"},
    {"/static/site.css", 0, 15320, "cdn.example.com"},
    {"/api/v1/cart", 0, 812, "api.example.com"},
    {"/images/p/", 4000, 48211, "cdn.example.com"},
    {"/search", 0, 20344, "shop.example.com"},
    {"/api/v1/products/", 2000, 1630, "api.example.com"},
    {"/category/", 60, 30120, "shop.example.com"},
    {"/login", 0, 6120, "www.example.com"},
    {"/favicon.ico", 0, 1406, "www.example.com"},
    {"/account/orders/", 90000, 9120, "shop.example.com"},
    {"/blog/", 300, 26011, "www.example.com"},
    {"/api/v1/stock/", 2000, 230, "api.example.com"},
    {"/checkout", 0, 11870, "shop.example.com"},
    {"/robots.txt", 0, 210, "www.example.com"},
};
enum { page_bits = 4, search_page = 6, login_page = 9 };

static const char *const browsers[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/124.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) Chrome/124.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.4 Safari/605.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (Windows NT 10.0; rv:125.0) Gecko/20100101 Firefox/125.0",
    "ShopApp/7.3 (Android 14)",
    "ShopApp/7.3 (iOS 17.4)",
};
static const char *const crawlers[] = {"Googlebot/2.1 (+http://www.google.com/bot.html)",
                                       "bingbot/2.0 (+http://www.bing.com/bingbot.htm)",
                                       "AhrefsBot/7.0", "curl/8.5.0"};
static const char *const words[] = {"shoes",
                                    "red%20dress",
                                    "laptop",
                                    "usb-c%20cable",
                                    "phone",
                                    "desk",
                                    "coffee",
                                    "select%20a%20gift",
                                    "union%20jack%20mug",
                                    "lamp",
                                    "script%20font"};

enum kind { sql_injection, xss, path_traversal, webshell, brute_force, scanner, kind_count };

struct attack {
    enum kind kind;
    const char *method, *path, *query; /* JSON-escaped; query NULL for none */
    uint32_t status, bytes;
    const char *agent; /* NULL: poses as a browser */
};

static const struct attack attacks[] = {
    {sql_injection, "GET", "/products/17", "id=1' OR '1'='1", 200, 24100, NULL},
    {sql_injection, "GET", "/search", "q=x' UNION SELECT login,password FROM users--", 500, 1204,
     NULL},
    {sql_injection, "GET", "/search", "q=1 union all select null,@@version,null", 403, 310,
     "sqlmap/1.8.2"},
    {sql_injection, "POST", "/api/v1/cart", "item=9;DROP TABLE orders;--", 400, 97, "sqlmap/1.8.2"},
    {sql_injection, "GET", "/category/4", "sort=(SELECT SLEEP(5))", 200, 30120, "sqlmap/1.8.2"},
    {xss, "GET", "/search", "q=<script>alert(document.cookie)</script>", 200, 20344, NULL},
    {xss, "GET", "/search", "q=%3Cscript%3Efetch('//evil.example')%3C/script%3E", 200, 20360, NULL},
    {xss, "POST", "/blog/12", "comment=<img src=x onerror=\\\"alert(1)\\\">", 302, 0, NULL},
    {xss, "GET", "/account/orders/1", "next=javascript:alert(1)", 403, 310, NULL},
    {path_traversal, "GET", "/static/../../../../etc/passwd", NULL, 400, 120, "curl/8.5.0"},
    {path_traversal, "GET", "/images/p/..%2f..%2f..%2fetc%2fshadow", NULL, 404, 153, NULL},
    {path_traversal, "GET", "/download", "file=..\\\\..\\\\windows\\\\win.ini", 404, 153,
     "python-requests/2.31"},
    {path_traversal, "GET", "/download", "file=../../../../proc/self/environ", 403, 310, NULL},
    {webshell, "POST", "/uploads/avatar.php", "cmd=id", 404, 153, "python-requests/2.31"},
    {webshell, "POST", "/upload", "name=shell.jsp", 403, 310, NULL},
    {webshell, "GET", "/uploads/c99.php", "c=whoami", 404, 153, NULL},
    {brute_force, "POST", "/login", "user=admin", 401, 512, "Hydra/9.5"},
    {brute_force, "POST", "/login", "user=root", 401, 512, "python-requests/2.31"},
    {brute_force, "POST", "/wp-login.php", NULL, 404, 153, NULL},
    {brute_force, "POST", "/login", "user=test", 401, 512, NULL},
    {scanner, "GET", "/.env", NULL, 404, 153, NULL},
    {scanner, "GET", "/.git/config", NULL, 404, 153, "masscan/1.3"},
    {scanner, "GET", "/phpmyadmin/index.php", NULL, 404, 153, NULL},
    {scanner, "HEAD", "/", NULL, 200, 0, "Nikto/2.5.0"},
    {scanner, "GET", "/actuator/health", NULL, 404, 153, "Nuclei/3.2"},
    {scanner, "GET", "/server-status", NULL, 403, 310, "Nikto/2.5.0"},
};
enum { attack_count = sizeof attacks / sizeof *attacks };

/* From minute `begin`, for `minutes`: `per_mille` of all requests are attacks of one kind, from
 * 2^bits addresses. */
struct campaign {
    uint32_t begin, minutes, per_mille, bits, first_ip;
    enum kind kind;
};

struct world {
    struct rng rng;
    uint64_t lines;
    struct campaign campaigns[campaign_count];
    uint32_t first_of_kind[kind_count + 1];
};

/* Listed addresses lie in networks that no other client uses, and differ in their lower three
 * bytes. */
static uint32_t risk_ip(uint32_t index)
{
    static const uint8_t networks[] = {45, 91, 103, 141, 185, 193, 194};
    uint32_t low = (index * 2654435761u + 12345) & 0xffffff;
    return (uint32_t)networks[index % sizeof networks] << 24 | low;
}

static uint32_t client_ip(uint32_t index)
{
    uint32_t mixed = index * 2246822519u ^ 0x5bd1e995u;
    mixed ^= mixed >> 15;
    return (mixed % 20 + 60 + (mixed >> 8) % 2 * 90) << 24 | (mixed * 3266489917u & 0xffffff);
}

static int write_risk_list(const char *dir, uint64_t seed)
{
    static const char *const categories[] = {"botnet",  "brute-force", "malware", "proxy",
                                             "scanner", "spam",        "tor-exit"};
    struct rng rng = {seed ^ 0x7269736b};
    struct out o;
    if (out_open(&o, dir, "risk_ips.csv") != 0) return -1;
    out_text(&o, "ip,category,score,first_seen\n");
    for (uint32_t i = 0; i < risk_count; i++) {
        uint32_t half_points = 80 + rng_below(&rng, 121);
        out_ip(&o, risk_ip(i));
        out_text(&o, ",");
        out_text(&o, categories[rng_below(&rng, 7)]);
        out_text(&o, ",");
        out_number(&o, half_points / 2);
        out_text(&o, half_points % 2 ? ".5," : ".0,");
        out_date(&o, (uint32_t)(day_begin_ms / 86400000) - 1 - rng_below(&rng, 700));
        out_text(&o, "\n");
    }
    return out_close(&o);
}

static void plan_campaigns(struct world *w)
{
    for (int i = 0; i < campaign_count; i++) {
        struct campaign *c = &w->campaigns[i];
        c->kind = (enum kind)(i % kind_count);
        c->begin = rng_below(&w->rng, minutes_per_day);
        c->minutes = 4 + rng_below(&w->rng, 90);
        c->per_mille = 5 + rng_below(&w->rng, 60);
        c->bits = 1 + rng_below(&w->rng, 7);
        c->first_ip = rng_below(&w->rng, risk_count - 128);
    }
    for (int i = attack_count - 1; i >= 0; i--) w->first_of_kind[attacks[i].kind] = (uint32_t)i;
    w->first_of_kind[kind_count] = attack_count;
}

/* How many of the day's lines come before the end of a minute: proportional to the area under
 * `hourly`. */
static uint64_t lines_until(const struct world *w, uint32_t minute)
{
    uint64_t area = 0, total = 0;
    for (uint32_t m = 0; m < minutes_per_day; m++) {
        uint64_t weight = hourly[m / 60] * (60 - m % 60) + hourly[m / 60 + 1] * (m % 60);
        total += weight;
        if (m <= minute) area += weight;
    }
    return (uint64_t)((unsigned __int128)w->lines * area / total);
}

static void write_rest(struct out *o, const char *method, uint32_t status, uint32_t bytes,
                       uint32_t latency_ms, const char *agent, const char *referer)
{
    out_text(o, "\",\"method\":\"");
    out_text(o, method);
    out_text(o, "\",\"status\":");
    out_number(o, status);
    out_text(o, ",\"bytes\":");
    out_number(o, bytes);
    out_text(o, ",\"latency_ms\":");
    out_number(o, latency_ms);
    out_text(o, ",\"user_agent\":\"");
    out_text(o, agent);
    out_text(o, referer ? "\",\"referer\":\"" : "\",\"referer\":null}\n");
    if (!referer) return;
    out_text(o, referer);
    out_text(o, "\"}\n");
}

static void write_begin(struct out *o, int64_t time_ms, uint32_t ip, const char *host,
                        const char *path)
{
    out_text(o, "{\"ts\":\"");
    out_timestamp(o, time_ms);
    out_text(o, "\",\"ip\":\"");
    out_ip(o, ip);
    out_text(o, "\",\"host\":\"");
    out_text(o, host);
    out_text(o, "\",\"path\":\"");
    out_text(o, path);
}

static void write_attack(struct world *w, struct out *o, int64_t time_ms, const struct campaign *c)
{
    struct rng *r = &w->rng;
    enum kind kind = c ? c->kind : (enum kind)rng_below(r, kind_count);
    uint32_t first = w->first_of_kind[kind], count = w->first_of_kind[kind + 1] - first;
    const struct attack *a = &attacks[first + rng_below(r, count)];
    uint32_t ip;
    if (rng_below(r, 100) < 12) {
        ip = client_ip(500000 + rng_below(r, 400));
    } else {
        ip = risk_ip(c ? c->first_ip + rng_skewed(r, c->bits) : rng_below(r, risk_count));
    }
    write_begin(o, time_ms, ip, rng_below(r, 4) ? "www.example.com" : "shop.example.com", a->path);
    if (a->query) {
        out_text(o, "\",\"query\":\"");
        out_text(o, a->query);
    }
    write_rest(o, a->method, a->status, a->bytes, 2 + rng_skewed(r, 9),
               a->agent ? a->agent : browsers[rng_below(r, 6)], NULL);
}

static void write_visit(struct world *w, struct out *o, int64_t time_ms)
{
    struct rng *r = &w->rng;
    int crawler = rng_below(r, 100) < 6;
    uint32_t at = crawler ? rng_below(r, 1 << page_bits)
                          : rng_skewed(r, page_bits + 1) & ((1 << page_bits) - 1);
    const struct page *p = &pages[at];
    uint32_t ip = crawler ? UINT32_C(66) << 24 | 249u << 16 | 64u << 8 | rng_below(r, 24)
                  : rng_below(r, 100) < 2 ? risk_ip(rng_below(r, risk_count))
                                          : client_ip(rng_skewed(r, 17));
    write_begin(o, time_ms, ip, p->host, p->path);
    if (p->ids) out_number(o, rng_skewed(r, 12) % (uint32_t)p->ids);
    if (at == search_page) {
        out_text(o, "\",\"query\":\"q=");
        out_text(o, words[rng_below(r, sizeof words / sizeof *words)]);
    }
    uint32_t luck = rng_below(r, 1000);
    uint32_t status = luck < 905   ? 200
                      : luck < 950 ? 304
                      : luck < 975 ? 302
                      : luck < 994 ? 404
                                   : 500;
    const char *method = "GET";
    if (at == login_page && luck < 700) {
        method = "POST";
        status = luck < 60 ? 401 : 302; /* people mistype their passwords, too */
    }
    uint32_t bytes = status == 200   ? p->bytes + rng_below(r, 1 + p->bytes / 8)
                     : status == 304 ? 0
                                     : 153;
    write_rest(o, method, status, bytes, 1 + rng_skewed(r, 10),
               crawler ? crawlers[rng_skewed(r, 3) & 3] : browsers[rng_skewed(r, 4) & 7],
               crawler || luck % 3 == 0 ? NULL : "https://www.example.com/");
}

static void write_line(struct world *w, struct out *o, uint32_t minute, int64_t time_ms)
{
    struct rng *r = &w->rng;
    if (rng_below(r, 10) == 0) time_ms -= rng_below(r, 1500);
    if (time_ms < day_begin_ms) time_ms = day_begin_ms;
    uint32_t luck = rng_below(r, 1000);
    for (int i = 0; i < campaign_count; i++) {
        const struct campaign *c = &w->campaigns[i];
        if (minute - c->begin >= c->minutes) continue;
        if (luck < c->per_mille) {
            write_attack(w, o, time_ms, c);
            return;
        }
        luck -= c->per_mille;
    }
    if (luck < 4) {
        write_attack(w, o, time_ms, NULL);
    } else {
        write_visit(w, o, time_ms);
    }
}

static int write_logs(struct world *w, const char *dir, uint32_t files)
{
    struct out o;
    uint64_t line = 0, minute_begin = 0, minute_end = lines_until(w, 0);
    uint32_t minute = 0;
    for (uint32_t f = 0; f < files; f++) {
        char name[32];
        snprintf(name, sizeof name, "access-%02u.json%s", f, f < files / 2 ? ".gz" : "");
        if (out_open(&o, dir, name) != 0) return -1;
        for (uint64_t end = w->lines * (f + 1) / files; line < end; line++) {
            while (line >= minute_end) {
                minute_begin = minute_end;
                minute_end = lines_until(w, ++minute);
            }
            uint64_t in_minute = (line - minute_begin) * 60000 / (minute_end - minute_begin);
            write_line(w, &o, minute, day_begin_ms + minute * INT64_C(60000) + (int64_t)in_minute);
        }
        if (out_close(&o) != 0) return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, files = 8;
    struct world w = {.lines = 2000000};
    const struct option_spec options[] = {{"--lines", &w.lines, 1, 1000000000},
                                          {"--seed", &seed, 0, UINT64_MAX},
                                          {"--files", &files, 1, max_files}};
    const char *dir = read_command_line(argc, argv, options, 3, usage);
    if (!dir) return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    w.rng.state = seed;
    plan_campaigns(&w);
    if (make_directory(dir) != 0 || write_risk_list(dir, seed) != 0 ||
        write_logs(&w, dir, (uint32_t)files) != 0)
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
