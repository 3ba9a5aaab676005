/* Exclusive partitions: whole units of their scope, which nobody else may touch.

   Every unit has a home, the domain of its first PU. A partition looks at each domain: how many of
   its free units cover the request, how much of them would be owned but not asked for, how many of
   its bytes would be remote. The best domain is the one with the fewest remote bytes, then the
   nearest to its device, then the least waste, then the tightest fit (so that large holes stay for
   large requests). If no domain has enough, units of several domains are taken, starting at the
   fullest supply and going outwards by distance.

   Inside a domain, units come from the L3 with the tightest sufficient supply. */
#include "topology/plan.h"

#include <string.h>

static bool unit_free(const struct topo_state *s, int scope, uint32_t u)
{
    return !s->busy[scope][u] && !s->barred[scope][u] && s->usable[scope][u];
}

/* The same, but not what a partition of the current plan would like to keep. */
static bool unit_offered(const struct topo_state *s, int scope, uint32_t u)
{
    if (!unit_free(s, scope, u)) return false;
    const struct weir_topo_units *units = &s->m->units[scope];
    for (uint32_t k = units->first[u]; s->avoid_wanted && k < units->first[u + 1]; k++)
        if (s->wanted[units->pus[k]]) return false;
    return true;
}

static int setup_scope(struct topo_state *s, int scope, struct weir_topo_error *err)
{
    const struct weir_topo_machine *m = s->m;
    const struct weir_topo_units *u = &m->units[scope];
    s->busy[scope] = topo_calloc(u->count, sizeof(uint32_t));
    s->usable[scope] = topo_calloc(u->count, sizeof(uint32_t));
    s->barred[scope] = topo_calloc(u->count, 1);
    s->home[scope] = topo_calloc(u->count, sizeof(uint32_t));
    s->home_first[scope] = topo_calloc((size_t)m->domain_count + 1, sizeof(uint32_t));
    s->home_unit[scope] = topo_calloc(u->count, sizeof(uint32_t));
    s->free_capacity[scope] = topo_calloc(m->domain_count, sizeof(uint64_t));
    s->free_units[scope] = topo_calloc(m->domain_count, sizeof(uint32_t));
    if (!s->busy[scope] || !s->usable[scope] || !s->barred[scope] || !s->home[scope] ||
        !s->home_first[scope] || !s->home_unit[scope] || !s->free_capacity[scope] ||
        !s->free_units[scope])
        return topo_fail_nomem(err, "planning exclusive partitions");
    for (uint32_t i = 0; i < u->count; i++) {
        s->home[scope][i] = m->pus[u->pus[u->first[i]]].unit[WEIR_TOPO_SCOPE_NUMA];
        s->home_first[scope][s->home[scope][i] + 1]++;
        for (uint32_t k = u->first[i]; k < u->first[i + 1]; k++) {
            s->usable[scope][i] += weir_topo_pu_usable(m, u->pus[k]);
            s->barred[scope][i] |=
                (m->pus[u->pus[k]].reserved || m->pus[u->pus[k]].busy) && m->pus[u->pus[k]].allowed;
        }
        if (!unit_free(s, scope, i)) continue;
        s->free_capacity[scope][s->home[scope][i]] += u->capacity_milli_cu[i];
        s->free_units[scope][s->home[scope][i]]++;
    }
    for (uint32_t d = 0; d < m->domain_count; d++)
        s->home_first[scope][d + 1] += s->home_first[scope][d];
    uint32_t *next = topo_calloc(m->domain_count, sizeof *next);
    if (!next) return topo_fail_nomem(err, "planning exclusive partitions");
    for (uint32_t i = 0; i < u->count; i++) {
        uint32_t d = s->home[scope][i];
        s->home_unit[scope][s->home_first[scope][d] + next[d]++] = i;
    }
    topo_free(next);
    return WEIR_TOPO_OK;
}

