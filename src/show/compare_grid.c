// Source and all results in step, on one board; a contact sheet of single frames; and the measures, taken
// from the same pictures. What is shown of a result is what its encoder made.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "media/encode/encoder.h"
#include "media/encode/encoder_row.h"
#include "media/mux/segfile.h"
#include "draw/board.h"
#include "show/compare.h"
#include "show/compare_pane.h"
#include "plan/decide.h"

enum {
    GAP = 8,
    MAX_WIDTH = 3840, // of the grid: what players show
    MAX_HEIGHT = 2160,
    SHEET_WIDTH = 640, // of a pane on the contact sheet
    SHEET_COLUMNS = 6,
    SAMPLES = 12, // pictures measured in an excerpt
};

struct grid {
    struct ta_compare *c;
    const struct ta_plan *master;   // the plan of most frames: the grid's times are its
    struct ta_compare_pane **panes; // [count]: the source first
    int count, columns;
    struct ta_format cell; // pictures within it keep their shape
    struct ta_format board_format;
    struct ta_board *board;
    int strip, head;
    struct ta_encoder *encoder;
    struct ta_segwriter *writer;
    AVPacket *packet;
    int64_t *times; // of the grid's frames, the end behind them
    int64_t frames, capacity;
    AVFrame **stills; // [excerpt][pane], the size of the sheet's panes
};

// ---- geometry ----

static int on_grid(double n)
{
    return TA_MAX(TA_BOARD_GRID, (int)(n / TA_BOARD_GRID + 0.5) * TA_BOARD_GRID);
}

// The largest display size; all panes are brought to it.
static void choose_cell(struct grid *g)
{
    int w = 0, h = 0;
    for (int i = 0; i < g->c->count; i++) {
        double width, height;
        ta_compare_whole_size(&g->c->contestants[i], &width, &height);
        w = TA_MAX(w, on_grid(width));
        h = TA_MAX(h, on_grid(height));
    }
    double best_scale = 0, best_shape = 0;
    for (int columns = 1; columns <= g->count; columns++) {
        int rows = (g->count + columns - 1) / columns, strip = ta_board_strip(w, h);
        double width = columns * (w + GAP) - GAP, height = rows * (h + strip + GAP) - GAP + strip;
        double scale = TA_MIN(1.0, TA_MIN(MAX_WIDTH / width, MAX_HEIGHT / height));
        double shape = fabs(log(width / height * 9 / 16));
        if (scale > best_scale * 1.001 || (scale > best_scale * 0.999 && shape < best_shape)) {
            best_scale = scale;
            best_shape = shape;
            g->columns = columns;
        }
    }
    g->cell = ta_still_format(&g->master->out_format);
    g->cell.pix_fmt = AV_PIX_FMT_YUV420P;
    g->cell.width = on_grid(w * best_scale);
    g->cell.height = on_grid(h * best_scale);
    g->strip = ta_board_strip(g->cell.width, g->cell.height);
    g->head = g->strip;
    int rows = (g->count + g->columns - 1) / g->columns;
    g->board_format = g->cell;
    g->board_format.width = g->columns * (g->cell.width + GAP) - GAP;
    g->board_format.height = g->head + rows * (g->strip + g->cell.height + GAP) - GAP;
    g->board_format.time_base = g->master->out_time_base;
    g->board_format.frame_rate = g->master->out_format.frame_rate;
}

static void choose_master(struct grid *g)
{
    for (int i = 0; i < g->c->count; i++)
        if (!g->master || ta_plan_frames(g->c->contestants[i].plan) > ta_plan_frames(g->master))
            g->master = g->c->contestants[i].plan;
}

// ---- one picture of the grid ----

static char *place_text(const struct grid *g, int excerpt)
{
    const struct ta_plan *p = g->master;
    double t = (double)ta_plan_time_of(p, p->index, g->c->excerpts[excerpt].first, 0) *
               av_q2d(p->out_time_base);
    int minutes = (int)(t / 60);
    return ta_xprintf("excerpt %d of %d, at %d:%04.1f", excerpt + 1, g->c->excerpt_count, minutes,
                      t - 60 * minutes);
}

