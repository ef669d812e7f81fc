#include "pictures/compose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "draw/board.h"
#include "pictures/source_view.h"

enum {
    GAP = 8,  // between panes that stand side by side
    LINE = 4, // width of the moving line's bright part
    EDGE = 2, // and of its dark edges
};
static const double SWEEP_SECONDS = 8,
                    SWEEP_FROM = 0.08; // there and back; how near the line comes to the edges

struct ta_composer {
    const struct ta_plan *plan;
    struct ta_log *log;
    struct ta_board *board;
    struct ta_pane_maker *maker;
    struct ta_source_view *view;
    struct ta_format pane;
    int strip;
    int64_t source; // of the next picture
    int field;
};

// ---- geometry ----

// What both panes look like: the chain's pictures, upright, in a pixel format that boards take.
static struct ta_format pane_format(const struct ta_show *show, enum AVPixelFormat pix_fmt)
{
    struct ta_format f = show->chain;
    if (f.rotation % 180) {
        f.width = show->chain.height;
        f.height = show->chain.width;
        if (f.sar.num > 0)
            f.sar = (AVRational){f.sar.den, f.sar.num};
    }
    f.rotation = 0;
    f.pix_fmt = pix_fmt;
    f.scan = TA_SCAN_PROGRESSIVE;
    f.mixed_scan = false;
    return f;
}

static int on_grid(int n)
{
    return (n + TA_BOARD_GRID - 1) / TA_BOARD_GRID * TA_BOARD_GRID;
}

void ta_show_board(const struct ta_show *show, struct ta_format *board)
{
    struct ta_format pane = pane_format(show, ta_board_format(show->chain.pix_fmt));
    int strip = ta_board_strip(pane.width, pane.height);
    *board = pane;
    if (show->layout == TA_SHOW_SIDE)
        board->width = on_grid(pane.width) + GAP + pane.width;
    board->height = show->layout == TA_SHOW_STACK ? 2 * strip + on_grid(pane.height) + pane.height
                                                  : strip + pane.height;
    // Encoders of 4:2:0 want even sides.
    board->width = (board->width + 1) & ~1;
    board->height = (board->height + 1) & ~1;
}

// ---- panes ----

struct ta_pane_maker {
    struct ta_converter *converter; // NULL when only turning is to do
    int rotation;
    struct ta_log *log;
};

