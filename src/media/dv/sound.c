#include "media/dv/sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

#include "base/mem.h"

enum { AUDIO_BLOCKS = 9, AUDIO_FROM = 8 };
#define WRONG_16 (-32768) // what recorders write for a sample that they could not read
#define WRONG_12 0x800
#define MISSING INT32_MIN // while a frame is put together

// 12 bits: steps that double from segment to segment, of 256 codes each; negative codes mirror them.
static int expand(int code)
{
    int value = code & 0x7ff;
    if (code & 0x800)
        value = 0x7ff - value;
    int segment = value >> 8;
    if (segment > 1)
        value = (256 + (value & 255)) << (segment - 1);
    return code & 0x800 ? -1 - value : value;
}

struct frame_samples {
    int32_t *pcm; // interleaved
    int count;    // 2 * samples
};

static void put(struct frame_samples *s, int at, int value)
{
    if (at < s->count)
        s->pcm[at] = value;
}

static void unpack_16(struct frame_samples *s, const uint8_t *block, int first, int stride)
{
    for (int d = AUDIO_FROM, at = first; d < TA_DV_BLOCK; d += 2, at += stride) {
        int value = (int16_t)AV_RB16(block + d);
        put(s, at, value == WRONG_16 ? MISSING : value);
    }
}

static void unpack_12(struct frame_samples *s, const uint8_t *block, int left, int right, int stride)
{
    for (int d = AUDIO_FROM, step = 0; d < TA_DV_BLOCK; d += 3, step += stride) {
        int l = block[d] << 4 | block[d + 2] >> 4, r = block[d + 1] << 4 | (block[d + 2] & 15);
        put(s, left + step, l == WRONG_12 ? MISSING : expand(l));
        put(s, right + step, r == WRONG_12 ? MISSING : expand(r));
    }
}

// Straight lines over what is missing; returns how much was.
static int bridge(const struct frame_samples *s, int16_t *out)
{
    int missing = 0;
    for (int channel = 0; channel < 2; channel++) {
        int good = -1; // the last sample that is there
        for (int i = channel; i < s->count; i += 2) {
            if (s->pcm[i] == MISSING) {
                missing++;
                out[i] = good < 0 ? 0 : out[good];
                continue;
            }
            out[i] = av_clip_int16(s->pcm[i]);
            int from = good < 0 ? out[i] : out[good], steps = (i - good) / 2;
            if (good < 0)
                good = channel - 2;
            for (int k = good + 2, n = 1; k < i; k += 2, n++)
                out[k] = (int16_t)(good < channel ? out[i] : from + (out[i] - from) * n / steps);
            good = i;
        }
    }
    return missing;
}

int ta_dv_sound_extract(const uint8_t *frame, const uint8_t *there, const AVDVProfile *p,
                        const struct ta_dv_sound *sound, int pair, int16_t *out)
{
    int32_t pcm[2 * TA_DV_MAX_SAMPLES];
    struct frame_samples s = {pcm, 2 * TA_MIN(sound->samples, TA_DV_MAX_SAMPLES)};
    int half = p->difseg_size / 2, channel = sound->bits == 16 ? pair : pair / 2;
    for (int i = 0; i < s.count; i++)
        pcm[i] = MISSING;
    for (int sequence = 0; channel < p->n_difchan && sequence < p->difseg_size; sequence++) {
        if (sound->bits == 12 && sequence / half != pair % 2)
            continue;
        for (int k = 0; k < AUDIO_BLOCKS; k++) {
            int slot = (channel * p->difseg_size + sequence) * TA_DV_SEQUENCE + 6 + 16 * k;
            if (!there[slot])
                continue;
            const uint8_t *block = frame + (ptrdiff_t)slot * TA_DV_BLOCK;
            if (sound->bits == 16)
                unpack_16(&s, block, p->audio_shuffle[sequence][k], p->audio_stride);
            else
                unpack_12(&s, block, p->audio_shuffle[sequence % half][k],
                          p->audio_shuffle[sequence % half + half][k], p->audio_stride);
        }
    }
    return bridge(&s, out);
}

// ---- resampling: a windowed sinc, tabulated between its zero crossings ----

enum { CROSSINGS = 24, STEPS = 512 };

struct ta_dv_resampler {
    double scale; // < 1 where the result has fewer samples: the cut-off comes down with them
    int reach;
    float table[CROSSINGS * STEPS + 2];
};

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

struct ta_dv_resampler *ta_dv_resampler_create(double ratio)
{
    struct ta_dv_resampler *r = ta_xcalloc(1, sizeof(*r));
    // A little below half the rate, so that the flank ends near it.
    const double cutoff = 0.94, beta = 9;
    r->scale = TA_MIN(ratio, 1);
    r->reach = (int)ceil(CROSSINGS / r->scale) + 1;
    for (int i = 0; i <= CROSSINGS * STEPS; i++) {
        double x = (double)i / STEPS, t = x / CROSSINGS;
        double sinc = i ? sin(M_PI * cutoff * x) / (M_PI * x) : cutoff;
        r->table[i] = (float)(sinc * bessel_i0(beta * sqrt(1 - t * t)) / bessel_i0(beta));
    }
    return r;
}

void ta_dv_resampler_destroy(struct ta_dv_resampler **r)
{
    ta_freep(r);
}

int ta_dv_resampler_reach(const struct ta_dv_resampler *r)
{
    return r->reach;
}

void ta_dv_resampler_get(const struct ta_dv_resampler *r, const int16_t *in, int64_t count, double place,
                         int16_t out[2])
{
    int64_t middle = (int64_t)floor(place), from = TA_MAX(middle - r->reach + 1, 0),
            to = TA_MIN(middle + r->reach, count - 1);
    double sum[2] = {0};
    for (int64_t i = from; i <= to; i++) {
        double at = fabs((double)i - place) * r->scale * STEPS;
        int k = (int)at;
        if (k >= CROSSINGS * STEPS)
            continue;
        double weight = r->table[k] + (at - k) * (r->table[k + 1] - r->table[k]);
        sum[0] += weight * in[2 * i];
        sum[1] += weight * in[2 * i + 1];
    }
    out[0] = av_clip_int16((int)lrint(sum[0] * r->scale));
    out[1] = av_clip_int16((int)lrint(sum[1] * r->scale));
}
