// The page of a profile: everything in one file, drawn here, so that no script and no network is needed to
// read it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/profile.h"
#include "perf/watch.h"

enum { WIDTH = 1100, ROW = 18, LEFT = 130, MOST_LANES = 24, MOST_DEPTH = 40 };

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

// ---- timeline ----

static int lane_of(const char **lanes, int *count, const char *name)
{
    for (int i = 0; i < *count; i++)
        if (!strcmp(lanes[i], name))
            return i;
    if (*count == MOST_LANES)
        return -1;
    lanes[*count] = name;
    return (*count)++;
}

static void append_memory_line(const json_t *m, double scale, int top, int height, struct ta_buf *out)
{
    const json_t *point;
    double most = 1;
    size_t i;
    json_array_foreach(json_object_get(m, "memory"), i, point)
    {
        double bytes = json_number_value(json_array_get(point, 1));
        most = bytes > most ? bytes : most;
    }
    ta_buf_printf(
        out, "<text x=\"2\" y=\"%d\">memory, %.0f MB</text><polyline fill=\"none\" stroke=\"#06c\" points=\"",
        top + 14, most / 1e6);
    json_array_foreach(json_object_get(m, "memory"), i, point)
        ta_buf_printf(out, "%.1f,%.1f ", LEFT + json_number_value(json_array_get(point, 0)) * scale,
                      top + height - json_number_value(json_array_get(point, 1)) / most * (height - 4));
    ta_buf_puts(out, "\"/>");
}

static void append_timeline(const json_t *m, struct ta_buf *out)
{
    enum { MEMORY = 60 };
    const json_t *spans = json_object_get(json_object_get(m, "ledger"), "spans"), *s, *point;
    const char *lanes[MOST_LANES];
    int lane_count = 0;
    double last = number(m, "wall");
    size_t i;
    json_array_foreach(spans, i, s) last = number(s, "end") > last ? number(s, "end") : last;
    json_array_foreach(json_object_get(m, "memory"), i, point)
    {
        double at = json_number_value(json_array_get(point, 0));
        last = at > last ? at : last;
    }
    double scale = (WIDTH - LEFT - 10) / (last > 0 ? last : 1);
    struct ta_buf bars = {0};
    json_array_foreach(spans, i, s)
    {
        int lane = lane_of(lanes, &lane_count, ta_json_member_text(s, "lane"));
        double width = (number(s, "end") - number(s, "begin")) * scale;
        if (lane < 0)
            continue;
        ta_buf_printf(&bars, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#7ab\"><title>",
                      LEFT + number(s, "begin") * scale, MEMORY + 6 + lane * ROW, width < 0.5 ? 0.5 : width,
                      ROW - 3);
        ta_append_xml(&bars, ta_json_member_text(s, "name"));
        ta_buf_printf(&bars, ", %.3f s</title></rect>", number(s, "end") - number(s, "begin"));
    }
    ta_buf_printf(out, "<h3>Timeline, %.2f s</h3><svg viewBox=\"0 0 %d %d\">", last, WIDTH,
                  MEMORY + 10 + lane_count * ROW);
    append_memory_line(m, scale, 0, MEMORY, out);
    for (int l = 0; l < lane_count; l++) {
        ta_buf_printf(out, "<text x=\"2\" y=\"%d\">", MEMORY + 18 + l * ROW);
        ta_append_xml(out, lanes[l]);
        ta_buf_puts(out, "</text>");
    }
    ta_buf_puts(out, ta_buf_text(&bars));
    ta_buf_puts(out, "</svg>");
    ta_buf_release(&bars);
}

// ---- flame graph ----

// Stacks that share their first `depth` names, from `first` to `end` (sorted by their names).
struct flames {
    const json_t **stacks;
    double all;
    int deepest;
    struct ta_buf *out;
};

static const char *name_at(const json_t *stack, int depth)
{
    return json_string_value(json_array_get(json_object_get(stack, "stack"), (size_t)depth));
}

static int by_names(const void *a, const void *b)
{
    const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
    for (int d = 0;; d++) {
        const char *p = name_at(x, d), *q = name_at(y, d);
        if (!p || !q)
            return !!p - !!q;
        if (strcmp(p, q) != 0)
            return strcmp(p, q);
    }
}

static double count_of(const struct flames *f, size_t first, size_t end)
{
    double sum = 0;
    for (size_t i = first; i < end; i++)
        sum += number(f->stacks[i], "count");
    return sum;
}

