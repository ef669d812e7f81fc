#include "dsp/sound_levels.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    STEPS = 4, // of a dB
    LEAST_DB = -120,
    MOST_DB = 100,
    LEVELS = (MOST_DB - LEAST_DB) * STEPS,
    CLIP_STEPS = 400, // of levels of clipped runs, 40 to a doubling
    CLIP_PIECE = 256, // samples that are looked at together
    RUN = 3,          // samples that a clipped run has at least
};

static const double none_db = -200, silence = 1e-10; // the second: a power, -100 dB
static const float flat = 3e-5f;                     // one step of 16 bits is as much
static const float clips_from = 0.02f;

// A plateau of a channel that may be one of clipping.
struct plateau {
    float level, before, entry; // of the run; the last sample; the step that led there
    int length;
};

struct histogram {
    long long count;
    uint32_t levels[LEVELS];
};

struct ta_sound_levels {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int rate, channels;
    size_t moment; // samples of 2 ms
    float *powers; // of the moments of a half second
    long long samples, windows, silent;
    double power, peak;
    long long counted;            // samples in `power`
    struct histogram all, steady; // of half seconds; of their moments in the middle
    struct plateau *plateaus;     // channels
    uint32_t clips[CLIP_STEPS];   // by level
    // Of the first two channels, over half seconds that are loud against what was heard so far.
    double xx, yy, xy;
    long long told, alone[2], same, turned;
    double loudest;
};

static int clip_step(float level)
{
    int i = (int)lrint(log2(level) * 40) + CLIP_STEPS / 2;
    return TA_MIN(TA_MAX(i, 0), CLIP_STEPS - 1);
}

static void look_for_clips(struct ta_sound_levels *l, struct plateau *p, const float *x, size_t n)
{
    // No run goes on from before, and no two neighbours are alike and loud enough for one.
    if (n > 1 && p->length <= 1 && fabsf(x[0] - p->before) > flat &&
        !l->dsp->any_alike(x + 1, flat, 0.95f * clips_from, n - 1)) {
        *p = (struct plateau){x[n - 1], x[n - 1], x[n - 1] - x[n - 2], 1};
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float step = x[i] - p->before;
        if (p->length && fabsf(x[i] - p->level) <= flat) {
            p->length++;
        } else {
            // A clipped run begins and ends abruptly, and the waveform turns back.
            float up = p->level > 0 ? p->entry : -p->entry, down = p->level > 0 ? -step : step;
            if (p->length >= RUN && fabsf(p->level) > clips_from && up > 10 * flat && down > 10 * flat)
                l->clips[clip_step(fabsf(p->level))]++;
            p->level = x[i];
            p->entry = step;
            p->length = 1;
        }
        p->before = x[i];
    }
}

static void hear_pair(struct ta_sound_levels *l, const float *x, const float *y, size_t n)
{
    double xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
        xy += (double)x[i] * y[i];
    }
    double power = (xx + yy) / (double)n;
    l->loudest = TA_MAX(l->loudest * 0.995, power);
    // What is quiet is noise, which differs from channel to channel.
    if (power < silence || power < 0.01 * l->loudest)
        return;
    double together = xy / sqrt(xx * yy + 1e-30);
    l->told++;
    l->xx += xx;
    l->yy += yy;
    l->xy += xy;
    l->alone[0] += xx > 1000 * yy;
    l->alone[1] += yy > 1000 * xx;
    l->same += together > 0.95;
    l->turned += together < -0.9;
}

// The power of half a second of a channel; *steady is that of its moments in the middle: clicks and buzz,
// which are loud for a small part of the time, have no say in it.
static double power_of(struct ta_sound_levels *l, const float *x, double *steady)
{
    size_t n = l->block.size, count = 0;
    double sum = 0;
    for (size_t at = 0; at < n; at += l->moment) {
        size_t length = TA_MIN(l->moment, n - at);
        float power = l->dsp->dot(x + at, x + at, length);
        sum += power;
        if (length == l->moment)
            l->powers[count++] = power / (float)length;
    }
    double mean = sum / (double)n;
    *steady = TA_MIN(mean, (double)ta_sound_nth(l->powers, count, count / 2));
    return mean;
}

static void note(struct histogram *h, double power)
{
    if (power <= silence)
        return;
    int i = (int)floor((10 * log10(power) - LEAST_DB) * STEPS);
    h->levels[TA_MIN(TA_MAX(i, 0), LEVELS - 1)]++;
    h->count++;
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_levels *l = self;
    size_t n = l->block.size;
    double loudest = 0, steadiest = 0;
    for (int c = 0; c < l->channels; c++) {
        double steady, power = power_of(l, planes[c], &steady);
        loudest = TA_MAX(loudest, power);
        steadiest = TA_MAX(steadiest, steady);
        l->peak = TA_MAX(l->peak, l->dsp->most(planes[c], n));
        if (power > silence) {
            l->power += power * (double)n;
            l->counted += (long long)n;
        }
        for (size_t at = 0; at < n; at += CLIP_PIECE)
            look_for_clips(l, &l->plateaus[c], planes[c] + at, TA_MIN(CLIP_PIECE, n - at));
    }
    l->windows++;
    if (loudest <= silence)
        l->silent++;
    note(&l->all, loudest);
    note(&l->steady, steadiest);
    if (l->channels >= 2)
        hear_pair(l, planes[0], planes[1], n);
}

