// Tables that turn the user's scales (x264's) into those of the other encoders.
#include "media/encode/encoder.h"

#include <math.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"

const char *const ta_encoder_speeds[] = {"ultrafast", "superfast", "veryfast", "faster",  "fast", "medium",
                                         "slow",      "slower",    "veryslow", "placebo", NULL};

// x265's presets have x264's names. SVT-AV1's are numbers; these take about as long as x265's do
// (bench/quality/encoders.py, docs/quality.md).
static const char *const svt_presets[] = {"12", "10", "9", "9", "9", "8", "6", "4", "3", "2"};

int ta_encoder_speed_number(const char *speed)
{
    for (int i = 0; speed && ta_encoder_speeds[i]; i++)
        if (!strcmp(speed, ta_encoder_speeds[i]))
            return i;
    return -1;
}

const char *ta_encoder_speed(const struct ta_encoder_info *info, const char *speed)
{
    int i = ta_encoder_speed_number(speed);
    if (i < 0)
        return NULL;
    return !strcmp(info->name, "av1") ? svt_presets[i] : ta_encoder_speeds[i];
}

const char *ta_encoder_quality_speed(const char *quality)
{
    if (!quality || !strcmp(quality, "good"))
        return "medium";
    if (!strcmp(quality, "fast"))
        return "veryfast";
    return !strcmp(quality, "best") ? "slower" : NULL;
}

// The crf that gives the same SSIM (all planes) as x264's at preset medium, 8 bit: mean of three clips of 60
// frames of 480 lines (camera, animation, animation with grain), x265 at medium and SVT-AV1 1.4 at preset 8,
// both 10 bit. For each clip, encoder and crf
//
//     ffmpeg -i CLIP -pix_fmt yuv420p10le -c:v libx265 -crf CRF -preset medium OUT.mkv
//     ffmpeg -i OUT.mkv -i CLIP -lavfi "[0:v]settb=1,setpts=N,format=yuv420p10le[a];
//         [1:v]settb=1,setpts=N,format=yuv420p10le[b];[a][b]ssim" -f null -
//
// and a straight line between the points. SVT-AV1 keeps less grain than SSIM minds, so its column stays on
// the careful side (the lowest of the clips) up to 20. Beyond the measured range the ends are joined.
struct crf_point {
    double x264, own;
};

static const struct crf_point x265_crf[] = {
    {0, 0},     {12, 12},   {16, 16.8}, {18, 19},   {20, 21.2}, {23, 24.4},
    {26, 27.6}, {30, 31.9}, {36, 37.9}, {42, 44.3}, {51, 51},
};

static const struct crf_point svt_crf[] = {
    {0, 1}, {12, 7}, {16, 12}, {18, 16}, {20, 21}, {23, 33}, {26, 45}, {30, 57}, {36, 62}, {51, 63},
};

static double interpolate(const struct crf_point *points, size_t count, double x)
{
    for (size_t i = 1; i < count; i++)
        if (x <= points[i].x264) {
            double share = (x - points[i - 1].x264) / (points[i].x264 - points[i - 1].x264);
            return points[i - 1].own + share * (points[i].own - points[i - 1].own);
        }
    return points[count - 1].own;
}

double ta_encoder_crf(const struct ta_encoder_info *info, double crf)
{
    crf = fmin(fmax(crf, 0), 51);
    if (!strcmp(info->name, "hevc")) // one decimal, so that plans show a number that a person can type
        return round(10 * interpolate(x265_crf, TA_COUNT(x265_crf), crf)) / 10;
    if (!strcmp(info->name, "av1")) // whole numbers only
        return round(interpolate(svt_crf, TA_COUNT(svt_crf), crf));
    return crf;
}

// Pictures that an encoder holds at each speed (lookahead, references and their reduced copies, frame
// threads), and what it holds whatever the size. Fitted to peak memory of tests/media/encoder_tool at
// 720x480, 1440x1080 and 1920x1080, which prints both
// ("peak_mib" is that of the process, 30 MiB of which are its own): right to about 15 %.
static const struct memory_row {
    const char *name;
    int base_mib;
    int frames[10]; // in the order of ta_encoder_speeds
} memory_rows[] = {
    {"h264", 20, {45, 70, 90, 115, 135, 160, 195, 235, 260, 540}},
    {"hevc", 70, {45, 80, 105, 105, 110, 125, 145, 245, 260, 320}},
    {"av1", 110, {105, 110, 115, 115, 115, 135, 145, 220, 240, 260}},
};

int64_t ta_encoder_memory_bytes(const struct ta_encoder_settings *s, int width, int height)
{
    int64_t pixels = (int64_t)width * height, mib = 1 << 20;
    int64_t frame = pixels * av_get_padded_bits_per_pixel(av_pix_fmt_desc_get(s->pix_fmt)) / 8;
    const AVDictionaryEntry *preset = av_dict_get(s->options, "preset", NULL, 0);
    for (size_t i = 0; i < TA_COUNT(memory_rows); i++) {
        const struct memory_row *row = &memory_rows[i];
        if (strcmp(row->name, s->name))
            continue;
        const struct ta_encoder_info *info = ta_encoder_find(s->name);
        int most = row->frames[TA_COUNT(row->frames) - 1];
        for (int k = 0; preset && ta_encoder_speeds[k]; k++)
            if (!strcmp(preset->value, ta_encoder_speed(info, ta_encoder_speeds[k]))) {
                most = row->frames[k];
                break;
            }
        return row->base_mib * mib + most * frame;
    }
    // FFV1 keeps room for the largest packet, which it may never fill.
    if (!strcmp(s->name, "ffv1"))
        return 8 * mib + 155 * pixels + 4 * frame;
    return 8 * mib + 8 * frame;
}
