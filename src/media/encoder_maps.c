// Tables that turn the user's scales (x264's) into those of the other encoders.
#include "media/encoder.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

const char *const ta_encoder_speeds[] = {"ultrafast", "superfast", "veryfast", "faster",  "fast", "medium",
                                         "slow",      "slower",    "veryslow", "placebo", NULL};

// x265's presets have x264's names. SVT-AV1's are numbers; these take about as long as x265's do.
static const char *const svt_presets[] = {"12", "11", "10", "9", "9", "8", "6", "5", "4", "3"};

static int speed_index(const char *speed)
{
    for (int i = 0; speed && ta_encoder_speeds[i]; i++)
        if (!strcmp(speed, ta_encoder_speeds[i]))
            return i;
    return -1;
}

const char *ta_encoder_speed(const struct ta_encoder_info *info, const char *speed)
{
    int i = speed_index(speed);
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

// MAPS
struct crf_point {
    double x264, own;
};

static const struct crf_point x265_crf[] = {{0, 0}, {51, 51}};
static const struct crf_point svt_crf[] = {{0, 1}, {51, 63}};

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

int64_t ta_encoder_memory_bytes(const struct ta_encoder_settings *s, int width, int height)
{
    (void)s;
    return (int64_t)width * height * 3 * 40 + (64 << 20);
}
