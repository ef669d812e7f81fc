// AV1 by SVT-AV1: the smallest files.
#include "base/mem.h"
#include "media/encode/encoder_row.h"

static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_NONE};

// How these were measured is in encoder_scales.c. It keeps less grain than SSIM minds, so the column stays on
// the careful side (the lowest of the clips) up to 20.
static const struct ta_crf_point crf[] = {
    {0, 1}, {12, 7}, {16, 12}, {18, 16}, {20, 21}, {23, 33}, {26, 45}, {30, 57}, {36, 62}, {51, 63},
};

// Its presets are numbers; these take about as long as x265's do (bench/quality/encoders.py,
// docs/quality.md).
static const char *const speeds[TA_ENCODER_SPEEDS] = {"12", "10", "9", "9", "9", "8", "6", "4", "3", "2"};

static int plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log)
{
    (void)log;
    // Its bytes are the same for any number. On 16 cores 4 took half the time of 2, and more gained nothing
    // but memory (1.4, preset 8, 30 frames of 720x480: 1.52, 0.77, 0.82 s and 131, 171, 325 MB for 2, 4, 8;
    // 16 frames of 1440x1080: 1.72, 1.00, 1.29 s).
    s->threads = ta_encoder_by_size(in, 4, 4, 6);
    struct ta_buf params = {0};
    ta_buf_printf(&params, "lp=%d:pin=0", s->threads);
    // The display that HDR10 was made for (SMPTE ST 2086): BT.2020 with D65, up to the peak, and black.
    if (wish->hdr_peak)
        ta_buf_printf(&params,
                      ":mastering-display=G(0.17,0.797)B(0.131,0.046)R(0.708,0.292)WP(0.3127,0.329)"
                      "L(%d,0.0001)",
                      wish->hdr_peak);
    ta_encoder_set_text(s, "svtav1-params", ta_buf_take(&params));
    ta_encoder_set(s, "g", "241"); // 15 of the encoder's groups of 16 pictures, and the key frame
    return 0;
}

static int64_t memory(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame)
{
    static const int frames[TA_ENCODER_SPEEDS] = {105, 110, 115, 115, 115, 135, 145, 220, 240, 260};
    (void)pixels;
    return ta_encoder_memory_by_speed(s, 110, frames, frame);
}

const struct ta_encoder_info ta_encoder_svtav1 = {
    .name = "av1",
    .codec = "libsvtav1",
    .summary = "AV1, 10 bit 4:2:0, smallest (SVT-AV1)",
    .containers = "mp4 mkv webm",
    .hdr = true,
    .hardware = true,
    .min_side = 64,
    .max_width = 16384,
    .max_height = 8704,
    .pix_fmts = formats,
    .crf = crf,
    .crf_count = TA_COUNT(crf),
    .crf_steps = 1,
    .speeds = speeds,
    .plan = plan,
    .memory = memory,
    .cost = {40, 60, 80, 80, 80, 110, 250, 700, 1200, 2000},
    .bits = 0.04,
    // It keeps tables for the whole process and makes them anew when an encoder is opened: one that is at
    // work then reads them half made, and crashes.
    .alone = true,
    // 1.4 hangs for ever when it is closed without having had a frame, and complains when it is closed before
    // the end of the stream.
    .must_end = true,
    .quiet_env = "SVT_LOG", // 1: errors only
};
