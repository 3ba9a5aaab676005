/* Where everything goes: bottom up the sizes of cores, L3 boxes, cards and packages, top down their
   places. Boxes of one kind get one size (the largest), so that the eye finds columns. */
#include "topology/svg.h"

#include <stdlib.h>
#include <string.h>

struct key {
    uint32_t package, domain, l3, core, pu;
};

static int compare_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->package != y->package) return x->package < y->package ? -1 : 1;
    if (x->domain != y->domain) return x->domain < y->domain ? -1 : 1;
    if (x->l3 != y->l3) return x->l3 < y->l3 ? -1 : 1;
    if (x->core != y->core) return x->core < y->core ? -1 : 1;
    return (x->pu > y->pu) - (x->pu < y->pu);
}

static bool sort_pus(struct svg *s)
{
    uint32_t n = s->m->pu_count;
    struct key *keys = topo_calloc(n, sizeof *keys);
    s->order = topo_calloc(n, sizeof *s->order);
    if (!keys || !s->order) {
        topo_free(keys);
        return false;
    }
    for (uint32_t p = 0; p < n; p++) {
        const uint32_t *u = s->m->pus[p].unit;
        keys[p] = (struct key){u[WEIR_TOPO_SCOPE_PACKAGE], u[WEIR_TOPO_SCOPE_NUMA],
                               u[WEIR_TOPO_SCOPE_L3], u[WEIR_TOPO_SCOPE_CORE], p};
    }
    qsort(keys, n, sizeof *keys, compare_key);
    for (uint32_t p = 0; p < n; p++) s->order[p] = keys[p].pu;
    topo_free(keys);
    return true;
}

uint32_t svg_run_end(const struct svg *s, uint32_t at, uint32_t end, int scope)
{
    uint32_t unit = s->m->pus[s->order[at]].unit[scope];
    while (at < end && s->m->pus[s->order[at]].unit[scope] == unit) at++;
    return at;
}

int svg_columns(int n, int w, int h, int aspect_tenths)
{
    int best = 1, best_off = -1;
    for (int c = 1; c <= n; c++) {
        int rows = (n + c - 1) / c;
        long wide = 10L * c * w, high = (long)aspect_tenths * rows * h;
        int off =
            (int)(wide > high ? wide * 100 / (high ? high : 1) : high * 100 / (wide ? wide : 1));
        off += (rows * c - n) * 600 / n; /* a ragged last row costs too */
        if (best_off < 0 || off < best_off) {
            best = c;
            best_off = off;
        }
    }
    return best;
}

void svg_core_size(const struct svg *s, struct svg_run core, int *w, int *h, int *columns)
{
    int n = (int)(core.to - core.from);
    *columns = n <= 2 ? n : svg_columns(n, 1, 1, 10);
    int rows = (n + *columns - 1) / *columns;
    *w = *columns * s->cell + (*columns - 1) + 2 * s->core_pad;
    *h = rows * s->cell + (rows - 1) + 2 * s->core_pad;
}

void svg_l3_size(const struct svg *s, struct svg_run l3, int *w, int *h, int *columns, int *core_w,
                 int *core_h)
{
    int n = 0, cw, ch, cc;
    *core_w = *core_h = 0;
    for (uint32_t at = l3.from, to; at < l3.to; at = to, n++) {
        to = svg_run_end(s, at, l3.to, WEIR_TOPO_SCOPE_CORE);
        svg_core_size(s, (struct svg_run){at, to}, &cw, &ch, &cc);
        if (cw > *core_w) *core_w = cw;
        if (ch > *core_h) *core_h = ch;
    }
    *columns = svg_columns(n, *core_w + s->core_gap, *core_h + s->core_gap, 18);
    int rows = (n + *columns - 1) / *columns;
    *w = *columns * (*core_w + s->core_gap) - s->core_gap + 2 * s->l3_pad;
    *h = rows * (*core_h + s->core_gap) - s->core_gap + 2 * s->l3_pad + s->l3_head;
}

