/* The planner beside hwloc_distrib, equal shards and the lower bounds, on every shipped machine; then
   the bars of its speed on 4096 PUs. Everything is measured in this run; times are processor time of
   the one thread that plans. usage: bench_topology [--quick]

   Load: largest load of a core ÷ what perfect division would give (1.00 is perfect).
   Remote: bytes that are not local to where their partition runs, in percent of all.
   bound: no assignment can be below. For the load it is the planner's own lower bound, which counts
   what is indivisible and, where nothing is remote, what memory forces; for the bytes, what the
   nodes of all CPUs together cannot hold.
   hwloc_distrib spreads partitions over PUs by count; it takes weights of nothing.
   Equal shards give every core one partition in turn, and its shard the same part of the memory.
   Worst gap: of the load to its bound, over 20 demands of 4 partitions per PU. */
#include <hwloc.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/topology.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t next(uint64_t *s)
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* N uneven partitions (a few heavy ones, many light ones), three quarters of the CPU and
 * MEMORY_PERCENT of the memory. */
static struct weir_topo_demand *uneven(const struct weir_topo_machine *m, uint32_t n,
                                       unsigned memory_percent, uint64_t seed)
{
    struct weir_topo_demand *d;
    uint64_t bytes = 0, cpu = m->capacity_milli_cu, sum_cpu = 0, sum_bytes = 0, state = seed;
    uint64_t *c = calloc(n, sizeof *c), *b = calloc(n, sizeof *b);
    if (!c || !b || weir_topo_demand_new(&d, NULL)) abort();
    for (uint32_t p = 0; p < m->pool_count; p++)
        if (!m->pools[p].huge && m->pools[p].tier != WEIR_TOPO_TIER_GPU)
            bytes += m->pools[p].usable_bytes;
    if (m->limit_memory_bytes < bytes) bytes = m->limit_memory_bytes;
    if (m->limit_milli_cu < cpu) cpu = m->limit_milli_cu;
    for (uint32_t i = 0; i < n; i++) {
        c[i] = 100 + next(&state) % 900 * (next(&state) % 10 ? 1 : 3);
        b[i] = 100 + next(&state) % 900 * (next(&state) % 10 ? 1 : 3);
        sum_cpu += c[i];
        sum_bytes += b[i];
    }
    d->streams = calloc(n, sizeof *d->streams);
    if (!d->streams) abort();
    for (uint32_t i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        struct weir_topo_stream st = weir_topo_stream_default(name, 1);
        st.milli_cu = (uint32_t)(cpu * 3 / 4 * c[i] / sum_cpu);
        if (!st.milli_cu) st.milli_cu = 1;
        st.memory_mode = WEIR_TOPO_MEMORY_BYTES;
        st.bytes = (uint64_t)((unsigned __int128)bytes * memory_percent / 100 * b[i] / sum_bytes) /
                   4096 * 4096;
        d->streams[i] =
            st; /* names are distinct by construction: no need for the quadratic check of ..._add */
    }
    d->stream_count = d->stream_capacity = n;
    free(c);
    free(b);
    return d;
}

struct result {
    double load, remote_percent; /* load: ÷ perfect */
};

/* What NEED bytes per domain leave remote, with memory drawn from local pools first. */
static uint64_t remote_of(const struct weir_topo_machine *m, const uint64_t *need)
{
    uint64_t *left = calloc(m->pool_count, sizeof *left), remote = 0;
    if (!left) abort();
    for (uint32_t p = 0; p < m->pool_count; p++)
        if (!m->pools[p].huge && m->pools[p].tier != WEIR_TOPO_TIER_GPU)
            left[p] = m->pools[p].usable_bytes;
    for (uint32_t k = 0; k < m->domain_count; k++) {
        uint64_t rest = need[k];
        for (uint32_t p = 0; p < m->pool_count; p++) {
            if (!m->local[(size_t)k * m->pool_count + p]) continue;
            uint64_t take = rest < left[p] ? rest : left[p];
            left[p] -= take;
            rest -= take;
        }
        remote += rest;
    }
    free(left);
    return remote;
}

/* Score any assignment of partition -> PU; with EQUAL_SHARDS every core's shard has the same bytes,
 * else those that its partitions ask for. */
