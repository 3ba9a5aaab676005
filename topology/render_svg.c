/* Drawing: packages as panels, domains as cards, L3 caches and cores as boxes, PUs as squares that
   fill with the colours of their partitions up to their load, memory as one bar per pool, devices
   as chips on the bus of their domain, and under it the legend with what was asked and what came
   out. Small PUs lose their numbers, then their L3 boxes' titles. */
#include "topology/svg.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define HEADER 78

static const char style[] =
    "<style>text{font-family:Inter,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2937}"
    ".h{font-size:21px;font-weight:600}.s{font-size:13px;fill:#6b7280}.p{fill:#eef1f6;stroke:#"
    "d5dbe5}"
    ".c{fill:#fff;stroke:#d5dbe5}.l{fill:#f6f8fb;stroke:#dfe4ec}.k{fill:#e3e8f0}.ph{font-size:14px;"
    "font-weight:600}"
    ".ch{font-size:12px;font-weight:600}.lt{font-size:10px;fill:#8a94a6}.b{fill:#e5e9f0}.bt{font-"
    "size:11px;fill:#4b5563}"
    ".n{font-size:9px;text-anchor:middle;fill:#5b6678}.w{font-size:9px;text-anchor:middle;fill:#"
    "fff;font-weight:600}"
    ".m{font-size:9px;text-anchor:middle;font-weight:600;paint-order:stroke;stroke:#fff;"
    "stroke-width:2.4px;stroke-linejoin:round}"
    ".x{fill:url(#off)}.r{fill:#f3c969}.d{fill:#fff;stroke:#7c8799}.dt{font-size:11px;font-weight:"
    "600}"
    ".ds{font-size:9px;fill:#6b7280}.bus{stroke:#9aa5b5;stroke-width:2;fill:none}.o{fill:none;"
    "stroke:#d92d20;stroke-width:2}"
    ".q{font-size:12px}.z{font-size:12px;fill:#b42318}</style>"
    "<defs><pattern id=\"off\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\">"
    "<rect width=\"6\" height=\"6\" fill=\"#e3e6eb\"/><rect width=\"2\" height=\"6\" "
    "fill=\"#cfd4dc\"/></pattern></defs>\n";

/* ---- colours */

static unsigned channel(double h, double s, double l, int which)
{
    double k = fmod(which + h / 30.0, 12.0), a = s * (l < 1 - l ? l : 1 - l);
    double lo = k - 3 < 9 - k ? k - 3 : 9 - k;
    double v = l - a * fmax(-1.0, fmin(lo, 1.0));
    return (unsigned)(v * 255.0 + 0.5);
}

static unsigned hsl(double h, double s, double l)
{
    return channel(h, s, l, 0) << 16 | channel(h, s, l, 8) << 8 | channel(h, s, l, 4);
}

/* Few partitions: a hue each. Many: a hue per stream, neighbours told apart by lightness. */
unsigned topo_partition_colour(const struct weir_topo_plan *plan, uint32_t i)
{
    static const double hues[] = {212, 28, 152, 330, 265, 48, 188, 4, 95, 300};
    const struct weir_topo_partition *p = &plan->partitions[i];
    if (plan->partition_count <= 10) return hsl(hues[i], 0.62, 0.52);
    double hue = p->stream < 10 ? hues[p->stream] : fmod(p->stream * 137.508, 360.0);
    static const double light[] = {0.50, 0.62, 0.43, 0.56};
    return hsl(hue, 0.58, light[p->index % 4]);
}

static unsigned stream_colour(const struct weir_topo_plan *plan, uint32_t stream)
{
    for (uint32_t i = 0; i < plan->partition_count; i++)
        if (plan->partitions[i].stream == stream) return topo_partition_colour(plan, i);
    return 0x888888;
}

static unsigned kind_colour(uint8_t kind)
{
    static const unsigned colours[] = {0x6b9bd8, 0x8fc0a9, 0xc9b37e, 0xb9a3cf, 0xcf9d9d};
    return colours[kind % 5];
}

/* ---- what is on every PU */

