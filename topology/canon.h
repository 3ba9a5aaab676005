#ifndef WEIR_TOPOLOGY_CANON_H
#define WEIR_TOPOLOGY_CANON_H

/* The same machine in an order that does not depend on how its source lists or numbers things. */

#include "topology/internal.h"

struct topo_canon {
    struct weir_topo_machine *machine; /* the machine in that order; it has no canon itself */
    uint32_t *pu, *domain, *pool;      /* index there -> index in the listed machine */
    uint32_t *domain_rank, *pool_rank; /* index in the listed machine -> index there */
};

/* Sets M->canon; NULL if the machine is listed in that order already. */
int topo_canon_build(struct weir_topo_machine *m, struct weir_topo_error *err) TOPO_NODISCARD;
void topo_canon_free(struct topo_canon *canon);

/* The machine that plans are made on. */
static inline const struct weir_topo_machine *topo_canon_machine(const struct weir_topo_machine *m)
{
    return m->canon ? m->canon->machine : m;
}

/* What ties are decided by, where the order of domains and pools decides. */
static inline uint32_t topo_domain_rank(const struct weir_topo_machine *m, uint32_t domain)
{
    return m->canon ? m->canon->domain_rank[domain] : domain;
}

static inline uint32_t topo_pool_rank(const struct weir_topo_machine *m, uint32_t pool)
{
    return m->canon ? m->canon->pool_rank[pool] : pool;
}

/* Turn a plan for M's canonical machine into one for M. */
int topo_canon_translate(const struct weir_topo_machine *m, struct weir_topo_plan *plan,
                         struct weir_topo_error *err) TOPO_NODISCARD;

#endif
