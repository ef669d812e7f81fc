#include "media/picture/convert.h"

#include <stdlib.h>
#include <string.h>

#include <zimg.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "media/picture/resample.h"

// What zimg's widest code wants of addresses and strides, on every machine.
enum { ALIGNMENT = TA_FRAME_ALIGNMENT, MAX_PLANES = 4 };

// One of zimg's graphs: the picture's planes, or alpha alone; a whole frame, or one field of it.
struct part {
    zimg_filter_graph *graph;
    int src[3], dst[3]; // planes in zimg's order (R G B, Y U V)
    int planes;
};

struct ta_converter {
    struct ta_format from, to;
    const AVPixFmtDescriptor *from_desc, *to_desc;
    bool by_field;
    // Sizes with whole chroma samples (in each field): what zimg works on. The rest lies beyond the picture's
    // edge.
    int from_width, from_height, to_width, to_height;
    struct part picture[2], alpha[2]; // [1]: the bottom field
    struct ta_resampler *planes[3];   // instead of picture[0], where all that changes is size and depth
    void *scratch;
    struct ta_frame_pool *pool;
    AVFrame *aligned; // a copy of input that is not aligned
};

bool ta_convert_takes(enum AVPixelFormat p)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    if (!d || (d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                           AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BAYER)))
        return false;
    int depth = d->comp[0].depth;
    if (depth < 8 || depth > 16 || (depth > 8 && (d->flags & AV_PIX_FMT_FLAG_BE)))
        return false;
    // Each component in a plane of its own, its bits at the bottom.
    for (int i = 0; i < d->nb_components; i++)
        if (d->comp[i].depth != depth || d->comp[i].shift || d->comp[i].offset ||
            d->comp[i].step != (depth > 8 ? 2 : 1))
            return false;
    return av_pix_fmt_count_planes(p) == d->nb_components;
}

static bool is_rgb(const AVPixFmtDescriptor *d)
{
    return d->flags & AV_PIX_FMT_FLAG_RGB;
}

static bool has_alpha(const AVPixFmtDescriptor *d)
{
    return d->flags & AV_PIX_FMT_FLAG_ALPHA;
}

static int colours(const AVPixFmtDescriptor *d)
{
    return d->nb_components - (has_alpha(d) ? 1 : 0);
}

// Not its AVX-512: releases are about (3.0.4) that lose a column in each 16 when some filters of more
// than 8 taps make pictures smaller, 1316 columns to 640 by Lanczos for example. What is enlarged has our own
// kernels there.
static zimg_cpu_type_e cpu_type(void)
{
    unsigned f = ta_cpu_flags();
#if defined(__x86_64__) || defined(__i386__)
    return f & TA_CPU_AVX2    ? ZIMG_CPU_X86_AVX2
           : f & TA_CPU_SSE41 ? ZIMG_CPU_X86_SSE41
           : f & TA_CPU_SSSE3 ? ZIMG_CPU_X86_SSSE3
           : f & TA_CPU_SSE2  ? ZIMG_CPU_X86_SSE2
                              : ZIMG_CPU_NONE;
#else
    (void)f;
    return ZIMG_CPU_AUTO;
#endif
}

// One side of a conversion. `single`: one plane alone; `field`: 0 the frame, 1 and 2 its top and bottom
// field.
static zimg_image_format image_format(const struct ta_format *f, const AVPixFmtDescriptor *d, int width,
                                      int height, bool single, int field)
{
    zimg_image_format z;
    zimg_image_format_default(&z, ZIMG_API_VERSION);
    z.width = (unsigned)width;
    z.height = (unsigned)(field ? height / 2 : height);
    z.pixel_type = d->comp[0].depth > 8 ? ZIMG_PIXEL_WORD : ZIMG_PIXEL_BYTE;
    z.depth = (unsigned)d->comp[0].depth;
    z.subsample_w = single ? 0 : d->log2_chroma_w;
    z.subsample_h = single ? 0 : d->log2_chroma_h;
    z.color_family = single ? ZIMG_COLOR_GREY : is_rgb(d) ? ZIMG_COLOR_RGB : ZIMG_COLOR_YUV;
    // H.273's numbers are libav's and zimg's alike.
    z.matrix_coefficients = single      ? ZIMG_MATRIX_UNSPECIFIED
                            : is_rgb(d) ? ZIMG_MATRIX_RGB
                                        : (zimg_matrix_coefficients_e)f->matrix;
    z.pixel_range = f->range == AVCOL_RANGE_JPEG || is_rgb(d) ? ZIMG_RANGE_FULL : ZIMG_RANGE_LIMITED;
    z.field_parity = field == 1 ? ZIMG_FIELD_TOP : field == 2 ? ZIMG_FIELD_BOTTOM : ZIMG_FIELD_PROGRESSIVE;
    // zimg counts chroma locations from 0 = left, libavutil from 1.
    z.chroma_location = f->chroma_location > AVCHROMA_LOC_UNSPECIFIED
                            ? (zimg_chroma_location_e)(f->chroma_location - 1)
                            : ZIMG_CHROMA_LEFT;
    return z;
}

