// What a comparison measured, for programs, terminals and browsers.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>
#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "show/compare.h"

static const char explanation[] =
    "noise: standard deviation in flat parts, in 8-bit codes. sharpness: mean slope along the lines where there "
    "is most detail, in codes a pixel. combing: share of blocks with combed lines. PSNR: luma against the source, "
    "field by field where these are taken apart; it tells how much was changed, not which is better. All are "
    "measured at the source's size, in the part of the picture that every preset keeps. fps and CPU: restoring and "
    "encoding on this machine, one excerpt after the other.";

static double seconds_of(const struct ta_compare *c, const struct ta_plan *p)
{
    double sum = 0;
    for (int i = 0; i < c->excerpt_count; i++) {
        const struct ta_excerpt *e = &c->excerpts[i];
        int64_t end = e->end < p->first_frame + p->frame_count ? ta_plan_time_of(p, p->index, e->end, 0)
                                                               : ta_plan_end_time(p, p->index);
        sum += (double)(end - ta_plan_time_of(p, p->index, e->first, 0)) * av_q2d(p->out_time_base);
    }
    return sum;
}

struct cost {
    int64_t frames, bytes;
    double fps, cpu_ms, megabits;
};

static struct cost cost_of(const struct ta_compare *c, const struct ta_contestant *p)
{
    struct cost cost = {0};
    for (int i = 0; i < c->excerpt_count; i++) {
        cost.frames += p->results[i].frames;
        cost.bytes += p->results[i].bytes;
    }
    cost.fps = p->wall_seconds > 0 ? (double)cost.frames / p->wall_seconds : 0;
    cost.cpu_ms = cost.frames ? p->cpu_seconds * 1000 / (double)cost.frames : 0;
    double seconds = seconds_of(c, p->plan);
    cost.megabits = seconds > 0 ? (double)cost.bytes * 8e-6 / seconds : 0;
    return cost;
}

// ---- JSON ----

static json_t *measures_json(const struct ta_measures *m, bool source)
{
    json_t *o = json_pack("{s:i, s:f, s:f, s:f}", "pictures", m->pictures, "noise", m->noise, "sharpness",
                          m->sharpness, "combing", m->combing);
    if (!source)
        json_object_set_new(o, "psnr_to_source", json_real(m->psnr));
    return o;
}

static json_t *text_json(const char *text)
{
    json_t *t = json_string(text);
    return t ? t : json_string("(not UTF-8)");
}

static int write_json(const struct ta_compare *c, const char *path)
{
    json_t *root = json_object(), *excerpts = json_array(), *presets = json_array();
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "terminalai", json_string(ta_version()));
    json_object_set_new(root, "input", text_json(c->input));
    json_t *panes = json_array();
    for (int i = 0; i <= c->count; i++) {
        const struct ta_compare_box *b = i ? &c->contestants[i - 1].box : &c->box;
        json_array_append_new(panes, json_pack("{s:i, s:i, s:i, s:i}", "x", b->x, "y", b->y, "width",
                                               b->width, "height", b->height));
    }
    json_object_set_new(root, "grid",
                        json_pack("{s:s, s:i, s:i, s:I, s:s, s:o}", "file", "grid.mp4", "width",
                                  c->result.width, "height", c->result.height, "frames",
                                  (json_int_t)c->result.frames, "contact_sheet", "contact.png", "panes",
                                  panes));
    for (int i = 0; i < c->excerpt_count; i++)
        json_array_append_new(excerpts, json_pack("{s:I, s:I}", "source_frame",
                                                  (json_int_t)c->excerpts[i].first, "source_frames",
                                                  (json_int_t)(c->excerpts[i].end - c->excerpts[i].first)));
    json_object_set_new(root, "excerpts", excerpts);
    json_object_set_new(root, "source", measures_json(&c->source, true));
    for (int i = 0; i < c->count; i++) {
        const struct ta_contestant *p = &c->contestants[i];
        struct cost cost = cost_of(c, p);
        json_t *o = json_object(), *plan = json_loads(ta_plan_json(p->plan), 0, NULL);
        json_object_set_new(o, "preset", text_json(p->preset));
        json_object_set_new(o, "width", json_integer(p->plan->out_format.width));
        json_object_set_new(o, "height", json_integer(p->plan->out_format.height));
        json_object_set_new(o, "measures", measures_json(&p->measures, false));
        json_object_set_new(o, "cost",
                            json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "frames",
                                      (json_int_t)cost.frames, "bytes", (json_int_t)cost.bytes,
                                      "wall_seconds", p->wall_seconds, "cpu_seconds", p->cpu_seconds, "fps",
                                      cost.fps, "cpu_ms_per_frame", cost.cpu_ms, "megabits_per_second",
                                      cost.megabits));
        json_object_set_new(o, "chain",
                            json_incref(json_object_get(json_object_get(plan, "video"), "chain")));
        json_object_set_new(o, "recipe", json_incref(json_object_get(plan, "recipe")));
        json_decref(plan);
        json_array_append_new(presets, o);
    }
    json_object_set_new(root, "presets", presets);
    char *text = ta_json_text(root);
    int err = ta_file_write_atomic(path, text, strlen(text), c->log);
    free(text);
    json_decref(root);
    return err;
}

