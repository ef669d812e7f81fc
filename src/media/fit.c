#include "media/fit.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "media/picture/convert.h"

// 720 columns hold 704 (or 702) of picture and some of blanking, and files say either: 2.6 % apart.
#define SAME_ASPECT 0.03

// ---- where ----

AVRational ta_usual_sar(int width, int height, bool *assumed)
{
    // What tapes, discs and broadcasts of standard definition are sampled to. Of 480 lines, 640 columns are
    // square pixels.
    static const int widths[] = {720, 704, 702, 544, 528, 480, 352};
    static const int heights[] = {576, 486, 480, 288, 243, 240};
    bool sd = false;
    for (size_t i = 0; i < TA_COUNT(widths); i++)
        for (size_t k = 0; k < TA_COUNT(heights); k++)
            sd |= width == widths[i] && height == heights[k];
    AVRational sar = {1, 1};
    if (sd)
        av_reduce(&sar.num, &sar.den, 4 * (int64_t)height, 3 * (int64_t)width, INT32_MAX);
    if (assumed)
        *assumed = sd;
    return sar;
}

double ta_display_aspect(int width, int height, AVRational sar)
{
    if (sar.num <= 0 || sar.den <= 0)
        sar = ta_usual_sar(width, height, NULL);
    return (double)width * sar.num / sar.den / height;
}

bool ta_same_aspect(double a, double b)
{
    return fabs(a / b - 1) <= SAME_ASPECT;
}

static int round_down(double x, int step)
{
    return TA_MAX(step, (int)(x / step + 0.5) * step);
}

struct ta_place ta_fit_place(const struct ta_format *frame, int width, int height, AVRational sar)
{
    struct ta_place p = {0, 0, frame->width, frame->height};
    double own = ta_display_aspect(width, height, sar),
           all = ta_display_aspect(frame->width, frame->height, frame->sar);
    if (ta_same_aspect(own, all))
        return p;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(ta_pix_fmt_planar(frame->pix_fmt));
    int across = d ? 1 << d->log2_chroma_w : 2, down = d ? 2 << d->log2_chroma_h : 4;
    if (own < all) {
        p.width = TA_MIN(frame->width, round_down(frame->width * own / all, 2 * across));
        p.x = (frame->width - p.width) / 2 / across * across;
    } else {
        p.height = TA_MIN(frame->height, round_down(frame->height * all / own, 2 * down));
        p.y = (frame->height - p.height) / 2 / down * down;
    }
    return p;
}

static bool is_whole(const struct ta_place *p, const struct ta_format *frame)
{
    return p->width == frame->width && p->height == frame->height;
}

int ta_fit_parts(const struct ta_index *index, const struct ta_format *frame, int64_t first, int64_t count,
                 struct ta_part **parts)
{
    bool plain = true;
    int n = 0;
    *parts = NULL;
    if (!index->part_count)
        return 0;
    struct ta_part *list = ta_xcalloc((size_t)index->part_count, sizeof *list);
    for (int i = 0; i < index->part_count; i++) {
        const struct ta_index_part *from = &index->parts[i];
        int64_t end = i + 1 < index->part_count ? index->parts[i + 1].first : (int64_t)index->frame_count;
        int64_t begin = TA_MAX(from->first, first);
        end = TA_MIN(end, first + count);
        if (begin >= end)
            continue;
        struct ta_part *p = &list[n++];
        *p = (struct ta_part){.first = begin,
                              .count = end - begin,
                              .width = from->width,
                              .height = from->height,
                              .sar = from->sar};
        for (int64_t k = begin; k < end; k++)
            p->interlaced |= (index->frames[k].flags & TA_FRAME_INTERLACED) != 0;
        p->place = ta_fit_place(frame, p->width, p->height, p->sar);
        plain &= is_whole(&p->place, frame) && p->width == frame->width && p->height == frame->height;
    }
    if (plain) {
        free(list);
        return 0;
    }
    *parts = list;
    return n;
}

const struct ta_part *ta_part_of(const struct ta_part *parts, int count, int64_t frame)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (parts[middle].first + parts[middle].count <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && parts[low].first <= frame ? &parts[low] : NULL;
}

// ---- how ----