void svg_grid_size(const struct svg *s, struct svg_run run, int *w, int *h, int *columns, int *l3_w,
                   int *l3_h)
{
    int n = 0, lw, lh, c, cw, ch;
    *l3_w = *l3_h = 0;
    for (uint32_t at = run.from, to; at < run.to; at = to, n++) {
        to = svg_run_end(s, at, run.to, WEIR_TOPO_SCOPE_L3);
        svg_l3_size(s, (struct svg_run){at, to}, &lw, &lh, &c, &cw, &ch);
        if (lw > *l3_w) *l3_w = lw;
        if (lh > *l3_h) *l3_h = lh;
    }
    *columns = svg_columns(n, *l3_w + s->l3_gap, *l3_h + s->l3_gap, 16);
    while (*columns < n && (*columns + 1) * (*l3_w + s->l3_gap) <= SVG_CARD_MIN) (*columns)++;
    int rows = (n + *columns - 1) / *columns;
    *w = *columns * (*l3_w + s->l3_gap) - s->l3_gap;
    *h = rows * (*l3_h + s->l3_gap) - s->l3_gap;
}

uint32_t svg_local_pools(const struct svg *s, uint32_t domain)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < s->m->pool_count; p++)
        n += s->m->local[(size_t)domain * s->m->pool_count + p];
    return n;
}

uint32_t svg_domain_devices(const struct svg *s, uint32_t domain)
{
    uint32_t n = 0;
    for (uint32_t d = 0; d < s->m->device_count; d++) n += s->m->devices[d].domain == domain;
    return n;
}

int svg_chips_across(int w)
{
    int n = (w - SVG_CHIP_LEFT + 8) / (SVG_CHIP_W + 8);
    return n < 1 ? 1 : n;
}

static void scale(struct svg *s)
{
    uint32_t n = s->m->pu_count;
    s->cell = n <= 16 ? 40 : n <= 40 ? 32 : n <= 96 ? 26 : n <= 300 ? 18 : n <= 1100 ? 11 : 9;
    s->core_pad = s->cell >= 18 ? 3 : s->cell >= 11 ? 2 : 0;
    s->core_gap = s->cell >= 18 ? 5 : s->cell >= 11 ? 3 : 1;
    s->l3_pad = s->cell >= 18 ? 7 : s->cell >= 11 ? 4 : 3;
    s->l3_head = s->cell >= 18 ? 15 : 0;
    s->l3_gap = s->cell >= 18 ? 8 : 4;
}

static bool find_pieces(struct svg *s)
{
    uint32_t n = s->m->pu_count;
    s->pieces = topo_calloc(n, sizeof *s->pieces);
    uint8_t *seen = topo_calloc(s->m->domain_count, 1);
    if (!s->pieces || !seen) {
        topo_free(seen);
        return false;
    }
    for (uint32_t at = 0; at < n;) {
        uint32_t package_end = svg_run_end(s, at, n, WEIR_TOPO_SCOPE_PACKAGE);
        while (at < package_end) {
            struct svg_piece *p = &s->pieces[s->piece_count++];
            p->run = (struct svg_run){at, svg_run_end(s, at, package_end, WEIR_TOPO_SCOPE_NUMA)};
            p->package = s->m->pus[s->order[at]].unit[WEIR_TOPO_SCOPE_PACKAGE];
            p->domain = s->m->pus[s->order[at]].unit[WEIR_TOPO_SCOPE_NUMA];
            p->owner = !seen[p->domain];
            seen[p->domain] = 1;
            at = p->run.to;
        }
    }
    topo_free(seen);
    return true;
}

static void size_piece(const struct svg *s, struct svg_piece *p)
{
    int columns, l3_w, l3_h, chips, chip_rows = 0;
    svg_grid_size(s, p->run, &p->w, &p->h, &columns, &l3_w, &l3_h);
    if (p->w < SVG_CARD_MIN) p->w = SVG_CARD_MIN;
    if (p->owner) {
        chips = (int)svg_domain_devices(s, p->domain);
        int across = svg_chips_across(p->w);
        if (chips) chip_rows = (chips + across - 1) / across;
        p->h += (int)svg_local_pools(s, p->domain) * SVG_BAR + 6;
        if (chips) p->h += chip_rows * (SVG_CHIP_H + SVG_CHIP_GAP) + 4;
    }
    p->w += 2 * SVG_CARD_PAD;
    p->h += SVG_CARD_HEAD + SVG_CARD_PAD;
}

struct panel {
    uint32_t from, to; /* pieces */
    int w, h, columns, card_w, card_h;
};

