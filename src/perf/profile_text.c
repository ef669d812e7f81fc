// A profile for people: as text, and as a page with a timeline, a flame graph and tables.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/profile.h"
#include "perf/watch.h"

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key)); // 0 where there is none
}

static const char *text_of(const json_t *o, const char *key)
{
    return ta_json_member_text(o, key);
}

// ---- text ----

static void append_measures(const json_t *m, struct ta_buf *out)
{
    double wall = number(m, "wall"), cpu = number(m, "user") + number(m, "system");
    const json_t *allocations = json_object_get(m, "allocations");
    ta_buf_printf(out, "  %-22s %.2f s by the clock, %.2f user, %.2f system (%.2f cores)\n", "time", wall,
                  number(m, "user"), number(m, "system"), wall > 0 ? cpu / wall : 0);
    ta_buf_printf(out, "  %-22s %.0f %s, %.1f a second\n", "done", number(m, "items"), text_of(m, "unit"),
                  number(m, "items_a_second"));
    ta_buf_printf(out, "  %-22s %.1f MB at most; page faults %.0f, from disk %.0f\n", "memory",
                  number(m, "peak_rss") / 1e6, number(m, "minor_faults"), number(m, "major_faults"));
    if (json_is_object(allocations))
        ta_buf_printf(out, "  %-22s %.0f, %.1f MB in all (a second pass)\n", "allocations",
                      number(allocations, "count"), number(allocations, "bytes") / 1e6);
    else
        ta_buf_printf(out, "  %-22s not counted\n", "allocations");
    ta_buf_printf(out, "  %-22s %.1f MB read, %.1f written; disk %.1f and %.1f\n", "input, output",
                  number(m, "read") / 1e6, number(m, "written") / 1e6, number(m, "disk_read") / 1e6,
                  number(m, "disk_written") / 1e6);
    ta_buf_printf(out, "  %-22s %.0f waited, %.0f interrupted\n", "context switches",
                  number(m, "voluntary_switches"), number(m, "involuntary_switches"));
    const json_t *device = json_object_get(m, "gpu_utilization_percent");
    if (json_is_number(device))
        ta_buf_printf(out, "  %-22s busy %.0f %% of the time (all programs that use it)\n", "device",
                      json_number_value(device));
    else
        ta_buf_printf(out, "  %-22s there is none to ask\n", "device");
}

static int by_wall(const void *a, const void *b)
{
    double x = number(*(json_t *const *)a, "wall"), y = number(*(json_t *const *)b, "wall");
    return x < y ? 1 : x > y ? -1 : 0;
}

// The rows of the ledger by time; *count of them, to be freed.
static const json_t **sorted_rows(const json_t *m, size_t *count)
{
    const json_t *list = json_object_get(json_object_get(m, "ledger"), "rows"), *row;
    const json_t **all = ta_xcalloc(json_array_size(list) + 1, sizeof *all);
    size_t i;
    *count = 0;
    json_array_foreach(list, i, row) if (number(row, "count") > 0) all[(*count)++] = row;
    qsort(all, *count, sizeof *all, by_wall);
    return all;
}

static void append_rows(const json_t *m, struct ta_buf *out)
{
    size_t count;
    const json_t **all = sorted_rows(m, &count);
    ta_buf_puts(out, count ? "  what took how long (of all threads together)\n" : "");
    for (size_t i = 0; i < count; i++)
        ta_buf_printf(out, "    %-6s %-28s %9.3f s %9.3f cpu %10.0f times\n", text_of(all[i], "kind"),
                      text_of(all[i], "name"), number(all[i], "wall"), number(all[i], "cpu"),
                      number(all[i], "count"));
    free(all);
}

static void append_functions(const json_t *m, struct ta_buf *out)
{
    const json_t *samples = json_object_get(m, "samples"), *f;
    double all = number(samples, "samples");
    size_t i;
    if (all < 1)
        return;
    ta_buf_printf(out, "  functions, by %.0f samples of the %s%s (itself, with what it calls)\n", all,
                  text_of(samples, "clock"),
                  json_is_true(json_object_get(samples, "system")) ? "" : ", without the system's part");
    json_array_foreach(json_object_get(samples, "functions"), i, f)
    {
        if (i == 20)
            break;
        ta_buf_printf(out, "    %5.1f %% %5.1f %%  %s (%s)\n", 100 * number(f, "self") / all,
                      100 * number(f, "total") / all, text_of(f, "name"), text_of(f, "module"));
    }
}

static void append_findings(const json_t *m, struct ta_buf *out)
{
    const json_t *list = json_object_get(m, "findings"), *f;
    size_t i;
    ta_buf_puts(out,
                json_array_size(list) ? "  findings\n" : "  findings: none that these numbers support\n");
    json_array_foreach(list, i, f)
    {
        char *evidence = json_dumps(json_object_get(f, "evidence"), JSON_COMPACT | JSON_REAL_PRECISION(4));
        ta_buf_printf(out, "    %s: %s\n      because %.3g is beyond %.3g: %s\n", text_of(f, "severity"),
                      text_of(f, "text"), number(f, "value"), number(f, "limit"), evidence);
        free(evidence);
    }
}

void ta_profile_text(const json_t *report, struct ta_buf *out)
{
    const json_t *m, *machine = json_object_get(report, "machine");
    size_t i;
    ta_buf_printf(out, "Profile of %s, %s, %.0f cores (%s)%s\n", text_of(report, "time"),
                  text_of(machine, "host"), number(machine, "cores"), text_of(machine, "cpu"),
                  json_is_true(json_object_get(report, "quick")) ? "; QUICK: too short for figures" : "");
    json_array_foreach(json_object_get(report, "modules"), i, m)
    {
        ta_buf_printf(out, "\n%s: %s\n", text_of(m, "module"), text_of(m, "work"));
        append_measures(m, out);
        char *facts = json_dumps(json_object_get(m, "facts"), JSON_COMPACT | JSON_REAL_PRECISION(4));
        if (facts && strcmp(facts, "{}") != 0)
            ta_buf_printf(out, "  %-22s %s\n", "besides", facts);
        free(facts);
        append_rows(m, out);
        append_functions(m, out);
        append_findings(m, out);
    }
}
