// Sizes, pixel formats and bit depths by zimg, and packed formats by swscale used as an unpacker. Input and
// output colour are both named; when they are equal zimg resamples without touching them.
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

static const struct ta_choice kernel_choices[] = {
    {"bilinear", "softest and fastest"},
    {"bicubic", "a little sharper"},
    {"spline36", "sharp with little ringing"},
    {"lanczos", "sharpest, some ringing"},
    {"auto", "by quality: bicubic for fast, spline36 for good, lanczos for best"},
    {0},
};

static enum ta_scale_kernel kernel_of(const struct ta_convert_opts *o)
{
    return o->kernel == TA_KERNEL_CHOICE_AUTO ? TA_KERNEL_SPLINE36 : (enum ta_scale_kernel)o->kernel;
}

static const struct ta_choice dither_choices[] = {
    {"none", "round"},
    {"ordered", "fixed pattern"},
    {"error-diffusion", "best looking, slower"},
    {0},
};
static const struct ta_choice range_choices[] = {
    {"keep", "as the source has it"},
    {"limited", "16 to 235, as players expect of delivery formats"},
    {0},
};
static const char *const zscale_dithers[] = {"none", "ordered", "error_diffusion"};

// The depth stage leaves the size alone; the kernel is for chroma where its planes change size.
static const struct ta_opt convert_options[] = {
    {.name = "width",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_convert_opts, width, int64_t),
     .min = 0,
     .max = 65536,
     .flags = TA_OPT_HIDDEN,
     .help = "output width, set by the plan"},
    {.name = "height",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_convert_opts, height, int64_t),
     .min = 0,
     .max = 65536,
     .flags = TA_OPT_HIDDEN,
     .help = "output height, set by the plan"},
    {.name = "pix-fmt",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_convert_opts, pix_fmt, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "output pixel format, set by the plan"},
    {.name = "kernel",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_convert_opts, kernel, int),
     .def = "auto",
     .choices = kernel_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "resampling kernel"},
    {.name = "dither",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_convert_opts, dither, int),
     .def = "none",
     .choices = dither_choices,
     .flags = TA_OPT_HIDDEN,
     .help = "dither to fewer bits, set by the plan"},
    {.name = "range",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_convert_opts, range, int),
     .def = "keep",
     .choices = range_choices,
     .flags = TA_OPT_HIDDEN,
     .help = "range of the output, set by the plan"},
    {0},
};

static const struct ta_opt planar_options[] = {
    {.name = "pix-fmt",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_planar_opts, pix_fmt, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "planar pixel format, set by the plan"},
    {0},
};