struct ta_fitter {
    struct ta_format frame;
    struct ta_log *log;
    // For pictures of this format and place.
    struct ta_format from, to;
    struct ta_converter *converter; // NULL: `scaler`
    struct SwsContext *scaler;      // for what the converter does not take
};

void ta_fitter_create(struct ta_fitter **out, const struct ta_format *frame, struct ta_log *log)
{
    struct ta_fitter *t = ta_xcalloc(1, sizeof *t);
    t->frame = *frame;
    t->log = log;
    t->from.pix_fmt = AV_PIX_FMT_NONE;
    *out = t;
}

void ta_fitter_destroy(struct ta_fitter **t)
{
    if (!*t)
        return;
    ta_converter_destroy(&(*t)->converter);
    sws_freeContext((*t)->scaler);
    ta_freep(t);
}

static bool same_kind(const struct ta_format *a, const struct ta_format *b)
{
    return a->pix_fmt == b->pix_fmt && a->width == b->width && a->height == b->height && a->scan == b->scan &&
           a->primaries == b->primaries && a->transfer == b->transfer && a->matrix == b->matrix &&
           a->range == b->range && a->chroma_location == b->chroma_location;
}

// The picture's own colours where it names them, else those usual for its size.
static struct ta_format format_of(const struct ta_fitter *t, const AVFrame *f, bool interlaced)
{
    struct ta_format o = t->frame;
    o.pix_fmt = ta_pix_fmt_plain(f->format);
    o.width = f->width;
    o.height = f->height;
    o.scan = interlaced ? TA_SCAN_TFF : TA_SCAN_PROGRESSIVE;
    o.primaries = f->color_primaries;
    o.transfer = f->color_trc;
    o.matrix = f->colorspace;
    o.chroma_location = f->chroma_location;
    o.range = o.pix_fmt != f->format                                ? AVCOL_RANGE_JPEG
              : f->color_range != AVCOL_RANGE_UNSPECIFIED           ? f->color_range
              : ta_format_is_rgb(&o) == ta_format_is_rgb(&t->frame) ? t->frame.range
                                                                    : AVCOL_RANGE_UNSPECIFIED;
    bool same_lines = f->height == t->frame.height;
    if (same_lines && o.matrix == AVCOL_SPC_UNSPECIFIED && !ta_format_is_rgb(&t->frame))
        o.matrix = t->frame.matrix;
    if (same_lines && o.primaries == AVCOL_PRI_UNSPECIFIED)
        o.primaries = t->frame.primaries;
    ta_format_resolve_colour(&o);
    return o;
}

static int set_up(struct ta_fitter *t, const struct ta_format *from, const struct ta_format *to)
{
    struct ta_buf why = {0};
    int err = TA_ERR_UNSUPPORTED;
    ta_converter_destroy(&t->converter);
    if (ta_convert_takes(from->pix_fmt) && ta_convert_takes(to->pix_fmt))
        err = ta_converter_create(&t->converter, from, to, TA_KERNEL_BICUBIC, TA_DITHER_KIND_NONE, &why);
    if (err < 0)
        ta_debug(t->log, "pictures are fitted without zimg: %s",
                 why.size ? ta_buf_text(&why) : "it does not take their format");
    ta_buf_release(&why);
    t->from = *from;
    t->to = *to;
    return 0;
}

static AVFrame *new_frame(const struct ta_format *f, const AVFrame *like)
{
    AVFrame *out = av_frame_alloc();
    if (!out)
        return NULL;
    out->format = f->pix_fmt;
    out->width = f->width;
    out->height = f->height;
    if (av_frame_get_buffer(out, 0) < 0 || av_frame_copy_props(out, like) < 0)
        av_frame_free(&out);
    return out;
}