static bool is_hdr(const struct ta_format *f)
{
    return f->transfer == AVCOL_TRC_SMPTE2084 || f->transfer == AVCOL_TRC_ARIB_STD_B67;
}

static bool light_differs(const struct ta_format *a, const struct ta_format *b)
{
    bool known = a->primaries != AVCOL_PRI_UNSPECIFIED && b->primaries != AVCOL_PRI_UNSPECIFIED;
    return is_hdr(a) != is_hdr(b) || (known && a->primaries != b->primaries);
}

// What zimg must know to convert the light, too.
static void set_light(zimg_image_format *z, const struct ta_format *f)
{
    z->transfer_characteristics = (zimg_transfer_characteristics_e)f->transfer;
    z->color_primaries = (zimg_color_primaries_e)f->primaries;
}

static int build(struct part *part, const zimg_image_format *from, const zimg_image_format *to,
                 enum ta_scale_kernel kernel, enum ta_dither_kind dither, size_t *scratch, struct ta_buf *why)
{
    static const zimg_resample_filter_e filters[] = {ZIMG_RESIZE_BILINEAR, ZIMG_RESIZE_BICUBIC,
                                                     ZIMG_RESIZE_SPLINE36, ZIMG_RESIZE_LANCZOS};
    static const zimg_dither_type_e dithers[] = {ZIMG_DITHER_NONE, ZIMG_DITHER_ORDERED,
                                                 ZIMG_DITHER_ERROR_DIFFUSION};
    zimg_graph_builder_params p;
    zimg_graph_builder_params_default(&p, ZIMG_API_VERSION);
    p.resample_filter = p.resample_filter_uv = filters[kernel];
    p.dither_type = dithers[dither];
    p.cpu_type = cpu_type();
    p.nominal_peak_luminance = 203; // cd/m2 of SDR white where SDR meets HDR, BT.2408
    size_t size = 0;
    part->graph = zimg_filter_graph_build(from, to, &p);
    if (!part->graph || zimg_filter_graph_get_tmp_size(part->graph, &size) != ZIMG_ERROR_SUCCESS) {
        char text[256] = "";
        zimg_get_last_error(text, sizeof text);
        if (why)
            ta_buf_printf(why, "can't convert these pictures: %s", text);
        return TA_ERR_UNSUPPORTED;
    }
    *scratch = TA_MAX(*scratch, size);
    return 0;
}

// libav keeps RGB as planes G, B, R.
static void choose_planes(struct part *part, const AVPixFmtDescriptor *from, const AVPixFmtDescriptor *to,
                          bool single)
{
    static const int yuv[3] = {0, 1, 2}, gbr[3] = {2, 0, 1};
    part->planes = single ? 1 : 3;
    memcpy(part->src, is_rgb(from) && !single ? gbr : yuv, sizeof part->src);
    memcpy(part->dst, is_rgb(to) && !single ? gbr : yuv, sizeof part->dst);
}

static int create_parts(struct ta_converter *c, enum ta_scale_kernel kernel, enum ta_dither_kind dither,
                        struct ta_buf *why)
{
    const AVPixFmtDescriptor *a = c->from_desc, *b = c->to_desc;
    bool single = colours(a) == 1 || colours(b) == 1;
    bool resize = c->from.width != c->to.width || c->from.height != c->to.height;
    size_t scratch = 0;
    for (int i = 0; i < (c->by_field ? 2 : 1); i++) {
        int field = c->by_field ? i + 1 : 0;
        for (int alpha = 0; alpha < 2; alpha++) {
            struct part *part = alpha ? &c->alpha[i] : &c->picture[i];
            if (alpha && !(has_alpha(a) && has_alpha(b)))
                continue;
            zimg_image_format from = image_format(&c->from, a, c->from_width, c->from_height, single || alpha,
                                                  field);
            zimg_image_format to = image_format(&c->to, b, c->to_width, c->to_height, single || alpha, field);
            if (resize && (c->from_width != c->from.width || c->from_height != c->from.height)) {
                from.active_region.left = from.active_region.top = 0;
                from.active_region.width = c->from.width;
                from.active_region.height = field ? c->from.height / 2.0 : c->from.height;
            }
            if (!single && !alpha && light_differs(&c->from, &c->to)) {
                set_light(&from, &c->from);
                set_light(&to, &c->to);
            }
            if (alpha) {
                from.pixel_range = to.pixel_range = ZIMG_RANGE_FULL;
                part->planes = 1;
                part->src[0] = a->nb_components - 1;
                part->dst[0] = b->nb_components - 1;
            } else {
                choose_planes(part, a, b, single);
            }
            int err = build(part, &from, &to, kernel, dither, &scratch, why);
            if (err < 0)
                return err;
        }
    }
    return scratch && posix_memalign(&c->scratch, ALIGNMENT, scratch) ? TA_ERR_NOMEM : 0;
}

