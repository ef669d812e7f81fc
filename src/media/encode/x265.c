// H.265 by x265: smaller and slower than H.264, and in 10 bit.
#include "base/mem.h"
#include "media/encode/encoder_row.h"

// x265 3.5 writes beyond a row of its own of narrower pictures when it weighs what later pictures take from
// them (cuTree), four blocks of 16 columns at a time.
#define LEAST_TREE_WIDTH 64

static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10, AV_PIX_FMT_NONE};

// How these were measured is in encoder_scales.c.
static const struct ta_crf_point crf[] = {
    {0, 0},     {12, 12},   {16, 16.8}, {18, 19},   {20, 21.2}, {23, 24.4},
    {26, 27.6}, {30, 31.9}, {36, 37.9}, {42, 44.3}, {51, 51},
};

// Frame threads change x265's output, the size of the pool does not, but without a pool there is no WPP,
// which does. info: no version and settings in the stream, so that builds of x265 agree.
static int plan(struct ta_encoder_settings *s, const struct ta_encoder_wish *wish, const struct ta_format *in,
                struct ta_log *log)
{
    (void)log;
    s->threads = ta_encoder_by_size(in, 2, 3, 4);
    struct ta_buf params = {0};
    ta_buf_printf(&params, "info=0:log-level=none:frame-threads=%d:pools=4:wpp=1:pmode=0:pme=0:open-gop=0",
                  s->threads);
    if (in->width < LEAST_TREE_WIDTH)
        ta_buf_puts(&params, ":cutree=0");
    // The display that HDR10 was made for (SMPTE ST 2086): BT.2020 with D65, up to the peak, and black. How
    // bright the pictures really are is not known before they are encoded: that goes into the container
    // alone. Colours count in 0.00002 and light in 0.0001 cd/m2, and without cll=0 the stream would say that
    // the pictures' brightness is unknown.
    if (wish->hdr_peak)
        ta_buf_printf(&params,
                      ":cll=0:master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(%d,1)",
                      wish->hdr_peak * 10000);
    ta_encoder_set_text(s, "x265-params", ta_buf_take(&params));
    ta_encoder_set(s, "g", "250");
    return 0;
}

static int64_t memory(const struct ta_encoder_settings *s, int64_t pixels, int64_t frame)
{
    static const int frames[TA_ENCODER_SPEEDS] = {45, 80, 105, 105, 110, 125, 145, 245, 260, 320};
    (void)pixels;
    return ta_encoder_memory_by_speed(s, 70, frames, frame);
}

const struct ta_encoder_info ta_encoder_x265 = {
    .name = "hevc",
    .codec = "libx265",
    .summary = "H.265, 10 bit 4:2:0, smaller and slower (x265)",
    .containers = "mp4 mkv mov",
    .hdr = true,
    .hardware = true,
    .min_side = 16,
    .max_width = 16384,
    .max_height = 16384,
    .pix_fmts = formats,
    .crf = crf,
    .crf_count = TA_COUNT(crf),
    .crf_steps = 10, // so that plans show a number that a person can type
    .plan = plan,
    .memory = memory,
    .cost = {90, 150, 225, 225, 255, 495, 1000, 2500, 4000, 8000},
    .bits = 0.045,
};