static int index_plan(struct svg *s, struct weir_topo_error *err)
{
    const struct weir_topo_plan *plan = s->plan;
    uint32_t n = s->m->pu_count, cores = s->m->units[WEIR_TOPO_SCOPE_CORE].count;
    s->owner = topo_calloc(n, sizeof *s->owner);
    s->shared_first = topo_calloc((size_t)n + 1, sizeof *s->shared_first);
    s->shared = topo_calloc(plan->pu_list_count, sizeof *s->shared);
    s->core_load = topo_calloc(cores, sizeof *s->core_load);
    s->core_room = topo_calloc(cores, sizeof *s->core_room);
    uint32_t *next = topo_calloc(n, sizeof *next);
    if (!s->owner || !s->shared_first || !s->shared || !s->core_load || !s->core_room || !next) {
        topo_free(next);
        return topo_fail_nomem(err, "drawing the plan");
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < plan->partition_count; i++) {
            const struct weir_topo_partition *p = &plan->partitions[i];
            bool exclusive = plan->streams[p->stream].mode == WEIR_TOPO_EXCLUSIVE;
            for (uint32_t k = 0; k < p->pu_count; k++) {
                uint32_t pu = plan->pu_list[p->pu_first + k];
                if (exclusive)
                    s->owner[pu] = i + 1;
                else if (!pass)
                    s->shared_first[pu + 1]++;
                else
                    s->shared[s->shared_first[pu] + next[pu]++] = i;
                if (!pass && !exclusive)
                    s->core_load[s->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE]] +=
                        p->milli_cu / p->pu_count;
            }
        }
        for (uint32_t pu = 0; !pass && pu < n; pu++) s->shared_first[pu + 1] += s->shared_first[pu];
    }
    for (uint32_t pu = 0; pu < n; pu++)
        if (!s->owner[pu])
            s->core_room[s->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE]] +=
                s->m->pus[pu].capacity_milli_cu;
    topo_free(next);
    return WEIR_TOPO_OK;
}

static void rect(struct svg *s, const char *class, int x, int y, int w, int h, int radius)
{
    topo_text(s->t, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", class, x, y,
              w, h);
    if (radius) topo_text(s->t, " rx=\"%d\"", radius);
    topo_text(s->t, "/>");
}

static void fill(struct svg *s, unsigned colour, int x, int y, int w, int h)
{
    if (w > 0 && h > 0)
        topo_text(s->t, "<rect fill=\"#%06x\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
                  colour, x, y, w, h);
}

/* Shared partitions of PU from the bottom up, each as high as its part of the core. Neighbours of
   one colour are one rectangle, so that many small partitions stay small in the file too. */
static void draw_shared(struct svg *s, uint32_t pu, int x, int y)
{
    uint32_t core = s->m->pus[pu].unit[WEIR_TOPO_SCOPE_CORE], room = s->core_room[core];
    uint32_t whole = s->core_load[core] > room ? s->core_load[core] : room,
             from = s->shared_first[pu], to = s->shared_first[pu + 1];
    uint32_t threads = s->m->units[WEIR_TOPO_SCOPE_CORE].first[core + 1] -
                       s->m->units[WEIR_TOPO_SCOPE_CORE].first[core];
    uint64_t sum = 0, mine = 0;
    for (uint32_t k = from; k < to; k++)
        mine +=
            s->plan->partitions[s->shared[k]].milli_cu / s->plan->partitions[s->shared[k]].pu_count;
    uint64_t scale =
        threads > 1 && mine < whole ? (mine * threads < whole ? whole / threads : mine) : whole;
    int top = y + s->cell;
    for (uint32_t k = from; k < to;) {
        unsigned colour = topo_partition_colour(s->plan, s->shared[k]);
        while (k < to && topo_partition_colour(s->plan, s->shared[k]) == colour) {
            sum += s->plan->partitions[s->shared[k]].milli_cu /
                   s->plan->partitions[s->shared[k]].pu_count;
            k++;
        }
        int next = y + s->cell - (int)(scale ? sum * (uint64_t)s->cell / scale : 0);
        if (next < y) next = y;
        if (next == top && top > y) next--;
        fill(s, colour, x, next, s->cell, top - next);
        top = next;
    }
}

/* The number of a PU; with a plan, large squares say which partition runs there. */
static void pu_label(struct svg *s, uint32_t pu, int x, int y)
{
    int middle = x + s->cell / 2;
    uint32_t users = s->plan ? s->shared_first[pu + 1] - s->shared_first[pu] : 0,
             os = s->m->pus[pu].os_index;
    if (s->cell >= 26 && users == 1) {
        const struct weir_topo_partition *p = &s->plan->partitions[s->shared[s->shared_first[pu]]];
        char name[8];
        snprintf(name, sizeof name, "%.*s", s->cell / 7 > 7 ? 7 : s->cell / 7,
                 s->plan->streams[p->stream].name);
        topo_text(s->t, "<text class=\"m\" x=\"%d\" y=\"%d\">", middle, y + s->cell / 2 - 1);
        topo_text_xml(s->t, name);
        topo_text(s->t, "</text><text class=\"m\" x=\"%d\" y=\"%d\">%u</text>", middle,
                  y + s->cell / 2 + 10, p->index);
        return;
    }
    if (s->cell < 26 && os >= 1000) return;
    const char *class = users ? "m" : !s->plan && weir_topo_pu_usable(s->m, pu) ? "w" : "n";
    const char *small = s->cell < 26 && os >= 100 ? " style=\"font-size:7.5px\"" : "";
    topo_text(s->t, "<text class=\"%s\"%s x=\"%d\" y=\"%d\">%u</text>", class, small, middle,
              y + s->cell / 2 + 3, os);
}

