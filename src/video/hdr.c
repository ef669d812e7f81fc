// SDR pictures in HDR: HDR10 (PQ) and HLG, by the display-referred way of BT.2408 and BT.2087. Numbers become
// light by BT.1886, as on the display that the pictures were made for, and white is at 203 cd/m2. Light above
// white, which limited range has room for, goes up to the peak along a knee; the kernels are in dsp/hdr.h.
#include <string.h>

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "video/hdr.h"
#include "video/stages.h"

static const struct ta_choice method_choices[] = {
    {"native", "by the light of the display that the pictures were made for"},
    {"rtx", "NVIDIA's TrueHDR, for hdr10 alone: a network that invents light; not yet seen on a device"},
    {0},
};

const struct ta_opt ta_hdr_options[] = {
    {.name = "peak",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_hdr_opts, peak, int64_t),
     .min = TA_HDR_WHITE,
     .max = 1000,
     .def = "400",
     .help = "what light above SDR white (203 cd/m2) is expanded to, in cd/m2; 203 clips it"},
    {.name = "method",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_hdr_opts, method, int),
     .def = "native",
     .choices = method_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "what makes HDR of SDR"},
    {.name = "rtx-contrast",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_hdr_opts, contrast, int64_t),
     .min = 0,
     .max = 200,
     .def = "100",
     .flags = TA_OPT_ADVANCED,
     .help = "contrast of NVIDIA's TrueHDR"},
    {.name = "rtx-saturation",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_hdr_opts, saturation, int64_t),
     .min = 0,
     .max = 200,
     .def = "100",
     .flags = TA_OPT_ADVANCED,
     .help = "saturation of NVIDIA's TrueHDR"},
    {.name = "rtx-middle-grey",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_hdr_opts, middle_grey, int64_t),
     .min = 10,
     .max = 100,
     .def = "50",
     .flags = TA_OPT_ADVANCED,
     .help = "middle grey of NVIDIA's TrueHDR"},
    {.name = "rtx-runtime",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_hdr_opts, runtime, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "version of NVIDIA's library, set by the plan"},
    {0},
};

struct gamut {
    enum AVColorPrimaries tag;
    double xy[6];
};
static const struct gamut gamuts[] = {
    {AVCOL_PRI_BT709, {0.640, 0.330, 0.300, 0.600, 0.150, 0.060}},
    {AVCOL_PRI_BT470BG, {0.640, 0.330, 0.290, 0.600, 0.150, 0.060}},   // 625 lines
    {AVCOL_PRI_SMPTE170M, {0.630, 0.340, 0.310, 0.595, 0.155, 0.070}}, // 525 lines
    {AVCOL_PRI_SMPTE240M, {0.630, 0.340, 0.310, 0.595, 0.155, 0.070}},
    {AVCOL_PRI_BT2020, {0.708, 0.292, 0.170, 0.797, 0.131, 0.046}},
    {AVCOL_PRI_SMPTE432, {0.680, 0.320, 0.265, 0.690, 0.150, 0.060}}, // P3 with white D65
};

static const struct {
    enum AVColorTransferCharacteristic tag;
    enum ta_hdr_transfer transfer;
} transfers[] = {
    {AVCOL_TRC_BT709, TA_HDR_BT1886},        {AVCOL_TRC_SMPTE170M, TA_HDR_BT1886},
    {AVCOL_TRC_SMPTE240M, TA_HDR_BT1886},    {AVCOL_TRC_BT2020_10, TA_HDR_BT1886},
    {AVCOL_TRC_BT2020_12, TA_HDR_BT1886},    {AVCOL_TRC_BT1361_ECG, TA_HDR_BT1886},
    {AVCOL_TRC_IEC61966_2_4, TA_HDR_BT1886}, {AVCOL_TRC_GAMMA22, TA_HDR_GAMMA22},
    {AVCOL_TRC_GAMMA28, TA_HDR_GAMMA28},     {AVCOL_TRC_IEC61966_2_1, TA_HDR_SRGB},
    {AVCOL_TRC_LINEAR, TA_HDR_LINEAR},
};

