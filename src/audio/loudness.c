#include "audio/loudness.h"

#include <math.h>
#include <stdlib.h>

#include <libavutil/channel_layout.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

struct ta_level ta_level_for(double loudness, double peak, double target, double ceiling)
{
    struct ta_level level = {0};
    if (!isfinite(peak)) {
        level.silent = true;
        return level;
    }
    if (target < 0 && !isfinite(loudness))
        level.silent = true;
    double wanted = target < 0 && isfinite(loudness) ? target - loudness : 0;
    level.gain = fmin(wanted, TA_LEVEL_MOST);
    double over = peak + level.gain - ceiling;
    if (over > TA_LEVEL_LIMIT) {
        level.gain -= over - TA_LEVEL_LIMIT;
        over = TA_LEVEL_LIMIT;
    }
    level.limited = over > 0;
    level.missing = target < 0 && !level.silent ? wanted - level.gain : 0;
    return level;
}

#if TA_HAVE_EBUR128

#include <ebur128.h>

const bool ta_loudness_is_there = true;

struct ta_loudness {
    ebur128_state *state;
    int channels;
    float *interleaved;
    struct ta_log *log;
};

static int channel_of(uint64_t speaker)
{
    switch (speaker) {
    case AV_CH_FRONT_LEFT:
        return EBUR128_LEFT;
    case AV_CH_FRONT_RIGHT:
        return EBUR128_RIGHT;
    case AV_CH_FRONT_CENTER:
        return EBUR128_CENTER;
    case AV_CH_LOW_FREQUENCY:
        return EBUR128_UNUSED;
    case AV_CH_BACK_LEFT:
        return EBUR128_LEFT_SURROUND;
    case AV_CH_BACK_RIGHT:
        return EBUR128_RIGHT_SURROUND;
    case AV_CH_SIDE_LEFT:
        return EBUR128_Mp090;
    case AV_CH_SIDE_RIGHT:
        return EBUR128_Mm090;
    default:
        return EBUR128_CENTER; // weighs 1
    }
}

int ta_loudness_create(struct ta_loudness **out, const struct ta_sound_format *format, struct ta_log *log)
{
    struct ta_loudness *l = ta_xcalloc(1, sizeof *l);
    l->log = log;
    l->channels = format->channels;
    l->interleaved = ta_xcalloc((size_t)TA_SOUND_BLOCK * (size_t)format->channels, sizeof *l->interleaved);
    l->state = ebur128_init((unsigned)format->channels, (unsigned long)format->rate,
                            EBUR128_MODE_I | EBUR128_MODE_HISTOGRAM);
    *out = l;
    if (!l->state) {
        ta_error(log, "loudness of %d channels at %d Hz can't be measured", format->channels, format->rate);
        ta_loudness_destroy(out);
        return TA_ERR_UNSUPPORTED;
    }
    if (format->channels == 1) {
        // As loud as from two speakers, which is how it is heard.
        ebur128_set_channel(l->state, 0, EBUR128_DUAL_MONO);
        return 0;
    }
    unsigned i = 0;
    for (uint64_t rest = format->mask; rest && i < (unsigned)format->channels; rest &= rest - 1)
        ebur128_set_channel(l->state, i++, channel_of(rest & -rest));
    for (; i < (unsigned)format->channels; i++)
        ebur128_set_channel(l->state, i, EBUR128_CENTER);
    return 0;
}

int ta_loudness_add(struct ta_loudness *l, float *const *planes, size_t samples)
{
    for (size_t done = 0; done < samples; done += TA_SOUND_BLOCK) {
        size_t n = TA_MIN(samples - done, TA_SOUND_BLOCK);
        for (int c = 0; c < l->channels; c++)
            for (size_t i = 0; i < n; i++)
                l->interleaved[i * (size_t)l->channels + (size_t)c] = planes[c][done + i];
        if (ebur128_add_frames_float(l->state, l->interleaved, n) != EBUR128_SUCCESS) {
            ta_error(l->log, "out of memory for the loudness of sound");
            return TA_ERR_NOMEM;
        }
    }
    return 0;
}

double ta_loudness_get(const struct ta_loudness *l)
{
    double value = -INFINITY;
    return ebur128_loudness_global(l->state, &value) == EBUR128_SUCCESS && value > -70 ? value : -INFINITY;
}

void ta_loudness_destroy(struct ta_loudness **loudness)
{
    struct ta_loudness *l = *loudness;
    *loudness = NULL;
    if (!l)
        return;
    if (l->state)
        ebur128_destroy(&l->state);
    free(l->interleaved);
    free(l);
}

#else

const bool ta_loudness_is_there = false;

int ta_loudness_create(struct ta_loudness **out, const struct ta_sound_format *format, struct ta_log *log)
{
    (void)format;
    *out = NULL;
    ta_error(log, "this build can't measure loudness: libebur128 was missing when it was made");
    return TA_ERR_UNSUPPORTED;
}

int ta_loudness_add(struct ta_loudness *l, float *const *planes, size_t samples)
{
    (void)l;
    (void)planes;
    (void)samples;
    return TA_ERR_UNSUPPORTED;
}

double ta_loudness_get(const struct ta_loudness *l)
{
    (void)l;
    return -INFINITY;
}

void ta_loudness_destroy(struct ta_loudness **l)
{
    *l = NULL;
}

#endif