/* A core (or single PU) that is owned carries its owner's name once. */
static void owner_label(struct svg *s, uint32_t owner, int x, int y, int w, int h)
{
    const struct weir_topo_partition *p = &s->plan->partitions[owner];
    const char *whole = s->plan->streams[p->stream].name;
    char name[64], index[16];
    snprintf(index, sizeof index, " %u", p->index);
    int line = (w - 4) * 2 / 11, room = line - (int)strlen(index);
    if (h >= 26 && (int)strlen(whole) > room) { /* two lines */
        snprintf(name, sizeof name, "%.*s", line > 63 ? 63 : line, whole);
        topo_text(s->t, "<text class=\"w\" x=\"%d\" y=\"%d\">", x + w / 2, y + h / 2 - 1);
        topo_text_xml(s->t, name);
        topo_text(s->t, "</text><text class=\"w\" x=\"%d\" y=\"%d\">%u</text>", x + w / 2,
                  y + h / 2 + 10, p->index);
        return;
    }
    if (room < 1) return;
    snprintf(name, sizeof name, "%.*s", room > 63 ? 63 : room, whole);
    topo_text(s->t, "<text class=\"w\" x=\"%d\" y=\"%d\">", x + w / 2, y + h / 2 + 3);
    topo_text_xml(s->t, name);
    topo_text(s->t, "%s</text>", index);
}

static void pu_title(struct svg *s, uint32_t pu)
{
    topo_text(s->t, "<title>CPU %u", s->m->pus[pu].os_index);
    if (s->owner[pu]) {
        const struct weir_topo_partition *p = &s->plan->partitions[s->owner[pu] - 1];
        topo_text(s->t, ": ");
        topo_text_xml(s->t, s->plan->streams[p->stream].name);
        topo_text(s->t, "[%u], owned", p->index);
    }
    for (uint32_t k = s->shared_first[pu];
         k < s->shared_first[pu + 1] && k < s->shared_first[pu] + 6; k++) {
        const struct weir_topo_partition *p = &s->plan->partitions[s->shared[k]];
        topo_text(s->t, k == s->shared_first[pu] ? ": " : ", ");
        topo_text_xml(s->t, s->plan->streams[p->stream].name);
        topo_text(s->t, "[%u]", p->index);
    }
    topo_text(s->t, "</title>");
}

static void draw_pu(struct svg *s, uint32_t pu, int x, int y)
{
    const struct weir_topo_pu *p = &s->m->pus[pu];
    bool titles = s->plan && s->m->pu_count <= 1024 && s->plan->partition_count <= 4096;
    if (titles) topo_text(s->t, "<g>");
    if (!p->allowed)
        rect(s, "x", x, y, s->cell, s->cell, 0);
    else if (p->reserved)
        rect(s, "r", x, y, s->cell, s->cell, 0);
    else if (!s->plan)
        fill(s, kind_colour(p->kind), x, y, s->cell, s->cell);
    else if (s->owner[pu])
        fill(s, topo_partition_colour(s->plan, s->owner[pu] - 1), x, y, s->cell, s->cell);
    else {
        fill(s, 0xd4dbe6, x, y, s->cell, s->cell);
        draw_shared(s, pu, x, y);
    }
    if (s->cell >= 18 && !(s->plan && s->owner[pu])) pu_label(s, pu, x, y);
    if (titles) {
        pu_title(s, pu);
        topo_text(s->t, "</g>");
    }
}

static void draw_core(struct svg *s, struct svg_run core, int x, int y)
{
    int w, h, columns;
    svg_core_size(s, core, &w, &h, &columns);
    if (s->core_pad) rect(s, "k", x, y, w, h, s->core_pad);
    for (uint32_t k = core.from; k < core.to; k++) {
        int at = (int)(k - core.from);
        draw_pu(s, s->order[k], x + s->core_pad + at % columns * (s->cell + 1),
                y + s->core_pad + at / columns * (s->cell + 1));
    }
    uint32_t unit = s->m->pus[s->order[core.from]].unit[WEIR_TOPO_SCOPE_CORE];
    if (s->plan && s->cell >= 18) {
        uint32_t owner = s->owner[s->order[core.from]];
        bool whole = owner != 0;
        for (uint32_t k = core.from; k < core.to; k++) whole &= s->owner[s->order[k]] == owner;
        if (whole) owner_label(s, owner - 1, x, y, w, h);
        for (uint32_t k = core.from; k < core.to && !whole; k++) {
            int at = (int)(k - core.from);
            if (s->owner[s->order[k]])
                owner_label(s, s->owner[s->order[k]] - 1,
                            x + s->core_pad + at % columns * (s->cell + 1),
                            y + s->core_pad + at / columns * (s->cell + 1), s->cell, s->cell);
        }
    }
    if (s->plan && s->core_load[unit] > s->core_room[unit]) rect(s, "o", x, y, w, h, s->core_pad);
}

