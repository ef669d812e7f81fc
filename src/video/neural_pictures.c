#include "video/neural.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/picture/convert.h"
#include "media/picture/frame_pool.h"

void ta_neural_facts_release(struct ta_neural_facts *f)
{
    free(f->why);
    free(f->engine);
    free(f->runtime);
    free(f->provider);
    free(f->model);
    free(f->pair);
    *f = (struct ta_neural_facts){0};
}

// Between the frames and the numbers lie 16 bit planes of full range: finer than any source.
static const float MOST = 65535;
static const enum AVPixelFormat RGB16 = AV_PIX_FMT_GBRP16, GRAY16 = AV_PIX_FMT_GRAY16;

struct ta_neural_pictures {
    struct ta_format in, larger;
    int planes;
    float step; // of 16 bits, for 1 in the numbers
    struct ta_pool *pool;
    bool gray;
    // A conversion is NULL where there is nothing to convert.
    struct ta_converter *to_deep;   // to what numbers are made of
    struct ta_converter *chroma;    // enlarged by zimg, luma too, which is replaced
    struct ta_converter *from_deep; // what numbers were made into, to the output's format, or its luma
    struct ta_frame_pool *deep;     // of large frames
};

// ---- formats ----

static bool is_gray(const struct ta_format *f)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    return d && d->nb_components <= 2 && !ta_format_is_rgb(f);
}

