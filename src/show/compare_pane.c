#include "show/compare_pane.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/file.h"
#include "base/path.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/mux/mux.h"
#include "media/mux/segfile.h"
#include "diagnose/field_metrics.h"
#include "draw/board.h"
#include "pictures/compose.h"
#include "pictures/source_view.h"
#include "video/chain.h"
#include "video/stages.h"

static const double NEVER = 1e300;

struct ta_compare_pane {
    struct ta_compare *c;
    struct ta_contestant *contestant; // NULL: the source
    const struct ta_plan *plan;
    struct ta_format format; // fitted into the cell
    int x, y;                // there
    char *detail;
    int excerpt;
    // The source.
    struct ta_source_view *view;
    const AVFrame *source;
    // A result: its encoded excerpt is decoded in step.
    struct ta_segreader *reader;
    AVCodecContext *decoder;
    AVPacket *packet;
    struct ta_stage_plan unpack; // packed pixels to planes; info NULL when not needed
    struct ta_chain *chain;
    struct ta_pane_maker *maker;
    struct ta_format native_format; // of frames in planes
    bool drained;
    int64_t next_source; // of the picture that comes next
    int next_field;
    AVFrame *native, *fitted;
};

static int fit(double n, double scale)
{
    return TA_MAX(TA_BOARD_GRID, (int)(n * scale / TA_BOARD_GRID + 0.5) * TA_BOARD_GRID);
}

static int steps(double n, int most)
{
    return TA_MIN(most, (int)(n / TA_BOARD_GRID + 0.5) * TA_BOARD_GRID);
}

// The part that is left, as it is shown, in parts of the whole.
struct kept {
    double x, y, width, height;
};

static struct kept kept_of(const struct ta_edges *cut, const struct ta_format *source)
{
    // Turned back: what is stored at a side is shown at the one it is turned to.
    struct ta_edges e = ta_edges_stored(cut, (360 - source->rotation) % 360);
    bool turned = source->rotation % 180 != 0;
    double w = turned ? source->height : source->width, h = turned ? source->width : source->height;
    return (struct kept){.x = (double)e.left / w,
                         .y = (double)e.top / h,
                         .width = 1 - (double)(e.left + e.right) / w,
                         .height = 1 - (double)(e.top + e.bottom) / h};
}

void ta_compare_whole_size(const struct ta_contestant *c, double *width, double *height)
{
    struct ta_format f = ta_still_format(&c->plan->out_format);
    struct kept kept = kept_of(&c->cut, &c->plan->source_format);
    *width = f.width / kept.width;
    *height = f.height / kept.height;
}

// The largest picture of this shape in the cell: the whole first, then what is kept of it.
static void place(struct ta_compare_pane *p, const struct ta_format *cell)
{
    struct ta_format f = ta_still_format(p->contestant ? &p->plan->out_format : &p->plan->source_format);
    struct kept kept = {.width = 1, .height = 1};
    double width = f.width, height = f.height;
    if (p->contestant) {
        kept = kept_of(&p->contestant->cut, &p->plan->source_format);
        ta_compare_whole_size(p->contestant, &width, &height);
    }
    double scale = TA_MIN(cell->width / width, cell->height / height);
    int w = TA_MIN(cell->width, fit(width, scale)), h = TA_MIN(cell->height, fit(height, scale));
    p->format = *cell;
    p->format.width = TA_MIN(w, fit(kept.width, w));
    p->format.height = TA_MIN(h, fit(kept.height, h));
    p->x = (cell->width - w) / 2 / TA_BOARD_GRID * TA_BOARD_GRID + steps(kept.x * w, w - p->format.width);
    p->y = (cell->height - h) / 2 / TA_BOARD_GRID * TA_BOARD_GRID + steps(kept.y * h, h - p->format.height);
}

struct ta_compare_pane *ta_compare_pane_create(struct ta_compare *c, struct ta_contestant *contestant,
                                               const struct ta_plan *master, const struct ta_format *cell)
{
    struct ta_compare_pane *p = ta_xcalloc(1, sizeof *p);
    p->c = c;
    p->contestant = contestant;
    p->plan = contestant ? contestant->plan : master;
    place(p, cell);
    p->detail = contestant ? ta_show_result_detail(p->plan, &p->plan->out_format, false)
                           : ta_show_source_detail(p->plan);
    return p;
}

