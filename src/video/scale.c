// Sizes, pixel formats and bit depths, by libavfilter's zscale (zimg) and, for packed formats, scale (swscale
// used as an unpacker). Input and output colour are both named; when they are equal zimg resamples without
// touching them.
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

static const struct ta_choice kernel_choices[] = {
    {"bilinear", "softest and fastest"},
    {"bicubic", "a little sharper"},
    {"spline36", "sharp with little ringing"},
    {"lanczos", "sharpest, some ringing"},
    {0},
};

static const struct ta_choice dither_choices[] = {
    {"none", "round"},
    {"ordered", "fixed pattern"},
    {"error-diffusion", "best looking, slower"},
    {0},
};
static const char *const zscale_dithers[] = {"none", "ordered", "error_diffusion"};

static const struct ta_opt zscale_options[] = {
    {.name = "width",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_zscale_opts, width, int64_t),
     .min = 0,
     .max = 65536,
     .flags = TA_OPT_HIDDEN,
     .help = "output width, set by the plan"},
    {.name = "height",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_zscale_opts, height, int64_t),
     .min = 0,
     .max = 65536,
     .flags = TA_OPT_HIDDEN,
     .help = "output height, set by the plan"},
    {.name = "pix-fmt",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_zscale_opts, pix_fmt, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "output pixel format, set by the plan"},
    {.name = "kernel",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_zscale_opts, kernel, int),
     .def = "spline36",
     .choices = kernel_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "resampling kernel"},
    {.name = "dither",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_zscale_opts, dither, int),
     .def = "none",
     .choices = dither_choices,
     .flags = TA_OPT_HIDDEN,
     .help = "dither to fewer bits, set by the plan"},
    {0},
};

static const struct ta_opt depth_options[] = {
    {.name = "pix-fmt",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_depth_opts, pix_fmt, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "output pixel format, set by the plan"},
    {.name = "dither",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_depth_opts, dither, int),
     .def = "none",
     .choices = dither_choices,
     .flags = TA_OPT_HIDDEN,
     .help = "dither to fewer bits, set by the plan"},
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
    out->pix_fmt = av_get_pix_fmt(name);
    if (out->pix_fmt == AV_PIX_FMT_NONE) {
        ta_buf_printf(why, "does not know the pixel format \"%s\"", name);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int require_planar(const struct ta_format *in, struct ta_buf *why)
{
    if (ta_pix_fmt_planar(in->pix_fmt) == in->pix_fmt)
        return 0;
    ta_buf_printf(why, "does not take %s", av_get_pix_fmt_name(in->pix_fmt));
    return TA_ERR_UNSUPPORTED;
}

// From RGB to YUV a matrix has to be chosen, and range becomes limited; from full-range YUV the delivery
// formats become limited too.
static void set_colour(const struct ta_format *in, struct ta_format *out)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(out->pix_fmt);
    if (ta_format_is_rgb(out)) {
        out->matrix = AVCOL_SPC_RGB;
        out->range = AVCOL_RANGE_JPEG;
    } else {
        if (ta_format_is_rgb(in) || in->matrix == AVCOL_SPC_RGB)
            out->matrix = out->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
        out->range = strncmp(d->name, "yuvj", 4) == 0 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
        if (d->log2_chroma_w && out->chroma_location == AVCHROMA_LOC_UNSPECIFIED)
            out->chroma_location = AVCHROMA_LOC_LEFT;
    }
}

static int configure_zscale(const void *opts, const struct ta_format *in, struct ta_format *out,
                            struct ta_buf *why)
{
    const struct ta_zscale_opts *o = opts;
    int err = require_planar(in, why);
    if (err >= 0)
        err = set_pix_fmt(out, o->pix_fmt, why);
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
    if (llabs(num - den) * 2 * o->width <= den * 4)
        out->sar = (AVRational){1, 1};
    set_colour(in, out);
    return 0;
}

static int configure_depth(const void *opts, const struct ta_format *in, struct ta_format *out,
                           struct ta_buf *why)
{
    const struct ta_depth_opts *o = opts;
    int err = require_planar(in, why);
    if (err >= 0)
        err = set_pix_fmt(out, o->pix_fmt, why);
    if (err >= 0)
        set_colour(in, out);
    return err;
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
    const struct ta_zscale_opts *o = opts;
    bool fields = mixes_fields(in, out);
    if (fields)
        ta_buf_puts(text, "separatefields,");
    ta_buf_printf(text, "zscale=w=%d:h=%d:filter=%s:dither=%s", out->width,
                  fields ? out->height / 2 : out->height, kernel_choices[o->kernel].name,
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
    const struct ta_depth_opts *o = opts;
    bool fields = mixes_fields(in, out);
    ta_buf_printf(text, "%szscale=dither=%s", fields ? "separatefields," : "", zscale_dithers[o->dither]);
    put_colour(in, out, text);
    if (fields)
        ta_buf_printf(text, ",weave=first_field=%s", in->scan == TA_SCAN_TFF ? "top" : "bottom");
    return 0;
}

static int describe_planar(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    (void)opts;
    (void)in;
    ta_buf_printf(text, "scale=flags=accurate_rnd+full_chroma_inp+full_chroma_int,format=%s",
                  av_get_pix_fmt_name(out->pix_fmt));
    return 0;
}

static const char *const zscale_filters[] = {"zscale", "format", "setsar", "separatefields", "weave", NULL};
static const char *const planar_filters[] = {"scale", "format", NULL};

const struct ta_stage_info ta_stage_zscale = {
    .name = "scale.zscale",
    .summary = "exact size, display aspect kept, and the output's pixel format (zimg)",
    .options = zscale_options,
    .options_size = sizeof(struct ta_zscale_opts),
    .filters = zscale_filters,
    .configure = configure_zscale,
    .describe = describe_zscale,
};

const struct ta_stage_info ta_stage_depth = {
    .name = "format.depth",
    .summary = "pixel format and bit depth at the same size, dithered once (zimg)",
    .options = depth_options,
    .options_size = sizeof(struct ta_depth_opts),
    .filters = zscale_filters,
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