static struct result score(const struct weir_topo_machine *m, const struct weir_topo_demand *d,
                           const uint32_t *pu, bool equal_shards)
{
    const struct weir_topo_units *cores = &m->units[WEIR_TOPO_SCOPE_CORE];
    double *load = calloc(cores->count, sizeof *load), total = 0, worst = 0;
    uint64_t *need = calloc(m->domain_count, sizeof *need), bytes = 0;
    uint32_t usable = 0;
    if (!load || !need) abort();
    for (uint32_t i = 0; i < d->stream_count; i++) {
        load[m->pus[pu[i]].unit[WEIR_TOPO_SCOPE_CORE]] += d->streams[i].milli_cu;
        if (!equal_shards) need[m->pus[pu[i]].unit[WEIR_TOPO_SCOPE_NUMA]] += d->streams[i].bytes;
        total += d->streams[i].milli_cu;
        bytes += d->streams[i].bytes;
    }
    for (uint32_t c = 0; c < cores->count; c++) {
        if (!cores->capacity_milli_cu[c]) continue;
        usable++;
        if (load[c] / cores->capacity_milli_cu[c] > worst)
            worst = load[c] / cores->capacity_milli_cu[c];
    }
    for (uint32_t c = 0; equal_shards && c < cores->count; c++)
        if (cores->capacity_milli_cu[c])
            need[m->pus[cores->pus[cores->first[c]]].unit[WEIR_TOPO_SCOPE_NUMA]] += bytes / usable;
    struct result r = {worst / (total / (double)m->capacity_milli_cu),
                       bytes ? 100.0 * (double)remote_of(m, need) / (double)bytes : 0};
    free(load);
    free(need);
    return r;
}

/* The part of BYTES, in percent, that the nodes of all usable CPUs together cannot hold. */
static double remote_floor(const struct weir_topo_machine *m, uint64_t bytes)
{
    uint64_t room = 0;
    for (uint32_t p = 0; p < m->pool_count; p++) {
        bool local = false;
        for (uint32_t k = 0; k < m->domain_count; k++)
            local |= m->units[WEIR_TOPO_SCOPE_NUMA].capacity_milli_cu[k] &&
                     m->local[(size_t)k * m->pool_count + p];
        if (local && !m->pools[p].huge && m->pools[p].tier != WEIR_TOPO_TIER_GPU)
            room += m->pools[p].usable_bytes;
    }
    return bytes > room ? 100.0 * (double)(bytes - room) / (double)bytes : 0;
}

/* hwloc_distrib over the machine as hwloc sees it. False where it fails. */
static bool by_hwloc(const struct weir_topo_machine *m, const struct weir_topo_demand *d,
                     uint32_t *pu)
{
    struct weir_topo_text xml = {0};
    hwloc_topology_t t;
    bool ok = false;
    struct weir_topo_plan *plan = NULL;
    if (weir_topo_plan_make(m, d, NULL, &plan, NULL) ||
        weir_topo_export(plan, WEIR_TOPO_EXPORT_HWLOC_XML, &xml, NULL) ||
        hwloc_topology_init(&t) < 0)
        abort();
    weir_topo_plan_free(plan);
    if (!hwloc_topology_set_xmlbuffer(t, xml.data, (int)xml.length + 1) &&
        !hwloc_topology_load(t)) {
        hwloc_obj_t root = hwloc_get_root_obj(t);
        hwloc_cpuset_t *sets = calloc(d->stream_count, sizeof *sets);
        if (!sets) abort();
        ok = !hwloc_distrib(t, &root, 1, sets, d->stream_count, INT_MAX, 0);
        for (uint32_t i = 0; i < d->stream_count; i++) {
            int first = ok && sets[i] ? hwloc_bitmap_first(sets[i]) : -1;
            if (first < 0) ok = false;
            pu[i] = first < 0 ? 0 : m->pu_of_os[first];
            hwloc_bitmap_free(sets[i]);
        }
        free(sets);
    }
    hwloc_topology_destroy(t);
    weir_topo_text_free(&xml);
    return ok;
}

/* Shard per core, in turn. */
static void by_turn(const struct weir_topo_machine *m, const struct weir_topo_demand *d,
                    uint32_t *pu)
{
    const struct weir_topo_units *cores = &m->units[WEIR_TOPO_SCOPE_CORE];
    for (uint32_t i = 0, c = 0; i < d->stream_count; i++, c++) {
        for (;; c++) {
            c %= cores->count;
            if (cores->capacity_milli_cu[c]) break;
        }
        uint32_t k = cores->first[c];
        while (!weir_topo_pu_usable(m, cores->pus[k])) k++;
        pu[i] = cores->pus[k];
    }
}

static void cell(const struct result *r)
{
    printf("  %6.3f %6.1f%%", r->load, r->remote_percent);
}

static uint64_t bytes_of(const struct weir_topo_plan *p)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < p->partition_count; i++) bytes += p->partitions[i].bytes;
    return bytes;
}

static double remote_percent(const struct weir_topo_plan *p)
{
    uint64_t bytes = bytes_of(p);
    return bytes ? 100.0 * (double)p->totals.remote_bytes / (double)bytes : 0;
}

static double gap_of(const struct weir_topo_plan *p)
{
    return p->totals.load_bound_ppm
               ? 100.0 * ((double)p->totals.load_max_ppm / (double)p->totals.load_bound_ppm - 1)
               : 0;
}