static int draw(struct grid *g, int excerpt, AVFrame **out)
{
    AVFrame *board = NULL;
    int err = ta_board_frame(g->board, &board);
    if (err < 0)
        return err;
    char *place = place_text(g, excerpt);
    ta_board_label(g->board, board, 0, 0, g->board_format.width, g->head, TA_BOARD_LEFT,
                   ta_path_name(g->c->input), place);
    free(place);
    for (int i = 0; i < g->count; i++) {
        struct ta_compare_pane *pane = g->panes[i];
        int x = i % g->columns * (g->cell.width + GAP),
            y = g->head + i / g->columns * (g->strip + g->cell.height + GAP);
        const AVFrame *f = ta_compare_pane_picture(pane);
        ta_board_label(g->board, board, x, y, g->cell.width, g->strip, TA_BOARD_LEFT,
                       ta_compare_pane_name(pane), ta_compare_pane_detail(pane));
        int dx, dy;
        ta_compare_pane_place(pane, &dx, &dy);
        if (f->width != g->cell.width || f->height != g->cell.height)
            ta_board_box(g->board, board, x, y + g->strip, g->cell.width, g->cell.height, 0);
        ta_board_put(g->board, board, f, x + dx, y + g->strip + dy, 0, f->width);
    }
    *out = board;
    return 0;
}

// ---- measuring ----

static int measure(struct grid *g)
{
    int err = ta_compare_pane_measure(g->panes[0], NULL, &g->c->source);
    for (int i = 1; i < g->count && err >= 0; i++)
        err = ta_compare_pane_measure(g->panes[i], g->panes[0], &g->c->contestants[i - 1].measures);
    return err;
}

static void finish_measure(struct ta_measures *m)
{
    double n = TA_MAX(m->pictures, 1);
    m->noise /= n;
    m->sharpness /= n;
    m->combing /= n;
    m->psnr /= n;
}

// ---- stills ----

static int keep_stills(struct grid *g, int excerpt)
{
    double scale = TA_MIN(1.0, (double)SHEET_WIDTH / g->cell.width);
    int err = 0;
    for (int i = 0; i < g->count && err >= 0; i++) {
        const AVFrame *f = ta_compare_pane_picture(g->panes[i]);
        struct ta_format from = g->cell, to = g->cell;
        struct ta_converter *converter = NULL;
        from.width = f->width;
        from.height = f->height;
        to.width = on_grid(f->width * scale);
        to.height = on_grid(f->height * scale);
        err = ta_converter_create(&converter, &from, &to, TA_KERNEL_LANCZOS, TA_DITHER_KIND_NONE, NULL);
        if (err >= 0)
            err = ta_converter_run(converter, f, &g->stills[excerpt * g->count + i], g->c->log);
        ta_converter_destroy(&converter);
    }
    return err;
}

// "noise 2.10, sharpness 8.4, 4.2 Mbit/s"
static char *sheet_detail(const struct grid *g, int pane)
{
    if (!pane)
        return ta_xprintf("noise %.2f, sharpness %.1f", g->c->source.noise, g->c->source.sharpness);
    const struct ta_measures *m = &g->c->contestants[pane - 1].measures;
    return ta_xprintf("noise %.2f, sharpness %.1f", m->noise, m->sharpness);
}