// How far chroma lies from the middle of the luma samples that it stands for, in chroma samples.
static void set_offsets(struct ta_resample_side *side, const struct ta_format *f, const AVPixFmtDescriptor *d)
{
    enum AVChromaLocation at = f->chroma_location;
    bool left = at == AVCHROMA_LOC_UNSPECIFIED || at == AVCHROMA_LOC_LEFT || at == AVCHROMA_LOC_TOPLEFT ||
                at == AVCHROMA_LOC_BOTTOMLEFT;
    bool top = at == AVCHROMA_LOC_TOPLEFT || at == AVCHROMA_LOC_TOP;
    bool bottom = at == AVCHROMA_LOC_BOTTOMLEFT || at == AVCHROMA_LOC_BOTTOM;
    double wide = 1 << d->log2_chroma_w, tall = 1 << d->log2_chroma_h;
    side->offset_x = left ? 0.5 / wide - 0.5 : 0;
    side->offset_y = top ? 0.5 / tall - 0.5 : bottom ? 0.5 - 0.5 / tall : 0;
}

static struct ta_resample_side side_of(const struct ta_format *f, const AVPixFmtDescriptor *d, int plane)
{
    struct ta_resample_side side = {f->width, f->height, d->comp[0].depth, 0, 0};
    if (plane) {
        side.width >>= d->log2_chroma_w;
        side.height >>= d->log2_chroma_h;
        set_offsets(&side, f, d);
    }
    return side;
}

// Our own kernels take over what they can: progressive YUV whose planes change in size and depth alone.
// Depths of limited range differ by a shift.
static void create_resamplers(struct ta_converter *c, enum ta_scale_kernel kernel, enum ta_dither_kind dither)
{
    const AVPixFmtDescriptor *a = c->from_desc, *b = c->to_desc;
    const struct ta_format *from = &c->from, *to = &c->to;
    bool whole = c->from_width == from->width && c->from_height == from->height && c->to_width == to->width &&
                 c->to_height == to->height;
    if (from->width == to->width && from->height == to->height)
        return;
    if (!whole || c->by_field || dither != TA_DITHER_KIND_NONE || is_rgb(a) || is_rgb(b) || colours(a) != 3 ||
        colours(b) != 3 || from->matrix != to->matrix || from->range != to->range ||
        from->range == AVCOL_RANGE_JPEG || light_differs(from, to))
        return;
    for (int i = 0; i < 3; i++) {
        struct ta_resample_side s = side_of(from, a, i), d = side_of(to, b, i);
        c->planes[i] = ta_resampler_create(&s, &d, kernel);
        if (c->planes[i])
            continue;
        while (i > 0)
            ta_resampler_destroy(&c->planes[--i]);
        return;
    }
}

