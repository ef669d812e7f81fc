// Single pictures of a preview as PNG.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <terminalai/error.h>
#include <terminalai/preview.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/picture/convert.h"
#include "media/picture/png.h"
#include "draw/board.h"
#include "pictures/compose.h"
#include "pictures/frames.h"
#include "restore/output.h"
#include "show/preview.h"
#include "pictures/source_view.h"

enum { PANES = 3, STILL_GAP = 8, GAIN = 8 };

struct ta_format ta_still_format(const struct ta_format *chain)
{
    struct ta_format f = *chain;
    AVRational sar = f.sar.num > 0 && f.sar.den > 0 ? f.sar : (AVRational){1, 1};
    // Enlarged, never made smaller: no pixel is lost.
    if (av_q2d(sar) >= 1)
        f.width = (int)(f.width * av_q2d(sar) + 0.5);
    else
        f.height = (int)(f.height / av_q2d(sar) + 0.5);
    if (f.rotation % 180) {
        int w = f.width;
        f.width = f.height;
        f.height = w;
    }
    f.rotation = 0;
    f.sar = (AVRational){1, 1};
    f.scan = TA_SCAN_PROGRESSIVE;
    f.mixed_scan = false;
    f.pix_fmt = AV_PIX_FMT_YUV444P;
    f.range = AVCOL_RANGE_MPEG;
    // Pictures in files of their own have no HDR: what is whiter than white is clipped.
    if (f.transfer == AVCOL_TRC_SMPTE2084 || f.transfer == AVCOL_TRC_ARIB_STD_B67) {
        f.transfer = AVCOL_TRC_BT709;
        f.primaries = AVCOL_PRI_BT709;
        f.matrix = AVCOL_SPC_BT709;
    }
    if (ta_format_is_rgb(chain) || f.matrix == AVCOL_SPC_RGB || f.matrix == AVCOL_SPC_UNSPECIFIED)
        f.matrix = AVCOL_SPC_BT709;
    return f;
}

int ta_still_write(const char *path, const AVFrame *board, const struct ta_format *format, int64_t *bytes,
                   struct ta_log *log)
{
    struct ta_format from = *format, to = *format;
    struct ta_converter *converter = NULL;
    struct ta_buf why = {0};
    AVFrame *rgb = NULL;
    from.width = to.width = board->width;
    from.height = to.height = board->height;
    to.pix_fmt = AV_PIX_FMT_GBRP;
    to.matrix = AVCOL_SPC_RGB;
    to.range = AVCOL_RANGE_JPEG;
    int err = ta_converter_create(&converter, &from, &to, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why);
    if (err < 0)
        ta_error(log, "%s: %s", path, ta_buf_text(&why));
    if (err >= 0)
        err = ta_converter_run(converter, board, &rgb, log);
    if (err >= 0)
        err = ta_png_write(path, rgb, bytes, log);
    av_frame_free(&rgb);
    ta_converter_destroy(&converter);
    ta_buf_release(&why);
    return err;
}

int ta_still_difference(const AVFrame *a, const AVFrame *b, int gain, AVFrame **out)
{
    AVFrame *f = av_frame_clone(a);
    *out = NULL;
    if (!f || av_frame_make_writable(f) < 0) {
        av_frame_free(&f);
        return TA_ERR_NOMEM;
    }
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < f->height; y++) {
            uint8_t *to = f->data[p] + (ptrdiff_t)y * f->linesize[p];
            const uint8_t *other = b->data[p] + (ptrdiff_t)y * b->linesize[p];
            for (int x = 0; x < f->width; x++) {
                int v = 128 + gain * (other[x] - to[x]);
                to[x] = (uint8_t)TA_MAX(16, TA_MIN(p ? 240 : 235, v));
            }
        }
    *out = f;
    return 0;
}

struct still {
    const struct ta_plan *plan;
    struct ta_excerpt at;
    struct ta_log *log;
    struct ta_env env; // with this log
    struct ta_format pane;
    AVFrame *result, *difference;
    struct ta_source_view *view;
    const AVFrame *source;
};

// The first picture that the plan makes of the source frame.
static int make_result(struct still *s)
{
    struct ta_segment segment = ta_plan_range(s->plan, s->at.first, s->at.end);
    struct ta_frames *frames = NULL;
    struct ta_pane_maker *maker = NULL;
    int err = ta_frames_open(&frames, s->plan, &segment, &s->env);
    if (err >= 0)
        err = ta_frames_next(frames, &s->result);
    bool none = err >= 0 && !s->result;
    // The rest of what the frame gives: the chain is asked for all of it, so that a failure shows.
    for (AVFrame *more = s->result; err >= 0 && more;) {
        err = ta_frames_next(frames, &more);
        AVFrame *drop = more;
        av_frame_free(&drop);
    }
    err = ta_frames_close(&frames, none ? TA_ERR_INTERNAL : err, NULL);
    if (err >= 0)
        err = ta_pane_maker_create(&maker, &s->plan->out_format, &s->pane, s->log);
    if (err >= 0)
        err = ta_pane_maker_run(maker, &s->result);
    ta_pane_maker_destroy(&maker);
    return err;
}