int topo_exclusive_setup(struct topo_state *s, struct weir_topo_error *err)
{
    s->taken = topo_calloc(s->m->pu_count, 1);
    if (!s->taken) return topo_fail_nomem(err, "planning exclusive partitions");
    for (int scope = 0; scope < WEIR_TOPO_SCOPE_COUNT; scope++) {
        int rc = setup_scope(s, scope, err);
        if (rc) return rc;
    }
    for (uint32_t p = 0; p < s->m->pu_count; p++) s->shared_pus += weir_topo_pu_usable(s->m, p);
    s->shared_capacity = s->m->capacity_milli_cu;
    return WEIR_TOPO_OK;
}

uint32_t topo_smallest_unit(const struct weir_topo_machine *m, enum weir_topo_scope scope)
{
    const struct weir_topo_units *u = &m->units[scope];
    uint32_t best = 0;
    for (uint32_t i = 0; i < u->count; i++) {
        bool barred = false;
        for (uint32_t k = u->first[i]; k < u->first[i + 1]; k++)
            barred |=
                (m->pus[u->pus[k]].reserved || m->pus[u->pus[k]].busy) && m->pus[u->pus[k]].allowed;
        uint32_t c = u->capacity_milli_cu[i];
        if (!barred && c && (!best || c < best)) best = c;
    }
    return best;
}

static void take_pu(struct topo_state *s, uint32_t pu)
{
    const struct weir_topo_machine *m = s->m;
    s->taken[pu] = 1;
    s->shared_pus--;
    s->shared_capacity -= m->pus[pu].capacity_milli_cu;
    for (int scope = 0; scope < WEIR_TOPO_SCOPE_COUNT; scope++) {
        uint32_t u = m->pus[pu].unit[scope];
        if (unit_free(s, scope, u)) {
            s->free_capacity[scope][s->home[scope][u]] -= m->units[scope].capacity_milli_cu[u];
            s->free_units[scope][s->home[scope][u]]--;
        }
        s->busy[scope][u]++;
    }
}

/* ---- which units of a domain: CHOSEN (room for all its units) gets them, the sum of their
   capacity is returned; less than NEED if the domain has not enough. */

struct pick {
    uint32_t *chosen;
    uint32_t count;
    uint64_t capacity;
};

/* Free units of SCOPE in domain D that lie (by their first PU) in the L3 unit L3, or in any if L3
 * is NONE. */
static void gather(const struct topo_state *s, int scope, uint32_t d, uint32_t l3, uint32_t exact,
                   uint64_t need, struct pick *pick)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    for (uint32_t k = s->home_first[scope][d];
         k < s->home_first[scope][d + 1] && pick->capacity < need; k++) {
        uint32_t i = s->home_unit[scope][k];
        if (!unit_offered(s, scope, i) || (exact && u->capacity_milli_cu[i] != exact)) continue;
        if (l3 != WEIR_TOPO_NONE && s->m->pus[u->pus[u->first[i]]].unit[WEIR_TOPO_SCOPE_L3] != l3)
            continue;
        bool have = false;
        for (uint32_t c = 0; c < pick->count && !have; c++) have = pick->chosen[c] == i;
        if (have) continue;
        pick->chosen[pick->count++] = i;
        pick->capacity += u->capacity_milli_cu[i];
    }
}

/* The capacity of the unit kind (in this domain) that covers NEED with the least waste, 0 if no one
 * kind does. */