static int row_height(const struct svg *s, const struct panel *k, uint32_t first)
{
    int h = 0;
    for (uint32_t p = first; p < k->to && p < first + (uint32_t)k->columns; p++)
        if (s->pieces[p].h > h) h = s->pieces[p].h;
    return h;
}

static void size_panel(const struct svg *s, struct panel *k)
{
    k->card_w = k->card_h = 0;
    for (uint32_t p = k->from; p < k->to; p++) {
        if (s->pieces[p].w > k->card_w) k->card_w = s->pieces[p].w;
        if (s->pieces[p].h > k->card_h) k->card_h = s->pieces[p].h;
    }
    int n = (int)(k->to - k->from);
    k->columns = svg_columns(n, k->card_w + SVG_GAP, k->card_h + SVG_GAP, 15);
    k->w = k->columns * (k->card_w + SVG_GAP) - SVG_GAP + 2 * SVG_PACK_PAD;
    k->h = SVG_PACK_HEAD + SVG_PACK_PAD - SVG_GAP;
    for (uint32_t p = k->from; p < k->to; p += (uint32_t)k->columns)
        k->h += row_height(s, k, p) + SVG_GAP;
}

static void place_cards(struct svg *s, const struct panel *k, int x, int y)
{
    y += SVG_PACK_HEAD;
    for (uint32_t row = k->from; row < k->to; row += (uint32_t)k->columns) {
        int h = row_height(s, k, row);
        for (uint32_t p = row; p < k->to && p < row + (uint32_t)k->columns; p++) {
            s->pieces[p].x = x + SVG_PACK_PAD + (int)(p - row) * (k->card_w + SVG_GAP);
            s->pieces[p].y = y;
            s->pieces[p].w = k->card_w;
            s->pieces[p].h = h;
        }
        y += h + SVG_GAP;
    }
}

/* The panels in rows, each row as high as its highest; returns the height of all. */
static int place_panels(struct svg *s, const struct panel *panels, uint32_t n, int columns, int w)
{
    int y = 0;
    for (uint32_t row = 0; row < n; row += (uint32_t)columns) {
        int h = 0;
        for (uint32_t k = row; k < n && k < row + (uint32_t)columns; k++) {
            place_cards(s, &panels[k], SVG_MARGIN + (int)(k - row) * (w + SVG_GAP), y);
            if (panels[k].h > h) h = panels[k].h;
        }
        y += h + SVG_GAP;
    }
    return y - SVG_GAP;
}

int svg_layout(struct svg *s, struct weir_topo_error *err)
{
    scale(s);
    if (!sort_pus(s) || !find_pieces(s)) return topo_fail_nomem(err, "drawing the machine");
    uint32_t packages = s->m->units[WEIR_TOPO_SCOPE_PACKAGE].count, n = 0;
    struct panel *panels = topo_calloc(packages, sizeof *panels);
    if (!panels) return topo_fail_nomem(err, "drawing the machine");
    int w = 0, h = 0;
    for (uint32_t p = 0; p < s->piece_count; p++) {
        size_piece(s, &s->pieces[p]);
        if (!p || s->pieces[p].package != s->pieces[p - 1].package) panels[n++].from = p;
        panels[n - 1].to = p + 1;
    }
    for (uint32_t k = 0; k < n; k++) {
        size_panel(s, &panels[k]);
        if (panels[k].w > w) w = panels[k].w;
        if (panels[k].h > h) h = panels[k].h;
    }
    int columns = svg_columns((int)n, w + SVG_GAP, h + SVG_GAP, 17);
    s->height = place_panels(s, panels, n, columns, w);
    s->width = columns * (w + SVG_GAP) - SVG_GAP + 2 * SVG_MARGIN;
    if (s->width < 760) {
        for (uint32_t p = 0; p < s->piece_count; p++) s->pieces[p].x += (760 - s->width) / 2;
        s->width = 760;
    }
    topo_free(panels);
    return WEIR_TOPO_OK;
}

void svg_clear(struct svg *s)
{
    topo_free(s->order);
    topo_free(s->pieces);
    topo_free(s->owner);
    topo_free(s->shared_first);
    topo_free(s->shared);
    topo_free(s->core_load);
    topo_free(s->core_room);
}
