/* Devices: an exclusive partition owns a device or, where the compute units are known, a part of it
   (a sub-device); shared ones spread over the devices of their kind. Compute units are debited
   once: a device that has been cut or is shared is never owned whole, and a device that is listed
   as a sub-device of another debits its parent too. */
#include "topology/plan.h"

static uint32_t root_of(const struct weir_topo_machine *m, uint32_t d)
{
    for (int hops = 0; hops < 8 && m->devices[d].parent != WEIR_TOPO_NONE; hops++)
        d = m->devices[d].parent;
    return d;
}

/* Compute units that are taken of the device's family. */
static bool family_untouched(const struct topo_state *s, uint32_t d)
{
    uint32_t root = root_of(s->m, d);
    for (uint32_t k = 0; k < s->m->device_count; k++) {
        if (root_of(s->m, k) != root) continue;
        bool related = k == d || k == root || d == root; /* cousins do not meet */
        if (related && (s->device_load[k] || s->device_owned[k] || s->m->devices[k].leased_units ||
                        s->m->devices[k].busy))
            return false;
    }
    return true;
}

/* May a part of D, or a shared queue on it, be handed out: nobody owns a relative of it whole. */
static bool family_open(const struct topo_state *s, uint32_t d)
{
    uint32_t root = root_of(s->m, d);
    for (uint32_t k = 0; k < s->m->device_count; k++) {
        if (k == d || root_of(s->m, k) != root || (k != root && d != root)) continue;
        if (s->device_load[k] || s->device_owned[k] || s->m->devices[k].leased_units ||
            s->m->devices[k].busy)
            return false;
    }
    return true;
}

static bool device_free(const struct topo_state *s, const struct weir_topo_stream *st, uint32_t d)
{
    const struct weir_topo_device *dev = &s->m->devices[d];
    if (dev->kind != st->device_kind) return false;
    if (st->device_bytes && dev->bytes &&
        (s->device_bytes_used[d] > dev->bytes ||
         st->device_bytes > dev->bytes - s->device_bytes_used[d]))
        return false;
    if (st->mode == WEIR_TOPO_EXCLUSIVE && !st->device_units) return family_untouched(s, d);
    if (!family_open(s, d)) return false;
    uint32_t used = s->device_units_used[d] + dev->leased_units;
    if (st->mode == WEIR_TOPO_EXCLUSIVE)
        return dev->compute_units && !s->device_load[d] && !dev->busy &&
               used <= dev->compute_units && st->device_units <= dev->compute_units - used;
    return !s->device_owned[d] && !dev->leased_units;
}

bool topo_device_take(struct topo_state *s, uint32_t i)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    const struct weir_topo_stream *st = &s->plan->streams[p->stream];
    uint32_t best = WEIR_TOPO_NONE;
    for (uint32_t d = 0; d < s->m->device_count; d++) {
        if (!device_free(s, st, d)) continue;
        if (best == WEIR_TOPO_NONE || s->device_load[d] < s->device_load[best]) best = d;
        if (st->mode == WEIR_TOPO_EXCLUSIVE) break;
    }
    if (best == WEIR_TOPO_NONE) return false;
    p->device = best;
    p->queue = s->device_load[best] + s->device_owned[best];
    if (st->mode == WEIR_TOPO_EXCLUSIVE) {
        p->device_units = st->device_units ? st->device_units : s->m->devices[best].compute_units;
        s->device_units_used[best] += p->device_units;
        s->device_owned[best]++;
    } else {
        s->device_load[best]++;
    }
    s->device_bytes_used[best] += st->device_bytes;
    return true;
}

void topo_device_give_back(struct topo_state *s, uint32_t i)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    const struct weir_topo_stream *st = &s->plan->streams[p->stream];
    if (p->device == WEIR_TOPO_NONE) return;
    if (st->mode == WEIR_TOPO_EXCLUSIVE) {
        s->device_units_used[p->device] -= p->device_units;
        s->device_owned[p->device]--;
    } else {
        s->device_load[p->device]--;
    }
    s->device_bytes_used[p->device] -= st->device_bytes;
    p->device = WEIR_TOPO_NONE;
    p->device_units = p->queue = 0;
}
