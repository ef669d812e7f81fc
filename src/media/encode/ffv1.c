// FFV1 by libav: lossless, for archives.
#include <stdlib.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder_row.h"

// Every format of libav 5.1's FFV1 but the 9 bit ones, which no source has. RGB with 8 bits is packed there.
static const enum AVPixelFormat formats[] = {
    AV_PIX_FMT_GRAY8,      AV_PIX_FMT_GRAY10,     AV_PIX_FMT_GRAY12,     AV_PIX_FMT_GRAY16,
    AV_PIX_FMT_YUV410P,    AV_PIX_FMT_YUV411P,    AV_PIX_FMT_YUV420P,    AV_PIX_FMT_YUV440P,
    AV_PIX_FMT_YUV422P,    AV_PIX_FMT_YUV444P,    AV_PIX_FMT_YUV420P10,  AV_PIX_FMT_YUV440P10,
    AV_PIX_FMT_YUV422P10,  AV_PIX_FMT_YUV444P10,  AV_PIX_FMT_YUV420P12,  AV_PIX_FMT_YUV440P12,
    AV_PIX_FMT_YUV422P12,  AV_PIX_FMT_YUV444P12,  AV_PIX_FMT_YUV420P14,  AV_PIX_FMT_YUV422P14,
    AV_PIX_FMT_YUV444P14,  AV_PIX_FMT_YUV420P16,  AV_PIX_FMT_YUV422P16,  AV_PIX_FMT_YUV444P16,
    AV_PIX_FMT_YUVA420P,   AV_PIX_FMT_YUVA422P,   AV_PIX_FMT_YUVA444P,   AV_PIX_FMT_YUVA420P10,
    AV_PIX_FMT_YUVA422P10, AV_PIX_FMT_YUVA444P10, AV_PIX_FMT_YUVA420P16, AV_PIX_FMT_YUVA422P16,
    AV_PIX_FMT_YUVA444P16, AV_PIX_FMT_BGR0,       AV_PIX_FMT_BGRA,       AV_PIX_FMT_GBRP10,
    AV_PIX_FMT_GBRP12,     AV_PIX_FMT_GBRP14,     AV_PIX_FMT_GBRP16,     AV_PIX_FMT_GBRAP10,
    AV_PIX_FMT_GBRAP12,    AV_PIX_FMT_GBRAP16,    AV_PIX_FMT_NONE,
};

// Its slices would be less than a line of chroma there.
static int check(const struct ta_format *in, enum AVPixelFormat pix_fmt, struct ta_log *log)
{
    (void)pix_fmt;
    if (TA_MIN(in->width, in->height) >= 16 || (in->width <= 352 && in->height <= 288))
        return 0;
    ta_error(log, "the ffv1 encoder does not take pictures as narrow as %dx%d", in->width, in->height);
    return TA_ERR_UNSUPPORTED;
}

// Cut into `n`, do the last slice of the luma and that of the chroma end at the same place? Version 3 of the
// format can't say it where they do not.
static bool slices_fit(int size, int n, int chroma_shift)
{
    int step = 1 << chroma_shift, last = size - (int)((int64_t)size * (n - 1) / n);
    return size % step == 0 || last % step != 0;
}

// FFV1's slices are rectangles of about the picture's shape: one for small pictures, else a grid of 2x2 and
// more rows and columns, fewer than twice as many columns as rows. The number is the one of these that fits
// and is nearest to what is good for the size; 0 when none fits.
static int slices_for(const struct ta_format *in, enum AVPixelFormat pix_fmt)
{
    if (in->width <= 352 && in->height <= 288)
        return 1;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
    int wanted = in->width < 64 || in->height < 64 ? 4 : ta_encoder_by_size(in, 4, 16, 24), best = 0;
    for (int rows = 2; rows <= 8; rows++)
        for (int columns = rows; columns < 2 * rows; columns++) {
            int n = rows * columns;
            if (slices_fit(in->width, columns, d->log2_chroma_w) &&
                slices_fit(in->height, rows, d->log2_chroma_h) &&
                (!best || abs(n - wanted) < abs(best - wanted)))
                best = n;
        }
    return best;
}

static int plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log)
{
    int slices = slices_for(in, s->pix_fmt);
    (void)wish;
    if (!slices) {
        ta_error(log, "the ffv1 encoder can't cut %dx%d %s into slices: crop it to an even size", in->width,
                 in->height, av_get_pix_fmt_name(s->pix_fmt));
        return TA_ERR_UNSUPPORTED;
    }
    s->threads = TA_MIN(slices, 4);
    ta_encoder_set(s, "level", "3");
    ta_encoder_set(s, "g", "1");
    ta_encoder_set_number(s, "slices", slices);
    ta_encoder_set(s, "slicecrc", "1");
    ta_encoder_set(s, "coder", "range_tab");
    ta_encoder_set(s, "context", "1");
    return 0;
}

// It keeps room for the largest packet, which it may never fill.
static int64_t memory(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame)
{
    (void)s;
    return ((int64_t)8 << 20) + 155 * pixels + 4 * frame;
}

const struct ta_encoder_info ta_encoder_ffv1 = {
    .name = "ffv1",
    .codec = "ffv1",
    .summary = "FFV1 version 3, lossless, for archives",
    .containers = "mkv",
    .lossless = true,
    .hdr = true,
    .min_side = 1,
    .max_width = 32768,
    .max_height = 32768,
    .interlaced = true,
    .pix_fmts = formats,
    .check = check,
    .plan = plan,
    .memory = memory,
    .cost = {60},
    .share = 0.4,
};
