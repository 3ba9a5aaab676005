#ifndef WEIR_TOPOLOGY_SVG_H
#define WEIR_TOPOLOGY_SVG_H

/* The picture of a machine, with or without a plan. svg_layout.c decides how large things are and
   where they go (all in whole pixels), render_svg.c draws them. A piece is what one domain has in
   one package: usually a domain, but a domain without a node of its own may reach over several
   packages. */

#include "topology/internal.h"

struct svg_run {
    uint32_t from, to; /* in svg->order */
};

struct svg_piece {
    struct svg_run run;
    uint32_t package, domain;
    bool owner; /* the piece that shows the domain's memory and devices */
    int x, y, w, h;
};

struct svg {
    const struct weir_topo_machine *m;
    const struct weir_topo_plan *plan; /* NULL: the machine only */
    struct weir_topo_text *t;
    uint32_t *order; /* PUs by package, domain, L3, core */
    struct svg_piece *pieces;
    uint32_t piece_count;
    int cell; /* edge of a PU's square */
    int core_pad, core_gap, l3_pad, l3_head, l3_gap;
    int width, height;
    /* per PU, with a plan: exclusive partition + 1, shared partitions as lists */
    uint32_t *owner, *shared_first, *shared;
    uint32_t *core_load, *core_room; /* per core, shared milli-CU */
};

#define SVG_MARGIN    28
#define SVG_CARD_PAD  12
#define SVG_CARD_HEAD 24
#define SVG_BAR       30 /* a memory bar with its line of text */
#define SVG_CHIP_W    92
#define SVG_CHIP_H    30
#define SVG_CHIP_GAP  20
#define SVG_CHIP_LEFT 30
#define SVG_CARD_MIN  200
#define SVG_PACK_HEAD 30
#define SVG_PACK_PAD  14
#define SVG_GAP       14

int svg_layout(struct svg *s, struct weir_topo_error *err) TOPO_NODISCARD;
void svg_clear(struct svg *s);
/* The end of the run that starts at AT and has the unit of SCOPE of its first PU in common. */
uint32_t svg_run_end(const struct svg *s, uint32_t at, uint32_t end, int scope);
/* Columns for N items of W x H so that the whole is about ASPECT_TENTHS / 10 times as wide as high.
 */
int svg_columns(int n, int w, int h, int aspect_tenths);
void svg_core_size(const struct svg *s, struct svg_run core, int *w, int *h, int *columns);
void svg_l3_size(const struct svg *s, struct svg_run l3, int *w, int *h, int *columns, int *core_w,
                 int *core_h);
/* The grid of L3 boxes of a piece. */
void svg_grid_size(const struct svg *s, struct svg_run run, int *w, int *h, int *columns, int *l3_w,
                   int *l3_h);
/* Device chips in a row of a card whose inside is W wide. */
int svg_chips_across(int w);
uint32_t svg_local_pools(const struct svg *s, uint32_t domain);
uint32_t svg_domain_devices(const struct svg *s, uint32_t domain);

#endif