static int set_pix_fmt(struct ta_format *out, const char *name, struct ta_buf *why)
{
    out->pix_fmt = name ? av_get_pix_fmt(name) : AV_PIX_FMT_NONE; // an empty text is kept as NULL
    if (out->pix_fmt == AV_PIX_FMT_NONE) {
        ta_buf_printf(why, "does not know the pixel format \"%.80s\"", name ? name : "");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

// From RGB to YUV a matrix has to be chosen, and range becomes limited.
static void set_colour(const struct ta_convert_opts *o, const struct ta_format *in, struct ta_format *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(out->pix_fmt);
    if (ta_format_is_rgb(out)) {
        out->matrix = AVCOL_SPC_RGB;
        out->range = AVCOL_RANGE_JPEG;
        return;
    }
    bool from_rgb = ta_format_is_rgb(in) || in->matrix == AVCOL_SPC_RGB;
    if (from_rgb || (in->matrix == AVCOL_SPC_UNSPECIFIED))
        out->matrix = out->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    if (from_rgb || o->range == TA_RANGE_LIMITED)
        out->range = AVCOL_RANGE_MPEG;
    if (d->log2_chroma_w && out->chroma_location == AVCHROMA_LOC_UNSPECIFIED)
        out->chroma_location = AVCHROMA_LOC_LEFT;
}

static int configure_zscale(const void *opts, const struct ta_format *in, struct ta_format *out,
                            struct ta_buf *why)
{
    const struct ta_convert_opts *o = opts;
    int err = set_pix_fmt(out, o->pix_fmt, why);
    if (err < 0)
        return err;
    if (o->width < 1 || o->height < 1) {
        ta_buf_printf(why, "needs a size");
        return TA_ERR_INVALID;
    }
    // The display aspect stays what it was: sar' = sar * (w/h) / (w'/h'), exactly.
    AVRational sar = in->sar.num > 0 ? in->sar : (AVRational){1, 1};
    int64_t num = (int64_t)sar.num * in->width * o->height, den = (int64_t)sar.den * in->height * o->width;
    out->width = (int)o->width;
    out->height = (int)o->height;
    av_reduce(&out->sar.num, &out->sar.den, num, den, 65535);
    // Rounding the width to an even number moves the aspect by a fraction of a pixel: such pixels are square.
    if (llabs(num - den) <= 2 * den / o->width)
        out->sar = (AVRational){1, 1};
    set_colour(o, in, out);
    return ta_convert_check(in, out, why); // what zimg itself refuses init() finds, while planning
}

static int configure_depth(const void *opts, const struct ta_format *in, struct ta_format *out,
                           struct ta_buf *why)
{
    const struct ta_convert_opts *o = opts;
    int err = set_pix_fmt(out, o->pix_fmt, why);
    if (err < 0)
        return err;
    set_colour(o, in, out);
    return ta_convert_check(in, out, why); // what zimg itself refuses init() finds, while planning
}

static int configure_planar(const void *opts, const struct ta_format *in, struct ta_format *out,
                            struct ta_buf *why)
{
    const struct ta_planar_opts *o = opts;
    (void)in;
    int err = set_pix_fmt(out, o->pix_fmt, why);
    if (err >= 0 && ta_format_is_rgb(out)) {
        out->matrix = AVCOL_SPC_RGB;
        out->range = AVCOL_RANGE_JPEG;
    }
    return err;
}

static void put_colour(const struct ta_format *in, const struct ta_format *out, struct ta_buf *text)
{
    ta_buf_printf(text, ":min=%d:m=%d:pin=%d:p=%d:tin=%d:t=%d:rin=%d:r=%d", in->matrix, out->matrix,
                  in->primaries, in->primaries, in->transfer, in->transfer, in->range == AVCOL_RANGE_JPEG,
                  out->range == AVCOL_RANGE_JPEG);
    // zimg counts chroma locations from 0 = left, libavutil from 1.
    int cin = in->chroma_location > AVCHROMA_LOC_UNSPECIFIED ? in->chroma_location - 1 : 0;
    int cout = out->chroma_location > AVCHROMA_LOC_UNSPECIFIED ? out->chroma_location - 1 : 0;
    ta_buf_printf(text, ":cin=%d:c=%d,format=%s", cin, cout, av_get_pix_fmt_name(out->pix_fmt));
}

// Interlaced frames that stay interlaced are converted field by field where lines of both fields would mix.
static bool mixes_fields(const struct ta_format *in, const struct ta_format *out)
{
    const AVPixFmtDescriptor *a = av_pix_fmt_desc_get(in->pix_fmt), *b = av_pix_fmt_desc_get(out->pix_fmt);
    return in->scan != TA_SCAN_PROGRESSIVE &&
           (in->height != out->height || a->log2_chroma_h != b->log2_chroma_h);
}

static int describe_zscale(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    const struct ta_convert_opts *o = opts;
    bool fields = mixes_fields(in, out);
    if (fields)
        ta_buf_puts(text, "separatefields,");
    ta_buf_printf(text, "zscale=w=%d:h=%d:filter=%s:dither=%s", out->width,
                  fields ? out->height / 2 : out->height, kernel_choices[kernel_of(o)].name,
                  zscale_dithers[o->dither]);
    put_colour(in, out, text);
    if (fields)
        ta_buf_printf(text, ",weave=first_field=%s", in->scan == TA_SCAN_TFF ? "top" : "bottom");
    if (out->sar.num > 0)
        ta_buf_printf(text, ",setsar=%d/%d", out->sar.num, out->sar.den);
    return 0;
}

static int describe_depth(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    const struct ta_convert_opts *o = opts;
    bool fields = mixes_fields(in, out);
    ta_buf_printf(text, "%szscale=filter=%s:dither=%s", fields ? "separatefields," : "",
                  kernel_choices[kernel_of(o)].name, zscale_dithers[o->dither]);
    put_colour(in, out, text);
    if (fields)
        ta_buf_printf(text, ",weave=first_field=%s", in->scan == TA_SCAN_TFF ? "top" : "bottom");
    return 0;
}

static int describe_planar(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    (void)opts;
    // swscale goes from a palette to packed RGB without loss, but to planes by way of YUV.
    if (in->pix_fmt == AV_PIX_FMT_PAL8)
        ta_buf_puts(text, "scale,format=bgra,");
    ta_buf_printf(text, "scale=flags=accurate_rnd+full_chroma_inp+full_chroma_int,format=%s",
                  av_get_pix_fmt_name(out->pix_fmt));
    return 0;
}

struct convert_priv {
    struct ta_converter *converter;
};

static int init_convert(struct ta_stage *s)
{
    struct convert_priv *p = s->priv;
    const struct ta_convert_opts *o = s->opts;
    struct ta_buf why = {0};
    int err = ta_converter_create(&p->converter, &s->in, &s->out, kernel_of(o),
                                  (enum ta_dither_kind)o->dither, &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    return err;
}

static int process_convert(struct ta_stage *s, AVFrame *in)
{
    struct convert_priv *p = s->priv;
    if (!in)
        return 0;
    AVFrame *out = NULL;
    int err = ta_converter_run(p->converter, in, &out, s->log);
    av_frame_free(&in);
    return err < 0 ? err : ta_stage_emit(s, out);
}

static void release_convert(struct ta_stage *s)
{
    struct convert_priv *p = s->priv;
    if (p)
        ta_converter_destroy(&p->converter);
}

static const char *const planar_filters[] = {"scale", "format", NULL};

const struct ta_stage_info ta_stage_zscale = {
    .name = "scale.zscale",
    .choice = "resize",
    .thread = TA_THREAD_LATER,
    .summary = "exact size, display aspect kept, and the output's pixel format (zimg)",
    .options = convert_options,
    .options_size = sizeof(struct ta_convert_opts),
    .priv_size = sizeof(struct convert_priv),
    .init = init_convert,
    .process = process_convert,
    .release = release_convert,
    .configure = configure_zscale,
    .describe = describe_zscale,
};

const struct ta_stage_info ta_stage_depth = {
    .name = "format.depth",
    .summary = "pixel format and bit depth at the same size, dithered once (zimg)",
    .options = convert_options,
    .options_size = sizeof(struct ta_convert_opts),
    .priv_size = sizeof(struct convert_priv),
    .init = init_convert,
    .process = process_convert,
    .release = release_convert,
    .configure = configure_depth,
    .describe = describe_depth,
};

const struct ta_stage_info ta_stage_planar = {
    .name = "convert.planar",
    .summary = "packed pixels unpacked without loss (swscale)",
    .options = planar_options,
    .options_size = sizeof(struct ta_planar_opts),
    .filters = planar_filters,
    .configure = configure_planar,
    .describe = describe_planar,
};