// Formats that zimg does not take, by swscale.
static int scale_otherwise(struct ta_fitter *t, const AVFrame *f, AVFrame **out)
{
    const struct ta_format *from = &t->from, *to = &t->to;
    if (!(*out = new_frame(to, f)))
        return TA_ERR_NOMEM;
    ta_av_setup_begin(false);
    t->scaler = sws_getCachedContext(
        t->scaler, from->width, from->height, from->pix_fmt, to->width, to->height, to->pix_fmt,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    ta_av_setup_end(false);
    int ret = t->scaler ? 0 : AVERROR(EINVAL);
    if (ret >= 0) {
        const int *a = sws_getCoefficients(from->matrix == AVCOL_SPC_RGB ? SWS_CS_DEFAULT
                                                                         : (int)from->matrix),
                  *b = sws_getCoefficients(to->matrix == AVCOL_SPC_RGB ? SWS_CS_DEFAULT : (int)to->matrix);
        // It refuses where there is nothing to set (RGB to RGB): no matter then.
        sws_setColorspaceDetails(t->scaler, a, from->range == AVCOL_RANGE_JPEG, b,
                                 to->range == AVCOL_RANGE_JPEG, 0, 1 << 16, 1 << 16);
        ret = sws_scale(t->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height, (*out)->data,
                        (*out)->linesize);
    }
    if (ret >= 0)
        return 0;
    av_frame_free(out);
    return ta_error_from_av(ret);
}

// The picture at its place in a black frame.
static int pad(const struct ta_fitter *t, const struct ta_place *p, AVFrame **f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(t->frame.pix_fmt);
    AVFrame *out = new_frame(&t->frame, *f);
    if (!out)
        return TA_ERR_NOMEM;
    ptrdiff_t lines[4] = {out->linesize[0], out->linesize[1], out->linesize[2], out->linesize[3]};
    // What can't be black is left as it is, which is the place's surroundings only.
    av_image_fill_black(out->data, lines, out->format, t->frame.range, out->width, out->height);
    int steps[4] = {0};
    av_image_fill_max_pixsteps(steps, NULL, d);
    uint8_t *at[4] = {NULL};
    for (int i = 0; i < 4 && out->data[i]; i++) {
        bool chroma = i == 1 || i == 2;
        int x = chroma ? p->x >> d->log2_chroma_w : p->x, y = chroma ? p->y >> d->log2_chroma_h : p->y;
        at[i] = out->data[i] + (ptrdiff_t)y * out->linesize[i] + (ptrdiff_t)x * steps[i];
    }
    av_image_copy(at, out->linesize, (const uint8_t **)(*f)->data, (*f)->linesize, out->format, p->width,
                  p->height);
    av_frame_free(f);
    *f = out;
    return 0;
}

static int fail(const struct ta_fitter *t, const AVFrame *f, int err, const char *name)
{
    ta_error(t->log, "%s: frame %" PRId64 " (%dx%d %s) can't be converted to %dx%d %s", name, f->pts,
             f->width, f->height, av_get_pix_fmt_name(f->format), t->frame.width, t->frame.height,
             av_get_pix_fmt_name(t->frame.pix_fmt));
    return err;
}

int ta_fitter_run(struct ta_fitter *t, AVFrame **frame, const struct ta_place *place, bool interlaced,
                  const char *name)
{
    AVFrame *f = *frame;
    enum AVPixelFormat plain = ta_pix_fmt_plain(f->format);
    if (plain == t->frame.pix_fmt && f->width == place->width && f->height == place->height) {
        if (plain != f->format) { // the same samples by another name
            f->format = plain;
            f->color_range = AVCOL_RANGE_JPEG;
        }
        if (is_whole(place, &t->frame))
            return 0;
        int err = pad(t, place, frame);
        return err < 0 ? fail(t, *frame, err, name) : 0;
    }
    // Only lines that are made anew can mix fields.
    struct ta_format from = format_of(t, f, interlaced && f->height != place->height), to = t->frame;
    to.width = place->width;
    to.height = place->height;
    to.scan = from.scan;
    int err = same_kind(&from, &t->from) && same_kind(&to, &t->to) ? 0 : set_up(t, &from, &to);
    AVFrame *out = NULL;
    int format = f->format;
    f->format = plain;
    if (err >= 0)
        err = t->converter ? ta_converter_run(t->converter, f, &out, t->log) : scale_otherwise(t, f, &out);
    f->format = format;
    if (err < 0)
        return fail(t, f, err, name);
    if (!is_whole(place, &t->frame)) {
        err = pad(t, place, &out);
        if (err < 0) {
            av_frame_free(&out);
            return fail(t, f, err, name);
        }
    }
    av_frame_free(frame);
    *frame = out;
    return 0;
}