static void close_excerpt(struct ta_compare_pane *p)
{
    ta_source_view_close(&p->view);
    ta_segreader_close(&p->reader);
    avcodec_free_context(&p->decoder);
    av_packet_free(&p->packet);
    ta_chain_destroy(&p->chain);
    if (p->unpack.info)
        ta_stage_plan_release(&p->unpack);
    p->unpack = (struct ta_stage_plan){0};
    ta_pane_maker_destroy(&p->maker);
    av_frame_free(&p->native);
    av_frame_free(&p->fitted);
    p->source = NULL;
    p->drained = false;
}

void ta_compare_pane_destroy(struct ta_compare_pane **pane)
{
    struct ta_compare_pane *p = *pane;
    *pane = NULL;
    if (!p)
        return;
    close_excerpt(p);
    free(p->detail);
    free(p);
}

// ---- decoding a result ----

static int open_decoder(struct ta_compare_pane *p)
{
    const AVCodecParameters *par = ta_segreader_parameters(p->reader);
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    p->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    p->packet = av_packet_alloc();
    if (!p->decoder || !p->packet)
        return codec ? TA_ERR_NOMEM : TA_ERR_UNSUPPORTED;
    int ret = avcodec_parameters_to_context(p->decoder, par);
    p->decoder->thread_count = 1;
    p->decoder->flags |= AV_CODEC_FLAG_BITEXACT;
    if (ret >= 0)
        ret = ta_av_open(p->decoder, codec, NULL);
    if (ret >= 0)
        return 0;
    ta_error(p->c->log, "%s: what it was encoded to can't be decoded: %s", p->contestant->preset,
             ta_av_text(ret));
    return ta_error_from_av(ret);
}

// Frames come as the encoder took them: packed ones are unpacked, then fitted.
static int open_maker(struct ta_compare_pane *p)
{
    struct ta_format from = p->plan->out_format;
    enum AVPixelFormat planar = ta_pix_fmt_planar(from.pix_fmt);
    int count = 0, err = 0;
    if (planar != from.pix_fmt && planar != AV_PIX_FMT_NONE) {
        ta_stage_plan_init(&p->unpack, &ta_stage_planar, &from);
        struct ta_planar_opts *o = p->unpack.opts;
        free(o->pix_fmt);
        o->pix_fmt = ta_xstrdup(av_get_pix_fmt_name(planar));
        err = ta_stage_plan_configure(&p->unpack, p->c->log);
        from = p->unpack.out;
        count = 1;
    }
    if (err >= 0)
        err = ta_chain_create(&p->chain, &p->unpack, count, &(struct ta_env){.log = p->c->log});
    p->native_format = from;
    return err < 0 ? err : ta_pane_maker_create(&p->maker, &from, &p->format, p->c->log);
}

int ta_compare_pane_open(struct ta_compare_pane *p, int excerpt)
{
    const struct ta_excerpt *e = &p->c->excerpts[excerpt];
    close_excerpt(p);
    p->excerpt = excerpt;
    p->next_source = ta_plan_giving(p->plan, e->first);
    p->next_field = 0;
    if (!p->contestant)
        return ta_source_view_open(&p->view, p->plan, e->first, e->end, NULL, &p->format,
                                   ta_meter_cancel(p->c->meter), p->c->log);
    int err = ta_segreader_open(&p->reader, p->contestant->files[excerpt], p->c->log);
    if (err >= 0)
        err = open_decoder(p);
    return err < 0 ? err : open_maker(p);
}

static int take_native(void *receiver, AVFrame *f)
{
    struct ta_compare_pane *p = receiver;
    av_frame_free(&p->native);
    p->native = f;
    return 0;
}

static int decode_next(struct ta_compare_pane *p)
{
    AVFrame *f = av_frame_alloc();
    int ret = f ? avcodec_receive_frame(p->decoder, f) : AVERROR(ENOMEM);
    while (ret == AVERROR(EAGAIN) && !p->drained) {
        int got = ta_segreader_next(p->reader, p->packet);
        if (got < 0) {
            av_frame_free(&f);
            return got;
        }
        p->drained = !got;
        ret = avcodec_send_packet(p->decoder, got ? p->packet : NULL);
        av_packet_unref(p->packet);
        if (ret >= 0)
            ret = avcodec_receive_frame(p->decoder, f);
    }
    if (ret < 0) {
        av_frame_free(&f);
        ta_error(p->c->log, "%s: what it was encoded to ends too early: %s", p->contestant->preset,
                 ta_av_text(ret));
        return TA_ERR_DAMAGED;
    }
    ta_format_tag_frame(&p->plan->out_format, f);
    ta_frame_set_interlaced(f, false, false);
    return ta_chain_push(p->chain, f, take_native, p);
}