static struct weir_topo_machine *load_builtin(const char *name)
{
    char source[128];
    snprintf(source, sizeof source, "builtin:%s", name);
    struct weir_topo_machine_options o = {.source = source};
    struct weir_topo_machine *m;
    struct weir_topo_error err;
    if (weir_topo_machine_load(&o, &m, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return m;
}

static struct weir_topo_plan *plan_of(const struct weir_topo_machine *m,
                                      const struct weir_topo_demand *d)
{
    struct weir_topo_plan *p;
    struct weir_topo_error err;
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) {
        fprintf(stderr, "%s: %s\n", m->name, err.message);
        exit(1);
    }
    return p;
}

struct worst {
    double gap, remote; /* remote: percentage points above the least possible */
};

/* Other demands of the same size: the gap with 85 % of the memory, remote bytes with 98 %. */
static double worst_of_20(const struct weir_topo_machine *m, struct worst *worst)
{
    double gap = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct weir_topo_demand *d = uneven(m, m->pu_count * 4, 85, seed * 1001);
        struct weir_topo_plan *p = plan_of(m, d);
        if (gap_of(p) > gap) gap = gap_of(p);
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
        d = uneven(m, m->pu_count * 4, 98, seed * 1001);
        p = plan_of(m, d);
        double above = remote_percent(p) - remote_floor(m, bytes_of(p));
        if (above > worst->remote) worst->remote = above;
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
    }
    if (gap > worst->gap) worst->gap = gap;
    return gap;
}

static void compare_machine(const char *name, struct worst *worst)
{
    struct weir_topo_machine *m = load_builtin(name);
    uint32_t n = m->pu_count * 4;
    struct weir_topo_demand *d = uneven(m, n, 85, 7);
    uint32_t *pu = calloc(n, sizeof *pu);
    if (!pu) abort();
    double start = now_ms();
    struct weir_topo_plan *p = plan_of(m, d);
    double took = now_ms() - start;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) total += d->streams[i].milli_cu;
    double perfect = (double)total / (double)m->capacity_milli_cu * 1e6;
    struct result ours = {(double)p->totals.load_max_ppm / perfect, remote_percent(p)},
                  bound = {(double)p->totals.load_bound_ppm / perfect,
                           remote_floor(m, bytes_of(p))},
                  other;
    printf("%-18s %5u %6u", name, m->pu_count, n);
    cell(&ours);
    cell(&bound);
    if (by_hwloc(m, d, pu)) {
        other = score(m, d, pu, false);
        cell(&other);
    } else {
        printf("  %14s", "fails");
    }
    by_turn(m, d, pu);
    other = score(m, d, pu, true);
    cell(&other);
    printf("  %6.2f%%  %6.2f ms\n", worst_of_20(m, worst), took);
    free(pu);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    weir_topo_machine_free(m);
}

/* Cores of several kinds: when does the first and when the last of them finish? */
static double finish_spread(const char *name)
{
    struct weir_topo_machine *m = load_builtin(name);
    double least = 1e300, most = 0;
    if (m->kind_count > 1) {
        const struct weir_topo_units *cores = &m->units[WEIR_TOPO_SCOPE_CORE];
        struct weir_topo_demand *d = uneven(m, m->pu_count * 64, 60, 3);
        struct weir_topo_plan *p = plan_of(m, d);
        double *load = calloc(cores->count, sizeof *load);
        if (!load) abort();
        for (uint32_t i = 0; i < p->partition_count; i++)
            load[m->pus[p->pu_list[p->partitions[i].pu_first]].unit[WEIR_TOPO_SCOPE_CORE]] +=
                p->partitions[i].milli_cu;
        for (uint32_t c = 0; c < cores->count; c++) {
            double end = cores->capacity_milli_cu[c] ? load[c] / cores->capacity_milli_cu[c] : 0;
            if (cores->capacity_milli_cu[c] && end < least) least = end;
            if (end > most) most = end;
        }
        free(load);
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
    }
    weir_topo_machine_free(m);
    return most > 0 ? 100 * (most - least) / most : -1;
}

