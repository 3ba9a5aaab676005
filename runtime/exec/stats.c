/* Statistics and traces as JSON. */
#include "runtime/exec/stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t weir_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int weir_stats_init(struct weir_stats *s, int n_stages)
{
    memset(s, 0, sizeof *s);
    s->stage = weir_calloc((size_t)n_stages, sizeof *s->stage);
    if (!s->stage) return WEIR_ERR_NOMEM;
    s->n_stages = n_stages;
    return WEIR_OK;
}

void weir_stats_release(struct weir_stats *s)
{
    weir_free(s->stage);
    memset(s, 0, sizeof *s);
}

void weir_stats_fallback(struct weir_stage_stats *s, const char *reason, uint64_t batches)
{
    for (int i = 0; i < s->n_fallbacks; i++) {
        if (strcmp(s->fallback[i].reason, reason)) continue;
        s->fallback[i].batches += batches;
        return;
    }
    int at = s->n_fallbacks < WEIR_STATS_REASONS ? s->n_fallbacks++ : WEIR_STATS_REASONS - 1;
    if (at == WEIR_STATS_REASONS - 1 && s->fallback[at].batches) reason = "other reasons";
    snprintf(s->fallback[at].reason, sizeof s->fallback[at].reason, "%s", reason);
    s->fallback[at].batches += batches;
}

static void text(struct weir_buf *out, const char *key, const char *value)
{
    weir_buf_printf(out, "\"%s\": ", key);
    weir_buf_json(out, value, strlen(value));
}

static void stage_json(const struct weir_stage_stats *s, struct weir_buf *out)
{
    weir_buf_puts(out, "    {");
    text(out, "operator", s->what);
    weir_buf_printf(out,
                    ", \"rows_in\": %" PRIu64 ", \"rows_out\": %" PRIu64 ", \"wall_ms\": %.3f, ",
                    s->rows_in, s->rows_out, (double)s->wall_ns / 1e6);
    text(out, "note", s->note);
    weir_buf_puts(out, ",\n     \"backends\": [");
    for (int i = 0; i < s->n_by; i++) {
        weir_buf_puts(out, i ? ", {" : "{");
        text(out, "backend", s->by[i].backend);
        weir_buf_puts(out, ", ");
        text(out, "device", s->by[i].device);
        weir_buf_printf(out,
                        ", \"rows\": %" PRIu64 ", \"batches\": %" PRIu64
                        ", \"busy_ms\": %.3f, \"transfer_ms\": %.3f, \"transfer_bytes\": %" PRIu64
                        "}",
                        s->by[i].rows, s->by[i].batches, (double)s->by[i].busy_ns / 1e6,
                        (double)s->by[i].transfer_ns / 1e6, s->by[i].transfer_bytes);
    }
    weir_buf_puts(out, "],\n     \"fallbacks\": [");
    for (int i = 0; i < s->n_fallbacks; i++) {
        weir_buf_puts(out, i ? ", {" : "{");
        text(out, "reason", s->fallback[i].reason);
        weir_buf_printf(out, ", \"batches\": %" PRIu64 "}", s->fallback[i].batches);
    }
    weir_buf_puts(out, "]}");
}

void weir_stats_json(const struct weir_stats *s, struct weir_buf *out)
{
    weir_buf_printf(out,
                    "{\"schema\": 1, \"rows_in\": %" PRIu64 ", \"rows_out\": %" PRIu64
                    ", \"rows_skipped\": %" PRIu64 ", \"rows_dropped\": %" PRIu64
                    ", \"late_rows\": %" PRIu64 ", \"wall_ms\": %.3f, \"peak_bytes\": %" PRIu64
                    ", \"slots\": %d,\n \"stages\": [\n",
                    s->rows_in, s->rows_out, s->rows_skipped, s->rows_dropped, s->late_rows,
                    (double)s->wall_ns / 1e6, s->peak_bytes, s->n_slots);
    for (int i = 0; i < s->n_stages; i++) {
        stage_json(&s->stage[i], out);
        weir_buf_puts(out, i + 1 < s->n_stages ? ",\n" : "\n");
    }
    weir_buf_puts(out, " ]");
    if (s->placement) weir_buf_printf(out, ",\n \"placement\": %s", s->placement);
    weir_buf_putc(out, '}');
}

/* ---- trace ---- */

struct span {
    char name[64], category[24];
    int slot;
    uint64_t start, end, rows;
};

struct weir_trace {
    pthread_mutex_t mutex;
    struct span *span;
    size_t n, cap;
    uint64_t origin, dropped;
};

struct weir_trace *weir_trace_new(void)
{
    struct weir_trace *t = weir_calloc(1, sizeof *t);
    if (!t) return NULL;
    pthread_mutex_init(&t->mutex, NULL);
    t->origin = weir_now_ns();
    return t;
}

void weir_trace_free(struct weir_trace *t)
{
    if (!t) return;
    pthread_mutex_destroy(&t->mutex);
    weir_free(t->span);
    weir_free(t);
}

void weir_trace_span(struct weir_trace *t, int slot, const char *name, const char *category,
                     uint64_t start_ns, uint64_t end_ns, uint64_t rows)
{
    if (!t) return;
    pthread_mutex_lock(&t->mutex);
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 1024;
        struct span *p = weir_realloc(t->span, cap * sizeof *p);
        if (p) {
            t->span = p;
            t->cap = cap;
        }
    }
    if (t->n < t->cap) {
        struct span *s = &t->span[t->n++];
        *s = (struct span){.slot = slot, .start = start_ns, .end = end_ns, .rows = rows};
        snprintf(s->name, sizeof s->name, "%s", name);
        snprintf(s->category, sizeof s->category, "%s", category);
    } else {
        t->dropped++;
    }
    pthread_mutex_unlock(&t->mutex);
}

void weir_trace_json(const struct weir_trace *t, struct weir_buf *out)
{
    int pid = (int)getpid(), slots = -1;
    weir_buf_puts(out, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n");
    for (size_t i = 0; i < t->n; i++) {
        const struct span *s = &t->span[i];
        if (s->slot > slots) slots = s->slot;
        weir_buf_puts(out, " {\"ph\": \"X\", \"name\": ");
        weir_buf_json(out, s->name, strlen(s->name));
        weir_buf_printf(out,
                        ", \"cat\": \"%s\", \"pid\": %d, \"tid\": %d, \"ts\": %.3f, \"dur\": %.3f, "
                        "\"args\": {\"rows\": %" PRIu64 "}},\n",
                        s->category, pid, s->slot, (double)(s->start - t->origin) / 1e3,
                        (double)(s->end - s->start) / 1e3, s->rows);
    }
    for (int i = 0; i <= slots; i++)
        weir_buf_printf(out,
                        " {\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": %d, \"tid\": %d, "
                        "\"args\": {\"name\": \"slot %d\"}},\n",
                        pid, i, i);
    weir_buf_printf(
        out,
        " {\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, \"args\": {\"name\": "
        "\"weir\"}}\n], \"droppedSpans\": %" PRIu64 "}\n",
        pid, t->dropped);
}