int ta_pane_maker_create(struct ta_pane_maker **out, const struct ta_format *chain,
                         const struct ta_format *pane, struct ta_log *log)
{
    struct ta_format to = *pane, from = *chain;
    struct ta_buf why = {0};
    int err = 0;
    *out = NULL;
    to.scan = from.scan = TA_SCAN_PROGRESSIVE;
    if (chain->rotation % 180) {
        to.width = pane->height;
        to.height = pane->width;
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(to.pix_fmt);
    if (chain->rotation % 180 && d->log2_chroma_w != d->log2_chroma_h) {
        ta_error(log, "pictures in %s can't be turned upright for a preview; --encoder h264 has others",
                 d->name);
        return TA_ERR_UNSUPPORTED;
    }
    bool convert = to.pix_fmt != from.pix_fmt || to.width != from.width || to.height != from.height;
    if (!convert && !chain->rotation)
        return 0;
    struct ta_pane_maker *m = ta_xcalloc(1, sizeof *m);
    m->rotation = chain->rotation;
    m->log = log;
    if (convert)
        err = ta_converter_create(&m->converter, &from, &to, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why);
    if (err < 0) {
        ta_error(log, "the result can't be shown: %s", ta_buf_text(&why));
        ta_pane_maker_destroy(&m);
    }
    ta_buf_release(&why);
    *out = m;
    return err;
}

int ta_pane_maker_run(struct ta_pane_maker *m, AVFrame **frame)
{
    int err = 0;
    if (m && m->converter) {
        AVFrame *made = NULL;
        err = ta_converter_run(m->converter, *frame, &made, m->log);
        av_frame_free(frame);
        *frame = made;
    }
    if (m && err >= 0)
        err = ta_picture_turn(frame, m->rotation);
    if (err < 0)
        av_frame_free(frame);
    return err;
}

void ta_pane_maker_destroy(struct ta_pane_maker **m)
{
    if (*m)
        ta_converter_destroy(&(*m)->converter);
    ta_freep(m);
}

// ---- frames ----

int ta_composer_create(struct ta_composer **out, const struct ta_plan *plan, const struct ta_segment *segment,
                       const struct ta_cancel *stop, struct ta_log *log)
{
    struct ta_composer *c = ta_xcalloc(1, sizeof *c);
    c->plan = plan;
    c->log = log;
    c->source = ta_plan_giving(c->plan, segment->source_first);
    c->pane = pane_format(plan->show, plan->out_format.pix_fmt);
    c->strip = ta_board_strip(c->pane.width, c->pane.height);
    struct ta_edges cut = ta_plan_cut(plan);
    struct ta_format board;
    ta_show_board(plan->show, &board);
    int err = 0;
    if (board.width != plan->out_format.width || board.height != plan->out_format.height) {
        ta_error(log, "the preview's size does not follow from its layout");
        err = TA_ERR_FORMAT;
    }
    if (err >= 0)
        err = ta_board_create(&c->board, &plan->out_format);
    if (err >= 0)
        err = ta_pane_maker_create(&c->maker, &plan->show->chain, &c->pane, log);
    if (err >= 0)
        err = ta_source_view_open(&c->view, plan, segment->source_first,
                                  segment->source_first + segment->source_count, &cut, &c->pane, stop, log);
    if (err < 0)
        ta_composer_destroy(&c);
    *out = c;
    return err < 0 ? err : 0;
}

void ta_composer_destroy(struct ta_composer **composer)
{
    struct ta_composer *c = *composer;
    *composer = NULL;
    if (!c)
        return;
    ta_source_view_close(&c->view);
    ta_pane_maker_destroy(&c->maker);
    ta_board_destroy(&c->board);
    free(c);
}

// The column of the line at an output time: there and back, even.
static int line_at(const struct ta_composer *c, int64_t time)
{
    double t = (double)time * av_q2d(c->plan->out_time_base) / SWEEP_SECONDS + 0.25;
    double wave = fabs(2 * (t - floor(t)) - 1); // 1 .. 0 .. 1
    double place = SWEEP_FROM + (1 - 2 * SWEEP_FROM) * wave;
    return (int)(place * c->pane.width) / TA_BOARD_GRID * TA_BOARD_GRID;
}

static void put_split(struct ta_composer *c, AVFrame *board, const AVFrame *source, const AVFrame *result)
{
    const struct ta_show *show = c->plan->show;
    int w = c->pane.width, h = c->pane.height, half = w / 2 / TA_BOARD_GRID * TA_BOARD_GRID;
    int x = line_at(c, ta_plan_time_of(c->plan, c->plan->index, c->source, c->field));
    ta_board_label(c->board, board, 0, 0, half, c->strip, TA_BOARD_LEFT, show->names[0], show->details[0]);
    ta_board_label(c->board, board, half, 0, w - half, c->strip, TA_BOARD_RIGHT, show->names[1],
                   show->details[1]);
    ta_board_put(c->board, board, source, 0, c->strip, 0, x);
    ta_board_put(c->board, board, result, x, c->strip, x, w - x);
    ta_board_box(c->board, board, x - LINE / 2 - EDGE, c->strip, LINE + 2 * EDGE, h, 0);
    ta_board_box(c->board, board, x - LINE / 2, c->strip, LINE, h, 0.95);
}

static void put_both(struct ta_composer *c, AVFrame *board, const AVFrame *source, const AVFrame *result)
{
    const struct ta_show *show = c->plan->show;
    int w = c->pane.width, h = c->pane.height;
    int x = show->layout == TA_SHOW_SIDE ? on_grid(w) + GAP : 0,
        y = show->layout == TA_SHOW_SIDE ? 0 : c->strip + on_grid(h);
    ta_board_label(c->board, board, 0, 0, w, c->strip, TA_BOARD_LEFT, show->names[0], show->details[0]);
    ta_board_label(c->board, board, x, y, w, c->strip, TA_BOARD_LEFT, show->names[1], show->details[1]);
    ta_board_put(c->board, board, source, 0, c->strip, 0, w);
    ta_board_put(c->board, board, result, x, y + c->strip, 0, w);
}

int ta_composer_frame(struct ta_composer *c, AVFrame **frame)
{
    const AVFrame *source = NULL;
    AVFrame *board = NULL;
    int64_t pts = (*frame)->pts;
    int err = ta_pane_maker_run(c->maker, frame);
    if (err < 0)
        return err;
    if ((*frame)->width != c->pane.width || (*frame)->height != c->pane.height ||
        (*frame)->format != (int)c->pane.pix_fmt) {
        ta_error(c->log, "the chain gave a picture of %dx%d where the preview was planned for %dx%d",
                 (*frame)->width, (*frame)->height, c->pane.width, c->pane.height);
        err = TA_ERR_INTERNAL;
    }
    if (err >= 0)
        err = ta_source_view_get(c->view, c->source, c->field / ta_plan_copies_of(c->plan, c->source),
                                 &source);
    if (err >= 0)
        err = ta_board_frame(c->board, &board);
    if (err >= 0 && c->plan->show->layout == TA_SHOW_SPLIT)
        put_split(c, board, source, *frame);
    else if (err >= 0)
        put_both(c, board, source, *frame);
    av_frame_free(frame);
    if (err < 0)
        return err;
    board->pts = pts;
    *frame = board;
    if (c->field + 1 < ta_plan_fields_of(c->plan, c->source)) {
        c->field++;
    } else {
        c->field = 0;
        c->source = ta_plan_giving(c->plan, c->source + 1);
    }
    return 0;
}