// ---- text and HTML ----

enum { COLUMNS = 9 };
static const char *const titles[COLUMNS] = {"",        "size", "noise",        "sharpness", "combing %",
                                            "PSNR dB", "fps",  "CPU ms/frame", "Mbit/s"};

// The cells of a row; row 0 is the source. To be freed one by one.
static void fill_row(const struct ta_compare *c, int row, char *cells[COLUMNS])
{
    const struct ta_contestant *p = row ? &c->contestants[row - 1] : NULL;
    const struct ta_measures *m = p ? &p->measures : &c->source;
    const struct ta_format *f = p ? &p->plan->out_format : &c->contestants[0].plan->source_format;
    cells[0] = ta_xstrdup(p ? p->preset : "source");
    cells[1] = ta_xprintf("%dx%d", f->width, f->height);
    cells[2] = ta_xprintf("%.2f", m->noise);
    cells[3] = ta_xprintf("%.2f", m->sharpness);
    cells[4] = ta_xprintf("%.1f", m->combing * 100);
    if (!p) {
        for (int i = 5; i < COLUMNS; i++)
            cells[i] = ta_xstrdup("");
        return;
    }
    struct cost cost = cost_of(c, p);
    cells[5] = ta_xprintf("%.2f", m->psnr);
    cells[6] = ta_xprintf("%.1f", cost.fps);
    cells[7] = ta_xprintf("%.1f", cost.cpu_ms);
    cells[8] = ta_xprintf("%.2f", cost.megabits);
}

static int write_text(const struct ta_compare *c, const char *path)
{
    int widths[COLUMNS];
    struct ta_buf b = {0};
    for (int i = 0; i < COLUMNS; i++)
        widths[i] = (int)strlen(titles[i]);
    for (int pass = 0; pass < 2; pass++)
        for (int row = pass ? -1 : 0; row <= c->count; row++) {
            char *cells[COLUMNS];
            if (row < 0)
                for (int i = 0; i < COLUMNS; i++)
                    cells[i] = ta_xstrdup(titles[i]);
            else
                fill_row(c, row, cells);
            for (int i = 0; i < COLUMNS; i++) {
                widths[i] = TA_MAX(widths[i], (int)strlen(cells[i]));
                if (pass)
                    ta_buf_printf(&b, i ? "  %*s" : "%-*s", widths[i], cells[i]);
                free(cells[i]);
            }
            if (pass)
                ta_buf_putc(&b, '\n');
        }
    ta_buf_printf(&b, "\n%s\n", explanation);
    int err = ta_file_write_atomic(path, b.data, b.size, c->log);
    ta_buf_release(&b);
    return err;
}

static void escape(struct ta_buf *b, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            ta_buf_puts(b, "&lt;");
            break;
        case '>':
            ta_buf_puts(b, "&gt;");
            break;
        case '&':
            ta_buf_puts(b, "&amp;");
            break;
        case '"':
            ta_buf_puts(b, "&quot;");
            break;
        default:
            ta_buf_putc(b, *text);
        }
}

static int write_html(const struct ta_compare *c, const char *path)
{
    struct ta_buf b = {0};
    ta_buf_puts(&b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    escape(&b, ta_path_name(c->input));
    ta_buf_puts(
        &b,
        "</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 "
        "1rem;color:#222;background:#fff}video,img{width:100%;height:auto}table{border-collapse:collapse;"
        "margin:1rem 0}td,th{padding:.3rem .8rem;text-align:right;border-bottom:1px solid "
        "#bbb}td:first-child,th:first-child{text-align:left}@media(prefers-color-scheme:dark){body{color:#ddd;"
        "background:#181818}}</style></head>\n<body><h1>");
    escape(&b, ta_path_name(c->input));
    ta_buf_puts(&b, "</h1>\n<video src=\"grid.mp4\" controls loop muted></video>\n<table><tr>");
    for (int i = 0; i < COLUMNS; i++)
        ta_buf_printf(&b, "<th>%s</th>", titles[i]);
    ta_buf_puts(&b, "</tr>\n");
    for (int row = 0; row <= c->count; row++) {
        char *cells[COLUMNS];
        fill_row(c, row, cells);
        ta_buf_puts(&b, "<tr>");
        for (int i = 0; i < COLUMNS; i++) {
            ta_buf_puts(&b, "<td>");
            escape(&b, cells[i]);
            ta_buf_puts(&b, "</td>");
            free(cells[i]);
        }
        ta_buf_puts(&b, "</tr>\n");
    }
    ta_buf_printf(
        &b,
        "</table>\n<p>%s</p>\n<img src=\"contact.png\" alt=\"One frame of each excerpt under each preset\">\n"
        "</body></html>\n",
        explanation);
    int err = ta_file_write_atomic(path, b.data, b.size, c->log);
    ta_buf_release(&b);
    return err;
}

int ta_compare_report(const struct ta_compare *c)
{
    char *json = ta_path_join(c->folder, "report.json"), *text = ta_path_join(c->folder, "report.txt"),
         *html = ta_path_join(c->folder, "report.html");
    int err = write_json(c, json);
    if (err >= 0)
        err = write_text(c, text);
    if (err >= 0)
        err = write_html(c, html);
    free(json);
    free(text);
    free(html);
    return err;
}