static double next_time(const struct ta_compare_pane *p)
{
    const struct ta_excerpt *e = &p->c->excerpts[p->excerpt];
    if (p->next_source >= e->end)
        return NEVER;
    return (double)(ta_plan_time_of(p->plan, p->plan->index, p->next_source, p->next_field) -
                    ta_plan_time_of(p->plan, p->plan->index, e->first, 0)) *
           av_q2d(p->plan->out_time_base);
}

int ta_compare_pane_show(struct ta_compare_pane *p, int64_t source, int field, double seconds)
{
    if (!p->contestant)
        return ta_source_view_get(p->view, source, field / ta_plan_copies_of(p->plan, source), &p->source);
    int err = 0;
    bool moved = false;
    // Plans of one source differ by less than a tick where they show the same moment.
    // There is always something to show.
    while (err >= 0 && (next_time(p) <= seconds + 0.0005 || (!p->native && next_time(p) < NEVER))) {
        err = decode_next(p);
        if (p->next_field + 1 < ta_plan_fields_of(p->plan, p->next_source)) {
            p->next_field++;
        } else {
            p->next_field = 0;
            p->next_source = ta_plan_giving(p->plan, p->next_source + 1);
        }
        moved = true;
    }
    if (err < 0 || !moved)
        return err;
    av_frame_free(&p->fitted);
    p->fitted = av_frame_clone(p->native);
    return p->fitted ? ta_pane_maker_run(p->maker, &p->fitted) : TA_ERR_NOMEM;
}

const AVFrame *ta_compare_pane_picture(const struct ta_compare_pane *p)
{
    return p->contestant ? p->fitted : p->source;
}

void ta_compare_pane_place(const struct ta_compare_pane *p, int *x, int *y)
{
    *x = p->x;
    *y = p->y;
}

// ---- measuring ----

// The luma of `native` with 8 bits, at the source's size, and of it what all presets show. A new frame.
static int probe(const struct ta_compare_pane *p, const AVFrame *native, AVFrame **out)
{
    static const struct ta_edges none = {0};
    const struct ta_edges *own = p->contestant ? &p->contestant->cut : &none, *all = &p->c->cut;
    struct ta_format from = p->contestant ? p->native_format : p->plan->source_format,
                     to = p->plan->source_format;
    struct ta_pane_maker *maker = NULL;
    from.pix_fmt = native->format;
    from.rotation = 0;
    to.pix_fmt = AV_PIX_FMT_GRAY8;
    to.range = from.range;
    to.matrix = from.matrix;
    to.rotation = 0;
    to.width -= (int)(own->left + own->right);
    to.height -= (int)(own->top + own->bottom);
    *out = av_frame_clone(native);
    if (!*out)
        return TA_ERR_NOMEM;
    int err = ta_pane_maker_create(&maker, &from, &to, p->c->log);
    if (err >= 0)
        err = ta_pane_maker_run(maker, out);
    else
        av_frame_free(out);
    ta_pane_maker_destroy(&maker);
    if (err >= 0)
        ta_edges_cut(&(struct ta_edges){.top = all->top - own->top,
                                        .right = all->right - own->right,
                                        .bottom = all->bottom - own->bottom,
                                        .left = all->left - own->left},
                     *out);
    return err;
}

static const AVFrame *native_of(const struct ta_compare_pane *p)
{
    return p->contestant ? p->native : ta_source_view_frame(p->view);
}

// Of the lines as they were decoded, which is where combs are; without those that others cut off.
static int combing(const struct ta_compare_pane *p, double *out)
{
    static const struct ta_edges none = {0};
    const struct ta_format *source = &p->plan->source_format;
    const struct ta_edges *own = p->contestant ? &p->contestant->cut : &none, *all = &p->c->cut;
    const AVFrame *native = native_of(p);
    enum { STEP = 4 }; // whole pairs of lines in all planes
    double x = (double)native->width / (double)(source->width - own->left - own->right),
           y = (double)native->height / (double)(source->height - own->top - own->bottom);
    AVFrame *part = av_frame_clone(native);
    if (!part)
        return TA_ERR_NOMEM;
    ta_edges_cut(
        &(struct ta_edges){.top = (int64_t)((double)(all->top - own->top) * y) / STEP * STEP,
                           .right = (int64_t)((double)(all->right - own->right) * x) / STEP * STEP,
                           .bottom = (int64_t)((double)(all->bottom - own->bottom) * y) / STEP * STEP,
                           .left = (int64_t)((double)(all->left - own->left) * x) / STEP * STEP},
        part);
    *out = ta_field_combing(part);
    av_frame_free(&part);
    return 0;
}