static int put_together(struct still *s, const char *output, struct ta_preview_picture *out)
{
    struct ta_board *board = NULL;
    AVFrame *f = NULL;
    struct ta_format format = s->pane;
    int w = s->pane.width, step = w + STILL_GAP, strip = ta_board_strip(w, s->pane.height);
    format.width = PANES * w + (PANES - 1) * STILL_GAP;
    format.height = strip + s->pane.height;
    int err = ta_board_create(&board, &format);
    if (err >= 0)
        err = ta_board_frame(board, &f);
    if (err >= 0) {
        char *source = ta_show_source_detail(s->plan),
             *result = ta_show_result_detail(s->plan, &s->plan->out_format, true),
             *difference = ta_xprintf("%d times, grey is none", GAIN);
        const AVFrame *panes[PANES] = {s->source, s->result, s->difference};
        const char *names[PANES] = {"source", "restored", "difference"},
                   *details[PANES] = {source, result, difference};
        for (int i = 0; i < PANES; i++) {
            ta_board_label(board, f, i * step, 0, w, strip, TA_BOARD_LEFT, names[i], details[i]);
            ta_board_put(board, f, panes[i], i * step, strip, 0, w);
        }
        free(source);
        free(result);
        free(difference);
        out->width = format.width;
        out->height = format.height;
        err = ta_still_write(output, f, &format, &out->bytes, s->log);
    }
    av_frame_free(&f);
    ta_board_destroy(&board);
    return err;
}

static int make_still(struct still *s, const char *output, const char *start, struct ta_preview_picture *out)
{
    const struct ta_plan *p = s->plan;
    int err = ta_excerpt_find(p, start, 0, &s->at, s->log);
    if (err < 0)
        return err;
    struct ta_edges cut = ta_plan_cut(p);
    s->pane = ta_still_format(&p->out_format);
    out->source_frame = s->at.first;
    out->seconds = (double)ta_plan_time_of(p, p->index, s->at.first, 0) * av_q2d(p->out_time_base);
    err = make_result(s);
    if (err >= 0)
        err = ta_source_view_open(&s->view, p, s->at.first, s->at.end, &cut, &s->pane, s->env.cancel, s->log);
    if (err >= 0)
        err = ta_source_view_get(s->view, s->at.first, 0, &s->source);
    if (err >= 0)
        err = ta_still_difference(s->source, s->result, GAIN, &s->difference);
    if (err >= 0)
        err = put_together(s, output, out);
    return err;
}

int ta_preview_png(const char *input, const char *output, struct ta_options *options, const char *start,
                   const struct ta_callbacks *callbacks, struct ta_preview_picture *result,
                   struct ta_log *log)
{
    struct ta_plan *plan = NULL;
    struct ta_preview_picture out = {0};
    struct ta_meter meter;
    struct still s = {.log = ta_log_child(log, "preview")};
    ta_meter_init(&meter, callbacks);
    ta_log_set_about(s.log, input);
    s.env = ta_meter_env(&meter, ta_meter_cancel(&meter), s.log);
    struct ta_run_opts run;
    int err = ta_options_run(options, &run, s.log);
    if (err >= 0) {
        struct ta_guard g = {0};
        ta_guard_add_source(&g, input);
        ta_guard_add_options(&g, options);
        err = ta_output_check(&g, output, run.overwrite, s.log);
        ta_guard_release(&g);
        ta_opt_release(ta_run_options, &run);
    }
    if (err >= 0)
        err = ta_plan_create(&plan, input, NULL, options, callbacks, log);
    s.plan = plan;
    if (err >= 0 && plan->sound_only) {
        ta_error(s.log, "%s: there are no pictures to show: leave --pictures copy out", input);
        err = TA_ERR_USAGE;
    }
    if (err >= 0)
        err = make_still(&s, output, start, &out);
    if (err >= 0)
        ta_meter_start(&meter, TA_PHASE_DONE);
    ta_source_view_close(&s.view);
    av_frame_free(&s.result);
    av_frame_free(&s.difference);
    ta_meter_release(&meter);
    ta_plan_destroy(&plan);
    ta_log_destroy(&s.log);
    *result = out;
    return err < 0 ? err : 0;
}
