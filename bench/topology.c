/* The planner beside hwloc_distrib, an equal-share allocator and the lower bounds, on every shipped
   machine; then the speed on 4096 PUs. Everything is measured in this run. usage: bench_topology
   [--quick]

   Load: largest load of a core ÷ what perfect division would give (1.00 is perfect). hwloc_distrib
   spreads partitions over PUs by count; it takes weights of nothing. Equal share gives every core
   one shard in turn and every domain the same bytes, as per-core sharded engines do. Remote: bytes
   that do not fit into the nodes local to where the CPUs are, in percent of all. */
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
        if (!m->pools[p].huge && m->pools[p].tier == WEIR_TOPO_TIER_DRAM)
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

/* Score any assignment of partition -> PU with memory drawn from local pools first. */
static struct result score(const struct weir_topo_machine *m, const struct weir_topo_demand *d,
                           const uint32_t *pu)
{
    const struct weir_topo_units *cores = &m->units[WEIR_TOPO_SCOPE_CORE];
    double *load = calloc(cores->count, sizeof *load), total = 0, worst = 0;
    uint64_t *need = calloc(m->domain_count, sizeof *need),
             *left = calloc(m->pool_count, sizeof *left), bytes = 0, remote = 0;
    if (!load || !need || !left) abort();
    for (uint32_t i = 0; i < d->stream_count; i++) {
        load[m->pus[pu[i]].unit[WEIR_TOPO_SCOPE_CORE]] += d->streams[i].milli_cu;
        need[m->pus[pu[i]].unit[WEIR_TOPO_SCOPE_NUMA]] += d->streams[i].bytes;
        total += d->streams[i].milli_cu;
        bytes += d->streams[i].bytes;
    }
    for (uint32_t c = 0; c < cores->count; c++)
        if (cores->capacity_milli_cu[c] && load[c] / cores->capacity_milli_cu[c] > worst)
            worst = load[c] / cores->capacity_milli_cu[c];
    for (uint32_t p = 0; p < m->pool_count; p++) left[p] = m->pools[p].usable_bytes;
    for (uint32_t k = 0; k < m->domain_count; k++) {
        for (uint32_t p = 0; p < m->pool_count && need[k]; p++) {
            if (!m->local[(size_t)k * m->pool_count + p] || m->pools[p].huge ||
                m->pools[p].tier == WEIR_TOPO_TIER_GPU)
                continue;
            uint64_t take = need[k] < left[p] ? need[k] : left[p];
            left[p] -= take;
            need[k] -= take;
        }
        remote += need[k];
    }
    struct result r = {worst / (total / (double)m->capacity_milli_cu),
                       bytes ? 100.0 * (double)remote / (double)bytes : 0};
    free(load);
    free(need);
    free(left);
    return r;
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

static int compare_machine(const char *name, double *worst_gap, double *worst_remote)
{
    char source[128];
    snprintf(source, sizeof source, "builtin:%s", name);
    struct weir_topo_machine_options o = {.source = source};
    struct weir_topo_machine *m;
    struct weir_topo_plan *p;
    struct weir_topo_error err;
    if (weir_topo_machine_load(&o, &m, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    uint32_t n = m->pu_count * 4;
    struct weir_topo_demand *d = uneven(m, n, 85, 7);
    uint32_t *pu = calloc(n, sizeof *pu);
    if (!pu) abort();
    double start = now_ms();
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) {
        fprintf(stderr, "%s: %s\n", name, err.message);
        return 1;
    }
    double took = now_ms() - start;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) total += d->streams[i].milli_cu;
    double perfect = (double)total / (double)m->capacity_milli_cu * 1e6;
    struct result ours = {(double)p->totals.load_max_ppm / perfect, 0}, hwloc = {0}, turn;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += p->partitions[i].bytes;
    ours.remote_percent = bytes ? 100.0 * (double)p->totals.remote_bytes / (double)bytes : 0;
    double gap =
        p->totals.load_bound_ppm
            ? 100.0 * ((double)p->totals.load_max_ppm / (double)p->totals.load_bound_ppm - 1)
            : 0;
    printf("%-18s %6u %7u", name, m->pu_count, n);
    cell(&ours);
    if (by_hwloc(m, d, pu)) {
        hwloc = score(m, d, pu);
        cell(&hwloc);
    } else {
        printf("  %15s", "fails");
    }
    by_turn(m, d, pu);
    turn = score(m, d, pu);
    cell(&turn);
    printf("  %6.2f%%  %7.2f ms\n", gap, took);
    if (gap > *worst_gap) *worst_gap = gap;
    if (ours.remote_percent > *worst_remote) *worst_remote = ours.remote_percent;
    free(pu);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    weir_topo_machine_free(m);
    return 0;
}

static int compare_double(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void speed(const struct weir_topo_machine *m, uint32_t n, int rounds, const char *bar)
{
    double *ms = calloc((size_t)rounds, sizeof *ms);
    struct weir_topo_error err = {0};
    if (!ms) abort();
    uint64_t gap = 0;
    for (int k = 0; k < rounds; k++) {
        struct weir_topo_demand *d = uneven(m, n, 80, (uint64_t)k + 1);
        struct weir_topo_plan *p;
        double start = now_ms();
        if (weir_topo_plan_make(m, d, NULL, &p, &err)) {
            printf("  %s\n", err.message);
            abort();
        }
        ms[k] = now_ms() - start;
        gap =
            (p->totals.load_max_ppm - p->totals.load_bound_ppm) * 10000 / p->totals.load_bound_ppm;
        weir_topo_plan_free(p);
        weir_topo_demand_free(d);
    }
    qsort(ms, (size_t)rounds, sizeof *ms, compare_double);
    printf("%7u uneven partitions: p50 %.2f ms, p99 %.2f ms, load gap %" PRIu64 ".%02" PRIu64
           " %%   (bar: %s)\n",
           n, ms[rounds / 2], ms[rounds * 99 / 100], gap / 100, gap % 100, bar);
    free(ms);
}

/* One partition more and one less, on a plan of 10,000. */
static void speed_resize(const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d = uneven(m, 10000, 80, 1);
    struct weir_topo_plan *p, *before;
    struct weir_topo_error err;
    double us[200];
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) abort();
    before = p;
    for (int k = 0; k < 200; k++) {
        uint32_t stream = (uint32_t)k * 37 % 9000;
        while (p->streams[stream].milli_cu > 300)
            stream++; /* one that fits beside others on a core */
        double start = now_ms();
        if (weir_topo_plan_resize(&p, stream, k % 2 ? 1 : 2, &err)) abort();
        us[k] = (now_ms() - start) * 1000;
        if (k % 2 == 0) { /* the same stream shrinks next */
            start = now_ms();
            if (weir_topo_plan_resize(&p, stream, 1, &err)) abort();
            us[++k] = (now_ms() - start) * 1000;
        }
    }
    qsort(us, 200, sizeof *us, compare_double);
    printf("one partition more or less of 10000: p50 %.0f us, p99 %.0f us%s   (bar: 100 us)\n",
           us[100], us[198], p == before ? "" : " (some planned anew)");
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
}

static void speed_rest(const struct weir_topo_machine *m)
{
    struct weir_topo_demand *d;
    struct weir_topo_plan *p;
    struct weir_topo_error err;
    struct weir_topo_text t = {0};
    if (weir_topo_demand_parse_streams("a:100000,cpu=0.03,memory=100MiB", &d, &err)) abort();
    double start = now_ms();
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) abort();
    printf(" 100000 equal partitions: %.2f ms   (bar: 100 ms)\n", now_ms() - start);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
    if (weir_topo_demand_parse_streams("a:9000,cpu=0.3,ratio=1:4;x:40,mode=exclusive,scope=l3;g:8,"
                                       "device=require,mode=exclusive",
                                       &d, &err))
        abort();
    if (weir_topo_plan_make(m, d, NULL, &p, &err)) abort();
    start = now_ms();
    if (weir_topo_plan_svg(p, &t, &err)) abort();
    printf("picture of 4096 PUs with 9048 partitions: %.2f ms, %zu KiB   (bar: 50 ms, 2 MiB)\n",
           now_ms() - start, t.length / 1024);
    weir_topo_text_free(&t);
    weir_topo_plan_free(p);
    weir_topo_demand_free(d);
}

int main(int argc, char **argv)
{
    bool quick = argc > 1 && !strcmp(argv[1], "--quick");
    double worst_gap = 0, worst_remote = 0;
    printf("%-18s %6s %7s  %15s  %15s  %15s  %7s  %10s\n", "machine", "PUs", "parts", "weir",
           "hwloc_distrib", "per-core shards", "gap", "time");
    const char *name;
    for (uint32_t k = 0; (name = weir_topo_builtin_name(k)); k++)
        if (compare_machine(name, &worst_gap, &worst_remote)) return 1;
    printf("worst gap to the lower bound %.2f %%, worst remote %.2f %%\n\n", worst_gap,
           worst_remote);
    struct weir_topo_machine_options o = {.source = "builtin:pus-4096"};
    struct weir_topo_machine *m;
    struct weir_topo_error err;
    if (weir_topo_machine_load(&o, &m, &err)) return 1;
    speed(m, 10000, quick ? 5 : 100, "5 ms, 20 ms");
    speed(m, 100000, quick ? 1 : 5, "100 ms");
    speed_resize(m);
    speed_rest(m);
    weir_topo_machine_free(m);
    return 0;
}
