#include "base/ledger.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"

struct ta_ledger_row {
    char kind[16], name[64];
    _Atomic int64_t wall_ns, cpu_ns, count, bytes;
    struct ta_ledger_row *next;
};

struct span {
    char name[32], lane[24];
    double begin, end;
};

struct ta_ledger {
    pthread_mutex_t lock; // guards the list of rows (not what is in them), and the spans
    struct ta_ledger_row *first, **last;
    struct span *spans;
    int span_count, span_room;
    int64_t spans_lost;
    double began;
};

int ta_ledger_create(struct ta_ledger **out)
{
    struct ta_ledger *l = *out = ta_xcalloc(1, sizeof *l);
    l->last = &l->first;
    l->began = ta_clock_seconds();
    if (pthread_mutex_init(&l->lock, NULL)) {
        ta_freep(out);
        return TA_ERR_NOMEM;
    }
    return 0;
}

void ta_ledger_destroy(struct ta_ledger **ledger)
{
    struct ta_ledger *l = *ledger;
    *ledger = NULL;
    if (!l)
        return;
    for (struct ta_ledger_row *r = l->first, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    free(l->spans);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

struct ta_ledger_row *ta_ledger_row(struct ta_ledger *l, const char *kind, const char *name)
{
    struct ta_ledger_row *r = NULL;
    if (!l)
        return NULL;
    pthread_mutex_lock(&l->lock);
    for (r = l->first; r && (strcmp(r->kind, kind) != 0 || strcmp(r->name, name) != 0); r = r->next)
        continue;
    if (!r) {
        r = ta_xcalloc(1, sizeof *r);
        snprintf(r->kind, sizeof r->kind, "%s", kind);
        snprintf(r->name, sizeof r->name, "%s", name);
        *l->last = r;
        l->last = &r->next;
    }
    pthread_mutex_unlock(&l->lock);
    return r;
}

void ta_ledger_add(struct ta_ledger_row *row, double wall, double cpu, int64_t count, int64_t bytes)
{
    if (!row)
        return;
    atomic_fetch_add_explicit(&row->wall_ns, (int64_t)(wall * 1e9), memory_order_relaxed);
    atomic_fetch_add_explicit(&row->cpu_ns, (int64_t)(cpu * 1e9), memory_order_relaxed);
    atomic_fetch_add_explicit(&row->count, count, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->bytes, bytes, memory_order_relaxed);
}

struct ta_ledger_sum ta_ledger_sum(const struct ta_ledger_row *row)
{
    return row ? (struct ta_ledger_sum){(double)atomic_load(&row->wall_ns) * 1e-9,
                                        (double)atomic_load(&row->cpu_ns) * 1e-9, atomic_load(&row->count),
                                        atomic_load(&row->bytes)}
               : (struct ta_ledger_sum){0};
}

struct ta_ledger_sum ta_ledger_sum_of(struct ta_ledger *l, const char *kind, const char *prefix)
{
    struct ta_ledger_sum all = {0};
    if (!l)
        return all;
    pthread_mutex_lock(&l->lock);
    for (const struct ta_ledger_row *r = l->first; r; r = r->next)
        if (!strcmp(r->kind, kind) && !strncmp(r->name, prefix, strlen(prefix))) {
            struct ta_ledger_sum one = ta_ledger_sum(r);
            all.wall += one.wall;
            all.cpu += one.cpu;
            all.count += one.count;
            all.bytes += one.bytes;
        }
    pthread_mutex_unlock(&l->lock);
    return all;
}

void ta_ledger_keep_spans(struct ta_ledger *l, int most)
{
    pthread_mutex_lock(&l->lock);
    if (!l->spans) {
        l->spans = ta_xcalloc((size_t)most, sizeof *l->spans);
        l->span_room = most;
    }
    pthread_mutex_unlock(&l->lock);
}

void ta_ledger_span(struct ta_ledger *l, const char *name, double begin, double end)
{
    if (!l || !l->span_room) // set before threads are started
        return;
    char thread[16] = "";
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    pthread_mutex_lock(&l->lock);
    if (l->span_count < l->span_room) {
        struct span *s = &l->spans[l->span_count++];
        snprintf(s->name, sizeof s->name, "%s", name);
        snprintf(s->lane, sizeof s->lane, "%.12s %ld", thread, (long)syscall(SYS_gettid));
        s->begin = begin - l->began;
        s->end = end - l->began;
    } else {
        l->spans_lost++;
    }
    pthread_mutex_unlock(&l->lock);
}

// perf-ok(long-critical-section): once, when a run has ended
json_t *ta_ledger_json(struct ta_ledger *l)
{
    json_t *rows = json_array(), *spans = json_array();
    pthread_mutex_lock(&l->lock);
    for (const struct ta_ledger_row *r = l->first; r; r = r->next) {
        struct ta_ledger_sum s = ta_ledger_sum(r);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f, s:I, s:I}", "kind", r->kind, "name",
                                              r->name, "wall", s.wall, "cpu", s.cpu, "count",
                                              (json_int_t)s.count, "bytes", (json_int_t)s.bytes));
    }
    for (int i = 0; i < l->span_count; i++)
        json_array_append_new(spans, json_pack("{s:s, s:s, s:f, s:f}", "name", l->spans[i].name, "lane",
                                               l->spans[i].lane, "begin", l->spans[i].begin, "end",
                                               l->spans[i].end));
    json_t *o = json_pack("{s:o, s:o, s:I}", "rows", rows, "spans", spans, "spans_lost",
                          (json_int_t)l->spans_lost);
    pthread_mutex_unlock(&l->lock);
    return o;
}

struct ta_lap ta_lap_now(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (struct ta_lap){ta_clock_seconds(), (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9};
}

void ta_ledger_lock(struct ta_ledger_row *row, pthread_mutex_t *mutex)
{
    if (!row) {
        pthread_mutex_lock(mutex);
    } else if (pthread_mutex_trylock(mutex) != 0) {
        double began = ta_clock_seconds();
        pthread_mutex_lock(mutex);
        ta_ledger_add(row, ta_clock_seconds() - began, 0, 1, 0);
    }
}
