#include "dsp/sound_bands.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    BANDS = 96, // of the same width, up to half of the rate
    LEAST_DB = -160,
    MOST_DB = 100,
    LEVELS = MOST_DB - LEAST_DB, // steps of 1 dB
    HISS_FROM = 2000,            // Hz
};

static const double none_db = -200;

struct ta_sound_bands {
    struct ta_sound_block block; // a piece of which the first `size` samples are looked at
    const struct ta_sound_dsp *dsp;
    int rate, channels, size;
    long long count;
    AVTXContext *tx;
    av_tx_fn transform;
    float *window, *in, *power;
    AVComplexFloat *out;
    uint32_t (*histograms)[LEVELS]; // BANDS, and one more for all above HISS_FROM
};

static void count_level(uint32_t *histogram, double power)
{
    int i = (int)floor(10 * log10(power + 1e-18)) - LEAST_DB;
    histogram[TA_MIN(TA_MAX(i, 0), LEVELS - 1)]++;
}

// The loudest channel's, for each band; powers are those of samples.
static void process(void *self, float *const *planes)
{
    struct ta_sound_bands *b = self;
    const int half = b->size / 2, hiss = (int)ceil((double)HISS_FROM * b->size / b->rate);
    double most[BANDS + 1] = {0};
    for (int c = 0; c < b->channels; c++) {
        double powers[BANDS + 1] = {0};
        b->dsp->multiply(b->in, planes[c], b->window, (size_t)b->size);
        b->transform(b->tx, b->out, b->in, sizeof(float));
        memset(b->power, 0, (size_t)half * sizeof(float));
        b->dsp->power(b->power, &b->out[0].re, (size_t)half);
        for (int band = 0, i = 1; band < BANDS; band++)
            for (; i < half && i * BANDS < (band + 1) * half; i++)
                powers[band] += b->power[i];
        for (int i = TA_MAX(hiss, 1); i < half; i++)
            powers[BANDS] += b->power[i];
        for (int i = 0; i <= BANDS; i++)
            most[i] = TA_MAX(most[i], powers[i]);
    }
    double all = 0;
    for (int i = 0; i < BANDS; i++)
        all += most[i];
    if (all < 1e-10)
        return;
    b->count++;
    for (int i = 0; i <= BANDS; i++)
        count_level(b->histograms[i], most[i]);
}

struct ta_sound_bands *ta_sound_bands_create(int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_bands *b = ta_xcalloc(1, sizeof *b);
    b->dsp = ta_sound_dsp();
    b->rate = rate;
    b->channels = channels;
    b->size = 1024;
    while (b->size * 16 < rate)
        b->size *= 2;
    ta_sound_block_init(&b->block, (size_t)b->size * 2, channels);
    b->window = ta_sound_alloc((size_t)b->size, sizeof(float));
    b->in = ta_sound_alloc((size_t)b->size, sizeof(float));
    b->power = ta_sound_alloc((size_t)b->size, sizeof(float));
    b->out = ta_sound_alloc((size_t)b->size / 2 + 1, sizeof *b->out);
    b->histograms = ta_xcalloc(BANDS + 1, sizeof *b->histograms);
    // So that the powers of all bins come to that of the samples.
    for (int i = 0; i < b->size; i++)
        b->window[i] = (float)((1 - cos(2 * M_PI * i / b->size)) / b->size / sqrt(0.75));
    float scale = 1;
    if (av_tx_init(&b->tx, &b->transform, AV_TX_FLOAT_RDFT, 0, b->size, &scale, 0) < 0)
        ta_sound_bands_destroy(&b);
    return b;
}

void ta_sound_bands_destroy(struct ta_sound_bands **bands)
{
    struct ta_sound_bands *b = *bands;
    if (!b)
        return;
    ta_sound_block_release(&b->block);
    av_tx_uninit(&b->tx);
    free(b->window);
    free(b->in);
    free(b->power);
    free(b->out);
    free(b->histograms);
    ta_freep(bands);
}

void ta_sound_bands_add(struct ta_sound_bands *bands, const float *const *planes, size_t samples)
{
    ta_sound_block_hear(&bands->block, planes, samples, process, bands);
}

static double level_at(const struct ta_sound_bands *b, int band, double share)
{
    double want = share * (double)(b->count - 1), sum = 0;
    for (int i = 0; i < LEVELS; i++) {
        sum += b->histograms[band][i];
        if (sum > want)
            return LEAST_DB + i + 0.5;
    }
    return none_db;
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

// Where sound comes and goes it is sound and no noise; where nothing does, what stands out of the lowest
// band.
static void set_bandwidth(const struct ta_sound_bands *b, struct ta_sound_measured *out)
{
    double low[BANDS], high[BANDS], middle[BANDS], least = 1000, loudest = none_db;
    for (int i = 0; i < BANDS; i++) {
        low[i] = level_at(b, i, 0.1);
        middle[i] = level_at(b, i, 0.5);
        high[i] = level_at(b, i, 0.97);
        least = TA_MIN(least, middle[i]);
        loudest = TA_MAX(loudest, high[i]);
    }
    int top = -1, lively = 0;
    for (int i = 0; i < BANDS; i++) {
        bool sound = high[i] - low[i] > 9 && high[i] > loudest - 75 && high[i] > -100;
        bool before = i && high[i - 1] - low[i - 1] > 9;
        lively += sound;
        if (sound && (before || !i))
            top = i;
    }
    double width = 0.5 * b->rate / BANDS, sure = clamp((double)b->count / 100);
    if (lively < 4) {
        top = BANDS - 1;
        while (top > 0 && middle[top] < least + 10 && loudest > least + 10)
            top--;
        sure *= 0.4;
    }
    out->bandwidth_hz.value = (top + 1) * width;
    out->bandwidth_hz.confidence = sure;
}

void ta_sound_bands_result(const struct ta_sound_bands *b, struct ta_sound_measured *out)
{
    out->bandwidth_hz = (struct ta_sound_value){0};
    out->hiss_db = (struct ta_sound_value){none_db, 0};
    if (!b->count)
        return;
    set_bandwidth(b, out);
    if (b->rate <= 2 * HISS_FROM)
        return;
    // The mean of noise lies above its tenth lowest of a hundred by a little.
    double low = level_at(b, BANDS, 0.05), spread = level_at(b, BANDS, 0.5) - low;
    out->hiss_db.value = low + 0.7;
    // Steady from end to end, or with pauses; in between are sounds that do not end.
    out->hiss_db.confidence = clamp((double)b->count / 100) * (spread < 3 || spread > 8 ? 1 : 0.5);
}
