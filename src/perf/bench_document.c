// The sections of docs/performance.md that are made: one between marks for each bench.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/bench.h"

static const char HEADING[] = "## Measured by `terminalai perf bench`";

static char *mark(const char *name, const char *which)
{
    return ta_xprintf("<!-- made by terminalai perf bench %s: %s -->", name, which);
}

// Text inside a table: bars and line ends would break it.
static void append_cell(struct ta_buf *out, const char *text)
{
    ta_buf_puts(out, " ");
    for (; *text; text++)
        ta_buf_putc(out, *text == '|' || *text == '\n' ? ' ' : *text);
    ta_buf_puts(out, " |");
}

static int count_values(const json_t *result, const char *name)
{
    const json_t *v;
    size_t i;
    int n = 0;
    json_array_foreach(json_object_get(result, "values"), i, v)
        n += !strcmp(ta_json_member_text(v, "bench"), name);
    return n;
}

static void append_number(struct ta_buf *out, double value)
{
    ta_buf_printf(out, fabs(value) < 1000 ? "%.4g" : "%.0f", value);
}

static void append_value(const json_t *v, struct ta_buf *out)
{
    const json_t *samples = json_object_get(v, "samples"), *s;
    const char *better = ta_json_member_text(v, "better");
    double least = INFINITY, most = -INFINITY;
    size_t i;
    json_array_foreach(samples, i, s)
    {
        least = fmin(least, json_number_value(s));
        most = fmax(most, json_number_value(s));
    }
    ta_buf_puts(out, "|");
    append_cell(out, ta_json_member_text(v, "name"));
    ta_buf_puts(out, " ");
    append_number(out, json_number_value(json_object_get(v, "value")));
    ta_buf_puts(out, " |");
    append_cell(out, ta_json_member_text(v, "unit"));
    if (json_is_true(json_object_get(v, "exact"))) {
        ta_buf_puts(out, " exact |");
    } else if (i < 2) {
        ta_buf_puts(out, " once |");
    } else {
        ta_buf_puts(out, " ");
        append_number(out, least);
        ta_buf_puts(out, " to ");
        append_number(out, most);
        ta_buf_puts(out, " |");
    }
    ta_buf_printf(out, " %s |\n", strcmp(better, "neither") != 0 ? better : "");
}

static void append_section(const json_t *result, const json_t *bench, struct ta_buf *out)
{
    const char *name = ta_json_member_text(bench, "name");
    const json_t *v, *w;
    size_t i;
    const json_t *load = json_object_get(result, "load");
    ta_buf_printf(out, "\n\n`%s`: %s. Version %s on %.10s, on a machine with %s",
                  ta_json_member_text(bench, "command"), ta_json_member_text(bench, "about"),
                  ta_json_member_text(result, "program_version"), ta_json_member_text(result, "time"),
                  ta_json_member_text(result, "machine"));
    if (json_is_number(load))
        ta_buf_printf(out, " and a load of %.0f", json_number_value(load));
    json_array_foreach(json_object_get(bench, "without"), i, w)
        ta_buf_printf(out, "%s%s", i ? ", " : "; without ", json_string_value(w));
    ta_buf_puts(out, ".\n\n| what | median | unit | of | better is |\n|---|---|---|---|---|\n");
    json_array_foreach(json_object_get(result, "values"), i,
                       v) if (!strcmp(ta_json_member_text(v, "bench"), name)) append_value(v, out);
    ta_buf_puts(out, "\n");
}

void ta_bench_document(const json_t *result, const char *text, struct ta_buf *out)
{
    struct ta_buf now = {0};
    const json_t *bench;
    size_t i;
    ta_buf_puts(&now, text);
    json_array_foreach(json_object_get(result, "benches"), i, bench)
    {
        const char *name = ta_json_member_text(bench, "name");
        if (!count_values(result, name))
            continue;
        char *begin = mark(name, "begin"), *end = mark(name, "end");
        const char *all = ta_buf_text(&now), *from = strstr(all, begin),
                   *to = from ? strstr(from, end) : NULL;
        struct ta_buf next = {0};
        if (to) {
            ta_buf_append(&next, all, (size_t)(from - all));
        } else {
            size_t length = strlen(all);
            while (length && all[length - 1] == '\n')
                length--;
            ta_buf_append(&next, all, length);
            if (!strstr(all, HEADING))
                ta_buf_printf(&next, "\n\n%s", HEADING);
            ta_buf_printf(&next, "\n\n### %s\n\n", name);
        }
        ta_buf_puts(&next, begin);
        append_section(result, bench, &next);
        ta_buf_puts(&next, end);
        ta_buf_puts(&next, to ? to + strlen(end) : "\n");
        ta_buf_release(&now);
        now = next;
        free(begin);
        free(end);
    }
    ta_buf_puts(out, ta_buf_text(&now));
    ta_buf_release(&now);
}