struct ta_sound_levels *ta_sound_levels_create(int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_levels *l = ta_xcalloc(1, sizeof *l);
    l->rate = rate;
    l->channels = channels;
    l->plateaus = ta_xcalloc((size_t)channels, sizeof *l->plateaus);
    ta_sound_block_init(&l->block, (size_t)rate / 2, channels);
    l->dsp = ta_sound_dsp();
    l->moment = (size_t)rate / 500;
    l->powers = ta_sound_alloc(l->block.size / l->moment + 1, sizeof(float));
    return l;
}

void ta_sound_levels_destroy(struct ta_sound_levels **levels)
{
    struct ta_sound_levels *l = *levels;
    if (!l)
        return;
    ta_sound_block_release(&l->block);
    free(l->plateaus);
    free(l->powers);
    ta_freep(levels);
}

void ta_sound_levels_add(struct ta_sound_levels *levels, const float *const *planes, size_t samples)
{
    levels->samples += (long long)samples;
    ta_sound_block_hear(&levels->block, planes, samples, process, levels);
}

// The level, dB, that this share of half seconds lies below.
static double level_at(const struct histogram *h, double share)
{
    long long sum = 0;
    for (int i = 0; i < LEVELS; i++) {
        sum += h->levels[i];
        if ((double)sum > share * (double)(h->count - 1))
            return LEAST_DB + (i + 0.5) / STEPS;
    }
    return none_db;
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static void set_clipping(const struct ta_sound_levels *l, struct ta_sound_measured *out)
{
    long long most = 0, all = 0;
    int at = 0;
    // A level at which a recording clips gathers runs next to its peak.
    int highest = l->peak > 0 ? clip_step((float)l->peak) : 0;
    for (int i = TA_MAX(highest - 4, 0); i <= highest; i++) {
        all += l->clips[i];
        if (l->clips[i] > most) {
            most = l->clips[i];
            at = i;
        }
    }
    double minutes = (double)l->samples / l->rate / 60;
    out->clipped.value = minutes > 0 ? (double)all / minutes : 0;
    out->clipped.confidence = all ? clamp(0.3 + (double)all / 20) : clamp(minutes * 6);
    if (all)
        out->clip_level = TA_MIN(exp2((at - CLIP_STEPS / 2) / 40.0), l->peak);
}

static void set_channels(const struct ta_sound_levels *l, struct ta_sound_measured *out)
{
    double told = (double)l->told, best = 0.8 * told;
    if (l->channels == 1) {
        out->channels = TA_SOUND_MONO;
        out->channels_confidence = 1;
        return;
    }
    if (!l->told)
        return;
    out->correlation = l->xy / sqrt(l->xx * l->yy + 1e-30);
    out->balance_db = 10 * log10((l->xx + 1e-12) / (l->yy + 1e-12));
    out->channels = TA_SOUND_STEREO;
    double share = 1;
    if (l->channels == 2) {
        const struct {
            long long count;
            enum ta_sound_channels is;
        } states[] = {{l->alone[0], TA_SOUND_ONE_SIDED},
                      {l->alone[1], TA_SOUND_ONE_SIDED},
                      {l->turned, TA_SOUND_OUT_OF_PHASE},
                      {l->same, TA_SOUND_DUAL_MONO}};
        double most = 0;
        for (size_t i = 0; i < TA_COUNT(states); i++) {
            most = TA_MAX(most, (double)states[i].count);
            if ((double)states[i].count <= best)
                continue;
            best = (double)states[i].count;
            out->channels = states[i].is;
            out->side = i == 1;
        }
        share = out->channels == TA_SOUND_STEREO ? 1 - most / told : best / told;
    }
    out->channels_confidence = clamp(share) * clamp(told / 10);
}

void ta_sound_levels_result(const struct ta_sound_levels *l, struct ta_sound_measured *out)
{
    out->silent = l->windows ? (double)l->silent / (double)l->windows : 0;
    out->peak_db = l->peak > 0 ? 20 * log10(l->peak) : none_db;
    out->rms_db = l->counted ? 10 * log10(l->power / (double)l->counted) : none_db;
    out->noise_db.value = none_db;
    double heard = (double)l->steady.count;
    if (heard >= 1) {
        out->noise_db.value = level_at(&l->steady, 0.05);
        // Where nothing is much quieter than what is loud there are no pauses, and what is quietest is sound.
        double pauses = level_at(&l->all, 0.85) - out->noise_db.value;
        out->noise_db.confidence = clamp((pauses - 2) / 10) * clamp(heard / 20);
    }
    set_clipping(l, out);
    set_channels(l, out);
}