static void draw_l3(struct svg *s, struct svg_run l3, int x, int y, int box_w, int box_h)
{
    int w, h, columns, cw, ch, n = 0;
    svg_l3_size(s, l3, &w, &h, &columns, &cw, &ch);
    rect(s, "l", x, y, box_w, box_h, 4);
    uint64_t bytes = s->m->l3_bytes[s->m->pus[s->order[l3.from]].unit[WEIR_TOPO_SCOPE_L3]];
    if (s->l3_head) {
        topo_text(s->t, "<text class=\"lt\" x=\"%d\" y=\"%d\">", x + s->l3_pad, y + 13);
        if (bytes) {
            topo_text(s->t, "L3 ");
            topo_text_bytes(s->t, bytes);
        } else {
            topo_text(s->t, "cores");
        }
        topo_text(s->t, "</text>");
    }
    for (uint32_t at = l3.from, to; at < l3.to; at = to, n++) {
        to = svg_run_end(s, at, l3.to, WEIR_TOPO_SCOPE_CORE);
        draw_core(s, (struct svg_run){at, to}, x + s->l3_pad + n % columns * (cw + s->core_gap),
                  y + s->l3_pad + s->l3_head + n / columns * (ch + s->core_gap));
    }
    topo_text(s->t, "\n");
}

/* ---- memory */

/* What every partition has of POOL, as coloured pieces of a bar; a run of one stream is one piece
 * when there are many. */
static void bar_pieces(struct svg *s, uint32_t pool, int x, int y, int w)
{
    uint64_t whole = s->m->pools[pool].usable_bytes ? s->m->pools[pool].usable_bytes : 1, at = 0;
    bool by_stream = s->plan->partition_count > 64;
    uint32_t n = s->plan->partition_count;
    for (uint32_t i = 0; i < n;) {
        uint64_t sum = 0;
        uint32_t first = i;
        do {
            const struct weir_topo_partition *p = &s->plan->partitions[i++];
            for (uint32_t g = p->grant_first; g < p->grant_first + p->grant_count; g++)
                if (s->plan->grants[g].pool == pool) sum += s->plan->grants[g].bytes;
        } while (by_stream && i < n &&
                 s->plan->partitions[i].stream == s->plan->partitions[first].stream);
        if (!sum) continue;
        int from = x + (int)((double)at / (double)whole * w),
            to = x + (int)((double)(at + sum) / (double)whole * w);
        if (to == from && to < x + w) to++;
        fill(s,
             by_stream ? stream_colour(s->plan, s->plan->partitions[first].stream)
                       : topo_partition_colour(s->plan, first),
             from, y, to - from, 10);
        if (!by_stream && to - from > 2) fill(s, 0xffffff, to - 1, y, 1, 10);
        at += sum;
    }
}

static const char *tier_label(enum weir_topo_tier tier)
{
    static const char *const names[] = {"DRAM", "HBM", "CXL", "NVM", "GPU memory"};
    return names[tier];
}

static void draw_bar(struct svg *s, uint32_t pool, int x, int y, int w, uint64_t largest)
{
    const struct weir_topo_pool *p = &s->m->pools[pool];
    topo_text(s->t, "<text class=\"bt\" x=\"%d\" y=\"%d\">node %u %s", x, y + 10, p->node,
              tier_label(p->tier));
    if (p->huge) {
        topo_text(s->t, " pages of ");
        topo_text_bytes(s->t, p->page_bytes);
    }
    topo_text(s->t, "</text><text class=\"bt\" text-anchor=\"end\" x=\"%d\" y=\"%d\">", x + w,
              y + 10);
    if (s->plan) {
        topo_text_bytes(s->t, s->plan->pool_granted[pool]);
        topo_text(s->t, " of ");
    }
    topo_text_bytes(s->t, p->usable_bytes);
    topo_text(s->t, "</text>");
    int length = (int)((double)p->usable_bytes / (double)(largest ? largest : 1) * w);
    if (length < 4) length = 4;
    static const unsigned tiers[] = {0x9db8dd, 0xe3a27c, 0xa9c99a, 0xc5b3dc, 0x9fc9c9};
    if (s->plan)
        rect(s, "b", x, y + 14, length, 10, 2);
    else
        fill(s, tiers[p->tier], x, y + 14, length, 10);
    if (s->plan) bar_pieces(s, pool, x, y + 14, length);
    topo_text(s->t, "\n");
}

/* ---- devices */