int ta_convert_check(const struct ta_format *from, const struct ta_format *to, struct ta_buf *why)
{
    for (int i = 0; i < 2; i++) {
        enum AVPixelFormat p = i ? to->pix_fmt : from->pix_fmt;
        const char *name = av_get_pix_fmt_name(p);
        if (ta_convert_takes(p))
            continue;
        if (why)
            ta_buf_printf(why, "does not %s %s", i ? "make" : "take", name ? name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    bool gray = av_pix_fmt_desc_get(from->pix_fmt)->nb_components < 3,
         to_gray = av_pix_fmt_desc_get(to->pix_fmt)->nb_components < 3;
    if ((gray && ta_format_is_rgb(to)) || (to_gray && ta_format_is_rgb(from))) {
        if (why)
            ta_buf_puts(why, "does not convert between gray and RGB");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

int ta_converter_create(struct ta_converter **out, const struct ta_format *from, const struct ta_format *to,
                        enum ta_scale_kernel kernel, enum ta_dither_kind dither, struct ta_buf *why)
{
    *out = NULL;
    int err = ta_convert_check(from, to, why);
    if (err < 0)
        return err;
    struct ta_converter *c = ta_xcalloc(1, sizeof *c);
    c->from = *from;
    c->to = *to;
    c->from_desc = av_pix_fmt_desc_get(from->pix_fmt);
    c->to_desc = av_pix_fmt_desc_get(to->pix_fmt);
    c->by_field = from->scan != TA_SCAN_PROGRESSIVE && to->scan != TA_SCAN_PROGRESSIVE &&
                  from->height % 2 == 0 && to->height % 2 == 0 &&
                  (from->height != to->height || c->from_desc->log2_chroma_h != c->to_desc->log2_chroma_h);
    int lines = c->by_field ? 2 : 1;
    c->from_width = FFALIGN(from->width, 1 << c->from_desc->log2_chroma_w);
    c->from_height = FFALIGN(from->height, lines << c->from_desc->log2_chroma_h);
    c->to_width = FFALIGN(to->width, 1 << c->to_desc->log2_chroma_w);
    c->to_height = FFALIGN(to->height, lines << c->to_desc->log2_chroma_h);
    err = create_parts(c, kernel, dither, why);
    if (err >= 0) {
        c->pool = ta_frame_pool_create(to->pix_fmt, c->to_width, c->to_height);
        err = c->pool ? 0 : TA_ERR_NOMEM;
    }
    if (err >= 0)
        create_resamplers(c, kernel, dither);
    if (err < 0) {
        ta_converter_destroy(&c);
        return err;
    }
    *out = c;
    return 0;
}

void ta_converter_destroy(struct ta_converter **converter)
{
    struct ta_converter *c = *converter;
    *converter = NULL;
    if (!c)
        return;
    for (int i = 0; i < 2; i++) {
        zimg_filter_graph_free(c->picture[i].graph);
        zimg_filter_graph_free(c->alpha[i].graph);
    }
    for (int i = 0; i < 3; i++)
        ta_resampler_destroy(&c->planes[i]);
    ta_frame_pool_destroy(&c->pool);
    av_frame_free(&c->aligned);
    free(c->scratch);
    free(c);
}

static bool is_aligned(const AVFrame *f)
{
    for (int i = 0; i < MAX_PLANES && f->data[i]; i++)
        if ((uintptr_t)f->data[i] % ALIGNMENT || f->linesize[i] % ALIGNMENT)
            return false;
    return true;
}

// Repeats the last column and line of a plane up to the size that is worked on.
static void extend_plane(uint8_t *data, int linesize, int bytes, int width, int height, int full_width,
                         int full_height)
{
    for (int y = 0; y < height && width < full_width; y++)
        for (int x = width; x < full_width; x++)
            memcpy(data + (ptrdiff_t)y * linesize + (ptrdiff_t)x * bytes,
                   data + (ptrdiff_t)y * linesize + (ptrdiff_t)(width - 1) * bytes, (size_t)bytes);
    // The line before the last one where fields alternate would be right, too; a repeated line is as good
    // beyond the edge.
    for (int y = height; y < full_height; y++)
        memcpy(data + (ptrdiff_t)y * linesize, data + (ptrdiff_t)(height - 1) * linesize,
               (size_t)full_width * (size_t)bytes);
}

static void extend(const struct ta_converter *c, AVFrame *f)
{
    const AVPixFmtDescriptor *d = c->from_desc;
    for (int i = 0; i < d->nb_components; i++) {
        bool chroma = (i == 1 || i == 2) && !is_rgb(d);
        int sw = chroma ? d->log2_chroma_w : 0, sh = chroma ? d->log2_chroma_h : 0;
        extend_plane(f->data[i], f->linesize[i], d->comp[0].depth > 8 ? 2 : 1,
                     AV_CEIL_RSHIFT(c->from.width, sw), AV_CEIL_RSHIFT(c->from.height, sh),
                     c->from_width >> sw, c->from_height >> sh);
    }
}

// `in`, or a copy of it at addresses and of a size that zimg takes.
static const AVFrame *align(struct ta_converter *c, const AVFrame *in)
{
    bool whole = c->from_width == c->from.width && c->from_height == c->from.height;
    if (whole && is_aligned(in))
        return in;
    if (!c->aligned) {
        c->aligned = av_frame_alloc();
        if (!c->aligned)
            return NULL;
        c->aligned->format = in->format;
        c->aligned->width = c->from_width;
        c->aligned->height = c->from_height;
        if (av_frame_get_buffer(c->aligned, ALIGNMENT) < 0 || !is_aligned(c->aligned)) {
            av_frame_free(&c->aligned);
            return NULL;
        }
    }
    // av_frame_copy() wants equal sizes.
    av_image_copy(c->aligned->data, c->aligned->linesize, (const uint8_t **)(uintptr_t)in->data, in->linesize,
                  in->format, in->width, in->height);
    if (!whole)
        extend(c, c->aligned);
    return c->aligned;
}

static AVFrame *new_frame(struct ta_converter *c)
{
    AVFrame *f = ta_frame_pool_get(c->pool);
    if (!f)
        return NULL;
    // Whole chroma samples were asked for.
    f->width = c->to.width;
    f->height = c->to.height;
    return f;
}

static int run_part(struct ta_converter *c, const struct part *part, int field, const AVFrame *in,
                    AVFrame *out)
{
    if (!part->graph)
        return 0;
    zimg_image_buffer_const src = {.version = ZIMG_API_VERSION};
    zimg_image_buffer dst = {.version = ZIMG_API_VERSION};
    int step = c->by_field ? 2 : 1;
    for (int i = 0; i < part->planes; i++) {
        int s = part->src[i], d = part->dst[i];
        src.plane[i].data = in->data[s] + (ptrdiff_t)field * in->linesize[s];
        src.plane[i].stride = (ptrdiff_t)in->linesize[s] * step;
        src.plane[i].mask = ZIMG_BUFFER_MAX;
        dst.plane[i].data = out->data[d] + (ptrdiff_t)field * out->linesize[d];
        dst.plane[i].stride = (ptrdiff_t)out->linesize[d] * step;
        dst.plane[i].mask = ZIMG_BUFFER_MAX;
    }
    return zimg_filter_graph_process(part->graph, &src, &dst, c->scratch, NULL, NULL, NULL, NULL) ==
                   ZIMG_ERROR_SUCCESS
               ? 0
               : TA_ERR_INTERNAL;
}

static void run_planes(const struct ta_converter *c, const AVFrame *in, AVFrame *out)
{
    for (int i = 0; i < 3; i++)
        ta_resampler_run(c->planes[i], in->data[i], in->linesize[i], out->data[i], out->linesize[i]);
}

static void fill_plane(AVFrame *f, int plane, int width, int height, int depth, int value)
{
    for (int y = 0; y < height; y++) {
        uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
        if (depth <= 8) {
            memset(row, value, (size_t)width);
            continue;
        }
        uint16_t *wide = (uint16_t *)row;
        for (int x = 0; x < width; x++)
            wide[x] = (uint16_t)value;
    }
}

// Planes that the source does not have: neutral chroma, opaque alpha.
static void fill_missing(const struct ta_converter *c, AVFrame *f)
{
    const AVPixFmtDescriptor *d = c->to_desc;
    int depth = d->comp[0].depth;
    if (colours(c->from_desc) == 1 && colours(d) == 3)
        for (int p = 1; p < 3; p++)
            fill_plane(f, p, AV_CEIL_RSHIFT(f->width, d->log2_chroma_w),
                       AV_CEIL_RSHIFT(f->height, d->log2_chroma_h), depth, 1 << (depth - 1));
    if (has_alpha(d) && !has_alpha(c->from_desc))
        fill_plane(f, d->nb_components - 1, f->width, f->height, depth, (1 << depth) - 1);
}

int ta_converter_run(struct ta_converter *c, const AVFrame *in, AVFrame **out, struct ta_log *log)
{
    *out = NULL;
    // zimg alone wants alignment.
    const AVFrame *src = c->planes[0] && !c->alpha[0].graph ? in : align(c, in);
    AVFrame *f = src ? new_frame(c) : NULL;
    if (!f || av_frame_copy_props(f, in) < 0) {
        av_frame_free(&f);
        ta_error(log, "out of memory for a picture of %dx%d", c->to.width, c->to.height);
        return TA_ERR_NOMEM;
    }
    int err = 0;
    for (int i = 0; i < (c->by_field ? 2 : 1) && err >= 0; i++) {
        if (c->planes[0])
            run_planes(c, src, f);
        else
            err = run_part(c, &c->picture[i], i, src, f);
        if (err >= 0)
            err = run_part(c, &c->alpha[i], i, src, f);
    }
    if (err < 0) {
        char text[256] = "";
        zimg_get_last_error(text, sizeof text);
        ta_error(log, "a picture can't be converted: %s", text);
        av_frame_free(&f);
        return err;
    }
    fill_missing(c, f);
    ta_format_tag_frame(&c->to, f);
    *out = f;
    return 0;
}