static uint32_t best_kind(const struct topo_state *s, int scope, uint32_t d, uint64_t need,
                          uint64_t *owned)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    uint32_t capacity[16], count[16], kinds = 0, best = 0;
    for (uint32_t k = s->home_first[scope][d]; k < s->home_first[scope][d + 1]; k++) {
        uint32_t i = s->home_unit[scope][k], c = u->capacity_milli_cu[i], j = 0;
        if (!unit_offered(s, scope, i)) continue;
        while (j < kinds && capacity[j] != c) j++;
        if (j == 16) continue;
        if (j == kinds) {
            capacity[kinds] = c;
            count[kinds++] = 0;
        }
        count[j]++;
    }
    *owned = 0;
    for (uint32_t j = 0; j < kinds; j++) {
        uint64_t want = (need + capacity[j] - 1) / capacity[j], total = want * capacity[j];
        if (want > count[j]) continue;
        if (!best || total < *owned || (total == *owned && capacity[j] > best)) {
            best = capacity[j];
            *owned = total;
        }
    }
    return best;
}

/* The L3 of domain D whose free units of capacity EXACT cover NEED most tightly; NONE if no single
 * one does. */
static uint32_t tightest_l3(const struct topo_state *s, int scope, uint32_t d, uint32_t exact,
                            uint64_t need)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    uint32_t best = WEIR_TOPO_NONE, current = WEIR_TOPO_NONE;
    uint64_t supply = 0, best_supply = UINT64_MAX;
    uint32_t end = s->home_first[scope][d + 1];
    for (uint32_t k = s->home_first[scope][d]; k <= end; k++) {
        uint32_t i = k < end ? s->home_unit[scope][k] : WEIR_TOPO_NONE;
        uint32_t l3 =
            k < end ? s->m->pus[u->pus[u->first[i]]].unit[WEIR_TOPO_SCOPE_L3] : WEIR_TOPO_NONE;
        if (l3 != current || k == end) {
            if (current != WEIR_TOPO_NONE && supply >= need && supply < best_supply) {
                best = current;
                best_supply = supply;
            }
            current = l3;
            supply = 0;
        }
        if (k < end && unit_offered(s, scope, i) && (!exact || u->capacity_milli_cu[i] == exact))
            supply += u->capacity_milli_cu[i];
    }
    return best;
}

static void pick_in_domain(const struct topo_state *s, int scope, uint32_t d, uint64_t need,
                           struct pick *pick)
{
    uint64_t owned;
    uint32_t exact = best_kind(s, scope, d, need, &owned);
    gather(s, scope, d, tightest_l3(s, scope, d, exact, need), exact, need, pick);
    gather(s, scope, d, WEIR_TOPO_NONE, exact, need, pick);
    gather(s, scope, d, WEIR_TOPO_NONE, 0, need, pick);
}

/* Mixed kinds can leave a unit that is not needed: drop what the rest covers, the smallest loss
 * first. */
static void trim(const struct topo_state *s, int scope, uint64_t need, struct pick *pick)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    for (uint32_t c = 0; c < pick->count;) {
        uint32_t cap = u->capacity_milli_cu[pick->chosen[c]];
        if (pick->count > 1 && pick->capacity - cap >= need) {
            pick->capacity -= cap;
            pick->chosen[c] = pick->chosen[--pick->count];
        } else {
            c++;
        }
    }
}

/* ---- which domain */

struct offer {
    uint32_t domain;
    uint64_t remote, distance, waste, left;
};

static int compare_offer(const struct offer *a, const struct offer *b)
{
    if (a->remote != b->remote) return a->remote < b->remote ? -1 : 1;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    if (a->waste != b->waste) return a->waste < b->waste ? -1 : 1;
    if (a->left != b->left) return a->left < b->left ? -1 : 1;
    return 0;
}