static void draw_chip(struct svg *s, uint32_t d, int x, int y)
{
    const struct weir_topo_device *dev = &s->m->devices[d];
    unsigned edge = 0;
    uint32_t users = 0;
    for (uint32_t i = 0; s->plan && i < s->plan->partition_count; i++)
        if (s->plan->partitions[i].device == d) {
            if (!users) edge = topo_partition_colour(s->plan, i);
            users++;
        }
    rect(s, "d", x, y, SVG_CHIP_W, SVG_CHIP_H, 4);
    if (users) fill(s, edge, x + 1, y + 1, 5, SVG_CHIP_H - 2);
    char name[14];
    snprintf(name, sizeof name, "%.13s", dev->name);
    topo_text(s->t, "<text class=\"dt\" x=\"%d\" y=\"%d\">", x + 10, y + 13);
    topo_text_xml(s->t, name);
    topo_text(s->t, "</text><text class=\"ds\" x=\"%d\" y=\"%d\">", x + 10, y + 24);
    if (users)
        topo_text(s->t, "%u partition%s", users, users == 1 ? "" : "s");
    else if (dev->bytes)
        topo_text_bytes(s->t, dev->bytes);
    else
        topo_text(s->t, "%s", weir_topo_device_kind_name(dev->kind));
    if (!users && dev->compute_units) topo_text(s->t, ", %u CU", dev->compute_units);
    topo_text(s->t, "</text>");
}

/* Rows of chips, each hanging from a bus; a trunk at the left joins the rows. */
static void draw_devices(struct svg *s, uint32_t domain, int x, int y, int w)
{
    int across = svg_chips_across(w), n = 0, count = (int)svg_domain_devices(s, domain);
    if (!count) return;
    int rows = (count + across - 1) / across, left = x + SVG_CHIP_LEFT;
    topo_text(s->t, "<text class=\"lt\" x=\"%d\" y=\"%d\">PCIe</text>", x, y + 16);
    if (rows > 1)
        topo_text(s->t, "<path class=\"bus\" d=\"M%d %dV%d\"/>", left - 4, y + 2,
                  y + 2 + (rows - 1) * (SVG_CHIP_H + SVG_CHIP_GAP));
    for (int r = 0; r < rows; r++) {
        int in_row = count - r * across < across ? count - r * across : across;
        topo_text(s->t, "<path class=\"bus\" d=\"M%d %dH%d\"/>", left - 5,
                  y + 2 + r * (SVG_CHIP_H + SVG_CHIP_GAP),
                  left + (in_row - 1) * (SVG_CHIP_W + 8) + SVG_CHIP_W / 2 + 1);
    }
    for (uint32_t d = 0; d < s->m->device_count; d++) {
        if (s->m->devices[d].domain != domain) continue;
        int cx = left + n % across * (SVG_CHIP_W + 8),
            cy = y + 12 + n / across * (SVG_CHIP_H + SVG_CHIP_GAP);
        uint64_t speed = s->m->devices[d].link_bytes_per_s;
        topo_text(s->t, "<path class=\"bus\" style=\"stroke-width:%d\" d=\"M%d %dV%d\"/>",
                  speed > UINT64_C(40000000000)   ? 4
                  : speed > UINT64_C(10000000000) ? 3
                                                  : 2,
                  cx + SVG_CHIP_W / 2, cy - 10, cy);
        draw_chip(s, d, cx, cy);
        n++;
    }
    topo_text(s->t, "\n");
}

/* ---- cards and panels */

static void draw_card(struct svg *s, const struct svg_piece *p, uint64_t largest)
{
    int w, h, columns, l3_w, l3_h, n = 0, x = p->x + SVG_CARD_PAD, y = p->y + SVG_CARD_HEAD,
                                   inner = p->w - 2 * SVG_CARD_PAD;
    rect(s, "c", p->x, p->y, p->w, p->h, 7);
    topo_text(s->t, "<text class=\"ch\" x=\"%d\" y=\"%d\">domain %u</text>", x, p->y + 17,
              p->domain);
    uint64_t capacity = s->m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[p->domain];
    topo_text(s->t, "<text class=\"bt\" text-anchor=\"end\" x=\"%d\" y=\"%d\">", x + inner,
              p->y + 17);
    if (s->plan)
        topo_text(s->t, "%" PRIu64 ".%" PRIu64 " of ",
                  s->plan->domains[p->domain].load_milli_cu / 1000,
                  s->plan->domains[p->domain].load_milli_cu / 100 % 10);
    topo_text(s->t, "%" PRIu64 ".%" PRIu64 " CPU</text>", capacity / 1000, capacity / 100 % 10);
    svg_grid_size(s, p->run, &w, &h, &columns, &l3_w, &l3_h);
    for (uint32_t at = p->run.from, to; at < p->run.to; at = to, n++) {
        to = svg_run_end(s, at, p->run.to, WEIR_TOPO_SCOPE_L3);
        draw_l3(s, (struct svg_run){at, to}, x + n % columns * (l3_w + s->l3_gap),
                y + n / columns * (l3_h + s->l3_gap), l3_w, l3_h);
    }
    if (!p->owner) return;
    y += h + 6;
    for (uint32_t k = 0; k < s->m->pool_count; k++) {
        if (!s->m->local[(size_t)p->domain * s->m->pool_count + k]) continue;
        draw_bar(s, k, x, y, inner, largest);
        y += SVG_BAR;
    }
    draw_devices(s, p->domain, x, y + 6, inner);
}