// What a result is held against: fields where it has pictures of fields, frames where fields stay woven.
static const AVFrame *truth_for(const struct ta_compare_pane *p, const struct ta_compare_pane *source)
{
    return p->plan->out_format.scan == TA_SCAN_PROGRESSIVE ? ta_source_view_picture(source->view)
                                                           : ta_source_view_frame(source->view);
}

int ta_compare_pane_measure(const struct ta_compare_pane *p, const struct ta_compare_pane *source,
                            struct ta_measures *sum)
{
    struct ta_picture_measure one;
    AVFrame *own = NULL, *other = NULL;
    double combs = 0;
    int err = combing(p, &combs);
    if (err >= 0)
        err = probe(p, native_of(p), &own);
    if (err >= 0 && source)
        err = probe(source, truth_for(p, source), &other);
    if (err >= 0) {
        ta_picture_measure(own, &one);
        sum->pictures++;
        sum->noise += one.noise;
        sum->sharpness += one.sharpness;
        sum->combing += combs;
        if (source)
            sum->psnr += ta_picture_psnr(own, other, 0, 0, TA_MIN(own->width, other->width),
                                         TA_MIN(own->height, other->height));
    }
    av_frame_free(&own);
    av_frame_free(&other);
    return err;
}

const char *ta_compare_pane_name(const struct ta_compare_pane *p)
{
    return p->contestant ? ta_path_name(p->contestant->preset) : "source";
}

const char *ta_compare_pane_detail(const struct ta_compare_pane *p)
{
    return p->detail;
}

// ---- the file ----

struct grid_lane {
    struct ta_lane lane;
    struct ta_segreader *reader;
    const int64_t *times;
    int64_t frames, given;
    int delay;
};

static int next_packet(struct ta_lane *lane, AVPacket *packet)
{
    struct grid_lane *g = (struct grid_lane *)lane;
    int got = ta_segreader_next(g->reader, packet);
    if (got <= 0)
        return got;
    int64_t step = g->frames > 1 ? g->times[1] - g->times[0] : 1, k = packet->pts, at = g->given++ - g->delay;
    packet->pts = g->times[k];
    packet->duration = g->times[k + 1] - g->times[k];
    packet->dts = at < 0 ? g->times[0] + at * TA_MAX(step, 1) : g->times[at];
    return 1;
}

static void destroy_lane(struct ta_lane *lane)
{
    struct grid_lane *g = (struct grid_lane *)lane;
    ta_segreader_close(&g->reader);
    avcodec_parameters_free(&lane->parameters);
    free(g);
}

int ta_compare_mux(const char *segment, const char *part, const char *path, const int64_t *times,
                   int64_t frames, const struct ta_format *format, const struct ta_cancel *cancel,
                   struct ta_log *log)
{
    struct grid_lane *g = ta_xcalloc(1, sizeof *g);
    struct ta_lane *lane = &g->lane;
    g->lane = (struct ta_lane){.next = next_packet,
                               .destroy = destroy_lane,
                               .time_base = format->time_base,
                               .frame_rate = format->frame_rate,
                               .sar = (AVRational){1, 1},
                               .parameters = avcodec_parameters_alloc()};
    g->times = times;
    g->frames = frames;
    int err = lane->parameters ? ta_segreader_open(&g->reader, segment, log) : TA_ERR_NOMEM;
    if (err >= 0 && avcodec_parameters_copy(lane->parameters, ta_segreader_parameters(g->reader)) < 0)
        err = TA_ERR_NOMEM;
    if (err >= 0) {
        g->delay = ta_segreader_reorder(g->reader);
        struct ta_mux_params params = {.path = part,
                                       .container = ta_container_find("mp4"),
                                       .lanes = &lane,
                                       .lane_count = 1,
                                       .start = AV_NOPTS_VALUE,
                                       .end = AV_NOPTS_VALUE,
                                       .faststart = true,
                                       .cancel = cancel,
                                       .log = log};
        err = ta_mux_write(&params, NULL);
    }
    if (err >= 0)
        err = ta_file_commit(part, path, log);
    ta_lane_destroy(&lane);
    return err;
}