static bool make_offer(const struct topo_state *s, const struct weir_topo_partition *p, int scope,
                       uint32_t d, uint32_t near, struct offer *offer)
{
    if (s->free_capacity[scope][d] < p->milli_cu || !s->free_units[scope][d]) return false;
    const struct weir_topo_stream *stream = &s->plan->streams[p->stream];
    uint64_t local = topo_local_left(s, d, stream->tier, s->page_of[p - s->plan->partitions]);
    uint64_t owned = 0;
    uint32_t one = (uint32_t)(s->free_capacity[scope][d] / s->free_units[scope][d]);
    offer->domain = d;
    offer->remote = p->bytes > local ? p->bytes - local : 0;
    offer->distance = near == WEIR_TOPO_NONE ? 0 : topo_domain_distance(s->m, near, d);
    bool uniform = (uint64_t)one * s->free_units[scope][d] == s->free_capacity[scope][d];
    if (!uniform || s->m->kind_count > 1) {
        if (!best_kind(s, scope, d, p->milli_cu, &owned)) owned = p->milli_cu;
    } else {
        owned = (p->milli_cu + (uint64_t)one - 1) / one * one;
    }
    offer->waste = owned - p->milli_cu;
    offer->left = s->free_capacity[scope][d] > owned ? s->free_capacity[scope][d] - owned : 0;
    return true;
}

static bool best_offer(const struct topo_state *s, struct weir_topo_partition *p, int scope,
                       uint32_t near, uint32_t *domain)
{
    struct offer best = {.domain = WEIR_TOPO_NONE}, second = {.domain = WEIR_TOPO_NONE}, now;
    for (uint32_t d = 0; d < s->m->domain_count; d++) {
        if (!make_offer(s, p, scope, d, near, &now)) continue;
        if (best.domain == WEIR_TOPO_NONE || compare_offer(&now, &best) < 0) {
            second = best;
            best = now;
        } else if (second.domain == WEIR_TOPO_NONE || compare_offer(&now, &second) < 0) {
            second = now;
        }
    }
    if (best.domain == WEIR_TOPO_NONE) return false;
    *domain = best.domain;
    p->runner_up = second.domain;
    if (second.domain != WEIR_TOPO_NONE)
        p->runner_up_price = (int64_t)second.waste - (int64_t)best.waste;
    return true;
}

/* Units of several domains: the richest supply first, then outwards. */
static void pick_across(const struct topo_state *s, int scope, uint64_t need, uint32_t near,
                        struct pick *pick)
{
    uint32_t n = s->m->domain_count, start = WEIR_TOPO_NONE;
    for (uint32_t d = 0; d < n; d++)
        if (s->free_units[scope][d] &&
            (start == WEIR_TOPO_NONE ||
             s->free_capacity[scope][d] > s->free_capacity[scope][start]))
            start = d;
    if (near != WEIR_TOPO_NONE && s->free_units[scope][near]) start = near;
    if (start == WEIR_TOPO_NONE) return;
    uint32_t last_distance = 0;
    while (pick->capacity < need) { /* rings of equal distance, outwards */
        uint32_t ring = UINT32_MAX;
        for (uint32_t d = 0; d < n; d++) {
            uint32_t v = topo_domain_distance(s->m, start, d);
            if (v > last_distance && v < ring) ring = v;
        }
        if (ring == UINT32_MAX) return;
        for (uint32_t d = 0; d < n && pick->capacity < need; d++)
            if (topo_domain_distance(s->m, start, d) == ring)
                gather(s, scope, d, WEIR_TOPO_NONE, 0, need, pick);
        last_distance = ring;
    }
}

static int commit(struct topo_state *s, struct weir_topo_partition *p, int scope,
                  const struct pick *pick, struct weir_topo_error *err)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    p->pu_first = s->plan->pu_list_count;
    for (uint32_t c = 0; c < pick->count; c++)
        for (uint32_t k = u->first[pick->chosen[c]]; k < u->first[pick->chosen[c] + 1]; k++) {
            if (!weir_topo_pu_usable(s->m, u->pus[k])) continue;
            int rc = topo_push_pu(s, u->pus[k], err);
            if (rc) return rc;
            p->pu_count++;
            take_pu(s, u->pus[k]);
        }
    p->share_milli_cu = (uint32_t)pick->capacity;
    if (s->cpu_left != UINT64_MAX) s->cpu_left -= pick->capacity;
    return WEIR_TOPO_OK;
}

