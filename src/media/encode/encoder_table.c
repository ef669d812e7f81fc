#include "media/encode/encoder.h"

#include <string.h>

static const enum AVPixelFormat h264_formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NONE};

static const enum AVPixelFormat main10_formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10,
                                                    AV_PIX_FMT_NONE};

// Every format of libav 5.1's FFV1 but the 9 bit ones, which no source has. RGB with 8 bits is packed there.
static const enum AVPixelFormat ffv1_formats[] = {
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

static const enum AVPixelFormat prores_formats[] = {AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10,
                                                    AV_PIX_FMT_YUVA444P10, AV_PIX_FMT_NONE};

// What y4m can hold.
static const enum AVPixelFormat y4m_formats[] = {
    AV_PIX_FMT_GRAY8,     AV_PIX_FMT_GRAY10,    AV_PIX_FMT_GRAY12,    AV_PIX_FMT_GRAY16,
    AV_PIX_FMT_YUV411P,   AV_PIX_FMT_YUV420P,   AV_PIX_FMT_YUV422P,   AV_PIX_FMT_YUV444P,
    AV_PIX_FMT_YUV420P10, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P10, AV_PIX_FMT_YUV420P12,
    AV_PIX_FMT_YUV422P12, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV420P14, AV_PIX_FMT_YUV422P14,
    AV_PIX_FMT_YUV444P14, AV_PIX_FMT_YUV420P16, AV_PIX_FMT_YUV422P16, AV_PIX_FMT_YUV444P16,
    AV_PIX_FMT_YUVA444P,  AV_PIX_FMT_NONE,
};

const struct ta_encoder_info ta_encoders[] = {
    {
        .name = "h264",
        .codec = "libx264",
        .summary = "H.264, 8 bit 4:2:0, plays everywhere (x264)",
        .containers = "mp4 mkv mov",
        .min_side = 2,
        .max_width = 16384,
        .max_height = 16384,
        .interlaced = true,
        .pix_fmts = h264_formats,
    },
    {
        .name = "hevc",
        .codec = "libx265",
        .summary = "H.265, 10 bit 4:2:0, smaller and slower (x265)",
        .containers = "mp4 mkv mov",
        .min_side = 16,
        .max_width = 16384,
        .max_height = 16384,
        .pix_fmts = main10_formats,
    },
    {
        .name = "av1",
        .codec = "libsvtav1",
        .summary = "AV1, 10 bit 4:2:0, smallest (SVT-AV1)",
        .containers = "mp4 mkv webm",
        .min_side = 64,
        .max_width = 16384,
        .max_height = 8704,
        .pix_fmts = main10_formats,
    },
    {
        .name = "ffv1",
        .codec = "ffv1",
        .summary = "FFV1 version 3, lossless, for archives",
        .containers = "mkv",
        .lossless = true,
        .min_side = 1,
        .max_width = 32768,
        .max_height = 32768,
        .interlaced = true,
        .pix_fmts = ffv1_formats,
    },
    {
        .name = "prores",
        .codec = "prores_ks",
        .summary = "ProRes 422 HQ or 4444, 10 bit, for editing",
        .containers = "mov mkv",
        .lossy_intra = true,
        .min_side = 2,
        .max_width = 32768,
        .max_height = 32768,
        .interlaced = true,
        .pix_fmts = prores_formats,
    },
    {
        .name = "raw",
        .codec = "rawvideo",
        .summary = "uncompressed pictures, for other programs",
        .containers = "y4m",
        .lossless = true,
        .min_side = 1,
        .max_width = 32768,
        .max_height = 32768,
        .interlaced = true,
        .pix_fmts = y4m_formats,
    },
    {0},
};

const struct ta_encoder_info *ta_encoder_find(const char *name)
{
    for (const struct ta_encoder_info *i = ta_encoders; i->name; i++)
        if (!strcmp(name, i->name) || !strcmp(name, i->codec))
            return i;
    return NULL;
}