static void draw_panels(struct svg *s)
{
    uint64_t largest = 0;
    for (uint32_t k = 0; k < s->m->pool_count; k++)
        if (s->m->pools[k].usable_bytes > largest) largest = s->m->pools[k].usable_bytes;
    for (uint32_t p = 0; p < s->piece_count;) {
        uint32_t end = p;
        int x0 = s->pieces[p].x, y0 = s->pieces[p].y, x1 = 0, y1 = 0;
        for (; end < s->piece_count && s->pieces[end].package == s->pieces[p].package; end++) {
            if (s->pieces[end].x + s->pieces[end].w > x1) x1 = s->pieces[end].x + s->pieces[end].w;
            if (s->pieces[end].y + s->pieces[end].h > y1) y1 = s->pieces[end].y + s->pieces[end].h;
        }
        rect(s, "p", x0 - SVG_PACK_PAD, y0 - SVG_PACK_HEAD, x1 - x0 + 2 * SVG_PACK_PAD,
             y1 - y0 + SVG_PACK_HEAD + SVG_PACK_PAD, 10);
        topo_text(s->t, "<text class=\"ph\" x=\"%d\" y=\"%d\">package %u</text>\n", x0, y0 - 10,
                  s->pieces[p].package);
        for (; p < end; p++) draw_card(s, &s->pieces[p], largest);
    }
}

/* Memory without CPUs and devices of unknown place, in a row below the panels. Returns the height
 * used. */
static int draw_rest(struct svg *s, int y)
{
    uint64_t largest = 0;
    int x = SVG_MARGIN, used = 0;
    for (uint32_t k = 0; k < s->m->pool_count; k++)
        if (s->m->pools[k].usable_bytes > largest) largest = s->m->pools[k].usable_bytes;
    for (uint32_t k = 0; k < s->m->pool_count; k++) {
        bool owned = false;
        for (uint32_t d = 0; d < s->m->domain_count; d++)
            owned |= s->m->local[(size_t)d * s->m->pool_count + k];
        if (owned) continue;
        if (x + 240 > s->width - SVG_MARGIN) {
            x = SVG_MARGIN;
            y += SVG_BAR + 40;
            used += SVG_BAR + 40;
        }
        rect(s, "c", x, y, 230, SVG_BAR + 32, 7);
        topo_text(s->t, "<text class=\"ch\" x=\"%d\" y=\"%d\">memory without CPUs</text>", x + 12,
                  y + 18);
        draw_bar(s, k, x + 12, y + 26, 206, largest);
        x += 244;
    }
    bool any = x > SVG_MARGIN;
    used += any ? SVG_BAR + 32 + SVG_GAP : 0;
    y += any ? SVG_BAR + 32 + SVG_GAP : 0;
    x = SVG_MARGIN;
    for (uint32_t d = 0; d < s->m->device_count; d++) {
        if (s->m->devices[d].domain != WEIR_TOPO_NONE) continue;
        if (x == SVG_MARGIN) {
            topo_text(s->t,
                      "<text class=\"s\" x=\"%d\" y=\"%d\">devices whose place is not known</text>",
                      x, y + 12);
            used += SVG_CHIP_H + 20 + SVG_GAP;
        } else if (x + SVG_CHIP_W > s->width - SVG_MARGIN) {
            x = SVG_MARGIN;
            y += SVG_CHIP_H + 8;
            used += SVG_CHIP_H + 8;
        }
        draw_chip(s, d, x, y + 20);
        x += SVG_CHIP_W + 8;
    }
    return used;
}

/* ---- legend */

static void machine_legend(struct svg *s, int y)
{
    int x = SVG_MARGIN;
    bool off = false, reserved = false;
    for (uint32_t p = 0; p < s->m->pu_count; p++) {
        off |= !s->m->pus[p].allowed;
        reserved |= s->m->pus[p].allowed && s->m->pus[p].reserved;
    }
    for (uint32_t k = 0; k < s->m->kind_count; k++) {
        fill(s, kind_colour((uint8_t)k), x, y, 14, 14);
        topo_text(s->t, "<text class=\"q\" x=\"%d\" y=\"%d\">core of %u milli-CU</text>", x + 20,
                  y + 12, s->m->kind_capacity_milli_cu[k]);
        x += 170;
    }
    if (off) {
        rect(s, "x", x, y, 14, 14, 0);
        topo_text(s->t, "<text class=\"q\" x=\"%d\" y=\"%d\">not allowed here</text>", x + 20,
                  y + 12);
        x += 140;
    }
    if (reserved) {
        rect(s, "r", x, y, 14, 14, 0);
        topo_text(s->t, "<text class=\"q\" x=\"%d\" y=\"%d\">reserved</text>", x + 20, y + 12);
    }
}

