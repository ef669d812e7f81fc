#include "perf/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "perf/profile.h"

static double number(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

// Text inside a table: bars and line ends would break it.
static void append_cell(struct ta_buf *out, const char *text)
{
    ta_buf_puts(out, " ");
    for (; *text; text++)
        ta_buf_putc(out, *text == '|' || *text == '\n' ? ' ' : *text);
    ta_buf_puts(out, " |");
}

static void append_figures(const json_t *figures, struct ta_buf *out)
{
    const json_t *row;
    size_t i;
    ta_buf_puts(out, "\n## Key figures\n\n");
    if (!json_is_array(json_object_get(figures, "rows"))) {
        ta_buf_puts(
            out,
            "Not measured yet: `bench/kpi.py --json kpi.json` makes them, `--figures kpi.json` puts them here.\n");
        return;
    }
    ta_buf_puts(
        out,
        "| what | the seed's claim | before, here | now, here | ratio | holds |\n|---|---|---|---|---|---|\n");
    json_array_foreach(json_object_get(figures, "rows"), i, row)
    {
        static const char *const keys[] = {"what", "seed", "before", "now", "ratio"};
        const json_t *holds = json_object_get(row, "holds");
        ta_buf_puts(out, "|");
        for (size_t k = 0; k < TA_COUNT(keys); k++)
            append_cell(out, ta_json_member_text(row, keys[k]));
        ta_buf_puts(out, json_is_true(holds) ? " yes |\n" : json_is_false(holds) ? " **no** |\n" : " |\n");
    }
}

static void append_findings(const json_t *profile, struct ta_buf *out)
{
    const json_t *m, *f;
    size_t i, j;
    int count = 0;
    ta_buf_puts(out, "\n## Findings\n\n");
    json_array_foreach(json_object_get(profile, "modules"), i, m)
        json_array_foreach(json_object_get(m, "findings"), j, f)
    {
        char *evidence = json_dumps(json_object_get(f, "evidence"), JSON_COMPACT | JSON_REAL_PRECISION(4));
        ta_buf_printf(out, "%d. **%s, %s**: %s. (%.3g beyond %.3g; `%s`)\n", ++count,
                      ta_json_member_text(m, "module"), ta_json_member_text(f, "severity"),
                      ta_json_member_text(f, "text"), number(f, "value"), number(f, "limit"), evidence);
        free(evidence);
    }
    if (!profile)
        ta_buf_puts(out, "No profile was given: `terminalai perf profile -o profile.json` makes one.\n");
    else if (!count)
        ta_buf_puts(out, "None that the numbers support.\n");
}

// How busy devices were, of the parts that had one to ask.
static void append_device(const json_t *profile, struct ta_buf *out)
{
    const json_t *m;
    size_t i;
    int count = 0;
    json_array_foreach(json_object_get(profile, "modules"), i, m)
    {
        double busy = number(m, "gpu_utilization_percent");
        if (!isnan(busy))
            ta_buf_printf(out, "%s%s %.0f %%",
                          count++ ? ", " : "\nBusy share of the device: ", ta_json_member_text(m, "module"),
                          busy);
    }
    ta_buf_puts(out,
                count ? ".\n"
                      : "\nOn a device: nothing was measured, there is none (or nothing here can ask it).\n");
}

static void append_parts(const json_t *profile, struct ta_buf *out)
{
    const json_t *m;
    size_t i;
    if (!profile)
        return;
    ta_buf_puts(out,
                "\n## Parts\n\n| part | seconds | processor | memory, MB | done | a second | allocations |\n"
                "|---|---|---|---|---|---|---|\n");
    json_array_foreach(json_object_get(profile, "modules"), i, m)
    {
        double count = number(json_object_get(m, "allocations"), "count");
        ta_buf_printf(out, "| %s | %.2f | %.2f | %.0f | %.0f %s | %.1f | ", ta_json_member_text(m, "module"),
                      number(m, "wall"), number(m, "user") + number(m, "system"), number(m, "peak_rss") / 1e6,
                      number(m, "items"), ta_json_member_text(m, "unit"), number(m, "items_a_second"));
        ta_buf_printf(out, isnan(count) ? "not counted |\n" : "%.0f |\n", count);
    }
    append_device(profile, out);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void append_records(const json_t *records, struct ta_buf *out)
{
    static const char *const figures[] = {
        "total_time_sec",      "preprocessing_time_sec", "upscaling_time_sec",
        "encoding_time_sec",   "frames_per_second",      "peak_memory_mb",
        "model_load_time_sec", "queue_query_time_ms",    "gpu_utilization_percent"};
    size_t count = json_array_size(records), i;
    const json_t *r;
    ta_buf_printf(out, "\n## Runs on this machine\n\n%zu in `terminalai perf metrics`.\n", count);
    if (!count)
        return;
    double *values = ta_xcalloc(count, sizeof *values);
    ta_buf_puts(out, "\n| figure | runs that have it | median | least | most |\n|---|---|---|---|---|\n");
    for (size_t f = 0; f < TA_COUNT(figures); f++) {
        size_t n = 0;
        json_array_foreach(records, i, r) if (json_is_number(json_object_get(r, figures[f])))
            values[n++] = number(r, figures[f]);
        qsort(values, n, sizeof *values, by_value);
        if (n)
            ta_buf_printf(out, "| %s | %zu | %.3g | %.3g | %.3g |\n", figures[f], n, values[n / 2], values[0],
                          values[n - 1]);
        else
            ta_buf_printf(out, "| %s | 0 | | | |\n", figures[f]);
    }
    free(values);
}

static void append_switches(const struct ta_tuning *t, struct ta_buf *out)
{
    ta_buf_puts(out, "\n## Switches\n\n| switch | state | what it is |\n|---|---|---|\n");
    for (const struct ta_opt *o = ta_tuning_options; o->name; o++) {
        char *state = ta_opt_text_of(o, t);
        ta_buf_printf(out, "| %s | %s | %s |\n", o->name, state, o->help);
        free(state);
    }
    for (int i = 0; i < t->device_count; i++)
        ta_buf_printf(out, "\n%s: batch %lld, threads %lld\n", t->devices[i].device,
                      (long long)t->devices[i].batch, (long long)t->devices[i].threads);
}

static void append_changes(const json_t *profile, struct ta_buf *out)
{
    const json_t *m;
    size_t i;
    ta_buf_puts(
        out,
        "\n## Against the report of before\n\n| part | clock | processor | memory |\n|---|---|---|---|\n");
    json_array_foreach(json_object_get(profile, "modules"), i, m)
    {
        const json_t *c = json_object_get(m, "against_before");
        if (c)
            ta_buf_printf(out, "| %s | %.2f | %.2f | %.2f |\n", ta_json_member_text(m, "module"),
                          number(c, "wall"), number(c, "cpu"), number(c, "peak_rss"));
    }
}

void ta_report_write(const struct ta_report_data *d, struct ta_buf *out)
{
    const json_t *machine = json_object_get(d->profile, "machine");
    ta_buf_puts(
        out,
        "# Performance report\n\nMade by `terminalai perf report` from measurements on this machine alone; where "
        "something was not measured, it says so.\n");
    if (d->profile)
        ta_buf_printf(out, "\nProfile of %s: %s, %.0f cores, version %s.%s\n",
                      ta_json_member_text(d->profile, "time"), ta_json_member_text(machine, "cpu"),
                      number(machine, "cores"), ta_json_member_text(machine, "version"),
                      json_is_true(json_object_get(d->profile, "quick"))
                          ? " It was a quick one, too short for figures."
                          : "");
    append_figures(d->figures, out);
    append_findings(d->profile, out);
    append_parts(d->profile, out);
    if (d->profile && d->before)
        append_changes(d->profile, out);
    append_records(d->records, out);
    append_switches(d->tuning, out);
}
