#include "dsp/sound_mains.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/tx.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_block.h"

enum {
    LINES_RATE = 2400, // at least, of what is looked at: lines go up to 1 kHz
    SIZE = 8192,       // of a spectrum
    HOP = SIZE / 2,
    BINS = SIZE / 2 + 1,
    AROUND = 24,      // bins to each side that say what a line stands out of
    STRIDE = 8,       // bins from one such middle to the next
    CANDIDATES = 101, // frequencies tried for each of 50 and 60 Hz
};

static const double lowest_db = -200;

struct ta_sound_mains {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int channels, factor; // samples to one of the low rate
    double rate;          // the low one
    size_t taps, fill;
    float *weights;
    float **recent; // channels: taps - 1 + a block
    float **low;    // channels: SIZE samples of the low rate
    AVTXContext *tx;
    av_tx_fn transform;
    float *window, *in;
    AVComplexFloat *out;
    double **sums; // channels: of the logarithms, dB
    int spectra;
};

static void make_filter(struct ta_sound_mains *m)
{
    double cut = 0.5 * (1000.0 / m->rate + 0.5) / m->factor, sum = 0;
    for (size_t i = 0; i < m->taps; i++) {
        double t = (double)i - 0.5 * (double)(m->taps - 1);
        double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)m->taps);
        double s = fabs(t) < 1e-9 ? 2 * cut : sin(2 * M_PI * cut * t) / (M_PI * t);
        m->weights[i] = (float)(s * w);
        sum += s * w;
    }
    for (size_t i = 0; i < m->taps; i++)
        m->weights[i] = (float)(m->weights[i] / sum);
}

static void spectrum(struct ta_sound_mains *m, int channel)
{
    for (int i = 0; i < SIZE; i++)
        m->in[i] = m->low[channel][i] * m->window[i];
    m->transform(m->tx, m->out, m->in, sizeof(float));
    for (int i = 0; i < BINS; i++) {
        double re = m->out[i].re, im = m->out[i].im;
        m->sums[channel][i] += TA_MAX(10 * log10(re * re + im * im + DBL_MIN), lowest_db);
    }
}

// A block is HOP low samples.
static void process(void *self, float *const *planes)
{
    struct ta_sound_mains *m = self;
    size_t factor = (size_t)m->factor, before = m->taps - 1;
    for (int c = 0; c < m->channels; c++) {
        memcpy(m->recent[c] + before, planes[c], HOP * factor * sizeof(float));
        memmove(m->low[c], m->low[c] + HOP, (SIZE - HOP) * sizeof(float));
        for (size_t i = 0; i < HOP; i++)
            m->low[c][SIZE - HOP + i] = m->dsp->dot(m->recent[c] + i * factor, m->weights, m->taps);
        memmove(m->recent[c], m->recent[c] + HOP * factor, before * sizeof(float));
    }
    if (++m->fill < SIZE / HOP)
        return;
    m->spectra++;
    for (int c = 0; c < m->channels; c++)
        spectrum(m, c);
}

struct ta_sound_mains *ta_sound_mains_create(int rate, int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_mains *m = ta_xcalloc(1, sizeof *m);
    m->dsp = ta_sound_dsp();
    m->channels = channels;
    m->factor = TA_MAX(rate / LINES_RATE, 1);
    m->rate = (double)rate / m->factor;
    m->taps = (size_t)m->factor * 16 + 1;
    m->weights = ta_sound_alloc(m->taps, sizeof(float));
    make_filter(m);
    ta_sound_block_init(&m->block, HOP * (size_t)m->factor, channels);
    m->recent = ta_sound_planes(channels, m->taps - 1 + m->block.size);
    m->low = ta_sound_planes(channels, SIZE);
    m->sums = ta_xcalloc((size_t)channels, sizeof *m->sums);
    for (int c = 0; c < channels; c++)
        m->sums[c] = ta_sound_alloc(BINS, sizeof(double));
    m->window = ta_sound_alloc(SIZE, sizeof(float));
    // A sine of amplitude 1 between no bins makes 0 dB.
    for (int i = 0; i < SIZE; i++)
        m->window[i] = (float)((1 - cos(2 * M_PI * i / SIZE)) * 2 / SIZE);
    m->in = ta_sound_alloc(SIZE, sizeof(float));
    m->out = ta_sound_alloc(BINS, sizeof *m->out);
    float scale = 1;
    if (av_tx_init(&m->tx, &m->transform, AV_TX_FLOAT_RDFT, 0, SIZE, &scale, 0) < 0)
        ta_sound_mains_destroy(&m);
    return m;
}

void ta_sound_mains_destroy(struct ta_sound_mains **mains)
{
    struct ta_sound_mains *m = *mains;
    if (!m)
        return;
    ta_sound_block_release(&m->block);
    av_tx_uninit(&m->tx);
    for (int c = 0; c < m->channels; c++)
        free(m->sums[c]);
    free(m->sums);
    free(m->recent);
    free(m->low);
    free(m->weights);
    free(m->window);
    free(m->in);
    free(m->out);
    ta_freep(mains);
}