static int compare_double(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* One line of the list of bars; MET: is it kept? */
static void bar(bool met, const char *what, const char *result, const char *limit)
{
    printf("%-54s %-36s %-14s %s\n", what, result, limit, met ? "met" : "MISSED");
}

static void speed(const struct weir_topo_machine *m, uint32_t n, int rounds, double p50_ms,
                  double p99_ms)
{
    double *ms = calloc((size_t)rounds, sizeof *ms), gap = 0;
    char what[80], result[80], limit[40];
    if (!ms) abort();
    for (int k = 0; k < rounds; k++) {
        struct weir_topo_demand *d = uneven(m, n, 80, (uint64_t)k + 1);
        double start = now_ms();
        struct weir_topo_plan *p = plan_of(m, d);
        ms[k] = now_ms() - start;
        if (gap_of(p) > gap) gap = gap_of(p);
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
    }
    qsort(ms, (size_t)rounds, sizeof *ms, compare_double);
    double p50 = ms[rounds / 2], p99 = ms[rounds * 99 / 100];
    snprintf(what, sizeof what, "%u uneven partitions, %d demands: p50, p99", n, rounds);
    snprintf(result, sizeof result, "%.2f ms, %.2f ms (gap %.2f %%)", p50, p99, gap);
    snprintf(limit, sizeof limit, "%.0f, %.0f ms", p50_ms, p99_ms);
    bar(p50 <= p50_ms && p99 <= p99_ms, what, result, limit);
    free(ms);
}

/* One partition more and one less, on a plan of 10,000. */
static void speed_resize(const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d = uneven(m, 10000, 80, 1);
    struct weir_topo_plan *p = plan_of(m, d), *before = p;
    struct weir_topo_error err;
    double us[1000];
    char result[80];
    for (int k = 0; k < 1000; k += 2) { /* a stream grows, then it shrinks */
        uint32_t stream = (uint32_t)k * 37 % 9000;
        while (p->streams[stream].milli_cu > 300)
            stream++; /* one that fits beside others on a core */
        for (int more = 1; more >= 0; more--) {
            double start = now_ms();
            if (weir_topo_plan_resize(&p, stream, more ? 2 : 1, &err)) abort();
            us[k + 1 - more] = (now_ms() - start) * 1000;
        }
    }
    qsort(us, 1000, sizeof *us, compare_double);
    snprintf(result, sizeof result, "%.0f us, %.0f us%s", us[500], us[990],
             p == before ? "" : " (some anew)");
    bar(us[990] <= 100, "one partition more or less of 10000: p50, p99", result, "100 us");
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
}

static void speed_rest(const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d;
    struct weir_topo_error err;
    struct weir_topo_text t = {0};
    char result[80];
    if (weir_topo_demand_parse_streams("a:100000,cpu=0.03,memory=100MiB", &d, &err)) abort();
    double start = now_ms();
    struct weir_topo_plan *p = plan_of(m, d);
    double took = now_ms() - start;
    snprintf(result, sizeof result, "%.2f ms", took);
    bar(took <= 100, "100000 equal partitions", result, "100 ms");
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    if (weir_topo_demand_parse_streams("a:9000,cpu=0.3,ratio=1:4;x:40,mode=exclusive,scope=l3;g:8,"
                                       "device=require,mode=exclusive",
                                       &d, &err))
        abort();
    p = plan_of(m, d);
    start = now_ms();
    if (weir_topo_plan_svg(p, &t, &err)) abort();
    took = now_ms() - start;
    snprintf(result, sizeof result, "%.2f ms, %zu KiB", took, t.length / 1024);
    bar(took <= 50 && t.length <= 2 << 20, "picture of 4096 PUs with 9048 partitions", result,
        "50 ms, 2 MiB");
    weir_topo_text_free(&t);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
}

static void quality(const struct worst *worst)
{
    char result[80];
    const char *name;
    double spread = 0;
    snprintf(result, sizeof result, "%.2f %%", worst->gap);
    bar(worst->gap <= 2, "load above its bound, 4 partitions per PU, worst", result, "2 %");
    snprintf(result, sizeof result, "%.2f %%", worst->remote);
    bar(worst->remote <= 1, "remote bytes above the least, memory 98 % full, worst", result, "1 %");
    for (uint32_t k = 0; (name = weir_topo_builtin_name(k)); k++) {
        double now = finish_spread(name);
        if (now > spread) spread = now;
    }
    snprintf(result, sizeof result, "%.2f %%", spread);
    bar(spread <= 2, "hybrid cores: first to last finishes within, worst", result, "2 %");
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && !strcmp(argv[1], "--quick");
    struct worst worst = {0};
    const char *name;
    printf("%-18s %5s %6s  %14s  %14s  %14s  %14s  %7s\n", "machine", "PUs", "parts", "weir",
           "bound", "hwloc_distrib", "equal shards", "worst");
    printf("%-18s %5s %6s", "", "", "");
    for (int k = 0; k < 4; k++) printf("  %6s %7s", "load", "remote");
    printf("  %7s  %9s\n", "gap", "time");
    for (uint32_t k = 0; (name = weir_topo_builtin_name(k)); k++) compare_machine(name, &worst);
    printf("\n%-54s %-36s %-14s\n", "bar", "measured", "limit");
    quality(&worst);
    struct weir_topo_machine *m = load_builtin("pus-4096");
    speed(m, 10000, quick ? 5 : 200, 5, 20);
    speed(m, 100000, quick ? 1 : 10, 100, 100);
    speed_resize(m);
    speed_rest(m);
    weir_topo_machine_free(m);
    return 0;
}