static const struct {
    enum AVColorSpace tag;
    double kr, kb;
} matrices[] = {
    {AVCOL_SPC_BT709, 0.2126, 0.0722},     {AVCOL_SPC_BT470BG, 0.299, 0.114},
    {AVCOL_SPC_SMPTE170M, 0.299, 0.114},   {AVCOL_SPC_FCC, 0.30, 0.11},
    {AVCOL_SPC_SMPTE240M, 0.2124, 0.0864}, {AVCOL_SPC_BT2020_NCL, 0.2627, 0.0593},
};

static const char *word(const char *name)
{
    return name ? name : "unknown";
}

// What the tags of `in` mean; TA_ERR_UNSUPPORTED with the reason.
static int read_tags(const struct ta_format *in, struct ta_hdr_source *out, struct ta_buf *why)
{
    *out = (struct ta_hdr_source){.full_range = in->range == AVCOL_RANGE_JPEG};
    if (in->transfer == AVCOL_TRC_SMPTE2084 || in->transfer == AVCOL_TRC_ARIB_STD_B67) {
        ta_buf_printf(why, "is for SDR, and these pictures are HDR already (%s)",
                      word(av_color_transfer_name(in->transfer)));
        return TA_ERR_UNSUPPORTED;
    }
    size_t i = 0;
    while (i < TA_COUNT(transfers) && transfers[i].tag != in->transfer)
        i++;
    if (i == TA_COUNT(transfers)) {
        ta_buf_printf(why, "does not know the transfer %s", word(av_color_transfer_name(in->transfer)));
        return TA_ERR_UNSUPPORTED;
    }
    out->transfer = transfers[i].transfer;
    for (i = 0; i < TA_COUNT(gamuts) && gamuts[i].tag != in->primaries;)
        i++;
    if (i == TA_COUNT(gamuts)) {
        ta_buf_printf(why, "does not know the primaries %s", word(av_color_primaries_name(in->primaries)));
        return TA_ERR_UNSUPPORTED;
    }
    memcpy(out->primaries, gamuts[i].xy, sizeof out->primaries);
    for (i = 0; i < TA_COUNT(matrices) && matrices[i].tag != in->matrix;)
        i++;
    if (i == TA_COUNT(matrices)) {
        ta_buf_printf(why, "does not know the matrix %s", word(av_color_space_name(in->matrix)));
        return TA_ERR_UNSUPPORTED;
    }
    out->kr = matrices[i].kr;
    out->kb = matrices[i].kb;
    return 0;
}

int ta_hdr_configure(const struct ta_format *in, struct ta_format *out, struct ta_buf *why,
                     enum AVColorTransferCharacteristic transfer)
{
    struct ta_hdr_source source;
    if (in->pix_fmt != AV_PIX_FMT_YUV444P16) {
        ta_buf_printf(why, "takes yuv444p16, not %s", word(av_get_pix_fmt_name(in->pix_fmt)));
        return TA_ERR_UNSUPPORTED;
    }
    int err = read_tags(in, &source, why);
    if (err < 0)
        return err;
    out->primaries = AVCOL_PRI_BT2020;
    out->transfer = transfer;
    out->matrix = AVCOL_SPC_BT2020_NCL;
    out->range = AVCOL_RANGE_MPEG;
    out->chroma_location = AVCHROMA_LOC_TOPLEFT; // where BT.2100 has it once it is subsampled
    return 0;
}

static int configure_hdr10(const void *opts, const struct ta_format *in, struct ta_format *out,
                           struct ta_buf *why)
{
    (void)opts;
    return ta_hdr_configure(in, out, why, AVCOL_TRC_SMPTE2084);
}

static int configure_hlg(const void *opts, const struct ta_format *in, struct ta_format *out,
                         struct ta_buf *why)
{
    (void)opts;
    return ta_hdr_configure(in, out, why, AVCOL_TRC_ARIB_STD_B67);
}