/* Sets p->domain and takes the memory from there, then from the other domains that it has PUs in.
 */
static void settle(struct topo_state *s, struct weir_topo_partition *p)
{
    uint64_t left = p->bytes, page = s->page_of[p - s->plan->partitions];
    enum weir_topo_tier tier = s->plan->streams[p->stream].tier;
    p->domain = topo_main_domain(s, p);
    left = topo_local_take(s, p->domain, tier, page, left);
    uint32_t last = p->domain;
    for (uint32_t k = 0; left && k < p->pu_count; k++) {
        uint32_t d = s->m->pus[s->plan->pu_list[p->pu_first + k]].unit[WEIR_TOPO_SCOPE_NUMA];
        if (d != last) left = topo_local_take(s, d, tier, page, left);
        last = d;
    }
}

/* The units of the PUs that the partition has in the current plan, if they are all free and enough.
 */
static bool pick_kept(const struct topo_state *s, uint32_t i, int scope, struct pick *pick)
{
    const struct weir_topo_units *u = &s->m->units[scope];
    pick->count = 0;
    pick->capacity = 0;
    if (!s->keep_count || !s->keep_count[i]) return false;
    for (uint32_t k = 0; k < s->keep_count[i]; k++) {
        uint32_t unit = s->m->pus[s->keep_pu[s->keep_first[i] + k]].unit[scope];
        bool have = false;
        for (uint32_t c = 0; c < pick->count && !have; c++) have = pick->chosen[c] == unit;
        if (have) continue;
        if (!unit_free(s, scope, unit)) return false;
        pick->chosen[pick->count++] = unit;
        pick->capacity += u->capacity_milli_cu[unit];
    }
    return pick->capacity >= s->plan->partitions[i].milli_cu;
}

static void pick_best(struct topo_state *s, struct weir_topo_partition *p, int scope, uint32_t near,
                      struct pick *pick)
{
    uint32_t domain = 0;
    pick->count = 0;
    pick->capacity = 0;
    if (best_offer(s, p, scope, near, &domain))
        pick_in_domain(s, scope, domain, p->milli_cu, pick);
    else
        pick_across(s, scope, p->milli_cu, near, pick);
    trim(s, scope, p->milli_cu, pick);
}

int topo_exclusive_place(struct topo_state *s, uint32_t i, uint32_t near,
                         struct weir_topo_error *err)
{
    struct weir_topo_partition *p = &s->plan->partitions[i];
    int scope = (int)s->plan->streams[p->stream].scope, rc = 0;
    struct pick pick = {.chosen = topo_calloc(s->m->units[scope].count, sizeof(uint32_t))};
    if (!pick.chosen) return topo_fail_nomem(err, "planning exclusive partitions");
    p->why = WEIR_TOPO_WHY_CPU;
    if (!pick_kept(s, i, scope, &pick)) {
        s->avoid_wanted = s->wanted != NULL;
        pick_best(s, p, scope, near, &pick);
        s->avoid_wanted = false;
        if (s->wanted && pick.capacity < p->milli_cu) pick_best(s, p, scope, near, &pick);
    }
    if (pick.capacity < p->milli_cu || !pick.count) goto out;
    if (pick.capacity > s->cpu_left) {
        p->why = WEIR_TOPO_WHY_CPU_LIMIT;
        goto out;
    }
    uint32_t pus = 0;
    for (uint32_t c = 0; c < pick.count; c++) pus += s->usable[scope][pick.chosen[c]];
    if ((s->shared_admitted || s->shared_peers) && pus >= s->shared_pus) goto out;
    if (s->shared_admitted && s->shared_capacity - pick.capacity < s->shared_promised)
        goto out; /* shared partitions of higher priority need what is left */
    rc = commit(s, p, scope, &pick, err);
    if (rc) goto out;
    settle(s, p);
    rc = 1;
out:
    topo_free(pick.chosen);
    return rc;
}