#define LEGEND_STREAMS  24
#define LEGEND_REJECTED 4

static int plan_legend_rows(const struct weir_topo_plan *plan)
{
    int streams = (int)(plan->stream_count < LEGEND_STREAMS ? plan->stream_count : LEGEND_STREAMS);
    int rejected =
        (int)(plan->totals.rejected < LEGEND_REJECTED ? plan->totals.rejected : LEGEND_REJECTED);
    return streams + rejected + 2;
}

static void swatches(struct svg *s, uint32_t stream, int x, int y)
{
    int n = 0;
    for (uint32_t i = 0; i < s->plan->partition_count && n < 4; i++)
        if (s->plan->partitions[i].stream == stream)
            fill(s, topo_partition_colour(s->plan, i), x + n++ * 12, y, 11, 14);
}

/* What the squares say, and what of the rest is there. */
static void key_legend(struct svg *s, int y)
{
    const struct weir_topo_machine *m = s->m;
    bool off = false, reserved = false, over = false;
    int x = SVG_MARGIN;
    for (uint32_t p = 0; p < m->pu_count; p++) {
        uint32_t core = m->pus[p].unit[WEIR_TOPO_SCOPE_CORE];
        off |= !m->pus[p].allowed;
        reserved |= m->pus[p].allowed && m->pus[p].reserved;
        over |= s->core_load[core] > s->core_room[core];
    }
    fill(s, 0xd4dbe6, x, y, 14, 14);
    fill(s, 0x8fa3bf, x, y + 5, 14, 9);
    topo_text(s->t, "<text class=\"bt\" x=\"%d\" y=\"%d\">a CPU%s, filled by its load</text>",
              x + 20, y + 11, s->cell < 18 ? "" : " with its number");
    x += 250;
    if (over) {
        fill(s, 0x8fa3bf, x, y, 14, 14);
        rect(s, "o", x, y, 14, 14, 0);
        topo_text(s->t, "<text class=\"bt\" x=\"%d\" y=\"%d\">asked for more than it has</text>",
                  x + 20, y + 11);
        x += 180;
    }
    if (off) {
        rect(s, "x", x, y, 14, 14, 0);
        topo_text(s->t, "<text class=\"bt\" x=\"%d\" y=\"%d\">not allowed here</text>", x + 20,
                  y + 11);
        x += 120;
    }
    if (!reserved) return;
    rect(s, "r", x, y, 14, 14, 0);
    topo_text(s->t, "<text class=\"bt\" x=\"%d\" y=\"%d\">reserved</text>", x + 20, y + 11);
}

static void plan_legend(struct svg *s, int y)
{
    const struct weir_topo_plan *plan = s->plan;
    for (uint32_t k = 0; k < plan->stream_count && k < LEGEND_STREAMS; k++, y += 20) {
        const struct weir_topo_stream *st = &plan->streams[k];
        uint32_t count[3] = {0};
        for (uint32_t i = 0; i < plan->partition_count; i++)
            if (plan->partitions[i].stream == k) count[plan->partitions[i].state]++;
        swatches(s, k, SVG_MARGIN, y);
        topo_text(s->t, "<text class=\"q\" x=\"%d\" y=\"%d\"><tspan font-weight=\"600\">",
                  SVG_MARGIN + 58, y + 12);
        topo_text_xml(s->t, st->name);
        topo_text(s->t, "</tspan>: %u %s", st->partitions, weir_topo_mode_name(st->mode));
        if (st->mode == WEIR_TOPO_EXCLUSIVE)
            topo_text(s->t, " (%s)", weir_topo_scope_name(st->scope));
        topo_text(s->t, " partition%s, %u placed", st->partitions == 1 ? "" : "s",
                  count[WEIR_TOPO_PLACED]);
        if (count[WEIR_TOPO_DEGRADED]) topo_text(s->t, ", %u degraded", count[WEIR_TOPO_DEGRADED]);
        if (count[WEIR_TOPO_REJECTED]) topo_text(s->t, ", %u rejected", count[WEIR_TOPO_REJECTED]);
        topo_text(s->t, "</text>\n");
    }
    key_legend(s, y);
    y += 20;
    uint32_t shown = 0;
    for (uint32_t i = 0; i < plan->partition_count && shown < LEGEND_REJECTED; i++) {
        char why[300];
        if (plan->partitions[i].state != WEIR_TOPO_REJECTED) continue;
        weir_topo_plan_why(plan, i, why, sizeof why);
        topo_text(s->t, "<text class=\"z\" x=\"%d\" y=\"%d\">", SVG_MARGIN, y + 12);
        topo_text_xml(s->t, plan->streams[plan->partitions[i].stream].name);
        topo_text(s->t, "[%u] rejected: ", plan->partitions[i].index);
        topo_text_xml(s->t, why);
        topo_text(s->t, "</text>\n");
        shown++;
        y += 20;
    }
}