struct hdr_priv {
    struct ta_hdr tables;
    const struct ta_hdr_dsp *dsp;
};

static int init_hdr(struct ta_stage *s)
{
    struct hdr_priv *p = s->priv;
    const struct ta_hdr_opts *o = s->opts;
    struct ta_hdr_source source;
    struct ta_buf why = {0};
    int err = read_tags(&s->in, &source, &why);
    if (err < 0)
        ta_error(s->log, "%s %s", s->info->name, ta_buf_text(&why));
    else
        ta_hdr_init(&p->tables, &source, s->out.transfer == AVCOL_TRC_ARIB_STD_B67, (int)o->peak);
    ta_buf_release(&why);
    p->dsp = ta_hdr_dsp();
    return err;
}

// What the source said of its light is not true any more. HDR10 wants to know the brightest pixel and the
// brightest frame: each frame carries its own two numbers to where they are counted.
int ta_hdr_tag_light(const struct ta_stage *s, AVFrame *f, const struct ta_hdr_light *light)
{
    static const enum AVFrameSideDataType stale[] = {
        AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
        AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
        AV_FRAME_DATA_DYNAMIC_HDR_PLUS,
        AV_FRAME_DATA_DOVI_RPU_BUFFER,
        AV_FRAME_DATA_DOVI_METADATA,
    };
    for (size_t i = 0; i < TA_COUNT(stale); i++)
        av_frame_remove_side_data(f, stale[i]);
    if (s->out.transfer != AVCOL_TRC_SMPTE2084)
        return 0;
    AVContentLightMetadata *m = av_content_light_metadata_create_side_data(f);
    if (!m)
        return TA_ERR_NOMEM;
    uint64_t unit = (uint64_t)f->width * (uint64_t)f->height * TA_HDR_LIGHT;
    m->MaxCLL = (light->highest + TA_HDR_LIGHT / 2) / TA_HDR_LIGHT;
    m->MaxFALL = (unsigned)((light->sum + unit / 2) / unit);
    return 0;
}

static int process_hdr(struct ta_stage *s, AVFrame *in)
{
    const struct hdr_priv *p = s->priv;
    if (!in)
        return 0;
    struct ta_hdr_light light = {0};
    int err = ta_stage_make_writable(s, &in);
    if (err < 0)
        return err;
    for (int y = 0; y < in->height; y++) {
        uint16_t *row[3];
        for (int k = 0; k < 3; k++)
            row[k] = (uint16_t *)(in->data[k] + (ptrdiff_t)y * in->linesize[k]);
        p->dsp->convert(row, (const uint16_t *const *)row, &p->tables, in->width, &light);
    }
    err = ta_hdr_tag_light(s, in, &light);
    if (err < 0) {
        ta_error(s->log, "%s: %s", s->info->name, ta_error_text(err));
        av_frame_free(&in);
        return err;
    }
    ta_format_tag_frame(&s->out, in);
    return ta_stage_emit(s, in);
}

const struct ta_stage_info ta_stage_hdr10 = {
    .name = "hdr.hdr10",
    .thread = TA_THREAD_LATER,
    .summary = "HDR10: PQ, BT.2020, SDR white at 203 cd/m2",
    .options = ta_hdr_options,
    .options_size = sizeof(struct ta_hdr_opts),
    .priv_size = sizeof(struct hdr_priv),
    .needs_yuv = true,
    .configure = configure_hdr10,
    .init = init_hdr,
    .process = process_hdr,
};

const struct ta_stage_info ta_stage_hlg = {
    .name = "hdr.hlg",
    .thread = TA_THREAD_LATER,
    .summary = "HLG, BT.2020, SDR white at 203 cd/m2 of a display of 1000",
    .options = ta_hdr_options,
    .options_size = sizeof(struct ta_hdr_opts),
    .priv_size = sizeof(struct hdr_priv),
    .needs_yuv = true,
    .configure = configure_hlg,
    .init = init_hdr,
    .process = process_hdr,
};
