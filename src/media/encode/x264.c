// H.264 by x264: plays everywhere.
#include "base/mem.h"
#include "media/encode/encoder_row.h"

static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_NONE};

// cpu-independent: no choice by what the CPU is good at; stitchable: headers that do not depend on the
// pictures.
static int plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log)
{
    (void)wish;
    (void)log;
    s->threads = ta_encoder_by_size(in, 4, 6, 8);
    const char *fields = in->scan == TA_SCAN_TFF ? ":tff=1" : in->scan == TA_SCAN_BFF ? ":bff=1" : "";
    ta_encoder_set_text(
        s, "x264-params",
        ta_xprintf("cpu-independent=1:stitchable=1:lookahead-threads=1:sliced-threads=0%s", fields));
    ta_encoder_set(s, "g", "250");
    ta_encoder_set(s, "a53cc", "1");
    return 0;
}

static int64_t memory(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame)
{
    static const int frames[TA_ENCODER_SPEEDS] = {45, 70, 90, 115, 135, 160, 195, 235, 260, 540};
    (void)pixels;
    return ta_encoder_memory_by_speed(s, 20, frames, frame);
}

const struct ta_encoder_info ta_encoder_x264 = {
    .name = "h264",
    .codec = "libx264",
    .summary = "H.264, 8 bit 4:2:0, plays everywhere (x264)",
    .containers = "mp4 mkv mov",
    .hardware = true,
    .min_side = 2,
    .max_width = 16384,
    .max_height = 16384,
    .interlaced = true,
    .field_chroma = true,
    .pix_fmts = formats,
    .plan = plan,
    .memory = memory,
    .cost = {20, 45, 57, 83, 113, 150, 205, 510, 900, 1900},
    .bits = 0.07,
};
