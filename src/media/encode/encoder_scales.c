#include "media/encode/encoder_scales.h"

#include <math.h>
#include <string.h>

#include "media/encode/encoder_row.h"

const char *const ta_encoder_speeds[] = {"ultrafast", "superfast", "veryfast", "faster",  "fast", "medium",
                                         "slow",      "slower",    "veryslow", "placebo", NULL};

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
    return info->speeds ? info->speeds[i] : ta_encoder_speeds[i];
}

const char *ta_encoder_quality_speed(const char *quality)
{
    if (!quality || !strcmp(quality, "good"))
        return "medium";
    if (!strcmp(quality, "fast"))
        return "veryfast";
    return !strcmp(quality, "best") ? "slower" : NULL;
}

// How the points in the rows were measured: the crf that gives the same SSIM (all planes) as x264's at preset
// medium, 8 bit; mean of three clips of 60 frames of 480 lines (camera, animation, animation with grain),
// x265 at medium and SVT-AV1 1.4 at preset 8, both 10 bit. For each clip, encoder and crf
//
//     ffmpeg -i CLIP -pix_fmt yuv420p10le -c:v libx265 -crf CRF -preset medium OUT.mkv
//     ffmpeg -i OUT.mkv -i CLIP -lavfi "[0:v]settb=1,setpts=N,format=yuv420p10le[a];
//         [1:v]settb=1,setpts=N,format=yuv420p10le[b];[a][b]ssim" -f null -
//
// and a straight line between the points. Beyond the measured range the ends are joined.
//
// How the memory in the rows was: pictures that an encoder holds at each speed (lookahead, references and
// their reduced copies, frame threads), and what it holds whatever the size. Fitted to peak memory of
// tests/media/encoder_tool at 720x480, 1440x1080 and 1920x1080, which prints both ("peak_mib" is that of the
// process, 30 MiB of which are its own): right to about 15 %.
static double interpolate(const struct ta_crf_point *points, int count, double x)
{
    for (int i = 1; i < count; i++)
        if (x <= points[i].x264) {
            double share = (x - points[i - 1].x264) / (points[i].x264 - points[i - 1].x264);
            return points[i - 1].own + share * (points[i].own - points[i - 1].own);
        }
    return points[count - 1].own;
}

double ta_encoder_crf(const struct ta_encoder_info *info, double crf)
{
    crf = fmin(fmax(crf, 0), 51);
    if (!info->crf)
        return crf;
    double own = interpolate(info->crf, info->crf_count, crf);
    return info->crf_steps ? round(info->crf_steps * own) / info->crf_steps : own;
}
