// ProRes by libav: for editing.
#include <libavutil/pixdesc.h>

#include "media/encode/encoder_row.h"

static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10,
                                             AV_PIX_FMT_YUVA444P10, AV_PIX_FMT_NONE};

static int plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->pix_fmt);
    (void)wish;
    (void)in;
    (void)log;
    s->threads = 4;
    ta_encoder_set(s, "profile", d->log2_chroma_w ? "hq" : "4444");
    ta_encoder_set(s, "vendor", "apl0"); // some programs take no other
    if (d->flags & AV_PIX_FMT_FLAG_ALPHA)
        ta_encoder_set(s, "alpha_bits", "16");
    return 0;
}

const struct ta_encoder_info ta_encoder_prores = {
    .name = "prores",
    .codec = "prores_ks",
    .summary = "ProRes 422 HQ or 4444, 10 bit, for editing",
    .containers = "mov mkv",
    .lossy_intra = true,
    .hdr = true,
    .min_side = 2,
    .max_width = 32768,
    .max_height = 32768,
    .interlaced = true,
    .pix_fmts = formats,
    .plan = plan,
    .cost = {60},
    .bits = 3.5,
    .portable = true, // libav's own DCT has SIMD versions
};
