// Uncompressed pictures, for other programs.
#include "media/encode/encoder_row.h"

// What y4m can hold.
static const enum AVPixelFormat formats[] = {
    AV_PIX_FMT_GRAY8,     AV_PIX_FMT_GRAY10,    AV_PIX_FMT_GRAY12,    AV_PIX_FMT_GRAY16,
    AV_PIX_FMT_YUV411P,   AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,
    AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV420P12,
    AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV420P14, AV_PIX_FMT_YUV422P14,
    AV_PIX_FMT_YUV444P14, AV_PIX_FMT_YUV420P16, AV_PIX_FMT_YUV422P16, AV_PIX_FMT_YUV444P16,
    AV_PIX_FMT_YUVA444P,  AV_PIX_FMT_NONE,
};

const struct ta_encoder_info ta_encoder_rawvideo = {
    .name = "raw",
    .codec = "rawvideo",
    .summary = "uncompressed pictures, for other programs",
    .containers = "y4m",
    .lossless = true,
    .hdr = true,
    .min_side = 1,
    .max_width = 32768,
    .max_height = 32768,
    .interlaced = true,
    .pix_fmts = formats,
    .cost = {2},
    .share = 1,
};