static void counted(struct weir_topo_text *t, uint32_t n, const char *what)
{
    topo_text(t, "%u %s%s, ", n, what, n == 1 ? "" : "s");
}

static void header(struct svg *s)
{
    const struct weir_topo_machine *m = s->m;
    uint64_t bytes = 0;
    uint32_t usable = 0;
    for (uint32_t p = 0; p < m->pool_count; p++) bytes += m->pools[p].usable_bytes;
    for (uint32_t p = 0; p < m->pu_count; p++) usable += weir_topo_pu_usable(m, p);
    const char *title = m->title[0] ? m->title : m->name;
    int size = (s->width - 2 * SVG_MARGIN) * 10 / 6 / (int)(strlen(title) + 1);
    topo_text(s->t, "<text class=\"h\" style=\"font-size:%dpx\" x=\"%d\" y=\"40\">",
              size > 21  ? 21
              : size < 9 ? 9
                         : size,
              SVG_MARGIN);
    topo_text_xml(s->t, title);
    topo_text(s->t, "</text><text class=\"s\" x=\"%d\" y=\"62\">", SVG_MARGIN);
    counted(s->t, m->units[WEIR_TOPO_SCOPE_PACKAGE].count, "package");
    counted(s->t, m->domain_count, "domain");
    counted(s->t, m->units[WEIR_TOPO_SCOPE_CORE].count, "core");
    topo_text(s->t, "%u CPU%s", m->pu_count, m->pu_count == 1 ? "" : "s");
    if (usable != m->pu_count) topo_text(s->t, " (%u usable)", usable);
    topo_text(s->t, ", ");
    topo_text_bytes(s->t, bytes);
    if (m->limit_milli_cu != UINT64_MAX)
        topo_text(s->t, ", limited to %" PRIu64 ".%" PRIu64 " CPU", m->limit_milli_cu / 1000,
                  m->limit_milli_cu / 100 % 10);
    if (m->limit_memory_bytes != UINT64_MAX) {
        topo_text(s->t, ", limited to ");
        topo_text_bytes(s->t, m->limit_memory_bytes);
    }
    if (s->plan) {
        const struct weir_topo_totals *k = &s->plan->totals;
        topo_text(
            s->t,
            "</text><text class=\"s\" text-anchor=\"end\" x=\"%d\" y=\"62\">largest load %" PRIu64
            ".%" PRIu64 " %% (bound %" PRIu64 ".%" PRIu64 " %%), remote ",
            s->width - SVG_MARGIN, k->load_max_ppm / 10000, k->load_max_ppm / 1000 % 10,
            k->load_bound_ppm / 10000, k->load_bound_ppm / 1000 % 10);
        topo_text_bytes(s->t, k->remote_bytes);
    }
    topo_text(s->t, "</text>\n");
}

static int draw(const struct weir_topo_machine *m, const struct weir_topo_plan *plan,
                struct weir_topo_text *t, struct weir_topo_error *err)
{
    struct weir_topo_text body = {0};
    struct svg s = {.m = m, .plan = plan, .t = &body};
    int rc = svg_layout(&s, err);
    if (!rc && plan) rc = index_plan(&s, err);
    if (!rc) {
        for (uint32_t p = 0; p < s.piece_count; p++) s.pieces[p].y += HEADER;
        draw_panels(&s);
        int y = HEADER + s.height + SVG_GAP;
        y += draw_rest(&s, y);
        if (plan)
            plan_legend(&s, y);
        else
            machine_legend(&s, y);
        int height = y + (plan ? plan_legend_rows(plan) * 20 : 24) + 12;
        topo_text(t,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "viewBox=\"0 0 %d %d\">",
                  s.width, height, s.width, height);
        topo_text(t, "%s<rect width=\"%d\" height=\"%d\" fill=\"#fafbfd\"/>", style, s.width,
                  height);
        s.t = t;
        header(&s);
        if (body.failed)
            t->failed = true;
        else if (body.data)
            topo_text_raw(t, body.data, body.length);
        topo_text(t, "</svg>\n");
        rc = topo_text_done(t, err);
    }
    weir_topo_text_free(&body);
    svg_clear(&s);
    return rc;
}

int weir_topo_machine_svg(const struct weir_topo_machine *machine, struct weir_topo_text *out,
                          struct weir_topo_error *err)
{
    return draw(machine, NULL, out, err);
}

int weir_topo_plan_svg(const struct weir_topo_plan *plan, struct weir_topo_text *out,
                       struct weir_topo_error *err)
{
    return draw(plan->machine, plan, out, err);
}
