// What the numbers of a profile say, by rules: each has a threshold, and names the figures that it looked at.
// Where a figure is missing, nothing is said.
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/profile.h"

struct look {
    json_t *module;
    const json_t *before; // the same module of an earlier report; NULL
    double cores;
    json_t *findings;
};

static double number(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void tell(struct look *l, const char *rule, const char *severity, double value, double limit,
                 json_t *evidence, const char *format, ...) __attribute__((format(printf, 7, 8)));

static void tell(struct look *l, const char *rule, const char *severity, double value, double limit,
                 json_t *evidence, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    json_array_append_new(l->findings,
                          json_pack("{s:s, s:s, s:s, s:f, s:f, s:o}", "rule", rule, "severity", severity,
                                    "text", text, "value", value, "limit", limit, "evidence", evidence));
    free(text);
}

// Sum of a figure over the rows of a kind; `name` NULL: all of them.
static double rows(const struct look *l, const char *kind, const char *name, const char *figure)
{
    const json_t *list = json_object_get(json_object_get(l->module, "ledger"), "rows"), *row;
    double sum = 0;
    size_t i;
    json_array_foreach(list, i, row) if (!strcmp(ta_json_member_text(row, "kind"), kind) &&
                                         (!name || !strcmp(ta_json_member_text(row, "name"), name)))
        sum += number(row, figure);
    return sum;
}

static double cpu(const json_t *module)
{
    return number(module, "user") + number(module, "system");
}

// ---- rules ----

static void largest_stage(struct look *l)
{
    const json_t *list = json_object_get(json_object_get(l->module, "ledger"), "rows"), *row, *most = NULL;
    double all = rows(l, "stage", NULL, "wall"), limit = 0.4;
    size_t i;
    json_array_foreach(list, i, row) if (!strcmp(ta_json_member_text(row, "kind"), "stage") &&
                                         (!most || number(row, "wall") > number(most, "wall"))) most = row;
    if (most && all > 0.05 && number(most, "wall") / all > limit)
        tell(
            l, "largest-stage", "note", number(most, "wall") / all, limit,
            json_pack("{s:s, s:f, s:f}", "stage", ta_json_member_text(most, "name"), "seconds",
                      number(most, "wall"), "all_stages", all),
            "%s takes %.0f %% of the time of all stages (%.2f of %.2f s): what makes it faster makes all faster",
            ta_json_member_text(most, "name"), 100 * number(most, "wall") / all, number(most, "wall"), all);
}

static void waits_for_chain(struct look *l)
{
    double wall = number(l->module, "wall"), empty = rows(l, "wait", "restored empty", "wall"),
           full = rows(l, "wait", "restored full", "wall"), limit = 0.3;
    if (empty / wall > limit && empty > full)
        tell(l, "encoder-waits", "note", empty / wall, limit,
             json_pack("{s:f, s:f, s:f}", "restored_empty", empty, "restored_full", full, "wall", wall),
             "the encoder waited %.2f s of %.2f s for pictures: the stages before it set the pace", empty,
             wall);
    if (full / wall > limit && full > empty)
        tell(
            l, "chain-waits", "note", full / wall, limit,
            json_pack("{s:f, s:f, s:f}", "restored_full", full, "restored_empty", empty, "wall", wall),
            "the stages waited %.2f s of %.2f s for the encoder: it sets the pace, and a quicker --preset-speed "
            "helps",
            full, wall);
}

static void idle_cores(struct look *l)
{
    double used = cpu(l->module) / number(l->module, "wall"), limit = 0.6 * l->cores;
    bool works = rows(l, "stage", "encode", "count") > 0; // others wait for clients by nature
    if (works && l->cores > 1 && number(l->module, "wall") > 1 && used < limit)
        tell(l, "idle-cores", "warning", used, limit,
             json_pack("{s:f, s:f, s:f}", "cpu", cpu(l->module), "wall", number(l->module, "wall"), "cores",
                       l->cores),
             "%.1f of %.0f cores were at work: other programs, the disk, or too few segments at once", used,
             l->cores);
}

static void system_time(struct look *l)
{
    double share = number(l->module, "system") / cpu(l->module), limit = 0.25;
    if (cpu(l->module) > 0.2 && share > limit)
        tell(l, "system-time", "warning", share, limit,
             json_pack("{s:f, s:f}", "system", number(l->module, "system"), "cpu", cpu(l->module)),
             "%.0f %% of the processor time is the system's: many small reads, writes, waits or page faults",
             100 * share);
}

static void lock_waits(struct look *l)
{
    double waited = rows(l, "lock", NULL, "wall"),
           threads = number(json_object_get(l->module, "facts"), "workers") +
                     number(json_object_get(l->module, "facts"), "readers");
    double limit = 0.1, share = waited / (number(l->module, "wall") * threads);
    if (share > limit)
        tell(l, "lock-waits", "warning", share, limit,
             json_pack("{s:f, s:f, s:f}", "waited", waited, "threads", threads, "wall",
                       number(l->module, "wall")),
             "threads waited for locks %.0f %% of their time", 100 * share);
}

static void memory(struct look *l)
{
    double mb = number(l->module, "peak_rss") / 1e6,
           limit = !strcmp(ta_json_member_text(l->module, "module"), "audio_processing") ? 1200 : 600;
    if (mb > limit)
        tell(l, "memory", "warning", mb, limit, json_pack("{s:f}", "peak_rss_mb", mb),
             "%.0f MB of memory at most; the aim is %.0f", mb, limit);
}

static void written_again(struct look *l)
{
    double out = number(l->module, "output_bytes"), written = number(l->module, "written"), limit = 5;
    if (out > 1e6 && written / out > limit)
        tell(l, "written-again", "warning", written / out, limit,
             json_pack("{s:f, s:f}", "written", written, "output", out),
             "%.1f bytes were written for each byte of the result: files between passes?", written / out);
}

static void page_faults(struct look *l)
{
    double faults = number(l->module, "major_faults"), limit = 100;
    if (faults > limit)
        tell(l, "page-faults", "warning", faults, limit, json_pack("{s:f}", "major_faults", faults),
             "%.0f pages had to be read from the disk: memory is short, or programs were not in it yet",
             faults);
}

static void allocations(struct look *l)
{
    double count = number(json_object_get(l->module, "allocations"), "count"),
           items = number(l->module, "items"), limit = 500;
    if (!strcmp(ta_json_member_text(l->module, "unit"), "frames") && items > 100 && count / items > limit)
        tell(l, "allocations", "note", count / items, limit,
             json_pack("{s:f, s:f}", "allocations", count, "frames", items), "%.0f allocations a frame",
             count / items);
}

static void models(struct look *l)
{
    const json_t *n = json_object_get(json_object_get(l->module, "facts"), "networks");
    double loads = number(n, "loads"), misses = number(n, "misses"), limit = 1;
    if (loads > limit && number(n, "hits") + misses > loads)
        tell(l, "loaded-again", "warning", loads, limit, json_incref((json_t *)n),
             "a network was loaded %.0f times", loads);
}

static void compare(struct look *l)
{
    static const struct {
        const char *figure, *what;
        double limit;
    } figures[] = {
        {"wall", "time by the clock", 1.2}, {"cpu", "processor time", 1.2}, {"peak_rss", "memory", 1.5}};
    if (!l->before)
        return;
    json_t *changes = json_object();
    for (size_t i = 0; i < TA_COUNT(figures); i++) {
        bool is_cpu = !strcmp(figures[i].figure, "cpu");
        double now = is_cpu ? cpu(l->module) : number(l->module, figures[i].figure),
               then = is_cpu ? cpu(l->before) : number(l->before, figures[i].figure), ratio = now / then;
        // Another amount of work is compared by the piece, but for memory.
        if (strcmp(figures[i].figure, "peak_rss") != 0)
            ratio *= number(l->before, "items") / number(l->module, "items");
        if (!isfinite(ratio))
            continue;
        json_object_set_new(changes, figures[i].figure, json_real(ratio));
        if (ratio > figures[i].limit)
            tell(l, "slower-than-before", "warning", ratio, figures[i].limit,
                 json_pack("{s:f, s:f}", "now", now, "before", then),
                 "%s is %.2f times that of the report of before", figures[i].what, ratio);
    }
    json_object_set_new(l->module, "against_before", changes);
}

static void (*const rules[])(struct look *) = {largest_stage, waits_for_chain, idle_cores,    system_time,
                                               lock_waits,    memory,          written_again, page_faults,
                                               allocations,   models,          compare};

void ta_profile_judge(json_t *report, const json_t *before)
{
    json_t *module;
    size_t i, j;
    json_array_foreach(json_object_get(report, "modules"), i, module)
    {
        struct look l = {.module = module,
                         .cores = number(json_object_get(report, "machine"), "cores"),
                         .findings = json_array()};
        const json_t *other;
        json_array_foreach(json_object_get(before, "modules"), j,
                           other) if (!strcmp(ta_json_member_text(other, "module"),
                                              ta_json_member_text(module, "module"))) l.before = other;
        for (size_t r = 0; r < TA_COUNT(rules); r++)
            rules[r](&l);
        json_object_set_new(module, "findings", l.findings);
    }
}