void ta_sound_mains_add(struct ta_sound_mains *mains, const float *const *planes, size_t samples)
{
    ta_sound_block_hear(&mains->block, planes, samples, process, mains);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle_around(const double *levels, int i)
{
    double near[2 * AROUND + 1];
    int from = TA_MAX(TA_MIN(i, BINS - 1) - AROUND, 0), to = TA_MIN(i + AROUND, BINS - 1);
    size_t n = (size_t)(to - from) + 1;
    memcpy(near, levels + from, n * sizeof *near);
    qsort(near, n, sizeof *near, compare);
    return near[n / 2];
}

// How far each bin stands out of the middle of those around it, dB.
static void stand_out(const double *levels, double *out)
{
    double a = middle_around(levels, 0), b = a;
    for (int i = 0; i < BINS; i++) {
        if (i % STRIDE == 0) {
            a = b;
            b = middle_around(levels, i + STRIDE);
        }
        double f = (double)(i % STRIDE) / STRIDE;
        out[i] = levels[i] - (a * (1 - f) + b * f);
    }
}

static double at(const double *bins, double place)
{
    if (place < 1 || place > BINS - 2)
        return 0;
    int i = (int)place;
    double f = place - i;
    return bins[i] * (1 - f) + bins[i + 1] * f;
}

struct candidate {
    double frequency, score;
    int count;
};

// dB beyond what noise does by itself, at most 24 each, the lower harmonics counted for more.
static struct candidate try(const struct ta_sound_mains *m, const double *out, double frequency, double noise)
{
    struct candidate c = {.frequency = frequency};
    double highest = TA_MIN(1010.0, m->rate * 0.45);
    for (int k = 1; k <= TA_SOUND_HARMONICS && k * frequency <= highest; k++) {
        double e = at(out, k * frequency / m->rate * SIZE);
        c.count += e > noise;
        if (e > noise || k <= 4)
            c.score += TA_MAX(TA_MIN(e - noise, 24), -3) * (k <= 6 ? 1 : 0.5);
    }
    return c;
}

// The place of the peak of harmonic k next to where it should be, in bins; below 0: there is none.
static double peak_of(const struct ta_sound_mains *m, const double *out, double frequency, int k,
                      double noise)
{
    int i = (int)lrint(k * frequency / m->rate * SIZE), best = i;
    if (i < 3 || i > BINS - 4)
        return -1;
    for (int d = -1; d <= 1; d++)
        if (out[i + d] > out[best])
            best = i + d;
    double a = out[best - 1], b = out[best], c = out[best + 1];
    if (b <= noise || b < a || b < c || a - 2 * b + c >= 0)
        return -1;
    return best + 0.5 * (a - c) / (a - 2 * b + c);
}

// The frequency that the peaks of all harmonics agree on best.
static double refine(const struct ta_sound_mains *m, const double *out, double frequency, double noise)
{
    double up = 0, down = 0;
    for (int k = 1; k <= TA_SOUND_HARMONICS && k * frequency <= 0.45 * m->rate; k++) {
        double place = peak_of(m, out, frequency, k, noise);
        if (place < 0)
            continue;
        up += k * place * m->rate / SIZE;
        down += (double)k * k;
    }
    return down > 0 ? up / down : frequency;
}

static double level_of(const struct ta_sound_mains *m, const double *levels, const double *out,
                       double frequency, double noise)
{
    double power = 0;
    double highest = TA_MIN(1010.0, m->rate * 0.45);
    for (int k = 1; k <= TA_SOUND_HARMONICS && k * frequency <= highest; k++) {
        int i = (int)lrint(k * frequency / m->rate * SIZE), best = i;
        for (int d = -2; d <= 2; d++)
            if (i + d > 0 && i + d < BINS && levels[i + d] > levels[best])
                best = i + d;
        if (out[best] <= noise)
            continue;
        // The bins of the window's main lobe hold 1.5 times the square of the amplitude.
        double sum = 0;
        for (int d = -2; d <= 2; d++)
            if (best + d > 0 && best + d < BINS)
                sum += pow(10, levels[best + d] / 10);
        power += sum / 1.5 / 2;
    }
    return power > 0 ? 10 * log10(power) : lowest_db;
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static void hear_channel(const struct ta_sound_mains *m, int channel, double *levels, double *out,
                         struct ta_sound_mains_result *result)
{
    for (int i = 0; i < BINS; i++)
        levels[i] = m->sums[channel][i] / m->spectra;
    stand_out(levels, out);
    // A bin of noise deviates by 5.6 dB, the mean of `spectra` of them by less; those that overlap by half
    // count as somewhat fewer.
    double noise = 3 * 5.6 / sqrt(m->spectra * 0.8) + 2;
    struct candidate best = {0};
    for (int mains = 50; mains <= 60; mains += 10)
        for (int i = 0; i < CANDIDATES; i++) {
            double f = mains * (0.98 + 0.04 * i / (CANDIDATES - 1));
            struct candidate c = try(m, out, f, noise);
            if (c.score > best.score)
                best = c;
        }
    if (best.score <= 0)
        return;
    // Two lines of 12 dB are some evidence; a single one may be a note.
    double confidence = clamp((best.score - 6) / 24) * clamp((m->spectra + 1) / 4.0);
    if (best.count < 2)
        confidence *= 0.4;
    if (confidence <= result->confidence)
        return;
    result->confidence = confidence;
    result->frequency = refine(m, out, best.frequency, noise);
    result->harmonics = best.count;
    result->level_db = level_of(m, levels, out, best.frequency, noise);
}

void ta_sound_mains_result(const struct ta_sound_mains *mains, struct ta_sound_mains_result *out)
{
    *out = (struct ta_sound_mains_result){.level_db = lowest_db, .spectra = mains->spectra};
    if (!mains->spectra)
        return;
    double *levels = ta_sound_alloc(BINS, sizeof *levels), *over = ta_sound_alloc(BINS, sizeof *over);
    for (int c = 0; c < mains->channels; c++)
        hear_channel(mains, c, levels, over, out);
    free(levels);
    free(over);
}