static int write_sheet(struct grid *g)
{
    int columns = TA_MIN(g->count, SHEET_COLUMNS), lines = (g->count + columns - 1) / columns;
    double scale = TA_MIN(1.0, (double)SHEET_WIDTH / g->cell.width);
    int w = on_grid(g->cell.width * scale), h = on_grid(g->cell.height * scale), strip = ta_board_strip(w, h);
    int block = strip + lines * (strip + h + GAP);
    struct ta_format f = g->cell;
    struct ta_board *board = NULL;
    AVFrame *sheet = NULL;
    f.width = columns * (w + GAP) - GAP;
    f.height = g->c->excerpt_count * block;
    int err = ta_board_create(&board, &f);
    if (err >= 0)
        err = ta_board_frame(board, &sheet);
    for (int e = 0; e < g->c->excerpt_count && err >= 0; e++) {
        char *place = place_text(g, e);
        ta_board_label(board, sheet, 0, e * block, f.width, strip, TA_BOARD_LEFT, ta_path_name(g->c->input),
                       place);
        free(place);
        for (int i = 0; i < g->count; i++) {
            const AVFrame *still = g->stills[e * g->count + i];
            int x = i % columns * (w + GAP), y = e * block + strip + i / columns * (strip + h + GAP);
            char *detail = sheet_detail(g, i);
            ta_board_label(board, sheet, x, y, w, strip, TA_BOARD_LEFT, ta_compare_pane_name(g->panes[i]),
                           detail);
            free(detail);
            int dx, dy;
            ta_compare_pane_place(g->panes[i], &dx, &dy);
            dx = TA_MIN(w - still->width, (int)(dx * scale / TA_BOARD_GRID + 0.5) * TA_BOARD_GRID);
            dy = TA_MIN(h - still->height, (int)(dy * scale / TA_BOARD_GRID + 0.5) * TA_BOARD_GRID);
            if (still->width != w || still->height != h)
                ta_board_box(board, sheet, x, y + strip, w, h, 0);
            ta_board_put(board, sheet, still, x + dx, y + strip + dy, 0, still->width);
        }
    }
    char *path = ta_path_join(g->c->folder, "contact.png");
    if (err >= 0)
        err = ta_still_write(path, sheet, &f, NULL, g->c->log);
    free(path);
    av_frame_free(&sheet);
    ta_board_destroy(&board);
    return err;
}

// ---- encoding ----

static int write_packets(struct grid *g)
{
    int got;
    while ((got = ta_encoder_receive(g->encoder, g->packet)) > 0) {
        int err = ta_segwriter_write(g->writer, g->packet);
        if (err < 0)
            return err;
        ta_meter_add(g->c->meter, 1, 0);
    }
    return got;
}

static int add_time(struct grid *g, int64_t time)
{
    if (g->frames + 2 > g->capacity) {
        g->capacity = TA_MAX(256, g->capacity * 2);
        g->times = ta_xrealloc(g->times, (size_t)g->capacity * sizeof *g->times);
    }
    g->times[g->frames] = time;
    return 0;
}

static int show_excerpt(struct grid *g, int excerpt, int64_t *clock)
{
    const struct ta_plan *p = g->master;
    const struct ta_excerpt *e = &g->c->excerpts[excerpt];
    int64_t start = ta_plan_time_of(p, p->index, e->first, 0), frame = 0,
            count = ta_plan_range(p, e->first, e->end).out_count, each = TA_MAX(1, count / SAMPLES);
    int err = 0;
    for (int i = 0; i < g->count && err >= 0; i++)
        err = ta_compare_pane_open(g->panes[i], excerpt);
    for (int64_t s = e->first; s < e->end && err >= 0; s++) {
        for (int field = 0; field < ta_plan_fields_of(p, s) && err >= 0; field++, frame++) {
            int64_t time = ta_plan_time_of(p, p->index, s, field) - start;
            AVFrame *board = NULL;
            if (ta_canceled(ta_meter_cancel(g->c->meter)))
                return TA_ERR_CANCELED;
            for (int i = 0; i < g->count && err >= 0; i++)
                err = ta_compare_pane_show(g->panes[i], s, field, (double)time * av_q2d(p->out_time_base));
            if (err >= 0 && frame % each == each / 2)
                err = measure(g);
            if (err >= 0 && frame == count / 2)
                err = keep_stills(g, excerpt);
            if (err >= 0)
                err = draw(g, excerpt, &board);
            if (err >= 0)
                err = ta_encoder_send(g->encoder, board);
            if (err >= 0)
                err = write_packets(g);
            add_time(g, *clock + time);
            g->frames++;
        }
    }
    int64_t end = e->end < p->first_frame + p->frame_count ? ta_plan_time_of(p, p->index, e->end, 0)
                                                           : ta_plan_end_time(p, p->index);
    *clock += end - start;
    return err;
}