static void draw(struct flames *f, size_t first, size_t end, int depth, double x)
{
    for (size_t i = first; i < end && depth < MOST_DEPTH;) {
        const char *name = name_at(f->stacks[i], depth);
        size_t next = i + 1;
        while (name && next < end && name_at(f->stacks[next], depth) &&
               !strcmp(name_at(f->stacks[next], depth), name))
            next++;
        double width = count_of(f, i, next) / f->all * WIDTH;
        if (name && width >= 0.6) {
            unsigned hue = 0;
            for (const char *c = name; *c; c++)
                hue = hue * 31 + (unsigned char)*c;
            f->deepest = depth > f->deepest ? depth : f->deepest;
            ta_buf_printf(
                f->out,
                "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"hsl(%u,70%%,70%%)\"><title>",
                x, depth * ROW, width, ROW - 1, 10 + hue % 50);
            ta_append_xml(f->out, name);
            ta_buf_printf(f->out, ", %.1f %%</title></rect>", 100 * width / WIDTH);
            int fits = (int)(width / 6.5) - 1;
            if (fits > 3) {
                char *shown = ta_xprintf("%.*s", fits, name);
                ta_buf_printf(f->out, "<text x=\"%.1f\" y=\"%d\">", x + 2, depth * ROW + 13);
                ta_append_xml(f->out, shown);
                ta_buf_puts(f->out, "</text>");
                free(shown);
            }
            draw(f, i, next, depth + 1, x);
        }
        x += width;
        i = next;
    }
}

static void append_flames(const json_t *m, struct ta_buf *out)
{
    const json_t *list = json_object_get(json_object_get(m, "samples"), "stacks"), *s;
    size_t count = json_array_size(list), i;
    struct ta_buf drawn = {0};
    struct flames f = {.stacks = ta_xcalloc(count + 1, sizeof *f.stacks), .out = &drawn};
    json_array_foreach(list, i, s) f.stacks[i] = s;
    qsort(f.stacks, count, sizeof *f.stacks, by_names);
    f.all = count_of(&f, 0, count);
    if (f.all > 0) {
        draw(&f, 0, count, 0, 0);
        ta_buf_printf(out, "<h3>Where processor time goes, %.0f samples</h3><svg viewBox=\"0 0 %d %d\">",
                      f.all, WIDTH, (f.deepest + 1) * ROW);
        ta_buf_puts(out, ta_buf_text(&drawn));
        ta_buf_puts(out, "</svg>");
    }
    ta_buf_release(&drawn);
    free(f.stacks);
}

// ---- tables ----

static void append_functions(const json_t *m, struct ta_buf *out)
{
    const json_t *samples = json_object_get(m, "samples"), *f;
    double all = number(samples, "samples");
    size_t i;
    if (all < 1)
        return;
    ta_buf_puts(out, "<table><tr><th>itself</th><th>with calls</th><th>function</th><th>in</th></tr>");
    json_array_foreach(json_object_get(samples, "functions"), i, f)
    {
        if (i == 40)
            break;
        ta_buf_printf(out, "<tr><td>%.1f %%</td><td>%.1f %%</td><td>", 100 * number(f, "self") / all,
                      100 * number(f, "total") / all);
        ta_append_xml(out, ta_json_member_text(f, "name"));
        ta_buf_puts(out, "</td><td>");
        ta_append_xml(out, ta_json_member_text(f, "module"));
        ta_buf_puts(out, "</td></tr>");
    }
    ta_buf_puts(out, "</table>");
}

static void append_rows(const json_t *m, struct ta_buf *out)
{
    const json_t *row;
    size_t i;
    ta_buf_puts(out,
                "<table><tr><th>kind</th><th>what</th><th>seconds</th><th>processor</th><th>times</th></tr>");
    json_array_foreach(json_object_get(json_object_get(m, "ledger"), "rows"), i, row)
    {
        ta_buf_puts(out, "<tr><td>");
        ta_append_xml(out, ta_json_member_text(row, "kind"));
        ta_buf_puts(out, "</td><td>");
        ta_append_xml(out, ta_json_member_text(row, "name"));
        ta_buf_printf(out, "</td><td>%.3f</td><td>%.3f</td><td>%.0f</td></tr>", number(row, "wall"),
                      number(row, "cpu"), number(row, "count"));
    }
    ta_buf_puts(out, "</table>");
}

void ta_profile_html(const json_t *report, struct ta_buf *out)
{
    const json_t *m;
    struct ta_buf text = {0};
    size_t i;
    ta_buf_puts(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Profile</title><style>"
        "body{font:14px/1.5 sans-serif;max-width:1120px;margin:2em auto;padding:0 1em}"
        "svg{width:100%;font:11px sans-serif;border:1px solid #ccc}"
        "table{border-collapse:collapse;margin:1em 0}td,th{padding:1px 10px;border-bottom:1px solid #ddd;"
        "text-align:left;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap;background:#f6f6f6;"
        "padding:1em}</style></head><body><h1>Profile</h1>\n");
    json_array_foreach(json_object_get(report, "modules"), i, m)
    {
        ta_buf_puts(out, "<h2>");
        ta_append_xml(out, ta_json_member_text(m, "module"));
        ta_buf_puts(out, "</h2><p>");
        ta_append_xml(out, ta_json_member_text(m, "work"));
        ta_buf_puts(out, "</p>");
        append_timeline(m, out);
        append_flames(m, out);
        append_functions(m, out);
        append_rows(m, out);
    }
    ta_profile_text(report, &text);
    ta_buf_puts(out, "<h2>In words</h2><pre>");
    // Line ends are kept: each line on its own.
    for (char *rest = text.data, *line; rest && (line = strsep(&rest, "\n"));) {
        ta_append_xml(out, line);
        ta_buf_puts(out, "\n");
    }
    ta_buf_puts(out, "</pre></body></html>\n");
    ta_buf_release(&text);
}