int ta_neural_format(const struct ta_format *in, int factor, struct ta_format *out, struct ta_buf *why)
{
    if (!ta_convert_takes(in->pix_fmt)) {
        ta_buf_printf(why, "does not take %s", av_get_pix_fmt_name(in->pix_fmt));
        return TA_ERR_UNSUPPORTED;
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    enum AVPixelFormat base = is_gray(in)            ? AV_PIX_FMT_GRAY8
                              : ta_format_is_rgb(in) ? AV_PIX_FMT_GBRP
                              : d->log2_chroma_h     ? AV_PIX_FMT_YUV420P
                              : d->log2_chroma_w     ? AV_PIX_FMT_YUV422P
                                                     : AV_PIX_FMT_YUV444P;
    enum AVPixelFormat deep = ta_pix_fmt_with_depth(base, d->comp[0].depth);
    if (deep == AV_PIX_FMT_NONE)
        deep = ta_pix_fmt_with_depth(base, 16);
    if (deep == AV_PIX_FMT_NONE || (int64_t)in->width * factor > 65535 ||
        (int64_t)in->height * factor > 65535) {
        ta_buf_printf(why, "does not enlarge pictures of %dx%d in %s %d times", in->width, in->height,
                      d->name, factor);
        return TA_ERR_UNSUPPORTED;
    }
    out->pix_fmt = deep;
    out->width = in->width * factor;
    out->height = in->height * factor;
    bool yuv = !is_gray(in) && !ta_format_is_rgb(in);
    if (yuv && out->matrix == AVCOL_SPC_UNSPECIFIED)
        out->matrix = in->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    if (out->range == AVCOL_RANGE_UNSPECIFIED)
        out->range = ta_format_is_rgb(in) ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    if (yuv && d->log2_chroma_w && out->chroma_location == AVCHROMA_LOC_UNSPECIFIED)
        out->chroma_location = AVCHROMA_LOC_LEFT;
    return 0;
}

static struct ta_format with(const struct ta_format *f, enum AVPixelFormat pix_fmt)
{
    struct ta_format out = *f;
    out.pix_fmt = pix_fmt;
    out.range = AVCOL_RANGE_JPEG;
    if (pix_fmt == RGB16)
        out.matrix = AVCOL_SPC_RGB;
    return out;
}

static int add(struct ta_converter **c, const struct ta_format *from, const struct ta_format *to,
               struct ta_buf *why)
{
    if (from->pix_fmt == to->pix_fmt && from->range == to->range && from->width == to->width)
        return 0;
    return ta_converter_create(c, from, to, TA_KERNEL_SPLINE36, TA_DITHER_KIND_NONE, why);
}

// Red, green and blue, or gray as it is.
static int create_colour(struct ta_neural_pictures *p, struct ta_buf *why)
{
    enum AVPixelFormat deep = p->gray ? GRAY16 : RGB16;
    struct ta_format small = with(&p->in, deep), large = with(&p->larger, deep);
    int err = add(&p->to_deep, &p->in, &small, why);
    return err < 0 ? err : add(&p->from_deep, &large, &p->larger, why);
}

static int create_luma(struct ta_neural_pictures *p, struct ta_buf *why)
{
    struct ta_format luma = with(&p->in, GRAY16), large = with(&p->larger, GRAY16), made = p->larger;
    if (ta_format_is_rgb(&p->in)) {
        ta_buf_puts(why, "does not take RGB with a network for luma alone");
        return TA_ERR_UNSUPPORTED;
    }
    made.pix_fmt = ta_pix_fmt_with_depth(AV_PIX_FMT_GRAY8, ta_format_depth(&p->larger));
    int err = add(&p->to_deep, &p->in, &luma, why);
    if (err >= 0 && !p->gray)
        err = add(&p->chroma, &p->in, &p->larger, why);
    return err < 0 ? err : add(&p->from_deep, &large, &made, why);
}

int ta_neural_pictures_create(struct ta_neural_pictures **out, const struct ta_format *in,
                              const struct ta_format *larger, int planes, int white, struct ta_pool *pool,
                              struct ta_buf *why)
{
    struct ta_neural_pictures *p = ta_xcalloc(1, sizeof *p);
    *p = (struct ta_neural_pictures){.in = *in,
                                     .larger = *larger,
                                     .planes = planes,
                                     .step = MOST / (float)white,
                                     .pool = pool,
                                     .gray = is_gray(in)};
    // What the output says of what the source leaves open is what is meant.
    p->in.matrix = ta_format_is_rgb(in) ? p->in.matrix : larger->matrix;
    p->in.range = larger->range;
    p->in.chroma_location = larger->chroma_location;
    int err = planes == 3 ? create_colour(p, why) : create_luma(p, why);
    enum AVPixelFormat deep = planes == 3 && !p->gray ? RGB16 : GRAY16;
    if (err >= 0 && !(p->deep = ta_frame_pool_create(deep, larger->width, larger->height))) {
        ta_buf_puts(why, "out of memory");
        err = TA_ERR_NOMEM;
    }
    *out = p;
    if (err < 0)
        ta_neural_pictures_destroy(out);
    return err < 0 ? err : 0;
}

void ta_neural_pictures_destroy(struct ta_neural_pictures **pictures)
{
    struct ta_neural_pictures *p = *pictures;
    *pictures = NULL;
    if (!p)
        return;
    ta_converter_destroy(&p->to_deep);
    ta_converter_destroy(&p->chroma);
    ta_converter_destroy(&p->from_deep);
    ta_frame_pool_destroy(&p->deep);
    free(p);
}

// ---- numbers ----

// The planes of GBRP in the order of networks.
static const int rgb_plane[3] = {2, 0, 1};

struct rows {
    const struct ta_neural_pictures *p;
    AVFrame *frame;
    float *numbers;
    const float *from;
    int width, height;
};

enum { STRIPS = 16 };

static int plane_of(const struct rows *r, int i)
{
    return r->p->planes == 3 && !r->p->gray ? rgb_plane[i] : 0;
}

static void read_strip(void *arg, int strip)
{
    const struct rows *r = arg;
    int first = r->height * strip / STRIPS, end = r->height * (strip + 1) / STRIPS;
    for (int i = 0; i < r->p->planes; i++)
        for (int y = first; y < end; y++) {
            int plane = plane_of(r, i);
            const uint16_t *from = (const uint16_t *)(r->frame->data[plane] +
                                                      (ptrdiff_t)y * r->frame->linesize[plane]);
            float *to = r->numbers + ((size_t)i * (size_t)r->height + (size_t)y) * (size_t)r->width;
            for (int x = 0; x < r->width; x++)
                to[x] = (float)from[x] / r->p->step;
        }
}

static uint16_t to_16(float v, float step)
{
    v = v * step + 0.5F;
    return !(v > 0) ? 0 : v > MOST ? (uint16_t)MOST : (uint16_t)v;
}

static void write_strip(void *arg, int strip)
{
    const struct rows *r = arg;
    size_t plane_size = (size_t)r->width * (size_t)r->height;
    int first = r->height * strip / STRIPS, end = r->height * (strip + 1) / STRIPS;
    bool mean = r->p->gray && r->p->planes == 3;
    for (int i = 0; i < (mean ? 1 : r->p->planes); i++)
        for (int y = first; y < end; y++) {
            int plane = plane_of(r, i);
            uint16_t *to = (uint16_t *)(r->frame->data[plane] + (ptrdiff_t)y * r->frame->linesize[plane]);
            const float *from = r->from + (size_t)i * plane_size + (size_t)y * (size_t)r->width;
            for (int x = 0; x < r->width; x++)
                to[x] = to_16(
                    mean ? (from[x] + from[plane_size + (size_t)x] + from[2 * plane_size + (size_t)x]) / 3
                         : from[x],
                    r->p->step);
        }
}

// `in` through a converter, or another reference to it.
static int convert(struct ta_converter *c, const AVFrame *in, AVFrame **out, struct ta_log *log)
{
    if (c)
        return ta_converter_run(c, in, out, log);
    *out = av_frame_clone(in);
    if (*out)
        return 0;
    ta_error(log, "out of memory for a picture of %dx%d", in->width, in->height);
    return TA_ERR_NOMEM;
}

int ta_neural_fill(struct ta_neural_pictures *p, const AVFrame *in, float *to, struct ta_log *log)
{
    AVFrame *deep = NULL;
    int err = convert(p->to_deep, in, &deep, log);
    if (err >= 0) {
        struct rows r = {.p = p, .frame = deep, .numbers = to, .width = p->in.width, .height = p->in.height};
        ta_pool_run(p->pool, STRIPS, read_strip, &r);
    }
    av_frame_free(&deep);
    return err;
}

// Puts luma that was made by the network over that of the enlarged frame.
static int replace_luma(struct ta_neural_pictures *p, AVFrame *luma, AVFrame *large, struct ta_log *log)
{
    if (av_frame_make_writable(large) < 0) {
        ta_error(log, "out of memory for a picture of %dx%d", large->width, large->height);
        return TA_ERR_NOMEM;
    }
    size_t bytes = (size_t)p->larger.width * (ta_format_depth(&p->larger) > 8 ? 2 : 1);
    for (int y = 0; y < p->larger.height; y++)
        memcpy(large->data[0] + (ptrdiff_t)y * large->linesize[0],
               luma->data[0] + (ptrdiff_t)y * luma->linesize[0], bytes);
    return 0;
}

static int drain_luma(struct ta_neural_pictures *p, const AVFrame *in, AVFrame *deep, AVFrame **out,
                      struct ta_log *log)
{
    AVFrame *luma = NULL;
    int err = convert(p->from_deep, deep, &luma, log);
    if (err >= 0 && p->gray) {
        *out = luma;
        return 0;
    }
    if (err >= 0)
        err = convert(p->chroma, in, out, log);
    if (err >= 0)
        err = replace_luma(p, luma, *out, log);
    av_frame_free(&luma);
    if (err < 0)
        av_frame_free(out);
    return err;
}

int ta_neural_drain(struct ta_neural_pictures *p, const AVFrame *in, const float *from, AVFrame **out,
                    struct ta_log *log)
{
    AVFrame *deep = ta_frame_pool_get(p->deep);
    *out = NULL;
    if (!deep || av_frame_copy_props(deep, in) < 0) {
        av_frame_free(&deep);
        ta_error(log, "out of memory for a picture of %dx%d", p->larger.width, p->larger.height);
        return TA_ERR_NOMEM;
    }
    struct rows r = {
        .p = p, .frame = deep, .from = from, .width = p->larger.width, .height = p->larger.height};
    ta_pool_run(p->pool, STRIPS, write_strip, &r);
    int err = p->planes == 3 ? convert(p->from_deep, deep, out, log) : drain_luma(p, in, deep, out, log);
    av_frame_free(&deep);
    if (err >= 0) {
        (*out)->color_range = p->larger.range;
        (*out)->colorspace = p->larger.matrix;
        (*out)->chroma_location = p->larger.chroma_location;
        (*out)->sample_aspect_ratio = p->larger.sar;
    }
    return err;
}