static int open_writer(struct grid *g, const char *path)
{
    int fd = ta_folder_create(&g->c->held, ta_path_name(path), g->c->log);
    return fd < 0 ? fd : ta_segwriter_create(&g->writer, fd, path, ta_encoder_context(g->encoder), g->c->log);
}

static int encode(struct grid *g, struct ta_options *options)
{
    const struct ta_recipe_opts *wanted;
    struct ta_encoder_settings settings = {0};
    char *path = ta_path_join(g->c->temporary, "grid.nut"), sum[65];
    int64_t clock = 0, frames, bytes;
    int err = ta_options_recipe(options, &wanted, g->c->log);
    if (err >= 0) {
        struct ta_recipe_opts recipe = *wanted;
        recipe.hardware = false;
        err = ta_plan_encoder_for(&recipe, ta_encoder_find("h264"), &g->board_format, 0, NULL, &settings,
                                  g->c->log);
    }
    if (err >= 0 && settings.pix_fmt != g->cell.pix_fmt)
        err = TA_ERR_INTERNAL;
    if (err >= 0)
        err = ta_encoder_open(&g->encoder, &settings, &g->board_format, g->c->log);
    if (err >= 0)
        err = open_writer(g, path);
    for (int e = 0; e < g->c->excerpt_count && err >= 0; e++)
        err = show_excerpt(g, e, &clock);
    if (err >= 0)
        err = ta_encoder_send(g->encoder, NULL);
    if (err >= 0)
        err = write_packets(g);
    if (err >= 0)
        err = ta_segwriter_finish(g->writer, &frames, &bytes, sum);
    if (err >= 0)
        add_time(g, clock);
    ta_segwriter_destroy(&g->writer);
    ta_encoder_close(&g->encoder);
    ta_encoder_settings_release(&settings);
    if (err >= 0) {
        char *out = ta_path_join(g->c->folder, "grid.mp4"), *part = ta_path_join(g->c->temporary, "grid.mp4");
        err = ta_compare_mux(path, part, out, g->times, g->frames, &g->board_format,
                             ta_meter_cancel(g->c->meter), g->c->log);
        free(part);
        free(out);
    }
    free(path);
    return err;
}

int ta_compare_grid(struct ta_compare *c, struct ta_options *options)
{
    struct grid g = {.c = c, .count = c->count + 1, .packet = av_packet_alloc()};
    choose_master(&g);
    choose_cell(&g);
    g.panes = ta_xcalloc((size_t)g.count, sizeof(struct ta_compare_pane *));
    g.stills = ta_xcalloc((size_t)g.count * (size_t)c->excerpt_count, sizeof *g.stills);
    int err = g.packet ? ta_board_create(&g.board, &g.board_format) : TA_ERR_NOMEM;
    for (int i = 0; i < g.count && err >= 0; i++)
        g.panes[i] = ta_compare_pane_create(c, i ? &c->contestants[i - 1] : NULL, g.master, &g.cell);
    for (int i = 0; i < g.count; i++)
        *(i ? &c->contestants[i - 1].box : &c->box) = (struct ta_compare_box){
            .x = i % g.columns * (g.cell.width + GAP),
            .y = g.head + i / g.columns * (g.strip + g.cell.height + GAP) + g.strip,
            .width = g.cell.width,
            .height = g.cell.height};
    if (err >= 0)
        err = encode(&g, options);
    finish_measure(&c->source);
    for (int i = 0; i < c->count; i++)
        finish_measure(&c->contestants[i].measures);
    if (err >= 0)
        err = write_sheet(&g);
    c->result.width = g.board_format.width;
    c->result.height = g.board_format.height;
    c->result.frames = g.frames;
    c->result.panes = g.count;
    c->result.excerpts = c->excerpt_count;
    for (int i = 0; i < g.count * c->excerpt_count; i++)
        av_frame_free(&g.stills[i]);
    for (int i = 0; i < g.count; i++)
        ta_compare_pane_destroy(&g.panes[i]);
    free(g.stills);
    free(g.panes);
    free(g.times);
    av_packet_free(&g.packet);
    ta_board_destroy(&g.board);
    return err;
}
